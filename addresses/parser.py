"""Text of an address → its elements, without codes (地址要素解析): no network, no learned weights.

    >>> parser = Parser()
    >>> [(e.type, e.text) for e in parser.parse("浙江省杭州市萧山区市心中路123号")]
    [('11', '浙江省'), ('12', '杭州市'), ('13', '萧山区'), ('41', '市心中路'), ('road_no', '123号')]

With a district's own names it reads that district's texts: `Parser(national().with_names(pairs))`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from addresses.grammar import (
    ASSIST,
    BUILDING,
    CITY,
    COUNTRY,
    COUNTY,
    ESTATE,
    FLOOR,
    GROUP,
    HAMLET,
    LANE,
    NOTHING,
    PROVINCE,
    ROAD,
    ROAD_NO,
    ROOM,
    TOWN,
    UNIT,
    VILLAGE,
    ZONE,
)
from addresses.lattice import KIND_OF, PHONE, SEPARATORS, Lattice, Path, automaton
from addresses.lexicon import Lexicon, Name, national
from addresses.resolution import Element
from addresses.text import Normalised, normalise


class Parser:
    """Reads addresses with a lexicon (the country's divisions when none is given). Safe to share between threads."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon if lexicon is not None else national()
        self._words = automaton(self.lexicon)

    def parse(self, text: str) -> tuple[Element, ...]:
        """The elements of a text, from left to right and apart; separators are in none. Never raises."""
        read = normalise(text)
        return _elements(read, self._spans(read.text)) if read.text else ()

    def parse_all(self, texts: Iterable[str]) -> list[tuple[Element, ...]]:
        """The elements of each of many texts, as `parse` gives them; texts with one normalised form are read once."""
        held: dict[str, list[tuple[str, int, int]]] = {"": []}
        found = []
        for text in texts:
            read = normalise(text)
            spans = held.get(read.text)
            if spans is None:
                spans = held[read.text] = self._spans(read.text)
            found.append(_elements(read, spans))
        return found

    def _spans(self, text: str) -> list[tuple[str, int, int]]:
        return _typed(text, Lattice(text, self._words, self.lexicon).cheapest(), self.lexicon.names)


def _elements(read: Normalised, spans: list[tuple[str, int, int]]) -> tuple[Element, ...]:
    """The elements of a text as given from the spans of its normalised form."""
    text = read.given
    if read.starts is None:
        return tuple([Element(type_, text[start:end], start, end) for type_, start, end in spans])
    found: list[Element] = []
    for type_, start, end in spans:
        first, last = read.span(start, end)
        # A character as given may have become several that fall to two elements: the first has it.
        if found and first < found[-1].end:
            first = found[-1].end
        if first < last:
            found.append(Element(type_, text[first:last], first, last))
    return tuple(found)


_DIVISIONS: Final = {PROVINCE: "11", CITY: "12", COUNTY: "13"}
_PLAIN: Final = {
    COUNTRY: "country", ZONE: "dev_zone", GROUP: "34", LANE: "sub_road", BUILDING: "building", UNIT: "unit", FLOOR: "floor",
    ROOM: "room", HAMLET: "natural_village",
}  # fmt: skip
_INDUSTRIAL: Final = re.compile(r"(?:工业|科技|产业|创业|物流|软件|创意)(?:园区?|区|城|小区)$")
_CROSSING: Final = re.compile(r"[与和跟及口]|.*(?:交叉|交汇|交界|交口|路口|红绿灯).*")
_LENGTH: Final = re.compile(r"[0-9一二三四五六七八九十百](?:多)?(?:米|公里|千米|M|KM)")
_WITHIN: Final = frozenset(("building", "unit", "floor", "room", "occupant"))


def _typed(text: str, path: Path, names: Mapping[str, tuple[Name, ...]]) -> list[tuple[str, int, int]]:
    """The element types of a path: (type, start, end). What a name is to the one before it is told here."""
    again = _repeated(text, path)
    found: list[tuple[str, int, int]] = []
    before = ""
    place = road = side = False
    for at, (start, end, kind) in enumerate(path):
        if kind == NOTHING:
            if end == start + 1 and (text[start] in SEPARATORS or _is_dash(text, start)):
                continue
            phone = PHONE.fullmatch(text, start, end)
            if found and found[-1][0] == "noise" and found[-1][2] == start and not phone:
                found[-1] = ("noise", found[-1][1], end)
            else:
                found.append(("phone" if phone else "noise", start, end))
            continue
        if kind in _DIVISIONS:
            type_ = "repeated" if at in again else _DIVISIONS[kind]
        elif kind == TOWN:
            type_ = "repeated" if at in again else _town(text[start:end], names)
        elif kind == VILLAGE:
            type_ = _village(text[start:end])
        elif kind == ROAD:
            side = road and before in ("41", "sub_road", "road_no")
            type_ = "sub_road" if side else "41"
            road = True
        elif kind == ROAD_NO:
            type_ = "sub_road_no" if side else "road_no"
            side = False
        elif kind == ASSIST:
            word = text[start:end]
            type_ = (
                "distance"
                if _LENGTH.search(word)
                else "intersection"
                if _CROSSING.fullmatch(word)
                else "direction"
            )
        elif kind in _PLAIN:
            type_ = _PLAIN[kind]
            if kind == LANE:
                side = road = True
            elif kind == HAMLET:
                place = True
        else:
            if before in _WITHIN or before == "sub_poi":
                type_ = "occupant"
            elif place:
                type_ = "sub_poi"
            elif kind == ESTATE:
                type_ = "industrial_park" if _INDUSTRIAL.search(text, start, end) else "42"
            else:
                type_ = "poi"
            place = True
        if (
            type_ == "building"
            and text[end - 1] == "号"
            and text[start - 1] in "弄巷"
            and [t for t, *_ in found[-2:]] == ["41", "road_no"]
        ):
            # 市心路 12弄 3号: the lane is numbered on its road, and the house in it.
            found[-1] = ("sub_road", *found[-1][1:])
            type_ = "sub_road_no"
        found.append((type_, start, end))
        before = type_
    return found


def _is_dash(text: str, at: int) -> bool:
    """Whether 一 was typed for a dash, as in 3一2一501."""
    return text[at] == "一" and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isdecimal()


def _town(word: str, names: Mapping[str, tuple[Name, ...]]) -> str:
    if word.endswith("镇"):
        return "22"
    if word.endswith(("乡", "苏木")):
        return "21"
    if not word.endswith(("街道", "街道办", "办事处")):
        for name in names.get(word, ()):
            if KIND_OF.get(name.type) == TOWN:
                return name.type
    return "23"


def _village(word: str) -> str:
    if word.endswith("社区"):
        return "31"
    return "32" if word.endswith(("居委会", "居民委员会")) else "33"


def _repeated(text: str, path: Path) -> set[int]:
    """Which steps name a division that is named again, or was before.

    Addresses are pasted together: 浙江省杭州市滨江区杭州市滨江区…. Of several chains the one with the most levels is meant,
    and of equal ones the last, which is the one nearest to the rest.
    """
    named = [kind for _, _, kind in path if kind in _NAMED]
    if all(a < b for a, b in pairwise(named)):
        return set()
    chains: list[dict[int, int]] = []
    chain: dict[int, int] = {}
    for at, (_, _, kind) in enumerate(path):
        if kind in _NAMED:
            if chain and kind <= max(chain):
                chains.append(chain)
                chain = {}
            chain[kind] = at
        elif kind != NOTHING and chain:
            chains.append(chain)
            chain = {}
    if chain:
        chains.append(chain)

    def word(at: int) -> str:
        return text[path[at][0] : path[at][1]]

    def same(one: int, other: int) -> bool:
        return word(one)[:2] == word(other)[:2]

    def levels(index: int) -> tuple[int, bool, int]:
        town = TOWN in chains[index]
        return len(chains[index]) - town, town, index

    meant = max(range(len(chains)), key=levels)
    final = chains[-1]
    if PROVINCE in final and PROVINCE in chains[meant] and not same(final[PROVINCE], chains[meant][PROVINCE]):
        meant = len(chains) - 1  # the second is another place: what follows belongs to it
    elif meant and len(final) == len(chains[0]) and max(final.values()) == len(path) - 1:
        meant = 0  # nothing follows: the second is the copy
    elif len(chains) == 2 and max(chains[0]) == CITY == min(final):
        # 浙江省 嘉兴市 | 嘉兴市 南湖区: the second goes, but 嘉兴 | 嘉兴市, 嘉兴市 | 嘉兴市: the first does.
        meant = int(len(chains[0]) == 1 or word(chains[0][CITY]) != word(final[CITY]))
    again: set[int] = set()
    held = dict(chains[meant])
    for index, other in enumerate(chains):
        if index == meant:
            continue
        stray = index + 1 < len(chains) and list(other) == [TOWN] and min(chains[index + 1]) < TOWN
        for kind, at in other.items():
            if stray:
                again.add(at)  # a town before its own city
            elif kind not in held and not (kind == PROVINCE and word(at) in _MUNICIPAL):
                held[kind] = at
            elif kind == TOWN and not same(at, held[TOWN]):
                continue  # 瓜沥镇党山镇: a town that became part of another
            else:
                again.add(at)
    return again


_NAMED: Final = frozenset((PROVINCE, CITY, COUNTY, TOWN))  # in the order in which an address names them
_MUNICIPAL: Final = frozenset(("北京", "上海", "天津", "重庆"))
