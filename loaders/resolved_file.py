"""A file with a column of texts → the same file with the place that each names beside it.

Columns that begin with `解析·` are ours: where the file has them from an earlier time they are written anew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter

from addresses.reasons import reason_words
from addresses.resolution import Candidate, Outcome, Resolution
from loaders import readers
from loaders.mapping import address_id
from loaders.readers import ROW, Reading, Source
from loaders.returned import TEXT, shown
from loaders.run import Loader
from ontology.errors import UsageError

OURS: Final = "解析·"
OUTCOME, CODE, LEVEL = f"{OURS}结果 outcome", f"{OURS}编码 code", f"{OURS}层级 level"
CONFIDENCE, NAME = f"{OURS}可信度 confidence", f"{OURS}标准地址 full name"
BECAUSE, OTHERS = f"{OURS}理由 because", f"{OURS}其他可能 alternatives"
COLUMNS: Final = (OUTCOME, CODE, LEVEL, CONFIDENCE, NAME, BECAUSE, OTHERS)
SUFFIXES: Final = (".csv", ".xlsx", ".jsonl", ".parquet")
LONGEST: Final = 4_000
MOST: Final = 1_000_000
"""Rows of a sheet."""
# A column is taken for that of the texts by these, the surer first.
_NAMES: Final = ("地址", "住址", "address", "地点", "位置", "场所")

Step = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class ResolvedFile:
    """Sheets with our columns, by name; and how many rows, and different texts, had which outcome."""

    column: str
    sheets: dict[str, pl.DataFrame] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    unread: int = 0


def target(path: Path) -> Path:
    """Where the file is written when nobody says: beside it, in its own form or as CSV."""
    stem = path.name.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[0]
    suffix = path.suffix.lower() if path.suffix.lower() in SUFFIXES else ".csv"
    return path.with_name(f"{stem}_resolved{suffix}")


def resolved(
    loader: Loader,
    path: Path,
    column: str | None,
    near: str | None,
    first: int,
    sheet: str | None,
    step: Step,
) -> ResolvedFile:
    """The sheets of a file that have the column, each different text resolved once.

    Args:
        column: None takes the first column whose name says that it holds addresses.
        near: code of a place in or by which the texts are likelier.
        first: how many alternatives at most.
        step: called with stage, done, total.

    Raises:
        UsageError: BAD_FILE; BAD_HEADER when no sheet has the column; BAD_CODE.
    """
    places = loader.places
    if near is not None:
        near = loader.scheme.parse(near).code
    declared = [column] if column is not None else []
    found = readers.sources(path, Reading(sheet=sheet), declared)
    chosen = [(source, name) for source in found if (name := _chosen(source, column)) is not None]
    if not chosen:
        columns = ", ".join(dict.fromkeys(c for source in found for c in source.columns))
        raise UsageError(
            "BAD_HEADER",
            f"{path.name} 中没有列“{column}”" if column else f"不能由列名看出 {path.name} 的哪一列是地址",
            f"{path.name} has no column {column}"
            if column
            else f"no column of {path.name} is called an address",
            f"Name one with --column. There are: {columns}.",
        )
    done = ResolvedFile(chosen[0][1])
    said: dict[str, tuple[str | None, ...]] = {}
    for source, name in chosen:
        frame = _read(source, step)
        done.unread += len(source.bad)
        texts = frame.get_column(name).str.strip_chars().replace("", None)
        fresh = [t for t in texts.drop_nulls().unique(maintain_order=True).to_list() if t not in said]
        for i, text in enumerate(fresh):
            said[text] = _cells(
                loader, text, places.read(text, near, first) if len(text) <= LONGEST else None
            )
            done.texts[str(said[text][0])] += 1
            if i % 100 == 0:
                step("解析 resolve", i, len(fresh))
        step("解析 resolve", len(fresh), len(fresh))
        cells = pl.DataFrame(
            [(t, *said[t]) for t in texts.drop_nulls().unique().to_list()],
            schema=dict.fromkeys(("__text", *COLUMNS), pl.String), orient="row",
        )  # fmt: skip
        frame = frame.drop([c for c in frame.columns if c.startswith(OURS)], strict=False)
        frame = frame.with_columns(texts.alias("__text")).join(
            cells, on="__text", how="left", maintain_order="left"
        )
        for outcome, n in frame.group_by(OUTCOME).len().iter_rows():
            if outcome is None:
                done.empty += n
            else:
                done.rows[outcome] += n
        done.sheets[source.sheet or f"Sheet{len(done.sheets) + 1}"] = frame.drop("__text")
    return done


def _chosen(source: Source, column: str | None) -> str | None:
    if column is not None:
        return column if column in source.columns else None
    for name in _NAMES:
        for c in source.columns:
            if name in c.lower() and not c.startswith(OURS) and not c.endswith(("编码", "代码", "code")):
                return c
    return None


def _read(source: Source, step: Step) -> pl.DataFrame:
    frames = []
    rows = 0
    for frame in source.frames:
        frames.append(frame)
        rows += frame.height
        step("读取 read", rows, None)
    if not frames:
        return pl.DataFrame(schema=dict.fromkeys(source.columns, pl.String))
    return pl.concat(frames).drop(ROW, strict=False)


def _cells(loader: Loader, text: str, said: Resolution | None) -> tuple[str | None, ...]:
    """Our columns for one text; None for one that is too long to be read."""
    if said is None:
        return Outcome.UNRESOLVED.value, None, None, None, None, f"超过 {LONGEST} 字 too long", None
    best = said.best
    names = loader.places.full_names(
        {address_id(c.code): c.code for c in (best, *said.alternatives) if c is not None}
    )
    others = (
        "; ".join(f"{c.code} {names.get(c.code, '')} {c.confidence:.2f}" for c in said.alternatives) or None
    )
    if best is None:
        return said.outcome.value, None, None, None, None, None, others
    return (
        said.outcome.value, best.code, best.level, f"{best.confidence:.4f}", names.get(best.code), _reasons(best), others,
    )  # fmt: skip


def _reasons(candidate: Candidate) -> str:
    return "; ".join(reason_words(*reason)[0] for reason in candidate.because)


def write(path: Path, sheets: dict[str, pl.DataFrame]) -> None:
    """Writes them whole or not at all, readable by their owner alone: rows stand in it in clear.

    Raises:
        UsageError: BAD_ARGUMENT for another ending, several sheets in a file that is no workbook, or too many rows for one.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            "BAD_ARGUMENT",
            f"{path} 应以 {'、'.join(SUFFIXES)} 之一结尾",
            f"{path}: its name ends in one of {', '.join(SUFFIXES)}",
        )
    if suffix != ".xlsx" and len(sheets) > 1:
        raise UsageError(
            "BAD_ARGUMENT",
            "有多个工作表,请写为 .xlsx,或用 --sheet 指定其一",
            f"there are {len(sheets)} sheets: write an .xlsx, or name one with --sheet",
            f"Sheets: {', '.join(sheets)}.",
        )
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        only = next(iter(sheets.values()))
        if suffix == ".csv":
            # With a mark by which Excel knows UTF-8.
            only.write_csv(partial, include_bom=True)
        elif suffix == ".jsonl":
            only.write_ndjson(partial)
        elif suffix == ".parquet":
            only.write_parquet(partial)
        else:
            _workbook(partial, sheets)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _workbook(path: Path, sheets: dict[str, pl.DataFrame]) -> None:
    if (most := max(frame.height for frame in sheets.values())) > MOST:
        raise UsageError(
            "BAD_ARGUMENT",
            f"有 {most:,} 行,一张表放不下,请写为 .csv",
            f"{most:,} rows are more than a sheet holds: write a .csv",
        )
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False}) as book:
        head, text = book.add_format({"bold": True}), book.add_format({"num_format": TEXT})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(_sheet_name(name, book.sheetnames))
            _row(sheet, 0, frame.columns, head)
            for number, values in enumerate(frame.iter_rows(), 1):
                _row(sheet, number, values, text)


def _row(
    sheet: xlsxwriter.worksheet.Worksheet, number: int, values: Sequence[str | None], style: object
) -> None:
    for at, value in enumerate(values):
        if value is not None:
            sheet.write_string(number, at, shown(value), style)


def _sheet_name(name: str, taken: dict[str, object]) -> str:
    base = "".join("_" if c in "[]:*?/\\'" else c for c in name)[:28] or "Sheet"
    made, n = base, 1
    while made.lower() in {t.lower() for t in taken}:
        n += 1
        made = f"{base}~{n}"
    return made
