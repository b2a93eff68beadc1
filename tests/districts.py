"""Seeded districts, made smaller than the seeder makes them: for tests that load one whole several times."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from ontology.terms import CATALOG


def drop_empty_micro_grids(feeds: Path) -> None:
    """Takes out of the addresses every micro-grid that no other address is in: most of them, in a small district."""
    (path,) = feeds.glob("*标准地址*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    code, level = header.index("地址编码"), header.index("层级")
    named = {value for row in rows for at, value in enumerate(row) if at != code}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(row for row in rows if row[level] != "微网格" or row[code] in named)


def catalogue_with(directory: Path, *traces: str) -> Path:
    """A copy of the catalogue with these traces alone: a Neo4j that has just started plans for half a minute to look for all of them."""
    shutil.copytree(CATALOG, directory)
    for path in (directory / "traces").glob("*.yaml"):
        if path.stem not in traces:
            path.unlink()
    return directory
