"""`python -m benchmarks traces`: each trace over the whole district and standing on one subject; pushed rows until a subscriber sees what they bring about.

Rows are mixed: alarms about disputes, three from each of many homes by somebody who lives there, between calls to the hotline, city cases, grid workers' reports and hazards. They are pushed
at a steady rate to a server whose applier keeps all traces; a WebSocket listens to incidents and another to findings. A row is seen when its incident comes,
and, where it makes a finding or adds to one, when that comes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import httpx
import typer
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from benchmarks.build import DATA, SEEDED
from benchmarks.by_hand import BY_HAND
from benchmarks.measure import serving
from benchmarks.push import percentile, token
from graph.engine import ensure_engine, stop_engine
from graph.store import Store
from loaders.wiring import catalog_scheme, catalog_terms_root
from ontology.terms import load_terms
from traces.catalogue import load_traces
from traces.declaration import Trace
from traces.runner import Runner

console = Console(width=None if sys.stdout.isatty() else 130)
SUBJECTS = 40
# How often the whole district is looked at, warm.
TURNS = 5
HOMES = 4_000
# Disputes that come from one home, which makes a finding.
EACH = 3
PATIENCE_SECONDS = 60.0
INCIDENTS = "subscription { incidents { incident { number } } }"
FINDINGS = (
    "subscription { findings { finding { evidence(limit: 200) { nodes { ... on Incident { number } } } } } }"
)


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one trace: the first run over the whole district, warm ones, and the median of standing on one subject; and of
    the same in Cypher by hand, in turns with the warm ones, None where there is none.
    """

    name: str
    first: float
    whole: float
    standing: float
    found: int
    by_hand: float | None = None


class Home(NamedTuple):
    """Where somebody lives, as an address is written, and who they are."""

    place: str
    name: str
    mobile: str


@dataclass(slots=True)
class Seen:
    """Seconds from sending a row to what a subscriber sees of it."""

    incidents: list[float] = field(default_factory=list)
    findings: list[float] = field(default_factory=list)
    sent: int = 0


async def time_traces(data: Path, today: date) -> tuple[list[Timed], list[Home]]:
    """All traces of the catalogue, and homes to report disputes from."""
    terms, scheme = load_terms(catalog_terms_root(None)), catalog_scheme(None)
    timed = []
    async with Store.open(ensure_engine(data)) as store:
        runner = Runner(store, scheme, terms, today.isoformat())
        traces = load_traces(None, terms)
        # As server and applier do: what is read once is not looked through again for garbage.
        gc.freeze()
        for name, trace in traces.items():
            started = time.perf_counter()
            results = await runner.whole(trace)
            first = time.perf_counter() - started
            subjects = sorted(s for s, r in results.items() if r.episodes)
            whole, by_hand = await _in_turns(runner, trace, subjects)
            subjects = sorted(results)[:SUBJECTS] or ["3301090020010001"]
            await runner.standing(trace, subjects[:1])
            each = []
            for subject in subjects:
                started = time.perf_counter()
                await runner.standing(trace, [subject])
                each.append(time.perf_counter() - started)
            found = sum(len(r.episodes) for r in results.values())
            timed.append(Timed(name, first * 1000, whole, statistics.median(each) * 1000, found, by_hand))
        return timed, await some_homes(store)


async def some_homes(store: Store) -> list[Home]:
    """Homes drawn at random, each with somebody who lives there."""
    homes = await store.read(
        "MATCH (a:Address {level: 'DWELLING'}) WHERE a.full_name IS NOT NULL AND a.valid_to IS NULL WITH a ORDER BY rand() LIMIT $n "
        "CALL (a) { MATCH (p:Person)-[:LIVES_AT]->(a) WHERE p.name IS NOT NULL AND p.mobile IS NOT NULL RETURN p LIMIT 1 } "
        "RETURN [a.full_name, p.name, p.mobile]",
        {"n": 4 * HOMES},
    )
    return [Home(*home) for home in homes[:HOMES]]


async def _in_turns(runner: Runner, trace: Trace, subjects: list[str]) -> tuple[float, float | None]:
    """Median milliseconds of a trace over the whole district, and of the same by hand.

    Raises:
        ValueError: where the two find other subjects.
    """
    text = BY_HAND.get(trace.trace)
    whole, by_hand = [], []
    for turn in range(TURNS + 1):
        started = time.perf_counter()
        await runner.whole(trace)
        taken = time.perf_counter() - started
        if turn:
            whole.append(taken)
        if text is not None:
            started = time.perf_counter()
            rows = await runner.store.read(text, {"today": runner.today}, timeout=600)
            taken = time.perf_counter() - started
            if turn:
                by_hand.append(taken)
            elif sorted(rows) != subjects:
                only = sorted(set(rows) ^ set(subjects))
                raise ValueError(f"{trace.trace}: {len(rows)} by hand, {len(subjects)} declared: {only[:5]}")
    return statistics.median(whole) * 1000, statistics.median(by_hand) * 1000 if by_hand else None


@asynccontextmanager
async def _listening(url: str, query: str) -> AsyncIterator[Any]:
    where = url.replace("http://", "ws://") + "/graphql"
    async with connect(where, subprotocols=["graphql-transport-ws"], max_size=None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        # A ping's answer says that what was sent before it was taken.
        await socket.send(json.dumps({"type": "ping"}))
        await socket.recv()
        await asyncio.sleep(0.5)
        yield socket


FEEDS = ("alarms", "hotline", "alarms", "cases", "alarms", "grid_reports", "alarms", "hazards")
"""Whose row comes next, in turns."""


def event(feed: str, number: str, day: str, home: Home) -> dict[str, str]:
    """A row of a feed as its department would push it."""
    at, made = f"{day} 08:30:00", "合成数据"
    match feed:
        case "alarms":
            row = {
                "接警单号": number, "报警时间": at, "警情类别": "纠纷", "警情细类": "邻里", "事发地址": home.place, "简要警情": "邻里噪声",
                "报警人姓名": home.name, "报警人电话": home.mobile, "更新时间": f"{day} 08:31:00",
            }  # fmt: skip
        case "hotline":
            row = {
                "工单编号": number,
                "来电时间": at,
                "诉求分类": "物业管理问题",
                "诉求内容": "电梯停用",
                "诉求地址": home.place,
            }
        case "cases":
            row = {
                "案件号": number,
                "上报时间": at,
                "小类": "环境噪声",
                "发生地点": home.place,
                "最后修改": f"{day} 08:31:00",
            }
        case "grid_reports":
            row = {"事件编号": number, "上报时间": at, "事件类型": "房屋租赁类", "事件地点": home.place}
        case _:
            row = {
                "记录编号": number, "检查编号": f"{number}-J", "检查时间": at, "检查地址": home.place, "隐患编号": number, "隐患类别": "私拉电线",
                "发现时间": at, "更新时间": f"{day} 08:31:00",
            }  # fmt: skip
    return {**row, "数据性质": made}


async def push_and_listen(
    url: str, tokens: dict[str, str], day: str, homes: list[Home], rate: float, seconds: float
) -> Seen:
    """Sends rows when they are due, and hears of what they bring about."""
    seen, sent = Seen(), dict[str, float]()
    name = f"B{time.time_ns()}"
    waiting: set[str] = set()
    told: set[str] = set()

    def heard(number: str, at: float, into: list[float], done: set[str]) -> None:
        if number in sent and number not in done:
            done.add(number)
            into.append(at - sent[number])

    async def incidents(socket: Any) -> None:
        async for text in socket:
            at = time.perf_counter()
            message = json.loads(text)
            if message["type"] == "next" and (found := message["payload"]["data"]["incidents"]["incident"]):
                heard(found["number"], at, seen.incidents, waiting)

    async def findings(socket: Any) -> None:
        async for text in socket:
            at = time.perf_counter()
            message = json.loads(text)
            if message["type"] == "next":
                for node in message["payload"]["data"]["findings"]["finding"]["evidence"]["nodes"]:
                    if node:
                        heard(node.get("number", ""), at, seen.findings, told)

    async with (
        _listening(url, INCIDENTS) as one,
        _listening(url, FINDINGS) as two,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        listeners = [asyncio.create_task(incidents(one)), asyncio.create_task(findings(two))]

        async def send(n: int) -> None:
            number, feed = f"{name}-{n}", FEEDS[n % len(FEEDS)]
            # Every second is an alarm: those come from a home three at a time, all others from homes of their own.
            home = homes[(n // 2 // EACH if feed == "alarms" else -n) % len(homes)]
            sent[number] = time.perf_counter()
            answer = await client.post(
                f"/feeds/{feed}",
                json=event(feed, number, day, home),
                headers={"Authorization": f"Bearer {tokens[feed]}"},
            )
            seen.sent += answer.status_code == 202

        started = time.perf_counter()
        tasks = []
        for n in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + n / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(send(n)))
        await asyncio.gather(*tasks)
        until = time.perf_counter() + PATIENCE_SECONDS
        while len(seen.incidents) < seen.sent and time.perf_counter() < until:  # noqa: ASYNC110 - sockets tell it
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    seen.incidents.sort()
    seen.findings.sort()
    return seen


def show(timed: list[Timed], seen: Seen | None, rate: float) -> None:
    table = Table(
        "trace",
        "found",
        "first ms",
        "whole, warm ms",
        "by hand, ms",
        "whole / by hand",
        "standing on one, ms",
        title="traces",
    )
    for t in timed:
        hand = ("", "") if t.by_hand is None else (f"{t.by_hand:,.0f}", f"{t.whole / t.by_hand:.2f}")
        table.add_row(
            t.name, f"{t.found:,}", f"{t.first:,.0f}", f"{t.whole:,.0f}", *hand, f"{t.standing:,.1f}"
        )
    both = [(t.whole, t.by_hand) for t in timed if t.by_hand is not None]
    one, other = sum(w for w, _ in both), sum(h for _, h in both)
    table.add_row(
        "all", f"{sum(t.found for t in timed):,}", f"{sum(t.first for t in timed):,.0f}", f"{sum(t.whole for t in timed):,.0f}",
        f"{other:,.0f}", f"{one / other:.2f}" if other else "", f"{statistics.median(t.standing for t in timed):,.1f}",
    )  # fmt: skip
    console.print(table)
    if seen is None:
        return
    pushed = Table(
        "what", "n", "p50 ms", "p95 ms", "p99 ms", title=f"pushed at {rate:g}/s → seen on a socket"
    )
    for name, values in (("incidents", seen.incidents), ("findings", seen.findings)):
        shown = (f"{percentile(values, share) * 1000:,.0f}" for share in (0.5, 0.95, 0.99))
        pushed.add_row(name, f"{len(values):,}", *shown)
    console.print(pushed)
    console.print(f"{seen.sent:,} rows acknowledged, of which {len(seen.incidents):,} were seen")


def main(
    scale: Annotated[float, typer.Option(help="Scale of the district.")] = 0.01,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
    rate: Annotated[float, typer.Option(help="Rows a second.")] = 20.0,
    seconds: Annotated[
        float, typer.Option(help="For how long, after a third of it as warm-up; 0 pushes nothing.")
    ] = 60.0,
    loaded: Annotated[
        Path | None, typer.Option("--data", help="A data directory that is loaded already; with --district.")
    ] = None,
    district: Annotated[
        Path | None, typer.Option(help="The seeded district that it was loaded from.")
    ] = None,
) -> None:
    """Measure traces, and how soon a subscriber sees what pushed rows bring about."""
    from benchmarks.__main__ import built

    if loaded is not None and district is not None:
        data, seeded = loaded.absolute(), district
    else:
        directory, _ = built(cache, scale)
        data, seeded = directory / DATA, directory / SEEDED
    day = json.loads((seeded / "manifest.json").read_text("utf-8"))["today"]
    seen = None
    try:
        timed, homes = asyncio.run(time_traces(data, date.fromisoformat(day)))
        if seconds:
            made = {feed: token(data, feed) for feed in dict.fromkeys(FEEDS)}

            async def measured(url: str) -> Seen:
                await push_and_listen(url, made, day, homes, rate, seconds / 3)
                return await push_and_listen(url, made, day, homes[len(homes) // 2 :], rate, seconds)

            with serving(data) as url:
                seen = asyncio.run(measured(url))
    finally:
        stop_engine(data)
    show(timed, seen, rate)
