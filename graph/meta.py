"""Facts about the graph as a whole, which the loading run leaves in it (`graph.writer.write_meta`)."""

from __future__ import annotations

from typing import Any

from graph.store import Store


async def read_meta(store: Store, *, timeout: float = 5.0) -> dict[str, Any]:
    """What the last load wrote of the graph: `rolled_for` and `changed_on` (YYYY-MM-DD), `scheme`; empty before the first.

    Raises:
        EngineError: GRAPH_UNAVAILABLE, TIMEOUT; so it also tells whether Neo4j answers.
    """
    found = await store.read_one(
        "OPTIONAL MATCH (m:Meta {id: 'meta'}) RETURN properties(m) AS meta", timeout=timeout
    )
    return dict(found or {})
