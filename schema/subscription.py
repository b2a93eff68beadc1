"""What may be subscribed to: changes of findings, and incidents as they are received or change.

Events are told from the logs of the ledger (`ledger.events`), at least once and in the order of their cursors, which hold for every
server of a data directory. A subscriber reads at their own pace from their own cursor, so that nobody waits for them and nothing is
kept for them in memory.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Any, Protocol

import strawberry

from graph.queries import seen
from graph.viewer import DEVELOPMENT
from ledger import Change
from ledger.events import Kind as EventKind
from ledger.events import Told
from ledger.findings import OPEN
from ontology.errors import EngineError, UsageError
from schema import findings
from schema import types as t
from schema.ask import Ask, area_of
from schema.context import Context
from schema.findings import FindingFilter
from schema.operations import MARK
from schema.scalars import AddressCode, DateTime, Term
from schema.terms import Info, term

# Read at a time; a subscriber who was away long is told in such pages.
_PAGE = 100
_GRAPH_AGAIN = 1.0


class Events(Protocol):
    """The logs, and word of their growth."""

    def end(self, kind: EventKind) -> int: ...
    def span(self, kind: EventKind) -> tuple[int, int]: ...
    async def beyond(self, kind: EventKind, no: int) -> int: ...
    def findings(self, after: int, until: int, first: int) -> list[Change]: ...
    def incidents(self, after: int, until: int, first: int) -> list[Told]: ...


@strawberry.type(description="预警的变化 · what happened to a finding")
class FindingEvent:
    cursor: str = strawberry.field(description="断线后以此续订 · give it as `after` to go on from here")
    at: DateTime = strawberry.field(description="何时 · when")

    @strawberry.field(description="何种变化 · a code of `finding_change`")  # type: ignore[untyped-decorator]
    def change(self: Any, info: Info) -> Term:
        return term(self, info, "change", "finding_change")  # type: ignore[return-value]

    @strawberry.field(description="变化之后的预警 · the finding as it was then")  # type: ignore[untyped-decorator]
    async def finding(self: Any, info: Info) -> t.Finding:
        found = self["finding"]
        related = (await Ask(info).by_ids([found.id])).get(found.id, {})
        return findings.as_told(related, found, info.context.viewer)  # type: ignore[return-value]


@strawberry.type(description="事件的收到或变化 · an incident that was received, or has changed")
class IncidentEvent:
    cursor: str = strawberry.field(description="断线后以此续订 · give it as `after` to go on from here")
    at: DateTime = strawberry.field(description="何时 · when")

    @strawberry.field(
        description="事件的现状 · the incident as it is now; null when it has become part of another"
    )  # type: ignore[untyped-decorator]
    async def incident(self: Any, info: Info) -> t.Incident | None:
        return (await Ask(info).by_ids([self["incident"]])).get(self["incident"])


@strawberry.type
class Subscription:
    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description="预警的产生与变化,自 after 之后;不给则自此刻起 · findings as they are found and change, after a cursor or from now on"
    )
    async def findings(
        self,
        info: Info,
        area: AddressCode | None = None,
        filter: FindingFilter | None = None,
        after: str | None = None,
    ) -> AsyncGenerator[FindingEvent, None]:
        ask = Ask(info)
        wanted = ask.selected.args.get("filter") or {}
        findings.check_filter(ask, wanted)
        within = area_of(ask, str(area)) if area is not None else None
        limited = bool(ask.compiler.scope.conditions("Finding", "n"))
        text = seen.statement(ask.compiler, "Finding", within)
        events, no = await _begin(info, "findings", after)
        yield {MARK: _written(info, "findings", no)}  # type: ignore[misc]
        while True:
            until = await events.beyond("findings", no)
            page = await asyncio.to_thread(events.findings, no, until, _PAGE)
            passing = [c for c in page if _passes(c, wanted)]
            shown = await _visible(ask, text, {c.finding.id for c in passing})
            for change in passing:
                # What an older entry tells may be of what a limited viewer may not see: they are told how it stands.
                revision = shown.get(change.finding.id)
                if revision is not None and (revision == change.finding.revision or not limited):
                    cursor = _written(info, "findings", change.no)
                    yield {  # type: ignore[misc]
                        "cursor": cursor, "at": change.at, "change": change.change, "finding": change.finding,
                    }  # fmt: skip
            no = page[-1].no if len(page) == _PAGE else until
            # To a limited viewer it would say that something has happened elsewhere.
            if not limited:
                yield {MARK: _written(info, "findings", no)}  # type: ignore[misc]

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description="事件的收到与变化,自 after 之后;不给则自此刻起 · incidents as they are received and change, after a cursor or from now on"
    )
    async def incidents(
        self, info: Info, area: AddressCode | None = None, after: str | None = None
    ) -> AsyncGenerator[IncidentEvent, None]:
        ask = Ask(info)
        within = area_of(ask, str(area)) if area is not None else None
        limited = bool(ask.compiler.scope.conditions("Incident", "n"))
        text = seen.statement(ask.compiler, "Incident", within)
        events, no = await _begin(info, "incidents", after)
        yield {MARK: _written(info, "incidents", no)}  # type: ignore[misc]
        while True:
            until = await events.beyond("incidents", no)
            oldest, _ = await asyncio.to_thread(events.span, "incidents")
            if no < oldest:
                raise _too_old()
            page = await asyncio.to_thread(events.incidents, no, until, _PAGE)
            shown = await _visible(ask, text, {told.incident for told in page})
            for told in page:
                if told.incident in shown:
                    cursor = _written(info, "incidents", told.no)
                    yield {"cursor": cursor, "at": told.at, "incident": told.incident}  # type: ignore[misc]
            no = page[-1].no if len(page) == _PAGE else until
            if not limited:
                yield {MARK: _written(info, "incidents", no)}  # type: ignore[misc]


async def _begin(info: Info, kind: EventKind, after: str | None) -> tuple[Events, int]:
    """The events, and the number after which to begin.

    Raises:
        UsageError: NOT_FOUND where this server has no ledger at hand; BAD_CURSOR for what is none, or of another ledger, or too old.
    """
    context = info.context
    events: Events | None = context.events
    if events is None:
        raise UsageError(
            "NOT_FOUND", "此服务没有账本,无从订阅", "this server has no ledger to tell events from"
        )
    after = context.resume or after
    if after is None:
        return events, events.end(kind)
    no = _read(info, kind, after)
    oldest, newest = await asyncio.to_thread(events.span, kind)
    if no > newest:
        raise UsageError(
            "BAD_CURSOR",
            "游标来自另一个账本",
            "this cursor is beyond the last event: it is of another ledger",
            "Read the list anew, then subscribe without `after`.",
        )
    if no < oldest:
        raise _too_old()
    return events, no


def _too_old() -> UsageError:
    return UsageError(
        "BAD_CURSOR",
        "游标过旧,其间的事件已不保留",
        "this cursor is too old: events after it are no longer kept",
        "Read the list anew, then subscribe without `after`.",
    )


def written(context: Context, kind: EventKind, no: int) -> str:
    """A number of a log as a cursor: sealed for a limited viewer, whom it would tell how much happens elsewhere."""
    if context.seals is None or context.viewer == DEVELOPMENT:
        return str(no)
    sealed: bytes = context.seals.seal(f"{kind}:{no}".encode())
    return base64.urlsafe_b64encode(sealed).decode()


def _written(info: Info, kind: EventKind, no: int) -> str:
    return written(info.context, kind, no)


def _read(info: Info, kind: EventKind, cursor: str) -> int:
    """The number that a cursor stands for.

    Raises:
        UsageError: BAD_CURSOR.
    """
    context = info.context
    text = cursor
    if context.seals is not None and context.viewer != DEVELOPMENT:
        try:
            opened = context.seals.open(base64.urlsafe_b64decode(cursor.encode()))
        except (UsageError, ValueError):
            opened = b""
        of, _, text = opened.decode().partition(":")
        text = text if of == kind else ""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError("BAD_CURSOR", "游标不合法", "this is not a cursor of this subscription")
    return int(text)


def _passes(change: Change, wanted: dict[str, Any]) -> bool:
    """Whether a change is of a finding that a filter asks for; as it was then."""
    f = change.finding
    for name, value in (("traces", f.trace), ("severities", f.severity), ("states", f.state)):
        if wanted.get(name) is not None and value not in wanted[name]:
            return False
    if wanted.get("open") is not None and wanted["open"] != (f.state in OPEN):
        return False
    during, about = wanted.get("during"), wanted.get("about")
    if during is not None and not during["from"] <= f.found_at < during["to"]:
        return False
    return about is None or about == f.about or about in f.shown_by


async def _visible(ask: Ask, text: str | None, ids: Collection[str]) -> Mapping[str, int]:
    """Those that the viewer may see and that are in the area, with their revision as the graph has it (0 where all may be seen).

    While Neo4j is away it is waited for.
    """
    if not ids or text is None:
        return dict.fromkeys(ids, 0)
    while True:
        try:
            ask.context.renew()
            return dict(await ask.read(text, {"ids": sorted(ids)}))
        except EngineError:
            await asyncio.sleep(_GRAPH_AGAIN)
