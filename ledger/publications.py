"""Traces that people have published: their declarations as written, each as a version, for as long as they are not withdrawn."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from typing import Final

from ledger.ledger import Ledger, transaction

PUBLICATIONS: Final = """
CREATE TABLE IF NOT EXISTS trace_publication (
  no INTEGER PRIMARY KEY AUTOINCREMENT, trace TEXT NOT NULL, version INTEGER NOT NULL, declaration TEXT, by TEXT NOT NULL, at TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS trace_publication_version ON trace_publication (trace, version) WHERE declaration IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Publication:
    """One entry.

    Attributes:
        declaration: the YAML as written; None where the trace was withdrawn.
        at: moment, ISO.
    """

    no: int
    trace: str
    version: int
    declaration: str | None
    by: str
    at: str


class Publications:
    """What was published in a ledger. Safe to use from several threads.

    Args:
        ledger: its own, where other threads use another.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._db = ledger.db
        self._lock = threading.Lock()
        with self._lock:
            self._db.executescript(PUBLICATIONS)

    def publish(self, trace: str, least: int, declaration: str, by: str, at: str) -> int:
        """Keeps a declaration as the next version of its trace, at least `least`; durable when it returns the version."""
        with self._lock, transaction(self._db) as db:
            held = db.execute(
                "SELECT max(version) FROM trace_publication WHERE trace = ?", (trace,)
            ).fetchone()[0]
            version = max(least, int(held or 0) + 1)
            self._put(db, trace, version, declaration, by, at)
        return version

    def withdraw(self, trace: str, by: str, at: str) -> bool:
        """Keeps that a trace was withdrawn, durable when it returns; False where it does not stand."""
        with self._lock, transaction(self._db) as db:
            held = db.execute(
                "SELECT version, declaration FROM trace_publication WHERE trace = ? ORDER BY no DESC LIMIT 1",
                (trace,),
            ).fetchone()
            if held is None or held[1] is None:
                return False
            self._put(db, trace, held[0], None, by, at)
        return True

    @staticmethod
    def _put(db: sqlite3.Connection, *values: str | int | None) -> None:
        db.execute(
            "INSERT INTO trace_publication (trace, version, declaration, by, at) VALUES (?,?,?,?,?)", values
        )

    def last(self) -> int:
        """The number of the last entry; 0 when there is none."""
        with self._lock:
            return int(self._db.execute("SELECT max(no) FROM trace_publication").fetchone()[0] or 0)

    def newest(self) -> list[Publication]:
        """The newest entry of each trace, by name."""
        return self._read("WHERE no IN (SELECT max(no) FROM trace_publication GROUP BY trace)")

    def history(self, trace: str) -> list[Publication]:
        """All entries of a trace, oldest first."""
        return [p for p in self._read("") if p.trace == trace]

    def _read(self, where: str) -> list[Publication]:
        with self._lock:
            rows = self._db.execute(
                f"SELECT no, trace, version, declaration, by, at FROM trace_publication {where} ORDER BY trace, no"
            ).fetchall()
        return [Publication(*row) for row in rows]
