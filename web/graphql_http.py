"""GraphQL over HTTP: reads a request, runs its operation, writes the answer, the log line and the counts.

POST with `application/json`, GET for queries. The answer is `application/json` (status 200 for whatever is
GraphQL), or `application/graphql-response+json` when the asker prefers it (status by the error's code).
Source of the rules: the GraphQL over HTTP specification of the GraphQL Foundation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from graph.store import count_statements
from ontology.errors import QuanxiError, UsageError
from schema.errors import status_of, tell
from schema.operations import Method, Operations, Outcome
from web.event_stream import respond, wants_events
from web.metrics import Metrics

log = logging.getLogger("quanxi.operations")

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
MakeContext = Callable[[Request, Method], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks."""

    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None


class _BadRequestError(Exception):
    """A request that is not GraphQL: answered with its own status whatever the media type."""

    def __init__(self, status: int, zh: str, en: str, hint: str = "", code: str = "BAD_ARGUMENT") -> None:
        super().__init__(en)
        self.status = status
        self.error = UsageError(code, zh, en, hint)


class GraphQLEndpoint:
    """Answers GraphQL requests.

    Args:
        operations: runs them.
        context: makes what the resolvers get, from the request; may raise a QuanxiError (no such viewer, the
            graph is not there).
        max_body: bytes a body may have.
    """

    def __init__(self, operations: Operations, context: MakeContext, metrics: Metrics, max_body: int) -> None:
        self._operations = operations
        self._context = context
        self._metrics = metrics
        self._max_body = max_body
        self._texts_counted = (0, 0)

    async def __call__(self, request: Request) -> Response:
        if wants_events(request):
            return await self._events(request)
        started = time.perf_counter()
        request_id: str = request.scope["quanxi.request_id"]
        method: Method = "GET" if request.method in ("GET", "HEAD") else "POST"
        media = _media(request)
        self._metrics.running.inc()
        forced: int | None = None
        with count_statements() as counter:
            try:
                asked = _from_url(request) if method == "GET" else _from_body(await self._body(request))
                outcome = await self._operations.run(
                    asked.query,
                    asked.variables,
                    asked.operation_name,
                    self._context(request, method),
                    method=method,
                    request_id=request_id,
                )
            except _BadRequestError as bad:
                forced = bad.status
                outcome = Outcome({"errors": [tell(bad.error, request_id)]}, (bad.error.code,))
            except Exception as error:
                told = tell(error, request_id)
                outcome = Outcome({"errors": [told]}, (told["extensions"]["code"],))
                if not isinstance(error, QuanxiError):
                    forced = 500
            finally:
                self._metrics.running.dec()
        has_data = outcome.body.get("data") is not None
        status = forced or _status(outcome, media, has_data=has_data)
        try:
            body = orjson.dumps(outcome.body, option=orjson.OPT_NON_STR_KEYS)
        except (TypeError, ValueError) as error:
            told = tell(error, request_id)
            outcome = Outcome({"errors": [told]}, ("INTERNAL",), outcome.roots, outcome.kind)
            has_data, status, body = False, 500, orjson.dumps(outcome.body)
        seconds = time.perf_counter() - started
        self._count_texts()
        self._metrics.operation(
            outcome.roots,
            outcome.codes,
            data=_some(outcome.body.get("data")),
            seconds=seconds,
            statements=counter.statements,
        )
        if log.isEnabledFor(logging.INFO):
            # Field names of the schema and numbers; never the text, a variable, a name or the URL.
            log.info(
                "operation",
                extra={
                    "told": {
                        "requestId": request_id,
                        "kind": outcome.kind,
                        "roots": outcome.roots,
                        "status": status,
                        "codes": outcome.codes,
                        "ms": round(seconds * 1000, 2),
                        "statements": counter.statements,
                        "bytes": len(body),
                    }
                },
            )
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        if status == 405:
            headers["Allow"] = "GET, POST"
        return Response(body, status, headers, f"{media}; charset=utf-8")

    async def _events(self, request: Request) -> Response:
        """The answer as a stream of events. A request that cannot be read is answered as others are."""
        request_id: str = request.scope["quanxi.request_id"]
        method: Method = "GET" if request.method in ("GET", "HEAD") else "POST"
        try:
            asked = _from_url(request) if method == "GET" else _from_body(await self._body(request))
            context = self._context(request, method)
            context.resume = request.headers.get("last-event-id")
        except (_BadRequestError, QuanxiError) as error:
            told = tell(error.error if isinstance(error, _BadRequestError) else error, request_id)
            status = (
                error.status if isinstance(error, _BadRequestError) else status_of(told["extensions"]["code"])
            )
            return Response(orjson.dumps({"errors": [told]}), status, media_type=JSON)
        stream = self._operations.stream(
            asked.query, asked.variables, asked.operation_name, context, method=method, request_id=request_id
        )
        return respond(stream, self._metrics)

    def _count_texts(self) -> None:
        hits, misses = self._texts_counted
        self._texts_counted = (self._operations.hits, self._operations.misses)
        self._metrics.parsed.labels("hit").inc(self._texts_counted[0] - hits)
        self._metrics.parsed.labels("miss").inc(self._texts_counted[1] - misses)

    async def _body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            raise _BadRequestError(
                415,
                "请求体须为 application/json。",
                f"The body must be application/json, not {kind[:60] or 'of no type'}.",
                'Send {"query": …, "variables": {…}} with Content-Type: application/json.',
            )
        too_long = _BadRequestError(
            413,
            f"请求体超过 {self._max_body:,} 字节。",
            f"The body has more than {self._max_body:,} bytes.",
            "Split the request.",
            code="TOO_MANY",
        )
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_body:
            raise too_long
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > self._max_body:
                raise too_long
            parts.append(part)
        return b"".join(parts)


def _from_body(body: bytes) -> Asked:
    try:
        read = orjson.loads(body)
    except ValueError:
        raise _BadRequestError(400, "请求体不是合法的 JSON。", "The body is not JSON in UTF-8.") from None
    if isinstance(read, list):
        raise _BadRequestError(
            400,
            "不支持批量请求。",
            "Lists of operations are not answered.",
            "Send one operation; it may have several root fields.",
        )
    if not isinstance(read, dict):
        raise _BadRequestError(400, "请求体须为 JSON 对象。", "The body must be a JSON object.")
    return _asked(read)


def _from_url(request: Request) -> Asked:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if text := given.get(name):
            try:
                given[name] = orjson.loads(text)
            except ValueError:
                raise _BadRequestError(
                    400, f"参数 {name} 不是合法的 JSON。", f"The parameter {name} is not JSON."
                ) from None
        else:
            given.pop(name, None)
    return _asked(given)


def _asked(given: Mapping[str, Any]) -> Asked:
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if query in (None, ""):
        extensions = given.get("extensions")
        if isinstance(extensions, dict) and "persistedQuery" in extensions:
            raise _BadRequestError(
                200,
                "服务端没有保存这一查询。",
                "PersistedQueryNotFound",
                "Send the query's text.",
                code="PERSISTED_QUERY_NOT_FOUND",
            )
        raise _BadRequestError(
            400, "缺少 query。", "There is no query.", 'Send {"query": "{ viewer { name } }"}.'
        )
    if not isinstance(query, str):
        raise _BadRequestError(400, "query 须为字符串。", "query must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise _BadRequestError(400, "variables 须为对象。", "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise _BadRequestError(400, "operationName 须为字符串。", "operationName must be a string.")
    return Asked(query, variables, name or None)


def _media(request: Request) -> str:
    """The media type of the answer: the newer one only for whoever names it and does not prefer the older."""
    accept = request.headers.get("accept", "")
    if GRAPHQL_JSON not in accept:
        return JSON
    weights = {JSON: 0.0, GRAPHQL_JSON: 0.0}
    for item in accept.split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        if kind in weights:
            quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
            try:
                weights[kind] = float(quality)
            except ValueError:
                weights[kind] = 0.0
    return GRAPHQL_JSON if weights[GRAPHQL_JSON] >= weights[JSON] else JSON


def _some(data: Any) -> bool:
    """Whether any root field has a value."""
    return isinstance(data, dict) and any(value is not None for value in data.values())


def _status(outcome: Outcome, media: str, *, has_data: bool) -> int:
    if media == JSON or has_data or not outcome.codes:
        return 200
    return status_of(outcome.codes[0])
