"""Work in processes beside this one: Python does one thing at a time, and a district's rows and texts are many."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import loky
from loky.process_executor import TerminatedWorkerError

from ontology.errors import QuanxiError

MOST = 4
# Of fewer, processes would take longer to start than they save.
LEAST_ROWS = 400_000
# How often a process looks whether its owner still lives.
LOOK_SECONDS = 1.0
# Tasks that wait for each process, so that none stands idle.
AHEAD = 2

_failed: list[Exception] = []

Task = TypeVar("Task")
Result = TypeVar("Result")


def processes(rows: int) -> int:
    """How many processes may work beside this one on so many rows; 1 where that gains nothing, or where they could not talk to each other."""
    if rows < LEAST_ROWS:
        return 1
    try:
        # Semaphores lie in shared memory, which small containers are often without.
        multiprocessing.get_context("fork").Semaphore(1)
    except (ImportError, OSError):
        return 1
    return min(MOST, int(loky.cpu_count()))


class Beside:
    """Processes that each prepare once and then take tasks.

    Args:
        prepare, given: called in each process before its first task.
        lean: whether memory that is free is given back at once, which takes time: for processes that live long beside others.
    """

    def __init__(self, many: int, prepare: Callable[..., None], *given: Any, lean: bool = False) -> None:
        self._ahead = AHEAD * many
        # Of jemalloc, which polars brings.
        memory = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"} if lean else {}
        self._pool = loky.ProcessPoolExecutor(
            many, initializer=_begin, initargs=(os.getpid(), prepare, given),
            # They share the machine with each other: what has threads of its own would have too many.
            # A mapped index counts as memory of its own: loky would take that for a leak.
            env={"POLARS_MAX_THREADS": "1", "LOKY_MAX_MEMORY_LEAK_SIZE": "1e12", **memory},
        )  # fmt: skip

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self._pool.shutdown(wait=True, kill_workers=failed is not None)

    def map(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """The result of each task, in their order. Tasks are asked for as they are needed, a few ahead.

        Raises:
            whatever preparing and the work raise.
            QuanxiError: PROCESS_KILLED when one of the processes was killed.
        """
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                waiting.append(self.begin(work, task))
                if len(waiting) > self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except TerminatedWorkerError as error:
            raise _killed() from error

    def begin(self, work: Callable[[Task], Result], task: Task) -> Future[Result]:
        """Has a task done, after those that were begun before."""
        begun: Future[Result] = self._pool.submit(_done, work, task)
        return begun

    def is_done(self, begun: Future[Any], seconds: float) -> bool:
        """Whether a task is done, or is so within some seconds.

        Raises:
            as `map`.
        """
        try:
            begun.result(seconds)
        except TimeoutError:
            return False
        except TerminatedWorkerError as error:
            raise _killed() from error
        return True


def _killed() -> QuanxiError:
    return QuanxiError(
        "PROCESS_KILLED",
        "协同工作的进程被终止,可能是内存不足",
        "a process that worked beside this one was killed; the memory may have run out",
        "Run it again: it begins anew. LOKY_MAX_CPU_COUNT=1 does without such processes.",
    )


def _begin(owner: int, prepare: Callable[..., None], given: tuple[Any, ...]) -> None:
    # Who presses Ctrl-C means the process that owns these, and that ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()
    try:
        prepare(*given)
    except Exception as error:
        # Raised here it would only be told that the process has ended.
        _failed.append(error)


def _done(work: Callable[[Task], Result], task: Task) -> Result:
    if _failed:
        raise _failed[0]
    return work(task)


def _end_with(owner: int) -> None:
    """Ends this process when its owner has been killed: it waits for tasks that nobody will send."""
    while os.getppid() == owner:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
