"""What has happened, for those who want to hear of it: entries of two logs, numbered in the order in which they were committed.

One applier at a time writes them, so that a number never appears after a higher one: whoever remembers the last number they
have read has read all before it. Any number of processes read. Findings are told from the log in which they live, once the
graph shows them; incidents from a log of those that were received or changed, written when the graph has them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ledger.findings import FINDINGS, SHOWN, Change, read_changes
from ledger.ledger import Ledger, transaction

INCIDENTS: Final = """
CREATE TABLE IF NOT EXISTS incident_log (no INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, incident TEXT NOT NULL);
"""
# Entries that are kept: at the district's 30,000 incidents a month, with three changes each, some two months.
KEPT: Final = 200_000
Kind = Literal["findings", "incidents"]


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the log of incidents: one that was received, or has changed."""

    no: int
    at: str
    incident: str


class IncidentLog:
    """The log of incidents of a ledger, for its one writer."""

    def __init__(self, ledger: Ledger) -> None:
        self._db = ledger.db
        self._db.executescript(INCIDENTS)

    def append(self, incidents: Iterable[str], at: str) -> None:
        """Keeps that incidents were received or have changed; durable when it returns. What is older than `KEPT` entries goes."""
        with transaction(self._db) as db:
            db.executemany(
                "INSERT INTO incident_log (at, incident) VALUES (?,?)", ((at, i) for i in incidents)
            )
            db.execute("DELETE FROM incident_log WHERE no <= (SELECT max(no) FROM incident_log) - ?", (KEPT,))


class EventFeed:
    """Reads both logs of a data directory, for any number of threads; neither waits for the writer nor makes it wait.

    Args:
        directory: of the ledger.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._seen: tuple[int, int] = (-1, -1)
        self._ends: dict[Kind, int] = {"findings": 0, "incidents": 0}

    def ends(self) -> dict[Kind, int]:
        """The number of the last entry of each log that may be told; cheap where nothing was written since the last call.

        Raises:
            sqlite3.Error: the ledger cannot be read at the moment.
        """
        with self._lock:
            db = self._open()
            if db is None:
                return self._ends
            seen = (_version(db, "main"), _version(db, "records"))
            if seen != self._seen:
                row = db.execute("SELECT value FROM records.meta WHERE name = ?", (SHOWN,)).fetchone()
                told = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'incident_log'").fetchone()
                self._ends = {
                    "findings": int(row[0]) if row else 0,
                    "incidents": int(told[0]) if told else 0,
                }
                self._seen = seen
            return self._ends

    def span(self, kind: Kind) -> tuple[int, int]:
        """The number after which all entries of a log are there, and that of the last one, told yet or not."""
        with self._lock:
            db = self._open()
            if db is None:
                return 0, 0
            table = "finding_log" if kind == "findings" else "incident_log"
            least = db.execute(f"SELECT min(no) FROM {table}").fetchone()[0]
            last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
            newest = int(last[0]) if last else 0
            return (int(least) - 1 if least else newest), newest

    def findings(self, after: int, until: int, first: int) -> list[Change]:
        """Changes to findings after a number and up to another, oldest first; those told to nobody are left out."""
        with self._lock:
            db = self._open()
            if db is None:
                return []
            return read_changes(db, after, until, first)

    def incidents(self, after: int, until: int, first: int) -> list[Told]:
        """Incidents received or changed after a number and up to another, oldest first."""
        with self._lock:
            db = self._open()
            if db is None:
                return []
            rows = db.execute(
                "SELECT no, at, incident FROM incident_log WHERE no > ? AND no <= ? ORDER BY no LIMIT ?",
                (after, until, first),
            ).fetchall()
        return [Told(*row) for row in rows]

    def close(self) -> None:
        with self._lock:
            self._close()

    def _open(self) -> sqlite3.Connection | None:
        """The connection, made anew when the record store has been; None where there is no ledger yet."""
        catalogue, records = self._directory / "catalogue.db", self._directory / "records.db"
        try:
            files = (os.stat(catalogue).st_ino, os.stat(records).st_ino)
        except FileNotFoundError:
            self._close()
            return None
        if files != self._opened:
            self._close()
            db = sqlite3.connect(
                f"{catalogue.resolve().as_uri()}?mode=ro", uri=True, timeout=5, check_same_thread=False
            )
            try:
                db.execute("ATTACH ? AS records", (f"{records.resolve().as_uri()}?mode=ro",))
                _require(db)
            except BaseException:
                db.close()
                raise
            self._db, self._opened = db, files
        return self._db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db, self._opened, self._seen = None, None, (-1, -1)


def prepare(ledger: Ledger) -> None:
    """Makes the logs of a ledger that has none yet, so that they can be read."""
    with contextlib.suppress(sqlite3.OperationalError):
        ledger.db.executescript(FINDINGS + INCIDENTS)


def _require(db: sqlite3.Connection) -> None:
    db.execute("SELECT 1 FROM finding_log, incident_log, records.meta LIMIT 1")


def _version(db: sqlite3.Connection, schema: str) -> int:
    return int(db.execute(f"PRAGMA {schema}.data_version").fetchone()[0])
