"""Which of some nodes a viewer may see, in an area. One statement."""

from __future__ import annotations

from graph.compile import Compiler


def statement(c: Compiler, label: str, area: tuple[str, str] | None) -> str | None:
    """Rows [id, revision] of those of `$ids` that may be seen and are in the area; None where all may be and there is no area.

    Args:
        area: how the area is matched (`tree` or `grid`), and its key.
    """
    where = c.scope.conditions(label, "n")
    if area is not None:
        kind, key = area
        where = [*where, f"n.{'grid' if kind == 'grid' else 'place'} STARTS WITH {c.parameter(key)}"]
    if not where:
        return None
    return f"MATCH (n:{label}) WHERE n.id IN $ids AND {' AND '.join(where)} RETURN [n.id, coalesce(n.revision, 0)]"
