"""Disputes (or incidents of other kinds) that repeat: at one place, or between the same two parties, so many within so many days.

Rule: reports of one matter count once, at the earliest; matters of a group are sorted by day; every run of `minimum`
matters within `within_days` qualifies, and runs that share a matter are one result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.compile import about
from graph.viewer import Scope

# An uncertain place repeats nothing: only what was placed for sure, at a building or deeper, is compared.
PLACE_LEVELS = ["BUILDING", "UNIT", "DWELLING", "SITE"]
DISPUTE = "dispute"
PARTY_ROLES = ["party", "applicant", "respondent"]


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a dispute, as far as the rule needs it. `place` is null where it is not sure enough."""

    id: str
    number: str
    day: int
    at: str
    place: str | None
    matter: str | None
    parties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Disputes that repeat. `place` (a key) or `pair` says by what; incidents are ids, oldest first."""

    by: tuple[str, ...]
    place: str | None
    pair: tuple[str, str] | None
    incidents: tuple[str, ...]
    matters: int
    first_day: int
    last_day: int


def statement(area: str, scope: Scope) -> str:
    """The reports in an area (`$area`, a place key or, for `grid`, a grid code), up to the day asked about.

    Of incidents of `$kinds` whose kind or category is one of `$codes`, by any of their reports. In an incident of several
    reports somebody may stand twice, once without a number: its parties are those with one.
    """
    lead = {"tree": "i.place STARTS WITH $area", "grid": "i.grid STARTS WITH $area"}[area]
    where = " AND ".join([lead, *scope.conditions("Incident", "i")])
    people, firms = scope.conditions("Person", "x"), scope.conditions("Enterprise", "x")
    known = scope.conditions("Matter", "m")
    matter = f" WHERE {' AND '.join(known)}" if known else ""
    named = "q.role IN $roles AND (i.numbers IS NULL OR x:Enterprise OR x.id_hash IS NOT NULL)"
    seen = " AND ".join([named, *people])
    seen_firms = " AND ".join(["q.role IN $roles", *firms])
    # By the index of kinds; and apart from it those few that only a further report makes one of these.
    until = f"{where} AND i.occurred_at < $as_of_end"
    return (
        f"CALL () {{ MATCH (i:Incident) WHERE i.kind IN $kinds AND {until} RETURN i "
        f"UNION MATCH (i:Incident) WHERE i.numbers CONTAINS '|' AND {until} "
        "AND any(x IN i.report_kind WHERE x IN $kinds) RETURN i } "
        f"WITH i WHERE {about('i', '$codes')} "
        "RETURN [i.id, i.number, i.day, i.occurred_at, "
        "CASE WHEN i.place_level IN $levels AND i.place_confidence IS NULL THEN i.place END, "
        "head(COLLECT { MATCH (i)-[:HANDLED_IN]->(m:Matter)"
        + matter
        + " RETURN m.id ORDER BY m.id LIMIT 1 }), "
        f"COLLECT {{ MATCH (x:Person)-[q:INVOLVED_IN]->(i) WHERE {seen} RETURN DISTINCT x.id }} + "
        f"COLLECT {{ MATCH (x:Enterprise)-[q:INVOLVED_IN]->(i) WHERE {seen_firms} RETURN DISTINCT x.id }}, "
        f"size(COLLECT {{ MATCH (x:Person|Enterprise)-[q:INVOLVED_IN]->(i) WHERE {named} RETURN DISTINCT x.id }})] AS report"
    )


@dataclass(slots=True)
class _Matter:
    day: int
    number: str
    reports: list[Report] = field(default_factory=list)


def _matters(reports: Iterable[Report]) -> list[_Matter]:
    """Reports by matter, each at its earliest report."""
    found: dict[str, list[Report]] = {}
    for report in reports:
        found.setdefault(report.matter or report.id, []).append(report)
    matters = []
    for held in found.values():
        held.sort(key=lambda r: (r.at, r.number))
        matters.append(_Matter(held[0].day, held[0].number, held))
    return sorted(matters, key=lambda m: (m.day, m.number))


def _windows(matters: Sequence[_Matter], within_days: int, minimum: int) -> list[list[_Matter]]:
    """Maximal joins of the runs that qualify; `matters` in order of time."""
    results: list[list[_Matter]] = []
    last = -1
    for start in range(len(matters) - minimum + 1):
        end = start + minimum - 1
        if matters[end].day - matters[start].day > within_days:
            continue
        if results and start <= last:
            results[-1].extend(matters[last + 1 : end + 1])
        else:
            results.append(list(matters[start : end + 1]))
        last = end
    return results


def report(row: list[Any]) -> Report:
    """A row of `statement` as a report."""
    id, number, day, at, place, matter, parties, all_parties = row
    # A pair is two in all: of three, the two that a viewer may see are none.
    pair = tuple(parties) if len(parties) == all_parties else ()
    return Report(id, number or id, day, at, place, matter, pair)


def find(reports: Sequence[Report], by: str, within_days: int, minimum: int) -> list[Repeat]:
    """What repeats, newest first.

    Args:
        by: PLACE, PARTIES, or EITHER (results with the same incidents are one, by both).
    """
    matters = _matters(reports)
    found: dict[tuple[str, ...], Repeat] = {}
    groups: list[tuple[str, str | None, tuple[str, str] | None, list[_Matter]]] = []
    if by in ("PLACE", "EITHER"):
        places: dict[str, list[_Matter]] = {}
        for matter in matters:
            for place in {r.place for r in matter.reports if r.place is not None}:
                places.setdefault(place, []).append(matter)
        groups += [("PLACE", place, None, held) for place, held in sorted(places.items())]
    if by in ("PARTIES", "EITHER"):
        pairs: dict[tuple[str, str], list[_Matter]] = {}
        for matter in matters:
            named: dict[tuple[str, str], list[Report]] = {}
            for report in matter.reports:
                if len(report.parties) == 2:
                    a, b = sorted(report.parties)
                    named.setdefault((a, b), []).append(report)
            for pair in named:
                pairs.setdefault(pair, []).append(matter)
        groups += [("PARTIES", None, pair, held) for pair, held in sorted(pairs.items())]
    for reason, at, between, held in groups:
        held.sort(key=lambda m: (m.day, m.number))
        for run in _windows(held, within_days, minimum):
            incidents = tuple(r.id for m in run for r in m.reports)
            key = tuple(sorted(incidents))
            before = found.get(key)
            if before is None:
                found[key] = Repeat((reason,), at, between, incidents, len(run), run[0].day, run[-1].day)
            elif reason not in before.by:
                found[key] = Repeat(
                    (*before.by, reason),
                    before.place or at,
                    before.pair or between,
                    incidents,
                    len(run),
                    run[0].day,
                    run[-1].day,
                )
    return sorted(found.values(), key=lambda r: (-r.last_day, r.incidents))
