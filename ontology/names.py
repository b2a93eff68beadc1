"""Personal names as departments write them."""

from __future__ import annotations

import re

_FULL = re.compile(r"^[\u3400-\u9fff]{2,4}$|^[\u3400-\u9fff]{1,8}(?:[·•][\u3400-\u9fff]{1,8})+$")
_TITLES = re.compile(
    r"(?:先生|女士|小姐|师傅|老板|阿姨|大爷|大妈|同志|老师|经理|某某?|匿名|不详|未知)$|^(?:匿名|不详|未知|无名|某)"
)


def is_full_name(name: str | None) -> bool:
    """Whether a text is a person's whole name, and not a surname with a title (张先生) or a word for nobody."""
    return name is not None and _FULL.match(name) is not None and _TITLES.search(name) is None
