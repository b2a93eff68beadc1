"""Wrong characters as people make them: of the same sound, of like sound, of like shape, left out, doubled, swapped,
put between or left in pinyin; and traditional ones."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from typing import Final

_SHAPES: Final = (
    "苑宛 花化 园圆团 庭廷 府俯 城诚成 江汀 湖潮 锦绵棉 翠粹 桥侨挢 塘溏搪 社杜 街待 道逍 村材 家冢 埭棣 丁于 河何 干千于 蜀属 新亲 北比 南男 山仙 "
    "金全 帝帘 银很 辰晨 香杏 樟障 龙尤 枫机 景影 春眷 望忘 博搏 雅稚 阳阴 世也 纪记 泰秦 和知 润闰 明朋 珠株 路跻 人入 民氏 体休 育肓 文丈 工土 风凤"
).split()
"""Groups of characters that are taken for one another."""


@cache
def _common() -> list[str]:
    """The 3,755 characters of GB 2312's first level."""
    found = []
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFF):
            try:
                found.append(bytes((high, low)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    return found


@cache
def _sounds(*, tones: bool) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Character → its sound, and sound → characters."""
    from pypinyin import Style, pinyin

    style = Style.TONE3 if tones else Style.NORMAL
    of = {c: pinyin(c, style=style)[0][0] for c in _common()}
    by: dict[str, list[str]] = defaultdict(list)
    for character, sound in of.items():
        by[sound].append(character)
    return of, by


@cache
def _shapes() -> dict[str, list[str]]:
    return {c: [o for o in group if o != c] for group in _SHAPES for c in group}


def mistype(name: str, way: str, rng: random.Random) -> str:
    """The name with one mistake; unchanged when the way does not apply to it."""
    places = list(range(len(name)))
    rng.shuffle(places)
    for at in places:
        c = name[at]
        if way in ("homophone", "near_sound"):
            of, by = _sounds(tones=way == "homophone")
            others = [o for o in by.get(of.get(c, ""), ()) if o != c]
            if others:
                return name[:at] + rng.choice(others) + name[at + 1 :]
        elif way == "shape":
            if others := _shapes().get(c, []):
                return name[:at] + rng.choice(others) + name[at + 1 :]
        elif way == "drop":
            return name[:at] + name[at + 1 :]
        elif way == "double":
            return name[: at + 1] + name[at:]
        elif way == "pinyin":
            of, _ = _sounds(tones=False)
            if c in of:
                return name[:at] + of[c] + name[at + 1 :]
        elif way == "insert":
            return name[:at] + rng.choice(_common()) + name[at:]
        elif way == "swap" and at + 1 < len(name) and name[at + 1] != c:
            return name[:at] + name[at + 1] + c + name[at + 2 :]
    return name


@cache
def _traditional() -> dict[int, str]:
    from opencc import OpenCC

    # One a line, so that no two of them are read as a word.
    pairs = zip(_common(), OpenCC("s2t").convert("\n".join(_common())).split("\n"), strict=True)
    return {ord(c): t for c, t in pairs if t != c and len(t) == 1}


def traditional(text: str) -> str:
    """The text in traditional characters, one for one."""
    return text.translate(_traditional())
