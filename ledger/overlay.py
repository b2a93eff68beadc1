"""A ledger and a record store that are written beside another directory's, never into it.

What is there is read as it stood at one moment, while others go on writing; what is added stays in a temporary place and
is gone with the process. So a load can be tried.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import polars as pl

from ledger.ledger import SCHEMA as LEDGER_SCHEMA
from ledger.ledger import Batch, Ledger, Rejection
from ledger.records import Records, StoredRecord, prepare
from ledger.rows import RowFiles
from ledger.vault import Vault

PART = 30_000
T = TypeVar("T")


class LedgerOverlay(Ledger):
    """A ledger over another one.

    Args:
        ledger: the one beneath; only read.
        scratch: a directory for rows as received.
    """

    def __init__(self, ledger: Ledger, scratch: Path) -> None:
        self.directory = scratch
        self.vault = ledger.vault
        self.others_applied = False
        self.files = RowFiles(scratch / "rows", ledger.vault)
        self._beneath = ledger
        self.db = _private(LEDGER_SCHEMA)
        ledger.db.execute("BEGIN")
        for table in ("batch", "retry", "judgement", "meta"):
            _copy(ledger.db, self.db, table)
        ledger.db.execute("COMMIT")
        self.last = max((b.no for b in self.batches()), default=0)

    def is_known(self, batch: Batch) -> bool:
        """Whether the ledger beneath has it."""
        return batch.no <= self.last

    def frames(self, batch: Batch) -> Iterator[pl.DataFrame]:
        return self._beneath.frames(batch) if self.is_known(batch) else super().frames(batch)

    def faults(self, batch: Batch) -> list[Rejection]:
        return self._beneath.faults(batch) if self.is_known(batch) else super().faults(batch)


class RecordsOverlay(Records):
    """A record store over another one, from which it takes what is asked for.

    Args:
        path: the file beneath; None for none.
        kept_out: told of every cell that keeps a row out.
        unless: a name of the metadata; where the store beneath has it, it is not to be relied on and left alone.
    """

    def __init__(
        self,
        path: Path | None,
        vault: Vault,
        kept_out: Callable[[Sequence[Rejection]], None],
        unless: str,
    ) -> None:
        self._vault = vault
        self._kept_out = kept_out
        self.db = _private("")
        prepare(self.db)
        self._beneath = _opened(path, unless) if path is not None else None
        self._about: set[int] = set()
        self._records: set[tuple[str, str]] = set()
        self._folded: set[str] = set()
        self._snapshots: set[str] = set()
        self._traits = False
        for table in ("digested", "dirty", "resolution", "link", "meta"):
            self._take(table)
        # The places, which are read as a whole.
        self._take("folded", "WHERE id >= 'adr_' AND id < 'adr`'")
        self._folded |= {r[0] for r in self.db.execute("SELECT id FROM folded")}

    def close(self) -> None:
        super().close()
        if self._beneath is not None:
            self._beneath.close()

    def undone(self) -> None:
        """Call it after a transaction was undone: what it had taken from beneath is gone with it."""
        self._about.clear()
        self._records.clear()
        self._snapshots.clear()

    def _take(self, table: str, where: str = "", values: Sequence[object] = ()) -> None:
        if self._beneath is not None:
            _copy(self._beneath, self.db, table, where, values)

    def take_traits(self) -> None:
        """Takes what people and incidents are known by, as a whole."""
        if not self._traits:
            self._traits = True
            self._take("trait")

    # -- records ----------------------------------------------------------------------------------------------------

    def versions(self, names: Iterable[tuple[str, str]]) -> set[tuple[str, str, str, bytes]]:
        """(feed, record key, effective, hash) of all versions of these records (feed, record key)."""
        wanted = set(names)
        self._take_records(wanted)
        return {
            row
            for feed, keys in _by_feed(wanted).items()
            for part in _parts(keys)
            for row in self.db.execute(
                f"SELECT feed, rkey, effective, hash FROM record WHERE feed = ? AND rkey IN ({_marks(part)})",
                (feed, *part),
            )
        }

    def _take_records(self, names: Iterable[tuple[str, str]]) -> None:
        fresh = [n for n in dict.fromkeys(names) if n not in self._records]
        self._records.update(fresh)
        for feed, keys in _by_feed(fresh).items():
            for part in _parts(keys):
                self._take("record", f"WHERE feed = ? AND rkey IN ({_marks(part)})", (feed, *part))

    def about(
        self, keys: Sequence[int], known: Container[tuple[str, str, str, bytes]] = ()
    ) -> list[tuple[int, StoredRecord]]:
        fresh = [k for k in keys if k not in self._about]
        self._about.update(fresh)
        for part in _parts(fresh):
            where = f"WHERE key IN ({_marks(part)})"
            self._take("about", where, part)
            self._take_records(self.db.execute(f"SELECT DISTINCT feed, rkey FROM about {where}", part))
        return super().about(keys, known)

    def of_several_versions(self, names: Iterable[tuple[str, str]]) -> list[StoredRecord]:
        wanted = list(names)
        self._take_records(wanted)
        return super().of_several_versions(wanted)

    def versions_of(self, feed: str, rkeys: Iterable[str]) -> Iterator[StoredRecord]:
        wanted = list(rkeys)
        self._take_records((feed, rkey) for rkey in wanted)
        return super().versions_of(feed, wanted)

    def folded(self, ids: Sequence[str]) -> dict[str, bytes]:
        fresh = [id for id in ids if id not in self._folded]
        self._folded.update(fresh)
        for part in _parts(fresh):
            self._take("folded", f"WHERE id IN ({_marks(part)})", part)
        return super().folded(ids)

    def put_rejections(self, batch_no: int, feed: str, rejections: Sequence[Rejection]) -> int:
        self._kept_out(rejections)
        return len({r.row for r in rejections})

    # -- snapshots --------------------------------------------------------------------------------------------------

    def _take_snapshots(self, feed: str) -> None:
        if feed not in self._snapshots:
            self._snapshots.add(feed)
            for table in ("snapshot", "seen"):
                self._take(table, "WHERE feed = ?", (feed,))

    def put_snapshot(
        self, feed: str, day: str, batch_no: int, seen: Sequence[tuple[str, str]], whole: bool = True
    ) -> set[str]:
        self._take_snapshots(feed)
        return super().put_snapshot(feed, day, batch_no, seen, whole)

    def lost(self, feed: str, rkeys: Iterable[str]) -> dict[str, str]:
        self._take_snapshots(feed)
        return super().lost(feed, rkeys)


def _private(schema: str) -> sqlite3.Connection:
    """A database of this process alone, which goes to the disk when it grows and is gone with the process."""
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA cache_size=-200000")
    db.execute("PRAGMA synchronous=OFF")
    db.executescript(schema)
    return db


def _opened(path: Path, unless: str) -> sqlite3.Connection | None:
    """Read only, and as it is now for as long as it is open."""
    if not path.is_file():
        return None
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=30
    )  # fmt: skip
    db.execute("BEGIN")
    known = db.execute("SELECT name FROM sqlite_master WHERE name = 'meta'").fetchone()
    if known is None or db.execute("SELECT 1 FROM meta WHERE name = ?", (unless,)).fetchone():
        db.close()
        return None
    return db


def _copy(
    beneath: sqlite3.Connection,
    db: sqlite3.Connection,
    table: str,
    where: str = "",
    values: Sequence[object] = (),
) -> None:
    rows = beneath.execute(f"SELECT * FROM {table} {where}", list(values))
    # By name: a store of an earlier version may lack a column.
    names, marks = ",".join(d[0] for d in rows.description), _marks(rows.description)
    while part := rows.fetchmany(PART):
        db.executemany(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", part)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), PART):
        yield list(values[start : start + PART])


def _by_feed(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for feed, rkey in names:
        found.setdefault(feed, []).append(rkey)
    return found
