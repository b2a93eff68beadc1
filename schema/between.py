"""How things are related: the ways between two, what several have in common."""

from __future__ import annotations

from typing import Any

from graph.queries import expand
from graph.queries import paths as ways
from graph.queries.overlap import AT_ONCE
from ontology import ONTOLOGY
from ontology.errors import UsageError
from schema.ask import Ask, limited
from schema.scalars import CutBy, Kind, Period
from schema.subgraphs import called, cuts, exists, graph, walked


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
        # What comes after the day asked about is not known on it.
        days = str(during.from_), min(str(during.to), f"{ask.as_of}~")
        if str(during.from_) >= str(during.to):
            raise UsageError("BAD_ARGUMENT", "during 起止有误", "during must begin before it ends")
    await exists(ask, one, other)
    found = await ways.find(
        ask.context.store,
        one,
        other,
        ask.compiler.scope,
        ask.as_of,
        types,
        walked(None),
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
    cut = cuts(found.hubs, found.full)
    if not found.paths and not found.exhausted:
        cut.append({"by": CutBy.DEPTH, "limit": max_depth, "at": None})
    if found.more:
        cut.append({"by": CutBy.ROWS, "limit": limit, "at": None})
    if found.rows_cut:
        cut.append({"by": CutBy.ROWS, "limit": expand.ROWS, "at": None})
    if found.beginnings_cut:
        cut.append({"by": CutBy.ROWS, "limit": AT_ONCE, "at": None})
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
            name = called(ask, link)
            words += [f"—{name}→" if forward else f"←{name}—", titles.get(at, "")]
            confidence *= link.values.get("confidence") or 1.0
        told.append(
            {
                "length": len(path),
                "node_ids": nodes,
                "link_ids": [x.id for x in path],
                "confidence": confidence,
                "sentence": " ".join(words) + _during(since, until),
                "since": since or None,
                "until": until or None,
            }
        )
    sentence = f"{found.searched} 步之内找到 {len(told)} 条" if told else f"{found.searched} 步之内没有关联"
    return {"paths": told, "searched_depth": found.searched, "sentence": sentence, "graph": drawn, "cut": cut}


def _during(since: str | None, until: str | None) -> str:
    """When all of a path held, in words; nothing where it was not asked for, or it is open on both sides."""
    if not since and not until:
        return ""
    return f"({since} 起)" if not until else f"({until} 前)" if not since else f"({since} 至 {until} 前)"


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
        ask.context.store, asked, ask.compiler.scope, ask.as_of, expand.WALKED, walked(kinds), asked, ask.context.timeout
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
    cut = cuts(set(), found.full)
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
        ways = [f"{titles.get(origin, '')}—{called(ask, link)}" for origin, link in sorted(by.items())]
        told.append(
            {
                "node": nodes.get(far),
                "of": sorted(by),
                "sentence": f"{'、'.join(ways)} → {titles.get(far, '')}",
            }
        )
    return {"connections": told, "graph": drawn}
