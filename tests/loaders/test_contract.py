"""What a feed's contract makes of cells."""

from __future__ import annotations

import polars as pl
import pytest

from loaders import contract
from loaders.declaration import Feed, load_feeds
from ontology.errors import UsageError
from ontology.terms import CATALOG, load_terms

TERMS = load_terms()
ENTERPRISES = load_feeds(CATALOG / "feeds")["enterprises"]


def checked(feed: Feed, **cells: list[str | None]) -> contract.Checked:
    size = len(next(iter(cells.values())))
    columns = {c: cells.get(c, [None] * size) for c in feed.columns}
    return contract.check(feed, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), TERMS)


def test_numbers_may_carry_their_unit() -> None:
    found = checked(
        ENTERPRISES, 名称=["甲", "乙", "丙"], 注册号=["1", "2", "3"], 注册资本=["5万元", "1,200.5", "五"]
    )
    assert found.rows.get_column("注册资本").to_list() == ["5.0", "1200.5", None]
    assert (found.rejected_rows, found.dropped_cells) == (0, 1)


@pytest.mark.parametrize("written", ["2025/1/5", "20250105", "2025年1月5日", "2025-01-05"])
def test_dates_of_every_form_become_one(written: str) -> None:
    found = checked(ENTERPRISES, 名称=["甲"], 注册号=["1"], 成立日期=[written])
    assert found.rows.get_column("成立日期").to_list() == ["2025-01-05"]


def test_a_bad_row_harms_no_good_row() -> None:
    found = checked(
        ENTERPRISES,
        名称=["甲", None, "丙", "丁"],
        注册号=["1", "2", None, "4"],
        登记状态=["存续", "存续", "存续", "飞升"],
    )
    assert found.rows.get_column("名称").to_list() == ["甲"]
    assert [(r.row, r.column) for r in found.rejections] == [
        (3, "名称"),
        (5, "登记状态"),
        (4, "统一社会信用代码"),
    ]


def test_blank_rows_are_no_rows() -> None:
    found = checked(ENTERPRISES, 名称=["甲", None, " "], 注册号=["1", None, ""])
    assert (found.rows.height, found.rejections) == (1, [])


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UsageError, match="名称"):
        contract.check_header(ENTERPRISES, ["注册号"], "x.csv")
