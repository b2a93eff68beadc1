"""The traces of a catalogue: `traces/*.yaml`, each with every mistake in it by file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ontology import ONTOLOGY
from ontology.declared import Mistake, Read, nearest, read_declared, read_declared_text
from ontology.errors import UsageError
from ontology.reading import READER
from ontology.terms import CATALOG, Terms
from traces.declaration import Trace
from traces.things import Test, Wanted

Declared = Read[Trace]
DEPTH = 40
LONGEST = 1000


@dataclass(slots=True)
class TraceCatalogue:
    """What a catalogue's traces are, and what is wrong with them."""

    declared: list[Declared] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def check_traces(directory: Path, terms: Terms) -> TraceCatalogue:
    """Every trace under `traces/` of a catalogue, with every mistake."""
    found = TraceCatalogue()
    names: dict[str, Declared] = {}
    for path in sorted((directory / "traces").glob("*.yaml")):
        trace, lines, mistakes = read_declared(path, Trace)
        found.mistakes += mistakes
        if trace is None:
            continue
        one = Declared(path, trace, lines)
        found.declared.append(one)
        other = names.setdefault(trace.trace, one)
        if other is not one:
            found.mistakes.append(
                one.mistake(
                    ("trace",),
                    f"模型 {trace.trace} 已在 {other.path.name} 中声明",
                    f"trace {trace.trace!r} is already declared in {other.path.name}",
                )
            )
        found.mistakes += _terms_mistakes(one, terms)
    found.mistakes.sort()
    return found


def load_traces(catalog: Path | None, terms: Terms) -> dict[str, Trace]:
    """The traces of a catalogue by name; those that come with Quanxi where it has none of its own.

    Raises:
        UsageError: BAD_CATALOG with file and line, when a declaration does not hold.
    """
    root = catalog if catalog is not None and (catalog / "traces").is_dir() else CATALOG
    found = check_traces(root, terms)
    _refuse(found.mistakes)
    return {d.declaration.trace: d.declaration for d in found.declared}


def read_trace(path: Path, terms: Terms) -> Trace:
    """One declared trace, in whatever catalogue or none: to be tried before it is put into one.

    Raises:
        UsageError: BAD_FILE when there is none; BAD_CATALOG with file and line, when it cannot be read or does not hold.
    """
    trace, mistakes = _read(path, terms)
    _refuse(mistakes)
    assert trace is not None
    return trace


def check_file(path: Path, terms: Terms) -> list[Mistake]:
    """Every mistake in one declaration.

    Raises:
        UsageError: BAD_FILE when there is none.
    """
    return sorted(_read(path, terms)[1])


def _read(path: Path, terms: Terms) -> tuple[Trace | None, list[Mistake]]:
    if not path.is_file():
        raise UsageError("BAD_FILE", f"没有文件 {path}", f"there is no file {path}")
    trace, lines, mistakes = read_declared(path, Trace)
    if trace is not None:
        mistakes = [*mistakes, *_terms_mistakes(Declared(path, trace, lines), terms)]
    return trace, mistakes


def check_text(text: str, terms: Terms) -> tuple[Trace | None, list[Mistake]]:
    """What a text from anywhere declares, with every mistake in it by line; None where there is one."""
    path = Path("declaration")
    unsafe = _unsafe(text)
    if unsafe is not None:
        return None, [Mistake(path, *unsafe)]
    trace, lines, mistakes = read_declared_text(text, path, Trace)
    if trace is not None:
        mistakes = [*mistakes, *_terms_mistakes(Declared(path, trace, lines), terms)]
    return (None if mistakes else trace), mistakes


def _unsafe(text: str) -> tuple[int, str, str] | None:
    """The line and why, where a text would be read into something far larger or deeper than it is."""
    depth = 0
    try:
        text.encode()
        for event in yaml.parse(text, READER):
            line = event.start_mark.line + 1  # type: ignore[union-attr]
            if getattr(event, "tag", None) is not None:
                return line, "不可使用 YAML 标签", "YAML tags may not be used"
            if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and len(event.value) > LONGEST:
                return (
                    line,
                    f"无引号的值不得超过 {LONGEST} 字",
                    f"what has no quotes has at most {LONGEST} characters",
                )
            if isinstance(event, yaml.AliasEvent):
                return line, "不可使用 YAML 别名", "YAML aliases may not be used"
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH:
                return line, f"嵌套超过 {DEPTH} 层", f"is nested more than {DEPTH} deep"
    except UnicodeEncodeError:
        return 1, "含无效字符", "holds characters that are none"
    except yaml.YAMLError:
        # What is wrong with it is told by the reader.
        return None
    return None


def _refuse(mistakes: Sequence[Mistake]) -> None:
    if mistakes:
        first, more = min(mistakes), len(mistakes) - 1
        raise UsageError(
            "BAD_CATALOG",
            f"{first.where} {first.zh}",
            f"{first.where} {first.en}" + (f" ({more} more)" if more else ""),
            "quanxi trace check lists every mistake.",
        )


def _terms_mistakes(one: Declared, terms: Terms) -> Iterator[Mistake]:
    known = terms.lists["incident_kind"]
    for where, things in one.declaration.every():
        for i, kind in enumerate(things.kinds):
            if kind not in known:
                yield one.mistake(
                    (*where, "kinds", i),
                    f"字典 incident_kind 中没有编码 {kind}",
                    f"term list incident_kind has no code {kind!r}{nearest(kind, known)}",
                )
    for where, label, wanted in one.declaration.wanted():
        for name, value in wanted.items():
            listed = ONTOLOGY.entities[label].fields()[name].meta.terms
            if listed is None or listed not in terms.lists:
                continue
            for code in _codes(value):
                if code not in terms.lists[listed]:
                    yield one.mistake(
                        (*where, "where", name),
                        f"字典 {listed} 中没有编码 {code}",
                        f"term list {listed} has no code {code!r}{nearest(code, terms.lists[listed])}",
                    )
    for i, grade in enumerate(one.declaration.severity):
        if grade.severity not in terms.lists["severity"]:
            yield one.mistake(
                ("severity", i, "severity"),
                f"字典 severity 中没有编码 {grade.severity}",
                f"term list severity has no code {grade.severity!r}{nearest(grade.severity, terms.lists['severity'])}",
            )


def _codes(value: Wanted) -> list[str]:
    """The codes of terms that a field is wanted to have, or not."""
    if isinstance(value, Test):
        return value.none_of or []
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]
