"""Places: the whole hierarchy down to communities, grids and roads; in filled communities buildings,
units, homes and sites.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from math import erf, sqrt
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from addresses.scheme import Scheme, load_scheme
from seed.areas import Areas, build_areas, middle, place_in, settle
from seed.columns import Floats, Ints, cat, digits, pick, within
from seed.names import ESTATE_HEADS, ESTATE_TAILS, GENERIC_ROADS, ROADS
from seed.options import COMMUNITIES, SeedOptions, bad
from seed.place_names import build_names

DIVISIONS: Final = Path(__file__).resolve().parent.parent / "catalog" / "places" / "xiaoshan_divisions.csv"
DISTRICT: Final = "330109"
DISTRICT_NAME: Final = "萧山区"
GRIDS: Final = 2035
MICRO_GRIDS: Final = 15_656

URBAN, VILLAGE, PARK = 0, 1, 2
HIGH, MID, HOUSE, SHOP, FACTORY, DORMITORY = range(6)
"""Kinds of building: high-rise, walk-up, village house, roadside shop, factory or office, workers' dormitory."""

# What a small scale begins with: the five names that villages of two streets share, between urban
# communities.
_FIRST: Final = (
    "330109004235", "330109002001", "330109101236", "330109001031", "330109014221", "330109003016",
    "330109103259", "330109013017", "330109006202", "330109102264", "330109015001", "330109101239",
    "330109104200", "330109002029", "330109105256", "330109113247", "330109113012", "330109401404",
)  # fmt: skip

# Buildings per community of each kind at density 1, chosen so that the sums over 237 urban communities,
# 336 villages and
# 12 parks come to the design's 180,000 buildings (3,833 high-rises) and 1,100,000 dwellings and houses.
_PER_COMMUNITY: Final = {
    URBAN: {HIGH: 16.1, MID: 44.0, SHOP: 90.0, FACTORY: 6.0},
    VILLAGE: {HOUSE: 385.0, SHOP: 22.0, FACTORY: 14.0},
    PARK: {FACTORY: 130.0, DORMITORY: 12.0, SHOP: 45.0},
}
SITE_NAMES: Final = ("工地", "农贸市场", "公园", "小学", "涵洞", "公交站", "文化礼堂", "停车场", "桥头广场")


@dataclass(frozen=True, slots=True)
class Community:
    """One community. `density` is its size relative to the mean of its kind."""

    code: str
    name: str
    street: str
    street_name: str
    kind: int
    full: str


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a district.

    Attributes:
        communities: all 585; `filled` are the indices of those that have buildings.
        upper: address rows above buildings, in the address feed's columns.
        buildings: code, full, name, alias, community, micro, road, estate, group, park, kind, units, floors,
        per_floor, lon, lat, since;
            rows sorted by community and number.
        units: code, full, name, building.
        homes: every place that people can live in: code, full, name, community, building, is_dwelling,
        rooms (of the house).
        sites: code, full, name, community, micro, kind, lon, lat.
        estates: code, name, community (of filled communities).
        areas: outlines of the district, its streets, communities and grids.
        grid_codes: of all grids, in the order of `areas.grids`.
        names: everyday and former names, as `build_names` gives them.
    """

    scheme: Scheme
    communities: list[Community]
    filled: Ints
    upper: pl.DataFrame
    buildings: pl.DataFrame
    units: pl.DataFrame
    homes: pl.DataFrame
    sites: pl.DataFrame
    estates: pl.DataFrame
    names: pl.DataFrame
    areas: Areas
    grid_codes: list[str]


def read_communities() -> list[Community]:
    """The real 585 communities, in the order of the file."""
    with DIVISIONS.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    result = []
    for row in rows:
        code, number = row["village_code"], int(row["village_code"][9:])
        name = row["village_name"].removesuffix("委会")
        kind = URBAN if number < 200 else VILLAGE if number < 400 else PARK
        full = f"{DISTRICT_NAME}{row['street_name']}{name}"
        result.append(Community(code, name, row["street_code"], row["street_name"], kind, full))
    return result


def choose_filled(communities: list[Community], options: SeedOptions) -> Ints:
    """Indices of the communities to fill: the same-named villages first, then in a fixed order that keeps
    the kinds mixed.

    Raises:
        UsageError: when no community lies under the areas asked for.
    """
    count = max(1, round(COMMUNITIES * options.scale))
    at = {community.code: index for index, community in enumerate(communities)}
    first = [at[code] for code in _FIRST if code in at]
    order = np.random.default_rng(20251215).permutation(len(communities)).tolist()
    # Afterwards always the kind that is furthest behind its share of the district, so that every scale
    # has the same mix.
    waiting = {
        kind: [i for i in order if communities[i].kind == kind and i not in first] for kind in range(3)
    }
    shares = {kind: sum(c.kind == kind for c in communities) / len(communities) for kind in range(3)}
    ranked = list(first)
    taken = {kind: sum(communities[i].kind == kind for i in first) for kind in range(3)}
    while any(waiting.values()):
        behind = max(
            (k for k in waiting if waiting[k]), key=lambda k: shares[k] * (len(ranked) + 1) - taken[k]
        )
        ranked.append(waiting[behind].pop())
        taken[behind] += 1
    if options.areas:
        ranked = [i for i in ranked if any(communities[i].code.startswith(area) for area in options.areas)]
        if not ranked:
            raise bad(
                f"没有村社在 {'、'.join(options.areas)} 之下。",
                f"No community lies under {', '.join(options.areas)}.",
                "Give the code of the district, a street (9 digits) or a community (12 digits).",
            )
    return np.array(sorted(ranked[:count]), dtype=np.int64)


def _shares(total: int, weights: np.ndarray, least: int, most: int) -> Ints:
    """Whole numbers that sum to total, near the weights, each between least and most."""
    counts: Ints = np.clip(np.floor(weights / weights.sum() * total), least, most).astype(np.int64)
    order = np.argsort(-weights, kind="stable")
    while (gap := total - int(counts.sum())) != 0:
        step = 1 if gap > 0 else -1
        allowed = [i for i in order if least <= counts[i] + step <= most][: abs(gap)]
        counts[allowed] += step
    return counts


def _estate_names(rng: np.random.Generator, count: int) -> list[str]:
    heads = rng.permutation(len(ESTATE_HEADS))
    tails = rng.integers(0, len(ESTATE_TAILS), count)
    return [ESTATE_HEADS[heads[i % len(heads)]] + ESTATE_TAILS[tails[i]] + ("" if i < len(heads) else "二期")
            for i in range(count)]  # fmt: skip


def build_places(options: SeedOptions) -> Places:
    """Make all places. Upper levels are the same at every scale."""
    scheme = load_scheme()
    communities = read_communities()
    filled = choose_filled(communities, options)
    base = np.random.default_rng(20251215)  # the upper levels do not depend on the seed

    weights = np.array([{URBAN: 1.2, VILLAGE: 0.9, PARK: 0.6}[c.kind] for c in communities])
    weights = weights * np.exp(base.normal(0, 0.15, len(communities)))
    grids = _shares(GRIDS, weights, 1, 99)
    grid_owner = np.repeat(np.arange(len(communities)), grids)
    micros = _shares(MICRO_GRIDS, weights[grid_owner] / grids[grid_owner], 1, 99)

    first_grid = np.concatenate([[0], np.cumsum(grids)])

    def micros_of(index: int) -> Ints:
        return micros[first_grid[index] : first_grid[index + 1]]

    upper: list[tuple[str | None, ...]] = []

    def add(code: str, parent: str | None, level: str, name: str, full: str, lon: float, lat: float) -> None:
        upper.append((code, parent, level, name, full, f"{lon:.6f}", f"{lat:.6f}"))

    add(DISTRICT, None, "区", DISTRICT_NAME, DISTRICT_NAME, 120.264, 30.185)
    streets = list(dict.fromkeys((c.street, c.street_name) for c in communities))
    in_street = Counter(c.street for c in communities)
    areas = build_areas(
        tuple((code, name, in_street[code]) for code, name in streets), tuple(int(count) for count in grids)
    )
    centre: dict[str, tuple[float, float]] = {}
    road_codes: dict[str, list[str]] = {}
    road_names: dict[str, list[str]] = {}
    road_number = 0
    road_under = next(k.under for k in scheme.declared.independent if k.level == "ROAD")
    estate_under = next(k.under for k in scheme.declared.independent if k.level == "ESTATE")
    for code, name in streets:
        centre[code] = middle(areas.streets[code])
        add(code, DISTRICT, "镇街", name, DISTRICT_NAME + name, *centre[code])
        names = ROADS[name].split() if name in ROADS else [f"{name.rstrip('镇')}大道", *GENERIC_ROADS]
        road_names[code], road_codes[code] = names, []
        for number, road in enumerate(names, 1):
            road_number += 1
            under_district = road_under == "DISTRICT"
            road_code = scheme.child(
                DISTRICT if under_district else code, "ROAD", road_number if under_district else number
            )
            road_codes[code].append(road_code)
            add(road_code, code, "道路", road, f"{DISTRICT_NAME}{name}{road}", *centre[code])

    spots = [middle(area) for area in areas.communities]
    inner = [middle(area) for area in areas.grids]
    micro_codes: list[list[str]] = []
    for index, community in enumerate(communities):
        add(community.code, community.street, "村社", community.name, community.full, *spots[index])
        own: list[str] = []
        for g in range(int(grids[index])):
            grid = f"{community.code}G{g + 1:02d}"
            spot = inner[first_grid[index] + g]
            add(grid, community.code, "网格", f"第{g + 1}网格", f"{community.full}第{g + 1}网格", *spot)
            for m in range(int(micros[first_grid[index] + g])):
                micro = f"{grid}M{m + 1:02d}"
                add(
                    micro,
                    grid,
                    "微网格",
                    f"第{m + 1}微网格",
                    f"{community.full}第{g + 1}网格第{m + 1}微网格",
                    *spot,
                )
                own.append(micro)
        micro_codes.append(own)

    rng = options.rng("places")
    densities = np.exp(rng.normal(0, 0.25, len(filled)))
    for kind in (URBAN, VILLAGE, PARK):
        own_kind = np.array([communities[i].kind == kind for i in filled])
        if own_kind.any():
            densities[own_kind] /= densities[own_kind].mean()

    pieces: list[pl.DataFrame] = []
    site_rows: list[tuple[object, ...]] = []
    estate_rows: list[tuple[str, str, int]] = []
    next_house: dict[tuple[str, int], int] = {}
    estate_number = 0
    park_total = 0
    park_wide = next(k.under for k in scheme.declared.independent if k.level == "PARK") == "DISTRICT"
    for index, density in zip(filled.tolist(), densities.tolist(), strict=True):
        community = communities[index]
        names, codes = road_names[community.street], road_codes[community.street]
        plan = {k: max(1, round(n * density)) for k, n in _PER_COMMUNITY[community.kind].items()}
        towers = plan.get(HIGH, 0) + plan.get(MID, 0)
        kinds = np.repeat(np.array(list(plan), dtype=np.int64), np.array(list(plan.values())))
        n = len(kinds)
        # Estates: towers stand together, 4 to 14 in each.
        estate_of = np.full(n, -1, dtype=np.int64)
        in_estate = (kinds == HIGH) | (kinds == MID)
        number_in = np.zeros(n, dtype=np.int64)
        local_names: list[str] = []
        if towers:
            sizes: list[int] = []
            while sum(sizes) < towers:
                sizes.append(int(rng.integers(5, 15)))
            sizes[-1] -= sum(sizes) - towers
            sizes = [size for size in sizes if size]
            local_names = _estate_names(rng, len(sizes))
            estate_of[in_estate] = np.repeat(np.arange(len(sizes)), sizes)
            number_in[in_estate] = within(np.array(sizes)) + 1
        estate_codes = []
        for number, name in enumerate(local_names, 1):
            estate_number += 1
            wide = estate_under == "DISTRICT"
            code = scheme.child(
                DISTRICT if wide else community.code, "ESTATE", estate_number if wide else number
            )
            estate_codes.append(code)
            estate_rows.append((code, name, index))
            add(code, community.code, "小区", name, community.full + name, *spots[index])
        # Roads: an estate lies on one road, shops are spread over three; numbers run up along each road.
        base_road = int(rng.integers(0, len(names)))
        road_of = (base_road + np.where(in_estate, estate_of, rng.integers(0, 3, n))) % len(names)
        road_of = np.where((kinds == HOUSE), -1, road_of)
        number_on = np.zeros(n, dtype=np.int64)
        for at_road in range(len(names)):
            mask = road_of == at_road
            start = next_house.get((community.street, at_road), 1)
            number_on[mask] = start + np.arange(int(mask.sum()))
            next_house[community.street, at_road] = start + int(mask.sum())
        groups = max(6, round(18 * density))
        house_group = np.zeros(n, dtype=np.int64)
        house_number = np.zeros(n, dtype=np.int64)
        houses = np.flatnonzero(kinds == HOUSE)
        if len(houses):
            owners = np.sort(rng.integers(1, groups + 1, len(houses)))
            house_group[houses] = owners
            house_number[houses] = within(np.bincount(owners, minlength=groups + 1)) + 1
        factory_number = np.where(
            np.isin(kinds, (FACTORY, DORMITORY)), np.cumsum(np.isin(kinds, (FACTORY, DORMITORY))), 0
        )
        park_name = community.name.removesuffix("社区").removesuffix("村") + "工业园"
        # Village groups and the park are places of their own, beside the houses and works that belong to them.
        group_codes: list[str] = []
        if len(houses):
            for number in range(1, int(house_group.max()) + 1):
                group_codes.append(scheme.child(community.code, "GROUP", number))
                add(
                    group_codes[-1], community.code, "村民小组", f"{number}组", f"{community.full}{number}组", *spots[index]
                )  # fmt: skip
        park_codes: list[str] = []
        if factory_number.any():
            park_total += 1
            park_codes.append(
                scheme.child(
                    DISTRICT if park_wide else community.code, "PARK", park_total if park_wide else 1
                )
            )
            add(park_codes[0], community.code, "园区", park_name, community.full + park_name, *spots[index])

        road_text = pick(names, road_of)
        by_road = cat(road_text, pl.Series(number_on).cast(pl.String), "号")
        frame = pl.DataFrame(
            {
                "kind": kinds,
                "tower": cat(
                    pick(local_names or [""], estate_of), pl.Series(number_in).cast(pl.String), "幢"
                ),
                "house": cat(
                    pl.Series(house_group).cast(pl.String),
                    "组",
                    pl.Series(house_number).cast(pl.String),
                    "号",
                ),
                "works": cat(park_name, pl.Series(factory_number).cast(pl.String), "幢"),
                "works_name": cat(pl.Series(factory_number).cast(pl.String), "幢"),
                "tower_name": cat(pl.Series(number_in).cast(pl.String), "幢"),
                "by_road": by_road,
                "door": only_number(number_on),
                "road": pick(codes, road_of),
                "estate": pick(estate_codes or [""], estate_of),
                "group": pick(group_codes or [""], house_group - 1),
                "park": pick(park_codes or [""], np.where(factory_number > 0, 0, -1)),
            }
        )
        towerish = pl.col("kind").is_in([HIGH, MID])
        works = pl.col("kind").is_in([FACTORY, DORMITORY])
        local = (
            pl.when(towerish).then("tower").when(pl.col("kind") == HOUSE).then("house").when(works).then("works")
            .otherwise("by_road")
        )  # fmt: skip
        short = (
            pl.when(towerish).then("tower_name").when(pl.col("kind") == HOUSE).then("house").when(works).then("works_name")
            .otherwise("by_road")
        )  # fmt: skip
        high, mid = kinds == HIGH, kinds == MID
        floors = np.select(
            [high, mid, kinds == HOUSE, kinds == DORMITORY],
            [rng.integers(16, 34, n), rng.integers(5, 7, n), rng.integers(2, 5, n), rng.integers(4, 7, n)],
            rng.integers(1, 4, n),
        )
        units = np.select([high, mid], [rng.integers(1, 3, n), rng.integers(2, 5, n)], 0)
        per_floor = np.select(
            [high, mid, kinds == DORMITORY], [rng.integers(2, 7, n), 2, rng.integers(8, 13, n)], 0
        )
        # One house in eight is let by the room.
        subdivided = (kinds == HOUSE) & (rng.random(n) < 0.125)
        per_floor = np.where(subdivided, rng.integers(2, 5, n), per_floor)
        own_micro = micro_codes[index]
        order = np.arange(n) * len(own_micro) // n
        built = rng.integers(5000, 19000, n)
        grid_of = np.repeat(np.arange(first_grid[index], first_grid[index + 1]), micros_of(index))
        at = settle(areas.grids, grid_of[order], even(rng.normal(0, 1, n)), even(rng.normal(0, 1, n)))
        pieces.append(
            frame.select(
                code=community.code + digits(np.arange(1, n + 1), 4),
                full=pl.lit(community.full) + local,
                name=short,
                alias=pl.when(towerish | works).then(
                    pl.lit(DISTRICT_NAME + community.street_name) + pl.col("by_road")
                ),
                door="door",
                community=pl.lit(index, dtype=pl.Int64),
                micro=pick(own_micro, order),
                road="road",
                estate="estate",
                group="group",
                park="park",
                kind="kind",
                units=pl.Series(units.astype(np.int64)),
                floors=pl.Series(floors.astype(np.int64)),
                per_floor=pl.Series(per_floor.astype(np.int64)),
                lon=pl.Series(at[:, 0]),
                lat=pl.Series(at[:, 1]),
                since=pl.Series(built),
            )
        )
        for number, site in enumerate(
            rng.permutation(len(SITE_NAMES))[: int(rng.integers(5, 9))].tolist(), 1
        ):
            prefix = community.name.removesuffix("社区").removesuffix("村")
            cell = int(rng.integers(0, len(own_micro)))
            where = place_in(
                areas.grids[grid_of[cell]], even(rng.normal(0, 1, 1)), even(rng.normal(0, 1, 1))
            )[0]
            site_rows.append(
                (
                    f"{community.code}{9000 + number:04d}", f"{community.full}{prefix}{SITE_NAMES[site]}",
                    prefix + SITE_NAMES[site], index, own_micro[cell], site, float(where[0]), float(where[1]),
                )
            )  # fmt: skip

    buildings = pl.concat(pieces)
    units_frame, homes = _inside(buildings)
    upper_rows = pl.DataFrame(
        upper, orient="row", schema=["地址编码", "上级编码", "层级", "名称", "全称", "经度", "纬度"]
    )
    return Places(
        scheme=scheme,
        communities=communities,
        filled=filled,
        upper=upper_rows,
        buildings=buildings,
        units=units_frame,
        homes=homes,
        sites=pl.DataFrame(
            site_rows,
            orient="row",
            schema=["code", "full", "name", "community", "micro", "kind", "lon", "lat"],
        ),
        estates=pl.DataFrame(
            estate_rows,
            orient="row",
            schema={"code": pl.String, "name": pl.String, "community": pl.Int64},
        ),
        names=build_names(options.rng("place-names"), upper_rows),
        areas=areas,
        grid_codes=upper_rows.filter(pl.col("层级") == "网格")["地址编码"].to_list(),
    )


def even(normal: Floats) -> Floats:
    """Numbers spread evenly from 0 to 1 for numbers of the normal distribution."""
    return np.array([0.5 * (1 + erf(x / sqrt(2))) for x in normal])


def only_number(values: Ints) -> pl.Series:
    """`12号`, null for 0."""
    frame = pl.DataFrame({"v": values})
    return frame.select(
        pl.when(pl.col("v") > 0).then(pl.col("v").cast(pl.String) + "号").otherwise(None)
    ).to_series()


def _inside(buildings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Units and homes of the buildings."""
    n_units = buildings["units"].to_numpy()
    floors, per_floor = buildings["floors"].to_numpy(), buildings["per_floor"].to_numpy()
    kind = buildings["kind"].to_numpy()
    of = np.repeat(np.arange(len(buildings)), n_units)
    number = within(n_units) + 1
    unit_name = cat(pl.Series(number).cast(pl.String), "单元")
    units = pl.DataFrame(
        {
            "code": cat(buildings["code"].gather(of), digits(number, 2)),
            "full": cat(buildings["full"].gather(of), unit_name),
            "name": unit_name,
            "building": of,
        }
    )
    # Dwellings of each "stair": a unit, or a building without units whose rooms hang on it directly.
    bare = np.flatnonzero((n_units == 0) & (per_floor > 0))
    stair_building = np.concatenate([of, bare])
    stair_code = pl.concat([units["code"], cat(buildings["code"].gather(bare), "00")])
    stair_full = pl.concat([units["full"], buildings["full"].gather(bare)])
    stair_parent = pl.concat([units["code"], buildings["code"].gather(bare)])
    counts = floors[stair_building] * per_floor[stair_building]
    stair = np.repeat(np.arange(len(stair_building)), counts)
    place = within(counts)
    across = per_floor[stair_building][stair]
    floor, room = place // across + 1, place % across + 1
    name = cat(pl.Series(floor).cast(pl.String), digits(room, 2), "室")
    building = stair_building[stair]
    dwellings = pl.DataFrame(
        {
            "code": cat(stair_code.gather(stair), digits(floor * 100 + room, 4)),
            "full": cat(stair_full.gather(stair), name),
            "name": name,
            "parent": stair_parent.gather(stair),
            "community": buildings["community"].to_numpy()[building],
            "building": building,
            "is_dwelling": np.ones(len(building), dtype=np.bool_),
        }
    )
    whole = np.flatnonzero((kind == HOUSE) & (per_floor == 0))
    houses = pl.DataFrame(
        {
            "code": buildings["code"].gather(whole),
            "full": buildings["full"].gather(whole),
            "name": buildings["name"].gather(whole),
            "parent": buildings["code"].gather(whole).str.slice(0, 12),
            "community": buildings["community"].to_numpy()[whole],
            "building": whole,
            "is_dwelling": np.zeros(len(whole), dtype=np.bool_),
        }
    )
    homes = pl.concat([dwellings, houses]).sort("code")
    return units, homes
