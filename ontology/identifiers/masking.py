"""Masked forms to show, and the keyed hash to look an identity up by.

An identity number never stands in the graph, a log or a URL in clear: only its masked form and its hash do.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

_COMPOUND = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 "
    "公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 令狐 呼延 轩辕 百里 东郭 南门 西门 第五 拓跋 纳兰 完颜"
)
COMPOUND_SURNAMES: Final = frozenset(_COMPOUND.split())
"""Surnames of two characters (复姓)."""


def _stars(text: str, head: int, tail: int) -> str:
    """Keep so much of both ends; what is too short for that keeps its first character alone."""
    if len(text) <= head + tail:
        return text[:1] + "*" * (len(text) - 1) if len(text) > 1 else "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[len(text) - tail :]


def mask_citizen_id(number: str) -> str:
    """`330109199001011234` → `330109********1234`: division and the last four stay. Other documents: `mask_document`."""
    return _stars(number, 6, 4) if len(number) in (15, 18) else mask_document(number)


def mask_document(number: str) -> str:
    """The masked form of a passport or permit: the first and the last two characters stay."""
    return _stars(number, 2, 2)


def mask_mobile(number: str) -> str:
    """`13812345678` → `138****5678`; a fixed line loses its last four digits: `0571-8283****`."""
    if len(number) == 11 and number.startswith("1"):
        return _stars(number, 3, 4)
    area, dash, local = number.partition("-")
    if dash and len(local) >= 7:
        return area + dash + local[:-4] + "****"
    return _stars(number, 2, 2)


def mask_name(name: str) -> str:
    """`张小明` → `张*明`, `张明` → `张*`, `欧阳小明` → `欧阳*明`, `艾力·买买提` → `艾*·***`, `John Smith` → `J*** S****`."""
    if "·" in name:
        first, *others = name.split("·")
        return "·".join(
            [
                first[:1] + "*" * (len(first) - 1),
                *("*" * len(other) for other in others),
            ]
        )
    if name.isascii():
        return (
            " ".join(part[:1] + "*" * (len(part) - 1) for part in name.split(" "))
            if len(name) > 1
            else "*" * len(name)
        )
    if len(name) < 2:
        return "*" * len(name)
    surname = 2 if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else 1
    given = len(name) - surname
    return name[:surname] + ("*" if given == 1 else "*" * (given - 1) + name[-1])


def identity_hash(key: bytes, normal: str) -> str:
    """The hash by which an identity is looked up: HMAC-SHA256 of the normal form, its first 32 hexadecimal digits.

    Raises:
        ValueError: when the key is empty, as the hash of a short number without a key can be undone by trying all.
    """
    if not key:
        raise ValueError("an identity hash needs a key")
    return hmac.digest(key, normal.encode("utf-8"), "sha256").hex()[:32]


def identity_hashes(key: bytes, normals: Iterable[str | None]) -> list[str | None]:
    """`identity_hash` of many; None stays None."""
    if not key:
        raise ValueError("an identity hash needs a key")
    digest = hmac.digest
    return [None if n is None else digest(key, n.encode("utf-8"), "sha256").hex()[:32] for n in normals]
