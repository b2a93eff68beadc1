"""The district's clock and the forms of dates.

"Today" is a setting of a district and not of the machine: a synthetic district's last day stays its today, so that "the last
30 days" always means something, and tests can move it. All times are those of Asia/Shanghai; intervals are half-open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ontology.text import half_width

OPEN_END: Final = "9999-12-31"
"""The end of an interval that has not ended."""


def _shanghai() -> ZoneInfo | timezone:
    try:
        return ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        # Some slim machines carry no zone data; the zone has been +08:00 without summer time since 1992.
        return timezone(timedelta(hours=8), "Asia/Shanghai")


SHANGHAI: Final = _shanghai()
_EIGHT: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Clock:
    """What day it is in the district.

    Attributes:
        fixed: the district's today, or None for the real day.
        tz: the zone in which days begin.
    """

    fixed: date | None = None
    tz: ZoneInfo | timezone = SHANGHAI

    def today(self) -> date:
        """The district's day."""
        return self.fixed if self.fixed is not None else datetime.now(self.tz).date()

    def now(self) -> datetime:
        """The time of day now, on the district's day; with its offset, in whole seconds."""
        real = datetime.now(self.tz).replace(microsecond=0)
        return real if self.fixed is None else datetime.combine(self.fixed, real.timetz())

    def today_text(self) -> str:
        """`today()` as YYYY-MM-DD."""
        return self.today().isoformat()

    def now_text(self) -> str:
        """`now()` as YYYY-MM-DDTHH:MM:SS+08:00."""
        return self.now().isoformat()

    def days_ago(self, days: int) -> str:
        """The day so many days before today, as YYYY-MM-DD."""
        return (self.today() - timedelta(days=days)).isoformat()


_DATE = re.compile(
    r"(?P<y>\d{4})(?:"
    r"(?P<sep>[-/.])(?P<m1>\d{1,2})(?P=sep)(?P<d1>\d{1,2})"
    r"|年\s*(?P<m2>\d{1,2})月\s*(?P<d2>\d{1,2})[日号]"
    r"|(?P<m3>\d{2})(?P<d3>\d{2})"
    r")",
    re.ASCII,
)
_TIME = re.compile(
    r"(?P<h>\d{1,2})[:时点](?P<mi>\d{1,2})分?(?::?(?P<s>\d{1,2})秒?(?:\.\d{1,9})?)?(?P<tz>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_COMPACT_TIME = re.compile(r"(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})(?P<tz>Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def _fold(text: str) -> str:
    return half_width(text).strip()


def _date_of(match: re.Match[str]) -> date | None:
    month = match["m1"] or match["m2"] or match["m3"]
    day = match["d1"] or match["d2"] or match["d3"]
    try:
        return date(int(match["y"]), int(month), int(day))
    except ValueError:
        return None


def parse_date(text: str) -> str | None:
    """Read a day as departments write it and give it as YYYY-MM-DD, or None when it is none.

    Known: 2025-01-05, 2025/1/5, 2025.1.5, 20250105, 2025年1月5日, full-width digits, and any of these with a time
    of day behind it (which is checked and, after the turn to Asia/Shanghai, dropped). Two-digit years are not guessed.
    """
    folded = _fold(text)
    match = _DATE.fullmatch(folded)
    if match is not None:
        day = _date_of(match)
        return day.isoformat() if day else None
    moment = parse_datetime(folded)
    return moment[:10] if moment else None


def parse_datetime(text: str) -> str | None:
    """Read a moment and give it as YYYY-MM-DDTHH:MM:SS+08:00, or None when it is none.

    A day as in `parse_date`, then a blank or T, then 8:05, 08:05:30, 8时5分, 8时5分30秒, or six digits (also directly behind eight digits of date).
    A bare day is its midnight. Without an offset the time is Shanghai's; with one it is turned into Shanghai's. 24:00 is the next midnight.
    """
    folded = _fold(text)
    match = _DATE.match(folded)
    if match is None:
        return None
    day = _date_of(match)
    if day is None:
        return None
    rest = folded[match.end() :]
    if not rest:
        return _write(datetime.combine(day, time()))
    clock = rest.lstrip(" T")
    # Digits directly behind a date are a time only in the wholly compact form 20250105083000.
    if clock == rest and match["m3"] is None and match["m2"] is None:
        return None
    found = _TIME.fullmatch(clock) or _COMPACT_TIME.fullmatch(clock)
    if found is None:
        return None
    hour, minute, second = int(found["h"]), int(found["mi"]), int(found["s"] or 0)
    try:
        if (hour, minute, second) == (24, 0, 0):
            moment = datetime.combine(day, time()) + timedelta(days=1)
        else:
            moment = datetime.combine(day, time(hour, minute, second))
        if found["tz"]:
            moment = moment.replace(tzinfo=_zone(found["tz"])).astimezone(_EIGHT)
    except (ValueError, OverflowError):
        return None
    return _write(moment)


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _write(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "+08:00"
