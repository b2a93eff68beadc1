from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.iso7064 import mod_11_2

from ontology.identifiers import (
    Check,
    check_citizen_id,
    citizen_check_digits,
    make_citizen_id,
    make_citizen_ids,
    to_eighteen,
)

BIRTHS = st.dates(date(1900, 1, 1), date(2025, 12, 31))
REGIONS = st.sampled_from(["330121", "339005", "330181", "330109", "330114", "340822"])
NUMBERS = st.builds(make_citizen_id, REGIONS, BIRTHS, st.integers(0, 999))


@given(NUMBERS)
def test_check_character_agrees_with_iso_7064(number: str) -> None:
    assert mod_11_2.is_valid(number)
    verdict = check_citizen_id(number)
    assert verdict.ok and verdict.checksum is Check.OK and verdict.normal == number


@given(st.dates(date(2001, 1, 1), date(2020, 12, 31)), st.integers(0, 999))
def test_agrees_with_stdnum_where_that_is_right(birth: date, sequence: int) -> None:
    number = make_citizen_id("330109", birth, sequence)
    assert ric.is_valid(number)
    assert ric.get_birth_date(number).isoformat() == check_citizen_id(number).birth


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_never_passes(number: str, position: int, character: str) -> None:
    wrong = number[:position] + character + number[position + 1 :]
    assert check_citizen_id(wrong).ok == (wrong == number)


@given(NUMBERS, st.integers(0, 16))
def test_two_swapped_neighbours_never_pass(number: str, position: int) -> None:
    swapped = list(number)
    swapped[position], swapped[position + 1] = swapped[position + 1], swapped[position]
    text = "".join(swapped)
    assert check_citizen_id(text).ok == (text == number)


@given(NUMBERS)
def test_ways_to_write_it_are_folded(number: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    for text in (number.lower(), wide, f" {number[:6]} {number[6:14]}-{number[14:]} "):
        assert check_citizen_id(text) == check_citizen_id(number)


@given(REGIONS, st.dates(date(1910, 1, 1), date(1999, 12, 31)), st.integers(0, 995))
def test_fifteen_digits_become_eighteen(region: str, birth: date, sequence: int) -> None:
    number = make_citizen_id(region, birth, sequence)
    short = number[:6] + number[8:17]
    assert to_eighteen(short) == number
    verdict = check_citizen_id(short)
    assert verdict.ok and verdict.normal == number and verdict.kind == "citizen_15"
    assert verdict.checksum is Check.NOT_APPLICABLE


def test_fifteen_digits_of_someone_born_before_1900() -> None:
    assert check_citizen_id("330121980203997").birth == "1898-02-03"


@pytest.mark.parametrize(
    ("region", "birth", "expected"),
    [
        ("330121", "1960-05-01", Check.OK),
        ("330121", "1999-05-01", Check.BAD),
        ("330181", "1995-05-01", Check.OK),
        # First coded later than born: legitimate, and what other libraries reject.
        ("330109", "1970-05-01", Check.OK),
        ("330114", "2022-05-01", Check.OK),
        ("340822", "1990-05-01", Check.UNKNOWN),
        ("990101", "1990-05-01", Check.UNKNOWN),
        ("100101", "1990-05-01", Check.BAD),
    ],
)
def test_region_is_a_warning(region: str, birth: str, expected: Check) -> None:
    verdict = check_citizen_id(make_citizen_id(region, birth, 123))
    if region[0] != "9":
        assert verdict.region is expected
    assert verdict.ok


@pytest.mark.parametrize(
    ("region", "kind"),
    [
        ("810000", "hong_kong_residence"),
        ("820000", "macao_residence"),
        ("830000", "taiwan_residence"),
        ("933682", "foreign_permanent"),
        ("330109", "citizen"),
    ],
)
def test_kinds(region: str, kind: str) -> None:
    verdict = check_citizen_id(make_citizen_id(region, "19850101", 1))
    assert (verdict.kind, verdict.ok, verdict.birth, verdict.sex) == (kind, True, "1985-01-01", "M")
    assert check_citizen_id(make_citizen_id(region, "19850101", 2)).sex == "F"


def test_dates() -> None:
    verdict = check_citizen_id(make_citizen_id("330109", "19900230", 1))
    assert (verdict.date, verdict.birth, verdict.ok, verdict.checksum) == (Check.BAD, None, False, Check.OK)
    tomorrow = make_citizen_id("330109", "20251216", 1)
    assert check_citizen_id(tomorrow).ok
    assert not check_citizen_id(tomorrow, today=date(2025, 12, 15)).ok
    assert not check_citizen_id(make_citizen_id("330109", "18490101", 1)).ok


def test_a_roman_ten_is_an_x_but_a_note_mark_is_no_digit() -> None:
    number = next(n for n in (make_citizen_id("330109", "19900101", i) for i in range(50)) if n.endswith("X"))
    assert check_citizen_id(number[:17] + "Ⅹ").normal == number
    assert check_citizen_id(number[:16] + "²X").form is Check.BAD


@pytest.mark.parametrize(
    "text", ["", "无", "3301091990010112", "33010919900101123Y", "X30109199001011234", "²" * 19]
)
def test_bad_forms(text: str) -> None:
    verdict = check_citizen_id(text)
    assert (verdict.form, verdict.normal, verdict.ok) == (Check.BAD, None, False)


@given(st.text(max_size=24))
def test_no_text_breaks_it(text: str) -> None:
    check_citizen_id(text)


def test_columns_agree_with_single_numbers() -> None:
    rng = np.random.default_rng(7)
    n = 2_000
    regions = rng.choice(np.array([330109, 330181, 110101]), n)
    births = rng.choice(np.array([19500101, 19991231, 20240229]), n)
    sequences = rng.integers(0, 1000, n)
    made = make_citizen_ids(regions, births, sequences)
    for row in range(n):
        assert made[row] == make_citizen_id(str(regions[row]), str(births[row]), int(sequences[row]))
    digits = np.array([[int(c) for c in number[:17]] for number in made], dtype=np.uint8)
    assert (citizen_check_digits(digits) == np.array([number[17] for number in made])).all()
    assert len(make_citizen_ids(regions[:0], births[:0], sequences[:0])) == 0
    with pytest.raises(ValueError, match="shape"):
        citizen_check_digits(digits[:, :16])
    with pytest.raises(ValueError, match="digits"):
        make_citizen_ids(regions, births, sequences + 1000)


@pytest.mark.parametrize(
    "parts", [("33010", "19900101", 1), ("330109", "1990011", 1), ("330109", "19900101", 1000)]
)
def test_bad_parts(parts: tuple[str, str, int]) -> None:
    with pytest.raises(ValueError, match="parts"):
        make_citizen_id(*parts)
