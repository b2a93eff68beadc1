"""`python -m benchmarks resolve` measures what it says; how fast that is, is not asked here."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from addresses.index import Index
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from benchmarks import resolve


def test_prepared_once_and_measured_in_another_process(tmp_path: Path) -> None:
    made = resolve.prepare(tmp_path, 0.002, 3, 80)
    assert made["places"] == len(Index.open(load_scheme(), tmp_path / resolve.INDEX, "0.002/3"))
    found = resolve.measure(tmp_path, others=False)
    assert found["messy"]["texts"] > 40
    assert found["clean"]["texts"] == 80
    assert found["column"]["texts"] == 4 * found["messy"]["texts"]
    for name in ("messy", "clean"):
        row = found[name]
        assert row["p50"] <= row["p95"] <= row["p99"] <= row["max"]
    resolve.show(0.002, made, found)


def test_shares_are_of_what_the_text_determines(tmp_path: Path) -> None:
    resolve.prepare(tmp_path, 0.002, 3, 200)
    resolver = AddressResolver(Index.open(load_scheme(), tmp_path / resolve.INDEX))
    names = json.loads((tmp_path / resolve.NAMES).read_text(encoding="utf-8"))
    village = "330109103259"
    frame = pl.DataFrame(
        {
            "id": ["1", "2"],
            "text": [names[village[:9]] + names[village], "紫霞村"],
            "code": [village, "330109004235"],
            "determined": [village, None],
            "outcome": ["RESOLVED", "UNRESOLVED"],
        }
    )
    rows = {row["name"]: row for row in resolve.beside(resolver, frame, names)}
    assert rows["quanxi"]["community"] == {"texts": 1, "right": 1.0, "wrong": 0.0}
