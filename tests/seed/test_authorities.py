"""Places as other departments have them: every row is one that the feed's declaration takes, and they fit together."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from addresses.coordinates import to_cgcs2000
from addresses.scheme import load_scheme
from loaders import readers
from loaders.contract import check
from loaders.declaration import load_feeds
from ontology.terms import load_terms
from seed import Manifest, SeedOptions, seed_district
from seed.authorities import (
    AUTHORITIES,
    build_food_grids,
    build_patrol_areas,
    build_place_names,
    build_points,
    build_police_communities,
    build_real_estate_units,
    zone_outlines,
)
from seed.feeds import BY_KEY, NATURE
from seed.genealogy import COLUMNS, DEMOLISH, MERGE, MOVE, RENAME, RENUMBER, SPLIT, build_successions
from seed.places import Places, build_places

FEEDS = load_feeds(Path(__file__).resolve().parents[2] / "catalog" / "feeds")
KEYS = ("successions", *AUTHORITIES)
OPTIONS = SeedOptions(scale=0.01, noise="clean")


@pytest.fixture(scope="module")
def places() -> Places:
    return build_places(OPTIONS)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return seed_district(
        tmp_path_factory.mktemp("authorities"), SeedOptions(scale=0.004, noise="clean", texts=1, only=KEYS)
    )


@pytest.fixture(scope="module")
def successions(places: Places) -> pl.DataFrame:
    return build_successions(OPTIONS, places)


@pytest.mark.parametrize("key", KEYS)
def test_the_declaration_takes_every_row(district: Manifest, key: str) -> None:
    feed = FEEDS[key]
    assert set(feed.columns) == {*BY_KEY[key].columns, NATURE}
    (name,) = (n for n in district.files if n.startswith(f"feeds/{BY_KEY[key].name}_"))
    assert [other.feed for other in FEEDS.values() if other.takes(Path(name).name)] == [key]
    (sheet,) = readers.read(district.directory / name, feed.encoding)
    checked = check(feed, sheet.rows, load_terms())
    assert (checked.rejections, checked.rejected_rows, checked.dropped_cells) == ([], 0, 0)
    assert len(checked.rows) == len(sheet.rows) > 0


def test_what_became_of_places_holds_together(places: Places, successions: pl.DataFrame) -> None:
    assert tuple(successions.columns) == COLUMNS
    assert set(successions["变更类型"]) == {SPLIT, MERGE, RENUMBER, RENAME, MOVE, DEMOLISH}
    scheme = load_scheme()
    known = set(places.upper["地址编码"]) | set(places.buildings["code"])
    for kind, on, level, old, new, until in successions.select(
        "变更类型", "生效日期", "层级", "原地址编码", "现地址编码", "原地址停用日期"
    ).iter_rows():
        assert scheme.level_of(old) is not None, old
        assert date.fromisoformat(on) <= OPTIONS.until
        assert (old in known) == (kind == RENAME), (kind, old)
        assert (old == new) == (kind == RENAME)
        assert until == (None if kind == RENAME else on)
        assert (new is None) == (kind == DEMOLISH)
        if new is not None and not new.startswith("330114"):
            assert new in known
            assert level in ("镇街", "村社", "幢", "道路", "小区")
    # A split is one change of several rows; every other place has one change.
    splits = (
        successions.filter(pl.col("变更类型") == SPLIT)
        .group_by("变更编号")
        .agg(pl.col("原地址编码").n_unique(), pl.len())
    )
    assert set(splits.select("原地址编码", "len").iter_rows()) == {(1, 2)}
    others = successions.filter(pl.col("变更类型") != SPLIT)
    assert others["变更编号"].is_unique().all()
    assert others.filter(pl.col("变更类型") != RENAME)["原地址编码"].is_unique().all()


def test_five_streets_went_to_qiantang(successions: pl.DataFrame) -> None:
    gone = successions.filter(pl.col("现上级编码") == "330114")
    assert set(gone["原名称"]) == {"义蓬街道", "河庄街道", "新湾街道", "前进街道", "临江街道"}
    assert set(gone["生效日期"]) == {"2021-04-09"}
    assert set(gone["原上级编码"]) == {"330109"}
    assert gone["现地址编码"].str.starts_with("330114").all()


def test_patrol_areas_follow_one_another(places: Places) -> None:
    frame = build_patrol_areas(OPTIONS, places)
    now, then = frame.filter(pl.col("停用日期").is_null()), frame.filter(pl.col("停用日期").is_not_null())
    for part, count in ((now, 12), (then, 10)):
        assert part["巡区编码"].n_unique() == count
        assert sorted(part["村社编码"]) == sorted(c.code for c in places.communities)
    assert now["防区编码"].n_unique() == 3
    assert now.group_by("巡区编码").agg(pl.col("防区编码").n_unique())["防区编码"].max() == 1
    assert set(then["停用日期"]) == set(now["启用日期"])
    assert not set(now["巡区编码"]) & set(then["巡区编码"])
    outlines = zone_outlines(places)
    assert Counter(properties["kind"] for properties, _ in outlines) == {"patrol": 12, "defence": 3}
    for kind in ("patrol", "defence"):
        whole = sum(area.area for properties, area in outlines if properties["kind"] == kind)
        assert whole == pytest.approx(places.areas.district.area, rel=1e-6)


def test_food_safety_grids_are_of_three_sizes(places: Places) -> None:
    frame = build_food_grids(OPTIONS, places)
    large, medium, small = (frame[f"{size}网格编码"].n_unique() for size in "大中小")
    assert (large, small) == (27, 585)
    assert 27 < medium < 250
    assert frame.group_by("中网格编码").agg(pl.col("大网格编码").n_unique())["大网格编码"].max() == 1
    codes = pl.concat([frame["大网格编码"].unique(), frame["中网格编码"].unique(), frame["小网格编码"]])
    assert codes.is_unique().all()
    scheme = load_scheme()
    assert {scheme.level_of(code) for code in codes} == {"ZONE"}


def test_the_police_count_communities_otherwise(places: Places) -> None:
    frame = build_police_communities(OPTIONS, places)
    assert frame["社区编码"].str.contains("^[0-9]{15}$").all()
    assert set(frame["村社编码"]) == {c.code for c in places.communities}
    theirs = frame.group_by("社区编码").len()["len"]
    ours = frame.group_by("村社编码").len()["len"]
    assert (theirs.max(), ours.max()) == (2, 2)
    # A code of theirs is a code of ours only where it is that of one place alone.
    assert frame.filter(pl.col("主辖") == "是")["社区编码"].is_unique().all()


def test_positions_come_back_from_the_systems_of_the_maps(places: Places) -> None:
    for frame, system, codes in (
        (build_real_estate_units(OPTIONS, places), "BD09", places.buildings.select("code", "lon", "lat")),
        (build_points(OPTIONS, places), "GCJ02", places.sites.select("code", "lon", "lat")),
    ):
        key = "地址编码" if system == "BD09" else "_code"
        joined = frame.join(codes, left_on=key, right_on="code", how="inner", maintain_order="left")
        assert len(joined) == len(codes)
        lon, lat = joined["经度"].cast(float).to_numpy(), joined["纬度"].cast(float).to_numpy()
        assert (np.abs(lon - joined["lon"].to_numpy()) > 0.002).all()
        back = to_cgcs2000(system, lon, lat)
        assert np.abs(back[0] - joined["lon"].to_numpy()).max() < 2e-6
        assert np.abs(back[1] - joined["lat"].to_numpy()).max() < 2e-6
    units = build_real_estate_units(OPTIONS, places)["不动产单元号"]
    assert units.str.len_chars().unique().to_list() == [28]
    assert units.is_unique().all()


def test_names_have_their_days(places: Places) -> None:
    frame = build_place_names(OPTIONS, places)
    assert set(frame["名称类别"]) == {"标准名称", "俗称", "曾用名", "门牌"}
    gone = frame.filter(pl.col("名称类别") == "曾用名")
    assert gone["停用日期"].is_not_null().all()
    doors = frame.filter(pl.col("名称类别") == "门牌")
    assert doors["名称"].str.contains("(?:路|大道)[0-9]+号$").all()
    assert len(doors) == places.buildings["alias"].is_not_null().sum()
