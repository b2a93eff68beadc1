"""Telephone numbers of the mainland: mobile numbers (手机号) and, for callers, fixed lines."""

from __future__ import annotations

import re
from typing import Final

from ontology.identifiers.verdict import MALFORMED, Check, Verdict
from ontology.text import half_width

_NOISE = re.compile(r"[\s\-‐‑–—()（）.·]+")
_COUNTRY = re.compile(r"^(?:\+86|0086|86(?=1[0-9]{10}$))")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Ranges given to people's phones. Others (146, 148, 149, most of 174: data cards and things) are possible but odd.
_GIVEN = re.compile(
    r"1(?:[38][0-9]|4[57]|5[0-35-9]|6[25-7]|7[0-35-8]|9[0-35-9])[0-9]{8}|1610[0-9]{7}|1740[0-5][0-9]{6}"
)
_FIXED = re.compile(r"(?P<area>010|02[0-9]|0[3-9][0-9]{2})(?P<local>[2-8][0-9]{6,7})")
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
_EXTENSION = re.compile(r"(?:转|EXT\.?|#|,)\s*[0-9]{1,6}$")

HANGZHOU: Final = "0571"
"""Hangzhou's trunk code."""


def _fold(text: str) -> str:
    return _COUNTRY.sub("", _NOISE.sub("", half_width(text)))


def check_mobile(text: str) -> Verdict:
    """Check a mobile number; +86, 0086 and 86 before it, blanks, hyphens and full-width digits are folded.

    Returns:
        `normal` is the eleven digits, `kind` `mobile`; `region` is OK for number ranges known to be given to phones and
        UNKNOWN for others, a warning only, as new ranges come every year.
    """
    number = _fold(text)
    if _MOBILE.fullmatch(number) is None:
        return MALFORMED
    region = Check.OK if _GIVEN.fullmatch(number) else Check.UNKNOWN
    return Verdict(normal=number, form=Check.OK, region=region, kind="mobile", division=number[:3])


def check_phone(text: str, *, area_code: str = HANGZHOU) -> Verdict:
    """Check a number that may be a mobile or a fixed line.

    Args:
        text: as received; an extension behind 转, #, ext is dropped.
        area_code: what a local number of seven or eight digits gets before it.

    Returns:
        `kind` is `mobile` (as `check_mobile`) or `landline`, whose normal form is `0571-82831234`.
    """
    upper = half_width(text).upper().strip()
    mobile = check_mobile(_EXTENSION.sub("", upper))
    if mobile.ok:
        return mobile
    number = _fold(_EXTENSION.sub("", upper))
    if upper.startswith(("+86", "0086")) and not number.startswith("0"):
        number = "0" + number
    match = _FIXED.fullmatch(number)
    if match is not None:
        area, local = match["area"], match["local"]
    elif _LOCAL.fullmatch(number):
        area, local = area_code, number
    else:
        return MALFORMED
    return Verdict(
        normal=f"{area}-{local}",
        form=Check.OK,
        region=Check.UNKNOWN,
        kind="landline",
        division=area,
    )
