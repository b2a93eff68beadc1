"""The first load: everything in the ledger, through columns and Neo4j's import tool, into an empty bundled database.

Nothing of it is kept half: while it runs, the record store says so, and the next run begins again from the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from addresses.beside import processes
from graph.constraints import ensure_schema
from graph.importer import import_graph
from graph.meta import read_meta
from graph.store import Store
from graph.writer import write_meta
from ledger import Batch
from loaders import retention
from loaders.bulk.digest import Digested, Digesting, Frame, by_batch
from loaders.bulk.fold import ColumnFold, Part
from loaders.bulk.keeping import About, Counts, Keeping, States, Task, TraitIndex
from loaders.bulk.memory import give_back
from loaders.bulk.spool import Spool
from loaders.bulk.tables import LinkTable
from loaders.declaration import Feed
from loaders.fold import Version
from loaders.intake import FileSummary
from loaders.run import (
    REPORTS,
    REPORTS_NOW,
    ROLLED_FOR,
    TURNING,
    Loader,
    Summary,
    new_graph_id,
)
from ontology import ONTOLOGY

LEAST_ROWS = 20_000
KEEPING = "记录库 record store"
UNFINISHED = "first_load"
PART = 2_000_000
_TYPES = {int: "long", float: "double", bool: "boolean", str: "string"}

Open = Callable[[], AbstractAsyncContextManager[Store]]


async def is_first(loader: Loader, store: Store, bundled: bool) -> bool:
    """Whether what waits should go through the import tool: much of it, into an empty bundled database."""
    if bundled and loader.records.meta(UNFINISHED) is not None:
        return True
    # In this order: how much the ledger holds takes longer to say, the more it has received.
    if not bundled or await read_meta(store) or not is_large(loader, bundled):
        return False
    return await store.read_one("MATCH (n) RETURN 1 AS x LIMIT 1") is None


def is_large(loader: Loader, bundled: bool) -> bool:
    """Whether the whole of the ledger is worth the import tool's start."""
    return bundled and sum(b.rows for b in _received(loader)) >= LEAST_ROWS


def _received(loader: Loader) -> list[Batch]:
    return [b for b in loader.ledger.batches() if b.state == "received" and b.feed in loader.feeds]


async def first_load(loader: Loader, data: Path, connect: Open, heap_mb: int = 1024) -> Summary:
    """Loads all that the ledger holds; call it under the ledger's lease, with no store open.

    Args:
        connect: opens a store on the data directory's engine, which is started.

    Raises:
        EngineError: ENGINE_IMPORT and what starting the engine raises.
    """
    load = _FirstLoad(loader, data)
    try:
        load.begin()
        summary = load.digest()
        with Keeping(processes(load.rows), loader.ledger.directory) as keeping:
            load.fold(keeping)
            loader.forget_claims()
            await load.import_and_keep(keeping, heap_mb)
    finally:
        load.spool.close()
    async with connect() as store:
        await ensure_schema(store, lambda done, total: loader.progress("索引 indexes", done, total))
        await write_meta(store, load.meta())
    load.end()
    summary.changed = load.entities
    summary.unplaced = loader.unplaced()
    return summary


class _FirstLoad:
    def __init__(self, loader: Loader, data: Path) -> None:
        self.loader = loader
        self.data = data
        self.today = loader.clock.today().isoformat()
        self.spool = Spool(loader.ledger.directory / "first_load")
        self.rows = 0
        self.entities = 0
        self._nodes: dict[str, list[str]] = {}
        self._links: dict[str, list[str]] = {}
        self._fold: ColumnFold | None = None
        # Ids of places: those that are described, and those that relationships lead to.
        self._places: list[pl.Series] = []
        self._ends: list[pl.Series] = []

    def begin(self) -> None:
        """Takes back whatever an earlier run left."""
        self.loader.forget()
        retention.finish(self.loader)
        self.loader.records.set_meta(UNFINISHED, "running")

    # -- rows → records and claims ----------------------------------------------------------------------------------

    def digest(self) -> Summary:
        summary = Summary()
        batches = _received(self.loader)
        self.rows = total = sum(b.rows for b in batches)
        loader, done = self.loader, 0
        with Digesting(
            processes(total), loader.feeds, loader.terms, loader.ledger.vault.sealer(), self.spool.writer
        ) as digesting:
            frames = (Frame(b, loader.day_of(b), rows) for b in batches for rows in loader.ledger.frames(b))
            for batch, found in by_batch(batches, digesting.each(frames)):
                summary.files.append(self._digest(batch, found, done, total))
                done += batch.rows
        return summary

    def _digest(self, batch: Batch, digested: Iterable[Digested], before: int, total: int) -> FileSummary:
        loader, records = self.loader, self.loader.records
        feed = loader.feeds[batch.feed]
        read = loaded = rejected = dropped = 0
        keys: list[tuple[str, str]] = []
        with records.transaction():
            unread = records.put_rejections(batch.no, feed.feed, loader.ledger.faults(batch))
            rejected += unread
            for found in digested:
                loader.note_cells(batch, found.checked)
                records.put_sealed(found.records)
                self.spool.take(found.files)
                keys += found.keys
                read += found.read
                loaded += found.loaded
                rejected += found.checked.rejected_rows
                dropped += found.checked.dropped_cells
                loader.progress("记录 records", before + read, total)
            if feed.mode == "snapshot":
                self._close_lost(feed, batch, keys)
            records.set_digested(batch.no, loaded, rejected, dropped)
        return FileSummary(
            batch.no, batch.file, feed.feed, batch.rows + unread, loaded, rejected, dropped, False
        )

    def _close_lost(self, feed: Feed, batch: Batch, keys: list[tuple[str, str]]) -> None:
        changed = sorted(self.loader.put_snapshot(feed, batch, keys))
        lost = pl.DataFrame({"__rkey": pl.Series(changed, dtype=pl.String)})
        self.spool.put(f"again.{feed.feed}", lost)

    # -- claims → what the graph should hold ------------------------------------------------------------------------

    def fold(self, keeping: Keeping) -> None:
        """What the graph should hold, as files for the import tool; and for the record store, which is given it meanwhile."""
        loader = self.loader
        about = self.spool.files("about")
        keeping.begin(About(about, self.spool.rows("about")))

        def versions(ids: Sequence[str]) -> dict[str, list[Version]]:
            # They are found by what they are about.
            kept_about()
            return loader.versions(ids)

        @cache
        def kept_about() -> None:
            keeping.finish()
            self.spool.drop("about")

        fold = ColumnFold(
            self.spool, loader.places, loader.feeds, self.today, versions, loader.record_versions,
            loader.disagreements, loader.progress,
        )  # fmt: skip
        self._fold = fold
        fold.take_changes(loader.changes())
        fold.take_addresses()
        give_back()
        kept_about()
        fold.find_places()
        give_back()
        loader.records.unindex_traits()
        fold.link_people(loader.known_as.people, keeping.begin)
        fold.link_incidents(loader.known_as.incidents, keeping.begin)
        keeping.begin(TraitIndex())
        give_back()
        fold.arrange()
        give_back()
        for part in fold.parts():
            links = [self._put_links(part, table, frame) for table, frame in part.links.items()]
            nodes = self._put_nodes(part)
            if nodes:
                keeping.begin(States(nodes, [file for files in links for file in files], part.nodes.height))
            # Before the next is folded.
            del part
            give_back()
        self._put_unknown()
        counts = fold.rollups.counts().sort("code", "counter")
        keeping.begin(Counts(self._files("rollups", counts)))
        fold.release()
        give_back()

    def _files(self, table: str, frame: pl.DataFrame) -> list[Path]:
        return [file.path for file in self.spool.writer.write(table, frame)]

    def _put_nodes(self, part: Part) -> list[Path]:
        """Leaves nodes for the import tool, with its headers; gives the files that are for the record store, ordered."""
        assert self._fold is not None
        frame, label = part.nodes, part.label
        if not frame.height:
            return []
        self.entities += frame.height
        if label == "Address":
            self._places.append(frame.get_column("id"))
        kept = self._files(f"state.{label}", frame)
        if label == "Address":
            counts = self._fold.rollups.counts().join(frame.select("code"), on="code", how="semi")
            if counts.height:
                wide = counts.pivot("counter", index="code", values="n")
                frame = frame.drop(c for c in frame.columns if c in wide.columns and c != "code")
                frame = frame.join(wide, on="code", how="left", maintain_order="left")
        fields = ONTOLOGY.entities[label].fields()
        headers = [pl.col("id").alias(f"id:ID({label})")]
        for name in frame.columns:
            if name != "id" and frame[name].null_count() < frame.height:
                spec = fields[name]
                headers.append(pl.col(name).alias(f"{name}:{_TYPES[spec.type]}{'[]' if spec.many else ''}"))
        name = self._write(f"{label}.{part.number}.parquet", frame.select(headers))
        self._nodes.setdefault(label, []).append(name)
        return kept

    def _put_links(self, part: Part, table: LinkTable, frame: pl.DataFrame) -> list[Path]:
        """As `_put_nodes`, of relationships that nodes of the part keep."""
        if not frame.height:
            return []
        if table.end == "Address":
            self._ends.append(frame.get_column("end").unique())
            if sum(map(len, self._ends)) > PART:
                self._ends = [pl.concat(self._ends).unique()]
        owner = table.owner.removeprefix("__")
        owned = frame.with_columns(pl.col(owner).alias("owner"), pl.lit(table.type).alias("type"))
        kept = self._files(f"links.{part.label}", owned)
        fields = ONTOLOGY.links[table.type].fields()
        headers = [
            pl.col("start").alias(f":START_ID({table.start})"),
            pl.col("end").alias(f":END_ID({table.end})"),
            pl.col("k").alias("k:string"),
        ]
        headers += [
            pl.col(name).alias(f"{name}:{_TYPES[fields[name].type]}")
            for name in frame.columns
            if name in fields and frame[name].null_count() < frame.height
        ]
        name = self._write(f"{table.name}.{part.number}.parquet", frame.select(headers))
        self._links.setdefault(table.type, []).append(name)
        return kept

    def _put_unknown(self) -> None:
        """Places that relationships lead to and nothing describes: the import tool wants them, the incremental way makes them by their id too."""
        if not self._ends:
            return
        led_to = pl.DataFrame({"id": pl.concat(self._ends).unique().sort()})
        known = pl.DataFrame({"id": pl.concat(self._places)}) if self._places else led_to.clear()
        unknown = led_to.join(known, on="id", how="anti")
        if unknown.height:
            name = self._write("Address.unknown.parquet", unknown.rename({"id": "id:ID(Address)"}))
            self._nodes.setdefault("Address", []).append(name)
        self._places, self._ends = [], []

    def _write(self, name: str, frame: pl.DataFrame) -> str:
        frame.write_parquet(self.spool.directory / f"import.{name}", compression="zstd", compression_level=1)
        return f"import.{name}"

    # -- into the graph, and beside it into the record store --------------------------------------------------------

    async def import_and_keep(self, keeping: Keeping, heap_mb: int) -> None:
        """Both at once. Whatever becomes of them, neither goes on when this returns."""
        with ThreadPoolExecutor(2) as pool:
            both = pool.submit(self.import_, heap_mb), pool.submit(self.keep, keeping)
            try:
                await asyncio.gather(*map(asyncio.wrap_future, both))
            finally:
                # The record store is closed next, and a thread that still wrote to it would take the process down.
                keeping.stop()

    def import_(self, heap_mb: int) -> None:
        import_graph(
            self.data,
            self.spool.directory,
            self._nodes,
            self._links,
            heap_mb=heap_mb,
            progress=self.loader.progress,
        )

    def keep(self, keeping: Keeping) -> None:
        """Fills the record store with what the graph will hold."""
        assert self._fold is not None
        done = 0

        def told(task: Task) -> None:
            nonlocal done
            done += task.rows if isinstance(task, States) else 0
            self.loader.progress(KEEPING, done, self.entities)

        keeping.finish(told)
        records = self.loader.records
        with records.transaction():
            records.put_disagreements((), self._fold.disagreements)
            records.put_turning(self._fold.turning.iter_rows())
            self.loader.places.keep()
            if self.loader.places.genealogy:
                self.loader.places.keep_changes()

    def meta(self) -> dict[str, Any]:
        graph = self.loader.ledger.meta("graph")
        if graph is None:
            graph = new_graph_id()
            self.loader.ledger.set_meta("graph", graph)
        return {"graph": graph, **self.loader.facts(self.today)}

    def end(self) -> None:
        records = self.loader.records
        with records.transaction() as db:
            records.set_meta("graph", str(self.loader.ledger.meta("graph")))
            records.set_meta(ROLLED_FOR, self.today)
            records.set_meta(TURNING, self.today)
            records.set_meta(REPORTS, REPORTS_NOW)
            records.note_applied()
            # Other processes have followed the addresses of the store as it was.
            records.new_epoch()
            db.execute("DELETE FROM meta WHERE name = ?", (UNFINISHED,))
        self.loader.places.settled()
        self.loader.places.persist(lambda: self.loader.progress("地名索引 index", 0, 1))
