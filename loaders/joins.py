"""Rows that a source has torn over several files: columns of the files beside it are put to a feed's rows.

A graph database's export is the usual case: nodes in one file, their relationships in others, joined by local
ids. The join is done when the file is received, so that a record is whole from then on and the order in which
files are loaded means nothing.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from loaders import readers
from loaders.declaration import Feed, Join
from loaders.readers import Sheet, Source
from ontology.errors import UsageError


def joined(feed: Feed, path: Path, source: Source) -> Source:
    """The source with the columns that its feed takes from other files; the source itself when it takes none.

    Its rows keep their order and number. Its digest is that of all files together, so that a change in any of
    them is new content.

    Raises:
        UsageError: BAD_FILE when a file is not there, lacks a column, or names a key twice; BAD_HEADER when
            the feed's own file lacks the key.
    """
    for join in feed.join:
        if join.by not in source.columns:
            raise UsageError(
                "BAD_HEADER",
                f"{source.file} 缺少列:{join.by}",
                f"{source.file}: feed {feed.feed} needs the column {join.by}, which is not in its header",
            )
        other = _beside(feed, path, join)
        found = readers.read(other, feed.encoding)[0]
        source = _with(source, _taken(feed, other, found, join), join, found.digest)
    return source


def _with(source: Source, taken: pl.DataFrame, join: Join, digest: str) -> Source:
    def frames() -> Iterator[pl.DataFrame]:
        for frame in source.frames:
            yield frame.join(taken, on=join.by, how="left", maintain_order="left")

    def digester() -> str:
        return hashlib.sha256(f"{source.digest()} {digest}".encode()).hexdigest()

    return replace(source, columns=[*source.columns, *join.take], frames=frames(), digester=digester)


def _beside(feed: Feed, path: Path, join: Join) -> Path:
    files = sorted(p for p in path.parent.iterdir() if fnmatch.fnmatchcase(p.name, join.file))
    if len(files) != 1:
        raise UsageError(
            "BAD_FILE",
            f"{path.name} 旁应有且只有一个文件 {join.file},实有 {len(files)} 个",
            f"{path}: feed {feed.feed} needs one file {join.file} beside it, and there are {len(files)}",
            "Put the files that belong together into one directory.",
        )
    return files[0]


def _taken(feed: Feed, path: Path, sheet: Sheet, join: Join) -> pl.DataFrame:
    missing = [c for c in (join.key, *join.take.values()) if c not in sheet.rows.columns]
    if missing:
        raise UsageError(
            "BAD_FILE",
            f"{path.name} 缺少列:{'、'.join(missing)}",
            f"{path}: feed {feed.feed} takes {', '.join(missing)} from it, which its header does not name",
        )
    keyed = sheet.rows.filter(pl.col(join.key).is_not_null())
    twice = keyed.filter(pl.col(join.key).is_duplicated()).get_column(join.key)
    if twice.len():
        raise UsageError(
            "BAD_FILE",
            f"{path.name} 的 {join.key} 列中 {twice[0]} 重复",
            f"{path}: column {join.key} names {twice[0]} twice, so feed {feed.feed} cannot be joined to it",
        )
    return keyed.select(
        pl.col(join.key).alias(join.by), *(pl.col(c).alias(name) for name, c in join.take.items())
    )
