"""Segments: what was acknowledged is there, once, whatever was cut off, changed, or written at the same time."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Keyring, Ledger, Pushes, segments
from ledger.pushes import KeyUsedError, Layout
from ledger.segments import Columns
from ontology.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
KEY = "ab" * 32


def layout(feed: str) -> Layout | None:
    return (
        Layout(["a", "b"], lambda there: [c for c in "ab" if c not in there], ["b"])
        if feed == "one"
        else None
    )


def rows(*values: str) -> Columns:
    return Columns(["a", "b"], [list(values), [f"secret {v}" for v in values]])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, Keyring(KEY))
    yield opened
    opened.close()


@pytest.fixture
def pushes(ledger: Ledger) -> Iterator[Pushes]:
    opened = Pushes(ledger)
    yield opened
    opened.close()


def push(pushes: Pushes, *values: str, key: str | None = None, feed: str = "one", digest: str = "d") -> str:
    taken, done = pushes.submit(feed, key, digest, rows(*values))
    done.result(10)
    return taken.push.id


def held(ledger: Ledger, feed: str = "one") -> list[str]:
    """Column `a` of all batches of a feed."""
    return [v for b in ledger.batches(feed) for f in ledger.frames(b) for v in f.get_column("a")]


def files(pushes: Pushes) -> list[Path]:
    return segments.paths(pushes.directory)


def test_pushes_become_batches(ledger: Ledger, pushes: Pushes) -> None:
    push(pushes, "1", "2")
    push(pushes, "x", feed="two")
    push(pushes, "3")
    done = pushes.compact(layout)
    assert (done.pushes, done.rows, done.batches, done.damaged) == (3, 4, 2, [])
    assert held(ledger) == ["1", "2", "3"]
    assert held(ledger, "two") == ["x"]
    (batch,) = ledger.batches("one")
    assert (batch.rows, batch.columns) == (3, ("a", "b"))
    assert ledger.row(batch.no, 4) == {"a": "3", "b": "secret 3"}
    firsts = ledger.db.execute("SELECT first_row, rows FROM push WHERE feed = 'one' ORDER BY first_row")
    assert firsts.fetchall() == [(2, 2), (4, 1)]
    assert pushes.compact(layout).batches == 0
    push(pushes, "4")
    pushes.compact(layout)
    assert held(ledger) == ["1", "2", "3", "4"]


def test_columns_of_pushes_may_differ(ledger: Ledger, pushes: Pushes) -> None:
    for columns in (Columns(["b"], [["B"]]), Columns(["a"], [["A"]])):
        pushes.submit("one", None, "d", columns)[1].result(10)
    pushes.compact(layout)
    (batch,) = ledger.batches("one")
    assert [f.rows() for f in ledger.frames(batch)] == [[(None, "B", 2), ("A", None, 3)]]


def test_nothing_is_in_clear(ledger: Ledger, pushes: Pushes) -> None:
    push(pushes, "1", key="very-secret-key")
    (path,) = files(pushes)
    assert b"secret" not in path.read_bytes()
    pushes.compact(layout)
    for each in ledger.directory.rglob("*"):
        assert not each.is_file() or b"secret" not in each.read_bytes(), each.name


def test_a_segment_is_deleted_when_its_writer_is_gone_and_all_is_in_batches(
    ledger: Ledger, pushes: Pushes
) -> None:
    push(pushes, "1")
    pushes.compact(layout)
    assert len(files(pushes)) == 1
    pushes.close()
    pushes.compact(layout)
    assert files(pushes) == []
    assert held(ledger) == ["1"]
    Pushes(ledger).compact(layout)
    assert ledger.db.execute("SELECT count(*) FROM segment").fetchone() == (0,)


def test_a_torn_tail_at_every_byte_is_not_there_and_what_is_before_it_is(tmp_path: Path) -> None:
    origin = Ledger(tmp_path / "origin", Keyring(KEY))
    first = Pushes(origin)
    push(first, "1")
    push(first, "2")
    (path,) = files(first)
    first.close()
    content = path.read_bytes()
    ends = [e.end for e in segments.read(path, origin.vault)]
    assert ends[-1] == len(content)
    for length in range(ends[0], len(content) + 1):
        path.write_bytes(content[:length])
        found = [segments.rows_of(origin.vault, e).cells[0] for e in segments.read(path, origin.vault)]
        assert found == ([["1"], ["2"]] if length == len(content) else [["1"]])
    path.write_bytes(content[: ends[0] + 7])
    again = Pushes(origin)
    assert again.compact(layout).damaged == []
    assert held(origin) == ["1"]
    assert [p.suffix for p in again.directory.iterdir()] == [".torn"]


def test_a_flipped_byte_before_the_end_is_damage_and_what_is_before_it_is_taken(tmp_path: Path) -> None:
    origin = Ledger(tmp_path / "origin", Keyring(KEY))
    first = Pushes(origin)
    for value in "123":
        push(first, value)
    (path,) = files(first)
    first.close()
    content = path.read_bytes()
    ends = [e.end for e in segments.read(path, origin.vault)]
    origin.close()
    for at in [*range(ends[0], ends[0] + 16), ends[0] + 40, ends[1] - 1]:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "origin", tmp_path / "copy")
        ledger = Ledger(tmp_path / "copy", Keyring(KEY))
        pushes = Pushes(ledger)
        damaged = pushes.directory / path.name
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        with pytest.raises(UsageError) as raised:
            list(segments.read(damaged, ledger.vault))
        assert raised.value.code == "LEDGER_DAMAGED"
        assert pushes.compact(layout).damaged == [path.name]
        assert held(ledger) == ["1"]
        # It stays for whoever restores it; other pushes go on.
        push(pushes, "9")
        pushes.compact(layout)
        assert damaged.exists()
        assert held(ledger) == ["1", "9"]
        pushes.close()
        ledger.close()


def test_a_kill_between_rows_and_catalogue_adds_nothing(
    ledger: Ledger, pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(pushes, "1")
    with monkeypatch.context() as patched:
        patched.setattr(Pushes, "_commit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pushes.compact(layout)
    assert held(ledger) == []
    push(pushes, "2")
    pushes.compact(layout)
    assert held(ledger) == ["1", "2"]
    assert len(list(ledger.files.directory.iterdir())) == 1


def test_appends_at_once_share_an_fsync(
    ledger: Ledger, pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    go = threading.Event()
    real = os.fdatasync

    def slow(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 1:
            go.wait(10)
        real(handle)

    monkeypatch.setattr(os, "fdatasync", slow)
    waiting = [pushes.submit("one", None, "d", rows("0"))[1]]
    while not synced:
        pass
    waiting += [pushes.submit("one", None, "d", rows(str(n)))[1] for n in range(1, 50)]
    assert not any(w.done() for w in waiting)
    go.set()
    for each in waiting:
        each.result(10)
    assert len(synced) == 2
    pushes.compact(layout)
    assert sorted(held(ledger), key=int) == [str(n) for n in range(50)]


def test_a_full_disk_is_told_and_what_was_taken_stays(
    ledger: Ledger, pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(pushes, "1")
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 20:
            return real(handle, bytes(data[:20]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(UsageError) as raised:
            push(pushes, "2", key="k")
    assert raised.value.code == "DISK_FULL"
    push(pushes, "2", key="k")
    push(pushes, "3")
    pushes.compact(layout)
    assert held(ledger) == ["1", "2", "3"]


def test_segments_roll_over(ledger: Ledger, pushes: Pushes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "ROLL_BYTES", 1)
    for value in "123":
        push(pushes, value)
    assert len(files(pushes)) == 3
    pushes.compact(layout)
    assert held(ledger) == ["1", "2", "3"]
    assert len(files(pushes)) == 1


def test_the_same_key_is_one_push(ledger: Ledger, pushes: Pushes) -> None:
    first = push(pushes, "1", key="k")
    assert push(pushes, "1", key="k") == first
    assert push(pushes, "1", key="k", feed="two") != first
    with pytest.raises(KeyUsedError):
        push(pushes, "2", key="k", digest="other")
    pushes.compact(layout)
    assert push(pushes, "1", key="k") == first
    assert held(ledger) == ["1"]


@pytest.mark.parametrize("compacted", [False, True], ids=["in a segment", "in a batch"])
def test_the_same_key_after_a_restart(ledger: Ledger, compacted: bool) -> None:
    before = Pushes(ledger)
    first = push(before, "1", key="k")
    before.close()
    if compacted:
        before.compact(layout)
    after = Pushes(ledger)
    assert push(after, "1", key="k") == first
    with pytest.raises(KeyUsedError):
        push(after, "2", key="k", digest="other")
    after.close()
    after.compact(layout)
    assert held(ledger) == ["1"]


def test_one_key_in_two_processes_at_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither sees the other: the same content is kept once, other content is kept too, for it was acknowledged."""
    monkeypatch.setattr(Pushes, "_look_elsewhere", lambda self: None)
    one, two, three = Pushes(ledger), Pushes(ledger), Pushes(ledger)
    assert push(one, "1", key="k") == push(two, "1", key="k")
    push(three, "3", key="k", digest="other")
    for each in (one, two, three):
        each.close()
    one.compact(layout)
    assert sorted(held(ledger)) == ["1", "3"]
    keys = ledger.db.execute("SELECT count(*), count(key) FROM push").fetchone()
    assert keys == (2, 1)


WRITER = """
import sys
from pathlib import Path
from ledger import Keyring, Ledger, Pushes
from ledger.segments import Columns
ledger = Ledger(Path(sys.argv[1]), Keyring(sys.argv[2]))
pushes = Pushes(ledger)
for n in range(200):
    value = f"{sys.argv[3]}{n}"
    pushes.submit("one", None, "d", Columns(["a", "b"], [[value], [value]]))[1].result(30)
    print(value, flush=True)
"""


def _writers(tmp_path: Path, count: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), KEY, f"p{n}-"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]


def test_processes_append_at_once_while_another_makes_batches(tmp_path: Path, ledger: Ledger) -> None:
    writers = _writers(tmp_path, 2)
    pushes = Pushes(ledger)
    while any(w.poll() is None for w in writers):
        pushes.compact(layout)
    written = [w.communicate()[0].split() for w in writers]
    pushes.compact(layout)
    assert [len(w) for w in written] == [200, 200]
    assert sorted(held(ledger)) == sorted(written[0] + written[1])
    assert files(pushes) == []


def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path, ledger: Ledger) -> None:
    for _ in range(3):
        (writer,) = _writers(tmp_path, 1)
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(30)]
        writer.kill()
        told += writer.communicate()[0].split()
        pushes = Pushes(ledger)
        pushes.compact(layout)
        found = held(ledger)
        # One more may have been written whose acknowledgement nobody read.
        assert found[: len(told)] == told
        assert len(found) <= len(told) + 1
        assert files(pushes) == []
        ledger.db.execute("DELETE FROM batch")


def test_tokens(ledger: Ledger, pushes: Pushes) -> None:
    token = pushes.make_token("one")
    other = pushes.make_token("one")
    assert pushes.feeds_of(token) == pushes.feeds_of(other) == {"one"}
    assert pushes.feeds_of(token[:-1]) == set()
    assert pushes.revoke_tokens("two") == 0
    assert pushes.revoke_tokens("one") == 2
    assert pushes.feeds_of(token) == set()
    for each in ledger.directory.rglob("*"):
        assert not each.is_file() or token.encode() not in each.read_bytes()
