"""Fixtures that every test may use: one bundled Neo4j for the session, a store on it, an empty graph.

`store` and `clean_graph` are for async tests (`async def`, run by anyio's plugin on asyncio).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

# Keys of tests' ledgers are kept out of the user's own configuration; commands that tests run inherit it.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="quanxi-config-")

# Engines that a test starts for itself live for seconds: Java's second compiler would take a core from them and never pay it back.
os.environ["QUANXI_JVM_FLAGS"] = "-XX:TieredStopAtLevel=1"

# A worker of several has a width of its own for what is printed.
os.environ.pop("COLUMNS", None)

from graph.constraints import names
from graph.engine import EngineAddress, ensure_engine, stop_engine
from graph.store import Store

# A busy machine is no fault of what is tested.
hypothesis.settings.register_profile("quanxi", deadline=None)
hypothesis.settings.load_profile("quanxi")


# Files whose tests take minutes, longest first: begun last, one of them would keep a worker busy while the others have ended.
LONG = (
    "tests/test_cli.py", "tests/loaders/test_first_load.py", "tests/schema/test_viewer.py", "tests/test_push_server.py",
    "tests/loaders/bulk/test_bulk_fold.py", "tests/test_survives.py", "tests/schema/test_statements.py",
    "tests/loaders/test_village_and_park.py", "tests/loaders/test_changed_places.py", "tests/loaders/test_retention.py",
    "tests/loaders/test_careful.py", "tests/test_disk_full.py", "tests/loaders/test_orders.py", "tests/seed/test_seed.py",
    "tests/graph/test_engine.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; xdist takes files in this order (`--no-loadscope-reorder`)."""
    order = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddress]:
    """The address of a bundled Neo4j that lives as long as the session."""
    data: Path = tmp_path_factory.mktemp("quanxi")
    flags = os.environ.pop("QUANXI_JVM_FLAGS")
    try:
        address = ensure_engine(data, heap_mb=768, page_cache_mb=128)
        os.environ["QUANXI_JVM_FLAGS"] = flags
        yield address
    finally:
        stop_engine(data)


@pytest.fixture
async def store(engine: EngineAddress) -> AsyncIterator[Store]:
    """A store on the session's engine, whatever the graph holds."""
    async with Store.open(engine) as opened:
        yield opened


@pytest.fixture
async def clean_graph(store: Store) -> Store:
    """The store, with no node and no relationship in its database, and no other constraint or index than Quanxi's own."""
    await empty(store)
    return store


@pytest.fixture
async def bare_graph(store: Store) -> Store:
    """The store, with its database emptied: no node, no relationship, no constraint, no index."""
    await empty(store, frozenset())
    return store


async def empty(store: Store, kept: frozenset[str] = names()) -> None:
    """Remove everything from the database but constraints and indexes of these names, quickly at any size of a test's."""
    await store.write("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS", autocommit=True)
    constraints = await store.read("SHOW CONSTRAINTS YIELD name RETURN name")
    indexes = await store.read(
        "SHOW INDEXES YIELD name, type, owningConstraint WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name"
    )
    await store.write_together([f"DROP CONSTRAINT `{name}`" for name in constraints if name not in kept])
    await store.write_together([f"DROP INDEX `{name}`" for name in indexes if name not in kept])
