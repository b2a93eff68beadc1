"""What is no more is closed, what is odd is held, what was wrong is taken back; and the order of it all means nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from loaders.declaration import Feed
from loaders.run import Loader
from loaders.wiring import open_loader
from tests.conftest import empty
from tests.loaders.graphs import whole_graph
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import HOME, LI, Row, write_district

pytestmark = pytest.mark.anyio
MEMBERS = {
    "feed": "members", "zh": "成员", "en": "Members", "department": "测试", "match": ["*成员*"], "key": ["编号"],
    "mode": "snapshot", "scope": ["队"],
    "columns": {"编号": {"required": True}, "姓名": {}, "队": {}, "地址": {}},
    "entities": {
        "member": {"label": "Volunteer", "id": {"vid": "编号"}, "set": {"vid": "编号", "name": "姓名"}},
        "team": {"label": "Team", "id": {"tid": "队"}, "set": {"tid": "队"}},
    },
    "links": [
        {"start": "member", "type": "MEMBER_OF", "end": "team"},
        {"start": "member", "type": "SERVES", "place": {"text": "地址"}},
    ],
}  # fmt: skip
REGISTER = {
    "feed": "register", "zh": "登记", "en": "Register", "department": "测试", "match": ["*登记簿*"], "key": ["编号"],
    "effective": "日期", "trust": 95,
    "deletions": {"column": "变动", "values": {"注销": "close", "死亡": "died", "作废": "remove"}, "at": "变动日期"},
    "columns": {
        "编号": {"required": True}, "姓名": {}, "身份证": {"type": "citizen_id"}, "住址": {}, "入住": {"type": "date"},
        "日期": {"type": "date", "required": True}, "变动": {}, "变动日期": {"type": "date"},
    },
    "entities": {"person": {"label": "Person", "id": {"id_number": "身份证"}, "set": {"name": "姓名"}}},
    "links": [{"start": "person", "type": "LIVES_AT", "place": {"text": "住址"}, "since": "入住"}],
}  # fmt: skip


@pytest.fixture
async def graph(clean_graph: Store) -> Store:
    await ensure_schema(clean_graph)
    return clean_graph


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Loader]:
    """New loaders, each with a ledger of its own, for the catalogue and two feeds more."""
    number = itertools.count()

    def make() -> Loader:
        loader = open_loader(tmp_path / f"data{next(number)}", None, CLOCK, keyring=KEYRING)
        for spec in (MEMBERS, REGISTER):
            loader.add_feed(Feed.model_validate(spec))
        return loader

    return make


def write(directory: Path, name: str, rows: list[Row]) -> Path:
    header = list(dict.fromkeys(c for row in rows for c in row))
    lines = [",".join(header), *(",".join(row.get(c, "") for c in header) for row in rows)]
    path = directory / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def member(number: str, team: str = "T1") -> Row:
    return {"编号": number, "姓名": f"{number}号", "队": team, "地址": HOME}


def registered(day: str, change: str = "", at: str = "", since: str = "2020-01-01") -> Row:
    return {
        "编号": "G1", "姓名": "赵登记", "身份证": LI, "住址": HOME, "入住": since, "日期": day, "变动": change, "变动日期": at,
    }  # fmt: skip


SERVED = "MATCH (v:Volunteer)-[r:MEMBER_OF]->(t) WHERE v.vid STARTS WITH 'M' RETURN [v.vid, r.until] AS x ORDER BY x"
LIVED = "MATCH (p:Person {name: '赵登记'})-[r:LIVES_AT]->() RETURN [r.since, r.until, p.died] AS x ORDER BY x"
OPEN = "9999-12-31"


async def test_a_snapshot_closes_what_it_no_longer_holds(
    graph: Store, opened: Callable[[], Loader], tmp_path: Path
) -> None:
    base = write_district(tmp_path)
    days = {
        "20250101": [member("M1"), member("M2"), member("M3"), member("M9", "T2")],
        "20250201": [member("M1"), member("M3")],  # M2 left; T2's list is another file's
        "20250301": [member("M1"), member("M2")],  # M2 is back, M3 left
    }
    files = [write(tmp_path, f"测试_成员_{day}.csv", rows) for day, rows in days.items()]
    loader = opened()
    await loader.load(graph, [*base, files[0], files[1]])
    assert await graph.read(SERVED) == [["M1", OPEN], ["M2", "2025-02-01"], ["M3", OPEN], ["M9", OPEN]]
    await loader.load(graph, [files[2]])
    assert await graph.read(SERVED) == [["M1", OPEN], ["M2", OPEN], ["M3", "2025-03-01"], ["M9", OPEN]]
    whole = await whole_graph(graph)
    loader.close()
    for order in ((2, 0, 1), (1, 2, 0), (2, 1, 0)):
        await empty(graph)
        await ensure_schema(graph)
        other = opened()
        for i in order:
            await other.load(graph, [files[i]])
        await other.load(graph, base)
        assert await whole_graph(graph) == whole, order
        other.close()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([registered("2025-01-01"), registered("2025-06-01", "注销", "2025-05-20")], [["2020-01-01", "2025-05-20", None]]),
        ([registered("2025-01-01"), registered("2025-06-01", "死亡", "2025-05-20")],
         [["2020-01-01", "2025-05-20", "2025-05-20"]]),
        ([registered("2025-01-01"), registered("2025-06-01", "作废", "2025-05-20")], []),
        ([registered("2025-01-01"), registered("2025-06-01", "作废"), registered("2025-07-01", since="2025-07-01")],
         [["2025-07-01", OPEN, None]]),
        ([registered("2025-06-01", "注销", "2025-05-20")], [["2020-01-01", "2025-05-20", None]]),
    ],
)  # fmt: skip
async def test_a_row_says_that_something_is_no_more(
    graph: Store, opened: Callable[[], Loader], tmp_path: Path, rows: list[Row], expected: list[object]
) -> None:
    base = [p for p in write_district(tmp_path) if "标准地址" in p.name]
    wholes = []
    for order in itertools.permutations(range(len(rows))):
        await empty(graph)
        await ensure_schema(graph)
        loader = opened()
        await loader.load(graph, base)
        for i in order:
            await loader.load(graph, [write(tmp_path, f"登记簿{i}.csv", [rows[i]])])
        assert await graph.read(LIVED) == expected, order
        wholes.append(await whole_graph(graph))
        loader.close()
    assert all(w == wholes[0] for w in wholes)


async def test_a_batch_is_taken_back(graph: Store, opened: Callable[[], Loader], tmp_path: Path) -> None:
    base = write_district(tmp_path)
    first = write(tmp_path, "测试_成员_20250101.csv", [member("M1"), member("M2"), member("M3")])
    wrong = write(tmp_path, "测试_成员_20250201.csv", [member("M1"), {**member("M4"), "姓名": "误发"}])
    right = write(
        tmp_path, "测试_成员_20250301.csv", [member("M1"), member("M2"), member("M3"), member("M4")]
    )
    book = write(tmp_path, "登记簿.csv", [registered("2025-01-01")])
    never = opened()
    await never.load(graph, [*base, first, right])
    without = await whole_graph(graph)
    never.close()
    await empty(graph)
    await ensure_schema(graph)
    loader = opened()
    for path in (*base, first, wrong, right, book):
        await loader.load(graph, [path])
    for path in (wrong, book):
        batch = next(b for b in loader.ledger.batches() if b.file == path.name)
        with loader.ledger.lease():
            assert loader.retract(batch, "误发") > 0
            await loader.apply_waiting(graph)
        assert loader.ledger.batch(batch.id).state == "retracted"  # type: ignore[union-attr]
    assert await whole_graph(graph) == without
    assert loader.waiting() == []
    # The same file again is the same batch: it stays taken back.
    await loader.load(graph, [wrong])
    assert await whole_graph(graph) == without
    loader.close()


async def test_an_odd_batch_is_held_for_a_person(
    graph: Store, opened: Callable[[], Loader], tmp_path: Path
) -> None:
    many = [member(f"M{i:03}") for i in range(200)]
    loader = opened()
    await loader.load(graph, [write(tmp_path, "测试_成员_20250101.csv", many)])
    before = await whole_graph(graph)
    cases = {
        "shrunk": write(tmp_path, "测试_成员_20250102.csv", many[:60]),
        "grown": write(tmp_path, "测试_成员_20250103.csv", [member(f"X{i:05}") for i in range(2000)]),
        "header": write(tmp_path, "测试_成员_20250104.csv", [{**m, "备注": "新"} for m in many]),
        "rejects": write(
            tmp_path,
            "测试_成员_20250105.csv",
            [{**m, "编号": ""} if i % 2 else m for i, m in enumerate(many)],
        ),
    }
    for name, path in cases.items():
        summary = await loader.load(graph, [path])
        (held,) = [f for f in summary.files if f.held]
        assert held.loaded == 0, name
        assert await whole_graph(graph) == before, name
    states = {b.file: b.state for b in loader.ledger.batches()}
    assert list(states.values()).count("held") == 4
    shrunk = next(b for b in loader.ledger.batches() if b.file == cases["shrunk"].name)
    assert "60 rows, usually 200" in (shrunk.reason or "")
    with loader.ledger.lease():
        loader.release(shrunk)
        await loader.apply_waiting(graph)
    closed = await graph.read_one(
        "MATCH ()-[r:MEMBER_OF]->() WHERE r.until = '2025-01-02' RETURN count(r) AS x"
    )
    assert closed == 140
    loader.close()
