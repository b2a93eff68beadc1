"""Every feed's records, in whatever order, cut into whatever batches, some of them twice: one graph.

What comes late, what is corrected and what comes before what it speaks of must not matter. Snapshots are left in their
order here: which list is the last is told by its day, and batches of one day are no two lists.
"""

from __future__ import annotations

import asyncio
import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.store import Store
from ledger import ROW
from loaders.declaration import Feed, load_feeds
from loaders.wiring import open_loader
from ontology.terms import CATALOG
from seed import SeedOptions, seed_district
from tests.conftest import empty
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import CLOCK, KEYRING

FEEDS = load_feeds(CATALOG / "feeds")
ROWS = 3
EXAMPLES = int(os.environ.get("QUANXI_TEST_ORDERS", "3"))
Part = tuple[str, list[dict[str, Any]]]


class Parts(list[Part]):
    """Told by their number, where a test that fails would tell them all."""

    def __repr__(self) -> str:
        return f"<{len(self)} parts>"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """Single rows of every feed, each record in two versions or three, and the addresses that they speak of."""
    directory: Path = tmp_path_factory.mktemp("orders")
    seed_district(directory, SeedOptions(scale=0.002, seed=29, noise="normal"))
    loader = open_loader(directory / "data", None, CLOCK, keyring=KEYRING)
    received = {}
    for path in loader.known([directory / "feeds"]):
        (batch,) = loader.receive(path)
        received[batch.feed] = pl.concat(loader.ledger.frames(batch)).drop(ROW)
    loader.close()
    assert set(received) == set(FEEDS)
    addresses = received.pop("addresses")
    found = [(name, [version]) for name, rows in received.items() for version in _versions(FEEDS[name], rows)]
    return Parts([*found, *(("addresses", [row]) for row in _spoken_of(addresses, found))])


def _versions(feed: Feed, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Some rows; the same later with something of another row's in them; and gone, where rows may say so."""
    step = max(1, rows.height // ROWS)
    for at in range(0, min(rows.height, step * ROWS), step):
        row, other = rows.row(at, named=True), rows.row((at + 1) % rows.height, named=True)
        yield row
        if feed.effective in row:
            day = f"2025-12-{10 + at % 5:02}"
            mixed = [c for c in row if c not in (*feed.key, feed.effective)][at % 3 :: 3]
            yield {**row, **{c: other[c] for c in mixed}, feed.effective: day}


def _spoken_of(addresses: pl.DataFrame, found: list[Part]) -> list[dict[str, Any]]:
    texts = {value for _, rows in found for row in rows for value in row.values() if value}
    by_code = {row["地址编码"]: row for row in addresses.iter_rows(named=True)}
    wanted = {code for code, row in by_code.items() if texts & {code, row["全称"], (row["全称"] or "")[3:]}}
    todo = list(wanted)
    while todo:
        row = by_code.get(todo.pop(), {})
        above = {row.get("上级编码"), row.get("网格编码")} & by_code.keys() - wanted
        wanted |= above
        todo += above
    return [by_code[code] for code in sorted(wanted)]


def _write(directory: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = directory / f"{name}_20251215.csv"
    columns = list(dict.fromkeys([*FEEDS[name].names(), *(c for row in rows for c in row)]))
    with path.open("w", encoding=FEEDS[name].encoding or "utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_any_order_of_all_feeds_ends_in_one_graph(
    engine: EngineAddress, parts: Parts, data: st.DataObject
) -> None:
    dice = data.draw(st.randoms(use_true_random=False))
    sequence = [*range(len(parts)), *dice.choices(range(len(parts)), k=20)]
    dice.shuffle(sequence)
    cuts = sorted(dice.sample(range(1, len(sequence)), dice.randint(0, 3)))

    async def go() -> None:
        async with Store.open(engine) as store:
            await empty(store)
            await ensure_schema(store)
            with tempfile.TemporaryDirectory() as name:
                loader = open_loader(Path(name) / "data", None, CLOCK, keyring=KEYRING)
                for start, stop in zip([0, *cuts], [*cuts, len(sequence)], strict=True):
                    directory = Path(name) / f"b{start}"
                    directory.mkdir()
                    batches: dict[str, list[dict[str, Any]]] = {}
                    for at in sequence[start:stop]:
                        batches.setdefault(parts[at][0], []).extend(parts[at][1])
                    for feed, rows in batches.items():
                        loader.receive(_write(directory, feed, rows), feed)
                    await loader.load(store, [])
                # Cut by lot, a batch may be many times as long as those before it: a person looks, and lets it pass.
                with loader.ledger.lease():
                    for batch in [b for b in loader.ledger.batches() if b.state == "held"]:
                        loader.release(batch)
                    await loader.apply_waiting(store)
                assert loader.waiting() == []
                graph = await whole_graph(store)
                graph["disagreements"] = loader.records.db.execute("SELECT * FROM disagreement").fetchall()
                loader.close()
        if not _FIRST:
            _FIRST.append(graph)
            assert len(graph["nodes"]) > len(FEEDS) * ROWS and len(graph["links"]) > len(FEEDS) * ROWS
        assert_same(graph, _FIRST[0])

    asyncio.run(go())


_FIRST: list[dict[str, list[Any]]] = []
