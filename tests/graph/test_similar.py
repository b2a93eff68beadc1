"""How alike incidents are: weighed by hand on a few; no database."""

from __future__ import annotations

import pytest

from addresses.scheme import load_scheme
from graph.queries.similar import Told, compared, likeness

SCHEME = load_scheme()
HOME, NEXT_DOOR, OTHER_HOUSE, ELSEWHERE = (
    "3301090020010003010101",
    "3301090020010003010102",
    "3301090020010004",
    "330109003001",
)


def told(id: str, category: str = "rent", kind: str = "dispute", place: str | None = HOME, text: str = "租房押金退还", parties: str = "", matter: str = "", at: str = "2025-01-01T09:00:00+08:00", closed: str | None = None) -> Told:  # fmt: skip
    return Told(
        id, frozenset({kind}), frozenset({category} if category else ()), text, place, at, closed, closed is not None, frozenset(parties.split()), frozenset(matter.split())
    )  # fmt: skip


def test_texts_that_are_alike() -> None:
    same, near, none = likeness(
        "租房押金退还纠纷", ["租房押金退还纠纷", "房东不退租房押金", "广场舞噪音扰民"]
    )
    assert same == pytest.approx(1.0)
    assert 0.2 < near < 0.9 and none == 0.0
    assert likeness("", ["", "租房"]) == [0.0, 0.0]
    # What every text says tells little.
    usual, rare = likeness("报警称漏水", ["报警称打架", "邻居漏水"] + ["报警称停车"] * 50)[:2]
    assert rare > usual


def test_most_alike_first_and_why() -> None:
    one = told("i", parties="p q", matter="m")
    others = [
        told("same_matter", matter="m"),
        told("door", place=NEXT_DOOR, text="租房押金退还"),
        told("party", category="neighbour", place=ELSEWHERE, text="噪音", parties="q"),
        told("home", parties="p", closed="2025-01-11T09:00:00+08:00"),
        told("kind", category="neighbour", place=OTHER_HOUSE, text="楼上漏水"),
        told("i"),
    ]
    found = compared(one, others, SCHEME)
    assert [s.id for s in found] == ["home", "door", "party"]
    assert found[0].reasons == ("SAME_CATEGORY", "SAME_PLACE", "SAME_PARTY", "SAME_WORDS")
    assert found[0].score == pytest.approx(1.0) and found[0].days == 10
    assert found[1].reasons == ("SAME_CATEGORY", "SAME_BUILDING", "SAME_WORDS") and found[1].days is None
    assert found[2].reasons == ("SAME_KIND", "SAME_PARTY")


def test_of_two_alike_the_later_first() -> None:
    found = compared(
        told("i"),
        [told("a", at="2024-05-01"), told("b", at="2024-06-01"), told("c", at="2024-04-01")],
        SCHEME,
    )
    assert [s.id for s in found] == ["b", "a", "c"]


def test_without_a_place() -> None:
    (found,) = compared(told("i", place=None), [told("a")], SCHEME)
    assert found.reasons == ("SAME_CATEGORY", "SAME_WORDS")
