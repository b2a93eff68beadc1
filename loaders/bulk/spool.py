"""Frames on disk between the steps of a first load, so that no step holds more than its part of the district."""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

# What the random part of an id is written in (`loaders.mapping.mint`), in the order in which texts sort.
SYMBOLS = "234567abcdefghijklmnopqrstuvwxyz"


class SpoolFile(NamedTuple):
    """A file of a table; `group` says whose its rows are, where they are all of one feed."""

    table: str
    group: str
    path: Path
    rows: int


class SpoolWriter:
    """Writes files for a spool, in its process or in another."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, table: str, frame: pl.DataFrame, group: str = "") -> list[SpoolFile]:
        """A file of rows, if there are any, for `Spool.take`."""
        if not frame.height:
            return []
        path = self.directory / f"{uuid.uuid4().hex}-{table}.parquet"
        frame.write_parquet(path, compression="lz4", statistics=False)
        return [SpoolFile(table, group, path, frame.height)]


class Spool:
    """Files of named tables; a table's files may differ in which columns they have.

    A table may be *ranged*: laid out in parts of its ids, so that all that belongs to one id is in one part, and the parts
    one after another are in the order of the ids.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, mode=0o700)
        self._files: dict[str, list[tuple[str, Path]]] = defaultdict(list)
        self._rows: dict[str, int] = defaultdict(int)
        self.writer = SpoolWriter(directory)

    def put(self, table: str, frame: pl.DataFrame, group: str = "") -> None:
        """Adds a file of rows, if there are any; `group` says whose they are, where they are all of one feed."""
        self.take(self.writer.write(table, frame, group))

    def take(self, files: Iterable[SpoolFile]) -> None:
        """Adds files that its writer has written."""
        for file in files:
            self._files[file.table].append((file.group, file.path))
            self._rows[file.table] += file.rows

    def tables(self) -> list[str]:
        return sorted(self._files)

    def rows(self, table: str) -> int:
        return self._rows.get(table, 0)

    def get(self, table: str, columns: Iterable[str] | None = None, group: str | None = None) -> pl.DataFrame:
        """The whole of a table, or of a group's files; columns that a file has not are null there."""
        wanted = None if columns is None else list(columns)
        frames = [_read(path, wanted) for path in self._paths(table, group)]
        if not frames:
            return pl.DataFrame(schema=dict.fromkeys(wanted or (), pl.String))
        found = pl.concat(frames, how="diagonal", rechunk=False)
        if wanted is None:
            return found
        missing = [pl.lit(None, dtype=pl.String).alias(c) for c in wanted if c not in found.columns]
        return found.with_columns(missing).select(wanted)

    def frames(
        self, table: str, rows: int = 0, columns: Iterable[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """A table's files one by one, or as many together as make up `rows`."""
        wanted = None if columns is None else list(columns)
        held: list[pl.DataFrame] = []
        for path in self._paths(table, None):
            held.append(_read(path, wanted))
            if sum(f.height for f in held) >= rows:
                yield pl.concat(held, how="diagonal")
                held = []
        if held:
            yield pl.concat(held, how="diagonal")

    def scan(self, table: str) -> list[pl.LazyFrame]:
        """The files of a table, to be filtered before they are held."""
        return [pl.scan_parquet(path) for path in self._paths(table, None)]

    def put_ranged(self, table: str, frame: pl.DataFrame, column: str, parts: int) -> None:
        """Adds rows to the parts of a ranged table, by the ids in a column."""
        if parts == 1:
            self.put(part_name(table, 0), frame)
            return
        width = len(SYMBOLS) // parts
        symbol = pl.col(column).str.extract(r"_(.)")
        of = {s: i // width for i, s in enumerate(SYMBOLS)}
        frame = frame.with_columns(symbol.replace_strict(of, return_dtype=pl.UInt8).alias("__part"))
        for (part,), rows in frame.partition_by("__part", as_dict=True, include_key=False).items():
            self.put(part_name(table, int(part)), rows)

    def files(self, table: str) -> list[Path]:
        """The files of a table, for another process."""
        return self._paths(table, None)

    def rename(self, table: str, name: str) -> None:
        """Calls a table otherwise; its files stay what and where they are."""
        if table in self._files:
            self._files[name] += self._files.pop(table)
            self._rows[name] += self._rows.pop(table)

    def drop(self, table: str) -> None:
        for _, path in self._files.pop(table, ()):
            path.unlink()
        self._rows.pop(table, None)

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def _paths(self, table: str, group: str | None) -> list[Path]:
        return [path for of, path in self._files.get(table, ()) if group is None or of == group]


def part_name(table: str, part: int) -> str:
    """The table that one part of a ranged table is."""
    return f"{table}@{part}"


def id_range(prefix: str, part: int, parts: int) -> tuple[str, str]:
    """The ids of a part are from the first on and before the second."""
    width = len(SYMBOLS) // parts
    low = f"{prefix}_{SYMBOLS[part * width]}"
    return low, f"{prefix}_{SYMBOLS[(part + 1) * width]}" if part + 1 < parts else f"{prefix}`"


def parts_for(rows: int, most: int) -> int:
    """In how many parts (a power of two) a ranged table of so many rows has at most so many in each, as far as 32 parts go."""
    parts = 1
    while parts < len(SYMBOLS) and rows > most * parts:
        parts *= 2
    return parts


def _read(path: Path, wanted: list[str] | None) -> pl.DataFrame:
    if wanted is None:
        return pl.read_parquet(path)
    there = pl.read_parquet_schema(path)
    return pl.read_parquet(path, columns=[c for c in wanted if c in there])
