"""Neo4j's plan of a statement, operator by operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a plan.

    Attributes:
        depth: how many operators stand above it.
        rows: how many rows it is thought to give.
    """

    depth: int
    name: str
    details: str
    rows: float


def operators(plan: Mapping[str, Any], depth: int = 0) -> Iterator[Operator]:
    """The operators of a plan as `Store.explain` returns it, each before those that it takes rows from."""
    told = plan.get("args") or {}
    name = str(plan["operatorType"]).partition("@")[0]
    yield Operator(depth, name, str(told.get("Details", "")), float(told.get("EstimatedRows") or 0.0))
    for child in plan.get("children") or ():
        yield from operators(child, depth + 1)
