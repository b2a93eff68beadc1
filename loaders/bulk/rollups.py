"""How many there are in each place and grid, counted column by column as `loaders.fold.contributions` counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import polars as pl

COUNTS = {"code": pl.String, "counter": pl.String, "n": pl.Int64}


class Rollups:
    """Counts of (code of a place or grid, counter)."""

    def __init__(self) -> None:
        self._above = pl.DataFrame(schema={"code": pl.String, "above": pl.String})
        self._parts: list[pl.DataFrame] = []
        self._single: dict[tuple[str, str], int] = defaultdict(int)
        self._rows = 0

    def know(self, above: dict[str, str | None], above_of: Callable[[str], str | None]) -> None:
        """Learns which code each code lies in, and so on upwards.

        Args:
            above: code → the one directly above it, None at the top; what is above these is added to it.
            above_of: says it of those codes.
        """
        missing = {code for code in above.values() if code is not None and code not in above}
        while missing:
            found = {code: above_of(code) for code in missing}
            above.update(found)
            missing = {code for code in found.values() if code is not None and code not in above}
        schema = {"code": pl.String, "above": pl.String}
        self._above = pl.DataFrame({"code": list(above), "above": list(above.values())}, schema=schema)

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

    def add_each(self, counted: Mapping[tuple[str, str], int]) -> None:
        """Counts what was counted elsewhere: (code, counter) → how many."""
        for each, n in counted.items():
            self._single[each] += n

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
