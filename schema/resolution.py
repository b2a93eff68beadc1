"""Free text → address: what a text is understood as, what waits for a person, and what a person picks.

Places outside a viewer's area are as if unknown: they stand in no answer, and a text that names one is unresolved. What
waits and what was picked is about the whole district: a limited viewer is not told whether there is any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from typing import Annotated, Any, Protocol

import strawberry

from addresses.reasons import reason_words
from addresses.resolution import Candidate as Found
from addresses.resolution import Outcome as FoundOutcome
from addresses.resolution import Resolution as Said
from graph.compile import decode_position, encode_cursor, first_of
from graph.viewer import DEVELOPMENT
from ontology.errors import UsageError
from schema import types as t
from schema.ask import Ask, not_found
from schema.connections import exact, make_connection, page_info
from schema.refused import Refused, refused
from schema.scalars import AddressCode, DateTime, Level, Term
from schema.terms import Info

MODULE = globals()
ELEMENTS = "address_element"


class Resolves(Protocol):
    """Answers about texts that name places, and takes picks; the loaders do."""

    def resolve(self, text: str, near: str | None, first: int) -> Said: ...
    def places_in(self, text: str, near: str | None) -> list[tuple[int, int, Said]]: ...
    def waiting(
        self, outcome: FoundOutcome, feed: str | None, first: int, skip: int
    ) -> tuple[list[Any], int]: ...
    def pick(self, text: str, code: str | None, reason: str, judge: str) -> Any: ...


@strawberry.enum(description="文本解析的结果 · what became of a text that names a place")
class Outcome(Enum):
    RESOLVED = strawberry.enum_value("RESOLVED", description="可采信 · one place is sure, at some level")
    ASK = strawberry.enum_value("ASK", description="待人选 · several are possible: a person should pick")
    UNRESOLVED = strawberry.enum_value("UNRESOLVED", description="认不出 · no known place")
    OUTSIDE = strawberry.enum_value("OUTSIDE", description="区外 · a place outside the district")


@strawberry.enum(description="待人工处理的结果 · outcomes that wait for a person, or for addresses")
class WaitingFor(Enum):
    ASK = strawberry.enum_value("ASK", description="待人选 · several places are possible")
    UNRESOLVED = strawberry.enum_value("UNRESOLVED", description="认不出 · no known place")
    OUTSIDE = strawberry.enum_value("OUTSIDE", description="区外 · a place outside the district")


@strawberry.type(description="地址要素 · which characters are which element of an address")
class Element:
    type: Term = strawberry.field(description="要素类型,见字典 address_element · its type")
    text: str
    start: int = strawberry.field(description="在原文中的起,按字计 · its first character in the text")
    end: int = strawberry.field(description="止,不含 · the character after its last")


@strawberry.type(description="可能的地点 · a place that a text may mean")
class Candidate:
    address: t.Address
    level: Level
    confidence: float = strawberry.field(description="0–1,经校准 · calibrated")
    because: list[str] = strawberry.field(description="理由 · reasons")


@strawberry.type(description="文本所指的地点 · what a text that names a place is understood as")
class Resolution:
    outcome: Outcome
    best: Candidate | None = strawberry.field(
        description="可采信的地点;ASK 时为各候选共同所在、确定无疑的上级 · the place; when ASK, what all candidates surely lie in"
    )
    alternatives: list[Candidate] = strawberry.field(
        description="其他可能,可能性大者在前 · the likelier first"
    )
    parse: list[Element] = strawberry.field(
        description="逐要素解析;有辖区限制者不予显示 · empty for a limited viewer"
    )


@strawberry.type(description="一段文字中的一处地点 · a place named in a sentence")
class PlaceInText:
    text: str
    start: int
    end: int
    resolution: Resolution


@strawberry.type(description="待定的地址文本 · what records of a feed say of a place that is not sure")
class WaitingText:
    feed: Term
    text: str | None
    code: str | None = strawberry.field(description="记录所给的编码 · the code that the records give")
    authority: str | None = strawberry.field(description="其编码机构 · whose code it is, when not ours")
    records: int = strawberry.field(description="如此书写的记录数 · how many records say so")
    resolution: Resolution


make_connection("WaitingText", WaitingText, MODULE)
WaitingTextConnection: Any


@strawberry.type(description="已记下;数秒内入图 · kept; the graph follows within seconds")
class Picked:
    text: str
    place: AddressCode | None = strawberry.field(description="所选地点的编码 · the code of the place picked")
    by: str
    at: DateTime
    reason: str

    is_type_of = classmethod(lambda cls, source, info: "text" in source)


PickResult = Annotated[
    Picked | Refused, strawberry.union("PickResult", description="选择的结果 · what became of a pick")
]


def resolves_of(context: Any) -> Resolves:
    """Who answers about texts.

    Raises:
        UsageError: NOT_FOUND where this server has no ledger.
    """
    if context.resolves is None:
        raise not_found("地址库")
    resolves: Resolves = context.resolves
    return resolves


def _of_the_district(context: Any) -> Resolves:
    """The same, for what is about the whole district.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, or where this server has no ledger.
    """
    if context.viewer != DEVELOPMENT:
        raise not_found("待定文本")
    return resolves_of(context)


async def resolve_address(ask: Ask, text: str, near: str | None, first: int) -> dict[str, Any]:
    """One text.

    Raises:
        UsageError: BAD_ARGUMENT, BAD_CODE; NOT_FOUND where this server has no ledger.
    """
    said = await asyncio.to_thread(resolves_of(ask.context).resolve, text, near, first)
    return (await shown(ask, [said]))[0]


async def search_resolution(ask: Ask, text: str, area: str | None) -> dict[str, Any] | None:
    """What a search's text is understood as, where that is asked for and this server can tell."""
    if ask.context.resolves is None or (ask.part("understood") is None and ask.part("resolution") is None):
        return None
    said = await asyncio.to_thread(ask.context.resolves.resolve, text, area, 5)
    return (await shown(ask, [said], "resolution"))[0]


async def places_in(ask: Ask, text: str, near: str | None) -> list[dict[str, Any]]:
    """The places that a sentence names, as far as the viewer may know of them.

    Raises:
        UsageError: BAD_ARGUMENT, BAD_CODE; NOT_FOUND where this server has no ledger.
    """
    found = await asyncio.to_thread(resolves_of(ask.context).places_in, text, near)
    each = await shown(ask, [said for _, _, said in found], "resolution")
    return [
        {"text": text[start:end], "start": start, "end": end, "resolution": resolution}
        for (start, end, _), resolution in zip(found, each, strict=True)
        if resolution["outcome"] is not Outcome.UNRESOLVED
    ]


async def waiting(ask: Ask, feed: str | None, outcome: WaitingFor, after: str | None) -> dict[str, Any]:
    """A page of texts that wait, most frequent first.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, or where this server has no ledger; BAD_ARGUMENT; BAD_CURSOR.
    """
    resolves = _of_the_district(ask.context)
    order = f"unplaced {feed} {outcome.name}"
    first, skip = first_of(ask.selected), decode_position(after, order) if after is not None else 0
    found, total = await asyncio.to_thread(resolves.waiting, FoundOutcome[outcome.name], feed, first, skip)
    each = await shown(ask, [w.resolution for w in found], "edges", "node", "resolution")
    edges = [
        {
            "cursor": encode_cursor(order, str(skip + i + 1)),
            "node": {
                "feed": {"code": w.feed, "zh": w.feed_zh, "en": w.feed_en, "parent": None},
                "text": w.text, "code": w.code, "authority": w.authority, "records": w.records, "resolution": resolution,
            },
        }
        for i, (w, resolution) in enumerate(zip(found, each, strict=True))
    ]  # fmt: skip
    return {
        "edges": edges,
        "page_info": page_info(edges, skip + len(found) < total, skip > 0),
        "total_count": exact(total),
    }


async def pick(info: Info, text: str, code: str | None, reason: str) -> dict[str, Any]:
    """Keeps a pick; what is not taken comes back as its reason."""
    context = info.context
    try:
        resolves = _of_the_district(context)
        kept = await asyncio.to_thread(resolves.pick, text, code, reason, context.viewer.name)
    except UsageError as error:
        return refused(error)
    return {"text": kept.text, "place": kept.code, "by": kept.judge, "at": kept.at, "reason": kept.reason}


async def shown(ask: Ask, said: Sequence[Said], *path: str) -> list[dict[str, Any]]:
    """Resolutions as answered: addresses in one statement, those that the viewer may not see left out.

    Args:
        path: the fields from the root down to the resolutions.
    """
    limited = ask.context.viewer != DEVELOPMENT
    parts = {name: ask.part(*path, name, "address") for name in ("best", "alternatives")}
    codes = {c.code: None for each in said for c in (each.best, *each.alternatives) if c is not None}
    found: dict[str, dict[str, Any]] = {name: {} for name in parts}
    visible: Collection[str] = codes
    wanted = {name: part for name, part in parts.items() if part is not None}
    # Asked whether or not a text names a known place: how many statements there are tells nothing of it.
    if wanted or limited:
        groups = ask.compiler.by_code(codes)
        lists = [f"{name}: {ask.compiler.listed(groups, part)}" for name, part in wanted.items()]
        rows = await ask.read(
            f"RETURN {{{', '.join([*lists, f'seen: {ask.compiler.seen(groups)}'])}}} AS found"
        )
        for name in wanted:
            found[name] = {row["k"]: row["n"] for row in reversed(rows[0][name])}
        visible = set(rows[0]["seen"])
    return [_shown(ask, each, visible, found, limited) for each in said]


def _shown(
    ask: Ask, said: Said, visible: Collection[str], found: dict[str, dict[str, Any]], limited: bool
) -> dict[str, Any]:
    best = said.best if said.best is not None and said.best.code in visible else None
    others = [c for c in said.alternatives if c.code in visible]
    outcome = said.outcome
    if (outcome is FoundOutcome.RESOLVED and best is None) or (
        outcome is FoundOutcome.ASK and best is None and not others
    ):
        outcome = FoundOutcome.UNRESOLVED
    terms = ask.context.terms
    parse = (
        # Which characters are a name is known by the names, of which some are not for a limited viewer.
        [] if limited else [{"type": terms.plain(ELEMENTS, e.type), "text": e.text, "start": e.start, "end": e.end} for e in said.parse]
    )  # fmt: skip
    return {
        "outcome": Outcome[outcome.value],
        "best": best and _candidate(best, found["best"], limited),
        "alternatives": [_candidate(c, found["alternatives"], limited) for c in others],
        "parse": parse,
    }


def _candidate(c: Found, found: dict[str, Any], limited: bool) -> dict[str, Any]:
    return {
        "address": found.get(c.code),
        "level": Level[c.level],
        "confidence": round(c.confidence, 4),
        "because": because(c.because, limited),
    }


def because(reasons: Iterable[tuple[str, str]], limited: bool = False) -> list[str]:
    """Reasons in words; who decided is not told to a limited viewer."""
    return [reason_words(key, "" if limited and key == "decision" else words)[0] for key, words in reasons]
