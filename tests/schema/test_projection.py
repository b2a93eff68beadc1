"""What is projected says what graphql-core would have said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.memo import Memo, current
from schema.projection import ProjectingExecutor

NODES: list[dict[str, Any]] = [
    {
        "_t": "Street",
        "name": "一",
        "long": 3,
        "below": [{"_t": "Street", "name": "二", "long": None, "below": []}],
    },
    {"_t": "Street", "name": None, "long": 2**40, "below": None},
]


def _read(source: Any, name: str) -> Any:
    return source.get(name)


@strawberry.type
class Street:
    name: str | None
    long: int | None
    below: list[Street]

    @strawberry.field
    def called(self: Any, info: strawberry.Info, suffix: str = "街") -> str:
        return f"{info.context}{self['name']}{suffix}"

    @strawberry.field
    def ended(self: Any, suffix: str | None = "段") -> str:
        return f"{self['name']}{suffix}"

    @strawberry.field
    async def waits(self: Any) -> str:
        return "waited"

    @classmethod
    def is_type_of(cls, source: Any, info: Any) -> bool:
        return True


@strawberry.type
class Query:
    @strawberry.field
    async def street(self, at: int) -> Street | None:
        return NODES[at]  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _one_text() -> Iterator[None]:
    """As when one text is asked again and again."""
    token = current.set(Memo())
    yield
    current.reset(token)


@pytest.mark.parametrize(
    "query",
    [
        "query($at: Int!) { street(at: $at) { name } }",
        "query($at: Int!) { street(at: $at) { __typename n: name long } }",
        "query($at: Int!) { street(at: $at) { name below { name long below { name } } } }",
        "query($at: Int!, $s: String!) { street(at: $at) { called called2: called(suffix: $s) } }",
        "query($at: Int!, $more: Boolean!) { street(at: $at) { name } street(at: $at) @include(if: $more) { long } }",
        "query($at: Int!, $more: Boolean!) { street(at: $at) { name ...F @skip(if: $more) } } fragment F on Street { called }",
        "query($at: Int!, $maybe: String) { street(at: $at) { ended(suffix: $maybe) } }",
        "query($at: Int!) { street(at: $at) { waits name } }",
    ],
)
async def test_same_as_graphql_core(query: str) -> None:
    answers = []
    for executor in (StrawberryGraphQLCoreExecutionContext, ProjectingExecutor):
        config = strawberry.schema.config.StrawberryConfig(default_resolver=_read)
        schema = strawberry.Schema(Query, config=config, execution_context_class=executor)
        found = []
        for at in (0, 1, 0):
            for more in (True, False):
                for who in ("甲", "乙"):
                    asked: dict[str, Any] = {"at": at, "more": more, "s": "路" if more else "巷"}
                    # Left out, or null.
                    asked |= {"maybe": None} if more else {}
                    result = await schema.execute(query, variable_values=asked, context_value=who)
                    errors = [(e.message, e.path) for e in result.errors or []]
                    found.append((result.data, errors))
        answers.append(found)
    assert answers[0] == answers[1]
