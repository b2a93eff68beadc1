"""A file's bytes: digested while they are read, unpacked within limits, and the same at the end as at the start."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from loaders.readers.model import Limits, unreadable
from ontology.errors import UsageError

BLOCK = 1 << 20
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
GRACE = 64 << 20
IN_MEMORY = 8 << 20
SLICE = 2048


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev


class Raw:
    """The bytes of one file or pushed body, read once from start to end, by blocks.

    Args:
        path: the file; None for a pushed body.
        stream: the body.
        name: what to call it in messages.

    Raises:
        UsageError: BAD_FILE when there is no such file or it is none.
    """

    def __init__(self, path: Path | None, stream: BinaryIO | None, name: str, limits: Limits) -> None:
        self.path, self.name, self.limits = path, name, limits
        self._hash = hashlib.sha256()
        self._digest: str | None = None
        self.before: tuple[int, int, int, int] | None = None
        self.size = 0
        self.packed = False
        if path is not None:
            stream = _opened(path)
            self.before = _identity(os.fstat(stream.fileno()))
        assert stream is not None
        self._stream = stream

    def blocks(self) -> Iterator[bytes]:
        """The bytes as they are in the file; at the end the digest is known and the file is the same.

        Raises:
            UsageError: BAD_FILE when the file changed or cannot be read further.
        """
        try:
            while block := self._stream.read(BLOCK):
                self._hash.update(block)
                self.size += len(block)
                yield block
        except OSError as error:
            raise unreadable(
                self.name, f"读取中断({error.strerror})", f"reading it failed: {error.strerror}"
            ) from None
        finally:
            if self.path is not None:
                self._stream.close()
        self.unchanged()
        self._digest = self._hash.hexdigest()

    def unchanged(self) -> None:
        """Raises:
        UsageError: BAD_FILE when the file is no longer what it was when it was opened.
        """
        if self.path is None or self.before is None:
            return
        try:
            now = _identity(self.path.stat())
        except OSError:
            raise unreadable(
                self.name,
                "读取过程中文件被移走或删除",
                "it was moved or deleted while it was read",
                "Load it again once it is in its place.",
            ) from None
        if now != self.before:
            raise unreadable(
                self.name,
                "读取过程中文件内容发生变化",
                "it changed while it was read",
                "Load it again once it is completely written.",
            )

    def digest(self) -> str:
        if self._digest is None:
            raise RuntimeError("the digest is known once all bytes have been read")
        return self._digest

    def unpacked(self) -> Iterator[bytes]:
        """The bytes, out of gzip or zstd where they are packed, in blocks of about a mebibyte.

        Raises:
            UsageError: BAD_FILE when they are cut off, damaged, or too many.
        """
        blocks = self.blocks()
        first = next(blocks, b"")
        self.packed = first[:2] == GZIP or first[:4] == ZSTD
        if first[:2] == GZIP:
            return self._guarded(_gunzip(first, blocks, self.name))
        if first[:4] == ZSTD:
            return self._guarded(_unzstd(first, blocks, self.name))
        return _again(first, blocks)

    def _guarded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        for block in blocks:
            total += len(block)
            if total > self.limits.unpacked:
                raise unreadable(
                    self.name,
                    f"解压后超过 {told_size(self.limits.unpacked)}",
                    f"it unpacks to more than {told_size(self.limits.unpacked)}",
                    "Send it in parts.",
                )
            if total > GRACE and total > self.size * self.limits.ratio:
                raise unreadable(
                    self.name,
                    f"压缩比超过 {self.limits.ratio} 倍,疑似压缩炸弹",
                    f"it unpacks to more than {self.limits.ratio} times its size: no data of a department does",
                )
            yield block


def told_size(size: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


def _opened(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(
                "BAD_FILE",
                f"{path} 是目录或特殊文件,不是数据文件",
                f"{path} is a directory or no ordinary file",
            )
        return path.open("rb")
    except FileNotFoundError:
        raise UsageError("BAD_FILE", f"没有文件 {path}", f"there is no file {path}") from None
    except OSError as error:
        raise unreadable(
            path.name, f"无法打开({error.strerror})", f"it cannot be opened: {error.strerror}"
        ) from None


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _cut_off(name: str) -> UsageError:
    return unreadable(name, "压缩文件不完整", "the compressed file is cut off", "Have it sent again.")


def _damaged(name: str, error: Exception) -> UsageError:
    return unreadable(
        name, "压缩文件已损坏", f"the compressed file is damaged ({error})", "Have it sent again."
    )


def _gunzip(first: bytes, rest: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Members one after another, as `cat a.gz b.gz` makes them; zeros after the last are padding."""
    engine = zlib.decompressobj(wbits=31)
    begun = False
    for block in _again(first, rest):
        data = block
        while data:
            if not begun:
                data = data.lstrip(b"\0")
                if not data:
                    break
                begun = True
            try:
                out = engine.decompress(data, BLOCK)
            except zlib.error as error:
                raise _damaged(name, error) from None
            if out:
                yield out
            if engine.eof:
                data, begun = engine.unused_data, False
                engine = zlib.decompressobj(wbits=31)
            else:
                data = engine.unconsumed_tail
                if not data and not out:
                    break
        while begun:
            out = engine.decompress(b"", BLOCK)
            if not out:
                break
            yield out
    if begun:
        raise _cut_off(name)


def _unzstd(first: bytes, rest: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Frames one after another. Fed by small slices: one of 2 KiB gives 64 MiB at the very most."""
    maker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    engine = maker.decompressobj()
    begun = False
    for block in _again(first, rest):
        for start in range(0, len(block), SLICE):
            data = block[start : start + SLICE]
            while data:
                begun = True
                try:
                    out = engine.decompress(data)
                except zstandard.ZstdError as error:
                    raise _damaged(name, error) from None
                if out:
                    yield out
                data = b""
                if engine.eof:
                    data, begun = engine.unused_data, False
                    engine = maker.decompressobj()
    if begun:
        raise _cut_off(name)


def spooled(blocks: Iterator[bytes]) -> BinaryIO:
    """The bytes as a file to seek in: in memory when few, else in a nameless temporary file."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    for block in blocks:
        file.write(block)
    file.seek(0)
    return file  # type: ignore[return-value]
