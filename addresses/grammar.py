"""What the parser holds to be likely (地址文法): kinds of elements, what follows what, how long names are, what numbers mean.

All are costs: 0 is nothing remarkable, 3 unlikely, 7 hardly ever. They were set by hand and are about the logarithms of how
often the thing is met in real addresses; none was computed from a corpus.
"""

from __future__ import annotations

from typing import Final

# Kinds of a step through a text. START and END are its two ends; PART is a part of a named place (二期, 东门), HAMLET a name
# without a word that says what it is, in or under a village; ESTATE and MARKET are named places in which numbers are read
# otherwise (3号 is a building in an estate, a stall in a market or a room in an office building).
(
    START, COUNTRY, PROVINCE, CITY, COUNTY, ZONE, TOWN, VILLAGE, GROUP, ROAD, LANE, ROAD_NO, POI, PART, BUILDING, UNIT,
    FLOOR, ROOM, ASSIST, NOTHING, HAMLET, ESTATE, MARKET, END,
) = range(24)  # fmt: skip
NAMES: Final = (
    "start country province city county zone town village group road lane road_no poi part building unit "
    "floor room assist nothing hamlet estate market end"
).split()
PLACES: Final = frozenset((POI, ESTATE, MARKET))

FAR: Final = 7.0  # what following costs that is not in the table
_FOLLOWS: Final = """
start:    country 3 province 0.5 city 1 county 1.5 town 2 road 2.2 poi 2.6 zone 3.5 village 3.5 building 4.5 floor 4.5 room 5 assist 6 lane 6 road_no 6 group 6 part 7 end 0
country:  province 0.2 city 2 county 3 poi 4
province: city 0.2 county 1 country 5 town 3.2 poi 5 zone 5.5 road 5.5 province 2.5 village 5 end 4
city:     county 0.2 town 1.9 road 2.8 poi 3 zone 3.5 village 5 city 3 province 5 end 4
county:   town 0.7 road 1 poi 1.5 zone 3 village 3 hamlet 3 county 3 province 3 city 3.2 lane 5 assist 5.5 road_no 6 building 6 group 6 end 4
zone:     road 0.4 poi 1.5 town 3 village 3.5 building 4 road_no 4.5 zone 5 floor 5 room 5 end 2.5
town:     road 0.9 village 1 poi 1.1 hamlet 2 building 3.5 province 3.5 city 3.5 county 3.5 road_no 4 group 4 town 3.6 zone 4.5 assist 5 lane 5 floor 6 room 6 end 2.5
village:  poi 1.1 road 1.1 hamlet 1.4 group 1.8 road_no 1.8 assist 3.7 building 3.8 lane 4 village 4 part 4 room 5.5 floor 6 unit 6 end 1.8
hamlet:   road_no 0.6 building 2.2 part 2.2 group 2.5 road 2.5 poi 2.8 assist 3 lane 4 room 4 unit 5 hamlet 5 end 1.3
group:    road_no 0.8 poi 2 hamlet 2 road 4 building 4 lane 4 assist 4 village 4 end 0.5
road:     road_no 0.3 poi 1.7 assist 2.2 lane 2.6 road 2.7 village 4 building 5.5 part 5 town 5.5 room 6 floor 6 end 2.5
lane:     road_no 0.7 poi 1.8 building 1.8 assist 4 lane 4 room 4 road 4 floor 5 unit 5.5 end 2.5
road_no:  poi 0.9 building 2.2 floor 2.8 assist 3 room 3.8 part 4 village 4 province 4 city 4 county 4 road 4.5 road_no 5 lane 5.5 unit 6 end 0.6
poi:      building 0.9 part 1.2 road_no 2.1 floor 2.2 assist 2.2 room 2.3 poi 2.3 road 2.7 village 5 lane 5 unit 5.2 town 6 zone 6 end 1.2
estate:   building 0.8 part 1.2 assist 2.2 poi 2.3 room 2.8 road 2.7 floor 3 road_no 3.5 village 5 lane 5 unit 5 town 6 zone 6 end 1.2
market:   building 1.1 part 1.2 room 1.4 unit 1.8 floor 1.8 assist 2.2 poi 2.2 road 2.7 road_no 3.5 village 5 lane 5 town 6 zone 6 end 1.2
part:     building 0.9 floor 2 room 2 poi 2.2 part 3 assist 3.2 road 4 road_no 4 unit 4.8 end 1
building: unit 0.8 room 0.9 floor 1.8 poi 2.2 part 3.5 assist 4 building 5 road 6 lane 6 end 1.5
unit:     room 0.2 floor 2.2 poi 3.8 part 4 building 4.5 assist 5 road 6 end 1.8
floor:    room 1.4 poi 1.5 assist 3.4 part 3.5 unit 3 building 4.5 road 5 floor 5 end 0.6
room:     poi 3 part 4.5 assist 5 floor 5 room 5 building 6 road 6 end 0.1
assist:   poi 1 road 1.7 building 3 room 3.2 part 3 assist 3 road_no 3.2 floor 3.2 lane 4 village 4.5 unit 4.5 town 5.5 county 6 end 1
"""


def _table() -> tuple[tuple[float, ...], ...]:
    table = [[FAR] * len(NAMES) for _ in NAMES]
    for line in _FOLLOWS.strip().split("\n"):
        before, _, rest = line.partition(":")
        words = rest.split()
        for name, cost in zip(words[::2], words[1::2], strict=True):
            table[NAMES.index(before)][NAMES.index(name)] = float(cost)
    for row in table:
        row[ESTATE] = row[MARKET] = row[POI]
    return tuple(map(tuple, table))


FOLLOWS: Final = _table()  # FOLLOWS[before][kind]

# The cost of a name by the length of what stands before its last word, none first, and of each character beyond the list.
_PLACE: Final = (9, 1.5, 0.2, 0.3, 0.5, 1.0, 1.5, 1.9, 2.3)
STEMS: Final[dict[int, tuple[tuple[float, ...], float]]] = {
    PROVINCE: ((9, 2, 0, 0.5, 3), 3),
    CITY: ((9, 2, 0, 0.5, 3), 3),
    COUNTY: ((9, 2, 0, 0.3, 2), 3),
    ZONE: ((1.5, 1.5, 0, 0.3, 0.8, 1), 0.8),
    TOWN: ((9, 1.2, 0, 0.3, 1.5, 3), 2),
    VILLAGE: ((9, 1, 0.2, 0.5, 2, 3), 2),
    GROUP: ((9, 2, 0, 0.5, 2), 2),
    ROAD: ((9, 1.5, 0, 0.9, 3.2, 5.0, 6.0), 1.5),
    LANE: ((9, 2, 0, 1, 2), 2),
    POI: (_PLACE, 0.4),
    ESTATE: (_PLACE, 0.4),
    MARKET: (_PLACE, 0.4),
    PART: ((0, 1, 1, 1.2, 1.5), 0.8),
}

# The word after a number → what the number may be.
COUNTED: Final[dict[str, tuple[tuple[int, float], ...]]] = {
    **dict.fromkeys("幢 栋 憧 撞 号楼 号栋 号幢 #楼 #幢 #栋 号大楼 #号楼 栋楼 幢楼".split(), ((BUILDING, 0.0),)),
    "排": ((BUILDING, 0.5), (UNIT, 2.0)),
    "座": ((BUILDING, 0.0), (UNIT, 1.5)),
    "#": ((BUILDING, 0.3), (ROAD_NO, 1.5), (ROOM, 1.0)),
    **dict.fromkeys("单元 单无 号单元 单元号 #单元 梯 号梯".split(), ((UNIT, 0.0),)),
    "门": ((UNIT, 1.0),),
    **dict.fromkeys("层 F 层楼 楼层".split(), ((FLOOR, 0.0),)),
    "楼": ((FLOOR, 0.0), (BUILDING, 3.5)),
    **dict.fromkeys("室 房 户 号房 号室 房间 号房间 办公室 #室 室号 市 间 号户".split(), ((ROOM, 0.0),)),
    **dict.fromkeys(
        "铺 店 档 商位 商铺 号铺 号店 号商位 号商铺 号店面 号档 档口 摊位 号摊位 仓 号仓 号厂房 号仓库".split(), ((ROOM, 0.5),)
    ),
    "号": ((ROAD_NO, 0.0), (BUILDING, 0.7), (ROOM, 0.5), (UNIT, -1.3)),
    **dict.fromkeys("弄 支弄".split(), ((LANE, 0.3), (ROAD_NO, 0.6))),
    **dict.fromkeys("巷 支巷".split(), ((LANE, 0.5), (ROAD, 0.5))),
    **dict.fromkeys("组 队 小组 村民组 村民小组 生产队 社".split(), ((GROUP, 0.0),)),
    "号院": ((ROAD_NO, 0.2),),
    "街": ((ROAD, 0.3), (UNIT, -0.8)),
    **dict.fromkeys("路 大街 大道 号路 号大街 号街 国道 省道 县道 号公路 号大道 环路 环 街区".split(), ((ROAD, 0.3),)),
    **dict.fromkeys("期 区 号门 号地块 地块 号区 期区".split(), ((PART, 0.3),)),
    **dict.fromkeys("米 公里 千米 M KM 米处 米左右 米路北 米路南".split(), ((ASSIST, 0.3),)),
    **dict.fromkeys("村 社区".split(), ((VILLAGE, 1.0),)),
}  # fmt: skip

# A number without a word, by how many digits it has (one or two, three, more): what it may be.
Readings = tuple[tuple[int, float], ...]
BARE: Final[tuple[Readings, ...]] = (
    ((BUILDING, 0.6), (ROAD_NO, 1.8), (UNIT, 1.0), (ROOM, 2.2), (FLOOR, 4.0)),
    ((ROOM, 0.4), (ROAD_NO, 1.4), (BUILDING, 1.0), (UNIT, 3.5)),
    ((ROOM, 0.2), (ROAD_NO, 1.4), (BUILDING, 2.5)),
)
# The same with a dash and another number after it, and with a dash before it.
CHAINED: Final[tuple[Readings, ...]] = (
    ((BUILDING, 0.2), (UNIT, 0.4), (ROAD_NO, 1.6), (ROOM, 3.0)),
    ((BUILDING, 0.6), (ROAD_NO, 1.2), (UNIT, 3.0), (ROOM, 1.5)),
    ((ROOM, 1.0), (BUILDING, 1.5), (ROAD_NO, 1.2)),
)
LINKED: Final[tuple[Readings, ...]] = (
    ((UNIT, 0.8), (ROOM, 1.0), (BUILDING, 2.0), (ROAD_NO, 3.0)),
    ((ROOM, 0.2), (BUILDING, 2.5), (ROAD_NO, 3.0)),
    ((ROOM, 0.0), (BUILDING, 3.5), (ROAD_NO, 3.5)),
)
