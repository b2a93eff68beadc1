"""The ledger and record store of one data directory: Parquet for rows as received, one SQLite (WAL) file for the rest.

What is appended here is durable before anything is acknowledged. Everything in the graph can be made again from
`batch`, `record` and the decisions; the other tables (`about`, `folded`, `rollup`, `dirty`) are indexes and the
progress of the applier, and are rebuilt from them.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ontology.errors import UsageError

SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
  no INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, feed TEXT NOT NULL, file TEXT NOT NULL, sheet TEXT,
  received_at TEXT NOT NULL, file_date TEXT, rows INTEGER NOT NULL, applied INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS record (
  feed TEXT NOT NULL, rkey TEXT NOT NULL, effective TEXT NOT NULL, hash BLOB NOT NULL,
  batch INTEGER NOT NULL, row INTEGER NOT NULL, payload BLOB NOT NULL,
  PRIMARY KEY (feed, rkey, effective, hash)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (
  key INTEGER NOT NULL, feed TEXT NOT NULL, rkey TEXT NOT NULL, PRIMARY KEY (key, feed, rkey)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dirty (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS folded (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollup (
  code TEXT NOT NULL, counter TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (code, counter)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollup_dirty (code TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS resolution (
  key TEXT PRIMARY KEY, code TEXT, level TEXT, confidence REAL, how TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
  batch INTEGER NOT NULL, row INTEGER NOT NULL, col TEXT NOT NULL, value TEXT, zh TEXT NOT NULL, en TEXT NOT NULL,
  PRIMARY KEY (batch, row, col)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Batch:
    """One file (or sheet) as received. `id` is a hash of its feed and content, so that the same file is the same batch."""

    no: int
    id: str
    feed: str
    file: str
    sheet: str | None
    received_at: str
    file_date: str | None
    rows: int
    applied: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one cell kept its row out: row counts from 1 at the header, as a spreadsheet shows it."""

    row: int
    column: str
    value: str | None
    zh: str
    en: str


def _batch(row: tuple[Any, ...]) -> Batch:
    no, id, feed, file, sheet, received_at, file_date, rows, applied = row
    return Batch(no, id, feed, file, sheet, received_at, file_date, rows, bool(applied))


def about_key(name: str) -> int:
    """A signed 64-bit key for an id or an address text, small enough to index by the million."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


class Ledger:
    """The ledger of one data directory. One process writes at a time; SQLite's own lock holds others off.

    Raises:
        UsageError: LEDGER_FORMAT when the directory was written by another version, LEDGER_BUSY when another
            process is loading.
    """

    def __init__(self, data: Path) -> None:
        self.directory = data / "ledger"
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.directory / "rows").mkdir(exist_ok=True)
        self.db = sqlite3.connect(
            self.directory / "ledger.db",
            timeout=30,
            isolation_level=None,
            check_same_thread=False,
        )
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("PRAGMA cache_size=-200000")
        self.db.execute("PRAGMA temp_store=MEMORY")
        self.db.executescript(SCHEMA)
        found = self.meta("format")
        if found is None:
            self.set_meta("format", FORMAT)
        elif found != FORMAT:
            raise UsageError(
                "LEDGER_FORMAT",
                f"账本格式 {found} 与本版本({FORMAT})不符",
                f"the ledger in {data} has format {found}, this version reads {FORMAT}",
                "Use the version that wrote it, or load into a new data directory.",
            )

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when it returns."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise UsageError(
                "LEDGER_BUSY",
                "另一个进程正在写账本",
                f"another process is writing the ledger ({error})",
                "Wait for it, then try again.",
            ) from None
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

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
        digest: str,
        rows: pl.DataFrame,
        received_at: str,
        file_date: str | None,
    ) -> Batch:
        """Keeps the rows as received (all strings) and fsyncs them; the same content twice is the same batch.

        Args:
            digest: hex hash of the file's bytes.
            file_date: the day the file's name says, ISO, or None.
        """
        id = hashlib.sha256(f"{feed}\0{sheet or ''}\0{digest}".encode()).hexdigest()[:20]
        known = self.batch(id)
        if known is not None:
            return known
        path = self.directory / "rows" / f"{id}.parquet"
        partial = path.with_suffix(".partial")
        rows.write_parquet(partial, compression="zstd")
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.rename(path)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO batch (id, feed, file, sheet, received_at, file_date, rows) VALUES (?,?,?,?,?,?,?)",
                (id, feed, file, sheet, received_at, file_date, rows.height),
            )
        batch = self.batch(id)
        assert batch is not None
        return batch

    def rows(self, batch: Batch) -> pl.DataFrame:
        """The rows of a batch as received."""
        return pl.read_parquet(self.directory / "rows" / f"{batch.id}.parquet")

    def row(self, batch_no: int, row: int) -> dict[str, str | None]:
        """One row as received; `row` as in `Rejection`."""
        batch = self.batch_by_no(batch_no)
        scan = pl.scan_parquet(self.directory / "rows" / f"{batch.id}.parquet")
        found = scan.slice(row - 2, 1).collect()
        return found.row(0, named=True) if found.height else {}

    _COLUMNS = "no, id, feed, file, sheet, received_at, file_date, rows, applied"

    def batch(self, id: str) -> Batch | None:
        row = self.db.execute(f"SELECT {self._COLUMNS} FROM batch WHERE id = ?", (id,)).fetchone()
        return None if row is None else _batch(row)

    def batch_by_no(self, no: int) -> Batch:
        row = self.db.execute(f"SELECT {self._COLUMNS} FROM batch WHERE no = ?", (no,)).fetchone()
        return _batch(row)

    def batches(self) -> list[Batch]:
        found = self.db.execute(f"SELECT {self._COLUMNS} FROM batch ORDER BY no").fetchall()
        return [_batch(row) for row in found]

    def mark_dirty(self, ids: Iterable[str]) -> None:
        self.db.executemany("INSERT OR IGNORE INTO dirty (id) VALUES (?)", ((i,) for i in ids))

    def dirty(self, prefix: str | None = None, limit: int | None = None) -> list[str]:
        """Ids that wait to be folded, those of one label first when asked by its prefix."""
        sql, values = "SELECT id FROM dirty", list[object]()
        if prefix is not None:
            sql += " WHERE id >= ? AND id < ?"
            values += [prefix + "_", prefix + "`"]
        sql += " ORDER BY seq"
        if limit is not None:
            sql += " LIMIT ?"
            values.append(limit)
        return [r[0] for r in self.db.execute(sql, values)]

    def records_about(self, keys: Sequence[int]) -> list[tuple[int, str, str, str, bytes, int, int, bytes]]:
        """All versions of all records about the keys: (key, feed, rkey, effective, hash, batch, row, payload)."""
        self.db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (key INTEGER PRIMARY KEY)")
        self.db.execute("DELETE FROM wanted")
        self.db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((k,) for k in keys))
        return self.db.execute(
            "SELECT w.key, r.feed, r.rkey, r.effective, r.hash, r.batch, r.row, r.payload FROM wanted w "
            "CROSS JOIN about a ON a.key = w.key CROSS JOIN record r ON r.feed = a.feed AND r.rkey = a.rkey"
        ).fetchall()

    def folded(self, ids: Sequence[str]) -> dict[str, bytes]:
        """What the graph holds of these ids, as last written."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), 30_000):
            part = ids[start : start + 30_000]
            marks = ",".join("?" * len(part))
            found.update(
                self.db.execute(f"SELECT id, state FROM folded WHERE id IN ({marks})", part).fetchall()
            )
        return found

    def quarantined(self, feed: str | None, limit: int) -> list[tuple[object, ...]]:
        """(file, sheet, row, column, value, reason in Chinese, in English) of rows kept out."""
        return self.db.execute(
            "SELECT b.file, b.sheet, q.row, q.col, q.value, q.zh, q.en FROM quarantine q JOIN batch b ON b.no = q.batch "
            "WHERE ?1 IS NULL OR b.feed = ?1 ORDER BY q.batch, q.row, q.col LIMIT ?2",
            (feed, limit),
        ).fetchall()

    def quarantine_size(self, feed: str | None) -> int:
        """How many rows are kept out."""
        row = self.db.execute(
            "SELECT count(DISTINCT q.batch || ':' || q.row) FROM quarantine q JOIN batch b ON b.no = q.batch "
            "WHERE ?1 IS NULL OR b.feed = ?1",
            (feed,),
        ).fetchone()
        return int(row[0])
