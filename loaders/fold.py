"""`fold(records)`: what the graph should hold about one key, from all records about it.

Pure and free of order: "newer" is the record's own effective time, then a hash of its content, never the order of
arrival. Among feeds the more trusted value is shown; among equals the newer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from addresses.gazetteer import Placement
from addresses.genealogy import Genealogy, Piece, day_before
from loaders.eras import Eras, called, put_names
from loaders.mapping import Claims, LinkClaim
from loaders.reports import of_reports
from ontology import ONTOLOGY
from ontology.clock import OPEN_END
from ontology.terms import CLOSED_STATES

Props = dict[str, Any]
EPOCH = date(1970, 1, 1).toordinal()


class Places(Protocol):
    """What the fold asks of the address base."""

    @property
    def genealogy(self) -> Genealogy: ...
    def placed(self, key: str) -> Placement: ...
    def pieces(self, code: str, day: str | None = None) -> tuple[Piece, ...]: ...
    def id_of(self, code: str, day: str | None = None) -> str: ...
    def id_for(self, identity: str) -> str: ...
    def full_name(self, code: str) -> str | None: ...
    def code_of(self, id: str) -> str | None: ...
    def level(self, code: str) -> str | None: ...
    def grid_of(self, code: str) -> str | None: ...
    def place_key(self, code: str) -> str | None: ...
    def standing(self, code: str) -> str | None: ...
    def at_level(self, code: str, level: str) -> str | None: ...


class Version(NamedTuple):
    """One version of one record, with what it claims."""

    feed: str
    rkey: str
    effective: str
    hash: bytes
    batch: int
    row: int
    claims: Claims

    @property
    def order(self) -> tuple[str, bytes]:
        return self.effective, self.hash


class LinkState(NamedTuple):
    """A relationship as it should stand; `k` tells apart several of one type between the same two."""

    type: str
    start: str
    end: str
    k: str
    values: Props


@dataclass(frozen=True, slots=True)
class State:
    """What the graph should hold about one key: its own values and the relationships that are kept with it."""

    label: str
    values: Props
    links: tuple[LinkState, ...]


class Offer(NamedTuple):
    """A value that a record offers for a field, for `why`."""

    field: str
    value: Any
    version: Version
    trust: int

    @property
    def rank(self) -> tuple[int, str, bytes]:
        return self.trust, self.version.effective, self.version.hash


def by_record(versions: Iterable[Version]) -> list[list[Version]]:
    """Versions grouped by record, oldest first within each, in an order that does not depend on arrival."""
    groups: dict[tuple[str, str], dict[tuple[str, bytes], Version]] = {}
    for v in versions:
        groups.setdefault((v.feed, v.rkey), {})[v.order] = v
    ordered = ([g[o] for o in sorted(g)] for _, g in sorted(groups.items()))
    return [valid for one in ordered if (valid := _valid(one))]


def _valid(versions: list[Version]) -> list[Version]:
    """The versions after the last that says that the record was a mistake."""
    last = max((i for i, v in enumerate(versions) if v.claims.gone), default=-1)
    return versions[last + 1 :]


def offers(id: str, records: list[list[Version]]) -> list[Offer]:
    """All values offered for the fields of a node by the newest version of each record that still names it.

    A node that only earlier versions name is known by what the newest of those said.
    """
    found = _offered(id, [versions[-1] for versions in records])
    if not found:
        for versions in records:
            naming = [v for v in versions if any(n.id == id for n in v.claims.nodes)]
            found += _offered(id, naming[-1:])
    return found


def _offered(id: str, versions: Iterable[Version]) -> list[Offer]:
    return [
        Offer(field, value, version, claim.trust)
        for version in versions
        for claim in version.claims.nodes
        if claim.id == id
        for field, value in claim.values.items()
    ]


@cache
def gathered(label: str) -> tuple[str, ...]:
    """The lists of a label that are what all records say together."""
    return tuple(f for f, spec in ONTOLOGY.entities[label].fields().items() if spec.meta.gathered)


def _together(field: str, offered: Iterable[Offer]) -> list[Any]:
    """All values of a list that records offer, those of the most trusted and newest first."""
    ranked = sorted((o for o in offered if o.field == field), key=lambda o: o.rank, reverse=True)
    return list(dict.fromkeys(value for offer in ranked for value in offer.value))


def _exists(id: str, records: list[list[Version]], places: Places) -> bool:
    """Whether the newest version of a record names it, or an interval that still stands touches it."""
    if any(n.id == id for versions in records for n in versions[-1].claims.nodes):
        return True
    for versions in records:
        for slot in {c.slot for v in versions for c in v.claims.links if id in (c.start, c.end)}:
            if any(id in (i.claim.start, i.end) for i in stretches(slot, versions, places)):
                return True
    return False


def fold(id: str, versions: Iterable[Version], places: Places) -> State | None:
    """What the graph should hold about `id`, or None when no record speaks of it any more."""
    label = ONTOLOGY.label_of(id)
    assert label is not None
    eras: Eras | None = None
    if label == "Address":
        versions, eras = _through_time(id, list(versions), places)
    records = by_record(versions)
    if not _exists(id, records, places):
        return None
    best: dict[str, Offer] = {}
    offered = offers(id, records)
    for offer in offered:
        held = best.get(offer.field)
        if held is None or offer.rank > held.rank:
            best[offer.field] = offer
    values = {f: o.value for f, o in best.items()}
    for field in gathered(label):
        if field in best:
            values[field] = _together(field, offered)
    # Steps are one thing: three parallel lists must come from the same record.
    if "step_at" in best:
        chosen = best["step_at"].version
        for node in chosen.claims.nodes:
            if node.id == id:
                values.update(
                    {f: node.values[f] for f in ("step_at", "step_to", "step_by") if f in node.values}
                )
    if label == "Incident":
        reports = _reports(id, records)
        if len(reports) > 1:
            values = of_reports(values, reports)
    placed = ONTOLOGY.entities[label].placed if label not in ("Person", "Address") else ""
    links = _links(id, records, places, placed, values)
    if label == "Person":
        links = _end_at_death(values, links)
    if eras is not None:
        eras.finish(values)
        put_names(values, called(id, ((v[-1].feed, v[-1].claims) for v in records)))
        links = _end_with(eras.end_of_life(), links)
    _derive(label, values, links, places)
    if eras is not None and not eras.plain and "until" not in values and not _lies_in_something(links):
        # What has gone to another district lies in nothing that is known here.
        values.pop("parent", None)
    values["id"] = id
    return State(label, values, tuple(sorted(links, key=lambda x: (x.type, x.start, x.end, x.k))))


def _through_time(id: str, versions: list[Version], places: Places) -> tuple[list[Version], Eras | None]:
    """Versions of an address' records, each for the time of the code that it knows it by; and what the place's line adds."""
    eras = Eras(id, places, [(v.effective, v.claims) for v in versions])
    if eras.plain:
        return versions, eras
    clipped = [v._replace(claims=eras.clipped(i, v.effective, v.claims)) for i, v in enumerate(versions)]
    link = eras.by_code()
    if link is not None and clipped:
        last = max(clipped, key=lambda v: (*v.order, v.feed, v.rkey))
        clipped.append(Version("", "", link.since or "", b"", last.batch, last.row, Claims([], [link])))
    return clipped, eras


def _lies_in_something(links: list[LinkState]) -> bool:
    return any(x.type == "IN" and x.values.get("until", OPEN_END) == OPEN_END for x in links)


def _end_with(day: str | None, links: list[LinkState]) -> list[LinkState]:
    """The relationships of what has ended on a day: none of them goes on."""
    if day is None:
        return links
    ended = []
    for link in links:
        until = link.values.get("until")
        if until is None or until <= day:
            ended.append(link)
        elif link.values.get("since", "") < day:
            ended.append(link._replace(values={**link.values, "until": day}))
    return ended


def _reports(id: str, records: list[list[Version]]) -> list[Props]:
    """What each report says of an incident, by its number at its source."""
    best: dict[str, tuple[tuple[int, str, bytes], Props]] = {}
    for versions in records:
        newest = versions[-1]
        for node in newest.claims.nodes:
            if node.id == id and "number" in node.values:
                rank = (node.trust, *newest.order)
                held = best.get(node.values["number"])
                if held is None or rank > held[0]:
                    best[node.values["number"]] = rank, node.values
    return [values for _, values in best.values()]


@dataclass(slots=True)
class Interval:
    """How long a record says that a relationship lasts. `end` is None where its address is nowhere known; `order` is that of
    the record's version."""

    claim: LinkClaim
    end: str | None
    start: str | None
    until: str
    placement: Placement | None
    order: tuple[str, bytes]

    @property
    def rank(self) -> tuple[float, int, str, bytes]:
        """How much its place is worth beside another of the same time: the surer, the more trusted, the newer."""
        sure = self.placement.confidence if self.placement is not None else 1.0
        return sure, self.claim.trust, *self.order


def _links(
    id: str, records: list[list[Version]], places: Places, placed: str, values_out: Props
) -> list[LinkState]:
    """The relationships kept with `id`. Of several present places of a thing (`placed`: the type that places it) the surest
    stands; the text of a place that is nowhere known goes into `values_out`."""
    nowhere: list[Interval] = []
    found: dict[tuple[str, str, str, str], list[Interval]] = {}
    for versions in records:
        slots = {c.slot for v in versions for c in v.claims.links if c.owner == id}
        for slot in sorted(slots):
            for interval in stretches(slot, versions, places):
                claim = interval.claim
                if claim.owner != id:
                    continue
                if interval.end is None:
                    if claim.type == placed and claim.place is not None:
                        nowhere.append(interval)
                    continue
                role = "|".join(str(v) for _, v in sorted(claim.values.items()))
                found.setdefault((claim.type, claim.start, interval.end, role), []).append(interval)
    if placed:
        _keep_surest(found, placed)
        if nowhere and not any(name[0] == placed for name in found):
            text = (max(nowhere, key=lambda x: x.rank).claim.place or "").split("\x1f")[1]
            if text:
                values_out["place_text"] = text
                values_out["place_confidence"] = 0.0
    states = []
    for (type, start, end, role), intervals in found.items():
        timed = ONTOLOGY.links[type].history
        for held in union(intervals) if timed else intervals[:1]:
            values: Props = dict(held.claim.values)
            if timed:
                if held.start is not None:
                    values["since"] = held.start
                values["until"] = held.until
            if held.placement is not None and held.placement.confidence < 1.0:
                values["confidence"] = held.placement.confidence
                text = held.claim.place.split("\x1f")[1] if held.claim.place else ""
                if text:
                    values["text"] = text
            # Never empty: the import tool takes an empty text for none.
            k = f"{role}|{(timed and held.start) or ''}"
            if type == "LIVES_AT" and held.placement is not None and held.placement.code is not None:
                values["who"] = start
                stands = places.standing(held.placement.code)
                key = places.place_key(stands) if stands is not None else None
                grid = places.grid_of(held.placement.code)
                if key is not None:
                    values["place"] = key
                if grid is not None:
                    values["grid"] = grid
            states.append(LinkState(type, start, end, k, values))
    return states


def _keep_surest(found: dict[tuple[str, str, str, str], list[Interval]], placed: str) -> None:
    """Where records give a thing several places for the present, keeps the surest."""
    names = [name for name in found if name[0] == placed]
    if len(names) < 2:
        return
    last = max(interval.until for name in names for interval in found[name])
    present = [name for name in names if any(x.until == last for x in found[name])]
    best = max(present, key=lambda name: (max(x.rank for x in found[name]), name))
    for name in present:
        if name != best:
            found[name] = [x for x in found[name] if x.until != last]
            if not found[name]:
                del found[name]


def stretches(slot: int, versions: list[Version], places: Places) -> list[Interval]:
    """The validity of one slot of one record, over its versions.

    A newer version with another target closes the interval before it where its own begins; one with the same beginning
    is a correction and takes its place.
    """
    said: list[tuple[str | None, LinkClaim | None, tuple[str, bytes]]] = []
    for i, version in enumerate(versions):
        claim = next((c for c in version.claims.links if c.slot == slot), None)
        since = claim.since if claim is not None else None
        if since is None and i > 0:
            since = version.effective[:10] or None
        said.append((since, claim, version.order))
    type = next(c.type for _, c, _ in said if c is not None)
    if not ONTOLOGY.links[type].history:
        _, last, order = said[-1]
        # What happened somewhere happened at what that place is today.
        return [] if last is None else _made(last, None, OPEN_END, places, order)[-1:]
    kept: list[tuple[str | None, LinkClaim | None, tuple[str, bytes]]] = []
    for since, claim, order in said:
        if kept and claim is not None and _same(kept[-1][1], claim):
            kept[-1] = (claim.since or kept[-1][0], claim, order)
            continue
        while kept and (kept[-1][0] or "") >= (since or ""):
            kept.pop()
        kept.append((since, claim, order))
    intervals = []
    for i, (since, claim, order) in enumerate(kept):
        if claim is None:
            continue
        until = claim.until or OPEN_END
        if i + 1 < len(kept):
            until = min(until, kept[i + 1][0] or OPEN_END)
        if since is None or since < until:
            intervals += _made(claim, since, until, places, order)
    return intervals


def _same(a: LinkClaim | None, b: LinkClaim) -> bool:
    return a is not None and (a.start, a.end, a.place, a.values) == (
        b.start,
        b.end,
        b.place,
        b.values,
    )


def _made(
    claim: LinkClaim, since: str | None, until: str, places: Places, order: tuple[str, bytes]
) -> list[Interval]:
    """The interval of a claim, in order of time; several where its place has become another meanwhile."""
    if claim.place is None:
        return [Interval(claim, claim.end, since, until, None, order)]
    placement = places.placed(claim.place)
    if placement.code is None:
        return [Interval(claim, None, since, until, placement, order)]
    # A code that several places have had is that of the one which had it when the record was made.
    given = claim.place.split("\x1f", 1)[0]
    day = order[0][:10] if given and placement.how == "code" and places.genealogy.reused(given) else None
    named = placement.code if day is None else given
    which = ONTOLOGY.links[claim.type].as_coded
    if which:
        end = places.id_of(given or named, day_before(claim.since) if which == "before" else claim.since)
        return [Interval(claim, end if end != claim.start else None, since, until, placement, order)]
    made = []
    for piece in places.pieces(named, day):
        start = since if piece.since is None else max(since or "", piece.since)
        stop = min(until, piece.until)
        if start is not None and start >= stop:
            continue
        held = placement
        if piece.code != placement.code:
            sure = min(placement.confidence, piece.sure)
            held = Placement(piece.code, places.level(piece.code), sure, placement.how)
        end = places.id_for(piece.identity)
        made.append(Interval(claim, end if end != claim.start else None, start, stop, held, order))
    return made


class Lasting(Protocol):
    """Something that lasts from a day, if that is known, until another."""

    start: str | None
    until: str


L = TypeVar("L", bound=Lasting)


def union(intervals: Iterable[L]) -> list[L]:
    """Intervals of one relationship from several records, joined where they overlap or touch: those that are left, changed.

    An unknown start is no early one: beside intervals whose start is known it only says how long the last of them lasts.
    """
    intervals = list(intervals)
    known: list[L] = []
    for held in sorted((x for x in intervals if x.start is not None), key=lambda x: (x.start or "", x.until)):
        if known and (held.start or "") <= known[-1].until:
            known[-1].until = max(known[-1].until, held.until)
        else:
            known.append(held)
    unknown = sorted((x for x in intervals if x.start is None), key=lambda x: x.until)
    if not unknown:
        return known
    if not known or unknown[-1].until < (known[0].start or ""):
        first = unknown[0]
        first.until = unknown[-1].until
        return [first, *known]
    known[-1].until = max(known[-1].until, unknown[-1].until)
    return known


def _end_at_death(values: Props, links: list[LinkState]) -> list[LinkState]:
    """What a person's own relationships are once they have died: none of them goes on."""
    return _end_with(values.get("died"), links)


def _derive(label: str, values: Props, links: list[LinkState], places: Places) -> None:
    entity = ONTOLOGY.entities[label]
    if label == "Address":
        _derive_address(values, links, places)
    elif entity.placed and label != "Person":
        stands = [x for x in links if x.type == entity.placed]
        if stands:
            chosen = max(
                stands,
                key=lambda x: (
                    x.values.get("until", ""),
                    x.values.get("since", ""),
                    x.end,
                ),
            )
            code = places.code_of(chosen.end)
            if code is not None:
                _put_place(label, values, code, chosen, places)
    if label == "Incident" and "occurred_at" in values:
        values["day"] = date.fromisoformat(values["occurred_at"][:10]).toordinal() - EPOCH
    if label == "Matter":
        values["open"] = "closed_at" not in values and values.get("state") not in CLOSED_STATES


def _put_place(label: str, values: Props, code: str, link: LinkState, places: Places) -> None:
    stands = places.standing(code)
    key = places.place_key(stands) if stands is not None else None
    if stands is not None and key is not None:
        values["place"] = key
        if label == "Incident":
            for field, level in (("street", "STREET"), ("community", "COMMUNITY")):
                above = places.at_level(stands, level)
                if above is not None:
                    values[field] = places.place_key(above)
    grid = places.grid_of(code)
    if grid is not None:
        values["grid"] = grid
    placed_level = places.level(code)
    if placed_level is not None:
        values["place_level"] = placed_level
    if "confidence" in link.values:
        values["place_confidence"] = link.values["confidence"]
        if "text" in link.values:
            values["place_text"] = link.values["text"]


def _derive_address(values: Props, links: list[LinkState], places: Places) -> None:
    code = values["code"]
    key = places.place_key(code)
    if key is not None:
        values["place"] = key
    grid = places.grid_of(code)
    if grid is not None:
        values["grid"] = grid
    above = [x for x in links if x.type == "IN"]
    if above:
        parent = places.code_of(max(above, key=lambda x: (x.values.get("until", ""), x.end)).end)
        if parent is not None:
            values["parent"] = parent


def contributions(
    state: State, today: str, areas: Callable[[str | None, str | None], frozenset[str]]
) -> dict[str, set[str]]:
    """What one entity adds to the roll-ups: counter → codes of all places (and grids) that it counts in.

    An entity counts once in each place, however many of its addresses lie there. A function of the state alone, so that
    what was once added can be taken away again.

    Args:
        areas: (place key, grid code) → codes of everything that they lie in.
    """
    values = state.values
    stands: list[Props]
    if state.label == "Person":
        stands = [
            x.values
            for x in state.links
            if x.type == "LIVES_AT" and x.values.get("since", "") <= today < x.values.get("until", OPEN_END)
        ]
        counters = ["n_people"] + (["n_floating"] if values.get("residence") == "floating" else [])
    else:
        counters = list(COUNTERS.get(state.label, ()))
        stands = [values]
        if state.label == "House" and values.get("rented"):
            counters.append("n_rented")
        elif state.label == "Matter" and values.get("open"):
            counters.append("n_open_matters")
        elif state.label == "Volunteer" and values.get("left", OPEN_END) <= today:
            return {}
    if not counters:
        return {}
    where: set[str] = set()
    for held in stands:
        where |= areas(held.get("place"), held.get("grid"))
    return dict.fromkeys(counters, where) if where else {}


def turns(state: State, today: str) -> str | None:
    """The next day on which an entity contributes otherwise than today, if nothing is said of it until then; None where there is none."""
    if state.label == "Person":
        told = [x.values.get(d) for x in state.links if x.type == "LIVES_AT" for d in ("since", "until")]
    elif state.label == "Volunteer":
        told = [state.values.get("left")]
    else:
        return None
    return min((day for day in told if day is not None and today < day < OPEN_END), default=None)


COUNTERS = {
    "House": ["n_houses"],
    "Enterprise": ["n_enterprises"],
    "Incident": ["n_incidents"],
    "Matter": ["n_matters"],
    "Vehicle": ["n_vehicles"],
    "Device": ["n_devices"],
    "Volunteer": ["n_volunteers"],
}
