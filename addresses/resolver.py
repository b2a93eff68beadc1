"""Free text → address code (地址解析): which place of the district a text names, how sure that is, and why.

How it reads a text:

1. Names of places are found in the normalised text by an automaton, and between them the numbered parts (`addresses.designation`).
2. Names and numbers that stand together are one *mention* of a place. Each named place of it is tried as what the numbers
   are below of: every meaning of every name, down to building, unit and room.
3. Each place found so is weighed by what else the mention says: streets, communities, roads and estates that it lies in or does not.
   Where nothing fits, what no name explains is compared with the names in reach by sound and by single characters.
4. The best place is given a calibrated confidence (`addresses.calibration`) and answered at the deepest level that is sure. Several places
   that fit alike are asked about (`addresses.deciding`). What lies outside the district is said to.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from addresses.calibration import HIGHEST, Calibration, load_calibration
from addresses.deciding import Deciding
from addresses.designation import Reading, Token, readings
from addresses.found import (
    ALIKE,
    Answer,
    Found,
    is_far_street,
    is_guessed,
    is_shaped_street,
    is_street,
)
from addresses.fuzzy import Hit, Near
from addresses.index import AREA, Index, Named, NameKind
from addresses.mentions import DEPTH, GAP, Group, Mention, Mentions, Name
from addresses.outside import Outside, load_outside
from addresses.resolution import Candidate, Outcome, Resolution
from addresses.shown import resolution_of
from addresses.text import normalise
from addresses.tight import span, tight

VERSION: Final = "reader-5"
LONGEST: Final = 1000
"""Characters of a text that are read as one address; what stands behind them is not looked at."""

# What it costs a place that a name of this level speaks against it.
_AGAINST: Final = {
    "STREET": 3.0, "COMMUNITY": 3.0, "ESTATE": 2.5, "PARK": 2.0, "GROUP": 1.0, AREA: 2.0, "ROAD": 1.5, "SITE": 1.0, "BUILDING": 1.5,
}  # fmt: skip
_KIND_COST: Final = (0.0, 0.2, 0.3, 0.6)
_GUESS_COST: Final = {"sound": 0.6, "shape": 0.7, "stem": 0.6, "close": 0.9, "typo": 1.4, "far": 1.8}
_SECTION: Final = re.compile(
    r"(?:[0-9一二三四五六七八九十A-Z东南西北中]+(?:期|区块?|苑|标段|地块)|生活区|人才房)$"
)
"""A part of an estate that the base does not know: its buildings may be numbered anew."""
_ANOTHER: Final = re.compile(
    r".(?:苑|园|小区|公寓|新村|大厦|广场|中心|城|府|庭|湾|里|坊|轩|居|院|厦|邸|路|街|巷|弄|道|村|社区|镇|宿舍)$"
)
"""With what the name of another place ends, to which numbers behind it belong."""
_VILLAGE: Final = re.compile("(?:(?<!自然)(?<!中心)村|社区|镇|街道)$")
_BRIDGE: Final = 8
"""Unknown characters between a name and its numbers, at most."""
_STEP: Final = 0.6
"""What each level further down counts for a place."""
_UNSURE: Final = frozenset(("missing.building", "missing.house", "bridged", "section", "blocked"))
_MARK_COST: Final = {"bridged": 0.8, "section": 1.0, "fore": 0.2}
_HOUSE_NUMBER: Final = re.compile("[bn][0-9]+")
_PART: Final = re.compile("([0-9]{3,5})(?:[A-Z]|-[0-9A-Z])")
_REST: Final = 4
"""Characters of a name, at most, that are left over beside a shorter one within it."""
_CODE: Final = re.compile(
    r"\W*(?:(?:标准|统一)?(?:地址|门牌|房屋)?(?:编码|代码|码|编号)|[Cc]ode)?\W*([A-Z]?[0-9]{9,40})\W*"
)
"""A code, and beside it nothing but that it is one."""
_REREAD: Final = 120
"""Characters, at most, of a mention that is read once more with a name put right."""
_EDGES: Final = " ,.·、()[]:_-/|*"
_MEANINGS: Final = 64
_GROUP_KEY: Final = re.compile("g[0-9]+")
_TOO_MANY: Final = 12


class AddressResolver:
    """Implements `addresses.resolution.Resolver` over an `Index`. One thread at a time."""

    version = VERSION

    def __init__(
        self, index: Index, outside: Outside | None = None, calibration: Calibration | None = None
    ) -> None:
        self.index = index
        self.outside = outside or load_outside()
        self.calibration = calibration or load_calibration()
        self._renew()

    def _renew(self) -> None:
        """Takes the names of the index; again after they have changed."""
        self._mentions = Mentions(self.index, self.outside)
        self._near = Near(self.index)
        self._version = self.index.version
        self._district = next((at for at in self.index.official if self.index.level(at) == "DISTRICT"), None)
        self._deciding = Deciding(self.index, self.calibration, self._district)
        self._text = ""

    # -- the protocol -------------------------------------------------------------------------------------------------

    def normal(self, text: str) -> str:
        """The form of a text under which a person's decision about it is kept."""
        return tight(normalise(text), plain=True)[0].strip(" ,.;:")

    def resolve(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        """One text. `near`: code of a place in or by which it is more likely. `first`: how many alternatives at most."""
        if self._version != self.index.version:
            self._renew()
        if (coded := self._coded(text)) is not None:
            return coded
        given = normalise(text[:LONGEST])
        read, back = tight(given, whole=True)
        mentions = self._mentions.read(read, whole=True)
        if len(mentions) == 1:
            chosen = self._answer(read, mentions[0], near, first)
        else:
            chosen = self._deciding.choose(
                read, [self._answer(read, m, near, first) for m in mentions], first
            )
        return resolution_of(self.index, chosen, given, back, mentions)

    def _coded(self, text: str) -> Resolution | None:
        """A text that is nothing but the code of a place."""
        found = _CODE.fullmatch(text, 0, LONGEST) if len(text) < LONGEST else None
        at = self.index.at(found[1]) if found is not None else None
        if found is None or at is None:
            return None
        place = Candidate(self.index.code(at), self.index.level(at), HIGHEST, (("code", found[1]),))
        return Resolution(Outcome.RESOLVED, place)

    def resolve_all(self, texts: Iterable[str], near: str | None = None, first: int = 5) -> list[Resolution]:
        """Many texts, in their order; what is written alike is read once."""
        known: dict[str, Resolution] = {}
        found: list[Resolution] = []
        # Answers hold no cycles, and there are many: looking for cycles among them would take a fifth of the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            for text in texts:
                said = known.get(text)
                if said is None:
                    said = known[text] = self.resolve(text, near, first)
                found.append(said)
        finally:
            if collects:
                gc.enable()
        return found

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        """The places that a sentence or a message names: start, end in it, and each one's resolution."""
        if self._version != self.index.version:
            self._renew()
        given = normalise(text)
        read, back = tight(given)
        found: list[tuple[int, int, Resolution]] = []
        for mention in self._mentions.read(read):
            answer = self._answer(read, mention, near, 5)
            if answer.outcome == Outcome.UNRESOLVED:
                continue
            start = mention.start
            if answer.top is not None:
                start = min(start, answer.top.mention.start)
            shown = resolution_of(self.index, answer, given, back, [mention])
            found.append((*span(given, back, start, mention.end), shown))
        return found

    def facts(self, text: str) -> tuple[Resolution, list[tuple[str, frozenset[str]]]]:
        """The answer, and for each place on the way up from the best one its code and the facts its confidence depends on.

        For fitting the calibration (`addresses.fit`).
        """
        given = normalise(text[:LONGEST])
        read, back = tight(given, whole=True)
        mentions = self._mentions.read(read, whole=True)
        answers = [self._answer(read, m, None, 5) for m in mentions]
        chosen = answers[0] if len(answers) == 1 else self._deciding.choose(read, answers, 5)
        shown = resolution_of(self.index, chosen, given, back, mentions)
        if chosen.top is None or len([a for a in answers if a.top is not None]) > 1:
            return shown, []
        return shown, [
            (self.index.code(p), frozenset(self._deciding.facts_for(chosen.top, p, chosen.facts)))
            for p in self._deciding.way_up(chosen.top)
        ]

    # -- places -------------------------------------------------------------------------------------------------------

    def _answer(self, text: str, mention: Mention, near: str | None, first: int) -> Answer:
        self._text = text
        found = self._places(mention)
        if (
            any(g.name is None and (g.gap is not None or not found) for g in mention.groups)
            or not any(self._is_plain(f, mention) for f in found)
            or any(self.outside.town(text[a:b]) for a, b in mention.residues)
        ):
            found += self._guessed(text, mention)
        if mention.away or mention.residues:
            found, outside = self._at_home(text, mention, found)
            if outside:
                return Answer(Outcome.OUTSIDE, mention=mention)
        if not found:
            return Answer(Outcome.UNRESOLVED, mention=mention)
        if mention.crossing and (crossed := self._crossing(mention, found)) is not None:
            found = crossed
        return self._deciding.decide(found, near, first)

    def _is_plain(self, found: Found, mention: Mention) -> bool:
        """Whether nothing that a name written wrong could explain is left open."""
        if found.against or not _UNSURE.isdisjoint(found.marks):
            return False
        if not mention.residues:
            return True
        # 收货地址 before a whole address means nothing; 浦镇 before the name of two villages may.
        name = mention.groups[found.group].name
        sole = name is not None and len(name.entry.meanings) == 1
        return DEPTH.get(self.index.level(found.place), 0) >= 5 and (sole or bool(found.agreed))

    def _at_home(self, text: str, mention: Mention, found: list[Found]) -> tuple[list[Found], bool]:
        """What is left when a mention names a place outside the district, and whether it lies there."""
        strange = bool(mention.away)
        named = {g.name.entry.level for g in mention.groups if g.name is not None and not g.name.entry.short}
        full = {
            g.name.entry.level
            for g in mention.groups
            if g.name is not None and not g.name.fuzzy and not g.name.entry.short
        }
        if not strange and not any(f.agreed or is_guessed(f) for f in found):
            strange = any(
                self.outside.strange(text[a:b], first=not a and "DISTRICT" not in named) is not None
                for a, b in mention.residues
            )
        if (
            not strange
            and named.isdisjoint(("DISTRICT", "STREET"))
            and not any(
                is_street(f)
                or (f.agreed and ("COMMUNITY" in full or is_shaped_street(f) or not is_far_street(f)))
                for f in found
            )
        ):
            # 龙山镇海丰北路602号: a town that the district does not have.
            strange = any(self.outside.town(text[a:b]) is not None for a, b in mention.residues)
        if not strange:
            return found, False
        # A wrong city before what is otherwise an address of ours, each part of which agrees.
        sure = [
            f for f in found if len(f.agreed) >= 2 and not f.against and DEPTH[self.index.level(f.place)] >= 5
        ]
        if not sure or any(a.entry.moved for a in mention.away):
            return [], True
        return [replace(f, score=f.score - 2, marks=(*f.marks, "away")) for f in sure], False

    def _places(self, mention: Mention) -> list[Found]:
        """Every place that one of the names, with its numbers, leads to."""
        found: list[Found] = []
        groups = mention.groups
        numbered = any(g.tokens and g.name for g in groups)
        last = max((i for i, g in enumerate(groups) if g.name is not None), default=-1)
        fore = mention.fore and last > 0 and not numbered
        lowest = DEPTH.get(groups[last].name.entry.level, 9) if last >= 0 and groups[last].name else 9  # type: ignore[union-attr]
        for at in range(last, -1, -1):
            group = groups[at]
            if group.name is None:
                continue
            # A name without numbers only supports, where another has some.
            if not group.tokens and at != last:
                if numbered or DEPTH.get(group.name.entry.level, 9) <= max(2, lowest):
                    continue
                # 湖山小学,蜀山街道: what lies deeper is meant.
                lowest = DEPTH.get(group.name.entry.level, 9)
            if fore:
                self._under(found, mention, at, group.name.entry.meanings, groups[0].tokens, "fore")
                continue
            self._under(found, mention, at, group.name.entry.meanings)
            if not group.tokens and at + 1 < len(groups):
                self._bridged(found, mention, at, group.name)
        if found and all(f.against and "missing.building" in f.marks for f in found):
            # 市心社区通惠路19号, and the road is elsewhere: the community is named all the same.
            for at in range(last - 1, -1, -1):
                name = groups[at].name
                if name is not None and name.entry.level in ("STREET", "COMMUNITY") and not groups[at].tokens:
                    self._under(found, mention, at, name.entry.meanings, None, "blocked")
                    break
        if not groups or (last < 0 and groups[0].tokens and self._district is not None):
            self._anywhere(found, mention)
        return found

    def _anywhere(self, found: list[Found], mention: Mention) -> None:
        """5组12号 without any name, where only one house of the district has such a number."""
        if not mention.groups or self._district is None:
            return
        group = mention.groups[0]
        for reading in readings(group.tokens):
            starts = self.index.children(self._district, reading.key) if reading.key.startswith("g") else []
            if len(starts) == 1:
                place, others, missing = self._inside(starts[0], reading)
                found.append(
                    Found(place, self._district, mention, 0, Named(self._district, NameKind.SHORT), reading, 0.0,
                           ("nameless", *missing), (), (), (), others)
                )  # fmt: skip
                return

    def _bridged(self, found: list[Found], mention: Mention, at: int, name: Name) -> None:
        """The places that numbers lead to which something unknown parts from a name: 和平桥村老供销社旁11组13号."""
        group = mention.groups[at + 1]
        if group.name is not None or group.gap is None or not group.tokens:
            return
        start, end = group.gap
        unknown = self._text[start:end].strip(_EDGES)
        first = group.tokens[0].kind
        depth = DEPTH.get(name.entry.level, 0)
        if not 0 < len(unknown) <= _BRIDGE or depth < 3 or first not in "gbn#-?":
            return
        grouped = any(t.kind == "g" for t in group.tokens)
        if (name.entry.level == "COMMUNITY") != (grouped or (first in "-?" and depth == 3)):
            return
        mark = "bridged"
        if _SECTION.search(unknown):
            mark = "section"
        elif (_VILLAGE if name.entry.level == "COMMUNITY" else _ANOTHER).search(unknown):
            return
        self._under(found, mention, at, name.entry.meanings, group.tokens, mark)

    def _under(
        self, found: list[Found], mention: Mention, at: int, meanings: Sequence[Named], tokens: list[Token] | None = None, mark: str = "",
    ) -> None:  # fmt: skip
        """The places that the numbers behind a name lead to, for every meaning of it; the named place itself where they lead nowhere.

        `tokens`: the numbers, where they do not stand right behind it, and `mark`, how they do. Then what they do not lead to is not found.
        """
        index = self.index
        group = mention.groups[at]
        elsewhere = tokens is not None
        if tokens is None:
            tokens = group.tokens
        options = readings(tokens) if tokens else []
        stems: set[int] = set()
        if len(meanings) > 1 and index.level(meanings[0].place) in ("STREET", "COMMUNITY"):
            # 东风 alone is the village and no estate that people leave the last word out of.
            stems = {m.place for m in meanings if index.level(m.place) in ("ROAD", "ESTATE", "PARK", AREA)}
        common: tuple[str, ...] = ("several",) if group.several else ()
        if mark:
            common += (mark,)
        if any(g.name is None for g in mention.groups[at + (2 if elsewhere else 1) :]):
            common += ("trailing",) if tokens else ("blocked",)
        for meaning in meanings[:_MEANINGS]:
            anchor = meaning.place
            best = -1
            for reading in options:
                if reading.key:
                    starts = index.children(anchor, reading.key)
                    if len(starts) > _TOO_MANY:
                        continue
                elif DEPTH.get(index.level(anchor)) == 5:
                    starts = [anchor]
                else:
                    continue
                for start in starts:
                    place, others, missing = self._inside(start, reading)
                    depth = DEPTH[index.level(place)]
                    if depth < best:
                        continue
                    best = depth
                    marks = common
                    if missing:
                        marks += missing
                    if others:
                        marks += ("rooms",)
                    if reading.loose:
                        marks += (f"loose{min(2, reading.loose)}",)
                    found.append(self._weighed(mention, at, meaning, reading, place, start, marks, others))
            if (
                best < 0
                and options
                and not elsewhere
                and index.level(anchor) in ("ESTATE", "PARK", "ROAD", AREA)
            ):
                # 枫林雅苑3号2单元, 金城路15号楼: buildings are numbered by whatever word.
                best = self._swapped(found, mention, at, meaning, options, common)
            if best < 0:
                if mark not in ("", "fore", "blocked") or (
                    meaning.kind == NameKind.SHORT and anchor in stems
                ):
                    continue
                marks = (*common, "missing.building") if options else common
                if (group_read := self._group(anchor, options)) is not None:
                    within, said = group_read
                    # 3组12号 of which the base knows the group and not the house.
                    marks = (*common, "missing.house")
                    found.append(self._weighed(mention, at, meaning, said, within, within, marks, ()))
                    continue
                found.append(self._weighed(mention, at, meaning, None, anchor, anchor, marks, ()))

    def _group(self, anchor: int, options: Sequence[Reading]) -> tuple[int, Reading] | None:
        """The village group that the numbers begin with, where it is known and the house is not."""
        for reading in options:
            head = _GROUP_KEY.match(reading.key)
            if head is not None and head.group() != reading.key:
                groups = [
                    p for p in self.index.children(anchor, head.group()) if self.index.level(p) == "GROUP"
                ]
                if len(groups) == 1:
                    return groups[0], reading._replace(key=head.group(), unit="", floor="", room="")
        return None

    def _swapped(
        self, found: list[Found], mention: Mention, at: int, meaning: Named, options: Sequence[Reading], common: tuple[str, ...],
    ) -> int:  # fmt: skip
        """The building of an estate whose number has the word of a house's: how deep it leads, -1 where to nothing."""
        best = -1
        road = self.index.level(meaning.place) == "ROAD"
        for reading in options:
            if not _HOUSE_NUMBER.fullmatch(reading.key) or (reading.key[0] == "b") != road:
                continue
            key = ("n" if road else "b") + reading.key[1:]
            for start in self.index.children(meaning.place, key):
                other = reading._replace(key=key, loose=reading.loose + 1)
                place, others, missing = self._inside(start, other)
                marks = (*common, *missing, *(("rooms",) if others else ()), "swapped")
                best = max(best, DEPTH[self.index.level(place)])
                found.append(self._weighed(mention, at, meaning, other, place, start, marks, others))
        return best

    def _inside(self, start: int, reading: Reading) -> tuple[int, tuple[int, ...], tuple[str, ...]]:
        """The unit and room of a building that a reading says: the place, the rooms where several fit, what is not known."""
        children = self.index.children
        place = start
        if reading.unit:
            units = children(place, "u" + reading.unit)
            if not units:
                return place, (), ("missing.unit",)
            place = units[0]
        if reading.room:
            rooms = children(place, "r" + reading.room)
            if not rooms and not reading.unit:
                rooms = children(place, "x" + reading.room)
            if not rooms and (part := _PART.fullmatch(reading.room)):
                # 2801A室 is a part of 2801.
                rooms = children(place, ("r" if reading.unit else "x") + part[1])
            if not rooms:
                return place, (), ("missing.room",)
            if len(rooms) > 1:
                return place, tuple(sorted(rooms, key=self.index.code)), ()
            place = rooms[0]
        return place, (), ()

    def _weighed(
        self, mention: Mention, at: int, meaning: Named, reading: Reading | None, place: int, base: int,
        marks: tuple[str, ...], others: tuple[int, ...],
    ) -> Found:  # fmt: skip
        """The place with a score: what the mention's other names say for and against it.

        `base`: the building (or the named place) that it lies in or is.
        """
        index = self.index
        anchor = meaning.place
        line = index.lineage(base)
        beside = index.lineage(anchor) if anchor not in line else ()
        # Where several rooms fit, the text has said a room that is there.
        depth = DEPTH["DWELLING"] if others else DEPTH.get(index.level(place), 0)
        score = _STEP * depth - _KIND_COST[meaning.kind]
        supports = [anchor]
        agreed: list[tuple[str, bool]] = []
        against: list[tuple[str, bool]] = []
        for other, group in enumerate(mention.groups):
            name = group.name
            if name is None or other == at:
                continue
            entry = name.entry
            level = entry.level
            if level == "DISTRICT":
                continue
            hit = None
            for m in entry.meanings:
                if m.place in line or m.place in beside:
                    hit = m
                    break
            if hit is None and group.tokens:
                keys = {r.key for r in readings(group.tokens) if r.key}
                hit = next(
                    (m for m in entry.meanings[:_MEANINGS] for k in keys if base in index.children(m.place, k)), None
                )  # fmt: skip
            if hit is not None:
                score += 1.0 - _KIND_COST[hit.kind] * 0.5 - (0.3 if name.fuzzy else 0.0)
                agreed.append((index.level(hit.place), hit.kind == NameKind.SHORT))
                supports.append(hit.place)
            elif name.fuzzy:
                score -= 0.5
            else:
                cost = _AGAINST.get(level, 1.0) * (0.5 if entry.short else 1.0)
                if level in ("ROAD", "SITE") and not group.tokens:
                    cost *= 0.5
                score -= cost
                against.append((level, entry.short))
        if base != anchor and index.level(anchor) in ("STREET", "DISTRICT"):
            # Looked for in the whole street: less than what a village's own name leads to.
            score -= 0.8
        own = mention.groups[at].name
        if own is not None and own.fuzzy:
            score -= _GUESS_COST[own.fuzzy] + (0.5 if own.inside else 0.0)
        if reading is not None:
            score -= 0.3 * reading.loose
        for mark in marks:
            score -= _MARK_COST.get(mark, 0.0)
        return Found(
            place,
            anchor,
            mention,
            at,
            meaning,
            reading,
            score,
            marks,
            tuple(agreed),
            tuple(against),
            tuple(supports),
            others,
        )

    # -- names that are not quite ---------------------------------------------------------------------------------------

    def _guessed(self, text: str, mention: Mention) -> list[Found]:
        """Places by names that sound or look like what no name explains."""
        spans = list(mention.residues)
        spans += [
            g.gap for g in mention.groups if g.name is None and g.gap is not None and g.gap not in spans
        ]
        line: set[int] = set()
        for group in mention.groups:
            if group.name is not None and group.name.entry.level in ("STREET", "COMMUNITY"):
                line.update(m.place for m in group.name.entry.meanings)
        found: list[Found] = []
        standing = {
            g.name.end: g.name
            for g in mention.groups
            if g.name is not None and DEPTH.get(g.name.entry.level, 9) > 2
        }
        begun = {
            g.name.start: g.name
            for g in mention.groups
            if g.name is not None and len(g.name.entry.name) < 4 and DEPTH.get(g.name.entry.level, 9) > 2
        }
        for start, end in spans[:4]:
            # 翡翠苑雅1栋: a name that stands there by chance, with what is left of the one that was meant.
            hits = self._near.find(text, start, end, line)
            before = standing.get(start) if end - start <= _REST else None
            if before is not None:
                longer = self._near.find(text, before.start, end, line)
                hits += [
                    h
                    for h in longer
                    if h.start == before.start and h.end > start and h.name != before.entry.name
                ]
            after = begun.get(end) if end - start <= _REST else None
            if after is not None:
                # 孕东村: of a longer name a shorter one may stand there by chance.
                longer = self._near.find(text, start, after.end, line)
                hits += [
                    h for h in longer if h.end == after.end and h.start < end and h.name != after.entry.name
                ]
            for hit in hits:
                rest = text[start : hit.start], text[hit.end : end]
                inside = not all(not r or self._mentions.soft(r) for r in rest)
                entry = self._mentions.entry(hit.name, hit.meanings)
                if inside and hit.how in ALIKE and len(hit.name) == hit.end - hit.start:
                    found += self._reread(text, mention, hit)
                name = Name(hit.start, hit.end, entry, hit.how, inside)
                groups, at = _with(mention.groups, name)
                changed = replace(
                    mention, groups=groups, start=min(mention.start, hit.start), end=max(mention.end, hit.end),
                    residues=[r for r in mention.residues if r[1] <= hit.start or r[0] >= hit.end],
                    beside=mention.beside and not groups[at].tokens,
                )  # fmt: skip
                if groups[at].tokens or at == len(groups) - 1:
                    self._under(found, changed, at, name.entry.meanings)
                if not groups[at].tokens:
                    # A street or village that is not written right: it supports what is below it.
                    found.extend(f for f in self._places(changed) if f.group != at)
        return found

    def _reread(self, text: str, mention: Mention, hit: Hit) -> list[Found]:
        """The places of a mention with a name put right by which the rest of it is understood too: 北干街道恒字大厦1204室."""
        start, end = max(0, min(mention.start, hit.start) - GAP), max(mention.end, hit.end) + GAP
        put_right = text[start : hit.start] + hit.name + text[hit.end : end]
        if len(put_right) > _REREAD:
            return []
        at = hit.start - start
        for again in self._mentions.read(put_right, whole=True):
            for i, group in enumerate(again.groups):
                name = group.name
                if name is None or (name.start, name.end) != (at, at + len(hit.name)) or not group.tokens:
                    continue
                # What stands before it is to be understood, or it is only a part of what does.
                before = put_right[max((b for _, b in again.residues if b <= at), default=at) : at]
                inside = any(a < at for a, _ in again.residues) or self._mentions.soft(before or " ") is None
                groups = [
                    replace(
                        g,
                        name=g.name and _moved(g.name, start),
                        tokens=[_later(t, start) for t in g.tokens],
                        gap=None,
                    )
                    for g in again.groups
                ]
                guessed = Name(
                    hit.start, hit.end, self._mentions.entry(hit.name, hit.meanings), hit.how, inside
                )
                groups[i] = replace(groups[i], name=guessed)
                changed = replace(
                    again, groups=groups, start=again.start + start, end=again.end + start,
                    away=[_moved(n, start) for n in again.away], noise=[_later(t, start) for t in again.noise],
                    residues=[(a + start, b + start) for a, b in again.residues],
                )  # fmt: skip
                found: list[Found] = []
                self._under(found, changed, i, hit.meanings)
                return found
        return []

    def _crossing(self, mention: Mention, found: list[Found]) -> list[Found] | None:
        """The street that two crossing roads share; None when they share none or more than one."""
        roads = [g.name.entry for g in mention.groups if g.name is not None and g.name.entry.level == "ROAD"]
        if len(roads) < 2:
            return None
        index = self.index
        shared = roads[-1].streets(index) & roads[-2].streets(index)
        for group in mention.groups:
            if group.name is not None and group.name.entry.level == "STREET":
                shared &= {m.place for m in group.name.entry.meanings}
        if len(shared) != 1:
            return None
        street = next(iter(shared))
        like = next((f for f in found if street in index.chain(f.place)), found[0])
        against = tuple(a for a in like.against if a[0] != "ROAD")
        return [
            replace(
                like, place=street, supports=(*like.supports, street), against=against, marks=("crossed",)
            )
        ]

    # -- the answer -----------------------------------------------------------------------------------------------------


def _moved(name: Name, by: int) -> Name:
    return Name(name.start + by, name.end + by, name.entry, name.fuzzy, name.inside) if by else name


def _later(token: Token, by: int) -> Token:
    return token._replace(start=token.start + by, end=token.end + by) if by else token


def _with(groups: list[Group], name: Name) -> tuple[list[Group], int]:
    """The groups with one name more, where it stands, and its place among them; it takes over the numbers right behind it."""
    result: list[Group] = []
    at = -1
    for group in groups:
        if group.name is not None and group.name.start < name.end and name.start < group.name.end:
            # It covers a shorter name that stood there by chance.
            if at < 0:
                at = len(result)
                result.append(Group(name, group.tokens, None, group.several))
            continue
        begin = (
            group.name.start
            if group.name is not None
            else group.tokens[0].start
            if group.tokens
            else name.end
        )
        if at < 0 and begin >= name.end:
            at = len(result)
            if group.name is None:
                result.append(Group(name, group.tokens, None, group.several))
                continue
            result.append(Group(name))
        elif (
            at >= 0
            and group.name is None
            and at == len(result) - 1
            and not result[at].tokens
            and begin == name.end
        ):
            # 东风风村7组: the rest of the name stood before the numbers.
            result[at] = Group(name, group.tokens, None, group.several)
            continue
        result.append(group)
    if at < 0:
        at = len(result)
        result.append(Group(name))
    return result, at
