"""Results that are found whole: a page of them, and the nodes that show them, all lists in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from addresses.genealogy import code_of_key
from graph.compile import Group, decode_position, first_of
from graph.selection import Selected
from ontology import ONTOLOGY
from schema.ask import Ask
from schema.connections import exact, page_info


def connected(edges: list[Any], more: bool, before: bool, total: int) -> dict[str, Any]:
    return {
        "edges": edges,
        "page_info": page_info(edges, more, before),
        "total_count": exact(total),
    }  # fmt: skip


def order_of(*asked: Any) -> str:
    """The name of an order by what was asked: a cursor of other questions is none of this list."""
    return f"newest {blake2b(repr(asked).encode(), digest_size=4).hexdigest()}"


def page_of(ask: Ask, found: list[Any], order: str, after: str | None) -> tuple[list[Any], int, bool]:
    """A page of results that were found whole: the items, where they begin, and whether there are more."""
    first = first_of(ask.selected)
    start = decode_position(after, order) if after is not None else 0
    return found[start : start + first], start, len(found) > start + first


async def evidence(
    ask: Ask, **lists: tuple[Selected | None, list[Group]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """What a page of results is shown by, all lists in one statement: name → key → node."""
    wanted = {name: (chosen, groups) for name, (chosen, groups) in lists.items() if chosen and groups}
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in lists}
    if wanted:
        parts = (
            f"{name}: {ask.compiler.listed(groups, chosen)}" for name, (chosen, groups) in wanted.items()
        )
        rows = await ask.read(f"RETURN {{{', '.join(parts)}}} AS found")
        for name in wanted:
            found[name] = {row["k"]: row["n"] for row in rows[0][name]}
    return found


def incident_groups(ids: Iterable[str]) -> list[Group]:
    held = sorted(set(ids))
    return [Group("Incident", "id", held)] if held else []


def place_groups(ask: Ask, keys: Iterable[str | None]) -> list[Group]:
    """Places by key: looked up by code, which says how what is in them is found."""
    return ask.compiler.by_code(code_of(ask, key) for key in keys if key is not None)


def party_groups(ids: Iterable[str]) -> list[Group]:
    labels: dict[str, list[str]] = {}
    for id in sorted(set(ids)):
        labels.setdefault(str(ONTOLOGY.label_of(id)), []).append(id)
    return [Group(label, "id", held) for label, held in sorted(labels.items())]


def code_of(ask: Ask, key: str | None) -> str:
    """The code of a place key."""
    return code_of_key(key or "", ask.context.scheme)
