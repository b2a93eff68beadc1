"""`quanxi catalog`: the declarations of feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ontology.errors import UsageError

app = typer.Typer(help="The declarations of feeds.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The declarations of feeds."""


@app.command("check", epilog="Example: quanxi catalog check   or   quanxi catalog check my_district")
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
    from loaders.catalogue import check_catalogue
    from ontology.terms import CATALOG

    root = directory or _catalog_of(context) or CATALOG
    found = check_catalogue(root)
    for mistake in found.mistakes:
        typer.echo(f"{_short(mistake.path)}:{mistake.line}: {mistake.zh}\n    {mistake.en}")
    if found.mistakes:
        files = len({m.path for m in found.mistakes})
        count = len(found.mistakes)
        typer.echo(f"{count} mistakes in {files} files 共 {count} 处错误")
        raise typer.Exit(1)
    if not found.declared:
        raise UsageError(
            "BAD_CATALOG", f"{root} 中没有声明", f"there is no declaration (feeds/*.yaml) in {root}"
        )
    departments = {d.declaration.department for d in found.declared}
    columns = sum(len(d.declaration.columns) for d in found.declared)
    typer.echo(
        f"{len(found.declared)} feeds of {len(departments)} departments, {columns} columns, {found.lists} term lists: "
        "no mistakes 声明无误"
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
