"""`quanxi unplaced`: what feeds say of places that is not sure, and what it may mean."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.batches import Opened

console = Console()


def unplaced(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    outcome: Annotated[
        Literal["nowhere", "ask", "unresolved", "outside"],
        typer.Option(
            help="ask: several places are possible, a person picks; unresolved; outside the district; nowhere: all without a sure place."
        ),
    ] = "nowhere",
    first: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What feeds say of places that are not sure, most frequent first; tried again when addresses are loaded."""
    if outcome != "nowhere":
        _waiting(feed, outcome, first, as_json)
        return
    with Opened() as loader:
        found = loader.unplaced_places(feed)
    if as_json:
        rows = [
            {"feed": u.feed, "text": u.text, "code": u.code, "authority": u.authority, "records": u.records}
            for u in found[:first]
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("feed", "address 地址", "code 编码", "records 记录")
    for u in found[:first]:
        code = " ".join(x for x in (u.authority, u.code) if x)
        table.add_row(u.feed, escape(u.text or ""), escape(code), f"{u.records:,}")
    console.print(table)
    console.print(f"{len(found):,} places of {sum(u.records for u in found):,} records in all")


def _waiting(feed: str | None, outcome: str, first: int, as_json: bool) -> None:
    from addresses.resolution import Outcome
    from loaders.resolving import Resolving

    with Opened() as loader:
        resolving = Resolving(loader)
        found, total = resolving.waiting(Outcome(outcome.upper()), feed, first)
        names = resolving.full_names([c.code for w in found for c in w.resolution.alternatives])
    if as_json:
        rows = [
            {
                "feed": w.feed, "text": w.text, "code": w.code, "authority": w.authority, "records": w.records,
                "alternatives": [
                    {"code": c.code, "fullName": names.get(c.code), "confidence": round(c.confidence, 4)}
                    for c in w.resolution.alternatives
                ],
            }
            for w in found
        ]  # fmt: skip
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("feed", "address 地址", "records 记录", "candidates 候选")
    for w in found:
        said = "\n".join(
            f"{c.code} {names.get(c.code, '')} {c.confidence:.2f}" for c in w.resolution.alternatives
        )
        table.add_row(w.feed, escape(w.text or w.code or ""), f"{w.records:,}", escape(said))
    console.print(table)
    console.print(f"{total:,} in all. Decide: quanxi resolve pick TEXT CODE --reason …", highlight=False)
