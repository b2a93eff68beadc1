"""The disk is full while files are loaded: a clear error, nothing half taken, and once there is room the graph that it would have been."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from graph.constraints import ensure_schema
from graph.engine import EngineAddress
from graph.store import Store
from graph.writer import wipe
from loaders.wiring import open_loader
from ontology.clock import Clock
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import KEYRING
from tests.loaders.tiny import ADDRESSES, DISTRICT, write_feed

ROWS = 1500


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, whose size `resize` sets."""
    where = tmp_path / "disk"
    where.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small file system")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.strip()}")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def resize(disk: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(disk)], check=True)


def load(data: Path, files: list[Path], engine: EngineAddress) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ, "QUANXI_KEY": KEYRING.key or "", "QUANXI_TODAY": "2025-12-15", "NEO4J_URI": engine.uri,
        "NEO4J_USER": engine.user, "NEO4J_PASSWORD": engine.password or "",
    }  # fmt: skip
    command = [sys.executable, "-m", "cli", "--data", str(data), "load", *map(str, files)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("megabytes", [2, 5, 9], ids=["receiving", "digesting", "applying"])
async def test_a_full_disk(
    clean_graph: Store, engine: EngineAddress, tmp_path: Path, disk: Path, megabytes: int
) -> None:
    drawn = random.Random(1)
    rows = [
        {**DISTRICT["alarms"][0], "接警单号": f"J{n}", "简要警情": drawn.randbytes(600).hex()}
        for n in range(ROWS)
    ]
    files = [write_feed(tmp_path, "addresses", ADDRESSES), write_feed(tmp_path, "alarms", rows)]
    await ensure_schema(clean_graph)
    unbroken = open_loader(tmp_path / "unbroken", None, Clock(date(2025, 12, 15)), keyring=KEYRING)
    await unbroken.load(clean_graph, files)
    whole = await whole_graph(clean_graph)
    unbroken.close()
    await wipe(clean_graph)

    resize(disk, megabytes)
    full = load(disk / "data", files, engine)
    assert full.returncode != 0
    assert "DISK_FULL" in full.stderr
    assert "Traceback" not in full.stderr
    resize(disk, 200)
    done = load(disk / "data", files, engine)
    assert done.returncode == 0, done.stderr
    assert_same(await whole_graph(clean_graph), whole, megabytes)
