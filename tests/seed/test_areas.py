"""Outlines: they tile the district, and buildings lie in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
import shapely

from seed import SeedOptions, seed_district
from seed.areas import DECIMALS, cells, place_in, scatter, settle
from seed.places import Places, build_places


@pytest.fixture(scope="module")
def places() -> Places:
    return build_places(SeedOptions(scale=0.02))


def test_every_level_tiles_the_one_above(places: Places) -> None:
    areas = places.areas
    whole = areas.district.area
    streets, communities = list(areas.streets.values()), list(areas.communities)
    assert (len(streets), len(communities), len(areas.grids)) == (27, 585, 2035)
    for level in (streets, communities, list(areas.grids)):
        assert sum(area.area for area in level) == pytest.approx(whole, rel=1e-9)
        assert shapely.union_all(level).area == pytest.approx(whole, rel=1e-6)  # so none overlaps another
        assert all(shapely.is_valid(level))
        assert {area.geom_type for area in level} == {"Polygon"}
    for street, area in areas.streets.items():
        own = [a for c, a in zip(places.communities, communities, strict=True) if c.street == street]
        assert shapely.union_all(own).symmetric_difference(area).area < 1e-9 * whole
    owners = [code[:12] for code in places.grid_codes]
    for community, area in list(zip(places.communities, communities, strict=True))[::20]:
        own = [g for g, owner in zip(areas.grids, owners, strict=True) if owner == community.code]
        assert shapely.union_all(own).symmetric_difference(area).area < 1e-9 * whole


def test_what_a_place_lies_in_by_its_code_it_lies_in_on_the_map(places: Places) -> None:
    at = {code: i for i, code in enumerate(places.grid_codes)}
    for frame in (places.buildings, places.sites):
        points = shapely.points(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        grids = np.array([places.areas.grids[at[micro[:15]]] for micro in frame["micro"]])
        assert (shapely.distance(grids, points) < 1e-9).all()
        own = np.array([places.areas.communities[c] for c in frame["community"]])
        assert (shapely.distance(own, points) < 1e-9).all()
    upper = places.upper
    for level, outlines in (("村社", list(places.areas.communities)), ("网格", list(places.areas.grids))):
        rows = upper.filter(upper["层级"] == level)
        points = shapely.points(rows["经度"].cast(float).to_numpy(), rows["纬度"].cast(float).to_numpy())
        assert (shapely.distance(np.array(outlines), points) < 1e-6).all(), level


def test_buildings_are_spread_over_their_grid(places: Places) -> None:
    """No part of a grid holds all of its buildings."""
    buildings = places.buildings
    most = buildings.group_by(buildings["micro"].str.slice(0, 15).alias("grid")).len().sort("len")["grid"][-1]
    own = buildings.filter(buildings["micro"].str.starts_with(most))
    area = places.areas.grids[places.grid_codes.index(most)]
    hull = shapely.convex_hull(shapely.multipoints(own.select("lon", "lat").to_numpy()))
    assert hull.area > 0.6 * area.area


def test_outlines_are_the_same_at_every_scale_and_seed(places: Places) -> None:
    other = build_places(SeedOptions(scale=0.002, seed=99))
    assert other.areas is places.areas or all(
        a.equals(b) for a, b in zip(other.areas.grids, places.areas.grids, strict=True)
    )


def test_cells_and_places_in_a_bent_area() -> None:
    bent = shapely.Polygon([(0, 0), (10, 0), (10, 1), (1, 1), (1, 9), (10, 9), (10, 10), (0, 10)])
    rng = np.random.default_rng(1)
    own = cells(bent, scatter(bent, 7, rng))
    assert sum(cell.area for cell in own) == pytest.approx(bent.area)
    points = place_in(bent, rng.random(500), rng.random(500))
    assert (shapely.distance(bent, shapely.points(points)) < 1e-12).all()
    (whole,) = cells(bent, np.array([[5.0, 0.5]]))
    assert whole is bent
    of = np.array([1, 1, 1, 0, 0])
    found = settle([bent, shapely.box(20, 20, 21, 21)], of, rng.random(5), rng.random(5))
    assert (found[:3] >= 20).all()
    assert (found[3:] <= 10).all()
    assert settle([bent], np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)).shape == (0, 2)


def test_a_seeded_district_has_outline_files(tmp_path: Path) -> None:
    manifest = seed_district(tmp_path, SeedOptions(scale=0.002, texts=1, only=("devices",)))
    counts = {"district": 1, "street": 27, "community": 585, "grid": 2035, "zone": 15}
    assert {path.stem for path in (tmp_path / "geo").iterdir()} == set(counts)
    for level, count in counts.items():
        assert f"geo/{level}.geojson" in manifest.files
        told = orjson.loads((tmp_path / "geo" / f"{level}.geojson").read_bytes())
        assert told["type"] == "FeatureCollection"
        assert len(told["features"]) == count
        for feature in told["features"]:
            assert feature["properties"]["level"] == level.upper()
            assert feature["id"] == feature["properties"]["code"]
            # A zone of communities that do not touch is of several parts.
            assert feature["geometry"]["type"] == "Polygon" or level == "zone"
            assert shapely.is_valid(shapely.from_geojson(orjson.dumps(feature["geometry"])))
        shape = shapely.from_geojson(orjson.dumps(told["features"][0]["geometry"]))
        assert 119 < shape.centroid.x < 122
        xy = shapely.get_coordinates(shape)
        assert np.abs(xy - np.round(xy, DECIMALS)).max() < 1e-12
    # Rounded to the centimetre they still tile.
    sums = {
        level: sum(
            shapely.from_geojson(orjson.dumps(f["geometry"])).area
            for f in orjson.loads((tmp_path / "geo" / f"{level}.geojson").read_bytes())["features"]
        )
        for level in counts
        if level != "zone"  # defence zones lie over patrol areas
    }
    assert max(sums.values()) / min(sums.values()) < 1 + 1e-6
