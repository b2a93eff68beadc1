"""What traces should find in the clean feeds, planted or by chance: plain loops, with nothing of the traces' own code.

The rules are those of docs/seeding.md. Rows are the feeds' own, before noise; days are calendar dates.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import networkx as nx
import polars as pl

from seed.truth import day_of, runs

# Feeds of which the clean rows are kept for this.
FEEDS: Final = (
    "alarms", "hazards", "devices", "lane_events", "elevator_events", "culvert_events", "enterprises", "residents", "houses",
    "volunteers", "guarantees",
)  # fmt: skip
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


def listed(feeds: Mapping[str, pl.DataFrame], today: date) -> dict[str, list[str]]:
    """Pattern → keys of the feeds, for the feeds that there are."""
    found: dict[str, list[str]] = {}
    day = today.isoformat()
    if "alarms" in feeds:
        calls = feeds["alarms"].filter(pl.col("警情类别") == "非警务")
        found["non_police_again"] = often(_rows(calls, "报警人电话", "报警时间", "接警单号"), 3, 90)
    if "elevator_events" in feeds:
        bikes = feeds["elevator_events"].filter(pl.col("事件类型") == "电动车入梯")
        found["ebike_again"] = often(_rows(bikes, "device_id", "触发时间", "event_id"), 4, 21)
    if "lane_events" in feeds:
        found["lane_blocked_again"] = often(
            _rows(feeds["lane_events"], "设备编号", "占用开始", "事件编号"), 5, 21
        )
    if "culvert_events" in feeds:
        found["culvert_flooded_again"] = often(
            _rows(feeds["culvert_events"], "接入设备号", "预警时间", "预警编号"), 3, 60
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
    if "enterprises" in feeds:
        active = feeds["enterprises"].filter(pl.col("登记状态") == "存续")
        several = active.group_by("法定代表人证件号").agg("统一社会信用代码").filter(
            pl.col("法定代表人证件号").is_not_null() & (pl.col("统一社会信用代码").list.len() >= 4)
        )  # fmt: skip
        found["one_representative"] = sorted(several["统一社会信用代码"].explode())
    if "residents" in feeds:
        living = feeds["residents"].filter(
            (pl.col("入住日期") <= day) & (pl.col("离开日期").is_null() | (pl.col("离开日期") > day)) & pl.col("死亡日期").is_null()
        )  # fmt: skip
        if "houses" in feeds:
            crowd = Counter(living["地址编码"])
            let = feeds["houses"].filter(pl.col("是否出租") == "是")
            found["crowded_let_home"] = sorted(
                hid for hid, code in let.select("房屋编号", "地址编码").iter_rows() if crowd[code] >= 8
            )
        if "volunteers" in feeds:
            inside = Counter(c[:_BUILDING] for c in living["地址编码"] if c and len(c) >= _BUILDING)
            captains = feeds["volunteers"].filter((pl.col("是否楼长") == "是") & pl.col("退队日期").is_null())
            led = set(captains["地址编码"])
            found["no_captain"] = sorted(code for code, n in inside.items() if n >= 100 and code not in led)
    if "guarantees" in feeds:
        stand = feeds["guarantees"].filter((pl.col("起保日") <= day) & (pl.col("到期日") > day))
        owed: nx.DiGraph[str] = nx.DiGraph(stand.select("保证企业代码", "债务企业代码").drop_nulls().rows())
        rings = nx.simple_cycles(owed, length_bound=6)
        found["in_guarantee_ring"] = sorted({firm for ring in rings if len(ring) > 1 for firm in ring})
    return found


def _rows(frame: pl.DataFrame, *columns: str) -> Iterable[tuple[str | None, str, str]]:
    return frame.select(columns).iter_rows()
