"""CSV and its kin: exact about rows and cells, fast where a chunk is clean.

A chunk in which the numbers of lines, delimiters and quotes fit together goes through polars; any other goes
through the csv module row by row, which tells the odd rows from the others.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from loaders.readers.grid import LOOKED_AT, Header, Tidy, find_header
from loaders.readers.model import (
    FRAME_ROWS,
    ROW,
    BadRow,
    Limits,
    Notes,
    Reading,
    Source,
    cut,
    file_date,
    unreadable,
)
from loaders.readers.raw import Raw
from loaders.readers.text import ESCAPED, Chunk, Text
from ontology.errors import UsageError

DELIMITERS = (",", "\t", ";", "|", "，")
# One quoted record may be this long; a quotation mark that is not closed by then was never meant to be one.
RECORD = 1 << 20


@dataclass(slots=True)
class Parsed:
    """A chunk's records: those that csv could make out, with their first line; the bad ones; what is left unfinished.

    `lines` are those that are done with.
    """

    records: list[tuple[int, list[str]]]
    bad: list[BadRow]
    rest: bytes
    lines: int


def delimited(
    raw: Raw,
    blocks: Iterator[bytes],
    reading: Reading,
    declared: Sequence[str],
    key: Sequence[str],
    limits: Limits,
) -> Source:
    """A text file with a header as a source.

    Raises:
        UsageError: BAD_FILE when it is empty, no text, or has a line that no record can be.
    """
    notes = Notes()
    text = Text(blocks, raw.name, reading.encoding, limits, notes)
    first = text.chunk()
    if first is None or (first.last and not first.data.strip()):
        raise unreadable(raw.name, "文件为空", "the file is empty")
    table = _Table(raw, text, first, reading, declared, key, notes)
    return Source(
        raw.name,
        None,
        file_date(raw.name),
        table.header.columns,
        table.frames(),
        notes,
        table.bad,
        raw.digest,
    )


class _Table:
    def __init__(
        self,
        raw: Raw,
        text: Text,
        first: Chunk,
        reading: Reading,
        declared: Sequence[str],
        key: Sequence[str],
        notes: Notes,
    ) -> None:
        self.raw, self.text, self.notes, self.name = raw, text, notes, raw.name
        self.bad: list[BadRow] = []
        sample = first.data if len(first.data) < 1 << 16 else _top(first.data)
        self.delimiter = _delimiter(sample, reading, raw.name, declared, notes)
        self.header, self._chunk = self._begin(first, sample, reading, declared)
        self.width = len(self.header.names)
        self.tidy = Tidy(self.header, key, reading, notes)
        self._undecoded = 0
        edge = re.escape(self.delimiter.encode())
        # A quoted cell from edge to edge; what is quoted otherwise is left, and seen.
        self._quoted = re.compile(
            rb"(?<![^" + edge + rb'\n])"[^"]*(?:""[^"]*)*"(?=' + edge + rb"|\r?\n)"
            if len(self.delimiter.encode()) == 1
            else rb"(?!)"
        )
        self._schema = {str(i): pl.String for i in range(self.width)}

    def _begin(
        self, first: Chunk, sample: bytes, reading: Reading, declared: Sequence[str]
    ) -> tuple[Header, Chunk]:
        """The header, and the chunk without it and what is above it."""
        rows: list[tuple[int, list[str | None]]] = []
        ends: list[int] = []
        reader = csv.reader(_lines(sample), delimiter=self.delimiter)
        before = 0
        try:
            for cells in reader:
                rows.append((before + 1, [c or None for c in cells]))
                before = reader.line_num
                ends.append(before)
                if len(rows) == LOOKED_AT and reading.header_row is None:
                    break
        except csv.Error:
            pass
        header = find_header(rows, reading, declared, self.notes)
        if header is None:
            raise unreadable(
                self.name,
                "没有找到表头" if reading.header_row is None else f"第 {reading.header_row} 行不是表头",
                "it has no header"
                if reading.header_row is None
                else f"row {reading.header_row} is no header",
            )
        if any("\udc80" <= c <= "\udcff" for n in header.columns for c in n):
            raise unreadable(
                self.name,
                f"表头(第 {header.row} 行)不是 {self.text.encoding} 文本",
                f"its header, line {header.row}, is not {self.text.encoding} text",
            )
        if header.index:
            told = " ".join(c for _, r in rows[: header.index] for c in r if c)[:60]
            if told:
                self.notes.add(
                    "above", header.row, f"表头在第 {header.row} 行,其上内容已略过:{told}",
                    f"the header is row {header.row}; above it, skipped: {told}",
                )  # fmt: skip
        skip = ends[header.index]
        at = 0
        for _ in range(skip):
            at = first.data.index(b"\n", at) + 1
        offset = self._on(first.offset, first.data[:at])
        return header, Chunk(first.data[at:], first.line + skip, offset, first.last)

    # -- chunks to frames -----------------------------------------------------------------------------------------

    def frames(self) -> Iterator[pl.DataFrame]:
        chunk: Chunk | None = self._chunk
        carried = b""
        line, offset = self._chunk.line, self._chunk.offset
        while chunk is not None:
            data = carried + chunk.data if carried else chunk.data
            if not carried:
                offset = chunk.offset
            carried = b""
            if (frame := self._fast(data, line)) is not None:
                line += data.count(b"\n")
                yield from self._given(frame)
            else:
                parsed = self._careful(data, line, offset, chunk.last)
                carried = parsed.rest
                done = len(data) - len(carried)
                line += parsed.lines
                offset = self._on(offset, data[:done])
                for start in range(0, len(parsed.records), FRAME_ROWS):
                    yield from self._given(self._frame(parsed.records[start : start + FRAME_ROWS]))
            last = chunk.last
            chunk = self.text.chunk()
            if chunk is None and not last and carried:
                parsed = self._careful(carried, line, offset, True)
                yield from self._given(self._frame(parsed.records))
        self.notes.close()

    def _on(self, offset: int | None, done: bytes) -> int | None:
        """The offset in the file after bytes of a chunk, which are UTF-8 whatever the file is in."""
        if offset is None or self.text.encoding in (None, "utf-8"):
            return None if offset is None else offset + len(done)
        if done.isascii():
            return offset + len(done)
        text = done.decode("utf-8", "surrogateescape")
        return offset + len(text.encode(self.text.encoding or "utf-8", "surrogateescape"))

    def _given(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        for start in range(0, frame.height, FRAME_ROWS):
            tidy = self.tidy(frame.slice(start, FRAME_ROWS))
            if tidy.height:
                yield tidy

    def _frame(self, records: list[tuple[int, list[str]]]) -> pl.DataFrame:
        if not records:
            return pl.DataFrame(schema={**self._schema, ROW: pl.Int64})
        columns = list(zip(*(cells for _, cells in records), strict=True))
        frame = pl.DataFrame(
            [pl.Series(str(i), c, dtype=pl.String) for i, c in enumerate(columns)]
            + [pl.Series(ROW, [n for n, _ in records], dtype=pl.Int64)]
        )
        return frame.with_columns(_no_empties(self._schema))

    def _fast(self, data: bytes, line: int) -> pl.DataFrame | None:
        """The chunk as polars reads it, when it can be seen that every record has the right number of cells."""
        lines = data.count(b"\n")
        if not lines or b"\0" in data or data.count(b"\r") != data.count(b"\r\n"):
            return None
        if len(self.delimiter.encode()) > 1:
            return None
        bare, quoted = data, b'"' in data
        if quoted:
            bare = self._quoted.sub(b"", data)
            if b'"' in bare:
                return None
        records = bare.count(b"\n") if quoted else lines
        if bare.count(self.delimiter.encode()) != records * (self.width - 1):
            return None
        try:
            frame = pl.read_csv(
                data,
                has_header=False,
                schema=self._schema,
                separator=self.delimiter,
                quote_char='"' if quoted else None,
            )
        except pl.exceptions.PolarsError:
            return None
        if frame.height != records:
            return None
        if quoted and b'""' in data:
            frame = frame.with_columns(_no_empties(self._schema))
        number = pl.int_range(line, line + records, dtype=pl.Int64)
        if records != lines:
            inside = [pl.col(c).str.count_matches("\n", literal=True) for c in self._schema]
            number += pl.sum_horizontal(inside).cast(pl.Int64).cum_sum().shift(1, fill_value=0)
        return frame.with_columns(number.alias(ROW))

    # -- row by row ------------------------------------------------------------------------------------------------

    def _careful(self, data: bytes, line: int, offset: int | None, last: bool) -> Parsed:
        """The records of a chunk one by one.

        A quotation mark that is opened and not closed would swallow the rows after it. Where a record over several
        lines does not have the header's number of cells, its first line is rejected and the others are looked at
        one by one; of those only lines with an even number of quotation marks can be rows.
        """
        text = data.decode("utf-8", "surrogateescape")
        odd = ESCAPED.search(text) is not None or "\0" in text
        lines = list(_lines(data, text))
        parsed = Parsed([], [], b"", len(lines))
        at = 0
        while at < len(lines):
            at = self._run(lines, at, line, last, odd, offset, parsed)
        if odd:
            self._enough_is_text(line)
        self.bad += parsed.bad
        return parsed

    def _run(
        self,
        lines: list[str],
        at: int,
        line: int,
        last: bool,
        odd: bool,
        offset: int | None,
        parsed: Parsed,
    ) -> int:
        """Reads on from a line as long as all goes well; where to go on from when it does not."""
        left = (lines[i] for i in range(at, len(lines))) if at else iter(lines)
        reader = csv.reader(left, delimiter=self.delimiter, strict=True)
        base, before, width = at, 0, self.width
        records = parsed.records
        try:
            for cells in reader:
                number = line + base + before
                if len(cells) != width or odd:
                    span = lines[base + before : base + reader.line_num]
                    if len(span) > 1 and len(cells) > 0 and width > 2 and not self._fits(cells):
                        return self._apart(span, base + before, line, odd, offset, lines, parsed)
                    self._odd(number, cells, span, odd, offset, lines, base + before, parsed)
                else:
                    records.append((number, cells))
                before = reader.line_num
        except csv.Error as error:
            start, end = base + before, base + reader.line_num
            unended = end >= len(lines) and "unexpected end" in str(error)
            if unended and not last:
                rest = "".join(lines[start:]).encode("utf-8", "surrogateescape")
                if len(rest) <= RECORD:
                    parsed.rest, parsed.lines = rest, start
                    return len(lines)
            if unended or "field larger" in str(error):
                self._reject(
                    line + start, lines[start], parsed,
                    "引号未闭合", "a quotation mark is opened and never closed",
                )  # fmt: skip
                return start + 1
            if end - start > 1:
                return self._apart(lines[start:end], start, line, odd, offset, lines, parsed)
            self._reject(
                line + start, lines[start], parsed,
                "引号后有多余内容,或引号未闭合", "there is text after a closing quotation mark",
            )  # fmt: skip
            return end
        return len(lines)

    def _fits(self, cells: list[str]) -> bool:
        """Whether a record of another length is right all the same: what is beyond the header is empty, or the header is."""
        if len(cells) > self.width:
            return not any(cells[self.width :])
        return all(n is None for n in self.header.names[len(cells) :])

    def _apart(
        self,
        span: list[str],
        start: int,
        line: int,
        odd: bool,
        offset: int | None,
        lines: list[str],
        parsed: Parsed,
    ) -> int:
        for i, text in enumerate(span):
            number = line + start + i
            if i == 0 or text.count('"') % 2:
                self._reject(
                    number, text, parsed, "引号未闭合,无法分列",
                    "a quotation mark is not closed where it should be: its cells cannot be told apart",
                )  # fmt: skip
                continue
            try:
                cells = next(csv.reader([text], delimiter=self.delimiter, strict=True), [])
            except csv.Error:
                self._reject(number, text, parsed, "引号有误", "its quotation marks are wrong")
                continue
            self._odd(number, cells, [text], odd, offset, lines, start + i, parsed)
        return start + len(span)

    def _odd(
        self,
        number: int,
        cells: list[str],
        span: list[str],
        odd: bool,
        offset: int | None,
        lines: list[str],
        index: int,
        parsed: Parsed,
    ) -> None:
        """A record that needs a second look."""
        if not any(cells):
            return
        if odd:
            for text in span:
                if found := ESCAPED.search(text):
                    where = self._where(lines, index, found.start(), offset)
                    self._undecoded += 1
                    self._reject(
                        number, "".join(span), parsed,
                        f"含有不是 {self.text.encoding} 的字节{where[0]}",
                        f"it holds bytes that are not {self.text.encoding} text{where[1]}",
                    )  # fmt: skip
                    return
                if "\0" in text:
                    self._reject(number, "".join(span), parsed, "含有空字节(NUL)", "it holds a NUL byte")
                    return
                index += 1
        if len(cells) != self.width:
            if not self._fits(cells):
                if not self.tidy.ignored(number, cells):
                    zh = "多" if len(cells) > self.width else "少"
                    self._reject(
                        number, "".join(span), parsed,
                        f"列数过{zh}:应为 {self.width} 格,实有 {len(cells)} 格",
                        f"it has {len(cells)} cells where the header has {self.width}",
                    )  # fmt: skip
                return
            if len(cells) > self.width:
                self.notes.add(
                    "longer", number, "行末有多余的空列", "there are empty cells beyond the header's last"
                )
            cells = cells[: self.width] + [""] * (self.width - len(cells))
        parsed.records.append((number, cells))

    def _where(self, lines: list[str], index: int, at: int, offset: int | None) -> tuple[str, str]:
        if offset is None or self.text.encoding is None:
            return "", ""
        before = "".join(lines[:index]) + lines[index][:at]
        byte = offset + len(before.encode(self.text.encoding, "surrogateescape"))
        return f"(文件第 {byte} 字节)", f" (byte {byte} of the file)"

    def _reject(self, number: int, text: str, parsed: Parsed, zh: str, en: str) -> None:
        told = ESCAPED.sub("\ufffd", text.rstrip("\r\n")[:2000]).replace("\0", "\ufffd")
        parsed.bad.append(BadRow(number, None, cut(told), zh, en))

    def _enough_is_text(self, line: int) -> None:
        if self._undecoded > 1000 and self._undecoded > (line + 1) * 0.1:
            raise unreadable(
                self.name,
                f"编码混杂:至第 {line} 行已有 {self._undecoded} 行不是 {self.text.encoding} 文本",
                f"encodings are mixed: by line {line}, {self._undecoded} rows are not {self.text.encoding} text",
            )


def _no_empties(schema: dict[str, type[pl.String]]) -> list[pl.Expr]:
    return [pl.when(pl.col(c) != "").then(pl.col(c)).alias(c) for c in schema]


def _lines(data: bytes, text: str | None = None) -> Iterator[str]:
    """Lines with their ends, of \\n, \\r\\n or \\r; no other character ends one."""
    if text is None:
        text = data.decode("utf-8", "surrogateescape")
    return iter(io.StringIO(text, newline=""))


def _top(data: bytes) -> bytes:
    end = data.rfind(b"\n", 0, 1 << 16) + 1
    return data[:end] if end else data[: data.find(b"\n") + 1]


def _delimiter(sample: bytes, reading: Reading, name: str, declared: Sequence[str], notes: Notes) -> str:
    """The declared delimiter where it fits, else the one that names the most declared columns, else the most regular."""
    wanted = {"\\t": "\t", "tab": "\t"}.get(reading.delimiter or "", reading.delimiter)
    if wanted is not None and len(wanted) != 1:
        raise UsageError(
            "BAD_CATALOG", f"分隔符应为一个字符:{wanted}", f"a delimiter is one character, not {wanted!r}"
        )
    text = sample.decode("utf-8", "surrogateescape")
    usual = wanted or ("\t" if reading.format == "tsv" or ".tsv" in name.lower() else ",")
    scores = {d: _regular(text, d, frozenset(declared)) for d in dict.fromkeys((usual, *DELIMITERS))}
    best = max(scores, key=lambda d: scores[d])
    if scores[best] <= scores[usual] or (wanted and scores[usual][1] > 1 and not scores[best][0]):
        return usual
    if wanted or best not in ",\t":
        shown = {"\t": "制表符"}.get(best, best)
        notes.add("delimiter", None, f"分隔符是 {shown}", f"its cells are separated by {best!r}")
    return best


def _regular(text: str, delimiter: str, declared: frozenset[str]) -> tuple[int, int]:
    """How many declared columns a line names; of how many cells most lines are."""
    named, widths = 0, []
    try:
        for i, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)):
            named = max(named, len(declared.intersection(c.strip().lstrip("\ufeff") for c in cells)))
            if cells:
                widths.append(len(cells))
            if i > LOOKED_AT:
                break
    except csv.Error:
        pass
    if not widths:
        return named, 0
    usual = max(set(widths), key=lambda w: (widths.count(w), w))
    return named, usual if widths.count(usual) * 2 > len(widths) or len(widths) < 3 else 1
