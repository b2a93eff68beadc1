"""Parquet: by record batches, every value as the text that a person would write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl
import pyarrow.parquet

from loaders.readers.model import FRAME_ROWS, ROW, Notes, Source, file_date, unreadable
from loaders.readers.raw import Raw, spooled


def parquet(raw: Raw, blocks: Iterator[bytes]) -> Source:
    """A Parquet file as a source; records are numbered from 1.

    Raises:
        UsageError: BAD_FILE when it is none, or damaged.
    """
    file: BinaryIO = spooled(blocks)
    try:
        opened = pyarrow.parquet.ParquetFile(file)
        columns = [str(c) for c in opened.schema_arrow.names]
    except Exception as error:
        raise unreadable(
            raw.name, "不是可读取的 Parquet 文件", f"it is no readable Parquet file ({error})"
        ) from None
    notes = Notes()

    def frames() -> Iterator[pl.DataFrame]:
        row = 1
        batches = opened.iter_batches(batch_size=FRAME_ROWS // 2)
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                raise unreadable(
                    raw.name, f"第 {row} 条起已损坏", f"it is damaged from record {row} on ({error})"
                ) from None
            if batch is None:
                break
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            texts = frame.select(as_text(pl.col(c), t) for c, t in frame.schema.items())
            texts = texts.with_columns(pl.int_range(row, row + frame.height, dtype=pl.Int64).alias(ROW))
            row += frame.height
            texts = texts.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
            if texts.height:
                yield texts
        notes.close()

    return Source(raw.name, None, file_date(raw.name), columns, frames(), notes, [], raw.digest)


def as_text(column: pl.Expr, type: pl.DataType) -> pl.Expr:
    """A column's values as strings, null where empty: whole numbers without `.0`, days and moments in ISO's order."""
    if isinstance(type, pl.Datetime):
        moment = column.dt.convert_time_zone("Asia/Shanghai") if type.time_zone else column
        return moment.dt.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(type, pl.List | pl.Array | pl.Struct):
        return column.map_elements(_json, return_dtype=pl.String)
    if isinstance(type, pl.Binary):
        return column.bin.encode("hex")
    text = column.cast(pl.String)
    if type.is_float():
        text = text.str.strip_suffix(".0")
    return pl.when(text != "").then(text)


def _json(value: object) -> str:
    import json

    if isinstance(value, pl.Series):
        value = value.to_list()
    return json.dumps(value, ensure_ascii=False, default=str)
