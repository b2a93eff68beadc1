"""The `quanxi` command as a person meets it: its help, its errors, its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def quanxi(*words: str, data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    import os

    environment = {k: v for k, v in os.environ.items() if not k.startswith(("QUANXI_", "NEO4J_"))}
    if "QUANXI_CACHE" in os.environ:
        environment["QUANXI_CACHE"] = os.environ["QUANXI_CACHE"]
    return subprocess.run(
        [sys.executable, "-m", "cli", "--data", str(data), *words],
        cwd=ROOT, env={**environment, **more, "COLUMNS": "200"}, capture_output=True, text=True, timeout=300,
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
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, tmp_path: Path) -> None:
    done = quanxi(*command.split(), "--help", data=tmp_path)
    assert done.returncode == 0
    assert f"Example: quanxi {command}" in done.stdout


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
    done = quanxi(
        *words, data=tmp_path / "data", NEO4J_URI="bolt://127.0.0.1:9" if words[0] == "load" else ""
    )
    assert "Traceback" not in done.stderr
    if words[0] == "load":
        assert done.returncode in (2, 3)
        return
    assert (done.returncode, says in done.stderr) == (code, True)


def test_seed_load_and_why(tmp_path: Path) -> None:
    data, district = tmp_path / "data", tmp_path / "district"
    seeded = quanxi("seed", str(district), "--scenario", "seed/scenarios/ten_buildings.yaml", data=data)
    assert seeded.returncode == 0, seeded.stderr
    try:
        loaded = quanxi("load", str(district), data=data, QUANXI_HEAP_MB="512")
        assert loaded.returncode == 0, loaded.stderr
        scored = quanxi("score", str(district / "truth"), "--json", data=data, QUANXI_HEAP_MB="512")
        assert scored.returncode == 0, scored.stderr
        result = json.loads(scored.stdout)
        assert {(r["precision"], r["recall"]) for r in result.values()} == {(1.0, 1.0)}
    finally:
        stopped = quanxi("engine", "stop", data=data)
    assert stopped.returncode == 0


def test_the_schema_is_printed(tmp_path: Path) -> None:
    assert quanxi("schema", data=tmp_path).stdout == (ROOT / "schema.graphql").read_text(encoding="utf-8")
