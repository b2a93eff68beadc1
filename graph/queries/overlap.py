"""Ways between two things whose links all held at one time: who were neighbours then, who worked together while.

A pure function of links that were fetched. A link holds from `since` until the day before `until`; what happened holds on its day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from graph.queries.expand import Link

# So many different beginnings (a node, and when all that leads to it held) are followed at each step.
AT_ONCE: Final = 5_000
# Before and behind every day.
_EVER, _NEVER = "", "~"


@dataclass(frozen=True, slots=True)
class Way:
    """Links in order from one end to the other, and when all of them held: from a day up to the one before another, ISO; "" where it is open."""

    links: list[Link]
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Ways:
    """The shortest ways, the earliest first.

    Attributes:
        more: whether there are more of them. cut: whether not all beginnings were followed, so that there may be shorter ones, or any.
    """

    found: list[Way]
    more: bool
    cut: bool


@dataclass(slots=True)
class _Begun:
    """All beginnings of one length that lead to a node and held at one time: how each came from a shorter one."""

    at: str
    since: str
    until: str
    by: list[tuple[_Begun, Link]] = field(default_factory=list)


def interval(link: Link) -> tuple[str, str]:
    """When a link held: its first day, and the one before which it ended; what happened (`at`) on its day."""
    at = link.values.get("at")
    if at:
        return at[:10], _next_day(at[:10])
    return link.values.get("since") or _EVER, link.values.get("until") or _NEVER


def _next_day(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day + _NEVER


def shortest(
    one: str, other: str, links: Iterable[Link], hubs: Collection[str], during: tuple[str, str], most: int, limit: int
) -> Ways:  # fmt: skip
    """The shortest ways of at most `most` links that all held at one time, on some day of `during` (from a day up to the one before another).

    Args:
        hubs: nodes that are not passed.
        limit: how many of them are wanted.
    """
    near: dict[str, list[tuple[Link, str]]] = {}
    for link in {link.id: link for link in links}.values():
        near.setdefault(link.start, []).append((link, link.end))
        near.setdefault(link.end, []).append((link, link.start))
    far_off = _steps(other, near, hubs)
    # Intervals in which a node was reached in fewer steps: within one of them it is not reached anew. What is reached again by a detour was
    # so reached before, for longer: so no way of the shortest passes a node twice.
    reached: dict[str, list[tuple[str, str]]] = {}
    level: list[_Begun] = [_Begun(one, _EVER, _NEVER)]
    cut = False
    for step in range(1, most + 1):
        after: dict[tuple[str, str, str], _Begun] = {}
        for begun in level:
            for link, node in near.get(begun.at, ()):
                if far_off.get(node, most + 1) > most - step or node == one:
                    continue
                since, until = interval(link)
                since, until = max(since, begun.since), min(until, begun.until)
                if max(since, during[0]) >= min(until, during[1]) or (node in hubs and node != other):
                    continue
                held = after.get((node, since, until))
                if held is None:
                    if any(s <= since and u >= until for s, u in reached.get(node, ())):
                        continue
                    held = after[node, since, until] = _Begun(node, since, until)
                held.by.append((begun, link))
        ends = sorted((b for b in after.values() if b.at == other), key=lambda b: (b.since, b.until))
        if ends:
            found: list[Way] = []
            for end in ends:
                for trail in _trails(end):
                    if len(found) == limit:
                        return Ways(found, True, cut)
                    since = "" if end.since == _EVER else end.since
                    found.append(Way(trail, since, "" if end.until >= _OPEN else end.until))
            return Ways(found, False, cut)
        level = list(after.values())
        cut = cut or len(level) > AT_ONCE
        level = level[:AT_ONCE]
        for begun in level:
            reached.setdefault(begun.at, []).append((begun.since, begun.until))
    return Ways([], False, cut)


# The end of what has none.
_OPEN: Final = "9999"


def _steps(other: str, near: dict[str, list[tuple[Link, str]]], hubs: Collection[str]) -> dict[str, int]:
    """How many links each node is from the other end, whenever they held."""
    steps = {other: 0}
    waiting = deque([other])
    while waiting:
        at = waiting.popleft()
        if at in hubs and at != other:
            continue
        for _, node in near.get(at, ()):
            if node not in steps:
                steps[node] = steps[at] + 1
                waiting.append(node)
    return steps


def _trails(end: _Begun) -> Iterator[list[Link]]:
    """The ways that lead to an end, each in order."""
    if not end.by:
        yield []
    for begun, link in end.by:
        for trail in _trails(begun):
            yield [*trail, link]
