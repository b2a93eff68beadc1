"""Mistakes in declared feeds, each with the file and the line that it is on."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from loaders.declaration import Feed, Misdeclared, Place, Problem, nearest
from ontology.terms import Terms


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where. `line` counts from 1."""

    file: Path
    line: int
    zh: str
    en: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}:"


@dataclass(frozen=True, slots=True)
class Declared:
    """A feed with the file and the YAML nodes that it was read from."""

    feed: Feed
    file: Path
    root: yaml.Node


def read_feeds(directory: Path) -> tuple[dict[str, Feed], list[Mistake]]:
    """The feeds of a directory that hold, by name, and everything that is wrong with the others."""
    declared, mistakes = _read(directory)
    return {d.feed.feed: d.feed for d in declared}, mistakes


def check_feeds(directory: Path, terms: Terms) -> tuple[dict[str, Feed], list[Mistake]]:
    """As `read_feeds`, and what can only be seen from outside one file: term lists, and file names that two feeds take."""
    declared, mistakes = _read(directory)
    for d in declared:
        mistakes += _term_mistakes(d, terms)
    mistakes += _name_mistakes(declared)
    mistakes.sort(key=lambda m: (str(m.file), m.line))
    return {d.feed.feed: d.feed for d in declared}, mistakes


def _read(directory: Path) -> tuple[list[Declared], list[Mistake]]:
    declared: list[Declared] = []
    mistakes: list[Mistake] = []
    names: dict[str, Path] = {}
    for path in sorted(directory.glob("*.yaml")):
        found, wrong = read_feed(path)
        mistakes += wrong
        if found is None:
            continue
        name = found.feed.feed
        if name in names:
            line = line_of(found.root, ("feed",))
            mistakes.append(
                Mistake(path, line, f"{names[name].name} 已声明 {name}", f"{name} is declared in {names[name].name} already")
            )  # fmt: skip
            continue
        names[name] = path
        declared.append(found)
    return declared, mistakes


def read_feed(path: Path) -> tuple[Declared | None, list[Mistake]]:
    """One file's feed, or None, and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return None, [Mistake(path, line, "不是 UTF-8 编码", "is not UTF-8")]
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark is not None else 1
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, [Mistake(path, line, f"不是有效的 YAML:{said}", f"is not valid YAML: {said}")]
    if root is None:
        return None, [Mistake(path, 1, "文件是空的", "the file is empty")]
    mistakes = [
        Mistake(path, line, f"{key} 写了两次", f"{key} is there twice; the first would be lost")
        for key, line in _repeated(root)
    ]
    try:
        feed = Feed.model_validate(raw)
    except ValidationError as error:
        for one in error.errors():
            for problem in _problems(one):
                mistakes.append(_mistake(path, root, problem))
        mistakes.sort(key=lambda m: m.line)
        return None, mistakes
    return (None if mistakes else Declared(feed, path, root)), mistakes


def _mistake(path: Path, root: yaml.Node, problem: Problem) -> Mistake:
    zh, en = problem.zh, problem.en
    if problem.near is not None:
        zh, en = f"{zh};是否 {problem.near}?", f"{en}; did you mean {problem.near}?"
    where = ".".join(str(p) for p in problem.path)
    lead = f"{where}: " if where else ""
    return Mistake(path, line_of(root, problem.path), lead + zh, lead + en)


def line_of(root: yaml.Node, path: Place) -> int:
    """The line, counted from 1, of what a path leads to; of the last part of it that is there."""
    node, line = root, root.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                # An `id` of one alternative is written without its list.
                if isinstance(part, int):
                    continue
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _repeated(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _problems(error: Any) -> Iterator[Problem]:
    """One of pydantic's errors in our words."""
    path: Place = tuple(error["loc"])
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misdeclared):
        for problem in cause.problems:
            yield Problem((*path, *problem.path), problem.zh, problem.en, problem.near)
        return
    kind, said = error["type"], error["msg"]
    last = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        keys = _keys(path[:-1])
        yield Problem(path, f"没有名为 {last} 的项", f"there is no key {last}", nearest(last, keys))
    elif kind == "missing":
        yield Problem(path, f"缺少 {last}", f"{last} is missing")
    elif kind in ("enum", "literal_error"):
        expected = str(error["ctx"]["expected"])
        words = [w.strip(" '") for w in expected.replace(" or ", ",").split(",")]
        given = str(error["input"])
        yield Problem(
            path,
            f"{given} 应为 {'、'.join(words)} 之一",
            f"{given} should be {expected}",
            nearest(given, words),
        )
    else:
        said = said.removeprefix("Value error, ")
        yield Problem(path, f"{error['input']!r} 不合要求:{said}", said)


def _keys(path: Place) -> list[str]:
    """The keys that may stand at a path of a feed's declaration."""
    kind: Any = Feed
    for part in path:
        kind = _inner(kind, part)
    model = _model(kind)
    return list(model.model_fields) if model is not None else []


def _inner(kind: Any, part: str | int) -> Any:
    model = _model(kind)
    if model is not None:
        field = model.model_fields.get(str(part))
        return field.annotation if field is not None else None
    for option in _options(kind):
        if get_origin(option) is dict:
            return get_args(option)[1]
        if get_origin(option) in (list, tuple):
            return get_args(option)[0]
    return None


def _model(kind: Any) -> type[BaseModel] | None:
    return next((o for o in _options(kind) if isinstance(o, type) and issubclass(o, BaseModel)), None)


def _options(kind: Any) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _options(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for option in get_args(kind):
            yield from _options(option)
    elif kind is not None:
        yield kind


def _term_mistakes(declared: Declared, terms: Terms) -> Iterator[Mistake]:
    for name, column in declared.feed.columns.items():
        if column.terms is not None and column.terms not in terms.lists:
            yield _mistake(
                declared.file,
                declared.root,
                Problem(
                    ("columns", name, "terms"),
                    f"没有字典 {column.terms}",
                    f"there is no term list {column.terms}",
                    nearest(column.terms, terms.lists),
                ),
            )
            continue
        if column.terms is None:
            continue
        codes: Mapping[str, str] = terms.code_of(column.terms)
        for written, meant in column.synonyms.items():
            if meant not in codes:
                yield _mistake(
                    declared.file,
                    declared.root,
                    Problem(
                        ("columns", name, "synonyms", written),
                        f"字典 {column.terms} 中没有 {meant}",
                        f"term list {column.terms} has no {meant}",
                        nearest(meant, codes),
                    ),
                )


def _name_mistakes(declared: list[Declared]) -> Iterator[Mistake]:
    """File names that two feeds would take: tried with each pattern's own words and little else."""
    for d in declared:
        for i, pattern in enumerate(d.feed.match):
            for sample in (pattern.replace("*", ""), pattern.replace("*", "_")):
                other = next((o for o in declared if o is not d and o.feed.takes(sample)), None)
                if other is not None:
                    yield _mistake(
                        d.file,
                        d.root,
                        Problem(
                            ("match", i),
                            f"{other.file.name} 也会收下文件名 {sample}",
                            f"{other.file.name} takes the file name {sample} too",
                        ),
                    )
                    break
