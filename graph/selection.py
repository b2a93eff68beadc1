"""A GraphQL selection as plain data: fragments, inline fragments, aliases and @include/@skip worked in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values
from graphql.pyutils import Path

_UPPER = re.compile(r"(?<!^)(?=[A-Z])")


def snake(name: str) -> str:
    return _UPPER.sub("_", name).lower()


def plain(value: Any) -> Any:
    """An argument as plain data: enumeration members by name, input objects as dicts with snake-case keys."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {snake(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def response_path(path: Path) -> tuple[str, ...]:
    """Types and response keys from the root down, such as ("Query.node", "House.at"); places in lists left out.

    The type tells apart fields of one key that stand in fragments on different types.
    """
    found: list[str] = []
    at: Path | None = path
    while at is not None:
        if at.typename is not None:
            found.append(f"{at.typename}.{at.key}")
        at = at.prev
    return tuple(reversed(found))


def _variables(info: GraphQLResolveInfo[Any]) -> VariableValues:
    given: Any = info.variable_values
    # graphql-core hands resolvers the coerced values alone, and wants them back with their sources.
    return given if isinstance(given, VariableValues) else VariableValues({}, given)


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field: its snake-case name, arguments, and where its own selection is found.

    Attributes:
        path: types and response keys from the root down to it, as `response_path` has them.
        slot: the key of its value in the answer of a statement: its name, numbered where one selection has it more
            than once, so that what somebody calls it stands in no statement.
    """

    name: str
    args: dict[str, Any]
    type_name: str
    nodes: tuple[FieldNode, ...]
    path: tuple[str, ...]
    slot: str


class Selections:
    """Reads the selections of one root. It holds on to the text and its variables, and to nothing of the request.

    Args:
        variables: those that stand below the root; all of the request's when None.

    Attributes:
        slots: the slots of aliased fields, by (type, path), for the resolvers to find.
    """

    def __init__(self, info: GraphQLResolveInfo[Any], variables: Mapping[str, Any] | None = None) -> None:
        self.slots: dict[tuple[str, tuple[str, ...]], str] = {}
        self._schema = info.schema
        self._fragments = info.fragments
        self._read: dict[tuple[str, tuple[str, ...]], list[Selected]] = {}
        self._variables = _variables(info) if variables is None else VariableValues({}, dict(variables))

    def root(self, info: GraphQLResolveInfo[Any]) -> Selected:
        """The root field itself, with the arguments of this request."""
        return self._field(
            info.parent_type, tuple(info.field_nodes), response_path(info.path), variables=_variables(info)
        )

    def of(self, selected: Selected, type_name: str | None = None) -> list[Selected]:
        """The fields selected below, for a value of the given object type (that of the field when None).

        In order of their names, whatever order they were written in: equal selections give equal statements.
        """
        name = type_name or selected.type_name
        known = self._read.get((name, selected.path))
        if known is not None:
            return known
        parent = self._schema.type_map[name]
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return []
        grouped: dict[str, list[FieldNode]] = {}
        for node in selected.nodes:
            if node.selection_set is not None:
                self._collect(node.selection_set, name, grouped)
        # Of a field that is there more than once, the one without an alias comes first: its slot is its plain name.
        ordered = sorted(grouped.items(), key=lambda g: (g[1][0].name.value, g[1][0].name.value != g[0]))
        found: list[Selected] = []
        times: dict[str, int] = {}
        for key, nodes in ordered:
            field = nodes[0].name.value
            if field not in parent.fields:
                continue
            times[field] = times.get(field, 0) + 1
            chosen = self._field(parent, tuple(nodes), (*selected.path, f"{name}.{key}"), times[field])
            if key != field:
                self.slots[name, chosen.path] = chosen.slot
            found.append(chosen)
        self._read[name, selected.path] = found
        return found

    def _field(
        self,
        parent: GraphQLObjectType | GraphQLInterfaceType,
        nodes: tuple[FieldNode, ...],
        path: tuple[str, ...],
        times: int = 1,
        variables: VariableValues | None = None,
    ) -> Selected:
        field = parent.fields[nodes[0].name.value]
        args = get_argument_values(field, nodes[0], variables or self._variables)
        name = snake(nodes[0].name.value)
        return Selected(
            name,
            {snake(k): plain(v) for k, v in args.items()},
            get_named_type(field.type).name,
            nodes,
            path,
            f"@{name}" if times == 1 else f"@{name}:{times}",
        )

    def _collect(self, selection: SelectionSetNode, type_name: str, out: dict[str, list[FieldNode]]) -> None:
        for node in selection.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                out.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                definition = getattr(fragment, "definition", fragment)
                if self._applies(definition.type_condition.name.value, type_name):
                    self._collect(definition.selection_set, type_name, out)
            elif isinstance(node, InlineFragmentNode) and (
                node.type_condition is None or self._applies(node.type_condition.name.value, type_name)
            ):
                self._collect(node.selection_set, type_name, out)

    def _included(self, node: Any) -> bool:
        values = self._variables
        skip = get_directive_values(GraphQLSkipDirective, node, values)
        if skip and skip.get("if_", skip.get("if")) is True:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, values)
        return not (include and include.get("if_", include.get("if")) is False)

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        declared = self._schema.type_map.get(type_name)
        return isinstance(declared, (GraphQLObjectType, GraphQLInterfaceType)) and any(
            i.name == condition for i in declared.interfaces
        )
