"""`python -m benchmarks geo --data DIR`: what is asked of places by where they are, and by what changed there, beside Cypher written by hand.

The data directory is that of a loaded district, whose bundled Neo4j is started. Each question is asked as the server asks it (its GraphQL text,
compiled, answered in one process), in turns with a statement that a person would write for the same rows over the plain driver. Milliseconds
are p50 after a warm-up; the ratio is what says something on a machine that does other work.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from addresses.scheme import load_scheme
from graph.engine import connect_engine, stop_engine
from graph.meta import read_meta
from graph.store import Store
from graph.viewer import DEVELOPMENT
from ontology.clock import Clock
from ontology.terms import load_terms
from schema import build_schema
from schema.boundaries import LEVELS, Boundaries
from schema.context import Context
from schema.limits import Limits
from schema.operations import Operations

console = Console(width=120)
_BOX = "n.latitude >= $south AND n.latitude <= $north AND n.longitude >= $west AND n.longitude <= $east"
_NEAR = (
    f"MATCH (n:Address) WHERE {_BOX} AND n.code <> $code "
    "WITH n, point.distance(point({latitude: n.latitude, longitude: n.longitude}), point({latitude: $latitude, longitude: $longitude})) AS m "
    "WHERE m <= $metres WITH n, m ORDER BY m LIMIT 20 RETURN [n.code, n.name, m]"
)
_WITHIN = f"MATCH (n:Address) WHERE {_BOX} AND n.level = 'BUILDING' WITH n ORDER BY n.code LIMIT 20 RETURN [n.code, n.name]"
_POINTS = "MATCH (n:Address) WHERE n.level IN ['BUILDING', 'SITE'] AND n.latitude IS NOT NULL RETURN [n.code, n.longitude, n.latitude]"
_MOVED = (
    "MATCH (p:Person)-[r:LIVES_AT]->() WHERE r.since > $since AND r.since <= $today AND r.place STARTS WITH $place "
    "WITH p, r ORDER BY r.place LIMIT 20 RETURN p.name"
)
_COUNTED = (
    "MATCH (p:Person)-[r:LIVES_AT]->() WHERE r.since > $since AND r.since <= $today AND r.place STARTS WITH $place "
    "RETURN count(DISTINCT p)"
)


async def _timed(ask: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    await ask()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def run(data: Path, today: date, times: int) -> list[tuple[str, float, float]]:
    """(question, ms as asked, ms by hand) of each."""
    found: list[tuple[str, float, float]] = []
    async with Store.open(connect_engine(data)) as store:
        told = await read_meta(store)
        operations = Operations(build_schema(), Limits(seconds=120))
        context = Context(
            store=store, viewer=DEVELOPMENT, clock=Clock(today), scheme=load_scheme(), terms=load_terms(), identity_hash=str,
            rolled_for=told.get("rolled_for"), changed_on=told.get("changed_on"), timeout=120,
        )  # fmt: skip

        async def asked(text: str, variables: dict[str, Any]) -> Any:
            outcome = await operations.run(text, variables, None, context)
            if outcome.body.get("errors"):
                raise RuntimeError(str(outcome.body["errors"]))
            return outcome.body["data"]

        middle = await store.read(
            "MATCH (n:Address {level: 'BUILDING'}) WHERE n.latitude IS NOT NULL WITH n ORDER BY n.code SKIP 500 LIMIT 1 RETURN [n.code, n.latitude, n.longitude]"
        )
        code, latitude, longitude = middle[0]

        async def both(
            name: str, text: str, variables: dict[str, Any], hand: str, params: dict[str, Any]
        ) -> None:
            ours, theirs = (
                await _timed(lambda: asked(text, variables), times),
                await _timed(lambda: store.read(hand, params, timeout=120), times),
            )
            found.append((name, statistics.median(ours), statistics.median(theirs)))

        def box(metres: float) -> dict[str, float]:
            north, east = metres / 111_320, metres / 96_000
            return {
                "south": latitude - north, "north": latitude + north, "west": longitude - east, "east": longitude + east,
            }  # fmt: skip

        for metres in (200, 1000, 5000):
            text = "query ($code: AddressCode!, $metres: Int!) { nearby(code: $code, metres: $metres) { edges { metres node { code name } } } }"
            params = {
                "code": code,
                "latitude": latitude,
                "longitude": longitude,
                "metres": metres,
                **box(metres),
            }
            await both(f"nearby {metres:,} m", text, {"code": code, "metres": metres}, _NEAR, params)
        for metres in (500, 5000, 25_000):
            b = box(metres)
            corners = [
                (b[x], b[y])
                for x, y in (("west", "south"), ("east", "south"), ("east", "north"), ("west", "north"))
            ]
            polygon = [{"longitude": x, "latitude": y} for x, y in corners]
            text = "query ($p: [Corner!]!) { within(polygon: $p, levels: [BUILDING]) { totalCount { value } edges { node { code name } } } }"
            await both(f"within {2 * metres:,} m square", text, {"p": polygon}, _WITHIN, b)
        for level in LEVELS:
            drawn = Boundaries()
            first = time.perf_counter()
            await drawn.draw(context, level, None)
            first = (time.perf_counter() - first) * 1000
            start = time.perf_counter()
            await store.read(_POINTS, timeout=120)
            hand = (time.perf_counter() - start) * 1000
            found.append((f"/geo/{level}.geojson, drawn", first, hand))
            again = await _timed(partial(drawn.draw, context, level, None), times)
            found.append((f"/geo/{level}.geojson, kept", statistics.median(again), hand))
        since = today.replace(year=today.year - 1).isoformat()
        street = (
            await store.read(
                "MATCH (n:Address {level: 'STREET'}) RETURN n.code ORDER BY n.n_people DESC LIMIT 1"
            )
        )[0]
        for area in (load_scheme().at_level(code, "DISTRICT"), street):
            for name, statement in (("edges { node { name } }", _MOVED), ("totalCount { value }", _COUNTED)):
                text = (
                    f"query ($code: AddressCode!, $from: Date!, $to: Date!) {{ addressDiff(code: $code, from: $from, to: $to) "
                    f"{{ movedIn {{ {name} }} }} }}"
                )
                params = {"since": since, "today": today.isoformat(), "place": area}
                await both(
                    f"addressDiff {area}: movedIn {name.split(' ')[0]}", text,
                    {"code": area, "from": since, "to": today.isoformat()}, statement, params,
                )  # fmt: skip
            whole = (
                "query ($code: AddressCode!, $from: Date!, $to: Date!) { addressDiff(code: $code, from: $from, to: $to) { "
                + " ".join(f"{x} {{ totalCount {{ value }} edges {{ cursor }} }}" for x in
                           ("movedIn", "movedOut", "housesNew", "housesGone", "opened", "closed", "incidents", "places"))
                + " } }"
            )  # fmt: skip
            variables = {"code": area, "from": since, "to": today.isoformat()}
            ours = await _timed(partial(asked, whole, variables), max(3, times // 4))
            found.append((f"addressDiff {area}: all eight lists", statistics.median(ours), 0.0))
    return found


def main(
    data: Annotated[Path, typer.Option(help="The data directory of a loaded district.")],
    district: Annotated[Path, typer.Option(help="The directory that `quanxi seed` wrote.")],
    times: Annotated[int, typer.Option(help="How often each question is asked.")] = 20,
) -> None:
    """Measure `nearby`, `within`, boundaries and `addressDiff` beside Cypher written by hand."""
    today = date.fromisoformat(json.loads((district / "manifest.json").read_text(encoding="utf-8"))["today"])
    try:
        found = asyncio.run(run(data, today, times))
    finally:
        stop_engine(data)
    table = Table("question", "ms", "by hand", "ratio", title=f"places; load {os.getloadavg()[0]:.1f}")
    for name, ours, hand in found:
        table.add_row(
            name, f"{ours:.1f}", f"{hand:.1f}" if hand else "", f"{ours / hand:.2f}" if hand else ""
        )
    console.print(table)
