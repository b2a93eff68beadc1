"""Reads a catalogue's files and says every mistake in them with file and line."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from loaders.declaration import Feed, Unsound, nearest
from ontology import ONTOLOGY
from ontology.errors import UsageError
from ontology.terms import CATALOG, Terms, load_terms

Where = tuple[str | int, ...]


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


@dataclass(frozen=True, slots=True)
class Declared:
    """A feed's declaration as read, with the lines of its parts."""

    path: Path
    feed: Feed
    lines: Lines

    def mistake(self, where: Where, zh: str, en: str) -> Mistake:
        return Mistake(self.path, self.lines.of(where), zh, en)


@dataclass(slots=True)
class Catalogue:
    """What `check_catalogue` found: the declarations that hold, and every mistake, by file and line."""

    declared: list[Declared] = field(default_factory=list)
    lists: int = 0
    mistakes: list[Mistake] = field(default_factory=list)


def read_feed(path: Path) -> tuple[Feed | None, list[Mistake]]:
    """The feed that a file declares, or None with all that is wrong with it."""
    declared, mistakes = read_declaration(path)
    return (declared.feed if declared is not None and not mistakes else None), mistakes


def read_declaration(path: Path) -> tuple[Declared | None, list[Mistake]]:
    """A declaration with its lines, or None; and all that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.safe_load(text)
        lines = lines_of(yaml.compose(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError:
        return None, [Mistake(path, 1, "不是 UTF-8 文本", "is not UTF-8 text")]
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, [Mistake(path, line, f"不是有效的 YAML:{said}", f"is not valid YAML: {said}")]
    mistakes = [
        Mistake(
            path, line, f"`{where[-1]}` 重复,首见于第 {first} 行", f"`{where[-1]}` is given twice, first on line {first}"
        )
        for where, line, first in lines.twice
    ]  # fmt: skip
    if not isinstance(raw, dict):
        said = ("应为 键: 值 的声明", "should be a mapping of keys to values")
        return None, [*mistakes, Mistake(path, 1, *said)]
    feed = None
    found: list[tuple[Where, str, str]] = []
    try:
        feed = Feed.model_validate(raw)
    except ValidationError as error:
        found = list(_said(error))
        found += _behind(raw, error, {where for where, _, _ in found})
    mistakes += [Mistake(path, lines.of(where), zh, en) for where, zh, en in found]
    return (Declared(path, feed, lines) if feed is not None else None), sorted(set(mistakes))


def _said(error: ValidationError) -> Iterator[tuple[Where, str, str]]:
    for item in error.errors(include_url=False):
        where = item["loc"]
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, Unsound):
            for below, said in cause.mistakes:
                yield (*where, *below), f"声明有误:{said}", said
            continue
        shown = ".".join(str(p) for p in where if not _invented(p)) or "feed"
        zh, en = _told(item, where, cause)
        yield where, f"{shown} {zh}", f"{shown}: {en}"


def _invented(part: Any) -> bool:
    """Whether a part of a path is pydantic's name for a branch of a union and not a key."""
    return isinstance(part, str) and ("[" in part or part in ("str", "int", "float"))


def _told(item: Any, where: Where, cause: Any) -> tuple[str, str]:
    """A mistake in both languages."""
    given, context = item.get("input"), item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "缺少", "is missing"
        case "extra_forbidden":
            fields = _fields_at(where[:-1])
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


def _fields_at(where: Where) -> list[str]:
    """The keys that may stand at a path of a declaration."""
    at: Any = Feed
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


def _behind(raw: dict[str, Any], error: ValidationError, told: set[Where]) -> list[tuple[Where, str, str]]:
    """Mistakes that stand behind the ones found: what the rest of a declaration says once these are left out."""
    pruned: set[Where] = set()
    for item in error.errors(include_url=False):
        if item["type"] == "missing" or not item["loc"]:
            return []
        pruned.add(tuple(p for p in item["loc"] if not _invented(p)))
    rest = raw
    for where in sorted(pruned, key=len, reverse=True):
        rest = _without(rest, where)
    try:
        Feed.model_validate(rest)
    except ValidationError as more:
        # What only breaks because something was left out above it is no news.
        tops = {where[:-1] for where in pruned} | {where[:2] for where in pruned}
        return [
            (where, zh, en)
            for where, zh, en in _said(more)
            if where not in told and not any(where == top or where == top[:-1] for top in tops if top)
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


def check_catalogue(directory: Path) -> Catalogue:
    """Every mistake in a catalogue: `feeds/*.yaml` one by one, then what they say of each other and of `terms/`.

    A catalogue without `terms/` uses the lists that come with Quanxi, as loading does.

    Raises:
        UsageError: BAD_CATALOG when there is no such directory, or it has no `feeds/`.
    """
    if not (directory / "feeds").is_dir():
        raise UsageError(
            "BAD_CATALOG",
            f"没有目录 {directory / 'feeds'}",
            f"there is no directory {directory / 'feeds'}",
            "Name a catalogue: a directory with feeds/ in it.",
        )
    found = Catalogue()
    for path in sorted((directory / "feeds").glob("*.yaml")):
        declared, mistakes = read_declaration(path)
        found.mistakes += mistakes
        if declared is not None:
            found.declared.append(declared)
    try:
        terms = load_terms(directory if (directory / "terms").is_dir() else CATALOG)
        found.lists = len(terms.lists)
    except UsageError as error:
        terms = None
        named, _, said = error.en.partition(" is not ")
        found.mistakes.append(Mistake(Path(named), 1, "不是有效的字典文件", f"is not {said}"))
    if terms is not None:
        for declared in found.declared:
            found.mistakes += _terms_mistakes(declared, terms)
    found.mistakes += _between(found.declared)
    found.mistakes = sorted(set(found.mistakes))
    return found


def _terms_mistakes(declared: Declared, terms: Terms) -> Iterator[Mistake]:
    feed = declared.feed
    lists: dict[str, str] = {}
    for name, column in feed.columns.items():
        if column.terms is None:
            continue
        if column.terms not in terms.lists:
            near = nearest(column.terms, terms.lists)
            yield declared.mistake(
                ("columns", name, "terms"),
                f"没有字典 {column.terms}",
                f"no term list is called {column.terms!r}{near}",
            )
            continue
        lists[name] = column.terms
        for written, meant in column.synonyms.items():
            if meant not in terms.code_of(column.terms):
                yield declared.mistake(
                    ("columns", name, "synonyms", written),
                    f"字典 {column.terms} 中没有 {meant}",
                    f"term list {column.terms} has no {meant!r}{nearest(meant, terms.code_of(column.terms))}",
                )
    for alias, claim in feed.entities.items():
        at: Where = ("entities", alias)
        for column_name, value in claim.when.items():
            if column_name in lists and value not in terms.lists[lists[column_name]]:
                yield _no_code(declared, (*at, "when", column_name), lists[column_name], value, terms)
        specs = ONTOLOGY.entities[claim.label].fields()
        for name, source in claim.set.items():
            if _strange(specs[name].meta.terms, source, terms):
                yield _no_code(declared, (*at, "set", name), specs[name].meta.terms or "", source[1:], terms)
        states = terms.lists.get("matter_state", {})
        for i, step in enumerate(claim.steps):
            if states and step.to not in states:
                yield _no_code(declared, (*at, "steps", i, "to"), "matter_state", step.to, terms)
    for i, link in enumerate(feed.links):
        fields = ONTOLOGY.links[link.type].fields()
        for name, source in link.set.items():
            if _strange(fields[name].meta.terms, source, terms):
                yield _no_code(
                    declared, ("links", i, "set", name), fields[name].meta.terms or "", source[1:], terms
                )


def _strange(name: str | None, source: str, terms: Terms) -> bool:
    """Whether a source is a constant that the field's term list does not hold."""
    return name in terms.lists and source.startswith("=") and source[1:] not in terms.lists[name or ""]


def _no_code(declared: Declared, where: Where, name: str, value: str, terms: Terms) -> Mistake:
    near = nearest(value, terms.lists[name])
    return declared.mistake(
        where, f"字典 {name} 中没有编码 {value}", f"term list {name} has no code {value!r}{near}"
    )


def _between(declared: list[Declared]) -> Iterator[Mistake]:
    """Names used twice, and files that two feeds would take."""
    names: dict[str, Declared] = {}
    for one in declared:
        other = names.setdefault(one.feed.feed, one)
        if other is not one:
            yield one.mistake(
                ("feed",),
                f"数据源 {one.feed.feed} 已在 {other.path.name} 中声明",
                f"feed {one.feed.feed!r} is already declared in {other.path.name}",
            )
    for one in declared:
        for other in declared:
            if one is other:
                continue
            for i, pattern in enumerate(one.feed.match):
                for name in _typical(other.feed):
                    if fnmatch.fnmatchcase(name, pattern):
                        yield one.mistake(
                            ("match", i),
                            f"{pattern} 也会匹配 {other.feed.feed} 的文件,如 {name}",
                            f"{pattern!r} also takes files of feed {other.feed.feed}, such as {name!r}",
                        )
                        break
            if one.feed.header and set(_own(one.feed)) == set(_own(other.feed)):
                yield one.mistake(
                    ("header",),
                    f"与 {other.feed.feed} 的 header 相同",
                    f"`header` is the same as that of feed {other.feed.feed}",
                )


def _own(feed: Feed) -> list[str | None]:
    return [feed.column_of(c) for c in feed.header]


def _typical(feed: Feed) -> Iterator[str]:
    """Names that a feed's files are likely to have: its patterns filled with little, and its own title."""
    for pattern in feed.match:
        plain = pattern.replace("?", "1")
        for filled in (plain.replace("*", ""), plain.replace("*", "_")):
            yield filled if "." in filled else f"{filled}.csv"
    title = f"{feed.zh.replace('·', '_')}_20251215.csv"
    if feed.takes(title):
        yield title
