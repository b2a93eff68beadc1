"""Answers below a root field straight from the maps that a statement gave.

A root's statement has read everything below it, so that nothing there waits. graphql-core resolves each field of each row anew all
the same, at some 20 µs a leaf. Here the selection is worked out once into a tree of functions, kept for the next time that the same text asks, and these go
through the rows with the same resolvers and types. What is kept knows the text and the values of its variables, and nothing of who asked: resolvers are told the
context of the operation that runs. Whatever is unusual (a resolver that waits, a null where none may be, an error) leaves that root to
graphql-core, so that errors, their paths and nulls are those of the specification.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_arguments

from schema.memo import current

Give = Callable[[Any], Any]
# Response key; the source's field and the class whose values are given as they are; else how the field's value
# (the whole source, where there is no field) is given.
Part = tuple[str, str | None, type[Any] | None, Give]
_DEFINITION: Final = "strawberry-definition"
# Leaves whose values are already what JSON holds, by the type that the value must have.
_PLAIN: Final[dict[str, type]] = {
    GraphQLString.name: str,
    GraphQLID.name: str,
    GraphQLBoolean.name: bool,
    GraphQLFloat.name: float,
}
_INT: Final = 2**31


_context: ContextVar[Any] = ContextVar("_context")


class _Info(strawberry.Info[Any, Any]):
    """What a resolver is told; its context is that of the operation that runs, not of the one it was made in."""

    @property
    def context(self) -> Any:
        return _context.get()


class _AsideError(Exception):
    """This is for graphql-core."""


class ProjectingExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which projects what root fields resolved to."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """As graphql-core's. Of root fields that give maps, the projection when all goes well."""
        if (
            path.prev is None
            and isinstance(result, (dict, list))
            and self.operation.operation.value == "query"
        ):
            token = _context.set(self.context_value)
            try:
                return self._kept(return_type, field_details_list, path)(result)
            except Exception:
                # graphql-core meets the same and tells it with its path. (Nothing was written: these are queries.)
                pass
            finally:
                _context.reset(token)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def _kept(self, type: Any, details: Any, path: Path) -> Give:
        """The projection of a root field, from those that are kept."""
        memo = current.get()
        if memo is None:
            return self._give(type, details, path)
        return memo.keep(
            "projection", str(path.key), self.operation, self.fragment_definitions, self.variable_values.coerced,
            lambda _: self._give(type, details, path),
        )  # fmt: skip

    def _give(self, type: Any, details: Any, path: Path, nullable: bool = True) -> Give:
        if is_non_null_type(type):
            return self._give(type.of_type, details, path, nullable=False)
        if is_list_type(type):
            item = self._give(type.of_type, details, path)

            def each(value: Any) -> Any:
                if value.__class__ is list or isinstance(value, (list, tuple)):
                    return [item(v) for v in value]
                if value is None and nullable:
                    return None
                raise _AsideError

            return each
        if isinstance(type, (GraphQLScalarType, GraphQLEnumType)):
            return _leaf(type, nullable)
        if isinstance(type, GraphQLObjectType):
            return self._object(type, details, path, nullable)
        if isinstance(type, GraphQLInterfaceType):
            return self._interface(type, details, path, nullable)
        raise _AsideError

    def _interface(self, type: GraphQLInterfaceType, details: Any, path: Path, nullable: bool) -> Give:
        # All of them now: what is kept must not hold on to this request.
        known = {
            t.name: self._object(t, details, path, nullable) for t in self.schema.get_possible_types(type)
        }

        def give(value: Any) -> Any:
            if value is None and nullable:
                return None
            return known[value["_t"]](value)

        return give

    def _object(self, type: GraphQLObjectType, details: Any, path: Path, nullable: bool) -> Give:
        parts: list[Part] = []
        for key, below in self.collect_subfields(type, details)[0].items():
            if below[0].node.name.value == "__typename":
                parts.append((key, None, None, _constant(type.name)))
            else:
                parts.append((key, *self._field(type, below, path.add_key(key, type.name))))
        name = type.name

        def give(value: Any) -> Any:
            if value.__class__ is not dict or value.get("_t", name) != name:
                if value is None and nullable:
                    return None
                raise _AsideError
            get, given = value.get, {}
            for key, field, plain, part in parts:
                if field is None:
                    given[key] = part(value)
                else:
                    held = get(field)
                    given[key] = held if held.__class__ is plain else part(held)
            return given

        return give

    def _field(
        self, parent: GraphQLObjectType, details: Any, path: Path
    ) -> tuple[str | None, type[Any] | None, Give]:
        """How a field is given, as the last three of a `Part`."""
        first = details[0]
        definition = self.schema.get_field(parent, first.node.name.value)
        declared = definition.extensions.get(_DEFINITION) if definition is not None else None
        if definition is None or declared is None or declared.extensions:
            raise _AsideError
        complete = self._give(definition.type, details, path)
        resolver = declared.base_resolver
        if resolver is None:
            inner = definition.type
            leaf = inner.of_type if is_non_null_type(inner) else inner
            return declared.python_name, _PLAIN.get(getattr(leaf, "name", "")), complete
        function = resolver.wrapped_func
        if resolver.is_async or inspect.iscoroutinefunction(function):
            raise _AsideError
        nodes = [d.node for d in details]
        nothing: Any = None
        raw: GraphQLResolveInfo[Any] = GraphQLResolveInfo(
            first.node.name.value, nodes, definition.type, parent, path, self.schema, {}, None,
            self.operation, nothing, None, nothing, nothing, nothing,
        )  # fmt: skip
        given: dict[str, Any] = {}
        if definition.args:
            values = get_argument_values(
                definition, first.node, self.variable_values, first.fragment_variable_values
            )
            converter = self._schema().schema_converter
            given = convert_arguments(
                values, declared.arguments, scalar_registry=converter.scalar_registry, config=converter.config
            )
        if resolver.info_parameter:
            given[resolver.info_parameter.name] = _Info(_raw_info=raw, _field=declared)
        if not resolver.self_parameter:
            raise _AsideError

        def resolved(source: Any) -> Any:
            return complete(function(source, **given))

        return None, None, resolved

    def _schema(self) -> Any:
        return self.schema.extensions[_DEFINITION]


def _constant(value: str) -> Give:
    return lambda _: value


def _leaf(type: GraphQLScalarType | GraphQLEnumType, nullable: bool) -> Give:
    coerce = type.coerce_output_value

    def generic(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise _AsideError
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise _AsideError
        return coerced

    if type is GraphQLInt or type.name == GraphQLInt.name:

        def whole(value: Any) -> Any:
            return value if value.__class__ is int and -_INT <= value < _INT else generic(value)

        return whole
    return generic
