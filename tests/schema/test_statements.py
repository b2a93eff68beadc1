"""How many statements each root takes, and that Neo4j runs none of them by looking at everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graph.store import Store
from graph.viewer import DEVELOPMENT
from tests.schema import roots
from tests.schema.drawn import Asker, draw, load
from tests.schema.test_viewer import FIELDS, query

# One statement a root, but where its query file or `schema.ask` says why it takes more: steps, evidence, codes of addresses.
MORE = {
    "viewer": 1,
    "terms": 0,
    "nodes": 2,
    "node": 2,
    "repeatDisputes": 2,
    "hazardRelapses": 2,
    "neighbourhood": 3 + 3,
    "paths": 8 + 3,
}
_BAD = ("NodeByLabelScan", "AllNodesScan", "RelationshipTypeScan", "AllRelationshipsScan", "CartesianProduct")
# A list for each way in which a place's things are found, and each filter.
LISTS = """residents(filter: {residence: ["floating"], name: "王", ageFrom: 18, ageTo: 60}) { ...n } houses(rented: true) { ...n }
  enterprises(industry: "catering", states: ["active"]) { ...n } vehicles(kinds: ["car"]) { ...n } devices(kinds: ["camera"]) { ...n }
  matters(states: ["open"]) { ...n } volunteers { ...n } teams { ...n } children { ...n } b: children(level: BUILDING) { ...n }
  g: children(level: GRID) { ...n } r: children(level: ROAD) { ...n } i: incidents(kinds: ["dispute"], during: {from: "2025-01-01", to: "2026-01-01"}) { ...n }
  o: incidents(orderBy: OLDEST) { ...n } h: incidents(reach: HERE) { ...n } w: residents(reach: HERE) { ...n } counts { people { value } openMatters { value } }"""
# Those whose incidents are walked in the order of time.
LARGE = ("330109", "330109002", roots.WEST)
CODES = [
    "330109",
    "330109002",
    roots.WEST,
    f"{roots.WEST}G01",
    f"{roots.WEST}G01M01",
    "3301090020010003",
    roots.DWELLING,
    "E33010900001",
]


@pytest.fixture
async def ask(store: Store) -> Asker:
    town = load("town")
    await draw(store, town)
    return Asker(store, town)


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].partition("@")[0]
    for child in plan.get("children") or ():
        yield from operators(child)


async def scans(store: Store, statements: list[str]) -> list[str]:
    return [
        o for text in statements for o in operators(await store.explain(text)) if any(b in o for b in _BAD)
    ]


@pytest.mark.parametrize("limited", [False, True], ids=["all", "limited"])
@pytest.mark.parametrize("root", sorted(FIELDS))
async def test_statements_of_a_root(ask: Asker, root: str, limited: bool) -> None:
    viewer = ask.drawn.limited if limited else DEVELOPMENT
    for args in (roots.INSIDE | roots.NEVER)[root]:
        answer = await ask(query(root, args, 1 if root == "node" else 0), viewer)
        assert len(answer.statements) <= MORE.get(root, 1)
        assert await scans(ask.store, answer.statements) == []


@pytest.mark.parametrize("first", [1, 50])
async def test_statements_do_not_depend_on_the_data(ask: Asker, first: int) -> None:
    answer = await ask(
        """query($first: Int) { address(code: "330109") { residents(first: $first) { edges { node {
          incidents(first: $first) { edges { node { parties { entity { ... on Person { homes { edges { node { residents { edges { node { id } } } } } } } } } } } } } } } } }""",
        first=first,
    )
    assert not answer.errors
    assert len(answer.statements) == 1


@pytest.mark.parametrize(
    ("code", "limited"),
    # Roads and estates cross communities: none is within one.
    [
        (code, limited)
        for code in CODES
        for limited in (False, True)
        if not (limited and code.startswith("E"))
    ],
)
async def test_lists_of_a_place(ask: Asker, code: str, limited: bool) -> None:
    text = "query($code: AddressCode!) { address(code: $code) { " + LISTS + " } }"
    text = text.replace("{ ...n }", "{ totalCount { value } edges { cursor node { id } } }")
    answer = await ask(text, ask.drawn.limited if limited else DEVELOPMENT, code=code)
    assert set(answer.codes) <= {"NOT_FOUND"}
    assert await scans(ask.store, answer.statements) == []


@pytest.mark.parametrize(
    ("code", "part"),
    [(code, part) for code in LARGE for part in ("incidents", "incidents_oldest")]
    # The few incidents of a small place are sorted: an index by place gives them in no order of time.
    + [
        (code, part)
        for code in (*LARGE, f"{roots.WEST}G01", roots.DWELLING)
        for part in ("residents", "houses", "devices")
    ],
)
async def test_pages_come_in_the_order_of_an_index(ask: Asker, code: str, part: str) -> None:
    name, _, order = part.partition("_")
    args = "first: 5" + (f", orderBy: {order.upper()}" if order else "")
    answer = await ask(f'{{ address(code: "{code}") {{ {name}({args}) {{ edges {{ node {{ id }} }} }} }} }}')
    (text,) = answer.statements
    assert not {"Sort", "Top"} & set(operators(await ask.store.explain(text)))
