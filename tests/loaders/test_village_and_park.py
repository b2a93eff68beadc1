"""Village groups, industrial parks and places without a number: drawn in `tests/scenarios/village_and_park.yaml`, loaded, and asked about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addresses.resolution import Outcome
from graph.engine import stop_engine
from graph.meta import read_meta
from graph.store import Store
from loaders.bulk import first_load
from loaders.place_keys import MESSAGE
from loaders.resolving import Resolving
from ontology.reading import read_yaml
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_changed_places import load_in_turn, loaded_by_import, open_at, write
from tests.schema.test_changed_places import Asker

pytestmark = pytest.mark.anyio
SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "village_and_park.yaml"
DRAWN: dict[str, Any] = read_yaml(SCENARIO.read_text("utf-8"))


def rows() -> list[tuple[str, dict[str, str]]]:
    return [(feed, row) for feed, held in DRAWN["feeds"].items() for row in held]


async def expect(store: Store) -> None:
    expected = DRAWN["expected"]
    homes = await store.read("MATCH (p:Person)-[r:LIVES_AT]->(a) RETURN [p.name, [a.code, r.place]] AS x")
    assert dict(homes) == expected["homes"]
    incidents = await store.read(
        "MATCH (i:Incident)-[:OCCURRED_AT]->(a) RETURN [i.number, [a.code, i.place, i.community]] AS x"
    )
    assert dict(incidents) == expected["incidents"]
    places = dict(await store.read("MATCH (a:Address) RETURN [a.code, properties(a)] AS x"))
    for code, values in expected["known_as"].items():
        assert {f: sorted(places[code][f]) for f in values} == values, code


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an engine of its own, since the import tool stops it."""
    yield tmp_path / "bulk"
    stop_engine(tmp_path / "bulk")


async def test_groups_and_parks_are_places(clean_graph: Store, tmp_path: Path) -> None:
    whole = await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    await expect(clean_graph)
    ask = Asker(clean_graph, await read_meta(clean_graph))
    for code, (people, incidents) in DRAWN["expected"]["lists"].items():
        found = await ask(
            f'{{ address(code: "{code}") {{ residents {{ edges {{ node {{ name }} }} totalCount {{ value }} }} '
            "incidents { edges { node { number } } totalCount { value } } counts { people { value } incidents { value } } } }"
        )
        assert sorted(e["node"]["name"] for e in found["residents"]["edges"]) == people, code
        assert sorted(e["node"]["number"] for e in found["incidents"]["edges"]) == incidents, code
        told = [found["residents"]["totalCount"], found["incidents"]["totalCount"], *found["counts"].values()]
        assert [x["value"] for x in told] == [len(people), len(incidents)] * 2, code
        assert ask.statements == 1
    for number, village in (("1", "330109113247"), ("2", "330109113247"), ("3", "330109113248")):
        police = await ask(f'{{ address(code: "公安:33010902500000{number}") {{ code otherCodes }} }}')
        assert police["code"] == village and f"公安:33010902500000{number}" in police["otherCodes"]
    here = await ask(
        '{ address(code: "330109113247V03") { residents(reach: HERE) { edges { node { name } } } } }'
    )
    assert [e["node"]["name"] for e in here["residents"]["edges"]] == ["航二"]
    house = await ask('{ address(code: "3301091132470001") { groups { level name } } }')
    assert house == {"groups": [{"level": "GROUP", "name": "3组"}]}
    village = await ask(
        '{ address(code: "330109113247") { children(level: GROUP) { edges { node { code } } } } }'
    )
    assert [e["node"]["code"] for e in village["children"]["edges"]] == ["330109113247V03", "330109113247V04"]
    park = await ask('{ address(code: "P33010900001") { level children { edges { node { code } } } } }')
    assert park["level"] == "PARK"
    assert [e["node"]["code"] for e in park["children"]["edges"]] == ["3301091132470003", "3301091132480001"]
    late = [x for x in rows() if x[0] != "addresses"], [x for x in rows() if x[0] == "addresses"]
    assert_same(await load_in_turn(clean_graph, tmp_path / "late", list(late)), whole, "addresses last")


async def test_places_in_messages(clean_graph: Store, tmp_path: Path) -> None:
    """Exactly one place is taken, several are asked about, none is nowhere; and what a person picks for a message holds."""
    await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    loader = open_at(tmp_path / "once" / "data")
    said = {row["信访内容"]: row["信访件编号"] for feed, row in rows() if feed == "petitions"}
    asking = Resolving(loader)
    waiting, total = asking.waiting(Outcome.ASK, "petitions")
    found = {
        said[w.text or ""]: [w.held.placement.code, sorted(c.code for c in w.resolution.alternatives)]
        for w in waiting
    }
    assert found == DRAWN["expected"]["asked"] and total == len(found)
    nowhere, _ = asking.waiting(Outcome.UNRESOLVED, "petitions")
    assert [said[w.text or ""] for w in nowhere] == ["X5"]
    sure = "MATCH (i:Incident {number: 'X4'}) RETURN [i.place_confidence, i.place_level]"
    assert await clean_graph.read(sure) == [[MESSAGE, "SITE"]]
    (two,) = [text for text, number in said.items() if number == "X2"]
    asking.pick(two, "3301091132470002", "经电话核实", "甲")
    await loader.load(clean_graph, [])
    at = "MATCH (:Incident {number: 'X2'})-[:OCCURRED_AT]->(a) RETURN a.code"
    assert await clean_graph.read(at) == ["3301091132470002"]
    # A site that is loaded now explains a message that named nothing before.
    late = {
        "地址编码": "3301091132479002",
        "上级编码": "330109113247",
        "层级": "点位",
        "名称": "航民煤气瓶供应站",
    }
    message = {**next(row for feed, row in rows() if row.get("信访件编号") == "X5"), "信访件编号": "X7"}
    message["信访内容"] = "群里有谁在家，帮忙看一下瓜沥镇航民煤气瓶供应站门口的瓶子是不是还在。"
    loader.receive(write(tmp_path, "petitions", [message]), "petitions")
    await loader.load(clean_graph, [])
    at = at.replace("X2", "X7")
    assert await clean_graph.read(at) != ["3301091132479002"]
    loader.receive(
        write(tmp_path, "addresses", [{**late, "全称": "萧山区瓜沥镇航民村航民煤气瓶供应站"}]), "addresses"
    )
    await loader.load(clean_graph, [])
    assert await clean_graph.read(at) == ["3301091132479002"]
    loader.close()


async def test_what_is_at_a_park_goes_with_it(clean_graph: Store, tmp_path: Path) -> None:
    """A park that is recorded in another village takes along what is known to be in it and no more than that."""
    moved = [
        ("addresses", {**row, "上级编码": "330109113248", "更新时间": "2025-03-01"})
        for feed, row in rows()
        if feed == "addresses" and row["地址编码"] == "P33010900001"
    ]
    await load_in_turn(clean_graph, tmp_path / "moved", [rows(), moved])
    found = await clean_graph.read("MATCH (i:Incident {number: 'J1'}) RETURN [i.place, i.community]")
    assert found == [["330109113248", "330109113248"]]


async def test_the_import_tool_comes_to_the_same(
    clean_graph: Store, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    monkeypatch.setattr(first_load, "LEAST_ROWS", 0)
    fast = open_at(data)
    async with loaded_by_import(fast, DRAWN["feeds"], data, tmp_path / "files") as store:
        await expect(store)
        assert_same(await whole_graph(store), whole)
    fast.close()
