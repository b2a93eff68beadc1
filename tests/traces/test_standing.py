"""Traces that are published, changed and withdrawn: which stand, what becomes of their findings, in whichever process it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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
from traces.declaration import Trace
from traces.runner import Runner
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
    changed = changed.replace('sentence: {zh: "', 'sentence: {zh: "新说法:', 1)
    assert "新说法" in changed
    assert traces.publish(changed, "王").trace.version == 2
    before = FindingLog(loader.ledger).last()
    await watch.look(graph, loader.clock)
    assert found(loader, "twice_here") == [(1, "new", 2)]
    # It goes on saying what it said, and nobody is told of another wording.
    assert FindingLog(loader.ledger).last() == before
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
        ("a: " + "[" * 30_000, "has at most 20,000 characters"),
        ("a: " + "[" * 5_000, "line 1: is nested more than 40 deep"),
        (PLACE.replace("default: 3", "default: 1"), "the default 1 is not between"),
        (PLACE.replace("{count}", "{count.__class__}"), "a sentence has no {count.__class__}"),
        (PLACE.replace("{count}", "{count:>999999999}"), "{count} is filled in as it is"),
        (PLACE.replace("{count}", "{count"), "braces go in pairs around a name"),
        ("a: !!binary xx", "line 1: YAML tags may not be used"),
        (f"a: {'9' * 5_000}", "line 1: what has no quotes has at most 1000 characters"),
        ("a: '\ud800'", "line 1: holds characters that are none"),
        (PLACE.replace("minimum: $minimum", "minimum: 0"), "pattern.repeat.minimum"),
        (PLACE.replace("default: 3, least: 2", "default: 3, least: 0"), "minimum must be at least 1 here"),
        (PLACE.replace("minimum: $minimum", "minimum: $minimum, once: [WORKS_FOR>]"), "this does not lead from Incident to anything"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], having: [{way: [MADE_BY>], label: Vehicle}]"), "this does not lead from Incident to Vehicle"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], time: report_kind"), "report_kind is no day"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], grace: -1"), "grace"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], where: {state: clossed}"), "has no code 'clossed'"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], where: {day: ten}"), "day cannot have this value"),
        (PLACE.replace("kinds: [dispute]", "kinds: [dispute], where: {day: 99999999999999999999}"), "where"),
        (PLACE.replace("label: Incident", "label: Finding"), "Finding is not traced"),
        (PLACE.replace("trace: repeat", "version: 3000000000\ntrace: repeat"), "version"),
        (PLACE.replace("pattern:", "pattern:\n  all: []"), "pattern"),
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


async def test_one_that_fails_holds_up_no_other_and_is_tried_again(
    graph: Store, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = loader.watch
    assert isinstance(watch, Watch)
    whole, held_up = Runner.standing, ["repeat_disputes_parties"]

    async def standing(self: Runner, trace: Trace, *given: Any, **more: Any) -> Any:
        if trace.trace in held_up:
            raise ValueError("of its own kind")
        return await whole(self, trace, *given, **more)

    monkeypatch.setattr(Runner, "standing", standing)
    await send(loader, graph, tmp_path, "alarms", [alarm("N3", "03-03")], "_2")
    assert [f[1] for f in found(loader, "repeat_disputes_place")] == ["new"]
    assert found(loader, "repeat_disputes_parties") == []
    # Until it is tried again, what it has missed is not waited for.
    assert not watch.waits(loader.clock)
    held_up.clear()
    monkeypatch.setattr("traces.watch.time.monotonic", lambda: 1e12)
    assert watch.waits(loader.clock)
    await watch.look(graph, loader.clock)
    assert [f[1] for f in found(loader, "repeat_disputes_parties")] == ["new"]
    # It had looked before: what it missed is told.
    told = FindingLog(loader.ledger).after(0, 100)
    assert [c.change for c in told if c.finding.trace == "repeat_disputes_parties"] == ["found"]
    assert not watch.waits(loader.clock)


async def test_of_several_who_publish_at_once_each_has_a_version(loader: Loader, tmp_path: Path) -> None:
    ledgers = [Ledger(tmp_path, KEYRING) for _ in range(4)]
    several = [standing(ledger, loader) for ledger in ledgers]
    texts = [least(MINE, n + 2) for n in range(4)]
    done = await asyncio.gather(
        *(asyncio.to_thread(one.publish, text, "王") for one, text in zip(several, texts, strict=True))
    )
    kept = Publications(ledgers[0]).history("twice_here")
    assert sorted(p.version for p in kept) == [1, 2, 3, 4] == sorted(d.trace.version for d in done)
    for one in several:
        one.renew()
        assert one["twice_here"].version == 4
    for ledger in ledgers:
        ledger.close()


async def test_what_another_catalogue_has_is_left_alone(graph: Store, loader: Loader, tmp_path: Path) -> None:
    await send(loader, graph, tmp_path, "alarms", [alarm("N3", "03-03")], "_2")
    catalogue = tmp_path / "catalogue"
    (catalogue / "traces").mkdir(parents=True)
    (catalogue / "traces" / "one.yaml").write_text(MINE, "utf-8")
    other = StandingTraces(catalogue, loader.terms, Publications(loader.ledger), loader.clock)
    assert list(other) == ["twice_here"]
    watch = Watch(loader.ledger, loader.records, other, loader.scheme, loader.terms)
    await watch.look(graph, loader.clock)
    assert [f[1] for f in found(loader, "repeat_disputes_place")] == ["new"]
    assert [f[1] for f in found(loader, "twice_here")] == ["new"]
