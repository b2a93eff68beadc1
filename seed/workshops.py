"""Workshops that people sleep in (三合一, GA 703): small businesses in let village houses, run by the tenants who sleep there; and what looks
alike: a guard, an office, a business that has closed, a family in its own house, a business that is no more than an address, a crew that has moved out and stands in the register still.
Of some crews the register does not know that they sleep there.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import polars as pl

from seed.cases import NearMisses
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
# Of the workshops, so many whose crew is registered elsewhere; and for each workshop so many of what looks alike.
UNKNOWN: Final = 0.06
GUARDS: Final = 0.25
OFFICE_TENANTS: Final = 0.2
CLOSED: Final = 0.12
MOVED_OUT: Final = 0.12
OFFICES_AT_HOME: Final = 0.3
FAMILIES: Final = 0.3
LEAST: Final = 2
CREW: Final = 3
# Of the workshops, how many are run by one of those who sleep there.
OWNERS: Final = 0.5
# Of the people from elsewhere, how many's employer the police know.
KNOWN: Final = 0.7


@dataclasses.dataclass(frozen=True, slots=True)
class Settled:
    """The enterprises with the workshops among them.

    Attributes:
        sleeps: for each person the row of the home in which they truly sleep, whatever the register says; -1 for nowhere in the district.
        known: for each person whether the police know who employs them.
    """

    enterprises: Enterprises
    sleeps: Ints
    known: Bools


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


def sleepers(people: People, settled: Settled, spots: Spots) -> Ints:
    """For each enterprise, how many people from elsewhere truly sleep at its very place and work for it today."""
    firms = settled.enterprises
    firm = firms.employer
    lives = ~people.local & (people.left < 0) & (people.death < 0) & (firm >= 0) & (settled.sleeps >= 0)
    here = lives & (firms.spot[np.maximum(firm, 0)] == spots.home_at + settled.sleeps)
    return np.bincount(firm[here], minlength=len(firms.kind)).astype(np.int64)


def workshops(people: People, settled: Settled, spots: Spots) -> Ints:
    """Rows of all active businesses of a trade that stores, makes or sells things, with people who sleep there: planted or by chance."""
    firms = settled.enterprises
    trade = np.isin(firms.industry, [INDUSTRIES.index(name) for name in TRADES])
    return np.flatnonzero(firms.active & trade & (sleepers(people, settled, spots) >= LEAST))


def settle_workshops(
    options: SeedOptions, places: Places, people: People, enterprises: Enterprises, spots: Spots, near: NearMisses
) -> Settled:  # fmt: skip
    """Moves small businesses that are registered in dwellings into the let houses of tenants, who work for them from now on."""
    rng = options.rng("workshops")
    homes = len(people.use)
    kind = places.buildings["kind"].to_numpy()[places.homes["building"].to_numpy()]
    grown = (people.years >= 18) & (people.years < 62) & (people.left < 0) & (people.death < 0)
    tenants = grown & ~people.local
    count = np.bincount(people.home[tenants], minlength=homes)
    let = (people.use == RENT) & (kind == HOUSE) & (count >= LEAST)
    # A crew is seldom a couple alone.
    crews = let & (count >= CREW)
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
    sleeps = people.home.copy()
    works = small & trade
    rep = enterprises.rep.copy()
    for share, where, firms, who, least, chance, owners, there in (
        (1.0 - UNKNOWN, crews, works & enterprises.active, tenants, LEAST, 0.85, OWNERS, True),
        (GUARDS, let, works & enterprises.active, tenants, 1, 0.0, 0.0, True),
        (OFFICE_TENANTS, let, small & office & enterprises.active, tenants, LEAST, 0.85, OWNERS, True),
        (CLOSED, let, works & ~enterprises.active, tenants, LEAST, 0.85, OWNERS, True),
        (MOVED_OUT, crews, works & enterprises.active, tenants, LEAST, 0.85, OWNERS, False),
        (OFFICES_AT_HOME, let, works & enterprises.active, tenants, 0, 0.0, 1.0, True),
        (FAMILIES, own, works & enterprises.active, couple, LEAST, 1.0, 1.0, True),
    ):
        home, firm = lots.pair(where, firms, max(1, round(total * share)))
        if share < 0.5:
            near.add("sleeping_workshop", enterprises.code.gather(firm))
        spot[firm] = spots.home_at + home
        firm_of = np.full(homes, -1, dtype=np.int64)
        firm_of[home] = firm
        row = np.flatnonzero(who & (firm_of[people.home] >= 0))
        order = _rank(people.home[row])
        theirs = (rng.random(len(row)) < chance) | (order < least)
        others = row[~theirs]
        employer[row[theirs]] = firm_of[people.home[row[theirs]]]
        employer[others] = np.where(employer[others] == firm_of[people.home[others]], -1, employer[others])
        # The first of them, whom the register has as head of the household.
        heads = np.full(homes, -1, dtype=np.int64)
        heads[people.home[row[order == 0]]] = row[order == 0]
        runs = rng.random(len(firm)) < owners
        rep[firm[runs]] = heads[home[runs]]
        if not there:
            sleeps[np.isin(people.home, home)] = -1
    # Crews that are registered in another let house of the same community, where they do not sleep.
    home, firm = lots.pair(let, works & enterprises.active, max(1, round(total * UNKNOWN)))
    away = np.flatnonzero(let & ~lots.taken_homes)
    community = places.homes["community"].to_numpy()
    for at, theirs_firm in zip(home.tolist(), firm.tolist(), strict=True):
        closest = away[(community[away] == community[at]) & ~lots.taken_homes[away]]
        if len(closest):
            lots.taken_homes[closest[0]] = True
            spot[theirs_firm] = spots.home_at + at
            crew = np.flatnonzero(tenants & (people.home == closest[0]))
            employer[crew], sleeps[crew] = theirs_firm, at
            # Who is registered in the workshop works elsewhere.
            others = np.flatnonzero(people.home == at)
            employer[others] = np.where(employer[others] == theirs_firm, -1, employer[others])
    known = people.local | (rng.random(len(people.home)) < KNOWN)
    phone = people.frame["phone"]
    called = enterprises.feed["联系电话"]
    # Whoever else runs it now is called on their own phone where that of the former one stood.
    other = pl.Series(rep != enterprises.rep) & called.eq_missing(phone.gather(enterprises.rep))
    moved = pl.Series(spot != enterprises.spot)
    feed = enterprises.feed.with_columns(
        pl.when(moved).then(spots.full.gather(spot)).otherwise(pl.col("经营地址")).alias("经营地址"),
        pl.when(moved).then(spots.code.gather(spot)).otherwise(pl.col("地址编码")).alias("地址编码"),
        pl.when(other).then(phone.gather(rep)).otherwise(called).alias("联系电话"),
        people.frame["name"].gather(rep).alias("法定代表人"),
        people.frame["identity"].gather(rep).alias("法定代表人证件号"),
    )
    made = dataclasses.replace(enterprises, feed=feed, spot=spot, employer=employer, rep=rep)
    return Settled(made, sleeps, known)


def _rank(groups: Ints) -> Ints:
    """The place of each among those of its group, in order."""
    return pl.DataFrame({"g": groups}).select(pl.int_range(pl.len()).over("g")).to_series().to_numpy()
