"""From a root field to its statement: who asks, for which day, what is selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.compile import Compiler, Place
from graph.selection import Selected, Selections
from ontology.errors import UsageError
from schema.terms import Info


def not_found(what: str) -> UsageError:
    """The same for what does not exist and for what the viewer may not see."""
    return UsageError("NOT_FOUND", f"查无此{what}", "there is nothing of that kind, or not for you")


class Ask:
    """One root field being answered."""

    def __init__(self, info: Info, as_of: str | None = None) -> None:
        context = info.context
        self.context = context
        self.as_of = as_of or context.clock.today_text()
        self.selections = Selections(info._raw_info)
        self.selected = self.selections.root()
        self.compiler = Compiler(
            self.selections, context.viewer, context.scheme, context.terms, self.as_of, context.rolled_for
        )

    def part(self, *names: str) -> Selected | None:
        """The selection of a field below the root, by its path of names."""
        at: Selected | None = self.selected
        for name in names:
            if at is None:
                return None
            at = next((s for s in self.selections.of(at) if s.name == name), None)
        return at

    async def read(self, text: str, params: dict[str, Any] | None = None) -> list[Any]:
        return await self.context.store.read(
            text, {**self.compiler.params, **(params or {})}, timeout=self.context.timeout
        )

    async def one(self, label: str, key: str, value: Any, what: str, place: Place | None = None) -> Any:
        """The node of a label by a field's value.

        Raises:
            UsageError: NOT_FOUND.
        """
        rows = await self.read(self.compiler.by_key(label, key, value, self.selected, place))
        if not rows:
            raise not_found(what)
        return rows[0]

    async def by_keys(
        self, groups: list[tuple[str, str, list[Any]]], selected: Selected | None = None
    ) -> dict[Any, Any]:
        """Nodes of several labels by a field's values: value → node."""
        rows = await self.read(self.compiler.by_keys(groups, selected or self.selected))
        return {row["k"]: row["n"] for row in rows[0]} if rows else {}


def limited(values: Sequence[Any], what: str, most: int = 100) -> None:
    """Raises UsageError TOO_MANY beyond `most` values."""
    if len(values) > most:
        raise UsageError(
            "TOO_MANY", f"{what}一次至多 {most} 个", f"at most {most} at once, not {len(values)}"
        )
