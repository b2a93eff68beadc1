"""The whole graph as plain data, to compare two graphs node by node and relationship by relationship."""

from __future__ import annotations

from typing import Any

from graph.store import Store


async def whole_graph(store: Store) -> dict[str, list[Any]]:
    # Which ledger a graph belongs to is drawn by lot.
    nodes = await store.read(
        "MATCH (n) RETURN [labels(n)[0], n.id, n {.*, graph: null}] AS node ORDER BY n.id"
    )
    links = await store.read(
        "MATCH (a)-[r]->(b) RETURN [a.id, type(r), b.id, properties(r)] AS link ORDER BY a.id, type(r), b.id, r.k"
    )
    return {"nodes": nodes, "links": links}
