"""Designations (编号): what stands below a named place: group, lane, number, building, unit, floor, room.

`scan` finds them in a normalised text; `readings` says what a row of them may mean, the likeliest first. `4幢1单元301室`,
`4-1-301`, `4#301` and `三组12` come to the same few pieces: `g` group 组, `l` lane 弄, `n` number 号, `b` building 幢, `u` unit 单元,
`r` room 室, each with its value in Arabic digits without leading zeros (`b4`, `n12-1`, `rA301`). The pieces of a building joined (`g3n12`)
are its key below the place that names it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from addresses.text import arabic

_NUM: Final = r"(?:[0-9]+|十[0-9](?![0-9])|[〇零一二三四五六七八九十百千廿卅两壹贰叁肆伍陆柒捌玖拾佰仟]+)"
_STEM: Final = "甲乙丙丁戊己庚辛"
_PATTERN: Final = re.compile(
    rf"""
    (?P<phone>(?<![0-9])(?:\+?86[- ]?)?1[3-9][0-9]{{9}}(?![0-9])
        |(?<![0-9])[1-8][0-9]{{5}}(?![0-9])|(?<![0-9])0[0-9]{{2,3}}[- ]?[2-8][0-9]{{6,7}}(?![0-9])
        |(?<![0-9])[0-9]{{17}}[0-9X](?![0-9])|(?<![0-9])[0-9]{{7,}}(?![0-9]))
    |(?P<grid>第?{_NUM}号?微?网格)
    |(?P<far>(?:约|大约)?{_NUM}(?:余|多|来)?(?:公里|千米|KM|米|M(?![A-Z0-9])))
    |(?P<other>[0-9]{{4}}年(?:[0-9]{{1,2}}月)?(?:[0-9]{{1,2}}日)?|[0-9]{{1,2}}月(?:[0-9]{{1,2}}[日号])?|[0-9]{{1,2}}[::][0-9]{{2}}(?:[::][0-9]{{2}})?
        |[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}
        |{_NUM}(?:元|万|岁|多?人|点|分钟|分|小时|平方米?|平米|天|年|月|次|名|多?辆|吨|块|路公交|路车|时|个|(?<![0-9〇一二三四五六七八九零]{{3}})家|号线|期(?![0-9一二三四五六七八九十])|公斤|起|日|周|床))
    |(?P<floors>{_NUM}(?:-|~|至|到){_NUM}(?:层|楼(?![上下道梯顶旁前后])))
    |(?P<several>(?![0-9]{{3,}}[,、]{_NUM}(?:单元|号楼|[幢栋楼组])|[0-9]+室[,、][0-9]室[0-9]厅|[0-9]{{1,2}}[,、][0-9]{{3,}}室)
            第?{_NUM}(?:至|到|~|、|和|与|跟|以?及|或|,)第?{_NUM}(?:号楼|单元|号|幢|栋|室|\#|楼|组)
        |(?!第?(?P<again>{_NUM})(?:单元|[幢栋])[,、]第?(?P=again)(?:单元|[幢栋]))第?{_NUM}(?P<same>号楼|单元|号|幢|栋|室|\#)(?:至|到|~|、|和|与|跟|以?及|或|,)第?{_NUM}(?P=same)
        |[0-9]{{3,4}}(?:(?:至|到|~|、|和|与|及|/|&)[0-9]{{3,4}}(?![0-9]))+室?
        |(?<=[幢栋楼座(])[0-9]{{1,2}}[-/&][0-9]{{1,2}}单元
        |(?<![0-9])[0-9]{{2}}[ ][0-9]{{2}}号(?![楼幢])
        |第?{_NUM}(?:号楼|单元|号|幢|栋|室|\#)(?:至|到|~)第?{_NUM}(?:号楼|单元|号|幢|栋|室|\#|楼|组))
    |(?P<group>第?{_NUM}(?:村民小?组|居民小?组|小组|组|[祖阻社](?=[0-9一二三四五六七八九十])|生产队|队))
    |(?P<building>第?(?:{_NUM}(?:-{_NUM})?[A-Z]?|(?<![A-Z])[A-Z][0-9]{{0,3}}|[{_STEM}])
            (?:号(?:住宅)?[楼搂](?![上下道梯顶旁前后洞])|号幢|\#楼(?![上下道梯顶旁前后])|\#幢|\#房(?=[0-9一二三四五六])|[幢栋](?:楼房?(?![上下道梯顶旁前后])|头(?=[0-9]))?|[憧撞懂橦]|[壮状装冻动洞](?=[0-9一二三四五六])|座))
    |(?P<unit>第?(?:{_NUM}|[A-Z{_STEM}东西])(?:[\#号]?[单丹担早](?:[元员园原远圆院源兀]|(?=-?[0-9]))|号?楼梯(?![口间])|号?[楼门]洞|梯|门[洞栋]|(?<=[0-9一二三四五六])门(?=[0-9])|号门(?![口前外店面诊卫牌]))(?!:))
    |(?P<labelled_b>(?:楼栋号?|楼幢号?|[楼幢栋]号|BUILDING|BLDG|BLK|BLOCK)[.:=\#\"' 是为]{{0,4}}[0-9]{{1,3}}(?![0-9A-Z#号幢栋楼座\-])|[幢栋][:=\"' ]{{0,4}}[0-9]{{1,3}}(?![0-9A-Z#号幢栋楼座\-]))
    |(?P<labelled_u>(?:单元号?|UNIT)[.:=\#\"' 是为]{{0,4}}[0-9]{{1,2}}(?![0-9A-Z单号门梯\-]))
    |(?P<labelled_r>(?:ROOM|RM|FLAT|APT)[. ]?[0-9]{{1,4}}(?![0-9A-Z号组\-])室?
        |(?:房间号?|[房室户]号|门牌号?)[.:=\#\"' 是为]{{0,4}}[0-9]{{3,4}}(?![0-9A-Z号组\-])室?
        |(?:室[:=\"' ]{{0,4}}|[房户]:|R(?<![A-Z]R)(?=[0-9]{{2}}))[0-9]{{2,4}}(?![0-9A-Z号组\-])室?)
    |(?P<labelled_g>(?:组别?|村民小?组)[:=][ \"']{{0,2}}[0-9]{{1,2}}(?![0-9A-Z]))
    |(?P<labelled_n>(?:门牌号?|(?<![\u3400-\u9fff])号)[:=][ \"']{{0,2}}[0-9]{{1,3}}(?![0-9A-Z]))
    |(?P<labelled_f>楼层[:= ]{{0,2}}[0-9]{{1,2}}(?![0-9A-Z]))
    |(?P<lane>{_NUM}弄)
    |(?P<chain>(?:(?<![A-Z])[A-Z])?[0-9]+[A-Z]?(?:-[A-Z]?[0-9]+[A-Z]?)+(?![0-9A-Z]|单元)(?P<chained>室|号|房)?
        |[一二三四五六七八九十]{{1,3}}(?:-[一二三四五六七八九十]{{1,2}})?-[〇零一二三四五六七八九]{{3,4}}
        |[0-9]{{1,3}}(?:(?P<by>[/.])[0-9]{{1,2}}(?P=by)|[/.])[0-9]{{3,4}}(?![0-9./年月日元万米]))
    |(?P<room>第?[A-Z]?{_NUM}[A-Z]?(?:室|号房间?(?!号)|房间|房(?!产|屋|东)|户|号?铺)(?!:)|第{_NUM}间)
    |(?P<number>第?{_NUM}(?:之{_NUM}|附{_NUM}|[A-Z])?号(?:之{_NUM}|附{_NUM}号|大?院)?)
    |(?P<hash>(?:{_NUM}|[A-Z])\#)
    |(?P<floor>[0-9]{{1,2}}/[0-9]{{1,2}}层|(?:地下|负|B|第)?{_NUM}(?:层|楼(?![上下道梯顶旁前后])|/?F(?![A-Z])))
    |(?P<bare>(?:(?<![A-Z0-9])|(?<=[0-9]F))[A-Z]?[0-9]+(?:[A-Z]?(?![A-Z0-9])|(?=TEL|MOB|QQ|VX|WX))
        |(?:(?<=[元幢栋楼号座梯组牌厦层\#])|(?<=[元幢栋楼号座梯组层][,、 ]))(?:[〇零一二三四五六七八九十百千两壹贰叁肆伍陆柒捌玖拾佰仟]{{2,8}}(?![〇\u4e00-\u9fff])|[〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖]{{3,5}}(?![号年元万路层]))|(?<=\()[〇零一二三四五六七八九]{{3,5}}(?=\)))
    """,
    re.VERBOSE,
)
_BEGIN: Final = re.compile(
    rf"[0-9A-Z〇零一二三四五六七八九十百千廿卅两壹贰叁肆伍陆柒捌玖拾佰仟{_STEM}第地负约大东西+]|[楼幢栋单房室户门组村号][元号栋幢间牌层民组小别]{{0,3}}[.:=#\"' 是为]{{0,4}}[0-9]"
)
"""With what anything of `_PATTERN` begins: where none of it stands, nothing needs to be tried."""
_DIGITS: Final = re.compile(_NUM)
_FORMAL: Final = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_PLAIN: Final = re.compile("[0-9]+")
_JOINT: Final = re.compile("[-/.]")
_STOREY: Final = re.compile("[0-9]{1,2}F")
_FLOOR_ROOM: Final = re.compile("F?([0-9]{1,2})F?-R?([0-9]{1,4})")
_LEAD: Final = re.compile(r"^(?:第|地下|负)")
_TAIL: Final = re.compile(
    r"(?:村民小?组|居民小?组|小组|[组祖阻社]|生产队|队|号(?:住宅)?[楼搂]|号幢|#[楼幢房]|[幢栋](?:楼房?|头)?|[憧撞懂橦壮状装冻动洞]|座|[#号]?[单丹担早][元员园原远圆院源兀]?|号?楼梯|号?[楼门]洞|梯|号门|门[洞栋]?|弄|室|号房间?|房间|房|间|户|号?铺|"
    r"号(?:大?院)?|#|层|楼|F)$"
)
_KIND: Final = {
    "group": "g", "building": "b", "unit": "u", "lane": "l", "room": "r", "number": "n", "hash": "#", "floor": "f",
    "labelled_b": "b", "labelled_u": "u", "labelled_r": "r", "labelled_g": "g", "labelled_n": "n", "labelled_f": "f", "bare": "?", "chain": "-", "several": "x", "floors": "o", "phone": "p", "far": "d", "other": "o",
}  # fmt: skip


class Token(NamedTuple):
    """A designation or another use of a number in a normalised text.

    Attributes:
        kind: `g l n b u f r` as in the module's text; `#` building or number; `?` bare number; `-` chain of numbers;
            `x` several or a range; `p` phone or identity number; `d` distance; `o` another count (date, sum, age).
        value: the number as in a key; a chain's numbers joined by `-`.
        tail: for a chain, the word after it or "".
    """

    kind: str
    value: str
    start: int
    end: int
    tail: str = ""


@lru_cache(maxsize=1 << 16)
def value_of(text: str) -> str:
    """The value of a designation's words: 第三幢 → 3, 0301室 → 301, 12号之1 → 12-1, A座 → A."""
    if text.isascii() and text.isdigit():
        return text.lstrip("0") or "0"
    body = _TAIL.sub("", _LEAD.sub("", text))
    body = body.replace("号之", "-").replace("号附", "-").replace("之", "-").replace("附", "-")
    body = body.translate(_FORMAL)
    return _DIGITS.sub(lambda m: (arabic(m.group()) or m.group()).lstrip("0") or "0", body)


def scan(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The designations and other numbers of a normalised text, in order, in `[start, end)`. Linear in its length."""
    found: list[Token] = []
    if end is None:
        end = len(text)
    while (begin := _BEGIN.search(text, start, end)) is not None:
        m = _PATTERN.match(text, begin.start(), end)
        if m is None:
            start = begin.start() + 1
            continue
        start = m.end()
        name = m.lastgroup
        if name == "grid":
            continue
        if name in ("chained", "by"):
            name = "chain"
        elif name == "same":
            name = "several"
        if name is None:
            continue
        kind = _KIND[name]
        words = m.group()
        if kind == "-":
            tail = m.group("chained") or ""
            parts = _JOINT.split(words[: len(words) - len(tail)])
            values = (p if _STOREY.fullmatch(p) else value_of(p) for p in parts)
            found.append(Token(kind, "-".join(values), m.start(), m.end(), tail))
        elif kind in "pdox":
            found.append(Token(kind, "", m.start(), m.end()))
        elif name.startswith("labelled"):
            found.append(Token(kind, _PLAIN.findall(words)[0].lstrip("0") or "0", m.start(), m.end()))
        else:
            # 8/12层: the eighth of twelve; 2/F
            value = value_of(words.partition("/")[0] if kind == "f" else words)
            found.append(Token(kind, value, m.start(), m.end()))
    return found


class Reading(NamedTuple):
    """What designations mean: the building's key below its named place, then unit, floor and room; "" what is not said.

    `loose` counts what was guessed to read it so (a bare number taken for a building).
    """

    key: str
    unit: str
    floor: str
    room: str
    loose: int
    last: str = ""

    @property
    def depth(self) -> int:
        return bool(self.key) + bool(self.unit) + bool(self.room)


_EMPTY: Final = Reading("", "", "", "", 0)
_MOST: Final = 8


def readings(tokens: list[Token]) -> list[Reading]:
    """The meanings of a row of designations, the likeliest first; at most eight."""
    states = [_EMPTY]
    if len(tokens) > 1:
        # 2单元,2单元1601: said again.
        tokens = [t for at, t in enumerate(tokens) if not at or t.kind != "u" or t[:2] != tokens[at - 1][:2]]
        tokens = _in_order(tokens)
    last = len(tokens) - 1
    for at, token in enumerate(tokens):
        after: list[Reading] = []
        for state in states:
            after.extend(_step(state, token, at == last))
        if not after:
            break
        states = after[:_MOST]
    if len(states) > 1:
        states.sort(key=lambda s: s.loose)
    return states


_RANK: Final = {"g": 0, "l": 0, "n": 1, "b": 1, "#": 1, "u": 2, "f": 3, "r": 4}
UNRANKED: Final = 9


def rank_of(token: Token) -> int:
    """How far down a part is: 0 a group, 1 a building, 2 a unit, 3 a floor, 4 a room, as a bare number of three digits is; else `UNRANKED`."""
    if token.kind == "?" and len(token.value) > 2:
        return _RANK["r"]
    return _RANK.get(token.kind, UNRANKED)


def _in_order(tokens: list[Token]) -> list[Token]:
    """The row from the top down: 301室1单元4幢 and 1单元4幢301室 are written otherwise, 7组1号 7组1号 twice."""
    half = len(tokens) // 2
    if len(tokens) == 2 * half and all(
        a[:2] == b[:2] for a, b in zip(tokens[:half], tokens[half:], strict=True)
    ):
        tokens = tokens[:half]
    ranks = [rank_of(t) for t in tokens]
    if (
        UNRANKED in ranks
        or all(a <= b for a, b in pairwise(ranks))
        or len(set(ranks)) < len(ranks)
        or min(ranks) > 1
        or (tokens[0].kind == "n" and tokens[1].kind == "g")
        or any(a.kind == "f" and b.kind == "n" for a, b in pairwise(tokens))
    ):
        return tokens
    ordered = sorted(zip(ranks, tokens, strict=True), key=lambda pair: pair[0])
    return [t._replace(kind="r") if t.kind == "?" else t for _, t in ordered]


def _head(s: Reading, piece: str, loose: int = 0) -> Reading:
    return Reading(s.key + piece, "", "", "", s.loose + loose, piece[0])


def _unit(s: Reading, value: str, loose: int = 0) -> Reading:
    return Reading(s.key, value, s.floor, "", s.loose + loose, "u")


def _room(s: Reading, value: str, loose: int = 0) -> Reading:
    floor = s.floor
    if floor and value.isdigit() and len(value) < 3 and floor.isdigit():
        value = floor + value.zfill(2)
    return Reading(s.key, s.unit, floor, value, s.loose + loose, "r")


def _step(s: Reading, t: Token, last: bool) -> list[Reading]:
    kind, value = t.kind, t.value
    if s.room:
        # What follows a room is no part of the place (a firm's second number, a bed).
        return [s]
    if kind == "g" and s.last == "n" and "g" not in s.key:
        # 12号(5组): the number before its group.
        return [s._replace(key=kind + value + s.key)]
    if kind == "g" or kind == "l":
        return [_head(s, kind + value)]
    if kind == "n":
        if s.last == "b" or s.last == "u":
            return [_room(s, value, 1), _head(s, "n" + value, 1)] if s.last == "b" else [_room(s, value, 1)]
        if not s.key and (len(value) > 2 or s.floor):
            return [_head(s, "n" + value), _room(s, value, 1)]
        return [_head(s, "n" + value)]
    if kind == "b":
        if s.last in ("b", "u"):
            return [_unit(s, value)]
        if s.last == "n":
            # 金城路15号2座301室: the number is that of the building, and 座 its unit.
            return [_head(s, "b" + value), _unit(s, value, 1)]
        if s.last == "g":
            # 3组12幢: village houses are numbered by whatever word.
            return [_head(s, "b" + value), _head(s, "n" + value, 1)]
        return [_head(s, "b" + value)]
    if kind == "u":
        return [_unit(s, value)]
    if kind == "f":
        if not s.key:
            # 4楼 after an estate is its fourth building in speech, or a floor of something unnamed.
            return [_head(s, "b" + value, 1), s._replace(floor=value)]
        if s.last == "g" and value.isdigit() and len(value) > 1:
            # 1组221楼101室: house 22 and floor 1, which nothing parts.
            split = [
                _head(s, "n" + value[:-k], k)._replace(floor=value[-k:])
                for k in (1, 2)
                if len(value) > k and value[-k] != "0"
            ]
            if split:
                return split
        return [s._replace(floor=value)]
    if kind == "r":
        if s.last == "g" and value.isdigit() and len(value) > 3:
            return [_split(s, value, 3), _split(s, value, 4)] if len(value) > 4 else [_split(s, value, 3)]
        if s.last == "g":
            # 5组12户 is a house.
            return [_head(s, "n" + value), _room(s, value, 1)]
        return [_room(s, value)]
    if kind == "#":
        if s.last in ("b", "n"):
            return [_unit(s, value, 1), _room(s, value, 1)]
        if s.last == "u":
            return [_room(s, value, 1)]
        if s.last == "g":
            return [_head(s, "n" + value), _head(s, "b" + value, 1)]
        return [_head(s, "b" + value), _head(s, "n" + value)]
    if kind == "?":
        if s.last == "g":
            found = [_head(s, "n" + value), _head(s, "b" + value, 1)]
            return [*found, _split(s, value, 3)] if value.isdigit() and len(value) > 3 else found
        if not s.key:
            # 东山村3,12: the group and the house.
            groups = [] if last else [_head(s, "g" + value, 2)]
            # 恒宇大厦1204: where the name is a building's.
            rooms = [_room(s, value, 1)] if len(value) > 2 or s.floor else []
            return [_head(s, "b" + value, 1), _head(s, "n" + value, 1), *groups, *rooms]
        if s.last in ("b", "n"):
            return [_room(s, value), _unit(s, value, 1)] if last else [_unit(s, value, 1), _room(s, value, 1)]
        if s.last == "u" and not last and len(value) < 3:
            # 1单元3/01: a floor and its room.
            return [s._replace(floor=value), _room(s, value, 1)]
        return [_room(s, value)]
    if kind == "-":
        return _chain(s, t)
    return [s]


def _split(s: Reading, value: str, digits: int) -> Reading:
    """4组12101室: a house's number and a room that nothing parts."""
    return _room(_head(s, "n" + value[:-digits], 1), value[-digits:].lstrip("0") or "0")


def _chain(s: Reading, t: Token) -> list[Reading]:
    parts = t.value.split("-")
    if s.key and len(parts) == 2 and min(map(len, parts)) > 2 and parts[0] < parts[1]:
        # 301-304室: rooms, none of which is meant alone.
        return [s._replace(loose=s.loose + 1)]
    if "F" in parts[0] and (said := _FLOOR_ROOM.fullmatch(t.value)) is not None:
        # 12F-1204, F28-R04
        return [_room(s._replace(floor=said[1]), said[2].lstrip("0") or "0")]
    if not s.key:
        if len(parts) == 2:
            first, second = parts
            numbered = _head(s, f"n{first}-{second}")
            stair = _room(_head(s, "b" + first), second)
            group = _head(_head(s, "g" + first), "n" + second, 1)
            if t.tail == "号":
                return [numbered, group]
            part = [_room(s, first, 1)] if len(first) > 2 > len(second) - 1 else []
            house = [_room(_head(s, "n" + first), second, 1)] if len(second) > 2 else []
            return [
                stair,
                numbered._replace(loose=1),
                group,
                *house,
                *part,
                _unit(_head(s, "b" + first), second, 1),
            ]
        if len(parts) == 3:
            b, u, r = parts
            return [
                _room(_unit(_head(s, "b" + b), u), r),
                _room(_unit(_head(s, "n" + b), u), r, 1),
                _room(_head(_head(s, "g" + b), "n" + u), r, 1),
                _room(_head(s, f"n{b}-{u}"), r, 1),
                *([_room(_unit(_head(s, "b" + r), u), b, 1)] if len(b) > 2 > len(r) - 1 else []),
            ]
        if len(parts) == 4:
            b, u, f, r = parts
            return [_room(_unit(_head(s, "b" + b), u)._replace(floor=f), r)]
        return []
    if s.last == "g":
        if len(parts) == 2:
            return [_head(s, f"n{t.value}"), _room(_head(s, "n" + parts[0]), parts[1])]
        return [_room(_head(s, "n" + "-".join(parts[:-1])), parts[-1], 1)]
    if s.last == "u":
        if len(parts) == 2 and len(parts[0]) > 2:
            # 2801-2室: a part of a room.
            return [_room(s, parts[0]), _room(s, t.value, 1)]
        return [_room(s._replace(floor=parts[0]), parts[-1])] if len(parts) == 2 else [_room(s, parts[-1], 1)]
    if len(parts) == 2:
        return [
            _room(_unit(s, parts[0]), parts[1]),
            _room(s, t.value, 1),
            _room(s._replace(floor=parts[0]), parts[1], 1),
        ]
    if len(parts) == 3:
        return [_room(_unit(s, parts[0])._replace(floor=parts[1]), parts[2])]
    return []
