"""Pushes to a real server process, over the real Neo4j: acknowledged is applied, exactly once, whatever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from graph.engine import EngineAddress
from graph.store import Store
from ledger import Pushes
from loaders.wiring import open_loader
from ontology.clock import Clock
from tests.loaders.tiny import DISTRICT, HOME, write_district, write_feed

ROOT = Path(__file__).resolve().parents[1]


class Wire:
    """A way to Neo4j that can be cut and mended."""

    def __init__(self, address: EngineAddress) -> None:
        host, port = re.fullmatch(r"bolt://([\d.]+):(\d+)", address.uri).groups()  # type: ignore[union-attr]
        self._there = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.cut = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self.cut:
                near.close()
                continue
            far = socket.create_connection(self._there)
            self._open += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(a, b), daemon=True).start()

    @staticmethod
    def _pass(a: socket.socket, b: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def set(self, *, cut: bool) -> None:
        self.cut = cut
        if cut:
            for s in self._open:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def close(self) -> None:
        self.set(cut=True)
        self._listening.close()


class Running:
    """A `quanxi serve` process."""

    def __init__(self, data: Path, environment: dict[str, str], *options: str) -> None:
        self.log = (data.parent / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", "--data", str(data), "serve", "--port", "0", *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 120)[0], "it does not start"
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://\S+", line)
        assert found, (data.parent / "server.log").read_text()
        self.http = httpx.Client(base_url=found[0], timeout=30)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.http.close()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.http.close()
        return self.process.wait(30)

    def push(self, token: str, rows: Any, feed: str = "alarms", **headers: str) -> httpx.Response:
        return self.http.post(
            f"/feeds/{feed}", json=rows, headers={"Authorization": f"Bearer {token}", **headers}
        )

    def incident(self, number: str) -> Any:
        asked = self.http.post(
            "/graphql",
            json={
                "query": "query($n: String!) { incident(number: $n) { number title } }",
                "variables": {"n": number},
            },
        )
        return (asked.json().get("data") or {}).get("incident")

    def waiting(self) -> int:
        return int(self.http.get("/readyz").json()["applier"]["waitingRows"])


def until(true: Callable[[], Any], seconds: float = 120.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def alarm(number: str, **values: str) -> dict[str, str]:
    return {
        "接警单号": number,
        "报警时间": "2025-12-10 08:30:00",
        "警情类别": "纠纷",
        "事发地址": HOME,
        "更新时间": "2025-12-10 09:00:00",
        **values,
    }


def _few_traces(catalog: Path) -> Path:
    """The catalogue with two of its traces: Neo4j plans each anew in a new graph, which takes longer than these tests."""
    shutil.copytree(ROOT / "catalog", catalog)
    for path in (catalog / "traces").glob("*.yaml"):
        if path.stem not in ("repeat_disputes_place", "hazard_relapse"):
            path.unlink()
    return catalog


class District:
    def __init__(self, data: Path, wire: Wire, address: EngineAddress) -> None:
        self.data = data
        self.wire = wire
        self.environment = {
            **os.environ,
            "NEO4J_URI": f"bolt://127.0.0.1:{wire.port}",
            "NEO4J_USER": address.user,
            "NEO4J_PASSWORD": address.password,
            "QUANXI_TODAY": "2025-12-15",
            "QUANXI_CATALOG": str(_few_traces(data.parent / "catalog")),
        }
        self.running: list[Running] = []

    def cli(self, *args: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "--data", str(self.data), *args],
            cwd=ROOT, env=self.environment, capture_output=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def serve(self, *options: str) -> Running:
        started = Running(self.data, self.environment, *options)
        self.running.append(started)
        return started


@pytest.fixture
async def district(engine: EngineAddress, clean_graph: Store, tmp_path: Path) -> Any:
    wire = Wire(engine)
    made = District(tmp_path / "data", wire, engine)
    files = tmp_path / "files"
    files.mkdir()
    write_district(files)
    made.cli("load", str(files))
    try:
        yield made
    finally:
        for each in made.running:
            if each.process.poll() is None:
                each.kill()
        wire.close()


async def test_a_push_is_seen(district: District) -> None:
    token = district.cli("push", "token", "alarms").strip()
    server = district.serve()
    answer = server.push(token, alarm("P1"))
    assert answer.status_code == 202, answer.text
    assert answer.json()["rows"] == 1
    assert until(lambda: server.incident("P1"))["number"] == "P1"
    assert server.stop() == 0


def held(district: District) -> list[str]:
    """The numbers of all alarms in the ledger, in segments too."""
    loader = open_loader(district.data, None, Clock())
    try:
        with loader.ledger.lease():
            Pushes(loader.ledger).compact(loader.layout)
        return [
            n for b in loader.ledger.batches("alarms") for f in loader.ledger.frames(b) for n in f["接警单号"]
        ]
    finally:
        loader.close()


async def test_a_server_killed_after_it_acknowledged(district: District, store: Store) -> None:
    """Nothing is applied while it runs; another server finds all of it, once, and answers keys as the first did."""
    token = district.cli("push", "token", "alarms").strip()
    taking = district.serve("--no-apply")
    answers = [taking.push(token, alarm(f"K{n}"), **{"Idempotency-Key": f"k{n}"}) for n in range(20)]
    assert {a.status_code for a in answers} == {202}
    assert taking.incident("K0") is None
    taking.kill()
    again = district.serve()
    assert until(lambda: again.incident("K19"))
    repeated = again.push(token, alarm("K3"), **{"Idempotency-Key": "k3"})
    assert repeated.json() == answers[3].json() | {"again": True}
    assert again.push(token, alarm("K99"), **{"Idempotency-Key": "k3"}).status_code == 409
    assert again.stop() == 0
    pushed = [f"K{n}" for n in range(20)]
    assert sorted(held(district)) == sorted([row["接警单号"] for row in DISTRICT["alarms"]] + pushed)
    found = await store.read("MATCH (i:Incident) WHERE i.number STARTS WITH 'K' RETURN i.number")
    assert sorted(found) == sorted(pushed)


async def test_servers_killed_again_and_again(district: District, store: Store) -> None:
    """Whatever was acknowledged is there once, whenever the server, and its applier with it, was killed."""
    token = district.cli("push", "token", "alarms").strip()
    acknowledged: list[str] = []
    for round in range(4):
        server = district.serve()
        for n in range(15 + 10 * round):
            number = f"K{round}-{n}"
            assert server.push(token, alarm(number)).status_code == 202
            acknowledged.append(number)
        await asyncio.sleep(0.3 * round)
        server.kill()
    last = district.serve()
    until(lambda: last.incident(acknowledged[-1]) and last.waiting() == 0)
    assert last.stop() == 0
    pushed = [n for n in held(district) if n.startswith("K")]
    assert sorted(pushed) == sorted(acknowledged)
    found = await store.read("MATCH (i:Incident) WHERE i.number STARTS WITH 'K' RETURN i.number")
    assert sorted(found) == sorted(acknowledged)


async def test_neo4j_away_while_rows_come(district: District) -> None:
    token = district.cli("push", "token", "alarms").strip()
    server = district.serve()
    until(lambda: server.http.get("/readyz").status_code == 200)
    district.wire.set(cut=True)
    for n in range(10):
        assert server.push(token, alarm(f"A{n}")).status_code == 202
    until(lambda: server.waiting() == 10)
    until(lambda: server.http.get("/readyz").json().get("code") == "GRAPH_UNAVAILABLE")
    await asyncio.sleep(2)
    assert server.waiting() == 10
    district.wire.set(cut=False)
    assert until(lambda: server.incident("A9"))
    until(lambda: server.waiting() == 0)
    assert server.stop() == 0


async def test_a_load_beside_a_server_that_applies(district: District, tmp_path: Path) -> None:
    token = district.cli("push", "token", "alarms").strip()
    server = district.serve()
    stop = threading.Event()
    sent: list[str] = []

    def send() -> None:
        while not stop.is_set():
            number = f"B{len(sent)}"
            assert server.push(token, alarm(number)).status_code == 202
            sent.append(number)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        until(lambda: len(sent) > 5)
        files = tmp_path / "more"
        files.mkdir()
        district.cli("load", str(write_feed(files, "alarms", [alarm("L1")], "b")))
    finally:
        stop.set()
        sender.join(30)
    assert until(lambda: server.incident("L1"))
    assert until(lambda: server.incident(sent[-1]))
    until(lambda: server.waiting() == 0)
    status = server.http.post(
        "/graphql",
        json={"query": '{ feedStatus(names: ["alarms"]) { rows waitingRows lagSeconds unplaced } }'},
    ).json()["data"]["feedStatus"]
    assert status == [
        {"rows": len(DISTRICT["alarms"]) + len(sent) + 1, "waitingRows": 0, "lagSeconds": 0.0, "unplaced": 0}
    ]
    assert server.stop() == 0


async def test_the_applier_ends_with_a_killed_server(district: District) -> None:
    server = district.serve()
    parent = psutil.Process(server.process.pid)
    (child,) = until(lambda: [p for p in parent.children() if "apply" in p.cmdline()])
    server.kill()
    until(lambda: not child.is_running())


async def test_an_applier_that_is_killed_is_started_again(district: District) -> None:
    token = district.cli("push", "token", "alarms").strip()
    server = district.serve()
    parent = psutil.Process(server.process.pid)
    (child,) = until(lambda: [p for p in parent.children() if "apply" in p.cmdline()])
    child.kill()
    assert server.push(token, alarm("R1")).status_code == 202
    assert until(lambda: server.incident("R1"))
    assert server.stop() == 0
