"""Pushes as received, durable before they are acknowledged: append-only files, one open per writing process.

A file is a run of frames. A frame is what one fsync took: magic, length, CRC-32, and the entries that were waiting
then, each a sealed head (who, when, how many rows) and the sealed rows. A frame is written only when the one before it
is on the disk; so a frame that is short or does not fit its checksum, with none after it, was never acknowledged (a
torn tail, left by a kill or a power cut), and one with others after it is damage.

The writer holds a lock (flock) on its file as long as it may write to it. Whoever finds that lock free knows that nothing more comes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import queue
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard

from ledger.vault import Vault, damaged, fsync_directory
from ontology.errors import UsageError

MAGIC = b"QXF1"
_FRAME = struct.Struct(">4sII")
_SIZE = struct.Struct(">I")
ROLL_BYTES = 64 << 20
ROLL_SECONDS = 300.0
GROUP_BYTES = 8 << 20
SUFFIX = ".seg"


@dataclass(frozen=True, slots=True)
class Push:
    """What is known of a push without its rows.

    Attributes:
        id: its name; made from feed, key and content where there is a key, so that the same push has the same name.
        key: hash of the sender's idempotency key, or None.
        digest: hash of the content.
        received_at: ISO, Asia/Shanghai, milliseconds.
    """

    id: str
    feed: str
    key: str | None
    digest: str
    received_at: str
    rows: int


class Entry(NamedTuple):
    """A push in a segment. `end` is where its frame ends: entries of one frame share it."""

    push: Push
    sealed: bytes
    end: int


class Columns(NamedTuple):
    """The rows of a push: names, and as many lists of cells, each a text or None."""

    names: list[str]
    cells: list[list[str | None]]


def pack(vault: Vault, push: Push, rows: Columns) -> bytes:
    """An entry's bytes: the length of the sealed head, the head, the sealed rows."""
    head = vault.seal(orjson.dumps([push.id, push.feed, push.key, push.digest, push.received_at, push.rows]))
    body = vault.seal(zstandard.compress(orjson.dumps([rows.names, rows.cells]), 3))
    return _SIZE.pack(len(head)) + head + body


def rows_of(vault: Vault, entry: Entry) -> Columns:
    """The rows of an entry.

    Raises:
        UsageError: LEDGER_DAMAGED.
    """
    names, cells = orjson.loads(zstandard.decompress(vault.open(entry.sealed)))
    return Columns(names, cells)


def disk_full() -> UsageError:
    return UsageError(
        "DISK_FULL",
        "磁盘已满,未接收",
        "the disk is full: nothing of this was taken",
        "Free some space, then send it again.",
    )


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


# -- reading --------------------------------------------------------------------------------------------------------


def paths(directory: Path) -> list[Path]:
    """The segments that are there, oldest first."""
    try:
        return sorted(p for p in directory.iterdir() if p.suffix == SUFFIX)
    except FileNotFoundError:
        return []


def read(path: Path, vault: Vault, offset: int = 0) -> Iterator[Entry]:
    """The entries from an offset on (the end of a frame, or 0), up to the last whole frame.

    Raises:
        FileNotFoundError: the segment has been compacted and is gone.
        UsageError: LEDGER_DAMAGED when a frame does not hold and others follow it.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while offset + _FRAME.size <= size:
            file.seek(offset)
            magic, length, check = _FRAME.unpack(file.read(_FRAME.size))
            end = offset + _FRAME.size + length
            body = file.read(length) if magic == MAGIC and end <= size else b""
            if magic != MAGIC or end > size or len(body) != length or zlib.crc32(body) != check:
                if _frame_after(file, offset + 1, size):
                    raise damaged(f"{path.name} at byte {offset}")
                return
            yield from _entries(path, vault, body, end)
            offset = end


def _entries(path: Path, vault: Vault, body: bytes, end: int) -> Iterator[Entry]:
    at = 0
    while at < len(body):
        (size,) = _SIZE.unpack_from(body, at)
        entry = body[at + _SIZE.size : at + _SIZE.size + size]
        at += _SIZE.size + size
        (head,) = _SIZE.unpack_from(entry)
        push = Push(*orjson.loads(vault.open(entry[_SIZE.size : _SIZE.size + head])))
        yield Entry(push, entry[_SIZE.size + head :], end)


def _frame_after(file: Any, start: int, size: int) -> bool:
    """Whether a whole frame begins anywhere from `start` on. Read once in a segment's life, so it may take its time."""
    file.seek(start)
    rest = file.read(size - start)
    at = rest.find(MAGIC)
    while at >= 0:
        if at + _FRAME.size <= len(rest):
            _, length, check = _FRAME.unpack_from(rest, at)
            body = rest[at + _FRAME.size : at + _FRAME.size + length]
            if len(body) == length and zlib.crc32(body) == check:
                return True
        at = rest.find(MAGIC, at + 1)
    return False


@contextlib.contextmanager
def abandoned(path: Path) -> Iterator[bool]:
    """Whether the writer of a segment is gone; while the context lasts, nobody becomes one."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


# -- writing --------------------------------------------------------------------------------------------------------


class _Segment:
    """One open file of this process."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
        made = directory / f"{name}.new"
        self.path = directory / f"{name}{SUFFIX}"
        self.handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_APPEND, 0o600)
        try:
            # It is locked before it has its name: nobody ever sees an unlocked file that is still written to.
            fcntl.flock(self.handle, fcntl.LOCK_EX)
            made.rename(self.path)
            fsync_directory(directory)
        except BaseException:
            os.close(self.handle)
            made.unlink(missing_ok=True)
            raise
        self.size = 0
        self.opened = time.monotonic()

    def write(self, frame: bytes) -> None:
        """Appends a frame, durably; leaves the file as it was when it cannot."""
        try:
            left = memoryview(frame)
            while left:
                left = left[os.write(self.handle, left) :]
            os.fdatasync(self.handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.handle, self.size)
                os.fdatasync(self.handle)
            raise
        self.size += len(frame)

    def is_old(self) -> bool:
        return self.size >= ROLL_BYTES or (self.size > 0 and time.monotonic() - self.opened >= ROLL_SECONDS)

    def close(self) -> None:
        os.close(self.handle)


class Writer:
    """Appends to this process' segment. All entries that come while an fsync runs share the next one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._queue: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._segment: _Segment | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def path(self) -> Path | None:
        """The open segment's file."""
        segment = self._segment
        return None if segment is None else segment.path

    def submit(self, entry: bytes) -> Future[None]:
        """Takes an entry; the future is done when it is on the disk.

        The future raises:
            UsageError: DISK_FULL.
            OSError: the disk refuses otherwise.
        """
        done: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the writer is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="segments", daemon=True)
                self._thread.start()
            self._queue.put((entry, done))
        return done

    def append(self, entry: bytes) -> None:
        """Keeps an entry; it is on the disk when this returns. Raises what the future of `submit` does."""
        self.submit(entry).result()

    def close(self) -> None:
        """Writes what was taken, and lets go of the segment."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            try:
                first = self._queue.get(timeout=ROLL_SECONDS)
            except queue.Empty:
                self._roll()
                continue
            group: list[tuple[bytes, Future[None]]] = []
            size = 0
            item = first
            while item is not None:
                # Whoever gave up waiting before it was written is not told of it.
                if item[1].set_running_or_notify_cancel():
                    group.append(item)
                    size += len(item[0])
                if size >= GROUP_BYTES:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            last = item is None
            if group:
                self._write(group)
        self._let_go()

    def _write(self, group: Sequence[tuple[bytes, Future[None]]]) -> None:
        try:
            body = b"".join(_SIZE.pack(len(entry)) + entry for entry, _ in group)
            self._roll()
            if self._segment is None:
                self._segment = _Segment(self.directory)
            self._segment.write(_FRAME.pack(MAGIC, len(body), zlib.crc32(body)) + body)
        except BaseException as error:
            # After a failed fsync nobody knows what the disk holds; and who reads may have seen the frame. A file
            # that had a failure is never written to again.
            self._let_go()
            told = disk_full() if isinstance(error, OSError) and is_full(error) else error
            for _, done in group:
                done.set_exception(told)
        else:
            for _, done in group:
                done.set_result(None)

    def _roll(self) -> None:
        if self._segment is not None and self._segment.is_old():
            self._let_go()

    def _let_go(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None
