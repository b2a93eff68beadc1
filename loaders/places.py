"""The address base as the fold sees it: the gazetteer, and what each address in a feed was resolved to."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from addresses.gazetteer import Gazetteer, Placement, PlaceRecord
from addresses.scheme import Scheme
from ledger import Records
from loaders.mapping import address_id, split_place_key


class PlaceBase:
    """Known places and kept resolutions. Implements `loaders.fold.Places`."""

    def __init__(self, scheme: Scheme, records: Records) -> None:
        self.scheme = scheme
        self._records = records
        self.clear()
        self._load()

    def clear(self) -> None:
        """Forgets every place and resolution."""
        self.gazetteer = Gazetteer(self.scheme)
        self._codes: dict[str, str] = {}
        self._areas: dict[tuple[str | None, str | None], frozenset[str]] = {}
        self._resolved: dict[str, Placement] = {}
        self._fresh: dict[str, Placement] = {}
        self.grids: dict[str, str | None] = {}

    def reload(self) -> None:
        """Reads the record store again, after another process may have changed it."""
        self.clear()
        self._load()

    def _load(self) -> None:
        states = self._records.db.execute(
            "SELECT id, state FROM folded WHERE id >= 'adr_' AND id < 'adr`'"
        ).fetchall()
        decoded = [(id, orjson.loads(state)) for id, state in states]
        self._codes = {id: s["p"]["code"] for id, s in decoded if "code" in s["p"]}
        for _, state in decoded:
            values = state["p"]
            if "code" not in values:
                continue
            own = next((self._codes.get(x[2]) for x in state["l"] if x[0] == "IN_GRID"), None)
            self.gazetteer.put(place_record(values, own))
            self.grids[values["code"]] = values.get("grid")
        rows = self._records.db.execute("SELECT key, code, level, confidence, how FROM resolution")
        self._resolved = {r[0]: Placement(r[1], r[2], r[3], r[4]) for r in rows}

    def put(self, place: PlaceRecord) -> None:
        self.gazetteer.put(place)
        self._codes[address_id(place.code)] = place.code

    def remove(self, id: str) -> None:
        code = self._codes.pop(id, None)
        if code is not None:
            self.gazetteer.remove(code)

    def placed(self, key: str) -> Placement:
        found = self._resolved.get(key)
        if found is None:
            found = self.gazetteer.resolve(*split_place_key(key))
            self._resolved[key] = self._fresh[key] = found
        return found

    def code_of(self, id: str) -> str | None:
        return self._codes.get(id)

    def level(self, code: str) -> str | None:
        return self.gazetteer.level(code)

    def grid_of(self, code: str) -> str | None:
        return self.gazetteer.grid_of(code)

    def place_key(self, code: str) -> str | None:
        return self.gazetteer.place_key(code)

    def at_level(self, code: str, level: str) -> str | None:
        return self.scheme.at_level(code, level) if self.scheme.level_of(code) is not None else None

    def areas(self, place: str | None, grid: str | None) -> frozenset[str]:
        """Codes of everything that a place key and a grid code lie in, themselves included; known places or not."""
        found = self._areas.get((place, grid))
        if found is None:
            codes: set[str] = set()
            if place is not None:
                codes.update(
                    self._chain(place.removesuffix(self.scheme.separator) if self.scheme.separator else place)
                )
            if grid is not None:
                codes.update(self._chain(grid))
            found = self._areas[place, grid] = frozenset(codes)
        return found

    def _chain(self, code: str) -> list[str]:
        return self.scheme.chain(code) if self.scheme.level_of(code) is not None else []

    def changed(self) -> Iterator[str]:
        """Resolves every kept address text again, and gives those that now mean something else."""
        for key, old in list(self._resolved.items()):
            new = self.gazetteer.resolve(*split_place_key(key))
            regridded = old.code is not None and self.grids.get(old.code) != self.grid_of(old.code)
            if new != old or regridded:
                self._resolved[key] = self._fresh[key] = new
                yield key

    def regridded(self) -> Iterator[str]:
        """Codes of places whose grid is now another; remembers the new one."""
        for code in self.gazetteer.codes():
            grid = self.grid_of(code)
            if self.grids.get(code) != grid:
                self.grids[code] = grid
                yield code

    def keep(self) -> None:
        """Writes fresh resolutions; call inside a ledger transaction."""
        self._records.db.executemany(
            "INSERT OR REPLACE INTO resolution (key, code, level, confidence, how) VALUES (?,?,?,?,?)",
            ((k, p.code, p.level, p.confidence, p.how) for k, p in self._fresh.items()),
        )
        self._fresh = {}


def place_record(values: dict[str, object], own_grid: str | None) -> PlaceRecord:
    """What the gazetteer keeps of an address' values."""
    names = [str(values[f]) for f in ("full_name",) if values.get(f)]
    aliases = values.get("aliases")
    if isinstance(aliases, list):
        names += [str(a) for a in aliases]
    local = values.get("other_codes")
    return PlaceRecord(
        str(values["code"]),
        str(values.get("level") or ""),
        own_grid,
        tuple(names),
        tuple(local) if isinstance(local, list) else (),
    )
