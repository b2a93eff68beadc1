"""Citizen identity numbers (公民身份号码), GB 11643.

17 digits (6 of division, 8 of birth, 3 of sequence whose last is odd for men) and a check character by ISO 7064 MOD 11-2. The first
generation had 15 digits: two of year, no check character. Residence permits of Hong Kong, Macao and Taiwan residents (港澳台居民居住证) have
the same form with 810000, 820000, 830000; the new foreigners' permanent residence card (外国人永久居留身份证) too: 9, two of
province, three of nationality, birth, sequence.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from ontology.identifiers.verdict import MALFORMED, Check, Verdict, fold

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS: Final = "10X98765432"

XIAOSHAN_CODES: Final[dict[str, tuple[int | None, int | None]]] = {
    "330121": (None, 1987),
    "339005": (1987, 1989),
    "330181": (1989, 2001),
    "330109": (2001, None),
    "330114": (2021, None),
}
"""The division codes that the district's people have had, with the years from and to which they were given.
330121 萧山县, 339005 and 330181 萧山市, 330109 萧山区, 330114 钱塘区 (split off in 2021)."""

_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
PROVINCES: Final = frozenset(_PROVINCES.split())
"""The first two digits of division codes that a province has."""
_COMPATRIOTS: Final = {
    "810000": "hong_kong_residence",
    "820000": "macao_residence",
    "830000": "taiwan_residence",
}
# Among 15-digit numbers these sequences were kept for people born before 1900.
_BORN_BEFORE_1900: Final = frozenset(("996", "997", "998", "999"))
_EARLIEST_YEAR: Final = 1850

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN = re.compile(r"[0-9]{15}")


def check_character(first17: str) -> str:
    """The check character for 17 digits."""
    return CHECKS[sum(w * int(d) for w, d in zip(WEIGHTS, first17, strict=True)) % 11]


def to_eighteen(number: str) -> str:
    """The 18-digit number of a 15-digit one (already folded). Raises ValueError when it has not 15 digits."""
    if _FIFTEEN.fullmatch(number) is None:
        raise ValueError("not 15 digits")
    century = "18" if number[12:] in _BORN_BEFORE_1900 else "19"
    first17 = number[:6] + century + number[6:]
    return first17 + check_character(first17)


def _region(code: str, birth: date | None) -> Check:
    if code[:2] not in PROVINCES:
        return Check.BAD
    if code not in XIAOSHAN_CODES:
        return Check.UNKNOWN
    # Someone older than the code was first coded later, which is common; someone born after its end cannot have it.
    _, until = XIAOSHAN_CODES[code]
    return Check.BAD if until is not None and birth is not None and birth.year > until else Check.OK


def check_citizen_id(text: str, *, today: date | None = None) -> Verdict:
    """Check an identity number of 18 or 15 digits.

    Full-width characters, a lower-case x, blanks and hyphens are folded; a 15-digit number's normal form is its 18-digit one.

    Args:
        text: as received.
        today: when given, a later date of birth is BAD.

    Returns:
        `kind` is `citizen`, `citizen_15`, `hong_kong_residence`, `macao_residence`, `taiwan_residence` or `foreign_permanent`.
        `region` is OK for the district's own codes, past and present, UNKNOWN for other counties (no table
        is kept of them), BAD for what no province has and for a code given up before the birth.
    """
    number = fold(text)
    if _EIGHTEEN.fullmatch(number):
        checksum = Check.OK if check_character(number[:17]) == number[17] else Check.BAD
        normal = number
    elif _FIFTEEN.fullmatch(number):
        checksum = Check.NOT_APPLICABLE
        normal = to_eighteen(number)
    else:
        return MALFORMED
    try:
        birth = date(int(normal[6:10]), int(normal[10:12]), int(normal[12:14]))
    except ValueError:
        birth = None
    if birth is not None and (birth.year < _EARLIEST_YEAR or (today is not None and birth > today)):
        birth = None
    code = normal[:6]
    if len(number) == 15:
        kind, region = "citizen_15", _region(code, birth)
    elif code in _COMPATRIOTS:
        kind, region = _COMPATRIOTS[code], Check.OK
    elif code[0] == "9":
        kind, region = (
            "foreign_permanent",
            Check.UNKNOWN if code[1:3] in PROVINCES else Check.BAD,
        )
    else:
        kind, region = "citizen", _region(code, birth)
    return Verdict(
        normal=normal,
        form=Check.OK,
        checksum=checksum,
        date=Check.OK if birth else Check.BAD,
        region=region,
        kind=kind,
        birth=birth.isoformat() if birth else None,
        sex="M" if int(normal[16]) % 2 else "F",
        division=code,
    )


def make_citizen_id(region: str, birth: date | str, sequence: int) -> str:
    """Compose a synthetic number.

    Args:
        region: six digits.
        birth: a date, YYYY-MM-DD or YYYYMMDD.
        sequence: 0–999; odd for men, even for women.

    Raises:
        ValueError: when a part has not its form.
    """
    day = birth.strftime("%Y%m%d") if isinstance(birth, date) else birth.replace("-", "")
    first17 = f"{region}{day}{sequence:03d}"
    if re.fullmatch(r"[0-9]{17}", first17) is None or len(region) != 6 or len(day) != 8:
        raise ValueError(f"not the parts of an identity number: {region!r}, {birth!r}, {sequence!r}")
    return first17 + check_character(first17)


def citizen_check_digits(digits: npt.NDArray[np.integer]) -> npt.NDArray[np.str_]:
    """Check characters of many numbers at once.

    Args:
        digits: shape (n, 17), values 0–9, any integer type.

    Returns:
        shape (n,), dtype `<U1`.
    """
    if digits.ndim != 2 or digits.shape[1] != 17:
        raise ValueError(f"expected shape (n, 17), got {digits.shape}")
    total = np.zeros(len(digits), dtype=np.int32)
    for position, weight in enumerate(WEIGHTS):
        total += digits[:, position].astype(np.int32) * weight
    return np.array(list(CHECKS), dtype="<U1")[total % 11]


def make_citizen_ids(
    regions: npt.NDArray[np.integer],
    births: npt.NDArray[np.integer],
    sequences: npt.NDArray[np.integer],
) -> npt.NDArray[np.str_]:
    """Compose many synthetic numbers at once; what `make_citizen_id` gives, column-wise.

    Args:
        regions: shape (n,), six-digit integers.
        births: shape (n,), integers YYYYMMDD.
        sequences: shape (n,), 0–999.

    Returns:
        shape (n,), dtype `<U18`.
    """
    n = len(regions)
    ascii_codes = np.empty((n, 18), dtype=np.uint8)
    at = 0
    for values, width in ((regions, 6), (births, 8), (sequences, 3)):
        rest = values.astype(np.int64)
        if len(rest) != n or (n and (int(rest.min()) < 0 or int(rest.max()) >= 10**width)):
            raise ValueError(f"expected {n} numbers of at most {width} digits")
        for position in range(at + width - 1, at - 1, -1):
            ascii_codes[:, position] = rest % 10 + 48
            rest //= 10
        at += width
    total = np.zeros(n, dtype=np.int32)
    for position, weight in enumerate(WEIGHTS):
        total += (ascii_codes[:, position].astype(np.int32) - 48) * weight
    ascii_codes[:, 17] = np.frombuffer(CHECKS.encode("ascii"), dtype=np.uint8)[total % 11]
    return ascii_codes.view("S18").reshape(n).astype("<U18")
