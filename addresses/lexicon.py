"""Names that the parser knows, with what element each is (词典): the country's divisions, or a district's own names.

A lexicon is filled once and then only read; an Aho-Corasick automaton finds all its names in a text in one pass.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

import ahocorasick

from addresses.text import normalise

NATIONAL: Final = Path(__file__).resolve().parent / "data" / "national.txt.xz"

PROVINCE: Final = "11"
CITY: Final = "12"
COUNTY: Final = "13"
TOWNSHIP: Final = "21"
TOWN: Final = "22"
STREET: Final = "23"
COMMUNITY: Final = "31"
COMMITTEE: Final = "32"
VILLAGE: Final = "33"

MUNICIPALITIES: Final = ("北京市", "天津市", "上海市", "重庆市")


class Name(NamedTuple):
    """What a name may be.

    Attributes:
        type: a code of `catalog/terms/address_element.yaml`.
        short: without the word that says what it is: 杭州, 萧山, 戴村.
        codes: national codes of the divisions that bear it (2, 4 or 6 digits) or, of a town, of the counties that it lies
            in; empty when where it lies says nothing.
        above: codes of what they lie in: of a county its province and city, of a town its cities.
    """

    type: str
    short: bool = False
    codes: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()


class Lexicon:
    """Names → what they may be.

    Attributes:
        names: normalised name → its readings.
        villages: city (4 digits) → the stems of its villages' and communities' names (三江 of 三江村).
        stems: the stems of all.
        roads: the first two characters of roads that communities are named after (人民 of 人民东路社区).
        divisions: the names that provinces, cities and counties have.
    """

    def __init__(
        self,
        names: Mapping[str, tuple[Name, ...]],
        villages: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.names = dict(names)
        self.villages = dict(villages or {})
        self.divisions = frozenset(
            text for text, held in self.names.items() if any(n.type in (PROVINCE, CITY, COUNTY) for n in held)
        )
        self.stems: frozenset[str] = frozenset().union(*self.villages.values())
        self.roads = frozenset(stem[:2] for stem in self.stems if stem[-1] in "路街巷" and len(stem) > 2)

    @classmethod
    def of(cls, names: Iterable[tuple[str, str]]) -> Self:
        """A lexicon of (name, element type) pairs, as a district's own gazetteer has them."""
        held: dict[str, tuple[Name, ...]] = {}
        for text, kind in names:
            _add(held, normalise(text).text, Name(kind))
        return cls(held)

    def with_names(self, names: Iterable[tuple[str, str]]) -> Lexicon:
        """This lexicon and more (name, element type) pairs beside it."""
        held = dict(self.names)
        for text, kind in names:
            _add(held, normalise(text).text, Name(kind))
        return Lexicon(held, self.villages)

    def automaton(self, others: Mapping[str, object]) -> ahocorasick.Automaton:
        """An automaton of all names, and of `others` (words of the parser): text → (length, readings, other or None)."""
        found = ahocorasick.Automaton()
        for text in self.names.keys() | others.keys():
            if text:
                found.add_word(text, (len(text), self.names.get(text, ()), others.get(text)))
        found.make_automaton()
        return found


def _add(held: dict[str, tuple[Name, ...]], text: str, name: Name) -> None:
    before = held.get(text, ())
    for at, known in enumerate(before):
        if known.type == name.type:
            joined = Name(
                name.type, known.short and name.short, known.codes | name.codes, known.above | name.above
            )
            held[text] = (*before[:at], joined, *before[at + 1 :])
            return
    held[text] = (*before, name)


def _has(held: Mapping[str, tuple[Name, ...]], text: str, kind: str) -> bool:
    return any(n.type == kind for n in held.get(text, ()))


_PEOPLES: Final = (
    "蒙古族|回族|藏族|维吾尔族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克族|哈萨克|傣族|黎族|傈僳族"
    "|佤族|畲族|高山族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜族|柯尔克孜|土族|达斡尔族|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族"
    "|锡伯族|阿昌族|普米族|塔吉克族|塔吉克|怒族|俄罗斯族|鄂温克族|德昂族|保安族|裕固族|独龙族|鄂伦春族|赫哲族|门巴族|珞巴族|基诺族|蒙古|各族|回"
)
_AUTONOMOUS: Final = re.compile(rf"(?:{_PEOPLES})*自治[区州县旗]$")
_PROVINCE: Final = re.compile(r"(?:省|市|特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区)$")
_DIVISION: Final = re.compile(r"(?:林区|矿区|新区|地区|市|区|县|盟|旗)$")
_ZONES: Final = ("开发区", "园区", "工业区", "示范区", "管理区", "高新区", "新区")
_TOWN: Final = re.compile(r"(?:街道|镇|乡|苏木|地区)$")


def short_of(name: str, level: int) -> str | None:
    """The everyday form of a division's name (level 2, 4, 6 or 9 digits): 浙江, 延边, 萧山, 戴村; None when it has none."""
    if level == 2:
        short = _PROVINCE.sub("", name)
    elif _AUTONOMOUS.search(name):
        short = _AUTONOMOUS.sub("", name)
    elif level == 9:
        short = re.sub(rf"(?:{_PEOPLES})+$", "", _TOWN.sub("", name)) if _TOWN.search(name) else name
    else:
        short = _DIVISION.sub("", name)
    return short if len(short) > 1 and short != name else None


def _lines() -> Iterator[tuple[str, str, list[str]]]:
    for line in lzma.decompress(NATIONAL.read_bytes()).decode("utf-8").splitlines():
        code, kind, names = line.split("\t")
        yield code, kind, names.split(" ")


def town_type(name: str) -> str:
    """21, 22 or 23 by the name's last word; what has none of them is a street office's equal (类似乡级)."""
    if name.endswith("镇"):
        return TOWN
    return TOWNSHIP if name.endswith(("乡", "苏木")) else STREET


@lru_cache(maxsize=1)
def national() -> Lexicon:
    """The country's divisions (statistics of 2023, and names in use since 1990), read from the file in this folder."""
    held: dict[str, tuple[Name, ...]] = {}
    villages: dict[str, frozenset[str]] = {}
    types = {2: PROVINCE, 4: CITY, 6: COUNTY}
    for code, kind, names in _lines():
        where = frozenset((code,))
        above = frozenset((code[:4],)) if kind == "T" else frozenset((code[:2], code[:4])) - where
        if kind == "V":
            villages[code] = frozenset(names)
            continue
        for name in names:
            level = 9 if kind == "T" else len(code)
            type_ = town_type(name) if kind == "T" else types[len(code)]
            if level > 4 and name.endswith(_ZONES if kind == "T" else _ZONES[:-1]):
                type_ = "dev_zone"
            if type_ != COUNTY or not _has(held, name, CITY):
                _add(held, name, Name(type_, False, where, above))
            short = short_of(name, level)
            if (
                type_ == COUNTY
                and short is not None
                and (_has(held, short, CITY) or _has(held, short, PROVINCE))
            ):
                continue
            if kind == "T" and short is not None and short[-1] in "路街道巷":
                continue  # 红星路街道 is called 红星路 by nobody; that is the road
            if short is not None and (level < 9 or len(short) < 5):
                _add(held, short, Name(type_, True, where, above))
    return Lexicon(held, villages)
