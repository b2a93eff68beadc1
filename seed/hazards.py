"""Fire inspections and the hazards they found, with planted relapses and near misses."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, day_number, digits, draw, moments, only_if, pick
from seed.enterprises import Enterprises
from seed.incidents import DAYS, times
from seed.options import COMMUNITIES, SeedOptions
from seed.places import Places
from seed.spots import Spots

HAZARDS: Final = 105_000
PASSED: Final = 35_000
CATEGORIES: Final = (
    ("通道或出口堵塞", 20, "疏散通道堆放杂物"), ("消防车道占用", 11, "消防车道被车辆占用"), ("设施损坏", 17, "灭火器失压或消火栓无水"),
    ("私拉电线", 14, "电线私拉乱接、未穿管"), ("电动车违规停充", 12, "电动自行车在室内停放充电"), ("三合一", 6, "生产经营场所内违规住人"),
    ("防火分隔缺失", 6, "住宿与经营部分未作防火分隔"), ("易燃装修", 4, "使用易燃可燃材料装修"), ("防盗窗", 4, "外窗设置影响逃生的防盗窗"),
    ("气瓶违规", 3, "液化气瓶存放不符合要求"), ("违规动火", 1.5, "无证动火作业"), ("无证值守", 1.5, "控制室值班人员无证上岗"),
)  # fmt: skip
SLEPT_IN: Final = [name for name, _, _ in CATEGORIES].index("三合一")
# Of the inspections that find people sleeping in a business, so many are of one where that is so to this day.
THERE: Final = 0.7
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - feeds write local times without a zone
PLANTED, NEAR = 1, 2
"""Marks of what was put there: a relapse, or what looks like one."""


def build_hazards(
    options: SeedOptions, places: Places, enterprises: Enterprises, spots: Spots, slept_in: Ints
) -> pl.DataFrame:
    """消防_检查隐患: a row a hazard, a row a passed inspection. `_planted` marks both hazards of a
    planted relapse.

    Args:
        slept_in: rows of the enterprises that people sleep in; inspectors who find that, find it mostly there.
    """
    rng = options.rng("hazards")
    now = int((options.now - _EPOCH).total_seconds())
    last = day_number(options.until)
    share = len(places.filled) / COMMUNITIES
    count, passed = max(12, round(HAZARDS * share)), max(4, round(PASSED * share))
    firms, buildings, sites = len(enterprises.kind), len(places.buildings), len(places.sites)
    # Inspections come to some firms again and again.
    order = rng.permutation(firms)
    visited = max(1, round(count * 0.55 + passed))
    firm = order[(rng.random(visited) ** 2.2 * firms).astype(np.int64)]
    u = rng.random(visited)
    spot = np.select(
        [u < 0.78, u < 0.95],
        [enterprises.spot[firm], spots.building_at + rng.integers(0, buildings, visited)],
        spots.site_at + rng.integers(0, sites, visited),
    )
    firm = np.where(u < 0.78, firm, -1)
    visit_second = times(rng, options, visited, office=True)
    found_visits = np.arange(passed, visited)
    # One to four hazards in an inspection that found some; then the passed ones.
    extra = rng.integers(0, len(found_visits), max(0, count - len(found_visits)))
    visit = np.concatenate([found_visits, found_visits[extra]])
    category = draw(rng, [w for _, w, _ in CATEGORIES], len(visit))
    if len(slept_in):
        chance = options.rng("hazards-slept-in")
        found_so = np.zeros(visited, dtype=np.bool_)
        found_so[visit[category == SLEPT_IN]] = True
        moved = found_so & (firm >= 0) & (chance.random(visited) < THERE)
        firm = np.where(moved, slept_in[chance.integers(0, len(slept_in), visited)], firm)
        spot = np.where(moved, enterprises.spot[firm], spot)
    second, spot_of, firm_of = visit_second[visit], spot[visit], firm[visit]
    rectified = second + (rng.lognormal(2.0, 0.8, len(visit)) * 86400 + 3600).astype(np.int64)
    rectified = np.where(rng.random(len(visit)) < 0.03, -1, rectified)
    # One in twenty-five is found again later, within a month or not.
    again = np.flatnonzero((rng.random(len(visit)) < 0.04) & (rectified > 0))
    again_second = (
        rectified[again] // 86400 * 86400
        + rng.integers(1, 130, len(again)) * 86400
        + rng.integers(32400, 61200, len(again))
    )
    parts: list[tuple[Ints, ...]] = [
        (second, spot_of, firm_of, category, rectified, visit),
        (
            again_second, spot_of[again], firm_of[again], category[again],
            again_second + (rng.lognormal(2.0, 0.8, len(again)) * 86400 + 3600).astype(np.int64),
            visited + np.arange(len(again)),
        ),
    ]  # fmt: skip
    plants, marks = _planted(options, enterprises, last)
    parts.append((*plants, visited + len(again) + np.arange(len(plants[0]))))
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    planted = np.concatenate([np.zeros(len(parts[0][0]) + len(parts[1][0]), dtype=np.int64), marks])
    clean_visits = np.arange(passed)
    second = np.concatenate([columns[0], visit_second[clean_visits]])
    spot_of = np.concatenate([columns[1], spot[clean_visits]])
    firm_of = np.concatenate([columns[2], firm[clean_visits]])
    category = np.concatenate([columns[3], np.zeros(passed, dtype=np.int64)])
    rectified = np.concatenate([columns[4], np.full(passed, -1)])
    visit = np.concatenate([columns[5], clean_visits])
    hazard = np.arange(len(second)) < len(columns[0])
    planted = np.concatenate([planted, np.zeros(passed, dtype=np.int64)])
    keep = np.argsort(second, kind="stable")
    keep = keep[second[keep] <= now]
    second, spot_of, firm_of, category = second[keep], spot_of[keep], firm_of[keep], category[keep]
    rectified, visit, hazard, planted = rectified[keep], visit[keep], hazard[keep], planted[keep]
    n = len(second)
    rectified = np.where((rectified > now) | ~hazard, -1, rectified)
    deadline = second + np.where(rng.random(n) < 0.7, 15, 30) * 86400
    checked = np.where(rectified >= 0, rectified + rng.integers(3600, 6 * 86400, n), -1)
    checked = np.where(checked > now, -1, checked)
    state = np.select(
        [checked >= 0, rectified >= 0, deadline < now],
        [2, 1, np.where(rng.random(n) < 0.15, 4, 3)],
        0,
    )
    firm_row = np.maximum(firm_of, 0)
    with_firm = firm_of >= 0
    street = spots.code.gather(spot_of).str.slice(0, 9)
    names = {c.street: c.street_name for c in places.communities}
    station = street.replace_strict(list(names), [f"{name}消防站" for name in names.values()])
    day = pl.Series((second // 86400).astype(np.int32)).cast(pl.Date).dt.strftime("%Y%m%d")
    titles = [name for name, _, _ in CATEGORIES]
    inspectors = [
        f"{s}{t}" for s in "赵 钱 孙 周 吴 郑 冯 卫 蒋 韩".split() for t in ("检查员", "参谋", "干事")
    ]
    touched = np.max([second, rectified, checked], axis=0)
    return pl.DataFrame(
        {
            "记录编号": cat("JL", day, digits(np.arange(1, n + 1), 7)),
            "检查编号": cat("JC330109", digits(visit + 1, 8)),
            "检查时间": moments(second),
            "检查结果": pick(("合格", "不合格"), hazard.astype(np.int64)),
            "单位名称": only_if(enterprises.name.gather(firm_row), with_firm),
            "统一社会信用代码": only_if(enterprises.code.gather(firm_row), with_firm),
            "检查地址": spots.full.gather(spot_of),
            "地址编码": spots.code.gather(spot_of),
            "隐患编号": only_if(cat("YH", day, digits(np.arange(1, n + 1), 7)), hazard),
            "隐患类别": only_if(pick(titles, category), hazard),
            "隐患等级": only_if(pick(("一般", "重大"), (rng.random(n) < 0.07).astype(np.int64)), hazard),
            "隐患描述": only_if(
                cat("检查发现", pick([text for _, _, text in CATEGORIES], category), "，责令限期整改。"),
                hazard,
            ),
            "发现时间": moments(second, hazard),
            "整改期限": only_if(moments(deadline).str.slice(0, 10), hazard),
            "整改完成时间": moments(rectified, rectified >= 0),
            "复查时间": moments(checked, checked >= 0),
            "隐患状态": only_if(pick(("整改中", "待复查", "已销号", "逾期", "移送处罚"), state), hazard),
            "检查人": pick(inspectors, visit % len(inspectors)),
            "检查单位代码": cat("FS", street),
            "检查单位": station,
            "更新时间": moments(touched),
            "_firm": firm_of,
            "_planted": (planted == PLANTED) & hazard,
            "_near": (planted == NEAR) & hazard,
        }
    )


def _planted(
    options: SeedOptions, enterprises: Enterprises, last: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """(second, spot, firm, category, rectified) of planted relapses and near misses, and which is which."""
    rng = options.rng("planted-relapses")
    rows: list[tuple[int, int, int, int, int]] = []
    marks: list[int] = []

    def put(day: int, firm: int, category: int, fixed: int, planted: bool, hour: int = 10) -> None:
        minute = int(rng.integers(0, 3600))
        rows.append(
            (
                day * 86400 + hour * 3600 + minute,
                int(enterprises.spot[firm]),
                firm,
                category,
                fixed * 86400 + 16 * 3600,
            )
        )
        marks.append(PLANTED if planted else NEAR)

    firms = len(enterprises.kind)
    for group in range(options.planted("relapses", 600)):
        firm, category = int(rng.integers(0, firms)), int(rng.integers(0, len(CATEGORIES)))
        fixed_after = int(rng.integers(2, 25))
        gap = 30 if group % 5 == 0 else 6 if group % 5 == 1 else int(rng.integers(1, 30))
        day = last - int(rng.integers(80, DAYS - 5))
        put(day, firm, category, day + fixed_after, True)
        put(day + fixed_after + gap, firm, category, day + fixed_after + gap + 4, True)
    for group in range(options.planted("near-misses", 600)):
        firm, category = int(rng.integers(0, firms)), int(rng.integers(0, len(CATEGORIES)))
        day = last - int(rng.integers(90, DAYS - 5))
        put(day, firm, category, day + 10, False)
        if group % 3 == 0:  # a day too late
            put(day + 41, firm, category, day + 50, False)
        elif group % 3 == 1:  # another category
            put(day + 15, firm, (category + 1) % len(CATEGORIES), day + 20, False)
        else:  # found again before it was put right
            put(day + 5, firm, category, day + 10, False)
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5)
    return tuple(columns[:, i] for i in range(5)), np.array(marks, dtype=np.int64)
