"""The ways in which people write an address. Each text takes one way from each slot; `seed/noise.yaml` weighs them.

A text is written from what is known of the place and not by changing a finished text, so that what it states is known exactly.
Examinations draw the held-out ways of `seed.address_held_out` besides.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ontology.reading import read_yaml
from seed import address_held_out as held_out
from seed.address_index import AddressIndex, Facts, Key, short_community, short_street
from seed.address_typos import mistype, traditional
from seed.names import SURNAMES
from seed.options import bad

PROFILES: Final = Path(__file__).with_name("noise.yaml")

SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "texts": (
        "one", "estate", "road", "community", "street", "site", "range", "crossing", "several", "outside", "same_name", "vague", "sentence",
    ),
    "upper": (
        "full", "no_district", "province", "city", "no_street", "no_community", "no_upper", "short", "wrong_street", "wrong_community",
        "old_street", "old_district", "former_community",
    ),
    "form": ("standard", "road", "both", "everyday", "former"),
    "building": ("幢", "栋", "号楼", "#", "#楼", "座", "bare", "号", "幢楼", "ordinal", "padded"),
    "inside": ("words", "no_word", "dashes", "dash_room", "floor", "floor_short", "stairs", "seat", "room_word", "no_unit", "slashes", "dots", "door", "hash", "bracket", "house_room"),
    "group": ("plain", "no_word", "ordinal", "villagers", "dash", "team", "blank", "plate", "house", "behind"),
    "order": ("none", "bracket", "behind", "repeat"),
    "within": ("none", "hint", "alias", "stage", "was", "unknown"),
    "stem": ("none", "stem"),
    "numerals": ("arabic", "chinese", "full_width", "formal", "circled"),
    "surface": ("none", "spaces", "commas", "committee", "traditional", "pipes", "spaced", "twice", "reversed", "latin", "underscores"),
    "typo": ("none", "homophone", "near_sound", "shape", "drop", "double", "swap", "two", "pinyin", "insert"),
    "before": ("none", "label", "told", "delivery", "asking", "person", "dated", "household"),
    "after": ("none", "gate", "parcel", "contact", "beside", "remark", "compass", "told_off", "firm", "postcode", "bed"),
}  # fmt: skip
"""Slot → ways. The first of each is the plain one, which is not listed among a text's operations."""

_BEFORE: Final = {
    "label": ("地址：", "事发地址:", "住址：", "地点：", "现住址 "),
    "told": ("报警人称在", "我家住", "住在", "位于", "他租在"),
    "person": ("{who}，", "{who} ", "{who}{phone} ", "租客{who}："),
    "dated": ("3月5日晚在", "2026年1月12日", "昨晚 ", "刚刚，"),
    "household": ("户籍地：", "原户籍地址：", "注册地址：", "（现住）"),
    "delivery": ("送到", "收货地址：", "寄到", "请送 "),
    "asking": ("麻烦来一下", "请问去", "导航到"),
}
_AFTER: Final = {
    "gate": ("门口", "楼下", "大门口", "内"),
    "parcel": ("快递放门口", "，到了放快递柜", "（放门卫）", " 到了打电话"),
    "beside": ("对面", "旁边", "隔壁", "斜对面", "附近"),
    "postcode": (" 311200", "，邮编311200", "（邮编 311201）"),
    "bed": ("2床", "（北卧）", "隔断间", "南边那间"),
    "remark": ("（出租房）", "（群租）", "有人吵架", "，着火了", "漏水"),
    "compass": ("往东50米", "北侧约30米", "向南走一百米路口"),
    "told_off": ("，请尽快处理，谢谢", "。已经报过两次了", "，急！！"),
}
_UNKNOWN: Final = (
    "后周自然村", "上埠", "机械厂宿舍", "老供销社旁", "第3网格", "工业功能区", "沿街店面", "二轻大楼后", "拆迁安置区", "电大斜对面", "中心村", "老街",
)  # fmt: skip
"""What stands between the names of an address and is in no base."""
_STAGE: Final = (
    "一期",
    "二期",
    "三期",
    "北区",
    "南区",
    "东苑",
    "西苑",
    "A区",
    "（安置房）",
    "（还建）",
    "生活区",
    "人才房",
)
_WAS: Final = ("（原电机厂宿舍）", "（原城东小区）", "（老地块）", "（又名幸福家园）", "（暂名）")
_ROAD_WORD: Final = re.compile("(?:大道|公路|路|街|巷|弄|线)$")
_ESTATE_WORD: Final = re.compile("(?:小区|公寓|花园|家园|新村|人家|山庄|名苑|雅苑|华庭|华府|苑|府|庭)$")
_KIND_WORD: Final = re.compile(f"{_ROAD_WORD.pattern}|{_ESTATE_WORD.pattern}")
_FIRM: Final = (
    "五金店",
    "面馆",
    "便利店",
    "服装厂",
    "汽修部",
    "美容院",
    "培训中心",
    "物流有限公司",
    "电子商务有限公司",
)
_FIRM_NAME: Final = ("佳顺", "鸿泰", "永兴", "老王", "欣欣", "天和", "瑞丰")

_BESIDE: Final = ("beside", "compass")
"""Ways after which the text names a place beside the one that is written: it determines no more than the place above."""

_DIGITS: Final = "零一二三四五六七八九"
_FORMAL: Final = "零壹贰叁肆伍陆柒捌玖"


def load_ways(
    profile: str, *, examination: bool, path: Path = PROFILES, besides: Path = held_out.WEIGHTS
) -> dict[str, dict[str, float]]:
    """Slot → way → weight, of a profile of `address_text`; in an examination with the held-out ways of the file `besides`.

    Raises:
        UsageError: when there is no such profile, or it has a slot, a way or a weight that does not hold.
    """
    declared: Mapping[str, Any] = read_yaml(path.read_text(encoding="utf-8"))["address_text"]
    if profile not in declared:
        raise bad(
            f"没有名为 {profile} 的地址噪声配置。", f"There is no profile {profile!r} of address texts.", f"One of {', '.join(declared)}."
        )  # fmt: skip
    ways = {slot: {names[0]: 1.0} for slot, names in SLOTS.items()}
    for slot, weights in declared[profile].items():
        ways[slot] = _checked(profile, slot, weights, SLOTS)
    if examination:
        for slot, weights in read_yaml(besides.read_text(encoding="utf-8")).items():
            own = _checked(held_out.NAME, slot, weights, held_out.WAYS)
            if slot in declared[profile]:
                share = sum(ways[slot].values()) / 1000
                ways[slot] |= {way: w * share for way, w in own.items()}
    return ways


def _checked(
    profile: str, slot: str, weights: Mapping[str, float], known: Mapping[str, Iterable[str]]
) -> dict[str, float]:
    for way, weight in weights.items():
        if way not in known.get(slot, ()) or not isinstance(weight, int | float) or weight < 0:
            raise bad(
                f"噪声配置 {profile} 的 {slot}.{way} 有误。",
                f"address_text.{profile}.{slot}.{way}: {weight} is no weight of a known way.",
            )
    return {way: float(weight) for way, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Target:
    """What a text is about: one of a building (with unit and room), a site, an estate or road, a community, a street."""

    code: str
    building: int | None = None
    unit: int | None = None
    room: int | None = None
    site: int | None = None
    area: str | None = None


@dataclass(slots=True)
class Written:
    """A text about one place: `text[start:end]` names it; `facts` is what it states."""

    text: str
    start: int
    end: int
    facts: Facts
    beside: bool
    operations: tuple[str, ...]


Part = list[str]
"""Kind and text of a piece of an address; changed in place."""


@dataclass(slots=True)
class Draft:
    """A text under way, and what it states. `parts`: those above the place; `before`, `after`: what does not belong to the address."""

    parts: list[Part] = field(default_factory=list)
    streets: frozenset[str] | None = None
    communities: frozenset[str] | None = None
    local: list[frozenset[Key]] = field(default_factory=list)
    areas: frozenset[str] | None = None
    sites: frozenset[int] | None = None
    unit: int | None = None
    room: int | None = None
    mistyped: bool = False
    section: bool = False
    names: dict[str, frozenset[str]] = field(default_factory=dict)  # kind → names that the words admit
    numbers: dict[str, frozenset[int]] = field(default_factory=dict)  # kind → numbers stated
    done: list[str] = field(default_factory=list)
    before: str = ""
    after: str = ""

    def did(self, slot: str, way: str) -> None:
        """Lists a way among the text's operations."""
        self.done.append(f"{slot}.{way}")

    def misread(self, index: AddressIndex, part: Part, wrong: str, names: frozenset[str]) -> None:
        """Writes a name wrongly: what it states is now any of the names."""
        kind, part[1] = part[0], wrong
        if kind == "street":
            self.streets = index.street_codes(names)
        elif kind == "community":
            self.communities = index.community_codes(names)
            self.mistyped = True
        elif kind == "site":
            self.sites = index.site_rows(names)
        elif self.areas is not None:
            self.areas = index.area_codes(kind, names)
        else:
            numbers = self.numbers[kind]
            self.local = [
                frozenset((kind, name, n) for name in names for n in numbers)
                if any(key[0] == kind for key in keys)
                else keys
                for keys in self.local
            ]


# -- numbers ------------------------------------------------------------------------------------------------------------


def chinese(number: int, digits: str = _DIGITS) -> str:
    """12 → 十二, 105 → 一百零五; with the formal digits 拾贰, 壹佰零伍. From 0 to 9,999."""
    ten, hundred, thousand = ("十", "百", "千") if digits is _DIGITS else ("拾", "佰", "仟")
    if number < 10:
        return digits[number]
    text, zero, rest = "", False, number
    for size, unit in ((1000, thousand), (100, hundred), (10, ten)):
        figure, rest = divmod(rest, size)
        if figure:
            text += (digits[0] if zero else "") + digits[figure] + unit
            zero = False
        elif text:
            zero = True
    if rest:
        text += (digits[0] if zero else "") + digits[rest]
    return text[1:] if 10 <= number < 20 and digits is _DIGITS else text


def one_by_one(number: str, zero: str = "〇", digits: str = _DIGITS) -> str:
    """501 → 五〇一."""
    return "".join(zero if d == "0" else digits[int(d)] for d in number)


def _number(n: int, way: str) -> str:
    if way == "chinese":
        return chinese(n)
    if way == "formal":
        return chinese(n, _FORMAL)
    if way == "circled" and 1 <= n <= 20:
        return chr(0x2460 + n - 1)
    return str(n)


def _room_number(text: str, way: str, rng: random.Random) -> str:
    if way == "chinese":
        return one_by_one(text, rng.choice("〇零"))
    if way == "formal":
        return one_by_one(text, "零", _FORMAL)
    return text


_FULL: Final = {ord(c): ord(c) + 0xFEE0 for c in "0123456789#-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


# -- writing ------------------------------------------------------------------------------------------------------------


class Writer:
    """Writes texts about places in the ways of a profile."""

    def __init__(
        self, index: AddressIndex, ways: Mapping[str, Mapping[str, float]], rng: random.Random
    ) -> None:
        self.index, self.rng = index, rng
        self._ways = {slot: (list(w), list(w.values())) for slot, w in ways.items()}
        self._streets = sorted(index.streets)
        self._by_street: dict[str, list[str]] = {}
        for code in sorted(index.communities):
            self._by_street.setdefault(code[:9], []).append(code)

    def way(self, slot: str) -> str:
        """One way of a slot, by weight."""
        names, weights = self._ways[slot]
        return self.rng.choices(names, weights)[0]

    def write(
        self, target: Target, *, plain: bool = False, fixed: Mapping[str, str] = MappingProxyType({})
    ) -> Written:
        """A text about a place. `fixed`: ways that are given and not drawn. `plain`: nothing before and after, as within a sentence."""
        ways = {slot: fixed.get(slot) or self.way(slot) for slot in SLOTS if slot != "texts"}
        # A held-out way is a change to what the plain way of its slot writes.
        later = {slot: known[ways[slot]] for slot, known in held_out.WAYS.items() if ways[slot] in known}
        ways |= {slot: SLOTS[slot][0] for slot in later}
        if plain:
            later = {slot: way for slot, way in later.items() if way.in_sentences}
            ways["before"] = "none"
            ways["surface"] = ways["surface"] if ways["surface"] == "traditional" else "none"
            ways["after"] = ways["after"] if ways["after"] in ("gate", "beside", "compass") else "none"
        inner = target.unit is not None or target.room is not None
        wide = len(target.code) == 9  # a street, or a road: nothing is beside it
        if ways["after"] in _BESIDE and (inner or wide):
            ways["after"] = "none"
        draft = Draft()
        self._local(draft, target, ways)
        local = draft.parts
        draft.parts = []
        self._upper(draft, target, ways)
        if ways["typo"] != "none":
            self._mistype(draft, local, ways["typo"])
        # While a name still stands as it is in the base; the others once it is known what stands where.
        self._changed(draft, local, target, {slot: way for slot, way in later.items() if slot == "typo"})
        local = self._arranged(draft, local, target, ways)
        self._changed(draft, local, target, {slot: way for slot, way in later.items() if slot != "typo"})
        text, start, end = self._assemble(draft, local, ways)
        facts = Facts(
            draft.streets,
            draft.communities,
            tuple(draft.local),
            draft.areas,
            draft.sites,
            draft.unit,
            draft.room,
            draft.mistyped,
            draft.section,
        )
        if ways["surface"] == "traditional" and (changed := traditional(text)) != text:
            text = changed
            draft.did("surface", "traditional")
        assert len(text[start:end]) == end - start
        return Written(text, start, end, facts, ways["after"] in _BESIDE, tuple(draft.done))

    # -- above the building

    def _upper(self, draft: Draft, target: Target, ways: dict[str, str]) -> None:
        index, rng, way = self.index, self.rng, ways["upper"]
        street = target.code[:9]
        has_community = len(target.code) >= 12
        community = target.code[:12] if has_community else None
        if target.area is not None and target.area.startswith("R"):
            community = None
        own_street = index.streets[street]
        own_community = index.communities[community].name if community else None
        only_upper = target.building is None and target.site is None and target.area is None
        if only_upper and has_community and way in ("no_community", "no_upper"):
            way = "no_street"
        if only_upper and not has_community and way in ("no_street", "no_upper", "wrong_street"):
            way = "no_district"
        if way in ("no_community", "wrong_community", "former_community") and community is None:
            way = "full"
        stated: str | None = own_street
        stated_community = own_community
        if way in ("no_street", "no_upper"):
            stated = None
        if way in ("no_community", "no_upper"):
            stated_community = None
        if way == "short":
            stated = short_street(own_street)
            stated_community = short_community(own_community) if own_community else None
        elif way == "wrong_street":
            stated = index.streets[rng.choice([s for s in self._streets if s != street])]
        elif way == "old_street":
            old = index.former.get(street)
            if old:
                stated = rng.choice(old)
            else:
                way = "full"
        elif way == "wrong_community" and community is not None:
            others = [c for c in self._by_street[street] if c != community]
            if others and not only_upper:
                stated_community = index.communities[rng.choice(others)].name
            else:
                way = "full"
        elif way == "former_community" and community is not None:
            old = index.former.get(community)
            if old:
                stated_community = rng.choice(old)
            else:
                way = "full"
        head = {
            "full": "萧山区", "province": "浙江省杭州市萧山区", "city": "杭州市萧山区", "old_district": rng.choice(("萧山市", "浙江省萧山市")),
            "no_street": rng.choice(("", "萧山区", "萧山")), "no_community": rng.choice(("", "萧山区", "杭州市萧山区")),
        }.get(way, rng.choice(("", "", "萧山区")))  # fmt: skip
        if way == "no_district":
            head = ""
        if head:
            draft.parts.append(["district", head])
        if stated:
            draft.parts.append(["street", stated])
            draft.names["street"] = frozenset([stated])
            draft.streets = index.street_codes([stated])
        if stated_community:
            draft.parts.append(["community", stated_community])
            draft.names["community"] = frozenset([stated_community])
            draft.communities = index.community_codes([stated_community])
        if way != "full":
            draft.did("upper", way)

    # -- the building and what is in it

    def _local(self, draft: Draft, target: Target, ways: dict[str, str]) -> None:
        index = self.index
        if target.site is not None:
            name = index.site_name[target.site]
            draft.parts.append(["site", name])
            draft.names["site"] = frozenset([name])
            draft.sites = index.site_rows([name])
            return
        if target.area is not None:
            kind = "road" if target.area.startswith("R") else "estate"
            name = self._area(draft, target.area, ways["form"])
            draft.parts.append([kind, name])
            draft.names[kind] = frozenset([name])
            draft.areas = index.area_codes(kind, [name])
            return
        if target.building is None:
            return
        b, numerals = target.building, ways["numerals"]
        form = ways["form"]
        estate, road, park = index.estate[b], index.road[b], index.park[b]
        if numerals not in ("arabic", "full_width"):
            draft.did("numerals", numerals)
        if estate is None and park is None and road is None:
            self._group(draft, b, ways)
        else:
            tower = estate is not None or park is not None
            if not tower or form in ("road", "both"):
                assert road is not None
                name = self._area(draft, road, form if not tower else "standard")
                number = index.number[b]
                self._name(draft, "road", name, number)
                sign = "#" if ways["building"] == "#" and not tower and target.room is None else "号"
                draft.parts.append(["number", _number(number, numerals if sign == "号" else "arabic") + sign])
                if tower:
                    draft.did("form", form)
            if tower and form != "road":
                if estate is not None:
                    self._name(draft, "estate", self._area(draft, estate, form), index.tower(b))
                else:
                    assert park is not None
                    self._name(draft, "park", park, index.tower(b))
                self._tower(draft, b, target, ways)
        if ways["stem"] != "none":
            self._shortened(draft)
        self._inside(draft, b, target, ways)

    def _shortened(self, draft: Draft) -> None:
        """Leaves out the word that says what is named: 金城15号, 东方4幢. It admits every name of the kind with that stem."""
        for kind, word in (("road", _ROAD_WORD), ("estate", _ESTATE_WORD)):
            part = next((p for p in draft.parts if p[0] == kind), None)
            if part is None or len(draft.local) != 1:
                continue
            stem = word.sub("", part[1])
            if stem == part[1] or len(stem) < 2:
                continue
            names = self.index.with_stem(kind, stem, word)
            if self.index.with_stem("estate" if kind == "road" else "road", stem, _KIND_WORD):
                continue
            part[1] = stem
            numbers = draft.numbers[kind]
            draft.local = [frozenset((kind, name, n) for name in names for n in numbers)]
            # A name that is left at its stem is not mistyped besides.
            draft.names.pop(kind)
            draft.did("stem", "stem")

    def _area(self, draft: Draft, code: str, form: str) -> str:
        """The name of an estate or road in a form, the official one when it has no such."""
        names = {"everyday": self.index.everyday, "former": self.index.former}.get(form, {}).get(code)
        if not names:
            return self.index.area_name[code]
        draft.did("form", form)
        return self.rng.choice(names)

    @staticmethod
    def _name(draft: Draft, kind: str, name: str, number: int) -> None:
        draft.parts.append([kind, name])
        draft.names[kind] = frozenset([name])
        draft.numbers[kind] = frozenset([number])
        draft.local.append(frozenset([(kind, name, number)]))

    def _tower(self, draft: Draft, b: int, target: Target, ways: dict[str, str]) -> None:
        way, inside, numerals = ways["building"], ways["inside"], ways["numerals"]
        dashes = inside in ("dashes", "slashes", "dots") and target.room is not None
        if dashes:
            way = "bare"
        elif way == "bare" and (target.unit is not None or target.room is not None):
            way = "幢"
        if (way in ("#", "#楼", "bare") or dashes) and numerals not in ("arabic", "full_width"):
            way = "幢" if not dashes else way
            numerals = "arabic" if dashes else numerals
        if way == "座" and inside == "seat":
            way = "号楼"
        number = self.index.tower(b)
        written = _number(number, numerals)
        word = {"bare": "", "ordinal": "幢", "padded": "幢"}.get(way, way)
        if way == "ordinal":
            written = "第" + written
        elif way == "padded" and written.isascii() and written.isdigit():
            written = written.zfill(2 if number < 10 else 3)
        draft.parts.append(["building", written + word])
        if way != "幢":
            draft.did("building", way)

    def _group(self, draft: Draft, b: int, ways: dict[str, str]) -> None:
        way, numerals, rng = ways["group"], ways["numerals"], self.rng
        group, house = self.index.house(b)
        if way in ("no_word", "dash") and numerals not in ("arabic", "full_width"):
            way = "plain"
        one, two = _number(group, numerals), _number(house, numerals)
        text = {
            "plain": f"{one}组{two}号", "no_word": f"{group}组{house}", "ordinal": f"第{one}组{two}号",
            "villagers": f"{rng.choice(('', '第'))}{one}村民小组{two}号", "dash": f"{group}-{house}号",
            "team": f"{one}{rng.choice(('队', '小组', '生产队'))}{two}号", "blank": f"{one}组 {two}号", "plate": f"{one}组门牌{two}号",
            "house": f"{one}组{two}户", "behind": f"{two}号（{one}组）",
        }[way]  # fmt: skip
        draft.parts.append(["group", text])
        draft.local.append(frozenset([("group", str(group), house)]))
        if way != "plain":
            draft.did("group", way)

    def _inside(self, draft: Draft, b: int, target: Target, ways: dict[str, str]) -> None:
        way, numerals, rng = ways["inside"], ways["numerals"], self.rng
        unit, room = target.unit, target.room
        if unit is None and room is None:
            return
        tower = any(kind in ("estate", "park") for kind, _ in draft.parts)
        if room is None:
            assert unit is not None
            word = {"stairs": "梯", "seat": "座"}.get(way, "单元")
            draft.parts.append(["unit", _number(unit, numerals) + word])
            draft.unit = unit
            if word != "单元":
                draft.did("inside", way)
            return
        floor, door = divmod(room, 100)
        plain_room = f"{floor}{door:02d}"
        if unit is None and way in ("stairs", "seat", "no_unit", "dash_room"):
            way = "words"
        if way in ("dashes", "slashes", "dots") and not tower:
            way = "no_word"
        draft.room = room
        if way == "no_unit":
            draft.parts.append(["room", _room_number(plain_room, numerals, rng) + "室"])
            draft.did("inside", way)
            return
        draft.unit = unit
        if way == "dashes":
            draft.parts.append(["room", f"-{unit}-{plain_room}" if unit is not None else f"-{plain_room}"])
        elif way in ("slashes", "dots"):
            sign = "/" if way == "slashes" else "."
            draft.parts.append(
                ["room", f"{sign}{unit}{sign}{plain_room}" if unit is not None else f"{sign}{plain_room}"]
            )
        elif way == "dash_room":
            draft.parts.append(["room", f"{unit}-{plain_room}"])
        else:
            if unit is not None:
                word = {"stairs": "梯", "seat": "座", "door": "号门"}.get(way, "单元")
                draft.parts.append(["unit", _number(unit, numerals) + word])
            told = _room_number(plain_room, numerals, rng)
            if way in ("floor", "floor_short"):
                draft.parts.append(["floor", _number(floor, numerals) + rng.choice("楼层")])
                if way == "floor_short":
                    told = _room_number(f"{door:02d}", numerals, rng)
            word = {
                "no_word": "",
                "room_word": rng.choice(("房", "号房", "户")),
                "hash": "#",
                "bracket": "）",
            }.get(way, "室")
            if way == "bracket":
                told = "（" + told
            elif way == "house_room":
                told = rng.choice(("房号", "室号", "门牌")) + told
                word = ""
            # A house number and a room without a word between them would run together.
            draft.parts.append(["room", told + word])
        if way != "words":
            draft.did("inside", way)

    # -- what stands between, and in which order

    def _arranged(self, draft: Draft, local: list[Part], target: Target, ways: dict[str, str]) -> list[Part]:
        """The parts of the place itself, with what is put between them; those above it are changed in the draft."""
        rng, index = self.rng, self.index
        b, within, order = target.building, ways["within"], ways["order"]
        named = next((p for p in local if p[0] in ("estate", "road", "park")), None)
        if within != "none" and b is not None:
            note = ""
            if within == "hint" and named is not None and named[0] != "road" and index.road[b] is not None:
                # The road that it stands by, without a number.
                note = index.area_name[index.road[b] or ""] + rng.choice(("", "", "旁", "边上"))
                local = [["note", note], *local]
            elif within == "unknown" and (draft.parts or named is None):
                note = rng.choice(_UNKNOWN)
                local = [["note", note], *local]
            elif within in ("alias", "stage", "was") and named is not None and named[0] == "estate":
                code = index.estate[b]
                also = [n for n in index.everyday.get(code or "", ()) if n != named[1]]
                if within == "alias" and also:
                    note = f"（{rng.choice(also)}）"
                elif within == "stage":
                    note = rng.choice(_STAGE)
                    note = "" if index.known("estate", named[1] + note) else note
                    draft.section = bool(note) and not note.startswith("（")
                elif within == "was":
                    note = rng.choice(_WAS)
                named[1] += note
            if note:
                draft.did("within", within)
        above = [p for p in draft.parts if p[0] in ("street", "community", "district")]
        if order == "bracket" and above and above[-1][0] == "community" and (local or len(above) > 1):
            above[-1][1] = f"（{above[-1][1]}）"
            draft.did("order", order)
        elif order == "behind" and above and local:
            marks = rng.choice((("（", "）"), ("，", ""), (" ", ""), ("-", "")))
            ways["after"] = "none"
            local = [*local, ["note", "".join((marks[0], *(p[1] for p in above), marks[1]))]]
            draft.parts = []
            draft.did("order", order)
        elif order == "repeat" and len(above) > 1:
            draft.parts = [*([*p] for p in above), *draft.parts]
            draft.did("order", order)
        return local

    def _changed(
        self, draft: Draft, local: list[Part], target: Target, ways: Mapping[str, held_out.Way]
    ) -> None:
        page = held_out.Page(draft, local, target, self.index, self.rng)
        for slot, way in ways.items():
            if way.change(page):
                draft.did(slot, held_out.NAME)

    # -- mistakes

    def _mistype(self, draft: Draft, local: list[Part], way: str) -> None:
        index, rng = self.index, self.rng
        for _ in range(2 if way == "two" else 1):
            able = [p for p in (*draft.parts, *local) if p[0] in draft.names and len(p[1]) >= 3]
            if not able:
                return
            part = rng.choice(able)
            kind, true = part[0], next(iter(draft.names[part[0]]))
            if part[1] != true:
                return
            kinds = ("homophone", "shape", "drop") if way == "two" else (way,)
            wrong = mistype(true, rng.choice(kinds), rng)
            if wrong == true or index.known(kind, wrong):
                return
            draft.misread(index, part, wrong, index.as_near(kind, wrong, true))
            if f"typo.{way}" not in draft.done:
                draft.did("typo", way)

    # -- putting together

    def _assemble(self, draft: Draft, local: list[Part], ways: dict[str, str]) -> tuple[str, int, int]:
        rng, surface = self.rng, ways["surface"]
        parts = [*draft.parts, *local]
        if surface == "committee":
            for part in parts:
                if part[0] == "community" and part[1].endswith(("社区", "村")):
                    part[1] += (
                        "（居委）" if part[1].endswith("社区") else rng.choice(("（村委）", "（居委）"))
                    )
                    draft.did("surface", surface)
        if surface == "latin":
            for part in parts:
                if part[0] == "room" and part[1].endswith("室") and part[1][:-1].isdigit():
                    part[1] = rng.choice(("Rm", "Room", "R")) + part[1][:-1]
                    draft.did("surface", surface)
        texts = [part[1] for part in parts]
        if surface == "spaced":
            numbered = {"number", "building", "unit", "room", "group"}
            texts = [" ".join(t) if part[0] in numbered else t for part, t in zip(parts, texts, strict=True)]
            if any(part[0] in numbered for part in parts):
                draft.did("surface", surface)
        body = "".join(texts)
        # Units and rooms belong to their building: blanks and marks come before it.
        tails = {"unit", "room", "floor", "building", "number"}
        groups: list[str] = []
        for part, text in zip(parts, texts, strict=True):
            if groups and part[0] in tails:
                groups[-1] += text
            else:
                groups.append(text)
        if len(groups) > 1:
            joined = {"spaces": " ", "commas": rng.choice("，,"), "pipes": rng.choice("|/")}.get(surface)
            if joined is not None:
                body = joined.join(groups)
                draft.did("surface", surface)
            elif surface == "reversed":
                body = rng.choice((" ", "，")).join(reversed(groups))
                draft.did("surface", surface)
            elif surface == "twice":
                body = f"{body} {groups[-1]}"
                draft.did("surface", surface)
        if ways["numerals"] == "full_width" and (wide := body.translate(_FULL)) != body:
            body = wide
            draft.did("numerals", "full_width")
        before, after = draft.before, draft.after
        if ways["before"] != "none":
            before = rng.choice(_BEFORE[ways["before"]])
            if "{" in before:
                before = before.format(who=self.who(), phone=self.phone())
            draft.did("before", ways["before"])
        if ways["after"] == "contact":
            after = self.contact()
        elif ways["after"] == "firm":
            after = (
                rng.choice(("", " ", "，", "（"))
                + rng.choice(("", "萧山", "杭州"))
                + rng.choice(_FIRM_NAME)
                + rng.choice(_FIRM)
            )
            after += "）" if after.startswith("（") else ""
        elif ways["after"] != "none":
            after = rng.choice(_AFTER[ways["after"]])
        if ways["after"] != "none":
            draft.did("after", ways["after"])
        return before + body + after, len(before), len(before) + len(body)

    def contact(self) -> str:
        """Who to ask for, with a made-up number."""
        rng = self.rng
        who = self.who()
        phone = self.phone()
        return rng.choice(
            (f" 联系人：{who} {phone}", f"，{who}，电话{phone}", f"（{who}{phone}）", f" {phone} {who}收")
        )

    def who(self) -> str:
        """A made-up person, as one speaks of them."""
        return self.rng.choice(SURNAMES) + self.rng.choice(("先生", "女士", "师傅", "阿姨", "老师"))

    def phone(self) -> str:
        """A mobile number of the block that nobody has (199 0000 0000 and on)."""
        return f"1990{self.rng.randrange(10_000_000):07d}"
