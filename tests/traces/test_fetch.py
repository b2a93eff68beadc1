"""Which selections of a pattern are looked for, and which of them are left out because another finds theirs too."""

from __future__ import annotations

from typing import Any

import pytest

from traces.declaration import Pattern
from traces.fetch import leads, needs

DISPUTE = {"label": "Incident", "kinds": ["dispute"]}
FIRM = {"label": "Enterprise"}
WORKS = {"way": ["WORKS_FOR>"], "label": "Enterprise", "here": True}
BOSS = {"way": ["REPRESENTS>"], "label": "Enterprise", "here": True, "none": True}


def repeat(of: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"repeat": {"of": of, "minimum": least}}


def within(of: dict[str, Any], least: int, days: int) -> dict[str, Any]:
    return {"repeat": {"of": of, "minimum": least, "within": days}}


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ([repeat(DISPUTE, 5), repeat(DISPUTE, 2)], [1]),
        ([repeat(DISPUTE, 2), repeat(DISPUTE, 2)], [0]),
        ([repeat(DISPUTE, 2), repeat(FIRM)], [0, 1]),
        # Whoever works there and does not run it is among those who work there, but two of these are not one of those.
        ([repeat({"label": "Person", "having": [WORKS]}), repeat({"label": "Person", "having": [WORKS, BOSS]})], [0]),
        ([repeat({"label": "Person", "having": [WORKS]}, 2), repeat({"label": "Person", "having": [WORKS, BOSS]})], [0, 1]),
        ([repeat({"label": "Person", "having": [WORKS]}), repeat({"label": "Person", "having": [BOSS]})], [0, 1]),
        # Those who have gone are left out where only those who are there count; what is near in time, where it must be nearer.
        ([repeat({"label": "Person"}, 3), within({"label": "Person"}, 3, 30)], [0, 1]),
        ([within(DISPUTE, 3, 365), within(DISPUTE, 3, 30)], [0]),
        ([within(DISPUTE, 3, 30), within(DISPUTE, 3, 365)], [0, 1]),
        ([within(DISPUTE, 3, 30), repeat(DISPUTE, 3)], [0, 1]),
        (
            [{"chain": {"of": FIRM, "legs": [{"way": "GUARANTEES>", "label": "Enterprise"}]}}, repeat(FIRM)],
            [0, 1],
        ),
    ],
)  # fmt: skip
def test_what_is_part_of_another_is_not_looked_for(patterns: list[dict[str, Any]], found: list[int]) -> None:
    assert leads(Pattern.model_validate({"any": patterns}), 0, {}) == found


def test_what_a_subject_must_have() -> None:
    both = {"all": [repeat(DISPUTE), {"any": [repeat(FIRM), repeat(DISPUTE)]}, repeat(FIRM)]}
    assert list(needs(Pattern.model_validate(both), 0)) == [0, 3]
    absent = {"absent": {"of": FIRM, "expected": {"label": "Permit"}, "at": "now"}}
    assert list(needs(Pattern.model_validate(absent), 0)) == [0]
    unless = {**repeat(DISPUTE), "unless": repeat(FIRM)}
    assert list(needs(Pattern.model_validate(unless), 0)) == [0]
