"""The example queries of `examples/ten_buildings/`, asked about the drawn district of ten buildings.

`python -m tests.test_examples` writes the expected answers anew; read the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.engine import EngineAddress, ensure_engine, stop_engine
from graph.meta import read_meta
from graph.store import Store
from graph.viewer import DEVELOPMENT
from ledger import Keyring
from loaders.why import Explainer
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.identifiers import identity_hash
from ontology.terms import load_terms
from schema import build_schema
from schema.context import Context
from schema.limits import Limits
from schema.operations import Operations
from seed import SeedOptions, seed_district
from seed.scenario import SCENARIOS
from tests.conftest import empty

QUERIES = Path(__file__).resolve().parent.parent / "examples" / "ten_buildings"
NAMES = sorted(path.stem for path in QUERIES.glob("*.graphql"))
# Ids are made from it, so that they are the same each time.
KEY = "0f" * 32


class Examples:
    """The drawn district, loaded from its feed files, and asked with the limits of a server."""

    def __init__(self, store: Store, directory: Path) -> None:
        data = directory / "data"
        data.mkdir()
        options = SeedOptions(noise="clean", scenario=SCENARIOS / "ten_buildings.yaml")
        self.manifest = seed_district(directory / "seed", options)
        self.store = store
        self.loader = open_loader(data, None, Clock(self.manifest.today), keyring=Keyring(KEY))
        self.operations = Operations(build_schema(), Limits())
        self.rolled_for: str | None = None

    async def load(self) -> None:
        await ensure_schema(self.store)
        await self.loader.load(self.store, [self.manifest.directory / "feeds"])
        await self.store.write(
            "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()", autocommit=True
        )
        self.rolled_for = (await read_meta(self.store)).get("rolled_for")

    async def answer(self, name: str) -> dict[str, Any]:
        context = Context(
            store=self.store,
            viewer=DEVELOPMENT,
            clock=self.loader.clock,
            scheme=self.loader.scheme,
            terms=load_terms(),
            identity_hash=lambda number: identity_hash(bytes.fromhex(KEY), number),
            explainer=Explainer(self.loader, self.loader.ledger),
            rolled_for=self.rolled_for,
            synthetic=True,
        )
        query = (QUERIES / f"{name}.graphql").read_text("utf-8")
        given = QUERIES / f"{name}.json"
        variables = json.loads(given.read_text("utf-8")) if given.exists() else {}
        body = (await self.operations.run(query, variables, None, context)).body
        # Roots are answered side by side: which error comes first says nothing.
        if "errors" in body:
            body["errors"].sort(key=lambda error: error["locations"][0]["line"])
        return body


@pytest.fixture(scope="module")
async def examples(
    engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Examples]:
    async with Store.open(engine) as store:
        await empty(store)
        examples = Examples(store, tmp_path_factory.mktemp("examples"))
        await examples.load()
        yield examples
        examples.loader.close()


@pytest.mark.parametrize("name", NAMES)
async def test_an_example_answers_as_expected(examples: Examples, name: str) -> None:
    expected = json.loads((QUERIES / "expected" / f"{name}.json").read_text("utf-8"))
    assert await examples.answer(name) == expected


def test_every_example_has_its_answer_and_every_answer_its_example() -> None:
    assert len(NAMES) >= 10
    assert sorted(path.stem for path in (QUERIES / "expected").glob("*.json")) == NAMES
    assert {path.stem for path in QUERIES.glob("*.json")} <= set(NAMES)


async def _write() -> None:
    with tempfile.TemporaryDirectory() as held:
        directory = Path(held)
        address = ensure_engine(directory / "engine", heap_mb=512, page_cache_mb=64)
        try:
            async with Store.open(address) as store:
                examples = Examples(store, directory)
                await examples.load()
                for name in NAMES:
                    body = await examples.answer(name)
                    text = json.dumps(body, ensure_ascii=False, indent=2)
                    (QUERIES / "expected" / f"{name}.json").write_text(text + "\n", encoding="utf-8")
                    print(name, "errors" if "errors" in body else "ok")
                examples.loader.close()
        finally:
            stop_engine(directory / "engine")


if __name__ == "__main__":
    sys.exit(asyncio.run(_write()))
