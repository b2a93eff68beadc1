"""A pushed body to rows of its feed: all of it holds, or none is taken and the sender is told what to mend."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from ledger import ROW
from ledger.segments import Columns
from loaders import contract, readers
from loaders.declaration import ColumnType, Feed
from loaders.readers import Limits, Reading
from ontology.errors import QuanxiError, UsageError
from ontology.terms import Terms

MAX_ROWS = 200_000
MAX_VERDICTS = 1_000
TOLD = 20
_BOM = b"\xef\xbb\xbf"
# Content type → how it is read.
KINDS = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


class PushError(QuanxiError):
    """A push that is not taken.

    Attributes:
        status: of HTTP.
        extra: what else the answer says, such as the columns that are wrong.
    """

    def __init__(self, status: int, code: str, zh: str, en: str, hint: str = "", **extra: Any) -> None:
        super().__init__(code, zh, en, hint)
        self.status = status
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Pushed:
    """The rows of a push, and how the sender numbers them: records from 1, lines and sheets' rows as they stand."""

    rows: Columns
    numbers: list[int]
    sheets: list[str | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a row is kept out: its number as the sender counts, column, value and reason."""

    row: int
    sheet: str | None
    column: str
    value: str | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many rows hold and how many do not, and why, for the first thousand cells."""

    accepted: int
    rejected: int
    rows: list[Verdict]
    cut: bool


def parse(feed: Feed, kind: str, charset: str | None, body: bytes, max_bytes: int) -> Pushed:
    """The rows of a body of one of `KINDS`.

    Raises:
        PushError: 400 BAD_JSON, BAD_BODY; 413 TOO_MANY_ROWS; 422 BAD_COLUMNS, BAD_VALUES, NO_ROWS, BAD_ROWS.
    """
    if kind in ("json", "ndjson"):
        # What opens often holds much: it is counted before it takes memory.
        if body.count(b"{") + body.count(b"[") > 5 * MAX_ROWS:
            raise _too_many()
        numbered = _document(_text(body)) if kind == "json" else list(_lines(_text(body)))
        return _of_records(feed, numbered, surrogates=b"\\ud" in body.lower())
    return _of_table(feed, kind, charset, body, max_bytes)


def verdicts(feed: Feed, pushed: Pushed, terms: Terms, today: date) -> Verdicts:
    """What the feed's contract says of the rows."""
    names, cells = pushed.rows
    frame = pl.DataFrame([pl.Series(n, c, dtype=pl.String) for n, c in zip(names, cells, strict=True)])
    missing = feed_missing(feed, names)
    frame = frame.with_columns(
        *(pl.lit(None, dtype=pl.String).alias(c) for c in missing),
        pl.int_range(0, frame.height, dtype=pl.Int64).alias(ROW),
    )
    checked = contract.check(feed, frame, terms, today)
    told = [
        Verdict(pushed.numbers[r.row], pushed.sheets[r.row], r.column, r.value, r.zh, r.en)
        for r in sorted(checked.rejections, key=lambda r: r.row)[:MAX_VERDICTS]
    ]
    rejected = checked.rejected_rows
    return Verdicts(len(pushed.numbers) - rejected, rejected, told, len(checked.rejections) > MAX_VERDICTS)


def feed_missing(feed: Feed, names: Iterable[str]) -> list[str]:
    """The columns that rows under these names lack, and cannot do without: to be there, so that it is seen."""
    declared = feed.names()
    there = {declared[n] for n in names if n in declared}
    made = {group for spec in feed.columns.values() for group in spec.groups}
    return [
        n
        for n, spec in feed.columns.items()
        if (spec.required or n in feed.key) and n not in there and n not in made
    ]


# -- JSON -----------------------------------------------------------------------------------------------------------


class _Digits(str):
    """A number's own text."""


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_Digits, parse_float=_Digits, parse_constant=_no_number)


def _text(body: bytes) -> str:
    body = body.removeprefix(_BOM)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        raise _bad_json(line, column, "不是 UTF-8 文本", "it is not UTF-8 text") from None


def _bad_json(line: int, column: int, zh: str, en: str) -> PushError:
    return PushError(
        400,
        "BAD_JSON",
        f"第 {line} 行第 {column} 列:{zh}",
        f"Line {line}, column {column}: {en}.",
        "Nothing was taken. Mend it and send all of it again.",
        line=line,
        column=column,
    )


def _decoded(text: str, line: int) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise _bad_json(at, error.colno, "不是 JSON", f"it is not JSON ({error.msg})") from None
    except RecursionError:
        raise _bad_json(line, 1, "嵌套过深", "it is nested too deeply") from None
    except ValueError:
        raise _bad_json(line, 1, "NaN 与 Infinity 不是 JSON", "NaN and Infinity are no JSON") from None


def _document(text: str) -> list[tuple[int, Any]]:
    found = _decoded(text, 1)
    return list(enumerate(found if isinstance(found, list) else [found], 1))


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _decoded(line, number)


def _of_records(feed: Feed, numbered: list[tuple[int, Any]], *, surrogates: bool) -> Pushed:
    if not numbered:
        raise _no_rows()
    if len(numbered) > MAX_ROWS:
        raise _too_many()
    names: dict[str, None] = {}
    for number, record in numbered:
        if not isinstance(record, dict):
            raise PushError(
                422,
                "BAD_VALUES",
                f"第 {number} 条不是 JSON 对象",
                f"Record {number} is not a JSON object.",
                "Send an object, a list of objects, or one object a line (NDJSON).",
                rows=[{"row": number}],
            )
        names.update(dict.fromkeys(record))
    _known_columns(feed, names)
    bad: list[dict[str, Any]] = []
    cells: list[list[str | None]] = []
    declared = feed.names()
    for name in names:
        column = feed.columns[declared[name]]
        separator = column.separator if column.type is ColumnType.LIST else None
        held: list[str | None] = []
        for number, record in numbered:
            value = record.get(name)
            told = _told(value, separator)
            if told is _NESTED or (surrogates and isinstance(told, str) and not _is_text(told)):
                bad.append({"row": number, "column": name})
                told = None
            held.append(told)
        cells.append(held)
    if bad:
        raise PushError(
            422,
            "BAD_VALUES",
            f"有 {len(bad)} 个单元格不是文本、数或真假值",
            f"{len(bad)} cells hold an object, a list or what is no text.",
            "A cell is a text, a number, true, false or null; a list column may be a list of these.",
            rows=bad[:TOLD],
        )
    empty = (
        [n for (n, _), row in zip(numbered, zip(*cells, strict=True), strict=True) if not any(row)]
        if cells
        else [1]
    )
    if empty:
        raise PushError(
            422,
            "BAD_VALUES",
            f"第 {empty[0]} 条没有任何值",
            f"Record {empty[0]} has no value at all.",
            "Leave empty records out.",
            rows=[{"row": n} for n in empty[:TOLD]],
        )
    return Pushed(Columns(list(names), cells), [n for n, _ in numbered], [None] * len(numbered))


_NESTED: Any = object()


def _told(value: Any, separator: str | None) -> Any:
    """A value as its text: numbers with the digits that they came with."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if separator is not None and isinstance(value, list):
        parts = [_told(v, None) for v in value]
        if all(isinstance(p, str) and separator not in p for p in parts):
            return separator.join(parts) or None
    return _NESTED


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# -- tables ---------------------------------------------------------------------------------------------------------


def _of_table(feed: Feed, kind: str, charset: str | None, body: bytes, max_bytes: int) -> Pushed:
    limits = Limits(unpacked=max(4 * max_bytes, 16 << 20), cells=5_000_000)
    reading = Reading(format=kind, encoding=charset or feed.encoding)
    if kind == "xlsx":
        reading = replace(feed.reading_options(), format=kind)
    names: list[str] = []
    columns: dict[str, list[str | None]] = {}
    numbers: list[int] = []
    sheets: list[str | None] = []
    bad: list[dict[str, Any]] = []
    try:
        for source in readers.stream_sources(
            io.BytesIO(body), f"push.{kind}", reading, feed.header_names(), feed.key, limits
        ):
            _known_columns(feed, source.columns)
            contract.check_header(feed, source.columns, source.sheet or source.file)
            for frame in source.frames:
                for name in frame.columns:
                    if name != ROW and name not in columns:
                        names.append(name)
                        columns[name] = [None] * len(numbers)
                for name, held in columns.items():
                    held += (
                        frame.get_column(name).to_list() if name in frame.columns else [None] * frame.height
                    )
                numbers += frame.get_column(ROW).to_list()
                sheets += [source.sheet] * frame.height
                if len(numbers) > MAX_ROWS:
                    raise _too_many()
            bad += [
                {"row": b.row, "sheet": source.sheet, "column": b.column, "zh": b.zh, "en": b.en}
                for b in source.bad
            ]
    except UsageError as error:
        if error.code == "BAD_HEADER":
            raise PushError(422, "BAD_COLUMNS", error.zh, error.en, error.hint) from None
        raise PushError(400, "BAD_BODY", error.zh, error.en, error.hint) from None
    if bad:
        raise PushError(
            422,
            "BAD_ROWS",
            f"有 {len(bad)} 行无法读取",
            f"{len(bad)} rows cannot be read.",
            "Nothing was taken. Mend them and send all of it again.",
            rows=bad[:TOLD],
        )
    if not numbers:
        raise _no_rows()
    return Pushed(Columns(names, [columns[n] for n in names]), numbers, sheets)


def _known_columns(feed: Feed, names: Iterable[str]) -> None:
    declared = feed.names()
    unknown = [n for n in names if n not in declared]
    if unknown:
        shown = [n[:60] for n in unknown[:TOLD]]
        raise PushError(
            422,
            "BAD_COLUMNS",
            f"数据源 {feed.feed} 没有列:{'、'.join(shown)}",
            f"The feed {feed.feed} has no columns {', '.join(shown)}.",
            "Leave them out, or write them as the feed declares them.",
            unknown=shown,
            columns=list(feed.columns),
        )


def _no_rows() -> PushError:
    return PushError(422, "NO_ROWS", "没有任何数据行", "There are no rows in it.", "Send at least one row.")


def _too_many() -> PushError:
    return PushError(
        413,
        "TOO_MANY_ROWS",
        f"一次推送不得超过 {MAX_ROWS:,} 行",
        f"A push may have {MAX_ROWS:,} rows at most.",
        "Split it, or load it as a file.",
    )
