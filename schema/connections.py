"""Relay connections over the rows that the compiler's pages give."""

from __future__ import annotations

from typing import Any

import strawberry

from graph.compile import COUNT_BUDGET, encode_cursor
from ontology import ONTOLOGY
from schema.scalars import Count, Date, PageInfo, Term
from schema.terms import Info, as_term


def count(value: int) -> dict[str, Any]:
    """A count as answered: beyond the budget it is "at least"."""
    from schema.scalars import Exactness

    if value > COUNT_BUDGET:
        return {"value": COUNT_BUDGET, "exactness": Exactness.AT_LEAST}
    return {"value": value, "exactness": Exactness.EXACT}


def exact(value: int) -> dict[str, Any]:
    from schema.scalars import Exactness

    return {"value": value, "exactness": Exactness.EXACT}


@strawberry.interface(description="各 Edge 一式 · what every edge says of its relation")
class Edge:
    cursor: str
    since: Date | None
    until: Date | None
    confidence: float | None

    @strawberry.field(description="关系 · the relation")
    def relation(self: Any, info: Info) -> Term | None:
        name = self.get("relation")
        if name is None:
            return None
        link = ONTOLOGY.links.get(name)
        if link is None:
            return as_term(info, "incident_role", name)  # type: ignore[no-any-return]
        kin = self.get("kin")
        if kin is not None:
            return as_term(info, "kin", kin)  # type: ignore[no-any-return]
        return {"code": name, "zh": link.zh, "en": link.en, "parent": None}  # type: ignore[return-value]


def connection(raw: dict[str, Any] | None, after: bool = False) -> dict[str, Any] | None:
    """A page {rows, first, order, total} as a connection."""
    if raw is None:
        return None
    rows, first = raw["rows"], raw["first"]
    edges = [
        {**(r["e"] or {}), "cursor": encode_cursor(raw["order"], r["c"]), "node": r["n"]}
        for r in rows[:first]
    ]
    return {
        "edges": edges,
        "page_info": {
            "has_next_page": len(rows) > first,
            "has_previous_page": after,
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": edges[-1]["cursor"] if edges else None,
        },
        "total_count": count(raw["total"]) if "total" in raw else None,
    }


def make_connection(name: str, node: Any, module: dict[str, Any]) -> Any:
    """The edge and connection types of a node type."""
    edge = strawberry.type(
        type(
            f"{name}Edge",
            (Edge,),
            {
                "__annotations__": {"node": node},
                "__module__": module["__name__"],
                "is_type_of": classmethod(lambda cls, source, info: True),
            },
        ),
        name=f"{name}Edge",
    )
    module[f"{name}Edge"] = edge
    page = strawberry.type(
        type(
            f"{name}Connection",
            (),
            {
                "__annotations__": {"edges": list[edge], "page_info": PageInfo, "total_count": Count},  # type: ignore[valid-type]
                "__module__": module["__name__"],
            },
        ),
        name=f"{name}Connection",
    )
    module[f"{name}Connection"] = page
    return page
