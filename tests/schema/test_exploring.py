"""Exploring: what several things have in common, what happened to them, a subgraph's structure and its exports."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import networkx
import pytest

from graph.drawn import to_csv, to_graphml
from graph.queries import similar
from graph.queries.expand import Link
from graph.queries.impact import contagion
from graph.store import Store
from graph.viewer import Viewer
from ontology import Sensitivity
from tests.schema.drawn import Asker, draw, load


@pytest.fixture
async def town(store: Store) -> Asker:
    drawn = load("town")
    await draw(store, drawn)
    return Asker(store, drawn)


COMMON = """query ($ids: [ID!]!, $kinds: [Kind!], $limit: Int! = 50) { commonConnections(ids: $ids, kinds: $kinds, limit: $limit) {
  connections { node { id } of sentence } graph { nodes { id } links { type start end } cut { by limit } } } }"""
TIMELINE = """query ($ids: [ID!]!, $from: Date, $to: Date, $asOf: Date, $first: Int! = 100, $after: String) {
  timeline(ids: $ids, from: $from, to: $to, asOf: $asOf, first: $first, after: $after) {
    totalCount { value exactness } pageInfo { hasNextPage endCursor }
    edges { node { at what one { id } other { id } sentence link { type } } } } }"""
EXPORT = 'query ($format: ExportFormat!) { neighbourhood(id: "per_wang", depth: 1) { nodes { id } links { id } export(format: $format) } }'


SIMILAR = """query ($id: ID!, $asOf: Date, $first: Int! = 20, $after: String) { similarMatters(id: $id, asOf: $asOf, first: $first, after: $after) {
  totalCount { value } pageInfo { hasNextPage endCursor } edges { node { incident { id } score reasons days sentence } } } }"""
THEN = """query ($from: ID!, $to: ID!, $during: Period, $relations: [String!], $asOf: Date) {
  paths(from: $from, to: $to, during: $during, relations: $relations, asOf: $asOf) { searchedDepth paths { length nodeIds since until sentence } } }"""


async def test_what_several_have_in_common(town: Asker) -> None:
    found = (await town.data(COMMON, ids=["per_wang", "per_li", "per_zhang"]))["commonConnections"]
    told = {c["node"]["id"]: c for c in found["connections"]}
    assert set(told) == {
        "adr_3301090020010003021201", "ent_east", "ent_noodle", "hou_1201", "inc_d1", "inc_d2", "inc_d3", "inc_m2", "inc_old",
        "per_dong",
    }  # fmt: skip
    assert told["ent_noodle"]["of"] == ["per_li", "per_wang"]
    assert told["ent_noodle"]["sentence"] == "李二—受雇于、王一—任法定代表人 → 金城面馆"
    assert {"per_wang", "per_li", "per_zhang"} <= {n["id"] for n in found["graph"]["nodes"]}
    assert {"type": "WORKS_FOR", "start": "per_li", "end": "ent_noodle"} in found["graph"]["links"]
    firms = (await town.data(COMMON, ids=["per_wang", "per_li"], kinds=["ENTERPRISE"], limit=1))[
        "commonConnections"
    ]
    assert [c["node"]["id"] for c in firms["connections"]] == ["ent_east"]
    assert firms["graph"]["cut"] == [{"by": "ROWS", "limit": 1}]
    # Who is limited to the west is told of nothing in the east that both are bound to.
    limited = (await town.data(COMMON, town.drawn.limited, ids=["per_wang", "per_li"]))["commonConnections"]
    seen = {c["node"]["id"] for c in limited["connections"]}
    assert "ent_noodle" in seen and not seen & {"ent_east", "per_dong"}


async def test_what_happened_in_order(town: Asker) -> None:
    found = (await town.data(TIMELINE, ids=["per_wang", "veh_car"]))["timeline"]
    events = [e["node"] for e in found["edges"]]
    assert found["totalCount"] == {"value": 16, "exactness": "EXACT"}
    assert [e["at"] for e in events] == sorted((e["at"] for e in events), reverse=True)
    told = [(e["at"], e["what"], e["sentence"]) for e in events]
    assert told[0] == ("2025-12-02T20:00:00+08:00", "HAPPENS", "TC9 由…行驶 浙A12345")
    assert ("2024-01-01", "ENDS", "东阿一 拥有 浙A12345(止)") in told
    assert ("2015-01-01", "BEGINS", "王一 居住于 萧山区北干街道金城社区3幢2单元1201室(始)") in told
    # A tie that ends later has not ended yet; as of an earlier day less has happened.
    assert not [e for e in events if e["at"] > "2025-12-15T99"]
    past = (await town.data(TIMELINE, ids=["per_wang"], asOf="2024-06-01"))["timeline"]
    assert {e["node"]["at"] for e in past["edges"]} == {"2024-01-01", "2015-01-01"}
    early: dict[str, Any] = {"from": "2025-01-01", "to": "2025-01-05"}
    within = (await town.data(TIMELINE, ids=["per_wang"], **early))["timeline"]
    assert [e["node"]["at"] for e in within["edges"]] == ["2025-01-05T10:00:00+08:00", "2025-01-01"]
    paged: list[str] = []
    after = None
    while True:
        page = (await town.data(TIMELINE, ids=["per_wang", "veh_car"], first=7, after=after))["timeline"]
        paged += [e["node"]["sentence"] for e in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert paged == [e["sentence"] for e in events]
    limited = (await town.data(TIMELINE, town.drawn.limited, ids=["per_wang", "veh_car"]))["timeline"]
    assert 5 < limited["totalCount"]["value"] < 16
    assert not [e for e in limited["edges"] if "东" in e["node"]["sentence"]]


@pytest.mark.parametrize(
    ("query", "given", "code"),
    [
        (COMMON, {"ids": ["per_wang"]}, "BAD_ARGUMENT"), (COMMON, {"ids": ["per_wang", "per_wang"]}, "BAD_ARGUMENT"),
        (COMMON, {"ids": [f"per_{n}" for n in range(21)]}, "TOO_MANY"), (COMMON, {"ids": ["per_wang", "none"]}, "NOT_FOUND"),
        (COMMON, {"ids": ["per_wang", "per_li"], "limit": 301}, "BAD_ARGUMENT"),
        (TIMELINE, {"ids": []}, "BAD_ARGUMENT"), (TIMELINE, {"ids": ["per_none"]}, "NOT_FOUND"),
        (TIMELINE, {"ids": ["per_wang"], "after": "x"}, "BAD_CURSOR"),
    ],
)  # fmt: skip
async def test_refused(town: Asker, query: str, given: dict[str, Any], code: str) -> None:
    assert (await town(query, **given)).codes == [code]


async def test_the_structure_of_a_subgraph_alone(town: Asker) -> None:
    found = await town.data(
        """{ neighbourhood(id: "per_wang", depth: 2) { nodes { id } analysis { components bridges cutPoints central { id betweenness } communities } }
        finding(id: "fin_hazard") { evidence { analysis { components communities } } } }"""
    )
    told, nodes = found["neighbourhood"]["analysis"], {n["id"] for n in found["neighbourhood"]["nodes"]}
    assert told["components"] == 1
    assert told["central"][0]["id"] == "per_wang" and 0 < told["central"][0]["betweenness"] <= 1
    assert ["pmt_west", "veh_car"] in told["bridges"] and "veh_car" in told["cutPoints"]
    assert sorted(id for group in told["communities"] for id in group) == sorted(nodes)
    assert found["finding"]["evidence"]["analysis"]["components"] >= 1
    ten = " ".join(f'n{n}: neighbourhood(id: "per_wang") {{ analysis {{ components }} }}' for n in range(11))
    assert (await town(f"{{ {ten} }}")).codes == ["BAD_ARGUMENT"]


async def test_a_subgraph_for_other_tools(town: Asker) -> None:
    drawn = (await town.data(EXPORT, format="GRAPHML"))["neighbourhood"]
    nodes, links = {n["id"] for n in drawn["nodes"]}, {x["id"] for x in drawn["links"]}
    read = networkx.parse_graphml(drawn["export"])
    assert set(read.nodes) == nodes and read.number_of_edges() == len(links)
    assert read.nodes["per_wang"] == {"kind": "Person", "title": "王一"}
    linked = json.loads((await town.data(EXPORT, format="NODE_LINK"))["neighbourhood"]["export"])
    again: Any = networkx.node_link_graph(linked, edges="links")
    assert set(again.nodes) == nodes and {k for _, _, k in again.edges(keys=True)} == links
    text = (await town.data(EXPORT, format="CSV"))["neighbourhood"]["export"]
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == len(links)
    lives = [r for r in rows if r["type"] == "LIVES_AT" and r["since"] == "2015-01-01"]
    assert lives[0]["start_title"] == "王一" and lives[0]["end_kind"] == "Address"
    # What a viewer may not see is in no export.
    for format in ("GRAPHML", "NODE_LINK", "CSV"):
        told = (await town.data(EXPORT, town.drawn.limited, format=format))["neighbourhood"]["export"]
        assert not [text for text in town.drawn.outside() if text in told]


def test_a_title_that_a_spreadsheet_would_run() -> None:
    link = Link("1", "LIVES_AT", "per_a", "adr_b", {"since": "2020-01-01"})
    titles = {"per_a": '=HYPERLINK("x")', "adr_b": '\x00a\ud800\n"b",'}
    (row,) = list(csv.DictReader(io.StringIO(to_csv(titles, [link]))))
    assert row["start_title"] == '\'=HYPERLINK("x")'
    assert "per_a" in networkx.parse_graphml(to_graphml(titles, [link])).nodes


IMPACT = """query ($id: ID!, $steps: Int! = 3, $asOf: Date) { impact(enterprise: $id, steps: $steps, asOf: $asOf) {
  reached { enterprise { id } step amount through } workers prepaid graph { nodes { id } links { type start end } cut { by } } } }"""


async def test_whom_a_failure_reaches(town: Asker) -> None:
    found = (await town.data(IMPACT, id="ent_noodle"))["impact"]
    assert found["reached"] == [
        {"enterprise": {"id": "ent_east"}, "step": 1, "amount": 100.0, "through": ["ent_noodle"]}
    ]
    assert found["graph"]["links"] == [{"type": "GUARANTEES", "start": "ent_east", "end": "ent_noodle"}]
    # 李二 works for both, and 东阿一 for the first.
    assert (found["workers"], found["prepaid"]) == (2, None)
    # A guarantor's failure reaches nobody whom it guarantees.
    assert (await town.data(IMPACT, id="ent_east"))["impact"]["reached"] == []
    limited = (await town.data(IMPACT, town.drawn.limited, id="ent_noodle"))["impact"]
    assert (limited["reached"], limited["workers"], limited["graph"]["links"]) == ([], 1, [])
    for id, steps, code in (
        ("ent_noodle", 7, "TOO_DEEP"),
        ("per_wang", 3, "NOT_FOUND"),
        ("ent_none", 3, "NOT_FOUND"),
    ):
        assert (await town(IMPACT, id=id, steps=steps)).codes == [code]


def test_contagion_runs_against_the_guarantees_and_ends_in_rings() -> None:
    owed = [
        ("b", "a", 10.0),
        ("c", "a", None),
        ("d", "b", 5.0),
        ("d", "c", 7.0),
        ("a", "d", 1.0),
        ("e", "f", 9.0),
    ]
    links = [
        Link(str(n), "GUARANTEES", one, other, {"amount": amount})
        for n, (one, other, amount) in enumerate(owed)
    ]
    told = [(r.id, r.step, r.amount, r.through) for r in contagion("a", links)]
    assert told == [("b", 1, 10.0, ("a",)), ("c", 1, None, ("a",)), ("d", 2, 12.0, ("b", "c"))]


async def test_incidents_like_one(town: Asker) -> None:
    found = (await town.data(SIMILAR, id="inc_d1"))["similarMatters"]
    told = {e["node"]["incident"]["id"]: e["node"] for e in found["edges"]}
    assert (
        {"inc_d2", "inc_d3", "inc_m2", "inc_old"} <= told.keys()
        and "inc_d1" not in told
        and "inc_future" not in told
    )
    assert "SAME_CATEGORY" in told["inc_d3"]["reasons"] and "SAME_PARTY" in told["inc_d3"]["reasons"]
    assert told["inc_d3"]["sentence"].startswith("同一细类、")
    scores = [e["node"]["score"] for e in found["edges"]]
    assert scores == sorted(scores, reverse=True) and all(0.3 <= s <= 1 for s in scores)
    # A matter is asked about by its earliest incident, of which its other reports are none that are alike.
    by_matter = (await town.data(SIMILAR, id="mat_2"))["similarMatters"]
    assert not {"inc_d2", "inc_m2"} & {e["node"]["incident"]["id"] for e in by_matter["edges"]}
    # Page by page it is the same list.
    pages, after = [], None
    while True:
        page = (await town.data(SIMILAR, id="inc_d1", first=2, after=after))["similarMatters"]
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == found["edges"]
    # As it was then, and as far as one may see.
    early = (await town.data(SIMILAR, id="inc_d1", asOf="2025-10-10"))["similarMatters"]
    assert not {"inc_d2", "inc_d3"} & {e["node"]["incident"]["id"] for e in early["edges"]}
    limited = (await town.data(SIMILAR, town.drawn.limited, id="inc_d1"))["similarMatters"]
    assert not [
        e
        for e in limited["edges"]
        if e["node"]["incident"] is None or e["node"]["incident"]["id"].startswith("inc_e")
    ]


async def test_who_lived_together_then(town: Asker) -> None:
    ends: dict[str, Any] = {"from": "per_wang", "to": "per_li"}

    async def ways(one: str, other: str, since: str, until: str, *relations: str) -> list[Any]:
        pair: dict[str, Any] = {"from": one, "to": other}
        found = await town.data(
            THEN,
            **pair,
            during={"from": since, "to": until},
            relations=list(relations) or None,
        )
        return list(found["paths"]["paths"])

    # Asked of some weeks, it is told since when they have, which they still do.
    (then,) = await ways("per_wang", "per_li", "2025-08-01", "2025-09-01", "LIVES_AT")
    assert (then["length"], then["since"], then["until"]) == (2, "2025-06-01", None)
    assert then["sentence"].endswith("(2025-06-01 起)")
    # On an earlier day nothing of it was known.
    early = await town.data(
        THEN,
        **ends,
        during={"from": "2025-08-01", "to": "2025-09-01"},
        relations=["LIVES_AT"],
        asOf="2025-03-01",
    )
    assert early["paths"]["paths"] == []
    assert await ways("per_wang", "per_li", "2024-01-01", "2025-06-01", "LIVES_AT") == []
    # One after the other they rented the same house, and never at once.
    assert await ways("per_dong", "per_li", "2019-01-01", "2027-01-01", "RENTS") == []
    plain = (await town.data(THEN, **ends))["paths"]["paths"]
    assert plain and all(p["since"] is None and p["until"] is None for p in plain)
    # What happened holds on its day: both were in one dispute.
    met = await ways("per_wang", "per_li", "2025-10-01", "2025-10-02", "INVOLVED_IN")
    assert met and all((p["since"], p["until"]) == ("2025-10-01", "2025-10-02") for p in met)
    assert await ways("per_wang", "per_li", "2025-10-02", "2025-10-03", "INVOLVED_IN") == []
    answer = await town(THEN, **ends, during={"from": "2025-01-02", "to": "2025-01-02"})
    assert answer.errors[0]["extensions"]["code"] == "BAD_ARGUMENT"


async def test_calls_and_what_follows_hold_on_their_day(town: Asker) -> None:
    await town.store.write(
        "MATCH (a:Phone {id: 'tel_1'}), (b:Phone {id: 'tel_2'}), (d:Incident {id: 'inc_d3'}), (c:Incident {id: 'inc_d1'}) "
        "CREATE (a)-[:CALLED {k: 'x', at: '2025-05-05T10:00:00+08:00'}]->(b), (d)-[:FOLLOWS {k: 'x'}]->(c)"
    )

    async def ways(one: str, other: str, since: str, until: str, relation: str) -> int:
        pair: dict[str, Any] = {"from": one, "to": other}
        found = await town.data(THEN, **pair, during={"from": since, "to": until}, relations=[relation])
        return len(found["paths"]["paths"])

    assert await ways("tel_1", "tel_2", "2025-05-05", "2025-05-06", "CALLED") == 1
    assert await ways("tel_1", "tel_2", "2010-01-01", "2010-01-02", "CALLED") == 0
    # What follows, follows on its own day, from whichever end one looks.
    for pair in (("inc_d1", "inc_d3"), ("inc_d3", "inc_d1")):
        assert await ways(*pair, "2025-11-15", "2025-11-16", "FOLLOWS") == 1
        assert await ways(*pair, "2025-10-01", "2025-10-02", "FOLLOWS") == 0


async def test_what_one_may_not_read_is_not_compared(town: Asker) -> None:
    """Whatever a summary says, who may not read it gets the same answer."""
    hidden = Viewer("clerk", None, frozenset({Sensitivity.PERSONAL}))
    query = '{ similarMatters(id: "inc_old") { edges { node { incident { id } score words reasons } } } }'
    await town.store.write("MATCH (i:Incident {id: 'inc_d1'}) SET i.summary = '漏水'")
    before, open_before = await town.data(query, hidden), await town.data(query)
    await town.store.write("MATCH (i:Incident {id: 'inc_d1'}) SET i.summary = '与此毫无关系的一段话'")
    assert await town.data(query, hidden) == before
    assert await town.data(query) != open_before


async def test_how_incidents_like_one_ended(town: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.store.write("MATCH (i:Incident {id: 'inc_old'}) SET i.closed_at = '2025-10-08T09:00:00+08:00'")

    async def told(**more: Any) -> dict[str, tuple[int | None, str]]:
        found = (await town.data(SIMILAR, id="inc_d1", **more))["similarMatters"]
        return {
            e["node"]["incident"]["id"]: (e["node"]["days"], e["node"]["sentence"].split(";")[1])
            for e in found["edges"]
        }

    now = await told()
    assert now["inc_old"] == (276, "276 天办结")
    # Closed, and nobody says when; and not closed yet on the day asked about.
    assert now["inc_d3"] == (None, "已办结")
    assert (await told(asOf="2025-10-05"))["inc_old"] == (None, "尚未办结")
    # By the kind of a further report, too.
    await town.store.write(
        "MATCH (i:Incident {id: 'inc_h1'}) SET i.numbers = '|H1|J9|', i.report_kind = ['hazard', 'dispute'], i.report_category = ['exit_blocked', 'neighbour']"
    )
    assert "inc_h1" in await told()
    monkeypatch.setattr(similar, "MOST", 1)
    count = (await town.data('{ similarMatters(id: "inc_d1") { totalCount { exactness } } }'))[
        "similarMatters"
    ]
    assert count["totalCount"]["exactness"] == "AT_LEAST"
    # A matter that was not opened yet is not known.
    answer = await town(SIMILAR, id="mat_2", asOf="2025-10-05")
    assert answer.errors[0]["extensions"]["code"] == "NOT_FOUND"
