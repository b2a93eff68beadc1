"""Constraints and indexes, derived from the ontology; made once, waited for until they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from graph.store import Store
from ontology import ONTOLOGY, Lookup

FULL_TEXT = "quanxi_text"
BUILD_SECONDS: Final = 6 * 3600.0
LOOK_SECONDS: Final = 0.02
# Finds an address by a code that it had before, or has with another authority: whole codes, at once.
CODES = "quanxi_codes"
# Pages that come in index order rather than from a sort: (name, label, fields).
ORDERED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("incident_by_time", "Incident", ("occurred_at", "id")),
    ("incident_by_street_time", "Incident", ("street", "occurred_at", "id")),
    ("incident_by_community_time", "Incident", ("community", "occurred_at", "id")),
    ("incident_by_kind_place", "Incident", ("kind", "place")),
    ("address_by_parent", "Address", ("parent", "code")),
    ("address_by_latitude", "Address", ("latitude", "longitude")),
    ("finding_by_time", "Finding", ("found_at", "id")),
    # What changed in the whole district between two days.
    ("address_by_since", "Address", ("since", "id")),
    ("address_by_until", "Address", ("until", "id")),
    ("address_by_end", "Address", ("ended_on", "id")),
    ("address_by_era", "Address", ("era_until", "id")),
    ("enterprise_by_founded", "Enterprise", ("founded", "id")),
    ("enterprise_by_closed", "Enterprise", ("closed", "id")),
)
LINK_ORDERED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("lives_at_by_place", "LIVES_AT", ("place", "who")),
    ("lives_at_by_grid", "LIVES_AT", ("grid", "who")),
    ("lives_at_by_since", "LIVES_AT", ("since", "who")),
    ("lives_at_by_until", "LIVES_AT", ("until", "who")),
    ("at_by_since", "AT", ("since",)),
    ("at_by_until", "AT", ("until",)),
)


def statements() -> Iterator[str]:
    """The DDL, each statement safe to repeat."""
    for label, entity in ONTOLOGY.entities.items():
        fields = entity.fields()
        for name, spec in fields.items():
            if spec.meta.lookup is Lookup.UNIQUE:
                yield f"CREATE CONSTRAINT {label.lower()}_{name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{name} IS UNIQUE"
            elif spec.meta.lookup is Lookup.PART:
                yield f"CREATE TEXT INDEX {label.lower()}_{name} IF NOT EXISTS FOR (n:{label}) ON (n.{name})"
            elif spec.meta.lookup is Lookup.INDEX and name not in ("place", "grid"):
                yield f"CREATE INDEX {label.lower()}_{name} IF NOT EXISTS FOR (n:{label}) ON (n.{name})"
        for name in ("place", "grid"):
            if name in fields:
                yield f"CREATE INDEX {label.lower()}_by_{name} IF NOT EXISTS FOR (n:{label}) ON (n.{name}, n.id)"
    for name, label, on in ORDERED:
        yield f"CREATE INDEX {name} IF NOT EXISTS FOR (n:{label}) ON ({', '.join('n.' + f for f in on)})"
    for name, type, on in LINK_ORDERED:
        yield f"CREATE INDEX {name} IF NOT EXISTS FOR ()-[r:{type}]-() ON ({', '.join('r.' + f for f in on)})"
    yield "CREATE CONSTRAINT meta_id IF NOT EXISTS FOR (n:Meta) REQUIRE n.id IS UNIQUE"
    searched = {
        label: [n for n, s in e.fields().items() if s.searchable] for label, e in ONTOLOGY.entities.items()
    }
    labels = "|".join(label for label, names in searched.items() if names)
    fields_all = ", ".join(
        f"n.{name}" for name in dict.fromkeys(n for names in searched.values() for n in names)
    )
    yield (
        f"CREATE FULLTEXT INDEX {FULL_TEXT} IF NOT EXISTS FOR (n:{labels}) ON EACH [{fields_all}] "
        "OPTIONS {indexConfig: {`fulltext.analyzer`: 'cjk', `fulltext.eventually_consistent`: true}}"
    )
    yield (
        f"CREATE FULLTEXT INDEX {CODES} IF NOT EXISTS FOR (n:Address) ON EACH [n.former_codes, n.other_codes] "
        "OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword'}}"
    )


def names() -> frozenset[str]:
    """What the constraints and indexes are called."""
    return frozenset(_name(s) for s in statements())


def _name(statement: str) -> str:
    """Of a constraint or an index, from the statement that makes it."""
    return statement.partition(" IF NOT EXISTS")[0].rpartition(" ")[2]


def _kind(statement: str) -> str:
    return "CONSTRAINT" if statement.startswith("CREATE CONSTRAINT") else "INDEX"


async def ensure_schema(store: Store, progress: Callable[[int, int], None] | None = None) -> None:
    """Makes what is missing and waits until all of it is online, however long a large graph takes.

    Args:
        progress: told how many of so many steps are done: each constraint and index is made, then online.
    """
    told = progress or (lambda done, total: None)
    states: dict[str, str] = await store.read_one(
        "SHOW INDEXES YIELD name, state RETURN {names: collect(name), states: collect(state)}"
    )
    there = dict(zip(states["names"], states["states"], strict=True))
    made = list(statements())
    # What could not be filled, as on a full disk, is made anew.
    failed = [s for s in made if there.get(_name(s)) == "FAILED"]
    await store.write_together(
        [f"DROP {_kind(s)} {_name(s)} IF EXISTS" for s in failed], timeout=BUILD_SECONDS
    )
    missing = [s for s in made if _name(s) not in there or s in failed]
    done = len(made) - len(missing)
    # Made together, the indexes are filled in one pass over the store. A constraint answers only when its index is filled.
    for kind in ("CONSTRAINT", "INDEX"):
        some = [s for s in missing if _kind(s) == kind]
        await store.write_together(some, timeout=BUILD_SECONDS)
        done += len(some)
        told(done, 2 * len(made))
    if not missing and all(there[_name(s)] == "ONLINE" for s in made):
        told(2 * len(made), 2 * len(made))
        return
    pause = LOOK_SECONDS
    filling = "SHOW INDEXES YIELD state WHERE state = 'POPULATING' RETURN count(*)"
    while left := await store.read_one(filling, timeout=BUILD_SECONDS):
        told(max(len(made), 2 * len(made) - int(left)), 2 * len(made))
        await asyncio.sleep(pause)
        pause = min(2 * pause, 50 * LOOK_SECONDS)
    await store.write("CALL db.awaitIndexes(300)", timeout=310, autocommit=True)
    told(2 * len(made), 2 * len(made))
