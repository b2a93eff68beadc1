"""Which characters are taken for one another by their shape (形近字) → addresses/data/shapes.txt.xz.

    python tools/shapes.py FONT.ttc …

Every character of GB 2312 is drawn in each font, blurred and compared with every other: those that are most alike to one of a pair
are kept. Needs numpy and Pillow, which is no part of Quanxi; what is kept was made with WenQuanYi Zen Hei and AR PL UMing, which the
Debian packages fonts-wqy-zenhei and fonts-arphic-uming hold.
"""

from __future__ import annotations

import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "addresses" / "data" / "shapes.txt.xz"
SIZE, GRID, BLUR = 64, 24, 2.2
# How many characters there are to begin with, least likeness (cosine) of a pair, and how many of a character's nearest are kept: of the
# common ones of the first level, then of all.
KEPT = ((3755, 0.62, 20), (None, 0.72, 8))


def characters() -> list[str]:
    """Those of GB 2312, both levels."""
    codes = (bytes((high, low)) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF))
    return [c for code in codes if (c := code.decode("gb2312", "ignore"))]


def drawn(chars: list[str], font: str) -> Any:
    """Each character as a row of grey values, of mean 0 and length 1."""
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    face = ImageFont.truetype(font, SIZE)
    rows = np.empty((len(chars), GRID * GRID), np.float32)
    for at, char in enumerate(chars):
        image = Image.new("L", (SIZE + 8, SIZE + 8), 0)
        ImageDraw.Draw(image).text((4, -2), char, fill=255, font=face)
        small = image.filter(ImageFilter.GaussianBlur(BLUR)).resize((GRID, GRID), Image.Resampling.BILINEAR)
        rows[at] = np.asarray(small, np.float32).ravel()
    rows -= rows.mean(1, keepdims=True)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)


def main(fonts: list[str]) -> None:
    chars = characters()
    alike = np.zeros((len(chars), len(chars)), np.float32)
    for font in fonts:
        rows = drawn(chars, font)
        alike += rows @ rows.T / len(fonts)
    np.fill_diagonal(alike, 0)
    pairs = set()
    for most, least, nearest in KEPT:
        for at, row in enumerate(alike[:most, :most]):
            for other in np.argsort(-row)[:nearest]:
                if row[other] >= least:
                    pairs.add((min(at, int(other)), max(at, int(other))))
    of: dict[str, str] = {}
    for one, other in sorted(pairs):
        of[chars[one]] = of.get(chars[one], "") + chars[other]
    text = "".join(f"{char}{others}\n" for char, others in of.items())
    OUT.write_bytes(lzma.compress(text.encode("utf-8"), preset=9))
    print(f"{len(pairs):,} pairs of {len(of):,} characters, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
