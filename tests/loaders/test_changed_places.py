"""Places that were renumbered, renamed, moved, split, merged, demolished: drawn in `tests/scenarios/changed_places.yaml`.

However the records come, and by whatever way they are loaded, the graph is one.
"""

from __future__ import annotations

import csv
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.engine import ensure_engine, stop_engine
from graph.store import Store
from loaders.bulk import first_load
from loaders.declaration import load_feeds
from loaders.load import Target, load
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.reading import read_yaml
from ontology.terms import CATALOG
from tests.conftest import empty
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import KEYRING

pytestmark = pytest.mark.anyio
SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "changed_places.yaml"
DRAWN: dict[str, Any] = read_yaml(SCENARIO.read_text("utf-8"))
FEEDS = load_feeds(CATALOG / "feeds")
CLOCK = Clock(date(2025, 12, 15))


def open_at(directory: Path) -> Loader:
    return open_loader(directory, None, CLOCK, keyring=KEYRING)


def write(directory: Path, feed: str, rows: list[dict[str, str]], part: int = 0) -> Path:
    path = directory / f"{feed}-{part}_20251215.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(FEEDS[feed].columns))
        writer.writeheader()
        writer.writerows(rows)
    return path


@asynccontextmanager
async def loaded_by_import(
    loader: Loader, feeds: dict[str, list[dict[str, str]]], data: Path, directory: Path
) -> AsyncIterator[Store]:
    """A graph of these rows that the import tool has made, in an engine of the data directory's own."""
    directory.mkdir()  # noqa: ASYNC240
    for feed, held in feeds.items():
        loader.receive(write(directory, feed, held), feed)
    target = Target(lambda: ensure_engine(data, heap_mb=512, page_cache_mb=64), data, heap_mb=512)
    await load(loader, target, [])
    async with target.open() as store:
        yield store


async def load_in_turn(
    store: Store, directory: Path, parts: list[list[tuple[str, dict[str, str]]]]
) -> dict[str, list[Any]]:
    """The graph after these rows have come in these batches."""
    await empty(store)
    await ensure_schema(store)
    directory.mkdir()  # noqa: ASYNC240
    loader = open_at(directory / "data")
    for number, part in enumerate(parts):
        for feed in dict.fromkeys(feed for feed, _ in part):
            loader.receive(write(directory, feed, [row for f, row in part if f == feed], number), feed)
        summary = await loader.load(store, [])
        assert sum(f.quarantined for f in summary.files) == 0
    graph = await whole_graph(store)
    folded = dict(loader.records.db.execute("SELECT id, state FROM folded"))
    loader.close()
    # Opened anew it knows what it knew: nothing more is to be done.
    again = open_at(directory / "data")
    again.records.mark_dirty(folded)
    await again.apply(store)
    refolded = dict(again.records.db.execute("SELECT id, state FROM folded"))
    differing = [
        (folded.get(i), refolded.get(i)) for i in folded | refolded if folded.get(i) != refolded.get(i)
    ]
    assert not differing, differing
    assert_same(await whole_graph(store), graph)
    again.close()
    return graph


def rows() -> list[tuple[str, dict[str, str]]]:
    return [(feed, row) for feed, held in DRAWN["feeds"].items() for row in held]


async def expect(store: Store) -> None:
    expected = DRAWN["expected"]
    homes = await store.read(
        "MATCH (p:Person)-[r:LIVES_AT]->(a) WITH p, r, a ORDER BY r.until WITH p.name AS n, collect([a.code, r.since, r.until]) AS h RETURN [n, h] AS x"
    )
    assert dict(homes) == expected["homes"]
    lies_in = await store.read(
        "MATCH (a:Address)-[r:IN]->(b) WITH a, r, b ORDER BY r.until WITH a.code AS n, collect([b.code, r.since, r.until]) AS h RETURN [n, h] AS x"
    )
    found = dict(lies_in)
    assert {code: found.get(code) for code in expected["lies_in"]} == expected["lies_in"]
    places = dict(await store.read("MATCH (a:Address) RETURN [a.code, properties(a)] AS x"))
    for code, values in expected["places"].items():
        assert {f: places[code].get(f) for f in values} == values, code
    assert "330109003005" not in places
    incidents = dict(
        await store.read("MATCH (i:Incident)-[:OCCURRED_AT]->(a) RETURN [i.number, a.code] AS x")
    )
    assert incidents == expected["incidents"]
    changed = await store.read(
        "MATCH (a)<-[:CHANGES]-(s:Succession {number: 'B6'})-[:INTO]->(b) WHERE a <> b RETURN s.number"
    )
    assert changed == [], "who is renumbered stays who they are"


async def test_the_changed_district(clean_graph: Store, tmp_path: Path) -> None:
    await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    await expect(clean_graph)


async def test_changes_that_come_first_last_or_in_between(clean_graph: Store, tmp_path: Path) -> None:
    whole = await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    changes = [x for x in rows() if x[0] == "successions"]
    others = [x for x in rows() if x[0] != "successions"]
    assert_same(await load_in_turn(clean_graph, tmp_path / "last", [others, changes]), whole, "last")
    await expect(clean_graph)
    assert_same(await load_in_turn(clean_graph, tmp_path / "first", [changes, others]), whole, "first")
    for seed in range(3):
        dice = random.Random(seed)
        shuffled = [*rows(), *dice.choices(rows(), k=5)]
        dice.shuffle(shuffled)
        third = len(shuffled) // 3
        parts = [shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :]]
        assert_same(await load_in_turn(clean_graph, tmp_path / f"mixed{seed}", parts), whole, seed)


async def test_a_change_that_is_taken_back(clean_graph: Store, tmp_path: Path) -> None:
    others = [x for x in rows() if x[0] != "successions"]
    without = await load_in_turn(clean_graph, tmp_path / "without", [others])
    await empty(clean_graph)
    await ensure_schema(clean_graph)
    (tmp_path / "taken").mkdir()
    loader = open_at(tmp_path / "taken" / "data")
    for number, (feed, held) in enumerate(DRAWN["feeds"].items()):
        loader.receive(write(tmp_path / "taken", feed, held, number), feed)
    await loader.load(clean_graph, [])
    (batch,) = loader.ledger.batches("successions")
    loader.retract(batch)
    await loader.load(clean_graph, [])
    found = await whole_graph(clean_graph)
    loader.close()
    # A day on which something changed last is all that is left to tell.
    assert_same(found, without)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an engine of its own, since the import tool stops it."""
    yield tmp_path / "bulk"
    stop_engine(tmp_path / "bulk")


async def test_the_import_tool_comes_to_the_same(
    clean_graph: Store, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await load_in_turn(clean_graph, tmp_path / "once", [rows()])
    monkeypatch.setattr(first_load, "LEAST_ROWS", 0)
    fast = open_at(data)
    async with loaded_by_import(fast, DRAWN["feeds"], data, tmp_path / "files") as store:
        await expect(store)
        assert_same(await whole_graph(store), whole)
    slow = open_at(tmp_path / "once" / "data")
    for table in ("rollup", "resolution", "about", "disagreement", "folded"):
        held_fast, held_slow = (
            {
                tuple(r)
                for r in x.records.db.execute(f"SELECT * FROM {table}")
                if r[-1] != 0 or table != "rollup"
            }
            for x in (fast, slow)
        )
        assert held_fast == held_slow, table
    slow.close()
    fast.close()
