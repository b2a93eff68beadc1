"""Periods of a declaration: how long rows are kept, and how often a feed is expected (ISO 8601-1:2019, 5.5.2)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
RHYTHMS: Final = {"daily": "P1D", "weekly": "P1W", "monthly": "P1M", "quarterly": "P3M", "yearly": "P1Y"}
"""The words for a feed's rhythm, as durations. `stream` is the one besides: it comes whenever something happens."""


@dataclass(frozen=True, slots=True)
class Period:
    """A duration: months of the calendar, days, and seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def after(self, day: date) -> date:
        """The day so long after; the last of its month where the month has no such day. Part of a day counts as one."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        moved = date(year, month + 1, min(day.day, last))
        return moved + timedelta(days=self.days + -(-self.seconds // 86_400))

    def average_days(self) -> float:
        """Its length in days, months being of average length."""
        return self.months * 365.2425 / 12 + self.days + self.seconds / 86_400

    def before(self, day: date) -> date:
        """The day so long before; part of a day counts as one."""
        year, month = divmod(day.year * 12 + day.month - 1 - self.months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        moved = date(year, month + 1, min(day.day, last))
        return moved - timedelta(days=self.days + -(-self.seconds // 86_400))


def parse_period(text: str) -> Period:
    """`P5Y`, `P18M`, `P2W`, `P1DT12H` as a period.

    Raises:
        ValueError: when it is none, or of no length.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P5Y, P6M or P30D")
    n = {name: int(digits or 0) for name, digits in found.groupdict().items()}
    period = Period(
        n["years"] * 12 + n["months"],
        n["weeks"] * 7 + n["days"],
        n["hours"] * 3600 + n["minutes"] * 60 + n["seconds"],
    )
    if period == Period():
        raise ValueError(f"{text!r} is no time at all")
    return period


def parse_rhythm(text: str) -> Period | None:
    """A rhythm's period; None for `stream`.

    Raises:
        ValueError: when it is neither a known word nor a duration.
    """
    if text == "stream":
        return None
    if text not in RHYTHMS and not text.startswith("P"):
        words = ", ".join((*RHYTHMS, "stream"))
        raise ValueError(f"{text!r} is no rhythm: {words}, or a duration such as P10D")
    return parse_period(RHYTHMS.get(text, text))
