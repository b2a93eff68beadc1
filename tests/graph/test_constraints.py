"""Constraints and indexes on the real Neo4j: made once, online, and finding Chinese words inside names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from graph.constraints import CODES, FULL_TEXT, ensure_schema
from graph.store import Store
from ontology import ONTOLOGY, Lookup
from ontology.model import FieldSpec

INDEXES = (
    "SHOW INDEXES YIELD name, state, populationPercent, type, entityType, labelsOrTypes, properties, owningConstraint, options "
    "RETURN * ORDER BY name"
)
CONSTRAINTS = "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties, ownedIndex RETURN * ORDER BY name"
SEARCHED: list[tuple[str, FieldSpec]] = [
    (label, spec)
    for label, entity in ONTOLOGY.entities.items()
    for spec in entity.fields().values()
    if spec.searchable
]


@pytest.fixture
async def schema(bare_graph: Store) -> Store:
    """An empty graph with its constraints and indexes."""
    await ensure_schema(bare_graph)
    return bare_graph


async def _found(store: Store, words: str) -> Sequence[Any]:
    rows: Sequence[Any] = await store.read(
        "CALL db.index.fulltext.queryNodes($index, $words) YIELD node RETURN node.id AS id ORDER BY id",
        {"index": FULL_TEXT, "words": words},
    )
    return rows


async def test_twice_makes_the_same(schema: Store) -> None:
    indexes, constraints = await schema.read(INDEXES), await schema.read(CONSTRAINTS)
    assert indexes
    assert constraints
    assert {row["state"] for row in indexes} == {"ONLINE"}
    assert {row["populationPercent"] for row in indexes} == {100.0}
    await ensure_schema(schema)
    assert await schema.read(INDEXES) == indexes
    assert await schema.read(CONSTRAINTS) == constraints


async def test_what_is_missing_is_made_again_beside_data(schema: Store) -> None:
    indexes = await schema.read(INDEXES)
    await schema.write("UNWIND range(1, 2000) AS i CREATE (:Person {id: 'per_' + i, name: '张测试' + i})")
    await schema.write(f"DROP INDEX {FULL_TEXT}")
    await schema.write("DROP CONSTRAINT person_id")
    assert await schema.read(INDEXES) != indexes
    await ensure_schema(schema)
    again = await schema.read(INDEXES)
    assert {row["state"] for row in again} == {"ONLINE"}
    assert [row["name"] for row in again] == [row["name"] for row in indexes]


async def test_what_was_made_otherwise_is_made_anew(schema: Store) -> None:
    """As by an earlier version: of another kind, on other fields, of other labels, and a constraint that was an index."""
    indexes = await schema.read(INDEXES)
    otherwise = {
        "incident_by_time": "CREATE INDEX incident_by_time FOR (n:Incident) ON (n.occurred_at, n.number)",
        "incident_numbers": "CREATE INDEX incident_numbers FOR (n:Incident) ON (n.numbers)",
        "at_by_since": "CREATE INDEX at_by_since FOR ()-[r:IN]-() ON (r.since)",
        CODES: f"CREATE FULLTEXT INDEX {CODES} FOR (n:Address) ON EACH [n.former_codes]",
    }
    assert otherwise.keys() <= {row["name"] for row in indexes}
    for name, made in otherwise.items():
        await schema.write(f"DROP INDEX {name}")
        await schema.write(made)
    await schema.write("DROP CONSTRAINT person_id")
    await schema.write("CREATE INDEX person_id FOR (n:Person) ON (n.id)")
    await ensure_schema(schema)
    assert await schema.read(INDEXES) == indexes


async def test_every_declared_lookup_has_its_index(schema: Store) -> None:
    indexes = await schema.read(INDEXES)
    unique = {
        (row["labelsOrTypes"][0], *row["properties"])
        for row in await schema.read(CONSTRAINTS)
        if "UNIQUENESS" in row["type"]
    }
    first = {
        (row["labelsOrTypes"][0], row["properties"][0])
        for row in indexes
        if row["type"] == "RANGE" and row["entityType"] == "NODE"
    }
    texts = {row["name"]: row for row in indexes if row["type"] == "FULLTEXT"}
    assert texts.keys() == {FULL_TEXT, CODES}
    text = texts[FULL_TEXT]
    assert texts[CODES]["labelsOrTypes"] == ["Address"]
    assert texts[CODES]["properties"] == ["former_codes", "other_codes"]
    for label, entity in ONTOLOGY.entities.items():
        for name, spec in entity.fields().items():
            if spec.meta.lookup is Lookup.UNIQUE:
                assert (label, name) in unique
            elif spec.meta.lookup is Lookup.INDEX:
                assert (label, name) in first
            if spec.searchable:
                assert label in text["labelsOrTypes"]
                assert name in text["properties"]
    assert {label for label, *_ in unique} == {*ONTOLOGY.entities, "Meta"}, "each has an id of its own"


async def test_a_word_inside_a_name_is_found(schema: Store) -> None:
    """Each searchable field of each label has its own word, of characters that no other value holds."""
    words: dict[str, str] = {}
    for number, (label, spec) in enumerate(SEARCHED):
        word = "".join(chr(0x5000 + 4 * number + i) for i in range(4))
        id = f"{label}_{spec.name}"
        value = f"萧山{word}测试"
        given = ["老地方", value] if spec.many else value
        await schema.write(
            f"CREATE (n:{label} {{id: $id}}) SET n.{spec.name} = $given", {"id": id, "given": given}
        )
        words[id] = word
    assert {label for label, _ in SEARCHED} >= {"Address", "Person", "Enterprise", "Incident"}
    await schema.write("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()", autocommit=True)
    for id, word in words.items():
        assert await _found(schema, f'"{word}"') == [id]
        assert await _found(schema, f'"{word[1:3]}"') == [id], "of two characters in the middle"
        assert await _found(schema, f'"{word[1]}{word[0]}"') == [], "in another order it is another word"
    assert await _found(schema, '"萧山"') == sorted(words)


async def test_what_is_renamed_or_gone_is_found_no_more(schema: Store) -> None:
    await schema.write(
        "CREATE (:Enterprise {id: 'a', name: '杭州金帝酒店'}), (:Enterprise {id: 'b', name: '萧山金帝花园'})"
    )
    refresh = "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()"
    await schema.write(refresh, autocommit=True)
    assert await _found(schema, '"金帝"') == ["a", "b"]
    await schema.write("MATCH (n:Enterprise {id: 'a'}) SET n.name = '杭州银河酒店'")
    await schema.write("MATCH (n:Enterprise {id: 'b'}) DELETE n")
    await schema.write(refresh, autocommit=True)
    assert await _found(schema, '"金帝"') == []
    assert await _found(schema, '"银河"') == ["a"]
