"""Records that came in several versions, or were taken back: what is left of each, as the rows that an ordinary record has.

So whoever they name stays ordinary: of a police station with a year of alarms only those few alarms are looked at one by
one that came twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from loaders.bulk.claims import TYPES
from loaders.bulk.spool import Spool
from loaders.bulk.tables import link_table, node_table
from loaders.fold import Places, Version, stretches
from loaders.mapping import NodeClaim
from ontology import ONTOLOGY

CHUNK = 5_000
# Records (feed, key) of one feed → their versions that still count, record by record, oldest first.
ByRecord = Callable[[str, Sequence[str]], list[list[Version]]]
REPEATED = {"__feed": pl.String, "__rkey": pl.String}
_RECORD: dict[str, Any] = {
    "__feed": pl.String,
    "__rkey": pl.String,
    "__effective": pl.String,
    "__hash": pl.Binary,
    "__trust": pl.Int64,
    "__slot": pl.Int64,
}


def find_repeated(spool: Spool, feeds: Sequence[str]) -> pl.DataFrame:
    """The records (`__feed`, `__rkey`) that have more than one version, or that something takes back or closes.

    One that came twice as it was is ordinary: it says the same twice.
    """
    found = [pl.DataFrame(schema=REPEATED)]
    for feed in feeds:
        seen = spool.get(f"seen.{feed}", ["__rkey"])
        keys = [spool.get(f"again.{feed}", ["__rkey"])]
        if seen.get_column("__rkey").is_duplicated().any():
            twice = seen.filter(pl.col("__rkey").is_duplicated()).unique()
            versions = [
                f.join(twice, on="__rkey", how="semi")
                for f in spool.frames(f"seen.{feed}", columns=["__rkey", "__effective", "__hash"])
            ]
            distinct = pl.concat(versions).unique()
            keys.append(distinct.filter(pl.col("__rkey").is_duplicated()).select("__rkey"))
        repeated = pl.concat(keys).unique()
        found.append(repeated.select(pl.lit(feed).alias("__feed"), "__rkey"))
    return pl.concat(found)


class Settled:
    """Writes what repeated records come to into tables of their own: `settled.` and the name of the table.

    Attributes:
        let_go: ids that only an older version of some repeated record names.
    """

    def __init__(self, spool: Spool, repeated: pl.DataFrame, records: ByRecord, places: Places) -> None:
        self._spool = spool
        self._repeated = repeated
        self._records = records
        self._places = places
        self.let_go: set[str] = set()

    def nodes_of(self, label: str) -> list[dict[str, Any]]:
        """What the newest versions of those repeated records that name entities of a label claim of these."""
        rows = []
        names = self._spool.get(node_table(label), ["__feed", "__rkey"]).unique()
        for versions in self._each(self._repeated.join(names, on=["__feed", "__rkey"], how="semi")):
            named = {n.id for n in versions[-1].claims.nodes}
            self.let_go |= {n.id for v in versions for n in v.claims.nodes if n.label == label} - named
            rows += [row for of, row in _node_rows(versions[-1]) if of == label]
        return rows

    def write(self, progress: Callable[[int, int], None]) -> None:
        """Settles all of them; call it when places and identities are known."""
        done = 0
        for start in range(0, self._repeated.height, CHUNK):
            part = self._repeated.slice(start, CHUNK)
            tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for versions in self._each(part):
                if len(versions) > 1:
                    named = {n.id for n in versions[-1].claims.nodes}
                    self.let_go |= {n.id for v in versions for n in v.claims.nodes} - named
                for label, row in _node_rows(versions[-1]):
                    tables[node_table(label)].append(row)
                for table, row in self._link_rows(versions):
                    tables[table].append(row)
            for table, rows in tables.items():
                self._spool.put(f"settled.{table}", typed_claims(table, rows))
            done += part.height
            progress(done, self._repeated.height)

    def _each(self, records: pl.DataFrame) -> Iterator[list[Version]]:
        for start in range(0, records.height, CHUNK):
            part = records.slice(start, CHUNK)
            for (feed,), rows in part.partition_by("__feed", as_dict=True).items():
                yield from self._records(str(feed), rows.get_column("__rkey").to_list())

    def _link_rows(self, versions: list[Version]) -> Iterator[tuple[str, dict[str, Any]]]:
        newest = versions[-1]
        for slot in sorted({c.slot for v in versions for c in v.claims.links}):
            for interval in stretches(slot, versions, self._places):
                claim = interval.claim
                placed = claim.place is not None
                ends = [ONTOLOGY.label_of(claim.start) or "", "Address"]
                if not placed and claim.end is not None:
                    ends[1] = ONTOLOGY.label_of(claim.end) or ""
                yield link_table(claim.type, *ends).name, {
                    "__start": claim.start,
                    "__end": None if placed else claim.end,
                    "__place": claim.place,
                    "__since": interval.start,
                    "__until": interval.until,
                    "__role": "|".join(str(v) for _, v in sorted(claim.values.items())),
                    "__feed": newest.feed,
                    "__rkey": newest.rkey,
                    "__effective": interval.order[0],
                    "__hash": interval.order[1],
                    "__trust": claim.trust,
                    "__slot": slot,
                    **claim.values,
                }  # fmt: skip


def _node_rows(version: Version) -> Iterator[tuple[str, dict[str, Any]]]:
    for slot, claim in enumerate(version.claims.nodes):
        yield claim.label, _node_row(version, claim, slot)


def _node_row(version: Version, claim: NodeClaim, slot: int) -> dict[str, Any]:
    return {
        "id": claim.id,
        "__feed": version.feed,
        "__rkey": version.rkey,
        "__effective": version.effective,
        "__hash": version.hash,
        "__trust": claim.trust,
        "__slot": slot,
        **claim.values,
    }


def typed_claims(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of claims as the frame that their table has."""
    kind, of, *_ = table.split(".")
    schema: dict[str, Any]
    if kind == "node":
        schema = {"id": pl.String, **_RECORD}
        fields = ONTOLOGY.entities[of].fields()
    else:
        ends = ("__start", "__end", "__place", "__since", "__until", "__role")
        schema = {**dict.fromkeys(ends, pl.String), **_RECORD}
        fields = ONTOLOGY.links[of].fields()
    given = {name for row in rows for name in row}
    for name, spec in fields.items():
        if name in given and name not in schema:
            dtype = TYPES[spec.type]
            schema[name] = pl.List(dtype) if getattr(spec, "many", False) else dtype
    return pl.DataFrame(rows, schema=schema)
