"""`python -m benchmarks first`: the first load of a district through the import tool, by stages, with its peak memory.

Beside it the same rows by the bare import tool and the index population after it: the least that any first load takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.build import DATA, HEAP_MB, PAGE_CACHE_MB, SEEDED, Stages, prepare
from benchmarks.measure import ROOT
from graph.constraints import ensure_schema
from graph.engine import connect_engine, ensure_engine, stop_engine
from graph.importer import import_graph
from graph.store import Store
from loaders.bulk import first_load
from loaders.bulk.fold import ColumnFold
from loaders.load import Target, load
from loaders.wiring import open_loader
from ontology.clock import Clock
from seed import SeedOptions, seed_district

console = Console(width=None if sys.stdout.isatty() else 130)
KEPT: Final = "import"
BARE: Final = "bare"
RESULT: Final = "first.json"
IMPORT_HEAP_MB: Final = 1024
AIM: Final = 3.0
LOOK_SECONDS: Final = 0.2


class Memory:
    """The most memory that this process and all that it starts have at one moment, MiB; sampled."""

    def __init__(self) -> None:
        self.tree_mb = 0
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._looking.join()

    def _look(self) -> None:
        this = psutil.Process()
        while not self._ended.wait(LOOK_SECONDS):
            total = 0
            for process in (this, *this.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.tree_mb = max(self.tree_mb, total // 2**20)


class Resolution:
    """Seconds that finding the places of addresses takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Resolution:
        self._held = ColumnFold.take_addresses
        held = self._held

        def timed(fold: ColumnFold) -> None:
            started = time.perf_counter()
            held(fold)
            self.seconds += time.perf_counter() - started

        setattr(ColumnFold, "take_addresses", timed)  # noqa: B010
        return self

    def __exit__(self, *_: object) -> None:
        ColumnFold.take_addresses = self._held  # type: ignore[method-assign]


def first(directory: Path) -> None:
    """Loads the seeded district of a directory and imports the same rows bare; writes what it took beside it."""
    result = asyncio.run(_load(directory))
    result |= _bare(directory)
    (directory / RESULT).write_text(json.dumps(result, indent=2), encoding="utf-8")


async def _load(directory: Path) -> dict[str, Any]:
    data, seeded = directory / DATA, directory / SEEDED
    today = prepare(data, seeded)
    kept = directory / KEPT
    lists: dict[str, Any] = {}

    def import_and_keep(
        data: Path,
        files: Path,
        nodes: Mapping[str, Sequence[str]],
        links: Mapping[str, Sequence[str]],
        **more: Any,
    ) -> None:
        kept.mkdir()
        for name in {n for names in (*nodes.values(), *links.values()) for n in names}:
            os.link(files / name, kept / name)
        lists.update(
            nodes={k: list(v) for k, v in nodes.items()}, links={k: list(v) for k, v in links.items()}
        )
        started = time.perf_counter()
        import_graph(data, files, nodes, links, **more)
        lists["seconds"] = time.perf_counter() - started

    setattr(first_load, "import_graph", import_and_keep)  # noqa: B010
    stages = Stages()
    loader = open_loader(data, None, Clock(date.fromisoformat(today)), stages)
    target = Target(
        lambda: connect_engine(data, heap_mb=HEAP_MB, page_cache_mb=PAGE_CACHE_MB), data, IMPORT_HEAP_MB
    )
    with Memory() as memory, Resolution() as resolution:
        started = time.perf_counter()
        summary = await load(loader, target, [seeded])
        seconds = time.perf_counter() - started
    loader.close()
    stop_engine(data)
    (kept / "lists.json").write_text(json.dumps(lists), encoding="utf-8")
    return {
        "seconds": seconds, "rows": sum(f.read for f in summary.files), "entities": summary.changed,
        "stages": stages.seconds, "addresses": resolution.seconds, "import": lists["seconds"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "tree_mb": memory.tree_mb,
    }  # fmt: skip


def _bare(directory: Path) -> dict[str, Any]:
    kept, data = directory / KEPT, directory / BARE
    lists = json.loads((kept / "lists.json").read_text(encoding="utf-8"))
    # The tool writes into the directory of an engine that there is.
    ensure_engine(data)
    stop_engine(data)
    started = time.perf_counter()
    import_graph(data, kept, lists["nodes"], lists["links"], heap_mb=IMPORT_HEAP_MB)
    imported = time.perf_counter()
    asyncio.run(_index(data))
    indexed = time.perf_counter()
    stop_engine(data)
    return {"bare_import": imported - started, "bare_index": indexed - imported}


async def _index(data: Path) -> None:
    async with Store.open(ensure_engine(data, heap_mb=HEAP_MB, page_cache_mb=PAGE_CACHE_MB)) as store:
        await ensure_schema(store)
        await store.read("CALL db.awaitIndexes(3600)")


def show(scale: float, made: dict[str, Any]) -> None:
    """What a first load took, beside the bare tool."""
    table = Table(
        "stage",
        "s",
        title=f"first load at scale {scale:g}: {made['rows']:,} rows, {made['entities']:,} nodes",
    )
    for stage, seconds in made["stages"].items():
        if seconds >= 0.05:
            table.add_row(f"· {stage}", f"{seconds:.1f}")
    bare = made["bare_import"] + made["bare_index"]
    table.add_row("whole", f"{made['seconds']:.1f}")
    table.add_row("of it finding places", f"{made['addresses']:.1f}")
    table.add_row("bare import tool", f"{made['bare_import']:.1f}")
    table.add_row("bare engine start and index population", f"{made['bare_index']:.1f}")
    ratio = (made["seconds"] - made["addresses"]) / bare
    table.add_row(f"(whole - places) / bare, aim {AIM:g}", f"{ratio:.2f}")
    table.add_row("rows/s", f"{made['rows'] / made['seconds']:,.0f}")
    table.add_row("peak memory of the loader, MiB", f"{made['peak_mb']:,}")
    table.add_row("peak memory with Java at one moment, MiB", f"{made['tree_mb']:,}")
    console.print(table)


def main(
    scale: Annotated[
        list[float] | None, typer.Option(help="Scales to measure; 0.01 and 0.1 without it.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
) -> None:
    """Measure first loads, beside the bare import tool and index population on the same rows."""
    for each in sorted(set(scale or [0.01, 0.1])):
        directory = cache.absolute() / f"first-{each:g}"
        if not (directory / SEEDED / "manifest.json").is_file():
            directory.mkdir(parents=True, exist_ok=True)
            seed_district(directory / SEEDED, SeedOptions(scale=each, noise="normal"))
        for part in (DATA, BARE):
            stop_engine(directory / part)
        for part in (DATA, BARE, KEPT):
            shutil.rmtree(directory / part, ignore_errors=True)
        # In a process of its own, so that its peak memory is that of the work.
        subprocess.run([sys.executable, "-m", "benchmarks.first", str(directory)], cwd=ROOT, check=True)
        show(each, json.loads((directory / RESULT).read_text(encoding="utf-8")))


if __name__ == "__main__":
    first(Path(sys.argv[1]))
