"""Everyday and former names of places: what people and old papers call them beside the official name.

Names of streets and their former ones are facts of the district's history; those of estates, roads and villages are made up.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

EVERYDAY, FORMER = "俗称", "曾用名"

STREETS_BEFORE: Final = {
    "城厢街道": (("城厢镇", "1950-01-01", "2001-08-01"),),
    "新塘街道": (("新塘乡", "1950-01-01", "2001-08-01"),),
    "靖江街道": (("靖江镇", "1985-01-01", "2014-12-01"),),
    "南阳街道": (("南阳镇", "1985-01-01", "2014-12-01"),),
    "闻堰街道": (("闻堰镇", "1985-01-01", "2014-12-01"),),
    "宁围街道": (("宁围镇", "1985-01-01", "2014-12-01"),),
    "新街街道": (("新街镇", "1985-01-01", "2014-12-01"),),
    "瓜沥镇": (("坎山镇", "1985-01-01", "2012-01-01"), ("党山镇", "1985-01-01", "2012-01-01")),
}
"""Street or town → (former name, from, until). Towns became streets in 2014; 坎山 and 党山 went into 瓜沥. Days are assumptions."""

_OLD_HEADS: Final = "红旗 跃进 东风 前锋 解放 向阳 胜利 团结 光荣 新民 五星 联谊 长征 工农 丰收 曙光".split()
_SURNAME_PLACES: Final = (
    "沈家埭 俞家潭 来家湾 汤家桥 傅家墩 朱家坛 周家堰 赵家弄 孙家汇 金家浦 楼家塔 韩家坞 高家闸 倪家桥 何家漾 陆家埠 郑家塘 蔡家埂 华家庵 钟家畈 许家圩 "
    "章家桥 戚家池 莫家港 项家山 胡家井 裘家坞 虞家湾 洪家渡 孔家畈 董家埭 姚家浜 缪家里 葛家坞 顾家溇 盛家埭 屠家桥 邵家塘 郁家湾 柴家坂"
).split()
_MARKET_HEADS: Final = "凯悦 帝景 御园 嘉和 旭日 康桥 金水 富春 碧水 梧桐 玉兰 桃源 星河 丹枫 荣安 中南 万科 美林 兰庭 紫荆".split()
_MARKET_TAILS: Final = "国际 广场 花苑 山庄 庄园 名都 天地 公馆".split()

SCHEMA: Final = {
    "code": pl.String, "level": pl.String, "kind": pl.String, "name": pl.String, "full": pl.String,
    "since": pl.String, "until": pl.String,
}  # fmt: skip


def build_names(rng: np.random.Generator, upper: pl.DataFrame) -> pl.DataFrame:
    """Names beside the official ones.

    Args:
        rng: the stream of the part.
        upper: rows of the address feed above buildings.

    Returns:
        code, level (as the address feed writes it), kind (`俗称` or `曾用名`), name, full (with the names above it),
        since, until (ISO days, null for an everyday name; half-open).
    """
    rows: list[tuple[str, str, str, str, str, str | None, str | None]] = []
    taken, said = set(upper["名称"]), set(upper["全称"])
    fulls = dict(upper.select("地址编码", "全称").iter_rows())
    olds = [f"{head}路" for head in rng.permutation(_OLD_HEADS)]
    for code, parent, level, name in upper.select("地址编码", "上级编码", "层级", "名称").iter_rows():
        above = fulls.get(parent, "")
        if level == "镇街":
            for former, since, until in STREETS_BEFORE.get(name, ()):
                rows.append((code, level, FORMER, former, above + former, since, until))
        elif level == "村社":
            # One community in eight has taken up a village that is no more.
            if rng.random() < 0.125:
                former = str(_SURNAME_PLACES[int(rng.integers(len(_SURNAME_PLACES)))]) + "村"
                until = f"{int(rng.integers(2003, 2020))}-07-01"
                if former not in taken and above + former not in said:
                    said.add(above + former)
                    rows.append((code, level, FORMER, former, above + former, None, until))
        elif level == "道路":
            if rng.random() < 0.2:
                former = olds[int(rng.integers(len(olds)))]
                until = f"{int(rng.integers(1995, 2018))}-01-01"
                if former not in taken and above + former not in said:
                    said.add(above + former)
                    rows.append((code, level, FORMER, former, above + former, "1970-01-01", until))
        elif level == "小区":
            chance = rng.random()
            head = name.removesuffix("二期")[:2]
            everyday = f"{head}小区" if not name.startswith(f"{head}小区") else f"{head}新村"
            former = (
                _MARKET_HEADS[int(rng.integers(len(_MARKET_HEADS)))]
                + _MARKET_TAILS[int(rng.integers(len(_MARKET_TAILS)))]
            )
            until = f"{int(rng.integers(2008, 2024))}-{int(rng.integers(1, 13)):02d}-01"
            if chance < 0.4 and not name.endswith("二期") and above + everyday not in said:
                said.add(above + everyday)
                rows.append((code, level, EVERYDAY, everyday, above + everyday, None, None))
            if chance > 0.75 and above + former not in said:
                said.add(above + former)
                rows.append((code, level, FORMER, former, above + former, "2000-01-01", until))
    return pl.DataFrame(rows, orient="row", schema=SCHEMA)


def aliases(names: pl.DataFrame) -> pl.DataFrame:
    """The names as the address feed has them: 地址编码 and 别名, several joined by `;`."""
    return (
        names.group_by("code", maintain_order=True)
        .agg(pl.col("full").str.join(";").alias("别名"))
        .rename({"code": "地址编码"})
    )
