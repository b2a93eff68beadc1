"""Look-ups by what a thing is known by where its form is not of this country, and repeats of other kinds than disputes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from graph.store import Store
from schema.errors import ERROR_CODES
from tests.schema import roots
from tests.schema.drawn import Asker, draw, load
from tests.schema.test_viewer import query


@pytest.fixture
async def ask(store: Store) -> AsyncIterator[Asker]:
    town = load("town")
    await draw(store, town)
    await store.write(
        "CREATE (:Vehicle {id: 'veh_gb', plate: 'AB12 CDE', place: '3301090030010001'}), "
        "(:Phone {id: 'tel_gb', number: '1-(123)456'})"
    )
    yield Asker(store, town)
    await store.write("MATCH (n) WHERE n.id IN ['veh_gb', 'tel_gb'] DELETE n")


@pytest.mark.parametrize(
    ("root", "args"), [("vehicle", 'plate: " AB12 CDE"'), ("phone", 'number: "1-(123)456"')]
)
async def test_forms_of_other_countries(ask: Asker, root: str, args: str) -> None:
    found = await ask.data(f"{{ {root}({args}) {{ id }} }}")
    assert found[root]["id"].endswith("_gb")


@pytest.mark.parametrize("query", ['{ vehicle(plate: "XY99") { id } }', '{ phone(number: "12") { id } }'])
async def test_no_form_and_not_there(ask: Asker, query: str) -> None:
    assert (await ask(query)).codes == ["BAD_IDENTIFIER"]


async def test_hidden_ones_of_no_form_look_like_none(ask: Asker) -> None:
    limited = ask.drawn.limited
    hidden = await ask('{ vehicle(plate: "AB12 CDE") { id } }', limited)
    assert hidden.codes == ["BAD_IDENTIFIER"]
    assert hidden.errors == (await ask('{ vehicle(plate: "XY99") { id } }', limited)).errors


REPEATS = """query($kinds: [String!]) { repeatDisputes(area: "330109", by: PLACE, withinDays: 90, minimum: 3, kinds: $kinds) {
  edges { node { sentence incidents { number } } } } }"""


async def test_repeats_of_other_kinds(ask: Asker) -> None:
    for kinds in (["hazard"], ["exit_blocked"]):
        (edge,) = (await ask.data(REPEATS, kinds=kinds))["repeatDisputes"]["edges"]
        assert [i["number"] for i in edge["node"]["incidents"]] == ["H1", "H2", "H3"]
    assert edge["node"]["sentence"] == "同一地点 81 天内通道或出口堵塞 3 起"
    disputes = await ask.data(REPEATS)
    assert disputes == await ask.data(REPEATS, kinds=["dispute"])
    assert disputes["repeatDisputes"]["edges"][0]["node"]["sentence"].endswith("纠纷 3 起")
    assert (await ask.data(REPEATS, kinds=["wiring"]))["repeatDisputes"]["edges"] == []
    assert (await ask(REPEATS, kinds=["none"])).codes == ["BAD_ARGUMENT"]


async def test_error_codes_are_terms(ask: Asker) -> None:
    found = await ask.data('{ terms(list: "error_code") { code zh en parent } }')
    assert {t["code"] for t in found["terms"]} == set(ERROR_CODES)
    assert all(t["zh"] and t["en"] for t in found["terms"])


# addressDiff is asked about two days of its own.
@pytest.mark.parametrize("root", sorted(roots.INSIDE.keys() - {"addressDiff"}))
async def test_every_root_takes_a_day(ask: Asker, root: str) -> None:
    """Asked of a day when nothing had been recorded: what has no time is there, and what has is not."""
    args = ", ".join(x for x in (roots.INSIDE[root][0], 'asOf: "1999-01-01"') if x)
    answer = await ask(query(root, args, 0))
    assert set(answer.codes) <= {"NOT_FOUND"}
    if root == "repeatDisputes":
        assert answer.data["repeatDisputes"]["RepeatConnection_totalCount"]["Count_value"] == 0
