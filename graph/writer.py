"""Writes the difference that a fold found: nodes and relationships by key, in batches, so that doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.store import Store
from ontology import ONTOLOGY

Row = Mapping[str, Any]
BATCH = 5000


@dataclass(slots=True)
class Difference:
    """What is to be written. Rows of nodes: id, p (properties; null removes one). Of links: s, e, k, p."""

    nodes: dict[str, list[Row]] = field(default_factory=dict)
    gone_nodes: dict[str, list[str]] = field(default_factory=dict)
    links: dict[tuple[str, str, str], list[Row]] = field(default_factory=dict)
    gone_links: dict[tuple[str, str, str], list[Row]] = field(default_factory=dict)

    def put_node(self, id: str, values: Row) -> None:
        self.nodes.setdefault(_label(id), []).append({"id": id, "p": values})

    def drop_node(self, id: str) -> None:
        self.gone_nodes.setdefault(_label(id), []).append(id)

    def put_link(self, type: str, start: str, end: str, k: str, values: Row) -> None:
        row = {"s": start, "e": end, "k": k, "p": values}
        self.links.setdefault((type, _label(start), _label(end)), []).append(row)

    def drop_link(self, type: str, start: str, end: str, k: str) -> None:
        row = {"s": start, "e": end, "k": k}
        self.gone_links.setdefault((type, _label(start), _label(end)), []).append(row)

    def __bool__(self) -> bool:
        return bool(self.nodes or self.gone_nodes or self.links or self.gone_links)


def _label(id: str) -> str:
    label = ONTOLOGY.label_of(id)
    if label is None:
        raise ValueError(f"{id} has no known prefix")
    return label


async def write(store: Store, difference: Difference) -> None:
    """Writes nodes first, then links (an end that is still to come is made by its id alone), then what is gone."""
    await write_rows(store, statements_of(difference))


async def write_rows(store: Store, statements: Iterable[tuple[str, Sequence[Row]]]) -> None:
    """Runs idempotent statements over rows (`UNWIND $rows`), one after the other: in one transaction where there are few."""
    wanted = [(cypher, rows) for cypher, rows in statements if rows]
    if sum(len(rows) for _, rows in wanted) <= BATCH:
        await store.write_together([(cypher, {"rows": list(rows)}) for cypher, rows in wanted])
        return
    for cypher, rows in wanted:
        await store.write_batches(cypher, rows, size=BATCH)


def statements_of(difference: Difference) -> Iterator[tuple[str, list[Row]]]:
    """What is to be run to write a difference, and over which rows."""
    for label, rows in difference.nodes.items():
        yield f"UNWIND $rows AS row MERGE (n:{label} {{id: row.id}}) SET n += row.p", sorted(rows, key=_id)
    for (type, start, end), rows in difference.gone_links.items():
        yield (
            f"UNWIND $rows AS row MATCH (:{start} {{id: row.s}})-[r:{type} {{k: row.k}}]->(:{end} {{id: row.e}}) DELETE r",
            sorted(rows, key=_start),
        )
    for (type, start, end), rows in difference.links.items():
        yield (
            f"UNWIND $rows AS row MERGE (a:{start} {{id: row.s}}) MERGE (b:{end} {{id: row.e}}) "
            f"MERGE (a)-[r:{type} {{k: row.k}}]->(b) SET r += row.p",
            sorted(rows, key=_start),
        )
    for label, ids in difference.gone_nodes.items():
        gone: list[Row] = [{"id": id} for id in ids]
        yield f"UNWIND $rows AS row MATCH (n:{label} {{id: row.id}}) DETACH DELETE n", gone


async def clear_codes(store: Store, ids: Iterable[str]) -> None:
    """Takes the codes off addresses that are about to get others: codes are unique, and another may be about to get one of these."""
    await store.write_batches(
        "UNWIND $rows AS row MATCH (a:Address {id: row.id}) REMOVE a.code",
        [{"id": id} for id in sorted(ids)],
        size=BATCH,
    )


def _id(row: Row) -> str:
    return str(row["id"])


def _start(row: Row) -> str:
    return str(row["s"])


async def write_rollups(store: Store, counts: Iterable[tuple[str, Mapping[str, int | None]]]) -> None:
    """Sets roll-ups on addresses, given as (code, counter → number, None where nothing is left to count)."""
    rows = [{"code": code, "p": dict(numbers)} for code, numbers in counts]
    await store.write_batches(
        "UNWIND $rows AS row MATCH (a:Address {code: row.code}) SET a += row.p",
        rows,
        size=BATCH,
    )


async def write_meta(store: Store, values: Row) -> None:
    """Sets facts about the graph as a whole, such as the day its roll-ups were counted for."""
    await store.write("MERGE (m:Meta {id: 'meta'}) SET m += $values", {"values": dict(values)})


async def wipe(store: Store) -> None:
    """Removes every node and relationship, a part at a time; constraints and indexes stay."""
    await store.write("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS", autocommit=True)
