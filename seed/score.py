"""How well answers agree with the answer key. Pure functions; the command asks the questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def _score(truth: set[Any], found: set[Any]) -> dict[str, Any]:
    hits = truth & found
    return {
        "precision": len(hits) / len(found) if found else (1.0 if not truth else 0.0),
        "recall": len(hits) / len(truth) if truth else 1.0,
        "true": len(truth),
        "found": len(found),
        "missing": sorted(
            sorted(item) if isinstance(item, frozenset) else list(item) for item in truth - found
        ),
        "extra": sorted(
            sorted(item) if isinstance(item, frozenset) else list(item) for item in found - truth
        ),
    }


def score_repeats(
    truth: Iterable[Mapping[str, Any]], found: Iterable[Iterable[str]], by: str | None = None
) -> dict[str, Any]:
    """Compare repeat disputes as sets of incident numbers; a result counts only when its set is exactly
    right.

    Args:
        truth: entries of `truth/repeats.json`.
        found: one collection of source numbers for each result.
        by: only the truth's `PLACE` or `PARTIES`; None for both together.

    Returns:
        precision, recall (1.0 when there is nothing to find), true, found, missing, extra.
    """
    expected = {frozenset(item["incidents"]) for item in truth if by is None or item["by"] == by}
    return _score(expected, {frozenset(numbers) for numbers in found})


def score_relapses(truth: Iterable[Mapping[str, Any]], found: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Compare relapses as pairs (earlier number, later number); otherwise as `score_repeats`."""
    return _score({(item["earlier"], item["later"]) for item in truth}, {(a, b) for a, b in found})
