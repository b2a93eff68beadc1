"""Incidents that are like one that an investigator has before them."""

from __future__ import annotations

from typing import Any

from graph.compile import encode_cursor
from graph.queries import similar as likes
from graph.queries.repeats import PARTY_ROLES
from ontology import ONTOLOGY
from schema.ask import Ask, not_found
from schema.found import connected, evidence, incident_groups, order_of, page_of
from schema.scalars import ALIKE, Alike, Exactness


async def similar(ask: Ask, id: str, after: str | None) -> dict[str, Any]:
    """A page of the incidents that are like an incident, or a matter's earliest one; the most alike first.

    Raises:
        UsageError: NOT_FOUND for what is neither, or not for the viewer; BAD_CURSOR.
    """
    if ONTOLOGY.label_of(id) not in ("Incident", "Matter"):
        raise not_found("事件或事项")
    context = ask.context
    found = await likes.find(
        context.store, id, ask.compiler.scope, context.scheme, ask.as_of, PARTY_ROLES, context.timeout
    )
    if found is None:
        raise not_found("事件或事项")
    order = order_of("similar", id)
    page, start, more = page_of(ask, found.similar, order, after)
    chosen = ask.part("edges", "node", "incident")
    shown = await evidence(ask, incidents=(chosen, incident_groups(s.id for s in page)))
    edges = [
        {
            "cursor": encode_cursor(order, str(start + i + 1)),
            "node": {
                "incident": shown["incidents"].get(s.id), "score": s.score, "reasons": [Alike(r) for r in s.reasons],
                "words": s.words, "days": s.days, "sentence": _sentence(s),
            },
        }
        for i, s in enumerate(page)
    ]  # fmt: skip
    count = {"value": len(found.similar), "exactness": Exactness.AT_LEAST if found.full else Exactness.EXACT}
    return {**connected(edges, more, start > 0, 0), "total_count": count}


def _sentence(s: likes.Similar) -> str:
    how = "、".join(ALIKE[r][0] for r in s.reasons)
    ended = f"{s.days} 天办结" if s.days is not None else "已办结" if s.over else "尚未办结"
    return f"{how};{ended}"
