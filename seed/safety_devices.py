"""Devices that somebody must inspect or watch: gas cylinders, elevators and what they tell, culvert gauges
after rain, sensing points of venues.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import days, draw, either, moments, pick
from seed.people import HEAD
from seed.places import HIGH, HOUSE, MID
from seed.things import DAY, Thing, World, numbered, whoever

CYLINDERS: Final = 200_000
FOUR_YEARS: Final = 1461
"""Liquefied gas cylinders are inspected every four years."""


def build_cylinders(world: World) -> Thing:
    """市监_燃气瓶. Households without piped gas and restaurants; a few stand in high-rises, where none may."""
    rng = world.options.rng("cylinders")
    people, spots, firms = world.people, world.spots, world.enterprises
    n = world.count(CYLINDERS)
    kind = world.places.buildings["kind"].to_numpy()[world.places.homes["building"].to_numpy()]
    alive = (people.kin == HEAD) & (people.death < 0) & (people.left < 0)
    groups = [np.flatnonzero(alive & (kind[people.home] == k)) for k in (HOUSE, MID, HIGH)]
    everyone = np.flatnonzero(alive)
    groups = [g if len(g) else everyone for g in groups]
    trade = draw(rng, (58, 7, 0.8, 26, 8.2), n)
    kitchens = world.firms(("餐饮业",), companies=False)
    others = world.firms(("零售业", "居民服务业", "住宿业"), companies=False)
    # Whoever uses one has two or three: the same few users are drawn again and again.
    u = rng.random(n)
    person, firm = np.full(n, -1), np.full(n, -1)
    for index, group in enumerate(groups):
        mask = trade == index
        few = rng.permutation(group)[: max(1, int(mask.sum() / 1.7))]
        person[mask] = few[(u[mask] * len(few)).astype(np.int64)]
    for index, chosen in ((3, kitchens), (4, others)):
        mask = trade == index
        few = rng.permutation(chosen)[: max(1, int(mask.sum() / 4))]
        firm[mask] = few[(u[mask] * len(few)).astype(np.int64)]
    spot = np.where(person >= 0, spots.home_at + people.home[person], firms.spot[firm])
    late = rng.random(n) < 0.035
    due = world.today + np.where(late, -rng.integers(1, 320, n), rng.integers(0, FOUR_YEARS, n))
    last = due - FOUR_YEARS
    made = last - rng.integers(0, 3, n) * FOUR_YEARS - rng.integers(0, 40, n)
    gone = rng.random(n) < 0.012
    size = np.where(person >= 0, draw(rng, (12, 85, 3), n), draw(rng, (2, 55, 43), n))
    delivered = world.today - rng.integers(0, 60, n)
    fillers = world.firms(("批发业", "零售业"))[:8]
    filler = fillers[rng.integers(0, len(fillers), n)]
    key = numbered("QP330109", n, 7)
    in_use = ~gone
    high = np.isin(spot, spots.home_at + np.flatnonzero(kind == HIGH)) & in_use
    frame = pl.DataFrame(
        {
            "气瓶编码": key,
            "规格型号": pick(("YSP12（5kg）", "YSP35.5（15kg）", "YSP118（50kg）"), size),
            "制造单位": pick(("江苏民生特种设备", "浙江金盾压力容器", "山东永安特种装备", "安徽宏源气瓶"), rng.integers(0, 4, n)),
            "制造年月": days(made),
            "上次检验日": days(last),
            "下次检验日": days(due),
            "气瓶状态": pick(("使用中", "报废"), gone.astype(np.int64)),
            "充装单位": world.firm_name(filler),
            "用户类别": pick(("居民用户", "居民用户", "居民用户", "餐饮用户", "其他工商用户"), trade),
            "用户名称": either(person >= 0, world.person_name(person), world.firm_name(firm)),
            "用户证照号": either(person >= 0, world.identity(person), world.firm_code(firm)),
            "用户电话": either(person >= 0, world.phone(person), firms.feed["联系电话"].gather(np.maximum(firm, 0))),
            "用气地址": world.full(spot),
            "标准地址码": world.code(spot),
            "最近配送日": days(delivered),
            "更新时间": moments(delivered * DAY + rng.integers(28_800, 64_800, n)),
            "_user": whoever(person, firm),
        }
    )  # fmt: skip
    overdue = (due < world.today) & in_use
    planted = {
        "cylinder_overdue": key.filter(pl.Series(overdue)).to_list(),
        "cylinder_in_high_rise": key.filter(pl.Series(high)).to_list(),
    }
    return Thing("gas_cylinders", frame, (("用户名称", "_user"),), planted)
