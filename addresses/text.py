"""Text of an address in one form, with the way back to the text as given (规范化).

Character by character, so that what is found in the normalised text can be shown in the given one: full-width and
compatibility forms (NFKC), traditional characters (OpenCC's table), letters in capitals, one kind of dash and of blank.
Chinese numerals stay: 三江村 and 六和花园 are names. Where one stands in a number's position (三幢, 二十三号, 一〇一室),
`numerals` gives the Arabic reading beside it.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

# Every dash that input methods and copied tables put for a hyphen; the katakana long mark and the box line among them.
_DASHES: Final = "‐‑‒–—―−﹣－⁃ー─━➖⸺"
_DOTS: Final = "•・‧∙⋅●"
_WAVES: Final = "～〜∼˜"
_ZEROS: Final = "○◯⚪"
_FIXED: Final[dict[int, str]] = {
    **{ord(c): "-" for c in _DASHES},
    **{ord(c): "·" for c in _DOTS},
    **{ord(c): "~" for c in _WAVES},
    **{ord(c): "〇" for c in _ZEROS},
    # As a number and not as letters: Ⅳ幢 is the fourth.
    **{0x2160 + i: str(i + 1) for i in range(12)},
    **{0x2170 + i: str(i + 1) for i in range(12)},
    # Japanese forms that come from copied tables and input methods.
    **{ord(c): "|" for c in "︱丨∣❘"},
    # As soldiers, drivers and whoever dictates say one.
    ord("幺"): "一",
    ord("単"): "单",
    ord("戸"): "户",
    ord("﹟"): "#",
    ord("♯"): "#",
}


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    """Traditional → simplified, by single characters. One that simplified writing keeps too (乾 of 乾元镇) stays."""
    table: dict[str, str] = {}
    source = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    for line in source.splitlines():
        traditional, _, choices = line.partition("\t")
        options = choices.split()
        if len(traditional) == 1 and options and traditional not in options:
            table[traditional] = options[0]
    return table


class _Table(dict[int, str | int]):
    """Code point → what stands for it; worked out when a character is first met. `uneven` are those that do not become one."""

    def __init__(self) -> None:
        super().__init__()
        self.uneven: set[str] = set()

    def __missing__(self, point: int) -> str | int:
        char = chr(point)
        became = _FIXED.get(point)
        if became is None:
            became = self._folded(char)
        self[point] = result = ord(became) if len(became) == 1 else became
        if len(became) != 1:
            self.uneven.add(char)
        return result

    @staticmethod
    def _folded(char: str) -> str:
        if char.isspace():
            return " "
        category = unicodedata.category(char)
        # Byte-order marks, zero-width joiners, variation selectors and the frame of a keycap say nothing; other controls part words.
        if category in ("Cf", "Me") or "\ufe00" <= char <= "\ufe0f":
            return ""
        if category == "Cc":
            return " "
        # A raised or lowered digit is a note mark and no part of a number (as in ontology.text).
        if unicodedata.decomposition(char).startswith(("<super>", "<sub>")):
            return char
        folded = unicodedata.normalize("NFKC", char)
        if category == "So" and folded == char:
            # Pictures and boxes part words, as blanks do.
            return " "
        simplified = _simplified()
        folded = "".join(" " if c.isspace() else simplified.get(c, c) for c in folded)
        # Pinyin with its tones: the letters alone are read.
        bare = unicodedata.normalize("NFD", folded)[:1] if len(folded) == 1 else ""
        return (bare if bare.isascii() and bare.isalpha() else folded).upper()


_TABLE: Final = _Table()


class Normalised(NamedTuple):
    """A normalised text and the way back.

    Attributes:
        given: the text as given.
        text: the normalised text.
        starts, ends: for each character of `text`, where the one it came from begins and ends in `given`;
            None when each came from the one at its own place.
    """

    given: str
    text: str
    starts: tuple[int, ...] | None
    ends: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of `given` that a half-open, non-empty span of `text` came from."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def piece(self, start: int, end: int) -> str:
        """The characters as given of a span of `text`."""
        if self.starts is None:
            return self.given[start:end]
        first, last = self.span(start, end)
        return self.given[first:last]


_ENCODED: Final = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|&#(?:[0-9]{2,7}|[xX][0-9A-Fa-f]{2,6});"
)
"""Characters as addresses of pages, JSON and pages themselves write them."""
_HAN: Final = re.compile("[\u3400-\u9fff]")


def _decoded(run: str) -> list[tuple[str, int]]:
    """The characters that an encoded run stands for, and of how many of its own each is written; none where it stands for nothing."""
    if run[0] == "&":
        point = int(run[3:-1], 16) if run[2] in "xX" else int(run[2:-1])
        return [(chr(point), len(run))] if point < 0x110000 and not 0xD800 <= point < 0xE000 else []
    if run[0] == "%":
        octets = bytes.fromhex(run.replace("%", ""))
        for encoding, cut in (("utf-8", 0), ("utf-8", 1), ("utf-8", 2), ("gb18030", 0)):
            with suppress(UnicodeDecodeError):
                read = octets[: len(octets) - cut].decode(encoding)
                # One that a limit has cut off ends in the middle of a character; before that there is a whole one.
                if not cut or _HAN.search(read):
                    return [(c, 3 * len(c.encode(encoding))) for c in read]
        return []
    units = b"".join(int(u, 16).to_bytes(2, "big") for u in run.split("\\u")[1:])
    try:
        return [(c, 12 if ord(c) > 0xFFFF else 6) for c in units.decode("utf-16-be")]
    except UnicodeDecodeError:
        return []


def _written_out(given: str) -> Normalised | None:
    """A text with encoded characters, normalised; None where none of them is a Chinese one: 50%20 is a number."""
    runs = [(m.start(), _decoded(m.group())) for m in _ENCODED.finditer(given)]
    if not any(_HAN.match(c) for _, chars in runs for c, _ in chars):
        return None
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(char: str, start: int, end: int) -> None:
        became = char.translate(_TABLE)
        text.append(became)
        starts.extend([start] * len(became))
        ends.extend([end] * len(became))

    at = 0
    for start, chars in [*runs, (len(given), [])]:
        for i in range(at, start):
            put(given[i], i, i + 1)
        at = max(at, start)
        for char, width in chars:
            put(char, at, at + width)
            at += width
    return Normalised(given, "".join(text), tuple(starts), tuple(ends))


def normalise(given: str) -> Normalised:
    """The normalised form of a text. Never raises; about a microsecond for an address."""
    if ("%" in given or "&#" in given or "\\u" in given) and (out := _written_out(given)) is not None:
        return out
    text = given.translate(_TABLE)
    if _TABLE.uneven.isdisjoint(given):
        return Normalised(given, text, None, None)
    starts: list[int] = []
    ends: list[int] = []
    for at, char in enumerate(given):
        became = _TABLE[ord(char)]
        for _ in range(1 if isinstance(became, int) else len(became)):
            starts.append(at)
            ends.append(at + 1)
    return Normalised(given, text, tuple(starts), tuple(ends))


DIGITS: Final = "〇零一二三四五六七八九两"
NUMERALS: Final = DIGITS + "十百千廿卅"
_VALUE: Final = {**{c: i for i, c in enumerate("〇一二三四五六七八九")}, "零": 0, "两": 2}
_TIMES: Final = {"十": 10, "百": 100, "千": 1000}


def arabic(text: str) -> str | None:
    """A Chinese, Arabic or mixed number in Arabic digits: 二十三 → 23, 一〇一 → 101, 二0三 → 203, 廿三 → 23.

    None when it is no number. Digits side by side are read one by one, so that 一一〇 keeps its length.
    """
    if not text:
        return None
    if text.isdecimal() and text.isascii():
        return text
    if all(c in _VALUE or ("0" <= c <= "9") for c in text):
        return "".join(c if "0" <= c <= "9" else str(_VALUE[c]) for c in text)
    total = 0
    digits = ""
    last = 10_000
    for char in text.replace("廿", "二十").replace("卅", "三十"):
        times = _TIMES.get(char)
        if times is not None:
            if times >= last or len(digits) > 4:
                return None
            total += (int(digits) if digits else 1) * times
            digits, last = "", times
        elif char in _VALUE:
            digits += str(_VALUE[char])
        elif "0" <= char <= "9":
            digits += char
        else:
            return None
    if digits:
        tail = int(digits)
        # 一百五 means 150 in speech, but 105 is written 一百零五: what no zero parts from its hundred is tens.
        if last >= 100 and len(digits) == 1 and not digits.startswith("0"):
            tail *= last // 10
        if tail >= last:
            return None
        total += tail
    return str(total)


class Numeral(NamedTuple):
    """A Chinese numeral in a number's position, and its Arabic reading: (start, end, "23")."""

    start: int
    end: int
    value: str


# What follows a number: as soon as one of these does, a numeral may be one. 村, 江, 和 and the like are none of them.
_COUNTED: Final = r"号|幢|栋|座|单元|梯|层|楼|室|房|户|组|队|社|弄|巷|排|期|区|间|铺|档|门|#|米|公里|街坊|村民小组|[-~至、](?=[0-9〇零一二三四五六七八九十])|$"
_NUMERAL: Final = re.compile(rf"[0-9]*[{NUMERALS}][0-9{NUMERALS}]*(?={_COUNTED})")


def numerals(text: str) -> list[Numeral]:
    """The Chinese numerals of a normalised text that stand where a number may, with their Arabic reading.

    A reading beside the name's, not in place of it: 六楼 of 六楼村 is among them, and it is for the reader to choose.
    """
    found = []
    for match in _NUMERAL.finditer(text):
        value = arabic(match.group())
        if value is not None:
            found.append(Numeral(match.start(), match.end(), value))
    return found
