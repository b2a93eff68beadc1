"""What is around something, some steps outwards. One statement a step, at most three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.queries.expand import Link, step
from graph.store import Store
from graph.viewer import Scope


@dataclass(frozen=True, slots=True)
class Around:
    """Ids in order of distance and the links among them.

    Attributes:
        hubs: shown, and not passed where there was a further step.
        full: those of which not all links were looked at.
        cut: whether the limit on nodes or rows cut something.
    """

    ids: list[str]
    links: list[Link]
    hubs: set[str]
    full: set[str]
    cut: bool


async def find(
    store: Store,
    id: str,
    scope: Scope,
    as_of: str,
    types: Sequence[str],
    kinds: Sequence[str],
    depth: int,
    limit: int,
    timeout: float,
) -> Around:
    """The nodes within `depth` links of an id, at most `limit` of them."""
    seen: dict[str, None] = {id: None}
    links: dict[str, Link] = {}
    hubs: set[str] = set()
    full: set[str] = set()
    cut = False
    front = [id]
    for taken in range(1, depth + 1):
        found = await step(store, front, scope, as_of, types, kinds, (id,), timeout)
        if taken < depth:
            hubs |= found.hubs
        full |= found.full
        cut = cut or found.cut
        fresh: dict[str, None] = {}
        for origin, link in found.links:
            far = link.end if link.start == origin else link.start
            if far not in seen and far not in fresh:
                if len(seen) + len(fresh) >= limit:
                    cut = True
                    continue
                fresh[far] = None
            links[link.id] = link
        seen.update(fresh)
        front = [x for x in fresh if x not in found.hubs]
        if not front:
            break
    among = [x for x in links.values() if x.start in seen and x.end in seen]
    return Around(list(seen), among, hubs & set(seen), full, cut)
