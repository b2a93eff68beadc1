"""Workbooks as people make them: titles, merged cells, hidden sheets, totals, formulas, and numbers that Excel has rounded."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from loaders.readers import ROW, Limits, Reading, Source, sources, stream_sources
from ontology.errors import UsageError

HEADER = ["编号", "姓名", "备注"]


def book(path: Path, write: Callable[[Any], None]) -> Path:
    with xlsxwriter.Workbook(str(path)) as made:
        write(made)
    return path


def rows_of(source: Source) -> list[tuple[object, ...]]:
    frames = list(source.frames)
    assert all(set(f.drop(ROW).dtypes) <= {pl.String} for f in frames)
    return pl.concat(frames).rows() if frames else []


def moment(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def test_titles_merged_cells_and_signatures(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet, form = made.add_worksheet("十二月"), made.add_format()
        sheet.merge_range("B2:D2", "萧山区出租房登记表", form)
        sheet.write_row("B4", HEADER)
        sheet.merge_range("B5:B6", "H1", form)
        sheet.write_row("C5", ["张", "甲"])
        sheet.write_row("C6", ["李", None])
        sheet.write_row("B8", ["H2", "王"])
        sheet.merge_range("C9:D9", "都是", form)
        sheet.write("B9", "H3")
        sheet.merge_range("B10:B12", "H4", form)
        sheet.write("C10", "赵")
        sheet.merge_range("B13:C13", "合计", form)
        sheet.write("D13", 4)
        sheet.write("B15", "填表人：某某")

    path = book(tmp_path / "住建_20250203.xlsx", write)
    (source,) = sources(path, declared=HEADER, key=["编号"])
    assert (source.sheet, source.file_date, source.columns) == ("十二月", "2025-02-03", HEADER)
    assert rows_of(source) == [
        ("H1", "张", "甲", 5),
        ("H1", "李", None, 6),
        ("H2", "王", None, 8),
        ("H3", "都是", "都是", 9),
        ("H4", "赵", None, 10),  # rows 11 and 12 have nothing of their own
    ]
    assert [n.row for n in source.notes] == [4, 13, 15]
    assert "萧山区出租房登记表" in source.notes[0].zh
    assert source.digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_rows_with_a_key_are_no_totals(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["序号", *HEADER])
        sheet.write_row(1, 0, [1, "H1", "张"])
        sheet.write_row(2, 0, ["合 计", None, 5])
        sheet.write_row(3, 0, ["小计", "H2", "李"])
        sheet.write_row(4, 0, ["制表人:王"])

    (source,) = sources(book(tmp_path / "a.xlsx", write), declared=HEADER, key=["编号"])
    assert [(r[1], r[-1]) for r in rows_of(source)] == [("H1", 2), ("H2", 4)]
    assert [(n.row, n.en) for n in source.notes] == [
        (3, "row 3 is no record: 合 计"),
        (5, "row 5 is no record: 制表人:王"),
    ]


def test_two_header_rows_with_merged_groups(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet, form = made.add_worksheet(), made.add_format()
        sheet.merge_range("A1:A2", "编号", form)
        sheet.merge_range("B1:C1", "甲方", form)
        sheet.merge_range("D1:E1", "乙方", form)
        sheet.write_row("B2", ["姓名", "电话", "姓名", "电话"])
        sheet.write_row("A3", ["1", "张", "11", "李", "22"])

    path = book(tmp_path / "a.xlsx", write)
    for reading, declared in ((Reading(header_rows=2), []), (Reading(), ["编号", "甲方/姓名", "乙方/姓名"])):
        (source,) = sources(path, reading, declared)
        assert source.columns == ["编号", "甲方/姓名", "甲方/电话", "乙方/姓名", "乙方/电话"]
        assert rows_of(source) == [("1", "张", "11", "李", "22", 3)]


def test_sheets(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        for name, header in (
            ("说明", ["本表由各镇街填写"]),
            ("一", HEADER),
            ("字典", HEADER),
            ("二", HEADER),
            ("空", []),
        ):
            sheet = made.add_worksheet(name)
            sheet.write_row(0, 0, header)
            sheet.write_row(1, 0, [f"{name}1"] if header else [])
        made.get_worksheet_by_name("字典").hide()
        made.add_chartsheet("图")

    path = book(tmp_path / "a.xlsx", write)
    found = sources(path, declared=HEADER)
    assert [(s.sheet, rows_of(s)[0][0]) for s in found] == [("一", "一1"), ("二", "二1")]
    assert [n.en for n in found[0].notes] == [
        "sheet 字典 is hidden: not read",
        "sheet 空 is empty",
        "sheet 说明 has not the header: not read",
    ]
    assert [s.sheet for s in sources(path, Reading(sheet="字*"), HEADER)] == ["字典"], (
        "asked for, hidden or not"
    )
    assert [s.sheet for s in sources(path)] == ["说明", "一", "二"]


def test_values(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet()
        form = {
            n: made.add_format({"num_format": n})
            for n in ("yyyy/m/d", 'yyyy"年"m"月"d"日"', "yyyy-mm-dd hh:mm:ss", "0.00%", "h:mm", "[h]:mm")
        }
        local = made.add_format(
            {"num_format": 31}
        )  # Excel's own 年月日, of which the file holds no more than the number
        cells: list[tuple[Any, Any]] = [
            (330109199001011234, None), (9007199254740991, None), (123456789012345, None), (1234567890123450, None),
            (13800000001, None), (90.0, None), (0.1 + 0.2, None), (-3.5, None), (1.38e10, None), (1e-7, None),
            (0.125, form["0.00%"]), (True, None), ("0101", None), ("'1", None), (" 前后 ", None), ("1.38E+10", None), ("#N/A", None),
            (date(2025, 2, 3), form["yyyy/m/d"]), (date(2025, 2, 3), form['yyyy"年"m"月"d"日"']), (date(2025, 2, 3), local),
            (moment(2025, 2, 3, 4, 5, 6), form["yyyy-mm-dd hh:mm:ss"]), (time(8, 30), form["h:mm"]), (1.25, form["[h]:mm"]),
        ]  # fmt: skip
        sheet.write(0, 0, "值")
        for row, (value, format) in enumerate(cells, 1):
            if isinstance(value, str):
                sheet.write_string(row, 0, value)
            else:
                sheet.write(row, 0, value, format)

    (source,) = sources(book(tmp_path / "a.xlsx", write))
    assert [r[0] for r in rows_of(source)] == [
        "3.30109199001011E+17", "9007199254740991", "123456789012345", "1.23456789012345E+15",
        "13800000001", "90", "0.3", "-3.5", "13800000000", "1E-07",
        "0.125", "TRUE", "0101", "'1", " 前后 ", "1.38E+10", "#N/A",
        "2025-02-03", "2025-02-03", "2025-02-03", "2025-02-03 04:05:06", "08:30:00", "30:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [b"", b"<v/>", b"<v></v>"])
def test_formulas_and_errors(tmp_path: Path, value: bytes) -> None:
    """Programs that do not calculate write a formula and no value."""

    def write(made: Any) -> None:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '="张"', None, "张")
        sheet.write(2, 0, "3")
        sheet.write_formula(2, 1, "=VLOOKUP(1,A:B,2)", None, "#N/A")
        sheet.write_formula(2, 2, "=1/0", None, "#DIV/0!")
        sheet.write(3, 0, "4")
        sheet.write_formula(3, 1, "=A1", None, "")

    path = book(tmp_path / "a.xlsx", write)
    with zipfile.ZipFile(path) as old:
        parts = {n: old.read(n) for n in old.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<f>A1</f><v></v>" in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<f>A1</f><v></v>", b"<f>A1</f>" + value)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    (source,) = sources(path)
    assert rows_of(source) == [("2", "张", None, 2), ("3", None, None, 3), ("4", None, None, 4)]
    assert [(n.row, n.en) for n in source.notes] == [
        (3, "cell B3 holds the error #N/A: read as empty"),
        (3, "cell C3 holds the error #DIV/0!: read as empty"),
        (4, "the formula in cell B4 was never calculated: read as empty"),
    ]


def test_formatted_blank_rows_to_the_end_of_the_sheet(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet, form = made.add_worksheet(), made.add_format({"bg_color": "yellow"})
        sheet.write_row(0, 0, HEADER)
        sheet.write(5000, 0, "H1")
        for row in [*range(1, 5000), *range(6000, 9000), 1_048_575]:
            sheet.write_blank(row, 0, None, form)
            sheet.write_blank(row, 2, None, form)

    (source,) = sources(book(tmp_path / "a.xlsx", write), declared=HEADER, key=["编号"])
    assert rows_of(source) == [("H1", None, None, 5001)]


def test_a_stray_cell_far_away_does_not_fill_the_memory(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet("一")
        sheet.write_row(0, 0, HEADER)
        sheet.write("XFD1048576", "x")

    with pytest.raises(UsageError, match="spread over 1048576 rows and 16384 columns"):
        sources(book(tmp_path / "a.xlsx", write))


def test_a_workbook_in_disguise(tmp_path: Path) -> None:
    path = book(tmp_path / "a.csv", lambda made: made.add_worksheet().write_column(0, 0, ["编号", "0101"]))
    (source,) = sources(path)
    assert rows_of(source) == [("0101", 2)]
    (source,) = stream_sources(io.BytesIO(path.read_bytes()), "push")
    assert rows_of(source) == [("0101", 2)]
    for name in ("b.xlsx", "b.xls"):
        (tmp_path / name).write_bytes("编号\t姓名\r\n0101\t张\r\n".encode("gb18030"))
        (source,) = sources(tmp_path / name)
        assert rows_of(source) == [("0101", "张", 2)]


def test_an_html_table_named_xls(tmp_path: Path) -> None:
    page = (
        '<html><head><meta charset="gb2312"><style>td{mso-number-format:"\\@"}</style></head><body><table><tr><th colspan=3>统计表</th></tr>'
        "<tr><td>编号</td><td>姓名<td>备&nbsp;注</tr><tr><td rowspan='2'>0101</td><td>张<br>三</td><td>1&lt;2</td></tr>"
        "<tr><td>李</td><td></td></tr><tr><td>合计</td><td></td><td>2</td></tr></table></body></html>"
    )
    path = tmp_path / "a.xls"
    path.write_bytes(page.encode("gb18030"))
    (source,) = sources(path, declared=HEADER, key=["编号", "姓名"])
    assert rows_of(source) == [("0101", "张\n三", "1<2", 3), ("0101", "李", None, 4)]
    assert source.notes[0].en == "it is an HTML table, not a workbook"
    assert source.digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(UsageError) as told:
        sources(path, limits=limits)
    assert told.value.code == "BAD_FILE" and path.name in told.value.zh
    return told.value.en


def test_what_is_no_workbook(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    path = tmp_path / "a.xlsx"
    path.write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(512))
    assert "protected by a password" in refused(path)
    path.write_bytes(ole + "WordDocument".encode("utf-16-le") + bytes(512))
    assert "Word document" in refused(path)
    path.write_bytes(ole)
    assert "not a readable workbook" in refused(path)
    for inside, says in (
        ("a.csv", "ZIP archive"),
        ("word/document.xml", "a document or slides"),
        ("xl/workbook.xml", "not a readable"),
    ):
        with zipfile.ZipFile(path, "w") as made:
            made.writestr(inside, "编号\n1\n")
        assert says in refused(path)


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", lambda made: made.add_worksheet().write(0, 0, "编号"))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as made, made.open("xl/media/x.xml", "w") as part:
        for _ in range(100):
            part.write(bytes(1 << 20))
    assert "more than 250 times its size" in refused(path)
    assert "it unpacks to 100 MiB, more than 50 MiB" in refused(path, Limits(unpacked=50 << 20))


def test_a_workbook_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", lambda made: made.add_worksheet().write_column(0, 0, ["编号", "1"]))
    (source,) = sources(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(UsageError, match="changed while it was read"):
        list(source.frames)


def test_many_rows_come_in_frames(tmp_path: Path) -> None:
    def write(made: Any) -> None:
        sheet = made.add_worksheet()
        for row in range(25_001):
            sheet.write_row(row, 0, ["编号", "数"] if row == 0 else [f"R{row}", row])

    (source,) = sources(book(tmp_path / "a.xlsx", write))
    rows = rows_of(source)
    assert len(rows) == 25_000
    assert rows[-1] == ("R25000", "25000", 25_001)
