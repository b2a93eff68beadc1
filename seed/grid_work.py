"""The grid's and the patrols' daily work: reports from the grids, visits at the door, patrol points, check-ins."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.city_work import DISPUTE_TOPICS, STREET
from seed.columns import Ints, cat, day_number, days, digits, draw, moments, only_if, pick
from seed.incidents import times
from seed.matters import Earlier, Stories, day_text, topic, words
from seed.people import HEAD, RENT

REPORTS: Final = 36_000
VISITS: Final = 90_000
POINTS: Final = 2_000
CHECKINS: Final = 60_000
PATROL_AREAS: Final = 12
DEFENCE_ZONES: Final = 3

GRID_WORDS: Final = {
    "邻里": "邻里口角", "婚姻家庭": "家庭矛盾", "租赁": "租房矛盾", "劳动争议": "欠薪", "消费": "消费矛盾", "物业": "物业矛盾",
    "垃圾乱倒": "垃圾问题", "违停": "乱停车", **{name: name for name in STREET if name != "垃圾乱倒"},
}  # fmt: skip
_PHONES: Final = 61_000_000


def _workers(stories: Stories, community: Ints) -> tuple[pl.Series, pl.Series]:
    """A community's grid worker: name and phone. The same few people for each community."""
    surnames, given = "朱 傅 俞 来 汤 施 楼 裘".split(), "利萍 建芳 国平 晓东 海燕 立军".split()
    turn = stories.rng.integers(0, 3, len(community))
    name = cat(
        pick(surnames, (community * 5 + turn) % len(surnames)),
        pick(given, (community + turn * 7) % len(given)),
    )
    return name, cat("189", digits(_PHONES + community * 3 + turn, 8))


def build_grid_reports(stories: Stories) -> pl.DataFrame:
    """网格_上报事件: what grid workers report from their phones, with the phone's coordinates."""
    rng = stories.begin("grid-reports")
    weights = dict.fromkeys(STREET, 4.0) | {
        "邻里": 12,
        "婚姻家庭": 8,
        "租赁": 4,
        "劳动争议": 3,
        "物业": 4,
        "违停": 8,
    }
    batch = stories.draw(
        stories.count(REPORTS), weights,
        (
            Earlier("alarms", 0.08, DISPUTE_TOPICS, (0.02, 4)),
            Earlier("hotline", 0.05, (*(topic(name) for name in STREET), topic("邻里")), (0.1, 4)),
        ),
        opposed=0.5, office=False,
    )  # fmt: skip
    n = len(batch)
    number = cat("WG", day_text(batch.second), digits(np.arange(1, n + 1), 7))
    stories.keep("grid_reports", number, batch)
    done, over = stories.ended(batch.second, 2)
    worker, phone = _workers(stories, stories.community[batch.spot])
    named = (batch.topic < len(DISPUTE_TOPICS)) | (rng.random(n) < 0.1)
    who = only_if(stories.name(batch.one), named)
    jitter = rng.normal(0, 0.00015, (2, n))
    state = np.where(over, draw(rng, (0, 0, 82, 18), n), draw(rng, (40, 60), n))
    where = draw(rng, (62, 20, 10, 8), n)
    micro = stories.micro.gather(batch.spot)
    return pl.DataFrame(
        {
            "事件编号": number,
            "上报时间": moments(batch.second),
            "网格编码": micro.str.slice(0, 15),
            "微网格编码": micro,
            "lng": pl.Series(np.round(stories.longitude[batch.spot] + jitter[0], 6)).cast(pl.String),
            "lat": pl.Series(np.round(stories.latitude[batch.spot] + jitter[1], 6)).cast(pl.String),
            "事件地点": stories.spots.full.gather(batch.spot),
            "事件类型": pick(words(GRID_WORDS, "其他网格事件"), batch.topic),
            "事件描述": cat(
                "巡查至",
                stories.place(batch.spot),
                "，发现",
                stories.cause(batch.topic),
                "，已现场处理并上报。",
            ),
            "涉及人员": who,
            "涉及人员手机": only_if(stories.phone(batch.one), named & (rng.random(n) < 0.6)),
            "对方": only_if(stories.name(batch.two), named & (batch.two >= 0) & (rng.random(n) < 0.6)),
            "上报人": worker,
            "上报人电话": phone,
            "流转去向": pick(("网格自办", "上报村社", "上报镇街", "转四平台"), where),
            "来源单号": only_if(batch.said, (batch.parent == 1) & (rng.random(n) < 0.4)),
            "办结时间": moments(done, over),
            "事件状态": pick(("待处置", "处理中", "已办结", "已归档"), state).replace({"待处置": "已登记"}),
            "_place": stories.spots.code.gather(batch.spot),
            "_one": np.where(named, batch.one, -1),
            "_two": batch.two,
        }
    )


def build_visits(stories: Stories) -> pl.DataFrame:
    """网格_入户走访: who was seen at which door, and what came of it."""
    rng = stories.begin("visits")
    people, spots = stories.people, stories.spots
    n = stories.count(VISITS)
    second = np.sort(times(rng, stories.options, n, office=True))
    lived = np.flatnonzero(people.first >= 0)
    let = lived[people.use[lived] == RENT]
    home = np.where(rng.random(n) < 0.5, let[rng.integers(0, max(1, len(let)), n)] if len(let) else lived[rng.integers(0, len(lived), n)], lived[rng.integers(0, len(lived), n)])  # fmt: skip
    rents = people.use[home] == RENT
    result = draw(rng, (72, 7, 6, 13, 2), n)
    head = people.first[home]
    # Now and then somebody else of the household opens, or at a let house its landlord is met.
    u = rng.random(n)
    next_one = np.minimum(head + 1, len(people.home) - 1)
    member = np.where(
        (people.household[next_one] == people.household[head]) & (people.kin[next_one] != HEAD),
        next_one,
        head,
    )
    who = np.where(rents & (u < 0.1), people.owner[home], np.where(u > 0.8, member, head))
    absent = result == 3
    who = np.where(absent, -1, who)
    relation = np.where(rents, np.where(u < 0.1, 0, 1), np.where(u > 0.8, 2, 0))
    old = people.years[np.maximum(head, 0)] >= 75
    kind = np.where(old, 3, np.where(rents, 2, draw(rng, (85, 15), n)))
    number = cat("ZF", day_text(second), digits(np.arange(1, n + 1), 7))
    stories.alone("visits", number)
    micro = stories.micro.gather(spots.home_at + home)
    worker, phone = _workers(stories, people.community[head])
    found = ("", "电线私拉乱接", "人员已搬离，登记未注销", "", "")
    text = pick(("正常", "发现隐患", "人员变动", "无人在家", "拒访"), result)
    return pl.DataFrame(
        {
            "走访编号": number,
            "走访日期": moments(second).str.slice(0, 10),
            "网格编码": micro.str.slice(0, 15),
            "走访类型": pick(("日常走访", "重点走访", "出租房走访", "独居老人走访"), kind),
            "走访对象": stories.name(who),
            "对象电话": stories.phone(who),
            "对象证件号": stories.identity(who, 0.35),
            "与房屋关系": only_if(pick(("房主", "租客", "家属"), relation), ~absent),
            "走访地址": spots.full.gather(home),
            "地址编码": spots.code.gather(home),
            "走访结果": text,
            "发现问题": only_if(pick(found, result), np.isin(result, (1, 2))),
            "网格员": worker,
            "网格员电话": phone,
            "录入时间": moments(np.minimum(second + rng.integers(600, 40000, n), stories.now)),
            "_one": who,
        }
    )


def build_patrol_points(stories: Stories) -> pl.DataFrame:
    """巡防_点位: where patrols must be seen; twelve areas in three zones of defence."""
    rng = stories.begin("patrol-points")
    places, spots = stories.places, stories.spots
    n = stories.count(POINTS)
    sites = len(places.sites)
    site = np.sort(rng.integers(0, sites, n))
    spot = spots.site_at + site
    area = stories.community[spot] * PATROL_AREAS // len(places.communities)
    today = day_number(stories.options.until)
    since = today - rng.integers(740, 2200, n)
    return pl.DataFrame(
        {
            "点位编号": cat("XF", digits(np.arange(1, n + 1), 5)),
            "点位名称": cat(
                places.sites["name"].gather(site),
                pick(("东侧", "西侧", "入口", "值守点"), rng.integers(0, 4, n)),
            ),
            "防区": cat("第", pick(("一", "二", "三"), area * DEFENCE_ZONES // PATROL_AREAS), "防区"),
            "巡区": cat(pl.Series(area + 1).cast(pl.String), "号巡区"),
            "点位类型": pl.Series(["巡防点位"]).new_from_index(0, n),
            "是否必到": pick(("否", "是"), (rng.random(n) < 0.4).astype(np.int64)),
            "点位地址": spots.full.gather(spot),
            "地址编码": spots.code.gather(spot),
            "经度": pl.Series(np.round(stories.longitude[spot], 6)).cast(pl.String),
            "纬度": pl.Series(np.round(stories.latitude[spot], 6)).cast(pl.String),
            "启用日期": days(since),
            "_site": site,
            "_area": area,
        }
    )


def build_checkins(stories: Stories) -> pl.DataFrame:
    """巡防_打卡: patrol members at their points."""
    points = build_patrol_points(stories)
    rng = stories.begin("checkins")
    n = stories.count(CHECKINS)
    second = np.sort(times(rng, stories.options, n))
    point = (rng.random(n) ** 1.4 * len(points)).astype(np.int64)
    spot = stories.spots.site_at + points["_site"].to_numpy()[point]
    # Each community's patrol is a handful of its own people.
    crew = stories.options.rng("patrol-crews").integers(0, 1 << 30, (len(stories.places.communities), 5))
    community = stories.community[spot]
    start = np.searchsorted(stories.people.community, np.arange(len(stories.places.communities) + 1))
    low, high = start[community], start[community + 1]
    member = rng.integers(0, 5, n)
    row = np.where(high > low, low + crew[community, member] % np.maximum(high - low, 1), -1)
    row = np.where(row < 0, -1, np.where(stories.people.years[row] < 18, stories.people.head[row], row))
    odd = draw(rng, (94, 2, 2, 1, 1), n)
    number = cat("DK", day_text(second), digits(np.arange(1, n + 1), 7))
    stories.alone("checkins", number)
    return pl.DataFrame(
        {
            "打卡流水": number,
            "点位编号": points["点位编号"].gather(point),
            "点位名称": points["点位名称"].gather(point),
            "打卡时间": moments(second),
            "队员姓名": stories.name(row),
            "队员编号": only_if(cat("XFY", digits(np.maximum(row, 0) + 1, 8)), row >= 0),
            "队员手机": stories.phone(row, 1.0),
            "队伍编号": cat("XFD", stories.street_code(spot)),
            "队伍名称": cat(stories.street(spot), "专职巡防队"),
            "打卡方式": stories.choice(("扫码", "NFC", "定位"), n, (60, 25, 15)),
            "巡防类型": pl.Series(["巡防打卡"]).new_from_index(0, n),
            "点位地址": stories.spots.full.gather(spot),
            "地址编码": stories.spots.code.gather(spot),
            "异常情况": pick(("无", "发现可疑人员", "劝离占道车辆", "设施损坏", "调解口角"), odd),
            "_one": row,
        }
    )
