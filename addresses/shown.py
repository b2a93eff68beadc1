"""What a resolver's answer is shown as: places by their codes, the reasons for them, and which characters were which element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from addresses.designation import Reading, Token
from addresses.found import Answer, Found
from addresses.index import AREA, Index
from addresses.mentions import Mention, Name
from addresses.resolution import Candidate, Element, Resolution
from addresses.text import Normalised
from addresses.tight import span

_ELEMENT: Final = {
    "DISTRICT": "13", "COMMUNITY": "31", "ROAD": "41", "ESTATE": "42", "PARK": "industrial_park", "GROUP": "34", "SITE": "poi",
    "BUILDING": "poi", AREA: "42",
}  # fmt: skip
_TOKEN_ELEMENT: Final = {
    "g": "34", "l": "sub_road", "n": "road_no", "b": "building", "u": "unit", "f": "floor", "r": "room", "x": "road_no",
    "#": "building", "?": "road_no", "-": "road_no", "p": "phone", "d": "distance", "o": "noise",
}  # fmt: skip
KIND_WORD: Final = ("official", "alias", "former", "short")


def reasons_of(index: Index, found: Found) -> tuple[tuple[str, str], ...]:
    """The reasons for a place: each name with what it was taken for, each number, what is not known or speaks against it."""
    reasons: list[tuple[str, str]] = []
    for at, group in enumerate(found.mention.groups):
        name = group.name
        if name is None:
            continue
        meaning = found.meaning if at == found.group else None
        if meaning is None:
            meaning = next((m for m in name.entry.meanings if m.place in found.supports), None)
        if meaning is None:
            if name.entry.level == "DISTRICT":
                reasons.append(("district", name.entry.name))
            elif "crossed" in found.marks:
                reasons.append(("crossing", name.entry.name))
            else:
                reasons.append((f"against.{name.entry.level.lower()}", name.entry.name))
            continue
        how = f".{name.fuzzy}" if name.fuzzy else f".{KIND_WORD[meaning.kind]}" if meaning.kind else ""
        reasons.append((index.level(meaning.place).lower() + how, name.entry.name))
    reading = found.reading
    if reading is not None:
        if reading.key:
            reasons.append(("key", reading.key))
        if reading.unit:
            reasons.append(("unit", reading.unit))
        if reading.room:
            reasons.append(("room", reading.room))
    reasons += [(mark, "") for mark in found.marks if mark != "crossed"]
    if found.mention.crossing:
        reasons.append(("crossing", ""))
    if found.mention.beside:
        reasons.append(("beside", ""))
    return tuple(reasons)


def resolution_of(
    index: Index, answer: Answer, given: Normalised, back: list[int] | None, mentions: list[Mention]
) -> Resolution:
    """An answer with codes in place of positions in the index, the alternatives once each, and the elements of the whole text.

    Args:
        back: for each character that was read, its position in the normalised text; None where all of it was read.
    """
    best = None
    if answer.best is not None:
        at = answer.best
        best = Candidate(index.code(at.place), index.level(at.place), at.confidence, at.because)
    others: list[Candidate] = []
    if answer.alternatives:
        seen = {best.code} if best else set()
        for each in sorted(answer.alternatives, key=lambda c: -c.confidence):
            code = index.code(each.place)
            if code and code not in seen:
                seen.add(code)
                others.append(Candidate(code, index.level(each.place), each.confidence, each.because))
    return Resolution(answer.outcome, best, tuple(others), _elements(index, given, back, mentions, answer))


def _elements(
    index: Index, given: Normalised, back: list[int] | None, mentions: list[Mention], answer: Answer
) -> tuple[Element, ...]:
    spans: list[tuple[int, int, str]] = []
    for mention in mentions:
        top = (
            answer.top
            if answer.mention is not None and answer.mention.start <= mention.start < answer.mention.end
            else None
        )
        read = top.mention if top is not None else mention
        for away in read.away:
            spans.append((away.start, away.end, "12" if away.entry.name.endswith("市") else "13"))
        for at, group in enumerate(read.groups):
            if group.name is not None:
                spans.append((group.name.start, group.name.end, _element(index, group.name)))
            if group.tokens:
                _label(spans, group.tokens, top.reading if top is not None and top.group == at else None)
        spans.extend((t.start, t.end, _TOKEN_ELEMENT[t.kind]) for t in read.noise)
    spans.sort()
    plain = back is None and given.starts is None
    elements: list[Element] = []
    done = 0
    for start, end, kind in spans:
        if start < done or start >= end:
            continue
        a, b = (start, end) if plain else span(given, back, start, end)
        elements.append(Element(kind, given.given[a:b], a, b))
        done = end
    return tuple(elements)


def _element(index: Index, name: Name) -> str:
    level = name.entry.level
    if level == "STREET" or level == "COMMUNITY":
        official = index.official.get(name.entry.meanings[0].place, name.entry.name)
        if level == "COMMUNITY":
            return "33" if official.endswith("村") else "31"
        return "22" if official.endswith("镇") else "23" if official.endswith("街道") else "dev_zone"
    if level == AREA and "园" in name.entry.name:
        return "industrial_park"
    return _ELEMENT.get(level, "poi")


def _label(spans: list[tuple[int, int, str]], tokens: Sequence[Token], reading: Reading | None) -> None:
    """The tokens as elements, by what the reading took them for."""
    for token in tokens:
        kind = _TOKEN_ELEMENT[token.kind]
        value = token.value
        if reading is not None and token.kind in "?#nb-":
            if token.kind == "-":
                kind = "room" if reading.room else "road_no"
            elif f"b{value}" in reading.key:
                kind = "building"
            elif f"n{value}" in reading.key:
                kind = "road_no"
            elif reading.room and reading.room.endswith(value):
                kind = "room"
            elif reading.unit == value:
                kind = "unit"
        spans.append((token.start, token.end, kind))
