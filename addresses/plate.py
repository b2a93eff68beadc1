"""Door-plate text 门牌二维码: what the QR code on a door plate says, and reading it back.

    CN-330109:1:3301090020010003010301:7K
    scheme : version : code : check

All characters are of QR's alphanumeric mode. The two check characters are ISO/IEC 7064:2003, MOD 1271-36, over the letters and digits
before them: they find every single wrong character and every swap of two neighbours. The check belongs to the plate's text; an address code has none.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Final

from addresses.scheme import Scheme
from ontology.errors import UsageError
from ontology.text import half_width

SEPARATOR: Final = ":"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS, _RADIX = 1271, 36
_FORM: Final = re.compile(r"([A-Z0-9-]{1,32}):([0-9]{1,4}):([^:]{1,64}):([A-Z0-9]{2})")
_BLANKS: Final = re.compile(r"\s+")
# Where the plate is a link: what stands before its text.
_LINK: Final = re.compile(r"^HTTPS?://[^?#]*/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate that was read.

    Attributes:
        code: the address code, in its canonical form; it may be one that the place no longer has.
        level: the level of such a code.
        version: of the scheme that the plate was made by.
        as_made: whether the text was exactly as it is made; not so when it came in lower case, full width or with blanks.
    """

    code: str
    level: str
    version: int
    as_made: bool


def check_of(text: str) -> str:
    """The two check characters of a text, by its letters A–Z and digits (ISO/IEC 7064:2003, MOD 1271-36)."""
    value = 0
    for character in text:
        digit = _DIGITS.find(character)
        if digit >= 0:
            value = (value + digit) * _RADIX % _MODULUS
    value = value * _RADIX % _MODULUS
    check = (_MODULUS + 1 - value) % _MODULUS
    return _DIGITS[check // _RADIX] + _DIGITS[check % _RADIX]


def plate_text(code: str, scheme: Scheme) -> str:
    """What the plate of an address says.

    Raises:
        UsageError: BAD_CODE.
    """
    body = SEPARATOR.join((scheme.name.upper(), str(scheme.version), scheme.parse(code).code))
    return body + SEPARATOR + check_of(body)


def plate_svg(code: str, scheme: Scheme) -> bytes:
    """The QR code of an address' plate as an SVG picture (ISO/IEC 18004, error correction level M, a quiet zone of four modules), by the
    optional package `segno`.

    Raises:
        UsageError: BAD_CODE; BAD_ARGUMENT where the package is not installed.
    """
    text = plate_text(code, scheme)
    try:
        import segno
    except ImportError as error:
        raise UsageError(
            "BAD_ARGUMENT",
            "绘制二维码需要软件包 segno",
            "drawing QR codes needs the package segno, which is not installed",
            "pip install -r requirements/plates.txt",
        ) from error
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", scale=4, border=4, title=text)
    return out.getvalue()


def read_plate(text: str, scheme: Scheme) -> Plate:
    """Reads what a plate says. Lower case, full width and blanks are folded; a link is read by its last part.

    Raises:
        UsageError: PLATE_MALFORMED when it has not the form of a plate, PLATE_ALTERED when its check does not hold,
            PLATE_OTHER_SCHEME when it is another district's or of a later version, BAD_CODE when its code is none.
    """
    folded = _BLANKS.sub("", half_width(text)).upper()
    folded = _LINK.sub("", folded)
    match = _FORM.fullmatch(folded)
    if match is None:
        shown = text if len(text) <= 80 else text[:80] + "…"
        raise UsageError(
            "PLATE_MALFORMED",
            f"不是门牌二维码的内容:{shown}",
            f"not what a door plate says: {shown!r}",
            f"It looks like {scheme.name.upper()}:{scheme.version}:330109002001:7K.",
        )
    name, version, code, check = match.groups()
    if check_of(f"{name}:{version}:{code}") != check:
        raise UsageError(
            "PLATE_ALTERED",
            "门牌二维码校验不符,内容有误或被改动",
            "the check of the plate does not hold: it was misread or altered",
            "Scan it again; if it stays so, the plate is not a genuine one.",
        )
    if name != scheme.name.upper() or int(version) > scheme.version:
        raise UsageError(
            "PLATE_OTHER_SCHEME",
            f"该门牌属地址码规则 {name} 第 {version} 版,不是 {scheme.name}",
            f"the plate is of the scheme {name} v{version}, not of {scheme.name} v{scheme.version}",
            "Ask the district that it belongs to.",
        )
    parsed = scheme.parse(code)
    return Plate(parsed.code, parsed.level, int(version), text == folded)
