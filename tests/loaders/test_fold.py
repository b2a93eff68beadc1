"""The fold on a few drawn claims: history, corrections, trust, uncertain places."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from addresses.gazetteer import NOWHERE, Placement
from addresses.genealogy import Genealogy, Piece
from addresses.scheme import load_scheme
from loaders.fold import Version, fold
from loaders.mapping import Claims, LinkClaim, NodeClaim, address_id

P = "per_aaaaaaaaaaaaaaaa"
H = "hou_aaaaaaaaaaaaaaaa"
OPEN = "9999-12-31"


class Places:
    """Codes stand for themselves; a `?` behind one makes it uncertain."""

    genealogy = Genealogy(load_scheme())

    def pieces(self, code: str, day: str | None = None) -> tuple[Piece, ...]:
        return self.genealogy.pieces(code, day)

    def id_of(self, code: str, day: str | None = None) -> str:
        return address_id(code)

    def id_for(self, identity: str) -> str:
        return address_id(identity)

    def full_name(self, code: str) -> str | None:
        return None

    def placed(self, key: str) -> Placement:
        text = key.split("\x1f")[1]
        if text == "nowhere":
            return NOWHERE
        return Placement(text.rstrip("?"), "DWELLING", 0.9 if text.endswith("?") else 1.0, "test")

    def code_of(self, id: str) -> str | None:
        return next((c for c in ("A", "B", "C") if address_id(c) == id), None)

    def level(self, code: str) -> str | None:
        return "DWELLING"

    def grid_of(self, code: str) -> str | None:
        return None

    def place_key(self, code: str) -> str | None:
        return code

    def standing(self, code: str) -> str | None:
        return code

    def at_level(self, code: str, level: str) -> str | None:
        return None


def said(
    id: str, place: str | None, effective: str, since: str | None = None, *, feed: str = "f", rkey: str = "1",
    type: str = "LIVES_AT", trust: int = 50, **values: Any,
) -> Version:  # fmt: skip
    links = []
    if place is not None:
        links.append(LinkClaim(0, type, id, id, None, f"\x1f{place}\x1f\x1f", {}, since, None, trust))
    claims = Claims([NodeClaim(id, "Person", values, trust)], links)
    return Version(feed, rkey, effective, f"{feed}{rkey}{effective}{place}{values}".encode(), 1, 2, claims)


def homes(versions: list[Version]) -> list[tuple[str, str | None, str]]:
    state = fold(P, versions, Places())
    assert state is not None
    found = [(x.values["place"], x.values.get("since"), x.values["until"]) for x in state.links]
    return sorted(found, key=lambda x: x[1] or "")


CASES = {
    "an unknown start is no early one": (
        [said(P, "A", "2024", rkey="1"), said(P, "A", "2024", "2020-01-01", rkey="2")],
        [("A", "2020-01-01", OPEN)],
    ),
    "an unknown start alone stays unknown": (
        [said(P, "A", "2024", rkey="1"), said(P, "A", "2025", rkey="2")],
        [("A", None, OPEN)],
    ),
    "the dead live nowhere": (
        [said(P, "A", "2024", "2020-01-01", rkey="1"), said(P, None, "2025", rkey="2", feed="d", died="2025-02-03")],
        [("A", "2020-01-01", "2025-02-03")],
    ),
    "one home": ([said(P, "A", "2024", "2020-01-01")], [("A", "2020-01-01", OPEN)]),
    "a change closes": (
        [said(P, "A", "2024", "2020-01-01"), said(P, "B", "2025", "2025-01-01")],
        [("A", "2020-01-01", "2025-01-01"), ("B", "2025-01-01", OPEN)],
    ),
    "a correction removes": (
        [said(P, "A", "2024", "2020-01-01"), said(P, "B", "2025", "2020-01-01")],
        [("B", "2020-01-01", OPEN)],
    ),
    "an unknown start stays unknown": ([said(P, "A", "2024")], [("A", None, OPEN)]),
    "said again changes nothing": (
        [said(P, "A", "2024", "2020-01-01"), said(P, "A", "2025", "2020-01-01")],
        [("A", "2020-01-01", OPEN)],
    ),
    "a newer word on the past overrides what came after": (
        [said(P, "A", "2024", "2021-01-01"), said(P, "B", "2025", "2020-01-01")],
        [("B", "2020-01-01", OPEN)],
    ),
    "away and back": (
        [said(P, "A", "2022", "2020-01-01"), said(P, "B", "2023", "2021-01-01"), said(P, "A", "2024", "2022-01-01")],
        [("A", "2020-01-01", "2021-01-01"), ("B", "2021-01-01", "2022-01-01"), ("A", "2022-01-01", OPEN)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("versions", "expected"), CASES.values(), ids=CASES.keys())
def test_history_in_every_order(versions: list[Version], expected: list[tuple[str, str | None, str]]) -> None:
    for order in itertools.permutations(versions):
        assert homes(list(order)) == expected


def test_the_more_trusted_value_is_shown_whenever_it_came() -> None:
    low = said(P, None, "2025", feed="g", trust=20, name="张小明", sex="male")
    high = said(P, None, "2020", feed="h", trust=90, name="张晓明")
    for order in ([low, high], [high, low]):
        state = fold(P, order, Places())
        assert state is not None
        assert (state.values["name"], state.values["sex"]) == ("张晓明", "male")


def test_a_thing_stands_at_the_surest_of_its_places() -> None:
    vague = said(H, "A?", "2025", feed="g", type="AT", trust=90)
    sure = said(H, "B", "2020", feed="h", type="AT", trust=10)
    for order in ([vague, sure], [sure, vague]):
        state = fold(H, order, Places())
        assert state is not None
        assert [x.end for x in state.links] == [address_id("B")]
        assert state.values["place"] == "B"
        assert "place_confidence" not in state.values


def test_an_unplaced_thing_keeps_the_text() -> None:
    state = fold(H, [said(H, "nowhere", "2025", type="AT")], Places())
    assert state is not None
    assert state.links == ()
    assert (state.values["place_text"], state.values["place_confidence"]) == ("nowhere", 0.0)


def test_what_no_record_speaks_of_is_gone() -> None:
    assert fold(P, [], Places()) is None
