"""The store against the real Neo4j: access modes, time limits, batches, counting, and clear errors."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import neo4j.exceptions
import pytest

from graph.engine import EngineAddress
from graph.store import ServerInfo, Store, count_statements
from ontology.errors import EngineError


async def _refused(address: EngineAddress) -> EngineError:
    with pytest.raises(EngineError) as caught:
        async with Store.open(address):
            pass
    return caught.value


async def test_rows_are_values_for_one_column_and_dicts_for_more(store: Store) -> None:
    assert await store.read("UNWIND $xs AS x RETURN x", {"xs": [1, 2]}) == [1, 2]
    assert await store.read("RETURN 1 AS a, 'x' AS b") == [{"a": 1, "b": "x"}]
    assert await store.read_one("RETURN {a: [1, 2]}") == {"a": [1, 2]}
    assert await store.read_one("UNWIND [] AS x RETURN x") is None


async def test_reading_refuses_to_write(bare_graph: Store) -> None:
    with pytest.raises(neo4j.exceptions.ClientError, match="read access mode"):
        await bare_graph.read("CREATE (:Person)")
    assert await bare_graph.read_one("MATCH (n) RETURN count(n)") == 0


async def test_writes_report_what_they_did(bare_graph: Store) -> None:
    written = await bare_graph.write("CREATE (p:Person {pid: $pid}) RETURN p.pid", {"pid": "p1"})
    assert written.rows == ["p1"]
    assert (written["nodes_created"], written["properties_set"], written["nodes_deleted"]) == (1, 1, 0)


async def test_batches_are_of_the_given_size_and_idempotent(bare_graph: Store) -> None:
    rows = [{"n": n} for n in range(25)]
    for _ in range(2):
        with count_statements() as counter:
            assert await bare_graph.write_batches("MERGE (:Thing {n: row.n})", rows, size=10) == 25
        assert counter.statements == 3
    assert await bare_graph.write_batches("UNWIND $rows AS r MERGE (:Thing {n: r.n})", []) == 0
    counts = await bare_graph.counts()
    assert (counts.nodes, counts.labels["Thing"], counts.relationships) == (25, 25, 0)


async def test_too_long_a_query_is_cancelled(store: Store) -> None:
    endless = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*)"
    with pytest.raises(EngineError) as caught:
        await store.read(endless, timeout=0.2)
    assert caught.value.code == "TIMEOUT"
    assert await store.read_one("RETURN 1") == 1, "the store goes on"


async def test_statements_are_counted_per_block_and_task(store: Store) -> None:
    async def ask(times: int) -> int:
        with count_statements() as counter:
            for _ in range(times):
                await store.read("RETURN 1")
        return counter.statements

    before = store.statements
    with count_statements() as total:
        assert tuple(await asyncio.gather(ask(1), ask(2), ask(3))) == (1, 2, 3)
    assert total.statements == 6
    assert store.statements == before + 6


async def test_plans(bare_graph: Store) -> None:
    await bare_graph.write("CREATE INDEX thing_n IF NOT EXISTS FOR (t:Thing) ON (t.n)")
    await bare_graph.read("CALL db.awaitIndexes(30)")
    plan = await bare_graph.explain("MATCH (t:Thing {n: $n}) RETURN t.n", {"n": 1})
    assert "NodeIndexSeek" in str(plan)
    assert "dbHits" in await bare_graph.profile("MATCH (t:Thing {n: $n}) RETURN t.n", {"n": 1})


async def test_server_info(store: Store) -> None:
    info = await store.server_info()
    assert info.version.startswith("2026.")
    assert info.edition == "community"


async def test_wrong_password(engine: EngineAddress) -> None:
    error = await _refused(replace(engine, password="wrong"))
    assert error.code == "ENGINE_AUTH"
    assert "wrong" not in f"{error.zh}{error.en}{error.hint}"


async def test_no_such_database(engine: EngineAddress) -> None:
    assert (await _refused(replace(engine, database="elsewhere"))).code == "ENGINE_DATABASE"


async def test_nobody_there() -> None:
    error = await _refused(EngineAddress("bolt://127.0.0.1:1", "neo4j", "x"))
    assert error.code == "GRAPH_UNAVAILABLE"


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-Other\r\n", b""])
async def test_a_server_that_is_not_neo4j(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(20)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await _refused(EngineAddress(f"bolt://127.0.0.1:{port}", "neo4j", "x"))
    assert error.code == "ENGINE_NOT_NEO4J"


@pytest.mark.parametrize(("version", "good"), [("5.25.1", False), ("4.4.40", False), ("5.26.3", True)])
async def test_versions(
    engine: EngineAddress, monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    async def says(self: Store, retry: float) -> ServerInfo:
        return ServerInfo(version, "community", self.address.uri)

    monkeypatch.setattr(Store, "_info", says)
    if good:
        async with Store.open(engine) as store:
            assert await store.read_one("RETURN 1") == 1
    else:
        assert (await _refused(engine)).code == "ENGINE_VERSION"
