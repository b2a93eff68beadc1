"""民政_区划变更: what became of places. The streets that went to 钱塘区 in 2021 and towns that became streets are facts (their days and
codes partly assumptions); the rest is made up.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import polars as pl

from seed.options import SeedOptions
from seed.outside import FORMERLY_OURS
from seed.place_names import FORMER
from seed.places import DISTRICT, DISTRICT_NAME, HOUSE, Places

COLUMNS: Final = (
    "记录编号", "变更编号", "变更类型", "生效日期", "层级", "原地址编码", "原名称", "原全称", "原上级编码", "原地址启用日期", "原地址停用日期", "现地址编码", "现名称",
    "现全称", "现上级编码", "批准文号", "更新时间",
)  # fmt: skip
SPLIT, MERGE, RENUMBER, RENAME, MOVE, DEMOLISH = "分立", "合并", "重编", "更名", "划转", "拆除"
QIANTANG_DAY: Final = "2021-04-09"

# Codes before (of Xiaoshan) and after (of 钱塘区), as the national statistics had them; assumed where no table was at hand.
_QIANTANG: Final = {
    "义蓬街道": ("330109007", "330114004"), "河庄街道": ("330109008", "330114003"), "新湾街道": ("330109009", "330114005"),
    "临江街道": ("330109010", "330114006"), "前进街道": ("330109011", "330114007"),
}  # fmt: skip
_INTO_GUALI: Final = {"坎山镇": "330109114", "党山镇": "330109116"}
_PER_COMMUNITY: Final = {DEMOLISH: 3, RENUMBER: 2, SPLIT: 1}
_MOVED: Final = 3  # communities that were another street's
_GONE: Final = "老供销社 老粮站 旧厂房 老电影院 旧仓库 老茧站 碾米厂 老卫生院".split()

_Row = dict[str, str | None]


def build_successions(options: SeedOptions, places: Places) -> pl.DataFrame:
    """Rows of the feed; one change may have several, which share 变更编号."""
    rng = options.rng("successions")
    rows: list[_Row] = []
    names = dict(places.upper.select("地址编码", "全称").iter_rows())
    parents = dict(places.upper.select("地址编码", "上级编码").iter_rows())
    merged: Counter[str] = Counter()
    changes = 0

    def change(
        kind: str, on: str, level: str, old: tuple[str, str, str, str], new: tuple[str, str, str, str] | None,
        *, since: str | None = None, same: bool = False, number: int | None = None,
    ) -> None:  # fmt: skip
        """`old` and `new`: code, name, full name, code above."""
        nonlocal changes
        if number is None:
            changes += 1
        rows.append(
            {
                "变更编号": f"BG{on[:4]}{number or changes:05d}", "变更类型": kind, "生效日期": on, "层级": level,
                "原地址编码": old[0], "原名称": old[1], "原全称": old[2], "原上级编码": old[3], "原地址启用日期": since,
                "原地址停用日期": None if same else on,
                "现地址编码": new[0] if new else None, "现名称": new[1] if new else None, "现全称": new[2] if new else None,
                "现上级编码": new[3] if new else None,
                "批准文号": f"萧政函〔{on[:4]}〕{int(rng.integers(1, 200))}号" if on != QIANTANG_DAY else "浙政函〔2021〕26号",
            }
        )  # fmt: skip

    for name in FORMERLY_OURS:
        code_then, code_now = _QIANTANG[name]
        change(
            MOVE, QIANTANG_DAY, "镇街", (code_then, name, DISTRICT_NAME + name, DISTRICT),
            (code_now, name, f"钱塘区{name}", "330114"), since="1992-05-01",
        )  # fmt: skip
    communities = {c.code: c for c in places.communities}
    streets = {c.street: c.street_name for c in places.communities}
    for code, level, kind, name, full, since, until in places.names.iter_rows():
        if kind != FORMER or until is None:
            continue
        if level == "镇街":
            now = (code, streets[code], names[code], DISTRICT)
            if name in _INTO_GUALI:
                change(MERGE, until, level, (_INTO_GUALI[name], name, full, DISTRICT), now, since=since)
            else:
                change(RENAME, until, level, (code, name, full, DISTRICT), now, since=since, same=True)
        elif level == "村社":
            # The village that was merged had a code of its own, of which no other was or is.
            own = communities[code]
            gone = f"{own.street}{600 + merged[own.street]:03d}"
            merged[own.street] += 1
            change(
                MERGE, until, level, (gone, name, full, own.street), (code, own.name, own.full, own.street)
            )
        else:
            above = parents[code]
            now = (code, names[code].removeprefix(names[above]), names[code], above)
            change(RENAME, until, level, (code, name, full, above), now, since=since, same=True)
    moved = [
        int(i) for i in np.random.default_rng(20190501).choice(len(places.communities), _MOVED, replace=False)
    ]
    for number, index in enumerate(moved):
        own = places.communities[index]
        before = sorted(s for s in streets if s != own.street)[number * 7 % (len(streets) - 1)]
        old = (f"{before}{700 + number:03d}", own.name, f"{DISTRICT_NAME}{streets[before]}{own.name}", before)
        change(
            MOVE, "2019-05-01", "村社", old, (own.code, own.name, own.full, own.street), since="1999-01-01"
        )

    buildings = places.buildings.select("code", "name", "full", "kind", "community").with_columns(
        row=pl.int_range(pl.len())
    )
    for index in places.filled.tolist():
        own = places.communities[index]
        here = buildings.filter(pl.col("community") == index)
        for number in range(_PER_COMMUNITY[DEMOLISH]):
            name = _GONE[int(rng.integers(len(_GONE)))] + f"{number + 1}号"
            old = (f"{own.code}{8001 + number}", name, own.full + name, own.code)
            change(DEMOLISH, _day(rng, 2012, 2025), "幢", old, None, since="1985-01-01")
        doors = here.filter(pl.col("name").str.ends_with("号"), pl.col("kind") != HOUSE)
        for number, row in enumerate(_some(rng, doors, _PER_COMMUNITY[RENUMBER])):
            code, name, full = row[:3]
            road, _, door = name.removesuffix("号").rpartition("路")
            before_name = f"{road}路{int(door) + 400}号" if road and door.isdigit() else f"旧{name}"
            old = (f"{own.code}{8101 + number}", before_name, own.full + before_name, own.code)
            change(
                RENUMBER, _day(rng, 2016, 2024), "幢", old, (code, name, full, own.code), since="1995-01-01"
            )
        pairs = here.filter(pl.col("kind") == HOUSE)
        if len(pairs) >= 2:
            first = int(rng.integers(len(pairs) - 1))
            whole = pairs.row(first)[1]
            old = (f"{own.code}8201", f"{whole}（旧）", f"{own.full}{whole}（旧）", own.code)
            on = _day(rng, 2010, 2022)
            changes += 1
            for part in pairs[first : first + 2].iter_rows():
                new = (part[0], part[1], part[2], own.code)
                change(SPLIT, on, "幢", old, new, since="1980-01-01", number=changes)
    stamped = f"{options.until.year - 1}-12-05 09:00:00"
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS[1:-1], pl.String))
    numbers = pl.Series("记录编号", [f"QH{n:06d}" for n in range(1, len(frame) + 1)], dtype=pl.String)
    return frame.with_columns(numbers, pl.lit(stamped).alias("更新时间")).select(COLUMNS)


def _day(rng: np.random.Generator, first: int, last: int) -> str:
    return f"{int(rng.integers(first, last))}-{int(rng.integers(1, 13)):02d}-{int(rng.integers(1, 29)):02d}"


def _some(rng: np.random.Generator, frame: pl.DataFrame, count: int) -> list[tuple[str, ...]]:
    if len(frame) <= count:
        return frame.rows()
    chosen = np.sort(rng.choice(len(frame), count, replace=False))
    return frame[chosen].rows()
