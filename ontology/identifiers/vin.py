"""Vehicle identification numbers (车辆识别代号), GB 16735 (= ISO 3779): 17 characters, the ninth a check character."""

from __future__ import annotations

import re
from typing import Final

from ontology.identifiers.verdict import MALFORMED, Check, Verdict, fold

_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES: Final = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")


def check_character(vin: str) -> str:
    """The check character that belongs at the ninth place of 17 characters (what stands there does not count)."""
    rest = sum(w * _VALUES[c] for w, c in zip(_WEIGHTS, vin, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def check_vin(text: str) -> Verdict:
    """Check a vehicle identification number; I, O and Q never stand in one."""
    vin = fold(text)
    if _VIN.fullmatch(vin) is None:
        return MALFORMED
    checksum = Check.OK if check_character(vin) == vin[8] else Check.BAD
    return Verdict(normal=vin, form=Check.OK, checksum=checksum, kind="vin")


def make_vin(maker: str, description: str, rest: str) -> str:
    """Compose a synthetic number of maker (3), description (5) and the last eight; raises ValueError on a bad part."""
    blank = f"{maker}{description}0{rest}"
    if _VIN.fullmatch(blank) is None or len(maker) != 3 or len(description) != 5:
        raise ValueError(
            f"not the parts of a vehicle identification number: {maker!r} {description!r} {rest!r}"
        )
    return blank[:8] + check_character(blank) + blank[9:]
