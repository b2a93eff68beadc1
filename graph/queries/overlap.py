"""Ways between two things whose links all held at one time: who were neighbours then, who worked together while.

A pure function of links that were fetched. A link holds from `since` until the day before `until`; what happened holds on its day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from graph.queries.expand import Link

# So many beginnings of ways are followed at each step.
AT_ONCE: Final = 5_000
# Behind every moment of a day and before the next day.
_NIGHT: Final = "~"


@dataclass(frozen=True, slots=True)
class Way:
    """Links in order from one end to the other, and when all of them held: from a day up to the one before another, ISO; both "" for no link."""

    links: list[Link]
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class _Begun:
    at: str
    since: str
    until: str
    links: tuple[Link, ...]
    passed: frozenset[str]


def interval(link: Link) -> tuple[str, str]:
    """When a link held: its first day, and the one before which it ended; what happened (`at`) on its day."""
    at = link.values.get("at")
    if at:
        return at[:10], at[:10] + _NIGHT
    return link.values.get("since") or "", link.values.get("until") or _NIGHT


def shortest(
    one: str, other: str, links: Iterable[Link], hubs: Collection[str], during: tuple[str, str], most: int, limit: int
) -> tuple[list[Way], bool]:  # fmt: skip
    """The shortest ways of at most `most` links that all held at one time within `during` (from a day up to the one before another).

    Args:
        hubs: nodes that are not passed.

    Returns:
        At most `limit` of them, the earliest first, and whether there are more.
    """
    near: dict[str, list[tuple[Link, str]]] = {}
    for link in {link.id: link for link in links}.values():
        near.setdefault(link.start, []).append((link, link.end))
        near.setdefault(link.end, []).append((link, link.start))
    # Intervals in which a node was reached in fewer steps: in one of them it is not reached anew.
    reached: dict[str, list[tuple[str, str]]] = {}
    level = [_Begun(one, during[0], during[1], (), frozenset({one}))]
    full = False
    for _ in range(most):
        found: list[Way] = []
        after: list[_Begun] = []
        for begun in level:
            for link, far in near.get(begun.at, ()):
                since, until = interval(link)
                since, until = max(since, begun.since), min(until, begun.until)
                if since >= until or far in begun.passed:
                    continue
                if far == other:
                    found.append(Way([*begun.links, link], since, until.removesuffix(_NIGHT)))
                elif far not in hubs and not any(s <= since and u >= until for s, u in reached.get(far, ())):
                    after.append(_Begun(far, since, until, (*begun.links, link), begun.passed | {far}))
        if found:
            found.sort(key=lambda w: (w.since, w.until, [x.id for x in w.links]))
            return found[:limit], full or len(found) > limit
        full = full or len(after) > AT_ONCE
        level = after[:AT_ONCE]
        for begun in level:
            reached.setdefault(begun.at, []).append((begun.since, begun.until))
    return [], full
