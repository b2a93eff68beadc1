"""The feeds of things: valid, consistent with the rest of the district, of the declared density, clean when they should be."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders import readers
from loaders.contract import check, check_header
from loaders.declaration import load_feeds
from ontology.identifiers.citizen_id import check_citizen_id
from ontology.identifiers.plate import check_plate
from ontology.identifiers.uscc import check_uscc
from ontology.terms import CATALOG, load_terms
from seed import Manifest, SeedOptions, seed_district
from seed.feeds import BY_KEY, NATURE, Feed, write_feed
from seed.finance import GUARANTEES
from seed.haulage import COMMUTER_ROUTES, SITES, TRIPS
from seed.institutions import MEDICAL, SCHOOLS
from seed.options import COMMUNITIES
from seed.safety_devices import CYLINDERS, LIFT_EVENTS, RAINS
from seed.volunteers import VENUES
from tests.seed.test_seed import read

THINGS = (
    "construction_sites", "dump_sites", "truck_permits", "trips", "commercial_vehicles", "gas_cylinders", "elevators",
    "elevator_events", "culvert_events", "sensing_points", "prepaid_cards", "guarantees", "medical_institutions", "schools",
    "risk_assessments", "deaths", "marriages",
)  # fmt: skip
TODAY = "2025-12-15"
FEEDS = load_feeds(CATALOG / "feeds")


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A clean district of six communities."""
    return seed_district(tmp_path_factory.mktemp("things"), SeedOptions(scale=0.01, noise="clean"))


@pytest.fixture(scope="module")
def planted(district: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((district.directory / "truth" / "planted.json").read_bytes())
    return found


def iso(key: str, manifest: Manifest) -> pl.DataFrame:
    """A feed's rows as the contract normalises them: dates ISO, plates and terms as the graph has them."""
    feed = FEEDS[key]
    rows = read(manifest, key)
    check_header(feed, rows.columns, key)
    return check(feed, rows, load_terms()).rows


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, district: Manifest) -> None:
    again = seed_district(tmp_path, SeedOptions(scale=0.01, noise="clean", only=THINGS))
    for key in THINGS:
        (name,) = (n for n in again.files if n.startswith(f"feeds/{BY_KEY[key].name}_"))
        assert again.files[name] == district.files[name], key
    assert again.files["truth/planted.json"] == district.files["truth/planted.json"]


@pytest.mark.parametrize("key", THINGS)
def test_clean_rows_pass_the_contract_whole(district: Manifest, key: str) -> None:
    rows = read(district, key)
    checked = check(FEEDS[key], rows, load_terms())
    assert (checked.rejections, checked.rejected_rows, checked.dropped_cells) == ([], 0, 0)
    assert len(checked.rows) == len(rows) > 0


@pytest.mark.parametrize("key", THINGS)
def test_the_readers_give_every_row(district: Manifest, key: str) -> None:
    (name,) = (n for n in district.files if n.startswith(f"feeds/{BY_KEY[key].name}_"))
    (sheet,) = readers.read(district.directory / name, FEEDS[key].encoding)
    rows = read(district, key)
    assert sheet.rows.select(rows.columns).equals(rows)


@pytest.mark.parametrize("key", THINGS)
def test_each_file_finds_its_feed_alone(key: str) -> None:
    name = BY_KEY[key].file(date(2025, 12, 15))
    assert [feed.feed for feed in FEEDS.values() if feed.takes(name)] == [key]
    assert set(FEEDS[key].columns) == {*BY_KEY[key].columns, NATURE}


@pytest.mark.parametrize("key", THINGS)
def test_identifiers_are_valid(district: Manifest, key: str) -> None:
    rows = iso(key, district)
    for name, spec in FEEDS[key].columns.items():
        for value in rows[name].drop_nulls().unique() if name in rows.columns else ():
            if spec.type.value == "uscc":
                assert check_uscc(value).ok, (name, value)
            elif spec.type.value == "citizen_id":
                assert check_citizen_id(value).ok, (name, value)
            elif spec.type.value == "plate":
                assert check_plate(value).ok, (name, value)


def test_counts_follow_the_scale(district: Manifest) -> None:
    share = district.counts["communities_filled"] / COMMUNITIES
    for key, whole in {
        "trips": TRIPS, "gas_cylinders": CYLINDERS, "elevator_events": LIFT_EVENTS, "guarantees": GUARANTEES,
        "construction_sites": SITES, "medical_institutions": MEDICAL, "schools": SCHOOLS,
    }.items():  # fmt: skip
        assert district.counts[key] == pytest.approx(whole * share, rel=0.15, abs=2), key
    devices = read(district, "devices")
    for key, kind in (("elevators", "电梯"), ("sensing_points", "场馆感知点")):
        assert district.counts[key] == len(devices.filter(pl.col("设备类型") == kind)), key
    assert COMMUTER_ROUTES == 21 and VENUES == 10  # the articles' own figures
    lines = read(district, "commercial_vehicles")["线路"].drop_nulls()
    assert lines.n_unique() <= 2
    venues = read(district, "sensing_points")["场馆"]
    assert venues.n_unique() == 1


def test_records_refer_to_what_exists(district: Manifest) -> None:
    vehicles = read(district, "vehicles")
    plates = set(vehicles["号牌号码"])
    trucks = set(vehicles.filter(pl.col("车辆类型") == "工程运输车")["号牌号码"])
    firms = set(read(district, "enterprises")["统一社会信用代码"])
    people = set(read(district, "residents")["公民身份号码"])
    devices = set(read(district, "devices")["设备编号"])
    sites, dumps = (
        set(read(district, "construction_sites")["施工许可证号"]),
        set(read(district, "dump_sites")["消纳场编号"]),
    )
    trips, permits = read(district, "trips"), iso("truck_permits", district)
    assert set(trips["车牌"]) <= trucks and set(permits["车号"]) <= trucks
    assert set(read(district, "commercial_vehicles")["车牌号"]) <= plates
    assert set(trips["工地编号"]) | set(permits["工地许可证号"]) <= sites
    assert set(permits["消纳场编号"]) <= dumps
    declared = trips.filter(pl.col("卸点类型") == "备案消纳场")
    assert set(declared["卸点编号"]) <= dumps and declared["疑似卸点编码"].null_count() == len(declared)
    assert set(vehicles["准运证号"].drop_nulls()) <= set(permits["准运证编号"])
    for key, column in (("elevators", "物联设备编号"), ("elevator_events", "device_id"), ("culvert_events", "接入设备号"), ("sensing_points", "平台设备号")):  # fmt: skip
        assert set(read(district, key)[column]) <= devices, key
    for key, column in (("guarantees", "债务企业代码"), ("guarantees", "保证企业代码"), ("prepaid_cards", "信用代码"),
                        ("construction_sites", "施工单位信用代码"), ("dump_sites", "运营单位代码"), ("elevators", "使用单位代码")):  # fmt: skip
        assert set(read(district, key)[column]) <= firms, (key, column)
    assert set(read(district, "gas_cylinders")["用户证照号"]) <= people | firms
    for key, columns in (("deaths", ("逝者公民身份号码", "申报人证件号")), ("marriages", ("男方身份证件号", "女方身份证件号")),
                         ("schools", ("校长证件号",)), ("construction_sites", ("项目经理身份证",))):  # fmt: skip
        for column in columns:
            assert set(read(district, key)[column].drop_nulls()) <= people, (key, column)


def test_a_trucks_registered_permit_is_the_one_with_that_end(district: Manifest) -> None:
    ends = dict(iso("truck_permits", district).select("准运证编号", "有效期止").iter_rows())
    for number, end in read(district, "vehicles").select("准运证号", "准运证有效期").drop_nulls().iter_rows():
        assert ends[number] == end


def test_nothing_is_later_than_today(district: Manifest) -> None:
    for key, columns in {
        "trips": ("驶出工地", "到达卸点"), "elevator_events": ("触发时间", "恢复时间"), "culvert_events": ("预警时间", "解除时间"),
        "deaths": ("死亡日期", "登记日期"), "marriages": ("结婚登记日期", "离婚登记日期"), "risk_assessments": ("受理日期", "评审日期"),
        "prepaid_cards": ("报送时间",), "gas_cylinders": ("更新时间", "上次检验日"),
    }.items():  # fmt: skip
        rows = iso(key, district)
        for column in columns:
            assert rows[column].drop_nulls().max()[:10] <= TODAY, (key, column)  # type: ignore[index, operator]
        if len(columns) == 2 and key != "gas_cylinders":
            pairs = rows.select(columns).drop_nulls()
            assert (pairs[columns[0]] <= pairs[columns[1]]).all(), key


# -- the answer key ------------------------------------------------------------------------------------------------


def test_trips_of_the_answer_key_are_those_of_the_rows(district: Manifest, planted: dict[str, Any]) -> None:
    trips, permits = read(district, "trips"), iso("truck_permits", district)
    number, plate = trips["趟次编号"], trips["车牌"]
    assert planted["trip_off_route"] == number.filter(trips["偏航标志"] == "1").to_list()
    assert planted["trip_undeclared_dump"] == number.filter(trips["卸点类型"] == "疑似卸点").to_list()
    assert planted["trip_uncovered"] == number.filter(trips["密闭标志"] == "0").to_list()
    spans: dict[str, list[tuple[str, str]]] = {}
    for truck, since, until, state in permits.select("车号", "有效期起", "有效期止", "证件状态").iter_rows():
        if state != "revoked":
            spans.setdefault(truck, []).append((since, until))
    bare = [
        key
        for key, truck, day in zip(number, plate, trips["驶出工地"].str.slice(0, 10), strict=True)
        if not any(since <= day <= until for since, until in spans.get(truck, ()))
    ]
    assert planted["trip_without_permit"] == bare
    # They are rare, and there are some.
    for pattern, (low, high) in {
        "trip_off_route": (0.01, 0.04), "trip_undeclared_dump": (0.003, 0.02), "trip_without_permit": (0.005, 0.04),
    }.items():  # fmt: skip
        assert low < len(planted[pattern]) / len(trips) < high, pattern


def test_cylinders_of_the_answer_key(district: Manifest, planted: dict[str, Any]) -> None:
    rows = iso("gas_cylinders", district)
    overdue = rows.filter((pl.col("下次检验日") < TODAY) & (pl.col("气瓶状态") == "online"))
    assert planted["cylinder_overdue"] == overdue["气瓶编码"].to_list()
    assert 0.02 < len(overdue) / len(rows) < 0.06
    assert 0 < len(planted["cylinder_in_high_rise"]) / len(rows) < 0.03


def test_guarantee_chains_and_rings_close_as_they_should(district: Manifest, planted: dict[str, Any]) -> None:
    rows = iso("guarantees", district)
    sides = {k: (a, b) for k, a, b in rows.select("担保合同号", "保证企业代码", "债务企业代码").iter_rows()}
    assert all(a != b for a, b in sides.values())
    ends = dict(rows.select("担保合同号", "到期日").iter_rows())
    assert planted["guarantee_chain"] and planted["guarantee_ring"]
    for pattern in ("guarantee_chain", "guarantee_ring"):
        for group in planted[pattern]:
            follows = dict(sides[key] for key in group)
            assert len(follows) == len(group)
            assert all(ends[key] >= TODAY for key in group)
            (start, *more) = set(follows) - set(follows.values()) or {sides[group[0]][0]}
            assert not more
            firm, steps = follows[start], 1
            while firm != start and firm in follows:
                firm, steps = follows[firm], steps + 1
            assert steps == len(group) and (firm == start) == (pattern == "guarantee_ring")


def test_elevators_and_culverts_of_the_answer_key(district: Manifest, planted: dict[str, Any]) -> None:
    events = {row["event_id"]: row for row in read(district, "elevator_events").iter_rows(named=True)}
    for group in planted["ebike_in_elevator"]:
        assert len(group) >= 4
        assert len({events[key]["device_id"] for key in group}) == 1
        assert {events[key]["事件类型"] for key in group} == {"电动车入梯"}
        days = sorted(date.fromisoformat(events[key]["触发时间"][:10]) for key in group)
        assert (days[-1] - days[0]).days <= 21
    floods = {row["预警编号"]: row for row in read(district, "culvert_events").iter_rows(named=True)}
    assert len(planted["culvert_flood_after_rain"]) == RAINS
    for group in planted["culvert_flood_after_rain"]:
        assert len({floods[key]["预警时间"][:10] for key in group}) == 1
        assert all(float(floods[key]["小时雨量(mm)"]) >= 20 for key in group)
        assert {floods[key]["预警时间"][5:7] for key in group} <= {"06", "07", "08", "09"}


def test_deaths_agree_with_the_police_but_for_the_planted(
    district: Manifest, planted: dict[str, Any]
) -> None:
    said = dict(
        read(district, "residents")
        .filter(pl.col("离开日期").is_null())
        .select("公民身份号码", "死亡日期")
        .iter_rows()
    )
    late = set(planted["death_unknown_to_police"])
    assert late
    for key, number, day in (
        iso("deaths", district).select("登记号", "逝者公民身份号码", "死亡日期").iter_rows()
    ):
        assert (said.get(number) is None) == (key in late) or said.get(number) == day, key


def test_people_of_the_records_are_in_the_answer_key(district: Manifest) -> None:
    mentions = pl.read_parquet(district.directory / "truth" / "people_records.parquet")
    people = pl.read_parquet(district.directory / "truth" / "people.parquet")
    number = dict(people.select("person", "identity_number").iter_rows())
    for key, name, identity in (
        ("gas_cylinders", "用户名称", "用户证照号"), ("schools", "校（园）长", "校长证件号"), ("deaths", "逝者姓名", "逝者公民身份号码"),
        ("deaths", "申报人", "申报人证件号"), ("marriages", "女方姓名", "女方身份证件号"), ("construction_sites", "项目经理", "项目经理身份证"),
        ("medical_institutions", "法定代表人", "法定代表人证件"),
    ):  # fmt: skip
        rows = read(district, key)
        said = mentions.filter((pl.col("feed") == key) & (pl.col("role") == name))
        assert len(said) == rows[name].drop_nulls().len(), (key, name)
        by_key = dict(rows.select(BY_KEY[key].key_column, identity).iter_rows())
        for person, record in said.select("person", "record_key").iter_rows():
            if person.startswith("P"):
                assert by_key[record] == number[person], (key, record)


# -- forms and noise -----------------------------------------------------------------------------------------------


def test_departments_write_in_their_own_ways(district: Manifest) -> None:
    endings = {
        name.rsplit("_", 1)[0]: name.rsplit(".", 1)[1] for name in district.files if name.startswith("feeds/")
    }
    forms = {key: endings[f"feeds/{BY_KEY[key].name}"] for key in THINGS}
    assert {forms[k] for k in ("construction_sites", "schools", "risk_assessments")} == {"xlsx"}
    assert (forms["trips"], forms["commercial_vehicles"], forms["elevator_events"]) == (
        "parquet",
        "tsv",
        "jsonl",
    )
    deaths = (district.directory / "feeds" / BY_KEY["deaths"].file(date(2025, 12, 15))).read_bytes()
    with pytest.raises(UnicodeDecodeError):
        deaths.decode("utf-8")
    assert deaths.decode("gb18030").startswith("登记号,逝者姓名")
    assert read(district, "deaths")["死亡日期"].str.contains(r"^\d{8}$").all()
    assert read(district, "truck_permits")["有效期止"].str.contains(r"^\d{4}\.\d\d\.\d\d$").all()
    assert read(district, "prepaid_cards")["备案日"].str.contains("年.*月.*日$").all()


def test_parquet_is_written_as_text(tmp_path: Path) -> None:
    feed: Feed = BY_KEY["trips"]
    frame = pl.DataFrame({name: ["1", None] for name in (*feed.columns, NATURE)})
    path = write_feed(feed, frame, tmp_path, date(2025, 12, 15))
    assert path.name == "城管_运输趟次_20251215.parquet"
    assert pl.read_parquet(path).equals(frame)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The same district as its departments would send it at their worst."""
    directory = tmp_path_factory.mktemp("noisy")
    return seed_district(directory, SeedOptions(scale=0.01, noise="hard", only=THINGS))


@pytest.mark.parametrize("key", THINGS)
def test_noise_applies(district: Manifest, noisy: Manifest, key: str) -> None:
    clean, made = read(district, key), read(noisy, key)
    checked = check(FEEDS[key], made, load_terms())
    assert checked.rejected_rows < max(3, len(made) * 0.1)
    if len(clean) > 200:
        assert len(made) > len(clean)  # some rows come twice
        assert made[BY_KEY[key].key_column].null_count() > 0
        assert checked.rejected_rows > 0
    for text, _ in BY_KEY[key].addresses:
        if len(clean) > 20:
            assert set(made[text].drop_nulls()) - set(clean[text].drop_nulls()), text


def test_the_world_behind_the_noise_is_the_same(district: Manifest, noisy: Manifest) -> None:
    assert noisy.files["truth/planted.json"] == district.files["truth/planted.json"]
