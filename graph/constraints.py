"""Constraints and indexes, derived from the ontology; made once, waited for until they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

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


class Declared(NamedTuple):
    """A constraint or an index as it should be.

    Attributes:
        type: of the index, as `SHOW INDEXES` calls it. unique: whether it is that of a constraint.
        of: the labels, or the one type of relationship. on: the fields.
        links: whether it is of relationships. settings: of a full-text index.
    """

    name: str
    type: str
    of: tuple[str, ...]
    on: tuple[str, ...]
    unique: bool = False
    links: bool = False
    settings: str = ""

    @property
    def statement(self) -> str:
        """The DDL that makes it, safe to repeat."""
        if self.unique:
            return f"CREATE CONSTRAINT {self.name} IF NOT EXISTS FOR (n:{self.of[0]}) REQUIRE n.{self.on[0]} IS UNIQUE"
        which = {"TEXT": "TEXT ", "FULLTEXT": "FULLTEXT "}.get(self.type, "")
        things = f"()-[n:{self.of[0]}]-()" if self.links else f"(n:{'|'.join(self.of)})"
        on = ", ".join(f"n.{field}" for field in self.on)
        fields = f"EACH [{on}]" if self.type == "FULLTEXT" else f"({on})"
        options = f" OPTIONS {{indexConfig: {{{self.settings}}}}}" if self.settings else ""
        return f"CREATE {which}INDEX {self.name} IF NOT EXISTS FOR {things} ON {fields}{options}"

    def is_as(self, there: Mapping[str, Any]) -> bool:
        """Whether a row of `SHOW INDEXES` is what is declared."""
        said = there["type"], set(there["labelsOrTypes"]), there["owningConstraint"] is not None
        # Of a full-text index the order of fields means nothing.
        arranged = sorted if self.type == "FULLTEXT" else list
        return said == (self.type, set(self.of), self.unique) and arranged(there["properties"]) == arranged(
            self.on
        )


def declared() -> Iterator[Declared]:
    """All constraints and indexes."""
    for label, entity in ONTOLOGY.entities.items():
        fields = entity.fields()
        for name, spec in fields.items():
            called = f"{label.lower()}_{name}"
            if spec.meta.lookup is Lookup.UNIQUE:
                yield Declared(called, "RANGE", (label,), (name,), unique=True)
            elif spec.meta.lookup is Lookup.PART:
                yield Declared(called, "TEXT", (label,), (name,))
            elif spec.meta.lookup is Lookup.INDEX and name not in ("place", "grid"):
                yield Declared(called, "RANGE", (label,), (name,))
        for name in ("place", "grid"):
            if name in fields:
                yield Declared(f"{label.lower()}_by_{name}", "RANGE", (label,), (name, "id"))
    for name, label, on in ORDERED:
        yield Declared(name, "RANGE", (label,), on)
    for name, type, on in LINK_ORDERED:
        yield Declared(name, "RANGE", (type,), on, links=True)
    yield Declared("meta_id", "RANGE", ("Meta",), ("id",), unique=True)
    searched = {
        label: [n for n, s in e.fields().items() if s.searchable] for label, e in ONTOLOGY.entities.items()
    }
    yield Declared(
        FULL_TEXT, "FULLTEXT", tuple(label for label, found in searched.items() if found),
        tuple(dict.fromkeys(n for found in searched.values() for n in found)),
        settings="`fulltext.analyzer`: 'cjk', `fulltext.eventually_consistent`: true",
    )  # fmt: skip
    yield Declared(
        CODES, "FULLTEXT", ("Address",), ("former_codes", "other_codes"), settings="`fulltext.analyzer`: 'keyword'"
    )  # fmt: skip


def names() -> frozenset[str]:
    """What the constraints and indexes are called."""
    return frozenset(d.name for d in declared())


async def ensure_schema(store: Store, progress: Callable[[int, int], None] | None = None) -> None:
    """Makes what is missing and waits until all of it is online, however long a large graph takes.

    Args:
        progress: told how many of so many steps are done: each constraint and index is made, then online.
    """
    told = progress or (lambda done, total: None)
    shown = "SHOW INDEXES YIELD name, state, type, labelsOrTypes, properties, owningConstraint RETURN *"
    there = {row["name"]: row for row in await store.read(shown)}
    made = list(declared())
    # What could not be filled, as on a full disk, is made anew; so is what an earlier version made otherwise.
    wrong = [d for d in made if (row := there.get(d.name)) and (row["state"] == "FAILED" or not d.is_as(row))]
    await store.write_together(
        [
            f"DROP {'INDEX' if there[d.name]['owningConstraint'] is None else 'CONSTRAINT'} {d.name} IF EXISTS"
            for d in wrong
        ],
        timeout=BUILD_SECONDS,
    )
    missing = [d for d in made if d.name not in there or d in wrong]
    done = len(made) - len(missing)
    # Made together, the indexes are filled in one pass over the store. A constraint answers only when its index is filled.
    for unique in (True, False):
        some = [d.statement for d in missing if d.unique is unique]
        await store.write_together(some, timeout=BUILD_SECONDS)
        done += len(some)
        told(done, 2 * len(made))
    if not missing and all(there[d.name]["state"] == "ONLINE" for d in made):
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
