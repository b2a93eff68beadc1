"""Frames on disk between the steps of a first load, so that no step holds more than its part of the district."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import polars as pl


class Spool:
    """Parts of named tables; a table's parts may differ in which columns they have."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, mode=0o700)
        self._parts: dict[str, list[Path]] = defaultdict(list)
        self._rows: dict[str, int] = defaultdict(int)
        self._written = 0

    def put(self, table: str, frame: pl.DataFrame) -> None:
        if frame.height:
            self._written += 1
            path = self.directory / f"{self._written}-{table}.parquet"
            frame.write_parquet(path, compression="lz4", statistics=False)
            self._parts[table].append(path)
            self._rows[table] += frame.height

    def tables(self) -> list[str]:
        return sorted(self._parts)

    def rows(self, table: str) -> int:
        return self._rows[table]

    def get(self, table: str, columns: Iterable[str] | None = None) -> pl.DataFrame:
        """The whole of a table; columns that a part has not are null there."""
        if columns is None:
            parts = [pl.read_parquet(path) for path in self._parts.get(table, ())]
            return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()
        wanted = list(columns)
        parts = []
        for path in self._parts.get(table, ()):
            there = pl.read_parquet_schema(path)
            parts.append(pl.read_parquet(path, columns=[c for c in wanted if c in there]))
        found = pl.concat(parts, how="diagonal") if parts else pl.DataFrame()
        missing = [pl.lit(None, dtype=pl.String).alias(c) for c in wanted if c not in found.columns]
        return (
            found.with_columns(missing).select(wanted)
            if found.width
            else pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
        )

    def scan(self, table: str) -> list[pl.LazyFrame]:
        """The parts of a table, to be filtered before they are held."""
        return [pl.scan_parquet(path) for path in self._parts.get(table, ())]

    def drop(self, table: str) -> None:
        for path in self._parts.pop(table, ()):
            path.unlink()
        self._rows.pop(table, None)

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
