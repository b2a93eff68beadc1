"""The server: Quanxi's schema wired to the settings, and run."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from addresses.scheme import Scheme
from graph.engine import EngineAddress, connect_engine
from graph.meta import read_meta
from graph.store import Store
from graph.viewer import DEVELOPMENT, Viewer
from ledger import EventFeed, FindingLog, Ledger, Pushes
from ledger.events import prepare
from ledger.publications import Publications
from ledger.webhooks import Webhooks
from loaders.identity.judging import Judging
from loaders.mend import Disagreements
from loaders.resolving import Resolving
from loaders.status import FeedStatus
from loaders.why import Explainer
from loaders.wiring import catalog_scheme, catalog_terms_root, open_loader
from ontology import Sensitivity
from ontology.clock import Clock
from ontology.errors import UsageError
from ontology.identifiers import identity_hash
from ontology.terms import load_terms
from schema.limits import Limits
from schema.operations import Method
from settings import Settings
from traces.judging import FindingJudging
from traces.standing import StandingTraces
from web.app import Domain, Follower, Options, Pushing, Server
from web.bell import Bell
from web.logs import set_up_logging
from web.metrics import Metrics
from web.push import PushDesk, PushLimits
from web.webhooks import Dispatcher

_GRACE_SECONDS: Final = 5
_ROOT: Final = os.fspath(Path(__file__).resolve().parent)
_FAILURES: Final = 3
_SETTLED_SECONDS: Final = 15.0
_LAST_RETRY: Final = 15.0

log = logging.getLogger("quanxi.server")


class QuanxiDomain:
    """Quanxi's own schema over a data directory and a catalogue.

    Raises:
        UsageError: the catalogue, the ledger, the key of identity numbers or the viewer is not usable.
    """

    def __init__(self, settings: Settings) -> None:
        from schema import build_schema
        from schema.boundaries import Boundaries

        self._settings = settings
        self.loader = loader = open_loader(
            settings.data, settings.catalog, _clock(settings), keyring=settings.keyring()
        )
        self._scheme = catalog_scheme(settings.catalog)
        self.feed_status = FeedStatus(settings.data, loader.feeds, loader.ledger.vault)
        explainer = Explainer(loader, loader.ledger)
        # A ledger of their own: they are published in other threads than those that explain.
        published = Ledger(settings.data, settings.keyring())
        self._traces = StandingTraces(
            settings.catalog, loader.terms, Publications(published), _clock(settings)
        )
        self._parts: dict[str, Any] = {
            "viewer": _viewer(settings.viewer, self._scheme),
            "clock": _clock(settings),
            "scheme": self._scheme,
            "terms": load_terms(catalog_terms_root(settings.catalog)),
            "explainer": explainer,
            "judges": Judging(loader, explainer),
            "resolves": Resolving(loader, explainer.lock),
            "disagrees": Disagreements(loader, explainer),
            "judges_findings": FindingJudging(FindingLog(loader.ledger), _clock(settings), explainer.lock),
            "traces": self._traces,
            "log": FindingLog(Ledger(settings.data, settings.keyring())),
            "feed_status": self.feed_status.of,
            "timeout": settings.query_timeout,
            "identity_hash": functools.partial(identity_hash, loader.ledger.vault.identity),
        }
        self.schema: strawberry.Schema = build_schema()
        self.boundaries = Boundaries(settings.data)
        prepare(loader.ledger)
        self.bell = Bell(EventFeed(settings.data / "ledger"), EventFeed(settings.data / "ledger"))
        self._parts |= {"events": self.bell, "seals": loader.ledger.vault}

    def pushing(self, follower: Follower | None = None) -> Pushing:
        """What pushes to this data directory are taken with."""
        # A ledger of their own: pushes are taken in other threads than those that explain.
        ledger = Ledger(self._settings.data, self._settings.keyring())
        limits = PushLimits(self._settings.max_push, self._settings.max_waiting)
        desk = PushDesk(Pushes(ledger), self.loader.feeds, self.loader.terms, self.loader.clock, limits)

        def waiting() -> tuple[int, float]:
            found = self.feed_status.waiting().values()
            return sum(w.rows for w in found), max((w.lag() for w in found), default=0.0)

        return Pushing(desk, waiting, follower)

    def dispatcher(self, metrics: Metrics) -> Dispatcher:
        """What tells the webhooks of this data directory."""
        # A ledger of their own, as with pushes.
        ledger = Ledger(self._settings.data, self._settings.keyring())
        return Dispatcher(Webhooks(ledger), self.bell, ledger.directory, metrics)

    def context(self, store: Store, request: HTTPConnection, method: Method) -> Any:
        from schema.context import Context

        return Context(store=store, method=method, **self._parts)

    async def look(self, store: Store) -> None:
        await asyncio.to_thread(self._traces.renew)
        # A load in another process counts anew, for another day at times.
        told = await read_meta(store)
        self._parts["rolled_for"] = told.get("rolled_for")
        self._parts["changed_on"] = told.get("changed_on")
        self._parts["synthetic"] = bool(_district(self._settings).get("synthetic"))

    def day(self) -> tuple[str, bool]:
        clock: Clock = self._parts["clock"]
        return clock.today_text(), bool(_district(self._settings).get("synthetic"))

    def sees_all(self) -> bool:
        viewer: Viewer = self._parts["viewer"]
        return viewer == DEVELOPMENT


def _district(settings: Settings) -> dict[str, Any]:
    """What the last load wrote about the district."""
    with contextlib.suppress(OSError, ValueError):
        kept: dict[str, Any] = json.loads((settings.data / "district.json").read_text("utf-8"))
        return kept
    return {}


def _clock(settings: Settings) -> Clock:
    today = _district(settings).get("today")
    return Clock(settings.today or (date.fromisoformat(today) if today else None))


def _viewer(name: str, scheme: Scheme) -> Viewer:
    """The viewer of a setting: everything, or a place without what is sensitive."""
    if name == DEVELOPMENT.name:
        return DEVELOPMENT
    code = scheme.parse(name).code
    return Viewer(f"limited to {code}", code, frozenset({Sensitivity.SENSITIVE}))


def options_of(settings: Settings) -> Options:
    """What the settings say about answering."""
    limits = Limits(
        characters=settings.max_query,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        roots=settings.max_roots,
        cost=settings.max_cost,
        seconds=settings.query_timeout,
    )
    return Options(limits, settings.max_body, settings.cors, settings.graphiql)


def connect(settings: Settings) -> EngineAddress:
    """The Neo4j of the settings, started when it is the bundled one and does not run.

    Raises:
        EngineError: it cannot be started, or its address is none.
    """
    password = settings.neo4j_password
    return connect_engine(
        settings.data,
        settings.neo4j_uri,
        settings.neo4j_user,
        password.get_secret_value() if password else None,
        database=settings.neo4j_database,
        heap_mb=settings.heap_mb,
        page_cache_mb=settings.page_cache_mb,
    )


def create_app(
    settings: Settings,
    *,
    address: EngineAddress | None = None,
    domain: Domain | None = None,
    follower: Follower | None = None,
) -> Starlette:
    """The application. Nothing is opened before its lifespan begins.

    Args:
        address: the Neo4j to ask; that of the settings when None.
        domain: what is served; Quanxi's schema when None.
        follower: applies what is received; None when that is done elsewhere.
    """
    domain = domain or QuanxiDomain(settings)
    take = getattr(domain, "pushing", None)
    pushing = take(follower) if take is not None else None
    return Server(domain, lambda: address or connect(settings), options_of(settings), pushing).application()


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; running operations have five seconds to end.

    Raises:
        EngineError: Neo4j cannot be started, reached or used.
        UsageError: PORT_IN_USE, BAD_HOST.
    """
    set_up_logging(settings.log_level)
    listening = listen(settings.host, settings.port)
    with contextlib.closing(listening):
        address = connect(settings)
        asyncio.run(_check(address))
        follower = ApplierProcess(settings) if settings.apply else None
        app = create_app(settings, address=address, follower=follower)
        # From here on whoever connects waits for an answer instead of being refused.
        listening.listen(2048)
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"Quanxi 全息 · http://{shown}:{port} · GraphiQL http://{shown}:{port}/graphql", flush=True)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            lifespan="on",
        )
        with _signals_are_uvicorns():
            uvicorn.Server(config).run(sockets=[listening])


class ApplierProcess:
    """The applier as a child process, so that folding slows no query; started again when it ends, ended with the server.

    It reads its standard input and ends with it: also when the server is killed.
    """

    def __init__(self, settings: Settings) -> None:
        self._command = [sys.executable, "-m", "cli", "--data", str(settings.data.absolute())]
        if settings.catalog is not None:
            self._command += ["--catalog", str(settings.catalog.absolute())]
        self._command += ["apply", "--follow", "--until-input-ends"]
        self._failures = 0
        self._child: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._failures < _FAILURES

    async def run(self) -> None:
        path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
        try:
            while True:
                started = time.monotonic()
                self._child = child = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": path},
                    # An interrupt at the terminal is the server's to take.
                    start_new_session=True,
                )
                watch = asyncio.create_task(self._settle())
                try:
                    code = await child.wait()
                finally:
                    watch.cancel()
                quick = time.monotonic() - started < _SETTLED_SECONDS
                self._failures = self._failures + 1 if quick else 1
                log.warning("applier", extra={"told": {"state": "ended", "code": code}})
                await asyncio.sleep(min(0.5 * 2**self._failures, _LAST_RETRY))
        finally:
            await self._end()

    async def _settle(self) -> None:
        """One that has run a while is well."""
        await asyncio.sleep(_SETTLED_SECONDS)
        self._failures = 0

    async def _end(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), _GRACE_SECONDS)
        except TimeoutError:
            # It may be killed at any moment.
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


@contextlib.contextmanager
def _signals_are_uvicorns() -> Iterator[None]:
    """Uvicorn raises the signal that stopped it once more when it has stopped: to stop is no error here."""
    kept = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


async def _check(address: EngineAddress) -> None:
    async with Store.open(address):
        pass


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not yet listening.

    Raises:
        UsageError: PORT_IN_USE, BAD_HOST.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
    except socket.gaierror:
        raise UsageError(
            "BAD_HOST",
            f"没有地址 {host}。",
            f"There is no address {host}.",
            "Set QUANXI_HOST, such as 127.0.0.1.",
        ) from None
    except OSError as error:
        raise UsageError(
            "PORT_IN_USE",
            f"无法在 {host}:{port} 监听：{error.strerror}。",
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            "Stop what uses it, or choose another port with --port or QUANXI_PORT.",
        ) from None
    return listening
