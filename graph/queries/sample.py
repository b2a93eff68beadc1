"""Places to measure with, and an empty plan cache: for the benchmarks."""

from __future__ import annotations

from typing import Final

# Spread over the graph, so that what is near each other is not what is asked; $level, $n; rows of a code.
PLACES: Final = (
    "MATCH (a:Address {level: $level}) WHERE a.n_people > 0 "
    "WITH a ORDER BY a.code WITH collect(a.code) AS codes "
    "UNWIND [i IN range(0, CASE WHEN size(codes) < $n THEN size(codes) ELSE $n END - 1) "
    "| codes[i * size(codes) / CASE WHEN size(codes) < $n THEN size(codes) ELSE $n END]] AS code RETURN code"
)
CLEAR: Final = "CALL db.clearQueryCaches() YIELD value RETURN value"
