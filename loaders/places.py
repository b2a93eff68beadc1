"""The address base as the fold sees it: the gazetteer, people's decisions, and what each place that a row names was resolved to.

What a place key means is a function of the known places, people's picks and the resolver's version: of nothing that came
before. So what is kept of it is kept to save time, and read again where one of the three has changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from addresses import affected
from addresses.following import LEAST_KEPT, FollowingResolver
from addresses.gazetteer import Gazetteer, Placement, PlaceRecord
from addresses.genealogy import Change, Genealogy, Piece, chain_of_key
from addresses.parallel import Asked
from addresses.resolution import Candidate, Outcome, Resolution
from addresses.scheme import Scheme
from ledger import Ledger, Pick, Records
from loaders.mapping import SEPARATOR, address_id
from loaders.place_keys import DECISION, Held, KeyReader, Open
from loaders.place_store import PlaceFile, StoredPlaces, stored_places

# In the record store's `meta`: the version of the resolver that the kept resolutions are of.
RESOLVER = "resolver"
# In the record store's `meta`: the changes of places that the folded state heeds.
GENEALOGY = "genealogy"
_ADDRESSES = "SELECT id, state FROM folded WHERE id >= 'adr_' AND id < 'adr`'"
CACHED = 500_000
PART = 100_000


class PlaceBase:
    """Known places, what has become of them, picks and kept resolutions. Implements `loaders.fold.Places`."""

    def __init__(
        self,
        scheme: Scheme,
        records: Records,
        ledger: Ledger,
    ) -> None:
        self.scheme = scheme
        self._records = records
        self._ledger = ledger
        self._path = ledger.directory / "addresses.index"
        self.clear()
        self._load()

    # -- keeping up -------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forgets every place and resolution; places are being taken from then on."""
        self.gazetteer = Gazetteer(self.scheme)
        # Where the places are that are not in memory.
        self._stored: StoredPlaces | None = None
        self._file: PlaceFile | None = None
        self.resolver = FollowingResolver(self.gazetteer, self._path)
        self.genealogy = Genealogy(self.scheme)
        self._keys = self._reader()
        self._codes: dict[str, str | None] = {}
        # Ids of places that have had several codes → the codes; ids of their later codes alone, which stand for nothing.
        self._several: dict[str, tuple[str, ...]] = {}
        self._same: dict[str, str] = {}
        # Codes of which place keys must be looked at again though the places are called as they were.
        self._moved: set[str] = set()
        self._areas: dict[tuple[str | None, str | None], frozenset[str]] = {}
        self._cache: dict[str, Held] = {}
        self._fresh: dict[str, Held] = {}
        self._changes: dict[str, tuple[PlaceRecord | None, PlaceRecord | None]] = {}
        self._regridded: list[str] = []
        # Whether all places are new, and none need be told apart; and codes of places that the resolver is behind in.
        self._whole = True
        self._behind: dict[str, tuple[PlaceRecord | None, PlaceRecord | None]] = {}
        self._taking = True
        self.grids: dict[str, str | None] = {}
        self._state: tuple[str | None, int] = self._records.address_state()
        self._picks: dict[str, Pick] = {}
        self._last_pick = 0
        self._read_picks()

    def reload(self) -> None:
        """Reads the record store again, after another process may have changed it."""
        self.clear()
        self._load()

    def follow(self) -> bool:
        """Takes what another process has changed since the last look: places, resolutions, picks. Whether there was any."""
        if (self._records.meta(GENEALOGY) or "[]") != self._told_changes():
            self.reload()
            return True
        epoch, last = self._records.address_state()
        picked = self._read_picks()
        if picked:
            self._cache = {}
        if (epoch, last) == self._state:
            return picked
        ids = self._records.address_changes(self._state[1]) if epoch == self._state[0] else None
        if ids is None:
            self.reload()
            return True
        states = self._records.folded(ids)
        for id in ids:
            if id in states:
                self._take(id, orjson.loads(states[id]), again=True)
            elif (code := self._code_once(id)) is not None:
                self.grids.pop(code, None)
                self._codes[id] = code
                self.remove(id)
        self.resolver.bring(self._behind, exact=False)
        self._state = epoch, last
        self._changes, self._behind, self._cache = {}, {}, {}
        return True

    def settled(self) -> None:
        """Call it when the record store has what was put here: others follow from there, this one has it."""
        self._state = self._records.address_state()

    def _load(self) -> None:
        kept = self._records.meta(GENEALOGY)
        if kept is not None:
            self._set_genealogy(Genealogy(self.scheme, (Change(*c) for c in orjson.loads(kept))))
        self._rest()
        if self._stored is None:
            states = [(id, orjson.loads(state)) for id, state in self._records.db.execute(_ADDRESSES)]
            # The grids that addresses name are known by id: codes first.
            self._codes = {id: s["p"]["code"] for id, s in states if "code" in s["p"]}
            for id, state in states:
                self._take(id, state)
        if not self._open():
            self.resolver.rebuild()
        self._whole = self._taking = False

    def rest_in(self, path: Path) -> None:
        """Lets the places lie in a file, where there are many: none is put any more before they are stored."""
        if len(self.gazetteer) < LEAST_KEPT:
            return
        self._file = PlaceFile(path, lambda: self.resolver.index, self.gazetteer.places(), self.id_of)
        self.gazetteer.rest_on(self._file)
        self._codes, self.grids = {}, {}

    def _rest(self) -> None:
        """Lets the places lie where they are stored, where there are many."""
        if self._stored is not None and self.gazetteer.is_as_stored:
            self._codes, self.grids = {}, {}
            return
        # All of a large district's are counted once: that takes longer than to load a few rows.
        size = len(self.gazetteer) if self._stored is not None else stored_places(self._records)
        if size < LEAST_KEPT:
            return
        stored = StoredPlaces(self._records, size, lambda: self.resolver.index, self.id_of, self._record_of)
        self._stored, self._file = stored, None
        self.gazetteer.rest_on(stored)
        self._codes, self.grids = {}, {}

    def _open(self) -> bool:
        """Takes the index that an earlier process left, and what has changed since; whether that could be done."""
        epoch, _, seq = (self.resolver.open() or "").partition(":")
        if epoch != self._state[0] or not seq.isdigit():
            return False
        ids = self._records.address_changes(int(seq))
        if ids is None:
            return False
        codes = {code for id in ids if (code := self.code_of(id)) is not None}
        if len(codes) < len(ids):
            return False
        self.resolver.bring(
            {c: self._unlike(p) for c in codes if (p := self.gazetteer.place(c)) is not None}, exact=False
        )
        return True

    def _unlike(self, place: PlaceRecord) -> tuple[PlaceRecord | None, PlaceRecord]:
        """A change to a place of which it is not known what it was before: as if it had been called otherwise, where it was known."""
        return (None if self.resolver.index.at(place.code) is None else place), place

    def persist(self, progress: Callable[[], None] = lambda: None) -> None:
        """Leaves the index for the next process; call it when the record store has all that was put here."""
        epoch, seq = self._records.address_state()
        self.resolver.keep(f"{epoch}:{seq}", progress)
        self._rest()

    def _take(self, id: str, state: dict[str, Any], again: bool = False) -> None:
        """Takes a place from its folded state. `again`: it is stored otherwise than it was."""
        made = self._as_stored(state)
        if made is None:
            return
        if again and self._stored is not None:
            self._stored.forget(made.code, id)
        self.put(made)
        self.grids[made.code] = state["p"].get("grid")
        place = self.gazetteer.place(made.code)
        if again and self._stored is not None and place is not None:
            self._behind[place.code] = self._unlike(place)

    def _as_stored(self, state: Mapping[str, Any]) -> PlaceRecord | None:
        values = state["p"]
        if "code" not in values:
            return None
        said: dict[str, list[tuple[str, str]]] = {}
        for type, _, end, _, link in state["l"]:
            if type in ("IN_GRID", "PART_OF") and (code := self.code_of(end)) is not None:
                said.setdefault(type, []).append((link.get("until", ""), code))
        ends = {type: [code for until, code in each if until == max(each)[0]] for type, each in said.items()}
        if "parent" in values:
            ends["IN"] = [values["parent"]]
        return place_record(values, Surroundings.of(ends))

    def _record_of(self, id: str, state: Mapping[str, Any]) -> PlaceRecord | None:
        """A stored place as it is known; None for what stands for nothing any more."""
        made = self._as_stored(state)
        if made is None or (self.genealogy and self.id_of(made.code) != id):
            return None
        return self._as_of_today(made) if self.genealogy else made

    def _code_once(self, id: str) -> str | None:
        """The code of an address that is no longer stored."""
        if (code := self.code_of(id)) is not None or self._stored is None:
            return code
        return next((c for c in self.resolver.index.codes() if self.id_of(c) == id), None)

    def put(self, place: PlaceRecord) -> None:
        """Takes a place as it now is."""
        if self.genealogy:
            place = self._as_of_today(place)
        self._codes[self.id_of(place.code)] = place.code
        old = self.gazetteer.place(place.code)
        if old == place:
            return
        self.gazetteer.put(place)
        self._note(place.code, old, place)

    def remove(self, id: str) -> None:
        """Lets go of a place."""
        code = self.code_of(id)
        self._codes[id] = None
        if code is None:
            return
        known = code in self.gazetteer
        old = self.gazetteer.place(code)
        self.gazetteer.remove(code)
        if known:
            self._note(code, old, None)

    def _note(self, code: str, old: PlaceRecord | None, new: PlaceRecord | None) -> None:
        if self._whole:
            return
        for changes in (self._changes, self._behind):
            before = changes[code][0] if code in changes else old
            changes[code] = before, new

    def taking(self) -> None:
        """Places are about to be put and removed: what a text means meanwhile is worth nothing afterwards."""
        self._taking = True

    def taken(self) -> None:
        """All places are known."""
        if self._whole:
            self.resolver.rebuild()
        else:
            self.resolver.bring(self._behind)
        self._whole = self._taking = False
        self._behind = {}
        self._cache = {}

    # -- what a row's place is --------------------------------------------------------------------------------------

    def placed(self, key: str) -> Placement:
        return self.held(key).placement

    def held(self, key: str) -> Held:
        """What a place key means."""
        if self._taking:
            return self._keys.resolve(key)
        found = self._cache.get(key) or self._kept(key)
        if found is None:
            found = self._fresh[key] = self._keys.resolve(key)
        # What is to be kept stays known; a first load has millions of those, and copying them is for seldom.
        if len(self._cache) >= CACHED + len(self._fresh):
            self._cache = dict(self._fresh)
        self._cache[key] = found
        return found

    def find(self, parts: Iterable[Sequence[str]], many: int = 1) -> Iterator[list[Placement]]:
        """What keys mean that nobody asked about before, part by part: kept in the record store, and not in memory.

        Args:
            many: in how many processes their texts are read, where there are many of them.
        """
        readers = self.resolver.readers(many)
        if readers is None:
            for keys in parts:
                yield self._kept_now(keys, [self._keys.resolve(key) for key in keys])
            return
        begun: deque[tuple[Sequence[str], list[Held | Open]]] = deque()

        def asked() -> Iterator[list[Asked]]:
            for keys in parts:
                opened = [self._keys.opened(key) for key in keys]
                begun.append((keys, opened))
                yield [(o.text, o.above.code) for o in opened if isinstance(o, Open) and o.text is not None]

        with readers:
            for answers in readers.read(asked()):
                keys, opened = begun.popleft()
                said = iter(answers)
                found = [o if isinstance(o, Held) else self._keys.closed(o, said) for o in opened]
                yield self._kept_now(keys, found)

    def _kept_now(self, keys: Sequence[str], found: Sequence[Held]) -> list[Placement]:
        with self._records.transaction():
            self._put(zip(keys, found, strict=True))
        return [held.placement for held in found]

    def _kept(self, key: str) -> Held | None:
        row = self._records.db.execute(
            "SELECT code, level, confidence, how, outcome, others FROM resolution WHERE key = ?", (key,)
        ).fetchone()
        # Without an outcome it is of an earlier version.
        return None if row is None or row[4] is None else _held(row)

    # -- texts of anybody -------------------------------------------------------------------------------------------

    def read(self, text: str, near: str | None = None, first: int = 5) -> Resolution:
        """What a text is understood as; a person's pick of it goes before all."""
        said = self.resolver.resolve(text, near, first)
        return self._as_picked(text, said)

    def places_in(self, text: str, near: str | None = None) -> list[tuple[int, int, Resolution]]:
        """The places that a sentence names, each with its range in it."""
        return [
            (start, end, self._as_picked(text[start:end], said))
            for start, end, said in self.resolver.places_in(text, near)
        ]

    def _as_picked(self, text: str, said: Resolution) -> Resolution:
        pick = self._picked(text)
        if pick is None or pick.code is None:
            return said
        words = " ".join(x for x in (pick.judge, pick.at[:10], pick.reason) if x)
        level = self.gazetteer.level(pick.code) or ""
        best = Candidate(pick.code, level, 1.0, ((DECISION, words),))
        return Resolution(Outcome.RESOLVED, best, (), said.parse)

    # -- picks ------------------------------------------------------------------------------------------------------

    def _read_picks(self) -> bool:
        """Reads what people picked, if there is more of it than before."""
        if (last := self._ledger.last_pick()) == self._last_pick:
            return False
        self._last_pick = last
        self._picks = {self.resolver.normal(pick.text): pick for pick in self._ledger.picks()}
        return True

    def _picked(self, text: str) -> Pick | None:
        """What a person said of a text, as far as it names a place that is known."""
        if not self._picks:
            return None
        pick = self._picks.get(self.resolver.normal(text))
        if pick is None or pick.code is None or pick.code not in self.gazetteer:
            return None
        return pick

    def pick_of(self, text: str) -> Pick | None:
        """What a person last said of a text, whether the place is known or not."""
        return self._picks.get(self.resolver.normal(text))

    def picks(self) -> list[Pick]:
        """What people picked and did not take back, the newest first."""
        return sorted((p for p in self._picks.values() if p.code is not None), key=lambda p: -p.no)

    def full_names(self, ids: dict[str, str]) -> dict[str, str]:
        """Code → full name, for addresses by id → code, as far as they are known."""
        states = self._records.folded(list(ids))
        found = {ids[id]: orjson.loads(state)["p"] for id, state in states.items()}
        return {code: p["full_name"] for code, p in found.items() if "full_name" in p}

    def picked_anew(self, texts: Iterable[str]) -> list[str]:
        """Reads the picks again, and resolves the place keys of these texts again; gives those that now mean another place."""
        self._read_picks()
        wanted = {self.resolver.normal(t) for t in texts}
        column = affected.folded(pl.col("said"))
        test = pl.any_horizontal([affected.may_be(column, normal) for normal in sorted(wanted)])
        keys = [
            key
            for part in self._scan()
            for key, text, sentence in part.filter(test).select("key", "text", "sentence").iter_rows()
            if self.resolver.normal(text) in wanted or (sentence and self.resolver.normal(sentence) in wanted)
        ]
        return self._again(keys)

    # -- what has become of places ----------------------------------------------------------------------------------

    def take_changes(self, changes: Iterable[Change]) -> set[str]:
        """Takes the changes of places as they now are; gives the ids of all addresses that may stand otherwise for it.

        Call it, and `keep_changes`, inside a transaction of the record store.
        """
        old, new = self.genealogy, Genealogy(self.scheme, changes)
        if old.changes == new.changes:
            return set()
        named = {x for c in set(old.changes) ^ set(new.changes) for x in (c.old, c.new) if x}
        ids: set[str] = {address_id(code) for code in named}
        touched: set[str] = set()
        codes = set(self.gazetteer.codes()) | named
        for code in codes:
            if not (old.concerns(code) or new.concerns(code)):
                continue
            eras = {era.code for g in (old, new) for era in g.line(code)}
            if eras & named or any(above in named for each in eras for above in self._above_code(each)):
                touched |= eras
                ids |= {address_id(g.identity(each)) for g in (old, new) for each in eras}
        beside = set[str]()
        for g in (old, new):
            for c in named:
                for h in g.holders(c):
                    ids.add(address_id(g.identity(c, h.since or "0")))
        for g in (old, new):
            touched |= {
                x for c in named for end in (g.ended(c), g.begun(c)) if end is not None for x in end.codes
            }
            for place, entries in g.moves().items():
                if entries != (old if g is new else new).moves().get(place):
                    beside |= {era.code for each in (old, new) for era in each.line(place)}
        ids |= {address_id(code) for code in touched | beside}
        self._set_genealogy(new)
        for code in touched | beside:
            known = self.gazetteer.place(code)
            if known is not None:
                self.gazetteer.remove(code)
                self._note(code, known, None)
        for id, held in list(self._codes.items()):
            if held is not None and self.id_of(held) != id:
                del self._codes[id]
        self._moved |= touched
        return ids

    def _set_genealogy(self, genealogy: Genealogy) -> None:
        self.genealogy = genealogy
        self._keys = self._reader()
        self._several, self._same = {}, {}
        if self._stored is not None:
            self._stored.forget()
        for code in sorted(genealogy.codes):
            for holder in genealogy.holders(code):
                self.id_of(code, holder.since or "0")

    def _reader(self) -> KeyReader:
        return KeyReader(self.gazetteer, self.resolver, self.genealogy, self._picked)

    def keep_changes(self) -> None:
        self._records.set_meta(GENEALOGY, self._told_changes())

    def _told_changes(self) -> str:
        return orjson.dumps([list(c) for c in self.genealogy.changes]).decode()

    def _as_of_today(self, place: PlaceRecord) -> PlaceRecord:
        """A place that names others by the codes that they have today."""

        def now(code: str) -> str:
            return self.genealogy.current(code)

        return replace(
            place,
            own_grid=now(place.own_grid) if place.own_grid is not None else None,
            parent=now(place.parent) if place.parent is not None else None,
            part_of=tuple(sorted(map(now, place.part_of))),
        )

    def _above_code(self, code: str) -> tuple[str, ...]:
        return self.scheme.parse(code).ancestors if self.scheme.level_of(code) is not None else ()

    def id_of(self, code: str, day: str | None = None) -> str:
        """The id of the place that has a code; or of that which had it on a day, where several have had it."""
        if self.genealogy.still(code):
            return address_id(code)
        who = self.genealogy.identity(code, day)
        id = address_id(who)
        if id not in self._several:
            codes = tuple(dict.fromkeys(era.code for era in self.genealogy.line(code, day)))
            if len(codes) > 1 or codes[0] != who:
                self._several[id] = codes
                for each in codes:
                    raw = address_id(each)
                    if raw != id and all(h.number or h.came for h in self.genealogy.holders(each)):
                        self._same[raw] = id
        return id

    def id_for(self, identity: str) -> str:
        """The id of the place that an identity stands for."""
        return address_id(identity)

    def known_as(self, raw: str) -> str:
        """The id of the place that an id made of one of its codes is of."""
        return self._same.get(raw, raw)

    def members(self, id: str) -> list[str]:
        """The ids made of the codes that a place has had; none for one that stands for another."""
        if id in self._same:
            return []
        return [address_id(code) for code in self._several.get(id, ())] or [id]

    def pieces(self, code: str, day: str | None = None) -> tuple[Piece, ...]:
        return self.genealogy.pieces(code, day)

    def named_after(self, codes: Iterable[str]) -> list[str]:
        """Ids of places that have had several codes and lie in one of these: a part of their full name is that of the place above."""
        heads = tuple(codes)
        found = []
        for id in {*self._several, *self._same.values()}:
            code = self.code_of(id)
            if code is not None and code.startswith(heads):
                found.append(id)
        return sorted(found)

    def full_name(self, code: str) -> str | None:
        """The full name of a known place."""
        return self.gazetteer.full_name(code)

    # -- the fold's other questions ---------------------------------------------------------------------------------

    def code_of(self, id: str) -> str | None:
        on_disk = self._stored if self._stored is not None else self._file
        if id in self._codes or on_disk is None:
            return self._codes.get(id)
        code = on_disk.code_of(id)
        return code if code is None or not self.genealogy or self.id_of(code) == id else None

    def level(self, code: str) -> str | None:
        return self.gazetteer.level(code)

    def grid_of(self, code: str) -> str | None:
        return self.gazetteer.grid_of(code)

    def place_key(self, code: str) -> str | None:
        if not self.genealogy.concerns(code):
            return self.gazetteer.place_key(code)
        return self.genealogy.place_key(code) if self.gazetteer.place_key(code) is not None else None

    def standing(self, code: str) -> str | None:
        return self.gazetteer.standing(code)

    def at_level(self, code: str, level: str) -> str | None:
        if self.scheme.level_of(code) is None:
            return None
        if not self.genealogy.concerns(code):
            return self.scheme.at_level(code, level)
        lying = reversed(self.genealogy.lying(code))
        return next((c for c in lying if self.scheme.level_of(c) == level), None)

    def above(self, code: str) -> str | None:
        """The code of the place directly above, by codes alone and where it lies today."""
        if self.scheme.level_of(code) is None:
            return None
        return next(reversed(self.genealogy.lying(code)[:-1]), None)

    def areas(self, place: str | None, grid: str | None) -> frozenset[str]:
        """Codes of everything that a place key and a grid code lie in, themselves included; known places or not."""
        found = self._areas.get((place, grid))
        if found is None:
            codes: set[str] = set()
            if place is not None:
                codes.update(chain_of_key(place, self.scheme))
            if grid is not None:
                codes.update(self._chain(grid))
            found = self._areas[place, grid] = frozenset(codes)
        return found

    def _chain(self, code: str) -> list[str]:
        return self.scheme.chain(code) if self.scheme.level_of(code) is not None else []

    # -- what has changed -------------------------------------------------------------------------------------------

    @property
    def is_of_another_resolver(self) -> bool:
        """Whether what is kept was resolved by another version of the resolver."""
        kept = self._records.meta(RESOLVER)
        return kept != self.resolver.version and (
            kept is not None
            or self._records.db.execute("SELECT 1 FROM resolution LIMIT 1").fetchone() is not None
        )

    def changed(self) -> list[str]:
        """Resolves again what the changed places may bear on; gives the place keys that now mean another place, or one of
        another grid. All keys where the resolver is another."""
        whole = self._whole
        self.taken()
        self._regridded = sorted(self._changed_grids())
        if whole or self.is_of_another_resolver:
            keys = [key for part in self._scan() for key in part.get_column("key").to_list()]
        else:
            keys = self._affected()
        if self._moved:
            codes = sorted(self._moved)
            test = pl.col("code").is_in(codes) | pl.col("given").is_in(codes)
            moved_keys = [
                key for part in self._scan() for key in part.filter(test).get_column("key").to_list()
            ]
            changed = dict.fromkeys([*self._again([*keys, *moved_keys]), *moved_keys])
            self._moved = set()
        else:
            changed = dict.fromkeys(self._again(keys))
        if self._regridded:
            moved = pl.col("code").is_in(self._regridded)
            changed.update(
                dict.fromkeys(
                    key for part in self._scan() for key in part.filter(moved).get_column("key").to_list()
                )
            )
        self._changes = {}
        return list(changed)

    def _again(self, keys: Iterable[str]) -> list[str]:
        changed = []
        for key in keys:
            old = self._fresh.get(key) or self._kept(key)
            new = self._keys.resolve(key)
            if old is None or _row(new) != _row(old):
                self._fresh[key] = self._cache[key] = new
                if old is None or _fields(new.placement) != _fields(old.placement):
                    changed.append(key)
        return changed

    def _scan(self) -> Iterator[pl.DataFrame]:
        """All kept place keys, part by part: `key`, `given` (the row's code), `text`, `sentence`, `said` (both), `local` (with its authority),
        `code` and `how` of what it was resolved to."""
        rows = self._records.db.execute("SELECT key, code, how FROM resolution")
        names = {"key": pl.String, "code": pl.String, "how": pl.String}
        parts = pl.col("key").str.split(SEPARATOR).list
        while part := rows.fetchmany(PART):
            yield pl.DataFrame(part, schema=names, orient="row").with_columns(
                parts.get(0).alias("given"), parts.get(1).alias("text"), parts.get(4, null_on_oob=True).alias("sentence"),
                pl.concat_str(parts.get(1), parts.get(4, null_on_oob=True).fill_null(""), separator="\n").str.strip_chars().alias("said"),
                pl.concat_str(parts.get(2), pl.lit(":"), parts.get(3)).alias("local"),
            )  # fmt: skip

    def _affected(self) -> list[str]:
        """Kept place keys that the changed places may bear on."""
        if not self._changes:
            return []
        codes, local, named, below = set[str](), set[str](), list[affected.Named](), set[str]()
        renamed = {c: x for c, x in self._changes.items() if _without_grid(x[0]) != _without_grid(x[1])}
        wide = {c: x for c, x in renamed.items() if _level_of(x) not in _NUMBERED}
        if any(_level_of(x) in ("STREET", self.scheme.top) for x in wide.values()):
            # By these everything is told apart that has one name.
            return [key for part in self._scan() for key in part.get_column("key").to_list()]
        for code, (old, new) in self._changes.items():
            for place in (old, new) if code in renamed else ():
                if place is not None:
                    local.update(place.local)
                    named += affected.names_of(place, self._names_above(place), self._context(place))
            codes.add(code)
            if old is None or new is None:
                below.add(code)
        picked = {p.text for p in self._picks.values() if p.code in codes}
        normals = sorted({self.resolver.normal(t) for t in picked})
        text = affected.folded(pl.col("said"))
        tests = [
            affected.may_name(text, named)
            & (pl.col("said") != "")
            & pl.col("how").is_in(["code", "authority code"]).not_(),
            pl.col("given").is_in(sorted(codes)),
            pl.col("given").str.to_uppercase().is_in(sorted(codes)),
            pl.col("code").is_in(sorted(codes)),
            *(affected.may_be(text, normal) for normal in normals),
        ]
        if wide:
            # What lies in it may be told from others by it, though a text does not name it.
            under = (self.gazetteer.place(c) for c in self.resolver.below(wide))
            names = "".join(dict.fromkeys(
                self._context(p) for p in under if p is not None and p.level not in ("UNIT", "DWELLING")
            ))  # fmt: skip
            tests.append(affected.may_speak(text, names))
        if local:
            tests.append(pl.col("local").is_in(sorted(local)))
        if below:
            # A row whose code is not known stands at the nearest place above it.
            ends = sorted({len(c) for c in below})
            lost = (pl.col("given") != "") & (pl.col("how") != "code")
            tests.append(
                lost & pl.any_horizontal([pl.col("given").str.slice(0, n).is_in(sorted(below)) for n in ends])
            )
        test = pl.any_horizontal(tests)
        return [key for part in self._scan() for key in part.filter(test).get_column("key").to_list()]

    def _names_above(self, place: PlaceRecord) -> list[str]:
        """The names of the known places above one, nearest first."""
        return [name for above in self._above(place) for name in above.names]

    def _context(self, place: PlaceRecord) -> str:
        """What a numbered place may be called by: names of what is above it below the streets, and of its roads and estates."""
        above = self._above(place)
        wide = [p for p in above if p.level in ("STREET", self.scheme.top)]
        near = [place, *(p for p in above if p not in wide)]
        beside = [p for n in near for c in n.part_of if (p := self.gazetteer.place(c)) is not None]
        names = [name for p in (*near, *beside) for name in (*p.names, *p.former)]
        for upper in sorted({name for p in wide for name in p.names}, key=len, reverse=True):
            names = [name.removeprefix(upper) for name in names]
        return "".join(dict.fromkeys(names))

    def _above(self, place: PlaceRecord) -> list[PlaceRecord]:
        """The known places above one, nearest first."""
        codes = [c for c in self._chain(place.code) if c != place.code]
        if place.parent is not None and place.parent not in codes:
            codes += self._chain(place.parent)
        return [p for c in reversed(codes) if (p := self.gazetteer.place(c)) is not None]

    def _changed_grids(self) -> Iterator[str]:
        """Codes of places whose grid is now another, or what stands in which now stands elsewhere."""
        wide = {
            code
            for code, (old, new) in self._changes.items()
            if (old.own_grid if old else None) != (new.own_grid if new else None)
        }
        ends = sorted({len(c) for c in wide})
        touched = set(self._changes)
        if wide:
            touched |= {c for c in self.gazetteer.codes() if any(c[:n] in wide for n in ends)}
        for code in touched:
            old, new = self._changes.get(code, (None, None))
            if old is not None and new is not None and new.level in GROUPED and old.parent != new.parent:
                # What is there stands in what it lies in.
                yield code
            if code not in self.gazetteer:
                self.grids.pop(code, None)
            elif self._grid_before(code) != (grid := self.grid_of(code)):
                self.grids[code] = grid
                yield code

    def _grid_before(self, code: str) -> str | None:
        if code in self.grids or self._stored is None:
            return self.grids.get(code)
        state = self._stored.state(self.id_of(code))
        return state["p"].get("grid") if state is not None else None

    def regridded(self) -> list[str]:
        """Codes of places whose grid is another since `changed` was last asked."""
        return self._regridded

    def keep(self) -> None:
        """Writes fresh resolutions; call inside a ledger transaction."""
        self._put(self._fresh.items())
        self._records.set_meta(RESOLVER, self.resolver.version)
        self._fresh = {}

    def _put(self, resolved: Iterable[tuple[str, Held]]) -> None:
        self._records.db.executemany(
            "INSERT OR REPLACE INTO resolution (key, code, level, confidence, how, outcome, others) VALUES (?,?,?,?,?,?,?)",
            ((key, *_row(held)) for key, held in resolved),
        )

    def waiting(self, outcome: Outcome) -> list[str]:
        """Place keys of an outcome other than RESOLVED."""
        found = self._records.db.execute(
            "SELECT key FROM resolution WHERE outcome = ? AND outcome <> 'RESOLVED'", (outcome.value,)
        )
        return [r[0] for r in found]


# Levels of places that are numbers in a wider one, and of those that no text names.
_NUMBERED = frozenset({"BUILDING", "UNIT", "DWELLING", "GRID", "MICRO_GRID", "ZONE", "GROUP"})
GROUPED = frozenset({"ROAD", "ESTATE", "PARK", "GROUP", "GRID", "MICRO_GRID"})


def _without_grid(place: PlaceRecord | None) -> PlaceRecord | None:
    return place and replace(place, own_grid=None)


def _level_of(change: tuple[PlaceRecord | None, PlaceRecord | None]) -> str:
    place = change[1] or change[0]
    return place.level if place is not None else ""


def _row(held: Held) -> tuple[object, ...]:
    others = [[c.code, c.level, round(c.confidence, 4), c.because] for c in held.others]
    return (*_fields(held.placement), held.outcome.value, orjson.dumps(others) if others else None)


def _fields(p: Placement) -> tuple[object, ...]:
    return p.code, p.level, p.confidence, p.how


def _held(row: tuple[Any, ...]) -> Held:
    code, level, confidence, how, outcome, others = row
    each = orjson.loads(others) if others is not None else []
    candidates = tuple(Candidate(c, lv, sure, tuple((k, w) for k, w in why)) for c, lv, sure, why in each)
    return Held(Placement(code, level, confidence, how), Outcome(outcome), candidates)


class Surroundings(NamedTuple):
    """Codes of what an address says that it lies in and belongs to; of which some may not be known."""

    parent: str | None = None
    grid: str | None = None
    part_of: tuple[str, ...] = ()

    @classmethod
    def of(cls, ends: Mapping[str, Sequence[str]]) -> Surroundings:
        """From codes by the type of the relationship."""
        parents, grids = ends.get("IN", ()), ends.get("IN_GRID", ())
        return cls(
            parents[-1] if parents else None,
            grids[-1] if grids else None,
            tuple(sorted(set(ends.get("PART_OF", ())))),
        )


def place_record(values: Mapping[str, Any], around: Surroundings) -> PlaceRecord:
    """What the gazetteer keeps of an address' values."""
    full = [str(values["full_name"])] if values.get("full_name") else []
    called, earlier = _called(values)
    return PlaceRecord(
        str(values["code"]),
        str(values.get("level") or ""),
        around.grid,
        tuple(dict.fromkeys((*full, *_many(values, "aliases"), *called))),
        _many(values, "other_codes"),
        str(values.get("name") or ""),
        around.parent,
        around.part_of,
        tuple(
            dict.fromkeys(
                n for n in (*_many(values, "era_names"), *_many(values, "era_full_names"), *earlier) if n
            )
        ),
        _many(values, "former_codes"),
    )


def _called(values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What feeds of names call a place besides its own name: today, and before."""
    now, before = list[str](), list[str]()
    own = {str(values.get("name") or ""), str(values.get("full_name") or "")}
    columns = (_many(values, f) for f in ("name_texts", "name_kinds", "name_until"))
    for text, kind, until in zip(*columns, strict=True):
        if text not in own:
            (before if kind == "former" or until else now).append(text)
    return now, before


def _many(values: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = values.get(field)
    return tuple(map(str, found)) if isinstance(found, list) else ()
