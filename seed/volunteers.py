"""萧山红领: teams of four levels, their members, leaders and building captains; and devices."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import cat, day_number, days, digits, draw, moments, pick
from seed.options import COMMUNITIES, SeedOptions
from seed.people import People
from seed.places import HIGH, MID, Places
from seed.spots import Spots

VOLUNTEERS: Final = 245_000
TEAMS: Final = 1_090
VENUES: Final = 10
NOON = 43_200


def build_volunteers(options: SeedOptions, places: Places, people: People, spots: Spots) -> pl.DataFrame:
    """组织部_萧山红领. `_person` is a row of People."""
    rng = options.rng("volunteers")
    today = day_number(options.until)
    filled = places.filled.tolist()
    share = len(filled) / COMMUNITIES
    # (code of the place served, name, level, weight, community index or -1)
    teams: list[tuple[str, str, str, float, int]] = []
    estates = places.estates
    wanted = max(len(filled) + 2, round(TEAMS * share))
    streets = list(
        dict.fromkeys((places.communities[i].street, places.communities[i].street_name) for i in filled)
    )
    teams.append(("330109", "萧山区红领总队", "区级", 1.0, -1))
    if share > 0.2:
        teams += [
            ("330109", f"萧山区{word}红领队", "行业", 2.0, -1)
            for word in ("快递行业", "网约车行业", "外卖行业", "物业行业")
        ]
    teams += [(code, f"{name}红领支队", "镇街级", 1.5, -1) for code, name in streets]
    for i in filled:
        teams.append(
            (places.communities[i].code, f"{places.communities[i].full[3:]}红领队", "村社级", 6.0, i)
        )
    spare = max(0, wanted - len(teams))
    for row in (
        estates.sample(min(spare, len(estates)), seed=options.seed, shuffle=True).sort("code").iter_rows()
    ):
        _, name, i = row
        # A team of an estate serves the estate's first building's community; the estate's name is in its own.
        teams.append(
            (places.communities[i].code, f"{places.communities[i].full[3:]}{name}红领小队", "小区级", 3.0, i)
        )
    n = max(len(teams) * 3, round(VOLUNTEERS * share))
    team = np.concatenate([np.arange(len(teams)), draw(rng, [t[3] for t in teams], n - len(teams))])
    leader = np.arange(n) < len(teams)
    team_community = np.array([t[4] for t in teams])[team]
    own = np.array(filled)[rng.integers(0, len(filled), n)]
    community = np.where(team_community >= 0, team_community, own)
    adults = np.flatnonzero((people.years >= 18) & (people.years < 78) & (people.death < 0))
    shuffled = rng.permutation(len(adults))
    # Different people: each community's adults in a random order, taken one after another (again from the
    # start when few).
    order = adults[shuffled][np.argsort(people.community[adults[shuffled]], kind="stable")]
    start = np.searchsorted(people.community[order], np.arange(len(places.communities) + 1))
    by = np.argsort(community, kind="stable")
    position = np.empty(n, dtype=np.int64)
    sorted_community = community[by]
    position[by] = np.arange(n) - np.searchsorted(sorted_community, sorted_community)
    size = np.maximum(start[community + 1] - start[community], 1)
    person = order[np.minimum(start[community] + position % size, len(order) - 1)]

    # Building captains: three of four towers have one, and it is somebody of its community.
    kind = places.buildings["kind"].to_numpy()
    towers = np.flatnonzero(np.isin(kind, (HIGH, MID)) & (rng.random(len(kind)) < 0.74))
    building_community = places.buildings["community"].to_numpy()[towers]
    captain_at = np.full(n, -1, dtype=np.int64)
    members = np.flatnonzero(~leader)
    by_community = members[np.argsort(community[members], kind="stable")]
    edges = np.searchsorted(community[by_community], np.arange(len(places.communities) + 1))
    rank = np.arange(len(towers)) - np.searchsorted(building_community, building_community)
    slot = edges[building_community] + rank
    fits = slot < edges[building_community + 1]
    captain_at[by_community[slot[fits]]] = towers[fits]
    captain = captain_at >= 0
    role = np.where(
        leader,
        1,
        np.where(captain, 2, np.where(rng.random(n) < 0.04, 3, np.where(rng.random(n) < 0.03, 4, 0))),
    )
    served = np.where(captain, spots.building_at + captain_at, spots.community_at + community)
    joined = today - rng.integers(5, 1800, n)
    gone = (rng.random(n) < 0.03) & ~leader
    left = np.minimum(today, joined + rng.integers(3, 700, n))
    levels = [t[2] for t in teams]
    with_id = rng.random(n) < 0.9
    identity = people.frame["identity"].gather(person)
    return pl.DataFrame(
        {
            "红领编号": cat("HL330109", digits(np.arange(1, n + 1), 7)),
            "姓名": people.frame["name"].gather(person),
            "手机号": people.frame["phone"].gather(person),
            "证件号": pl.DataFrame({"i": identity, "m": with_id}).select(pl.when("m").then("i")).to_series(),
            "队伍编号": cat("TD330109", digits(team + 1, 5)),
            "队伍名称": pick([t[1] for t in teams], team),
            "队伍层级": pick(levels, team),
            "队伍服务地址编码": pick([t[0] for t in teams], team),
            "角色": pick(("队员", "队长", "楼长", "快递红领", "驾驶员红领"), role),
            "是否楼长": pick(("否", "是"), captain.astype(np.int64)),
            "服务地址": spots.full.gather(served),
            "地址编码": spots.code.gather(served),
            "入队日期": days(joined),
            "退队日期": days(left, gone),
            "更新时间": moments(np.where(gone, left, joined) * 86400 + NOON),
            "_person": person,
        }
    )


_DEVICES: Final = (
    ("电梯", 3500), ("消防车道监控", 1391), ("视频监控", 5037), ("烟感", 3413), ("场馆感知点", 1271), ("涵隧水位计", 120),
)  # fmt: skip


def build_devices(options: SeedOptions, places: Places, spots: Spots) -> pl.DataFrame:
    """数据局_感知设备: elevators in high-rises, cameras, detectors and gauges, in the numbers of the
    articles.
    """
    rng = options.rng("devices")
    today = day_number(options.until)
    share = len(places.filled) / COMMUNITIES
    kinds, where = [], []
    kind = places.buildings["kind"].to_numpy()
    unit_building = places.units["building"].to_numpy()
    lifts = np.flatnonzero(kind[unit_building] == HIGH)
    towers = np.flatnonzero(np.isin(kind, (HIGH, MID)))
    sites = len(places.sites)
    culverts = np.flatnonzero(places.sites["kind"].to_numpy() == 4)
    for index, (_, total) in enumerate(_DEVICES):
        count = max(2, round(total * share))
        if index == 0 and len(lifts):
            chosen = spots.unit_at + np.sort(rng.permutation(lifts)[:count])
        elif index == 1 and len(towers):
            chosen = spots.building_at + np.sort(rng.choice(towers, count))
        elif index == 3:
            chosen = spots.building_at + np.sort(rng.integers(0, len(kind), count))
        elif index == 5:
            chosen = spots.site_at + (culverts if len(culverts) else np.arange(sites))[:count]
        elif index == 4:
            venues = rng.permutation(sites)[: max(1, round(VENUES * share))]
            chosen = spots.site_at + np.sort(venues[rng.integers(0, len(venues), count)])
        else:
            chosen = spots.site_at + np.sort(rng.integers(0, sites, count))
        where.append(chosen)
        kinds.append(np.full(len(chosen), index))
    spot, device = np.concatenate(where), np.concatenate(kinds)
    n = len(spot)
    since = today - rng.integers(20, 2500, n)
    names = pick([name for name, _ in _DEVICES], device)
    full = spots.full.gather(spot)
    return pl.DataFrame(
        {
            "设备编号": cat("SB330109", digits(np.arange(1, n + 1), 7)),
            "设备类型": names,
            "名称": cat(full.str.slice(3), names),
            "安装地址": full,
            "地址编码": spots.code.gather(spot),
            "状态": pick(("在线", "离线", "故障", "停用"), draw(rng, (92, 4, 3, 1), n)),
            "安装日期": days(since),
            "更新时间": moments(since * 86400 + NOON),
        }
    )
