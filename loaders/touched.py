"""What a load touches, as far as traces need to know: changed nodes with what they are or were related to, and where they are or were."""

from __future__ import annotations

from collections.abc import Iterator

from loaders.fold import State

Touched = tuple[str, str]


def touched(id: str, old: State | None, new: State | None) -> Iterator[Touched]:
    """(node, place key) of a node that has become another; "" where there is no place.

    A relationship touches its other end too, when it comes, goes, or changes.
    """
    states = [s for s in (old, new) if s is not None]
    for state in states:
        yield id, str(state.values.get("place") or "")
    before, after = (
        {(x.type, x.start, x.end, x.k): x.values for x in s.links} if s else {} for s in (old, new)
    )
    for name in before.keys() | after.keys():
        if before.get(name) == after.get(name):
            continue
        for values in (before.get(name), after.get(name)):
            if values is not None:
                place = str(values.get("place") or "")
                yield name[1], place
                yield name[2], place
