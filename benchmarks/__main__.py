"""`python -m benchmarks`: seeds and loads districts (kept for the next time), measures them, prints a table;
`python -m benchmarks push`: measures pushes (`benchmarks.push`); `python -m benchmarks first`: first loads (`benchmarks.first`);
`python -m benchmarks increment`: second deliveries (`benchmarks.increment`); `python -m benchmarks large`: one very large file
(`benchmarks.large`); `python -m benchmarks parse --corpus DIR`: the address parser on labelled addresses (`benchmarks.parse`);
`python -m benchmarks resolve`: free text → address code (`benchmarks.resolve`);
`python -m benchmarks geo --data DIR --district DIR`: places by where they are and what changed there (`benchmarks.geo`);
`python -m benchmarks traces`: traces, and how soon a subscriber sees what rows bring about (`benchmarks.traces`)."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.build import DATA, RESULT, SEEDED
from benchmarks.measure import ROOT, Asked, View, measure
from graph.engine import stop_engine

console = Console(width=None if sys.stdout.isatty() else 130)
ANSWER = 300  # leaf values up to which the first aim speaks of


def built(cache: Path, scale: float) -> tuple[Path, dict[str, Any]]:
    """The district of a scale, made when it is not there whole, and what making it took."""
    directory = cache.absolute() / f"{scale:g}"
    result = directory / RESULT
    if not result.is_file():
        stop_engine(directory / DATA)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        with console.status(f"scale {scale:g}: seeding and loading …"):
            subprocess.run(
                [sys.executable, "-m", "benchmarks.build", str(directory), str(scale)], cwd=ROOT, check=True
            )
    made: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return directory, made


def show_builds(made: list[dict[str, Any]]) -> None:
    """How fast districts were seeded and loaded."""
    table = Table(
        "scale", "stage", "rows", "entities", "s", "rows/s", "entities/s", "peak MiB", title="seed and load"
    )
    for m in made:
        seed, load = m["seed"], m["load"]
        scale = f"{m['scale']:g}"
        table.add_row(
            scale, "seed", f"{seed['rows']:,}", "", f"{seed['seconds']:.1f}",
            f"{seed['rows'] / seed['seconds']:,.0f}", "", f"{seed['peak_mb']:,}",
        )  # fmt: skip
        table.add_row(
            scale, "load", f"{load['rows']:,}", f"{load['entities']:,}", f"{load['seconds']:.1f}",
            f"{load['rows'] / load['seconds']:,.0f}", f"{load['entities'] / load['seconds']:,.0f}", f"{load['peak_mb']:,}",
        )  # fmt: skip
        for stage, seconds in load["stages"].items():
            table.add_row(scale, f"· {stage}", "", "", f"{seconds:.1f}", "", "", "")
    console.print(table)


def show_views(scale: float, asked: Asked) -> None:
    """HTTP beside Bolt, for one district."""
    table = Table(
        "view", "first", "leaves", "asked", "texts", "HTTP first", "p50", "p95", "Bolt first", "p50", "p95", "HTTP/Bolt",
        title=f"views at scale {scale:g}, ms",
    )  # fmt: skip
    for v in (*asked.views, *asked.longer):
        table.add_row(
            v.level.lower(), str(v.size), f"{v.leaves:.0f}", str(len(v.http.warm)), str(len(v.texts)),
            f"{v.http.first:.0f}", f"{v.http.p50:.2f}", f"{v.http.p95:.2f}",
            f"{v.bolt.first:.0f}", f"{v.bolt.p50:.2f}", f"{v.bolt.p95:.2f}", f"{v.ratio:.2f}",
        )  # fmt: skip
    console.print(table)
    sent = sum(2 * len(v.http.warm) for v in (*asked.views, *asked.longer))
    texts = len({t for v in (*asked.views, *asked.longer) for t in v.texts})
    console.print(
        f"plan cache: {sent:,} warm statements of {texts} texts: {1 - texts / max(sent, 1):.2%} hits at least"
    )


def show_aims(asked: dict[float, Asked]) -> None:
    """What the aims say, and what was measured."""
    table = Table("aim", "at most", "measured", "", title="aims")

    def aim(name: str, most: float, value: float) -> None:
        table.add_row(name, f"{most:g}", f"{value:.2f}", "[green]met" if value <= most else "[red]missed")

    for scale, each in asked.items():
        levels = {v.level: v for v in each.views}
        for v in each.views:
            if v.leaves <= ANSWER:
                aim(f"{scale:g}: {v.level.lower()}, HTTP p50 / Bolt p50", 1.5, v.ratio)
        for level in ("STREET", "DISTRICT"):
            value = levels[level].http.p50 / levels["DWELLING"].http.p50
            aim(f"{scale:g}: {level.lower()} p50 / dwelling p50", 3.0, value)
        longer = [v for v in each.longer if v.leaves > ANSWER]
        if len(longer) > 1:
            for way, value in (("HTTP", _slope(longer, "http")), ("Bolt", _slope(longer, "bolt"))):
                table.add_row(f"{scale:g}: {way}, µs a leaf beyond {ANSWER}", "", f"{value:.1f}", "")
    scales = sorted(asked)
    if len(scales) > 1:
        small, large = (
            next(v for v in asked[s].views if v.level == "DWELLING") for s in (scales[0], scales[-1])
        )
        aim(f"dwelling p50 at {scales[-1]:g} / at {scales[0]:g}", 1.2, large.http.p50 / small.http.p50)
    console.print(table)


def _slope(views: list[View], way: str) -> float:
    small, large = min(views, key=lambda v: v.leaves), max(views, key=lambda v: v.leaves)
    spent = getattr(large, way).p50 - getattr(small, way).p50
    return float(spent / max(large.leaves - small.leaves, 1) * 1000)


def main(
    scale: Annotated[
        list[float] | None, typer.Option(help="Scales to measure; 0.01 and 0.1 without it.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
    seconds: Annotated[
        float, typer.Option(help="Seconds that each view is asked, after as many of warm-up.")
    ] = 10.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Seed and load anew.")] = False,
) -> None:
    """Measure seeding, loading and the views: over HTTP beside the same Cypher over Bolt."""
    scales = sorted(set(scale or [0.01, 0.1]))
    made, asked = [], dict[float, Asked]()
    for each in scales:
        if fresh:
            (cache.absolute() / f"{each:g}" / RESULT).unlink(missing_ok=True)
        directory, result = built(cache, each)
        made.append(result)
        today = json.loads((directory / SEEDED / "manifest.json").read_text(encoding="utf-8"))["today"]
        try:
            asked[each] = asyncio.run(
                measure(
                    directory, date.fromisoformat(today), seconds, lambda text: console.print(f"[dim]{text}")
                )
            )
        finally:
            # Each district is measured with the machine to itself.
            stop_engine(directory / DATA)
        show_views(each, asked[each])
    show_builds(made)
    show_aims(asked)


if __name__ == "__main__":
    named = sys.argv[1] if len(sys.argv) > 1 else ""
    if named in ("push", "first", "increment", "large", "parse", "resolve", "geo", "traces"):
        del sys.argv[1]
        typer.run(importlib.import_module(f"benchmarks.{named}").main)
    else:
        typer.run(main)
