"""Compiles what a GraphQL root selects, with the ontology and the viewer, to one Cypher statement that answers in maps.

The text depends on the shape of the selection alone: codes, dates, sizes and cursors are parameters, so that Neo4j's plan
cache is hit. Relations are COLLECT subqueries; lists are always limited. Keys of relations in the answer are their
slots (`graph.selection`): aliases stand in no statement.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from addresses.scheme import Scheme
from graph.selection import Selected, Selections
from graph.validity import bounded, lasting, standing
from graph.viewer import Scope, Viewer
from ontology import ONTOLOGY, Lookup
from ontology.errors import UsageError
from ontology.terms import Terms

MAX_FIRST = 100
# What `Incident.reports` is made of.
REPORTED = (
    "numbers",
    "report_kind",
    "report_category",
    "report_at",
    "number",
    "kind",
    "category",
    "occurred_at",
)
COUNT_BUDGET = 50_000
PARTY_LABELS = ("Person", "Enterprise", "Vehicle", "Device", "Phone")
# What an address needs to tell what has become of it, and what it is called.
LINE = (
    "era_codes", "era_names", "era_until", "era_kinds", "begun_by", "begun_on", "predecessors", "ended_by", "ended_on",
    "successors",
)  # fmt: skip
LEAVES_OF = {
    "succession": LINE,
    "successions": LINE,
    "asked_code": LINE,
    "plate": (),
    "names": (
        "name", "aliases", "era_names", "era_until", "name_texts", "name_kinds", "name_since", "name_until", "name_feeds",
    ),
}  # fmt: skip
# What has left or joined a place since the day asked about.
_MOVED = "k IN coalesce({keys}, []) WHERE split(k, '|')[0] > $as_of"
# Fields that a place had otherwise before it changed, and where they are kept.
_ERAS = {"code": "era_codes", "name": "era_names", "full_name": "era_full_names"}
# What counts in the roll-ups, by the counter's name in GraphQL.
COUNTERS = {
    "people": "n_people", "floating": "n_floating", "houses": "n_houses", "rented": "n_rented",
    "enterprises": "n_enterprises", "incidents": "n_incidents", "matters": "n_matters",
    "open_matters": "n_open_matters", "vehicles": "n_vehicles", "devices": "n_devices", "volunteers": "n_volunteers",
}  # fmt: skip
_LISTS = {
    "houses": "House", "enterprises": "Enterprise", "vehicles": "Vehicle", "devices": "Device",
    "matters": "Matter", "volunteers": "Volunteer", "teams": "Team",
}  # fmt: skip

# Relations of an address that look at what is in it.
PLACE_LISTS = frozenset({*_LISTS, "residents", "incidents", "counts", "children"})


def encode_cursor(order: str, *values: Any) -> str:
    """The cursor of an item: the name of the list's order, and the values that the item has its place by."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *values])).decode().rstrip("=")


def decode_position(text: str, order: str) -> int:
    """Where the cursor of a list that was found whole stands in it.

    Raises:
        UsageError: BAD_CURSOR.
    """
    (position,) = decode_cursor(text, order, 1)
    if not (position.isascii() and position.isdigit() and len(position) < 10):
        raise _bad_cursor()
    return int(position)


def decode_cursor(text: str, order: str, size: int) -> list[str]:
    """The values of a cursor: keys of the list's order, which are texts all.

    Raises:
        UsageError: BAD_CURSOR when it is none, or one of a list in another order.
    """
    try:
        raw = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if isinstance(raw, list) and len(raw) == size + 1 and raw[0] == order:
            values = raw[1:]
            if all(isinstance(v, str) for v in values):
                return values
    except (binascii.Error, ValueError, UnicodeEncodeError):
        pass
    raise _bad_cursor()


def _bad_cursor() -> UsageError:
    return UsageError(
        "BAD_CURSOR",
        "游标无效",
        "the cursor is not one that this list gave",
        "Pass pageInfo.endCursor of the same list and order.",
    )


def first_of(selected: Selected, default: int = 20) -> int:
    """The page size asked for.

    Raises:
        UsageError: BAD_ARGUMENT unless it is 1 to 100.
    """
    first = selected.args.get("first", default)
    if first is None:
        first = default
    if not 1 <= first <= MAX_FIRST:
        raise UsageError(
            "BAD_ARGUMENT",
            f"first 须在 1 到 {MAX_FIRST} 之间",
            f"first must be 1 to {MAX_FIRST}, not {first}",
        )
    return int(first)


@dataclass(slots=True)
class Place:
    """How the subtree of an address variable is matched: `tree` by place key, `grid` by grid code, `group` (roads,
    estates) by its buildings, `either` of the first two when it is not known."""

    kind: str
    level: str | None = None
    key: str | None = None


GROUPS = ("ROAD", "ESTATE", "PARK", "GROUP", "ZONE")
"""Levels of what is outside the tree and holds its places by PART_OF."""

_PLACES = {
    "GRID": Place("grid", "GRID"), "MICRO_GRID": Place("grid", "MICRO_GRID"),
    **{level: Place("group") for level in GROUPS},
    "STREET": Place("tree", "STREET"), "COMMUNITY": Place("tree", "COMMUNITY"),
}  # fmt: skip


@dataclass(slots=True)
class Group:
    """Nodes of a label to look up by values of a field; `place` when they are addresses of one kind."""

    label: str
    key: str
    values: list[Any]
    place: Place | None = None


@dataclass(slots=True)
class Page:
    """A list in index order.

    Attributes:
        match, where: its MATCH and the conditions that an index answers: what a count looks at.
        when: what else must hold, looked at row by row; `filters` are those that somebody asked for.
        once: conditions that leave out what the list has already shown.
        order: the expressions that it is ordered by.
        total: the roll-up that is its total when nothing is filtered.
        hint, lead: the index that the rows are walked by, and what is equal in all of them and stands first in it:
            the planner takes an index' order only when all of the index is named.
        link: the variable of the relationship that its index is on, where it is on one.
    """

    match: str
    where: list[str]
    order: list[str]
    name: str
    variable: str
    label: str
    edge: dict[str, str] = field(default_factory=dict)
    when: list[str] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    descending: bool = False
    total: str | None = None
    hint: str = ""
    lead: list[str] = field(default_factory=list)
    link: str = ""


class Compiler:
    """Compiles the roots of one operation.

    Args:
        as_of: the day asked about, ISO.
        rolled_for: the day that the roll-ups were counted for, or None when unknown.
        changed_on: the day of the last change of places; before it they were not all what they are.
    """

    def __init__(
        self,
        selections: Selections,
        viewer: Viewer,
        scheme: Scheme,
        terms: Terms,
        as_of: str,
        rolled_for: str | None,
        changed_on: str | None = None,
    ) -> None:
        self.past = changed_on is not None and as_of < changed_on
        self.changed = changed_on is not None
        self.selections = selections
        self.scheme = scheme
        self.terms = terms
        self.viewer = viewer
        own = self.place_of(viewer.area) if viewer.area is not None else None
        by_grid = own is not None and own.kind == "grid"
        key = viewer.area if by_grid or own is None else own.key
        self.scope = Scope(viewer, key if key is not None or own is None else viewer.area, by_grid)
        self.params: dict[str, Any] = {"as_of": as_of, "as_of_end": as_of + "T99"}
        self.scope.parameters = self.params
        self.rolled = rolled_for == as_of and not self.past and viewer.area is None and not viewer.hidden
        self._names = 0
        self._places: dict[str, Place] = {}

    # -- names ------------------------------------------------------------------------------------------------------

    def parameter(self, value: Any) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"${name}"

    def variable(self, hint: str) -> str:
        self._names += 1
        return f"{hint}{self._names}"

    def current(self, r: str) -> str:
        return bounded(r)

    def visible(self, label: str, variable: str) -> list[str]:
        return self.scope.conditions(label, variable)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def node(
        self,
        label: str,
        variable: str,
        selected: Selected,
        place: Place | None = None,
        more: Sequence[str] = (),
    ) -> str:
        """The map of one node: the leaves that the selection needs, and `more`, and its relations."""
        if label == "Address":
            self._places[variable] = place or Place("either")
        leaves: dict[str, None] = {"id": None, **dict.fromkeys(more)}
        parts: list[str] = [f"_t: '{label}'"]
        fields = ONTOLOGY.entities[label].fields()
        for chosen in self.selections.of(selected, label):
            name = chosen.name
            if name == "as_of":
                parts.append("_as_of: $as_of")
            elif name == "title":
                leaves[ONTOLOGY.entities[label].title_field] = None
            elif name == "steps":
                leaves.update(dict.fromkeys(("step_at", "step_to", "step_by")))
            elif name == "reports":
                leaves.update(dict.fromkeys(REPORTED))
            elif name == "point":
                leaves.update(dict.fromkeys(("longitude", "latitude")))
            elif label == "Address" and name in LEAVES_OF:
                leaves.update(dict.fromkeys(LEAVES_OF[name]))
                parts.append(f"_now: {variable}.code")
            elif name in fields:
                leaves[name] = None
            else:
                relation = getattr(self, f"_{label.lower()}_{name}", None)
                if relation is not None:
                    parts.append(f"`{chosen.slot}`: {relation(variable, chosen)}")
        visible = [name for name in sorted(leaves) if self.viewer.sees_field(label, name)]
        shown = [
            f"{name}: {of_the_day(variable, name)}"
            if self.past and label == "Address" and name in _ERAS
            else f".{name}"
            for name in visible
        ]
        return f"{variable}{{{', '.join([*shown, *dict.fromkeys(parts)])}}}"

    def one(self, match: str, where: list[str], label: str, variable: str, selected: Selected) -> str:
        """The first of what a pattern finds by its id, in a list of at most one."""
        conditions = where + self.visible(label, variable)
        return (
            f"COLLECT {{ MATCH {match}{where_all(conditions)} WITH {variable} ORDER BY {variable}.id LIMIT 1 "
            f"RETURN {self.node(label, variable, selected)} }}"
        )

    def many(
        self,
        match: str,
        where: list[str],
        label: str,
        variable: str,
        selected: Selected,
        order: str = "",
        place: Place | None = None,
    ) -> str:
        """A short list of what a pattern finds, at most 100."""
        conditions = where + self.visible(label, variable)
        return (
            f"COLLECT {{ MATCH {match}{where_all(conditions)} WITH DISTINCT {variable} "
            f"ORDER BY {order or variable + '.id'} LIMIT {MAX_FIRST} RETURN {self.node(label, variable, selected, place)} }}"
        )

    def page(self, page: Page, selected: Selected, default: int = 20, place: Place | None = None) -> str:
        """A connection: rows, one more than asked for, and its total when selected.

        A row has what is selected of its edge: `node` (n0, n1, … when it is selected several times), `c` for its
        cursor, and what the relationship says.

        Raises:
            UsageError: BAD_CURSOR, BAD_ARGUMENT.
        """
        first = first_of(selected, default)
        limit = self.parameter(first + 1)
        visible = self.visible(page.label, page.variable)
        after = selected.args.get("after")
        cursor: list[str] = []
        if after is not None:
            values = [self.parameter(v) for v in decode_cursor(after, page.name, len(page.order))]
            sign = "<" if page.descending else ">"
            a, b = page.order[0], page.order[-1]
            if len(page.order) == 1:
                cursor = [f"{a} {sign} {values[0]}"]
            else:
                cursor = [f"{a} {sign}= {values[0]}", f"({a} {sign} {values[0]} OR {b} {sign} {values[1]})"]
        direction = " DESC" if page.descending else ""
        order = ", ".join(o + direction for o in page.lead + page.order)
        conditions = page.where + page.when + page.once + visible + page.filters + cursor
        chosen = self.selections.of(selected)
        parts = []
        if any(c.name in ("edges", "page_info") for c in chosen):
            told = [f"{key}: {node}" for key, node in self._nodes(page, chosen, place)]
            of_edges = {i.name for c in chosen if c.name == "edges" for i in self.selections.of(c)}
            of_pages = {i.name for c in chosen if c.name == "page_info" for i in self.selections.of(c)}
            if "cursor" in of_edges or of_pages & {"start_cursor", "end_cursor"}:
                told.append(f"c: [{', '.join([repr(page.name), *page.order])}]")
            told += [f"{name}: {x}" for name, x in page.edge.items() if _EDGE.get(name, name) in of_edges]
            rows = (
                f"COLLECT {{ MATCH {page.match}{page.hint}{where_all(conditions)} WITH * ORDER BY {order} LIMIT {limit} "
                f"RETURN {{{', '.join(told)}}} }}"
            )
            parts = [f"rows: {rows}", f"first: {self.parameter(first)}"]
        if any(c.name == "total_count" for c in chosen):
            if self.rolled and page.total is not None and not page.filters:
                parts.append(f"total: coalesce({page.total}, 0)")
            else:
                parts.append(f"total: {self.counted(page)}")
        return f"{{{', '.join(parts)}}}"

    def _nodes(self, page: Page, chosen: list[Selected], place: Place | None) -> list[tuple[str, str]]:
        """The map of the node for each time that it is selected, by its key in a row."""
        inner = [
            (edges, node)
            for edges in chosen
            if edges.name == "edges"
            for node in self.selections.of(edges)
            if node.name == "node"
        ]
        found: list[tuple[str, str]] = []
        for n, (edges, node) in enumerate(inner):
            key = "node" if len(inner) == 1 else f"n{n}"
            if len(inner) > 1:
                self.selections.slots[edges.type_name, node.path] = key
            found.append((key, self.node(page.label, page.variable, node, place)))
        return found

    def counted(self, page: Page) -> str:
        """A count {seen, value} that looks at no more than the budget's number of candidates."""
        x, visible = page.variable, self.visible(page.label, page.variable)
        # What a viewer may not see must not use up the budget, or its end would tell of it.
        where, when = (page.where + visible, []) if self.viewer.area is not None else (page.where, visible)
        when = page.when + when + page.filters
        self.params["budget"] = COUNT_BUDGET + 1
        told = f"WITH {x}, ({' AND '.join(when)}) AS ok " if when else f"WITH {x}, true AS ok "
        return (
            f"head(COLLECT {{ MATCH {page.match}{where_all(where)} WITH * LIMIT $budget {told}"
            f"RETURN {{seen: count(*), value: count(DISTINCT CASE WHEN ok THEN {x} END)}} }})"
        )

    # -- an address' subtree ----------------------------------------------------------------------------------------

    def within(self, x: str, a: str, reach: str | None) -> str:
        """The condition that a placed `x` lies in address `a`, as places are today."""
        place = self._places.get(a) or Place("either")
        if reach == "HERE":
            return f"{x}.grid = {a}.code" if place.kind == "grid" else f"{x}.place = {a}.place"
        if place.kind == "tree":
            return f"{x}.place STARTS WITH {a}.place"
        if place.kind == "grid":
            return f"{x}.grid STARTS WITH {a}.code"
        return f"({x}.place STARTS WITH {a}.place OR {x}.grid STARTS WITH {a}.code)"

    def hold(self, a: str, place: Place) -> None:
        """Says how the subtree of an address variable is matched."""
        self._places[a] = place

    def lived(self, a: str) -> Page:
        """Who lives, or has lived, in a place; `when` and `once` are for the caller to say."""
        page = self._residents(a, None)
        page.when, page.once = [], []
        return page

    def inside(self, x: str, a: str) -> str:
        """The condition that a placed `x` lies in address `a`, as places were on the day asked about."""
        return self.lay_anywhere_in(x, a) if self.was_larger(a, None) else self.within(x, a, None)

    def standing(self, label: str, a: str, selected: Selected) -> Page:
        """What of a label stands in a place."""
        return self._placed(label, a, selected)

    def happened(self, a: str, selected: Selected) -> Page:
        """What has happened in a place, in the order of time."""
        return self._incidents(a, selected)

    def is_district(self, a: str) -> bool:
        """Whether an address is the whole district: what it holds is looked for by its days and not by its place."""
        place = self._places.get(a)
        return place is not None and place.kind == "tree" and place.level == self.scheme.top

    def was_larger(self, a: str, reach: str | None) -> bool:
        """Whether on the day asked about there may have lain in `a` what now lies elsewhere, or the other way round."""
        place = self._places.get(a)
        return self.past and reach != "HERE" and place is not None and place.kind == "tree"

    def parts_of(self, a: str, key: str) -> str:
        """The beginning of a pattern: the keys of what lay in `a` on the day asked about, each as `key`."""
        return f"({a}) UNWIND [{a}.place] + [{_MOVED.format(keys=f'{a}.left_keys')} | split(k, '|')[1]] AS {key} MATCH "

    def lay_in(self, x: str, a: str, key: str) -> list[str]:
        """That a placed `x` lay in a part of `a`, given as `key`, and has not joined it since."""
        joined = _MOVED.format(keys=f"{a}.joined_keys")
        return [
            f"{x}.place STARTS WITH {key}",
            f"NONE({joined} AND {x}.place STARTS WITH split(k, '|')[1])",
        ]

    def lay_anywhere_in(self, x: str, a: str) -> str:
        """That a placed `x` lay in `a` on the day asked about."""
        left, joined = (_MOVED.format(keys=f"{a}.{keys}_keys") for keys in ("left", "joined"))
        return (
            f"({x}.place STARTS WITH {a}.place OR ANY({left} AND {x}.place STARTS WITH split(k, '|')[1])) "
            f"AND NONE({joined} AND {x}.place STARTS WITH split(k, '|')[1])"
        )

    def in_group(self, label: str, x: str, a: str, reach: str | None) -> str:
        """The pattern of what of a label stands in the parts of a road, estate, park, village group or zone, or is said to be at itself."""
        type = ONTOLOGY.entities[label].placed
        own = f"MATCH ({x}:Address) WHERE {x} = {a} RETURN {x}"
        if type:
            own = f"MATCH ({a})<-[o{x}:{type}]-({x}:{label}) WHERE coalesce(o{x}.until, '9') > $as_of RETURN {x}"
        parts = (
            f"MATCH ({a})<-[:PART_OF]-(b{x}:Address) MATCH ({x}:{label}) "
            f"WHERE {x}.place STARTS WITH b{x}.place AND {x}.id IS NOT NULL RETURN {x}"
        )
        inside = own if reach == "HERE" else f"{parts} UNION ALL {own}" if type else parts
        return f"({a}) CALL ({a}) {{ {inside} }} WITH *"

    def _placed(self, label: str, a: str, selected: Selected) -> Page:
        x = self.variable("x")
        place = self._places[a]
        reach = selected.args.get("reach")
        if self.was_larger(a, reach):
            key = f"k{x}"
            return Page(
                f"{self.parts_of(a, key)}({x}:{label})",
                [*self.lay_in(x, a, key), f"{x}.id IS NOT NULL"],
                [f"{x}.place", f"{x}.id"],
                "place",
                x,
                label,
            )
        if place.kind == "group":
            match = self.in_group(label, x, a, reach)
            return Page(match, [f"{x}.id IS NOT NULL"], [f"{x}.place", f"{x}.id"], "place", x, label)
        where = [self.within(x, a, reach), f"{x}.id IS NOT NULL"]
        lead = "grid" if place.kind == "grid" else "place"
        hint = f" USING INDEX {x}:{label}({lead}, id)" if place.kind in ("tree", "grid") else ""
        return Page(f"({x}:{label})", where, [f"{x}.{lead}", f"{x}.id"], lead, x, label, hint=hint)

    def _list(self, name: str, a: str, selected: Selected) -> str:
        label = _LISTS[name]
        page = self._placed(label, a, selected)
        x, args = page.variable, selected.args
        if name == "houses" and args.get("rented") is not None:
            page.filters.append(f"coalesce({x}.rented, false) = {self.parameter(args['rented'])}")
        if name == "enterprises" and args.get("industry") is not None:
            page.filters.append(f"{x}.industry = {self.parameter(args['industry'])}")
        if args.get("kinds") is not None:
            page.filters.append(f"{x}.kind IN {self.parameter(args['kinds'])}")
        if args.get("states") is not None:
            page.filters.append(f"{x}.state IN {self.parameter(args['states'])}")
        if name == "volunteers":
            page.when.append(lasting(x, end="left"))
        counter = COUNTERS.get(name)
        if counter is not None and args.get("reach") != "HERE" and self._places[a].kind != "group":
            page.total = f"{a}.{counter}"
        return self.page(page, selected)

    def _address_houses(self, a: str, s: Selected) -> str:
        return self._list("houses", a, s)

    def _address_enterprises(self, a: str, s: Selected) -> str:
        return self._list("enterprises", a, s)

    def _address_vehicles(self, a: str, s: Selected) -> str:
        return self._list("vehicles", a, s)

    def _address_devices(self, a: str, s: Selected) -> str:
        return self._list("devices", a, s)

    def _address_matters(self, a: str, s: Selected) -> str:
        return self._list("matters", a, s)

    def _address_volunteers(self, a: str, s: Selected) -> str:
        return self._list("volunteers", a, s)

    def _address_teams(self, a: str, s: Selected) -> str:
        return self._list("teams", a, s)

    def _address_findings(self, a: str, s: Selected) -> str:
        page = self._placed("Finding", a, s)
        f = page.variable
        page.order, page.name, page.descending = [f"{f}.found_at", f"{f}.id"], "newest found", True
        page.when.append(f"{f}.found_at < $as_of_end")
        if self.is_district(a) and s.args.get("reach") != "HERE":
            page.hint = f" USING INDEX {f}:Finding(found_at, id)"
            page.where = [f"{f}.found_at IS NOT NULL", *page.where]
        if s.args.get("states") is not None:
            page.filters.append(f"{f}.state IN {self.parameter(s.args['states'])}")
        return self.page(page, s)

    def _residents(self, a: str, reach: str | None) -> Page:
        p, r, again = self.variable("p"), self.variable("r"), self.variable("q")
        place = self._places[a]
        lead = "grid" if place.kind == "grid" else "place"
        start, elsewhere = "", ""
        if self.was_larger(a, reach):
            start = self.parts_of(a, f"k{p}")
            inside = " AND ".join(self.lay_in(r, a, f"k{p}"))
            elsewhere = f"WHERE {self.lay_anywhere_in(again, a)}"
        elif place.kind == "group":
            own = f"MATCH ({a})<-[{r}:LIVES_AT]-({p}:Person) RETURN {p}, {r}"
            parts = (
                f"MATCH ({a})<-[:PART_OF]-(b{p}:Address) MATCH ({p}:Person)-[{r}:LIVES_AT]->(:Address) "
                f"WHERE {r}.place STARTS WITH b{p}.place AND {r}.who IS NOT NULL RETURN {p}, {r} UNION ALL "
            )
            start = f"({a}) CALL ({a}) {{ {'' if reach == 'HERE' else parts}{own} }} WITH *"
            inside, elsewhere = "", f"WHERE endNode({again}) = {a}"
            if reach != "HERE":
                held = f"EXISTS {{ MATCH ({a})<-[:PART_OF]-(c{p}:Address) WHERE {again}.place STARTS WITH c{p}.place }}"
                elsewhere = f"WHERE (endNode({again}) = {a} OR {held})"
        else:
            inside = self.within(r, a, reach)
            elsewhere = f"WHERE {inside.replace(f'{r}.', f'{again}.')}"
        # Somebody with two homes in the area is one resident: shown at the first of them.
        once = (
            f"NOT EXISTS {{ MATCH ({p})-[{again}:LIVES_AT]->() {elsewhere} AND {self.current(again)} "
            f"AND ({again}.{lead} < {r}.{lead} OR ({again}.{lead} = {r}.{lead} AND elementId({again}) < elementId({r}))) }}"
        )
        return Page(
            f"{start}({p}:Person)-[{r}:LIVES_AT]->(:Address)" if inside else start,
            [inside, f"{r}.who IS NOT NULL"] if inside else [f"{r}.who IS NOT NULL"],
            [f"{r}.{lead}", f"{r}.who"],
            "home" if lead == "place" else "home in grid",
            p,
            "Person",
            _edge(r),
            when=[self.current(r)],
            once=[once],
            hint=f" USING INDEX {r}:LIVES_AT({lead}, who)"
            if place.kind in ("tree", "grid") and not start
            else "",
            link=r,
        )

    def _address_residents(self, a: str, s: Selected) -> str:
        page = self._residents(a, s.args.get("reach"))
        p, wanted = page.variable, s.args.get("filter") or {}
        if wanted.get("residence"):
            page.filters.append(f"{p}.residence IN {self.parameter(wanted['residence'])}")
        if wanted.get("name") and self.viewer.sees_field("Person", "name"):
            page.filters.append(f"{p}.name CONTAINS {self.parameter(wanted['name'])}")
        for bound, sign in (("age_from", "<="), ("age_to", ">")):
            if wanted.get(bound) is not None and self.viewer.sees_field("Person", "birth"):
                years = int(wanted[bound]) + (1 if bound == "age_to" else 0)
                page.filters.append(
                    f"{p}.birth {sign} {self.parameter(_years_before(self.params['as_of'], years))}"
                )
        if s.args.get("reach") != "HERE" and self._places[a].kind != "group":
            page.total = f"{a}.n_people"
        return self.page(page, s)

    def _incidents(self, a: str, s: Selected) -> Page:
        x = self.variable("i")
        place, reach, args = self._places[a], s.args.get("reach"), s.args
        newest = args.get("order_by") != "OLDEST"
        where: list[str] = []
        hint, lead = "", list[str]()
        match = f"({x}:Incident)"
        if self.was_larger(a, reach):
            match = f"{self.parts_of(a, f'k{x}')}({x}:Incident)"
            where += self.lay_in(x, a, f"k{x}")
        elif place.kind == "group":
            match = self.in_group("Incident", x, a, reach)
        elif place.kind == "tree" and reach != "HERE" and place.level in ("DISTRICT", "STREET", "COMMUNITY"):
            # Large places walk an index that is already in the order of time.
            if place.level == "DISTRICT":
                where.append(self.within(x, a, reach))
                hint = f" USING INDEX {x}:Incident(occurred_at, id)"
            else:
                lead = [f"{x}.{place.level.lower()}"]
                hint = f" USING INDEX {x}:Incident({place.level.lower()}, occurred_at, id)"
                where.append(f"{lead[0]} = {a}.place")
        else:
            where.append(self.within(x, a, reach))
        where += [f"{x}.occurred_at < $as_of_end", f"{x}.id IS NOT NULL"]
        page = Page(
            match,
            where,
            [f"{x}.occurred_at", f"{x}.id"],
            "newest" if newest else "oldest",
            x,
            "Incident",
            descending=newest,
            hint=hint,
            lead=lead,
        )
        if args.get("kinds"):
            codes = [c for kind in args["kinds"] for c in self.terms.below("incident_kind", kind)]
            page.filters.append(about(x, self.parameter(codes)))
        during = args.get("during")
        if during:
            page.filters.append(f"{x}.occurred_at >= {self.parameter(during['from'])}")
            page.filters.append(f"{x}.occurred_at < {self.parameter(during['to'])}")
        if reach != "HERE" and place.kind != "group":
            page.total = f"{a}.n_incidents"
        return page

    def _address_incidents(self, a: str, s: Selected) -> str:
        return self.page(self._incidents(a, s), s)

    def _address_counts(self, a: str, s: Selected) -> str:
        parts = []
        for name in sorted({chosen.name for chosen in self.selections.of(s)}):
            counter = COUNTERS.get(name)
            if counter is None:
                continue
            if self.rolled and s.args.get("reach") != "HERE" and self._places[a].kind != "group":
                parts.append(f"{name}: coalesce({a}.{counter}, 0)")
            else:
                parts.append(f"{name}: {self.counted(self._counting(name, a, s))}")
        return f"{{{', '.join(parts)}}}"

    def _counting(self, name: str, a: str, s: Selected) -> Page:
        if name in ("people", "floating"):
            page = self._residents(a, s.args.get("reach"))
            if name == "floating":
                page.filters.append(f"{page.variable}.residence = 'floating'")
            return page
        if name == "incidents":
            return self._incidents(a, s)
        label = {"rented": "House", "open_matters": "Matter"}.get(name) or _LISTS[name]
        page = self._placed(label, a, s)
        x = page.variable
        if name == "rented":
            page.filters.append(f"{x}.rented")
        elif name == "open_matters":
            page.filters.append(f"{x}.open")
        elif name == "volunteers":
            page.filters.append(lasting(x, end="left"))
        return page

    def _address_path(self, a: str, s: Selected) -> str:
        x, p, q = self.variable("a"), self.variable("p"), self.variable("q")
        stands = f"ALL({q} IN relationships({p}) WHERE {self.current(q)})"
        conditions = [stands, *self.visible("Address", x)]
        return (
            f"COLLECT {{ MATCH {p} = ({a})-[:IN*0..12]->({x}:Address){where_all(conditions)} "
            f"WITH {x}, length({p}) AS steps ORDER BY steps DESC RETURN {self.node('Address', x, s, Place('tree'))} }}"
        )

    def _address_areas(self, a: str, s: Selected) -> str:
        x, g, b = self.variable("a"), self.variable("g"), self.variable("b")
        p, q, z = (self.variable(name) for name in "pqz")
        grids = [f"{x}.level IN ['GRID', 'MICRO_GRID']", *self.visible("Address", x)]
        # Every step holds on the day: into what it lies in, into a zone of it, and into the zones above.
        zones = [
            f"ALL({q} IN relationships({p}) WHERE {self.current(q)})",
            f"{z}.level = 'ZONE'",
            *self.visible("Address", z),
        ]
        return (
            f"COLLECT {{ MATCH ({g}:Address {{code: {a}.grid}})-[:IN*0..1]->({x}:Address){where_all(grids)} "
            f"WITH DISTINCT {x} ORDER BY {x}.code RETURN {self.node('Address', x, s, Place('grid'))} }} + "
            f"COLLECT {{ MATCH {p} = ({a})-[:IN*0..6]->({b}:Address)-[:PART_OF]->(:Address {{level: 'ZONE'}})"
            f"-[:IN*0..4]->({z}:Address){where_all(zones)} "
            f"WITH DISTINCT {z} ORDER BY {z}.code RETURN {self.node('Address', z, s, Place('group'))} }}"
        )

    def _address_groups(self, a: str, s: Selected) -> str:
        x, b, r = self.variable("a"), self.variable("b"), self.variable("r")
        return self.many(
            f"({a})-[:IN*0..2]->({b}:Address)-[{r}:PART_OF]->({x}:Address)",
            [self.current(r), f"{x}.level <> 'ZONE'"],
            "Address",
            x,
            s,
            f"{x}.code",
            Place("group"),
        )

    def _address_children(self, a: str, s: Selected) -> str:
        x = self.variable("a")
        level, place = s.args.get("level"), self._places[a]
        page = Page(f"({x}:Address)", [], [f"{x}.code"], "code", x, "Address", when=[standing(x)])
        below: Place | None = None
        if level is not None:
            page.when.append(f"{x}.level = {self.parameter(level)}")
            below = _PLACES.get(level, Place("tree"))
        if place.kind == "group":
            page.match = f"({a})<-[:PART_OF]-({x}:Address)"
            below = below or Place("tree")
        elif self.past and place.kind == "tree" and level not in GROUPS:
            # What lay in it then, whatever it lies in today.
            r = self.variable("r")
            steps = "" if level is None else "*1..6"
            stands = self.current(r) if level is None else f"ALL({r}_ IN {r} WHERE {self.current(f'{r}_')})"
            page.match = f"({a})<-[{r}:IN{steps}]-({x}:Address)"
            page.when.append(stands)
        elif level is None and place.kind in ("grid", "either"):
            # Grids hold grids, and the smallest of them buildings.
            r = self.variable("r")
            page.match = f"({a})<-[{r}:IN|IN_GRID]-({x}:Address)"
            page.when.append(self.current(r))
            again = self.variable("q")
            page.once.append(
                f"NOT EXISTS {{ MATCH ({a})<-[{again}:IN|IN_GRID]-({x}) WHERE elementId({again}) < elementId({r}) AND {self.current(again)} }}"
            )
        elif level is None or level in GROUPS:
            page.where = [f"{x}.parent = {a}.code", f"{x}.code IS NOT NULL"]
        elif level in ("GRID", "MICRO_GRID"):
            page.where = [f"{x}.code STARTS WITH {a}.code"]
        else:
            # What is in a grid is told by its grid code, and has its own place key.
            lead = "grid" if place.kind == "grid" else "place"
            page.where = [self.within(x, a, None), f"{x}.id IS NOT NULL"]
            page.order, page.name = [f"{x}.{lead}", f"{x}.id"], f"below by {lead}"
        page.when.append(f"{x} <> {a}")
        return self.page(page, s, 50, below)

    # -- people -----------------------------------------------------------------------------------------------------

    def _linked(
        self, v: str, s: Selected, label: str, pattern: str, *, timed: bool = True, order: str = "id"
    ) -> str:
        """A connection over one relationship `r` from `v` to `x` of a label, e.g. `({v})-[{r}:OWNS]->({x})`."""
        x, r = self.variable("x"), self.variable("r")
        match = pattern.format(v=v, r=r, x=f"{x}:{label}")
        # One thing linked twice in the same way is one item.
        again = self.variable("q")
        twin = pattern.format(v=v, r=again, x=x)
        held = f" AND {self.current(again)}" if timed else ""
        page = Page(
            match,
            [],
            [f"{x}.{order}", f"{x}.id"] if order != "id" else [f"{x}.id"],
            order,
            x,
            label,
            _edge(r),
            when=[self.current(r)] if timed else [],
            once=[f"NOT EXISTS {{ MATCH {twin} WHERE elementId({again}) < elementId({r}){held} }}"],
        )
        return self.page(page, s)

    def _short(self, v: str, s: Selected, label: str, pattern: str, *, timed: bool = True) -> str:
        x, r = self.variable("x"), self.variable("r")
        return self.many(
            pattern.format(v=v, r=r, x=f"{x}:{label}"), [self.current(r)] if timed else [], label, x, s
        )

    def _single(self, v: str, s: Selected, label: str, pattern: str, *, timed: bool = True) -> str:
        x, r = self.variable("x"), self.variable("r")
        return self.one(
            pattern.format(v=v, r=r, x=f"{x}:{label}"), [self.current(r)] if timed else [], label, x, s
        )

    def _person_homes(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Address", "({v})-[{r}:LIVES_AT]->({x})")

    def _person_houses(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "House", "({v})-[{r}:OWNS]->({x})")

    def _person_rents(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "House", "({v})-[{r}:RENTS]->({x})")

    def _person_vehicles(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Vehicle", "({v})-[{r}:OWNS]->({x})")

    def _person_employers(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Enterprise", "({v})-[{r}:WORKS_FOR]->({x})")

    def _person_represents(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Enterprise", "({v})-[{r}:REPRESENTS]->({x})")

    def _person_relatives(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Person", "({v})-[{r}:RELATED_TO]-({x})")

    def _person_phones(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Phone", "({v})-[{r}:HAS_PHONE]->({x})")

    def _person_household(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Household", "({v})-[{r}:BELONGS_TO]->({x})")

    def _person_volunteer(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Volunteer", "({v})<-[{r}:IS]-({x})", timed=False)

    def _involved(self, v: str, s: Selected) -> str:
        x, r = self.variable("i"), self.variable("r")
        page = Page(
            f"({v})-[{r}:INVOLVED_IN]->({x}:Incident)", [],
            [f"{x}.occurred_at", f"{x}.id"], "newest", x, "Incident", {"relation": f"{r}.role"}, descending=True,
            when=[f"{x}.occurred_at < $as_of_end"],
            once=[f"NOT EXISTS {{ MATCH ({v})-[q{r}:INVOLVED_IN]->({x}) WHERE elementId(q{r}) < elementId({r}) }}"],
        )  # fmt: skip
        return self.page(page, s)

    _person_incidents = _enterprise_incidents = _vehicle_incidents = _phone_incidents = _device_incidents = (
        _involved
    )

    def _household_members(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Person", "({v})<-[{r}:BELONGS_TO]-({x})")

    def _phone_holders(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Person", "({v})<-[{r}:HAS_PHONE]-({x})")

    def _phone_called(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Phone", "({v})-[{r}:CALLED]-({x})", timed=False)

    # -- houses, enterprises, vehicles ------------------------------------------------------------------------------

    def _at(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Address", "({v})-[{r}:AT]->({x})")

    _house_at = _enterprise_at = _device_at = _matter_at = _project_at = _at

    def _house_owners(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Person", "({v})<-[{r}:OWNS]-({x})")

    _vehicle_owners = _house_owners

    def _house_owner_enterprises(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:OWNS]-({x})")

    _vehicle_owner_enterprises = _house_owner_enterprises

    def _house_tenants(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Person", "({v})<-[{r}:RENTS]-({x})")

    def _enterprise_representative(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Person", "({v})<-[{r}:REPRESENTS]-({x})")

    def _enterprise_employees(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Person", "({v})<-[{r}:WORKS_FOR]-({x})")

    def _enterprise_houses(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "House", "({v})-[{r}:OWNS]->({x})")

    def _enterprise_vehicles(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Vehicle", "({v})-[{r}:OWNS]->({x})")

    def _vehicle_registered_at(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Address", "({v})-[{r}:REGISTERED_AT]->({x})")

    def _vehicle_permits(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Permit", "({v})-[{r}:HOLDS]->({x})")

    def _vehicle_trips(self, v: str, s: Selected) -> str:
        x = self.variable("x")
        return self.many(
            f"({v})<-[:MADE_BY]-({x}:Trip)",
            [f"{x}.started_at < $as_of_end"],
            "Trip",
            x,
            s,
            f"{x}.started_at DESC, {x}.id",
        )

    def _enterprise_devices(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Device", "({v})-[{r}:USES]->({x})")

    def _enterprise_permits(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Permit", "({v})-[{r}:HOLDS]->({x})")

    def _enterprise_projects(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Project", "({v})-[{r}:BUILDS|RUNS]->({x})")

    def _enterprise_guarantees(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})-[{r}:GUARANTEES]->({x})")

    def _enterprise_guaranteed_by(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:GUARANTEES]-({x})")

    # -- devices, permits, projects, trips --------------------------------------------------------------------------

    def _device_users(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Person", "({v})<-[{r}:USES]-({x})")

    def _device_user_enterprises(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:USES]-({x})")

    def _permit_projects(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Project", "({v})-[{r}:FOR]->({x})", timed=False)

    def _permit_vehicles(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Vehicle", "({v})<-[{r}:HOLDS]-({x})")

    def _permit_enterprises(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:HOLDS]-({x})")

    def _project_builders(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:BUILDS]-({x})")

    def _project_runners(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Enterprise", "({v})<-[{r}:RUNS]-({x})")

    def _project_permits(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Permit", "({v})<-[{r}:FOR]-({x})", timed=False)

    def _project_matters(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Matter", "({v})<-[{r}:FOR]-({x})", timed=False)

    def _trip_vehicle(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Vehicle", "({v})-[{r}:MADE_BY]->({x})", timed=False)

    def _trip_from_project(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Project", "({v})-[{r}:FROM]->({x})", timed=False)

    def _trip_to_project(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Project", "({v})-[{r}:TO]->({x})", timed=False)

    # -- incidents, matters, volunteers -----------------------------------------------------------------------------

    def _incident_at(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Address", "({v})-[{r}:OCCURRED_AT]->({x})", timed=False)

    def _incident_matter(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Matter", "({v})-[{r}:HANDLED_IN]->({x})", timed=False)

    def _incident_matters(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Matter", "({v})-[{r}:HANDLED_IN]->({x})", timed=False)

    def _incident_handled_by(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Organisation", "({v})-[{r}:HANDLED_BY]->({x})", timed=False)

    _matter_handled_by = _incident_handled_by

    def _incident_parties(self, v: str, s: Selected) -> str:
        lists = []
        entities = [c for c in self.selections.of(s) if c.name == "entity"]
        if len(entities) > 1:
            raise UsageError(
                "BAD_ARGUMENT",
                "entity 只能选取一次",
                "entity may be selected only once here",
                "Merge the selections.",
            )
        entity = entities[0] if entities else None
        for label in PARTY_LABELS:
            if not self.viewer.sees_label(label):
                continue
            x, r = self.variable("x"), self.variable("r")
            node = self.node(label, x, entity) if entity is not None else f"{x}{{.id, _t: '{label}'}}"
            lists.append(
                f"COLLECT {{ MATCH ({v})<-[{r}:INVOLVED_IN]-({x}:{label}){where_all(self.visible(label, x))} "
                f"WITH {x}, {r} ORDER BY {r}.role, {x}.id LIMIT {MAX_FIRST} RETURN {{role: {r}.role, entity: {node}}} }}"
            )
        return " + ".join(lists) if lists else "[]"

    def _matter_incidents(self, v: str, s: Selected) -> str:
        return self._short(v, s, "Incident", "({v})<-[{r}:HANDLED_IN]-({x})", timed=False)

    def _serves(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Address", "({v})-[{r}:SERVES]->({x})")

    _volunteer_serves = _team_serves = _serves

    # -- findings ---------------------------------------------------------------------------------------------------

    def _findings_of(self, v: str, s: Selected) -> str:
        return self._linked(
            v, s, "Finding", "({v})<-[{r}:ABOUT|SHOWN_BY]-({x})", timed=False, order="found_at"
        )

    _incident_findings = _enterprise_findings = _vehicle_findings = _matter_findings = _device_findings = (
        _findings_of
    )

    def _finding_at(self, v: str, s: Selected) -> str:
        x = self.variable("a")
        return self.one(f"({x}:Address)", [f"{x}.place = {v}.place", f"{x}.id IS NOT NULL"], "Address", x, s)

    # Read after all else, by `schema.findings`, for they may be of any kind.
    def _finding_about(self, v: str, s: Selected) -> str:
        x = self.variable("x")
        return f"[$as_of, head(COLLECT {{ MATCH ({v})-[:ABOUT]->({x}) RETURN {x}.id }})]"

    def _finding_evidence(self, v: str, s: Selected) -> str:
        return "[$as_of]"

    def _volunteer_person(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Person", "({v})-[{r}:IS]->({x})", timed=False)

    def _volunteer_team(self, v: str, s: Selected) -> str:
        return self._single(v, s, "Team", "({v})-[{r}:MEMBER_OF]->({x})")

    def _team_members(self, v: str, s: Selected) -> str:
        return self._linked(v, s, "Volunteer", "({v})<-[{r}:MEMBER_OF]-({x})")

    # -- roots ------------------------------------------------------------------------------------------------------

    def place_of(self, code: str) -> Place:
        """How the subtree of a code is matched; a code of no form has none."""
        level = self.scheme.level_of(code)
        if level is None:
            return Place("either")
        parsed = self.scheme.parse(code)
        if not parsed.independent:
            return Place("tree", level, self.scheme.key(parsed.code))
        return Place("grid" if level in ("GRID", "MICRO_GRID") else "group", level)

    def by_key(
        self,
        label: str,
        key: str,
        value: Any,
        selected: Selected,
        place: Place | None = None,
        more: Sequence[str] = (),
    ) -> str:
        """The node of a label with a value of a unique or indexed field: rows of one map."""
        n = self.variable("n")
        conditions = [_keyed(label, key, n, self.parameter(value)), *self.visible(label, n)]
        spec = ONTOLOGY.entities[label].fields().get(key)
        unique = key == "id" or (spec is not None and spec.meta.lookup is Lookup.UNIQUE)
        first = "" if unique else f"WITH {n} ORDER BY {n}.id LIMIT 1 "
        return (
            f"MATCH ({n}:{label}){where_all(conditions)} {first}"
            f"RETURN {self.node(label, n, selected, place, more)} AS found"
        )

    def by_keys(self, groups: Sequence[Group], selected: Selected, more: Sequence[str] = ()) -> str:
        """The nodes of several labels by the values of a field: one row, a list of {k: value, n: map}."""
        return f"RETURN {self.listed(groups, selected, more)} AS found"

    def listed(self, groups: Sequence[Group], selected: Selected, more: Sequence[str] = ()) -> str:
        """The list of `by_keys` as an expression."""
        lists = []
        for group in groups:
            n, k = self.variable("n"), self.variable("k")
            where = where_all([_keyed(group.label, group.key, n, k), *self.visible(group.label, n)])
            lists.append(
                f"COLLECT {{ UNWIND {self.parameter(list(group.values))} AS {k} MATCH ({n}:{group.label}){where} "
                f"WITH {n}, {k} ORDER BY {n}.id RETURN {{k: {k}, n: {self.node(group.label, n, selected, group.place, more)}}} }}"
            )
        return " + ".join(lists) if lists else "[]"

    def seen(self, groups: Sequence[Group]) -> str:
        """The list of the values of `listed` whose node the viewer may see, as an expression."""
        lists = []
        for group in groups:
            n, k = self.variable("n"), self.variable("k")
            where = where_all([_keyed(group.label, group.key, n, k), *self.visible(group.label, n)])
            lists.append(
                f"COLLECT {{ UNWIND {self.parameter(list(group.values))} AS {k} MATCH ({n}:{group.label}){where} RETURN {k} }}"
            )
        return " + ".join(lists) if lists else "[]"

    def titles(self, groups: Sequence[Group]) -> str:
        """What the nodes of some ids are called: one row, a list of [id, title or null]."""
        lists = []
        for group in groups:
            n, k = self.variable("n"), self.variable("k")
            field = ONTOLOGY.entities[group.label].title_field
            where = where_all([f"{n}.id = {k}", *self.visible(group.label, n)])
            title = f"{n}.{field}" if self.viewer.sees_field(group.label, field) else "null"
            lists.append(
                f"COLLECT {{ UNWIND {self.parameter(list(group.values))} AS {k} MATCH ({n}:{group.label}){where} "
                f"RETURN [{n}.id, {title}] }}"
            )
        return f"RETURN {' + '.join(lists)} AS found"

    def by_code(self, codes: Iterable[str]) -> list[Group]:
        """Addresses to look up, those apart whose subtrees are matched in different ways."""
        groups: dict[tuple[str, str | None], Group] = {}
        for code in sorted(set(codes)):
            place = self.place_of(code)
            level = place.level if place.level in ("DISTRICT", "STREET", "COMMUNITY", "MICRO_GRID") else None
            group = groups.setdefault(
                (place.kind, level), Group("Address", "code", [], Place(place.kind, level))
            )
            group.values.append(code)
        return [groups[key] for key in sorted(groups, key=str)]

    def codes(self) -> str:
        """The codes of addresses by $ids: rows of [code, id]."""
        where = where_all(["a.id = id", *self.visible("Address", "a")])
        return f"UNWIND $ids AS id MATCH (a:Address){where} RETURN [a.code, id] AS pair"

    def needs_codes(self, selected: Selected) -> bool:
        """Whether lists of addresses are selected, which are matched by what their codes say."""
        return any(c.name in PLACE_LISTS for c in self.selections.of(selected, "Address"))


def about(incident: str, codes: str) -> str:
    """That an incident, or one report of it, is of one of the kinds or categories."""
    return (
        f"({incident}.kind IN {codes} OR {incident}.category IN {codes} "
        f"OR any(x IN {incident}.report_kind WHERE x IN {codes}) "
        f"OR any(x IN {incident}.report_category WHERE x IN {codes}))"
    )


def _keyed(label: str, key: str, variable: str, value: str) -> str:
    """That a node has a value of a field; an incident of several reports is found by the number of each."""
    if label == "Incident" and key == "number":
        return f"({variable}.number = {value} OR {variable}.numbers CONTAINS ('|' + {value} + '|'))"
    return f"{variable}.{key} = {value}"


def where_all(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def of_the_day(a: str, name: str) -> str:
    """A field of an address as it was on the day asked about."""
    kept = f"{a}.{_ERAS[name]}"
    days = f"{a}.era_until"
    return (
        f"coalesce(head([i IN range(0, size(coalesce({days}, [])) - 1) WHERE {days}[i] > $as_of AND {kept}[i] <> '' "
        f"| {kept}[i]]), {a}.{name})"
    )


# What a row says of its relationship → the field of the edge that is told from it, where that is another.
_EDGE = {"kin": "relation"}


def _edge(r: str) -> dict[str, str]:
    return {"relation": f"type({r})"} | {
        name: f"{r}.{name}" for name in ("kin", "since", "until", "confidence")
    }


def _years_before(day: str, years: int) -> str:
    return f"{int(day[:4]) - years:04d}{day[4:]}"
