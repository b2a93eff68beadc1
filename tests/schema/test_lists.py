"""Lists walked to their end give each item once, whatever the page's size; all lists of all kinds, found in the schema."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, get_named_type

from graph.store import Store
from schema import build_schema
from tests.schema.drawn import Asker, draw, load

SCHEMA = build_schema()
# Starting points by type: of each kind of place, and of each entity with lists.
STARTS = {
    "Address": ["adr_330109", "adr_330109002", "adr_330109002001", "adr_330109002001G01", "adr_330109002001G01M01",
                "adr_3301090020010003", "adr_3301090020010003021201", "adr_E33010900001"],
    "Person": ["per_wang"], "Household": ["hhd_dong"], "House": ["hou_1201"], "Enterprise": ["ent_noodle"], "Vehicle": ["veh_truck"],
    "Phone": ["tel_1"], "Team": ["tea_west"], "Device": ["dev_cam"], "Incident": ["inc_d1"], "Matter": ["mat_2"],
}  # fmt: skip


def lists() -> dict[str, list[str]]:
    """Names of the connections of each type."""
    found: dict[str, list[str]] = {}
    for name, kind in SCHEMA._schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields:
            own = [f for f, x in kind.fields.items() if get_named_type(x.type).name.endswith("Connection")]
            if own:
                found[name] = own
    return found


def test_every_list_is_walked() -> None:
    assert set(lists()) == set(STARTS)


@pytest.mark.parametrize(
    ("kind", "start", "field"),
    [
        (kind, start, field)
        for kind, starts in STARTS.items()
        for start in starts
        for field in lists().get(kind, ())
    ],
)
async def test_walk(store: Store, kind: str, start: str, field: str) -> None:
    town = load("town")
    await draw(store, town)
    ask = Asker(store, town)
    query = f"""query($id: ID!, $first: Int!, $after: String) {{ node(id: $id) {{ ... on {kind} {{ list: {field}(first: $first, after: $after) {{
      totalCount {{ value exactness }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor node {{ id }} }} }} }} }} }}"""
    whole = (await ask.data(query, id=start, first=100, after=None))["node"]["list"]
    ids = [edge["node"]["id"] for edge in whole["edges"]]
    assert len(ids) == len(set(ids)) == whole["totalCount"]["value"]
    assert whole["pageInfo"]["hasNextPage"] is False
    walked: list[str] = []
    after = None
    for _ in range(len(ids) + 1):
        page = (await ask.data(query, id=start, first=2, after=after))["node"]["list"]
        walked += [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == whole["totalCount"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert walked == ids


async def test_orders_do_not_mix(store: Store) -> None:
    town = load("town")
    await draw(store, town)
    ask = Asker(store, town)
    query = """query($order: IncidentOrder!, $after: String) { address(code: "330109002001") {
      incidents(first: 1, orderBy: $order, after: $after) { pageInfo { endCursor } } residents(first: 1, after: $after) { pageInfo { endCursor } } } }"""
    first = await ask.data(query, order="NEWEST", after=None)
    after = first["address"]["incidents"]["pageInfo"]["endCursor"]
    assert (await ask(query, order="OLDEST", after=after)).codes == ["BAD_CURSOR"]
    assert (await ask(query, order="NEWEST", after=after)).codes == ["BAD_CURSOR"]  # of residents


async def test_results_found_whole_are_paged_too(store: Store) -> None:
    town = load("town")
    await draw(store, town)
    ask = Asker(store, town)
    query = """query($after: String) { hazardRelapses(area: "330109", withinDays: 60, first: 1, after: $after) {
      totalCount { value } pageInfo { hasNextPage endCursor } edges { node { later { number } } } } }"""
    numbers: list[str] = []
    after = None
    while True:
        page = (await ask.data(query, after=after))["hazardRelapses"]
        assert page["totalCount"]["value"] == 3
        numbers += [edge["node"]["later"]["number"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert numbers == ["H3", "H2", "EH2"]
