"""The loading run: files into the ledger, records into the store, touched keys through the fold, the difference into the graph.

A kill at any moment leaves `dirty` keys and batches not yet applied behind; the next run goes on from them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from addresses.scheme import Scheme
from graph.meta import read_meta
from graph.store import Store
from graph.writer import Difference, wipe, write, write_meta, write_rollups
from ledger import ROW, Batch, Ledger, Records, Rejection, StoredRecord, about_key
from ledger.pushes import PUSHED, Layout
from loaders import contract, readers
from loaders.declaration import Feed, feeds_taking
from loaders.disagreements import Said, disagreements
from loaders.fold import LinkState, State, Version, by_record, contributions, fold
from loaders.identity.known import Known
from loaders.identity.linker import Linker
from loaders.joins import joined
from loaders.mapping import SEPARATOR, Claims, Mapper, address_id, split_place_key
from loaders.places import PlaceBase, place_record
from loaders.pushed import feed_missing
from loaders.readers import Source, database_name
from ontology.clock import SHANGHAI, Clock
from ontology.errors import UsageError
from ontology.terms import Terms

Progress = Callable[[str, int, int | None], None]
CHUNK = 10_000
# Batches of fewer rows are not held for their size or rejects: a handful says nothing.
LEAST_HELD = 50
# Why a batch is loaded that would be held otherwise.
RELEASED = "released"
# In the record store's `meta`: the number of the last judgement that the links heed.
JUDGED = "judged"


@dataclass(slots=True)
class FileSummary:
    """What became of one file or sheet. `batch` is its number in the ledger."""

    batch: int
    file: str
    feed: str
    read: int
    loaded: int
    quarantined: int
    dropped_cells: int
    known: bool
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A place that records of a feed name and nobody knows: as text, or by a code (of `authority`, where it is not ours)."""

    feed: str
    text: str | None
    code: str | None
    authority: str | None
    records: int


@dataclass(slots=True)
class Summary:
    """What a run did. `changed` and `unchanged` count entities that the touched records speak of."""

    files: list[FileSummary] = field(default_factory=list)
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    unplaced: dict[str, int] = field(default_factory=dict)


def new_graph_id() -> str:
    """A name for a graph, by which ledger and graph know that they belong together."""
    return secrets.token_hex(8)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Feed files under the paths, in name order; a seeded district's own `feeds/` is found from its directory.

    Raises:
        UsageError: BAD_FILE when a path does not exist or holds no file of a kind that can be read.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            where = path / "feeds" if (path / "feeds").is_dir() else path
            files = sorted(p for p in where.iterdir() if p.name.lower().endswith(readers.SUFFIXES))
            if not files:
                raise UsageError(
                    "BAD_FILE",
                    f"{path} 中没有 CSV 或 XLSX 文件",
                    f"there is no CSV or XLSX file in {path}",
                )
            found += files
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError("BAD_FILE", f"没有文件 {path}", f"there is no file or directory {path}")
    return found


def encode(state: State) -> bytes:
    return orjson.dumps(
        {
            "p": state.values,
            "l": [[x.type, x.start, x.end, x.k, x.values] for x in state.links],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def decode(label: str, blob: bytes) -> State:
    raw = orjson.loads(blob)
    return State(label, raw["p"], tuple(LinkState(*x) for x in raw["l"]))


class _Held(Exception):
    """Undoes the digesting of a batch that a person should look at."""


class Loader:
    """Loads feeds of one data directory into one graph.

    Args:
        feeds: declarations by name.
        progress: called with stage, done, total (None when unknown).
        records: another record store than the ledger's own.
    """

    def __init__(
        self,
        ledger: Ledger,
        feeds: dict[str, Feed],
        terms: Terms,
        scheme: Scheme,
        clock: Clock,
        progress: Progress | None = None,
        records: Records | None = None,
    ) -> None:
        self.ledger = ledger
        self.records = records or Records(ledger.directory, ledger.vault)
        self.feeds: dict[str, Feed] = {}
        self.terms = terms
        self.scheme = scheme
        self.clock = clock
        self._mappers: dict[str, Mapper] = {}
        self._departments: dict[str, str] = {}
        for feed in feeds.values():
            self.add_feed(feed)
        self.progress = progress or (lambda stage, done, total: None)
        self._claims: dict[tuple[str, str, str, bytes], Claims] = {}
        self.places = PlaceBase(scheme, self.records)
        self.known_as = Known(ledger, self.records, self.places, self.feeds)

    def add_feed(self, feed: Feed) -> None:
        """Takes files of one feed more."""
        self.feeds[feed.feed] = feed
        self._departments[feed.feed] = feed.department
        self._mappers[feed.feed] = Mapper(feed, self.terms, self.ledger.vault.identity)

    def mapper(self, feed: str) -> Mapper:
        """What turns records of a feed into claims."""
        return self._mappers[feed]

    def close(self) -> None:
        self.records.close()
        self.ledger.close()

    # -- into the ledger --------------------------------------------------------------------------------------------

    def feed_of(self, path: Path, forced: str | None = None) -> Feed:
        """The feed that a file belongs to.

        Raises:
            UsageError: UNKNOWN_FEED when none or several take it.
        """
        if forced is not None:
            if forced not in self.feeds:
                raise UsageError(
                    "UNKNOWN_FEED",
                    f"没有名为 {forced} 的数据源",
                    f"no feed is called {forced}",
                    f"Known: {', '.join(self.feeds)}.",
                )
            return self.feeds[forced]
        taking = feeds_taking(self.feeds.values(), path.name)
        if not taking:
            columns = [c for source in readers.sources(path) for c in source.columns]
            taking = feeds_taking(self.feeds.values(), path.name, columns)
        if len(taking) != 1:
            names = ", ".join(f.feed for f in taking) or "none"
            raise UsageError(
                "UNKNOWN_FEED",
                f"无法由文件名确定 {path.name} 属于哪个数据源",
                f"{path.name}: feeds whose name pattern takes it: {names}",
                f"Name the feed with --feed. Known: {', '.join(self.feeds)}.",
            )
        return taking[0]

    def known(self, paths: Iterable[Path], forced: str | None = None) -> list[Path]:
        """The files under the paths, each with a feed that takes it: a mistake is told before anything is done.

        Raises:
            UsageError: BAD_FILE, UNKNOWN_FEED.
        """
        files = find_files(paths)
        for path in files:
            self.feed_of(path, forced)
        return files

    def receive(self, path: Path, forced: str | None = None) -> list[Batch]:
        """Reads a file and keeps its rows as received; durable when it returns.

        Raises:
            UsageError: BAD_FILE, BAD_HEADER, UNKNOWN_FEED.
        """
        feed = self.feed_of(path, forced)
        now = datetime.now(SHANGHAI).isoformat(timespec="seconds")
        found = readers.sources(path, feed.reading_options(), feed.header_names(), feed.key)
        return [self._append(feed, joined(feed, path, source), now) for source in found]

    def receive_sql(self, url: str, feed: str, query: str | None = None, table: str | None = None) -> Batch:
        """Keeps the rows of a database's query, or of its table, as received; durable when it returns.

        The same rows again, as of the same day, are the same batch.

        Raises:
            UsageError: UNKNOWN_FEED; BAD_FILE when the database cannot be read; BAD_HEADER.
        """
        declared = self.feed_of(Path(), feed)
        now = datetime.now(SHANGHAI)
        name = f"{database_name(url)}_{now:%Y%m%d}"
        source = readers.read_sql(url, query, name, table)
        return self._append(declared, source, now.isoformat(timespec="seconds"))

    def _append(self, feed: Feed, source: Source, now: str) -> Batch:
        contract.check_header(feed, source.columns, source.file)
        return self.ledger.append(
            feed.feed,
            source.file,
            source.sheet,
            self._received(feed, source),
            source.digest,
            now,
            source.file_date,
            feed.sensitive_columns(),
            partial(_faults, source),
        )

    def _received(self, feed: Feed, source: Source) -> Iterator[pl.DataFrame]:
        done = 0
        for frame in source.frames:
            yield frame
            done += frame.height
            self.progress(f"接收 {feed.zh}", done, None)

    def layout(self, feed: str) -> Layout | None:
        """How batches of pushes of a feed look; None when there is no such feed."""
        declared = self.feeds.get(feed)
        if declared is None:
            return None
        return Layout(declared.header_names(), partial(feed_missing, declared), declared.sensitive_columns())

    def waiting(self) -> list[Batch]:
        """Batches that are received and not yet digested."""
        done = {row[0] for row in self.records.db.execute("SELECT batch FROM digested")}
        return [
            b for b in self.ledger.batches()
            if b.no not in done and b.state == "received" and b.feed in self.feeds
        ]  # fmt: skip

    def digest(self, batch: Batch, whatever: bool = False) -> FileSummary:
        """Checks a batch's rows and keeps the good ones as records, the bad ones in quarantine, and what is touched as dirty.

        A batch that is unlike its feed's history is held for a person, and nothing of it kept, but `whatever` it is.
        """
        history = [] if whatever or batch.reason == RELEASED else self._history(batch)
        odd = list(self._odd(self.feeds[batch.feed], batch, history))
        if not odd:
            try:
                return self._digest(batch, history)
            except _Held as held:
                odd = list(held.args)
        reason = "; ".join(odd)
        self.ledger.set_state(batch, "held", reason)
        return FileSummary(batch.no, batch.file, batch.feed, batch.rows, 0, 0, 0, False, reason)

    def _digest(self, batch: Batch, history: list[Batch]) -> FileSummary:
        with self.records.transaction():
            summary = self._digest_rows(batch)
            odd = list(
                self._rejects_odd(self.feeds[batch.feed], history, summary.loaded, summary.quarantined)
            )
            if odd:
                raise _Held(*odd)
        return summary

    def _digest_rows(self, batch: Batch) -> FileSummary:
        feed, mapper = self.feeds[batch.feed], self._mappers[batch.feed]
        checker = contract.Checker(feed, self.terms, self.day_of(batch))
        keys: list[tuple[str, str]] = []
        loaded = rejected = dropped = read = 0
        unread = self.records.put_rejections(batch.no, feed.feed, self.ledger.faults(batch))
        rejected += unread
        for frame in self.ledger.frames(batch):
            checked = checker.check(frame)
            for start in range(0, checked.rows.height, CHUNK):
                self._keep(feed, mapper, batch, checked.rows.slice(start, CHUNK))
            if checked.deleted.height:
                self._keep(feed, mapper, batch, checked.deleted)
            if feed.mode == "snapshot":
                keys += record_keys(feed, checked.rows)
            self.note_cells(batch, checked)
            read += frame.height
            loaded += checked.rows.height + checked.deleted.height
            rejected += checked.rejected_rows
            dropped += checked.dropped_cells
            self.progress(f"{feed.zh}", read, batch.rows)
        if feed.mode == "snapshot":
            self._close_lost(feed, batch, keys)
        self.records.set_digested(batch.no, loaded, rejected, dropped)
        return FileSummary(
            batch.no, batch.file, feed.feed, batch.rows + unread, loaded, rejected, dropped, False
        )

    def note_cells(self, batch: Batch, checked: contract.Checked) -> None:
        """Keeps what was wrong in a frame of a batch, and what of an earlier batch it corrects.

        Call it in the transaction that takes the frame.
        """
        self.records.put_rejections(batch.no, batch.feed, checked.rejections)
        self.records.put_notes(batch.no, batch.feed, checked.notes)
        root = self.ledger.root(batch.no)
        if root != batch.no:
            good = (f.get_column(ROW) for f in (checked.rows, checked.deleted) if ROW in f.columns)
            self.records.settle(
                root, self.ledger.attempts(root), batch.no, batch.feed,
                [row for numbers in good for row in numbers], {r.row for r in checked.rejections},
            )  # fmt: skip

    def is_part(self, batch: Batch) -> bool:
        """Whether a batch speaks of its own rows only, and so is neither a snapshot nor of a usual size: pushes, and rows
        that came back corrected."""
        return batch.file.startswith(PUSHED) or self.ledger.root(batch.no) != batch.no

    def day_of(self, batch: Batch) -> date:
        """The day that a batch's rows are judged by: that of its file, else that it came on; the same at every rebuild.

        Rows that came back corrected may speak of what happened until they came back.
        """
        came = date.fromisoformat(batch.received_at[:10])
        day = came if batch.file_date is None else date.fromisoformat(batch.file_date)
        return day if self.ledger.root(batch.no) == batch.no else max(day, came)

    def put_snapshot(self, feed: Feed, batch: Batch, keys: list[tuple[str, str]]) -> set[str]:
        """Notes what a batch of a snapshot feed holds; gives the keys of records that it closes or opens again.

        Rows that came back corrected are of the day of the batch that they were missing from.
        """
        first = self.ledger.batch_by_no(self.ledger.root(batch.no))
        day = first.file_date or first.received_at[:10]
        return self.records.put_snapshot(feed.feed, day, batch.no, keys, not self.is_part(batch))

    def _close_lost(self, feed: Feed, batch: Batch, keys: list[tuple[str, str]]) -> None:
        """What a full snapshot no longer holds is closed on its day; what it holds again is open again."""
        changed = self.put_snapshot(feed, batch, keys)
        self.records.mark_dirty(self._owners(self.records.versions_of(feed.feed, sorted(changed))))

    def _keep(self, feed: Feed, mapper: Mapper, batch: Batch, rows: pl.DataFrame) -> None:
        """Keeps good rows as records, and marks what they speak of as dirty."""
        records: list[StoredRecord] = []
        about: set[tuple[int, str, str]] = set()
        touched: dict[str, None] = {}
        for record, payload in records_of(feed, batch, rows):
            records.append(record)
            rkey = record.rkey
            claims = mapper.claims(rkey, payload)
            for owner in claims.owners():
                about.add((about_key(owner), feed.feed, rkey))
                touched[owner] = None
            for place in claims.places():
                about.add((about_key("place:" + place), feed.feed, rkey))
        self.records.put(records)
        self.records.put_about(sorted(about))
        # What earlier versions of the same records spoke of is touched too: a newer version may have let go of it.
        self.records.mark_dirty(
            self._owners(self.records.of_several_versions((r.feed, r.rkey) for r in records))
        )
        self.records.mark_dirty(touched)

    def _history(self, batch: Batch) -> list[Batch]:
        """The last batches of the same feed before it; parts have no usual size, and are no history."""
        if self.is_part(batch):
            return []
        return [
            b for b in self.ledger.batches(batch.feed)
            if b.no < batch.no and b.state == "received" and not self.is_part(b)
        ][-5:]  # fmt: skip

    def _odd(self, feed: Feed, batch: Batch, history: list[Batch]) -> Iterator[str]:
        """Why a person should look at a batch before it is loaded, by its header and size."""
        if not history:
            return
        usual = sorted(b.rows for b in history)[len(history) // 2]
        other = sorted(set(batch.columns) ^ set(history[-1].columns))
        if feed.hold.header and other:
            yield f"another header 表头不同: {', '.join(other)}"
        if feed.mode == "snapshot" and batch.rows < feed.hold.shrinks * usual and usual > LEAST_HELD:
            yield f"{batch.rows:,} rows, usually {usual:,} 行数过少"
        if batch.rows > feed.hold.grows * usual and batch.rows > LEAST_HELD:
            yield f"{batch.rows:,} rows, usually {usual:,} 行数过多"

    def _rejects_odd(self, feed: Feed, history: list[Batch], loaded: int, rejected: int) -> Iterator[str]:
        past = [d for b in history if (d := self.records.digested(b.no)) is not None]
        if past and loaded + rejected > LEAST_HELD:
            share = rejected / (loaded + rejected)
            usual = sum(d.rejected for d in past) / max(1, sum(d.loaded + d.rejected for d in past))
            if share > feed.hold.rejects and share > 2 * usual:
                yield f"{share:.0%} of the rows rejected, usually {usual:.0%} 不合格过多"

    def release(self, batch: Batch) -> FileSummary:
        """Digests a batch that was held, as it is. Call it under the ledger's lease, then apply."""
        self.ledger.set_state(batch, "received", RELEASED)
        return self.digest(batch, whatever=True)

    def retract(self, batch: Batch, reason: str | None = None) -> int:
        """Takes a batch back: the fold goes on without it. Returns how many versions of records it had brought.

        Call it under the ledger's lease, then apply.
        """
        self.ledger.set_state(batch, "retracted", reason)
        brought = list(self.records.of_batch(batch.no))
        with self.records.transaction() as db:
            closed = self._owners(self.records.versions_of(batch.feed, self.records.lost_keys(batch.feed)))
            self.records.mark_dirty(closed)
            self.records.mark_dirty(
                self._owners(self.records.versions_of(batch.feed, {r.rkey for r in brought}))
            )
            self.records.forget_batch(batch.feed, batch.no)
            for other in self.ledger.batches(batch.feed):
                if other.state == "received" and self.records.digested(other.no) is not None:
                    # It was good enough before, and is not held for what its history has become.
                    self.ledger.set_state(other, "received", RELEASED)
                db.execute("DELETE FROM digested WHERE batch = ?", (other.no,))
        return len(brought)

    def _owners(self, records: Iterable[StoredRecord]) -> Iterator[str]:
        for record in records:
            yield from self.owners_of(record)

    def owners_of(self, record: StoredRecord) -> set[str]:
        """The ids of the entities that a version of a record speaks of."""
        return self._mappers[record.feed].claims(record.rkey, orjson.loads(record.payload)).owners()

    # -- through the fold -------------------------------------------------------------------------------------------

    async def apply(self, store: Store) -> Summary:
        """Folds everything dirty and writes the difference. Safe to repeat; ends with exact roll-ups."""
        summary = Summary()
        await self._know_graph(store)
        self._take_addresses()
        self._take_judgements()
        for linker in self.known_as.linkers:
            self._link(linker)
        today = self.clock.today().isoformat()
        if self.records.meta("rolled_for") not in (None, today):
            self._roll_again(today)
        self.records.set_meta("rolled_for", today)
        total = self.records.db.execute("SELECT count(*) FROM dirty").fetchone()[0]
        done = 0
        pending: tuple[_Work, asyncio.Task[None]] | None = None
        position = 0
        while True:
            rows = self.records.db.execute(
                "SELECT seq, id FROM dirty WHERE seq > ? ORDER BY seq LIMIT ?", (position, CHUNK)
            ).fetchall()
            if rows:
                position = rows[-1][0]
            # The next chunk is folded in a thread while Neo4j takes the last one in; the ledger is written
            # when both have ended, so that nobody else is in it.
            work = (
                await asyncio.to_thread(self._fold_chunk, [r[1] for r in rows], today, summary)
                if rows
                else None
            )
            if pending is not None:
                await pending[1]
                self._settle(pending[0])
                done += len(pending[0].ids)
                self.progress("入图 graph", done, total)
            if work is None:
                break
            pending = work, asyncio.create_task(write(store, work.difference))
        await self._write_rollups(store)
        await write_meta(store, {"rolled_for": today, "scheme": self.scheme.name})
        self.records.note_applied()
        summary.unplaced = self.unplaced()
        return summary

    async def _know_graph(self, store: Store) -> None:
        """Makes sure that the graph is the one that this ledger was folded into; into an empty one all is folded again.

        Raises:
            UsageError: GRAPH_OTHER when the graph belongs to another ledger.
        """
        ours, theirs = await self.check_graph(store)
        if ours is not None and ours == theirs:
            if self.records.meta("graph") == ours:
                return
            # The record store was lost: what stands in the graph is no longer known, so it is made again.
            await wipe(store)
        with self.records.transaction() as db:
            if ours is not None:
                db.execute("INSERT OR IGNORE INTO dirty (id) SELECT id FROM folded")
                db.execute("DELETE FROM folded")
                db.execute("DELETE FROM rollup")
                db.execute("DELETE FROM rollup_dirty")
            else:
                ours = new_graph_id()
                self.ledger.set_meta("graph", ours)
            self.records.set_meta("graph", ours)
        await write_meta(store, {"graph": ours})

    async def check_graph(self, store: Store) -> tuple[str | None, str | None]:
        """The name of this ledger's graph, and that of the graph in the store; None for one that has none yet.

        Raises:
            UsageError: GRAPH_OTHER when they are two.
        """
        ours, theirs = self.ledger.meta("graph"), (await read_meta(store)).get("graph")
        if theirs not in (None, ours):
            raise UsageError(
                "GRAPH_OTHER",
                "该图库由另一个数据目录载入",
                f"the graph at {store.address.uri} was loaded from another data directory",
                "Load with that data directory (--data), or into an empty database.",
            )
        return ours, theirs

    def versions(self, ids: Sequence[str]) -> dict[str, list[Version]]:
        """All versions of all records about the ids, with what they claim; entities as they are known."""
        raws = {raw: id for id in ids for raw in self.known_as.members(id)}
        known: dict[str, list[Version]] = {id: [] for id in ids}
        for raw, versions in self.raw_versions(list(raws)).items():
            known[raws[raw]] += [v._replace(claims=self.known_as.rewritten(v.claims)) for v in versions]
        return known

    def raw_versions(self, ids: Sequence[str]) -> dict[str, list[Version]]:
        """All versions of all records about the ids, as the records have them."""
        by_key = {about_key(id): id for id in ids}
        found: dict[str, list[Version]] = {id: [] for id in ids}
        fresh: dict[tuple[str, str, str, bytes], Claims] = {}
        for key, record in self.records.about(list(by_key)):
            if record.feed not in self._mappers:
                continue
            name = record[:4]
            claims = fresh.get(name) or self._claims.get(name)
            if claims is None:
                claims = self._mappers[record.feed].claims(record.rkey, orjson.loads(record.payload))
            fresh[name] = claims
            found[by_key[key]].append(Version(*record[:6], claims))
        self._claims = fresh
        self._add_closings(found)
        return found

    def _add_closings(self, found: dict[str, list[Version]]) -> None:
        """A record that a later snapshot does not hold has, from that day, a version that claims nothing."""
        snapshots = {name for name, feed in self.feeds.items() if feed.mode == "snapshot"}
        held: dict[str, set[str]] = {}
        for versions in found.values():
            for v in versions:
                if v.feed in snapshots:
                    held.setdefault(v.feed, set()).add(v.rkey)
        lost = {feed: self.records.lost(feed, rkeys) for feed, rkeys in held.items()}
        for versions in found.values():
            closings = {(v.feed, v.rkey): v for v in versions if v.rkey in lost.get(v.feed, {})}
            for (feed, rkey), v in closings.items():
                versions.append(Version(feed, rkey, lost[feed][rkey], b"", v.batch, v.row, Claims([], [])))

    def is_judged_anew(self) -> bool:
        """Whether people have judged links since the last time that this was applied."""
        return bool(self.ledger.judged_after(int(self.records.meta(JUDGED) or 0)))

    def _take_judgements(self) -> None:
        judged = self.ledger.judged_after(int(self.records.meta(JUDGED) or 0))
        if judged:
            with self.records.transaction():
                self.records.mark_dirty(raw for _, raw in judged)
                self.records.set_meta(JUDGED, str(judged[-1][0]))

    def _link(self, linker: Linker) -> None:
        """Decides which of the entities are one whose records have changed; what then stands otherwise is touched too."""
        dirty = self.records.dirty(linker.prefix)
        if not dirty:
            return
        with self.records.transaction():
            before = dict(linker.same)
            changed = sorted(linker.update(dirty, self.raw_versions))
            for start in range(0, len(changed), CHUNK):
                part = changed[start : start + CHUNK]
                self.records.mark_dirty(part)
                self.records.mark_dirty(before[raw] for raw in part if raw in before)
                for versions in self.raw_versions(part).values():
                    for version in versions:
                        self.records.mark_dirty(version.claims.owners())
            same = linker.same
            self.records.mark_dirty(same[raw] for raw in self.records.dirty(linker.prefix) if raw in same)
        self._claims = {}

    def _take_addresses(self) -> None:
        """Brings the gazetteer up to the touched addresses; what then means another place is touched too."""
        dirty = self.records.dirty("adr")
        if not dirty:
            return
        for start in range(0, len(dirty), CHUNK):
            part = dirty[start : start + CHUNK]
            for id, versions in self.versions(part).items():
                state = fold(id, versions, self.places)
                if state is None or "code" not in state.values:
                    self.places.remove(id)
                    continue
                self.places.put(place_record(state.values, _own_grid(id, versions)))
            self.progress("地址 addresses", start + len(part), len(dirty))
        self._claims = {}
        with self.records.transaction():
            changed = list(self.places.changed())
            self.records.mark_dirty(self._owners_of_places(changed))
            self.records.mark_dirty(address_id(code) for code in self.places.regridded())
            self.places.keep()

    def _owners_of_places(self, keys: Iterable[str]) -> Iterator[str]:
        for key in keys:
            for _, record in self.records.about([about_key("place:" + key)]):
                yield from (
                    self._mappers[record.feed].claims(record.rkey, orjson.loads(record.payload)).owners()
                )

    def _fold_chunk(self, ids: list[str], today: str, summary: Summary) -> _Work:
        held = self.records.folded(ids)
        work = _Work(ids)
        for id, versions in self.versions(ids).items():
            new = fold(id, versions, self.places)
            work.disagreements += self.disagreements(id, versions, new)
            blob = encode(new) if new is not None else None
            before = held.get(id)
            if blob == before:
                summary.unchanged += blob is not None
                continue
            old = decode(new.label if new else id, before) if before is not None else None
            if old is not None and new is None:
                old = State(label_of(id), old.values, old.links)
                summary.removed += 1
            else:
                summary.changed += 1
            _difference(id, old, new, work.difference)
            for state, sign in ((old, -1), (new, 1)):
                if state is not None:
                    for counter, codes in contributions(state, today, self.places.areas).items():
                        for code in codes:
                            name = (code, counter)
                            work.counts[name] = work.counts.get(name, 0) + sign
            if new is not None and old is None and new.label == "Address" and "code" in new.values:
                work.new_codes.append(new.values["code"])
            work.states.append((id, blob))
        return work

    def disagreements(self, id: str, versions: list[Version], state: State | None) -> list[Said]:
        """Where departments contradict each other about an id, of whose records these are all versions."""
        if len({self._departments[v.feed] for v in versions}) < 2:
            return []
        return disagreements(id, by_record(versions), state, self.places, self._departments)

    def _settle(self, work: _Work) -> None:
        """Only after the graph has it: the same chunk folded again after a kill writes the same again."""
        with self.records.transaction() as db:
            self._keep_counts(work.counts)
            # A place may come after those who live there: what was counted for it is still to be written.
            db.executemany("INSERT OR IGNORE INTO rollup_dirty VALUES (?)", ((c,) for c in work.new_codes))
            db.executemany(
                "INSERT OR REPLACE INTO folded VALUES (?,?)",
                (s for s in work.states if s[1] is not None),
            )
            db.executemany(
                "DELETE FROM folded WHERE id = ?",
                ((id,) for id, blob in work.states if blob is None),
            )
            self.records.put_disagreements(work.ids, work.disagreements)
            db.executemany("DELETE FROM dirty WHERE id = ?", ((id,) for id in work.ids))
            self.places.keep()

    def _keep_counts(self, counts: dict[tuple[str, str], int]) -> None:
        changed = [(code, counter, n) for (code, counter), n in counts.items() if n]
        self.records.db.executemany(
            "INSERT INTO rollup VALUES (?,?,?) ON CONFLICT (code, counter) DO UPDATE SET n = n + excluded.n",
            changed,
        )
        self.records.db.executemany(
            "INSERT OR IGNORE INTO rollup_dirty VALUES (?)", ((c[0],) for c in changed)
        )

    def _roll_again(self, today: str) -> None:
        """Counts everything anew for another day of the district's clock."""
        counts: dict[tuple[str, str], int] = {}
        for id, blob in self.records.db.execute("SELECT id, state FROM folded"):
            state = decode(label_of(id), blob)
            for counter, codes in contributions(state, today, self.places.areas).items():
                for code in codes:
                    counts[code, counter] = counts.get((code, counter), 0) + 1
        with self.records.transaction() as db:
            db.execute("INSERT OR IGNORE INTO rollup_dirty SELECT DISTINCT code FROM rollup")
            db.execute("UPDATE rollup SET n = 0")
            self._keep_counts(counts)

    async def _write_rollups(self, store: Store) -> None:
        codes = [r[0] for r in self.records.db.execute("SELECT code FROM rollup_dirty")]
        for start in range(0, len(codes), CHUNK):
            part = codes[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            counts: dict[str, dict[str, int | None]] = {c: {} for c in part}
            for code, counter, n in self.records.db.execute(
                f"SELECT code, counter, n FROM rollup WHERE code IN ({marks})", part
            ):
                counts[code][counter] = n or None
            await write_rollups(store, counts.items())
            self.progress("汇总 roll-ups", start + len(part), len(codes))
        with self.records.transaction() as db:
            db.executemany("DELETE FROM rollup_dirty WHERE code = ?", ((c,) for c in codes))

    def unplaced(self) -> dict[str, int]:
        """Records whose address names no sure place, by feed."""
        counts: dict[str, int] = {}
        for feed, _, n in self._unplaced():
            counts[feed] = counts.get(feed, 0) + n
        return dict(sorted(counts.items()))

    def unplaced_places(self, feed: str | None = None) -> list[Unplaced]:
        """What the records of feeds say of places that nothing is known of, most frequent first."""
        found = []
        for name, key, n in self._unplaced():
            if feed is None or name == feed:
                code, text, authority, local = split_place_key(key)
                found.append(Unplaced(name, text, code or local, authority, n))
        return sorted(found, key=lambda u: (-u.records, u.feed, u.text or "", u.code or ""))

    def _unplaced(self) -> Iterator[tuple[str, str, int]]:
        """(feed, place key, records) of what is placed nowhere."""
        held = self.records.db.execute("SELECT key FROM resolution WHERE code IS NULL").fetchall()
        keys = {about_key("place:" + r[0]): r[0] for r in held}
        numbers = list(keys)
        for start in range(0, len(numbers), 30_000):
            part = numbers[start : start + 30_000]
            marks = ",".join("?" * len(part))
            for number, feed, n in self.records.db.execute(
                f"SELECT key, feed, count(*) FROM about WHERE key IN ({marks}) GROUP BY key, feed", part
            ):
                yield feed, keys[number], n

    # -- both -------------------------------------------------------------------------------------------------------

    async def load(self, store: Store, paths: Iterable[Path], forced: str | None = None) -> Summary:
        """Receives the files, then applies everything that waits, of these and of earlier runs.

        Another process may apply at the same time: then this one waits for it, and finds less to do.
        """
        received = [batch for path in self.known(paths, forced) for batch in self.receive(path, forced)]
        with self.ledger.lease():
            summary = await self.apply_waiting(store)
        done = {f.batch for f in summary.files}
        known = [
            FileSummary(b.no, b.file, b.feed, b.rows, 0, 0, 0, True) for b in received if b.no not in done
        ]
        summary.files = known + summary.files
        return summary

    async def apply_waiting(self, store: Store) -> Summary:
        """Digests every batch that waits, then applies; call it under the ledger's lease."""
        files = [self.digest(batch) for batch in self.waiting()]
        summary = await self.apply(store)
        summary.files = files
        return summary

    def look_again(self) -> None:
        """Reads anew what is kept in memory of the record store, after another process has applied."""
        self.places.reload()
        self.known_as.reload()
        self._claims = {}

    def forget(self) -> None:
        """Empties the record store, so that the ledger's rows are taken anew."""
        self.records.clear()
        self.places.clear()
        self.known_as.reload()
        self._claims = {}


def _faults(source: Source) -> list[Rejection]:
    """Rows that could not be read, as what they are kept out for."""
    return [Rejection(b.row, b.column or "", b.value, b.zh, b.en) for b in source.bad]


def record_keys(feed: Feed, rows: pl.DataFrame) -> list[tuple[str, str]]:
    """(record key, scope) of checked rows of a snapshot."""
    key = pl.concat_str([pl.col(k).cast(pl.String).fill_null("") for k in feed.key], separator=SEPARATOR)
    parts = [pl.col(c).cast(pl.String).fill_null("") for c in feed.scope if c in rows.columns]
    scope = pl.concat_str(parts, separator=SEPARATOR) if parts else pl.lit("")
    return rows.select(key.alias("key"), scope.alias("scope")).rows()


def records_of(feed: Feed, batch: Batch, rows: pl.DataFrame) -> Iterator[tuple[StoredRecord, dict[str, Any]]]:
    """The records that checked rows are, each with its values."""
    columns = [c for c in rows.columns if c != ROW]
    for values in rows.iter_rows(named=True):
        payload = {c: values[c] for c in columns if values[c] is not None}
        rkey = SEPARATOR.join(str(payload.get(k, "")) for k in feed.key)
        effective = (payload.get(feed.effective) if feed.effective else None) or batch.file_date or ""
        blob = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        hash = blake2b(blob, digest_size=12).digest()
        yield StoredRecord(feed.feed, rkey, effective, hash, batch.no, values[ROW], blob), payload


@dataclass(slots=True)
class _Work:
    ids: list[str]
    difference: Difference = field(default_factory=Difference)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    states: list[tuple[str, bytes | None]] = field(default_factory=list)
    new_codes: list[str] = field(default_factory=list)
    disagreements: list[Said] = field(default_factory=list)


def label_of(id: str) -> str:
    """The label of the node that an id is of."""
    from ontology import ONTOLOGY

    label = ONTOLOGY.label_of(id)
    assert label is not None
    return label


def _own_grid(id: str, versions: Sequence[Version]) -> str | None:
    """The grid that an address names itself, by its newest record."""
    named = [
        (v.order, link.place) for v in versions for link in v.claims.links
        if link.type == "IN_GRID" and link.start == id and link.place is not None
    ]  # fmt: skip
    return max(named)[1].split("\x1f")[0] or None if named else None


def _difference(id: str, old: State | None, new: State | None, out: Difference) -> None:
    if new is None:
        assert old is not None
        for link in old.links:
            out.drop_link(link.type, link.start, link.end, link.k)
        out.drop_node(id)
        return
    if old is None:
        out.put_node(id, new.values)
        for link in new.links:
            out.put_link(link.type, link.start, link.end, link.k, link.values)
        return
    changed = _changes(old.values, new.values)
    if changed:
        out.put_node(id, changed)
    before = {(x.type, x.start, x.end, x.k): x.values for x in old.links}
    after = {(x.type, x.start, x.end, x.k): x.values for x in new.links}
    for name, values in after.items():
        if name not in before:
            out.put_link(*name, values)
        elif changed_link := _changes(before[name], values):
            out.put_link(*name, changed_link)
    for name in before.keys() - after.keys():
        out.drop_link(*name)


def _changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    changed = {f: v for f, v in new.items() if old.get(f) != v}
    changed.update({f: None for f in old if f not in new})
    return changed
