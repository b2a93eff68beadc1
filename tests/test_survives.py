"""Killed at any moment, as often as one likes: what was received ends in the graph that an unbroken run makes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from graph.constraints import ensure_schema
from graph.engine import ensure_engine, stop_engine
from graph.store import Store
from ledger import FindingLog
from loaders.wiring import open_loader
from ontology.clock import Clock
from seed import SeedOptions, seed_district
from tests.districts import drop_empty_micro_grids
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import KEYRING
from tests.loaders.tiny import write_district
from tests.traces.judged import standing
from tests.traces.judged import whole as judged_whole

pytestmark = pytest.mark.anyio
KILLS = int(os.environ.get("QUANXI_TEST_KILLS", "6"))
DAY = date(2025, 12, 15)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    stop_engine(tmp_path / "data")


def _load(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Its exit code and what it said. One that hangs is ended after two minutes, and says where each of its threads was."""
    running = subprocess.Popen(
        command, env={**environment, "PYTHONFAULTHANDLER": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        _, said = running.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGABRT)
        _, said = running.communicate()
        print("a load hung", said)
    return running.returncode, said


async def test_killed_again_and_again(clean_graph: Store, data: Path, tmp_path: Path) -> None:
    """Loader, engine or both are killed (-9) at random moments of a mixed load of seven feeds."""
    district = tmp_path / "district"
    feeds = ("addresses", "residents", "enterprises", "alarms", "mediations", "volunteers", "vehicles")
    seed_district(district, SeedOptions(scale=0.002, seed=3, noise="normal", only=feeds))
    drop_empty_micro_grids(district / "feeds")
    _thin(district / "feeds")
    unbroken = open_loader(tmp_path / "unbroken", None, Clock(DAY), keyring=KEYRING)
    await ensure_schema(clean_graph)
    await unbroken.load(clean_graph, [district])
    whole = await whole_graph(clean_graph)
    unbroken.close()

    dice = random.Random(20251123)
    environment = {
        **os.environ, "QUANXI_KEY": KEYRING.key or "", "QUANXI_TODAY": DAY.isoformat(), "QUANXI_HEAP_MB": "512",
    }  # fmt: skip
    command = [sys.executable, "-m", "cli", "--data", str(data), "load", str(district)]
    killed: list[str] = []
    while len(killed) < KILLS:
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(dice.uniform(1.0, 9.0))
        if running.poll() == 0 and len(killed) >= 2:
            break
        victims = dice.choice([("loader",), ("engine",), ("loader", "engine")])
        for victim in victims:
            pid = running.pid if victim == "loader" and running.poll() is None else _engine(data)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        killed.append("+".join(victims))
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A loader whose engine was killed ends by itself, with a clear error.
            running.wait(60)
        if running.poll() is None:
            running.kill()
            running.wait()
    limit = time.monotonic() + 300
    code, said = _load(command, environment)
    while code and time.monotonic() < limit:
        code, said = _load(command, environment)
    assert code == 0, said
    async with Store.open(ensure_engine(data)) as store:
        found = await whole_graph(store)
        ended = open_loader(data, None, Clock(DAY), keyring=KEYRING)
        stands = standing(ended)
        changes = [
            (c.finding.id, c.finding.revision)
            for f in FindingLog(ended.ledger).everything()
            for c in FindingLog(ended.ledger).history(f.id)
        ]
        assert stands == await judged_whole(ended, store)
        ended.close()
    assert_same(found, whole, killed)
    assert len(changes) == len(set(changes)), "no change of a finding is kept twice"


async def test_two_loaders_at_once(clean_graph: Store, data: Path, tmp_path: Path) -> None:
    """Both keep what they were given; one applies after the other, or leaves it to it."""
    files = write_district(tmp_path)
    unbroken = open_loader(tmp_path / "unbroken", None, Clock(DAY), keyring=KEYRING)
    await ensure_schema(clean_graph)
    await unbroken.load(clean_graph, files)
    whole = await whole_graph(clean_graph)
    unbroken.close()
    environment = {
        **os.environ,
        "QUANXI_KEY": KEYRING.key or "",
        "QUANXI_TODAY": DAY.isoformat(),
        "QUANXI_HEAP_MB": "512",
    }
    command = [sys.executable, "-m", "cli", "--data", str(data), "load"]
    halves = [[str(p) for p in files[at::2]] for at in (0, 1)]
    running = [
        subprocess.Popen(
            [*command, *half], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for half in [*halves, halves[0]]
    ]
    ended = [(process.communicate(timeout=200)[1], process.returncode) for process in running]
    assert all(code == 0 for _, code in ended), ended
    async with Store.open(ensure_engine(data)) as store:
        found = await whole_graph(store)
    assert_same(found, whole)


def _thin(feeds: Path) -> None:
    """Every third row of the larger files is enough: what counts here is when it is killed, not how much there is."""
    for path in feeds.glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if "标准地址" not in path.name and len(lines) > 600:
            path.write_text("\n".join([lines[0], *lines[1::3]]) + "\n", encoding="utf-8")


def _engine(data: Path) -> int | None:
    try:
        return int(json.loads((data / "engine" / "engine.json").read_text("utf-8"))["pid"])
    except (OSError, ValueError, KeyError):
        return None
