"""What a file is, by its content, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from loaders.readers import columnar, database, records, workbook
from loaders.readers.delimited import delimited
from loaders.readers.html import html
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
    match kind:
        case "zip" | "ole" | "biff":
            return workbook.sheets(raw, whole, reading, declared, key, limits)
        case "parquet":
            return [columnar.parquet(raw, whole)]
        case "sqlite":
            return database.sqlite(raw, whole, reading, declared, limits)
        case "jsonl":
            return [records.lines(raw, whole, reading, declared, limits)]
        case "json":
            return [records.array(raw, whole, reading, declared, limits)]
        case "html":
            return [html(raw, whole, reading, declared, key, limits)]
        case "text":
            return [delimited(raw, whole, reading, declared, key, limits)]
    raise unreadable(raw.name, f"这是 {kind} 文件,不是数据表", f"it is a {kind} file, not a table")


def _kind(head: bytes, name: str, reading: Reading) -> str:
    """What a file is by its first bytes; its name and the declaration only tell kinds of text apart."""
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[: len(head) // 2 * 2].decode("utf-16", "ignore").encode()
    head = head.removeprefix(b"\xef\xbb\xbf")
    start = head.lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<meta")) or b"<html" in start:
        return "html"
    if start.startswith((b"<?xml", b"<")):
        return "html" if b"<table" in head.lower() else "XML"
    if start[:1] in (b"{", b"["):
        low = name.lower()
        if reading.format in ("json", "jsonl"):
            return "json" if start[:1] == b"[" else reading.format
        if ".jsonl" in low or ".ndjson" in low:
            return "json" if start[:1] == b"[" else "jsonl"
        if ".json" in low or start[:2] in (b'{"', b"[{"):
            return "json" if start[:1] == b"[" or not _each_line(head) else "jsonl"
    return "text"


def _each_line(head: bytes) -> bool:
    """Whether an object ends with each of the first lines."""
    lines = [x.strip() for x in head.split(b"\n")[:-1][:5] if x.strip()]
    return len(lines) > 0 and all(x.startswith(b"{") and x.endswith(b"}") for x in lines)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
