"""The synthetic district: the same for the same options, valid, consistent, of the right density."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from python_calamine import CalamineWorkbook

from addresses.scheme import load_scheme
from loaders.declaration import load_feeds
from ontology.errors import UsageError
from ontology.identifiers.citizen_id import check_citizen_id
from ontology.identifiers.plate import check_ebike_plate, check_plate
from ontology.identifiers.uscc import check_uscc
from ontology.identifiers.verdict import Check
from ontology.identifiers.vin import check_vin
from seed import Manifest, SeedOptions, seed_district
from seed.feeds import BY_KEY, FEEDS, NATURE, SYNTHETIC, XLSX_LIMIT, shaped, write_feed
from seed.noise import PROFILES, load_profile
from seed.options import COMMUNITIES

CATALOG = Path(__file__).resolve().parents[2] / "catalog"
TERMS = CATALOG / "terms"
DECLARED = load_feeds(CATALOG / "feeds")
SMALL = 0.004  # two communities


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A clean district of two communities (the villages 紫霞 and an urban one)."""
    return seed_district(tmp_path_factory.mktemp("clean"), SeedOptions(scale=SMALL, noise="clean"))


def read(manifest: Manifest, key: str) -> pl.DataFrame:
    """One feed's rows, as text."""
    feed = BY_KEY[key]
    path = manifest.directory / "feeds" / feed.file(manifest.today)
    if not path.exists():
        rows = CalamineWorkbook.from_path(path.with_suffix(".xlsx")).get_sheet_by_index(0).to_python()
        header = [str(cell) for cell in rows[0]]
        cells = [[str(cell) or None for cell in row] for row in rows[1:]]
        return pl.DataFrame(cells, schema=dict.fromkeys(header, pl.String), orient="row")
    if feed.form == "parquet":
        return pl.read_parquet(path)
    if feed.form == "jsonl":
        return pl.read_ndjson(path, schema=dict.fromkeys((*feed.columns, NATURE), pl.String))
    encoding = "gb18030" if feed.form == "gb18030" else "utf8"
    separator = "\t" if feed.form == "tsv" else ","
    return pl.read_csv(path, infer_schema=False, encoding=encoding, separator=separator)


def zh(name: str, *, parents: bool = True, children: bool = True) -> set[str]:
    """Chinese titles of a term list."""
    terms = yaml.safe_load((TERMS / f"{name}.yaml").read_text(encoding="utf-8"))["terms"]
    return {t["zh"] for t in terms if (parents and "parent" not in t) or (children and "parent" in t)}


def test_the_same_options_give_the_same_bytes(tmp_path: Path, district: Manifest) -> None:
    again = seed_district(tmp_path / "a", SeedOptions(scale=SMALL, noise="clean"))
    assert again.files == district.files
    assert (again.directory / "manifest.json").read_bytes() == (
        district.directory / "manifest.json"
    ).read_bytes()
    noisy = [seed_district(tmp_path / n, SeedOptions(scale=SMALL, noise="hard")).files for n in ("b", "c")]
    assert noisy[0] == noisy[1]
    other = seed_district(tmp_path / "d", SeedOptions(scale=SMALL, noise="clean", seed=8))
    assert other.files != district.files


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    seed_district(tmp_path, SeedOptions(scale=0.002, until=date(2025, 1, 1), noise="clean"))
    manifest = seed_district(tmp_path, SeedOptions(scale=0.002, only=("警情",), noise="clean"))
    assert [path.name for path in (tmp_path / "feeds").iterdir()] == ["公安_警情_20251215.csv"]
    assert set(manifest.counts) & set(BY_KEY) == {"alarms"}


@pytest.mark.parametrize("only", [(), ("devices",)])
def test_progress_reaches_its_total(tmp_path: Path, only: tuple[str, ...]) -> None:
    told: list[tuple[str, int, int | None]] = []
    seed_district(
        tmp_path,
        SeedOptions(scale=0.002, only=only, until=date(2024, 2, 29)),
        lambda *step: told.append(step),
    )
    assert [done for _, done, _ in told] == list(range(1, len(FEEDS) + 3))
    assert {total for _, _, total in told} == {len(FEEDS) + 2}


def test_foreign_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "mine.csv").write_text("x")
    with pytest.raises(UsageError):
        seed_district(tmp_path, SeedOptions(scale=0.002))
    assert (tmp_path / "feeds" / "mine.csv").read_text() == "x"


def test_manifest_tells_all(district: Manifest) -> None:
    told = json.loads((district.directory / "manifest.json").read_text(encoding="utf-8"))
    assert told["synthetic"] is True
    assert told["today"] == "2025-12-15"
    on_disk = {p.relative_to(district.directory).as_posix() for p in district.directory.glob("*/*")}
    assert set(told["files"]) == on_disk
    assert all(len(entry["sha256"]) == 64 for entry in told["files"].values())
    assert "合成" in (district.directory / "README.txt").read_text(encoding="utf-8")


def test_manifest_counts_and_hashes_are_those_of_the_files(district: Manifest) -> None:
    told = json.loads((district.directory / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in told["files"].items():
        data = (district.directory / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest(), name
        assert entry["bytes"] == len(data) > 0, name
    rows = {name: entry["rows"] for name, entry in told["files"].items() if "rows" in entry}
    assert set(rows) == {name for name in told["files"] if name.startswith("feeds/")}
    for key, feed in BY_KEY.items():
        (name,) = (name for name in rows if name.startswith(f"feeds/{feed.name}_"))
        assert rows[name] == len(read(district, key)) == told["counts"][key], name


def test_a_workbook_holds_fewer_rows_than_a_sheet_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert XLSX_LIMIT <= 1_000_000
    feed, until = BY_KEY["volunteers"], date(2025, 12, 15)
    frame = shaped(feed, pl.DataFrame({"红领编号": ["V1", "V2", "V3"], "姓名": ["张", None, "李"]}))
    monkeypatch.setattr("seed.feeds.XLSX_LIMIT", 4)
    book = write_feed(feed, frame, tmp_path, until)
    assert (book.name, book.read_bytes()[:2]) == ("组织部_萧山红领_20251215.xlsx", b"PK")
    monkeypatch.setattr("seed.feeds.XLSX_LIMIT", 3)
    plain = write_feed(feed, frame, tmp_path, until)
    assert plain.name == "组织部_萧山红领_20251215.csv"
    rows = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
    written = pl.read_csv(plain, infer_schema=False)
    assert [[cell or None for cell in row] for row in rows[1:]] == [list(row) for row in written.iter_rows()]
    assert rows[0] == written.columns == frame.columns


def test_a_feed_too_long_for_a_workbook_is_a_csv(
    tmp_path: Path, district: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SeedOptions(scale=SMALL, noise="clean", only=("volunteers",))
    books = [name for name in district.files if name.endswith(".xlsx")]
    assert "feeds/组织部_萧山红领_20251215.xlsx" in books
    count = district.files["feeds/组织部_萧山红领_20251215.xlsx"]["rows"]
    monkeypatch.setattr("seed.feeds.XLSX_LIMIT", count)
    manifest = seed_district(tmp_path, options)
    assert [path.name for path in (tmp_path / "feeds").iterdir()] == ["组织部_萧山红领_20251215.csv"]
    assert manifest.files["feeds/组织部_萧山红领_20251215.csv"]["rows"] == count
    assert read(manifest, "volunteers").equals(read(district, "volunteers"))
    monkeypatch.setattr("seed.feeds.XLSX_LIMIT", count + 1)
    seed_district(tmp_path, options)
    assert [path.name for path in (tmp_path / "feeds").iterdir()] == ["组织部_萧山红领_20251215.xlsx"]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.key)
def test_feed_shape(district: Manifest, feed: object) -> None:
    key = getattr(feed, "key", "")
    frame = read(district, key)
    assert tuple(frame.columns) == (*BY_KEY[key].columns, NATURE)
    assert set(frame[NATURE]) == {SYNTHETIC}
    assert len(frame) == district.counts[key] > 0
    keys = frame[BY_KEY[key].key_column]
    assert keys.null_count() == 0
    if key != "residents":  # a move is a second row
        assert frame.select(DECLARED[key].key).n_unique() == len(frame)


def test_whole_hierarchy_at_any_scale(district: Manifest) -> None:
    counts = Counter(read(district, "addresses")["层级"])
    assert (counts["区"], counts["镇街"], counts["村社"]) == (1, 27, COMMUNITIES)
    assert (counts["网格"], counts["微网格"]) == (2035, 15_656)


def test_addresses_are_sound(district: Manifest) -> None:
    frame = read(district, "addresses")
    assert frame["全称"].n_unique() == len(frame)
    aliases = frame["别名"].drop_nulls()
    assert aliases.n_unique() == len(aliases)
    assert not set(aliases) & set(frame["全称"])
    codes = set(frame["地址编码"])
    assert set(frame["上级编码"].drop_nulls()) <= codes
    for column in ("网格编码", "道路编码", "小区编码"):
        assert set(frame[column].drop_nulls()) <= codes
    scheme = load_scheme()
    level = {title.zh: name for name, title in scheme.titles.items()}
    for code, title, parent in frame.select("地址编码", "层级", "上级编码").iter_rows():
        parsed = scheme.parse(code)
        assert parsed.code == code
        if title in level:
            assert parsed.level == level[title]
        if parent and not parsed.independent:
            assert parsed.parent == parent
    assert set(frame["层级"]) <= zh("address_level")


def test_every_place_named_exists_and_reads_as_in_the_address_feed(district: Manifest) -> None:
    full = dict(read(district, "addresses").select("地址编码", "全称").iter_rows())
    for feed in FEEDS:
        for text, code in feed.addresses:
            if code.startswith("_"):  # free text; only the answer key knows the code
                continue
            for said, at in read(district, feed.key).select(text, code).unique().iter_rows():
                if said is None and at is None:  # a trip to a declared dump site says no place
                    assert feed.key == "trips"
                    continue
                assert full[at] == said
    assert set(read(district, "volunteers")["队伍服务地址编码"]) <= set(full)


def test_identifiers_are_valid(district: Manifest) -> None:
    people = read(district, "residents")
    for number, sex, birth in people.select("公民身份号码", "性别", "出生日期").iter_rows():
        verdict = check_citizen_id(number, today=date(2025, 12, 15))
        assert verdict.ok and verdict.region is not Check.BAD
        assert verdict.birth == birth
        assert verdict.sex == {"男": "M", "女": "F"}[sex]
    persons = people.unique("人口编号")
    assert persons["公民身份号码"].n_unique() == len(persons)
    for code, registration in read(district, "enterprises").select("统一社会信用代码", "注册号").iter_rows():
        verdict = check_uscc(code)
        assert verdict.ok and verdict.inner is Check.OK
        assert registration is None or check_uscc(registration).ok
    for plate, kind, vin in (
        read(district, "vehicles").select("号牌号码", "号牌种类", "车辆识别代号").iter_rows()
    ):
        verdict = check_ebike_plate(plate) if kind == "电动自行车" else check_plate(plate)
        assert verdict.ok and verdict.form is Check.OK, plate
        expected = {"小型新能源汽车": "new_energy_small", "大型新能源汽车": "new_energy_large"}.get(kind)
        assert expected is None or verdict.kind == expected
        assert vin is None or check_vin(vin).ok


@pytest.mark.parametrize(
    ("key", "column", "terms"),
    [
        ("residents", "性别", "sex"), ("residents", "户籍类型", "residence"), ("residents", "与户主关系", "kin"),
        ("houses", "用途", "house_use"), ("enterprises", "主体类型", "enterprise_kind"),
        ("enterprises", "行业", "industry"), ("enterprises", "登记状态", "enterprise_state"),
        ("vehicles", "号牌种类", "plate_kind"), ("vehicles", "车辆类型", "vehicle_kind"), ("vehicles", "能源", "energy"),
        ("vehicles", "状态", "vehicle_state"), ("alarms", "处置状态", "matter_state"),
        ("mediations", "调解状态", "matter_state"), ("hazards", "隐患状态", "matter_state"),
        ("hazards", "隐患等级", "severity"), ("volunteers", "队伍层级", "team_level"),
        ("volunteers", "角色", "volunteer_role"), ("devices", "设备类型", "device_kind"), ("devices", "状态", "device_state"),
    ],
)  # fmt: skip
def test_words_are_terms(district: Manifest, key: str, column: str, terms: str) -> None:
    assert set(read(district, key)[column].drop_nulls()) <= zh(terms)


def test_incident_kinds_are_terms(district: Manifest) -> None:
    alarms = read(district, "alarms")
    assert set(alarms["警情类别"]) <= zh("incident_kind", children=False)
    children = zh("incident_kind", parents=False)
    assert set(alarms["警情细类"].drop_nulls()) <= children
    assert set(read(district, "mediations")["纠纷类型"]) <= children
    assert set(read(district, "hazards")["隐患类别"].drop_nulls()) <= children


def test_steps_are_in_order_and_never_later_than_today(district: Manifest) -> None:
    for key, steps in (
        ("alarms", ("报警时间", "派警时间", "到场时间", "办结时间")),
        ("mediations", ("受理时间", "办结时间")),
        ("hazards", ("检查时间", "整改完成时间", "复查时间")),
    ):
        frame = read(district, key)
        for row in frame.select(steps).iter_rows():
            known = [time for time in row if time]
            assert known == sorted(known)
            assert known[-1] <= "2025-12-15 23:59:59"
            assert known[0] >= "2023-12-01"
    alarms = read(district, "alarms")
    mediations = read(district, "mediations")
    when = dict(alarms.select("接警单号", "报警时间").iter_rows())
    for alarm, time in mediations.select("关联接警单号", "受理时间").drop_nulls().iter_rows():
        assert when[alarm] < time
    assert alarms["办结时间"].null_count() < len(alarms) * 0.08


def test_records_refer_to_what_exists(district: Manifest) -> None:
    people, firms = read(district, "residents"), read(district, "enterprises")
    identities, codes = set(people["公民身份号码"]), set(firms["统一社会信用代码"])
    assert set(people["户主证件号"]) <= identities
    assert set(people["工作单位代码"].drop_nulls()) <= codes
    assert set(read(district, "houses")["产权人证件号"]) <= identities | codes
    assert set(read(district, "vehicles")["所有人证件号"]) <= identities | codes
    assert set(read(district, "tenancies")["房屋编号"]) <= set(read(district, "houses")["房屋编号"])
    plates = set(read(district, "vehicles")["号牌号码"])
    assert set(read(district, "alarms")["涉事车辆号牌"].drop_nulls()) <= plates


def test_density_holds_at_a_small_scale(tmp_path: Path) -> None:
    manifest = seed_district(tmp_path, SeedOptions(scale=0.05, noise="clean"))
    factor = COMMUNITIES / manifest.counts["communities_filled"]
    for name, whole in {
        "buildings": 180_000, "homes": 1_100_000, "people": 2_560_000, "floating_people": 1_330_000, "landlords": 180_000,
        "enterprises": 250_000, "vehicles": 730_000, "volunteers": 245_000, "alarms": 760_000, "mediations": 100_000,
    }.items():  # fmt: skip
        assert manifest.counts[name] * factor == pytest.approx(whole, rel=0.15), name
    people = read(manifest, "residents").unique("人口编号")
    assert people["手机号"].null_count() / len(people) == pytest.approx(0.12, abs=0.02)
    ages = 2025 - people["出生日期"].str.slice(0, 4).cast(pl.Int64).to_numpy()
    assert 0.05 < float(np.mean(ages < 15)) < 0.2
    assert 0.08 < float(np.mean(ages > 60)) < 0.35
    hours = Counter(time[11:13] for time in read(manifest, "alarms")["报警时间"])
    assert hours["20"] > 3 * hours["04"]


def test_same_named_villages_come_first(district: Manifest) -> None:
    used = set(read(district, "residents")["地址编码"].str.slice(0, 12))
    assert "330109004235" in used
    assert len(used) == 2


def test_areas_and_plants(tmp_path: Path) -> None:
    manifest = seed_district(
        tmp_path,
        SeedOptions(
            scale=0.002,
            noise="clean",
            areas=("330109100",),
            plant={"repeat-disputes": 10, "relapses": 8, "near-misses": 12},
        ),
    )
    assert {code[:9] for code in read(manifest, "residents")["地址编码"]} == {"330109100"}
    repeats = json.loads((tmp_path / "truth" / "repeats.json").read_bytes())
    assert sum(item["planted"] for item in repeats) >= 10
    relapses = json.loads((tmp_path / "truth" / "relapses.json").read_bytes())
    assert sum(item["planted"] for item in relapses) >= 8
    with pytest.raises(UsageError):
        seed_district(tmp_path, SeedOptions(areas=("999",)))


@pytest.mark.parametrize(
    "options", [{"scale": 0}, {"scale": 2}, {"noise": "loud"}, {"only": ("x",)}, {"plant": {"x": 1}}]
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="BAD_ARGUMENT"):
        seed_district(tmp_path, SeedOptions(**options))  # type: ignore[arg-type]


def test_clean_has_no_noise_and_the_others_have(tmp_path: Path, district: Manifest) -> None:
    assert not any(load_profile("clean").values())
    assert set(yaml.safe_load(PROFILES.read_text(encoding="utf-8"))) == {
        "clean",
        "normal",
        "hard",
        "address_text",
    }
    clean = read(district, "residents")
    assert clean["地址编码"].null_count() == 0
    assert clean["出生日期"].str.contains(r"^\d{4}-\d\d-\d\d$").all()
    shares = []
    for noise in ("normal", "hard"):
        manifest = seed_district(tmp_path / noise, SeedOptions(scale=SMALL, noise=noise))
        people = read(manifest, "residents")
        assert len(people) > len(clean)  # some rows come twice
        odd = people.filter(~pl.col("出生日期").str.contains(r"^\d{4}-\d\d-\d\d$"))
        blank = people["地址编码"].null_count() / len(people)
        truth = pl.read_parquet(manifest.directory / "truth" / "addresses.parquet")
        full = dict(read(manifest, "addresses").select("地址编码", "全称").iter_rows())
        varied = truth.filter(pl.col("feed") == "residents")
        other = np.mean([full[code] != text for text, code in varied.select("text", "code").iter_rows()])
        shares.append((len(odd) / len(people), blank, float(other)))
        # The same world stands behind both.
        same = pl.read_parquet(manifest.directory / "truth" / "people.parquet")
        assert same.equals(pl.read_parquet(district.directory / "truth" / "people.parquet"))
        assert (manifest.directory / "truth" / "repeats.json").read_bytes() == (
            district.directory / "truth" / "repeats.json"
        ).read_bytes()
    assert all(hard > normal > 0 for normal, hard in zip(*shares, strict=True))
