"""`POST /feeds/{name}`: rows of a feed, kept durably before they are acknowledged.

Errors are `application/problem+json` (RFC 9457). No byte of a body, no key and no token is ever logged.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar

import orjson
import zstandard
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ledger import Pushes
from ledger.pushes import KeyUsedError
from loaders.declaration import Feed
from loaders.pushed import KINDS, Pushed, PushError, parse, verdicts
from ontology.clock import Clock
from ontology.errors import UsageError
from ontology.terms import Terms
from schema.errors import log_unforeseen
from web.metrics import Metrics

log = logging.getLogger("quanxi.pushes")

PROBLEM: Final = "application/problem+json"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_RETRY_SECONDS: Final = 5
_RECEIVE_SECONDS: Final = 300.0
_BLOCK: Final = 1 << 20
# Bodies of at most this size are handled at once, larger ones in a thread.
_SMALL: Final = 16_384
_BODIES: Final = 4
_ENCODINGS: Final = ("gzip", "x-gzip", "zstd", "identity")


@dataclass(frozen=True, slots=True)
class PushLimits:
    """What is taken.

    Attributes:
        body: bytes of a body, packed and unpacked.
        waiting: rows that may wait to be applied; beyond it nothing is taken until there are fewer.
    """

    body: int = 64 << 20
    waiting: int = 500_000


@dataclass(slots=True)
class Backlog:
    """What waits to be applied, as last looked at, and what has come since."""

    rows: int = 0
    lag: float = 0.0
    since: int = 0

    @property
    def total(self) -> int:
        return self.rows + self.since


@dataclass(slots=True)
class PushDesk:
    """What pushes are taken with.

    Attributes:
        backlog: kept by the server.
    """

    pushes: Pushes
    feeds: Mapping[str, Feed]
    terms: Terms
    clock: Clock
    limits: PushLimits = field(default_factory=PushLimits)
    backlog: Backlog = field(default_factory=Backlog)


class PushEndpoint:
    """Answers pushes."""

    def __init__(self, desk: PushDesk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics
        self._receiving = 0

    async def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        name = str(request.path_params["name"])
        told: dict[str, Any] = {}
        try:
            answer = await self._answer(request, name, told)
        except PushError as error:
            answer = problem(error, request)
        except ClientDisconnect:
            answer = problem(PushError(400, "BAD_BODY", "请求中断", "The body ended early."), request)
        except Exception as error:
            # Logged there, without what the sender wrote.
            log_unforeseen(error, request.scope.get("quanxi.request_id", ""))
            answer = problem(
                PushError(500, "INTERNAL", "内部错误,推送可能未接收", "Something went wrong here; the push may not be taken.",
                          "Send it again with the same Idempotency-Key."),
                request,
            )  # fmt: skip
        seconds = time.perf_counter() - started
        feed = name if name in self._desk.feeds and answer.status_code not in (401, 404) else "none"
        self._metrics.push(feed, answer.status_code, int(told.get("rows", 0)), seconds)
        log.info(
            "push",
            extra={
                "told": {
                    "requestId": request.scope.get("quanxi.request_id", ""),
                    "feed": feed,
                    "status": answer.status_code,
                    "ms": round(seconds * 1000, 2),
                    **told,
                }
            },
        )
        return answer

    async def _answer(self, request: Request, name: str, told: dict[str, Any]) -> Response:
        if request.method != "POST":
            raise _method()
        feed = self._authorised(request, name)
        kind, charset = _kind(request)
        encoding = _encoding(request)
        key = _key(request)
        self._has_room()
        body = await self._body(request, encoding)
        told["bytes"] = len(body)
        small = len(body) <= _SMALL

        def read() -> tuple[Pushed, str]:
            digest = hashlib.sha256(f"{kind} {charset}\n".encode() + body).hexdigest()
            return parse(feed, kind, charset, body, self._desk.limits.body), digest

        pushed, digest = await _run(read, here=small)
        wants = _wants_verdicts(request)
        said = (
            await _run(lambda: verdicts(feed, pushed, self._desk.terms, self._desk.clock.today()), here=False)
            if wants
            else None
        )
        try:
            taken, done = await _run(
                lambda: self._desk.pushes.submit(feed.feed, key, digest, pushed.rows), here=small
            )
        except KeyUsedError:
            raise PushError(
                409,
                "KEY_USED",
                "该幂等键已用于其他内容",
                "This idempotency key has come with other content.",
                "Take a new key for new content; the same key only to send the same again.",
            ) from None
        try:
            # A sender that goes away now does not undo what is being written.
            await asyncio.shield(asyncio.wrap_future(done))
        except UsageError as error:
            raise PushError(507, error.code, error.zh, error.en, error.hint) from None
        except OSError as error:
            log.error("segment", extra={"told": {"error": error.strerror}})
            raise PushError(
                503,
                "BAD_STORAGE",
                "存储不可用,未接收",
                "Storage cannot be used: nothing was taken.",
                "Send it again later.",
            ) from None
        if not taken.again:
            self._desk.backlog.since += taken.push.rows
        told["rows"] = taken.push.rows
        answer: dict[str, Any] = {
            "push": taken.push.id,
            "feed": feed.feed,
            "rows": taken.push.rows,
            "receivedAt": taken.push.received_at,
            "again": taken.again,
        }
        headers = {"Cache-Control": "no-store"}
        if said is not None:
            answer["verdicts"] = asdict(said)
            headers["Preference-Applied"] = "return=representation"
        return Response(orjson.dumps(answer), 202, headers, "application/json")

    def _authorised(self, request: Request, name: str) -> Feed:
        """The feed, for who may push to it. Without a token of any feed, nobody learns which feeds there are."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        feeds = self._desk.pushes.feeds_of(token.strip()) if scheme.lower() == "bearer" and token else set()
        if not feeds:
            raise PushError(
                401,
                "UNAUTHENTICATED",
                "缺少令牌,或令牌无效",
                "There is no token, or not a valid one.",
                "Send Authorization: Bearer with the token that `quanxi push token NAME` printed.",
            )
        feed = self._desk.feeds.get(name)
        if feed is None or name not in feeds:
            raise PushError(
                404,
                "NOT_FOUND",
                "没有这一数据源,或令牌不属于它",
                "There is no such feed, or the token is not for it.",
                "A token is for one feed; compare its name.",
            )
        return feed

    def _has_room(self) -> None:
        desk = self._desk
        if desk.backlog.total >= desk.limits.waiting or self._receiving >= _BODIES * desk.limits.body:
            raise PushError(
                429,
                "BUSY",
                f"待入图的有 {desk.backlog.total:,} 行,暂不接收",
                f"{desk.backlog.total:,} rows wait to be applied: nothing more is taken now.",
                f"Send it again in {_RETRY_SECONDS} seconds.",
                waitingRows=desk.backlog.total,
            )

    async def _body(self, request: Request, encoding: str) -> bytes:
        limit = self._desk.limits.body
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise _too_long(limit)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_RECEIVE_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    self._receiving += len(part)
                    if size > limit:
                        raise _too_long(limit)
                    parts.append(part)
        except TimeoutError:
            raise PushError(408, "TIMEOUT", "请求体接收超时", "The body took too long to arrive.") from None
        finally:
            self._receiving -= size
        body = b"".join(parts)
        if encoding not in ("", "identity"):
            body = await _run(lambda: unpacked(body, encoding, limit), here=len(body) <= _SMALL // 8)
        if not body.strip():
            raise PushError(422, "NO_ROWS", "请求体为空", "The body is empty.", "Send at least one row.")
        return body


T = TypeVar("T")


async def _run(call: Callable[[], T], *, here: bool) -> T:
    return call() if here else await asyncio.to_thread(call)


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """A body of `Content-Encoding` gzip or zstd, never more than `limit` bytes of it.

    Raises:
        PushError: 400 BAD_ENCODING, 413 TOO_LARGE.
    """
    out = bytearray()
    try:
        if encoding == "zstd":
            unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            with unpacker.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
                while block := reader.read(_BLOCK):
                    out += block
                    if len(out) > limit:
                        raise _too_long(limit)
            if not _is_whole_zstd(body):
                raise EOFError
        else:
            left = body
            while left:
                member = zlib.decompressobj(31)
                while not member.eof:
                    block = member.decompress(left, _BLOCK)
                    left = member.unconsumed_tail
                    out += block
                    if len(out) > limit:
                        raise _too_long(limit)
                    if not block and not left and not member.eof:
                        raise EOFError
                left = member.unused_data
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise PushError(
            400,
            "BAD_ENCODING",
            f"不是完整的 {encoding} 数据",
            f"It is not whole {encoding} data.",
            "Pack and send it again.",
        ) from None
    return bytes(out)


def _is_whole_zstd(body: bytes) -> bool:
    """Whether the last frame ends where the body does: the reader takes what is cut off for the end."""
    left = body
    while left:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        for at in range(0, len(left), _BLOCK):
            frame.decompress(left[at : at + _BLOCK])
            if frame.eof:
                left = frame.unused_data + left[at + _BLOCK :]
                break
        else:
            return False
    return True


def problem(error: PushError, request: Request) -> Response:
    """An error as RFC 9457 says it."""
    body = {
        "type": f"/docs/push.md#{error.code}",
        "title": _TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": error.en,
        "detailZh": error.zh,
        "instance": f"urn:quanxi:request:{request.scope.get('quanxi.request_id', '')}",
        "code": error.code,
        **({"hint": error.hint} if error.hint else {}),
        **error.extra,
    }
    headers = {"Cache-Control": "no-store"} | _HEADERS.get(error.status, {})
    return Response(orjson.dumps(body), error.status, headers, PROBLEM)


_TITLES: Final = {
    400: "The body cannot be read",
    401: "No valid token",
    404: "No such feed, or not for you",
    405: "Only POST",
    408: "Too slow",
    409: "Idempotency key used with other content",
    413: "Too large",
    415: "Not a type that is read",
    422: "Rows that do not fit the feed",
    429: "Too much waits",
    500: "Something went wrong here",
    503: "Storage cannot be used",
    507: "Disk full",
}
_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"WWW-Authenticate": 'Bearer realm="feeds"'},
    405: {"Allow": "POST"},
    415: {"Accept-Post": ", ".join(KINDS), "Accept-Encoding": "gzip, zstd"},
    429: {"Retry-After": str(_RETRY_SECONDS)},
    503: {"Retry-After": "30"},
}


def _method() -> PushError:
    return PushError(
        405, "BAD_METHOD", "此处只支持 POST", "Only POST is answered here.", "See /docs/push.md."
    )


def _too_long(limit: int) -> PushError:
    return PushError(
        413,
        "TOO_LARGE",
        f"请求体(解压后)超过 {limit:,} 字节",
        f"The body has more than {limit:,} bytes, packed or unpacked.",
        "Split it, or load it as a file.",
        limit=limit,
    )


def _kind(request: Request) -> tuple[str, str | None]:
    """How the body is read, and its charset where one is said."""
    media, *parameters = request.headers.get("content-type", "").split(";")
    kind = KINDS.get(media.strip().lower())
    if kind is None:
        raise PushError(
            415,
            "BAD_TYPE",
            "不支持这一 Content-Type",
            f"The Content-Type {media.strip()[:80] or '(none)'} is not read here.",
            f"Send one of: {', '.join(KINDS)}.",
        )
    said = dict(p.strip().lower().partition("=")[::2] for p in parameters)
    charset = said.get("charset", "").strip('"') or None
    if charset is not None and (kind in ("json", "ndjson", "xlsx") or charset in ("utf-8", "utf8")):
        charset = None
    if charset not in (None, "gb18030", "gbk", "gb2312", "utf-16"):
        raise PushError(
            415,
            "BAD_TYPE",
            "不支持这一字符集",
            "This charset is not read here.",
            "Send utf-8, gb18030 or utf-16.",
        )
    return kind, charset


def _encoding(request: Request) -> str:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding and encoding not in _ENCODINGS:
        raise PushError(
            415,
            "BAD_TYPE",
            "不支持这一 Content-Encoding",
            "This Content-Encoding is not read here.",
            "Send gzip, zstd, or none.",
        )
    return encoding


def _key(request: Request) -> str | None:
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.strip()
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise PushError(
            400,
            "BAD_KEY",
            "Idempotency-Key 应为 1 到 200 个可见 ASCII 字符",
            "An Idempotency-Key has 1 to 200 visible ASCII characters.",
            "A UUID does.",
        )
    return key


def _wants_verdicts(request: Request) -> bool:
    asked = request.query_params.get("verdicts", "").lower() in ("true", "1", "yes")
    return asked or "return=representation" in request.headers.get("prefer", "").replace(" ", "").lower()
