"""`quanxi batch`: what was received, what waits for a person, and taking back what was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.common import Bars, current_settings, graph_of, make_loader, print_summary
from ontology.errors import UsageError

if TYPE_CHECKING:
    from ledger import Batch
    from loaders.run import Loader

app = typer.Typer(
    help="What was received: list it, release what is held, take back what was wrong.", no_args_is_help=True
)
console = Console()
Id = Annotated[str, typer.Argument(help="The batch's id (the first letters are enough) or its number.")]


@app.command("list", epilog="Example: quanxi batch list --feed residents --state held")
def list_(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    state: Annotated[str | None, typer.Option(help="Only received, held, retracted or purged ones.")] = None,
    first: Annotated[int, typer.Option(min=1, help="How many of the last.")] = 50,
) -> None:
    """List batches, the last first, with what became of their rows."""
    with Opened() as loader:
        found = [b for b in loader.ledger.batches(feed) if state is None or b.state == state]
        table = Table(
            "no", "id", "feed", "file", "received", "rows", "loaded", "rejected", "state 状态", "why 原因"
        )
        for batch in reversed(found[-first:]):
            done = loader.records.digested(batch.no)
            loaded, rejected = (f"{done.loaded:,}", f"{done.rejected:,}") if done else ("", "")
            waits = "waiting" if batch.state == "received" and done is None else batch.state
            table.add_row(
                str(batch.no), batch.id[:10], batch.feed, escape(batch.file), batch.received_at[:16], f"{batch.rows:,}",
                loaded, rejected, waits, escape(batch.reason or ""),
            )  # fmt: skip
    console.print(table)
    console.print(f"{len(found):,} in all")


@app.command("release", epilog="Example: quanxi batch release 3f9a2c")
def release(id: Id) -> None:
    """Load a batch that was held, as it is."""

    def act(loader: Loader, batch: Batch) -> None:
        if batch.state != "held":
            raise UsageError(
                "BAD_ARGUMENT", f"批次 {id} 未被暂扣", f"batch {id} is not held, it is {batch.state}"
            )
        loader.release(batch)

    _act(id, act)


@app.command("retract", epilog="Example: quanxi batch retract 3f9a2c --reason 误发")
def retract(
    id: Id,
    reason: Annotated[str | None, typer.Option(help="Why, kept with the batch.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Take a batch back: the graph becomes what it would be without it. What that means is said first."""
    with Opened() as loader:
        batch = find_batch(loader, id)
        if batch.state in ("retracted", "purged"):
            raise UsageError(
                "BAD_ARGUMENT",
                f"批次 {id} 已无内容可撤回",
                f"batch {id} is {batch.state}: there is nothing to take back",
            )
        brought = list(loader.records.of_batch(batch.no))
        about = {owner for r in brought for owner in loader.owners_of(r)}
    console.print(
        f"{escape(batch.file)} ({batch.feed}, {batch.received_at[:16]}): {batch.rows:,} rows, of which "
        f"{len(brought):,} brought something new about {len(about):,} entities."
    )
    if not yes and not typer.confirm("Take it back 撤回?"):
        raise typer.Exit(1)
    _act(id, lambda loader, batch: loader.retract(batch, reason))


def _act(id: str, act: Callable[[Loader, Batch], object]) -> None:
    """Does something to a batch and brings the graph up to it."""
    from graph.constraints import ensure_schema

    settings = current_settings()

    async def run(loader: Loader, target: Any) -> Any:
        async with target.open() as store:
            await ensure_schema(store)
            with loader.ledger.lease():
                act(loader, find_batch(loader, id))
                return await loader.apply_waiting(store)

    with Bars() as step, Opened(step) as loader:
        summary = asyncio.run(run(loader, graph_of(settings, step)))
    print_summary(summary)


def find_batch(loader: Loader, id: str) -> Batch:
    """The batch of an id, the first letters of one, or a number.

    Raises:
        UsageError: NOT_FOUND when there is none, or are several.
    """
    found = [b for b in loader.ledger.batches() if b.id.startswith(id) or str(b.no) == id]
    if len(found) != 1:
        raise UsageError(
            "NOT_FOUND",
            f"没有编号为 {id} 的批次" if not found else f"{id} 对应多个批次",
            f"no batch is called {id}" if not found else f"{id} begins the ids of {len(found)} batches",
            "See `quanxi batch list`.",
        )
    return found[0]


class Opened:
    """The loader of the settings' data directory, closed afterwards."""

    def __init__(self, step: Callable[[str, int, int | None], None] | None = None) -> None:
        self._loader: Loader = make_loader(current_settings(), None, step)

    def __enter__(self) -> Loader:
        return self._loader

    def __exit__(self, *_: object) -> None:
        self._loader.close()
