"""The findings that stand, by the log and by a look at the whole district, to be compared."""

from __future__ import annotations

from graph.store import Store
from ledger import FindingLog
from loaders.run import Loader
from traces.catalogue import load_traces
from traces.runner import Runner

Judged = set[tuple[str, str, tuple[str, ...]]]


def standing(loader: Loader) -> Judged:
    """(trace, subject, what shows it) of the findings that stand, as the log has them."""
    return {(f.trace, f.subject, f.shown_by) for f in FindingLog(loader.ledger).everything() if f.is_open}


async def whole(loader: Loader, store: Store) -> Judged:
    """The same, by running every trace over the whole district."""
    runner = Runner(store, loader.scheme, loader.terms, loader.clock.today_text())
    found: Judged = set()
    for trace in load_traces(None, loader.terms).values():
        for subject, result in (await runner.whole(trace)).items():
            found |= {(trace.trace, subject, e.ids) for e in result.episodes if e.open}
    return found
