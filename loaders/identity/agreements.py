"""What a link may rest on, as people read it: code → Chinese and English."""

from __future__ import annotations

from typing import Final

AGREEMENTS: Final = {
    "name": ("姓名", "name"),
    "phone": ("电话", "phone"),
    "birth": ("出生日期", "date of birth"),
    "sex": ("性别", "sex"),
    "home": ("住址", "home"),
    "number": ("单号", "number named"),
    "party": ("当事人", "party"),
    "topic": ("事由", "topic"),
    "spot": ("地点", "place"),
    "judgement": ("人工判定", "judged by a person"),
}


def agreed(why: str) -> list[tuple[str, str, str]]:
    """(code, Chinese, English) of what a link rests on, `why` being its codes by commas."""
    return [(code, *AGREEMENTS[code]) for code in why.split(",") if code in AGREEMENTS]
