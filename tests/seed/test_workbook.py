"""The workbooks that the seeder writes: read back cell by cell, by two readers."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from seed.workbook import column_letters, write_workbook

DAY = date(2025, 12, 15)
FRAME = pl.DataFrame(
    {
        "姓名": ["张<三>&李", None, " 王 五 ", '"引号"'],
        "证件号": ["330109199001011234", "", "0101", "=1+1"],
        **{f"列{i}": ["甲", None, "乙", "𠮷\x07"] for i in range(30)},
    }
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, FRAME, "登记", "合成数据", DAY)
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["登记"]
    header, *rows = book.get_sheet_by_index(0).to_python()
    assert header == FRAME.columns
    clean = [tuple((cell or "").replace("\x07", "") for cell in row) for row in FRAME.iter_rows()]
    assert [tuple(row) for row in rows] == clean, "texts stay texts, with their blanks and leading zeros"


def test_every_part_is_xml_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, FRAME, "登记", "合成数据", DAY)
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        parts = {name: book.read(name) for name in book.namelist()}
    for name, data in parts.items():
        ElementTree.fromstring(data)
        assert (
            f'PartName="/{name}"'.encode() in parts["[Content_Types].xml"]
            or name.endswith(".rels")
            or name[0] == "["
        )
    assert "合成数据".encode() in parts["docProps/core.xml"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    write_workbook(one, FRAME, "登记", "合成数据", DAY)
    write_workbook(two, FRAME, "登记", "合成数据", DAY)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
)
def test_letters_of_columns(index: int, letters: str) -> None:
    assert column_letters(index) == letters
