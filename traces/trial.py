"""A trace tried on the graph before it stands: what it finds now, what it would have found, how Neo4j goes about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar

from graph.plan import operators
from ledger import FindingLog
from ontology.errors import EngineError, QuanxiError, UsageError
from traces.backtest import Backtest, backtest
from traces.compile import Statement, TraceCompiler
from traces.declaration import Trace
from traces.evaluate import Episode
from traces.explain import Explainer
from traces.runner import Runner, values_of
from traces.standing import Published, StandingTraces, refusal
from traces.words import sentence, severity

T = TypeVar("T")
# Whoever tries a trace waits for it; one that takes longer would keep the standing traces from everything else.
SECONDS: Final = 30.0
BACKTEST_SECONDS: Final = 120.0
MOST_LOOKS: Final = 120
MOST_DAYS: Final = 1_100
_EARLIEST: Final = 1900


@dataclass(frozen=True, slots=True)
class Found:
    """What a trace finds about a subject now; see `ledger.Finding` for the names."""

    sentence_zh: str
    sentence_en: str
    severity: str
    count: int
    days: int
    shown_by: tuple[str, ...]


@dataclass(slots=True)
class Trial:
    """One trace with values of its parameters, on a graph as of a day.

    Raises:
        UsageError: BAD_ARGUMENT for a parameter that the trace does not have, or out of its range.
    """

    trace: Trace
    values: Mapping[str, int]
    runner: Runner
    log: FindingLog | None = None

    def __post_init__(self) -> None:
        values_of(self.trace, self.values)

    def sentences(self) -> tuple[str, str]:
        """What it looks for, in Chinese and in English."""
        return Explainer(self.trace, values_of(self.trace, self.values), self.runner.terms).sentences()

    def cypher(self) -> str:
        """The statement over the whole district."""
        return self._whole().text

    async def estimated_rows(self) -> float:
        """What Neo4j's plan of it costs: the rows that all its operators together are thought to give."""
        statement = self._whole()
        plan = await self.runner.store.explain(statement.text, statement.parameters)
        return sum(operator.rows for operator in operators(plan))

    async def found(self) -> list[Found]:
        """What it finds in the whole district now, the latest first.

        Raises:
            EngineError: TIMEOUT.
        """
        results = await within(self.runner.whole(self.trace, self.values), SECONDS)
        episodes = [(s, e) for s, r in results.items() for e in r.episodes if e.open]
        titles = await self.runner.titles(self.trace, [s for s, _ in episodes])
        ordered = sorted(episodes, key=lambda x: (-x[1].last, x[0]))
        return [self._found(titles.get(subject, subject), episode) for subject, episode in ordered]

    async def backtest(self, days: int, every: int) -> Backtest:
        """What it would have found in so many days up to today, looking every so many days.

        Raises:
            UsageError: BAD_ARGUMENT for days out of range or too many looks.
            EngineError: TIMEOUT.
        """
        if not 1 <= days <= MOST_DAYS or not 1 <= every <= days or days // every > MOST_LOOKS:
            raise UsageError(
                "BAD_ARGUMENT",
                f"days 须在 1 到 {MOST_DAYS} 之间,且至多看 {MOST_LOOKS} 次",
                f"days must be 1 to {MOST_DAYS}, with at most {MOST_LOOKS} looks",
            )
        today = date.fromisoformat(self.runner.today)
        if today.year < _EARLIEST:
            raise UsageError("BAD_ARGUMENT", "日期过早", f"there is nothing before {_EARLIEST}")
        since = today - timedelta(days=days // every * every)
        tried = backtest(self.runner, self.trace, since, today, every, self.values, self.log)
        return await within(tried, BACKTEST_SECONDS)

    def _whole(self) -> Statement:
        runner, values = self.runner, values_of(self.trace, self.values)
        return TraceCompiler(self.trace, values, runner.today, runner.scheme, runner.terms).whole()

    def _found(self, title: str, episode: Episode) -> Found:
        grade, _ = severity(self.trace, episode)
        return Found(
            *sentence(self.trace, episode, title), grade, episode.count, episode.days, tuple(episode.ids)
        )


async def publish(standing: StandingTraces, declaration: str, by: str, runner: Runner) -> Published:
    """Publishes a declaration once Neo4j can plan all that it asks for and it has looked at the whole district within `SECONDS`.

    Raises:
        UsageError: BAD_CATALOG for a declaration with a mistake, or that asks for what cannot be; BAD_ARGUMENT for one that is too long.
        EngineError: TIMEOUT where it takes too long to stand; what else the engine says.
    """
    trace, mistakes = await asyncio.to_thread(standing.check, declaration)
    if trace is None:
        raise refusal(mistakes)
    values = values_of(trace, {})
    compiler = TraceCompiler(trace, values, runner.today, runner.scheme, runner.terms)
    try:
        for statement in (compiler.standing([]), compiler.touched([], []), compiler.begun(runner.today)):
            if statement is not None:
                await runner.store.explain(statement.text, statement.parameters)
        await Trial(trace, {}, runner).found()
    except QuanxiError:
        raise
    except Exception as error:
        raise UsageError(
            "BAD_CATALOG", f"模型无法运行:{error}"[:300], f"the trace cannot be run: {error}"[:300]
        ) from error
    # What was begun is ended, whoever has gone away: it stands then, and says so.
    return await asyncio.shield(asyncio.to_thread(standing.publish, declaration, by))


async def within(work: Awaitable[T], seconds: float) -> T:
    """What comes of some work within so many seconds.

    Raises:
        EngineError: TIMEOUT.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise EngineError(
            "TIMEOUT",
            f"该模型在 {seconds:.0f} 秒内未能看完全区,请缩小范围。",
            f"The trace did not get through the district within {seconds:.0f} s.",
            "Look for fewer things, or within fewer days.",
        ) from None
