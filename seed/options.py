"""What a caller asks the seeder for, and what it answers."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import numpy as np

from ontology.errors import UsageError

COMMUNITIES: Final = 585
"""How many communities the district has; scale 1.0 fills all of them."""

PLANTS: Final = (
    "repeat-disputes", "relapses", "near-misses", "crowded-homes", "unregistered-homes", "one-hand", "callers", "lost-people",
    "labour-clusters", "prepaid-warnings",
)  # fmt: skip
"""Keys that `plant` takes."""


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Options of one synthetic district. The same options give byte-identical files.

    Attributes:
        scale: share of the communities that is filled, above 0 and at most 1; density does not depend on it.
        seed: seed of all random streams.
        until: the district's last day, its "today".
        noise: a profile of `seed/noise.yaml`: clean, normal or hard.
        plant: how many groups to plant, by key of `PLANTS`; what is not given scales with the district.
        areas: codes of streets or communities; only communities under one of them are filled.
        only: names of feeds (`警情`, `公安_警情` or `alarms`); only their files are written.
        texts: how many messy address texts of each profile go into `truth/address_texts.parquet`, for training and again for examination.
        scenario: a YAML file of a drawn district, instead of a random one.
    """

    scale: float = 0.01
    seed: int = 7
    until: date = date(2025, 12, 15)
    noise: str = "normal"
    plant: Mapping[str, int] = field(default_factory=dict)
    areas: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    texts: int = 500
    scenario: Path | None = None

    def check(self) -> None:
        """Raise UsageError `BAD_ARGUMENT` for a value that makes no sense."""
        if not 0 < self.scale <= 1:
            raise bad("规模应大于 0 且不超过 1。", f"scale {self.scale} is not above 0 and at most 1.")
        if self.seed < 0:
            raise bad("种子数不能为负。", "the seed is negative.")
        if self.texts < 0:
            raise bad("地址文本数量不能为负。", "the number of address texts is negative.")
        for key, count in self.plant.items():
            if key not in PLANTS:
                raise bad(
                    f"不认识的预置项 {key}。", f"{key!r} cannot be planted.", f"One of {', '.join(PLANTS)}."
                )
            if count < 0:
                raise bad("预置数量不能为负。", f"{key}={count} is negative.")

    @property
    def now(self) -> datetime:
        """The last second of the district's last day; nothing in the feeds is later."""
        return datetime.combine(self.until, time(23, 59, 59))

    def rng(self, part: str) -> np.random.Generator:
        """The random stream of one part, independent of the others."""
        return np.random.default_rng([self.seed, zlib.crc32(part.encode())])

    def planted(self, key: str, per_district: int, least: int = 10) -> int:
        """How many groups to plant: as asked, or the district's number scaled."""
        return self.plant.get(key, max(least, round(per_district * self.scale)))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was written. `files` maps a path within the directory to {rows, bytes, sha256}."""

    directory: Path
    today: date
    options: Mapping[str, Any]
    counts: Mapping[str, int]
    files: Mapping[str, Mapping[str, Any]]
    synthetic: bool = True


def bad(zh: str, en: str, hint: str = "") -> UsageError:
    """A BAD_ARGUMENT error."""
    return UsageError("BAD_ARGUMENT", zh, en, hint)
