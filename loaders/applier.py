"""The applier: makes batches of what was pushed and applies all that waits, again and again, one process at a time.

It holds the ledger's lease only while it works, and leaves it a while when somebody else wants it. It may be killed at any
moment. While Neo4j is away it goes on making batches, and asks again from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable

from graph.constraints import ensure_schema
from graph.store import Store
from ledger import Pushes, segments
from loaders.bulk.first_load import is_first
from loaders.load import Target, load_first
from loaders.run import ROLLED_FOR, Loader, Summary
from ontology.clock import Clock
from ontology.errors import QuanxiError, UsageError

log = logging.getLogger("quanxi.applier")

LOOK_SECONDS = 0.03
# What comes so soon after a round began goes into the next one, all at once.
ROUND_SECONDS = 0.1
TURN_SECONDS = 0.5
# So long traces look at the whole district in a round, before what was pushed meanwhile has its turn.
LOOK_AT_ALL_SECONDS = 0.5
IDLE_SECONDS = 30.0
STOP_SECONDS = 3.0
_FIRST_RETRY, _LAST_RETRY = 0.5, 15.0


class Applier:
    """Applies what comes.

    Args:
        loader: of the data directory; closed when `follow` ends.
        clock: the district's clock as it is now: a load may have moved it.
    """

    def __init__(self, loader: Loader, target: Target, clock: Callable[[], Clock]) -> None:
        self._target = target
        self._clock = clock
        self._loader = loader
        self._pushes = Pushes(self._loader.ledger)
        self._stop = False
        self._schema = True
        self._seen: object = None
        self._round_at = self._retry_at = -1e9
        self._wait = 0.0
        self._graph: tuple[Store, bool] | None = None
        self._opened = contextlib.AsyncExitStack()

    def stop(self) -> None:
        """Ends it when the round it is in has ended."""
        self._stop = True

    async def follow(self) -> None:
        """Works until it is told to stop."""
        began = False
        try:
            while not self._stop:
                if not self._is_due():
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                try:
                    await self.work()
                    if not began:
                        began = True
                        # What is read once, of a large district much, is not looked through again for garbage.
                        gc.collect()
                        gc.freeze()
                except QuanxiError as error:
                    await self._leave_graph()
                    if error.code == "LEDGER_BUSY":
                        await asyncio.sleep(LOOK_SECONDS)
                        continue
                    self._back_off(error)
                except (OSError, sqlite3.Error) as error:
                    self._back_off(
                        UsageError(
                            "BAD_STORAGE",
                            "文件或目录无法读写",
                            f"a file or directory cannot be used: {error}",
                            "Check that it exists, is of the right kind, and that you may read and write it.",
                        )
                    )
                if self._loader.ledger.is_wanted():
                    await asyncio.sleep(TURN_SECONDS)
        finally:
            await self._leave_graph()
            self._loader.close()

    async def once(self, wait: float = 0.0) -> Summary | None:
        """One round, as `work`, and no more."""
        try:
            return await self.work(wait)
        finally:
            await self._leave_graph()

    async def work(self, wait: float = 0.0) -> Summary | None:
        """One round: batches of all that was pushed, then into the graph; None when nothing waited.

        Args:
            wait: seconds to wait for the lease.

        Raises:
            UsageError: LEDGER_BUSY, GRAPH_OTHER.
            EngineError: what the engine says.
        """
        with self._loader.ledger.lease(wait):
            if self._loader.ledger.others_applied:
                self._look_again()
            loader = self._loader
            seen = self._look()
            loader.clock = self._clock()
            self._round_at = time.monotonic()
            self._pushes.compact(loader.layout)
            if not self._waits():
                self._seen = seen
                return None
            if time.monotonic() < self._retry_at:
                self._seen = seen
                return None
            started = time.monotonic()
            summary = await self._apply()
            self._schema = False
            watch = loader.watch
            # What traces could not look at is looked at in the next round.
            again = watch is not None and watch.waits(loader.clock)
            self._seen, self._wait, self._retry_at = None if again else seen, 0.0, -1e9
            log.info(
                "applied",
                extra={
                    "told": {
                        "batches": len(summary.files),
                        "rows": sum(f.read for f in summary.files),
                        "changed": summary.changed,
                        "ms": round((time.monotonic() - started) * 1000),
                    }
                },
            )
            return summary

    async def _apply(self) -> Summary:
        """Applies all that waits.

        Raises:
            EngineError: what the engine says.
            UsageError: GRAPH_OTHER.
        """
        # Kept from one round to the next: to open it takes longer than to apply a few rows.
        if self._graph is None:
            address = await asyncio.to_thread(self._target.connect)
            self._graph = await self._opened.enter_async_context(Store.open(address)), address.bundled
        store, bundled = self._graph
        if self._schema:
            if await is_first(self._loader, store, bundled):
                await self._leave_graph()
                return await load_first(self._loader, self._target)
            await ensure_schema(store)
        return await self._loader.apply_waiting(store, LOOK_AT_ALL_SECONDS)

    async def _leave_graph(self) -> None:
        self._graph = None
        await self._opened.aclose()

    def close(self) -> None:
        self._loader.close()

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._round_at < ROUND_SECONDS:
            return False
        if self._wait and now >= self._retry_at:
            return True
        return now - self._round_at >= IDLE_SECONDS or self._look() != self._seen

    def _look(self) -> object:
        """What changes when there is more to do: the segments' sizes, and the catalogue's version."""
        sizes = []
        for path in segments.paths(self._pushes.directory):
            with contextlib.suppress(OSError):
                sizes.append((path.name, path.stat().st_size))
        (version,) = self._loader.ledger.db.execute("PRAGMA data_version").fetchone()
        return sizes, version

    def _waits(self) -> bool:
        records = self._loader.records
        if (
            self._loader.waiting()
            or self._loader.is_decided_anew()
            or self._loader.places.is_of_another_resolver
        ):
            return True
        if any(
            records.db.execute(f"SELECT 1 FROM {t} LIMIT 1").fetchone() for t in ("dirty", "rollup_dirty")
        ):
            return True
        if self._loader.watch is not None and self._loader.watch.waits(self._loader.clock):
            return True
        rolled = records.meta(ROLLED_FOR)
        return rolled is not None and rolled != self._loader.clock.today().isoformat()

    def _look_again(self) -> None:
        self._loader.look_again()
        self._schema = True

    def _back_off(self, error: QuanxiError) -> None:
        if not self._wait:
            log.warning("waiting", extra={"told": {"code": error.code, "text": error.en}})
        self._wait = min(max(self._wait * 2, _FIRST_RETRY), _LAST_RETRY)
        self._retry_at = time.monotonic() + self._wait
        self._schema = True


async def follow_until_told(applier: Applier, *, until_input_ends: bool) -> None:
    """Follows until SIGTERM or SIGINT, or the end of standard input, which is that of the process it belongs to."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        applier.stop()
        # A long round is not waited for: it may be killed at any moment, and the next goes on from there.
        timer = threading.Timer(STOP_SECONDS, os._exit, (0,))
        timer.daemon = True
        timer.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if until_input_ends:
        # Whoever asks and pushes goes before what is folded.
        os.nice(5)

        def wait() -> None:
            with contextlib.suppress(OSError, ValueError):
                while os.read(0, 4096):
                    pass
            stop()

        threading.Thread(target=wait, daemon=True).start()
    await applier.follow()
