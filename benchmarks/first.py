"""`python -m benchmarks first`: the first load of a district through the import tool, by stages, with its peak memory.

Beside it the same rows by the bare import tool and the index population after it: the least that any first load takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.build import DATA, SEEDED, Stages, peak_mb, prepare
from benchmarks.measure import ROOT
from graph.constraints import ensure_schema
from graph.engine import HEAP_MB, connect_engine, ensure_engine, is_pristine, stop_engine
from graph.importer import STAGE, import_graph
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
LISTS: Final = "lists.json"
RESULT: Final = "first.json"
AIM: Final = 3.0
AIM_MB: Final = 6 * 1024
LOOK_SECONDS: Final = 0.2
WATCHED: Final = {
    "take_addresses": "of it the gazetteer",
    "find_places": "of it finding places",
    "import_graph": "import tool, at the same time as",
    "keep": "what is left to keep in the record store then",
}
"""Methods that are timed by themselves: name → how the table calls them."""


class Memory:
    """The most memory that this process and all that it starts have at one moment, MiB, and how busy the machine was with
    whatever runs; sampled.

    Attributes:
        load: the mean of the machine's load average of one minute.
    """

    def __init__(self) -> None:
        self.tree_mb = 0
        self.load = 0.0
        self._looks = 0
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
            self._looks += 1
            self.load += (os.getloadavg()[0] - self.load) / self._looks


class SpokenStages(Stages):
    """Stages that say when each first reports, so that a long load can be followed, and one that is stopped says something."""

    def __init__(self) -> None:
        super().__init__()
        self._started = time.perf_counter()
        self._said = ""
        self._cpu = time.process_time()
        self.cpu: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        # Receiving reports each feed by its name.
        stage = "接收 receive" if stage.startswith("接收 ") else stage
        # The record store is filled beside the import tool.
        stage = STAGE if stage == first_load.KEEPING else stage
        super().__call__(stage, done, total)
        cpu = time.process_time()
        self.cpu[stage] = self.cpu.get(stage, 0.0) + cpu - self._cpu
        self._cpu = cpu
        if stage != self._said:
            self._said = stage
            passed = time.perf_counter() - self._started
            console.print(f"[dim]{passed:.0f} s, peak {peak_mb():,} MiB: {stage}")


class Watch:
    """Adds up the seconds that methods of other modules take, by name; parallel ones each by themselves."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def on(self, owner: Any, name: str, then: Callable[[], None] = lambda: None) -> None:
        """Times a method from now on, in this process; calls `then` whenever it has ended."""
        held: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return held(*args, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
                then()

        setattr(owner, name, timed)


def first(directory: Path) -> None:
    """Loads the seeded district of a directory and imports the same rows bare; writes what it took beside it.

    Raises:
        EngineError: what the engine and the import tool say.
    """
    result = asyncio.run(_load(directory))
    # Kept before the bare tool runs, which at large scales takes long.
    (directory / RESULT).write_text(json.dumps(result, indent=2), encoding="utf-8")
    result |= _bare(directory)
    (directory / RESULT).write_text(json.dumps(result, indent=2), encoding="utf-8")


async def _load(directory: Path) -> dict[str, Any]:
    data, seeded = directory / DATA, directory / SEEDED
    today = prepare(data, seeded)
    kept = directory / KEPT
    stages, watch = SpokenStages(), Watch()

    def keep_and_import(
        data: Path,
        files: Path,
        nodes: Mapping[str, Sequence[str]],
        links: Mapping[str, Sequence[str]],
        **more: Any,
    ) -> None:
        kept.mkdir()
        for name in {n for names in (*nodes.values(), *links.values()) for n in names}:
            os.link(files / name, kept / name)
        lists = {"nodes": nodes, "links": links}
        (kept / LISTS).write_text(json.dumps(lists), encoding="utf-8")
        import_graph(data, files, nodes, links, **more)

    setattr(first_load, "import_graph", keep_and_import)  # noqa: B010
    watch.on(ColumnFold, "take_addresses")
    watch.on(ColumnFold, "find_places")
    for owner, name in ((first_load, "import_graph"), (first_load._FirstLoad, "keep")):
        watch.on(owner, name, lambda: stages(STAGE, 1, 1))
    loader = open_loader(data, None, Clock(date.fromisoformat(today)), stages)
    target = Target(lambda: connect_engine(data, progress=stages), data, HEAP_MB, lambda: is_pristine(data))
    try:
        with Memory() as memory:
            started = time.perf_counter()
            summary = await load(loader, target, [seeded])
            seconds = time.perf_counter() - started
    finally:
        loader.close()
        stop_engine(data)
    return {
        "seconds": seconds, "rows": sum(f.read for f in summary.files), "entities": summary.changed,
        "stages": stages.seconds, "cpu": stages.cpu, "watched": watch.seconds, "peak_mb": peak_mb(),
        "tree_mb": memory.tree_mb, "load": memory.load,
    }  # fmt: skip


def _bare(directory: Path) -> dict[str, Any]:
    kept, data = directory / KEPT, directory / BARE
    lists = json.loads((kept / LISTS).read_text(encoding="utf-8"))
    # The tool writes into the directory of an engine that there is.
    ensure_engine(data)
    stop_engine(data)
    with Memory() as memory:
        started = time.perf_counter()
        import_graph(data, kept, lists["nodes"], lists["links"], heap_mb=HEAP_MB)
        imported = time.perf_counter()
        asyncio.run(_index(data))
        indexed = time.perf_counter()
    stop_engine(data)
    return {"bare_import": imported - started, "bare_index": indexed - imported, "bare_load": memory.load}


async def _index(data: Path) -> None:
    async with Store.open(ensure_engine(data)) as store:
        await ensure_schema(store)
        await store.read("CALL db.awaitIndexes(3600)")


def show(scale: float, made: dict[str, Any]) -> None:
    """What a first load took, beside the bare tool."""
    title = f"first load at scale {scale:g}: {made['rows']:,} rows, {made['entities']:,} nodes"
    table = Table("stage", "s", "of it CPU of the loader", title=title)
    for stage, seconds in made["stages"].items():
        table.add_row(f"· {stage}", f"{seconds:.1f}", f"{made['cpu'].get(stage, 0.0):.1f}")
    watched = made["watched"]
    for name, said in WATCHED.items():
        table.add_row(f"  {said}", f"{watched.get(name, 0.0):.1f}")
    bare = made["bare_import"] + made["bare_index"]
    ratio = (made["seconds"] - watched["find_places"]) / bare
    table.add_row("whole", f"{made['seconds']:.1f}")
    table.add_row("bare import tool", f"{made['bare_import']:.1f}")
    table.add_row("bare engine start and index population", f"{made['bare_index']:.1f}")
    table.add_row(f"(whole - finding places) / bare, aim {AIM:g}", _judged(f"{ratio:.2f}", ratio <= AIM))
    load = f"{made['load']:.1f}, bare {made['bare_load']:.1f}"
    table.add_row("load average of the machine, all that ran", load)
    table.add_row("rows/s", f"{made['rows'] / made['seconds']:,.0f}")
    table.add_row("peak memory of the loader, MiB", f"{made['peak_mb']:,}")
    peak = f"{made['tree_mb']:,}"
    table.add_row(
        f"peak memory with Java, MiB, aim {AIM_MB:,} at 1.0",
        _judged(peak, made["tree_mb"] <= AIM_MB) if scale == 1 else peak,
    )
    console.print(table)


def _judged(value: str, met: bool) -> str:
    return f"{value} [green]met" if met else f"{value} [red]missed"


def seeded(directory: Path, scale: float) -> None:
    """Seeds the noisy district of a scale below a directory, once, in a process of its own for its memory."""
    if not (directory / SEEDED / "manifest.json").is_file():
        shutil.rmtree(directory / SEEDED, ignore_errors=True)
        directory.mkdir(parents=True, exist_ok=True)
        with console.status(f"scale {scale:g}: seeding …"):
            subprocess.run(
                [sys.executable, "-m", "benchmarks.first", str(directory), str(scale)], cwd=ROOT, check=True
            )


def main(
    scale: Annotated[
        list[float] | None, typer.Option(help="Scales to measure; 0.01 and 0.1 without it.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where districts are kept.")] = Path(".quanxi-benchmarks"),
) -> None:
    """Measure first loads, beside the bare import tool and index population on the same rows."""
    for each in sorted(set(scale or [0.01, 0.1])):
        directory = cache.absolute() / f"first-{each:g}"
        seeded(directory, each)
        for part in (DATA, BARE):
            stop_engine(directory / part)
        for part in (DATA, BARE, KEPT):
            shutil.rmtree(directory / part, ignore_errors=True)
        # In a process of its own, so that its peak memory is that of the work.
        subprocess.run([sys.executable, "-m", "benchmarks.first", str(directory)], cwd=ROOT, check=True)
        show(each, json.loads((directory / RESULT).read_text(encoding="utf-8")))


if __name__ == "__main__":
    if sys.argv[2:]:
        seed_district(Path(sys.argv[1]) / SEEDED, SeedOptions(scale=float(sys.argv[2]), noise="normal"))
    else:
        first(Path(sys.argv[1]))
