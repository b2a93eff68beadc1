"""GraphQL as `text/event-stream`: one operation a request, by the distinct connections mode of GraphQL over SSE.

Each event of a subscription has its cursor as the event's id, so that a browser's EventSource that connects anew goes on from there by
itself (`Last-Event-ID`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse

from schema.operations import Event
from web.metrics import Metrics

MEDIA: Final = "text/event-stream"
_QUIET_SECONDS: Final = 15.0
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept"}


def wants_events(request: Request) -> bool:
    """Whether the asker wants a stream of events."""
    return MEDIA in request.headers.get("accept", "")


def respond(stream: AsyncIterator[Event], metrics: Metrics) -> StreamingResponse:
    """The events of an operation as they come, a comment where none comes for a while, and word of the end."""
    return StreamingResponse(_lines(stream, metrics), 200, _HEADERS, MEDIA)


async def _lines(stream: AsyncIterator[Event], metrics: Metrics) -> AsyncIterator[bytes]:
    # At once, so that whoever asks knows that they are heard, and proxies send what there is.
    yield b":\n\n"
    coming: asyncio.Future[Event] | None = None
    with metrics.subscribed():
        try:
            while True:
                if coming is None:
                    coming = asyncio.ensure_future(anext(stream))
                done, _ = await asyncio.wait({coming}, timeout=_QUIET_SECONDS)
                if not done:
                    yield b":\n\n"
                    continue
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    break
                finally:
                    coming = None
                mark = f"id: {event.cursor}\n".encode() if event.cursor is not None else b""
                if event.outcome is None:
                    # An id alone is no event, and is what a browser that connects anew gives back.
                    yield mark + b"\n"
                    continue
                metrics.events.inc()
                body = orjson.dumps(event.outcome.body, option=orjson.OPT_NON_STR_KEYS)
                yield mark + b"event: next\ndata: " + body + b"\n\n"
            yield b"event: complete\ndata:\n\n"
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            close = getattr(stream, "aclose", None)
            if close is not None:
                with contextlib.suppress(RuntimeError):
                    await close()
