"""What the facts about one subject amount to: a pure function of trace, parameters, facts and day.

The whole district and a single touched place are judged by it alike.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from ontology.clock import OPEN_END
from traces.declaration import Absent, Chain, Pattern, Repeat, Surge, Together, Trace
from traces.declaration import Sequence as InTurn
from traces.fetch import fetches_of
from traces.things import number_of


class Fact(NamedTuple):
    """One thing of a pattern, about one subject.

    Attributes:
        x: which selection of the pattern it is of.
        begin, end: ISO days or moments; None where nothing is known, or there is none.
        matter: what its reports are one of. once: what counts once. same: values that steps must share.
        measure: from when days count to the next step. shown: all that a chain runs over. grace: days after its begin from which it counts.
    """

    x: int
    id: str
    number: str
    begin: str | None = None
    end: str | None = None
    matter: str | None = None
    once: str | None = None
    same: tuple[Any, ...] | None = None
    measure: str | None = None
    shown: tuple[str, ...] | None = None
    grace: int = 0

    @property
    def day(self) -> int:
        return day_of(self.begin)

    @property
    def counts(self) -> int:
        """The day from which it counts."""
        return self.day + self.grace

    def stands(self, today: str) -> bool:
        """Whether it is so on a day, and counts: the end is not of it."""
        begun = (self.begin or "")[:10]
        if self.grace and begun:
            begun = iso(self.counts)
        return begun <= today and (self.end or OPEN_END)[:10] > today


@dataclass(frozen=True, slots=True)
class Match:
    """One way in which a pattern holds of a subject.

    Attributes:
        ids: what shows it, oldest first.
        first, last: days since 1970.
        count: how many count.
        now: whether it holds today, leaving aside how long a finding stays.
        dated: whether its days are those of what shows it; else they are today.
    """

    ids: tuple[str, ...]
    first: int
    last: int
    count: int
    now: bool = True
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Episode:
    """Matches of one subject that share something: what one finding is about.

    Attributes:
        open: whether a finding of it stands today.
        beside: what is shown with it today, though it is not found by it.
    """

    ids: tuple[str, ...]
    first: int
    last: int
    count: int
    open: bool
    matches: tuple[Match, ...] = ()
    dated: bool = True
    beside: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """How many days it spans, the first and the last included."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Result:
    """The episodes of a subject, and the next day on which they may be others though nothing was touched (None: never)."""

    episodes: list[Episode] = field(default_factory=list)
    due: str | None = None


_SAME = Fact._fields.index("same")
_EPOCH = date(1970, 1, 1).toordinal()


def day_of(text: str | None) -> int:
    """Days since 1970-01-01 of an ISO day or moment; 0 where it is not known, or is none."""
    try:
        return date.fromisoformat(text[:10]).toordinal() - _EPOCH if text else 0
    except ValueError:
        return 0


def iso(day: int) -> str:
    return date.fromordinal(day + _EPOCH).isoformat()


def fact(row: Sequence[Any]) -> Fact:
    """A fact as `traces.compile` returns it: what is not known at its end is left out, and a number that is the id."""
    if len(row) == 2:
        return Fact(row[0], row[1], row[1])
    if len(row) > _SAME:
        # Values that steps must share, and what a chain runs over, come as lists.
        row = [tuple(value) if isinstance(value, list) else value for value in row]
    return Fact(row[0], row[1], row[1] if row[2] is None else row[2], *row[3:])


class Evaluator:
    """Judges the subjects of one trace on one day.

    Args:
        values: of the trace's parameters.
        today: ISO day.
    """

    def __init__(self, trace: Trace, values: Mapping[str, int], today: str) -> None:
        self.trace = trace
        self.values = values
        self.today = today
        self.day = day_of(today)
        self._due: set[int] = set()
        self._selections = _width(trace.pattern)
        # Of each part of the pattern, which lives as long as the trace: how many selections it has itself.
        self._own: dict[int, int] = {}
        self._things = [*(fetch.things for fetch in fetches_of(trace.pattern)), *trace.shows]
        self._as_told = [not (t.timeless or t.grace or t.until) for t in self._things]

    def result(self, facts: Iterable[Fact]) -> Result:
        """The episodes of one subject."""
        self._due = set()
        held: dict[int, list[Fact]] = {}
        for each in sorted(
            set(map(self._counted, facts)), key=lambda f: (f.begin or "", f.number, f.id, f.shown or ())
        ):
            # Days are compared as they are written: of many thousands each takes a while to count.
            if each.begin and (each.counts > self.day if each.grace else each.begin[:10] > self.today):
                self._due.add(each.counts)
                continue
            held.setdefault(each.x, []).append(each)
        matches, used = self._pattern(self.trace.pattern, held, 0)
        assert used == self._selections
        beside = [
            f.id for x in range(used, len(self._things)) for f in held.get(x, ()) if f.stands(self.today)
        ]
        quiet = number_of(self.trace.quiet, self.values) if self.trace.quiet is not None else None
        episodes = []
        for group in _joined(matches, quiet):
            ids = tuple(dict.fromkeys(i for m in group for i in m.ids))
            last = _span(group)[1]
            now = any(m.now for m in group)
            if quiet is None:
                is_open = now
            else:
                is_open = now and self.day <= last + quiet
                if is_open:
                    self._due.add(last + quiet + 1)
            dated = any(m.dated for m in group)
            shown = tuple(i for i in dict.fromkeys(beside) if i not in ids) if is_open else ()
            episodes.append(Episode(ids, *_span(group), _total(group), is_open, tuple(group), dated, shown))
        coming = [d for d in self._due if d > self.day]
        return Result(sorted(episodes, key=lambda e: (e.last, e.ids)), iso(min(coming)) if coming else None)

    def _counted(self, f: Fact) -> Fact:
        """A fact with from when it counts and until when: a thing's own last day is of it, a relationship's end is not."""
        if self._as_told[f.x]:
            return f
        things = self._things[f.x]
        if things.timeless:
            return f._replace(begin=None, end=None)
        if things.grace and f.begin:
            f = f._replace(grace=things.grace)
        if things.until is not None and f.end and f.end[:10] != OPEN_END:
            f = f._replace(end=iso(day_of(f.end) + 1))
        return f

    # -- blocks: each gives its matches, and the number of selections that it took ------------------------------------

    def _pattern(self, pattern: Pattern, held: Mapping[int, list[Fact]], x: int) -> tuple[list[Match], int]:
        own = self._own.get(id(pattern))
        if own is None:
            own = self._own[id(pattern)] = _width(pattern, but_unless=True)
        found = self._block(pattern, held, x)
        x += own
        if pattern.unless is not None:
            against, x = self._pattern(pattern.unless, held, x)
            if any(m.now for m in against):
                found = []
        return found, x

    def _block(self, pattern: Pattern, held: Mapping[int, list[Fact]], x: int) -> list[Match]:
        def of(i: int) -> list[Fact]:
            return held.get(x + i, [])

        if pattern.repeat is not None:
            return self._repeat(pattern.repeat, of(0))
        if pattern.sequence is not None:
            steps = range(len(pattern.sequence.steps))
            return self._sequence(
                pattern.sequence, [of(0 if pattern.sequence.is_alike else i) for i in steps]
            )
        if pattern.together is not None:
            return self._together(pattern.together, [of(i) for i in range(len(pattern.together.of))])
        if pattern.absent is not None:
            return self._absent(pattern.absent, of(0), of(1))
        if pattern.surge is not None:
            return self._surge(pattern.surge, of(0))
        if pattern.chain is not None:
            return self._chain(pattern.chain, of(0))
        children = []
        for each in pattern.all or pattern.any or ():
            matches, x = self._pattern(each, held, x)
            children.append(matches)
        if pattern.any is not None:
            return _either(children)
        now = [[m for m in matches if m.now] for matches in children]
        if not all(now):
            return []
        every = [m for matches in now for m in matches]
        ids = tuple(dict.fromkeys(i for m in every for i in m.ids))
        # What counts is what the first pattern counts, as with `together`: the others say where.
        return [Match(ids, *_span(every), _total(now[0]), dated=any(m.dated for m in every))]

    def _repeat(self, repeat: Repeat, facts: list[Fact]) -> list[Match]:
        minimum = number_of(repeat.minimum, self.values)
        if repeat.within is None:
            return self._standing(facts, repeat)
        within = number_of(repeat.within, self.values)
        units = _units(facts)
        named = None if repeat.once == "matter" else [u.once for u in units]
        found: list[tuple[int, int]] = []
        for start in range(len(units)):
            end = self._enough(units, named, start, minimum, within)
            if end is None:
                continue
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], end))
            else:
                found.append((start, end))
        matches = []
        for start, end in found:
            run = units[start : end + 1]
            count = len(run) if named is None else len({n for n in named[start : end + 1] if n is not None})
            ids = tuple(f.id for u in run for f in u.facts)
            matches.append(Match(ids, run[0].day, run[-1].day, count))
        return matches

    @staticmethod
    def _enough(
        units: Sequence[_Unit], named: Sequence[str | None] | None, start: int, minimum: int, within: int
    ) -> int | None:
        """The first place at which there are enough from `start` on, within the days; None where there are not."""
        if named is None:
            end = start + minimum - 1
            return end if end < len(units) and units[end].day - units[start].day <= within else None
        seen: set[str] = set()
        for end in range(start, len(units)):
            if units[end].day - units[start].day > within:
                return None
            name = named[end]
            if name is not None:
                seen.add(name)
            if len(seen) >= minimum:
                return end
        return None

    def _standing(self, facts: list[Fact], repeat: Repeat) -> list[Match]:
        """So many that are so now."""
        # What is yet to begin is none of them.
        now = [f for f in facts if not f.end or f.end[:10] > self.today]
        self._due |= {day_of(f.end) for f in now if f.end is not None and f.end[:10] != OPEN_END}
        different = {f.id for f in now} if repeat.once == "matter" else {f.once for f in now} - {None}
        if not now or len(different) < number_of(repeat.minimum, self.values):
            return []
        ids = tuple(dict.fromkeys(f.id for f in now))
        begun = [f.begin for f in now if f.begin]
        first, last = (day_of(min(begun)), day_of(max(begun))) if begun else (self.day, self.day)
        return [Match(ids, first, last, len(different), dated=bool(begun))]

    def _sequence(self, turn: InTurn, steps: list[list[Fact]]) -> list[Match]:
        within = number_of(turn.within, self.values)
        before = [self._in_order(turn, i, facts) for i, facts in enumerate(steps[:-1])]
        # For what ends it, only the latest that went before counts, and so on back.
        found = []
        for last in steps[-1]:
            taken = [last]
            for held in reversed(before):
                latest = self._latest(turn, held, taken)
                if latest is None or taken[0].day - day_of(latest[0]) > within:
                    break
                taken.insert(0, latest[1])
            else:
                ids = tuple(dict.fromkeys(f.id for f in taken))
                found.append(Match(ids, taken[0].day, last.day, len(taken)))
        return found

    def _in_order(
        self, turn: InTurn, i: int, facts: list[Fact]
    ) -> dict[tuple[Any, ...] | None, tuple[list[str], list[Fact]]]:
        """The facts of a step from when days count, by what must be alike: times, and facts in the same order."""
        held: dict[tuple[Any, ...] | None, list[tuple[str, str, Fact]]] = {}
        for f in facts:
            at = self._after(turn, i, f)
            if at is not None:
                held.setdefault(f.same if turn.same else None, []).append((at, f.number, f))
        for each in held.values():
            each.sort(key=lambda e: e[:2])
        return {same: ([e[0] for e in each], [e[2] for e in each]) for same, each in held.items()}

    @staticmethod
    def _latest(
        turn: InTurn,
        held: Mapping[tuple[Any, ...] | None, tuple[list[str], list[Fact]]],
        taken: Sequence[Fact],
    ) -> tuple[str, Fact] | None:
        """The latest fact that may stand before what is taken, with when days begin to count."""
        follower = taken[0]
        if turn.same and (follower.same is None or None in follower.same):
            return None
        times, facts = held.get(follower.same if turn.same else None, ((), ()))
        for x in range(bisect_left(times, follower.begin or "") - 1, -1, -1):
            if Evaluator._may_precede(turn, facts[x], taken):
                return times[x], facts[x]
        return None

    @staticmethod
    def _after(turn: InTurn, i: int, f: Fact) -> str | None:
        """From when days to the step after this one count."""
        return f.measure if turn.steps[i].measure is not None else f.begin

    @staticmethod
    def _may_precede(turn: InTurn, f: Fact, taken: Sequence[Fact]) -> bool:
        after = taken[0]
        # One incident that was reported first as the one kind and then as the other may be two steps.
        if any(f.id == t.id and (turn.apart or f.x == t.x) for t in taken):
            return False
        if turn.same and (f.same != after.same or f.same is None or None in f.same):
            return False
        return not (turn.apart and f.matter is not None and any(f.matter == t.matter for t in taken))

    def _together(self, together: Together, each: list[list[Fact]]) -> list[Match]:
        parts = []
        for repeat, facts in zip(together.of, each, strict=True):
            if repeat.within is None:
                matches = self._standing(facts, repeat)
            else:
                within = number_of(repeat.within, self.values)
                late = [f for f in facts if self.day - f.day <= within]
                self._due |= {f.day + within + 1 for f in late}
                units = _units(late)
                matches = []
                if late and len(units) >= number_of(repeat.minimum, self.values):
                    ids = tuple(f.id for u in units for f in u.facts)
                    matches = [Match(ids, units[0].day, units[-1].day, len(units))]
            parts.append(matches)
        if not all(parts):
            return []
        every = [m for matches in parts for m in matches]
        ids = tuple(dict.fromkeys(i for m in every for i in m.ids))
        return [Match(ids, *_span(every), every[0].count, dated=any(m.dated for m in every))]

    def _absent(self, absent: Absent, facts: list[Fact], expected: list[Fact]) -> list[Match]:
        if absent.within is None and absent.at == "now":
            there = [e for e in expected if e.stands(self.today)]
            self._due |= {day_of(e.end) for e in there if e.end is not None and e.end[:10] != OPEN_END}
            return [] if there else self._standing(facts, Repeat(of=absent.of))
        if absent.within is None:
            ends = _Standing(expected)
            return [Match((f.id,), f.day, f.day, 1) for f in facts if not ends.any_on((f.begin or "")[:10])]
        found = []
        latest = sorted(((e.begin or "", e.id) for e in expected), reverse=True)
        for f in facts:
            limit = f.counts + number_of(absent.within, self.values)
            # The latest that is not the thing itself.
            if next((begin >= (f.begin or "") for begin, id in latest if id != f.id), False):
                continue
            if self.day > limit:
                found.append(Match((f.id,), f.day, f.day, 1))
            else:
                self._due.add(limit + 1)
        return found

    def _surge(self, surge: Surge, facts: list[Fact]) -> list[Match]:
        window = number_of(surge.window, self.values)
        units = _units(f for f in facts if f.id)
        late = [u for u in units if self.day - u.day < window]
        minimum = number_of(surge.minimum, self.values)
        if len(late) >= minimum:
            self._due.add(self.day + 1)
        # One more than what was seen, so that a quiet past, or neighbours who have nothing, are not taken for certainty.
        if surge.past is None:
            there, places = next((f.same for f in facts if not f.id and f.same), (0, 0))
            expected = (there + 1) / max(1, places)
        else:
            past = number_of(surge.past, self.values)
            before = [u for u in units if window <= self.day - u.day < window + past]
            expected = (len(before) + 1) * window / past
        if len(late) < minimum or poisson_tail(len(late), expected) > surge.chance:
            return []
        return [Match(tuple(f.id for u in late for f in u.facts), late[0].day, late[-1].day, len(late))]

    def _chain(self, chain: Chain, facts: list[Fact]) -> list[Match]:
        now = [f for f in facts if f.stands(self.today)]
        self._due |= {day_of(f.end) for f in now if f.end is not None and f.end[:10] != OPEN_END}
        found = []
        for f in now:
            ids = tuple(dict.fromkeys(f.shown or (f.id,)))
            day = f.day if f.begin else self.day
            found.append(Match(ids, day, day, len(ids), dated=bool(f.begin)))
        return found


class _Standing:
    """Facts by the days on which they stand: whether any does on a day, without looking at all of them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        spans = sorted(((f.begin or "")[:10], (f.end or OPEN_END)[:10]) for f in facts)
        self._begins = [begin for begin, _ in spans]
        # The latest end of those that had begun.
        self._ends = list(itertools.accumulate((end for _, end in spans), max))

    def any_on(self, day: str) -> bool:
        x = bisect_right(self._begins, day)
        return x > 0 and self._ends[x - 1] > day


def _span(matches: Sequence[Match]) -> tuple[int, int]:
    """The first and the last day of matches, by those that have days of their own."""
    held = [m for m in matches if m.dated] or list(matches)
    return min(m.first for m in held), max(m.last for m in held)


@dataclass(slots=True)
class _Unit:
    """Reports of one matter, or one thing, at its earliest."""

    day: int
    number: str
    once: str | None
    facts: list[Fact]


def _units(facts: Iterable[Fact]) -> list[_Unit]:
    matters: dict[str, list[Fact]] = {}
    for f in facts:
        matters.setdefault(f.matter or f.id, []).append(f)
    units = []
    for held in matters.values():
        held.sort(key=lambda f: (f.begin or "", f.number))
        units.append(_Unit(held[0].day, held[0].number, held[0].once, held))
    return sorted(units, key=lambda u: (u.day, u.number))


def _width(pattern: Pattern, *, but_unless: bool = False) -> int:
    """How many selections a pattern has."""
    width = 0
    if pattern.sequence is not None:
        width = 1 if pattern.sequence.is_alike else len(pattern.sequence.steps)
    elif pattern.together is not None:
        width = len(pattern.together.of)
    elif pattern.absent is not None:
        width = 2
    elif pattern.repeat is not None or pattern.surge is not None or pattern.chain is not None:
        width = 1
    width += sum(_width(p) for p in (*(pattern.all or ()), *(pattern.any or ())))
    if pattern.unless is not None and not but_unless:
        width += _width(pattern.unless)
    return width


def _total(matches: Sequence[Match]) -> int:
    """How many count in all: of matches that share something, which do not add up, the things that show them."""
    ids = {i for m in matches for i in m.ids}
    return sum(m.count for m in matches) if len(ids) == sum(len(m.ids) for m in matches) else len(ids)


def _either(children: Sequence[list[Match]]) -> list[Match]:
    """The matches of several patterns of which one is enough. What several show of the same things is one match, and counts what the
    one that counts most does: the same people seen in two ways are no more of them, and what else shows it is none."""
    of = {id(m): i for i, matches in enumerate(children) for m in matches}
    found: list[Match] = []
    for group in _joined([m for matches in children for m in matches], None):
        each: dict[int, list[Match]] = {}
        for m in group:
            each.setdefault(of[id(m)], []).append(m)
        if len(each) == 1:
            found += group
            continue
        ids = tuple(dict.fromkeys(i for m in group for i in m.ids))
        count = max(_total(matches) for matches in each.values())
        now, dated = any(m.now for m in group), any(m.dated for m in group)
        found.append(Match(ids, *_span(group), count, now, dated))
    return found


def _joined(matches: Sequence[Match], quiet: int | None) -> list[list[Match]]:
    """Matches that share something put together, and those that came before a finding of the ones before had closed by itself."""
    if len(matches) < 2:
        return [list(matches)] if matches else []
    parent = list(range(len(matches)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    seen: dict[str, int] = {}
    for i, match in enumerate(matches):
        for id in match.ids:
            if id in seen:
                parent[root(i)] = root(seen[id])
            else:
                seen[id] = i
    if quiet is not None:
        in_turn = sorted(range(len(matches)), key=lambda i: (matches[i].first, matches[i].last))
        latest = None
        for i in in_turn:
            if latest is not None and matches[i].first <= matches[latest].last + quiet:
                parent[root(i)] = root(latest)
            if latest is None or matches[i].last > matches[latest].last:
                latest = i
    groups: dict[int, list[Match]] = {}
    for i, match in enumerate(matches):
        groups.setdefault(root(i), []).append(match)
    key: Callable[[Match], Any] = lambda m: (m.first, m.last, m.ids)  # noqa: E731
    return sorted((sorted(g, key=key) for g in groups.values()), key=lambda g: key(g[0]))


def poisson_tail(count: int, expected: float) -> float:
    """The chance of at least `count` where `expected` are expected."""
    if count <= 0:
        return 1.0
    term, below = math.exp(-expected), 0.0
    for k in range(count):
        below += term
        term *= expected / (k + 1)
    return max(0.0, 1.0 - below)
