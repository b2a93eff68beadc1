"""What happened to several things, and when what binds them to others began and ended. One statement.

The address hierarchy is left aside, as on the way elsewhere; what has ended is told too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graph.queries.expand import WALKED, Link, groups_of, seen
from graph.store import Store
from graph.viewer import Scope
from ontology import ONTOLOGY
from ontology.clock import OPEN_END

# Of one thing so many relationships are looked at: of a place, years of incidents.
LINKS = 2000
# When what has a moment of its own happened.
TIMES = {"Incident": "occurred_at", "Matter": "opened_at", "Trip": "started_at", "Finding": "found_at"}
What = Literal["HAPPENS", "BEGINS", "ENDS"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a thing.

    Attributes:
        at: ISO day or moment. what: that something happened, or that a relationship began or ended.
        one: the thing asked about. other: what it has to do with.
    """

    at: str
    what: What
    one: str
    other: str
    link: Link


def statement(labels: Sequence[str], scope: Scope) -> str:
    """Rows [id, other id, link, time of the other] of `$ids_Label` of each label, at most `$links` of each thing, the latest first."""
    starts = []
    for label in labels:
        where = " AND ".join(["true", *scope.conditions(label, "n")])
        starts.append(f"UNWIND $ids_{label} AS id MATCH (n:{label} {{id: id}}) WHERE {where} RETURN n")
    far = [
        label
        for label in ONTOLOGY.entities
        if label not in ("Judgement", "Post", "ChatGroup") and scope.viewer.sees_label(label)
    ]
    arms = " ".join(f"WHEN m:{label} THEN m.{field}" for label, field in TIMES.items())
    return (
        f"CALL () {{ {' UNION ALL '.join(starts)} }} "
        f"CALL (n) {{ MATCH (n)-[r:{'|'.join(WALKED)}]-(m) WHERE ({seen(scope, far, 'm')}) "
        f"WITH r, m, CASE {arms} END AS at WITH r, m, at, coalesce(at, r.since, '') AS begun WHERE begun < $tonight "
        "RETURN r, m, at ORDER BY begun DESC, m.id, elementId(r) LIMIT $links + 1 } "
        "RETURN [n.id, m.id, {id: elementId(r), type: type(r), start: startNode(r).id, end: endNode(r).id, "
        "p: r {.since, .until, .confidence, .role, .kin}}, at] AS row"
    )


async def find(
    store: Store, ids: Sequence[str], scope: Scope, today: str, timeout: float
) -> tuple[list[Event], set[str]]:
    """All events of some things up to a day, the latest first; and those things of which not all relationships were looked at."""
    groups = groups_of(ids)
    parameters = {**{f"ids_{label}": held for label, held in groups.items()}, **scope.parameters}
    text = statement(sorted(groups), scope)
    parameters |= {**scope.parameters, "links": LINKS, "tonight": f"{today}T99"}
    rows = await store.read(text, parameters, timeout=timeout)
    events: dict[tuple[str, str, What], Event] = {}
    taken: dict[str, int] = {}
    for one, other, raw, at in rows:
        taken[one] = taken.get(one, 0) + 1
        if taken[one] > LINKS:
            continue
        link = Link(raw["id"], raw["type"], raw["start"], raw["end"], raw["p"])
        for when, what in _moments(raw["p"], at, today):
            # Between two things that are both asked about, it is told once.
            events.setdefault((link.id, when, what), Event(when, what, one, other, link))
    told = sorted(events.values(), key=lambda e: (e.at, e.what, e.link.id), reverse=True)
    return told, {id for id, count in taken.items() if count > LINKS}


def _moments(values: dict[str, Any], at: str | None, today: str) -> list[tuple[str, What]]:
    if at is not None:
        return [(at, "HAPPENS")]
    found: list[tuple[str, What]] = []
    since, until = values.get("since"), values.get("until")
    if since:
        found.append((since, "BEGINS"))
    if until and until < OPEN_END and until <= today:
        found.append((until, "ENDS"))
    return found
