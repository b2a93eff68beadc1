"""`quanxi feeds` as a person meets it, and the page that takes a data officer through it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
import yaml
from typer.testing import CliRunner

import cli
from commands import feeds
from loaders import contract, readers
from loaders.declaration import Feed
from ontology.errors import UsageError
from ontology.terms import CATALOG, load_terms

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "data_officer.md").read_text("utf-8")
RUN = CliRunner()
_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [body for named, body in _BLOCK.findall(PAGE) if named == kind]


def commands() -> Iterator[list[str]]:
    for body in blocks(""):
        for line in body.splitlines():
            if line.startswith("$ quanxi "):
                yield shlex.split(line.removeprefix("$ quanxi "))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a catalogue of its own and the page's files."""
    shutil.copytree(CATALOG, tmp_path / "catalog")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANXI_CATALOG", "catalog")
    first, second = blocks("csv")
    (tmp_path / "残联_残疾人名册_20251215.csv").write_text(first, "utf-8")
    (tmp_path / "残联_残疾人名册_20251216.csv").write_text(second, "utf-8")
    return tmp_path


def run(*words: str) -> str:
    """What a command of `quanxi feeds` prints; its error is raised."""
    done = RUN.invoke(feeds.app, list(words), catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


# -- the commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list", "show", "init", "template"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert f"Example: quanxi feeds {name}" in run(name, "--help")


def test_list_names_every_feed(here: Path) -> None:
    told = run("list")
    names = [path.stem for path in (here / "catalog" / "feeds").glob("*.yaml")]
    assert all(name in told for name in names)
    assert f"{len(names)} feeds" in told


def test_show_says_what_becomes_of_a_row() -> None:
    told = run("show", "alarms")
    assert "caller —涉及 is involved in→ incident (角色 caller)" in told
    assert "incident —发生于 occurred at→ 地址 address by 地址编码 / 事发地址" in told
    assert "字典(incident_kind)" in told


def test_init_prints_or_writes_and_never_over_a_file(here: Path) -> None:
    printed = run("init", "残联_残疾人名册_20251215.csv")
    assert Feed.model_validate(yaml.safe_load(printed)).feed == "new_feed"
    run("init", "残联_残疾人名册_20251215.csv", "-o", "catalog/feeds/disabled.yaml")
    with pytest.raises(UsageError, match="there already"):
        run("init", "残联_残疾人名册_20251215.csv", "-o", "catalog/feeds/disabled.yaml")
    run("init", "残联_残疾人名册_20251215.csv", "-o", "catalog/feeds/disabled.yaml", "--force")
    assert "disabled" in run("list")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "nothing"], "UNKNOWN_FEED"),
        (["template", "nothing"], "UNKNOWN_FEED"),
        (["template", "alarms", "-o", "x.csv"], "BAD_ARGUMENT"),
        (["init", "nowhere.csv"], "BAD_FILE"),
        (["init", "残联_残疾人名册_20251215.csv", "-o", "nowhere/x.yaml"], "BAD_ARGUMENT"),
    ],
)
def test_mistakes_are_told(words: list[str], code: str, here: Path) -> None:
    with pytest.raises(UsageError) as told:
        run(*words)
    assert told.value.code == code


# -- the page -------------------------------------------------------------------------------------------------------


def known(words: list[str]) -> Any:
    """The click command that a command line names."""
    root: Any = typer.main.get_command(cli.app)
    found = root.commands[words[0]]
    return found.commands[words[1]] if hasattr(found, "commands") else found


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_of_the_page_is_there(words: list[str]) -> None:
    command = known(words)
    options = {name for parameter in command.params for name in parameter.opts}
    given = {word for word in words if word.startswith("-")}
    assert given <= options


def test_the_page_takes_every_step() -> None:
    named = [" ".join(words[:2]) for words in commands()]
    for step in (
        "feeds list",
        "feeds init",
        "feeds show",
        "feeds template",
        "quarantine list",
        "quarantine export",
        "quarantine retry",
        "batch retract",
    ):
        assert step in named
    assert sum(name.startswith("load ") for name in named) == 3


def test_the_page_shows_what_init_writes(here: Path) -> None:
    run("init", "残联_残疾人名册_20251215.csv", "-o", "catalog/feeds/disabled.yaml")
    written = (here / "catalog/feeds/disabled.yaml").read_text("utf-8").splitlines()
    (shown,) = blocks("yaml proposed")
    at = iter(written)
    for line in shown.splitlines():
        assert line in at, f"not written, or not in this order: {line}"


def test_the_page_shows_what_becomes_of_its_files(here: Path) -> None:
    (edited,) = blocks("yaml edited")
    (here / "catalog/feeds/disabled.yaml").write_text(edited, "utf-8")
    told = run("show", "disabled")
    shown = next(b for b in blocks("") if "$ quanxi feeds show disabled" in b)
    assert told.split("一行成为")[1].strip() == shown.split("一行成为")[1].strip()
    run("template", "disabled", "-o", "残联_残疾人名册.xlsx")
    feed, terms = Feed.model_validate(yaml.safe_load(edited)), load_terms(CATALOG)
    kept = []
    for day in (15, 16):
        path = here / f"残联_残疾人名册_202512{day}.csv"
        (source,) = readers.sources(path, feed.reading_options(), feed.header_names(), feed.key)
        checked = contract.check(feed, pl.concat(source.frames), terms)
        kept.append((checked.rows.height, checked.rejections))
    assert [rows for rows, _ in kept] == [10, 2]
    quarantine = next(b for b in blocks("") if "$ quanxi quarantine list" in b)
    for rejection in kept[0][1]:
        line = next(x for x in quarantine.splitlines() if x.startswith(f"{rejection.row} "))
        assert [rejection.column, rejection.value, rejection.zh] == line.split(maxsplit=3)[1:]
