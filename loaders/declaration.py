"""What a feed's YAML says: who sends it, what its columns mean, and which entities and links a row speaks of."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from loaders.readers.model import Reading
from ontology import ONTOLOGY
from ontology.errors import UsageError

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake within a declaration.

    Attributes:
        path: keys and indices from the file's root to what is wrong.
        near: what was probably meant.
    """

    path: Place
    zh: str
    en: str
    near: str | None = None


class Misdeclared(ValueError):
    """Several mistakes at once, each with its place; pydantic would keep only the first and lose the place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(p.en for p in self.problems))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None when none is near."""
    from rapidfuzz import fuzz, process

    found = process.extractOne(word, sorted(known), scorer=fuzz.ratio, score_cutoff=50)
    return found[0] if found else None


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise Misdeclared(problems)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_text(value: Any) -> Any:
    # YAML reads 2025-01-01 as a day and 0101 as a number; only the first comes back as it was written.
    return value.isoformat() if isinstance(value, date) else value


def _pattern(value: str) -> str:
    try:
        pl.Series([""], dtype=pl.String).str.contains(value)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"is not a regular expression: {str(error).splitlines()[-1]}") from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
OnBad = Literal["reject", "drop"]


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


SENSITIVE_TYPES: Final = frozenset((ColumnType.CITIZEN_ID, ColumnType.IDENTITY, ColumnType.MOBILE))
"""Types whose columns the ledger keeps encrypted in any case."""


class Transform(StrEnum):
    """What is done to a cell's text before its type is looked at, in the order in which a column lists them."""

    TRIM = "trim"
    HALF_WIDTH = "half_width"
    UPPER = "upper"
    CHINESE_NUMERALS = "chinese_numerals"
    CHINESE_DATE = "chinese_date"
    BUILDING_FORMS = "building_forms"
    EXCEL_SERIAL_DATE = "excel_serial_date"
    DIGITS_ONLY = "digits_only"


def split_groups(regex: str) -> tuple[str, ...]:
    """The named groups of a regular expression, in order."""
    frame = pl.Series([""], dtype=pl.String).str.extract_groups(regex).struct.fields
    return tuple(name for name in frame if not name.isdigit())


class Column(Strict):
    """One column."""

    type: ColumnType = ColumnType.TEXT
    terms: str | None = None
    """The term list of `type: term`."""
    required: bool = False
    """An empty cell keeps the row out."""
    optional: bool = False
    """The file may lack the column."""
    on_bad: OnBad = "reject"
    """What a value that breaks its type does: keep the row out, or only itself."""
    separator: str = ";"
    """Between the items of `type: list`."""
    matches: Pattern | None = None
    """A regular expression that a value must fit, else the row is kept out."""
    format: str | None = None
    """How a date or time is written (strptime), where it is not a form that is read anyway."""
    unit: str | None = None
    """The unit that the department writes behind a number, such as `万元`."""
    aliases: tuple[str, ...] = ()
    """Other names of the same column in a header."""
    transforms: tuple[Transform, ...] = ()
    """What is done to the text before its type is looked at, in this order."""
    empty: tuple[str, ...] | None = None
    """Words that mean nothing. Typed columns have 无, 不详, null … when this is left out; texts none."""
    synonyms: dict[str, str] = {}
    """What is written: what is meant by it; after the transforms."""
    split: Pattern | None = None
    """A regular expression whose named groups become columns of their own."""

    @model_validator(mode="after")
    def _fits(self) -> Column:
        problems = []

        def wrong(key: str, zh: str, en: str) -> None:
            problems.append(Problem((key,), zh, en))

        if (self.type is ColumnType.TERM) != (self.terms is not None):
            wrong(
                "terms" if self.terms is not None else "type",
                "`terms` 与 `type: term` 应同时出现",
                "`terms` goes with `type: term`, and only with it",
            )
        timed = self.type in (ColumnType.DATE, ColumnType.DATETIME)
        if self.format is not None and not timed:
            wrong(
                "format",
                "`format` 只用于日期和时间列",
                "`format` goes with `type: date` or `type: datetime`",
            )
        if self.unit is not None and self.type not in (ColumnType.NUMBER, ColumnType.INTEGER):
            wrong("unit", "`unit` 只用于数", "`unit` goes with `type: number` or `type: integer`")
        if Transform.EXCEL_SERIAL_DATE in self.transforms and not timed:
            wrong(
                "transforms",
                "`excel_serial_date` 只用于日期和时间列",
                "`excel_serial_date` goes with `type: date` or `type: datetime`",
            )
        if self.split is not None and not split_groups(self.split):
            wrong(
                "split",
                "`split` 需要命名分组 (?<列>…)",
                "`split` needs named groups, (?<column>…), which become columns",
            )
        _raise(problems)
        return self

    def names(self, name: str) -> tuple[str, ...]:
        """All names of the column in a header, its own first."""
        return (name, *self.aliases)


class Derived(Strict):
    """A column made of others: the first group of `regex` in column `of`, or a `template` of columns."""

    of: str | None = None
    """The column that `regex` is looked for in."""
    regex: Pattern | None = None
    """A regular expression; its first group is the value."""
    template: str | None = None
    """A text made of columns: `{列}:{列}`."""

    @model_validator(mode="after")
    def _one(self) -> Derived:
        if (self.template is None) == (self.of is None or self.regex is None):
            raise Misdeclared(
                [
                    Problem(
                        (),
                        "应写 `template`,或 `of` 与 `regex`",
                        "give either `template`, or `of` with `regex`",
                    )
                ]
            )
        return self


class Join(Strict):
    """Columns that stand in another file of the same directory, found by a key that both files have."""

    file: str
    """Name pattern (fnmatch) of the other file."""
    by: str
    """Column of the feed's own file."""
    key: str
    """Column of the other file that holds the same; it names each value once."""
    take: dict[str, str]
    """The feed's column: the other file's column."""


class Step(Strict):
    """A state that a row gives a time for."""

    at: str
    """The column with the time."""
    to: str
    """The state."""
    by: str | None = None
    """The column with who did it."""


_Label = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(ONTOLOGY.entities)})]
_LinkType = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(ONTOLOGY.links)})]


class EntityClaim(Strict):
    """An entity that a row speaks of."""

    label: _Label
    """What it is: a node of the ontology."""
    id: Annotated[
        list[dict[str, str]],
        BeforeValidator(_as_list, json_schema_input_type=list[dict[str, str]] | dict[str, str]),
    ]
    """Alternatives tried in order, each {namespace: column}; `id_number` namespaces are hashed."""
    set: dict[str, str] = {}
    """Field: column, or `=constant`, or a template with {columns}."""
    steps: list[Step] = []
    """States that the row gives times for."""
    when: dict[str, str] = {}
    """{column: value}: only in rows that hold this value, as it is after checking."""
    trust: int | None = Field(default=None, ge=0, le=100)
    """Overrides the feed's, where a row only mentions someone in passing."""

    @model_validator(mode="after")
    def _known(self) -> EntityClaim:
        entity = ONTOLOGY.entities.get(self.label)
        if entity is None:
            raise Misdeclared(
                [
                    Problem(
                        ("label",),
                        f"没有名为 {self.label} 的实体",
                        f"no entity is called {self.label}",
                        nearest(self.label, ONTOLOGY.entities),
                    )
                ]
            )
        fields = entity.fields()
        settable = [name for name, spec in fields.items() if not spec.meta.derived]
        _raise(
            [
                Problem(
                    ("set", name),
                    f"{self.label} 没有可填的字段 {name}",
                    f"{self.label} has no field {name} that a feed may set",
                    nearest(name, settable),
                )
                for name in self.set
                if name not in settable
            ]
        )
        return self


class PlaceRef(Strict):
    """An address named by code, by another authority's code, or by text; tried in that order."""

    code: str | None = None
    """The column with our address code."""
    text: str | None = None
    """The column with the address as written."""
    authority: str | None = None
    """Whose code `local` is."""
    local: str | None = None
    """The column with another authority's code."""


class LinkClaim(Strict):
    """A relationship that a row speaks of, between two aliases, or from an alias to a place."""

    start: str
    """The alias that it begins at."""
    type: _LinkType
    """What it is: a relationship of the ontology."""
    end: str | None = None
    """The alias that it ends at; or give `place`."""
    place: PlaceRef | None = None
    """The address that it ends at; or give `end`."""
    set: dict[str, str] = {}
    """Its own fields: column, or `=constant`."""
    since: str | None = None
    """The column with when it began."""
    until: str | None = None
    """The column with when it ended (that moment is no longer part of it)."""

    @model_validator(mode="after")
    def _known(self) -> LinkClaim:
        problems = []
        if self.type not in ONTOLOGY.links:
            problems.append(
                Problem(
                    ("type",),
                    f"没有名为 {self.type} 的关系",
                    f"no relationship is called {self.type}",
                    nearest(self.type, ONTOLOGY.links),
                )
            )
        if (self.end is None) == (self.place is None):
            problems.append(Problem((), "应写 `end` 或 `place` 之一", "give either `end` or `place`"))
        _raise(problems)
        return self


class ReadingSpec(Strict):
    """How the feed's files are read; what is left out is found out from the file."""

    format: Literal["csv", "tsv", "xlsx", "xls", "jsonl", "json", "parquet", "sql"] | None = None
    """The kind of file; else its content is looked at."""
    encoding: str | None = None
    """Of text files, when it is neither UTF-8 nor GB18030."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Between the columns of a text file."""
    sheet: str | None = None
    """Pattern of the sheets (or tables of an SQLite file) that are read."""
    header_row: int | None = Field(default=None, ge=1)
    """The row with the columns' names, counted from 1; else the first that holds most of them."""
    header_rows: Literal[1, 2] = 1
    """2 when titles of groups stand above the columns' names."""
    query: str | None = None
    """SQL, for a database."""
    ignore_rows: tuple[str, ...] | None = None
    """How rows begin that are no records; 合计, 小计, 填表人 and the like when left out."""


class CoordinateSystem(StrEnum):
    CGCS2000 = "CGCS2000"
    WGS84 = "WGS84"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


class Coordinates(Strict):
    """The system that the feed's coordinates are in; they are turned into CGCS2000."""

    system: CoordinateSystem
    """CGCS2000, WGS84 (taken as equal), GCJ02 (most Chinese maps) or BD09 (Baidu)."""
    longitude: str
    """The column of degrees east."""
    latitude: str
    """The column of degrees north."""


class CellCheck(Strict):
    """A rule for a column's values, as they are after transforms, synonyms and type; empty cells pass."""

    column: str
    """Which column."""
    min: float | None = None
    """The least number."""
    max: float | None = None
    """The greatest number."""
    not_before: Annotated[str | None, BeforeValidator(_as_text)] = None
    """The earliest day or time: a column, `today` or YYYY-MM-DD."""
    not_after: Annotated[str | None, BeforeValidator(_as_text)] = None
    """The latest day or time: a column, `today` or YYYY-MM-DD."""
    matches: Pattern | None = None
    """A regular expression."""
    digits: int | None = Field(default=None, ge=1)
    """Exactly so many digits and nothing else."""
    length: int | tuple[int, int] | None = None
    """How many characters: exactly, or [least, most]."""
    unique: bool = False
    """No value twice in a batch; the second and later rows are kept out."""
    one_of: tuple[str, ...] | None = None
    """The only values."""
    on_bad: OnBad = "reject"
    """Keep the row out, or only the value."""

    @model_validator(mode="after")
    def _some(self) -> CellCheck:
        if not self.model_fields_set - {"column", "on_bad"}:
            raise Misdeclared([Problem((), "这条校验什么也没有要求", "this check asks for nothing")])
        return self


class Deletions(Strict):
    """How the feed says that a record ends: by a column's value."""

    column: str
    """The column that says so."""
    values: dict[str, Literal["close", "remove"]]
    """Value (as written or as it is after checking): `close` ends what the record says, `remove` takes it back."""
    at: str | None = None
    """The column with the day; else the record's own effective time."""


class Hold(Strict):
    """When a batch is held for a person instead of loaded, by comparison with the feed's history."""

    rejects: float = Field(default=0.2, ge=0, le=1)
    """Share of rows kept out above which it is held."""
    shrinks: float = Field(default=0.5, ge=0, le=1)
    """Share of the usual rows below which it is held."""
    grows: float = Field(default=5.0, ge=1)
    """Multiple of the usual rows above which it is held."""
    header: bool = True
    """Whether a changed header holds it."""


_DURATION = re.compile(r"P(?=\d)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?")


def _duration(value: str) -> str:
    if _DURATION.fullmatch(value) is None:
        raise ValueError(f"{value} is not an ISO-8601 duration of years, months, weeks or days, such as P5Y")
    return value


Rhythm = Literal["stream", "daily", "weekly", "monthly", "quarterly", "yearly"]
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Feed(Strict):
    """A feed as declared in `catalog/feeds/<name>.yaml`."""

    feed: str
    """Its name: lower-case English."""
    zh: str
    """Title in Chinese."""
    en: str
    """Title in English."""
    department: str
    """Who sends it."""
    legal_basis: str = ""
    """On what ground it is collected."""
    match: list[str]
    """File-name patterns (fnmatch) that this feed takes."""
    header: tuple[str, ...] = ()
    """Columns by which a file of unknown name finds its feed; all that a file may not lack when left out."""
    trust: int = Field(default=50, ge=0, le=100)
    """Where feeds disagree the more trusted value is shown."""
    encoding: str | None = None
    """Of its text files; as `reading: encoding`."""
    reading: ReadingSpec = ReadingSpec()
    """How its files are read."""
    rhythm: Rhythm | None = None
    """How often it is expected; overdue when it does not come."""
    mode: Literal["delta", "snapshot"] = "delta"
    """`delta`: what is not in a file is as it was. `snapshot`: a file is all there is; what is missing has ended."""
    scope: tuple[str, ...] = ()
    """Columns by whose values a snapshot is whole, such as a file per street; whole by itself when left out."""
    deletions: Deletions | None = None
    """How a record ends."""
    retention: Annotated[str, AfterValidator(_duration)] | None = None
    """How long rows as received are kept: an ISO-8601 duration, such as P5Y."""
    hold: Hold = Hold()
    """When a batch waits for a person."""
    sensitive: tuple[str, ...] = ()
    """Columns that the ledger keeps encrypted, beside identity numbers and phones."""
    coordinates: Coordinates | None = None
    """The system of its coordinates; CGCS2000 when left out."""
    key: list[str]
    """Columns that identify a record within the feed."""
    effective: str | None = None
    """Column with the record's own effective time; else the file name's date."""
    join: list[Join] = []
    """Columns taken over from files beside it."""
    columns: dict[str, Column]
    """Every column that is used, by its header."""
    derive: dict[str, Derived] = {}
    """Columns made of others."""
    checks: list[CellCheck] = []
    """Rules for values, beyond their types."""
    entities: dict[str, EntityClaim]
    """Whom and what a row speaks of, each under an alias."""
    links: list[LinkClaim] = []
    """How these are related, and where they are."""

    @model_validator(mode="after")
    def _holds(self) -> Feed:
        _raise([*self._column_problems(), *self._name_problems(), *self._link_problems()])
        return self

    def _references(self) -> Iterator[tuple[Place, str]]:
        """Every place that names a column, with the name."""
        yield from ((("key", i), name) for i, name in enumerate(self.key))
        if self.effective is not None:
            yield ("effective",), self.effective
        for key in ("header", "scope", "sensitive"):
            yield from (((key, i), name) for i, name in enumerate(getattr(self, key)))
        if self.deletions is not None:
            yield ("deletions", "column"), self.deletions.column
            if self.deletions.at is not None:
                yield ("deletions", "at"), self.deletions.at
        if self.coordinates is not None:
            yield ("coordinates", "longitude"), self.coordinates.longitude
            yield ("coordinates", "latitude"), self.coordinates.latitude
        for i, join in enumerate(self.join):
            yield ("join", i, "by"), join.by
            yield from ((("join", i, "take", name), name) for name in join.take)
        for name, derived in self.derive.items():
            if derived.of is not None:
                yield ("derive", name, "of"), derived.of
            for column in _PLACEHOLDER.findall(derived.template or ""):
                yield ("derive", name, "template"), column
        for i, check in enumerate(self.checks):
            yield ("checks", i, "column"), check.column
        for alias, claim in self.entities.items():
            at: Place = ("entities", alias)
            for i, alternative in enumerate(claim.id):
                yield from (((*at, "id", i, space), column) for space, column in alternative.items())
            yield from self._sources((*at, "set"), claim.set)
            for i, step in enumerate(claim.steps):
                yield (*at, "steps", i, "at"), step.at
                if step.by is not None:
                    yield (*at, "steps", i, "by"), step.by
            yield from (((*at, "when", column), column) for column in claim.when)
        for i, link in enumerate(self.links):
            yield from self._sources(("links", i, "set"), link.set)
            for key in ("since", "until"):
                if (column := getattr(link, key)) is not None:
                    yield ("links", i, key), column
            for key in ("code", "text", "local"):
                if link.place is not None and (column := getattr(link.place, key)) is not None:
                    yield ("links", i, "place", key), column

    @staticmethod
    def _sources(at: Place, values: dict[str, str]) -> Iterator[tuple[Place, str]]:
        for field, value in values.items():
            if value.startswith("="):
                continue
            for column in _PLACEHOLDER.findall(value) if "{" in value else (value,):
                yield (*at, field), column

    def _column_problems(self) -> Iterator[Problem]:
        known = self.column_names()
        for path, name in self._references():
            if name not in known:
                yield Problem(
                    path,
                    f"列 {name} 没有声明",
                    f"names column {name!r}, which is not declared",
                    nearest(name, known),
                )
        for i, check in enumerate(self.checks):
            for key in ("not_before", "not_after"):
                bound = getattr(check, key)
                if bound is not None and bound != "today" and bound not in known and not _is_day(bound):
                    yield Problem(
                        ("checks", i, key),
                        f"{bound} 不是列、today 或日期",
                        f"{bound!r} is neither a column nor `today` nor a day (YYYY-MM-DD)",
                        nearest(bound, [*known, "today"]),
                    )

    def _name_problems(self) -> Iterator[Problem]:
        taken: dict[str, str] = {}
        for name, column in self.columns.items():
            taken[name] = name
            if column.required and column.optional:
                yield Problem(
                    ("columns", name, "optional"),
                    f"列 {name} 不能既必填又可缺",
                    f"column {name} cannot be both required and optional",
                )
        for name, column in self.columns.items():
            for i, alias in enumerate(column.aliases):
                if alias in taken:
                    yield Problem(
                        ("columns", name, "aliases", i),
                        f"{alias} 已是列 {taken[alias]} 的名称",
                        f"{alias!r} is already a name of column {taken[alias]}",
                    )
                taken.setdefault(alias, name)
        if self.coordinates is not None:
            for key in ("longitude", "latitude"):
                spec = self.columns.get(getattr(self.coordinates, key))
                if spec is not None and spec.type is not ColumnType.NUMBER:
                    yield Problem(
                        ("coordinates", key),
                        "坐标列应为 `type: number`",
                        "a column of coordinates has `type: number`",
                    )
        if self.scope and self.mode != "snapshot":
            yield Problem(("scope",), "`scope` 只用于 `mode: snapshot`", "`scope` goes with `mode: snapshot`")
        if self.encoding is not None and self.reading.encoding not in (None, self.encoding):
            yield Problem(("encoding",), "`encoding` 写了两次且不同", "`encoding` is said twice, differently")
        for i, check in enumerate(self.checks):
            spec = self.columns.get(check.column)
            kind = spec.type if spec else ColumnType.TEXT
            numeric = kind in (ColumnType.NUMBER, ColumnType.INTEGER)
            timed = kind in (ColumnType.DATE, ColumnType.DATETIME)
            for key, fits, en in (
                ("min", numeric, "a column of numbers"),
                ("max", numeric, "a column of numbers"),
                ("not_before", timed, "a column of days or times"),
                ("not_after", timed, "a column of days or times"),
            ):
                if getattr(check, key) is not None and not fits:
                    yield Problem(("checks", i, key), f"`{key}` 与列的类型不符", f"`{key}` goes with {en}")

    def _link_problems(self) -> Iterator[Problem]:
        for i, link in enumerate(self.links):
            missing = [
                (key, alias)
                for key in ("start", "end")
                if (alias := getattr(link, key)) is not None and alias not in self.entities
            ]
            for key, alias in missing:
                yield Problem(
                    ("links", i, key),
                    f"没有声明实体 {alias}",
                    f"link {link.type} joins {alias!r}, an alias that is not declared",
                    nearest(alias, self.entities),
                )
            if missing:
                continue
            start = self.entities[link.start].label
            end = self.entities[link.end].label if link.end else "Address"
            if (start, end) not in ONTOLOGY.links[link.type].ends:
                yield Problem(
                    ("links", i, "type"),
                    f"本体中没有 ({start})-[:{link.type}]->({end})",
                    f"the ontology has no ({start})-[:{link.type}]->({end})",
                )

    # -- what it means ------------------------------------------------------------------------------------------

    def column_names(self) -> frozenset[str]:
        """Columns that a checked row may have: those of the file, of splits, and derived ones."""
        return frozenset((*self.columns, *self.derive, *self.split_columns()))

    def split_columns(self) -> dict[str, str]:
        """Column made by a split: the column that is split."""
        return {
            group: name
            for name, column in self.columns.items()
            if column.split is not None
            for group in split_groups(column.split)
        }

    def takes(self, file_name: str) -> bool:
        """Whether the feed takes a file by its name."""
        return any(fnmatch.fnmatchcase(file_name, pattern) for pattern in self.match)

    def header_names(self) -> list[str]:
        """Every name that a column of the feed may have in a file, by which its header row is found."""
        return [name for own, column in self.columns.items() for name in column.names(own)]

    def renames(self, header: Collection[str]) -> dict[str, str]:
        """Column of a file under another name: the declared column. A file's own column goes before an alias."""
        found: dict[str, str] = {}
        for name, column in self.columns.items():
            if name not in header:
                other = next((a for a in column.aliases if a in header), None)
                if other is not None:
                    found[other] = name
        return found

    def missing(self, header: Collection[str]) -> list[str]:
        """Declared columns that a file with this header may not lack, and does."""
        made = self.split_columns()
        return [
            name
            for name, column in self.columns.items()
            if not column.optional and name not in made and not any(n in header for n in column.names(name))
        ]

    def recognises(self, header: Collection[str]) -> bool:
        """Whether a file with this header, whose name nobody knows, is one of this feed."""
        if not self.header:
            return not self.missing(header)
        return all(
            any(n in header for n in (self.columns[c].names(c) if c in self.columns else (c,)))
            for c in self.header
        )

    def to_reading(self) -> Reading:
        """How the readers are to read the feed's files."""
        given = self.reading.model_dump(exclude_none=True)
        return Reading(**{"encoding": self.encoding, **given})

    def sensitive_columns(self) -> frozenset[str]:
        """Columns of a file that the ledger keeps encrypted: identity numbers, phones, what is split into such,
        and declared ones; each under all its names."""
        wanted = {name for name, column in self.columns.items() if column.type in SENSITIVE_TYPES}
        wanted.update(self.sensitive)
        wanted.update(source for made, source in self.split_columns().items() if made in wanted)
        return frozenset(
            name
            for own in wanted
            for name in (self.columns[own].names(own) if own in self.columns else (own,))
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def feeds_by_header(feeds: Mapping[str, Feed], header: Collection[str]) -> list[Feed]:
    """Feeds that a file of unknown name may belong to, by its header.

    Where several do, those stay whose columns the header names most of.
    """
    found = [feed for feed in feeds.values() if feed.recognises(header)]
    known = {feed.feed: sum(name in header for name in feed.header_names()) for feed in found}
    most = max(known.values(), default=0)
    return [feed for feed in found if known[feed.feed] == most]


def load_feeds(directory: Path) -> dict[str, Feed]:
    """All feeds declared in a directory, by name.

    Raises:
        UsageError: BAD_CATALOG with file and line, when a declaration does not hold.
    """
    from loaders.mistakes import read_feeds

    if not directory.is_dir():
        raise UsageError(
            "BAD_CATALOG",
            f"没有目录 {directory}",
            f"there is no directory {directory}",
            "Give --catalog a directory with feeds/ in it.",
        )
    feeds, mistakes = read_feeds(directory)
    if mistakes:
        first = mistakes[0]
        more = len(mistakes) - 1
        raise UsageError(
            "BAD_CATALOG",
            f"{first.where} {first.zh}",
            f"{first.where} {first.en}",
            f"{more} more; `quanxi catalog check` lists them all." if more else "",
        )
    return feeds
