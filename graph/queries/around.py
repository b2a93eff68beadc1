"""Addresses by where they are on the ground: within so many metres of one, or within a polygon.

Statements: one for `nearby`. `within` takes two: the first reads the points of the box around the polygon by the index on latitude and
longitude, at most `POINTS` of them; which of them lie within is decided exactly outside of Neo4j, and the second reads a page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.validation import explain_validity

from graph.validity import standing
from graph.viewer import Scope
from ontology.errors import UsageError

MAX_METRES = 5_000
POINTS = 50_000
MAX_CORNERS = 1_000
# Degrees that a polygon may span: some 60 km, wider than any district.
MAX_SPAN = 0.6
_METRES_A_DEGREE = 111_320.0
HINT = " USING INDEX n:Address(latitude, longitude)"


def nearby(scope: Scope, node: str, levels: bool) -> str:
    """One row {found, rows}: whether the place in the middle is there and has a point, and what is around it, nearest first.

    Parameters: `$code`, `$metres`, `$north`, `$east` (degrees of latitude that the metres are; the same over the cosine),
    `$skip`, `$first`, `$levels`. A place without a point of its own is where the nearest place above it that has one is.

    Args:
        node: the map of an address `n`.
        levels: whether only those levels are wanted.
    """
    middle = " AND ".join(["o.code = $code", *scope.conditions("Address", "o")])
    seen = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    wanted = " AND n.level IN $levels" if levels else ""
    stands = standing("n")
    return (
        f"MATCH (o:Address) WHERE {middle} "
        "WITH o, head(COLLECT { MATCH p = (o)-[:IN*0..4]->(w:Address) WHERE w.latitude IS NOT NULL AND w.longitude IS NOT NULL "
        "WITH w, length(p) AS steps ORDER BY steps LIMIT 1 RETURN [w.latitude, w.longitude] }) AS at "
        "RETURN {at: at, rows: CASE WHEN at IS NULL THEN [] ELSE COLLECT { "
        f"MATCH (n:Address){HINT} WHERE n.latitude >= at[0] - $north AND n.latitude <= at[0] + $north "
        f"AND n.longitude >= at[1] - $east / cos(radians(at[0])) AND n.longitude <= at[1] + $east / cos(radians(at[0])) "
        f"AND n <> o AND {stands}{wanted}{seen} "
        "WITH n, point.distance(point({latitude: n.latitude, longitude: n.longitude}), point({latitude: at[0], longitude: at[1]})) AS metres "
        "WHERE metres <= $metres WITH n, metres ORDER BY metres, n.id SKIP $skip LIMIT $first "
        f"RETURN {{metres: metres, node: {node}}} }} END}} AS found"
    )


def nearby_parameters(
    code: str, metres: int, skip: int, first: int, levels: Sequence[str] | None
) -> dict[str, Any]:
    degrees = metres / _METRES_A_DEGREE * 1.01
    return {
        "code": code, "metres": metres, "north": degrees, "east": degrees, "skip": skip, "first": first,
        "levels": list(levels or ()),
    }  # fmt: skip


def within(scope: Scope, levels: bool) -> str:
    """Rows [id, code, longitude, latitude] of the addresses in a box: `$south`, `$north`, `$west`, `$east`; at most `$points`."""
    seen = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    wanted = " AND n.level IN $levels" if levels else ""
    stands = standing("n")
    return (
        f"MATCH (n:Address){HINT} WHERE n.latitude >= $south AND n.latitude <= $north "
        f"AND n.longitude >= $west AND n.longitude <= $east AND {stands}{wanted}{seen} "
        "WITH n LIMIT $points RETURN [n.id, n.code, n.longitude, n.latitude] AS found"
    )


@dataclass(frozen=True, slots=True)
class Ring:
    """A polygon in degrees, CGCS2000."""

    shape: shapely.Polygon

    def parameters(self, levels: Sequence[str] | None) -> dict[str, Any]:
        west, south, east, north = self.shape.bounds
        return {
            "west": west, "south": south, "east": east, "north": north, "points": POINTS + 1, "levels": list(levels or ()),
        }  # fmt: skip

    def holding(self, rows: Sequence[Sequence[Any]]) -> list[tuple[str, str]]:
        """(id, code) of those of the points that lie in it or on its edge, by code."""
        points = shapely.points([r[2] for r in rows], [r[3] for r in rows]) if rows else []
        shapely.prepare(self.shape)
        inside = shapely.covers(self.shape, points) if rows else []
        return sorted(
            ((r[0], r[1]) for r, holds in zip(rows, inside, strict=True) if holds), key=lambda x: (x[1], x[0])
        )


def ring(corners: Sequence[tuple[float, float]]) -> Ring:
    """The polygon of (longitude, latitude) corners in order, its last being its first or not.

    Raises:
        UsageError: BAD_POLYGON, with what is wrong with it.
    """
    points = list(corners)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if len(set(points)) < 3:
        raise _bad(
            "至少要有三个不同的顶点", f"it needs three corners that differ, and has {len(set(points))}"
        )
    if len(points) > MAX_CORNERS:
        raise _bad(
            f"顶点至多 {MAX_CORNERS} 个", f"it may have {MAX_CORNERS:,} corners, and has {len(points):,}"
        )
    for longitude, latitude in points:
        if not (math.isfinite(longitude) and math.isfinite(latitude)):
            raise _bad("坐标须为有限的数", "coordinates must be finite numbers")
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise _bad(
                f"经度 {longitude:g}、纬度 {latitude:g} 超出范围",
                f"{longitude:g}, {latitude:g} is no longitude and latitude, in that order",
            )
    shape = shapely.Polygon(points)
    if not shape.is_valid:
        raise _bad("多边形自相交", f"it is not simple: {explain_validity(shape)}")
    west, south, east, north = shape.bounds
    if east - west > MAX_SPAN or north - south > MAX_SPAN:
        raise _bad(
            f"跨度不得超过 {MAX_SPAN}°",
            f"it may span {MAX_SPAN} degrees, and spans {max(east - west, north - south):.2f}",
        )
    return Ring(shape)


def _bad(zh: str, en: str) -> UsageError:
    return UsageError(
        "BAD_POLYGON",
        f"多边形无效:{zh}",
        f"the polygon is not valid: {en}",
        "Give its corners in order, each with longitude and latitude in degrees.",
    )
