"""The arguments that each root is asked with, about the drawn town: within the west, and about what is outside of it."""

from __future__ import annotations

WEST, EAST = "330109002001", "330109003001"
DWELLING = "3301090020010003021201"
# Around all that has a point; around the east alone; around nothing.
BOX = "[{longitude: 120.2, latitude: 30.1}, {longitude: 120.3, latitude: 30.1}, {longitude: 120.25, latitude: 30.3}]"
EAST_BOX = "[{longitude: 120.269, latitude: 30.174}, {longitude: 120.271, latitude: 30.174}, {longitude: 120.27, latitude: 30.177}]"
NO_BOX = "[{longitude: 120.4, latitude: 30.4}, {longitude: 120.41, latitude: 30.4}, {longitude: 120.4, latitude: 30.41}]"

# Root → arguments of a question that is answered.
INSIDE: dict[str, list[str]] = {
    "viewer": [""],
    "address": [f'code: "{WEST}"', f'code: "{DWELLING}"', f'code: "{WEST}G01M01"'],
    "addresses": [f'codes: ["{WEST}", "{DWELLING}", "{WEST}G01", "{EAST}", "E33010900002"]'],
    "addressDiff": [f'code: "{WEST}", from: "2024-12-31", to: "2025-12-15"', f'code: "{WEST}G01M02", from: "2024-12-31"'],
    "nearby": [f'code: "{DWELLING}", metres: 2000', 'code: "3301090020010004", metres: 100, levels: [BUILDING]'],
    "within": [f'polygon: {BOX}', f'polygon: {BOX}, levels: [BUILDING], crs: WGS84'],
    "node": [f'id: "{id}"' for id in (
        "per_wang", "hhd_wang", "hou_1201", "hou_101", "ent_noodle", "veh_car", "inc_d1", "mat_2", "vol_wang",
        "tea_west", "org_police", "dev_cam", "pmt_west", "fin_hazard",
    )],
    "nodes": ['ids: ["per_wang", "per_dong", "adr_330109003001", "ent_east", "tel_9", "org_police", "hhd_dong", "pmt_east", "inc_e1"]'],
    "person": ['id: "per_wang"', 'id: "per_zhang"', 'idNumber: "11010519491231002X"'],
    "people": ['ids: ["per_wang", "per_dong", "per_li"]'],
    "house": ['hid: "FW1201"', 'hid: "FW101"'],
    "houses": ['hids: ["FW1201", "FWDONG"]'],
    "enterprise": ['uscc: "91330109MA2ABCDEXJ"'],
    "enterprises": ['usccs: ["91330109MA2ABCDEXJ", "92330109MA2WXY125G"]'],
    "vehicle": ['plate: "浙A12345"'],
    "vehicles": ['plates: ["浙A12345", "浙A99999"]'],
    "incident": ['number: "J1"', 'number: "J2"'],
    "incidents": ['numbers: ["J1", "TJ2", "E1", "E2"]'],
    "matter": ['number: "SX2"'],
    "matters": ['numbers: ["SX2", "SXE"]'],
    "volunteer": ['vid: "HL1"'],
    "volunteers": ['vids: ["HL1", "HL9"]'],
    "team": ['tid: "TD1"'],
    "teams": ['tids: ["TD1", "TD9"]'],
    "findings": ["", f'area: "{WEST}", orderBy: SEVEREST', f'area: "{WEST}G01", filter: {{traces: ["hazard_relapse"], open: true}}',
        'filter: {about: "inc_d1", states: ["new", "confirmed"], during: {from: "2025-01-01", to: "2026-01-01"}}', 'orderBy: OLDEST, filter: {severities: ["red", "yellow"]}'],
    "findingCases": ["", f'area: "{WEST}"', f'area: "{WEST}G01"'],
    "finding": ['id: "fin_hazard"', 'id: "fin_pair"'],
    "traces": [""],
    "trace": ['name: "hazard_relapse"'],
    "phones": ['numbers: ["13900000001", "13900000009"]'],
    "search": ['text: "东"', 'text: "1390000000"', 'text: "北干"', 'text: "东方"', 'text: "王一"', 'text: "浙A"', 'text: "E1"', f'text: "东", area: "{WEST}"'],
    "repeatDisputes": ['area: "330109"', f'area: "{WEST}"', f'area: "{WEST}G01", by: PARTIES, minimum: 2'],
    "hazardRelapses": ['area: "330109", withinDays: 60', f'area: "{WEST}G01M02", withinDays: 60'],
    "neighbourhood": ['id: "per_wang", depth: 3', 'id: "veh_car", depth: 2', 'id: "org_police", depth: 2', f'id: "adr_{DWELLING}", depth: 1'],
    "commonConnections": ['ids: ["per_wang", "per_li", "inc_d1"]', f'ids: ["inc_d1", "inc_d2", "adr_{DWELLING}"], limit: 5'],
    "impact": ['enterprise: "ent_noodle"', 'enterprise: "ent_noodle", steps: 6'],
    "timeline": ['ids: ["per_wang"]', f'ids: ["adr_{DWELLING}", "veh_car"], from: "2025-01-01", to: "2025-12-31"'],
    "similarMatters": ['id: "inc_d1"', 'id: "mat_2", first: 2'],
    "paths": ['from: "per_wang", to: "per_li", maxDepth: 8', 'from: "per_wang", to: "per_li", during: {from: "2025-01-01", to: "2026-01-01"}', 'from: "inc_old", to: "org_police", maxDepth: 6'],
    "resolveAddress": ['text: "北干街道金帝花园3幢2单元1201"', 'text: "蜀山街道东苑东1幢"', 'text: "东方社区", near: "330109003"', 'text: "到哪里去"'],
    "placesIn": ['text: "我住金帝花园3幢，在东方社区上班，常去市心公园。"'],
    "terms": ['list: "incident_kind"'],
}  # fmt: skip
# Roots that answer a limited viewer with NOT_FOUND, whatever they are asked: phones are sensitive, feeds, links, disagreements
# and texts that wait for a person the district's.
NEVER: dict[str, list[str]] = {
    "traceTrial": ['name: "hazard_relapse"', 'declaration: "trace: x"'],
    "phone": ['number: "13900000001"', 'number: "13900000009"'],
    "feedStatus": ["", 'names: ["alarms"]'],
    "disagreements": ["", 'department: "公安"'],
    "links": ["", "kind: INCIDENT, state: LINK"],
    "unplaced": ["", 'feed: "alarms", outcome: OUTSIDE'],
}
# Root → arguments that name something real outside, and the like of which there is none.
OUTSIDE: dict[str, list[tuple[str, str]]] = {
    "address": [
        (f'code: "{EAST}"', 'code: "330109004001"'),
        ('code: "3301090030010001000301"', 'code: "3301090020010003999901"'),
        ('code: "330109"', 'code: "330110"'),
        ('code: "E33010900002"', 'code: "E33010900077"'),
        (f'code: "{EAST}G01M01"', f'code: "{EAST}G77M01"'),
    ],
    "addresses": [(f'codes: ["{EAST}"]', 'codes: ["330109004001"]')],
    "addressDiff": [(f'code: "{EAST}", from: "2024-12-31"', 'code: "330109004001", from: "2024-12-31"')],
    "nearby": [(f'code: "{EAST}0001"', 'code: "3301090040010001"')],
    "within": [(f"polygon: {EAST_BOX}", f"polygon: {NO_BOX}")],
    "node": [(f'id: "{id}"', f'id: "{id.split("_")[0]}_none"') for id in (
        f"adr_{EAST}", "per_dong", "hhd_dong", "hou_east", "ent_east", "veh_truck", "tel_1", "inc_e1", "mat_e", "vol_east", "tea_east",
        "dev_east", "pmt_east", "fin_east", "fin_across",
    )],
    "nodes": [('ids: ["per_dong"]', 'ids: ["per_none"]')],
    "person": [('id: "per_dong"', 'id: "per_none"')],
    "people": [('ids: ["per_dong"]', 'ids: ["per_none"]')],
    "phone": [('number: "13900000009"', 'number: "13900000077"')],
    "feedStatus": [('names: ["alarms"]', 'names: ["none"]')],
    "house": [('hid: "FWDONG"', 'hid: "FWNONE"')],
    "houses": [('hids: ["FWDONG"]', 'hids: ["FWNONE"]')],
    "enterprise": [('uscc: "92330109MA2WXY125G"', 'uscc: "91330109MA27NNNN0R"')],
    "enterprises": [('usccs: ["92330109MA2WXY125G"]', 'usccs: ["91330109MA27NNNN0R"]')],
    "vehicle": [('plate: "浙A99999"', 'plate: "浙A77777"')],
    "vehicles": [('plates: ["浙A99999"]', 'plates: ["浙A77777"]')],
    "incident": [('number: "E1"', 'number: "NONE"')],
    "incidents": [('numbers: ["E1"]', 'numbers: ["NONE"]')],
    "matter": [('number: "SXE"', 'number: "NONE"')],
    "matters": [('numbers: ["SXE"]', 'numbers: ["NONE"]')],
    "volunteer": [('vid: "HL9"', 'vid: "NONE"')],
    "volunteers": [('vids: ["HL9"]', 'vids: ["NONE"]')],
    "team": [('tid: "TD9"', 'tid: "NONE"')],
    "teams": [('tids: ["TD9"]', 'tids: ["NONE"]')],
    "findings": [(f'area: "{EAST}"', 'area: "330109004001"'), ('filter: {about: "inc_e1"}', 'filter: {about: "inc_none"}')],
    "findingCases": [(f'area: "{EAST}"', 'area: "330109004001"')],
    "finding": [('id: "fin_east"', 'id: "fin_none"'), ('id: "fin_across"', 'id: "fin_none"')],
    "phones": [('numbers: ["13900000009"]', 'numbers: ["13900000077"]')],
    "search": [('text: "东方五金店"', 'text: "西方五金店"'), ('text: "13900000009"', 'text: "13900000077"')],
    "resolveAddress": [('text: "东方社区"', 'text: "西方社区"'), (f'text: "东301室", near: "{EAST}"', 'text: "西301室", near: "330109004001"')],
    "placesIn": [('text: "我住东方社区。"', 'text: "我住西方社区。"')],
    "repeatDisputes": [(f'area: "{EAST}"', 'area: "330109004001"'), (f'area: "{EAST}G01"', f'area: "{EAST}G77"')],
    "hazardRelapses": [(f'area: "{EAST}"', 'area: "330109004001"')],
    "neighbourhood": [('id: "per_dong"', 'id: "per_none"'), ('id: "tel_1"', 'id: "tel_none"')],
    "commonConnections": [('ids: ["per_wang", "per_dong"]', 'ids: ["per_wang", "per_none"]')],
    "impact": [('enterprise: "ent_east"', 'enterprise: "ent_none"')],
    "timeline": [('ids: ["per_dong"]', 'ids: ["per_none"]')],
    "similarMatters": [('id: "inc_e1"', 'id: "inc_none"'), ('id: "mat_e"', 'id: "mat_none"')],
    "paths": [
        ('from: "per_wang", to: "per_dong"', 'from: "per_wang", to: "per_none"'),
        ('from: "tel_9", to: "per_wang"', 'from: "tel_none", to: "per_wang"'),
    ],
}  # fmt: skip
# Roots that know nothing of a place.
PLACELESS = {"traceTrial", "viewer", "terms", "traces", "trace", "links", "disagreements", "unplaced"}
