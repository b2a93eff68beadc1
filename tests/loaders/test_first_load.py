"""The first load through the import tool, and a rebuild, come to the graph that the incremental way comes to."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import anyio
import orjson
import polars as pl
import pytest

from addresses import following
from graph.constraints import ensure_schema
from graph.engine import ensure_engine, is_pristine, stop_engine
from graph.store import Store
from loaders import places
from loaders.bulk import first_load, keeping, placements
from loaders.bulk import fold as bulk_fold
from loaders.load import Target, load, rebuild
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import EngineError, UsageError
from seed import SeedOptions, seed_district
from tests.districts import catalogue_with, drop_empty_micro_grids
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import KEYRING

pytestmark = pytest.mark.anyio
TABLES = {
    "record": "SELECT feed, rkey, effective, hash, row FROM record",
    "about": "SELECT key, feed, rkey FROM about",
    "turning": "SELECT id, day FROM turning",
    "rollup": "SELECT code, counter, n FROM rollup WHERE n <> 0",
    "resolution": "SELECT * FROM resolution",
    "quarantine": "SELECT row, col, feed, zh FROM quarantine",
    "disagreement": "SELECT id, field, feed, stands FROM disagreement",
    "dirty": "SELECT id FROM dirty",
    "digested": "SELECT batch, loaded, rejected, dropped FROM digested",
}


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small district as departments would send it, with moves, deaths, several places of one thing, and bad rows."""
    directory: Path = tmp_path_factory.mktemp("district")
    seed_district(directory, SeedOptions(scale=0.001, seed=11, noise="normal"))
    drop_empty_micro_grids(directory / "feeds")
    # The same records again as another day's file has them: some changed, some as they were.
    residents = next((directory / "feeds").glob("公安_实有人口_*.csv"))
    lines = residents.read_text(encoding="utf-8").splitlines()
    later = [line.replace("户籍,", "流动,", 1) for line in lines[1:400]]
    (directory / "feeds" / "公安_实有人口_20251214.csv").write_text(
        "\n".join([lines[0], *later]) + "\n", encoding="utf-8"
    )
    return directory


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an engine of its own, since the import tool stops it."""
    yield tmp_path / "bulk"
    stop_engine(tmp_path / "bulk")


def loader_at(data: Path, today: Clock) -> Loader:
    return open_loader(data, None, today, keyring=KEYRING)


def stored(loader: Loader) -> dict[str, set[tuple[object, ...]]]:
    """What the record store holds that a later load goes on from."""
    found = {name: set(loader.records.db.execute(sql)) for name, sql in TABLES.items()}
    states = loader.records.db.execute("SELECT id, state FROM folded")
    found["folded"] = {(i, orjson.dumps(orjson.loads(b), option=orjson.OPT_SORT_KEYS)) for i, b in states}
    return found


def target(data: Path) -> Target:
    return Target(
        lambda: ensure_engine(data, heap_mb=768, page_cache_mb=128),
        data,
        heap_mb=512,
        pristine=lambda: is_pristine(data),
    )


async def test_the_import_tools_graph_is_that_of_the_incremental_way(
    clean_graph: Store, district: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(date(2025, 12, 15))
    slow = loader_at(tmp_path / "slow", clock)
    await ensure_schema(clean_graph)
    await slow.load(clean_graph, [district])
    whole = await whole_graph(clean_graph)
    monkeypatch.setattr(first_load, "LEAST_ROWS", 0)
    # So few rows at once that the import tool is given several files of a label.
    monkeypatch.setattr(bulk_fold, "PART", 2_000)
    # As a large district is digested and placed: by processes beside this one.
    monkeypatch.setattr(placements, "CHUNK", 500)
    monkeypatch.setattr(following, "LEAST_KEPT", 0)
    monkeypatch.setattr(places, "LEAST_KEPT", 0)
    asked: list[int] = []

    def two(_: int) -> int:
        asked.append(2)
        return 2

    for module in (first_load, placements):
        monkeypatch.setattr(module, "processes", two)
    fast = loader_at(data, clock)
    summary = await load(fast, target(data), [district])
    assert len(asked) == 3
    assert summary.changed == len(whole["nodes"]) - 1
    assert summary.unplaced == slow.unplaced()
    async with target(data).open() as store:
        found = await whole_graph(store)
        assert_same(found, whole)
        indexes = "SHOW INDEXES YIELD name, state RETURN name + ' ' + state AS x ORDER BY x"
        assert await store.read(indexes) == await clean_graph.read(indexes)
    left, right = stored(slow), stored(fast)
    for name in left:
        assert left[name] == right[name], name
    assert not (data / "ledger" / "first_load").exists()
    # The rest of it by one process, as a small district is loaded.
    for module in (first_load, placements):
        monkeypatch.setattr(module, "processes", lambda rows: 1)
    # And it goes on from there: the same again is nothing new, and a rebuild ends in the same.
    again = await load(fast, target(data), [district])
    assert (again.changed, again.removed) == (0, 0)
    assert all(f.known for f in again.files)
    made = await rebuild(fast, target(data))
    assert made.changed == summary.changed
    async with target(data).open() as store:
        assert_same(await whole_graph(store), whole)
    slow.close()
    fast.close()


async def test_a_rebuild_without_the_import_tool(
    clean_graph: Store, district: Path, tmp_path: Path, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_load, "LEAST_ROWS", 10**9)
    loader = loader_at(tmp_path / "data", Clock(date(2025, 12, 15)))
    files = sorted((district / "feeds").glob("*标准地址*")) + sorted((district / "feeds").glob("*房屋*"))
    await ensure_schema(clean_graph)
    await loader.load(clean_graph, files)
    whole = await whole_graph(clean_graph)
    await clean_graph.write("MATCH (h:House) SET h.use = 'mended by hand'")
    await clean_graph.write("CREATE (:House {id: 'hou_aaaaaaaaaaaaaaaa'})")
    await rebuild(loader, Target(lambda: engine, tmp_path / "data"))  # type: ignore[arg-type, return-value]
    assert await whole_graph(clean_graph) == whole
    loader.close()
    other = loader_at(tmp_path / "other", Clock(date(2025, 12, 15)))
    with pytest.raises(UsageError, match="GRAPH_OTHER"):
        await rebuild(other, Target(lambda: engine, tmp_path / "other"))  # type: ignore[arg-type, return-value]
    assert await whole_graph(clean_graph) == whole
    other.close()


def test_a_first_load_killed_anywhere_is_begun_again(district: Path, data: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "QUANXI_KEY": KEYRING.key or "",
        "QUANXI_HEAP_MB": "512",
        "QUANXI_TODAY": "2025-12-15",
    }
    code = "import sys; from loaders.bulk import first_load; first_load.LEAST_ROWS = 0; from cli import main; sys.argv[0] = 'quanxi'; main()"
    catalogue = catalogue_with(tmp_path / "catalogue", "repeat_disputes_place")
    command = [
        sys.executable, "-c", code, "--data", str(data), "--catalog", str(catalogue), "load", str(district)
    ]  # fmt: skip

    def until(what: str) -> bool:
        """Whether the run has come so far."""
        if what == "digest":
            return _count(data, "digested") > 2
        if what == "import":
            return (data / "engine" / "importing").exists()
        return _count(data, "folded") > 100

    for what in ("digest", "import", "keep"):
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit = time.monotonic() + 120
        while not until(what) and running.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        assert running.poll() is None, f"it ended before {what}"
        running.send_signal(signal.SIGKILL)
        running.wait()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loader = loader_at(data, Clock())
    assert loader.records.meta(first_load.UNFINISHED) is None
    assert loader.waiting() == []
    people = loader.records.db.execute("SELECT count(*) FROM folded WHERE id LIKE 'per_%'").fetchone()[0]
    loader.close()

    async def count() -> object:
        async with target(data).open() as store:
            return await store.read_one("MATCH (p:Person) RETURN count(p) AS x")

    assert anyio.run(count) == people > 500


def _count(data: Path, table: str) -> int:
    try:
        with sqlite3.connect(f"file:{data / 'ledger' / 'records.db'}?mode=ro", uri=True) as db:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.Error:
        return 0


async def test_an_import_that_fails_ends_the_record_store_with_it(
    district: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    write = keeping.keep

    def keep(directory: Path, task: keeping.Task, stop: keeping.Stop) -> None:
        if isinstance(task, keeping.About):
            write(directory, task, stop)
            return
        limit = time.monotonic() + 60
        while not stop():
            assert time.monotonic() < limit
            time.sleep(0.01)
        ended.append(True)
        raise keeping.Stopped

    def fails(*_: object, **__: object) -> None:
        raise EngineError("ENGINE_IMPORT", "导入失败。", "The import failed.")

    monkeypatch.setattr(first_load, "LEAST_ROWS", 0)
    monkeypatch.setattr(keeping, "keep", keep)
    monkeypatch.setattr(first_load, "import_graph", fails)
    loader = loader_at(data, Clock(date(2025, 12, 15)))
    with pytest.raises(EngineError, match="ENGINE_IMPORT"):
        await load(loader, target(data), [district])
    assert ended == [True]
    assert loader.records.meta(first_load.UNFINISHED) is not None
    loader.close()


def test_a_place_that_nothing_describes_is_made_by_its_id(data: Path) -> None:
    loader = loader_at(data, Clock(date(2025, 12, 15)))
    loading = first_load._FirstLoad(loader, data)
    loading._places = [pl.Series(["adr_a", "adr_c"])]
    loading._ends = [pl.Series(["adr_c", "adr_b"]), pl.Series(["adr_b", "adr_a"])]
    loading._put_unknown()
    (name,) = loading._nodes["Address"]
    assert pl.read_parquet(loading.spool.directory / name).to_dict(as_series=False) == {
        "id:ID(Address)": ["adr_b"]
    }
    loading.spool.close()
    loader.close()
