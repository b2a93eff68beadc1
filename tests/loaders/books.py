"""Workbooks as a spreadsheet sees them: each cell with its text, format, mark and comment; and one saved anew."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import python_calamine
import xlsxwriter

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: `text` is null where there is none but a format; `formula` whether it would be calculated."""

    text: str | None
    is_string: bool
    formula: bool
    format: str
    quoted: bool
    filled: bool
    comment: str | None


def first_sheet(path: Path) -> list[dict[str, Cell]]:
    """The rows of a workbook's first sheet below its header, by column."""
    with zipfile.ZipFile(path) as book:
        strings = [
            "".join(t.text or "" for t in item.iter(f"{_MAIN}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        styles = ElementTree.fromstring(book.read("xl/styles.xml"))
        formats = list(styles.find(f"{_MAIN}cellXfs") or [])
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        comments = {}
        if "xl/comments1.xml" in book.namelist():
            for item in ElementTree.fromstring(book.read("xl/comments1.xml")).iter(f"{_MAIN}comment"):
                comments[item.get("ref")] = "".join(t.text or "" for t in item.iter(f"{_MAIN}t"))
    rows: list[dict[str, Cell]] = []
    names: dict[str, str] = {}
    for row in sheet.iter(f"{_MAIN}row"):
        cells = {}
        for cell in row.iter(f"{_MAIN}c"):
            ref = cell.get("r") or ""
            column = ref.rstrip("0123456789")
            value, style = cell.find(f"{_MAIN}v"), formats[int(cell.get("s") or 0)]
            is_string = cell.get("t") == "s"
            text = value.text if value is not None else None
            if is_string and text is not None:
                text = strings[int(text)]
            if row.get("r") == "1":
                names[column] = text or ""
                continue
            cells[names[column]] = Cell(
                text,
                is_string,
                cell.find(f"{_MAIN}f") is not None,
                "@" if style.get("numFmtId") == "49" else "",
                style.get("quotePrefix") == "1",
                style.get("fillId") not in (None, "0"),
                comments.get(ref),
            )
        if row.get("r") != "1":
            rows.append(cells)
    return rows


def values(path: Path) -> list[dict[str, object]]:
    """The rows of the first sheet as plain values, by column."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    header, *rows = book.get_sheet_by_index(0).to_python()
    return [{str(h): v for h, v in zip(header, row, strict=True)} for row in rows]


def save(path: Path, rows: list[dict[str, object]]) -> Path:
    """Rows as somebody's spreadsheet saves them: values only, without formats, comments and other sheets."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    for i, name in enumerate(dict.fromkeys(c for row in rows for c in row)):
        sheet.write(0, i, name)
        for at, row in enumerate(rows, 1):
            sheet.write(at, i, row.get(name))
    book.close()
    return path
