"""Incidents that are like one: of its kind, near where it was, with its parties, in its words; what became of them tells what may become of it.

Two statements: the incident itself, and those that come into question, which are the latest of its kinds in its street and all of its
parties. How alike they are is a pure function of what these say; it weighs, and decides nothing.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from addresses.genealogy import code_of_key, key_at
from addresses.scheme import Scheme
from graph.queries.expand import seen
from graph.store import Store
from graph.viewer import Scope
from ontology import ONTOLOGY
from ontology.terms import CLOSED_STATES

MOST: Final = 2_000
"""So many of a street, the latest, are looked at."""
LEAST: Final = 0.3
"""What is less alike is not told."""
# What each sort of likeness counts for; together 1.
KIND, CATEGORY, PARTY, WORDS = 0.1, 0.2, 0.2, 0.3
PLACES: Final = {"SAME_PLACE": 0.2, "SAME_BUILDING": 0.15, "SAME_COMMUNITY": 0.1, "SAME_STREET": 0.04}
# Words are told as a reason from here on.
ALIKE: Final = 0.25
_SIDES: Final = ("Person", "Enterprise")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as far as it is compared."""

    id: str
    kinds: frozenset[str]
    categories: frozenset[str]
    text: str
    place: str | None
    at: str
    closed: str | None
    over: bool
    parties: frozenset[str]
    matters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Similar:
    """An incident that is like another.

    Attributes:
        score: 0 to 1. reasons: names of what they have in common, as `schema.scalars.Alike`. words: how alike their texts are, 0 to 1.
        over: whether it was closed by the day asked about. days: from when it occurred until it was closed, None where that is not so or not known.
    """

    id: str
    score: float
    reasons: tuple[str, ...]
    words: float
    over: bool
    days: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Incidents like one, the most alike first; `full`: whether there were more to look at than are looked at."""

    similar: list[Similar]
    full: bool


def _parties(scope: Scope, variable: str) -> str:
    known = f"q.role IN $roles AND ({seen(scope, _SIDES, 'x')})"
    return f"COLLECT {{ MATCH (x)-[q:INVOLVED_IN]->({variable}) WHERE {known} RETURN DISTINCT x.id }}"


def _fields(scope: Scope) -> str:
    """What is compared of an incident `n`: only what the viewer may read of it."""

    def read(name: str) -> str:
        return f"n.{name}" if scope.viewer.sees_field("Incident", name) else "null"

    texts = " + ' ' + ".join(f"coalesce({read(name)}, '')" for name in ("title", "summary"))
    names = ("kind", "category", "report_kind", "report_category")
    after = ("place", "occurred_at", "closed_at", "state")
    return ", ".join(["n.id", *map(read, names), texts, *map(read, after)])


def _row(scope: Scope) -> str:
    known = " AND ".join(["true", *scope.conditions("Matter", "m")])
    matters = f"COLLECT {{ MATCH (n)-[:HANDLED_IN]->(m:Matter) WHERE {known} RETURN m.id }}"
    return f"RETURN [{_fields(scope)}, {_parties(scope, 'n')}, {matters}] AS row"


def itself(scope: Scope, label: str) -> str:
    """Row of the incident `$id`; of a matter, of the earliest incident that is handled in it."""
    where = " AND ".join(["n.occurred_at < $tonight", *scope.conditions("Incident", "n")])
    if label == "Matter":
        known = " AND ".join(["true", *scope.conditions("Matter", "t")])
        return (
            f"MATCH (t:Matter {{id: $id}})<-[:HANDLED_IN]-(n:Incident) WHERE coalesce(t.opened_at < $tonight, true) AND {known} AND {where} "
            f"WITH n ORDER BY n.occurred_at, n.id LIMIT 1 {_row(scope)}"
        )
    return f"MATCH (n:Incident {{id: $id}}) WHERE {where} {_row(scope)}"


def candidates(scope: Scope) -> str:
    """Rows of the incidents of `$kinds` or `$categories` in `$street` (a place key), and of those of `$parties`, up to the day asked about."""
    where = " AND ".join(["n.occurred_at < $tonight", "n.id <> $id", *scope.conditions("Incident", "n")])
    return (
        "CALL () { MATCH (n:Incident) USING INDEX n:Incident(place, id) WHERE n.place STARTS WITH $street AND n.id IS NOT NULL "
        f"AND {where} AND (n.kind IN $kinds OR n.category IN $categories OR (n.numbers CONTAINS '|' "
        "AND (any(k IN n.report_kind WHERE k IN $kinds) OR any(c IN n.report_category WHERE c IN $categories)))) "
        "WITH n ORDER BY n.occurred_at DESC, n.id LIMIT $most RETURN n UNION "
        f"MATCH (x:Person|Enterprise)-[:INVOLVED_IN]->(n:Incident) WHERE x.id IN $parties AND ({seen(scope, _SIDES, 'x')}) AND {where} "
        f"WITH DISTINCT n ORDER BY n.occurred_at DESC, n.id LIMIT $most RETURN n }} {_row(scope)}"
    )


async def find(
    store: Store, id: str, scope: Scope, scheme: Scheme, today: str, roles: Sequence[str], timeout: float
) -> Found | None:
    """Incidents like `id` (an incident or a matter), the most alike first; None where there is none that the viewer may see."""
    parameters: dict[str, Any] = {"id": id, "tonight": f"{today}T99", "roles": list(roles)}
    text = itself(scope, ONTOLOGY.label_of(id) or "")
    rows = await store.read(text, {**parameters, **scope.parameters}, timeout=timeout)
    if not rows:
        return None
    one = told(rows[0], today)
    text = candidates(scope)
    parameters |= {
        "id": one.id, "street": _area(one.place, scheme, "STREET") or "-", "kinds": sorted(one.kinds), "categories": sorted(one.categories),
        "parties": sorted(one.parties), "most": MOST + 1,
    }  # fmt: skip
    rows = await store.read(text, {**parameters, **scope.parameters}, timeout=timeout)
    # Two thousand texts take a tenth of a second to compare: whoever waits for something else goes on meanwhile.
    similar = await asyncio.to_thread(compared, one, [told(row, today) for row in rows], scheme)
    return Found(similar, len(rows) > MOST)


def told(row: Sequence[Any], today: str) -> Told:
    """A row as an incident, as it was on a day."""
    id, kind, category, kinds, categories, text, place, at, closed, state, parties, matters = row
    if closed and closed[:10] > today:
        # What it has become since is not known on that day.
        closed, state = None, None
    return Told(
        id, frozenset(k for k in (kind, *(kinds or ())) if k), frozenset(c for c in (category, *(categories or ())) if c), text, place,
        at or "", closed, closed is not None or state in CLOSED_STATES, frozenset(parties), frozenset(matters),
    )  # fmt: skip


def compared(one: Told, others: Sequence[Told], scheme: Scheme) -> list[Similar]:
    """Those of the others that are alike, the most alike first. Reports of the same matter are the same, and not alike."""
    held = [o for o in others if o.id != one.id and not o.matters & one.matters]
    words = likeness(one.text, [o.text for o in held])
    found = []
    for other, same in zip(held, words, strict=True):
        score, reasons = WORDS * same, []
        if one.categories & other.categories:
            score += KIND + CATEGORY
            reasons.append("SAME_CATEGORY")
        elif one.kinds & other.kinds:
            score += KIND
            reasons.append("SAME_KIND")
        near = _near(one.place, other.place, scheme)
        if near is not None:
            score += PLACES[near]
            reasons.append(near)
        if one.parties & other.parties:
            score += PARTY
            reasons.append("SAME_PARTY")
        if same >= ALIKE:
            reasons.append("SAME_WORDS")
        if score >= LEAST:
            found.append((score, other, tuple(reasons), same))
    found.sort(key=lambda f: f[1].at, reverse=True)
    found.sort(key=lambda f: -round(f[0], 6))
    return [
        Similar(o.id, round(score, 3), reasons, round(same, 3), o.over, _days(o))
        for score, o, reasons, same in found
    ]


def likeness(text: str, others: Sequence[str]) -> list[float]:
    """How alike texts are to one, 0 to 1: the cosine of their pairs of characters, those that many texts have counting little."""
    mine = _pairs(text)
    theirs = [_pairs(o) for o in others]
    many: Counter[str] = Counter()
    for pairs in (mine, *theirs):
        many.update(pairs.keys())
    total = len(theirs) + 1
    weight = {pair: math.log(1 + total / n) for pair, n in many.items()}

    def length(pairs: Mapping[str, int]) -> float:
        return math.sqrt(sum((n * weight[p]) ** 2 for p, n in pairs.items()))

    own = length(mine)
    found = []
    for pairs in theirs:
        both = sum(n * mine[p] * weight[p] ** 2 for p, n in pairs.items() if p in mine)
        across = own * length(pairs)
        found.append(both / across if across else 0.0)
    return found


def _pairs(text: str) -> Counter[str]:
    letters = "".join(c if _WORD.match(c) else " " for c in text.lower())
    return Counter(word[i : i + 2] for word in letters.split() for i in range(len(word) - 1))


def _area(place: str | None, scheme: Scheme, level: str) -> str | None:
    """The part of a place key that is of a level; None above it."""
    width = scheme.width(level)
    return key_at(place, width) if place is not None and len(code_of_key(place, scheme)) >= width else None


def _near(one: str | None, other: str | None, scheme: Scheme) -> str | None:
    if one is None or other is None:
        return None
    building = scheme.width("BUILDING")
    if one == other and len(code_of_key(one, scheme)) >= building:
        return "SAME_PLACE"
    for level, name in (
        ("BUILDING", "SAME_BUILDING"),
        ("COMMUNITY", "SAME_COMMUNITY"),
        ("STREET", "SAME_STREET"),
    ):
        mine = _area(one, scheme, level)
        if mine is not None and mine == _area(other, scheme, level):
            return name
    return None


def _days(o: Told) -> int | None:
    if not o.closed or not o.at:
        return None
    return max(0, (date.fromisoformat(o.closed[:10]) - date.fromisoformat(o.at[:10])).days)
