"""JSON: one record a line, or an array of them, in bounded memory; numbers keep the digits that they are written with."""

from __future__ import annotations

import codecs
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from loaders.readers.model import (
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

BATCH = 20_000
LOOKED_AT = 1_000
DOCUMENT = 64 << 20
HEAD = 1 << 16
DEEPEST = 64
"""Levels of lists and objects in a record."""
BLANK = " \t\r\n,"


class _Digits(str):
    """A number's own text."""


class _Decoder(json.JSONDecoder):
    """A decoder that refuses what is nested deeper than any record (a ValueError, as what is no JSON)."""

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        try:
            value, end = super().raw_decode(s, idx)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        level = [value]
        for _ in range(DEEPEST):
            level = [v for x in level for v in _inside(x) if isinstance(v, dict | list)]
            if not level:
                return value, end
        raise ValueError("it is nested too deeply")


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


DECODER = _Decoder(parse_int=_Digits, parse_float=_Digits, parse_constant=_Digits)


def lines(
    raw: Raw, blocks: Iterator[bytes], reading: Reading, declared: Sequence[str], limits: Limits
) -> Source:
    """JSON Lines as a source; a row's number is its line. A line that is no JSON object is a bad row.

    Raises:
        UsageError: BAD_FILE when it is empty, no text, or has a line that no record can be.
    """
    notes = Notes()
    text = Text(blocks, raw.name, reading.encoding, limits, notes)
    bad: list[BadRow] = []
    return _source(raw, _of_lines(text, bad), declared, notes, bad)


def array(
    raw: Raw, blocks: Iterator[bytes], reading: Reading, declared: Sequence[str], limits: Limits
) -> Source:
    """A JSON document as a source: an array of objects, or an object that holds one. Records are numbered from 1.

    Raises:
        UsageError: BAD_FILE when it is no JSON, or an object in it is larger than a record can be.
    """
    notes, bad = Notes(), list[BadRow]()
    return _source(raw, _of_array(raw, _text(raw, blocks, reading), limits, bad), declared, notes, bad)


def _of_lines(text: Text, bad: list[BadRow]) -> Iterator[tuple[int, dict[str, Any]]]:
    while (chunk := text.chunk()) is not None:
        for number, line in enumerate(_decoded(chunk).split("\n")[:-1], chunk.line):
            if not line.strip():
                continue
            if ESCAPED.search(line):
                _reject(bad, number, line, f"不是 {text.encoding} 文本", f"is not {text.encoding} text")
                continue
            try:
                record = DECODER.decode(line)
            except ValueError as error:
                _reject(bad, number, line, "不是 JSON", f"is not JSON ({error})")
                continue
            if isinstance(record, dict):
                yield number, record
            else:
                _reject(bad, number, line, "不是 JSON 对象", "is no JSON object")


def _text(raw: Raw, blocks: Iterator[bytes], reading: Reading) -> Iterator[str]:
    first = b""
    for block in blocks:
        first += block
        if len(first) >= HEAD:
            break
    encoding = reading.encoding or ("utf-16" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if reading.encoding is None:
        try:
            codecs.getincrementaldecoder(encoding)().decode(first)
        except UnicodeDecodeError:
            encoding = "gb18030"
    offset = 0
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        yield decoder.decode(first)
        offset = len(first)
        for block in blocks:
            yield decoder.decode(block)
            offset += len(block)
        yield decoder.decode(b"", final=True)
    except (UnicodeDecodeError, LookupError) as error:
        byte = offset + getattr(error, "start", 0)
        raise unreadable(
            raw.name,
            f"第 {byte} 字节起不是 {encoding} 文本",
            f"it is not {encoding} text from byte {byte} on",
        ) from None


def _of_array(
    raw: Raw, text: Iterator[str], limits: Limits, bad: list[BadRow]
) -> Iterator[tuple[int, dict[str, Any]]]:
    left = ""
    while not left.strip():
        more = next(text, None)
        if more is None:
            raise unreadable(raw.name, "文件为空", "the file is empty")
        left += more
    left = left.lstrip()
    if left[0] != "[":
        yield from _numbered(_held(raw, left, text), bad)
        return
    yield from _numbered(_elements(raw, left[1:], text, limits), bad)


def _numbered(values: Iterator[Any], bad: list[BadRow]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, value in enumerate(values, 1):
        if isinstance(value, dict):
            yield number, value
        else:
            _reject(bad, number, json.dumps(value, ensure_ascii=False), "不是 JSON 对象", "is no JSON object")


def _elements(raw: Raw, left: str, text: Iterator[str], limits: Limits) -> Iterator[Any]:
    """The elements of an array whose bracket has been read."""
    at, count, ended = 0, 0, False
    while True:
        while at < len(left) and left[at] in BLANK:
            at += 1
        if at < len(left) and left[at] == "]":
            for _ in text:
                pass
            return
        try:
            value, end = DECODER.raw_decode(left, at)
            # A number that ends where the text does may go on.
            if end == len(left) and not ended:
                raise ValueError("may go on")
        except ValueError as error:
            if ended:
                raise unreadable(
                    raw.name,
                    f"第 {count} 条之后不是完整的 JSON",
                    f"after record {count} it is no complete JSON ({error})",
                    "Have it sent again.",
                ) from None
            if len(left) - at > limits.line:
                raise unreadable(
                    raw.name,
                    f"第 {count + 1} 条不是 JSON,或超过 {limits.line >> 10} KiB",
                    f"record {count + 1} is no JSON, or longer than {limits.line >> 10} KiB ({error})",
                ) from None
            more = next(text, None)
            ended = more is None
            left, at = left[at:] + (more or ""), 0
            continue
        yield value
        count += 1
        at = end


def _held(raw: Raw, left: str, text: Iterator[str]) -> Iterator[Any]:
    """The array that a document's object holds: the largest list of objects, at any depth."""
    parts, size = [left], len(left)
    for more in text:
        parts.append(more)
        size += len(more)
        if size > DOCUMENT:
            raise unreadable(
                raw.name,
                "JSON 文档过大;请改为数组或每行一个对象",
                "the JSON document is too large: send an array, or one object a line",
            )
    try:
        document = DECODER.decode("".join(parts))
    except ValueError as error:
        raise unreadable(raw.name, "不是 JSON", f"it is not JSON ({error})") from None
    best: list[Any] | None = None
    todo: list[Any] = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
            best = value if best is None or len(value) > len(best) else best
    yield from [document] if best is None else best


def _source(
    raw: Raw,
    records: Iterator[tuple[int, dict[str, Any]]],
    declared: Sequence[str],
    notes: Notes,
    bad: list[BadRow],
) -> Source:
    """The first thousand records name the columns; what later ones add is noted and left out."""
    first = list(itertools.islice(records, LOOKED_AT))
    if not first and not bad:
        raise unreadable(raw.name, "文件中没有记录", "there are no records in it")
    columns = list(dict.fromkeys(str(k) for _, record in first for k in record))
    # A column that is empty everywhere is often left out of JSON: declared ones are there all the same.
    columns += [c for c in declared if c not in columns] if first else []

    def frames() -> Iterator[pl.DataFrame]:
        known, told = set(columns), set[str]()
        every = itertools.chain(first, records)
        while batch := list(itertools.islice(every, BATCH)):
            for number, record in batch:
                if not record.keys() <= known:
                    for name in record.keys() - known - told:
                        told.add(name)
                        notes.add(
                            "columns",
                            number,
                            f"第 {number} 条起出现新的列「{name}」,未读取",
                            f"record {number} has a column {name} that the first ones have not: not read",
                        )
            frame = pl.DataFrame(
                [pl.Series(c, [told_as(r.get(c)) for _, r in batch], dtype=pl.String) for c in columns]
                + [pl.Series(ROW, [n for n, _ in batch], dtype=pl.Int64)]
            )
            frame = frame.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
            if frame.height:
                yield frame
        notes.close()

    return Source(raw.name, None, file_date(raw.name), columns, frames(), notes, bad, raw.digest)


def told_as(value: object) -> str | None:
    """A JSON value as text: numbers with the digits that they came with, what is nested as JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _nested(value)


def _nested(value: object) -> str:
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_nested(v)}" for k, v in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_nested, value)) + "]"
    return str(value) if isinstance(value, _Digits) else json.dumps(value, ensure_ascii=False)


def _decoded(chunk: Chunk) -> str:
    return chunk.data.decode("utf-8", "surrogateescape")


def _reject(bad: list[BadRow], number: int, text: str, zh: str, en: str) -> None:
    bad.append(BadRow(number, None, cut(ESCAPED.sub("\ufffd", text[:2000])), zh, en))
