"""What a text that names a place is understood as: outcome, place, confidence, the parse and the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Outcome(StrEnum):
    """What became of a text (api: `Outcome`).

    RESOLVED: one place is sure, at some level. ASK: several places are possible, and a person should pick.
    UNRESOLVED: no place of the district is known by it. OUTSIDE: it names a place outside the district.
    """

    RESOLVED = "RESOLVED"
    ASK = "ASK"
    UNRESOLVED = "UNRESOLVED"
    OUTSIDE = "OUTSIDE"


class Element(NamedTuple):
    """Which characters of the text as given are which element of an address.

    Attributes:
        type: a code of `catalog/terms/address_element.yaml` (GA/T 2000.32 where it is known).
        text: the characters as given.
        start, end: their offsets in the text as given, half-open.
    """

    type: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that a text may mean.

    Attributes:
        code: its current code.
        level: its level (`DISTRICT` … `DWELLING`, `SITE`, `ROAD`, `ESTATE`).
        confidence: 0 to 1, calibrated: of candidates given 0.9 nine in ten are the place that was meant, or one above it.
        because: reasons, each a key with its words, as `("building", "4幢")`.
    """

    code: str
    level: str
    confidence: float
    because: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text was understood as. `alternatives` are in falling confidence and leave `best` out.

    When `outcome` is ASK, `best` is the deepest place that all alternatives lie in and that is sure, or None.
    When it is RESOLVED, `best` is never None.
    """

    outcome: Outcome
    best: Candidate | None = None
    alternatives: tuple[Candidate, ...] = ()
    parse: tuple[Element, ...] = ()


class Resolver(Protocol):
    """Finds the places that texts name."""

    def resolve(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        """One text. `near`: code of a place in or by which it is more likely. `first`: how many alternatives at most."""
        ...

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        """The places that a sentence or a message names: start, end in it, and each one's resolution."""
        ...
