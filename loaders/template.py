"""A feed's declaration as a workbook for its department to fill in: headers, drop-downs, formats, an example, instructions.

Only the first sheet is read again: the example stands on its side, so that no row of another sheet has the header.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from loaders.contract import ROW, Checker
from loaders.declaration import Check, Column, ColumnType, Feed
from loaders.plain import TYPES
from ontology.identifiers import make_citizen_id, make_uscc
from ontology.terms import Terms

ROWS: Final = 1_048_575
"""The last row of a sheet, from 0."""
NOBODY: Final = "330199"
"""A division that is none: no number of it is anybody's."""
MADE: Final = datetime(2025, 1, 5, 8, 30)  # noqa: DTZ001 — a workbook knows no zone
NATURE: Final = "数据性质"
_TEXT = "@"
_FORMATS: Final = {
    ColumnType.DATE: "yyyy-mm-dd", ColumnType.DATETIME: "yyyy-mm-dd hh:mm:ss", ColumnType.INTEGER: "0",
    ColumnType.NUMBER: "General",
}  # fmt: skip
_SAYS: Final = {
    ColumnType.DATE: "日期,如 2025-01-05",
    ColumnType.DATETIME: "时间,如 2025-01-05 08:30:00",
    ColumnType.BOOLEAN: "从列表中选 是 或 否",
    ColumnType.CITIZEN_ID: "公民身份号码 18 位,或居住证、通行证号码",
    ColumnType.USCC: "统一社会信用代码 18 位",
    ColumnType.IDENTITY: "个人填公民身份号码,单位填统一社会信用代码",
    ColumnType.PLATE: "号牌号码,如 浙A12345",
    ColumnType.MOBILE: "手机号码,或带区号的固定电话",
}


def form_columns(feed: Feed) -> list[str]:
    """The columns to be filled in: those that are not made of others, and of optional ones those that are used."""
    made = {group for column in feed.columns.values() for group in column.groups}
    return [n for n, c in feed.columns.items() if n not in made and not (c.optional and n == NATURE)]


def meaning(feed: Feed, name: str, terms: Terms) -> str:
    """What is to be filled into a column, in Chinese, for a cell comment."""
    column = feed.columns[name]
    said = ["必填" if column.required or feed.key == [name] else "可空"]
    said.append(_SAYS.get(column.type, TYPES[column.type][0]))
    if column.terms is not None:
        titles = [t.zh for t in terms.lists[column.terms].values()]
        said[-1] = (
            "从列表中选择:" + "、".join(titles[:20]) + (f"等 {len(titles)} 项" if len(titles) > 20 else "")
        )
    if column.type is ColumnType.LIST:
        said[-1] = f"可填多个,以 {column.separator} 分隔"
    if column.unit is not None:
        said.append(f"单位 {column.unit}")
    if column.format is not None:
        said[1] = f"写作 {MADE.strftime(column.format)}"
    if column.digits is not None:
        said.append(f"{column.digits} 位数字,保留前导零")
    if column.matches is not None:
        said.append(f"格式 {column.matches}")
    if name in feed.key:
        said.append("用于识别记录,再次报送时不得改变")
    said += [told for check in feed.checks if check.column == name if (told := _condition(check))]
    return ";".join(said)


def _condition(check: Check) -> str:
    if check.message is not None:
        return check.message
    words = {
        "min": "不小于", "max": "不大于", "not_before": "不早于", "not_after": "不晚于", "matches": "格式", "digits": "位数",
        "length": "字数", "one_of": "只可填",
    }  # fmt: skip
    said = []
    for name, word in words.items():
        value = getattr(check, name)
        if value is not None:
            shown = "、".join(map(str, value)) if isinstance(value, list | tuple) else value
            said.append(f"{word} {'今天' if shown == 'today' else shown}")
    return ",".join([*said, *(["不得重复"] if check.unique else [])])


def examples(feed: Feed, terms: Terms, rows: int = 2) -> list[dict[str, str]]:
    """Synthetic rows that the feed's contract takes. What no value can be made up for is left empty."""
    names = form_columns(feed)
    made = [{n: _example(n, feed.columns[n], terms, i) for n in names} for i in range(rows)]
    for row in made:
        for check in feed.checks:
            if check.one_of and check.column in row:
                row[check.column] = check.one_of[0]
    for _ in range(3):
        frame = pl.DataFrame(made, schema=dict.fromkeys(names, pl.String))
        checked = Checker(feed, terms).check(
            frame.with_columns(pl.int_range(rows, dtype=pl.Int64).alias(ROW))
        )
        for wrong in (*checked.rejections, *checked.notes):
            if wrong.column in made[wrong.row] and not feed.columns[wrong.column].required:
                made[wrong.row][wrong.column] = ""
    return made


def _example(name: str, column: Column, terms: Terms, i: int) -> str:
    match column.type:
        case ColumnType.TERM:
            titles = [t.zh for t in terms.lists[column.terms or ""].values()]
            return titles[i % len(titles)]
        case ColumnType.DATE:
            return MADE.strftime(column.format or "%Y-%m-%d")
        case ColumnType.DATETIME:
            return MADE.strftime(column.format or "%Y-%m-%d %H:%M:%S")
        case ColumnType.BOOLEAN:
            return ("是", "否")[i % 2]
        case ColumnType.CITIZEN_ID | ColumnType.IDENTITY:
            return make_citizen_id(NOBODY, f"19{80 + i}-01-01", i + 1)
        case ColumnType.USCC:
            return make_uscc("9", "1", NOBODY, i + 1)
        case ColumnType.PLATE:
            return f"浙A0000{i + 1}"
        case ColumnType.MOBILE:
            return f"1990000000{i + 1}"
        case ColumnType.INTEGER | ColumnType.NUMBER:
            return str(i + 1)
    if column.digits is not None:
        return str(i + 1).zfill(column.digits)
    return f"示例{name}{i + 1}"


def form(feed: Feed, terms: Terms, rows: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """The workbook; the same declaration and terms give the same bytes.

    Args:
        rows: to be filled in already, by column; numbers, days and moments are written as such.
    """
    into = io.BytesIO()
    book = xlsxwriter.Workbook(into, {"in_memory": True})
    book.set_properties({"title": feed.zh, "created": MADE})
    head = {"bold": True, "border": 1, "bg_color": "#DDEBF7", "num_format": _TEXT, "text_wrap": True}
    plain = book.add_format(head)
    needed = book.add_format({**head, "bg_color": "#F8CBAD", "font_color": "#C00000"})
    formats = {code: book.add_format({"num_format": code}) for code in sorted({_TEXT, *_FORMATS.values()})}
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    names = form_columns(feed)
    sheet = book.add_worksheet("".join(c for c in feed.zh if c not in "[]:*?/\\'")[:31] or "数据")
    example, manual, lists = (book.add_worksheet(n) for n in ("示例", "填表说明", "字典"))
    lists.hide()
    sheet.freeze_panes(1, 0)
    ranges: dict[str, str] = {}
    for i, name in enumerate(names):
        column = feed.columns[name]
        code = _TEXT if column.format or column.unit else _FORMATS.get(column.type, _TEXT)
        sheet.set_column(i, i, max(12, 2 * len(name) + 4), formats[code])
        sheet.write_string(0, i, name, needed if column.required or feed.key == [name] else plain)
        sheet.write_comment(0, i, meaning(feed, name, terms), {"x_scale": 2, "y_scale": 1.5})
        rule = _rule(feed, name, terms, lists, ranges)
        if rule is not None:
            told = meaning(feed, name, terms)
            sheet.data_validation(
                1, i, ROWS, i, {**rule, "error_title": name[:32], "error_message": told[:255]}
            )
        for at, row in enumerate(rows, 1):
            value = row.get(name)
            if isinstance(value, datetime | date):
                sheet.write_datetime(at, i, value, formats[_FORMATS[column.type]])
            elif isinstance(value, int | float):
                sheet.write_number(at, i, value, formats[code])
            elif value:
                sheet.write_string(at, i, value, formats[_TEXT])
    made = examples(feed, terms)
    example.set_column(0, len(made), 30, formats[_TEXT])
    for at, values in enumerate(
        [["列", *(f"例 {i + 1}" for i in range(len(made)))], *([n, *(r[n] for r in made)] for n in names)]
    ):
        for i, value in enumerate(values):
            example.write_string(at, i, value, plain if not at or not i else formats[_TEXT])
    example.write_string(len(names) + 2, 0, "以上均为合成数据,不指任何真实的人、单位或地点。")
    manual.set_column(0, 0, 24)
    manual.set_column(1, 1, 90, wrapped)
    for at, (title, told) in enumerate(_manual(feed, names, terms)):
        manual.write_string(at, 0, title, plain)
        manual.write_string(at, 1, told, wrapped)
    sheet.activate()
    book.close()
    return into.getvalue()


def _manual(feed: Feed, names: Sequence[str], terms: Terms) -> Iterator[tuple[str, str]]:
    yield "表名", f"{feed.zh}({feed.feed})"
    yield "报送部门", feed.department
    yield "法律依据", feed.legal_basis or "—"
    yield "文件名", f"须符合 {'、'.join(feed.match)},末尾加日期,如 {feed.zh.replace('·', '_')}_20250105.xlsx"
    yield "怎样填", "只填第一张表,一行一条。不改列名,不合并单元格,不写合计。红底的列必填,可空的列没有就空着。"
    yield "号码", "号码、编号、室号各列已设为文本:粘贴时选“只粘贴值”,以免 Excel 丢掉末位数字或前导零。"
    yield "退回", "有误的行不入库,连同行号、列名、原值和原因退回;改正后可只报送这些行。"
    for name in names:
        yield name, meaning(feed, name, terms)


def _rule(feed: Feed, name: str, terms: Terms, lists: Any, ranges: dict[str, str]) -> dict[str, Any] | None:
    """What may be typed into a column, as Excel checks it; None where it cannot."""
    column = feed.columns[name]
    if column.terms is not None:
        if column.terms not in ranges:
            titles = [t.zh for t in terms.lists[column.terms].values()]
            lists.write_column(0, len(ranges), titles)
            letter = xl_col_to_name(len(ranges))
            # A list in the rule itself may have 255 characters in all; one on a sheet any number.
            ranges[column.terms] = f"='字典'!${letter}$1:${letter}${len(titles)}"
        return {"validate": "list", "source": ranges[column.terms]}
    if column.format is not None or column.unit is not None:
        return None
    match column.type:
        case ColumnType.BOOLEAN:
            return {"validate": "list", "source": ["是", "否"]}
        case ColumnType.DATE | ColumnType.DATETIME:
            return {"validate": "date", "criteria": ">=", "value": date(1900, 3, 1)}
        case ColumnType.INTEGER:
            return {"validate": "integer", "criteria": "between", "minimum": -(10**12), "maximum": 10**12}
        case ColumnType.NUMBER:
            return {"validate": "decimal", "criteria": "between", "minimum": -1e12, "maximum": 1e12}
    if column.digits is not None:
        return {"validate": "length", "criteria": "==", "value": column.digits}
    return None
