"""Rows kept out, back to the department that sent them, and their corrected rows in again.

The workbook holds every faulty row whole, as it was received, under its own file's headers; the faulty cells are marked.
Columns that begin with `退回·` are ours: the last of them names the row, so that rows may come back in any order, and
not all at once. What comes back becomes batches of the feed, one for each batch that the rows were first in, under the
numbers that they had there and judged as of its day: it is what that batch should have held.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
import polars as pl
import xlsxwriter

from ledger import ROW, Batch, Quarantined
from loaders import contract, readers
from loaders.contract import RETURNED
from loaders.run import Loader
from ontology.clock import SHANGHAI
from ontology.errors import UsageError

REASON: Final = f"{RETURNED}原因 reason"
FILE: Final = f"{RETURNED}来源文件 file"
SHEET: Final = f"{RETURNED}工作表 sheet"
NUMBER: Final = f"{RETURNED}行号 row"
ID: Final = f"{RETURNED}编号 id"
OURS: Final = (REASON, FILE, SHEET, NUMBER, ID)
CELL: Final = 32_000
"""Characters of a cell that are shown; Excel's own limit is 32,767."""
TEXT: Final = 49
"""Excel's own number for the format of text."""
MOST: Final = 1_000_000
"""Rows of a workbook."""
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_MANUAL = (
    ("这是什么", "本表各行未能入库。标红的单元格有误,批注和第一列写明原因。"),
    ("怎样改", "直接在原单元格改正。其余各列、行的顺序不限;未改完的行可删去,下次再报。"),
    ("不要动", f"以“{RETURNED}”开头的各列由系统填写,请保留“{ID}”列。新增的行请按平常的文件报送。"),
    ("What this is", "These rows were not loaded. Cells in red are wrong: the comment and the first column say why."),
    (
        "What to do",
        "Correct the cells where they stand. Rows may be in any order, and those not yet corrected may be left out.",
    ),
    ("Leave alone", f"Columns that begin with {RETURNED} are ours; keep {ID}. Send new rows as a file of their own."),
)  # fmt: skip


def shown(value: str | None) -> str:
    """A cell as the workbook shows it: without what XML cannot hold, and not longer than Excel allows."""
    text = _UNSHOWN.sub("", value or "")
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Faulty:
    """A row of the workbook: as last received, with what is wrong with it."""

    root: Batch
    row: int
    values: dict[str, str | None]
    wrong: list[Quarantined]


def workbook(loader: Loader, feed: str, batch: Batch | None = None) -> tuple[bytes, int]:
    """The workbook of rows of a feed, or of one of its batches, that are kept out; and how many rows it has.

    Raises:
        UsageError: NOT_FOUND when none are; BAD_ARGUMENT when they are more than 1,000,000.
    """
    rows = list(_faulty(loader, feed, batch))
    if not rows:
        raise UsageError(
            "NOT_FOUND",
            "没有未入库的行",
            f"no row of {batch.file if batch else feed} is kept out",
            "See `quanxi quarantine list`.",
        )
    if len(rows) > MOST:
        raise UsageError(
            "BAD_ARGUMENT",
            f"有 {len(rows):,} 行,一张表放不下",
            f"{len(rows):,} rows are more than a sheet holds",
            "Export one batch at a time with --batch.",
        )
    return _write(loader.feeds[feed].zh, rows), len(rows)


def _faulty(loader: Loader, feed: str, batch: Batch | None) -> Iterator[_Faulty]:
    wrong: dict[int, dict[int, list[Quarantined]]] = {}
    wanted = None if batch is None else set(loader.ledger.attempts(loader.ledger.root(batch.no)))
    for cell in loader.records.quarantined(feed):
        if wanted is None or cell.batch in wanted:
            wrong.setdefault(cell.batch, {}).setdefault(cell.row, []).append(cell)
    for no, cells in wrong.items():
        root = loader.ledger.batch_by_no(loader.ledger.root(no))
        found = dict(_rows(loader, loader.ledger.batch_by_no(no), set(cells)))
        for row, faults in cells.items():
            yield _Faulty(root, row, found.get(row, {}), faults)


def _rows(loader: Loader, batch: Batch, numbers: set[int]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows of a batch as received. One that could not be read is not among them."""
    for frame in loader.ledger.frames(batch):
        part = frame.filter(pl.col(ROW).is_in(sorted(numbers)))
        for values in part.iter_rows(named=True):
            yield values.pop(ROW), values


def _write(title: str, rows: Sequence[_Faulty]) -> bytes:
    columns = list(dict.fromkeys(c for r in rows for c in (*r.root.columns, *r.values)))
    into = io.BytesIO()
    book = xlsxwriter.Workbook(into, {"in_memory": True})
    book.set_properties({"title": title, "created": datetime(2025, 1, 1)})  # noqa: DTZ001 — a workbook knows no zone
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "num_format": TEXT})
    own = book.add_format({"bold": True, "bg_color": "#D9D9D9", "border": 1, "num_format": TEXT})
    # As text, and marked as typed with an apostrophe, nothing is ever calculated, though the cell be edited.
    plain = book.add_format({"num_format": TEXT})
    quoted = book.add_format({"num_format": TEXT, "quote_prefix": True})
    red = {"num_format": TEXT, "bg_color": "#FFC7CE", "font_color": "#9C0006"}
    faulty, faulty_quoted = book.add_format(red), book.add_format({**red, "quote_prefix": True})
    sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\'")[:31] or "退回")
    sheet.freeze_panes(1, 1)
    names = [REASON, *columns, FILE, SHEET, NUMBER, ID]
    for at, name in enumerate(names):
        sheet.write_string(0, at, name, own if name in OURS else head)
    sheet.set_column(0, 0, 48, plain)
    sheet.set_column(1, len(columns), 18, plain)
    sheet.set_column(len(columns) + 1, len(names) - 1, 24, plain)
    place = {name: at for at, name in enumerate(names)}
    for at, row in enumerate(rows, 1):
        marked: dict[str, list[str]] = {}
        for fault in row.wrong:
            marked.setdefault(fault.column if fault.column in place else REASON, []).append(
                f"{fault.zh} {fault.en}"
            )
        ours = {
            REASON: "; ".join(_reason(fault) for fault in row.wrong),
            FILE: row.root.file,
            SHEET: row.root.sheet,
            NUMBER: str(row.row),
            ID: f"{row.root.id}:{row.row}",
        }
        for name, value in (row.values | ours).items():
            text, wrong = shown(value), name in marked
            formula = text.startswith(_FORMULA)
            style = (faulty_quoted if formula else faulty) if wrong else quoted if formula else plain
            if text:
                sheet.write_string(at, place[name], text, style)
            elif wrong:
                sheet.write_blank(at, place[name], None, style)
        for name, said in marked.items():
            sheet.write_comment(at, place[name], "\n".join(said), {"author": "Quanxi", "x_scale": 2})
    manual = book.add_worksheet("说明")
    manual.set_column(0, 0, 16)
    manual.set_column(1, 1, 100)
    for at, (word, told) in enumerate(_MANUAL):
        manual.write_string(at, 0, word, head)
        manual.write_string(at, 1, told)
    book.close()
    return into.getvalue()


def _reason(fault: Quarantined) -> str:
    if fault.column:
        return f"{fault.column}: {fault.zh} {fault.en}"
    return f"{fault.zh} {fault.en} [{fault.value or ''}]"


# -- back again -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Returned:
    """Rows that came back, of one batch that they were first in."""

    root: Batch
    rows: pl.DataFrame


def read_returned(loader: Loader, path: Path) -> list[Returned]:
    """What a corrected workbook holds, by the batch that its rows were first in.

    Raises:
        UsageError: BAD_FILE when it is no such workbook, names a row that was never received, or one twice and
            differently, or has rows that are not named; BAD_HEADER when a column is missing.
    """
    if not path.is_file():
        raise UsageError("BAD_FILE", f"没有文件 {path}", f"there is no file {path}")
    named: dict[str, dict[int, tuple[int, dict[str, str | None]]]] = {}
    header: list[str] = []
    for source in readers.sources(path, None, OURS):
        if ID not in source.columns:
            continue
        header += source.columns
        for number, values in _cells(path, source):
            id, row = _named(path, number, values.get(ID))
            own = {c: v for c, v in values.items() if not c.startswith(RETURNED)}
            earlier = named.setdefault(id, {}).setdefault(row, (number, own))
            if earlier[1] != own:
                raise _unsound(
                    path,
                    f"第 {earlier[0]} 行与第 {number} 行是同一条,内容却不同",
                    f"rows {earlier[0]} and {number} are the same row, and say different things",
                )
    if not header:
        raise _unsound(path, f"没有“{ID}”列", f"it has no column {ID!r}")
    return [_restored(loader, path, id, rows, header) for id, rows in named.items()]


def _cells(path: Path, source: readers.Source) -> Iterator[tuple[int, dict[str, str | None]]]:
    for frame in source.frames:
        for values in frame.iter_rows(named=True):
            number = values.pop(ROW)
            if any((v or "").strip() for v in values.values()):
                yield number, values
    for bad in source.bad:
        raise _unsound(path, f"第 {bad.row} 行:{bad.zh}", f"row {bad.row}: {bad.en}")


def _named(path: Path, number: int, text: str | None) -> tuple[str, int]:
    found = re.fullmatch(r"\s*([0-9a-f]{20}):([0-9]{1,12})\s*", text or "")
    if found is None:
        raise _unsound(
            path,
            f"第 {number} 行没有“{ID}”,不知是哪一条",
            f"row {number} has no {ID!r} of ours, so it is not known which row it is",
            "Put the id back. A new row is sent as a file of its feed.",
        )
    return found[1], int(found[2])


def _restored(
    loader: Loader,
    path: Path,
    id: str,
    rows: dict[int, tuple[int, dict[str, str | None]]],
    header: Sequence[str],
) -> Returned:
    """The rows with what the workbook could not show put back, under the columns of their batch."""
    root = loader.ledger.batch(id)
    if root is None or root.feed not in loader.feeds:
        number = next(iter(rows.values()))[0]
        raise _unsound(
            path,
            f"第 {number} 行所属的批次 {id} 不在本账本中",
            f"row {number} is of the batch {id}, which this ledger does not hold",
            "Is it of another data directory?",
        )
    feed = loader.feeds[root.feed]
    known = dict(_latest(loader, root, set(rows)))
    unknown = [rows[row][0] for row in rows if row not in known]
    if unknown:
        raise _unsound(
            path,
            f"第 {unknown[0]} 行的编号在 {root.file} 中没有",
            f"row {unknown[0]} names a row that {root.file} does not have",
        )
    columns = [c for c in dict.fromkeys(header) if not c.startswith(RETURNED)]
    mine = [c for c in columns if c in root.columns or c in feed.names()]
    contract.check_header(feed, mine, path.name)
    data: dict[str, list[str | None]] = {c: [] for c in mine}
    for row in sorted(rows):
        for column in mine:
            value, before = rows[row][1].get(column), known[row].get(column)
            same = _plain(value) == _plain(shown(before))
            data[column].append(before if same else value)
    numbers = pl.Series(ROW, sorted(rows), dtype=pl.Int64)
    return Returned(root, pl.DataFrame(data, schema=dict.fromkeys(mine, pl.String)).with_columns(numbers))


def _latest(loader: Loader, root: Batch, numbers: set[int]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows of a batch as they were last received; those that could not be read are empty."""
    for fault in loader.ledger.faults(root):
        if fault.row in numbers:
            yield fault.row, {}
    for no in loader.ledger.attempts(root.no):
        yield from _rows(loader, loader.ledger.batch_by_no(no), numbers)


def _plain(text: str | None) -> str:
    """A cell without what spreadsheets change by themselves."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def receive_returned(loader: Loader, path: Path) -> list[Batch]:
    """Keeps what came back as batches of its feeds; durable when it returns. The same rows twice are the same batch.

    Raises:
        UsageError: what `read_returned` raises, before anything is kept.
    """
    now = datetime.now(SHANGHAI).isoformat(timespec="seconds")
    return [_receive(loader, one, path.name, now) for one in read_returned(loader, path)]


def _receive(loader: Loader, one: Returned, name: str, now: str) -> Batch:
    root = one.root
    return loader.ledger.append(
        root.feed,
        f"{root.file} ({name})",
        root.sheet,
        [one.rows],
        lambda: _digest(root, one.rows.iter_rows(named=True)),
        now,
        root.file_date,
        loader.feeds[root.feed].sensitive_columns(),
        root=root.no,
    )


def _digest(root: Batch, rows: Iterable[dict[str, object]]) -> str:
    """Of what the rows say, not of the file: a workbook that was only opened and saved is the same."""
    found = hashlib.sha256(root.id.encode())
    for row in rows:
        said = {c: v for c, v in row.items() if v is not None}
        found.update(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))
    return found.hexdigest()


def _unsound(path: Path, zh: str, en: str, hint: str | None = None) -> UsageError:
    return UsageError(
        "BAD_FILE",
        f"{path.name}:{zh}",
        f"{path.name}: {en}",
        hint or "It must be the workbook that `quanxi quarantine export` wrote, corrected.",
    )
