"""Batches are digested in one stream of frames, and taken one by one."""

from __future__ import annotations

import polars as pl
import pytest

from ledger import Batch
from loaders.bulk.digest import Digested, by_batch
from loaders.contract import Checked


def batch(number: int) -> Batch:
    return Batch(
        number, str(number), "f", "f.csv", None, "2025-01-01T00:00:00+08:00", None, 1, (), "received", None
    )


def digested(number: int, read: int) -> Digested:
    return Digested(number, read, Checked(pl.DataFrame(), [], 0, 0))


@pytest.mark.parametrize(
    "frames", [{}, {1: [1]}, {1: [1, 2], 3: [3]}, {2: [1]}, {3: [1, 2, 3]}, {1: [1], 2: [2], 3: [3]}]
)
def test_each_batch_has_its_own_frames_and_one_without_rows_none(frames: dict[int, list[int]]) -> None:
    found = (digested(number, read) for number, reads in frames.items() for read in reads)
    taken = {b.no: [one.read for one in of] for b, of in by_batch([batch(n) for n in (1, 2, 3)], found)}
    assert taken == {n: frames.get(n, []) for n in (1, 2, 3)}
