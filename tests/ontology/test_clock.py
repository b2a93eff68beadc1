from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.clock import OPEN_END, Clock, parse_date, parse_datetime


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-05", "2025-01-05"),
        ("2025/1/5", "2025-01-05"),
        ("2025.1.5", "2025-01-05"),
        ("20250105", "2025-01-05"),
        ("2025年1月5日", "2025-01-05"),
        ("2025年01月05号", "2025-01-05"),
        (" ２０２５－０１－０５ ", "2025-01-05"),
        ("2025-01-05 08:30:00", "2025-01-05"),
        ("2025-01-05T20:30:00Z", "2025-01-06"),
        ("2024-02-29", "2024-02-29"),
        ("2025-02-29", None),
        ("2025-13-01", None),
        ("2025-1/5", None),
        ("25-01-05", None),
        ("2025015", None),
        ("2025-01-05 25:00", None),
        ("", None),
        ("无", None),
        (OPEN_END, OPEN_END),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-05 08:30:15", "2025-01-05T08:30:15+08:00"),
        ("2025-01-05T08:30:15.123456", "2025-01-05T08:30:15+08:00"),
        ("2025/1/5 8:05", "2025-01-05T08:05:00+08:00"),
        ("20250105083015", "2025-01-05T08:30:15+08:00"),
        ("2025年1月5日8时5分", "2025-01-05T08:05:00+08:00"),
        ("2025年1月5日 8时5分30秒", "2025-01-05T08:05:30+08:00"),
        ("2025-01-05T00:30:00Z", "2025-01-05T08:30:00+08:00"),
        ("2025-01-05T08:30:00+08:00", "2025-01-05T08:30:00+08:00"),
        ("2025-01-05", "2025-01-05T00:00:00+08:00"),
        ("2025-01-05 24:00", "2025-01-06T00:00:00+08:00"),
        ("9999-12-31 24:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("2025-01-05 08:61", None),
        ("2025-01-0508:30", None),
        ("2025-01-05T08:30:00+99:00", None),
        ("yesterday", None),
    ],
)
def test_moments(text: str, expected: str | None) -> None:
    assert parse_datetime(text) == expected


@given(st.dates())
def test_every_day_is_read_in_every_form(day: date) -> None:
    iso = day.isoformat()
    year = f"{day.year:04d}"
    assert parse_date(iso) == iso
    assert parse_date(iso.replace("-", "")) == iso
    assert parse_date(f"{year}/{day.month}/{day.day}") == iso
    assert parse_date(f"{year}年{day.month}月{day.day}日") == iso


@given(st.datetimes())
def test_what_is_written_is_read_again(moment: datetime) -> None:
    text = moment.replace(microsecond=0).isoformat() + "+08:00"
    assert parse_datetime(text) == text


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    parse_date(text)
    parse_datetime(text)


def test_a_fixed_clock_stays_on_its_day() -> None:
    clock = Clock(date(2025, 12, 15))
    assert clock.today() == date(2025, 12, 15)
    assert clock.today_text() == "2025-12-15"
    assert clock.now_text().startswith("2025-12-15T") and clock.now_text().endswith("+08:00")
    assert clock.days_ago(30) == "2025-11-15"


def test_a_real_clock_is_in_shanghai() -> None:
    offset = Clock().now().utcoffset()
    assert offset is not None and offset.total_seconds() == 8 * 3600
