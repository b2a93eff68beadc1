"""Constraints and indexes, derived from the ontology; made once, waited for until they answer."""

from __future__ import annotations

from collections.abc import Iterator

from graph.store import Store
from ontology import ONTOLOGY, Lookup

FULL_TEXT = "quanxi_text"
# Pages that come in index order rather than from a sort: (name, label, fields).
ORDERED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("incident_by_time", "Incident", ("occurred_at", "id")),
    ("incident_by_street_time", "Incident", ("street", "occurred_at", "id")),
    ("incident_by_community_time", "Incident", ("community", "occurred_at", "id")),
    ("incident_by_kind_place", "Incident", ("kind", "place")),
    ("address_by_parent", "Address", ("parent", "code")),
)
LINK_ORDERED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("lives_at_by_place", "LIVES_AT", ("place", "who")),
    ("lives_at_by_grid", "LIVES_AT", ("grid", "who")),
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


async def ensure_schema(store: Store) -> None:
    """Makes what is missing and waits until all of it is online."""
    for statement in statements():
        await store.write(statement, autocommit=True)
    await store.write("CALL db.awaitIndexes(300)", timeout=310, autocommit=True)
