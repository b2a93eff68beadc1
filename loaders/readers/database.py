"""Rows of a SQL database, by a cursor on the server's side, read-only; and SQLite files, whose tables are like sheets."""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from loaders.readers.model import ROW, Limits, Note, Notes, Reading, Source, file_date, unreadable
from loaders.readers.raw import Raw
from ontology.errors import UsageError

BATCH = 10_000
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def read_sql(url: str, query: str | None = None, name: str | None = None, table: str | None = None) -> Source:
    """The rows of a query, or of a whole table (`name` or `schema.name`), as a source; they are numbered from 1, its digest
    is that of the rows.

    The transaction is read-only where the database knows such, and rows are fetched as they are asked for.

    Args:
        url: as of SQLAlchemy, such as `postgresql+psycopg://user:password@host/database` or `sqlite:///file`.
        name: what to call it; the URL without its password by default.

    Raises:
        UsageError: BAD_FILE when it cannot be connected to, or the query fails. No message holds the password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _told(name or "SQL", "数据库地址有误", "it is no database URL", None) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    shown = name or parsed.render_as_string(hide_password=True)
    return _rows(
        _Query(parsed, query if query is not None else _whole(table or ""), shown), shown, table, None
    )


def _whole(table: str) -> sa.Select[Any]:
    schema, _, name = table.rpartition(".")
    return sa.select(sa.text("*")).select_from(sa.table(name, schema=schema or None))


def database_name(url: str) -> str:
    """What a database is called: its host and name, without who connects to it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return "SQL"
    return "_".join(Path(x).name for x in (parsed.host, parsed.database) if x) or "SQL"


class _Query:
    """A connection with a query's cursor open, closed when its rows are exhausted or nobody wants them."""

    def __init__(self, url: URL, query: str | sa.Select[Any], name: str) -> None:
        self.name, self.url = name, url
        self._secrets = [s for s in (url.password,) if s]
        try:
            self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
            connection = self._engine.connect()
        except (NoSuchModuleError, ImportError) as error:
            raise self.failed(
                "没有这种数据库的驱动", "there is no driver for such a database", error
            ) from None
        except (SQLAlchemyError, ValueError, TypeError) as error:
            raise self.failed("无法连接数据库", "the database cannot be reached", error) from None
        try:
            self._connection = _read_only(connection)
            self.result = self._connection.execution_options(stream_results=True, yield_per=BATCH).execute(
                sa.text(query) if isinstance(query, str) else query
            )
            if not self.result.returns_rows:
                raise self.failed("查询不返回行", "the query gives no rows", None)
            self.columns = list(map(str, self.result.keys()))
        except SQLAlchemyError as error:
            self.close()
            raise self.failed("查询失败", "the query fails", error) from None
        except UsageError:
            self.close()
            raise

    def failed(self, zh: str, en: str, error: Exception | None) -> UsageError:
        return _told(self.name, zh, en, error, self._secrets)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def _read_only(connection: Connection) -> Connection:
    match connection.dialect.name:
        case "postgresql":
            return connection.execution_options(postgresql_readonly=True)
        case "sqlite":
            connection.execute(sa.text("PRAGMA query_only = ON"))
            connection.rollback()
        case "mysql" | "mariadb":
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        case _:
            pass
    return connection


def _told(name: str, zh: str, en: str, error: Exception | None, secrets: Sequence[str] = ()) -> UsageError:
    detail = str(getattr(error, "orig", None) or error or "").strip().split("\n")[0]
    for secret in secrets:
        detail = detail.replace(secret, "***")
    more = f" ({detail})" if detail else ""
    return unreadable(
        name, f"{zh}{more}", f"{en}{more}", "Check the URL, that the database is up, and the query."
    )


def _rows(query: _Query, file: str, table: str | None, raw: Raw | None) -> Source:
    notes, hash = Notes(), hashlib.sha256()
    columns = _distinct(query.columns, notes)
    source = Source(file, table, file_date(file), columns, iter(()), notes, [], raw.digest if raw else None)

    def frames() -> Iterator[pl.DataFrame]:
        row = 1
        try:
            while True:
                try:
                    rows = query.result.fetchmany(BATCH)
                except SQLAlchemyError as error:
                    raise query.failed(
                        f"第 {row} 行起读取失败", f"reading fails from row {row} on", error
                    ) from None
                if not rows:
                    break
                texts = [[text_of(v) for v in r] for r in rows]
                frame = pl.DataFrame(
                    [
                        pl.Series(n, c, dtype=pl.String)
                        for n, c in zip(columns, zip(*texts, strict=True), strict=True)
                    ]
                    + [pl.Series(ROW, range(row, row + len(rows)), dtype=pl.Int64)]
                )
                row += len(rows)
                for line in texts:
                    hash.update(json.dumps(line, ensure_ascii=False).encode())
                frame = frame.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
                if frame.height:
                    yield frame
        finally:
            query.close()
        if raw is None:
            source.digester = hash.hexdigest
        else:
            raw.unchanged()
        notes.close()

    source.frames = frames()
    return source


def _distinct(names: Sequence[str], notes: Notes) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            notes.add("header", None, f"查询结果中「{name}」重复", f"the query gives {name} more than once")
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def text_of(value: Any) -> str | None:
    """A database's value as text, null where empty."""
    match value:
        case None | "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            moment = value.astimezone(SHANGHAI) if value.tzinfo else value
            return moment.strftime("%Y-%m-%d %H:%M:%S")
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def sqlite(
    raw: Raw, blocks: Iterator[bytes], reading: Reading, declared: Sequence[str], limits: Limits
) -> list[Source]:
    """An SQLite file's tables that have the declared columns, or the declared query, each as a source.

    Raises:
        UsageError: BAD_FILE when it is damaged, or has no such table.
    """
    holder: Any = None
    if raw.path is not None and not raw.packed:
        for _ in blocks:
            pass
        path = raw.path
    else:
        holder = tempfile.NamedTemporaryFile(suffix=".sqlite")  # noqa: SIM115
        for block in blocks:
            holder.write(block)
        holder.flush()
        path = Path(holder.name)
    # Opened as immutable: a write-ahead log beside it is not looked at, and nothing is written beside it.
    url = URL.create(
        "sqlite",
        database=f"file:{path.resolve().as_posix()}",
        query={"uri": "true", "mode": "ro", "immutable": "1"},
    )
    queries: list[tuple[str | None, str]] = []
    skipped: list[Note] = []
    if reading.query:
        queries.append((None, reading.query))
    else:
        for table, columns in _tables(url, raw.name):
            if reading.sheet is not None and not fnmatch.fnmatchcase(table, reading.sheet):
                skipped.append(Note(None, f"表「{table}」不在所读范围", f"table {table} is not asked for"))
            elif declared and len(set(declared) & set(columns)) * 2 <= len(set(declared)):
                skipped.append(Note(None, f"表「{table}」没有所需的列", f"table {table} has not the columns"))
            else:
                quoted = table.replace('"', '""')
                queries.append((table, f'SELECT * FROM "{quoted}"'.replace(":", "\\:")))
    if not queries:
        raise unreadable(raw.name, "没有含所需列的表", "no table in it has the columns")
    sources = [_rows(_Query(url, q, raw.name), raw.name, table, raw) for table, q in queries]
    sources[0].notes[:0] = skipped
    if holder is not None:
        for source in sources:
            source.frames = _holding(source.frames, holder)
    return sources


def _holding(frames: Iterator[pl.DataFrame], holder: object) -> Iterator[pl.DataFrame]:
    """Frames that keep a temporary file until they are exhausted."""
    yield from frames
    del holder


def _tables(url: URL, name: str) -> list[tuple[str, list[str]]]:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    try:
        found = sa.inspect(engine)
        return [
            (table, [c["name"] for c in found.get_columns(table)])
            for table in [*found.get_table_names(), *found.get_view_names()]
        ]
    except SQLAlchemyError as error:
        raise _told(name, "不是可读取的 SQLite 文件", "it is no readable SQLite file", error) from None
    finally:
        engine.dispose()
