"""The places that are known, by code and by another authority's code. What a text means among them is `addresses.resolver`'s."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from addresses.scheme import Scheme

_SPACE = re.compile(r"[\s　,,。;;]+")
_UPPER = re.compile(r"^(?:中国)?(?:浙江省?)?(?:杭州市?)?")
_BUILDING = re.compile(r"(?<=[0-9A-Z])(?:号楼|栋|#楼?|座)")


def normalise(text: str) -> str:
    """The form in which names are compared: half-width, no blanks, no province and city, `幢` for other words for a building."""
    folded = _SPACE.sub("", unicodedata.normalize("NFKC", text)).upper()
    return _BUILDING.sub("幢", _UPPER.sub("", folded))


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A known place.

    Attributes:
        own_grid: code of the grid that it names itself.
        names: to find it by: its full name, then others.
        local: codes of other authorities, as `authority:code`.
        name: its own name, as `4幢`.
        parent: code of the place that it says it lies in.
        part_of: codes of its road and its estate.
        former: earlier names.
        former_codes: its earlier codes.
    """

    code: str
    level: str
    own_grid: str | None
    names: tuple[str, ...]
    local: tuple[str, ...] = ()
    name: str = ""
    parent: str | None = None
    part_of: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    former_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """What an address in a feed means. `code` is None when no place is sure; `how` says what it was found by."""

    code: str | None
    level: str | None
    confidence: float
    how: str


NOWHERE = Placement(None, None, 0.0, "none")


class Stored(Protocol):
    """Known places that are kept elsewhere than in memory."""

    def __len__(self) -> int: ...
    def has(self, code: str) -> bool: ...
    def record(self, code: str) -> PlaceRecord | None: ...
    def level(self, code: str) -> str | None: ...
    def own_grid(self, code: str) -> str | None: ...
    def by_local(self, local: str) -> str | None: ...
    def codes(self) -> Iterator[str]: ...
    def records(self) -> Iterator[PlaceRecord]: ...


class Gazetteer:
    """Known places: those that were put, over those that are stored."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._places: dict[str, PlaceRecord] = {}
        self._local: dict[str, str] = {}
        self._stored: Stored | None = None
        # Codes of stored places that are other than they are stored: put since, or removed.
        self._over: set[str] = set()

    def rest_on(self, stored: Stored | None) -> None:
        """Lets go of all that is in memory: what is known is what is stored."""
        self._places, self._local, self._over = {}, {}, set()
        self._stored = stored

    @property
    def is_as_stored(self) -> bool:
        """Whether nothing was put or removed since it rests on what is stored."""
        return not self._places and not self._over

    def __len__(self) -> int:
        return len(self._places) + (len(self._stored) - len(self._over) if self._stored is not None else 0)

    def __contains__(self, code: str) -> bool:
        return code in self._places or self._below(code) is not None

    def _below(self, code: str) -> Stored | None:
        """Where a place is stored, as far as it still is as it is stored."""
        stored = self._stored
        return stored if stored is not None and code not in self._over and stored.has(code) else None

    def _is_stored(self, code: str) -> bool:
        return code not in self._over and code not in self._places

    def codes(self) -> Iterable[str]:
        if self._stored is None:
            return self._places.keys()
        return itertools.chain(self._places, (c for c in self._stored.codes() if self._is_stored(c)))

    def places(self) -> Iterable[PlaceRecord]:
        """All known places, in no order."""
        if self._stored is None:
            return self._places.values()
        stored = (p for p in self._stored.records() if self._is_stored(p.code))
        return itertools.chain(self._places.values(), stored)

    def fresh(self) -> Iterable[PlaceRecord]:
        """The places that were put since the others were stored."""
        return self._places.values()

    def put(self, place: PlaceRecord) -> None:
        self.remove(place.code)
        self._places[place.code] = place
        for local in place.local:
            self._local[local] = place.code

    def remove(self, code: str) -> None:
        if self._stored is not None and code not in self._over and self._stored.has(code):
            self._over.add(code)
        old = self._places.pop(code, None)
        if old is None:
            return
        for local in old.local:
            if self._local.get(local) == code:
                del self._local[local]

    def level(self, code: str) -> str | None:
        place = self._places.get(code)
        if place is not None:
            return place.level
        return stored.level(code) if (stored := self._below(code)) is not None else None

    def own_grid(self, code: str) -> str | None:
        """The grid that a place names itself."""
        place = self._places.get(code)
        if place is not None:
            return place.own_grid
        return stored.own_grid(code) if (stored := self._below(code)) is not None else None

    def full_name(self, code: str) -> str | None:
        """The first of a place's names, which is its full one."""
        place = self.place(code)
        return place.names[0] if place is not None and place.names else None

    def grid_of(self, code: str) -> str | None:
        """The micro-grid of a place: the one it names, else that of the nearest place above it that names one."""
        level = self.level(code)
        if level is None:
            return None
        own = self.own_grid(code)
        if own is not None:
            return own
        if level in ("GRID", "MICRO_GRID"):
            return code
        if self.scheme.level_of(code) is None or (parsed := self.scheme.parse(code)).independent:
            return None
        for above in reversed(parsed.ancestors):
            found = self.own_grid(above)
            if found is not None:
                return found
        return None

    def standing(self, code: str) -> str | None:
        """The place of the tree that what is at a place stands in: the place itself, or what a grid, a road, an estate, a park or a village
        group lies in, as far as that is less than the district."""
        now: str | None = code
        for _ in range(4):
            if now is None or self.scheme.level_of(now) is None:
                break
            if not (parsed := self.scheme.parse(now)).independent:
                return now if now == code or parsed.level != self.scheme.top else None
            held = self.place(now)
            now = (held.parent if held is not None else None) or parsed.parent
        return None

    def place_key(self, code: str) -> str | None:
        """The place key of a place of the tree; None for grids, roads and estates."""
        if self.scheme.level_of(code) is None:
            return None
        return None if self.scheme.parse(code).independent else self.scheme.key(code)

    def place(self, code: str) -> PlaceRecord | None:
        """What is known of a code."""
        held = self._places.get(code)
        if held is not None or self._stored is None or code in self._over:
            return held
        return self._stored.record(code)

    def by_code(self, code: str | None, authority: str | None = None, local: str | None = None) -> Placement:
        """The place of a code, or of another authority's."""
        if code is not None:
            for each in dict.fromkeys((code, code.strip().upper())):
                level = self.level(each)
                if level is not None:
                    return Placement(each, level, 1.0, "code")
        if local is not None:
            name = f"{authority}:{local}"
            found = self._local.get(name)
            if found is None and self._stored is not None:
                found = self._stored.by_local(name)
                found = found if found is not None and self._is_stored(found) else None
            if found is not None:
                return Placement(found, self.level(found), 1.0, "authority code")
        return NOWHERE

    def above(self, code: str | None) -> Placement:
        """The nearest known place above one whose code is not known."""
        if code is not None and (level := self.scheme.level_of(code)) is not None and level:
            for above in reversed(self.scheme.ancestors(code)):
                if (at := self.level(above)) is not None:
                    return Placement(above, at, 0.8, "code of a place above")
        return NOWHERE
