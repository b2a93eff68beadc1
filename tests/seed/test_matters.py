"""Feeds of matters: sound records, referrals that lead somewhere, and which records are one matter."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.contract import check, check_header
from loaders.declaration import load_feeds
from ontology.identifiers.citizen_id import check_citizen_id
from ontology.identifiers.mobile import check_phone
from ontology.identifiers.uscc import check_uscc
from ontology.terms import CATALOG, load_terms
from seed import Manifest, SeedOptions, seed_district
from seed.departments import SOURCES
from seed.feeds import BY_KEY, NATURE, dated, shaped
from seed.matters import TOPICS
from tests.seed.test_seed import read

KEYS = ("lane_events", *(source.feed for source in SOURCES))
REPORTING = (
    "alarms",
    "mediations",
    "hazards",
    *(key for key in KEYS if key not in ("patrol_points", "self_registrations")),
)
REFERRALS = (
    ("cases", "转办单号", ("hotline",)), ("hall_visits", "关联编号", ("alarms", "mediations", "hotline")),
    ("labour_disputes", "前置调解编号", ("mediations",)), ("complaints", "来源工单", ("hotline",)),
    ("suits", "诉前调解编号", ("mediations",)), ("grid_reports", "来源单号", ("hotline",)),
)  # fmt: skip
NUMBERS = re.compile(r"(?<![A-Z])(?:J\d{15}|TJ\d{15}|RX\d{14}|MT\d{14})(?!\d)")
IDENTITIES = {
    "hotline": ("来电人证件号",), "cases": ("当事人证照号",), "safety_inspections": ("信用代码",), "hall_visits": ("来访人身份证",),
    "labour_disputes": ("劳动者身份证号", "用人单位信用代码"), "complaints": ("消费者证件号", "主体代码"), "petitions": ("证件号码",),
    "suits": ("原告证件号码", "被告证件号码"), "visits": ("对象证件号",), "self_registrations": ("证件号",),
}  # fmt: skip


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A clean district of six communities."""
    return seed_district(tmp_path_factory.mktemp("matters"), SeedOptions(scale=0.01, noise="clean"))


@pytest.fixture(scope="module")
def matters(district: Manifest) -> pl.DataFrame:
    return pl.read_parquet(district.directory / "truth" / "matters.parquet")


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    options = SeedOptions(scale=0.002, noise="hard")
    one, two = (seed_district(tmp_path / name, options) for name in ("a", "b"))
    assert one.files == two.files
    other = seed_district(tmp_path / "c", SeedOptions(scale=0.002, noise="hard", seed=8))
    for key in KEYS:
        (path,) = (name for name in one.files if name.startswith(f"feeds/{BY_KEY[key].name}_"))
        assert one.files[path]["sha256"] != other.files[path]["sha256"], path


def test_counts_grow_with_the_district(tmp_path: Path, district: Manifest) -> None:
    wide = seed_district(tmp_path, SeedOptions(scale=0.03, noise="clean"))
    more = wide.counts["communities_filled"] / district.counts["communities_filled"]
    for key in KEYS:
        assert wide.counts[key] / district.counts[key] == pytest.approx(more, rel=0.2), key


@pytest.mark.parametrize("key", KEYS)
def test_every_clean_row_passes_its_contract(district: Manifest, key: str) -> None:
    feed, rows = load_feeds(CATALOG / "feeds")[key], read(district, key)
    check_header(feed, rows.columns, key)
    checked = check(feed, rows, load_terms())
    assert checked.rejections == []
    assert checked.dropped_cells == 0
    assert len(checked.rows) == len(rows) == district.counts[key]
    assert feed.takes(Path(next(n for n in district.files if BY_KEY[key].name in n)).name)


def test_a_file_is_taken_by_one_feed_only(district: Manifest) -> None:
    feeds = load_feeds(CATALOG / "feeds")
    for name in district.files:
        if name.startswith("feeds/"):
            taking = [feed.feed for feed in feeds.values() if feed.takes(Path(name).name)]
            assert len(taking) == 1, (name, taking)


@pytest.mark.parametrize(("key", "columns"), IDENTITIES.items())
def test_identity_numbers_are_valid(district: Manifest, key: str, columns: tuple[str, ...]) -> None:
    rows = read(district, key)
    for column in columns:
        numbers = rows[column].drop_nulls().unique()
        assert len(numbers) or key == "hotline"
        for number in numbers:
            assert check_citizen_id(number, today=date(2025, 12, 15)).ok or check_uscc(number).ok, number


def test_departments_differ_in_whose_number_they_have(district: Manifest) -> None:
    def share(key: str, column: str) -> float:
        rows = read(district, key)
        return 1 - rows[column].null_count() / len(rows)

    assert share("suits", "原告证件号码") == 1
    assert share("labour_disputes", "劳动者身份证号") == 1
    assert 0.6 < share("petitions", "证件号码") < 0.85
    assert share("self_registrations", "证件号") < 0.25
    assert share("hotline", "来电人证件号") < 0.04
    polite = read(district, "hotline")["来电人"].str.contains("先生$|女士$").mean()
    assert isinstance(polite, float) and polite > 0.6


def test_phones_are_phones_and_not_always_ones_own(district: Manifest) -> None:
    truth = district.directory / "truth"
    own = dict(pl.read_parquet(truth / "people.parquet").select("person", "phone").iter_rows())
    records = pl.read_parquet(truth / "people_records.parquet")
    for key, role, column in (
        ("hotline", "来电人", "来电号码"),
        ("petitions", "信访人", "联系电话"),
        ("self_registrations", "姓名", "本人手机"),
    ):
        rows = read(district, key)
        said = dict(rows.select(BY_KEY[key].key_column, column).iter_rows())
        who = records.filter((pl.col("feed") == key) & (pl.col("role") == role))
        assert len(who) == len(rows)
        assert all(check_phone(number).ok for number in rows[column].drop_nulls())
        same = [
            said[record] == own[person]
            for person, record in who.select("person", "record_key").iter_rows()
            if own[person]
        ]
        assert 0.8 < sum(same) / len(same) < 1, key


def test_every_record_is_in_exactly_one_matter(district: Manifest, matters: pl.DataFrame) -> None:
    assert matters.columns == ["matter", "feed", "record_key", "source_number"]
    assert matters.null_count().sum_horizontal().item() == 0
    assert set(matters["feed"]) == set(REPORTING)
    for key in REPORTING:
        keys = matters.filter(pl.col("feed") == key)["record_key"]
        assert keys.to_list() == read(district, key)[BY_KEY[key].key_column].to_list(), key
    sizes = matters.group_by("matter").len()["len"]
    assert 0.05 < len(sizes.filter(sizes > 1)) / len(sizes) < 0.4, "most are alone"


def test_a_referral_names_a_record_of_the_same_matter(district: Manifest, matters: pl.DataFrame) -> None:
    of = {(feed, number): matter for matter, feed, _, number in matters.iter_rows()}
    by_number = dict(matters.select("source_number", "matter").iter_rows())
    pairs: list[tuple[str, str, str, tuple[str, ...]]] = [
        ("mediations", "调解编号", "关联接警单号", ("alarms",))
    ]
    pairs += [(key, BY_KEY[key].key_column, column, to) for key, column, to in REFERRALS]
    for key, number, column, sources in pairs:
        referred = read(district, key).select(number, column).drop_nulls()
        assert len(referred), key
        for own, said in referred.iter_rows():
            found = {of[source, said] for source in sources if (source, said) in of}
            assert found == {of[key, own]}, (key, own, said)
    told = 0
    for key, column in (("petitions", "信访内容"), ("hotline", "诉求内容")):
        for own, text in read(district, key).select(BY_KEY[key].key_column, column).iter_rows():
            for said in NUMBERS.findall(text):
                told += 1
                assert by_number[said] == of[key, own]
    assert told > 10


def test_some_matters_are_known_by_nothing_but_what_they_are(
    district: Manifest, matters: pl.DataFrame
) -> None:
    """Petitions and suits of a matter that others have, which name no number at all."""
    shared = matters.filter(pl.len().over("matter") > 1)
    text = dict(read(district, "petitions").select("信访件编号", "信访内容").iter_rows())
    silent = [
        n
        for n in shared.filter(pl.col("feed") == "petitions")["source_number"]
        if not NUMBERS.search(text[n])
    ]
    assert len(silent) > 5
    chains = Counter(shared.group_by("matter").agg(pl.col("feed").n_unique())["feed"])
    assert chains[3] > 0, "some went through three departments"


def test_reports_of_one_matter_are_near_in_time_and_alike(district: Manifest, matters: pl.DataFrame) -> None:
    terms = load_terms()
    codes = terms.code_of("incident_kind")
    alarms = {
        r[0]: r[1:]
        for r in read(district, "alarms").select("接警单号", "报警时间", "警情细类", "地址编码").iter_rows()
    }
    visits = {
        r[0]: r[1:]
        for r in read(district, "hall_visits").select("登记流水号", "来访时间", "事项分类").iter_rows()
    }
    of = {matter: number for matter, feed, _, number in matters.iter_rows() if feed == "alarms"}
    pairs = [(of[m], n) for m, f, _, n in matters.iter_rows() if f == "hall_visits" and m in of]
    assert pairs
    for alarm, visit in pairs:
        assert alarms[alarm][0] < visits[visit][0]
        assert codes[alarms[alarm][1]] == codes[visits[visit][1]]


def test_free_texts_name_the_place(district: Manifest) -> None:
    full = dict(read(district, "addresses").select("地址编码", "全称").iter_rows())
    truth = pl.read_parquet(district.directory / "truth" / "addresses.parquet")
    for key, column in (("petitions", "信访内容"), ("hotline", "诉求地址")):
        texts = truth.filter((pl.col("feed") == key) & (pl.col("column") == column))
        assert len(texts) == district.counts[key]
        assert all(
            full[code].removeprefix("萧山区") in text
            for text, code in texts.select("text", "code").iter_rows()
        )
    lengths = [len(text) for text in read(district, "petitions")["信访内容"]]
    assert min(lengths) >= 60 and max(lengths) <= 240
    written = truth.filter(pl.col("feed") == "self_registrations")
    as_is = [full[code].endswith(text) for text, code in written.select("text", "code").iter_rows()]
    assert 0.3 < sum(as_is) / len(as_is) < 0.9, "tenants write in their own way"


def test_steps_are_in_order_and_nothing_is_later_than_today(district: Manifest) -> None:
    feeds, terms = load_feeds(CATALOG / "feeds"), load_terms()
    for key in KEYS:
        rows = check(feeds[key], read(district, key), terms).rows
        for name, spec in feeds[key].columns.items():
            if spec.type.value == "datetime" and "期限" not in name:
                assert (rows[name].drop_nulls() <= "2025-12-15T23:59:59+08:00").all(), (key, name)
    cases = read(district, "cases").select("上报时间", "派遣时间", "结案时间").drop_nulls()
    assert (cases["上报时间"] <= cases["派遣时间"]).all()
    assert (cases["上报时间"] < cases["结案时间"]).all()


def test_files_come_in_the_form_of_their_department(district: Manifest) -> None:
    endings = Counter(Path(name).suffix for name in district.files if name.startswith("feeds/"))
    assert endings[".jsonl"] >= 2 and endings[".tsv"] >= 1 and endings[".xlsx"] >= 4
    for key in ("suits", "visits"):
        path = district.directory / "feeds" / BY_KEY[key].file(district.today)
        data = path.read_bytes()
        with pytest.raises(UnicodeDecodeError):
            data.decode("utf-8")
        assert NATURE in data.decode("gb18030")
    assert read(district, "suits")["立案日期"].str.contains(r"^\d{4}年[1-9]\d?月[1-9]\d?日$").all()
    assert read(district, "petitions")["登记日期"].str.contains(r"^\d{4}\.\d\d\.\d\d$").all()
    assert (
        read(district, "hotline")["来电时间"].str.contains(r"^\d{4}/[1-9]\d?/[1-9]\d? \d\d:\d\d:\d\d$").all()
    )
    assert read(district, "self_registrations")["申报时间"].str.contains(r"^\d{14}$").all()


def test_only_what_is_a_date_is_written_in_the_department_form() -> None:
    feed = BY_KEY["suits"]
    frame = shaped(
        feed,
        pl.DataFrame(
            {
                "案号": ["1", "2", "3"],
                "立案日期": ["2025-01-05", "2025/1/5", None],
                "结案日期": ["2025-13-45", "2025-11-25 08:05:09", ""],
            }
        ),
    )
    made = dated(feed, frame)
    assert made["立案日期"].to_list() == ["2025年1月5日", "2025/1/5", None]
    assert made["结案日期"].to_list()[1:] == ["2025年11月25日 8时05分", ""]


def test_topics_are_all_different() -> None:
    assert len(set(TOPICS)) == len(TOPICS)


def test_noise_reaches_these_feeds_too(tmp_path: Path) -> None:
    manifest = seed_district(tmp_path, SeedOptions(scale=0.004, noise="hard"))
    feeds, terms = load_feeds(CATALOG / "feeds"), load_terms()
    worse = [len(check(feeds[key], read(manifest, key), terms).rejections) for key in KEYS]
    assert sum(count > 0 for count in worse) > len(KEYS) // 2
    assert read(manifest, "cases")["地点编码"].null_count() > 0


def test_repeats_and_relapses_are_asked_of_other_feeds() -> None:
    """The answer key's disputes and hazards are those of the police, of mediation and of the fire brigade alone."""
    for key in KEYS:
        feed = load_feeds(CATALOG / "feeds")[key]
        for entity in feed.entities.values():
            assert entity.set.get("kind") not in ("=dispute", "=hazard"), key
        own = {alias for alias, entity in feed.entities.items() if entity.set.get("number")}
        assert {link.start for link in feed.links if link.type == "HANDLED_IN"} <= own, key
