"""What is put into the district for traces is in its answer key, and what looks alike is in the other list and not in that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ontology.terms import load_terms
from seed import Manifest, SeedOptions, seed_district
from seed.cases import CROWD
from seed.options import PLANTS
from tests.seed.test_things import iso
from traces.catalogue import load_traces


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return seed_district(tmp_path_factory.mktemp("cases"), SeedOptions(scale=0.01, noise="clean"))


@pytest.fixture(scope="module")
def true(district: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((district.directory / "truth" / "planted.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def near(district: Manifest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((district.directory / "truth" / "near_misses.json").read_bytes())
    return found


def test_every_trace_has_true_cases_in_the_answer_key(true: dict[str, Any]) -> None:
    for trace in load_traces(None, load_terms()).values():
        assert trace.planted is not None, trace.trace
        key = trace.planted.key
        if not key.startswith("repeats/") and key != "relapses":
            assert true[key], trace.trace


def test_near_misses_are_none(district: Manifest, true: dict[str, Any], near: dict[str, list[str]]) -> None:
    folder = district.directory / "truth"
    repeats, relapses = (
        json.loads((folder / f"{name}.json").read_bytes()) for name in ("repeats", "relapses")
    )
    true = {
        **true, "repeats": [r["incidents"] for r in repeats], "relapses": [[r["earlier"], r["later"]] for r in relapses]
    }  # fmt: skip
    assert true["repeats"] and true["relapses"]
    for key, keys in near.items():
        so = {k for each in true.get(key, ()) for k in (each if isinstance(each, list) else [each])}
        assert not so & set(keys), key
    put = (
        "crowded_let_home", "unregistered_home", "one_representative", "one_phone", "one_room", "non_police_again", "lost_person",
        "labour_gathered", "prepaid_warned", "prepaid_at_risk", "dispute_petitioned", "sleeping_workshop", "repeats", "relapses",
        "trip_outside_hours", "trip_without_permit", "cylinder_overdue",
    )  # fmt: skip
    assert all(near[key] for key in put), [key for key in put if not near[key]]


def test_nobody_is_lost_by_moving_together(
    district: Manifest, true: dict[str, Any], near: dict[str, list[str]]
) -> None:
    living = iso("residents", district).filter(
        pl.col("离开日期").is_null(), pl.col("死亡日期").is_null(), pl.col("入住日期") <= "2025-12-15"
    )
    inside = dict(living.group_by("地址编码").len().iter_rows())
    homes = dict(iso("houses", district).select("房屋编号", "地址编码").iter_rows())
    assert all(inside[homes[hid]] >= CROWD for hid in true["crowded_let_home"])
    assert all(inside[homes[hid]] < CROWD for hid in near["crowded_let_home"])
    # Once a person, whether they have moved or not.
    today = iso("residents", district).filter(pl.col("离开日期").is_null())
    assert today["公民身份号码"].is_unique().all()


def test_a_hand_has_a_name_and_a_number(district: Manifest, true: dict[str, Any]) -> None:
    firms = iso("enterprises", district)
    known = dict(iso("residents", district).select("公民身份号码", "姓名").iter_rows())
    rows = firms.filter(pl.col("统一社会信用代码").is_in(true["one_representative"]))
    assert len(rows) == len(true["one_representative"])
    for name, number in rows.select("法定代表人", "法定代表人证件号").iter_rows():
        assert known[number] == name


@pytest.mark.parametrize("plant", [{}, {"labour-clusters": 50, "one-hand": 3000}, dict.fromkeys(PLANTS, 0)])
def test_of_a_very_small_district(tmp_path: Path, plant: dict[str, int]) -> None:
    made = seed_district(tmp_path, SeedOptions(scale=0.0005, noise="clean", plant=plant))
    true = json.loads((made.directory / "truth" / "planted.json").read_bytes())
    if plant.get("one-hand", 1):
        assert true["one_representative"] and true["one_phone"] and true["one_room"]
