"""Reads codes of the graph as terms of the catalogue."""

from __future__ import annotations

from typing import Any

import strawberry

from schema.context import Context
from schema.scalars import Term

Info = strawberry.Info[Context, Any]


def as_term(info: Info, list_name: str, code: str) -> Any:
    found = info.context.terms.get(list_name, code)
    return {"code": found.code, "zh": found.zh, "en": found.en, "parent": found.parent}


def term(source: Any, info: Info, name: str, list_name: str) -> Term | None:
    code = source.get(name)
    return as_term(info, list_name, code) if code is not None else None


def terms_of(source: Any, info: Info, name: str, list_name: str) -> list[Term]:
    return [as_term(info, list_name, code) for code in source.get(name) or ()]
