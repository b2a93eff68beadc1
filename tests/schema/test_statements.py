"""How many statements each root takes, and that Neo4j runs none of them by looking at everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graph.store import Store
from graph.viewer import DEVELOPMENT, Viewer
from schema.context import Context
from tests.schema import roots
from tests.schema.drawn import Asker, draw, load
from tests.schema.test_viewer import FIELDS, query

# One statement a root, but where its query file or `schema.ask` says why it takes more: steps, evidence, codes of addresses.
MORE = {
    "viewer": 1,
    "terms": 0,
    "addresses": 3,
    "within": 2,
    "nodes": 2,
    # A finding: what it is about, its evidence and the nodes of that, with the codes of addresses before both.
    "node": 2 + 2 + 3,
    "search": 2,
    "repeatDisputes": 2,
    "hazardRelapses": 2,
    # Findings are read with their evidence: what shows them and what binds it, then the nodes, by the codes of addresses.
    "findings": 1 + 1 + 3,
    "finding": 1 + 1 + 3,
    "neighbourhood": 3 + 3,
    "paths": 8 + 3,
    # Whether they are there, what is bound to them, the nodes of the list and of the graph with codes of addresses, titles.
    "commonConnections": 1 + 1 + 2 + 2 + 1,
    "timeline": 1 + 1 + 2 + 2 + 1,
    # The incident, those that come into question, and those of the page.
    "similarMatters": 1 + 1 + 1,
    # Each step outwards, then who works there and what is on their cards.
    "impact": 1 + 6 + 2 + 2 + 2,
    # Which cases there are, and what stands in them.
    "findingCases": 2,
}
_BAD = (
    "NodeByLabelScan",
    "AllNodesScan",
    "RelationshipTypeScan",
    "AllRelationshipsScan",
    "CartesianProduct",
    "NodeByLabelsScan",
    "RelationshipTypesScan",
)
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


class _Profiling:
    """A store that keeps the plan of what it reads: to explain a long statement takes as long again as to plan it for its answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.plans: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, cypher: str, params: Any = None, *, timeout: float = 60) -> list[Any]:
        async def take(result: Any) -> list[Any]:
            keys = result.keys()
            rows = [r[0] if len(keys) == 1 else dict(r) async for r in result]
            self.plans.append(dict((await result.consume()).profile))
            return rows

        return await self._store._read("PROFILE " + cypher, params, timeout, take)


class Planned(Asker):
    """Keeps the plans of the last answer's statements."""

    plans: list[dict[str, Any]]

    def context(self, viewer: Viewer) -> Context:
        context = super().context(viewer)
        profiling = _Profiling(self.store)
        context.store = profiling  # type: ignore[assignment]
        self.plans = profiling.plans
        return context

    def scans(self) -> list[str]:
        """Operators of the plans that look at everything."""
        return [o for plan in self.plans for o in operators(plan) if any(b in o for b in _BAD)]


@pytest.fixture
async def ask(store: Store) -> Planned:
    town = load("town")
    await draw(store, town)
    return Planned(store, town)


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].partition("@")[0]
    for child in plan.get("children") or ():
        yield from operators(child)


@pytest.mark.parametrize("limited", [False, True], ids=["all", "limited"])
@pytest.mark.parametrize("root", sorted(FIELDS))
async def test_statements_of_a_root(ask: Planned, root: str, limited: bool) -> None:
    viewer = ask.drawn.limited if limited else DEVELOPMENT
    for args in (roots.INSIDE | roots.NEVER)[root]:
        answer = await ask(query(root, args, 1 if root == "node" else 0), viewer)
        assert len(answer.statements) <= MORE.get(root, 1)
        assert len(ask.plans) == len(answer.statements)
    assert ask.scans() == []


@pytest.mark.parametrize("first", [1, 50])
async def test_statements_do_not_depend_on_the_data(ask: Planned, first: int) -> None:
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
async def test_lists_of_a_place(ask: Planned, code: str, limited: bool) -> None:
    text = "query($code: AddressCode!) { address(code: $code) { " + LISTS + " } }"
    text = text.replace("{ ...n }", "{ totalCount { value } edges { cursor node { id } } }")
    answer = await ask(text, ask.drawn.limited if limited else DEVELOPMENT, code=code)
    assert set(answer.codes) <= {"NOT_FOUND"}
    assert len(ask.plans) == len(answer.statements)
    assert ask.scans() == []


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
async def test_pages_come_in_the_order_of_an_index(ask: Planned, code: str, part: str) -> None:
    name, _, order = part.partition("_")
    args = "first: 5" + (f", orderBy: {order.upper()}" if order else "")
    answer = await ask(f'{{ address(code: "{code}") {{ {name}({args}) {{ edges {{ node {{ id }} }} }} }} }}')
    assert not answer.errors
    (plan,) = ask.plans
    assert not {"Sort", "Top"} & set(operators(plan))
