"""`quanxi seed` with every option that shapes a random district, and that each of them is heeded."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seed import SeedOptions, seed_district
from tests.test_cli import quanxi

STREET = "330109100"
WORDS = (
    "--scale", "0.002", "--seed", "9", "--until", "2025-06-30", "--noise", "hard", "--plant", "repeat-disputes=3",
    "--area", STREET, "--only", "residents", "--only", "警情",
)  # fmt: skip
OPTIONS = SeedOptions(
    scale=0.002, seed=9, until=date(2025, 6, 30), noise="hard", plant={"repeat-disputes": 3}, areas=(STREET,),
    only=("residents", "警情"),
)  # fmt: skip
FEEDS = {"residents": "feeds/公安_实有人口_20250630.csv", "alarms": "feeds/公安_警情_20250630.csv"}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The district that one call made, and what the call said."""
    root = tmp_path_factory.mktemp("seed_cli")
    done = quanxi("seed", str(root / "district"), *WORDS, data=root / "data")
    assert done.returncode == 0, done.stderr
    return root / "district", done.stdout


def manifest(directory: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    return told


def test_the_manifest_says_what_was_asked(seeded: tuple[Path, str]) -> None:
    told = manifest(seeded[0])
    assert told["options"] == {
        "scale": 0.002, "seed": 9, "until": "2025-06-30", "noise": "hard", "plant": {"repeat-disputes": 3},
        "areas": [STREET], "only": ["residents", "警情"], "texts": 500, "scenario": None,
    }  # fmt: skip
    assert (told["synthetic"], told["today"]) == (True, "2025-06-30")


def test_only_the_feeds_asked_for_are_written(seeded: tuple[Path, str]) -> None:
    directory, said = seeded
    told = manifest(directory)
    assert {f"feeds/{path.name}" for path in (directory / "feeds").iterdir()} == set(FEEDS.values())
    assert {name for name in told["files"] if name.startswith("feeds/")} == set(FEEDS.values())
    for key, name in FEEDS.items():
        data = (directory / name).read_bytes()
        rows = pl.read_csv(data, infer_schema=False).height
        assert told["files"][name] == {
            "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": rows,
        }  # fmt: skip
        assert told["counts"][key] == rows > 0
        line = next(line for line in said.splitlines() if key in line)
        assert f"{rows:,}" in line, "the table that a person sees counts the same"
    assert "2025-06-30" in said


def test_area_until_and_plants_are_heeded(seeded: tuple[Path, str]) -> None:
    directory, _ = seeded
    residents = pl.read_csv(directory / FEEDS["residents"], infer_schema=False)
    alarms = pl.read_csv(directory / FEEDS["alarms"], infer_schema=False)
    truth = pl.read_parquet(directory / "truth" / "addresses.parquet")
    assert set(truth["feed"]) == {"residents", "alarms"}
    assert set(truth["code"].drop_nulls().str.slice(0, 9)) == {STREET}
    assert set(residents["地址编码"].drop_nulls().str.slice(0, 9)) == {STREET}
    assert residents["地址编码"].null_count() > 0, "hard noise leaves codes out"
    days = alarms["接警单号"].str.extract(r"^J(\d{8})", 1)
    assert days.drop_nulls().max() <= "20250630"  # type: ignore[operator]
    assert days.drop_nulls().max() >= "20250601"  # type: ignore[operator]
    repeats = json.loads((directory / "truth" / "repeats.json").read_bytes())
    assert sum(item["planted"] for item in repeats) == 3


def test_the_command_makes_what_the_function_makes(seeded: tuple[Path, str], tmp_path: Path) -> None:
    seed_district(tmp_path, OPTIONS)
    assert manifest(tmp_path) == manifest(seeded[0])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--until", "2025-06-31"), "--until"),
        (("--plant", "repeat-disputes"), "BAD_ARGUMENT"),
        (("--plant", "quarrels=3"), "BAD_ARGUMENT"),
        (("--area", "999"), "BAD_ARGUMENT"),
        (("--only", "weather"), "BAD_ARGUMENT"),
        (("--noise", "loud"), "BAD_ARGUMENT"),
        (("--scale", "0"), "BAD_ARGUMENT"),
        (("--seed", "-1"), "BAD_ARGUMENT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_word_is_told_and_nothing_written(words: tuple[str, str], says: str, tmp_path: Path) -> None:
    done = quanxi("seed", str(tmp_path / "district"), *words, data=tmp_path / "data")
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "district").exists()
