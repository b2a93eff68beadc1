"""Vehicles with plates by GA 36, engineering trucks with haulage permits, e-bikes."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from seed.columns import Ints, cat, day_number, days, digits, draw, either, moments, only_if, pick, spread
from seed.enterprises import COMPANY, INDUSTRIES, Enterprises
from seed.options import COMMUNITIES, SeedOptions
from seed.people import People
from seed.spots import Spots

VEHICLES: Final = 730_000
TRUCKS: Final = 4_000
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_MIXED: Final = _LETTERS + "0123456789"
CAR, SUV, VAN, TRUCK, DUMP, BUS, EBIKE, MOTORCYCLE = range(8)
_KINDS: Final = ("小型轿车", "小型越野客车", "面包车", "货车", "工程运输车", "客车", "电动自行车", "摩托车")
_SMALL, _LARGE, _NEV_SMALL, _NEV_LARGE, _TRAILER, _MOTORCYCLE, _EBIKE = range(7)
_PLATES: Final = (
    "小型汽车", "大型汽车", "小型新能源汽车", "大型新能源汽车", "挂车", "普通摩托车", "电动自行车",
)  # fmt: skip
_ENERGY: Final = ("汽油", "柴油", "纯电动", "插电混动")
_BRANDS: Final = (
    ("大众", "丰田", "本田", "吉利", "比亚迪", "奥迪", "宝马", "奔驰", "领克", "特斯拉"),
    ("哈弗", "吉利", "本田", "丰田", "理想", "问界", "比亚迪"),
    ("五菱", "金杯", "长安", "瑞驰"),
    ("江淮", "福田", "东风", "解放"),
    ("陕汽", "重汽", "徐工", "三一"),
    ("宇通", "金龙", "海格"),
    ("雅迪", "爱玛", "绿源", "台铃", "新日"),
    ("铃木", "豪爵", "春风"),
)
_VIN_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_WEIGHTS: Final = np.array((8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2))
_VIN_VALUE: Final = {
    **{str(d): d for d in range(10)},
    **dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    ),
}


def _plates(rng: np.random.Generator, kind: Ints, energy: Ints) -> pl.Series:
    """A plate of its own for each vehicle."""
    n = len(kind)
    ordinary = spread(rng, n, 24 * 34 * 1000)
    common = cat(
        "浙A",
        pick(list(_LETTERS), ordinary // 34_000),
        pick(list(_MIXED), ordinary // 1000 % 34),
        digits(ordinary % 1000, 3),
    )
    new = spread(rng, n, 34 * 10_000 * 5)
    electric = energy == 2
    letter = np.where(electric, new // 340_000, 5 + new // 340_000)
    nev = pick(list("ABCDEFGHJK"), letter)
    small = cat("浙A", nev, pick(list(_MIXED), new // 10_000 % 34), digits(new % 10_000, 4))
    large_number = np.zeros(n, dtype=np.int64)
    large_number[kind == _NEV_LARGE] = spread(rng, int((kind == _NEV_LARGE).sum()), 500_000)
    large = cat(
        "浙A",
        digits(large_number % 100_000, 5),
        pick(list("ABCDEFGHJK"), np.where(electric, 0, 5) + large_number // 100_000),
    )
    cycle = spread(rng, n, 10_000_000)
    ebike = cat("杭州", digits(cycle, 7))
    plate = either(kind == _NEV_SMALL, small, common)
    plate = either(kind == _NEV_LARGE, large, plate)
    return either(kind == _EBIKE, ebike, plate)


def _vins(rng: np.random.Generator, n: int) -> pl.Series:
    alphabet = _VIN_LETTERS + "0123456789"
    value = np.array([_VIN_VALUE[c] for c in alphabet])
    at = rng.integers(0, len(alphabet), (n, 17))
    at[:, 0] = alphabet.index("L")
    at[:, 9] = rng.integers(0, 8, n) + alphabet.index("H")
    serial = spread(rng, n, 9_999_991)
    for position in range(7):
        at[:, 16 - position] = len(_VIN_LETTERS) + serial // 10**position % 10
    check = (value[at] * _VIN_WEIGHTS).sum(axis=1) % 11
    bytes_ = np.frombuffer(alphabet.encode(), dtype=np.uint8)[at]
    bytes_[:, 8] = np.frombuffer(b"0123456789X", dtype=np.uint8)[check]
    return pl.Series(np.ascontiguousarray(bytes_).view("S17").reshape(n).astype(str).tolist())


def build_vehicles(
    options: SeedOptions, people: People, enterprises: Enterprises, spots: Spots
) -> pl.DataFrame:
    """The vehicle feed. Rows of owners stand in `_person` and `_enterprise` (-1 for none)."""
    rng = options.rng("vehicles")
    today = day_number(options.until)
    share = len(np.unique(people.community)) / COMMUNITIES
    total, trucks = max(10, round(VEHICLES * share)), max(3, round(TRUCKS * share))
    kind = np.concatenate([np.full(trucks, DUMP), draw(rng, (52, 22, 3, 4, 0, 0.6, 17, 1.4), total - trucks)])
    n = len(kind)
    firm = np.isin(kind, (DUMP, BUS)) | (
        rng.random(n) < np.select([kind == TRUCK, kind == VAN, kind == EBIKE], [0.6, 0.4, 0.0], 0.08)
    )
    adult = np.flatnonzero((people.years >= 18) & (people.years < 80) & (people.death < 0))
    person = np.where(firm, -1, adult[rng.integers(0, len(adult), n)])
    weight = enterprises.staff.astype(np.float64) ** 0.7
    enterprise = np.where(firm, draw(rng, weight, n), -1)
    builder = enterprises.industry == INDUSTRIES.index("建筑业")
    earth = np.flatnonzero(builder & (enterprises.kind == COMPANY))
    if len(earth):
        fleet = earth[: max(1, trucks // 12)]
        enterprise[kind == DUMP] = fleet[rng.integers(0, len(fleet), trucks)]
    u = rng.random(n)
    light = np.isin(kind, (CAR, SUV, VAN))
    heavy = np.isin(kind, (TRUCK, DUMP, BUS))
    energy = np.select(
        [kind == EBIKE, light & (u < 0.2), light & (u < 0.27), kind == DUMP, heavy & (u < 0.12), heavy],
        [2, 2, 3, np.where(u < 0.15, 2, 1), 2, 1],
        0,
    )
    new_energy = np.isin(energy, (2, 3))
    plate_kind = np.select(
        [kind == EBIKE, kind == MOTORCYCLE, heavy & new_energy, heavy, new_energy],
        [_EBIKE, _MOTORCYCLE, _NEV_LARGE, _LARGE, _NEV_SMALL],
        _SMALL,
    )
    sizes = np.array([len(words) for words in _BRANDS])
    starts = np.cumsum(sizes) - sizes
    brand = pick(
        [word for words in _BRANDS for word in words],
        starts[kind] + (rng.random(n) * sizes[kind]).astype(np.int64),
    )
    registered = today - np.minimum((rng.exponential(1500, n) + 5).astype(np.int64), 5400)
    permitted = (kind == DUMP) & (rng.random(n) < 0.88)
    valid_until = today + rng.integers(-120, 500, n)
    state = draw(rng, (96.5, 1.5, 1.5, 0.5), n)
    p, e = np.maximum(person, 0), np.maximum(enterprise, 0)
    spot = np.where(firm, enterprises.spot[e], people.home[p] + spots.home_at)
    return pl.DataFrame(
        {
            "号牌号码": _plates(rng, plate_kind, energy),
            "号牌种类": pick(_PLATES, plate_kind),
            "车辆识别代号": only_if(_vins(rng, n), kind != EBIKE),
            "车辆类型": pick(_KINDS, kind),
            "品牌": brand,
            "能源": pick(_ENERGY, energy),
            "所有人类型": pick(("个人", "单位"), firm.astype(np.int64)),
            "所有人姓名": either(firm, enterprises.name.gather(e), people.frame["name"].gather(p)),
            "所有人证件号": either(firm, enterprises.code.gather(e), people.frame["identity"].gather(p)),
            "登记地址": spots.full.gather(spot),
            "地址编码": spots.code.gather(spot),
            "准运证号": only_if(cat("ZYZ330109", digits(np.arange(n), 6)), permitted),
            "准运证有效期": days(valid_until, permitted),
            "状态": pick(("正常", "报废", "转出", "查封"), state),
            "登记日期": days(registered),
            "更新时间": moments(registered * 86400 + rng.integers(28800, 64800, n)),
            "_person": person,
            "_enterprise": enterprise,
        }
    )
