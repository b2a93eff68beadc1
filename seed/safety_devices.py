"""Devices that somebody must inspect or watch: gas cylinders, elevators and what they tell, culvert gauges
after rain, sensing points of venues.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, days, digits, draw, either, moments, only_if, pick
from seed.incidents import DAYS, times, truth_firm
from seed.people import HEAD
from seed.places import HIGH, HOUSE, MID
from seed.things import DAY, Thing, World, numbered, whoever

CYLINDERS: Final = 200_000
LIFT_EVENTS: Final = 48_000
HOT_LIFTS: Final = 60
RAINS: Final = 14
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
    # Few of those that are registered in a flat cook there with a cylinder.
    flats = spots.home_at + np.flatnonzero(kind == HIGH)
    kitchens, others = (
        rows[~np.isin(firms.spot[rows], flats) | (rng.random(len(rows)) < 0.03)]
        for rows in (kitchens, others)
    )
    kitchens = kitchens if len(kitchens) else np.arange(len(firms.kind))
    others = others if len(others) else np.arange(len(firms.kind))
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
    high = np.isin(spot, flats) & in_use
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
    planted: dict[str, list[str] | list[list[str]]] = {
        "cylinder_overdue": key.filter(pl.Series(overdue)).to_list(),
        "cylinder_in_high_rise": key.filter(pl.Series(high)).to_list(),
    }
    # Due this month, or out of use and late; of a high-rise, and out of use.
    soon = in_use & (due >= world.today) & (due < world.today + 30)
    near = {
        "cylinder_overdue": key.filter(pl.Series(soon | ((due < world.today) & gone))).to_list(),
        "cylinder_in_high_rise": key.filter(pl.Series(np.isin(spot, flats) & gone)).to_list(),
    }
    return Thing("gas_cylinders", frame, (("用户名称", "_user"),), planted, near)


def _of(world: World, kind: str) -> pl.DataFrame:
    return world.devices.filter(pl.col("设备类型") == kind)


def build_elevators(world: World) -> Thing:
    """市监_电梯: the register of those elevators that the data bureau watches, with when each is inspected next."""
    rng = world.options.rng("elevators")
    lifts = _of(world, "电梯")
    n = len(lifts)
    keepers, minders = world.firms(("房地产业",)), world.firms(("居民服务业", "制造业"))
    keeper = keepers[rng.integers(0, len(keepers), n)]
    minder = minders[:24][rng.integers(0, min(24, len(minders)), n)]
    installed = lifts["安装日期"].str.to_date().to_physical().cast(pl.Int64).to_numpy()
    late = rng.random(n) < 0.03
    due = world.today + np.where(late, -rng.integers(1, 120, n), rng.integers(0, 365, n))
    key = cat("3110330109", days(installed).str.slice(0, 4), digits(np.arange(1, n + 1), 6))
    in_use = rng.random(n) < 0.97
    frame = pl.DataFrame(
        {
            "设备注册代码": key,
            "设备品种": pick(("曳引驱动乘客电梯", "曳引驱动载货电梯"), draw(rng, (96, 4), n)),
            "使用单位": world.firm_name(keeper),
            "使用单位代码": world.firm_code(keeper),
            "使用地点": lifts["安装地址"],
            "地点编码": lifts["地址编码"],
            "内部编号": cat(pl.Series(rng.integers(1, 4, n)).cast(pl.String), "#梯"),
            "制造厂家": pick(
                ("西奥电梯", "杭叉电梯", "沪宁电梯", "通力达电梯", "华菱电梯"), rng.integers(0, 5, n)
            ),
            "投用日期": days(installed),
            "维保单位": world.firm_name(minder),
            "上次定检": days(due - 365),
            "下次定检": days(due),
            "使用状态": pick(("停用", "在用"), in_use.astype(np.int64)),
            "物联设备编号": lifts["设备编号"],
            "_keeper": truth_firm(keeper),
        }
    )
    overdue = key.filter(pl.Series((due < world.today) & in_use)).to_list()
    soon = in_use & (due >= world.today) & (due < world.today + 30)
    near = {"elevator_overdue": key.filter(pl.Series(soon | ((due < world.today) & ~in_use))).to_list()}
    return Thing("elevators", frame, (("使用单位", "_keeper"),), {"elevator_overdue": overdue}, near)


def build_elevator_events(world: World) -> Thing:
    """数据局_电梯事件: e-bikes that were wheeled in, people shut in, doors that were kept open."""
    rng = world.options.rng("elevator-events")
    lifts = _of(world, "电梯")
    hot = rng.permutation(len(lifts))[: world.count(HOT_LIFTS, 1)]
    size = rng.integers(4, 9, len(hot))
    # Planted: the same elevator several times within three weeks.
    start = world.today - rng.integers(25, DAYS - 5, len(hot))
    second = np.repeat(start, size) * DAY + rng.integers(0, 20 * DAY, int(size.sum()))
    n = max(0, world.count(LIFT_EVENTS, 20) - len(second))
    group = np.concatenate([np.repeat(np.arange(len(hot)), size), np.full(n, -1)])
    lift = np.concatenate([np.repeat(hot, size), rng.integers(0, len(lifts), n)])
    second = np.concatenate([second, times(rng, world.options, n)])
    kind = np.where(group >= 0, 0, draw(rng, (74, 6, 13, 7), n + int(size.sum())))
    order = np.argsort(second, kind="stable")
    group, lift, second, kind = group[order], lift[order], second[order], kind[order]
    n = len(second)
    end = second + (rng.lognormal(4.6, 0.8, n) + np.where(kind == 1, 1200, 10)).astype(np.int64)
    over = end <= world.now
    key = cat("DT", moments(second).str.slice(0, 10).str.replace_all("-", ""), digits(np.arange(1, n + 1), 7))
    frame = pl.DataFrame(
        {
            "event_id": key,
            "device_id": lifts["设备编号"].gather(lift),
            "事件类型": pick(("电动车入梯", "困人", "长时间挡门", "超载"), kind),
            "置信度": only_if(pl.Series(np.round(rng.beta(12, 1.5, n), 2)).cast(pl.String), kind == 0),
            "触发时间": moments(second),
            "恢复时间": moments(end, over),
            "处置结果": only_if(
                pick(
                    ("阻停后退出", "物业劝离", "维保到场"), np.where(kind == 1, 2, draw(rng, (70, 30, 0), n))
                ),
                over,
            ),
            "事件状态": pick(("处理中", "已解除"), over.astype(np.int64)),
            "位置": lifts["安装地址"].gather(lift),
            "位置编码": lifts["地址编码"].gather(lift),
        }
    )
    groups = [key.filter(pl.Series(group == g)).to_list() for g in range(len(hot))]
    return Thing("elevator_events", frame, planted={"ebike_in_elevator": groups})


def build_culvert_events(world: World) -> Thing:
    """应急_涵隧水位: on a few days of heavy rain most gauges tell, on others hardly any."""
    rng = world.options.rng("culverts")
    gauges = _of(world, "涵隧水位计")
    # Plum rains and typhoons: June to September.
    window = np.arange(world.today - DAYS + 1, world.today)
    month = window.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    wet = window[(month >= 5) & (month <= 8)]
    wet = wet if len(wet) >= RAINS else window
    rain = np.sort(rng.choice(wet, RAINS, replace=False))
    tells = rng.random((RAINS, len(gauges))) < rng.uniform(0.5, 0.95, RAINS)[:, None]
    tells[:, 0] = True
    day_of, gauge = np.nonzero(tells)
    alone = max(1, round(len(gauge) * 0.08))
    group = np.concatenate([day_of, np.full(alone, -1)])
    gauge = np.concatenate([gauge, rng.integers(0, len(gauges), alone)])
    shower = rng.integers(13, 20, RAINS) * 3600
    second = np.where(
        group >= 0,
        rain[np.maximum(group, 0)] * DAY + shower[np.maximum(group, 0)] + rng.integers(0, 9000, len(group)),
        rng.choice(window, len(group)) * DAY + rng.integers(0, DAY, len(group)),
    )
    order = np.argsort(second, kind="stable")
    group, gauge, second = group[order], gauge[order], second[order]
    n = len(group)
    depth = np.where(group >= 0, np.round(rng.lognormal(3.2, 0.5, n)), rng.integers(15, 20, n)).astype(
        np.int64
    )
    level = np.select([depth >= 50, depth >= 40, depth >= 27], [0, 1, 2], 3)
    fall = np.where(group >= 0, np.round(rng.uniform(20, 75, n), 1), np.round(rng.uniform(0, 2, n), 1))
    end = np.minimum(second + rng.integers(1800, 18_000, n), world.now)
    key = cat("SW", moments(second).str.slice(0, 10).str.replace_all("-", ""), digits(np.arange(1, n + 1), 5))
    frame = pl.DataFrame(
        {
            "预警编号": key,
            "测站编码": cat("HD", digits(gauge + 1, 4)),
            "测站名称": gauges["名称"].gather(gauge),
            "接入设备号": gauges["设备编号"].gather(gauge),
            "站址": gauges["安装地址"].gather(gauge),
            "站址编码": gauges["地址编码"].gather(gauge),
            "预警等级": pick(("红色", "橙色", "黄色", "蓝色"), level),
            "最大积水(cm)": pl.Series(depth).cast(pl.String),
            "小时雨量(mm)": pl.Series(fall).cast(pl.String),
            "预警时间": moments(second),
            "解除时间": moments(end),
            "处置措施": pick(("封闭交通", "人员值守", "开泵强排", "持续监测"), level),
            "状态": pl.Series(["已解除"], dtype=pl.String).new_from_index(0, n),
        }
    )
    groups = [key.filter(pl.Series(group == g)).to_list() for g in range(RAINS)]
    return Thing("culvert_events", frame, planted={"culvert_flood_after_rain": groups})


def build_sensing_points(world: World) -> Thing:
    """公安_场馆感知点: what is mounted at the venues, some of it still being built."""
    rng = world.options.rng("sensing-points")
    points = _of(world, "场馆感知点")
    n = len(points)
    venue = points["安装地址"]
    code = points["地址编码"]
    order = pl.DataFrame({"c": code}).select(pl.int_range(pl.len()).over("c")).to_series()
    state = draw(rng, (78, 19, 3), n)
    kind = draw(rng, (38, 22, 16, 14, 10), n)
    kinds = pick(("人脸卡口", "客流计数", "周界报警", "消防烟感", "车辆卡口"), kind)
    joined = points["安装日期"].str.to_date().to_physical().cast(pl.Int64).to_numpy()
    return Thing(
        "sensing_points",
        pl.DataFrame(
            {
                "点位编号": cat("CG", code.str.slice(6, 10), digits(np.arange(1, n + 1), 5)),
                "场馆": venue.str.slice(3),
                "点位名称": cat(venue.str.slice(3), kinds, digits(order.to_numpy() + 1, 3)),
                "感知类型": kinds,
                "承建厂商": pick(("海视科技", "大通智能", "天安物联"), rng.integers(0, 3, n)),
                "平台设备号": points["设备编号"],
                "安装位置": venue,
                "位置标准码": code,
                "建设进度": pick(("已接入", "建设中", "拆除"), state),
                "接入日期": days(joined, state == 0),
            }
        ),
    )
