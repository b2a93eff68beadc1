"""Areas 区划: outlines of the district, its streets, communities and grids that tile it without holes or overlaps.

The outline and where the streets lie in it are drawn roughly after the real district; everything below is made up: cells of Voronoi
diagrams, clipped to the cell above. They are the same at every scale and seed. Degrees, CGCS2000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from seed.columns import Floats, Ints

STRETCH: Final = 0.864
"""Length of a degree of longitude over one of latitude at 30° north: cells are drawn on the ground and not on the globe."""
DECIMALS: Final = 7
"""Of degrees in files: a centimetre."""

_OUTLINE: Final = (
    (120.145, 30.118), (120.160, 30.075), (120.130, 30.020), (120.105, 29.965), (120.120, 29.890), (120.150, 29.832), (120.205, 29.822),
    (120.250, 29.865), (120.290, 29.895), (120.345, 29.925), (120.385, 29.975), (120.372, 30.035), (120.350, 30.080), (120.405, 30.110),
    (120.465, 30.128), (120.545, 30.118), (120.625, 30.142), (120.672, 30.180), (120.655, 30.225), (120.585, 30.262), (120.520, 30.252),
    (120.475, 30.272), (120.420, 30.262), (120.385, 30.285), (120.330, 30.268), (120.285, 30.282), (120.228, 30.272), (120.205, 30.235),
    (120.222, 30.195), (120.205, 30.165), (120.165, 30.152),
)  # fmt: skip
_CENTRES: Final = {
    "城厢街道": (120.258, 30.163), "北干街道": (120.266, 30.185), "蜀山街道": (120.268, 30.132), "新塘街道": (120.312, 30.148), "靖江街道": (120.482, 30.215),
    "南阳街道": (120.436, 30.230), "闻堰街道": (120.188, 30.128), "宁围街道": (120.300, 30.228), "新街街道": (120.338, 30.196), "盈丰街道": (120.242, 30.228),
    "楼塔镇": (120.172, 29.868), "河上镇": (120.222, 29.918), "戴村镇": (120.176, 29.978), "浦阳镇": (120.282, 29.948), "进化镇": (120.336, 29.990),
    "临浦镇": (120.256, 30.045), "义桥镇": (120.205, 30.075), "所前镇": (120.300, 30.082), "衙前镇": (120.372, 30.158), "瓜沥镇": (120.450, 30.175),
    "益农镇": (120.566, 30.160), "党湾镇": (120.532, 30.222), "萧山经济技术开发区": (120.268, 30.208), "萧山商业城": (120.296, 30.176),
    "围垦区": (120.618, 30.200), "红山农场": (120.390, 30.218), "萧山钱江世纪城": (120.262, 30.252),
}  # fmt: skip
_ROUNDS: Final = 3  # of moving seeds to the middles of their cells


@dataclass(frozen=True, slots=True)
class Areas:
    """Outlines in degrees; by street code, by index of community, and by index of grid."""

    district: BaseGeometry
    streets: Mapping[str, BaseGeometry]
    communities: tuple[BaseGeometry, ...]
    grids: tuple[BaseGeometry, ...]


def cells(within: BaseGeometry, seeds: Floats) -> list[BaseGeometry]:
    """The part of `within` that is nearest to each seed; they tile it. Shape of seeds (n, 2)."""
    if len(seeds) == 1:
        return [within]
    low, high = np.array(within.bounds[:2]), np.array(within.bounds[2:])
    size = high - low
    frame = shapely.box(*(low - size), *(high + size))
    points = shapely.points(seeds)
    # In the order of the seeds: the diagram gives its cells in an order of its own.
    diagram = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=frame, ordered=True)
    own: list[BaseGeometry] = list(shapely.intersection(shapely.get_parts(diagram), within))
    return own


def scatter(within: BaseGeometry, count: int, rng: np.random.Generator, rounds: int = _ROUNDS) -> Floats:
    """Seeds spread over an area: random points, each moved to the middle of its cell a few times. Shape (count, 2)."""
    seeds = place_in(within, rng.random(count), rng.random(count))
    for _ in range(rounds if count > 1 else 0):
        # A point inside and not the centroid, which of a bent cell may lie outside.
        own = cells(within, seeds)
        middles = shapely.centroid(own)
        out = np.flatnonzero(~shapely.contains(within, middles))
        middles[out] = shapely.point_on_surface([own[i] for i in out])
        seeds = shapely.get_coordinates(middles)
    return seeds


def place_in(area: BaseGeometry, first: Floats, second: Floats) -> Floats:
    """A point of the area for each pair of numbers from 0 to 1; even numbers give an even spread, near ones near points. Shape (n, 2)."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(area))
    corners = shapely.get_coordinates(triangles).reshape(len(triangles), 4, 2)[:, :3]
    # Side by side, so that near numbers are near in the area.
    corners = corners[np.lexsort((corners[:, :, 1].mean(axis=1), corners[:, :, 0].mean(axis=1)))]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    size = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    upto = np.cumsum(size) / size.sum()
    at = np.minimum(np.searchsorted(upto, first, side="right"), len(upto) - 1)
    before = np.where(at > 0, upto[at - 1], 0.0)
    u = np.clip((first - before) / (upto[at] - before), 0.0, 1.0)
    root = np.sqrt(u)
    a, b = 1 - root, root * (1 - second)
    chosen = corners[at]
    found: Floats = (
        a[:, None] * chosen[:, 0] + b[:, None] * chosen[:, 1] + (1 - a - b)[:, None] * chosen[:, 2]
    )
    return found


def _flat(area: BaseGeometry) -> BaseGeometry:
    return shapely.transform(area, lambda xy: xy * (STRETCH, 1.0))


def _round(area: BaseGeometry) -> BaseGeometry:
    return shapely.transform(area, lambda xy: xy / (STRETCH, 1.0))


@lru_cache(maxsize=4)
def build_areas(streets: tuple[tuple[str, str, int], ...], grids: tuple[int, ...]) -> Areas:
    """The areas of the district.

    Args:
        streets: code, name and number of communities of each street, in the order of the communities.
        grids: number of grids of each community.
    """
    rng = np.random.default_rng(20251215)
    district = _flat(shapely.Polygon(_OUTLINE))
    centres = np.array([_CENTRES[name] for _, name, _ in streets]) * (STRETCH, 1.0)
    outlines = cells(district, centres)
    communities: list[BaseGeometry] = []
    small: list[BaseGeometry] = []
    for outline, (_, _, count) in zip(outlines, streets, strict=True):
        communities.extend(cells(outline, scatter(outline, count, rng)))
    for outline, count in zip(communities, grids, strict=True):
        small.extend(cells(outline, scatter(outline, count, rng, rounds=1)))
    return Areas(
        _round(district),
        {code: _round(outline) for (code, _, _), outline in zip(streets, outlines, strict=True)},
        tuple(map(_round, communities)),
        tuple(map(_round, small)),
    )


def middle(area: BaseGeometry) -> tuple[float, float]:
    """A point in the area, its centroid where that lies in it."""
    point = shapely.centroid(area)
    if not shapely.contains(area, point):
        point = shapely.point_on_surface(area)
    return float(shapely.get_x(point)), float(shapely.get_y(point))


def settle(areas: Sequence[BaseGeometry], of: Ints, first: Floats, second: Floats) -> Floats:
    """A point for each row in the area that it belongs to, rows of one area spread over it in their order. Shape (n, 2).

    Args:
        of: which area each row belongs to, rows of one area together.
        first, second: numbers from 0 to 1.
    """
    found = np.empty((len(of), 2))
    starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])[: len(of)]
    for start, end in pairwise([*starts, len(of)]):
        rank = (np.arange(end - start) + first[start:end]) / (end - start)
        found[start:end] = place_in(areas[of[start]], rank, second[start:end])
    return found


def collection(rows: Sequence[tuple[Mapping[str, Any], BaseGeometry]]) -> bytes:
    """A GeoJSON file (RFC 7946) of areas with their properties."""
    features = [
        {
            "type": "Feature",
            "id": properties.get("code"),
            "properties": dict(properties),
            "geometry": orjson.Fragment(
                shapely.to_geojson(shapely.transform(area, lambda xy: np.round(xy, DECIMALS)))
            ),
        }
        for properties, area in rows
    ]
    told = {"type": "FeatureCollection", "features": features}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def write_geo(folder: Path, level: str, rows: Sequence[tuple[Mapping[str, Any], BaseGeometry]]) -> None:
    """`geo/{level}.geojson` of a seeded district."""
    folder.mkdir(exist_ok=True)
    (folder / f"{level}.geojson").write_bytes(collection(rows))
