"""What the facts about one subject amount to, without a graph."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.declaration import Pattern, Trace
from traces.evaluate import Evaluator, Fact, Result, day_of, iso, poisson_tail

BASE: dict[str, Any] = {
    "trace": "tried", "zh": "试", "en": "tried", "description": {"zh": "试", "en": "tried"}, "serves": ["S01"],
    "subject": {"node": "Device"}, "severity": [{"severity": "yellow"}], "sentence": {"zh": "有", "en": "found"},
    "example": {"today": "2025-12-15", "nodes": {}, "findings": []},
}  # fmt: skip
EVENT = {"label": "Incident", "way": ["<INVOLVED_IN"]}
TODAY = "2025-12-15"


def trace(pattern: dict[str, Any], quiet: int | None = None) -> Trace:
    return Trace.model_validate({**BASE, "pattern": pattern, "quiet": quiet})


def result(declared: Trace, facts: list[Fact], today: str = TODAY) -> Result:
    return Evaluator(declared, {}, today).result(facts)


def at(id: str, day: str, x: int = 0, **more: Any) -> Fact:
    return Fact(x, id, id, f"{day}T09:00:00+08:00", **more)


def open_ids(found: Result) -> list[tuple[str, ...]]:
    return [e.ids for e in found.episodes if e.open]


def test_repeat_counts_a_matter_once_and_closes_by_itself() -> None:
    declared = trace({"repeat": {"of": EVENT, "minimum": 3, "within": 30}}, quiet=20)
    days = [at("a", "2025-11-20"), at("b", "2025-11-25"), at("c", "2025-12-05")]
    found = result(declared, days)
    assert open_ids(found) == [("a", "b", "c")]
    assert found.due == "2025-12-26"
    assert result(declared, days, "2025-12-25").episodes[0].open
    assert not result(declared, days, "2025-12-26").episodes[0].open
    one_matter = [at("a", "2025-11-20", matter="m"), at("b", "2025-11-25", matter="m"), at("c", "2025-12-05")]
    assert result(declared, one_matter).episodes == []


def test_counts_of_runs_that_share_nothing_add_up() -> None:
    declared = trace({"repeat": {"of": EVENT, "minimum": 2, "within": 5}}, quiet=60)
    found = result(
        declared,
        [
            at("a", "2025-11-01", matter="m"), at("b", "2025-11-02", matter="m"), at("c", "2025-11-03"),
            at("d", "2025-12-01"), at("e", "2025-12-02"),
        ],
    )  # fmt: skip
    (episode,) = found.episodes
    assert (episode.count, len(episode.ids), len(episode.matches)) == (4, 5, 2)


def test_all_counts_what_its_first_pattern_counts() -> None:
    both = {
        "all": [{"repeat": {"of": EVENT, "minimum": 2, "within": 5}}, {"repeat": {"of": EVENT, "minimum": 1}}]
    }
    found = result(
        trace(both),
        [at("a", "2025-12-01"), at("b", "2025-12-02"), at("s", "2025-01-01", 1), at("t", "2025-01-01", 1), at("u", "2025-01-01", 1)],
    )  # fmt: skip
    (episode,) = found.episodes
    assert (episode.count, len(episode.ids)) == (2, 5)


def test_repeat_of_different_people() -> None:
    declared = trace(
        {"repeat": {"of": EVENT, "minimum": 2, "within": 10, "once": ["<INVOLVED_IN:Person"]}}, quiet=90
    )
    same = [at("a", "2025-12-01", once="p"), at("b", "2025-12-02", once="p"), at("c", "2025-12-03")]
    assert result(declared, same).episodes == []
    assert open_ids(result(declared, [*same, at("d", "2025-12-04", once="q")])) == [("a", "b", "c", "d")]


def test_sequence_takes_the_latest_before_and_agrees_in_kind() -> None:
    step = {"of": EVENT}
    declared = trace(
        {
            "sequence": {
                "steps": [{**step, "measure": "rectified_at"}, step],
                "within": 30,
                "same": ["category"],
            }
        },
        quiet=60,
    )
    facts = [
        at("old", "2025-10-01", measure="2025-11-20T09:00:00+08:00", same=("x",)),
        at("late", "2025-11-01", measure="2025-12-01T09:00:00+08:00", same=("x",)),
        at("other", "2025-11-01", measure="2025-12-02T09:00:00+08:00", same=("y",)),
        at("unknown", "2025-11-01", measure="2025-12-02T09:00:00+08:00", same=(None,)),
        at("again", "2025-12-10", same=("x",)),
    ]
    assert open_ids(result(declared, facts)) == [("late", "again")]


def test_absent_is_told_after_its_time_and_ends_when_it_comes() -> None:
    declared = trace({"absent": {"of": EVENT, "expected": {**EVENT, "kinds": ["inspection"]}, "within": 10}})
    assert result(declared, [at("a", "2025-12-10")]).due == "2025-12-21"
    assert open_ids(result(declared, [at("a", "2025-12-04")])) == [("a",)]
    assert open_ids(result(declared, [at("a", "2025-12-04"), at("b", "2025-12-12", 1)])) == []
    assert open_ids(result(declared, [at("a", "2025-12-04"), at("b", "2025-12-01", 1)])) == [("a",)]


def test_together_needs_all_of_it_today() -> None:
    declared = trace(
        {"together": {"of": [{"of": EVENT, "within": 30}, {"of": {**EVENT, "kinds": ["hazard"]}}]}}
    )
    assert open_ids(result(declared, [at("a", "2025-12-01"), at("b", "2025-01-01", 1)])) == [("a", "b")]
    assert open_ids(result(declared, [at("a", "2025-10-01"), at("b", "2025-01-01", 1)])) == []
    ended = Fact(1, "b", "b", "2025-01-01", "2025-12-15")
    assert open_ids(result(declared, [at("a", "2025-12-01"), ended])) == []
    assert (
        result(declared, [at("a", "2025-12-01"), Fact(1, "b", "b", "2025-01-01", "2025-12-20")]).due
        == "2025-12-20"
    )


def test_all_any_unless() -> None:
    one, two = {"repeat": {"of": EVENT}}, {"repeat": {"of": {**EVENT, "kinds": ["hazard"]}}}
    a, b = at("a", "2025-12-01"), at("b", "2025-12-02", 1)
    assert open_ids(result(trace({"all": [one, two]}), [a])) == []
    assert open_ids(result(trace({"all": [one, two]}), [a, b])) == [("a", "b")]
    assert open_ids(result(trace({"any": [one, two]}), [b])) == [("b",)]
    assert open_ids(result(trace({**one, "unless": two}), [a])) == [("a",)]
    assert open_ids(result(trace({**one, "unless": two}), [a, b])) == []


def test_surge_holds_for_small_counts() -> None:
    declared = trace({"surge": {"of": EVENT, "window": 7, "past": 70, "minimum": 3}})
    late = [at(f"n{i}", f"2025-12-1{i}") for i in range(5)]
    assert open_ids(result(declared, late)) == [tuple(f.id for f in late)]
    assert open_ids(result(declared, late[-2:])) == []
    busy = [at(f"p{i}", iso(day_of(TODAY) - 8 - i)) for i in range(60)]
    assert open_ids(result(declared, [*busy, *late])) == []
    assert poisson_tail(0, 3.0) == 1.0
    assert poisson_tail(3, 1.0) == pytest.approx(0.0803014, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)), max_size=12), st.integers(0, 80))
@settings(max_examples=150)
def test_nothing_changes_before_it_is_due(days: list[tuple[int, int]], later: int) -> None:
    """Between a look and the day that it names, a look at the same facts finds the same."""
    start = day_of("2025-11-01")
    facts = [at(f"f{i}", iso(start + day), matter=f"m{m}") for i, (day, m) in enumerate(days)]
    declared = trace({"repeat": {"of": EVENT, "minimum": 2, "within": 10}}, quiet=15)
    first = result(declared, facts, iso(start + 30))
    day = iso(start + 30 + later)
    if first.due is None or day < first.due:
        assert open_ids(result(declared, facts, day)) == open_ids(first)


@given(st.permutations([at(f"f{i}", iso(20_000 + i * 7)) for i in range(7)]))
def test_the_order_of_facts_does_not_matter(facts: list[Fact]) -> None:
    declared = trace({"repeat": {"of": EVENT, "minimum": 3, "within": 15}}, quiet=15)
    assert result(declared, facts, iso(20_050)) == result(
        declared, sorted(facts, key=lambda f: f.id), iso(20_050)
    )


def test_a_pattern_is_one_block() -> None:
    with pytest.raises(ValueError, match="a pattern is one of"):
        Pattern.model_validate({})


def test_the_same_seen_in_two_ways_counts_once() -> None:
    people = {"repeat": {"of": {**EVENT, "where": {"state": "a"}}, "minimum": 2}}
    inspected = {
        "all": [
            {"repeat": {"of": {**EVENT, "where": {"state": "b"}}}},
            {"repeat": {"of": {**EVENT, "where": {"state": "c"}}}},
        ]
    }
    declared = trace({"all": [{"any": [people, inspected]}, {"repeat": {"of": EVENT}}]})
    facts = [Fact(0, id, id) for id in ("p", "q", "r")] + [
        Fact(1, "p", "p"),
        Fact(2, "i", "i"),
        Fact(3, "e", "e"),
    ]
    (episode,) = result(declared, facts).episodes
    assert (episode.count, sorted(episode.ids)) == (3, ["e", "i", "p", "q", "r"])
    # Apart from each other they are two, and add up.
    (episode,) = result(declared, [f for f in facts if f.x != 1] + [Fact(1, "s", "s")]).episodes
    assert episode.count == 4


_MOMENTS = st.integers(0, 40)
_FACT = st.tuples(
    _MOMENTS, st.sampled_from(["k", "l", None]), st.sampled_from(["m", "n", None]), st.integers(0, 1)
)


@given(st.lists(_FACT, max_size=9), st.booleans(), st.booleans())
def test_one_after_the_other_by_the_definition(
    drawn: list[tuple[int, str | None, str | None, int]], alike: bool, apart: bool
) -> None:
    """Of all that went before what ends it, the latest counts, and only that."""
    steps = [{"of": {**EVENT, "kinds": ["dispute"]}}, {"of": {**EVENT, "kinds": ["petition"]}}]
    same = ["category"] if alike else []
    declared = trace({"sequence": {"steps": steps, "within": 10, "same": same, "apart": apart}})
    facts = [
        at(f"f{i:02}", iso(20_000 + day), x, matter=matter, same=(key,) if alike else None)
        for i, (day, key, matter, x) in enumerate(drawn)
    ]
    found = {m.ids for e in result(declared, facts, iso(20_050)).episodes for m in e.matches}
    expected = set()
    for last in (f for f in facts if f.x == 1):
        before = [
            f for f in facts
            if f.x == 0 and (f.begin or "") < (last.begin or "")
            and (not alike or (f.same == last.same and f.same != (None,)))
            and not (apart and f.matter is not None and f.matter == last.matter)
        ]  # fmt: skip
        best = max(before, key=lambda f: (f.begin or "", f.number), default=None)
        if best is not None and last.day - best.day <= 10:
            expected.add((best.id, last.id))
    assert found == expected


@given(st.lists(st.tuples(_MOMENTS, st.integers(0, 15)), max_size=7), st.lists(_MOMENTS, max_size=7))
def test_what_was_not_there_on_the_day_by_the_definition(
    spans: list[tuple[int, int]], days: list[int]
) -> None:
    permit = {"label": "Permit", "way": ["<HOLDS"], "time": "since", "until": "expires"}
    declared = Trace.model_validate(
        {**BASE, "subject": {"node": "Vehicle"}, "pattern": {"absent": {"of": {"label": "Trip", "way": ["MADE_BY>"]}, "expected": permit}}}
    )  # fmt: skip
    facts = [at(f"t{i}", iso(20_000 + day)) for i, day in enumerate(days)]
    facts += [
        Fact(1, f"p{i}", f"p{i}", iso(20_000 + day), iso(20_000 + day + long))
        for i, (day, long) in enumerate(spans)
    ]
    found = {i for e in result(declared, facts, iso(20_050)).episodes for i in e.ids}
    assert found == {
        f"t{i}"
        for i, day in enumerate(days)
        if not any(begin <= day <= begin + long for begin, long in spans)
    }


def test_thousands_of_facts_are_not_compared_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A school that many things happen at."""
    compared = 0
    precede, stands = Evaluator._may_precede, Fact.stands

    def counted(*args: Any) -> bool:
        nonlocal compared
        compared += 1
        return precede(*args)

    def looked(self: Fact, today: str) -> bool:
        nonlocal compared
        compared += 1
        return stands(self, today)

    monkeypatch.setattr(Evaluator, "_may_precede", staticmethod(counted))
    monkeypatch.setattr(Fact, "stands", looked)
    steps = [{"of": {**EVENT, "kinds": ["dispute"]}}, {"of": {**EVENT, "kinds": ["petition"]}}]
    declared = trace({"sequence": {"steps": steps, "within": 10}})
    facts = [
        Fact(x, f"{x}f{i}", f"{i}", f"{iso(18_000 + i)}T0{x}:00:00+08:00") for i in range(500) for x in (0, 1)
    ]
    assert len(result(declared, facts).episodes) == 500
    assert 0 < compared < 4 * len(facts)
    compared = 0
    absent = trace({"absent": {"of": EVENT, "expected": EVENT}})
    result(absent, facts)
    assert compared < 4 * len(facts)


def test_what_is_timeless_gives_no_days_and_does_not_end() -> None:
    """A registration says that there is one: it makes no finding old or new, and one that has lapsed still says it."""
    card = {"label": "Permit", "way": ["<HOLDS"], "timeless": True}
    firm = {**BASE, "subject": {"node": "Enterprise"}, "quiet": 90}
    pattern = {"all": [{"repeat": {"of": EVENT, "minimum": 2, "within": 60}}, {"repeat": {"of": card}}]}
    declared = Trace.model_validate({**firm, "pattern": pattern})
    told = [at("a", "2024-01-10"), at("b", "2024-02-10")]
    for since, until in (("2020-01-01", None), ("2025-12-01", None), ("2020-01-01", "2024-02-15")):
        facts = [*told, Fact(1, "card", "card", since, until)]
        (episode,) = result(declared, facts, "2024-04-01").episodes
        assert (iso(episode.first), iso(episode.last), episode.open) == ("2024-01-10", "2024-02-10", True)
        assert not result(declared, facts).episodes[0].open


def test_grace_says_when_it_counts_and_not_since_when_it_is() -> None:
    late = {"label": "Device", "time": "due", "grace": 7}
    declared = trace({"repeat": {"of": late}})
    facts = [Fact(0, "d", "d", "2025-12-01")]
    assert result(declared, facts, "2025-12-07") == Result([], "2025-12-08")
    (episode,) = result(declared, facts, "2025-12-08").episodes
    assert iso(episode.first) == iso(episode.last) == "2025-12-01"
