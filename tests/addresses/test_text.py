"""Normalisation: one form for what is written in many, and the way back to the characters as given."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses.text import arabic, normalise, numerals


@pytest.mark.parametrize(
    ("as_given", "expected"),
    [
        ("市心中路１２３号", "市心中路123号"),
        ("蕭山區北幹街道", "萧山区北干街道"),
        ("三幢—１０１室", "三幢-101室"),
        ("a座 ３f", "A座 3F"),
        ("③号楼", "3号楼"),
        ("12－3‑401", "12-3-401"),
        ("建设一路\t5号\u3000后门", "建设一路 5号 后门"),
        ("\ufeff人民\u200b路", "人民路"),
        ("乾元镇", "乾元镇"),
        ("一○一室", "一〇一室"),
        ("注²", "注²"),
    ],
)
def test_forms(as_given: str, expected: str) -> None:
    assert normalise(as_given).text == expected


def test_way_back_over_characters_that_grow_and_vanish() -> None:
    read = normalise("\u200b㈢幢ⅻ室")
    assert read.text == "(三)幢12室"
    assert read.piece(0, 3) == "㈢"
    assert read.piece(4, 6) == "ⅻ"
    assert read.span(3, 4) == (2, 3)


@pytest.mark.parametrize(
    ("as_given", "expected"),
    [
        (quote("东方名苑4幢"), "东方名苑4幢"),
        ("小区=" + quote("东方名苑") + "&幢=4", "小区=东方名苑&幢=4"),
        (quote("东方名苑", encoding="gb18030"), "东方名苑"),
        (r"\u91d1\u57ce\u8def21\u53f7", "金城路21号"),
        ("&#x91D1;&#22478;路21&#x53f7;", "金城路21号"),
        ("%20" + quote("东方名苑", encoding="gb18030"), " 东方名苑"),
        # Cut in the middle of a character.
        (quote("东方名苑")[:-3], "东方名%E8%8B"),
        # Nothing Chinese in it: a share of a number.
        ("涨了50%20块", "涨了50%20块"),
        ("&#x110000;路", "&#X110000;路"),
        (r"\ud800路", r"\UD800路"),
        ("Dōngfāng Míngyuàn", "DONGFANG MINGYUAN"),
    ],
)
def test_characters_that_are_written_otherwise(as_given: str, expected: str) -> None:
    assert normalise(as_given).text == expected


def test_an_encoded_character_leads_back_to_its_own_writing() -> None:
    read = normalise("在" + quote("金城") + r"\u8def" + "&#21495;")
    assert read.text == "在金城路号"
    assert [read.span(at, at + 1) for at in range(5)] == [(0, 1), (1, 10), (10, 19), (19, 25), (25, 33)]
    assert read.piece(1, 3) == quote("金城")


@given(st.text(st.characters(), max_size=60))
def test_offsets_always_lead_back(as_given: str) -> None:
    read = normalise(as_given)
    last = 0
    for at in range(len(read.text)):
        start, end = read.span(at, at + 1)
        assert 0 <= start < end <= len(as_given)
        assert start >= last
        last = start
        assert read.piece(at, at + 1) == as_given[start:end]


@given(st.text("一二三村路號蕭山１２Ａ—　", max_size=30))
def test_twice_is_once(as_given: str) -> None:
    once = normalise(as_given).text
    assert normalise(once).text == once


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("三", "3"), ("十", "10"), ("十五", "15"), ("二十三", "23"), ("廿三", "23"), ("一〇一", "101"),
        ("二0三", "203"), ("一百零五", "105"), ("一百五", "150"), ("一百一十", "110"), ("三千零二", "3002"),
        ("两", "2"), ("一一〇", "110"), ("12", "12"), ("江", None), ("", None), ("十百", None),
    ],
)  # fmt: skip
def test_arabic(written: str, value: str | None) -> None:
    assert arabic(written) == value


@given(st.integers(0, 9999))
def test_arabic_reads_what_is_written_out(number: int) -> None:
    digits = "零一二三四五六七八九"
    said, gap = "", False
    for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            said += ("零" if gap and said else "") + digits[digit] + name
        gap = digit == 0
    assert arabic(said or "零") == str(number)


def test_numerals_only_where_a_number_may_stand() -> None:
    text = "三江村五一村六和花园三幢二单元一〇一室"
    assert [text[n.start : n.end] for n in numerals(text)] == ["三", "二", "一〇一"]
    assert [n.value for n in numerals(text)] == ["3", "2", "101"]
