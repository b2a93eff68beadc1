"""Outlines that come with a district are kept in the data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.outlines import keep_outlines
from ontology.errors import UsageError

GOOD = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "330109001"}, '
    '"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}]}'
)


def district(tmp_path: Path, **files: str) -> Path:
    geo = tmp_path / "district" / "geo"
    geo.mkdir(parents=True, exist_ok=True)
    (tmp_path / "district" / "feeds").mkdir(exist_ok=True)
    for name, content in files.items():
        (geo / f"{name}.geojson").write_text(content, encoding="utf-8")
    return tmp_path / "district"


def test_they_are_copied_and_later_ones_take_their_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert keep_outlines(district(tmp_path, street=GOOD, grid=GOOD), data) == ["grid", "street"]
    other = GOOD.replace("330109001", "330109002")
    assert keep_outlines(district(tmp_path, street=other) / "feeds", data) == ["grid", "street"]
    assert (data / "geo" / "street.geojson").read_text(encoding="utf-8") == other
    assert sorted(path.name for path in (data / "geo").iterdir()) == ["grid.geojson", "street.geojson"]


def test_a_district_without_outlines_is_none_the_worse(tmp_path: Path) -> None:
    assert keep_outlines(tmp_path, tmp_path / "data") == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"type": "FeatureCollection"}',
        GOOD.replace('"code": "330109001"', '"name": "x"'),
        GOOD.replace('"Polygon"', '"Point"'),
        GOOD.replace('{"code": "330109001"}', "null"),
    ],
)
def test_what_is_no_area_is_refused_and_nothing_is_kept(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match=r"street\.geojson"):
        keep_outlines(district(tmp_path, grid=GOOD, street=content), tmp_path / "data")
    assert not (tmp_path / "data").exists()
