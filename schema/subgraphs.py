"""Subgraphs for drawing, and what is around something."""

from __future__ import annotations

from typing import Any

from graph.queries import expand
from graph.queries import neighbourhood as around
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema import types as t
from schema.ask import Ask, not_found
from schema.scalars import CutBy, Kind

# Findings are about other things; walked through, they would make neighbours of all that show one.
_WALKED = [label for label in t.NODE_TYPES if label != "Finding"]


def walked(kinds: list[Kind] | None) -> list[str]:
    return [k.value for k in kinds] if kinds else _WALKED


async def graph(
    ask: Ask, ids: list[str], links: list[expand.Link], cut: list[dict[str, Any]], *below: str
) -> dict[str, Any]:
    """Nodes and links for drawing; the nodes in one statement."""
    nodes: dict[str, Any] = {}
    selected = ask.part(*below, "nodes")
    if selected is not None and ids:
        nodes = await ask.by_ids(ids, selected)
    return {
        "nodes": [nodes[i] for i in ids if i in nodes],
        "links": [shown_link(x) for x in links],
        "cut": cut,
        # For what is said of it as a whole, whatever of its nodes is selected.
        "ids": ids,
        "found": links,
    }


def shown_link(x: expand.Link) -> dict[str, Any]:
    declared = ONTOLOGY.links[x.type]
    return {
        "id": x.id, "type": x.type, "zh": declared.zh, "en": declared.en, "start": x.start, "end": x.end,
        "since": x.values.get("since"), "until": x.values.get("until"), "confidence": x.values.get("confidence") or 1.0,
    }  # fmt: skip


def cuts(hubs: set[str], full: set[str]) -> list[dict[str, Any]]:
    return [
        *({"by": CutBy.HUB, "limit": expand.HUB, "at": h} for h in sorted(hubs)),
        *({"by": CutBy.ROWS, "limit": expand.LINKS, "at": f} for f in sorted(full)),
    ]


async def exists(ask: Ask, *ids: str) -> None:
    """Raises NOT_FOUND unless the viewer may see all of them."""
    groups = []
    for id in ids:
        label = ONTOLOGY.label_of(id)
        if label not in t.NODE_TYPES:
            raise not_found("记录")
        groups.append((str(label), id))
    parts = []
    for label, id in groups:
        n = ask.compiler.variable("n")
        where = " AND ".join([f"{n}.id = {ask.compiler.parameter(id)}", *ask.compiler.visible(label, n)])
        parts.append(f"COUNT {{ MATCH ({n}:{label}) WHERE {where} RETURN {n} }}")
    rows = await ask.read(f"RETURN [{', '.join(parts)}] AS found")
    if not all(rows[0]):
        raise not_found("记录")


async def neighbourhood(
    ask: Ask, id: str, depth: int, kinds: list[Kind] | None, limit: int
) -> dict[str, Any]:
    if not 1 <= depth <= 3:
        raise UsageError("TOO_DEEP", "depth 须在 1 到 3 之间", f"depth must be 1 to 3, not {depth}")
    if not 1 <= limit <= 300:
        raise UsageError("BAD_ARGUMENT", "limit 须在 1 到 300 之间", f"limit must be 1 to 300, not {limit}")
    await exists(ask, id)
    found = await around.find(
        ask.context.store,
        id,
        ask.compiler.scope,
        ask.as_of,
        expand.WALKED,
        walked(kinds),
        depth,
        limit,
        ask.context.timeout,
    )
    cut = cuts(found.hubs, found.full)
    if found.cut:
        cut.append({"by": CutBy.ROWS, "limit": limit, "at": None})
    return await graph(ask, found.ids, found.links, cut)


def called(ask: Ask, link: expand.Link) -> str:
    """What a relationship is called: the kinship or the part in an incident where there is one."""
    for key, terms in (("kin", "kin"), ("role", "incident_role")):
        code = link.values.get(key)
        if code is not None:
            return ask.context.terms.get(terms, code).zh
    return ONTOLOGY.links[link.type].zh
