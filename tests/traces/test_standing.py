"""Traces that are published, changed and withdrawn: which stand, what becomes of their findings, in whichever process it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from graph.writer import wipe
from ledger import FindingLog, Ledger
from ledger.publications import Publications
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import UsageError
from ontology.terms import CATALOG
from tests.loaders.test_run import KEYRING
from tests.loaders.tiny import ADDRESSES
from tests.traces.test_watch import LAST, alarm, send
from traces.standing import StandingTraces
from traces.watch import Watch

PLACE = (CATALOG / "traces" / "repeat_disputes_place.yaml").read_text("utf-8")
MINE = PLACE.replace("trace: repeat_disputes_place", "trace: twice_here")


def least(text: str, minimum: int) -> str:
    """The declaration with another default."""
    was = next(line for line in text.splitlines() if line.strip().startswith("minimum: {"))
    assert "default: 3, least: 2" in was
    return text.replace(was, was.replace("default: 3", f"default: {minimum}"))


@pytest.fixture
async def graph(store: Store) -> Store:
    await wipe(store)
    await ensure_schema(store)
    return store


@pytest.fixture
async def loader(graph: Store, tmp_path: Path) -> AsyncIterator[Loader]:
    opened = open_loader(tmp_path, None, Clock(LAST), keyring=KEYRING)
    traces = standing(opened.ledger, opened)
    opened.watch = Watch(opened.ledger, opened.records, traces, opened.scheme, opened.terms)
    await send(opened, graph, tmp_path, "addresses", ADDRESSES)
    await send(opened, graph, tmp_path, "alarms", [alarm(f"N{n}", f"03-0{n}") for n in (1, 2)])
    yield opened
    opened.close()


def standing(ledger: Ledger, loader: Loader) -> StandingTraces:
    return StandingTraces(None, loader.terms, Publications(ledger), loader.clock)


def found(loader: Loader, trace: str) -> list[tuple[int, str, int]]:
    held = [f for f in FindingLog(loader.ledger).everything() if f.trace == trace]
    return [(f.trace_version, f.state, f.count) for f in held]


async def test_a_version_stands_until_the_next_or_until_it_is_withdrawn(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    watch = loader.watch
    assert isinstance(watch, Watch)
    assert found(loader, "repeat_disputes_place") == [] and not watch.waits(loader.clock)
    # Somebody publishes in another process.
    other = Ledger(tmp_path, KEYRING)
    traces = standing(other, loader)
    done = traces.publish(least(MINE, 2), "王")
    assert (done.trace.trace, done.trace.version, done.changed) == ("twice_here", 1, True)
    assert not traces.publish(least(MINE, 2), "王").changed
    assert watch.waits(loader.clock)
    await watch.look(graph, loader.clock)
    assert found(loader, "twice_here") == [(1, "new", 2)]
    # What a new trace finds at first is told to nobody.
    assert [c for c in FindingLog(loader.ledger).after(0, 100) if c.finding.trace == "twice_here"] == []
    assert not watch.waits(loader.clock)
    # The next version finds the same, which stays that of the version that found it, and what is new is its own.
    changed = least(MINE, 2).replace("zh: 同一地点", "zh: 此处", 1).replace("zh: ", "zh: 新", 1)
    assert traces.publish(changed, "王").trace.version == 2
    await watch.look(graph, loader.clock)
    assert found(loader, "twice_here") == [(1, "new", 2)]
    assert traces.publish(least(MINE, 4), "王").trace.version == 3
    await watch.look(graph, loader.clock)
    assert found(loader, "twice_here") == [(1, "cleared", 2)]
    assert traces.publish(least(MINE, 2), "王").trace.version == 4
    await watch.look(graph, loader.clock)
    assert sorted(found(loader, "twice_here")) == [(1, "cleared", 2), (4, "new", 2)]
    assert traces.withdraw("twice_here", "李") is None
    assert watch.waits(loader.clock)
    await watch.look(graph, loader.clock)
    assert sorted(found(loader, "twice_here")) == [(1, "cleared", 2), (4, "cleared", 2)]
    states = await graph.read("MATCH (f:Finding {trace: 'twice_here'}) RETURN f.state AS x")
    assert states == ["cleared", "cleared"]
    assert not watch.waits(loader.clock)
    kept = Publications(other).history("twice_here")
    assert [(p.version, p.declaration is not None, p.by) for p in kept] == [
        (1, True, "王"), (2, True, "王"), (3, True, "王"), (4, True, "王"), (4, False, "李"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="NOT_FOUND"):
        traces.withdraw("twice_here", "李")
    # Published once more, it goes on counting.
    assert traces.publish(least(MINE, 3), "王").trace.version == 5
    other.close()


async def test_in_place_of_the_catalogues(graph: Store, loader: Loader) -> None:
    watch = loader.watch
    assert isinstance(watch, Watch)
    traces = standing(loader.ledger, loader)
    assert traces.publish(least(PLACE, 2), "王").trace.version == 2
    await watch.look(graph, loader.clock)
    assert found(loader, "repeat_disputes_place") == [(2, "new", 2)]
    again = traces.withdraw("repeat_disputes_place", "王")
    assert again is not None and again.version == 1
    await watch.look(graph, loader.clock)
    assert found(loader, "repeat_disputes_place") == [(2, "cleared", 2)]


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ("", "should be a mapping"),
        ("trace: [", "is not valid YAML"),
        ("a: &a [1]\nb: [*a, *a]", "line 2: YAML aliases may not be used"),
        ("a: " + "[" * 100_000, "has at most 100,000 characters"),
        ("a: " + "[" * 5_000, "line 1: is nested more than 40 deep"),
        (PLACE.replace("default: 3", "default: 1"), "the default 1 is not between"),
        (PLACE.replace("{count}", "{count.__class__}"), "a sentence has no {count.__class__}"),
        (PLACE.replace("{count}", "{count:>999999999}"), "{count} is filled in as it is"),
        (PLACE.replace("{count}", "{count"), "braces go in pairs around a name"),
        (PLACE.replace("minimum: $minimum", "minimum: minimum"), "pattern.repeat.minimum"),
        (PLACE.replace("minimum: $minimum", "minimum: 10000000000000000000000"), "pattern.repeat.minimum"),
    ],
)  # fmt: skip
def test_what_cannot_stand(tmp_path: Path, declaration: str, said: str) -> None:
    ledger = Ledger(tmp_path, KEYRING)
    loader = open_loader(tmp_path, None, Clock(LAST), keyring=KEYRING)
    traces = standing(ledger, loader)
    before = dict(traces)
    with pytest.raises(UsageError) as caught:
        traces.publish(declaration, "王")
    assert said in caught.value.en, caught.value.en
    assert dict(traces) == before and Publications(ledger).last() == 0
    loader.close()
    ledger.close()
