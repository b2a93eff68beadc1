"""The named transforms of a column: what a declaration may have done to a value before it is checked.

Each is a function of one text; where polars can do the same to a whole column, the column's way is taken. A transform that
cannot read a value leaves it as it is, for the check to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from ontology.clock import parse_date
from ontology.text import half_width

DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "○": 0, "Ｏ": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9,
}  # fmt: skip
UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS: Final = {"万": 10_000, "亿": 100_000_000}
SHORT: Final = {"廿": "二十", "卅": "三十"}

_CHARACTERS = "".join((*DIGITS, *UNITS, *MYRIADS, *SHORT))
_NUMERAL = re.compile(f"[{_CHARACTERS}]+")
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?", re.ASCII)
FIRST_SERIAL, LAST_SERIAL = 10_000, 73_050  # 1927-05-18 to 2099-12-31
_FULL_WIDTH = r"[\x{FF01}-\x{FF5E}\x{3000}\x{2169}\x{2179}]"
# Marks that Excel, web pages and input methods leave around values, besides blanks.
INVISIBLE: Final = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
_HOUSE_NUMBER = rf"(?P<n>[0-9]+|[{_CHARACTERS}]+|[A-Za-z])"
_BUILDING = re.compile(rf"{_HOUSE_NUMBER}\s*(?:#\s*[栋幢楼]|[栋幢]|号楼|#)")
_UNIT = re.compile(rf"{_HOUSE_NUMBER}\s*(?:单\s*元)")


def chinese_number(text: str) -> int | None:
    """二〇二三, 十二, 一百零三, 两万 as a number; None when it is no numeral, or one that may be read in two ways.

    一百二 is 120 when spoken and 102 in careless writing: it is not guessed.
    """
    for short, long in SHORT.items():
        text = text.replace(short, long)
    if not text or any(c not in DIGITS and c not in UNITS and c not in MYRIADS for c in text):
        return None
    if not any(c in UNITS or c in MYRIADS for c in text):
        return int("".join(str(DIGITS[c]) for c in text))
    total = section = 0
    digit: int | None = None
    last, zero = 0, False
    for c in text:
        if c in DIGITS:
            if digit not in (None, 0):
                return None
            digit = DIGITS[c]
            zero = zero or digit == 0
        elif c in UNITS:
            if digit == 0 or (last and UNITS[c] >= last):
                return None
            section += (1 if digit is None else digit) * UNITS[c]
            digit, last, zero = None, UNITS[c], False
        else:
            total = (total + section + (digit or 0)) * MYRIADS[c]
            section, digit, last, zero = 0, None, MYRIADS[c], False
    if digit is not None and last > 10 and not zero:
        return None
    return total + section + (digit or 0)


def chinese_numerals(text: str) -> str:
    """A value that is wholly a numeral, as digits. One inside a text stays: 三里村 is no 3里村."""
    number = chinese_number(text)
    return text if number is None else str(number)


def _in_digits(found: re.Match[str]) -> str:
    number = chinese_number(found[0])
    return found[0] if number is None else str(number)


def chinese_date(text: str) -> str:
    """二〇二三年五月一日, 2023年5月1日, 2023.5.1, 20230501 as 2023-05-01; a time behind it stays."""
    digits = _NUMERAL.sub(_in_digits, half_width(text).strip())
    digits = re.sub(r"(?<=月)(\d{1,2})$", r"\1日", digits)
    day = parse_date(digits)
    return day if day is not None and not re.search(r"[:时点T]", digits) else digits


def _numbered(kind: str) -> Callable[[re.Match[str]], str]:
    def write(found: re.Match[str]) -> str:
        n = found["n"]
        number = None if n.isascii() else chinese_number(n)
        if not n.isascii() and number is None:
            return found[0]
        return f"{n.upper() if number is None else number}{kind}"

    return write


_AS_BUILDING, _AS_UNIT = _numbered("幢"), _numbered("单元")


def building_forms(text: str) -> str:
    """3栋, 3号楼, 3#, 三栋, 3 幢 as 3幢; 2 单元, 二单元 as 2单元, wherever they stand in an address."""
    return _UNIT.sub(_AS_UNIT, _BUILDING.sub(_AS_BUILDING, half_width(text)))


def serial_date(text: str) -> str | None:
    """The day (with a fraction, the moment) that Excel shows for a serial number of its 1900 system; None when it is none.

    ECMA-376 part 1, 18.17.4.1: day 1 is 1900-01-01, and 1900 counts as a leap year, so that from day 61 on days are counted
    from 1899-12-30.
    """
    if _SERIAL.fullmatch(text) is None or not FIRST_SERIAL <= float(text) < LAST_SERIAL + 1:
        return None
    # The text has no zone: days are the district's.
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(float(text) * 86_400))  # noqa: DTZ001
    return moment.date().isoformat() if "." not in text else moment.isoformat()


def _serial(text: str) -> str:
    return serial_date(text) or text


_EACH: Final[dict[str, tuple[Callable[[str], str], str]]] = {
    # With a pattern (for polars) of the values that it may change at all.
    "half_width": (half_width, _FULL_WIDTH),
    "chinese_numerals": (chinese_numerals, f"^[{_CHARACTERS}]+$"),
    "chinese_date": (chinese_date, r"[^0-9\-]|^\d{8}$"),
    "building_forms": (building_forms, f"[栋幢#楼单]|{_FULL_WIDTH}"),
    "excel_serial_date": (_serial, r"^[1-9]\d{4}(\.\d+)?$"),
}


def each(values: pl.Series, function: Callable[[str], str | None]) -> pl.Series:
    """The function's text for each text, called once for each distinct one."""
    distinct = values.drop_nulls().unique()
    if not distinct.len():
        return values
    results = pl.Series([function(v) for v in distinct.to_list()], dtype=pl.String)
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String)


def transform(values: pl.Series, name: str, parameter: str | None = None) -> pl.Series:
    """A column of texts with one named transform done to each; nulls stay, empty results become null."""
    given = values.str
    match name:
        case "trim":
            done = given.strip_chars(INVISIBLE)
        case "upper":
            done = given.to_uppercase()
        case "no_blanks":
            done = given.replace_all(rf"[\s{INVISIBLE}]", "")
        case "single_blanks":
            done = given.replace_all(rf"[\s{INVISIBLE}]+", " ").str.strip_chars(" ")
        case "digits_only":
            # 13800000000.0 is a number that Excel wrote: its fraction is none of its digits.
            done = given.replace(r"^(\d+)\.0+$", "${1}").str.replace_all("[^0-9]", "")
            # 1.38E+10 has lost digits and must stay as it is, for the check to say so.
            done = pl.select(
                pl.when(values.str.contains(SCIENTIFIC)).then(values).otherwise(done)
            ).to_series()
        case "strip_prefix":
            done = given.strip_prefix(parameter or "").str.strip_chars()
        case "strip_suffix":
            done = given.strip_suffix(parameter or "").str.strip_chars()
        case _:
            function, pattern = _EACH[name]
            touched = values.filter(given.contains(pattern).fill_null(False))
            if not touched.len():
                return values
            distinct = touched.unique()
            results = pl.Series([function(v) for v in distinct.to_list()], dtype=pl.String)
            done = values.replace(distinct, results)
    return done.replace([""], [None]).alias(values.name)


SCIENTIFIC: Final = r"^[+-]?\d+(\.\d+)?[eE][+]?\d+$"
"""How Excel writes a long number that nobody told it to keep as text."""
