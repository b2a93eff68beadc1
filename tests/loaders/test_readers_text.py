"""Text as departments export it: dialects, encodings, ragged rows, packed files, and what is no such file."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.readers import (
    ROW,
    SUFFIXES,
    Limits,
    Reading,
    Source,
    openers,
    raw,
    sources,
    stream_sources,
    text,
)
from loaders.readers.delimited import _Table
from ontology.errors import UsageError

ROOT = Path(__file__).parents[2]
HEADER = ("编号", "姓名", "地址")


def put(path: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


def whole(source: Source) -> list[tuple[object, ...]]:
    """All rows with their numbers, checked to be of the promised form."""
    frames = list(source.frames)
    for frame in frames:
        assert frame.columns == [*source.columns, ROW]
        assert set(frame.drop(ROW).dtypes) <= {pl.String}
        assert frame.schema[ROW] == pl.Int64
        assert 0 < frame.height <= 50_000
    return pl.concat(frames).rows() if frames else []


def one(
    path: Path, reading: Reading | None = None, declared: tuple[str, ...] = (), key: tuple[str, ...] = ()
) -> tuple[Source, list[tuple[object, ...]]]:
    (source,) = sources(path, reading, declared, key)
    return source, whole(source)


def refused(path: Path, reading: Reading | None = None, limits: Limits | None = None) -> UsageError:
    with pytest.raises(UsageError) as told:
        [whole(source) for source in sources(path, reading, limits=limits)]
    assert told.value.code == "BAD_FILE"
    assert path.name in told.value.zh and path.name in told.value.en
    return told.value


LINES = '编号,姓名,地址\n0012,张三,"北干街道,3幢"\nR2,,\'1.38E+10\n'
READ = [("0012", "张三", "北干街道,3幢", 2), ("R2", None, "'1.38E+10", 3)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_dialects(tmp_path: Path, encoding: str, end: str, delimiter: str) -> None:
    rows = csv.reader(io.StringIO(LINES))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    source, got = one(put(tmp_path / "a_20250203.csv", out.getvalue(), encoding), declared=HEADER)
    assert source.columns == list(HEADER)
    assert got == READ
    assert source.bad == []
    assert (source.file, source.sheet, source.file_date) == ("a_20250203.csv", None, "2025-02-03")


@pytest.mark.parametrize("ending", [".tsv", ".txt", ".csv"])
def test_unicode_text_of_excel(tmp_path: Path, ending: str) -> None:
    data = '编号\t姓名\r\n1\t"张\n三"\r\n2\t李,四\r\n'
    source, got = one(put(tmp_path / f"a{ending}", data, "utf-16"))
    assert got == [("1", "张\n三", 2), ("2", "李,四", 4)]
    assert source.columns == ["编号", "姓名"]


def test_a_declared_delimiter_and_encoding_are_kept_to(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "a;b\n1,5;2\n", "big5")
    _, got = one(path, Reading(delimiter=";", encoding="big5"))
    assert got == [("1,5", "2", 2)]
    source, got = one(path, Reading(delimiter=","), declared=("a", "b"))
    assert got == [("1,5", "2", 2)], "the declared columns say which delimiter it has"
    assert "separated by ';'" in source.notes[0].en


def test_quoted_line_breaks_keep_line_numbers(tmp_path: Path) -> None:
    data = 'a,b\n1,"x\ny\r\nz"\n2,"say ""hi"""\n\n3,""\n'
    _, got = one(put(tmp_path / "a.csv", data))
    assert got == [("1", "x\ny\r\nz", 2), ("2", 'say "hi"', 5), ("3", None, 7)]


def test_a_ragged_row_is_rejected_and_harms_no_other(tmp_path: Path) -> None:
    data = "编号,姓名,地址\n1,张,甲\n2,李\n3,王,乙,丙\n4,赵,丁\n5,钱,戊,\n"
    source, got = one(put(tmp_path / "a.csv", data))
    assert got == [("1", "张", "甲", 2), ("4", "赵", "丁", 5), ("5", "钱", "戊", 6)]
    assert [(b.row, b.column, b.value) for b in source.bad] == [(3, None, "2,李"), (4, None, "3,王,乙,丙")]
    assert source.bad[0].zh == "列数过少:应为 3 格,实有 2 格"
    assert source.bad[1].en == "it has 4 cells where the header has 3"
    assert [n.row for n in source.notes] == [6], "empty cells beyond the header are no harm, and said"


def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path) -> None:
    data = 'a,b,c\n1,"x,2\n2,y,3\n3,z,4\n4,"w",5\n5,v"v,6\n6,"u"u,7\n7,t,8\n'
    source, got = one(put(tmp_path / "a.csv", data))
    assert got == [
        ("2", "y", "3", 3),
        ("3", "z", "4", 4),
        ("4", "w", "5", 5),
        ("5", 'v"v', "6", 6),
        ("7", "t", "8", 8),
    ]
    assert [b.row for b in source.bad] == [2, 7]
    # Never closed at all; and the inner lines of a rejected cell never become rows.
    source, got = one(put(tmp_path / "b.csv", 'a,b,c\n1,"x,2\n2,y,3\n'))
    assert (got, [b.row for b in source.bad]) == ([("2", "y", "3", 3)], [2])
    source, got = one(put(tmp_path / "c.csv", 'a,b,c\n1,"k\nl",x,extra\n2,y,3\n'))
    assert (got, [b.row for b in source.bad]) == ([("2", "y", "3", 4)], [2, 3])


def test_nul_bytes(tmp_path: Path) -> None:
    source, got = one(put(tmp_path / "a.csv", b"a,b\n1,x\n2,y\0\n3,z\n\0\0\0\0"))
    assert got == [("1", "x", 2), ("3", "z", 4)]
    assert [(b.row, b.en) for b in source.bad] == [(3, "it holds a NUL byte"), (5, "it holds a NUL byte")]


def test_a_wrong_byte_rejects_its_row_with_the_offset(tmp_path: Path) -> None:
    good = "编号,姓名\n1,张三\n2,".encode()
    source, got = one(put(tmp_path / "a.csv", good + b"\xd5\xc5\n" + "3,李四\n4,王\n".encode()))
    assert got == [("1", "张三", 2), ("3", "李四", 4), ("4", "王", 5)]
    (bad,) = source.bad
    assert (bad.row, bad.value) == (3, "2,\ufffd\ufffd")
    assert f"(byte {len(good)} of the file)" in bad.en and f"第 {len(good)} 字节" in bad.zh
    good = "编号,姓名\n1,张三\n2,".encode("gb18030")
    source, got = one(put(tmp_path / "b.csv", good + b"\xff\xff\n" + "3,李四\n4,王\n".encode("gb18030")))
    assert got == [("1", "张三", 2), ("3", "李四", 4), ("4", "王", 5)]
    assert f"(byte {len(good)} of the file)" in source.bad[0].en


@pytest.mark.parametrize("encodings", [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_mixed_encodings_are_told_with_byte_and_line(tmp_path: Path, encodings: tuple[str, str]) -> None:
    head = "编号,姓名,住址\n1,张三,北干街道\n".encode(encodings[0])
    tail = "2,王某某某,萧山区北干街道金城路\n".encode(encodings[1])
    told = refused(put(tmp_path / "a.csv", head + tail * 20))
    assert "line 3" in told.en and "第 3 行" in told.zh
    assert str(len(head) + 2) in told.en


def test_mojibake_is_never_loaded_silently(tmp_path: Path) -> None:
    """UTF-8 lines after an ASCII head, then GB18030 ones: whatever is taken, the other's rows are not rows."""
    data = b"a,b\n" + "1,北干街道金城路\n".encode() * 3 + "2,北干街道金城路\n".encode("gb18030")
    source, got = one(put(tmp_path / "a.csv", data))
    assert [r[0] for r in got] == ["1"] * 3
    assert [b.row for b in source.bad] == [5]


def test_ascii_first_and_chinese_far_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "CHUNK", 1000)
    monkeypatch.setattr(text, "HEAD", 100)
    monkeypatch.setattr(openers, "HEAD", 100)
    monkeypatch.setattr(raw, "BLOCK", 100)
    data = b"a,b\n" + b"1,x\n" * 2000 + "2,张三\n".encode("gb18030")
    _, got = one(put(tmp_path / "a.csv", data))
    assert got[-1] == ("2", "张三", 2002)
    assert len(got) == 2001


def test_the_header_is_found_below_titles(tmp_path: Path) -> None:
    data = '萧山区警情统计表,,\n2025年12月,,\n\n 编号 ,"姓\n名",地址*\n1,张,甲\n合 计,,1\n,填表人:李,\n小计,王,乙\n填报单位:某所\n'
    source, got = one(put(tmp_path / "a.csv", data), declared=HEADER, key=("编号", "姓名"))
    assert source.columns == list(HEADER)
    assert got == [("1", "张", "甲", 6), ("小计", "王", "乙", 9)], "a row with its key filled is a record"
    assert sorted(n.row or 0 for n in source.notes) == [4, 7, 8, 10]
    assert "萧山区警情统计表" in source.notes[0].zh
    assert source.bad == []


def test_two_header_rows(tmp_path: Path) -> None:
    data = "编号,甲方,,乙方,\n,姓名,电话,姓名,电话\n1,张,11,李,22\n"
    path = put(tmp_path / "a.csv", data)
    source, got = one(path, Reading(header_rows=2))
    assert source.columns == ["编号", "甲方/姓名", "甲方/电话", "乙方/姓名", "乙方/电话"]
    assert got == [("1", "张", "11", "李", "22", 3)]
    source, _ = one(path, Reading(header_rows=2), declared=("编号", "姓名", "甲方/电话"))
    assert source.columns == ["编号", "姓名", "甲方/电话", "姓名 (2)", "乙方/电话"]
    assert any("names 姓名 again" in n.en for n in source.notes)
    source, got = one(path, declared=("编号", "甲方/姓名", "乙方/姓名"))
    assert got == [("1", "张", "11", "李", "22", 3)], "found without being declared"
    assert any("two rows" in n.en for n in source.notes)


def test_a_declared_header_row(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "x,y\n1,2\n编号,姓名\n3,4\n")
    _, got = one(path, Reading(header_row=3))
    assert got == [("3", "4", 4)]
    assert "row 9 is no header" in refused(path, Reading(header_row=9)).en


def test_duplicate_and_empty_header_names_are_told(tmp_path: Path) -> None:
    source, got = one(put(tmp_path / "a.csv", "编号,姓名,,姓名,\n1,张,,李,\n2,王,注,赵,\n3,王,注,赵,\n"))
    assert source.columns == ["编号", "姓名", "姓名 (2)"]
    assert got == [("1", "张", "李", 2), ("2", "王", "赵", 3), ("3", "王", "赵", 4)]
    assert [(n.row, n.en.split(":")[0]) for n in source.notes] == [
        (1, "the header names 姓名 again in column 4"),
        (3, "column 3 is filled (as in row 3) but the header does not name it"),
    ]


def test_many_blank_rows_and_many_notes(tmp_path: Path) -> None:
    data = "a,b\n" + ",\n\n" * 5000 + "1,2\n" + "合计,\n" * 50
    source, got = one(put(tmp_path / "a.csv", data), key=("b",))
    assert got == [("1", "2", 10002)]
    assert len(source.notes) == 21
    assert source.notes[-1].en.startswith("30 more")


@pytest.mark.parametrize("data", [b"a,b\n", b"a,b", b"\xef\xbb\xbfa,b\r\n", b"a,b\n,\n\n"])
def test_a_header_alone(tmp_path: Path, data: bytes) -> None:
    source, got = one(put(tmp_path / "a.csv", data))
    assert (source.columns, got) == (["a", "b"], [])
    assert source.digest() == hashlib.sha256(data).hexdigest()


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "no.csv", "there is no file"), (tmp_path, "is a directory")):
        with pytest.raises(UsageError, match=says) as told:
            sources(path)
        assert told.value.code == "BAD_FILE"
    for data in (b"", b"\n\n", b"\xef\xbb\xbf", b" ", gzip.compress(b"")):
        assert "empty" in refused(put(tmp_path / "empty.csv", data)).en
    for magic, kind in (
        (b"%PDF-1.7\n", "PDF"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"<?xml version='1.0'?><a/>", "XML"),
    ):
        assert f"it is a {kind} file" in refused(put(tmp_path / "a.csv", magic)).en


# -- packed -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv.gz", ".csv.zst", ".csv"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_files(tmp_path: Path, ending: str, pack: object) -> None:
    assert callable(pack)
    plain = LINES.encode("gb18030")
    half = plain.index(b"\n") + 1
    data = pack(plain[:half]) + pack(plain[half:])
    source, got = one(put(tmp_path / f"a{ending}", data))
    assert got == READ
    assert source.digest() == hashlib.sha256(data).hexdigest(), "of the bytes as they were sent"
    assert ending in SUFFIXES


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("left", [0.99, 0.5, 0.1])
def test_a_cut_off_packed_file(tmp_path: Path, pack: object, left: float) -> None:
    assert callable(pack)
    data = pack(b"a,b\n" + b"".join(os.urandom(8).hex().encode() + b",2\n" for _ in range(20_000)))
    told = refused(put(tmp_path / "a.csv.gz", data[: int(len(data) * left)]))
    assert "cut off" in told.en and "不完整" in told.zh


def test_a_damaged_packed_file(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"a,b\n" + b"1,2\n" * 20_000))
    data[-5] ^= 0xFF  # the checksum
    assert "damaged" in refused(put(tmp_path / "a.csv.gz", bytes(data))).en


def bombs() -> Iterator[tuple[str, bytes]]:
    engine = zlib.compressobj(9, wbits=31)
    block = b"1,2\n" * (1 << 18)
    yield (
        "gz",
        engine.compress(b"a,b\n") + b"".join(engine.compress(block) for _ in range(100)) + engine.flush(),
    )
    maker = zstandard.ZstdCompressor(19).compressobj()
    yield (
        "zst",
        maker.compress(b"a,b\n") + b"".join(maker.compress(block) for _ in range(100)) + maker.flush(),
    )


def test_a_bomb_goes_off_nowhere(tmp_path: Path) -> None:
    for ending, data in bombs():
        path = put(tmp_path / f"a.csv.{ending}", data)
        assert "250 times its size" in refused(path).en
        assert "more than 10 MiB" in refused(path, limits=Limits(unpacked=10 << 20)).en


# -- while it is read ----------------------------------------------------------------------------------------------------


def big(path: Path) -> Path:
    return put(path, b"a,b\n" + b"1,2\n" * 3_000_000)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path = big(tmp_path / "a.csv")
    (source,) = sources(path)
    next(source.frames)
    with path.open("ab") as file:
        file.write(b"3,4\n")
    with pytest.raises(UsageError, match="changed while it was read"):
        list(source.frames)
    with pytest.raises(RuntimeError):
        source.digest()


def test_a_file_that_is_replaced_or_vanishes_while_it_is_read(tmp_path: Path) -> None:
    path = big(tmp_path / "a.csv")
    (source,) = sources(path)
    put(tmp_path / "b.csv", path.read_bytes()).replace(path)
    with pytest.raises(UsageError, match="changed while it was read"):
        list(source.frames)
    (source,) = sources(path)
    path.unlink()
    with pytest.raises(UsageError, match="moved or deleted"):
        list(source.frames)


def test_a_pushed_body(tmp_path: Path) -> None:
    class Body(io.RawIOBase):
        """What cannot be sought in, and gives few bytes at a time."""

        def __init__(self, data: bytes) -> None:
            self.data = data

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            part, self.data = self.data[:7], self.data[7:]
            buffer[: len(part)] = part
            return len(part)

    for data in (LINES.encode(), gzip.compress(LINES.encode("gb18030"))):
        (source,) = stream_sources(io.BufferedReader(Body(data)), "push")
        assert whole(source) == READ
        assert source.digest() == hashlib.sha256(data).hexdigest()


# -- bounded memory ------------------------------------------------------------------------------------------------------

CHILD = """
import resource, sys
from pathlib import Path
from loaders.readers import sources
from ontology.errors import UsageError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows, said = 0, ""
try:
    for source in sources(Path(sys.argv[1])):
        for frame in source.frames:
            rows += frame.height
except UsageError as error:
    said = str(error)
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, said)
"""


def child(path: Path) -> tuple[int, int, str]:
    """Rows, MiB that reading needed at its most, and the error, of a process that reads a file."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        capture_output=True, text=True, timeout=120, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    rows, grown, *said = done.stdout.strip().split(" ", 2)
    return int(rows), int(grown), said[0] if said else ""


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    row = (
        "R1,张三,330109199001011234,13800000001,萧山区北干街道金城路12号3幢1单元0101室,男,汉族,,,2025-01-01\n"
    )
    block = (row * 10_000).encode()
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write((",".join(f"列{i}" for i in range(10)) + "\n").encode())
        for _ in range(260):
            file.write(block)
    assert path.stat().st_size > 280 << 20
    rows, grown, said = child(path)
    assert (rows, said) == (2_600_000, "")
    assert grown < 250, f"{grown} MiB"


@pytest.mark.parametrize("quoted", [False, True])
def test_a_line_of_100_megabytes(tmp_path: Path, quoted: bool) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b'a,b\n1,2\n3,"' if quoted else b"a,b\n1,2\n3,")
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"\n4,5\n' if quoted else b"\n4,5\n")
    _, grown, said = child(path)
    assert "line 3 is longer than 4096 KiB" in said
    assert grown < 150, f"{grown} MiB"


# -- the fast way and the careful one ------------------------------------------------------------------------------------

CELLS = st.text(st.sampled_from("ab张𬱖 ,;\"\n\r\t'"), max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=40),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.integers(20, 300),
)
def test_what_was_written_is_read(
    tmp_path: Path, rows: list[list[str]], quoting: int, encoding: str, size: int
) -> None:
    out = io.StringIO(newline="")
    # Line breaks of any kind are quoted, as any program that writes CSV does.
    writer = csv.writer(
        out, lineterminator="\r\n", quoting=csv.QUOTE_ALL if quoting == csv.QUOTE_ALL else csv.QUOTE_MINIMAL
    )
    writer.writerow(["甲", "乙", "丙"])
    expected = []
    for row in rows:
        line = len(io.StringIO(out.getvalue(), newline="").readlines()) + 1
        if any(row):
            expected.append((*(c or None for c in row), line))
        writer.writerow(row)
    path = put(tmp_path / "a.csv", out.getvalue(), encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", size)
        patch.setattr(text, "HEAD", 32)
        patch.setattr(openers, "HEAD", 32)
        patch.setattr(raw, "BLOCK", 16)
        source, got = one(
            path,
            Reading(delimiter=",", encoding="gb18030" if encoding == "gb18030" else None),
            ("甲", "乙", "丙"),
        )
        assert got == expected
        assert source.bad == []
        patch.setattr(_Table, "_fast", lambda self, data, line: None)
        assert (
            one(
                path,
                Reading(delimiter=",", encoding="gb18030" if encoding == "gb18030" else None),
                ("甲", "乙", "丙"),
            )[1]
            == expected
        )
