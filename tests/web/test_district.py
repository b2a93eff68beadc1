"""Quanxi's own schema over HTTP, as `quanxi serve` serves it, for who sees all and for who sees one community."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.engine import EngineAddress
from graph.store import Store
from server import create_app
from settings import Settings
from tests.schema import roots
from tests.schema.drawn import draw, load

TOWN = load("town")


@asynccontextmanager
async def serving(engine: EngineAddress, data: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data=data, today=date.fromisoformat(TOWN.today), **settings), address=engine)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://quanxi") as client,
    ):
        for _ in range(600):
            if (await client.get("/readyz")).status_code == 200:
                break
            await asyncio.sleep(0.05)
        yield client


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", ())]


@pytest.fixture
async def town(store: Store) -> Store:
    await draw(store, TOWN)
    return store


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ address(code: "330109999") { code } }', "NOT_FOUND"),
        ('{ address(code: "hello") { code } }', "BAD_CODE"),
        ('{ address(code: "330109", asOf: "2025-02-30") { code } }', "BAD_DATE"),
        ('{ address(code: "330109") { residents(after: "x") { edges { cursor } } } }', "BAD_CURSOR"),
        ("{ address { " + "children { edges { node { " * 12 + "code" + " } } }" * 12 + " } }", "TOO_DEEP"),
        ("{ nothing }", "BAD_ARGUMENT"),
        ("{ address {", "BAD_ARGUMENT"),
    ],
)
async def test_what_is_wrong_is_told_and_serving_goes_on(
    engine: EngineAddress, town: Store, tmp_path: Path, query: str, code: str
) -> None:
    async with serving(engine, tmp_path) as client:
        wrong = await client.post("/graphql", json={"query": query})
        assert codes(wrong) == [code]
        (error,) = wrong.json()["errors"]
        assert error["extensions"]["messageZh"]
        assert error["extensions"]["messageEn"]
        assert "Traceback" not in wrong.text
        right = await client.post("/graphql", json={"query": "{ address { name } viewer { today } }"})
    assert right.json()["data"] == {"address": {"name": "萧山区"}, "viewer": {"today": TOWN.today}}


async def test_an_identity_number_by_post_alone(engine: EngineAddress, town: Store, tmp_path: Path) -> None:
    query = 'query($n: String = "11010519491231002X") { person(idNumber: $n) { title } }'
    async with serving(engine, tmp_path) as client:
        assert codes(await client.get("/graphql", params={"query": query})) == ["PERSONAL_DATA_IN_GET"]
        assert codes(await client.post("/graphql", json={"query": query})) == ["NOT_FOUND"]


async def test_who_sees_one_community_is_told_of_no_other(
    engine: EngineAddress, town: Store, tmp_path: Path
) -> None:
    """The pages, the examples and the metrics too; what is outside is in the same pages of who sees all."""
    told: dict[str, str] = {}
    for viewer in ("development", roots.WEST):
        async with serving(engine, tmp_path, viewer=viewer) as client:
            answers = [await client.get(path) for path in ("/", "/examples.json", "/metrics")]
            for example in json.loads(answers[1].text)["examples"]:
                asked = {"query": example["query"], "variables": example["variables"]}
                answers.append(await client.post("/graphql", json=asked))
            assert all(answer.status_code == 200 for answer in answers)
            told[viewer] = "\n".join(answer.text for answer in answers)
    hidden = list(TOWN.outside())
    assert [text for text in hidden if text in told[roots.WEST]] == []
    assert [text for text in hidden if text in told["development"]] != []
