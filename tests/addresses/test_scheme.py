from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses.scheme import SCHEMES, Scheme, load_scheme
from ontology.errors import UsageError

PLACES = SCHEMES.parent / "places" / "xiaoshan_divisions.csv"

# A scheme with free widths, as British postcodes need it: area / district / sector / unit / house.
POSTCODES = """
name: GB-POSTCODE
version: 1
title: {zh: 英国邮政编码, en: British postcodes}
separator: /
segments:
  - {level: DISTRICT, zh: 邮区, en: Area, pattern: '[A-Z]{1,2}'}
  - {level: STREET, zh: 邮政分区, en: District, pattern: '[0-9][0-9A-Z]?'}
  - {level: COMMUNITY, zh: 邮政小区, en: Sector, pattern: '[0-9]'}
  - {level: BUILDING, zh: 邮政单元, en: Unit, pattern: '[A-Z]{2}'}
  - {level: SITE, zh: 场所, en: Site, pattern: '[0-9]+'}
independent:
  - {level: GRID, zh: 网格, en: Grid, under: COMMUNITY, infix: G, width: 2}
  - {level: ZONE, zh: 片区, en: Zone, prefix: 'ZONE:', pattern: '[A-Z]+'}
"""


@pytest.fixture(scope="session")
def chinese() -> Scheme:
    return load_scheme()


@pytest.fixture(scope="session")
def british(tmp_path_factory: pytest.TempPathFactory) -> Scheme:
    path = tmp_path_factory.mktemp("schemes") / "postcodes.yaml"
    path.write_text(POSTCODES, encoding="utf-8")
    return load_scheme(path)


def divisions() -> list[dict[str, str]]:
    with PLACES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_communities_of_the_district_are_codes(chinese: Scheme) -> None:
    rows = divisions()
    assert len(rows) == 585
    assert len({row["street_code"] for row in rows}) == 27
    for row in rows:
        code, street = row["village_code"], row["street_code"]
        assert chinese.level_of(code) == "COMMUNITY"
        assert chinese.level_of(street) == "STREET"
        assert chinese.parent(code) == street
        assert chinese.ancestors(code) == ["330109", street]
        assert chinese.is_within(code, "330109")


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("330109", "DISTRICT", None),
        ("330109001", "STREET", "330109"),
        ("330109001001", "COMMUNITY", "330109001"),
        ("3301090010010001", "BUILDING", "330109001001"),
        ("3301090010019000", "BUILDING", "330109001001"),
        ("3301090010019001", "SITE", "330109001001"),
        ("330109001001000101", "UNIT", "3301090010010001"),
        ("3301090010010001013302", "DWELLING", "330109001001000101"),
        ("3301090010010001000301", "DWELLING", "3301090010010001"),
        ("330109001001G01", "GRID", "330109001001"),
        ("330109001001G01M02", "MICRO_GRID", "330109001001G01"),
        ("R33010900012", "ROAD", "330109"),
        ("E33010900012", "ESTATE", "330109"),
        ("Z33010900012", "ZONE", "330109"),
    ],
)
def test_levels_and_parents(chinese: Scheme, code: str, level: str, parent: str | None) -> None:
    parsed = chinese.parse(code)
    assert (parsed.code, parsed.level, parsed.parent) == (code, level, parent)
    assert chinese.child(parent, level, parsed.number) == code
    assert chinese.chain(code)[-1] == code
    assert parsed.independent == (level in {"GRID", "MICRO_GRID", "ROAD", "ESTATE", "ZONE"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("330109001000", "330109001"),
        ("330109000000", "330109"),
        (" 330109001001\n", "330109001001"),
        ("３３０１０９００１", "330109001"),
        ("330109001001g01m02", "330109001001G01M02"),
    ],
)
def test_other_ways_to_write_a_code(chinese: Scheme, text: str, code: str) -> None:
    assert chinese.parse(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "330100",
        "33010",
        "3301090",
        "33010900100",
        "3301090010000001",
        "3301090010010000",
        "330109001001000100",
        "3301090010010001000000",
        "33010900100100010103021",
        "330109001001G1",
        "330109001000G01",
        "330109001G01",
        "330109001001M01",
        "R330109",
        "X33010900012",
        "M/1",
        "330109001二01",
        "33010９00²001",
    ],
)
def test_what_is_no_code(chinese: Scheme, text: str) -> None:
    assert chinese.level_of(text) is None
    with pytest.raises(UsageError) as caught:
        chinese.parse(text)
    assert caught.value.code == "BAD_CODE"
    assert caught.value.zh and caught.value.en and caught.value.hint


def test_a_dwelling_without_a_unit_hangs_on_its_building(chinese: Scheme) -> None:
    code = chinese.child("3301090010010001", "DWELLING", 301)
    assert code == "3301090010010001000301"
    assert chinese.at_level(code, "UNIT") is None
    assert chinese.at_level(code, "BUILDING") == "3301090010010001"


@pytest.mark.parametrize(
    ("parent", "level", "number"),
    [
        ("330109", "COMMUNITY", 1),
        ("330109001001", "DWELLING", 301),
        ("330109001001", "BUILDING", 9001),
        ("330109001001", "SITE", 1),
        ("330109001001", "BUILDING", 10000),
        ("330109001001", "STREET", 1),
        ("330109001001G01", "BUILDING", 1),
        ("330109001001", "MICRO_GRID", 1),
        ("3301090010010001", "UNIT", 0),
        ("nonsense", "UNIT", 1),
    ],
)
def test_what_cannot_be_composed(chinese: Scheme, parent: str, level: str, number: int) -> None:
    with pytest.raises(UsageError) as caught:
        chinese.child(parent, level, number)
    assert caught.value.code == "BAD_CODE"


def test_an_unknown_level_is_the_callers_mistake(chinese: Scheme) -> None:
    with pytest.raises(UsageError) as caught:
        chinese.child("330109", "PLANET", 1)
    assert caught.value.code == "BAD_ARGUMENT"


@st.composite
def codes(draw: st.DrawFn) -> str:
    """A code of any level of the default scheme."""
    scheme = load_scheme()
    code = draw(st.sampled_from(["330109", "330114"]))
    for level, highest in (
        ("STREET", 3),
        ("COMMUNITY", 3),
        ("BUILDING", 12),
        ("UNIT", 3),
        ("DWELLING", 9999),
    ):
        if not draw(st.booleans()):
            if level == "UNIT":
                continue
            return code
        if level == "BUILDING":
            kind = draw(st.sampled_from(["BUILDING", "SITE", "GRID"]))
            if kind == "GRID":
                return scheme.child(code, "GRID", draw(st.integers(0, 3)))
            number = draw(st.integers(1, 12)) + (9000 if kind == "SITE" else 0)
            code = scheme.child(code, kind, number)
        else:
            code = scheme.child(code, level, draw(st.integers(1, highest)))
    return code


@given(codes(), codes())
def test_a_subtree_is_a_prefix(code: str, area: str) -> None:
    scheme = load_scheme()
    within = scheme.is_within(code, area)
    assert within == scheme.key(code).startswith(scheme.key(area))
    equal, start = scheme.subtree(area)
    assert within == (code == equal or code.startswith(start))


@given(st.lists(codes(), min_size=1, max_size=20))
def test_columns_agree_with_single_codes(column: list[str]) -> None:
    scheme = load_scheme()
    frame = pl.DataFrame({"code": column})
    for level in scheme.levels:
        got = frame.select(scheme.level_expr("code", level).alias("at"))["at"].to_list()
        assert got == [scheme.at_level(code, level) for code in column]
    levels = frame.select(scheme.level_of_expr("code").alias("level"))["level"].to_list()
    assert levels == [scheme.level_of(code) for code in column]


def test_columns_with_what_is_no_code(chinese: Scheme) -> None:
    frame = pl.DataFrame(
        {"code": [None, "", "x", "330109001001000100", "R330109000012"]}, schema={"code": pl.String}
    )
    levels = frame.select(chinese.level_of_expr("code").alias("level"))["level"].to_list()
    assert levels == [None] * 5


@given(st.text(max_size=24))
def test_no_text_breaks_it(text: str) -> None:
    load_scheme().level_of(text)


# -- another scheme -------------------------------------------------------------------------------------------------


def test_postcodes(british: Scheme) -> None:
    code = "M/1/2/AA/123"
    assert british.chain(code) == ["M", "M/1", "M/1/2", "M/1/2/AA", code]
    assert [british.level_of(each) for each in british.chain(code)] == [
        "DISTRICT",
        "STREET",
        "COMMUNITY",
        "BUILDING",
        "SITE",
    ]
    assert british.child("M/1", "COMMUNITY", 2) == "M/1/2"
    assert british.child("M/1/2/AA", "SITE", 123) == code
    assert british.child("M/1/2", "GRID", 3) == "M/1/2/G03"
    assert british.parent("M/1/2/G03") == "M/1/2"
    assert british.child(None, "ZONE", "NORTH") == "ZONE:NORTH"
    assert british.parse("m/1/").code == "M/1"
    assert british.level_of("M//2") is None
    assert british.level_of("M/1/2/AA/123/4") is None


def test_a_shorter_name_is_not_a_prefix(british: Scheme) -> None:
    assert british.key("M") == "M/"
    assert not british.key("ME/1").startswith(british.key("M"))
    assert not british.is_within("ME/1", "M")
    assert british.key("M/1/2").startswith(british.key("M/1"))
    assert not british.key("M/11/2").startswith(british.key("M/1"))
    assert british.subtree("M") == ("M", "M/")


def test_postcode_columns(british: Scheme) -> None:
    column = ["M/1/2/AA/123", "M/1", "ME", "M/1/2/G03", "ZONE:NORTH"]
    frame = pl.DataFrame({"code": column})
    for level in british.levels:
        got = frame.select(british.level_expr("code", level).alias("at"))["at"].to_list()
        assert got == [british.at_level(code, level) for code in column], level
    keys = frame.select(british.key_expr("code").alias("key"))["key"].to_list()
    assert keys == [british.key(code) for code in column]


# -- declarations ---------------------------------------------------------------------------------------------------


def test_schemes_are_found_by_name_stem_and_path(chinese: Scheme) -> None:
    assert (chinese.name, chinese.version) == ("CN-330109", 1)
    assert load_scheme("CN-330109") is chinese
    assert load_scheme("xiaoshan") is chinese
    assert load_scheme(SCHEMES / "xiaoshan.yaml") is chinese
    assert chinese.titles["COMMUNITY"].zh == "村社"


HEAD = "name: X\nversion: 1\ntitle: {zh: 甲, en: X}\n"
FIRST = "segments:\n  - {level: A, zh: 甲, en: A}\n"


@pytest.mark.parametrize(
    "text",
    [
        "name: X",
        "- a list",
        "name: [",
        HEAD + FIRST,
        HEAD + "separator: /\n" + FIRST + "  - {level: A, zh: 甲, en: A}\n",
        HEAD + "separator: /\nsegments:\n  - {level: A, zh: 甲, en: A, pattern: '(?=x)'}\n",
        HEAD + "separator: /\nsegments:\n  - {level: A, zh: 甲, en: A, pattern: '('}\n",
        HEAD
        + "separator: /\n"
        + FIRST
        + "independent:\n  - {level: G, zh: 乙, en: G, under: B, infix: G, width: 2}\n",
    ],
)
def test_a_wrong_declaration_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_scheme(path)
    assert caught.value.code == "BAD_ARGUMENT"


def test_a_scheme_that_is_not_there() -> None:
    for source in ("MARS", Path("nowhere.yaml")):
        with pytest.raises(UsageError):
            load_scheme(source)
