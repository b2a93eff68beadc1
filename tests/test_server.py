"""The application over HTTP, with a small schema over the real Neo4j."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from graph.engine import EngineAddress
from ontology.errors import UsageError
from server import create_app, run
from settings import Settings, environment_name
from tests.web.small import SmallDomain

ROOT = Path(__file__).resolve().parents[1]
NEWER = "application/graphql-response+json"


@contextlib.asynccontextmanager
async def serving(
    address: EngineAddress, tmp_path: Path, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data=tmp_path, **settings), address=address, domain=SmallDomain())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://quanxi") as client,
    ):
        yield client


async def until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        if (await client.get("/readyz")).status_code == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError((await client.get("/readyz")).text)


@pytest.fixture
async def client(engine: EngineAddress, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(engine, tmp_path, query_timeout=5, max_body=2000) as opened:
        await until_ready(opened)
        yield opened


@pytest.fixture
async def astray(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An application whose Neo4j is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serving(EngineAddress(f"bolt://127.0.0.1:{port}", "neo4j", "x"), tmp_path) as opened:
        yield opened


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", ())]


async def test_a_query_by_post(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ address { id name } }"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"data": {"address": {"id": "adr_1", "name": "萧山区"}}}


async def test_a_query_by_get(client: httpx.AsyncClient) -> None:
    query = "query Q($n: String!) { hello(name: $n) }"
    answer = await client.get(
        "/graphql", params={"query": query, "variables": '{"n": "x"}', "operationName": "Q"}
    )
    assert answer.json() == {"data": {"hello": "hello x"}}


async def test_personal_data_in_a_url(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/graphql", params={"query": '{ person(idNumber: "11010519491231002X") { id } }'}
    )
    assert codes(answer) == ["PERSONAL_DATA_IN_GET"]
    assert "11010519491231002X" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "BAD_ARGUMENT"),
        ({"content": b"{}"}, 415, "BAD_ARGUMENT"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "BAD_ARGUMENT"),
        ({"json": []}, 400, "BAD_ARGUMENT"),
        ({"json": "x"}, 400, "BAD_ARGUMENT"),
        ({"json": {}}, 400, "BAD_ARGUMENT"),
        ({"json": {"query": 1}}, 400, "BAD_ARGUMENT"),
        ({"json": {"query": "{ hello }", "variables": []}}, 400, "BAD_ARGUMENT"),
        ({"json": {"query": "{ hello }", "operationName": 1}}, 400, "BAD_ARGUMENT"),
        ({"json": {"query": "x" * 3000}}, 413, "TOO_MANY"),
        ({"json": {"extensions": {"persistedQuery": {"version": 1}}}}, 200, "PERSISTED_QUERY_NOT_FOUND"),
    ],
    ids=["text", "untyped", "json", "list", "str", "nothing", "query", "variables", "name", "long", "kept"],
)  # fmt: skip
async def test_what_is_no_request(
    client: httpx.AsyncClient, sent: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.post("/graphql", **sent)
    assert (answer.status_code, codes(answer)) == (status, [code])
    (error,) = answer.json()["errors"]
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert re.search(r"[\u4e00-\u9fff]", error["extensions"]["messageZh"])


async def test_a_long_body_without_a_length(client: httpx.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 500

    answer = await client.post("/graphql", content=body(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_other_methods(client: httpx.AsyncClient) -> None:
    answer = await client.put("/graphql", json={"query": "{ hello }"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("{ nothing }", "BAD_ARGUMENT", 400),
        ("{ hello", "BAD_ARGUMENT", 400),
        ('{ address(code: "bad") { id } }', "BAD_CODE", 200),
        ('{ address(code: "boom") { id } }', "INTERNAL", 200),
        ("{ slowStatement }", "TIMEOUT", 504),
        ("{ address { never } }", "INTERNAL", 200),
    ],
    ids=["field", "syntax", "ours", "unforeseen", "statement too slow", "null"],
)
async def test_errors_and_statuses(client: httpx.AsyncClient, query: str, code: str, status: int) -> None:
    older = await client.post("/graphql", json={"query": query})
    assert (older.status_code, codes(older)) == (200, [code])
    newer = await client.post("/graphql", json={"query": query}, headers={"accept": NEWER})
    assert (newer.status_code, codes(newer)) == (status, [code])
    assert newer.headers["content-type"] == f"{NEWER}; charset=utf-8"
    assert "Traceback" not in newer.text
    assert "ZeroDivision" not in newer.text
    assert (await client.post("/graphql", json={"query": "{ hello }"})).json()["data"]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{NEWER}, application/json", NEWER),
        (f"{NEWER};q=0.5, application/json;q=0.9", "application/json"),
        ("*/*", "application/json"),
        (f"{NEWER};q=x, application/json", "application/json"),
    ],
)
async def test_media_types(client: httpx.AsyncClient, accept: str, media: str) -> None:
    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media


async def test_the_context_may_refuse(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"x-viewer": "nobody"})
    assert codes(answer) == ["FORBIDDEN"]


async def test_request_ids(client: httpx.AsyncClient) -> None:
    asked = await client.get("/healthz", headers={"x-request-id": "abc-12345"})
    assert asked.headers["x-request-id"] == "abc-12345"
    for odd in ("short", "a b c d e f g", "330109199001011234", "x" * 65):
        assert (await client.get("/healthz", headers={"x-request-id": odd})).headers["x-request-id"] != odd


async def test_logs_hold_no_personal_data(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.post(
            "/graphql",
            json={
                "query": 'query Zhang138000000($n: String!) { a: hello(name: $n) b: hello(name: "secret") }',
                "variables": {"n": "13900000000"},
                "operationName": "Zhang138000000",
            },
        )
        await client.post("/graphql", json={"query": '{ hello(nam: "13700000000") }'})
    operations = [record for record in caplog.records if record.name == "quanxi.operations"]
    told = [record.told for record in operations]  # type: ignore[attr-defined]
    assert told[0]["roots"] == ("hello",)
    assert told[0]["status"] == 200
    assert told[1]["codes"] == ("BAD_ARGUMENT",)
    everything = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for text in ("138000", "139000", "137000", "secret", "Zhang"):
        assert text not in everything


async def test_health_readiness_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    await client.post("/graphql", json={"query": "{ hello address { id } }"})
    await client.post("/graphql", json={"query": '{ address(code: "bad") { id } }'})
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    text = answer.text
    assert 'quanxi_operations_total{root="hello",status="ok"} 1.0' in text
    assert 'quanxi_operations_total{root="address",status="error"} 1.0' in text
    assert 'quanxi_errors_total{code="BAD_CODE"} 1.0' in text
    assert 'quanxi_operation_seconds_count{root="several"} 1.0' in text
    assert 'quanxi_operation_statements_sum{root="several"} 1.0' in text
    assert "quanxi_ready 1.0" in text
    # The examples ask for more than this small schema has: each was read once, and found again.
    assert re.search(r'quanxi_query_texts_total\{found="miss"\} [1-9]', text)
    assert "quanxi_operations_running 0.0" in text


async def test_without_neo4j_it_keeps_answering(astray: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await astray.post("/graphql", json={"query": "{ address { id } }"})
        assert (answer.status_code, codes(answer)) == (200, ["GRAPH_UNAVAILABLE"])
    answer = await astray.post("/graphql", json={"query": "{ address { id } }"}, headers={"accept": NEWER})
    assert (answer.status_code, codes(answer)) == (503, ["GRAPH_UNAVAILABLE"])
    assert "127.0.0.1" not in answer.text
    assert (await astray.get("/healthz")).status_code == 200
    for _ in range(100):
        answer = await astray.get("/readyz")
        if answer.json()["code"] == "GRAPH_UNAVAILABLE":
            break
        await asyncio.sleep(0.1)
    assert (answer.status_code, answer.json()["code"]) == (503, "GRAPH_UNAVAILABLE")
    assert (await astray.get("/")).status_code == 200


async def test_operations_have_a_time_limit(engine: EngineAddress, tmp_path: Path) -> None:
    async with serving(engine, tmp_path, query_timeout=0.1) as client:
        started = time.perf_counter()
        answer = await client.post("/graphql", json={"query": "{ slow(seconds: 20) }"})
        assert time.perf_counter() - started < 5
    assert codes(answer) in (["TIMEOUT"], ["GRAPH_UNAVAILABLE"])


async def test_cors_is_off_until_set(
    client: httpx.AsyncClient, engine: EngineAddress, tmp_path: Path
) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in (await client.options("/graphql", headers=asked)).headers
    async with serving(engine, tmp_path, cors=("https://a.example",)) as other:
        answer = await other.options("/graphql", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        refused = await other.options("/graphql", headers=asked | {"origin": "https://b.example"})
        assert "access-control-allow-origin" not in refused.headers


async def test_pages(client: httpx.AsyncClient) -> None:
    start = await client.get("/")
    assert start.status_code == 200
    assert "合成数据" in start.text
    assert "default-src 'self'" in start.headers["content-security-policy"]
    graphiql = await client.get("/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert "graphiql.min.js" in graphiql.text
    assert "type Query" in (await client.get("/schema.graphql")).text
    assert (await client.get("/docs/errors.md")).text.startswith("# Error codes")
    for missing in (
        "/docs/..%2Fserver.md",
        "/docs/nothing.md",
        "/nothing",
        "/static/nothing.js",
        "/static/../server.py",
    ):
        answer = await client.get(missing)
        assert answer.status_code == 404, missing


async def test_counts_of_all_are_for_those_who_see_all(engine: EngineAddress, tmp_path: Path) -> None:
    for whole in (True, False):
        app = create_app(Settings(data=tmp_path), address=engine, domain=SmallDomain(whole=whole))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://quanxi") as client,
        ):
            await until_ready(client)
            text = (await client.get("/")).text
        assert ("<p>—</p>" in text) is not whole


async def test_graphiql_can_be_off(engine: EngineAddress, tmp_path: Path) -> None:
    async with serving(engine, tmp_path, graphiql=False) as client:
        assert (await client.get("/graphql", headers={"accept": "text/html"})).status_code == 404


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="PORT_IN_USE"):
            run(Settings(data=tmp_path, port=taken.getsockname()[1]))


# -- settings ----------------------------------------------------------------------------------------------


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("QUANXI_", "NEO4J_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANXI_CORS", "https://a.example, http://localhost:3000")
    monkeypatch.setenv("QUANXI_TODAY", "2025-12-15")
    monkeypatch.setenv("NEO4J_URI", "bolt://graph:7687")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setenv("QUANXI_CATALOG", "")
    settings = Settings()
    assert settings.cors == ("https://a.example", "http://localhost:3000")
    assert str(settings.today) == "2025-12-15"
    assert settings.neo4j_uri == "bolt://graph:7687"
    assert settings.catalog is None
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"), [("QUANXI_PORT", "x"), ("QUANXI_CORS", "a.example"), ("QUANXI_TODAY", "15.12.2025")]
)
def test_bad_settings(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_are_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        row = f"| `{environment_name(name)}` |"
        line = next((line for line in page.splitlines() if line.startswith(row)), None)
        assert line is not None, f"docs/operations.md has no row for {environment_name(name)}"
        assert str(field.description) in line, f"{environment_name(name)}: {field.description}"


def test_other_variables_are_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    folders = ("addresses", "graph", "ledger", "loaders", "ontology", "schema", "seed", "web")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    found = {
        name
        for path in files
        for name in re.findall(r"\b(?:QUANXI|NEO4J)_[A-Z_]+\b", path.read_text("utf-8"))
    }
    assert {name for name in found if f"`{name}`" not in page} == set()


# -- a process ---------------------------------------------------------------------------------------------

_PROCESS = """
import sys
from pathlib import Path
import server
from settings import Settings
from tests.web.small import SmallDomain
server.QuanxiDomain = lambda settings: SmallDomain()
server.run(Settings(data=Path(sys.argv[1]), port=0))
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_it_cleanly(engine: EngineAddress, tmp_path: Path, sent: signal.Signals) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("QUANXI_", "NEO4J_"))
    }
    environment |= {"NEO4J_URI": engine.uri, "NEO4J_USER": engine.user, "NEO4J_PASSWORD": engine.password}
    with subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert found is not None, process.stderr.read()
            with httpx.Client(base_url=found[0]) as client:
                for _ in range(100):
                    if client.get("/readyz").status_code == 200:
                        break
                    time.sleep(0.1)
                answer = client.post("/graphql", json={"query": "{ hello }"})
                assert answer.json() == {"data": {"hello": "hello world"}}
            started = time.perf_counter()
            process.send_signal(sent)
            process.wait(10)
            assert time.perf_counter() - started < 3
            assert process.returncode == 0
        finally:
            process.kill()
        logged = process.stderr.read()
    assert "Traceback" not in logged
    lines = [json.loads(line) for line in logged.splitlines()]
    assert any(line.get("roots") == ["hello"] for line in lines)
