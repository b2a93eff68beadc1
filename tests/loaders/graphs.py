"""The whole graph as plain data, to compare two graphs node by node and relationship by relationship."""

from __future__ import annotations

import json
from typing import Any

from graph.store import Store


async def whole_graph(store: Store) -> dict[str, list[Any]]:
    """All that feeds say. Findings are left out: a load by a command has looked for them, one in a test has not.

    Which ledger a graph belongs to is drawn by lot.
    """
    nodes = await store.read(
        "MATCH (n) WHERE NOT n:Finding RETURN [labels(n)[0], n.id, n {.*, graph: null}] AS node ORDER BY n.id",
        timeout=300,
    )
    links = await store.read(
        "MATCH (a)-[r]->(b) WHERE NOT a:Finding RETURN [a.id, type(r), b.id, properties(r)] AS link ORDER BY a.id, type(r), b.id, r.k",
        timeout=300,
    )
    return {"nodes": nodes, "links": links}


def assert_same(found: dict[str, list[Any]], whole: dict[str, list[Any]], said: object = "") -> None:
    """Fails with the first few nodes and relationships that are in one of two graphs alone."""
    if found == whole:
        return
    for part in whole:
        # With keys in order: the database gives the same properties in another.
        one, other = (
            {json.dumps(x, ensure_ascii=False, sort_keys=True, default=str) for x in graph[part]}
            for graph in (found, whole)
        )
        more, less = sorted(one - other), sorted(other - one)
        changed = _changed([json.loads(x) for x in more], [json.loads(x) for x in less])
        assert not (more or less), (said, part, "changed", changed[:8], "more", more[:3], "less", less[:3])
    raise AssertionError((said, "the same, in another order or number"))


def _changed(more: list[Any], less: list[Any]) -> list[Any]:
    """Of what is in both, but not alike: the id or the ends, and each property that differs as [found, whole]."""
    held = {tuple(map(str, x[:-1])): x[-1] for x in less if isinstance(x[-1], dict)}
    changed = []
    for *key, values in more:
        other = held.get(tuple(map(str, key)))
        if other is not None and isinstance(values, dict):
            differ = {
                k: [values.get(k), other.get(k)]
                for k in values.keys() | other.keys()
                if values.get(k) != other.get(k)
            }
            changed.append([*key, differ])
    return changed
