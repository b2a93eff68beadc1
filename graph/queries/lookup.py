"""Finding an address by any code: the one it has, one that it had before, one of another authority, or of what is there.

Statements: one, before that of the address itself, and only where a code is not (or no longer) that of an address; one more for each
time that the place has gone on in another, which is seldom more than once. Justified because how an address' lists are matched is told
by its present code, and most questions come with that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.compile import of_the_day
from graph.constraints import CODES
from graph.viewer import Scope

ESTATE_UNIT = ("estate_unit", "不动产单元号")
"""Authorities whose codes are those of houses: the place is where the house is."""
_SPECIAL = re.compile(r'(["\\])')
# So often a place may have gone on in another before it is no longer followed.
HOPS = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """What a code led to.

    Attributes:
        given: the code asked with.
        code: the present code of the place to show.
        asked: the code asked with, or None where it is that of another authority, or what the place has on the day.
        through: the change by which the place that had the code became this one: kind, on, predecessors, successors, asked.
    """

    given: str
    code: str
    asked: str | None
    through: dict[str, Any] | None


def statement(scope: Scope, past: bool) -> str:
    """Rows [code asked with, candidates], each candidate a map; see `best`.

    Parameters: `$given`, maps of `code`, `text` (the quoted code) and `unit` (a real-estate unit number, or null).
    """
    seen = "".join(f" AND {c}" for c in scope.conditions("Address", "n"))
    house = "".join(f" AND {c}" for c in scope.conditions("House", "h"))
    shown = of_the_day("n", "code") if past else "n.code"
    told = f"n{{.id, .code, shown: {shown}, .ended_by, .ended_on, .successors, .begun_on, .predecessors, how: {{how}}}}"
    return (
        "UNWIND $given AS g RETURN [g.code, "
        f"COLLECT {{ MATCH (n:Address) WHERE n.code = g.code{seen} RETURN {told.replace('{how}', '0')} }} + "
        f"COLLECT {{ CALL db.index.fulltext.queryNodes('{CODES}', g.text, {{limit: 20}}) YIELD node AS n "
        f"WHERE (g.code IN n.former_codes OR g.code IN n.other_codes){seen} "
        f"RETURN {told.replace('{how}', 'CASE WHEN g.code IN n.former_codes THEN 1 ELSE 2 END')} }} + "
        f"COLLECT {{ MATCH (h:House)-[r:AT]->(n:Address) WHERE h.estate_unit_no = g.unit AND r.until > $as_of{house}{seen} "
        f"RETURN {told.replace('{how}', '2')} LIMIT 1 }}] AS found"
    )


def parameters(codes: Sequence[str]) -> dict[str, Any]:
    """The parameters of `statement` for codes; one of another authority is written `authority:code`."""
    given = []
    for code in codes:
        authority, _, local = code.rpartition(":")
        given.append(
            {
                "code": code,
                "text": '"' + _SPECIAL.sub(r"\\\1", code) + '"',
                "unit": local.upper() if authority in ESTATE_UNIT else None,
            }
        )
    return {"given": given}


def best(given: str, candidates: Sequence[dict[str, Any]], past: bool) -> dict[str, Any] | None:
    """Which of the places that a code may be of is meant: in the past the one that had it on that day, else the one that has
    it, had it, or is called so by another authority, in this order."""
    if not candidates:
        return None
    return min(candidates, key=lambda c: (past and c["shown"] != given, c["how"], c["id"]))


def ended(place: dict[str, Any], as_of: str) -> bool:
    """Whether a place has become one other by a day."""
    return len(place.get("successors") or ()) == 1 and (place.get("ended_on") or "") <= as_of


def looked(
    given: str, first: dict[str, Any], place: dict[str, Any], through: dict[str, Any] | None
) -> Looked:
    """What a code led to: to a first place, and on to what that has become."""
    asked = None if first["how"] == 2 or place["shown"] == given else given
    change = None
    if through is not None:
        change = {
            "kind": first["ended_by"], "on": first["ended_on"], "asked": first["code"],
            "predecessors": through.get("predecessors") or [first["code"]], "successors": [through["code"]],
        }  # fmt: skip
    return Looked(given, place["code"], asked, change)
