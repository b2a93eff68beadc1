"""Number plates (机动车号牌), GA 36-2018, and e-bike plates, which are another register.

A plate has no check character. I and O never stand in a serial. New-energy plates have one character more: small vehicles
a letter before four digits that may begin with a letter, large ones a letter at the end.
"""

from __future__ import annotations

import re
from typing import Final

from ontology.identifiers.verdict import MALFORMED, Check, Verdict, fold

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""The characters by which the provinces sign."""

ZHEJIANG_CITIES: Final = {
    "A": "杭州",
    "B": "宁波",
    "C": "温州",
    "D": "绍兴",
    "E": "湖州",
    "F": "嘉兴",
    "G": "金华",
    "H": "衢州",
    "J": "台州",
    "K": "丽水",
    "L": "舟山",
}
"""Zhejiang's issuing authorities: letter → city."""

NEW_ENERGY_LETTERS: Final = "ABCDEFGHJK"
"""A B C D E: battery electric. F G H J K: other new energy."""

_L = "A-HJ-NP-Z"
_HEAD = rf"[{PROVINCES}][{_L}]"

_KINDS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("new_energy_small", rf"{_HEAD}[{NEW_ENERGY_LETTERS}][{_L}0-9][0-9]{{4}}"),
        ("new_energy_large", rf"{_HEAD}[0-9]{{5}}[{NEW_ENERGY_LETTERS}]"),
        ("hong_kong", rf"粤Z[{_L}0-9]{{4}}港"),
        ("macao", rf"粤Z[{_L}0-9]{{4}}澳"),
        ("emergency", rf"[{PROVINCES}][XS][0-9]{{4}}应急"),
        ("trailer", rf"{_HEAD}[{_L}0-9]{{4}}挂"),
        ("learner", rf"{_HEAD}[{_L}0-9]{{4}}学"),
        ("police", rf"{_HEAD}[{_L}0-9]{{4}}警"),
        # The police plates before GA 36 signed with an O behind the province.
        ("police", rf"[{PROVINCES}]O[{_L}0-9]{{5}}"),
        ("consulate", rf"{_HEAD}[0-9]{{4}}领|领[0-9]{{6}}"),
        ("embassy", r"使[0-9]{6}|[0-9]{6}使"),
        ("armed_police", rf"WJ[{PROVINCES}]?[0-9]{{4,6}}[0-9A-Z]"),
        ("military", r"[A-Z]{2}[0-9]{5}|[军海空北沈兰济南广成][A-Z][0-9]{5}"),
        ("ordinary", rf"{_HEAD}[{_L}0-9]{{5}}"),
    )
)

# Zhejiang's e-bikes sign with the city's name. No text of the rule was at hand, so the serial is read broadly.
_EBIKE = re.compile(r"(?:浙江)?杭州?(?P<serial>[A-Z]?[0-9]{5,7}|[A-Z]{2}[0-9]{4,5})")


def check_plate(text: str) -> Verdict:
    """Check a motor vehicle's plate. Dots, hyphens, blanks and full-width characters are folded.

    Returns:
        `kind` is `ordinary`, `new_energy_small`, `new_energy_large`, `trailer`, `learner`, `police`, `hong_kong`, `macao`,
        `consulate`, `embassy`, `armed_police`, `military` or `emergency`; `division` the authority (`浙A`). `region` is OK
        for Zhejiang's authorities, BAD for a letter that Zhejiang has not, UNKNOWN elsewhere.
    """
    plate = fold(text)
    for kind, pattern in _KINDS:
        if pattern.fullmatch(plate):
            head = plate[:2] if plate[0] in PROVINCES else None
            region = Check.NOT_APPLICABLE
            if head is not None:
                region = Check.UNKNOWN
                if head[0] == "浙" and kind != "emergency" and head[1] != "O":
                    region = Check.OK if head[1] in ZHEJIANG_CITIES else Check.BAD
            return Verdict(normal=plate, form=Check.OK, region=region, kind=kind, division=head)
    return MALFORMED


def check_ebike_plate(text: str) -> Verdict:
    """Check a plate of an e-bike (电动自行车号牌) of Hangzhou; its normal form is `杭州` + serial, its kind `ebike`."""
    match = _EBIKE.fullmatch(fold(text))
    if match is None:
        return MALFORMED
    return Verdict(
        normal="杭州" + match["serial"],
        form=Check.OK,
        region=Check.OK,
        kind="ebike",
        division="杭州",
    )
