"""What a feed's YAML says: who sends it, what its columns mean, and which entities and links a row speaks of."""

from __future__ import annotations

import fnmatch
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)

from ontology import ONTOLOGY
from ontology.errors import UsageError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TERM = "term"
    CITIZEN_ID = "citizen_id"
    USCC = "uscc"
    IDENTITY = "identity"
    PLATE = "plate"
    MOBILE = "mobile"
    LIST = "list"


class Column(Strict):
    """One column.

    Attributes:
        on_bad: what a value that breaks its type does: keep the row out, or only itself.
        format: how a date or time is written (strptime), where it is not a form that is read anyway.
        unit: the unit that the department writes behind a number, such as `万元`.
    """

    type: ColumnType = ColumnType.TEXT
    terms: str | None = None
    required: bool = False
    optional: bool = False
    on_bad: Literal["reject", "drop"] = "reject"
    separator: str = ";"
    matches: str | None = None
    format: str | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _terms(self) -> Column:
        if (self.type is ColumnType.TERM) != (self.terms is not None):
            raise ValueError("`terms` goes with `type: term`, and only with it")
        if self.format is not None and self.type not in (ColumnType.DATE, ColumnType.DATETIME):
            raise ValueError("`format` goes with `type: date` or `type: datetime`")
        if self.unit is not None and self.type not in (ColumnType.NUMBER, ColumnType.INTEGER):
            raise ValueError("`unit` goes with `type: number` or `type: integer`")
        return self


class Derived(Strict):
    """A column made of others: the first group of `regex` in column `of`, or a `template` of columns."""

    of: str | None = None
    regex: str | None = None
    template: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Derived:
        if (self.template is None) == (self.of is None or self.regex is None):
            raise ValueError("give either `template`, or `of` with `regex`")
        return self


class Join(Strict):
    """Columns that stand in another file of the same directory, found by a key that both files have.

    Attributes:
        file: name pattern (fnmatch) of the other file.
        by: column of the feed's own file.
        key: column of the other file that holds the same; it names each value once.
        take: the feed's column → the other file's column.
    """

    file: str
    by: str
    key: str
    take: dict[str, str]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class Step(Strict):
    at: str
    to: str
    by: str | None = None


class EntityClaim(Strict):
    """An entity that a row speaks of.

    Attributes:
        id: alternatives tried in order, each {namespace: column}; `id_number` namespaces are hashed.
        set: field → column, or `=constant`, or a template with {columns}.
        steps: states that the row gives times for.
        trust: overrides the feed's, where a row only mentions someone in passing.
        mention: columns of which one filled is enough, beside a full name, to speak of a person without any id; who
            it is is decided by the linker.
    """

    label: str
    id: Annotated[list[dict[str, str]], BeforeValidator(_as_list)]
    set: dict[str, str] = {}
    steps: list[Step] = []
    when: dict[str, str] = {}
    mention: list[str] = []
    trust: int | None = None

    @model_validator(mode="after")
    def _known(self) -> EntityClaim:
        entity = ONTOLOGY.entities.get(self.label)
        if entity is None:
            raise ValueError(f"no entity is called {self.label}")
        for name in self.set:
            spec = entity.fields().get(name)
            if spec is None or spec.meta.derived:
                raise ValueError(f"{self.label} has no field {name} that a feed may set")
        return self


class PlaceRef(Strict):
    """An address named by code, by another authority's code, or by text; tried in that order."""

    code: str | None = None
    text: str | None = None
    authority: str | None = None
    local: str | None = None


class LinkClaim(Strict):
    """A relationship that a row speaks of, between two aliases, or from an alias to a place."""

    start: str
    type: str
    end: str | None = None
    place: PlaceRef | None = None
    set: dict[str, str] = {}
    since: str | None = None
    until: str | None = None

    @model_validator(mode="after")
    def _known(self) -> LinkClaim:
        if self.type not in ONTOLOGY.links:
            raise ValueError(f"no relationship is called {self.type}")
        if (self.end is None) == (self.place is None):
            raise ValueError("give either `end` or `place`")
        return self


class Feed(Strict):
    """A feed as declared in `catalog/feeds/<name>.yaml`.

    Attributes:
        match: file-name patterns (fnmatch) that this feed takes.
        trust: 0–100; where feeds disagree the more trusted value is shown.
        key: columns that identify a record within the feed.
        effective: column with the record's own effective time; else the file name's date.
        join: columns taken over from files beside it.
    """

    feed: str
    zh: str
    en: str
    department: str
    legal_basis: str = ""
    match: list[str]
    trust: int = 50
    encoding: str | None = None
    key: list[str]
    effective: str | None = None
    join: list[Join] = []
    columns: dict[str, Column]
    derive: dict[str, Derived] = {}
    entities: dict[str, EntityClaim]
    links: list[LinkClaim] = []

    @model_validator(mode="after")
    def _columns(self) -> Feed:
        known = set(self.columns) | set(self.derive)

        def need(name: str, where: str) -> None:
            if name not in known:
                raise ValueError(f"{where} names column {name!r}, which is not declared")

        for name in self.key:
            need(name, "key")
        for other in self.join:
            for name in (other.by, *other.take):
                need(name, "join")
        for alias, claim in self.entities.items():
            for alternative in claim.id:
                for column in alternative.values():
                    need(column, f"{alias}.id")
            for field, value in claim.set.items():
                if not value.startswith("=") and "{" not in value:
                    need(value, f"{alias}.set.{field}")
            for step in claim.steps:
                need(step.at, f"{alias}.steps")
        for link in self.links:
            if link.start not in self.entities or (link.end is not None and link.end not in self.entities):
                raise ValueError(f"link {link.type} joins an alias that is not declared")
            for bound in (link.since, link.until):
                if bound is not None:
                    need(bound, f"link {link.type}")
            start = self.entities[link.start].label
            end = self.entities[link.end].label if link.end else "Address"
            if (start, end) not in ONTOLOGY.links[link.type].ends:
                raise ValueError(f"the ontology has no ({start})-[:{link.type}]->({end})")
        return self

    def takes(self, file_name: str) -> bool:
        return any(fnmatch.fnmatchcase(file_name, pattern) for pattern in self.match)


def load_feeds(directory: Path) -> dict[str, Feed]:
    """All feeds declared in a directory, by name.

    Raises:
        UsageError: BAD_CATALOG with file and place, when a declaration does not hold.
    """
    feeds: dict[str, Feed] = {}
    if not directory.is_dir():
        raise UsageError(
            "BAD_CATALOG",
            f"没有目录 {directory}",
            f"there is no directory {directory}",
            "Give --catalog a directory with feeds/ in it.",
        )
    for path in sorted(directory.glob("*.yaml")):
        try:
            feed = Feed.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"])
            raise UsageError(
                "BAD_CATALOG",
                f"{path}:{where} 声明有误:{first['msg']}",
                f"{path}: {where or 'feed'}: {first['msg']}",
            ) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(
                "BAD_CATALOG",
                f"{path} 不是有效的 YAML",
                f"{path} is not valid YAML: {error}",
            ) from None
        feeds[feed.feed] = feed
    return feeds
