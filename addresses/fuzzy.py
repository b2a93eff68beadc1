"""Names that are not quite written right (同音、形近、错字): by their sound, by their shape, and by one character too many, too few, wrong
or swapped.

Tables over the names of the index, made when they are first asked for: names by their pinyin without tones, by their stems, and by what
is left of them when one character is taken out. Two texts that differ in one character, or in the order of two neighbours, share
such a remainder, so a look-up replaces a comparison with every name.
"""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from addresses.index import Index, Named, NameKind

SHAPES: Final = Path(__file__).resolve().parent / "data" / "shapes.txt.xz"
_LONGEST: Final = 12
_CLOSE: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"))


class Hit(NamedTuple):
    """A name that a piece of a text may be meant for.

    Attributes:
        start, end: the piece. name, meanings: the name as known.
        how: `sound` (every character sounds alike), `shape` (one is of like shape), `close` (sounds nearly alike), `typo` (one character
            off), `stem` (without the word for what is named), `far` (two off).
        cost: lower is closer.
    """

    start: int
    end: int
    name: str
    meanings: list[Named]
    how: str
    cost: float


@lru_cache(maxsize=1)
def _readings() -> Mapping[int, str]:
    # A second and 40 MB, for texts that need it.
    from pypinyin.pinyin_dict import pinyin_dict

    return pinyin_dict


@lru_cache(maxsize=1 << 14)
def sound(char: str) -> str:
    """The first reading of a character without its tone; the character itself when it has none."""
    read = _readings().get(ord(char))
    if read is None:
        return char
    plain = unicodedata.normalize("NFD", read.partition(",")[0])
    return "".join(c for c in plain if c.isascii() or c == "\u0308")


@lru_cache(maxsize=1 << 14)
def close_sound(char: str) -> str:
    """The reading as those write it who do not part zh from z, ing from in, l from n."""
    return loosely(sound(char))


@lru_cache(maxsize=1)
def _shapes() -> Mapping[str, frozenset[str]]:
    """Character → those that it is taken for by its shape (`tools/shapes.py`)."""
    found: dict[str, set[str]] = {}
    for line in lzma.decompress(SHAPES.read_bytes()).decode("utf-8").split():
        for other in line[1:]:
            found.setdefault(line[0], set()).add(other)
            found.setdefault(other, set()).add(line[0])
    return {char: frozenset(others) for char, others in found.items()}


def look_alikes(char: str) -> frozenset[str]:
    """What a character of a name may be written as by mistake for its shape or for a second reading: 千 for 干, 夏 for 厦."""
    if char in _COUNTING:
        return frozenset()
    others = _shapes().get(char, frozenset())
    second = _SECOND.get(char)
    return frozenset(c for c in others if c not in _TELLING) | (second or frozenset())


_COUNTING: Final = frozenset("一二三四五六七八九十百两〇零东南西北中左右上下前后内外大小老甲乙丙丁戊己庚辛")
"""Characters by which places are told apart: three is not five, however alike they look."""
_DIGITS: Final = {**{c: str(i) for i, c in enumerate("〇一二三四五六七八九")}, "零": "0", "两": "2"}
_COUNTED: Final = _COUNTING | frozenset("0123456789")
_TELLING: Final = _COUNTING | frozenset(
    "新旧高长金红青白黄湾浦河江湖海塘城潭坞埠园苑庄村桥溪港山岭坂畈庙坛堰闸坝埭街路巷弄里坊府邸庭院家屋楼宅社镇乡区组泉池洲岛岸口头角兴盛华国民王李张陈"
)
"""And those that stand in names so often that one of them was rather meant than mistaken."""
_SECOND: Final[Mapping[str, frozenset[str]]] = {
    "厦": frozenset("夏下"), "行": frozenset("型形邢航杭"), "乐": frozenset("月悦跃"), "单": frozenset("善山"), "长": frozenset("掌涨"),
    "重": frozenset("虫崇"), "朝": frozenset("招"), "盛": frozenset("成程"), "都": frozenset("嘟"), "堡": frozenset("铺补"),
}  # fmt: skip
"""Characters of two readings → what is written for them by the one that is not the first."""


def _likeness(written: str, name: str) -> str | None:
    """`sound` or `shape` for a text that differs from a name in one character, and there in one that is taken for the name's; else None."""
    if len(written) != len(name):
        return None
    apart = [(a, b) for a, b in zip(written, name, strict=True) if a != b]
    if len(apart) != 1 or apart[0][0] not in look_alikes(apart[0][1]):
        return None
    return "sound" if apart[0][0] in _SECOND.get(apart[0][1], "") else "shape"


def loosely(read: str) -> str:
    """A syllable as those write it who do not part like ones."""
    for strict, loose in _CLOSE:
        if strict in ("zh", "ch", "sh"):
            if read.startswith(strict):
                read = loose + read[2:]
        elif read.endswith(strict):
            read = read[: -len(strict)] + loose
    return "l" + read[1:] if read.startswith("n") and len(read) > 1 else read


_TAIL: Final = re.compile(
    "(?:大道|公路|小区|公寓|花园|家园|嘉园|佳苑|新村|新苑|人家|山庄|名苑|雅苑|华庭|华府|名邸|天地|工业园|路|街|巷|弄|线|苑|府|庭|邸|园|城|湾)$"
)
"""What a road's or an estate's name ends in and people leave out."""
_STEMMED: Final = frozenset(("ROAD", "ESTATE"))
_PLACED: Final = frozenset(("STREET", "COMMUNITY"))
_LATIN: Final = re.compile("[A-Z]+")
_KEPT: Final = 1 << 9
_FAR: Final = 2.0
_BY_SIGN: Final = frozenset(("typo", "shape", "far"))
_OFFICE: Final = ("委会", "办事处", "街道办", "街办", "政府")
"""Ends of longer forms of a name, near to which the name itself is."""


def is_generic(name: str) -> bool:
    """Whether a name is nothing but the word for what is named, as 大道 is left of 萧山经济技术开发区大道."""
    return _TAIL.sub("", name) == ""


def stems_of(index: Index) -> dict[str, list[str]]:
    """What is left of the names of roads and estates without the word for what they are, of two characters or more → the names."""
    stems: dict[str, list[str]] = {}
    for name, meanings in index.names.items():
        if any(index.level(m.place) in _STEMMED for m in meanings):
            stem = _TAIL.sub("", name)
            if len(stem) >= 2 and stem != name:
                stems.setdefault(stem, []).append(name)
    return stems


class _Units(NamedTuple):
    """The characters of a piece by their sounds; a run of Latin letters that is pinyin is as many characters as it has syllables."""

    starts: list[int]
    ends: list[int]
    sounds: list[str]
    closes: list[str]
    latin: bool


class Near:
    """Looks names up by sound, by single mistakes, by what is left when the word for what is named is left out, and, in what a text
    says the place lies in, by what is written most alike."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._sounds: dict[str, list[str]] | None = None
        self._close: dict[str, list[str]] = {}
        self._without: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        self._inside: dict[int, dict[int, tuple[list[str], list[str]]]] = {}
        self._lengths: dict[int, tuple[list[str], list[str]]] = {}
        self._letter: dict[str, str] = {}
        self._syllables: frozenset[str] = frozenset()
        self._kept: dict[tuple[str, frozenset[int], int], list[Hit]] = {}
        # What is being looked up, and the names that it is but for what tells two apart.
        self._piece = ""
        self._refused: set[str] = set()

    def _make(self) -> dict[str, list[str]]:
        index = self._index
        self._stems = stems_of(index)
        sounds: dict[str, list[str]] = {}
        syllables: set[str] = set()
        for name, meanings in index.names.items():
            if len(name) < 2 or len(name) > _LONGEST or name.isascii():
                continue
            if len(name) == 2 and all(m.kind == NameKind.SHORT for m in meanings):
                continue
            told = [sound(c) for c in name]
            close = [close_sound(c) for c in name]
            syllables.update(t for t in told if t.isascii())
            sounds.setdefault(" ".join(told), []).append(name)
            self._close.setdefault(" ".join(close), []).append(name)
            if len(name) >= 3:
                for at in range(len(name)):
                    self._without.setdefault(name[:at] + name[at + 1 :], []).append(name)
            if len(name) < 4 or name.endswith(_OFFICE) or all(m.kind == NameKind.SHORT for m in meanings):
                continue
            coded = "".join(self._code(c) for c in close)
            within = {x for m in meanings for x in index.lineage(m.place)[1:] if index.level(x) in _PLACED}
            for lengths in (self._lengths, *(self._inside.setdefault(place, {}) for place in within)):
                alike = lengths.setdefault(len(name), ([], []))
                alike[0].append(name)
                alike[1].append(coded)
        self._syllables = frozenset(syllables)
        self._sounds = sounds
        return sounds

    def _code(self, syllable: str) -> str:
        """One character for a sound, so that rows of sounds can be compared as texts."""
        known = self._letter.get(syllable)
        if known is None:
            known = self._letter[syllable] = chr(0xF0000 + len(self._letter))
        return known

    def _units(self, piece: str) -> _Units:
        starts, ends, sounds, closes = [], [], [], []
        latin = False
        at = 0
        while at < len(piece):
            match = _LATIN.match(piece, at)
            parts = self._parted(match.group().lower()) if match else None
            if match is not None and parts:
                latin = True
                for part in parts:
                    starts.append(at)
                    at += len(part)
                    ends.append(at)
                    sounds.append(part)
                    closes.append(loosely(part))
                continue
            starts.append(at)
            at += 1
            ends.append(at)
            sounds.append(sound(piece[at - 1]))
            closes.append(close_sound(piece[at - 1]))
        return _Units(starts, ends, sounds, closes, latin)

    def _parted(self, letters: str) -> list[str] | None:
        """Letters as syllables that names here have, the fewest first; None where they are none."""
        if len(letters) > 40:
            return None
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 6), end):
                before = best[start]
                if before is not None and letters[start:end] in self._syllables:
                    known = best[end]
                    if known is None or len(before) + 1 < len(known):
                        best[end] = [*before, letters[start:end]]
        return best[-1]

    def find(self, text: str, start: int, end: int, within: Iterable[int] = (), most: int = 6) -> list[Hit]:
        """Names that pieces of `text[start:end]` may be meant for, the closest first.

        Args:
            within: positions of streets and communities that the text names; names in them are closer.
        """
        scope = frozenset(within)
        key = text[start:end], scope, most
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            known = self._kept[key] = self._find(text[start:end], scope, most)
        return [h._replace(start=h.start + start, end=h.end + start) for h in known] if start else known

    def _find(self, piece: str, scope: frozenset[int], most: int) -> list[Hit]:
        """As `find`, of a whole text. What people add to addresses they add to many: it is looked up once."""
        sounds = self._sounds
        if sounds is None:
            sounds = self._make()
        self._piece, self._refused = piece, set()
        start = 0
        hits: dict[str, Hit] = {}
        units = self._units(piece)
        n = len(units.sounds)
        tones, closes = units.sounds, units.closes
        for first in range(n):
            for last in range(min(n, first + _LONGEST), first + 1, -1):
                a, b = units.starts[first], units.ends[last - 1]
                told = " ".join(tones[first:last])
                for name in sounds.get(told, ()):
                    self._add(hits, start + a, start + b, name, "sound", 0.3, scope)
                close = " ".join(closes[first:last])
                for name in self._close.get(close, ()):
                    self._add(hits, start + a, start + b, name, "close", 0.6, scope)
                if last - first < 2:
                    continue
                part = piece[a:b]
                seen = set(self._without.get(part, ()))
                if len(part) >= 3:
                    for at in range(len(part)):
                        rest = part[:at] + part[at + 1 :]
                        seen.update(self._without.get(rest, ()))
                        if rest in self._index.names and len(rest) >= 3:
                            seen.add(rest)
                for name in seen:
                    if OSA.distance(part, name, score_cutoff=1) > 1 or len(name) < 3:
                        continue
                    how = _likeness(part, name)
                    cost = 0.4 if how else 1.0 + 1.5 / len(name)
                    self._add(hits, start + a, start + b, name, how or "typo", cost, scope)
        if n >= 2:
            self._stem(hits, piece, start, scope)
        if not any(h.end - h.start == len(piece) for h in hits.values()):
            self._far(hits, piece, units, start, scope)
        # By name at last: the order of a set differs from process to process, and a text is to mean the same in each.
        found = sorted(hits.values(), key=lambda h: (h.cost, -len(h.name), h.start, h.name))
        return found[:most]

    def _stem(self, hits: dict[str, Hit], piece: str, start: int, scope: frozenset[int]) -> None:
        """金城15号, 东方4幢: roads and estates without the word for what they are. All of a stem together, for the text means any of them."""
        for first in range(len(piece) - 1):
            stem = piece[first:]
            names = self._stems.get(stem)
            if not names or (len(names) == 1 and names[0] in hits):
                continue
            meanings = list(dict.fromkeys(m for name in names for m in self._index.names.get(name, ())))
            cost = 0.9
            if scope:
                inside = [m for m in meanings if not scope.isdisjoint(self._index.lineage(m.place))]
                meanings, cost = (inside, cost) if inside else (meanings, cost + 1.0)
            hits[stem] = Hit(
                start + first, start + len(piece), stem, meanings, "stem", cost - 0.1 * len(stem)
            )
            return

    def _far(
        self, hits: dict[str, Hit], piece: str, units: _Units, start: int, scope: frozenset[int]
    ) -> None:
        """Names that are two mistakes from a whole piece: in what the text names, or streets, villages, roads and estates anywhere."""
        n = len(units.sounds)
        if not 4 <= n <= _LONGEST + 1:
            return
        coded = "".join(self._code(c) for c in units.closes)
        names: list[str] = []
        codes: list[str] = []
        reach = 2 if scope else 1
        for lengths in [self._inside.get(place, {}) for place in scope] if scope else [self._lengths]:
            for size in range(max(4, n - reach), n + reach + 1):
                if size in lengths:
                    names += lengths[size][0]
                    codes += lengths[size][1]
        chosen: dict[str, float] = {}
        for _, by_sound, at in process.extract(coded, codes, scorer=OSA.distance, score_cutoff=2, limit=None):
            name = names[at]
            by_sign = by_sound if units.latin else OSA.distance(piece, name, score_cutoff=4)
            cost = (by_sound + by_sign) / 2
            if cost <= _FAR and cost * 2 <= len(name):
                chosen[name] = cost
        for name, cost in sorted(chosen.items(), key=lambda pair: (pair[1], pair[0]))[:4]:
            self._add(hits, start, start + len(piece), name, "far", 1.2 + 0.5 * cost, scope)

    @staticmethod
    def _counts_otherwise(written: str, name: str) -> bool:
        """潘水三苑 is not 潘水五苑, nor 左岸 右岸: what differs is what tells them apart."""
        if len(written) != len(name):
            return False
        pairs = ((_DIGITS.get(a, a), _DIGITS.get(b, b)) for a, b in zip(written, name, strict=True))
        return any(a != b and a in _COUNTED and b in _COUNTED for a, b in pairs)

    def _add(
        self,
        hits: dict[str, Hit],
        start: int,
        end: int,
        name: str,
        how: str,
        cost: float,
        scope: frozenset[int],
    ) -> None:
        meanings = self._index.names.get(name)
        if not meanings or name in self._refused:
            return
        if how in _BY_SIGN and self._counts_otherwise(self._piece[start:end], name):
            self._refused.add(name)
            return
        if scope:
            inside = [m for m in meanings if not scope.isdisjoint(self._index.lineage(m.place))]
            if inside:
                meanings = inside
            else:
                cost += 1.0
        cost += 0.5 * min(m.kind for m in meanings) / 3 - 0.1 * len(name)
        known = hits.get(name)
        if known is None or cost < known.cost:
            hits[name] = Hit(start, end, name, meanings, how, cost)
