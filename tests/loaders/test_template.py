"""The workbooks that departments fill in."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders import contract, readers
from loaders.contract import Checked
from loaders.declaration import ColumnType, Feed, load_feeds
from loaders.template import examples, form, form_columns
from ontology.terms import CATALOG, load_terms

FEEDS = load_feeds(CATALOG / "feeds")
TERMS = load_terms(CATALOG)
RESIDENTS = FEEDS["residents"]


def filled(feed: Feed, rows: list[dict[str, Any]], path: Path) -> tuple[pl.DataFrame, Checked]:
    """What reader and contract make of a template that was filled in."""
    path.write_bytes(form(feed, TERMS, rows))
    sources = readers.sources(path, feed.reading_options(), feed.header_names(), feed.key)
    assert [s.sheet for s in sources] == [feed.zh]
    contract.check_header(feed, sources[0].columns, path.name)
    frames = list(sources[0].frames)
    assert frames, "no rows"
    return frames[0], contract.check(feed, frames[0], TERMS)


def part(data: bytes, name: str) -> str:
    with zipfile.ZipFile(BytesIO(data)) as book:
        return book.read(name).decode()


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_filled_in_as_its_example_nothing_is_rejected(name: str, tmp_path: Path) -> None:
    feed = FEEDS[name]
    rows = examples(feed, TERMS)
    read, checked = filled(feed, rows, tmp_path / "x.xlsx")
    assert (checked.rejections, checked.dropped_cells, checked.rows.height) == ([], 0, len(rows))
    assert read.drop("__row").rows() == [tuple(r[c] or None for c in form_columns(feed)) for r in rows]


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_an_example_shows_most_columns(name: str) -> None:
    feed = FEEDS[name]
    for row in examples(feed, TERMS):
        assert all(row[c] for c in feed.columns if feed.columns[c].required)
        assert sum(map(bool, row.values())) >= 0.9 * len(row)


def test_days_and_numbers_of_excel_are_taken(tmp_path: Path) -> None:
    birth, changed = datetime(1980, 1, 1), datetime(2025, 1, 5, 8, 30)  # noqa: DTZ001 — Excel knows no zone
    row = examples(RESIDENTS, TERMS)[0] | {"出生日期": birth, "更新时间": changed}
    _, checked = filled(RESIDENTS, [row], tmp_path / "x.xlsx")
    assert checked.rejections == []
    assert checked.rows.item(0, "出生日期") == "1980-01-01"
    assert checked.rows.item(0, "更新时间") == "2025-01-05T08:30:00+08:00"


def test_long_numbers_and_leading_zeros_stay(tmp_path: Path) -> None:
    row = examples(RESIDENTS, TERMS)[0] | {"户号": "0101", "人口编号": "000000000000000000017"}
    read, _ = filled(RESIDENTS, [row], tmp_path / "x.xlsx")
    assert (read.item(0, "户号"), read.item(0, "人口编号")) == ("0101", "000000000000000000017")
    assert read.item(0, "公民身份号码") == row["公民身份号码"]


def test_a_value_that_the_list_has_not_is_rejected_with_its_cell(tmp_path: Path) -> None:
    good, bad = examples(RESIDENTS, TERMS)
    _, checked = filled(RESIDENTS, [good, bad | {"户籍类型": "外星"}], tmp_path / "x.xlsx")
    assert [(r.row, r.column, r.value) for r in checked.rejections] == [(3, "户籍类型", "外星")]
    assert checked.rows.height == 1


def test_an_empty_template_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(form(RESIDENTS, TERMS))
    source = readers.sources(path, declared=RESIDENTS.header_names(), key=RESIDENTS.key)[0]
    assert sum(f.height for f in source.frames) == 0


def test_cells_are_formatted_and_checked_as_declared() -> None:
    data = form(RESIDENTS, TERMS)
    sheet, styles = part(data, "xl/worksheets/sheet1.xml"), part(data, "xl/styles.xml")
    assert 'state="frozen"' in sheet
    codes = {"49": "@"} | dict(re.findall(r'numFmtId="(\d+)" formatCode="([^"]+)"', styles))
    cells = re.findall(r'<xf numFmtId="(\d+)"', styles.split("<cellXfs")[1])
    columns = re.findall(r'<col min="(\d+)" max="(\d+)"[^>]*style="(\d+)"', sheet)
    shown = {
        at: codes.get(cells[int(style)], cells[int(style)])
        for first, last, style in columns
        for at in range(int(first), int(last) + 1)
    }
    names = form_columns(RESIDENTS)
    for at, name in enumerate(names, 1):
        kind = RESIDENTS.columns[name].type
        wanted = {ColumnType.DATE: "yyyy\\-mm\\-dd", ColumnType.DATETIME: "yyyy\\-mm\\-dd\\ hh:mm:ss"}.get(
            kind, "@"
        )
        assert shown[at].replace("\\", "") == wanted.replace("\\", ""), name
    lists = re.findall(r'<dataValidation type="list"[^>]*sqref="([A-Z]+)2:', sheet)
    letters = [chr(65 + names.index(n)) for n in ("性别", "户籍类型", "与户主关系")]
    assert sorted(lists) == sorted(letters)
    notes = part(data, "xl/comments1.xml")
    assert "必填" in notes
    assert "从列表中选择:户籍、流动、境外、寄住" in notes


def test_yes_or_no_is_chosen_from_a_list() -> None:
    assert '"是,否"' in part(form(FEEDS["houses"], TERMS), "xl/worksheets/sheet1.xml").replace("&quot;", '"')


def test_required_columns_are_marked() -> None:
    sheet = part(form(RESIDENTS, TERMS), "xl/worksheets/sheet1.xml")
    styles = dict(re.findall(r'<c r="([A-Z]+)1" s="(\d+)"', sheet))
    names = form_columns(RESIDENTS)
    marked = {n for i, n in enumerate(names) if styles[chr(65 + i)] == styles["A"]}
    assert marked == {n for n in names if RESIDENTS.columns[n].required}


def test_the_same_declaration_gives_the_same_bytes() -> None:
    assert form(RESIDENTS, TERMS) == form(RESIDENTS, TERMS)
