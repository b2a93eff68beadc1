"""Workshops that people sleep in (三合一, GA 703): small businesses in let village houses, run by the tenants who sleep there; and what looks
alike: a guard, an office, a business that has closed, a family in its own house.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import polars as pl

from seed.columns import Bools, Ints
from seed.enterprises import INDUSTRIES, Enterprises
from seed.options import COMMUNITIES, SeedOptions
from seed.people import HEAD, OWN, RENT, SPOUSE, People
from seed.places import HOUSE, Places
from seed.spots import Spots

# Of 7,211 that the district's model warned of, 80 % were so (S08).
WORKSHOPS: Final = 5_800
TRADES: Final = ("制造业", "批发业", "零售业", "餐饮业", "交通运输仓储业")
OFFICES: Final = ("信息技术服务业", "金融业", "房地产业", "租赁和商务服务业", "教育培训业")
# For each workshop, so many of what looks alike.
GUARDS: Final = 0.25
OFFICE_TENANTS: Final = 0.2
CLOSED: Final = 0.12
FAMILIES: Final = 0.3
LEAST: Final = 2


@dataclasses.dataclass(slots=True)
class _Lots:
    """Homes and businesses of the same communities, each taken once."""

    rng: np.random.Generator
    community_of_home: Ints
    community_of_firm: Ints
    taken_homes: Bools
    taken_firms: Bools

    def pair(self, homes: Bools, firms: Bools, n: int) -> tuple[Ints, Ints]:
        """Up to `n` pairs of a home and a business of its community, by chance."""
        ranked = [
            pl.DataFrame({"row": rows, "community": community[rows]}).with_columns(
                pl.int_range(pl.len()).over("community").alias("rank")
            )
            for rows, community in (
                (self.rng.permutation(np.flatnonzero(homes & ~self.taken_homes)), self.community_of_home),
                (self.rng.permutation(np.flatnonzero(firms & ~self.taken_firms)), self.community_of_firm),
            )
        ]
        both = ranked[0].join(ranked[1], on=["community", "rank"], suffix="_firm", maintain_order="left")
        chosen = self.rng.permutation(len(both))[:n]
        home, firm = (both[name].to_numpy()[chosen] for name in ("row", "row_firm"))
        self.taken_homes[home] = True
        self.taken_firms[firm] = True
        return home, firm


def sleepers(people: People, enterprises: Enterprises, spots: Spots) -> Ints:
    """For each enterprise, how many people from elsewhere live at its very place and work for it today."""
    firm = enterprises.employer
    lives = ~people.local & (people.left < 0) & (people.death < 0) & (firm >= 0)
    here = lives & (enterprises.spot[np.maximum(firm, 0)] == spots.home_at + people.home)
    return np.bincount(firm[here], minlength=len(enterprises.kind)).astype(np.int64)


def workshops(people: People, enterprises: Enterprises, spots: Spots) -> list[str]:
    """Credit codes of all active businesses of a trade that stores, makes or sells things, with people who sleep there: planted or by chance."""
    trade = np.isin(enterprises.industry, [INDUSTRIES.index(name) for name in TRADES])
    so = enterprises.active & trade & (sleepers(people, enterprises, spots) >= LEAST)
    return sorted(enterprises.code.filter(pl.Series(so)).to_list())


def settle_workshops(
    options: SeedOptions, places: Places, people: People, enterprises: Enterprises, spots: Spots
) -> Enterprises:
    """Moves small businesses that are registered in dwellings into the let houses of tenants, who work for them from now on."""
    rng = options.rng("workshops")
    homes = len(people.use)
    kind = places.buildings["kind"].to_numpy()[places.homes["building"].to_numpy()]
    grown = (people.years >= 18) & (people.years < 62) & (people.left < 0) & (people.death < 0)
    tenants = grown & ~people.local
    several = np.bincount(people.home[tenants], minlength=homes) >= LEAST
    let = (people.use == RENT) & (kind == HOUSE) & several
    couple = grown & people.local & np.isin(people.kin, (HEAD, SPOUSE))
    own = (people.use == OWN) & (kind == HOUSE) & (np.bincount(people.home[couple], minlength=homes) >= 2)

    at_home = (enterprises.spot >= spots.home_at) & (enterprises.spot < spots.home_at + homes)
    small = at_home & (enterprises.staff <= 60)
    trade = np.isin(enterprises.industry, [INDUSTRIES.index(name) for name in TRADES])
    office = np.isin(enterprises.industry, [INDUSTRIES.index(name) for name in OFFICES])
    lots = _Lots(
        rng, places.homes["community"].to_numpy(), enterprises.community,
        np.zeros(homes, dtype=np.bool_), np.zeros(len(enterprises.kind), dtype=np.bool_),
    )  # fmt: skip
    total = max(6, round(WORKSHOPS * len(places.filled) / COMMUNITIES))
    spot, employer = enterprises.spot.copy(), enterprises.employer.copy()
    for share, where, firms, who, chance in (
        (1.0, let, small & trade & enterprises.active, tenants, 0.85),
        (GUARDS, let, small & trade & enterprises.active, tenants, 0.0),
        (OFFICE_TENANTS, let, small & office & enterprises.active, tenants, 0.85),
        (CLOSED, let, small & trade & ~enterprises.active, tenants, 0.85),
        (FAMILIES, own, small & trade & enterprises.active, couple, 1.0),
    ):
        home, firm = lots.pair(where, firms, max(1, round(total * share)))
        spot[firm] = spots.home_at + home
        firm_of = np.full(homes, -1, dtype=np.int64)
        firm_of[home] = firm
        # Of a guard's house it is the first tenant alone; elsewhere at least two of them.
        row = np.flatnonzero(who & (firm_of[people.home] >= 0))
        order = _rank(people.home[row])
        works = (rng.random(len(row)) < chance) | (order < (1 if chance == 0.0 else LEAST))
        others = row[~works]
        employer[row[works]] = firm_of[people.home[row[works]]]
        employer[others] = np.where(employer[others] == firm_of[people.home[others]], -1, employer[others])
    moved = pl.Series(spot != enterprises.spot)
    feed = enterprises.feed.with_columns(
        pl.when(moved).then(spots.full.gather(spot)).otherwise(pl.col("经营地址")).alias("经营地址"),
        pl.when(moved).then(spots.code.gather(spot)).otherwise(pl.col("地址编码")).alias("地址编码"),
    )
    return dataclasses.replace(enterprises, feed=feed, spot=spot, employer=employer)


def _rank(groups: Ints) -> Ints:
    """The place of each among those of its group, in order."""
    return pl.DataFrame({"g": groups}).select(pl.int_range(pl.len()).over("g")).to_series().to_numpy()
