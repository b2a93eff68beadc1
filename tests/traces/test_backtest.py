"""A trace tried on the past: found in the week in which it came to be, and what others had of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from graph.store import Store
from ledger import FindingLog
from loaders.run import Loader
from ontology.errors import UsageError
from tests.loaders.tiny import ADDRESSES
from tests.traces.test_watch import ELSEWHERE, alarm, graph, loader, send
from traces.backtest import backtest
from traces.catalogue import load_traces
from traces.judging import judge
from traces.runner import Runner

__all__ = ["graph", "loader"]
PLACE = "repeat_disputes_place"


@pytest.fixture
async def runner(graph: Store, loader: Loader, tmp_path: Path) -> Runner:
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    rows = [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)]
    rows += [alarm(f"E{n}", f"04-0{n}", ELSEWHERE) for n in (1, 2)]
    await send(loader, graph, tmp_path, "alarms", rows)
    return Runner(graph, loader.scheme, loader.terms, loader.clock.today_text())


async def test_what_is_found_in_the_week_in_which_it_came_to_be(runner: Runner, loader: Loader) -> None:
    trace = load_traces(None, loader.terms)[PLACE]
    told = await backtest(runner, trace, date(2025, 2, 24), date(2025, 6, 30), log=FindingLog(loader.ledger))
    assert [(x.day, x.found) for x in told.looks if x.found] == [("2025-03-03", 1)]
    assert [(x.day, x.cleared) for x in told.looks if x.cleared] == [("2025-06-02", 1)]
    assert {x.standing for x in told.looks if "2025-03-03" <= x.day < "2025-06-02"} == {1}
    assert told.per_week == pytest.approx(1 / 18)
    assert told.shared == {"repeat_disputes_parties": 1}
    assert (told.precision, told.missed) == (None, 0)
    (found,) = told.found
    log = FindingLog(loader.ledger)
    assert found.shown_by in {f.shown_by for f in log.everything() if f.trace == PLACE}


async def test_parameters_and_what_people_had_judged(runner: Runner, loader: Loader) -> None:
    trace = load_traces(None, loader.terms)[PLACE]
    log = FindingLog(loader.ledger)
    (real,) = [f for f in log.everything() if f.trace == PLACE]
    judge(log, loader.clock, real.id, "confirmed", "查实", "me")
    day, until = date(2025, 2, 24), date(2025, 4, 30)
    more = await backtest(runner, trace, day, until, 1, {"minimum": 2}, log)
    assert [(x.day, x.found) for x in more.looks if x.found] == [("2025-03-02", 1), ("2025-04-02", 1)]
    assert (more.confirmed, more.dismissed, more.precision, more.missed) == (1, 0, 1.0, 0)
    # The third of March is a dispute that is no longer new: it grows what was found.
    assert sorted(len(f.shown_by) for f in more.found) == [2, 3]
    fewer = await backtest(runner, trace, day, until, 7, {"minimum": 4}, log)
    assert (len(fewer.found), fewer.precision, fewer.missed) == (0, None, 1)
    # Whatever was tried, nothing was kept.
    assert [f for f in log.everything() if f.trace == PLACE] == [log.get(real.id)]


@pytest.mark.parametrize(
    ("since", "until", "every"),
    [(date(2025, 5, 2), date(2025, 5, 1), 7), (date(2025, 1, 1), date(2025, 5, 1), 0), (date(1990, 1, 1), date(2025, 5, 1), 1)],
)  # fmt: skip
async def test_days_that_cannot_be(
    store: Store, loader: Loader, since: date, until: date, every: int
) -> None:
    trace = load_traces(None, loader.terms)[PLACE]
    runner = replace(Runner(store, loader.scheme, loader.terms, "2025-05-01"))
    with pytest.raises(UsageError) as raised:
        await backtest(runner, trace, since, until, every)
    assert raised.value.code == "BAD_ARGUMENT"
