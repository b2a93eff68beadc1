"""`quanxi catalog`: the declarations of feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

catalog_app = typer.Typer(help="The declarations of feeds.", no_args_is_help=True)


@catalog_app.callback()
def _group() -> None:
    """The declarations of feeds."""


@catalog_app.command("check", epilog="Example: quanxi catalog check   or   quanxi catalog check my_district")
def check(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(
            help="A catalogue (with feeds/ in it); else --catalog, else the one that comes along."
        ),
    ] = None,
) -> None:
    """Print every mistake in the feeds' declarations with file and line; exit code 1 when there is one."""
    from loaders.mistakes import check_feeds
    from loaders.wiring import catalog_terms_root
    from ontology.errors import UsageError
    from ontology.terms import CATALOG, load_terms

    root = directory or _catalog_of(context) or CATALOG
    feeds_of = root / "feeds" if (root / "feeds").is_dir() else root
    if not feeds_of.is_dir():
        raise UsageError("BAD_CATALOG", f"没有目录 {root}", f"there is no directory {root}")
    try:
        terms = load_terms(catalog_terms_root(root))
    except UsageError as error:
        typer.echo(f"{error.zh} {error.en}")
        raise typer.Exit(1) from None
    feeds, mistakes = check_feeds(feeds_of, terms)
    for mistake in mistakes:
        typer.echo(f"{_short(mistake.file)}:{mistake.line}: {mistake.zh}\n    {mistake.en}")
    if mistakes:
        files = len({m.file for m in mistakes})
        typer.echo(f"{len(mistakes)} mistakes in {files} files 共 {len(mistakes)} 处错误")
        raise typer.Exit(1)
    if not feeds:
        raise UsageError(
            "BAD_CATALOG", f"{root} 中没有声明", f"there is no declaration (*.yaml) in {feeds_of}"
        )
    departments = {feed.department for feed in feeds.values()}
    columns = sum(len(feed.columns) for feed in feeds.values())
    typer.echo(
        f"{len(feeds)} feeds of {len(departments)} departments, {columns} columns: no mistakes 声明无误"
    )


def _short(path: Path) -> str:
    """A path as seen from here, where it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _catalog_of(context: typer.Context) -> Path | None:
    """The catalogue that `quanxi --catalog` or the settings name."""
    from settings import Settings

    given = context.find_root().params.get("catalog")
    if given is not None:
        return Path(given)
    named: Path | None = Settings().catalog
    return named
