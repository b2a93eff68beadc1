"""Unknown files looked at, and the declarations proposed for them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from addresses.scheme import load_scheme
from loaders import contract, readers
from loaders.declaration import ColumnType, Feed, load_feeds
from loaders.look import Look, look
from loaders.mapping import Mapper
from loaders.propose import propose
from ontology import identifiers
from ontology.errors import UsageError
from ontology.identifiers import make_citizen_id, make_uscc
from ontology.terms import CATALOG, load_terms
from seed import SeedOptions, seed_district
from seed.workbook import write_workbook

FEEDS = load_feeds(CATALOG / "feeds")
TERMS = load_terms(CATALOG)
SCHEME = load_scheme()
FORMS = {
    "cases": "jsonl",
    "suits": "csv",
    "visits": "csv",
    "checkins": "tsv",
    "trips": "parquet",
    "hall_visits": "xlsx",
}
# Addresses are of no feed's own, a place named twice or not at all is a matter of judgement.
# Rows that are places themselves, or that say where something is by more than an address: a proposal only tells where a thing stands.
PLACES_ELSEWHERE = {
    "addresses", "food_safety_grids", "patrol_areas", "points_of_interest", "real_estate_units", "successions", "volunteers", "deaths",
}  # fmt: skip


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("propose")
    seed_district(directory, SeedOptions(scale=0.002))
    return directory / "feeds"


def file_of(district: Path, feed: Feed) -> Path:
    return next(p for p in sorted(district.iterdir()) if feed.takes(p.name))


def looked(path: Path, leave_out: str | None = None) -> tuple[Look, Feed, str]:
    """A look at a file and what is proposed; `leave_out` is the feed that nobody has declared yet."""
    known = {name: feed for name, feed in FEEDS.items() if name != leave_out}
    found = look(path, TERMS, SCHEME, known)
    text = propose(found, known)
    return found, Feed.model_validate(yaml.safe_load(text)), text


def claimed(path: Path, feed: Feed) -> tuple[pl.DataFrame, dict[str, set[str]]]:
    """The rows that the contract keeps of a file, and the ids by label that they speak of."""
    mapper = Mapper(feed, TERMS, b"k" * 32)
    rows = pl.concat(
        f
        for s in readers.sources(path, feed.reading_options(), feed.header_names(), feed.key)
        for f in s.frames
    )
    checked = contract.check(feed, rows, TERMS)
    ids: dict[str, set[str]] = {}
    for i, row in enumerate(checked.rows.iter_rows(named=True)):
        for node in mapper.claims(str(i), row).nodes:
            ids.setdefault(node.label, set()).add(node.id)
    return rows, ids


def csv(path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(rows).encode(encoding))
    return path


# -- against what is declared by hand ------------------------------------------------------------------------------


def test_types_are_those_that_people_declared(district: Path) -> None:
    told = right = 0
    for name, feed in FEEDS.items():
        found, proposed, _ = looked(file_of(district, feed), leave_out=name)
        shares = []
        for column in found.columns:
            declared = feed.columns.get(column.name)
            if declared is None or not column.filled:
                continue
            got = proposed.columns[column.name]
            shares.append((got.type, got.terms) == (declared.type, declared.terms))
        assert sum(shares) >= 0.88 * len(shares), name
        told, right = told + len(shares), right + sum(shares)
    assert right / told >= 0.95, f"{right}/{told}"


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_key_and_address_are_those_that_people_declared(name: str, district: Path) -> None:
    feed = FEEDS[name]
    found, proposed, _ = looked(file_of(district, feed), leave_out=name)
    assert proposed.key[0] == feed.key[0]
    if feed.effective is not None and name != "deaths":
        assert proposed.effective == feed.effective
    if name not in PLACES_ELSEWHERE:
        declared = {(x.place.text, x.place.code) for x in feed.links if x.place is not None}
        assert set(found.places) == declared


@pytest.mark.parametrize("name", sorted(FORMS))
def test_form_of_a_file_is_told(name: str, district: Path) -> None:
    found, _, text = looked(file_of(district, FEEDS[name]), leave_out=name)
    assert found.form == FORMS[name]
    wanted = {"suits": "gb18030", "visits": "gb18030", "cases": "utf-8", "checkins": "utf-8"}.get(name)
    assert found.encoding == wanted
    assert found.delimiter == {"suits": ",", "visits": ",", "checkins": "\t"}.get(name)
    assert f"# 文件 file: {FORMS[name]}" in text


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_every_valid_identifier_becomes_its_entity(name: str, district: Path) -> None:
    path = file_of(district, FEEDS[name])
    found, proposed, _ = looked(path, leave_out=name)
    rows, ids = claimed(path, proposed)
    rows = rows.filter(~pl.all_horizontal(pl.col(k).is_null() for k in proposed.key))
    people: set[str] = set()
    firms: set[str] = set()
    for column in found.columns:
        kind = proposed.columns[column.name].type
        for value in rows.get_column(column.name).drop_nulls().unique():
            if kind in (ColumnType.CITIZEN_ID, ColumnType.IDENTITY):
                verdict = identifiers.check_citizen_id(value)
                if verdict.ok and verdict.normal:
                    people.add(verdict.normal)
                    continue
            if kind in (ColumnType.USCC, ColumnType.IDENTITY):
                code = identifiers.check_uscc(value)
                if code.ok and code.kind == "uscc" and code.normal:
                    firms.add(code.normal)
    assert len(ids.get("Person", ())) >= len(people)
    assert len(ids.get("Enterprise", ())) >= len(firms)


def test_what_a_row_is_about(district: Path) -> None:
    wanted = {
        "alarms": ("Incident", "OCCURRED_AT"), "residents": ("Person", "LIVES_AT"), "enterprises": ("Enterprise", "AT"),
        "vehicles": ("Vehicle", "REGISTERED_AT"), "houses": ("House", "AT"), "devices": ("Device", "AT"),
        "tenancies": ("House", "AT"), "hotline": ("Incident", "OCCURRED_AT"),
    }  # fmt: skip
    for name, (label, link) in wanted.items():
        _, proposed, _ = looked(file_of(district, FEEDS[name]), leave_out=name)
        placed = [x for x in proposed.links if x.place is not None]
        assert [(proposed.entities[x.start].label, x.type) for x in placed] == [(label, link)], name
        declared = next(x for x in FEEDS[name].links if x.place is not None)
        assert declared.place is not None
        # Which column tells of a place in sentences is for a person to say.
        assert placed[0].place == declared.place.model_copy(update={"sentence": False}), name


# -- a department that nobody knows ----------------------------------------------------------------------------------

NAMES = ["王建国", "李秀英", "张伟", "刘洋", "陈静", "杨敏", "赵磊", "黄丽", "周强", "吴娟"]


def disabled(n: int = 40) -> list[str]:
    """A register of a department without any feed, with odd columns; synthetic."""
    rows = [
        "残疾证号;姓 名;公民身份证号;残疾类别;等级;监护人;监护人手机;家庭住址;补贴金额;评定日期;#备注,其他"
    ]
    for i in range(n):
        rows.append(
            f"CJ{i:06d};{NAMES[i % 10]};{make_citizen_id('330109', f'19{50 + i}-03-0{i % 9 + 1}', i + 1)};"
            f"{('肢体', '视力', '听力')[i % 3]};{i % 4 + 1}级;{NAMES[(i + 3) % 10]};138{i:08d};"
            f"萧山区北干街道金城社区{i + 1}幢2单元30{i % 9}室;{200 + i}.5元;{i % 28 + 1:02d}/{i % 12 + 1:02d}/2024;"
        )
    return rows


def test_odd_columns_of_an_unknown_department(tmp_path: Path) -> None:
    path = csv(tmp_path / "残联_残疾人名册_20251215.txt", *disabled(), encoding="gb18030")
    found, feed, text = looked(path)
    assert (found.encoding, found.delimiter) == ("gb18030", ";")
    assert (feed.department, feed.match, feed.key) == ("残联", ["*残联_残疾人名册*"], ["残疾证号"])
    kinds = {name: column.type.value for name, column in feed.columns.items()}
    assert kinds["公民身份证号"] == "citizen_id"
    assert kinds["监护人手机"] == "mobile"
    assert (feed.columns["评定日期"].type, feed.columns["评定日期"].format) == (ColumnType.DATE, "%d/%m/%Y")
    assert (feed.columns["补贴金额"].type, feed.columns["补贴金额"].unit) == (ColumnType.NUMBER, "元")
    assert kinds["等级"] == kinds["残疾类别"] == kinds["#备注,其他"] == "text"
    assert "肢体 (14)" in text
    assert found.places == (("家庭住址", None),)
    person = next(e for e in feed.entities.values() if e.label == "Person")
    assert person.set["name"] == "姓 名"
    _, ids = claimed(path, feed)
    assert len(ids["Person"]) == 40
    assert "TODO" in text


def test_header_below_a_title_is_found(tmp_path: Path) -> None:
    path = csv(tmp_path / "名册.csv", "萧山区残疾人名册,,,", "编号,姓名,身份证号,手机", *(
        f"A{i},{NAMES[i]},{make_citizen_id('330109', f'198{i}-01-01', 5)},1380000000{i}" for i in range(8)
    ))  # fmt: skip
    found, feed, _ = looked(path)
    assert (found.header_row, list(feed.columns)) == (2, ["编号", "姓名", "身份证号", "手机"])
    # Readers find it again by the declared columns, in this month's row or another.
    assert feed.reading.header_row is None
    assert len(claimed(path, feed)[1]["Person"]) == 8


def test_the_sheet_with_most_columns_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "清单.xlsx"
    frame = pl.DataFrame({"编号": ["a1", "a2"], "企业": ["甲公司", "乙公司"], "统一社会信用代码": [make_uscc("9", "1", "330109", i) for i in (1, 2)]})  # fmt: skip
    write_workbook(path, frame, "明细", "synthetic", __import__("datetime").date(2025, 1, 1))
    found, feed, _ = looked(path)
    assert (found.form, found.sheet, found.key) == ("xlsx", "明细", ("编号",))
    assert len(claimed(path, feed)[1]["Enterprise"]) == 2


def test_numbers_that_name_something_stay_text(tmp_path: Path) -> None:
    rows = [f"{i:06d},{100200 + i},0571{i:08d},{i % 7 + 1}幢,{i * 3}" for i in range(30)]
    _, feed, _ = looked(csv(tmp_path / "x.csv", "工号,单位代码,账号,楼幢,数量", *rows))
    assert {n: c.type.value for n, c in feed.columns.items()} == {
        "工号": "text", "单位代码": "text", "账号": "text", "楼幢": "text", "数量": "integer"
    }  # fmt: skip


def test_a_file_in_which_nothing_is_unique_gets_a_key_of_two(tmp_path: Path) -> None:
    rows = [f"P{i % 6},2025-01-0{i // 6 + 1},{i % 2}" for i in range(30)]
    found, feed, _ = looked(csv(tmp_path / "x.csv", "点位编号,日期,值", *rows))
    assert feed.key == ["点位编号", "日期"] == list(found.key)


def test_names_that_mean_something_in_yaml_are_quoted(tmp_path: Path) -> None:
    names = ["no", "a: b", "#x", "[y]", "{z}", "'", "2024", "null", "a,b"]
    path = csv(
        tmp_path / "yes.csv", "\t".join(names), *("\t".join(f"v{i}{n}" for n in range(9)) for i in range(5))
    )
    _, feed, _ = looked(path)
    assert list(feed.columns) == names


def test_a_name_is_taken_from_where_it_is_written_and_no_other_feeds(tmp_path: Path) -> None:
    path = csv(tmp_path / "alarms.csv", "编号,值", "1,2")
    found = look(path, TERMS, SCHEME)
    assert yaml.safe_load(propose(found, FEEDS))["feed"] == "alarms_2"
    assert yaml.safe_load(propose(found, FEEDS, "Disabled-2"))["feed"] == "disabled_2"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "BAD_FILE"),
        (b"\n\n\n", "BAD_FILE"),
        ("编号,姓名\n".encode(), "BAD_FILE"),
        (b"PK\x03\x04 no workbook at all", "BAD_FILE"),
        (b"%PDF-1.7 ...", "BAD_FILE"),
        (b"\x00\x01\x02\x03" * 64, "BAD_FILE"),
        ("A1,张伟,13800000001,2025-01-02\nA2,李明,13800000002,2025-01-03\n".encode(), "BAD_HEADER"),
    ],
    ids=["empty", "blank", "header only", "broken workbook", "pdf", "bytes", "no header"],
)
def test_what_is_no_table_is_refused_in_words(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as told:
        looked(path)
    assert told.value.code == code
    assert told.value.zh
