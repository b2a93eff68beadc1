"""Relay connections over the rows that the compiler's pages give."""

from __future__ import annotations

from typing import Any

import strawberry

from graph import compile
from graph.compile import encode_cursor
from graph.selection import response_path
from ontology import ONTOLOGY
from schema.scalars import Count, Date, Exactness, Term
from schema.terms import Info, as_term


def count(found: Any) -> dict[str, Any]:
    """A count as answered: a roll-up is exact; what was counted {seen, value} is "at least" when its budget ended."""
    if not isinstance(found, dict):
        return exact(found)
    cut = found["seen"] > compile.COUNT_BUDGET
    value = min(found["value"], compile.COUNT_BUDGET)
    return {"value": value, "exactness": Exactness.AT_LEAST if cut else Exactness.EXACT}


def exact(value: int) -> dict[str, Any]:
    return {"value": value, "exactness": Exactness.EXACT}


@strawberry.interface(description="各 Edge 一式 · what every edge says of its relation")
class Edge:
    since: Date | None
    until: Date | None
    confidence: float | None

    @strawberry.field
    def cursor(self: Any) -> str:
        return cursor_of(self)

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


def cursor_of(edge: dict[str, Any]) -> str:
    """The cursor of a row: given, or made of what the row has its place by."""
    given: str | None = edge.get("cursor")
    return encode_cursor(*edge["c"]) if given is None else given


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool

    @strawberry.field
    def start_cursor(self: Any) -> str | None:
        return cursor_of(self["edges"][0]) if self["edges"] else None

    @strawberry.field
    def end_cursor(self: Any) -> str | None:
        return cursor_of(self["edges"][-1]) if self["edges"] else None


def page_info(edges: list[Any], more: bool, before: bool) -> dict[str, Any]:
    return {"has_next_page": more, "has_previous_page": before, "edges": edges}


def connection(raw: dict[str, Any] | None, after: bool = False) -> dict[str, Any] | None:
    """A page {rows, first, total} as a connection."""
    if raw is None:
        return None
    rows, first = raw.get("rows", ()), raw.get("first", 0)
    edges = rows[:first]
    return {
        "edges": edges,
        "page_info": page_info(edges, len(rows) > first, after),
        "total_count": count(raw["total"]) if "total" in raw else None,
    }


def _node(self: Any, info: Info) -> Any:
    raw = info._raw_info
    if "node" in self:
        return self["node"]
    return self[info.context.slots[raw.parent_type.name, response_path(raw.path)]]


def make_connection(name: str, node: Any, module: dict[str, Any]) -> Any:
    """The edge and connection types of a node type."""
    edge = strawberry.type(
        type(
            f"{name}Edge",
            (Edge,),
            {
                "__annotations__": {"node": node},
                "__module__": module["__name__"],
                "node": strawberry.field(resolver=_node, graphql_type=node),
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
