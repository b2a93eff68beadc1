"""A department's database as a feed's source: its rows come to the graph that its file would have made."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa

from graph.constraints import ensure_schema
from graph.store import Store
from loaders.wiring import open_loader
from ontology.errors import UsageError
from tests.loaders.graphs import assert_same, whole_graph
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import write_district
from tests.test_cli import quanxi

pytestmark = pytest.mark.anyio


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return write_district(tmp_path)


@pytest.fixture
def database(tmp_path: Path, files: list[Path]) -> str:
    """The residents in a table, as their file has them."""
    url = f"sqlite:///{tmp_path / 'gongan.db'}"
    with next(p for p in files if "实有人口" in p.name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    engine = sa.create_engine(url)
    with engine.begin() as db:
        columns = ", ".join(f'"{c}" TEXT' for c in header)
        db.execute(sa.text(f"CREATE TABLE 实有人口 ({columns})"))
        for row in rows:
            marks = ", ".join(f":v{i}" for i in range(len(row)))
            db.execute(
                sa.text(f"INSERT INTO 实有人口 VALUES ({marks})"), {f"v{i}": v for i, v in enumerate(row)}
            )
    engine.dispose()
    return url


async def test_a_table_is_as_good_as_its_file(
    clean_graph: Store, tmp_path: Path, files: list[Path], database: str
) -> None:
    await ensure_schema(clean_graph)
    by_files = open_loader(tmp_path / "files", None, CLOCK, keyring=KEYRING)
    await by_files.load(clean_graph, files)
    whole = await whole_graph(clean_graph)
    by_files.close()
    await clean_graph.write("MATCH (n) DETACH DELETE n")
    loader = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    batch = loader.receive_sql(database, "residents", table="实有人口")
    assert (batch.feed, batch.rows) == ("residents", 4)
    again = loader.receive_sql(database, "residents", table="实有人口")
    assert again.no == batch.no, "the same rows are the same batch"
    await loader.load(clean_graph, [p for p in files if "实有人口" not in p.name])
    assert_same(await whole_graph(clean_graph), whole)
    with pytest.raises(UsageError, match="BAD_HEADER"):
        loader.receive_sql(database, "alarms", table="实有人口")
    with pytest.raises(UsageError, match="BAD_FILE"):
        loader.receive_sql(database, "residents", table="没有")
    loader.close()


def test_the_command_says_what_it_needs(tmp_path: Path, database: str) -> None:
    for words in (
        ["--table", "实有人口"],
        ["--database", database, "--table", "实有人口"],
        ["--database", database, "--feed", "residents", "--table", "实有人口", "--query", "SELECT 1"],
        ["--database", database, "--feed", "residents", "--table", "实有人口", "x.csv"],
        [],
    ):
        done = quanxi("load", *words, data=tmp_path / "data")
        assert (done.returncode, "BAD_ARGUMENT" in done.stderr, "Traceback" in done.stderr) == (
            2,
            True,
            False,
        )
    secret = "postgresql://somebody:TheSecret@127.0.0.1:1/x"
    done = quanxi(
        "load", "--feed", "residents", "--query", "SELECT 1", data=tmp_path / "data", QUANXI_DATABASE=secret
    )
    assert (done.returncode, "BAD_FILE" in done.stderr) == (2, True)
    assert "TheSecret" not in done.stderr + done.stdout
