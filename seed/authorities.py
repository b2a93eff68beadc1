"""Places as other departments have them: names, police communities, patrol areas, food-safety grids, real-estate units, points of interest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from addresses.coordinates import gcj02_to_bd09, to_gcj02
from seed.areas import DECIMALS, middle, scatter
from seed.columns import Floats, cat, digits
from seed.options import SeedOptions
from seed.places import DISTRICT, Places

PATROL_AREAS, DEFENCE_ZONES, EARLIER_AREAS = 12, 3, 10
"""新无忧 (S15): 12 patrol areas in 3 defence zones; the number of those before is an assumption."""
REDRAWN: Final = "2023-01-01"
FOOD_SINCE: Final = "2020-07-01"
_DIRECTIONS: Final = ("东", "中", "南")


def _stamp(options: SeedOptions) -> pl.Expr:
    return pl.lit(f"{options.until.year - 1}-12-05 09:00:00").alias("更新时间")


def zone(number: int) -> str:
    """The code of a zone by its number in the district."""
    return f"Z{DISTRICT}{number:05d}"


def _groups(places: Places, count: int, seed: int) -> list[int]:
    """Which of `count` compact groups each community belongs to; groups are numbered from west to east."""
    rng = np.random.default_rng(seed)
    seeds = scatter(places.areas.district, count, rng)
    seeds = seeds[np.argsort(seeds[:, 0])]
    points = np.array([middle(area) for area in places.areas.communities])
    return [int(i) for i in np.argmin(((points[:, None] - seeds[None]) ** 2).sum(axis=2), axis=1)]


def patrol_groups(places: Places) -> tuple[list[int], list[int]]:
    """Each community's patrol area, and each area's defence zone."""
    area = _groups(places, PATROL_AREAS, 12)
    centres = np.array(
        [
            np.mean(
                [middle(a) for a, own in zip(places.areas.communities, area, strict=True) if own == i], axis=0
            )
            for i in range(PATROL_AREAS)
        ]
    )
    ranked = np.argsort(np.argsort(centres[:, 0]))
    return area, [int(rank * DEFENCE_ZONES // PATROL_AREAS) for rank in ranked]


def build_patrol_areas(options: SeedOptions, places: Places) -> pl.DataFrame:
    """巡防_巡区: which communities are whose patrol area, in which defence zone; the areas before 2023 too."""
    area, of_zone = patrol_groups(places)
    before = _groups(places, EARLIER_AREAS, 10)
    rows: list[tuple[Any, ...]] = []
    for community, now, then in zip(places.communities, area, before, strict=True):
        rows.append(
            (
                zone(1 + now), f"{now + 1}号巡区", zone(101 + of_zone[now]), f"{_DIRECTIONS[of_zone[now]]}部防区", community.code,
                community.name, REDRAWN, None,
            )
        )  # fmt: skip
        rows.append(
            (
                zone(201 + then), f"原{then + 1}号巡区", None, None, community.code, community.name, "2019-01-01", REDRAWN,
            )
        )  # fmt: skip
    names = ("巡区编码", "巡区名称", "防区编码", "防区名称", "村社编码", "村社名称", "启用日期", "停用日期")
    frame = pl.DataFrame(rows, orient="row", schema=dict.fromkeys(names, pl.String))
    return frame.with_columns(pl.lit(DISTRICT).alias("区划编码"), _stamp(options))


def build_food_grids(options: SeedOptions, places: Places) -> pl.DataFrame:
    """市监_食安网格: food-safety grids of three sizes (S34): a street's, of some five communities, of one community."""
    rows: list[tuple[Any, ...]] = []
    streets = list(dict.fromkeys(c.street for c in places.communities))
    medium, small = 0, 0
    for number, street in enumerate(streets, 1):
        own = [i for i, c in enumerate(places.communities) if c.street == street]
        count = max(1, round(len(own) / 5))
        points = np.array([middle(places.areas.communities[i]) for i in own])
        seeds = scatter(places.areas.streets[street], count, np.random.default_rng(34 + number))
        nearest = np.argmin(((points[:, None] - seeds[None]) ** 2).sum(axis=2), axis=1)
        kept = {int(group): rank for rank, group in enumerate(sorted(set(nearest.tolist())), 1)}
        large = zone(1000 + number)
        for i, group in zip(own, nearest.tolist(), strict=True):
            community = places.communities[i]
            small += 1
            rows.append(
                (
                    large, f"{community.street_name}食安大网格", zone(2000 + medium + kept[group]), f"{community.street_name}食安中网格{kept[group]}",
                    zone(3000 + small), f"{community.name}食安小网格", community.code, FOOD_SINCE,
                )
            )  # fmt: skip
        medium += len(kept)
    names = (
        "大网格编码",
        "大网格名称",
        "中网格编码",
        "中网格名称",
        "小网格编码",
        "小网格名称",
        "村社编码",
        "启用日期",
    )
    frame = pl.DataFrame(rows, orient="row", schema=dict.fromkeys(names, pl.String))
    return frame.with_columns(pl.lit(DISTRICT).alias("区划编码"), _stamp(options))


def _together(parts: list[BaseGeometry]) -> BaseGeometry:
    """Areas side by side as one, without the slivers that their edges' last digits leave."""
    return shapely.union_all(parts, grid_size=10**-DECIMALS)


def zone_outlines(places: Places) -> list[tuple[dict[str, str], BaseGeometry]]:
    """Outlines of the patrol areas and defence zones of today: their communities together."""
    area, of_zone = patrol_groups(places)
    outlines = places.areas.communities
    found: list[tuple[dict[str, str], BaseGeometry]] = []
    for i in range(PATROL_AREAS):
        whole = _together([a for a, own in zip(outlines, area, strict=True) if own == i])
        found.append(
            ({"code": zone(1 + i), "level": "ZONE", "kind": "patrol", "name": f"{i + 1}号巡区"}, whole)
        )
    for i in range(DEFENCE_ZONES):
        whole = _together([a for a, own in zip(outlines, area, strict=True) if of_zone[own] == i])
        name = f"{_DIRECTIONS[i]}部防区"
        found.append(({"code": zone(101 + i), "level": "ZONE", "kind": "defence", "name": name}, whole))
    return found


def build_place_names(options: SeedOptions, places: Places) -> pl.DataFrame:
    """民政_地名: official, everyday and former names with their days, and road and number beside estate and building."""
    upper = places.upper.filter(pl.col("层级").is_in(["镇街", "村社", "道路", "小区"]))
    none = pl.lit(None, dtype=pl.String)
    official = upper.select(
        "地址编码", "名称", "全称", pl.lit("标准名称").alias("名称类别"), pl.lit("2021-04-09").alias("启用日期"), none.alias("停用日期")
    )  # fmt: skip
    other = places.names.select(
        pl.col("code").alias("地址编码"), pl.col("name").alias("名称"), pl.col("full").alias("全称"), pl.col("kind").alias("名称类别"),
        pl.col("since").alias("启用日期"), pl.col("until").alias("停用日期"),
    )  # fmt: skip
    doors = places.buildings.filter(pl.col("alias").is_not_null()).select(
        pl.col("code").alias("地址编码"),
        pl.col("alias").str.replace("^萧山区[^区]{1,9}?(?:街道|镇)", "").alias("名称"),
        pl.col("alias").alias("全称"),
        pl.lit("门牌").alias("名称类别"),
        none.alias("启用日期"),
        none.alias("停用日期"),
    )
    order = ("地址编码", "名称", "全称", "名称类别", "启用日期", "停用日期")
    frame = pl.concat([part.select(order) for part in (official, other, doors)])
    number = cat("DM", digits(np.arange(1, len(frame) + 1), 7)).alias("地名编号")
    return frame.with_columns(number, _stamp(options))


def build_police_communities(options: SeedOptions, places: Places) -> pl.DataFrame:
    """公安_社区: the police's own communities (15 digits). One in twelve has two of ours; one in ten of ours is two of theirs."""
    rng = np.random.default_rng(15)
    rows: list[tuple[Any, ...]] = []
    streets = {street: n for n, street in enumerate(dict.fromkeys(c.street for c in places.communities), 1)}
    serial: dict[str, int] = {}
    previous: tuple[str, str, str] | None = None
    for community in places.communities:
        station = f"{DISTRICT}{streets[community.street]:03d}000"
        chance = rng.random()
        if previous is not None and chance < 1 / 12 and previous[2] == community.street:
            code, name = previous[0], previous[1]
            rows.append(
                (
                    code,
                    name,
                    station,
                    f"{community.street_name}派出所",
                    community.code,
                    community.name,
                    "是",
                    "否",
                )
            )
            previous = None
            continue
        count = 2 if chance > 0.9 else 1
        for part in range(count):
            serial[station] = serial.get(station, 0) + 1
            code = f"{station}{serial[station]:03d}"
            name = community.name.removesuffix("社区").removesuffix("村") + (
                "警务区" if count == 1 else f"第{part + 1}警务区"
            )
            rows.append(
                (
                    code,
                    name,
                    station,
                    f"{community.street_name}派出所",
                    community.code,
                    community.name,
                    "否",
                    # Each of them lies wholly in ours.
                    "是",
                )
            )
        previous = (code, name, community.street) if count == 1 else None
    names = ("社区编码", "社区名称", "派出所代码", "派出所名称", "村社编码", "村社名称", "合设", "主辖")
    frame = pl.DataFrame(rows, orient="row", schema=dict.fromkeys(names, pl.String))
    return frame.with_columns(_stamp(options))


def build_real_estate_units(options: SeedOptions, places: Places) -> pl.DataFrame:
    """资规_不动产单元: a unit number for every building, with its place in BD-09."""
    buildings = places.buildings
    lon, lat = gcj02_to_bd09(*to_gcj02(buildings["lon"].to_numpy(), buildings["lat"].to_numpy()))
    row = np.arange(len(buildings)) + 1
    return pl.DataFrame(
        {
            "不动产单元号": cat(
                buildings["code"].str.slice(0, 12), "GB", digits(row % 100_000, 5), "F", digits(row, 4).str.slice(-4), "0000"
            ),
            "坐落": buildings["full"],
            "地址编码": buildings["code"],
            "层数": buildings["floors"].cast(pl.String),
            "经度": _degrees(lon),
            "纬度": _degrees(lat),
        }
    ).with_columns(_stamp(options))  # fmt: skip


_EVERYDAY: Final = {
    "农贸市场": "菜场",
    "文化礼堂": "礼堂",
    "公交站": "车站",
    "小学": "学校",
    "停车场": "停车点",
}


def build_points(options: SeedOptions, places: Places) -> pl.DataFrame:
    """数据局_兴趣点: markets, schools, parks and other places without a number, by the names that people use, in GCJ-02."""
    sites = places.sites
    rng = options.rng("points")
    lon, lat = to_gcj02(sites["lon"].to_numpy(), sites["lat"].to_numpy())
    everyday = sites["name"].str.replace_many(list(_EVERYDAY), list(_EVERYDAY.values()))
    known = pl.Series(rng.random(len(sites)) < 0.8)
    frame = pl.DataFrame(
        {
            "兴趣点编号": cat("XQ", digits(np.arange(1, len(sites) + 1), 7)),
            "名称": sites["name"],
            "别称": everyday,
            "类别": sites["name"].str.extract(
                "(工地|农贸市场|公园|小学|涵洞|公交站|文化礼堂|停车场|桥头广场)$"
            ),
            "地址": sites["full"].str.strip_prefix("萧山区"),
            "_code": sites["code"],
            "_known": known,
            "经度": _degrees(lon),
            "纬度": _degrees(lat),
        }
    )
    return frame.with_columns(
        pl.when(pl.col("别称") == pl.col("名称")).then(None).otherwise(pl.col("别称")).alias("别称"),
        pl.when("_known").then("_code").alias("地址编码"),
        _stamp(options),
    )


def _degrees(values: Floats) -> pl.Series:
    return pl.Series(np.round(values, 6)).cast(pl.String)


AUTHORITIES: Final[Mapping[str, Callable[[SeedOptions, Places], pl.DataFrame]]] = {
    "place_names": build_place_names,
    "police_communities": build_police_communities,
    "patrol_areas": build_patrol_areas,
    "food_safety_grids": build_food_grids,
    "real_estate_units": build_real_estate_units,
    "points_of_interest": build_points,
}
"""Feed → what builds it."""
