"""What has passed the retention that its feed declares, and taking it out of ledger, record store and graph for good.

A batch goes as a whole once the day that it speaks of is so long ago. Of a feed whose records say themselves since when they
are so (`effective`), rows go by that where it is earlier; but not those of a snapshot, which says of all that it holds that
it is so on its own day. That rows are to go is decided first, and kept in the ledger; whoever next holds its lease does what
is decided and not yet done. What is left is what the graph is then folded from, as in a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from ledger import ROW, Batch, Purge
from loaders import contract
from loaders.declaration import Feed
from ontology.clock import SHANGHAI

if TYPE_CHECKING:
    from loaders.run import Loader

# Why a batch that is digested anew is not held: it was good enough before, and its history has only become shorter.
RELEASED = "released"
FORGOTTEN = "purged."


@dataclass(slots=True)
class Past:
    """What of a feed has passed its retention.

    Attributes:
        before: the first day that is kept, ISO.
        oldest: the earliest day of what would go, ISO.
        batches: of which no row would be left; `rows`: with those of other batches.
        entities: of which the rows speak, as far as they were loaded; they stay where other rows speak of them, too.
    """

    feed: Feed
    before: str
    oldest: str | None = None
    batches: int = 0
    rows: int = 0
    entities: int = 0


def kept_since(loader: Loader, feed: Feed) -> date | None:
    """The first day of which rows of a feed are kept; None where all are.

    By the district's clock, but never before the real day has come.
    """
    period = feed.retention_period()
    if period is None:
        return None
    return period.before(min(loader.clock.today(), datetime.now(SHANGHAI).date()))


def past(loader: Loader, feeds: Iterable[str] | None = None) -> Iterator[Past]:
    """What has passed its retention, of each feed that declares one; of those named, when any are."""
    for name in loader.feeds if feeds is None else feeds:
        feed = loader.feeds[name]
        since = kept_since(loader, feed)
        if since is not None:
            yield _past(loader, Past(feed, since.isoformat()))


def _past(loader: Loader, found: Past) -> Past:
    days: list[str] = []
    gone: set[tuple[int, int]] = set()
    whole: set[int] = set()
    batches = [b for b in loader.ledger.batches(found.feed.feed) if b.state != "purged"]
    for batch in batches:
        day = _day(loader, batch)
        if day < found.before:
            found.batches += 1
            found.rows += batch.rows
            whole.add(batch.no)
            days.append(day)
        else:
            for number, effective in _old_rows(loader, found.feed, batch, found.before):
                found.rows += 1
                gone.add((batch.no, number))
                days.append(effective)
        loader.progress(f"查找 {found.feed.zh}", len(whole), len(batches))
    found.oldest = min(days, default=None)
    if found.rows:
        owners: set[str] = set()
        for record in loader.records.of_feed(found.feed.feed):
            if record.batch in whole or (record.batch, record.row) in gone:
                owners |= loader.owners_of(record)
        found.entities = len(owners)
    return found


def _day(loader: Loader, batch: Batch) -> str:
    """The day that a batch's rows are kept from."""
    return min(loader.day_of(batch).isoformat(), batch.received_at[:10])


def _old_rows(loader: Loader, feed: Feed, batch: Batch, before: str) -> Iterator[tuple[int, str]]:
    """(row, day) of a batch's good rows that say themselves that they are older."""
    if feed.mode == "snapshot" or feed.effective is None:
        return
    checker = contract.Checker(feed, loader.terms, loader.day_of(batch))
    for frame in loader.ledger.frames(batch):
        checked = checker.check(frame)
        for rows in (checked.rows, checked.deleted):
            if feed.effective in rows.columns and ROW in rows.columns:
                own = pl.col(feed.effective).cast(pl.String).str.slice(0, 10)
                yield from rows.filter(own < before).select(ROW, own.alias("day")).iter_rows()


def purge(loader: Loader, feeds: Iterable[str], by: str) -> None:
    """Decides that what has passed its retention goes, and does it; then apply. Call it under the ledger's lease."""
    at = datetime.now(SHANGHAI).isoformat(timespec="seconds")
    for name in feeds:
        since = kept_since(loader, loader.feeds[name])
        if since is not None:
            loader.ledger.decide_purge(name, since.isoformat(), by, at)
    finish(loader)


def waits(loader: Loader) -> bool:
    """Whether something is decided of batches that is not done yet."""
    known = [p for p in loader.ledger.purges() if p.feed in loader.feeds]
    if any(p.ended is None or not _is_heeded(loader, p) for p in known):
        return True
    return next(_taken_back(loader), None) is not None


def finish(loader: Loader) -> None:
    """Does what is decided of batches and not yet done, wherever it was broken off. Call it under the ledger's lease,
    before anything is digested, and then apply."""
    for batch in list(_taken_back(loader)):
        loader.forget_batch(batch)
    known = [p for p in loader.ledger.purges() if p.feed in loader.feeds]
    for decided in known:
        if decided.ended is None:
            _remove(loader, decided)
    heeded: dict[str, Purge] = {p.feed: p for p in known}
    anew = [p for p in heeded.values() if not _is_heeded(loader, p)]
    if anew:
        loader.records.db.execute("PRAGMA secure_delete=ON")
        for decided in anew:
            _forget(loader, decided)
        loader.records.settle_on_disk()
        loader.look_again()
    now = datetime.now(SHANGHAI).isoformat(timespec="seconds")
    for decided in known:
        if decided.ended is None:
            loader.ledger.end_purge(decided, now)


def _taken_back(loader: Loader) -> Iterator[Batch]:
    """Batches that were taken back, and whose records are still there: it was broken off in between."""
    for batch in loader.ledger.of_state("retracted"):
        if loader.records.digested(batch.no) and batch.feed in loader.feeds:
            yield batch


def _is_heeded(loader: Loader, decided: Purge) -> bool:
    return int(loader.records.meta(FORGOTTEN + decided.feed) or 0) >= decided.no


def _remove(loader: Loader, decided: Purge) -> None:
    """Takes rows out of the ledger. A row that was kept out as the double of one that goes is looked at again: until
    nothing is found, so that it ends alike wherever it was broken off."""
    feed = loader.feeds[decided.feed]
    batches = loader.ledger.batches(feed.feed)
    for done, batch in enumerate(batches):
        if batch.state == "purged" or _day(loader, batch) < decided.before:
            loader.ledger.remove_batch(batch, decided)
            continue
        while True:
            gone = {number for number, _ in _old_rows(loader, feed, batch, decided.before)}
            loader.ledger.remove_rows(batch, gone, feed.sensitive_columns(), decided)
            if not gone:
                break
            batch = loader.ledger.batch_by_no(batch.no)
        loader.progress(f"清除 {feed.zh}", done + 1, len(batches))


def _forget(loader: Loader, decided: Purge) -> None:
    """Takes a feed's records back, to be digested anew from what is left of its rows."""
    ledger, records = loader.ledger, loader.records
    with records.transaction():
        for record in records.of_feed(decided.feed):
            records.mark_dirty(loader.owners_of(record))
        records.forget_feed(decided.feed)
        for batch in ledger.batches(decided.feed):
            if batch.state == "received" and records.digested(batch.no) is not None:
                ledger.set_state(batch, "received", RELEASED)
            records.forget_digested(batch.no)
        records.set_meta(FORGOTTEN + decided.feed, str(decided.no))
