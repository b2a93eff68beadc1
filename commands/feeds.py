"""`quanxi feeds`: what is declared, a declaration for an unknown file, a workbook for a department to fill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ontology.errors import UsageError

app = typer.Typer(help="What departments send: declared feeds, and declaring new ones.", no_args_is_help=True)
console = Console()


def _catalog(ctx: typer.Context) -> Path | None:
    """The catalogue that is asked for: the command's own option, else the setting."""
    from settings import Settings

    given: Path | None = ctx.find_root().params.get("catalog")
    return given if given is not None else Settings().catalog


def _feeds(catalog: Path | None) -> dict[str, Any]:
    from loaders.declaration import load_feeds
    from ontology.terms import CATALOG

    return dict(load_feeds((catalog or CATALOG) / "feeds"))


def _feed(catalog: Path | None, name: str) -> Any:
    feeds = _feeds(catalog)
    if name not in feeds:
        raise UsageError(
            "UNKNOWN_FEED",
            f"没有名为 {name} 的数据源",
            f"no feed is called {name}",
            f"Known: {', '.join(feeds)}.",
        )
    return feeds[name]


def _keep(text: str | None, path: Path, force: bool) -> None:
    """Refuses a file that is there, and one in no directory; writes the text, if any."""
    if path.exists() and not force:
        raise UsageError(
            "BAD_ARGUMENT", f"{path} 已存在", f"{path} is there already", "Name another file, or add --force."
        )
    if not path.parent.is_dir():
        raise UsageError("BAD_ARGUMENT", f"没有目录 {path.parent}", f"there is no directory {path.parent}")
    if text is not None:
        path.write_text(text, encoding="utf-8")


@app.command("list", epilog="Example: quanxi feeds list")
def feeds_list(ctx: typer.Context) -> None:
    """List the declared feeds: who sends them, and which files they take."""
    table = Table("feed", "数据源", "department 部门", "files 文件名", "columns 列")
    feeds = _feeds(_catalog(ctx))
    for feed in feeds.values():
        table.add_row(
            feed.feed,
            escape(feed.zh),
            escape(feed.department),
            escape(", ".join(feed.match)),
            str(len(feed.columns)),
        )
    console.print(table)
    departments = len({f.department for f in feeds.values()})
    console.print(f"{len(feeds)} feeds 数据源 · {departments} departments 部门")


@app.command("show", epilog="Example: quanxi feeds show alarms")
def feeds_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A feed's name, as in `quanxi feeds list`.")]
) -> None:
    """Say what a feed is: who sends it, its columns, and what becomes of a row."""
    from loaders.plain import column_words, sentences

    feed = _feed(_catalog(ctx), name)
    console.print(f"[bold]{escape(feed.feed)}[/] {escape(feed.zh)} · {escape(feed.en)}", highlight=False)
    console.print(
        f"部门 department: {feed.department}; 法律依据 legal basis: {feed.legal_basis or '—'}", markup=False
    )
    console.print(
        f"文件名 files: {', '.join(feed.match)}; 主键 key: {', '.join(feed.key)}",
        markup=False,
        highlight=False,
    )
    said = feed.effective or "文件名中的日期 the day in the file's name"
    console.print(f"生效 effective: {said}; 可信度 trust: {feed.trust}", markup=False, highlight=False)
    table = Table("column 列", "type 类型", "必填", "值有误时 bad value")
    for column, spec in feed.columns.items():
        zh, en = column_words(spec)
        bad = {"reject": "隔离整行 row kept out", "drop": "只弃此值 value left out"}[spec.on_bad]
        free = spec.type.value in ("text", "list") and spec.matches is None and spec.digits is None
        table.add_row(
            escape(column), escape(f"{zh} {en}"), "✓" if spec.required else ("可无" if spec.optional else ""),
            "" if free else bad,
        )  # fmt: skip
    console.print(table)
    console.print("一行成为 a row becomes:")
    for line in sentences(feed):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


@app.command(
    "init", epilog="Example: quanxi feeds init 残联_残疾人名册_20251215.xlsx -o catalog/feeds/disabled.yaml"
)
def feeds_init(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that no feed is declared for.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write the declaration; printed when left out."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Look at an unknown file and propose its declaration, as YAML with comments, to be edited."""
    from loaders.look import look
    from loaders.propose import propose
    from loaders.wiring import catalog_scheme, catalog_terms_root
    from ontology.terms import load_terms

    catalog = _catalog(ctx)
    feeds = _feeds(catalog)
    if output is not None:
        _keep(None, output, force)
    found = look(file, load_terms(catalog_terms_root(catalog)), catalog_scheme(catalog), feeds)
    text = propose(found, feeds, output.stem if output is not None else None)
    if output is None:
        typer.echo(text, nl=False)
        return
    _keep(text, output, force)
    console.print(
        f"{output}: {len(found.columns)} 列 columns, 样本 {found.rows:,} 行 rows; "
        f"{text.count('TODO')} 处待定 marks TODO", markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print("核对后 when you have checked it: quanxi catalog check", highlight=False)


@app.command("template", epilog="Example: quanxi feeds template residents -o 公安_实有人口.xlsx")
def feeds_template(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A feed's name, as in `quanxi feeds list`.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; the feed's title when left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a workbook for a department to fill in: drop-downs, text cells for long numbers, an example."""
    from loaders.template import form
    from loaders.wiring import catalog_terms_root
    from ontology.terms import load_terms

    catalog = _catalog(ctx)
    feed = _feed(catalog, name)
    path = output or Path(f"{feed.zh.replace('·', '_')}.xlsx")
    if path.suffix.lower() != ".xlsx":
        raise UsageError(
            "BAD_ARGUMENT", f"{path} 应以 .xlsx 结尾", f"{path}: a workbook's name ends in .xlsx"
        )
    _keep(None, path, force)
    path.write_bytes(form(feed, load_terms(catalog_terms_root(catalog))))
    console.print(f"{path}: {feed.zh}", markup=False, highlight=False, soft_wrap=True)
