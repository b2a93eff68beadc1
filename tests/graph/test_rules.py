"""The rules of repeats, relapses and paths on cases small enough to check by hand; no database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.queries import paths, repeats
from graph.queries.expand import Link
from graph.queries.relapses import Hazard
from graph.queries.relapses import find as relapsed
from graph.queries.repeats import Report
from graph.queries.search import lucene


def report(
    number: str, day: int, place: str | None = "A", matter: str | None = None, parties: tuple[str, ...] = ()
) -> Report:
    return Report(f"inc_{number}", number, day, f"{day:05d}", place, matter, parties)


def found(reports: list[Report], by: str = "EITHER", days: int = 90, minimum: int = 3) -> list[list[str]]:
    """The numbers of what repeats."""
    return [[i.removeprefix("inc_") for i in r.incidents] for r in repeats.find(reports, by, days, minimum)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((0, 45, 90), [["0", "1", "2"]]),
        ((0, 45, 91), []),
        ((0, 10), []),
        ((0, 0, 0), [["0", "1", "2"]]),
        ((0, 80, 90, 170, 180), [["0", "1", "2", "3", "4"]]),
        # Two runs that share nothing are two results, newest first.
        ((0, 1, 2, 200, 201, 202), [["3", "4", "5"], ["0", "1", "2"]]),
    ],
)
def test_runs_of_disputes_at_a_place(days: tuple[int, ...], expected: list[list[str]]) -> None:
    assert found([report(str(n), day) for n, day in enumerate(days)]) == expected


def test_order_of_the_reports_changes_nothing() -> None:
    reports = [report(str(n), day) for n, day in enumerate((0, 80, 90, 170, 180))]
    assert found(reports[::-1]) == found(reports)


def test_reports_of_one_matter_count_once_at_the_earliest_and_are_all_listed() -> None:
    one = [report("J1", 0, matter="m"), report("T1", 1, matter="m"), report("T2", 5, matter="m")]
    assert found(one) == []
    assert found([*one, report("J2", 20), report("J3", 90)]) == [["J1", "T1", "T2", "J2", "J3"]]
    assert found([*one, report("J2", 20), report("J3", 91)]) == []


def test_an_uncertain_place_repeats_nothing() -> None:
    assert found([report(str(n), n, place=None) for n in range(3)]) == []


def test_parties_are_a_pair_in_any_order_and_nobody_else() -> None:
    pairs = [("a", "b"), ("b", "a"), ("a", "b")]
    reports = [report(str(n), n, place=f"P{n}", parties=p) for n, p in enumerate(pairs)]
    assert found(reports, "PARTIES") == [["0", "1", "2"]]
    assert found(reports, "PLACE") == []
    assert found([*reports[:2], replace(reports[2], parties=("a", "b", "c"))], "PARTIES") == []
    assert found([replace(r, parties=("a",)) for r in reports], "PARTIES") == []


def test_what_repeats_by_both_is_one_result() -> None:
    result = repeats.find([report(str(n), n, parties=("a", "b")) for n in range(3)], "EITHER", 90, 3)
    assert len(result) == 1
    assert (result[0].by, result[0].place, result[0].pair) == (("PLACE", "PARTIES"), "A", ("a", "b"))
    assert (result[0].matters, result[0].first_day, result[0].last_day) == (3, 0, 2)


def test_minimum_and_days_are_what_was_asked() -> None:
    reports = [report("0", 0), report("1", 7)]
    assert found(reports, minimum=2, days=7) == [["0", "1"]]
    assert found(reports, minimum=2, days=6) == []
    assert found([report("0", 3), report("1", 3)], minimum=2, days=0) == [["0", "1"]]


def hazard(
    id: str, found_on: str, righted: str | None = None, place: str = "A", category: str = "fire"
) -> Hazard:
    return Hazard(
        id,
        id,
        place,
        category,
        f"{found_on}T09:00:00+08:00",
        f"{righted}T16:00:00+08:00" if righted else None,
    )


@pytest.mark.parametrize(("day", "days"), [("2025-01-31", 30), ("2025-02-01", None), ("2025-01-02", 1)])
def test_a_hazard_comes_back_within_so_many_days(day: str, days: int | None) -> None:
    result = relapsed([hazard("x", "2024-12-20", "2025-01-01"), hazard("y", day)], 30)
    assert [(r.earlier, r.later, r.days) for r in result] == ([] if days is None else [("x", "y", days)])


def test_only_the_latest_before_counts_and_only_after_it_was_righted() -> None:
    first, second = hazard("x", "2025-01-01", "2025-01-02"), hazard("y", "2025-01-05", "2025-01-06")
    result = relapsed([hazard("z", "2025-01-10"), second, first], 30)
    assert [(r.earlier, r.later) for r in result] == [("y", "z"), ("x", "y")]
    assert relapsed([hazard("x", "2025-01-01", "2025-01-20"), hazard("y", "2025-01-10")], 30) == []
    assert relapsed([hazard("x", "2025-01-01"), hazard("y", "2025-01-10")], 30) == []


def test_another_place_or_category_is_another_hazard() -> None:
    first = hazard("x", "2025-01-01", "2025-01-02")
    assert relapsed([first, hazard("y", "2025-01-05", place="B")], 30) == []
    assert relapsed([first, hazard("y", "2025-01-05", category="gas")], 30) == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("王", '("王" OR 王*)'),
        ("张测试", '"张测试"'),
        ("138000", '("138000" OR 138000*)'),
        ("A12 b", '("A12" OR a12*) AND "b"'),
        ('x" OR *:*', '"x\\"" AND ("OR" OR or*) AND "\\*\\:\\*"'),
    ],
)
def test_what_is_typed_is_no_query_language(text: str, query: str) -> None:
    assert lucene(text) == query


def test_the_shortest_paths_through_where_the_sides_meet() -> None:
    def link(one: str, other: str, number: int = 0) -> tuple[str, Link]:
        return one, Link(f"{one}{other}{number}", "OWNS", one, other, {})

    left = {"a": [], "m": [link("a", "m"), link("a", "m", 1)], "n": [link("a", "n")], "o": [link("m", "o")]}
    right = {"z": [], "m": [link("z", "m")], "n": [link("z", "n")], "o": [link("z", "o")]}

    def found(limit: int) -> list[list[str]]:
        return [[x.id for x in p] for p in paths._shortest(["m", "n", "o"], [left, right], limit)]

    assert found(10) == [["am0", "zm0"], ["am1", "zm0"], ["an0", "zn0"]]
    assert found(2) == [["am0", "zm0"], ["am1", "zm0"]]
