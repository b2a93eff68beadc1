"""Where departments contradict each other. About the whole district: a limited viewer is not told whether there is any."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import strawberry

from graph.compile import decode_position, encode_cursor, first_of
from graph.viewer import DEVELOPMENT
from schema import types as t
from schema.ask import Ask, not_found
from schema.connections import exact, make_connection, page_info
from schema.explain import shown_links
from schema.scalars import Fact

MODULE = globals()


class Disagrees(Protocol):
    """Answers where departments disagree; the loaders do."""

    def page(
        self, department: str | None, field: str | None, first: int, skip: int
    ) -> tuple[list[Any], int]: ...


@strawberry.type(description="部门数据不一致 · of one thing departments say different things")
class Disagreement:
    entity: t.Entity | None
    field: str = strawberry.field(
        description="字段,或所在关系如 AT · a field, or the relationship that places the thing"
    )
    says: list[Fact] = strawberry.field(
        description="各方所述,采信者在前 · what each feed says, what the graph shows first"
    )


make_connection("Disagreement", Disagreement, MODULE)
DisagreementConnection: Any


async def disagreements(
    ask: Ask, department: str | None, field: str | None, after: str | None
) -> dict[str, Any]:
    """A page of disagreements, in the order of their ids; of a department, what of its own does not stand.

    Raises:
        UsageError: NOT_FOUND for a limited viewer, where this server has no ledger, and for a department that sends nothing.
    """
    context = ask.context
    if context.disagrees is None or context.viewer != DEVELOPMENT:
        raise not_found("数据不一致")
    order = f"disagreements {department} {field}"
    first, skip = first_of(ask.selected), decode_position(after, order) if after is not None else 0
    found, total = await asyncio.to_thread(context.disagrees.page, department, field, first, skip)
    chosen = ask.part("edges", "node", "entity")
    nodes = await ask.by_ids([d.id for d in found], chosen) if chosen is not None else {}
    edges = [
        {
            "cursor": encode_cursor(order, str(skip + i + 1)),
            "node": {
                "entity": nodes.get(d.id),
                "field": d.field,
                "says": [shown_links(f.as_dict()) for f in d.says],
            },
        }
        for i, d in enumerate(found)
    ]
    return {
        "edges": edges,
        "page_info": page_info(edges, skip + len(found) < total, skip > 0),
        "total_count": exact(total),
    }
