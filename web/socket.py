"""GraphQL over a WebSocket, by the protocol `graphql-transport-ws` (github enisdenjo/graphql-ws, PROTOCOL.md).

A socket carries any number of operations up to a limit. Each subscription is a task of its own that reads at the pace of its socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from ontology.errors import QuanxiError
from schema.errors import tell
from schema.operations import Operations
from web.metrics import Metrics

PROTOCOL: Final = "graphql-transport-ws"
OPERATIONS: Final = 20
"""Operations that may run on one socket."""
_INIT_SECONDS: Final = 10.0
# A peer that has gone without a word is noticed when nothing can be sent to it.
_PING_SECONDS: Final = 25.0


class _CloseError(Exception):
    """The socket is to be closed.

    Attributes:
        code, reason: as the protocol has them.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketEndpoint:
    """Answers operations on sockets.

    Args:
        context: makes what the resolvers get; may raise a QuanxiError.
        max_message: bytes a message may have.
        origins: of pages that may connect, beside those of the server itself; `*` is any.
    """

    def __init__(
        self,
        operations: Operations,
        context: Callable[[Any], Any],
        metrics: Metrics,
        max_message: int,
        origins: tuple[str, ...],
    ) -> None:
        self._operations = operations
        self._context = context
        self._metrics = metrics
        self._max_message = max_message
        self._origins = origins

    async def __call__(self, socket: WebSocket) -> None:
        if not self._is_welcome(socket):
            # Before it is accepted: the peer is told 403.
            await socket.close(1008)
            return
        if PROTOCOL not in socket.scope.get("subprotocols", ()):
            await socket.accept()
            await socket.close(4406, "Subprotocol not acceptable")
            return
        await socket.accept(PROTOCOL)
        session = _Session(socket, self._operations, self._context, self._metrics, self._max_message)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await session.run()

    def _is_welcome(self, socket: WebSocket) -> bool:
        """Whether a page of this origin may connect: browsers send cookies and reach loopback for any page."""
        origin = socket.headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        return urlsplit(origin).netloc == socket.headers.get("host")


class _Session:
    """One socket's life."""

    def __init__(
        self,
        socket: WebSocket,
        operations: Operations,
        context: Callable[[Any], Any],
        metrics: Metrics,
        max_message: int,
    ) -> None:
        self._socket = socket
        self._operations = operations
        self._make_context = context
        self._metrics = metrics
        self._max_message = max_message
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._greeted = False

    async def run(self) -> None:
        pinging: asyncio.Task[None] | None = None
        try:
            while True:
                limit = None if self._greeted else _INIT_SECONDS
                async with asyncio.timeout(limit):
                    message = await self._receive()
                await self._take(message)
                if self._greeted and pinging is None:
                    pinging = asyncio.create_task(self._ping())
        except TimeoutError:
            await self._socket.close(4408, "Connection initialisation timeout")
        except _CloseError as error:
            await self._socket.close(error.code, error.reason)
        finally:
            tasks = [*self._running.values(), *([pinging] if pinging else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> dict[str, Any]:
        received = await self._socket.receive()
        if received["type"] != "websocket.receive":
            raise WebSocketDisconnect(received.get("code", 1000))
        text = received.get("text")
        if text is None:
            raise _CloseError(4400, "Only text is taken")
        if len(text) > self._max_message:
            raise _CloseError(1009, "The message is too long")
        try:
            message = orjson.loads(text)
        except ValueError:
            raise _CloseError(4400, "The message is not JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _CloseError(4400, "The message has no type")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        kind, id = message["type"], message.get("id")
        if kind == "connection_init":
            if self._greeted:
                raise _CloseError(4429, "Too many initialisation requests")
            self._greeted = True
            cursors = self._cursors()
            await self._send(
                {"type": "connection_ack", **({"payload": {"cursors": cursors}} if cursors else {})}
            )
        elif kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "pong":
            pass
        elif kind == "subscribe":
            if not self._greeted:
                raise _CloseError(4401, "Unauthorized")
            self._subscribe(id, message.get("payload"))
        elif kind == "complete":
            if isinstance(id, str) and (task := self._running.pop(id, None)) is not None:
                task.cancel()
        else:
            raise _CloseError(4400, f"Unknown type of message: {kind[:40]}")

    def _cursors(self) -> dict[str, str]:
        """Where a subscription without `after` would begin now, for who loses the connection before the first event."""
        try:
            context = self._make_context(self._socket)
            return dict(context.cursors())
        except (QuanxiError, AttributeError, sqlite3.Error, OSError):
            return {}

    def _subscribe(self, id: Any, payload: Any) -> None:
        if not isinstance(id, str) or not 0 < len(id) <= 200 or not isinstance(payload, dict):
            raise _CloseError(4400, "A subscription needs an id and a payload")
        query, variables, name = payload.get("query"), payload.get("variables"), payload.get("operationName")
        if (
            not isinstance(query, str)
            or not isinstance(variables, dict | None)
            or not isinstance(name, str | None)
        ):
            raise _CloseError(4400, "The payload needs a query; variables are an object")
        if id in self._running:
            raise _CloseError(4409, f"Subscriber for {id} already exists")
        if len(self._running) >= OPERATIONS:
            raise _CloseError(4429, f"At most {OPERATIONS} operations on a socket")
        self._running[id] = asyncio.create_task(self._answer(id, query, variables, name or None))

    async def _answer(self, id: str, query: str, variables: dict[str, Any] | None, name: str | None) -> None:
        request_id = uuid.uuid4().hex
        last: dict[str, Any] = {"id": id, "type": "complete"}
        try:
            with self._metrics.subscribed():
                context = self._make_context(self._socket)
                stream = self._operations.stream(query, variables, name, context, request_id=request_id)
                async with contextlib.aclosing(stream):
                    async for event in stream:
                        if event.outcome is None:
                            continue
                        body = event.outcome.body
                        if event.ended:
                            last = {"id": id, "type": "error", "payload": body["errors"]}
                            break
                        await self._send({"id": id, "type": "next", "payload": body})
                        self._metrics.events.inc()
        except (WebSocketDisconnect, RuntimeError):
            # The peer has gone; whoever receives notices.
            return
        except Exception as error:
            last = {"id": id, "type": "error", "payload": [tell(error, request_id)]}
        # Free before the peer hears of it, who may use the id again at once.
        if self._running.get(id) is asyncio.current_task():
            del self._running[id]
        await self._send(last)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            await self._send({"type": "ping"})

    async def _send(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS).decode()
        async with self._sending:
            await self._socket.send_text(text)
