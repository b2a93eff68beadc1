"""Selections to Cypher: equal questions give equal texts, values are parameters, cursors, budgets."""

from __future__ import annotations

import re

import pytest

from graph import compile
from graph.compile import decode_cursor, encode_cursor
from graph.store import Store
from ontology.errors import UsageError
from tests.schema.drawn import Asker, draw, load


@pytest.fixture
async def ask(store: Store) -> Asker:
    town = load("town")
    await draw(store, town)
    return Asker(store, town)


PLAIN = """query Q($code: AddressCode!) {
  address(code: $code) { name level residents(first: 3) { totalCount { value } edges { since node { name homes { edges { node { name } } } } } } } }"""


@pytest.mark.parametrize(
    "same",
    [
        # In another order.
        """query($code: AddressCode!) { address(code: $code) {
          residents(first: 3) { edges { node { homes { edges { node { name } } } name } since } totalCount { value } } level name } }""",
        # With aliases.
        """query($code: AddressCode!) { place: address(code: $code) { called: name level
          who: residents(first: 3) { totalCount { value } edges { since node { name at: homes { edges { node { name } } } } } } } }""",
        # With fragments, named and inline.
        """query($code: AddressCode!) { address(code: $code) { ...A ... on Entity { ... on Address { level } } } }
          fragment A on Address { name residents(first: 3) { totalCount { value } edges { since node { ...P } } } }
          fragment P on Person { name homes { edges { node { name } } } }""",
        # With what is left out left out, and other sizes and places.
        """query($code: AddressCode!, $yes: Boolean = true) { address(code: $code) { name level id @skip(if: $yes) houses @include(if: false) { totalCount { value } }
          residents(first: 50) { totalCount { value } edges { since node { name homes(first: 7) { edges { node { name } } } } } } } }""",
    ],
    ids=["order", "aliases", "fragments", "directives and sizes"],
)
async def test_equal_questions_give_one_text(ask: Asker, same: str) -> None:
    first = await ask(PLAIN, code="330109002001")
    second = await ask(same, code="330109003001")
    assert not first.errors and not second.errors
    assert first.statements == second.statements


async def test_no_value_and_no_alias_stands_in_a_text(ask: Asker) -> None:
    answer = await ask(
        """{ zzalias: address(code: "330109002001", asOf: "2025-11-30") {
          zzlist: residents(first: 17, filter: {name: "zzname", residence: ["zzterm"], ageFrom: 18}) { zzedges: edges { zznode: node { zzname: name } } }
          zzwhat: incidents(kinds: ["zzkind"], during: {from: "2025-01-02", to: "2025-01-03"}) { edges { node { id } } }
          zzmore: enterprises(industry: "zzindustry", states: ["zzstate"]) { edges { node { id } } } } }"""
    )
    assert not answer.errors
    (text,) = answer.statements
    assert "zz" not in text
    assert not re.search(r"2025|330109|\b17\b|\b18\b", text)


async def test_one_field_under_several_names(ask: Asker) -> None:
    data = await ask.data(
        """{ address(code: "330109002001") {
          floating: residents(filter: {residence: ["floating"]}) { people: edges { who: node { name } also: node { id } } more: edges { node { residence { code } } } }
          residents { edges { node { name } } }
          first: residents(first: 1) { edges { node { name } } pageInfo { hasNextPage } }
        } }"""
    )
    assert data["address"] == {
        "floating": {
            "people": [
                {"who": {"name": "赵四"}, "also": {"id": "per_zhao"}},
                {"who": {"name": "李二"}, "also": {"id": "per_li"}},
            ],
            "more": [{"node": {"residence": {"code": "floating"}}}] * 2,
        },
        "residents": {"edges": [{"node": {"name": n}} for n in ("赵四", "李二", "王一")]},
        "first": {"edges": [{"node": {"name": "赵四"}}], "pageInfo": {"hasNextPage": True}},
    }


async def test_an_alias_that_cannot_be_told_apart_is_refused(ask: Asker) -> None:
    answer = await ask(
        '{ search(text: "王一") { a: groups { hits { edges { node { id } } } } b: groups { hits { edges { node { title } } } } } }'
    )
    assert answer.codes == ["BAD_ARGUMENT"]


async def test_a_count_beyond_its_budget_says_at_least(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    query = """{ address(code: "330109002001") {
      few: incidents(kinds: ["hazard"]) { totalCount { value exactness } } incidents { totalCount { value exactness } }
      counts { people { value exactness } incidents { value exactness } } } }"""
    data = (await ask.data(query))["address"]
    assert data["few"]["totalCount"] == {"value": 3, "exactness": "EXACT"}
    assert data["counts"]["incidents"] == {"value": 8, "exactness": "EXACT"}
    monkeypatch.setattr(compile, "COUNT_BUDGET", 4)
    data = (await ask.data(query))["address"]
    assert data["few"]["totalCount"]["exactness"] == "AT_LEAST"
    assert data["few"]["totalCount"]["value"] <= 3
    assert data["incidents"]["totalCount"] == {"value": 4, "exactness": "AT_LEAST"}
    assert data["counts"]["people"]["exactness"] == "AT_LEAST"


async def test_roll_ups_are_used_where_they_are_true(ask: Asker) -> None:
    query = """query($day: Date) { address(code: "330109002001", asOf: $day) { counts { people { value } } here: counts(reach: HERE) { people { value } }
      residents { totalCount { value } } floating: residents(filter: {residence: ["floating"]}) { totalCount { value } } } }"""
    people = "MATCH (a:Address {code: '330109002001'}) SET a.n_people = $n"
    await ask.store.write(people, {"n": 77})
    try:
        counted = (await ask.data(query))["address"]
        ask.rolled_for = ask.drawn.today
        rolled = (await ask.data(query))["address"]
        past = (await ask.data(query, day="2025-02-01"))["address"]
        limited = (await ask.data(query, ask.drawn.limited))["address"]
    finally:
        await ask.store.write(people, {"n": None})
    assert counted == {
        "counts": {"people": {"value": 3}}, "here": {"people": {"value": 1}},
        "residents": {"totalCount": {"value": 3}}, "floating": {"totalCount": {"value": 2}},
    }  # fmt: skip
    assert rolled["counts"]["people"]["value"] == rolled["residents"]["totalCount"]["value"] == 77
    assert (rolled["here"], rolled["floating"]) == (counted["here"], counted["floating"])
    assert past["counts"]["people"]["value"] == 3
    assert limited == counted


def test_a_cursor_belongs_to_its_order() -> None:
    cursor = encode_cursor("place", "330109", "per_1")
    assert decode_cursor(cursor, "place", 2) == ["330109", "per_1"]
    for order, size in (("newest", 2), ("place", 1)):
        with pytest.raises(UsageError, match="BAD_CURSOR"):
            decode_cursor(cursor, order, size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "zzz=",
        "游标",
        "bnVsbA",
        encode_cursor("place", None, "x"),
        encode_cursor("place", ["x"], "x"),
    ],
)
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(UsageError, match="BAD_CURSOR"):
        decode_cursor(text, "place", 2)
