"""`python -m benchmarks increment`: what comes after the first load: a second delivery, by stages, in rows a second.

Beside it a bare `UNWIND … MERGE` of the very same nodes and relationships into a copy of the graph before that delivery.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.build import DATA, SEEDED, Stages, peak_mb, prepare
from benchmarks.first import BARE, seeded
from benchmarks.measure import ROOT
from graph.constraints import ensure_schema
from graph.engine import HEAP_MB, connect_engine, engine_directory, stop_engine
from graph.store import Store
from graph.writer import Difference, write
from loaders import run
from loaders.intake import find_files
from loaders.load import Target, load
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock

console = Console(width=None if sys.stdout.isatty() else 130)
DELIVERIES: Final = ("delivery1", "delivery2")
RESULT: Final = "increment.json"
HELD_BACK: Final = 0.2
LEAST_ROWS: Final = 500
AIM: Final = 0.5
STAGES: Final = ("receive", "digest", "apply")


def split(district: Path, first: Path, second: Path, today: date, whole: Collection[str] = ()) -> None:
    """Makes two deliveries of a district's feeds: of each large text file the last rows come a day later.

    Workbooks, Parquet and JSON lines, and files of fewer than `LEAST_ROWS` rows, come whole in the first.

    Args:
        whole: beginnings of names of files that come whole in the first, too.

    Raises:
        ValueError: a cell goes over several lines, so that lines are not rows.
    """
    first.mkdir()
    second.mkdir()
    for path in find_files([district]):
        header, *rows = path.read_bytes().splitlines(keepends=True)
        small = path.suffix not in (".csv", ".tsv") or len(rows) < LEAST_ROWS
        if small or path.name.startswith(tuple(whole)):
            shutil.copyfile(path, first / path.name)
            continue
        if any(row.count(b'"') % 2 for row in rows):
            raise ValueError(f"{path.name}: a cell goes over several lines")
        at = round(len(rows) * (1 - HELD_BACK))
        later = path.name.replace(f"{today:%Y%m%d}", f"{today + timedelta(days=1):%Y%m%d}")
        (first / path.name).write_bytes(header + b"".join(rows[:at]))
        (second / later).write_bytes(header + b"".join(rows[at:]))


class Written:
    """Keeps the differences that are written while it stands in for the writer, and the seconds that they take."""

    def __init__(self) -> None:
        self.whole = Difference()
        self.removed = 0
        self.seconds = 0.0

    async def __call__(self, store: Store, difference: Difference) -> None:
        for label, nodes in difference.nodes.items():
            self.whole.nodes.setdefault(label, []).extend(nodes)
        for name, links in difference.links.items():
            self.whole.links.setdefault(name, []).extend(links)
        self.removed += sum(map(len, difference.gone_nodes.values()))
        self.removed += sum(map(len, difference.gone_links.values()))
        started = time.perf_counter()
        await write(store, difference)
        self.seconds += time.perf_counter() - started


async def increment(directory: Path) -> dict[str, Any]:
    """Loads the first delivery of a directory, copies its graph, then loads the second and merges it bare.

    Raises:
        EngineError: what the engine says.
    """
    data, bare = directory / DATA, directory / BARE
    clock = Clock(date.fromisoformat(json.loads((data / "district.json").read_text("utf-8"))["today"]))
    loader = open_loader(data, None, clock)
    try:
        await load(loader, Target(lambda: connect_engine(data), data, HEAP_MB), [directory / DELIVERIES[0]])
    finally:
        loader.close()
        stop_engine(data)
    shutil.copytree(engine_directory(data), engine_directory(bare))
    written = Written()
    setattr(run, "write", written)  # noqa: B010
    loader = open_loader(data, None, clock)
    try:
        result = await _second(loader, data, find_files([directory / DELIVERIES[1]]))
    finally:
        loader.close()
        stop_engine(data)
    result |= {
        "nodes": sum(map(len, written.whole.nodes.values())),
        "links": sum(map(len, written.whole.links.values())),
        "removed": written.removed,
        "writing": written.seconds,
        "peak_mb": peak_mb(),
    }
    try:
        async with Store.open(connect_engine(bare)) as store:
            await ensure_schema(store)
            started = time.perf_counter()
            await write(store, written.whole)
            result["bare"] = time.perf_counter() - started
            counts = await store.counts()
            result["bare_graph"] = [counts.nodes, counts.relationships]
    finally:
        stop_engine(bare)
    return result


async def _second(loader: Loader, data: Path, files: list[Path]) -> dict[str, Any]:
    seconds, parts = dict.fromkeys(STAGES, 0.0), Stages()
    async with Store.open(connect_engine(data)) as store:
        await ensure_schema(store)
        with loader.ledger.lease():
            since = time.perf_counter()
            batches = [batch for path in files for batch in loader.receive(path)]
            seconds["receive"], since = time.perf_counter() - since, time.perf_counter()
            digested = [loader.digest(batch) for batch in batches]
            seconds["digest"], since = time.perf_counter() - since, time.perf_counter()
            loader.progress = parts
            parts("", 0, None)
            summary = await loader.apply(store)
            seconds["apply"] = time.perf_counter() - since
        counts = await store.counts()
    del parts.seconds[""]
    return {
        "rows": sum(f.read for f in digested), "held": sum(bool(f.held) for f in digested),
        "entities": summary.changed + summary.removed, "seconds": seconds, "parts": parts.seconds,
        "graph": [counts.nodes, counts.relationships],
    }  # fmt: skip


def show(scale: float, made: dict[str, Any]) -> None:
    """What the second delivery took, beside the bare merge."""
    table = Table(
        "stage", "s", "rows/s", title=f"second delivery at scale {scale:g}: {made['rows']:,} rows, {made['entities']:,} entities"
    )  # fmt: skip
    whole = sum(made["seconds"].values())
    for stage, seconds in made["seconds"].items():
        table.add_row(f"· {stage}", f"{seconds:.1f}", f"{made['rows'] / seconds:,.0f}")
    for part, seconds in made["parts"].items():
        table.add_row(f"  of applying: {part}", f"{seconds:.1f}", "")
    table.add_row("  while Neo4j writes", f"{made['writing']:.1f}", "")
    table.add_row("whole", f"{whole:.1f}", f"{made['rows'] / whole:,.0f}")
    table.add_row("bare MERGE of the same", f"{made['bare']:.1f}", f"{made['rows'] / made['bare']:,.0f}")
    ratio = made["bare"] / whole
    verdict = "[green]met" if ratio >= AIM else "[red]missed"
    table.add_row(f"bare / whole, aim {AIM:g}", f"{ratio:.2f} {verdict}", "")
    table.add_row("peak memory of the loader, MiB", f"{made['peak_mb']:,}", "")
    console.print(table)
    console.print(
        f"written: {made['nodes']:,} nodes, {made['links']:,} relationships; removed: {made['removed']:,}; "
        f"files held: {made['held']}; nodes and relationships then: {made['graph']}, bare: {made['bare_graph']}"
    )


def main(
    scale: Annotated[float, typer.Option(help="Scale of the district.")] = 0.01,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
    whole: Annotated[
        list[str] | None, typer.Option(help="Files not to hold back rows of, such as 资规_标准地址.")
    ] = None,
) -> None:
    """Measure a second delivery by the incremental way, beside a bare MERGE of the same."""
    kept = cache.absolute() / f"first-{scale:g}"
    seeded(kept, scale)
    directory = cache.absolute() / f"increment-{scale:g}"
    for part in (DATA, BARE):
        stop_engine(directory / part)
    shutil.rmtree(directory, ignore_errors=True)
    today = prepare(directory / DATA, kept / SEEDED)
    first, second = (directory / name for name in DELIVERIES)
    split(kept / SEEDED, first, second, date.fromisoformat(today), whole or ())
    # In a process of its own, so that its peak memory is that of the work.
    subprocess.run([sys.executable, "-m", "benchmarks.increment", str(directory)], cwd=ROOT, check=True)
    show(scale, json.loads((directory / RESULT).read_text(encoding="utf-8")))


if __name__ == "__main__":
    where = Path(sys.argv[1])
    made = asyncio.run(increment(where))
    (where / RESULT).write_text(json.dumps(made, indent=2), encoding="utf-8")
