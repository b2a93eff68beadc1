"""Traces tried and published over GraphQL: nothing of a trial is kept, what stands says so, who is limited may do neither."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.engine import EngineAddress
from ledger import FindingLog
from tests.loaders.tiny import HOUSE_301
from tests.schema.test_findings import watched
from tests.schema.test_roots import LIMITED, Asked
from tests.traces.test_standing import MINE, least
from traces.trial import MOST_DAYS, MOST_LOOKS
from traces.watch import Watch

TRIAL = """query ($name: String, $declaration: String, $set: [ParameterValue!], $days: Int! = 120, $every: Int! = 30) {
  traceTrial(name: $name, declaration: $declaration, set: $set) {
    mistakes { line zh en } name sentenceZh sentenceEn cypher estimatedRows
    found { count matches { sentence severity { code } count days shownBy } }
    backtest(days: $days, every: $every) { perWeek found looks { day found cleared standing } overlaps { trace count } precision missed } } }"""
PUBLISH = """mutation ($declaration: String!) { publishTrace(declaration: $declaration) { __typename
  ... on PublishedTrace { changed trace { name version figures { found open } } }
  ... on TraceMistakes { mistakes { line en } } ... on Refused { code } } }"""
WITHDRAW = """mutation ($name: String!) { withdrawTrace(name: $name) { __typename
  ... on WithdrawnTrace { trace { name version } } ... on Refused { code } } }"""


@pytest.fixture(scope="module")
async def asked(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    async with watched(engine, tmp_path_factory.mktemp("trials")) as ask:
        yield ask


async def test_a_trial_says_all_and_keeps_nothing(asked: Asked) -> None:
    log = FindingLog(asked.loader.ledger)
    before = list(log.everything())
    told = (await asked(TRIAL, declaration=MINE, set=[{"name": "minimum", "value": 2}]))["traceTrial"]
    assert (told["mistakes"], told["name"]) == ([], "twice_here")
    assert "2" in told["sentenceZh"] and "at least 2" in told["sentenceEn"]
    assert told["cypher"].startswith("CALL") or "MATCH" in told["cypher"]
    assert told["estimatedRows"] > 0
    (match,) = told["found"]["matches"]
    assert (told["found"]["count"], match["count"], match["severity"]["code"]) == (1, 7, "red")
    assert "301室" in match["sentence"] and len(match["shownBy"]) == 7
    tested = told["backtest"]
    assert [(x["day"], x["found"], x["standing"]) for x in tested["looks"]] == [
        ("2025-01-15", 0, 0), ("2025-02-14", 1, 1), ("2025-03-16", 0, 1), ("2025-04-15", 0, 1), ("2025-05-15", 0, 1),
    ]  # fmt: skip
    assert tested["found"] == 1
    assert {"trace": "repeat_disputes_place", "count": 1} in tested["overlaps"]
    assert list(log.everything()) == before
    by_name = (await asked(TRIAL, name="repeat_disputes_place", set=[{"name": "minimum", "value": 8}]))[
        "traceTrial"
    ]
    assert by_name["found"] == {"count": 0, "matches": []}


async def test_a_declaration_with_mistakes_says_nothing_else(asked: Asked) -> None:
    told = (
        await asked(
            TRIAL, declaration=MINE.replace("subject: {place: OWN}", "subject: {place: OWN, node: X}")
        )
    )["traceTrial"]
    assert told["mistakes"] and told["mistakes"][0]["line"] > 1
    assert (told["name"], told["cypher"], told["found"], told["backtest"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "BAD_ARGUMENT"), ({"name": "x", "declaration": "x"}, "BAD_ARGUMENT"), ({"name": "none"}, "NOT_FOUND"),
        ({"name": "hazard_relapse", "set": [{"name": "none", "value": 1}]}, "BAD_ARGUMENT"),
        ({"name": "hazard_relapse", "set": [{"name": "within", "value": 99_999}]}, "BAD_ARGUMENT"),
        ({"name": "hazard_relapse", "days": MOST_DAYS + 1}, "BAD_ARGUMENT"),
        ({"name": "hazard_relapse", "days": MOST_LOOKS + 1, "every": 1}, "BAD_ARGUMENT"),
        ({"name": "hazard_relapse", "days": 0}, "BAD_ARGUMENT"), ({"declaration": "x" * 20_001}, "BAD_ARGUMENT"),
    ],
)  # fmt: skip
async def test_refused(asked: Asked, given: dict[str, Any], code: str) -> None:
    assert await asked.codes(TRIAL, **given) == [code]


async def test_published_it_stands_and_withdrawn_no_more(asked: Asked) -> None:
    watch = asked.loader.watch
    assert isinstance(watch, Watch)
    wrong = (await asked(PUBLISH, declaration=MINE.replace("default: 3", "default: 0")))["publishTrace"]
    assert wrong["__typename"] == "TraceMistakes" and wrong["mistakes"][0]["line"] > 1
    told = (await asked(PUBLISH, declaration=least(MINE, 2)))["publishTrace"]
    assert told == {
        "__typename": "PublishedTrace", "changed": True,
        "trace": {"name": "twice_here", "version": 1, "figures": {"found": 0, "open": 0}},
    }  # fmt: skip
    await watch.look(asked.store, asked.loader.clock)
    again = (await asked(PUBLISH, declaration=least(MINE, 2)))["publishTrace"]
    assert (again["changed"], again["trace"]["figures"]["open"]) == (False, 1)
    held = await asked('{ findings(filter: {traces: ["twice_here"]}) { edges { node { at { code } } } } }')
    assert [e["node"]["at"]["code"] for e in held["findings"]["edges"]] == [HOUSE_301]
    assert (await asked(WITHDRAW, name="twice_here"))["withdrawTrace"] == {
        "__typename": "WithdrawnTrace",
        "trace": None,
    }
    assert (await asked(WITHDRAW, name="twice_here"))["withdrawTrace"] == {
        "__typename": "Refused",
        "code": "NOT_FOUND",
    }
    assert await asked.codes('{ trace(name: "twice_here") { name } }') == ["NOT_FOUND"]
    # What it found can still be asked for.
    await watch.look(asked.store, asked.loader.clock)
    held = await asked('{ findings(filter: {traces: ["twice_here"]}) { edges { node { state { code } } } } }')
    assert [e["node"]["state"]["code"] for e in held["findings"]["edges"]] == ["cleared"]


async def test_who_is_limited_may_neither_try_nor_publish(asked: Asked) -> None:
    assert await asked.codes(TRIAL, LIMITED, name="hazard_relapse") == ["NOT_FOUND"]
    for query, given in ((PUBLISH, {"declaration": MINE}), (WITHDRAW, {"name": "hazard_relapse"})):
        (told,) = (await asked(query, LIMITED, **given)).values()
        assert told == {"__typename": "Refused", "code": "NOT_FOUND"}


async def test_one_that_takes_too_long_does_not_stand(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traces.trial.SECONDS", 0.0001)
    told = (await asked(PUBLISH, declaration=least(MINE, 2)))["publishTrace"]
    assert told == {"__typename": "Refused", "code": "TIMEOUT"}
    assert await asked.codes('{ trace(name: "twice_here") { name } }') == ["NOT_FOUND"]
