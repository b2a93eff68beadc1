"""HTML tables named .xls, as many government systems export them: the rows of a page's tables, as a delimited text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

import polars as pl

from loaders.readers.grid import LOOKED_AT, Tidy, find_header
from loaders.readers.model import ROW, Limits, Notes, Reading, Source, file_date, unreadable
from loaders.readers.raw import Raw
from loaders.readers.text import ESCAPED, Text

LARGEST = 200 << 20
BREAK = "\x0b"
CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]+)", re.I)


def html(
    raw: Raw,
    blocks: Iterator[bytes],
    reading: Reading,
    declared: Sequence[str],
    key: Sequence[str],
    limits: Limits,
) -> Source:
    """The table of an HTML page as a source: the one that has the header, else the first. Rows count from 1 in it.

    Cells over several rows or columns (`rowspan`, `colspan`) fill them.

    Raises:
        UsageError: BAD_FILE when there is no table in it, or the page is larger than 200 MiB.
    """
    notes = Notes()
    notes.add(
        "html", None, "这是 HTML 表格,不是 Excel 文件,按表格读取", "it is an HTML table, not a workbook"
    )
    parser = _Tables()
    size = 0
    first = next(blocks, b"")
    said = CHARSET.search(first[:4096])
    encoding = reading.encoding or (said[1].decode() if said else None)
    text = Text(_chain(first, blocks), raw.name, encoding, limits, notes)
    while (chunk := text.chunk()) is not None:
        size += len(chunk.data)
        if size > LARGEST:
            raise unreadable(raw.name, "HTML 表格过大", "the HTML table is too large: have it sent as CSV")
        part = chunk.data.decode("utf-8", "surrogateescape")
        if ESCAPED.search(part):
            raise unreadable(
                raw.name, f"不全是 {text.encoding} 文本", f"not all of it is {text.encoding} text"
            )
        parser.feed(part)
    parser.close()
    tables = [t for t in parser.tables if any(any(r) for r in t)]
    if not tables:
        raise unreadable(raw.name, "这是网页,其中没有表格", "it is a web page without a table")
    best = None
    for table in tables:
        rows = [(n, r) for n, r in enumerate(table, 1)]
        header = find_header(rows[:LOOKED_AT], reading, declared, notes)
        if header is not None and (best is None or header.found > best[0].found):
            best = header, rows
    if best is None:
        raise unreadable(raw.name, "没有找到表头", "it has no header")
    header, rows = best
    tidy = Tidy(header, key, reading, notes)

    def frames() -> Iterator[pl.DataFrame]:
        width = len(header.names)
        data = [(n, [*r[:width], *[None] * (width - len(r))]) for n, r in rows if n > header.row]
        for start in range(0, len(data), 20_000):
            part = data[start : start + 20_000]
            columns = zip(*(r for _, r in part), strict=True)
            frame = tidy(
                pl.DataFrame(
                    [pl.Series(str(i), c, dtype=pl.String) for i, c in enumerate(columns)]
                    + [pl.Series(ROW, [n for n, _ in part], dtype=pl.Int64)]
                )
            )
            if frame.height:
                yield frame
        notes.close()

    return Source(raw.name, None, file_date(raw.name), header.columns, frames(), notes, [], raw.digest)


class _Tables(HTMLParser):
    """Tables as rows of cells. A table within a cell is not taken apart: its text is the cell's."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str | None]]] = []
        self._depth = 0
        self._row: list[str | None] | None = None
        self._cell: list[str] | None = None
        self._span = (1, 1)
        # By column: for how many rows more a cell from above fills this one; what the next row will find.
        self._down: dict[int, tuple[int, str | None]] = {}
        self._later: dict[int, tuple[int, str | None]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self._down, self._later = {}, {}
        elif self._depth == 1 and tag == "tr":
            self._end_row()
            self._row = []
        elif self._depth == 1 and tag in ("td", "th"):
            self._end_cell()
            if self._row is None:
                self._row = []
            given = dict(attrs)
            self._span = (_small(given.get("rowspan")), _small(given.get("colspan")))
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(BREAK)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            if self._depth == 1:
                self._end_row()
            self._depth = max(self._depth - 1, 0)
        elif self._depth == 1 and tag in ("td", "th"):
            self._end_cell()
        elif self._depth == 1 and tag == "tr":
            self._end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _from_above(self) -> None:
        assert self._row is not None
        while len(self._row) in self._down:
            at = len(self._row)
            left, value = self._down.pop(at)
            self._row.append(value)
            if left > 1:
                self._later[at] = (left - 1, value)

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        self._from_above()
        # Blanks and line breaks in HTML's source are one blank; a no-break space is one that is meant.
        value = re.sub(r"[ \t\r\f]*\n[ \t\r\f\n]*|[ \t\r\f]+", " ", "".join(self._cell)).strip()
        filled = re.sub(rf" ?{BREAK} ?", "\n", value).strip() or None
        rows, columns = self._span
        for _ in range(columns):
            if rows > 1:
                self._later[len(self._row)] = (rows - 1, filled)
            self._row.append(filled)
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is None:
            return
        self._from_above()
        self.tables[-1].append(self._row)
        self._row = None
        self._down, self._later = self._later, {}


def _small(text: str | None) -> int:
    return min(max(int(text), 1), 1000) if text and text.strip().isdigit() else 1


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
