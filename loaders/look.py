"""An unknown file looked at: what it is, where its header is, what its columns hold, what identifies its records.

What is said of a column is found in its values; its name only decides between what the values leave open.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from addresses.scheme import Scheme
from loaders.contract import EMPTY, EMPTY_DATES, FALSE, TRUE
from loaders.declaration import ColumnType, Feed
from loaders.readers import Limits, Reading, sources
from loaders.readers.model import ROW, Notes, Source
from loaders.readers.raw import Raw
from loaders.readers.text import Text
from loaders.transforms import SCIENTIFIC
from ontology import identifiers
from ontology.clock import parse_date, parse_datetime
from ontology.errors import UsageError
from ontology.terms import Terms

SAMPLE: Final = 20_000
"""Rows of a file that are looked at."""
DISTINCT: Final = 4_000
"""Distinct values of a column that are looked at one by one."""
HEADER_ROWS: Final = 8
"""Rows among which a header that stands below a title is looked for."""

_SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔任陆廖姚方金邱"
    "夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚汤陶黎温莫易樊乔文安殷颜庄章鲁倪庞邢俞翟蓝聂齐向申葛岳柴楼来项华瞿"
    "裘戚骆郎虞祝盛翁诸单屠寿费包费童裴柯闻尉应缪钮凌霍焦巫左柳甘苗纪曲欧关耿詹游路阮"
)
_FIRM = re.compile(
    r"(?:公司|集团|厂|店|铺|馆|部|社|行|场|院|校|园|所|站|中心|合作社|经营部|银行|大学|中学|小学|幼儿园|酒店|超市)"
    r"(?:[（(].*[）)])?$"
)
_PLACE_WORD = re.compile(
    r"(街道|镇|乡|社区|村|小区|花园|公寓|园区|工业园|大道|路|街|巷|弄|组|号|幢|栋|号楼|单元|层|室)"
)
_SENTENCE = re.compile(r"[。！？；]|，.*，")
_CHINESE_NAME = re.compile(r"[\u3400-\u9fff]{2,4}(?:[·•][\u3400-\u9fff]{1,8})?")
_NUMBER = re.compile(
    r"(?P<n>[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-+]?\d+(?:\.\d+)?)\s*(?P<unit>[^\d\s.,\-/:]{0,6})"
)
_UNIT = re.compile(
    r"[十百千万亿]*(?:元|美元|米|平方米|平米|平方公里|立方米|立方|平方|方|公里|千米|亩|公顷|吨|公斤|千克|克|升|度|人|户|个|次|件|台|辆|天|日|小时|分钟|分|秒|岁|%|％|‰"
    r"|℃|㎡|m²|m³|m|km|cm|mm|kg|g|t|L|l|kW|kWh)?"
)
_MEASURE = re.compile(
    r"面积|金额|资本|资金|余额|容量|出土量|雨量|积水|水位|里程|距离|比率?$|率$|经度|纬度|价格|单价|费用|载质量|重量|长度|高度|\((?:cm|mm|m|km|kg|t)\)|㎡|m[²³]"
)
_LOST = re.compile(rf"{SCIENTIFIC}|\d{{15}}0{{3}}(?:\.0+)?")
_DATE_ON = re.compile(r"\d{4}[-/.年]\d{1,2}|^\d{8}(?:\d{6})?$")
_TIME_ON = re.compile(r"\d{1,2}[:时点]\d{1,2}|^\d{14}$")
_FORMATS: Final = (
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y年%m月", "%Y-%m", "%Y/%m", "%Y.%m",
    "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
    "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
_CODE_NAME = re.compile(
    r"(?:编号|编码|代码|标准码|地址码|地点码|证号|单号|文号|案号|流水号?|号码|(?<!序)号|码|_?(?:id|ID|Id|no|No|NO|code))$"
)
_DATE_NAME = re.compile(
    r"(?:日期?|时间|年月|时刻|起|止|期限|期至|有效期.*|(?:date|time|_at))$|^(?:date|time)", re.IGNORECASE
)
_EFFECTIVE = (
    r"更新时间|更新日期|最后修改|最近更新|修改时间|变更时间|updated?_?(?:at|time)?$|last_?modified",
    r"录入时间|填报时间|报送时间|报备时间|采集时间|入库时间|统计时间|录入日期|填报日期|报送日期",
)
_KEY_NAME = re.compile(
    r"编号$|单号$|流水号?$|案号$|登记号$|记录号$|字号$|案件号$|件号$|合同号$|许可证号$|证号$|注册代码$|标识码$|编码$|信用代码$|号码$|_?id$|号$|码$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"^(?:序号|行号|编次|No\.?|#)$", re.IGNORECASE)
_ADDRESS_NAME = re.compile(
    r"地址|住址|地点|住所|位置|坐落|场所|区域|属地|发生地|所在|站址|校址|现居|居住地|address|location",
    re.IGNORECASE,
)
_PLACE_CODE = re.compile(r"地址|地点|位置|区域|址|卸点|标准|address|location", re.IGNORECASE)
_NOT_ADDRESS = re.compile(
    r"名称|姓名|单位$|机构|组织|中队|内容|描述|简要|情况|诉求$|事项|请求|来源|路线|线路|籍贯|备注|所属|项目|code|编码|代码",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds, by the sample.

    Attributes:
        filled: share of rows that have a value.
        unique: distinct values to values.
        type, share: the type proposed, and the share of values that are of it.
        kinds: shares of values that are of other kinds: `citizen`, `uscc`, `name` of a person, `firm`, `place`
            (an address in words), `code` of the address scheme, `deep` codes below the community, `vin`.
        common: the most frequent values, with their numbers.
        said: what a person should know of it.
    """

    name: str
    filled: float
    unique: float
    type: ColumnType
    share: float
    kinds: Mapping[str, float]
    common: Sequence[tuple[str, int]]
    distinct: int
    terms: str | None = None
    unit: str | None = None
    format: str | None = None
    separator: str | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a file is.

    Attributes:
        rows: how many were looked at; `whole` when there are no more.
        header_row: where it is not the first.
        places: address columns, as (text, code); either may be None.
        others: other sheets that have rows.
    """

    file: str
    form: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    header_row: int | None
    rows: int
    whole: bool
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    effective: str | None
    places: tuple[tuple[str | None, str | None], ...]
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    bad: int = 0
    frame: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


def look(path: Path, terms: Terms, scheme: Scheme, feeds: Mapping[str, Feed] | None = None) -> Look:
    """Looks at a file of a feed that nobody has declared yet.

    Args:
        feeds: the declared feeds; where two term lists fit a column alike, the one that they give a column of its
            name is taken.

    Raises:
        UsageError: BAD_FILE when it cannot be read or has no rows; BAD_HEADER when it seems to have no header.
    """
    source, others, header_row = _best_source(path)
    frames: list[pl.DataFrame] = []
    whole = True
    for frame in source.frames:
        if sum(f.height for f in frames) >= SAMPLE:
            whole = False
            break
        frames.append(frame)
    rows = pl.concat(frames) if frames else pl.DataFrame()
    if not rows.height:
        raise UsageError(
            "BAD_FILE", f"{path.name} 只有表头,没有数据行", f"{path.name} has a header and no rows",
            "Ask for a file with a few records: a declaration is found in values.",
        )  # fmt: skip
    whole = whole and rows.height <= SAMPLE
    rows = rows.head(SAMPLE)
    known = _known_terms(feeds or {})
    columns = tuple(_column(rows.get_column(n), terms, scheme, known) for n in source.columns if n != ROW)
    _need_header(path.name, columns)
    form, encoding, delimiter = _form(path, source)
    return Look(
        path.name, form, encoding, delimiter, source.sheet, header_row, rows.height, whole, columns,
        _key(columns, rows), _effective(columns), _places(columns), others,
        tuple(n.zh for n in source.notes), len(source.bad), rows,
    )  # fmt: skip


# -- the file ------------------------------------------------------------------------------------------------------


def _best_source(path: Path) -> tuple[Source, tuple[str, ...], int | None]:
    """The sheet with most columns, the names of the others, and the header's row where it is not the first."""
    found = sources(path)
    best = max(range(len(found)), key=lambda i: (len(found[i].columns), -i))
    row = _header_row(path, found[best])
    if row is not None:
        again = sources(path, Reading(header_row=row, sheet=found[best].sheet))
        return again[0], tuple(s.sheet or "" for i, s in enumerate(found) if i != best), row
    return found[best], tuple(s.sheet or "" for i, s in enumerate(found) if i != best), None


def _header_row(path: Path, source: Source) -> int | None:
    """The row of the header, when titles stand above it; None when it is the first or has no number."""
    first = _names(source.columns)
    if len(first) > 3 or path.name.lower().endswith(
        (".jsonl", ".json", ".parquet", ".ndjson", ".db", ".sqlite")
    ):
        return None
    best, most = None, len(first)
    for row in range(2, HEADER_ROWS + 1):
        try:
            found = sources(path, Reading(header_row=row, sheet=source.sheet))
        except UsageError:
            continue
        names = _names(found[0].columns)
        if len(names) > most:
            best, most = row, len(names)
    return best


def _names(columns: Sequence[str]) -> set[str]:
    """The columns' different names, without those of merged cells that were filled, and what looks like data."""
    plain = {re.sub(r" \(\d+\)$", "", c) for c in columns}
    return {c for c in plain if not _datum(c)}


def _datum(text: str) -> bool:
    """Whether a header's cell is rather a value: a number, a day, an identifier."""
    return (
        _NUMBER.fullmatch(text) is not None
        or parse_date(text) is not None
        or identifiers.check_citizen_id(text).ok
        or identifiers.check_phone(text).ok
        or identifiers.check_plate(text).ok
        or (len(text) == 18 and identifiers.check_uscc(text).ok)
    )


def _need_header(file: str, columns: Sequence[Column]) -> None:
    data = [c.name for c in columns if _datum(c.name)]
    if not data or len(data) * 4 < len(columns):
        return
    looks = ", ".join(f"{_NAMED.get(c.type, c.type.value)}" for c in columns)
    raise UsageError(
        "BAD_HEADER",
        f"{file} 似乎没有表头:首行 {'、'.join(data[:4])} 像是数据。各列依次像是:{looks}",
        f"{file} seems to have no header: {', '.join(data[:4])} in its first row look like values",
        "Ask the department for the columns' names, put them as a row on top, and try again.",
    )


_NAMED: Final = {
    ColumnType.TEXT: "文本", ColumnType.INTEGER: "整数", ColumnType.NUMBER: "数", ColumnType.BOOLEAN: "是/否",
    ColumnType.DATE: "日期", ColumnType.DATETIME: "时间", ColumnType.TERM: "字典", ColumnType.CITIZEN_ID: "身份证号码",
    ColumnType.USCC: "统一社会信用代码", ColumnType.IDENTITY: "证件号码或信用代码", ColumnType.PLATE: "号牌号码",
    ColumnType.MOBILE: "电话号码", ColumnType.LIST: "列表",
}  # fmt: skip


def _form(path: Path, source: Source) -> tuple[str, str | None, str | None]:
    """The file's form; for text also its encoding and, of a table, the delimiter that makes its header."""
    with path.open("rb") as file:
        head = file.read(8)
    for magic, form in ((b"PK", "xlsx"), (b"PAR1", "parquet"), (b"SQLite", "sqlite"), (b"\xd0\xcf", "xls")):
        if head.startswith(magic):
            return form, None, None
    limits = Limits()
    text = Text(Raw(path, None, path.name, limits).unpacked(), path.name, None, limits, Notes())
    chunk = text.chunk()
    if chunk is None:
        return "text", None, None
    sample = chunk.data[: 1 << 16].decode("utf-8", "replace")
    if sample.lstrip()[:1] in ("{", "["):
        return ("jsonl" if sample.lstrip()[0] == "{" else "json"), text.encoding or "utf-8", None
    for delimiter in (",", "\t", ";", "|", "，", "、", "^"):
        for cells in list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))[
            : HEADER_ROWS + 4
        ]:
            if len(cells) > 1 and {c.strip().lstrip("\ufeff") for c in cells} >= set(source.columns[:3]):
                return ("tsv" if delimiter == "\t" else "csv"), text.encoding or "utf-8", delimiter
    return "text", text.encoding or "utf-8", None


# -- a column ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Values:
    """The distinct values of a column that mean something, with their numbers."""

    counts: Mapping[str, int]
    total: int

    def share(self, test: Callable[[str], object]) -> float:
        if not self.total:
            return 0.0
        return sum(n for v, n in self.counts.items() if test(v)) / self.total


def _column(series: pl.Series, terms: Terms, scheme: Scheme, known: Mapping[str, Counter[str]]) -> Column:
    name = series.name
    stripped = series.str.strip_chars()
    counted = (
        stripped.replace("", None)
        .drop_nulls()
        .value_counts(sort=True, name="n")
        .sort("n", name, descending=[True, False])
    )
    counts = dict(zip(counted.get_column(name).to_list(), counted.get_column("n").to_list(), strict=True))
    rows, present = series.len(), sum(counts.values())
    meant = {v: n for v, n in counts.items() if v not in EMPTY and v not in EMPTY_DATES}
    # Of many distinct values those at regular distances stand for all.
    step = max(1, len(meant) // DISTINCT)
    some = dict(list(meant.items())[::step])
    values = _Values(some, sum(some.values()))
    base = partial(
        Column,
        name=name, filled=present / rows if rows else 0.0, unique=len(counts) / present if present else 0.0,
        common=list(counts.items())[:40], distinct=len(counts),
    )  # fmt: skip
    if not values.total:
        return base(type=ColumnType.TEXT, share=1.0, kinds={}, said=("样本中全为空 empty in the sample",))
    kinds = _kinds(values, scheme)
    guesses: tuple[Callable[[str, _Values, Mapping[str, float]], Found | None], ...] = (
        _identifier, partial(_enumeration, terms=terms, known=known), _moment, _quantity,
    )  # fmt: skip
    for guess in guesses:
        found = guess(name, values, kinds)
        if found is not None:
            return base(kinds=kinds, **found)
    separator = _separator(values)
    if separator is not None:
        return base(type=ColumnType.LIST, share=1.0, kinds=kinds, separator=separator)
    return base(type=ColumnType.TEXT, share=1.0, kinds=kinds)


def _kinds(values: _Values, scheme: Scheme) -> dict[str, float]:
    levels = {v: scheme.level_of(v) for v in values.counts if len(v) >= 6 and v[:1].isascii()}
    deep = {"BUILDING", "SITE", "UNIT", "DWELLING"} | set(scheme.levels[3:6])
    kinds = {
        "citizen": values.share(_citizen),
        "uscc": values.share(_uscc),
        "name": values.share(_person_name),
        "firm": values.share(lambda v: len(v) > 4 and _FIRM.search(v) is not None),
        "place": values.share(_place),
        "code": values.share(lambda v: levels.get(v) is not None),
        "deep": values.share(lambda v: levels.get(v) in deep),
        "vin": values.share(lambda v: len(v) == 17 and identifiers.check_vin(v).ok),
    }
    return {k: round(v, 4) for k, v in kinds.items() if v}


def _citizen(text: str) -> bool:
    if not 15 <= len(text) <= 24 or not text[0].isdigit():
        return False
    verdict = identifiers.check_citizen_id(text)
    # Fifteen digits have no check character: the province must be one.
    return verdict.ok and (len(text) > 15 or verdict.region is not identifiers.Check.BAD)


def _uscc(text: str) -> bool:
    if len(text) < 18 or _citizen(text):
        return False
    verdict = identifiers.check_uscc(text)
    return verdict.ok and verdict.kind == "uscc"


def _person_name(text: str) -> bool:
    return (
        _CHINESE_NAME.fullmatch(text) is not None
        and (text[0] in _SURNAMES or text[:2] in identifiers.COMPOUND_SURNAMES)
        and (len(text) < 4 or text[:2] in identifiers.COMPOUND_SURNAMES)
    )


def _place(text: str) -> bool:
    if len(text) > 60 or _SENTENCE.search(text) is not None:
        return False
    return len(set(_PLACE_WORD.findall(text))) > 1


Found = dict[str, Any]


def _identifier(name: str, values: _Values, kinds: Mapping[str, float]) -> Found | None:
    citizen, uscc = kinds.get("citizen", 0.0), kinds.get("uscc", 0.0)
    lost = values.share(lambda v: _LOST.fullmatch(v) is not None and not _citizen(v))
    if (
        re.search(r"身份证?件?号|证件号|id_?card|id_?number", name, re.IGNORECASE)
        and lost
        and citizen + lost >= 0.6
    ):
        told = f"{lost:.1%} 被 Excel 写成数值,末位已丢失 were numbers to Excel, which lost their last digits"
        return {"type": ColumnType.CITIZEN_ID, "share": citizen, "said": (told,)}
    registration = values.share(lambda v: len(v) == 15 and not _citizen(v) and identifiers.check_uscc(v).ok)
    if citizen + uscc >= 0.6 and citizen + uscc + registration > registration * 2:
        if citizen and uscc > 0.004 and citizen > 0.004 and min(citizen, uscc) * values.total >= 2:
            return {"type": ColumnType.IDENTITY, "share": citizen + uscc}
        kind = ColumnType.CITIZEN_ID if citizen >= uscc else ColumnType.USCC
        return {"type": kind, "share": max(citizen, uscc)}
    plate = values.share(
        lambda v: not v.isascii() and (identifiers.check_plate(v).ok or identifiers.check_ebike_plate(v).ok)
    )
    if plate >= 0.6:
        return {"type": ColumnType.PLATE, "share": plate}
    if re.search(r"电话|手机|联系方式|来电号|phone|mobile|tel\b", name, re.IGNORECASE):
        phone = values.share(lambda v: identifiers.check_phone(v).ok)
    else:
        phone = values.share(lambda v: identifiers.check_mobile(v).ok)
    if phone >= 0.6:
        return {"type": ColumnType.MOBILE, "share": phone}
    return None


def _known_terms(feeds: Mapping[str, Feed]) -> dict[str, Counter[str]]:
    """Names of columns and the term lists that declared feeds give them."""
    known: dict[str, Counter[str]] = {}
    for feed in feeds.values():
        for name, column in feed.columns.items():
            if column.terms is not None:
                known.setdefault(name, Counter())[column.terms] += 1
                known.setdefault(name[-2:], Counter())[column.terms] += 1
    return known


def _enumeration(
    name: str, values: _Values, kinds: Mapping[str, float], terms: Terms, known: Mapping[str, Counter[str]]
) -> Found | None:
    few = len(values.counts) <= max(24, min(80, values.total // 3))
    low = {v.lower() for v in values.counts}
    yes = values.share(lambda v: v.lower() in TRUE or v.lower() in FALSE)
    asks = re.match(r"是否|有无|是不是", name) is not None or name.endswith(("标志", "与否"))
    if yes >= 0.95 and (asks or (low & {"是", "否", "y", "n", "yes", "no", "true", "false", "√", "×"})):
        return {"type": ColumnType.BOOLEAN, "share": yes}
    if not few:
        return None
    fits: list[tuple[float, int, int, float, str]] = []
    for list_name in terms.lists:
        words = terms.code_of(list_name)
        share = values.share(words.__contains__)
        hit = sum(v in words for v in values.counts)
        liked = known.get(name, Counter())[list_name] * 100 + known.get(name[-2:], Counter())[list_name]
        if share >= (0.6 if liked else 0.88) and hit * 2 >= min(len(values.counts), 6):
            fits.append((round(share, 1), liked, hit, -len(words), list_name))
    if fits:
        best = max(fits)
        share = values.share(terms.code_of(best[-1]).__contains__)
        said = []
        strange = [v for v in values.counts if v not in terms.code_of(best[-1])][:6]
        if strange:
            said.append(f"不在字典 not in the list: {', '.join(strange)}")
        alike = sorted(f[-1] for f in fits if f[0] == best[0] and f[-1] != best[-1])
        if alike:
            said.append(f"也可能是 or: {', '.join(alike)}")
        return {"type": ColumnType.TERM, "terms": best[-1], "share": share, "said": tuple(said)}
    return None


def _moment(name: str, values: _Values, kinds: Mapping[str, float]) -> Found | None:
    named = _DATE_NAME.search(name) is not None
    days = values.share(lambda v: _DATE_ON.search(v) is not None and parse_date(v) is not None)
    if days >= 0.6 and (named or not all(v.isdigit() and len(v) == 8 for v in values.counts)):
        timed = values.share(lambda v: _TIME_ON.search(v) is not None and parse_datetime(v) is not None)
        kind = ColumnType.DATETIME if timed * 2 >= days else ColumnType.DATE
        return {"type": kind, "share": days, "said": (_forms(values),)}
    for form in _FORMATS:
        share = values.share(lambda v, form=form: _written(v, form))  # type: ignore[misc]
        if share >= 0.9:
            kind = ColumnType.DATETIME if "%H" in form or "%I" in form else ColumnType.DATE
            return {"type": kind, "share": share, "format": form}
    if named:
        serial = values.share(lambda v: re.fullmatch(r"[2-5]\d{4}(?:\.\d+)?", v) is not None)
        if serial >= 0.9:
            told = "Excel 日期序列号 serial numbers of Excel: transforms: [excel_serial_date]"
            return {"type": ColumnType.TEXT, "share": 1.0, "said": (told,)}
    return None


def _written(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _forms(values: _Values) -> str:
    """How the days are written: the usual forms, most frequent first."""
    seen: Counter[str] = Counter()
    for value, n in values.counts.items():
        form = re.sub(r"\d{4}(?=[-/.年])", "YYYY", value)
        form = re.sub(r"^\d{8}(?=\d{6}$)|^\d{8}$", "YYYYMMDD", form)
        seen[re.sub(r"\d{6}$", "hhmmss", re.sub(r"(?<!\d)\d{1,2}(?!\d)", "9", form))] += n
    return "写作 written " + ", ".join(f"{f} ({n})" for f, n in seen.most_common(3))


def _quantity(name: str, values: _Values, kinds: Mapping[str, float]) -> Found | None:
    """A number, with its unit; digits that name something are no number."""
    matched = {v: m for v in values.counts if (m := _NUMBER.fullmatch(v)) is not None}
    share = values.share(matched.__contains__)
    if share < 0.9:
        return None
    units = Counter(
        {
            u: sum(values.counts[v] for v, m in matched.items() if m["unit"] == u)
            for u in {m["unit"] for m in matched.values()}
        }
    )
    unit, n = units.most_common(1)[0]
    # Another suffix than a unit makes it a name: 3幢, 4号巡区, 2025学年.
    if n < 0.9 * values.total or (unit and _UNIT.fullmatch(unit) is None):
        return None
    plain = [m["n"] for m in matched.values()]
    if not unit:
        if _CODE_NAME.search(name) or any(re.match(r"[-+]?0\d", v) for v in plain):
            return None
        if all(v.isdigit() for v in plain) and min(map(len, plain)) >= 8:
            return None
    kind = ColumnType.INTEGER if all("." not in v for v in plain) else ColumnType.NUMBER
    if _MEASURE.search(name) or (unit and re.search(r"[元米顷亩吨㎡方克升度%‰]|公里|m", unit)):
        kind = ColumnType.NUMBER
    return {"type": kind, "share": share, "unit": unit or None}


def _separator(values: _Values) -> str | None:
    for mark in (";", "；", "|"):
        several = values.share(lambda v, mark=mark: mark in v.strip(mark))  # type: ignore[misc]
        if (
            several >= 0.02
            and values.share(lambda v: _SENTENCE.search(v.replace("；", "")) is not None) < 0.01
        ):
            return mark
    return None


# -- what identifies, when, where ------------------------------------------------------------------------------------


def _key(columns: Sequence[Column], rows: pl.DataFrame) -> tuple[str, ...]:
    """The columns that tell records apart: one that is unique and filled, else the fewest that are so together."""
    able = [
        c for c in columns
        if c.filled >= 0.95 and c.unique >= 0.9 and not _ORDINAL.match(c.name)
        and c.type in (ColumnType.TEXT, ColumnType.USCC, ColumnType.PLATE, ColumnType.CITIZEN_ID, ColumnType.INTEGER)
        and not c.kinds.get("name", 0) > 0.5 and not c.kinds.get("place", 0) > 0.5 and not c.kinds.get("vin", 0) > 0.5
    ]  # fmt: skip
    order = {c.name: i for i, c in enumerate(columns)}
    if able:
        best = max(able, key=lambda c: (
            (2 if _KEY_NAME.search(c.name) else 0) + (1.5 if order[c.name] == 0 else 0) + min(c.filled, c.unique)
            - (1 if c.type is ColumnType.CITIZEN_ID else 0) - order[c.name] / 100
        ))  # fmt: skip
        return (best.name,)
    named = [c for c in columns if c.distinct > 1 and c.filled >= 0.5 and not _ORDINAL.match(c.name)]
    named.sort(key=lambda c: (not _KEY_NAME.search(c.name), -c.unique * c.filled))
    for one in named[:6]:
        for other in named[:10]:
            if one is not other and rows.select(one.name, other.name).n_unique() >= 0.98 * rows.height:
                return tuple(sorted((one.name, other.name), key=order.__getitem__))
    return (named[0].name if named else columns[0].name,)


def _effective(columns: Sequence[Column]) -> str | None:
    for pattern in _EFFECTIVE:
        for column in columns:
            if column.type in (ColumnType.DATE, ColumnType.DATETIME) and re.search(
                pattern, column.name, re.IGNORECASE
            ):
                return column.name
    return None


def _places(columns: Sequence[Column]) -> tuple[tuple[str | None, str | None], ...]:
    """Address columns: texts by their words, each with the code column beside it."""
    named, others = [], []
    for index, column in enumerate(columns):
        place, firm = column.kinds.get("place", 0.0), column.kinds.get("firm", 0.0)
        if column.type is not ColumnType.TEXT or _NOT_ADDRESS.search(column.name) is not None:
            continue
        if _ADDRESS_NAME.search(column.name) is not None and place >= 0.3:
            named.append((index, place))
        elif place >= 0.8 and firm < 0.2:
            others.append((index, place))
    codes = [
        i for i, c in enumerate(columns)
        if c.type is ColumnType.TEXT and c.kinds.get("deep", 0) >= 0.5 and (_PLACE_CODE.search(c.name) or (c.unique < 1 and not _KEY_NAME.search(c.name)))
    ]  # fmt: skip
    texts = named or others[:1]
    pairs: list[tuple[str | None, str | None]] = []
    left = set(codes)
    for index, _ in sorted(texts, key=lambda t: -t[1]):
        near = min(left, key=lambda c: abs(c - index - 1), default=None)
        if near is not None and abs(near - index) <= 3:
            left.discard(near)
            pairs.append((columns[index].name, columns[near].name))
        else:
            pairs.append((columns[index].name, None))
    pairs += [(None, columns[c].name) for c in sorted(left)]
    if not named and not any(text is not None and code is not None for text, code in pairs):
        pairs = [p for p in pairs if p[0] is None]
    return tuple(pairs)
