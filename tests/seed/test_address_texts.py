"""Messy address texts: what is meant, what is determined, and that examinations stay examinations."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from ontology.errors import UsageError
from seed import SeedOptions, address_held_out, seed_district
from seed.address_exam import SCHEMA, TEXT_PROFILES, Examiner, address_exam, address_texts
from seed.address_index import AddressIndex, Facts, common, within
from seed.address_typos import mistype, traditional
from seed.address_ways import PROFILES, SLOTS, chinese, load_ways
from seed.feed_texts import SCHEMA as TEXTS
from seed.noise import load_profile
from seed.places import build_places

# The share of plain texts in each slot when its profile was last hardened. It may fall and never rise (the rule in noise.yaml).
PLAIN = {
    "normal": {
        "texts": 0.7477, "upper": 0.2988, "form": 0.72, "building": 0.52, "inside": 0.5, "group": 0.62, "numerals": 0.875,
        "surface": 0.6818, "typo": 0.9533, "before": 0.8317, "after": 0.8066,
        "order": 0.93, "within": 0.88, "stem": 0.975,
    },
    "hard": {
        "texts": 0.5637, "upper": 0.0944, "form": 0.48, "building": 0.26, "inside": 0.255, "group": 0.32, "numerals": 0.655,
        "surface": 0.25, "typo": 0.7748, "before": 0.5, "after": 0.4163,
        "order": 0.79, "within": 0.7, "stem": 0.92,
    },
    "chat": {
        "texts": 0.0, "upper": 0.0599, "form": 0.62, "building": 0.3548, "inside": 0.42, "group": 0.6223, "numerals": 0.835,
        "surface": 0.96, "typo": 0.9384, "before": 1.0, "after": 0.9077,
        "order": 0.97, "within": 0.89, "stem": 0.96,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def index() -> AddressIndex:
    return AddressIndex(build_places(SeedOptions(scale=0.01)))


@pytest.fixture(scope="module", params=TEXT_PROFILES)
def texts(request: pytest.FixtureRequest, index: AddressIndex) -> pl.DataFrame:
    return address_texts(index, seed=3, count=1500, profile=request.param, examination=True)


def test_the_profiles_are_only_hardened() -> None:
    for profile, shares in PLAIN.items():
        ways = load_ways(profile, examination=False)
        for slot, share in shares.items():
            weights = ways[slot]
            assert weights.get(SLOTS[slot][0], 0.0) / sum(weights.values()) <= share + 1e-4, (profile, slot)


def held_out_ways() -> list[tuple[str, str]]:
    """Slot and way; no test names one (the rule in held_out.yaml)."""
    declared = yaml.safe_load(address_held_out.WEIGHTS.read_text(encoding="utf-8"))
    return [(slot, way) for slot, weights in declared.items() for way in weights]


def test_every_way_is_in_some_profile() -> None:
    declared = yaml.safe_load(PROFILES.read_text(encoding="utf-8"))["address_text"]
    used = {(slot, way) for profile in declared.values() for slot, ways in profile.items() for way in ways}
    assert used == {(slot, way) for slot, ways in SLOTS.items() for way in ways}
    held = held_out_ways()
    assert set(held) == {(slot, way) for slot, ways in address_held_out.WAYS.items() for way in ways}
    assert used.isdisjoint(held)


def test_held_out_ways_are_in_examinations_alone(index: AddressIndex) -> None:
    held = {f"{slot}.held_out" for slot, _ in held_out_ways()} | {"sentence.held_out"}
    for profile in ("normal", "hard"):
        for examination in (False, True):
            found = address_texts(index, seed=1, count=6000, profile=profile, examination=examination)
            operations = set(found["operations"].explode().drop_nulls())
            assert {o for o in operations if "held_out" in o} == (held if examination else set())
            assert operations.isdisjoint(f"{slot}.{way}" for slot, way in held_out_ways()), (
                "they stay unnamed"
            )


def test_a_held_out_way_changes_the_text_and_not_the_place(index: AddressIndex) -> None:
    for slot, way in held_out_ways():
        for plain in {False, address_held_out.WAYS[slot][way].in_sentences}:
            applied = sure = 0
            for seed in range(150):
                examiner = Examiner(index, "normal", seed, examination=False)
                target = examiner._any()
                state = examiner.rng.getstate()
                written = examiner.writer.write(target, plain=plain, fixed={slot: way})
                if f"{slot}.held_out" not in written.operations:
                    continue
                applied += 1
                examiner.rng.setstate(state)
                other = examiner.writer.write(target, plain=plain, fixed={slot: SLOTS[slot][0]})
                assert written.text != other.text
                assert 0 <= written.start < written.end <= len(written.text)
                determined = index.determined(written.facts)
                sure += determined is not None and within(determined, target.code)
            assert applied >= 30, (plain, applied)
            assert sure >= 0.8 * applied, (plain, sure, applied)


def test_training_and_examination_are_other_texts(index: AddressIndex) -> None:
    one = address_texts(index, seed=1, count=800, profile="chat")
    two = address_texts(index, seed=1, count=800, profile="chat", examination=True)
    assert len(set(one["text"]) & set(two["text"])) < 8
    assert address_texts(index, seed=1, count=800, profile="chat").equals(one)
    assert not address_texts(index, seed=2, count=800, profile="chat").equals(one)


def test_rows_hold_together(texts: pl.DataFrame) -> None:
    assert dict(texts.schema) == SCHEMA
    for text, start, end, kind, code, determined, outcome in texts.select(
        "text", "start", "end", "kind", "code", "determined", "outcome"
    ).iter_rows():
        assert 0 <= start < end <= len(text)
        assert kind not in ("sentence", "several") or len(text) <= 200
        assert determined is None or code.startswith(determined), text
        assert (outcome == "RESOLVED") == (determined is not None)
        assert outcome != "OUTSIDE" or code is None
    # Places of one text do not overlap.
    for _, spans in texts.sort("id", "start").group_by("id", maintain_order=True):
        ends = [0, *spans["end"].to_list()]
        assert all(start >= end for start, end in zip(spans["start"], ends, strict=False))


def test_a_plain_text_is_the_full_name(index: AddressIndex) -> None:
    found = address_texts(index, seed=5, count=1000, profile="clean", examination=True)
    places = index.places
    full = dict(
        pl.concat(
            [f.select("code", "full") for f in (places.buildings, places.homes, places.units)]
        ).iter_rows()
    )
    assert found["text"].to_list() == [full[code] for code in found["code"]]
    assert found["determined"].equals(found["code"])


def test_what_a_full_text_says_is_what_is_determined(texts: pl.DataFrame, index: AddressIndex) -> None:
    """Whatever writes the official street, community and building plainly determines the building, and no less."""
    places = index.places
    full = dict(pl.concat([f.select("code", "full") for f in (places.buildings, places.homes)]).iter_rows())
    seen = 0
    for text, code, determined, operations in texts.select(
        "text", "code", "determined", "operations"
    ).iter_rows():
        if code in full and full[code] in text and not any(o.startswith("after.") for o in operations):
            assert determined == code, text
            seen += 1
    assert seen > 5


def test_villages_of_one_name_are_not_determined_without_a_street(index: AddressIndex) -> None:
    both = index.community_codes(["紫霞村"])
    assert {code[:9] for code in both} == {"330109004", "330109101"}
    house = frozenset([("group", "1", 1)])
    assert index.determined(Facts(communities=both, local=(house,))) is None
    street = index.street_codes(["新塘街道"])
    assert index.determined(Facts(street, both, (house,))) == next(
        code for code, name in zip(index.code, index.name, strict=True) if name == "1组1号" and code.startswith("330109004235")
    )  # fmt: skip
    found = address_texts(index, seed=4, count=4000, profile="hard").filter(pl.col("kind") == "same_name")
    left = found.filter(pl.col("operations").list.contains("upper.no_street"))
    assert len(left) > 30
    assert left["determined"].is_null().all()
    told = found.filter(pl.col("operations").list.contains("upper.short"))["determined"]
    assert told.null_count() < 0.1 * len(told)


def test_an_index_counts_readings(index: AddressIndex) -> None:
    row = next(i for i, units in enumerate(index.units) if units >= 2 and index.estate[i])
    code, estate = index.code[row], index.area_name[index.estate[row] or ""]
    key = frozenset([("estate", estate, index.tower(row))])
    assert index.determined(Facts(local=(key,), unit=1, room=101)) == f"{code}010101"
    assert index.determined(Facts(local=(key,), room=101)) == code, "a room of some unit"
    assert index.determined(Facts(local=(key,), unit=99)) == code, "a unit that it has not"
    wrong = next(s for s in index.streets if s != code[:9])
    assert index.determined(Facts(frozenset([wrong]), local=(key,))) == code, "the wrong street"
    assert index.determined(Facts()) is None
    assert common(["3301090010010001010101", "3301090010010001020101"]) == "3301090010010001"
    assert common(["3301090010010001000101", "3301090010010001000102"]) == "3301090010010001"
    assert common(["330109001001", "330109002001"]) is None


def test_a_mistyped_name_admits_what_is_as_near(index: AddressIndex) -> None:
    assert "紫霞村" in index.as_near("community", "籽霞村", "紫霞村")
    near = index.as_near("community", "东村", "东山村")
    assert {"东山村", "东桥村"} & near == {"东山村", "东桥村"} & set(index._vocabulary["community"])


def test_estates_and_roads_have_other_names(index: AddressIndex) -> None:
    names = index.places.names
    assert set(names["kind"]) == {"俗称", "曾用名"}
    assert set(names["level"]) == {"镇街", "村社", "道路", "小区"}
    gone = names.filter(pl.col("kind") == "曾用名")
    assert gone["until"].is_not_null().all()
    assert (
        (gone.filter(pl.col("since").is_not_null()).select(pl.col("since") < pl.col("until")))
        .to_series()
        .all()
    )
    assert index.street_codes(["宁围镇"]) == index.street_codes(["宁围街道"])


def test_numbers_in_characters() -> None:
    assert [chinese(n) for n in (0, 7, 10, 12, 20, 35, 100, 105, 110, 250, 1001, 2010)] == [
        "零", "七", "十", "十二", "二十", "三十五", "一百", "一百零五", "一百一十", "二百五十", "一千零一", "二千零一十",
    ]  # fmt: skip


def test_traditional_characters_are_one_for_one() -> None:
    assert traditional("萧山区党湾镇3幢") == "蕭山區黨灣鎮3幢"


def test_mistakes_are_repeatable() -> None:
    import random

    for way in ("homophone", "near_sound", "shape", "drop", "double", "swap"):
        made = {mistype("金帝花园", way, random.Random(5)) for _ in range(3)}
        assert len(made) == 1
        assert made != {"金帝花园"}


def test_an_examination_without_feeds() -> None:
    places, frame = address_exam(SeedOptions(scale=0.004), 50)
    assert frame["id"].n_unique() == 50
    assert frame["examination"].all()
    assert len(places.buildings) > 0


def test_a_district_has_its_texts(tmp_path: Path) -> None:
    manifest = seed_district(tmp_path, SeedOptions(scale=0.002, texts=20, only=("addresses",)))
    found = pl.read_parquet(tmp_path / "truth" / "address_texts.parquet")
    assert found.group_by("profile", "examination").agg(pl.col("id").n_unique()).sort("profile", "examination").rows() == [
        (profile, examination, 20) for profile in sorted(TEXT_PROFILES) for examination in (False, True)
    ]  # fmt: skip
    assert "truth/address_texts.parquet" in manifest.files


def test_wrong_profiles_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none"):
        load_ways("none", examination=False)
    with pytest.raises(UsageError):
        load_ways("held_out", examination=False)
    with pytest.raises(UsageError):
        load_profile("address_text")
    file = tmp_path / "noise.yaml"
    file.write_text("address_text: {normal: {upper: {sideways: 1}}}", encoding="utf-8")
    with pytest.raises(UsageError, match="sideways"):
        load_ways("normal", examination=False, path=file)
    file.write_text("surface: {none: 1}", encoding="utf-8")
    assert load_ways("normal", examination=False, besides=file) == load_ways("normal", examination=False)
    with pytest.raises(UsageError, match="none"):
        load_ways("normal", examination=True, besides=file)


def test_what_texts_of_feeds_determine(tmp_path: Path) -> None:
    seed_district(
        tmp_path,
        SeedOptions(scale=0.01, texts=0, noise="hard", only=("residents", "petitions", "self_registrations")),
    )
    found = pl.read_parquet(tmp_path / "truth" / "addresses.parquet")
    assert dict(found.schema) == TEXTS
    assert set(found["profile"]) == {"hard"}
    sure = found.filter(pl.col("determined").is_not_null())
    assert sure.select(pl.col("code").str.starts_with(pl.col("determined")).all()).item()
    assert len(sure) > 0.95 * len(found)
    plain = found.filter(
        pl.col("text").str.contains("街道|镇") & pl.col("text").str.contains("社区|村"),
        pl.col("operations") == "",
    )
    assert plain.filter(pl.col("code") != pl.col("determined")).is_empty()
    # Villages of one name, their street left out; a community without its name; a number that a typo hit.
    shared = found.filter(pl.col("text").str.contains("^(?:浙江省)?(?:杭州市)?(?:萧山区)?紫霞村"))
    assert len(shared) > 20
    assert shared["determined"].null_count() == len(shared)
    no_community = found.filter(
        pl.col("operations") == "no_community", ~pl.col("text").str.contains("社区|村")
    )
    assert (no_community["determined"] == no_community["code"]).mean() > 0.9  # type: ignore[operator]
    hit = found.filter(
        pl.col("operations").str.contains("typo_drop"), pl.col("determined").str.len_chars() == 12
    )
    assert len(hit) > 5


def test_texts_of_a_drawn_district_are_judged(tmp_path: Path) -> None:
    scenario = PROFILES.with_name("scenarios") / "ten_buildings.yaml"
    seed_district(tmp_path, SeedOptions(noise="clean", scenario=scenario))
    found = pl.read_parquet(tmp_path / "truth" / "addresses.parquet")
    assert dict(found.schema) == TEXTS
    assert found["determined"].equals(found["code"])
