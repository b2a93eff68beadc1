"""What happened to several things, and what began and ended."""

from __future__ import annotations

from typing import Any

from graph.compile import encode_cursor
from graph.queries import timeline as timelines
from ontology.errors import UsageError
from schema.ask import Ask, limited
from schema.found import connected, order_of, page_of
from schema.scalars import Exactness, TimelineWhat
from schema.subgraphs import called, exists, shown_link


async def timeline(
    ask: Ask, ids: list[str], since: str | None, until: str | None, after: str | None
) -> dict[str, Any]:
    """A page of what happened to several things, the latest first.

    Raises:
        UsageError: BAD_ARGUMENT for none; TOO_MANY; NOT_FOUND; BAD_CURSOR.
    """
    asked = list(dict.fromkeys(ids))
    limited(asked, "记录", 20)
    if not asked:
        raise UsageError("BAD_ARGUMENT", "ids 不可为空", "ids must not be empty")
    await exists(ask, *asked)
    store, scope = ask.context.store, ask.compiler.scope
    events, full = await timelines.find(store, asked, scope, ask.as_of, ask.context.timeout)
    held = [e for e in events if (since is None or e.at >= since) and (until is None or e.at[:10] <= until)]
    order = order_of("timeline", asked, since, until)
    page, start, more = page_of(ask, held, order, after)
    shown = dict.fromkeys(id for e in page for id in (e.one, e.other))
    lists = {
        name: await ask.by_ids([getattr(e, name) for e in page], part) if part is not None and page else {}
        for name in ("one", "other")
        for part in [ask.part("edges", "node", name)]
    }
    titles = await ask.titles(shown) if ask.part("edges", "node", "sentence") is not None and page else {}
    edges = []
    for i, e in enumerate(page):
        words = {"HAPPENS": "", "BEGINS": "(始)", "ENDS": "(止)"}[e.what]
        first, last = (e.link.start, e.link.end)
        edges.append({
            "cursor": encode_cursor(order, str(start + i + 1)),
            "node": {
                "at": e.at, "what": TimelineWhat(e.what), "one": lists["one"].get(e.one), "other": lists["other"].get(e.other),
                "link": shown_link(e.link),
                "sentence": f"{titles.get(first, '')} {called(ask, e.link)} {titles.get(last, '')}{words}",
            },
        })  # fmt: skip
    count = {"value": len(held), "exactness": Exactness.AT_LEAST if full else Exactness.EXACT}
    return {**connected(edges, more, start > 0, 0), "total_count": count}
