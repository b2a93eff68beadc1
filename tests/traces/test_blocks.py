"""Blocks that no trace of the catalogue uses, on a real graph: whole and standing come to the same, and to what is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from addresses.scheme import load_scheme
from graph.constraints import ensure_schema
from graph.store import Store
from graph.writer import wipe, write
from ledger import stood_at
from ontology.terms import load_terms
from tests.traces.test_evaluate import BASE, TODAY
from traces.declaration import Trace
from traces.example import drawn
from traces.explain import Explainer
from traces.runner import Runner

HERE, THERE, BARE = "3301090020010003", "3301090020010004", "3301090020010009"
HAZARD = {"repeat": {"of": {"label": "Incident", "kinds": ["hazard"]}}}
DISPUTE = {"repeat": {"of": {"label": "Incident", "kinds": ["dispute"]}}}
FIRM = {"label": "Enterprise", "where": {"state": "active"}}


def incident(place: str, kind: str, day: str) -> dict[str, Any]:
    return {
        "label": "Incident",
        "at": place,
        "kind": kind,
        "number": day,
        "occurred_at": f"{day}T09:00:00+08:00",
    }


NODES: dict[str, Any] = {
    "hazard": incident(HERE, "hazard", "2025-12-01"),
    "dispute": incident(HERE, "dispute", "2025-12-02"),
    # Where nobody knows coordinates.
    "bare": {"label": "Address", "level": "BUILDING", "code": BARE, "at": BARE},
    "shop": {"label": "Enterprise", "state": "suspended", "at": BARE},
    "fire": incident(BARE, "fire", "2025-12-03"),
    "night": {
        **incident(f"{BARE}000102", "public_order", "2025-12-04"),
        "occurred_at": "2025-12-04T23:30:00+08:00",
    },
    "dateless": {**incident(f"{BARE}000103", "public_order", "2025-12-04"), "occurred_at": "2025-12-04"},
    "flat": {"label": "House", "hid": "F1", "at": THERE},
    "alone": incident(THERE, "hazard", "2025-12-03"),
    "home": {
        "label": "Address",
        "level": "BUILDING",
        "code": HERE,
        "at": HERE,
        "latitude": 30.17,
        "longitude": 120.26,
    },
    # Some 50 m from it.
    "next": {
        "label": "Address",
        "level": "BUILDING",
        "code": THERE,
        "at": THERE,
        "latitude": 30.17045,
        "longitude": 120.26,
    },
    "inner": {"label": "Address", "level": "DWELLING", "code": f"{HERE}000101", "at": f"{HERE}000101"},
    "tenant": {"label": "Person"},
    "one": {"label": "Enterprise", "state": "active", "at": HERE},
    "two": {"label": "Enterprise", "state": "active", "at": THERE},
    **{f"late{i}": incident(f"{HERE}00010{i}", "public_order", f"2025-12-{10 + i}") for i in range(1, 6)},
}
LINKS = ["tenant LIVES_AT inner"]


@pytest.mark.parametrize(
    ("subject", "pattern", "found"),
    [
        ({"place": "OWN"}, {"all": [HAZARD, DISPUTE]}, [["dispute", "hazard"]]),
        ({"place": "OWN"}, {"any": [HAZARD, DISPUTE]}, [["alone"], ["hazard"], ["dispute"]]),
        ({"place": "OWN"}, {**HAZARD, "unless": DISPUTE}, [["alone"]]),
        (
            {"place": "BUILDING"},
            {"surge": {"of": {"label": "Incident", "kinds": ["public_order"]}, "window": 7, "past": 70, "minimum": 4}},
            [[f"late{i}" for i in range(1, 6)]],
        ),
        (
            {"place": "BUILDING"},
            {"together": {"of": [{"of": FIRM}, {"of": {"label": "Person"}}]}},
            [["one", "tenant"]],
        ),
        (
            {"place": "COMMUNITY"},
            {"repeat": {"of": FIRM, "minimum": 2}},
            [["one", "two"]],
        ),
        (
            {"place": "OWN"},
            {"absent": {"of": {"label": "Incident", "kinds": ["hazard"]}, "expected": {"label": "Incident", "kinds": ["dispute"]}, "within": 5}},
            [["alone"]],
        ),
        (
            {"place": "BUILDING"},
            {"together": {"of": [HAZARD["repeat"], {"of": {**FIRM, "near": 60}, "minimum": 2}]}},
            [["alone", "one", "two"], ["hazard", "one", "two"]],
        ),
        ({"place": "BUILDING"}, {"together": {"of": [HAZARD["repeat"], {"of": {**FIRM, "near": 40}, "minimum": 2}]}}, []),
        (
            {"place": "BUILDING"},
            {"all": [{"repeat": {"of": {"label": "Person", "near": 60}}}, {"repeat": {"of": FIRM}}]},
            [["one", "tenant"], ["tenant", "two"]],
        ),
        (
            {"place": "BUILDING"},
            {"absent": {"of": FIRM, "expected": {"label": "Incident", "kinds": ["dispute"], "near": 40}, "at": "now"}},
            [["two"]],
        ),
        ({"place": "BUILDING"}, {"absent": {"of": FIRM, "expected": {"label": "Incident", "kinds": ["dispute"], "near": 60}, "at": "now"}}, []),
        # What is near leads nowhere, in whatever it is hidden.
        (
            {"place": "BUILDING"},
            {
                "all": [
                    {"any": [{"repeat": {"of": {**FIRM, "where": {"state": "revoked"}}}}, {"repeat": {"of": {"label": "Incident", "kinds": ["dispute"], "near": 60}}}]},
                    {"repeat": {"of": {"label": "House"}}},
                ]
            },
            [["dispute", "flat"]],
        ),
        (
            {"place": "BUILDING"},
            {"together": {"of": [{"of": {"label": "Incident", "kinds": ["fire"]}}, {"of": {"label": "Enterprise", "near": 60}}]}},
            [["fire", "shop"]],
        ),
        # By night; what has no hour is of none.
        (
            {"place": "OWN"},
            {"repeat": {"of": {"label": "Incident", "where": {"occurred_at": {"hours": ["22:00", "05:00"]}}}}},
            [["night"]],
        ),
        (
            {"place": "BUILDING"},
            {"surge": {"of": {"label": "Incident", "kinds": ["public_order"]}, "window": 7, "against": "neighbours", "minimum": 4}},
            [[f"late{i}" for i in range(1, 6)]],
        ),
        # Once in five thousand is not seldom enough here.
        (
            {"place": "BUILDING"},
            {"surge": {"of": {"label": "Incident", "kinds": ["public_order"]}, "window": 7, "against": "neighbours", "minimum": 4, "chance": 0.0001}},
            [],
        ),
        # Neighbours have four, too: seven where two and a half are expected come about once in seventy times.
        (
            {"place": "BUILDING"},
            {"surge": {"of": {"label": "Incident"}, "window": 15, "against": "neighbours", "minimum": 4, "chance": 0.02}},
            [["dispute", "hazard", *(f"late{i}" for i in range(1, 6))]],
        ),
    ],
    ids=["all", "any", "unless", "surge", "residents", "community", "absent", "near", "not_near", "people_near", "none_near", "one_near", "near_in_any", "no_coordinates", "hours", "neighbours", "not_so_seldom", "neighbours_have_some"],
)  # fmt: skip
async def test_block(
    store: Store, subject: dict[str, Any], pattern: dict[str, Any], found: list[list[str]]
) -> None:
    await wipe(store)
    await ensure_schema(store)
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    trace = Trace.model_validate({**BASE, "subject": subject, "pattern": pattern, "example": example})
    terms, scheme = load_terms(), load_scheme()
    difference, ids = drawn(trace, scheme)
    await write(store, difference)
    names = {id: name for name, id in ids.items()}
    runner = Runner(store, scheme, terms, TODAY)
    whole = await runner.whole(trace)
    open_ones = [sorted(names[i] for i in e.ids) for r in whole.values() for e in r.episodes if e.open]
    assert sorted(open_ones) == sorted(found)
    subjects = await runner.concerned(
        trace,
        ids.values(),
        {HERE, THERE, BARE, f"{HERE}000101", f"{BARE}000102"} | {f"{HERE}00010{i}" for i in range(6)},
    )
    standing = await runner.standing(trace, subjects)
    assert {s: r.episodes for s, r in standing.items() if r.episodes} == {
        s: r.episodes for s, r in whole.items() if r.episodes
    }
    assert all(Explainer(trace, {}, terms).sentences())


async def test_what_moves_away_concerns_what_it_was_near(store: Store) -> None:
    """A business that was near a hazard: where it was tells which buildings to look at again."""
    await wipe(store)
    await ensure_schema(store)
    pattern = {"together": {"of": [HAZARD["repeat"], {"of": {**FIRM, "near": 60}}]}}
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    trace = Trace.model_validate(
        {**BASE, "subject": {"place": "BUILDING"}, "pattern": pattern, "example": example}
    )
    terms, scheme = load_terms(), load_scheme()
    difference, ids = drawn(trace, scheme)
    await write(store, difference)
    runner = Runner(store, scheme, terms, TODAY)
    assert await runner.concerned(trace, [ids["two"]], []) == {HERE, THERE}
    assert await runner.concerned(trace, [], [THERE]) == {HERE, THERE}
    assert await runner.concerned(trace, [ids["tenant"]], []) == set()
    # A building that stood there, and stands elsewhere or no more.
    (point,) = await store.read(
        "MATCH (a:Address) WHERE a.place = $place AND a.level = 'BUILDING' RETURN [a.latitude, a.longitude]",
        {"place": THERE},
    )
    assert await runner.concerned(trace, [], [stood_at(*point)]) == {HERE, THERE}
    assert await runner.concerned(trace, [], [stood_at(point[0] + 1, point[1])]) == set()


async def test_what_has_begun_near(store: Store) -> None:
    """People around a place who count from a day of their own on: the next day asks for those that have begun to."""
    await wipe(store)
    await ensure_schema(store)
    near = {"repeat": {"of": {"label": "Person", "near": 60, "time": "birth"}}}
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    trace = Trace.model_validate(
        {**BASE, "subject": {"place": "BUILDING"}, "pattern": {"all": [HAZARD, near]}, "example": example}
    )
    terms, scheme = load_terms(), load_scheme()
    difference, _ = drawn(trace, scheme)
    await write(store, difference)
    assert await Runner(store, scheme, terms, TODAY).begun(trace, "2025-11-30") == {HERE, THERE}


@pytest.mark.parametrize(
    ("subject", "pattern", "said"),
    [
        ({"place": "OWN"}, {"all": [HAZARD, {"repeat": {"of": {**FIRM, "near": 60}}}]}, "what is near stands around a place"),
        ({"place": "BUILDING"}, {"repeat": {"of": {**FIRM, "near": 60}}}, "something must stand at the place itself"),
        ({"place": "BUILDING"}, {"any": [HAZARD, {"repeat": {"of": {**FIRM, "near": 60}}}]}, "something must stand at the place itself"),
        ({"place": "BUILDING"}, {"absent": {"of": {**FIRM, "near": 60}, "expected": FIRM, "at": "now"}}, "something must stand at the place itself"),
    ],
)  # fmt: skip
def test_something_stands_at_the_place(subject: dict[str, Any], pattern: dict[str, Any], said: str) -> None:
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    with pytest.raises(ValueError, match=said):
        Trace.model_validate({**BASE, "subject": subject, "pattern": pattern, "example": example})


async def test_what_neighbours_have_concerns_who_is_compared_with_it(store: Store) -> None:
    await wipe(store)
    await ensure_schema(store)
    surge = {
        "of": {"label": "Incident", "kinds": ["public_order"]},
        "window": 7,
        "against": "neighbours",
        "minimum": 4,
    }
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    trace = Trace.model_validate(
        {**BASE, "subject": {"place": "BUILDING"}, "pattern": {"surge": surge}, "example": example}
    )
    scheme = load_scheme()
    difference, ids = drawn(trace, scheme)
    await write(store, difference)
    runner = Runner(store, scheme, load_terms(), TODAY)
    assert await runner.concerned(trace, [ids["night"]], [f"{BARE}000102"]) == {HERE, BARE}
    # A dozen more next door, and it is nothing out of the way any more.
    assert [len(r.episodes) for r in (await runner.standing(trace, [HERE])).values()] == [1]
    await store.write(
        "UNWIND range(1, 12) AS i CREATE (:Incident {id: 'inc_more' + i, number: 'M' + i, kind: 'public_order', occurred_at: '2025-12-14T09:00:00+08:00', "
        "place: $there, place_level: 'BUILDING'})", {"there": THERE},
    )  # fmt: skip
    standing, whole = await runner.standing(trace, [HERE]), await runner.whole(trace)
    assert [r.episodes for r in standing.values()] == [[]] and standing[HERE].due is not None
    assert {s for s, r in whole.items() if r.episodes} == {THERE}


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ({"place": "OWN"}, {"against": "neighbours"}),
        ({"place": "BUILDING"}, {"against": "neighbours", "past": 70}),
        ({"place": "BUILDING"}, {}),
    ],
)
def test_what_a_surge_is_compared_with(subject: dict[str, Any], more: dict[str, Any]) -> None:
    surge = {"of": {"label": "Incident", "kinds": ["public_order"]}, "window": 7, **more}
    example = {"today": TODAY, "nodes": NODES, "links": LINKS, "findings": []}
    with pytest.raises(ValueError, match=r"neighbours are of|the days of the past"):
        Trace.model_validate({**BASE, "subject": subject, "pattern": {"surge": surge}, "example": example})
