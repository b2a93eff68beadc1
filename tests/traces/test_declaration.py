"""What is wrong with a trace's declaration is said with file and line, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from ontology.terms import CATALOG, load_terms
from traces.catalogue import check_traces

TERMS = load_terms()
GOOD = (CATALOG / "traces" / "truck_off_route.yaml").read_text("utf-8")


def mistakes(directory: Path, text: str) -> list[tuple[int, str]]:
    (directory / "traces").mkdir(exist_ok=True)
    (directory / "traces" / "a.yaml").write_text(text, "utf-8")
    return [(m.line, m.en) for m in check_traces(directory, TERMS).mistakes]


@pytest.mark.parametrize(
    ("was", "becomes", "line", "said"),
    [
        ("label: Trip, where", "label: Tripp, where", 14, "no entity is called 'Tripp' (did you mean 'Trip'?)"),
        ("off_route: true}", "off_rout: true}", 14, "Trip has no field 'off_rout' (did you mean 'off_route'?)"),
        ("way: [MADE_BY>]}", "way: [MADE_FOR>]}", 14, "no relationship is called 'MADE_FOR'"),
        ("way: [MADE_BY>]}", "way: [<MADE_BY]}", 14, "<MADE_BY does not go from Trip"),
        ("way: [MADE_BY>]}", "way: [MADE_BY]}", 14, "should be TYPE> or <TYPE"),
        ("way: [MADE_BY>]}", "way: [TO>]}", 14, "this leads to Project, not to Vehicle"),
        ("minimum: $minimum,", "minimum: $least,", 14, "no parameter is called 'least'"),
        ("minimum: $minimum,", "minimum: 2,", 10, "nothing uses the parameter 'minimum'"),
        ("default: 2, least: 1", "default: 0, least: 1", 10, "the default 0 is not between 1 and 50"),
        ("  repeat: {", "  surge: {}\n  repeat: {", 14, "is missing"),
        ("severity: red", "severity: rad", 16, "term list severity has no code 'rad'"),
        ("{days} 天内", "{tage} 天内", 19, "a sentence has no {tage}"),
        ("trace: truck", "trace: Truck", 1, "should be of small letters"),
        ("subject: {node: Vehicle}", "subject: {node: Vehicle, place: OWN}", 8, "a subject is one of place, node, pair"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, was: str, becomes: str, line: int, said: str) -> None:
    assert was in GOOD
    found = mistakes(tmp_path, GOOD.replace(was, becomes, 1))
    assert any(said in en and at == line for at, en in found), found


def test_what_stands_here_needs_a_place(tmp_path: Path) -> None:
    here = "where: {off_route: true}, having: [{way: [TO>], label: Project, here: true}]"
    (found,) = mistakes(tmp_path, GOOD.replace("where: {off_route: true}", here))
    assert found == (14, "Project does not stand at the place of a finding")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ('started_at: {hours: ["05:00", "24:00"]}', "String should match pattern"),
        ('started_at: {hours: ["05:00", "05:00"]}', "these are no hours"),
        ('number: {hours: ["05:00", "19:00"]}', "number cannot have this value"),
        ('distance: {hours: ["05:00", "19:00"]}', "distance cannot have this value"),
    ],
)
def test_hours_are_of_moments(tmp_path: Path, where: str, said: str) -> None:
    found = mistakes(tmp_path, GOOD.replace("off_route: true}", where + "}", 1))
    assert any(said in en for _, en in found), found


def test_what_is_shown_beside_leads_to_the_subject(tmp_path: Path) -> None:
    assert (
        mistakes(
            tmp_path, GOOD.replace("severity:\n", "shows: [{label: Trip, way: [MADE_BY>]}]\nseverity:\n", 1)
        )
        == []
    )
    (found,) = mistakes(
        tmp_path, GOOD.replace("severity:\n", "shows: [{label: Trip, way: [TO>]}]\nseverity:\n", 1)
    )
    assert "this leads to Project, not to Vehicle" in found[1]


def test_only_incidents_of_kinds_are_reported(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, GOOD.replace("label: Trip, where", "label: Trip, reported: true, where", 1))
    assert "only incidents of given kinds" in found[1]


def test_no_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD) == []


def test_the_same_name_twice(tmp_path: Path) -> None:
    mistakes(tmp_path, GOOD)
    (tmp_path / "traces" / "b.yaml").write_text(GOOD, "utf-8")
    (found,) = check_traces(tmp_path, TERMS).mistakes
    assert found.path.name == "b.yaml"
    assert "already declared in a.yaml" in found.en


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "trace: x\ntrace: y\n", "\x00"])
def test_no_trace_at_all(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(cli.app, ["trace", "check"]).exit_code == 0
    mistakes(tmp_path, GOOD.replace("off_route: true", "off_rout: true"))
    told = run.invoke(cli.app, ["trace", "check", str(tmp_path)])
    assert told.exit_code == 1
    assert "a.yaml:14:" in told.output
    listed = run.invoke(cli.app, ["trace", "list"])
    assert "hazard_relapse" in listed.output
    explained = run.invoke(cli.app, ["trace", "explain", "truck_off_route", "--set", "minimum=4"])
    assert "30 天内趟次(是否偏航) 4 起以上" in explained.output
    assert "at least 4 trip" in explained.output
