"""Small helpers over numpy and polars that the parts share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

EPOCH: Final = date(1970, 1, 1)


def pick(values: Sequence[str] | pl.Series, index: npt.NDArray[Any]) -> pl.Series:
    """values[index] as a polars column; a negative index gives null."""
    series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
    column = pl.Series(index.astype(np.int64))
    if len(index) and int(index.min()) < 0:
        column = column.to_frame("i").select(pl.when(pl.col("i") >= 0).then(pl.col("i"))).to_series()
    found: pl.Series = series.gather(column)
    return found


def draw(rng: np.random.Generator, weights: Sequence[float] | npt.NDArray[np.float64], n: int) -> Ints:
    """n indices drawn by weight."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    found = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    place: Ints = np.minimum(found, len(cumulative) - 1).astype(np.int64)
    return place


def cat(*parts: pl.Series | str) -> pl.Series:
    """Columns and constants side by side as text; null where any column is null."""
    columns = {f"c{i}": p for i, p in enumerate(parts) if isinstance(p, pl.Series)}
    exprs = [pl.col(f"c{i}") if isinstance(p, pl.Series) else pl.lit(p) for i, p in enumerate(parts)]
    return pl.DataFrame(columns).select(pl.concat_str(exprs)).to_series()


def digits(values: npt.NDArray[Any], width: int) -> pl.Series:
    """Integers as text padded with zeros."""
    return pl.Series(values.astype(np.int64)).cast(pl.String).str.zfill(width)


def days(values: npt.NDArray[Any], valid: Bools | None = None) -> pl.Series:
    """Days since 1970 as ISO text, null where not valid."""
    text = pl.Series(values.astype(np.int32)).cast(pl.Date).cast(pl.String)
    return text if valid is None else only_if(text, valid)


def moments(values: npt.NDArray[Any], valid: Bools | None = None) -> pl.Series:
    """Seconds since 1970 (local time) as `2025-12-15 08:30:00`, null where not valid."""
    stamp = pl.Series(values.astype(np.int64) * 1000).cast(pl.Datetime("ms"))
    text = stamp.dt.strftime("%Y-%m-%d %H:%M:%S")
    return text if valid is None else only_if(text, valid)


def only_if(column: pl.Series, valid: Bools) -> pl.Series:
    """The column where valid, null elsewhere."""
    frame = pl.DataFrame({"c": column, "m": valid})
    return frame.select(pl.when(pl.col("m")).then(pl.col("c")).otherwise(None)).to_series()


def either(mask: Bools, yes: pl.Series, no: pl.Series) -> pl.Series:
    """One column where the mask holds, the other elsewhere."""
    frame = pl.DataFrame({"m": mask, "y": yes, "n": no})
    return frame.select(pl.when(pl.col("m")).then(pl.col("y")).otherwise(pl.col("n"))).to_series()


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def spread(rng: np.random.Generator, n: int, modulus: int) -> Ints:
    """n different numbers below modulus, in an order that looks random (a linear permutation).

    Raises:
        ValueError: when n is above modulus.
    """
    if n > modulus:
        raise ValueError(f"{n} different numbers below {modulus} do not exist")
    step = int(rng.integers(modulus // 3, modulus // 2)) | 1
    while np.gcd(step, modulus) != 1:
        step += 2
    start = int(rng.integers(0, modulus))
    return (np.arange(n, dtype=np.int64) * step + start) % modulus


def in_groups(rng: np.random.Generator, group: Ints, wanted: Ints, count: int) -> Ints:
    """For each wanted group, a random position of a row of that group; -1 where the group is empty.

    Args:
        group: shape (rows,), the group of each row, sorted ascending.
        wanted: shape (n,).
        count: number of groups.
    """
    start = np.searchsorted(group, np.arange(count + 1))
    low, high = start[wanted], start[wanted + 1]
    found = low + (rng.random(len(wanted)) * (high - low)).astype(np.int64)
    return np.where(high > low, found, -1)


def within(counts: npt.NDArray[Any]) -> Ints:
    """0..c-1 for each count, one after another: the position within its group of each repeated row."""
    total = int(counts.sum())
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total, dtype=np.int64) - starts.astype(np.int64)
