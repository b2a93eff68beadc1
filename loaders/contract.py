"""Validates and normalises rows against their feed's declaration; what breaks it is said cell by cell.

Columns are checked as columns: the common form by polars expressions, and only the distinct values that are not of it
one by one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from addresses.coordinates import to_cgcs2000
from ledger import Rejection
from loaders.declaration import Check, Column, ColumnType, Feed, OnBad
from loaders.mapping import ACTION, AT
from loaders.transforms import SCIENTIFIC, each, serial_date, transform
from ontology import identifiers
from ontology.clock import SHANGHAI, parse_date, parse_datetime
from ontology.errors import UsageError
from ontology.identifiers import citizen_check_digits
from ontology.terms import Terms

TRUE, FALSE = (
    {"是", "有", "1", "true", "y", "yes", "√"},
    {"否", "无", "0", "false", "n", "no", "×"},
)
ROW = "__row"
RETURNED: Final = "退回·"
"""How the columns begin that are put to rows which go back to their department."""

NOTES: Final = 1_000
"""How many notes are kept of one column of a frame, dropped cells among them; all are counted."""

EMPTY: Final = frozenset(
    "无 不详 未知 暂无 空 没有 无数据 null NULL Null None N/A n/a NA #N/A - -- --- — —— / \\ .".split()
)
"""Words that mean nothing in every type but text, lists and, of these, terms and yes or no where they are values."""
EMPTY_DATES: Final = frozenset("0 00000000 0000-00-00 0000/00/00 00000000000000".split()) | {
    "0000-00-00 00:00:00",
    "1900-01-00",
    "1900/1/0",
}
Reason = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """Good rows, normalised (all strings but lists; `__row` holds the sheet's row number), and what was wrong.

    Attributes:
        dropped_cells: values left out of rows that were otherwise kept, or were kept out for another cell.
        notes: what was dropped or only noted, cell by cell as far as `NOTES` goes.
        deleted: rows by which their feed's `deletions` say that something is no more: as `rows`, with `__action`
            (close, died or remove) and `__at` (the day, or null). They are not among `rows`.
    """

    rows: pl.DataFrame
    rejections: list[Rejection]
    rejected_rows: int
    dropped_cells: int
    notes: list[Rejection] = field(default_factory=list)
    deleted: pl.DataFrame = field(default_factory=pl.DataFrame)


_MISCOUNTED = re.compile(r"[0-9]{12,16}[0-9X]")
_EXCEL_NUMBER = re.compile(rf"{SCIENTIFIC}|[0-9]+\.[0-9]+")


def _citizen(text: str) -> str | None:
    verdict = identifiers.check_citizen_id(text)
    if not verdict.ok or verdict.normal is None:
        # A number of Excel's: without its point and sign it would have the form of a passport's.
        if _EXCEL_NUMBER.fullmatch(text):
            return None
        verdict = identifiers.check_permit(text)
        # So many digits alone are no passport: they are an identity number that lost or gained some.
        if verdict.kind == "passport" and _MISCOUNTED.fullmatch(verdict.normal or ""):
            return None
        return verdict.normal if verdict.ok else None
    return verdict.normal if len(verdict.normal) == 18 else identifiers.to_eighteen(verdict.normal)


def _uscc(text: str) -> str | None:
    # Without its point 9.13301E17 has the form of an organisation code, and one in eleven its check character.
    if _EXCEL_NUMBER.fullmatch(text):
        return None
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


def check_header(feed: Feed, columns: Sequence[str], file: str) -> None:
    """Raises UsageError BAD_HEADER when a declared column is missing, under its name and all its aliases, naming it; and
    when it is a workbook of rows that went back: as a file of its own it would pass for all that there is."""
    if any(c.startswith(RETURNED) for c in columns):
        raise UsageError(
            "BAD_HEADER",
            f"{file} 是退回更正的表",
            f"{file} holds rows that were sent back for correction",
            f"Load it with: quanxi quarantine retry {file}",
        )
    names = feed.names()
    there = {names[c] for c in columns if c in names}
    made = {group for spec in feed.columns.values() for group in spec.groups}
    missing = [c for c, spec in feed.columns.items() if c not in there | made and not spec.optional]
    if missing:
        raise UsageError(
            "BAD_HEADER",
            f"{file} 缺少列:{'、'.join(missing)}",
            f"{file}: feed {feed.feed} needs the columns {', '.join(missing)}, which are not in its header",
            f"The header is: {', '.join(columns)}. Is it another feed? Force one with --feed. Is it another name of "
            "the same column? Declare it under `aliases`.",
        )


def check(feed: Feed, rows: pl.DataFrame, terms: Terms, today: date | None = None) -> Checked:
    """Checks and normalises rows. For a file of several frames keep one `Checker`, which knows of the frames before.

    Args:
        rows: as read: strings and nulls; with `__row` (Int64) where they know their number.
        today: the district's day; the real one when left out.
    """
    return Checker(feed, terms, today).check(rows)


# -- what Excel does to numbers ------------------------------------------------------------------------------------


_SCIENTIFIC = re.compile(SCIENTIFIC)
_NUMBERS = (ColumnType.CITIZEN_ID, ColumnType.USCC, ColumnType.IDENTITY, ColumnType.MOBILE)


def _excel(kind: ColumnType, value: str) -> Reason | None:
    """What Excel did to a value that ought to be of a type, or None when it was not Excel."""
    if kind in _NUMBERS and _SCIENTIFIC.fullmatch(value):
        return _scientific(value)
    if kind in (ColumnType.CITIZEN_ID, ColumnType.IDENTITY) and re.fullmatch(
        r"\d{15}0{3}(?:\.0+)?", value, re.ASCII
    ):
        return (
            "末三位为 000 且校验码不符:Excel 按数值保存,第 16 位以后已丢失;请将该列设为文本后重新填报",
            "ends in 000 and fails its check character: Excel kept it as a number and lost all after the 15th digit; "
            "format the column as text and send it again",
        )
    if kind in (ColumnType.DATE, ColumnType.DATETIME) and (day := serial_date(value)) is not None:
        return (
            f"是 Excel 日期序列号,或为 {day};确认后在该列声明 transforms: [excel_serial_date] 即可接收",
            f"is a serial number of Excel's, which would be {day}; declare transforms: [excel_serial_date] to accept it",
        )
    return None


def _scientific(value: str) -> Reason:
    return (
        f"被 Excel 写成科学计数 {value},末位数字已丢失,不可还原;请将该列设为文本后重新填报",
        f"was written by Excel as {value}: its last digits are lost and cannot be restored; format the column as text "
        "and send it again",
    )


def _digits(digits: int, value: str | None) -> Reason:
    if value is not None and _SCIENTIFIC.fullmatch(value):
        return _scientific(value)
    if value is not None and value.isascii() and value.isdigit() and len(value) < digits:
        return (
            f"应为 {digits} 位数字,只有 {len(value)} 位:Excel 可能去掉了前导零(或为 {value.zfill(digits)})",
            f"should have {digits} digits and has {len(value)}: Excel may have taken off leading zeros "
            f"(it may have been {value.zfill(digits)})",
        )
    return f"应为 {digits} 位数字", f"should be {digits} digits"


# -- the common forms, as columns ----------------------------------------------------------------------------------

_TODAY_FORMS: Final = {
    ColumnType.DATE: (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "%Y-%m-%d"),
    ColumnType.DATETIME: (r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]$", "%Y-%m-%d %H:%M:%S"),
}


def _common(kind: ColumnType, values: pl.Series) -> pl.Series | None:
    """The normal form of those values that are already of it, null for others; None where a type has no such form."""
    text = values.str
    match kind:
        case ColumnType.DATE:
            pattern, form = _TODAY_FORMS[kind]
            # polars knows a year 0, which no calendar has.
            good = (
                text.contains(pattern) & text.to_date(form, strict=False).is_not_null() & (values >= "0001")
            )
            return pl.select(pl.when(good).then(values)).to_series()
        case ColumnType.DATETIME:
            pattern, form = _TODAY_FORMS[kind]
            read = text.to_datetime(form, strict=False)
            good = text.contains(pattern) & read.is_not_null() & (values >= "0001")
            return pl.select(
                pl.when(good).then(values.str.replace(" ", "T", literal=True) + "+08:00")
            ).to_series()
        case ColumnType.CITIZEN_ID:
            return _good_citizens(values)
        case ColumnType.IDENTITY:
            return pl.select(pl.lit("C:") + _good_citizens(values)).to_series()
        case ColumnType.MOBILE:
            return pl.select(pl.when(text.contains(r"^1[3-9][0-9]{9}$")).then(values)).to_series()
        case ColumnType.INTEGER:
            return pl.select(pl.when(text.contains(r"^(0|[1-9][0-9]{0,14})$")).then(values)).to_series()
    return None


def _good_citizens(values: pl.Series) -> pl.Series:
    """Identity numbers of 18 characters whose date and check character hold; null for all others."""
    births = values.str.slice(6, 8)
    formed = (
        values.str.contains(r"^[0-9]{17}[0-9X]$")
        & births.str.to_date("%Y%m%d", strict=False).is_not_null()
        & (births >= "18500101")
    ).fill_null(False)
    good = np.zeros(values.len(), dtype=bool)
    if formed.any():
        letters = values.filter(formed).to_numpy().astype("S18").view(np.uint8).reshape(-1, 18)
        good[formed.to_numpy()] = citizen_check_digits(letters[:, :17] - 48) == letters[:, 17:].copy().view(
            "S1"
        ).ravel().astype("<U1")
    return pl.select(pl.when(pl.Series(good)).then(values)).to_series()


# -- the check -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sheet:
    """A frame under work: every row that is not blank, in order."""

    numbers: pl.Series
    raw: dict[str, pl.Series]
    values: dict[str, pl.Series]
    shown: dict[str, str]
    bad: np.ndarray[tuple[int], np.dtype[np.bool_]]
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[Rejection] = field(default_factory=list)
    dropped: int = 0

    def fail(
        self, name: str, mask: pl.Series, reason: Callable[[str | None], Reason] | Reason, on_bad: OnBad
    ) -> None:
        """Says of the cells that a mask names what is wrong, and does what is to be done about them."""
        at = mask.fill_null(False).arg_true()
        if not at.len():
            return
        if on_bad == "drop":
            self.dropped += at.len()
        told = at if on_bad == "reject" else at.head(NOTES)
        raw = self.raw.get(name)
        cells = raw.gather(told).to_list() if raw is not None else [None] * told.len()
        known: dict[str | None, Reason] = {}
        into = self.rejections if on_bad == "reject" else self.notes
        column = self.shown.get(name, name)
        for row, value in zip(self.numbers.gather(told).to_list(), cells, strict=True):
            if callable(reason):
                if value not in known:
                    known[value] = reason(value)
                zh, en = known[value]
            else:
                zh, en = reason
            into.append(Rejection(row, column, value, zh, en))
        if on_bad == "reject":
            self.bad[at.to_numpy()] = True
        elif on_bad == "drop":
            held = self.values[name]
            self.values[name] = pl.select(
                pl.when(mask.fill_null(False)).then(None).otherwise(held)
            ).to_series()


class Checker:
    """Checks the frames of one file or batch, one after the other.

    Args:
        today: the district's day; the real one when left out.
    """

    def __init__(self, feed: Feed, terms: Terms, today: date | None = None) -> None:
        self.feed = feed
        self._terms = terms
        self._today = (today or datetime.now(SHANGHAI).date()).isoformat()
        self._names = feed.names()
        self._seen: dict[str, dict[str, int]] = {c.column: {} for c in feed.checks if c.unique}
        self._normalise = {n: _normaliser(c, terms) for n, c in feed.columns.items()}
        self._empty = {n: _empty_words(c, terms) for n, c in feed.columns.items()}
        self._long = _long_numbers(feed)
        self._groups = {n: c.groups for n, c in feed.columns.items() if c.split is not None}

    def check(self, rows: pl.DataFrame) -> Checked:
        """Checks and normalises rows: strings and nulls, with `__row` (Int64) where they know their number."""
        feed = self.feed
        sheet = self._sheet(rows)
        actions = self._actions(sheet)
        order = [name for name in feed.columns if name in sheet.values]
        for name in order:
            self._column(sheet, name, actions)
        if feed.coordinates is not None:
            self._position(sheet)
        for condition in feed.checks:
            if condition.column in sheet.values:
                self._condition(sheet, condition)
        table = pl.DataFrame({ROW: sheet.numbers, **sheet.values})
        for name, derived in feed.derive.items():
            if derived.template is None:
                assert derived.of is not None and derived.regex is not None
                table = table.with_columns(pl.col(derived.of).str.extract(derived.regex, 1).alias(name))
        keys = [pl.col(k).is_null() for k in feed.key if k in table.columns]
        missing = table.select(pl.all_horizontal(keys) if keys else pl.lit(True)).to_series()
        if missing.len() != table.height:
            missing = pl.Series([True] * table.height, dtype=pl.Boolean)
        missing &= ~pl.Series(sheet.bad)
        sheet.fail(feed.key[0], missing, ("没有主键", "has no key"), "reject")
        good = ~pl.Series(sheet.bad, dtype=pl.Boolean)
        rejected = int(sheet.bad.sum())
        if actions is None:
            return Checked(table.filter(good), sheet.rejections, rejected, sheet.dropped, sheet.notes)
        at = feed.deletions.at if feed.deletions is not None else None
        day = pl.col(at).str.slice(0, 10) if at in table.columns else pl.lit(None, dtype=pl.String)
        deleted = table.with_columns(actions.alias(ACTION), day.alias(AT)).filter(
            good & actions.is_not_null()
        )
        kept = table.filter(good & actions.is_null())
        return Checked(kept, sheet.rejections, rejected, sheet.dropped, sheet.notes, deleted)

    # -- what is written --------------------------------------------------------------------------------------------

    def _sheet(self, rows: pl.DataFrame) -> _Sheet:
        """The rows under the declared names, trimmed, without blank ones; transformed, split, with empty words empty."""
        if ROW not in rows.columns:
            rows = rows.with_row_index(ROW, offset=2).with_columns(pl.col(ROW).cast(pl.Int64))
        given: dict[str, list[str]] = {}
        for column in rows.columns:
            name = self._names.get(column)
            if name is not None:
                given.setdefault(name, []).append(column)
        # A column under its own name goes before one under an alias.
        sources = {n: sorted(cs, key=lambda c: c != n) for n, cs in given.items()}
        wanted = [n for n in self.feed.columns if n in sources]
        table = rows.select(
            ROW,
            *(
                pl.coalesce(pl.col(c).str.strip_chars().replace("", None) for c in sources[n]).alias(n)
                for n in wanted
            ),
        )
        table = table.filter(
            ~pl.all_horizontal(pl.col(n).is_null() for n in wanted) if wanted else pl.lit(False)
        )
        sheet = _Sheet(
            table.get_column(ROW),
            {n: table.get_column(n) for n in wanted},
            {n: table.get_column(n) for n in wanted},
            {n: cs[0] for n, cs in sources.items()},
            np.zeros(table.height, dtype=bool),
        )
        for name in wanted:
            sheet.values[name] = self._cleaned(name, sheet.values[name])
        for name, groups in self._groups.items():
            if name in sheet.values:
                self._split(sheet, name, groups)
        return sheet

    def _cleaned(self, name: str, values: pl.Series) -> pl.Series:
        spec = self.feed.columns[name]
        for one in spec.transforms:
            named, parameter = next(iter(one.items())) if isinstance(one, dict) else (one, None)
            values = transform(values, named, parameter)
        if spec.synonyms:
            values = values.replace(list(spec.synonyms), list(spec.synonyms.values()))
        words = self._empty[name]
        if words:
            nothing = values.is_in(words)
            if nothing.any():
                values = pl.select(pl.when(~nothing).then(values)).to_series().alias(name)
        return values

    def _split(self, sheet: _Sheet, name: str, groups: list[str]) -> None:
        spec = self.feed.columns[name]
        assert spec.split is not None
        parts = sheet.values[name].str.extract_groups(spec.split).struct.unnest()
        for group in groups:
            part = parts.get_column(group).str.strip_chars().replace([""], [None])
            if group in sheet.values:
                own = sheet.values[group]
                part = pl.select(pl.coalesce(own, part)).to_series()
            else:
                sheet.raw[group] = part
                sheet.shown[group] = sheet.shown[name]
                if group in self.feed.columns:
                    part = self._cleaned(group, part)
            sheet.values[group] = part.alias(group)

    def _actions(self, sheet: _Sheet) -> pl.Series | None:
        """What each row says is no more, by its feed's `deletions`; None when the feed never says so."""
        declared = self.feed.deletions
        if declared is None:
            return None
        if declared.column not in sheet.values:
            return pl.Series([None] * sheet.numbers.len(), dtype=pl.String)
        words: dict[str, str] = dict(declared.values)
        spec = self.feed.columns.get(declared.column)
        if spec is not None and spec.terms is not None:
            codes = self._terms.code_of(spec.terms)
            meant = {codes.get(w, w): action for w, action in declared.values.items()}
            words |= {w: meant[code] for w, code in codes.items() if code in meant}
        values = sheet.values[declared.column]
        return values.replace_strict(list(words), list(words.values()), default=None, return_dtype=pl.String)

    # -- what is meant ----------------------------------------------------------------------------------------------

    def _column(self, sheet: _Sheet, name: str, actions: pl.Series | None) -> None:
        spec = self.feed.columns[name]
        values = sheet.values[name]
        if spec.required and values.null_count():
            # A row that only says that something is no more need not say what it was.
            empty = values.is_null() if actions is None else values.is_null() & actions.is_null()
            sheet.fail(name, empty, ("必填项为空", "is required and empty"), "reject")
        if spec.matches is not None:
            said = (f"应符合 {spec.matches}", f"does not match {spec.matches}")
            sheet.fail(name, ~values.str.contains(spec.matches), said, "reject")
        if spec.digits is not None:
            wrong = ~values.str.contains(f"^[0-9]{{{spec.digits}}}$")
            sheet.fail(name, wrong, partial(_digits, spec.digits), spec.on_bad)
        elif name in self._long and spec.type is ColumnType.TEXT:
            lost = values.str.contains(r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$")
            sheet.fail(name, lost, lambda v: _scientific(v or ""), self._long[name])
        values = sheet.values[name]
        if spec.type is ColumnType.LIST:
            parts = values.str.split(spec.separator).list.eval(pl.element().str.strip_chars())
            sheet.values[name] = parts.list.filter(pl.element() != "")
            return
        normalise = self._normalise[name]
        if normalise is None:
            return
        normal = self._normal(spec, values, normalise)
        wrong = values.is_not_null() & normal.is_null()
        sheet.values[name] = normal.alias(name)
        if wrong.any():
            sheet.fail(name, wrong, partial(self._reason, spec), spec.on_bad)

    def _normal(self, spec: Column, values: pl.Series, normalise: Callable[[str], str | None]) -> pl.Series:
        common = _common(spec.type, values) if spec.format is None and spec.unit is None else None
        if common is None:
            return each(values, normalise)
        others = values.is_not_null() & common.is_null()
        if not others.any():
            return common
        rest = each(pl.select(pl.when(others).then(values)).to_series(), normalise)
        return pl.select(pl.coalesce(common, rest)).to_series()

    def _reason(self, spec: Column, value: str | None) -> Reason:
        if value is None:
            return _SAYS[spec.type]
        excel = _excel(spec.type, value)
        if excel is not None:
            return excel
        zh, en = _SAYS[spec.type]
        if spec.terms is not None:
            words = self._terms.code_of(spec.terms)
            near = process.extractOne(
                value, [w for w in words if not w.isascii()], scorer=fuzz.ratio, score_cutoff=50
            )
            if near is not None:
                return (
                    f"不在字典 {spec.terms} 中,是否为 {near[0]}?",
                    f"{en} {spec.terms}; did you mean {near[0]}?",
                )
        if spec.format is not None:
            return f"{zh}(应写作 {spec.format})", f"{en} written as {spec.format}"
        return zh, en

    # -- positions --------------------------------------------------------------------------------------------------

    def _position(self, sheet: _Sheet) -> None:
        declared = self.feed.coordinates
        assert declared is not None
        if declared.longitude not in sheet.values or declared.latitude not in sheet.values:
            return
        for name, limit in ((declared.longitude, 180.0), (declared.latitude, 90.0)):
            beyond = sheet.values[name].cast(pl.Float64).abs() > limit
            said = (
                f"超出 ±{limit:.0f} 度;投影坐标(米)须先换算为经纬度",
                f"is beyond ±{limit:.0f} degrees; projected coordinates in metres must be turned into degrees first",
            )
            spec = self.feed.columns.get(name)
            sheet.fail(name, beyond, said, spec.on_bad if spec is not None else "drop")
        longitude, latitude = (
            sheet.values[n].cast(pl.Float64) for n in (declared.longitude, declared.latitude)
        )
        both = longitude.is_not_null() & latitude.is_not_null()
        if declared.system in ("CGCS2000", "WGS84") or not both.any():
            return
        x, y = to_cgcs2000(
            declared.system, longitude.filter(both).to_numpy(), latitude.filter(both).to_numpy()
        )
        where = both.arg_true()
        for name, numbers in ((declared.longitude, x), (declared.latitude, y)):
            texts = pl.Series([repr(v) for v in numbers.tolist()], dtype=pl.String)
            sheet.values[name] = sheet.values[name].clone().scatter(where, texts)

    # -- conditions -------------------------------------------------------------------------------------------------

    def _condition(self, sheet: _Sheet, declared: Check) -> None:
        name = declared.column
        own = None if declared.message is None else (declared.message, declared.message)

        def fail(mask: pl.Series, reason: Callable[[str | None], Reason] | Reason) -> None:
            sheet.fail(name, mask, own or reason, declared.on_bad)

        if declared.min is not None or declared.max is not None:
            numbers = sheet.values[name].cast(pl.Float64, strict=False)
            if declared.min is not None:
                fail(numbers < declared.min, (f"小于 {declared.min:g}", f"is less than {declared.min:g}"))
            if declared.max is not None:
                fail(numbers > declared.max, (f"大于 {declared.max:g}", f"is more than {declared.max:g}"))
        for bound, early in ((declared.not_before, True), (declared.not_after, False)):
            if bound is not None:
                self._bound(sheet, name, bound, early, fail)
        values = sheet.values[name]
        if declared.matches is not None:
            said = (f"应符合 {declared.matches}", f"does not match {declared.matches}")
            fail(~values.str.contains(declared.matches), said)
        if declared.digits is not None:
            fail(~values.str.contains(f"^[0-9]{{{declared.digits}}}$"), partial(_digits, declared.digits))
        if declared.length is not None:
            least, most = (
                declared.length if isinstance(declared.length, tuple) else (declared.length, declared.length)
            )
            said = (
                (f"应为 {least} 个字符", f"should be {least} characters long")
                if least == most
                else (f"应为 {least} 至 {most} 个字符", f"should be {least} to {most} characters long")
            )
            fail(~values.str.len_chars().is_between(least, most), said)
        if declared.one_of is not None:
            spec = self.feed.columns.get(name)
            codes = self._terms.code_of(spec.terms) if spec is not None and spec.terms is not None else {}
            allowed = {*declared.one_of, *(codes[w] for w in declared.one_of if w in codes)}
            listed = "、".join(declared.one_of), ", ".join(declared.one_of)
            strange = values.is_not_null() & ~values.is_in(list(allowed))
            fail(strange, (f"应为 {listed[0]} 之一", f"should be one of {listed[1]}"))
        if declared.unique:
            self._unique(sheet, name, own, declared.on_bad)

    def _bound(
        self,
        sheet: _Sheet,
        name: str,
        bound: str,
        early: bool,
        fail: Callable[[pl.Series, Callable[[str | None], Reason] | Reason], None],
    ) -> None:
        values = sheet.values[name]
        if bound in sheet.values:
            limit = sheet.values[bound]
            shown = (f"“{bound}”", f"the column {bound}")
        elif bound in self.feed.columns:
            return
        else:
            day = self._today if bound == "today" else parse_date(bound)
            limit = pl.Series([day], dtype=pl.String)
            shown = (f"今天({day})", f"today ({day})") if bound == "today" else (bound, bound)
        whole = bound in sheet.values and all(
            n in self.feed.columns and self.feed.columns[n].type is ColumnType.DATETIME for n in (name, bound)
        )
        # A day and a moment of it are no contradiction: days are compared unless both are moments.
        left, right = (values, limit) if whole else (values.str.slice(0, 10), limit.str.slice(0, 10))
        if early:
            fail(left < right, (f"早于{shown[0]}", f"is before {shown[1]}"))
        else:
            fail(left > right, (f"晚于{shown[0]}", f"is after {shown[1]}"))

    def _unique(self, sheet: _Sheet, name: str, own: Reason | None, on_bad: OnBad) -> None:
        seen, values = self._seen[name], sheet.values[name]
        raw = sheet.raw.get(name, values)
        again = np.zeros(values.len(), dtype=bool)
        first: dict[str | None, int] = {}
        cells = zip(values.to_list(), raw.to_list(), sheet.numbers.to_list(), strict=True)
        for i, (value, written, row) in enumerate(cells):
            if value is None:
                continue
            held = seen.setdefault(value, row)
            if held != row:
                again[i], first[written] = True, held

        def reason(written: str | None) -> Reason:
            return own or (f"与第 {first[written]} 行重复", f"is the same as in row {first[written]}")

        sheet.fail(name, pl.Series(again), reason, on_bad)


def _empty_words(column: Column, terms: Terms) -> list[str]:
    """The words that mean nothing in a column."""
    if column.empty is not None:
        return column.empty
    if column.type in (ColumnType.TEXT, ColumnType.LIST):
        return []
    words = set(EMPTY)
    if column.type in (ColumnType.DATE, ColumnType.DATETIME):
        words |= EMPTY_DATES
    if column.type is ColumnType.BOOLEAN:
        words -= {w for w in words if w.lower() in TRUE | FALSE} | {"没有"}
    if column.terms is not None:
        words -= set(terms.code_of(column.terms))
    return sorted(words)


def _long_numbers(feed: Feed) -> dict[str, OnBad]:
    """Text columns that hold numbers by which things are known, and what a lossy one does: placing never quarantines."""
    found: dict[str, OnBad] = {}
    for link in feed.links:
        if link.place is not None:
            for column in (link.place.code, link.place.local):
                if column is not None:
                    found[column] = "drop"
    known: Iterable[str] = (c for e in feed.entities.values() for a in e.id for c in a.values())
    found.update({c: feed.columns[c].on_bad for c in (*known, *feed.key) if c in feed.columns})
    return found
