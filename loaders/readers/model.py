"""What reading a file takes and gives: how to read it, the rows, and what was odd about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from ontology.errors import UsageError

ROW = "__row"
FRAME_ROWS = 50_000
VALUE_CHARS = 1_000
NOTES_OF_A_KIND = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """How a feed's declaration says to read its files; everything is found out where nothing is said.

    Attributes:
        format: csv, tsv, xlsx, xls, jsonl, json, parquet or sql; else the content is looked at.
        sheet: pattern (as of a file name) of the sheets, or tables of an SQLite file, that are read.
        header_row: 1-based; else the first row that holds most of the declared columns.
        header_rows: 2 when titles of groups stand above the columns' names: `组/列`, or the lower name alone
            where that is a declared column.
        query: SQL, for a database.
        ignore_rows: how rows begin that are no records, such as totals; a row with its key filled is one.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header_rows: int = 1
    query: str | None = None
    ignore_rows: tuple[str, ...] = (
        "合计", "小计", "总计", "填表人", "填报人", "制表人", "审核人", "填报单位", "填表日期", "备注：",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What no honest file of a department exceeds.

    Attributes:
        unpacked: bytes that a compressed file or a workbook may hold in all.
        ratio: how many times larger than its packed form it may be, once it is over 64 MiB.
        line: bytes of a line, or of a record with line breaks in it.
        cells: cells between the first and the last filled one of a sheet.
    """

    unpacked: int = 8 << 30
    ratio: int = 250
    line: int = 4 << 20
    cells: int = 50_000_000


@dataclass(frozen=True, slots=True)
class Note:
    """Something skipped or odd that a person may want to know; `row` is None where it is about the whole."""

    row: int | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row, or a cell of it, that could not be read. `value` is the row's or cell's text, cut to 1,000 characters."""

    row: int
    column: str | None
    value: str | None
    zh: str
    en: str


class Notes(list[Note]):
    """Notes, of which at most 20 of a kind are kept one by one and the others counted."""

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        super().__init__(notes)
        self._kinds: dict[str, int] = {}

    def add(self, kind: str, row: int | None, zh: str, en: str) -> None:
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if self._kinds[kind] <= NOTES_OF_A_KIND:
            self.append(Note(row, zh, en))

    def close(self) -> None:
        """Says how many were not kept. To be called once, when nothing more will be added."""
        for kind, count in self._kinds.items():
            if count > NOTES_OF_A_KIND:
                more = count - NOTES_OF_A_KIND
                self.append(
                    Note(None, f"同类提示还有 {more} 条({kind})", f"{more} more of this kind ({kind})")
                )
        self._kinds.clear()


@dataclass(slots=True)
class Source:
    """One file, sheet or query, its rows read as they are asked for.

    Attributes:
        frames: at most 50,000 rows each; every column a String (null where empty) under the header's name, and
            `__row` (Int64): the row's number as a spreadsheet shows it, for text the line on which the record
            begins; where there is no header (JSON, Parquet, SQL) records are numbered from 1. Raises UsageError
            (BAD_FILE) in the middle when the rest cannot be read: what came before is then worth nothing.
        notes, bad: filled while frames are read; whoever reads may take them out between frames, so that a file
            full of bad rows needs no memory.
    """

    file: str
    sheet: str | None
    file_date: str | None
    columns: list[str]
    frames: Iterator[pl.DataFrame]
    notes: Notes = field(default_factory=Notes)
    bad: list[BadRow] = field(default_factory=list)
    digester: Callable[[], str] | None = None

    def digest(self) -> str:
        """SHA-256 of the file's bytes (of the rows for a database), in hexadecimal, once `frames` is exhausted.

        Raises:
            RuntimeError: when it is not.
        """
        if self.digester is None:
            raise RuntimeError("the digest is known once all frames have been read")
        return self.digester()


def file_date(name: str) -> str | None:
    """The day in a department's file name (`公安_警情_20251215.csv` → `2025-12-15`), or None."""
    found = re.search(r"(?<!\d)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)", name)
    return "-".join(found.groups()) if found else None


def unreadable(name: str, zh: str, en: str, hint: str | None = None) -> UsageError:
    """BAD_FILE: the file as a whole cannot be read."""
    return UsageError(
        "BAD_FILE",
        f"无法读取文件 {name}:{zh}",
        f"{name}: {en}",
        "Ask the department for a CSV (UTF-8 or GB18030) or XLSX file." if hint is None else hint,
    )


def cut(text: str) -> str:
    """A bad value as it is told: never longer than 1,000 characters."""
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 1] + "…"
