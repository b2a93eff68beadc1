"""A small schema over the real store, for tests of what is around a schema."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import strawberry
from starlette.requests import HTTPConnection
from strawberry.schema.config import StrawberryConfig

from graph.meta import read_meta
from graph.store import Store
from ontology.errors import UsageError
from schema.operations import Method


@dataclass(frozen=True, slots=True)
class SmallContext:
    store: Store
    method: Method


def _read(source: Any, name: str) -> Any:
    return source[name] if isinstance(source, dict) else getattr(source, name)


@strawberry.type
class Node:
    id: strawberry.ID
    name: str

    @strawberry.field
    def below(self, first: int = 20) -> list[Node]:
        return [{"id": str(n), "name": f"n{n}"} for n in range(min(first, 3))]  # type: ignore[misc]

    @strawberry.field
    def up(self) -> Node | None:
        return {"id": "0", "name": "top"}  # type: ignore[return-value]

    @strawberry.field
    def never(self) -> str:
        return None  # type: ignore[return-value]


@strawberry.type
class Query:
    @strawberry.field
    async def address(self, info: strawberry.Info, code: str | None = None) -> Node | None:
        if code == "bad":
            raise UsageError("BAD_CODE", "编码有误。", "Not a code.", "Take another.")
        if code == "boom":
            raise ZeroDivisionError("330109199001011234 went wrong")
        return await info.context.store.read_one(  # type: ignore[no-any-return]
            "RETURN {id: 'adr_1', name: '萧山区'} AS node"
        )

    @strawberry.field
    async def nodes(self, ids: list[strawberry.ID]) -> list[Node | None]:
        return [None for _ in ids]

    @strawberry.field
    async def person(self, id_number: str) -> Node | None:
        return None

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    async def slow_statement(self, info: strawberry.Info) -> int:
        found = await info.context.store.read_one(
            "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(a * b)", timeout=0.2
        )
        return int(found)

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> bool:
        return True


class SmallDomain:
    """Serves the small schema."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.schema = strawberry.Schema(
            Query, mutation=Mutation, config=StrawberryConfig(default_resolver=_read)
        )

    def context(self, store: Store, request: HTTPConnection, method: Method) -> SmallContext:
        if request.headers.get("x-viewer") == "nobody":
            raise UsageError("FORBIDDEN", "无权。", "Not for you.")
        return SmallContext(store, method)

    async def look(self, store: Store) -> None:
        await read_meta(store)

    def sees_all(self) -> bool:
        return self.whole

    def day(self) -> tuple[str, bool]:
        return "2025-12-15", True
