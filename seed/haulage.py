"""Earth and goods on the road: construction sites, dump sites, haulage permits of engineering trucks, their
trips, and commercial vehicles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, days, digits, draw, either, in_groups, moments, only_if, pick
from seed.incidents import truth_firm, truth_person
from seed.things import DAY, Thing, World, numbered

SITES: Final = 600
DUMPS: Final = 60
SUSPECTED: Final = 40
TRIPS: Final = 200_000
TRIP_DAYS: Final = 60
COMMUTER_ROUTES: Final = 21
# Shares of the trips; assumptions, for no platform's are published.
_NO_PERMIT, _EXPIRED, _UNDECLARED, _OFF_ROUTE, _DAYTIME, _OPEN = 0.008, 0.006, 0.009, 0.022, 0.03, 0.015
_NIGHT_FROM, _NIGHT_HOURS = 19 * 3600, 10 * 3600
_WORKS: Final = (
    "住宅项目", "安置房工程", "厂房新建项目", "道路提升工程", "地下停车场工程", "学校扩建工程", "河道整治工程",
    "商业综合体项目",
)  # fmt: skip
_SITE, _SCHOOL = 0, 3
"""Kinds of `places.SITE_NAMES`: 工地, 小学."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where trips begin or end: number, name and, as a row of spots, the place of each."""

    number: pl.Series
    name: pl.Series
    spot: Ints


def _site_spots(world: World, n: int) -> Ints:
    kind = world.places.sites["kind"].to_numpy()
    own = np.flatnonzero(kind == _SITE)
    if len(own) < 2:
        own = np.flatnonzero(kind != _SCHOOL)
    return world.spots.site_at + own[np.arange(n) % len(own)]


def _worker_of(world: World, rng: np.random.Generator, firm: Ints) -> Ints:
    """Somebody who works for each firm; any grown person where nobody does."""
    works = world.enterprises.employer
    order = np.argsort(works, kind="stable")
    order = order[works[order] >= 0]
    found = in_groups(rng, works[order], firm, len(world.enterprises.kind))
    grown = np.flatnonzero((world.people.years >= 28) & (world.people.years < 60) & (world.people.death < 0))
    anyone = grown[rng.integers(0, len(grown), len(firm))]
    return np.where(found >= 0, order[np.maximum(found, 0)] if len(order) else anyone, anyone)


def build_sites(world: World) -> tuple[Thing, Ends]:
    """住建_在建工地."""
    rng = world.options.rng("sites")
    n = world.count(SITES, 3)
    spot = _site_spots(world, n)
    builders, owners = world.firms(("建筑业",)), world.firms(("房地产业",))
    builder, owner = builders[rng.integers(0, len(builders), n)], owners[rng.integers(0, len(owners), n)]
    start = world.today - rng.integers(90, 900, n)
    end = start + rng.integers(400, 1100, n)
    stopped = rng.random(n) < 0.04
    state = np.where(end < world.today, 2, np.where(stopped, 1, 0))
    manager = _worker_of(world, rng, builder)
    number = cat("330109", days(start).str.replace_all("-", ""), digits(np.arange(1, n + 1), 4))
    phase = pick(("", "一期", "二期", "三期"), draw(rng, (70, 14, 10, 6), n))
    name = cat(world.full(spot).str.slice(3), pick(_WORKS, rng.integers(0, len(_WORKS), n)), phase)
    frame = pl.DataFrame(
        {
            "施工许可证号": number,
            "项目代码": cat(days(start).str.slice(2, 2), digits(start % 12 + 1, 2), "-330109-04-01-", digits(rng.integers(100_000, 999_999, n), 6)),
            "工程名称": name,
            "建设单位": world.firm_name(owner),
            "建设单位信用代码": world.firm_code(owner),
            "施工单位": world.firm_name(builder),
            "施工单位信用代码": world.firm_code(builder),
            "项目经理": world.person_name(manager),
            "项目经理身份证": world.identity(manager),
            "项目经理电话": world.phone(manager),
            "工程地点": world.full(spot),
            "地点标准码": world.code(spot),
            "建筑面积(㎡)": pl.Series(np.round(rng.lognormal(9.6, 0.9, n)).astype(np.int64)).cast(pl.String),
            "计划出土量(万m³)": pl.Series(np.round(rng.lognormal(1.6, 0.8, n), 1)).cast(pl.String),
            "开工日期": days(start),
            "计划竣工": days(end),
            "工程状态": pick(("在建", "停工", "竣工"), state),
            "填报时间": moments(np.minimum(world.today, start + rng.integers(0, 500, n)) * DAY + rng.integers(30_600, 62_000, n)),
            "_manager": truth_person(manager),
            "_builder": truth_firm(builder),
            "_owner": truth_firm(owner),
        }
    )  # fmt: skip
    names = (("项目经理", "_manager"), ("施工单位", "_builder"), ("建设单位", "_owner"))
    return Thing("construction_sites", frame, names), Ends(number, name, spot)


def build_dump_sites(world: World) -> tuple[Thing, Ends]:
    """城管_消纳场: those that are declared. The ends are those still open."""
    rng = world.options.rng("dump-sites")
    n = world.count(DUMPS, 3)
    kind = world.places.sites["kind"].to_numpy()
    free = np.flatnonzero(~np.isin(kind, (_SITE, _SCHOOL)))
    spot = world.spots.site_at + rng.permutation(free)[np.arange(n) % len(free)]
    runners = world.firms(("建筑业", "交通运输仓储业"))
    runner = runners[rng.integers(0, len(runners), n)]
    form = draw(rng, (45, 25, 15, 15), n)
    closed = (rng.random(n) < 0.12) & (np.arange(n) > 1)
    start = world.today - rng.integers(120, 1500, n)
    end = np.where(closed, world.today - rng.integers(1, 100, n), world.today + rng.integers(60, 900, n))
    room = np.round(rng.lognormal(3.2, 0.8, n), 1)
    number = numbered("XN330109", n, 3)
    name = cat(world.full(spot).str.slice(3), pick(("回填点", "消纳场", "泥浆中转码头", "再生利用厂"), form))
    frame = pl.DataFrame(
        {
            "消纳场编号": number,
            "消纳场名称": name,
            "消纳类型": pick(("工程回填", "固定消纳场", "中转码头", "资源化利用厂"), form),
            "核准文号": cat("萧城管消准〔", days(start).str.slice(0, 4), "〕", digits(np.arange(1, n + 1), 3), "号"),
            "运营单位": world.firm_name(runner),
            "运营单位代码": world.firm_code(runner),
            "所在位置": world.full(spot),
            "位置编码": world.code(spot),
            "核准容量": cat(pl.Series(room).cast(pl.String), "万方"),
            "剩余容量": cat(pl.Series(np.round(room * rng.random(n), 1)).cast(pl.String), "万方"),
            "核准起": days(start),
            "核准止": days(end),
            "现状": pick(("使用中", "已封场"), closed.astype(np.int64)),
            "_runner": truth_firm(runner),
        }
    )  # fmt: skip
    rows = np.flatnonzero(~closed)
    return Thing("dump_sites", frame, (("运营单位", "_runner"),)), Ends(
        number.gather(rows), name.gather(rows), spot[rows]
    )


@dataclass(frozen=True, slots=True)
class Permits:
    """Haulage permits: truck, site and dump site of each as rows; days from and to; whether it still holds."""

    truck: Ints
    site: Ints
    dump: Ints
    since: Ints
    until: Ints


def build_truck_permits(
    world: World, sites: Ends, dumps: Ends, trucks: pl.DataFrame
) -> tuple[Thing, Permits]:
    """城管_渣土车准运证. The last permit of a truck is the one that its registration names."""
    rng = world.options.rng("truck-permits")
    held = np.flatnonzero(trucks["准运证号"].is_not_null().to_numpy())
    expires = trucks["准运证有效期"].gather(held).str.to_date().to_physical().cast(pl.Int64).to_numpy()
    since = np.minimum(
        world.today - rng.integers(1, 60, len(held)), expires - rng.integers(90, 360, len(held))
    )
    before = rng.random(len(held)) < 0.7
    earlier, m = held[before], int(before.sum())
    earlier_until = since[before] - 1 - rng.integers(0, 12, m)
    earlier_since = earlier_until - rng.integers(90, 300, m)
    truck = np.concatenate([held, earlier])
    number = pl.concat([trucks["准运证号"].gather(held), numbered("ZYZ330109H", m, 6)])
    start, end = np.concatenate([since, earlier_since]), np.concatenate([expires, earlier_until])
    n = len(truck)
    site, dump = rng.integers(0, len(sites.number), n), rng.integers(0, len(dumps.number), n)
    roads = (
        "市心路",
        "通惠路",
        "时代大道",
        "萧绍路",
        "金城路",
        "建设一路",
        "风情大道",
        "彩虹大道",
        "机场路",
        "南环路",
    )
    one, two = rng.integers(0, len(roads), n), rng.integers(1, len(roads), n)
    state = np.where(end < world.today, 1, np.where(rng.random(n) < 0.006, 2, 0))
    firm = trucks["_enterprise"].gather(truck).to_numpy()
    frame = pl.DataFrame(
        {
            "准运证编号": number,
            "车号": cat(trucks["号牌号码"].gather(truck).str.slice(0, 2), "·", trucks["号牌号码"].gather(truck).str.slice(2)),
            "运输企业": world.firm_name(firm),
            "企业代码": world.firm_code(firm),
            "工地许可证号": sites.number.gather(site),
            "工地": sites.name.gather(site),
            "消纳场编号": dumps.number.gather(dump),
            "消纳场": dumps.name.gather(dump),
            "核定路线": cat("工地—", pick(roads, one), "—", pick(roads, (one + two) % len(roads)), "—消纳场"),
            "核定时段": pl.Series(["19:00至次日05:00"], dtype=pl.String).new_from_index(0, n),
            "有效期起": days(start),
            "有效期止": days(end),
            "证件状态": pick(("有效", "过期", "注销"), state),
            "_firm": truth_firm(firm),
        }
    )  # fmt: skip
    usable = np.flatnonzero(state != 2)
    permits = Permits(truck[usable], site[usable], dump[usable], start[usable], end[usable])
    return Thing("truck_permits", frame, (("运输企业", "_firm"),)), permits


def build_trips(world: World, sites: Ends, dumps: Ends, trucks: pl.DataFrame, permits: Permits) -> Thing:
    """城管_运输趟次 of the last 60 days, as the trucks' positioning platform keeps them."""
    rng = world.options.rng("trips")
    if not len(permits.truck):
        # No truck of a very small district has one: one that ended long ago stands in.
        none = np.zeros(1, dtype=np.int64)
        permits = Permits(none, none, none, none, none)
    n = world.count(TRIPS, 120)
    first = world.today - TRIP_DAYS + 1
    low, high = np.maximum(permits.since, first), np.minimum(permits.until, world.today - 1)
    open_days = np.maximum(high - low + 1, 0)
    u = rng.random(n)
    without = np.flatnonzero(trucks["准运证号"].is_null().to_numpy())
    last = np.full(len(trucks), -1, dtype=np.int64)
    np.maximum.at(last, permits.truck, permits.until)
    lapsed = np.flatnonzero((last >= first - 200) & (last < world.today - 2))
    permit = draw(rng, open_days.astype(np.float64) + 1e-9, n)
    truck, site, dump = permits.truck[permit], permits.site[permit], permits.dump[permit]
    day = low[permit] + (rng.random(n) * np.maximum(open_days[permit], 1)).astype(np.int64)
    bare = (u < _NO_PERMIT) & (len(without) > 0)
    old = (u >= _NO_PERMIT) & (u < _NO_PERMIT + _EXPIRED) & (len(lapsed) > 0)
    if bare.any():
        truck[bare] = without[rng.integers(0, len(without), int(bare.sum()))]
        day[bare] = rng.integers(first, world.today, int(bare.sum()))
    if old.any():
        chosen = lapsed[rng.integers(0, len(lapsed), int(old.sum()))]
        truck[old] = chosen
        begin = np.maximum(first, last[chosen] + 1)
        day[old] = begin + (rng.random(len(chosen)) * np.maximum(world.today - begin, 1)).astype(np.int64)
    by_day = rng.random(n) < _DAYTIME
    # A night's hours belong to the day that it begins on.
    clock = np.where(
        by_day, rng.integers(8 * 3600, 18 * 3600, n), _NIGHT_FROM + rng.integers(0, _NIGHT_HOURS - 3600, n)
    )
    start = day * DAY + clock
    distance = np.round(np.clip(rng.lognormal(2.8, 0.45, n), 2.0, 90.0), 1)
    off = rng.random(n) < _OFF_ROUTE
    distance = np.where(off, np.round(distance * rng.uniform(1.1, 1.9, n), 1), distance)
    end = np.minimum(start + (distance / rng.uniform(20, 38, n) * 3600).astype(np.int64), world.now)
    order = np.argsort(start, kind="stable")
    truck, site, dump, start, end = (a[order] for a in (truck, site, dump, start, end))
    distance, off, by_day = distance[order], off[order], by_day[order]
    m = world.count(SUSPECTED, 2)
    spare = np.flatnonzero(world.places.buildings["kind"].to_numpy() == 4)
    spare = spare if len(spare) else np.arange(len(world.places.buildings))
    suspected_spot = world.spots.building_at + rng.permutation(spare)[np.arange(m) % len(spare)]
    wild = rng.random(n) < _UNDECLARED
    # A few of the spots are used again and again.
    at = (rng.random(n) ** 2 * m).astype(np.int64)
    key = cat("TC", moments(start).str.slice(2, 8).str.replace_all("-", ""), digits(np.arange(1, n + 1), 8))
    plate = trucks["号牌号码"].gather(truck)
    green = plate.str.len_chars().to_numpy() == 8
    open_load = rng.random(n) < _OPEN
    frame = pl.DataFrame(
        {
            "趟次编号": key,
            "车牌": plate,
            "车牌颜色": pick(("黄色", "黄绿双拼"), green.astype(np.int64)),
            "工地编号": sites.number.gather(site),
            "工地名称": sites.name.gather(site),
            "卸点类型": pick(("备案消纳场", "疑似卸点"), wild.astype(np.int64)),
            "卸点编号": either(wild, cat("YS330109", digits(at + 1, 4)), dumps.number.gather(dump)),
            "卸点名称": either(wild, cat("疑似卸点", digits(at + 1, 4)), dumps.name.gather(dump)),
            "疑似卸点位置": only_if(world.full(suspected_spot[at]), wild),
            "疑似卸点编码": only_if(world.code(suspected_spot[at]), wild),
            "驶出工地": moments(start),
            "到达卸点": moments(end),
            "里程": pl.Series(distance).cast(pl.String),
            "偏航标志": pick(("0", "1"), off.astype(np.int64)),
            "密闭标志": pick(("1", "0"), open_load.astype(np.int64)),
            "数据来源": pl.Series(["北斗"], dtype=pl.String).new_from_index(0, n),
        }
    )  # fmt: skip
    started = pl.Series(start // DAY)
    rows = pl.DataFrame({"key": key, "truck": truck, "day": started})
    spans = pl.DataFrame({"truck": permits.truck, "since": permits.since, "until": permits.until})
    covered = (
        rows.join(spans, on="truck", how="inner")
        .filter((pl.col("day") >= pl.col("since")) & (pl.col("day") <= pl.col("until")))
        .select("key")
        .unique()
    )
    planted: dict[str, list[str] | list[list[str]]] = {
        "trip_off_route": key.filter(pl.Series(off)).to_list(),
        "trip_undeclared_dump": key.filter(pl.Series(wild)).to_list(),
        "trip_without_permit": rows.join(covered, on="key", how="anti", maintain_order="left")[
            "key"
        ].to_list(),
        "trip_outside_hours": key.filter(pl.Series(by_day)).to_list(),
        "trip_uncovered": key.filter(pl.Series(open_load)).to_list(),
    }
    # Begun on the very last day of a permit.
    last_day = (
        rows.join(spans, on="truck", how="inner").filter(pl.col("day") == pl.col("until"))["key"].unique()
    )
    return Thing("trips", frame, planted=planted, near={"trip_without_permit": last_day.sort().to_list()})


def build_commercial(world: World) -> Thing:
    """交通_营运车辆: lorries, coaches and hired cars of enterprises, and the commuter routes' buses."""
    rng = world.options.rng("commercial")
    vehicles = world.vehicles
    kind = vehicles["车辆类型"]
    firm = vehicles["_enterprise"].to_numpy()
    lorry = kind.is_in(["货车", "工程运输车"]).to_numpy()
    coach = (kind == "客车").to_numpy()
    hired = (kind == "小型轿车").to_numpy() & (rng.random(len(vehicles)) < 0.1)
    rows = np.flatnonzero((firm >= 0) & (lorry | coach | hired))
    n = len(rows)
    firm, lorry, coach = firm[rows], lorry[rows], coach[rows]
    u = rng.random(n)
    scope = np.select(
        [lorry & (u < 0.04), lorry, coach & (u < 0.35), coach & (u < 0.6), coach, u < 0.5],
        [1, 0, 4, 3, 2, 5],
        6,
    )
    routes = world.count(COMMUTER_ROUTES, 2)
    ends = [c.street_name for c in world.places.communities]
    a, b = rng.integers(0, len(ends), routes), rng.integers(0, len(ends), routes)
    lines = [f"通勤{i + 1}号线（{ends[a[i]]}—{ends[b[i]]}）" for i in range(routes)]
    since = world.today - rng.integers(10, 1400, n)
    expires = since + 1461
    checked = world.today + np.where(rng.random(n) < 0.05, -rng.integers(1, 200, n), rng.integers(1, 365, n))
    plate_kind = vehicles["号牌种类"].gather(rows)
    colour = np.select(
        [(plate_kind == "大型汽车").to_numpy(), (plate_kind == "大型新能源汽车").to_numpy(), (plate_kind == "小型新能源汽车").to_numpy()],
        [0, 1, 2], 3,
    )  # fmt: skip
    state = draw(rng, (94, 4, 2), n)
    frame = pl.DataFrame(
        {
            "道路运输证号": numbered("浙交运管杭字330109", n, 7),
            "车牌号": vehicles["号牌号码"].gather(rows),
            "车牌颜色": pick(("黄色", "黄绿双拼", "渐变绿", "蓝色"), colour),
            "业户名称": world.firm_name(firm),
            "业户信用代码": world.firm_code(firm),
            "经营范围": pick(("道路普通货物运输", "道路危险货物运输", "包车客运", "班车客运", "通勤班车", "巡游出租", "网络预约出租"), scope),
            "线路": only_if(pick(lines, rng.integers(0, routes, n)), scope == 4),
            "核定载客": only_if(pick(("19", "35", "45", "53"), rng.integers(0, 4, n)), coach),
            "核定载质量(吨)": only_if(pick(("1.5", "4.9", "9.9", "15.5", "31"), rng.integers(0, 5, n)), lorry),
            "发证日期": days(since),
            "有效期至": days(expires),
            "年审有效期": days(checked),
            "营运状态": pick(("营运", "停运", "注销"), state),
            "_firm": truth_firm(firm),
        }
    )  # fmt: skip
    return Thing("commercial_vehicles", frame, (("业户名称", "_firm"),))


def build_haulage(world: World) -> list[Thing]:
    """Sites, dump sites, permits, trips and commercial vehicles."""
    sites, site_ends = build_sites(world)
    dumps, dump_ends = build_dump_sites(world)
    trucks = world.vehicles.filter(pl.col("车辆类型") == "工程运输车")
    permits, spans = build_truck_permits(world, site_ends, dump_ends, trucks)
    trips = build_trips(world, site_ends, dump_ends, trucks, spans)
    return [sites, dumps, permits, trips, build_commercial(world)]
