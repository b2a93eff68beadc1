"""Unified social credit codes (统一社会信用代码), GB 32100, and the numbers before them.

18 characters of the alphabet without I O S V Z: registering department, category, six of division, the organisation code
(组织机构代码, GB 11714: eight and its own check character), a check character modulo 31. Department and category may be letters (N2: a
village's economic collective). Feeds also still carry business registration numbers of 15 digits (注册号, check digit by ISO 7064
MOD 11,10) and bare organisation codes of nine characters.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from ontology.identifiers.citizen_id import PROVINCES
from ontology.identifiers.verdict import MALFORMED, Check, Verdict, fold

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)

DEPARTMENTS: Final = {
    "1": ("机构编制", "Public institutions"),
    "2": ("外交", "Foreign affairs"),
    "3": ("司法行政", "Justice"),
    "4": ("文化", "Culture"),
    "5": ("民政", "Civil affairs"),
    "6": ("旅游", "Tourism"),
    "7": ("宗教", "Religion"),
    "8": ("工会", "Trade unions"),
    "9": ("市场监管", "Market regulation"),
    "A": ("军委", "Military commission"),
    "N": ("农业", "Agriculture"),
    "Y": ("其他", "Others"),
}
"""Registering departments: first character → (中文, English)."""

_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_USCC = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{8}}[0-9X][{ALPHABET}]")
_REGISTRATION = re.compile(r"[0-9]{15}")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")


def check_character(first17: str) -> str:
    """The check character for the first 17. Raises KeyError on a character outside the alphabet."""
    return ALPHABET[-sum(w * _VALUE[c] for w, c in zip(WEIGHTS, first17, strict=True)) % 31]


def organisation_check_character(first8: str) -> str:
    """The check character of an organisation code by GB 11714 (A counts 10 … Z 35)."""
    rest = -sum(w * int(c, 36) for w, c in zip(ORGANISATION_WEIGHTS, first8, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def registration_check_digit(first14: str) -> str:
    """The check digit of a 15-digit registration number, ISO 7064 MOD 11,10."""
    product = 10
    for digit in first14:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def check_uscc(text: str) -> Verdict:
    """Check a code of 18 characters, a registration number of 15 digits or an organisation code of nine characters.

    Returns:
        `kind` is `uscc`, `registration` or `organisation`. For `uscc`, `inner` is the check of the organisation code in it (a
        warning). `region` is OK when the province exists, BAD when not.
        100000 (the whole country) and 000000 (a department's own) count as existing.
    """
    code = fold(text)
    if _USCC.fullmatch(code):
        division = code[2:8]
        return Verdict(
            normal=code,
            form=Check.OK if code[0] in DEPARTMENTS else Check.UNKNOWN,
            checksum=Check.OK if check_character(code[:17]) == code[17] else Check.BAD,
            region=_region(division),
            kind="uscc",
            division=division,
            inner=Check.OK if organisation_check_character(code[8:16]) == code[16] else Check.BAD,
        )
    if _REGISTRATION.fullmatch(code):
        return Verdict(
            normal=code,
            form=Check.OK,
            checksum=Check.OK if registration_check_digit(code[:14]) == code[14] else Check.BAD,
            region=_region(code[:6]),
            kind="registration",
            division=code[:6],
        )
    if _ORGANISATION.fullmatch(code):
        good = organisation_check_character(code[:8]) == code[8]
        return Verdict(
            normal=code,
            form=Check.OK,
            checksum=Check.OK if good else Check.BAD,
            kind="organisation",
        )
    return MALFORMED


def _region(division: str) -> Check:
    known = division[:2] in PROVINCES or division in ("100000", "000000")
    return Check.OK if known else Check.BAD


def make_uscc(department: str, category: str, region: str, body: str | int) -> str:
    """Compose a synthetic code.

    Args:
        department, category: one character each (`9` and `1` for a company, `9` and `2` for an individual business,
            `N` and `2` for a village collective).
        region: six digits.
        body: the organisation code's first eight, as text or as a number to be padded.

    Raises:
        ValueError: when a part has not its form.
    """
    first8 = str(body).zfill(8)
    code = f"{department}{category}{region}{first8}"
    if len(code) != 16 or _USCC.fullmatch(code + "00") is None:
        raise ValueError(f"not the parts of a credit code: {department!r} {category!r} {region!r} {body!r}")
    first17 = code + organisation_check_character(first8)
    return first17 + check_character(first17)


def make_registration(region: str, sequence: int) -> str:
    """Compose a synthetic 15-digit registration number: six digits of division, eight of sequence, the check digit."""
    first14 = f"{region}{sequence:08d}"
    if re.fullmatch(r"[0-9]{14}", first14) is None or len(region) != 6:
        raise ValueError(f"not the parts of a registration number: {region!r} {sequence!r}")
    return first14 + registration_check_digit(first14)


def uscc_check_digits(values: npt.NDArray[np.integer]) -> npt.NDArray[np.str_]:
    """Check characters of many codes at once.

    Args:
        values: shape (n, 17), each character's place in `ALPHABET` (0–30).

    Returns:
        shape (n,), dtype `<U1`.
    """
    if values.ndim != 2 or values.shape[1] != 17:
        raise ValueError(f"expected shape (n, 17), got {values.shape}")
    total = np.zeros(len(values), dtype=np.int32)
    for position, weight in enumerate(WEIGHTS):
        total += values[:, position].astype(np.int32) * weight
    return np.array(list(ALPHABET), dtype="<U1")[-total % 31]


def organisation_check_digits(digits: npt.NDArray[np.integer]) -> npt.NDArray[np.str_]:
    """Check characters of many organisation codes at once.

    Args:
        digits: shape (n, 8), values 0–35 (A is 10).

    Returns:
        shape (n,), dtype `<U1`.
    """
    if digits.ndim != 2 or digits.shape[1] != 8:
        raise ValueError(f"expected shape (n, 8), got {digits.shape}")
    total = np.zeros(len(digits), dtype=np.int32)
    for position, weight in enumerate(ORGANISATION_WEIGHTS):
        total += digits[:, position].astype(np.int32) * weight
    return np.array(list("0123456789X"), dtype="<U1")[-total % 11]


def make_usccs(
    heads: npt.NDArray[np.str_],
    regions: npt.NDArray[np.integer],
    bodies: npt.NDArray[np.integer],
) -> npt.NDArray[np.str_]:
    """Compose many synthetic codes at once, with organisation codes of digits.

    Args:
        heads: shape (n,), department and category, two characters (`91`, `92`, `N2`).
        regions: shape (n,), six-digit integers.
        bodies: shape (n,), 0–99,999,999.

    Returns:
        shape (n,), dtype `<U18`.
    """
    n = len(heads)
    value_of = np.full(128, -1, dtype=np.int16)
    for character, value in _VALUE.items():
        value_of[ord(character)] = value
    character_of = np.frombuffer(ALPHABET.encode("ascii"), dtype=np.uint8)
    ascii_codes = np.empty((n, 18), dtype=np.uint8)
    ascii_codes[:, :2] = np.ascontiguousarray(heads.astype("S2")).view(np.uint8).reshape(n, 2)
    at = 2
    for numbers, width in ((regions, 6), (bodies, 8)):
        rest = numbers.astype(np.int64)
        if len(rest) != n or (n and (int(rest.min()) < 0 or int(rest.max()) >= 10**width)):
            raise ValueError(f"expected {n} numbers of at most {width} digits")
        for position in range(at + width - 1, at - 1, -1):
            ascii_codes[:, position] = rest % 10 + 48
            rest //= 10
        at += width
    inner = np.zeros(n, dtype=np.int32)
    for position, weight in enumerate(ORGANISATION_WEIGHTS):
        inner += (ascii_codes[:, 8 + position].astype(np.int32) - 48) * weight
    ascii_codes[:, 16] = np.frombuffer(b"0123456789X", dtype=np.uint8)[-inner % 11]
    total = np.zeros(n, dtype=np.int32)
    for position, weight in enumerate(WEIGHTS):
        values = value_of[ascii_codes[:, position] & 127]
        if n and int(values.min()) < 0:
            raise ValueError("a head has a character outside the alphabet")
        total += values.astype(np.int32) * weight
    ascii_codes[:, 17] = character_of[-total % 31]
    return ascii_codes.view("S18").reshape(n).astype("<U18")
