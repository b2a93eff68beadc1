"""Word of new events: one look a process at the ledger, again and again, for all who wait in it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Final

from ledger import Change, EventFeed
from ledger.events import Kind, Told

log = logging.getLogger("quanxi.server")

# A look that finds nothing new takes some 20 µs.
LOOK_AGAIN: Final = 0.02


class Bell:
    """The events of a data directory, and word of their growth to any number of waiting tasks.

    Args:
        looking: asked for the ends of the logs again and again; alone, so that it never waits for who reads.
        feed: read by subscribers.
    """

    def __init__(self, looking: EventFeed, feed: EventFeed) -> None:
        self._looking = looking
        self._feed = feed
        self._ends: dict[Kind, int] = {}
        self._rung = asyncio.Event()

    async def run(self) -> None:
        """Looks until cancelled."""
        try:
            while True:
                try:
                    self._look()
                except (sqlite3.Error, OSError) as error:
                    log.warning("events", extra={"told": {"text": str(error)}})
                    await asyncio.sleep(1)
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            self._looking.close()
            self._feed.close()

    def _look(self) -> None:
        ends = self._looking.ends()
        if ends != self._ends:
            self._ends = dict(ends)
            rung, self._rung = self._rung, asyncio.Event()
            rung.set()

    def end(self, kind: Kind) -> int:
        """The number of the last event that may be told, now."""
        self._look()
        return self._ends[kind]

    async def beyond(self, kind: Kind, no: int) -> int:
        """Waits for events after a number; the number of the last one."""
        while (end := self._ends.get(kind, 0)) <= no:
            await self._rung.wait()
        return end

    def span(self, kind: Kind) -> tuple[int, int]:
        return self._feed.span(kind)

    def findings(self, after: int, until: int, first: int) -> list[Change]:
        return self._feed.findings(after, until, first)

    def incidents(self, after: int, until: int, first: int) -> list[Told]:
        return self._feed.incidents(after, until, first)
