"""Reads codes of the graph as terms of the catalogue."""

from __future__ import annotations

from typing import Any

import strawberry

from graph.selection import response_path
from ontology.errors import UsageError
from schema.context import Context
from schema.scalars import Term

Info = strawberry.Info[Context, Any]


def slot(info: Info) -> str:
    """The key under which the statement has answered this field.

    Raises:
        UsageError: BAD_ARGUMENT where aliases of the fields above cannot be told apart.
    """
    raw = info._raw_info
    if raw.path.key == raw.field_name:
        return f"@{info.python_name}"
    found = info.context.slots.get((raw.parent_type.name, response_path(raw.path)))
    if found is None:
        raise UsageError(
            "BAD_ARGUMENT",
            f"{raw.field_name} 的上级字段不能以别名重复",
            f"what {raw.field_name} is selected in may be selected only once",
        )
    return found


def as_term(info: Info, list_name: str, code: str) -> Any:
    return info.context.terms.plain(list_name, code)


def term(source: Any, info: Info, name: str, list_name: str) -> Term | None:
    code = source.get(name)
    return as_term(info, list_name, code) if code is not None else None


def terms_of(source: Any, info: Info, name: str, list_name: str) -> list[Term]:
    return [as_term(info, list_name, code) for code in source.get(name) or ()]
