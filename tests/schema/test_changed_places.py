"""A district whose places have changed, asked about today and as it was: `tests/scenarios/changed_places.yaml`, loaded."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.meta import read_meta
from graph.store import Store, count_statements
from graph.viewer import DEVELOPMENT, Viewer
from ontology.clock import Clock
from ontology.terms import load_terms
from schema import build_schema
from schema.context import Context
from schema.operations import Operations
from tests.loaders.test_changed_places import CLOCK, load_in_turn, rows
from tests.schema.drawn import _LIMITS, scheme

pytestmark = pytest.mark.anyio
SCHEMA = build_schema()
CHANGE = "succession { kind { code } on predecessors successors }"


class Asker:
    """Asks about the loaded district. `statements`: how many the last answer took."""

    def __init__(self, store: Store, told: dict[str, Any]) -> None:
        self._store = store
        self._told = told
        self._operations = Operations(SCHEMA, _LIMITS)
        self.statements = 0

    async def __call__(self, query: str, viewer: Viewer = DEVELOPMENT) -> Any:
        context = Context(
            store=self._store, viewer=viewer, clock=Clock(date(2025, 12, 15)), scheme=scheme(), terms=load_terms(),
            identity_hash=lambda number: number, rolled_for=self._told.get("rolled_for"),
            changed_on=self._told.get("changed_on"), timeout=60,
        )  # fmt: skip
        with count_statements() as counted:
            outcome = await self._operations.run(query, None, None, context)
        self.statements = counted.statements
        if outcome.body.get("errors"):
            return [e["extensions"]["code"] for e in outcome.body["errors"]]
        data = outcome.body["data"]
        return data[next(iter(data))]


@pytest.fixture
async def ask(clean_graph: Store, tmp_path: Path) -> Asker:
    await load_in_turn(clean_graph, tmp_path / "district", [rows()])
    return Asker(clean_graph, await read_meta(clean_graph))


def codes(found: Any) -> list[str]:
    return [edge["node"]["code"] for edge in found["edges"]]


async def test_the_district_today_and_as_it_was(ask: Asker) -> None:
    """One graph, loaded once: reading it is all that these do."""
    assert CLOCK.today_text() == "2025-12-15"
    # A code that is no longer in use leads to the place of today, and says how.
    found = await ask(
        f'{{ address(code: "330109003005") {{ code askedCode fullName formerCodes {CHANGE} path {{ name }} counts {{ people {{ value }} }} }} }}'
    )
    moved = {
        "kind": {"code": "move"},
        "on": "2021-04-09",
        "predecessors": ["330109003005"],
        "successors": ["330109002009"],
    }
    assert found == {
        "code": "330109002009", "askedCode": "330109003005", "fullName": "萧山区西街道柳村", "formerCodes": ["330109003005"],
        "succession": moved, "path": [{"name": "萧山区"}, {"name": "西街道"}, {"name": "柳村"}], "counts": {"people": {"value": 3}},
    }  # fmt: skip
    assert ask.statements == 3
    found = await ask(f'{{ address(code: "330109002009") {{ code askedCode {CHANGE} }} }}')
    assert found == {"code": "330109002009", "askedCode": None, "succession": moved}
    assert ask.statements == 1
    # What lies in it goes with it.
    found = await ask(
        '{ address(code: "3301090030050001") { code askedCode fullName plate areas { code } incidents { edges { node { number } } } } }'
    )
    assert found["code"] == "3301090020090001" and found["askedCode"] == "3301090030050001"
    assert found["plate"].startswith("CN-330109:1:3301090020090001:")
    assert [a["code"] for a in found["areas"]] == ["330109002009G01", "330109002009G01M01"]
    assert found["incidents"] == {"edges": [{"node": {"number": "J1"}}]}
    # Merged: the place that it went into. Split: itself, and what it became.
    found = await ask(f'{{ address(code: "330109002003") {{ code askedCode {CHANGE} }} }}')
    assert (found["code"], found["askedCode"]) == ("330109002013", "330109002003")
    assert found["succession"]["predecessors"] == ["330109002003", "330109002004"]
    found = await ask(f'{{ address(code: "330109002001") {{ code askedCode until {CHANGE} }} }}')
    assert (found["code"], found["askedCode"], found["until"]) == ("330109002001", None, "2022-01-01")
    assert found["succession"]["successors"] == ["330109002011", "330109002012"]
    found = await ask(f'{{ address(code: "3301090020050003") {{ until {CHANGE} }} }}')
    assert found["until"] == "2023-03-01" and found["succession"]["successors"] == []
    # A code that passed on is today's; on an earlier day it is that day's.
    found = await ask(
        '{ address(code: "3301090020050001") { code name residents { edges { node { name } } } } }'
    )
    assert found == {
        "code": "3301090020050001",
        "name": "1号",
        "residents": {"edges": [{"node": {"name": "风八"}}]},
    }
    found = await ask(
        '{ address(code: "3301090020050001", asOf: "2019-12-31") { code name residents { edges { node { name } } } } }'
    )
    assert found == {
        "code": "3301090020050001",
        "name": "1号",
        "residents": {"edges": [{"node": {"name": "风七"}}]},
    }
    # Names.
    found = await ask('{ address(code: "330109002005") { names { name kind { code } since until } } }')
    assert found["names"] == [
        {"name": "新风村", "kind": {"code": "official"}, "since": "2019-05-01", "until": None},
        {"name": "红旗村", "kind": {"code": "former"}, "since": None, "until": "2019-05-01"},
    ]
    found = await ask('{ address(code: "330109002005", asOf: "2018-01-01") { name fullName } }')
    assert found == {"name": "红旗村", "fullName": "萧山区西街道红旗村"}
    # The district as it was.
    past = 'asOf: "2020-01-01"'
    found = await ask(
        f'{{ address(code: "330109003", {past}) {{ children {{ edges {{ node {{ code fullName }} }} }} counts {{ people {{ value }} incidents {{ value }} }} residents {{ edges {{ node {{ name }} }} }} }} }}'
    )
    assert found["children"] == {
        "edges": [{"node": {"code": "330109003005", "fullName": "萧山区东街道柳村"}}]
    }
    assert found["counts"] == {"people": {"value": 1}, "incidents": {"value": 1}}
    assert found["residents"] == {"edges": [{"node": {"name": "柳一"}}]}
    found = await ask(
        f'{{ address(code: "330109002", {past}) {{ children {{ edges {{ node {{ code }} }} }} residents {{ totalCount {{ value }} edges {{ node {{ name }} }} }} }} }}'
    )
    assert codes(found["children"]) == [f"33010900200{n}" for n in (1, 3, 4, 5)]
    assert found["residents"]["totalCount"] == {"value": 6}
    assert sorted(e["node"]["name"] for e in found["residents"]["edges"]) == [
        "乙一", "大五", "大六", "甲十", "甲四", "风七",
    ]  # fmt: skip
    found = await ask(
        f'{{ address(code: "330109", {past}) {{ children {{ edges {{ node {{ code }} }} }} counts {{ people {{ value }} }} }} }}'
    )
    assert codes(found["children"]) == ["330109002", "330109003", "330109012"]
    assert found["counts"] == {"people": {"value": 8}}
    found = await ask(
        '{ address(code: "330109") { children { edges { node { code counts { people { value } } } } } counts { people { value } } } }'
    )
    assert codes(found["children"]) == ["330109002", "330109003"]
    assert [e["node"]["counts"]["people"]["value"] for e in found["children"]["edges"]] == [12, 0]
    assert ask.statements == 1, "counts of all children in one statement"
    found = await ask(
        f'{{ address(code: "330109002009", {past}) {{ code askedCode path {{ code name }} }} }}'
    )
    assert found["code"] == "330109003005" and found["askedCode"] == "330109002009"
    assert [p["code"] for p in found["path"]] == ["330109", "330109003", "330109003005"]
    # Several at once, in the order asked.
    found = await ask(
        '{ addresses(codes: ["330109012", "330109777", "330109003005", "330109002005"]) { code askedCode } }'
    )
    assert found == [
        {"code": "330114003", "askedCode": "330109012"}, None, {"code": "330109002009", "askedCode": "330109003005"},
        {"code": "330109002005", "askedCode": None},
    ]  # fmt: skip
    # What changed between two days.
    found = await ask(
        '{ addressDiff(code: "330109002", from: "2018-12-31", to: "2022-06-01") { from to movedIn { totalCount { value } edges { node { name } } } '
        "movedOut { totalCount { value } } incidents { totalCount { value } } places { edges { node { code } } } } }"
    )
    assert (found["from"], found["to"]) == ("2018-12-31", "2022-06-01")
    assert [e["node"]["name"] for e in found["movedIn"]["edges"]] == [
        "风八",
        "柳二",
        "乙一",
        "乙二",
        "新三",
    ], "who was moved with the village did not move"
    assert found["movedOut"] == {"totalCount": {"value": 0}}
    assert {"330109002005", "330109002009", "330109002012", "330109002013"} <= set(codes(found["places"]))
    assert ask.statements == 1
    assert await ask('{ addressDiff(code: "330109002", from: "2022-01-01", to: "2022-01-01") { to } }') == [
        "BAD_ARGUMENT"
    ]
    # What lies in places that were merged is counted and listed in the one that they became, and before that day in them.
    ask.statements = 0
    found = await ask(
        '{ address(code: "330109002013") { counts { people { value } incidents { value } } residents { totalCount { value } } '
        "all: children { edges { node { code counts { people { value } incidents { value } } } } } "
        "houses: children(level: DWELLING) { edges { node { code } } } incidents { edges { node { number at { code } } } } } }"
    )
    assert ask.statements == 1
    assert found["counts"] == {"people": {"value": 5}, "incidents": {"value": 1}}
    assert found["residents"] == {"totalCount": {"value": 5}}
    counted = {
        e["node"]["code"]: [x["value"] for x in e["node"]["counts"].values()] for e in found["all"]["edges"]
    }
    assert counted == {"3301090020030001": [1, 0], "3301090020040001": [2, 1], "3301090020130001": [1, 0]}
    assert codes(found["houses"]) == ["3301090020040001000101"]
    assert found["incidents"]["edges"] == [{"node": {"number": "J2", "at": {"code": "3301090020040001"}}}]
    found = await ask(
        '{ addressDiff(code: "330109002013", from: "2021-06-01", to: "2022-12-31") { movedIn { edges { node { name } } } '
        "movedOut { totalCount { value } } incidents { edges { node { number } } } } }"
    )
    assert sorted(e["node"]["name"] for e in found["movedIn"]["edges"]) == ["乙二", "新三"]
    assert found["movedOut"] == {"totalCount": {"value": 0}}
    assert found["incidents"]["edges"] == [{"node": {"number": "J2"}}]
    found = await ask(
        '{ addressDiff(code: "330109002013", from: "2022-06-30") { incidents { totalCount { value } edges { node { number } } } } }'
    )
    assert found["incidents"] == {"totalCount": {"value": 0}, "edges": []}, "not what the roll-up counts"
    for code, day, people in (
        ("330109002003", "2019-06-01", ["甲十", "甲四"]), ("330109002004", "2019-06-01", ["乙一"]),
        ("330109002013", "2020-06-02", ["乙一", "甲十", "甲四"]), ("330109002", "2019-06-01", ["乙一", "大五", "大六", "甲十", "甲四", "风七"]),
    ):  # fmt: skip
        found = await ask(
            f'{{ address(code: "{code}", asOf: "{day}") {{ residents {{ edges {{ node {{ name }} }} }} counts {{ people {{ value }} }} }} }}'
        )
        assert sorted(e["node"]["name"] for e in found["residents"]["edges"]) == people, (code, day)
        assert found["counts"]["people"]["value"] == len(people), (code, day)
    # A viewer of the place sees its own past, and nothing of the places that it was made from or went to elsewhere.
    here = Viewer("limited", "330109002013")
    found = await ask(f'{{ address(code: "330109002013") {{ code {CHANGE} }} }}', here)
    assert found["succession"]["predecessors"] == []
    assert await ask('{ address(code: "330109003005") { code } }', here) == ["NOT_FOUND"]
