"""What a feed's YAML says: who sends it, what its columns mean, and which entities and links a row speaks of."""

from __future__ import annotations

import codecs
import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import polars as pl
from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from loaders.periods import Period, parse_period, parse_rhythm
from loaders.readers.model import Reading
from ontology import ONTOLOGY
from ontology.clock import parse_date
from ontology.declared import Strict, Unsound, nearest
from ontology.errors import UsageError


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


PARAMETERS: dict[str, bool] = {
    "trim": False, "half_width": False, "upper": False, "no_blanks": False, "single_blanks": False, "digits_only": False,
    "chinese_numerals": False, "chinese_date": False, "building_forms": False, "excel_serial_date": False,
    "strip_prefix": True, "strip_suffix": True,
}  # fmt: skip
"""The named transforms; True for those that are written with a value, as in `{strip_prefix: 浙江省}`."""

SENSITIVE_TYPES = (ColumnType.CITIZEN_ID, ColumnType.IDENTITY, ColumnType.MOBILE)
"""Types of columns that the ledger always keeps encrypted."""

OnBad = Literal["reject", "drop", "note"]
Scalar = str | int | float


def _groups(regex: str) -> list[str]:
    """The named groups of a regular expression.

    Raises:
        ValueError: when Python's `re` or polars (Rust's regex: no look-around, no back references) cannot run it.
    """
    try:
        compiled = re.compile(regex)
        pl.Series([""]).str.contains(regex)
    except (re.error, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{regex!r} is not a regular expression that can be run: {error}") from None
    return list(compiled.groupindex)


def _transform(value: Any) -> Any:
    """`name` or `{name: value}`."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, parameter),) = value.items()
    else:
        name, parameter = value, None
    if name not in PARAMETERS:
        near = nearest(str(name), PARAMETERS)
        raise ValueError(f"no transform is called {name!r}{near}; known: {', '.join(PARAMETERS)}")
    if PARAMETERS[name] != isinstance(parameter, str | int) or parameter == "":
        raise ValueError(f"write it as {{{name}: text}}" if PARAMETERS[name] else f"{name} takes no value")
    return value if parameter is None else {name: str(parameter)}


Transform = Annotated[str | dict[str, str], BeforeValidator(_transform)]


class Column(Strict):
    """One column.

    Attributes:
        on_bad: what a value that breaks its type does: keep the row out, or only itself.
        format: how a date or time is written (strptime), where it is not a form that is read anyway.
        unit: the unit that the department writes behind a number, such as `万元`.
        aliases: other names that files give this column.
        transforms: what is done to a value before it is checked, in order; see `PARAMETERS`.
        empty: words that mean nothing; when left out, the usual ones, save for text.
        synonyms: what is written → what is meant, before the type is checked.
        split: regular expression whose named groups become columns.
        digits: exactly so many digits; what Excel made of a longer or zero-led number is said.
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
    aliases: list[str] = []
    transforms: list[Transform] = []
    empty: list[str] | None = None
    synonyms: dict[str, str] = {}
    split: str | None = None
    digits: PositiveInt | None = None

    @model_validator(mode="after")
    def _terms(self) -> Column:
        if (self.type is ColumnType.TERM) != (self.terms is not None):
            raise ValueError("`terms` goes with `type: term`, and only with it")
        if self.format is not None and self.type not in (ColumnType.DATE, ColumnType.DATETIME):
            raise ValueError("`format` goes with `type: date` or `type: datetime`")
        if self.unit is not None and self.type not in (ColumnType.NUMBER, ColumnType.INTEGER):
            raise ValueError("`unit` goes with `type: number` or `type: integer`")
        if self.digits is not None and self.type is not ColumnType.TEXT:
            raise ValueError("`digits` goes with `type: text`")
        if self.matches is not None:
            _groups(self.matches)
        if self.split is not None and not _groups(self.split):
            raise ValueError("`split` needs named groups, as in (?P<幢>[0-9]+)幢")
        return self

    @property
    def groups(self) -> list[str]:
        """The columns that `split` makes."""
        return _groups(self.split) if self.split is not None else []


class ReadingSpec(Strict):
    """How the feed's files are read; what is left out is found out. The names are those of `loaders.readers.Reading`."""

    format: Literal["csv", "tsv", "xlsx", "xls", "jsonl", "json", "parquet", "sql"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: PositiveInt | None = None
    header_rows: Literal[1, 2] = 1
    query: str | None = None
    ignore_rows: list[str] | None = None

    @model_validator(mode="after")
    def _holds(self) -> ReadingSpec:
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError(f"no encoding is called {self.encoding!r}") from None
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError("`delimiter` is one character")
        if self.query is not None and self.format not in (None, "sql"):
            raise ValueError("`query` goes with `format: sql`")
        return self


class Coordinates(Strict):
    """The columns of a position, and the system it is measured in. It is turned into CGCS2000, in degrees."""

    system: Literal["CGCS2000", "WGS84", "GCJ02", "BD09"]
    longitude: str
    latitude: str


class Check(Strict):
    """A condition on one column, beyond its type. What is empty is not checked.

    Attributes:
        min, max: of numbers, both ends included.
        not_before, not_after: a day, `today`, or another column, both ends included.
        digits: exactly so many; length: so many characters, or [least, most].
        unique: no value twice within a file.
        message: instead of the usual reason.
        on_bad: keep the row out, drop the value, or only note it.
    """

    column: str
    min: float | None = None
    max: float | None = None
    not_before: str | None = None
    not_after: str | None = None
    matches: str | None = None
    digits: PositiveInt | None = None
    length: PositiveInt | tuple[NonNegativeInt, PositiveInt] | None = None
    unique: bool = False
    one_of: list[str] | None = None
    message: str | None = None
    on_bad: OnBad = "reject"

    @field_validator("not_before", "not_after", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("one_of", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return [str(v) for v in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _something(self) -> Check:
        conditions = set(type(self).model_fields) - {"column", "message", "on_bad"}
        if not any(getattr(self, name) not in (None, False) for name in conditions):
            raise ValueError(f"a check needs a condition: one of {', '.join(sorted(conditions))}")
        if self.matches is not None:
            _groups(self.matches)
        return self


class Deletions(Strict):
    """How a row says that what it speaks of is no more.

    Attributes:
        column: the column that says so.
        values: what it holds then → what is done: `close` its intervals, the person `died`, `remove` the record.
        at: column with the day.
    """

    column: str
    values: dict[str, Literal["close", "died", "remove"]]
    at: str | None = None


class Hold(Strict):
    """When a batch is kept for a person to look at, instead of being loaded.

    Attributes:
        rejects: share of rejected rows above which it is held.
        shrinks: share of the rows of a usual batch below which it is held.
        grows: times the rows of a usual batch above which it is held.
        header: whether another header than last time holds it.
    """

    rejects: Annotated[float, Field(ge=0, le=1)] = 0.2
    shrinks: Annotated[float, Field(ge=0, le=1)] = 0.5
    grows: Annotated[float, Field(ge=1)] = 5.0
    header: bool = True


class Push(Strict):
    """Whether rows of this feed may be pushed over HTTP."""

    enabled: bool = False


class Derived(Strict):
    """A column made of others: the first group of `regex` in column `of`, or a `template` of columns.

    Attributes:
        whole: whether a template is empty as soon as one of its columns is, as a code must be.
    """

    of: str | None = None
    regex: str | None = None
    template: str | None = None
    whole: bool = False

    @model_validator(mode="after")
    def _one(self) -> Derived:
        if (self.template is None) == (self.of is None or self.regex is None):
            raise ValueError("give either `template`, or `of` with `regex`")
        if self.whole and self.template is None:
            raise ValueError("`whole` goes with `template`")
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


FIRST = "first"


class Reporting(NamedTuple):
    """How records report incidents.

    Attributes:
        later: days, on average, after what they report further; None when each is something new.
        own_kind: whether the kind is each record's own and not one for the whole feed.
    """

    later: float | None
    own_kind: bool


class EntityClaim(Strict):
    """An entity that a row speaks of.

    Attributes:
        id: alternatives tried in order, each {namespace: column}; `id_number` namespaces are hashed.
        set: field → column, or `=constant`, or a template with {columns}.
        steps: states that the row gives times for.
        trust: overrides the feed's, where a row only mentions someone in passing.
        mention: columns of which one filled is enough, beside a full name, to speak of a person without any id; who
            it is is decided by the linker.
        report: for an incident that other departments may report as well: `first` where each record is something new
            unless it names another's number; a duration where it may also take up what another department has, on
            average so long after.
    """

    label: str
    id: Annotated[list[dict[str, str]], BeforeValidator(_as_list)]
    set: dict[str, str] = {}
    steps: list[Step] = []
    when: dict[str, str] = {}
    mention: list[str] = []
    report: Annotated[str, Field(pattern=r"^(first|P.+)$")] | None = None
    trust: int | None = None

    @model_validator(mode="after")
    def _known(self) -> EntityClaim:
        entity = ONTOLOGY.entities.get(self.label)
        if entity is None:
            known = nearest(self.label, ONTOLOGY.entities)
            raise Unsound([(("label",), f"no entity is called {self.label}{known}")])
        fields = {name: spec for name, spec in entity.fields().items() if not spec.meta.derived}
        if self.report is not None:
            if self.label != "Incident":
                raise Unsound([(("report",), f"only an Incident is reported, not a {self.label}")])
            if self.report != FIRST:
                try:
                    parse_period(self.report)
                except ValueError as error:
                    raise Unsound([(("report",), str(error))]) from None
        strange = [name for name in self.set if name not in fields]
        if strange:
            said = f"{self.label} has no field {{}} that a feed may set"
            raise Unsound([(("set", n), said.format(n) + nearest(n, fields)) for n in strange])
        return self


class PlaceRef(Strict):
    """An address named by code, by another authority's code, by text, or in a sentence; tried in that order.

    Attributes:
        sentence: `true` when `text` is a message and not an address, or the column with a message that names the place more
            closely than `text` does.
    """

    code: str | None = None
    text: str | None = None
    authority: str | None = None
    local: str | None = None
    sentence: bool | str = False

    @model_validator(mode="after")
    def _message(self) -> PlaceRef:
        if self.sentence is True and self.text is None:
            raise ValueError("`sentence: true` says that `text` is one: give `text`")
        return self

    @property
    def address(self) -> str | None:
        """The column with an address as text."""
        return None if self.sentence is True else self.text

    @property
    def message(self) -> str | None:
        """The column with a message that names the place."""
        return self.text if self.sentence is True else self.sentence or None


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
            known = nearest(self.type, ONTOLOGY.links)
            raise Unsound([(("type",), f"no relationship is called {self.type}{known}")])
        if (self.end is None) == (self.place is None):
            raise ValueError("give either `end` or `place`")
        return self


class Feed(Strict):
    """A feed as declared in `catalog/feeds/<name>.yaml`.

    Attributes:
        match: file-name patterns (fnmatch) that this feed takes.
        header: columns by which a file of unknown name is found to be of this feed; when left out, all that it may not
            lack, if these are at least three.
        trust: 0–100; where feeds disagree the more trusted value is shown.
        key: columns that identify a record within the feed.
        effective: column with the record's own effective time; else the file name's date.
        mode: whether a file holds what changed, or everything: then what is no longer in it is closed.
        scope: columns whose values say which part of the whole a snapshot's file covers.
        retention: how long rows are kept (ISO 8601 duration); for ever when left out.
        rhythm: how often it is expected.
        sensitive: columns to be encrypted besides those of identity numbers and phones.
        join: columns taken over from files beside it.
    """

    feed: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    zh: str
    en: str
    department: str
    legal_basis: str = ""
    match: list[str]
    header: list[str] = []
    trust: Annotated[int, Field(ge=0, le=100)] = 50
    encoding: str | None = None
    reading: ReadingSpec = ReadingSpec()
    key: Annotated[list[str], Field(min_length=1)]
    effective: str | None = None
    mode: Literal["delta", "snapshot"] = "delta"
    scope: list[str] = []
    deletions: Deletions | None = None
    retention: str | None = None
    rhythm: str | None = None
    hold: Hold = Hold()
    sensitive: list[str] = []
    push: Push = Push()
    coordinates: Coordinates | None = None
    join: list[Join] = []
    columns: dict[str, Column]
    derive: dict[str, Derived] = {}
    checks: list[Check] = []
    entities: dict[str, EntityClaim]
    links: list[LinkClaim] = []

    @field_validator("retention")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None:
            parse_period(value)
        return value

    @field_validator("rhythm")
    @classmethod
    def _rhythm(cls, value: str | None) -> str | None:
        if value is not None:
            parse_rhythm(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Feed:
        mistakes = list(self._mistakes())
        if mistakes:
            raise Unsound(mistakes)
        return self

    def _mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What one part says and another does not bear out."""
        made = {g for c in self.columns.values() for g in c.groups}
        known = {*self.columns, *self.derive, *made}

        def need(name: str | None, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], str]]:
            if name is not None and name not in known:
                where = ".".join(str(p) for p in path)
                yield path, f"{where} names column {name!r}, which is not declared{nearest(name, known)}"

        for part, names in (("key", self.key), ("scope", self.scope), ("sensitive", self.sensitive)):
            for i, name in enumerate(names):
                yield from need(name, part, i)
        yield from need(self.effective, "effective")
        others: dict[str, str] = dict.fromkeys(self.columns, "")
        for column, spec in self.columns.items():
            for i, alias in enumerate(spec.aliases):
                if alias in others:
                    yield ("columns", column, "aliases", i), f"{alias!r} is another column's name"
                others[alias] = column
        for i, name in enumerate(self.header):
            if name not in others:
                yield from need(name, "header", i)
        if self.encoding is not None and self.reading.encoding not in (None, self.encoding):
            yield ("reading", "encoding"), "`encoding` and `reading.encoding` say two things"
        if self.scope and self.mode != "snapshot":
            yield ("scope",), "`scope` goes with `mode: snapshot`"
        if self.coordinates is not None:
            for axis in ("longitude", "latitude"):
                name = getattr(self.coordinates, axis)
                yield from need(name, "coordinates", axis)
                if name in self.columns and self.columns[name].type is not ColumnType.NUMBER:
                    yield ("coordinates", axis), f"column {name!r} must be of `type: number`"
        if self.deletions is not None:
            yield from need(self.deletions.column, "deletions", "column")
            yield from need(self.deletions.at, "deletions", "at")
        for i, check in enumerate(self.checks):
            yield from self._check_mistakes(i, check, need(check.column, "checks", i, "column"))
        for i, other in enumerate(self.join):
            yield from need(other.by, "join", i, "by")
            for name in other.take:
                yield from need(name, "join", i, "take", name)
        for name, derived in self.derive.items():
            if name in self.columns:
                yield ("derive", name), f"column {name!r} is declared twice"
            yield from need(derived.of, "derive", name, "of")
            for column in _PLACEHOLDER.findall(derived.template or ""):
                yield from need(column, "derive", name, "template")
        for alias, claim in self.entities.items():
            at = ("entities", alias)
            for i, alternative in enumerate(claim.id):
                for namespace, column in alternative.items():
                    path = (*at, "id", i, namespace)
                    yield from need(column, *path)
            for field, value in claim.set.items():
                for column in _named(value):
                    yield from need(column, *at, "set", field)
            for i, step in enumerate(claim.steps):
                yield from need(step.at, *at, "steps", i, "at")
                yield from need(step.by, *at, "steps", i, "by")
            for column in claim.when:
                yield from need(column, *at, "when", column)
        for i, link in enumerate(self.links):
            yield from self._link_mistakes(i, link)
            for end in ("since", "until"):
                yield from need(getattr(link, end), "links", i, end)
            for field, value in link.set.items():
                if not value.startswith("="):
                    yield from need(value, "links", i, "set", field)
            if link.place is not None:
                for part in ("code", "text", "local"):
                    yield from need(getattr(link.place, part), "links", i, "place", part)
                if isinstance(link.place.sentence, str):
                    yield from need(link.place.sentence, "links", i, "place", "sentence")

    def _check_mistakes(
        self, i: int, check: Check, unknown: Iterator[tuple[tuple[str | int, ...], str]]
    ) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from unknown
        kind = self.columns[check.column].type if check.column in self.columns else None
        numeric = kind in (None, ColumnType.NUMBER, ColumnType.INTEGER)
        timed = kind in (None, ColumnType.DATE, ColumnType.DATETIME)
        for name in ("min", "max"):
            if getattr(check, name) is not None and not numeric:
                yield ("checks", i, name), f"`{name}` is for numbers; {check.column!r} is of type {kind}"
        for name in ("not_before", "not_after"):
            bound = getattr(check, name)
            if bound is None:
                continue
            if not timed:
                yield ("checks", i, name), f"`{name}` is for dates; {check.column!r} is of type {kind}"
            if bound != "today" and bound not in self.columns and parse_date(bound) is None:
                said = f"{bound!r} is neither `today`, a day, nor a column{nearest(bound, self.columns)}"
                yield ("checks", i, name), said
        if kind is ColumnType.LIST:
            yield ("checks", i, "column"), f"column {check.column!r} is a list, which no check reads"

    def _link_mistakes(self, i: int, link: LinkClaim) -> Iterator[tuple[tuple[str | int, ...], str]]:
        strange = False
        for end in ("start", "end"):
            alias = getattr(link, end)
            if alias is not None and alias not in self.entities:
                strange = True
                said = f"link {link.type} joins an alias that is not declared: {alias!r}"
                yield ("links", i, end), said + nearest(alias, self.entities)
        if strange:
            return
        start = self.entities[link.start].label
        end_label = self.entities[link.end].label if link.end else "Address"
        declared = ONTOLOGY.links[link.type]
        if (start, end_label) not in declared.ends:
            yield ("links", i, "type"), f"the ontology has no ({start})-[:{link.type}]->({end_label})"
        for field in link.set:
            spec = declared.fields().get(field)
            if spec is None or spec.meta.derived:
                said = f"{link.type} has no field {field} that a feed may set"
                yield ("links", i, "set", field), said + nearest(field, declared.fields())

    def takes(self, file_name: str) -> bool:
        return any(fnmatch.fnmatchcase(file_name, pattern) for pattern in self.match)

    def takes_header(self, columns: Iterable[str]) -> bool:
        """Whether a file with these columns is of this feed: by its declared `header`, else by all the columns that its
        files may not lack, when these are at least three."""
        names = self.names()
        there = {names.get(c) for c in columns}
        if self.header:
            return all(names[c] in there for c in self.header)
        made = {g for c in self.columns.values() for g in c.groups}
        needed = [n for n, c in self.columns.items() if not c.optional and n not in made]
        return len(needed) >= 3 and there.issuperset(needed)

    def column_of(self, name: str) -> str | None:
        """The declared column that a file's column is, by its name or an alias; None when it is none."""
        return self.names().get(name)

    def names(self) -> dict[str, str]:
        """Every name by which a column may stand in a header → the column."""
        found = {alias: name for name, spec in self.columns.items() for alias in spec.aliases}
        found.update({name: name for name in self.columns})
        return found

    def header_names(self) -> list[str]:
        """Every name by which a column may stand in a file's header: what readers find the header by."""
        return list(self.names())

    def reading_options(self) -> Reading:
        """How readers are told to read this feed's files."""
        spec = self.reading
        ignore = {} if spec.ignore_rows is None else {"ignore_rows": tuple(spec.ignore_rows)}
        return Reading(
            spec.format, spec.encoding or self.encoding, spec.delimiter, spec.sheet, spec.header_row,
            spec.header_rows, spec.query, **ignore,
        )  # fmt: skip

    def sensitive_columns(self) -> frozenset[str]:
        """The columns, under every name, that the ledger keeps encrypted: identity numbers, phones, what `sensitive`
        names, and the columns that any of these is split from."""
        wanted = {n for n, c in self.columns.items() if c.type in SENSITIVE_TYPES} | set(self.sensitive)
        wanted |= {d.of for name, d in self.derive.items() if name in wanted and d.of is not None}
        wanted |= {name for name, c in self.columns.items() if wanted.intersection(c.groups)}
        aliases = {a for name in wanted if name in self.columns for a in self.columns[name].aliases}
        return frozenset(wanted | aliases)

    @cached_property
    def reporting(self) -> Reporting | None:
        """How the feed's records report incidents that other departments may report as well; None when they do not."""
        for claim in self.entities.values():
            if claim.report is not None:
                period = None if claim.report == FIRST else parse_period(claim.report)
                return Reporting(
                    period.average_days() if period else None, not claim.set.get("kind", "=").startswith("=")
                )
        return None

    def rhythm_period(self) -> Period | None:
        """How long between two batches; None when nothing is said, or it streams."""
        return parse_rhythm(self.rhythm) if self.rhythm is not None else None

    def retention_period(self) -> Period | None:
        """How long rows are kept; None for ever."""
        return parse_period(self.retention) if self.retention is not None else None


_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def _named(source: str) -> list[str]:
    """The columns that a field's source speaks of."""
    if source.startswith("="):
        return []
    return _PLACEHOLDER.findall(source) if "{" in source else [source]


def feeds_taking(feeds: Iterable[Feed], name: str, columns: Sequence[str] | None = None) -> list[Feed]:
    """The feeds that a file may be of: by its name; when none takes that, by its header, the longest declared first.

    Args:
        columns: the file's header, where it is known.
    """
    found = [f for f in feeds if f.takes(name)]
    if found or columns is None:
        return found
    by_header = [f for f in feeds if f.takes_header(columns)]
    longest = max((len(f.header) for f in by_header), default=0)
    return [f for f in by_header if len(f.header) == longest]


def load_feeds(directory: Path) -> dict[str, Feed]:
    """All feeds declared in a directory, by name.

    Raises:
        UsageError: BAD_CATALOG with file and line, when a declaration does not hold.
    """
    from loaders.catalogue import read_feed

    feeds: dict[str, Feed] = {}
    if not directory.is_dir():
        raise UsageError(
            "BAD_CATALOG",
            f"没有目录 {directory}",
            f"there is no directory {directory}",
            "Give --catalog a directory with feeds/ in it.",
        )
    for path in sorted(directory.glob("*.yaml")):
        feed, mistakes = read_feed(path)
        if feed is None:
            first = mistakes[0]
            more = f" ({len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
            raise UsageError(
                "BAD_CATALOG",
                f"{first.where} {first.zh}",
                f"{first.where} {first.en}{more}",
                "quanxi catalog check lists every mistake.",
            )
        feeds[feed.feed] = feed
    return feeds
