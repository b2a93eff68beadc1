"""`POST /feeds/{name}`: what is taken is in the ledger, what is refused says why and leaves nothing. Without a Neo4j."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import polars as pl
import pytest
import xlsxwriter
import zstandard

from ledger import Pushes
from loaders.pushed import KINDS, PushError, parse, verdicts
from loaders.status import is_overdue
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import EngineError
from ontology.terms import load_terms
from server import create_app
from settings import Settings
from tests.loaders.tiny import FEEDS, ZHANG
from web.push import unpacked

AWAY = EngineError("GRAPH_UNAVAILABLE", "图数据库暂不可用。", "Neo4j cannot be reached.")
ROW = {
    "接警单号": "P1",
    "报警时间": "2025-12-10 08:30:00",
    "警情类别": "纠纷",
    "更新时间": "2025-12-10 09:00:00",
}
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sender:
    """Pushes to an application, and looks into its ledger."""

    def __init__(self, client: httpx.AsyncClient, app: Any, data: Path, token: str) -> None:
        self.client, self.app, self.data, self.token = client, app, data, token

    async def __call__(
        self,
        content: Any,
        kind: str = "application/json",
        feed: str = "alarms",
        query: str = "",
        **headers: str,
    ) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        given = {"content-type": kind, "authorization": f"Bearer {self.token}"}
        given |= {k.replace("_", "-"): v for k, v in headers.items()}
        return await self.client.post(f"/feeds/{feed}{query}", content=body, headers=given)

    def rows(self, feed: str = "alarms") -> pl.DataFrame:
        """All that the ledger has of a feed, segments included."""
        loader = open_loader(self.data, None, Clock(date(2025, 12, 15)))
        try:
            Pushes(loader.ledger).compact(loader.layout)
            frames = [f for b in loader.ledger.batches(feed) for f in loader.ledger.frames(b)]
            return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
        finally:
            loader.close()


@asynccontextmanager
async def patched_connect() -> AsyncIterator[None]:
    """There is no Neo4j."""
    with patch("server.connect", side_effect=AWAY):
        yield


@asynccontextmanager
async def sending(data: Path, **settings: Any) -> AsyncIterator[Sender]:
    app = create_app(Settings(data=data, today=date(2025, 12, 15), **settings))
    loader = open_loader(data, None, Clock(date(2025, 12, 15)))
    token = Pushes(loader.ledger).make_token("alarms")
    loader.close()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        patched_connect(),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://quanxi") as client,
    ):
        yield Sender(client, app, data, token)


@pytest.fixture
async def send(tmp_path: Path) -> AsyncIterator[Sender]:
    async with sending(tmp_path, max_push=20_000) as sender:
        yield sender


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["detail"] != told["detailZh"]
    assert told["instance"].endswith(answer.headers["x-request-id"])
    assert told["type"] == f"/docs/push.md#{code}"
    assert "Traceback" not in answer.text
    return told


def workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for n, column in enumerate(FEEDS["alarms"].columns):
            sheet.write_string(0, n, column)
            sheet.write_string(1, n, ROW.get(column, ""))
    return out.getvalue()


def table(separator: str = ",", rows: int = 1) -> str:
    columns = list(FEEDS["alarms"].columns)
    lines = [separator.join(columns)]
    lines += [
        separator.join((ROW | {"接警单号": f"P{n + 1}"}).get(c, "") for c in columns) for n in range(rows)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps(ROW).encode()),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf" + json.dumps([ROW], ensure_ascii=False).encode()),
        ("application/x-ndjson", json.dumps(ROW).encode() + b"\n\n"),
        (CSV, table().encode()),
        ("text/csv; charset=gb18030", table().encode("gb18030")),
        ("text/tab-separated-values", table("\t").encode()),
        (XLSX, workbook()),
    ],
    ids=["object", "list", "lines", "csv", "gb18030", "tsv", "xlsx"],
)
async def test_each_form_is_taken(send: Sender, kind: str, body: bytes) -> None:
    answer = await send(body, kind)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["feed"], told["rows"], told["again"]) == ("alarms", 1, False)
    (row,) = send.rows().to_dicts()
    assert {k: v for k, v in row.items() if v is not None and k != "__row"} == ROW


def test_every_form_is_tried() -> None:
    assert set(KINDS.values()) == {"json", "ndjson", "csv", "tsv", "xlsx"}


async def test_numbers_keep_their_digits(send: Sender) -> None:
    body = (
        json.dumps(ROW)[:-1]
        + f', "报警人证件号": {ZHANG[:-1]}0, "地址编码": 330109002001.10, "简要警情": true}}'
    )
    assert (await send(body.encode())).status_code == 202
    (row,) = send.rows().to_dicts()
    assert (row["报警人证件号"], row["地址编码"], row["简要警情"]) == (
        f"{ZHANG[:-1]}0",
        "330109002001.10",
        "true",
    )


@pytest.mark.parametrize(
    ("headers", "query"),
    [({"prefer": "respond-async, return=representation"}, ""), ({}, "?verdicts=true")],
    ids=["header", "query"],
)
async def test_verdicts(send: Sender, headers: dict[str, str], query: str) -> None:
    bad = {"接警单号": "P2", "报警时间": "昨天", "警情类别": "纠纷"}
    lacks = {"接警单号": "P3", "警情类别": "纠纷"}
    answer = await send([ROW, bad, lacks], query=query, **headers)
    assert answer.status_code == 202
    told = answer.json()["verdicts"]
    assert (told["accepted"], told["rejected"], told["cut"]) == (1, 2, False)
    assert [(r["row"], r["column"], r["value"]) for r in told["rows"]] == [
        (2, "报警时间", "昨天"),
        (3, "报警时间", None),
    ]
    assert all(r["zh"] and r["en"] for r in told["rows"])
    assert send.rows().height == 3
    assert "verdicts" not in (await send(ROW)).json()


async def test_verdicts_see_what_is_lacking_in_every_row() -> None:
    feed = FEEDS["alarms"]
    pushed = parse(feed, "json", None, json.dumps({"接警单号": "P1"}).encode(), 1000)
    told = verdicts(feed, pushed, load_terms(), date(2025, 12, 15))
    assert {r.column for r in told.rows} == {"报警时间", "警情类别"}


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"a": }', 1, 7),
        (b'[\n{"a": 1},\n{"b" 2}]', 3, 6),
        (b'{"a": NaN}', 1, 1),
        (b"[" * 50_00, 1, 1),
        ('[\n"中', 2, 1),
        ('{"中": "'.encode() + b'\xff"}', 1, 8),
        (b'{"a": 1} {"b": 2}', 1, 10),
    ],
    ids=["value", "colon", "nan", "deep", "open", "utf-8", "two"],
)
async def test_broken_json_says_where(send: Sender, body: bytes | str, line: int, column: int) -> None:
    told = refused(await send(body.encode() if isinstance(body, str) else body), 400, "BAD_JSON")
    assert (told["line"], told["column"]) == (line, column)
    assert send.rows().height == 0


async def test_broken_lines_say_where(send: Sender) -> None:
    body = json.dumps(ROW).encode() + b'\n{"a": \n'
    told = refused(await send(body, "application/x-ndjson"), 400, "BAD_JSON")
    assert told["line"] == 2
    assert send.rows().height == 0


@pytest.mark.parametrize(
    ("content", "code", "more"),
    [
        ([ROW, {**ROW, "nothing": 1}], "BAD_COLUMNS", {"unknown": ["nothing"]}),
        ([ROW, {**ROW, "简要警情": {"a": 1}}], "BAD_VALUES", {"rows": [{"row": 2, "column": "简要警情"}]}),
        ([{**ROW, "简要警情": [1]}], "BAD_VALUES", {"rows": [{"row": 1, "column": "简要警情"}]}),
        ([{**ROW, "简要警情": "\ud800"}], "BAD_VALUES", {"rows": [{"row": 1, "column": "简要警情"}]}),
        ([ROW, {}], "BAD_VALUES", {"rows": [{"row": 2}]}),
        ([ROW, 7], "BAD_VALUES", {"rows": [{"row": 2}]}),
        ("text", "BAD_VALUES", {"rows": [{"row": 1}]}),
        ([], "NO_ROWS", {}),
        ({}, "BAD_VALUES", {}),
        (b" ", "NO_ROWS", {}),
    ],
    ids=["column", "object", "list", "surrogate", "empty", "number", "text", "none", "nothing", "blank"],
)
async def test_what_does_not_fit_is_refused_whole(
    send: Sender, content: Any, code: str, more: dict[str, Any]
) -> None:
    told = refused(await send(content), 422, code)
    assert more.items() <= told.items()
    assert send.rows().height == 0


async def test_tables_that_do_not_fit(send: Sender) -> None:
    lacking = table().replace("报警时间", "报警日子", 1)
    told = refused(await send(lacking.encode(), CSV), 422, "BAD_COLUMNS")
    assert told["unknown"] == ["报警日子"]
    ragged = table(rows=2).rstrip("\n") + ",a,b,c\n"
    told = refused(await send(ragged.encode(), CSV), 422, "BAD_ROWS")
    assert told["rows"][0]["row"] == 3
    refused(await send(b"%PDF-1.7 no table", CSV), 400, "BAD_BODY")
    refused(await send(workbook()[:-200], XLSX), 400, "BAD_BODY")
    assert send.rows().height == 0


# -- who may ---------------------------------------------------------------------------------------------------


async def test_without_a_token_nobody_learns_which_feeds_there_are(send: Sender) -> None:
    answers = [
        await send.client.post(f"/feeds/{feed}", json=ROW, headers=headers)
        for feed in ("alarms", "nothing")
        for headers in ({}, {"authorization": "Bearer qx_wrong"}, {"authorization": f"Basic {send.token}"}, {"authorization": "Bearer "})
    ]  # fmt: skip
    for answer in answers:
        refused(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len({json.dumps(a.json() | {"instance": ""}) for a in answers}) == 1


async def test_a_token_is_for_one_feed(send: Sender) -> None:
    other = refused(await send(ROW, feed="residents"), 404, "NOT_FOUND")
    none = refused(await send(ROW, feed="nothing"), 404, "NOT_FOUND")
    assert other | {"instance": ""} == none | {"instance": ""}


async def test_a_revoked_token(send: Sender) -> None:
    loader = open_loader(send.data, None, Clock())
    Pushes(loader.ledger).revoke_tokens("alarms")
    loader.close()
    refused(await send(ROW), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_only_post(send: Sender, method: str) -> None:
    answer = await send.client.request(method, "/feeds/alarms")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# -- sizes, encodings, keys -----------------------------------------------------------------------------------


async def test_a_body_that_is_too_large(send: Sender) -> None:
    large = [ROW | {"简要警情": "x" * 20_000}]
    told = refused(await send(large), 413, "TOO_LARGE")
    assert told["limit"] == 20_000

    read = []

    async def parts() -> AsyncIterator[bytes]:
        for n in range(100):
            read.append(n)
            yield b"x" * 1000

    headers = {"content-type": "application/json", "authorization": f"Bearer {send.token}"}
    refused(await send.client.post("/feeds/alarms", content=parts(), headers=headers), 413, "TOO_LARGE")
    # Of a body whose length nobody said no more is read than may be.
    assert len(read) == 21
    assert send.rows().height == 0


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_packed_bodies(send: Sender, encoding: str) -> None:
    def packed(content: bytes) -> bytes:
        return gzip.compress(content) if encoding == "gzip" else zstandard.compress(content)

    body = packed(json.dumps([ROW]).encode())
    assert (await send(body, content_encoding=encoding)).status_code == 202
    twice = packed(b"[" + json.dumps(ROW).encode() + b",") + packed(json.dumps(ROW).encode() + b"]")
    assert (await send(twice, content_encoding=encoding)).json()["rows"] == 2
    for cut in (1, len(body) // 2, len(body) - 1):
        refused(await send(body[:cut], content_encoding=encoding), 400, "BAD_ENCODING")
    refused(await send(body + b"more", content_encoding=encoding), 400, "BAD_ENCODING")
    refused(await send(json.dumps(ROW).encode(), content_encoding=encoding), 400, "BAD_ENCODING")
    bomb = packed(b" " * 50_000_000)
    assert len(bomb) < 60_000
    with pytest.raises(PushError) as raised:
        unpacked(bomb, encoding, 20_000)
    assert raised.value.status == 413
    assert send.rows().height == 3


async def test_types_that_are_not_read(send: Sender) -> None:
    answer = await send(ROW, "application/xml")
    refused(answer, 415, "BAD_TYPE")
    assert CSV in answer.headers["accept-post"]
    refused(await send(ROW, ""), 415, "BAD_TYPE")
    refused(await send(ROW, content_encoding="br"), 415, "BAD_TYPE")
    refused(await send(table().encode(), "text/csv; charset=ebcdic"), 415, "BAD_TYPE")


async def test_the_same_key_is_one_push(send: Sender) -> None:
    first = await send([ROW], idempotency_key='"k-1"')
    again = await send([ROW], idempotency_key="k-1")
    assert first.json() | {"again": True} == again.json()
    refused(await send([ROW | {"接警单号": "P2"}], idempotency_key="k-1"), 409, "KEY_USED")
    assert send.rows().height == 1
    assert (await send([ROW], idempotency_key="k-1")).json()["push"] == first.json()["push"]
    for bad in ("", "a b", "x" * 201):
        refused(await send(ROW, idempotency_key=bad), 400, "BAD_KEY")
    assert send.rows().height == 1


async def test_the_same_key_at_once(send: Sender) -> None:
    answers = await asyncio.gather(*(send([ROW], idempotency_key="k") for _ in range(20)))
    assert {a.status_code for a in answers} == {202}
    assert len({a.json()["push"] for a in answers}) == 1
    assert [a.json()["again"] for a in answers].count(False) == 1
    assert send.rows().height == 1


# -- when it cannot be taken -------------------------------------------------------------------------------------


async def test_too_much_waits(tmp_path: Path) -> None:
    async with sending(tmp_path, max_waiting=3) as send:
        assert (await send([ROW] * 3)).status_code == 202
        answer = await send(ROW)
        # Rows that come while the backlog is looked at count twice until the next look: rather too many than too few.
        assert refused(answer, 429, "BUSY")["waitingRows"] in (3, 6)
        assert int(answer.headers["retry-after"]) > 0
        ready = await send.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["applier"]["state"] == "behind"
    # What waits is counted anew after a restart, in segments and in batches.
    async with sending(tmp_path, max_waiting=3) as send:
        for _ in range(100):
            if (await send(ROW)).status_code == 429:
                break
            await asyncio.sleep(0.02)
        refused(await send(ROW), 429, "BUSY")
        send.rows()
        await asyncio.sleep(1.2)
        refused(await send(ROW), 429, "BUSY")
        metrics = (await send.client.get("/metrics")).text
        assert 'quanxi_pushes_total{feed="alarms",status="429"}' in metrics


async def test_a_full_disk(send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", full)
        refused(await send(ROW, idempotency_key="k"), 507, "DISK_FULL")
    assert (await send(ROW, idempotency_key="k")).json()["again"] is False
    assert send.rows().height == 1


async def test_what_is_not_foreseen_is_told_without_a_trace(
    send: Sender, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("of 330109199001011234")

    monkeypatch.setattr(Pushes, "submit", broken)
    told = refused(await send(ROW), 500, "INTERNAL")
    assert "330109199001011234" not in json.dumps(told)


async def test_nothing_of_a_sender_is_logged(send: Sender, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await send(ROW | {"报警人姓名": "张某某"}, idempotency_key="my-key")
        await send([ROW | {"nothing": "李某某"}], feed="feed-330109")
        await send(b'{"secret', idempotency_key="my-key")
    logged = "\n".join(
        f"{r.getMessage()} {r.__dict__.get('told')}" for r in caplog.records if r.name.startswith("quanxi")
    )
    assert "'feed': 'alarms'" in logged
    for word in ("张某某", "李某某", "my-key", "secret", "330109", send.token):
        assert word not in logged


# -- feedStatus -------------------------------------------------------------------------------------------------


async def test_status_of_feeds(send: Sender) -> None:
    status = send.app.state.server.domain.feed_status
    (before,) = status.of(["alarms"])
    assert (before["rows"], before["waiting_rows"], before["last_batch"], before["overdue"]) == (
        0,
        0,
        None,
        None,
    )
    await send([ROW, ROW])
    (waits,) = status.of(["alarms"])
    assert (waits["rows"], waits["waiting_rows"]) == (0, 2)
    assert waits["lag_seconds"] >= 0
    assert send.rows().height == 2
    (batched,) = status.of(["alarms"])
    assert (batched["rows"], batched["waiting_rows"], batched["last_batch"]["rows"]) == (2, 2, 2)
    loader = open_loader(send.data, None, Clock(date(2025, 12, 15)))
    for batch in loader.waiting():
        loader.digest(batch)
    (digested,) = status.of(["alarms"])
    # It is not in the graph before what it touches is folded.
    assert (digested["waiting_rows"], digested["last_batch"]["rejected"]) == (2, 0)
    loader.records.db.execute("DELETE FROM dirty")
    loader.close()
    (done,) = status.of(["alarms"], {"unplaced"})
    assert (done["waiting_rows"], done["lag_seconds"]) == (0, 0.0)
    assert len(status.of()) == len(FEEDS)


def test_overdue_by_the_rhythm() -> None:
    daily = FEEDS["alarms"].model_copy(update={"rhythm": "daily"})
    at = "2025-12-10T23:00:00+08:00"
    assert is_overdue(daily, at, date(2025, 12, 11)) is False
    assert is_overdue(daily, at, date(2025, 12, 12)) is True
    assert is_overdue(daily, None, date(2025, 12, 12)) is None
    assert is_overdue(daily.model_copy(update={"rhythm": "stream"}), at, date(2026, 1, 1)) is None
