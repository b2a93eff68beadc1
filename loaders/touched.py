"""What a load touches, as far as traces need to know: changed nodes with what they are or were related to, and where they are or were."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import stood_at
from loaders.fold import State

Touched = tuple[str, str]


def touched(id: str, old: State | None, new: State | None) -> Iterator[Touched]:
    """(node, place key) of a node that has become another; "" where there is no place.

    A relationship touches its other end too, when it comes, goes, or changes. What stood at another point touches what was near that.
    """
    states = [s for s in (old, new) if s is not None]
    for state in states:
        yield id, str(state.values.get("place") or "")
    stood, stands = (_point(s) for s in (old, new))
    if stood is not None and stood != stands:
        yield id, stood_at(*stood)
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


def _point(state: State | None) -> tuple[float, float] | None:
    """Where an address stands."""
    if state is None or state.label != "Address":
        return None
    latitude, longitude = (state.values.get(f) for f in ("latitude", "longitude"))
    return None if latitude is None or longitude is None else (float(latitude), float(longitude))
