"""Workshops that people sleep in: the answer key says what the clean feeds say, and what looks alike is there."""

from __future__ import annotations

import json

import polars as pl
import pytest

from ontology.terms import load_terms
from seed import Manifest, SeedOptions, seed_district
from seed.options import COMMUNITIES
from seed.workshops import TRADES, WORKSHOPS
from tests.seed.test_things import iso


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return seed_district(
        tmp_path_factory.mktemp("workshops"),
        SeedOptions(scale=0.01, noise="clean", only=("residents", "enterprises")),
    )


@pytest.fixture(scope="module")
def living(district: Manifest) -> pl.DataFrame:
    """Who lives today at the very place of the enterprise that they work for, with that."""
    people = iso("residents", district).filter(pl.col("离开日期").is_null() & pl.col("死亡日期").is_null())
    firms = iso("enterprises", district)
    both = people.join(firms, left_on="工作单位代码", right_on="统一社会信用代码", suffix="_firm")
    return both.filter(pl.col("地址编码") == pl.col("地址编码_firm"))


@pytest.fixture(scope="module")
def planted(district: Manifest) -> set[str]:
    return set(json.loads((district.directory / "truth" / "planted.json").read_bytes())["sleeping_workshop"])


def test_most_of_the_answer_key_can_be_seen_and_some_cannot(
    district: Manifest, living: pl.DataFrame, planted: set[str]
) -> None:
    terms = load_terms().lists["industry"]
    trades = [code for code, term in terms.items() if term.zh in TRADES]
    assert len(trades) == len(TRADES)
    wanted = (
        (pl.col("户籍类型") == "floating") & (pl.col("登记状态") == "active") & pl.col("行业").is_in(trades)
    )
    crews = living.filter(wanted).group_by("工作单位代码").len()
    seen = set(crews.filter(pl.col("len") >= 2)["工作单位代码"])
    one = set(crews.filter(pl.col("len") == 1)["工作单位代码"])
    share = district.counts["communities_filled"] / COMMUNITIES
    assert len(planted) == pytest.approx(WORKSHOPS * share, rel=0.2)
    assert 0.75 < len(seen & planted) / len(planted) < 0.98
    # Of some crews one is known to work there, of others nobody is registered there.
    assert one & planted and planted - seen - one
    # And some stand in the register that have moved out.
    assert 2 <= len(seen - planted) < 0.25 * len(seen)


def test_what_looks_alike_is_there(living: pl.DataFrame) -> None:
    floating = pl.col("户籍类型") == "floating"
    firm = "工作单位代码"
    several = living.filter(floating).group_by(firm).len()
    guards = several.filter(pl.col("len") == 1)
    closed = living.filter(floating & (pl.col("登记状态") != "active"))
    offices = living.filter(
        floating
        & (pl.col("登记状态") == "active")
        & pl.col("行业").is_in(["it", "realestate", "leasing", "education", "finance"])
    )
    families = living.filter(~floating).group_by(firm).len().filter(pl.col("len") >= 2)
    for found in (guards, closed, offices, families):
        assert len(found) >= 5
