"""The drawn gazetteer of the resolver's tests as the loader's records."""

from __future__ import annotations

from functools import lru_cache

from addresses.gazetteer import PlaceRecord
from tests.addresses.drawn import drawn
from tests.addresses.test_resolver import TEXTS

SENTENCES = [case["text"] for case in TEXTS if case["text"].strip()]


@lru_cache(maxsize=1)
def records() -> tuple[PlaceRecord, ...]:
    """The drawn places, each with its full name."""
    full: dict[str, str] = {}
    found = []
    for place in drawn():
        above = place.parent or next((c for c in _above(place.code) if c in full), "")
        full[place.code] = place.full_name or full.get(above, "") + place.name
        found.append(
            PlaceRecord(
                place.code, place.level, None, (full[place.code], *place.aliases), (), place.name, place.parent,
                place.part_of, place.former,
            )
        )  # fmt: skip
    return tuple(found)


def _above(code: str) -> list[str]:
    return [code[:n] for n in (16, 12, 9, 6) if n < len(code)]


@lru_cache(maxsize=1)
def texts() -> tuple[str, ...]:
    """The hard texts, and plain and shortened names of the drawn places."""
    names = [name for r in records() if r.level != "DWELLING" for name in r.names]
    rooms = [r.names[0] for r in records() if r.level == "DWELLING"][::7]
    short = [n.removeprefix("萧山区")[4:] for n in (*names, *rooms)]
    return tuple(dict.fromkeys([*SENTENCES, *names, *rooms, *(s for s in short if len(s) > 1)]))
