"""The resident, tenancy and house feeds, from the people in their homes."""

from __future__ import annotations

import numpy as np
import polars as pl

from seed.cases import Lettings, house_key
from seed.columns import Bools, cat, day_number, days, digits, either, moments, only_if, pick
from seed.enterprises import Enterprises
from seed.options import SeedOptions
from seed.people import HEAD, KIN, OWN, RENT, SPOUSE, USES, People
from seed.places import DORMITORY, FACTORY, HIGH, HOUSE, SHOP, Places
from seed.spots import Spots

NOON = 43_200


def person_key(rows: np.ndarray) -> pl.Series:
    """Residents' keys in the feed (人口编号)."""
    return cat("RK330109", digits(rows + 1, 8))


def build_residents(
    options: SeedOptions, people: People, enterprises: Enterprises, spots: Spots, known: Bools
) -> pl.DataFrame:
    """公安_实有人口: one row a person, and an earlier one for a move. `_person` is the row of People.

    Args:
        known: for each person whether the police know who employs them.
    """
    rng = options.rng("residents")
    n = len(people.home)
    rows = np.arange(n)
    movers = np.flatnonzero(people.previous >= 0)
    row = np.concatenate([rows, movers])
    past = np.concatenate([np.zeros(n, dtype=np.bool_), np.ones(len(movers), dtype=np.bool_)])
    home = np.where(past, people.previous[row], people.home[row])
    since = np.where(past, people.previous_since[row], people.since[row])
    left = np.where(past, people.since[row], people.left[row])
    death = np.where(past, -1, people.death[row])
    touched = np.maximum(since, np.maximum(np.where(past, since, left), death))
    lodging = people.local & (np.arange(n) % 37 == 5) & (people.kin != HEAD)
    residence = np.where(people.local, np.where(lodging, 2, 0), 1)[row]
    employer = np.where(past | ~known[row], -1, enterprises.employer[row])
    household = people.household[row] * 2 + past
    feed = pl.DataFrame(
        {
            "人口编号": person_key(row),
            "姓名": people.frame["name"].gather(row),
            "公民身份号码": people.frame["identity"].gather(row),
            "性别": pick(("女", "男"), people.male[row].astype(np.int64)),
            "出生日期": days(people.birth[row]),
            "户籍类型": pick(("户籍", "流动", "寄住"), residence),
            "手机号": people.frame["phone"].gather(row),
            "现住地址": spots.full.gather(home),
            "地址编码": spots.code.gather(home),
            "入住日期": days(since),
            "离开日期": days(left, left >= 0),
            "户号": cat("H330109", digits(household + 1, 8)),
            "与户主关系": pick(KIN, people.kin[row]),
            "户主证件号": people.frame["identity"].gather(people.head[row]),
            "工作单位代码": only_if(enterprises.code.gather(np.maximum(employer, 0)), employer >= 0),
            "死亡日期": days(death, death >= 0),
            "更新时间": moments(touched * 86400 + rng.integers(28800, 64800, len(row))),
            "_person": row,
            "_order": people.home[row],
        }
    )
    # A person's earlier row stands before the later one.
    return feed.with_columns(pl.Series("_past", past)).sort(
        "_person", "_past", descending=[False, True], maintain_order=True
    )


def build_houses(
    options: SeedOptions, places: Places, people: People, enterprises: Enterprises, spots: Spots
) -> pl.DataFrame:
    """住建_房屋: every home, shop and factory building, with its owners."""
    rng = options.rng("houses")
    today = day_number(options.until)
    homes = len(places.homes)
    kind = places.buildings["kind"].to_numpy()
    business = np.flatnonzero(np.isin(kind, (SHOP, FACTORY)))
    m = len(business)
    n = homes + m
    spot = np.concatenate([spots.home_at + np.arange(homes), spots.building_at + business])
    building = np.concatenate([places.homes["building"].to_numpy(), business])
    by_firm = np.concatenate([np.zeros(homes, dtype=np.bool_), rng.random(m) < 0.45])
    heads = np.flatnonzero((people.kin == HEAD) & people.local)
    if not len(heads):
        heads = np.array([0])
    owner = np.concatenate([people.owner, heads[rng.integers(0, len(heads), m)]])
    firm = rng.integers(0, len(enterprises.kind), n)
    own = np.concatenate([people.use == OWN, np.zeros(m, dtype=np.bool_)])
    # The spouse stands right behind the head where there is one.
    after = np.minimum(owner + 1, len(people.home) - 1)
    shared = (
        own
        & (people.kin[after] == SPOUSE)
        & (people.household[after] == people.household[owner])
        & (rng.random(n) < 0.4)
    )
    use = np.concatenate([people.use, np.where(kind[business] == SHOP, 3, 4)])
    use = np.where((use == 4) & (rng.random(n) < 0.15), 5, use)
    let = np.concatenate([people.use == RENT, rng.random(m) < 0.5])
    area = np.select(
        [
            kind[building] == HIGH,
            kind[building] == HOUSE,
            kind[building] == DORMITORY,
            np.isin(kind[building], (FACTORY,)),
        ],
        [
            rng.normal(105, 25, n),
            np.where(let, rng.normal(28, 8, n), rng.normal(260, 60, n)),
            rng.normal(30, 4, n),
            rng.normal(2600, 800, n),
        ],
        rng.normal(82, 20, n),
    )
    area = np.clip(area, 12, 9000)
    acquired = np.maximum(places.buildings["since"].to_numpy()[building], today - rng.integers(200, 9000, n))
    code = spots.code.gather(spot)
    number = np.arange(1, n + 1)
    unit = cat(code.str.slice(0, 12), "GB", digits(building % 100_000, 5), "F", digits(number, 8))
    return pl.DataFrame(
        {
            "房屋编号": house_key(np.arange(n)),
            "不动产单元号": unit,
            "房屋地址": spots.full.gather(spot),
            "地址编码": code,
            "用途": pick((*USES, "经营", "生产", "仓储"), use),
            "是否出租": pick(("否", "是"), let.astype(np.int64)),
            "建筑面积": pl.Series(np.round(area, 2)).cast(pl.String),
            "产权人姓名": either(by_firm, enterprises.name.gather(firm), people.frame["name"].gather(owner)),
            "产权人证件号": either(
                by_firm, enterprises.code.gather(firm), people.frame["identity"].gather(owner)
            ),
            "共有人姓名": only_if(people.frame["name"].gather(after), shared),
            "共有人证件号": only_if(people.frame["identity"].gather(after), shared),
            "产权取得日期": days(acquired),
            "更新时间": moments(acquired * 86400 + NOON),
            "_owner": np.where(by_firm, -1, owner),
        }
    )


def build_tenancies(
    options: SeedOptions, places: Places, people: People, spots: Spots, more: Lettings
) -> pl.DataFrame:
    """公安_租赁登记: one row a let home (some are not registered), past ones, and those of homes where nobody is registered."""
    rng = options.rng("tenancies")
    today = day_number(options.until)
    rented = np.flatnonzero((people.use == RENT) & (rng.random(len(people.use)) < 0.96))
    past = rented[rng.random(len(rented)) < 0.06]
    home = np.concatenate([rented, past])
    is_past = np.arange(len(home)) >= len(rented)
    tenant = people.first[home]
    floating = np.flatnonzero(~people.local & (people.years > 20))
    if is_past.any() and len(floating):
        tenant = np.where(is_past, floating[rng.integers(0, len(floating), len(home))], tenant)
    start = people.since[people.first[home]]
    end = np.where(is_past, start - rng.integers(1, 60, len(home)), people.left[people.first[home]])
    start = np.where(is_past, end - rng.integers(90, 720, len(home)), start)
    home, tenant = np.concatenate([home, more.home]), np.concatenate([tenant, more.tenant])
    start, end = np.concatenate([start, more.start]), np.concatenate([end, more.end])
    landlord = people.owner[home]
    register = np.minimum(
        today, np.maximum(start, np.where(end >= 0, end, start)) + rng.integers(0, 20, len(home))
    )
    return pl.DataFrame(
        {
            "登记编号": cat("ZL330109", digits(np.arange(1, len(home) + 1), 8)),
            "房屋编号": house_key(home),
            "房屋地址": spots.full.gather(home),
            "地址编码": spots.code.gather(home),
            "房东姓名": people.frame["name"].gather(landlord),
            "房东证件号": people.frame["identity"].gather(landlord),
            "房东电话": people.frame["phone"].gather(landlord),
            "承租人姓名": people.frame["name"].gather(tenant),
            "承租人证件号": people.frame["identity"].gather(tenant),
            "承租人电话": people.frame["phone"].gather(tenant),
            "起租日期": days(start),
            "退租日期": days(end, end >= 0),
            "更新时间": moments(register * 86400 + NOON),
            "_landlord": landlord,
            "_tenant": tenant,
        }
    )
