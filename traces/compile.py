"""A trace → Cypher: which subjects come into question, and the facts about each.

A fact is one thing of the pattern: `[selection, id, number, begin, end, matter, once, same, measure, shown]`, without what is null at
its end. What the facts of a subject amount to is decided by `traces.evaluate`, a pure function, so that the whole district and a single touched
subject are judged alike. Labels, types and fields are the ontology's; all values are parameters.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from addresses.scheme import Scheme
from ontology import ONTOLOGY
from ontology.clock import OPEN_END
from ontology.terms import Terms
from traces import touching
from traces.declaration import Pattern, Trace
from traces.evaluate import day_of
from traces.fetch import SEVERAL, Fetch, absences, fetches_of, leads, needs
from traces.selecting import ABOVE, Selector, cut, path_to
from traces.things import Things, number_of

# Which matter an incident `n` is a report of.
_MATTER = "head(COLLECT { MATCH (n)-[:HANDLED_IN]->(m:Matter) RETURN m.id ORDER BY m.id LIMIT 1 })"
# Of so many things of a subject it is not asked whether they are near each other.
MANY = 100
# How many of a sort are shown beside a finding.
BESIDE = 100
# How many subjects are returned together.
IN_A_ROW = 200


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
    fetches: list[Fetch] = field(init=False)
    # Those, and what is shown beside.
    _every: list[Fetch] = field(init=False)
    _select: Selector = field(init=False)

    def __post_init__(self) -> None:
        self.fetches = list(fetches_of(self.trace.pattern))
        self._every = [*self.fetches, *(Fetch(things) for things in self.trace.shows)]
        self._select = Selector(self.trace, self.values, self.today, self.scheme, self.terms)

    # -- statements -------------------------------------------------------------------------------------------------

    def whole(self) -> Statement:
        """All subjects of the district that come into question, with their facts."""
        able = leads(self.trace.pattern, 0, self.values)
        if len(able) > 1 or not able:
            every = " UNION ".join(
                dict.fromkeys(f"{self._select.all_of(self.fetches[x])} RETURN DISTINCT s" for x in able)
            )
            text = f"CALL () {{ {every} }} WITH s {self._without()} {self._calls(range(len(self._every)), self._gone())} {self._row()}"
        elif self._is_looked_up(able[0]):
            text = self._lacking(able[0])
        else:
            text = self._from(able[0])
        return Statement(text, dict(self._select.parameters))

    def _from(self, x: int) -> str:
        """By one selection: the subjects that have enough of it, with their facts."""
        fetch = self.fetches[x]
        least = self._select.value(fetch.least)
        number = number_of(fetch.least, self.values)
        rest, known = [i for i in range(len(self._every)) if i != x], [x]
        # To be told apart by a node takes less than by its id.
        by, told = ("z", "z.id") if self._select.is_led_to(fetch.things) else ("s", "s")
        held = (
            f"WITH {by}, collect({self._fact(x)}) AS f{x} WHERE size(f{x}) >= {least} WITH {told} AS s, f{x}"
        )
        if number > 1 and fetch.chain is None and not self._select.has_tie(fetch.things):
            # What a fact tells takes longer than to count: it is looked for where there are enough.
            held = f"{self._enough(fetch, least, by)} UNWIND ns AS n WITH {told} AS s, collect({self._fact(x)}) AS f{x}"
        elif 1 < number < SEVERAL and fetch.chain is None:
            held = (
                f"WITH {by}, collect(n) AS ns, collect(tie) AS ties WHERE size(ns) >= {least} UNWIND range(0, size(ns) - 1) AS i "
                f"WITH {told} AS s, ns[i] AS n, ties[i] AS tie WITH s, collect({self._fact(x)}) AS f{x}"
            )
        elif number >= SEVERAL and fetch.chain is None:
            held = f"WITH {by}, count(n) AS many WHERE many >= {least} WITH {told} AS s"
            rest, known = list(range(len(self._every))), []
        calls = self._calls(rest, self._gone(), known)
        return f"{self._select.all_of(fetch, own=self._own())} {held} {self._without()} {calls} {self._row()}"

    def standing(self, subjects: list[str]) -> Statement:
        """These subjects with their facts."""
        text = f"UNWIND $subjects AS s {self._calls(range(len(self._every)))} {self._row()}"
        return Statement(text, {**self._select.parameters, "subjects": subjects})

    def touched(
        self, ids: list[str], places: list[str], points: Sequence[tuple[float, float]] = ()
    ) -> Statement | None:
        """The subjects that a change of nodes may concern: `ids` of them and of what they are or were related to, the
        keys of the places where they are or were, and the points (latitude, longitude) where they stood. These places themselves, and
        those that they lie in, come beside; None where there are no others."""
        text = touching.touched(self._select, self.fetches)
        if text is None:
            return None
        stood = [{"latitude": y, "longitude": x} for y, x in points]
        return Statement(text, {**self._select.parameters, "ids": ids, "places": places, "stood": stood})

    def begun(self, was: str) -> Statement | None:
        """The subjects of things that began after a day, up to today, or have or lack something by a relationship that began or ended since;
        None where neither can be."""
        text = touching.begun(self._select, self.fetches)
        if text is None:
            return None
        return Statement(text, {**self._select.parameters, "was": f"{was}T99", "was_day": was})

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
            and not self._select.has_tie(absent.of)
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
            f"{self._select.all_of(self.fetches[x])} WITH s, collect(n) AS ns CALL (s) {{ {self._facts(x + 1)} }} "
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
            within = self._select.value(number_of(fetch.within, self.values))
            today = self._select.value(day_of(self.today))
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
        return frozenset(
            x for x, t in things.items() if not t.grace and self._select.times(t) == ("null", "null")
        )

    def _calls(self, fetches: Iterable[int], gone: Container[int] = (), held: Iterable[int] = ()) -> str:
        """Fetches the facts of selections about `s`: by calls, since a subquery in an expression is planned without indexes.
        Of what lacks something that it must have no more is fetched, so that comes first. `held`: those that are fetched already."""
        needed = set(needs(self.trace.pattern, 0))
        calls: list[str] = []
        told: list[int] = []
        known = set(held)
        asked = set(self._holding(self.trace.pattern, 0, known))
        rest = sorted(fetches, key=lambda x: x not in needed)
        while rest:
            xs = [rest.pop(0)]
            x = xs[0]
            same = None
            if x < len(self.fetches):
                tells = self.fetches[x].tells()
                same = next((y for y in told if self.fetches[y].tells() == tells), None)
            if x in gone:
                call = f"WITH *, [] AS f{x}"
            elif same is not None:
                call = f"WITH *, [fact IN f{same} | [{x}] + tail(fact)] AS f{x}"
            else:
                if x not in needed:
                    for y in rest:
                        if y not in gone and all(self._is_beside(z, y) for z in xs):
                            xs.append(y)
                    rest = [y for y in rest if y not in xs]
                call = f"CALL (s) {{ {self._facts(x) if len(xs) == 1 else self._facts_at_once(xs)} }}"
            told += [y for y in xs if y < len(self.fetches)]
            known |= set(xs)
            if x in needed and (least := number_of(self.fetches[x].least, self.values)) >= SEVERAL:
                calls.append(self._counted(x, least))
            holding = [one for one in self._holding(self.trace.pattern, 0, known) if one not in asked]
            asked |= set(holding)
            calls.append(call + (f" WITH * WHERE {' AND '.join(holding)}" if holding else ""))
        calls += [self._neighbours(x) for x, fetch in enumerate(self.fetches) if fetch.surge is not None]
        return " ".join(calls)

    def _holding(self, pattern: Pattern, start: int, known: Container[int]) -> list[str]:
        """What must hold of the facts of the selections that are known, for a pattern ever to hold of a subject without more coming."""
        own = pattern.model_copy(update={"all": None, "any": None, "unless": None})
        said = [
            f"size(f{x}) >= {self._select.value(number_of(self.fetches[x].least, self.values))}"
            for x in needs(own, start)
            if x in known
        ]
        start += len(list(fetches_of(own)))
        for each in pattern.all or ():
            said += self._holding(each, start, known)
            start += len(list(fetches_of(each)))
        either = []
        for each in pattern.any or ():
            either.append(" AND ".join(self._holding(each, start, known)))
            start += len(list(fetches_of(each)))
        if either and all(either):
            said.append(f"({' OR '.join(dict.fromkeys(either))})")
        return said

    def _is_beside(self, x: int, y: int) -> bool:
        """Whether the things of two selections are found at the subject together: one look at all of them tells which is which."""
        if max(x, y) >= len(self.fetches) or self.trace.subject.place is None:
            return False
        a, b = self.fetches[x], self.fetches[y]
        plain = all(f.chain is None and f.things.near is None and not f.things.way for f in (a, b))
        alike = a.things.label == b.things.label and a.things.confidence == b.things.confidence
        return plain and alike and a.tells() != b.tells()

    def _neighbours(self, x: int) -> str:
        """What the other places of the subject's level in the place above have in the days of a surge, and how many they are: a fact without an id."""
        fetch = self.fetches[x]
        surge, things = fetch.surge, fetch.things
        assert surge is not None
        level = self.trace.subject.place
        above, levels = ABOVE[level or ""]
        first = date.fromisoformat(self.today) - timedelta(days=number_of(surge.window, self.values))
        since = self._select.value(first.isoformat())
        given = self._select.meant(fetch)
        begin, _ = self._select.times(things)
        given += self._select.sure(things, "n")
        given += [f"left({begin}, 10) > {since}", f"left({begin}, 10) <= $today", "NOT n.place STARTS WITH s"]
        parent = cut("s", self.scheme.width(above))
        unit = f"coalesce({_MATTER}, n.id)" if things.label == "Incident" else "n.id"
        return (
            f"CALL (s) {{ WITH s, {parent} AS above "
            f"CALL (s, above) {{ MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) "
            f"WHERE n.place STARTS WITH above AND n.id IS NOT NULL AND {' AND '.join(given)} RETURN count(DISTINCT {unit}) AS there }} "
            "CALL (s, above) { MATCH (a:Address) USING INDEX a:Address(place, id) WHERE a.place STARTS WITH above AND a.id IS NOT NULL "
            f"AND a.level IN {self._select.value(levels)} AND a.place <> s AND a.until IS NULL RETURN count(a) AS places }} "
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

    def _without(self) -> str:
        """Leaves out subjects that have for good what should be absent: most of them, so that no more is fetched about those."""
        text = ""
        for x in absences(self.trace.pattern, 0):
            things = self.fetches[x].things
            if things.grace:
                continue
            begin, end = self._select.times(things)
            given = [
                *self._select.meant(self.fetches[x]),
                f"left(coalesce({begin}, ''), 10) <= $today",
                f"coalesce({end}, '{OPEN_END}') >= '{OPEN_END}'",
            ]
            found = (
                self._select.of_anybody(things, given) or f"{self._select.of_subject(things, given)} WITH n"
            )
            text += f"CALL (s) {{ {found} LIMIT 1 RETURN count(*) AS e{x} }} WITH * WHERE e{x} = 0 "
        return text

    def _facts(self, x: int) -> str:
        """The facts of a selection about `s`, as a list of its name; of what is shown beside, so many."""
        fetch = self._every[x]
        found = (
            f"{self._select.of_subject(fetch.things, self._select.meant(fetch))}{self._select.legs(fetch)}"
        )
        few = f" WITH * ORDER BY n.id LIMIT {BESIDE}" if x >= len(self.fetches) else ""
        return f"{found}{few} RETURN collect({self._fact(x)}) AS f{x}"

    def _facts_at_once(self, xs: Sequence[int]) -> str:
        """The facts of selections whose things are found together, as lists of their names."""
        meant = {
            x: [*self._select.meant(self.fetches[x]), *self._select.here(self.fetches[x].things)] for x in xs
        }
        first = xs[0]
        common = [one for one in meant[first] if all(one in meant[x] for x in xs)]
        found = self._select.of_subject(self.fetches[first].things, common, loosely=True)
        told = {x: [one for one in meant[x] if one not in common] for x in xs}
        # What several ask is looked up once.
        several = [one for one, n in Counter(itertools.chain.from_iterable(told.values())).items() if n > 1]
        known = {one: f"so{i}" for i, one in enumerate(several)}
        looked = f" WITH *, {', '.join(f'{one} AS {name}' for one, name in known.items())}" if known else ""
        each = {x: " AND ".join(known.get(one, one) for one in told[x]) for x in xs}
        facts = [f"CASE WHEN {each[x]} THEN {self._fact(x)} END" if each[x] else self._fact(x) for x in xs]
        collected = ", ".join(f"collect({fact}) AS f{x}" for x, fact in zip(xs, facts, strict=True))
        return f"{found}{looked} RETURN {collected}"

    def _counted(self, x: int, least: int) -> str:
        """Leaves out subjects that have too few people: to count them takes less than to tell of each."""
        lasting = self._select.lasting(self.fetches[x])
        found = self._select.of_anybody(self.fetches[x].things, [lasting] if lasting else [])
        return (
            f"CALL (s) {{ {found} RETURN count(*) AS c{x} }} WITH * WHERE c{x} >= {self._select.value(least)}"
            if found
            else ""
        )

    def _fact(self, x: int) -> str:
        fetch = self._every[x]
        things = fetch.things
        begin, end = self._select.times(things)
        # One that has none is known by its id.
        number = "n.number" if "number" in ONTOLOGY.entities[things.label].fields() else "null"
        matter = _MATTER if things.label == "Incident" and fetch.by_matter else "null"
        once = "null"
        if fetch.once is not None:
            once = (
                f"head(COLLECT {{ MATCH (n){path_to(fetch.once, 'o')} RETURN o.id ORDER BY o.id LIMIT 1 }})"
            )
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

    def _own(self) -> list[str]:
        """What must hold of the subject `z` itself."""
        needed = (self.fetches[x].things for x in needs(self.trace.pattern, 0))
        label = self.trace.subject.node
        plain = [t for t in needed if t.label == label and t == Things(label=t.label, where=t.where)]
        return [
            self._select.wanted(t.label, "z", name, wanted) for t in plain for name, wanted in t.where.items()
        ]
