"""`python -m benchmarks resolve`: free text → address code with the gazetteer of a scale: speed, memory, time until ready; beside cpca and
jionlp on the levels that they reach.

The address base of a synthetic district is made (places only, no feed is loaded), its index is built once and kept, and a process of its own
opens it, as a server does when it starts. All figures are of that process, on one core. The texts are those of the examination (`seed.address_exam`),
and clean full names of dwellings. cpca and jionlp are measured when they are installed (`requirements/bench.txt`), in that same process and on the same texts.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.measure import ROOT

console = Console(width=None if sys.stdout.isatty() else 130)
INDEX, TEXTS, CLEAN, NAMES = "addresses.index", "texts.parquet", "clean.json", "names.json"
AIMS = {"batch": 5_000.0, "p99": 5.0, "memory": 1_536.0, "ready": 20.0}


def prepare(directory: Path, scale: float, seed: int, count: int) -> dict[str, float]:
    """Makes the index and the texts; what it took, in seconds, and how many places there are."""
    from addresses.index import Index
    from addresses.scheme import load_scheme
    from seed.address_base import places_of
    from seed.address_exam import address_texts
    from seed.addresses import build_addresses
    from seed.options import SeedOptions
    from seed.places import build_places

    directory.mkdir(parents=True, exist_ok=True)
    options = SeedOptions(scale=scale, seed=seed)
    places = build_places(options)
    rows = build_addresses(options, places)
    start = time.perf_counter()
    index = Index.build(load_scheme(), places_of(rows), directory / INDEX, f"{scale:g}/{seed}")
    took = time.perf_counter() - start
    peak = psutil.Process().memory_info().rss / 2**20
    size = len(index)
    texts = address_texts(places, seed=seed, count=count, profile="normal", examination=True)
    texts.write_parquet(directory / TEXTS)
    homes = rows.filter(rows["层级"] == "户室")["全称"]
    clean = homes.sample(min(count, len(homes)), seed=seed).to_list()
    (directory / CLEAN).write_text(json.dumps(clean, ensure_ascii=False), encoding="utf-8")
    upper = rows.filter(rows["层级"].is_in(["镇街", "村社"]))
    names = dict(upper.select("地址编码", "名称").iter_rows())
    (directory / NAMES).write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
    return {"places": size, "build": took, "peak": peak}


def _percentiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": ordered[-1] * 1000}


def measure(directory: Path, others: bool) -> dict[str, Any]:
    """What a fresh process measures. Times are of the processor, so that other work on the machine does not count; `ready` is of the clock."""
    start = time.perf_counter()
    import polars as pl

    from addresses.index import Index
    from addresses.resolver import AddressResolver
    from addresses.scheme import load_scheme

    resolver = AddressResolver(Index.open(load_scheme(), directory / INDEX))
    resolver.resolve("萧山区")
    ready = time.perf_counter() - start
    process = psutil.Process()
    result: dict[str, Any] = {"ready": ready, "ready_mb": process.memory_info().rss / 2**20}
    frame = pl.read_parquet(directory / TEXTS)
    messy = frame["text"].unique(maintain_order=True).to_list()
    clean = json.loads((directory / CLEAN).read_text(encoding="utf-8"))
    # The first text that is not quite right makes the tables of sounds: a server is warmed up too.
    start = time.perf_counter()
    resolver.resolve("北干街道某某化园4幢")
    result["tables"] = time.perf_counter() - start
    for name, texts in (("messy", messy), ("clean", clean)):
        times = []
        for text in texts:
            began = time.process_time_ns()
            resolver.resolve(text)
            times.append((time.process_time_ns() - began) / 1e9)
        # Another resolver, so that a batch finds nothing that the single texts have left behind.
        resolver = AddressResolver(resolver.index)
        resolver.resolve("北干街道某某化园4幢")
        before = time.process_time()
        resolver.resolve_all(texts)
        batch = time.process_time() - before
        result[name] = {"texts": len(texts), "batch": len(texts) / batch, **_percentiles(times)}
    # A column as departments send it: each address four times.
    column = messy * 4
    before = time.process_time()
    resolver.resolve_all(column)
    result["column"] = {"texts": len(column), "batch": len(column) / (time.process_time() - before)}
    result["memory_mb"] = process.memory_info().rss / 2**20
    if others:
        result["beside"] = beside(
            resolver, frame, json.loads((directory / NAMES).read_text(encoding="utf-8"))
        )
    return result


def beside(resolver: Any, frame: Any, names: dict[str, str]) -> list[dict[str, Any]]:
    """Ours, cpca and jionlp on texts about one place of the district: district, street and community right, wrong or not said; texts a second."""
    import polars as pl

    one = frame.filter(
        frame["id"].is_unique(), pl.col("code").is_not_null(), pl.col("outcome") == "RESOLVED"
    ).head(2000)
    texts = one["text"].to_list()
    truth = [("萧山区", names[c[:9]], names.get(c[:12])) for c in one["code"].to_list()]
    determined = one["determined"].to_list()
    index = resolver.index

    def ours(text: str) -> tuple[str | None, str | None, str | None]:
        said = resolver.resolve(text)
        if said.outcome != "RESOLVED" or said.best is None:
            return None, None, None
        at = index.at(said.best.code)
        levels = {index.level(p): index.code(p) for p in index.chain(at)} if at is not None else {}
        return "萧山区", names.get(levels.get("STREET", "")), names.get(levels.get("COMMUNITY", ""))

    ways: list[tuple[str, Callable[[str], tuple[str | None, str | None, str | None]]]] = [("quanxi", ours)]
    for package, way in (("cpca", _cpca), ("jionlp", _jionlp)):
        try:
            ways.append((package, way(importlib.import_module(package))))
        except ImportError:
            console.print(f"[dim]{package} is not installed: pip install -r requirements/bench.txt")
    rows = []
    for name, read in ways:
        read(texts[0])
        before = time.process_time()
        said = [read(t) for t in texts]
        spent = time.process_time() - before
        row: dict[str, Any] = {"name": name, "rate": len(texts) / spent}
        for level, (key, width) in enumerate((("district", 6), ("street", 9), ("community", 12))):
            able = [
                i for i, d in enumerate(determined) if d is not None and len(d) >= width and truth[i][level]
            ]
            right = sum(said[i][level] == _plain(truth[i][level]) for i in able)
            none = sum(said[i][level] is None for i in able)
            row[key] = {
                "texts": len(able),
                "right": right / len(able),
                "wrong": (len(able) - right - none) / len(able),
            }
        rows.append(row)
    return rows


def _plain(name: str | None) -> str | None:
    return name.removesuffix("委会") if name else name


def _cpca(package: Any) -> Callable[[str], tuple[str | None, str | None, str | None]]:
    def read(text: str) -> tuple[str | None, str | None, str | None]:
        county = package.transform([text]).iloc[0]["区"]
        return (county if isinstance(county, str) else None), None, None

    return read


def _jionlp(package: Any) -> Callable[[str], tuple[str | None, str | None, str | None]]:
    def read(text: str) -> tuple[str | None, str | None, str | None]:
        said = package.parse_location(text, town_village=True)
        return said["county"], said.get("town"), _plain(said.get("village"))

    return read


def show(scale: float, made: dict[str, float], found: dict[str, Any]) -> None:
    """Prints the tables."""
    table = Table(
        "", "aim", "measured", "", title=f"addresses, {made['places']:,.0f} places (scale {scale:g})"
    )

    def line(what: str, value: str, aim: str = "", ok: bool | None = None) -> None:
        table.add_row(what, aim, value, "" if ok is None else "met" if ok else "missed")

    line("ready after, s", f"{found['ready']:.1f}", f"≤ {AIMS['ready']:g}", found["ready"] <= AIMS["ready"])
    line("memory when ready, MiB", f"{found['ready_mb']:,.0f}")
    line(
        "memory after all texts, MiB",
        f"{found['memory_mb']:,.0f}",
        f"≤ {AIMS['memory']:,.0f}",
        found["memory_mb"] <= AIMS["memory"],
    )
    line("tables of sounds, once, s", f"{found['tables']:.1f}")
    for name in ("messy", "clean"):
        row = found[name]
        line(
            f"{name}: batch, texts/s",
            f"{row['batch']:,.0f}",
            f"≥ {AIMS['batch']:,.0f}",
            row["batch"] >= AIMS["batch"],
        )
        line(f"{name}: single p50 / p95 / max, ms", f"{row['p50']:.2f} / {row['p95']:.2f} / {row['max']:.1f}")
        line(f"{name}: single p99, ms", f"{row['p99']:.2f}", f"≤ {AIMS['p99']:g}", row["p99"] <= AIMS["p99"])
    line("a column with each text four times, texts/s", f"{found['column']['batch']:,.0f}")
    if "build" in made:
        line("building the index, s (once)", f"{made['build']:.1f}")
    console.print(table)
    if found.get("beside"):
        other = Table(
            "",
            "texts/s",
            "district",
            "street",
            "community",
            title="right / wrong, of what the text determines",
        )
        for row in found["beside"]:
            cells = [
                f"{row[k]['right']:.3f} / {row[k]['wrong']:.3f}" for k in ("district", "street", "community")
            ]
            other.add_row(row["name"], f"{row['rate']:,.0f}", *cells)
        console.print(other)


def main(
    scale: Annotated[float, typer.Option(help="Scale of the address base.")] = 1.0,
    texts: Annotated[int, typer.Option(help="How many texts.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the district and of the texts.")] = 7,
    cache: Annotated[Path, typer.Option(help="Where index and texts are kept.")] = Path(".quanxi-benchmarks"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Make index and texts anew.")] = False,
    others: Annotated[bool, typer.Option(help="Beside cpca and jionlp, where installed.")] = True,
) -> None:
    """Measure free text → address code."""
    directory = cache.absolute() / f"addresses-{scale:g}-{seed}-{texts}"
    kept = directory / "made.json"
    if fresh or not kept.is_file():
        with console.status("places, index, texts …"):
            made = prepare(directory, scale, seed, texts)
        kept.write_text(json.dumps(made), encoding="utf-8")
    made = json.loads(kept.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "benchmarks.resolve", str(directory), "others" if others else ""]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    show(scale, made, json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(measure(Path(sys.argv[1]), sys.argv[2:] == ["others"])) + "\n")
