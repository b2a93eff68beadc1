"""What was worked out of a text, used again when the same text is asked again.

A selection, the statement that it compiles to and the way its answer is projected depend on the text and on the values of the
variables that stand below root fields; who asks and what the roots are given change from one request to the next. Each
parsed text that `schema.operations` keeps has one memo, and it goes when the text goes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import orjson
from graphql import FragmentSpreadNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

# Of each root field. A page's front end asks with few values below roots; cursors there change each time, and need
# no keeping.
_KEPT: Final = 4
_STATEMENTS: Final = 8
T = TypeVar("T")


class Memo:
    """What was worked out of one document, for few values of its variables."""

    def __init__(self) -> None:
        self._names: dict[str | None, tuple[str, ...]] = {}
        self._kept: dict[tuple[str, str, str | None], OrderedDict[bytes, Any]] = {}

    def keep(
        self, what: str, root: str, operation: OperationDefinitionNode, fragments: Mapping[str, Any],
        variables: Mapping[str, Any], make: Callable[[Mapping[str, Any]], T],
    ) -> T:  # fmt: skip
        """What `make` gives, or gave for the same root field and the same values below it.

        Args:
            what: which of several things are kept of a root field.
            root: the root field's response key.
            make: given the variables below roots alone, for what is kept must not hold on to the others.
            variables: coerced values.
        """
        name = operation.name.value if operation.name else None
        names = self._names.get(name)
        if names is None:
            names = self._names[name] = _below(operation, fragments)
        # A variable that is left out is not one that is null: arguments have defaults.
        below = {n: variables[n] for n in names if n in variables}
        try:
            given = orjson.dumps(below)
        except TypeError:
            return make(below)
        kept = self._kept.setdefault((what, root, name), OrderedDict())
        if given in kept:
            kept.move_to_end(given)
            return kept[given]  # type: ignore[no-any-return]
        made = kept[given] = make(below)
        if len(kept) > _KEPT:
            kept.popitem(last=False)
        return made


current: ContextVar[Memo | None] = ContextVar("current", default=None)


class Statements:
    """Compiled statements of one selection: text and parameters by what else they depend on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, tuple[str, dict[str, Any]]] = OrderedDict()

    def get(self, key: Any) -> tuple[str, dict[str, Any]] | None:
        return self._kept.get(key)

    def put(self, key: Any, text: str, params: dict[str, Any]) -> None:
        self._kept[key] = text, params
        if len(self._kept) > _STATEMENTS:
            self._kept.popitem(last=False)


def _below(operation: OperationDefinitionNode, fragments: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the variables that stand anywhere but in the arguments of root fields."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    class Look(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found[node.name.value] = None

        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            name = node.name.value
            if name not in seen:
                seen.add(name)
                fragment = fragments[name]
                visit(getattr(fragment, "definition", fragment), Look())

    def look(node: Node) -> None:
        visit(node, Look())

    for root in operation.selection_set.selections:
        # A root's own arguments are the root's business; a fragment of roots is looked at whole.
        below = getattr(root, "selection_set", None)
        look(below if below is not None else root)
        for directive in root.directives or ():
            look(directive)
    return tuple(found)
