"""What a question may ask at most: its length, tokens, depth, aliases, roots, cost and time.

Everything here is decided from the text of the operation and its variables, before Neo4j is asked anything.
Depth, aliases and cost count a fragment each time it is used, in time linear in the text: a few fragments
that use each other could otherwise stand for millions of fields. Introspection (`__schema`, `__type`) is not
counted; graphql-core limits its depth by a rule of its own.

Cost is how many entities the answer could hold: the product of the page sizes along the nesting, added up.
A field's page size is its `first` or `limit` (as given, by variable, or by default), or the length of the
list of keys that it is given (`codes`, `ids`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)
from graphql.pyutils import Undefined

from ontology.errors import UsageError

PAGE_ARGUMENTS: Final = ("first", "last", "limit")
KEY_ARGUMENTS: Final = ("codes", "ids", "hids", "usccs", "plates", "numbers", "vids", "tids")
# A cost beyond this is only known to be beyond it: integers stay small whatever the nesting.
_CEILING: Final = 10**12


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server.

    Attributes:
        characters: of the query's text.
        tokens: names, punctuators and values of the query.
        depth: fields within fields, `{ a { b } }` is 2.
        aliases: fields that are given another name.
        roots: fields of the operation itself.
        cost: entities that the answer could hold (see the module).
        seconds: that the operation may take.
    """

    characters: int = 50_000
    tokens: int = 4_000
    depth: int = 14
    aliases: int = 60
    roots: int = 20
    cost: int = 50_000
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    """Page size of a field: a number, or the variable that gives it and what it is without the variable."""

    value: int = 1
    variable: str | None = None
    given: bool = False

    def under(self, variables: Mapping[str, Any]) -> int:
        found = variables.get(self.variable, self.value) if self.variable is not None else self.value
        if isinstance(found, list | tuple):
            found = len(found)
        # Wrong kinds and negative sizes are refused when the field is executed.
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 1


@dataclass(slots=True)
class Part:
    """A selection: the sizes of its fields and what is below them, fragments shared and not copied."""

    fields: list[tuple[Size, Part]] = field(default_factory=list)
    fragments: list[Part] = field(default_factory=list)
    depth: int = 0
    aliases: int = 0

    def cost(self, variables: Mapping[str, Any], known: dict[int, int] | None = None) -> int:
        known = {} if known is None else known
        if (found := known.get(id(self))) is not None:
            return found
        known[id(self)] = 0  # a cycle, which validation refuses, ends here
        total = 0
        for size, below in self.fields:
            inner = below.cost(variables, known)
            total += size.under(variables) * (inner + 1) if size.given else inner
        total = min(total + sum(part.cost(variables, known) for part in self.fragments), _CEILING)
        known[id(self)] = total
        return total


@dataclass(frozen=True, slots=True)
class Measure:
    """What an operation asks for.

    Attributes:
        roots: the names of its root fields, each once, in order; without those the schema does not have.
        root_count: how many root fields it has, with those of its fragments.
        part: its selection, for the cost.
    """

    roots: tuple[str, ...]
    root_count: int
    depth: int
    aliases: int
    part: Part

    def cost(self, variables: Mapping[str, Any]) -> int:
        return self.part.cost(variables)


def measure(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Measure:
    """Measure an operation of a document, which need not be valid."""
    return _Walk(schema, document, operation).measure()


def check(measured: Measure, limits: Limits, variables: Mapping[str, Any]) -> None:
    """Refuse an operation that asks for too much.

    Raises:
        UsageError: TOO_DEEP, TOO_MANY, TOO_COSTLY.
    """
    if measured.depth > limits.depth:
        raise UsageError(
            "TOO_DEEP",
            f"查询嵌套了 {measured.depth} 层，上限为 {limits.depth} 层。",
            f"The query is {measured.depth} levels deep; {limits.depth} are allowed.",
            "Ask in two steps: fetch the ids first, then the rest with `node` or `nodes`.",
        )
    if measured.aliases > limits.aliases:
        raise too_many("别名", "aliases", measured.aliases, limits.aliases)
    if measured.root_count > limits.roots:
        raise too_many("根字段", "root fields", measured.root_count, limits.roots)
    cost = measured.cost(variables)
    if cost > limits.cost:
        shown = f"{cost:,}" if cost < _CEILING else f"≥ {_CEILING:,}"
        raise UsageError(
            "TOO_COSTLY",
            f"这一查询最多会返回 {shown} 个对象，上限为 {limits.cost:,}。",
            f"The answer could hold {shown} entities; {limits.cost:,} are allowed.",
            "Make `first` smaller, above all on the outer lists, or leave a nested list out.",
        )


def too_many(zh: str, en: str, found: int | str, allowed: int) -> UsageError:
    """The error for a query that has more of something than is allowed."""
    return UsageError(
        "TOO_MANY",
        f"查询中的{zh}过多：{found}，上限为 {allowed:,}。",
        f"The query has too many {en}: {found}; {allowed:,} are allowed.",
        "Split the query into several.",
    )


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._parts: dict[str, Part] = {}
        self._root_counts: dict[str, int] = {}
        self._defaults: dict[str, ValueNode | None] = {
            variable.variable.name.value: variable.default_value
            for variable in operation.variable_definitions or ()
        }

    def measure(self) -> Measure:
        root = {
            OperationType.QUERY: self._schema.query_type,
            OperationType.MUTATION: self._schema.mutation_type,
            OperationType.SUBSCRIPTION: self._schema.subscription_type,
        }[self._operation.operation]
        part = self._part(self._operation.selection_set, root)
        known = getattr(root, "fields", {})
        names = self._root_names(self._operation.selection_set, set())
        roots = tuple(dict.fromkeys(name for name in names if name in known or name.startswith("__")))
        return Measure(
            roots, self._count_roots(self._operation.selection_set), part.depth, part.aliases, part
        )

    def _part(self, selections: SelectionSetNode | None, parent: Any) -> Part:
        part = Part()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                self._add_field(part, node, parent)
            elif isinstance(node, InlineFragmentNode):
                self._add_fragment(
                    part, self._part(node.selection_set, self._on(node.type_condition, parent))
                )
            elif isinstance(node, FragmentSpreadNode):
                self._add_fragment(part, self._fragment(node.name.value))
        part.aliases = min(part.aliases, _CEILING)
        return part

    def _add_field(self, part: Part, node: FieldNode, parent: Any) -> None:
        name = node.name.value
        if name.startswith("__"):
            part.depth = max(part.depth, 1)
            part.aliases += node.alias is not None
            return
        definition = getattr(parent, "fields", {}).get(name)
        below = self._part(
            node.selection_set, get_named_type(definition.type) if definition is not None else None
        )
        part.depth = max(part.depth, below.depth + 1)
        part.aliases += below.aliases + (node.alias is not None)
        size = self._size(node, definition)
        if size.given or below.fields or below.fragments:
            part.fields.append((size, below))

    @staticmethod
    def _add_fragment(part: Part, fragment: Part) -> None:
        part.fragments.append(fragment)
        part.depth = max(part.depth, fragment.depth)
        part.aliases += fragment.aliases

    def _fragment(self, name: str) -> Part:
        if name not in self._parts:
            # In place before its inside is looked at: a cycle, which validation refuses, finds it and ends.
            self._parts[name] = Part()
            definition = self._fragments.get(name)
            if definition is not None:
                self._parts[name] = self._part(
                    definition.selection_set, self._on(definition.type_condition, None)
                )
        return self._parts[name]

    def _on(self, condition: NamedTypeNode | None, parent: Any) -> Any:
        return self._schema.type_map.get(condition.name.value) if condition is not None else parent

    def _size(self, node: FieldNode, definition: Any) -> Size:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name in (*PAGE_ARGUMENTS, *KEY_ARGUMENTS):
            if name in given:
                return self._sized(given[name])
            argument = definition.args.get(name) if definition is not None else None
            if argument is not None:
                default = _default(argument)
                if isinstance(default, int):
                    return Size(default, given=True)
        return Size()

    def _sized(self, value: ValueNode) -> Size:
        if isinstance(value, VariableNode):
            default = self._defaults.get(value.name.value)
            return Size(_literal(default), value.name.value, given=True)
        return Size(_literal(value), given=True)

    def _root_names(self, selections: SelectionSetNode, seen: set[str]) -> Iterator[str]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node.name.value
            elif isinstance(node, InlineFragmentNode):
                yield from self._root_names(node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                definition = self._fragments.get(node.name.value)
                if definition is not None:
                    yield from self._root_names(definition.selection_set, seen)

    def _count_roots(self, selections: SelectionSetNode) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += 1
            elif isinstance(node, InlineFragmentNode):
                total += self._count_roots(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in self._root_counts:
                    self._root_counts[name] = 0
                    definition = self._fragments.get(name)
                    if definition is not None:
                        self._root_counts[name] = self._count_roots(definition.selection_set)
                total += self._root_counts[name]
        return min(total, _CEILING)


def _literal(value: ValueNode | None) -> int:
    if isinstance(value, IntValueNode):
        # A number of a thousand digits is refused as an Int later; here it need only be large.
        return int(value.value) if len(value.value) < 12 else _CEILING
    if isinstance(value, ListValueNode):
        return len(value.values)
    return 1


def _default(argument: Any) -> Any:
    """The default of an argument: graphql-core keeps it as a value, a node, or both."""
    value = getattr(argument, "default_value", Undefined)
    if value is Undefined:
        default = getattr(argument, "default", None)
        value = getattr(default, "value", None)
        literal = getattr(default, "literal", None)
        if value in (None, Undefined) and literal is not None:
            value = _literal(literal)
    return value
