"""`quanxi quarantine`: rows that were kept out, their way back to the department, and in again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.batches import Opened, find_batch
from commands.common import Bars, current_settings, graph_of, print_summary
from commands.files import check_workbook, write_private
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

app = typer.Typer(
    help="Rows that were kept out: list them, send them back, take them corrected.", no_args_is_help=True
)
console = Console()


@app.command("list", epilog="Example: quanxi quarantine list --feed residents")
def list_(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only this batch, by id or number.")] = None,
    notes: Annotated[
        bool, typer.Option("--notes", help="Instead, what was left out of rows that were taken.")
    ] = False,
    settled: Annotated[
        bool, typer.Option("--settled", help="Instead, rows that came back right, and in which batch.")
    ] = False,
    first: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
) -> None:
    """Rows kept out, with file, sheet, row, column, value and reason."""
    with Opened() as loader:
        records, ledger = loader.records, loader.ledger
        if settled:
            table = Table("file", "sheet", "row", "settled by batch 更正批次", "file 更正文件")
            for no, row, by in records.settled(feed, first):
                was, now = ledger.batch_by_no(no), ledger.batch_by_no(by)
                cells = [was.file, was.sheet or "", str(row), now.id[:10], now.file]
                table.add_row(*map(escape, cells))
            console.print(table)
            return
        only = find_batch(loader, batch).no if batch is not None else None
        rows = (records.notes if notes else records.quarantined)(feed, only, first)
        table = Table("file", "sheet", "row", "column", "value", "原因", "reason")
        batches = {no: ledger.batch_by_no(no) for no in {r.batch for r in rows}}
        for r in rows:
            of = batches[r.batch]
            told = (of.file, of.sheet, str(r.row), r.column, r.value, r.zh, r.en)
            table.add_row(*(escape(c) if c is not None else "" for c in told))
        size = records.notes_size(feed) if notes else records.quarantine_size(feed)
    console.print(table)
    console.print(f"{size:,} in all")


@app.command("export", epilog="Example: quanxi quarantine export residents 退回_公安_实有人口.xlsx")
def export(
    feed: Annotated[str | None, typer.Argument(help="The feed; left out when --batch names one.")] = None,
    output: Annotated[
        Path | None, typer.Argument(help="Where to write it; the feed's title when left out.")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Only this batch, by id or number.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a workbook for the department: the faulty rows whole, the faulty cells marked, and why."""
    from loaders.returned import workbook

    if batch is not None and feed is not None and output is None and feed.endswith(".xlsx"):
        output, feed = Path(feed), None
    with Opened() as loader:
        of = find_batch(loader, batch) if batch is not None else None
        name = of.feed if of is not None else feed
        if name is None or (of is not None and feed not in (None, of.feed)):
            raise UsageError(
                "BAD_ARGUMENT",
                "请指定数据源,或用 --batch 指定它的一个批次",
                "name a feed, or a batch of it with --batch",
                "Example: quanxi quarantine export residents",
            )
        declared = loader.feed_of(Path(), name)
        day = datetime.now(SHANGHAI).strftime("%Y%m%d")
        path = output or Path(f"退回_{declared.zh.replace('·', '_').replace('/', '_')}_{day}.xlsx")
        check_workbook(path, force)
        content, rows = workbook(loader, name, of)
    write_private(path, content)
    console.print(
        f"{path}: {rows:,} 行 rows; 更正后 when corrected: quanxi quarantine retry FILE.xlsx",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


@app.command("retry", epilog="Example: quanxi quarantine retry 退回_公安_实有人口.xlsx")
def retry(
    file: Annotated[
        Path, typer.Argument(help="The workbook as it came back, corrected in whole or in part.")
    ],
) -> None:
    """Take corrected rows back in; rows that are still wrong stay kept out. The same file twice changes nothing."""
    from loaders.load import retry as take

    with Bars() as step, Opened(step) as loader:
        before = loader.records.quarantine_size()
        summary = asyncio.run(take(loader, graph_of(current_settings(), step), file))
        after = loader.records.quarantine_size()
    print_summary(summary)
    console.print(f"kept out 未入库: {before:,} → {after:,}", highlight=False)
