"""Subgraphs for drawing: what is around something, how two things are related."""

from __future__ import annotations

from typing import Any

from graph.compile import encode_cursor
from graph.queries import expand
from graph.queries import impact as impacts
from graph.queries import neighbourhood as around
from graph.queries import paths as ways
from graph.queries import timeline as timelines
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema import types as t
from schema.ask import Ask, limited, not_found
from schema.found import connected, order_of, page_of
from schema.scalars import CutBy, Exactness, Kind, Period, TimelineWhat

# Findings are about other things; walked through, they would make neighbours of all that show one.
_WALKED = [label for label in t.NODE_TYPES if label != "Finding"]


def _kinds(kinds: list[Kind] | None) -> list[str]:
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


def _cuts(hubs: set[str], full: set[str]) -> list[dict[str, Any]]:
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
        _kinds(kinds),
        depth,
        limit,
        ask.context.timeout,
    )
    cut = _cuts(found.hubs, found.full)
    if found.cut:
        cut.append({"by": CutBy.ROWS, "limit": limit, "at": None})
    return await graph(ask, found.ids, found.links, cut)


async def paths(
    ask: Ask, one: str, other: str, max_depth: int, relations: list[str] | None, during: Period | None, limit: int
) -> dict[str, Any]:  # fmt: skip
    """The shortest paths between two things.

    Raises:
        UsageError: TOO_DEEP; BAD_ARGUMENT for a limit out of range, an unknown relation or days that do not follow each other; NOT_FOUND.
    """
    if not 1 <= max_depth <= 8:
        raise UsageError("TOO_DEEP", "maxDepth 须在 1 到 8 之间", f"maxDepth must be 1 to 8, not {max_depth}")
    if not 1 <= limit <= 50:
        raise UsageError("BAD_ARGUMENT", "limit 须在 1 到 50 之间", f"limit must be 1 to 50, not {limit}")
    types = list(expand.WALKED)
    if relations is not None:
        unknown = [r for r in relations if r not in ONTOLOGY.links]
        if unknown:
            raise UsageError(
                "BAD_ARGUMENT",
                f"没有关系 {unknown[0][:40]}",
                f"no relation is called {unknown[0][:40]}",
                f"There are: {', '.join(ONTOLOGY.links)}.",
            )
        types = relations
    days = None
    if during is not None:
        days = str(during.from_), str(during.to)
        if days[0] >= days[1]:
            raise UsageError("BAD_ARGUMENT", "during 起止有误", "during must begin before it ends")
    await exists(ask, one, other)
    found = await ways.find(
        ask.context.store,
        one,
        other,
        ask.compiler.scope,
        ask.as_of,
        types,
        _kinds(None),
        max_depth,
        limit,
        ask.context.timeout,
        days,
    )
    ids: dict[str, None] = {}
    links: dict[str, expand.Link] = {}
    for path in found.paths:
        at = one
        ids[at] = None
        for link in path:
            at = link.end if link.start == at else link.start
            ids[at] = None
            links[link.id] = link
    cut = _cuts(found.hubs, found.full)
    if not found.paths and not found.exhausted:
        cut.append({"by": CutBy.DEPTH, "limit": max_depth, "at": None})
    if found.more:
        cut.append({"by": CutBy.ROWS, "limit": limit, "at": None})
    if found.rows_cut:
        cut.append({"by": CutBy.ROWS, "limit": expand.ROWS, "at": None})
    drawn = await graph(ask, list(ids), list(links.values()), cut, "graph")
    titles: dict[str, str] = {}
    if ask.part("paths", "sentence") is not None:
        titles = await ask.titles(ids)
    told = []
    for i, path in enumerate(found.paths):
        since, until = found.held[i] if found.held is not None else (None, None)
        at, nodes, words, confidence = one, [one], [titles.get(one, "")], 1.0
        for link in path:
            forward = link.start == at
            at = link.end if forward else link.start
            nodes.append(at)
            called = _called(ask, link)
            words += [f"—{called}→" if forward else f"←{called}—", titles.get(at, "")]
            confidence *= link.values.get("confidence") or 1.0
        told.append(
            {
                "length": len(path),
                "node_ids": nodes,
                "link_ids": [x.id for x in path],
                "confidence": confidence,
                "sentence": " ".join(words) + (f"({since} 至 {until} 前)" if since and until else ""),
                "since": since or None,
                "until": until or None,
            }
        )
    sentence = f"{found.searched} 步之内找到 {len(told)} 条" if told else f"{found.searched} 步之内没有关联"
    return {"paths": told, "searched_depth": found.searched, "sentence": sentence, "graph": drawn, "cut": cut}


async def common(ask: Ask, ids: list[str], kinds: list[Kind] | None, limit: int) -> dict[str, Any]:
    """What at least two of several things are bound to, what most of them are bound to first.

    Raises:
        UsageError: BAD_ARGUMENT for fewer than two or a limit out of range; TOO_MANY; NOT_FOUND.
    """
    asked = list(dict.fromkeys(ids))
    limited(asked, "记录", 20)
    if len(asked) < 2:
        raise UsageError("BAD_ARGUMENT", "ids 至少两个不同的记录", "ids must be at least two different ones")
    if not 1 <= limit <= 300:
        raise UsageError("BAD_ARGUMENT", "limit 须在 1 到 300 之间", f"limit must be 1 to 300, not {limit}")
    await exists(ask, *asked)
    found = await expand.step(
        ask.context.store, asked, ask.compiler.scope, ask.as_of, expand.WALKED, _kinds(kinds), asked, ask.context.timeout
    )  # fmt: skip
    bound: dict[str, dict[str, expand.Link]] = {}
    links: dict[str, expand.Link] = {}
    for origin, link in found.links:
        far = link.end if link.start == origin else link.start
        if far in asked:
            links[link.id] = link
        else:
            bound.setdefault(far, {}).setdefault(origin, link)
    held = sorted(((far, by) for far, by in bound.items() if len(by) > 1), key=lambda x: (-len(x[1]), x[0]))
    cut = _cuts(set(), found.full)
    if found.cut or len(held) > limit:
        cut.append({"by": CutBy.ROWS, "limit": limit if len(held) > limit else expand.ROWS, "at": None})
    held = held[:limit]
    links |= {link.id: link for _, by in held for link in by.values()}
    every = [*asked, *(far for far, _ in held)]
    node = ask.part("connections", "node")
    nodes = await ask.by_ids([far for far, _ in held], node) if node is not None and held else {}
    titles = await ask.titles(every) if ask.part("connections", "sentence") is not None and held else {}
    drawn = await graph(ask, every, list(links.values()), cut, "graph")
    told = []
    for far, by in held:
        ways = [f"{titles.get(origin, '')}—{_called(ask, link)}" for origin, link in sorted(by.items())]
        told.append(
            {
                "node": nodes.get(far),
                "of": sorted(by),
                "sentence": f"{'、'.join(ways)} → {titles.get(far, '')}",
            }
        )
    return {"connections": told, "graph": drawn}


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
                "sentence": f"{titles.get(first, '')} {_called(ask, e.link)} {titles.get(last, '')}{words}",
            },
        })  # fmt: skip
    count = {"value": len(held), "exactness": Exactness.AT_LEAST if full else Exactness.EXACT}
    return {**connected(edges, more, start > 0, 0), "total_count": count}


def _called(ask: Ask, link: expand.Link) -> str:
    """What a relationship is called: the kinship or the part in an incident where there is one."""
    for key, terms in (("kin", "kin"), ("role", "incident_role")):
        code = link.values.get(key)
        if code is not None:
            return ask.context.terms.get(terms, code).zh
    return ONTOLOGY.links[link.type].zh
