"""What a trace's YAML says: what it looks for, about what, how grave it is, and when it ends by itself.

A pattern is made of blocks over *things* (`traces.things`) that belong to one subject: a place, a vehicle, an enterprise, a pair of
parties. See docs/traces.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ontology import ONTOLOGY
from ontology.declared import Strict, Unsound, Where, nearest
from traces.things import (
    MOST,
    PARAMETER,
    PLACED,
    Count,
    Number,
    Things,
    Wanted,
    Way,
    Whole,
    check_fields,
    checked_way,
    next_labels,
    reached_from,
)

NAME = re.compile(r"[a-z][a-z0-9_]{2,48}")


class Words(Strict):
    """A text in both languages."""

    zh: str
    en: str


class Parameter(Strict):
    """A number that a district, or who tries the trace out, may set.

    Attributes:
        type: `days`, `count` or `metres`. least, most: what is allowed.
    """

    type: Literal["days", "count", "metres"]
    zh: str
    en: str
    default: Whole
    least: Annotated[int, Field(ge=0, le=MOST)] = 1
    most: Annotated[int, Field(ge=0, le=MOST)] = 3660

    @model_validator(mode="after")
    def _in_range(self) -> Parameter:
        if not self.least <= self.default <= self.most:
            raise ValueError(f"the default {self.default} is not between {self.least} and {self.most}")
        return self


class Repeat(Strict):
    """So many things of one subject within so many days; without days, so many that are so now.

    Attributes:
        once: what counts once: `matter` (reports of one matter), or a way to what must differ, such as `[<INVOLVED_IN]`.
    """

    of: Things
    minimum: Count = 1
    within: Number | None = None
    once: Literal["matter"] | Annotated[Way, Field(min_length=1, max_length=6)] = "matter"

    @model_validator(mode="after")
    def _known(self) -> Repeat:
        if not isinstance(self.once, str) and not reached_from(self.of.label, self.once):
            raise Unsound([(("once",), f"this does not lead from {self.of.label} to anything")])
        return self


class Step(Strict):
    """One step of a sequence.

    Attributes:
        measure: the field from which the days to the next step count; else the step's own time.
    """

    of: Things
    measure: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Step:
        fields = ONTOLOGY.entities[self.of.label].fields()
        if self.measure is not None and self.measure not in fields:
            raise Unsound(
                [
                    (
                        ("measure",),
                        f"{self.of.label} has no field {self.measure!r}{nearest(self.measure, fields)}",
                    )
                ]
            )
        return self


class Sequence(Strict):
    """One thing after another at the same subject, each within so many days of the one before.

    Attributes:
        same: fields in which all of them agree, such as `category`.
        apart: whether reports of one matter are no steps of it.
    """

    steps: Annotated[list[Step], Field(min_length=2, max_length=4)]
    within: Number
    same: list[str] = []
    apart: bool = True

    @model_validator(mode="after")
    def _known(self) -> Sequence:
        mistakes: list[tuple[Where, str]] = []
        for i, name in enumerate(self.same):
            for step in self.steps:
                fields = ONTOLOGY.entities[step.of.label].fields()
                if name in fields and not fields[name].many:
                    continue
                if name in fields:
                    mistakes.append((("same", i), f"{name} has several values"))
                    break
                said = f"{step.of.label} has no field {name!r}{nearest(name, fields)}"
                mistakes.append((("same", i), said))
                break
        if mistakes:
            raise Unsound(mistakes)
        return self

    @cached_property
    def is_alike(self) -> bool:
        """Whether every step is of the same things, so that they are fetched once."""
        return all(step.of == self.steps[0].of for step in self.steps)


class Together(Strict):
    """Things of several sorts at the same subject, now, or (of what happened) within the last so many days."""

    of: Annotated[list[Repeat], Field(min_length=2, max_length=6)]


class Absent(Strict):
    """What should have followed has not, or what should be there is not.

    Attributes:
        of: what calls for it.
        expected: what should be there.
        within: days after the thing's time by which it should have come; without them it should be there at the thing's time
            (`at: time`) or now (`at: now`).
    """

    of: Things
    expected: Things
    within: Number | None = None
    at: Literal["time", "now"] = "time"


class Surge(Strict):
    """More things at a subject than is to be expected: the chance of so many, by a Poisson law, is small.

    Attributes:
        window: the last so many days.
        against: its own past rate, or what its neighbours have in the same days: the other places of its level in the place above.
        past: the days before the window that it is compared with; not for neighbours.
        chance: the largest chance that is told; 0.001 is one in a thousand.
        minimum: the least number in the window.
    """

    of: Things
    window: Count
    against: Literal["past", "neighbours"] = "past"
    past: Count | None = None
    chance: Annotated[float, Field(gt=0, le=1)] = 0.001
    minimum: Count = 5

    @model_validator(mode="after")
    def _compared(self) -> Surge:
        if (self.past is None) == (self.against == "past"):
            raise Unsound(
                [(("past",), "the days of the past are for a surge against the past, and needed there")]
            )
        return self


class Leg(Strict):
    """One step of a chain.

    Attributes:
        way: `TYPE>` or `<TYPE`. times: how often it may be taken, at least and at most.
        label, where, having: of what it leads to.
    """

    way: Annotated[str, AfterValidator(lambda s: checked_way([s])[0])]
    label: str
    where: dict[str, Wanted] = {}
    times: tuple[int, int] = (1, 1)

    @model_validator(mode="after")
    def _known(self) -> Leg:
        check_fields(self.label, self.where)
        if not 1 <= self.times[0] <= self.times[1] <= 8:
            raise Unsound([(("times",), "a step is taken between 1 and 8 times")])
        return self


class Chain(Strict):
    """A path over named relationships, from the subject on.

    Attributes:
        closed: whether it comes back to where it began.
    """

    of: Things
    legs: Annotated[list[Leg], Field(min_length=1, max_length=5)]
    closed: bool = False


class Pattern(Strict):
    """One block, or patterns joined by `all`, `any`, or one `unless` others."""

    repeat: Repeat | None = None
    sequence: Sequence | None = None
    together: Together | None = None
    absent: Absent | None = None
    surge: Surge | None = None
    chain: Chain | None = None
    all: Annotated[list[Pattern], Field(min_length=1, max_length=8)] | None = None
    any: Annotated[list[Pattern], Field(min_length=1, max_length=8)] | None = None
    unless: Pattern | None = None

    @model_validator(mode="after")
    def _one(self) -> Pattern:
        given = [n for n in type(self).model_fields if n != "unless" and getattr(self, n) is not None]
        if len(given) != 1:
            said = "a pattern is one of repeat, sequence, together, absent, surge, chain, all, any"
            raise ValueError(said + (f", not {' and '.join(given)} at once" if given else ""))
        return self


class Subject(Strict):
    """What things must have in common, and what a finding is about.

    Attributes:
        place: `OWN` (the very place, where it is sure, at a building or deeper) or a level of the tree at or above it.
        node: a label.
        pair: the roles of incidents' parties; a pair is of incidents with exactly two of them.
    """

    place: Literal["OWN", "BUILDING", "COMMUNITY", "STREET"] | None = None
    node: str | None = None
    pair: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> Subject:
        if sum(v is not None for v in (self.place, self.node, self.pair)) != 1:
            raise ValueError("a subject is one of place, node, pair")
        if self.node is not None and self.node not in ONTOLOGY.entities:
            raise Unsound(
                [(("node",), f"no entity is called {self.node!r}{nearest(self.node, ONTOLOGY.entities)}")]
            )
        return self


class Grade(Strict):
    """A severity, for findings with at least so many things or days; without either, for all others."""

    severity: str
    count: int | None = None
    days: int | None = None
    zh: str | None = None
    en: str | None = None


Scalar = bool | Whole | float | str | date
# YAML reads an unquoted day as a date.
Day = Annotated[str, BeforeValidator(lambda v: v.isoformat() if isinstance(v, date) else v)]


class Example(Strict):
    """A small drawn graph and what the trace must find in it on a day.

    Attributes:
        nodes: name → label and fields. links: `a TYPE b`, with fields where there are any.
    """

    today: Day
    nodes: dict[str, dict[str, Scalar | list[Scalar]]]
    links: list[str | dict[str, Scalar]] = []
    findings: list[list[str]]


class Planted(Strict):
    """What of the seeder's answer key a trace is scored by.

    Attributes:
        key: `repeats/PLACE`, `repeats/PARTIES`, `relapses`, or a list of `planted.json`.
        of: the label whose keys the list has.
        by: the field that holds them, where it is not the label's usual one.
        kinds: of incidents: the kinds of the reports that the list has, where the trace speaks of more.
        standing: whether the list has what is so now only, so that what has closed is left aside.
        values: parameters with which the list holds every true case.
        earlier: how it was looked for before; its precision is told beside.
    """

    key: str
    of: str | None = None
    by: str | None = None
    kinds: list[str] = []
    standing: bool = False
    values: dict[str, int] = {}
    earlier: Pattern | None = None


class Trace(Strict):
    """A declared trace.

    Attributes:
        trace: its name. serves: the systems of the district that it is for, as S09.
        shows: what is shown with a finding beside what it is found by, such as the teams of the place; nothing is decided by it.
        quiet: days without anything new after which a finding closes by itself; without them it closes once it no longer holds.
        sentence: with `{count}`, `{days}`, `{first}` and `{last}`.
        planted: what of the seeder's answer key it is scored by.
    """

    trace: str
    version: Annotated[int, Field(ge=1, le=MOST)] = 1
    zh: str
    en: str
    description: Words
    serves: Annotated[list[str], Field(min_length=1)]
    subject: Subject
    parameters: dict[str, Parameter] = {}
    pattern: Pattern
    shows: Annotated[list[Things], Field(max_length=4)] = []
    severity: Annotated[list[Grade], Field(min_length=1)]
    sentence: Words
    quiet: Number | None = None
    planted: Planted | None = None
    example: Example

    @model_validator(mode="after")
    def _sound(self) -> Trace:
        mistakes: list[tuple[Where, str]] = []
        if NAME.fullmatch(self.trace) is None:
            mistakes.append((("trace",), f"{self.trace!r} should be of small letters, digits and _"))
        used: set[str] = set()
        for where, name in _names(self.model_dump(exclude={"parameters", "example"}), ()):
            used.add(name)
            if name not in self.parameters:
                mistakes.append((where, f"no parameter is called {name!r}{nearest(name, self.parameters)}"))
        for where, name in _counts(self.pattern, ("pattern",)):
            declared = self.parameters.get(name)
            if declared is not None and declared.least < 1:
                mistakes.append((where, f"{name} must be at least 1 here"))
        for name in self.parameters.keys() - used:
            mistakes.append((("parameters", name), f"nothing uses the parameter {name!r}"))
        if any(g.count is not None or g.days is not None for g in self.severity[-1:]):
            mistakes.append(
                (("severity", len(self.severity) - 1), "the last severity must hold for all others")
            )
        if not _leads(self.pattern):
            mistakes.append((("pattern",), "something must stand at the place itself, whatever is near it"))
        for where, things in self.every():
            mistakes += [((*where, *below), said) for below, said in self._reached(things)]
        for where, surge in _surges(self.pattern, ("pattern",)):
            if surge.against == "neighbours" and (
                self.subject.place not in ("BUILDING", "COMMUNITY", "STREET")
                or surge.of.way
                or surge.of.near is not None
                or surge.of.label in ("Person", "Address")
            ):
                said = "neighbours are of BUILDING, COMMUNITY or STREET, and of what stands there by itself"
                mistakes.append(((*where, "against"), said))
        for i, things in enumerate(self.shows):
            if things.label not in _BESIDE:
                mistakes.append((("shows", i, "label"), f"{things.label} cannot be shown with a finding"))
        for language in ("zh", "en"):
            for said in _unsayable(getattr(self.sentence, language)):
                mistakes.append((("sentence", language), said))
        if mistakes:
            raise Unsound(mistakes)
        return self

    def _reached(self, things: Things) -> Iterator[tuple[Where, str]]:
        """Whether the things lead to the subject, and to what must stand where they do."""
        if things.confidence is not None and (
            self.subject.place is None or things.way or things.label in ("Person", "Address")
        ):
            yield ("confidence",), "only what stands at a place, by itself, may have been placed by its text"
        if things.near is not None and (self.subject.place != "BUILDING" or things.way):
            yield ("near",), "what is near stands around a place: BUILDING, and has no way"
        for i, related in enumerate(things.having):
            stands = "place" in ONTOLOGY.entities[related.label].fields()
            if related.here and (self.subject.place is None or not stands):
                yield ("having", i, "here"), f"{related.label} does not stand at the place of a finding"
        if self.subject.pair is not None:
            if things.label != "Incident" or things.way:
                yield ("label",), "a pair of parties is of incidents"
            return
        if self.subject.place is not None:
            label = things.label
            for i, step in enumerate(things.way):
                ends = next_labels(label, step)
                if not ends:
                    yield ("way", i), f"{step} does not go from {label}"
                    return
                label = ends[0]
            if label not in PLACED and label != "Address":
                yield ("label",), f"{label} stands at no place"
            return
        here = {things.label}
        for i, step in enumerate(things.way):
            after = {end for label in here for end in next_labels(label, step)}
            if not after:
                yield ("way", i), f"{step} does not go from {' or '.join(sorted(here))}"
                return
            here = after
        if self.subject.node not in here:
            yield (
                ("way",) if things.way else ("label",),
                f"this leads to {' or '.join(sorted(here))}, not to {self.subject.node}",
            )

    def things(self) -> list[tuple[Where, Things]]:
        """All things that the pattern speaks of, in order, each with where it stands."""
        return list(_things(self.pattern, ("pattern",)))

    def every(self) -> Iterator[tuple[Where, Things]]:
        """The things of the pattern and those that are shown beside, each with where it stands."""
        yield from self.things()
        for i, things in enumerate(self.shows):
            yield ("shows", i), things

    def wanted(self) -> Iterator[tuple[Where, str, dict[str, Wanted]]]:
        """What fields of things, of what they must have, and of what chains lead to must be, each with its label and where it stands."""
        for where, things in self.every():
            yield where, things.label, things.where
            for i, related in enumerate(things.having):
                yield (*where, "having", i), related.label, related.where

    @cached_property
    def selections(self) -> list[Things]:
        """All things that the pattern speaks of, in order."""
        return [things for _, things in self.things()]

    def looking_for(self, pattern: Pattern) -> Trace:
        """The same trace with another pattern."""
        made = self.model_copy(update={"pattern": pattern})
        made.__dict__.pop("selections", None)
        return made

    def defaults(self) -> dict[str, int]:
        """The parameters as they are declared."""
        return {name: p.default for name, p in self.parameters.items()}


def _things(pattern: Pattern, where: Where) -> Iterator[tuple[Where, Things]]:
    if pattern.repeat is not None:
        yield (*where, "repeat", "of"), pattern.repeat.of
    if pattern.sequence is not None:
        for i, step in enumerate(pattern.sequence.steps):
            yield (*where, "sequence", "steps", i, "of"), step.of
    if pattern.together is not None:
        for i, each in enumerate(pattern.together.of):
            yield (*where, "together", "of", i, "of"), each.of
    if pattern.absent is not None:
        yield (*where, "absent", "of"), pattern.absent.of
        yield (*where, "absent", "expected"), pattern.absent.expected
    if pattern.surge is not None:
        yield (*where, "surge", "of"), pattern.surge.of
    if pattern.chain is not None:
        yield (*where, "chain", "of"), pattern.chain.of
    for name in ("all", "any"):
        for i, each in enumerate(getattr(pattern, name) or ()):
            yield from _things(each, (*where, name, i))
    if pattern.unless is not None:
        yield from _things(pattern.unless, (*where, "unless"))


_BESIDE = frozenset(end for _, end in ONTOLOGY.links["BESIDE"].ends)


def _leads(pattern: Pattern) -> bool:
    """Whether every subject of a pattern has something that stands at it, or leads to it: what is near is near to much else."""
    if pattern.any is not None:
        return all(_leads(each) for each in pattern.any)
    if pattern.all is not None:
        return any(_leads(each) for each in pattern.all)
    if pattern.absent is not None:
        return pattern.absent.of.near is None
    return any(things.near is None for _, things in _things(pattern.model_copy(update={"unless": None}), ()))


def _surges(pattern: Pattern, where: Where) -> Iterator[tuple[Where, Surge]]:
    if pattern.surge is not None:
        yield (*where, "surge"), pattern.surge
    for name in ("all", "any"):
        for i, each in enumerate(getattr(pattern, name) or ()):
            yield from _surges(each, (*where, name, i))
    if pattern.unless is not None:
        yield from _surges(pattern.unless, (*where, "unless"))


def _counts(pattern: Pattern, where: Where) -> Iterator[tuple[Where, str]]:
    """The parameters that stand for a number of things or a length of time that is something, each with where."""
    named: list[tuple[Where, Any]] = []
    if pattern.repeat is not None:
        named.append(((*where, "repeat", "minimum"), pattern.repeat.minimum))
    if pattern.together is not None:
        named += [
            ((*where, "together", "of", i, "minimum"), r.minimum) for i, r in enumerate(pattern.together.of)
        ]
    if pattern.surge is not None:
        names = ("window", "past", "minimum")
        named += [((*where, "surge", n), getattr(pattern.surge, n)) for n in names]
    for at, value in named:
        if isinstance(value, str) and (found := PARAMETER.fullmatch(value)) is not None:
            yield at, found[1]
    for name in ("all", "any"):
        for i, each in enumerate(getattr(pattern, name) or ()):
            yield from _counts(each, (*where, name, i))
    if pattern.unless is not None:
        yield from _counts(pattern.unless, (*where, "unless"))


def _unsayable(sentence: str) -> Iterator[str]:
    """What a sentence may not have: anything in braces but the plain names of what is filled in."""
    try:
        for _, name, how, conversion in Formatter().parse(sentence):
            if name is not None and (name not in _FILLED_IN or how or conversion):
                yield (
                    f"a sentence has no {{{name}}}"
                    if not how and not conversion
                    else f"{{{name}}} is filled in as it is"
                )
    except ValueError:
        yield "braces go in pairs around a name"


_FILLED_IN = frozenset({"count", "days", "first", "last", "subject"})


def _names(value: Any, where: Where) -> Iterator[tuple[Where, str]]:
    """The parameters that a declaration names, each with where."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _names(each, (*where, key))
    elif isinstance(value, (list, tuple)):
        for i, each in enumerate(value):
            yield from _names(each, (*where, i))
    elif isinstance(value, str) and (found := PARAMETER.fullmatch(value)) is not None:
        yield where, found[1]
