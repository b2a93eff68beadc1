"""One step outwards from some nodes: what neighbourhoods and paths are made of.

The address hierarchy is not walked, and hubs are shown, not passed: nodes with more than `HUB` relationships, and places
above a building.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.store import Store
from graph.viewer import Scope
from ontology import ONTOLOGY

HUB = 100
ROWS = 2000
WALKED: tuple[str, ...] = tuple(t for t, link in ONTOLOGY.links.items() if not link.hierarchical)
_WIDE = ["DISTRICT", "STREET", "COMMUNITY", "GRID", "MICRO_GRID", "ZONE", "ROAD", "ESTATE"]


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship found on the way, from start to end as it stands in the graph."""

    id: str
    type: str
    start: str
    end: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found: links by the node they were reached from, hubs that were not passed, and whether rows were cut."""

    links: list[tuple[str, Link]]
    hubs: set[str]
    cut: bool


def _groups(ids: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for id in ids:
        label = ONTOLOGY.label_of(id)
        if label is not None:
            groups.setdefault(label, []).append(id)
    return groups


def statement(labels: Sequence[str], scope: Scope, far: Sequence[str]) -> str:
    """From `$ids_Label` of each label, along `$types`, to the labels `far` that the viewer may see."""
    starts = []
    for label in labels:
        where = " AND ".join(["true", *scope.conditions(label, "n")])
        starts.append(f"UNWIND $ids_{label} AS id MATCH (n:{label} {{id: id}}) WHERE {where} RETURN n")
    seen = " OR ".join(
        f"(m:{label} AND {' AND '.join(['true', *scope.conditions(label, 'm')])})" for label in far
    )
    wide = "(n:Address AND n.level IN $wide)"
    return (
        f"CALL () {{ {' UNION ALL '.join(starts)} }} "
        f"WITH n, ({wide} OR COUNT {{ (n)--() }} > $hub) AND NOT n.id IN $through AS hub "
        "CALL (n, hub) { "
        f"WITH n, hub WHERE NOT hub MATCH (n)-[r]-(m) WHERE type(r) IN $types AND ({seen}) "
        "AND (r.until IS NULL OR (r.until > $as_of AND (r.since IS NULL OR r.since <= $as_of))) "
        "RETURN {id: elementId(r), type: type(r), start: startNode(r).id, end: endNode(r).id, p: r {.since, .until, .confidence, "
        ".role, .kin}} AS link ORDER BY link.type, link.start, link.end LIMIT $rows "
        "UNION WITH n, hub WHERE hub RETURN null AS link } "
        "RETURN [n.id, hub, link] AS row LIMIT $limit"
    )


async def step(
    store: Store,
    ids: Sequence[str],
    scope: Scope,
    as_of: str,
    types: Sequence[str],
    kinds: Sequence[str],
    through: Sequence[str],
    timeout: float,
) -> Step:
    """One step outwards from `ids`.

    Args:
        through: ids that are walked from even when they are hubs: those asked about.
        kinds: labels that may be reached.
    """
    groups = _groups(ids)
    if not groups:
        return Step([], set(), False)
    far = [k for k in kinds if k in ONTOLOGY.entities and scope.viewer.sees_label(k)]
    text = statement(list(groups), scope, far or ["Judgement"])
    parameters = {
        **{f"ids_{label}": held for label, held in groups.items()},
        **scope.parameters,
        "types": list(types), "as_of": as_of, "hub": HUB, "wide": _WIDE, "through": list(through),
        "rows": HUB * 3, "limit": ROWS + 1,
    }  # fmt: skip
    rows = await store.read(text, parameters, timeout=timeout)
    links, hubs = [], set()
    for id, hub, raw in rows[:ROWS]:
        if hub:
            hubs.add(id)
        elif raw is not None:
            links.append((id, Link(raw["id"], raw["type"], raw["start"], raw["end"], raw["p"])))
    return Step(links, hubs, len(rows) > ROWS)
