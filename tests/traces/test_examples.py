"""Every trace that comes with Quanxi finds in its own example what it says, over the whole graph and standing alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from addresses.scheme import load_scheme
from graph.constraints import ensure_schema
from graph.store import Store
from graph.writer import wipe, write
from ontology.terms import CATALOG, load_terms
from traces import compile as compiling
from traces.catalogue import check_traces, load_traces, read_trace
from traces.example import drawn
from traces.runner import Runner

ROOT = Path(__file__).resolve().parents[2]
TERMS = load_terms()
TRACES = load_traces(None, TERMS)
# One's own, as docs/traces.md shows it.
TRACES |= {
    t.trace: t for t in [read_trace(ROOT / "examples" / "traces" / "noise_in_rented_building.yaml", TERMS)]
}
SCHEME = load_scheme()


def test_no_mistakes() -> None:
    found = check_traces(CATALOG, TERMS)
    assert found.mistakes == []
    assert len(found.declared) >= 8


@pytest.fixture
async def graph(store: Store) -> Store:
    """An empty graph with its indexes, which are made once."""
    await wipe(store)
    await ensure_schema(store)
    return store


@pytest.mark.parametrize("name", sorted(TRACES))
async def test_example(graph: Store, name: str) -> None:
    trace = TRACES[name]
    difference, ids = drawn(trace, SCHEME)
    await write(graph, difference)
    names = {id: n for n, id in ids.items()}
    runner = Runner(graph, SCHEME, TERMS, trace.example.today)
    whole = await runner.whole(trace)
    found = [sorted(names[i] for i in e.ids) for r in whole.values() for e in r.episodes if e.open]
    assert sorted(found) == sorted(sorted(f) for f in trace.example.findings)
    # Standing, on whatever a load of it all would have touched.
    places = [p for n in difference.nodes.values() for row in n if (p := row["p"].get("place")) is not None]
    subjects = await runner.concerned(trace, ids.values(), places)
    assert subjects >= {s for s, r in whole.items() if r.episodes}
    standing = await runner.standing(trace, subjects)
    assert {s: r.episodes for s, r in standing.items() if r.episodes} == {
        s: r.episodes for s, r in whole.items() if r.episodes
    }


@pytest.mark.parametrize("name", sorted(TRACES))
async def test_each_node_concerns_its_subject(graph: Store, name: str) -> None:
    """Whichever thing of a finding is touched, its subject is found."""
    trace = TRACES[name]
    difference, _ = drawn(trace, SCHEME)
    await write(graph, difference)
    runner = Runner(graph, SCHEME, TERMS, trace.example.today)
    whole = await runner.whole(trace)
    held = {row["id"]: row["p"].get("place") for n in difference.nodes.values() for row in n}
    for subject, result in whole.items():
        for episode in result.episodes:
            for id in episode.ids:
                places = [p] if (p := held.get(id)) is not None else []
                assert subject in await runner.concerned(trace, [id], places)


@pytest.mark.parametrize("many", [1, 2, 3, 200])
async def test_subjects_come_many_in_a_row(graph: Store, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "IN_A_ROW", many)
    trace = TRACES["cylinder_overdue"]
    late = []
    for mark in ("a", "b", "c"):
        difference, ids = drawn(trace, SCHEME, mark)
        await write(graph, difference)
        late += [ids[name] for found in trace.example.findings for name in found]
    runner = Runner(graph, SCHEME, TERMS, trace.example.today)
    assert sorted(s for s, r in (await runner.whole(trace)).items() if r.episodes) == sorted(late)
    assert sorted(s for s, r in (await runner.standing(trace, late)).items() if r.episodes) == sorted(late)
    assert await runner.standing(trace, []) == await runner.standing(trace, ["dev_nobody"]) == {}
