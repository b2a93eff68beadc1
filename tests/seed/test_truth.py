"""The answer key's rules on cases small enough to check by hand, the scorer, and the drawn district."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from ontology.errors import UsageError
from ontology.reading import read_yaml
from seed import SeedOptions, seed_district
from seed.scenario import SCENARIOS
from seed.score import score_relapses, score_repeats
from seed.truth import Dispute, Hazard, relapses, repeats, runs

HOME = "3301090010010001010101"
TEN = SCENARIOS / "ten_buildings.yaml"


def dispute(number: str, day: int, place: str = HOME, pair: str = "", refers: str | None = None) -> Dispute:
    """A dispute so many days after new year, between the people of a two-letter pair."""
    when = date(2025, 1, 1) + timedelta(days=day)
    return Dispute(number, f"{when} 10:00:00", place, (pair[0], pair[1]) if pair else None, None, refers)


def found(disputes: list[Dispute]) -> list[list[str]]:
    """The incident sets found."""
    return [item["incidents"] for item in repeats(disputes)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((0, 45, 90), [["0", "1", "2"]]),
        ((0, 45, 91), []),
        ((0, 10), []),
        ((0, 80, 90, 170, 180), [["0", "1", "2", "3", "4"]]),  # windows that share a matter are one result
        ((0, 1, 2, 200, 201, 202), [["0", "1", "2"], ["3", "4", "5"]]),
        ((0, 0, 0), [["0", "1", "2"]]),
    ],
)
def test_window(days: tuple[int, ...], expected: list[list[str]]) -> None:
    assert found([dispute(str(i), day) for i, day in enumerate(days)]) == expected


def test_runs_that_touch_but_share_nothing_stay_apart() -> None:
    start = date(2025, 1, 1)
    days = [start + timedelta(days=d) for d in (0, 1, 2, 300, 301, 302, 303)]
    assert runs(days, 90, 3) == [(0, 2), (3, 6)]


def test_reports_of_one_matter_count_once_and_are_all_listed() -> None:
    one = [dispute("J1", 0), dispute("T1", 1, refers="J1"), dispute("T2", 5, refers="J1")]
    assert found(one) == []
    assert found([*one, dispute("J2", 20), dispute("J3", 90)]) == [["J1", "J2", "J3", "T1", "T2"]]
    assert found([*one, dispute("J2", 20), dispute("J3", 91)]) == []  # counted from the earliest report


def test_only_places_from_the_building_down() -> None:
    for place, count in (
        ("330109001001", 0),
        ("3301090010010001", 1),
        ("3301090010019001", 1),
        ("330109001001000101", 1),
    ):
        assert len(found([dispute(str(i), i, place) for i in range(3)])) == count


def test_parties_are_an_unordered_pair() -> None:
    places = [f"33010900100100{i:02d}" for i in range(1, 9)]
    yes = [
        dispute("1", 0, places[0], "ab"),
        dispute("2", 5, places[1], "ba"),
        dispute("3", 9, places[2], "ab"),
    ]
    assert [(r["by"], r["party_ids"]) for r in repeats(yes)] == [("PARTIES", ["a", "b"])]
    assert repeats([*yes[:2], dispute("3", 9, places[2], "ac")]) == []
    assert repeats([*yes[:2], dispute("3", 9, places[2])]) == []
    by_community = [dispute(str(i), i, "330109001001", "ab") for i in range(3)]
    assert [r["by"] for r in repeats(by_community)] == ["PARTIES"]


def hazard(
    number: str, found_on: str, fixed: str | None, category: str = "wiring", place: str = HOME
) -> Hazard:
    """A hazard with day and hour."""
    return Hazard(number, place, category, f"{found_on}:00:00", f"{fixed}:00:00" if fixed else None)


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (("2025-02-01 09", "wiring", HOME), 22),
        (("2025-02-09 23", "wiring", HOME), 30),
        (("2025-02-10 00", "wiring", HOME), None),
        (("2025-01-10 18", "wiring", HOME), 0),
        (("2025-01-10 16", "wiring", HOME), None),  # at the very time it was put right
        (("2025-01-09 09", "wiring", HOME), None),
        (("2025-02-01 09", "facility", HOME), None),
        (("2025-02-01 09", "wiring", HOME[:-1] + "2"), None),
    ],
)
def test_relapse(again: tuple[str, str, str], expected: int | None) -> None:
    first = hazard("1", "2025-01-01 10", "2025-01-10 16")
    results = relapses([first, hazard("2", again[0], None, again[1], again[2])])
    assert [r["days"] for r in results] == ([] if expected is None else [expected])


def test_only_the_latest_earlier_hazard_counts() -> None:
    group = [
        hazard("1", "2025-01-01 10", "2025-01-10 16"),
        hazard("2", "2025-01-05 10", "2025-01-20 16"),
        hazard("3", "2025-01-25 10", None),
    ]
    assert [(r["earlier"], r["later"]) for r in relapses(group)] == [("2", "3")]
    assert relapses([hazard("1", "2025-01-01 10", None), hazard("2", "2025-01-05 10", None)]) == []


def test_score() -> None:
    truth = [{"by": "PLACE", "incidents": ["1", "2", "3"]}, {"by": "PARTIES", "incidents": ["4", "5", "6"]}]
    score = score_repeats(truth, [["3", "2", "1"], ["4", "5"]])
    assert (score["precision"], score["recall"]) == (0.5, 0.5)
    assert score["missing"] == [["4", "5", "6"]] and score["extra"] == [["4", "5"]]
    assert score_repeats(truth, [["1", "2", "3"]], by="PLACE")["recall"] == 1.0
    assert score_repeats([], [])["precision"] == 1.0
    assert score_repeats(truth, [])["precision"] == 0.0
    pairs = score_relapses([{"earlier": "1", "later": "2"}], [("1", "2"), ("2", "1")])
    assert (pairs["precision"], pairs["recall"]) == (0.5, 1.0)


def test_drawn_district(tmp_path: Path) -> None:
    manifest = seed_district(tmp_path, SeedOptions(scenario=TEN, noise="clean"))
    expect = json.loads((tmp_path / "truth" / "expect.json").read_bytes())
    truth = json.loads((tmp_path / "truth" / "repeats.json").read_bytes())
    assert sorted(i["incidents"] for i in truth if i["by"] == "PLACE") == expect["repeats_by_place"]
    assert len(expect["repeats_by_parties"]) == 1 and len(expect["relapses"]) == 2
    assert expect["residents"]["3301090020010001"] == 5
    assert manifest.counts["residents"] == 11
    assert len(list((tmp_path / "feeds").iterdir())) == 11


def test_a_wrong_expectation_is_told(tmp_path: Path) -> None:
    drawn = read_yaml(TEN.read_text(encoding="utf-8"))
    drawn["expect"]["relapses"] = []
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(drawn, allow_unicode=True, default_flow_style=None), encoding="utf-8")
    with pytest.raises(UsageError, match="expect"):
        seed_district(tmp_path / "out", SeedOptions(scenario=path))
    path.write_text("title: 1\nfoo: 2\n", encoding="utf-8")
    with pytest.raises(UsageError):
        seed_district(tmp_path / "out", SeedOptions(scenario=path))
    with pytest.raises(UsageError):
        seed_district(tmp_path / "out", SeedOptions(scenario=tmp_path / "none.yaml"))
