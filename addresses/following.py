"""The resolver over places that come, change and go: one index, brought up to the known places when it is asked to.

What it answers is what an index built of the known places would answer, in whatever order these came: changes of units and rooms, and new
buildings, are laid over the index; where a name has changed by which others are found, it is built anew. Who only follows
(`exact=False`) lays everything over a large one, to have it at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from addresses.calibration import FITTED, load_calibration
from addresses.gazetteer import Gazetteer, PlaceRecord
from addresses.index import Index, Place, StaleIndex
from addresses.outside import load_outside
from addresses.parallel import ParallelReaders
from addresses.resolution import Resolution
from addresses.resolver import VERSION, AddressResolver

_ORDER: Final = {
    "DISTRICT": 0, "STREET": 1, "COMMUNITY": 2, "GRID": 3, "MICRO_GRID": 4, "ZONE": 5, "ROAD": 6, "ESTATE": 7, "PARK": 8, "GROUP": 9,
    "SITE": 10, "BUILDING": 11, "UNIT": 12, "DWELLING": 13,
}  # fmt: skip
_LEAVES: Final = frozenset({"UNIT", "DWELLING"})
# An index of so many places is built within a moment.
SMALL: Final = 60_000
# Fewer are not worth a file.
LEAST_KEPT: Final = 5_000
# A file that is so many changes behind is written anew.
BEHIND: Final = 20_000
# The state of places that are about to be kept: no process that comes later takes the file for its own.
PASSING: Final = "passing"
_NUMBER_ONLY: Final = re.compile(r"[0-9A-Z甲乙丙丁戊己庚辛一二三四五六七八九十百]+(?:号楼|号|幢|栋|座|楼|#)?")

Change = tuple[PlaceRecord | None, PlaceRecord | None]


class FollowingResolver:
    """Implements `addresses.resolution.Resolver` over a gazetteer.

    Args:
        path: where the index is kept between processes; None for nowhere.
    """

    version = f"{VERSION}-{hashlib.blake2b(FITTED.read_bytes(), digest_size=4).hexdigest()}"

    def __init__(self, gazetteer: Gazetteer, path: Path | None = None) -> None:
        self._gazetteer = gazetteer
        self._path = path
        self._outside, self._calibration = load_outside(), load_calibration()
        self._resolver = self._over(Index.of(gazetteer.scheme))
        # Whether something lies over the index that an index built anew would have otherwise.
        self._rough = False

    # -- the protocol -----------------------------------------------------------------------------------------------

    def normal(self, text: str) -> str:
        """The form of a text under which a person's decision about it is kept."""
        return self._resolver.normal(text)

    def resolve(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        return self._resolver.resolve(text, near, first)

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        return self._resolver.places_in(text, near)

    @property
    def index(self) -> Index:
        """The index as it is now."""
        return self._resolver.index

    # -- keeping up -------------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Builds the index of all known places anew."""
        self._rough = False
        self._resolver = self._over(Index.of(self._gazetteer.scheme, self._all()))

    def open(self) -> str | None:
        """Takes the index that is kept, of whatever state of the places; the state's fingerprint, None when none is kept."""
        if self._path is None:
            return None
        try:
            index = Index.open(self._gazetteer.scheme, self._path)
        except StaleIndex:
            return None
        self._resolver, self._rough = self._over(index), False
        return index.fingerprint

    def keep(self, fingerprint: str, building: Callable[[], None] = lambda: None) -> None:
        """Writes the index of the known places for the next process, where that saves it time.

        Args:
            fingerprint: names the state of the places.
            building: called before anything is written.
        """
        index = self._resolver.index
        if self._path is None or len(self._gazetteer) < LEAST_KEPT:
            return
        if index.fingerprint.partition(":")[0] == fingerprint.partition(":")[0] and index.changes < BEHIND:
            return
        building()
        if index.changes or self._rough:
            made = Index.build(self._gazetteer.scheme, self._all(), self._path, fingerprint)
        else:
            made = index.save(self._path, fingerprint)
        self._rough = False
        self._resolver = self._over(made)

    def readers(self, many: int) -> ParallelReaders | None:
        """Processes that read texts as this does now, over a file of its index; None where one alone would, or nothing is kept in files."""
        if many < 2 or self._path is None or self._rough or self._resolver.index.changes:
            return None
        self.keep(PASSING)
        if self._resolver.index.fingerprint != PASSING:
            return None
        return ParallelReaders(many, self._gazetteer.scheme, self._path, PASSING)

    def bring(self, changes: Mapping[str, Change], exact: bool = True) -> None:
        """Takes places that were put into the gazetteer, changed or removed: code → (before, after).

        Args:
            exact: whether it must answer as an index built anew would, however long that takes.
        """
        lies_over = _lies_over(changes)
        must = (exact or len(self._gazetteer) <= SMALL) and (self._rough or not lies_over)
        if must or len(changes) * 5 > len(self._gazetteer):
            if changes or self._rough:
                self.rebuild()
            return
        self._rough |= not lies_over
        index = self._resolver.index
        for code, (_, after) in changes.items():
            if after is None:
                index.remove(code)
        wanted = {code for code, (_, after) in changes.items() if after is not None} | self.below(changes)
        records = (record for code in wanted if (record := self._gazetteer.place(code)) is not None)
        for record in sorted(records, key=lambda r: (_ORDER.get(r.level, 99), r.code)):
            index.put(self._place(record))

    def below(self, changes: Mapping[str, Change]) -> set[str]:
        """Codes of the known places that lie in, or belong to, one that changed."""
        found = {
            c
            for c, (old, new) in changes.items()
            if (new or old) is not None and _level(old, new) != "DWELLING"
        }
        if not found:
            return set()
        start = set(found)
        scheme, known = self._gazetteer.scheme, self._gazetteer
        more = True
        while more:
            more = False
            for code in self._resolver.index.below(found):
                if code not in found and code in known:
                    found.add(code)
                    more = True
            for record in known.fresh():
                if record.code in found:
                    continue
                above = record.parent
                if above is None or above not in known:
                    above = scheme.parent(record.code) if scheme.level_of(record.code) is not None else None
                if above in found or any(c in found for c in record.part_of):
                    found.add(record.code)
                    more = True
        return found - start

    def _all(self) -> Iterable[Place]:
        return (self._place(record) for record in self._gazetteer.places())

    def _place(self, record: PlaceRecord) -> Place:
        known = self._gazetteer
        full = record.names[0] if record.names else record.name
        return Place(
            record.code,
            record.level,
            record.name,
            full,
            record.parent if record.parent is not None and record.parent in known else None,
            tuple(c for c in record.part_of if c in known),
            record.own_grid if record.own_grid is not None and record.own_grid in known else None,
            record.names[1:],
            record.former,
            record.local,
            record.former_codes,
        )

    def _over(self, index: Index) -> AddressResolver:
        return AddressResolver(index, self._outside, self._calibration)


def _level(old: PlaceRecord | None, new: PlaceRecord | None) -> str:
    record = new or old
    return record.level if record is not None else ""


def _lies_over(changes: Mapping[str, Change]) -> bool:
    """Whether changes laid over an index make it what one built anew would be."""
    for old, new in changes.values():
        level = _level(old, new)
        if level in _LEAVES or level in ("GRID", "MICRO_GRID", "ZONE"):
            continue
        # A new building is found below what it is called by. One that is gone, or called otherwise, leaves that behind.
        if (
            level == "BUILDING"
            and old is None
            and new is not None
            and _NUMBER_ONLY.fullmatch(new.name.upper())
        ):
            continue
        return False
    return True
