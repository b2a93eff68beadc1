"""Bytes of a file to rows of strings: CSV and XLSX, UTF-8 or GB18030."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ontology.errors import UsageError

SUFFIXES = (".csv", ".xlsx")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows as received, every cell a string or null, under the header's names. `row 2` is the first of them."""

    file: str
    sheet: str | None
    digest: str
    file_date: str | None
    rows: pl.DataFrame


def file_date(name: str) -> str | None:
    """The day in a department's file name (`公安_警情_20251215.csv` → `2025-12-15`), or None."""
    found = re.search(r"(?<!\d)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)", name)
    return "-".join(found.groups()) if found else None


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        "BAD_FILE",
        f"无法读取文件 {path.name}:{why}",
        f"{path}: {why}",
        "Ask the department for a CSV (UTF-8 or GB18030) or XLSX file.",
    )


def read(path: Path, encoding: str | None = None) -> list[Sheet]:
    """Reads a file into sheets (a CSV has one).

    Raises:
        UsageError: BAD_FILE when it is no file, is empty, is not text in a known encoding, or its rows are ragged.
    """
    if not path.is_file():
        raise UsageError("BAD_FILE", f"没有文件 {path}", f"there is no file {path}")
    data = path.read_bytes()
    if not data.strip():
        raise _unreadable(path, "the file is empty")
    digest = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() == ".xlsx":
        return _xlsx(path, digest)
    if data[:4] == b"PK\x03\x04":
        raise _unreadable(path, "it is a spreadsheet or archive with the ending .csv")
    if encoding is None:
        try:
            data.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "gb18030"
    if encoding is not None:
        try:
            data = data.decode(encoding).encode()
        except (UnicodeDecodeError, LookupError):
            raise _unreadable(path, "it is neither UTF-8 nor GB18030 text") from None
    try:
        rows = pl.read_csv(
            data,
            infer_schema=False,
            encoding="utf8",
        )
    except (
        pl.exceptions.ComputeError,
        pl.exceptions.NoDataError,
        pl.exceptions.ShapeError,
    ) as error:
        raise _unreadable(path, str(error).split("\n")[0]) from None
    return [Sheet(path.name, None, digest, file_date(path.name), _clean_header(rows))]


def _clean_header(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.rename({c: c.strip().lstrip("\ufeff").strip('"') for c in rows.columns})


def _xlsx(path: Path, digest: str) -> list[Sheet]:
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
    except Exception as error:
        raise _unreadable(path, f"it is not a readable workbook ({error})") from None
    sheets = []
    for name in book.sheet_names:
        grid = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        if len(grid) < 2:
            continue
        header = [str(c).strip() for c in grid[0]]
        columns = {
            h: pl.Series(h, [_cell(r[i]) for r in grid[1:]], dtype=pl.String)
            for i, h in enumerate(header)
            if h
        }
        sheets.append(Sheet(path.name, name, digest, file_date(path.name), pl.DataFrame(columns)))
    if not sheets:
        raise _unreadable(path, "no sheet has rows")
    return sheets


def _cell(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
