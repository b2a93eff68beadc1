"""Traces as somebody who knows the graph would write them in Cypher, one statement each that returns the subjects: what the declared ones are
compared with. They say nothing of when a finding closes, what shows it, or what is due next.
"""

from __future__ import annotations

from typing import Final

_OWN: Final = "['BUILDING', 'UNIT', 'DWELLING', 'SITE']"
_SURE: Final = f"{{0}}.place_confidence IS NULL AND {{0}}.place_level IN {_OWN}"
_DAY: Final = "duration.inDays(date('1970-01-01'), date(left({0}, 10))).days"


def _kind(kind: str, more: str = "true") -> str:
    """Incidents of a kind by any of their reports, and what of them."""
    return (
        f"CALL () {{ MATCH (i:Incident) WHERE i.kind = '{kind}' AND {more} RETURN i UNION "
        f"MATCH (i:Incident) WHERE i.reported_as CONTAINS '|{kind}|' AND {more} RETURN i }} "
    )


def _reported(kind: str, field: str = "report_kind") -> str:
    """When an incident `i` was first reported as of a kind."""
    return (
        f"CASE WHEN '{kind}' IN i.{field} THEN coalesce(reduce(x = null, r IN range(0, size(i.report_at) - 1) | CASE WHEN i.{field}[r] = '{kind}' "
        "AND i.report_at[r] <> '' AND (x IS NULL OR i.report_at[r] < x) THEN i.report_at[r] ELSE x END), i.occurred_at) ELSE i.occurred_at END"
    )


def _often(of: str, least: int, days: int, then: str = "RETURN s") -> str:
    """Of rows `s`, `day`: those subjects of which so many are within so many days."""
    return (
        f"{of} WITH s, day ORDER BY day WITH s, collect(day) AS days "
        f"WHERE any(x IN range(0, size(days) - {least}) WHERE days[x + {least - 1}] - days[x] <= {days}) {then}"
    )


def _by_people(least: int, days: int) -> str:
    """Of `cases`, each a day and a person: that within so many days there are so many people."""
    return (
        f"any(c IN cases WHERE size(reduce(seen = [], d IN cases | CASE WHEN d[0] >= c[0] AND d[0] - c[0] <= {days} "
        f"AND NOT d[1] IN seen THEN seen + d[1] ELSE seen END)) >= {least})"
    )


def _matters(subject: str, day: str = "i.day") -> str:
    """Of incidents `i` of a subject: a day for each matter."""
    return (
        f"OPTIONAL MATCH (i)-[:HANDLED_IN]->(m:Matter) WITH {subject} AS s, i, min(m.id) AS m "
        "WITH s, coalesce(m, i.id) AS matter, "
        f"min({day}) AS day"
    )


def _devices(category: str, least: int, days: int) -> str:
    """Devices that often tell of one category."""
    found = f"MATCH (i:Incident) WHERE i.kind = 'device_event' AND i.category = '{category}' MATCH (d:Device)-[:INVOLVED_IN]->(i) WITH i, d "
    return _often(found + _matters("d.id"), least, days)


_WORKSHOP: Final = "['manufacturing', 'wholesale', 'retail', 'catering', 'logistics']"
_HERE: Final = (
    f"e.place = s AND e.place_confidence IS NULL AND e.state = 'active' AND e.industry IN {_WORKSHOP} "
    "AND w.until > $today AND coalesce(w.since, '') <= $today"
)
_CLOSED: Final = "['suspended', 'revoked', 'deregistered', 'moved']"
_PREPAID: Final = (
    "MATCH (e:Enterprise)-[:HOLDS]->(p:Permit) WHERE p.kind = 'prepaid' AND p.amount >= 0.01 AND e.state = 'active' WITH DISTINCT e "
    "MATCH (e)-[:INVOLVED_IN]->(i:Incident) WHERE i.category = 'prepaid' OR 'prepaid' IN i.report_category "
    + _matters("e.id", _DAY.format(_reported("prepaid", "report_category")))
)

BY_HAND: Final[dict[str, str]] = {
    "repeat_disputes_place": _often(_kind("dispute", _SURE.format("i")) + _matters("i.place"), 3, 90),
    "repeat_non_police": _often(
        _kind("non_police") + "MATCH (t:Phone)-[:INVOLVED_IN]->(i) WITH i, t " + _matters("t.id"), 3, 90
    ),
    "ebikes_in_elevator": _devices("ebike_in_lift", 4, 21),
    "fire_lane_blocked": _devices("lane_blocked", 5, 21),
    "culvert_flooding": _devices("culvert_flood", 3, 60),
    "repeat_disputes_parties": _often(
        _kind("dispute") + "MATCH (x:Person|Enterprise)-[q:INVOLVED_IN]->(i) WHERE q.role IN ['party', 'applicant', 'respondent'] "
        "AND (i.numbers IS NULL OR x:Enterprise OR x.id_hash IS NOT NULL) WITH DISTINCT i, x.id AS x ORDER BY x WITH i, collect(x) AS xs "
        "WHERE size(xs) = 2 WITH i, xs[0] + '|' + xs[1] AS pair " + _matters("pair"), 3, 90,
    ),
    "dispute_to_petition": (
        _kind("petition", f"(i.place_confidence IS NULL OR i.place_confidence >= 0.9) AND i.place_level IN {_OWN}")
        + f"WITH i AS b, {_reported('petition')} AS petitioned "
        f"MATCH (i:Incident) WHERE i.place = b.place AND i.id IS NOT NULL AND (i.kind = 'dispute' OR 'dispute' IN i.report_kind) AND {_SURE.format('i')} "
        f"WITH b, petitioned, {_reported('dispute')} AS disputed WHERE disputed < petitioned "
        f"AND {_DAY.format('petitioned')} - {_DAY.format('disputed')} <= 60 RETURN DISTINCT b.place AS s"
    ),
    "labour_cluster": (
        _kind("labour_case") + f"WITH i, {_reported('labour_case')} AS at MATCH (e:Enterprise)-[:INVOLVED_IN]->(i) "
        f"OPTIONAL MATCH (p:Person)-[:INVOLVED_IN]->(i) WITH e, i, {_DAY.format('at')} AS day, min(p.id) AS p WHERE p IS NOT NULL "
        f"WITH e, collect([day, p]) AS cases WHERE {_by_people(3, 90)} RETURN e.id AS s"
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
    "truck_uncovered": _often(
        f"MATCH (t:Trip)-[:MADE_BY]->(v:Vehicle) WHERE t.covered = false WITH v.id AS s, {_DAY.format('t.started_at')} AS day", 2, 30
    ),
    "truck_outside_hours": _often(
        "MATCH (t:Trip)-[:MADE_BY]->(v:Vehicle) WHERE '05:00' <= substring(t.started_at, 11, 5) < '19:00' "
        f"WITH v.id AS s, {_DAY.format('t.started_at')} AS day", 2, 30,
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
    "enterprises_one_phone": (
        "MATCH (e:Enterprise)-[r:HAS_PHONE]->(t:Phone) WHERE e.state = 'active' AND coalesce(r.until, '9999') > $today "
        "AND coalesce(r.since, '') <= $today WITH t, count(DISTINCT e) AS many WHERE many >= 5 RETURN t.id AS s"
    ),
    "enterprises_one_room": (
        "MATCH (e:Enterprise) WHERE e.state = 'active' AND e.place_level = 'DWELLING' AND e.place_confidence IS NULL "
        "WITH e.place AS s, count(*) AS many WHERE many >= 5 RETURN s"
    ),
    "prepaid_closed": (
        f"MATCH (e:Enterprise)-[:HOLDS]->(p:Permit) WHERE p.kind = 'prepaid' AND p.amount >= 0.01 AND e.state IN {_CLOSED} RETURN DISTINCT e.id AS s"
    ),
    "prepaid_warned": _often(_PREPAID, 3, 60),
    "prepaid_at_risk": _often(_PREPAID, 3, 60, then=(
        f"WITH s MATCH (e:Enterprise) WHERE e.id = s CALL (e) {{ MATCH (i:Incident)<-[:INVOLVED_IN]-(e) WHERE i.kind = 'labour_case' OR 'labour_case' IN i.report_kind "
        f"OPTIONAL MATCH (p:Person)-[:INVOLVED_IN]->(i) WITH i, min(p.id) AS p WHERE p IS NOT NULL WITH {_DAY.format(_reported('labour_case'))} AS day, p "
        f"WITH collect([day, p]) AS cases RETURN {_by_people(2, 180)} AS owed }} WITH e, owed WHERE owed OR EXISTS {{ "
        "MATCH (e)<-[a:REPRESENTS]-(:Person)-[b:REPRESENTS]->(o:Enterprise) "
        f"WHERE a.until > $today AND b.until > $today AND coalesce(a.since, '') <= $today AND coalesce(b.since, '') <= $today AND o.state IN {_CLOSED} }} RETURN e.id AS s"
    )),
    "guarantee_ring": (
        "MATCH p = (a:Enterprise)-[:GUARANTEES*2..6]->(a) WHERE all(r IN relationships(p) WHERE r.until > $today AND coalesce(r.since, '') <= $today) "
        "AND all(n IN nodes(p) WHERE a.id <= n.id) RETURN DISTINCT a.id AS s"
    ),
    "building_without_captain": (
        "MATCH (a:Address) WHERE a.level = 'BUILDING' AND a.n_people >= 100 AND NOT EXISTS { MATCH (v:Volunteer) WHERE v.place = a.place "
        f"AND v.id IS NOT NULL AND v.captain AND v.left IS NULL AND {_SURE.format('v')} }} RETURN a.place AS s"
    ),
    "lost_person": (
        "MATCH (i:Incident) WHERE i.kind = 'help' AND i.category = 'lost_person' AND i.closed_at IS NULL AND i.place_confidence IS NULL "
        "AND size(i.place) >= 12 RETURN DISTINCT left(i.place, 12) AS s"
    ),
    "sleeping_workshop": (
        f"MATCH (e:Enterprise) WHERE e.state = 'active' AND e.industry IN {_WORKSHOP} AND {_SURE.format('e')} WITH DISTINCT e.place AS s "
        "CALL (s) { MATCH (p:Person)-[l:LIVES_AT]->() WHERE l.place = s AND l.who IS NOT NULL AND l.confidence IS NULL AND l.until > $today "
        "AND coalesce(l.since, '') <= $today AND p.residence = 'floating' WITH DISTINCT s, p "
        f"WITH p, EXISTS {{ MATCH (p)-[w:WORKS_FOR]->(e:Enterprise) WHERE {_HERE} }} AS works, EXISTS {{ MATCH (p)-[w:REPRESENTS]->(e:Enterprise) WHERE {_HERE} }} AS runs, "
        "EXISTS { MATCH (p)-[w:REPRESENTS]->(e:Enterprise) WHERE e.place = s AND e.place_confidence IS NULL AND w.until > $today AND coalesce(w.since, '') <= $today } AS rules, "
        "EXISTS { MATCH (p)-[w:WORKS_FOR]->(:Enterprise) WHERE w.until > $today AND coalesce(w.since, '') <= $today } AS employed "
        "RETURN count(*) AS people, sum(toInteger(works)) AS work, sum(toInteger(runs)) AS run, sum(toInteger(works AND NOT rules)) AS staff, sum(toInteger(NOT employed)) AS unknown } "
        "WITH * WHERE work >= 2 OR (work >= 1 AND unknown >= 3) OR (staff >= 1 AND run >= 1) OR (people >= 2 AND EXISTS { "
        f"MATCH (i:Incident) WHERE i.place = s AND i.id IS NOT NULL AND {_SURE.format('i')} AND (i.category = 'three_in_one' OR 'three_in_one' IN i.report_category) "
        f"AND {_DAY.format('$today')} - i.day <= 365 }}) RETURN s"
    ),
    "unregistered_dwelling": (
        "MATCH (p:Person)-[r:RENTS]->(z) WHERE coalesce(r.until, '9999') > $today AND date(r.since) + duration({days: 7}) <= date($today) "
        f"AND z.place IS NOT NULL WITH DISTINCT z.place AS s MATCH (h:House) WHERE h.place = s AND h.id IS NOT NULL AND {_SURE.format('h')} "
        "WITH DISTINCT s WHERE NOT EXISTS { MATCH ()-[l:LIVES_AT]->() WHERE l.place = s AND l.who IS NOT NULL AND l.confidence IS NULL "
        "AND l.until > $today AND coalesce(l.since, '') <= $today } RETURN s"
    ),
    "cylinder_overdue": (
        "MATCH (d:Device) WHERE d.kind = 'gas_cylinder' AND coalesce(d.state, '') <> 'retired' AND d.due < $today RETURN d.id AS s"
    ),
    "elevator_overdue": (
        "MATCH (d:Device) WHERE d.kind = 'elevator' AND coalesce(d.use, '') <> 'out_of_use' AND d.due < $today RETURN d.id AS s"
    ),
    "device_offline": (
        "MATCH (d:Device) WHERE d.kind IN ['elevator', 'culvert_sensor', 'smoke', 'fire_lane_camera'] AND d.state IN ['offline', 'fault'] RETURN d.id AS s"
    ),
    "cylinder_in_high_rise": (
        "MATCH (a:Address) WHERE a.level = 'BUILDING' AND a.storeys >= 10 MATCH (d:Device) WHERE d.place STARTS WITH a.place AND d.id IS NOT NULL "
        "AND d.kind = 'gas_cylinder' AND coalesce(d.state, '') <> 'retired' AND d.place_confidence IS NULL RETURN DISTINCT a.place AS s"
    ),
}  # fmt: skip
"""Trace → Cypher. `$today` is the district's day."""
