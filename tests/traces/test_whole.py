"""Over the whole district most subjects are left out before anything is told of them: those are the ones of which nothing is found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from addresses.scheme import load_scheme
from graph.constraints import ensure_schema
from graph.store import Store
from graph.writer import Difference, wipe, write
from ontology.terms import load_terms
from traces.catalogue import load_traces
from traces.compile import MANY
from traces.evaluate import day_of
from traces.runner import Runner

TERMS, SCHEME = load_terms(), load_scheme()
TRACES = load_traces(None, TERMS)
TODAY = date(2025, 12, 15)
PLACES = [f"33010900200100{n:02}" for n in range(3, 23)]


def moment(dice: random.Random, days: int = 120) -> str:
    """Some time before today, or a few days after it."""
    day = TODAY - timedelta(days=dice.randint(-5, days))
    return f"{day}T{dice.randint(0, 23):02}:00:00+08:00"


def incidents(dice: random.Random) -> Iterator[dict[str, Any]]:
    # The last of the places has more than are compared with each other.
    where = [*dice.choices(PLACES[:-1], k=300), *[PLACES[-1]] * (MANY + 20)]
    for n, place in enumerate(where):
        kind = dice.choice(["hazard", "hazard", "dispute"])
        at = moment(dice)
        row: dict[str, Any] = {"id": f"inc_{n}", "number": f"N{n}", "kind": kind, "occurred_at": at, "day": day_of(at)}  # fmt: skip
        if kind == "hazard":
            row["category"] = dice.choice(["wiring", "exit_blocked", None])
            # Sometimes on the same moment as another, and sometimes found before it was put right.
            row["rectified_at"] = dice.choice([None, moment(dice), at])
        if dice.random() < 0.05:
            # Of several reports, one of which is of the other kind.
            row |= {
                "numbers": f"N{n}|M{n}",
                "report_kind": ["hazard", "dispute"],
                "report_category": ["", ""],
                "reported_as": "|dispute|hazard|",
            }
        yield {**row, "place": SCHEME.key(place), "place_level": "BUILDING"}


def drawn(dice: random.Random) -> Difference:
    made = Difference()
    for row in incidents(dice):
        made.put_node(row["id"], {k: v for k, v in row.items() if v is not None and k != "id"})
        if dice.random() < 0.3:
            made.put_link("HANDLED_IN", row["id"], f"mat_{dice.randrange(60)}", row["id"], {})
    for n in range(60):
        made.put_node(f"mat_{n}", {"number": f"A{n}"})
    for n in range(80):
        at = moment(dice, 60)
        values = {
            "kind": "device_event",
            "category": dice.choice(["ebike_in_lift", "ebike_in_lift", "trapped"]),
        }
        made.put_node(f"inc_e{n}", {**values, "number": f"E{n}", "occurred_at": at, "day": day_of(at)})
        made.put_link("INVOLVED_IN", f"dev_{n % 6}", f"inc_e{n}", str(n), {})
    for n in range(6):
        made.put_node(f"dev_{n}", {"kind": "elevator"})
    for n in range(200):
        made.put_node(f"trp_{n}", {"number": f"T{n}", **({"started_at": moment(dice)} if n else {})})
        made.put_link("MADE_BY", f"trp_{n}", f"veh_{n % 12}", str(n), {})
        if n % 9 == 0:
            made.put_link("TO", f"trp_{n}", f"prj_{n % 2}", str(n), {})
    for n in range(12):
        made.put_node(f"veh_{n}", {"plate": f"浙A{n:05}"})
        for p in range(dice.randint(0, 2)):
            # Until its last day, from a day that may lie ahead, or for ever.
            since = TODAY - timedelta(days=dice.randint(-10, 110))
            until = since + timedelta(days=dice.choice([0, 30, 90]))
            values = {
                "kind": "haulage",
                "state": dice.choice(["valid", "valid", "revoked"]),
                "since": since.isoformat(),
            }
            made.put_node(
                f"pmt_{n}{p}", {**values, **({"expires": until.isoformat()} if dice.random() < 0.8 else {})}
            )
            made.put_link("HOLDS", f"veh_{n}", f"pmt_{n}{p}", "x", {"until": "9999-12-31"})
    made.put_node("prj_0", {"kind": "suspected_dump"})
    made.put_node("prj_1", {"kind": "site"})
    for n, place in enumerate(PLACES):
        made.put_node(
            f"adr_{n}", {"level": "BUILDING", "code": place, "place": SCHEME.key(place), "n_people": 95 + n}
        )
        if n % 3 == 0:
            captain: dict[str, Any] = {"captain": True, "place": SCHEME.key(place), "place_level": "BUILDING"}
            made.put_node(f"vol_{n}", captain | dice.choice([{}, {"left": "2025-01-01"}]))
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_that_is_found_of_each_by_itself(store: Store, seed: int) -> None:
    await wipe(store)
    await ensure_schema(store)
    await write(store, drawn(random.Random(seed)))
    subjects = {
        "hazard_relapse": PLACES, "repeat_disputes_place": PLACES, "hazard_past_deadline": PLACES,
        "building_without_captain": PLACES, "ebikes_in_elevator": [f"dev_{n}" for n in range(6)],
        "truck_without_permit": [f"veh_{n}" for n in range(12)], "truck_undeclared_dump": [f"veh_{n}" for n in range(12)],
    }  # fmt: skip
    runner = Runner(store, SCHEME, TERMS, TODAY.isoformat())
    found = 0
    for name, of in subjects.items():
        trace = TRACES[name]
        for values in ({}, {"within": 4} if "within" in trace.parameters else {}):
            whole = await runner.whole(trace, values)
            keys = [SCHEME.key(s) if s[0] == "3" else s for s in of]
            standing = await runner.standing(trace, keys, values)
            told = {s: (r.episodes, r.due) for s, r in standing.items() if r.episodes}
            assert {s: (r.episodes, r.due) for s, r in whole.items() if r.episodes} == told, name
            if name not in ("truck_without_permit", "building_without_captain"):
                # Of what is yet to begin the day is known beforehand.
                assert {s: r.due for s, r in whole.items()} == {s: r.due for s, r in standing.items()}, name
            found += len(told)
    assert found > 40
