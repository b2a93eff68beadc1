"""What the roots that are not entities answer with."""

from __future__ import annotations

from typing import Any

import strawberry

from schema import types as t
from schema.connections import PageInfo, make_connection
from schema.scalars import Count, Cut, Date, Kind, RepeatBy, Term

MODULE = globals()


@strawberry.type(description="我是谁 · who asks")
class Viewer:
    name: str
    area: t.Address | None
    roles: list[str]
    purposes: list[str]
    today: Date
    synthetic: bool


@strawberry.type(
    description="反复纠纷 · disputes that repeat, with the incidents that prove it, oldest first"
)
class Repeat:
    by: list[RepeatBy]
    sentence: str
    matters: int
    days: int
    at: t.Address | None
    parties: list[t.Entity]
    incidents: list[t.Incident]


@strawberry.type(description="隐患复燃 · a hazard that came back after it had been put right")
class Relapse:
    category: Term
    sentence: str
    days: int
    at: t.Address | None
    earlier: t.Incident | None
    later: t.Incident | None


RepeatConnection: Any = make_connection("Repeat", Repeat, MODULE)
RelapseConnection: Any = make_connection("Relapse", Relapse, MODULE)


@strawberry.type
class HitEdge:
    cursor: str
    node: t.Entity
    score: float


@strawberry.type
class HitConnection:
    edges: list[HitEdge]
    page_info: PageInfo
    total_count: Count


@strawberry.type
class SearchGroup:
    kind: Kind
    hits: HitConnection


@strawberry.type(
    description="检索结果 · hits by kind, best first; `understood` names what the text has the form of"
)
class SearchResult:
    understood: list[str]
    groups: list[SearchGroup]


@strawberry.type(description="关系 · a relationship, pointing as it reads")
class Link:
    id: strawberry.ID
    type: str
    zh: str
    en: str
    start: strawberry.ID
    end: strawberry.ID
    since: Date | None
    until: Date | None
    confidence: float


@strawberry.type(description="子图 · nodes and links for drawing, and what was cut")
class Subgraph:
    nodes: list[t.Entity]
    links: list[Link]
    cut: list[Cut]


@strawberry.type(description="路径 · one way from one end to the other")
class Path:
    length: int
    sentence: str
    node_ids: list[strawberry.ID]
    link_ids: list[strawberry.ID]
    confidence: float


@strawberry.type(description="路径结果;无路径时也说明已查到的深度 · paths, and how deep was searched")
class PathResult:
    paths: list[Path]
    searched_depth: int
    sentence: str
    graph: Subgraph
    cut: list[Cut]
