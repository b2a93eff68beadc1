"""Cases that traces look for, put into the district, and beside each what looks alike and is none: crowded homes, homes let without a
registration, businesses of one hand, phone or room, callers who call for the wrong thing, gathered complaints and cases.

The numbers of the whole district are assumptions, but for the issuers of prepaid cards (S21). What is put here is not the answer key: that is counted from
the feeds themselves (`seed.trace_truth`), so that what comes about by chance is as true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, day_number, digits, either
from seed.enterprises import COMPANY, Enterprises, represented
from seed.options import COMMUNITIES, SeedOptions
from seed.people import RENT, VACANT, People
from seed.places import DORMITORY, Places
from seed.spots import Spots

CROWDED: Final = 900
UNREGISTERED: Final = 2_400
ONE_HAND: Final = 160
ONE_PHONE: Final = 120
ONE_ROOM: Final = 90
CALLERS: Final = 900
LABOUR_CLUSTERS: Final = 220
PREPAID_WARNED: Final = 1_198
PREPAID_AT_RISK: Final = 161
"""Of the enterprises that were warned of, those that were then judged at risk (S21)."""
LOST: Final = 30

CROWD: Final = 8
HAND: Final = 4
SHARED: Final = 5
"""Least numbers that count: of people in a let home, of businesses of one representative, of those of one phone or room."""


@dataclass(slots=True)
class NearMisses:
    """What looks like a case and is none: list of the answer key → record keys."""

    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: str, records: pl.Series | list[str]) -> None:
        self.keys[key] += [r for r in records if r is not None]


def house_key(homes: Ints) -> pl.Series:
    """Numbers of homes in the register of houses (房屋编号)."""
    return cat("FW330109", digits(homes + 1, 8))


def share(options: SeedOptions, places: Places, key: str, per_district: int, least: int) -> int:
    """How many groups to put: as asked, or the district's number for the communities that are filled."""
    scaled = round(per_district * len(places.filled) / COMMUNITIES)
    return options.plant.get(key, max(least, scaled))


def crowd_homes(options: SeedOptions, places: Places, people: People, near: NearMisses) -> People:
    """Moves tenants of let homes together into a few of them; the homes that they leave stand empty.

    What looks alike: as many at first, of whom some have moved out by now; and one too few.
    """
    rng = options.rng("crowded-homes")
    today = day_number(options.until)
    kind = places.buildings["kind"].to_numpy()[places.homes["building"].to_numpy()]
    let = (people.use == RENT) & (kind != DORMITORY)
    community = places.homes["community"].to_numpy()
    living = np.bincount(people.home[(people.left < 0) & (people.death < 0)], minlength=len(let))
    # Homes of one community after another, by chance within each.
    order = rng.permutation(np.flatnonzero(let & (living > 0) & (living < CROWD)))
    waiting: dict[int, list[int]] = defaultdict(list)
    for home in order.tolist():
        waiting[int(community[home])].append(home)
    wanted = share(options, places, "crowded-homes", CROWDED, 6)
    new_home, left, use, first = (
        people.home.copy(),
        people.left.copy(),
        people.use.copy(),
        people.first.copy(),
    )
    tenants = np.flatnonzero(let[people.home])
    at = np.argsort(people.home[tenants], kind="stable")
    sorted_homes = people.home[tenants][at]
    made = 0
    turns = [c for c in rng.permutation(list(waiting)).tolist() if len(waiting[c]) > 6] if waiting else []
    while turns and made < 2 * wanted:
        here = waiting[turns[made % len(turns)]]
        target = here.pop() if here else -1
        # Every second one is a near miss, of one sort or the other.
        sort = made % 4
        made += 1
        if target < 0:
            continue
        full = CROWD + int(rng.integers(0, 7)) if sort != 3 else CROWD - 1
        count = int(living[target])
        moved = [target]
        for home in reversed(here):
            if count >= full:
                break
            if sort == 3 and count + living[home] > full:
                continue
            moved.append(home)
            count += int(living[home])
        if (count < CROWD) != (sort == 3):
            continue
        for home in moved[1:]:
            here.remove(home)
            low, high = np.searchsorted(sorted_homes, [home, home + 1])
            new_home[tenants[at[low:high]]] = target
            use[home], first[home] = VACANT, -1
        if sort == 1:
            members = np.flatnonzero((new_home == target) & (left < 0) & (people.death < 0))
            gone = rng.permutation(members)[: count - CROWD + 2]
            left[gone] = np.maximum(people.since[gone] + 1, today - rng.integers(1, 60, len(gone)))
            left[gone] = np.minimum(left[gone], today)
        if sort in (1, 3):
            near.add("crowded_let_home", house_key(np.array([target])))
    return replace(people, home=new_home, left=left, use=use, first=first)


@dataclass(frozen=True, slots=True)
class Lettings:
    """Tenancies of homes in which nobody is registered.

    Attributes:
        home, tenant, start, end: shape (n,); rows of homes and of People, days since 1970, -1 for none.
    """

    home: Ints
    tenant: Ints
    start: Ints
    end: Ints


def unregistered(options: SeedOptions, places: Places, people: People, near: NearMisses) -> Lettings:
    """Empty homes that were let to somebody whom the police have elsewhere still.

    What looks alike: let this week, so that there is time to register; and let until some weeks ago.
    """
    rng = options.rng("unregistered-homes")
    today = day_number(options.until)
    free = rng.permutation(np.flatnonzero((people.use == VACANT) & (people.owner >= 0)))
    tenants = np.flatnonzero(
        ~people.local & (people.years > 20) & (people.left < 0) & (people.death < 0) & (people.head == np.arange(len(people.home)))
    )  # fmt: skip
    n = min(2 * share(options, places, "unregistered-homes", UNREGISTERED, 8), len(free), len(tenants))
    home, tenant = free[:n], rng.permutation(tenants)[:n]
    sort = np.arange(n) % 4
    start = today - rng.integers(12, 420, n)
    start = np.where(sort == 1, today - rng.integers(0, GRACE, n), start)
    end = np.where(sort == 3, np.maximum(start + 1, today - rng.integers(1, 60, n)), -1)
    near.add("unregistered_home", house_key(home[(sort == 1) | (sort == 3)]))
    return Lettings(home, tenant, start, end)


GRACE: Final = 7
"""Days from the first of a tenancy in which nobody need be registered."""


def share_hands(
    options: SeedOptions, places: Places, people: People, enterprises: Enterprises, spots: Spots, near: NearMisses
) -> Enterprises:  # fmt: skip
    """Gives companies one representative, one phone or one room for many.

    What looks alike: as many of whom one has closed; and one too few.
    """
    rng = options.rng("one-hand")
    homes = len(people.use)
    at_home = (enterprises.spot >= spots.home_at) & (enterprises.spot < spots.home_at + homes)
    companies = np.flatnonzero((enterprises.kind == COMPANY) & ~at_home)
    # Those that are open, and some that are not, each taken once; what is in a dwelling may be a workshop, and is left alone.
    pool = rng.permutation(companies[enterprises.active[companies]])
    shut = iter(rng.permutation(companies[~enterprises.active[companies]]).tolist())
    grown = rng.permutation(
        np.flatnonzero((people.years > 24) & (people.years < 66) & (people.death < 0) & (people.left < 0))
    )
    hands = iter([int(p) for p in grown if people.frame["phone"][int(p)] is not None][:5000])
    rooms = iter(rng.permutation(np.flatnonzero(people.use == VACANT)).tolist())
    rep, spot = enterprises.rep.copy(), enterprises.spot.copy()
    phones: dict[int, str] = {}

    open_ones: Iterator[int] = iter(())

    def firms(n: int) -> list[int]:
        found = [f for _, f in zip(range(n), open_ones, strict=False)]
        return found if len(found) == n else []

    def group(sort: int, least: int) -> tuple[list[int], bool]:
        """Companies of one group, and whether they are enough."""
        if sort == 1:
            closed = next(shut, None)
            some = firms(least - 1)
            return ([*some, closed] if some and closed is not None else []), False
        if sort == 3:
            return firms(least - 1), False
        return firms(least + int(rng.integers(0, 5))), True

    # A third of them for each sort, so that none is left without.
    for part, (what, key, per_district, least) in enumerate((
        ("rep", "one_representative", ONE_HAND, HAND), ("phone", "one_phone", ONE_PHONE, SHARED), ("room", "one_room", ONE_ROOM, SHARED),
    )):  # fmt: skip
        open_ones = iter(pool[part::3].tolist())
        for number in range(2 * share(options, places, "one-hand", per_district, 2)):
            members, enough = group(number % 4, least)
            hand, room = next(hands, None), next(rooms, None)
            if not members or hand is None or room is None:
                break
            if what == "rep":
                rep[members] = hand
            if what == "phone":
                phones |= dict.fromkeys(members, people.frame["phone"][hand])
            if what == "room":
                spot[members] = spots.home_at + room
            if not enough:
                near.add(key, enterprises.code.gather(members))
    row = np.arange(len(rep))
    called = pl.Series([phones.get(int(r)) for r in row], dtype=pl.String)
    moved = spot != enterprises.spot
    feed = enterprises.feed.with_columns(
        either(moved, spots.full.gather(spot), enterprises.feed["经营地址"]).alias("经营地址"),
        either(moved, spots.code.gather(spot), enterprises.feed["地址编码"]).alias("地址编码"),
        either(called.is_not_null().to_numpy(), called, enterprises.feed["联系电话"]).alias("联系电话"),
    )
    return represented(replace(enterprises, feed=feed, spot=spot), people, rep)
