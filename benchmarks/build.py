"""Seeds and loads one district in a process of its own, and writes down how long each stage took.

Run as `python -m benchmarks.build DIRECTORY SCALE`: a process of its own, so that its peak memory is that of the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any, Final

from graph.constraints import ensure_schema
from graph.engine import connect_engine
from graph.store import Store
from loaders.intake import find_files
from loaders.wiring import open_loader
from ontology.clock import Clock
from seed.options import SeedOptions
from seed.world import seed_district

SEEDED: Final = "district"
DATA: Final = "data"
RESULT: Final = "build.json"
HEAP_MB: Final = 2048
PAGE_CACHE_MB: Final = 1024


class Stages:
    """Adds up seconds by stage: what passed since the last call belongs to the stage that now reports."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


def peak_mb() -> int:
    """This process's peak resident memory, MiB."""
    # On Linux `getrusage` begins with what the parent had when it made this process.
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text("ascii").splitlines()
        return int(next(x for x in status if x.startswith("VmHWM:")).split()[1]) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def seed_stage(directory: Path, scale: float) -> dict[str, Any]:
    """Seeds a clean district; says rows, bytes, seconds, peak MiB."""
    started = time.perf_counter()
    seed_district(directory, SeedOptions(scale=scale, noise="clean"))
    seconds = time.perf_counter() - started
    files = sorted((directory / "feeds").glob("*.csv"))
    rows = 0
    for file in files:
        with file.open("rb") as lines:
            rows += sum(1 for _ in lines) - 1
    return {
        "seconds": seconds,
        "rows": rows,
        "bytes": sum(f.stat().st_size for f in files),
        "peak_mb": peak_mb(),
    }


def prepare(data: Path, seeded: Path) -> str:
    """Makes the data directory, with the seeded district's last day as its today, which is given back."""
    today: str = json.loads((seeded / "manifest.json").read_text(encoding="utf-8"))["today"]
    data.mkdir(parents=True, exist_ok=True)
    kept = json.dumps({"today": today, "synthetic": True})
    (data / "district.json").write_text(kept, encoding="utf-8")
    return today


async def load_stage(data: Path, seeded: Path) -> dict[str, Any]:
    """Loads the seeded feeds into a bundled Neo4j of `data`; says rows, entities, seconds per stage, peak MiB."""
    today = prepare(data, seeded)
    address = connect_engine(data, heap_mb=HEAP_MB, page_cache_mb=PAGE_CACHE_MB)
    stages = Stages()
    ignored = Stages()
    loader = open_loader(data, None, Clock(date.fromisoformat(today)), ignored)
    try:
        async with Store.open(address) as store:
            await ensure_schema(store)
            stages("", 0, None)
            started = time.perf_counter()
            for path in find_files([seeded]):
                loader.receive(path)
                stages("receive", 0, None)
            files = []
            for batch in loader.ledger.batches():
                files.append(loader.digest(batch))
                stages("digest", 0, None)
            loader.progress = stages
            summary = await loader.apply(store)
            stages("end", 0, None)
            seconds = time.perf_counter() - started
            counts = await store.counts()
    finally:
        loader.close()
    del stages.seconds[""]
    names = {"地址 addresses": "addresses", "入图 graph": "fold and write", "汇总 roll-ups": "roll-ups"}
    return {
        "seconds": seconds,
        "rows": sum(f.loaded for f in files),
        "entities": summary.changed,
        "nodes": counts.nodes,
        "relationships": counts.relationships,
        "stages": {names.get(stage, stage): taken for stage, taken in stages.seconds.items()},
        "peak_mb": peak_mb(),
    }


def main() -> None:
    """Seeds and loads into `DIRECTORY`; `build.json` is written last and says that it is whole."""
    directory, scale = Path(sys.argv[1]), float(sys.argv[2])
    seeded = seed_stage(directory / SEEDED, scale)
    loaded = asyncio.run(load_stage(directory / DATA, directory / SEEDED))
    result = {"scale": scale, "seed": seeded, "load": loaded}
    (directory / RESULT).write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
