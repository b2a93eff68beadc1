"""Candidates over a text and the cheapest path through them (词格与最优路径).

Every candidate is a step from one character to another: a name of the lexicon, a name by the word that ends it, a number with
its word, an unknown stretch, or nothing. Dynamic programming over (place in the text, kind of the last step) finds the path
with the least sum of what the steps cost and what following costs (`addresses.grammar`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Final

import ahocorasick

from addresses.grammar import (
    ASSIST,
    BARE,
    BUILDING,
    CHAINED,
    CITY,
    COUNTED,
    COUNTRY,
    COUNTY,
    END,
    ESTATE,
    FLOOR,
    FOLLOWS,
    GROUP,
    HAMLET,
    LANE,
    LINKED,
    NAMES,
    NOTHING,
    PART,
    PLACES,
    POI,
    PROVINCE,
    ROAD,
    ROAD_NO,
    ROOM,
    START,
    STEMS,
    TOWN,
    UNIT,
    VILLAGE,
    ZONE,
)
from addresses.lexicon import Lexicon, Name
from addresses.text import NUMERALS
from addresses.words import ASSISTANTS, ENDINGS, REMARKS, Ending

Step = tuple[int, int, float]  # end, kind, cost
State = tuple[int, float, tuple[float, ...]]  # kind of the last step, sum so far, what following it costs
Path = list[tuple[int, int, int]]  # start, end, kind
_Ending = tuple[
    int, int, int, float, float | None, int
]  # end, where its word begins, kind, cost, cost alone, form
_PLAIN, _SIDED, _FIRM, _SHARED = range(4)  # forms: 中山路, 中山南路, 有限公司, 北苑

# Element type of a lexicon's name → kind.
KIND_OF: Final[dict[str, int]] = {
    "country": COUNTRY, "11": PROVINCE, "12": CITY, "13": COUNTY, "21": TOWN, "22": TOWN, "23": TOWN, "31": VILLAGE, "32": VILLAGE,
    "33": VILLAGE, "natural_village": VILLAGE, "34": GROUP, "41": ROAD, "42": ESTATE, "dev_zone": ZONE, "industrial_park": ESTATE,
    "sub_road": LANE, "poi": POI, "sub_poi": PART,
}  # fmt: skip

SEPARATORS: Final = frozenset(" -_,，.。;；:：、/\\|()（）[]【】<>《》\"'“”‘’!！?？*=+~^&%$@`#")
_CORE: Final = (
    rf"(?:[A-Z]{{0,2}}[0-9]+(?:[A-EGHJ-NP-Z](?![A-Z]))?[0-9]*|(?<![A-Z])[A-Z](?![A-Z])|[0-9{NUMERALS}]+)"
)
_WORD: Final = "|".join(sorted(map(re.escape, COUNTED), key=len, reverse=True))
_NUMBER: Final = re.compile(rf"(附|甲|乙|丙|新|老|旧|临|特|第|负|地下|自编|副|中)?({_CORE})({_WORD})?")
_RANGE: Final = re.compile(rf"(?<![0-9A-Z])({_CORE}(?:(?:-+|~|至|、|/|_|\.){_CORE})+)({_WORD})?")
_SEPARATOR: Final = re.compile("[" + re.escape("".join(sorted(SEPARATORS))) + "]")
_DASH: Final = re.compile(r"(?<=[0-9])一(?=[0-9])")  # typed for a dash: 3一2一501
_TYPED: Final = re.compile(r"(?<=[0-9A-Z])一(?=[0-9A-Z])")  # typed for a dash: 3一2一501
_HUNG: Final = re.compile(rf"(?:之|附)(?:[0-9]+|[{NUMERALS}]+)号?")  # 12号之3, 5号附2号
_DIGITS: Final = re.compile(r"[0-9]+")
_PHASE: Final = re.compile(
    r"[东西南北中]?(?:[0-9]{1,2}|[一二三四五六七八九十]{1,2}|[A-Z])(?:区|期|号门)|[东西南北]{2}区"
)
PHONE: Final = re.compile(r"(?<![0-9])(?:1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})(?![0-9])")
# Pattern, kind, cost, and the words of which one must be in the text for it to match.
_PATTERNS: Final = (
    (
        re.compile(
            r"(?:往|向|以)?(?:[东西南北]{1,2}|左|右|前|后)(?:侧|面|边|方向)?约?(?:[0-9]+|[一二三四五六七八九十百]+)多?(?:米|公里|M)(?:左右|处)?"
        ),
        ASSIST,
        0.2,
        ("米", "公里", "M"),
    ),
    (re.compile(r"[东西南北中]单元"), UNIT, 0.2, ("单元",)),
    (
        re.compile(r"架空层|底层|首层|顶层|夹层|负?[0-9]楼|B[0-9](?:层|楼|F)?|M层"),
        FLOOR,
        0.3,
        ("层", "楼", "B"),
    ),
    (_PHASE, PART, 0.3, ("区", "期", "门")),
)

_NEVER: Final = 1e9
_AHEAD: Final = 2.0
_BEAM: Final = 4.0  # a state this much dearer than the best at its place is not followed
_UNDER: Final = frozenset(
    (CITY, COUNTY, ZONE, TOWN, VILLAGE, GROUP, HAMLET, ROAD, ASSIST)
)  # before a hamlet or village
_REMOTE: Final = 6.5  # no name is looked for whose kind alone makes it this much dearer
_TOO_DEAR: Final = 7.0  # a name that costs more by itself is none
_CHEAPER: Final = 1.2  # by as much a name may yet become cheaper than its word and its place say
_SURE: Final = -0.9  # a division's full name as cheap as this leaves no room for another name from its place
_SKIP: Final = 4.5  # a character that is nothing
_UNKNOWN: Final = (2.2, 0.4)  # a name that nothing says what it is: at all, and each character
_UNNAMED: Final = (1.3, 1.5, 2.4)  # a village of two, three, four characters that no word says to be one
_LONGEST: Final = 24
_SHORT_TOWN: Final = (-1.0, -0.4, 0.6)  # its county is named, its city is, neither
_FULL_TOWN: Final = (0.0, 0.2, 0.4)
_TAKES_ALL: Final = PLACES | {PART, ZONE}
_PLACE_WORDS: Final = PLACES | {ZONE}
_AFTER_PLACE: Final = frozenset("路街")
_SIDES: Final = frozenset("东西南北中一二三四五六七八九十前后新老")
_NUMBERED_ROADS: Final = frozenset("路街道线巷")
_SHORT_ROADS: Final = frozenset("新老横直前后中上下东西南北大小内外正")
# A short name before one of these is more likely the beginning of another one (萧山路, 戴村镇) …
_GOES_ON: Final = frozenset("路街道镇乡村区县市巷社")
# … but for these, which begin a road's name (萧山 | 市心路) and look like the end of the division's.
_CENTRES: Final = ("市心", "市府", "县前", "县府", "县衙", "镇前")
# What goes on a short name of a city (杭州 | 环路), a county (余杭 | 塘路, 开元 | 北街) or a town (湖墅 | 南路, 太平 | 门直街) to a
# road's.
_OF_CITY: Final = re.compile(r".(?:路|街(?!道))|大[道街]")
_BEGUN_ROAD: Final = {
    PROVINCE: _OF_CITY,
    CITY: _OF_CITY,
    COUNTY: re.compile(r".[东西南北中]?(?:路|街(?!道))|.?大[道街]"),
    TOWN: re.compile(
        r"(?:[东西南北中一二三四五六七八九十]|[0-9]+)(?:路|街(?!道))|大[道街]|门?[内外]?[大直]街"
    ),
}
_AFTER_ROAD: Final = frozenset("路街道巷线口弄段")


def _stem_costs(by_length: tuple[float, ...], longer: float) -> tuple[float, ...]:
    """What a name costs by the length of what stands before its last word, to the longest that is looked for."""
    known = len(by_length)
    return tuple(by_length[n] if n < known else by_length[-1] + (n - known + 1) * longer for n in range(21))


_STEM_COSTS: Final = {kind: _stem_costs(*costs) for kind, costs in STEMS.items()}


def automaton(lexicon: Lexicon) -> ahocorasick.Automaton:
    """All names of a lexicon and all words of `addresses.words`: word → (length, readings, [(kind, what)])."""
    words: dict[str, list[tuple[int, Ending | float]]] = {}
    for word, ending in ENDINGS.items():
        words.setdefault(word, []).append((NAMES.index(ending.kind), ending))
    words["市"].append((COUNTY, ENDINGS["市"]._replace(cost=3.5)))
    for word, cost in ASSISTANTS.items():
        words.setdefault(word, []).append((ASSIST, cost))
    for word, cost in REMARKS.items():
        words.setdefault(word, []).append((NOTHING, cost))
    return lexicon.automaton(words)


class Lattice:
    """The candidates of one text.

    Attributes:
        steps: by the character they begin at.
        endings: words that end names.
        sure: where no other name begins: 1 at a division's full name, if only divisions are before it; 2 at a number with its word.
        hard: 1 where an unknown stretch may end: before numbers, separators, full names, words of position.
        inner, soft: what it costs a longer name to hold the word that ends here; the part of it that a road or a village may
            hold as its whole stem (学院路).
        crossed: what it costs a name to hold the number or separator that ends here.
        present: codes of the divisions that the text names; cities: the first four digits of them.
        roads: where numbers of roads begin (2路 of 建设2路).
        generic: where words begin that say what a place is (工业园区, 花园), and its kind.
        begun: where names of cities and counties begin.
        opened: what it costs a road or place to begin with the text, because a division's short name does.
    """

    __slots__ = (
        "begun",
        "cities",
        "crossed",
        "endings",
        "generic",
        "hard",
        "inner",
        "length",
        "lexicon",
        "opened",
        "present",
        "roads",
        "soft",
        "steps",
        "sure",
        "text",
    )  # fmt: skip

    def __init__(self, text: str, words: ahocorasick.Automaton, lexicon: Lexicon) -> None:
        length = len(text)
        self.text = text
        self.length = length
        self.lexicon = lexicon
        self.steps: list[list[Step]] = [[] for _ in range(length + 1)]
        self.endings: list[_Ending] = []
        self.hard = bytearray(length + 1)
        self.hard[length] = 1
        self.inner = [0.0] * (length + 1)
        self.soft = [0.0] * (length + 1)
        self.crossed = [0.0] * (length + 1)
        self.sure = bytearray(length + 1)
        self.present: set[str] = set()
        self.cities: set[str] = set()
        self.begun: set[int] = set()
        self.generic: dict[int, int] = {}
        self.roads: set[int] = set()
        self.opened = 0.0
        self._words(words)
        self._numbers()
        self._separators()

    def _words(self, words: ahocorasick.Automaton) -> None:
        steps, hard, inner, soft, text = self.steps, self.hard, self.inner, self.soft, self.text
        named: list[tuple[int, int, Name]] = []
        ended: list[tuple[int, int, int, Ending]] = []
        reach: dict[int, int] = {}
        for last, (size, names, others) in words.iter(text):
            end = last + 1
            start = end - size
            for name in names:
                named.append((start, end, name))
                if name.type in ("11", "12", "13"):
                    self.present.update(name.codes)
            if others is None:
                continue
            for kind, what in others:
                if kind == ASSIST:
                    cost = what
                    if size > 1:
                        hard[start] = 1
                        if inner[end] < 3.0:
                            inner[end] = soft[end] = 3.0
                    elif text[start] in "与和跟及":
                        cost = 2.5
                        if start and text[start - 1] in _AFTER_ROAD:
                            cost = 0.2
                            inner[end] = max(inner[end], 2.5)
                    elif text[start] == "口" and start and text[start - 1] in _AFTER_ROAD:
                        cost = 0.5
                    steps[start].append((end, ASSIST, cost))
                elif kind == NOTHING:
                    steps[start].append((end, NOTHING, what))
                    hard[start] = 1
                else:
                    ended.append((end, size, kind, what))
                    if reach.get(start, 0) < end:
                        reach[start] = end
                    if (
                        size > 1
                        and kind in _PLACE_WORDS
                        and what.cost < 0.5
                        and text[end : end + 1] not in _AFTER_PLACE
                    ):
                        self.generic[start] = kind
                    if what.inner > inner[end]:
                        inner[end] = what.inner
                        soft[end] = what.inner if kind in PLACES else 0.0
        for end, size, kind, what in ended:
            # 街 of 街道, 工业园 of 工业园区: a name rarely ends where its last word goes on.
            cut = end - size
            cost = what.cost + (1.5 if reach[cut] > end else 0.0)
            form = _PLAIN
            if kind == ROAD:
                last_ = text[end - 1]
                if last_ == "街":
                    if text.startswith("道", end):
                        cost += 2.5
                elif last_ == "道" and size == 1 and text.endswith("街", 0, cut):
                    cost += 5.0
                if cut and text[cut - 1] in _SIDES and text[cut] != "环":
                    form = _SIDED
            elif kind == POI:
                if size > 1 and text.startswith("公司", end - 2):
                    form = _FIRM
            elif kind == PART and text[end - 1] == "苑":
                form = _SHARED
            self.endings.append((end, cut, kind, cost, what.alone, form))
        self.begun = {start for start, _, name in named if name.type in ("12", "13")}
        self.cities = {code[:4] for code in self.present if len(code) > 3}
        for start, end, name in named:
            self._name(start, end, name)
        at = text.find("中国")
        if at >= 0:
            steps[at].append((at + 2, COUNTRY, 0.3))

    def _name(self, start: int, end: int, name: Name) -> None:
        kind = KIND_OF.get(name.type)
        if kind is None:
            return
        text, present = self.text, self.present
        short = name.short
        cost = 0.0
        if not name.codes:
            cost = 1.0 if short else -1.0
        elif kind == TOWN:
            near = 2
            if not present.isdisjoint(name.codes):
                near = 0
            elif not self.cities.isdisjoint(name.above):
                near = 1
            cost = _SHORT_TOWN[near] if short else _FULL_TOWN[near]
            if end - start == 2 and not short and text[start:end] == "城区":
                cost += 3.0  # what forms put for "the town proper" more often than a street office's name
            word = text[start:end]
            if word in ENDINGS:  # 广场, 学院, 新城, 科技园: names of towns too
                cost += 2.5
            if short:
                if near == 2:
                    cost += 1.5 if self.cities else min(len(name.codes) - 1, 3) * 0.5
                if word in self.lexicon.divisions:
                    cost += 1.8
        elif kind == COUNTY:
            known = not present.isdisjoint(name.above)
            cost = (0.3 if known else 0.9) if short else (0.0 if known else 0.2)
            if end - start == 2 and not short and text[start] in "东西南北城郊矿":
                cost += 2.0
        elif short:
            cost = 0.5
        if short:
            again = (
                kind != TOWN
                and start > 1
                and (
                    text[start - 2 : start] == text[start:end]
                    or text[start - 3 : start - 1] == text[start:end]
                )
            )
            if end < self.length and text[end] in _GOES_ON and not text.startswith(_CENTRES, end):
                if end not in self.begun:
                    cost += 3.5
            elif kind == TOWN and text.startswith("镇前", end):
                cost += 1.5
            elif text.startswith("新区", end):
                cost += 3.0
            elif end in self.generic and not (kind == CITY and self.generic[end] == ZONE):
                cost += 2.5 if kind == TOWN else 1.5  # 望春工业园区, 余杭经济开发区
            elif kind in _BEGUN_ROAD and _BEGUN_ROAD[kind].match(text, end):
                cost += 1.5 if again else 2.5
            if again:
                cost -= 1.5  # 义乌市 | 义乌, 嘉兴 | 嘉兴
            if start == 0 and kind in (PROVINCE, CITY, COUNTY):
                self.opened = max(self.opened, 4.0 if end in self.begun else 1.6)
        else:
            self.hard[start] = 1
            if (
                kind == COUNTY
                and end < self.length
                and text[end] == "镇"
                and not text.startswith(_CENTRES, end)
            ):
                cost += 2.5  # 祁县镇
            if end - start > 2:
                cost += 2.5 if text.startswith(_CENTRES, end - 1) else -1.2
                if self.inner[end] < 2.5:
                    self.inner[end] = 2.5
            if cost <= _SURE and kind != ZONE and not text.startswith("办", end):
                self.sure[start] = 1
        self.steps[start].append((end, kind, cost))

    def _numbers(self) -> None:
        steps, hard, crossed, length = self.steps, self.hard, self.crossed, self.length
        text = _TYPED.sub("-", self.text)
        longest = 0
        for match in _NUMBER.finditer(text):
            before, core, word = match.groups()
            start, end = match.span(2)
            whole = match.end()
            digits = end - start
            if not (core.isascii() and core.isdecimal()):
                digits = len([c for c in core if "0" <= c <= "9"])
            if digits > longest:
                longest = digits
            road = word is not None and word[-1] in _NUMBERED_ROADS
            if road:
                self.roads.add(start)
            if digits:
                hard[start] = 1
                crossed[whole] += 0.6 if road else 2.0
            if word is not None:
                hard[start] = 1
                after = text[whole : whole + 1]
                if digits and not road and (not after or "0" <= after <= "9" or after == "-"):
                    self.sure[start] = 2
                if digits or word[-1] in "楼层幢栋室元号座组":
                    crossed[whole] += 2.0 if digits else 3.5
                for kind, cost in COUNTED[word]:
                    if kind == UNIT and end - start > 3:
                        cost += 1.5
                    elif digits > 2 and word == "号" and kind == ROOM:
                        cost -= 0.2 if digits == 3 else 0.3
                    steps[start].append((whole, kind, cost))
                    if before:
                        steps[match.start()].append((whole, kind, cost))
                hung = _HUNG.match(text, whole) if word == "号" else None
                if hung is not None:
                    steps[start].append((hung.end(), ROAD_NO, -0.5))
                if word[0] == "号" and len(word) > 1:
                    for kind, cost in COUNTED["号"]:
                        steps[start].append((end + 1, kind, cost + 0.5))
                if before:
                    hard[match.start()] = 1
            if digits or (len(core) == 1 and "A" <= core <= "Z"):
                size = 0 if digits < 3 else 1 if digits == 3 else 2
                after = text[end + 1] if end + 1 < length else " "
                if end < length and text[end] in "-#" and ("0" <= after <= "9" or "A" <= after <= "Z"):
                    kinds = CHAINED[size]
                elif start > 1 and text[start - 1] == "-":
                    kinds = LINKED[size]
                else:
                    kinds = BARE[size]
                more = 0.0 if word is None else 2.0
                for kind, cost in kinds:
                    steps[start].append((end, kind, cost + more))
                if digits > 2 and "A" <= core[0] <= "Z":
                    steps[start].append((start + 1, BUILDING, 1.0))
                    steps[start + 1].append((end, ROOM, 0.2))
                    if word is not None and (ROOM, COUNTED[word][0][1]) in COUNTED[word]:
                        steps[start + 1].append((whole, ROOM, 0.0))
        if (
            "-" in text
            or "~" in text
            or "至" in text
            or "、" in text
            or "/" in text
            or "_" in text
            or "." in text
        ):
            self._ranges()
        if longest > 6:
            for match in PHONE.finditer(text):
                steps[match.start()].append((match.end(), NOTHING, 0.0))
                hard[match.start()] = 1
        for pattern, kind, cost, words in _PATTERNS:
            if not _holds(text, words):
                continue
            for match in pattern.finditer(text):
                start, end = match.span()
                steps[start].append((end, kind, cost))
                hard[start] = 1
                if kind == PART:
                    quarter = text[end - 1] == "区"
                    self.inner[end] = max(self.inner[end], 1.2 if quarter else 2.5)
                    if quarter:
                        self.endings.append((end, start, ESTATE, 0.6, None, _PLAIN))

    def _ranges(self) -> None:
        for match in _RANGE.finditer(self.text):
            core, word = match.groups()
            start, end = match.span(1)
            numbers = [int(n[:9]) for n in _DIGITS.findall(core)] if "0" <= core[0] <= "9" else []
            pair = len(numbers) == 2
            close = pair and is_range(numbers[0], numbers[1])
            if word is not None:
                likely = close or (pair and numbers[1] < 100)
                for kind, cost in COUNTED[word]:
                    self.steps[start].append((match.end(), kind, cost + (0.2 if likely else 7.0)))
            else:
                cost = 1.2 if close else 2.0 if pair and 0 < numbers[1] < 10 else 7.0
                self.steps[start].append((end, ROAD_NO, cost))
                self.steps[start].append((end, ROOM, 5.0 if not close else 1.6 if len(core) > 5 else 3.0))

    def _separators(self) -> None:
        text = self.text
        for match in _SEPARATOR.finditer(text):
            at = match.start()
            self.steps[at].append((at + 1, NOTHING, 0.05))
            self.hard[at] = 1
            self.crossed[at + 1] += 3.5
        if "一" in text:
            for match in _DASH.finditer(text):
                at = match.start()
                self.steps[at].append((at + 1, NOTHING, 0.4))

    def cheapest(self) -> Path:
        """The cheapest path: steps side by side from the beginning to the end."""
        length, steps = self.length, self.steps
        held = list(accumulate(self.inner))
        crossings = list(accumulate(self.crossed))
        hards = [at for at in range(length + 1) if self.hard[at]]
        self.endings.sort(key=_by_end)
        begin = 0
        best: list[dict[int, tuple[float, int, int, int]]] = [{} for _ in range(length + 1)]
        best[0][START] = (0.0, 0, START, NOTHING)
        lows = [_NEVER] * (length + 2)
        lows[0] = 0.0
        anchored = bytearray(length + 1)
        anchored[0] = 1
        under = _UNDER
        for at in range(length):
            states = best[at]
            if not states:
                continue
            least = lows[at]
            if least - _AHEAD > min(lows[at + 1 : at + _LONGEST + 2]):
                continue  # a path that is already beyond is so much cheaper that none through here will be
            beam = least + _BEAM
            alive = [(kind, s[0], FOLLOWS[kind]) for kind, s in states.items() if s[0] < beam]
            here = steps[at]
            entries: list[tuple[float, int] | None] = [None] * len(NAMES)
            if anchored[at]:
                endings = self.endings
                while begin < len(endings) and endings[begin][0] <= at:
                    begin += 1
                if not self.sure[at] or (self.sure[at] == 1 and max(states) > COUNTY):
                    self._ended(at, begin, here, held, crossings, alive, entries, least + _REMOTE, lows)
                    self._unknown(at, here, hards, held, crossings, not under.isdisjoint(states))
                if at == 0 and self.opened:
                    here = [(e, k, c + self.opened if k in PLACES or k == ROAD else c) for e, k, c in here]
            for end, kind, cost in here:
                low = lows[end]
                if kind == NOTHING:
                    then = best[end]
                    for state, sum_, _ in alive:
                        old = then.get(state)
                        if old is None or sum_ + cost < old[0]:
                            then[state] = (sum_ + cost, at, state, NOTHING)
                    if least + cost < low:
                        lows[end] = least + cost
                    anchored[end] = 1
                    continue
                known = entries[kind]
                if known is None:
                    known = entries[kind] = _enter(alive, kind)
                total = known[0] + cost
                if total > low + _BEAM:
                    continue
                then = best[end]
                old = then.get(kind)
                if old is None or total < old[0]:
                    then[kind] = (total, at, known[1], kind)
                    if total < low:
                        lows[end] = total
                    anchored[end] = 1
            skipped = least + _SKIP
            if skipped < lows[at + 1] + _BEAM:
                then = best[at + 1]
                for state, sum_, _ in alive:
                    old = then.get(state)
                    if old is None or sum_ + _SKIP < old[0]:
                        then[state] = (sum_ + _SKIP, at, state, NOTHING)
                if skipped < lows[at + 1]:
                    lows[at + 1] = skipped
        last = best[length]
        state = min(last, key=lambda kind: last[kind][0] + FOLLOWS[kind][END])
        found: Path = []
        at = length
        while at:
            _, start, before, kind = best[at][state]
            found.append((start, at, kind))
            at, state = start, before
        found.reverse()
        return found

    def _ended(
        self,
        at: int,
        begin: int,
        here: list[Step],
        held: list[float],
        crossings: list[float],
        alive: list[State],
        entries: list[tuple[float, int] | None],
        limit: float,
        lows: list[float],
    ) -> None:
        """Names from `at` to each word that ends one."""
        text, length, endings, soft = self.text, self.length, self.endings, self.soft
        base, begun = held[at + 1], crossings[at]
        char = text[at]
        first = 0.0
        if char in "路街道号与和跟及":
            first = 2.5
        elif at and char in "村乡镇区园县市":
            first = 2.0  # more likely the last character of the name before
        elif at and char in "城门苑桥塘场湖山里庄":
            first = 0.8
        elif "0" <= char <= "9":
            first = 1.5
        taken = -1
        for index in range(begin, len(endings)):
            end, cut, kind, cost, alone, form = endings[index]
            stem = cut - at
            if stem < 0 or end == taken:
                continue
            over = crossings[end] - begun
            if stem > 20 or over > _TOO_DEAR:
                break  # what goes further is dearer still
            known = entries[kind]
            if known is None:
                known = entries[kind] = _enter(alive, kind)
            if known[0] > limit:
                continue
            if kind in _TAKES_ALL and form != _SHARED:
                taken = end  # of 服装市场 and 市场, the longer alone; 瓜山北苑 may be 瓜山, 北苑 or one name
            cost += over
            if known[0] + cost - _CHEAPER > lows[end] + _BEAM:
                continue
            counted = stem
            if stem == 0:
                if alone is None:
                    continue
                cost += alone
            else:
                if form == _SIDED:
                    if stem > 2:
                        counted -= 1  # 中山南路 is as good as 中山路
                elif form == _FIRM and stem > 4:
                    counted = max(4, stem - 4)  # 杭州 + 晨曦 + 机电设备 + 有限公司
                cost += _STEM_COSTS[kind][counted] + first
                if stem > 1:
                    within = held[cut] - base
                    if kind == ROAD:
                        within -= soft[cut]
                        if within > 0 and text[cut - 1] in "支横里直" and text[cut - 2] in "路街道":
                            within -= 3.0  # 老街支路, 机场路里街
                        if within > 0:
                            cost += within * 2
                    else:
                        if kind not in PLACES:
                            within -= soft[cut]
                        if within > 0:
                            cost += within
            if cost > _TOO_DEAR:
                continue
            if kind == ROAD:
                if stem == 1 and char in _SHORT_ROADS and text[end - 1] in "街巷弄":
                    cost -= 1.2
            elif kind == VILLAGE:
                if text[at : at + stem] in self.lexicon.stems:
                    cost -= 0.4
            elif kind == TOWN and stem > 2:
                if text[at : at + 2] in self.lexicon.divisions:
                    cost += 1.5  # 余姚 | 泗门镇
            elif char == "村" and stem:
                cost += 1.5
            here.append((end, kind, cost))
            if kind == ROAD and 3 < stem < 8 and (counted > 3 or counted < stem):
                cut -= 2 if counted == stem or counted == 3 else 3
                left = text[at:cut]
                common = 0.8 if text[cut : cut + 2] in self.lexicon.roads else 0.0
                if (
                    (at == 0 and left in self.lexicon.names)
                    or left[:2] in self.lexicon.divisions
                    or left[-1] in _NUMBERED_ROADS
                ):
                    pass
                elif left in self.lexicon.stems:
                    here.append((cut, VILLAGE, 0.6 - common + first))
                elif left[-1] not in ENDINGS:
                    here.append((cut, VILLAGE, _UNNAMED[cut - at - 2] - common + first + held[cut] - base))
        stems = self.lexicon.stems
        for size in (2, 3, 4):
            stem_ = text[at : at + size]
            if (
                stem_ in stems
                and not (at == 0 and stem_ in self.lexicon.divisions)
                and stem_[-1] not in "路街道巷"
                and at + size <= length
                and at + size not in self.roads
            ):
                here.append((at + size, VILLAGE, self._village(stem_) + first))

    def _village(self, stem: str) -> float:
        """What it costs the stem of a village's name to be one here, without its last word."""
        lexicon = self.lexicon
        if stem in ENDINGS or stem[-2:] in ENDINGS:
            return 3.0  # 望湖花园 is a community too; the text means the estate
        return 0.8 if any(stem in lexicon.villages.get(city, ()) for city in self.cities) else 2.6

    def _unknown(
        self,
        at: int,
        here: list[Step],
        hards: list[int],
        held: list[float],
        crossings: list[float],
        hamlets: bool,
    ) -> None:
        """Stretches from `at` to where something known begins."""
        text = self.text
        base, begun = held[at + 1], crossings[at]
        index = bisect_right(hards, at)
        for end in hards[index : index + 2]:
            size = end - at
            if size > _LONGEST:
                break
            within = held[end] - base if size > 1 else 0.0
            over = crossings[end] - begun
            if over + within > _TOO_DEAR:
                break  # and more so what goes further
            here.append(
                (
                    end,
                    POI,
                    _UNKNOWN[0] + _UNKNOWN[1] * size + (0.0 if size > 1 else 2.0) + over + within * 0.7,
                )
            )
            if size < 5:
                if end < self.length and "0" <= text[end] <= "9":
                    side = size > 2 and text[end - 1] in "东西南北中"  # 迎春东 | 88号
                    here.append((end, ROAD, (1.5 if side else 5.5) + within + over))
                if size > 1 and hamlets:
                    here.append((end, HAMLET, 1.0 + 0.4 * size + over + within))
                    if size < 4:
                        here.append((end, VILLAGE, 2.8 + over + within))


def is_range(low: int, high: int) -> bool:
    """Whether two numbers with a dash between are a range of house numbers (12-18号), and no number with one within it."""
    return low < high < low + (100 if low >= 20 else 20)


def _enter(alive: list[State], kind: int) -> tuple[float, int]:
    """The least sum with which a step of a kind can begin here, and the state that it follows."""
    if len(alive) == 1:
        state, sum_, follows = alive[0]
        return sum_ + follows[kind], state
    least, which = _NEVER, START
    for state, sum_, follows in alive:
        sum_ += follows[kind]
        if sum_ < least:
            least, which = sum_, state
    return least, which


def _holds(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 (a generator for any() costs more than the search)
        if word in text:
            return True
    return False


def _by_end(ending: _Ending) -> tuple[int, int]:
    return ending[0], ending[1]
