"""Entities and relationships of a district, declared once: the single source of truth."""

from ontology.entities import ENTITIES
from ontology.links import LINKS
from ontology.model import Entity, Field, FieldSpec, Link, Lookup, Ontology, Sensitivity

ONTOLOGY = Ontology({e.label(): e for e in ENTITIES}, {link.type: link for link in LINKS})

__all__ = [
    "ENTITIES",
    "LINKS",
    "ONTOLOGY",
    "Entity",
    "Field",
    "FieldSpec",
    "Link",
    "Lookup",
    "Ontology",
    "Sensitivity",
]
