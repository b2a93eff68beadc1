"""Findings through GraphQL: listed, drawn with their evidence, judged; a limited viewer sees those whose evidence they may see."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.engine import EngineAddress
from graph.store import Store
from graph.viewer import Viewer
from ledger import FindingLog
from ontology import Sensitivity
from ontology.clock import Clock
from tests.conftest import empty
from tests.loaders.tiny import HOUSE_301, write_feed
from tests.schema.drawn import Asker, draw, load
from tests.schema.test_roots import Asked
from tests.traces.test_watch import alarm
from traces.watch import Watch

LIST = """query ($area: AddressCode, $filter: FindingFilter, $order: FindingOrder! = NEWEST, $first: Int! = 20, $after: String) {
  findings(area: $area, filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor } edges { node { id } } } }"""
EVIDENCE = """{ id at { code } about { id title }
  evidence { nodes { id title } links { type start end } cut { by } } }"""
JUDGE = """mutation ($id: ID!, $revision: Int!, $verdict: Verdict!, $reason: String!, $days: Int) {
  judgeFinding(id: $id, revision: $revision, verdict: $verdict, reason: $reason, days: $days) {
    __typename
    ... on JudgedFinding { finding { id state { code } judge reason revision about { id } evidence { nodes { id } } } }
    ... on FindingConflict { current { id revision state { code } } }
    ... on Refused { code }
  } }"""


@pytest.fixture
async def town(store: Store) -> Asker:
    drawn = load("town")
    await draw(store, drawn)
    return Asker(store, drawn)


async def listed(ask: Any, *viewer: Any, **variables: Any) -> list[str]:
    found = (await ask.data(LIST, *viewer, **variables))["findings"]
    ids = [e["node"]["id"] for e in found["edges"]]
    assert found["totalCount"] == {"value": len(ids)} or found["pageInfo"]["hasNextPage"]
    return ids


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["fin_across", "fin_pair", "fin_hazard", "fin_east"]),
        ({"order": "OLDEST"}, ["fin_east", "fin_hazard", "fin_pair", "fin_across"]),
        ({"order": "SEVEREST"}, ["fin_pair", "fin_across", "fin_east", "fin_hazard"]),
        ({"area": "330109002001"}, ["fin_across", "fin_pair", "fin_hazard"]),
        ({"area": "330109002001G01"}, ["fin_across", "fin_pair", "fin_hazard"]),
        ({"area": "330109004001"}, []),
        ({"filter": {"open": True}}, ["fin_across", "fin_pair", "fin_hazard"]),
        ({"filter": {"open": False}}, ["fin_east"]),
        ({"filter": {"traces": ["hazard_relapse"]}}, ["fin_hazard", "fin_east"]),
        ({"filter": {"traces": []}}, []),
        ({"filter": {"severities": ["red"], "states": ["confirmed"]}}, ["fin_pair"]),
        ({"filter": {"about": "inc_d1"}}, ["fin_across", "fin_pair"]),
        ({"filter": {"about": "adr_3301090020010004"}, "area": "330109002001"}, ["fin_hazard"]),
        ({"filter": {"during": {"from": "2025-10-06", "to": "2025-11-16"}}}, ["fin_pair", "fin_hazard"]),
    ],
)  # fmt: skip
async def test_lists(town: Asker, asked: dict[str, Any], found: list[str]) -> None:
    assert await listed(town, **asked) == found


CASES = """query ($area: AddressCode, $minimum: Int! = 2, $after: String) {
  findingCases(area: $area, minimum: $minimum, first: 1, after: $after) { totalCount { value } pageInfo { hasNextPage endCursor }
    edges { node { at { code } severity { code } count since newest findings { id } } } } }"""


async def test_several_at_one_place_are_one_case(town: Asker) -> None:
    found = (await town.data(CASES))["findingCases"]
    (edge,) = found["edges"]
    assert edge["node"] == {
        "at": {"code": "3301090020010003021201"}, "severity": {"code": "red"}, "count": 2,
        "since": "2025-11-15T21:10:00+08:00", "newest": "2025-11-16T08:00:00+08:00",
        "findings": [{"id": "fin_pair"}, {"id": "fin_across"}],
    }  # fmt: skip
    assert found["totalCount"] == {"value": 1}
    for area, cases in (("330109002001G01", 1), ("330109003001", 0)):
        assert (await town.data(CASES, area=area))["findingCases"]["totalCount"]["value"] == cases
    assert (await town.data(CASES, minimum=3))["findingCases"]["edges"] == []
    # Of the two, who is limited may see one: to them it is no case.
    assert (await town.data(CASES, town.drawn.limited))["findingCases"]["edges"] == []
    assert (await town(CASES, minimum=1)).codes == ["BAD_ARGUMENT"]


async def test_cases_follow_what_stands_and_are_paged(town: Asker) -> None:
    try:
        await town.store.write(
            "MATCH (f:Finding {id: 'fin_east'}) SET f.state = 'new' "
            "CREATE (g:Finding {id: 'fin_more', place: f.place, state: 'new', severity: 'blue', found_at: f.found_at, trace: 't'})"
        )
        first = (await town.data(CASES))["findingCases"]
        assert first["totalCount"] == {"value": 2} and first["pageInfo"]["hasNextPage"]
        second = (await town.data(CASES, after=first["pageInfo"]["endCursor"]))["findingCases"]
        assert [f["id"] for f in second["edges"][0]["node"]["findings"]] == ["fin_east", "fin_more"]
        await town.store.write("MATCH (f:Finding {id: 'fin_across'}) SET f.state = 'cleared'")
        assert (await town.data(CASES))["findingCases"]["totalCount"] == {"value": 1}
    finally:
        # The town is drawn once for all tests.
        await town.store.write(
            "MATCH (f:Finding) WHERE f.id IN ['fin_east', 'fin_across'] "
            "SET f.state = CASE f.id WHEN 'fin_east' THEN 'dismissed' ELSE 'new' END "
            "WITH count(*) AS x MATCH (g:Finding {id: 'fin_more'}) DELETE g"
        )


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST", "SEVEREST"])
async def test_pages(town: Asker, order: str) -> None:
    whole = await listed(town, order=order)
    paged: list[str] = []
    after = None
    for _ in whole:
        page = (await town.data(LIST, order=order, first=1, after=after))["findings"]
        paged += [e["node"]["id"] for e in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert paged == whole
    assert not page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"filter": {"traces": ["no_such"]}}, "BAD_ARGUMENT"),
        ({"filter": {"states": ["open"]}}, "BAD_ARGUMENT"),
        ({"filter": {"severities": ["purple"]}}, "BAD_ARGUMENT"),
        ({"filter": {"about": "nothing"}}, "NOT_FOUND"),
        ({"area": "E33010900001"}, "BAD_CODE"),
        ({"first": 0}, "BAD_ARGUMENT"),
        ({"after": "x"}, "BAD_CURSOR"),
    ],
)
async def test_what_cannot_be_asked(town: Asker, given: dict[str, Any], code: str) -> None:
    assert (await town(LIST, **given)).codes == [code]


async def test_evidence_is_drawn_with_what_it_has_in_common(town: Asker) -> None:
    (found,) = (await town.data(f'{{ finding(id: "fin_pair") {EVIDENCE} }}')).values()
    assert found["about"] is None
    assert found["at"]["code"] == "3301090020010003021201"
    nodes = {n["id"] for n in found["evidence"]["nodes"]}
    assert nodes == {"inc_d1", "inc_d2", "inc_d3", "per_wang", "per_li"}
    links = {(x["type"], x["start"], x["end"]) for x in found["evidence"]["links"]}
    assert ("INVOLVED_IN", "per_wang", "inc_d2") in links
    assert ("SHOWN_BY", "fin_pair", "inc_d1") in links
    assert not any("per_dong" in link for link in links)


async def test_evidence_of_many_takes_as_many_statements_as_of_one(town: Asker) -> None:
    one = await town(f"{{ findings(first: 1) {{ edges {{ node {EVIDENCE} }} }} }}")
    all_ = await town(f"{{ findings {{ edges {{ node {EVIDENCE} }} }} }}")
    nodes = [e["node"] for e in all_.data["findings"]["edges"]]
    assert [n["about"] and n["about"]["id"] for n in nodes] == [
        None, None, "adr_3301090020010004", "adr_3301090030010001",
    ]  # fmt: skip
    assert all(n["evidence"]["nodes"] for n in nodes)
    assert len(all_.statements) <= len(one.statements) + 1 <= 5


async def test_a_limited_viewer_sees_what_all_its_evidence_lets_them(town: Asker) -> None:
    limited = town.drawn.limited
    assert await listed(town, limited) == ["fin_pair", "fin_hazard"]
    assert (await town('{ finding(id: "fin_across") { id } }', limited)).codes == ["NOT_FOUND"]
    told = await town.data(
        '{ incident(number: "J1") { findings { totalCount { value } edges { node { id } } } } }', limited
    )
    assert told["incident"]["findings"] == {
        "totalCount": {"value": 1},
        "edges": [{"node": {"id": "fin_pair"}}],
    }
    figures = await town.data(
        '{ trace(name: "hazard_relapse") { figures { found open dismissed precision } } }', limited
    )
    assert figures["trace"]["figures"] == {"found": 1, "open": 1, "dismissed": 0, "precision": None}


async def test_whom_a_label_is_hidden_from_sees_no_finding_that_is_shown_by_it(town: Asker) -> None:
    blind = Viewer("blind", None, frozenset({Sensitivity.PERSONAL}))
    assert not blind.sees_label("Volunteer")
    await town.store.write(
        "MATCH (v:Volunteer {id: 'vol_wang'}) CREATE (:Finding {id: 'fin_vol', trace: 'hazard_relapse', state: 'new', "
        "found_at: '2025-12-01T00:00:00+08:00', place: '3301090020010003', sentence: '楼长'})-[:SHOWN_BY]->(v)"
    )
    try:
        assert "fin_vol" in await listed(town)
        assert await listed(town, blind) == ["fin_across", "fin_pair", "fin_hazard", "fin_east"]
        assert (await town('{ finding(id: "fin_vol") { id } }', blind)).codes == ["NOT_FOUND"]
    finally:
        await town.store.write("MATCH (f:Finding {id: 'fin_vol'}) DETACH DELETE f")


async def test_whose_subject_is_elsewhere_is_not_seen(town: Asker) -> None:
    """All that shows it lies in the viewer's area, and what it is about does not."""
    await town.store.write(
        "MATCH (e:Enterprise {id: 'ent_east'}), (i:Incident {id: 'inc_d1'}) CREATE (i)<-[:SHOWN_BY]-(:Finding {id: 'fin_firm', "
        "trace: 'labour_cluster', state: 'new', found_at: '2025-12-01T00:00:00+08:00', place: '3301090020010003', "
        "sentence: '东方五金店'})-[:ABOUT]->(e)"
    )
    try:
        assert "fin_firm" in await listed(town)
        assert "fin_firm" not in await listed(town, town.drawn.limited)
    finally:
        await town.store.write("MATCH (f:Finding {id: 'fin_firm'}) DETACH DELETE f")


async def test_no_more_evidence_than_is_asked_for(town: Asker) -> None:
    (found,) = (
        await town.data(
            '{ finding(id: "fin_pair") { evidence(limit: 2) { nodes { id } cut { by limit } } } }'
        )
    ).values()
    nodes = [n["id"] for n in found["evidence"]["nodes"]]
    assert nodes[:2] == ["inc_d1", "inc_d2"] and "inc_d3" not in nodes
    assert found["evidence"]["cut"] == [{"by": "ROWS", "limit": 2}]
    for limit in (0, 201):
        answer = await town(
            'query($n: Int!) { finding(id: "fin_pair") { evidence(limit: $n) { cut { by } } } }', n=limit
        )
        assert answer.codes == ["BAD_ARGUMENT"]


async def test_what_was_found_later_is_not_there_yet(town: Asker) -> None:
    query = "query($day: Date!) { findings(asOf: $day) { edges { node { id } } } address(asOf: $day) { findings { edges { node { id } } } } }"
    data = await town.data(query, day="2025-10-10")
    for found in (data["findings"], data["address"]["findings"]):
        assert [e["node"]["id"] for e in found["edges"]] == ["fin_hazard", "fin_east"]


async def test_findings_of_a_place_and_of_things(town: Asker) -> None:
    data = await town.data(
        """{ district: address { findings(states: ["new"]) { totalCount { value } edges { node { id } } } }
        grid: address(code: "330109002001G01") { findings { edges { node { id } } } }
        here: address(code: "3301090020010004") { findings(reach: HERE) { edges { node { id } } } }
        incident(number: "E1") { findings { edges { node { id } } } } }"""
    )
    assert [e["node"]["id"] for e in data["district"]["findings"]["edges"]] == ["fin_across", "fin_hazard"]
    assert [e["node"]["id"] for e in data["grid"]["findings"]["edges"]] == [
        "fin_across",
        "fin_pair",
        "fin_hazard",
    ]
    assert [e["node"]["id"] for e in data["here"]["findings"]["edges"]] == ["fin_hazard"]
    assert [e["node"]["id"] for e in data["incident"]["findings"]["edges"]] == ["fin_across"]


async def test_traces_say_what_they_look_for_and_how_they_do(town: Asker) -> None:
    data = await town.data(
        """{ traces { name version zh en sentenceZh about parameters { name default least most } figures { found open confirmed dismissed precision newest } }
        trace(name: "hazard_relapse") { name sentenceEn figures { precision } } }"""
    )
    traces = {x["name"]: x for x in data["traces"]}
    assert list(traces) == sorted(traces) and len(traces) >= 16
    relapse = traces["hazard_relapse"]
    assert (
        relapse["about"] == "OWN"
        and {"name": "within", "default": 30, "least": 1, "most": 730} in relapse["parameters"]
    )
    assert relapse["figures"] == {
        "found": 2, "open": 1, "confirmed": 0, "dismissed": 1, "precision": 0.0, "newest": "2025-10-10T09:10:00+08:00",
    }  # fmt: skip
    assert traces["repeat_disputes_parties"]["figures"]["precision"] == 1.0
    assert "hazard" in data["trace"]["sentenceEn"]
    assert (await town('{ trace(name: "none") { name } }')).codes == ["NOT_FOUND"]


@contextlib.asynccontextmanager
async def watched(engine: EngineAddress, directory: Path) -> AsyncIterator[Asked]:
    """The tiny district with three more alarms at one home, its traces looking."""
    async with Store.open(engine) as store:
        await empty(store)
        ask = Asked(store, directory)
        loader = ask.loader
        loader.clock = Clock(date(2025, 5, 15))
        loader.watch = Watch(loader.ledger, loader.records, ask.traces, loader.scheme, loader.terms)
        await ask.load()
        rows = [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)]
        await loader.load(store, [write_feed(directory, "alarms", rows, "_2")])
        yield ask
        loader.close()


@pytest.fixture(scope="module")
async def asked(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    async with watched(engine, tmp_path_factory.mktemp("findings")) as ask:
        yield ask


async def test_a_finding_is_judged_once_and_who_comes_late_sees_it(asked: Asked) -> None:
    held = await asked(
        '{ findings(filter: {traces: ["repeat_disputes_place"]}) { edges { node { id revision about { id ... on Address { code } } } } } }'
    )
    (node,) = [e["node"] for e in held["findings"]["edges"]]
    assert node["about"]["code"] == HOUSE_301
    first = {"id": node["id"], "revision": node["revision"], "verdict": "TAKEN", "reason": " 我去看 "}
    told = (await asked(JUDGE, **first))["judgeFinding"]
    assert told["__typename"] == "JudgedFinding"
    finding = told["finding"]
    assert (finding["state"]["code"], finding["judge"], finding["reason"]) == (
        "taken",
        "development",
        "我去看",
    )
    assert finding["about"]["id"] == node["about"]["id"] and len(finding["evidence"]["nodes"]) >= 3
    late = (await asked(JUDGE, **{**first, "verdict": "DISMISSED", "reason": "误报"}))["judgeFinding"]
    assert late == {
        "__typename": "FindingConflict",
        "current": {"id": node["id"], "revision": node["revision"] + 1, "state": {"code": "taken"}},
    }
    assert asked.loader.watch is not None
    await asked.loader.watch.look(asked.store, asked.loader.clock)
    query = "query ($id: ID!) { finding(id: $id) { state { code } revision } }"
    assert (await asked(query, id=node["id"]))["finding"] == {
        "state": {"code": "taken"},
        "revision": finding["revision"],
    }
    gone = await asked(
        JUDGE, id=node["id"], revision=finding["revision"], verdict="DISMISSED", reason="已知", days=30
    )
    assert gone["judgeFinding"]["finding"]["state"] == {"code": "dismissed"}
    log = FindingLog(asked.loader.ledger)
    assert log.excepted("repeat_disputes_place", "2025-05-15") == {HOUSE_301: "2025-06-14"}


async def test_a_finding_that_is_selected_twice_is_not_judged(asked: Asked) -> None:
    log = FindingLog(asked.loader.ledger)
    (held, *_) = list(log.everything())
    twice = """mutation ($id: ID!, $revision: Int!) { judgeFinding(id: $id, revision: $revision, verdict: UNSURE, reason: "x") {
      ... on JudgedFinding { a: finding { id } b: finding { at { code } } } } }"""
    assert await asked.codes(twice, id=held.id, revision=held.revision) == ["BAD_ARGUMENT"]
    assert log.get(held.id) == held


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"id": "fin_none"}, "NOT_FOUND"),
        ({"reason": "  "}, "BAD_ARGUMENT"),
        ({"reason": "长" * 501}, "BAD_ARGUMENT"),
        ({"days": 30}, "BAD_ARGUMENT"),
        ({"days": 0, "verdict": "DISMISSED"}, "BAD_ARGUMENT"),
    ],
)
async def test_a_judgement_that_is_not_taken(asked: Asked, given: dict[str, Any], code: str) -> None:
    (id, *_) = [f.id for f in FindingLog(asked.loader.ledger).everything()]
    whole: dict[str, Any] = {"id": id, "revision": 1, "verdict": "UNSURE", "reason": "x"} | given
    assert (await asked(JUDGE, **whole))["judgeFinding"] == {"__typename": "Refused", "code": code}
