"""`quanxi resolve`: which places texts name, of a file's column or of one text, and what a person picks where several are possible."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from commands.batches import Opened
from commands.common import Bars, current_settings
from ontology.errors import UsageError

if TYPE_CHECKING:
    from addresses.resolution import Candidate, Resolution
    from loaders.resolving import Resolving
    from loaders.run import Loader

console = Console()
OUTCOMES = {
    "RESOLVED": ("可采信", "green"),
    "ASK": ("待人选", "yellow"),
    "UNRESOLVED": ("认不出", "red"),
    "OUTSIDE": ("区外", "magenta"),
}


class _FilesWithoutName(TyperGroup):
    """`quanxi resolve X` is `quanxi resolve file X`, unless X is a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["file", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FilesWithoutName,
    help="Which places texts name: of a file's column, or one text; and what a person picks where several are possible.",
    epilog='Example: quanxi resolve 名册.xlsx --column 地址   or   quanxi resolve --text "北干街道金城路100号"',
    no_args_is_help=True,
)


@app.command(
    "file",
    epilog='Example: quanxi resolve file 名册.xlsx --column 地址 -o 名册_定位.xlsx   or   quanxi resolve --text "金城路100号"',
)
def file(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A table: CSV, XLSX, JSONL, Parquet, …", show_default=False),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column with the texts; found by its name when left out.")
    ] = None,
    near: Annotated[
        str | None, typer.Option(help="Code of a place in or by which the texts are likelier.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write it: .csv, .xlsx, .jsonl or .parquet; beside FILE when left out.",
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="One text instead of a file.")] = None,
    first: Annotated[int, typer.Option(min=1, max=20, help="How many alternatives at most.")] = 3,
    sheet: Annotated[str | None, typer.Option(help="Only this sheet (* stands for anything).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --text: print JSON.")] = False,
) -> None:
    """Say which place each text of a column names: its code, level, confidence and why. Needs no server and no Neo4j."""
    if (path is None) == (text is None):
        raise UsageError(
            "BAD_ARGUMENT",
            "请指定一个文件,或用 --text 指定一条文本",
            "name a file, or one text with --text",
            "Example: quanxi resolve 名册.xlsx --column 地址",
        )
    if text is not None:
        with _Base() as (loader, resolving):
            said = resolving.resolve(text, near, first)
            names = resolving.full_names([c.code for c in _candidates(said)])
            if as_json:
                typer.echo(json.dumps(_plain(said, names), ensure_ascii=False, indent=2))
            else:
                explain(loader, text, said, names)
        return
    assert path is not None
    _column(path, column, near, output, first, sheet, force)


def _column(
    path: Path,
    column: str | None,
    near: str | None,
    output: Path | None,
    first: int,
    sheet: str | None,
    force: bool,
) -> None:
    from loaders.resolved_file import resolved, target, write

    where = output or target(path)
    if where.exists() and not force:
        raise UsageError(
            "BAD_ARGUMENT",
            f"{where} 已存在",
            f"{where} is there already",
            "Name another file, or add --force.",
        )
    if not where.parent.is_dir():
        raise UsageError("BAD_ARGUMENT", f"没有目录 {where.parent}", f"there is no directory {where.parent}")
    with Bars() as step, _Base() as (loader, _):
        done = resolved(loader, path, column, near, first, sheet, step)
        write(where, done.sheets)
    table = Table("outcome 结果", "rows 行", "distinct 不同文本")
    for outcome, (zh, colour) in OUTCOMES.items():
        rows, texts = done.rows[outcome], done.texts[outcome]
        table.add_row(f"[{colour}]{outcome}[/] {zh}", f"{rows:,}", f"{texts:,}")
    console.print(table)
    empty = f"; {done.empty:,} 行无地址 rows without a text" if done.empty else ""
    bad = f"; {done.unread:,} 行无法读取 rows could not be read" if done.unread else ""
    console.print(
        f"{where}: {done.column}{empty}{bad}", markup=False, highlight=False, soft_wrap=True
    )  # fmt: skip


@app.command("pick", epilog="Example: quanxi resolve pick 紫霞村12号 330109004012 --reason 与报送单位核实")
def pick(
    text: Annotated[str, typer.Argument(help="The text, as `quanxi unplaced` prints it.")],
    code: Annotated[str, typer.Argument(help="The code of the place that it names.")],
    reason: Annotated[str, typer.Option(help="Why, kept with the decision.")],
) -> None:
    """Say which place a text names. It holds for every text written alike; the graph follows with the next load, or within seconds where a server runs."""
    with _Base() as (_, resolving):
        kept = resolving.pick(text, code, reason, getpass.getuser())
    console.print(f"{kept.text} → {kept.code}: kept 已记下", markup=False, highlight=False, soft_wrap=True)


@app.command("unpick", epilog="Example: quanxi resolve unpick 紫霞村12号 --reason 选错")
def unpick(
    text: Annotated[str, typer.Argument(help="The text.")],
    reason: Annotated[str, typer.Option(help="Why, kept with the decision.")],
) -> None:
    """Take back what was picked of a text."""
    with _Base() as (_, resolving):
        resolving.pick(text, None, reason, getpass.getuser())
    console.print(f"{text}: taken back 已撤回", markup=False, highlight=False, soft_wrap=True)


@app.command("picks", epilog="Example: quanxi resolve picks")
def picks(
    first: Annotated[int, typer.Option(min=1, help="How many of the last.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what people picked, the last first."""
    from loaders.resolving import Resolving

    with Opened() as loader:
        found = Resolving(loader).picks()
    if as_json:
        rows = [
            {"text": p.text, "code": p.code, "by": p.judge, "at": p.at, "reason": p.reason} for p in found
        ]
        typer.echo(json.dumps(rows[:first], ensure_ascii=False, indent=2))
        return
    table = Table("text 文本", "code 编码", "by 何人", "at 何时", "reason 理由")
    for p in found[:first]:
        table.add_row(escape(p.text), p.code, escape(p.judge), p.at[:16], escape(p.reason or ""))
    console.print(table)
    console.print(f"{len(found):,} in all")


def explain(loader: Loader, text: str, said: Resolution, names: dict[str, str]) -> None:
    """Prints what a text was understood as, for a person."""
    zh, colour = OUTCOMES[said.outcome.value]
    console.print(f"[bold]{escape(text)}[/]", highlight=False, soft_wrap=True)
    console.print(f"[{colour}]{said.outcome.value}[/] {zh}", highlight=False)
    if said.best is not None:
        _told(loader, said.best, names)
    if said.alternatives:
        console.print(
            "candidates 候选:" if said.outcome.value == "ASK" else "others 其他可能:", highlight=False
        )
        for candidate in said.alternatives:
            _told(loader, candidate, names)
    if said.parse:
        table = Table("characters 字", "element 要素", "text 原文")
        for e in said.parse:
            term = loader.terms.get("address_element", e.type)
            table.add_row(f"{e.start}–{e.end}", f"{term.zh} {term.en}", escape(e.text))
        console.print(table)


def _told(loader: Loader, candidate: Candidate, names: dict[str, str]) -> None:
    from addresses.reasons import reason_words

    level = loader.terms.get("address_level", candidate.level)
    name = names.get(candidate.code, "")
    console.print(
        f"  {candidate.code}  {name}  {level.zh} {level.en}  {candidate.confidence:.4f}", markup=False, highlight=False,
        soft_wrap=True,
    )  # fmt: skip
    for reason in candidate.because:
        console.print(
            f"    · {' · '.join(reason_words(*reason))}", markup=False, highlight=False, soft_wrap=True
        )


def _candidates(said: Resolution) -> list[Candidate]:
    return [c for c in (said.best, *said.alternatives) if c is not None]


def _plain(said: Resolution, names: dict[str, str]) -> dict[str, Any]:
    def candidate(c: Candidate) -> dict[str, Any]:
        return {
            "code": c.code, "level": c.level, "confidence": round(c.confidence, 4), "fullName": names.get(c.code),
            "because": [list(reason) for reason in c.because],
        }  # fmt: skip

    return {
        "outcome": said.outcome.value,
        "best": candidate(said.best) if said.best is not None else None,
        "alternatives": [candidate(c) for c in said.alternatives],
        "parse": [e._asdict() for e in said.parse],
    }


class _Base:
    """The address base of the data directory, and who answers from it; closed afterwards."""

    def __enter__(self) -> tuple[Loader, Resolving]:
        from loaders.resolving import Resolving

        data = current_settings().data
        if not (data / "ledger" / "records.db").is_file():
            raise _no_addresses(data)
        self._opened = Opened()
        loader = self._opened.__enter__()
        if not len(loader.places.gazetteer):
            self._opened.__exit__()
            raise _no_addresses(data)
        return loader, Resolving(loader)

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__()


def _no_addresses(data: Path) -> UsageError:
    return UsageError(
        "NO_ADDRESSES",
        f"数据目录 {data} 中还没有地址",
        f"the data directory {data} holds no addresses yet",
        "Load a feed of addresses first, as `quanxi load 资规_标准地址_20251215.csv`; or name another directory with --data.",
    )
