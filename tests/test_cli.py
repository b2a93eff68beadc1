"""The `quanxi` command as a person meets it: its help, its errors, its exit codes."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cli import app, storage_error
from graph.engine import EngineAddress
from graph.store import Store
from tests.conftest import empty
from tests.districts import drop_empty_micro_grids

ROOT = Path(__file__).parent.parent


# As `tools/setup.py` installs the command.
INSTALLED = "import runpy; runpy.run_module('cli', run_name='__main__', alter_sys=False)"


def command(*words: str, data: Path) -> list[str]:
    return [sys.executable, "-c", INSTALLED, "--data", str(data), *words]


def environment(**more: str) -> dict[str, str]:
    held = {k: v for k, v in os.environ.items() if not k.startswith(("QUANXI_", "NEO4J_"))}
    if "QUANXI_CACHE" in os.environ:
        held["QUANXI_CACHE"] = os.environ["QUANXI_CACHE"]
    return {**held, **more, "COLUMNS": "200"}


def quanxi(*words: str, data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words, data=data), cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=300
    )  # fmt: skip


COMMANDS = [
    "seed",
    "load",
    "serve",
    "schema",
    "score",
    "why",
    "demo",
    "engine start",
    "engine stop",
    "engine status",
    "quarantine list",
    "quarantine export",
    "quarantine retry",
    "batch list",
    "link list",
    "link judge",
    "retention list",
    "retention purge",
    "disagreements",
    "unplaced",
    "resolve",
    "resolve file",
    "resolve pick",
    "resolve unpick",
    "resolve picks",
    "catalog check",
    "webhook add",
    "webhook list",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    # In this process: a start of the command for each would take most of a minute.
    done = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert f"Example: quanxi {command}" in done.output


def test_the_command_itself_has_help(tmp_path: Path) -> None:
    done = quanxi("--help", data=tmp_path)
    assert (done.returncode, "seed" in done.stdout, done.stderr) == (0, True, "")


@pytest.mark.parametrize(
    "command",
    [
        "quarantine list",
        "batch list",
        "link list",
        "retention list",
        "disagreements",
        "unplaced",
        "feeds list",
    ],
)
def test_what_lists_lists_nothing_of_nothing(command: str, tmp_path: Path) -> None:
    done = quanxi(*command.split(), data=tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["load", "nowhere.csv"], 2, "BAD_FILE"),
        (["score", "nowhere"], 2, "BAD_FILE"),
        (["seed", "x", "--plant", "many"], 2, "BAD_ARGUMENT"),
        (["why", "per_nobody"], 2, "NOT_FOUND"),
        (["--catalog", "nowhere", "why", "per_x"], 2, "BAD_CATALOG"),
        (["engine", "status"], 4, ""),
    ],
    ids=["no file", "no truth", "bad plant", "nobody", "no catalogue", "not running"],
)
def test_a_users_mistake_is_told_without_a_stack_trace(
    words: list[str], code: int, says: str, tmp_path: Path
) -> None:
    # A graph that is not there: whoever errs before it is needed is told of the error itself.
    away = "bolt://127.0.0.1:9" if words[0] == "load" else ""
    done = quanxi(*words, data=tmp_path / "data", NEO4J_URI=away)
    assert "Traceback" not in done.stderr
    assert (done.returncode, says in done.stderr) == (code, True)


@pytest.mark.parametrize(
    "words", [["why", "per_x"], ["load", "pyproject.toml", "--feed", "alarms"], ["seed"]]
)
def test_a_directory_that_cannot_be_one(words: list[str], tmp_path: Path) -> None:
    """A file stands where the data or the district should go."""
    wrong = tmp_path / "a file"
    wrong.write_text("x", encoding="utf-8")
    data = tmp_path / "data" if words == ["seed"] else wrong
    done = quanxi(*words, *([str(wrong)] if words == ["seed"] else []), data=data)
    assert "Traceback" not in done.stderr
    assert (done.returncode, "BAD_STORAGE" in done.stderr) == (2, True), done.stderr


def test_a_full_disk_is_told_as_one() -> None:
    assert storage_error(OSError(errno.ENOSPC, "No space left on device")).code == "DISK_FULL"
    assert storage_error(sqlite3.OperationalError("database or disk is full")).code == "DISK_FULL"
    assert storage_error(PermissionError(errno.EACCES, "Permission denied")).code == "BAD_STORAGE"


@pytest.mark.parametrize(
    ("uri", "password", "says"),
    [("", "wrong", "ENGINE_AUTH"), ("bolt://127.0.0.1:9", "x", "GRAPH_UNAVAILABLE")],
    ids=["wrong password", "nobody there"],
)
def test_a_graph_that_cannot_be_used(
    engine: EngineAddress, uri: str, password: str, says: str, tmp_path: Path
) -> None:
    done = quanxi("engine", "status", data=tmp_path, NEO4J_URI=uri or engine.uri, NEO4J_PASSWORD=password)
    assert (done.returncode, says in done.stderr) == (3, True), done.stderr


def test_status_of_a_server_of_ones_own(engine: EngineAddress, tmp_path: Path) -> None:
    done = quanxi(
        "engine", "status", data=tmp_path, NEO4J_URI=engine.uri, NEO4J_USER=engine.user, NEO4J_PASSWORD=engine.password
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2026." in done.stdout
    assert "not known of a server that Quanxi did not start" in done.stdout


def test_the_demo_tells_a_busy_port_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = quanxi("demo", data=tmp_path / "data", QUANXI_PORT=str(taken.getsockname()[1]))
    assert (done.returncode, "PORT_IN_USE" in done.stderr) == (2, True)
    assert not (tmp_path / "data" / "seed").exists()


def test_the_demo_twice(tmp_path: Path) -> None:
    """The second run finds all done and serves it until it is told to end; another scale is not taken for it."""
    data = tmp_path / "data"
    first = quanxi("demo", "--check", "--scale", "0.0005", data=data, QUANXI_HEAP_MB="512")
    assert first.returncode == 0, first.stdout + first.stderr
    written = (data / "seed" / "manifest.json").stat().st_mtime_ns
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = tmp_path / "second.log"
    with log.open("w", encoding="utf-8") as out:
        second = subprocess.Popen(
            command("demo", "--scale", "0.0005", data=data), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
            env=environment(QUANXI_HEAP_MB="512", QUANXI_PORT=port, PYTHONUNBUFFERED="1"),
        )  # fmt: skip
        try:
            limit = time.monotonic() + 240
            while "Ctrl-C ends it" not in log.read_text("utf-8") and second.poll() is None:
                assert time.monotonic() < limit, log.read_text("utf-8")
                time.sleep(0.2)
            page = httpx.get(f"http://127.0.0.1:{port}/", timeout=30)
            assert (page.status_code, "全息" in page.text) == (200, True)
            second.terminate()
            assert second.wait(60) == 0, log.read_text("utf-8")
        finally:
            second.kill()
    assert "loaded already" in log.read_text("utf-8")
    assert (data / "seed" / "manifest.json").stat().st_mtime_ns == written
    other = quanxi("demo", "--check", "--scale", "0.001", data=data)
    assert (other.returncode, "DEMO_OTHER" in other.stderr) == (2, True)
    assert quanxi("engine", "status", data=data).returncode == 4


@pytest.fixture
def server(engine: EngineAddress) -> dict[str, str]:
    """Settings of an empty graph that is a server of one's own: the bundled engine's cold start is the demo's to show."""

    async def emptied() -> None:
        async with Store.open(engine) as store:
            await empty(store)

    asyncio.run(emptied())
    return {"NEO4J_URI": engine.uri, "NEO4J_USER": engine.user, "NEO4J_PASSWORD": engine.password or ""}


def test_seed_load_and_why(server: dict[str, str], tmp_path: Path) -> None:
    data, district = tmp_path / "data", tmp_path / "district"
    seeded = quanxi("seed", str(district), "--scenario", "seed/scenarios/ten_buildings.yaml", data=data)
    assert seeded.returncode == 0, seeded.stderr
    loaded = quanxi("load", str(district), data=data, **server)
    assert loaded.returncode == 0, loaded.stderr
    with sqlite3.connect(data / "ledger" / "records.db") as records:
        (someone,) = records.execute("SELECT id FROM folded WHERE id LIKE 'per_%' LIMIT 1").fetchone()
    why = quanxi("why", someone, "name", data=data, **server)
    assert why.returncode == 0, why.stderr
    assert "the more trusted feed" in why.stdout


def test_a_seeded_clean_district_is_answered_exactly(server: dict[str, str], tmp_path: Path) -> None:
    """Not drawn by hand: disputes and hazards as they fall, with planted ones and near misses among them."""
    data, district = tmp_path / "data", tmp_path / "district"
    words = ("--noise", "clean", "--scale", "0.002", "--seed", "11", "--plant", "repeat-disputes=6")
    seeded = quanxi("seed", str(district), *words, data=data)
    assert seeded.returncode == 0, seeded.stderr
    drop_empty_micro_grids(district / "feeds")
    loaded = quanxi("load", str(district), data=data, **server)
    assert loaded.returncode == 0, loaded.stderr
    scored = quanxi("score", str(district / "truth"), "--json", data=data, **server)
    result = json.loads(scored.stdout)
    who = {name: result.pop(name) for name in list(result) if name.startswith(("people", "incidents"))}
    assert {(r["precision"], r["recall"]) for r in result.values()} == {(1.0, 1.0)}
    assert min(r["true"] for r in result.values()) > 0
    assert {r["precision"] for r in who.values()} == {1.0}
    assert min(r["recall"] for name, r in who.items() if "links" in name) > 0.95


def test_the_schema_is_printed(tmp_path: Path) -> None:
    assert quanxi("schema", data=tmp_path).stdout == (ROOT / "schema.graphql").read_text(encoding="utf-8")
