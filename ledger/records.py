"""The record store: records by key and version, what is about whom, and how far the applier is.

All of it is made from the ledger's rows and decisions, and can be made again; so its commits need not survive a power
cut one by one, only together.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from ledger.ledger import Rejection, connect, transaction
from ledger.vault import Vault

SCHEMA = """
CREATE TABLE IF NOT EXISTS digested (
  batch INTEGER PRIMARY KEY, loaded INTEGER NOT NULL, rejected INTEGER NOT NULL, dropped INTEGER NOT NULL);
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
CREATE TABLE IF NOT EXISTS turning (id TEXT PRIMARY KEY, day TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turning_day ON turning (day);
CREATE TABLE IF NOT EXISTS resolution (
  key TEXT PRIMARY KEY, code TEXT, level TEXT, confidence REAL, how TEXT, outcome TEXT, others BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS address_change (seq INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot (
  feed TEXT NOT NULL, scope TEXT NOT NULL, day TEXT NOT NULL, batch INTEGER NOT NULL,
  PRIMARY KEY (feed, scope, day, batch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
  feed TEXT NOT NULL, rkey TEXT NOT NULL, scope TEXT NOT NULL, last TEXT NOT NULL,
  PRIMARY KEY (feed, rkey)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_last ON seen (feed, scope, last);
CREATE TABLE IF NOT EXISTS trait (
  kind TEXT NOT NULL, value TEXT NOT NULL, raw TEXT NOT NULL, PRIMARY KEY (kind, value, raw)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link (
  raw TEXT NOT NULL, same TEXT NOT NULL, state TEXT NOT NULL, score REAL NOT NULL, why TEXT NOT NULL,
  version TEXT NOT NULL, PRIMARY KEY (raw, same)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_same ON link (same);
CREATE INDEX IF NOT EXISTS link_state ON link (state, score);
CREATE TABLE IF NOT EXISTS disagreement (
  id TEXT NOT NULL, field TEXT NOT NULL, feed TEXT NOT NULL, stands INTEGER NOT NULL,
  PRIMARY KEY (id, field, feed)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS disagreement_feed ON disagreement (feed, stands, field);
CREATE TABLE IF NOT EXISTS quarantine (
  batch INTEGER NOT NULL, row INTEGER NOT NULL, col TEXT NOT NULL, feed TEXT NOT NULL, value BLOB,
  zh TEXT NOT NULL, en TEXT NOT NULL, PRIMARY KEY (batch, row, col)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (
  batch INTEGER NOT NULL, row INTEGER NOT NULL, feed TEXT NOT NULL, by INTEGER NOT NULL,
  PRIMARY KEY (batch, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
  batch INTEGER NOT NULL, row INTEGER NOT NULL, col TEXT NOT NULL, feed TEXT NOT NULL, value BLOB,
  zh TEXT NOT NULL, en TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS note_batch ON note (batch);
CREATE TABLE IF NOT EXISTS touched (id TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY (id, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS awaited (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trace_due (
  trace TEXT NOT NULL, subject TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (trace, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trace_due_day ON trace_due (day);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

TRAIT_INDEX = "CREATE INDEX IF NOT EXISTS trait_raw ON trait (raw)"
# Indexes on columns that a store of an earlier version gets first.
INDEXES = """
CREATE INDEX IF NOT EXISTS resolution_open ON resolution (outcome) WHERE outcome <> 'RESOLVED';
CREATE INDEX IF NOT EXISTS resolution_nowhere ON resolution (key) WHERE code IS NULL;
"""

# Before a point in the place of a key.
STOOD_AT = "@"
# In `meta`: the last batch that the graph holds; those after it wait as long as anything is dirty.
APPLIED = "applied_batch"
# In `meta`: another text whenever addresses changed otherwise than `address_change` tells.
EPOCH = "address_epoch"
# How many changes of addresses are remembered at least; who has not followed for longer reads them all.
CHANGES = 200_000


def stood_at(latitude: float, longitude: float) -> str:
    """A point where a place no longer stands, as an entry among place keys."""
    return f"{STOOD_AT}{latitude!r},{longitude!r}"


def point_of(entry: str) -> tuple[float, float] | None:
    """Latitude and longitude of such an entry; None for a place key."""
    if not entry.startswith(STOOD_AT):
        return None
    latitude, _, longitude = entry.removeprefix(STOOD_AT).partition(",")
    return float(latitude), float(longitude)


class Quarantined(NamedTuple):
    """One faulty cell of a row kept out, or one that a note is about."""

    batch: int
    row: int
    column: str
    value: str | None
    zh: str
    en: str


class StoredRecord(NamedTuple):
    """One version of one record. `payload` is JSON, opened."""

    feed: str
    rkey: str
    effective: str
    hash: bytes
    batch: int
    row: int
    payload: bytes


class Digested(NamedTuple):
    """What became of a batch's rows."""

    loaded: int
    rejected: int
    dropped: int


def about_key(name: str) -> int:
    """A signed 64-bit key for an id or an address text, small enough to index by the million."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def prepare(db: sqlite3.Connection) -> None:
    """Makes the tables that are not there, and gives those of an earlier version what they lack."""
    db.executescript(SCHEMA)
    there = {row[1] for row in db.execute("PRAGMA table_info(resolution)")}
    for column, kind in (("outcome", "TEXT"), ("others", "BLOB")):
        if column not in there:
            db.execute(f"ALTER TABLE resolution ADD COLUMN {column} {kind}")
    db.executescript(INDEXES)
    db.execute(TRAIT_INDEX)


class RecordFiller:
    """What of a record store is written without the ledger's vault, so by any process."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    @classmethod
    def of(cls, directory: Path, spill: Path | None = None) -> RecordFiller:
        """That of a ledger's directory, which holds a record store.

        Args:
            spill: a folder for what sorting does not hold, for all of this process; without one all is held.
        """
        db = _opened(directory)
        if spill is not None:
            os.environ["SQLITE_TMPDIR"] = os.fspath(spill)
            db.execute("PRAGMA temp_store=FILE")
        return cls(db)

    def close(self) -> None:
        self.db.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self.db)

    def put_about(self, about: Iterable[tuple[int, str, str]]) -> None:
        """Notes (key, feed, rkey): the record speaks of what the key names."""
        self.db.executemany("INSERT OR IGNORE INTO about VALUES (?,?,?)", about)

    def put_folded(self, states: Iterable[tuple[str, bytes]]) -> None:
        """Keeps what the graph holds of ids."""
        self.db.executemany("INSERT OR REPLACE INTO folded VALUES (?,?)", states)

    def put_traits(self, traits: Iterable[tuple[str, str, str]]) -> None:
        """Keeps (kind, value, raw) of raw entities of which none is kept yet."""
        self.db.executemany("INSERT INTO trait VALUES (?,?,?)", traits)

    def put_links(self, links: Iterable[tuple[Any, ...]]) -> None:
        """Keeps (raw, same, state, score, why, version): who is whom, or may be."""
        self.db.executemany("INSERT OR REPLACE INTO link VALUES (?,?,?,?,?,?)", links)

    def index_traits(self) -> None:
        """Makes the second index of traits, if there is none."""
        self.db.execute(TRAIT_INDEX)

    def put_rollups(self, counts: Iterable[tuple[str, str, int]]) -> None:
        """Keeps the roll-ups (code, counter, number), ordered, in place of what was counted before."""
        self.db.execute("DELETE FROM rollup")
        self.db.executemany("INSERT INTO rollup VALUES (?,?,?)", counts)

    def put_turning(self, days: Iterable[tuple[str, str | None]]) -> None:
        """Keeps on which day entities next count otherwise in the roll-ups, by themselves; None: on none."""
        told = list(days)
        self.db.executemany("DELETE FROM turning WHERE id = ?", ((id,) for id, _ in told))
        self.db.executemany("INSERT INTO turning VALUES (?,?)", (one for one in told if one[1] is not None))


def _opened(directory: Path) -> sqlite3.Connection:
    db = connect(directory / "records.db", durable=False)
    db.execute("PRAGMA cache_size=-200000")
    return db


class Records(RecordFiller):
    """The record store of a ledger's directory.

    Attributes:
        forgotten: another number once a batch that was digested may not be so any more.
    """

    forgotten = 0

    def __init__(self, directory: Path, vault: Vault) -> None:
        super().__init__(_opened(directory))
        self._vault = vault
        prepare(self.db)
        self.db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (EPOCH, secrets.token_hex(8)))

    def meta(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # -- what traces are to look at ---------------------------------------------------------------------------------

    def put_touched(self, touched: Iterable[tuple[str, str]]) -> None:
        """Notes (node, place key) for traces to look at, of what stood elsewhere also (node, `stood_at`); call it where `folded` is written."""
        self.db.executemany("INSERT OR IGNORE INTO touched VALUES (?,?)", touched)

    def touched(self, most: int) -> list[tuple[str, str]]:
        """What traces have not looked at yet, at most so much of it."""
        return self.db.execute("SELECT id, place FROM touched LIMIT ?", (most,)).fetchall()

    def touched_of(self, prefix: str) -> list[str]:
        """The nodes of a kind that traces have not looked at yet, all of them, by the prefix of their ids."""
        found = self.db.execute(
            "SELECT DISTINCT id FROM touched WHERE id >= ? AND id < ? ORDER BY id",
            (f"{prefix}_", f"{prefix}`"),
        )
        return [r[0] for r in found]

    def put_awaited(self, ids: Iterable[str]) -> None:
        """Notes nodes that were touched while some trace had yet to look at the district: what it finds by them is news."""
        self.db.executemany("INSERT OR IGNORE INTO awaited VALUES (?)", ((id,) for id in ids))

    def awaited(self) -> set[str]:
        """The nodes that were noted so."""
        return {id for (id,) in self.db.execute("SELECT id FROM awaited")}

    def forget_awaited(self) -> None:
        """Lets go of them, once no trace waits."""
        self.db.execute("DELETE FROM awaited")

    def looked_at(self, touched: Iterable[tuple[str, str]]) -> None:
        """Forgets what traces have looked at."""
        self.db.executemany("DELETE FROM touched WHERE id = ? AND place = ?", touched)

    def put_due(self, trace: str, looked_at: Iterable[str], due: Iterable[tuple[str, str]]) -> None:
        """Notes (subject, day) on which a trace is to look at subjects again, in place of what was noted of those it looked at."""
        self.db.executemany(
            "DELETE FROM trace_due WHERE trace = ? AND subject = ?", ((trace, s) for s in looked_at)
        )
        self.db.executemany(
            "INSERT OR REPLACE INTO trace_due VALUES (?,?,?)", ((trace, s, d) for s, d in due)
        )

    def forget_trace(self, trace: str, mark: str) -> None:
        """Forgets what a trace was to look at, and that it has looked."""
        self.db.execute("DELETE FROM trace_due WHERE trace = ?", (trace,))
        self.db.execute("DELETE FROM meta WHERE name = ?", (mark,))

    def due(self, day: str) -> dict[str, set[str]]:
        """trace → subjects that it is to look at by a day."""
        found: dict[str, set[str]] = {}
        for trace, subject in self.db.execute("SELECT trace, subject FROM trace_due WHERE day <= ?", (day,)):
            found.setdefault(trace, set()).add(subject)
        return found

    # -- addresses, for those who follow them -----------------------------------------------------------------------

    def new_epoch(self) -> None:
        """Tells those who follow the addresses to read them all anew."""
        self.set_meta(EPOCH, secrets.token_hex(8))

    def put_address_changes(self, ids: Iterable[str]) -> None:
        """Tells those who follow the addresses that these are other than they were; call it where `folded` is written."""
        self.db.executemany("INSERT INTO address_change (id) VALUES (?)", ((id,) for id in ids))
        self.db.execute(
            "DELETE FROM address_change WHERE seq <= (SELECT max(seq) FROM address_change) - ?",
            (2 * CHANGES,),
        )

    def address_state(self) -> tuple[str | None, int]:
        """(epoch, number of the last change)."""
        last = self.db.execute("SELECT max(seq) FROM address_change").fetchone()[0]
        return self.meta(EPOCH), int(last or 0)

    def address_changes(self, after: int) -> list[str] | None:
        """Ids of the addresses that changed after a number; None when not all of them are remembered."""
        first = self.db.execute("SELECT min(seq) FROM address_change").fetchone()[0]
        if first is not None and first > after + 1:
            return None
        found = self.db.execute("SELECT DISTINCT id FROM address_change WHERE seq > ?", (after,))
        return [r[0] for r in found]

    # -- records ----------------------------------------------------------------------------------------------------

    def digested(self, batch_no: int) -> Digested | None:
        """What became of a batch's rows; None when it waits."""
        row = self.db.execute(
            "SELECT loaded, rejected, dropped FROM digested WHERE batch = ?", (batch_no,)
        ).fetchone()
        return None if row is None else Digested(*row)

    def note_applied(self) -> None:
        """Notes that all that is digested is in the graph."""
        last = self.db.execute("SELECT max(batch) FROM digested").fetchone()[0]
        self.set_meta(APPLIED, str(last or 0))

    def set_digested(self, batch_no: int, loaded: int, rejected: int, dropped: int) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO digested VALUES (?,?,?,?)", (batch_no, loaded, rejected, dropped)
        )

    def clear(self) -> None:
        """Empties the store; the ledger makes it again."""
        tables = self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        with self.transaction() as db:
            for (name,) in tables:
                db.execute(f"DELETE FROM {name}")
            self.new_epoch()
        self.forgotten += 1

    def put(self, records: Iterable[StoredRecord]) -> None:
        """Keeps versions of records; one that is known stays as it is."""
        seal = self._vault.seal
        self.put_sealed((*r[:6], seal(r.payload)) for r in records)

    def put_sealed(self, records: Iterable[tuple[Any, ...]]) -> None:
        """As `put`, of records whose payload was sealed already."""
        self.db.executemany("INSERT OR IGNORE INTO record VALUES (?,?,?,?,?,?,?)", records)

    def about(
        self, keys: Sequence[int], known: Container[tuple[str, str, str, bytes]] = ()
    ) -> list[tuple[int, StoredRecord]]:
        """All versions of all records about the keys, with the key that each was found by.

        Args:
            known: (feed, record key, effective, hash) of versions that come without their payload.
        """
        self.db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (key INTEGER PRIMARY KEY)")
        self.db.execute("DELETE FROM wanted")
        self.db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((k,) for k in keys))
        found = self.db.execute(
            "SELECT w.key, r.feed, r.rkey, r.effective, r.hash, r.batch, r.row, r.payload FROM wanted w "
            "CROSS JOIN about a ON a.key = w.key CROSS JOIN record r ON r.feed = a.feed AND r.rkey = a.rkey"
        )
        opened: dict[tuple[str, str, str, bytes], StoredRecord] = {}
        records = []
        for key, *row in found:
            name = tuple(row[:4])
            record = opened.get(name)
            if record is None:
                record = self._opened(row) if name not in known else StoredRecord._make((*row[:6], b""))
                opened[name] = record
            records.append((key, record))
        return records

    def of_several_versions(self, names: Iterable[tuple[str, str]]) -> list[StoredRecord]:
        """All versions of those of the records (feed, rkey) that have more than one."""
        self.db.execute(
            "CREATE TEMP TABLE IF NOT EXISTS again (feed TEXT, rkey TEXT, PRIMARY KEY (feed, rkey)) WITHOUT ROWID"
        )
        self.db.execute("DELETE FROM again")
        self.db.executemany("INSERT OR IGNORE INTO again VALUES (?,?)", names)
        found = self.db.execute(
            "SELECT r.feed, r.rkey, r.effective, r.hash, r.batch, r.row, r.payload "
            "FROM again a CROSS JOIN record r ON r.feed = a.feed AND r.rkey = a.rkey "
            "WHERE EXISTS (SELECT 1 FROM record o WHERE o.feed = a.feed AND o.rkey = a.rkey "
            "AND (o.hash <> r.hash OR o.effective <> r.effective))"
        )
        return [self._opened(row) for row in found]

    # -- snapshots --------------------------------------------------------------------------------------------------

    def put_snapshot(
        self, feed: str, day: str, batch_no: int, seen: Sequence[tuple[str, str]], whole: bool = True
    ) -> set[str]:
        """Notes that a full snapshot of a day holds these records.

        Args:
            seen: (record key, scope: the part of the whole that the record belongs to).
            whole: False when it is no snapshot, and speaks of these records only.

        Returns:
            Keys of records that it closes, or no longer does: those of its scopes that it does not hold, and those that
            it holds and an earlier look had closed.
        """
        scopes = sorted({scope for _, scope in seen})
        before = {scope: self._lost(feed, scope) for scope in scopes}
        self.db.executemany(
            "INSERT OR IGNORE INTO snapshot VALUES (?,?,?,?)",
            ((feed, scope, day, batch_no) for scope in scopes if whole),
        )
        self.db.executemany(
            "INSERT INTO seen VALUES (?,?,?,?) ON CONFLICT (feed, rkey) DO UPDATE SET "
            "scope = CASE WHEN excluded.last >= last THEN excluded.scope ELSE scope END, last = max(last, excluded.last)",
            ((feed, rkey, scope, day) for rkey, scope in seen),
        )
        changed: set[str] = set()
        for scope in scopes:
            after = self._lost(feed, scope)
            changed |= {rkey for rkey, _ in before[scope] ^ after}
        return changed

    def _lost(self, feed: str, scope: str) -> set[tuple[str, str]]:
        """(record key, day) of records that a snapshot of their scope no longer holds, with the day of the first."""
        found = self.db.execute(
            "SELECT s.rkey, (SELECT min(p.day) FROM snapshot p WHERE p.feed = s.feed AND p.scope = s.scope AND p.day > s.last) d "
            "FROM seen s WHERE s.feed = ? AND s.scope = ? AND s.last < "
            "(SELECT max(day) FROM snapshot WHERE feed = ? AND scope = ?)",
            (feed, scope, feed, scope),
        )
        return {(rkey, day) for rkey, day in found if day is not None}

    def lost(self, feed: str, rkeys: Iterable[str]) -> dict[str, str]:
        """Record key → the first day on which a snapshot no longer held it, for those that were lost."""
        out: dict[str, str] = {}
        for rkey in rkeys:
            row = self.db.execute(
                "SELECT min(p.day) FROM seen s JOIN snapshot p ON p.feed = s.feed AND p.scope = s.scope "
                "AND p.day > s.last WHERE s.feed = ? AND s.rkey = ?",
                (feed, rkey),
            ).fetchone()
            if row[0] is not None:
                out[rkey] = row[0]
        return out

    def lost_keys(self, feed: str) -> list[str]:
        """Keys of all records of a feed that a later snapshot no longer holds."""
        scopes = self.db.execute("SELECT DISTINCT scope FROM snapshot WHERE feed = ?", (feed,)).fetchall()
        return sorted({rkey for (scope,) in scopes for rkey, _ in self._lost(feed, scope)})

    def versions_of(self, feed: str, rkeys: Iterable[str]) -> Iterator[StoredRecord]:
        """All versions of these records of a feed."""
        for rkey in rkeys:
            found = self.db.execute(
                "SELECT feed, rkey, effective, hash, batch, row, payload FROM record WHERE feed = ? AND rkey = ?",
                (feed, rkey),
            )
            yield from map(self._opened, found.fetchall())

    def forget_digested(self, batch_no: int) -> None:
        """Has a batch digested anew."""
        self.db.execute("DELETE FROM digested WHERE batch = ?", (batch_no,))
        self.forgotten += 1

    def forget_batch(self, feed: str, batch_no: int) -> None:
        """Takes back what a batch brought, and what is to be digested anew for it: the other batches of its feed may
        have brought the same."""
        self.db.execute("DELETE FROM record WHERE batch = ?", (batch_no,))
        for table in ("quarantine", "settled", "note", "snapshot", "seen"):
            self.db.execute(f"DELETE FROM {table} WHERE feed = ?", (feed,))

    def forget_feed(self, feed: str) -> None:
        """Takes back all that a feed brought, its batches to be digested anew. What is taken is overwritten on the disk.

        Call it in a transaction.
        """
        self._forget_places_of(feed)
        for table in ("record", "about", "quarantine", "settled", "note", "snapshot", "seen"):
            self.db.execute(f"DELETE FROM {table} WHERE feed = ?", (feed,))

    def _forget_places_of(self, feed: str) -> None:
        """What the places were taken for that only this feed's records name."""
        names = self.db.execute("SELECT key FROM resolution").fetchall()
        keys = {about_key(f"place:{name}"): name for (name,) in names}
        numbers = list(keys)
        for start in range(0, len(numbers), 30_000):
            part = numbers[start : start + 30_000]
            alone = self.db.execute(
                f"SELECT key FROM about WHERE key IN ({','.join('?' * len(part))}) "
                "GROUP BY key HAVING min(feed) = ? AND max(feed) = ?",
                (*part, feed, feed),
            ).fetchall()
            self.db.executemany("DELETE FROM resolution WHERE key = ?", ((keys[key],) for (key,) in alone))

    def settle_on_disk(self) -> None:
        """Makes all that was written so far survive a power cut, and leaves no trace of what was removed. Call it outside
        of a transaction."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def of_feed(self, feed: str) -> Iterator[StoredRecord]:
        """All versions of all records of a feed, by key."""
        found = self.db.execute(
            "SELECT feed, rkey, effective, hash, batch, row, payload FROM record WHERE feed = ?", (feed,)
        )
        return map(self._opened, found)

    def of_batch(self, batch_no: int) -> Iterator[StoredRecord]:
        """The versions that a batch was the first to bring."""
        found = self.db.execute(
            "SELECT feed, rkey, effective, hash, batch, row, payload FROM record WHERE batch = ?", (batch_no,)
        )
        return (self._opened(row) for row in found.fetchall())

    def _opened(self, row: Sequence[Any]) -> StoredRecord:
        feed, rkey, effective, hash, batch, number, payload = row
        return StoredRecord(feed, rkey, effective, hash, batch, number, self._vault.open(payload))

    # -- the applier's progress -------------------------------------------------------------------------------------

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

    def unindex_traits(self) -> None:
        """Drops the second index of traits, until `index_traits`: for millions of them at once."""
        self.db.execute("DROP INDEX IF EXISTS trait_raw")

    def put_disagreements(self, ids: Iterable[str], said: Iterable[tuple[str, str, str, bool]]) -> None:
        """Keeps (id, field, feed, stands) in place of what was kept of these ids."""
        self.db.executemany("DELETE FROM disagreement WHERE id = ?", ((id,) for id in ids))
        self.db.executemany("INSERT OR REPLACE INTO disagreement VALUES (?,?,?,?)", said)

    def disagreements(
        self, feeds: Sequence[str] | None, field: str | None, limit: int, skip: int = 0
    ) -> list[tuple[str, str]]:
        """A page of (id, field) about which feeds disagree, in that order; of some feeds, where what they say does not stand."""
        where, values = _disagreeing(feeds, field)
        return self.db.execute(
            f"SELECT DISTINCT id, field FROM disagreement WHERE {where} ORDER BY id, field LIMIT ? OFFSET ?",
            (*values, limit, skip),
        ).fetchall()

    def disagreements_size(self, feeds: Sequence[str] | None, field: str | None) -> int:
        """How many there are of them."""
        where, values = _disagreeing(feeds, field)
        found = self.db.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT id, field FROM disagreement WHERE {where})", values
        )
        return int(found.fetchone()[0])

    def disagreeing(self, id: str, field: str) -> dict[str, bool]:
        """The feeds that disagree about one field, and whether it is theirs that stands."""
        found = self.db.execute(
            "SELECT feed, stands FROM disagreement WHERE id = ? AND field = ?", (id, field)
        )
        return {feed: bool(stands) for feed, stands in found}

    def disagreements_of_feeds(self) -> dict[str, int]:
        """How many things each feed says that do not stand against another department's."""
        return dict(self.db.execute("SELECT feed, count(*) FROM disagreement WHERE NOT stands GROUP BY feed"))

    # -- quarantine -------------------------------------------------------------------------------------------------

    def put_rejections(self, batch_no: int, feed: str, rejections: Sequence[Rejection]) -> int:
        """Keeps why rows of a batch were kept out, the values sealed; returns how many rows they are."""
        self._put_cells("quarantine", batch_no, feed, rejections)
        return len({r.row for r in rejections})

    def put_notes(self, batch_no: int, feed: str, notes: Sequence[Rejection]) -> None:
        """Keeps what was left out of rows that were otherwise taken, or only remarked on, the values sealed."""
        self._put_cells("note", batch_no, feed, notes)

    def _put_cells(self, table: str, batch_no: int, feed: str, cells: Sequence[Rejection]) -> None:
        seal = self._vault.seal
        self.db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?,?,?,?,?,?,?)",
            (
                (
                    batch_no,
                    r.row,
                    r.column,
                    feed,
                    None if r.value is None else seal(r.value.encode()),
                    r.zh,
                    r.en,
                )
                for r in cells
            ),
        )

    def settle(
        self,
        root: int,
        attempts: Sequence[int],
        by: int,
        feed: str,
        corrected: Iterable[int],
        wrong: Iterable[int],
    ) -> None:
        """Takes corrected rows out of quarantine; of those that are still wrong only the last attempt stays.

        Args:
            root: the batch whose rows came back; attempts: all batches that brought rows of it, itself included.
            by: the one among them that now has; its own rejections are kept already.
            corrected, wrong: row numbers. What was corrected once stays corrected.
        """
        db = self.db
        marks = ",".join("?" * len(attempts))
        done = list(corrected)
        db.executemany("INSERT OR IGNORE INTO settled VALUES (?,?,?,?)", ((root, r, feed, by) for r in done))
        others = [no for no in attempts if no != by]
        db.executemany(
            f"DELETE FROM quarantine WHERE batch IN ({','.join('?' * len(others))}) AND row = ?",
            ((*others, row) for row in wrong),
        )
        db.execute(
            f"DELETE FROM quarantine WHERE batch IN ({marks}) AND row IN (SELECT row FROM settled WHERE batch = ?)",
            (*attempts, root),
        )

    def settled(self, feed: str | None = None, limit: int = -1) -> list[tuple[int, int, int]]:
        """(batch, row, batch that settled it) of rows that were kept out and came back right."""
        return self.db.execute(
            "SELECT batch, row, by FROM settled WHERE ?1 IS NULL OR feed = ?1 ORDER BY batch, row LIMIT ?2",
            (feed, limit),
        ).fetchall()

    def quarantined(
        self, feed: str | None = None, batch_no: int | None = None, limit: int = -1
    ) -> list[Quarantined]:
        """The faulty cells of rows kept out, of a feed or a batch when one is named; in their order."""
        return self._cells("quarantine", feed, batch_no, limit)

    def notes(
        self, feed: str | None = None, batch_no: int | None = None, limit: int = -1
    ) -> list[Quarantined]:
        """Cells left out of rows that were otherwise taken, or only remarked on; at most 1,000 of a column in some ten
        thousand rows (the batch counts them all)."""
        return self._cells("note", feed, batch_no, limit)

    def notes_size(self, feed: str | None = None) -> int:
        """How many notes are kept."""
        row = self.db.execute("SELECT count(*) FROM note WHERE ?1 IS NULL OR feed = ?1", (feed,)).fetchone()
        return int(row[0])

    def _cells(self, table: str, feed: str | None, batch_no: int | None, limit: int) -> list[Quarantined]:
        found = self.db.execute(
            f"SELECT batch, row, col, value, zh, en FROM {table} "
            "WHERE (?1 IS NULL OR feed = ?1) AND (?2 IS NULL OR batch = ?2) ORDER BY batch, row, col LIMIT ?3",
            (feed, batch_no, limit),
        )
        opened = self._vault.open
        return [
            Quarantined(b, row, col, None if value is None else opened(value).decode(), zh, en)
            for b, row, col, value, zh, en in found
        ]

    def quarantine_size(self, feed: str | None = None) -> int:
        """How many rows are kept out."""
        row = self.db.execute(
            "SELECT count(*) FROM (SELECT DISTINCT batch, row FROM quarantine WHERE ?1 IS NULL OR feed = ?1)",
            (feed,),
        ).fetchone()
        return int(row[0])


def _disagreeing(feeds: Sequence[str] | None, field: str | None) -> tuple[str, list[str]]:
    where, values = ["1"], list[str]()
    if feeds is not None:
        where.append(f"NOT stands AND feed IN ({','.join('?' * len(feeds))})")
        values += feeds
    if field is not None:
        where.append("field = ?")
        values.append(field)
    return " AND ".join(where), values
