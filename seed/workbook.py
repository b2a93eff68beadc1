"""A workbook of one sheet of texts, written by columns: several times as fast as cell by cell."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import polars as pl

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs></styleSheet>'
)
_BATCH: Final = 50_000
# XML has no way to say these.
_CONTROL: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


def column_letters(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _rows(frame: pl.DataFrame, first: int) -> str:
    """`<row>` elements of the frame's rows, which stand on the sheet from row `first` on."""
    numbered = frame.with_row_index("__row", offset=first).with_columns(pl.col("__row").cast(pl.String))
    cells = []
    for index, name in enumerate(frame.columns):
        text = (
            pl.col(name)
            .str.replace_all(_CONTROL, "")
            .str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
        )
        start, row = pl.lit(f'<c r="{column_letters(index)}'), pl.col("__row")
        whole = pl.concat_str(
            start, row, pl.lit('" t="inlineStr"><is><t xml:space="preserve">'), text, pl.lit("</t></is></c>")
        )
        cells.append(pl.when(pl.col(name) != "").then(whole).otherwise(pl.lit("")))
    line = pl.concat_str(pl.lit('<row r="'), pl.col("__row"), pl.lit('">'), *cells, pl.lit("</row>"))
    return "".join(numbered.select(line.alias("line"))["line"])


def write_workbook(path: Path, frame: pl.DataFrame, sheet: str, note: str, made: date) -> None:
    """Write a workbook; the same arguments give the same bytes.

    Args:
        frame: columns of text; null and empty cells stay empty. At most 1,048,575 rows.
        sheet: the sheet's name, at most 31 characters.
        note: the comment in the document's properties.
        made: the day in its properties, rather than the machine's.
    """
    header = pl.DataFrame({f"c{index}": [name] for index, name in enumerate(frame.columns)})
    body = io.StringIO()
    body.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_rows(header, 1)}')
    for start in range(0, len(frame), _BATCH):
        body.write(_rows(frame.slice(start, _BATCH), start + 2))
    body.write("</sheetData></worksheet>")
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
        '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>',
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(sheet)}</dc:title><dc:description>{escape(note)}</dc:description>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{made.isoformat()}T00:00:00Z</dcterms:created></cp:coreProperties>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as book:
        for name, text in parts.items():
            book.writestr(zipfile.ZipInfo(name), _HEAD + text, zipfile.ZIP_DEFLATED)
        book.writestr(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), body.getvalue(), zipfile.ZIP_DEFLATED)
