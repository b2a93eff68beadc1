"""The places that are known, by code and by name, and what an address in a feed means among them.

Here a place is found by its code, by another authority's code, or by its exact or normalised full name; when the whole is
not known, the deepest part of it that is. It never guesses: a name that two places have is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from addresses.scheme import Scheme

_SPACE = re.compile(r"[\s　,,。;;]+")
_UPPER = re.compile(r"^(?:中国)?(?:浙江省?)?(?:杭州市?)?")
_BUILDING = re.compile(r"(?<=[0-9A-Z])(?:号楼|栋|#楼?|座)")
# Where a full name can be cut so that what is left still names a place.
_CUT = re.compile(
    r"(?<=[室户])|(?<=单元)|(?<=幢)|(?<=号)|(?<=组)|(?<=社区)|(?<=村)|(?<=街道)|(?<=镇)|(?<=区)|(?<=[路街弄巷])"
)


def normalise(text: str) -> str:
    """The form in which names are compared: half-width, no blanks, no province and city, `幢` for other words for a building."""
    folded = _SPACE.sub("", unicodedata.normalize("NFKC", text)).upper()
    return _BUILDING.sub("幢", _UPPER.sub("", folded))


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A known place: its code, level, the grid that it names itself, names to find it by, and codes of other authorities."""

    code: str
    level: str
    own_grid: str | None
    names: tuple[str, ...]
    local: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """What an address in a feed means. `code` is None when no place is sure; `how` says what it was found by."""

    code: str | None
    level: str | None
    confidence: float
    how: str


NOWHERE = Placement(None, None, 0.0, "none")


class Gazetteer:
    """Known places in memory."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._places: dict[str, PlaceRecord] = {}
        self._names: dict[str, set[str]] = {}
        self._local: dict[str, str] = {}
        self._tree: set[str] = set()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, code: str) -> bool:
        return code in self._places

    def codes(self) -> Iterable[str]:
        return self._places.keys()

    def put(self, place: PlaceRecord) -> None:
        self.remove(place.code)
        self._places[place.code] = place
        for name in place.names:
            self._names.setdefault(normalise(name), set()).add(place.code)
        for local in place.local:
            self._local[local] = place.code

    def remove(self, code: str) -> None:
        old = self._places.pop(code, None)
        if old is None:
            return
        for name in old.names:
            found = self._names.get(normalise(name))
            if found is not None:
                found.discard(code)
                if not found:
                    del self._names[normalise(name)]
        for local in old.local:
            self._local.pop(local, None)

    def level(self, code: str) -> str | None:
        place = self._places.get(code)
        return place.level if place else None

    def grid_of(self, code: str) -> str | None:
        """The micro-grid of a place: the one it names, else that of the nearest place above it that names one."""
        place = self._places.get(code)
        if place is None:
            return None
        if place.own_grid is not None:
            return place.own_grid
        if place.level in ("GRID", "MICRO_GRID"):
            return code
        if self.scheme.level_of(code) is None or (parsed := self.scheme.parse(code)).independent:
            return None
        for above in reversed(parsed.ancestors):
            found = self._places.get(above)
            if found is not None and found.own_grid is not None:
                return found.own_grid
        return None

    def place_key(self, code: str) -> str | None:
        """The place key of a place of the tree; None for grids, roads and estates."""
        if self.scheme.level_of(code) is None:
            return None
        return None if self.scheme.parse(code).independent else self.scheme.key(code)

    def resolve(
        self,
        code: str | None,
        text: str | None,
        authority: str | None = None,
        local: str | None = None,
    ) -> Placement:
        """Finds the place that a row names; the surest way first."""
        if code is not None:
            if code in self._places:
                return Placement(code, self._places[code].level, 1.0, "code")
            folded = code.strip().upper()
            if folded in self._places:
                return Placement(folded, self._places[folded].level, 1.0, "code")
        if local is not None:
            found = self._local.get(f"{authority}:{local}")
            if found is not None:
                return Placement(found, self._places[found].level, 1.0, "authority code")
        if text is not None:
            placement = self._by_text(text)
            if placement.code is not None:
                return placement
        if code is not None and (level := self.scheme.level_of(code)) is not None and level:
            for above in reversed(self.scheme.ancestors(code)):
                if above in self._places:
                    return Placement(above, self._places[above].level, 0.8, "code of a place above")
        return NOWHERE

    def _by_text(self, text: str) -> Placement:
        name = normalise(text)
        found = self._names.get(name)
        if found is not None:
            if len(found) > 1:
                return NOWHERE
            code = next(iter(found))
            return Placement(code, self._places[code].level, 1.0, "name")
        cuts = sorted({m.start() for m in _CUT.finditer(name)} - {0, len(name)}, reverse=True)
        for cut in cuts:
            found = self._names.get(name[:cut])
            if found is not None and len(found) == 1:
                code = next(iter(found))
                level = self._places[code].level
                if level == "DISTRICT":
                    return NOWHERE
                return Placement(code, level, 0.9, "part of a name")
        return NOWHERE
