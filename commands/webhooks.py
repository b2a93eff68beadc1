"""`quanxi webhook`: other systems that are told of findings."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from commands.batches import Opened
from commands.common import current_settings, standing_traces
from ontology.errors import UsageError

if TYPE_CHECKING:
    from ledger import Ledger
    from ledger.webhooks import Webhooks

app = typer.Typer(help="Webhooks 推送: other systems that are told of findings.", no_args_is_help=True)
console = Console()
Name = Annotated[str, typer.Argument(help="The webhook's name.")]


@app.command(epilog="Example: quanxi webhook add dispatch https://dispatch.example/findings --severity red")
def add(
    name: Annotated[str, typer.Argument(help="What to call it: letters, digits, underscores.")],
    url: Annotated[str, typer.Argument(help="Where findings are posted to.")],
    trace: Annotated[list[str] | None, typer.Option(help="Only of this trace; may be given again.")] = None,
    severity: Annotated[
        list[str] | None, typer.Option(help="Only of this severity; may be given again.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option(help="Only when found, returned, grown, merged, cleared or judged.")
    ] = None,
    area: Annotated[str | None, typer.Option(help="Only in this place and below it, by its code.")] = None,
    after: Annotated[
        int | None,
        typer.Option(min=0, help="Begin after this cursor, 0 for all; else with what comes from now on."),
    ] = None,
) -> None:
    """Add a webhook. Its secret is printed once: the receiver checks signatures with it. A running server begins within seconds."""
    from ledger.webhooks import Wanted

    with Opened() as loader:
        for given, known, what in (
            (trace, set(_traces()), "trace"),
            (severity, set(loader.terms.lists["severity"]), "severity"),
            (change, set(loader.terms.lists["finding_change"]), "change"),
        ):
            if wrong := [x for x in given or () if x not in known]:
                raise UsageError(
                    "BAD_ARGUMENT",
                    f"没有 {wrong[0]}",
                    f"there is no {what} {wrong[0]}",
                    f"There are: {', '.join(sorted(known))}.",
                )
        wanted = Wanted(
            tuple(trace) if trace else None,
            tuple(severity) if severity else None,
            tuple(change) if change else None,
            loader.scheme.key(area) if area is not None else None,
        )
        made = _open(loader.ledger).add(name, url, wanted, after)
    console.print(f"{made.name} → {made.url}")
    console.print(f"secret 密钥 (shown once 仅此一次): {made.secret}", soft_wrap=True, highlight=False)


@app.command("list", epilog="Example: quanxi webhook list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List webhooks, how far each has been told, and what ails it."""
    with Opened() as loader:
        store = _open(loader.ledger)
        found, dead = store.all(), store.dead()
    if as_json:
        rows = [{k: v for k, v in dataclasses.asdict(w).items() if k != "secret"} for w in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("name", "url", "told up to 已至", "last taken 最近送达", "state 状态", "given up 未送达")
    for w in found:
        state = (
            f"paused: {w.paused}"
            if w.paused
            else f"failing since {w.failing_since}: {w.error}"
            if w.error
            else "well"
        )
        table.add_row(
            w.name,
            w.url,
            f"{w.cursor:,}",
            w.told_at or "—",
            state,
            str(sum(d.webhook == w.name for d in dead)),
        )
    console.print(table)


@app.command(epilog="Example: quanxi webhook dead dispatch")
def dead(name: Annotated[str | None, typer.Argument(help="Only of this webhook.")] = None) -> None:
    """List what webhooks would not take."""
    with Opened() as loader:
        found = _open(loader.ledger).dead(name)
    table = Table("webhook", "cursor", "given up at", "tries", "why 原因")
    for d in found:
        table.add_row(
            d.webhook,
            str(d.no),
            d.at,
            str(d.tries),
            d.error + (" · waits to be sent again" if d.again else ""),
        )
    console.print(table)


@app.command(epilog="Example: quanxi webhook retry dispatch --cursor 1204")
def retry(name: Name, cursor: Annotated[int | None, typer.Option(help="Only this one.")] = None) -> None:
    """Have what was given up sent once more, by the server that runs."""
    with Opened() as loader:
        count = _open(loader.ledger).again(name, cursor)
    console.print(f"{count:,} to be sent again 将重新发送")


@app.command(epilog="Example: quanxi webhook pause dispatch --why 系统升级")
def pause(name: Name, why: Annotated[str, typer.Option(help="Kept and shown.")] = "by hand") -> None:
    """Tell a webhook nothing until it is resumed; it then gets what it has missed."""
    with Opened() as loader:
        _open(loader.ledger).pause(name, why or "by hand")
    console.print("paused 已暂停")


@app.command(epilog="Example: quanxi webhook resume dispatch")
def resume(name: Name) -> None:
    """Go on telling a webhook, from where it was."""
    with Opened() as loader:
        _open(loader.ledger).pause(name, None)
    console.print("resumed 已恢复")


@app.command(epilog="Example: quanxi webhook remove dispatch")
def remove(name: Name) -> None:
    """Remove a webhook."""
    with Opened() as loader:
        _open(loader.ledger).remove(name)
    console.print("removed 已删除")


def _open(ledger: Ledger) -> Webhooks:
    from ledger.webhooks import Webhooks

    return Webhooks(ledger)


def _traces() -> list[str]:
    return list(standing_traces(current_settings())[0])
