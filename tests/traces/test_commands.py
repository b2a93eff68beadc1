"""`quanxi finding` and `quanxi trace run`, as a person types them, on a loaded district."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import cli
from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.store import Store
from graph.writer import wipe
from ontology.errors import UsageError
from tests.loaders.test_run import KEYRING
from tests.loaders.tiny import write_district
from tests.traces.test_standing import MINE, least


@pytest.fixture
def district(engine: EngineAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def empty() -> None:
        async with Store.open(engine) as store:
            await wipe(store)
            await ensure_schema(store)

    # The commands run loops of their own, so that this cannot be a test within one.
    asyncio.run(empty())
    for name, value in {
        "QUANXI_KEY": KEYRING.key or "", "QUANXI_TODAY": "2025-05-15", "NEO4J_URI": engine.uri, "NEO4J_USER": engine.user,
        "NEO4J_PASSWORD": engine.password or "", "QUANXI_DATA": str(tmp_path / "data"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def quanxi(*words: str) -> Result:
    return CliRunner().invoke(cli.app, list(words), catch_exceptions=True)


def told(*words: str) -> Any:
    done = quanxi(*words)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def test_from_a_load_to_a_judgement(district: Path) -> None:
    files = [str(p) for p in write_district(district)]
    done = quanxi("load", *files)
    assert done.exit_code == 0, (done.output, done.exception)
    found = told("finding", "list", "--json")
    (repeat,) = [f for f in found if f["trace"] == "repeat_disputes_parties"]
    assert (repeat["state"], repeat["count"], repeat["severity"]) == ("new", 3, "yellow")
    tried = told("trace", "run", "repeat_disputes_parties", "--json")
    assert [sorted(t["shown_by"]) for t in tried] == [sorted(repeat["shown_by"])]
    assert told("trace", "run", "repeat_disputes_parties", "--set", "minimum=4", "--json") == []
    tested = told("trace", "backtest", "repeat_disputes_parties", "--months", "3", "--json")
    assert len(tested["looks"]) == 14
    assert sum(x["found"] for x in tested["looks"]) == 1
    assert "findings a week" in quanxi("trace", "backtest", "repeat_disputes_parties", "--months", "1").output
    assert "found: new, 3" in quanxi("finding", "show", repeat["id"]).output
    assert told("finding", "list", "--area", "330109003", "--json") == []
    assert told("finding", "list", "--trace", "hazard_relapse", "--json") == []

    done = quanxi("finding", "judge", repeat["id"], "dismissed", "--reason", "已调解", "--days", "30")
    assert done.exit_code == 0, (done.output, done.exception)
    assert repeat["id"] not in {f["id"] for f in told("finding", "list", "--json")}
    (judged,) = told("finding", "list", "--state", "dismissed", "--json")
    assert (judged["id"], judged["reason"], judged["revision"]) == (repeat["id"], "已调解", 2)
    assert "judged: dismissed" in quanxi("finding", "show", repeat["id"]).output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["finding", "show", "fin_none"], "NOT_FOUND"),
        (["finding", "judge", "fin_none", "confirmed", "--reason", "x"], "NOT_FOUND"),
        (["finding", "judge", "fin_none", "confirmed", "--reason", " "], "BAD_ARGUMENT"),
        (["finding", "judge", "fin_none", "confirmed", "--reason", "x", "--days", "3"], "BAD_ARGUMENT"),
        (["finding", "list", "--area", "nowhere"], "BAD_CODE"),
        (["trace", "run", "hazard_relapses"], "BAD_ARGUMENT"),
        (["trace", "backtest", "no_such_trace"], "BAD_ARGUMENT"),
        (["trace", "explain", "no_such_file.yaml"], "BAD_FILE"),
        (["trace", "explain", "catalog/terms/severity.yaml"], "BAD_CATALOG"),
        (["trace", "run", "--set", "within=3"], "BAD_ARGUMENT"),
        (["trace", "run", "hazard_relapse", "--set", "within=soon"], "BAD_ARGUMENT"),
        (["trace", "run", "hazard_relapse", "--set", "within=0"], "BAD_ARGUMENT"),
        (["trace", "explain", "hazard_relapse", "--set", "minimum=3"], "BAD_ARGUMENT"),
    ],
)
def test_what_is_not_taken(district: Path, words: list[str], code: str) -> None:
    done = quanxi(*words)
    assert isinstance(done.exception, UsageError), (done.output, done.exception)
    assert done.exception.code == code


def test_published_by_hand(district: Path) -> None:
    done = quanxi("load", *[str(p) for p in write_district(district)])
    assert done.exit_code == 0, (done.output, done.exception)
    mine = district / "mine.yaml"
    mine.write_text(least(MINE, 2), "utf-8")
    done = quanxi("trace", "check", str(mine))
    assert done.exit_code == 0 and "1 traces: no mistakes" in done.output
    done = quanxi("trace", "publish", str(mine))
    assert done.exit_code == 0 and "twice_here version 1: published" in done.output, done.output
    assert "stands already" in quanxi("trace", "publish", str(mine)).output
    # It stands for every command from now on.
    assert "twice_here" in quanxi("trace", "list").output
    assert told("trace", "run", "twice_here", "--json")
    assert quanxi("apply").exit_code == 0
    assert [f for f in told("finding", "list", "--json") if f["trace"] == "twice_here"]
    mine.write_text(MINE.replace("default: 3", "default: 0"), "utf-8")
    for command in ("check", "publish"):
        done = quanxi("trace", command, str(mine))
        said = done.output + str(done.exception)
        assert done.exit_code and "mine.yaml:" in said and "is not between" in said
    assert quanxi("trace", "withdraw", "twice_here").exit_code == 0
    assert "withdrawn" in quanxi("trace", "versions", "twice_here").output
    assert quanxi("apply").exit_code == 0
    assert not [f for f in told("finding", "list", "--json") if f["trace"] == "twice_here"]
    assert isinstance(quanxi("trace", "withdraw", "twice_here").exception, UsageError)
