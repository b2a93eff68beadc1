"""Enterprises and individual businesses: codes, names, sizes, premises, who represents them and who works
there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ontology.identifiers.uscc import make_usccs
from seed.columns import (
    Bools,
    Ints,
    cat,
    day_number,
    days,
    digits,
    draw,
    either,
    in_groups,
    moments,
    pick,
    spread,
)
from seed.names import BRAND, COMPANY_WORDS, SHOP_WORDS
from seed.options import COMMUNITIES, SeedOptions
from seed.people import People
from seed.places import FACTORY, SHOP, VILLAGE, Places
from seed.spots import Spots

ENTERPRISES: Final = 250_000
INDUSTRIES: Final = tuple(COMPANY_WORDS)
KINDS: Final = (
    "有限责任公司",
    "股份有限公司",
    "个人独资企业",
    "个体工商户",
    "农民专业合作社",
    "村级集体经济组织",
    "事业单位",
)
COMPANY, JOINT, SOLE, INDIVIDUAL, COOPERATIVE, COLLECTIVE, INSTITUTION = range(7)
_HEADS: Final = ("91", "91", "91", "92", "93", "N2", "12")
_COMPANY_SHARES: Final = (24, 6, 16, 8, 1, 0.5, 7, 8, 1, 4, 10, 3, 3, 1, 3, 2)
_SHOP_SHARES: Final = (9, 2, 8, 30, 18, 1, 4, 0.6, 0.1, 1, 2, 12, 2, 1.5, 4, 2)
STATES: Final = ("存续", "停业", "吊销", "注销", "迁出")


@dataclass(frozen=True, slots=True)
class Enterprises:
    """Enterprises, sorted by community.

    Attributes:
        feed: the clean feed; code, name, kind, industry, community, spot, staff, rep, active, founded:
        columns and arrays
            of shape (n,). `rep` is a row of People, `staff` the workers it declares.
        employer: for each person the row of the enterprise they work for, or -1.
    """

    feed: pl.DataFrame
    code: pl.Series
    name: pl.Series
    kind: Ints
    industry: Ints
    community: Ints
    spot: Ints
    staff: Ints
    rep: Ints
    active: Bools
    founded: Ints
    employer: Ints


def _names(
    rng: np.random.Generator, places: Places, kind: Ints, industry: Ints, community: Ints
) -> pl.Series:
    n = len(kind)
    a, b, c = (pick(BRAND, rng.integers(0, len(BRAND), n)) for _ in range(3))
    company_words = [word for words in COMPANY_WORDS.values() for word in words]
    shop_words = [word for words in SHOP_WORDS.values() for word in words]
    picks = []
    for source in (COMPANY_WORDS, SHOP_WORDS):
        sizes = np.array([len(words) for words in source.values()])
        starts = np.cumsum(sizes) - sizes
        picks.append(starts[industry] + (rng.random(n) * sizes[industry]).astype(np.int64))
    where = pick([c.street_name for c in places.communities], community)
    village = pick([c.name for c in places.communities], community)
    shop = kind == INDIVIDUAL
    three = pl.Series(np.where(rng.random(n) < 0.45, 1, 0))
    tail = (
        pl.DataFrame({"t": three, "c": c})
        .select(pl.when(pl.col("t") == 1).then("c").otherwise(pl.lit("")))
        .to_series()
    )
    endings = ["有限公司", "股份有限公司", "厂", "", "专业合作社", "", ""]
    company = cat("杭州", a, b, tail, pick(company_words, picks[0]), pick(endings, kind))
    stall = cat("杭州市萧山区", where, a, b, tail, pick(shop_words, picks[1]))
    result = either(shop, stall, company)
    result = either(kind == COLLECTIVE, cat("杭州市萧山区", where, village, "股份经济联合社"), result)
    return either(kind == INSTITUTION, cat("杭州市萧山区", where, village, "社区服务中心"), result)


def build_enterprises(options: SeedOptions, places: Places, people: People, spots: Spots) -> Enterprises:
    """Make the enterprises of the filled communities and give workers their employers."""
    rng = options.rng("enterprises")
    today = day_number(options.until)
    share = len(places.filled) / COMMUNITIES
    total = max(4, round(ENTERPRISES * share))
    kind_of = places.buildings["kind"].to_numpy()
    building_community = places.buildings["community"].to_numpy()
    count = len(places.communities)
    weight = (
        np.bincount(building_community[kind_of == SHOP], minlength=count) * 2.0
        + np.bincount(building_community[kind_of == FACTORY], minlength=count) * 6.0
        + np.bincount(places.homes["community"].to_numpy(), minlength=count) * 0.1
    )
    villages = np.array(
        [i for i in places.filled.tolist() if places.communities[i].kind == VILLAGE], dtype=np.int64
    )
    ordinary = max(0, total - len(villages))
    community = np.concatenate([villages, draw(rng, weight, ordinary)])
    u = rng.random(ordinary)
    kind = np.concatenate(
        [
            np.full(len(villages), COLLECTIVE),
            np.select(
                [u < 0.62, u < 0.95, u < 0.956, u < 0.985, u < 0.995],
                [INDIVIDUAL, COMPANY, JOINT, SOLE, COOPERATIVE],
                COMPANY,
            ),
        ]
    )
    order = np.argsort(community, kind="stable")
    community, kind = community[order], kind[order]
    n = len(kind)
    industry = np.where(kind == INDIVIDUAL, draw(rng, _SHOP_SHARES, n), draw(rng, _COMPANY_SHARES, n))
    farm = INDUSTRIES.index("农林牧渔业")
    industry = np.where(np.isin(kind, (COOPERATIVE,)), farm, industry)

    # Premises: shops and factories first, some in dwellings and village houses.
    building_row = np.arange(len(kind_of))
    shops, works = building_row[kind_of == SHOP], building_row[kind_of == FACTORY]
    at_shop = in_groups(rng, building_community[shops], community, count)
    at_works = in_groups(rng, building_community[works], community, count)
    at_home = in_groups(rng, places.homes["community"].to_numpy(), community, count)
    making = np.isin(
        industry, [INDUSTRIES.index(x) for x in ("制造业", "交通运输仓储业", "建筑业", "批发业")]
    )
    v = rng.random(n)
    want_works = np.where(making, v < 0.6, v < 0.15)
    # So many are registered where people live that of those places, one in ten is a workshop that people sleep in (S08).
    want_shop = ~want_works & (v < np.where(making, 0.77, 0.68))
    spot = spots.home_at + at_home
    spot = np.where(
        want_shop & (at_shop >= 0),
        spots.building_at + shops[np.maximum(at_shop, 0)] if len(shops) else spot,
        spot,
    )
    spot = np.where(
        want_works & (at_works >= 0),
        spots.building_at + works[np.maximum(at_works, 0)] if len(works) else spot,
        spot,
    )

    # Sizes follow a Zipf-like tail; individual businesses stay small.
    size = np.minimum(np.floor(1.2 * (1 - rng.random(n)) ** -0.95), 6000).astype(np.int64)
    staff = np.where(kind == INDIVIDUAL, np.minimum(size, 9), np.minimum(size * 3, 8000))
    # No firm of a small district employs a large part of it.
    staff = np.minimum(staff, max(30, len(people.home) // 25))
    adult = np.flatnonzero((people.years >= 20) & (people.years < 70) & (people.death < 0))
    rep_row = in_groups(rng, people.community[adult], community, count)
    rep = adult[np.where(rep_row >= 0, rep_row, 0)]
    founded = np.minimum(
        today - rng.integers(10, 3500, n), today - (rng.exponential(1500, n) + 10).astype(np.int64)
    )
    state = draw(rng, (86, 4, 2, 7, 1), n)
    closed = np.where(state == 3, np.maximum(founded + 5, today - rng.integers(1, 900, n)), -1)
    closed = np.minimum(closed, today)
    region = np.where(founded < day_number(date(2001, 1, 1)), 330181, 330109)
    code = pl.Series(
        make_usccs(np.array(_HEADS)[kind], region, spread(rng, n, 99_999_989)).astype(str).tolist()
    )
    names = _names(rng, places, kind, industry, community)
    old = founded < today - 3300
    registration = (
        pl.DataFrame({"c": _registrations(rng, n), "m": old}).select(pl.when("m").then("c")).to_series()
    )
    capital = np.where(
        kind == INDIVIDUAL,
        rng.choice([1, 2, 3, 5, 10, 20], n),
        rng.choice([10, 50, 100, 200, 500, 1000, 5000], n),
    )
    rep_phone = people.frame["phone"].gather(rep)
    landline = cat("0571-8", digits(rng.integers(2000000, 3999999, n), 7))
    with_landline = (rng.random(n) < 0.2) | rep_phone.is_null().to_numpy()
    touched = np.where(closed >= 0, closed, np.minimum(today, founded + rng.integers(0, 900, n)))
    feed = pl.DataFrame(
        {
            "统一社会信用代码": code,
            "注册号": registration,
            "名称": names,
            "主体类型": pick(KINDS, kind),
            "行业": pick(INDUSTRIES, industry),
            "登记状态": pick(STATES, state),
            "法定代表人": people.frame["name"].gather(rep),
            "法定代表人证件号": people.frame["identity"].gather(rep),
            "联系电话": either(with_landline, landline, rep_phone),
            "从业人数": pl.Series(staff).cast(pl.String),
            "注册资本": cat(pl.Series(capital).cast(pl.String), "万元"),
            "成立日期": days(founded),
            "注销日期": days(closed, closed >= 0),
            "经营地址": spots.full.gather(spot),
            "地址编码": spots.code.gather(spot),
            "更新时间": moments(touched * 86400 + rng.integers(28800, 64800, n)),
        }
    )
    employer = _employ(rng, people, community, staff, state == 0, places)
    return Enterprises(
        feed, code, names, kind, industry, community, spot, staff, rep, state == 0, founded, employer
    )


def represented(enterprises: Enterprises, people: People, rep: Ints) -> Enterprises:
    """The enterprises with other representatives, rows of People; their feed says so."""
    feed = enterprises.feed.with_columns(
        people.frame["name"].gather(rep).alias("法定代表人"),
        people.frame["identity"].gather(rep).alias("法定代表人证件号"),
    )
    return replace(enterprises, feed=feed, rep=rep)


def _registrations(rng: np.random.Generator, n: int) -> pl.Series:
    """15-digit registration numbers (注册号) with their check digit, ISO 7064 MOD 11,10."""
    body = 33_018_100_000_000 + spread(rng, n, 99_999_989)
    product = np.full(n, 10, dtype=np.int64)
    for position in range(13, -1, -1):
        step = (
            (product + body // 10**position) % 10
            if position == 13
            else (product + body // 10**position % 10) % 10
        )
        product = np.where(step == 0, 10, step) * 2 % 11
    return digits(body * 10 + (11 - product) % 10, 15)


def _employ(
    rng: np.random.Generator, people: People, community: Ints, staff: Ints, active: Bools, places: Places
) -> Ints:
    """An employer for most people of working age: half of them in their own street, larger firms more
    often.
    """
    n = len(people.home)
    street_names = list(dict.fromkeys(c.street for c in places.communities))
    street = np.array([street_names.index(c.street) for c in places.communities])
    firm_street = street[community]
    order = np.argsort(firm_street, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(np.where(active, staff, 0)[order].astype(np.float64))])
    edges = np.searchsorted(firm_street[order], np.arange(len(street_names) + 1))
    working = (
        (people.years >= 18)
        & (people.years < 61)
        & (people.death < 0)
        & (rng.random(n) < np.where(people.local, 0.5, 0.78))
    )
    own = street[people.community]
    near = rng.random(n) < 0.6
    low = np.where(near, cumulative[edges[own]], 0.0)
    high = np.where(near, cumulative[edges[own + 1]], cumulative[-1])
    target = low + rng.random(n) * (high - low)
    row = np.clip(np.searchsorted(cumulative, target, side="right") - 1, 0, len(order) - 1)
    return np.where(working & (high > low), order[row], -1)
