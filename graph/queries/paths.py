"""How two things are related: the shortest paths between them, searched from both ends at once.

Statements: one a step, at most `max_depth`; justified because each step is bounded, and a search that ends early costs
little. Targets are found first, paths made of the kept links after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from graph.queries.expand import Link, Step, step
from graph.queries.overlap import Ways, shortest
from graph.store import Store
from graph.viewer import Scope


@dataclass(frozen=True, slots=True)
class Found:
    """Paths as links in order from one end to the other.

    Attributes:
        searched: how deep was searched.
        hubs: reached and not passed.
        full: those of which not all links were looked at.
        rows_cut: whether a step had more rows than are looked at.
        more: whether there are more shortest paths than asked for.
        exhausted: whether no depth would find more.
        held: of each path when all its links held, from a day up to the one before another, "" where that is open; None where it was not asked for.
        beginnings_cut: whether not all ways that held at one time were followed.
    """

    paths: list[list[Link]]
    searched: int
    hubs: set[str]
    full: set[str]
    rows_cut: bool
    exhausted: bool = False
    more: bool = False
    held: list[tuple[str, str]] | None = None
    beginnings_cut: bool = False


async def find(
    store: Store,
    one: str,
    other: str,
    scope: Scope,
    as_of: str,
    types: Sequence[str],
    kinds: Sequence[str],
    max_depth: int,
    limit: int,
    timeout: float,
    during: tuple[str, str] | None = None,
) -> Found:
    """Shortest paths of at most `max_depth` links between two ids, at most `limit` of them.

    Args:
        during: only paths of which all links held at one time of these days, from one up to the one before another.
    """
    if one == other:
        return Found([[]], 0, set(), set(), False, held=[("", "")] if during else None)
    # For each side: the node reached → the links by which it was reached at its depth.
    sides: list[dict[str, list[tuple[str, Link]]]] = [{one: []}, {other: []}]
    fronts: list[list[str]] = [[one], [other]]
    hubs: set[str] = set()
    full: set[str] = set()
    cut = False
    searched = 0
    links: list[Link] = []
    met = False

    beginnings_cut = False

    async def together(most: int) -> Ways:
        assert during is not None
        # Thousands of links take a second to follow: whoever waits for something else goes on meanwhile.
        return await asyncio.to_thread(shortest, one, other, list(links), set(hubs), during, most, limit)

    while searched < max_depth and all(fronts):
        side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
        found: Step = await step(
            store, fronts[side], scope, as_of, types, kinds, (one, other), timeout, during
        )
        hubs |= found.hubs
        full |= found.full
        cut = cut or found.cut
        reached: dict[str, list[tuple[str, Link]]] = {}
        for origin, link in found.links:
            far = link.end if link.start == origin else link.start
            if far not in sides[side] and far not in found.hubs:
                reached.setdefault(far, []).append((origin, link))
        sides[side].update(reached)
        fronts[side] = sorted(reached)
        searched += 1
        meeting = sorted(set(reached) & set(sides[1 - side]))
        met = met or bool(meeting)
        if during is not None:
            links += [link for _, link in found.links]
            ways = await together(searched) if met else Ways([], False, False)
            beginnings_cut = beginnings_cut or ways.cut
            if ways.found:
                return _held(ways, searched, hubs, full, cut)
        elif meeting:
            best = _shortest(meeting, sides, limit + 1)
            return Found(best[:limit], searched, hubs, full, cut, more=len(best) > limit)
    exhausted = not all(fronts)
    if during is not None and met and exhausted:
        # All that one end is bound to is known, whatever the other end is.
        ways = await together(max_depth)
        if ways.found:
            return _held(ways, max_depth, hubs, full, cut)
        beginnings_cut = beginnings_cut or ways.cut
    exhausted = exhausted and not beginnings_cut
    return Found(
        [],
        max_depth if not all(fronts) else searched,
        hubs,
        full,
        cut,
        exhausted,
        beginnings_cut=beginnings_cut,
    )


def _held(ways: Ways, searched: int, hubs: set[str], full: set[str], cut: bool) -> Found:
    return Found(
        [w.links for w in ways.found], searched, hubs, full, cut, more=ways.more,
        held=[(w.since, w.until) for w in ways.found], beginnings_cut=ways.cut,
    )  # fmt: skip


def _shortest(
    meeting: Sequence[str], sides: Sequence[dict[str, list[tuple[str, Link]]]], limit: int
) -> list[list[Link]]:
    """The shortest ways through the nodes where the two sides meet, at most `limit` of them."""
    # All ways from a node back to its side's end are of one length.
    lengths = {node: sum(len(_trails(node, side, 1)[0]) for side in sides) for node in meeting}
    shortest = min(lengths.values())
    paths: list[list[Link]] = []
    for node in meeting:
        if lengths[node] > shortest:
            continue
        for left in _trails(node, sides[0], limit):
            for right in _trails(node, sides[1], limit - len(paths)):
                paths.append(left[::-1] + right)
            if len(paths) >= limit:
                return paths[:limit]
    return paths


def _trails(node: str, side: dict[str, list[tuple[str, Link]]], limit: int) -> list[list[Link]]:
    """Ways from a node back to its side's end."""
    trails: list[list[Link]] = []

    def walk(at: str, trail: list[Link]) -> None:
        if len(trails) >= limit:
            return
        steps = side[at]
        if not steps:
            trails.append(trail)
            return
        for origin, link in steps:
            walk(origin, [*trail, link])

    walk(node, [])
    return trails
