"""Asks one loaded district: each view over HTTP beside the same statement over Bolt, in turns."""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import httptools
import neo4j
import orjson

from addresses.scheme import load_scheme
from benchmarks.build import DATA, HEAP_MB, PAGE_CACHE_MB
from benchmarks.compare import differences, leaves
from graph.engine import EngineAddress, connect_engine
from graph.meta import read_meta
from graph.queries.sample import CLEAR, PLACES
from graph.store import Store
from graph.viewer import DEVELOPMENT
from loaders.wiring import catalog_terms_root
from ontology.clock import Clock
from ontology.terms import load_terms
from schema import build_schema
from schema.context import Context
from schema.limits import Limits
from schema.operations import Operations

ROOT: Final = Path(__file__).resolve().parent.parent
VIEW: Final = (Path(__file__).parent / "view.graphql").read_text(encoding="utf-8")
LEVELS: Final = ("DWELLING", "BUILDING", "GRID", "STREET", "DISTRICT")
PLACES_ASKED: Final = 40
FIRST: Final = 5
LONG: Final = (20, 50, 100)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a view compiles to: Cypher and its parameters."""

    text: str
    params: dict[str, Any]


@dataclass(slots=True)
class Side:
    """Milliseconds of one way of asking."""

    first: float = 0.0
    warm: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return statistics.median(self.warm)

    @property
    def p95(self) -> float:
        return sorted(self.warm)[min(len(self.warm) - 1, int(len(self.warm) * 0.95))]


@dataclass(slots=True)
class View:
    """One level's view: both ways, and how much there is in an answer (median)."""

    level: str
    size: int
    places: int
    leaves: float
    texts: set[str]
    http: Side = field(default_factory=Side)
    bolt: Side = field(default_factory=Side)

    @property
    def ratio(self) -> float:
        return self.http.p50 / self.bolt.p50


class _Recorder:
    """A store that runs nothing and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Statement] = []

    async def read(self, text: str, params: dict[str, Any] | None = None, *, timeout: float = 0) -> list[Any]:
        self.asked.append(Statement(text, dict(params or {})))
        return [{"id": "", "_t": "Address"}]


class Statements:
    """Compiles views with Quanxi's own schema, as the server does.

    Args:
        today: the district's day.
        rolled_for: the day that the roll-ups were counted for.
    """

    def __init__(self, today: date, rolled_for: str | None) -> None:
        self._operations = Operations(build_schema(), Limits())
        self._parts: dict[str, Any] = {
            "viewer": DEVELOPMENT,
            "clock": Clock(today),
            "scheme": load_scheme(),
            "terms": load_terms(catalog_terms_root(None)),
            "identity_hash": str,
            "rolled_for": rolled_for,
        }

    async def of(self, code: str, first: int) -> Statement:
        """The statement of a view; a root runs one."""
        recorder = _Recorder()
        # What the recorder gives back is no answer; the log would tell so each time.
        logging.disable(logging.CRITICAL)
        context = Context(store=recorder, **self._parts)  # type: ignore[arg-type]
        await self._operations.run(VIEW, {"code": code, "first": first}, None, context)
        (statement,) = recorder.asked
        return statement


class Http:
    """One kept-alive connection to the server, its answers read by a parser in C, as those of Bolt are."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._body: list[bytes] = []
        self._done = False

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._done = True

    def ask(self, code: str, first: int) -> Any:
        """The `data` of the view's answer.

        Raises:
            RuntimeError: the answer has errors.
        """
        body = orjson.dumps({"query": VIEW, "variables": {"code": code, "first": first}})
        head = f"POST /graphql HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._body, self._done = [], False
        parser = httptools.HttpResponseParser(self)
        self._socket.sendall(head.encode() + body)
        while not self._done:
            received = self._socket.recv(262_144)
            if not received:
                raise RuntimeError("the server closed the connection")
            parser.feed_data(received)
        answer = orjson.loads(b"".join(self._body))
        if answer.get("errors"):
            raise RuntimeError(str(answer["errors"]))
        return answer["data"]["address"]

    def close(self) -> None:
        self._socket.close()


class Bolt:
    """One session of the plain driver."""

    def __init__(self, address: EngineAddress) -> None:
        self._driver = neo4j.GraphDatabase.driver(address.uri, auth=(address.user, address.password))
        self._session = self._driver.session(database=address.database, default_access_mode=neo4j.READ_ACCESS)

    def ask(self, statement: Statement) -> Any:
        """The map that a statement gives."""
        result = self._session.run(neo4j.Query("CYPHER 5 " + statement.text), statement.params)
        return next(record[0] for record in result)

    def rows(self, text: str, **params: Any) -> list[Any]:
        return [record[0] for record in self._session.run(neo4j.Query(text), params)]

    def close(self) -> None:
        self._session.close()
        self._driver.close()


@contextlib.contextmanager
def serving(data: Path) -> Iterator[str]:
    """The real server in a process of its own, as `quanxi serve` starts it; gives its address."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QUANXI_", "NEO4J_"))}
    log = data / "server.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "--data", str(data), "serve", "--port", "0"],
            cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**kept, "QUANXI_LOG_LEVEL": "warning"},
        )  # fmt: skip
        try:
            yield _ready(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        url = next((w for w in log.read_text(encoding="utf-8").split() if w.startswith("http://")), "")
        if url:
            parts = urllib.parse.urlsplit(url)
            assert parts.hostname is not None
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return url
        time.sleep(0.2)
    raise RuntimeError(f"the server did not come up: {log.read_text(encoding='utf-8')[-1500:]}")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = call()
    return (time.perf_counter() - started) * 1000, answer


@dataclass(slots=True)
class Asked:
    """Answers of one district: a view of each level, and longer ones of a street for the cost of a leaf."""

    views: list[View]
    longer: list[View]
    statements: int = 0


async def measure(
    directory: Path, today: date, seconds: float, say: Callable[[str], None], levels: tuple[str, ...] = LEVELS
) -> Asked:
    """Measures a loaded district.

    Args:
        directory: as `benchmarks.build` made it.
        seconds: how long each view is asked, after as long a warm-up.

    Raises:
        RuntimeError: the server did not come up, or the two ways do not say the same.
    """
    data = directory / DATA
    address = connect_engine(data, heap_mb=HEAP_MB, page_cache_mb=PAGE_CACHE_MB)
    async with Store.open(address) as store:
        rolled = (await read_meta(store)).get("rolled_for")
    statements = Statements(today, rolled)
    bolt = Bolt(address)
    try:
        with serving(data) as url:
            http = Http(url)
            asked = Asked([], [])
            for level in levels:
                codes = bolt.rows(PLACES, level=level, n=PLACES_ASKED)
                say(f"{level.lower()} · {len(codes)} places")
                asked.views.append(await _view(level, FIRST, codes, statements, http, bolt, seconds))
            streets = bolt.rows(PLACES, level="STREET", n=PLACES_ASKED)
            for size in LONG if levels == LEVELS else ():
                say(f"street, first {size}")
                asked.longer.append(await _view("STREET", size, streets, statements, http, bolt, seconds / 2))
    finally:
        bolt.close()
    return asked


async def _view(
    level: str, size: int, codes: list[str], statements: Statements, http: Http, bolt: Bolt, seconds: float
) -> View:
    asked = [(code, await statements.of(code, size)) for code in codes]
    counts = []
    for code, statement in asked:
        answer = http.ask(code, size)
        wrong = differences(answer, bolt.ask(statement))
        if wrong:
            raise RuntimeError(f"{level} {code}: HTTP and Bolt differ at {', '.join(wrong[:5])}")
        counts.append(leaves(answer))
    view = View(level, size, len(codes), statistics.median(counts), {s.text for _, s in asked})
    code, statement = asked[0]
    # "First" is a statement that Neo4j has no plan of; the pages of the graph are warm by then.
    bolt.rows(CLEAR)
    view.bolt.first, _ = _timed(lambda: bolt.ask(statement))
    bolt.rows(CLEAR)
    view.http.first, _ = _timed(lambda: http.ask(code, size))
    for warm in (False, True):
        until = time.perf_counter() + seconds
        turn = 0
        while time.perf_counter() < until or turn < 2 * len(asked):
            code, statement = asked[turn % len(asked)]
            taken: dict[str, float] = {}
            for way in ("http", "bolt") if (turn // len(asked) + turn) % 2 else ("bolt", "http"):
                if way == "http":
                    taken[way], _ = _timed(lambda: http.ask(code, size))  # noqa: B023
                else:
                    taken[way], _ = _timed(lambda: bolt.ask(statement))  # noqa: B023
            if warm:
                view.http.warm.append(taken["http"])
                view.bolt.warm.append(taken["bolt"])
            turn += 1
    return view
