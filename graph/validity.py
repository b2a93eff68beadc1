"""What held on a day, as conditions of Cypher.

Something holds from `since` until the day before `until`; without `since` it always held, without `until` it still does.
No condition here is a disjunction: the planner turns one into a union of two walks, and a page that an index
gives in order is then read whole and sorted.
"""

from __future__ import annotations

TODAY = "$as_of"
"""The day asked about, as every statement names it."""


def begun(x: str, day: str = TODAY) -> str:
    """That `x` had begun by `day`."""
    return f"coalesce({x}.since <= {day}, true)"


def lasting(x: str, day: str = TODAY, end: str = "until") -> str:
    """That `x` had not ended by `day`, where its `end` may be open."""
    return f"coalesce({x}.{end} > {day}, true)"


def standing(x: str, day: str = TODAY) -> str:
    """That `x` held on `day`, where either end may be open."""
    return f"{lasting(x, day)} AND {begun(x, day)}"


def overlapping(r: str, since: str, until: str) -> str:
    """That a relationship with an `until` held on some day from `since` up to the one before `until`."""
    return f"{r}.until > {since} AND coalesce({r}.since < {until}, true)"


def bounded(r: str, day: str = TODAY) -> str:
    """That a relationship held on `day` which, like all that an index finds by its end, always has an `until`."""
    return f"{r}.until > {day} AND {begun(r, day)}"
