"""What an address text determines, given the whole address base: the ceiling that no honest resolver passes.

A text states facts; a fact is the set of values that its words admit (a mistyped name admits every name that is as near to it
as the true one). All places that contradict the fewest facts are equally good readings; what they have in common is what the text
determines.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from seed.places import HOUSE, Places

STREET_CODE, COMMUNITY_CODE, BUILDING_CODE, UNIT_CODE, DWELLING_CODE = 9, 12, 16, 18, 22
LEVELS: Final = {9: "STREET", 12: "COMMUNITY", 16: "BUILDING", 18: "UNIT", 22: "DWELLING"}
"""Length of a code → its level; a site is a `SITE` by its number."""

NAMED: Final = ("street", "community", "estate", "road", "park", "site")
"""Kinds of names that a text may have wrong."""

_GROUP: Final = re.compile(r"(\d+)组(\d+)号$")
_FAMILY: Final = re.compile(r"^(..+?)[东南西北中](路)$")
Key = tuple[str, str, int]


def level_of(code: str) -> str:
    """The level of a code of the tree."""
    if len(code) == BUILDING_CODE and code[12] == "9" and code[12:] != "9000":
        return "SITE"
    return LEVELS[len(code)]


def common(codes: Iterable[str]) -> str | None:
    """The deepest place that all of them lie in, None when that is no deeper than the district."""
    found = set(codes)
    for length in (DWELLING_CODE, UNIT_CODE, BUILDING_CODE, COMMUNITY_CODE, STREET_CODE):
        heads = {code[:length] for code in found}
        if (
            len(heads) == 1
            and len(head := heads.pop()) == length
            and not (length == UNIT_CODE and head.endswith("00"))
        ):
            return head
    return None


def above(code: str) -> str | None:
    """The place of the tree above, at a building's level or higher; None above a street."""
    return next((code[:n] for n in (BUILDING_CODE, COMMUNITY_CODE, STREET_CODE) if n < len(code)), None)


def within(place: str | None, other: str) -> bool:
    """Whether `other` is `place` or lies in it."""
    return place is not None and other.startswith(place)


def short_street(name: str) -> str:
    """北干街道 → 北干; a name that would be left with one character stays."""
    cut = re.sub(r"(?:街道|镇)$", "", name)
    return cut if len(cut) >= 2 else name


def short_community(name: str) -> str:
    """北干一苑社区 → 北干一苑, 紫霞村 → 紫霞."""
    cut = re.sub(r"(?:社区|村)$", "", name)
    return cut if len(cut) >= 2 else name


def family(road: str) -> str | None:
    """市心中路 → 市心路, what people call all parts of it; None for a road without parts."""
    match = _FAMILY.match(road)
    return match[1] + match[2] if match else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states.

    Attributes:
        streets, communities: codes that its words admit; None when it names none.
        local: one set of keys (kind, name, number) for each way in which it names the building; all must hold.
        areas: codes of estates or roads that it names without a number.
        sites: indices of sites.
        mistyped: whether the community's name is written wrongly.
        section: whether it names a part of the estate that the base does not know, whose buildings may be numbered anew.
        unit, room: numbers within the building; a room is floor × 100 + its number on the floor.
    """

    streets: frozenset[str] | None = None
    communities: frozenset[str] | None = None
    local: tuple[frozenset[Key], ...] = ()
    areas: frozenset[str] | None = None
    sites: frozenset[int] | None = None
    unit: int | None = None
    room: int | None = None
    mistyped: bool = False
    section: bool = False


class AddressIndex:
    """The address base by what a text can name a place by."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.communities = {c.code: c for c in places.communities}
        self.streets = {c.street: c.street_name for c in places.communities}
        self._street: dict[str, set[str]] = defaultdict(set)
        self._community: dict[str, set[str]] = defaultdict(set)
        for code, name in self.streets.items():
            self._street[name].add(code)
            self._street[short_street(name)].add(code)
        for code, community in self.communities.items():
            self._community[community.name].add(code)
            self._community[short_community(community.name)].add(code)
        also: dict[str, list[str]] = defaultdict(list)
        self.former: dict[str, list[str]] = defaultdict(list)
        self.everyday: dict[str, list[str]] = defaultdict(list)
        for code, level, kind, name in places.names.select("code", "level", "kind", "name").iter_rows():
            also[code].append(name)
            (self.former if kind == "曾用名" else self.everyday)[code].append(name)
            if level == "镇街":
                self._street[name].add(code)
            elif level == "村社":
                self._community[name].add(code)
        rows = places.upper.filter(pl.col("层级").is_in(["道路", "小区"])).select(
            "地址编码", "上级编码", "层级", "名称"
        )
        self.area_parent: dict[str, str] = {}
        self.area_name: dict[str, str] = {}
        self._area: dict[tuple[str, str], set[str]] = defaultdict(set)
        for code, parent, level, name in rows.iter_rows():
            kind = "road" if level == "道路" else "estate"
            self.area_parent[code], self.area_name[code] = parent, name
            if kind == "road" and (whole := family(name)):
                self.everyday[code].append(whole)
                also[code].append(whole)
            for one in (name, *also[code]):
                self._area[kind, one].add(code)
        b = places.buildings
        self.code = b["code"].to_list()
        self.kind = b["kind"].to_list()
        self.units = b["units"].to_list()
        self.floors = b["floors"].to_list()
        self.per_floor = b["per_floor"].to_list()
        self.estate = b["estate"].to_list()
        self.road = b["road"].to_list()
        self.number = [int(door[:-1]) if door else 0 for door in b["door"].to_list()]
        self.name = b["name"].to_list()
        self.park: list[str | None] = []
        self._by: dict[Key, list[int]] = defaultdict(list)
        for i, full in enumerate(b["full"].to_list()):
            park = None
            if (estate := self.estate[i]) is not None:
                number = self.tower(i)
                for one in (self.area_name[estate], *also[estate]):
                    self._by["estate", one, number].append(i)
            elif self.kind[i] == HOUSE:
                group, house = self.house(i)
                self._by["group", str(group), house].append(i)
            elif self.name[i].endswith("幢"):
                park = full.removeprefix(self.communities[self.code[i][:12]].full).removesuffix(self.name[i])
                self._by["park", park, self.tower(i)].append(i)
            self.park.append(park)
            if (road := self.road[i]) is not None:
                for one in (self.area_name[road], *also[road]):
                    self._by["road", one, self.number[i]].append(i)
        self.site_code = places.sites["code"].to_list()
        self.site_name = places.sites["name"].to_list()
        self._site: dict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(self.site_name):
            self._site[name].append(i)
        parks = {park for park in self.park if park}
        self._vocabulary = {
            "street": sorted(self._street), "community": sorted(self._community), "park": sorted(parks),
            "estate": sorted(n for k, n in self._area if k == "estate"),
            "road": sorted(n for k, n in self._area if k == "road"), "site": sorted(self._site),
        }  # fmt: skip
        self._words = {kind: frozenset(names) for kind, names in self._vocabulary.items()}

    # -- what names mean --------------------------------------------------------------------------------------------

    def tower(self, building: int) -> int:
        """The number of a building in its estate or park."""
        return int(self.name[building][:-1])

    def house(self, building: int) -> tuple[int, int]:
        """Group and number of a village house."""
        match = _GROUP.search(self.name[building])
        assert match is not None, self.name[building]
        return int(match[1]), int(match[2])

    def street_codes(self, names: Iterable[str]) -> frozenset[str]:
        """Codes of the streets that are or were called one of the names."""
        return frozenset(code for name in names for code in self._street[name])

    def community_codes(self, names: Iterable[str]) -> frozenset[str]:
        """Codes of the communities that are or were called one of the names."""
        return frozenset(code for name in names for code in self._community[name])

    def area_codes(self, kind: str, names: Iterable[str]) -> frozenset[str]:
        """Codes of the estates or roads that are or were called one of the names."""
        return frozenset(code for name in names for code in self._area[kind, name])

    def site_rows(self, names: Iterable[str]) -> frozenset[int]:
        """Indices of the sites of these names."""
        return frozenset(row for name in names for row in self._site[name])

    def known(self, kind: str, name: str) -> bool:
        """Whether something of the kind is called so."""
        return name in self._words[kind]

    def as_near(self, kind: str, written: str, true: str) -> frozenset[str]:
        """Names of the kind that are at least as near to what is written as the true one (insertions, deletions, swaps)."""
        distance = OSA.distance(written, true)
        found = process.extract(
            written, self._vocabulary[kind], scorer=OSA.distance, score_cutoff=distance, limit=None
        )
        return frozenset(name for name, _, _ in found) | {true}

    def with_stem(self, kind: str, stem: str, word: re.Pattern[str]) -> frozenset[str]:
        """Names of the kind that are the stem, or become it when the word that says what is named is left out."""
        return frozenset(n for n in self._vocabulary[kind] if n == stem or word.sub("", n) == stem)

    # -- what a text determines -------------------------------------------------------------------------------------

    def readings(self, facts: Facts) -> set[str]:
        """Codes of the places that contradict the fewest of the facts."""
        found: dict[str, int] = {}
        if facts.local:
            rows = set.intersection(
                *({i for key in keys for i in self._by.get(key, ())} for keys in facts.local)
            )
            for row in rows:
                inside, lacking = self._inside(row, facts.unit, facts.room)
                missed = self._missed(self.code[row], facts) + lacking
                for code in inside:
                    found[code] = missed
            for code in self._elsewhere(facts, rows):
                found[code] = self._missed(code, facts)
        elif facts.sites is not None:
            found = {self.site_code[i]: self._missed(self.site_code[i], facts) for i in facts.sites}
        elif facts.areas is not None:
            found = {p: self._missed(p, facts) for p in {self.area_parent[code] for code in facts.areas}}
        elif facts.communities is not None:
            found = {code: self._missed(code, facts) for code in facts.communities}
        elif facts.streets is not None:
            return set(facts.streets)
        if not found:
            return set()
        least = min(found.values())
        return {code for code, missed in found.items() if missed == least}

    def _elsewhere(self, facts: Facts, rows: set[int]) -> set[str]:
        """Where a village house may also stand though the base knows none there: in any village that the text leaves open, since
        every village has a 2组5号 and no base is complete. That the base knows one such house alone is no reason to guess.
        """
        if not any(key[0] == "group" for keys in facts.local for key in keys):
            return set()
        known = {self.code[row][:COMMUNITY_CODE] for row in rows}
        if facts.communities is None:
            return self.communities.keys() - known
        if not facts.mistyped:
            return set(facts.communities - known)
        names = {short_community(self.communities[code].name) for code in known & facts.communities}
        return {c for c in facts.communities - known if short_community(self.communities[c].name) in names}

    def determined(self, facts: Facts) -> str | None:
        """The deepest place that is common to all readings; None when they have but the district in common."""
        found = common(self.readings(facts))
        return found[:COMMUNITY_CODE] if found and facts.section else found

    @staticmethod
    def _missed(code: str, facts: Facts) -> int:
        missed = facts.streets is not None and code[:STREET_CODE] not in facts.streets
        if facts.communities is None:
            return int(missed)
        if len(code) == STREET_CODE:  # a road: some community of its street must be one of them
            return int(missed) + (not any(c.startswith(code) for c in facts.communities))
        return int(missed) + (code[:COMMUNITY_CODE] not in facts.communities)

    def _inside(self, row: int, unit: int | None, room: int | None) -> tuple[list[str], int]:
        """Codes of what unit and room may be in a building, and how many of the two it lacks."""
        code, units, per = self.code[row], self.units[row], self.per_floor[row]
        if unit is None and room is None:
            return [code], 0
        if unit is not None and unit > units:
            return [code], 1
        if room is None:
            return [f"{code}{unit:02d}"], 0
        if not (1 <= room // 100 <= self.floors[row] and 1 <= room % 100 <= per):
            return [code if unit is None else f"{code}{unit:02d}"], 1
        if unit is not None or units == 0:
            return [f"{code}{unit or 0:02d}{room:04d}"], 0
        return [f"{code}{u:02d}{room:04d}" for u in range(1, units + 1)], 0
