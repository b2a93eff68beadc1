"""Whom it reaches when an enterprise fails."""

from __future__ import annotations

from typing import Any

from graph.queries import impact as impacts
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema.ask import Ask, not_found
from schema.scalars import CutBy
from schema.subgraphs import exists, graph


async def impact(ask: Ask, enterprise: str, steps: int) -> dict[str, Any]:
    """Whom it reaches when an enterprise fails.

    Raises:
        UsageError: TOO_DEEP; NOT_FOUND for what is no enterprise, or not for the viewer.
    """
    if not 1 <= steps <= impacts.STEPS:
        raise UsageError(
            "TOO_DEEP",
            f"steps 须在 1 到 {impacts.STEPS} 之间",
            f"steps must be 1 to {impacts.STEPS}, not {steps}",
        )
    if ONTOLOGY.label_of(enterprise) != "Enterprise":
        raise not_found("企业")
    await exists(ask, enterprise)
    found = await impacts.find(
        ask.context.store, enterprise, ask.compiler.scope, ask.as_of, steps, ask.context.timeout
    )
    ids = [r.id for r in found.reached]
    node = ask.part("reached", "enterprise")
    nodes = await ask.by_ids(ids, node) if node is not None and ids else {}
    cut = [{"by": CutBy.ROWS, "limit": impacts.ENTERPRISES, "at": None}] if found.cut else []
    drawn = await graph(ask, [enterprise, *ids], found.links, cut, "graph")
    return {
        "reached": [
            {"enterprise": nodes.get(r.id), "step": r.step, "amount": r.amount, "through": list(r.through)}
            for r in found.reached
        ],
        "workers": found.workers, "prepaid": found.prepaid, "graph": drawn,
    }  # fmt: skip
