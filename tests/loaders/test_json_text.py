"""Rows as JSON, column by column: the bytes that a row by itself comes to."""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.json_text import FEW, json_object, json_rows

TEXT = (
    st.none()
    | st.text(max_size=6)
    | st.sampled_from(['"', "\\", '{"v":1}', "\x1f", "\u2028", "𠮷", '":null,'])
)
ROWS = st.fixed_dictionaries(
    {
        "名 name": TEXT,
        "a": TEXT,
        "sure": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "open": st.none() | st.booleans(),
        "aliases": st.none() | st.lists(st.text(max_size=3), max_size=3),
    }
)
SCHEMA: dict[str, Any] = {
    "名 name": pl.String,
    "a": pl.String,
    "sure": pl.Float64,
    "n": pl.Int64,
    "open": pl.Boolean,
    "aliases": pl.List(pl.String),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12))
def test_a_column_at_a_time_or_a_row_at_a_time(rows: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    wanted = [
        orjson.dumps({c: v for c, v in row.items() if v is not None}, option=orjson.OPT_SORT_KEYS)
        for row in rows
    ]
    assert json_rows(frame) == wanted
    many = pl.concat([frame] * FEW)
    assert json_rows(many) == wanted * FEW


def test_rows_of_nothing() -> None:
    frame = pl.DataFrame({"a": [None, "x"]}, schema={"a": pl.String})
    assert json_rows(frame.clear()) == []
    assert frame.select(json_object(["a"])).to_series().to_list() == ["{}", '{"a":"x"}']
    assert frame.select(pl.col("a"), json_object([]).alias("o"))["o"].to_list() == ["{}", "{}"]
