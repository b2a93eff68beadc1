"""The department feeds: their files, columns and what noise may touch in them; writing them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl
import xlsxwriter

from seed.options import bad

NATURE: Final = "数据性质"
SYNTHETIC: Final = "合成数据"
XLSX_LIMIT: Final = 1_000_000
"""A sheet holds 1,048,576 rows; from here on the file is CSV."""

FORMS: Final = {"csv": "csv", "gb18030": "csv", "tsv": "tsv", "jsonl": "jsonl"}
"""Form of a file → its ending. `gb18030` is a CSV in that encoding."""

_MOMENT: Final = r"^(\d{4})-0?(\d+)-0?(\d+)(?: 0?(\d+):(\d\d):\d\d)?$"
DATE_FORMS: Final = {
    "iso": "2025-01-05",
    "slash": "2025/1/5",
    "dot": "2025.01.05",
    "chinese": "2025年1月5日",
    "compact": "20250105",
}
"""How departments write the fifth of January."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed file's shape.

    Attributes:
        key: the name in `only` and in the catalogue.
        department, title: of the file's name.
        columns: in order, without 数据性质.
        key_column: the record key.
        addresses: pairs (text column, code column). A code column that begins with `_` is only the answer
            key's: the department knows no code.
        dates, enums, phones, identities: columns by what they hold.
        needed: columns that make a row bad when they are empty.
        xlsx: whether the department sends a workbook.
        form: how it writes its file otherwise, a key of `FORMS`.
        date_form: how it writes dates and times, a key of `DATE_FORMS`.
    """

    key: str
    department: str
    title: str
    columns: tuple[str, ...]
    key_column: str
    addresses: tuple[tuple[str, str], ...] = ()
    dates: tuple[str, ...] = ()
    enums: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    xlsx: bool = False
    form: str = "csv"
    date_form: str = "iso"

    @property
    def name(self) -> str:
        """`公安_警情`."""
        return f"{self.department}_{self.title}"

    def file(self, until: date, *, xlsx: bool = False) -> str:
        """The file's name on a day."""
        return f"{self.name}_{until:%Y%m%d}.{'xlsx' if xlsx else FORMS[self.form]}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("\n", "").split(","))


FEEDS: Final = (
    Feed(
        "addresses", "资规", "标准地址",
        _words("地址编码,上级编码,层级,名称,全称,别名,门牌号,网格编码,道路编码,小区编码,经度,纬度,启用日期,停用日期,更新时间"),
        "地址编码", dates=("启用日期",), enums=("层级",),
    ),
    Feed(
        "residents", "公安", "实有人口",
        _words("人口编号,姓名,公民身份号码,性别,出生日期,户籍类型,手机号,现住地址,地址编码,入住日期,离开日期,户号,与户主关系,户主证件号,工作单位代码,死亡日期,更新时间"),
        "人口编号", (("现住地址", "地址编码"),), ("出生日期", "入住日期", "离开日期", "死亡日期"), ("性别", "户籍类型", "与户主关系"),
        ("手机号",), ("公民身份号码",), ("人口编号",),
    ),
    Feed(
        "tenancies", "公安", "租赁登记",
        _words("登记编号,房屋编号,房屋地址,地址编码,房东姓名,房东证件号,房东电话,承租人姓名,承租人证件号,承租人电话,起租日期,退租日期,更新时间"),
        "登记编号", (("房屋地址", "地址编码"),), ("起租日期", "退租日期"), (), ("房东电话", "承租人电话"), ("房东证件号", "承租人证件号"),
        ("登记编号",),
    ),
    Feed(
        "houses", "住建", "房屋",
        _words("房屋编号,不动产单元号,房屋地址,地址编码,用途,是否出租,建筑面积,产权人姓名,产权人证件号,共有人姓名,共有人证件号,产权取得日期,更新时间"),
        "房屋编号", (("房屋地址", "地址编码"),), ("产权取得日期",), ("用途", "是否出租"), (), ("产权人证件号", "共有人证件号"), ("房屋编号",),
    ),
    Feed(
        "enterprises", "市监", "市场主体",
        _words("统一社会信用代码,注册号,名称,主体类型,行业,登记状态,法定代表人,法定代表人证件号,联系电话,从业人数,注册资本,成立日期,注销日期,经营地址,地址编码,更新时间"),
        "统一社会信用代码", (("经营地址", "地址编码"),), ("成立日期", "注销日期"), ("主体类型", "行业", "登记状态"), ("联系电话",), ("法定代表人证件号",),
        ("统一社会信用代码",),
    ),
    Feed(
        "vehicles", "公安", "机动车",
        _words("号牌号码,号牌种类,车辆识别代号,车辆类型,品牌,能源,所有人类型,所有人姓名,所有人证件号,登记地址,地址编码,准运证号,准运证有效期,状态,登记日期,更新时间"),
        "号牌号码", (("登记地址", "地址编码"),), ("登记日期", "准运证有效期"), ("号牌种类", "车辆类型", "能源", "状态"), (), ("所有人证件号",),
        ("号牌号码",),
    ),
    Feed(
        "alarms", "公安", "警情",
        _words("接警单号,报警时间,警情类别,警情细类,报警人姓名,报警人电话,报警人证件号,当事人姓名,当事人证件号,对方姓名,对方证件号,事发地址,地址编码,简要警情,涉事车辆号牌,派警时间,到场时间,办结时间,处置状态,处警单位代码,处警单位,更新时间"),
        "接警单号", (("事发地址", "地址编码"),), ("报警时间", "派警时间", "到场时间", "办结时间"), ("警情类别", "处置状态"),
        ("报警人电话",), ("报警人证件号", "当事人证件号", "对方证件号"), ("接警单号", "报警时间"),
    ),
    Feed(
        "mediations", "司法", "矛盾纠纷调解",
        _words("调解编号,受理时间,纠纷类型,申请人姓名,申请人证件号,申请人电话,被申请人姓名,被申请人证件号,被申请人电话,纠纷地址,地址编码,简要情况,关联接警单号,调解员,调解组织代码,调解组织,办结时间,调解状态,更新时间"),
        "调解编号", (("纠纷地址", "地址编码"),), ("受理时间", "办结时间"), ("纠纷类型", "调解状态"), ("申请人电话", "被申请人电话"),
        ("申请人证件号", "被申请人证件号"), ("调解编号", "受理时间"),
    ),
    Feed(
        "hazards", "消防", "检查隐患",
        _words("记录编号,检查编号,检查时间,检查结果,单位名称,统一社会信用代码,检查地址,地址编码,隐患编号,隐患类别,隐患等级,隐患描述,发现时间,整改期限,整改完成时间,复查时间,隐患状态,检查人,检查单位代码,检查单位,更新时间"),
        "记录编号", (("检查地址", "地址编码"),), ("检查时间", "发现时间", "整改期限", "整改完成时间", "复查时间"), ("隐患类别", "隐患状态"),
        (), ("统一社会信用代码",), ("记录编号", "检查时间"),
    ),
    Feed(
        "volunteers", "组织部", "萧山红领",
        _words("红领编号,姓名,手机号,证件号,队伍编号,队伍名称,队伍层级,队伍服务地址编码,角色,是否楼长,服务地址,地址编码,入队日期,退队日期,更新时间"),
        "红领编号", (("服务地址", "地址编码"),), ("入队日期", "退队日期"), ("队伍层级", "角色"), ("手机号",), ("证件号",), ("红领编号",), True,
    ),
    Feed(
        "devices", "数据局", "感知设备", _words("设备编号,设备类型,名称,安装地址,地址编码,状态,安装日期,更新时间"),
        "设备编号", (("安装地址", "地址编码"),), ("安装日期",), ("设备类型", "状态"), (), (), ("设备编号",),
    ),
)  # fmt: skip
BY_KEY: Final = {feed.key: feed for feed in FEEDS}


def wanted(only: tuple[str, ...]) -> set[str]:
    """Keys of the feeds asked for; all of them for none.

    Raises:
        UsageError: for a name that is no feed.
    """
    found = set()
    for name in only:
        match = [feed.key for feed in FEEDS if name in (feed.key, feed.title, feed.name)]
        if not match:
            raise bad(
                f"没有名为 {name} 的数据。", f"There is no feed {name!r}.", f"One of {', '.join(BY_KEY)}."
            )
        found.update(match)
    return found or set(BY_KEY)


def shaped(feed: Feed, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the feed's columns, text, and the note that it is synthetic."""
    have = set(frame.columns)
    columns = [
        (pl.col(name).cast(pl.String) if name in have else pl.lit(None, dtype=pl.String)).alias(name)
        for name in feed.columns
    ]
    return frame.select(*columns).with_columns(pl.lit(SYNTHETIC).alias(NATURE))


def dated(feed: Feed, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its ISO dates and times as the department writes them; other texts stay."""
    if feed.date_form == "iso":
        return frame
    columns = []
    for name in feed.dates:
        text = pl.col(name)
        if feed.date_form == "slash":
            new = text.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)", "$1/$2/$3")
        elif feed.date_form == "dot":
            new = text.str.replace(r"^(\d{4})-(\d\d)-(\d\d)", "$1.$2.$3")
        elif feed.date_form == "compact":
            new = text.str.replace_all(r"[-: ]", "")
        else:
            new = text.str.replace(_MOMENT, "$1年$2月$3日 $4时$5分").str.strip_suffix(" 时分")
        iso = text.str.contains(r"^\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?$")
        columns.append(pl.when(iso).then(new).otherwise(text).alias(name))
    return frame.with_columns(columns)


def write_feed(feed: Feed, frame: pl.DataFrame, directory: Path, until: date) -> Path:
    """Write one feed's file; the frame must be `shaped`. A workbook when the department sends one and it
    fits.
    """
    xlsx = feed.xlsx and len(frame) < XLSX_LIMIT
    path = directory / feed.file(until, xlsx=xlsx)
    if not xlsx:
        if feed.form == "jsonl":
            frame.write_ndjson(path)
        elif feed.form == "gb18030":
            path.write_bytes(frame.write_csv(null_value="").encode("gb18030"))
        else:
            frame.write_csv(path, null_value="", separator="\t" if feed.form == "tsv" else ",")
        return path
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False}) as book:
        # A fixed time of making keeps the file the same from run to run.
        book.set_properties(
            {
                "title": feed.title,
                "comments": SYNTHETIC,
                "created": datetime(until.year, until.month, until.day),  # noqa: DTZ001 - has no zone
            }
        )
        sheet = book.add_worksheet(feed.title)
        for row, values in enumerate(_rows(frame)):
            for column, value in enumerate(values):
                if value:
                    sheet.write_string(row, column, value)
    return path


def _rows(frame: pl.DataFrame) -> Iterator[tuple[str | None, ...]]:
    yield tuple(frame.columns)
    yield from frame.iter_rows()
