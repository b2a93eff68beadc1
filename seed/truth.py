"""The answer key: repeats and relapses by plain loops over the clean world, with nothing of the queries'
own code.

The rules are those of docs/seeding.md. Days are calendar dates in Asia/Shanghai, which is how the feeds
write them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

WITHIN_DAYS: Final = 90
MINIMUM: Final = 3
RELAPSE_DAYS: Final = 30

# Lengths of codes that a dispute may repeat at: building or site, unit, dwelling. A community's 12 digits
# are too wide.
_PLACE_LENGTHS: Final = (16, 18, 22)


@dataclass(frozen=True, slots=True)
class Dispute:
    """One report of a dispute, as it truly was.

    Attributes:
        number: 接警单号 or 调解编号.
        time: `2025-12-15 08:30:00`.
        place: the true address code.
        parties: identity numbers or credit codes of the two main parties, None unless both are known.
        people: truth ids of the same two, in the same order.
        refers_to: the alarm that a mediation says it comes from.
        planted: whether it was put there.
    """

    number: str
    time: str
    place: str
    parties: tuple[str, str] | None = None
    people: tuple[str, str] | None = None
    refers_to: str | None = None
    planted: bool = False


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard; `rectified` is None while it stands."""

    number: str
    place: str
    category: str
    found: str
    rectified: str | None = None
    planted: bool = False


@dataclass(frozen=True, slots=True)
class _Matter:
    day: date
    first: str
    reports: tuple[Dispute, ...]


def day_of(time: str) -> date:
    """The calendar day of a time."""
    return date.fromisoformat(time[:10])


def matters_of(disputes: Iterable[Dispute]) -> list[_Matter]:
    """Put reports of one matter together: a mediation and the alarm that it names."""
    by_number = {dispute.number: dispute for dispute in disputes}
    reports: dict[str, list[Dispute]] = defaultdict(list)
    for dispute in by_number.values():
        root = dispute.refers_to if dispute.refers_to in by_number else dispute.number
        reports[root or dispute.number].append(dispute)
    matters = []
    for group in reports.values():
        group.sort(key=lambda report: (report.time, report.number))
        matters.append(_Matter(day_of(group[0].time), group[0].number, tuple(group)))
    return matters


def runs(days: Sequence[date], within_days: int, minimum: int) -> list[tuple[int, int]]:
    """Maximal stretches [first, last] of sorted days that are covered by windows of `minimum` within
    `within_days`.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(days) - minimum + 1):
        last = first + minimum - 1
        if (days[last] - days[first]).days > within_days:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def repeats(
    disputes: Iterable[Dispute], within_days: int = WITHIN_DAYS, minimum: int = MINIMUM
) -> list[dict[str, Any]]:
    """Every repeat dispute, by place and by parties."""
    by_place: dict[str, list[_Matter]] = defaultdict(list)
    by_parties: dict[tuple[str, str], list[_Matter]] = defaultdict(list)
    truth_ids: dict[str, str] = {}
    for matter in matters_of(disputes):
        for place in {r.place for r in matter.reports if len(r.place) in _PLACE_LENGTHS}:
            by_place[place].append(matter)
        pairs = set()
        for report in matter.reports:
            if report.parties and report.parties[0] != report.parties[1]:
                one, two = sorted(report.parties)
                pairs.add((one, two))
                if report.people:
                    truth_ids.update(zip(report.parties, report.people, strict=True))
        for pair in pairs:
            by_parties[pair].append(matter)
    results: list[dict[str, Any]] = []
    for place, matters in sorted(by_place.items()):
        for numbers, planted in _results(matters, within_days, minimum):
            results.append(
                {
                    "by": "PLACE",
                    "place": place,
                    "parties": None,
                    "party_ids": None,
                    "incidents": numbers,
                    "planted": planted,
                }
            )
    for pair, matters in sorted(by_parties.items()):
        for numbers, planted in _results(matters, within_days, minimum):
            known = [truth_ids.get(number, number) for number in pair]
            results.append(
                {
                    "by": "PARTIES",
                    "place": None,
                    "parties": known,
                    "party_ids": list(pair),
                    "incidents": numbers,
                    "planted": planted,
                }
            )
    return results


def _results(matters: list[_Matter], within_days: int, minimum: int) -> list[tuple[list[str], bool]]:
    matters = sorted(matters, key=lambda matter: (matter.day, matter.first))
    found = []
    for first, last in runs([matter.day for matter in matters], within_days, minimum):
        reports = [report for matter in matters[first : last + 1] for report in matter.reports]
        found.append((sorted(report.number for report in reports), any(report.planted for report in reports)))
    return found


def relapses(hazards: Iterable[Hazard], within_days: int = RELAPSE_DAYS) -> list[dict[str, Any]]:
    """Every hazard that came back: same place and category, found within the days after it was put right."""
    groups: dict[tuple[str, str], list[Hazard]] = defaultdict(list)
    for hazard in hazards:
        if len(hazard.place) in _PLACE_LENGTHS:
            groups[hazard.place, hazard.category].append(hazard)
    results = []
    for (place, category), group in sorted(groups.items()):
        for later in sorted(group, key=lambda h: (h.found, h.number)):
            best: Hazard | None = None
            for earlier in group:
                if earlier is later or earlier.rectified is None or later.found <= earlier.rectified:
                    continue
                if (day_of(later.found) - day_of(earlier.rectified)).days > within_days:
                    continue
                if best is None or (earlier.rectified, earlier.number) > (best.rectified or "", best.number):
                    best = earlier
            if best is not None and best.rectified is not None:
                results.append(
                    {
                        "place": place,
                        "category": category,
                        "earlier": best.number,
                        "later": later.number,
                        "days": (day_of(later.found) - day_of(best.rectified)).days,
                        "planted": best.planted and later.planted,
                    }
                )
    return results
