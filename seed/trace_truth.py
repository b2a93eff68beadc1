"""What traces should find in the clean feeds, planted or by chance: plain loops, with nothing of the traces' own code.

The rules are those of docs/seeding.md. Rows are the feeds' own, before noise; days are calendar dates.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import networkx as nx
import numpy as np
import polars as pl

from seed.cases import CROWD, GRACE, HAND, SHARED
from seed.incidents import DISPUTES
from seed.matters import Stories
from seed.truth import day_of, runs

# Feeds of which the clean rows are kept for this.
FEEDS: Final = (
    "alarms", "hazards", "devices", "lane_events", "elevator_events", "culvert_events", "enterprises", "residents", "houses",
    "volunteers", "guarantees", "tenancies", "labour_disputes", "complaints", "prepaid_cards", "trips",
)  # fmt: skip
LIMITS: Final = {
    "calls": 3, "bikes": 4, "lanes": 5, "culverts": 3, "labour": 3, "hand": HAND, "phone": SHARED, "room": SHARED, "crowd": CROWD, "grace": GRACE,
    "inside": 100, "prepaid": 3,
}  # fmt: skip
"""The least numbers that count."""
_LOOSE: Final = {
    "calls": 2, "bikes": 3, "lanes": 4, "culverts": 2, "labour": 2, "hand": 3, "phone": 4, "room": 4, "crowd": 7, "grace": 0,
    "inside": 90, "prepaid": 2,
}  # fmt: skip
PREPAID_DAYS: Final = 60
SUED, SUED_DAYS = 2, 180
PETITION_DAYS: Final = 60
LOST_DAYS: Final = 3
_PLACE_LENGTHS: Final = (16, 18, 22)
_DWELLING: Final = 22
_WATCHED: Final = ("电梯", "消防车道监控", "涵隧水位计", "烟感")
_BUILDING: Final = 16


def often(rows: Iterable[tuple[str | None, str, str]], minimum: int, within_days: int) -> list[str]:
    """Of (whose, when, number): the numbers of all that are among at least so many of one within so many days."""
    held: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for whose, when, number in rows:
        if whose:
            held[whose].append((day_of(when), number))
    found = []
    for each in held.values():
        each.sort()
        for first, last in runs([day for day, _ in each], within_days, minimum):
            found += [number for _, number in each[first : last + 1]]
    return sorted(found)


def joined(
    rows: Iterable[tuple[str | None, str, str, str | None]], minimum: int, within_days: int
) -> list[str]:
    """Of (whose, when, number, who): the numbers of all that are among those of at least so many different people within so many days."""
    held: dict[str, list[tuple[date, str, str | None]]] = defaultdict(list)
    for whose, when, number, who in rows:
        if whose:
            held[whose].append((day_of(when), number, who))
    found: set[str] = set()
    for each in held.values():
        each.sort(key=lambda e: (e[0], e[1]))
        for i, (first, _, _) in enumerate(each):
            seen: set[str] = set()
            for j in range(i, len(each)):
                day, _, who = each[j]
                if (day - first).days > within_days:
                    break
                seen |= {who} if who else set()
                if len(seen) >= minimum:
                    found |= {number for _, number, _ in each[i : j + 1]}
                    break
    return sorted(found)


def listed(feeds: Mapping[str, pl.DataFrame], today: date) -> dict[str, list[str]]:
    """Pattern → keys of the feeds, for the feeds that there are."""
    return _counted(feeds, today, LIMITS)


def nearly(
    feeds: Mapping[str, pl.DataFrame], today: date, planted: Mapping[str, list[str]], true: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Pattern → keys of what looks alike and is none: what was put there to look so, and what is one short of it by chance.

    Args:
        planted: what was put there. true: the lists of what is so.
    """
    loose = _counted(feeds, today, _LOOSE)
    found = {key: sorted({*planted.get(key, []), *loose.get(key, [])}) for key in {*planted, *loose}}
    if "hazards" in feeds:
        due = feeds["hazards"].filter(
            pl.col("整改期限") >= today.isoformat(),
            pl.col("整改完成时间").is_null(),
            pl.col("隐患编号").is_not_null(),
        )
        found["hazard_overdue"] = sorted(due["隐患编号"])
    if "devices" in feeds:
        others = feeds["devices"].filter(
            ~pl.col("设备类型").is_in(_WATCHED) & pl.col("状态").is_in(["离线", "故障"])
        )
        found["device_silent"] = sorted(others["设备编号"])
    if "trips" in feeds:
        clock = feeds["trips"]["驶出工地"].str.slice(11, 4)
        found["trip_outside_hours"] = sorted(feeds["trips"].filter(clock.is_in(["19:0", "04:5"]))["趟次编号"])
    if "prepaid_cards" in feeds and "enterprises" in feeds:
        shut = feeds["enterprises"].filter(pl.col("登记状态") != "存续")["统一社会信用代码"]
        empty = feeds["prepaid_cards"].filter(
            pl.col("信用代码").is_in(set(shut)),
            pl.col("预收资金余额").str.strip_suffix("万元").cast(pl.Float64) == 0,
        )
        found["prepaid_closed"] = sorted(empty["备案编号"])
    if "guarantees" in feeds:
        # On a ring only with contracts that have ended.
        owed: nx.DiGraph[str] = nx.DiGraph(
            feeds["guarantees"].select("保证企业代码", "债务企业代码").drop_nulls().rows()
        )
        rings = nx.simple_cycles(owed, length_bound=4)
        found["in_guarantee_ring"] = sorted({firm for ring in rings if len(ring) > 1 for firm in ring})
    if "prepaid_cards" in feeds and "complaints" in feeds:
        # Complained about for whatever it may be; warned of, and nothing more.
        about = feeds["complaints"].select(pl.col("主体代码"), pl.col("登记时间"), pl.col("登记编号"))
        often_so = set(often(about.iter_rows(), LIMITS["prepaid"], PREPAID_DAYS))
        firms = set(about.filter(pl.col("登记编号").is_in(often_so))["主体代码"].drop_nulls())
        found["prepaid_warned"] = sorted({*found.get("prepaid_warned", []), *_cards(feeds, firms)})
        found["prepaid_at_risk"] = sorted(set(true.get("prepaid_warned", [])))
    # What is a true case all the same is no near miss.
    so = {
        key: {k for each in keys for k in (each if isinstance(each, list) else [each])}
        for key, keys in true.items()
    }
    return {key: [k for k in keys if k not in so.get(key, ())] for key, keys in sorted(found.items())}


def petitioned(stories: Stories, *, late: bool = False) -> list[str]:
    """Numbers of the petitions about the very place of a dispute (an alarm or a mediation) of the days before, whether of the same matter or of another;
    `late`: of one twice as long ago, which are none unless there is one of those days too."""
    most = PETITION_DAYS * (2 if late else 1)
    code = stories.spots.code
    disputes: dict[str, list[date]] = defaultdict(list)
    for feed in ("alarms", "mediations"):
        held = stories.reports[feed]
        rows = np.flatnonzero(held.topic < len(DISPUTES))
        for place, day in zip(code.gather(held.spot[rows]), _dates(held.second[rows]), strict=True):
            disputes[place].append(day)
    held = stories.reports["petitions"]
    found: list[str] = []
    # Of one matter that was petitioned about several times the first decides, and all are of it.
    rises: dict[int, bool] = {}
    numbers, places, days = held.number.to_list(), code.gather(held.spot).to_list(), list(_dates(held.second))
    for i in np.argsort(held.second, kind="stable").tolist():
        matter, place, day = int(held.matter[i]), places[i], days[i]
        if matter not in rises:
            rises[matter] = len(place) in _PLACE_LENGTHS and any(
                0 < (day - d).days <= most for d in disputes.get(place, ())
            )
        if rises[matter]:
            found.append(numbers[i])
    return sorted(found)


def _dates(seconds: np.ndarray) -> Iterable[date]:
    days: pl.Series = pl.Series((seconds // 86_400).astype(np.int32)).cast(pl.Date)
    return days.to_list()


def _counted(
    feeds: Mapping[str, pl.DataFrame], today: date, limits: Mapping[str, int]
) -> dict[str, list[str]]:
    """The lists, by the least numbers that count."""
    found: dict[str, list[str]] = {}
    day = today.isoformat()
    if "alarms" in feeds:
        alarms = feeds["alarms"]
        calls = alarms.filter(pl.col("警情类别") == "非警务")
        found["non_police_again"] = often(
            _rows(calls, "报警人电话", "报警时间", "接警单号"), limits["calls"], 90
        )
        since = date.fromordinal(today.toordinal() - LOST_DAYS).isoformat()
        lost = alarms.filter(
            pl.col("警情细类") == "走失", pl.col("办结时间").is_null(), pl.col("报警时间") >= since
        )
        found["lost_person"] = sorted(lost["接警单号"])
    if "elevator_events" in feeds:
        bikes = feeds["elevator_events"].filter(pl.col("事件类型") == "电动车入梯")
        found["ebike_again"] = often(_rows(bikes, "device_id", "触发时间", "event_id"), limits["bikes"], 21)
    if "lane_events" in feeds:
        found["lane_blocked_again"] = often(
            _rows(feeds["lane_events"], "设备编号", "占用开始", "事件编号"), limits["lanes"], 21
        )
    if "culvert_events" in feeds:
        found["culvert_flooded_again"] = often(
            _rows(feeds["culvert_events"], "接入设备号", "预警时间", "预警编号"), limits["culverts"], 60
        )
    if "hazards" in feeds:
        late = feeds["hazards"].filter(
            pl.col("隐患编号").is_not_null() & (pl.col("整改期限") < day)
            & pl.col("整改完成时间").is_null() & pl.col("复查时间").is_null()
        )  # fmt: skip
        found["hazard_overdue"] = sorted(late["隐患编号"])
    if "devices" in feeds:
        silent = feeds["devices"].filter(
            pl.col("设备类型").is_in(_WATCHED) & pl.col("状态").is_in(["离线", "故障"])
        )
        found["device_silent"] = sorted(silent["设备编号"])
    if "labour_disputes" in feeds:
        found["labour_gathered"] = joined(
            feeds["labour_disputes"].select("用人单位信用代码", "申请日期", "仲裁案号", "劳动者身份证号").iter_rows(),
            limits["labour"], 90,
        )  # fmt: skip
    if "enterprises" in feeds:
        active = feeds["enterprises"].filter(pl.col("登记状态") == "存续")
        room = active.filter(pl.col("地址编码").str.len_chars() == _DWELLING)
        found["one_representative"] = _many(active, "法定代表人证件号", limits["hand"])
        found["one_phone"] = _many(active, "联系电话", limits["phone"])
        found["one_room"] = _many(room, "地址编码", limits["room"])
    if "residents" in feeds:
        living = feeds["residents"].filter(
            (pl.col("入住日期") <= day) & (pl.col("离开日期").is_null() | (pl.col("离开日期") > day)) & pl.col("死亡日期").is_null()
        )  # fmt: skip
        crowd = Counter(living["地址编码"])
        if "houses" in feeds:
            let = feeds["houses"].filter(pl.col("是否出租") == "是").select("房屋编号", "地址编码")
            found["crowded_let_home"] = sorted(
                hid for hid, code in let.iter_rows() if crowd[code] >= limits["crowd"]
            )
        if "tenancies" in feeds:
            before = date.fromordinal(today.toordinal() - limits["grace"]).isoformat()
            let = feeds["tenancies"].filter(
                (pl.col("起租日期") <= before) & (pl.col("退租日期").is_null() | (pl.col("退租日期") > day))
            )
            homes = let.select("房屋编号", "地址编码").unique()
            found["unregistered_home"] = sorted(hid for hid, code in homes.iter_rows() if not crowd[code])
        if "volunteers" in feeds:
            inside = Counter(c[:_BUILDING] for c in living["地址编码"] if c and len(c) >= _BUILDING)
            captains = feeds["volunteers"].filter((pl.col("是否楼长") == "是") & pl.col("退队日期").is_null())
            led = set(captains["地址编码"])
            found["no_captain"] = sorted(
                code for code, n in inside.items() if n >= limits["inside"] and code not in led
            )
    if "guarantees" in feeds:
        stand = feeds["guarantees"].filter((pl.col("起保日") <= day) & (pl.col("到期日") > day))
        owed: nx.DiGraph[str] = nx.DiGraph(stand.select("保证企业代码", "债务企业代码").drop_nulls().rows())
        rings = nx.simple_cycles(owed, length_bound=6)
        found["in_guarantee_ring"] = sorted({firm for ring in rings if len(ring) > 1 for firm in ring})
    if "prepaid_cards" in feeds and "complaints" in feeds:
        about = feeds["complaints"].filter(pl.col("问题类别") == "预付卡")
        numbers = set(
            often(_rows(about, "主体代码", "登记时间", "登记编号"), limits["prepaid"], PREPAID_DAYS)
        )
        firms = set(about.filter(pl.col("登记编号").is_in(numbers))["主体代码"].drop_nulls())
        found["prepaid_warned"] = _cards(feeds, firms)
        if "labour_disputes" in feeds and "enterprises" in feeds:
            cases = feeds["labour_disputes"].select(
                "用人单位信用代码", "申请日期", "仲裁案号", "劳动者身份证号"
            )
            sued = set(joined(cases.iter_rows(), SUED, SUED_DAYS))
            bad = set(cases.filter(pl.col("仲裁案号").is_in(sued))["用人单位信用代码"])
            found["prepaid_at_risk"] = _cards(feeds, firms & (bad | _closed_beside(feeds["enterprises"])))
    return found


def _many(frame: pl.DataFrame, by: str, least: int) -> list[str]:
    """Credit codes of the enterprises of which so many have one value."""
    code = "统一社会信用代码"
    groups = frame.filter(pl.col(by).is_not_null()).group_by(by).agg(code)
    return sorted(groups.filter(pl.col(code).list.len() >= least)[code].explode().drop_nulls())


def _cards(feeds: Mapping[str, pl.DataFrame], firms: set[str]) -> list[str]:
    """Numbers of the registrations of prepaid cards of enterprises, with money left on them, of businesses that are active."""
    cards = feeds["prepaid_cards"].filter(pl.col("信用代码").is_in(firms))
    left = cards["预收资金余额"].str.strip_suffix("万元").cast(pl.Float64) > 0
    active = (
        set(feeds["enterprises"].filter(pl.col("登记状态") == "存续")["统一社会信用代码"])
        if "enterprises" in feeds
        else firms
    )
    return sorted(cards.filter(left & cards["信用代码"].is_in(active))["备案编号"])


def _closed_beside(firms: pl.DataFrame) -> set[str]:
    """Credit codes of the enterprises whose representative has another that is not active."""
    who, code = "法定代表人证件号", "统一社会信用代码"
    shut = firms.filter((pl.col("登记状态") != "存续") & pl.col(who).is_not_null()).select(
        who, pl.col(code).alias("other")
    )
    both = firms.select(who, code).join(shut, on=who, how="inner").filter(pl.col(code) != pl.col("other"))
    return set(both[code])


def _rows(frame: pl.DataFrame, *columns: str) -> Iterable[tuple[str | None, str, str]]:
    return frame.select(columns).iter_rows()
