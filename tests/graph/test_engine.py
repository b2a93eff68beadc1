"""The bundled engine: one per data directory, clean stops, recovery, and errors that say what to do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from graph.class_data import archive_flags, archive_path
from graph.engine import EngineAddress, _has_ended, connect_engine, engine_status, ensure_engine, stop_engine
from graph.engine_jars import Jar, ensure_jars, locked_jars
from graph.store import Store
from ontology.errors import EngineError

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"heap_mb": 512, "page_cache_mb": 64}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory of the test's own; whatever engine it starts is stopped."""
    folder = tmp_path / "data"
    yield folder
    stop_engine(folder)


ASK = """
import sys
from pathlib import Path
from graph.engine import ensure_engine
address = ensure_engine(Path(sys.argv[1]), heap_mb=512, page_cache_mb=64)
print(address.uri, address.password)
"""


async def _count(address: EngineAddress) -> int:
    async with Store.open(address) as store:
        return int(await store.read_one("MATCH (n:Kept) RETURN count(n)"))


async def test_two_processes_share_one_engine_that_outlives_them_and_recovers(data: Path) -> None:
    askers = [
        subprocess.Popen([sys.executable, "-c", ASK, data], stdout=subprocess.PIPE, cwd=ROOT, text=True)
        for _ in range(2)
    ]
    # communicate() ends only when the pipe is closed: the engine does not hold on to it.
    got = {asker.communicate(timeout=200)[0] for asker in askers}
    assert [asker.returncode for asker in askers] == [0, 0]
    assert len(got) == 1, "both were given the same engine"
    status = engine_status(data)
    assert status is not None
    assert status.ready
    assert status.memory > 50 * 2**20
    assert status.disk > 0

    # A kill at any moment: what was written is there after the next start, at the same address.
    address = ensure_engine(data)
    async with Store.open(address) as store:
        await store.write("UNWIND range(1, 1000) AS i CREATE (:Kept {i: i})")
    os.kill(status.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(status.pid)] if psutil.pid_exists(status.pid) else [], timeout=10)
    assert engine_status(data) is None
    again = ensure_engine(data, **SMALL)  # type: ignore[arg-type]
    assert again == address
    assert await _count(again) == 1000

    # And a clean stop, by signal, with a connection open.
    async with Store.open(again) as store:
        await store.read("RETURN 1")
        assert stop_engine(data)
    console = (data / "engine" / "logs" / "console.log").read_text()
    assert "stopped cleanly in" in console
    assert not (data / "engine" / "engine.json").exists()
    assert stop_engine(data) is False

    # Ctrl-C's signal stops it as cleanly, and within the three seconds that an idle one may take.
    ensure_engine(data, **SMALL)  # type: ignore[arg-type]
    running = engine_status(data)
    assert running is not None
    process = psutil.Process(running.pid)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    said = re.findall(
        r"stopped cleanly in ([\d.]+) s", (data / "engine" / "logs" / "console.log").read_text()
    )
    assert len(said) == 2
    assert all(float(seconds) < 3 for seconds in said)


def test_password_is_for_the_owner_only(
    engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = next(tmp_path_factory.getbasetemp().glob("quanxi*")) / "engine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert len(engine.password) >= 24
    assert engine.password not in repr(engine)
    assert engine.password not in (folder / "launch.json").read_text()


async def test_a_password_file_made_anew_counts_and_a_broken_archive_does_not(data: Path) -> None:
    first = ensure_engine(data, **SMALL)  # type: ignore[arg-type]
    async with Store.open(first) as store:
        await store.write("CREATE (:Kept)")
    stop_engine(data)
    (data / "engine" / "password").unlink()
    archive = data / "archive.jsa"
    archive.write_bytes(b"no class data" * 1000)
    again = ensure_engine(data, heap_mb=512, page_cache_mb=64, flags=[f"-XX:SharedArchiveFile={archive}"])
    assert again.password != first.password
    assert await _count(again) == 1


def test_the_archive_is_of_this_environment_and_of_these_jars() -> None:
    jars = ensure_jars()
    assert archive_path(jars).parent == Path(sys.prefix)
    assert archive_path(jars) != archive_path(jars[1:])
    assert archive_flags(jars[1:]) == []
    # `make test` has made it.
    assert archive_flags(jars)[0] == f"-XX:SharedArchiveFile={archive_path(jars)}"


def test_a_pid_used_again_by_another_program_is_not_the_engine(data: Path) -> None:
    folder = data / "engine"
    folder.mkdir(parents=True)
    state = {"pid": os.getpid(), "port": 1, "started": psutil.Process().create_time(), "ready": True}
    (folder / "engine.json").write_text(json.dumps(state))
    assert engine_status(data) is None
    assert stop_engine(data) is False


def test_port_in_use(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(EngineError) as caught:
            ensure_engine(data, port=other.getsockname()[1])
    assert caught.value.code == "ENGINE_PORT_IN_USE"


def test_a_failed_start_shows_the_end_of_the_log(data: Path) -> None:
    with pytest.raises(EngineError) as caught:
        ensure_engine(data, heap_mb=1)
    assert caught.value.code in ("ENGINE_START", "ENGINE_MEMORY")
    assert engine_status(data) is None


def test_full_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.engine._LEAST_FREE_BYTES", 2**62)
    with pytest.raises(EngineError) as caught:
        ensure_engine(data)
    assert caught.value.code == "ENGINE_DISK_FULL"


def test_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EngineError) as caught:
        ensure_engine(tmp_path / "data")
    assert caught.value.code == "ENGINE_STORAGE"


def test_a_server_of_the_users_own_is_taken_as_given(tmp_path: Path) -> None:
    address = connect_engine(tmp_path, "neo4j://db.example:7687", "reader", "secret", database="district")
    assert address == EngineAddress("neo4j://db.example:7687", "reader", "secret", False, "district")
    with pytest.raises(EngineError) as caught:
        connect_engine(tmp_path, "http://db.example:7474")
    assert caught.value.code == "ENGINE_URI"
    assert not (tmp_path / "engine").exists()


def test_lock_names_every_jar_with_its_checksum() -> None:
    jars = locked_jars()
    assert len({jar.coordinates for jar in jars}) == len(jars) > 200
    assert all(len(jar.sha256) == 64 for jar in jars)


def test_a_jar_whose_bytes_changed_is_refused_and_fetched_again(tmp_path: Path) -> None:
    jar = min(locked_jars(), key=lambda j: j.path(Path()).name != "slf4j-api-2.0.17.jar")
    ensure_jars(tmp_path, jars=[jar])
    path = jar.path(tmp_path / "maven")
    path.write_bytes(b"not a jar")
    assert ensure_jars(tmp_path, jars=[jar]) == [path]
    assert path.stat().st_size > 9
    wrong = Jar(jar.group, jar.artifact, jar.version, jar.classifier, "0" * 64)
    with pytest.raises(EngineError) as caught:
        ensure_jars(tmp_path, jars=[wrong])
    assert caught.value.code == "ENGINE_CHECKSUM"
    assert not path.exists(), "what is not as locked is not kept"


def test_a_failed_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr("graph.engine_jars._ATTEMPTS", 1)
    with pytest.raises(EngineError) as caught:
        ensure_jars(tmp_path, jars=locked_jars()[:1])
    assert caught.value.code == "ENGINE_DOWNLOAD"
    assert "again" in caught.value.hint


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert _has_ended(psutil.Process(child.pid), 20)
    assert child.wait() == 0
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert not _has_ended(psutil.Process(running.pid), 0.2)
    running.kill()
    assert _has_ended(psutil.Process(running.pid), 20)
    running.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="leaves its first thread by a system call of Linux")
def test_a_process_whose_threads_go_on_has_not_ended() -> None:
    """A JVM's first thread ends before the others do: what it holds is held as long as they run."""
    threads = (
        "import ctypes, platform, threading, time; threading.Thread(target=time.sleep, args=(4,)).start(); "
        "ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)"
    )
    child = subprocess.Popen([sys.executable, "-c", threads])
    process = psutil.Process(child.pid)
    while process.status() != psutil.STATUS_ZOMBIE:
        assert process.is_running()
    assert not _has_ended(process, 0.2)
    assert _has_ended(process, 20)
    child.wait()
