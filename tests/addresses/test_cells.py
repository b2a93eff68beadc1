"""Areas drawn from the points of buildings: they tile the ground, and each has its own buildings in it."""

from __future__ import annotations

import random

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.cells import cells, feature


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 120), st.integers(1, 6), st.integers(0, 10_000))
def test_cells_tile_the_ground(n: int, areas: int, seed: int) -> None:
    dice = random.Random(seed)
    points = [(120 + dice.random() / 10, 30 + dice.random() / 10) for _ in range(n)]
    names = [f"A{dice.randrange(areas)}" for _ in range(n)]
    found = cells(points, names)
    assert set(found) == set(names)
    for point, name in zip(points, names, strict=True):
        assert shapely.distance(found[name], shapely.Point(point)) < 1e-9
    whole = shapely.union_all(list(found.values()))
    assert whole.area == pytest.approx(sum(a.area for a in found.values()), rel=1e-6)
    assert shapely.contains(shapely.buffer(whole, 1e-9), shapely.MultiPoint(points))
    assert whole.geom_type == "Polygon", "no gap between them"


def test_few_points() -> None:
    assert cells([], []) == {}
    assert list(cells([(120.0, 30.0)], ["A"])) == ["A"]
    assert list(cells([(120.0, 30.0), (120.0, 30.0)], ["B", "A"])) == ["A"], "of two at one spot the first"
    line = cells([(120.0, 30.0), (120.1, 30.0), (120.2, 30.0)], ["A", "B", "A"])
    assert line["A"].geom_type == "MultiPolygon"
    assert line["A"].area == pytest.approx(line["A"].geoms[0].area * 2, rel=0.2)


def test_a_feature_is_as_the_standard_has_it() -> None:
    told = feature("330109", {"name": "萧山区"}, cells([(120.0, 30.0), (120.1, 30.0)], ["A", "B"])["A"])
    assert told["type"] == "Feature" and told["properties"] == {"code": "330109", "name": "萧山区"}
    (outer,) = told["geometry"]["coordinates"]
    assert outer[0] == outer[-1]
    assert shapely.LinearRing(outer).is_ccw, "RFC 7946, section 3.1.6"
    assert all(round(x, 6) == x and round(y, 6) == y for x, y in outer)
