"""Addresses by codes of any age and of any authority."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from addresses.coordinates import to_cgcs2000
from graph.compile import decode_position, encode_cursor, first_of
from graph.queries import around, diff, lookup
from graph.queries.lookup import Looked
from ontology.errors import UsageError
from schema.ask import Ask, not_found
from schema.connections import exact, page_info
from schema.scalars import Exactness

Found = dict[str, Any]
_ENDS = ("ended_on", "successors")


def folded(ask: Ask, code: str) -> str:
    """A code in its canonical form; one of another authority (`authority:code`) as it is.

    Raises:
        UsageError: BAD_CODE.
    """
    return code if ":" in code else ask.context.scheme.parse(code).code


async def address(ask: Ask, code: str) -> Found:
    """The place that has a code, or had it, or became of the one that had it.

    Raises:
        UsageError: BAD_CODE, NOT_FOUND.
    """
    given = folded(ask, code)
    compiler = ask.compiler
    if not compiler.past and ":" not in given:
        more = _ENDS if compiler.changed else ()
        rows = await ask.read(ask.by_key("Address", "code", given, compiler.place_of(given), more))
        if rows and not _ended(ask, rows[0]):
            return _told(ask, rows[0], None)
    found = await _look(ask, [given])
    if given not in found:
        raise not_found("地址")
    led = found[given]
    rows = await ask.read(
        compiler.by_key("Address", "code", led.code, ask.selected, compiler.place_of(led.code))
    )
    if not rows:
        raise not_found("地址")
    return _told(ask, rows[0], led)


async def addresses(ask: Ask, codes: Sequence[str]) -> list[Found | None]:
    """The places of several codes, in their order; None where there is none.

    Raises:
        UsageError: BAD_CODE.
    """
    wanted = [folded(ask, c) for c in codes]
    compiler = ask.compiler
    found: dict[str, Found] = {}
    if not compiler.past:
        plain = [c for c in wanted if ":" not in c]
        more = _ENDS if compiler.changed else ()
        found = await ask.by_keys(compiler.by_code(plain), more=more) if plain else {}
    found = {code: node for code, node in found.items() if not _ended(ask, node)}
    missing = sorted({c for c in wanted if c not in found})
    led = await _look(ask, missing) if missing else {}
    if led:
        nodes = await ask.by_keys(compiler.by_code({x.code for x in led.values()}))
        found |= {given: _told(ask, dict(nodes[x.code]), x) for given, x in led.items() if x.code in nodes}
    return [_told(ask, found[c], led.get(c)) if c in found else None for c in wanted]


def _ended(ask: Ask, node: Found) -> bool:
    return lookup.ended(node, ask.as_of)


async def _look(ask: Ask, codes: Sequence[str]) -> dict[str, Looked]:
    """What codes lead to, by code; without those that lead nowhere."""
    compiler = ask.compiler
    text = lookup.statement(compiler.scope, compiler.past)

    async def candidates(wanted: Sequence[str]) -> dict[str, Found]:
        rows = await ask.read(text, lookup.parameters(sorted(set(wanted))))
        found = {given: lookup.best(given, all, compiler.past) for given, all in rows}
        return {given: place for given, place in found.items() if place is not None}

    first = await candidates(codes)
    at = dict(first)
    through: dict[str, Found] = {}
    for _ in range(lookup.HOPS):
        going = {given: place["successors"][0] for given, place in at.items() if _ended(ask, place)}
        if not going:
            break
        nexts = await candidates(list(going.values()))
        moved = {given: nexts[code] for given, code in going.items() if code in nexts}
        if not moved:
            break
        at |= moved
        through = moved | through
    return {given: lookup.looked(given, first[given], at[given], through.get(given)) for given in first}


def _told(ask: Ask, node: Found, led: Looked | None) -> Found:
    """A place with what the code asked with says of it."""
    node["_as_of"] = ask.as_of
    if led is not None and led.asked is not None:
        node["_asked"] = led.asked
    if led is not None and led.through is not None:
        node["_through"] = led.through
    return node


async def current_code(ask: Ask, code: str) -> str | None:
    """The code of today of the place that a code leads to; None where it leads nowhere."""
    found = await _look(ask, [code])
    return found[code].code if code in found else None


async def nearby(ask: Ask, code: str, metres: int, levels: Sequence[str] | None, after: str | None) -> Found:
    """What is around a place, nearest first.

    Raises:
        UsageError: BAD_CODE, BAD_ARGUMENT, BAD_CURSOR, NOT_FOUND; NO_POINT for a place of which no position is known.
    """
    if not 1 <= metres <= around.MAX_METRES:
        raise UsageError(
            "BAD_ARGUMENT",
            f"metres 须在 1 到 {around.MAX_METRES} 之间",
            f"metres must be 1 to {around.MAX_METRES:,}, not {metres}",
        )
    given = folded(ask, code)
    first = first_of(ask.selected)
    skip = decode_position(after, "distance") if after is not None else 0
    selected = ask.part("edges", "node")
    node = ask.compiler.node("Address", "n", selected) if selected is not None else "n{.id, _t: 'Address'}"
    text = around.nearby(ask.compiler.scope, node, levels is not None)
    rows = []
    if ":" not in given:
        rows = await ask.read(text, around.nearby_parameters(given, metres, skip, first + 1, levels))
    if not rows:
        now = await current_code(ask, given)
        if now is not None:
            rows = await ask.read(text, around.nearby_parameters(now, metres, skip, first + 1, levels))
    if not rows:
        raise not_found("地址")
    if rows[0]["at"] is None:
        raise UsageError(
            "NO_POINT",
            "该地址及其上级均无坐标",
            "no position is known of that place, nor of what it lies in",
            "Ask about a building, or load coordinates.",
        )
    found = rows[0]["rows"]
    edges = [
        {
            "cursor": encode_cursor("distance", str(skip + i + 1)),
            "node": row["node"],
            "metres": round(row["metres"], 1),
        }
        for i, row in enumerate(found[:first])
    ]
    return {"edges": edges, "page_info": page_info(edges, len(found) > first, skip > 0)}


async def within(
    ask: Ask,
    corners: Sequence[tuple[float, float]],
    crs: str,
    levels: Sequence[str] | None,
    after: str | None,
) -> Found:
    """The addresses within a polygon, by code.

    Raises:
        UsageError: BAD_POLYGON, BAD_ARGUMENT, BAD_CURSOR.
    """
    around.ring(corners)
    longitude, latitude = to_cgcs2000(
        crs, np.array([c[0] for c in corners], dtype=float), np.array([c[1] for c in corners], dtype=float)
    )
    shape = around.ring([(float(x), float(y)) for x, y in zip(longitude, latitude, strict=True)])
    first = first_of(ask.selected)
    skip = decode_position(after, "in polygon") if after is not None else 0
    rows = await ask.read(around.within(ask.compiler.scope, levels is not None), shape.parameters(levels))
    cut = len(rows) > around.POINTS
    found = shape.holding(rows)
    page = found[skip : skip + first]
    nodes: dict[str, Any] = {}
    selected = ask.part("edges", "node")
    if selected is not None and page:
        nodes = await ask.by_keys(ask.compiler.by_code([code for _, code in page]), selected)
    edges = [
        {
            "cursor": encode_cursor("in polygon", str(skip + i + 1)),
            "node": nodes.get(code) or {"id": id, "_t": "Address"},
        }
        for i, (id, code) in enumerate(page)
    ]
    total = {"value": len(found), "exactness": Exactness.AT_LEAST} if cut else exact(len(found))
    return {
        "edges": edges,
        "page_info": page_info(edges, len(found) > skip + first, skip > 0),
        "total_count": total,
    }


async def address_diff(ask: Ask, code: str, since: str) -> Found:
    """What changed in a place from the end of one day to the end of the other.

    Raises:
        UsageError: BAD_CODE, BAD_ARGUMENT, NOT_FOUND.
    """
    if since >= ask.as_of:
        raise UsageError("BAD_ARGUMENT", "from 须早于 to", "from must be before to")
    given = folded(ask, code)

    def statement(code: str) -> tuple[str, dict[str, Any]]:
        place = ask.compiler.place_of(code)
        if place.kind not in ("tree", "grid"):
            raise UsageError(
                "BAD_CODE",
                "此处应为行政区划、建筑或网格编码",
                "this takes the code of a place or grid, not of a road, estate or zone",
            )
        text = diff.statement(ask.compiler, code, ask.selected, place)
        return text, {"from": since, "from_end": since + "T99"}

    rows = await ask.read(*statement(given)) if ":" not in given else []
    if not rows:
        now = await current_code(ask, given)
        if now is not None and now != given:
            rows = await ask.read(*statement(now))
    if not rows:
        raise not_found("地址")
    return {**rows[0], "from_": since, "to": ask.as_of}
