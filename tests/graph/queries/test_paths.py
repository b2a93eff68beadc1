"""Neighbourhoods and paths: hubs are shown and not passed, what was cut is said, and no more statements than steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.queries import expand
from graph.store import Store
from graph.viewer import DEVELOPMENT, Viewer
from graph.writer import Difference, write
from tests.schema.drawn import Answer, Asker, Drawn, load

HUB, BIG = "ent_hub", 105


@pytest.fixture(scope="module")
async def ask(engine: EngineAddress) -> AsyncIterator[Asker]:
    """per_a and per_b work for a firm of 107; per_a - veh - per_c - per_b is the long way; per_d is alone with many incidents."""
    async with Store.open(engine) as store:
        await store.write("MATCH (n) DETACH DELETE n")
        await ensure_schema(store)
        difference = Difference()
        people = ["per_a", "per_b", "per_c", "per_d", *(f"per_{n:03}" for n in range(BIG))]
        for id in people:
            difference.put_node(id, {"name": id})
        difference.put_node(HUB, {"name": HUB})
        difference.put_node("veh_1", {"plate": "浙A00001"})
        for n in range(expand.LINKS + 20):
            difference.put_node(
                f"inc_{n:03}", {"number": f"N{n}", "occurred_at": "2025-01-01T00:00:00+08:00"}
            )
            difference.put_link("INVOLVED_IN", "per_d", f"inc_{n:03}", "1", {})
        open_end = {"until": "9999-12-31"}
        for id in ["per_a", "per_b", *people[4:]]:
            difference.put_link("WORKS_FOR", id, HUB, "1", open_end)
        difference.put_link("OWNS", "per_a", "veh_1", "1", open_end)
        difference.put_link("OWNS", "per_c", "veh_1", "1", open_end)
        difference.put_link("RELATED_TO", "per_c", "per_b", "1", {"kin": "spouse", **open_end})
        await write(store, difference)
        yield Asker(store, Drawn("hubs", "2025-12-15", load("town").limited_to))
        await store.write("MATCH (n) DETACH DELETE n")


PATHS = """query($from: ID!, $to: ID!, $deep: Int!, $relations: [String!]) { paths(from: $from, to: $to, maxDepth: $deep, relations: $relations) {
  sentence searchedDepth paths { length nodeIds sentence } cut { by limit at } } }"""


async def between(
    ask: Asker, one: str, other: str, deep: int, viewer: Viewer = DEVELOPMENT, **more: Any
) -> Answer:
    return await ask(PATHS, viewer, **{**more, "from": one, "to": other, "deep": deep})


async def test_the_way_round_the_hub(ask: Asker) -> None:
    found = (await between(ask, "per_a", "per_b", 4)).data["paths"]
    (path,) = found["paths"]
    assert (path["length"], path["nodeIds"]) == (3, ["per_a", "veh_1", "per_c", "per_b"])
    assert path["sentence"] == "per_a —拥有→ 浙A00001 ←拥有— per_c —配偶→ per_b"
    assert {"by": "HUB", "limit": expand.HUB, "at": HUB} in found["cut"]


async def test_none_within_a_depth_is_said(ask: Asker) -> None:
    answer = await between(ask, "per_a", "per_b", 2)
    found = answer.data["paths"]
    assert (found["paths"], found["searchedDepth"], found["sentence"]) == ([], 2, "2 步之内没有关联")
    assert {"by": "DEPTH", "limit": 2, "at": None} in found["cut"]
    assert len(answer.statements) <= 1 + 2


async def test_a_hub_that_is_asked_about_is_an_end(ask: Asker) -> None:
    found = (await between(ask, "per_c", HUB, 4)).data["paths"]
    assert [p["nodeIds"] for p in found["paths"]] == [["per_c", "per_b", HUB]]


async def test_only_along_the_relations_asked(ask: Asker) -> None:
    found = (await between(ask, "per_a", "per_b", 8, relations=["OWNS"])).data["paths"]
    assert found["paths"] == []
    assert found["searchedDepth"] == 8
    assert (await between(ask, "per_a", "per_b", 8, relations=["NONE"])).codes == ["BAD_ARGUMENT"]


@pytest.mark.parametrize("deep", [0, 9])
async def test_too_deep(ask: Asker, deep: int) -> None:
    assert (await between(ask, "per_a", "per_b", deep)).codes == ["TOO_DEEP"]


AROUND = """query($id: ID!, $depth: Int!, $limit: Int!, $kinds: [Kind!]) { neighbourhood(id: $id, depth: $depth, limit: $limit, kinds: $kinds) {
  nodes { id } links { type start end } cut { by limit at } } }"""


async def test_around_stops_at_the_hub(ask: Asker) -> None:
    answer = await ask(AROUND, id="per_a", depth=3, limit=300)
    found = answer.data["neighbourhood"]
    assert {n["id"] for n in found["nodes"]} == {"per_a", HUB, "veh_1", "per_c", "per_b"}
    assert found["cut"] == [{"by": "HUB", "limit": expand.HUB, "at": HUB}]
    assert len(answer.statements) <= 3 + 2


async def test_around_the_hub_itself(ask: Asker) -> None:
    found = (await ask.data(AROUND, id=HUB, depth=1, limit=50))["neighbourhood"]
    assert len(found["nodes"]) == 50
    assert {"by": "ROWS", "limit": 50, "at": None} in found["cut"]


async def test_links_that_were_not_looked_at_are_said(ask: Asker) -> None:
    found = (await ask.data(AROUND, id="per_d", depth=1, limit=300))["neighbourhood"]
    assert {"by": "ROWS", "limit": expand.LINKS, "at": "per_d"} in found["cut"]


async def test_only_the_kinds_asked(ask: Asker) -> None:
    found = (await ask.data(AROUND, id="per_a", depth=2, limit=300, kinds=["VEHICLE"]))["neighbourhood"]
    assert {n["id"] for n in found["nodes"]} == {"per_a", "veh_1"}


async def test_what_may_not_be_seen_makes_no_hub(ask: Asker) -> None:
    """A firm with over a hundred people elsewhere and two here is no hub to whom these two are all there is."""
    limited = Viewer("limited", "330109002001")
    await ask.store.write(
        "MATCH (h:Enterprise {id: $hub}) SET h.place = '330109002001' WITH h MATCH (p:Person) WHERE p.id IN ['per_a', 'per_b'] "
        "MERGE (a:Address {id: 'adr_x'}) SET a.code = '330109002001', a.place = a.code, a.level = 'COMMUNITY' "
        "MERGE (p)-[:LIVES_AT {k: '1', place: a.place, until: '9999-12-31', who: p.id}]->(a)",
        {"hub": HUB},
    )
    found = (await between(ask, "per_a", "per_b", 4, limited)).data["paths"]
    assert [p["nodeIds"] for p in found["paths"]] == [["per_a", HUB, "per_b"]]
    assert {c["at"] for c in found["cut"]} <= {"adr_x"}
