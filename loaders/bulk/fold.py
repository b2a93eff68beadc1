"""`loaders.fold` column by column, for everything that is ordinary; what is not goes through `loaders.fold` itself.

Ordinary is an id whose records have one version each and bring at most one interval for each relationship (or the same
one several times). The rules are those of `loaders.fold`; a test holds both to the same graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from loaders.bulk.claims import RECORD, TYPES, mapped
from loaders.bulk.reports import report_traits
from loaders.bulk.spool import Spool
from loaders.declaration import Feed
from loaders.disagreements import Said, may_differ
from loaders.fold import COUNTERS, State, Version, contributions, fold
from loaders.identity.incidents import IncidentLinker
from loaders.identity.linker import Linker
from loaders.identity.people import FIELDS, HOME, PeopleLinker
from loaders.mapping import address_id, split_place_key
from loaders.places import PlaceBase, place_record
from loaders.reports import CLOSED_STATES
from ontology import ONTOLOGY
from ontology.clock import OPEN_END

Progress = Callable[[str, int, int | None], None]
STAGE = "归并 fold"
CHUNK = 10_000
RANK = ("__trust", "__effective", "__hash", "__feed", "__rkey", "__slot")


class LinkTable(NamedTuple):
    """Relationships of one type between two labels. `name` is that of their claims in the spool."""

    name: str
    type: str
    start: str
    end: str

    @property
    def owner(self) -> str:
        """The column of the end that keeps them."""
        return "__start" if ONTOLOGY.links[self.type].kept_by == "start" else "__end"

    @property
    def owner_label(self) -> str:
        return self.start if self.owner == "__start" else self.end


def node_table(label: str) -> str:
    return f"node.{label}"


def link_table(type: str, start: str, end: str) -> LinkTable:
    return LinkTable(f"link.{type}.{start}.{end}", type, start, end)


def link_tables(spool: Spool) -> list[LinkTable]:
    return [link_table(*t.split(".")[1:]) for t in spool.tables() if t.startswith("link.")]


class ColumnFold:
    """Folds the claims in a spool.

    Args:
        versions: all versions of all records about ids, for those that are not ordinary.
        disagree: where departments contradict each other about an id.
    """

    def __init__(
        self,
        spool: Spool,
        places: PlaceBase,
        today: str,
        versions: Callable[[Sequence[str]], dict[str, list[Version]]],
        disagree: Callable[[str, list[Version], State | None], list[Said]],
        progress: Progress,
    ) -> None:
        self._spool = spool
        self._places = places
        self._today = today
        self._versions = versions
        self._disagree = disagree
        self._progress = progress
        self._placements = pl.DataFrame()
        self._complex = pl.DataFrame(schema={"id": pl.String})
        self.labels = [t.removeprefix("node.") for t in spool.tables() if t.startswith("node.")]
        self.tables = link_tables(spool)
        self.counts: dict[tuple[str, str], int] = defaultdict(int)
        # Ordinary ids of which several feeds say several things.
        self.contradicted: list[str] = []
        self.disagreements: list[Said] = []

    # -- what is not ordinary ---------------------------------------------------------------------------------------

    def find_repeated(self, feeds: Sequence[str]) -> None:
        """Marks the ids of records that came more than once, in whatever versions."""
        repeated = []
        for feed in feeds:
            keys = self._spool.get(f"seen.{feed}", ["__rkey"])
            again = keys.filter(pl.col("__rkey").is_duplicated()).unique()
            repeated.append(again.select(pl.lit(feed).alias("__feed"), "__rkey"))
        records = pl.concat(repeated)
        for label in self.labels:
            claims = self._spool.get(node_table(label), ["id", "__feed", "__rkey"])
            self._mark(claims.join(records, on=["__feed", "__rkey"], how="semi").select("id"))

    def _mark(self, ids: pl.DataFrame) -> None:
        if ids.height:
            self._complex = pl.concat([self._complex, ids.select(pl.first().alias("id"))]).unique()

    # -- places -----------------------------------------------------------------------------------------------------

    def take_addresses(self) -> None:
        """Fills the gazetteer from the addresses' own records, then resolves every place that any record names."""
        table = link_table("IN_GRID", "Address", "Address").name
        own = (
            self._spool.get(table, ["__start", "__place", *RECORD]) if table in self._spool.tables() else None
        )
        grids: dict[str, str] = {}
        if own is not None and own.height:
            newest = (
                own.sort("__effective", "__hash", "__place").group_by("__start").agg(pl.col("__place").last())
            )
            grids = {id: code for id, key in newest.iter_rows() if (code := split_place_key(key)[0])}
        nodes = self.nodes("Address", derive=False)
        for start in range(0, nodes.height, CHUNK):
            for values in nodes.slice(start, CHUNK).iter_rows(named=True):
                self._places.put(place_record(values, grids.get(values["id"])))
            self._progress("地址 addresses", min(start + CHUNK, nodes.height), nodes.height)
        ids = self._complex.filter(pl.col("id").str.starts_with("adr_")).to_series().to_list()
        for start in range(0, len(ids), CHUNK):
            for id, versions in self._versions(ids[start : start + CHUNK]).items():
                state = fold(id, versions, self._places)
                if state is not None and "code" in state.values:
                    self._places.put(place_record(state.values, grids.get(id)))
        for code in self._places.gazetteer.codes():
            self._places.grids[code] = self._places.grid_of(code)
        self._resolve()

    def _resolve(self) -> None:
        keys = pl.Series("key", [], dtype=pl.String)
        for table in self.tables:
            for part in self._spool.scan(table.name):
                found = (
                    part.select(pl.col("__place").alias("key")).drop_nulls().unique().collect().to_series()
                )
                keys = pl.concat([keys, found]).unique()
        rows = []
        for i, key in enumerate(keys.to_list()):
            if i % 50_000 == 0:
                self._progress("落址 places", i, keys.len())
            placed = self._places.placed(key)
            text = split_place_key(key)[1]
            code = placed.code
            rows.append((key, address_id(code) if code is not None else None, code, placed.confidence, text))
        self._progress("落址 places", keys.len(), keys.len())
        self._placements = pl.DataFrame(
            rows,
            schema={
                "__place": pl.String,
                "__to": pl.String,
                "__code": pl.String,
                "__sure": pl.Float64,
                "__text": pl.String,
            },
            orient="row",
        )

    def _place_facts(self, codes: pl.Series, levels: Sequence[str] = ()) -> pl.DataFrame:
        """What the fold derives from a place's code, for each distinct code; the places above it at `levels` too."""
        base = self._places
        rows = []
        for code in codes.drop_nulls().unique().to_list():
            above = (base.at_level(code, level) for level in levels)
            keys = (base.place_key(c) if c is not None else None for c in above)
            rows.append((code, base.place_key(code), base.grid_of(code), base.level(code), *keys))
        names = ("__code", "place", "grid", "place_level", *(level.lower() for level in levels))
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")

    # -- people -----------------------------------------------------------------------------------------------------

    def link_people(self, people: PeopleLinker) -> None:
        """Decides who is whom among all persons, and writes the claims anew with persons as they are then known."""
        if "Person" not in self.labels:
            return
        self._progress("认人 people", 0, 1)
        claims = self._spool.get(node_table("Person"))
        traits = [
            claims.select(pl.col("id").alias("raw"), pl.lit(kind).alias("kind"), pl.col(field).alias("value"))
            for field, kind in FIELDS.items()
            if field in claims.columns
        ]
        homes = link_table("LIVES_AT", "Person", "Address").name
        if self._spool.rows(homes):
            at = self._spool.get(homes, ["__start", "__place"]).drop_nulls().unique()
            codes = mapped(at.get_column("__place"), people.home)
            traits.append(
                at.select(pl.col("__start").alias("raw"), pl.lit(HOME).alias("kind"), codes.alias("value"))
            )
        people.decide_all(pl.concat(traits).drop_nulls().unique())
        self._know("Person", people)
        self._progress("认人 people", 1, 1)

    def link_incidents(self, incidents: IncidentLinker, feeds: Mapping[str, Feed]) -> None:
        """Decides which records report one matter, and writes the claims anew accordingly."""
        if "Incident" not in self.labels:
            return
        self._progress("并案 incidents", 0, 1)
        incidents.decide_all(report_traits(self._spool, feeds, incidents))
        self._know("Incident", incidents)
        # What several reports make of an incident is for the fold itself.
        self._mark(pl.DataFrame({"id": sorted(set(incidents.same.values()))}, schema={"id": pl.String}))
        self._progress("并案 incidents", 1, 1)

    def _know(self, label: str, linker: Linker) -> None:
        """Writes the claims anew with a label's entities as they are known."""
        same = pl.DataFrame(
            list(linker.same.items()), schema={"raw": pl.String, "same": pl.String}, orient="row"
        )
        if same.height:
            self._rewrite(node_table(label), ["id"], same)
            for table in self.tables:
                ends = [e for e, of in (("__start", table.start), ("__end", table.end)) if of == label]
                self._rewrite(table.name, ends, same)
            self._complex = _renamed(self._complex, "id", same).unique()

    def _rewrite(self, table: str, columns: Sequence[str], same: pl.DataFrame) -> None:
        if not columns:
            return
        frame = self._spool.get(table)
        self._spool.drop(table)
        for column in columns:
            frame = _renamed(frame, column, same)
        if len(columns) == 2:
            frame = frame.filter(pl.col("__start") != pl.col("__end"))
        self._spool.put(table, frame)

    def find_dead(self) -> None:
        """Marks those who have died: their relationships end with them."""
        for part in self._spool.scan(node_table("Person")):
            if "died" in part.collect_schema().names():
                self._mark(part.filter(pl.col("died").is_not_null()).select("id").collect())

    # -- relationships ----------------------------------------------------------------------------------------------

    def settle_links(self) -> None:
        """Finds the end of every relationship, and marks the owners whose relationships are not ordinary."""
        for i, table in enumerate(self.tables):
            self._progress("关系 relationships", i, len(self.tables))
            timed = ONTOLOGY.links[table.type].history
            frame = self._spool.get(table.name)
            if not frame.height:
                continue
            places = frame.get_column("__place").null_count() < frame.height
            if places:
                frame = frame.join(
                    self._placements, on="__place", how="left", maintain_order="left"
                ).with_columns(
                    pl.coalesce(
                        "__end", pl.when(pl.col("__to") != pl.col("__start")).then(pl.col("__to"))
                    ).alias("__end")
                )
            else:
                frame = frame.with_columns(pl.lit(1.0).alias("__sure"))
            if not timed:
                nothing = pl.lit(None, dtype=pl.String)
                frame = frame.with_columns(nothing.alias("__since"), nothing.alias("__until"))
            since, until = pl.col("__since"), pl.col("__until").fill_null(OPEN_END)
            frame = frame.filter(since.is_null() | (since < until))
            placed = ONTOLOGY.entities[table.start].placed == table.type and table.start != "Person"
            if placed:
                self._spool.put(f"nowhere.{table.start}", frame.filter(pl.col("__end").is_null()))
            frame = frame.filter(pl.col("__end").is_not_null())
            self._spool.drop(table.name)
            name = ["__start", "__end", "__role"]
            # As the fold meets them: records in the order of their feeds and keys.
            frame = frame.sort("__feed", "__rkey", "__slot")
            several = frame.filter(pl.struct(name).is_duplicated())
            if several.height:
                alike = several.group_by(name).agg(
                    pl.struct("__since", "__until").n_unique().alias("n"), pl.col("__sure").min()
                )
                self._mark(
                    alike.filter((pl.col("n") > 1) | (pl.col("__sure").fill_null(1.0) < 1.0)).select(
                        table.owner
                    )
                )
                frame = frame.unique(name, keep="first", maintain_order=True)
            if placed or table.type == "IN":
                self._mark(frame.filter(pl.col("__start").is_duplicated()).select("__start"))
            self._spool.put(table.name, frame)

    def links(self, table: LinkTable) -> pl.DataFrame:
        """The ordinary relationships of a table: `start`, `end`, `k` and their values."""
        frame = self._spool.get(table.name)
        if not frame.height:
            return pl.DataFrame()
        frame = frame.join(
            self._complex, left_on=table.owner, right_on="id", how="anti", maintain_order="left"
        )
        declared = ONTOLOGY.links[table.type]
        fields = [c for c in frame.columns if not c.startswith("__")]
        out = [pl.col("__start").alias("start"), pl.col("__end").alias("end")]
        since = pl.col("__since").fill_null("") if declared.history else pl.lit("")
        if declared.history:
            out += [pl.col("__since").alias("since"), pl.col("__until").fill_null(OPEN_END).alias("until")]
        out.append(pl.concat_str(pl.col("__role"), pl.lit("|"), since).alias("k"))
        if "__text" in frame.columns:
            doubtful = pl.col("__sure") < 1.0
            out.append(pl.when(doubtful).then(pl.col("__sure")).alias("confidence"))
            out.append(pl.when(doubtful & (pl.col("__text") != "")).then(pl.col("__text")).alias("text"))
        if table.type == "LIVES_AT":
            facts = self._place_facts(frame.get_column("__code")).select("__code", "place", "grid")
            frame = frame.join(facts, on="__code", how="left", maintain_order="left")
            out += [pl.col("__start").alias("who"), pl.col("place"), pl.col("grid")]
        return frame.select(*out, *fields)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def nodes(self, label: str, derive: bool = True) -> pl.DataFrame:
        """The ordinary nodes of a label: `id` and their values."""
        claims = self._spool.get(node_table(label))
        claims = claims.join(self._complex, on="id", how="anti", maintain_order="left")
        fields = [c for c in claims.columns if c != "id" and not c.startswith("__")]
        alone = ~pl.col("id").is_duplicated()
        single = claims.filter(alone).select("id", *fields)
        several = claims.filter(~alone)
        if several.height:
            # The last wins; of two that rank alike the first that the fold would meet.
            descending = [False, False, False, True, True, True]
            ranked = several.sort(*RANK, descending=descending)
            if derive:
                self._find_contradicted(label, several, fields)
            best = ranked.group_by("id").agg(pl.col(f).drop_nulls().last() for f in fields)
            single = pl.concat([single, best.select(single.columns)])
        return self._derived(label, single) if derive else single

    def _find_contradicted(self, label: str, claims: pl.DataFrame, fields: Sequence[str]) -> None:
        """Notes the ids of which feeds say more than one thing, for `loaders.disagreements` to judge."""
        plain = [f for f in fields if claims.schema[f].base_type() != pl.List and not may_differ(label, f)]
        if not plain:
            return
        differs = pl.any_horizontal(pl.col(f).drop_nulls().n_unique() > 1 for f in plain)
        said = claims.group_by("id").agg(differs.alias("differs"), pl.col("__feed").n_unique().alias("feeds"))
        self.contradicted += said.filter(pl.col("differs") & (pl.col("feeds") > 1)).get_column("id").to_list()

    def _derived(self, label: str, nodes: pl.DataFrame) -> pl.DataFrame:
        entity = ONTOLOGY.entities[label]
        if label == "Address":
            facts = self._place_facts(nodes.get_column("code")).select(
                pl.col("__code").alias("code"), "place", "grid"
            )
            nodes = nodes.join(facts, on="code", how="left", maintain_order="left")
            table = link_table("IN", "Address", "Address")
            if self._spool.rows(table.name):
                above = self._spool.get(table.name, ["__start", "__code"])
                nodes = nodes.join(
                    above.rename({"__start": "id", "__code": "parent"}),
                    on="id",
                    how="left",
                    maintain_order="left",
                )
        elif entity.placed and label != "Person":
            nodes = self._with_place(label, entity.placed, nodes)
        if label == "Incident" and "occurred_at" in nodes.columns:
            day = pl.col("occurred_at").str.slice(0, 10).str.to_date("%Y-%m-%d")
            nodes = nodes.with_columns(day.cast(pl.Int32).cast(pl.Int64).alias("day"))
        if label == "Matter":
            nothing = pl.lit(None, dtype=pl.String)
            closed_at = pl.col("closed_at") if "closed_at" in nodes.columns else nothing
            state = pl.col("state") if "state" in nodes.columns else nothing
            closed = state.is_in(list(CLOSED_STATES)).fill_null(False)
            nodes = nodes.with_columns((closed_at.is_null() & ~closed).alias("open"))
        return nodes

    def _with_place(self, label: str, type: str, nodes: pl.DataFrame) -> pl.DataFrame:
        table = link_table(type, label, "Address")
        if self._spool.rows(table.name):
            at = self._spool.get(table.name, ["__start", "__code", "__sure", "__text"])
            levels = ("STREET", "COMMUNITY") if label == "Incident" else ()
            facts = self._place_facts(at.get_column("__code"), levels)
            doubtful = pl.col("__sure") < 1.0
            at = at.join(facts, on="__code", how="left").select(
                pl.col("__start").alias("id"),
                "place",
                "grid",
                "place_level",
                *(level.lower() for level in levels),
                pl.when(doubtful).then(pl.col("__sure")).alias("place_confidence"),
                pl.when(doubtful & (pl.col("__text") != "")).then(pl.col("__text")).alias("place_text"),
            )
            nodes = nodes.join(at.unique("id"), on="id", how="left", maintain_order="left")
        lost = self._spool.get(f"nowhere.{label}") if self._spool.rows(f"nowhere.{label}") else None
        if lost is not None:
            if self._spool.rows(table.name):
                found = self._spool.get(table.name, ["__start"])
                lost = lost.join(found, on="__start", how="anti")
            best = (
                lost.sort("__trust", "__effective", "__hash")
                .group_by("__start")
                .agg(pl.col("__text").last())
                .filter(pl.col("__text") != "")
                .select(pl.col("__start").alias("id"), pl.col("__text").alias("__lost"))
            )
            nodes = nodes.join(best, on="id", how="left", maintain_order="left")
            for name, dtype in (("place_text", pl.String), ("place_confidence", pl.Float64)):
                if name not in nodes.columns:
                    nodes = nodes.with_columns(pl.lit(None, dtype=dtype).alias(name))
            known = pl.col("__lost").is_not_null()
            nodes = nodes.with_columns(
                pl.when(known).then(pl.col("__lost")).otherwise(pl.col("place_text")).alias("place_text"),
                pl.when(known).then(0.0).otherwise(pl.col("place_confidence")).alias("place_confidence"),
            ).drop("__lost")
        return nodes

    # -- the rest ---------------------------------------------------------------------------------------------------

    def complex_states(self) -> Iterator[State]:
        """The ids that are not ordinary, folded one by one."""
        ids = self._complex.to_series().sort().to_list()
        for start in range(0, len(ids), CHUNK):
            for id, versions in self._versions(ids[start : start + CHUNK]).items():
                state = fold(id, versions, self._places)
                if state is not None:
                    self.disagreements += self._disagree(id, versions, state)
                    yield state
            self._progress(STAGE, min(start + CHUNK, len(ids)), len(ids))

    def settle_disagreements(self) -> None:
        """Judges the ordinary ids of which several feeds say several things; call it when all nodes were asked for."""
        for start in range(0, len(self.contradicted), CHUNK):
            for id, versions in self._versions(self.contradicted[start : start + CHUNK]).items():
                self.disagreements += self._disagree(id, versions, fold(id, versions, self._places))

    def count_state(self, state: State) -> None:
        """Adds what a state contributes to the roll-ups."""
        for counter, codes in contributions(state, self._today, self._places.areas).items():
            for code in codes:
                self.counts[code, counter] += 1

    def count_nodes(self, label: str, nodes: pl.DataFrame) -> None:
        """Adds what ordinary nodes contribute, as `loaders.fold.contributions` counts it."""
        if not nodes.height or label not in COUNTERS:
            return
        nothing = pl.lit(None, dtype=pl.String)
        place, grid = (pl.col(c) if c in nodes.columns else nothing for c in ("place", "grid"))
        counted = [(c, pl.lit(True)) for c in COUNTERS[label]]
        if label == "House" and "rented" in nodes.columns:
            counted.append(("n_rented", pl.col("rented").fill_null(False)))
        elif label == "Matter":
            counted.append(("n_open_matters", pl.col("open")))
        elif label == "Volunteer" and "left" in nodes.columns:
            stays = pl.col("left").fill_null(OPEN_END) > self._today
            counted = [(c, stays) for c, _ in counted]
        for counter, which in counted:
            self._add(nodes.filter(which).select(place.alias("place"), grid.alias("grid")), counter)

    def count_people(self, people: pl.DataFrame, homes: pl.DataFrame) -> None:
        """Adds what ordinary people contribute: each once in a place, however many homes lie in it."""
        if not homes.height:
            return
        present = homes.filter(
            (pl.col("since").fill_null("") <= self._today) & (pl.col("until") > self._today)
        ).select(pl.col("start").alias("id"), "place", "grid")
        several = pl.col("id").is_duplicated()
        floating = pl.DataFrame(schema={"id": pl.String})
        if "residence" in people.columns:
            floating = people.filter(pl.col("residence") == "floating").select("id")
        for counter, who in (
            ("n_people", present),
            ("n_floating", present.join(floating, on="id", how="semi")),
        ):
            self._add(who.filter(~several), counter)
            where: dict[str, set[str]] = defaultdict(set)
            for id, place, grid in who.filter(several).iter_rows():
                where[id] |= self._places.areas(place, grid)
            for codes in where.values():
                for code in codes:
                    self.counts[code, counter] += 1

    def _add(self, stands: pl.DataFrame, counter: str) -> None:
        for place, grid, n in stands.group_by("place", "grid").len().iter_rows():
            for code in self._places.areas(place, grid):
                self.counts[code, counter] += n


def _renamed(frame: pl.DataFrame, column: str, same: pl.DataFrame) -> pl.DataFrame:
    """The frame with persons in a column as they are known."""
    known = frame.join(same, left_on=column, right_on="raw", how="left", maintain_order="left").get_column(
        "same"
    )
    return frame.with_columns(pl.coalesce(known, pl.col(column)).alias(column))


def typed(label: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of nodes as a frame, each field of its declared type."""
    schema: dict[str, Any] = {}
    for name, spec in ONTOLOGY.entities[label].fields().items():
        dtype = TYPES[spec.type]
        schema[name] = pl.List(dtype) if spec.many else dtype
    return pl.DataFrame(rows, schema=schema)


def typed_links(type: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of relationships (`start`, `end`, `k` and values) as a frame."""
    schema: dict[str, Any] = dict.fromkeys(("start", "end", "k"), pl.String)
    for name, spec in ONTOLOGY.links[type].fields().items():
        schema[name] = TYPES[spec.type]
    return pl.DataFrame(rows, schema=schema)
