"""One step outwards from some nodes: what neighbourhoods and paths are made of.

The address hierarchy is not walked, and hubs are shown, not passed: nodes with more than `HUB` relationships (those of the
hierarchy left aside), and places above a building. What a viewer may not see is not walked and makes nothing a hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.store import Store
from graph.validity import bounded, overlapping
from graph.viewer import Scope
from ontology import ONTOLOGY

HUB = 100
# How many links of one node, and of one step, are looked at.
LINKS = 300
ROWS = 2000
WALKED: tuple[str, ...] = tuple(t for t, link in ONTOLOGY.links.items() if not link.hierarchical)
_HIERARCHY = tuple(t for t, link in ONTOLOGY.links.items() if link.hierarchical)
_WIDE = ["DISTRICT", "STREET", "COMMUNITY", "GRID", "MICRO_GRID", "ZONE", "ROAD", "ESTATE", "PARK", "GROUP"]


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
    """What one step found.

    Attributes:
        links: links by the node they were reached from.
        hubs: those of the reached that are not to be walked from.
        full: nodes of which not all links were looked at.
        cut: whether the step as a whole had more rows than are looked at.
    """

    links: list[tuple[str, Link]]
    hubs: set[str]
    full: set[str]
    cut: bool


def groups_of(ids: Iterable[str]) -> dict[str, list[str]]:
    """Ids by the label that they are of."""
    groups: dict[str, list[str]] = {}
    for id in ids:
        label = ONTOLOGY.label_of(id)
        if label is not None:
            groups.setdefault(label, []).append(id)
    return groups


# When what is no state of a thing happened: a call has its own time, else it is that of what the link begins at, else of what it ends at.
_AT = (
    "coalesce(r.at, startNode(r).occurred_at, startNode(r).started_at, startNode(r).opened_at, "
    "endNode(r).occurred_at, endNode(r).started_at, endNode(r).opened_at)"
)
# What a permit is for, it is for while it is valid.
_PERMIT = "CASE WHEN type(r) = 'FOR' AND startNode(r):Permit THEN startNode(r) END"


def statement(
    labels: Sequence[str], scope: Scope, far: Sequence[str], types: Sequence[str], during: bool = False
) -> str:
    """From `$ids_Label` of each label, along `types`, to the labels `far` as far as the viewer may see them.

    Args:
        during: whether links are told that held, or happened, at any time from `$since` up to the day before `$until`, with when they happened.
    """
    starts = []
    for label in labels:
        where = " AND ".join(["true", *scope.conditions(label, "n")])
        starts.append(f"UNWIND $ids_{label} AS id MATCH (n:{label} {{id: id}}) WHERE {where} RETURN n")
    along = "|".join(types)
    if scope.area_key is None:
        # From the node's own record of its degrees: nothing is walked.
        degree = "COUNT { (m)--() }" + "".join(f" - COUNT {{ (m)-[:{t}]-() }}" for t in _HIERARCHY)
    else:
        passed = seen(scope, far, "v")
        degree = (
            f"COUNT {{ MATCH (m)-[:{'|'.join(WALKED)}]-(v) WHERE {passed} WITH v LIMIT $hub + 1 RETURN v }}"
        )
    held, at = f"(r.until IS NULL OR ({bounded('r')}))", ""
    told = ".since, .until, .confidence, .role, .kin"
    if during:
        inside = f"coalesce({_AT} >= $since AND {_AT} < $until, true)"
        valid = f"coalesce(({_PERMIT}).expires > $since, true) AND coalesce(({_PERMIT}).since < $until, true)"
        held = f"((r.until IS NULL AND {inside} AND {valid}) OR ({overlapping('r', '$since', '$until')}))"
        at = f", CASE WHEN r.until IS NULL THEN {_AT} END AS at, {_PERMIT} AS permit"
        told = ".confidence, .role, .kin, since: coalesce(r.since, permit.since), until: coalesce(r.until, permit.expires), at: at"
    return (
        f"CALL () {{ {' UNION ALL '.join(starts)} }} "
        f"CALL (n) {{ MATCH (n)-[r:{along}]-(m) WHERE ({seen(scope, far, 'm')}) "
        f"AND {held} "
        f"RETURN r, m{at} ORDER BY type(r), m.id, elementId(r) LIMIT $links }} "
        f"WITH n, r, m{', at, permit' if during else ''}, NOT m.id IN $through AND ((m:Address AND m.level IN $wide) OR {degree} > $hub) AS hub "
        "RETURN [n.id, m.id, hub, {id: elementId(r), type: type(r), start: startNode(r).id, end: endNode(r).id, "
        f"p: r {{{told}}}}}] AS row LIMIT $limit"
    )


def seen(scope: Scope, labels: Sequence[str], variable: str) -> str:
    return " OR ".join(
        "(" + " AND ".join([f"{variable}:{label}", *scope.conditions(label, variable)]) + ")"
        for label in labels
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
    during: tuple[str, str] | None = None,
) -> Step:
    """One step outwards from `ids`.

    Args:
        types: names of relationships, all of them the ontology's.
        kinds: labels that may be reached.
        through: ids that are no hubs whatever they are: those asked about.
        during: links of these days, from one up to the one before another, in place of those of `as_of`.
    """
    groups = groups_of(ids)
    far = [k for k in kinds if k in ONTOLOGY.entities and scope.viewer.sees_label(k)]
    if not groups or not far or not types:
        return Step([], set(), set(), False)
    text = statement(sorted(groups), scope, far, types, during is not None)
    since, until = during or ("", "")
    parameters = {
        **{f"ids_{label}": held for label, held in groups.items()},
        **scope.parameters,
        "as_of": as_of, "hub": HUB, "wide": _WIDE, "through": list(through),
        "links": LINKS + 1, "limit": ROWS + 1, "since": since, "until": until,
    }  # fmt: skip
    rows = await store.read(text, parameters, timeout=timeout)
    links: list[tuple[str, Link]] = []
    hubs: set[str] = set()
    taken: dict[str, int] = {}
    for origin, far_id, hub, raw in rows[:ROWS]:
        taken[origin] = taken.get(origin, 0) + 1
        if taken[origin] > LINKS:
            continue
        if hub:
            hubs.add(far_id)
        links.append((origin, Link(raw["id"], raw["type"], raw["start"], raw["end"], raw["p"])))
    full = {origin for origin, count in taken.items() if count > LINKS}
    return Step(links, hubs, full, len(rows) > ROWS)
