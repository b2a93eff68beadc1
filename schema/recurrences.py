"""What comes back: disputes that repeat, and hazards that were put right and are there again."""

from __future__ import annotations

from typing import Any

from graph.compile import encode_cursor
from graph.queries import relapses, repeats
from ontology.errors import UsageError
from schema.ask import Ask, area_of, limited
from schema.connections import exact
from schema.found import (
    code_of,
    connected,
    evidence,
    incident_groups,
    order_of,
    page_of,
    party_groups,
    place_groups,
)
from schema.scalars import RepeatBy

MAX_DAYS = 366


def _days(value: int, name: str) -> int:
    if not 0 <= value <= MAX_DAYS:
        raise UsageError(
            "BAD_ARGUMENT",
            f"{name} 须在 0 到 {MAX_DAYS} 之间",
            f"{name} must be 0 to {MAX_DAYS}, not {value}",
        )
    return value


async def repeated(
    ask: Ask,
    area: str,
    by: str,
    within_days: int,
    minimum: int,
    kinds: list[str] | None,
    after: str | None,
) -> dict[str, Any]:
    _days(within_days, "withinDays")
    if not 2 <= minimum <= 50:
        raise UsageError(
            "BAD_ARGUMENT", "minimum 须在 2 到 50 之间", f"minimum must be 2 to 50, not {minimum}"
        )
    kind, key = area_of(ask, area)
    tops, codes = _incident_kinds(ask, kinds or [repeats.DISPUTE])
    called = "纠纷" if not kinds else "、".join(ask.context.terms.get("incident_kind", k).zh for k in kinds)
    params = {
        "area": key, "levels": repeats.PLACE_LEVELS, "roles": repeats.PARTY_ROLES, "kinds": tops, "codes": codes,
    }  # fmt: skip
    text = repeats.statement(kind, ask.compiler.scope)
    rows = await ask.read(text, params)
    found = repeats.find([repeats.report(r) for r in rows], by, within_days, minimum)
    order = order_of(area, by, within_days, minimum, kinds)
    page, start, more = page_of(ask, found, order, after)
    incidents = ask.part("edges", "node", "incidents")
    place, parties = ask.part("edges", "node", "at"), ask.part("edges", "node", "parties")
    lists = await evidence(
        ask,
        incidents=(incidents, incident_groups(i for r in page for i in r.incidents)),
        places=(place, place_groups(ask, (r.place for r in page))),
        parties=(parties, party_groups(p for r in page for p in r.pair or ())),
    )
    edges = []
    for i, r in enumerate(page):
        same = "、".join({"PLACE": "同一地点", "PARTIES": "同一双方"}[x] for x in r.by)
        edges.append({
            "cursor": encode_cursor(order, str(start + i + 1)),
            "node": {
                "by": [RepeatBy(x) for x in r.by], "matters": r.matters, "days": r.last_day - r.first_day,
                "sentence": f"{same} {r.last_day - r.first_day + 1} 天内{called} {r.matters} 起",
                "at": lists["places"].get(code_of(ask, r.place)), "parties": [lists["parties"][p] for p in (r.pair or ()) if p in lists["parties"]],
                "incidents": [lists["incidents"][x] for x in r.incidents if x in lists["incidents"]],
            },
        })  # fmt: skip
    return {**connected(edges, more, start > 0, 0), "total_count": exact(len(found))}


def _incident_kinds(ask: Ask, kinds: list[str]) -> tuple[list[str], list[str]]:
    """The kinds that incidents are found by, and the codes that their kind or category must be one of.

    Raises:
        UsageError: BAD_ARGUMENT for a code that is no kind of incident.
    """
    limited(kinds, "类别", 20)
    known = ask.context.terms.lists["incident_kind"]
    unknown = [k for k in kinds if k not in known]
    if unknown:
        raise UsageError(
            "BAD_ARGUMENT",
            f"没有事件类别 {unknown[0][:40]}",
            f"no kind of incident is called {unknown[0][:40]}",
            'terms(list: "incident_kind") has them.',
        )
    codes = [code for kind in kinds for code in ask.context.terms.below("incident_kind", kind)]
    # A source may call an incident by a narrow kind alone, others by the broad kind with a category.
    return sorted({known[k].parent or k for k in kinds} | set(codes)), sorted(set(codes))


async def relapsed(ask: Ask, area: str, within_days: int, after: str | None) -> dict[str, Any]:
    _days(within_days, "withinDays")
    kind, key = area_of(ask, area)
    rows = await ask.read(relapses.statement(kind, ask.compiler.scope), {"area": key, **relapses.PARAMETERS})
    found = relapses.find([relapses.hazard(r) for r in rows], within_days)
    order = order_of(area, within_days)
    page, start, more = page_of(ask, found, order, after)
    lists = await evidence(
        ask,
        earlier=(ask.part("edges", "node", "earlier"), incident_groups(r.earlier for r in page)),
        later=(ask.part("edges", "node", "later"), incident_groups(r.later for r in page)),
        places=(ask.part("edges", "node", "at"), place_groups(ask, (r.place for r in page))),
    )
    edges = []
    for i, r in enumerate(page):
        term = ask.context.terms.get("incident_kind", r.category)
        edges.append({
            "cursor": encode_cursor(order, str(start + i + 1)),
            "node": {
                "category": ask.context.terms.plain("incident_kind", r.category), "days": r.days,
                "sentence": f"“{term.zh}”整改销号 {r.days} 天后复燃",
                "at": lists["places"].get(code_of(ask, r.place)),
                "earlier": lists["earlier"].get(r.earlier), "later": lists["later"].get(r.later),
            },
        })  # fmt: skip
    return {**connected(edges, more, start > 0, 0), "total_count": exact(len(found))}
