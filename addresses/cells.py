"""Areas drawn from the points of the buildings in them: cells that tile the district, where no surveyed boundary is known.

Each building has the ground that is nearer to it than to any other (its Voronoi cell); the area of a community is the ground of its
buildings. Cells end so far outside of the outermost building.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import shapely
from shapely.geometry import mapping

MARGIN: Final = 0.002
"""Degrees (some 200 m) by which the outermost cells go beyond their buildings."""
DIGITS: Final = 6
"""Decimal places of degrees in what is written: a tenth of a metre (RFC 7946, section 11.2)."""


def cells(points: Sequence[tuple[float, float]], areas: Sequence[str]) -> dict[str, shapely.Geometry]:
    """The ground of each area.

    Args:
        points: longitude and latitude in degrees.
        areas: what each of the points lies in. Of several points at one spot the first by area counts.

    Returns:
        By area: polygons or multipolygons that do not overlap and leave no gap between them.
    """
    at: dict[tuple[float, float], str] = {}
    for point, area in sorted(zip(points, areas, strict=True)):
        at.setdefault(point, area)
    if not at:
        return {}
    spots = shapely.points(list(at))
    hull = shapely.buffer(shapely.convex_hull(shapely.multipoints(spots)), MARGIN, quad_segs=4)
    if len(at) == 1:
        return {next(iter(at.values())): hull}
    polygons = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=hull))
    # Which cell is whose is not told: the one that holds the point is.
    tree = shapely.STRtree(polygons)
    found, cell = tree.query(spots, predicate="intersects")
    grounds: dict[str, list[Any]] = defaultdict(list)
    owners = list(at.values())
    taken: set[int] = set()
    for spot, which in sorted(zip(found.tolist(), cell.tolist(), strict=True)):
        if which not in taken:
            taken.add(which)
            grounds[owners[spot]].append(polygons[which])
    return {
        area: shapely.intersection(shapely.union_all(parts), hull) for area, parts in sorted(grounds.items())
    }


def feature(code: str, properties: Mapping[str, Any], ground: shapely.Geometry) -> dict[str, Any]:
    """A GeoJSON feature (RFC 7946) of an area; rings go counter-clockwise."""
    rounded = shapely.set_precision(ground, 10**-DIGITS)
    parts = [p for p in shapely.get_parts(rounded) if p.geom_type == "Polygon"]
    drawn = [shapely.Polygon(*_rings(shapely.orient_polygons(p))) for p in parts]
    shape = drawn[0] if len(drawn) == 1 else shapely.MultiPolygon(drawn)
    return {
        "type": "Feature",
        "id": code,
        "properties": {"code": code, **properties},
        "geometry": mapping(shape),
    }


def _rings(polygon: Any) -> tuple[list[Any], list[list[Any]]]:
    def ring(line: Any) -> list[tuple[float, float]]:
        return [(round(x, DIGITS), round(y, DIGITS)) for x, y in line.coords]

    return ring(polygon.exterior), [ring(hole) for hole in polygon.interiors]
