"""The store: how everything else reads and writes Neo4j.

One async driver for the process. Each call names the database, has a time limit that the server enforces,
runs in the right access mode (so that a cluster's followers serve the reads), is retried when that is safe,
and selects Cypher 5, which 5.26 LTS and 2026 servers both run. Statements are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import neo4j
from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncResult, Query, RoutingControl
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from graph.engine import EngineAddress
from ontology.errors import EngineError

READ_SECONDS: Final = 10.0
WRITE_SECONDS: Final = 60.0
BATCH_ROWS: Final = 5000
LEAST_VERSION: Final = (5, 26)
# How long a read, or a write, is tried again when the server is away or asks for it.
_READ_RETRY_SECONDS: Final = 2.0
_WRITE_RETRY_SECONDS: Final = 5.0
# What the client waits beyond the server's own limit before it gives up on a server that does not answer.
_GRACE_SECONDS: Final = 2.0
_DIALECT: Final = "CYPHER 5 "

T = TypeVar("T")
# The driver's own warnings (a retry, a lost connection) go where the application sends its log, or nowhere.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server says of itself: version such as `2026.09.0`, edition `community` or `enterprise`."""

    version: str
    edition: str
    address: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many nodes and relationships the database holds, in all and by label and type."""

    nodes: int
    relationships: int
    labels: dict[str, int]
    types: dict[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the rows it returned, and Neo4j's counters that are not zero."""

    rows: list[Any]
    counters: dict[str, int]

    def __getitem__(self, counter: str) -> int:
        """A counter by name, such as `nodes_created` or `properties_set`; 0 when nothing was counted."""
        return self.counters.get(counter, 0)


@dataclass(slots=True)
class Counter:
    """The statements sent while it was open, in the tasks that started inside it."""

    texts: list[str] = field(default_factory=list)

    @property
    def statements(self) -> int:
        return len(self.texts)


_counters: ContextVar[tuple[Counter, ...]] = ContextVar("_counters", default=())


@contextlib.contextmanager
def count_statements() -> Iterator[Counter]:
    """Count the statements sent in the block (of whatever store); blocks may be nested."""
    counter = Counter()
    token = _counters.set((*_counters.get(), counter))
    try:
        yield counter
    finally:
        _counters.reset(token)


class Store:
    """Reads and writes of one database. Open it with `async with Store.open(address) as store`."""

    def __init__(self, driver: AsyncDriver, address: EngineAddress) -> None:
        self._driver = driver
        self.address = address
        self.statements = 0
        self._checked = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, address: EngineAddress, *, connections: int = 100) -> AsyncIterator[Store]:
        """Connect, and make sure that it is a Neo4j that Quanxi can use.

        Raises:
            EngineError: `GRAPH_UNAVAILABLE`, `ENGINE_AUTH`, `ENGINE_NOT_NEO4J`, `ENGINE_VERSION`,
                `ENGINE_DATABASE`.
        """
        try:
            driver = AsyncGraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password),
                user_agent="quanxi",
                max_connection_pool_size=connections,
                connection_timeout=5.0,
                connection_acquisition_timeout=10.0,
                max_transaction_retry_time=_WRITE_RETRY_SECONDS,
                notifications_min_severity=neo4j.NotificationMinimumSeverity.OFF,
                telemetry_disabled=True,
            )
        except (ConfigurationError, ValueError) as error:
            raise EngineError(
                "ENGINE_URI",
                f"Neo4j 地址无法使用：{address.uri}。",
                f"Not an address of a Neo4j server: {address.uri} ({error}).",
                "Write bolt://HOST:7687 for one server or neo4j://HOST:7687 for a cluster.",
            ) from error
        async with driver:
            store = cls(driver, address)
            await store._check()
            store._checked = True
            yield store

    def _told(self, error: Exception) -> EngineError | None:
        told = _translate(error, self.address)
        if self._checked and told is not None and told.code == "ENGINE_NOT_NEO4J":
            # It was one before: whatever stands between hangs up while the server is away.
            return _unavailable(self.address)
        return told

    # -- reading ---------------------------------------------------------------------------------------------

    async def read(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, timeout: float = READ_SECONDS
    ) -> list[Any]:
        """The rows of a statement that only reads: values when it returns one column, else dicts by column.

        Raises:
            EngineError: `TIMEOUT` when it took longer than `timeout` seconds, `GRAPH_UNAVAILABLE`, …
            neo4j.exceptions.ClientError: the statement itself is wrong, or writes.
        """
        return await self._read(cypher, params, timeout, _rows)

    async def read_one(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, timeout: float = READ_SECONDS
    ) -> Any:
        """The first row as `read` gives it, or None when there is none."""
        rows = await self.read(cypher, params, timeout=timeout)
        return rows[0] if rows else None

    async def explain(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, timeout: float = READ_SECONDS
    ) -> dict[str, Any]:
        """The plan of a statement, not run: `operatorType`, `identifiers`, `args`, `children`."""
        return await self._read("EXPLAIN " + cypher, params, timeout, _plan)

    async def profile(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, timeout: float = READ_SECONDS
    ) -> dict[str, Any]:
        """The plan of a statement that was run, with `dbHits` and `rows` at each operator."""
        return await self._read("PROFILE " + cypher, params, timeout, _profile)

    async def server_info(self) -> ServerInfo:
        """Version and edition, from the server."""
        return await self._info(retry=_READ_RETRY_SECONDS)

    async def _info(self, retry: float) -> ServerInfo:
        text = "CALL dbms.components() YIELD name, versions, edition RETURN name, versions, edition"
        components = await self._read(text, None, READ_SECONDS, _rows, retry)
        kernel = next((part for part in components if part["name"] == "Neo4j Kernel"), None)
        if kernel is None:
            raise _not_neo4j(self.address)
        return ServerInfo(kernel["versions"][0], kernel["edition"], self.address.uri)

    async def counts(self) -> Counts:
        """Counts from Neo4j's count store: exact and immediate, whatever the size."""
        names = await self.read("CALL db.labels() YIELD label RETURN label")
        kinds = await self.read("CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType")
        nodes = await self.read_one("MATCH (n) RETURN count(n)")
        links = await self.read_one("MATCH ()-[r]->() RETURN count(r)")
        labels = await self._count_each(names, "MATCH (n:`{}`) RETURN count(n)")
        types = await self._count_each(kinds, "MATCH ()-[r:`{}`]->() RETURN count(r)")
        return Counts(nodes, links, labels, types)

    # -- writing ---------------------------------------------------------------------------------------------

    async def write(
        self,
        cypher: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout: float = WRITE_SECONDS,
        autocommit: bool = False,
    ) -> Written:
        """Run a statement that writes, in a transaction that the driver retries when it is safe to.

        `autocommit` is for the statements that Neo4j wants outside one (`CALL … IN TRANSACTIONS`); they are
        not retried.

        Raises:
            EngineError: `TIMEOUT`, `GRAPH_UNAVAILABLE`, `ENGINE_DISK_FULL`, `ENGINE_MEMORY`.
            neo4j.exceptions.ClientError: the statement is wrong, or breaks a constraint.
        """
        self._count(cypher)
        with self._translated():
            async with asyncio.timeout(timeout + _WRITE_RETRY_SECONDS + _GRACE_SECONDS):
                if autocommit:
                    return await self._once(cypher, params, timeout, neo4j.WRITE_ACCESS, _written)
                return await self._driver.execute_query(
                    _query(cypher, timeout),
                    parameters_=dict(params) if params else None,
                    routing_=RoutingControl.WRITE,
                    database_=self.address.database,
                    result_transformer_=_written,
                )

    async def write_together(
        self, statements: Sequence[str | tuple[str, Mapping[str, Any]]], *, timeout: float = WRITE_SECONDS
    ) -> None:
        """Run statements, alone or with their parameters, in one transaction, which is retried as a whole when it is safe to.

        Raises:
            As `write`.
        """
        if not statements:
            return

        @neo4j.unit_of_work(timeout=timeout)
        async def run(transaction: neo4j.AsyncManagedTransaction) -> None:
            for each in statements:
                cypher, params = (each, None) if isinstance(each, str) else each
                self._count(cypher)
                await (await transaction.run(_DIALECT + cypher, dict(params) if params else None)).consume()

        with self._translated():
            async with (
                asyncio.timeout(timeout + _WRITE_RETRY_SECONDS + _GRACE_SECONDS),
                self._driver.session(
                    database=self.address.database,
                    bookmark_manager=self._driver.execute_query_bookmark_manager,
                ) as session,
            ):
                await session.execute_write(run)

    async def write_batches(
        self,
        cypher: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        params: Mapping[str, Any] | None = None,
        size: int = BATCH_ROWS,
        timeout: float = WRITE_SECONDS,
    ) -> int:
        """Run a statement over rows, `size` at a time, each batch in a transaction of its own.

        The statement unwinds `$rows`; one that does not mention it gets `UNWIND $rows AS row` put before it.
        It must be idempotent, for a failure leaves the batches before it written.

        Returns:
            The number of rows sent.
        """
        if "$rows" not in cypher:
            cypher = "UNWIND $rows AS row " + cypher
        for start in range(0, len(rows), size):
            batch = list(rows[start : start + size])
            await self.write(cypher, {**(params or {}), "rows": batch}, timeout=timeout)
        return len(rows)

    # -- the inside ------------------------------------------------------------------------------------------

    async def _read(
        self,
        cypher: str,
        params: Mapping[str, Any] | None,
        timeout: float,
        take: Callable[[AsyncResult], Awaitable[T]],
        retry: float = _READ_RETRY_SECONDS,
    ) -> T:
        """Run a read as one auto-commit statement: a round trip less than the driver's managed transaction.

        A read may be repeated at will, so the retrying is done here, for what the driver calls retryable.
        """
        self._count(cypher)
        with self._translated():
            async with asyncio.timeout(timeout + _GRACE_SECONDS):
                until, pause = time.monotonic() + retry, 0.05
                while True:
                    try:
                        return await self._once(cypher, params, timeout, neo4j.READ_ACCESS, take)
                    except (Neo4jError, DriverError) as error:
                        if not error.is_retryable() or time.monotonic() + pause > until:
                            raise
                    await asyncio.sleep(pause)
                    pause *= 2

    async def _once(
        self,
        cypher: str,
        params: Mapping[str, Any] | None,
        timeout: float,
        access: str,
        take: Callable[[AsyncResult], Awaitable[T]],
    ) -> T:
        # The bookmarks make a cluster's follower wait until it has what this process wrote.
        async with self._driver.session(
            database=self.address.database,
            default_access_mode=access,
            bookmark_manager=self._driver.execute_query_bookmark_manager,
        ) as session:
            return await take(await session.run(_query(cypher, timeout), dict(params) if params else None))

    async def _count_each(self, names: Sequence[str], pattern: str) -> dict[str, int]:
        if not names:
            return {}
        # One statement for all: each part is answered by the count store.
        parts = [pattern.format(name.replace("`", "``")) + " AS n" for name in names]
        values = await self.read(" UNION ALL ".join(parts))
        return dict(zip(names, values, strict=True))

    def _count(self, cypher: str) -> None:
        self.statements += 1
        for counter in _counters.get():
            counter.texts.append(cypher)

    async def _check(self) -> None:
        try:
            info = await self._info(retry=0.0)
        except EngineError as error:
            if error.code == "TIMEOUT":  # something listens there, and says nothing
                raise _unavailable(self.address) from error
            raise
        version = tuple(int(part) for part in info.version.split("-")[0].split(".")[:2] if part.isdigit())
        if version < LEAST_VERSION:
            raise EngineError(
                "ENGINE_VERSION",
                f"{self.address.uri} 的 Neo4j 版本为 {info.version}，需要 5.26 或更高版本。",
                f"{self.address.uri} runs Neo4j {info.version}; Quanxi needs 5.26 or later.",
                "Upgrade that server, or unset NEO4J_URI to use the bundled one.",
            )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise _timeout() from error
        except (Neo4jError, DriverError, OSError) as error:
            translated = self._told(error)
            if translated is None:
                raise
            raise translated from error


def _query(cypher: str, timeout: float) -> Query:
    return Query(_DIALECT + cypher, timeout=timeout)


async def _rows(result: AsyncResult) -> list[Any]:
    keys = result.keys()
    if len(keys) == 1:
        return [record[0] async for record in result]
    return [dict(zip(keys, record.values(), strict=True)) async for record in result]


async def _written(result: AsyncResult) -> Written:
    rows = await _rows(result)
    counters = (await result.consume()).counters
    known = {name: value for name, value in vars(counters).items() if isinstance(value, int) and value}
    return Written(
        rows, {n: v for n, v in known.items() if not isinstance(v, bool) and not n.startswith("_")}
    )


async def _plan(result: AsyncResult) -> dict[str, Any]:
    return dict((await result.consume()).plan or {})


async def _profile(result: AsyncResult) -> dict[str, Any]:
    return dict((await result.consume()).profile or {})


def _translate(error: Exception, address: EngineAddress) -> EngineError | None:
    """The user's error for a driver's; None for a mistake in our own statement, which must be seen."""
    code = getattr(error, "code", None) or ""
    text = str(error)
    if "TransactionTimedOut" in code:
        return _timeout()
    if isinstance(error, AuthError):
        return EngineError(
            "ENGINE_AUTH",
            f"Neo4j（{address.uri}）拒绝了用户 {address.user} 的密码。",
            f"Neo4j at {address.uri} refused the password of user {address.user}.",
            "Set NEO4J_USER and NEO4J_PASSWORD to an account of that server.",
        )
    if code == "Neo.ClientError.Database.DatabaseNotFound":
        return EngineError(
            "ENGINE_DATABASE",
            f"Neo4j（{address.uri}）没有名为 {address.database} 的数据库。",
            f"Neo4j at {address.uri} has no database named {address.database}.",
            "Name one of its databases.",
        )
    if "No space left on device" in text or "TransactionLogError" in code:
        # Neo4j cannot append to its log: it says no more, but it is nearly always the disk.
        return EngineError(
            "ENGINE_DISK_FULL",
            "Neo4j 无法写入磁盘（通常是磁盘已满），写入未完成。",
            "Neo4j cannot write to its disk, which is most likely full; the write was not done.",
            "Free some space, restart Neo4j (the bundled one: `quanxi engine stop`), and run it again.",
        )
    if "MemoryPoolOutOfMemory" in code or "OutOfMemory" in code:
        return EngineError(
            "ENGINE_MEMORY",
            "Neo4j 内存不足，查询未完成。",
            "Neo4j had not enough memory for the statement.",
            "Ask for less at once, or give the engine a larger heap.",
        )
    if code.startswith("Neo.DatabaseError") and "needs to be restarted" in text:
        return EngineError(
            "GRAPH_UNAVAILABLE",
            f"Neo4j（{address.uri}）发生严重错误，需要重新启动。",
            f"Neo4j at {address.uri} met a critical error (a full disk, most likely): restart it.",
            "See its logs, free some space, then restart it (`quanxi engine stop` for the bundled one).",
        )
    if _says_not_neo4j(error):
        return _not_neo4j(address)
    if isinstance(error, ServiceUnavailable | SessionExpired | TransientError | OSError) or (
        isinstance(error, DriverError) and "acquisition" in text
    ):
        return _unavailable(address)
    return None


def _says_not_neo4j(error: BaseException | None) -> bool:
    """Whether a failed handshake, and not a missing server, is at the bottom of it."""
    seen = 0
    while error is not None and seen < 8:
        name, text = type(error).__name__, str(error)
        if (
            name in ("BoltHandshakeError", "UnsupportedServerProduct")
            or "handshake response" in text
            or "looks like HTTP" in text
        ):
            return True
        if isinstance(error, ClientError) and "ProcedureNotFound" in (error.code or ""):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _unavailable(address: EngineAddress) -> EngineError:
    return EngineError(
        "GRAPH_UNAVAILABLE",
        f"无法连接 Neo4j（{address.uri}）。",
        f"Neo4j at {address.uri} cannot be reached.",
        "Start it with `quanxi engine start`, see its state with `quanxi engine status`."
        if address.bundled
        else "Check that the server runs, and NEO4J_URI.",
    )


def _not_neo4j(address: EngineAddress) -> EngineError:
    return EngineError(
        "ENGINE_NOT_NEO4J",
        f"{address.uri} 上的服务不是 Neo4j，或不使用 Bolt 协议。",
        f"What answers at {address.uri} is not a Neo4j server (it does not speak its protocol, Bolt).",
        "NEO4J_URI needs the Bolt port, usually 7687, and not the HTTP port 7474.",
    )


def _timeout() -> EngineError:
    return EngineError(
        "TIMEOUT",
        "查询超出时限，已取消。",
        "The query took longer than its time limit and was cancelled.",
        "Ask for less: a smaller place, a shorter period or fewer rows.",
    )
