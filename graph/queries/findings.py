"""Findings of an area, the newest or the severest first, and what binds together what shows one.

Statements: one for a page. The district is walked by the index on the time found; a smaller area, or what is found of one thing, is
looked up and sorted. One more for the evidence of all findings of an answer, and one for the nodes in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graph.compile import Compiler, Page
from graph.queries.expand import LINKS, Link, seen
from graph.selection import Selected
from graph.validity import bounded
from graph.viewer import Scope
from ontology import ONTOLOGY

BESIDE: tuple[str, ...] = tuple(label for _, label in ONTOLOGY.links["BESIDE"].ends)
SHOWN: tuple[str, ...] = tuple(dict.fromkeys(label for _, label in ONTOLOGY.links["SHOWN_BY"].ends))
NODES = 200
"""How many of the things that show one finding may be drawn."""
# What two of the things that show a finding have in common, such as their parties. Places and organisations are what many have.
_COMMON = ("Person", "Enterprise", "Vehicle", "Phone", "Matter", "Permit", "Project")
# Grades from the least to the most severe, as the levels of a warning are named and as other scales are.
_GRADES = (
    ("light", "low", "blue"),
    ("ordinary", "medium", "yellow"),
    ("major", "high", "orange"),
    ("hard", "red"),
)


def statement(
    c: Compiler,
    selected: Selected,
    area: tuple[str, str] | None,
    order: str,
    wanted: Mapping[str, Any],
    standing: Sequence[str],
) -> str:
    """A page of findings.

    Args:
        area: how the area is matched (`tree` or `grid`), and its key; None for the district.
        order: NEWEST, OLDEST or SEVEREST.
        wanted: traces, severities, states, open, during, about.
        standing: states of findings that are open.
    """
    f = c.variable("f")
    page = Page(
        f"({f}:Finding)", [], [f"{f}.found_at", f"{f}.id"], f"found {order.lower()}", f, "Finding", descending=order != "OLDEST"
    )  # fmt: skip
    about = wanted.get("about")
    if about is not None:
        label = ONTOLOGY.label_of(about)
        twin = c.variable("q")
        page.match = f"(o{f}:{label} {{id: {c.parameter(about)}}})<-[r{f}:ABOUT|SHOWN_BY]-({f}:Finding)"
        page.once = [
            f"NOT EXISTS {{ MATCH (o{f})<-[{twin}:ABOUT|SHOWN_BY]-({f}) WHERE elementId({twin}) < elementId(r{f}) }}"
        ]
    if area is not None:
        kind, key = area
        page.where.append(f"{f}.{'grid' if kind == 'grid' else 'place'} STARTS WITH {c.parameter(key)}")
    if about is None and area is None and order != "SEVEREST":
        page.hint = f" USING INDEX {f}:Finding(found_at, id)"
    page.where += [f"{f}.found_at < $as_of_end", f"{f}.id IS NOT NULL"]
    if order == "SEVEREST":
        arms = " ".join(
            f"WHEN {f}.severity IN {c.parameter(list(codes))} THEN '{rank}'"
            for rank, codes in enumerate(_GRADES)
        )
        page.order = [f"CASE {arms} ELSE '' END", f"{f}.found_at + {f}.id"]
    for name, field in (("traces", "trace"), ("severities", "severity"), ("states", "state")):
        if wanted.get(name) is not None:
            page.filters.append(f"{f}.{field} IN {c.parameter(list(wanted[name]))}")
    if wanted.get("open") is not None:
        held = f"{f}.state IN {c.parameter(list(standing))}"
        page.filters.append(held if wanted["open"] else f"NOT {held}")
    during = wanted.get("during")
    if during is not None:
        page.filters.append(f"{f}.found_at >= {c.parameter(during['from'])}")
        page.filters.append(f"{f}.found_at < {c.parameter(during['to'])}")
    return f"RETURN {c.page(page, selected)} AS found"


def cases(scope: Scope, area: str | None) -> str:
    """Rows [place key, ids of its findings, the severest and of those the newest first, their severity, when the oldest and the newest was found] of
    places where at least `$minimum` findings stand at the very place, severest first.

    Args:
        area: how `$area` is matched (`tree` or `grid`); None for the district.
    """
    where = ["f.state IN $open", "f.place IS NOT NULL", "f.found_at < $as_of_end"]
    if area is not None:
        where.append(f"f.{'grid' if area == 'grid' else 'place'} STARTS WITH $area")
    where += scope.conditions("Finding", "f")
    arms = " ".join(f"WHEN f.severity IN {list(codes)} THEN {rank}" for rank, codes in enumerate(_GRADES))
    return (
        f"MATCH (f:Finding) WHERE {' AND '.join(where)} WITH f, CASE {arms} ELSE -1 END AS grade "
        "ORDER BY grade DESC, f.found_at DESC, f.id "
        "WITH f.place AS place, collect(f.id) AS ids, collect(f.severity)[0] AS severity, max(grade) AS worst, "
        "min(f.found_at) AS oldest, max(f.found_at) AS newest WHERE size(ids) >= $minimum "
        "RETURN [place, ids, severity, oldest, newest] AS found ORDER BY worst DESC, size(ids) DESC, newest DESC, place"
    )


def evidence(scope: Scope) -> str:
    """Rows [finding, ids of what shows it, of what two of these have in common and of what is shown beside, links among them, whether it was
    cut] of `$ids`.

    What is beside takes what room is left. At most `$nodes` things that show a finding, and a quarter as many that they have in common today. What is said to be at a place or works
    for an enterprise may be thousands: places are not looked around, of others so many links as of a step on the way elsewhere.
    """
    where = "".join(f" AND {c}" for c in scope.conditions("Finding", "f"))
    shown, common = seen(scope, SHOWN, "x"), seen(scope, _COMMON, "m")
    beside = seen(scope, BESIDE, "b")
    told = "{id: elementId(r), type: type(r), start: startNode(r).id, end: endNode(r).id, p: r {.since, .until, .confidence, .role, .kin}}"
    return (
        f"UNWIND $ids AS id MATCH (f:Finding {{id: id}}) WHERE true{where} "
        f"CALL (f) {{ MATCH (f)-[:SHOWN_BY|ABOUT]->(x) WHERE {shown} WITH DISTINCT x ORDER BY x.id LIMIT $nodes + 1 RETURN collect(x) AS every }} "
        "WITH f, every[..$nodes] AS xs, size(every) > $nodes AS cut "
        "CALL (xs) { UNWIND xs AS x CALL (x, xs) { MATCH (x)-[r]-(m) "
        f"WHERE NOT x:Address AND NOT m IN xs AND ({common}) AND (r.until IS NULL OR ({bounded('r')})) RETURN m LIMIT {LINKS} }} "
        "WITH m, count(DISTINCT x) AS held WHERE held > 1 WITH m ORDER BY held DESC, m.id LIMIT 1 + $nodes / 4 RETURN collect(m) AS ms } "
        f"CALL (f, xs) {{ MATCH (f)-[:BESIDE]->(b) WHERE ({beside}) AND NOT b IN xs WITH DISTINCT b ORDER BY b.id "
        "LIMIT 1 + $nodes RETURN collect(b) AS bs } "
        "WITH f, cut OR size(xs) + size(bs) > $nodes AS cut, xs, ms, bs[..$nodes - size(xs)] AS bs WITH f, cut, xs, bs, xs + ms + bs AS held "
        "CALL (f, xs, bs, held) { UNWIND held AS x MATCH (x)-[r]->(y) WHERE y IN held "
        f"RETURN {told} AS link LIMIT 4 * $nodes UNION ALL UNWIND xs AS x MATCH (f)-[r:SHOWN_BY|ABOUT]->(x) RETURN {told} AS link "
        f"UNION ALL UNWIND bs AS x MATCH (f)-[r:BESIDE]->(x) RETURN {told} AS link }} "
        "WITH f, cut, held, collect(link) AS links "
        "RETURN [f.id, [x IN held | x.id], links, cut OR size(links) >= 4 * $nodes] AS found"
    )


def figures(scope: Scope) -> str:
    """Rows [trace, found, open, confirmed, dismissed, unsure, newest] of the traces in `$traces`."""
    where = "".join(f" AND {c}" for c in scope.conditions("Finding", "f"))
    verdicts = ("confirmed", "dismissed", "unsure")
    counts = ", ".join(
        f"count(CASE WHEN f.verdict = '{verdict}' THEN 1 END) AS {verdict}" for verdict in verdicts
    )
    return (
        f"UNWIND $traces AS trace MATCH (f:Finding {{trace: trace}}) WHERE f.merged_into IS NULL{where} "
        f"WITH trace, count(f) AS found, count(CASE WHEN f.state IN $open THEN 1 END) AS open, {counts}, max(f.found_at) AS newest "
        f"RETURN [trace, found, open, {', '.join(verdicts)}, newest] AS found"
    )


def link(raw: Mapping[str, Any]) -> Link:
    return Link(raw["id"], raw["type"], raw["start"], raw["end"], dict(raw["p"]))
