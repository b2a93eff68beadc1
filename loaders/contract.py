"""Validates and normalises rows against their feed's declaration; what breaks it is said cell by cell.

Columns are checked as columns: the common form by polars expressions, and only the distinct values that are not of it
one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import polars as pl

from ledger import Rejection
from loaders.declaration import Column, ColumnType, Feed
from ontology import identifiers
from ontology.clock import parse_date, parse_datetime
from ontology.errors import UsageError
from ontology.terms import Terms

TRUE, FALSE = (
    {"是", "有", "1", "true", "y", "yes", "√"},
    {"否", "无", "0", "false", "n", "no", "×"},
)
ROW = "__row"


@dataclass(frozen=True, slots=True)
class Checked:
    """Good rows, normalised (all strings but lists; `__row` holds the sheet's row number), and what was wrong."""

    rows: pl.DataFrame
    rejections: list[Rejection]
    rejected_rows: int
    dropped_cells: int


def _citizen(text: str) -> str | None:
    verdict = identifiers.check_citizen_id(text)
    if not verdict.ok or verdict.normal is None:
        verdict = identifiers.check_permit(text)
        return verdict.normal if verdict.ok else None
    return verdict.normal if len(verdict.normal) == 18 else identifiers.to_eighteen(verdict.normal)


def _uscc(text: str) -> str | None:
    verdict = identifiers.check_uscc(text)
    return verdict.normal if verdict.ok else None


def _identity(text: str) -> str | None:
    """A person's number or an enterprise's code in one column: `C:` or `U:` in front says which."""
    verdict = identifiers.check_citizen_id(text)
    if verdict.ok:
        found = _citizen(text)
        return f"C:{found}" if found else None
    code = _uscc(text)
    if code:
        return f"U:{code}"
    found = _citizen(text)
    return f"C:{found}" if found else None


def _plate(text: str) -> str | None:
    verdict = identifiers.check_plate(text)
    if not verdict.ok:
        verdict = identifiers.check_ebike_plate(text)
    return verdict.normal if verdict.ok else None


def _mobile(text: str) -> str | None:
    verdict = identifiers.check_phone(text)
    return verdict.normal if verdict.ok else None


def _boolean(text: str) -> str | None:
    low = text.lower()
    return "true" if low in TRUE else "false" if low in FALSE else None


def _number(text: str, whole: bool = False, unit: str = "") -> str | None:
    try:
        value = float(text.removesuffix(unit).replace(",", ""))
    except ValueError:
        return None
    if not math.isfinite(value) or (whole and not value.is_integer()):
        return None
    return str(int(value)) if whole else repr(value)


def _term(codes: dict[str, str], text: str) -> str | None:
    return codes.get(text)


_NORMALISERS: dict[ColumnType, Callable[[str], str | None]] = {
    ColumnType.DATE: parse_date,
    ColumnType.DATETIME: parse_datetime,
    ColumnType.CITIZEN_ID: _citizen,
    ColumnType.USCC: _uscc,
    ColumnType.IDENTITY: _identity,
    ColumnType.PLATE: _plate,
    ColumnType.MOBILE: _mobile,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.NUMBER: _number,
    ColumnType.INTEGER: partial(_number, whole=True),
}
_SAYS: dict[ColumnType, tuple[str, str]] = {
    ColumnType.DATE: ("不是日期", "is not a date"),
    ColumnType.DATETIME: ("不是时间", "is not a time"),
    ColumnType.CITIZEN_ID: ("证件号码有误(位数、校验码或出生日期)", "is not a valid identity number (length, check character or date)"),
    ColumnType.USCC: ("统一社会信用代码有误", "is not a valid unified social credit code"),
    ColumnType.IDENTITY: ("既不是证件号码,也不是统一社会信用代码", "is neither an identity number nor a credit code"),
    ColumnType.PLATE: ("不是号牌号码", "is not a plate"),
    ColumnType.MOBILE: ("不是电话号码", "is not a phone number"),
    ColumnType.BOOLEAN: ("应为 是 或 否", "should be 是 or 否"),
    ColumnType.NUMBER: ("不是数", "is not a number"),
    ColumnType.INTEGER: ("不是整数", "is not a whole number"),
    ColumnType.TERM: ("不在字典中", "is not in the term list"),
}  # fmt: skip


def _written(format: str, whole: bool, text: str) -> str | None:
    """A day, or a moment when `whole`, written in a declared format."""
    try:
        # The text has no zone: `parse_datetime` takes it as the district's own time.
        moment = datetime.strptime(text, format)  # noqa: DTZ007
    except ValueError:
        return None
    return parse_datetime(moment.isoformat()) if whole else moment.date().isoformat()


def _normaliser(column: Column, terms: Terms) -> Callable[[str], str | None] | None:
    if column.format is not None:
        return partial(_written, column.format, column.type is ColumnType.DATETIME)
    if column.type is ColumnType.TERM:
        assert column.terms is not None
        return partial(_term, dict(terms.code_of(column.terms)))
    if column.unit is not None:
        return partial(_number, whole=column.type is ColumnType.INTEGER, unit=column.unit)
    return _NORMALISERS.get(column.type)


def check_header(feed: Feed, columns: list[str], file: str) -> None:
    """Raises UsageError BAD_HEADER when a declared column is missing, naming it."""
    missing = [c for c, spec in feed.columns.items() if c not in columns and not spec.optional]
    if missing:
        raise UsageError(
            "BAD_HEADER",
            f"{file} 缺少列:{'、'.join(missing)}",
            f"{file}: feed {feed.feed} needs the columns {', '.join(missing)}, which are not in its header",
            f"The header is: {', '.join(columns)}. Is it another feed? Force one with --feed.",
        )


def check(feed: Feed, rows: pl.DataFrame, terms: Terms) -> Checked:
    """Checks and normalises rows.

    Args:
        rows: as read: strings and nulls.
    """
    wanted = [c for c in feed.columns if c in rows.columns]
    if ROW not in rows.columns:
        rows = rows.with_row_index(ROW, offset=2).with_columns(pl.col(ROW).cast(pl.Int64))
    table = rows.select(ROW, *wanted).with_columns(
        pl.col(c).str.strip_chars().replace("", None) for c in wanted
    )
    blank = pl.all_horizontal(pl.col(c).is_null() for c in wanted)
    table = table.filter(~blank)
    rejections: list[Rejection] = []
    bad_rows: set[int] = set()
    dropped = 0
    for name in wanted:
        spec = feed.columns[name]
        series = table.get_column(name)
        if spec.required and series.null_count():
            for row in table.filter(series.is_null()).get_column(ROW).to_list():
                rejections.append(Rejection(row, name, None, "必填项为空", "is required and empty"))
                bad_rows.add(row)
        if spec.matches is not None:
            broken = table.filter(~series.str.contains(spec.matches))
            for row, value in zip(broken.get_column(ROW), broken.get_column(name), strict=True):
                rejections.append(
                    Rejection(
                        row,
                        name,
                        value,
                        f"应符合 {spec.matches}",
                        f"does not match {spec.matches}",
                    )
                )
                bad_rows.add(row)
        if spec.type is ColumnType.LIST:
            table = table.with_columns(
                pl.col(name)
                .str.split(spec.separator)
                .list.eval(pl.element().str.strip_chars())
                .list.filter(pl.element() != "")
            )
            continue
        normalise = _normaliser(spec, terms)
        if normalise is None:
            continue
        distinct = series.drop_nulls().unique()
        normal = [normalise(v) for v in distinct]
        mapping = pl.DataFrame(
            {name: distinct, "__to": pl.Series(normal, dtype=pl.String)},
            schema={name: pl.String, "__to": pl.String},
        )
        joined = table.select(ROW, name).join(mapping, on=name, how="left", maintain_order="left")
        bad = joined.filter(pl.col(name).is_not_null() & pl.col("__to").is_null())
        if bad.height:
            if spec.on_bad == "reject":
                zh, en = _SAYS[spec.type]
                for row, value in zip(bad.get_column(ROW), bad.get_column(name), strict=True):
                    rejections.append(Rejection(row, name, value, zh, en))
                    bad_rows.add(row)
            else:
                dropped += bad.height
        table = table.with_columns(joined.get_column("__to").alias(name))
    for name, derived in feed.derive.items():
        if derived.template is None:
            assert derived.of is not None and derived.regex is not None
            table = table.with_columns(pl.col(derived.of).str.extract(derived.regex, 1).alias(name))
    if bad_rows:
        table = table.filter(~pl.col(ROW).is_in(list(bad_rows)))
    keys = [pl.col(k).is_null() for k in feed.key if k in table.columns]
    missing_key = pl.all_horizontal(keys) if keys else pl.lit(True)
    for row in table.filter(missing_key).get_column(ROW).to_list():
        rejections.append(Rejection(row, feed.key[0], None, "没有主键", "has no key"))
        bad_rows.add(row)
    table = table.filter(~missing_key)
    return Checked(table, rejections, len(bad_rows), dropped)
