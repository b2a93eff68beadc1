"""`examples/queries/*.graphql`, asked of the drawn town: each answers what the `.json` beside it says.

`python -m tests.schema.test_examples` writes those answers anew; read the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from graph.engine import ensure_engine, stop_engine
from graph.store import Store
from tests.schema.drawn import Asker, draw, load
from web.examples import load_examples

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "queries"
EXAMPLES = {example.name: example for example in load_examples(FOLDER)}


async def answer(store: Store, name: str) -> Any:
    """What the town answers to an example."""
    town = load("town")
    await draw(store, town)
    return await Asker(store, town).data(EXAMPLES[name].query, **EXAMPLES[name].variables)


def _text(answered: Any) -> str:
    return json.dumps(answered, ensure_ascii=False, indent=1) + "\n"


async def _write(address: Any) -> None:
    async with Store.open(address) as store:
        for name in EXAMPLES:
            (FOLDER / f"{name}.json").write_text(_text(await answer(store, name)), "utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example(store: Store, name: str) -> None:
    expected = (FOLDER / f"{name}.json").read_text("utf-8").splitlines()
    assert list(difflib.unified_diff(expected, _text(await answer(store, name)).splitlines(), n=6)) == []


def test_each_has_its_answer() -> None:
    assert {p.stem for p in FOLDER.glob("*.json")} == set(EXAMPLES)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        try:
            asyncio.run(_write(ensure_engine(Path(directory))))
        finally:
            stop_engine(Path(directory))
