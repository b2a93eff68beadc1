"""How many there are in each place and grid, counted column by column as `loaders.fold.contributions` counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import polars as pl

from addresses.scheme import Scheme

COUNTS = {"code": pl.String, "counter": pl.String, "n": pl.Int64}


class Rollups:
    """Counts of (code of a place or grid, counter)."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._above = pl.DataFrame(schema={"code": pl.String, "above": pl.String})
        self._parts: list[pl.DataFrame] = []
        self._single: dict[tuple[str, str], int] = defaultdict(int)
        self._rows = 0

    def know(self, codes: Iterable[str], lying: Callable[[str], Sequence[str]] | None = None) -> None:
        """Learns which code each of these lies in, and so on upwards.

        Args:
            lying: code → the codes that it lies in, top first, and itself; the scheme's own when left out.
        """
        above: dict[str, str | None] = {}
        for code in codes:
            if code in above or self._scheme.level_of(code) is None:
                continue
            chain = lying(code) if lying is not None else self._scheme.chain(code)
            for i in range(len(chain) - 1, -1, -1):
                if chain[i] in above:
                    break
                above[chain[i]] = chain[i - 1] if i else None
        self._above = pl.DataFrame(
            list(above.items()), schema={"code": pl.String, "above": pl.String}, orient="row"
        )

    def add(self, stands: pl.DataFrame, counter: str) -> None:
        """Counts what stands somewhere: `place` (the code, not the key) and `grid`; with `id`, each once in a place, of
        however many rows it has there."""
        if not stands.height:
            return
        if "id" in stands.columns:
            pairs = stands.select(pl.col("id").rank("dense").alias("i"), "place", "grid").with_columns(
                pl.lit(1, dtype=pl.Int64).alias("n")
            )
        else:
            pairs = (
                stands.group_by("place", "grid").agg(pl.len().cast(pl.Int64).alias("n")).with_row_index("i")
            )
        found = [self._lying_in(pairs, column) for column in ("place", "grid")]
        counted = pl.concat(found).unique(["i", "code"]).group_by("code").agg(pl.col("n").sum())
        self._put(counted.select("code", pl.lit(counter).alias("counter"), "n"))

    def add_each(self, counter: str, codes: Iterable[str]) -> None:
        """Counts one more in each of these."""
        for code in codes:
            self._single[code, counter] += 1

    def counts(self) -> pl.DataFrame:
        """`code`, `counter`, `n`: what was counted so far."""
        if self._single:
            rows = [(code, counter, n) for (code, counter), n in self._single.items()]
            self._parts.append(pl.DataFrame(rows, schema=COUNTS, orient="row"))
            self._single = defaultdict(int)
        if not self._parts:
            return pl.DataFrame(schema=COUNTS)
        if len(self._parts) > 1:
            whole = pl.concat(self._parts).group_by("code", "counter").agg(pl.col("n").sum())
            self._parts, self._rows = [whole], whole.height
        return self._parts[0]

    def _put(self, counted: pl.DataFrame) -> None:
        self._parts.append(counted)
        self._rows += counted.height
        if self._rows > 2 * self._parts[0].height + 1_000_000:
            self.counts()

    def _lying_in(self, pairs: pl.DataFrame, column: str) -> pl.DataFrame:
        """`i`, `code`, `n`: every code that lies above what a column says, and itself."""
        known = self._above.get_column("code").alias(column).to_frame()
        at = pairs.select("i", column, "n").drop_nulls(column).join(known, on=column, how="semi")
        at = at.select("i", pl.col(column).alias("code"), "n")
        found = [at]
        while at.height:
            at = at.join(self._above, on="code").select("i", pl.col("above").alias("code"), "n")
            at = at.drop_nulls("code")
            found.append(at)
        return pl.concat(found)
