"""Folding of characters that input methods and copied tables put in place of plain ones."""

from __future__ import annotations

from typing import Final

# The full-width forms of ASCII, the ideographic space, and the Roman numeral that is typed for an X.
_HALF_WIDTH: Final = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    0x3000: 0x20,
    0x2169: 0x58,
    0x2179: 0x78,
}


def half_width(text: str) -> str:
    """Full-width letters, digits, signs and blanks (全角) to plain ones (半角).

    Narrower than Unicode's NFKC on purpose: that also reads ² and ① as digits, which would turn a stray note mark into
    part of a number.
    """
    return text.translate(_HALF_WIDTH)
