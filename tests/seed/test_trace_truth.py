"""The answer key of traces: what is listed, by hand on a few rows."""

from __future__ import annotations

from datetime import date

import polars as pl

from seed.trace_truth import joined, listed, nearly, often

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
            "法定代表人证件号": ["1"] * 5 + ["2", None, None], "联系电话": ["0571-1"] * 6 + ["0571-2"] * 2,
            "地址编码": ["3301090020010003010101"] * 6 + ["3301090020010003"] * 2,
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
        "one_representative": ["A", "B", "C", "D"], "one_phone": ["A", "B", "C", "D", "F"],
        "one_room": ["A", "B", "C", "D", "F"], "hazard_overdue": ["h1"], "in_guarantee_ring": ["A", "B", "C"],
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


def test_joined_is_of_different_people() -> None:
    rows = [
        ("a", "2025-01-01", "1", "x"), ("a", "2025-01-10", "2", "x"), ("a", "2025-01-20", "3", "y"), ("a", "2025-03-01", "4", "z"),
        ("a", "2025-09-01", "5", "z"), ("a", "2025-09-02", "6", None), (None, "2025-01-03", "7", "w"),
    ]  # fmt: skip
    assert joined(rows, 3, 60) == ["1", "2", "3", "4"]
    assert joined(rows, 3, 40) == []
    assert joined(rows, 2, 10) == ["2", "3"]


def test_homes_let_without_a_registration() -> None:
    flat = "3301090020010003010101"
    people = pl.DataFrame(
        {"地址编码": [flat], "入住日期": ["2025-01-01"], "离开日期": [None], "死亡日期": [None]},
        schema_overrides={"离开日期": pl.String, "死亡日期": pl.String},
    )
    let = pl.DataFrame(
        {
            "房屋编号": ["F1", "F2", "F3", "F4"], "地址编码": [flat, flat[:-1] + "2", flat[:-1] + "3", flat[:-1] + "4"],
            "起租日期": ["2025-01-01", "2025-12-08", "2025-12-09", "2025-01-01"], "退租日期": [None, None, None, "2025-12-15"],
        }
    )  # fmt: skip
    feeds = {"residents": people, "tenancies": let}
    true = listed(feeds, TODAY)
    # Lived in; let for a week; let this week; let no more.
    assert true["unregistered_home"] == ["F2"]
    near = nearly(feeds, TODAY, {"unregistered_home": ["F4", "F2"]}, true)
    assert near["unregistered_home"] == ["F3", "F4"]


def test_cards_that_are_complained_about() -> None:
    cards = pl.DataFrame(
        {
            "备案编号": ["c1", "c2", "c3", "c4"],
            "信用代码": list("ABCD"),
            "预收资金余额": ["9.5万元", "1.0万元", "0.0万元", "2.0万元"],
        }
    )
    firms = pl.DataFrame(
        {
            "统一社会信用代码": list("ABCDX"), "登记状态": ["存续"] * 4 + ["吊销"], "法定代表人证件号": ["1", "2", "3", "4", "1"],
            "联系电话": [None] * 5, "地址编码": [""] * 5,
        },
        schema_overrides={"联系电话": pl.String},
    )  # fmt: skip
    about = [
        ("A", "预付卡", 1), ("A", "预付卡", 30), ("A", "预付卡", 60), ("B", "预付卡", 1), ("B", "预付卡", 2), ("B", "预付卡", 3),
        ("C", "预付卡", 1), ("C", "预付卡", 2), ("C", "预付卡", 3), ("D", "商品质量", 1), ("D", "商品质量", 2), ("D", "预付卡", 3),
    ]  # fmt: skip
    complaints = pl.DataFrame(
        [(f"k{i}", firm, kind, (date(2025, 3, 1).replace(month=3 + day // 31, day=day % 31 or 1)).isoformat()) for i, (firm, kind, day) in enumerate(about)],
        schema=["登记编号", "主体代码", "问题类别", "登记时间"], orient="row",
    )  # fmt: skip
    labour = pl.DataFrame(
        schema=dict.fromkeys(("用人单位信用代码", "申请日期", "仲裁案号", "劳动者身份证号"), pl.String)
    )
    feeds = {
        "prepaid_cards": cards,
        "enterprises": firms,
        "complaints": complaints,
        "labour_disputes": labour,
    }
    true = listed(feeds, TODAY)
    assert true["prepaid_warned"] == ["c1", "c2"]
    # The representative of A has another business, which was struck off.
    assert true["prepaid_at_risk"] == ["c1"]
    near = nearly(feeds, TODAY, {}, true)
    assert near["prepaid_warned"] == ["c4"] and near["prepaid_at_risk"] == ["c2"]
