"""Pushes in a ledger: taken into segments, made into batches, found again by their idempotency key; and the tokens of feeds.

Any process takes pushes (`Pushes.submit`); the one with the lease makes batches of them (`Pushes.compact`). Offsets, batches and pushes
are written in one transaction, so that a kill leaves a push either in its segment or in a batch, and never in both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from ledger import segments
from ledger.ledger import Ledger, transaction
from ledger.rows import ROW
from ledger.segments import Columns, Entry, Push
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

log = logging.getLogger("quanxi.ledger")

SCHEMA = """
CREATE TABLE IF NOT EXISTS push (
  id TEXT PRIMARY KEY, feed TEXT NOT NULL, key TEXT, digest TEXT NOT NULL, received_at TEXT NOT NULL,
  batch INTEGER NOT NULL, first_row INTEGER NOT NULL, rows INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS push_key ON push (feed, key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS push_at ON push (received_at);
CREATE TABLE IF NOT EXISTS segment (name TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS token (
  feed TEXT NOT NULL, hash BLOB NOT NULL, made_at TEXT NOT NULL, PRIMARY KEY (feed, hash)) WITHOUT ROWID;
"""
# How the names of batches of pushes begin, which no file's does.
PUSHED = "push:"
FILE = f"{PUSHED} HTTP 推送"
# Sealed bytes that are made into batches at once: what they hold is some ten times as much in memory.
ROUND_BYTES = 8 << 20
KEPT_DAYS = 30
_FIRST_ROW = 2
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How the batches of a feed look.

    Attributes:
        order: its columns.
        missing: those, of some that rows have not, that are put there empty.
        sealed: those to be encrypted.
    """

    order: Sequence[str]
    missing: Callable[[Sequence[str]], Sequence[str]]
    sealed: Collection[str]


# None for a feed that is not known any more: all of it is encrypted then.
Layouts = Callable[[str], Layout | None]


@dataclass(slots=True)
class Compacted:
    """What a compaction did. `damaged` names segments that cannot be read on."""

    pushes: int = 0
    rows: int = 0
    batches: int = 0
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """A push that was taken, now or before."""

    push: Push
    again: bool


class KeyUsedError(Exception):
    """The idempotency key has come with other content."""


class Pushes:
    """The pushes of one ledger, as one process sees them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.directory = ledger.directory / "segments"
        self.writer = segments.Writer(self.directory)
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], tuple[Push, Future[None]]] = {}
        self._seen: dict[str, int] = {}
        self._elsewhere: dict[tuple[str, str], Push] = {}
        ledger.db.executescript(SCHEMA)

    def close(self) -> None:
        self.writer.close()

    # -- tokens -----------------------------------------------------------------------------------------------------

    def make_token(self, feed: str) -> str:
        """A new token of a feed, beside those it has. Only its hash is kept."""
        token = f"qx_{secrets.token_urlsafe(32)}"
        self.ledger.db.execute(
            "INSERT INTO token VALUES (?,?,?)", (feed, _hash(token), _now().isoformat(timespec="seconds"))
        )
        return token

    def revoke_tokens(self, feed: str) -> int:
        """Makes all tokens of a feed worthless; how many there were."""
        return self.ledger.db.execute("DELETE FROM token WHERE feed = ?", (feed,)).rowcount

    def feeds_of(self, token: str) -> set[str]:
        """The feeds that a token is for."""
        given, found = _hash(token), set[str]()
        for feed, hash in self.ledger.db.execute("SELECT feed, hash FROM token").fetchall():
            if hmac.compare_digest(given, hash):
                found.add(feed)
        return found

    # -- taking -----------------------------------------------------------------------------------------------------

    def submit(self, feed: str, key: str | None, digest: str, rows: Columns) -> tuple[Taken, Future[None]]:
        """Takes a push; it is durable when the future is done, which raises what `segments.Writer.submit` says.

        Args:
            key: the sender's idempotency key: with the same key and content it is the same push, and no row is added.
            digest: hash of the content.

        Raises:
            KeyUsedError: the key has come with other content.
        """
        count = len(rows.cells[0]) if rows.cells else 0
        at = _now().isoformat(timespec="milliseconds")
        if key is None:
            push = Push(secrets.token_hex(10), feed, None, digest, at, count)
            return Taken(push, False), self.writer.submit(segments.pack(self.ledger.vault, push, rows))
        hidden = hashlib.sha256(f"{feed}\0{key}".encode()).hexdigest()
        id = hashlib.sha256(f"{hidden}\0{digest}".encode()).hexdigest()[:20]
        push = Push(id, feed, hidden, digest, at, count)
        entry = segments.pack(self.ledger.vault, push, rows)
        with self._lock:
            known = self._known(feed, hidden)
            if known is None:
                done = self.writer.submit(entry)
                self._pending[feed, hidden] = (push, done)
                done.add_done_callback(lambda done: self._settled(feed, hidden, done))
                return Taken(push, False), done
        before, done = known
        if before.digest != digest:
            raise KeyUsedError
        return Taken(before, True), done

    def _settled(self, feed: str, key: str, done: Future[None]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._pending.pop((feed, key), None)

    def _known(self, feed: str, key: str) -> tuple[Push, Future[None]] | None:
        """A push by its key: in this process' memory, in the segments of others, in a batch; in this order, which is
        the one that a push goes."""
        pending = self._pending.get((feed, key))
        if pending is not None:
            return pending
        self._look_elsewhere()
        push = self._elsewhere.get((feed, key)) or self._in_batch(feed, key)
        if push is None:
            return None
        done: Future[None] = Future()
        done.set_result(None)
        return push, done

    def _in_batch(self, feed: str, key: str) -> Push | None:
        row = self.ledger.db.execute(
            "SELECT id, feed, key, digest, received_at, rows FROM push WHERE feed = ? AND key = ?",
            (feed, key),
        ).fetchone()
        return None if row is None else Push(*row)

    def _look_elsewhere(self) -> None:
        """Reads on in segments that other processes write, or this machine's earlier ones have left."""
        there = {p.name: p for p in segments.paths(self.directory)}
        own = self.writer.path
        for name, path in there.items():
            if own is not None and path == own:
                continue
            try:
                for entry in segments.read(path, self.ledger.vault, self._seen.get(name, 0)):
                    self._seen[name] = entry.end
                    if entry.push.key is not None:
                        self._elsewhere.setdefault((entry.push.feed, entry.push.key), entry.push)
            except (FileNotFoundError, UsageError):
                # Compacted meanwhile, or damaged, which compaction tells.
                continue
        gone = self._seen.keys() - there.keys()
        for name in gone:
            del self._seen[name]
        for known in (self._pending, self._elsewhere):
            if len(known) > _REMEMBERED:
                self._forget(known)

    def _forget(
        self, known: dict[tuple[str, str], Push] | dict[tuple[str, str], tuple[Push, Future[None]]]
    ) -> None:
        """What stands in a batch need not be remembered."""
        for feed, key in list(known):
            if self._in_batch(feed, key) is not None:
                del known[feed, key]

    # -- into batches -----------------------------------------------------------------------------------------------

    def compact(self, layout: Layouts) -> Compacted:
        """Makes batches of all that the segments hold; call it under the ledger's lease."""
        done = Compacted()
        there = segments.paths(self.directory)
        for path in there:
            self._compact_segment(path, layout, done)
        self._tidy({p.name for p in there})
        return done

    def _offset(self, name: str) -> int:
        row = self.ledger.db.execute("SELECT offset FROM segment WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _compact_segment(self, path: Path, layout: Layouts, done: Compacted) -> None:
        with segments.abandoned(path) as closed:
            try:
                while self._compact_round(path, layout, done):
                    pass
            except FileNotFoundError:
                return
            except UsageError as error:
                log.error("segment", extra={"told": {"segment": path.name, "code": error.code}})
                done.damaged.append(path.name)
                return
            if closed:
                if path.stat().st_size > self._offset(path.name):
                    # What was being written when its writer died was never acknowledged; a person may still look at it.
                    path.rename(path.with_suffix(".torn"))
                else:
                    path.unlink()

    def _compact_round(self, path: Path, layout: Layouts, done: Compacted) -> bool:
        """Makes batches of the next entries of a segment, some megabytes of whole frames; whether there were any."""
        start = end = self._offset(path.name)
        bundles: dict[tuple[str, str], list[Entry]] = {}
        ids: set[str] = set()
        size = 0
        damage: UsageError | None = None
        try:
            for entry in segments.read(path, self.ledger.vault, start):
                if size >= ROUND_BYTES and entry.end != end:
                    break
                end = entry.end
                if entry.push.id in ids or self._is_in_batch(entry.push.id):
                    continue
                ids.add(entry.push.id)
                size += len(entry.sealed)
                bundles.setdefault((entry.push.feed, entry.push.received_at[:10]), []).append(entry)
        except UsageError as error:
            # What stands before the damage is good.
            damage = error
        if end > start:
            batches = [
                self._write(path.name, start, feed, day, entries, layout)
                for (feed, day), entries in bundles.items()
            ]
            self._commit(path.name, end, batches)
            done.batches += len(batches)
            done.pushes += len(ids)
            done.rows += sum(e.push.rows for entries in bundles.values() for e in entries)
        if damage is not None:
            raise damage
        return end > start

    def _is_in_batch(self, id: str) -> bool:
        return self.ledger.db.execute("SELECT 1 FROM push WHERE id = ?", (id,)).fetchone() is not None

    def _write(
        self, name: str, start: int, feed: str, day: str, entries: list[Entry], layout: Layouts
    ) -> _Batch:
        """Writes the rows of a batch. Its name says where they come from: the same after a kill is the same file."""
        id = hashlib.sha256(f"{feed}\0{day}\0{name}\0{start}".encode()).hexdigest()[:20]
        declared = layout(feed)
        frames, first, firsts = [], _FIRST_ROW, []
        for entry in entries:
            rows = segments.rows_of(self.ledger.vault, entry)
            frame = pl.DataFrame(
                [pl.Series(n, c, dtype=pl.String) for n, c in zip(rows.names, rows.cells, strict=True)]
            )
            firsts.append(first)
            frames.append(
                frame.with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW))
            )
            first += frame.height
        whole = pl.concat(frames, how="diagonal")
        columns = [c for c in whole.columns if c != ROW]
        if declared is not None:
            missing = declared.missing(columns)
            whole = whole.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in missing)
            place = {c: n for n, c in enumerate(declared.order)}
            columns = sorted([*columns, *missing], key=lambda c: place.get(c, len(place)))
        whole = whole.select(*columns, ROW)
        sealed = declared.sealed if declared is not None else columns
        partial, count = self.ledger.files.write(id, [whole], sealed)
        self.ledger.files.keep(partial, id)
        return _Batch(id, feed, day, count, columns, list(zip(entries, firsts, strict=True)))

    def _commit(self, name: str, end: int, batches: list[_Batch]) -> None:
        with transaction(self.ledger.db) as db:
            for batch in batches:
                received = max(entry.push.received_at for entry, _ in batch.entries)
                db.execute(
                    "INSERT INTO batch (id, feed, file, sheet, received_at, file_date, rows, columns) "
                    "VALUES (?,?,?,NULL,?,?,?,?)",
                    (
                        batch.id,
                        batch.feed,
                        FILE,
                        datetime.fromisoformat(received).isoformat(timespec="seconds"),
                        batch.day,
                        batch.rows,
                        json.dumps(batch.columns, ensure_ascii=False),
                    ),
                )
                (no,) = db.execute("SELECT no FROM batch WHERE id = ?", (batch.id,)).fetchone()
                for entry, first in batch.entries:
                    push = entry.push
                    # A key that two processes took at once with two contents: both are kept, the first has the key.
                    taken = push.key is not None and self._in_batch(push.feed, push.key) is not None
                    db.execute(
                        "INSERT INTO push VALUES (?,?,?,?,?,?,?,?)",
                        (
                            push.id,
                            push.feed,
                            None if taken else push.key,
                            push.digest,
                            push.received_at,
                            no,
                            first,
                            push.rows,
                        ),
                    )
            db.execute("INSERT OR REPLACE INTO segment VALUES (?,?)", (name, end))

    def _tidy(self, there: set[str]) -> None:
        """Forgets segments that are gone and pushes of long ago."""
        known = {row[0] for row in self.ledger.db.execute("SELECT name FROM segment")}
        gone = {n for n in known - there if not (self.directory / n).exists()}
        old = (_now() - timedelta(days=KEPT_DAYS)).isoformat(timespec="milliseconds")
        stale = self.ledger.db.execute("SELECT 1 FROM push WHERE received_at < ? LIMIT 1", (old,)).fetchone()
        if gone or stale:
            with transaction(self.ledger.db) as db:
                db.executemany("DELETE FROM segment WHERE name = ?", ((n,) for n in gone))
                db.execute("DELETE FROM push WHERE received_at < ?", (old,))
        with suppress(OSError):
            for path in self.directory.glob("*.new"):
                if time.time() - path.stat().st_mtime > 3600:
                    path.unlink(missing_ok=True)
            for path in self.directory.glob("*.torn"):
                if time.time() - path.stat().st_mtime > KEPT_DAYS * 86_400:
                    path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch whose rows are written and which the catalogue does not know yet."""

    id: str
    feed: str
    day: str
    rows: int
    columns: list[str]
    entries: list[tuple[Entry, int]]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _now() -> datetime:
    return datetime.now(SHANGHAI)
