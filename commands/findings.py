"""`quanxi finding`: what the standing traces have found, and what a person says of it."""

from __future__ import annotations

import dataclasses
import getpass
import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from commands.batches import Opened
from ontology.errors import UsageError

if TYPE_CHECKING:
    from ledger import Finding, FindingLog, Ledger

app = typer.Typer(help="Findings 预警: list them, show one, judge it.", no_args_is_help=True)
console = Console()
Id = Annotated[str, typer.Argument(help="The finding's id, as `quanxi finding list` prints it.")]


@app.command("list", epilog="Example: quanxi finding list --trace hazard_relapse --area 330109002")
def list_(
    trace: Annotated[list[str] | None, typer.Option(help="Only of this trace; may be given again.")] = None,
    area: Annotated[str | None, typer.Option(help="Only in this place and below it, by its code.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; else all that stand.")] = None,
    first: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List findings, the newest first."""
    with Opened() as loader:
        key = loader.scheme.key(area) if area is not None else None
        found = [
            f
            for f in _log(loader.ledger).everything()
            if (f.is_open if state is None else f.state in state)
            and (trace is None or f.trace in trace)
            and (key is None or (f.place or "").startswith(key))
        ]
    found.sort(key=lambda f: (f.last, f.found_at, f.id), reverse=True)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(f) for f in found[:first]], ensure_ascii=False, indent=2))
        return
    table = Table()
    table.add_column("id · trace · severity · state", no_wrap=True)
    table.add_column("finding 预警", overflow="fold")
    table.add_column("last", no_wrap=True)
    for f in found[:first]:
        head = f"{f.id}\n[dim]{f.trace}\n{f.severity} · {f.state}"
        table.add_row(head, f"{f.sentence_zh}\n[dim]{f.sentence_en}", f.last)
    console.print(table)
    console.print(f"{len(found):,} in all")


@app.command("show", epilog="Example: quanxi finding show fin_1f2e3d4c5b6a7980")
def show(id: Id) -> None:
    """Show a finding whole, what shows it, and what has become of it."""
    with Opened() as loader:
        log = _log(loader.ledger)
        finding, history = _of(log, id), log.history(id)
    for name, value in dataclasses.asdict(finding).items():
        if value not in (None, (), []):
            console.print(f"{name:>14}  {', '.join(value) if isinstance(value, (list, tuple)) else value}")
    for entry in history:
        console.print(f"[dim]{entry.at}[/] {entry.change}: {entry.finding.state}, {entry.finding.count}")


@app.command(
    "judge", epilog="Example: quanxi finding judge fin_1f2e3d4c5b6a7980 dismissed --reason 已调解 --days 90"
)
def judge_(
    id: Id,
    verdict: Annotated[
        Literal["taken", "checking", "confirmed", "dismissed", "unsure"], typer.Argument(help="What it is.")
    ],
    reason: Annotated[str, typer.Option(help="Why, kept with the judgement.")],
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=730, help="When dismissed: find nothing about this subject for so many days."
        ),
    ] = None,
) -> None:
    """Judge a finding. The graph follows with the next load, or within seconds where a server runs."""
    from traces.judging import ConflictError, judge

    with Opened() as loader:
        try:
            judge(_log(loader.ledger), loader.clock, id, verdict, reason, getpass.getuser(), days=days)
        except ConflictError:
            raise UsageError(
                "CONFLICT", "他人已先处理", "somebody else has changed it meanwhile", "Look at it again."
            ) from None
    console.print(f"{id}: {verdict}, kept 已记下")


def _log(ledger: Ledger) -> FindingLog:
    from ledger import FindingLog

    return FindingLog(ledger)


def _of(log: FindingLog, id: str) -> Finding:
    finding = log.get(id)
    if finding is None:
        raise UsageError("NOT_FOUND", f"没有预警 {id}", f"there is no finding {id}")
    return finding
