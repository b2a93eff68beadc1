"""What a contract makes of cells beyond their types: transforms, Excel's traps, checks, positions, deletions."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses.coordinates import from_bd09, from_gcj02, gcj02_to_bd09, to_cgcs2000, to_gcj02
from loaders import contract
from loaders.declaration import Feed
from loaders.mapping import ACTION, AT
from loaders.transforms import building_forms, chinese_date, chinese_number, serial_date, transform
from ontology.clock import parse_date, parse_datetime
from ontology.identifiers import check_citizen_id, make_citizen_id
from ontology.terms import load_terms

TERMS = load_terms()
TODAY = date(2025, 12, 15)
GOOD = make_citizen_id("330109", "19900101", 123)


def feed(columns: dict[str, Any], **more: Any) -> Feed:
    """A feed with a key column `号` and the columns given."""
    return Feed.model_validate(
        {
            "feed": "tried", "zh": "试", "en": "Tried", "department": "试", "match": ["试*"], "key": ["号"],
            "columns": {"号": {"required": True}, **columns}, "entities": {}, **more,
        }
    )  # fmt: skip


def checked(feed: Feed, rows: list[int] | None = None, **cells: list[str | None]) -> contract.Checked:
    size = len(next(iter(cells.values())))
    cells = {"号": [str(i) for i in range(size)], **cells}
    table = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    if rows is not None:
        table = table.with_columns(pl.Series(contract.ROW, rows, dtype=pl.Int64))
    return contract.check(feed, table, TERMS, TODAY)


def column(spec: dict[str, Any], *values: str | None) -> list[Any]:
    found = checked(feed({"列": spec}), 列=list(values))
    return found.rows.get_column("列").to_list()


# -- the sheet -----------------------------------------------------------------------------------------------


def test_a_cell_is_told_with_the_row_column_and_value_of_the_file() -> None:
    declared = feed({"证件": {"type": "citizen_id", "aliases": ["身份证号"]}})
    found = checked(declared, rows=[7, 9, 12], 身份证号=[GOOD, "33010919900101123", None])
    assert found.rows.get_column(contract.ROW).to_list() == [7, 12]
    assert found.rows.get_column("证件").to_list() == [GOOD, None]
    (told,) = found.rejections
    assert (told.row, told.column, told.value) == (9, "身份证号", "33010919900101123")
    assert told.zh and told.en


def test_own_name_goes_before_an_alias() -> None:
    declared = feed({"名称": {"aliases": ["单位名称"]}})
    found = checked(declared, 单位名称=["甲", "乙"], 名称=[None, "丙"])
    assert found.rows.get_column("名称").to_list() == ["甲", "丙"]
    contract.check_header(declared, ["号", "单位名称"], "x.csv")


def test_what_was_dropped_is_noted() -> None:
    found = checked(feed({"数": {"type": "number", "on_bad": "drop"}}), 数=["1", "约二"])
    assert found.rows.get_column("数").to_list() == ["1.0", None]
    assert (found.dropped_cells, found.rejected_rows) == (1, 0)
    assert [(n.row, n.column, n.value) for n in found.notes] == [(3, "数", "约二")]


# -- transforms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameter", "given_", "wanted"),
    [
        ("trim", None, "\u3000 甲\u200b\ufeff", "甲"),
        ("no_blanks", None, "张　 三", "张三"),
        ("half_width", None, "３幢（Ａ）", "3幢(A)"),
        ("upper", None, "浙a12345", "浙A12345"),
        ("digits_only", None, "138-0000 0000", "13800000000"),
        ("digits_only", None, "13800000000.0", "13800000000"),
        ("digits_only", None, "1.38E+10", "1.38E+10"),
        ("digits_only", None, "无", None),
        ("strip_prefix", "浙江省", "浙江省杭州市", "杭州市"),
        ("strip_suffix", "元", "5 元", "5"),
        ("chinese_numerals", None, "一百零三", "103"),
        ("chinese_numerals", None, "三里村", "三里村"),
        ("chinese_date", None, "二〇二三年五月一日", "2023-05-01"),
        ("chinese_date", None, "二零二三年十二月廿一", "2023-12-21"),
        ("chinese_date", None, "2023.5.1", "2023-05-01"),
        ("chinese_date", None, "20230501", "2023-05-01"),
        ("chinese_date", None, "二〇二三年五月一日 8时5分", "2023年5月1日 8时5分"),
        ("chinese_date", None, "去年五月", "去年5月"),
        ("excel_serial_date", None, "45275", "2023-12-15"),
        ("excel_serial_date", None, "45275.5", "2023-12-15T12:00:00"),
        ("excel_serial_date", None, "2023", "2023"),
        ("building_forms", None, "金帝花园三号楼二 单元101室", "金帝花园3幢2单元101室"),
        ("building_forms", None, "雍景苑１2＃1单元", "雍景苑12幢1单元"),
        ("building_forms", None, "a栋", "A幢"),
        ("building_forms", None, "萧杭路23号", "萧杭路23号"),
    ],
)
def test_transforms(name: str, parameter: str | None, given_: str, wanted: str | None) -> None:
    values = pl.Series("列", [given_, None, given_])
    assert transform(values, name, parameter).to_list() == [wanted, None, wanted]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("二〇二三", 2023), ("十二", 12), ("二十", 20), ("一百零三", 103), ("一百二十", 120), ("两万", 20_000),
        ("一千零一", 1001), ("壹佰叁拾伍", 135), ("廿三", 23), ("三万五千", 35_000), ("一亿", 100_000_000),
        ("一百二", None), ("三里", None), ("", None), ("十百", None),
    ],
)  # fmt: skip
def test_chinese_numbers(text: str, number: int | None) -> None:
    assert chinese_number(text) == number


@given(st.integers(0, 9999))
def test_written_numbers_are_read_back(number: int) -> None:
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]
    said = "零" if number == 0 else ""
    text = str(number) if number else ""
    for i, c in enumerate(text):
        place = len(text) - 1 - i
        if c != "0":
            said += digits[int(c)] + units[place]
        elif said and not said.endswith("零") and set(text[i:]) != {"0"}:
            said += "零"
    assert chinese_number(said) == number
    assert chinese_number("".join(digits[int(c)] for c in str(number))) == number


@given(st.dates(date(1949, 10, 1), date(2099, 12, 30)))
def test_dates_of_every_form_are_one_day(day: date) -> None:
    digits = "〇一二三四五六七八九"
    year = "".join(digits[int(c)] for c in str(day.year))

    def small(n: int) -> str:
        return (
            ("" if n < 20 else digits[n // 10])
            + ("十" if n >= 10 else "")
            + (digits[n % 10] if n % 10 else "")
        )

    written = f"{year}年{small(day.month)}月{small(day.day)}日"
    assert chinese_date(written) == day.isoformat()
    assert chinese_date(f"{day.year}.{day.month}.{day.day}") == day.isoformat()
    assert serial_date(str((day - date(1899, 12, 30)).days)) == day.isoformat()


@given(st.text("0123456789幢栋号楼#单元三十 A", max_size=15))
def test_building_forms_settle(text: str) -> None:
    once = building_forms(text)
    assert building_forms(once) == once


def test_transforms_come_before_the_type_and_synonyms_after_them() -> None:
    spec = {
        "type": "term",
        "terms": "sex",
        "transforms": ["half_width", "upper"],
        "synonyms": {"M": "男", "女性": "女"},
    }
    assert column(spec, "ｍ", "女性", "男") == ["male", "female", "male"]


# -- words that mean nothing ---------------------------------------------------------------------------------


def test_usual_words_are_empty_save_in_text() -> None:
    assert column({"type": "citizen_id"}, "无", "不详", "-", "N/A", GOOD) == [None, None, None, None, GOOD]
    assert column({"type": "date"}, "00000000", "0000-00-00", "暂无") == [None, None, None]
    assert column({}, "无", "/") == ["无", "/"]
    assert column({"empty": ["无"]}, "无", "/") == [None, "/"]
    assert column({"type": "boolean"}, "无", "有", "不详") == ["false", "true", None]


def test_an_empty_word_in_a_required_column_is_told_as_it_stands() -> None:
    found = checked(feed({"证件": {"type": "citizen_id", "required": True}}), 证件=["无", GOOD])
    assert [(r.row, r.value, r.en) for r in found.rejections] == [(2, "无", "is required and empty")]


# -- what Excel did ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "value", "zh", "en"),
    [
        ({"type": "citizen_id"}, "3.30109E+17", "末位数字已丢失", "its last digits are lost"),
        ({"type": "uscc"}, "9.1330109E+17", "末位数字已丢失", "its last digits are lost"),
        ({"type": "identity"}, "3.30109E+17", "末位数字已丢失", "its last digits are lost"),
        ({"type": "mobile"}, "1.38E+10", "末位数字已丢失", "its last digits are lost"),
        ({"digits": 12}, "3.30109E+11", "末位数字已丢失", "its last digits are lost"),
        ({"type": "citizen_id"}, "330109199001011000", "第 16 位以后已丢失", "lost all after the 15th digit"),
        ({"digits": 4}, "101", "或为 0101", "may have been 0101"),
        ({"digits": 4}, "十", "应为 4 位数字", "should be 4 digits"),
        ({"type": "date"}, "45275", "或为 2023-12-15", "would be 2023-12-15"),
        ({"type": "datetime"}, "45275.5", "2023-12-15T12:00:00", "2023-12-15T12:00:00"),
    ],
)
def test_excels_traps_are_said_and_never_guessed(spec: dict[str, Any], value: str, zh: str, en: str) -> None:
    found = checked(feed({"列": spec}), 列=[value])
    assert found.rows.height == 0
    (told,) = found.rejections
    assert zh in told.zh and en in told.en and told.value == value


def test_a_serial_date_is_taken_where_it_is_declared() -> None:
    assert column({"type": "date", "transforms": ["excel_serial_date"]}, "45275", "2023-12-16") == [
        "2023-12-15",
        "2023-12-16",
    ]


def test_lossy_numbers_by_which_a_thing_is_known_are_caught_in_text_too() -> None:
    found = checked(feed({}), 号=["3.30109E+17", "1E5"])
    assert found.rows.get_column("号").to_list() == ["1E5"]


# -- the common forms, by columns, are what the ways for single values say --------------------------------------


@given(
    st.lists(
        st.from_regex(r"(19|20|17)\d\d-(0[0-9]|1[0-3])-[0-3]\d( [0-2]\d:[0-6]\d:[0-6]\d)?", fullmatch=True),
        min_size=1,
    )
)
def test_dates_by_column_are_those_one_by_one(values: list[str]) -> None:
    assert column({"type": "date", "on_bad": "drop"}, *values) == [parse_date(v) for v in values]
    assert column({"type": "datetime", "on_bad": "drop"}, *values) == [parse_datetime(v) for v in values]


@given(
    st.lists(
        st.builds(
            lambda y, m, d, n, wrong: make_citizen_id("330109", f"{y}{m:02}{d:02}", n)[:17] + wrong,
            st.integers(1840, 2025), st.integers(0, 13), st.integers(0, 32), st.integers(0, 999),
            st.sampled_from("0123456789Xx"),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_identity_numbers_by_column_are_those_one_by_one(values: list[str]) -> None:
    wanted = [v.normal if (v := check_citizen_id(text)).ok else None for text in values]
    assert column({"type": "citizen_id", "on_bad": "drop"}, *values) == wanted


# -- splits and checks -----------------------------------------------------------------------------------------


def test_a_column_is_split_and_its_parts_are_checked() -> None:
    declared = feed(
        {
            "地址": {"transforms": ["building_forms"], "split": r"(?P<幢>[0-9]+)幢(?P<室号>[0-9]+)室"},
            "室号": {"digits": 4, "on_bad": "drop"},
        }
    )
    contract.check_header(declared, ["号", "地址"], "x.csv")
    found = checked(declared, 地址=["3栋0101室", "4#101室", "村口"])
    assert found.rows.get_column("幢").to_list() == ["3", "4", None]
    assert found.rows.get_column("室号").to_list() == ["0101", None, None]
    assert [(n.column, n.value) for n in found.notes] == [("地址", "101")]


CHECKS: list[tuple[dict[str, Any], dict[str, Any], list[str | None], list[bool]]] = [
    (
        {"type": "number"},
        {"min": 1, "max": 10},
        ["1", "10", "0.5", "11", None],
        [True, True, False, False, True],
    ),
    ({"type": "date"}, {"not_after": "today"}, ["2025-12-15", "2025-12-16"], [True, False]),
    ({"type": "date"}, {"not_before": "1949-10-01"}, ["1949-10-01", "1949-09-30"], [True, False]),
    ({}, {"matches": "^BA[0-9]+$"}, ["BA1", "CA1"], [True, False]),
    ({}, {"digits": 3}, ["123", "12"], [True, False]),
    ({}, {"length": [2, 3]}, ["一", "一二", "一二三", "一二三四"], [False, True, True, False]),
    ({}, {"length": 2}, ["一", "一二"], [False, True]),
    ({}, {"one_of": ["甲", "乙"]}, ["甲", "丙", None], [True, False, True]),
    ({"type": "term", "terms": "sex"}, {"one_of": ["男"]}, ["男", "女"], [True, False]),
    ({}, {"unique": True}, ["甲", "乙", "甲", None, None], [True, True, False, True, True]),
]


@pytest.mark.parametrize(("spec", "condition", "values", "good"), CHECKS)
def test_checks(
    spec: dict[str, Any], condition: dict[str, Any], values: list[str | None], good: list[bool]
) -> None:
    declared = feed({"列": spec}, checks=[{"column": "列", **condition}])
    found = checked(declared, 列=values)
    kept = set(found.rows.get_column("号").to_list())
    assert [str(i) in kept for i in range(len(values))] == good
    for way, size in (("drop", len(values)), ("note", len(values))):
        found = checked(feed({"列": spec}, checks=[{"column": "列", "on_bad": way, **condition}]), 列=values)
        assert (found.rows.height, len(found.notes)) == (size, good.count(False))
        assert found.rows.get_column("列").null_count() == values.count(None) + (
            good.count(False) if way == "drop" else 0
        )


def test_one_column_bounds_another_and_the_message_is_the_declarations() -> None:
    declared = feed(
        {"来": {"type": "date"}, "走": {"type": "datetime"}},
        checks=[{"column": "走", "not_before": "来", "message": "走不得早于来"}],
    )
    found = checked(
        declared,
        来=["2025-01-02", "2025-01-02", None],
        走=["2025-01-02 08:00:00", "2025-01-01", "2024-01-01"],
    )
    assert found.rows.get_column("号").to_list() == ["0", "2"]
    assert [(r.row, r.zh) for r in found.rejections] == [(3, "走不得早于来")]


def test_a_checker_knows_of_the_frames_before() -> None:
    declared = feed({}, checks=[{"column": "号", "unique": True}])
    checker = contract.Checker(declared, TERMS, TODAY)
    frames = [
        pl.DataFrame({"号": ["1", "2"], contract.ROW: [2, 3]}),
        pl.DataFrame({"号": ["2", "3"], contract.ROW: [4, 5]}),
    ]
    first, second = (checker.check(f) for f in frames)
    assert (first.rows.height, second.rows.height) == (2, 1)
    assert second.rejections[0].en == "is the same as in row 3"


# -- deletions -------------------------------------------------------------------------------------------------


def test_rows_that_say_something_is_no_more_stand_apart() -> None:
    declared = feed(
        {"状态": {}, "名称": {"required": True}, "日期": {"type": "date"}},
        deletions={"column": "状态", "values": {"注销": "close", "死亡": "died"}, "at": "日期"},
    )
    found = checked(
        declared, 状态=["正常", "注销", "死亡"], 名称=["甲", None, "丙"], 日期=[None, "2025/1/5", None]
    )
    assert found.rows.get_column("号").to_list() == ["0"]
    gone = found.deleted.select("号", ACTION, AT).rows()
    assert gone == [("1", "close", "2025-01-05"), ("2", "died", None)]
    assert found.rejections == []


def test_a_deletion_in_terms_is_known_by_every_word_of_the_term() -> None:
    declared = feed(
        {"状态": {"type": "term", "terms": "matter_state"}},
        deletions={"column": "状态", "values": {"作废": "remove"}},
    )
    found = checked(declared, 状态=["void", "作废", "结案"])
    assert found.deleted.get_column(ACTION).to_list() == ["remove", "remove"]


# -- positions -------------------------------------------------------------------------------------------------


def test_published_points() -> None:
    """The worked examples of coordTransform's documentation (github wandergis/coordtransform)."""
    x, y = to_gcj02(np.array([116.404]), np.array([39.915]))
    assert (x[0], y[0]) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    x, y = gcj02_to_bd09(np.array([116.404]), np.array([39.915]))
    assert (x[0], y[0]) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


@given(st.floats(73.5, 135), st.floats(18, 53.5))
def test_positions_come_back(longitude: float, latitude: float) -> None:
    x, y = np.array([longitude]), np.array([latitude])
    gcj = to_gcj02(x, y)
    for found in (from_gcj02(*gcj), from_bd09(*gcj02_to_bd09(*gcj))):
        assert abs(found[0][0] - longitude) < 1e-6 and abs(found[1][0] - latitude) < 1e-6


def test_nothing_is_shifted_outside_china() -> None:
    x, y = to_cgcs2000("GCJ02", np.array([-0.1276]), np.array([51.5072]))
    assert (x[0], y[0]) == (-0.1276, 51.5072)


@pytest.mark.parametrize(
    ("system", "moved"), [("CGCS2000", False), ("WGS84", False), ("GCJ02", True), ("BD09", True)]
)
def test_positions_become_cgcs2000(system: str, moved: bool) -> None:
    number = {"type": "number", "on_bad": "drop"}
    declared = feed(
        {"经度": number, "纬度": number},
        coordinates={"system": system, "longitude": "经度", "latitude": "纬度"},
    )
    found = checked(declared, 经度=["120.27", None, "40518000"], 纬度=["30.18", "30.18", "3342000"])
    x, y = found.rows.get_column("经度").to_list(), found.rows.get_column("纬度").to_list()
    assert (x[1:], y[1:]) == ([None, None], ["30.18", None])
    shift = abs(float(x[0]) - 120.27) + abs(float(y[0]) - 30.18)
    assert (0.003 < shift < 0.03) if moved else shift == 0
    assert [n.value for n in found.notes] == ["40518000", "3342000"]
