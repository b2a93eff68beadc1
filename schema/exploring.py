"""What is said of a subgraph as a whole: its structure, and itself as a text for other tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from graph import drawn
from ontology.errors import UsageError
from schema.ask import Ask
from schema.terms import Info

CENTRAL: Final = 20
MOST: Final = 10
_WRITERS: Final = {"GRAPHML": drawn.to_graphml, "NODE_LINK": drawn.to_node_link, "CSV": drawn.to_csv}


async def analysis(subgraph: Mapping[str, Any], info: Info) -> dict[str, Any]:
    """The structure of a subgraph of `schema.subgraphs.graph`.

    Raises:
        UsageError: BAD_ARGUMENT where a question asks it of more than `MOST` subgraphs.
    """
    _count(info)
    told = await asyncio.to_thread(drawn.analyse, subgraph["ids"], subgraph["found"])
    central = sorted(told.betweenness.items(), key=lambda x: (-x[1], x[0]))[:CENTRAL]
    return {
        "components": told.components, "bridges": [list(pair) for pair in told.bridges], "cut_points": told.cut_points,
        "central": [{"id": id, "betweenness": share} for id, share in central if share > 0], "communities": told.communities,
    }  # fmt: skip


async def export(subgraph: Mapping[str, Any], info: Info, format: str) -> str:
    """A subgraph of `schema.subgraphs.graph` as a text; its nodes by their titles, as far as the viewer may see them. One statement.

    Raises:
        UsageError: BAD_ARGUMENT, as `analysis`.
    """
    _count(info)
    titles = await Ask(info).titles(subgraph["ids"])
    return _WRITERS[format](titles, subgraph["found"])


def _count(info: Info) -> None:
    """A page of findings has a hundred subgraphs: that many are for one question after another."""
    info.context.wholes += 1
    if info.context.wholes > MOST:
        raise UsageError(
            "BAD_ARGUMENT",
            f"一次至多对 {MOST} 张子图求结构或导出",
            f"structure and export are told of at most {MOST} subgraphs at a time",
            "Ask for fewer findings, or one after the other.",
        )
