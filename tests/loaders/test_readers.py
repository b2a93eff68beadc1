"""Files as departments send them: encodings, workbooks with real dates and numbers, and what is no such file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import orjson
import polars as pl
import pytest
import xlsxwriter

from loaders.readers import file_date, read
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import UsageError
from tests.loaders.tiny import FEEDS, HOME, ZHANG

Cell = str | int | float | bool | date | None
ALARMS = tuple(name for name, spec in FEEDS["alarms"].columns.items() if not spec.optional)
NAMED = "公安_警情_20251215"


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return open_loader(tmp_path / "data", None, Clock(date(2025, 12, 15)))


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]]) -> Path:
    """Writes cells as Excel has them: days and moments are numbers with a date's format, numbers are numbers."""
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy/m/d"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    if isinstance(value, date):
                        form = moment if isinstance(value, datetime) else day
                        sheet.write_datetime(r, c, value, form)
                    elif value is not None:
                        sheet.write(r, c, value)
    return path


def alarm(**cells: Cell) -> list[Cell]:
    """A row of the alarms' sheet, in the order of its header."""
    assert set(cells) <= set(ALARMS)
    return [cells.get(name) for name in ALARMS]


def at(*parts: int) -> datetime:
    """A moment as a cell holds it: without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def payloads(loader: Loader) -> dict[str, dict[str, str]]:
    """What was kept as records, by key."""
    records = loader.records.db.execute("SELECT rkey, payload FROM record").fetchall()
    return {key: orjson.loads(loader.ledger.vault.open(payload)) for key, payload in records}


def quarantined(loader: Loader, feed: str) -> list[tuple[object, ...]]:
    """(file, sheet, row, column, value, reasons) of rows kept out."""
    found = loader.records.quarantined(feed)
    batches = {b.no: b for b in loader.ledger.batches()}
    return [(batches[q.batch].file, batches[q.batch].sheet, *q[1:]) for q in found]


def test_a_workbooks_cells_become_text(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "住建_房屋_20250203.xlsx",
        {
            "一": [
                ["编号", "面积", "电话", "登记", "报警时间", "是否"],
                ["F1", 89.5, 13800000001, date(2015, 1, 2), at(2025, 3, 4, 5, 6, 7), True],
                [],
                ["F2", 90.0, None, " ", None, None],
            ],
            "没有行": [["编号", "面积"]],
            "空": [],
            "二": [["编号", "面积"], ["F3", 0]],
        },
    )
    sheets = read(path)
    assert [s.sheet for s in sheets] == ["一", "二"], "sheets without rows are no data"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert {(s.file, s.digest, s.file_date) for s in sheets} == {(path.name, digest, "2025-02-03")}
    assert sheets[0].rows.rows() == [
        ("F1", "89.5", "13800000001", "2015-01-02", "2025-03-04 05:06:07", "TRUE"),
        (None,) * 6,  # stays, so that rows are numbered as the sheet shows them
        ("F2", "90", None, " ", None, None),
    ]
    assert sheets[1].rows.to_dicts() == [{"编号": "F3", "面积": "0"}]
    assert set(sheets[0].rows.dtypes) == {pl.String}


@pytest.mark.parametrize(
    ("before", "encoding", "declared"),
    [
        ("", "utf-8", None), ("\ufeff", "utf-8", None), ("\ufeff", "utf-8", "utf-8"), ("", "gb18030", None),
        ("", "gb18030", "gb18030"), ("\ufeff", "gb18030", None), ("", "utf-16", "utf-16"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_of_a_csv(
    tmp_path: Path, before: str, encoding: str, declared: str | None, end: str
) -> None:
    # 𬱖 and 㐱 are in GB18030 by four bytes only: people's names hold such characters.
    text = before + end.join(['"人口编号",姓名,现住地址', '0012,𬱖㐱,"北干街道,3幢"', "R2,,张", ""])
    path = tmp_path / "公安_实有人口_20251215.csv"
    path.write_bytes(text.encode(encoding))
    (sheet,) = read(path, declared)
    assert sheet.rows.to_dicts() == [
        {"人口编号": "0012", "姓名": "𬱖㐱", "现住地址": "北干街道,3幢"},
        {"人口编号": "R2", "姓名": None, "现住地址": "张"},
    ]
    assert (sheet.sheet, sheet.file_date) == (None, "2025-12-15")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_an_encoding_does_not_reach_the_records(tmp_path: Path, loader: Loader, encoding: str) -> None:
    row = alarm(
        接警单号="J1",
        报警时间="2025年3月4日 5:06",
        警情类别="纠纷",
        当事人姓名="𬱖测试",
        更新时间="2025-05-01",
    )
    lines = [",".join(ALARMS), ",".join(str(cell or "") for cell in row), ""]
    path = tmp_path / f"{NAMED}.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    (batch,) = loader.receive(path)
    told = loader.digest(batch)
    assert (told.loaded, told.quarantined) == (1, 0)
    kept = payloads(loader)["J1"]
    assert (kept["当事人姓名"], kept["报警时间"]) == ("𬱖测试", "2025-03-04T05:06:00+08:00")


NOT_TEXT = bytes(range(256)) * 8
ZIP = b"PK\x03\x04" + NOT_TEXT


@pytest.mark.parametrize(
    ("ending", "data", "declared", "says"),
    [
        ("csv", NOT_TEXT, None, "neither UTF-8 nor GB18030"),
        ("csv", b"\x89PNG\r\n\x1a\n" + NOT_TEXT, None, "PNG file"),
        ("csv", "姓名\n张\n".encode("gb18030"), "utf-8", "not utf-8 text from byte 0, line 1"),
        ("csv", "姓名\n张\n".encode(), "no-such-encoding", "no encoding is called"),
        ("csv", ZIP, None, "not a readable workbook"),
        ("csv", b"", None, "empty"),
        ("csv", b" \r\n\n", None, "empty"),
        ("csv", b"a,b\n1,2,3\n", None, "row 2: it has 3 cells"),
        ("xlsx", NOT_TEXT, None, "neither UTF-8 nor GB18030"),
        ("xlsx", ZIP, None, "not a readable workbook"),
        ("xlsx", b"", None, "empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(
    tmp_path: Path, ending: str, data: bytes, declared: str | None, says: str
) -> None:
    path = tmp_path / f"{NAMED}.{ending}"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=says) as told:
        read(path, declared)
    assert told.value.code == "BAD_FILE"
    assert path.name in told.value.zh


def test_a_cut_or_empty_workbook_and_no_file_are_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"一": [["编号"], ["1"]]})
    whole = path.read_bytes()
    assert len(read(path)) == 1
    path.write_bytes(whole[: len(whole) // 2])
    bare = workbook(tmp_path / "bare.xlsx", {"一": [["编号"]], "二": []})
    for wrong in (path, bare, tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(UsageError) as told:
            read(wrong)
        assert told.value.code == "BAD_FILE"


def test_nothing_of_an_unreadable_file_is_kept(tmp_path: Path, loader: Loader) -> None:
    for ending in ("csv", "xlsx"):
        path = tmp_path / f"{NAMED}.{ending}"
        path.write_bytes(NOT_TEXT)
        with pytest.raises(UsageError) as told:
            loader.receive(path)
        assert told.value.code == "BAD_FILE"
    assert loader.ledger.batches() == []
    assert list((loader.ledger.directory / "rows").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("公安_警情_20251215.csv", "2025-12-15"), ("20240229.xlsx", "2024-02-29"), ("公安_警情.csv", None),
        ("警情_20251315.csv", None), ("警情_1202512150.csv", None), ("警情_20251215_2.csv", "2025-12-15"),
    ],
)  # fmt: skip
def test_the_day_in_a_files_name(name: str, day: str | None) -> None:
    assert file_date(name) == day


def test_a_workbook_of_two_sheets_is_loaded(tmp_path: Path, loader: Loader) -> None:
    common: dict[str, Cell] = {"警情类别": "纠纷", "事发地址": HOME, "更新时间": date(2025, 5, 1)}
    path = workbook(
        tmp_path / f"{NAMED}.xlsx",
        {
            "一季度": [
                ALARMS,
                alarm(接警单号="J1", 报警时间=at(2025, 1, 10, 8, 30), 报警人电话=13800000001, **common),
                alarm(接警单号=2025000123, 报警时间=at(2025, 2, 1), 当事人证件号=ZHANG, **common),
            ],
            "二季度": [ALARMS, alarm(接警单号="J3", 报警时间=at(2025, 4, 1, 23, 59, 59), **common)],
        },
    )
    batches = loader.receive(path)
    assert [(b.file, b.sheet, b.rows, b.file_date) for b in batches] == [
        (path.name, "一季度", 2, "2025-12-15"),
        (path.name, "二季度", 1, "2025-12-15"),
    ]
    told = [loader.digest(batch) for batch in batches]
    assert [(t.read, t.loaded, t.quarantined, t.dropped_cells) for t in told] == [(2, 2, 0, 0), (1, 1, 0, 0)]
    kept = payloads(loader)
    assert {key: row["报警时间"] for key, row in kept.items()} == {
        "J1": "2025-01-10T08:30:00+08:00",
        "2025000123": "2025-02-01T00:00:00+08:00",  # a cell at midnight is a moment too
        "J3": "2025-04-01T23:59:59+08:00",
    }
    assert kept["J1"]["报警人电话"] == "13800000001"
    assert {row["更新时间"] for row in kept.values()} == {"2025-05-01T00:00:00+08:00"}
    again = loader.receive(path)
    assert [b.id for b in again] == [b.id for b in batches]
    assert loader.waiting() == []


def test_a_workbooks_bad_rows_are_told_by_sheet_and_row(tmp_path: Path, loader: Loader) -> None:
    good: dict[str, Cell] = {"报警时间": at(2025, 1, 10, 8, 30), "警情类别": "纠纷"}
    path = workbook(
        tmp_path / f"{NAMED}.xlsx",
        {
            "一季度": [
                ALARMS,
                alarm(接警单号="J1", **good),
                [],
                alarm(接警单号="J2", 报警时间="昨天", 警情类别="纠纷"),
            ],
            "说明": [],
            "二季度": [
                ALARMS,
                alarm(接警单号="J3", 报警时间=at(2025, 4, 1), 警情类别="火星"),
                alarm(**good),
                alarm(接警单号="J5", 报警时间=None, 警情类别=7),
                alarm(接警单号="J6", **good),
            ],
        },
    )
    told = [loader.digest(batch) for batch in loader.receive(path)]
    assert [(t.loaded, t.quarantined) for t in told] == [(1, 1), (1, 3)]
    assert sorted(payloads(loader)) == ["J1", "J6"]
    assert quarantined(loader, "alarms") == [
        (path.name, "一季度", 4, "报警时间", "昨天", "不是时间", "is not a time"),
        (
            path.name,
            "二季度",
            2,
            "警情类别",
            "火星",
            "不在字典 incident_kind 中,是否为 火灾?",
            "is not in the term list incident_kind; did you mean 火灾?",
        ),
        (path.name, "二季度", 3, "接警单号", None, "必填项为空", "is required and empty"),
        (path.name, "二季度", 4, "报警时间", None, "必填项为空", "is required and empty"),
        (path.name, "二季度", 4, "警情类别", "7", "不在字典中", "is not in the term list"),
    ]
    assert loader.records.quarantine_size("alarms") == 4, "rows, not cells"
    assert quarantined(loader, "residents") == []
    # The row as received is found again by the number that is told.
    (second,) = (b for b in loader.ledger.batches() if b.sheet == "二季度")
    assert loader.ledger.row(second.no, 2)["接警单号"] == "J3"
