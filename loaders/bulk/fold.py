"""`loaders.fold` column by column, for everything that is ordinary; what is not goes through `loaders.fold` itself.

The claims in the spool are arranged once: entities as they are known, places found, records of several versions settled,
and laid out in parts by the id of the owner. Each part is then folded by itself, so that memory is that of a part. Not
ordinary are those who have died, addresses with a past, and what only an older version of a record names. The rules are
those of `loaders.fold`; a test holds both to the same graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from addresses.genealogy import MERGED, Change
from addresses.scheme import Code
from loaders.bulk.claims import RECORD, mapped
from loaders.bulk.keeping import Links, Traits
from loaders.bulk.links import disagreeing, relationships, standing
from loaders.bulk.nodes import as_reported, chosen, contradicted, derived
from loaders.bulk.people import person_traits
from loaders.bulk.placements import Placements
from loaders.bulk.reports import report_traits
from loaders.bulk.rollups import Rollups
from loaders.bulk.spool import Spool, id_range, part_name, parts_for
from loaders.bulk.tables import LinkTable, link_table, node_table, typed, typed_links
from loaders.bulk.versions import ByRecord, Settled, find_repeated, typed_claims
from loaders.declaration import Feed
from loaders.disagreements import Said
from loaders.fold import COUNTERS, State, Version, contributions, fold, gathered, turns
from loaders.identity.incidents import IncidentLinker
from loaders.identity.linker import Linker
from loaders.identity.people import PeopleLinker
from loaders.mapping import SEPARATOR, address_id, split_place_key
from loaders.places import PlaceBase, Surroundings, place_record
from ontology import ONTOLOGY
from ontology.clock import OPEN_END

Progress = Callable[[str, int, int | None], None]
Keep = Callable[[Traits | Links], None]
STAGE = "归并 fold"
# Rows of claims that are held at once, about.
PART = 400_000
CHUNK = 4_000
_TURNING = {"id": pl.String, "day": pl.String}


@dataclass(frozen=True, slots=True)
class Part:
    """What the graph should hold of the entities of a label whose ids lie in a range."""

    label: str
    number: int
    nodes: pl.DataFrame
    links: dict[LinkTable, pl.DataFrame]


@dataclass(slots=True)
class _Others:
    """What was folded one by one: nodes, relationships, disagreements, how many of what are in which place or grid, and who turns."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    links: dict[LinkTable, list[dict[str, Any]]] = field(default_factory=dict)
    disagreements: list[Said] = field(default_factory=list)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    turning: list[tuple[str, str]] = field(default_factory=list)


class _Grids:
    """`addresses.gazetteer.Gazetteer.grid_of` of all places in turn: what those above one say is asked once."""

    def __init__(self, places: PlaceBase) -> None:
        self._gazetteer = places.gazetteer
        self._above: dict[str, str | None] = {}

    def __call__(self, code: str, parsed: Code | None) -> str | None:
        """The grid of a place, whose code is given as the scheme reads it; None when it is none of its codes."""
        own = self._gazetteer.own_grid(code)
        if own is not None or self._gazetteer.level(code) in ("GRID", "MICRO_GRID"):
            return own or code
        if parsed is None or parsed.independent:
            return None
        return self._from(parsed.ancestors)

    def _from(self, above: Sequence[str]) -> str | None:
        if not above:
            return None
        nearest = above[-1]
        if nearest not in self._above:
            self._above[nearest] = self._gazetteer.own_grid(nearest) or self._from(above[:-1])
        return self._above[nearest]


class ColumnFold:
    """Folds the claims in a spool.

    Args:
        feeds: declarations by name.
        versions: all versions of all records about ids, for those that are not ordinary.
        records: the versions of records, for those that have several.
        disagree: where departments contradict each other about an id.

    Attributes:
        rollups: what was counted in each place so far.
        disagreements: where departments contradict each other, so far.
        turning: `id` and `day` of those who count otherwise on a later day, so far.
    """

    def __init__(
        self,
        spool: Spool,
        places: PlaceBase,
        feeds: Mapping[str, Feed],
        today: str,
        versions: Callable[[Sequence[str]], dict[str, list[Version]]],
        records: ByRecord,
        disagree: Callable[[str, list[Version], State | None], list[Said]],
        progress: Progress,
    ) -> None:
        self._spool = spool
        self._places = places
        self._feeds = feeds
        self._departments = {name: feed.department for name, feed in feeds.items()}
        self._today = today
        self._versions = versions
        self._disagree = disagree
        self._progress = progress
        self._repeated = find_repeated(spool, list(feeds))
        self._settled = Settled(spool, self._repeated, records, places)
        self._placements = Placements(spool, places)
        self._same: dict[str, pl.DataFrame] = {}
        self._complex = pl.DataFrame(schema={"id": pl.String})
        self._facts = pl.DataFrame()
        self._parts: dict[str, int] = {}
        self._tables: list[LinkTable] = []
        self.rollups = Rollups()
        self.disagreements: list[Said] = []
        self.turning = pl.DataFrame(schema=_TURNING)

    def take_changes(self, changes: Iterable[Change]) -> None:
        """Heeds what has become of places: of which code which address is known by it."""
        self._places.take_changes(changes)
        genealogy = self._places.genealogy
        known: set[tuple[str, str, str]] = set()
        many: dict[str, list[pl.Series]] = {}
        for claims in self._spool.frames(node_table("Address"), PART):
            if "also_name" in claims.columns:
                self._mark(claims.filter(pl.col("also_name").is_not_null()).select("id"))
            for name in gathered("Address"):
                if name in claims.columns:
                    many.setdefault(name, []).append(claims.filter(pl.col(name).is_not_null())["id"])
            if genealogy and "code" in claims.columns:
                pairs = claims.select("id", "code").unique().drop_nulls().iter_rows()
                known |= {
                    (raw, code, self._places.id_of(code)) for raw, code in pairs if genealogy.touches(code)
                }
        for series in many.values():
            # A list that several records say is put together when they are folded.
            ids_said = pl.concat(series)
            self._mark(pl.DataFrame({"id": ids_said.filter(ids_said.is_duplicated())}))
        same = sorted({(raw, id) for raw, _, id in known if raw != id})
        if same:
            schema = {"raw": pl.String, "same": pl.String}
            self._same["Address"] = pl.DataFrame(same, schema=schema, orient="row")
            self._complex = self._as_known(self._complex, "id", "Address").unique()
        # Of a code that several places have had the records are told apart when they are folded.
        ids = {id for _, _, id in known} | {
            self._places.id_of(code, h.since or "0") for _, code, _ in known for h in genealogy.holders(code)
        }
        self._mark(pl.DataFrame({"id": sorted(ids)}, schema={"id": pl.String}))

    # -- places -----------------------------------------------------------------------------------------------------

    def take_addresses(self) -> None:
        """Fills the gazetteer from the addresses' own records."""
        around = self._surroundings()
        table = node_table("Address")
        parts = parts_for(self._spool.rows(table), PART)
        done = 0
        newest = typed_claims(table, self._settled.nodes_of("Address"))
        for part in range(parts):
            low, high = id_range(ONTOLOGY.entities["Address"].prefix, part, parts)
            within = (pl.col("id") >= low) & (pl.col("id") < high)
            # One that is known as another is folded by itself, below.
            frames = [self._once(f.filter(within).collect()) for f in self._spool.scan(table)]
            claims = pl.concat([*frames, newest.filter(within)], how="diagonal")
            claims = self._as_known(claims, "id", "Address").join(self._complex, on="id", how="anti")
            for values in chosen(claims).iter_rows(named=True):
                if values.get("code") is not None:
                    self._places.put(place_record(values, around(values["id"])))
            done += claims.height
            self._progress("地址 addresses", done, self._spool.rows(table))
        ids = sorted(
            {i for i in self._settled.let_go if self._places.code_of(i) is None}
            | {i for i in self._complex.to_series() if ONTOLOGY.label_of(i) == "Address"}
        )
        self._put_addresses(ids, around)
        genealogy = self._places.genealogy
        changed = [
            id for id in ids if (code := self._places.code_of(id)) is not None and not genealogy.still(code)
        ]
        # What is called by what it lies in: from above downwards.
        self._put_addresses(sorted(changed, key=lambda id: (len(self._places.code_of(id) or ""), id)), around)
        self._places.taken()
        self._derive_facts()
        self._places.rest_in(self._spool.directory / "places")

    def _put_addresses(self, ids: Sequence[str], around: Callable[[str], Surroundings]) -> None:
        for id, versions in self._all_versions(ids):
            state = fold(id, versions, self._places)
            if state is not None and "code" in state.values:
                self._places.put(place_record(state.values, around(id)))

    def _surroundings(self) -> Callable[[str], Surroundings]:
        """What addresses say themselves that they lie in and belong to, by their newest record: id → codes."""
        said: dict[str, dict[str, tuple[str, ...]]] = {}
        for type in ("IN", "IN_GRID", "PART_OF"):
            table = link_table(type, "Address", "Address").name
            if not self._spool.rows(table):
                continue
            own = self._spool.get(table, ["__start", "__place", *RECORD]).drop_nulls("__place")
            own = self._as_known(own, "__start", "Address")
            order = pl.concat_str(
                pl.col("__effective"), pl.lit(SEPARATOR), pl.col("__hash").bin.encode("hex")
            )
            newest = own.filter(order == order.max().over("__start"))
            found = newest.group_by("__start").agg(pl.col("__place"))
            said[type] = {
                id: tuple(sorted(code for key in keys if (code := split_place_key(key)[0])))
                for id, keys in found.iter_rows()
            }
        return lambda id: Surroundings.of({type: codes.get(id, ()) for type, codes in said.items()})

    def _derive_facts(self) -> None:
        """What the fold derives from each place's code; also the places above it at the levels that incidents are kept by."""
        base = self._places
        scheme, genealogy = base.scheme, base.genealogy
        beside: dict[str | None, tuple[str | None, str | None]] = {}
        above: dict[str, str | None] = {}
        grid_of = _Grids(base)
        frames: list[pl.DataFrame] = []
        rows: list[tuple[str | None, ...]] = []
        codes = list(base.gazetteer.codes())
        names = ("id", "__code", "place", "own_place", "grid", "place_level", "street", "community")
        schema = dict.fromkeys(names, pl.String)
        for i, code in enumerate(codes):
            parsed = scheme.parse(code) if scheme.level_of(code) is not None else None
            base.grids[code] = grid = grid_of(code, parsed)
            level = base.level(code)
            # Most are as they always were, and all about them is in their code.
            if parsed is not None and parsed.code == code and not genealogy.concerns(code):
                own = None if parsed.independent else code + scheme.separator
                id, lies_in = address_id(code), parsed.parent
            else:
                own = base.place_key(code)
                id, lies_in = base.id_of(code), base.above(code)
            key = own
            if own is None:
                # A grid, a road, an estate: what is there stands in what that lies in.
                stands = base.standing(code)
                key = base.place_key(stands) if stands is not None else None
            else:
                stands = code
            if parsed is not None:
                above[code] = lies_in
            parent = lies_in if own is not None else None
            if stands is None:
                street, community = None, None
            elif parent is None or level in ("STREET", "COMMUNITY"):
                street, community = (self._key_above(stands, each) for each in ("STREET", "COMMUNITY"))
            else:
                if parent not in beside:
                    beside[parent] = self._key_above(parent, "STREET"), self._key_above(parent, "COMMUNITY")
                street, community = beside[parent]
            rows.append((id, code, key, own, grid, level, street, community))
            if len(rows) == 100_000 or i + 1 == len(codes):
                frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
                rows = []
        self._facts = pl.concat(frames) if frames else pl.DataFrame(schema=schema)
        for grid in {g for g in base.grids.values() if g is not None}:
            if grid not in above and base.scheme.level_of(grid) is not None:
                above[grid] = base.above(grid)
        self.rollups.know(above, base.above)

    def _key_above(self, code: str, level: str) -> str | None:
        found = self._places.at_level(code, level)
        return self._places.place_key(found) if found is not None else None

    def find_places(self) -> None:
        """Resolves every place that any record names; call it after `take_addresses`."""
        self._placements.find(lambda done, total: self._progress("落址 places", done, total))

    # -- who is whom ------------------------------------------------------------------------------------------------

    def link_people(self, people: PeopleLinker, keep: Keep) -> None:
        """Decides who is whom among all persons; what it gives to be kept is the record store's."""
        self._link(
            "认人 people", "Person", people, keep, lambda: person_traits(self._spool, self._placements)
        )

    def link_incidents(self, incidents: IncidentLinker, keep: Keep) -> None:
        """Decides which records report one matter; call it after `link_people`."""
        same = self._same.get("Person")
        self._link(
            "并案 incidents", "Incident", incidents, keep,
            lambda: report_traits(self._spool, self._feeds, incidents, self._placements, same),
        )  # fmt: skip

    def _link(
        self,
        stage: str,
        label: str,
        linker: Linker,
        keep: Keep,
        traits: Callable[[], dict[str, pl.LazyFrame]],
    ) -> None:
        total = self._spool.rows(node_table(label))
        if not total:
            return
        self._progress(stage, 0, total)
        found = traits()
        linker.measure(found)
        keep(Traits({kind: self._spool.files(f"trait.{kind}") for kind in found}))
        links = linker.decide_all(found)
        self._spool.put(f"decided.{label}", links)
        keep(Links(self._spool.files(f"decided.{label}")))
        # They are read still by whoever keeps them.
        for kind in found:
            self._spool.rename(f"trait.{kind}", f"told.{label}.{kind}")
        if linker.same:
            schema = {"raw": pl.String, "same": pl.String}
            self._same[label] = pl.DataFrame(
                {"raw": list(linker.same.keys()), "same": list(linker.same.values())}, schema=schema
            )
        self._progress(stage, total, total)

    def _mark(self, ids: pl.DataFrame) -> None:
        if ids.height:
            more = ids.select(pl.first().alias("id")).drop_nulls()
            self._complex = pl.concat([self._complex, more]).unique()

    # -- the claims, arranged ---------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Lays out all claims by owner: entities as they are known, places found, records of several versions settled."""
        stage = "关系 relationships"
        self._settled.write(lambda done, total: self._progress("版本 versions", done, total))
        names = {
            t.removeprefix("settled.")
            for t in self._spool.tables()
            if t.startswith(("node.", "link.", "settled."))
        }
        self._tables = [link_table(*n.split(".")[1:]) for n in sorted(names) if n.startswith("link.")]
        most: dict[str, int] = {}
        for name in names:
            label = (
                name.split(".")[1]
                if name.startswith("node.")
                else link_table(*name.split(".")[1:]).owner_label
            )
            most[label] = max(
                most.get(label, 0), self._spool.rows(name) + self._spool.rows(f"settled.{name}")
            )
        self._parts = {label: parts_for(rows, PART) for label, rows in most.items()}
        total = sum(self._spool.rows(n) + self._spool.rows(f"settled.{n}") for n in names)
        done = 0
        for name in sorted(names):
            for frame in self._spool.frames(name, PART):
                self._arrange(name, self._once(frame))
                done += frame.height
                self._progress(stage, done, total)
            self._spool.drop(name)
            for frame in self._spool.frames(f"settled.{name}", PART):
                self._arrange(name, frame)
                done += frame.height
                self._progress(stage, done, total)
            self._spool.drop(f"settled.{name}")
        self._mark_let_go()

    def _once(self, claims: pl.DataFrame) -> pl.DataFrame:
        """Without the records that have several versions, which are settled by themselves."""
        if not self._repeated.height:
            return claims
        return claims.join(self._repeated, on=["__feed", "__rkey"], how="anti", maintain_order="left")

    def _arrange(self, name: str, frame: pl.DataFrame) -> None:
        kind, *of = name.split(".")
        if kind == "node":
            (label,) = of
            frame = self._as_known(frame, "id", label)
            # Relationships of the dead end with them.
            if label == "Person" and "died" in frame.columns:
                self._mark(frame.filter(pl.col("died").is_not_null()).select("id"))
            self._spool.put_ranged(f"arranged.{name}", frame, "id", self._parts[label])
            return
        table = link_table(*of)
        frame = self._as_known(frame, "__start", table.start)
        frame = self._placed(self._as_known(frame, "__end", table.end), table.owner)
        frame = frame.filter(pl.col("__end").ne_missing(pl.col("__start")))
        if not ONTOLOGY.links[table.type].history:
            frame = frame.with_columns(
                pl.lit(None, dtype=pl.String).alias("__since"), pl.lit(OPEN_END).alias("__until")
            )
        frame = frame.with_columns(pl.col("__until").fill_null(OPEN_END))
        frame = frame.filter(pl.col("__since").is_null() | (pl.col("__since") < pl.col("__until")))
        if not table.places:
            frame = frame.filter(pl.col("__end").is_not_null())
        self._spool.put_ranged(f"arranged.{name}", frame, table.owner, self._parts[table.owner_label])

    def _as_known(self, frame: pl.DataFrame, column: str, label: str) -> pl.DataFrame:
        same = self._same.get(label)
        if same is None:
            return frame
        known = frame.select(column).join(
            same, left_on=column, right_on="raw", how="left", maintain_order="left"
        )
        return frame.with_columns(pl.coalesce(known.get_column("same"), pl.col(column)).alias(column))

    def _placed(self, frame: pl.DataFrame, owner: str) -> pl.DataFrame:
        """The frame with what each named place was found to be: `__end`, `__code`, `__sure`, `__text`."""
        named = frame.get_column("__place")
        if named.null_count() == frame.height:
            return frame.with_columns(pl.lit(1.0).alias("__sure"))

        places = self._places
        placements = self._placements.of(named)
        ids = mapped(placements.get_column("code"), places.id_of)
        # Where a place has become another meanwhile, what was there goes on at that.
        changed = placements.get_column("several").fill_null(False)
        self._mark(frame.filter(changed).select(owner))
        other = pl.when(pl.lit(ids) != pl.col("__start")).then(pl.lit(ids))
        return frame.with_columns(
            placements.get_column("code").alias("__code"),
            placements.get_column("sure").fill_null(1.0).alias("__sure"),
            # The text is the second part of a place's key.
            pl.col("__place").str.split("\x1f").list.get(1, null_on_oob=True).alias("__text"),
            pl.coalesce("__end", other).alias("__end"),
        )

    def _mark_let_go(self) -> None:
        """Marks what no newest version of any record names any more: it lives on in relationships, or not at all."""
        left = pl.DataFrame({"id": sorted(self._settled.let_go)}, schema={"id": pl.String})
        for label in self._same:
            left = self._as_known(left, "id", label)
        left = left.unique()
        for name in self._spool.tables():
            if left.height and name.startswith("arranged.node."):
                for frame in self._spool.frames(name, columns=["id"]):
                    left = left.join(frame, on="id", how="anti")
        self._mark(left)

    # -- what the graph should hold ---------------------------------------------------------------------------------

    def parts(self) -> Iterator[Part]:
        """Everything, part by part in the order of ids; addresses last, when all is counted."""
        labels = {*self._parts, *filter(None, map(ONTOLOGY.label_of, self._complex.to_series()))}
        tables = [t for t in self._spool.tables() if t.startswith("arranged.")]
        total = sum(self._spool.rows(t) for t in tables)
        done = 0
        # What is not ordinary is folded in Python, while columns are not.
        with ThreadPoolExecutor(1) as pool:
            for label in sorted(labels, key=lambda name: (name == "Address", ONTOLOGY.entities[name].prefix)):
                for number in range(self._parts.get(label, 1)):
                    others = pool.submit(self._others, label, number)
                    names = [node_table(label), *(t.name for t in self._tables if t.owner_label == label)]
                    done += sum(self._spool.rows(part_name(f"arranged.{n}", number)) for n in names)
                    nodes, links = self._ordinary_part(label, number)
                    for name in names:
                        self._spool.drop(part_name(f"arranged.{name}", number))
                    yield self._together(label, number, nodes, links, others.result())
                    # Not to be held while the next is folded.
                    del nodes, links, others
                    self._progress(STAGE, done, total)

    def _ordinary_part(self, label: str, number: int) -> tuple[pl.DataFrame, dict[LinkTable, pl.DataFrame]]:
        links: dict[LinkTable, pl.DataFrame] = {}
        lost = pl.DataFrame()
        for table in self._tables:
            if table.owner_label == label:
                claimed = self._ordinary(table.name, number, table.owner)
                if table.places and claimed.height:
                    lost = _lost(claimed)
                    claimed = claimed.filter(pl.col("__end").is_not_null())
                if claimed.height:
                    made = relationships(table, standing(table, claimed), self._facts)
                    if table.places and label != "Incident" and label != "Matter":
                        self.disagreements += disagreeing(
                            table, claimed, made, self._places, self._departments
                        )
                    links[table] = made
        claims = self._ordinary(node_table(label), number, "id")
        nodes = pl.DataFrame(schema={"id": pl.String})
        if claims.height:
            nodes = chosen(claims)
            if label == "Incident":
                nodes = as_reported(claims, nodes)
            self.disagreements += contradicted(label, claims, nodes, self._departments)
            nodes = derived(label, nodes, links, lost, self._facts)
            self._count(label, nodes, links)
        return nodes, links

    def _ordinary(self, name: str, number: int, owner: str) -> pl.DataFrame:
        frame = self._spool.get(part_name(f"arranged.{name}", number))
        if not frame.height:
            return frame
        return frame.join(self._complex, left_on=owner, right_on="id", how="anti", maintain_order="left")

    def _others(self, label: str, number: int) -> _Others:
        """Folds those of a part one by one that are not ordinary."""
        low, high = id_range(ONTOLOGY.entities[label].prefix, number, self._parts.get(label, 1))
        ids = self._complex.filter((pl.col("id") >= low) & (pl.col("id") < high)).to_series().sort().to_list()
        others = _Others()
        for id, versions in self._all_versions(ids):
            state = fold(id, versions, self._places)
            if state is None:
                continue
            others.disagreements += self._disagree(id, versions, state)
            for counter, codes in contributions(state, self._today, self._places.areas).items():
                others.counted.update((code, counter) for code in codes)
            if (day := turns(state, self._today)) is not None:
                others.turning.append((id, day))
            others.nodes.append(state.values)
            for link in state.links:
                ends = [ONTOLOGY.label_of(end) or "" for end in (link.start, link.end)]
                row = {"start": link.start, "end": link.end, "k": link.k, **link.values}
                others.links.setdefault(link_table(link.type, *ends), []).append(row)
        return others

    def _together(
        self,
        label: str,
        number: int,
        nodes: pl.DataFrame,
        links: dict[LinkTable, pl.DataFrame],
        others: _Others,
    ) -> Part:
        self.disagreements += others.disagreements
        self.rollups.add_each(others.counted)
        self._turn(pl.DataFrame(others.turning, schema=_TURNING, orient="row"))
        if others.nodes:
            nodes = pl.concat([nodes, typed(label, others.nodes)], how="diagonal")
        for table, more in others.links.items():
            frames = [f for f in (links.get(table), typed_links(table.type, more)) if f is not None]
            links[table] = pl.concat(frames, how="diagonal")
        return Part(label, number, nodes.sort("id"), links)

    def _all_versions(self, ids: Sequence[str]) -> Iterator[tuple[str, list[Version]]]:
        for start in range(0, len(ids), CHUNK):
            yield from self._versions(ids[start : start + CHUNK]).items()

    def release(self) -> None:
        """Lets go of what only the fold needs."""
        self._facts = pl.DataFrame()
        self._placements = Placements(self._spool, self._places)
        self._same = {}

    # -- counting ---------------------------------------------------------------------------------------------------

    def _count(self, label: str, nodes: pl.DataFrame, links: Mapping[LinkTable, pl.DataFrame]) -> None:
        """Adds what ordinary nodes contribute to the roll-ups, as `loaders.fold.contributions` counts it."""
        if label == "Person":
            homes = [f for t, f in links.items() if t.type == "LIVES_AT" and f.height]
            if homes:
                self._count_people(nodes, pl.concat(homes))
            return
        if label not in COUNTERS:
            return
        counted = [(c, pl.lit(True)) for c in COUNTERS[label]]
        if label == "House" and "rented" in nodes.columns:
            counted.append(("n_rented", pl.col("rented").fill_null(False)))
        elif label == "Matter":
            counted.append(("n_open_matters", pl.col("open")))
        elif label == "Volunteer" and "left" in nodes.columns:
            stays = pl.col("left").fill_null(OPEN_END) > self._today
            counted = [(c, stays) for c, _ in counted]
            self._turn(nodes.select("id", pl.col("left").alias("day")))
        for counter, which in counted:
            self.rollups.add(self._stands(nodes.filter(which)), counter)

    def _count_people(self, people: pl.DataFrame, homes: pl.DataFrame) -> None:
        """Each once in a place, however many homes lie in it."""
        present = homes.filter(
            (pl.col("since").fill_null("") <= self._today) & (pl.col("until") > self._today)
        )
        days = (homes.select(pl.col("start").alias("id"), pl.col(d).alias("day")) for d in ("since", "until"))
        self._turn(pl.concat(days).join(people.select("id"), on="id", how="semi"))
        present = self._stands(present.select(pl.col("start").alias("id"), "place", "grid"), "id")
        floating = pl.DataFrame(schema={"id": pl.String})
        if "residence" in people.columns:
            floating = people.filter(pl.col("residence") == "floating").select("id")
        self.rollups.add(present.join(people.select("id"), on="id", how="semi"), "n_people")
        self.rollups.add(present.join(floating, on="id", how="semi"), "n_floating")

    def _turn(self, days: pl.DataFrame) -> None:
        """Notes the next of their days (`id`, `day`) on which these count otherwise, as `loaders.fold.turns` has it."""
        ahead = days.filter((pl.col("day") > self._today) & (pl.col("day") < OPEN_END))
        if ahead.height:
            self.turning = pl.concat([self.turning, ahead.group_by("id").agg(pl.col("day").min())])

    def _stands(self, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
        """Where nodes stand: the code of the place, and the grid."""
        nothing = pl.lit(None, dtype=pl.String)
        place, grid = (pl.col(c) if c in frame.columns else nothing for c in ("place", "grid"))
        if self._places.genealogy:
            # What lies in a place that was merged has its own code at the end of its key.
            own = place.str.split(MERGED).list.tail(2).list.join("")
            place = pl.when(place.str.contains(MERGED, literal=True)).then(own).otherwise(place)
        if separator := self._places.scheme.separator:
            place = place.str.strip_suffix(separator)
        return frame.select(*columns, place.alias("place"), grid.alias("grid"))


def _lost(claimed: pl.DataFrame) -> pl.DataFrame:
    """`id`, `text`: what is best said of a place that nobody knows, of things that are at no known one."""
    nowhere = claimed.filter(pl.col("__end").is_null())
    found = claimed.filter(pl.col("__end").is_not_null()).select("__start")
    best = (
        nowhere.join(found, on="__start", how="anti")
        .sort("__sure", "__trust", "__effective", "__hash")
        .group_by("__start")
        .agg(pl.col("__text").last())
    )
    return best.filter(pl.col("__text") != "").select(
        pl.col("__start").alias("id"), pl.col("__text").alias("text")
    )
