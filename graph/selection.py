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


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field: its snake-case name, response key, arguments and where its own selection is found."""

    name: str
    key: str
    args: dict[str, Any]
    type_name: str
    nodes: tuple[FieldNode, ...]


class Selections:
    """Reads the selections of one operation."""

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self._info = info
        given: Any = info.variable_values
        # graphql-core hands resolvers the coerced values alone, and wants them back with their sources.
        self._variables = given if isinstance(given, VariableValues) else VariableValues({}, given)

    def root(self) -> Selected:
        info = self._info
        return self._field(info.parent_type, tuple(info.field_nodes), str(info.path.key))

    def of(self, selected: Selected, type_name: str | None = None) -> list[Selected]:
        """The fields selected below, for a value of the given object type (that of the field when None)."""
        name = type_name or selected.type_name
        parent = self._info.schema.type_map[name]
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return []
        grouped: dict[str, list[FieldNode]] = {}
        for node in selected.nodes:
            if node.selection_set is not None:
                self._collect(node.selection_set, name, grouped)
        return [
            self._field(parent, tuple(nodes), key)
            for key, nodes in grouped.items()
            if nodes[0].name.value in parent.fields
        ]

    def _field(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, nodes: tuple[FieldNode, ...], key: str
    ) -> Selected:
        field = parent.fields[nodes[0].name.value]
        args = get_argument_values(field, nodes[0], self._variables)
        return Selected(
            snake(nodes[0].name.value),
            key,
            {snake(k): plain(v) for k, v in args.items()},
            get_named_type(field.type).name,
            nodes,
        )

    def _collect(self, selection: SelectionSetNode, type_name: str, out: dict[str, list[FieldNode]]) -> None:
        for node in selection.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                out.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._info.fragments[node.name.value]
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
        declared = self._info.schema.type_map.get(type_name)
        return isinstance(declared, (GraphQLObjectType, GraphQLInterfaceType)) and any(
            i.name == condition for i in declared.interfaces
        )
