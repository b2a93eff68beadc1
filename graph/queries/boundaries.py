"""What areas are drawn from: the points of buildings, and what the areas of a level are called.

Statements: one for the stamp by which it is known that nothing has changed, one for the points, one for the names; they are asked for
a map of the whole district, which is kept until the stamp changes.
"""

from __future__ import annotations

from graph.validity import lasting
from graph.viewer import Scope

LEVELS = ("BUILDING", "SITE")


def stamp(scope: Scope) -> str:
    """One row [places, buildings, sum of latitudes, of longitudes]."""
    where = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    return (
        f"MATCH (n:Address) WHERE n.level IN $levels AND n.latitude IS NOT NULL{where} "
        "RETURN [count(n), sum(n.latitude), sum(n.longitude)] AS found"
    )


def points(scope: Scope) -> str:
    """Rows [code, grid, longitude, latitude] of what stands on the ground."""
    where = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    return (
        "MATCH (n:Address) WHERE n.level IN $levels AND n.latitude IS NOT NULL AND n.longitude IS NOT NULL "
        f"AND {lasting('n')}{where} "
        "RETURN [n.code, n.grid, n.longitude, n.latitude] AS found"
    )


def names(scope: Scope) -> str:
    """Rows [code, name, full name] of the areas of `$level`."""
    where = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    return (
        f"MATCH (n:Address) WHERE n.level = $level AND {lasting('n')}{where} "
        "RETURN [n.code, n.name, n.full_name] AS found"
    )
