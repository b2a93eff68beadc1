"""What the district's traces found, the traces themselves, and people's judgements of findings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from enum import Enum
from functools import partial
from typing import Annotated, Any, Protocol

import strawberry
from strawberry.dataloader import DataLoader

from graph.compile import Group, encode_cursor
from graph.queries import findings as queries
from graph.selection import Selected, response_path
from graph.viewer import DEVELOPMENT, Viewer
from ledger.findings import OPEN
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema import types as t
from schema.ask import Ask, not_found
from schema.connections import connection, exact
from schema.found import code_of, connected, order_of, page_of, place_groups
from schema.found import evidence as shown_by
from schema.refused import Refused, refused
from schema.scalars import CutBy, DateTime, Period
from schema.subgraphs import graph
from schema.terms import Info, slot
from traces.explain import Explainer
from traces.judging import ConflictError
from traces.runner import values_of

_STANDING = sorted(OPEN)
CASE_FINDINGS = 50
"""How many findings of one case are told, the severest first."""


class FindingJudges(Protocol):
    """Takes judgements of findings."""

    def judge(self, id: str, verdict: str, reason: str, by: str, revision: int, days: int | None) -> Any: ...


@strawberry.enum(description="次序 · the order of findings")
class FindingOrder(Enum):
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    SEVEREST = "SEVEREST"


@strawberry.input(description="预警的筛选 · which findings; all conditions hold")
class FindingFilter:
    traces: list[str] | None = strawberry.field(default=None, description="模型 · names of traces")
    severities: list[str] | None = strawberry.field(default=None, description="等级 · codes of `severity`")
    states: list[str] | None = strawberry.field(default=None, description="状态 · codes of `finding_state`")
    open: bool | None = strawberry.field(default=None, description="是否未了结 · whether it still stands")
    during: Period | None = strawberry.field(default=None, description="发现于 · when it was found")
    about: strawberry.ID | None = strawberry.field(
        default=None, description="关于或所示 · what it is about, or shown by"
    )


@strawberry.enum(description="判定 · what a person says of a finding")
class Verdict(Enum):
    TAKEN = strawberry.enum_value("taken", description="已签收 · somebody sees to it")
    CHECKING = strawberry.enum_value("checking", description="核查中 · being looked into")
    CONFIRMED = strawberry.enum_value("confirmed", description="属实 · it is so")
    DISMISSED = strawberry.enum_value("dismissed", description="不属实 · it is not so")
    UNSURE = strawberry.enum_value("unsure", description="待补充 · it cannot be told yet")


@strawberry.type(description="模型的参数 · a number that a trace is given")
class TraceParameter:
    name: str
    type: str = strawberry.field(description="days, count, metres")
    zh: str
    en: str
    default: int
    least: int
    most: int


@strawberry.type(description="模型的实绩 · how a trace does, of what you may see")
class TraceFigures:
    found: int = strawberry.field(description="历来所得 · findings ever")
    open: int = strawberry.field(description="未了结 · that still stand")
    confirmed: int = strawberry.field(description="属实 · judged to be so")
    dismissed: int = strawberry.field(description="不属实 · judged not to be so")
    unsure: int = strawberry.field(description="待补充 · of which it could not be told")
    newest: DateTime | None = strawberry.field(description="最近一次发现 · when the newest was found")

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="判定所示的准确率:属实/(属实+不属实);未判定则为空 · of those judged, how many were so; null before any is"
    )
    def precision(self: Any) -> float | None:
        judged = self["confirmed"] + self["dismissed"]
        return self["confirmed"] / judged if judged else None


@strawberry.type(
    description="模型:一种声明的关系模式 · a declared pattern that says: look here, and this is why"
)
class Trace:
    name: str
    version: int
    zh: str
    en: str
    description_zh: str
    description_en: str
    serves: list[str] = strawberry.field(
        description="所服务的系统 · systems of the district that it is for, as S09"
    )
    about: str = strawberry.field(
        description="关于何物 · what a finding is about: a label, a place level, or Pair"
    )
    sentence_zh: str = strawberry.field(description="所寻者 · what it looks for, in Chinese")
    sentence_en: str
    parameters: list[TraceParameter]
    figures: TraceFigures


@strawberry.type(description="已记下;数秒内入图 · kept; the graph follows within seconds")
class JudgedFinding:
    finding: t.Finding

    is_type_of = classmethod(lambda cls, source, info: "finding" in source)


@strawberry.type(description="他人已先处理 · somebody else was quicker")
class FindingConflict:
    current: t.Finding = strawberry.field(description="现状 · what it is now")

    is_type_of = classmethod(lambda cls, source, info: "current" in source)


JudgeFindingResult = Annotated[
    JudgedFinding | FindingConflict | Refused,
    strawberry.union("JudgeFindingResult", description="判定的结果 · what became of a judgement"),
]


async def page(
    ask: Ask, area: tuple[str, str] | None, wanted: dict[str, Any], order: FindingOrder, after: str | None
) -> Any:
    """A page of findings.

    Raises:
        UsageError: BAD_ARGUMENT for a trace, severity or state that there is not, or an id of nothing that findings are about.
    """
    check_filter(ask, wanted)
    text = queries.statement(ask.compiler, ask.selected, area, order.value, wanted, _STANDING)
    rows = await ask.read(text)
    return connection(rows[0], after is not None)


def check_filter(ask: Ask, wanted: dict[str, Any]) -> None:
    """Raises UsageError BAD_ARGUMENT for what no finding can have."""
    lists: list[tuple[str, str, Any]] = [
        ("traces", "模型", getattr(ask.context.traces, "ever", ask.context.traces)),
        ("severities", "等级", ask.context.terms.lists["severity"]),
        ("states", "状态", ask.context.terms.lists["finding_state"]),
    ]
    for name, zh, known in lists:
        for given in wanted.get(name) or ():
            if known and given not in known:
                raise UsageError(
                    "BAD_ARGUMENT",
                    f"没有{zh} {given[:40]}",
                    f"there is no such one of {name}: {given[:40]}",
                    f"There are: {', '.join(sorted(known))}.",
                )
    about = wanted.get("about")
    if about is not None and ONTOLOGY.label_of(about) not in t.NODE_TYPES:
        raise not_found("记录")


async def cases(ask: Ask, area: tuple[str, str] | None, minimum: int, after: str | None) -> dict[str, Any]:
    """A page of the places where several findings stand.

    Raises:
        UsageError: BAD_ARGUMENT for a minimum out of range; BAD_CURSOR.
    """
    if not 2 <= minimum <= 50:
        raise UsageError(
            "BAD_ARGUMENT", "minimum 须在 2 到 50 之间", f"minimum must be 2 to 50, not {minimum}"
        )
    kind, key = area or (None, None)
    params = {"open": _STANDING, "minimum": minimum} | ({"area": key} if key is not None else {})
    found = await ask.read(queries.cases(ask.compiler.scope, kind), params)
    order = order_of("cases", key, minimum)
    page, start, more = page_of(ask, found, order, after)
    chosen = ask.part("edges", "node", "findings")
    most = chosen.args.get("limit", 10) if chosen is not None else 0
    if chosen is not None and not 1 <= most <= CASE_FINDINGS:
        raise UsageError(
            "BAD_ARGUMENT",
            f"limit 须在 1 到 {CASE_FINDINGS} 之间",
            f"limit must be 1 to {CASE_FINDINGS}, not {most}",
        )
    shown = [id for _, ids, *_ in page for id in ids[:most]]
    lists = await shown_by(
        ask,
        places=(ask.part("edges", "node", "at"), place_groups(ask, (place for place, *_ in page))),
        findings=(chosen, [Group("Finding", "id", shown)] if shown else []),
    )
    edges = []
    for i, (place, ids, severity, oldest, newest) in enumerate(page):
        edges.append({
            "cursor": encode_cursor(order, str(start + i + 1)),
            "node": {
                "at": lists["places"].get(code_of(ask, place)), "count": len(ids), "since": oldest, "newest": newest,
                "severity": ask.context.terms.plain("severity", severity) if severity is not None else None,
                "findings": [lists["findings"][id] for id in ids[:most] if id in lists["findings"]],
            },
        })  # fmt: skip
    return {**connected(edges, more, start > 0, 0), "total_count": exact(len(found))}


async def traces(ask: Ask, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The district's traces in the order of their names, or those of some names; their figures in one statement.

    Raises:
        UsageError: NOT_FOUND for a name that there is not.
    """
    held = ask.context.traces
    if names is not None and any(n not in held for n in names):
        raise not_found("模型")
    wanted = sorted(held) if names is None else list(names)
    figures = await figures_of(ask, wanted, ask.selected)
    return [as_trace(ask, held[name], figures) for name in wanted]


async def figures_of(ask: Ask, names: Sequence[str], selected: Selected) -> dict[str, list[Any]]:
    """How traces do, by name, where that is selected; nothing of those that have found nothing. One statement."""
    if not names or not any(s.name == "figures" for s in ask.selections.of(selected)):
        return {}
    rows = await ask.read(queries.figures(ask.compiler.scope), {"traces": list(names), "open": _STANDING})
    return {row[0]: row[1:] for row in rows}


def as_trace(ask: Ask, trace: Any, every: Mapping[str, list[Any]]) -> dict[str, Any]:
    """A trace as answered, with its figures of `figures_of`."""
    zh, en = Explainer(trace, values_of(trace, {}), ask.context.terms).sentences()
    subject = trace.subject
    figures = every.get(trace.trace, [0, 0, 0, 0, 0, None])
    found, standing, confirmed, dismissed, unsure, newest = figures
    return {
        "name": trace.trace, "version": trace.version, "zh": trace.zh, "en": trace.en,
        "description_zh": trace.description.zh, "description_en": trace.description.en, "serves": list(trace.serves),
        "about": subject.node or subject.place or "Pair", "sentence_zh": zh, "sentence_en": en,
        "parameters": [{"name": name, **p.model_dump()} for name, p in trace.parameters.items()],
        "figures": {
            "found": found, "open": standing, "confirmed": confirmed, "dismissed": dismissed, "unsure": unsure, "newest": newest,
        },
    }  # fmt: skip


async def judge(
    info: Info, id: str, revision: int, verdict: Verdict, reason: str, days: int | None
) -> dict[str, Any]:
    """What became of a judgement: {finding}, {current} where somebody was quicker, or {code, zh, en}.

    Raises:
        UsageError: what is selected of the finding cannot be answered; nothing was kept then.
    """
    context, ask = info.context, Ask(info)
    # As with links: who may judge what is for access rules to say, which are not there yet.
    if context.judges_findings is None or context.viewer != DEVELOPMENT:
        return refused(not_found("预警"))
    # Before anything is kept, so that a judgement that is kept is also answered.
    told = await _related(ask, id, "JudgedFinding", "finding")
    try:
        judged = await asyncio.to_thread(
            context.judges_findings.judge, id, verdict.value, reason, context.viewer.name, revision, days
        )
        return {"finding": as_told(told, judged, context.viewer)}
    except ConflictError as error:
        told = await _related(ask, id, "FindingConflict", "current")
        return {"current": as_told(told, error.current, context.viewer)}
    except UsageError as error:
        return refused(error)


async def _related(ask: Ask, id: str, on: str, name: str) -> dict[str, Any]:
    """What the graph knows of a finding, as far as it is selected.

    Raises:
        UsageError: BAD_ARGUMENT when it is selected twice, under aliases.
    """
    chosen = [s for s in ask.selections.of(ask.selected, on) if s.name == name]
    if len(chosen) > 1:
        raise UsageError("BAD_ARGUMENT", f"{name} 只能选取一次", f"{name} may be selected only once here")
    found: dict[str, Any] = (await ask.by_ids([id], chosen[0])).get(id, {}) if chosen else {}
    return found


def as_told(related: dict[str, Any], finding: Any, viewer: Viewer) -> dict[str, Any]:
    """A finding as the ledger has it, which the graph follows, with what the graph knows of its relations; as far as the viewer may see its fields."""
    said = asdict(finding)
    said["sentence"] = said.pop("sentence_zh")
    fields = ONTOLOGY.entities["Finding"].fields()
    told = {k: v for k, v in said.items() if k in fields and viewer.sees_field("Finding", k)}
    return {**related, **told, "id": finding.id, "_t": "Finding"}


# What is read after all else: of all findings that stand at one place of the answer, at once.


async def about(source: Any, info: Info) -> Any:
    """What a finding is about, as far as the viewer may see it."""
    held = source.get(slot(info))
    if held is None or held[1] is None:
        return None
    return await _later(info, held[0], _abouts).load(held[1])


async def evidence(source: Any, info: Info, limit: int) -> Any:
    """The subgraph of a finding's evidence, of at most so many things that show it.

    Raises:
        UsageError: BAD_ARGUMENT for a limit out of range.
    """
    if not 1 <= limit <= queries.NODES:
        raise UsageError(
            "BAD_ARGUMENT",
            f"limit 须在 1 到 {queries.NODES} 之间",
            f"limit must be 1 to {queries.NODES}, not {limit}",
        )
    held = source.get(slot(info))
    empty: dict[str, Any] = {"nodes": [], "links": [], "cut": [], "ids": [], "found": []}
    if held is None:
        return empty
    return await _later(info, held[0], partial(_evidences, limit=limit)).load(source["id"]) or empty


_Read = Callable[[Ask, list[str]], Awaitable[list[Any]]]


def _later(info: Info, as_of: str, read: _Read) -> DataLoader[str, Any]:
    """What reads a field of several findings at once; one for each place in the answer where the field is selected."""
    loaders, path = info.context.later, response_path(info._raw_info.path)
    if path not in loaders:

        async def load(ids: list[str]) -> list[Any]:
            return await read(Ask(info, as_of), ids)

        loaders[path] = DataLoader(load_fn=load, max_batch_size=100)
    held: DataLoader[str, Any] = loaders[path]
    return held


async def _abouts(ask: Ask, ids: list[str]) -> list[Any]:
    found = await ask.by_ids(ids)
    return [found.get(id) for id in ids]


async def _evidences(ask: Ask, ids: list[str], limit: int) -> list[Any]:
    rows = await ask.read(queries.evidence(ask.compiler.scope), {"ids": ids, "nodes": limit})
    held = {row[0]: row[1:] for row in rows}
    wanted = list(dict.fromkeys(id for found in held.values() for id in found[0]))
    selected = ask.part("nodes")
    nodes = await ask.by_ids(wanted, selected) if selected is not None and wanted else {}
    answers: list[Any] = []
    for id in ids:
        if id not in held:
            answers.append(None)
            continue
        shown, links, cut = held[id]
        cuts = [{"by": CutBy.ROWS, "limit": limit, "at": id}] if cut else []
        drawn = await graph(ask, [], [queries.link(x) for x in links], cuts)
        answers.append({**drawn, "nodes": [nodes[n] for n in shown if n in nodes], "ids": shown})
    return answers
