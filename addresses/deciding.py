"""Which of the places found for a mention is the answer, how deep, and how sure it is; and which mention of a text is the one that counts.

A place is answered at the deepest level that is sure by the calibration; several that fit alike are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Final

from addresses.calibration import Calibration
from addresses.found import (
    ALIKE,
    Answer,
    Chosen,
    Found,
    falling,
    is_wild,
)
from addresses.index import AREA, Index, NameKind
from addresses.mentions import DEPTH, Name
from addresses.resolution import Outcome
from addresses.shown import KIND_WORD, reasons_of

ANSWER: Final = 0.91
"""A place is answered from this confidence on: a wrong answer costs ten times what none does, so that one in eleven is break-even."""
_BESIDE_IT: Final = re.compile("[,;、 ()]{0,3}(?:是|在|属|即)?于?")
_OF_IT: Final = re.compile("(?:的|那个|这个|里面|[,;、 ()])*$|的(?![\u3400-\u9fff])|的那")
_SETTLED: Final = 0.95
"""How sure a place is that was one of several until something else that the text names decided."""
DOUBTFUL: Final = 0.5
"""How sure a place can be at most that may as well be of another city."""
_TIE: Final = 0.25
"""Places whose scores differ by less are asked about."""
_RIVAL: Final = 1.6
"""Places whose scores are lower by as much are no alternatives to one that is sure."""
_OPEN: Final = ("missing.building", "missing.house", "missing.unit", "missing.room", "blocked")
# Levels of which too few texts were written to fit weights: they weigh as what they are likest.
_AS_LEVEL: Final = {"PARK": "ESTATE", "GROUP": "COMMUNITY"}
_AS_MARK: Final = {"missing.house": "missing.room"}
_NO_HOUSE: Final = frozenset({"missing.building", "missing.house"})
_AS_ANCHOR: Final = {"PARK": AREA, "GROUP": "COMMUNITY"}

_UPWARD: Final = (
    "against.",
    "by.",
    "fuzzy.",
    "margin.",
    "namesake",
    "near",
    "away",
    "at.",
    "missing.building",
    "rival.",
    "nameless",
    "blocked",
)
"""Facts that bear on the places above the best one too."""


class Deciding:
    """Decides among places of an index.

    Args:
        district: the position of the district itself; None in an index without one.
    """

    def __init__(self, index: Index, calibration: Calibration, district: int | None) -> None:
        self._index = index
        self._calibration = calibration
        self._district = district

    def decide(self, found: list[Found], near: str | None, first: int) -> Answer:
        """What one mention is answered with, of the places that were found for it, at least one.

        Args:
            near: code of a place in which it is more likely. first: how many alternatives at most.
        """
        index = self._index
        if len(found) > 1:
            # That a text is of the district is no rival to what it says besides.
            found = [f for f in found if f.place != self._district] or found[:1]
        if len(found) == 1:
            ranked = found
        else:
            by_place: dict[int, Found] = {}
            for each in found:
                known = by_place.get(each.place)
                if known is None or self._order(each) < self._order(known):
                    by_place[each.place] = each
            # By code: positions differ between an index that was built and one that was changed to the same.
            ranked = sorted(by_place.values(), key=falling)
            if any(a.score == b.score for a, b in pairwise(ranked)):
                ranked.sort(key=lambda f: (-f.score, index.code(f.place), f.place))
        if near is not None and len(ranked) > 1 and (here := index.at(near)) is not None:
            inside = [f for f in ranked if here in index.lineage(f.place)]
            if inside and inside[0].score >= ranked[0].score - 1.0 and len(inside) < len(ranked):
                rest = [f for f in ranked if f not in inside]
                ranked = [replace(f, score=f.score + 2.0, marks=(*f.marks, "near")) for f in inside] + rest
        top = ranked[0]
        if top.meaning.kind == NameKind.SHORT and top.reading is None and not top.agreed and len(ranked) > 1:
            # 衙前 alone is the town, though a village of the town is called so as well.
            chain = index.chain(top.place)[1:]
            wider = [
                f for f in ranked if f.place in chain and f.group == top.group and f.place != self._district
            ]
            if wider:
                ranked = [wider[0], *(f for f in ranked if f is not wider[0])]
                top = ranked[0]
        facts = self.facts(top)
        if len(ranked) == 1:
            return self._climb(top, facts, ranked, first)
        line = index.chain(top.place)
        rivals = [f for f in ranked[1:] if f.place not in line and top.place not in index.chain(f.place)]
        if "near" in top.marks and not (rivals and "near" in rivals[0].marks):
            # What the surroundings decide is as good as said, when only one of the namesakes lies in them.
            facts.add("with.STREET")
            return self._climb(top, facts, ranked, first)
        if rivals:
            margin = top.score - rivals[0].score
            facts.add(
                "margin."
                + ("0" if margin < _TIE else "1" if margin < 0.8 else "2" if margin < _RIVAL else "3")
            )
            if any(DEPTH[index.level(f.place)] > DEPTH[index.level(top.place)] for f in rivals):
                facts.add("rival.deeper")
            name = top.mention.groups[top.group].name if top.mention.groups else None
            if (
                margin < _RIVAL
                and not top.agreed
                and "near" not in facts
                and any(f.group == top.group for f in rivals)
            ):
                facts.add("namesake")
            if margin < _TIE:
                return self._ask(top, [top, *(f for f in rivals if top.score - f.score < _TIE)], facts, first)
            if name is not None and self._is_namesake(top, name):
                places = {m.place for m in name.entry.meanings}
                return self._ask(top, [f for f in ranked if f.meaning.place in places], facts, first)
        return self._climb(top, facts, ranked, first)

    def _order(self, found: Found) -> tuple[float, int, str]:
        """What goes before what, of several ways to one place."""
        return -found.score, found.meaning.kind, self._index.code(found.anchor)

    def _is_namesake(self, top: Found, name: Name) -> bool:
        """Whether a village of this name lies in two streets and nothing says which: never guessed, whatever numbers follow."""
        if "near" in top.marks or top.agreed or self._index.level(top.anchor) != "COMMUNITY":
            return False
        twins = {
            m.place
            for m in name.entry.meanings
            if m.kind == top.meaning.kind and self._index.level(m.place) == "COMMUNITY"
        }
        return len(twins) > 1

    def facts(self, top: Found) -> set[str]:
        """What is known about how a place was found."""
        facts = {_AS_MARK.get(mark, mark) for mark in top.marks}
        for level, short in top.agreed:
            facts.add(f"with.{level}.short" if short else f"with.{level}")
        for level, short in top.against:
            facts.add(f"against.{level}.short" if short else f"against.{level}")
        groups = top.mention.groups
        for group in groups:
            if group.name is not None and group.name.fuzzy:
                facts.add("fuzzy." + group.name.fuzzy)
                if group.name.inside:
                    facts.add("fuzzy.inside")
                if len(group.name.entry.name) <= 3:
                    facts.add("fuzzy.brief")
        own = groups[top.group].name if groups else None
        if own is not None and any(end == own.start for _, end in top.mention.residues):
            facts.add("cut")
        facts.add("by." + KIND_WORD[top.meaning.kind])
        anchor = self._index.level(top.anchor)
        facts.add("at." + _AS_ANCHOR.get(anchor, anchor))
        if top.mention.residues:
            facts.add("residue")
        if top.mention.crossing:
            facts.add("crossing")
        if top.mention.beside:
            facts.add("beside")
        return facts

    def facts_for(self, top: Found, place: int, facts: Iterable[str]) -> set[str]:
        """What the confidence of a place on the way up depends on."""
        level = self._index.level(place)
        result = {f"level.{_AS_LEVEL.get(level, level)}"}
        if place == top.place:
            result.update(facts)
        else:
            result.add("above")
            result.update(f for f in facts if f.startswith(_UPWARD))
        if place in top.supports:
            result.add("said")
        return result

    def way_up(self, top: Found) -> list[int]:
        """The places that can be answered, from the best one upwards."""
        index = self._index
        chain = [x for x in index.chain(top.place) if index.level(x) != AREA]
        vague = "missing.building" in top.marks or "several" in top.marks
        # A crossing is on its road, and what is beside a place is not in it.
        deepest = 3 if top.mention.crossing or top.mention.beside else 9
        way = [
            x for x in chain
            if DEPTH.get(index.level(x), 9) <= deepest and not (vague and index.level(x) in ("ROAD", "ESTATE", "PARK"))
        ]  # fmt: skip
        return way or chain[-1:]

    def _climb(self, top: Found, facts: set[str], ranked: list[Found], first: int) -> Answer:
        """The deepest place that is sure, from the best one upwards."""
        index = self._index
        because = reasons_of(index, top)
        kept = frozenset(facts)
        mention = top.mention
        doubtful = self._is_doubtful(top) or self._is_torn(top)
        way = self.way_up(top)
        tried: Chosen | None = None
        for place in way:
            if index.level(place) == "DISTRICT":
                break
            sure = self._calibration.confidence(self.facts_for(top, place, facts))
            if doubtful:
                sure = min(sure, DOUBTFUL)
            if sure >= ANSWER:
                others = [Chosen(p, round(sure / len(top.others), 3), because) for p in top.others[:first]]
                if len(ranked) > 1 and top.score - ranked[1].score < _RIVAL:
                    chain = index.chain(top.place)
                    less = max(0.001, round(min(0.5, 1 - sure), 3))
                    others += [
                        Chosen(f.place, less, reasons_of(index, f))
                        for f in ranked[1 : first + 1]
                        if f.place not in chain and top.score - f.score < _RIVAL
                    ]
                return Answer(
                    Outcome.RESOLVED, Chosen(place, sure, because), tuple(others[:first]), mention, top, kept
                )
            if tried is None:
                tried = Chosen(place, sure, because)
        district = way[-1] if way and index.level(way[-1]) == "DISTRICT" else None
        if district is not None and top.place == district:
            bare = not mention.residues and not any(g.tokens or g.name is None for g in mention.groups)
            if bare:
                return Answer(Outcome.RESOLVED, Chosen(district, 0.99, because), (), mention, top, kept)
            return Answer(Outcome.UNRESOLVED, None, (), mention, top, kept)
        if tried is None or tried.confidence < 0.3 or (doubtful and is_wild(top)):
            return Answer(Outcome.UNRESOLVED, None, (), mention, top, kept)
        above = Chosen(district, 0.99, because) if district is not None else None
        others = [Chosen(f.place, 0.1, reasons_of(index, f)) for f in ranked[1:first] if f.place not in way]
        return Answer(Outcome.ASK, above, (tried, *others)[:first], mention, top, kept)

    def _is_torn(self, top: Found) -> bool:
        """Whether a village house is said to be in another street, and that street has a house of its number too: either name may be wrong."""
        if top.reading is None or not top.reading.key.startswith("g"):
            return False
        if all(level != "STREET" for level, _ in top.against):
            return False
        names = [
            g.name.entry for g in top.mention.groups if g.name is not None and g.name.entry.level == "STREET"
        ]
        streets = [
            m.place for entry in names for m in entry.meanings if m.place not in self._index.chain(top.place)
        ]
        return any(self._index.children(street, top.reading.key) for street in streets)

    def _is_doubtful(self, top: Found) -> bool:
        """Whether a place is as likely one of another city: no district, street or village of ours is named, and something does not fit.

        Training texts are all from here or say where they are from; texts from elsewhere that do not say so are not among them,
        and nothing learned from the former guards against the latter.
        """
        fuzzy = [g.name for g in top.mention.groups if g.name is not None and g.name.fuzzy]
        for group in top.mention.groups:
            name = group.name
            if name is None or name.fuzzy:
                continue
            level = name.entry.level
            if level == "DISTRICT" or (level in ("STREET", "COMMUNITY") and not name.entry.short):
                return False
        above = {level for level, _ in top.agreed if level in ("STREET", "COMMUNITY")}
        if len(above) == 2 or (above and not fuzzy):
            return False
        marks = set(top.marks)
        if fuzzy:
            own = top.mention.groups[top.group].name
            plain = own is not None and not own.fuzzy and marks.isdisjoint(_OPEN)
            # 北千街道东方名苑5幢: what stands there is written right, and lies where the street that it looks like is.
            if above and plain and all(n.fuzzy in ALIKE and not n.inside for n in fuzzy):
                return False
            guessed = any(n.fuzzy != "sound" or n.inside for n in fuzzy)
            brief = self._index.level(top.place) == "STREET" and any(len(n.entry.name) < 4 for n in fuzzy)
            return guessed or brief or not marks.isdisjoint(_OPEN)
        if not marks.isdisjoint((*_NO_HOUSE, "blocked")):
            return True
        vague = top.meaning.kind == NameKind.SHORT or self._index.level(top.place) in (
            "ROAD",
            "ESTATE",
            "PARK",
            AREA,
        )
        return vague and bool(top.mention.residues)

    def _ask(self, top: Found, ties: list[Found], facts: set[str], first: int) -> Answer:
        """Several places fit alike: the place that all lie in, if it is sure, and each of them."""
        index = self._index
        common: list[int] = index.chain(ties[0].place)
        for each in ties[1:]:
            chain = index.chain(each.place)
            common = [x for x in common if x in chain]
        best = next((x for x in common if index.code(x)), None)
        share = round(1.0 / max(2, len(ties)), 3)
        places = tuple(Chosen(f.place, share, reasons_of(index, f)) for f in ties[:first])
        above = None
        if best is not None:
            sure = 0.99
            if index.level(best) != "DISTRICT":
                sure = self._calibration.confidence(self.facts_for(top, best, facts))
            if sure >= ANSWER:
                above = Chosen(best, sure, reasons_of(index, top))
        return Answer(Outcome.ASK, above, places, top.mention, top, frozenset(facts))

    def choose(self, text: str, answers: list[Answer], first: int) -> Answer:
        """Of the mentions of one text (normalised), the one that it is about; a question where they are different places."""
        index = self._index
        real = [a for a in answers if a.outcome in (Outcome.RESOLVED, Outcome.ASK)]
        if not real:
            away = [a for a in answers if a.outcome == Outcome.OUTSIDE]
            return away[0] if away else answers[0] if answers else Answer(Outcome.UNRESOLVED)
        sure = [(a, a.best.place) for a in real if a.outcome == Outcome.RESOLVED and a.best is not None]
        if len(real) == 1 or not sure:
            return real[0]
        if (settled := self._settled(text, real, [place for _, place in sure])) is not None:
            return settled
        deepest, at = max(sure, key=lambda pair: DEPTH.get(index.level(pair[1]), 0))
        line = index.lineage(at)
        if all(place in line for _, place in sure):
            return deepest
        chains = [index.chain(place) for _, place in sure]
        common = next((x for x in chains[0] if index.code(x) and all(x in c for c in chains[1:])), None)
        above = Chosen(common, 0.95, (("several", ""),)) if common is not None else None
        picks = tuple(
            Chosen(a.best.place, min(0.5, a.best.confidence), a.best.because)
            for a, _ in sure
            if a.best is not None
        )
        return Answer(Outcome.ASK, above, picks[:first], deepest.mention, deepest.top, deepest.facts)

    def _settled(self, text: str, answers: list[Answer], places: list[int]) -> Answer | None:
        """What one mention asks about and another, right beside it, decides: 人民路20号,瓜沥的那个."""
        index = self._index
        asked = [a for a in answers if a.outcome == Outcome.ASK and len(a.alternatives) > 1]
        if len(places) != 1 or len(asked) != 1 or index.level(places[0]) not in ("STREET", "COMMUNITY"):
            return None
        upper = next(a.mention for a in answers if a.outcome == Outcome.RESOLVED)
        own = asked[0].mention
        if upper is None or own is None:
            return None
        first, second = (own, upper) if own.start < upper.start else (upper, own)
        behind = _OF_IT.match(text, upper.end) if own.start < upper.start else True
        if _BESIDE_IT.fullmatch(text, first.end, second.start) is None or not behind:
            return None
        inside = [c for c in asked[0].alternatives if places[0] in index.lineage(c.place)]
        if len(inside) != 1:
            return None
        best = replace(inside[0], confidence=_SETTLED)
        return replace(asked[0], outcome=Outcome.RESOLVED, best=best, alternatives=())
