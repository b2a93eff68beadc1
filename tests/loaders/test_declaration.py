"""What a feed's declaration may say, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loaders.declaration import Column, Feed, feeds_by_header, load_feeds
from loaders.mistakes import Mistake, check_feeds, read_feed, read_feeds
from ontology.errors import UsageError
from ontology.terms import CATALOG, load_terms

TERMS = load_terms()
FEEDS = load_feeds(CATALOG / "feeds")
DEVICES = """\
feed: devices
zh: 设备
en: Devices
department: 数据局
match: ["*设备*"]
key: [编号]
columns:
  编号: {required: true, aliases: [设备编号]}
  类型: {type: term, terms: device_kind}
  日期: {type: date}
entities:
  device:
    label: Device
    id: {did: 编号}
    set:
      did: 编号
      kind: 类型
links: []
"""


def mistakes(tmp_path: Path, text: str) -> list[Mistake]:
    (tmp_path / "devices.yaml").write_text(text, encoding="utf-8")
    return check_feeds(tmp_path, TERMS)[1]


def made(text: str = "", **more: object) -> Feed:
    return Feed.model_validate({**yaml.safe_load(DEVICES), **(yaml.safe_load(text) or {}), **more})


def test_a_good_declaration_has_no_mistakes(tmp_path: Path) -> None:
    assert mistakes(tmp_path, DEVICES) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("required: true", "requird: true", 8, "did you mean required?"),
        ("department: 数据局", "departement: 数据局", 4, "did you mean department?"),
        ("type: date}", "type: dat}", 10, "did you mean date?"),
        ("terms: device_kind", "terms: device_kinds", 9, "did you mean device_kind?"),
        ("label: Device", "label: Devise", 13, "did you mean Device?"),
        ("kind: 类型", "knd: 类型", 17, "did you mean kind?"),
        ("kind: 类型", "kind: 种型", 17, "names column '种型'"),
        ("{did: 编号}", "{did: 编码}", 14, "did you mean 编号?"),
        ("key: [编号]", "key: [编号, 号]", 6, "names column '号'"),
        ("zh: 设备", "rythm: daily\nzh: 设备", 2, "did you mean rhythm?"),
        ("zh: 设备", "retention: 5 years\nzh: 设备", 2, "ISO-8601"),
        ("zh: 设备", "zh: 设备\nzh: 设备", 3, "is there twice"),
        ("zh: 设备", "scope: [类型]\nzh: 设备", 2, "goes with `mode: snapshot`"),
        ("zh: 设备", "mode: whole\nzh: 设备", 2, "should be 'delta' or 'snapshot'"),
        ("zh: 设备", "zh: [设备", 3, "is not valid YAML"),
        ("zh: 设备", "zh: 设备\nchecks:\n- {column: 编号, matches: '('}", 4, "regular expression"),
        ("zh: 设备", "zh: 设备\nchecks:\n- {column: 编号, min: 3}", 4, "a column of numbers"),
        ("zh: 设备", "zh: 设备\nchecks:\n- {column: 日期, not_after: 明天}", 4, "neither a column nor"),
        ("zh: 设备", "zh: 设备\nchecks:\n- {column: 日期}", 4, "asks for nothing"),
        ("{type: date}", "{aliases: [设备编号]}", 10, "already a name of column 编号"),
        ("{type: date}", "{transforms: [excel_serial_date]}", 10, "goes with `type: date`"),
        ("{type: date}", "{transforms: [half_with]}", 10, "did you mean half_width?"),
        ("{type: date}", "{split: '(.*)-(.*)'}", 10, "named groups"),
        ("terms: device_kind}", "terms: device_kind, synonyms: {升降机: 电体}}", 9, "has no 电体"),
        ("links: []", "links:\n- {start: device, type: HAS_PHON, end: device}", 19, "did you mean HAS_PHONE?"),
        ("links: []", "links:\n- {start: device, type: HAS_PHONE, end: device}", 19, "the ontology has no"),
        ("links: []", "links:\n- {start: devise, type: AT, place: {}}", 19, "did you mean device?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert DEVICES.count(old) >= 1
    found = mistakes(tmp_path, DEVICES.replace(old, new, 1))
    assert [m.line for m in found if says in m.en] == [line], [(m.line, m.en) for m in found]
    assert all(m.zh for m in found)


def test_all_mistakes_of_a_file_are_told_in_order(tmp_path: Path) -> None:
    text = DEVICES.replace("key: [编号]", "key: [号]").replace("{did: 编号}", "{did: 码}")
    assert [m.line for m in mistakes(tmp_path, text)] == [6, 14]


def test_the_file_stands_before_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(DEVICES.replace("zh: 设备", "hz: 设备"), encoding="utf-8")
    with pytest.raises(UsageError) as told:
        load_feeds(tmp_path)
    assert told.value.code == "BAD_CATALOG"
    assert told.value.en.startswith(f"{tmp_path}/x.yaml:1: zh: zh is missing")
    assert "1 more" in told.value.hint


def test_files_of_another_encoding_and_empty_ones_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(DEVICES.encode("gb18030"))
    (tmp_path / "b.yaml").write_text("", encoding="utf-8")
    assert [(m.line, m.en) for m in read_feeds(tmp_path)[1]] == [
        (2, "is not UTF-8"),
        (1, "the file is empty"),
    ]


def test_two_feeds_may_not_take_the_same_names(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        DEVICES.replace("feed: devices", "feed: others").replace("*设备*", "*感知设备*"), encoding="utf-8"
    )
    found = mistakes(tmp_path, DEVICES)
    assert [(m.file.name, m.line) for m in found] == [("other.yaml", 5)]
    assert "devices.yaml takes the file name 感知设备 too" in found[0].en


def test_two_files_may_not_declare_the_same_feed(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(DEVICES.replace("*设备*", "*感知*"), encoding="utf-8")
    assert [(m.file.name, m.line) for m in mistakes(tmp_path, DEVICES)] == [("other.yaml", 1)]


def test_the_catalogue_has_no_mistakes_and_says_what_each_feed_is() -> None:
    feeds, found = check_feeds(CATALOG / "feeds", TERMS)
    assert found == []
    assert all(feed.rhythm and feed.retention for feed in feeds.values())
    assert {feed.mode for feed in feeds.values()} == {"delta", "snapshot"}


@pytest.mark.parametrize("path", sorted((CATALOG / "feeds").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_feed_names_the_schema(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../feed.schema.json"
    declared, found = read_feed(path)
    assert declared is not None and declared.feed.feed == path.stem and found == []


# -- what it means -------------------------------------------------------------------------------------------


def test_how_to_read_is_handed_to_the_readers() -> None:
    feed = made("reading: {format: xlsx, sheet: '2025*', header_rows: 2, ignore_rows: [注]}\nencoding: big5")
    reading = feed.to_reading()
    assert (reading.format, reading.sheet, reading.header_rows) == ("xlsx", "2025*", 2)
    assert (reading.ignore_rows, reading.encoding, reading.header_row) == (("注",), "big5", None)
    assert "合计" in made().to_reading().ignore_rows


def test_identity_numbers_and_phones_are_sensitive_under_every_name() -> None:
    columns = {
        "编号": {},
        "类型": {},
        "日期": {},
        "联系人": {"split": r"^(?<姓名>\D+)(?<电话>\d+)$"},
        "电话": {"type": "mobile"},
        "证件": {"type": "citizen_id", "aliases": ["身份证号"]},
        "病史": {},
    }
    feed = made(columns=columns, sensitive=["病史"])
    assert feed.sensitive_columns() == {"联系人", "电话", "证件", "身份证号", "病史"}
    assert FEEDS["residents"].sensitive_columns() == {"公民身份号码", "手机号", "户主证件号"}


@pytest.mark.parametrize("name", FEEDS)
def test_a_file_of_unknown_name_finds_its_feed_by_its_header(name: str) -> None:
    assert [f.feed for f in feeds_by_header(FEEDS, list(FEEDS[name].columns))] == [name]


def test_a_header_may_use_aliases() -> None:
    feed = made()
    assert feed.recognises(["设备编号", "类型", "日期"]) and not feed.recognises(["设备编号", "类型"])
    assert made(header=["编号"]).recognises(["设备编号"])
    assert feed.renames(["设备编号", "类型"]) == {"设备编号": "编号"}
    assert feed.renames(["设备编号", "编号"]) == {}
    assert feed.missing(["类型"]) == ["编号", "日期"]
    assert feeds_by_header({"devices": feed}, ["甲"]) == []


def test_a_day_in_yaml_is_a_day() -> None:
    feed = made("checks: [{column: 日期, not_before: 2000-01-01}]")
    assert feed.checks[0].not_before == "2000-01-01"


def test_columns_of_a_split_need_not_be_in_the_file() -> None:
    feed = made(
        columns={"编号": {}, "类型": {}, "人": {"split": "(?<电话>[0-9]+)"}, "电话": {"type": "mobile"}}
    )
    assert feed.missing(["编号", "类型", "人"]) == []
    assert Column().split is None


def test_the_schema_knows_every_key() -> None:
    from loaders.document import feed_schema

    schema = feed_schema()
    assert set(schema["properties"]) == set(Feed.model_fields)
    assert schema["additionalProperties"] is False
    assert "Person" in schema["$defs"]["EntityClaim"]["properties"]["label"]["enum"]
    described = [p for d in (schema, *schema["$defs"].values()) for p in d.get("properties", {}).values()]
    assert sum("description" in p for p in described) > 80
