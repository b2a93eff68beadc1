"""`python -m benchmarks push`: single-row pushes at a steady rate; how fast they are acknowledged, and how soon in the graph.

Beside it, what one fsync of as many bytes takes on the same disk: no acknowledgement is faster than that.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.build import DATA, SEEDED
from benchmarks.measure import ROOT, serving
from graph.engine import stop_engine

console = Console(width=None if sys.stdout.isatty() else 130)
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """Seconds, sorted: from sending to acknowledgement; from acknowledgement to being found by a query."""

    acknowledged: list[float]
    lags: list[float]
    refused: int
    seconds: float


def percentile(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def bare_fsync(directory: Path, times: int = 200, size: int = 400) -> list[float]:
    """Seconds that writing and fsyncing a few bytes takes, sorted."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(times):
            started = time.perf_counter()
            os.write(file.fileno(), b"x" * size)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return sorted(taken)


def row(number: str, day: str) -> dict[str, str]:
    return {
        "接警单号": number,
        "报警时间": f"{day} 08:30:00",
        "警情类别": "纠纷",
        "简要警情": "合成数据:邻里噪声",
        "更新时间": f"{day} 08:31:00",
        "数据性质": "合成数据",
    }


def token(data: Path, feed: str = "alarms") -> str:
    """A new token for pushing a feed's rows into a data directory."""
    command = [sys.executable, "-m", "cli", "--data", str(data), "push", "token", feed]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


async def push(url: str, token: str, day: str, rate: float, seconds: float) -> Pushed:
    """Sends rows when they are due, whether or not earlier ones have been answered."""
    acknowledged: list[float] = []
    lags: list[float] = []
    refused = 0
    name = f"BENCH{time.time_ns()}"
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def send(n: int) -> None:
            nonlocal refused
            started = time.perf_counter()
            answer = await client.post(
                "/feeds/alarms", json=row(f"{name}-{n}", day), headers={"Authorization": f"Bearer {token}"}
            )
            done = time.perf_counter()
            if answer.status_code != 202:
                refused += 1
                return
            acknowledged.append(done - started)
            if n % max(int(rate), 1) == 0:
                found = await seen(f"{name}-{n}", done)
                if found is not None:
                    lags.append(found)

        async def seen(number: str, since: float) -> float | None:
            query = {
                "query": "query($n: String!) { incident(number: $n) { number } }",
                "variables": {"n": number},
            }
            while time.perf_counter() - since < PATIENCE_SECONDS:
                answer = await client.post("/graphql", json=query)
                if (answer.json().get("data") or {}).get("incident"):
                    return time.perf_counter() - since
                await asyncio.sleep(LOOK_SECONDS)
            return None

        started = time.perf_counter()
        tasks = []
        for n in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + n / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(send(n)))
        sent = time.perf_counter() - started
        await asyncio.gather(*tasks)
    return Pushed(sorted(acknowledged), sorted(lags), refused, sent)


def show(result: Pushed, fsync: list[float], rate: float) -> None:
    table = Table("what", "n", "p50 ms", "p95 ms", "p99 ms", title=f"single-row pushes at {rate:g}/s")
    for name, values in (
        ("acknowledged", result.acknowledged),
        ("bare fsync", fsync),
        ("lag to the graph", result.lags),
    ):
        shown = (f"{percentile(values, share) * 1000:,.1f}" for share in (0.5, 0.95, 0.99))
        table.add_row(name, f"{len(values):,}", *shown)
    console.print(table)
    console.print(f"{len(result.acknowledged) / result.seconds:,.0f} pushes/s, {result.refused} refused")


def main(
    scale: Annotated[float, typer.Option(help="Scale of the district that is pushed into.")] = 0.01,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
    rate: Annotated[float, typer.Option(help="Pushes a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(help="For how long, after a fifth of it as warm-up.")] = 30.0,
) -> None:
    """Measure single-row pushes: acknowledgement, and lag to the graph."""
    from benchmarks.__main__ import built

    directory, _ = built(cache, scale)
    data = directory / DATA
    day = json.loads((directory / SEEDED / "manifest.json").read_text("utf-8"))["today"]
    made = token(data)

    async def measured(url: str) -> Pushed:
        await push(url, made, day, rate, seconds / 5)
        return await push(url, made, day, rate, seconds)

    try:
        fsync = bare_fsync(data)
        with serving(data) as url:
            result = asyncio.run(measured(url))
    finally:
        stop_engine(data)
    show(result, fsync, rate)
