"""The things of a trace in Cypher: how they are found, which of them are meant, and how they and their subject lead to each other.

A thing is called `n` here, its subject `s` (`z` where it is a node), the relationship between them that has times of its own `tie`.
Labels, types and fields are the ontology's; all values are parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from addresses.genealogy import MERGED
from addresses.scheme import Scheme
from graph.compile import about
from graph.queries.repeats import PLACE_LEVELS
from ontology import ONTOLOGY
from ontology.clock import OPEN_END
from ontology.terms import Terms
from traces.declaration import Trace
from traces.fetch import Fetch
from traces.things import STEP, Related, Test, Things, Wanted, next_labels, said_of

# Of a level: the one within whose places neighbours are, and what counts as one of its places.
ABOVE = {
    "BUILDING": ("COMMUNITY", ["BUILDING", "SITE"]), "COMMUNITY": ("STREET", ["COMMUNITY"]), "STREET": ("DISTRICT", ["STREET"]),
}  # fmt: skip
METRES_A_DEGREE = 111_320.0
# What stands at one point.
_STANDING = ("BUILDING", "SITE")


@dataclass(slots=True)
class Selector:
    """Finds the things of one trace and their subjects.

    Args:
        values: of its parameters.
        today: the district's day, ISO.

    Attributes:
        parameters: of the statement that is being made.
    """

    trace: Trace
    values: Mapping[str, int]
    today: str
    scheme: Scheme
    terms: Terms
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parameters = {"today": self.today, "tonight": f"{self.today}T99", "levels": PLACE_LEVELS}

    def all_of(self, fetch: Fetch, more: str = "", *, own: Sequence[str] | None = None) -> str:
        """All things of a selection, with `s`: their subject; `own`: as `to_subject` has it."""
        things = fetch.things
        if things.kinds:
            tops = self._tops(things.kinds)
            rest = [w for w in (*self.conditions(fetch), more) if w]
            where = "".join(f" AND {w}" for w in rest)
            # What one report tells is its kind and category; what several tell has an index of its own.
            match = (
                f"CALL () {{ MATCH (n:Incident) WHERE n.kind IN {tops} AND n.numbers IS NULL{self._of_kinds(things.kinds)}{where} RETURN n "
                f"UNION ALL MATCH (n:Incident) WHERE ({self._reported_as(things.kinds)}){where} RETURN n }} WITH n"
            )
        else:
            first = next((r for r in things.having if r.where and not (r.none or r.here)), None)
            given = [w for w in (*self.conditions(fetch, but=first), more) if w]
            where = f" WHERE {' AND '.join(given)}" if given else ""
            match = f"MATCH (n:{things.label}){where}"
            if first is not None:
                # What they have is looked for first: it is often rare.
                path, had = self._had(first)
                match = f"MATCH (n:{things.label}){path} WHERE {had} WITH DISTINCT n{where}"
        # Around a place the relationship is no longer at hand; of what has ended more is brought then, and judged.
        lasting = self.lasting(fetch) if things.near is None else ""
        late = f" WITH * WHERE {lasting}" if lasting else ""
        return f"{match} {self.to_subject(things, own=own)}{late}{self.legs(fetch)}"

    def times(self, things: Things) -> tuple[str, str]:
        """From when a thing is so, and until when."""
        begin = f"n.{things.begins}" if things.begins else "null"
        if things.reported:
            begin = self._first_report(things)
        end = f"n.{things.until}" if things.until else "null"
        if self.has_tie(things):
            begin = f"coalesce({begin}, tie.since)" if things.begins else "tie.since"
            end = end if things.until else "tie.until"
        return begin, end

    def _first_report(self, things: Things) -> str:
        """When an incident was first reported as one of the kinds; of one report, or reported so by none, when it was."""
        codes = self.codes(things.kinds)
        of = f"(n.report_kind[i] IN {codes} OR n.report_category[i] IN {codes})"
        first = f"reduce(x = null, i IN range(0, size(n.report_at) - 1) | CASE WHEN {of} AND n.report_at[i] <> '' AND (x IS NULL OR n.report_at[i] < x) THEN n.report_at[i] ELSE x END)"
        return (
            f"CASE WHEN n.numbers CONTAINS '|' THEN coalesce({first}, n.occurred_at) ELSE n.occurred_at END"
        )

    def conditions(self, fetch: Fetch, *, but: Related | None = None) -> Iterator[str]:
        things = fetch.things
        for name, wanted in things.where.items():
            yield self.wanted(things.label, "n", name, wanted)
        for related in things.having:
            if not related.here and related is not but:
                yield self._having(related)
        # What happened lies in the past anyway, and the planner would take the index of times for all of it. What has an end
        # may have an unknown start.
        if things.time is not None and things.until is None:
            yield f"n.{things.time} <= $tonight"

    def meant(self, fetch: Fetch) -> list[str]:
        """What a thing `n` must be and have, to be one of a selection's."""
        kinds, lasting = fetch.things.kinds, self.lasting(fetch)
        meant = [*self.conditions(fetch), *([about("n", self.codes(kinds))] if kinds else [])]
        return [*meant, lasting] if lasting else meant

    def lasting(self, fetch: Fetch) -> str:
        """That a thing has not ended, where only those count that have not; "" where it has no end, or may have had one. A thing's own last
        day is of it, a relationship's end is not."""
        things = fetch.things
        end = self.times(things)[1]
        if not fetch.now or fetch.chain is not None or things.timeless or end == "null":
            return ""
        return f"coalesce(left({end}, 10), '{OPEN_END}') {'>=' if things.until is not None else '>'} $today"

    def _having(self, related: Related, at: str | None = None) -> str:
        """That a thing has something else, or has not; at a place, where that is named."""
        path, where = self._had(related, at)
        return f"{'NOT ' if related.none else ''}EXISTS {{ MATCH (n){path} WHERE {where} }}"

    def _had(self, related: Related, at: str | None = None) -> tuple[str, str]:
        """The way from a thing `n` to what it has, and what must hold of that."""
        path, ties = path_of(related.way)
        where = [f"h:{related.label}"]
        where += [self.wanted(related.label, "h", f, w) for f, w in related.where.items()]
        for tie in ties:
            where += [f"coalesce({tie}.since, '') <= $today", f"coalesce({tie}.until, '{OPEN_END}') > $today"]
        if at is not None:
            where += [f"h.place = {at}", "h.place_confidence IS NULL"]
        return path, " AND ".join(where)

    def wanted(self, label: str, variable: str, name: str, wanted: Wanted) -> str:
        value = f"{variable}.{name}"
        if isinstance(wanted, Test):
            parts = []
            if wanted.known is not None:
                parts.append(f"{value} IS {'NOT ' if wanted.known else ''}NULL")
            if wanted.at_least is not None:
                parts.append(f"{value} >= {self.value(wanted.at_least)}")
            if wanted.at_most is not None:
                parts.append(f"{value} <= {self.value(wanted.at_most)}")
            if wanted.hours is not None:
                since, until = (self.value(hour) for hour in wanted.hours)
                over = "OR" if wanted.hours[0] > wanted.hours[1] else "AND"
                clock = f"substring({value}, 11, 5)"
                parts.append(f"size({value}) >= 16 AND ({clock} >= {since} {over} {clock} < {until})")
            if wanted.none_of is not None:
                parts.append(f"NOT coalesce({value}, '') IN {self.value(wanted.none_of)}")
            return f"({' AND '.join(parts)})" if parts else "true"
        if isinstance(wanted, list):
            return f"{value} IN {self.value(wanted)}"
        if ONTOLOGY.entities[label].fields()[name].many:
            return f"{self.value(wanted)} IN {value}"
        return f"{value} = {self.value(wanted)}"

    def value(self, value: Any) -> str:
        """A parameter of the statement that has a value; of the trace, where the value names one."""
        if isinstance(value, str):
            if value == "today":
                return "$today"
            value = said_of(value, self.values)
        for name, held in self.parameters.items():
            if type(held) is type(value) and held == value:
                return f"${name}"
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _tops(self, kinds: list[str]) -> str:
        """A parameter: the kinds that incidents are found by."""
        known = self.terms.lists["incident_kind"]
        return self.value(sorted({(known[k].parent or k) if k in known else k for k in kinds}))

    def codes(self, kinds: list[str]) -> str:
        """A parameter: the codes that kind or category must be one of."""
        return self.value(sorted(kinds))

    def _of_kinds(self, kinds: list[str]) -> str:
        """Which of the incidents of the kinds that they are found by are meant."""
        known = self.terms.lists["incident_kind"]
        narrower = [k for k in kinds if k in known and known[k].parent]
        if not narrower:
            return ""
        whole = [k for k in kinds if k not in narrower]
        meant = f"n.category IN {self.value(sorted(narrower))}"
        return f" AND (n.kind IN {self.value(sorted(whole))} OR {meant})" if whole else f" AND {meant}"

    def _reported_as(self, kinds: list[str]) -> str:
        """That one of several reports of an incident `n` is of a kind."""
        return " OR ".join(f"n.reported_as CONTAINS {self.value(f'|{kind}|')}" for kind in sorted(kinds))

    def has_tie(self, things: Things) -> bool:
        """Whether the last relationship to the subject has times of its own."""
        if things.way:
            link = STEP.fullmatch(things.way[-1])
            assert link is not None
            return ONTOLOGY.links[link[2]].history
        return self.trace.subject.place is not None and things.label == "Person"

    def _tie(self, things: Things) -> str | None:
        return "tie" if self.has_tie(things) else None

    def legs(self, fetch: Fetch) -> str:
        if fetch.chain is None:
            return ""
        path, where = "(n)", [self._stands("p")]
        for i, leg in enumerate(fetch.chain.legs):
            least, most = leg.times
            times = "" if (least, most) == (1, 1) else f"*{least}..{most}"
            back, type, _ = step_of(leg.way)
            last = fetch.chain.closed and i == len(fetch.chain.legs) - 1
            end = "n" if last else f"c{i}"
            path += f"{'<' if back else ''}-[:{type}{times}]-{'' if back else '>'}({end}{'' if last else ':' + leg.label})"
            if not last:
                where += [self.wanted(leg.label, end, f, w) for f, w in leg.where.items()]
        if fetch.chain.closed:
            # One ring, one subject: the first of its nodes.
            where.append("all(m IN nodes(p) WHERE n.id <= m.id)")
        return f" MATCH p = {path} WHERE {' AND '.join(where)}"

    def _stands(self, p: str) -> str:
        return f"all(r IN relationships({p}) WHERE coalesce(r.since, '') <= $today AND coalesce(r.until, '{OPEN_END}') > $today)"

    def width(self) -> int:
        """How much of a place key is the subject's."""
        level = self.trace.subject.place
        assert level is not None
        return self.scheme.width(level)

    def _carrier(self, things: Things) -> tuple[str, str]:
        """How a thing reaches what has its place key, and that variable."""
        if things.way:
            # With its label, so that what stands at a place is looked up by the index of places.
            return f" MATCH (n){path_to(things.way, f'z:{end_label(things)}', tie=self._tie(things))}", "z"
        if things.label == "Person":
            return " MATCH (n)-[tie:LIVES_AT]->()", "tie"
        return "", "n"

    def sure(self, things: Things, carrier: str, *, loosely: bool = False, inside: bool = False) -> list[str]:
        """That a place is known well enough to stand for the subject; and, but `loosely`, that what must stand there does.
        `inside`: it is known to be the subject or to lie in it."""
        place = self.trace.subject.place
        label = end_label(things)
        if carrier == "tie":
            sure = ["tie.confidence IS NULL"]
            if place == "OWN":
                sure.append(f"size(tie.place) >= {self.scheme.width('BUILDING')}")
        elif label == "Address":
            sure = [f"{carrier}.level IN $levels"] if place == "OWN" else []
        else:
            sure = [f"{carrier}.place_confidence IS NULL"]
            if things.confidence is not None:
                sure = [f"({sure[0]} OR {carrier}.place_confidence >= {self.value(things.confidence)})"]
            if place == "OWN":
                sure.append(f"{carrier}.place_level IN $levels")
        if place != "OWN" and not inside:
            sure.append(f"size({carrier}.place) >= {self.width()}")
        return sure if loosely else [*sure, *self.here(things)]

    def here(self, things: Things) -> list[str]:
        """That what must stand at the very place of a thing does."""
        carrier = self._carrier(things)[1]
        return [self._having(r, f"{carrier}.place") for r in things.having if r.here]

    def is_led_to(self, things: Things) -> bool:
        """Whether a way leads from things to their subject, which is a node."""
        return self.trace.subject.node is not None and bool(things.way) and things.near is None

    def to_subject(self, things: Things, *, loosely: bool = False, own: Sequence[str] | None = None) -> str:
        """From a thing `n` to its subject `s`; `loosely`: whatever else must stand there; `own`: of those alone of which all that is given
        holds, and as the node `z` where a way leads to it."""
        subject = self.trace.subject
        if things.near is not None:
            match, carrier = self._carrier(things)
            where = " AND ".join(
                [f"{carrier}.place IS NOT NULL", *self.sure(things, carrier, loosely=loosely)]
            )
            kept = "n" if carrier == "n" else f"n, {carrier}"
            here = f"WITH DISTINCT n, {cut(f'{carrier}.place', self.width())} AS here"
            return f"{match} WITH {kept} WHERE {where} {here} {self.around('here', self.value(things.near))} WITH DISTINCT n, around AS s"
        if subject.pair is not None:
            return f"WITH n, {self._parties()} AS parties WHERE size(parties) = 2 {_PAIR}"
        if subject.node is not None:
            if not things.way:
                return "WITH n, n.id AS s"
            tie = self._tie(things)
            where = f" WHERE {' AND '.join(own)}" if own else ""
            return (
                f"MATCH (n){path_to(things.way, 'z:' + subject.node, tie=tie)}{where} "
                f"WITH n, {'z.id AS s' if own is None else 'z'}{', tie' if tie else ''}"
            )
        match, carrier = self._carrier(things)
        key = f"{carrier}.place" if subject.place == "OWN" else cut(f"{carrier}.place", self.width())
        timed = ", tie" if self.has_tie(things) else ""
        where = " AND ".join([f"{carrier}.place IS NOT NULL", *self.sure(things, carrier, loosely=loosely)])
        kept = f"n, {carrier}{timed}" if carrier not in ("n", "tie") else f"n{timed}"
        return f"{match} WITH {kept} WHERE {where} WITH n, {key} AS s{timed}".strip()

    def of_subject(self, things: Things, given: list[str], *, loosely: bool = False) -> str:
        """From the subject `s` to its things `n`, of which all that is given holds; at a place, `loosely`: whatever else must stand there."""
        subject = self.trace.subject
        if subject.pair is not None:
            where = "".join(f" AND {w}" for w in given)
            return (
                "MATCH (a:Person|Enterprise)-[:INVOLVED_IN]->(n:Incident) WHERE a.id = split(s, '|')[0]"
                f"{where} WITH DISTINCT n, s, {self._parties()} AS parties WHERE size(parties) = 2 WITH n, s, parties "
                f"WHERE s = {_JOINED}"
            )
        if subject.node is not None:
            if not things.way:
                return f"MATCH (n:{things.label}) WHERE {' AND '.join(['n.id = s', *given])}"
            path = path_to(things.way, f"z:{subject.node}", tie=self._tie(things))
            return f"MATCH (n:{things.label}){path} WHERE {' AND '.join(['z.id = s', *given])}"
        match, carrier = self._carrier(things)
        if things.near is not None:
            around = self.around("s", self.value(things.near))
            inside = f"{carrier}.place STARTS WITH around AND {carrier}.{'who' if carrier == 'tie' else 'id'} IS NOT NULL"
            where = " AND ".join([inside, *self.sure(things, carrier), *given])
            if carrier == "n":
                return (
                    f"{around} MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) WHERE {where}"
                )
            return f"{around} {match.strip().replace('(n)', f'(n:{things.label})', 1)} WHERE {where}"
        reach = f"{carrier}.place = s" if subject.place == "OWN" else f"{carrier}.place STARTS WITH s"
        # The index is of the place and a second field, and is used only where that is known to be there.
        reach += f" AND {carrier}.{'who' if carrier == 'tie' else 'id'} IS NOT NULL"
        where = " AND ".join([reach, *self.sure(things, carrier, loosely=loosely, inside=True), *given])
        if carrier == "n":
            return f"MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) WHERE {where}"
        return f"{match.strip().replace('(n)', f'(n:{things.label})', 1)} WHERE {where}"

    def of_anybody(self, things: Things, given: list[str]) -> str:
        """As `_of_subject`, of people whoever they are: that somebody lives there is known without looking who. "" for others."""
        subject = self.trace.subject
        if things != Things(label="Person") or subject.place is None:
            return ""
        reach = "tie.place = s" if subject.place == "OWN" else "tie.place STARTS WITH s"
        where = " AND ".join([reach, "tie.who IS NOT NULL", *self.sure(things, "tie", inside=True), *given])
        return f"MATCH ()-[tie:LIVES_AT]->() WHERE {where} WITH tie"

    def around(self, key: str, metres: str) -> str:
        """The place keys `around` of the building or site whose key a variable has, and of those within so many metres of it."""
        return (
            f"CALL ({key}) {{ RETURN {key} AS around UNION "
            f"MATCH (o:Address) USING INDEX o:Address(place, id) WHERE o.place = {key} AND o.id IS NOT NULL "
            f"AND o.latitude IS NOT NULL AND o.longitude IS NOT NULL {self.near(metres)} RETURN b.place AS around }}"
        )

    def near(self, metres: str) -> str:
        """The buildings and sites `b` within so many metres of a point `o`."""
        degrees = f"{metres} / {METRES_A_DEGREE} * 1.01"
        here = "point({latitude: o.latitude, longitude: o.longitude})"
        return (
            "MATCH (b:Address) USING INDEX b:Address(latitude, longitude) "
            f"WHERE b.latitude >= o.latitude - {degrees} AND b.latitude <= o.latitude + {degrees} "
            f"AND b.longitude >= o.longitude - {degrees} / cos(radians(o.latitude)) AND b.longitude <= o.longitude + {degrees} / cos(radians(o.latitude)) "
            f"AND b.level IN {self.value(list(_STANDING))} AND b.place IS NOT NULL "
            f"AND point.distance(point({{latitude: b.latitude, longitude: b.longitude}}), {here}) <= {metres}"
        )

    def _parties(self) -> str:
        """The parties of incident `n`: of one of several reports, where somebody may stand twice, those with a number."""
        roles = self.value(list(self.trace.subject.pair or ()))
        named = f"q.role IN {roles} AND (n.numbers IS NULL OR x:Enterprise OR x.id_hash IS NOT NULL)"
        return f"COLLECT {{ MATCH (x:Person|Enterprise)-[q:INVOLVED_IN]->(n) WHERE {named} RETURN DISTINCT x.id ORDER BY x.id }}"


_JOINED = "parties[0] + '|' + parties[1]"
_PAIR = f"WITH n, {_JOINED} AS s"


def cut(key: str, width: int) -> str:
    """The part of a place key that is of the level whose codes have a width. What lies in a place that was merged has its own code behind the
    key of the other (`Genealogy.place_key`)."""
    parts = f"split({key}, '{MERGED}')"
    own = f"size({key}) - size({parts}[-1]) + {width} - size({parts}[-2])"
    return f"left({key}, CASE WHEN {key} CONTAINS '{MERGED}' AND {width} > size({parts}[-2]) THEN {own} ELSE {width} END)"


def step_of(step: str) -> tuple[bool, str, str | None]:
    """Whether it points back, its relationship, and the label it leads to where it names one."""
    found = STEP.fullmatch(step)
    assert found is not None
    return bool(found[1]), found[2], found[4]


def path_to(way: Any, end: str, *, tie: str | None = None) -> str:
    """The relationships of a way, from a node to `end`; the last one is called `tie` where that is wanted."""
    text = ""
    for i, step in enumerate(way):
        back, type, label = step_of(step)
        last = i == len(way) - 1
        name = tie if tie and last else ""
        of = f":{label}" if label and not (last and ":" in end) else ""
        text += f"{'<' if back else ''}-[{name}:{type}]-{'' if back else '>'}({end if last else ''}{of})"
    return text


def path_of(way: Any) -> tuple[str, list[str]]:
    """The relationships of a way, from a node to `h`, and the variables of those that hold for a time."""
    text, ties = "", []
    for i, step in enumerate(way):
        back, type, label = step_of(step)
        name = f"e{i}" if ONTOLOGY.links[type].history else ""
        ties += [name] if name else []
        end = "h" if i == len(way) - 1 else ""
        text += f"{'<' if back else ''}-[{name}:{type}]-{'' if back else '>'}({end}{':' + label if label else ''})"
    return text, ties


def end_label(things: Things) -> str:
    """The label of what a way ends at."""
    labels = [things.label]
    for step in things.way:
        labels = [end for label in labels for end in next_labels(label, step)]
    return labels[0] if labels else things.label
