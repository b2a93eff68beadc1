"""Whole sheets in memory, for small files whose rows are joined to others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from loaders.readers.model import ROW, Reading, Source, unreadable
from loaders.readers.openers import sources


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows as received, every cell a string or null, under the header's names. `row 2` is the first of them."""

    file: str
    sheet: str | None
    digest: str
    file_date: str | None
    rows: pl.DataFrame


def read(path: Path, encoding: str | None = None) -> list[Sheet]:
    """Reads a file into sheets (a CSV has one). Sheets without rows are left out.

    Raises:
        UsageError: BAD_FILE when it is no file, is empty, is not text in a known encoding, or a row is bad.
    """
    found = [_whole(s) for s in sources(path, Reading(encoding=encoding))]
    if len(found) > 1 or (found and found[0].sheet is not None):
        found = [s for s in found if s.rows.height]
    if not found:
        raise unreadable(path.name, "没有任何工作表含有数据行", "no sheet has rows")
    return found


def _whole(source: Source) -> Sheet:
    """All rows of a source; those that were skipped are empty, so that the n-th is still row n + 1."""
    frames = list(source.frames)
    if source.bad:
        bad = source.bad[0]
        raise unreadable(source.file, f"第 {bad.row} 行:{bad.zh}", f"row {bad.row}: {bad.en}")
    rows = (
        pl.concat(frames)
        if frames
        else pl.DataFrame(schema={**dict.fromkeys(source.columns, pl.String), ROW: pl.Int64})
    )
    if rows.height and rows.item(0, ROW) == 1:
        # Records without a header are numbered from 1.
        rows = rows.with_columns(pl.col(ROW) + 1)
    if rows.height and rows.item(-1, ROW) != rows.height + 1:
        every = pl.DataFrame({ROW: pl.int_range(2, rows.item(-1, ROW) + 1, dtype=pl.Int64, eager=True)})
        rows = every.join(rows, on=ROW, how="left", maintain_order="left")
    return Sheet(source.file, source.sheet, source.digest(), source.file_date, rows.select(source.columns))
