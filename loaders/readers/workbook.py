"""Workbooks: XLSX, XLS and ODS by calamine, with what it does not say looked up in the XML beside it.

Calamine gives values, merged ranges and which sheets are hidden, but nothing for a cell that holds an error, or a formula
that was never calculated; and it lays out a sheet from the first to the last filled cell, however far apart these are.
A look at the XLSX's own XML tells the first and guards against the second.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO
from xml.etree import ElementTree

import polars as pl
import python_calamine as calamine

from loaders.readers.grid import LOOKED_AT, Header, Tidy, find_header
from loaders.readers.model import ROW, Limits, Note, Notes, Reading, Source, file_date, unreadable
from loaders.readers.raw import GRACE, Raw, spooled, told_size

BATCH = 10_000
KEPT_CELLS = 2_000_000
FULL_DIGITS = 10**15
EXACT = 2**53
BLOCK = 1 << 20
# A cell's XML is far shorter than this; what is kept from one block to the next.
CELL = 1 << 16

ERROR = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)(\d+)"[^>]*>(.{0,400}?)</(?:\w+:)?c>', re.S
)
FORMULA = re.compile(rb'<(?:\w+:)?c\b[^>]*\br="([A-Z]+)(\d+)"[^>]*>\s*<(?:\w+:)?f\b(.*?)</(?:\w+:)?c>', re.S)
VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]+)<")
FAR = re.compile(rb'\br="([A-Z]{2,3})(\d+)"[^>]*(?<!/)>')
TWO_LETTERS = re.compile(rb'\br="[A-Z][A-Z]')
LAST = re.compile(rb'\br="[A-Z]+(\d+)"[^>]*(?<!/)>')

Value = str | int | float | bool | dt.date | dt.time | dt.timedelta | None


@dataclass(slots=True)
class Look:
    """What a sheet's XML says that calamine does not: cells with errors, formulas without a value, how far cells reach."""

    errors: list[tuple[int, str, str]] = field(default_factory=list)
    formulas: list[tuple[int, str]] = field(default_factory=list)
    error_count: int = 0
    formula_count: int = 0
    rows: int = 0
    columns: int = 26


def sheets(
    raw: Raw,
    blocks: Iterator[bytes],
    reading: Reading,
    declared: Sequence[str],
    key: Sequence[str],
    limits: Limits,
) -> list[Source]:
    """The sheets that have the header, each a source; all that have rows, when no columns are declared.

    Raises:
        UsageError: BAD_FILE when it is no workbook, is protected by a password, is damaged, would unpack to more
            than the limits allow, or has no sheet with rows.
    """
    book = _Book(raw, spooled(blocks), limits)
    found: list[tuple[_Sheet, Header]] = []
    skipped: list[Note] = []
    for place, meta in enumerate(book.book.sheets_metadata):
        name = meta.name
        if meta.typ != calamine.SheetTypeEnum.WorkSheet:
            continue
        if reading.sheet is not None and not fnmatch.fnmatchcase(name, reading.sheet):
            skipped.append(
                Note(None, f"工作表「{name}」不在所读范围,未读取", f"sheet {name} is not asked for")
            )
        elif reading.sheet is None and meta.visible != calamine.SheetVisibleEnum.Visible:
            skipped.append(
                Note(None, f"工作表「{name}」是隐藏的,未读取", f"sheet {name} is hidden: not read")
            )
        else:
            sheet = _Sheet(book, name, place, reading)
            header = sheet.begin(declared, key)
            if header is None:
                skipped.append(Note(None, f"工作表「{name}」没有内容", f"sheet {name} is empty"))
            else:
                found.append((sheet, header))
    best = max((h.found for _, h in found), default=0)
    enough = best if best * 2 <= len(set(declared)) else len(set(declared)) // 2 + 1
    sources: list[Source] = []
    for sheet, header in found:
        if header.found < enough or (declared and not best and sources):
            skipped.append(
                Note(
                    None,
                    f"工作表「{sheet.name}」没有这一表头,未读取",
                    f"sheet {sheet.name} has not the header: not read",
                )
            )
            continue
        sources.append(
            Source(
                raw.name,
                sheet.name,
                file_date(raw.name),
                header.columns,
                sheet.frames(),
                sheet.notes,
                [],
                raw.digest,
            )
        )
    if not sources:
        raise unreadable(raw.name, "没有任何工作表含有数据行", "no sheet has rows")
    sources[0].notes[:0] = skipped
    return sources


class _Book:
    """A workbook opened once for all its sheets."""

    def __init__(self, raw: Raw, file: BinaryIO, limits: Limits) -> None:
        self.raw, self.limits = raw, limits
        self.parts: dict[str, str] = {}
        self.zip: zipfile.ZipFile | None = None
        head = file.read(8)
        file.seek(0)
        if head.startswith(b"PK"):
            self._open_zip(file)
        else:
            self._look_into_ole(file)
        file.seek(0)
        try:
            self.book = calamine.CalamineWorkbook.from_filelike(file)
        except calamine.PasswordError:
            raise _protected(raw.name) from None
        except Exception as error:
            raise _no_workbook(raw.name, error) from None

    def _open_zip(self, file: BinaryIO) -> None:
        try:
            self.zip = zipfile.ZipFile(file)
            entries = self.zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise _no_workbook(self.raw.name, error) from None
        names = {e.filename for e in entries}
        if "word/document.xml" in names or "ppt/presentation.xml" in names:
            raise unreadable(
                self.raw.name, "这是文档或演示文稿,不是工作簿", "it is a document or slides, not a workbook"
            )
        if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
            raise unreadable(
                self.raw.name,
                "这是压缩包,不是工作簿",
                "it is a ZIP archive, not a workbook: not a readable workbook",
                "Unpack it, and load the files in it.",
            )
        total = sum(e.file_size for e in entries)
        if total > self.limits.unpacked:
            raise unreadable(
                self.raw.name,
                f"解压后为 {told_size(total)},超过 {told_size(self.limits.unpacked)}",
                f"it unpacks to {told_size(total)}, more than {told_size(self.limits.unpacked)}",
            )
        for e in entries:
            if e.file_size > GRACE and e.file_size > e.compress_size * self.limits.ratio:
                raise unreadable(
                    self.raw.name,
                    f"其中 {e.filename} 压缩比超过 {self.limits.ratio} 倍,疑似压缩炸弹",
                    f"{e.filename} in it unpacks to more than {self.limits.ratio} times its size: no data does",
                )
        if "xl/workbook.xml" in names:
            self._know_parts()

    def _know_parts(self) -> None:
        assert self.zip is not None
        try:
            targets = {
                e.get("Id"): e.get("Target", "")
                for e in ElementTree.fromstring(self.zip.read("xl/_rels/workbook.xml.rels"))
            }
            for e in ElementTree.fromstring(self.zip.read("xl/workbook.xml")).iter():
                if e.tag.endswith("}sheet"):
                    target = next((v for k, v in e.attrib.items() if k.endswith("}id")), "")
                    part = targets.get(target, "")
                    self.parts[e.get("name", "")] = part.lstrip("/") if part.startswith("/") else f"xl/{part}"
        except (KeyError, ElementTree.ParseError, zipfile.BadZipFile, OSError, RuntimeError) as error:
            raise _no_workbook(self.raw.name, error) from None

    def _look_into_ole(self, file: BinaryIO) -> None:
        data = file.read()
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _protected(self.raw.name)
        if "WordDocument".encode("utf-16-le") in data:
            raise unreadable(
                self.raw.name, "这是 Word 文档,不是工作簿", "it is a Word document, not a workbook"
            )

    def look(self, sheet: str) -> Look:
        """A sheet's XML, read through in bounded memory; nothing for other kinds of workbook."""
        look = Look()
        part = self.parts.get(sheet)
        if self.zip is None or part is None:
            return look
        try:
            with self.zip.open(part) as stream:
                _scan(stream, look)
        except (KeyError, zipfile.BadZipFile, OSError, RuntimeError, EOFError) as error:
            raise _no_workbook(self.raw.name, error) from None
        except Exception as error:  # zlib.error has no other base
            raise _no_workbook(self.raw.name, error) from None
        if look.rows * look.columns > self.limits.cells:
            raise unreadable(
                self.raw.name,
                f"工作表「{sheet}」的内容跨 {look.rows} 行 {look.columns} 列,过大",
                f"the cells of sheet {sheet} spread over {look.rows} rows and {look.columns} columns: too many",
                "Delete stray cells far from the table, or send it as CSV.",
            )
        return look


def _protected(name: str) -> Exception:
    return unreadable(
        name,
        "工作簿设有密码",
        "it is protected by a password",
        "Have it sent without a password.",
    )


def _no_workbook(name: str, error: Exception) -> Exception:
    return unreadable(name, "不是可读取的工作簿,或已损坏", f"it is not a readable workbook ({error})")


def _scan(stream: IO[bytes], look: Look) -> None:
    rest = b""
    done = 0
    while True:
        block = stream.read(BLOCK)
        data = rest + block
        final = not block
        # Cells that begin in the last stretch are left for the next block, where they are whole.
        end = len(data) if final else max(data.rfind(b"<c ", 0, max(len(data) - 1, 0)), 0)
        if not final and len(data) - end > CELL:
            end = len(data) - CELL
        piece = data[:end]
        _scan_piece(piece, look)
        rest = data[end:]
        done += len(piece)
        if final:
            return


def _scan_piece(data: bytes, look: Look) -> None:
    if b't="e"' in data:
        for m in ERROR.finditer(data):
            look.error_count += 1
            if len(look.errors) < 200:
                value = VALUE.search(m[3])
                look.errors.append((int(m[2]), m[1].decode(), value[1].decode() if value else ""))
    if b"<f" in data or b":f" in data:
        for m in FORMULA.finditer(data):
            if VALUE.search(m[3]) is None and b't="str"' not in m[0][: m.start(3) - m.start()]:
                look.formula_count += 1
                if len(look.formulas) < 200:
                    look.formulas.append((int(m[2]), m[1].decode()))
    for m in FAR.finditer(data) if TWO_LETTERS.search(data) else ():
        letters = m[1]
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        if column > look.columns:
            look.columns = column
    tail = data[-CELL:] if len(data) > CELL else data
    for m in LAST.finditer(tail):
        look.rows = max(look.rows, int(m[1]))


class _Sheet:
    """One sheet: its header found at once, its rows converted as they are asked for."""

    def __init__(self, book: _Book, name: str, place: int, reading: Reading) -> None:
        self.book, self.name, self._place, self._reading = book, name, place, reading
        self.notes = Notes()
        self._kept: Any = None
        self._tidy: Tidy | None = None
        self._after = 0

    def _load(self) -> Any:
        if self._kept is not None:
            return self._kept
        try:
            sheet = self.book.book.get_sheet_by_index(self._place)
        except Exception as error:
            raise _no_workbook(self.book.raw.name, error) from None
        if sheet.height * sheet.width <= KEPT_CELLS:
            self._kept = sheet
        return sheet

    def begin(self, declared: Sequence[str], key: Sequence[str]) -> Header | None:
        look = self.book.look(self.name)
        sheet = self._load()
        if sheet.start is None:
            return None
        left = sheet.start[1]
        merged = sheet.merged_cell_ranges or []
        rows: list[tuple[int, list[str | None]]] = []
        for number, cells in enumerate(sheet.iter_rows(), 1):
            rows.append((number, [*(None for _ in range(left)), *map(text_of, cells)]))
            if number >= max(LOOKED_AT, self._reading.header_row or 0):
                break
        for (top, first), (bottom, last) in merged:
            if top < len(rows) and first < len(rows[top][1]):
                for r in range(top, min(bottom + 1, len(rows))):
                    own = rows[r][1]
                    own[first : last + 1] = [rows[top][1][first]] * (min(last + 1, len(own)) - first)
        header = find_header(rows, self._reading, declared, self.notes)
        if header is None:
            return None
        told = " ".join(dict.fromkeys(c for _, r in rows[: header.index] for c in r if c))[:60]
        if told and not self.notes:
            self.notes.add(
                "above",
                header.row,
                f"表头在第 {header.row} 行,其上内容已略过:{told}",
                f"the header is row {header.row}; above it, skipped: {told}",
            )
        self._after = header.row
        self._tell(look)
        self._tidy = Tidy(header, key, self._reading, self.notes)
        return header

    def _tell(self, look: Look) -> None:
        for row, column, value in look.errors:
            if row > self._after:
                self.notes.add(
                    "error",
                    row,
                    f"单元格 {column}{row} 是错误值 {value},按空处理",
                    f"cell {column}{row} holds the error {value}: read as empty",
                )
        for row, column in look.formulas:
            if row > self._after:
                self.notes.add(
                    "formula",
                    row,
                    f"单元格 {column}{row} 的公式没有计算结果,按空处理",
                    f"the formula in cell {column}{row} was never calculated: read as empty",
                )

    def frames(self) -> Iterator[pl.DataFrame]:
        assert self._tidy is not None
        sheet = self._load()
        left = sheet.start[1]
        width = len(self._tidy.names)
        self.book.raw.unchanged()
        fill = _Merged(sheet.merged_cell_ranges or [], self._after)
        numbers: list[int] = []
        kept: list[list[Value]] = []
        pad: list[Value] = [None] * left
        for number, cells in enumerate(sheet.iter_rows(), 1):
            if number <= self._after or not any(c != "" for c in cells):
                continue
            row: list[Value] = pad + cells if left else cells
            if fill.concerns(number - 1):
                if self._tidy.ignored(number, [text_of(c) for c in row]):
                    continue
                fill(number - 1, row)
            numbers.append(number)
            kept.append(row)
            if len(kept) == BATCH:
                yield from self._given(numbers, kept, width)
                numbers, kept = [], []
        yield from self._given(numbers, kept, width)
        self._kept = None
        self.book.raw.unchanged()
        self.notes.close()

    def _given(self, numbers: list[int], kept: list[list[Value]], width: int) -> Iterator[pl.DataFrame]:
        if not kept:
            return
        assert self._tidy is not None
        columns = list(zip(*kept, strict=True))[:width]
        empty: tuple[Value, ...] = (None,) * len(kept)
        columns += [empty] * (width - len(columns))
        frame = pl.DataFrame(
            [pl.Series(str(i), list(map(text_of, c)), dtype=pl.String) for i, c in enumerate(columns)]
            + [pl.Series(ROW, numbers, dtype=pl.Int64)]
        )
        tidy = self._tidy(frame)
        if tidy.height:
            yield tidy


class _Merged:
    """Merged cells below the header: every cell of a range has the value of its first, within the range only."""

    def __init__(self, ranges: list[tuple[tuple[int, int], tuple[int, int]]], after: int) -> None:
        self._coming = sorted((r for r in ranges if r[0][0] >= after), reverse=True)
        self._open: list[tuple[int, int, int, Value]] = []

    def concerns(self, row: int) -> bool:
        """Whether a row (from 0; asked in order) is within a merged range."""
        if self._open:
            self._open = [r for r in self._open if r[0] >= row]
        return bool(self._open) or (bool(self._coming) and self._coming[-1][0][0] <= row)

    def __call__(self, row: int, cells: list[Value]) -> None:
        while self._coming and self._coming[-1][0][0] <= row:
            (top, first), (bottom, last) = self._coming.pop()
            if top == row and first < len(cells):
                self._open.append((bottom, first, last, cells[first]))
        for _, first, last, value in self._open:
            for i in range(first, min(last + 1, len(cells))):
                if cells[i] is None or cells[i] == "":
                    cells[i] = value


def _number(value: float) -> str:
    if value == int(value):
        whole = int(value)
        size = abs(whole)
        # Excel keeps fifteen digits: a sixteenth that is not 0 was not written by it, and is exact below 2**53.
        if size < FULL_DIGITS or (size < EXACT and size % 10):
            return str(whole)
        return f"{value:.14E}"
    return f"{value:.15g}".upper()


def _float(value: float) -> str | None:
    return _number(value) if abs(value) != float("inf") and value == value else None


def _moment(value: dt.datetime) -> str:
    if value.microsecond:
        value = (value + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
    return value.strftime("%Y-%m-%d %H:%M:%S") if value.year >= 1000 else str(value)


def _span(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


TEXTS: dict[type, Callable[[Any], str | None]] = {
    float: _float,
    int: lambda v: _number(v) if abs(v) < EXACT else f"{v:.14E}",
    bool: lambda v: "TRUE" if v else "FALSE",
    dt.datetime: _moment,
    dt.date: dt.date.isoformat,
    dt.time: lambda v: v.replace(microsecond=0).isoformat(),
    dt.timedelta: _span,
    type(None): lambda v: None,
}


def text_of(value: Value) -> str | None:
    """A cell as text: numbers as Excel shows them, days and moments in ISO's order, text as it is; None when empty."""
    if value.__class__ is str:
        return value or None
    return TEXTS[value.__class__](value)
