from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle
from stdnum.iso7064 import mod_11_10

from ontology.identifiers import (
    Check,
    check_uscc,
    make_registration,
    make_uscc,
    make_usccs,
    organisation_check_digits,
    uscc_check_digits,
)
from ontology.identifiers.uscc import ALPHABET, DEPARTMENTS, organisation_check_character

BODIES = st.text(alphabet=ALPHABET, min_size=8, max_size=8)
CODES = st.builds(make_uscc, st.sampled_from("159"), st.sampled_from("1239"), st.just("330109"), BODIES)


@given(CODES)
def test_agrees_with_stdnum(code: str) -> None:
    assert oracle.is_valid(code)
    verdict = check_uscc(code)
    assert verdict.ok and verdict.inner is Check.OK and verdict.division == "330109"


@given(st.sampled_from(sorted(DEPARTMENTS)), st.sampled_from("129Y"), BODIES)
def test_letters_in_front(department: str, category: str, body: str) -> None:
    verdict = check_uscc(make_uscc(department, category, "330109", body))
    assert verdict.ok and verdict.form is Check.OK


@given(CODES, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_never_passes(code: str, position: int, character: str) -> None:
    wrong = code[:position] + character + code[position + 1 :]
    assert check_uscc(wrong).ok == (wrong == code)


def test_the_inner_check_is_a_warning() -> None:
    from ontology.identifiers.uscc import check_character

    good = make_uscc("9", "1", "330109", 12345678)
    first17 = good[:16] + ("0" if good[16] != "0" else "1")
    verdict = check_uscc(first17 + check_character(first17))
    assert (verdict.checksum, verdict.inner, verdict.ok) == (Check.OK, Check.BAD, True)


def test_folding() -> None:
    code = make_uscc("9", "1", "330109", "MA2ABCDE")
    for text in (
        code.lower(),
        f" {code[:2]} {code[2:8]}-{code[8:]}",
        "".join(chr(ord(c) + 0xFEE0) for c in code),
    ):
        assert check_uscc(text).normal == code


@given(st.integers(0, 99_999_999))
def test_registration_numbers(sequence: int) -> None:
    number = make_registration("330181", sequence)
    assert mod_11_10.is_valid(number)
    verdict = check_uscc(number)
    assert (verdict.kind, verdict.ok, verdict.normal) == ("registration", True, number)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not check_uscc(wrong).ok


@given(st.text(alphabet=ALPHABET, min_size=8, max_size=8))
def test_organisation_codes(body: str) -> None:
    check = organisation_check_character(body)
    verdict = check_uscc(f"{body}-{check}")
    assert (verdict.kind, verdict.ok, verdict.normal) == ("organisation", True, body + check)
    other = "1" if check == "0" else "0"
    assert not check_uscc(body + other).ok


@pytest.mark.parametrize(
    "text", ["", "无", "91330109", "91330109MA2ABCDEI0", "9133010AMA2ABCDE00", "91330109MA2ABCDE000"]
)
def test_bad_forms(text: str) -> None:
    assert check_uscc(text).form is Check.BAD


def test_region() -> None:
    assert check_uscc(make_uscc("9", "1", "330109", 1)).region is Check.OK
    assert check_uscc(make_uscc("9", "1", "100000", 1)).region is Check.OK
    odd = check_uscc(make_uscc("9", "1", "990109", 1))
    assert (odd.region, odd.ok) == (Check.BAD, True)


def test_columns_agree_with_single_codes() -> None:
    rng = np.random.default_rng(7)
    n = 2_000
    heads = rng.choice(np.array(["91", "92", "N2", "Y1"]), n)
    regions = rng.choice(np.array([330109, 110101]), n)
    bodies = rng.integers(0, 10**8, n)
    made = make_usccs(heads, regions, bodies)
    for row in range(n):
        head = str(heads[row])
        assert made[row] == make_uscc(head[0], head[1], str(regions[row]), int(bodies[row]))
    values = np.array([[ALPHABET.index(c) for c in code[:17]] for code in made], dtype=np.uint8)
    assert (uscc_check_digits(values) == np.array([code[17] for code in made])).all()
    digits = np.array([[int(c) for c in code[8:16]] for code in made], dtype=np.uint8)
    assert (organisation_check_digits(digits) == np.array([code[16] for code in made])).all()
    with pytest.raises(ValueError, match="alphabet"):
        make_usccs(np.array(["9I"]), regions[:1], bodies[:1])


@pytest.mark.parametrize(
    "parts",
    [("", "1", "330109", 1), ("9", "1", "33010", 1), ("9", "I", "330109", 1), ("9", "1", "330109", 10**8)],
)
def test_bad_parts(parts: tuple[str, str, str, int]) -> None:
    with pytest.raises(ValueError, match="parts"):
        make_uscc(*parts)


@given(st.text(max_size=24))
def test_no_text_breaks_it(text: str) -> None:
    check_uscc(text)
