"""`quanxi link`: who may be whom, and what a person decides of it."""

from __future__ import annotations

import dataclasses
import getpass
import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from commands.batches import Opened

if TYPE_CHECKING:
    from loaders.identity.judging import Judging
    from loaders.run import Loader

app = typer.Typer(help="Who may be whom: list what is linked or asked, and judge it.", no_args_is_help=True)
console = Console()


@app.command("list", epilog="Example: quanxi link list --kind incident --state link")
def list_(
    kind: Annotated[Literal["person", "incident"], typer.Option(help="What is linked.")] = "person",
    state: Annotated[Literal["ask", "link"], typer.Option(help="Asked of a person, or decided.")] = "ask",
    first: Annotated[int, typer.Option(min=1, help="How many, the surest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List links, the surest first, with what agrees."""
    with Opened() as loader:
        found, total = _judging(loader).decisions(kind, state.upper(), first)
    if as_json:
        rows = [{"id": d.id, **dataclasses.asdict(d)} for d in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("id", "score", "agrees 相符", "known as 归入", "judged 判定")
    for d in found:
        judged = f"{d.judged.verdict} · {d.judged.judge} · {d.judged.reason}" if d.judged else ""
        table.add_row(d.id, f"{d.link.score:.3f}", d.link.why, d.of, judged)
    console.print(table)
    console.print(f"{total:,} in all")


@app.command("judge", epilog="Example: quanxi link judge per_a~per_b different --reason 同名不同人")
def judge(
    id: Annotated[str, typer.Argument(help="The link's id, as `quanxi link list` prints it.")],
    verdict: Annotated[Literal["same", "different"], typer.Argument(help="Whether the two are one.")],
    reason: Annotated[str, typer.Option(help="Why, kept with the judgement.")],
) -> None:
    """Judge a link. The graph follows with the next load, or within seconds where a server runs."""
    with Opened() as loader:
        _judging(loader).judge(id, verdict == "same", reason, getpass.getuser())
    console.print(f"{id}: {verdict}, kept 已记下")


def _judging(loader: Loader) -> Judging:
    from loaders.identity.judging import Judging
    from loaders.why import Explainer

    return Judging(loader, Explainer(loader, loader.ledger))
