"""The address code scheme (地址码规则): a declared, versioned way to write a place's position in the hierarchy as one text.

A scheme is a YAML file in `catalog/schemes/` (or anywhere, given its path). It lists the segments of a code from the top
down. With an empty `separator` each segment has a fixed width and the code is the segments side by side
(`330109` + `001` + `001` …); with a separator the widths are free (`M/1/2/AA/123`).

Codes that stand outside the tree of segments (grids, roads, estates, zones) are `independent`: they are written as
`prefix` + the code they are numbered under + `infix` + number.

A code is a property of a place and not its identity: codes change, and the relationship `IN` is the truth about what lies
in what. What is computed here from the text of a code is an optimisation for the current codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ontology.errors import UsageError
from ontology.reading import read_yaml
from ontology.text import half_width

SCHEMES = Path(__file__).resolve().parent.parent / "catalog" / "schemes"
DEFAULT_SCHEME = "CN-330109"

_LEVEL = r"^[A-Z][A-Z_]*$"


class Title(BaseModel):
    """A name in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str


class Choice(BaseModel):
    """One level that a segment's value may stand for, with the values that mean it.

    Either `pattern` (a regular expression for the whole value, without look-around, so that polars can run it too)
    or `lowest` and `highest` (the value is a number in that range, both ends included), or neither (any value).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: str = Field(pattern=_LEVEL)
    zh: str
    en: str
    pattern: str | None = None
    lowest: int | None = Field(default=None, ge=0)
    highest: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.lowest is None) != (self.highest is None):
            raise ValueError(f"{self.level}: lowest and highest go together")
        if self.pattern is not None:
            if self.lowest is not None:
                raise ValueError(f"{self.level}: give a pattern or a range, not both")
            if re.search(r"\(\?(?:=|!|<[=!])", self.pattern):
                raise ValueError(f"{self.level}: a pattern cannot look around")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"{self.level}: not a regular expression: {error}") from error
        return self


class Segment(Choice):
    """One step down the tree. `also` names further levels that share the segment; `absent` is the value that means
    that this step is left out (and that the next one hangs on the step before)."""

    width: int | None = Field(default=None, ge=1, le=32)
    absent: str | None = None
    also: tuple[Choice, ...] = ()

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The segment's own level first, then those that share it."""
        return (self, *self.also)


class Independent(BaseModel):
    """A kind of code outside the tree: `prefix` + code of a place at level `under` + `infix` + number of `width` digits.

    Without `under` the code is `prefix` + number. In a scheme with a separator, it also stands before the infix.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: str = Field(pattern=_LEVEL)
    zh: str
    en: str
    under: str | None = None
    prefix: str = ""
    infix: str = ""
    width: int | None = Field(default=None, ge=1, le=32)
    pattern: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.prefix and not self.infix:
            raise ValueError(f"{self.level}: needs a prefix or an infix to be told from codes of the tree")
        if (self.width is None) == (self.pattern is None):
            raise ValueError(f"{self.level}: give either a width (of digits) or a pattern")
        return self


class SchemeFile(BaseModel):
    """What a scheme's YAML file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    title: Title
    separator: str = Field(default="", max_length=3)
    upper: bool = True
    padded_to: int | None = None
    segments: tuple[Segment, ...] = Field(min_length=1)
    independent: tuple[Independent, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        levels = [choice.level for segment in self.segments for choice in segment.choices]
        for other in self.independent:
            if other.under is not None and other.under not in levels:
                raise ValueError(f"{other.level}: is under {other.under}, which no earlier entry declares")
            levels.append(other.level)
        twice = sorted({level for level in levels if levels.count(level) > 1})
        if twice:
            raise ValueError(f"declared twice: {', '.join(twice)}")
        for segment in self.segments:
            if not self.separator and segment.width is None:
                raise ValueError(f"{segment.level}: needs a width, because the scheme has no separator")
            if segment.width and segment.absent is not None and len(segment.absent) != segment.width:
                raise ValueError(
                    f"{segment.level}: absent value {segment.absent!r} is not {segment.width} long"
                )
        if self.segments[0].absent is not None or self.segments[-1].absent is not None:
            raise ValueError("the first and the last segment cannot be absent")
        return self


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was understood.

    Attributes:
        code: in its canonical form.
        level: what kind of place it is a code of (`COMMUNITY`, `GRID`, …).
        number: the last segment, or the number of an independent code.
        parts: the segments' values from the top, fillers included; empty for independent codes without `under`.
        ancestors: codes of the places above, top first, without itself.
        independent: whether it stands outside the tree (then places in it do not carry it in their code).
    """

    code: str
    level: str
    number: str
    parts: tuple[str, ...]
    ancestors: tuple[str, ...]
    independent: bool

    @property
    def parent(self) -> str | None:
        """The place directly above, or None at the top."""
        return self.ancestors[-1] if self.ancestors else None


class Scheme:
    """An address code scheme, ready to use. Methods raise `UsageError("BAD_CODE")` for what is no code, if not said otherwise.

    Instances come from `load_scheme` and hold no state besides caches.
    """

    def __init__(self, declared: SchemeFile) -> None:
        self.declared = declared
        self.name = declared.name
        self.version = declared.version
        self.separator = declared.separator
        self._at: dict[str, int] = {}
        self.titles: dict[str, Title] = {}
        for index, segment in enumerate(declared.segments):
            for choice in segment.choices:
                self._at[choice.level] = index
                self.titles[choice.level] = Title(zh=choice.zh, en=choice.en)
        self._independent: dict[str, Independent] = {}
        self._regex: dict[str, re.Pattern[str]] = {}
        for kind in declared.independent:
            self.titles[kind.level] = Title(zh=kind.zh, en=kind.en)
            self._independent[kind.level] = kind
            self._regex[kind.level] = re.compile(self._pattern_of(kind, named=True))
        self._parse = lru_cache(maxsize=1 << 16)(self._parse_uncached)
        # A district of a million places has some thousands of parts.
        self._chosen = lru_cache(maxsize=1 << 16)(self._choose)

    def __reduce__(self) -> tuple[type[Scheme], tuple[SchemeFile]]:
        return Scheme, (self.declared,)

    def __repr__(self) -> str:
        return f"Scheme({self.name!r}, version={self.version})"

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels: those of the tree from the top down, then the independent ones."""
        return tuple(self.titles)

    @property
    def top(self) -> str:
        """The highest level."""
        return self.declared.segments[0].level

    # -- one code at a time ---------------------------------------------------------------------------------------

    def parse(self, code: str) -> Code:
        """Read a code. Full-width characters, spaces around it and lower case are folded, a trailing separator dropped.

        Raises:
            UsageError: `BAD_CODE`, with what is wrong and what a code looks like.
        """
        return self._parse(self._fold(code))

    def level_of(self, code: str) -> str | None:
        """The level of the place that the code is for, or None when it is no code of this scheme."""
        try:
            return self.parse(code).level
        except UsageError:
            return None

    def parent(self, code: str) -> str | None:
        """The code of the place directly above, or None at the top."""
        return self.parse(code).parent

    def ancestors(self, code: str) -> list[str]:
        """The codes of all places above, top first, without the place itself."""
        return list(self.parse(code).ancestors)

    def chain(self, code: str) -> list[str]:
        """The codes from the top down to the place itself."""
        parsed = self.parse(code)
        return [*parsed.ancestors, parsed.code]

    def at_level(self, code: str, level: str) -> str | None:
        """The place itself or the one above it that is at `level`; None when there is none."""
        parsed = self.parse(code)
        if parsed.level == level:
            return parsed.code
        return next((each for each in reversed(parsed.ancestors) if self.parse(each).level == level), None)

    def is_within(self, code: str, ancestor: str) -> bool:
        """Whether the first place is the second one or lies below it, by the codes alone."""
        return self.parse(ancestor).code in self.chain(code)

    def width(self, level: str) -> int:
        """How many characters the codes of a level of the tree have, in a scheme of fixed widths.

        Raises:
            ValueError: no level of the tree is called so.
        """
        width = 0
        for segment in self.declared.segments:
            width += segment.width or 0
            if segment.level == level:
                return width
        raise ValueError(level)

    def key(self, code: str) -> str:
        """The place key: the code so written that a subtree is one prefix.

        It is the code and the separator behind it, hence the code itself in a scheme of fixed widths. What stores a derived place
        stores its key; `x.place STARTS WITH key(area)` then is exactly "in that area, itself included".
        Holds for codes of the tree and for codes with an infix; not for those with a prefix (roads, estates, zones).
        """
        return self.parse(code).code + self.separator

    def prefix(self, code: str) -> str:
        """The text with which the key of the place and of every place below it starts (= `key`)."""
        return self.key(code)

    def subtree(self, code: str) -> tuple[str, str]:
        """(equal, starts with): a stored plain code is in the subtree when it equals the first or starts with the second."""
        plain = self.parse(code).code
        return plain, plain + self.separator

    def child(self, parent: str | None, level: str, number: int | str) -> str:
        """Compose the code of a place at `level` numbered `number` in the place `parent` (None or "" for the top level).

        A number is padded with zeros to the segment's width; steps between that may be absent are filled. So
        `child("3301090010010001", "DWELLING", 301)` is `3301090010010001` + `00` + `0301`.

        Raises:
            UsageError: `BAD_CODE` when the parent is no code, the level cannot be under it, or the number does not fit.
        """
        above = self.parse(parent) if parent else None
        if level in self._independent:
            kind = self._independent[level]
            if (above.level if above else None) != kind.under:
                raise self._cannot_hold(parent, level)
            text = str(number).zfill(kind.width) if kind.width else str(number)
            code = self._compose(kind, above.code if above else "", text)
        elif level in self._at:
            index = self._at[level]
            if above is not None and above.independent:
                raise self._cannot_hold(parent, level)
            parts = list(above.parts) if above else []
            if len(parts) > index:
                raise self._cannot_hold(parent, level)
            for segment in self.declared.segments[len(parts) : index]:
                if segment.absent is None:
                    raise self._cannot_hold(parent, level)
                parts.append(segment.absent)
            width = self.declared.segments[index].width
            parts.append(str(number).zfill(width) if width else str(number))
            code = self.separator.join(parts)
        else:
            raise self._unknown_level(level)
        made = self.parse(code)
        if made.level != level:
            raise self._bad(
                code,
                f"编号 {number} 不是{self.titles[level].zh}的编号",
                f"number {number} is not one of level {level}",
            )
        return made.code

    # -- columns of codes -------------------------------------------------------------------------------------------

    def level_expr(self, col: str | pl.Expr, level: str) -> pl.Expr:
        """The ancestor-or-self at `level` of a polars column of codes or keys, null where there is none.

        The codes must be canonical (as `parse` gives them); what is no code gives null or, if only its end is wrong, the sound part.
        Levels of the tree, and GRID and MICRO_GRID likes (independent levels with an infix), are found.
        """
        column = pl.col(col) if isinstance(col, str) else col
        if level in self._independent:
            kind = self._independent[level]
            inner = self._pattern_of(kind, named=False)
            found = column.str.extract(f"^({inner})")
            # Without an infix the whole must match, else R330109000012 would be read as R33010900001.
            return found if kind.infix else pl.when(column == found).then(found)
        if level not in self._at:
            raise self._unknown_level(level)
        index = self._at[level]
        sound = pl.lit(True)
        for above in range(index):
            segment = self.declared.segments[above]
            value = self._segment_expr(column, above)
            allowed = pl.lit(False) if segment.absent is None else value == segment.absent
            for choice in segment.choices:
                allowed = allowed | self._allows_expr(choice, segment.width, value)
            sound = sound & allowed
        own = self.declared.segments[index]
        chosen = next(choice for choice in own.choices if choice.level == level)
        sound = sound & self._allows_expr(chosen, own.width, self._segment_expr(column, index))
        if self.separator:
            text = column.str.split(self.separator).list.head(index + 1).list.join(self.separator)
        else:
            text = column.str.slice(0, self._end(index))
        return pl.when(sound).then(text)

    def level_of_expr(self, col: str | pl.Expr) -> pl.Expr:
        """The level of each code of a polars column of canonical codes (not keys), null for what is no code."""
        column = pl.col(col) if isinstance(col, str) else col
        cases: list[pl.Expr] = []
        for level in self.levels:
            cases.append(pl.when(self.level_expr(column, level) == column).then(pl.lit(level)))
        return pl.coalesce(cases)

    def key_expr(self, col: str | pl.Expr) -> pl.Expr:
        """The place keys of a polars column of canonical codes."""
        column = pl.col(col) if isinstance(col, str) else col
        return column + self.separator if self.separator else column

    # -- inside -----------------------------------------------------------------------------------------------------

    def _fold(self, code: str) -> str:
        if code.isascii() and code.isalnum():
            return code.upper() if self.declared.upper else code
        text = half_width(code).strip()
        if self.declared.upper:
            text = text.upper()
        return text.removesuffix(self.separator) if self.separator else text

    def _end(self, index: int) -> int:
        return sum(segment.width or 0 for segment in self.declared.segments[: index + 1])

    def _parse_uncached(self, text: str) -> Code:
        if not text:
            raise self._bad(text, "地址码为空", "the address code is empty")
        for level, regex in self._regex.items():
            match = regex.fullmatch(text)
            if match is not None:
                kind = self._independent[level]
                if kind.under is None:
                    return Code(text, level, match["number"], (), (), True)
                above = self._parse(match["parent"])
                if above.level == kind.under:
                    ancestors = (*above.ancestors, above.code)
                    return Code(text, level, match["number"], above.parts, ancestors, True)
        parts = self._split(text)
        if len(parts) > len(self.declared.segments):
            raise self._bad(text, "地址码过长", "the address code has too many segments")
        last = len(parts) - 1
        level = ""
        ancestors_found: list[str] = []
        for index, part in enumerate(parts):
            segment = self.declared.segments[index]
            if segment.absent is not None and part == segment.absent:
                if index == last:
                    raise self._bad(
                        text,
                        f"末段“{part}”表示没有{segment.zh}，不能单独成为地址码",
                        f"the last segment {part!r} means that there is no {segment.en.lower()}; it names no place",
                    )
                continue
            found = self._chosen(index, part)
            if found is None:
                raise self._bad(
                    text,
                    f"{segment.zh}段“{part}”无效",
                    f"{part!r} is not valid in the segment {segment.level}",
                )
            if index == last:
                level = found.level
            else:
                ancestors_found.append(self.separator.join(parts[: index + 1]))
        return Code(
            self.separator.join(parts),
            level,
            parts[last],
            tuple(parts),
            tuple(ancestors_found),
            False,
        )

    def _choose(self, index: int, part: str) -> Choice | None:
        """What a part is in the segment at a position: the first choice that allows it."""
        segment = self.declared.segments[index]
        return next((choice for choice in segment.choices if _allows(choice, segment.width, part)), None)

    def _split(self, text: str) -> list[str]:
        if self.separator:
            return text.split(self.separator)
        if self.declared.padded_to == len(text):
            text = self._unpadded(text)
        parts: list[str] = []
        start = 0
        for segment in self.declared.segments:
            if start >= len(text):
                break
            width = segment.width or 0
            parts.append(text[start : start + width])
            start += width
        if start < len(text):
            raise self._bad(text, "地址码过长", "the address code is too long")
        return parts

    def _unpadded(self, text: str) -> str:
        """330109001000 → 330109001, as the national tables pad the codes of higher levels with zeros."""
        for index in range(len(self.declared.segments)):
            end = self._end(index)
            if end < len(text) and set(text[end:]) == {"0"}:
                return text[:end]
        return text

    def _compose(self, kind: Independent, parent: str, number: str) -> str:
        joint = self.separator if parent and kind.infix else ""
        return f"{kind.prefix}{parent}{joint}{kind.infix}{number}"

    def _pattern_of(self, kind: Independent, *, named: bool) -> str:
        """A regular expression for an independent code; the parent in it is checked again by parsing it."""
        number = rf"[0-9]{{{kind.width}}}" if kind.width else f"(?:{kind.pattern})"
        parent = ""
        if kind.under is not None:
            outer = self._independent.get(kind.under)
            if outer is not None:
                parent = self._pattern_of(outer, named=False)
            else:
                upto = self.declared.segments[: self._at[kind.under] + 1]
                parent = re.escape(self.separator).join(_loose(segment) for segment in upto)
        joint = re.escape(self.separator) if parent and kind.infix else ""
        if named:
            parent, number = f"(?P<parent>{parent})", f"(?P<number>{number})"
        return f"{re.escape(kind.prefix)}{parent}{joint}{re.escape(kind.infix)}{number}"

    def _segment_expr(self, column: pl.Expr, index: int) -> pl.Expr:
        if self.separator:
            return column.str.split(self.separator).list.get(index, null_on_oob=True)
        width = self.declared.segments[index].width or 0
        return column.str.slice(self._end(index) - width, width)

    @staticmethod
    def _allows_expr(choice: Choice, width: int | None, value: pl.Expr) -> pl.Expr:
        if choice.pattern is not None:
            allowed = value.str.contains(f"^(?:{choice.pattern})$")
        elif choice.lowest is not None:
            number = value.cast(pl.Int64, strict=False)
            allowed = value.str.contains("^[0-9]+$") & number.is_between(choice.lowest, choice.highest)
        else:
            allowed = value != ""
        if width is not None:
            allowed = allowed & (value.str.len_chars() == width)
        return allowed.fill_null(False)

    def _example(self) -> str:
        shape = [
            f"{segment.level}{f'({segment.width})' if segment.width else ''}"
            for segment in self.declared.segments
        ]
        return (self.separator or " ").join(shape)

    def _bad(self, code: str, zh: str, en: str) -> UsageError:
        shown = code if len(code) <= 64 else code[:64] + "…"
        return UsageError(
            "BAD_CODE",
            f"地址码“{shown}”无效：{zh}。",
            f"{shown!r} is not an address code: {en}.",
            f"Scheme {self.name} v{self.version}: {self._example()}; a code may end after any segment.",
        )

    def _cannot_hold(self, parent: str | None, level: str) -> UsageError:
        title = self.titles[level]
        return self._bad(
            parent or "",
            f"其下不能有{title.zh}",
            f"a place of level {level} cannot be directly under it",
        )

    def _unknown_level(self, level: str) -> UsageError:
        return UsageError(
            "BAD_ARGUMENT",
            f"地址码规则 {self.name} 没有层级 {level}。",
            f"Scheme {self.name} has no level {level}.",
            f"Levels: {', '.join(self.levels)}.",
        )


def _allows(choice: Choice, width: int | None, value: str) -> bool:
    if not value or (width is not None and len(value) != width):
        return False
    if choice.pattern is not None:
        return re.fullmatch(choice.pattern, value) is not None
    if choice.lowest is not None and choice.highest is not None:
        return value.isascii() and value.isdigit() and choice.lowest <= int(value) <= choice.highest
    return True


def _loose(segment: Segment) -> str:
    """A regular expression that lets through at least every value of the segment."""
    kinds = [segment.absent] if segment.absent is not None else []
    for choice in segment.choices:
        if choice.pattern is not None:
            kinds.append(choice.pattern)
        elif choice.lowest is not None:
            kinds.append(f"[0-9]{{{segment.width}}}" if segment.width else "[0-9]+")
        else:
            kinds.append(f".{{{segment.width}}}" if segment.width else ".+?")
    return f"(?:{'|'.join(dict.fromkeys(kinds))})"


@lru_cache(maxsize=64)
def _load(path: Path) -> Scheme:
    try:
        raw = read_yaml(path.read_text(encoding="utf-8"))
        return Scheme(SchemeFile.model_validate(raw))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            "BAD_ARGUMENT",
            f"无法读取地址码规则 {path}。",
            f"The address scheme {path} cannot be read: {error}",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise UsageError(
            "BAD_ARGUMENT",
            f"地址码规则 {path} 有误（{where}）。",
            f"The address scheme {path} is wrong at {where}: {first['msg']}.",
        ) from error


def load_scheme(source: str | Path = DEFAULT_SCHEME, *, directory: Path = SCHEMES) -> Scheme:
    """Load a scheme by its name (as declared in a file of `directory`), its file's stem there, or its path. Cached per path.

    Raises:
        UsageError: `BAD_ARGUMENT` when there is none, or its file is wrong.
    """
    path = Path(source)
    if path.suffix in {".yaml", ".yml"}:
        return _load(path.resolve())
    by_stem = directory / f"{source}.yaml"
    if by_stem.is_file():
        return _load(by_stem.resolve())
    known: list[str] = []
    for file in sorted(directory.glob("*.yaml")):
        scheme = _load(file.resolve())
        if scheme.name == str(source):
            return scheme
        known.append(scheme.name)
    raise UsageError(
        "BAD_ARGUMENT",
        f"没有名为 {source} 的地址码规则。",
        f"There is no address scheme named {source}.",
        f"Known: {', '.join(known) or 'none'}; or give the path of a YAML file.",
    )
