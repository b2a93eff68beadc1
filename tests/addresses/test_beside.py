"""Work in processes beside this one: its order, its errors, and what becomes of the processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import loky
import psutil
import pytest

from addresses import following
from addresses.beside import LEAST_ROWS, Beside, processes
from addresses.following import FollowingResolver
from addresses.gazetteer import Gazetteer, PlaceRecord
from addresses.scheme import load_scheme
from loaders.pushed import PushError
from ontology.errors import QuanxiError, UsageError
from tests.addresses.drawn import drawn

ROOT = Path(__file__).parent.parent.parent


def prepared(factor: int) -> None:
    os.environ["FACTOR"] = str(factor)


def times(task: int) -> tuple[int, int]:
    # The first takes longest: its result is to come first all the same.
    time.sleep(0.2 if task == 0 else 0)
    return task * int(os.environ["FACTOR"]), os.getpid()


def wrong(task: int) -> int:
    raise UsageError("BAD_FILE", "文件", f"no {task}")


def killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_order_and_tasks_are_asked_for_a_few_ahead() -> None:
    asked: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(30):
            asked.append(task)
            yield task

    with Beside(2, prepared, 3) as beside:
        results = beside.map(times, tasks())
        assert next(results)[0] == 0
        assert len(asked) < 8
        found = list(results)
    assert [value for value, _ in found] == [3 * task for task in range(1, 30)]
    assert os.getpid() not in {process for _, process in found}


def unprepared() -> None:
    raise UsageError("BAD_FILE", "文件", "no index")


def test_what_goes_wrong_while_preparing_is_told_as_what_it_is() -> None:
    with pytest.raises(UsageError, match="no index"), Beside(1, unprepared) as beside:
        list(beside.map(times, range(3)))


def test_what_goes_wrong_there_is_told_here() -> None:
    with pytest.raises(UsageError, match="no 0"), Beside(2, prepared, 1) as beside:
        list(beside.map(wrong, range(3)))


def test_an_error_of_another_shape_comes_back_whole() -> None:
    held = pickle.loads(
        pickle.dumps(PushError(422, "BAD_ROWS", "行有误", "wrong rows", "Mend them.", columns=["a"]))
    )
    assert (held.status, held.code, held.zh, held.en, held.hint, held.extra, str(held)) == (
        422, "BAD_ROWS", "行有误", "wrong rows", "Mend them.", {"columns": ["a"]}, "BAD_ROWS: wrong rows",
    )  # fmt: skip


def test_a_process_that_is_killed_is_told_of() -> None:
    with pytest.raises(QuanxiError, match="PROCESS_KILLED"), Beside(2, prepared, 1) as beside:
        list(beside.map(killed, range(3)))


def test_where_there_is_no_shared_memory_one_process_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: object, value: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(loky, "cpu_count", lambda: 16)
    assert (processes(LEAST_ROWS), processes(LEAST_ROWS - 1)) == (4, 1)
    monkeypatch.setattr(type(multiprocessing.get_context("fork")), "Semaphore", none)
    assert processes(LEAST_ROWS) == 1


def test_they_do_not_outlive_who_owns_them() -> None:
    """Its owner killed, a process ends by itself."""
    script = (
        "import addresses.beside as b, time\n"
        "from tests.addresses.test_beside import prepared, times\n"
        "beside = b.Beside(2, prepared, 1)\n"
        "print(*{p for _, p in beside.map(times, range(8))}, flush=True)\n"
        "time.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        processes = [int(p) for p in owner.stdout.readline().split()]
    assert processes
    owner.kill()
    owner.wait()
    until = time.monotonic() + 30
    while any(_lives(p) for p in processes) and time.monotonic() < until:
        time.sleep(0.2)
    assert not [p for p in processes if _lives(p)]


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_texts_are_read_there_as_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LEAST_KEPT", 0)
    gazetteer = Gazetteer(load_scheme())
    for place in drawn():
        grid = place.grid
        gazetteer.put(
            PlaceRecord(
                place.code, place.level, grid, (place.full_name, *place.aliases), (), place.name, place.parent, place.part_of, place.former,
            )
        )  # fmt: skip
    resolver = FollowingResolver(gazetteer, tmp_path / "index")
    resolver.rebuild()
    texts = ["东方名苑4幢1单元301室", "束方名苑4幢", "人民路20号", "人民路20号", "somewhere", ""]
    asked: list[tuple[str, str | None]] = [(t, None) for t in texts]
    asked.append(("人民路20号", "330109113"))
    readers = resolver.readers(2)
    assert readers is not None
    with readers:
        (found,) = readers.read([asked])
    for (text, near), said in zip(asked, found, strict=True):
        here = resolver.resolve(text, near)
        assert (said.outcome, said.best, said.alternatives) == (here.outcome, here.best, here.alternatives)
    assert resolver.readers(1) is None
