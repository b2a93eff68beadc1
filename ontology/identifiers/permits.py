"""Documents that stand for an identity number, and the number of a real estate unit.

No public register describes these forms completely; the patterns are those in general use, so a good form says little.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from ontology.identifiers.citizen_id import PROVINCES, check_citizen_id
from ontology.identifiers.verdict import MALFORMED, Check, Verdict, fold

KINDS: Final = {
    "citizen": ("居民身份证", "Resident identity card"),
    "residence_permit": ("浙江省居住证", "Zhejiang residence permit"),
    "hong_kong_macao_travel": (
        "港澳居民来往内地通行证",
        "Mainland travel permit for Hong Kong and Macao residents",
    ),
    "taiwan_travel": (
        "台湾居民来往大陆通行证",
        "Mainland travel permit for Taiwan residents",
    ),
    "exit_entry": (
        "往来港澳通行证",
        "Exit-entry permit for travelling to Hong Kong and Macao",
    ),
    "foreign_permanent_old": (
        "外国人永久居留证（旧）",
        "Foreign permanent resident card, old form",
    ),
    "passport": ("护照", "Passport"),
}
"""Kinds of document: code → (中文, English)."""

_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("hong_kong_macao_travel", re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")),
    ("foreign_permanent_old", re.compile(r"[A-Z]{3}[0-9]{12}")),
    ("exit_entry", re.compile(r"[CW](?:[0-9]{8}|[A-Z][0-9]{7})")),
    ("taiwan_travel", re.compile(r"[0-9]{8}|[0-9]{10}[A-Z]")),
    ("passport", re.compile(r"[A-Z0-9]{5,17}")),
)
_PROPERTY_UNIT = re.compile(r"[0-9]{12}[A-Z]{2}[0-9]{5}[A-Z][0-9]{8}")
_BRACKETS = re.compile(r"[()\[\]【】]")


def check_permit(text: str, kind: str | None = None, *, today: date | None = None) -> Verdict:
    """Check a document's number.

    Args:
        text: as received.
        kind: one of `KINDS` when the feed says which document it is; otherwise the narrowest form that fits is taken.
        today: as in `check_citizen_id`.

    Returns:
        The kind found. An identity number (also a residence permit of 18 digits) gets `check_citizen_id`'s verdict.
        Without a kind, numbers that only fit a passport have the form UNKNOWN, since almost any text does.

    Raises:
        ValueError: for a kind that is not in `KINDS`.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"no such kind of document: {kind}")
    number = _BRACKETS.sub("", fold(text))
    if kind in (None, "citizen", "residence_permit"):
        verdict = check_citizen_id(number, today=today)
        # Fifteen digits may also be something else; with a date in them they are an old identity number.
        if verdict.form is Check.OK and (kind is not None or len(number) == 18 or verdict.date is Check.OK):
            return verdict
        if kind is not None:
            return MALFORMED
    for name, pattern in _PATTERNS:
        if kind in (None, name) and pattern.fullmatch(number):
            form = Check.OK
            if name == "passport" and (kind is None or not any(c.isdigit() for c in number)):
                form = Check.UNKNOWN
            date_check, birth = _old_card_birth(number) if name == "foreign_permanent_old" else (None, None)
            return Verdict(
                normal=number,
                form=form,
                kind=name,
                date=date_check or Check.NOT_APPLICABLE,
                birth=birth,
            )
    return MALFORMED


def _old_card_birth(number: str) -> tuple[Check, str | None]:
    """The old card ends in two digits of year, month, day of birth and a check digit of a rule that is not public."""
    month, day = int(number[10:12]), int(number[12:14])
    # The century is not written, so only month and day can be judged.
    return (Check.OK if 1 <= month <= 12 and 1 <= day <= 31 else Check.BAD), None


def check_property_unit(text: str) -> Verdict:
    """Check a real estate unit number (不动产单元号): 19 characters of parcel and nine of the thing on it, 28 in all.

    The first six digits are the division; kind `property_unit`.
    """
    number = fold(text)
    if _PROPERTY_UNIT.fullmatch(number) is None:
        return MALFORMED
    region = Check.OK if number[:2] in PROVINCES else Check.BAD
    return Verdict(
        normal=number,
        form=Check.OK,
        region=region,
        kind="property_unit",
        division=number[:6],
    )
