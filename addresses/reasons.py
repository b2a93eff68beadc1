"""Why a text was taken for a place, in words: what `Candidate.because` holds as keys."""

from __future__ import annotations

from typing import Final

_KEYS: Final = {
    "district": ("区县", "district"),
    "street": ("镇街", "street or town"),
    "community": ("村社", "village or community"),
    "road": ("道路", "road"),
    "estate": ("小区", "estate"),
    "park": ("园区", "industrial park"),
    "group": ("村民小组", "village group"),
    "house": ("门牌", "house number"),
    "area": ("片区", "area"),
    "site": ("点位", "site"),
    "building": ("幢", "building"),
    "unit": ("单元", "unit"),
    "dwelling": ("户室", "dwelling"),
    "room": ("户室", "room"),
    "key": ("编号", "number"),
    "name": ("名称", "name"),
    "grid": ("网格", "grid"),
    "micro_grid": ("微网格", "micro-grid"),
    "near": ("邻近所在地", "near where it was asked from"),
    "several": ("文中有多个地点", "the text names several places"),
    "rooms": ("有多个户室", "several rooms"),
    "blocked": ("其后有认不出的名称", "a name that is not known follows"),
    "trailing": ("其后另有编号", "other numbers follow"),
    "code": ("地址码", "its address code"),
    "nameless": ("全区只此一处有此编号", "the only place of the district with that number"),
    "loose1": ("编号含义为推断", "what the numbers mean is inferred"),
    "loose2": ("编号含义为推断", "what the numbers mean is inferred"),
    "bridged": ("其间有认不出的字", "unknown words stand between"),
    "section": ("其间有未收录的分区", "a part of it that is not known is named"),
    "fore": ("编号在前", "the numbers stand before the name"),
    "swapped": ("编号的量词不同", "the number has another word"),
    "away": ("文中另有区外地名", "a place outside is named too"),
    "crossing": ("交叉口", "a crossing"),
    "beside": ("所述在其旁", "said to be beside it"),
    "decision": ("人工选定", "picked by a person"),
}
_HOW: Final = {
    "alias": ("别名", "by another name"),
    "former": ("曾用名", "by a former name"),
    "short": ("简称", "by a short name"),
    "sound": ("同音", "by its sound"),
    "close": ("近音", "by a like sound"),
    "shape": ("形近", "by a like form"),
    "edit": ("一字之差", "but for one character"),
    "typo": ("一字之差", "but for one character"),
    "far": ("两字之差", "but for two characters"),
    "stem": ("省略通名", "without the word for what it is"),
}


def reason_words(key: str, words: str) -> tuple[str, str]:
    """A reason in Chinese and English, as `镇街:北干街道`, `street or town: 北干街道`. A key that has no words stands as it is."""
    head, _, tail = key.partition(".")
    if head in ("against", "missing"):
        zh, en = _KEYS.get(tail, (tail, tail))
        zh, en = (f"{zh}不符", f"not the {en}") if head == "against" else (f"{zh}未知", f"{en} not known")
    else:
        zh, en = _KEYS.get(head, (head, head))
        if tail:
            how = _HOW.get(tail, (tail, tail))
            zh, en = f"{zh}({how[0]})", f"{en} ({how[1]})"
    return (f"{zh}:{words}", f"{en}: {words}") if words else (zh, en)
