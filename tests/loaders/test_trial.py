"""A load that only says what it would do says what the load then does, and changes nothing."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from ledger import Keyring
from ledger.ledger import transaction
from loaders.declaration import Feed
from loaders.run import Loader
from loaders.trial import Trial, try_load
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import UsageError
from tests.loaders.graphs import whole_graph
from tests.loaders.test_careful import MEMBERS, REGISTER, member, registered, write
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import DISTRICT, write_district, write_feed

pytestmark = pytest.mark.anyio
FEEDS = [Feed.model_validate(spec) for spec in (MEMBERS, REGISTER)]


@pytest.fixture
async def graph(clean_graph: Store) -> Store:
    await ensure_schema(clean_graph)
    return clean_graph


def opened(data: Path) -> Loader:
    loader = open_loader(data, None, CLOCK, keyring=KEYRING)
    for feed in FEEDS:
        loader.add_feed(feed)
    return loader


def tried(data: Path, *paths: Path, keyring: Keyring = KEYRING, clock: Clock = CLOCK) -> Trial:
    return try_load(data, None, clock, paths, keyring=keyring, feeds=FEEDS)


def contents(directory: Path) -> dict[str, str]:
    """Every file with what is in it, but the index of SQLite's log, and the log when it is empty."""
    return {
        str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(directory.rglob("*"))
        if p.is_file() and not p.name.endswith("-shm") and (p.stat().st_size or not p.name.endswith("-wal"))
    }


def parts(graph: dict[str, list[Any]]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Nodes and relationships by what they are, without the counts that the graph keeps of a place."""
    nodes = {
        (label, id): {k: v for k, v in values.items() if not k.startswith("n_")}
        for label, id, values in graph["nodes"]
        if label != "Meta" and id is not None
    }
    links = {(type, start, end, values.get("k")): values for start, type, end, values in graph["links"]}
    return nodes, links


def counted(before: dict[Any, Any], after: dict[Any, Any]) -> dict[str, tuple[int, int, int]]:
    """What came, changed and went, by the first part of the name."""
    came = Counter(n[0] for n in after.keys() - before.keys())
    went = Counter(n[0] for n in before.keys() - after.keys())
    other = Counter(n[0] for n in before.keys() & after.keys() if before[n] != after[n])
    return {n: (came[n], other[n], went[n]) for n in came.keys() | went.keys() | other.keys()}


async def assert_told(trial: Trial, before: dict[str, list[Any]], graph: Store) -> None:
    after = await whole_graph(graph)
    for was, now, said in zip(parts(before), parts(after), (trial.nodes, trial.links), strict=True):
        told = {n: (d.added, d.changed, d.removed) for n, d in said.items()}
        assert {n: c for n, c in told.items() if any(c)} == counted(was, now)


async def test_what_is_said_is_what_is_done(graph: Store, tmp_path: Path) -> None:
    data = tmp_path / "data"
    base = write_district(tmp_path)
    changed = [{**DISTRICT["residents"][0], "手机号": "13800000009", "更新时间": "2025-06-01"}, DISTRICT["residents"][1],
               {"人口编号": "R9", "姓名": "无住址", "公民身份号码": "330109199001010000", "更新时间": "2025-06-01"}]  # fmt: skip
    moved = {**DISTRICT["addresses"][-1], "名称": "三〇一室"}
    steps = [
        base,
        [write_feed(tmp_path, "residents", changed, "_2")],
        [write(tmp_path, "测试_成员_20250101.csv", [member("M1"), member("M2")]), write(tmp_path, "登记簿.csv", [registered("2025-01-01")])],
        [write(tmp_path, "测试_成员_20250201.csv", [member("M1"), member("M3")]), write_feed(tmp_path, "addresses", [moved], "_2")],
        [write(tmp_path, "登记簿2.csv", [registered("2025-06-01", "作废")])],
        base,
    ]  # fmt: skip
    for files in steps:
        before = await whole_graph(graph)
        was = contents(data)
        trial = tried(data, *files)
        assert contents(data) == was
        loader = opened(data)
        summary = await loader.load(graph, files)
        loader.close()
        await assert_told(trial, before, graph)
        assert [(f.rows, f.loaded, f.rejected, f.dropped, f.known is not None) for f in trial.files] == [
            (f.read, f.loaded, f.quarantined, f.dropped_cells, f.known) for f in summary.files
        ]
    assert all(f.known == "received" for f in trial.files) and not trial.nodes and not trial.links


def test_rows_are_told_by_what_their_records_are(tmp_path: Path) -> None:
    data = tmp_path / "data"
    loader = opened(data)
    first = write(tmp_path, "测试_成员_20250101.csv", [member("M1"), member("M2"), member("M3")])
    for batch in loader.receive(first):
        loader.digest(batch)
    loader.close()
    rows = [
        member("M1"),
        {**member("M2"), "姓名": "改名"},
        member("M4"),
        member("M4"),
        {**member("M5"), "编号": ""},
    ]
    (file,) = tried(data, write(tmp_path, "测试_成员_20250101b.csv", rows)).files
    # The fourth says of M4 what the third has said; M3 is of the same day, so nothing closes it.
    assert (file.new, file.changed, file.unchanged, file.closed, file.rejected) == (1, 1, 2, 0, 1)
    assert [(r.column, r.row, r.cells, r.en) for r in file.reasons] == [
        ("编号", 6, 1, "is required and empty")
    ]
    (file,) = tried(data, write(tmp_path, "测试_成员_20250102.csv", rows)).files
    assert file.closed == 1


def test_what_would_be_held_says_why_and_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    loader = opened(data)
    many = [member(f"M{i:03}") for i in range(200)]
    for batch in loader.receive(write(tmp_path, "测试_成员_20250101.csv", many)):
        loader.digest(batch)
    loader.close()
    odd = [{**m, "编号": ""} if i % 2 else m for i, m in enumerate(many)]
    trial = tried(
        data,
        write(tmp_path, "测试_成员_20250102.csv", many[:60]),
        write(tmp_path, "测试_成员_20250103.csv", odd),
        write(tmp_path, "测试_成员_20250104.csv", [*many, member("M900")]),
    )
    shrunk, rejects, good = trial.files
    assert "60 rows, usually 200" in (shrunk.held or "")
    assert "50% of the rows rejected" in (rejects.held or "") and rejects.reasons[0].cells == 100
    assert good.held is None and good.new == 1
    assert trial.links["MEMBER_OF"].removed == trial.links["MEMBER_OF"].changed == 0
    assert trial.ahead == 0
    # The first of the three lists was received, and was never brought into a graph: that counts as done.
    assert (trial.nodes["Volunteer"].added, trial.links["MEMBER_OF"].added) == (1, 1)


async def test_what_waits_is_not_counted_and_nobody_is_kept_waiting(graph: Store, tmp_path: Path) -> None:
    """Another process may write all the while; what it has received but not yet applied comes first."""
    data = tmp_path / "data"
    loader = opened(data)
    await loader.load(graph, write_district(tmp_path))
    loader.receive(write(tmp_path, "测试_成员_20250101.csv", [member("M1"), member("M2")]))
    second = write(tmp_path, "测试_成员_20250201.csv", [member("M1")])
    with loader.ledger.lease(), transaction(loader.records.db), transaction(loader.ledger.db):
        trial = tried(data, second)
        other = sqlite3.connect(data / "ledger" / "records.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    assert trial.ahead == 1
    await loader.load(graph, [])
    before = await whole_graph(graph)
    await loader.load(graph, [second])
    await assert_told(trial, before, graph)
    assert trial.links["MEMBER_OF"].changed == 1
    loader.close()


def test_into_a_directory_that_is_not_there(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    trial = tried(tmp_path / "none", *write_district(tmp_path), keyring=Keyring(directory=keys))
    assert trial.nodes["Address"].added == len(DISTRICT["addresses"])
    # One resident moved: that is a second version of the record.
    assert sum(f.new + f.changed for f in trial.files) == sum(f.loaded for f in trial.files) > 0
    assert sum(f.changed for f in trial.files) == 1
    assert not (tmp_path / "none").exists() and not keys.exists()


def test_a_store_that_is_half_made_is_not_believed(tmp_path: Path) -> None:
    """While a first load runs its record store is not whole: the trial makes it from the ledger, for itself."""
    data = tmp_path / "data"
    loader = opened(data)
    for path in (write_district(tmp_path)[0], write(tmp_path, "测试_成员_20250101.csv", [member("M1")])):
        for batch in loader.receive(path):
            loader.digest(batch)
    loader.records.db.execute("DELETE FROM about")
    loader.records.set_meta("first_load", "running")
    loader.close()
    trial = tried(data, write(tmp_path, "测试_成员_20250201.csv", [member("M2")]))
    assert trial.ahead == 2
    assert (trial.links["MEMBER_OF"].added, trial.links["MEMBER_OF"].changed) == (1, 1)


def test_a_mistake_is_told_as_a_load_tells_it(tmp_path: Path) -> None:
    path = write(tmp_path, "测试_成员_20250101.csv", [{"编号": "M1"}])
    for data in (tmp_path / "none", tmp_path / "data"):
        with pytest.raises(UsageError) as raised:
            tried(data, path)
        assert raised.value.code == "BAD_HEADER"
        opened(tmp_path / "data").close()
