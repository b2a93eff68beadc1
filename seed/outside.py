"""Addresses of the neighbours: the true answer is that they are outside. Names of districts, streets and roads are facts; house numbers are made up."""

from __future__ import annotations

import random
from typing import Final

NEIGHBOURS: Final = (
    ("杭州市滨江区", ("长河街道", "西兴街道", "浦沿街道"), ("江南大道", "滨盛路", "江汉路", "火炬大道", "滨安路", "时代大道", "江虹路")),
    ("杭州市上城区", ("望江街道", "四季青街道", "彭埠街道", "小营街道"), ("人民路", "解放路", "庆春路", "望江路", "建国中路", "育才路")),
    ("杭州市西湖区", ("文新街道", "古荡街道", "转塘街道", "之江"), ("文三路", "文一西路", "天目山路", "湖山路", "体育路")),
    ("杭州市富阳区", ("富春街道", "东洲街道", "渔山乡"), ("金桥北路", "文居街", "迎宾路", "体育路")),
    ("绍兴市柯桥区", ("钱清街道", "杨汛桥街道", "华舍街道", "齐贤街道"), ("萧绍路", "育才路", "金柯桥大道", "镇前路")),
    ("诸暨市", ("次坞镇", "店口镇", "暨阳街道"), ("人民路", "大桥路", "店口大道", "解放路")),
    ("绍兴市越城区", ("府山街道", "北海街道"), ("人民西路", "解放北路", "中兴路")),
    ("海宁市", ("许村镇", "盐官镇"), ("人民大道", "镇保路")),
    ("杭州市临平区", ("乔司街道", "星桥街道"), ("人民大道", "红丰路")),
)  # fmt: skip
QIANTANG: Final = {
    "义蓬街道": ("义盛村", "蜜蜂村", "火星村"), "河庄街道": ("建一村", "新围村", "同二村"), "新湾街道": ("共裕村", "新龙村"),
    "临江街道": ("临江佳苑社区",), "前进街道": ("山海村", "临江村"), "下沙街道": ("七格社区",), "白杨街道": ("邻里社区",),
}  # fmt: skip
"""Streets of 钱塘区 with villages; the first five were Xiaoshan's until April 2021."""
FORMERLY_OURS: Final = tuple(QIANTANG)[:5]
_FAR: Final = (
    "安徽省阜阳市颍州区", "河南省信阳市浉河区", "江西省上饶市广丰区", "贵州省毕节市七星关区", "四川省达州市通川区", "重庆市万州区", "上海市浦东新区", "宁波市鄞州区",
)  # fmt: skip
_FAR_ROADS: Final = "人民路 解放路 建设路 文化路 中山路 育才路 振兴路 市心路".split()


def _number(rng: random.Random) -> str:
    estate = rng.choice(
        (
            "",
            "",
            f"{rng.randint(1, 30)}幢{rng.randint(1, 3)}单元{rng.randint(1, 18)}0{rng.randint(1, 4)}室",
            f"{rng.randint(1, 20)}楼",
        )
    )
    return f"{rng.randint(1, 999)}号{estate}"


def outside_text(rng: random.Random) -> tuple[str, str]:
    """An address outside the district, and which kind: `neighbour`, `neighbour_short`, `moved`, `moved_old`, `far`."""
    chance = rng.random()
    if chance < 0.45:
        district, streets, roads = rng.choice(NEIGHBOURS)
        short = rng.random() < 0.4
        if short:
            district = district[3:] or district
        head = rng.choice(("", "浙江省")) if not short else ""
        return f"{head}{district}{rng.choice(('', rng.choice(streets)))}{rng.choice(roads)}{_number(rng)}", (
            "neighbour_short" if short else "neighbour"
        )
    if chance < 0.8:
        old = rng.random() < 0.5
        street = rng.choice(FORMERLY_OURS if old else tuple(QIANTANG))
        village = rng.choice(QIANTANG[street])
        head = (
            rng.choice(("杭州市萧山区", "萧山区", "浙江省杭州市萧山区"))
            if old
            else rng.choice(("杭州市钱塘区", "钱塘区", "浙江省杭州市钱塘区"))
        )
        where = (
            f"{rng.randint(1, 20)}组{rng.randint(1, 60)}号"
            if village.endswith("村")
            else f"{rng.randint(1, 20)}幢{rng.randint(101, 1804)}室"
        )
        return f"{head}{street}{village}{where}", "moved_old" if old else "moved"
    return f"{rng.choice(_FAR)}{rng.choice(_FAR_ROADS)}{_number(rng)}", "far"
