"""Declarations in YAML: reading one into its model, and saying every mistake in it with file and line, in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from rapidfuzz import fuzz, process

from ontology.reading import read_yaml_and_nodes

Where = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unsound(ValueError):
    """What does not hold between the parts of a declaration, each mistake with the path of keys where it stands."""

    def __init__(self, mistakes: list[tuple[tuple[str | int, ...], str]]) -> None:
        super().__init__("; ".join(said for _, said in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake: `line` counts from 1."""

    path: Path
    line: int
    zh: str
    en: str

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}:"


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each key and item of a YAML document stands.

    Attributes:
        at: path of keys and indexes → line.
        twice: keys that stand twice in one mapping, of which YAML silently takes the last.
    """

    at: dict[Where, int]
    twice: list[tuple[Where, int, int]]

    def of(self, where: Iterable[Any]) -> int:
        """The line of the deepest part of a path that is written; what a model put in between is passed over."""
        held: Where = ()
        for part in where:
            if (*held, part) in self.at:
                held = (*held, part)
        return self.at.get(held, 1)


def lines_of(node: yaml.Node | None) -> Lines:
    """The lines of a composed YAML document."""
    at: dict[Where, int] = {}
    twice: list[tuple[Where, int, int]] = []

    def walk(node: yaml.Node, where: Where) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = (*where, str(key.value))
                line = key.start_mark.line + 1
                if name in at:
                    twice.append((name, line, at[name]))
                at[name] = line
                walk(value, name)
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                at[*where, i] = item.start_mark.line + 1
                walk(item, (*where, i))

    if node is not None:
        walk(node, ())
    return Lines(at, twice)


NO_LINES = Lines({}, [])


@dataclass(frozen=True)
class Read(Generic[M]):
    """A declaration as read, with the lines of its parts."""

    path: Path
    declaration: M
    lines: Lines

    def mistake(self, where: Where, zh: str, en: str) -> Mistake:
        return Mistake(self.path, self.lines.of(where), zh, en)


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing where no known word is near."""
    found = process.extractOne(word, list(known), scorer=fuzz.WRatio, score_cutoff=65)
    return f" (did you mean {found[0]!r}?)" if found else ""


def read_declared(path: Path, model: type[M]) -> tuple[M | None, Lines, list[Mistake]]:
    """What a YAML file declares, or None; where each of its keys stands; and all that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None, NO_LINES, [Mistake(path, 1, "不是 UTF-8 文本", "is not UTF-8 text")]
    return read_declared_text(text, path, model)


def read_declared_text(text: str, path: Path, model: type[M]) -> tuple[M | None, Lines, list[Mistake]]:
    """As `read_declared`, of a text that is called by a path."""
    try:
        raw, node = read_yaml_and_nodes(text)
        lines = lines_of(node)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, NO_LINES, [Mistake(path, line, f"不是有效的 YAML:{said}", f"is not valid YAML: {said}")]
    mistakes = [
        Mistake(
            path, line, f"`{where[-1]}` 重复,首见于第 {first} 行", f"`{where[-1]}` is given twice, first on line {first}"
        )
        for where, line, first in lines.twice
    ]  # fmt: skip
    if not isinstance(raw, dict):
        said = ("应为 键: 值 的声明", "should be a mapping of keys to values")
        return None, lines, [*mistakes, Mistake(path, 1, *said)]
    declared = None
    found: list[tuple[Where, str, str]] = []
    try:
        declared = model.model_validate(raw)
    except ValidationError as error:
        found = list(_said(error, model))
        found += _behind(raw, error, {where for where, _, _ in found}, model)
    mistakes += [Mistake(path, lines.of(where), zh, en) for where, zh, en in found]
    return declared, lines, sorted(set(mistakes))


def _said(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Where, str, str]]:
    for item in error.errors(include_url=False):
        where = item["loc"]
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, Unsound):
            for below, said in cause.mistakes:
                yield (*where, *below), f"声明有误:{said}", said
            continue
        shown = ".".join(str(p) for p in where if not _invented(p)) or "file"
        zh, en = _told(item, where, cause, model)
        yield where, f"{shown} {zh}", f"{shown}: {en}"


def _invented(part: Any) -> bool:
    """Whether a part of a path is pydantic's name for a branch of a union and not a key."""
    return isinstance(part, str) and ("[" in part or part in ("str", "int", "float"))


def _told(item: Any, where: Where, cause: Any, model: type[BaseModel]) -> tuple[str, str]:
    """A mistake in both languages."""
    given, context = item.get("input"), item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "缺少", "is missing"
        case "extra_forbidden":
            fields = _fields_at(model, where[:-1])
            near = nearest(str(where[-1]), fields)
            hint = f"(是否为 {near.split(chr(39))[1]} ?)" if near else ""
            known = "" if near else f"; known: {', '.join(fields)}"
            return f"没有这一项{hint}", f"there is no such key{near}{known}"
        case "literal_error" | "enum":
            choices = context["expected"]
            words = [w.strip("' ") for w in choices.replace(" or ", ",").split(",")]
            return (
                f"应为 {'、'.join(words)} 之一,实为 {given!r}",
                f"{given!r} should be one of {', '.join(words)}{nearest(str(given), words)}",
            )
        case "string_type":
            return (
                f"应为文本,实为 {given!r}(可加引号)",
                f"{given!r} should be text; put it in quotes if it is meant so",
            )
        case "list_type":
            return f"应为列表,实为 {given!r}", f"{given!r} should be a list, as in [a, b]"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"应为 键: 值,实为 {given!r}", f"{given!r} should be a mapping, as in {{a: b}}"
        case "value_error":
            return f"有误:{cause}", str(cause)
    return f"有误:{item['msg']}(实为 {given!r})", f"{item['msg']} (given: {given!r})"


def _fields_at(model: type[BaseModel], where: Where) -> list[str]:
    """The keys that may stand at a path of a declaration."""
    at: Any = model
    for part in where:
        at = _below(at, part)
    at = _models(at)
    return list(at.model_fields) if at is not None else []


def _models(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation, whatever is wrapped around it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((m for a in get_args(annotation) if (m := _models(a)) is not None), None)
    return None


def _below(annotation: Any, part: str | int) -> Any:
    model = _models(annotation)
    if model is not None:
        spec = model.model_fields.get(str(part))
        return spec.annotation if spec is not None else None
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((b for a in get_args(annotation) if (b := _below(a, part)) is not None), None)
    if get_origin(annotation) in (dict, list):
        return get_args(annotation)[-1]
    return None


# Whoever made so many mistakes at once has enough to mend first.
_MANY = 50


def _behind(
    raw: dict[str, Any], error: ValidationError, told: set[Where], model: type[BaseModel]
) -> list[tuple[Where, str, str]]:
    """Mistakes that stand behind the ones found: what the rest of a declaration says once these are left out."""
    pruned: set[Where] = set()
    if error.error_count() > _MANY:
        return []
    for item in error.errors(include_url=False):
        if item["type"] == "missing" or not item["loc"]:
            return []
        pruned.add(tuple(p for p in item["loc"] if not _invented(p)))
    rest = raw
    for where in sorted(pruned, key=len, reverse=True):
        rest = _without(rest, where)
    try:
        model.model_validate(rest)
    except ValidationError as more:
        # What only breaks because something was left out above it is no news.
        tops = {where[:-1] for where in pruned} | {where[:2] for where in pruned}
        return [
            (where, zh, en)
            for where, zh, en in _said(more, model)
            if where not in told and where not in pruned and not any(where == top or where == top[:-1] for top in tops if top)
            and not any(isinstance(p, str) and f"'{p}'" in en for at in pruned for p in at)
        ]  # fmt: skip
    return []


def _without(value: Any, where: Where) -> Any:
    if not where:
        return value
    first, rest = where[0], where[1:]
    if isinstance(value, dict) and first in value:
        if not rest:
            return {k: v for k, v in value.items() if k != first}
        return {k: _without(v, rest) if k == first else v for k, v in value.items()}
    if isinstance(value, list) and isinstance(first, int) and first < len(value):
        # An item is emptied and not taken out, so that those behind it keep their number.
        return [_without(v, rest) if i == first and rest else v for i, v in enumerate(value)]
    return value
