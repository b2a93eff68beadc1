"""`examples/queries/*.graphql`, asked of the drawn town: each answers what the `.json` beside it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph.store import Store
from tests.schema.drawn import Asker, draw, load
from web.examples import load_examples

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "queries"
EXAMPLES = {example.name: example for example in load_examples(FOLDER)}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example(store: Store, name: str) -> None:
    town = load("town")
    await draw(store, town)
    example = EXAMPLES[name]
    data = await Asker(store, town).data(example.query, **example.variables)
    assert data == json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def test_each_has_its_answer() -> None:
    assert {p.stem for p in FOLDER.glob("*.json")} == set(EXAMPLES)
