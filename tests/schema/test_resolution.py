"""Free text → address through GraphQL: answers, what a limited viewer is told, what waits for a person, and what a person picks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.engine import EngineAddress
from graph.store import Store, count_statements
from tests.conftest import empty
from tests.loaders.tiny import BUILDING, HOUSE_301, C, write_feed
from tests.schema.test_roots import CANARY, LIMITED, THERE, Asked

# Villages of one name in two streets; of a resident who lives in one it is not said in which.
STREETS = {"330109004": "新塘街道", "330109103": "河上镇"}
VILLAGES = [
    row
    for code, street in STREETS.items()
    for row in (
        {"地址编码": code, "上级编码": "330109", "层级": "镇街", "名称": street, "全称": f"萧山区{street}"},
        {"地址编码": code + "235", "上级编码": code, "层级": "村社", "名称": "紫霞村", "全称": f"萧山区{street}紫霞村"},
        {"地址编码": code + "2350001", "上级编码": code + "235", "层级": "幢", "名称": "2组8号", "全称": f"萧山区{street}紫霞村2组8号"},
    )
]  # fmt: skip
NAMESAKE = "紫霞村2组8号"
RESIDENTS = [
    {"人口编号": "R81", "姓名": "钱测试", "户籍类型": "流动", "手机号": "13800000081", "现住地址": NAMESAKE, "更新时间": "2025-01-01"},
    {"人口编号": "R82", "姓名": "孙测试", "户籍类型": "流动", "手机号": "13800000082", "现住地址": "紫霞村 ２组8号", "更新时间": "2025-01-01"},
]  # fmt: skip
RESOLVE = """query ($text: String!, $near: AddressCode, $first: Int! = 5) {
  resolveAddress(text: $text, near: $near, first: $first) {
    outcome
    best { level confidence because address { code fullName counts { people { value } } } }
    alternatives { confidence address { code } }
    parse { type { code zh } text start end }
  }
}"""
WAITING = """query ($feed: String, $outcome: WaitingFor! = ASK, $first: Int, $after: String) {
  unplaced(feed: $feed, outcome: $outcome, first: $first, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor }
    edges { node { feed { code zh } text records resolution { outcome alternatives { address { code } } } } }
  }
}"""
PICK = """mutation ($text: String!, $code: AddressCode, $reason: String!) {
  pickAddress(text: $text, code: $code, reason: $reason) {
    ... on Picked { text place by reason } ... on Refused { code }
  }
}"""
HOMES = "MATCH (:Person {name: $name})-[:LIVES_AT]->(a) RETURN a.code"


@pytest.fixture(scope="module")
async def ask(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    async with Store.open(engine) as store:
        await empty(store)
        directory = tmp_path_factory.mktemp("resolution")
        asked = Asked(store, directory)
        await asked.load()
        more = {"addresses": VILLAGES, "residents": RESIDENTS}
        await asked.loader.load(store, [write_feed(directory, f, rows, "_2") for f, rows in more.items()])
        yield asked
        asked.loader.close()


async def resolved(ask: Asked, text: str, *viewer: Any, **more: Any) -> Any:
    return (await ask(RESOLVE, *viewer, text=text, **more))["resolveAddress"]


async def test_a_messy_text_finds_its_room_in_one_statement(ask: Asked) -> None:
    with count_statements() as counter:
        found = await resolved(ask, "北幹街道金城社区 金帝花园三栋1单元３０１")
    assert len(counter.texts) == 1
    best = found["best"]
    assert (found["outcome"], best["level"], best["address"]["code"]) == ("RESOLVED", "DWELLING", HOUSE_301)
    assert best["address"]["counts"]["people"]["value"] >= 1 and best["confidence"] > 0.9
    assert any("金帝花园" in reason for reason in best["because"])
    text = "北幹街道金城社区 金帝花园三栋1单元３０１"
    assert [e["text"] for e in found["parse"]] == [text[e["start"] : e["end"]] for e in found["parse"]]
    assert {"23", "building", "unit", "room"} <= {e["type"]["code"] for e in found["parse"]}


async def test_namesakes_are_asked_about_unless_a_place_is_near(ask: Asked) -> None:
    found = await resolved(ask, NAMESAKE)
    assert found["outcome"] == "ASK"
    assert sorted(c["address"]["code"] for c in found["alternatives"]) == [
        "3301090042350001", "3301091032350001",
    ]  # fmt: skip
    assert len((await resolved(ask, NAMESAKE, first=1))["alternatives"]) == 1
    near = await resolved(ask, NAMESAKE, near="330109103")
    assert (near["outcome"], near["best"]["address"]["code"]) == ("RESOLVED", "3301091032350001")


async def test_outside_and_unknown(ask: Asked) -> None:
    assert (await resolved(ask, "杭州市滨江区江南大道100号"))["outcome"] == "OUTSIDE"
    assert (await resolved(ask, "火星路1号"))["outcome"] == "UNRESOLVED"


async def test_what_lies_outside_a_viewers_area_is_as_if_unknown(ask: Asked) -> None:
    inside = await resolved(ask, "金帝花园3幢1单元301室", LIMITED)
    assert inside["best"]["address"]["code"] == HOUSE_301
    unknown = await resolved(ask, "火星苑1幢", LIMITED)
    for text in (THERE, f"{CANARY}苑1幢", "萧山区北干街道", NAMESAKE):
        assert await resolved(ask, text, LIMITED) == unknown
    sentence = f"从{THERE}到金帝花园3幢"
    query = "query ($text: String!) { placesIn(text: $text) { text start end resolution { outcome best { address { code } } } } }"
    everybody = (await ask(query, text=sentence))["placesIn"]
    assert [p["resolution"]["best"]["address"]["code"] for p in everybody] == ["3301090010010001", BUILDING]
    assert all(p["text"] == sentence[p["start"] : p["end"]] for p in everybody)
    seen = (await ask(query, LIMITED, text=sentence))["placesIn"]
    assert [p["resolution"]["best"]["address"]["code"] for p in seen] == [BUILDING]


async def test_search_says_which_place_its_text_names(ask: Asked) -> None:
    query = "query ($text: String!) { search(text: $text) { understood resolution { outcome best { address { code } } } } }"
    found = (await ask(query, text="金帝花园3幢"))["search"]
    assert "address" in found["understood"]
    assert found["resolution"] == {"outcome": "RESOLVED", "best": {"address": {"code": BUILDING}}}
    nothing = (await ask(query, LIMITED, text=f"{CANARY}苑1幢"))["search"]
    assert nothing == {"understood": [], "resolution": {"outcome": "UNRESOLVED", "best": None}}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"text": ""}, "BAD_ARGUMENT"),
        ({"text": "  "}, "BAD_ARGUMENT"),
        ({"text": "北" * 401}, "BAD_ARGUMENT"),
        ({"text": "北干", "first": 0}, "BAD_ARGUMENT"),
        ({"text": "北干", "first": 21}, "BAD_ARGUMENT"),
        ({"text": "北干", "near": "33010900X"}, "BAD_CODE"),
    ],
)
async def test_what_is_not_asked_well(ask: Asked, variables: dict[str, Any], code: str) -> None:
    assert await ask.codes(RESOLVE, **variables) == [code]


async def test_what_waits_is_told_page_by_page_to_nobody_limited(ask: Asked) -> None:
    assert await ask.codes(WAITING, LIMITED) == ["NOT_FOUND"]
    assert await ask.codes(WAITING, feed="nothing") == ["BAD_ARGUMENT"]
    whole = (await ask(WAITING))["unplaced"]
    texts = [e["node"]["text"] for e in whole["edges"]]
    assert sorted(texts) == sorted(r["现住地址"] for r in RESIDENTS)
    assert whole["totalCount"]["value"] == 2
    assert all(len(e["node"]["resolution"]["alternatives"]) == 2 for e in whole["edges"])
    first = (await ask(WAITING, first=1))["unplaced"]
    second = (await ask(WAITING, first=1, after=first["pageInfo"]["endCursor"]))["unplaced"]
    assert [e["node"]["text"] for page in (first, second) for e in page["edges"]] == texts
    assert not second["pageInfo"]["hasNextPage"]
    unknown = (await ask(WAITING, outcome="UNRESOLVED", feed="residents"))["unplaced"]
    assert [e["node"]["text"] for e in unknown["edges"]] == ["火星路1号"]
    assert await ask.codes(WAITING, outcome="UNRESOLVED", after=first["pageInfo"]["endCursor"]) == [
        "BAD_CURSOR"
    ]


async def test_a_pick_holds_for_all_that_is_written_alike_and_can_be_taken_back(ask: Asked) -> None:
    code = "3301091032350001"
    nobody = {"pickAddress": {"code": "NOT_FOUND"}}
    assert await ask(PICK, LIMITED, text=NAMESAKE, code=code, reason="x") == nobody
    assert await ask(PICK, text=NAMESAKE, code=code, reason=" ") == {"pickAddress": {"code": "BAD_ARGUMENT"}}
    assert await ask(PICK, text=NAMESAKE, code="330109002777", reason="x") == nobody
    assert await ask(PICK, text=NAMESAKE, code=None, reason="x") == nobody, "nothing to be taken back"
    assert not ask.loader.is_decided_anew()

    kept = (await ask(PICK, text=NAMESAKE, code=code, reason="电话核实"))["pickAddress"]
    assert kept == {"text": NAMESAKE, "place": code, "by": "development", "reason": "电话核实"}
    found = await resolved(ask, "紫霞村2组8号")
    assert (found["outcome"], found["best"]["address"]["code"], found["best"]["confidence"]) == (
        "RESOLVED",
        code,
        1.0,
    )
    assert "电话核实" in found["best"]["because"][0]
    await ask.loader.load(ask.store, [])
    for name in ("钱测试", "孙测试"):
        assert await ask.store.read(HOMES, {"name": name}) == [code]
    assert (await ask(WAITING))["unplaced"]["totalCount"]["value"] == 0

    ask.loader.forget()
    await ask.loader.load(ask.store, [])
    assert await ask.store.read(HOMES, {"name": "钱测试"}) == [code], "the ledger alone makes it again"

    taken = (await ask(PICK, text="紫霞村２组8号", code=None, reason="选错"))["pickAddress"]
    assert taken["place"] is None
    await ask.loader.load(ask.store, [])
    assert await ask.store.read(HOMES, {"name": "钱测试"}) == []
    assert (await resolved(ask, NAMESAKE))["outcome"] == "ASK"
    assert C in (await resolved(ask, "金帝花园3幢"))["best"]["address"]["code"]
