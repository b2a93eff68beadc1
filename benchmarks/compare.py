"""Whether an HTTP answer and the map that the same statement gives over Bolt say the same."""

from __future__ import annotations

from typing import Any

from graph.selection import snake


def leaves(value: Any) -> int:
    """The number of leaf values of a JSON answer."""
    if isinstance(value, dict):
        return sum(leaves(each) for each in value.values())
    if isinstance(value, list):
        return sum(leaves(each) for each in value)
    return 1


def differences(answer: Any, held: Any, path: str = "") -> list[str]:
    """Paths at which a JSON answer of `view.graphql` and a statement's map differ; empty when they say the same.

    Args:
        answer: the JSON of a node, a page, a list or a leaf.
        held: what the statement gave in its place.
    """
    if isinstance(answer, list):
        if not isinstance(held, list) or len(held) != len(answer):
            return [path]
        return [
            d
            for i, (a, h) in enumerate(zip(answer, held, strict=True))
            for d in differences(a, h, f"{path}[{i}]")
        ]
    if not isinstance(answer, dict):
        return [] if answer == held else [path]
    if not isinstance(held, dict):
        # A term or a count: the map has its code or number alone.
        known = answer.get("code", answer.get("value"))
        return [] if known == held else [path]
    found: list[str] = []
    for key, value in answer.items():
        found += differences(value, _part(key, value, held), f"{path}.{key}")
    return found


def _part(key: str, value: Any, held: dict[str, Any]) -> Any:
    name = snake(key)
    if "rows" in held:
        if key == "edges":
            return [{"node": row["node"]} for row in held["rows"][: held["first"]]]
        if key == "pageInfo":
            return {"has_next_page": len(held["rows"]) > held["first"]}
        return held["total"]["value"] if isinstance(held["total"], dict) else held["total"]
    if key == "steps" and isinstance(value, list):
        times, states = held.get("step_at") or [], held.get("step_to") or []
        return [{"at": at, "to": to} for at, to in zip(times, states, strict=True)]
    return held.get(f"@{name}", held.get(name))
