"""`quanxi disagreements`: where departments contradict each other, and the list for each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.batches import Opened
from commands.files import check_workbook, write_private

console = Console()


def disagreements(
    department: Annotated[
        str | None, typer.Option(help="What this department says that does not stand against another's.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="Only this field, such as name, or AT for a thing's place.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write them all to this workbook (.xlsx), for the department."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    first: Annotated[int, typer.Option(min=1, help="How many to print.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Where departments contradict each other: what each says, and which of it the graph shows."""
    from loaders.mend import Disagreements, workbook
    from loaders.why import Explainer

    with Opened() as loader:
        listed = Disagreements(loader, Explainer(loader, loader.ledger))
        if output is not None:
            check_workbook(output, force)
            content, rows = workbook(listed.rows(department, field))
            write_private(output, content)
            console.print(f"{output}: {rows:,} 行 rows", markup=False, highlight=False, soft_wrap=True)
            return
        found, size = listed.page(department, field, first)
        if as_json:
            told = [{"id": d.id, "field": d.field, "says": [f.as_dict() for f in d.says]} for d in found]
            typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
            return
        table = Table("id", "what 名称", "field 字段", "says 所述", "", "feed 数据源", "file", "row")
        for d in found:
            name = listed.called(d.id)
            for i, f in enumerate(d.says):
                value = f.value or ""
                shown = listed.called(value) if value.startswith("adr_") else value
                about = (d.id, name, d.field) if i == 0 else ("", "", "")
                cells = (*about, shown, "✓" if f.chosen else "", f.feed, f.file or "", str(f.row or ""))
                table.add_row(*map(escape, cells))
        console.print(table)
        told_all = " · ".join(f"{name} {n:,}" for name, n in listed.departments().items())
    console.print(f"{size:,} in all; to mend 待核实: {told_all or 'none'}", highlight=False)
