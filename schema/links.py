"""Who is whom: decisions and questions about records that may speak of the same, and people's judgements of them.

They are about the whole district: a viewer who is limited sees none, and is not told whether there are any.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated, Any, Protocol

import strawberry

from graph.compile import decode_position, encode_cursor, first_of
from graph.viewer import DEVELOPMENT
from loaders.identity.agreements import agreed
from ontology.errors import UsageError
from schema import types as t
from schema.ask import Ask, not_found
from schema.connections import exact, make_connection, page_info
from schema.explain import shown_links
from schema.refused import Refused, refused
from schema.scalars import DateTime, Fact, Term
from schema.terms import Info

MODULE = globals()


class Judges(Protocol):
    """Answers about links and takes judgements; the loaders do."""

    def decisions(self, subject: str, state: str, first: int, skip: int) -> tuple[list[Any], int]: ...
    def questions(self, id: str) -> list[Any]: ...
    def decision(self, id: str) -> Any: ...
    def judge(self, id: str, same: bool, reason: str, judge: str) -> Any: ...
    def said_of(self, raw: str) -> list[Any]: ...


@strawberry.enum(description="关联的状态:ASK 待人工判定,LINK 已关联 · asked of a person, or taken for one")
class LinkState(Enum):
    ASK = "ASK"
    LINK = "LINK"


@strawberry.enum(description="关联的对象 · what is linked")
class LinkKind(Enum):
    PERSON = "person"
    INCIDENT = "incident"


@strawberry.type(description="关联的一方:一条或几条记录所指 · one side of a link: what some records speak of")
class LinkSide:
    entity: t.Entity | None = strawberry.field(description="现归入的实体 · what it is known as by now")
    said: list[Fact] = strawberry.field(description="记录所述 · what the records say")


@strawberry.type(description="一次判定 · what a person decided")
class Judgement:
    same: bool
    reason: str | None
    by: str
    at: DateTime


@strawberry.type(description="同一性关联 · that two are one, or the question whether they are")
class IdentityLink:
    id: strawberry.ID
    kind: LinkKind
    state: LinkState
    score: float = strawberry.field(description="0–1,越大越可能 · how likely")
    agrees: list[Term] = strawberry.field(description="相符之处 · what agrees")
    version: str = strawberry.field(description="判定方法的版本 · of the method")
    one: LinkSide
    other: LinkSide
    judged: Judgement | None


make_connection("IdentityLink", IdentityLink, MODULE)
IdentityLinkConnection: Any


@strawberry.type(description="已记下;数秒内入图 · kept; the graph follows within seconds")
class Judged:
    id: strawberry.ID = strawberry.field(description="关联的编号 · the link's id")
    judged: Judgement

    is_type_of = classmethod(lambda cls, source, info: "judged" in source)


JudgeResult = Annotated[
    Judged | Refused, strawberry.union("JudgeResult", description="判定的结果 · what became of a judgement")
]


async def links(ask: Ask, kind: LinkKind, state: LinkState, after: str | None) -> dict[str, Any]:
    """A page of links, the surest first.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, or where this server has no ledger.
    """
    judges = judges_of(ask.context)
    order = f"links {kind.value} {state.value}"
    first, skip = first_of(ask.selected), decode_position(after, order) if after is not None else 0
    found, total = await asyncio.to_thread(judges.decisions, kind.value, state.value, first, skip)
    wanted = {side: ask.part("edges", "node", side) for side in ("one", "other")}
    nodes: dict[str, dict[str, Any]] = {}
    for side in wanted:
        chosen = ask.part("edges", "node", side, "entity") if wanted[side] is not None else None
        ids = [d.entity if side == "one" else d.of for d in found]
        nodes[side] = await ask.by_ids(ids, chosen) if chosen is not None else {}
    edges = []
    for i, decision in enumerate(found):
        node = shown(decision)
        for side, raw, id in (
            ("one", decision.link.raw, decision.entity),
            ("other", decision.link.same, decision.of),
        ):
            said: list[Any] = []
            if wanted[side] is not None and ask.part("edges", "node", side, "said") is not None:
                said = [shown_links(f.as_dict()) for f in await asyncio.to_thread(judges.said_of, raw)]
            node[side] = {"entity": nodes[side].get(id), "said": said}
        edges.append({"cursor": encode_cursor(order, str(skip + i + 1)), "node": node})
    return {
        "edges": edges,
        "page_info": page_info(edges, skip + len(found) < total, skip > 0),
        "total_count": exact(total),
    }


async def possibly_same(context: Any, id: str) -> list[dict[str, Any]]:
    """Who else an entity may be, the likeliest first; nobody for a limited viewer."""
    if context.judges is None or context.viewer != DEVELOPMENT:
        return []
    found = await asyncio.to_thread(context.judges.questions, id)
    return [
        {
            "link": decision.id,
            "id": decision.of if decision.entity == id else decision.entity,
            "score": decision.link.score,
            "agrees": agreements(decision.link.why),
        }
        for decision in found
    ]


def judges_of(context: Any) -> Judges:
    """Who answers about links.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, or where this server has no ledger.
    """
    if context.judges is None or context.viewer != DEVELOPMENT:
        raise not_found("关联")
    judges: Judges = context.judges
    return judges


def agreements(why: str) -> list[dict[str, Any]]:
    """What agrees, as terms."""
    return [{"code": code, "zh": zh, "en": en, "parent": None} for code, zh, en in agreed(why)]


def shown(decision: Any) -> dict[str, Any]:
    """A decision as answered, without its sides."""
    link, judged = decision.link, decision.judged
    return {
        "id": decision.id,
        "kind": LinkKind(decision.subject),
        "state": LinkState[link.state],
        "score": link.score,
        "agrees": agreements(link.why),
        "version": link.version,
        "judged": judged
        and {"same": judged.verdict == "same", "reason": judged.reason, "by": judged.judge, "at": judged.at},
    }


async def judge(info: Info, id: str, same: bool, reason: str) -> dict[str, Any]:
    """What became of a judgement: {id, judged}, or {code, zh, en}."""
    context = info.context
    try:
        judges = judges_of(context)
        decision = await asyncio.to_thread(judges.judge, id, same, reason, context.viewer.name)
    except UsageError as error:
        return refused(error)
    return {"id": decision.id, "judged": shown(decision)["judged"]}
