"""Subscriptions over real sockets: at least once, in order, resumed from a cursor, as the district changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.store import Store
from graph.writer import wipe
from ledger import FindingLog
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from server import create_app
from settings import Settings
from tests.loaders.tiny import ADDRESSES, HOUSE_301, write_feed
from tests.traces.test_watch import ELSEWHERE, alarm
from traces.catalogue import load_traces
from traces.judging import judge
from traces.watch import Watch

TODAY = date(2025, 5, 15)
FINDINGS = """subscription ($after: String, $area: AddressCode, $filter: FindingFilter) {
  findings(after: $after, area: $area, filter: $filter) {
    cursor change { code zh } finding { id trace state { code } count at { code } about { id } evidence { nodes { id } } } } }"""
INCIDENTS = """subscription ($after: String, $area: AddressCode) {
  incidents(after: $after, area: $area) { cursor incident { number at { code } } } }"""


class District:
    """A loader at work beside a server."""

    def __init__(self, loader: Loader, store: Store, directory: Path) -> None:
        self.loader = loader
        self.store = store
        self.directory = directory
        self.log = FindingLog(loader.ledger)
        self._parts = 0

    async def alarms(self, *rows: dict[str, str]) -> None:
        self._parts += 1
        path = write_feed(self.directory, "alarms", rows, f"_{self._parts}")
        await self.loader.load(self.store, [path])

    async def judged(self, id: str) -> None:
        judge(self.log, self.loader.clock, id, "confirmed", "已核实", "test")
        assert self.loader.watch is not None
        await self.loader.watch.look(self.store, self.loader.clock)


@pytest.fixture
async def district(store: Store, tmp_path: Path) -> AsyncIterator[District]:
    await wipe(store)
    await ensure_schema(store)
    settings = Settings(data=tmp_path / "data", today=TODAY)
    loader = open_loader(settings.data, None, Clock(TODAY), keyring=settings.keyring())
    traces = load_traces(None, loader.terms)
    traces = {name: traces[name] for name in ("repeat_disputes_place", "repeat_disputes_parties")}
    loader.watch = Watch(loader.ledger, loader.records, traces, loader.scheme, loader.terms)
    await loader.load(store, [write_feed(tmp_path, "addresses", ADDRESSES)])
    yield District(loader, store, tmp_path)
    loader.close()


@contextlib.asynccontextmanager
async def serving(engine: EngineAddress, data: Path, **settings: Any) -> AsyncIterator[str]:
    """host:port of a server in this process."""
    app = create_app(Settings(data=data, today=TODAY, **settings), address=engine)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listening]))
    where = f"127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=f"http://{where}") as client:
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get("/readyz")).status_code == 200:
                    break
            await asyncio.sleep(0.05)
    try:
        yield where
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def server(engine: EngineAddress, district: District) -> AsyncIterator[str]:
    async with serving(engine, district.directory / "data") as where:
        yield where


class Peer:
    """One socket that speaks the protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.cursors: dict[str, str] = {}

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def subscribe(self, id: str, query: str, **variables: Any) -> None:
        await self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def got(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            message: dict[str, Any] = json.loads(await self._socket.recv())
            return message

    async def event(self, root: str) -> dict[str, Any]:
        message = await self.got()
        assert message["type"] == "next", message
        event: dict[str, Any] = message["payload"]["data"][root]
        return event

    async def quiet(self) -> None:
        """Asserts that nothing comes before the answer to a ping."""
        await asyncio.sleep(0.3)
        await self.send(type="ping")
        assert await self.got() == {"type": "pong"}

    async def closed(self) -> int | None:
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self._socket.recv()
        return self._socket.close_code


@contextlib.asynccontextmanager
async def peer(where: str, *, greet: bool = True) -> AsyncIterator[Peer]:
    async with connect(f"ws://{where}/graphql", subprotocols=["graphql-transport-ws"]) as opened:  # type: ignore[list-item]
        one = Peer(opened)
        if greet:
            await one.send(type="connection_init")
            hello = await one.got()
            assert hello["type"] == "connection_ack"
            one.cursors = hello["payload"]["cursors"]
        yield one


def three(prefix: str = "N", month: str = "03") -> list[dict[str, str]]:
    return [alarm(f"{prefix}{n}", f"{month}-0{n}") for n in (1, 2, 3)]


async def test_a_finding_is_told_as_it_happens_and_gone_on_from_a_cursor(
    district: District, server: str
) -> None:
    async with peer(server) as one:
        await one.subscribe("a", FINDINGS, filter={"traces": ["repeat_disputes_place"]})
        await one.quiet()
        await district.alarms(*three())
        found = await one.event("findings")
        assert found["change"] == {"code": "found", "zh": "新发现"}
        finding = found["finding"]
        assert (finding["trace"], finding["state"]["code"], finding["count"]) == (
            "repeat_disputes_place", "new", 3,
        )  # fmt: skip
        assert finding["at"]["code"].startswith(HOUSE_301[:12])
        assert len(finding["evidence"]["nodes"]) >= 3
    # Away: one more alarm, and a judgement.
    await district.alarms(alarm("N4", "03-20"))
    await district.judged(finding["id"])
    async with peer(server) as again:
        await again.subscribe(
            "b", FINDINGS, after=found["cursor"], filter={"traces": ["repeat_disputes_place"]}
        )
        grown, judged = await again.event("findings"), await again.event("findings")
        assert [e["change"]["code"] for e in (grown, judged)] == ["grown", "judged"]
        # As it was then, though both came about before they were told.
        assert [e["finding"]["state"]["code"] for e in (grown, judged)] == ["new", "confirmed"]
        assert int(found["cursor"]) < int(grown["cursor"]) < int(judged["cursor"])
        await again.quiet()


async def test_every_server_tells_the_same_and_areas_and_filters_hold(
    engine: EngineAddress, district: District, server: str
) -> None:
    await district.alarms(*three())
    await district.alarms(*[alarm(f"E{n}", f"03-1{n}", ELSEWHERE) for n in (1, 2, 3)])
    async with (
        serving(engine, district.directory / "data") as second,
        peer(server) as one,
        peer(second) as two,
    ):
        for asker in (one, two):
            await asker.subscribe("all", FINDINGS, after="0", filter={"traces": ["repeat_disputes_place"]})
        told = [[await asker.event("findings") for _ in range(2)] for asker in (one, two)]
        assert told[0] == told[1]
        places = {e["finding"]["at"]["code"] for e in told[0]}
        await one.send(type="complete", id="all")
        area = max(places)
        await one.subscribe(
            "here", FINDINGS, after="0", area=area, filter={"traces": ["repeat_disputes_place"]}
        )
        here = await one.event("findings")
        assert len(places) == 2
        assert here["finding"]["at"]["code"] == area
        await one.send(type="complete", id="here")
        await one.subscribe("none", FINDINGS, after="0", filter={"severities": ["blue"]})
        await one.quiet()


async def test_incidents_are_told_as_they_come_and_change(district: District, server: str) -> None:
    async with peer(server) as one:
        await one.subscribe("i", INCIDENTS)
        await one.quiet()
        await district.alarms(alarm("N1", "03-01"))
        first = await one.event("incidents")
        assert first["incident"]["number"].endswith("N1")
        await district.alarms(alarm("N1", "03-01", ELSEWHERE, updated="2025-05-09"))
        moved = await one.event("incidents")
        assert moved["incident"]["number"] == first["incident"]["number"]
        assert moved["incident"]["at"]["code"] != first["incident"]["at"]["code"]
        assert int(moved["cursor"]) > int(first["cursor"])


async def test_a_slow_subscriber_slows_nobody(district: District, server: str) -> None:
    async with peer(server) as slow, peer(server) as quick:
        await slow.subscribe("s", INCIDENTS, after="0")
        await quick.subscribe("q", INCIDENTS)
        await quick.quiet()
        for part in range(3):
            rows = [alarm(f"P{part}{n}", f"04-{n + 10}") for n in range(15)]
            await district.alarms(*rows)
            seen = {(await quick.event("incidents"))["incident"]["number"] for _ in rows}
            assert len(seen) == 15
        # Who has read nothing meanwhile has missed nothing.
        assert len({(await slow.event("incidents"))["cursor"] for _ in range(45)}) == 45


async def test_as_a_stream_of_events(district: District, server: str) -> None:
    async def listen(client: httpx.AsyncClient, count: int, **headers: str) -> list[tuple[str, Any]]:
        body = {
            "query": FINDINGS,
            "variables": {"filter": {"traces": ["repeat_disputes_place"]}, "after": "0"},
        }
        got: list[tuple[str, Any]] = []
        asked = client.stream(
            "POST", "/graphql", json=body, headers={"Accept": "text/event-stream", **headers}
        )
        async with asyncio.timeout(30), asked as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            mark = ""
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    mark = line[4:]
                elif line.startswith("data: "):
                    got.append((mark, json.loads(line[6:])["data"]["findings"]))
                    if len(got) == count:
                        break
        return got

    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=30) as client:
        listening = asyncio.create_task(listen(client, 2))
        await district.alarms(*three())
        await district.alarms(alarm("N4", "03-20"))
        first, second = await listening
        assert [first[1]["change"]["code"], second[1]["change"]["code"]] == ["found", "grown"]
        assert first[0] == first[1]["cursor"]
        # A browser that connects anew says where it was.
        (again,) = await listen(client, 1, **{"Last-Event-ID": first[0]})
        assert again == second
        # A query is answered as one event, and the end is told.
        answer = await client.post(
            "/graphql", json={"query": "{ viewer { name } }"}, headers={"Accept": "text/event-stream"}
        )
        assert 'event: next\ndata: {"data":{"viewer":{"name":"development"}}}' in answer.text
        assert answer.text.endswith("event: complete\ndata:\n\n")


async def test_who_has_had_nothing_yet_goes_on_all_the_same(district: District, server: str) -> None:
    async with peer(server) as one:
        await one.subscribe("a", FINDINGS)
        await one.quiet()
    # The socket is gone before the first event; what came with the greeting is where it was.
    await district.alarms(*three())
    async with peer(server) as again:
        await again.subscribe("a", FINDINGS, after=one.cursors["findings"])
        assert (await again.event("findings"))["change"]["code"] == "found"


async def test_a_limited_viewer_is_told_how_it_stands_and_no_numbers(
    engine: EngineAddress, district: District
) -> None:
    """Findings of a place that they may not see are not told, older entries neither, and cursors say nothing of how many there are."""
    await district.alarms(*[alarm(f"E{n}", f"03-1{n}", ELSEWHERE) for n in (1, 2, 3)])
    async with serving(engine, district.directory / "data", viewer="330109004") as where, peer(where) as one:
        assert not one.cursors["findings"].isdigit()
        await one.subscribe("a", FINDINGS, after=one.cursors["findings"])
        await one.subscribe("b", FINDINGS, after="0")
        assert (await one.got())["payload"][0]["extensions"]["code"] == "BAD_CURSOR"
        await one.subscribe("c", FINDINGS, after=one.cursors["incidents"])
        assert (await one.got())["payload"][0]["extensions"]["code"] == "BAD_CURSOR"
        await district.alarms(*three())
        await one.quiet()
    async with (
        serving(engine, district.directory / "data", viewer=HOUSE_301[:12]) as where,
        peer(where) as one,
    ):
        start = one.cursors["findings"]
        await district.alarms(alarm("N4", "03-20"))
        await one.subscribe("a", FINDINGS, after=start, filter={"traces": ["repeat_disputes_place"]})
        told = await one.event("findings")
        assert told["finding"]["count"] == 4


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (FINDINGS, {"after": "x"}, "BAD_CURSOR"),
    (FINDINGS, {"after": "999999"}, "BAD_CURSOR"),
    (FINDINGS, {"after": "-1"}, "BAD_CURSOR"),
    (FINDINGS, {"filter": {"traces": ["nothing"]}}, "BAD_ARGUMENT"),
    (FINDINGS, {"area": "99"}, "BAD_CODE"),
    (FINDINGS, {"filter": 5}, "BAD_ARGUMENT"),
    ("subscription { nothing }", {}, "BAD_ARGUMENT"),
    ("subscription { findings { cursor } incidents { cursor } }", {}, "BAD_ARGUMENT"),
]


async def test_what_cannot_begin_is_told(server: str) -> None:
    async with peer(server) as one:
        for query, variables, code in REFUSED:
            await one.subscribe("a", query, **variables)
            told = await one.got()
            assert (told["type"], told["id"]) == ("error", "a")
            assert told["payload"][0]["extensions"]["code"] == code, (query, variables)
        # The id is free again, and queries are answered on the same socket.
        await one.subscribe("a", "{ viewer { name } }")
        assert (await one.got())["payload"] == {"data": {"viewer": {"name": "development"}}}
        assert await one.got() == {"type": "complete", "id": "a"}


BROKEN: list[tuple[list[Any], int]] = [
    ([{"type": "subscribe", "id": "a", "payload": {"query": "{ viewer { name } }"}}], 4401),
    ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
    ([{"type": "connection_init"}, {"type": "subscribe", "id": "a"}], 4400),
    ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": "{ viewer { name } }"}}], 4400),
    ([{"type": "connection_init"}, *[{"type": "subscribe", "id": "a", "payload": {"query": FINDINGS}}] * 2], 4409),
    ([{"type": "what"}], 4400),
    ([["no object"]], 4400),
    (
        [{"type": "connection_init"}]
        + [{"type": "subscribe", "id": str(n), "payload": {"query": FINDINGS}} for n in range(21)],
        4429,
    ),
]  # fmt: skip


async def test_who_breaks_the_protocol_is_shown_out(server: str) -> None:
    for messages, code in BROKEN:
        async with peer(server, greet=False) as one:
            for message in messages:
                await one._socket.send(json.dumps(message))
            assert await one.closed() == code, messages


async def test_other_protocols_pages_and_forms(server: str) -> None:
    async with connect(f"ws://{server}/graphql") as bare:
        assert await Peer(bare).closed() == 4406
    with pytest.raises(InvalidStatus):
        await connect(
            f"ws://{server}/graphql", subprotocols=["graphql-transport-ws"], origin="http://elsewhere.example"  # type: ignore[list-item, arg-type]
        )  # fmt: skip
    async with peer(server, greet=False) as one:
        await one._socket.send(b"\x00\x01")
        assert await one.closed() == 4400
    async with peer(server, greet=False) as one:
        await one._socket.send("x" * 300_000)
        assert await one.closed() == 1009
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        refused = await client.post("/graphql", json={"query": "subscription { findings { cursor } }"})
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_ARGUMENT"
        bad = await client.post("/graphql", content=b"{", headers={"Accept": "text/event-stream"})
        assert bad.status_code in (400, 415)
