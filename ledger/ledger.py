"""The ledger of one data directory: what was received and what was decided, durable before anything is acknowledged.

    key.json        which key its sensitive parts are sealed with (the key stands elsewhere: `ledger.vault`)
    catalogue.db    SQLite (WAL): batches, pushes, decisions
    rows/           rows as received, a Parquet file a batch (`ledger.rows`)
    segments/       pushes not yet made into batches (`ledger.segments`)
    records.db      what the applier made of them (`ledger.records`); made again from the rest when it is lost

Any process may append; one at a time applies (`Ledger.lease`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ledger.rows import ROW, RowFiles
from ledger.vault import Keyring
from ontology.errors import UsageError

# In `meta`: how often the state of a batch was decided.
DECIDED = "decided"
SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
  no INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, feed TEXT NOT NULL, file TEXT NOT NULL, sheet TEXT,
  received_at TEXT NOT NULL, file_date TEXT, rows INTEGER NOT NULL, columns TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'received', reason TEXT);
CREATE INDEX IF NOT EXISTS batch_feed ON batch (feed, no);
CREATE INDEX IF NOT EXISTS batch_state ON batch (state, no);
CREATE TABLE IF NOT EXISTS fault (
  batch INTEGER NOT NULL, row INTEGER NOT NULL, col TEXT NOT NULL, value BLOB, zh TEXT NOT NULL, en TEXT NOT NULL,
  PRIMARY KEY (batch, row, col)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retry (batch INTEGER PRIMARY KEY, root INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS retry_root ON retry (root);
CREATE TABLE IF NOT EXISTS judgement (
  no INTEGER PRIMARY KEY, kind TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL, verdict TEXT NOT NULL,
  reason TEXT, judge TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS judgement_pair ON judgement (kind, one, other, no);
CREATE TABLE IF NOT EXISTS purge (
  no INTEGER PRIMARY KEY, feed TEXT NOT NULL, before TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL,
  batches INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0, ended TEXT);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
FORMAT = "2"
WAIT_SECONDS = 600.0
# The kind of judgements that say which place a text names.
PLACE = "place"


@dataclass(frozen=True, slots=True)
class Batch:
    """One file (or sheet, or bundle of pushes) as received.

    Attributes:
        id: a hash of its feed and content, so that the same file is the same batch.
        columns: the header as received.
        rows: how many of its rows are kept: fewer than came, once some have passed their feed's retention.
        state: `received`, `held` (waits for a person), `retracted` (taken back) or `purged` (its rows are gone).
        reason: why it is held or was retracted.
    """

    no: int
    id: str
    feed: str
    file: str
    sheet: str | None
    received_at: str
    file_date: str | None
    rows: int
    columns: tuple[str, ...]
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Purge:
    """A decision that rows of a feed from before a day are to go for good.

    Attributes:
        before: ISO day; it is kept itself.
        batches, rows: how many went, batches as a whole; all of them once `ended` says when it was done.
    """

    no: int
    feed: str
    before: str
    by: str
    at: str
    batches: int
    rows: int
    ended: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one cell kept its row out: row counts from 1 at the header, as a spreadsheet shows it."""

    row: int
    column: str
    value: str | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Pick:
    """Which place a person says that a text names; no code takes back what was said before."""

    no: int
    text: str
    code: str | None
    judge: str
    at: str
    reason: str | None


def _batch(row: tuple[Any, ...]) -> Batch:
    no, id, feed, file, sheet, received_at, file_date, rows, columns, state, reason = row
    header = tuple(json.loads(columns))
    return Batch(no, id, feed, file, sheet, received_at, file_date, rows, header, state, reason)


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """A WAL connection. `durable` makes each commit survive a power cut; without it the last ones may be lost, whole."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
    db.execute("PRAGMA temp_store=MEMORY")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing.

    Raises:
        UsageError: LEDGER_BUSY when another process writes for longer than 30 s.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise UsageError(
            "LEDGER_BUSY",
            "另一个进程正在写账本",
            f"another process is writing the ledger ({error})",
            "Wait for it, then try again.",
        ) from None
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


class Ledger:
    """The ledger of one data directory.

    Raises:
        UsageError: LEDGER_FORMAT when the directory was written by another version; what `Keyring.vault` raises.
    """

    def __init__(self, data: Path, keyring: Keyring | None = None) -> None:
        self.directory = data / "ledger"
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (self.directory / "ledger.db").exists():
            raise self._other_format(data, "1")
        self.vault = (keyring or Keyring()).vault(self.directory)
        self.files = RowFiles(self.directory / "rows", self.vault)
        self.db = connect(self.directory / "catalogue.db", durable=True)
        self.db.executescript(SCHEMA)
        self._holder = os.urandom(8).hex().encode()
        self.others_applied = True
        found = self.meta("format")
        if found is None:
            self.set_meta("format", FORMAT)
        elif found != FORMAT:
            raise self._other_format(data, found)

    @staticmethod
    def _other_format(data: Path, found: str) -> UsageError:
        return UsageError(
            "LEDGER_FORMAT",
            f"账本格式 {found} 与本版本({FORMAT})不符",
            f"the ledger in {data} has format {found}, this version reads {FORMAT}",
            "Use the version that wrote it, or load into a new data directory.",
        )

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def lease(self, wait: float = WAIT_SECONDS) -> Iterator[None]:
        """Makes this process the one that applies; released when it ends, however it ends.

        `others_applied` then says whether somebody else has had it since this ledger had it last: what is known of
        the record store in memory is then not to be relied on.

        Raises:
            UsageError: LEDGER_BUSY when another process still applies after `wait` seconds.
        """
        handle = os.open(self.directory / "applier.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        queue = os.open(self.directory / "applier.queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until = time.monotonic() + wait
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if wait > 0:
                        fcntl.flock(queue, fcntl.LOCK_SH)
                    if time.monotonic() >= until:
                        raise UsageError(
                            "LEDGER_BUSY",
                            "另一个进程正在载入",
                            "another process is applying this ledger",
                            "What was received is kept; that process, or the next, applies it.",
                        ) from None
                    time.sleep(0.2)
            fcntl.flock(queue, fcntl.LOCK_UN)
            self.others_applied = os.pread(handle, 64, 0) != self._holder
            os.pwrite(handle, self._holder, 0)
            yield
        finally:
            os.close(queue)
            os.close(handle)

    def is_wanted(self) -> bool:
        """Whether another process waits for the lease; who holds it again and again should then leave it a while."""
        queue = os.open(self.directory / "applier.queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(queue)
        return False

    def meta(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def append(
        self,
        feed: str,
        file: str,
        sheet: str | None,
        frames: Iterable[pl.DataFrame],
        digest: Callable[[], str],
        received_at: str,
        file_date: str | None,
        sealed: Collection[str] = (),
        faults: Callable[[], Sequence[Rejection]] = tuple,
        root: int | None = None,
    ) -> Batch:
        """Keeps rows as received; durable when it returns. The same content twice is the same batch.

        Args:
            frames: all of one shape, strings and `__row` (numbered from 2 where it is not given).
            digest: hex hash of the file's bytes, asked for after the last frame.
            file_date: the day the file's name says, ISO, or None.
            sealed: columns to be encrypted.
            faults: rows that could not be read, asked for after the last frame; their values are sealed.
            root: number of the batch whose rows these are, corrected, under the numbers that they had there.
        """
        columns: list[str] = []

        def numbered() -> Iterator[pl.DataFrame]:
            count = 0
            for frame in frames:
                if ROW not in frame.columns:
                    frame = frame.with_row_index(ROW, offset=count + 2).with_columns(
                        pl.col(ROW).cast(pl.Int64)
                    )
                count += frame.height
                columns[:] = [c for c in frame.columns if c != ROW]
                yield frame

        partial, count = self.files.write(f"{os.getpid()}-{os.urandom(6).hex()}", numbered(), sealed)
        id = hashlib.sha256(f"{feed}\0{sheet or ''}\0{digest()}".encode()).hexdigest()[:20]
        known = self.batch(id)
        if known is not None:
            partial.unlink()
            return known
        self.files.keep(partial, id)
        with transaction(self.db):
            # Two processes may receive the same file at once: the first is it.
            self.db.execute(
                "INSERT OR IGNORE INTO batch (id, feed, file, sheet, received_at, file_date, rows, columns) "
                "VALUES (?,?,?,?,?,?,?,?)",
                (
                    id,
                    feed,
                    file,
                    sheet,
                    received_at,
                    file_date,
                    count,
                    json.dumps(columns, ensure_ascii=False),
                ),
            )
            if root is not None:
                self.db.execute(
                    "INSERT OR IGNORE INTO retry SELECT no, ? FROM batch WHERE id = ?", (root, id)
                )
            seal = self.vault.seal
            self.db.executemany(
                "INSERT OR IGNORE INTO fault SELECT no, ?, ?, ?, ?, ? FROM batch WHERE id = ?",
                (
                    (f.row, f.column, None if f.value is None else seal(f.value.encode()), f.zh, f.en, id)
                    for f in faults()
                ),
            )
        batch = self.batch(id)
        assert batch is not None
        return batch

    def frames(self, batch: Batch) -> Iterator[pl.DataFrame]:
        """The rows of a batch as received, some ten thousand at a time."""
        return self.files.frames(batch.id)

    def faults(self, batch: Batch) -> list[Rejection]:
        """The rows of a batch that could not be read."""
        found = self.db.execute(
            "SELECT row, col, value, zh, en FROM fault WHERE batch = ? ORDER BY row, col", (batch.no,)
        )
        opened = self.vault.open
        return [
            Rejection(row, col, None if value is None else opened(value).decode(), zh, en)
            for row, col, value, zh, en in found
        ]

    def row(self, batch_no: int, row: int) -> dict[str, str | None]:
        """One row as received; `row` as a spreadsheet numbers it."""
        return self.files.row(self.batch_by_no(batch_no).id, row)

    _COLUMNS = "no, id, feed, file, sheet, received_at, file_date, rows, columns, state, reason"

    def batch(self, id: str) -> Batch | None:
        row = self.db.execute(f"SELECT {self._COLUMNS} FROM batch WHERE id = ?", (id,)).fetchone()
        return None if row is None else _batch(row)

    def batch_by_no(self, no: int) -> Batch:
        row = self.db.execute(f"SELECT {self._COLUMNS} FROM batch WHERE no = ?", (no,)).fetchone()
        return _batch(row)

    def root(self, batch_no: int) -> int:
        """The batch that first brought a batch's rows: another one only where they came back corrected."""
        row = self.db.execute("SELECT root FROM retry WHERE batch = ?", (batch_no,)).fetchone()
        return batch_no if row is None else int(row[0])

    def attempts(self, root: int) -> list[int]:
        """A batch and those that brought rows of it back corrected, in the order they came."""
        found = self.db.execute("SELECT batch FROM retry WHERE root = ? ORDER BY batch", (root,))
        return [root, *(r[0] for r in found)]

    def batches(self, feed: str | None = None) -> list[Batch]:
        """All batches, of a feed when it is named, in the order they came."""
        found = self.db.execute(
            f"SELECT {self._COLUMNS} FROM batch WHERE ?1 IS NULL OR feed = ?1 ORDER BY no", (feed,)
        ).fetchall()
        return [_batch(row) for row in found]

    def of_state(self, state: str) -> list[Batch]:
        """The batches in a state, in the order they came."""
        found = self.db.execute(f"SELECT {self._COLUMNS} FROM batch WHERE state = ? ORDER BY no", (state,))
        return [_batch(row) for row in found.fetchall()]

    def before(self, batch: Batch) -> Iterator[Batch]:
        """The batches of the same feed that came before one, the newest first."""
        found = self.db.execute(
            f"SELECT {self._COLUMNS} FROM batch WHERE feed = ? AND no < ? ORDER BY no DESC",
            (batch.feed, batch.no),
        )
        yield from map(_batch, found)

    def received(self, after: int = 0) -> list[int]:
        """The numbers of the batches that count, neither held nor taken back, in the order they came; of those after one."""
        found = self.db.execute(
            "SELECT no FROM batch WHERE state = 'received' AND no > ? ORDER BY no", (after,)
        )
        return [r[0] for r in found]

    def decided(self) -> object:
        """Another value once the state of a batch that was known is another, whoever decided it."""
        return self.meta(DECIDED)

    def judge(
        self, kind: str, one: str, other: str, verdict: str, judge: str, at: str, reason: str | None = None
    ) -> None:
        """Keeps what a person decided of a pair; durable when it returns. The last of a pair counts.

        Args:
            kind: `person` or `incident`; `place` is for `pick`.
            verdict: `same`, `different`, or `open` (as if nobody had judged).
            at: the moment, ISO.
        """
        with transaction(self.db):
            self.db.execute(
                "INSERT INTO judgement (kind, one, other, verdict, reason, judge, at) VALUES (?,?,?,?,?,?,?)",
                (kind, one, other, verdict, reason, judge, at),
            )

    def judgements(self, kind: str) -> dict[tuple[str, str], str]:
        """What people last decided of pairs."""
        rows = self.db.execute(
            "SELECT one, other, verdict FROM judgement WHERE kind = ? ORDER BY no", (kind,)
        )
        return {(one, other): verdict for one, other, verdict in rows}

    def judgement(self, kind: str, one: str, other: str) -> tuple[str, str | None, str, str] | None:
        """(verdict, reason, judge, at) of what a person last decided of a pair."""
        found: tuple[str, str | None, str, str] | None = self.db.execute(
            "SELECT verdict, reason, judge, at FROM judgement WHERE kind = ? AND one = ? AND other = ? ORDER BY no DESC LIMIT 1",
            (kind, one, other),
        ).fetchone()
        return found

    def judged_after(self, no: int) -> list[tuple[int, str, str]]:
        """(number, kind, first of the pair) of the judgements after one, in their order."""
        return self.db.execute(
            "SELECT no, kind, one FROM judgement WHERE no > ? ORDER BY no", (no,)
        ).fetchall()

    def pick(self, text: str, code: str | None, judge: str, at: str, reason: str) -> None:
        """Keeps which place a person says that a text names; durable when it returns. The last of a text counts.

        Args:
            code: None takes back what was picked before.
            at: the moment, ISO.
        """
        self.judge(PLACE, text, code or "", "same" if code else "open", judge, at, reason)

    def last_pick(self) -> int:
        """The number of the last pick; 0 when there is none."""
        found = self.db.execute("SELECT max(no) FROM judgement WHERE kind = ?", (PLACE,)).fetchone()[0]
        return int(found or 0)

    def picks(self) -> list[Pick]:
        """What people said of texts that name places, in the order they said it."""
        rows = self.db.execute(
            "SELECT no, one, other, judge, at, reason FROM judgement WHERE kind = ? ORDER BY no", (PLACE,)
        )
        return [Pick(no, text, code or None, judge, at, reason) for no, text, code, judge, at, reason in rows]

    def decide_purge(self, feed: str, before: str, by: str, at: str) -> None:
        """Keeps the decision that rows of a feed from before a day are to go; durable when it returns."""
        with transaction(self.db):
            self.db.execute(
                "INSERT INTO purge (feed, before, by, at) VALUES (?,?,?,?)", (feed, before, by, at)
            )

    def purges(self) -> list[Purge]:
        """All decisions that rows are to go, in their order."""
        found = self.db.execute(
            "SELECT no, feed, before, by, at, batches, rows, ended FROM purge ORDER BY no"
        )
        return [Purge(*row) for row in found]

    def end_purge(self, purge: Purge, at: str) -> None:
        """Records that what a decision is about is gone; durable when it returns."""
        with transaction(self.db):
            self.db.execute("UPDATE purge SET ended = ? WHERE no = ?", (at, purge.no))

    def remove_batch(self, batch: Batch, purge: Purge) -> None:
        """Removes a batch's rows for good; what it was stays known, and that they are gone. Safe to repeat."""
        if batch.state != "purged":
            with transaction(self.db):
                self.db.execute("DELETE FROM fault WHERE batch = ?", (batch.no,))
                self.db.execute(
                    "UPDATE batch SET state = 'purged', reason = NULL, rows = 0 WHERE no = ?", (batch.no,)
                )
                self.db.execute(
                    "UPDATE purge SET batches = batches + 1, rows = rows + ? WHERE no = ?",
                    (batch.rows, purge.no),
                )
        self.files.remove(batch.id)

    def remove_rows(self, batch: Batch, gone: Collection[int], sealed: Collection[str], purge: Purge) -> None:
        """Removes rows of a batch for good, by their `__row`; the others keep their numbers. Safe to repeat.

        Args:
            sealed: columns to be encrypted.
        """
        if gone:
            rest = (f.filter(~pl.col(ROW).is_in(list(gone))) for f in self.files.frames(batch.id))
            partial, left = self.files.write(f"{os.getpid()}-{os.urandom(6).hex()}", rest, sealed)
            self.files.keep(partial, batch.id)
        else:
            left = self.files.count(batch.id)
        if left != batch.rows:
            with transaction(self.db):
                self.db.execute("UPDATE batch SET rows = ? WHERE no = ?", (left, batch.no))
                self.db.execute(
                    "UPDATE purge SET rows = rows + ? WHERE no = ?", (batch.rows - left, purge.no)
                )

    def set_state(self, batch: Batch, state: str, reason: str | None = None) -> None:
        """Records what was decided of a batch; durable when it returns."""
        with transaction(self.db):
            self.db.execute("UPDATE batch SET state = ?, reason = ? WHERE no = ?", (state, reason, batch.no))
            self.db.execute(
                "INSERT INTO meta VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
                (DECIDED,),
            )
