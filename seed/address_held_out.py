"""Ways of writing that no training text has, drawn in examinations alone; `seed/held_out.yaml` weighs them.

RULE. Whoever tunes a resolver never reads this file or `seed/held_out.yaml`, and looks at no failing text of an examination. What
is read here by mistake no longer examines anything: such a way becomes an ordinary one and another takes its place. For the same reason
no way is named elsewhere, and an examination's `operations` say `slot.held_out`.

Each way is a change to a draft that was written in the plain way of its slot. It says whether it applied; where it takes something away
it takes it from what the draft states.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seed.address_index import AddressIndex

if TYPE_CHECKING:
    from seed.address_ways import Draft, Part, Target

WEIGHTS: Final = Path(__file__).with_name("held_out.yaml")

NAME: Final = "held_out"
"""What `operations` call each of them within its slot."""


@dataclass(frozen=True, slots=True)
class Page:
    """A draft while it is changed. `own`: the parts of the place itself, those above it stand in the draft."""

    draft: Draft
    own: list[Part]
    target: Target
    index: AddressIndex
    rng: random.Random


@dataclass(frozen=True, slots=True)
class Way:
    """A change, which answers whether it applied, and whether it reads well within a sentence."""

    change: Callable[[Page], bool]
    in_sentences: bool = True


def _part(own: list[Part], *kinds: str) -> Part | None:
    """The first part of one of the kinds, of the first kind that has any."""
    return next((part for kind in kinds for part in own if part[0] == kind), None)


# -- a name ------------------------------------------------------------------------------------------------------------


def _lost(page: Page) -> bool:
    """北干□苑, 瓜?镇: a character that a system could not write. It admits the names that have another one there."""
    draft, rng = page.draft, page.rng
    able = [
        p for p in (*draft.parts, *page.own) if len(p[1]) >= 3 and draft.names.get(p[0]) == frozenset([p[1]])
    ]
    if not able:
        return False
    part = rng.choice(able)
    true = part[1]
    # What kind of thing it is called must be left, or 紫霞□ might be a village, a road or an estate.
    whole = part[0] in ("street", "community") and len(true) > 3
    at = rng.randrange(len(true) if whole else len(true) - 1)
    wrong = true[:at] + rng.choice("??□□*�") + true[at + 1 :]
    near = page.index.as_near(part[0], wrong, true)
    names = {n for n in near if len(n) == len(true) and n[:at] == true[:at] and n[at + 1 :] == true[at + 1 :]}
    draft.misread(page.index, part, wrong, frozenset(names))
    return True


# -- within the building -----------------------------------------------------------------------------------------------

_SIDES: Final = (
    "东边户", "西边户", "东边那户", "西面那家", "东首", "西首", "左手边", "右手边第一家", "靠楼梯那户", "朝南那家", "边套",
)  # fmt: skip


def _side(page: Page) -> bool:
    """3幢2单元5楼东边户: which home of the floor that is nobody can know, so no home is stated."""
    room = _part(page.own, "room")
    if room is None or page.draft.room is None or page.target.building is None:
        return False
    if page.index.per_floor[page.target.building] < 2:
        return False
    room[:] = ["floor", f"{page.draft.room // 100}{page.rng.choice('楼楼层')}{page.rng.choice(_SIDES)}"]
    page.draft.room = None
    return True


def _unit_behind(page: Page) -> bool:
    """3幢501室（2单元）."""
    unit, room = _part(page.own, "unit"), _part(page.own, "room")
    if unit is None or room is None:
        return False
    page.own.remove(unit)
    before, after = page.rng.choice((("（", "）"), ("（", "）"), ("(", ")"), ("，", "")))
    room[1] = f"{room[1]}{before}{unit[1]}{after}"
    return True


# -- numbers -----------------------------------------------------------------------------------------------------------


def _zeros(page: Page) -> bool:
    """03幢02单元0501室, 01组003号: numbers of one width, as registers fill them up."""
    changed = False
    for part in page.own:
        kind, old = part
        if kind in ("building", "unit", "room"):
            part[1] = re.sub(r"(?<!\d)\d(?!\d)", r"0\g<0>", part[1])
        if kind == "room":
            part[1] = re.sub(r"(?<!\d)\d{3}(?!\d)", r"0\g<0>", part[1])
        if kind == "group" and not (part[1][-1].isdigit() and _part(page.own, "room")):
            part[1] = re.sub(r"\d+(?=[号户]|$)", lambda m: m[0].zfill(3), part[1])
            part[1] = re.sub(r"(?<!\d)\d(?!\d)", r"0\g<0>", part[1])
        changed |= part[1] != old
    return changed


# -- between and behind ------------------------------------------------------------------------------------------------

_WAY_IN: Final = (
    "（南门进）", "（走2号门）", "（从1号门进，右转）", "进大门左手边", "进门右拐", "最里面那排", "靠马路第一排", "（北门进去直走到底）", "，南门进来第二排，", "（门卫登记后进）",
)  # fmt: skip
_WAY_IN_VILLAGE: Final = (
    "（进村右转）", "进村第二个路口", "（过桥第一排）", "（文化礼堂后面那条路进来）", "，村口小店进来，",
)  # fmt: skip


def _way_in(page: Page) -> bool:
    """北干一苑（走2号门）3幢: how to get there, between the name and the number."""
    named, building = _part(page.own, "estate", "park"), _part(page.own, "building")
    draft = page.draft
    if named is not None and building is not None:
        # Behind 第一排 a number alone would be read as one of something else.
        bare = building[1].isdigit()
        named[1] += page.rng.choice([w for w in _WAY_IN if not bare or w.startswith("（")])
        return True
    if page.own and page.own[0][0] == "group" and draft.parts and draft.parts[-1][0] == "community":
        page.own.insert(0, ["note", page.rng.choice(_WAY_IN_VILLAGE)])
        return True
    return False


_CORRECTIONS: Final = (
    "{wrong}，不对，{right}", "{wrong}，说错了，是{right}", "{wrong}（更正：{right}）", "{wrong}（应为{right}）", "{wrong}……哦不，{right}",
    "不是{wrong}，是{right}",
)  # fmt: skip


def _corrected(page: Page) -> bool:
    """北干一苑4幢，不对，5幢: a slip that the writer takes back. The number that stands is the one meant."""
    part = _part(page.own, "building", "number", "group")
    if part is None or part[1][-1].isdigit() or not (found := list(re.finditer("[0-9]+", part[1]))):
        return False
    number = page.rng.choice(found) if part[0] == "group" else found[0]
    n = int(number[0])
    other = page.rng.choice([o for o in (n - 2, n - 1, n + 1, n + 2, n + 10) if o > 0])
    wrong = part[1][: number.start()] + str(other).zfill(len(number[0])) + part[1][number.end() :]
    part[1] = page.rng.choice(_CORRECTIONS).format(wrong=wrong, right=part[1])
    return True


# -- the whole ---------------------------------------------------------------------------------------------------------

_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "district": ("区县", "所属区"), "street": ("镇街", "街道（镇）", "所属街道"), "community": ("村社", "社区", "社区（村）"),
    "road": ("路名", "道路"), "number": ("门牌", "门牌号"), "estate": ("小区", "小区名称"), "park": ("园区", "园区"),
    "building": ("楼幢", "幢号"), "unit": ("单元", "单元号"), "floor": ("楼层", "楼层"), "room": ("室号", "房号"),
    "group": ("门牌", "组号"), "site": ("名称", "场所"),
}  # fmt: skip


def _fields(page: Page) -> bool:
    """镇街：北干街道；小区：北干一苑；楼幢：3；室号：501: a form's fields copied with their labels."""
    rng = page.rng
    parts = [*page.draft.parts, *page.own]
    labelled = [
        p for p in parts if p[0] in _LABELS and not (p[0] in ("room", "number") and not p[1][0].isalnum())
    ]
    kinds = [p[0] for p in labelled]
    if len(kinds) < 2 or len(set(kinds)) < len(kinds) or labelled[0] is not parts[0]:
        return False
    colon, end = rng.choice((("：", "；"), (":", " "), ("：", "，"), ("：", "\n"), ("：", " "), (":", ";")))
    bare = rng.random() < 0.5
    for part in labelled:
        if bare and part[0] in ("building", "unit", "room", "number"):
            part[1] = re.sub(r"^(\d+)(?:幢|栋|号楼|单元|室|号)$", r"\1", part[1])
        label = rng.choice(_LABELS[part[0]])
        part[1] = f"{'' if part is labelled[0] else end}{label}{colon}{part[1]}"
    return True


_LINKS: Final[Mapping[str, tuple[str, ...]]] = {
    "street": ("这边的", "那边", "的"), "community": ("的", "这边的", "里头"), "estate": ("里面的", "里面", "的", "那个"),
    "park": ("里面的", "里面", "的"), "road": ("上的", "上", "的"), "number": ("的", "那里的"), "building": ("的", "那个"), "unit": ("的", "那个"),
}  # fmt: skip


def _spoken(page: Page) -> bool:
    """北干街道这边的北干一苑里面3幢的501室: as one says it."""
    parts = [*page.draft.parts, *page.own]
    able = [
        one
        for one, two in pairwise(parts)
        if one[0] in _LINKS and (two[1][0].isalnum() or two[1][0] == "第") and two[0] != "note" and one[1][-1] not in "）)，"
    ]  # fmt: skip
    if not able:
        return False
    for part in page.rng.sample(able, page.rng.randint(1, min(3, len(able)))):
        part[1] += page.rng.choice(_LINKS[part[0]])
    return True


# -- before and behind -------------------------------------------------------------------------------------------------


def _serial(page: Page) -> bool:
    """12、萧山区…: the number in a list or of a case."""
    rng = page.rng
    n = rng.randint(1, 80)
    day = f"2025{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    page.draft.before = rng.choice(
        (
            f"{n}、", f"{n}. ", f"（{n}）", f"序号{n}：", f"第{n}户：", f"警情{day}-{rng.randint(1, 999):04d}：",
            f"工单号{day}{rng.randint(1, 99_999):06d}，", f"【{day}{rng.randint(1, 999):03d}】",
        )
    )  # fmt: skip
    return True


def _who_and_when(page: Page) -> bool:
    """…501室，常住4人: how many live there, or when somebody is in."""
    if page.target.building is None:
        return False
    rng = page.rng
    n, few, hour = rng.randint(1, 6), rng.randint(1, 3), rng.randint(8, 20)
    page.draft.after = rng.choice(
        (
            f"，常住{n}人", f"（户籍{n}人，流动{few}人）", f"，{n}大{few}小", f"（{hour}点以后有人）", f"，周末{hour}:30前不在家",
            f"，约了{rng.randint(2, 28)}号{hour}点上门", f"，今年走访{few}次", f"，租金{rng.randint(8, 40)}00元",
        )
    )  # fmt: skip
    return True


WAYS: Final[Mapping[str, Mapping[str, Way]]] = {
    "typo": {"lost": Way(_lost)},
    "inside": {"side": Way(_side), "unit_behind": Way(_unit_behind)},
    "numerals": {"zeros": Way(_zeros)},
    "within": {"way_in": Way(_way_in)},
    "order": {"corrected": Way(_corrected)},
    "surface": {"fields": Way(_fields, in_sentences=False), "spoken": Way(_spoken)},
    "before": {"serial": Way(_serial, in_sentences=False)},
    "after": {"who_and_when": Way(_who_and_when, in_sentences=False)},
}
"""Slot → way → what it does, in the order in which they are done."""
