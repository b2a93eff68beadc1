"""The rule of repeat disputes, on reports alone, and against a plain reading of it."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.queries.repeats import Repeat, Report, find


def report(
    number: str, day: int, place: str | None = "p", matter: str | None = None, *parties: str
) -> Report:
    return Report(number, number, day, f"day {day:05}", place, matter, parties)


def incidents(found: list[Repeat]) -> list[list[str]]:
    return [list(r.incidents) for r in found]


def test_three_within_the_window() -> None:
    reports = [report("c", 90), report("a", 0), report("b", 45)]
    assert incidents(find(reports, "PLACE", 90, 3)) == [["a", "b", "c"]]
    assert find(reports, "PLACE", 89, 3) == []
    assert find(reports, "PLACE", 90, 4) == []


def test_overlapping_windows_are_one_result() -> None:
    reports = [report(str(n), day) for n, day in enumerate((0, 40, 80, 120, 160))]
    (found,) = find(reports, "PLACE", 90, 3)
    assert (found.matters, found.first_day, found.last_day) == (5, 0, 160)


def test_windows_apart_are_two_newest_first() -> None:
    reports = [report(str(n), day) for n, day in enumerate((0, 1, 2, 200, 201, 202))]
    assert incidents(find(reports, "PLACE", 90, 3)) == [["3", "4", "5"], ["0", "1", "2"]]


def test_reports_of_one_matter_count_once_at_the_earliest() -> None:
    reports = [report("a", 0), report("b", 10, "p", "m"), report("b2", 95, "p", "m"), report("c", 90)]
    assert incidents(find(reports, "PLACE", 90, 3)) == [["a", "b", "b2", "c"]]
    assert find(reports, "PLACE", 90, 4) == []


def test_a_matter_is_at_all_places_of_its_reports() -> None:
    reports = [
        report("a", 0, "p"), report("b", 1, "p"), report("c", 2, "q", "m"), report("c2", 3, "p", "m"), report("d", 4, "q"), report("e", 5, "q"),
    ]  # fmt: skip
    assert {r.place: r.incidents for r in find(reports, "PLACE", 90, 3)} == {
        "p": ("a", "b", "c", "c2"),
        "q": ("c", "c2", "d", "e"),
    }


def test_an_unsure_place_repeats_nothing() -> None:
    assert find([report(str(n), n, None) for n in range(5)], "PLACE", 90, 3) == []


def test_between_two_whoever_is_named_first() -> None:
    reports = [
        report("a", 0, "p", None, "x", "y"),
        report("b", 1, "q", None, "y", "x"),
        report("c", 2, None, None, "x", "y"),
    ]
    (found,) = find(reports, "PARTIES", 90, 3)
    assert (found.pair, found.incidents) == (("x", "y"), ("a", "b", "c"))
    assert find(reports, "PLACE", 90, 3) == []


@pytest.mark.parametrize("parties", [(), ("x",), ("x", "y", "z")])
def test_a_pair_is_two(parties: tuple[str, ...]) -> None:
    assert find([report(str(n), n, None, None, *parties) for n in range(3)], "PARTIES", 90, 3) == []


def test_the_same_incidents_by_both_are_one_result() -> None:
    reports = [report(str(n), n, "p", None, "x", "y") for n in range(3)]
    (found,) = find(reports, "EITHER", 90, 3)
    assert (found.by, found.place, found.pair) == (("PLACE", "PARTIES"), "p", ("x", "y"))
    more = [*reports, report("3", 3, "p", None, "x", "z")]
    assert len(find(more, "EITHER", 90, 3)) == 2


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=14),
    st.integers(0, 12),
    st.integers(2, 4),
)
def test_as_a_plain_reading_of_the_rule(drawn: list[tuple[int, int]], within: int, minimum: int) -> None:
    reports = [report(f"{n:02}", day, "p", f"m{m}" if m else None) for n, (day, m) in enumerate(drawn)]
    matters: dict[str, int] = {}
    for each in reports:
        key = each.matter or each.id
        matters[key] = min(matters.get(key, 99), each.day)
    days = sorted(matters.values())
    # Some `minimum` of them in a window: then the tightest such are consecutive.
    expected = any(max(c) - min(c) <= within for c in combinations(days, minimum))
    found = find(reports, "PLACE", within, minimum)
    assert bool(found) == expected
    shown = [i for r in found for i in r.incidents]
    assert len(shown) == len(set(shown))
    assert all(r.matters >= minimum for r in found)
    assert find(list(reversed(reports)), "PLACE", within, minimum) == found
