"""How feeds do: what came last, what waits, how far behind the graph is. Asks the ledger and the record store without writing to
them, so that it never waits for the applier, and the applier never for it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ledger import about_key, segments
from ledger.records import APPLIED
from ledger.vault import Vault
from loaders.declaration import Feed
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

_NOTHING = (0, None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was received and is not in the graph yet.

    Attributes:
        since: when the oldest of it was received, ISO; None when nothing waits.
    """

    rows: int
    since: str | None

    def lag(self, now: datetime | None = None) -> float:
        """Seconds that the oldest has waited."""
        if self.since is None:
            return 0.0
        return max(
            0.0, ((now or datetime.now(SHANGHAI)) - datetime.fromisoformat(self.since)).total_seconds()
        )


class FeedStatus:
    """The status of the feeds of one data directory, for any number of threads.

    Args:
        data: the data directory; its ledger is there.
    """

    def __init__(self, data: Path, feeds: Mapping[str, Feed], vault: Vault) -> None:
        self.feeds = feeds
        self._directory = data / "ledger"
        self._vault = vault
        self._lock = threading.Lock()
        # Of each segment: how far it was read, and what was in it: (end of frame, feed, rows, received at).
        self._read: dict[str, tuple[int, list[tuple[int, str, int, str]]]] = {}

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(
            f"{(self._directory / 'catalogue.db').resolve().as_uri()}?mode=ro", uri=True, timeout=5
        )
        try:
            records = (self._directory / "records.db").resolve()
            db.execute("ATTACH ? AS records", (f"{records.as_uri()}?mode=ro",))
            yield db
        finally:
            db.close()

    def waiting(self) -> dict[str, Waiting]:
        """What waits, by feed; feeds of which nothing waits are left out."""
        with self._lock:
            pushed = self._pushed()
        with self._open() as db:
            offsets = dict(db.execute("SELECT name, offset FROM segment").fetchall())
            dirty = db.execute("SELECT 1 FROM records.dirty LIMIT 1").fetchone() is not None
            row = db.execute("SELECT value FROM records.meta WHERE name = ?", (APPLIED,)).fetchone()
            applied = (int(row[0]) if row is not None else 0) if dirty else None
            found = db.execute(
                "SELECT feed, sum(rows), min(received_at) FROM batch b WHERE state = 'received' AND ("
                "NOT EXISTS (SELECT 1 FROM records.digested d WHERE d.batch = b.no) OR no > ?) GROUP BY feed",
                (applied if applied is not None else 1 << 62,),
            ).fetchall()
        total: dict[str, tuple[int, str | None]] = {
            feed: (n, since) for feed, n, since in found if feed in self.feeds
        }
        for name, end, feed, rows, at in pushed:
            if end > offsets.get(name, 0):
                n, since = total.get(feed, _NOTHING)
                total[feed] = n + rows, at if since is None else min(since, at)
        return {feed: Waiting(n, since) for feed, (n, since) in total.items() if n}

    def _pushed(self) -> list[tuple[str, int, str, int, str]]:
        """What the segments hold, compacted or not: (segment, end, feed, rows, received at)."""
        there = segments.paths(self._directory / "segments")
        names = {p.name for p in there}
        for gone in self._read.keys() - names:
            del self._read[gone]
        for path in there:
            offset, held = self._read.get(path.name, (0, []))
            try:
                for entry in segments.read(path, self._vault, offset):
                    offset = entry.end
                    held.append((entry.end, entry.push.feed, entry.push.rows, entry.push.received_at))
            except (FileNotFoundError, UsageError):
                # Compacted meanwhile, or damaged, which compaction tells.
                pass
            self._read[path.name] = offset, held
        return [(name, *entry) for name, (_, held) in self._read.items() for entry in held]

    def of(self, names: Sequence[str] | None = None, parts: Collection[str] = ()) -> list[dict[str, Any]]:
        """The status of feeds, of all when none is named; in the order of the names.

        Args:
            parts: `unplaced` where that is wanted, which takes longer.

        Raises:
            UsageError: BAD_ARGUMENT when there is no such feed.
        """
        wanted = list(self.feeds) if names is None else list(dict.fromkeys(names))
        unknown = [n for n in wanted if n not in self.feeds]
        if unknown:
            raise UsageError(
                "BAD_ARGUMENT",
                f"没有名为 {unknown[0][:60]} 的数据源",
                f"no feed is called {unknown[0][:60]}",
                f"Known: {', '.join(self.feeds)}.",
            )
        waiting = self.waiting()
        now = datetime.now(SHANGHAI)
        with self._open() as db:
            rows = dict(
                db.execute(
                    "SELECT feed, sum(rows) FROM batch WHERE state NOT IN ('retracted', 'purged') GROUP BY feed"
                ).fetchall()
            )
            last = {
                r[0]: r[1:]
                for r in db.execute(
                    "SELECT b.feed, b.id, b.received_at, b.rows, b.state, d.rejected FROM batch b "
                    "LEFT JOIN records.digested d ON d.batch = b.no "
                    "WHERE b.no IN (SELECT max(no) FROM batch GROUP BY feed)"
                )
            }
            kept_out = dict(
                db.execute(
                    "SELECT feed, count(*) FROM (SELECT DISTINCT feed, batch, row FROM records.quarantine) GROUP BY feed"
                ).fetchall()
            )
            unplaced = self._unplaced(db) if "unplaced" in parts else {}
        return [
            self._status(
                self.feeds[n], rows.get(n, 0), last.get(n), kept_out.get(n, 0), unplaced, waiting.get(n), now
            )
            for n in wanted
        ]

    def _status(
        self,
        feed: Feed,
        rows: int,
        last: tuple[Any, ...] | None,
        kept_out: int,
        unplaced: Mapping[str, int],
        waiting: Waiting | None,
        now: datetime,
    ) -> dict[str, Any]:
        batch = None
        if last is not None:
            id, received_at, count, state, rejected = last
            batch = {
                "id": id,
                "received_at": received_at,
                "rows": count,
                "state": state,
                "rejected": rejected,
            }
        return {
            "feed": feed.feed,
            "zh": feed.zh,
            "en": feed.en,
            "department": feed.department,
            "last_batch": batch,
            "rows": rows,
            "quarantined": kept_out,
            "unplaced": unplaced.get(feed.feed, 0),
            "waiting_rows": waiting.rows if waiting else 0,
            "lag_seconds": round(waiting.lag(now), 3) if waiting else 0.0,
            "rhythm": feed.rhythm,
            "overdue": is_overdue(feed, batch["received_at"] if batch else None, now.date()),
        }

    def _unplaced(self, db: sqlite3.Connection) -> dict[str, int]:
        """Records whose address names no sure place, by feed."""
        keys = [
            about_key("place:" + r[0])
            for r in db.execute("SELECT key FROM records.resolution WHERE code IS NULL")
        ]
        found: dict[str, int] = {}
        for start in range(0, len(keys), 30_000):
            part = keys[start : start + 30_000]
            marks = ",".join("?" * len(part))
            for feed, n in db.execute(
                f"SELECT feed, count(*) FROM records.about WHERE key IN ({marks}) GROUP BY feed", part
            ):
                found[feed] = found.get(feed, 0) + n
        return found


def is_overdue(feed: Feed, received_at: str | None, today: date) -> bool | None:
    """Whether a feed should have come by now; None when it has no rhythm, or never came."""
    period = feed.rhythm_period()
    if period is None or received_at is None:
        return None
    return today > period.after(datetime.fromisoformat(received_at).date())
