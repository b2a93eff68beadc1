"""What a first load has written into the record store: by a process beside it as by itself, all of a task or nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import polars as pl
import psutil
import pytest

from ledger.ledger import connect
from ledger.records import prepare
from loaders.bulk import keeping as module
from loaders.bulk.keeping import (
    About,
    Counts,
    Keeping,
    Links,
    States,
    Stopped,
    Task,
    TraitIndex,
    Traits,
    keep,
)
from loaders.identity.linker import LINKS
from ontology.errors import QuanxiError, UsageError


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The directory of an empty record store."""
    (tmp_path / "ledger").mkdir()
    db = connect(tmp_path / "ledger" / "records.db", durable=False)
    prepare(db)
    db.execute("DROP INDEX trait_raw")
    db.executemany("INSERT INTO trait VALUES (?, ?, ?)", [("name", "王", "per_b"), ("name", "张", "per_a")])
    db.close()
    return tmp_path / "ledger"


def rows(ledger: Path, sql: str) -> list[tuple[object, ...]]:
    db = connect(ledger / "records.db", durable=False)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def written(path: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(path)
    return path


def of(given: list[Task], kind: type[Task]) -> Task:
    return next(task for task in given if isinstance(task, kind))


def tasks(directory: Path) -> list[Task]:
    keys = [2**63 - 1, -(2**63), 0, -5, 7, 7]
    about = pl.DataFrame({"key": keys, "feed": ["f"] * 6, "rkey": ["a", "b", "c", "d", "f", "e"]})
    nodes = pl.DataFrame({"id": ["hou_a", "hou_b"], "use": ["住", None], "rented": [None, True]})
    counts = pl.DataFrame({"code": ["330109", "330109"], "counter": ["n_houses", "n_people"], "n": [2, 3]})
    names = pl.DataFrame({"raw": ["per_c", "per_a", "per_c", "per_b"], "value": ["李", "赵", "李", "陈"]})
    phones = pl.DataFrame({"raw": ["per_c"], "value": ["13"]})
    decided = [("per_b", "per_a", "LINK", 1.0, "phone"), ("per_c", "per_a", "ASK", 0.5, "name")]
    links = pl.DataFrame(decided, schema=LINKS, orient="row").with_columns(version=pl.lit("v"))
    whom = written(directory / "whom", links)
    told = {
        "name": [written(directory / "n1", names[:2]), written(directory / "n2", names[2:])],
        "phone": [written(directory / "p", phones)],
    }
    links = pl.DataFrame(
        {
            "owner": ["hou_b", "hou_b"], "type": ["AT", "AT"], "start": ["hou_b", "hou_b"], "end": ["adr_2", "adr_1"],
            "k": ["", ""], "since": ["2025-01-01", None],
        }
    )  # fmt: skip
    return [
        Traits(told),
        Links([whom]),
        About([written(directory / "a1", about[:2]), written(directory / "a2", about[2:])], 6),
        States([written(directory / "nodes", nodes)], [written(directory / "links", links)], 2),
        Counts([written(directory / "counts", counts)]),
        TraitIndex(),
    ]


@pytest.mark.parametrize("many", [1, 2])
def test_all_of_it_is_written(
    many: int, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", 2)
    # So that traits are sorted in parts as well.
    monkeypatch.setattr(module, "TRAITS", 2)
    monkeypatch.setattr(module, "SAMPLE", 1)
    done: list[object] = []
    with Keeping(many, ledger) as keeping:
        given = tasks(tmp_path)
        for task in given:
            keeping.begin(task)
        keeping.finish(done.append)
        keeping.finish(done.append)
    assert done == given
    assert rows(ledger, "SELECT raw, value FROM trait INDEXED BY trait_raw ORDER BY raw, value") == [
        ("per_a", "张"), ("per_a", "赵"), ("per_b", "王"), ("per_b", "陈"), ("per_c", "13"), ("per_c", "李")
    ]  # fmt: skip
    assert rows(ledger, "SELECT * FROM link ORDER BY raw") == [
        ("per_b", "per_a", "LINK", 1.0, "phone", "v"), ("per_c", "per_a", "ASK", 0.5, "name", "v")
    ]  # fmt: skip
    assert rows(ledger, "SELECT * FROM about") == [
        (-(2**63), "f", "b"), (-5, "f", "d"), (0, "f", "c"), (7, "f", "e"), (7, "f", "f"), (2**63 - 1, "f", "a")
    ]  # fmt: skip
    assert rows(ledger, "SELECT * FROM folded") == [
        ("hou_a", '{"l":[],"p":{"id":"hou_a","use":"住"}}'.encode()),
        (
            "hou_b",
            b'{"l":[["AT","hou_b","adr_1","",{}],["AT","hou_b","adr_2","",{"since":"2025-01-01"}]],"p":{"id":"hou_b","rented":true}}',
        ),
    ]
    assert rows(ledger, "SELECT * FROM rollup") == [("330109", "n_houses", 2), ("330109", "n_people", 3)]


def test_what_is_stopped_leaves_nothing_of_its_task(ledger: Path, tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(Stopped):
        keep(ledger, of(tasks(tmp_path), Counts), lambda: next(asked))
    assert rows(ledger, "SELECT * FROM rollup") == []
    with Keeping(1, ledger) as keeping:
        keeping.begin(of(tasks(tmp_path), About))
        keeping.stop()
        with pytest.raises(Stopped):
            keeping.finish()
    assert rows(ledger, "SELECT * FROM about") == []


def test_an_error_is_told_as_what_it_is(ledger: Path, tmp_path: Path) -> None:
    with Keeping(2, ledger) as keeping:
        keeping.begin(Counts([tmp_path / "nowhere"]))
        with pytest.raises(FileNotFoundError):
            keeping.finish()


def test_a_process_that_is_killed_is_told(ledger: Path, tmp_path: Path) -> None:
    held = connect(ledger / "records.db", durable=False)
    held.execute("BEGIN IMMEDIATE")
    with Keeping(2, ledger) as keeping:
        keeping.begin(tasks(tmp_path)[0])
        # It waits for the record store by now, or is about to begin.
        for child in psutil.Process().children(recursive=True):
            if "loky" in " ".join(child.cmdline()) and "resource_tracker" not in " ".join(child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(QuanxiError, match="PROCESS_KILLED"):
            keeping.finish()
    held.close()


def test_another_writer_is_waited_for_and_told(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = connect(ledger / "records.db", durable=False)
    held.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("ledger.records._opened", lambda directory: _impatient(directory))
    with pytest.raises(UsageError, match="LEDGER_BUSY"):
        keep(ledger, tasks(tmp_path)[0], lambda: False)
    held.close()


def _impatient(directory: Path):  # type: ignore[no-untyped-def]
    db = connect(directory / "records.db", durable=False)
    db.execute("PRAGMA busy_timeout=50")
    return db
