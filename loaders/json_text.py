"""Rows of a frame as JSON objects: the bytes that records and states are kept as, and that a record's hash is of.

Written column by column, they are what `orjson` writes of each row with its keys sorted, byte for byte; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
import polars as pl

# Of fewer rows each is written by itself: a column's way has a price of its own.
FEW: Final = 64


def json_value(column: str) -> pl.Expr:
    """A column's values as JSON texts."""
    return (
        pl.struct(pl.col(column).alias("v"))
        .struct.json_encode()
        .str.strip_prefix('{"v":')
        .str.strip_suffix("}")
    )


def json_object(columns: Sequence[str]) -> pl.Expr:
    """The columns of each row as the text of one object, keys sorted, without those that are null."""
    parts = [
        pl.when(pl.col(c).is_not_null()).then(pl.lit(f"{orjson.dumps(c).decode()}:") + json_value(c))
        for c in sorted(columns)
    ]
    if not parts:
        return pl.lit("{}")
    inside = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.concat_str(pl.lit("{"), inside, pl.lit("}"))


def json_rows(frame: pl.DataFrame) -> list[bytes]:
    """Each row as `json_object` writes it."""
    if frame.height < FEW:
        return [
            orjson.dumps({c: v for c, v in row.items() if v is not None}, option=orjson.OPT_SORT_KEYS)
            for row in frame.iter_rows(named=True)
        ]
    return frame.select(json_object(frame.columns).cast(pl.Binary).alias("json")).to_series().to_list()
