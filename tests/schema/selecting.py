"""Everything that may be asked: selections made from the schema itself, so that what is added to it is tested too."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

NODE_KINDS = "Address Person Household House Enterprise Vehicle Phone Incident Matter Volunteer Team Organisation Device Permit Project Trip Finding".split()
# Not of the graph: answered from the ledger, which a drawn graph has not.
LEFT_OUT = {"why"}


def everything(
    schema: strawberry.Schema, type_name: str, relations: int, args: dict[str, str] | None = None
) -> str:
    """A selection of all fields of a type, and of relations so many deep.

    Args:
        args: arguments by field, such as {"residents": "first: 1"}.
    """
    declared = schema._schema.type_map[type_name]
    if isinstance(declared, GraphQLInterfaceType):
        kinds = (f"... on {kind} {everything(schema, kind, relations, args)}" for kind in NODE_KINDS)
        return "{ __typename id title masks { field state } " + " ".join(kinds) + " }"
    assert isinstance(declared, GraphQLObjectType)
    parts = ["__typename"]
    for name, field in declared.fields.items():
        if name in LEFT_OUT or any(is_required_argument(a) for a in field.args.values()):
            continue
        inner: Any = get_named_type(field.type)
        said = f"({args[name]})" if args and name in args else ""
        # Under a name of its own: `kind` of a vehicle and of a house cannot stand in one selection of an interface.
        asked = f"{type_name}_{name}: {name}{said}"
        if is_leaf_type(inner):
            parts.append(asked)
        elif inner.name in NODE_KINDS or inner.name == "Entity":
            if relations > 0:
                parts.append(f"{asked} {everything(schema, inner.name, relations - 1, args)}")
        elif relations > 0 or not (inner.name.endswith("Connection") or inner.name == "Party"):
            parts.append(f"{asked} {everything(schema, inner.name, relations, args)}")
    return "{ " + " ".join(parts) + " }"
