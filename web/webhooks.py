"""Tells webhooks of findings: signed, in order, again and again until they take it, by one process of a data directory at a time.

A request is a POST of JSON with the headers of the Standard Webhooks specification (standardwebhooks.com): `webhook-id` names the event
for whoever gets it twice, `webhook-timestamp` is seconds since 1970, `webhook-signature` is `v1,` and the base64 of the HMAC-SHA-256 of
`id.timestamp.body` under the webhook's secret. Each webhook has a task of its own: one that is slow or away holds up no other.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import hmac
import logging
import os
import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from ledger import Change
from ledger.webhooks import Webhook, Webhooks
from ontology.errors import UsageError
from web.bell import Bell
from web.metrics import Metrics

log = logging.getLogger("quanxi.server")

# Seconds before each further try, some fourteen hours in all; then the entry is given up.
DELAYS: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0)
TIMEOUT: Final = 15.0
_PAGE: Final = 100
_LOOK_AGAIN: Final = 2.0
# Answers of a receiver that is there and will not take this one, however often it is sent.
_NEVER: Final = frozenset(range(400, 500)) - {408, 409, 425, 429}
_GONE: Final = 410


class _RefusedError(Exception):
    """The receiver did not take it.

    Attributes:
        ever: whether it may yet take it.
        gone: whether it wants to hear no more.
    """

    def __init__(self, text: str, *, ever: bool = True, gone: bool = False) -> None:
        super().__init__(text)
        self.ever = ever
        self.gone = gone


def body_of(change: Change) -> dict[str, Any]:
    """What is sent of a change."""
    f = change.finding
    return {
        "type": f"finding.{change.change}",
        "timestamp": change.at,
        "data": {
            "cursor": str(change.no), "id": f.id, "trace": f.trace, "traceVersion": f.trace_version, "state": f.state,
            "severity": f.severity, "sentence": f.sentence_zh, "sentenceEn": f.sentence_en, "why": f.why_zh, "whyEn": f.why_en,
            "place": f.place, "about": f.about, "shownBy": list(f.shown_by), "count": f.count, "first": f.first, "last": f.last,
            "foundAt": f.found_at, "changedAt": f.changed_at, "closedAt": f.closed_at, "revision": f.revision,
            "returnOf": f.return_of, "mergedInto": f.merged_into, "verdict": f.verdict,
        },
    }  # fmt: skip


def signature(key: bytes, id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


class Dispatcher:
    """Tells the webhooks of a data directory.

    Args:
        webhooks: closed when it ends.
        bell: word of new entries of the log of findings.
        directory: of the ledger; a lock there makes one of several processes the one that tells.
        delays: seconds before each further try.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        bell: Bell,
        directory: Path,
        metrics: Metrics,
        delays: Sequence[float] = DELAYS,
    ) -> None:
        self._webhooks = webhooks
        self._bell = bell
        self._lock = directory / "webhooks.lock"
        self._metrics = metrics
        self._delays = delays
        self._again: dict[str, asyncio.Task[None]] = {}
        self._tasks: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Tells until cancelled, once this process is the one that does."""
        try:
            await self._run()
        except Exception as error:
            log.exception("webhooks", exc_info=error)
            raise
        finally:
            self._webhooks.close()

    async def _run(self) -> None:
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _locked(handle):  # noqa: ASYNC110 - another process cannot set an event
                await asyncio.sleep(_LOOK_AGAIN)
            async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
                while True:
                    try:
                        await self._look(client)
                    except (sqlite3.Error, UsageError) as error:
                        log.warning("webhooks", extra={"told": {"text": str(error)}})
                    await asyncio.sleep(_LOOK_AGAIN)
        finally:
            tasks = [*(task for _, task in self._tasks.values()), *self._again.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            os.close(handle)

    async def _look(self, client: httpx.AsyncClient) -> None:
        """Begins with webhooks that are new, ends with those that are gone or paused."""
        found = {w.name: w for w in await asyncio.to_thread(self._webhooks.all) if w.paused is None}
        for name, (held, task) in list(self._tasks.items()):
            now = found.get(name)
            if (
                now is None
                or (now.url, now.secret, now.wanted) != (held.url, held.secret, held.wanted)
                or task.done()
            ):
                await _end(task, name)
                del self._tasks[name]
        for name, webhook in found.items():
            if name not in self._tasks:
                self._tasks[name] = webhook, asyncio.create_task(self._tell(client, webhook))
        for name in {
            d.webhook for d in await asyncio.to_thread(self._webhooks.dead, again=True)
        } & found.keys():
            if name not in self._again:
                self._again[name] = asyncio.create_task(self._retry(client, found[name]))
        for name, again in list(self._again.items()):
            if again.done() or name not in found:
                await _end(again, name)
                del self._again[name]

    async def _tell(self, client: httpx.AsyncClient, webhook: Webhook) -> None:
        """Tells one webhook all that comes, in order."""
        no = webhook.cursor
        while True:
            until = await self._bell.beyond("findings", no)
            page = await asyncio.to_thread(self._webhooks.changes, no, until, _PAGE)
            for change in page:
                if webhook.wanted.holds(change) and not await self._deliver(client, webhook, change):
                    return
            no = page[-1].no if len(page) == _PAGE else until
            await asyncio.to_thread(self._webhooks.passed, webhook.name, no)

    async def _deliver(self, client: httpx.AsyncClient, webhook: Webhook, change: Change) -> bool:
        """Sends one change until it is taken or given up; False when the webhook is not to be told any more."""
        store, name = self._webhooks, webhook.name
        tries = 0
        while True:
            tries += 1
            try:
                await self._send(client, webhook, change)
            except _RefusedError as error:
                self._metrics.webhooks.labels("refused").inc()
                if error.gone:
                    await asyncio.to_thread(store.pause, name, str(error))
                    return False
                if not error.ever or tries > len(self._delays):
                    await asyncio.to_thread(store.give_up, name, change.no, tries, str(error))
                    return True
                await asyncio.to_thread(store.failed, name, str(error))
                # Not all of several at the same moment, when a receiver comes back.
                await asyncio.sleep(self._delays[tries - 1] * random.uniform(0.8, 1.2))
            else:
                self._metrics.webhooks.labels("taken").inc()
                await asyncio.to_thread(store.told, name, change.no)
                return True

    async def _retry(self, client: httpx.AsyncClient, webhook: Webhook) -> None:
        """Sends what is to be sent once more, until something of it is refused."""
        for dead in await asyncio.to_thread(self._webhooks.dead, webhook.name, again=True):
            if not await self._once_more(client, webhook, dead.no, dead.tries):
                return

    async def _once_more(self, client: httpx.AsyncClient, webhook: Webhook, no: int, tries: int) -> bool:
        """Sends what was given up one more time; whether it was taken."""
        found = await asyncio.to_thread(self._webhooks.changes, no - 1, no, 1)
        try:
            for change in found:
                await self._send(client, webhook, change)
        except _RefusedError as error:
            await asyncio.to_thread(self._webhooks.give_up, webhook.name, no, tries + 1, str(error))
            return False
        await asyncio.to_thread(self._webhooks.delivered, webhook.name, no)
        return True

    @staticmethod
    async def _send(client: httpx.AsyncClient, webhook: Webhook, change: Change) -> None:
        body = orjson.dumps(body_of(change))
        id, now = f"{webhook.name}_{change.no}", int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Quanxi",
            "webhook-id": id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(webhook.key, id, now, body),
        }
        try:
            # What it answers beyond the status is not read: it could be of any length, and come at any pace.
            async with (
                asyncio.timeout(TIMEOUT),
                client.stream("POST", webhook.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except TimeoutError:
            raise _RefusedError(f"no answer within {TIMEOUT:.0f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise _RefusedError(f"{type(error).__name__}: {error}") from None
        if not httpx.codes.is_success(status):
            raise _RefusedError(f"HTTP {status}", ever=status not in _NEVER, gone=status == _GONE)


async def _end(task: asyncio.Task[None], name: str) -> None:
    """Ends a task, and logs what it ended of where that was no cancellation."""
    task.cancel()
    (error,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(error, Exception):
        log.error("webhook", extra={"told": {"name": name, "text": f"{type(error).__name__}: {error}"}})


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
