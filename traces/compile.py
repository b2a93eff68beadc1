"""A trace → Cypher: which subjects come into question, and the facts about each.

A fact is one thing of the pattern: `[selection, id, number, begin, end, matter, once, same, measure, shown]`, without what is null at
its end. What the facts of a subject amount to is decided by `traces.evaluate`, a pure function, so that the whole district and a single touched
subject are judged alike. Labels, types and fields are the ontology's; all values are parameters.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from addresses.genealogy import MERGED
from addresses.scheme import Scheme
from graph.compile import about
from graph.queries.repeats import PLACE_LEVELS
from ontology import ONTOLOGY
from ontology.clock import OPEN_END
from ontology.terms import Terms
from traces.declaration import Trace
from traces.evaluate import day_of
from traces.fetch import SEVERAL, Fetch, absences, fetches_of, leads, needs
from traces.things import STEP, Related, Test, Things, Wanted, next_labels, number_of, said_of

# Which matter an incident `n` is a report of.
_MATTER = "head(COLLECT { MATCH (n)-[:HANDLED_IN]->(m:Matter) RETURN m.id ORDER BY m.id LIMIT 1 })"
# Of a level: the one within whose places neighbours are, and what counts as one of its places.
_ABOVE = {
    "BUILDING": ("COMMUNITY", ["BUILDING", "SITE"]), "COMMUNITY": ("STREET", ["COMMUNITY"]), "STREET": ("DISTRICT", ["STREET"]),
}  # fmt: skip
METRES_A_DEGREE = 111_320.0
# What stands at one point.
_STANDING = ("BUILDING", "SITE")
# Of so many things of a subject it is not asked whether they are near each other.
MANY = 100
# How many of a sort are shown beside a finding.
BESIDE = 100
# How many subjects are returned together.
IN_A_ROW = 200
_TREE = ("DISTRICT", "STREET", "COMMUNITY", "BUILDING")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and its parameters. It returns lists of `[subject, facts]`, or subjects alone."""

    text: str
    parameters: dict[str, Any]


@dataclass(slots=True)
class TraceCompiler:
    """The statements of one trace.

    Args:
        values: of its parameters.
        today: the district's day, ISO.
    """

    trace: Trace
    values: Mapping[str, int]
    today: str
    scheme: Scheme
    terms: Terms
    _parameters: dict[str, Any] = field(default_factory=dict)
    fetches: list[Fetch] = field(default_factory=list)
    # Those, and what is shown beside.
    _every: list[Fetch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fetches = list(fetches_of(self.trace.pattern))
        self._every = [*self.fetches, *(Fetch(things) for things in self.trace.shows)]
        self._parameters = {"today": self.today, "tonight": f"{self.today}T99", "levels": PLACE_LEVELS}

    # -- statements -------------------------------------------------------------------------------------------------

    def whole(self) -> Statement:
        """All subjects of the district that come into question, with their facts."""
        able = leads(self.trace.pattern, 0, self.values)
        if len(able) > 1 or not able:
            every = " UNION ".join(dict.fromkeys(f"{self._all(x)} RETURN DISTINCT s" for x in able))
            text = f"CALL () {{ {every} }} WITH s {self._without()} {self._calls(range(len(self._every)), self._gone())} {self._row()}"
        elif self._is_looked_up(able[0]):
            text = self._lacking(able[0])
        else:
            text = self._from(able[0])
        return Statement(text, dict(self._parameters))

    def _from(self, x: int) -> str:
        """By one selection: the subjects that have enough of it, with their facts."""
        fetch = self.fetches[x]
        least = self._value(fetch.least)
        number = number_of(fetch.least, self.values)
        rest = [i for i in range(len(self._every)) if i != x]
        # To be told apart by a node takes less than by its id.
        by, told = ("z", "z.id") if self._is_led_to(fetch.things) else ("s", "s")
        held = (
            f"WITH {by}, collect({self._fact(x)}) AS f{x} WHERE size(f{x}) >= {least} WITH {told} AS s, f{x}"
        )
        if number > 1 and fetch.chain is None and not self._has_tie(fetch.things):
            # What a fact tells takes longer than to count: it is looked for where there are enough.
            held = f"{self._enough(fetch, least, by)} UNWIND ns AS n WITH {told} AS s, collect({self._fact(x)}) AS f{x}"
        elif 1 < number < SEVERAL and fetch.chain is None:
            held = (
                f"WITH {by}, collect(n) AS ns, collect(tie) AS ties WHERE size(ns) >= {least} UNWIND range(0, size(ns) - 1) AS i "
                f"WITH {told} AS s, ns[i] AS n, ties[i] AS tie WITH s, collect({self._fact(x)}) AS f{x}"
            )
        elif number >= SEVERAL and fetch.chain is None:
            held = f"WITH {by}, count(n) AS many WHERE many >= {least} WITH {told} AS s"
            rest = list(range(len(self._every)))
        return f"{self._all(x, whole=True)} {held} {self._without()} {self._calls(rest, self._gone())} {self._row()}"

    def standing(self, subjects: list[str]) -> Statement:
        """These subjects with their facts."""
        text = f"UNWIND $subjects AS s {self._calls(range(len(self._every)))} {self._row()}"
        return Statement(text, {**self._parameters, "subjects": subjects})

    def touched(
        self, ids: list[str], places: list[str], points: Sequence[tuple[float, float]] = ()
    ) -> Statement:
        """The subjects that a change of nodes may concern: `ids` of them and of what they are or were related to, the
        keys of the places where they are or were, and the points (latitude, longitude) where they stood."""
        ways = list(dict.fromkeys(self._touching()))
        text = (
            f"CALL () {{ {' UNION '.join(ways)} }} RETURN DISTINCT s" if ways else "UNWIND [] AS s RETURN s"
        )
        stood = [{"latitude": y, "longitude": x} for y, x in points]
        return Statement(text, {**self._parameters, "ids": ids, "places": places, "stood": stood})

    def begun(self, was: str) -> Statement | None:
        """The subjects of things that began after a day, up to today, or have or lack something by a relationship that began or ended since;
        None where neither can be."""
        parts = []
        for x, fetch in enumerate(self.fetches):
            for related in fetch.things.having:
                path, ties = _path_of(related.way)
                turned = " OR ".join(
                    f"({tie}.{day} > $was_day AND {tie}.{day} <= $today)"
                    for tie in ties
                    for day in ("since", "until")
                )
                if ties:
                    to = self._to_subject(fetch.things, loosely=True)
                    parts.append(
                        f"MATCH (n:{fetch.things.label}){path} WHERE {turned} WITH DISTINCT n {to} RETURN s"
                    )
            begins = fetch.things.begins
            if begins is not None:
                when = f"n.{begins} > $was AND n.{begins} <= $tonight"
                parts.append(f"{self._all(x, when)} RETURN s")
        if not parts:
            return None
        text = f"CALL () {{ {' UNION '.join(parts)} }} RETURN DISTINCT s"
        return Statement(text, {**self._parameters, "was": f"{was}T99", "was_day": was})

    # -- parts ------------------------------------------------------------------------------------------------------

    def _is_looked_up(self, x: int) -> bool:
        """Whether the whole pattern is that at the time of each thing another should be there."""
        pattern = self.trace.pattern
        absent = pattern.absent
        if absent is None or x or absent.within is not None or absent.at != "time" or self.trace.shows:
            return False
        things = (absent.of, absent.expected)
        return (
            pattern.unless is None
            and absent.of.begins is not None
            and not any(t.timeless or t.grace or t.reported for t in things)
            and not self._has_tie(absent.of)
        )

    def _lacking(self, x: int) -> str:
        """The things at whose time the other was not there, with all of the others, and those that are yet to begin: most have what they
        should have, and are not told of."""
        absent = self.trace.pattern.absent
        assert absent is not None
        day = f"left(n.{absent.of.begins}, 10)"
        # A thing's own last day is of it, a relationship's end is not.
        before = ">=" if absent.expected.until is not None else ">"
        there = (
            f"coalesce(left(e[3], 10), '') <= coalesce({day}, '') "
            f"AND coalesce(left(e[4], 10), '{OPEN_END}') {before} coalesce({day}, '')"
        )
        return (
            f"{self._all(x)} WITH s, collect(n) AS ns CALL (s) {{ {self._facts(x + 1)} }} "
            f"WITH s, f{x + 1}, [n IN ns WHERE {day} > $today OR none(e IN f{x + 1} WHERE {there})] AS ns "
            f"WHERE size(ns) > 0 UNWIND ns AS n WITH s, f{x + 1}, collect({self._fact(x)}) AS f{x} {self._row()}"
        )

    def _enough(self, fetch: Fetch, least: str, by: str) -> str:
        """Subjects, told apart by what `by` names, with their things `ns`: those with as many as there must be, near enough in time for the
        pattern to hold, or of which some are yet to begin."""
        counted = f"size(ns) >= {least}"
        things = fetch.things
        if things.begins != "occurred_at" or things.reported or things.timeless or things.grace:
            return f"WITH {by}, collect(n) AS ns WHERE {counted}"
        if fetch.within is not None:
            told = "coalesce(n.day, 0)"
            within = self._value(number_of(fetch.within, self.values))
            today = self._value(day_of(self.today))
            near = f"d > {today} OR size([e IN told WHERE e >= d AND e <= d + {within}]) >= {least}"
        elif fetch.follows:
            fields = ("occurred_at", fetch.measure or "occurred_at", *fetch.same)
            told = f"[{', '.join(f'n.{f}' for f in fields)}]"
            alike = "".join(f" AND e[{i}] = d[{i}]" for i in range(2, 2 + len(fetch.same)))
            near = f"d[0] > $tonight OR any(e IN told WHERE e[0] > d[1]{alike})"
        else:
            return f"WITH {by}, collect(n) AS ns WHERE {counted}"
        # Each is compared with each: of very many it takes less to judge them.
        return (
            f"WITH {by}, collect(n) AS ns, collect({told}) AS told "
            f"WHERE {counted} AND (size(told) > {MANY} OR any(d IN told WHERE {near}))"
        )

    def _gone(self) -> frozenset[int]:
        """The selections of which no subject has anything that `_without` leaves: what has no times is there for good or not at all."""
        found = absences(self.trace.pattern, 0)
        things = {x: self.fetches[x].things for x in found}
        return frozenset(x for x, t in things.items() if not t.grace and self._times(t) == ("null", "null"))

    def _calls(self, fetches: Iterable[int], gone: Container[int] = ()) -> str:
        """Fetches the facts of selections about `s`: by calls, since a subquery in an expression is planned without indexes.
        Of what lacks something that it must have no more is fetched, so that comes first."""
        needed = set(needs(self.trace.pattern, 0))
        calls = []
        told: list[int] = []
        for x in sorted(fetches, key=lambda x: x not in needed):
            same = None
            if x < len(self.fetches):
                tells = self.fetches[x].tells()
                same = next((y for y in told if self.fetches[y].tells() == tells), None)
                told.append(x)
            if x in gone:
                call = f"WITH *, [] AS f{x}"
            elif same is not None:
                call = f"WITH *, [fact IN f{same} | [{x}] + tail(fact)] AS f{x}"
            else:
                call = f"CALL (s) {{ {self._facts(x)} }}"
            if x in needed:
                least = number_of(self.fetches[x].least, self.values)
                if least >= SEVERAL:
                    calls.append(self._counted(x, least))
                call += f" WITH * WHERE size(f{x}) >= {self._value(least)}"
            calls.append(call)
        calls += [self._neighbours(x) for x, fetch in enumerate(self.fetches) if fetch.surge is not None]
        return " ".join(calls)

    def _neighbours(self, x: int) -> str:
        """What the other places of the subject's level in the place above have in the days of a surge, and how many they are: a fact without an id."""
        fetch = self.fetches[x]
        surge, things = fetch.surge, fetch.things
        assert surge is not None
        level = self.trace.subject.place
        above, levels = _ABOVE[level or ""]
        first = date.fromisoformat(self.today) - timedelta(days=number_of(surge.window, self.values))
        since = self._value(first.isoformat())
        given = list(self._conditions(fetch))
        if things.kinds:
            given.append(about("n", self._codes(things.kinds)))
        begin, _ = self._times(things)
        given += self._sure(things, "n")
        given += [f"left({begin}, 10) > {since}", f"left({begin}, 10) <= $today", "NOT n.place STARTS WITH s"]
        parent = _cut("s", self.scheme.width(above))
        unit = f"coalesce({_MATTER}, n.id)" if things.label == "Incident" else "n.id"
        return (
            f"CALL (s) {{ WITH s, {parent} AS above "
            f"CALL (s, above) {{ MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) "
            f"WHERE n.place STARTS WITH above AND n.id IS NOT NULL AND {' AND '.join(given)} RETURN count(DISTINCT {unit}) AS there }} "
            "CALL (s, above) { MATCH (a:Address) USING INDEX a:Address(place, id) WHERE a.place STARTS WITH above AND a.id IS NOT NULL "
            f"AND a.level IN {self._value(levels)} AND a.place <> s AND a.until IS NULL RETURN count(a) AS places }} "
            f"RETURN [[{x}, '', '', null, null, null, null, [there, places]]] AS g{x} }}"
        )

    def _row(self) -> str:
        """Subjects with their facts, many in a row: Bolt takes as long for a row as for dozens of facts."""
        held = [f"f{x}" for x in range(len(self._every))]
        held += [f"g{x}" for x, fetch in enumerate(self.fetches) if fetch.surge is not None]
        return (
            f"WITH collect([s, {' + '.join(held)}]) AS rows UNWIND range(0, size(rows) - 1, {IN_A_ROW}) AS i "
            f"RETURN rows[i..i + {IN_A_ROW}] AS some"
        )

    def _all(self, x: int, more: str = "", *, whole: bool = False) -> str:
        """All things of a selection, with `s`: their subject; `whole`: as `_to_subject` has it."""
        fetch = self.fetches[x]
        things = fetch.things
        if things.kinds:
            tops = self._tops(things.kinds)
            rest = [w for w in (*self._conditions(fetch), more) if w]
            where = "".join(f" AND {w}" for w in rest)
            # What one report tells is its kind and category; what several tell has an index of its own.
            match = (
                f"CALL () {{ MATCH (n:Incident) WHERE n.kind IN {tops} AND n.numbers IS NULL{self._of_kinds(things.kinds)}{where} RETURN n "
                f"UNION ALL MATCH (n:Incident) WHERE ({self._reported_as(things.kinds)}){where} RETURN n }} WITH n"
            )
        else:
            first = next((r for r in things.having if r.where and not (r.none or r.here)), None)
            given = [w for w in (*self._conditions(fetch, but=first), more) if w]
            where = f" WHERE {' AND '.join(given)}" if given else ""
            match = f"MATCH (n:{things.label}){where}"
            if first is not None:
                # What they have is looked for first: it is often rare.
                path, had = self._had(first)
                match = f"MATCH (n:{things.label}){path} WHERE {had} WITH DISTINCT n{where}"
        return f"{match} {self._to_subject(things, whole=whole)}{self._legs(fetch)}"

    def _without(self) -> str:
        """Leaves out subjects that have for good what should be absent: most of them, so that no more is fetched about those."""
        text = ""
        for x in absences(self.trace.pattern, 0):
            things = self.fetches[x].things
            if things.grace:
                continue
            begin, end = self._times(things)
            given = [*self._conditions(self.fetches[x])]
            if things.kinds:
                given.append(about("n", self._codes(things.kinds)))
            given += [
                f"left(coalesce({begin}, ''), 10) <= $today",
                f"coalesce({end}, '{OPEN_END}') >= '{OPEN_END}'",
            ]
            found = self._of_anybody(things, given) or f"{self._of_subject(things, given)} WITH n"
            text += f"CALL (s) {{ {found} LIMIT 1 RETURN count(*) AS e{x} }} WITH * WHERE e{x} = 0 "
        return text

    def _of_anybody(self, things: Things, given: list[str]) -> str:
        """As `_of_subject`, of people whoever they are: that somebody lives there is known without looking who. "" for others."""
        subject = self.trace.subject
        if things != Things(label="Person") or subject.place is None:
            return ""
        reach = "tie.place = s" if subject.place == "OWN" else "tie.place STARTS WITH s"
        where = " AND ".join([reach, "tie.who IS NOT NULL", *self._sure(things, "tie", inside=True), *given])
        return f"MATCH ()-[tie:LIVES_AT]->() WHERE {where} WITH tie"

    def _times(self, things: Things) -> tuple[str, str]:
        """From when a thing is so, and until when."""
        begin = f"n.{things.begins}" if things.begins else "null"
        if things.reported:
            begin = self._first_report(things)
        end = f"n.{things.until}" if things.until else "null"
        if self._has_tie(things):
            begin = f"coalesce({begin}, tie.since)" if things.begins else "tie.since"
            end = end if things.until else "tie.until"
        return begin, end

    def _facts(self, x: int) -> str:
        """The facts of a selection about `s`, as a list of its name; of what is shown beside, so many."""
        fetch = self._every[x]
        given = list(self._conditions(fetch))
        if fetch.things.kinds:
            given.append(about("n", self._codes(fetch.things.kinds)))
        found = f"{self._of_subject(fetch.things, given)}{self._legs(fetch)}"
        few = f" WITH * ORDER BY n.id LIMIT {BESIDE}" if x >= len(self.fetches) else ""
        return f"{found}{few} RETURN collect({self._fact(x)}) AS f{x}"

    def _counted(self, x: int, least: int) -> str:
        """Leaves out subjects that have too few people: to count them takes less than to tell of each."""
        found = self._of_anybody(self.fetches[x].things, [])
        return (
            f"CALL (s) {{ {found} RETURN count(*) AS c{x} }} WITH * WHERE c{x} >= {self._value(least)}"
            if found
            else ""
        )

    def _fact(self, x: int) -> str:
        fetch = self._every[x]
        things = fetch.things
        begin, end = self._times(things)
        number = (
            "coalesce(n.number, n.id)" if "number" in ONTOLOGY.entities[things.label].fields() else "n.id"
        )
        matter = _MATTER if things.label == "Incident" and fetch.by_matter else "null"
        once = "null"
        if fetch.once is not None:
            once = f"head(COLLECT {{ MATCH (n){_path(fetch.once, 'o')} RETURN o.id ORDER BY o.id LIMIT 1 }})"
        same = f"[{', '.join(f'n.{f}' for f in fetch.same)}]" if fetch.same else "null"
        measure = f"n.{fetch.measure}" if fetch.measure else "null"
        shown = "null"
        if fetch.chain is not None:
            shown = "[m IN nodes(p) | m.id]"
            begin = "reduce(x = null, r IN relationships(p) | CASE WHEN x IS NULL OR r.since > x THEN r.since ELSE x END)"
            end = "reduce(x = null, r IN relationships(p) | CASE WHEN x IS NULL OR r.until < x THEN r.until ELSE x END)"
        told = [str(x), "n.id", number, begin, end, matter, once, same, measure, shown]
        # Of many thousands each is sent: the less, the sooner.
        while told[-1] == "null":
            del told[-1]
        return f"[{', '.join(told)}]"

    def _first_report(self, things: Things) -> str:
        """When an incident was first reported as one of the kinds; of one report, or reported so by none, when it was."""
        codes = self._codes(things.kinds)
        of = f"(n.report_kind[i] IN {codes} OR n.report_category[i] IN {codes})"
        first = f"reduce(x = null, i IN range(0, size(n.report_at) - 1) | CASE WHEN {of} AND n.report_at[i] <> '' AND (x IS NULL OR n.report_at[i] < x) THEN n.report_at[i] ELSE x END)"
        return (
            f"CASE WHEN n.numbers CONTAINS '|' THEN coalesce({first}, n.occurred_at) ELSE n.occurred_at END"
        )

    def _conditions(self, fetch: Fetch, *, but: Related | None = None) -> Iterator[str]:
        things = fetch.things
        for name, wanted in things.where.items():
            yield self._wanted(things.label, "n", name, wanted)
        for related in things.having:
            if not related.here and related is not but:
                yield self._having(related)
        # What happened lies in the past anyway, and the planner would take the index of times for all of it. What has an end
        # may have an unknown start.
        if things.time is not None and things.until is None:
            yield f"n.{things.time} <= $tonight"

    def _having(self, related: Related, at: str | None = None) -> str:
        """That a thing has something else, or has not; at a place, where that is named."""
        path, where = self._had(related, at)
        return f"{'NOT ' if related.none else ''}EXISTS {{ MATCH (n){path} WHERE {where} }}"

    def _had(self, related: Related, at: str | None = None) -> tuple[str, str]:
        """The way from a thing `n` to what it has, and what must hold of that."""
        path, ties = _path_of(related.way)
        where = [f"h:{related.label}"]
        where += [self._wanted(related.label, "h", f, w) for f, w in related.where.items()]
        for tie in ties:
            where += [f"coalesce({tie}.since, '') <= $today", f"coalesce({tie}.until, '{OPEN_END}') > $today"]
        if at is not None:
            where += [f"h.place = {at}", "h.place_confidence IS NULL"]
        return path, " AND ".join(where)

    def _wanted(self, label: str, variable: str, name: str, wanted: Wanted) -> str:
        value = f"{variable}.{name}"
        if isinstance(wanted, Test):
            parts = []
            if wanted.known is not None:
                parts.append(f"{value} IS {'NOT ' if wanted.known else ''}NULL")
            if wanted.at_least is not None:
                parts.append(f"{value} >= {self._value(wanted.at_least)}")
            if wanted.at_most is not None:
                parts.append(f"{value} <= {self._value(wanted.at_most)}")
            if wanted.hours is not None:
                since, until = (self._value(hour) for hour in wanted.hours)
                over = "OR" if wanted.hours[0] > wanted.hours[1] else "AND"
                clock = f"substring({value}, 11, 5)"
                parts.append(f"size({value}) >= 16 AND ({clock} >= {since} {over} {clock} < {until})")
            if wanted.none_of is not None:
                parts.append(f"NOT coalesce({value}, '') IN {self._value(wanted.none_of)}")
            return f"({' AND '.join(parts)})" if parts else "true"
        if isinstance(wanted, list):
            return f"{value} IN {self._value(wanted)}"
        if ONTOLOGY.entities[label].fields()[name].many:
            return f"{self._value(wanted)} IN {value}"
        return f"{value} = {self._value(wanted)}"

    def _value(self, value: Any) -> str:
        """A parameter of the statement that has a value; of the trace, where the value names one."""
        if isinstance(value, str):
            if value == "today":
                return "$today"
            value = said_of(value, self.values)
        for name, held in self._parameters.items():
            if type(held) is type(value) and held == value:
                return f"${name}"
        name = f"v{len(self._parameters)}"
        self._parameters[name] = value
        return f"${name}"

    def _tops(self, kinds: list[str]) -> str:
        """A parameter: the kinds that incidents are found by."""
        known = self.terms.lists["incident_kind"]
        return self._value(sorted({(known[k].parent or k) if k in known else k for k in kinds}))

    def _codes(self, kinds: list[str]) -> str:
        """A parameter: the codes that kind or category must be one of."""
        return self._value(sorted(kinds))

    def _of_kinds(self, kinds: list[str]) -> str:
        """Which of the incidents of the kinds that they are found by are meant."""
        known = self.terms.lists["incident_kind"]
        narrower = [k for k in kinds if k in known and known[k].parent]
        if not narrower:
            return ""
        whole = [k for k in kinds if k not in narrower]
        meant = f"n.category IN {self._value(sorted(narrower))}"
        return f" AND (n.kind IN {self._value(sorted(whole))} OR {meant})" if whole else f" AND {meant}"

    def _reported_as(self, kinds: list[str]) -> str:
        """That one of several reports of an incident `n` is of a kind."""
        return " OR ".join(f"n.reported_as CONTAINS {self._value(f'|{kind}|')}" for kind in sorted(kinds))

    def _has_tie(self, things: Things) -> bool:
        """Whether the last relationship to the subject has times of its own."""
        if things.way:
            link = STEP.fullmatch(things.way[-1])
            assert link is not None
            return ONTOLOGY.links[link[2]].history
        return self.trace.subject.place is not None and things.label == "Person"

    def _tie(self, things: Things) -> str | None:
        return "tie" if self._has_tie(things) else None

    def _legs(self, fetch: Fetch) -> str:
        if fetch.chain is None:
            return ""
        path, where = "(n)", [self._stands("p")]
        for i, leg in enumerate(fetch.chain.legs):
            least, most = leg.times
            times = "" if (least, most) == (1, 1) else f"*{least}..{most}"
            back, type, _ = _step(leg.way)
            last = fetch.chain.closed and i == len(fetch.chain.legs) - 1
            end = "n" if last else f"c{i}"
            path += f"{'<' if back else ''}-[:{type}{times}]-{'' if back else '>'}({end}{'' if last else ':' + leg.label})"
            if not last:
                where += [self._wanted(leg.label, end, f, w) for f, w in leg.where.items()]
        if fetch.chain.closed:
            # One ring, one subject: the first of its nodes.
            where.append("all(m IN nodes(p) WHERE n.id <= m.id)")
        return f" MATCH p = {path} WHERE {' AND '.join(where)}"

    def _stands(self, p: str) -> str:
        return f"all(r IN relationships({p}) WHERE coalesce(r.since, '') <= $today AND coalesce(r.until, '{OPEN_END}') > $today)"

    # -- subjects ---------------------------------------------------------------------------------------------------

    def _width(self) -> int:
        """How much of a place key is the subject's."""
        level = self.trace.subject.place
        assert level is not None
        return self.scheme.width(level)

    def _carrier(self, things: Things) -> tuple[str, str]:
        """How a thing reaches what has its place key, and that variable."""
        if things.way:
            # With its label, so that what stands at a place is looked up by the index of places.
            return f" MATCH (n){_path(things.way, f'z:{_end_label(things)}', tie=self._tie(things))}", "z"
        if things.label == "Person":
            return " MATCH (n)-[tie:LIVES_AT]->()", "tie"
        return "", "n"

    def _sure(
        self, things: Things, carrier: str, *, loosely: bool = False, inside: bool = False
    ) -> list[str]:
        """That a place is known well enough to stand for the subject; and, but `loosely`, that what must stand there does.
        `inside`: it is known to be the subject or to lie in it."""
        place = self.trace.subject.place
        label = _end_label(things)
        if carrier == "tie":
            sure = ["tie.confidence IS NULL"]
            if place == "OWN":
                sure.append(f"size(tie.place) >= {self.scheme.width('BUILDING')}")
        elif label == "Address":
            sure = [f"{carrier}.level IN $levels"] if place == "OWN" else []
        else:
            sure = [f"{carrier}.place_confidence IS NULL"]
            if things.confidence is not None:
                sure = [f"({sure[0]} OR {carrier}.place_confidence >= {self._value(things.confidence)})"]
            if place == "OWN":
                sure.append(f"{carrier}.place_level IN $levels")
        if place != "OWN" and not inside:
            sure.append(f"size({carrier}.place) >= {self._width()}")
        if not loosely:
            sure += [self._having(r, f"{carrier}.place") for r in things.having if r.here]
        return sure

    def _is_led_to(self, things: Things) -> bool:
        """Whether a way leads from things to their subject, which is a node."""
        return self.trace.subject.node is not None and bool(things.way) and things.near is None

    def _own(self) -> list[str]:
        """What must hold of the subject `z` itself."""
        needed = (self.fetches[x].things for x in needs(self.trace.pattern, 0))
        label = self.trace.subject.node
        plain = [t for t in needed if t.label == label and t == Things(label=t.label, where=t.where)]
        return [self._wanted(t.label, "z", name, wanted) for t in plain for name, wanted in t.where.items()]

    def _to_subject(self, things: Things, *, loosely: bool = False, whole: bool = False) -> str:
        """From a thing `n` to its subject `s`; `loosely`: whatever else must stand there; `whole`: of those alone of which all holds that
        is a matter of the subject itself, and as the node `z` where a way leads to it."""
        subject = self.trace.subject
        if things.near is not None:
            match, carrier = self._carrier(things)
            where = " AND ".join(
                [f"{carrier}.place IS NOT NULL", *self._sure(things, carrier, loosely=loosely)]
            )
            kept = "n" if carrier == "n" else f"n, {carrier}"
            here = f"WITH DISTINCT n, {_cut(f'{carrier}.place', self._width())} AS here"
            return f"{match} WITH {kept} WHERE {where} {here} {self._around('here', self._value(things.near))} WITH DISTINCT n, around AS s"
        if subject.pair is not None:
            return f"WITH n, {self._parties()} AS parties WHERE size(parties) = 2 {_PAIR}"
        if subject.node is not None:
            if not things.way:
                return "WITH n, n.id AS s"
            tie = self._tie(things)
            own = self._own() if whole else []
            where = f" WHERE {' AND '.join(own)}" if own else ""
            return (
                f"MATCH (n){_path(things.way, 'z:' + subject.node, tie=tie)}{where} "
                f"WITH n, {'z' if whole else 'z.id AS s'}{', tie' if tie else ''}"
            )
        match, carrier = self._carrier(things)
        key = f"{carrier}.place" if subject.place == "OWN" else _cut(f"{carrier}.place", self._width())
        timed = ", tie" if self._has_tie(things) else ""
        where = " AND ".join([f"{carrier}.place IS NOT NULL", *self._sure(things, carrier, loosely=loosely)])
        kept = f"n, {carrier}{timed}" if carrier not in ("n", "tie") else f"n{timed}"
        return f"{match} WITH {kept} WHERE {where} WITH n, {key} AS s{timed}".strip()

    def _of_subject(self, things: Things, given: list[str]) -> str:
        """From the subject `s` to its things `n`, of which all that is given holds."""
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
            path = _path(things.way, f"z:{subject.node}", tie=self._tie(things))
            return f"MATCH (n:{things.label}){path} WHERE {' AND '.join(['z.id = s', *given])}"
        match, carrier = self._carrier(things)
        if things.near is not None:
            around = self._around("s", self._value(things.near))
            inside = f"{carrier}.place STARTS WITH around AND {carrier}.{'who' if carrier == 'tie' else 'id'} IS NOT NULL"
            where = " AND ".join([inside, *self._sure(things, carrier), *given])
            if carrier == "n":
                return (
                    f"{around} MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) WHERE {where}"
                )
            return f"{around} {match.strip().replace('(n)', f'(n:{things.label})', 1)} WHERE {where}"
        reach = f"{carrier}.place = s" if subject.place == "OWN" else f"{carrier}.place STARTS WITH s"
        # The index is of the place and a second field, and is used only where that is known to be there.
        reach += f" AND {carrier}.{'who' if carrier == 'tie' else 'id'} IS NOT NULL"
        where = " AND ".join([reach, *self._sure(things, carrier, inside=True), *given])
        if carrier == "n":
            return f"MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) WHERE {where}"
        return f"{match.strip().replace('(n)', f'(n:{things.label})', 1)} WHERE {where}"

    def _around(self, key: str, metres: str) -> str:
        """The place keys `around` of the building or site whose key a variable has, and of those within so many metres of it."""
        return (
            f"CALL ({key}) {{ RETURN {key} AS around UNION "
            f"MATCH (o:Address) USING INDEX o:Address(place, id) WHERE o.place = {key} AND o.id IS NOT NULL "
            f"AND o.latitude IS NOT NULL AND o.longitude IS NOT NULL {self._about(metres)} RETURN b.place AS around }}"
        )

    def _about(self, metres: str) -> str:
        """The buildings and sites `b` within so many metres of a point `o`."""
        degrees = f"{metres} / {METRES_A_DEGREE} * 1.01"
        here = "point({latitude: o.latitude, longitude: o.longitude})"
        return (
            "MATCH (b:Address) USING INDEX b:Address(latitude, longitude) "
            f"WHERE b.latitude >= o.latitude - {degrees} AND b.latitude <= o.latitude + {degrees} "
            f"AND b.longitude >= o.longitude - {degrees} / cos(radians(o.latitude)) AND b.longitude <= o.longitude + {degrees} / cos(radians(o.latitude)) "
            f"AND b.level IN {self._value(list(_STANDING))} AND b.place IS NOT NULL "
            f"AND point.distance(point({{latitude: b.latitude, longitude: b.longitude}}), {here}) <= {metres}"
        )

    def _parties(self) -> str:
        """The parties of incident `n`: of one of several reports, where somebody may stand twice, those with a number."""
        roles = self._value(list(self.trace.subject.pair or ()))
        named = f"q.role IN {roles} AND (n.numbers IS NULL OR x:Enterprise OR x.id_hash IS NOT NULL)"
        return f"COLLECT {{ MATCH (x:Person|Enterprise)-[q:INVOLVED_IN]->(n) WHERE {named} RETURN DISTINCT x.id ORDER BY x.id }}"

    # -- what a change concerns -------------------------------------------------------------------------------------

    def _touching(self) -> Iterator[str]:
        subject = self.trace.subject
        if subject.node is not None:
            yield f"MATCH (z:{subject.node}) WHERE z.id IN $ids RETURN z.id AS s"
        if subject.place is not None:
            if subject.place == "OWN":
                yield "UNWIND $places AS s RETURN s"
            else:
                width = self._width()
                yield f"UNWIND $places AS k WITH k WHERE size(k) >= {width} RETURN DISTINCT {_cut('k', width)} AS s"
        for metres in dict.fromkeys(f.things.near for f in self.fetches if f.things.near is not None):
            # What was near, and may be so no more.
            around = self._around("here", self._value(metres))
            yield f"UNWIND $places AS place WITH DISTINCT {_cut('place', self._width())} AS here {around} RETURN around AS s"
            yield f"UNWIND $stood AS o {self._about(self._value(metres))} RETURN DISTINCT b.place AS s"
        for fetch in self.fetches:
            if fetch.surge is not None:
                # More or less of it anywhere there changes what the others are compared with.
                things, width = fetch.things, self._width()
                above = _cut("k", self.scheme.width(_ABOVE[subject.place or ""][0]))
                yield (
                    f"UNWIND $places AS k WITH DISTINCT {above} AS above MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) "
                    f"WHERE n.place STARTS WITH above AND n.id IS NOT NULL AND size(n.place) >= {width} "
                    f"WITH {_cut('n.place', width)} AS s, count(n) AS many WHERE many >= {self._value(number_of(fetch.least, self.values))} RETURN s"
                )
        for fetch in self.fetches:
            things = fetch.things
            # What must stand there may do so no more: that is what has changed.
            to = f"{self._to_subject(things, loosely=True)} RETURN DISTINCT s"
            if subject.place is None or things.way or things.label == "Person" or things.near is not None:
                yield f"MATCH (n:{things.label}) WHERE n.id IN $ids {to}"
            # What lies on the way to the subject.
            labels = {things.label}
            for i, step in enumerate(things.way):
                labels = {end for label in labels for end in next_labels(label, step)}
                if i < len(things.way) - 1 or subject.place is not None:
                    on = "|".join(sorted(labels))
                    yield f"MATCH (t:{on}) WHERE t.id IN $ids MATCH (n:{things.label}){_path(things.way[: i + 1], 't')} WITH DISTINCT n {to}"
            others = [related.way for related in things.having]
            if fetch.once is not None:
                others.append(list(fetch.once))
            if subject.pair is not None:
                others.append(["<INVOLVED_IN"])
            for way in others:
                labels = {things.label}
                for i, step in enumerate(way):
                    labels = {end for label in labels for end in next_labels(label, step)}
                    on = "|".join(sorted(labels))
                    yield f"MATCH (t:{on}) WHERE t.id IN $ids MATCH (n:{things.label}){_path(way[: i + 1], 't')} WITH DISTINCT n {to}"
            if fetch.chain is not None:
                path = ""
                for leg in fetch.chain.legs:
                    back, type, _ = _step(leg.way)
                    on = f"{path}{'<' if back else ''}-[:{type}*1..{leg.times[1]}]-{'' if back else '>'}"
                    # A ring's subject is before it and behind it: walked backwards it is found all the same.
                    yield f"MATCH (t:{leg.label}) WHERE t.id IN $ids MATCH (n:{things.label}){on}(t) WITH DISTINCT n {to}"
                    path = f"{on}()"


_JOINED = "parties[0] + '|' + parties[1]"
_PAIR = f"WITH n, {_JOINED} AS s"


def _cut(key: str, width: int) -> str:
    """The part of a place key that is of the level whose codes have a width. What lies in a place that was merged has its own code behind the
    key of the other (`Genealogy.place_key`)."""
    parts = f"split({key}, '{MERGED}')"
    own = f"size({key}) - size({parts}[-1]) + {width} - size({parts}[-2])"
    return f"left({key}, CASE WHEN {key} CONTAINS '{MERGED}' AND {width} > size({parts}[-2]) THEN {own} ELSE {width} END)"


def _step(step: str) -> tuple[bool, str, str | None]:
    """Whether it points back, its relationship, and the label it leads to where it names one."""
    found = STEP.fullmatch(step)
    assert found is not None
    return bool(found[1]), found[2], found[4]


def _path(way: Any, end: str, *, tie: str | None = None) -> str:
    """The relationships of a way, from a node to `end`; the last one is called `tie` where that is wanted."""
    text = ""
    for i, step in enumerate(way):
        back, type, label = _step(step)
        last = i == len(way) - 1
        name = tie if tie and last else ""
        of = f":{label}" if label and not (last and ":" in end) else ""
        text += f"{'<' if back else ''}-[{name}:{type}]-{'' if back else '>'}({end if last else ''}{of})"
    return text


def _path_of(way: Any) -> tuple[str, list[str]]:
    """The relationships of a way, from a node to `h`, and the variables of those that hold for a time."""
    text, ties = "", []
    for i, step in enumerate(way):
        back, type, label = _step(step)
        name = f"e{i}" if ONTOLOGY.links[type].history else ""
        ties += [name] if name else []
        end = "h" if i == len(way) - 1 else ""
        text += f"{'<' if back else ''}-[{name}:{type}]-{'' if back else '>'}({end}{':' + label if label else ''})"
    return text, ties


def _end_label(things: Things) -> str:
    """The label of what a way ends at."""
    labels = [things.label]
    for step in things.way:
        labels = [end for label in labels for end in next_labels(label, step)]
    return labels[0] if labels else things.label
