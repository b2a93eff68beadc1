"""`quanxi plate`: what the QR code of a door plate says, and reading it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.common import current_settings

if TYPE_CHECKING:
    from addresses.scheme import Scheme

app = typer.Typer(help="Door plates: the text of their QR codes, and what a text says.", no_args_is_help=True)


@app.command("text", epilog="Example: quanxi plate text 330109002001")
def text(
    codes: Annotated[list[str], typer.Argument(help="Address codes.")],
    svg: Annotated[
        Path | None,
        typer.Option(help="Directory to draw the QR codes in, CODE.svg for each; needs the package segno."),
    ] = None,
) -> None:
    """Print what the QR codes of addresses say, one a line, or draw them. 门牌二维码内容"""
    from addresses.plate import plate_svg, plate_text

    scheme = _scheme()
    texts = {scheme.parse(code).code: plate_text(code, scheme) for code in codes}
    drawn = {} if svg is None else {code: plate_svg(code, scheme) for code in texts}
    for line in texts.values():
        typer.echo(line)
    if svg is not None:
        svg.mkdir(parents=True, exist_ok=True)
        for code, picture in drawn.items():
            path = svg / f"{code.replace('/', '_')}.svg"
            path.write_bytes(picture)
            typer.echo(path)


@app.command("read", epilog="Example: quanxi plate read CN-330109:1:330109002001:8G")
def read(
    text: Annotated[str, typer.Argument(help="What was scanned.")],
) -> None:
    """Say which address a plate is of, as JSON; what is wrong with it is told apart. 读门牌"""
    from addresses.plate import read_plate

    scheme = _scheme()
    plate = read_plate(text, scheme)
    told = {
        "code": plate.code, "level": plate.level, "scheme": scheme.name, "version": plate.version, "asMade": plate.as_made,
    }  # fmt: skip
    typer.echo(json.dumps(told, ensure_ascii=False))


def _scheme() -> Scheme:
    from loaders.wiring import catalog_scheme

    return catalog_scheme(current_settings().catalog)
