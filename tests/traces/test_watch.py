"""Findings as the district changes: what stands after each load is what the whole district shows, and nothing is told twice."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.queries.findings import evidence
from graph.store import Store
from graph.viewer import Scope, Viewer
from graph.writer import wipe
from ledger import Finding, FindingLog
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.identifiers import make_uscc
from tests.loaders.test_run import KEYRING
from tests.loaders.tiny import ADDRESSES, BUILDING, DISTRICT, HOME, HOUSE_301, write_feed
from tests.traces.judged import standing, whole
from traces.catalogue import load_traces
from traces.judging import judge
from traces.watch import Watch

LAST = date(2025, 5, 15)
ELSEWHERE = "萧山区北干街道金城社区金帝花园3幢"


@pytest.fixture
async def graph(store: Store) -> Store:
    await wipe(store)
    await ensure_schema(store)
    return store


@pytest.fixture
async def loader(tmp_path: Path) -> AsyncIterator[Loader]:
    opened = watched(tmp_path)
    yield opened
    opened.close()


def watched(data: Path, today: date = LAST) -> Loader:
    loader = open_loader(data, None, Clock(today), keyring=KEYRING)
    traces = load_traces(None, loader.terms)
    loader.watch = Watch(loader.ledger, loader.records, traces, loader.scheme, loader.terms)
    return loader


async def send(loader: Loader, store: Store, directory: Path, feed: str, rows: Any, part: str = "") -> None:
    await loader.load(store, [write_feed(directory, feed, rows, part)])


async def shown(store: Store) -> set[tuple[str, str, tuple[str, ...]]]:
    rows = await store.read(
        "MATCH (f:Finding) WHERE f.state IN ['new', 'taken', 'confirmed', 'unsure', 'matter'] "
        "RETURN [f.id, f.trace, COLLECT { MATCH (f)-[:SHOWN_BY]->(n) RETURN n.id ORDER BY n.id }]"
    )
    return {(id, trace, tuple(ids)) for id, trace, ids in rows}


def alarm(
    number: str, day: str, place: str = HOME, kind: str = "纠纷", updated: str = "2025-05-01"
) -> dict[str, str]:
    row = dict(DISTRICT["alarms"][0])
    at = f"2025-{day} 08:30:00"
    return row | {
        "接警单号": number, "报警时间": at, "派警时间": at, "到场时间": at, "办结时间": at, "事发地址": place, "警情类别": kind,
        "警情细类": "邻里" if kind == "纠纷" else "", "更新时间": updated,
    }  # fmt: skip


async def test_after_every_load_as_the_whole_district_shows(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    """Alarms come, are corrected to another place, kind or day, and are taken back, in any order."""
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    drawn = random.Random(5)
    seen = set()
    for step in range(14):
        rows = [
            alarm(
                f"N{drawn.randrange(9)}", f"0{drawn.choice((3, 4))}-{drawn.randrange(10, 28)}",
                drawn.choice((HOME, HOME, ELSEWHERE)), drawn.choice(("纠纷", "纠纷", "纠纷", "求助")), f"2025-05-{step + 1:02}",
            )
            for _ in range(drawn.randrange(1, 4))
        ]  # fmt: skip
        await send(loader, graph, tmp_path, "alarms", rows, f"_{step}")
        now = standing(loader)
        assert now == await whole(loader, graph)
        seen |= {trace for trace, _, _ in now}
        graphs = {(trace, tuple(sorted(ids))) for trace, _, ids in now}
        assert {(trace, ids) for _, trace, ids in await shown(graph)} == graphs
    assert {"repeat_disputes_place", "repeat_disputes_parties"} <= seen
    changes = {c.change for c in FindingLog(loader.ledger).after(0, 1000)}
    assert {"found", "grown", "cleared"} <= changes


async def test_a_cause_is_told_once_and_its_return_links_back(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    log = FindingLog(loader.ledger)
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)])
    (first,) = [c for c in log.after(0, 100) if c.finding.trace == "repeat_disputes_place"]
    assert (first.change, first.finding.count, first.finding.state) == ("found", 3, "new")
    assert first.finding.place == HOUSE_301
    await send(loader, graph, tmp_path, "alarms", [alarm("N4", "03-20")], "_2")
    grown = log.get(first.finding.id)
    assert grown is not None
    assert (grown.count, grown.revision, len(log.history(grown.id))) == (4, 2, 2)
    assert await loader.watch.look(graph, loader.clock) == 0  # type: ignore[union-attr]
    # Ninety days without another, and it closes by itself; then it returns.
    loader.clock = Clock(date(2025, 6, 30))
    assert loader.watch.waits(loader.clock)  # type: ignore[union-attr]
    await loader.watch.look(graph, loader.clock)  # type: ignore[union-attr]
    closed = log.get(grown.id)
    assert closed is not None
    assert (closed.state, closed.is_open) == ("cleared", False)
    loader.clock = Clock(date(2025, 12, 15))
    await send(loader, graph, tmp_path, "alarms", [alarm(f"P{n}", f"11-0{n}") for n in (1, 2, 3)], "_3")
    back = [f for f in log.everything() if f.trace == "repeat_disputes_place" and f.is_open]
    assert [f.return_of for f in back] == [closed.id]
    assert [c.change for c in log.after(0, 100) if c.finding.trace == "repeat_disputes_place"] == [
        "found", "grown", "cleared", "returned"
    ]  # fmt: skip
    assert not await whole(loader, graph) - standing(loader)


async def test_a_judgement_that_comes_between_stands(
    graph: Store, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody judges while it is worked out how the finding has grown: both are kept, one after the other."""
    log = FindingLog(loader.ledger)
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)])
    (first,) = [f for f in log.everything() if f.trace == "repeat_disputes_place"]
    watch = loader.watch
    assert isinstance(watch, Watch)
    placed = watch._placed
    judged: list[Finding] = []

    async def slow(store: Store, trace: Any, findings: Any) -> Any:
        if trace.trace == first.trace and not judged:
            judged.append(judge(log, loader.clock, first.id, "confirmed", "查实", "王"))
        return await placed(store, trace, findings)

    monkeypatch.setattr(watch, "_placed", slow)
    await send(loader, graph, tmp_path, "alarms", [alarm("N4", "03-20")], "_2")
    now = log.get(first.id)
    assert now is not None and judged
    assert (now.state, now.verdict, now.reason, now.count, now.revision) == (
        "confirmed",
        "confirmed",
        "查实",
        4,
        3,
    )
    assert [c.change for c in log.history(first.id)] == ["found", "judged", "grown"]


async def test_what_has_closed_is_judged_and_stays_closed(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    log = FindingLog(loader.ledger)
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)])
    (found,) = [f for f in log.everything() if f.trace == "repeat_disputes_place"]
    loader.clock = Clock(date(2025, 6, 30))
    assert loader.watch is not None
    await loader.watch.look(graph, loader.clock)
    told = judge(log, loader.clock, found.id, "confirmed", "查实", "王")
    assert (told.state, told.verdict, told.is_open) == ("cleared", "confirmed", False)
    assert told.closed_at is not None


async def test_what_is_found_first_is_told_to_nobody(graph: Store, loader: Loader, tmp_path: Path) -> None:
    files = [write_feed(tmp_path, feed, rows) for feed, rows in DISTRICT.items()]
    await loader.load(graph, files)
    log = FindingLog(loader.ledger)
    assert standing(loader)
    assert log.after(0, 100) == []
    # Made again from the ledger, the graph shows the same findings, and still nobody is told.
    before, last = await shown(graph), log.last()
    loader.forget()
    await wipe(graph)
    await ensure_schema(graph)
    await loader.apply_waiting(graph)
    assert await shown(graph) == before
    assert log.last() == last


async def test_a_kill_before_the_graph_shows_it(
    graph: Store, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)

    async def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"04-0{n}") for n in (1, 2, 3)])
    assert await shown(graph) == set()
    await loader.watch.look(graph, loader.clock)  # type: ignore[union-attr]
    assert {(trace, ids) for _, trace, ids in await shown(graph)} == {
        (trace, tuple(sorted(ids))) for trace, _, ids in standing(loader)
    }
    changes = [(c.finding.id, c.change) for c in FindingLog(loader.ledger).after(0, 100)]
    assert len(changes) == len(set(changes)), "nothing is told twice"


async def test_a_judgement_stays(graph: Store, loader: Loader, tmp_path: Path) -> None:
    log = FindingLog(loader.ledger)
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"04-0{n}") for n in (1, 2, 3)])
    (found,) = [f for f in log.everything() if f.trace == "repeat_disputes_place"]
    judged = replace(
        found,
        state="dismissed",
        verdict="dismissed",
        reason="已调解",
        judge="王",
        revision=found.revision + 1,
    )
    assert log.judge(found.id, found.revision, judged, "2025-05-15T10:00:00+08:00") is None
    conflict = log.judge(found.id, found.revision, judged, "2025-05-15T10:00:01+08:00")
    assert conflict is not None
    assert conflict.revision == found.revision + 1
    await loader.watch.look(graph, loader.clock)  # type: ignore[union-attr]
    states = await graph.read("MATCH (f:Finding {id: $id}) RETURN f.state", {"id": found.id})
    assert states == ["dismissed"]
    # What was dismissed is not told again, unless there is more of it.
    await loader.watch.look(graph, loader.clock)  # type: ignore[union-attr]
    assert [f for f in log.everything() if f.trace == "repeat_disputes_place" and f.is_open] == []
    log.except_(
        "repeat_disputes_place", found.subject, "2025-12-01", "已调解", "王", "2025-05-15T10:00:00+08:00"
    )
    await send(loader, graph, tmp_path, "alarms", [alarm("N4", "05-02")], "_2")
    assert [f for f in log.everything() if f.trace == "repeat_disputes_place" and f.is_open] == []
    assert found.subject.startswith(BUILDING)


async def test_what_is_no_longer_of_its_kind(graph: Store, loader: Loader, tmp_path: Path) -> None:
    """An incident that turns out to be something else touches the findings that it shows, though it is none of theirs any more."""
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"04-0{n}") for n in (1, 2, 3)])
    assert {"repeat_disputes_place", "repeat_disputes_parties"} <= {trace for trace, _, _ in standing(loader)}
    await send(
        loader, graph, tmp_path, "alarms", [alarm("N2", "04-02", kind="求助", updated="2025-05-02")], "_2"
    )
    assert standing(loader) == await whole(loader, graph)
    assert not {"repeat_disputes_place", "repeat_disputes_parties"} & {
        trace for trace, _, _ in standing(loader)
    }


async def test_what_is_touched_waits_for_one_trace_at_a_time(
    graph: Store, loader: Loader, tmp_path: Path
) -> None:
    """While traces have yet to look at the whole district, those that have done so already tell what is touched; in the end all is as if
    all had looked at once, and what each found first was told to nobody."""
    watch, log = loader.watch, FindingLog(loader.ledger)
    assert isinstance(watch, Watch)
    loader.watch = None
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"03-0{n}") for n in (1, 2, 3)])
    names = list(load_traces(None, loader.terms))

    def known() -> int:
        return sum(loader.records.meta(f"trace:{n}") is not None for n in names)

    for many in range(1, len(names)):
        await watch.look(graph, loader.clock, 0.0)
        assert known() == many
        assert watch.waits(loader.clock)
        if loader.records.meta("trace:repeat_disputes_place") is not None:
            break
    (found,) = [f for f in log.everything() if f.trace == "repeat_disputes_place"]
    assert (found.count, log.after(0, 100)) == (3, [])
    waiting = [n for n in names if loader.records.meta(f"trace:{n}") is None]
    assert "shell_enterprises" in waiting
    firms = [
        dict(DISTRICT["enterprises"][0]) | {"统一社会信用代码": make_uscc("9", "1", "330109", f"MA2B9{n:03}"), "名称": f"杭州壳{n}有限公司"}
        for n in range(12)
    ]  # fmt: skip
    await send(loader, graph, tmp_path, "enterprises", firms)
    await send(loader, graph, tmp_path, "alarms", [alarm("N4", "03-20")], "_2")
    await watch.look(graph, loader.clock, 0.0)
    grown = log.get(found.id)
    assert grown is not None
    assert grown.count == 4
    assert known() < len(names), "others have yet to look at the district"
    while watch.waits(loader.clock):
        many = known()
        await watch.look(graph, loader.clock, 0.0)
        assert known() == many + 1
    assert standing(loader) == await whole(loader, graph)
    told = {(c.finding.trace, c.change) for c in log.after(0, 100)}
    assert {("repeat_disputes_place", "grown"), ("shell_enterprises", "found")} <= told
    assert {change for trace, change in told if trace.startswith("repeat")} == {"grown"}
    assert loader.records.awaited() == set()


async def test_an_exception_ends(graph: Store, loader: Loader, tmp_path: Path) -> None:
    log = FindingLog(loader.ledger)
    assert loader.watch is not None
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await loader.watch.look(graph, loader.clock)
    log.except_("repeat_disputes_place", HOUSE_301, "2025-05-20", "已知", "王", "2025-05-15T10:00:00+08:00")
    await send(loader, graph, tmp_path, "alarms", [alarm(f"N{n}", f"05-0{n}") for n in (1, 2, 3)])
    assert "repeat_disputes_place" not in {trace for trace, _, _ in standing(loader)}
    for day, there in ((19, False), (20, True), (21, True)):
        loader.clock = Clock(date(2025, 5, day))
        await loader.watch.look(graph, loader.clock)
        assert ("repeat_disputes_place" in {trace for trace, _, _ in standing(loader)}) is there


async def beside(store: Store, finding: str) -> list[str]:
    return await store.read(
        "MATCH (f:Finding {id: $id})-[:BESIDE]->(n) RETURN n.id ORDER BY n.id", {"id": finding}
    )


async def test_what_is_shown_beside_hides_nothing(graph: Store, loader: Loader, tmp_path: Path) -> None:
    """Who sees the community sees its lost person, wherever a group has gone since; and evidence comes before what stands beside it."""
    community = "330109002001"
    row = {
        "群名称": "金城社区居民群", "人数": "300", "服务地址": "萧山区北干街道金城社区", "地址编码": community, "更新时间": "2025-05-01 08:00:00",
        "数据性质": "合成数据",
    }  # fmt: skip
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "chat_groups", [row | {"群编号": f"QZ{i}"} for i in range(5)])
    lost = alarm("L1", "05-14", kind="求助") | {"警情细类": "走失", "办结时间": ""}
    await send(loader, graph, tmp_path, "alarms", [lost])
    (found,) = [f for f in FindingLog(loader.ledger).everything() if f.trace == "lost_person"]
    scope = Scope(Viewer("v", area=community), community)
    where = " AND ".join(scope.conditions("Finding", "f"))
    seen = f"MATCH (f:Finding {{id: $id}}) WHERE {where} RETURN f.id"
    assert await graph.read(seen, {**scope.parameters, "id": found.id}) == [found.id]
    moved = row | {"群编号": "QZ0", "服务地址": ELSEWHERE, "地址编码": "", "更新时间": "2025-05-13 08:00:00"}
    await send(loader, graph, tmp_path, "chat_groups", [moved], "_2")
    assert await graph.read(seen, {**scope.parameters, "id": found.id}) == [found.id]
    asked = {"ids": [found.id], "nodes": 3, "as_of": "2025-05-14", "as_of_end": "2025-05-15"}
    ((_, ids, links, cut),) = await graph.read(evidence(Scope(Viewer("v"), None)), asked)
    assert set(found.shown_by) <= set(ids) and len(ids) == 3 and cut
    assert {link["type"] for link in links} >= {"SHOWN_BY", "BESIDE", "ABOUT"}


async def test_what_is_shown_beside_is_no_news(graph: Store, loader: Loader, tmp_path: Path) -> None:
    """A lost person is told with the groups of the community; a group that is made later is no news of it, and joins with what is."""
    community = "330109002001"
    group = {
        "群编号": "QZ1", "群名称": "金城社区居民群", "人数": "300", "服务地址": "萧山区北干街道金城社区", "地址编码": community,
        "更新时间": "2025-05-01 08:00:00", "数据性质": "合成数据",
    }  # fmt: skip
    lost = alarm("L1", "05-14", kind="求助") | {"警情细类": "走失", "办结时间": ""}
    await send(loader, graph, tmp_path, "addresses", ADDRESSES)
    await send(loader, graph, tmp_path, "chat_groups", [group])
    await send(loader, graph, tmp_path, "alarms", [lost])
    log = FindingLog(loader.ledger)
    (found,) = [c.finding for c in log.after(0, 100) if c.finding.trace == "lost_person"]
    groups = await graph.read("MATCH (g:ChatGroup) RETURN g.id")
    assert found.beside == tuple(groups) and not set(groups) & set(found.shown_by)
    (shown_now,) = [ids for _, trace, ids in await shown(graph) if trace == "lost_person"]
    assert set(shown_now) == set(found.shown_by)
    assert await beside(graph, found.id) == groups
    last = log.last()
    await send(loader, graph, tmp_path, "chat_groups", [group | {"群编号": "QZ2"}], "_2")
    assert log.last() == last
    await send(loader, graph, tmp_path, "alarms", [lost | {"接警单号": "L2"}], "_2")
    grown = [c for c in log.after(last, 100) if c.finding.trace == "lost_person"]
    assert [(c.change, c.finding.count, len(c.finding.beside)) for c in grown] == [("grown", 2, 2)]
    # Both are found: it closes, and with it all that was shown.
    ended = [
        row | {"办结时间": "2025-05-14 12:00:00", "更新时间": "2025-05-02"}
        for row in (lost, lost | {"接警单号": "L2"})
    ]
    await send(loader, graph, tmp_path, "alarms", ended, "_3")
    after = log.get(found.id)
    assert after is not None and after.state == "cleared"
