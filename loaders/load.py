"""`load` and `rebuild`: which way the rows of a ledger go into its graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.store import Store
from graph.writer import wipe
from ledger import Batch, Pushes
from loaders.bulk.first_load import first_load, is_first, is_large
from loaders.intake import FileSummary
from loaders.returned import receive_returned
from loaders.run import Loader, Summary


@dataclass(frozen=True, slots=True)
class Target:
    """The graph that a loader loads into.

    Attributes:
        connect: where it is; starts the bundled engine if need be. Called again after the import tool had it stopped.
        data: the data directory.
        heap_mb: memory for the import tool, MiB.
        pristine: whether it is a bundled engine's that was never started: the import tool needs no start before it.
    """

    connect: Callable[[], EngineAddress]
    data: Path
    heap_mb: int = 1024
    pristine: Callable[[], bool] = lambda: False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Store]:
        async with Store.open(self.connect()) as store:
            yield store


def compact(loader: Loader) -> None:
    """Makes batches of what was pushed; call it under the ledger's lease."""
    pushes = Pushes(loader.ledger)
    try:
        pushes.compact(loader.layout)
    finally:
        pushes.close()


async def load(loader: Loader, target: Target, paths: Iterable[Path], forced: str | None = None) -> Summary:
    """Receives the files, then applies all that waits: through the import tool what is much and the first.

    Raises:
        UsageError: BAD_FILE, UNKNOWN_FEED before anything is done; BAD_HEADER; LEDGER_BUSY.
        EngineError: what the engine says.
    """
    files = loader.known(paths, forced)
    if not target.pristine():
        target.connect()
    return await _apply(loader, target, [b for path in files for b in loader.receive(path, forced)])


async def load_sql(
    loader: Loader, target: Target, url: str, feed: str, query: str | None, table: str | None
) -> Summary:
    """Receives the rows of a database's query or table, then applies all that waits.

    Raises:
        UsageError: UNKNOWN_FEED, BAD_FILE, BAD_HEADER before anything is done; LEDGER_BUSY.
        EngineError: what the engine says; the rows are kept by then.
    """
    return await _apply(loader, target, [loader.receive_sql(url, feed, query, table)])


async def retry(loader: Loader, target: Target, path: Path) -> Summary:
    """Receives a workbook of rows that came back corrected, then applies all that waits.

    Raises:
        UsageError: BAD_FILE, BAD_HEADER before anything is done; LEDGER_BUSY.
        EngineError: what the engine says; the rows are kept by then.
    """
    return await _apply(loader, target, receive_returned(loader, path))


async def _apply(loader: Loader, target: Target, received: list[Batch]) -> Summary:
    with loader.ledger.lease():
        compact(loader)
        first = target.pristine() and is_large(loader, bundled=True)
        if not first:
            address = await asyncio.to_thread(target.connect)
            async with Store.open(address) as store:
                first = await is_first(loader, store, address.bundled)
                if not first:
                    await ensure_schema(store)
                    summary = await loader.apply_waiting(store)
        if first:
            summary = await load_first(loader, target)
    done = {f.batch for f in summary.files}
    known = [FileSummary(b.no, b.file, b.feed, b.rows, 0, 0, 0, True) for b in received if b.no not in done]
    summary.files = known + summary.files
    return summary


async def load_first(loader: Loader, target: Target) -> Summary:
    """The first load into an empty bundled database, and the first look of the standing traces; call it under the ledger's lease."""
    summary = await first_load(loader, target.data, target.open, target.heap_mb)
    if loader.watch is not None:
        async with Store.open(await asyncio.to_thread(target.connect)) as store:
            await loader.look(store)
    return summary


async def rebuild(loader: Loader, target: Target) -> Summary:
    """Makes the whole graph again from the ledger alone: rows as received and decisions.

    Raises:
        UsageError: LEDGER_BUSY; GRAPH_OTHER when the graph belongs to another ledger, which is left alone.
        EngineError: what the engine says.
    """
    with loader.ledger.lease():
        compact(loader)
        if target.pristine() and is_large(loader, bundled=True):
            return await load_first(loader, target)
        address = await asyncio.to_thread(target.connect)
        async with Store.open(address) as store:
            await loader.check_graph(store)
            large = is_large(loader, address.bundled)
            if not large:
                loader.forget()
                await wipe(store)
                await ensure_schema(store)
                return await loader.apply_waiting(store)
        return await load_first(loader, target)
