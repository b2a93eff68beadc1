"""JSON, Parquet and databases: real bytes, and a real PostgreSQL where the machine has one."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from loaders.readers import ROW, Limits, Reading, Source, openers, raw, read_sql, records, sources, text
from ontology.errors import UsageError


def rows_of(source: Source) -> list[tuple[object, ...]]:
    frames = list(source.frames)
    assert all(set(f.drop(ROW).dtypes) <= {pl.String} and f.columns == [*source.columns, ROW] for f in frames)
    return pl.concat(frames).rows() if frames else []


def put(path: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


RECORDS = (
    '{"编号": "0012", "数": 330109199001011234, "值": 1.380E+10, "是": true, "空": null}',
    '{"编号": "a},{b", "数": -1, "别": {"x": [1.50, "张"]}, "空": ""}',
)
COLUMNS = ["编号", "数", "值", "是", "空", "别"]
READ = [
    ("0012", "330109199001011234", "1.380E+10", "true", None, None),
    ("a},{b", "-1", None, None, None, '{"x":[1.50,"张"]}'),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ending", [".jsonl", ".ndjson.gz", ".json", ".txt"])
def test_json_lines(tmp_path: Path, ending: str, encoding: str) -> None:
    data = "\n\n".join(RECORDS).encode(encoding)
    data = gzip.compress(data) if ending.endswith("gz") else data
    (source,) = sources(put(tmp_path / f"a_20250203{ending}", data))
    assert source.columns == COLUMNS
    assert rows_of(source) == [(*READ[0], 1), (*READ[1], 3)]
    assert (source.digest(), source.file_date) == (hashlib.sha256(data).hexdigest(), "2025-02-03")


def test_bad_lines_and_late_columns_of_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LOOKED_AT", 2)
    lines = b'{"a": 1}\n{"a": 2\n[3]\n{"a": "\xff\xff"}\n{"a": 4}\n{"a": 5, "b": 6}\n{"a": 7, "b": 8}\n'
    (source,) = sources(put(tmp_path / "a.jsonl", lines), declared=["a", "c"])
    assert rows_of(source) == [("1", None, 1), ("4", None, 5), ("5", None, 6), ("7", None, 7)]
    assert [(b.row, b.zh) for b in source.bad] == [
        (2, "不是 JSON"),
        (3, "不是 JSON 对象"),
        (4, "不是 utf-8 文本"),
    ]
    assert [(n.row, n.en.split(":")[0]) for n in source.notes] == [
        (6, "record 6 has a column b that the first ones have not")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize(
    "around", ["[{}]", " [\n{}\n]\n", '{{"code": 0, "ids": [1, 2], "data": {{"total": 2, "rows": [{}]}}}}']
)
def test_json_documents(tmp_path: Path, around: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "BLOCK", 7)
    monkeypatch.setattr(openers, "HEAD", 8)
    (source,) = sources(put(tmp_path / "a.json", around.format(", ".join(RECORDS)), encoding))
    assert source.columns == COLUMNS
    assert rows_of(source) == [(*READ[0], 1), (*READ[1], 2)]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('[{"a": 1}, {"a": 2', "after record 1 it is no complete JSON"),
        ('[{"a": 1}', "after record 1 it is no complete JSON"),
        ('[{"a": 1}, x, {"a": 2}]', "after record 1 it is no complete JSON"),
        ("[]", "no records"),
        ('{"a": ', "not JSON"),
        ('[{"a": "' + "x" * 3000 + '"}]', "longer than 1 KiB"),
    ],
)
def test_documents_that_are_no_json(
    tmp_path: Path, data: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "BLOCK", 100)
    monkeypatch.setattr(openers, "HEAD", 100)
    monkeypatch.setattr(records, "HEAD", 100)
    with pytest.raises(UsageError, match=says) as told:
        [rows_of(s) for s in sources(put(tmp_path / "a.json", data), limits=Limits(line=1024))]
    assert told.value.code == "BAD_FILE"


def test_a_large_json_array_on_one_line_is_read_piece_by_piece(tmp_path: Path) -> None:
    data = "[" + ",".join(json.dumps({"编号": f"R{i}", "文": "张" * 20}) for i in range(60_000)) + "]"
    (source,) = sources(put(tmp_path / "a.json", data))
    rows = rows_of(source)
    assert (len(rows), rows[-1]) == (60_000, ("R59999", "张" * 20, 60_000))


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(
        {
            "文": ["0012", ""],
            "整": [330109199001011234, None],
            "数": [90.0, 0.5],
            "日": [date(2025, 2, 3), None],
            "时": [datetime(2025, 2, 3, 4, 5, 6), None],  # noqa: DTZ001
            "是": [True, None],
            "额": [Decimal("1.50"), None],
            "列": [["a", "张"], None],
        }
    ).write_parquet(path)
    (source,) = sources(path)
    assert rows_of(source) == [
        (
            "0012",
            "330109199001011234",
            "90",
            "2025-02-03",
            "2025-02-03 04:05:06",
            "true",
            "1.50",
            '["a", "张"]',
            1,
        ),
        (None, None, "0.5", None, None, None, None, None, 2),
    ]
    assert source.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    put(path, path.read_bytes()[:-9])
    with pytest.raises(UsageError, match="no readable Parquet"):
        sources(path)


# -- databases -----------------------------------------------------------------------------------------------------------


def database(path: Path) -> Path:
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE "警情:表" (编号 TEXT, 数 INTEGER, 值 REAL)')
        db.executemany(
            'INSERT INTO "警情:表" VALUES (?,?,?)',
            [("0012", 2**62, 90.0), ("", None, 0.5), (None, None, None)],
        )
        db.execute("CREATE TABLE 其他 (x)")
    db.close()
    return path


def test_a_file_of_sqlite(tmp_path: Path) -> None:
    path = database(tmp_path / "a.db")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = [("0012", str(2**62), "90", 1), (None, None, "0.5", 2)]
    (source,) = sources(path, declared=["编号", "数"])
    assert (source.sheet, rows_of(source), source.digest()) == ("警情:表", expected, digest)
    assert [n.en for n in source.notes] == ["table 其他 has not the columns"]
    (source,) = sources(path, Reading(query='SELECT 编号, 数 AS 编号 FROM "警情\\:表" WHERE 数 > 0'))
    assert (source.columns, rows_of(source)) == (["编号", "编号 (2)"], [("0012", str(2**62), 1)])
    packed = put(tmp_path / "b.db.gz", gzip.compress(path.read_bytes()))
    (source,) = sources(packed, declared=["编号", "数"])
    assert rows_of(source) == expected
    for reading, says in (
        (Reading(sheet="无"), "no table in it"),
        (Reading(query="SELECT * FROM 没有"), "the query fails"),
        (Reading(query="DELETE FROM 其他"), "the query"),
    ):
        with pytest.raises(UsageError, match=says):
            sources(path, reading)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, "nothing is ever written to it"
    put(path, path.read_bytes()[:5000])
    with pytest.raises(UsageError) as told:
        [rows_of(s) for s in sources(path)]
    assert told.value.code == "BAD_FILE"


def test_a_query(tmp_path: Path) -> None:
    url = f"sqlite:///{database(tmp_path / 'a.db')}"
    digests = set()
    for _ in range(2):
        source = read_sql(url, 'SELECT * FROM "警情\\:表"', "警情库")
        assert (source.file, source.columns) == ("警情库", ["编号", "数", "值"])
        assert rows_of(source) == [("0012", str(2**62), "90", 1), (None, None, "0.5", 2)]
        digests.add(source.digest())
    assert len(digests) == 1
    with pytest.raises(UsageError, match="the query"):
        read_sql(url, "DELETE FROM 其他")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "no database URL"),
        ("nosuch://h/d", "no driver"),
        ("sqlite:////nowhere/at/all.db", "cannot be reached|fails"),
        ("postgresql://someone:TheSecret@127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_reached(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as told:
        read_sql(url, "SELECT 1")
    assert told.value.code == "BAD_FILE"
    assert "TheSecret" not in told.value.en + told.value.zh


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of this machine's own programs, in a directory of its own. It does not run as root."""
    found = shutil.which("postgres")
    home = Path(found).resolve().parent if found else Path("/nowhere")
    if not (home / "initdb").is_file():
        pytest.skip("no PostgreSQL server on this machine")
    user = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as place:
        data = Path(place) / "data"
        if user:
            shutil.chown(place, "nobody")
        run = {"cwd": place, "env": {**os.environ, "LC_ALL": "C"}, **({"user": "nobody"} if user else {})}
        subprocess.run(
            [home / "initdb", "-D", data, "-U", "quanxi", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, timeout=120, **run,
        )  # type: ignore[call-overload]  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (Path(place) / "log").open("wb") as log:
            server = subprocess.Popen(
                [home / "postgres", "-D", data, "-k", place, "-p", str(port), "-h", "127.0.0.1", "-F"],
                stdout=log, stderr=log, **run,
            )  # type: ignore[call-overload]  # fmt: skip
        try:
            subprocess.run(
                ["sh", "-c", 'for i in $(seq 100); do "$0" -h 127.0.0.1 -p "$1" -U quanxi -d postgres -q && exit; sleep 0.1; done; exit 1',
                 str(home / "pg_isready"), str(port)],
                check=True, timeout=60,
            )  # fmt: skip
            yield f"postgresql://quanxi@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def test_a_real_postgresql(postgres: str) -> None:
    engine = sa.create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as db:
        db.execute(
            sa.text(
                "CREATE TABLE 警情 (编号 text, 时间 timestamptz, 日 date, 额 numeric, 大 bigint, 是 bool, 文 jsonb)"
            )
        )
        db.execute(sa.text("CREATE SEQUENCE serial"))
        db.execute(
            sa.text(
                "INSERT INTO 警情 SELECT to_char(n, 'FM000000'), '2025-02-03 04:05:06+08', '2025-02-03', 1.50, 330109199001011234, "
                "n % 2 = 0, '{\"a\": [1]}' FROM generate_series(1, 25000) n"
            )
        )
    source = read_sql(postgres, "SELECT * FROM 警情 ORDER BY 编号")
    first = next(source.frames)
    assert first.height == 10_000, "fetched by pieces"
    assert first.row(0) == (
        "000001",
        "2025-02-03 04:05:06",
        "2025-02-03",
        "1.50",
        "330109199001011234",
        "false",
        '{"a": [1]}',
        1,
    )
    assert sum(f.height for f in source.frames) == 15_000
    assert len(source.digest()) == 64
    with pytest.raises(UsageError, match="read-only transaction"):
        rows_of(read_sql(postgres, "SELECT nextval('serial')"))
    with engine.connect() as db:
        assert db.execute(sa.text("SELECT count(*) FROM 警情")).scalar() == 25_000
    assert sum(f.height for f in read_sql(postgres, table="public.警情").frames) == 25_000
    engine.dispose()


def test_chunks_do_not_matter_to_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "CHUNK", 50)
    monkeypatch.setattr(raw, "BLOCK", 10)
    monkeypatch.setattr(openers, "HEAD", 20)
    monkeypatch.setattr(text, "HEAD", 20)
    (source,) = sources(put(tmp_path / "a.jsonl", "\n".join(RECORDS * 20)))
    assert [r[-1] for r in rows_of(source)] == list(range(1, 41))


@pytest.mark.parametrize("depth", [100, 400, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"b":'])
def test_what_is_nested_without_end_is_told(tmp_path: Path, depth: int, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    nested = f'{{"a":{opening * depth}1{closing * depth}}}'
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a":1}}\n{nested}\n{{"a":[[2]]}}\n', "utf-8")
    (source,) = sources(path)
    rows = pl.concat(source.frames)
    assert rows["a"].to_list() == ["1", "[[2]]"]
    assert [(b.row, "nested too deeply" in b.en) for b in source.bad] == [(2, True)]
    path = tmp_path / "a.json"
    path.write_text(f'[{{"a":1}},{nested}]', "utf-8")
    with pytest.raises(UsageError, match="nested too deeply"):
        [list(source.frames) for source in sources(path)]
