"""Selections under type fragments, aliases and variables: each is answered as it was asked for."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from graph.store import Store
from graph.viewer import DEVELOPMENT
from schema import build_schema
from schema.limits import measure
from schema.memo import Memo, current
from tests.schema.drawn import Asker, draw, load
from tests.schema.roots import WEST


@pytest.fixture
async def ask(store: Store) -> Asker:
    town = load("town")
    await draw(store, town)
    return Asker(store, town)


async def test_one_key_under_fragments_on_different_types(ask: Asker) -> None:
    found = await ask.data(
        """{ nodes(ids: ["ent_east", "per_wang", "hou_101"]) {
          ... on Enterprise { houses { totalCount { value } } at { code } }
          ... on Person { houses { edges { node { hid } } } }
          ... on House { at { code fullName residents { totalCount { value } } } }
        } }"""
    )
    east, wang, house = found["nodes"]
    assert east == {"houses": {"totalCount": {"value": 1}}, "at": {"code": "3301090030010001"}}
    assert [e["node"]["hid"] for e in wang["houses"]["edges"]] == ["FW101", "FW1201", "FWDONG"]
    assert house["at"]["fullName"].endswith("101室")
    assert house["at"]["residents"] == {"totalCount": {"value": 1}}


async def test_one_alias_under_fragments_on_different_types(ask: Asker) -> None:
    found = await ask.data(
        """{ nodes(ids: ["ent_noodle", "hou_1201"]) {
          ... on Enterprise { at { r: residents { totalCount { value } } } }
          ... on House { at { residents(first: 1) { totalCount { value } } r: residents(first: 2) { edges { node { id } } } } }
        } }"""
    )
    noodle, house = found["nodes"]
    assert noodle == {"at": {"r": {"totalCount": {"value": 1}}}}
    assert len(house["at"]["r"]["edges"]) == 2


async def test_entity_twice_is_refused_not_mixed_up(ask: Asker) -> None:
    answer = await ask(
        '{ incident(number: "J1") { parties { a: entity { title } b: entity { ... on Person { birth } } } } }'
    )
    assert answer.codes == ["BAD_ARGUMENT"]


async def test_search_for_one_kind_in_a_grid(ask: Asker) -> None:
    found = await ask.data(
        f'{{ search(text: "幢", kinds: [ADDRESS], area: "{WEST}G01M01") {{ groups {{ hits {{ edges {{ node {{ id }} }} }} }} }} }}'
    )
    (group,) = found["search"]["groups"]
    assert "adr_3301090020010003" in [e["node"]["id"] for e in group["hits"]["edges"]]


async def test_search_in_an_area_on_a_day(ask: Asker) -> None:
    query = f'query($d: Date) {{ search(text: "张三", kinds: [PERSON], area: "{WEST}", asOf: $d) {{ groups {{ kind }} }} }}'
    assert (await ask.data(query, d="2025-02-01"))["search"]["groups"] == [{"kind": "PERSON"}]
    assert (await ask.data(query, d="2025-12-01"))["search"]["groups"] == []


async def test_a_mistake_below_an_unusual_identifier_is_told_as_itself(ask: Asker) -> None:
    query = '{ phone(number: "12") { holders(first: 500) { totalCount { value } } } }'
    assert (await ask(query)).codes == ["BAD_ARGUMENT"]


async def test_a_cursor_of_another_question(ask: Asker) -> None:
    query = """query($m: Int!, $a: String) { repeatDisputes(area: "330109", by: EITHER, minimum: $m, withinDays: 90, first: 1, after: $a) {
      pageInfo { endCursor } } }"""
    cursor = (await ask.data(query, m=3))["repeatDisputes"]["pageInfo"]["endCursor"]
    assert (await ask(query, m=3, a=cursor)).codes == []
    assert (await ask(query, m=2, a=cursor)).codes == ["BAD_CURSOR"]


async def test_several_with_one_number_are_answered_alike(ask: Asker) -> None:
    await ask.store.write(
        "CREATE (:Incident {id: 'inc_a', number: 'TWICE', occurred_at: '2025-01-01T00:00:00+08:00'}), "
        "(:Incident {id: 'inc_b', number: 'TWICE', occurred_at: '2025-01-01T00:00:00+08:00'})"
    )
    found = await ask.data('{ incident(number: "TWICE") { id } incidents(numbers: ["TWICE"]) { id } }')
    await ask.store.write("MATCH (i:Incident {number: 'TWICE'}) DELETE i")
    assert found == {"incident": {"id": "inc_a"}, "incidents": [{"id": "inc_a"}]}


def test_each_root_keeps_its_few_values() -> None:
    """Many roots of one text are all kept; of one root's many values the last few."""
    memo, document = Memo(), parse("query($a: Int, $b: Int) { x(first: $a) { y(first: $b) } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    made: list[str] = []

    def ask(root: str, b: int) -> None:
        memo.keep(
            "test", root, operation, {}, {"a": len(made), "b": b}, lambda below: made.append(f"{root}{below}")
        )

    for _ in range(2):
        for n in range(20):
            ask(f"root{n}", 1)
    assert len(made) == 20
    for b in (2, 3, 4, 5, 1):
        ask("root0", b)
    assert made[20:] == [f"root0{{'b': {b}}}" for b in (2, 3, 4, 5, 1)]


async def test_what_is_kept_of_a_text_is_not_who_was_asked_about(ask: Asker) -> None:
    """Root arguments, an identity number among them, and who asks are of one request alone."""
    memo, query = Memo(), "query($n: String!) { person(idNumber: $n) { title mobile } }"
    token = current.set(memo)
    try:
        one = await ask.schema.execute(
            query, {"n": "11010519491231002X"}, context_value=ask.context(DEVELOPMENT)
        )
        other = await ask.schema.execute(
            query, {"n": "440524188001010014"}, context_value=ask.context(DEVELOPMENT)
        )
        hidden = await ask.schema.execute(
            query, {"n": "11010519491231002X"}, context_value=ask.context(ask.drawn.limited)
        )
    finally:
        current.reset(token)
    assert one.data == {"person": {"title": "王一", "mobile": "13900000001"}}
    assert other.data == {"person": None}
    assert hidden.data == {"person": {"title": "王一", "mobile": None}}
    (kept,) = memo._kept["selections", "Query.person", None].values()
    assert "11010519491231002X" not in str(kept[0]._variables)


async def test_two_of_three_parties_are_no_pair(ask: Asker) -> None:
    """The third is outside: what is hidden must not make a pair of the two who are seen."""
    await ask.store.write(
        """UNWIND range(1, 3) AS n
        CREATE (i:Incident {id: 'inc_three_' + n, number: 'D' + n, kind: 'dispute', day: 19700 + n, place: '3301090020010004',
          street: '330109002', community: '330109002001', place_level: 'BUILDING', occurred_at: '2023-12-0' + n + 'T00:00:00+08:00'})
        WITH i UNWIND ['per_wang', 'per_li', 'per_dong'] AS who MATCH (p:Person {id: who})
        CREATE (p)-[:INVOLVED_IN {role: 'party', k: 'three'}]->(i)"""
    )
    query = (
        '{ repeatDisputes(area: "330109002001", by: PARTIES) { edges { node { incidents { number } } } } }'
    )
    try:
        for viewer in (DEVELOPMENT, ask.drawn.limited):
            edges = (await ask.data(query, viewer))["repeatDisputes"]["edges"]
            assert [[i["number"] for i in e["node"]["incidents"]] for e in edges] == [
                ["J1", "J2", "TJ2", "J3"]
            ]
    finally:
        await ask.store.write("MATCH (i:Incident) WHERE i.id STARTS WITH 'inc_three_' DETACH DELETE i")


async def test_keys_count_in_the_cost() -> None:
    schema = build_schema()._schema
    below = "{ at { residents(first: 100) { edges { node { id } } } } }"
    for root, key in (("incidents", "numbers"), ("houses", "hids"), ("enterprises", "usccs")):
        document = parse(f"query($k: [String!]!) {{ {root}({key}: $k) {below} }}")
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        measured = measure(schema, document, operation)
        assert measured.cost({"k": ["x"] * 100}) > 50 * measured.cost({"k": ["x"]})
