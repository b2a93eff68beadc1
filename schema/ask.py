"""From a root field to its statement: who asks, for which day, what is selected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from graph.compile import Compiler, Group, Place
from graph.selection import Selected, Selections, response_path
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema.memo import Statements, current
from schema.scalars import Kind
from schema.terms import Info


def not_found(what: str) -> UsageError:
    """The same for what does not exist and for what the viewer may not see."""
    return UsageError("NOT_FOUND", f"查无此{what}", "there is nothing of that kind, or not for you")


class Ask:
    """One root field being answered."""

    kinds = frozenset(kind.value for kind in Kind)

    def __init__(self, info: Info, as_of: str | None = None) -> None:
        context = info.context
        self.context = context
        self.as_of = as_of or context.clock.today_text()
        self.selections, self._statements = _worked_out(info._raw_info)
        self.selected = self.selections.root(info._raw_info)
        self.compiler = Compiler(
            self.selections, context.viewer, context.scheme, context.terms, self.as_of, context.rolled_for,
            context.changed_on,
        )  # fmt: skip

    def part(self, *names: str) -> Selected | None:
        """The selection of a field below the root, by its path of names.

        Raises:
            UsageError: BAD_ARGUMENT when one of them is selected twice, under aliases.
        """
        at = self.selected
        for name in names:
            found = [s for s in self.selections.of(at) if s.name == name]
            if len(found) > 1:
                raise UsageError(
                    "BAD_ARGUMENT", f"{name} 只能选取一次", f"{name} may be selected only once here"
                )
            if not found:
                return None
            at = found[0]
        return at

    def by_key(
        self, label: str, key: str, value: Any, place: Place | None, more: tuple[str, ...] = ()
    ) -> str:
        """The statement of one node and all that is selected of it, compiled once for the like of it."""
        compiler = self.compiler
        how = (
            label, key, place and (place.kind, place.level), compiler.viewer, self.as_of, compiler.rolled, compiler.past, more,
        )  # fmt: skip
        given = f"p{len(compiler.params)}"
        kept = self._statements.get(how)
        if kept is None:
            text = compiler.by_key(label, key, value, self.selected, place, more)
            self._statements.put(how, text, {k: v for k, v in compiler.params.items() if k != given})
            return text
        compiler.params.update(kept[1])
        compiler.params[given] = value
        return kept[0]

    async def read(self, text: str, params: dict[str, Any] | None = None) -> list[Any]:
        self.context.slots.update(self.selections.slots)
        return await self.context.store.read(
            text, {**self.compiler.params, **(params or {})}, timeout=self.context.timeout
        )

    async def one(self, label: str, key: str, value: Any, what: str, place: Place | None = None) -> Any:
        """The node of a label by a field's value.

        Raises:
            UsageError: NOT_FOUND.
        """
        rows = await self.read(self.by_key(label, key, value, place))
        if not rows:
            raise not_found(what)
        return rows[0]

    async def by_keys(
        self, groups: Sequence[Group], selected: Selected | None = None, more: Sequence[str] = ()
    ) -> dict[Any, Any]:
        """Nodes of several labels by a field's values: value → node."""
        rows = await self.read(self.compiler.by_keys(groups, selected or self.selected, more))
        # Of several with one value the first by id, as when it is asked for alone.
        return {row["k"]: row["n"] for row in reversed(rows[0])} if rows else {}

    async def by_ids(self, ids: Iterable[str], selected: Selected | None = None) -> dict[str, Any]:
        """Nodes of any kind by id: id → node.

        One statement; one more before it when lists of addresses are selected, for how these are found is said by
        the addresses' codes.
        """
        selected = selected or self.selected
        labels: dict[str, list[str]] = {}
        for id in dict.fromkeys(ids):
            label = ONTOLOGY.label_of(id)
            if label is not None and label in self.kinds:
                labels.setdefault(label, []).append(id)
        groups = [Group(label, "id", held) for label, held in sorted(labels.items()) if label != "Address"]
        renamed: dict[str, str] = {}
        if "Address" in labels:
            if self.compiler.needs_codes(selected):
                pairs = await self.read(self.compiler.codes(), {"ids": labels["Address"]})
                renamed = dict(pairs)
                groups += self.compiler.by_code(renamed)
            else:
                groups.append(Group("Address", "id", labels["Address"]))
        found = await self.by_keys(groups, selected) if groups else {}
        return {renamed.get(key, key): node for key, node in found.items()}

    async def titles(self, ids: Iterable[str]) -> dict[str, str]:
        """What nodes of any kind are called, as far as the viewer may see them: id → title. One statement."""
        labels: dict[str, list[str]] = {}
        for id in dict.fromkeys(ids):
            label = ONTOLOGY.label_of(id)
            if label is not None and label in self.kinds:
                labels.setdefault(label, []).append(id)
        if not labels:
            return {}
        text = self.compiler.titles([Group(label, "id", held) for label, held in sorted(labels.items())])
        return {
            id: ONTOLOGY.entities[str(ONTOLOGY.label_of(id))].called(id, title)
            for id, title in (await self.read(text))[0]
        }


def _worked_out(raw: GraphQLResolveInfo[Any]) -> tuple[Selections, Statements]:
    """The selections below a root and their statements, as the text's memo has them."""
    memo = current.get()
    if memo is None:
        return Selections(raw), Statements()
    values: Any = raw.variable_values
    return memo.keep(
        "selections", "/".join(response_path(raw.path)), raw.operation, raw.fragments, getattr(values, "coerced", values),
        lambda below: (Selections(raw, below), Statements()),
    )  # fmt: skip


def limited(values: Sequence[Any], what: str, most: int = 200) -> None:
    """Raises UsageError TOO_MANY beyond `most` values."""
    if len(values) > most:
        raise UsageError(
            "TOO_MANY", f"{what}一次至多 {most} 个", f"at most {most} at once, not {len(values)}"
        )


def area_of(ask: Ask, code: str) -> tuple[str, str]:
    """How an area is matched, and its key.

    Raises:
        UsageError: BAD_CODE when it is no code, NOT_FOUND for a road or estate.
    """
    ask.context.scheme.parse(code)
    place = ask.compiler.place_of(code)
    if place.kind == "tree" and place.key is not None:
        return "tree", place.key
    if place.kind == "grid":
        return "grid", ask.context.scheme.parse(code).code
    raise UsageError(
        "BAD_CODE",
        "此处应为行政区划或网格编码",
        "this takes the code of a place or grid, not of a road or estate",
    )
