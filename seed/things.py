"""The feeds of things: who builds each, whom its records name, and what is planted in it for the traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, day_number, digits, only_if
from seed.enterprises import INDIVIDUAL, INDUSTRIES, Enterprises
from seed.incidents import truth_firm, truth_person
from seed.options import COMMUNITIES, SeedOptions
from seed.people import People
from seed.places import Places
from seed.spots import Spots

DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class World:
    """The district as far as it is built when the things come."""

    options: SeedOptions
    places: Places
    people: People
    enterprises: Enterprises
    spots: Spots
    vehicles: pl.DataFrame
    devices: pl.DataFrame

    @property
    def today(self) -> int:
        """The last day, since 1970."""
        return day_number(self.options.until)

    @property
    def now(self) -> int:
        """The last second of the last day, since 1970 (local time)."""
        return self.today * DAY + DAY - 1

    def count(self, per_district: int, least: int = 4) -> int:
        """A number of the whole district, scaled."""
        return max(least, round(per_district * len(self.places.filled) / COMMUNITIES))

    def person_name(self, rows: Ints) -> pl.Series:
        """Names, null for -1."""
        return only_if(self.people.frame["name"].gather(np.maximum(rows, 0)), rows >= 0)

    def identity(self, rows: Ints) -> pl.Series:
        """Identity numbers, null for -1."""
        return only_if(self.people.frame["identity"].gather(np.maximum(rows, 0)), rows >= 0)

    def phone(self, rows: Ints) -> pl.Series:
        """Phones; null for -1 and for those who have none."""
        return only_if(self.people.frame["phone"].gather(np.maximum(rows, 0)), rows >= 0)

    def firm_name(self, rows: Ints) -> pl.Series:
        """Names of enterprises, null for -1."""
        return only_if(self.enterprises.name.gather(np.maximum(rows, 0)), rows >= 0)

    def firm_code(self, rows: Ints) -> pl.Series:
        """Credit codes, null for -1."""
        return only_if(self.enterprises.code.gather(np.maximum(rows, 0)), rows >= 0)

    def full(self, spot: Ints) -> pl.Series:
        """Full names of places, null for -1."""
        return only_if(self.spots.full.gather(np.maximum(spot, 0)), spot >= 0)

    def code(self, spot: Ints) -> pl.Series:
        """Codes of places, null for -1."""
        return only_if(self.spots.code.gather(np.maximum(spot, 0)), spot >= 0)

    def firms(self, industries: tuple[str, ...], companies: bool = True) -> Ints:
        """Rows of active enterprises of some trades; of any trade where there are none."""
        firms = self.enterprises
        active = firms.active & ((firms.kind != INDIVIDUAL) | (not companies))
        own = active & np.isin(firms.industry, [INDUSTRIES.index(name) for name in industries])
        found = np.flatnonzero(own if own.any() else active)
        return found if len(found) else np.arange(len(firms.kind))


@dataclass(frozen=True, slots=True)
class Thing:
    """One feed's rows.

    Attributes:
        names: pairs of the column that names somebody and the frame's column of truth ids.
        planted: pattern → record keys of what the traces should find; lists of them where several records are one case.
        near: pattern → record keys of what looks alike and is none.
    """

    feed: str
    frame: pl.DataFrame
    names: tuple[tuple[str, str], ...] = ()
    planted: dict[str, list[str] | list[list[str]]] = field(default_factory=dict)
    near: dict[str, list[str]] = field(default_factory=dict)


def whoever(person: Ints, firm: Ints) -> pl.Series:
    """Truth ids of people, or of enterprises where there is no person."""
    return truth_person(person).fill_null(truth_firm(firm))


def numbered(prefix: str, n: int, width: int) -> pl.Series:
    """`prefix` and a number from 1."""
    return cat(prefix, digits(np.arange(1, n + 1), width))


def build_things(world: World) -> Iterator[Thing]:
    """All feeds of things, in the order of their building."""
    # The builders need what is above.
    from seed import civil_registry, finance, haulage, institutions, safety_devices

    yield from haulage.build_haulage(world)
    for build in (
        safety_devices.build_cylinders, safety_devices.build_elevators, safety_devices.build_elevator_events,
        safety_devices.build_culvert_events, safety_devices.build_sensing_points, finance.build_prepaid,
        finance.build_guarantees, institutions.build_medical, institutions.build_schools,
        institutions.build_assessments, civil_registry.build_deaths, civil_registry.build_marriages,
    ):  # fmt: skip
        yield build(world)
