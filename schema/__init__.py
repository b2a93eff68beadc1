"""The GraphQL schema: roots, types, errors, limits."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: `schema.operations` tells them, and logs those that nobody asked for."""


def build_schema() -> strawberry.Schema:
    """Quanxi's schema, ready to execute."""
    from schema.mutation import Mutation
    from schema.projection import ProjectingExecutor
    from schema.query import Query
    from schema.scalars import CONFIG
    from schema.subscription import Subscription
    from schema.types import NODE_TYPES

    return _Schema(
        Query,
        mutation=Mutation,
        subscription=Subscription,
        types=list(NODE_TYPES.values()),
        config=CONFIG,
        execution_context_class=ProjectingExecutor,
    )


def sdl() -> str:
    """The schema in GraphQL's definition language, as committed in `schema.graphql`."""
    return build_schema().as_str() + "\n"
