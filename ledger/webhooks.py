"""Webhooks: where other systems want to be told of findings, how far each has been told, and what could not be delivered.

In the ledger's catalogue, so that they outlive the graph. Their secrets are sealed as rows are.
"""

from __future__ import annotations

import base64
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from ledger.findings import FINDINGS, Change, read_changes
from ledger.ledger import Ledger, transaction
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

WEBHOOKS: Final = """
CREATE TABLE IF NOT EXISTS webhook (
  name TEXT PRIMARY KEY, url TEXT NOT NULL, secret BLOB NOT NULL, wanted TEXT NOT NULL, cursor INTEGER NOT NULL, added_at TEXT NOT NULL,
  paused TEXT, told_at TEXT, failing_since TEXT, error TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS webhook_dead (
  webhook TEXT NOT NULL, no INTEGER NOT NULL, at TEXT NOT NULL, tries INTEGER NOT NULL, error TEXT NOT NULL, again INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (webhook, no)) WITHOUT ROWID;
"""
PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_ERROR_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes of findings a webhook is told of; None is any.

    Attributes:
        place: place key; of it and what is below.
        changes: codes of the list `finding_change`.
    """

    traces: tuple[str, ...] | None = None
    severities: tuple[str, ...] | None = None
    changes: tuple[str, ...] | None = None
    place: str | None = None

    def holds(self, change: Change) -> bool:
        f = change.finding
        return (
            (self.traces is None or f.trace in self.traces)
            and (self.severities is None or f.severity in self.severities)
            and (self.changes is None or change.change in self.changes)
            and (self.place is None or (f.place or "").startswith(self.place))
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook and how it does.

    Attributes:
        secret: `whsec_` and the key in base64, as the Standard Webhooks specification writes it.
        cursor: number of the last entry of the log of findings that it has been told, or that was given up.
        paused: why it is told nothing for now; None when it is.
        told_at: when it last took something. failing_since, error: since when, and why, it takes nothing.
    """

    name: str
    url: str
    wanted: Wanted
    cursor: int
    added_at: str
    secret: str = field(repr=False)
    paused: str | None = None
    told_at: str | None = None
    failing_since: str | None = None
    error: str | None = None

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.secret.removeprefix(PREFIX))


@dataclass(frozen=True, slots=True)
class Dead:
    """An entry that a webhook would not take.

    Attributes:
        no: of the entry in the log of findings. tries: how often it was sent. again: whether it is to be sent once more.
    """

    webhook: str
    no: int
    at: str
    tries: int
    error: str
    again: bool = False


class Webhooks:
    """The webhooks of a ledger. Safe to use from several threads.

    Args:
        ledger: its own: nobody else may use it meanwhile, and `close` closes it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._db = ledger.db
        self._lock = threading.Lock()
        with self._lock:
            self._db.executescript(FINDINGS + WEBHOOKS)

    def add(self, name: str, url: str, wanted: Wanted, after: int | None = None) -> Webhook:
        """Adds a webhook with a new secret, told from now on, or after an entry of the log.

        Raises:
            UsageError: BAD_ARGUMENT for a name that there is, or a URL that is none.
        """
        if not url.startswith(("http://", "https://")) or len(url) > 2000 or not url.isprintable():
            raise UsageError(
                "BAD_ARGUMENT", "须为 http 或 https 网址", "the URL must begin with http:// or https://"
            )
        if not name.isidentifier() or len(name) > 60:
            raise UsageError(
                "BAD_ARGUMENT",
                "名称须为字母、数字或下划线",
                "the name must be letters, digits and underscores",
            )
        secret = PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        with self._lock, transaction(self._db) as db:
            if db.execute("SELECT 1 FROM webhook WHERE name = ?", (name,)).fetchone():
                raise UsageError("BAD_ARGUMENT", f"已有 {name}", f"there is a webhook {name} already")
            if after is None:
                after = int(db.execute("SELECT max(no) FROM finding_log").fetchone()[0] or 0)
            told = orjson.dumps(
                {
                    "traces": wanted.traces,
                    "severities": wanted.severities,
                    "changes": wanted.changes,
                    "place": wanted.place,
                }
            ).decode()
            db.execute(
                "INSERT INTO webhook (name, url, secret, wanted, cursor, added_at) VALUES (?,?,?,?,?,?)",
                (name, url, self._ledger.vault.seal(secret.encode()), told, after, _now()),
            )
        return self.get(name)

    def all(self) -> list[Webhook]:
        """All webhooks by name."""
        with self._lock:
            rows = self._db.execute(
                "SELECT name, url, secret, wanted, cursor, added_at, paused, told_at, failing_since, error FROM webhook ORDER BY name"
            ).fetchall()
        return [
            Webhook(
                name, url, _wanted(wanted), cursor, added, self._ledger.vault.open(secret).decode(), *rest
            )
            for name, url, secret, wanted, cursor, added, *rest in rows
        ]

    def get(self, name: str) -> Webhook:
        """Raises UsageError NOT_FOUND when there is none of that name."""
        found = next((w for w in self.all() if w.name == name), None)
        if found is None:
            raise UsageError("NOT_FOUND", f"没有 {name}", f"there is no webhook {name}")
        return found

    def remove(self, name: str) -> None:
        """Removes a webhook and what it would not take."""
        self.get(name)
        with self._lock, transaction(self._db) as db:
            db.execute("DELETE FROM webhook WHERE name = ?", (name,))
            db.execute("DELETE FROM webhook_dead WHERE webhook = ?", (name,))

    def pause(self, name: str, why: str | None) -> None:
        """Tells a webhook nothing, or goes on where `why` is None."""
        self.get(name)
        self._write(
            "UPDATE webhook SET paused = ?, failing_since = NULL, error = NULL WHERE name = ?", why, name
        )

    def changes(self, after: int, until: int, first: int) -> list[Change]:
        """Entries of the log of findings that are told, as `ledger.findings.read_changes`."""
        with self._lock:
            return read_changes(self._db, after, until, first)

    # -- how it goes --------------------------------------------------------------------------------------------------

    def told(self, name: str, no: int) -> None:
        """Keeps that a webhook has taken all up to an entry; durable when it returns."""
        self._write(
            "UPDATE webhook SET cursor = max(cursor, ?), told_at = ?, failing_since = NULL, error = NULL WHERE name = ?",
            no, _now(), name,
        )  # fmt: skip

    def passed(self, name: str, no: int) -> None:
        """Keeps that nothing up to an entry is for a webhook."""
        self._write("UPDATE webhook SET cursor = max(cursor, ?) WHERE name = ?", no, name)

    def failed(self, name: str, error: str) -> None:
        """Keeps that a webhook takes nothing at the moment."""
        self._write(
            "UPDATE webhook SET failing_since = coalesce(failing_since, ?), error = ? WHERE name = ?",
            _now(), error[:_ERROR_LENGTH], name,
        )  # fmt: skip

    def give_up(self, name: str, no: int, tries: int, error: str) -> None:
        """Puts an entry on the list of what a webhook would not take, and goes on after it."""
        with self._lock, transaction(self._db) as db:
            # It may have been removed meanwhile.
            db.execute(
                "INSERT OR REPLACE INTO webhook_dead SELECT name, ?, ?, ?, ?, 0 FROM webhook WHERE name = ?",
                (no, _now(), tries, error[:_ERROR_LENGTH], name),
            )
            db.execute("UPDATE webhook SET cursor = max(cursor, ?) WHERE name = ?", (no, name))

    def dead(self, name: str | None = None, *, again: bool | None = None) -> list[Dead]:
        """What was given up, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT webhook, no, at, tries, error, again FROM webhook_dead "
                "WHERE (? IS NULL OR webhook = ?) AND (? IS NULL OR again = ?) ORDER BY webhook, no",
                (name, name, again, again),
            ).fetchall()
        return [Dead(w, no, at, tries, error, bool(again)) for w, no, at, tries, error, again in rows]

    def again(self, name: str, no: int | None = None) -> int:
        """Has what was given up sent once more, one entry or all; returns how many."""
        self.get(name)
        with self._lock, transaction(self._db) as db:
            done = db.execute(
                "UPDATE webhook_dead SET again = 1 WHERE webhook = ? AND (? IS NULL OR no = ?)",
                (name, no, no),
            )
            return done.rowcount

    def delivered(self, name: str, no: int) -> None:
        """Takes an entry off the list of what was given up."""
        self._write("DELETE FROM webhook_dead WHERE webhook = ? AND no = ?", name, no)

    def close(self) -> None:
        """Closes the ledger, once whoever is at it in another thread is done: SQLite crashes where a connection is closed under a
        statement. What is asked afterwards raises sqlite3.ProgrammingError."""
        with self._lock:
            self._ledger.close()

    def _write(self, statement: str, *values: Any) -> None:
        with self._lock, transaction(self._db) as db:
            db.execute(statement, values)


def _wanted(text: str) -> Wanted:
    read = orjson.loads(text)
    traces, severities, changes = (_tuple(read[name]) for name in ("traces", "severities", "changes"))
    return Wanted(traces, severities, changes, read["place"])


def _tuple(held: list[str] | None) -> tuple[str, ...] | None:
    return tuple(held) if held is not None else None


def _now() -> str:
    return datetime.now(SHANGHAI).isoformat(timespec="seconds")
