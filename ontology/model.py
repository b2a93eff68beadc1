"""How an entity or relationship is declared: the vocabulary that `entities.py` and `links.py` are written in.

A declaration is a pydantic model class; each field carries a `Field` annotation that says what people call it,
how sensitive it is and how it is looked up. Constraints, indexes, feed contracts, GraphQL leaf types, masks and
`docs/ontology.md` are all read from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict


class Sensitivity(StrEnum):
    """How closely a value is held (PIPL art. 28–31 and 51 ask for such a classification)."""

    OPEN = "open"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    HIDDEN = "hidden"


class Lookup(StrEnum):
    """How a field is found again: a uniqueness constraint, a range index, the full-text index, or by any part of it."""

    NONE = "none"
    UNIQUE = "unique"
    INDEX = "index"
    TEXT = "text"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Field:
    """What is declared of one field.

    Attributes:
        zh, en: titles.
        sensitivity: HIDDEN fields never leave the database.
        lookup: how it is found again.
        terms: the term list (`catalog/terms/<name>.yaml`) its codes come from.
        history: whether earlier values are kept with their validity.
        derived: written by the fold only; no feed may declare it.
        text: also part of the label's full-text index, besides what `lookup` says.
        gathered: of a list: what all records say together, and not what the most trusted of them says.
    """

    zh: str
    en: str
    sensitivity: Sensitivity = Sensitivity.OPEN
    lookup: Lookup = Lookup.NONE
    terms: str | None = None
    history: bool = False
    derived: bool = False
    text: bool = False
    gathered: bool = False


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A declared field with its name and type. `type` is str, int, float, bool; `many` marks a list of it."""

    name: str
    type: type
    many: bool
    meta: Field

    @property
    def searchable(self) -> bool:
        return self.meta.text or self.meta.lookup is Lookup.TEXT


def _unwrap(annotation: Any) -> tuple[type, bool]:
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    if get_origin(annotation) is list:
        return get_args(annotation)[0], True
    return annotation, False


class Declared(BaseModel):
    """Base of all declarations. Titles are class attributes; fields are annotated with `Field`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: ClassVar[str] = ""
    en: ClassVar[str] = ""

    @classmethod
    def fields(cls) -> dict[str, FieldSpec]:
        """The declared fields by name, in order of declaration."""
        cached = cls.__dict__.get("_field_specs")
        if cached is None:
            cached = {}
            for name, hint in get_type_hints(cls, include_extras=True).items():
                meta = next(
                    (m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Field)),
                    None,
                )
                if meta is not None:
                    kind, many = _unwrap(hint.__origin__)
                    cached[name] = FieldSpec(name, kind, many, meta)
            cls._field_specs = cached  # type: ignore[attr-defined]
        result: dict[str, FieldSpec] = cached
        return result


class Entity(Declared):
    """A node label. The class name is the label.

    Class attributes:
        prefix: three letters before `_` in its ids, so that an id alone says which label it has.
        title_field: the field that a person knows it by.
        placed: how its place is reached: the relationship type to an Address, or "" when it has none.
    """

    prefix: ClassVar[str] = ""
    title_field: ClassVar[str] = "id"
    placed: ClassVar[str] = ""

    @classmethod
    def label(cls) -> str:
        return cls.__name__

    @classmethod
    def called(cls, id: str, title: Any) -> str:
        """What to show for a node: its title, else its kind and the end of its id."""
        return f"{cls.zh} {id[-6:]}" if title is None else str(title)


class Link(Declared):
    """A relationship type, read as a sentence from start to end.

    Class attributes:
        ends: pairs of (start label, end label) that it may join.
        kept_by: which end's fold writes it, "start" or "end": the end whose records say so.
        history: whether it carries `since` and `until`.
        hierarchical: whether it belongs to the address hierarchy, which paths do not run through.
        as_coded: "before" or "after" where it goes to the place that had the code before or after a change on the claim's
            day, whatever has become of it; other relationships go on at what a place has become.
    """

    type: ClassVar[str] = ""
    ends: ClassVar[tuple[tuple[str, str], ...]] = ()
    kept_by: ClassVar[str] = "start"
    history: ClassVar[bool] = True
    hierarchical: ClassVar[bool] = False
    as_coded: ClassVar[str] = ""


@dataclass(frozen=True)
class Ontology:
    """All declarations, by label and by type."""

    entities: dict[str, type[Entity]]
    links: dict[str, type[Link]]

    @cached_property
    def by_prefix(self) -> dict[str, type[Entity]]:
        return {e.prefix: e for e in self.entities.values()}

    def label_of(self, id: str) -> str | None:
        """The label that an internal id belongs to, or None when it is no id of ours."""
        entity = self.by_prefix.get(id.partition("_")[0])
        return entity.label() if entity else None
