"""Where a text speaks of places (地址提及): names that the index knows, numbers, and what stands together as one address.

Names are found by one automaton over all of them, so that the time does not grow with their number; of names that overlap, the row is
kept that covers most of the text. Numbers are looked for between the names only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import ahocorasick

from addresses.designation import UNRANKED, Token, rank_of, scan
from addresses.fuzzy import is_generic, stems_of
from addresses.index import Index, Named, NameKind
from addresses.outside import Outside

DEPTH: Final = {
    "DISTRICT": 1, "STREET": 2, "COMMUNITY": 3, "ROAD": 3, "ESTATE": 4, "PARK": 4, "GROUP": 4, "AREA": 4, "SITE": 5, "BUILDING": 5, "UNIT": 6, "DWELLING": 7,
}  # fmt: skip
"""How far down a level is; what is not in it names no place by name."""

GAP: Final = 12
# As long as a name in pinyin may be.
LETTERS: Final = 40
"""Unexplained characters between two parts of one address, at most."""

_SOFT: Final = (
    r"[ ,.·、=@()\[\]{}:_\-/|\\\"'“”‘’《》〈〉<>【】「」『』〔〕〖〗*+←=→›»⇒`]|NULL|小区(?:名称)?|楼栋号?|[楼幢栋]号|单元号?:|[室房户]:|第?[0-9〇零一二三四五六七八九十]+号?微?网格|社区|居委会?|村委会?|村民委员会|街道办事处|办事处|居民区|行政村|的|之|内|里面?|境内|辖区|"
    r"地址|位于|自然村|号?大门|门牌(?:号码?)?|房间?号|室号|编号|\((?:靠?近|靠|临|在)|\([^()]{1,12}\)|\[[^\[\]]{1,12}\]"
)
"""What may stand between two parts of an address and says nothing."""
_BREAK: Final = re.compile(r"[。;!?\n]")
_CROSS: Final = re.compile(r"[ ]*(?:与|和|同|及|跟|、|/|-|~|靠近|近|交)[ ]*")
_ASIDE: Final = re.compile(r"[,(\[:]")
"""What stands behind one of these is said beside the address: 香樟华庭,冯师傅,电话…"""
_PARTED: Final = re.compile("[,;、]")
_AND: Final = re.compile("[ ]*(?:与|和|同|及|以及|跟|至|到|搬到)[ ]*")
_CROSSED: Final = re.compile(
    r"(?:的)?(?:交叉口|交叉路口|十字路口|丁字路口|三岔路口|路口|口|交汇处?|交界处?|交叉处|转角|拐角)"
)
_BESIDE: Final = re.compile(
    r"(?:的)?(?:正?对面|斜对面|对过|附近|旁边?|旁侧|隔壁|周边|一带|以[东南西北]|往[东南西北]|向[东南西北]|[东南西北]{1,2}(?:侧|面|边|方向|首)(?!的?那?[间套户]|的?(?:房间|卧室))|"
    r"[东南西北]{1,2}(?:约|大约)?(?=[0-9]+(?:余|多)?(?:米|公里))|边上|后面|前面|门口往|路段|沿线|之间)"
)
_RELATED: Final = frozenset("的交十丁三路口转拐正对斜附旁隔周一以往向东南西北边后前门沿之")
"""With what the words of `_CROSSED` and `_BESIDE` begin."""
_LEAD: Final = re.compile(
    r"(?:地址|住址|住在?|位于|家住|现住|居住在?|在|到|至|送到|送往|寄到|地点|地处|来自|于|是|的|从|由|我|去|户籍地?|经营场所|座落|坐落于?|[:,.()\[\]\- 。;!?])$"
)
_HAN_NEXT: Final = re.compile("[\u3400-\u9fff]{2}")
_HAN: Final = re.compile("[\u3400-\u9fff][A-Z]*[\u3400-\u9fff]+$|[A-Z]{2,}[\u3400-\u9fff]+$|[A-Z]{4,} ?$")
_NEAR_TO: Final = re.compile("[近靠在临]{0,2}")
_ASIDE_END: Final = re.compile(r"(?:[上口旁边内处侧的]|附近){0,3}\)")
_AWAY_BY: Final = re.compile("[离距]")
"""东方名苑4幢,离地铁200米: how far from something else what is named lies."""
_CORRECTED: Final = re.compile(
    "(?=.*(?:不对|不是|错|误|更正|纠正|应该?[是为]|改[成为]))"
    "(?:[,;、. :!?~()-]|[哦啊额呃嗯哎唉哈]|不对|不是|[写说打搞弄记看填讲报念读走找听]?错了?|有?误|更正|纠正|应该?|改[成为]?|抱歉|不好意思|对不起|我|刚才|上面|前面|而|[是为])+"
)
"""What stands between a number and the one that is said instead of it."""
_TOWARDS: Final = re.compile("[往向再走侧朝东西南北前后左右]")
_BETWEEN: Final = re.compile(
    "(?:顶[楼层]|爬|走|乘|[上进转去]|到|里厢|出来|弱电井|[东西中]边?户|[左右]手边?|(?:员工)?宿舍楼?|厂房|住宅楼?|无?单元|坐?电梯[上到]*|那个|然后|逗号|中|头|[ ,、的之(`]|门牌号?)+"
)
"""What people say between the numbers of a building and of a room: 5幢顶楼602, 4栋中1单元."""
_AFTER: Final = re.compile("有|的|这|那|被|发生|要|想|租|买|去|来|到|上|里")
_WHERE: Final = re.compile("[东南西北]{1,2}(?:侧|面|边|首)(?:套|户|$|[^东南西北0-9])")
_NAMELESS: Final = 3
_LOCAL: Final = ("ROAD", "ESTATE", "PARK", "AREA", "SITE", "BUILDING")


class Entry:
    """A name of the automaton.

    Attributes:
        meanings: the places it is a name of; empty for a name outside the district.
        level: that of the first of them, `AWAY` outside the district, `OWN` for the province and city around it.
        short: whether it is for all of them a part that people leave the name at.
        moved: outside: whether it once was the district's.
    """

    __slots__ = ("_local", "_streets", "level", "meanings", "moved", "name", "short")

    def __init__(self, name: str, meanings: list[Named], level: str, moved: bool = False) -> None:
        self.name = name
        self.meanings = meanings
        self.level = level
        self.moved = moved
        self.short = bool(meanings) and all(m.kind == NameKind.SHORT for m in meanings)
        self._streets: frozenset[int] | None = None
        self._local: bool | None = None

    def is_local(self, index: Index) -> bool:
        """Whether one of its places lies below the villages."""
        if self._local is None:
            self._local = any(index.level(m.place) in _LOCAL for m in self.meanings)
        return self._local

    def streets(self, index: Index) -> frozenset[int]:
        """The streets that its places lie in."""
        if self._streets is None:
            found: set[int] = set()
            for meaning in self.meanings:
                found.update(x for x in index.lineage(meaning.place) if index.level(x) == "STREET")
            self._streets = frozenset(found)
        return self._streets


class Name:
    """An entry at its place in the text. `fuzzy`: how it was guessed (`sound`, `close`, `typo`), "" where it stands as known;
    `inside`: whether it was guessed from a part of what no name explains."""

    __slots__ = ("end", "entry", "fuzzy", "inside", "start")

    def __init__(self, start: int, end: int, entry: Entry, fuzzy: str = "", inside: bool = False) -> None:
        self.inside = inside
        self.start = start
        self.end = end
        self.entry = entry
        self.fuzzy = fuzzy


@dataclass(slots=True)
class Group:
    """A name and the numbers below it. `gap`: unexplained characters before a nameless row of numbers."""

    name: Name | None
    tokens: list[Token] = field(default_factory=list)
    gap: tuple[int, int] | None = None
    several: bool = False


@dataclass(slots=True)
class Mention:
    """What stands together and is read as one place.

    Attributes:
        start, end: in the text that was read.
        groups: names with their numbers, in order.
        away: names outside the district.
        residues: what no name explains, beside or between the parts.
        noise: telephone numbers, distances, other counts.
        crossing: two roads meet there. beside: it is by the place and not in it.
        fore: the numbers stand before the names.
    """

    start: int
    end: int
    groups: list[Group] = field(default_factory=list)
    away: list[Name] = field(default_factory=list)
    residues: list[tuple[int, int]] = field(default_factory=list)
    noise: list[Token] = field(default_factory=list)
    crossing: bool = False
    beside: bool = False
    fore: bool = False


def _aside(text: str, groups: list[Group], at: int) -> int | None:
    """Which group it is whose name the last ones stand behind in brackets, as that of a road, estate or site: 龙湖府(金城路上), 江南公寓(城厢街道丁家庄社区).
    `at`: where the brackets may end."""
    if _ASIDE_END.match(text, at) is None:
        return None
    for of in range(len(groups) - 2, -1, -1):
        name, first = groups[of].name, groups[of + 1].name
        if name is None or first is None or groups[of].tokens:
            return None
        if text[name.end : name.end + 1] == "(":
            alone = _NEAR_TO.fullmatch(text, name.end + 1, first.start) is not None
            return of if alone and name.entry.level in _LOCAL else None
    return None


def _ranks(tokens: list[Token]) -> set[int]:
    return set(map(rank_of, tokens))


def _is_full(tokens: list[Token]) -> bool:
    """Whether each part of a row says what it is."""
    return UNRANKED not in _ranks(tokens)


def _take_back(tokens: list[Token], better: Token) -> None:
    """Leaves out what a number is said instead of: 5幢1单元301不对,是302."""
    while tokens and min(_ranks(tokens[-1:])) >= min(_ranks([better])):
        tokens.pop()


def _rejoin(groups: list[Group], index: Index) -> None:
    """Gives a building its unit and room that another name parts from it: 金城路15号东方名苑1单元301室."""
    _give_back(groups, index)
    if len(groups) > 1 and groups[0].name is None and groups[0].tokens:
        fore = groups[0].tokens
        named = next((g for g in groups if g.name is not None and g.tokens), None)
        if (
            named is not None
            and _is_full([*fore, *named.tokens])
            and _ranks(fore).isdisjoint(_ranks(named.tokens))
        ):
            named.tokens += fore
            groups[0].tokens = []
    for one, other in pairwise(groups):
        if one.name is None or other.name is None or not one.tokens:
            continue
        if not other.tokens:
            upper = one.name.entry.level in ("DISTRICT", "STREET") and one.tokens[0].kind in "b#-u"
            if upper and other.name.entry.level in ("ESTATE", "PARK", "AREA"):
                # 北干街道4幢1单元301东方名苑
                one.tokens, other.tokens = [], one.tokens
            continue
        within = (
            min(_ranks(other.tokens)) > 1
            and _is_full(other.tokens)
            and any(t.kind in "nb#" for t in one.tokens)
        )
        if (
            within
            and other.name.entry.level in ("ROAD", "ESTATE", "PARK", "AREA")
            and not any(t.kind in "urf" for t in one.tokens)
        ):
            one.tokens += other.tokens
            one.several, other.several = one.several or other.several, False
            other.tokens = []


def _give_back(groups: list[Group], index: Index) -> None:
    """Gives an estate or park the numbers that stand behind the village or street that it lies in: 江南公寓,广德社区,3幢402."""
    last = groups[-1]
    if last.name is None or last.name.entry.level not in ("STREET", "COMMUNITY"):
        return
    if not last.tokens or last.tokens[0].kind not in "b#-":
        return
    for group in reversed(groups[:-1]):
        if group.name is None or group.tokens:
            return
        level = group.name.entry.level
        if level in ("ESTATE", "PARK", "AREA"):
            lying = {x for m in group.name.entry.meanings for x in index.lineage(m.place)}
            uppers = groups[groups.index(group) + 1 :]
            if all(
                g.name is not None and any(m.place in lying for m in g.name.entry.meanings) for g in uppers
            ):
                group.tokens, last.tokens = last.tokens, []
                group.several, last.several = last.several, False
            return
        if level not in ("STREET", "COMMUNITY"):
            return


class Mentions:
    """Finds mentions by the names of an index as they were when it was made."""

    def __init__(self, index: Index, outside: Outside) -> None:
        self.index = index
        self.outside = outside
        automaton = ahocorasick.Automaton()
        stems = stems_of(index)
        self._generic = frozenset(name for name in index.names if is_generic(name))
        for name, meanings in index.names.items():
            if name in stems and all(m.kind == NameKind.SHORT for m in meanings):
                # 星都5号楼: the community is called so, and estates without the word for what they are.
                known = {m.place for m in meanings}
                more = [m.place for full in stems[name] for m in index.names[full]]
                meanings = meanings + [
                    Named(p, NameKind.SHORT) for p in dict.fromkeys(more) if p not in known
                ]
            automaton.add_word(name, self.entry(name, meanings))
        for name, moved in outside.names.items():
            if name not in index.names:
                automaton.add_word(name, Entry(name, [], "AWAY", moved))
        for name in outside.own:
            if name not in index.names:
                automaton.add_word(name, Entry(name, [], "OWN"))
        automaton.make_automaton()
        self._automaton: Any = automaton
        self.soft = re.compile(f"(?:{_SOFT})*").fullmatch

    def entry(self, name: str, meanings: list[Named]) -> Entry:
        """An entry for some of a name's meanings. Where a place is called so in full, no other is that is only shortened to it."""
        if len(meanings) > 1 and any(m.kind == NameKind.OFFICIAL for m in meanings):
            # A road says nothing against a village, 北干工人路枫林雅苑 is in 工人路社区, nor against the parts of another road.
            level = self.index.level
            road = all(level(m.place) == "ROAD" for m in meanings if m.kind == NameKind.OFFICIAL)
            meanings = [
                m
                for m in meanings
                if m.kind != NameKind.SHORT or (road and level(m.place) in ("COMMUNITY", "ROAD"))
            ]
        if len(meanings) > 1:
            # In one order, whichever of them came first into the index.
            index = self.index
            meanings = sorted(
                meanings,
                key=lambda m: (DEPTH.get(index.level(m.place), 9), m.kind, index.code(m.place), m.place),
            )
        return Entry(name, meanings, self.index.level(meanings[0].place))

    # -- names and numbers --------------------------------------------------------------------------------------------

    def _names(self, text: str) -> list[Name]:
        """Names that do not overlap and cover most, in order."""
        hits: list[tuple[int, int, Entry]] = []
        last = -1
        apart = True
        for end, entry in self._automaton.iter(text):
            start = end + 1 - len(entry.name)
            apart = apart and start >= last
            last = end + 1
            hits.append((start, end + 1, entry))
        if apart:
            return [Name(start, end, entry) for start, end, entry in hits]
        # The best row of hits that do not overlap: hits come by their ends; each is either taken or left.
        best: list[tuple[float, int, int]] = [(0.0, -1, -1)]  # score, hit, state before
        ends = [0]
        for at, (start, end, entry) in enumerate(hits):
            before = len(ends) - 1
            while ends[before] > start:
                before -= 1
            score = best[before][0] + 2 * (end - start) - (1.9 if entry.short else 1.0)
            if score > best[-1][0]:
                if ends[-1] == end:
                    best[-1] = (score, at, before)
                else:
                    best.append((score, at, before))
                    ends.append(end)
        chosen: list[Name] = []
        state = len(best) - 1
        while state > 0:
            _, at, before = best[state]
            chosen.append(Name(*hits[at]))
            state = before
        chosen.reverse()
        return chosen

    def _items(self, text: str) -> list[Name | Token]:
        found = self._names(text)
        names = [n for i, n in enumerate(found) if not n.entry.short or self._meant(text, n, found, i)]
        if not self._generic.isdisjoint(n.entry.name for n in names):
            # 大道 is a road's name behind 萧山经济技术开发区 only.
            ends = {n.end for n in found}
            names = [n for n in names if n.entry.name not in self._generic or n.start in ends]
        items: list[Name | Token] = []
        at = 0
        for name in names:
            if name.start > at:
                items.extend(scan(text, at, name.start))
            items.append(name)
            at = name.end
        if at < len(text):
            items.extend(scan(text, at))
        return items

    def _meant(self, text: str, name: Name, names: list[Name], i: int) -> bool:
        """Whether a short form is one, and not a part of another word by chance: 北干 of 北干净, 江南 of 江南水乡餐厅."""
        after = names[i + 1].start if i + 1 < len(names) else len(text)
        right = text[name.end : min(after, name.end + 4)]
        if right[:1] == ")" and text[name.start - 1 : name.start] == "(":
            # 北干(北干一苑) is the community, 龙湖府(南门) a gate.
            if i == 0 or names[i - 1].entry.level in ("DISTRICT", "STREET", "OWN"):
                return True
            # 东山村(进化): the street of a village that several have.
            # … and 江南公寓(丁家庄): the community of one of several estates.
            above = {x for m in names[i - 1].entry.meanings for x in self.index.lineage(m.place)}
            return name.entry.level in ("STREET", "COMMUNITY") and any(
                m.place in above for m in name.entry.meanings
            )
        before = names[i - 1] if i else None
        if before is not None and before.end == name.start:
            street = before.entry.level == "STREET" and not before.entry.streets(self.index).isdisjoint(
                name.entry.streets(self.index)
            )
            if not right or street:
                return True
            joined = True
        else:
            joined = False
        tokens = scan(text, name.end, min(after, name.end + 8))
        numbered = (
            bool(tokens)
            and tokens[0].kind in "gnb-?#l"
            and self.soft(text[name.end : tokens[0].start]) is not None
        )
        if numbered:
            return True
        plain = self.soft(right) is not None
        led = name.start == 0 or _LEAD.search(text[max(0, name.start - 5) : name.start]) is not None
        if led and name.entry.level == "STREET" and _AFTER.match(right):
            return True
        if not (plain or _CROSSED.match(right) or _CROSS.fullmatch(right) or _BESIDE.match(right)):
            return False
        if (
            joined
            or name.start == 0
            or (after < len(text) and plain and not right)
            or (plain and after - name.end <= len(right))
        ):
            return True
        return led

    # -- what stands together -----------------------------------------------------------------------------------------

    def read(self, text: str, whole: bool = False) -> list[Mention]:
        """The mentions of places in a normalised text, in order. `whole`: the text is one address, and all of it may be a name."""
        items = self._items(text)
        mentions: list[Mention] = []
        now: Mention | None = None
        at = 0
        ended = False  # the numbers of the last group are over
        nameless = 0
        for i, item in enumerate(items):
            gap = text[at : item.start]
            soft = not gap or self.soft(gap) is not None
            token = item if isinstance(item, Token) else None
            if (
                not soft
                and token is not None
                and token.kind in "ur?f-n"
                and not ended
                and now is not None
                and now.groups
                and now.groups[-1].tokens
            ):
                soft = _BETWEEN.fullmatch(gap) is not None
            apart = now is None or (not soft and (len(gap) > GAP or _BREAK.search(gap) is not None))
            if apart and now is not None and token is not None and whole and _CORRECTED.fullmatch(gap):
                # ……哦不对不对,讲错了,2单元
                apart = False
            if token is not None and token.kind in "pod":
                if now is not None and not apart:
                    now.noise.append(token)
                    piece = _ASIDE.split(gap, maxsplit=1)[0]
                    if not ended and now.groups and not now.groups[-1].tokens and self.soft(piece) is None:
                        now.residues.append((at, at + len(piece)))
                    told = bool(now.groups) and bool(now.groups[-1].tokens)
                    if token.kind == "d" and not (
                        _AWAY_BY.search(gap) or (told and "," in gap and not _TOWARDS.search(gap))
                    ):
                        now.beside = True
                        now.end = token.end
                    ended = True
                    at = token.end
                continue
            if not apart and token is not None and _CORRECTED.fullmatch(gap):
                assert now is not None
                if now.groups and now.groups[-1].tokens and not ended:
                    _take_back(now.groups[-1].tokens, token)
                    gap, soft = "", True
            if not apart and token is not None and not soft and "," in gap:
                assert now is not None
                piece = gap.rstrip(",、 ")
                last = piece.rfind(",") + 1
                if (
                    whole
                    and token.kind in "gbn#-"
                    and not any(g.tokens for g in now.groups)
                    and _HAN.search(piece[last:])
                ):
                    # 体育路旁,名望4幢: an address with marks between its parts goes on.
                    at += last
                    gap = gap[last:]
                else:
                    # …大门口这边停水到现在,几百户: a number of the sentence's.
                    ended = True
                    continue
            if not apart and isinstance(item, Name):
                assert now is not None
                apart = self._is_another(now, item, text, gap, soft, items, i, whole)
            if apart:
                now = Mention(item.start, item.end)
                ended = False
                if token is not None:
                    # Numbers that no known name leads to: the name may be written wrong.
                    unknown = _HAN.search(gap) is not None and _LEAD.search(gap) is None
                    fore = (whole or not unknown) and self._is_fore(text, items, i, whole)
                    led = fore or _HAN.search(gap) is not None or token.kind == "g"
                    if (
                        not led
                        or nameless >= _NAMELESS
                        or (token.kind not in "gbn#-?l" and not fore)
                        or (token.kind == "?" and i and not fore)
                    ):
                        now = None
                        continue
                    nameless += 1
                    begin = max(at, item.start - GAP)
                    # A name in pinyin takes several letters for what is one character.
                    least = max(at, item.start - LETTERS)
                    while (
                        begin > least and text[begin - 1].isascii() and text[begin - 1 : begin + 1].isalpha()
                    ):
                        begin -= 1
                    for match in _BREAK.finditer(text, begin, item.start):
                        begin = match.end()
                    now.fore = fore
                    now.groups.append(Group(None, [], (begin, item.start) if unknown or not fore else None))
                else:
                    lead = self._lead(text, at, item.start)
                    if lead is not None:
                        now.residues.append(lead)
                mentions.append(now)
                soft = True
            assert now is not None
            if isinstance(item, Name):
                ended = False
                entry = item.entry
                if entry.level == "OWN":
                    pass
                elif entry.level == "AWAY":
                    now.away.append(item)
                else:
                    group = now.groups[-1] if now.groups else None
                    roads = (
                        entry.level == "ROAD"
                        and group is not None
                        and group.name is not None
                        and group.name.entry.level == "ROAD"
                    )
                    if roads and _CROSS.fullmatch(gap) and group is not None and not group.tokens:
                        strong = "与" in gap or "和" in gap or _CROSSED.match(text, item.end) is not None
                        now.crossing = now.crossing or strong
                    elif not soft:
                        now.residues.append((at, item.start))
                    if now.beside and entry.level in _LOCAL and not any(g.tokens for g in now.groups):
                        # 市心路旁东方名苑4幢: what is beside the road is named.
                        now.beside = False
                    if now.crossing and entry.level in _LOCAL and entry.level != "ROAD":
                        # 青年路与航坞路口龙湖府: what stands at the crossing is named.
                        now.crossing = False
                    now.groups.append(Group(item))
            else:
                group = now.groups[-1] if now.groups else None
                if (
                    group is not None
                    and ")" in gap
                    and not group.tokens
                    and len(now.groups) > 1
                    and (of := _aside(text, now.groups, at)) is not None
                ):
                    # 龙湖府(南门)5幢, 龙湖府(金城路口)5幢: the numbers are those of the name before the brackets.
                    group = now.groups.pop(of)
                    now.groups.append(group)
                    now.crossing = now.beside = False
                    soft = True
                if group is None:
                    group = Group(None, [], (at, item.start))
                    now.groups.append(group)
                elif not soft and not ended:
                    if not group.tokens or item.kind in "bn#-g":
                        # 北干街道某某花园4幢: the numbers belong to what nobody knows.
                        group = Group(None, [], (at, item.start))
                        now.groups.append(group)
                        now.residues.append((at, item.start))
                    else:
                        ended = True
                if item.kind == "x" and _aside(text, now.groups, item.end) is not None:
                    # 东方名苑(金城路15、17号)5幢
                    now.end = at = item.end
                    continue
                if item.kind == "x":
                    group.several, ended = True, True
                elif not ended:
                    group.tokens.append(item)
            now.end = max(now.end, item.end)
            at = item.end
            if isinstance(item, Name) and item.entry.level in ("AWAY", "OWN"):
                continue
            if at >= len(text) or text[at] not in _RELATED:
                continue
            if (
                isinstance(item, Name)
                and item.entry.level == "ROAD"
                and not any(g.tokens for g in now.groups)
                and _CROSSED.match(text, at)
            ):
                now.crossing = True
            # 东: the crossing's words may stand before the direction.
            crossed = _CROSSED.match(text, at) if now.crossing else None
            beside = _BESIDE.match(text, crossed.end() if crossed else at)
            if (
                beside is not None
                and token is not None
                and token.kind in "r?-"
                and len(now.groups[-1].tokens) > 1
            ):
                # 5幢1单元2801东首: where in the building.
                beside = None if _WHERE.match(text, at) else beside
            if beside is not None:
                now.beside = True
                now.end = beside.end()
        if now is not None and not ended and now.groups and not now.groups[-1].tokens and not now.beside:
            tail = text[at : at + GAP]
            stop = _BREAK.search(tail)
            tail = tail[: stop.start()] if stop else tail
            tail = _ASIDE.split(tail, maxsplit=1)[0]
            if tail and self.soft(tail) is None and not now.crossing:
                now.residues.append((at, at + len(tail)))
        for mention in mentions:
            if len(mention.groups) > 1:
                _rejoin(mention.groups, self.index)
        if not mentions and whole and text:
            mentions.append(Mention(0, len(text), residues=[(0, min(len(text), 2 * GAP))]))
        return mentions

    def _is_another(
        self, now: Mention, name: Name, text: str, gap: str, soft: bool, items: list[Name | Token], i: int, whole: bool,
    ) -> bool:  # fmt: skip
        """Whether a name begins another mention, and is no further part of this one."""
        entry = name.entry
        if entry.level in ("AWAY", "OWN"):
            # 开发区下沙街道: what is only shortened to a name of ours goes with what is not ours.
            return any(
                g.name is not None and g.name.entry.level != "DISTRICT" and not (soft and g.name.entry.short)
                for g in now.groups
            )
        numbered = False
        for group in now.groups:
            if group.tokens:
                numbered = True
                break
        if now.away and (entry.level == "DISTRICT" or (numbered and not soft)):
            return True
        named = [g for g in now.groups if g.name is not None]
        if now.fore and soft and not any(g.tokens for g in named):
            return False
        if entry.level in ("DISTRICT", "STREET", "COMMUNITY") and soft and numbered:
            if self._is_behind(now, text, items, i, whole):
                return False
            if not any(g.tokens for g in named):
                # 某某路2号,戴村镇东风村27组: the numbers before belong to what is not known.
                return True
        if entry.level == "DISTRICT":
            # …301室 萧山区: written from below; 湖头陈社区 萧山区临浦镇: another.
            follows = i + 1 < len(items) and isinstance(items[i + 1], Name) and items[i + 1].start == name.end
            deeper = numbered or any(g.name.entry.level != "DISTRICT" for g in named if g.name)
            return deeper and (follows or (numbered and _HAN_NEXT.match(text, name.end) is not None))
        if not soft and (now.groups or now.away):
            roads = (
                entry.level == "ROAD" and bool(named) and named[-1] is now.groups[-1] and not named[-1].tokens
            )
            roads = roads and named[-1].name is not None and named[-1].name.entry.level == "ROAD"
            if _AND.fullmatch(gap):
                # 运西村和湖滨名苑2幢: two places; 市心路和金城路: one.
                return not roads
            led = _LEAD.search(gap.rstrip("([-_ ") if whole else gap)
            if numbered or "," in gap or led is not None:
                return True
        streets = entry.streets(self.index)
        for group in named:
            assert group.name is not None
            other = group.name.entry
            if (
                other.level == entry.level
                and entry.level in ("STREET", "COMMUNITY")
                and not entry.is_local(self.index)
            ):
                places = {m.place for m in other.meanings}
                if numbered or not any(m.place in places for m in entry.meanings):
                    return True
            above = entry.level == "STREET" and DEPTH.get(other.level, 0) > DEPTH["STREET"]
            parted = not whole and entry.level in _LOCAL and _PARTED.search(gap) is not None
            if (group.tokens or above or parted) and other.streets(self.index).isdisjoint(streets):
                return True
        return False

    def _is_fore(self, text: str, items: list[Name | Token], i: int, whole: bool) -> bool:
        """Whether the numbers from an item on belong to the names right behind them, which have none: 5组12号 瓜沥镇新港村.

        In a sentence one number alone does not: 12号江宁路施工.
        """
        first = items[i]
        assert isinstance(first, Token)
        at, now = first.end, i + 1
        row = [first]
        while now < len(items) and self.soft(text[at : items[now].start]):
            item = items[now]
            if not isinstance(item, Token):
                break
            row.append(item)
            at, now = item.end, now + 1
        if any(t.kind not in "gbn#-?lurf" for t in row) or not (whole or len(row) > 1 or first.kind in "g-"):
            return False
        names = 0
        while now < len(items) and self.soft(text[at : items[now].start]):
            item = items[now]
            if isinstance(item, Token):
                # 4幢东方名苑1单元301室: what stands before the name and behind it are parts of one.
                alone = not i or not isinstance(items[i - 1], Token)
                parted = whole and alone and _ranks(row).isdisjoint(_ranks([item])) and _is_full(row)
                return bool(names) and (item.kind in "pod" or parted)
            if item.entry.level == "AWAY":
                return False
            names += item.entry.level not in ("OWN", "DISTRICT")
            at, now = item.end, now + 1
        return names > 0

    def _is_behind(self, now: Mention, text: str, items: list[Name | Token], i: int, whole: bool) -> bool:
        """Whether the names from an item on are those of the streets and villages that what was read lies in, and nothing is below them:
        东方名苑4幢1单元301室,萧山区北干街道."""
        known = [g.name.entry for g in now.groups if g.name is not None and g.tokens]
        if not known and not whole:
            return False
        at = now.end
        uppers = 0
        while i < len(items) and self.soft(text[at : items[i].start]):
            item = items[i]
            if isinstance(item, Token):
                return bool(uppers) and item.kind in "pod"
            entry = item.entry
            if entry.level in ("STREET", "COMMUNITY"):
                if known and known[-1].streets(self.index).isdisjoint(entry.streets(self.index)):
                    return False
                uppers += 1
            elif entry.level not in ("DISTRICT", "OWN"):
                return False
            at, i = item.end, i + 1
        return uppers > 0

    def _lead(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """What stands right before a name and is not said by it; None when it only leads to it (住在, 地址:)."""
        begin = max(start, end - 10)
        for match in _BREAK.finditer(text, begin, end):
            begin = match.end()
        piece = text[begin:end]
        if not piece or self.soft(piece) or _LEAD.search(piece):
            return None
        return begin, end
