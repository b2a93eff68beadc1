"""What a file is, by its content, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from loaders.readers import workbook
from loaders.readers.delimited import delimited
from loaders.readers.model import Limits, Reading, Source, unreadable
from loaders.readers.raw import Raw

PACKED = ("", ".gz", ".zst")
SUFFIXES = (
    *(s + p for s in (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json") for p in PACKED),
    ".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".sqlite", ".db",
)  # fmt: skip
HEAD = 1 << 16

MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\t\x08", "biff"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\0", "sqlite"),
    (b"%PDF", "PDF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"{\\rtf", "RTF"),
)


def sources(
    path: Path,
    reading: Reading | None = None,
    declared: Sequence[str] = (),
    key: Sequence[str] = (),
    limits: Limits | None = None,
) -> list[Source]:
    """The sources in a file: one, or one for each sheet that has the header.

    Args:
        declared: the columns that the feed declares, by which the header is found.
        key: those that identify a record, by which totals and signatures are told from records.

    Raises:
        UsageError: BAD_FILE when there is no such file, or it cannot be read.
    """
    limits = limits or Limits()
    return _sources(Raw(path, None, path.name, limits), reading or Reading(), declared, key, limits)


def stream_sources(
    stream: BinaryIO,
    name: str,
    reading: Reading | None = None,
    declared: Sequence[str] = (),
    key: Sequence[str] = (),
    limits: Limits | None = None,
) -> list[Source]:
    """The same for a pushed body, which need not be seekable. `name` stands for the file's in all messages.

    Raises:
        UsageError: BAD_FILE when it cannot be read.
    """
    limits = limits or Limits()
    return _sources(Raw(None, stream, name, limits), reading or Reading(), declared, key, limits)


def _sources(
    raw: Raw, reading: Reading, declared: Sequence[str], key: Sequence[str], limits: Limits
) -> list[Source]:
    blocks = raw.unpacked()
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD:
            break
    whole = _chain(head, blocks)
    if not head:
        raise unreadable(raw.name, "文件为空", "the file is empty")
    kind = _kind(head, raw.name, reading)
    if kind in ("zip", "ole", "biff"):
        return workbook.sheets(raw, whole, reading, declared, key, limits)
    if kind in ("PDF", "RAR", "7z", "PNG", "JPEG", "RTF"):
        raise unreadable(raw.name, f"这是 {kind} 文件,不是数据表", f"it is a {kind} file, not a table")
    return [delimited(raw, whole, reading, declared, key, limits)]


def _kind(head: bytes, name: str, reading: Reading) -> str:
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    return "text"


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
