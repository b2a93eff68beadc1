"""The answer key of traces: what is listed, by hand on a few rows."""

from __future__ import annotations

from datetime import date

import polars as pl

from seed.trace_truth import listed, often

TODAY = date(2025, 12, 15)


def test_often_is_of_one_within_the_days() -> None:
    rows = [
        ("a", "2025-01-01 08:00:00", "1"), ("a", "2025-01-20 08:00:00", "2"), ("a", "2025-01-22 08:00:00", "3"),
        ("a", "2025-02-10 08:00:00", "4"), ("b", "2025-01-02 08:00:00", "5"), (None, "2025-01-02 08:00:00", "6"),
    ]  # fmt: skip
    assert often(rows, 3, 21) == ["1", "2", "3", "4"]
    assert often(rows, 3, 20) == []
    assert often(rows, 2, 2) == ["2", "3"]


def test_what_is_listed() -> None:
    firms = pl.DataFrame(
        {
            "统一社会信用代码": list("ABCDEFGH"), "登记状态": ["存续"] * 4 + ["注销"] + ["存续"] * 3,
            "法定代表人证件号": ["1"] * 5 + ["2", None, None],
        }
    )  # fmt: skip
    hazards = pl.DataFrame(
        {
            "隐患编号": ["h1", "h2", "h3", None], "整改期限": ["2025-12-14", "2025-12-15", "2025-01-01", "2025-01-01"],
            "整改完成时间": [None, None, "2025-02-01 00:00:00", None], "复查时间": [None] * 4,
        },
        schema_overrides={"复查时间": pl.String},
    )  # fmt: skip
    owed = pl.DataFrame(
        {
            "保证企业代码": ["A", "B", "C", "D", "E"], "债务企业代码": ["B", "C", "A", "A", "D"],
            "起保日": ["2025-01-01"] * 5, "到期日": ["2026-01-01"] * 4 + ["2025-12-15"],
        }
    )  # fmt: skip
    found = listed({"enterprises": firms, "hazards": hazards, "guarantees": owed}, TODAY)
    assert found == {
        "one_representative": ["A", "B", "C", "D"], "hazard_overdue": ["h1"], "in_guarantee_ring": ["A", "B", "C"],
    }  # fmt: skip


def test_who_lives_where_today() -> None:
    code, flat = "3301090020010003", "3301090020010003010101"
    people = pl.DataFrame(
        {
            "地址编码": [flat] * 9 + [f"{code}01{n:04}" for n in range(92)],
            "入住日期": ["2025-01-01"] * 101,
            "离开日期": ["2025-12-15"] + [None] * 100,
            "死亡日期": [None] * 101,
        },
        schema_overrides={"死亡日期": pl.String},
    )
    houses = pl.DataFrame({"房屋编号": ["F1", "F2"], "地址编码": [flat, code], "是否出租": ["是", "否"]})
    captains = pl.DataFrame({"是否楼长": ["是"], "退队日期": ["2024-01-01"], "地址编码": [code]})
    found = listed({"residents": people, "houses": houses, "volunteers": captains}, TODAY)
    assert found == {"crowded_let_home": ["F1"], "no_captain": [code]}
    serves = captains.with_columns(pl.lit(None, pl.String).alias("退队日期"))
    assert listed({"residents": people, "volunteers": serves}, TODAY)["no_captain"] == []
