"""Traces as somebody who knows the graph would write them in Cypher, one statement each that returns the subjects: what the declared ones are
compared with. They say nothing of when a finding closes, what shows it, or what is due next.
"""

from __future__ import annotations

from typing import Final

_SURE: Final = "{0}.place_confidence IS NULL AND {0}.place_level IN ['BUILDING', 'UNIT', 'DWELLING', 'SITE']"
_DAY: Final = "duration.inDays(date('1970-01-01'), date(left({0}, 10))).days"


def _kind(kind: str, more: str = "true") -> str:
    """Incidents of a kind by any of their reports, and what of them."""
    return (
        f"CALL () {{ MATCH (i:Incident) WHERE i.kind = '{kind}' AND {more} RETURN i UNION "
        f"MATCH (i:Incident) WHERE i.numbers CONTAINS '|' AND '{kind}' IN i.report_kind AND {more} RETURN i }} "
    )


def _often(of: str, least: int, days: int) -> str:
    """Of rows `s`, `day`: those subjects of which so many are within so many days."""
    return (
        f"{of} WITH s, day ORDER BY day WITH s, collect(day) AS days "
        f"WHERE any(x IN range(0, size(days) - {least}) WHERE days[x + {least - 1}] - days[x] <= {days}) RETURN s"
    )


def _matters(subject: str) -> str:
    """Of incidents `i` of a subject: a day for each matter."""
    return (
        f"OPTIONAL MATCH (i)-[:HANDLED_IN]->(m:Matter) WITH {subject} AS s, i, min(m.id) AS m "
        "WITH s, coalesce(m, i.id) AS matter, min(i.day) AS day"
    )


BY_HAND: Final[dict[str, str]] = {
    "repeat_disputes_place": _often(_kind("dispute", _SURE.format("i")) + _matters("i.place"), 3, 90),
    "repeat_non_police": _often(
        _kind("non_police") + "MATCH (t:Phone)-[:INVOLVED_IN]->(i) WITH i, t " + _matters("t.id"), 3, 90
    ),
    "ebikes_in_elevator": _often(
        "MATCH (i:Incident) WHERE i.kind = 'device_event' AND i.category = 'ebike_in_lift' "
        "MATCH (d:Device)-[:INVOLVED_IN]->(i) WITH i, d " + _matters("d.id"), 4, 21,
    ),
    "hazard_relapse": (
        f"MATCH (a:Incident) WHERE a.kind = 'hazard' AND a.rectified_at IS NOT NULL AND {_SURE.format('a')} "
        f"MATCH (b:Incident) WHERE b.place = a.place AND b.id <> a.id AND b.kind = 'hazard' AND b.category = a.category AND {_SURE.format('b')} "
        f"AND b.occurred_at > a.rectified_at AND b.day - {_DAY.format('a.rectified_at')} <= 30 RETURN DISTINCT a.place AS s"
    ),
    "hazard_past_deadline": (
        f"MATCH (i:Incident) WHERE i.kind = 'hazard' AND i.rectified_at IS NULL AND i.closed_at IS NULL AND i.deadline < $today AND {_SURE.format('i')} "
        "RETURN DISTINCT i.place AS s"
    ),
    "truck_without_permit": (
        "MATCH (t:Trip)-[:MADE_BY]->(v:Vehicle) WHERE NOT EXISTS { MATCH (v)-[:HOLDS]->(p:Permit) WHERE p.kind = 'haulage' "
        "AND coalesce(p.state, '') <> 'revoked' AND coalesce(p.since, '') <= left(t.started_at, 10) AND coalesce(p.expires, '9999') >= left(t.started_at, 10) } RETURN DISTINCT v.id AS s"
    ),
    "truck_off_route": _often(
        f"MATCH (t:Trip)-[:MADE_BY]->(v:Vehicle) WHERE t.off_route WITH v.id AS s, {_DAY.format('t.started_at')} AS day", 2, 30
    ),
    "truck_undeclared_dump": (
        "MATCH (p:Project)<-[:TO]-(t:Trip)-[:MADE_BY]->(v:Vehicle) WHERE p.kind = 'suspected_dump' RETURN DISTINCT v.id AS s"
    ),
    "crowded_rental": (
        f"MATCH (h:House) WHERE h.rented AND {_SURE.format('h')} WITH DISTINCT h.place AS s "
        "CALL (s) { MATCH ()-[l:LIVES_AT]->() WHERE l.place = s AND l.who IS NOT NULL AND l.confidence IS NULL AND l.until > $today "
        "AND coalesce(l.since, '') <= $today RETURN count(DISTINCT l.who) AS people } WITH s, people WHERE people >= 8 RETURN s"
    ),
    "shell_enterprises": (
        "MATCH (p:Person)-[r:REPRESENTS]->(e:Enterprise) WHERE e.state = 'active' AND r.until > $today AND coalesce(r.since, '') <= $today "
        "WITH p, count(DISTINCT e) AS many WHERE many >= 4 RETURN p.id AS s"
    ),
    "guarantee_ring": (
        "MATCH p = (a:Enterprise)-[:GUARANTEES*2..6]->(a) WHERE all(r IN relationships(p) WHERE r.until > $today AND coalesce(r.since, '') <= $today) "
        "AND all(n IN nodes(p) WHERE a.id <= n.id) RETURN DISTINCT a.id AS s"
    ),
    "building_without_captain": (
        "MATCH (a:Address) WHERE a.level = 'BUILDING' AND a.n_people >= 100 AND NOT EXISTS { MATCH (v:Volunteer) WHERE v.place = a.place "
        f"AND v.id IS NOT NULL AND v.captain AND v.left IS NULL AND {_SURE.format('v')} }} RETURN a.place AS s"
    ),
    "cylinder_in_high_rise": (
        "MATCH (a:Address) WHERE a.level = 'BUILDING' AND a.storeys >= 10 MATCH (d:Device) WHERE d.place STARTS WITH a.place AND d.id IS NOT NULL "
        "AND d.kind = 'gas_cylinder' AND coalesce(d.state, '') <> 'retired' AND d.place_confidence IS NULL RETURN DISTINCT a.place AS s"
    ),
}  # fmt: skip
"""Trace → Cypher. `$today` is the district's day."""
