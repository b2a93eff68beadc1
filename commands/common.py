"""What the commands share: the settings in use, progress bars, the loader and the graph that the settings name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from graph.engine import EngineAddress
    from loaders.load import Target
    from loaders.run import Loader, Summary
    from ontology.clock import Clock
    from ontology.terms import Terms
    from settings import Settings
    from traces.declaration import Trace

Step = Callable[[str, int, int | None], None]
console = Console()
# Rate and time left follow what was done in the last so many seconds.
SPEED_SECONDS = 120.0
_in_use: list[Settings] = []


def use_settings(settings: Settings) -> None:
    """Makes these the settings of the command that runs."""
    _in_use[:] = [settings]


def current_settings() -> Settings:
    """The settings of the command that runs."""
    return _in_use[0]


class RateColumn(ProgressColumn):
    """How many a second a stage does: of late while it runs, on the whole once it has ended."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class Bars:
    """A progress bar per stage: done of how many, rate, time taken and left.

    Args:
        on: the console. now: seconds, from whenever.
    """

    def __init__(self, on: Console = console, now: Callable[[], float] = time.monotonic) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<24}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            RateColumn(),
            TimeElapsedColumn(),
            TextColumn("剩余 left", markup=False),
            TimeRemainingColumn(),
            console=on,
            get_time=now,
            speed_estimate_period=SPEED_SECONDS,
            # Drawing takes the time of the one thread that loads; where nobody looks on, the bars are drawn once, at the end.
            auto_refresh=on.is_terminal,
            refresh_per_second=3,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Step:
        self._progress.start()
        return self.step

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


def print_scores(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """A table of what was found beside what is true: precision and recall, a line each, and the near misses that were found."""
    earlier, near = (any(name in r for r in scores.values()) for name in ("earlier", "near"))
    more = [*(["near misses found"] if near else []), *(["earlier way"] if earlier else [])]
    table = Table(Column("trace", no_wrap=True), "true", "found", "precision", "recall", *more)
    for name, r in scores.items():
        told = [f"{r['near_found']} of {r['near']}" if r.get("near") else ""] if near else []
        told += [f"{r['earlier']:.4f}" if "earlier" in r else ""] if earlier else []
        table.add_row(
            name, str(r["true"]), str(r["found"]), f"{r['precision']:.4f}", f"{r['recall']:.4f}", *told
        )
    console.print(table)


def district_clock(settings: Settings, directory: Path | None = None, *, keep: bool = True) -> Clock:
    """The district's day: the setting, else the loaded district's last day, else today.

    Args:
        directory: a district that is being loaded; its day is the data directory's from then on.
        keep: whether the data directory is to remember it.
    """
    from ontology.clock import Clock

    if settings.today is not None:
        return Clock(settings.today)
    kept = settings.data / "district.json"
    if directory is not None:
        # A seeded district's own directory, or the feeds/ in it.
        whole = directory.parent if directory.name == "feeds" else directory
        manifest = whole / "manifest.json"
        day = json.loads(manifest.read_text(encoding="utf-8")).get("today") if manifest.is_file() else None
        if day and not keep:
            return Clock(date.fromisoformat(day))
        if day:
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept.write_text(json.dumps({"today": day, "synthetic": True}), encoding="utf-8")
    if kept.is_file():
        return Clock(date.fromisoformat(json.loads(kept.read_text(encoding="utf-8"))["today"]))
    return Clock()


def make_loader(
    settings: Settings,
    directory: Path | None = None,
    progress: Step | None = None,
) -> Loader:
    """The loader of the settings' data directory, with its ledger and the standing traces."""
    from ledger.publications import Publications
    from loaders.wiring import open_loader
    from traces.standing import StandingTraces
    from traces.watch import Watch

    loader = open_loader(
        settings.data, settings.catalog, district_clock(settings, directory), progress, settings.keyring()
    )
    traces = StandingTraces(settings.catalog, loader.terms, Publications(loader.ledger), loader.clock)
    loader.watch = Watch(loader.ledger, loader.records, traces, loader.scheme, loader.terms)
    return loader


def standing_traces(settings: Settings) -> tuple[Mapping[str, Trace], Terms]:
    """The traces that stand in the settings' data directory, which need not be there yet; and their terms."""
    from ledger import Ledger
    from ledger.publications import Publications
    from loaders.wiring import catalog_terms_root
    from ontology.clock import Clock
    from ontology.terms import load_terms
    from traces.catalogue import load_traces
    from traces.standing import StandingTraces

    terms = load_terms(catalog_terms_root(settings.catalog))
    if not (settings.data / "ledger" / "catalogue.db").is_file():
        return load_traces(settings.catalog, terms), terms
    ledger = Ledger(settings.data, settings.keyring())
    try:
        return StandingTraces(settings.catalog, terms, Publications(ledger), Clock()), terms
    finally:
        ledger.close()


def connect(settings: Settings, progress: Step | None = None) -> EngineAddress:
    from graph.engine import connect_engine

    return connect_engine(
        settings.data,
        settings.neo4j_uri,
        settings.neo4j_user,
        settings.neo4j_password.get_secret_value() if settings.neo4j_password else None,
        database=settings.neo4j_database,
        heap_mb=settings.heap_mb,
        page_cache_mb=settings.page_cache_mb,
        progress=progress,
    )


def graph_of(settings: Settings, step: Step) -> Target:
    """The graph of the settings, as loaders want it."""
    from graph.engine import is_pristine
    from loaders.load import Target

    return Target(
        lambda: connect(settings, step),
        settings.data,
        settings.heap_mb,
        lambda: not settings.neo4j_uri and is_pristine(settings.data),
    )


def print_summary(summary: Summary) -> None:
    for f in summary.files:
        if f.held:
            console.print(
                f"[yellow]held 暂扣[/] {escape(f.file)}: {escape(f.held)} — see `quanxi batch list --state held`"
            )
    table = Table("file", "feed", "read", "loaded", "quarantined", "cells dropped", title="loaded 入库")
    for f in summary.files:
        table.add_row(
            f.file, f.feed, f"{f.read:,}", f"{f.loaded:,}", f"{f.quarantined:,}", f"{f.dropped_cells:,}"
        )
    if summary.files:
        console.print(table)
    else:
        console.print("nothing new in these files 没有新内容")
    unplaced = ", ".join(f"{k} {v:,}" for k, v in summary.unplaced.items()) or "none"
    console.print(
        f"entities changed {summary.changed:,} · unchanged {summary.unchanged:,} · removed {summary.removed:,} · unplaced: {unplaced}"
    )
