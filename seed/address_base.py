"""The address base of a seeded district as a resolver takes it, straight from its feed files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from addresses.index import Place
from ontology.errors import UsageError

LEVELS: Final = {
    "区": "DISTRICT", "镇街": "STREET", "村社": "COMMUNITY", "网格": "GRID", "微网格": "MICRO_GRID", "防区": "ZONE", "道路": "ROAD",
    "小区": "ESTATE", "园区": "PARK", "村民小组": "GROUP", "幢": "BUILDING", "单元": "UNIT", "户室": "DWELLING", "点位": "SITE",
}  # fmt: skip


def read_address_feed(district: Path) -> pl.DataFrame:
    """The rows of the address feed of a seeded district, as text.

    Raises:
        UsageError: `BAD_FILE` when the district has no such file.
    """
    found = sorted((district / "feeds").glob("资规_标准地址_*.csv"))
    if not found:
        raise UsageError(
            "BAD_FILE",
            f"{district} 中没有标准地址文件。",
            f"{district} has no address feed.",
            "Give a directory that `quanxi seed` wrote, seeded with the feed 标准地址.",
        )
    return pl.read_csv(found[-1], infer_schema=False)


def places_of(rows: pl.DataFrame) -> Iterator[Place]:
    """Places by the rows of the address feed (`seed.addresses.build_addresses` gives the same rows without a file)."""
    columns = (
        "地址编码",
        "上级编码",
        "层级",
        "名称",
        "全称",
        "别名",
        "道路编码",
        "小区编码",
        "小组编码",
        "园区编码",
        "网格编码",
    )
    for code, parent, level, name, full, aliases, road, estate, group, park, grid in rows.select(
        columns
    ).iter_rows():
        yield Place(
            code=code,
            level=LEVELS[level],
            name=name,
            full_name=full,
            parent=parent,
            part_of=tuple(x for x in (road, estate, group, park) if x),
            grid=grid,
            aliases=tuple(aliases.split(";")) if aliases else (),
        )


def parents_of(rows: pl.DataFrame) -> dict[str, str]:
    """Code of a road, estate, park or village group → code of the place that it lies in."""
    own = rows.filter(pl.col("层级").is_in(["道路", "小区", "园区", "村民小组"]))
    return dict(own.select("地址编码", "上级编码").iter_rows())
