"""Rows of a frame → checked, as sealed records and as files of claims: in this process, or in several beside it.

A frame's result depends on nothing but the frame, unless its feed declares that values are unique: then frames are taken one
after the other, here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from addresses.beside import Beside
from ledger import ROW, Batch, about_key
from ledger.vault import Sealer
from loaders import contract
from loaders.bulk.claims import ColumnMapper, mapped
from loaders.bulk.spool import SpoolFile, SpoolWriter
from loaders.bulk.tables import link_table, node_table
from loaders.declaration import Feed
from loaders.intake import record_keys, records_of
from loaders.mapping import ACTION
from ontology.terms import Terms


class Frame(NamedTuple):
    """Rows of a batch as received, and the day that they are judged by."""

    batch: Batch
    day: date
    rows: pl.DataFrame


@dataclass(slots=True)
class Digested:
    """What a frame came to.

    Attributes:
        batch: the number of its batch.
        read: how many rows it had.
        checked: as `loaders.contract` gives it, of its rows the numbers alone.
        records: as the record store keeps them, sealed, ordered by key.
        keys: of a snapshot, what `loaders.intake.record_keys` says of its rows.
        files: in the spool.
    """

    batch: int
    read: int
    checked: contract.Checked
    records: list[tuple[Any, ...]] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    files: list[SpoolFile] = field(default_factory=list)

    @property
    def loaded(self) -> int:
        return self.checked.rows.height + self.checked.deleted.height


class Digester:
    """Digests frames of feeds.

    Args:
        feeds: declarations by name.
        sealer: of the ledger's vault.
    """

    def __init__(self, feeds: Mapping[str, Feed], terms: Terms, sealer: Sealer, spool: SpoolWriter) -> None:
        self._feeds = feeds
        self._terms = terms
        self._seal = sealer.sealing()
        self._identity = sealer.identity
        self._spool = spool
        self._mappers: dict[str, ColumnMapper] = {}
        # Of the batch that is being digested: a checker knows of the frames before.
        self._checker: tuple[int, contract.Checker] | None = None

    def digest(self, frame: Frame) -> Digested:
        """Checks a frame, and writes what its rows claim into the spool's directory."""
        batch = frame.batch
        feed = self._feeds[batch.feed]
        if self._checker is None or self._checker[0] != batch.no:
            self._checker = batch.no, contract.Checker(feed, self._terms, frame.day)
        checked = self._checker[1].check(frame.rows)
        numbers = [f.select(ROW) if ROW in f.columns else f for f in (checked.rows, checked.deleted)]
        found = Digested(batch.no, frame.rows.height, replace(checked, rows=numbers[0], deleted=numbers[1]))
        if feed.mode == "snapshot":
            found.keys = record_keys(feed, checked.rows)
        for rows in (checked.rows, checked.deleted):
            if rows.height:
                self._take(feed, batch, rows, found)
        return found

    def _take(self, feed: Feed, batch: Batch, rows: pl.DataFrame, found: Digested) -> None:
        records = records_of(feed, batch, rows)
        seal = self._seal
        found.records += [(*r[:6], seal(r.payload)) for r in sorted(records, key=lambda r: r[1:4])]

        def put(table: str, frame: pl.DataFrame) -> None:
            found.files += self._spool.write(table, frame, feed.feed)

        rows = rows.with_columns(
            pl.lit(feed.feed).alias("__feed"),
            pl.Series("__rkey", [r.rkey for r in records]),
            pl.Series("__effective", [r.effective for r in records]),
            pl.Series("__hash", [r.hash for r in records], dtype=pl.Binary),
        )
        put(f"seen.{feed.feed}", rows.select("__rkey", "__effective", "__hash"))
        # What a row that takes something back comes to is for `loaders.fold` to say.
        if ACTION in rows.columns:
            put(f"again.{feed.feed}", rows.select("__rkey"))
        nodes, links = self._mapper(feed).claims(rows)
        about = [n.rows.select(pl.col("id").alias("about"), "__rkey") for n in nodes]
        for node in nodes:
            put(node_table(node.label), node.rows)
        for link in links:
            put(link_table(link.type, link.start, link.end).name, link.rows)
            named = link.rows.filter(pl.col("__place").is_not_null())
            about.append(named.select(pl.concat_str(pl.lit("place:"), "__place").alias("about"), "__rkey"))
        whole = pl.concat(about).unique()
        keys = mapped(whole.get_column("about"), about_key, pl.Int64)
        put(
            "about",
            whole.select(keys.alias("key"), pl.lit(feed.feed).alias("feed"), pl.col("__rkey").alias("rkey")),
        )

    def _mapper(self, feed: Feed) -> ColumnMapper:
        if feed.feed not in self._mappers:
            self._mappers[feed.feed] = ColumnMapper(feed, self._terms, self._identity)
        return self._mappers[feed.feed]


_digester: Digester | None = None


def _prepare(feeds: Mapping[str, Feed], terms: Terms, sealer: Sealer, spool: SpoolWriter) -> None:
    global _digester
    _digester = Digester(feeds, terms, sealer, spool)


def _digest(frame: Frame) -> Digested:
    assert _digester is not None
    return _digester.digest(frame)


class Digesting:
    """Digests batches in as many processes as it is given; in this one for fewer than two."""

    def __init__(
        self, many: int, feeds: Mapping[str, Feed], terms: Terms, sealer: Sealer, spool: SpoolWriter
    ) -> None:
        self._feeds = feeds
        self._own = Digester(feeds, terms, sealer, spool)
        self._beside = Beside(many, _prepare, dict(feeds), terms, sealer, spool) if many > 1 else None

    def __enter__(self) -> Digesting:
        return self

    def __exit__(self, *failed: object) -> None:
        if self._beside is not None:
            self._beside.__exit__(*failed)

    def each(self, frames: Iterable[Frame]) -> Iterator[Digested]:
        """What each frame comes to, in their order; those of the next batches are worked on while what is given is taken."""
        for in_order, run in itertools.groupby(frames, self._goes_in_order):
            if in_order or self._beside is None:
                yield from map(self._own.digest, run)
            else:
                yield from self._beside.map(_digest, run)

    def _goes_in_order(self, frame: Frame) -> bool:
        return any(check.unique for check in self._feeds[frame.batch.feed].checks)


def by_batch(
    batches: Iterable[Batch], found: Iterable[Digested]
) -> Iterator[tuple[Batch, Iterable[Digested]]]:
    """Each batch with what its frames came to, to be taken before the next; one without rows has none."""
    groups = itertools.groupby(found, lambda one: one.batch)
    coming = next(groups, None)
    for batch in batches:
        if coming is None or coming[0] != batch.no:
            yield batch, ()
        else:
            yield batch, coming[1]
            coming = next(groups, None)
