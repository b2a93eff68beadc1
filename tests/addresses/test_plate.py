"""What a door plate says, and reading it back: what is wrong with it is told apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses.plate import check_of, plate_svg, plate_text, read_plate
from addresses.scheme import load_scheme
from ontology.errors import UsageError

SCHEME = load_scheme()
CODE = "3301090020010003010301"
TEXT = plate_text(CODE, SCHEME)


def refused(text: str) -> str:
    with pytest.raises(UsageError) as error:
        read_plate(text, SCHEME)
    return error.value.code


def test_a_plate_and_back() -> None:
    assert TEXT.startswith(f"CN-330109:{SCHEME.version}:{CODE}:")
    plate = read_plate(TEXT, SCHEME)
    assert (plate.code, plate.level, plate.version, plate.as_made) == (CODE, "DWELLING", 1, True)


def test_the_check_is_that_of_the_standard() -> None:
    # By its definition: letters and digits with the check characters, as a number of base 36, leave 1 over 1271.
    for text in ("A", "Z9", TEXT[:-3], "CN-330109:1:330109"):
        kept = "".join(c for c in text if c.isalnum()) + check_of(text)
        value = 0
        for character in kept[:-2]:
            value = (value + int(character, 36)) * 36 % 1271
        assert (value * 36 + int(kept[-2], 36) * 36 + int(kept[-1], 36)) % 1271 == 1


def test_other_ways_to_write_it_are_folded_and_said() -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in TEXT)
    for text in (
        TEXT.lower(),
        wide,
        f" {TEXT}\n",
        TEXT[:9] + " " + TEXT[9:],
        f"https://plates.example/p/{TEXT}",
    ):
        plate = read_plate(text, SCHEME)
        assert (plate.code, plate.as_made) == (CODE, False)


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_wrong_character_is_found(at: int, other: str) -> None:
    if TEXT[at] in (other, ":", "-"):
        return
    changed = TEXT[:at] + other + TEXT[at + 1 :]
    assert refused(changed) in ("PLATE_ALTERED", "PLATE_MALFORMED")


@given(st.integers(0, len(TEXT) - 2))
def test_two_swapped_characters_are_found(at: int) -> None:
    one, two = TEXT[at], TEXT[at + 1]
    if one == two or not (one.isalnum() and two.isalnum()):
        return
    assert refused(TEXT[:at] + two + one + TEXT[at + 2 :]) == "PLATE_ALTERED"


def test_what_is_no_plate_of_ours() -> None:
    for text in ("", CODE, "CN-330109:1", TEXT + ":", "全息", "x" * 500, TEXT.replace(":", ";")):
        assert refused(text) == "PLATE_MALFORMED", text
    for body in (f"CN-330110:1:{CODE}", f"CN-330109:{SCHEME.version + 1}:{CODE}"):
        assert refused(f"{body}:{check_of(body)}") == "PLATE_OTHER_SCHEME"
    body = "CN-330109:1:33010900"
    assert refused(f"{body}:{check_of(body)}") == "BAD_CODE"


def test_every_level_has_a_plate() -> None:
    for code in ("330109", "330109002", "330109002001G01M02", "R33010900001", "Z33010900003"):
        assert read_plate(plate_text(code, SCHEME), SCHEME).code == code


def test_a_plate_is_drawn(tmp_path: Path) -> None:
    segno = pytest.importorskip("segno")
    picture = plate_svg(CODE, SCHEME).decode()
    assert picture.startswith("<?xml") and f"<title>{TEXT}</title>" in picture
    # Of QR's alphanumeric mode: a fifth of the modules fewer than bytes would take.
    made = segno.make_qr(TEXT, error="m")
    assert made.mode == "alphanumeric"
    assert f'width="{4 * (made.symbol_size(border=4)[0])}"' in picture


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(UsageError, match="segno"):
        plate_svg(CODE, SCHEME)
