"""Webhooks against a real receiver: signed, in order, again until taken, given up, sent once more, by one of several servers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import Change, EventFeed, Finding, FindingLog, Ledger
from ledger.events import prepare
from ledger.findings import SHOWN
from ledger.records import Records
from ledger.vault import Keyring
from ledger.webhooks import Wanted, Webhooks
from ontology.errors import UsageError
from web.bell import Bell
from web.metrics import Metrics
from web.webhooks import Dispatcher

KEYRING = Keyring("ef" * 32)
NOW = "2025-05-15T08:00:00+08:00"


class Receiver:
    """An HTTP server that answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.statuses.pop(0) if self.statuses else 204
                if status == 204:
                    self.got.append((headers, body))
                writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def ids(self) -> list[str]:
        return [json.loads(body)["data"]["id"] for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield made
    server.close()


class District:
    """A ledger whose log of findings grows, with no graph beside it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ledger = Ledger(data, KEYRING)
        prepare(self.ledger)
        self.records = Records(self.ledger.directory, self.ledger.vault)
        self.log = FindingLog(self.ledger)
        self.webhooks = Webhooks(Ledger(data, KEYRING))
        self.tasks: list[asyncio.Task[None]] = []

    def find(self, *ids: str, quiet: bool = False, **fields: Any) -> None:
        whole = {
            "trace": "hazard_relapse", "trace_version": 1, "subject": "3301090020010001", "state": "new", "severity": "yellow",
            "sentence_zh": "隐患复发", "sentence_en": "It is back", "shown_by": (), "first": "2025-05-01", "last": "2025-05-02",
            "count": 2, "found_at": NOW, "changed_at": NOW, "place": "3301090020010001",
        }  # fmt: skip
        self.log.append([Change(Finding(id=i, **{**whole, **fields}), "found", quiet) for i in ids], NOW)
        with self.records.transaction():
            self.records.set_meta(SHOWN, str(self.log.last()))

    def serve(self, delays: tuple[float, ...] = (0.05, 0.05, 0.05)) -> asyncio.Task[None]:
        """What a server runs."""
        bell = Bell(EventFeed(self.ledger.directory), EventFeed(self.ledger.directory))
        dispatcher = Dispatcher(
            Webhooks(Ledger(self.data, KEYRING)), bell, self.ledger.directory, Metrics(), delays
        )

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(bell.run())
                group.create_task(dispatcher.run())

        task = asyncio.create_task(run())
        self.tasks.append(task)
        return task


@pytest.fixture
async def district(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[District]:
    monkeypatch.setattr("web.webhooks._LOOK_AGAIN", 0.05)
    made = District(tmp_path)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    made.webhooks.close()
    made.records.close()
    made.ledger.close()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what comes about is in a ledger
            await asyncio.sleep(0.02)


async def test_signed_and_in_order_from_where_it_was(district: District, receiver: Receiver) -> None:
    district.find("fin_before")
    hook = district.webhooks.add("hook", receiver.url, Wanted())
    server = district.serve()
    district.find("fin_a", "fin_b")
    district.find("fin_silent", quiet=True)
    await until(lambda: len(receiver.got) == 2)
    headers, body = receiver.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["place"]) == (
        "finding.found", "fin_a", "3301090020010001",
    )  # fmt: skip
    # The server goes away, and comes back to what has happened meanwhile.
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)
    district.find("fin_c")
    district.serve()
    await until(lambda: "fin_c" in receiver.ids())
    # What was taken as the server went away may come twice.
    assert list(dict.fromkeys(receiver.ids())) == ["fin_a", "fin_b", "fin_c"]
    assert district.webhooks.get("hook").told_at is not None
    assert hook.secret not in repr(hook)
    stored = district.ledger.db.execute("SELECT secret FROM webhook").fetchone()[0]
    assert hook.secret.encode() not in stored


async def test_only_what_is_wanted(district: District, receiver: Receiver) -> None:
    district.webhooks.add(
        "hook", receiver.url, Wanted(traces=("a",), severities=("red",), place="330109002"), 0
    )
    district.serve()
    district.find("fin_1", trace="b", severity="red")
    district.find("fin_2", trace="a", severity="blue")
    district.find("fin_3", trace="a", severity="red", place="330109004001")
    district.find("fin_4", trace="a", severity="red")
    await until(lambda: receiver.got)
    await until(lambda: district.webhooks.get("hook").cursor == district.log.last())
    assert receiver.ids() == ["fin_4"]


async def test_again_until_it_is_taken(district: District, receiver: Receiver) -> None:
    receiver.statuses = [500, 503, 429]
    district.webhooks.add("hook", receiver.url, Wanted())
    district.serve()
    district.find("fin_a", "fin_b")
    await until(lambda: len(receiver.got) == 2)
    assert receiver.ids() == ["fin_a", "fin_b"]
    assert district.webhooks.dead() == []
    assert district.webhooks.get("hook").error is None


async def test_what_is_given_up_holds_nothing_up_and_is_sent_once_more(
    district: District, receiver: Receiver
) -> None:
    # The first is refused for good, the second four times.
    receiver.statuses = [422, 500, 500, 500, 500]
    district.webhooks.add("hook", receiver.url, Wanted())
    district.serve()
    district.find("fin_a", "fin_b", "fin_c")
    await until(lambda: receiver.got)
    assert receiver.ids() == ["fin_c"]
    assert [(d.tries, d.error) for d in district.webhooks.dead()] == [(1, "HTTP 422"), (4, "HTTP 500")]
    first = district.webhooks.dead()[0].no
    assert district.webhooks.again("hook", first) == 1
    await until(lambda: len(district.webhooks.dead()) == 1)
    assert district.webhooks.again("hook") == 1
    await until(lambda: not district.webhooks.dead())
    assert receiver.ids() == ["fin_c", "fin_a", "fin_b"]


async def test_one_that_is_gone_is_paused_and_one_that_is_away_holds_up_no_other(
    district: District, receiver: Receiver
) -> None:
    receiver.statuses = [410]
    district.webhooks.add("gone", receiver.url, Wanted())
    district.serve()
    district.find("fin_a")
    await until(lambda: district.webhooks.get("gone").paused)
    assert district.webhooks.get("gone").paused == "HTTP 410"
    district.webhooks.add("away", "http://127.0.0.1:9/", Wanted(), 0)
    district.webhooks.add("well", receiver.url, Wanted(), 0)
    await until(lambda: receiver.got)
    await until(lambda: district.webhooks.dead("away"))
    district.webhooks.pause("gone", None)
    await until(lambda: len(receiver.got) == 2)
    assert {h["webhook-id"].split("_")[0] for h, _ in receiver.got} == {"well", "gone"}


async def test_of_two_servers_one_tells(district: District, receiver: Receiver) -> None:
    district.webhooks.add("hook", receiver.url, Wanted())
    first = district.serve()
    await asyncio.sleep(0.2)
    district.serve()
    district.find(*[f"fin_{n}" for n in range(10)])
    await until(lambda: len(receiver.got) == 10)
    await asyncio.sleep(0.3)
    assert len(receiver.got) == 10
    # When the one is gone the other takes over.
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    district.find("fin_more")
    await until(lambda: "fin_more" in receiver.ids())


async def test_what_cannot_be_one(district: District) -> None:
    for name, url in (("a", "ftp://x"), ("a b", "http://x/"), ("", "http://x/"), ("a", "http://x/\n")):
        with pytest.raises(UsageError):
            district.webhooks.add(name, url, Wanted())
    district.webhooks.add("a", "http://x/", Wanted())
    with pytest.raises(UsageError, match="already"):
        district.webhooks.add("a", "http://x/", Wanted())
    with pytest.raises(UsageError, match="no webhook"):
        district.webhooks.remove("b")
    district.webhooks.remove("a")
    assert district.webhooks.all() == []


async def test_closed_under_those_who_read(tmp_path: Path) -> None:
    ended: list[str] = []

    def read(webhooks: Webhooks) -> None:
        try:
            while True:
                webhooks.dead(again=True)
        except sqlite3.ProgrammingError as error:
            ended.append(str(error))

    for no in range(5):
        webhooks = Webhooks(Ledger(tmp_path / str(no), KEYRING))
        readers = [asyncio.create_task(asyncio.to_thread(read, webhooks)) for _ in range(4)]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(webhooks.close)
        await asyncio.gather(*readers)
    assert len(ended) == 20
