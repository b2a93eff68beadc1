"""Who may be whom, asked and judged through GraphQL: the graph follows a judgement, and a limited viewer is told nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.engine import EngineAddress
from graph.store import Store
from graph.viewer import DEVELOPMENT
from ontology.identifiers import make_citizen_id
from tests.conftest import empty
from tests.loaders.tiny import DISTRICT, HOME, write_feed
from tests.schema.test_roots import KEY, LIMITED, Asked
from tests.test_cli import quanxi

PHONE = "13800000077"
BORN = {"father": "1955-01-01", "son": "1985-01-01"}
# A father and his son of one name and phone; a volunteer of whom the records do not say which of the two it is.
RESIDENTS = [
    {"人口编号": f"R7{i}", "姓名": "陈建国", "公民身份号码": make_citizen_id("330109", birth, 31 + i), "户籍类型": "户籍",
     "手机号": PHONE, "现住地址": HOME, "入住日期": "2019-01-01", "更新时间": "2025-01-01"}
    for i, birth in enumerate(BORN.values())
]  # fmt: skip
VOLUNTEER = {
    "红领编号": "V77", "姓名": "陈建国", "手机号": PHONE, "角色": "队员", "服务地址": HOME, "更新时间": "2025-05-01",
}  # fmt: skip
MISSPELT = {**DISTRICT["volunteers"][0], "姓名": "章测试", "更新时间": "2025-05-01"}
WHO = """{
  volunteer(vid: "V77") {
    person { id name homes { edges { node { fullName } } } possibleSame { link id score agrees { code } } }
  }
}"""
LINKS = """query ($state: LinkState!, $first: Int, $after: String) {
  links(state: $state, first: $first, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor }
    edges { node {
      id kind state score agrees { zh } judged { same reason by }
      one { entity { id title } said { field value feed } } other { entity { id title } said { value } }
    } }
  }
}"""
JUDGE = """mutation ($id: ID!, $same: Boolean!, $reason: String!) {
  judgeLink(id: $id, same: $same, reason: $reason) {
    ... on Judged { id judged { same by } } ... on Refused { code }
  }
}"""


@pytest.fixture(scope="module")
async def ask(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    async with Store.open(engine) as store:
        await empty(store)
        directory = tmp_path_factory.mktemp("links")
        asked = Asked(store, directory)
        await asked.load()
        more = {"residents": RESIDENTS, "volunteers": [VOLUNTEER, MISSPELT]}
        await asked.loader.load(
            store, [write_feed(directory, feed, rows, "_2") for feed, rows in more.items()]
        )
        yield asked
        asked.loader.close()


async def asked_about(ask: Asked) -> list[dict[str, Any]]:
    found = await ask(LINKS, state="ASK")
    return [e["node"] for e in found["links"]["edges"]]


async def test_pages(ask: Asked) -> None:
    everything = (await ask(LINKS, state="LINK"))["links"]
    ids = [e["node"]["id"] for e in everything["edges"]]
    assert len(ids) == everything["totalCount"]["value"] > 1
    paged, after = [], None
    while True:
        page = (await ask(LINKS, state="LINK", first=1, after=after))["links"]
        paged += [e["node"]["id"] for e in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert paged == ids


async def test_a_limited_viewer_is_told_nothing(ask: Asked) -> None:
    question = (await asked_about(ask))[0]
    assert await ask.codes(LINKS, LIMITED, state="ASK") == ["NOT_FOUND"]
    ids = {side["entity"]["id"] for side in (question["one"], question["other"])}
    people = "query ($ids: [ID!]!) { people(ids: $ids) { id possibleSame { id } } }"
    assert all(p["possibleSame"] for p in (await ask(people, ids=sorted(ids)))["people"])
    seen = [p for p in (await ask(people, LIMITED, ids=sorted(ids)))["people"] if p]
    assert seen and all(p["possibleSame"] == [] for p in seen)
    told = await ask(JUDGE, LIMITED, id=question["id"], same=True, reason="x")
    nothing = await ask(JUDGE, LIMITED, id="per_none~per_none", same=True, reason="x")
    assert told == nothing == {"judgeLink": {"code": "NOT_FOUND"}}
    assert not ask.loader.is_decided_anew()


@pytest.mark.parametrize(
    ("id", "reason", "code"),
    [("per_a~per_b", "x", "NOT_FOUND"), ("", "x", "NOT_FOUND"), ("~" * 9000, "x", "NOT_FOUND"), (None, " ", "BAD_ARGUMENT")],
)  # fmt: skip
async def test_what_is_not_taken(ask: Asked, id: str | None, reason: str, code: str) -> None:
    if id is None:
        id = (await asked_about(ask))[0]["id"]
    assert await ask(JUDGE, id=id, same=True, reason=reason) == {"judgeLink": {"code": code}}


async def test_a_judgement_is_no_get_request(ask: Asked) -> None:
    question = (await asked_about(ask))[0]
    told = await ask.answer(JUDGE, id=question["id"], same=True, reason="x", method="GET")
    assert "errors" in told
    assert not ask.loader.is_decided_anew()


DISAGREEMENTS = """query ($department: String, $field: String) {
  disagreements(department: $department, field: $field) {
    totalCount { value } edges { node { entity { id title } field says { value feed chosen } } }
  }
}"""


async def test_departments_that_contradict_each_other(ask: Asked) -> None:
    found = (await ask(DISAGREEMENTS, department="组织部"))["disagreements"]
    assert found["totalCount"] == {"value": 1}
    (node,) = [e["node"] for e in found["edges"]]
    assert node["field"] == "name" and node["entity"]["title"]
    said = {(s["feed"], s["value"], s["chosen"]) for s in node["says"]}
    assert said >= {("volunteers", "章测试", False), ("residents", "张测试", True)}
    assert (await ask(DISAGREEMENTS, department="公安", field="name"))["disagreements"]["edges"] == []
    assert await ask.codes(DISAGREEMENTS, department="没有") == ["NOT_FOUND"]
    assert await ask.codes(DISAGREEMENTS, LIMITED) == ["NOT_FOUND"]


WHY = """query ($id: ID!) {
  neighbourhood(id: $id, depth: 1) { links { type start end why { value feed row chosen since received { column } } } }
}"""

TAKEN = """query ($id: ID!) {
  person(id: $id) { why(field: "name") { feed value taken { link score agrees { code } version judge reason at } } }
}"""


async def test_why_names_the_link_that_a_machine_made(ask: Asked) -> None:
    """The alarms' caller is known by name and phone alone: their record is of the person by a link."""
    linked = [e["node"] for e in (await ask(LINKS, state="LINK"))["links"]["edges"]]
    link = next(x for x in linked if x["kind"] == "PERSON" and x["judged"] is None)
    facts = (await ask(TAKEN, id=link["one"]["entity"]["id"]))["person"]["why"]
    taken = [t for f in facts for t in f["taken"] if t["link"] == link["id"]]
    assert taken and all(t["score"] == link["score"] and t["judge"] is None for t in taken)
    assert {"name"} <= {a["code"] for a in taken[0]["agrees"]} and taken[0]["version"].startswith("people-")
    told = quanxi(
        "why", link["one"]["entity"]["id"], "name", "--json", data=ask.directory / "data", QUANXI_KEY=KEY
    )
    assert told.returncode == 0, told.stderr
    assert link["id"] in {t["link"] for f in json.loads(told.stdout) for t in f["taken"]}


async def test_why_of_a_relationship(ask: Asked) -> None:
    person = await ask.id_of("张测试")
    links = (await ask(WHY, id=person))["neighbourhood"]["links"]
    assert {"LIVES_AT", "OWNS"} <= {x["type"] for x in links}
    assert all(x["why"] for x in links)
    (home,) = [x for x in links if x["type"] == "LIVES_AT"]
    (fact,) = home["why"]
    assert (fact["value"], fact["feed"], fact["chosen"], fact["since"]) == (
        home["end"],
        "residents",
        True,
        "2020-01-01",
    )
    within = (await ask(WHY, LIMITED, id=person))["neighbourhood"]["links"]
    assert within and all(f["chosen"] and f["received"] == [] for x in within for f in x["why"])
    one = 'query ($id: ID!) { node(id: $id) { ... on Person { why(field: "LIVES_AT") { value } } } }'
    assert (await ask(one, id=person))["node"]["why"] == [{"value": home["end"]}]
    assert (await ask(one, LIMITED, id=person))["node"]["why"] == []


async def test_a_question_is_told_and_a_judgement_moves_the_graph(ask: Asked) -> None:
    person = (await ask(WHO))["volunteer"]["person"]
    father_and_son = person["possibleSame"]
    assert len({m["id"] for m in father_and_son} | {person["id"]}) == 3
    match = father_and_son[0]
    assert 0 < match["score"] < 1
    assert {a["code"] for a in match["agrees"]} >= {"name", "phone"}

    questions = await asked_about(ask)
    assert {q["id"] for q in questions} == {m["link"] for m in father_and_son}
    (question,) = [q for q in questions if q["id"] == match["link"]]
    assert question["state"] == "ASK" and question["judged"] is None
    assert {question["one"]["entity"]["id"], question["other"]["entity"]["id"]} == {person["id"], match["id"]}
    assert {"field": "name", "value": "陈建国", "feed": "volunteers"} in question["one"]["said"]
    assert not any(RESIDENTS[i]["公民身份号码"] in json.dumps(question) for i in (0, 1))

    judged = await ask(JUDGE, id=question["id"], same=True, reason="当面核实")
    assert judged["judgeLink"] == {"id": question["id"], "judged": {"same": True, "by": DEVELOPMENT.name}}
    assert ask.loader.is_decided_anew()
    await ask.loader.apply(ask.store)
    assert not ask.loader.is_decided_anew()
    now = (await ask(WHO))["volunteer"]["person"]
    assert now["id"] == match["id"] and now["possibleSame"] == [] and now["homes"]["edges"]
    linked = [e["node"] for e in (await ask(LINKS, state="LINK"))["links"]["edges"]]
    (link,) = [x for x in linked if x["id"] == question["id"]]
    assert link["judged"] == {"same": True, "reason": "当面核实", "by": DEVELOPMENT.name}
    assert link["one"]["entity"] == link["other"]["entity"]
    # And `why` of the person says by which judgement the volunteer's record is theirs.
    facts = {(f["feed"], bool(f["taken"])): f for f in (await ask(TAKEN, id=now["id"]))["person"]["why"]}
    assert set(facts) == {("residents", False), ("volunteers", True)}
    (taken,) = facts["volunteers", True]["taken"]
    assert taken["link"] == question["id"] and (taken["judge"], taken["reason"]) == (
        DEVELOPMENT.name,
        "当面核实",
    )
    limited = (await ask(TAKEN, LIMITED, id=now["id"]))["person"]["why"]
    assert limited and all(f["taken"] == [] for f in limited)

    await ask(JUDGE, id=question["id"], same=False, reason="系其子")
    await ask.loader.apply(ask.store)
    apart = (await ask(WHO))["volunteer"]["person"]
    (father,) = {m["id"] for m in father_and_son} - {match["id"]}
    assert (apart["id"], apart["possibleSame"]) == (father, []), "of two that it may be, it is not the one"


async def test_the_command(ask: Asked) -> None:
    question = (await ask(LINKS, state="LINK"))["links"]["edges"][0]["node"]
    listed = quanxi("link", "list", "--state", "link", "--json", data=ask.directory / "data", QUANXI_KEY=KEY)
    row = json.loads(listed.stdout)[0]
    assert row["id"] == question["id"]
    told = quanxi(
        "link",
        "judge",
        question["id"],
        "same",
        "--reason",
        "当面核实",
        data=ask.directory / "data",
        QUANXI_KEY=KEY,
    )
    assert told.returncode == 0, told.stderr
    assert ask.loader.is_decided_anew(), "another process judged it"
    wrong = quanxi(
        "link", "judge", "per_a~per_b", "same", "--reason", "x", data=ask.directory / "data", QUANXI_KEY=KEY
    )
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
