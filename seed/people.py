"""Residents: households in homes, kin, ages, names, identity numbers, phones, moves; landlords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from ontology.identifiers.citizen_id import make_citizen_ids
from seed.columns import Bools, Ints, cat, day_number, digits, draw, either, pick, within
from seed.names import full_names, surnames
from seed.options import COMMUNITIES, SeedOptions
from seed.places import DORMITORY, HOUSE, Places

OWN, RENT, VACANT = range(3)
USES: Final = ("自住", "出租", "空置")
KIN: Final = ("户主", "配偶", "子", "女", "父", "母", "孙辈", "兄弟姐妹", "其他")
HEAD, SPOUSE, SON, DAUGHTER, FATHER, MOTHER, GRANDCHILD, SIBLING, OTHER = range(9)
CHILD = 9  # becomes SON or DAUGHTER once its sex is drawn

LANDLORDS: Final = 180_000
PHONELESS: Final = 0.12

# Households: (members after the head, weight). Shares are assumptions that give 2.45 people a local
# household.
_LOCAL: Final = (
    ((), 22), ((SPOUSE,), 30), ((SPOUSE, CHILD), 26), ((CHILD,), 5), ((SPOUSE, CHILD, CHILD), 6),
    ((SPOUSE, MOTHER), 3), ((SPOUSE, CHILD, FATHER, MOTHER), 3), ((SPOUSE, CHILD, GRANDCHILD), 3), ((MOTHER,), 2),
    ((SPOUSE, CHILD, OTHER, GRANDCHILD), 4),
)  # fmt: skip
_FLOATING: Final = (
    ((), 23), ((SPOUSE,), 25), ((SPOUSE, CHILD), 20), ((SPOUSE, CHILD, CHILD), 9), ((SIBLING,), 4),
    ((OTHER,) * 3, 11), ((OTHER,) * 5, 8),
)  # fmt: skip
_DORMITORY: Final = (((OTHER,) * 3, 1), ((OTHER,) * 5, 2), ((OTHER,) * 7, 1))

# Where floating people come from: real county codes of provinces that send many; weights are assumptions.
_REGIONS: Final = (
    "341221 8,341222 6,341225 5,341282 4,340123 3,340826 3,342422 4,341623 3,410526 3,411522 5,411525 5,411625 4,412825 3,412728 3,"
    "360321 3,361121 4,361128 5,361129 3,360424 2,362330 4,420222 2,421126 3,422322 2,421083 2,522125 4,522128 3,520221 3,522426 5,"
    "522501 2,511621 3,512922 3,513021 4,511025 2,500101 3,500234 3,500236 2,430522 3,433127 2,431224 2,532128 5,532129 4,530325 3,"
    "330326 4,330327 3,332522 2,330825 3,330881 3,330621 4,330681 3,330521 1,320322 2,320829 2,371326 2,371728 2,612422 2,142625 1,"
    "350725 1,450521 1,622424 2,230182 1,220182 1,130425 1"
)
# Codes of Xiaoshan's own people by the last year of birth before the next code: 萧山县, 萧山市 twice,
# 萧山区 since 2001.
_LOCAL_CODES: Final = ((1987, 330121), (1989, 339005), (2000, 330181))

_PREFIXES: Final = (
    "130 131 132 135 136 137 138 139 150 151 152 157 158 159 178 180 181 182 183 186 187 188 189 198".split()
)


@dataclass(frozen=True, slots=True)
class People:
    """Residents of a district.

    Attributes:
        frame: one row a person, sorted by home: identity, name, phone (null without).
        home, household, kin, male, birth, local, since, left, death, previous, previous_since: arrays of
        shape (n,). Days
            count from 1970; -1 for none. `previous` is the home before a move.
        head: for each person, the row of the household's head.
        community: of the home.
        use: of each home: OWN, RENT or VACANT.
        first: for each home, the row of its first resident's household head, or -1.
        owner: for each home, the row of the person who owns it.
        landlords: rows of the people who own what is let.
        years: age at the end, shape (n,).
    """

    frame: pl.DataFrame
    home: Ints
    household: Ints
    kin: Ints
    male: Bools
    birth: Ints
    local: Bools
    since: Ints
    left: Ints
    death: Ints
    previous: Ints
    previous_since: Ints
    head: Ints
    community: Ints
    use: Ints
    first: Ints
    owner: Ints
    landlords: Ints
    years: Ints


def _uses(places: Places, rng: np.random.Generator) -> Ints:
    """What each home is used for."""
    building = places.homes["building"].to_numpy()
    kind = places.buildings["kind"].to_numpy()[building]
    house_room = (kind == HOUSE) & places.homes["is_dwelling"].to_numpy()
    whole_house = (kind == HOUSE) & ~house_room
    starts = np.r_[True, building[1:] != building[:-1]]
    u = rng.random(len(building))
    own = np.select(
        [kind == DORMITORY, whole_house, house_room & starts, house_room], [0.0, 0.87, 0.8, 0.0], 0.455
    )
    rent = np.select(
        [kind == DORMITORY, whole_house, house_room & starts, house_room], [0.85, 0.09, 0.1, 0.72], 0.41
    )
    return np.where(u < own, OWN, np.where(u < own + rent, RENT, VACANT)).astype(np.int64)


def _numbers(rng: np.random.Generator, region: Ints, birth: Ints, male: Bools) -> pl.Series:
    """Valid identity numbers, all different: the sequence counts up within one region, birthday and sex."""
    key = pl.DataFrame({"r": region, "b": birth, "m": male})
    rank = key.select(pl.int_range(pl.len()).over("r", "b", "m")).to_series().to_numpy()
    offset = (region * 7 + birth * 13) % 500
    sequence = (offset + rank) % 500 * 2 + male
    if len(rank) and int(rank.max()) >= 500:
        raise ValueError("more than 500 people of one region, birthday and sex")
    dates = pl.Series(birth.astype(np.int32)).cast(pl.Date)
    ymd = (
        dates.dt.year().cast(pl.Int64) * 10000 + dates.dt.month().cast(pl.Int64) * 100 + dates.dt.day()
    ).to_numpy()
    return pl.Series(make_citizen_ids(region, ymd, sequence).astype(str).tolist())


def mobiles(rng: np.random.Generator, n: int, block: int) -> pl.Series:
    """n mobile numbers, all different; `block` 0–3 keeps several calls apart."""
    quarter = 25_000_000
    tail = (
        block * quarter + (np.arange(n, dtype=np.int64) * 7_919_317 + int(rng.integers(0, quarter))) % quarter
    )
    return cat(pick(_PREFIXES, rng.integers(0, len(_PREFIXES), n)), digits(tail, 8))


def _twins(options: SeedOptions, kin: Ints, household: Ints, birth: Ints, today: int) -> Ints:
    """For each younger twin the row of the elder, -1 for everybody else. Both are grown up and still of working
    age, so that nothing that depends on their age changes with it.
    """
    rng = options.rng("twins")
    after = np.arange(1, len(kin))
    child = np.isin(kin, (SON, DAUGHTER))
    years = (today - birth) / 365.2425
    grown = child & (years > 26) & (years < 50)
    pair = grown[after] & grown[after - 1] & (household[after] == household[after - 1])
    chosen = np.r_[False, pair & (rng.random(len(after)) < 0.08)]
    return np.where(chosen, np.arange(len(kin)) - 1, -1)


def _alike(
    options: SeedOptions,
    names: pl.Series,
    twin: Ints,
    kin: Ints,
    head: Ints,
    male: Bools,
    same_surname: Bools,
) -> pl.Series:
    """Names that are hard to tell apart: twins share the first character of their given names, and few sons
    are called as their fathers.
    """
    rng = options.rng("alike")
    n = len(names)
    elder = names.gather(np.maximum(twin, 0))
    tail = "伟 敏 静 杰 丽 涛".split()
    pair = cat(elder.str.slice(0, 2), pick(tail, rng.integers(0, len(tail), n)))
    sibling = (twin >= 0) & (elder.str.len_chars() == 3).to_numpy() & (elder != pair).to_numpy()
    son = (kin == SON) & male[head] & same_surname & (rng.random(n) < 0.004) & (twin < 0)
    return either(son, names.gather(head), either(sibling, pair, names))


def build_people(options: SeedOptions, places: Places) -> People:
    """Fill the homes with households."""
    rng = options.rng("people")
    today = day_number(options.until)
    use = _uses(places, rng)
    building = places.homes["building"].to_numpy()
    building_kind = places.buildings["kind"].to_numpy()[building]

    templates = [members for members, _ in (*_LOCAL, *_FLOATING, *_DORMITORY)]
    offsets = np.cumsum([0, len(_LOCAL), len(_FLOATING)])
    lived = np.flatnonzero(use != VACANT)
    local_home = use[lived] == OWN
    dormitory = building_kind[lived] == DORMITORY
    template = np.empty(len(lived), dtype=np.int64)
    for base, table, mask in (
        (offsets[0], _LOCAL, local_home),
        (offsets[1], _FLOATING, ~local_home & ~dormitory),
        (offsets[2], _DORMITORY, ~local_home & dormitory),
    ):
        template[mask] = base + draw(rng, [weight for _, weight in table], int(mask.sum()))
    sizes = np.array([len(members) + 1 for members in templates])[template]
    roles = np.full((len(templates), 8), -1, dtype=np.int64)
    for row, members in enumerate(templates):
        roles[row, : len(members) + 1] = (HEAD, *members)

    household = np.repeat(np.arange(len(lived)), sizes)
    position = within(sizes)
    n = len(household)
    kin = roles[template[household], position]
    home = lived[household]
    local = local_home[household]
    head_row = (np.cumsum(sizes) - sizes)[household]

    # Ages hang together: the head's age first, everybody else's from it.
    families = len(lived)
    has_child = np.array([CHILD in members for members in templates])[template]
    has_parent = np.array([MOTHER in members for members in templates])[template]
    has_grandchild = np.array([GRANDCHILD in members for members in templates])[template]
    floating_age = np.clip(rng.gamma(6.5, 5.5, families) + 4, 19, 66)
    local_age = np.select(
        [has_grandchild, has_parent, has_child],
        [rng.normal(60, 6, families), rng.normal(45, 7, families), rng.normal(44, 10, families)],
        rng.normal(58, 16, families),
    )
    head_age = np.where(local_home, np.clip(local_age, 22, 96), floating_age)
    head_age = np.where(has_child & ~local_home, np.clip(head_age, 24, 55), head_age)
    head_male = rng.random(families) < np.where(local_home, 0.74, 0.62)
    of_head = head_age[household]
    child_age = np.clip(of_head - rng.normal(27, 3.5, n), 0.1, 70)
    age = np.select(
        [
            kin == HEAD,
            kin == SPOUSE,
            kin == CHILD,
            (kin == FATHER) | (kin == MOTHER),
            kin == GRANDCHILD,
            kin == SIBLING,
        ],
        [
            of_head,
            np.clip(of_head + rng.normal(0, 3, n), 21, 97),
            child_age,
            np.clip(of_head + rng.normal(25, 3, n), 45, 101),
            np.clip(of_head - rng.normal(54, 4, n), 0.1, 40),
            np.clip(of_head + rng.normal(0, 5, n), 18, 80),
        ],
        np.where(
            local,
            np.clip(of_head - 27 + rng.normal(0, 2, n), 20, 70),
            np.clip(rng.gamma(6.5, 5, n) + 6, 18, 63),
        ),
    )
    male = rng.random(n) < np.where(local, 0.5, 0.56)
    male = np.where(kin == HEAD, head_male[household], male)
    male = np.where(kin == SPOUSE, ~head_male[household], male)
    male = np.where(kin == FATHER, True, np.where(kin == MOTHER, False, male))
    kin = np.where(kin == CHILD, np.where(male, SON, DAUGHTER), kin)
    birth = (today - age * 365.25 - rng.integers(0, 28, n)).astype(np.int64)
    twin = _twins(options, kin, household, birth, today)
    birth = np.where(twin >= 0, birth[twin], birth)
    years = ((today - birth) // 365.2425).astype(np.int64)

    # Surnames: children carry the father's, siblings and the head's father share the head's.
    head_surname = surnames(rng, local_home)
    wife_surname = surnames(rng, local_home)
    father_surname = np.where(head_male, head_surname, wife_surname)
    others = surnames(rng, local)
    shared = np.isin(kin, (HEAD, FATHER, SIBLING))
    surname = np.where(shared, head_surname[household], others)
    surname = np.where(kin == SPOUSE, wife_surname[household], surname)
    descent = np.isin(kin, (SON, DAUGHTER, GRANDCHILD))
    surname = np.where(descent, father_surname[household], surname)
    year = pl.Series(birth.astype(np.int32)).cast(pl.Date).dt.year().to_numpy().astype(np.int64)
    names = full_names(rng, surname, male, year)
    names = _alike(options, names, twin, kin, head_row, male, surname[head_row] == surname)

    words = [item.split() for item in _REGIONS.split(",")]
    county = np.array([int(code) for code, _ in words])[draw(rng, [float(w) for _, w in words], families)]
    other_county = np.array([int(code) for code, _ in words])[draw(rng, [float(w) for _, w in words], n)]
    own_code = np.select(
        [year <= last for last, _ in _LOCAL_CODES], [code for _, code in _LOCAL_CODES], 330109
    )
    late = rng.random(n)
    # A fifth of the district's own people were born elsewhere.
    settled = local & (late > 0.82) & np.isin(kin, (HEAD, SPOUSE, OTHER))
    region = np.where(
        local,
        np.where(settled, other_county, own_code),
        np.where(kin == OTHER, other_county, county[household]),
    )
    identity = _numbers(rng, region, birth, male)

    child_without = years < 10
    older = float((years >= 75).mean())
    middle = max(1e-9, 1 - float(child_without.mean()) - older)
    chance = np.where(
        years >= 75, 0.35, max(0.0, (PHONELESS - float(child_without.mean()) - 0.35 * older) / middle)
    )
    with_phone = ~(child_without | (rng.random(n) < chance))
    phone = (
        pl.DataFrame({"p": mobiles(rng, n, 0), "m": with_phone})
        .select(pl.when("m").then("p").otherwise(None))
        .to_series()
    )

    lived_days = np.where(
        local_home, rng.integers(200, 9000, families), (rng.exponential(650, families) + 20).astype(np.int64)
    )
    since = np.maximum(today - lived_days[household], birth)
    joined = rng.random(n) < np.where(kin == OTHER, 0.5, 0.05)
    since = np.where(joined, np.maximum(today - rng.integers(5, 700, n), np.maximum(since, birth)), since)
    fate = rng.random(n)
    left = np.where(~local & (fate < 0.012) & (since < today - 30), today - rng.integers(0, 25, n), -1)
    gone = local & (years > 60) & (fate < 0.008) & (since < today - 400)
    death = np.where(gone, today - rng.integers(1, 380, n), -1)

    # A move: the household came from another home of the filled communities.
    moved = rng.random(families) < np.where(local_home, 0.012, 0.035)
    previous_home = np.where(moved, rng.integers(0, len(use), families), -1)
    stayed = rng.integers(60, 1500, families)
    came = np.where(joined, -1, previous_home[household])
    came = np.where(since > birth + 60, came, -1)
    previous = np.where(came == home, -1, came)
    previous_since = np.where(previous >= 0, np.maximum(since - stayed[household], birth), -1)

    first = np.full(len(use), -1, dtype=np.int64)
    first[lived] = np.cumsum(sizes) - sizes
    owner, landlords = _owners(options, places, rng, use, first, local)
    return People(
        frame=pl.DataFrame({"identity": identity, "name": names, "phone": phone}),
        home=home,
        household=household,
        kin=kin,
        male=male,
        birth=birth,
        local=local,
        since=since,
        left=left,
        death=death,
        previous=previous,
        previous_since=previous_since,
        head=head_row,
        community=places.homes["community"].to_numpy()[home],
        use=use,
        first=first,
        owner=owner,
        landlords=landlords,
        years=years,
    )


def _owners(
    options: SeedOptions, places: Places, rng: np.random.Generator, use: Ints, first: Ints, local: Bools
) -> tuple[Ints, Ints]:
    """Who owns each home. What is let belongs to one owner per let house, or per let dwelling of a tower."""
    heads = first[use == OWN]
    if not len(heads):
        heads = np.array([0], dtype=np.int64)
    building = places.homes["building"].to_numpy()
    kind = places.buildings["kind"].to_numpy()[building]
    let = np.flatnonzero(use != OWN)
    unit = np.where(kind[let] == HOUSE, building[let], len(places.buildings) + let)
    order = np.argsort(places.homes["community"].to_numpy()[let], kind="stable")
    distinct, place = np.unique(unit[order], return_inverse=True)
    # Each property its number along the communities, so that landlords own near where they live.
    count = len(distinct)
    target = round(1.04 * LANDLORDS * len(places.filled) / COMMUNITIES)
    pool_size = max(1, min(target, count, len(heads)))
    pool = np.sort(rng.choice(heads, pool_size, replace=False))
    rank = np.empty(count, dtype=np.int64)
    firsts = np.full(count, len(order), dtype=np.int64)
    np.minimum.at(firsts, place, np.arange(len(order)))
    rank[np.argsort(firsts, kind="stable")] = np.arange(count)
    owner = first.copy()
    owner[let[order]] = pool[(rank[place] * pool_size) // max(1, count)]
    return owner, np.unique(owner[use == RENT])
