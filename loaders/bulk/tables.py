"""The tables of claims in a spool: one for each label, one for each type of relationship between two labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from loaders.bulk.claims import TYPES
from loaders.bulk.spool import Spool
from ontology import ONTOLOGY


class LinkTable(NamedTuple):
    """Relationships of one type between two labels. `name` is that of their claims in the spool."""

    name: str
    type: str
    start: str
    end: str

    @property
    def owner(self) -> str:
        """The column of the end that keeps them."""
        return "__start" if ONTOLOGY.links[self.type].kept_by == "start" else "__end"

    @property
    def owner_label(self) -> str:
        return self.start if self.owner == "__start" else self.end

    @property
    def places(self) -> bool:
        """Whether they say where a thing is (a person's homes do not: one may have several)."""
        return self.start != "Person" and ONTOLOGY.entities[self.start].placed == self.type


def node_table(label: str) -> str:
    return f"node.{label}"


def link_table(type: str, start: str, end: str) -> LinkTable:
    return LinkTable(f"link.{type}.{start}.{end}", type, start, end)


def link_tables(spool: Spool) -> list[LinkTable]:
    return [link_table(*t.split(".")[1:]) for t in spool.tables() if t.startswith("link.")]


def typed(label: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of nodes as a frame, each field of its declared type."""
    schema: dict[str, Any] = {}
    for name, spec in ONTOLOGY.entities[label].fields().items():
        dtype = TYPES[spec.type]
        schema[name] = pl.List(dtype) if spec.many else dtype
    return pl.DataFrame(rows, schema=schema)


def typed_links(type: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of relationships (`start`, `end`, `k` and values) as a frame."""
    schema: dict[str, Any] = dict.fromkeys(("start", "end", "k"), pl.String)
    for name, spec in ONTOLOGY.links[type].fields().items():
        schema[name] = TYPES[spec.type]
    return pl.DataFrame(rows, schema=schema)
