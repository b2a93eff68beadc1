"""A trace tried before it stands, and published: what is wrong with its declaration, what it looks for, finds and would have found."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import strawberry

from graph.viewer import DEVELOPMENT
from ontology.declared import Mistake
from ontology.errors import QuanxiError, UsageError
from schema import findings
from schema.ask import Ask, not_found
from schema.context import Context
from schema.findings import Trace
from schema.refused import Refused, refused
from schema.scalars import Date, Term
from schema.terms import Info
from traces.declaration import Trace as DeclaredTrace
from traces.runner import Runner
from traces.standing import StandingTraces
from traces.trial import Trial, publish

FIRST = 200


@strawberry.input(description="参数取值 · a value of a trace's parameter")
class ParameterValue:
    name: str
    value: int


@strawberry.type(description="声明中的错误 · what is wrong with a declaration, by its line")
class TraceMistake:
    line: int
    zh: str
    en: str


@strawberry.type(description="试算所得的一项 · what a trace finds about one subject; nothing is kept of it")
class TraceMatch:
    sentence: str
    sentence_en: str
    severity: Term
    count: int
    days: int
    shown_by: list[strawberry.ID] = strawberry.field(description="所示 · ids of what shows it")


@strawberry.type(description="全区试算 · what a trace finds in the whole district now")
class TraceMatches:
    count: int
    matches: list[TraceMatch] = strawberry.field(description="最近者在前 · the latest first")


@strawberry.type(description="回看的一日 · one look of a backtest")
class TraceLook:
    day: Date
    found: int = strawberry.field(
        description="新增;首次所见不计 · new ones; what stood at the first look was there before"
    )
    returned: int
    cleared: int
    standing: int


@strawberry.type(description="与他模型重合 · how many share evidence with findings of another trace")
class TraceOverlap:
    trace: str
    count: int


@strawberry.type(description="回测:过去一段时间里会有哪些预警 · what a trace would have found")
class TraceBacktest:
    per_week: float
    found: int
    looks: list[TraceLook]
    overlaps: list[TraceOverlap]
    confirmed: int = strawberry.field(description="已判定属实而被寻得者 · judged to be so, and found")
    dismissed: int = strawberry.field(description="已判定不属实而被寻得者 · judged not to be so, and found")
    missed: int = strawberry.field(description="已判定属实而漏者 · judged to be so, and not found")
    precision: float | None


@strawberry.type(
    description="试算:不留下任何记录;有误则只有 mistakes · a trace tried, nothing of it is kept; where the declaration has mistakes, there is nothing else"
)
class TraceTrial:
    mistakes: list[TraceMistake]
    name: str | None
    sentence_zh: str | None
    sentence_en: str | None

    @strawberry.field(description="所用 Cypher · the statement over the whole district")  # type: ignore[untyped-decorator]
    def cypher(self: Any) -> str | None:
        trial = _of(self)
        return trial.cypher() if trial is not None else None

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="计划的代价:各步估计行数之和 · what the plan costs: the estimated rows of all its steps"
    )
    async def estimated_rows(self: Any) -> float | None:
        trial = _of(self)
        return await trial.estimated_rows() if trial is not None else None

    @strawberry.field(description="全区试算 · what it finds in the whole district now")  # type: ignore[untyped-decorator]
    async def found(self: Any, info: Info, first: int = 20) -> TraceMatches | None:
        trial = _of(self)
        if trial is None:
            return None
        if not 1 <= first <= FIRST:
            raise UsageError(
                "BAD_ARGUMENT", f"first 须在 1 到 {FIRST} 之间", f"first must be 1 to {FIRST}, not {first}"
            )
        found = await trial.found()
        plain = info.context.terms.plain
        return {  # type: ignore[return-value]
            "count": len(found),
            "matches": [
                {
                    "sentence": f.sentence_zh, "sentence_en": f.sentence_en, "severity": plain("severity", f.severity), "count": f.count,
                    "days": f.days, "shown_by": list(f.shown_by),
                }
                for f in found[:first]
            ],
        }  # fmt: skip

    @strawberry.field(
        description="回测:days 天以来每 every 天看一次 · what it would have found, looking every so many days"
    )  # type: ignore[untyped-decorator]
    async def backtest(self: Any, days: int = 180, every: int = 7) -> TraceBacktest | None:
        trial = _of(self)
        if trial is None:
            return None
        told = await trial.backtest(days, every)
        return {  # type: ignore[return-value]
            "per_week": told.per_week, "found": len(told.found), "looks": [asdict(x) for x in told.looks],
            "overlaps": [{"trace": t, "count": n} for t, n in sorted(told.shared.items(), key=lambda x: (-x[1], x[0]))],
            "confirmed": told.confirmed, "dismissed": told.dismissed, "missed": told.missed, "precision": told.precision,
        }  # fmt: skip


@strawberry.type(description="已发布,自下一轮起生效 · it stands from the next look on")
class PublishedTrace:
    trace: Trace
    changed: bool = strawberry.field(
        description="与现行版本相同则为否 · false where it says what stood already"
    )

    is_type_of = classmethod(lambda cls, source, info: "changed" in source)


@strawberry.type(description="声明有误 · the declaration does not hold")
class TraceMistakes:
    mistakes: list[TraceMistake]

    is_type_of = classmethod(lambda cls, source, info: "mistakes" in source)


@strawberry.type(description="已撤回 · withdrawn")
class WithdrawnTrace:
    trace: Trace | None = strawberry.field(
        description="恢复的目录版本;无则为空,其预警随即消除 · the catalogue's that stands again; without one its findings close"
    )

    is_type_of = classmethod(lambda cls, source, info: "withdrawn" in source)


PublishTraceResult = Annotated[
    PublishedTrace | TraceMistakes | Refused,
    strawberry.union("PublishTraceResult", description="发布的结果 · what became of a declaration"),
]
WithdrawTraceResult = Annotated[
    WithdrawnTrace | Refused,
    strawberry.union("WithdrawTraceResult", description="撤回的结果 · what became of a withdrawal"),
]


def _of(source: Any) -> Trial | None:
    held: Trial | None = source["trial"]
    return held


def _standing(context: Context) -> StandingTraces:
    """The traces that stand and can be published.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, or where this server has no ledger.
    """
    standing = context.traces
    # Who may try and publish what is for access rules to say, which are not there yet.
    if context.viewer != DEVELOPMENT or not isinstance(standing, StandingTraces):
        raise not_found("模型")
    return standing


def _runner(context: Context, day: str) -> Runner:
    return Runner(context.store, context.scheme, context.terms, day)


async def trial(
    ask: Ask, name: str | None, declaration: str | None, values: list[ParameterValue] | None
) -> dict[str, Any]:
    """A trial of a standing trace or of a declaration.

    Raises:
        UsageError: NOT_FOUND for a name that there is not, and as `_standing`; BAD_ARGUMENT for both or neither, values that cannot be,
            or a declaration that is too long.
    """
    standing = _standing(ask.context)
    if (name is None) == (declaration is None):
        raise UsageError("BAD_ARGUMENT", "name 与 declaration 须给其一", "give either name or declaration")
    trace: DeclaredTrace | None = standing.get(name or "")
    mistakes: list[Mistake] = []
    if declaration is not None:
        trace, mistakes = await asyncio.to_thread(standing.check, declaration)
    elif trace is None:
        raise not_found("模型")
    told: dict[str, Any] = {
        "mistakes": [{"line": m.line, "zh": m.zh, "en": m.en} for m in sorted(mistakes)],
        "name": None, "sentence_zh": None, "sentence_en": None, "trial": None,
    }  # fmt: skip
    if trace is not None:
        given = {v.name: v.value for v in values or ()}
        made = Trial(trace, given, _runner(ask.context, ask.as_of), ask.context.log)
        zh, en = made.sentences()
        told |= {"name": trace.trace, "sentence_zh": zh, "sentence_en": en, "trial": made}
    return told


async def published(info: Info, declaration: str) -> dict[str, Any]:
    """What became of a declaration: {trace, changed}, {mistakes} or {code, zh, en}."""
    context, ask = info.context, Ask(info)
    try:
        standing = _standing(context)
        trace, mistakes = await asyncio.to_thread(standing.check, declaration)
        if trace is None:
            return {"mistakes": [{"line": m.line, "zh": m.zh, "en": m.en} for m in sorted(mistakes)]}
        # Before anything is kept, so that what stands is also answered.
        figures = await _figures(ask, trace.trace, "PublishedTrace")
        runner = _runner(context, context.clock.today_text())
        done = await publish(standing, declaration, context.viewer.name, runner)
    except QuanxiError as error:
        return refused(error)
    return {"trace": findings.as_trace(ask, done.trace, figures), "changed": done.changed}


async def withdrawn(info: Info, name: str) -> dict[str, Any]:
    """What became of a withdrawal: {trace, withdrawn} or {code, zh, en}."""
    context, ask = info.context, Ask(info)
    try:
        standing = _standing(context)
        figures = await _figures(ask, name, "WithdrawnTrace")
        again = await asyncio.shield(asyncio.to_thread(standing.withdraw, name, context.viewer.name))
    except QuanxiError as error:
        return refused(error)
    told = findings.as_trace(ask, again, figures) if again is not None else None
    return {"trace": told, "withdrawn": True}


async def _figures(ask: Ask, name: str, on: str) -> dict[str, list[Any]]:
    """How a trace does, where a part of a mutation's answer asks for it."""
    chosen = next((s for s in ask.selections.of(ask.selected, on) if s.name == "trace"), None)
    return await findings.figures_of(ask, [name], chosen) if chosen is not None else {}
