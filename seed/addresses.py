"""The address feed (资规_标准地址): every place of the district as a row."""

from __future__ import annotations

import polars as pl

from seed.columns import days
from seed.options import SeedOptions
from seed.place_names import aliases
from seed.places import Places

_COLUMNS = (
    "地址编码", "上级编码", "层级", "名称", "全称", "别名", "门牌号", "网格编码", "道路编码", "小区编码", "小组编码", "园区编码", "经度", "纬度", "启用日期", "停用日期", "更新时间",
)  # fmt: skip


def build_addresses(options: SeedOptions, places: Places) -> pl.DataFrame:
    """Rows from the district down: upper levels, buildings, units, dwellings, sites."""
    buildings, units, homes, sites = places.buildings, places.units, places.homes, places.sites
    dwellings = homes.filter(pl.col("is_dwelling"))
    since = buildings["since"].to_numpy()
    coordinate = (
        pl.col("lon").round(6).cast(pl.String).alias("经度"),
        pl.col("lat").round(6).cast(pl.String).alias("纬度"),
    )
    parts = [
        places.upper.with_columns(pl.lit("2021-04-09").alias("启用日期")).join(
            aliases(places.names), on="地址编码", how="left", maintain_order="left"
        ),
        buildings.select(
            pl.col("code").alias("地址编码"),
            pl.col("code").str.slice(0, 12).alias("上级编码"),
            pl.lit("幢").alias("层级"),
            pl.col("name").alias("名称"),
            pl.col("full").alias("全称"),
            pl.col("alias").alias("别名"),
            pl.col("door").alias("门牌号"),
            pl.col("micro").alias("网格编码"),
            pl.col("road").alias("道路编码"),
            pl.col("estate").alias("小区编码"),
            pl.col("group").alias("小组编码"),
            pl.col("park").alias("园区编码"),
            *coordinate,
            days(since).alias("启用日期"),
        ),
        units.select(
            pl.col("code").alias("地址编码"),
            pl.col("code").str.slice(0, 16).alias("上级编码"),
            pl.lit("单元").alias("层级"),
            pl.col("name").alias("名称"),
            pl.col("full").alias("全称"),
            days(since[units["building"].to_numpy()]).alias("启用日期"),
        ),
        dwellings.select(
            pl.col("code").alias("地址编码"),
            pl.col("parent").alias("上级编码"),
            pl.lit("户室").alias("层级"),
            pl.col("name").alias("名称"),
            pl.col("full").alias("全称"),
            days(since[dwellings["building"].to_numpy()]).alias("启用日期"),
        ),
        sites.select(
            pl.col("code").alias("地址编码"),
            pl.col("code").str.slice(0, 12).alias("上级编码"),
            pl.lit("点位").alias("层级"),
            pl.col("name").alias("名称"),
            pl.col("full").alias("全称"),
            pl.col("micro").alias("网格编码"),
            *coordinate,
            pl.lit("2023-06-01").alias("启用日期"),
        ),
    ]
    stamped = pl.lit(f"{options.until.year - 1}-12-05 09:00:00").alias("更新时间")
    missing = [
        part.with_columns(
            *(pl.lit(None, dtype=pl.String).alias(c) for c in _COLUMNS[:-1] if c not in part.columns), stamped
        )
        for part in parts
    ]
    return pl.concat([part.select(_COLUMNS) for part in missing])
