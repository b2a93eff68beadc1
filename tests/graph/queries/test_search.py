"""What a person typed, as a query of the full-text index: special characters stand for themselves."""

from __future__ import annotations

import pytest

from graph.queries.search import lucene


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("金城社区", '"金城社区"'),
        ("王", '("王" OR 王*)'),
        ("J2025", '("J2025" OR j2025*)'),
        ("金城 3幢", '"金城" AND "3幢"'),
        ('a"b', '"a\\"b"'),
        ("x* OR *:*", '"x\\*" AND ("OR" OR or*) AND "\\*\\:\\*"'),
        ("a\\", '"a\\\\"'),
    ],
)
def test_lucene(text: str, query: str) -> None:
    assert lucene(text) == query
