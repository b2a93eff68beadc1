"""The process that Neo4j runs in: `python -m graph.engine_process ENGINE_DIR`, started by `graph.engine`.

It takes its orders from `ENGINE_DIR/launch.json`, keeps `ENGINE_DIR/engine.json` true about itself, and shuts
the database down cleanly on SIGTERM, SIGINT or SIGHUP. It imports nothing of Quanxi, so that it stays small.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

JVM_FLAGS = (
    "-Xrs",  # signals are Python's
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+UseG1GC",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disable.jmx=true",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
ARCHIVE_AT_EXIT = "-XX:ArchiveClassesAtExit="
SHUTDOWN_SECONDS = 60.0
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def main(directory: Path) -> int:
    """Run Neo4j until told to stop. Returns 0 after a clean stop, 1 when it could not start."""
    # Blocked before any JVM thread exists, so that every thread inherits it and only sigwait() takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    launch: dict[str, Any] = json.loads((directory / "launch.json").read_text("utf-8"))
    owner = os.open(directory / "process.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another engine process owns this data directory", flush=True)
        return 1
    state = {"pid": os.getpid(), "port": launch["port"], "started": time.time(), "ready": False}
    state |= {"version": launch["version"], "nonce": launch["nonce"]}
    _publish(directory, state)
    try:
        management = _start(directory, launch)
    except Exception as error:
        _say(_java_message(error))
        (directory / "engine.json").unlink(missing_ok=True)
        os._exit(1)
    state["ready"] = True
    _publish(directory, state)
    number = signal.sigwait(STOP_SIGNALS)
    began = time.monotonic()
    code = 1
    # A database that cannot write may never finish shutting down; recovery is safe, so it is not waited for.
    watchdog = threading.Timer(SHUTDOWN_SECONDS, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()
    # Whatever fails here (a full disk fails even the prints), the process must end: the JVM's threads would
    # keep it from ending by itself. Unloading a JVM whose store is closed would only take time.
    try:
        _say(f"stopping on {signal.Signals(number).name}")
        management.shutdown()
        (directory / "engine.json").unlink(missing_ok=True)
        _say(f"stopped cleanly in {time.monotonic() - began:.2f} s")
        code = 0
        if any(flag.startswith(ARCHIVE_AT_EXIT) for flag in launch["flags"]):
            watchdog.cancel()
            _archive()
    except Exception as error:
        _say(f"stopped, but not cleanly: {error}")
    finally:
        os._exit(code)


def _start(directory: Path, launch: dict[str, Any]) -> Any:
    import jpype

    jpype.startJVM(
        os.fspath(Path(launch["java_home"]) / "lib" / "server" / _libjvm()),
        *JVM_FLAGS,
        f"-Xmx{launch['heap_mb']}m",
        *launch["flags"],
        classpath=launch["classpath"],
        convertStrings=True,
    )
    path = jpype.JClass("java.nio.file.Path")
    builder = jpype.JClass("org.neo4j.dbms.api.DatabaseManagementServiceBuilder")(
        path.of(os.fspath(directory))
    )
    management = builder.loadPropertiesFromFile(path.of(os.fspath(directory / "neo4j.conf"))).build()
    _set_password(directory, management)
    if not management.database("neo4j").isAvailable(60_000):
        raise RuntimeError("the database did not become available within 60 s")
    _say(f"ready on port {launch['port']}")
    return management


def _set_password(directory: Path, management: Any) -> None:
    """Whatever the password was (neo4j/neo4j on the first start), from here on it is the one in the file."""
    import jpype

    password = (directory / "password").read_text("ascii").strip()
    # Beside the databases, so that it goes with them. The statement is half of the processor time of a start.
    done = directory / "data" / "password.sha256"
    digest = hashlib.sha256(password.encode()).hexdigest()
    with contextlib.suppress(OSError):
        if done.read_text("ascii") == digest and (directory / "data" / "databases" / "system").is_dir():
            return
    parameters = jpype.java.util.HashMap()
    parameters.put("password", password)
    try:
        management.database("system").executeTransactionally(
            "ALTER USER neo4j IF EXISTS SET PASSWORD $password CHANGE NOT REQUIRED", parameters
        )
    except jpype.JException as error:
        if "cannot be the same" not in str(error):
            raise
    with contextlib.suppress(OSError):
        done.write_text(digest, "ascii")


def _archive() -> None:
    """Ends the JVM in its own way, which writes the class-data archive; does not return."""
    import jpype

    jpype.JClass("java.lang.Runtime").getRuntime().halt(0)


def _libjvm() -> str:
    return "libjvm.dylib" if sys.platform == "darwin" else "libjvm.so"


def _publish(directory: Path, state: dict[str, Any]) -> None:
    temporary = directory / "engine.json.new"
    temporary.write_text(json.dumps(state), "utf-8")
    temporary.replace(directory / "engine.json")


def _java_message(error: BaseException) -> str:
    """The chain of causes, which is where Neo4j says what was really wrong."""
    lines = [f"could not start: {error}"]
    cause = getattr(error, "getCause", lambda: None)()
    while cause is not None and len(lines) < 12:
        lines.append(f"  caused by {cause.toString()}")
        cause = cause.getCause()
    return "\n".join(lines)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
