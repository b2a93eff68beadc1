"""The gazetteer's index (地名索引): every known place, by code, by name, and by what stands below a named place.

It is a file in the data directory, mapped into memory: columns of numbers, a pool of codes, and two sorted tables of hashes. A place is
its position in that file (below `len(index)`). Changes since it was written lie in dictionaries beside it, so that a place put now is found now;
`build` writes the file anew. The file is written beside the old one and renamed, holds a checksum, and names the state of the store
that it was made from (`fingerprint`), so that a half-written or an old one is not taken for a good one.

Names of places above buildings (and of buildings, sites and areas that have a name of their own) are few and lie in memory.
A building, unit or dwelling is found below its named place by its key (`b4`, `g3n12`, `u1`, `r301`: see `addresses.designation`).
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import struct
import tempfile
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np

from addresses.designation import readings, scan
from addresses.scheme import Scheme
from addresses.text import arabic, normalise
from ontology.errors import UsageError

FORMAT: Final = 2
_MAGIC: Final = b"QXGAZ\x00\x00\x01"
_NONE: Final = 0xFFFFFFFF
AREA: Final = "AREA"
"""The level of what only names of places below it show: an industrial park or hamlet that the base has no row of. It has no code."""

_NAMED: Final = ("DISTRICT", "STREET", "COMMUNITY", "ROAD", "ESTATE", "PARK", "GROUP", "SITE")
_NUMBERED: Final = ("BUILDING", "UNIT", "DWELLING")
_UPPER: Final = ("DISTRICT", "STREET", "COMMUNITY")


class NameKind(IntEnum):
    """How a name is one of a place's: as the base writes it, another name, an earlier one, or a part that people leave it at."""

    OFFICIAL = 0
    ALIAS = 1
    FORMER = 2
    SHORT = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A place as the base has it.

    Attributes:
        code: its current code; level: of `catalog/terms/address_level.yaml`.
        name: its own name (`4幢`, `东方名苑`); full_name: with the places above.
        parent: code of the place that it lies in, None for the scheme's own parent.
        part_of: codes of its road and its estate.
        grid: code of the grid that it names itself.
        aliases, former: other and earlier names, own or full.
        local: codes of other authorities as `authority:code`; former_codes: earlier codes of its own.
    """

    code: str
    level: str
    name: str = ""
    full_name: str = ""
    parent: str | None = None
    part_of: tuple[str, ...] = ()
    grid: str | None = None
    aliases: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    former_codes: tuple[str, ...] = ()


class Named(NamedTuple):
    """One meaning of a name: the place's position and how the name is its."""

    place: int
    kind: NameKind


_HEAD: Final = ("中国", "浙江省", "浙江", "杭州市", "杭州")
_COMMUNITY_ENDS: Final = (
    "社区居民委员会", "村民委员会", "社区居委会", "居民委员会", "村委会", "社区", "居委会", "村", "委会",
)  # fmt: skip
_STREET_ENDS: Final = ("街道", "镇", "乡")


def shorter(level: str, name: str) -> list[tuple[str, NameKind]]:
    """Other ways in which a name of a level is written: 江南村 → 江南村委会, 江南; 北干街道 → 北干街道办事处, 北干."""
    found: list[tuple[str, NameKind]] = []
    if level == "COMMUNITY":
        end = next((e for e in _COMMUNITY_ENDS if name.endswith(e) and len(name) > len(e) + 1), None)
        if end is not None:
            base = name[: -len(end)]
            village = "村" in end or end == "委会"
            full = ("村", "村委会", "村民委员会", "村村委会", "村居委会") if village else (
                "社区", "社区居委会", "居委会", "社区居民委员会", "居民委员会", "社区委员会",
            )  # fmt: skip
            found += [(base + each, NameKind.OFFICIAL) for each in full if base + each != name]
            found.append((base, NameKind.SHORT))
    elif level == "STREET":
        end = next((e for e in _STREET_ENDS if name.endswith(e) and len(name) > len(e) + 1), None)
        if end is not None:
            base = name[: -len(end)]
            office = ("街道办事处", "街道办", "街办") if end == "街道" else (f"{end}人民政府", f"{end}政府")
            found += [(base + each, NameKind.OFFICIAL) for each in office]
            found.append((base, NameKind.SHORT))
            # 瓜沥街道, said of a town: towns become streets, and people are early or late.
            found += [(base + other, NameKind.ALIAS) for other in _STREET_ENDS if other != end]
        elif name.startswith("萧山") and len(name) > 4 and not name.startswith(("萧山经济", "萧山商业")):
            found.append((name[2:], NameKind.SHORT))
    elif level == "DISTRICT":
        base = name.rstrip("区县市")
        if len(base) > 1:
            found += [(base + each, NameKind.ALIAS) for each in "市县区" if base + each != name]
            found.append((base, NameKind.SHORT))
    elif level == "ESTATE":
        if name.endswith("小区") and len(name) > 4:
            found.append((name[:-2], NameKind.ALIAS))
        elif not name.endswith(("区", "园区")):
            found.append((name + "小区", NameKind.ALIAS))
    elif level == "ROAD":
        for middle in ("南路", "中路", "北路", "东路", "西路"):
            if name.endswith(middle) and len(name) > 3:
                found.append((name[:-2] + "路", NameKind.SHORT))
    return found


def _strip(text: str, uppers: Iterable[str]) -> str:
    """The text without the names of places above at its start."""
    names = sorted({*uppers, *_HEAD}, key=len, reverse=True)
    again = True
    while again:
        again = False
        for name in names:
            if name and text.startswith(name) and len(text) > len(name):
                text = text[len(name) :]
                again = True
                break
    return text


def split_local(text: str) -> tuple[str, str]:
    """The part of a normalised name that names, and the key of the designations at its end: 东方名苑4幢 → (东方名苑, b4)."""
    tokens = scan(text)
    first = len(tokens)
    edge = len(text)
    while first and tokens[first - 1].end == edge and tokens[first - 1].kind not in "pdox":
        first -= 1
        edge = tokens[first].start
    if first == len(tokens):
        return text, ""
    reading = readings(tokens[first:])[0]
    key = reading.key
    if reading.unit:
        key += "u" + reading.unit
    if reading.room:
        key += "r" + reading.room
    return text[:edge].strip(" -"), key


def own_key(level: str, name: str) -> str:
    """The key of a unit or dwelling below its building: 1单元 → u1, 301室 → r301, A座 (a unit) → uA."""
    tokens = [t for t in scan(normalise(name).text) if t.kind not in "pdox"]
    letter = "u" if level == "UNIT" else "r"
    if not tokens:
        return letter + normalise(name).text.replace(" ", "")
    if level == "UNIT":
        return "u" + tokens[-1].value
    reading = readings(tokens)[0]
    if reading.room:
        return "r" + reading.room
    return "r" + tokens[-1].value


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


_KEYS: Final = 1 << 14
"""Keys whose check sum is kept: few are asked for again and again."""


def _child(anchor: int, key: str) -> int:
    return anchor << 32 | zlib.crc32(key.encode())


class Index:
    """Known places. One writer at a time; readers need no lock.

    Get one by `Index.build`, `Index.open` or, without a file, `Index.of`.
    """

    def __init__(self, scheme: Scheme, header: dict[str, object], buffer: memoryview) -> None:
        self.scheme = scheme
        self._buffer = buffer
        self._header = header
        arrays = header["arrays"]
        assert isinstance(arrays, dict)

        def column(name: str) -> memoryview:
            kind, start, length = arrays[name]
            return buffer[start : start + length].cast(kind)

        self._n = int(str(header["places"]))
        self._total = int(str(header["total"]))
        self.levels: list[str] = list(header["levels"])  # type: ignore[call-overload]
        self._code_pool = column("code_pool")
        self._code_at = column("code_at")
        self._level = column("level")
        self._parent = column("parent")
        self._road = column("road")
        self._estate = column("estate")
        self._grid = column("grid")
        self._key_hash = column("key_hash")
        self._key_place = column("key_place")
        self._child_hash = column("child_hash")
        self._child_place = column("child_place")
        text = bytes(column("names")).decode()
        self.names: dict[str, list[Named]] = {}
        """Every name in normalised form, with its meanings."""
        for line in text.split("\n"):
            if line:
                name, _, rest = line.partition("\t")
                self.names[name] = [
                    Named(int(p), NameKind(int(k))) for p, _, k in (m.partition(":") for m in rest.split(" "))
                ]
        self.official: dict[int, str] = {}
        """The name of a named place by its position."""
        for line in bytes(column("officials")).decode().split("\n"):
            if line:
                at, _, name = line.partition("\t")
                self.official[int(at)] = name
        self._lineage: dict[int, tuple[int, ...]] = {}
        self._chain: dict[int, list[int]] = {}
        self._crc: dict[str, int] = {}
        # Changes since the file was written.
        self._next = self._total
        self._changed: dict[int, _Change] = {}
        self._new_codes: dict[str, int] = {}
        self._new_keys: dict[str, int] = {}
        self._new_children: dict[tuple[int, str], list[int]] = {}
        self._gone: set[int] = set()
        self._new_areas: dict[tuple[int, str], int] = {}
        self._area_name: dict[int, tuple[int, str]] = {}
        self.version = 0
        """Grows with every change of a name, so that what is derived from names can be renewed."""
        self.changes = 0
        """How many places were put or removed since the file was written."""

    # -- making one ---------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, scheme: Scheme, places: Iterable[Place] = ()) -> Index:
        """An index in memory alone."""
        data = _built(scheme, places, "")
        header, buffer = _read(memoryview(data))
        return cls(scheme, header, buffer)

    @classmethod
    def build(cls, scheme: Scheme, places: Iterable[Place], path: Path, fingerprint: str) -> Index:
        """Writes the file and opens it. A kill on the way leaves the old file as it was."""
        data = _built(scheme, places, fingerprint)
        _write(path, [data])
        del data
        return cls.open(scheme, path, fingerprint)

    def save(self, path: Path, fingerprint: str) -> Index:
        """Writes the file of an index that nothing was changed of since it was built, and opens it.

        Raises:
            ValueError: when something was.
        """
        if self.changes:
            raise ValueError("places were put or removed since it was built")
        header = self._header | {"fingerprint": fingerprint}
        _write(path, [_head(header), self._buffer])
        return Index.open(self.scheme, path, fingerprint)

    @classmethod
    def open(cls, scheme: Scheme, path: Path, fingerprint: str | None = None) -> Index:
        """Maps the file.

        Raises:
            StaleIndex: when there is none, it is damaged, of another format, scheme or state of the store.
        """
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise StaleIndex(f"no index at {path.name}: {error}") from error
        header, buffer = _read(memoryview(mapped))
        if header.get("scheme") != [scheme.name, scheme.version]:
            raise StaleIndex("made with another scheme")
        if fingerprint is not None and header.get("fingerprint") != fingerprint:
            raise StaleIndex("the store has changed since it was made")
        return cls(scheme, header, buffer)

    @property
    def fingerprint(self) -> str:
        """The state of the store that the file was made from."""
        return str(self._header["fingerprint"])

    # -- places -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        new = sum(1 for at in self._changed if at >= self._total)
        return self._n - sum(1 for at in self._gone if at < self._n) + new

    def __contains__(self, code: str) -> bool:
        return self.at(code) is not None

    def codes(self) -> Iterator[str]:
        """All current codes, in no particular order."""
        for at in range(self._n):
            if at not in self._gone:
                yield self.code(at)
        for at in self._changed:
            if at >= self._total:
                yield self.code(at)

    def at(self, code: str) -> int | None:
        """The position of the place with this current code."""
        found = self._new_codes.get(code)
        if found is not None:
            return found
        for place in self._by_key("c" + code):
            if place not in self._gone and self.code(place) == code:
                return place
        return None

    def by_former(self, code: str) -> list[int]:
        """The places that had this code before."""
        return self._keyed("f" + code)

    def by_local(self, authority_code: str) -> list[int]:
        """The places that another authority numbers so (`authority:code`)."""
        return self._keyed("l" + authority_code)

    def code(self, at: int) -> str:
        """The current code of a place; "" for an area, which has none."""
        changed = self._changed.get(at)
        if changed is not None:
            return changed.code
        if at >= self._n:
            return ""
        return bytes(self._code_pool[self._code_at[at] : self._code_at[at + 1]]).decode()

    def level(self, at: int) -> str:
        """Its level."""
        if self._changed and (changed := self._changed.get(at)) is not None:
            return changed.level
        return self.levels[self._level[at]] if at < self._total else AREA

    def parent(self, at: int) -> int | None:
        """The place that it lies in."""
        if self._changed and (changed := self._changed.get(at)) is not None:
            if changed.parent is None and changed.parent_code is not None:
                changed.parent = self.at(changed.parent_code)
            return changed.parent
        if at >= self._total:
            return self._area_name[at][0] if at in self._area_name else None
        found = self._parent[at]
        return None if found == _NONE else found

    def grid(self, at: int) -> str | None:
        """The code of the grid that it names itself."""
        changed = self._changed.get(at)
        if changed is not None:
            return changed.grid
        if at >= self._total or self._grid[at] == _NONE:
            return None
        return self.code(self._grid[at])

    def lineage(self, at: int) -> tuple[int, ...]:
        """The place itself, those above it, and the roads and estates that it or one above it belongs to."""
        known = self._lineage.get(at)
        if known is not None:
            return known
        own = [at, *self._beside(at)]
        above = self.parent(at)
        if above is not None and above != at:
            own.extend(x for x in self.lineage(above) if x not in own)
        result = tuple(own)
        if at in self._changed or self.level(at) not in _NUMBERED:
            self._lineage[at] = result
        return result

    def chain(self, at: int) -> list[int]:
        """The place and those above it, upwards."""
        found: list[int] = []
        if self._changed or at >= self._total:
            now: int | None = at
            while now is not None and now not in found:
                found.append(now)
                now = self.parent(now)
            return found
        kept, above = self._chain, self._parent
        place = at
        while (known := kept.get(place)) is None:
            found.append(place)
            place = above[place]
            if place == _NONE or place in found:
                known = []
                break
        found += known
        # Those above a named place stay as long as nothing changes.
        for i, each in enumerate(found):
            if each in kept:
                break
            if self.levels[self._level[each]] not in _NUMBERED:
                kept[each] = found[i:]
        return found

    def below(self, codes: Iterable[str]) -> set[str]:
        """Codes of the places that lie in, or belong to, some places, those themselves left out."""
        named = set(codes)
        start = {at for code in named if (at := self.at(code)) is not None}
        columns = [np.frombuffer(c, np.uint32) for c in (self._parent, self._road, self._estate)]
        # What lies for now in something above a place that was not known.
        found = {at for at, change in self._changed.items() if change.parent_code in named} - start
        edge = start | found
        while edge:
            wanted = np.fromiter(edge, np.uint32, len(edge))
            hits = np.flatnonzero(np.logical_or.reduce([np.isin(column, wanted) for column in columns]))
            new = {int(at) for at in hits if int(at) not in self._changed and int(at) not in self._gone}
            new.update(
                at for at in self._changed if self.parent(at) in edge or not edge.isdisjoint(self._beside(at))
            )
            edge = new - found - start
            found |= edge
        return {code for at in found if (code := self.code(at))}

    def above(self, at: int, level: str) -> int | None:
        """The place itself or the one above it at this level."""
        return next((x for x in self.chain(at) if self.level(x) == level), None)

    def children(self, anchor: int, key: str) -> list[int]:
        """The places below a named place (or building, or unit) that have this key."""
        crc = self._crc.get(key)
        if crc is None:
            if len(self._crc) >= _KEYS:
                self._crc.clear()
            crc = self._crc[key] = zlib.crc32(key.encode())
        wanted = anchor << 32 | crc
        table, places = self._child_hash, self._child_place
        at = bisect_left(table, wanted)
        n = len(table)
        if at == n or table[at] != wanted:
            return list(self._new_children.get((anchor, key), ())) if self._new_children else []
        if not self._changed and not self._gone and (at + 1 == n or table[at + 1] != wanted):
            return [places[at]]
        found: list[int] = []
        while at < n and table[at] == wanted:
            place = places[at]
            if place not in self._gone and place not in self._changed and place not in found:
                found.append(place)
            at += 1
        if self._new_children:
            found.extend(p for p in self._new_children.get((anchor, key), ()) if p not in found)
        return found

    # -- changing -----------------------------------------------------------------------------------------------------

    def put(self, place: Place) -> None:
        """A new place, or what a known one now is."""
        known = self.at(place.code)
        if known is not None:
            self._forget(known)
        at = known
        if at is None:
            at = next((p for p in self._by_key("c" + place.code) if self._main_code(p) == place.code), None)
        if at is None:
            at, self._next = self._next, self._next + 1
        self._gone.discard(at)
        self._chain.clear()
        self.changes += 1
        parent_code = place.parent or _scheme_parent(self.scheme, place.code)
        change = _Change(place.code, place.level, parent_code, grid=place.grid)
        change.parent = self.at(parent_code) if parent_code else None
        above = None if place.parent else parent_code
        while change.parent is None and above is not None:
            # What its code says that it lies in is not known: then it lies in what is known above that.
            above = _scheme_parent(self.scheme, above)
            change.parent = self.at(above) if above is not None else None
        self._changed[at] = change
        self._new_codes[place.code] = at
        parts = [p for p in (self.at(c) for c in place.part_of) if p is not None]
        change.beside = parts
        self._lineage.pop(at, None)
        if place.level not in _NUMBERED:
            self._lineage.clear()
        facts = _facts(self, place, change.parent, parts)
        for kind, name in facts.names:
            self._name(name, at, kind)
            change.names.append(name)
        if facts.official:
            self.official[at] = facts.official
        for anchor, key in facts.keys:
            where = anchor if isinstance(anchor, int) else self._area(*anchor)
            self._new_children.setdefault((where, key), []).append(at)
            change.children.append((where, key))
            if where != change.parent and where not in change.beside:
                change.beside.append(where)
        for local in place.local:
            self._new_keys["l" + local] = at
            change.keys.append("l" + local)
        for former in place.former_codes:
            self._new_keys["f" + former] = at
            change.keys.append("f" + former)

    def remove(self, code: str) -> None:
        """Forgets a place; does nothing when there is none."""
        at = self.at(code)
        if at is None:
            return
        self._forget(at)
        self._changed.pop(at, None)
        self._gone.add(at)
        self._lineage.clear()
        self._chain.clear()
        self.changes += 1

    def _forget(self, at: int) -> None:
        change = self._changed.get(at)
        if change is None:
            if at in self.official:
                # The file's names of a place that is changed or gone.
                self._unname(at)
            return
        self._new_codes.pop(change.code, None)
        for key in change.keys:
            self._new_keys.pop(key, None)
        for child in change.children:
            places = self._new_children.get(child)
            if places is not None and at in places:
                places.remove(at)
                if not places:
                    del self._new_children[child]
        if change.names:
            self._unname(at, change.names)

    def _unname(self, at: int, names: Iterable[str] | None = None) -> None:
        for name in list(self.names if names is None else dict.fromkeys(names)):
            meanings = self.names.get(name)
            if meanings is not None and any(m.place == at for m in meanings):
                left = [m for m in meanings if m.place != at]
                if left:
                    self.names[name] = left
                else:
                    del self.names[name]
        self.official.pop(at, None)
        self.version += 1

    def _name(self, name: str, at: int, kind: NameKind) -> None:
        meanings = self.names.setdefault(name, [])
        if all(m.place != at for m in meanings):
            meanings.append(Named(at, kind))
            self.version += 1

    def _area(self, parent: int, name: str) -> int:
        """The area of this name below a place, made when it is first met."""
        for meaning in self.names.get(name, ()):
            if self.level(meaning.place) == AREA and self.parent(meaning.place) == parent:
                return meaning.place
        at, self._next = self._next, self._next + 1
        self._area_name[at] = (parent, name)
        self._name(name, at, NameKind.OFFICIAL)
        self.official[at] = name
        return at

    def _beside(self, at: int) -> Sequence[int]:
        changed = self._changed.get(at)
        if changed is not None:
            return changed.beside
        if at >= self._total:
            return ()
        return [x for x in (self._estate[at], self._road[at]) if x != _NONE]

    def _main_code(self, at: int) -> str:
        return bytes(self._code_pool[self._code_at[at] : self._code_at[at + 1]]).decode()

    def _by_key(self, key: str) -> list[int]:
        wanted = _hash(key)
        table = self._key_hash
        at = bisect_left(table, wanted)
        found = []
        while at < len(table) and table[at] == wanted:
            found.append(self._key_place[at])
            at += 1
        return found

    def _keyed(self, key: str) -> list[int]:
        new = self._new_keys.get(key)
        if new is not None:
            return [new]
        return [p for p in self._by_key(key) if p not in self._gone and p not in self._changed]


class StaleIndex(Exception):
    """The file cannot be used; build it anew."""


@dataclass(slots=True)
class _Change:
    code: str
    level: str
    parent_code: str | None
    grid: str | None = None
    parent: int | None = None
    beside: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    children: list[tuple[int, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


class _Facts(NamedTuple):
    names: list[tuple[NameKind, str]]
    official: str
    keys: list[tuple[int | tuple[int, str], str]]


class _Known(Protocol):
    """What `_facts` asks of the places that are known so far: of an index, or of one that is being built."""

    names: dict[str, list[Named]]
    official: dict[int, str]

    def level(self, at: int) -> str: ...

    def lineage(self, at: int) -> tuple[int, ...]: ...


_ROAD_END: Final = re.compile(r"(?:大道|公路|路|街|巷|弄|道|线)$")
_NUMERAL: Final = re.compile("[一二三四五六七八九十]+")


def _plain(text: str) -> str:
    return normalise(text).text.replace(" ", "")


def _uppers(known: _Known, at: int | None) -> tuple[str, ...]:
    """Names of a place and of those above it, longest first."""
    found: set[str] = set(_HEAD)
    for each in known.lineage(at) if at is not None else ():
        if known.level(each) in _UPPER and each in known.official:
            found.add(known.official[each])
    return tuple(sorted(found, key=len, reverse=True))


def _all_uppers(known: _Known) -> tuple[str, ...]:
    found = {name for at, name in known.official.items() if known.level(at) in _UPPER}
    return tuple(sorted(found | set(_HEAD), key=len, reverse=True))


def _scheme_parent(scheme: Scheme, code: str) -> str | None:
    try:
        return scheme.parent(code)
    except UsageError:
        return None


def _facts(
    known: _Known,
    place: Place,
    parent: int | None,
    parts: Sequence[int],
    uppers: tuple[str, ...] | None = None,
) -> _Facts:
    """The names and keys of a place, given its parent and the road and estate that it belongs to."""
    names: list[tuple[NameKind, str]] = []
    keys: list[tuple[int | tuple[int, str], str]] = []
    level = place.level
    if level in ("UNIT", "DWELLING"):
        if parent is not None:
            key = own_key(level, place.name or place.full_name)
            keys.append((parent, key))
            if (
                level == "DWELLING"
                and known.level(parent) == "UNIT"
                and len(line := known.lineage(parent)) > 1
            ):
                keys.append((line[1], "x" + key[1:]))
        return _Facts(names, "", keys)
    if level not in _NAMED and level != "BUILDING":
        return _Facts(names, "", keys)
    if uppers is None:
        uppers = _uppers(known, parent)
    texts = [(NameKind.OFFICIAL, t) for t in ([place.full_name] if place.full_name else [place.name])]
    if level != "BUILDING":
        texts = [(NameKind.OFFICIAL, place.name or place.full_name)]
    texts += [(NameKind.ALIAS, t) for t in place.aliases]
    texts += [(NameKind.FORMER, t) for t in place.former]
    official = ""
    for kind, text in texts:
        written = _plain(text)
        # An earlier name may say an earlier street.
        if text == place.name and place.full_name:
            # Its own name may begin with that of a place above: 萧山经济技术开发区大道.
            local = written
        else:
            local = _strip(written, _all_uppers(known) if kind == NameKind.FORMER else uppers)
        if not local:
            continue
        if level in ("BUILDING", "GROUP") or kind != NameKind.OFFICIAL:
            part, key = split_local(local)
            if level == "GROUP" and key:
                # 3组 below its village; 瓜沥镇3组 is no place.
                if not part and parent is not None:
                    keys.append((parent, key))
                continue
            if level == "BUILDING" and key:
                if not part:
                    if parent is not None:
                        keys.append((parent, key))
                        if key.startswith("g"):
                            # 瓜沥镇19组5号 leaves the village out; it may still be the only such house of the town.
                            keys.extend(
                                (at, key) for at in known.lineage(parent)[1:] if known.level(at) in _UPPER
                            )
                else:
                    anchor = _anchor(known, part, parent, parts)
                    if anchor is not None:
                        keys.append((anchor, key))
                continue
            if key and not part:
                continue
        if len(local) < 2:
            continue
        official = official or local
        names.append((kind, local))
        for other, how in shorter(level, local):
            names.append((max(how, kind) if kind == NameKind.FORMER else how, other))
    for kind, name in list(names):
        arabic_name = _NUMERAL.sub(lambda m: arabic(m.group()) or m.group(), name)
        if arabic_name != name:
            names.append((kind, arabic_name))
    return _Facts(names, official, list(dict.fromkeys(keys)))


def _anchor(
    known: _Known, name: str, parent: int | None, parts: Sequence[int]
) -> int | tuple[int, str] | None:
    """What a building's key is below: its estate or road by this name, another place of the name nearby, else an area."""
    for part in parts:
        # 大道 is left of 萧山经济技术开发区大道 when the names of places above are taken away.
        if known.official.get(part, "").endswith(name):
            return part
    for start in range(max(1, len(name) - 1)):
        tail = name[start:]
        meanings = known.names.get(tail)
        if not meanings:
            continue
        for meaning in meanings:
            if meaning.place in parts and meaning.kind != NameKind.SHORT:
                return meaning.place
        if parent is None:
            continue
        line = known.lineage(parent)
        for meaning in meanings:
            if meaning.kind != NameKind.SHORT and known.level(meaning.place) != "BUILDING":
                about = known.lineage(meaning.place)
                if parent in about:
                    return meaning.place
        for meaning in meanings:
            if known.level(meaning.place) == "ROAD" and meaning.kind != NameKind.SHORT:
                streets = [x for x in known.lineage(meaning.place) if known.level(x) == "STREET"]
                if not streets or any(x in line for x in streets):
                    return meaning.place
    if parent is None:
        return None
    owner = parent
    if _ROAD_END.search(name):
        owner = next((x for x in known.lineage(parent) if known.level(x) == "STREET"), parent)
    return owner, name


class _Building:
    """An index while it is built: places by position, in the order of their codes; areas after them."""

    def __init__(self, scheme: Scheme, places: Iterable[Place]) -> None:
        self.scheme = scheme
        self.levels: list[str] = [*scheme.levels, AREA]
        self._level_at = {level: i for i, level in enumerate(self.levels)}
        keyed: dict[tuple[str, str], str] = {}
        rows: dict[str, tuple[int, str | None, str | Place, str | None]] = {}
        self.others: list[tuple[str, str]] = []
        for place in places:
            level = place.level
            parent = place.parent
            what: str | Place = place
            if level == "UNIT" or level == "DWELLING":
                name = place.name or place.full_name
                key = keyed.get((level, name))
                if key is None:
                    key = keyed[level, name] = own_key(level, name)
                what = key
            if level not in self._level_at:
                continue
            rows[place.code] = (self._level_at[level], parent, what, place.grid)
            for local in place.local:
                self.others.append(("l" + local, place.code))
            for former in place.former_codes:
                self.others.append(("f" + former, place.code))
        self.codes = sorted(rows)
        self.where = {code: at for at, code in enumerate(self.codes)}
        self.n = len(self.codes)
        self.rows = [rows[code] for code in self.codes]
        del rows
        self.level_of = [row[0] for row in self.rows]
        self.parent_of: list[int] = []
        for code, row in zip(self.codes, self.rows, strict=True):
            above = self.where.get(row[1]) if row[1] else None
            if above is None and not row[1]:
                named = _scheme_parent(scheme, code)
                while named is not None and above is None:
                    above = self.where.get(named)
                    named = None if above is not None else _scheme_parent(scheme, named)
            self.parent_of.append(_NONE if above is None else above)
        self.road = [_NONE] * self.n
        self.estate = [_NONE] * self.n
        self.names: dict[str, list[Named]] = {}
        self.official: dict[int, str] = {}
        self.areas: dict[tuple[int, str], int] = {}
        self.child_hash: list[int] = []
        self.child_place: list[int] = []
        self._lines: dict[int, tuple[int, ...]] = {}
        self._fill()

    def level(self, at: int) -> str:
        return self.levels[self.level_of[at]]

    def lineage(self, at: int) -> tuple[int, ...]:
        known = self._lines.get(at)
        if known is not None:
            return known
        own = [at]
        seen = at
        while (above := self.parent_of[seen]) != _NONE and above not in own:
            own.append(above)
            seen = above
        result = tuple(own)
        if self.level(at) not in _NUMBERED:
            self._lines[at] = result
        return result

    def _fill(self) -> None:
        by_level: dict[str, list[int]] = {}
        for at, number in enumerate(self.level_of):
            by_level.setdefault(self.levels[number], []).append(at)
        for level in (*_NAMED, "BUILDING"):
            uppers: dict[int, tuple[str, ...]] = {}
            for at in by_level.get(level, ()):
                place = self.rows[at][2]
                assert isinstance(place, Place)
                parent = self.parent_of[at]
                above = None if parent == _NONE else parent
                if parent not in uppers:
                    uppers[parent] = _uppers(self, above)
                parts = [p for p in (self.where.get(c) for c in place.part_of) if p is not None]
                for part in parts:
                    side = self.road if self.level(part) == "ROAD" else self.estate
                    side[at] = part
                facts = _facts(self, place, above, parts, uppers[parent])
                if facts.official:
                    self.official[at] = facts.official
                for kind, name in facts.names:
                    meanings = self.names.setdefault(name, [])
                    if all(m.place != at for m in meanings):
                        meanings.append(Named(at, kind))
                for anchor, key in facts.keys:
                    where = anchor if isinstance(anchor, int) else self._area(*anchor)
                    self._child(where, key, at)
                    if where != above and self.level(where) in (AREA, "ROAD", "ESTATE", "PARK"):
                        side = self.road if self._is_road(where) else self.estate
                        if side[at] == _NONE:
                            side[at] = where
        for level in ("UNIT", "DWELLING"):
            unit = self._level_at.get("UNIT", -1)
            crc: dict[str, int] = {}
            for at in by_level.get(level, ()):
                parent = self.parent_of[at]
                if parent == _NONE:
                    continue
                key = str(self.rows[at][2])
                if key not in crc:
                    crc[key] = zlib.crc32(key.encode())
                self.child_hash.append(parent << 32 | crc[key])
                self.child_place.append(at)
                if level == "DWELLING" and self.level_of[parent] == unit and self.parent_of[parent] != _NONE:
                    self._child(self.parent_of[parent], "x" + key[1:], at)

    def _is_road(self, at: int) -> bool:
        return self.level(at) == "ROAD" or bool(_ROAD_END.search(self.official.get(at, "")))

    def _child(self, anchor: int, key: str, place: int) -> None:
        self.child_hash.append(_child(anchor, key))
        self.child_place.append(place)

    def _area(self, parent: int, name: str) -> int:
        known = self.areas.get((parent, name))
        if known is not None:
            return known
        at = self.n + len(self.areas)
        self.areas[parent, name] = at
        self.level_of.append(self._level_at[AREA])
        self.parent_of.append(parent)
        self.road.append(_NONE)
        self.estate.append(_NONE)
        self.official[at] = name
        self.names.setdefault(name, []).append(Named(at, NameKind.OFFICIAL))
        return at


def _built(scheme: Scheme, places: Iterable[Place], fingerprint: str) -> bytes:
    """The bytes of the file."""
    b = _Building(scheme, places)
    pool = [code.encode() for code in b.codes]
    code_at = np.zeros(b.n + 1, np.uint32)
    np.cumsum([len(c) for c in pool], out=code_at[1:])
    keys = [("c" + code, at) for at, code in enumerate(b.codes)]
    keys += [(key, b.where[code]) for key, code in b.others]
    key_hash = np.array([_hash(key) for key, _ in keys], np.uint64)
    key_place = np.array([at for _, at in keys], np.uint32)
    order = np.argsort(key_hash, kind="stable")
    child_hash = np.array(b.child_hash, np.uint64)
    child_place = np.array(b.child_place, np.uint32)
    children = np.argsort(child_hash, kind="stable")
    grid = np.array([b.where.get(row[3], _NONE) if row[3] else _NONE for row in b.rows], np.uint32)
    grid = np.concatenate([grid, np.full(len(b.areas), _NONE, np.uint32)])
    names = "\n".join(
        f"{name}\t{' '.join(f'{m.place}:{int(m.kind)}' for m in meanings)}"
        for name, meanings in b.names.items()
    )
    officials = "\n".join(f"{at}\t{name}" for at, name in b.official.items())
    columns: dict[str, tuple[str, bytes]] = {
        "key_hash": ("Q", key_hash[order].tobytes()),
        "child_hash": ("Q", child_hash[children].tobytes()),
        "key_place": ("I", key_place[order].tobytes()),
        "child_place": ("I", child_place[children].tobytes()),
        "code_at": ("I", code_at.tobytes()),
        "parent": ("I", np.array(b.parent_of, np.uint32).tobytes()),
        "road": ("I", np.array(b.road, np.uint32).tobytes()),
        "estate": ("I", np.array(b.estate, np.uint32).tobytes()),
        "grid": ("I", grid.tobytes()),
        "level": ("B", np.array(b.level_of, np.uint8).tobytes()),
        "code_pool": ("B", b"".join(pool)),
        "names": ("B", names.encode()),
        "officials": ("B", officials.encode()),
    }
    arrays: dict[str, tuple[str, int, int]] = {}
    body = bytearray()
    for name, (kind, data) in columns.items():
        body += b"\0" * (-len(body) % 8)
        arrays[name] = (kind, len(body), len(data))
        body += data
    header = {
        "format": FORMAT, "scheme": [scheme.name, scheme.version], "fingerprint": fingerprint, "places": b.n,
        "total": b.n + len(b.areas), "levels": b.levels, "arrays": arrays, "crc": zlib.crc32(body),
    }  # fmt: skip
    return _head(header) + bytes(body)


def _head(header: dict[str, object]) -> bytes:
    """What stands before the arrays of a file."""
    head = json.dumps(header, ensure_ascii=True).encode()
    head += b" " * (-(len(_MAGIC) + 8 + len(head)) % 8)
    return _MAGIC + struct.pack("<II", len(head), zlib.crc32(head)) + head


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _read(data: memoryview) -> tuple[dict[str, object], memoryview]:
    """The header and the arrays' bytes of a file. Raises `StaleIndex` for what is not whole."""
    start = len(_MAGIC) + 8
    if len(data) < start or bytes(data[: len(_MAGIC)]) != _MAGIC:
        raise StaleIndex("not an index of this format")
    length, crc = struct.unpack("<II", data[len(_MAGIC) : start])
    head = bytes(data[start : start + length])
    if len(head) != length or zlib.crc32(head) != crc:
        raise StaleIndex("its header is damaged")
    header: dict[str, object] = json.loads(head)
    body = data[start + length :]
    if header.get("format") != FORMAT or zlib.crc32(body) != header.get("crc"):
        raise StaleIndex("it is damaged or of another format")
    return header, body
