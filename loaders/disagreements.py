"""Where departments contradict each other: of one thing two of them say two things, and the graph can show but one.

Kept by the fold beside what it makes, and so free of order like it. Incidents and matters are left out: what departments
report of one is each one's own report. So are numbers that somebody may have several of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from loaders.fold import Places, State, Version, offers, stretches
from ontology import ONTOLOGY
from ontology.clock import OPEN_END

REPORTS: Final = frozenset({"Incident", "Matter"})
SEVERAL: Final = frozenset({("Person", "mobile"), ("Enterprise", "phone")})
"""Fields of which a thing may have several, so that two values are no contradiction."""


class Said(NamedTuple):
    """What one feed says where another says something else.

    Attributes:
        field: a field, or the type of the relationship that places the thing (`AT`, `REGISTERED_AT`).
        stands: whether the graph shows what this feed says.
    """

    id: str
    field: str
    feed: str
    stands: bool


def may_differ(label: str, field: str) -> bool:
    """Whether two values of a field are no contradiction."""
    return label in REPORTS or (label, field) in SEVERAL


def disagreements(
    id: str, records: list[list[Version]], state: State | None, places: Places, departments: Mapping[str, str]
) -> list[Said]:
    """What the feeds say about a thing that contradicts another department's feed, ordered by field and feed.

    Args:
        records: as `loaders.fold.by_record` gives them. state: what they fold to.
        departments: by feed.
    """
    if state is None or state.label in REPORTS:
        return []
    if len({departments[versions[-1].feed] for versions in records}) < 2:
        return []
    said = _values(id, state.label, records)
    shown = dict(state.values)
    type = ONTOLOGY.entities[state.label].placed if state.label not in ("Person", "Address") else ""
    if type:
        stands = next((x.end for x in state.links if x.type == type and x.start == id), None)
        said[type], shown[type] = places_said(_ends(id, type, records, places), stands, places)
    return [found for field, values in sorted(said.items()) for found in contradicting(
        id, field, values, shown.get(field), departments)]  # fmt: skip


def contradicting(
    id: str, field: str, values: Mapping[str, Any], shown: Any, departments: Mapping[str, str]
) -> list[Said]:
    """What feeds say of one field, where that of one department contradicts another's; else nothing."""
    whose: dict[Any, set[str]] = {}
    for feed, value in values.items():
        whose.setdefault(value, set()).add(departments[feed])
    if len(whose) < 2 or len(set().union(*whose.values())) < 2:
        return []
    return [Said(id, field, feed, value == shown) for feed, value in sorted(values.items())]


def places_said(
    ends: Mapping[str, str], stands: str | None, places: Places
) -> tuple[dict[str, str], str | None]:
    """What feeds say of where a thing is, and what is shown: a building and a dwelling in it are no two places.

    Args:
        ends: feed → the address. stands: the address that the graph shows.
    """
    finest = _finest({*ends.values(), *([stands] if stands is not None else ())}, places)
    return {feed: finest[end] for feed, end in ends.items()}, finest[stands] if stands is not None else None


def _values(id: str, label: str, records: list[list[Version]]) -> dict[str, dict[str, Any]]:
    """Field → feed → what the feed says at its best."""
    found: dict[str, dict[str, Any]] = {}
    for offer in sorted(offers(id, records), key=lambda o: o.rank):
        if not isinstance(offer.value, list) and not may_differ(label, offer.field):
            found.setdefault(offer.field, {})[offer.version.feed] = offer.value
    return found


def _ends(id: str, type: str, records: list[list[Version]], places: Places) -> dict[str, str]:
    """Feed → the address where it has a thing at present, at its best."""
    present = [
        (interval.rank, versions[-1].feed, interval.end)
        for versions in records
        for slot in sorted(
            {c.slot for v in versions for c in v.claims.links if c.type == type and c.start == id}
        )
        for interval in stretches(slot, versions, places)
        if interval.end is not None and interval.until == OPEN_END
    ]
    return {feed: end for _, feed, end in sorted(present)}


def _finest(ends: Collection[str], places: Places) -> dict[str, str]:
    """What each address counts as: a part of it, where another names one, for a building and its dwelling are no two places."""
    keys = {
        end: (places.place_key(code) if (code := places.code_of(end)) is not None else None) for end in ends
    }
    return {
        end: max(
            (other for other in ends if key and (keys[other] or "").startswith(key)),
            key=lambda other: (len(keys[other] or ""), other),
            default=end,
        )
        for end, key in keys.items()
    }
