"""Rows kept out go back to their department, and come in again corrected, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from ledger import Batch
from loaders.declaration import Feed
from loaders.returned import FILE, ID, NUMBER, REASON, read_returned, receive_returned, workbook
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.errors import UsageError
from tests.loaders.books import first_sheet, save, values
from tests.loaders.graphs import whole_graph
from tests.loaders.test_careful import MEMBERS, SERVED, member, write
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import Row, write_district

pytestmark = pytest.mark.anyio
Change = Callable[[list[dict[str, object]]], list[dict[str, object]]]
OPEN = "9999-12-31"
LONG = "330109001001000100"
COLUMNS: Any = MEMBERS["columns"]
# A member has an age, which has to be a number; a height that is none is left out.
CHECKED = {
    **MEMBERS,
    "columns": {**COLUMNS, "年龄": {"type": "integer", "optional": True}, "证号": {"optional": True},
                "身高": {"type": "number", "optional": True, "on_bad": "drop"}, "登记": {"type": "date", "optional": True}},
    "checks": [{"column": "登记", "not_after": "today"}],
}  # fmt: skip


def aged(number: str, age: str, **more: str) -> Row:
    return {**member(number), "年龄": age, "证号": LONG, **more}


@pytest.fixture
def loader(tmp_path: Path) -> Iterable[Loader]:
    made = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    made.add_feed(Feed.model_validate(CHECKED))
    yield made
    made.close()


@pytest.fixture
async def graph(clean_graph: Store) -> Store:
    await ensure_schema(clean_graph)
    return clean_graph


async def take(loader: Loader, graph: Store, path: Path) -> list[Batch]:
    batches = receive_returned(loader, path)
    with loader.ledger.lease():
        await loader.apply_waiting(graph)
    return batches


def export(loader: Loader, path: Path) -> Path:
    path.write_bytes(workbook(loader, "members")[0])
    return path


def edit(path: Path, into: Path, change: Change) -> Path:
    """The workbook as somebody saves it who has changed some of its rows."""
    return save(into, change(values(path)))


def digest(loader: Loader, *paths: Path) -> None:
    for path in paths:
        for batch in loader.receive(path):
            loader.digest(batch)


def test_a_workbook_holds_the_faulty_rows_whole_and_says_what_is_wrong(
    loader: Loader, tmp_path: Path
) -> None:
    rows = [
        aged("M1", "41"),
        aged("M2", "四十x", 姓名='=HYPERLINK("http://x")'),
        aged("M3", "很老", 登记="2999-01-01"),
    ]
    digest(loader, write(tmp_path, "测试_成员_20250101.csv", rows))
    found = first_sheet(export(loader, tmp_path / "out.xlsx"))
    columns = ["编号", "姓名", "队", "地址", "年龄", "证号", "登记"]
    assert [list(row) for row in found] == [
        [REASON, *(c for c in columns if c in row), FILE, NUMBER, ID] for row in found
    ]
    assert [{c: row[c].text for c in columns if c in row} for row in found] == rows[1:]
    cells = found[0]
    # Text, and marked as such: neither opening nor editing the cell calculates anything.
    assert cells["姓名"].is_string and cells["姓名"].quoted and not cells["姓名"].formula
    assert (cells["证号"].is_string, cells["证号"].format, cells["证号"].quoted) == (True, "@", False)
    marked = [{c for c, cell in row.items() if cell.comment is not None} for row in found]
    assert marked == [{"年龄"}, {"年龄", "登记"}]
    assert [{c for c, cell in row.items() if cell.filled} for row in found] == marked
    assert found[0]["年龄"].comment == "不是整数 is not a whole number"
    assert "年龄: 不是整数 is not a whole number" in str(found[1][REASON].text)
    assert (found[1][FILE].text, found[1][NUMBER].text) == ("测试_成员_20250101.csv", "4")


async def test_a_row_that_comes_back_right_is_loaded_and_leaves(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    base = write_district(tmp_path)
    first = write(tmp_path, "测试_成员_20250101.csv", [aged("M1", "41"), aged("M2", "42"), aged("M3", "43")])
    # In the second list M2 and M3 are faulty: its day closes them, for nobody knows that they are in it.
    second = write(
        tmp_path,
        "测试_成员_20250201.csv",
        [aged("M1", "41"), aged("M2", "x"), aged("M3", "y"), aged("M4", "z"), aged("M5", "z")],
    )
    await loader.load(graph, [*base, first, second])
    assert await graph.read(SERVED) == [["M1", OPEN], ["M2", "2025-02-01"], ["M3", "2025-02-01"]]
    export(loader, tmp_path / "out.xlsx")

    def part(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        by = {str(r["编号"]): r for r in rows}
        # Another order, one row left out, one still wrong but otherwise changed, one corrected with a number.
        return [
            {**by["M4"], "年龄": "还是错", "姓名": "四号新"},
            {**by["M2"], "年龄": 42},
            {**by["M5"], "年龄": "45"},
        ]

    back = edit(tmp_path / "out.xlsx", tmp_path / "back.xlsx", part)
    (batch,) = await take(loader, graph, back)
    # What came back stands as if it had been in the second list; M1, which is not in the workbook, is not closed.
    assert await graph.read(SERVED) == [["M1", OPEN], ["M2", OPEN], ["M3", "2025-02-01"], ["M5", OPEN]]
    assert [(q.row, q.value) for q in loader.records.quarantined("members")] == [(4, "y"), (5, "还是错")]
    assert [r[1:] for r in loader.records.settled("members")] == [(3, batch.no), (6, batch.no)]
    assert batch.file == "测试_成员_20250201.csv (back.xlsx)"
    whole = await whole_graph(graph)

    # The same again, and the same saved anew, is nothing new.
    again = edit(back, tmp_path / "saved again.xlsx", lambda rows: rows[::-1])
    for path in (back, again):
        assert [b.no for b in await take(loader, graph, path)] == [batch.no]
    assert await whole_graph(graph) == whole

    # What is still wrong goes out again as it last was, by the name of the row that it first was.
    left = values(export(loader, tmp_path / "out2.xlsx"))
    assert [(r["编号"], r["姓名"], r[NUMBER], r[FILE]) for r in left] == [
        ("M3", "M3号", "4", second.name), ("M4", "四号新", "5", second.name),
    ]  # fmt: skip
    rest = edit(
        tmp_path / "out2.xlsx", tmp_path / "rest.xlsx", lambda rows: [{**r, "年龄": "40"} for r in rows]
    )
    await take(loader, graph, rest)
    assert loader.records.quarantine_size("members") == 0
    # An older workbook in which a row is still wrong does not bring it into quarantine again.
    old = edit(tmp_path / "out.xlsx", tmp_path / "old.xlsx", lambda rows: [{**r, "姓名": "旧"} for r in rows])
    await take(loader, graph, old)
    assert loader.records.quarantine_size("members") == 0
    held = await graph.read(SERVED)
    assert held == [[m, OPEN] for m in ("M1", "M2", "M3", "M4", "M5")]
    # A later list closes what it does not hold, corrected rows too.
    await loader.load(
        graph, [write(tmp_path, "测试_成员_20250301.csv", [aged("M1", "41"), aged("M5", "45")])]
    )
    assert [u for m, u in await graph.read(SERVED)] == [OPEN, "2025-03-01", "2025-03-01", "2025-03-01", OPEN]

    # Made again from the ledger alone it is the same.
    whole, settled = await whole_graph(graph), loader.records.settled()
    loader.forget()
    assert loader.records.settled() == []
    await loader.apply_waiting(graph)
    assert await whole_graph(graph) == whole
    assert loader.records.settled() == settled
    assert loader.records.quarantine_size("members") == 0

    # Taken back, the rows are kept out as before.
    with loader.ledger.lease():
        loader.retract(loader.ledger.batch_by_no(batch.no))
        await loader.apply_waiting(graph)
    assert {r.row for r in loader.records.quarantined("members")} == {3, 6}


def test_what_a_workbook_cannot_show_comes_back_as_it_was(loader: Loader, tmp_path: Path) -> None:
    odd = {"姓名": "a\x07b _x0041_", "队": "长" * 40_000, "地址": " 两头有空 "}
    digest(loader, write(tmp_path, "测试_成员_20250101.csv", [aged("M2", "x", **odd)]))
    export(loader, tmp_path / "out.xlsx")
    back = edit(
        tmp_path / "out.xlsx", tmp_path / "back.xlsx", lambda rows: [{**r, "年龄": "42"} for r in rows]
    )
    (one,) = read_returned(loader, back)
    (row,) = one.rows.iter_rows(named=True)
    before = loader.ledger.row(one.root.no, 2)
    assert {c: row[c] for c in odd} == {c: before[c] for c in odd}
    assert len(str(row["队"])) == 40_000 and row["年龄"] == "42"


def test_a_row_that_could_not_be_read_can_be_filled_in(loader: Loader, tmp_path: Path) -> None:
    path = write(tmp_path, "测试_成员_20250101.csv", [aged("M1", "41")])
    path.write_text(path.read_text("utf-8") + "M2,太,多,的,格,子,了,真的\n", encoding="utf-8")
    digest(loader, path)
    export(loader, tmp_path / "out.xlsx")
    (left,) = loader.records.quarantined("members")
    assert left.row == 3
    back = edit(tmp_path / "out.xlsx", tmp_path / "back.xlsx", lambda rows: [{**rows[0], **aged("M2", "42")}])
    (batch,) = receive_returned(loader, back)
    assert loader.digest(batch).loaded == 1
    assert loader.records.quarantined("members") == []


def test_a_correction_may_speak_of_what_happened_since(loader: Loader, tmp_path: Path) -> None:
    digest(loader, write(tmp_path, "测试_成员_20250101.csv", [aged("M2", "x", 登记="2025-01-01")]))
    export(loader, tmp_path / "out.xlsx")
    later = lambda rows: [{**rows[0], "年龄": "1", "登记": "2025-06-01"}]  # noqa: E731
    (batch,) = receive_returned(loader, edit(tmp_path / "out.xlsx", tmp_path / "back.xlsx", later))
    assert loader.digest(batch).loaded == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [{**rows[0], ID: None}], "row 2 has no"),
        (lambda rows: [{**rows[0], ID: "0" * 20 + ":2"}], "does not hold"),
        (lambda rows: [{**rows[0], ID: str(rows[0][ID]) + "9"}], "does not have"),
        (lambda rows: [rows[0], {**rows[0], "姓名": "另一"}], "rows 2 and 3"),
    ],
)
def test_a_workbook_that_does_not_say_which_row_is_refused_whole(
    loader: Loader,
    tmp_path: Path,
    change: Change,
    said: str,
) -> None:
    digest(loader, write(tmp_path, "测试_成员_20250101.csv", [aged("M2", "x")]))
    export(loader, tmp_path / "out.xlsx")
    back = edit(tmp_path / "out.xlsx", tmp_path / "back.xlsx", change)
    with pytest.raises(UsageError, match=said):
        receive_returned(loader, back)
    assert len(loader.ledger.batches()) == 1


def test_sent_back_rows_are_no_file_of_their_feed(loader: Loader, tmp_path: Path) -> None:
    """Loaded as a file of its own, it would be a snapshot that closes everything else."""
    digest(loader, write(tmp_path, "测试_成员_20250101.csv", [aged("M1", "41"), aged("M2", "x")]))
    export(loader, tmp_path / "退回_成员.xlsx")
    with pytest.raises(UsageError, match="sent back") as raised:
        loader.receive(tmp_path / "退回_成员.xlsx")
    assert raised.value.hint is not None and "quarantine retry" in raised.value.hint


def test_what_was_left_out_of_good_rows_is_kept(loader: Loader, tmp_path: Path) -> None:
    digest(
        loader,
        write(
            tmp_path, "测试_成员_20250101.csv", [aged("M1", "41", 身高="高"), aged("M2", "42", 身高="170")]
        ),
    )
    (note,) = loader.records.notes("members")
    assert (note.row, note.column, note.value, note.en) == (2, "身高", "高", "is not a number")
    assert loader.records.notes_size() == 1
