"""`quanxi retention`: what has passed the retention that its feed declares, and removing it for good."""

from __future__ import annotations

import asyncio
import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from commands.batches import Opened
from commands.common import Bars, current_settings, graph_of, print_summary
from ontology.errors import UsageError

if TYPE_CHECKING:
    from loaders.load import Target
    from loaders.retention import Past
    from loaders.run import Loader, Summary

app = typer.Typer(
    help="What has passed its feed's retention 保存期限: list it, and remove it for good.",
    no_args_is_help=True,
)
console = Console()
Feeds = Annotated[list[str] | None, typer.Option("--feed", help="Only this feed; may be given again.")]


@app.command("list", epilog="Example: quanxi retention list --feed checkins")
def list_(feed: Feeds = None) -> None:
    """List what each feed keeps for how long, what of it has passed that, and what was removed before."""
    found = _past(feed)
    table = Table(
        "feed", "kept 期限", "kept since 自", "past: rows", "batches", "oldest", "removed before 已清除"
    )
    with Opened() as loader:
        done: dict[str, str] = {}
        for purge in loader.ledger.purges():
            if purge.rows or purge.batches:
                done[purge.feed] = f"{purge.at[:10]}: {purge.rows:,} rows before {purge.before} by {purge.by}"
    for p in found:
        table.add_row(
            p.feed.feed, p.feed.retention or "", p.before, f"{p.rows:,}", f"{p.batches:,}", p.oldest or "",
            done.get(p.feed.feed, ""),
        )  # fmt: skip
    console.print(table)


@app.command("purge", epilog="Example: quanxi retention purge --feed checkins --yes")
def purge(
    feed: Feeds = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; otherwise it is only said what would go.")
    ] = False,
) -> None:
    """Remove what has passed its feed's retention from ledger, records and graph. It cannot be undone."""
    found = [p for p in _past(feed) if p.rows or p.batches]
    if not found:
        console.print("nothing has passed its retention 没有过期的数据")
        return
    for p in found:
        console.print(
            f"{p.feed.feed} {p.feed.zh}: {p.rows:,} rows of before {p.before} (kept for {p.feed.retention}), the oldest of "
            f"{p.oldest}; {p.batches:,} batches as a whole; they speak of {p.entities:,} entities."
        )
    if not yes:
        console.print(
            "[bold]nothing was removed 未作任何改动[/]: with --yes it is, for good 加 --yes 才清除,不可恢复."
        )
        return
    settings = current_settings()
    names = [p.feed.feed for p in found]

    async def run(loader: Loader, target: Target) -> Summary:
        from graph.constraints import ensure_schema
        from loaders import retention
        from loaders.load import compact

        async with target.open() as store:
            await ensure_schema(store)
            with loader.ledger.lease():
                compact(loader)
                await loader.check_graph(store)
                retention.purge(loader, names, getpass.getuser())
                return await loader.apply_waiting(store)

    with Bars() as step, Opened(step) as loader:
        summary = asyncio.run(run(loader, graph_of(settings, step)))
        gone = {p.feed: p for p in loader.ledger.purges()}
    print_summary(summary)
    for name in names:
        console.print(
            f"{name}: removed 已清除 {gone[name].rows:,} rows, {gone[name].batches:,} batches as a whole"
        )


def _past(feeds: list[str] | None) -> list[Past]:
    from loaders import retention

    with Bars() as step, Opened(step) as loader:
        for name in feeds or ():
            if name not in loader.feeds:
                raise UsageError(
                    "UNKNOWN_FEED",
                    f"没有名为 {name} 的数据源",
                    f"no feed is called {name}",
                    f"Known: {', '.join(loader.feeds)}.",
                )
            if loader.feeds[name].retention is None:
                raise UsageError(
                    "BAD_ARGUMENT",
                    f"数据源 {name} 未声明保存期限",
                    f"feed {name} declares no retention: all of it is kept",
                )
        return list(retention.past(loader, feeds))
