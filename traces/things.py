"""The things that a trace's pattern speaks of: nodes of one label, chosen by their fields and by what they have, that belong to one subject."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from ontology import ONTOLOGY
from ontology.declared import Strict, Unsound, Where, nearest
from ontology.model import FieldSpec, Sensitivity

PARAMETER = re.compile(r"\$([a-z][a-z_]*)")
# A step of a way: a relationship type, and the side on which its arrow points away from the thing.
# It may name the label that it leads to, where several are possible.
STEP = re.compile(r"(<?)([A-Z_]+)(>?)(?::([A-Za-z]+))?")

MOST = 1_000_000
# What GraphQL and Neo4j can both tell.
Whole = Annotated[int, Field(ge=-MOST * 1_000, le=MOST * 1_000)]
_Named = Annotated[str, Field(pattern=rf"^{PARAMETER.pattern}$")]
Number = Annotated[Annotated[int, Field(ge=0, le=MOST)] | _Named, Field(union_mode="left_to_right")]
Count = Annotated[Annotated[int, Field(ge=1, le=MOST)] | _Named, Field(union_mode="left_to_right")]


def said_of(given: Any, values: Mapping[str, int]) -> Any:
    """What a declaration gives; of a parameter that it names (`$minimum`), the value."""
    named = PARAMETER.fullmatch(given) if isinstance(given, str) else None
    return values[named[1]] if named is not None else given


def number_of(given: int | str, values: Mapping[str, int]) -> int:
    """A number that a declaration gives, or that of the parameter which it names."""
    return int(said_of(given, values))


def checked_way(steps: list[str]) -> list[str]:
    for step in steps:
        found = STEP.fullmatch(step)
        if found is None or (found[1] == "<") == (found[3] == ">"):
            raise ValueError(
                f"{step!r} should be TYPE> or <TYPE: a relationship and the way it points, seen from the thing"
            )
        if found[2] not in ONTOLOGY.links:
            raise ValueError(f"no relationship is called {found[2]!r}{nearest(found[2], ONTOLOGY.links)}")
        if found[4] is not None and found[4] not in ONTOLOGY.entities:
            raise ValueError(f"no entity is called {found[4]!r}{nearest(found[4], ONTOLOGY.entities)}")
    return steps


Way = Annotated[list[str], AfterValidator(checked_way)]


Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Test(Strict):
    """What a field's value must be: at least, at most, none of some, known or not; of a moment, which hours of the day.

    Attributes:
        hours: `["05:00", "19:00"]`: from the first up to the second, over midnight where the second is the earlier.
    """

    at_least: Annotated[float, Field(allow_inf_nan=False)] | str | None = None
    at_most: Annotated[float, Field(allow_inf_nan=False)] | str | None = None
    none_of: Annotated[list[str], Field(min_length=1)] | None = None
    known: bool | None = None
    hours: tuple[Hour, Hour] | None = None

    @model_validator(mode="after")
    def _some_time(self) -> Test:
        if self.hours is not None and self.hours[0] == self.hours[1]:
            raise Unsound([(("hours",), "these are no hours")])
        return self


Wanted = bool | Whole | str | Annotated[list[str], Field(min_length=1)] | Test


class Related(Strict):
    """Something else that a thing must have, or must not have, by relationships that stand today.

    Attributes:
        way: from the thing to it, such as `[TO>]`.
        none: whether it must not be there.
        here: whether it stands at the very place where the thing does.
    """

    way: Annotated[Way, Field(min_length=1, max_length=6)]
    label: str
    where: dict[str, Wanted] = {}
    none: bool = False
    here: bool = False

    @model_validator(mode="after")
    def _known(self) -> Related:
        check_fields(self.label, self.where)
        return self


class Things(Strict):
    """Nodes of one label that belong to a subject.

    Attributes:
        kinds: of incidents: the kinds or categories, by any of their reports.
        where: fields and what they must be.
        having: what else must be there or not.
        way: from the thing to the subject, such as `[MADE_BY>]`; nothing where the thing is the subject, or stands at it.
        time: the field that says when it was, or since when it is so; it must be known, unless `until` is given.
        until: the field that says its last day.
        grace: days after its time from which it counts: what was due yesterday is late today.
        confidence: how sure the place must be where it was read from free text, 0 to 1; without it such things stand at no place for sure.
        near: within how many metres of the subject, a building or a site, they may stand; without it they stand in it.
        timeless: whether it counts as it is whenever it began or ended, and gives a finding no days, such as a registration.
        reported: of incidents: whether its time is that of its first report of these kinds, where it has several.
    """

    label: str
    kinds: list[str] = []
    where: dict[str, Wanted] = {}
    having: list[Related] = []
    way: Way = []
    time: str | None = None
    until: str | None = None
    grace: Annotated[int, Field(ge=0, le=3660)] = 0
    timeless: bool = False
    reported: bool = False
    near: Number | None = None
    confidence: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _known(self) -> Things:
        check_fields(self.label, self.where)
        mistakes: list[tuple[Where, str]] = []
        fields = ONTOLOGY.entities[self.label].fields()
        for key in ("time", "until"):
            name = getattr(self, key)
            if name is not None and name not in fields:
                mistakes.append(((key,), f"{self.label} has no field {name!r}{nearest(name, fields)}"))
            elif name is not None and (fields[name].type is not str or fields[name].many):
                mistakes.append(((key,), f"{name} is no day"))
        for i, related in enumerate(self.having):
            if related.label not in reached_from(self.label, related.way):
                mistakes.append(
                    (("having", i, "way"), f"this does not lead from {self.label} to {related.label}")
                )
        if self.kinds and self.label != "Incident":
            mistakes.append((("kinds",), f"kinds are of incidents, not of {self.label}"))
        if self.reported and (not self.kinds or self.time is not None):
            mistakes.append(
                (("reported",), "only incidents of given kinds are reported, at a time of their own")
            )
        if mistakes:
            raise Unsound(mistakes)
        return self

    @property
    def begins(self) -> str | None:
        """The field that says when a thing was."""
        return self.time or _TIMES.get(self.label)


# What is not of the district's life, or made by traces themselves.
_NOT_TRACED = frozenset({"Finding", "Judgement", "Post", "Succession"})
_TIMES = {"Incident": "occurred_at", "Trip": "started_at", "Matter": "opened_at", "Permit": "since"}


def check_fields(label: str, where: dict[str, Wanted]) -> None:
    """Raises Unsound for a label that is none, and for fields that it has not, that are hidden, or that cannot have a value."""
    if label not in ONTOLOGY.entities:
        raise Unsound([(("label",), f"no entity is called {label!r}{nearest(label, ONTOLOGY.entities)}")])
    if label in _NOT_TRACED:
        raise Unsound([(("label",), f"{label} is not traced")])
    fields = ONTOLOGY.entities[label].fields()
    mistakes: list[tuple[Where, str]] = []
    for name, wanted in where.items():
        if name not in fields:
            mistakes.append((("where", name), f"{label} has no field {name!r}{nearest(name, fields)}"))
        elif fields[name].meta.sensitivity is Sensitivity.HIDDEN:
            mistakes.append((("where", name), f"{name} is for nobody to ask for"))
        elif not _can_be(fields[name], wanted):
            mistakes.append((("where", name), f"{name} cannot have this value"))
    if mistakes:
        raise Unsound(mistakes)


def _can_be(spec: FieldSpec, wanted: Wanted) -> bool:
    """Whether a field's value can be what is wanted of it; what names a parameter is a number."""
    if isinstance(wanted, Test):
        bounds = [b for b in (wanted.at_least, wanted.at_most) if b is not None]
        listed = wanted.none_of is not None
        if wanted.hours is not None and (spec.type is not str or spec.many or not spec.name.endswith("_at")):
            return False
        return (
            not (spec.many and (bounds or listed))
            and all(_is_of(spec.type, b) for b in bounds)
            and not (listed and spec.type is not str)
        )
    if isinstance(wanted, list):
        return spec.type is str and not spec.many
    return _is_of(spec.type, wanted)


def _is_of(type: type, value: bool | float | str) -> bool:
    if isinstance(value, str) and PARAMETER.fullmatch(value):
        return type in (int, float)
    if type is bool or isinstance(value, bool):
        return type is bool and isinstance(value, bool)
    return isinstance(value, str) == (type is str)


def reached_from(label: str, way: list[str]) -> set[str]:
    """The labels that a way may lead to."""
    here = {label}
    for step in way:
        here = {end for each in here for end in next_labels(each, step)}
    return here


PLACED = {label for label, e in ONTOLOGY.entities.items() if e.placed}


def next_labels(label: str, step: str) -> list[str]:
    """The labels that a step of a way may lead to from a label."""
    found = STEP.fullmatch(step)
    assert found is not None
    link = ONTOLOGY.links[found[2]]
    if found[3]:
        ends = [end for start, end in link.ends if start == label]
    else:
        ends = [start for start, end in link.ends if end == label]
    return [end for end in ends if found[4] is None or end == found[4]]
