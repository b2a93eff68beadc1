"""The GraphQL schema: roots, types, errors, limits."""

from __future__ import annotations

import strawberry


def build_schema() -> strawberry.Schema:
    """Quanxi's schema, ready to execute."""
    from schema.query import Query
    from schema.scalars import CONFIG
    from schema.types import NODE_TYPES

    return strawberry.Schema(Query, types=list(NODE_TYPES.values()), config=CONFIG)


def sdl() -> str:
    """The schema in GraphQL's definition language, as committed in `schema.graphql`."""
    return build_schema().as_str() + "\n"
