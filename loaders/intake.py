"""What departments send, taken in: files and queries into the ledger, their rows checked and kept as records, what they speak of marked
as dirty. What becomes of that is `loaders.run`'s.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path

import orjson
import polars as pl

from ledger import ROW, Batch, Ledger, Records, Rejection, StoredRecord, about_key
from ledger.pushes import PUSHED, Layout
from loaders import contract, readers
from loaders.declaration import Feed, feeds_taking
from loaders.joins import joined
from loaders.json_text import json_rows
from loaders.mapping import SEPARATOR, Claims, Mapper
from loaders.pushed import feed_missing
from loaders.readers import Source, database_name
from loaders.retention import RELEASED
from ontology.clock import SHANGHAI
from ontology.errors import UsageError
from ontology.terms import Terms

Progress = Callable[[str, int, int | None], None]
# Rows that are kept at once.
CHUNK = 10_000
# Records whose claims are kept in memory, some 3 KB each.
CACHED = 80_000
# Batches of fewer rows are not held for their size or rejects: a handful says nothing.
LEAST_HELD = 50


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


class _ClaimCache(dict[tuple[str, str, str, bytes], Claims]):
    """What versions of records, by (feed, record key, effective, hash), claim: a load asks several times, as it links, places and
    folds what a record speaks of. The oldest go when there are too many."""

    def trim(self) -> None:
        """Call it when nothing of it is in use."""
        over = len(self) - CACHED
        if over > 0:
            for name in list(itertools.islice(self, over + CACHED // 4)):
                del self[name]


class _Held(Exception):
    """Undoes the digesting of a batch that a person should look at."""


class Intake:
    """Takes feeds of one data directory into its ledger and record store.

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
        progress: Progress | None = None,
        records: Records | None = None,
    ) -> None:
        self.ledger = ledger
        self.records = records or Records(ledger.directory, ledger.vault)
        self.feeds: dict[str, Feed] = {}
        self.terms = terms
        self._claims = _ClaimCache()
        # Batches that were not digested when that was last asked, the last that was asked about, and what of.
        self._open: list[int] = []
        self._last = 0
        self._decided: object = None
        self._mappers: dict[str, Mapper] = {}
        self._departments: dict[str, str] = {}
        for feed in feeds.values():
            self.add_feed(feed)
        self.progress = progress or (lambda stage, done, total: None)

    def add_feed(self, feed: Feed) -> None:
        """Takes files of one feed more."""
        self.feeds[feed.feed] = feed
        self._departments[feed.feed] = feed.department
        self._claims.clear()
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

    # -- into the record store --------------------------------------------------------------------------------------

    def waiting(self) -> list[Batch]:
        """Batches that are received and not yet digested."""
        decided = self.ledger.decided(), self.records.forgotten
        if decided != self._decided:
            # Of all that were ever received it is asked only where one may wait that did not.
            self._decided, self._open, self._last = decided, [], 0
            done = {row[0] for row in self.records.db.execute("SELECT batch FROM digested")}
            self._open = [no for no in self.ledger.received() if no not in done]
            self._last = max(self._open, default=max(done, default=0))
        more = self.ledger.received(self._last)
        self._last = more[-1] if more else self._last
        self._open = [no for no in (*self._open, *more) if self.records.digested(no) is None]
        waits = map(self.ledger.batch_by_no, self._open)
        return [b for b in waits if b.state == "received" and b.feed in self.feeds]

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
        records = records_of(feed, batch, rows)
        about: set[tuple[int, str, str]] = set()
        touched: dict[str, None] = {}
        for record in records:
            rkey = record.rkey
            claims = self._claims[record[:4]] = mapper.claims(rkey, orjson.loads(record.payload))
            for owner in claims.owners():
                about.add((about_key(owner), feed.feed, rkey))
                touched[owner] = None
            for place in claims.places():
                about.add((about_key("place:" + place), feed.feed, rkey))
        self._claims.trim()
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
        past = (b for b in self.ledger.before(batch) if b.state == "received" and not self.is_part(b))
        return list(itertools.islice(past, 5))[::-1]

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

    # -- what a person decides about a batch -------------------------------------------------------------------------

    def release(self, batch: Batch) -> FileSummary:
        """Digests a batch that was held, as it is. Call it under the ledger's lease, then apply."""
        self.ledger.set_state(batch, "received", RELEASED)
        return self.digest(batch, whatever=True)

    def retract(self, batch: Batch, reason: str | None = None) -> int:
        """Takes a batch back: the fold goes on without it. Returns how many versions of records it had brought.

        Call it under the ledger's lease, then apply.
        """
        self.ledger.set_state(batch, "retracted", reason)
        return self.forget_batch(batch)

    def forget_batch(self, batch: Batch) -> int:
        """Takes the records of a batch that was retracted out of the record store. Returns how many versions it had brought."""
        brought = list(self.records.of_batch(batch.no))
        with self.records.transaction():
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
                self.records.forget_digested(other.no)
        return len(brought)

    def _owners(self, records: Iterable[StoredRecord]) -> Iterator[str]:
        for record in records:
            yield from self.owners_of(record)

    def owners_of(self, record: StoredRecord) -> set[str]:
        """The ids of the entities that a version of a record speaks of."""
        return self._mappers[record.feed].claims(record.rkey, orjson.loads(record.payload)).owners()


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


def _faults(source: Source) -> list[Rejection]:
    """Rows that could not be read, as what they are kept out for."""
    return [Rejection(b.row, b.column or "", b.value, b.zh, b.en) for b in source.bad]


def record_keys(feed: Feed, rows: pl.DataFrame) -> list[tuple[str, str]]:
    """(record key, scope) of checked rows of a snapshot."""
    key = pl.concat_str([pl.col(k).cast(pl.String).fill_null("") for k in feed.key], separator=SEPARATOR)
    parts = [pl.col(c).cast(pl.String).fill_null("") for c in feed.scope if c in rows.columns]
    scope = pl.concat_str(parts, separator=SEPARATOR) if parts else pl.lit("")
    return rows.select(key.alias("key"), scope.alias("scope")).rows()


def records_of(feed: Feed, batch: Batch, rows: pl.DataFrame) -> list[StoredRecord]:
    """The records that checked rows are."""
    payloads = json_rows(rows.drop(ROW))
    nothing = pl.lit("")
    keys = [pl.col(k).cast(pl.String).fill_null("") if k in rows.columns else nothing for k in feed.key]
    own = pl.lit(None, dtype=pl.String)
    if feed.effective and feed.effective in rows.columns:
        own = pl.col(feed.effective)
    effective = pl.when(own.fill_null("") != "").then(own).otherwise(pl.lit(batch.file_date or ""))
    named = rows.select(
        pl.concat_str(keys, separator=SEPARATOR).alias("key"), effective.alias("effective"), ROW
    )
    return [
        StoredRecord(feed.feed, rkey, day, blake2b(payload, digest_size=12).digest(), batch.no, row, payload)
        for (rkey, day, row), payload in zip(named.iter_rows(), payloads, strict=True)
    ]
