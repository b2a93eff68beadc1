"""Places by text, of rows, files and whoever asks: an address that comes later, another process, picks, the command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from addresses.resolution import Outcome
from graph.store import Store
from loaders import readers
from loaders.resolving import Resolving
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.errors import UsageError
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import ADDRESSES, BUILDING, DISTRICT, HOUSE_301, C, write_feed
from tests.test_cli import quanxi

pytestmark = pytest.mark.anyio
KEY = {"QUANXI_KEY": "ab" * 32}
LATE = {
    "地址编码": C + "0002", "上级编码": C, "层级": "幢", "名称": "火星路1号", "全称": "萧山区北干街道金城社区火星路1号", "更新时间": "2025-02-01",
}  # fmt: skip
WANG = "MATCH (:Person {name: '王测试'})-[:LIVES_AT]->(a) RETURN a.code"


async def loaded(store: Store, directory: Path) -> Loader:
    loader = open_loader(directory / "data", None, CLOCK, keyring=KEYRING)
    feeds = {f: DISTRICT[f] for f in ("addresses", "residents")}
    await loader.load(store, [write_feed(directory, f, rows) for f, rows in feeds.items()])
    return loader


async def test_another_process_knows_what_this_one_loads_and_picks(
    clean_graph: Store, tmp_path: Path
) -> None:
    loader = await loaded(clean_graph, tmp_path)
    other = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    asking = Resolving(other)
    assert asking.resolve("火星路1号").outcome is Outcome.UNRESOLVED
    assert [w.text for w in asking.waiting(Outcome.UNRESOLVED)[0]] == ["火星路1号"]
    await loader.load(clean_graph, [write_feed(tmp_path, "addresses", [LATE], "_2")])
    best = asking.resolve("北干街道火星路1号").best
    assert best is not None and best.code == LATE["地址编码"]
    assert asking.waiting(Outcome.UNRESOLVED) == ([], 0)
    assert await clean_graph.read(WANG) == [LATE["地址编码"]], "the row that it explains is placed"
    asking.pick("火星路1号", HOUSE_301, "住户说明", "甲")
    assert loader.is_decided_anew()
    await loader.load(clean_graph, [])
    assert await clean_graph.read(WANG) == [HOUSE_301]
    (batch,) = [b for b in loader.ledger.batches("addresses") if b.rows == 1]
    with loader.ledger.lease():
        loader.retract(batch)
        await loader.apply_waiting(clean_graph)
    assert asking.resolve("金城社区火星路1号").best is None or asking.resolve("火星路2号").best is None
    assert LATE["地址编码"] not in other.places.gazetteer
    other.close()
    loader.close()


async def test_a_pick_of_a_place_that_is_not_there_yet_waits_for_it(
    clean_graph: Store, tmp_path: Path
) -> None:
    loader = await loaded(clean_graph, tmp_path)
    with pytest.raises(UsageError) as told:
        Resolving(loader).pick("火星路1号", LATE["地址编码"], "x", "甲")
    assert told.value.code == "NOT_FOUND"
    # As a ledger is replayed into an empty record store: the decision is there before its place.
    loader.ledger.pick("火星路一号院", LATE["地址编码"], "甲", "2025-01-01T00:00:00+08:00", "x")
    await loader.load(clean_graph, [])
    assert loader.places.read("火星路一号院").outcome is Outcome.UNRESOLVED
    await loader.load(clean_graph, [write_feed(tmp_path, "addresses", [LATE], "_2")])
    best = loader.places.read("火星路一号院").best
    assert best is not None and best.code == LATE["地址编码"] and best.because[0][0] == "decision"
    loader.close()


async def test_an_older_resolvers_answers_are_read_again(clean_graph: Store, tmp_path: Path) -> None:
    loader = await loaded(clean_graph, tmp_path)
    assert not loader.places.is_of_another_resolver
    with loader.records.transaction() as db:
        loader.records.set_meta("resolver", "of long ago")
        db.execute(
            "UPDATE resolution SET code = ?, level = 'COMMUNITY', confidence = 0.5 WHERE key LIKE '%火星路1号%'",
            (C,),
        )
    loader.close()
    loader = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    assert loader.places.is_of_another_resolver
    await loader.load(clean_graph, [])
    assert not loader.places.is_of_another_resolver
    assert loader.unplaced() == {"residents": 1}
    loader.close()


async def test_the_command_needs_no_engine(clean_graph: Store, tmp_path: Path) -> None:
    (await loaded(clean_graph, tmp_path)).close()
    data = tmp_path / "data"
    one = quanxi("resolve", "--text", "金帝花园三栋1单元301", "--json", data=data, **KEY)
    assert one.returncode == 0, one.stderr
    told = json.loads(one.stdout)
    assert (told["outcome"], told["best"]["code"], told["best"]["fullName"]) == (
        "RESOLVED", HOUSE_301, ADDRESSES[-1]["全称"],
    )  # fmt: skip
    shown = quanxi("resolve", "--text", "金帝花园三栋1单元301", data=data, **KEY)
    assert "RESOLVED" in shown.stdout and HOUSE_301 in shown.stdout and "楼幢号" in shown.stdout

    table = tmp_path / "名册.csv"
    texts = ["北干街道金帝花园3幢", "火星路1号", "", "北干街道金帝花园3幢"]
    with table.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([["姓名", "现住地址"], *([f"甲{i}", t] for i, t in enumerate(texts))])
    done = quanxi("resolve", str(table), data=data, **KEY)
    assert done.returncode == 0, done.stderr
    written = pl.read_csv(tmp_path / "名册_resolved.csv", infer_schema=False)
    assert written.get_column("姓名").to_list() == ["甲0", "甲1", "甲2", "甲3"]
    assert written.get_column("解析·编码 code").to_list() == [BUILDING, None, None, BUILDING]
    assert written.get_column("解析·结果 outcome").to_list() == ["RESOLVED", "UNRESOLVED", None, "RESOLVED"]
    assert "BAD_ARGUMENT" in quanxi("resolve", str(table), data=data, **KEY).stderr, "it is there already"

    again = tmp_path / "again.xlsx"
    done = quanxi(
        "resolve",
        str(tmp_path / "名册_resolved.csv"),
        "--column",
        "现住地址",
        "-o",
        str(again),
        data=data,
        **KEY,
    )
    assert done.returncode == 0, done.stderr
    (book,) = readers.sources(again)
    assert book.columns == written.columns, "our columns are written anew, not a second time"
    assert (again.stat().st_mode & 0o777) == 0o600
    for words, code in (
        (["--column", "没有", "-o", "x.csv"], "BAD_HEADER"), (["-o", "x.pdf"], "BAD_ARGUMENT"), (["--near", "1"], "BAD_CODE"),
    ):  # fmt: skip
        refused = quanxi("resolve", str(table), *words, "--force", data=data, **KEY)
        assert refused.returncode == 2 and code in refused.stderr, (words, refused.stderr)

    picked = quanxi("resolve", "pick", "火星路1号", C, "--reason", "核实", data=data, **KEY)
    assert picked.returncode == 0, picked.stderr
    (kept,) = json.loads(quanxi("resolve", "picks", "--json", data=data, **KEY).stdout)
    assert (kept["text"], kept["code"], kept["reason"]) == ("火星路1号", C, "核实")
    waiting = quanxi("unplaced", "--outcome", "unresolved", "--json", data=data, **KEY)
    assert [w["text"] for w in json.loads(waiting.stdout)] == ["火星路1号"], "until it is applied"
    assert quanxi("resolve", "unpick", "火星路1号", "--reason", "错", data=data, **KEY).returncode == 0
    assert json.loads(quanxi("resolve", "picks", "--json", data=data, **KEY).stdout) == []


def test_a_directory_without_addresses_is_told(tmp_path: Path) -> None:
    done = quanxi("resolve", "--text", "x", data=tmp_path / "none", **KEY)
    assert done.returncode == 2 and "NO_ADDRESSES" in done.stderr
    assert not (tmp_path / "none").exists()
    assert "BAD_ARGUMENT" in quanxi("resolve", "file", data=tmp_path / "none", **KEY).stderr
