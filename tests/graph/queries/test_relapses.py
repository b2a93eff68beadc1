"""The rule of hazards that came back, on hazards alone."""

from __future__ import annotations

import pytest

from graph.queries.relapses import Hazard, find


def hazard(
    number: str, found: str, rectified: str | None = None, place: str = "p", category: str = "k"
) -> Hazard:
    return Hazard(
        number,
        number,
        place,
        category,
        f"2025-{found}T09:00:00+08:00",
        f"2025-{rectified}T12:00:00+08:00" if rectified else None,
    )


def pairs(*hazards: Hazard, within: int = 30) -> list[tuple[str, str, int]]:
    return [(r.earlier, r.later, r.days) for r in find(hazards, within)]


def test_back_within_the_days() -> None:
    first, again = hazard("a", "01-01", "01-10"), hazard("b", "02-09")
    assert pairs(first, again) == [("a", "b", 30)]
    assert pairs(again, first, within=29) == []


@pytest.mark.parametrize(
    "again", [hazard("b", "01-20", place="q"), hazard("b", "01-20", category="l"), hazard("b", "01-09"), hazard("b", "01-10")],
    ids=["elsewhere", "another kind", "before it was put right", "that morning"],
)  # fmt: skip
def test_what_is_no_relapse(again: Hazard) -> None:
    assert pairs(hazard("a", "01-01", "01-10"), again) == []


def test_one_that_was_not_put_right_does_not_come_back() -> None:
    assert pairs(hazard("a", "01-01"), hazard("b", "01-20")) == []


def test_the_latest_earlier_one_counts() -> None:
    chain = [hazard("a", "01-01", "01-05"), hazard("b", "01-10", "01-15"), hazard("c", "01-20")]
    assert pairs(*chain) == [("b", "c", 5), ("a", "b", 5)]


def test_two_found_at_once_both_came_back() -> None:
    assert pairs(hazard("a", "01-01", "01-05"), hazard("b", "01-10"), hazard("c", "01-10")) == [
        ("a", "c", 5),
        ("a", "b", 5),
    ]
