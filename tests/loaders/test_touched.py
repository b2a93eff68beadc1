"""What traces are told that a load has touched."""

from __future__ import annotations

from ledger import point_of, stood_at
from loaders.fold import State
from loaders.touched import touched

PLACE = "3301090020010003"


def address(**values: object) -> State:
    return State("Address", {"place": PLACE, **values}, ())


def test_what_stood_elsewhere_touches_what_was_near_there() -> None:
    old = address(latitude=30.17, longitude=120.27)
    assert set(touched("adr_a", old, address(latitude=30.18, longitude=120.27))) == {
        ("adr_a", PLACE),
        ("adr_a", stood_at(30.17, 120.27)),
    }
    # Its coordinates are known no more, or it is gone.
    for new in (address(), None):
        assert ("adr_a", stood_at(30.17, 120.27)) in set(touched("adr_a", old, new))


def test_what_stands_where_it_stood_touches_its_place_alone() -> None:
    old = address(latitude=30.17, longitude=120.27, name="4幢")
    assert set(touched("adr_a", old, address(latitude=30.17, longitude=120.27, name="5幢"))) == {
        ("adr_a", PLACE)
    }
    assert set(touched("adr_a", None, old)) == {("adr_a", PLACE)}
    assert set(touched("inc_a", None, State("Incident", {"latitude": 30.1, "longitude": 120.1}, ()))) == {
        ("inc_a", "")
    }


def test_a_point_is_read_as_it_was_written() -> None:
    assert point_of(stood_at(30.170000000000002, -120.0)) == (30.170000000000002, -120.0)
    assert point_of(PLACE) is None
    assert point_of("") is None
