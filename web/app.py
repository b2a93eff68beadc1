"""The ASGI application: its routes, its life, and what it knows of the graph."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import strawberry
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from graph.engine import EngineAddress
from graph.store import Store
from ontology import ONTOLOGY
from ontology.errors import EngineError, QuanxiError, UsageError
from schema.errors import tell
from schema.limits import Limits
from schema.operations import Method, Operations
from web.examples import Example, load_examples
from web.geo import GeoEndpoint
from web.graphql_http import GraphQLEndpoint
from web.logs import quiet_libraries
from web.metrics import Metrics
from web.pages import GRAPHIQL, SECURITY, STATIC, Count, Start, start_page
from web.push import PushDesk, PushEndpoint
from web.samples import find_samples
from web.socket import SocketEndpoint

log = logging.getLogger("quanxi.server")

DOCUMENTS: Final = Path(__file__).resolve().parent.parent / "docs"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
# A graph is looked at, and one that is away looked for, this often, in seconds.
_LOOK_AGAIN: Final = 2.0
_BACKLOG_AGAIN: Final = 1.0
_WARM_ROUNDS: Final = 3
_COUNTED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """How an application answers.

    Attributes:
        max_body: bytes a request's body may have.
        cors: origins whose pages may ask; `*` is any.
        graphiql: whether browsers get GraphiQL at `/graphql`.
    """

    limits: Limits = field(default_factory=Limits)
    max_body: int = 262_144
    cors: tuple[str, ...] = ()
    graphiql: bool = True


class Follower(Protocol):
    """What applies rows received, beside the server."""

    async def run(self) -> None:
        """Keeps it running until cancelled; then ends it."""

    @property
    def running(self) -> bool:
        """Whether it runs, or is just being started again."""


@dataclass(frozen=True, slots=True)
class Pushing:
    """What the server needs for taking pushes.

    Attributes:
        waiting: rows that wait to be applied, and for how many seconds the oldest has; called in a thread.
        follower: None when rows are applied elsewhere.
    """

    desk: PushDesk
    waiting: Callable[[], tuple[int, float]]
    follower: Follower | None = None


class Domain(Protocol):
    """What the server serves, apart from HTTP: the schema, and what its resolvers get."""

    schema: strawberry.Schema

    def context(self, store: Store, request: HTTPConnection, method: Method) -> Any:
        """What the resolvers get for a request.

        Raises:
            QuanxiError: there is no such viewer.
        """

    async def look(self, store: Store) -> None:
        """Called every few seconds: see whether the graph answers, and read what is kept in memory of it.

        Raises:
            EngineError: it does not answer.
        """

    def day(self) -> tuple[str, bool]:
        """The district's today as YYYY-MM-DD, and whether its data is synthetic."""

    def sees_all(self) -> bool:
        """Whether who asks may know how much the whole graph holds."""


@dataclass(slots=True)
class State:
    """What is known of the graph at the moment.

    Attributes:
        store: None while there is none.
        warm: whether typical plans have been run.
        problem: why it is not ready.
    """

    store: Store | None = None
    warm: bool = False
    problem: QuanxiError | None = None
    stopping: bool = False
    samples: dict[str, str] | None = None
    name: str = ""

    @property
    def ready(self) -> bool:
        return self.warm and self.problem is None and not self.stopping


class Server:
    """One application's parts; `application()` puts them together.

    Args:
        domain: what is served.
        connect: finds the Neo4j to ask, and may start it; called in a thread, again after an EngineError.
        pushing: None when no pushes are taken.
    """

    def __init__(
        self,
        domain: Domain,
        connect: Callable[[], EngineAddress],
        options: Options,
        pushing: Pushing | None = None,
    ) -> None:
        quiet_libraries()
        self.pushing = pushing
        self.domain = domain
        self.connect = connect
        self.options = options
        self.state = State()
        self.metrics = Metrics()
        self.operations = Operations(domain.schema, options.limits)
        self.endpoint = GraphQLEndpoint(self.operations, self.context, self.metrics, options.max_body)
        self.socket = SocketEndpoint(
            self.operations,
            lambda socket: self.context(socket, "POST"),
            self.metrics,
            options.max_body,
            options.cors,
        )
        self.examples = load_examples()
        self._counted: tuple[float, list[Count] | None] = (-1e9, None)

    # -- life ------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._keep_graph())]
        bell = getattr(self.domain, "bell", None)
        if bell is not None:
            tasks.append(asyncio.create_task(bell.run()))
        tells = getattr(self.domain, "dispatcher", None)
        if tells is not None:
            tasks.append(asyncio.create_task(tells(self.metrics).run()))
        pushing = self.pushing
        if pushing is not None:
            tasks.append(asyncio.create_task(self._keep_backlog(pushing)))
            if pushing.follower is not None:
                tasks.append(asyncio.create_task(pushing.follower.run()))
        try:
            yield
        finally:
            self.state.stopping = True
            for task in tasks:
                task.cancel()
            # The driver says in its own ways that it was interrupted.
            await asyncio.gather(*tasks, return_exceptions=True)
            if pushing is not None:
                await asyncio.to_thread(pushing.desk.pushes.close)

    async def _keep_backlog(self, pushing: Pushing) -> None:
        """Look again and again at how much waits to be applied."""
        backlog = pushing.desk.backlog
        while True:
            since = backlog.since
            try:
                backlog.rows, backlog.lag = await asyncio.to_thread(pushing.waiting)
            except (sqlite3.Error, OSError) as error:
                log.warning("backlog", extra={"told": {"text": str(error)}})
            else:
                # What was taken while it was looked at may have been seen or not: it counts until the next look.
                backlog.since -= since
                self.metrics.waiting_rows.set(backlog.rows)
                self.metrics.lag.set(backlog.lag)
            running = pushing.follower is not None and pushing.follower.running
            self.metrics.applier.set(int(running))
            await asyncio.sleep(_BACKLOG_AGAIN)

    async def _keep_graph(self) -> None:
        """Open the store, warm it, and notice when the graph goes away and comes back."""
        while True:
            try:
                address = await asyncio.to_thread(self.connect)
                async with Store.open(address) as store:
                    self.state.store = store
                    await self._watch(store)
            except QuanxiError as error:
                self._away(error)
            except Exception as error:
                log.exception("graph", exc_info=error)
                self._away(EngineError("GRAPH_UNAVAILABLE", "图数据库暂不可用。", "Neo4j cannot be used."))
            finally:
                self.state.store = None
            await asyncio.sleep(_LOOK_AGAIN)

    async def _watch(self, store: Store) -> None:
        """Look at an open store again and again. The driver itself connects anew when the server is back."""
        while True:
            try:
                await self.domain.look(store)
                if not self.state.warm:
                    await self._warm(store)
                    # What is there by now stays: the collector need not look at it again and again.
                    gc.collect()
                    gc.freeze()
                    self.state.warm = True
                if self.state.problem is not None:
                    log.warning("graph", extra={"told": {"state": "back"}})
                self.state.problem = None
                self.metrics.ready.set(1)
            except QuanxiError as error:
                self._away(error)
            await asyncio.sleep(_LOOK_AGAIN)

    def _away(self, error: QuanxiError) -> None:
        if self.state.problem is None or self.state.problem.code != error.code:
            log.warning("graph", extra={"told": {"state": "away", "code": error.code, "text": error.en}})
        self.metrics.neo4j_errors.labels(error.code).inc()
        self.metrics.ready.set(0)
        self.state.problem = error

    async def _warm(self, store: Store) -> None:
        """Run the example queries, so that the first to ask finds plans and pages in memory."""
        self.state.samples = await self._find_samples(store)
        for _ in range(_WARM_ROUNDS):
            for example in self.filled_examples():
                await self._ask(store, example.query, example.variables)

    async def _ask(self, store: Store, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of a query of our own, or None. Errors of the graph are raised."""
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "headers": [],
            "query_string": b"",
        }
        context = self.domain.context(store, Request(scope), "POST")
        outcome = await self.operations.run(query, variables, None, context, request_id="warm-up")
        if "GRAPH_UNAVAILABLE" in outcome.codes:
            raise EngineError("GRAPH_UNAVAILABLE", "图数据库暂不可用。", "Neo4j cannot be reached.")
        if outcome.codes:
            log.debug("warm-up", extra={"told": {"codes": outcome.codes, "roots": outcome.roots}})
        return outcome.body.get("data")

    async def _find_samples(self, store: Store) -> dict[str, str]:
        """Things of the served district for the variables of the examples."""
        found = await find_samples(functools.partial(self._ask, store))
        self.state.name = found.pop("name", "")
        return found

    def filled_examples(self) -> list[Example]:
        return [example.filled(self.state.samples or {}) for example in self.examples]

    # -- requests --------------------------------------------------------------------------------------------

    def context(self, request: HTTPConnection, method: Method) -> Any:
        store = self._store()
        context = self.domain.context(store, request, method)
        # Subscriptions go on when the graph has been away.
        if hasattr(context, "graph"):
            context.graph = self._store
        return context

    def _store(self) -> Store:
        if self.state.store is None:
            raise EngineError("GRAPH_UNAVAILABLE", "图数据库暂不可用。", "Neo4j cannot be reached.")
        return self.state.store

    async def graphql(self, request: Request) -> Response:
        if request.method == "GET" and _wants_html(request):
            if not self.options.graphiql:
                return PlainTextResponse("GraphiQL is off (QUANXI_GRAPHIQL).\n", 404)
            return HTMLResponse(GRAPHIQL, headers=SECURITY)
        if request.method not in ("GET", "POST", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, POST"})
        return await self.endpoint(request)

    async def start(self, _: Request) -> Response:
        today, synthetic = self.domain.day()
        page = start_page(
            Start(
                name=self.state.name or "全息 Quanxi",
                today=today,
                synthetic=synthetic,
                counts=await self._counts() if self.domain.sees_all() else (),
                limited=not self.domain.sees_all(),
                examples=self.filled_examples(),
                documents=[path.name for path in sorted(DOCUMENTS.glob("*.md"))],
            )
        )
        return HTMLResponse(page, headers=SECURITY | {"Cache-Control": "no-store"})

    async def _counts(self) -> list[Count] | None:
        now = asyncio.get_running_loop().time()
        counted, counts = self._counted
        if now - counted < _COUNTED_SECONDS and counts:
            return counts
        store = self.state.store
        if store is None:
            return None
        try:
            labels = (await store.counts()).labels
        except QuanxiError:
            return None
        counts = [
            Count(entity.zh, entity.en, labels[label])
            for label, entity in ONTOLOGY.entities.items()
            if labels.get(label)
        ]
        self._counted = (now, counts)
        return counts

    async def examples_json(self, _: Request) -> Response:
        listed = [
            {"name": e.name, "zh": e.zh, "en": e.en, "query": e.query, "variables": e.variables}
            for e in self.filled_examples()
        ]
        return JSONResponse({"examples": listed}, headers={"Cache-Control": "no-store"})

    async def sdl(self, _: Request) -> Response:
        return PlainTextResponse(self.domain.schema.as_str())

    async def healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        state, applying = self.state, self._applying()
        told = {"applier": applying} if applying is not None else {}
        lacking = {"behind": "APPLIER_BEHIND", "gone": "APPLIER_GONE"}.get(
            applying["state"] if applying else ""
        )
        if state.ready and lacking is None:
            return JSONResponse({"status": "ready", **told})
        if state.ready:
            code = lacking
        else:
            code = "STOPPING" if state.stopping else state.problem.code if state.problem else "WARMING_UP"
        return JSONResponse({"status": "not ready", "code": code, **told}, 503, headers={"Retry-After": "2"})

    def _applying(self) -> dict[str, Any] | None:
        """How the applier does; None where there are no pushes."""
        if self.pushing is None:
            return None
        backlog, follower = self.pushing.desk.backlog, self.pushing.follower
        state = "elsewhere" if follower is None else "running" if follower.running else "gone"
        if state != "gone" and backlog.total >= self.pushing.desk.limits.waiting:
            state = "behind"
        return {"state": state, "waitingRows": backlog.total, "lagSeconds": round(backlog.lag, 1)}

    async def metrics_text(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type=self.metrics.content_type)

    async def document(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = DOCUMENTS / f"{name}.md"
        if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, media_type="text/plain; charset=utf-8")

    def application(self) -> Starlette:
        pushes = []
        if self.pushing is not None:
            endpoint = PushEndpoint(self.pushing.desk, self.metrics)
            methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
            pushes = [Route("/feeds/{name}", functools.partial(_pushed, endpoint), methods=methods)]
        maps = []
        draws = getattr(self.domain, "boundaries", None)
        if draws is not None:
            geo = GeoEndpoint(draws, lambda request: self.context(request, "GET"))
            maps = [Route("/geo/{level}.geojson", functools.partial(_drawn, geo))]
        static = GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1024)
        app = Starlette(
            routes=[
                Route("/", self.start),
                Route("/graphql", self.graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
                WebSocketRoute("/graphql", _socketed(self.socket)),
                Route("/schema.graphql", self.sdl),
                Route("/examples.json", self.examples_json),
                Route("/docs/{name}.md", self.document),
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics_text),
                Mount("/static", static),
                *maps,
                *pushes,
            ],
            middleware=self._middleware(),
            exception_handlers={HTTPException: _http_error, Exception: _any_error},
            lifespan=self.lifespan,
        )
        app.state.server = self
        return app

    def _middleware(self) -> list[Middleware]:
        found = [Middleware(Envelope)]
        if self.options.cors:
            found.append(
                Middleware(
                    CORSMiddleware,
                    allow_origins=list(self.options.cors),
                    allow_methods=["GET", "POST"],
                    allow_headers=[
                        "Content-Type",
                        "X-Request-Id",
                        "X-Purpose",
                        "X-Case",
                        "Authorization",
                        "Last-Event-ID",
                    ],
                    expose_headers=["X-Request-Id", "Retry-After"],
                    max_age=600,
                )
            )
        return found


class Envelope:
    """Gives each request an id (the asker's own when its form is harmless) and each answer its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"x-request-id"), "")
        # One that is nothing but digits might be somebody's number.
        usable = _REQUEST_ID.fullmatch(given) and not re.search(r"\d{11}", given)
        request_id = given if usable else uuid.uuid4().hex
        scope["quanxi.request_id"] = request_id

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, sending)


def _socketed(endpoint: SocketEndpoint) -> Callable[[WebSocket], Awaitable[None]]:
    async def answer(socket: WebSocket) -> None:
        await endpoint(socket)

    return answer


async def _drawn(endpoint: GeoEndpoint, request: Request) -> Response:
    return await endpoint(request)


async def _pushed(endpoint: PushEndpoint, request: Request) -> Response:
    return await endpoint(request)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 404:
        told = UsageError("NOT_FOUND", "没有这一页。", "There is no such page.", "The API is at /graphql.")
    else:
        told = UsageError(
            "BAD_ARGUMENT", "此处不支持这一方法。", "This method is not answered here.", "Use GET or POST."
        )
    body = {"errors": [tell(told, request.scope.get("quanxi.request_id", ""))]}
    return JSONResponse(body, status, headers)


async def _any_error(request: Request, error: Exception) -> Response:
    body = {"errors": [tell(error, request.scope.get("quanxi.request_id", ""))]}
    return JSONResponse(body, 500)


def _wants_html(request: Request) -> bool:
    """Whether a browser shows the answer to a person; one that asks `*/*` gets data."""
    accept = request.headers.get("accept", "")
    return "text/html" in accept and "application/json" not in accept.partition("text/html")[0]
