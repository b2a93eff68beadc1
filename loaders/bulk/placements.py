"""What every place key of a first load means: kept in the record store as it is found, and here by digests of the keys.

A large district has millions of keys. So they are looked at in ranges, one after the other in the order of the keys, and of each only
that is held in memory which the columns of claims are joined with.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from addresses.beside import processes
from addresses.gazetteer import Placement
from loaders.bulk.spool import Spool
from loaders.bulk.tables import link_tables
from loaders.mapping import split_place_key
from loaders.places import PlaceBase

# Rows of claims that a range is of, about; keys that are looked at and kept together; and one of how many rows the ranges are told from.
RANGE = 1_500_000
CHUNK = 20_000
SAMPLE = 499
_SEEDS = (7, 11)
_SCHEMA = {"a": pl.UInt64, "b": pl.UInt64, "code": pl.String, "level": pl.String, "sure": pl.Float64, "several": pl.Boolean}  # fmt: skip


class Placements:
    """The places that the claims of a spool name, and what they mean."""

    def __init__(self, spool: Spool, places: PlaceBase) -> None:
        self._spool = spool
        self._places = places
        self._found = pl.DataFrame(schema=_SCHEMA)

    def find(self, progress: Callable[[int, int], None]) -> None:
        """Looks at all keys; call it when every place is known."""
        total = sum(self._spool.rows(t.name) for t in link_tables(self._spool))
        bounds = self._bounds(total)
        begun: deque[tuple[pl.Series, float]] = deque()

        def parts() -> Iterator[list[str]]:
            for i, (low, high) in enumerate(bounds):
                keys = self._keys(low, high)
                for start in range(0, keys.len(), CHUNK):
                    part = keys.slice(start, CHUNK)
                    begun.append((part, (i + min(1.0, (start + CHUNK) / keys.len())) / len(bounds)))
                    yield part.to_list()

        frames = []
        for placed in self._places.find(parts(), processes(total)):
            part, done = begun.popleft()
            frames.append(self._table(part, placed))
            progress(int(done * total), total)
        if frames:
            self._found = pl.concat(frames, rechunk=True)

    def of(self, keys: pl.Series) -> pl.DataFrame:
        """`code`, `level`, `sure` and `several` (whether other places had the code before, or have come of it) of each key, in their order."""
        digests = _digests(keys)
        found = self._joined(digests)
        unknown = keys.filter(keys.is_not_null() & found.get_column("several").is_null())
        if unknown.len():
            self._found = pl.concat([self._found, self._look(unknown.unique())])
            found = self._joined(digests)
        return found

    def _joined(self, digests: pl.DataFrame) -> pl.DataFrame:
        return digests.join(self._found, on=["a", "b"], how="left", maintain_order="left").drop("a", "b")

    def _look(self, keys: pl.Series) -> pl.DataFrame:
        (placed,) = self._places.find([keys.to_list()])
        return self._table(keys, placed)

    def _table(self, keys: pl.Series, placed: Sequence[Placement]) -> pl.DataFrame:
        rows = [
            (p.code, p.level, p.confidence, p.code is not None and self._several(key, p.code))
            for key, p in zip(keys.to_list(), placed, strict=True)
        ]
        schema = {c: _SCHEMA[c] for c in ("code", "level", "sure", "several")}
        return _digests(keys).hstack(pl.DataFrame(rows, schema=schema, orient="row"))

    def _several(self, key: str, code: str) -> bool:
        if len(self._places.pieces(code)) > 1:
            return True
        given = split_place_key(key)[0]
        return given is not None and self._places.genealogy.reused(given)

    def _scan(self) -> Iterator[pl.LazyFrame]:
        for table in link_tables(self._spool):
            for part in self._spool.scan(table.name):
                yield part.select(pl.col("__place").alias("key")).drop_nulls()

    def _keys(self, low: str | None, high: str | None) -> pl.Series:
        within = pl.lit(True)
        if low is not None:
            within &= pl.col("key") >= low
        if high is not None:
            within &= pl.col("key") < high
        frames = [part.filter(within).unique().collect() for part in self._scan()]
        if not frames:
            return pl.Series("key", [], dtype=pl.String)
        return pl.concat(frames).unique().get_column("key").sort()

    def _bounds(self, total: int) -> list[tuple[str | None, str | None]]:
        """Ranges of keys, of about as many rows each."""
        parts = -(-total // RANGE) or 1
        if parts == 1:
            return [(None, None)]
        sample = pl.concat([part.gather_every(SAMPLE).collect() for part in self._scan()])
        ordered = sample.get_column("key").sort()
        cuts = [ordered[ordered.len() * i // parts] for i in range(1, parts)] if ordered.len() else []
        edges = [None, *dict.fromkeys(cuts), None]
        return list(itertools.pairwise(edges))


def _digests(keys: pl.Series) -> pl.DataFrame:
    """Two numbers of 64 bits for each key: among millions of keys no two have both alike."""
    given = keys.is_not_null()
    found = pl.DataFrame({"a": keys.hash(_SEEDS[0]), "b": keys.hash(_SEEDS[1])})
    return found.with_columns(pl.when(given).then(pl.col(c)).alias(c) for c in found.columns)
