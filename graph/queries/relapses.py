"""Hazards that come back: one of the same kind at the same place, found within so many days after the last was put right.

For each hazard only the latest such earlier one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from graph.queries.repeats import PLACE_LEVELS
from graph.viewer import Scope

PARAMETERS = {"levels": PLACE_LEVELS}


@dataclass(frozen=True, slots=True)
class Hazard:
    id: str
    number: str
    place: str
    category: str
    found_at: str
    rectified_at: str | None


@dataclass(frozen=True, slots=True)
class Relapse:
    """`later` came `days` days after `earlier` had been rectified; both are ids of incidents."""

    earlier: str
    later: str
    place: str
    category: str
    days: int
    found_at: str


def statement(area: str, scope: Scope) -> str:
    """The hazards of an area (`$area`) whose place is sure, up to the day asked about."""
    lead = {"tree": "i.place STARTS WITH $area", "grid": "i.grid STARTS WITH $area"}[area]
    where = " AND ".join([lead, *scope.conditions("Incident", "i")])
    return (
        f"MATCH (i:Incident) WHERE i.kind = 'hazard' AND {where} AND i.occurred_at < $as_of_end "
        "AND i.place_level IN $levels AND i.place_confidence IS NULL AND i.category IS NOT NULL "
        "RETURN [i.id, i.number, i.place, i.category, i.occurred_at, i.rectified_at] AS hazard"
    )


def hazard(row: list[Any]) -> Hazard:
    """A row of `statement` as a hazard."""
    return Hazard(*row)


def find(hazards: Sequence[Hazard], within_days: int) -> list[Relapse]:
    """All relapses, newest first."""
    groups: dict[tuple[str, str], list[Hazard]] = {}
    for each in hazards:
        groups.setdefault((each.place, each.category), []).append(each)
    found = []
    for (place, category), group in groups.items():
        if len(group) < 2:
            continue
        righted = sorted(
            (h for h in group if h.rectified_at is not None), key=lambda h: (h.rectified_at or "", h.number)
        )
        for later in group:
            before = [h for h in righted if h is not later and (h.rectified_at or "") < later.found_at]
            if not before:
                continue
            earlier = before[-1]
            days = (_day(later.found_at) - _day(earlier.rectified_at or "")).days
            if days <= within_days:
                found.append(Relapse(earlier.id, later.id, place, category, days, later.found_at))
    return sorted(found, key=lambda r: (r.found_at, r.later), reverse=True)


def _day(moment: str) -> date:
    return date.fromisoformat(moment[:10])
