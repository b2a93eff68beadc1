"""Reads a catalogue's files and says every mistake in them with file and line."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loaders.declaration import Feed
from ontology import ONTOLOGY
from ontology.declared import Mistake, Read, Where, nearest, read_declared
from ontology.errors import UsageError
from ontology.terms import CATALOG, Terms, load_terms

Declared = Read[Feed]


@dataclass(slots=True)
class Catalogue:
    """What `check_catalogue` found: the declarations that hold, and every mistake, by file and line."""

    declared: list[Declared] = field(default_factory=list)
    lists: int = 0
    mistakes: list[Mistake] = field(default_factory=list)


def read_feed(path: Path) -> tuple[Feed | None, list[Mistake]]:
    """The feed that a file declares, or None with all that is wrong with it."""
    declared, mistakes = read_declaration(path)
    return (declared.declaration if declared is not None and not mistakes else None), mistakes


def read_declaration(path: Path) -> tuple[Declared | None, list[Mistake]]:
    """A declaration with its lines, or None; and all that is wrong with it."""
    feed, lines, mistakes = read_declared(path, Feed)
    return (Declared(path, feed, lines) if feed is not None else None), mistakes


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
    feed = declared.declaration
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
        other = names.setdefault(one.declaration.feed, one)
        if other is not one:
            yield one.mistake(
                ("feed",),
                f"数据源 {one.declaration.feed} 已在 {other.path.name} 中声明",
                f"feed {one.declaration.feed!r} is already declared in {other.path.name}",
            )
    for one in declared:
        for other in declared:
            if one is other:
                continue
            for i, pattern in enumerate(one.declaration.match):
                for name in _typical(other.declaration):
                    if fnmatch.fnmatchcase(name, pattern):
                        yield one.mistake(
                            ("match", i),
                            f"{pattern} 也会匹配 {other.declaration.feed} 的文件,如 {name}",
                            f"{pattern!r} also takes files of feed {other.declaration.feed}, such as {name!r}",
                        )
                        break
            if one.declaration.header and set(_own(one.declaration)) == set(_own(other.declaration)):
                yield one.mistake(
                    ("header",),
                    f"与 {other.declaration.feed} 的 header 相同",
                    f"`header` is the same as that of feed {other.declaration.feed}",
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
