"""What traces found and what people said of it: a log in the ledger's catalogue, of which the last entry of a finding counts.

Every entry holds the finding whole, so that a rebuild, a subscriber who was away and the graph all read the same. Its number is
the cursor: one applier at a time writes, so that a lower number is never committed after a higher one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from ledger.ledger import Ledger, transaction

FINDINGS = """
CREATE TABLE IF NOT EXISTS finding_log (
  no INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, finding TEXT NOT NULL, change TEXT NOT NULL, quiet INTEGER NOT NULL,
  body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS finding_log_told ON finding_log (no) WHERE NOT quiet;
CREATE INDEX IF NOT EXISTS finding_log_of ON finding_log (finding, no);
CREATE TABLE IF NOT EXISTS finding (
  id TEXT PRIMARY KEY, no INTEGER NOT NULL, trace TEXT NOT NULL, subject TEXT NOT NULL, open INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS finding_subject ON finding (trace, subject);
CREATE TABLE IF NOT EXISTS finding_shown (node TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (node, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding_exception (
  no INTEGER PRIMARY KEY, trace TEXT NOT NULL, subject TEXT NOT NULL, until TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
  at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS finding_exception_of ON finding_exception (trace, subject);
"""
# In the record store's `meta`: the number of the last entry that the graph shows.
SHOWN = "findings_shown"
# States in which a finding still stands.
OPEN = frozenset({"new", "taken", "checking", "confirmed", "unsure", "matter"})
_PART = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it stands.

    Attributes:
        trace_version: of the declaration that found it.
        subject: what the trace's things have in common: a place key, a node's id, or two ids with a bar between.
        state: a code of the list `finding_state`.
        shown_by: ids of what shows it, oldest first.
        first, last: ISO days. count: how many count. found_at, changed_at, closed_at: moments.
        about: id of the node that it is about; None for a pair.
        place: place key, where it has one.
        revision: raised by every change, for those who judge it at the same time.
        return_of: the finding of which this is the return. merged_into: the finding that it has become part of.
        verdict, reason, judge, judged_at: what a person said last.
        beside: ids of what is shown with it, though it is not found by it.
    """

    id: str
    trace: str
    trace_version: int
    subject: str
    state: str
    severity: str
    sentence_zh: str
    sentence_en: str
    shown_by: tuple[str, ...]
    first: str
    last: str
    count: int
    found_at: str
    changed_at: str
    why_zh: str | None = None
    why_en: str | None = None
    about: str | None = None
    place: str | None = None
    closed_at: str | None = None
    revision: int = 1
    return_of: str | None = None
    merged_into: str | None = None
    verdict: str | None = None
    reason: str | None = None
    judge: str | None = None
    judged_at: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log.

    Attributes:
        change: found, grown, merged, cleared, returned, judged.
        quiet: whether it is told to nobody, as what a first load or a rebuild finds.
    """

    finding: Finding
    change: str
    quiet: bool = False
    no: int = field(default=0, compare=False)
    at: str = field(default="", compare=False)


class FindingLog:
    """The findings of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._db = ledger.db
        self._db.executescript(FINDINGS)

    def append(self, changes: Iterable[Change], at: str) -> list[Change]:
        """Keeps changes; durable when it returns.

        Returns:
            Those that were not kept, since somebody has changed the finding after it was read: they are to be worked out again.
        """
        late = []
        with transaction(self._db) as db:
            for change in changes:
                held = self.get(change.finding.id)
                begins = change.change in ("found", "returned")
                if held is not None and not begins and held.revision >= change.finding.revision:
                    late.append(change)
                else:
                    self._append(db, change, at)
        return late

    @staticmethod
    def _append(db: sqlite3.Connection, change: Change, at: str) -> int:
        f = change.finding
        no = db.execute(
            "INSERT INTO finding_log (at, finding, change, quiet, body) VALUES (?,?,?,?,?)",
            (at, f.id, change.change, int(change.quiet), orjson.dumps(asdict(f))),
        ).lastrowid
        assert no is not None
        db.execute(
            "INSERT OR REPLACE INTO finding VALUES (?,?,?,?,?)",
            (f.id, no, f.trace, f.subject, int(f.is_open)),
        )
        db.executemany("INSERT OR IGNORE INTO finding_shown VALUES (?,?)", ((n, f.id) for n in f.shown_by))
        return no

    def judge(
        self, id: str, revision: int, judged: Finding, at: str, until: str | None = None
    ) -> Finding | None:
        """Keeps what a person said of a finding, unless it has been changed since `revision`: then what it is now is returned.

        Args:
            until: the day before which the trace is to find nothing more about the subject.

        Returns:
            None where it was kept.
        """
        with transaction(self._db) as db:
            now = self.get(id)
            if now is None or now.revision != revision:
                return now
            self._append(db, Change(judged, "judged"), at)
            if until is not None:
                self._except(
                    db, judged.trace, judged.subject, until, judged.reason or "", judged.judge or "", at
                )
        return None

    def get(self, id: str) -> Finding | None:
        """A finding as it stands."""
        found = list(self._read("WHERE f.id = ?", (id,)))
        return found[0] if found else None

    def of_subjects(self, trace: str, subjects: Collection[str]) -> dict[str, list[Finding]]:
        """The findings of a trace about subjects, open or closed, oldest first."""
        found: dict[str, list[Finding]] = {}
        wanted = list(subjects)
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            marks = ",".join("?" * len(part))
            for f in self._read(f"WHERE f.trace = ? AND f.subject IN ({marks})", (trace, *part)):
                found.setdefault(f.subject, []).append(f)
        for held in found.values():
            held.sort(key=lambda f: (f.found_at, f.id))
        return found

    def subjects(self, trace: str) -> set[str]:
        """The subjects of which a trace has an open finding."""
        rows = self._db.execute("SELECT DISTINCT subject FROM finding WHERE trace = ? AND open", (trace,))
        return {r[0] for r in rows}

    def shown_by(self, nodes: Collection[str]) -> dict[str, set[str]]:
        """trace → subjects of the findings that are shown by any of the nodes."""
        found: dict[str, set[str]] = {}
        wanted = list(nodes)
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            marks = ",".join("?" * len(part))
            for trace, subject in self._db.execute(
                f"SELECT DISTINCT f.trace, f.subject FROM finding_shown s JOIN finding f ON f.id = s.id WHERE s.node IN ({marks})",
                part,
            ):
                found.setdefault(trace, set()).add(subject)
        return found

    def changed_after(self, no: int) -> list[Finding]:
        """The findings, as they stand, of which there are entries after a number."""
        return list(self._read("WHERE f.no > ?", (no,)))

    def everything(self) -> Iterator[Finding]:
        """All findings as they stand."""
        yield from self._read("", ())

    def after(self, no: int, first: int) -> list[Change]:
        """Entries of the log after a number, oldest first; those told to nobody are left out."""
        return read_changes(self._db, no, self.last(), first)

    def history(self, id: str) -> list[Change]:
        """All entries about a finding, oldest first."""
        rows = self._db.execute(
            "SELECT no, at, change, quiet, body FROM finding_log WHERE finding = ? ORDER BY no", (id,)
        ).fetchall()
        return [
            Change(read_finding(body), change, bool(quiet), no, at) for no, at, change, quiet, body in rows
        ]

    def last(self) -> int:
        """The number of the last entry; 0 when there is none."""
        found = self._db.execute("SELECT max(no) FROM finding_log").fetchone()[0]
        return int(found or 0)

    def except_(self, trace: str, subject: str, until: str, reason: str, by: str, at: str) -> None:
        """Keeps that a trace is to find nothing about a subject before a day; durable when it returns."""
        with transaction(self._db) as db:
            self._except(db, trace, subject, until, reason, by, at)

    @staticmethod
    def _except(db: sqlite3.Connection, *values: str) -> None:
        db.execute(
            "INSERT INTO finding_exception (trace, subject, until, reason, by, at) VALUES (?,?,?,?,?,?)",
            values,
        )

    def excepted(self, trace: str, today: str) -> dict[str, str]:
        """The subjects about which a trace is to find nothing today, each with the day on which that ends."""
        rows = self._db.execute(
            "SELECT subject, max(until) FROM finding_exception WHERE trace = ? AND until > ? GROUP BY subject",
            (trace, today),
        )
        return dict(rows.fetchall())

    def exceptions_ended(self, trace: str, was: str, today: str) -> set[str]:
        """The subjects about which a trace may find something again, since after one day and by another."""
        rows = self._db.execute(
            "SELECT subject FROM finding_exception WHERE trace = ? GROUP BY subject HAVING max(until) > ? AND max(until) <= ?",
            (trace, was, today),
        )
        return {r[0] for r in rows}

    def _read(self, where: str, values: tuple[Any, ...]) -> Iterator[Finding]:
        rows = self._db.execute(
            f"SELECT l.body FROM finding f JOIN finding_log l ON l.no = f.no {where} ORDER BY f.id", values
        ).fetchall()
        for (body,) in rows:
            yield read_finding(body)


def read_finding(body: bytes) -> Finding:
    """A finding from an entry's body."""
    held = orjson.loads(body)
    return Finding(**{**held, **{name: tuple(held.get(name, ())) for name in ("shown_by", "beside")}})


def read_changes(db: sqlite3.Connection, after: int, until: int, first: int) -> list[Change]:
    """Entries of the log after a number and up to another, oldest first; those told to nobody are left out."""
    rows = db.execute(
        "SELECT no, at, change, body FROM finding_log WHERE no > ? AND no <= ? AND NOT quiet ORDER BY no LIMIT ?",
        (after, until, first),
    ).fetchall()
    return [Change(read_finding(body), change, False, no, at) for no, at, change, body in rows]
