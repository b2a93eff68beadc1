"""Limits of an operation: each is refused with its code, and what is within them is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, get_introspection_query, parse

from ontology.errors import UsageError
from schema.limits import Limits, check, measure
from schema.operations import Operations
from tests.web.small import SmallContext, SmallDomain

SCHEMA = build_schema("""
type Query { place: Place  places(codes: [String!]!): [Place]!  around(id: ID!, limit: Int = 300): Place }
type Place { name: String  up: Place  people(first: Int = 20): People!  parts(first: Int = 50): [Place!]! }
type People { edges: [Edge!]! }
type Edge { node: Person! }
type Person { name: String  homes(first: Int = 10): [Place!]! }
""")


def cost_of(query: str, variables: Mapping[str, Any] | None = None) -> int:
    document = parse(query)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return measure(SCHEMA, document, operation).cost(variables or {})


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ place { name } }", {}, 0),
        ("{ place { people { edges { node { name } } } } }", {}, 20),
        ("{ place { people(first: 5) { edges { node { homes(first: 2) { name } } } } } }", {}, 5 * (1 + 2)),
        ("query($n: Int) { place { people(first: $n) { edges { node { homes { id } } } } } }", {"n": 7}, 77),
        ("query($n: Int = 3) { place { people(first: $n) { edges { node { name } } } } }", {}, 3),
        ('{ places(codes: ["1", "2"]) { people(first: 10) { edges { node { name } } } } }', {}, 2 * 11),
        ("query($c: [String!]!) { places(codes: $c) { name } }", {"c": ["1"] * 9}, 9),
        ('{ around(id: "1") { name } }', {}, 300),
        ("{ place { ...P } } fragment P on Place { parts(first: 4) { ...Q ... on Place { ...Q } } } "
         "fragment Q on Place { people(first: 3) { edges { node { name } } } }", {}, 4 * (1 + 3 + 3)),
        ("query($n: Int) { place { people(first: $n) { edges { node { name } } } } }", {"n": -5}, 1),
        ("query($n: Int) { place { people(first: $n) { edges { node { name } } } } }", {"n": "x"}, 1),
        ("{ place { people(first: 99999999999999999999) { edges { node { name } } } } }", {}, 10**12),
    ],
    ids=["leaf", "default", "nested", "variable", "variable's default", "keys", "keys by variable", "limit",
         "fragments", "negative", "wrong kind", "huge"],
)  # fmt: skip
def test_cost(query: str, variables: Mapping[str, Any], cost: int) -> None:
    assert cost_of(query, variables) == cost


def refused(query: str, limits: Limits, variables: Mapping[str, Any] | None = None) -> str | None:
    document = parse(query)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    try:
        check(measure(SCHEMA, document, operation), limits, variables or {})
    except UsageError as error:
        return error.code
    return None


def nested(depth: int) -> str:
    """`{ place { up { up … name } } }`, `depth` levels deep."""
    return "{ place { " + "up { " * (depth - 2) + "name" + " }" * depth


def test_depth() -> None:
    assert refused(nested(14), Limits()) is None
    assert refused(nested(15), Limits()) == "TOO_DEEP"


def test_depth_through_fragments() -> None:
    parts = " ".join(f"fragment F{n} on Place {{ up {{ ...F{n + 1} }} }}" for n in range(14))
    assert (
        refused(f"{{ place {{ ...F0 }} }} {parts} fragment F14 on Place {{ name }}", Limits()) == "TOO_DEEP"
    )


def test_aliases() -> None:
    assert refused("{ " + " ".join(f"a{n}: place {{ name }}" for n in range(20)) + " }", Limits()) is None
    many = "{ place { " + " ".join(f"a{n}: name" for n in range(61)) + " } }"
    assert refused(many, Limits()) == "TOO_MANY"


def test_roots() -> None:
    assert refused("{ " + "place { name } " * 21 + "}", Limits()) == "TOO_MANY"
    spread = "{ ...A ...A ...A } fragment A on Query { " + "place { name } " * 8 + "}"
    assert refused(spread, Limits()) == "TOO_MANY"


def test_cost_is_refused() -> None:
    query = "{ place { parts(first: 100) { parts(first: 100) { parts(first: 100) { name } } } } }"
    assert refused(query, Limits()) == "TOO_COSTLY"


def test_doubling_fragments_are_measured_at_once() -> None:
    twice = "fragment F{0} on Place {{ a: up {{ ...F{1} }} b: up {{ ...F{1} }} }}"
    parts = " ".join(twice.format(n, n + 1) for n in range(100))
    last = "fragment F100 on Place { people { edges { node { name } } } }"
    query = f"{{ place {{ ...F0 }} }} {parts} {last}"
    started = time.perf_counter()
    assert refused(query, Limits(depth=10_000, aliases=10**15)) == "TOO_COSTLY"
    assert time.perf_counter() - started < 2


def test_fragments_in_a_circle_end() -> None:
    query = "{ place { ...A } } fragment A on Place { up { ...B } } fragment B on Place { up { ...A } }"
    assert refused(query, Limits()) is None  # validation is what refuses it


@pytest.fixture
def operations() -> Operations:
    return Operations(SmallDomain().schema, Limits(tokens=1000, characters=9000, seconds=0.2))


async def ask(
    operations: Operations, query: str, variables: dict[str, Any] | None = None, method: Any = "POST"
) -> Any:
    context = SmallContext(None, "POST")  # type: ignore[arg-type]
    return await operations.run(query, variables, None, context, method=method, request_id="r1")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{" + "hello " * 1001 + "}", "TOO_MANY"),
        ("#" * 9001 + "\n{ hello }", "TOO_MANY"),
        ("#\n" * 1001 + "{ hello }", "TOO_MANY"),
        ("{" + "a{" * 450 + "}" * 451, "TOO_DEEP"),
        ("{ address { ...A } } fragment A on Node { up { ...A } }", "BAD_ARGUMENT"),
        ("{ slow(seconds: 5) }", "TIMEOUT"),
        ("subscription { hello }", "BAD_ARGUMENT"),
        ("", "BAD_ARGUMENT"),
        ("fragment A on Node { id }", "BAD_ARGUMENT"),
        ("query A { hello } query B { hello }", "BAD_ARGUMENT"),
        ("{ address { below(first: 99) { below(first: 99) { below(first: 99) { id } } } } }", "TOO_COSTLY"),
    ],
    ids=["tokens", "characters", "comments", "nesting", "circle", "time", "subscription", "nothing", "none",
         "two operations", "cost"],
)  # fmt: skip
async def test_an_operation_is_refused(operations: Operations, query: str, code: str) -> None:
    outcome = await ask(operations, query)
    assert outcome.codes == (code,)
    assert "data" not in outcome.body


async def test_introspection_is_within_the_limits() -> None:
    text = get_introspection_query(input_value_deprecation=True)
    outcome = await ask(Operations(SmallDomain().schema, Limits()), text)
    assert outcome.codes == ()
    assert outcome.body["data"]["__schema"]["queryType"]["name"] == "Query"


async def test_introspection_cannot_be_nested_at_will(operations: Operations) -> None:
    query = "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + "} }" * 4 + "} }"
    assert (await ask(operations, query)).codes == ("BAD_ARGUMENT",)


async def test_texts_are_parsed_once(operations: Operations) -> None:
    for name in ("a", "b", "c"):
        outcome = await ask(operations, "query($n: String!) { hello(name: $n) }", {"n": name})
        assert outcome.body == {"data": {"hello": f"hello {name}"}}
    assert (operations.misses, operations.hits) == (1, 2)


async def test_kept_texts_are_bounded(operations: Operations) -> None:
    for n in range(300):
        await ask(operations, f"{{ a{n}: hello }}")
    assert len(operations._texts) <= 256


# The numbers are made up; the last character is the check character that the rule gives.
PERSON = "11010519491231002X"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('{ person(idNumber: "1") { id } }', {}),
        ("query($n: String!) { person(idNumber: $n) { id } }", {"n": "1"}),
        (f'{{ hello(name: "is {PERSON} here") }}', {}),
        ("query($n: String!) { hello(name: $n) }", {"n": f"{PERSON}"}),
        ("query($n: [ID!]!) { nodes(ids: $n) { id } }", {"n": ["1", PERSON.lower()]}),
    ],
    ids=["argument", "argument by variable", "in a text", "in a variable", "in a list"],
)
async def test_identity_numbers_are_refused_in_a_url(
    operations: Operations, query: str, variables: dict[str, Any]
) -> None:
    assert (await ask(operations, query, variables, "GET")).codes == ("PERSONAL_DATA_IN_GET",)
    assert (await ask(operations, query, variables, "POST")).codes == ()


async def test_mutations_are_refused_in_a_url(operations: Operations) -> None:
    assert (await ask(operations, "mutation { touch }", method="GET")).codes == ("BAD_ARGUMENT",)
    assert (await ask(operations, "mutation { touch }")).body == {"data": {"touch": True}}
