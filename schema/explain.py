"""`why`, answered off the event loop: the ledger is a file."""

from __future__ import annotations

import asyncio
from typing import Any

from loaders.identity.agreements import agreed
from ontology.errors import UsageError
from schema.context import Context


async def explain(context: Context, id: str, field: str | None) -> list[dict[str, Any]]:
    """The facts behind a node's field, as far as the viewer may see them."""
    assert context.explainer is not None
    name = field if field is None or field.isupper() else _snake(field)
    if name is not None and name.isupper() and context.viewer.area is not None:
        # Whom a relationship leads to may be outside; what is inside has its own reasons, link by link.
        return []
    found = await asyncio.to_thread(context.explainer.facts, id, name, context.viewer.hidden)
    return _within(context, [fact.as_dict() for fact in found])


async def explain_link(context: Context, start: str, type: str, end: str) -> list[dict[str, Any]]:
    """The facts behind a relationship that the viewer sees."""
    if context.explainer is None:
        raise UsageError("NOT_FOUND", "本服务没有账本", "this server has no ledger to answer from")
    found = await asyncio.to_thread(context.explainer.link_facts, start, type, end, context.viewer.hidden)
    if context.viewer.area is not None:
        found = [fact for fact in found if fact.chosen]
    return _within(context, [fact.as_dict() for fact in found])


def _within(context: Context, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for fact in facts:
        if context.viewer.area is not None:
            # A row as received may speak of people and places outside the area; and links are the whole district's.
            fact["received"], fact["taken"] = [], []
        shown_links(fact)
    return facts


def shown_links(fact: dict[str, Any]) -> dict[str, Any]:
    """A fact whose decisions are given as the schema has them."""
    for taken in fact["taken"]:
        taken["agrees"] = [
            {"code": code, "zh": zh, "en": en, "parent": None} for code, zh, en in agreed(taken["agrees"])
        ]
    return fact


def _snake(name: str) -> str:
    from graph.selection import snake

    return snake(name)
