"""Traces that people have published: their declarations as written, each as a version, for as long as they are not withdrawn."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from ledger.ledger import Ledger, transaction

PUBLICATIONS: Final = """
CREATE TABLE IF NOT EXISTS trace_publication (
  no INTEGER PRIMARY KEY AUTOINCREMENT, trace TEXT NOT NULL, version INTEGER NOT NULL, declaration TEXT, by TEXT NOT NULL, at TEXT NOT NULL);
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

    def put(self, trace: str, version: int, declaration: str | None, by: str, at: str) -> None:
        """Keeps that a trace was published, or withdrawn; durable when it returns."""
        with self._lock, transaction(self._db) as db:
            db.execute(
                "INSERT INTO trace_publication (trace, version, declaration, by, at) VALUES (?,?,?,?,?)",
                (trace, version, declaration, by, at),
            )

    def last(self) -> int:
        """The number of the last entry; 0 when there is none."""
        with self._lock:
            return int(self._db.execute("SELECT max(no) FROM trace_publication").fetchone()[0] or 0)

    def standing(self) -> list[Publication]:
        """The newest entry of each trace that was not withdrawn, by name."""
        return [
            p
            for p in self._read("WHERE no IN (SELECT max(no) FROM trace_publication GROUP BY trace)")
            if p.declaration
        ]

    def names(self) -> set[str]:
        """The traces that were ever published."""
        with self._lock:
            return {r[0] for r in self._db.execute("SELECT DISTINCT trace FROM trace_publication")}

    def history(self, trace: str) -> list[Publication]:
        """All entries of a trace, oldest first."""
        return [p for p in self._read("") if p.trace == trace]

    def _read(self, where: str) -> list[Publication]:
        with self._lock:
            rows = self._db.execute(
                f"SELECT no, trace, version, declaration, by, at FROM trace_publication {where} ORDER BY trace, no"
            ).fetchall()
        return [Publication(*row) for row in rows]
