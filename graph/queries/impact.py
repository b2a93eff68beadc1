"""Whom it reaches when an enterprise fails: whoever guarantees its debts is called upon, and whoever guarantees theirs.

One statement a step outwards, one for who works for all of these, and one for what is on the cards of the first. How many steps away each is, is told by
networkx on what was fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from graph.queries.expand import Link
from graph.store import Store
from graph.validity import bounded
from graph.viewer import Scope

STEPS = 6
ENTERPRISES = 300
_ROWS = 3000


@dataclass(frozen=True, slots=True)
class Reached:
    """An enterprise that is called upon.

    Attributes:
        step: how many guarantees away. amount: what it guarantees of those a step nearer, 10,000 yuan; None where no contract says how much.
        through: ids of these.
    """

    id: str
    step: int
    amount: float | None
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a failure reaches, the nearest first.

    Attributes:
        links: the guarantees among them, which stand on the day. cut: whether there was more.
        workers: how many work for the one that fails or one that is reached. prepaid: what customers have left on cards of the one that fails,
            10,000 yuan; None where it has issued none.
    """

    reached: list[Reached]
    links: list[Link]
    cut: bool
    workers: int
    prepaid: float | None


def contagion(failed: str, links: Sequence[Link]) -> list[Reached]:
    """Whom guarantees lead back to from one that fails; rings come to an end where they meet."""
    called: nx.DiGraph[str] = nx.DiGraph()
    called.add_node(failed)
    called.add_edges_from((x.end, x.start) for x in links)
    steps = nx.single_source_shortest_path_length(called, failed)
    found = []
    for id, step in sorted(steps.items(), key=lambda x: (x[1], x[0])):
        if step:
            mine = [x for x in links if x.start == id and steps.get(x.end) == step - 1]
            amounts = [float(x.values["amount"]) for x in mine if x.values.get("amount") is not None]
            through = tuple(sorted({x.end for x in mine}))
            found.append(Reached(id, step, sum(amounts) if amounts else None, through))
    return found


async def find(store: Store, failed: str, scope: Scope, as_of: str, steps: int, timeout: float) -> Impact:
    """Whom the failure of an enterprise reaches within so many guarantees, as far as the viewer may see them."""
    seen, front, cut = {failed}, [failed], False
    links: dict[str, Link] = {}
    given: dict[str, Any] = {"as_of": as_of}
    where = " AND ".join([bounded("r"), *scope.conditions("Enterprise", "g")])
    text = (
        f"UNWIND $ids AS id MATCH (e:Enterprise {{id: id}})<-[r:GUARANTEES]-(g:Enterprise) WHERE {where} "
        "RETURN [elementId(r), g.id, e.id, r {.since, .until, .confidence, .amount}] AS row ORDER BY row[2], row[1], row[0] LIMIT $rows"
    )
    for _ in range(steps):
        rows = await store.read(
            text, {**scope.parameters, **given, "ids": front, "rows": _ROWS + 1}, timeout=timeout
        )
        cut = cut or len(rows) > _ROWS
        fresh: dict[str, None] = {}
        for id, start, end, values in rows[:_ROWS]:
            if start not in seen and start not in fresh:
                if len(seen) + len(fresh) > ENTERPRISES:
                    cut = True
                    continue
                fresh[start] = None
            links[id] = Link(id, "GUARANTEES", start, end, values)
        front = list(fresh)
        seen |= fresh.keys()
        if not front:
            break
    people = " AND ".join([bounded("r"), *scope.conditions("Person", "p")])
    permits = " AND ".join([bounded("h"), "c.kind = 'prepaid'", *scope.conditions("Permit", "c")])
    (workers,) = await store.read(
        f"MATCH (e:Enterprise)<-[r:WORKS_FOR]-(p:Person) WHERE e.id IN $ids AND {people} RETURN count(DISTINCT p)",
        {**scope.parameters, **given, "ids": sorted(seen)},
        timeout=timeout,
    )
    cards = await store.read(
        f"MATCH (e:Enterprise {{id: $failed}})-[h:HOLDS]->(c:Permit) WHERE {permits} RETURN DISTINCT [c.id, c.amount]",
        {**scope.parameters, **given, "failed": failed},
        timeout=timeout,
    )
    amounts = [float(amount) for _, amount in cards if amount is not None]
    return Impact(
        contagion(failed, list(links.values())), list(links.values()), cut, workers, sum(amounts) if amounts else None
    )  # fmt: skip
