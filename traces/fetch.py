"""What a trace must look up: one selection for each of the things that its pattern speaks of, and those that it is looked for by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from traces.declaration import Chain, Pattern, Repeat, Surge
from traces.things import Test, Things, number_of

# How many there are of a label, by tens: what a pattern is looked for by should be few.
_MANY = {
    "Person": 7, "Address": 6, "House": 6, "Phone": 6, "Incident": 6, "Vehicle": 5, "Enterprise": 5, "Device": 5,
}  # fmt: skip
# From so many things on that a subject must have, subjects are few, and counting them is cheaper than telling each.
SEVERAL = 5


@dataclass(slots=True)
class Fetch:
    """One selection of a pattern, and all that its facts must tell; `by_matter`: which matter an incident is a report of;
    `surge`: where it is compared with what its neighbours have; `within`: in how many days there must be `least` of them; `follows`: where
    one of them must come after another of them; `now`: only those count that stand today or will."""

    things: Things
    chain: Chain | None = None
    measure: str | None = None
    same: tuple[str, ...] = ()
    once: tuple[str, ...] | None = None
    least: Any = 1
    by_matter: bool = False
    surge: Surge | None = None
    within: Any = None
    follows: bool = False
    now: bool = False

    def tells(self) -> tuple[Any, ...]:
        """What its facts depend on: of two that agree in it, one is fetched."""
        return self.things, self.chain, self.measure, self.same, self.once, self.by_matter, self.now


def fetches_of(pattern: Pattern) -> Iterator[Fetch]:
    """What is to be fetched, in the order of the pattern's things (`Trace.selections`)."""
    if pattern.repeat is not None:
        yield _of_repeat(pattern.repeat)
    if pattern.sequence is not None:
        steps = pattern.sequence.steps
        same, apart = tuple(pattern.sequence.same), pattern.sequence.apart
        if pattern.sequence.is_alike:
            measure = next((s.measure for s in steps if s.measure), None)
            # Of longer ones it takes more than two to say whether they may be in turn.
            follows = len(steps) == 2 and steps[0].measure == measure
            yield Fetch(
                steps[0].of, measure=measure, same=same, least=len(steps), by_matter=apart, follows=follows
            )
        else:
            yield from (Fetch(s.of, measure=s.measure, same=same, by_matter=apart) for s in steps)
    if pattern.together is not None:
        for each in pattern.together.of:
            yield _of_repeat(each)
    if pattern.absent is not None:
        now = pattern.absent.within is None and pattern.absent.at == "now"
        yield Fetch(pattern.absent.of, now=now)
        yield Fetch(pattern.absent.expected, now=now)
    if pattern.surge is not None:
        surge = pattern.surge
        yield Fetch(
            surge.of,
            least=surge.minimum,
            by_matter=True,
            surge=surge if surge.against == "neighbours" else None,
        )
    if pattern.chain is not None:
        yield Fetch(pattern.chain.of, chain=pattern.chain)
    for each in (*(pattern.all or ()), *(pattern.any or ())):
        yield from fetches_of(each)
    if pattern.unless is not None:
        yield from fetches_of(pattern.unless)


def _of_repeat(repeat: Repeat) -> Fetch:
    once = tuple(repeat.once) if not isinstance(repeat.once, str) else None
    return Fetch(
        repeat.of,
        once=once,
        least=repeat.minimum,
        by_matter=repeat.within is not None,
        within=repeat.within,
        now=repeat.within is None,
    )


def absences(pattern: Pattern, start: int) -> Iterator[int]:
    """The selections of what must not be there now, wherever the pattern is to hold."""
    if pattern.absent is not None and pattern.absent.within is None and pattern.absent.at == "now":
        yield start + 1
    for each in pattern.all or ():
        yield from absences(each, start)
        start += len(list(fetches_of(each)))


def needs(pattern: Pattern, start: int) -> Iterator[int]:
    """The selections of which a subject must have as many as is told, for the pattern ever to hold of it without more coming."""
    own = list(fetches_of(pattern.model_copy(update={"all": None, "any": None, "unless": None})))
    yield from range(start, start + (1 if pattern.absent is not None else len(own)))
    start += len(own)
    for each in pattern.all or ():
        yield from needs(each, start)
        start += len(list(fetches_of(each)))


def _widest(found: list[int], start: int, pattern: Pattern, values: Mapping[str, int]) -> list[int]:
    """Those selections of which none is part of another: whoever lives at the firm that they work for and does not run it, lives there.
    One that as many must be of as of the other, or more."""
    own = list(fetches_of(pattern))

    def within(x: int, other: int) -> bool:
        a, b = own[x - start], own[other - start]
        least, most = number_of(b.least, values), number_of(a.least, values)
        alike = a.things.model_copy(update={"having": []}) == b.things.model_copy(update={"having": []})
        if not alike or a.chain is not None or b.chain is not None or least > most:
            return False
        # What is looked for by the other must not be left out for what is asked of that one alone.
        if (b.now and not a.now) or b.follows:
            return False
        if b.within is not None and (
            a.within is None or number_of(a.within, values) > number_of(b.within, values)
        ):
            return False
        narrower = all(each in a.things.having for each in b.things.having)
        return narrower and (a.things != b.things or least < most or other < x)

    return [x for x in found if not any(within(x, other) for other in found if other != x)]


def _weight(fetch: Fetch, values: Mapping[str, int]) -> int:
    """About how many subjects there are with these: fewer where more must hold of them, or many of them must be there."""
    things, least = fetch.things, fetch.least
    several = number_of(least, values) >= SEVERAL
    weight = (
        _MANY.get(things.label, 4)
        - (3 if things.kinds else 0)
        - (1 if things.where else 0)
        - bool(things.way)
    )
    weight -= 2 * any(
        isinstance(w, Test) and (w.at_least is not None or w.at_most is not None)
        for w in things.where.values()
    )
    return weight - 2 * sum(not related.none for related in things.having) - several


def leads(pattern: Pattern, start: int, values: Mapping[str, int]) -> list[int]:
    """The selections of which a subject must have at least one, for the pattern to hold of it: of what must all hold, those that are few.
    None where nothing of it need stand at the subject."""
    if pattern.any is not None:
        found = []
        start_of = start
        for each in pattern.any:
            one = leads(each, start, values)
            if not one:
                return []
            found += one
            start += len(list(fetches_of(each)))
        return _widest(found, start_of, pattern, values)
    if pattern.all is not None:
        best: tuple[tuple[int, int], list[int]] | None = None
        at = start
        for each in pattern.all:
            own = list(fetches_of(each))
            able = leads(each, at, values)
            # Of equally many, what takes fewer look-ups.
            weight = max((_weight(own[x - at], values) for x in able), default=0), len(able)
            if able and (best is None or weight < best[0]):
                best = weight, able
            at += len(own)
        return best[1] if best is not None else []
    own = list(fetches_of(pattern.model_copy(update={"unless": None})))
    if pattern.absent is not None:
        own = own[:1]
    able = [start + i for i, fetch in enumerate(own) if fetch.things.near is None]
    if pattern.together is not None:
        return sorted(able, key=lambda x: _weight(own[x - start], values))[:1]
    # What something rises to is rarer than what it rises from.
    return able[-1:] if pattern.sequence is not None else able[:1]
