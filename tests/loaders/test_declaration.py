"""Declarations: what they may say, and that every mistake in them is told with its file and line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from loaders import schema_file
from loaders.catalogue import check_catalogue, read_feed
from loaders.declaration import Feed, feeds_taking, load_feeds
from loaders.periods import Period, parse_period, parse_rhythm
from ontology.errors import UsageError
from ontology.terms import CATALOG

GOOD = """\
feed: tried
zh: 试·登记
en: Tried
department: 试
match: ["*试登记*"]
key: [编号]
columns:
  编号: {required: true}
  姓名: {}
  证件: {type: citizen_id, aliases: [身份证号], on_bad: drop}
  性别: {type: term, terms: sex, on_bad: drop}
  地址: {transforms: [building_forms], split: '(?P<幢>[0-9]+)幢'}
  日期: {type: date}
entities:
  person:
    label: Person
    id: {id_number: 证件}
    set: {name: 姓名, sex: 性别}
links:
  - {start: person, type: LIVES_AT, place: {text: 地址}, since: 日期}
"""


def declared(text: str = GOOD, **more: Any) -> Feed:
    return Feed.model_validate({**yaml.safe_load(text), **more})


def told(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    """Line and English text of every mistake."""
    path = tmp_path / "tried.yaml"
    path.write_text(text, encoding="utf-8")
    return [(m.line, m.en) for m in read_feed(path)[1]]


def line(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_sound_declaration_has_no_mistakes(tmp_path: Path) -> None:
    assert told(tmp_path, GOOD) == []


MISTAKES = [
    ("type: citizen_id", "type: citizen", "did you mean 'citizen_id'"),
    ("on_bad: drop", "onbad: drop", "did you mean 'on_bad'"),
    ("department: 试", "departement: 试", "did you mean 'department'"),
    ("key: [编号]", "key: [编码]", "'编码', which is not declared"),
    ("key: [编号]", "key: []", "at least 1 item"),
    ("key: [编号]", "key: 编号", "should be a list"),
    ("label: Person", "label: Persn", "no entity is called Persn (did you mean 'Person'?)"),
    ("set: {name: 姓名", "set: {nmae: 姓名", "has no field nmae that a feed may set (did you mean 'name'?)"),
    ("set: {name: 姓名", "set: {name: 姓铭", "'姓铭', which is not declared"),
    ("type: LIVES_AT", "type: LIVE_AT", "did you mean 'LIVES_AT'"),
    ("type: LIVES_AT", "type: OCCURRED_AT", "the ontology has no (Person)-[:OCCURRED_AT]->(Address)"),
    ("start: person", "start: persom", "did you mean 'person'"),
    ("since: 日期", "since: 日子", "links.0.since names column '日子'"),
    ("{text: 地址}", "{text: 住址}", "links.0.place.text names column '住址'"),
    ("[building_forms]", "[building_form]", "did you mean 'building_forms'"),
    ("[building_forms]", "[strip_prefix]", "write it as {strip_prefix: text}"),
    ("(?P<幢>[0-9]+)幢", "([0-9]+)幢", "needs named groups"),
    ("(?P<幢>[0-9]+)幢", "(?P<幢>[0-9]+", "is not a regular expression"),
    ("aliases: [身份证号]", "aliases: [姓名]", "is another column's name"),
    ("type: date}", "type: date, digits: 4}", "`digits` goes with `type: text`"),
    ("en: Tried", "en: Tried\nretention: 5年", "is not an ISO 8601 duration"),
    ("en: Tried", "en: Tried\nrhythm: sometimes", "is no rhythm"),
    ("en: Tried", "en: Tried\nscope: [姓名]", "`scope` goes with `mode: snapshot`"),
    ("en: Tried", "en: Tried\ntrust: 101", "less than or equal to 100"),
    ("en: Tried", "en: Tried\nreading: {encoding: utf-9}", "no encoding is called 'utf-9'"),
    ("en: Tried", "en: Tried\nsensitive: [不明]", "'不明', which is not declared"),
    ("en: Tried", "en: Tried\nhold: {rejects: 20}", "less than or equal to 1"),
    ("en: Tried", "en: Tried\nchecks: [{column: 姓名, min: 1}]", "`min` is for numbers"),
    ("en: Tried", "en: Tried\nchecks: [{column: 日期}]", "a check needs a condition"),
    ("en: Tried", "en: Tried\nchecks: [{column: 日期, not_after: 明天}]", "neither `today`, a day, nor a column"),
    ("en: Tried", "en: Tried\ncoordinates: {system: WGS84, longitude: 姓名, latitude: 姓名}", "`type: number`"),
    ("en: Tried", "en: Tried\ndeletions: {column: 姓名, values: {注销: shut}}", "should be one of close, died, remove"),
    ("en: Tried", "en: Tried\nzh: 又", "`zh` is given twice, first on line 2"),
    ("en: Tried", "en: [Tried", "is not valid YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "becomes", "says"), MISTAKES)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    text = GOOD.replace(was, becomes, 1)
    assert text != GOOD
    found = told(tmp_path, text)
    assert any(says in en for _, en in found), found
    wanted = line(text, becomes) + becomes.count("\n")
    (at,) = {n for n, en in found if says in en}
    # A YAML parser says that a bracket is missing where it gives up looking for it.
    assert at == wanted or (says == "is not valid YAML" and at > wanted)


def test_every_mistake_is_told_and_none_that_only_follows_from_another(tmp_path: Path) -> None:
    text = (
        GOOD.replace("type: citizen_id", "type: citizen")
        .replace("since: 日期", "since: 日子")
        .replace("name: 姓名", "nmae: 姓名")
    )
    found = told(tmp_path, text)
    assert [n for n, _ in found] == [line(text, "type: citizen"), line(text, "nmae"), line(text, "since")], (
        found
    )


def test_load_feeds_says_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "tried.yaml").write_text(GOOD.replace("type: date", "type: day"), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"tried\.yaml:{line(GOOD, '  日期')}: columns.日期.type"):
        load_feeds(tmp_path)


def test_what_declarations_say_of_each_other_and_of_terms(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "one.yaml").write_text(GOOD.replace("terms: sex", "terms: sexes"), encoding="utf-8")
    (feeds / "two.yaml").write_text(
        GOOD.replace("*试登记*", "*大试登记*").replace("sex: 性别", "sex: =man"), encoding="utf-8"
    )
    found = [(m.path.name, m.line, m.en) for m in check_catalogue(tmp_path).mistakes]
    assert found == [
        ("one.yaml", 5, "'*试登记*' also takes files of feed tried, such as '大试登记.csv'"),
        ("one.yaml", 11, "no term list is called 'sexes' (did you mean 'sex'?)"),
        ("two.yaml", 1, "feed 'tried' is already declared in one.yaml"),
        ("two.yaml", 18, "term list sex has no code 'man'"),
    ]


@pytest.mark.parametrize("directory", [CATALOG, CATALOG.parent / "examples" / "pole"])
def test_the_catalogues_that_come_with_quanxi_are_sound(directory: Path) -> None:
    found = check_catalogue(directory)
    assert found.mistakes == []
    assert len(found.declared) == len(list((directory / "feeds").glob("*.yaml"))) > 0


# -- what a declaration says to others --------------------------------------------------------------------------


def test_sensitive_columns_are_known_under_every_name() -> None:
    feed = declared(sensitive=["姓名"])
    assert feed.sensitive_columns() == {"证件", "身份证号", "姓名"}
    parted = declared(
        GOOD.replace("  日期:", "  电话: {type: mobile}\n  日期:").replace("?P<幢>", "?P<电话>")
    )
    assert parted.sensitive_columns() == {"证件", "身份证号", "电话", "地址"}


def test_a_file_finds_its_feed_by_name_then_by_header() -> None:
    by_name = declared()
    short = declared(feed="short", match=["甲"], header=["编号"])
    long = declared(feed="long", match=["乙"], header=["编号", "证件"])
    feeds = [by_name, short, long]
    assert feeds_taking(feeds, "2025试登记.csv", ["编号", "身份证号"]) == [by_name]
    assert feeds_taking(feeds, "x.csv", ["编号", "身份证号"]) == [long]
    assert feeds_taking(feeds, "x.csv", ["编号"]) == [short]
    assert feeds_taking(feeds, "x.csv", ["姓名"]) == [] == feeds_taking(feeds, "x.csv")


def test_reading_options_are_those_of_the_readers() -> None:
    spec = {"format": "csv", "encoding": "gb18030", "delimiter": "|", "header_row": 3, "ignore_rows": ["计"]}
    options = declared(reading=spec).reading_options()
    assert {k: getattr(options, k) for k in spec} == {**spec, "ignore_rows": ("计",)}
    assert "合计" in declared(encoding="gbk").reading_options().ignore_rows
    assert declared(encoding="gbk").reading_options().encoding == "gbk"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P5Y", Period(60)),
        ("P1Y6M", Period(18)),
        ("P2W", Period(days=14)),
        ("PT36H", Period(seconds=129_600)),
    ],
)
def test_periods(text: str, period: Period) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize("text", ["", "P", "5Y", "P5", "PT", "P0D", "P-1D", "一年"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|no time"):
        parse_period(text)


def test_days_after_a_period() -> None:
    assert parse_period("P1M").after(date(2025, 1, 31)) == date(2025, 2, 28)
    assert parse_period("P1Y").before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert parse_period("PT36H").after(date(2025, 1, 1)) == date(2025, 1, 3)
    assert parse_rhythm("quarterly") == Period(3) and parse_rhythm("stream") is None


# -- the JSON Schema ----------------------------------------------------------------------------------------------


def test_the_schema_is_current() -> None:
    assert schema_file.PATH.read_text("utf-8") == schema_file.schema_text(), (
        "run: python -m loaders.schema_file"
    )


def test_the_schema_takes_what_the_models_take_and_nothing_else() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema_file.PATH.read_text("utf-8")))
    for path in sorted((CATALOG / "feeds").glob("*.yaml")):
        assert list(validator.iter_errors(yaml.safe_load(path.read_text("utf-8")))) == [], path.name
    for was, becomes, _ in MISTAKES[:3] + MISTAKES[6:7]:
        assert not validator.is_valid(yaml.safe_load(GOOD.replace(was, becomes, 1))), becomes
