"""A place that a mention of an address may mean, as the resolver finds it, and what it comes to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from addresses.designation import Reading
from addresses.index import Named
from addresses.mentions import Mention, Name
from addresses.resolution import Outcome

ALIKE: Final = frozenset(("sound", "shape"))
"""Ways of writing a name wrong of which the sound or the shape says what was meant."""


@dataclass(slots=True)
class Found:
    """A place that a mention may mean, and how it was come to.

    Attributes:
        place: its position in the index. anchor: the named place that the numbers are below of.
        mention, group, meaning, reading: where it was read from; the mention has a guessed name more where it took one.
        marks: facts about the reading itself, as `missing.room`.
        agreed, against: (level, whether by a short name only) of the other names that speak for and against it.
        supports: places that the mention names and that the place lies in.
        others: the rooms where several fit.
    """

    place: int
    anchor: int
    mention: Mention
    group: int
    meaning: Named
    reading: Reading | None
    score: float
    marks: tuple[str, ...]
    agreed: tuple[tuple[str, bool], ...]
    against: tuple[tuple[str, bool], ...]
    supports: tuple[int, ...]
    others: tuple[int, ...] = ()


@dataclass(slots=True)
class Chosen:
    place: int
    confidence: float
    because: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Answer:
    outcome: Outcome
    best: Chosen | None = None
    alternatives: tuple[Chosen, ...] = ()
    mention: Mention | None = None
    top: Found | None = None
    facts: frozenset[str] = frozenset()


def falling(found: Found) -> float:
    return -found.score


def is_wild(found: Found) -> bool:
    """Whether it is found by a name that is written otherwise and sounds otherwise."""
    return any(
        g.name is not None and (g.name.fuzzy in ("close", "typo", "far") or g.name.inside)
        for g in found.mention.groups
    )


def is_street(found: Found) -> bool:
    """Whether a street or town was found that sounds like what is written, or is written like it at some length."""
    return any(
        name.fuzzy == "sound"
        or (
            name.fuzzy == "typo"
            and (len(name.entry.name) > 3 or name.end - name.start > len(name.entry.name))
        )
        for name in guessed_streets(found)
    )


def is_far_street(found: Found) -> bool:
    """Whether a street or town was guessed that is as likely another one elsewhere: 龙山镇 is not 坎山镇."""
    return bool(guessed_streets(found)) and not is_street(found)


def is_shaped_street(found: Found) -> bool:
    """Whether the streets and towns that were guessed look like what is written: what else is named must agree."""
    return bool(guessed_streets(found)) and all(n.fuzzy == "shape" for n in guessed_streets(found))


def guessed_streets(found: Found) -> list[Name]:
    names = (g.name for g in found.mention.groups)
    return [n for n in names if n is not None and n.fuzzy and n.entry.level == "STREET"]


def is_guessed(found: Found) -> bool:
    """Whether it is found by a name that is not quite written right, and that leaves nothing unexplained."""
    return any(g.name is not None and g.name.fuzzy and not g.name.inside for g in found.mention.groups)
