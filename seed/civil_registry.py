"""Deaths and marriages, as civil affairs registers them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, days, digits, draw, moments, only_if, pick
from seed.incidents import DAYS, truth_person
from seed.people import HEAD, SPOUSE
from seed.things import DAY, Thing, World

NEWLY_DEAD: Final = 700
MARRIED: Final = 0.035
"""Share of the couples that married within the 24 months."""
DIVORCED: Final = 0.012


def build_deaths(world: World) -> Thing:
    """民政_死亡登记: those whom the police know to be dead, and some very old people who died in the last three
    weeks, of whom the police's file still says that they live.
    """
    rng = world.options.rng("deaths")
    people, spots = world.people, world.spots
    told = np.flatnonzero((people.death >= world.today - DAYS) & (people.death <= world.today))
    old = np.flatnonzero((people.years >= 84) & (people.death < 0) & (people.left < 0))
    fresh = np.sort(rng.permutation(old)[: world.count(NEWLY_DEAD, 2)])
    who = np.concatenate([told, fresh])
    death = np.concatenate([people.death[told], world.today - rng.integers(0, 21, len(fresh))])
    late = np.arange(len(who)) >= len(told)
    order = np.argsort(death, kind="stable")
    who, death, late = who[order], death[order], late[order]
    n = len(who)
    reported = np.minimum(death + rng.integers(0, 6, n), world.today)
    head = people.head[who]
    alone = head == who
    key = cat("SW330109", days(reported).str.replace_all("-", ""), digits(np.arange(1, n + 1), 5))
    spot = spots.home_at + people.home[who]
    frame = pl.DataFrame(
        {
            "登记号": key,
            "逝者姓名": world.person_name(who),
            "逝者公民身份号码": world.identity(who),
            "性别": pick(("女", "男"), people.male[who].astype(np.int64)),
            "死亡日期": days(death),
            "死亡地点": pick(("家中", "医疗机构", "养老机构", "其他场所"), draw(rng, (55, 36, 5, 4), n)),
            "生前住址": world.full(spot),
            "住址编码": world.code(spot),
            "申报人": only_if(world.person_name(head), ~alone),
            "申报人证件号": only_if(world.identity(head), ~alone),
            "申报人电话": only_if(world.phone(head), ~alone),
            "火化日期": days(np.minimum(death + rng.integers(2, 5, n), world.today), death + 5 <= world.today),
            "登记日期": days(reported),
            "_who": truth_person(who),
            "_head": truth_person(np.where(alone, -1, head)),
        }
    )  # fmt: skip
    planted: dict[str, list[str] | list[list[str]]] = {
        "death_unknown_to_police": key.filter(pl.Series(late)).to_list()
    }
    return Thing("deaths", frame, (("逝者姓名", "_who"), ("申报人", "_head")), planted)


def build_marriages(world: World) -> Thing:
    """民政_婚姻登记: couples who married or parted within the 24 months."""
    rng = world.options.rng("marriages")
    people = world.people
    spouse = np.flatnonzero((people.kin == SPOUSE) & (people.death < 0))
    head = people.head[spouse]
    fits = (
        (people.kin[head] == HEAD) & (people.male[head] != people.male[spouse]) & (people.death[head] < 0)
        & (np.minimum(people.years[head], people.years[spouse]) >= 22)
    )  # fmt: skip
    head, spouse = head[fits], spouse[fits]
    u = rng.random(len(head))
    chosen = np.flatnonzero(u < MARRIED + DIVORCED)
    if len(chosen) < 2:
        chosen = np.arange(min(2, len(head)))
    parted = u[chosen] >= MARRIED
    head, spouse = head[chosen], spouse[chosen]
    n = len(head)
    grown = np.maximum(people.birth[head], people.birth[spouse]) + 22 * 366
    wed = np.where(parted, grown + rng.integers(0, 900, n), world.today - rng.integers(0, DAYS, n))
    wed = np.minimum(wed, world.today - parted * 1)
    end = np.maximum(wed + 1, world.today - rng.integers(0, DAYS, n))
    end = np.minimum(end, world.today)
    latest = np.where(parted, end, wed)
    order = np.argsort(latest, kind="stable")
    head, spouse, wed, end, latest = (x[order] for x in (head, spouse, wed, end, latest))
    parted = parted[order]
    man, woman = np.where(people.male[head], head, spouse), np.where(people.male[head], spouse, head)
    number = digits(np.arange(1, n + 1), 6)
    frame = pl.DataFrame(
        {
            "登记字号": cat(pick(("J330109-", "L330109-"), parted.astype(np.int64)), days(latest).str.slice(0, 4), "-", number),
            "男方姓名": world.person_name(man),
            "男方身份证件号": world.identity(man),
            "女方姓名": world.person_name(woman),
            "女方身份证件号": world.identity(woman),
            "结婚登记日期": days(wed),
            "离婚登记日期": days(end, parted),
            "婚姻状况": pick(("已婚", "离婚"), parted.astype(np.int64)),
            "登记机关": pl.Series(["杭州市萧山区民政局婚姻登记处"], dtype=pl.String).new_from_index(0, n),
            "录入时间": moments(latest * DAY + rng.integers(32_400, 61_000, n)),
            "_man": truth_person(man),
            "_woman": truth_person(woman),
        }
    )  # fmt: skip
    return Thing("marriages", frame, (("男方姓名", "_man"), ("女方姓名", "_woman")))
