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


def assert_same(found: dict[str, list[Any]], whole: dict[str, list[Any]], said: object = "") -> None:
    """Fails with the first few nodes and relationships that are in one of two graphs alone."""
    if found == whole:
        return
    for part in whole:
        one, other = ({repr(x) for x in graph[part]} for graph in (found, whole))
        assert not (one ^ other), (
            said,
            part,
            "more",
            sorted(one - other)[:3],
            "less",
            sorted(other - one)[:3],
        )
    raise AssertionError((said, "the same, in another order or number"))
