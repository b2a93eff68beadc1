"""What a first load leaves in the record store that it does not ask for again: written by a process beside it while it goes on.

SQLite takes one writer at a time: whoever gives tasks to another process writes nothing into the record store itself until they are done.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import polars as pl

from addresses.beside import LOOK_SECONDS, Beside
from ledger.records import RecordFiller
from loaders.bulk.memory import give_back
from loaders.json_text import json_object, json_value

# Rows that are sorted together, and states that are made into Python's bytes at once.
PART = 1_000_000
STATES = 20_000
# Traits that are sorted together, about; and one of how many they are told apart by.
TRAITS = 500_000
SAMPLE = 499


class About(NamedTuple):
    """Files of which record speaks of what: `key`, `feed`, `rkey`."""

    files: list[Path]
    rows: int


class States(NamedTuple):
    """Files of some entities: their nodes, ordered by id, and by type of relationship those that they keep."""

    nodes: list[Path]
    links: list[Path]
    rows: int


class Counts(NamedTuple):
    """Files of all roll-ups, `code`, `counter` and `n`, ordered by the first two."""

    files: list[Path]


class Traits(NamedTuple):
    """Files of what raw entities of a label are told by, `raw` and `value`: by kind."""

    files: dict[str, list[Path]]


class Links(NamedTuple):
    """Files of who is whom, as `loaders.identity.linker` decides it."""

    files: list[Path]


class TraitIndex(NamedTuple):
    """The second index of traits."""


Task = About | Traits | Links | TraitIndex | States | Counts
Stop = Callable[[], bool]


class Stopped(Exception):
    """Nobody waits for the rest any more."""


def keep(directory: Path, task: Task, stop: Stop, spill: Path | None = None) -> None:
    """Writes what a task says into the record store of a ledger's directory, all of it or nothing.

    Args:
        spill: as of `RecordFiller.of`.

    Raises:
        Stopped: when there is reason to.
        UsageError: LEDGER_BUSY.
    """
    filler = RecordFiller.of(directory, spill)
    try:
        with filler.transaction():
            match task:
                case About(files, rows):
                    for part in _ordered(files, rows):
                        filler.put_about(_counted(part.iter_rows(), stop))
                case Traits(files_of):
                    for kind in sorted(files_of):
                        for part in _in_order(pl.concat(map(pl.scan_parquet, files_of[kind]))):
                            traits = part.select(pl.lit(kind), "value", "raw").iter_rows()
                            filler.put_traits(_counted(traits, stop))
                case Links(files):
                    links = (row for file in files for row in pl.read_parquet(file).iter_rows())
                    filler.put_links(_counted(links, stop))
                case TraitIndex():
                    filler.index_traits()
                case States(nodes, links, _):
                    filler.put_folded(_counted(_states(nodes, links), stop))
                case Counts(files):
                    rows_of = (row for file in files for row in pl.read_parquet(file).iter_rows())
                    filler.put_rollups(_counted(rows_of, stop))
            if stop():
                raise Stopped
    finally:
        filler.close()


class Keeping:
    """Tasks, done one after the other in a process beside this one; for one process alone, by whoever waits for them.

    Args:
        many: how many processes there may be.
        directory: of the ledger.
    """

    def __init__(self, many: int, directory: Path) -> None:
        self._directory = directory
        self._beside = Beside(1, _prepare, directory, lean=True) if many > 1 else None
        self._begun: list[tuple[Task, Future[None] | None]] = []
        self._stopped = False

    def __enter__(self) -> Keeping:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self._stopped = True
        if self._beside is not None:
            self._beside.__exit__(failed)

    def stop(self) -> None:
        """Lets whoever does a task in this process leave it."""
        self._stopped = True

    def begin(self, task: Task) -> None:
        """Has a task done, some time before `finish` returns."""
        self._begun.append((task, self._beside.begin(_keep, task) if self._beside is not None else None))

    def finish(self, done: Callable[[Task], None] = lambda task: None) -> None:
        """Waits for all tasks.

        Args:
            done: called after each.

        Raises:
            Stopped: when it was stopped meanwhile.
            QuanxiError: PROCESS_KILLED, and what the tasks raise.
        """
        while self._begun:
            task, future = self._begun.pop(0)
            if future is not None:
                self._result(future)
            else:
                keep(self._directory, task, lambda: self._stopped)
            done(task)

    def _result(self, future: Future[None]) -> None:
        assert self._beside is not None
        while not self._beside.is_done(future, LOOK_SECONDS):
            if self._stopped:
                raise Stopped


_directory: Path | None = None
_owner = 0


def _prepare(directory: Path) -> None:
    global _directory, _owner
    _directory, _owner = directory, os.getppid()


def _keep(task: Task) -> None:
    assert _directory is not None

    def orphaned() -> bool:
        # The next load may have begun already.
        return os.getppid() != _owner

    # An index of millions is sorted in gigabytes of memory else.
    keep(_directory, task, orphaned, spill=_directory)
    give_back()


def _counted(rows: Iterator[Any], stop: Stop) -> Iterator[Any]:
    for i, row in enumerate(rows):
        if i % STATES == 0 and stop():
            raise Stopped
        yield row


def _ordered(files: list[Path], rows: int) -> Iterator[pl.DataFrame]:
    """Rows about keys in the order of the keys, so that the index is written from front to back."""
    parts = -(-rows // PART) or 1
    if parts == 1:
        yield from _sorted(files)
        return
    with TemporaryDirectory(dir=files[0].parent) as directory:
        ranges: list[list[Path]] = [[] for _ in range(parts)]
        width = 2**64 // parts + 1
        for number, whole in enumerate(_together(files)):
            # Numbers of keys from the least on, so that they are divided without a sign.
            from_least = pl.col("key").reinterpret(signed=False) ^ pl.lit(2**63, dtype=pl.UInt64)
            of = whole.with_columns((from_least // width).alias("of"))
            for (part,), held in of.partition_by("of", as_dict=True, include_key=False).items():
                path = Path(directory) / f"{part}-{number}"
                held.write_parquet(path, compression="lz4", statistics=False)
                ranges[int(part)].append(path)
        for paths in ranges:
            yield from _sorted(paths)


def _sorted(files: list[Path]) -> Iterator[pl.DataFrame]:
    if files:
        yield pl.concat([pl.read_parquet(file) for file in files]).sort("key", "feed", "rkey")


def _together(files: list[Path]) -> Iterator[pl.DataFrame]:
    """The rows of files, about as many at a time as are sorted."""
    held: list[pl.DataFrame] = []
    for file in files:
        held.append(pl.read_parquet(file))
        if sum(frame.height for frame in held) >= PART:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def _in_order(traits: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Distinct traits in the order of value and raw, in parts: of a district's millions no more is sorted at once than need be."""
    sample = traits.select("value").gather_every(SAMPLE).collect().to_series().sort()
    parts = max(1, sample.len() * SAMPLE // TRAITS)
    cuts = list(dict.fromkeys(sample[sample.len() * i // parts] for i in range(1, parts)))
    for low, high in itertools.pairwise([None, *cuts, None]):
        within = pl.lit(True)
        if low is not None:
            within &= pl.col("value") >= low
        if high is not None:
            within &= pl.col("value") < high
        yield (
            traits.filter(within)
            .select("value", "raw")
            .unique()
            .sort("value", "raw")
            .collect(engine="streaming")
        )


def _states(nodes: list[Path], links: list[Path]) -> Iterator[tuple[str, bytes]]:
    """(id, encoded state) of entities, ordered by id: what `loaders.run.encode` writes of each."""
    frame = pl.concat([pl.read_parquet(file) for file in nodes], how="diagonal")
    values = frame.select("id", json_object(frame.columns).alias("values"))
    if links:
        owned = pl.concat([_links_of(pl.read_parquet(file)) for file in links])
        owned = owned.sort("owner", "type", "start", "end", "k")
        values = values.join(
            owned.group_by("owner").agg(pl.col("link").str.join(",")),
            left_on="id", right_on="owner", how="left", maintain_order="left",
        )  # fmt: skip
    else:
        values = values.with_columns(pl.lit("").alias("link"))
    state = pl.concat_str(
        pl.lit('{"l":['), pl.col("link").fill_null(""), pl.lit('],"p":'), "values", pl.lit("}")
    )
    for start in range(0, values.height, STATES):
        part = values.slice(start, STATES)
        yield from part.select("id", state.cast(pl.Binary).alias("state")).iter_rows()


def _links_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Relationships, each with its owner and the text that it is in its state."""
    own = [c for c in frame.columns if c not in ("owner", "type", "start", "end", "k")]
    parts = [*map(json_value, ("type", "start", "end", "k")), json_object(own)]
    inside = pl.concat_str(parts, separator=",")
    text = pl.concat_str(pl.lit("["), inside, pl.lit("]")).alias("link")
    return frame.select("owner", "type", "start", "end", "k", text)
