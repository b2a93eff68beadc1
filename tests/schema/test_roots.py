"""What each root and relation answers, asked of a tiny district that came through the real loader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.meta import read_meta
from graph.store import Store
from graph.viewer import DEVELOPMENT, Viewer
from ledger import FindingLog, Keyring
from ledger.publications import Publications
from loaders.identity.judging import Judging
from loaders.mend import Disagreements
from loaders.resolving import Resolving
from loaders.why import Explainer
from loaders.wiring import open_loader
from ontology import Sensitivity
from ontology.clock import Clock
from ontology.identifiers import identity_hash, make_citizen_id
from ontology.terms import load_terms
from schema import build_schema
from schema.context import Context
from schema.limits import Limits
from schema.operations import Method, Operations
from tests.conftest import empty
from tests.loaders.tiny import ADDRESSES, BUILDING, DISTRICT, FIRM, HOUSE_301, LI, ZHANG, C, write_feed
from traces.judging import FindingJudging
from traces.standing import StandingTraces

KEY = "ab" * 32
GRID = C + "G01"
OTHER, CANARY = "330109001001", "金丝雀"
WANG = make_citizen_id("330109", "1970-02-02", 33)
THERE = f"萧山区{CANARY}街道{CANARY}社区{CANARY}苑1幢"
# A second community, whose every value says so.
ELSEWHERE: dict[str, list[dict[str, str]]] = {
    "addresses": [
        {"地址编码": "330109001", "上级编码": "330109", "层级": "镇街", "名称": f"{CANARY}街道", "全称": f"萧山区{CANARY}街道"},
        {"地址编码": OTHER, "上级编码": "330109001", "层级": "村社", "名称": f"{CANARY}社区", "全称": f"萧山区{CANARY}街道{CANARY}社区"},
        {"地址编码": OTHER + "0001", "上级编码": OTHER, "层级": "幢", "名称": f"{CANARY}苑1幢", "全称": THERE},
    ],
    "residents": [
        {"人口编号": f"Q{CANARY}", "姓名": f"王{CANARY}", "公民身份号码": WANG, "户籍类型": "户籍", "手机号": "13912345678", "现住地址": THERE,
         "入住日期": "2020-01-01", "更新时间": "2025-01-01"},
    ],
    "houses": [
        {"房屋编号": f"F{CANARY}", "房屋地址": THERE, "用途": "自住", "产权人姓名": f"王{CANARY}", "产权人证件号": WANG, "更新时间": "2025-01-01"},
    ],
    "alarms": [
        {"接警单号": f"Q{CANARY}", "报警时间": "2025-04-11 08:30:00", "警情类别": "纠纷", "警情细类": "邻里", "当事人姓名": f"王{CANARY}",
         "当事人证件号": WANG, "对方姓名": "张测试", "对方证件号": ZHANG, "事发地址": THERE, "更新时间": "2025-05-01"},
        # Here, with somebody from there.
        {"接警单号": "J9", "报警时间": "2025-04-10 08:30:00", "警情类别": "纠纷", "警情细类": "邻里", "当事人姓名": f"王{CANARY}",
         "当事人证件号": WANG, "对方姓名": "张测试", "对方证件号": ZHANG, "事发地址": ADDRESSES[-1]["全称"], "更新时间": "2025-05-01"},
    ],
}  # fmt: skip
LIMITED = Viewer("limited", C, frozenset({Sensitivity.SENSITIVE}))


class Asked:
    """The tiny district, and Quanxi's schema asked about it."""

    def __init__(self, store: Store, directory: Path) -> None:
        data = directory / "data"
        data.mkdir()
        self.store = store
        self.directory = directory
        self.loader = open_loader(data, None, Clock(date(2025, 12, 15)), keyring=Keyring(KEY))
        publications = Publications(self.loader.ledger)
        self.traces = StandingTraces(None, self.loader.terms, publications, self.loader.clock)
        self.operations = Operations(build_schema(), Limits(seconds=60))
        self.rolled_for: str | None = None

    async def load(self) -> None:
        await ensure_schema(self.store)
        files = [
            write_feed(self.directory, feed, [*rows, *ELSEWHERE.get(feed, ())])
            for feed, rows in DISTRICT.items()
        ]
        await self.loader.load(self.store, files)
        await self.store.write(
            "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()", autocommit=True
        )
        self.rolled_for = (await read_meta(self.store)).get("rolled_for")

    async def answer(
        self, query: str, viewer: Viewer = DEVELOPMENT, *, method: Method = "POST", rolled: bool = True, **variables: Any
    ) -> dict[str, Any]:  # fmt: skip
        explainer = Explainer(self.loader, self.loader.ledger)
        context = Context(
            store=self.store, viewer=viewer, clock=self.loader.clock, scheme=self.loader.scheme, terms=load_terms(),
            identity_hash=lambda number: identity_hash(self.loader.ledger.vault.identity, number),
            explainer=explainer, judges=Judging(self.loader, explainer), resolves=Resolving(self.loader, explainer.lock),
            disagrees=Disagreements(self.loader, explainer), traces=self.traces, log=FindingLog(self.loader.ledger),
            judges_findings=FindingJudging(FindingLog(self.loader.ledger), self.loader.clock, explainer.lock), rolled_for=self.rolled_for if rolled else None,
            method=method, timeout=60,
        )  # fmt: skip
        return (await self.operations.run(query, variables, None, context, method=method)).body

    async def __call__(self, query: str, viewer: Viewer = DEVELOPMENT, **more: Any) -> Any:
        body = await self.answer(query, viewer, **more)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def codes(self, query: str, viewer: Viewer = DEVELOPMENT, **more: Any) -> list[str]:
        """The codes of an answer's errors."""
        return [e["extensions"]["code"] for e in (await self.answer(query, viewer, **more)).get("errors", ())]

    async def id_of(self, name: str) -> str:
        found = await self.store.read("MATCH (p:Person {name: $name}) RETURN p.id AS id", {"name": name})
        return str(found[0])


@pytest.fixture(scope="module")
async def ask(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    async with Store.open(engine) as store:
        await empty(store)
        asked = Asked(store, tmp_path_factory.mktemp("roots"))
        await asked.load()
        yield asked
        asked.loader.close()


def names(connection: Any) -> list[str]:
    return [edge["node"]["title"] for edge in connection["edges"]]


# -- days ----------------------------------------------------------------------------------------------------------------


async def test_a_move_is_seen_on_its_day(ask: Asked) -> None:
    query = """query($code: AddressCode!, $day: Date) {
      address(code: $code, asOf: $day) { asOf residents { totalCount { value } edges { since until node { title homes { edges { node { code } } } } } } } }"""
    before = (await ask(query, code=HOUSE_301, day="2025-02-28"))["address"]
    on_the_day = (await ask(query, code=HOUSE_301, day="2025-03-01"))["address"]
    assert before["asOf"] == "2025-02-28"
    assert names(before["residents"]) == ["张测试", "李测试"] or names(before["residents"]) == [
        "李测试",
        "张测试",
    ]
    assert before["residents"]["totalCount"] == {"value": 2}
    assert names(on_the_day["residents"]) == ["张测试"]
    at_building = (await ask(query, code=BUILDING, day="2025-03-01"))["address"]["residents"]
    li = next(e for e in at_building["edges"] if e["node"]["title"] == "李测试")
    assert (li["since"], li["until"], li["node"]["homes"]["edges"]) == (
        "2025-03-01", "9999-12-31", [{"node": {"code": BUILDING}}],
    )  # fmt: skip


async def test_totals_are_equal_with_and_without_roll_ups(ask: Asked) -> None:
    query = """query($codes: [AddressCode!]!) { addresses(codes: $codes) {
      counts { people { value exactness } floating { value } houses { value } rented { value } enterprises { value } incidents { value }
               matters { value } openMatters { value } vehicles { value } devices { value } volunteers { value } }
      residents { totalCount { value } } incidents { totalCount { value } } houses { totalCount { value } } } }"""
    codes = ["330109", "330109002", C, GRID, GRID + "M01", BUILDING, BUILDING + "01", HOUSE_301, OTHER]
    assert ask.rolled_for == "2025-12-15"
    assert await ask(query, codes=codes) == await ask(query, codes=codes, rolled=False)


async def test_here_and_below(ask: Asked) -> None:
    query = """query($code: AddressCode!) { address(code: $code) {
      here: residents(reach: HERE) { totalCount { value } edges { node { title } } }
      below: residents { totalCount { value } edges { node { title } } }
      c: counts(reach: HERE) { people { value } incidents { value } houses { value } } } }"""
    found = (await ask(query, code=BUILDING))["address"]
    assert names(found["here"]) == ["李测试"]
    assert sorted(names(found["below"])) == ["张测试", "李测试"]
    assert found["here"]["totalCount"] == {"value": 1}
    # The dispute of the mediation and the alarms are in the dwelling; the inspection and the hazard here.
    assert found["c"] == {"people": {"value": 1}, "incidents": {"value": 2}, "houses": {"value": 0}}


# -- places --------------------------------------------------------------------------------------------------------------


async def test_a_grid_is_asked_as_a_place(ask: Asked) -> None:
    query = "query($codes: [AddressCode!]!) { addresses(codes: $codes) { level name residents { edges { node { title } } } houses { totalCount { value } } } }"
    grid, micro, none = (await ask(query, codes=[GRID, GRID + "M01", GRID + "M09"]))["addresses"]
    assert (grid["level"], micro["level"], none) == ("GRID", "MICRO_GRID", None)
    assert sorted(names(grid["residents"])) == ["张测试", "李测试"]
    assert grid["residents"] == micro["residents"]
    assert grid["houses"] == micro["houses"] == {"totalCount": {"value": 1}}


async def test_addresses_keep_the_order_asked_with_nulls_and_twins(ask: Asked) -> None:
    codes = [HOUSE_301, "330109099999", C, HOUSE_301]
    found = await ask("query($c: [AddressCode!]!) { addresses(codes: $c) { code } }", c=codes)
    assert [a and a["code"] for a in found["addresses"]] == [HOUSE_301, None, C, HOUSE_301]


async def test_path_and_areas(ask: Asked) -> None:
    found = await ask(
        "query($c: AddressCode!) { address(code: $c) { path { code } areas { code } } }", c=HOUSE_301
    )
    assert [p["code"] for p in found["address"]["path"]] == [
        "330109", "330109002", C, BUILDING, BUILDING + "01", HOUSE_301,
    ]  # fmt: skip
    assert [a["code"] for a in found["address"]["areas"]] == [GRID, GRID + "M01"]


# -- filters -------------------------------------------------------------------------------------------------------------


async def test_filters_of_residents(ask: Asked) -> None:
    query = 'query($f: ResidentFilter) { address(code: "330109002001") { residents(filter: $f) { totalCount { value } edges { node { title } } } } }'

    async def found(**filter: Any) -> list[str]:
        page = (await ask(query, f=filter))["address"]["residents"]
        assert page["totalCount"]["value"] == len(page["edges"])
        return sorted(names(page))

    assert await found() == ["张测试", "李测试"]
    assert await found(residence=["floating"]) == ["李测试"]
    assert await found(residence=["registered", "floating"]) == ["张测试", "李测试"]
    assert await found(name="张") == ["张测试"]
    # Born on 1990-01-01 and 1985-06-15; today is 2025-12-15.
    assert await found(ageFrom=40) == ["李测试"]
    assert await found(ageTo=35) == ["张测试"]
    assert await found(ageFrom=35, ageTo=35) == ["张测试"]
    assert await found(ageFrom=36, ageTo=39) == []


async def test_filters_and_orders_of_incidents(ask: Asked) -> None:
    query = """query($k: [String!], $d: Period, $o: IncidentOrder!) { address(code: "330109002") {
      incidents(kinds: $k, during: $d, orderBy: $o) { totalCount { value } edges { node { number } } } } }"""

    async def found(kinds: list[str] | None = None, during: Any = None, order: str = "OLDEST") -> list[str]:
        page = (await ask(query, k=kinds, d=during, o=order))["address"]["incidents"]
        assert page["totalCount"]["value"] == len(page["edges"])
        return [e["node"]["number"] for e in page["edges"]]

    disputes = ["J1", "J2", "J3", "J9"]
    assert await found(["dispute"]) == disputes
    assert await found(["dispute"], order="NEWEST") == disputes[::-1]
    # [from, to): a report of the last day is in when the day after is `to`.
    assert await found(["dispute"], {"from": "2025-02-10", "to": "2025-03-10"}) == ["J2"]
    assert await found(["dispute"], {"from": "2025-02-10", "to": "2025-03-11"}) == ["J2", "J3"]
    assert set(await found()) == {*disputes, "C1", "Y1"}
    assert await found(["no_such_kind"]) == []


async def test_houses_let_or_not(ask: Asked) -> None:
    query = 'query($r: Boolean) { address(code: "330109") { houses(rented: $r) { totalCount { value } edges { node { hid owners { title } tenants { edges { node { title } } } } } } } }'
    let = (await ask(query, r=True))["address"]["houses"]
    assert [e["node"]["hid"] for e in let["edges"]] == ["F1"]
    assert let["edges"][0]["node"]["owners"] == [{"title": "张测试"}]
    assert names(let["edges"][0]["node"]["tenants"]) == ["李测试"]
    kept = (await ask(query, r=False))["address"]["houses"]
    assert [e["node"]["hid"] for e in kept["edges"]] == [f"F{CANARY}"]
    assert (await ask(query, r=None))["address"]["houses"]["totalCount"] == {"value": 2}


# -- single things -------------------------------------------------------------------------------------------------------


async def test_each_thing_by_what_it_is_known_by(ask: Asked) -> None:
    found = await ask(
        """query($firm: String!) {
          phone(number: "138 0000 0001") { holders { edges { node { title } } } }
          house(hid: "F1") { at { code } rented }
          enterprise(uscc: $firm) { name representative { title } employees { edges { node { title } } } at { code } }
          vehicle(plate: "浙a12345") { plate owners { title } registeredAt { code } }
          incident(number: "J3") { at { code } matter { number } parties { role { code } entity { __typename title } } handledBy { name } }
          again: incident(number: "M1") { at { code } matter { number } parties { role { code } entity { __typename title } } handledBy { name } }
          matter(number: "M1") { incidents { number reports { number kind { code } at } } }
          volunteer(vid: "V1") { person { title } team { name } serves { code } }
          team(tid: "D1") { members { edges { node { vid } } } serves { code } }
          terms(list: "residence") { code }
        }""",
        firm=FIRM,
    )
    assert names(found["phone"]["holders"]) == ["张测试"]
    assert found["house"] == {"at": {"code": HOUSE_301}, "rented": True}
    assert found["enterprise"]["representative"] == {"title": "张测试"}
    assert names(found["enterprise"]["employees"]) == ["李测试"]
    assert found["enterprise"]["at"] == {"code": BUILDING}
    assert found["vehicle"] == {
        "plate": "浙A12345", "owners": [{"title": "张测试"}], "registeredAt": {"code": HOUSE_301},
    }  # fmt: skip
    assert found["incident"]["at"] == {"code": HOUSE_301}
    assert found["incident"]["matter"] == {"number": "M1"}
    assert found["incident"]["handledBy"] == [{"name": "北干派出所"}]
    kinds = {p["entity"]["__typename"] for p in found["incident"]["parties"]}
    assert kinds == {"Person", "Phone"}
    (handled,) = found["matter"]["incidents"]
    assert [r["number"] for r in handled["reports"]] == ["J3", "M1"], "two reports of one incident"
    assert found["incident"] == found["again"], "found by the number of either"
    assert found["volunteer"] == {
        "person": {"title": "张测试"}, "team": {"name": "金城先锋队"}, "serves": {"code": BUILDING},
    }  # fmt: skip
    assert found["team"]["members"]["edges"] == [{"node": {"vid": "V1"}}]
    assert [t["code"] for t in found["terms"]] == ["registered", "floating", "overseas", "lodging"]


async def test_a_person_by_number_over_post_only(ask: Asked) -> None:
    query = "query($n: String!) { person(idNumber: $n) { title idNumber } }"
    found = (await ask(query, n=LI))["person"]
    assert found["title"] == "李测试"
    assert LI not in str(found) and "*" in found["idNumber"]
    assert await ask.codes(query, n=LI, method="GET") == ["PERSONAL_DATA_IN_GET"]
    assert await ask.codes(query, n="330109199001010000") == ["BAD_IDENTIFIER"]
    assert await ask.codes("{ person { id } }") == ["BAD_ARGUMENT"]


async def test_nodes_keep_their_order_and_kinds(ask: Asked) -> None:
    zhang = await ask.id_of("张测试")
    found = await ask(
        """query($ids: [ID!]!) { nodes(ids: $ids) { __typename title ...P ... on Address { code } ... on Entity { masks { field } } } }
        fragment P on Person { vehicles { edges { node { plate } } } }""",
        ids=[zhang, "per_none", "nonsense", zhang],
    )
    first, unknown, nonsense, again = found["nodes"]
    assert (unknown, nonsense) == (None, None)
    assert first == again == {
        "__typename": "Person", "title": "张测试", "masks": [], "vehicles": {"edges": [{"node": {"plate": "浙A12345"}}]},
    }  # fmt: skip


async def test_included_and_skipped_by_variables(ask: Asked) -> None:
    query = """query($yes: Boolean!, $no: Boolean!) { address(code: "330109") {
      name @include(if: $no) code @skip(if: $no) level @include(if: $yes)
      ... on Address @skip(if: $yes) { fullName } ...F @include(if: $yes) } }
      fragment F on Address { residents(first: 1) { edges { cursor @skip(if: $yes) node { title @include(if: $no) id } } } }"""
    found = (await ask(query, yes=True, no=False))["address"]
    assert set(found) == {"code", "level", "residents"}
    assert set(found["residents"]["edges"][0]["node"]) == {"id"}


async def test_links_and_paths_of_what_there_is_not(ask: Asked) -> None:
    zhang = await ask.id_of("张测试")
    for query in (
        'query($z: ID!) { paths(from: $z, to: "per_aaaaaaaaaaaaaaaa") { sentence } }',
        'query($z: ID!) { paths(from: "nonsense", to: $z) { sentence } }',
        'query($z: ID!) { paths(from: $z, to: $z) { sentence } neighbourhood(id: "per_aaaaaaaaaaaaaaaa") { nodes { id } } }',
    ):
        assert await ask.codes(query, z=zhang) == ["NOT_FOUND"]
    itself = await ask(
        "query($z: ID!) { paths(from: $z, to: $z) { paths { length nodeIds linkIds } graph { nodes { title } links { id } } cut { by } } }",
        z=zhang,
    )
    assert itself["paths"] == {
        "paths": [{"length": 0, "nodeIds": [zhang], "linkIds": []}],
        "graph": {"nodes": [{"title": "张测试"}], "links": []}, "cut": [],
    }  # fmt: skip
    limited = (
        "query($z: ID!, $l: ID!) { paths(from: $z, to: $l, limit: 1) { paths { length } cut { by limit } } }"
    )
    found = (await ask(limited, z=zhang, l=await ask.id_of("李测试")))["paths"]
    assert len(found["paths"]) == 1
    assert found["cut"] == [{"by": "ROWS", "limit": 1}]


# -- pages and errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST"])
@pytest.mark.parametrize("code", ["330109", "330109002", C, GRID, BUILDING])
async def test_pages_give_each_item_once_in_order(ask: Asked, code: str, order: str) -> None:
    query = """query($c: AddressCode!, $o: IncidentOrder!, $n: Int!, $a: String) { address(code: $c) {
      incidents(orderBy: $o, first: $n, after: $a) { pageInfo { hasNextPage hasPreviousPage endCursor } edges { node { number occurredAt } } } } }"""
    whole = (await ask(query, c=code, o=order, n=100))["address"]["incidents"]["edges"]
    times = [e["node"]["occurredAt"] for e in whole]
    assert times == sorted(times, reverse=order == "NEWEST")
    walked: list[Any] = []
    after = None
    while True:
        page = (await ask(query, c=code, o=order, n=2, a=after))["address"]["incidents"]
        walked += page["edges"]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert walked == whole


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ address(code: "hello") { name } }', "BAD_CODE"),
        ('{ address(code: "330109002999") { name } }', "NOT_FOUND"),
        ('{ address(code: "330109", asOf: "2025-02-30") { name } }', "BAD_DATE"),
        ('{ address(code: "330109", asOf: "15.12.2025") { name } }', "BAD_DATE"),
        ('{ address(code: "330109") { residents(first: 0) { edges { cursor } } } }', "BAD_ARGUMENT"),
        ('{ address(code: "330109") { residents(first: 101) { edges { cursor } } } }', "BAD_ARGUMENT"),
        ('{ address(code: "330109") { residents(after: "!") { edges { cursor } } } }', "BAD_CURSOR"),
        # Cursors of another list, of another order, of wrong kinds.
        ('{ address(code: "330109") { residents(after: "WyJuZXdlc3QiLCJhIiwiYiJd") { edges { cursor } } } }', "BAD_CURSOR"),
        ('{ address(code: "330109") { incidents(orderBy: OLDEST, after: "WyJuZXdlc3QiLCJhIiwiYiJd") { edges { cursor } } } }', "BAD_CURSOR"),
        ('{ address(code: "330109") { incidents(after: "WyJuZXdlc3QiLDEsMl0") { edges { cursor } } } }', "BAD_CURSOR"),
        ('{ repeatDisputes(area: "330109", after: "WyJuZXdlc3QiLCJ4Il0") { edges { cursor } } }', "BAD_CURSOR"),
        ('{ repeatDisputes(area: "330109", after: "WyJuZXdlc3QiLC01XQ") { edges { cursor } } }', "BAD_CURSOR"),
        ('{ hazardRelapses(area: "330109", after: "WyJuZXdlc3QiLC01XQ") { edges { cursor } } }', "BAD_CURSOR"),
        ('{ search(text: "张", kinds: [PERSON], after: "WyJzY29yZSIsLTVd") { groups { kind } } }', "BAD_CURSOR"),
        ('{ search(text: "张", after: "WyJzY29yZSIsNV0") { groups { kind } } }', "BAD_CURSOR"),
        ('{ repeatDisputes(area: "330109", minimum: 1) { edges { cursor } } }', "BAD_ARGUMENT"),
        ('{ repeatDisputes(area: "330109", withinDays: 400) { edges { cursor } } }', "BAD_ARGUMENT"),
        ('{ repeatDisputes(area: "330109", first: 0) { edges { cursor } } }', "BAD_ARGUMENT"),
        ('{ search(text: " ") { groups { kind } } }', "BAD_ARGUMENT"),
        ('{ search(text: "张", first: 0) { groups { kind } } }', "BAD_ARGUMENT"),
        ('{ terms(list: "none") { code } }', "BAD_ARGUMENT"),
        ('{ phone(number: "12") { id } }', "BAD_IDENTIFIER"),
        ('{ vehicle(plate: "12") { id } }', "BAD_IDENTIFIER"),
        ('{ neighbourhood(id: "per_x", depth: 4) { nodes { id } } }', "TOO_DEEP"),
        ('{ paths(from: "per_x", to: "per_x", maxDepth: 9) { sentence } }', "TOO_DEEP"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_by_its_code(ask: Asked, query: str, code: str) -> None:
    assert await ask.codes(query) == [code]


# -- who may see what ----------------------------------------------------------------------------------------------------


async def test_results_found_whole_are_walked_too(ask: Asked) -> None:
    query = """query($a: String) { repeatDisputes(area: "330109", by: EITHER, minimum: 2, within_days: 366, first: 1, after: $a) {
      totalCount { value } pageInfo { hasNextPage endCursor } edges { node { incidents { number } } } } }"""
    query = query.replace("within_days", "withinDays")
    first = (await ask(query))["repeatDisputes"]
    walked, page = list(first["edges"]), first
    while page["pageInfo"]["hasNextPage"]:
        page = (await ask(query, a=page["pageInfo"]["endCursor"]))["repeatDisputes"]
        walked += page["edges"]
    assert len(walked) == first["totalCount"]["value"] > 1
    assert len({str(edge) for edge in walked}) == len(walked)
    text = """query($a: String) { search(text: "测试", kinds: [PERSON], first: 2, after: $a) {
      groups { hits { totalCount { value } pageInfo { hasNextPage endCursor } edges { node { id title } } } } } }"""
    hits = (await ask(text))["search"]["groups"][0]["hits"]
    rest = (await ask(text, a=hits["pageInfo"]["endCursor"]))["search"]["groups"][0]["hits"]
    assert sorted(names(hits) + names(rest)) == ["张测试", "李测试", "王测试"]
    assert (hits["totalCount"], rest["pageInfo"]["hasNextPage"]) == ({"value": 3}, False)


async def test_why_is_for_whom_the_node_is(ask: Asked) -> None:
    query = """query($z: ID!) { node(id: $z) { ... on Person { why(field: "name") { value feed received { column value } } mobile phones { id }
      incidents { totalCount { value } edges { node { number parties { entity { title } } } } } } } }"""
    found = (await ask(query, LIMITED, z=await ask.id_of("张测试")))["node"]
    assert "张测试" in {fact["value"] for fact in found["why"]}
    assert "138000" not in str(found)
    assert CANARY not in str(found)
    assert "J9" in str(found)
    wang = await ask.answer(query, LIMITED, z=await ask.id_of(f"王{CANARY}"))
    nobody = await ask.answer(query, LIMITED, z="per_aaaaaaaaaaaaaaaa")
    assert wang == nobody


async def test_a_filter_is_no_oracle(ask: Asked) -> None:
    query = 'query($c: AddressCode!) { address(code: $c) { residents(filter: {name: "王"}) { totalCount { value } } } incidents(numbers: ["J9"]) { parties { entity { title } } } }'
    found = await ask(query, LIMITED, c=C)
    assert found["address"]["residents"]["totalCount"] == {"value": 0}
    assert CANARY not in str(found)
    assert await ask.codes('{ repeatDisputes(area: "330109001001") { totalCount { value } } }', LIMITED) == []
    hits = await ask(
        f'{{ search(text: "{CANARY}") {{ groups {{ kind hits {{ totalCount {{ value }} }} }} }} }}', LIMITED
    )
    assert hits["search"]["groups"] == []
