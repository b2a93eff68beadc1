"""What has passed its retention goes, for good, wherever it is broken off; what is left is as if it had never been there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from ledger import Batch, Pushes
from ledger.segments import Columns
from loaders import retention
from loaders.declaration import Feed
from loaders.load import Target, compact, rebuild
from loaders.run import Loader
from loaders.wiring import open_loader
from tests.conftest import empty
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_careful import MEMBERS, REGISTER, member, registered, write
from tests.loaders.test_first_load import stored
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import ADDRESSES, FEEDS, LI, ZHANG, Row, write_district, write_feed
from tests.test_cli import quanxi

pytestmark = pytest.mark.anyio
# Today is 2025-12-15.
KEPT = "P1Y"
OLD, EDGE, NEW = "2024-12-14", "2024-12-15", "2025-06-01"


def opened(data: Path) -> Loader:
    loader = open_loader(data, None, CLOCK, keyring=KEYRING)
    for spec in (MEMBERS, REGISTER):
        loader.add_feed(Feed.model_validate({**spec, "retention": KEPT}))
    return loader


@pytest.fixture
async def graph(clean_graph: Store) -> Store:
    await ensure_schema(clean_graph)
    return clean_graph


def someone(number: str, day: str, id_number: str, change: str = "") -> Row:
    return {**registered(day, change), "编号": number, "身份证": id_number}


# Rows of the register file by file, each with whether it is kept; and one row that is kept out of its batch of an old day.
REGISTERS: dict[str, list[tuple[Row, bool]]] = {
    "登记簿_20250601.csv": [
        (someone("A", OLD, LI), False),
        (someone("B", EDGE, ZHANG), True),
        (someone("C", NEW, LI), True),
        (someone("C", OLD, LI), False),
        (someone("", NEW, LI), True),
    ],
    "登记簿_20250701.csv": [(someone("A", OLD, LI), False), (someone("B", NEW, ZHANG, "注销"), True)],
    "登记簿_20241214.csv": [(someone("D", OLD, ZHANG), False), (someone("", OLD, ZHANG), False)],
}
SNAPSHOTS: dict[str, list[Row]] = {
    "测试_成员_20241201.csv": [member("M1"), member("M2"), member("M5", "T2")],
    "测试_成员_20250101.csv": [member("M1"), member("M3")],
    "测试_成员_20250601.csv": [member("M3"), member("M4")],
}


def deliveries(directory: Path, kept: bool, whole: bool = True) -> list[Path]:
    """The files as they came, in a district of addresses only unless `whole`; only what is kept of them, when asked for."""
    directory.mkdir()
    files = write_district(directory) if whole else [write_feed(directory, "addresses", ADDRESSES)]
    for name, marked in REGISTERS.items():
        rows = [row for row, stays in marked if stays or not kept]
        if rows:
            files.append(write(directory, name, rows))
    files += [write(directory, n, rows) for n, rows in SNAPSHOTS.items() if not kept or n != min(SNAPSHOTS)]
    return files


async def expected(
    graph: Store, tmp_path: Path, whole: bool = True
) -> tuple[dict[str, list[Any]], dict[str, set[tuple[object, ...]]]]:
    """Graph and record store of what is kept, had nothing else ever come."""
    loader = opened(tmp_path / "never")
    await loader.load(graph, deliveries(tmp_path / "kept", True, whole))
    found, store = await whole_graph(graph), stored(loader)
    loader.close()
    await empty(graph)
    await ensure_schema(graph)
    return found, store


def texts(loader: Loader) -> str:
    """All that the ledger's batches hold, in clear."""
    batches = [b for b in loader.ledger.batches() if b.state != "purged"]
    return str([f.rows() for b in batches for f in loader.ledger.frames(b)])


async def test_what_is_past_its_retention_goes_for_good(graph: Store, tmp_path: Path) -> None:
    whole, store = await expected(graph, tmp_path)
    loader = opened(tmp_path / "data")
    await loader.load(graph, deliveries(tmp_path / "all", False))
    assert OLD in texts(loader)
    before = await whole_graph(graph)
    told = {p.feed.feed: p for p in retention.past(loader, ["members", "register"])}
    assert (told["register"].rows, told["register"].batches) == (5, 1)
    assert (told["members"].rows, told["members"].batches) == (3, 1)
    assert told["register"].before == EDGE and told["register"].oldest == OLD
    assert told["register"].entities > 0
    assert (await whole_graph(graph), loader.ledger.purges()) == (before, []), "told, and nothing done"
    with loader.ledger.lease():
        retention.purge(loader, ["members", "register"], "保管员")
        await loader.apply_waiting(graph)
    assert_same(await whole_graph(graph), whole)
    assert OLD not in texts(loader)
    left = stored(loader)
    for table in ("folded", "resolution"):
        assert left[table] == store[table], table
    assert not any(
        key == ("register", "A") for key in loader.records.db.execute("SELECT feed, rkey FROM record")
    )
    done = {p.feed: p for p in loader.ledger.purges()}
    assert all(p.ended for p in done.values())
    assert (done["register"].rows, done["members"].rows) == (5, 3)
    gone = [b for b in loader.ledger.batches() if b.state == "purged"]
    assert sorted(b.file for b in gone) == ["测试_成员_20241201.csv", "登记簿_20241214.csv"]
    assert not any(loader.ledger.files.path(b.id).exists() for b in gone)
    assert not any(p.rows or p.batches for p in retention.past(loader))
    assert not retention.waits(loader)
    # The same files again are the same batches, and stay gone; a rebuild has nothing else to go by.
    again = await loader.load(graph, list((tmp_path / "all").iterdir()))
    assert all(f.known for f in again.files)
    assert_same(await whole_graph(graph), whole)
    await rebuild(loader, Target(lambda: graph.address, tmp_path / "data"))
    assert_same(await whole_graph(graph), whole)
    assert stored(loader)["folded"] == left["folded"]
    loader.close()


STEPS = 9
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from ledger import ledger, records, rows
from loaders import retention
from tests.loaders.test_retention import opened
left = 0
def counted(owner, name):
    plain = getattr(owner, name)
    def step(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args, **kwargs)
    setattr(owner, name, step)
for owner, name in (
    (ledger.Ledger, "remove_batch"), (rows.RowFiles, "remove"), (rows.RowFiles, "keep"), (records.Records, "forget_feed"),
    (records.Records, "set_meta"), (records.Records, "settle_on_disk"), (ledger.Ledger, "end_purge"),
):
    counted(owner, name)
ended, step = None, 0
while ended != 0:
    step += 1
    left = step
    data = Path(sys.argv[1]) / f"killed{step}"
    shutil.copytree(Path(sys.argv[1]) / "loaded", data)
    child = os.fork()
    if child == 0:
        loader = opened(data)
        with loader.ledger.lease():
            retention.purge(loader, ["members", "register"], "保管员")
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended not in (0, -signal.SIGKILL):
        sys.exit(1)
print(step - 1)
"""


async def test_killed_while_it_removes(graph: Store, tmp_path: Path) -> None:
    """Killed (-9) at every step there is; whoever comes next goes on from there."""
    whole, _ = await expected(graph, tmp_path, False)
    loader = opened(tmp_path / "loaded")
    for path in deliveries(tmp_path / "all", False, False):
        loader.receive(path)
    for batch in loader.waiting():
        loader.digest(batch)
    loader.close()
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    steps = int(ran.stdout)
    assert steps >= STEPS
    ends = []
    for step in range(1, steps + 2):
        loader = opened(tmp_path / f"killed{step}")
        assert retention.waits(loader) == (step <= steps), step
        with loader.ledger.lease():
            retention.finish(loader)
            if step in (1, steps // 2, steps):
                await empty(graph)
                await ensure_schema(graph)
                await loader.apply_waiting(graph)
                assert_same(await whole_graph(graph), whole, step)
            else:
                for batch in loader.waiting():
                    loader.digest(batch)
        assert OLD not in texts(loader)
        gone = {p.feed: (p.rows, p.batches) for p in loader.ledger.purges()}
        assert gone == {"register": (5, 1), "members": (3, 1)}, step
        sql = "SELECT feed, rkey, effective, hash, batch, row FROM record ORDER BY 1, 2, 3, 4"
        ends.append(loader.records.db.execute(sql).fetchall())
        loader.close()
    assert all(end == ends[0] for end in ends)


async def test_pushed_rows_go_too(graph: Store, tmp_path: Path) -> None:
    loader = opened(tmp_path / "data")
    await loader.load(graph, write_district(tmp_path))
    without = await whole_graph(graph)
    pushes = Pushes(loader.ledger)
    row = someone("P", OLD, LI)
    _, done = pushes.submit("register", None, "x", Columns(list(row), [[v] for v in row.values()]))
    done.result()
    pushes.close()
    with loader.ledger.lease():
        compact(loader)
        await loader.apply_waiting(graph)
        assert await whole_graph(graph) != without
        retention.purge(loader, ["register"], "保管员")
        await loader.apply_waiting(graph)
    assert_same(await whole_graph(graph), without)
    assert not list((tmp_path / "data" / "ledger" / "segments").glob("*"))
    loader.close()


async def test_what_was_taken_back_or_waits_goes_too(graph: Store, tmp_path: Path) -> None:
    loader = opened(tmp_path / "data")
    base = write_district(tmp_path)
    first, second = (write(tmp_path, f"登记簿{n}_20241214.csv", [someone(n, OLD, LI)]) for n in ("一", "二"))
    await loader.load(graph, [*base, first])
    (held,) = loader.receive(second)
    loader.ledger.set_state(held, "held", "odd")
    taken = next(b for b in loader.ledger.batches() if b.file == first.name)
    with loader.ledger.lease():
        loader.retract(taken)
        await loader.apply_waiting(graph)
    with loader.ledger.lease():
        retention.purge(loader, ["register"], "保管员")
        await loader.apply_waiting(graph)
    assert [b.state for b in loader.ledger.batches("register")] == ["purged", "purged"]
    assert not any(loader.ledger.files.path(b.id).exists() for b in (held, taken))
    loader.close()


async def test_a_batch_taken_back_as_the_loader_dies(graph: Store, tmp_path: Path) -> None:
    """The decision is durable before its records are gone: whoever comes next goes on."""
    loader = opened(tmp_path / "data")
    base = write_district(tmp_path)
    await loader.load(graph, base)
    without = await whole_graph(graph)
    await loader.load(graph, [write(tmp_path, "登记簿.csv", [someone("A", NEW, LI)])])
    (batch,) = loader.ledger.batches("register")
    loader.ledger.set_state(batch, "retracted", "误发")
    loader.close()
    loader = opened(tmp_path / "data")
    assert retention.waits(loader)
    with loader.ledger.lease():
        await loader.apply_waiting(graph)
    assert_same(await whole_graph(graph), without)
    assert not retention.waits(loader)
    loader.close()


@pytest.mark.parametrize(
    ("file", "rows", "gone"),
    [
        # A row of another day is that old by what it says; one of the future is of the day that it came.
        ("登记簿_20990101.csv", [someone("A", "2099-01-01", LI)], 0),
        ("登记簿_20250101.csv", [someone("A", OLD, LI), someone("B", EDGE, LI)], 1),
        # What a snapshot holds is so on its own day.
        ("测试_成员_20241215.csv", [member("M1")], 0),
        ("测试_成员_20241214.csv", [member("M1")], 1),
    ],
)  # fmt: skip
def test_how_old_a_row_is(tmp_path: Path, file: str, rows: list[Row], gone: int) -> None:
    loader = opened(tmp_path / "data")
    batches: list[Batch] = loader.receive(write(tmp_path, file, rows))
    assert sum(p.rows for p in retention.past(loader, [batches[0].feed])) == gone
    loader.close()


def test_without_retention_all_is_kept(tmp_path: Path) -> None:
    loader = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    loader.add_feed(Feed.model_validate(REGISTER))
    loader.receive(write(tmp_path, "登记簿_19990101.csv", [someone("A", "1999-01-01", LI)]))
    assert list(retention.past(loader, ["register"])) == []
    loader.close()


async def test_the_command(graph: Store, tmp_path: Path) -> None:
    """Says what would go and does nothing; with --yes does it."""
    header = FEEDS["checkins"].columns
    rows: list[Row] = [
        {
            **dict.fromkeys(header, ""),
            "打卡流水": f"DK{n}",
            "点位编号": "XL1",
            "打卡时间": "2022-01-01 08:00:00",
        }
        for n in range(3)
    ]
    loader = opened(tmp_path / "data")
    await loader.load(graph, write_district(tmp_path))
    without = await whole_graph(graph)
    await loader.load(graph, [write(tmp_path, "巡防_打卡_20220101.csv", rows)])
    loader.close()
    whole = await whole_graph(graph)
    assert whole != without
    address = graph.address
    given = {
        "QUANXI_KEY": KEYRING.key or "", "QUANXI_TODAY": "2025-12-15", "NEO4J_URI": address.uri,
        "NEO4J_USER": address.user, "NEO4J_PASSWORD": address.password or "",
    }  # fmt: skip
    told = quanxi("retention", "purge", "--feed", "checkins", data=tmp_path / "data", **given)
    assert told.returncode == 0 and "3 rows of before 2023-12-15" in told.stdout, told
    assert await whole_graph(graph) == whole
    done = quanxi("retention", "purge", "--feed", "checkins", "--yes", data=tmp_path / "data", **given)
    assert done.returncode == 0 and "removed 已清除 3 rows, 1 batches" in done.stdout, done
    assert_same(await whole_graph(graph), without)
    again = quanxi("retention", "purge", "--yes", data=tmp_path / "data", **given)
    assert again.returncode == 0 and "没有过期的数据" in again.stdout
    listed = quanxi("retention", "list", "--feed", "checkins", data=tmp_path / "data", **given)
    assert listed.returncode == 0 and "2023-12-15" in listed.stdout
    wrong = quanxi("retention", "purge", "--feed", "nothing", data=tmp_path / "data", **given)
    assert wrong.returncode == 2 and "UNKNOWN_FEED" in wrong.stderr and "Traceback" not in wrong.stderr
