"""`why`, answered off the event loop: the ledger is a file."""

from __future__ import annotations

import asyncio
from typing import Any

from schema.context import Context


async def explain(context: Context, id: str, field: str | None) -> list[dict[str, Any]]:
    """The facts behind a node's field, as far as the viewer may see them."""
    assert context.explainer is not None
    name = None if field is None else _snake(field)
    found = await asyncio.to_thread(context.explainer.facts, id, name, context.viewer.hidden)
    facts = [fact.as_dict() for fact in found]
    if context.viewer.area is not None:
        # A row as received may speak of people and places outside the area.
        for fact in facts:
            fact["received"] = []
    return facts


def _snake(name: str) -> str:
    from graph.selection import snake

    return snake(name)
