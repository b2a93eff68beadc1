"""Bytes of a text file to UTF-8 by whole lines: which encoding it is in, and where it is not."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loaders.readers.model import Limits, Notes, unreadable
from ontology.errors import UsageError

CHUNK = 4 << 20
HEAD = 1 << 16
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Four Chinese characters on end in UTF-8: no text in GB18030 has such bytes but by a chance of one in billions.
UTF8_CHINESE = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){4}")
SURE = 4
TELLING = 0.2
ESCAPED = re.compile("[\udc80-\udcff]")


@dataclass(slots=True)
class Chunk:
    """Whole lines in UTF-8, the last with its line end too; bytes that no character could be made of stay as they are.

    Attributes:
        line: number of the first line.
        offset: of its first byte in the (unpacked) file; None where that is not known.
        last: whether nothing follows.
    """

    data: bytes
    line: int
    offset: int | None
    last: bool


class Text:
    """A text file by chunks of whole lines.

    Args:
        declared: the encoding that the feed declares, if any. Else a byte order mark decides, then whether the first
            bytes that are not ASCII are UTF-8, then whether they are GB18030.

    Raises:
        UsageError: BAD_FILE where a line is longer than any record can be, or the text is in no known encoding.
    """

    def __init__(
        self, blocks: Iterator[bytes], name: str, declared: str | None, limits: Limits, notes: Notes
    ) -> None:
        self.name, self._limits, self._notes = name, limits, notes
        self.encoding: str | None = _known(declared, name) if declared else None
        self.declared = self.encoding
        self._blocks = self._without_mark(blocks)
        self._rest = b""
        self._line = 1
        self._offset = 0
        self._cr: bool | None = None
        self._ended = False
        self.wide = False

    def _without_mark(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        head = b""
        for block in blocks:
            head += block
            if len(head) >= HEAD:
                break
        for mark, encoding in BOMS:
            if head.startswith(mark):
                if self.declared not in (None, encoding, "utf-16", "utf-8-sig"):
                    self._notes.add(
                        "encoding",
                        None,
                        f"文件带 {encoding} 标记,按其读取",
                        f"it is marked as {encoding}, and read so",
                    )
                self.encoding, head = encoding, head[len(mark) :]
                self._offset = len(mark)
                break
        else:
            if self.encoding is None and (wide := _wide(head)):
                self._notes.add("encoding", None, f"按 {wide} 读取", f"it is read as {wide}")
                self.encoding = wide
        if self.encoding is not None and "16" in self.encoding:
            self.wide = True
            return self._narrow(_chain(head, blocks))
        return _chain(head, blocks)

    def _narrow(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """UTF-16 to UTF-8."""
        assert self.encoding is not None
        decoder = codecs.getincrementaldecoder(self.encoding)()
        encoding, offset = self.encoding, self._offset
        self.encoding = "utf-8"
        for block in blocks:
            try:
                yield decoder.decode(block).encode()
            except UnicodeError as error:
                raise self._no_text(encoding, offset + getattr(error, "start", 0), None) from None
            offset += len(block)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise unreadable(
                self.name, f"{encoding} 文本不完整", f"its {encoding} text ends in the middle of a character"
            ) from None

    def _no_text(self, encoding: str, offset: int, line: int | None) -> UsageError:
        where_zh = f"第 {offset} 字节" + (f"(第 {line} 行)" if line else "")
        where = f"byte {offset}" + (f", line {line}" if line else "")
        return unreadable(
            self.name, f"{where_zh}起不是 {encoding} 文本", f"it is not {encoding} text from {where} on"
        )

    def chunk(self) -> Chunk | None:
        """The next lines, about 4 MiB; None at the end."""
        if self._ended:
            return None
        parts, size, whole = [self._rest], len(self._rest), False
        while size < CHUNK or not whole:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
                break
            parts.append(block)
            size += len(block)
            whole = whole or b"\n" in block or (self._cr is not False and b"\r" in block)
            if not whole and size > self._limits.line:
                raise self._too_long(self._line)
        data = b"".join(parts)
        if self._cr is None:
            self._cr = b"\n" not in data and b"\r" in data[:-1]
        if self._cr:
            data = data.replace(b"\r", b"\n")
        if self._ended:
            data = data.rstrip(b"\x1a")
            if data and not data.endswith(b"\n"):
                data += b"\n"
            self._rest = b""
            end = len(data)
        else:
            end = data.rfind(b"\n") + 1
            self._rest = data[end:]
            if len(self._rest) > self._limits.line:
                raise self._too_long(self._line + data.count(b"\n", 0, end))
            data = data[:end]
        if not data and self._ended:
            return None
        chunk = Chunk(data, self._line, None if self.wide else self._offset, self._ended)
        self._line += data.count(b"\n")
        self._offset += end
        chunk.data = self._utf8(chunk)
        return chunk

    def _too_long(self, line: int) -> UsageError:
        size = self._limits.line >> 10
        return unreadable(
            self.name,
            f"第 {line} 行超过 {size} KiB,不是逐行的数据",
            f"line {line} is longer than {size} KiB: no row of data is",
        )

    def _utf8(self, chunk: Chunk) -> bytes:
        data = chunk.data
        if self.encoding is None:
            if data.isascii():
                return data
            self.encoding = self._chosen(chunk)
        elif chunk.line == 1 and self.declared and not self.wide:
            self._held_to(chunk, self.encoding)
        if self.encoding == "utf-8":
            return data
        if self.encoding == "gb18030" and (found := _utf8_in(data)):
            line = chunk.line + data.count(b"\n", 0, found.start())
            byte = (chunk.offset or 0) + found.start()
            raise unreadable(
                self.name,
                f"编码混杂:全文为 GB18030,第 {byte} 字节(第 {line} 行)却是 UTF-8",
                f"encodings are mixed: it is GB18030, but UTF-8 at byte {byte}, line {line}",
                "Have it exported again in one encoding.",
            )
        text = data.decode(self.encoding, "surrogateescape")
        if chunk.line == 1:
            text = text.removeprefix("\ufeff")
        return text.encode("utf-8", "surrogateescape")

    def _held_to(self, chunk: Chunk, encoding: str) -> None:
        """A declared encoding that most lines are not in is an error, with where it begins."""
        try:
            chunk.data.decode(encoding)
        except UnicodeDecodeError as error:
            if _wrong_lines(chunk.data, encoding) > TELLING:
                line = chunk.line + chunk.data.count(b"\n", 0, error.start)
                raise self._no_text(encoding, (chunk.offset or 0) + error.start, line) from None

    def _chosen(self, chunk: Chunk) -> str:
        data = chunk.data
        failed: dict[str, int] = {}
        for encoding in ("utf-8", "gb18030"):
            try:
                data.decode(encoding)
                return encoding
            except UnicodeDecodeError as error:
                failed[encoding] = error.start
                before = data[: error.start].decode(encoding)
                if encoding == "utf-8" and sum(1 for c in before if c > "\x7f") >= SURE:
                    break
        wrong = {e: _wrong_lines(data, e) for e in failed}
        best = min(failed, key=lambda e: wrong[e])
        if wrong[best] > TELLING:
            start = max(failed.values())
            line = chunk.line + data.count(b"\n", 0, start)
            offset = (chunk.offset or 0) + start
            raise unreadable(
                self.name,
                f"既不是 UTF-8 也不是 GB18030 文本,或编码混杂(第 {offset} 字节,第 {line} 行)",
                f"it is neither UTF-8 nor GB18030 text, or a mixture (byte {offset}, line {line})",
            )
        return best


def _utf8_in(data: bytes) -> re.Match[bytes] | None:
    """Four Chinese characters in UTF-8. Numpy looks for what may be some first: ten times as fast as the pattern."""
    array = np.frombuffer(data, dtype=np.uint8)
    lead = (array - np.uint8(0xE4)) < 6
    if len(lead) < 12 or not (lead[:-9] & lead[3:-6] & lead[6:-3] & lead[9:]).any():
        return None
    return UTF8_CHINESE.search(data)


def _known(encoding: str, name: str) -> str:
    low = encoding.lower().replace("_", "-")
    if low in ("gbk", "gb2312", "cp936", "ansi"):
        return "gb18030"
    try:
        found = codecs.lookup(low).name
    except LookupError:
        raise unreadable(
            name,
            f"没有名为 {encoding} 的编码",
            f"no encoding is called {encoding}",
            "Known: utf-8, gb18030, utf-16.",
        ) from None
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(found, found)


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: ASCII characters have a zero beside them, on one side only."""
    sample = head[:4096]
    half = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if half >= 4 and odd > half * 0.3 and even < half * 0.02:
        return "utf-16-le"
    if half >= 4 and even > half * 0.3 and odd < half * 0.02:
        return "utf-16-be"
    return None


def _wrong_lines(data: bytes, encoding: str) -> float:
    """Which part of the lines that are not ASCII alone is not in an encoding; 0 for a single one of several lines."""
    lines = [x for x in data.split(b"\n") if not x.isascii()]
    wrong = 0
    for line in lines:
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            wrong += 1
    return 0.0 if wrong == 1 and data.count(b"\n") > 1 else wrong / max(len(lines), 1)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
