"""`quanxi catalog check` as a person meets it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cli
from ontology.errors import UsageError
from ontology.terms import CATALOG

ROOT = CATALOG.parent


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.app, list(words))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    shutil.copytree(CATALOG / "feeds", tmp_path / "feeds")
    return tmp_path


def change(catalog: Path, name: str, old: str, new: str) -> None:
    path = catalog / "feeds" / f"{name}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_catalogue_that_comes_along_is_good() -> None:
    done = run("catalog", "check")
    assert (done.exit_code, "no mistakes 声明无误" in done.output) == (0, True), done.output


@pytest.mark.parametrize("words", [("catalog", "check", "{}"), ("--catalog", "{}", "catalog", "check")])
def test_every_mistake_is_printed_with_file_and_line(catalog: Path, words: tuple[str, ...]) -> None:
    change(catalog, "residents", "trust: 90", "trsut: 90")
    change(catalog, "alarms", "terms: matter_state", "terms: matter_stat")
    done = run(*(w.format(catalog) for w in words))
    assert done.exit_code == 1
    assert "feeds/residents.yaml:8: trsut 没有这一项(是否为 trust ?)" in done.output
    lines = (catalog / "feeds" / "alarms.yaml").read_text("utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "matter_stat}" in text or "matter_stat," in text)
    assert f"feeds/alarms.yaml:{line}: " in done.output
    assert "did you mean 'matter_state'?" in done.output
    assert "2 mistakes in 2 files" in done.output


def test_an_example_of_another_district_is_good() -> None:
    assert run("catalog", "check", str(ROOT / "examples" / "pole")).exit_code == 0


def test_a_directory_that_is_not_there_or_empty_is_told(tmp_path: Path) -> None:
    for where in (tmp_path / "nowhere", tmp_path):
        done = run("catalog", "check", str(where))
        assert isinstance(done.exception, UsageError) and done.exception.code == "BAD_CATALOG"


@pytest.mark.parametrize("path", sorted((CATALOG / "feeds").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_feed_names_the_schema_and_says_when_it_comes_and_how_long_it_is_kept(path: Path) -> None:
    from loaders.catalogue import read_feed

    first = path.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../feed.schema.json"
    feed, mistakes = read_feed(path)
    assert feed is not None and mistakes == []
    assert feed.rhythm is not None and feed.retention_period() is not None
    assert {"mode", "rhythm", "retention"} <= feed.model_fields_set
