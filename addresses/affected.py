"""Which texts may mean something else once places have come, gone or changed: those that could speak of them.

Reading every text again would be right and slow. A text is read again when it could name a place that changed: it shares
enough characters with the place's own name (a character counts as shared with its traditional forms and with whatever is
said or looks alike, so that mistyped names count), or, for a place that is a number in a wider one, its number and something of the
wider one's name. The test is one of columns and lets through too much rather than too little.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from addresses.fuzzy import look_alikes
from addresses.gazetteer import PlaceRecord, normalise
from addresses.index import split_local

# Characters that stand in names of places of a kind and tell none from another.
GENERIC = frozenset(
    "省市区县镇乡街道村社路弄巷里坊组队号室户幢栋座楼单元层梯门院园苑庄花小大东西南北中上下前后新居委会公司场站"
)
_SIGNS = frozenset("甲乙丙丁戊己庚辛十百廿卅拾佰")
_HAN = re.compile(r"[㐀-鿿]")
_NUMBER = re.compile(r"[0-9]+|[A-Z]+")
_SAID = {"零": "0", "〇": "0", "一": "1", "二": "2", "两": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7",
         "八": "8", "九": "9", "壹": "1", "贰": "2", "叁": "3", "肆": "4", "伍": "5", "陆": "6", "柒": "7", "捌": "8", "玖": "9"}  # fmt: skip
# A text with one of these may name a number that does not stand in it: ranges, tens, the cyclical signs.
_ANY_NUMBER = r"[0-9A-Z]\s*[-~—–－～至到、,，/]\s*[0-9A-Z]|[十百廿卅拾佰]|[甲乙丙丁戊己庚辛]|[0-9](?:楼|层|F)"
# A text that may say a name otherwise than in its characters: encoded, in pinyin, or by nothing but a code. In capitals, as texts are tested.
_OTHERWISE = r"%[0-9A-F]{2}|\\U[0-9A-F]{4}|&#|[A-Z]{4,}|^[^0-9]{0,12}[0-9]{9,40}\W*$"
# As many names are looked for one by one; beyond it any of their characters will do.
_ONE_BY_ONE = 300


@dataclass(frozen=True, slots=True)
class Named:
    """A name that may have been spoken of.

    Attributes:
        own: the part of it that is the place's, without the places above it.
        upper: what stands before that, or may.
    """

    own: str
    upper: str


def names_of(place: PlaceRecord, above: Sequence[str], context: str = "") -> list[Named]:
    """The names of a place, parted by the names (normalised or not) of places above it, nearest first.

    Args:
        context: all by which what is above a numbered place may be called.
    """
    found = []
    uppers = [normalise(name) for name in above]
    for name in dict.fromkeys(map(normalise, (*place.names, place.name, *place.former))):
        upper = next((u for u in uppers if u and name.startswith(u) and name != u), "")
        if not name:
            continue
        own = name[len(upper) :]
        found.append(Named(own, context or upper))
        if place.level == "BUILDING":
            # What stands before its number may be known by it alone: an estate or a hamlet that the base has no row of.
            part, number = split_local(own)
            if number and part:
                found.append(Named(part, ""))
    return found


@lru_cache(maxsize=1)
def _alike() -> dict[str, frozenset[str]]:
    """Character → those said alike, of the some 6,700 of GB 2312."""
    from pypinyin import Style, pinyin

    by_sound: dict[str, set[str]] = defaultdict(set)
    sounds: dict[str, set[str]] = {}
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                char = bytes((row, cell)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            said = set(pinyin(char, style=Style.NORMAL, heteronym=True)[0])
            sounds[char] = said
            for sound in said:
                by_sound[sound].add(char)
    return {char: frozenset().union(*(by_sound[s] for s in said)) for char, said in sounds.items()}


@lru_cache(maxsize=1)
def _traditional() -> dict[str, set[str]]:
    """Simplified character → its traditional forms."""
    from opencc import OpenCC

    found: dict[str, set[str]] = defaultdict(set)
    back = OpenCC("t2s")
    for code in range(0x4E00, 0x9FA6):
        char = chr(code)
        simple = back.convert(char)
        if simple != char and len(simple) == 1:
            found[simple].add(char)
    return dict(found)


@lru_cache(maxsize=8192)
def variants(char: str, sound: bool = True) -> tuple[str, ...]:
    """A character as it may stand in a text: itself, its traditional forms and, by `sound`, what is said alike."""
    chars = {char} | (_alike().get(char, frozenset()) | look_alikes(char) if sound else frozenset())
    forms = _traditional()
    return tuple(sorted(chars.union(*(forms.get(c, ()) for c in chars))))


def folded(text: pl.Expr) -> pl.Expr:
    """Texts in the form that they are tested in: half-width, capitals, single Chinese digits as digits."""
    return text.str.normalize("NFKC").str.to_uppercase().str.replace_many(list(_SAID), list(_SAID.values()))


def may_name(text: pl.Expr, names: Iterable[Named]) -> pl.Expr:
    """Whether each folded text may speak of one of the names."""
    tests: list[pl.Expr] = []
    numbers: set[str] = set()
    context: set[str] = set()
    core: dict[str, None] = {}
    everything = False
    for name in dict.fromkeys(names):
        own = _digits(name.own)
        found = _NUMBER.findall(own)
        if found:
            for number in found:
                plain = number.lstrip("0") or "0"
                numbers.add(plain)
                if len(plain) > 2:
                    # A room may stand apart from its floor: 3楼01室.
                    numbers.add(plain[-2:])
            context |= set(_core(name.upper)) | set(_core(own))
        else:
            chars = _core(own)
            if not chars:
                everything = True
            core["".join(sorted(set(chars)))] = None
    if everything:
        return text.is_not_null()
    if numbers:
        numbered = text.str.contains_any(sorted(numbers)) | text.str.contains(_ANY_NUMBER)
        tests.append(numbered & _speaks_of(text, context))
    if len(core) > _ONE_BY_ONE:
        tests.append(_any_of(text, {c for chars in core for c in chars}))
    else:
        tests += [_enough(text, chars) for chars in core if chars]
    return pl.any_horizontal(*tests, text.str.contains(_OTHERWISE)) if tests else pl.lit(False)


def may_speak(text: pl.Expr, names: str) -> pl.Expr:
    """Whether each folded text holds a character of some names, or none that tells places apart."""
    return _speaks_of(text, set(_core(names))) if names else pl.lit(False)


def may_be(text: pl.Expr, normal: str) -> pl.Expr:
    """Whether each folded text may have a normal form: it holds the characters of it that no normal form changes."""
    chars = [c for c in dict.fromkeys(normal) if _HAN.match(c) and c not in GENERIC and c not in _SAID][:6]
    tests = [text.str.contains_any(list(variants(c, sound=False))) for c in chars]
    return pl.all_horizontal(tests) | text.str.contains(_OTHERWISE) if tests else text.is_not_null()


def _digits(text: str) -> str:
    return "".join(_SAID.get(c, c) for c in text)


def _core(text: str) -> list[str]:
    return [c for c in text if _HAN.match(c) and c not in GENERIC]


def _any_of(text: pl.Expr, chars: Iterable[str]) -> pl.Expr:
    return text.str.contains_any(sorted({v for c in chars for v in variants(c)}))


def _speaks_of(text: pl.Expr, context: set[str]) -> pl.Expr:
    """Whether a text names something of the context, or nothing at all beside numbers and kinds."""
    bare = ~text.str.replace_many(sorted(GENERIC | _SIGNS), [""]).str.contains(_HAN.pattern)
    return bare | _any_of(text, context) if context else text.is_not_null()


def _enough(text: pl.Expr, chars: str) -> pl.Expr:
    """Whether a text holds at least half of some characters."""
    counted = [text.str.contains_any(list(variants(c))).cast(pl.UInt8) for c in chars]
    return pl.sum_horizontal(counted) >= (len(chars) + 1) // 2
