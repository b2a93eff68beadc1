"""Writes what the documents say of the ontology and the term lists: `python -m ontology.document`.

`docs/ontology.md` is wholly generated; in `docs/glossary.md` only the part between its marks is. A test holds
both current.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ontology import ENTITIES, LINKS, FieldSpec, Lookup
from ontology.links import Timed
from ontology.model import Declared, Entity, Link
from ontology.terms import Term, load_terms

DOCS = Path(__file__).resolve().parent.parent / "docs"
LOCATED = ("place", "grid", "place_text", "place_level", "place_confidence")
_LOOKUPS = {
    Lookup.NONE: "",
    Lookup.UNIQUE: "unique",
    Lookup.INDEX: "index",
    Lookup.TEXT: "full text",
    Lookup.PART: "part",
}
_MARKS = "<!-- generated {name}: begin -->", "<!-- generated {name}: end -->"

_HEAD = """\
What a node can be, what a relationship can say. Declared once, in `ontology/entities.py` and
`ontology/links.py`; constraints, indexes, feed contracts, GraphQL leaf types, masks and this page are read
from there.

- **found by**: `unique` a constraint, `index` a range index, `part` a text index, `full text` the label's full-text index.
- **sensitivity** (PIPL art. 28–31, 51): `open`; `internal` for staff; `personal` of a person; `sensitive`
  shown to those alone who have cause; `hidden` never leaves the database.
- **derived** fields are written by the fold alone; no feed may set them.
- Every node has `id` 内部编号, which means nothing to a person: people go by codes and numbers.
- Dates are `YYYY-MM-DD`, times carry `+08:00`. Intervals are half-open; an open end is `9999-12-31`; an
  unknown start is absent."""
_LOCATED_HEAD = """\
Entities that stand somewhere (`House`, `Incident`, …) also have these, derived from the relationship to their
address, and not repeated below:"""
_LINKS_HEAD = """\
Each reads as a sentence from left to right. Those with **time** carry `since` 起 and `until` 止. **kept by**
is the end whose records say it, and whose fold writes it. Paths and neighbourhoods do not run through those
of the **hierarchy** unless asked."""
_TERMS_HEAD = """\
From `catalog/terms/`; a district edits them. A feed may write the Chinese title, the English title, the code
or a synonym given in the file."""


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a Markdown table; `|` in a cell is escaped."""
    head = list(header)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def replace_part(text: str, name: str, part: str) -> str:
    """`text` with what stands between the marks of `name` replaced.

    Raises:
        ValueError: the marks are not there, each once and in order.
    """
    begin, end = (mark.format(name=name) for mark in _MARKS)
    found = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if len(found.findall(text)) != 1:
        raise ValueError(f"there are no marks of the generated part {name!r}")
    return found.sub(lambda _: f"{begin}\n\n{part.strip()}\n\n{end}", text)


def _type(spec: FieldSpec) -> str:
    name = {str: "text", int: "whole number", float: "number", bool: "yes or no"}[spec.type]
    return f"list of {name}" if spec.many else name


def _notes(spec: FieldSpec) -> str:
    said = []
    if spec.meta.terms is not None:
        said.append(f"[{spec.meta.terms}](glossary.md#{spec.meta.terms})")
    if spec.meta.history:
        said.append("earlier values kept")
    if spec.meta.derived:
        said.append("derived")
    return ", ".join(said)


def _lookup(spec: FieldSpec) -> str:
    said = [_LOOKUPS[spec.meta.lookup]]
    if spec.searchable and spec.meta.lookup is not Lookup.TEXT:
        said.append("full text")
    return ", ".join(s for s in said if s)


def _fields(specs: Iterable[FieldSpec]) -> Iterator[str]:
    yield from table(
        ("field", "中文", "English", "type", "found by", "sensitivity", ""),
        (
            (
                f"`{s.name}`",
                s.meta.zh,
                s.meta.en,
                _type(s),
                _lookup(s),
                s.meta.sensitivity.value,
                _notes(s),
            )
            for s in specs
        ),
    )


def _entity(entity: type[Entity]) -> Iterator[str]:
    yield f"### {entity.label()}"
    yield ""
    place = f" Its place: `{entity.placed}`." if entity.placed else ""
    ids = f"Ids begin with `{entity.prefix}_`; shown by `{entity.title_field}`."
    yield f"{entity.zh} · {entity.en}. {ids}{place}"
    yield ""
    inherited = entity.placed != "" and all(name in entity.fields() for name in LOCATED)
    hidden = {"id", *(LOCATED if inherited else ())}
    yield from _fields(s for s in entity.fields().values() if s.name not in hidden)
    yield ""


def _ends(link: type[Link]) -> str:
    by_end: dict[str, list[str]] = {}
    for start, end in link.ends:
        by_end.setdefault(end, []).append(start)
    by_start: dict[str, list[str]] = {}
    for end, starts in by_end.items():
        by_start.setdefault(", ".join(starts), []).append(end)
    return "; ".join(f"{starts} → {', '.join(ends)}" for starts, ends in by_start.items())


def _own_fields(link: type[Link]) -> str:
    timed = set(Timed.fields()) if issubclass(link, Timed) else set()
    return ", ".join(f"`{s.name}` {s.meta.zh}" for s in link.fields().values() if s.name not in timed)


def ontology_page() -> str:
    """The text of `docs/ontology.md`."""
    lines = [
        "# The ontology 本体",
        "",
        "<!-- Written by `python -m ontology.document`; a test holds it current. -->",
        "",
        *_HEAD.splitlines(),
        "",
        "## Nodes 实体",
        "",
        *table(
            ("label", "中文", "id", "what leads to its address"),
            (
                (f"[{e.label()}](#{e.label().lower()})", e.zh, f"`{e.prefix}_…`", _way(e.placed))
                for e in ENTITIES
            ),
        ),
        "",
        *_LOCATED_HEAD.splitlines(),
        "",
        *_fields(s for s in _located()),
        "",
    ]
    for entity in ENTITIES:
        lines += _entity(entity)
    lines += [
        "## Relationships 关系",
        "",
        *_LINKS_HEAD.splitlines(),
        "",
        *table(
            ("type", "中文", "reads", "from → to", "time", "kept by", "other fields"),
            (
                (
                    f"`{x.type}`",
                    x.zh,
                    x.en + (" (hierarchy)" if x.hierarchical else ""),
                    _ends(x),
                    "yes" if x.history else "",
                    x.kept_by,
                    _own_fields(x),
                )
                for x in LINKS
            ),
        ),
        "",
    ]
    return "\n".join(lines)


def _way(placed: str) -> str:
    return f"`{placed}`" if placed else ""


def _located() -> list[FieldSpec]:
    placed = next(e for e in ENTITIES if all(name in e.fields() for name in LOCATED))
    return [placed.fields()[name] for name in LOCATED]


def _both_ways(pairs: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Two tables of (zh, en, where): by Chinese in code-point order, by English in alphabetical order."""
    merged: dict[tuple[str, str], list[str]] = {}
    for zh, en, where in pairs:
        known = merged.setdefault((zh, en), [])
        if where not in known:
            known.append(where)
    entries = [(zh, en, ", ".join(where)) for (zh, en), where in merged.items()]
    yield "### 中文 → English"
    yield ""
    yield from table(("中文", "English", "where"), sorted(entries))
    yield ""
    yield "### English → 中文"
    yield ""
    by_english = sorted(entries, key=lambda e: (e[1].lower(), e[0]))
    yield from table(("English", "中文", "where"), ((en, zh, where) for zh, en, where in by_english))


def _titles() -> Iterator[tuple[str, str, str]]:
    declared: list[tuple[type[Declared], str]] = [
        *((e, e.label()) for e in ENTITIES),
        *((x, x.type) for x in LINKS),
    ]
    for declaration, name in declared:
        yield declaration.zh, declaration.en, f"`{name}`"
    seen: dict[tuple[str, str], list[str]] = {}
    for declaration, _ in declared:
        for spec in declaration.fields().values():
            seen.setdefault((spec.meta.zh, spec.meta.en), []).append(spec.name)
    for (zh, en), names in seen.items():
        for name in dict.fromkeys(names):
            yield zh, en, f"`{name}`"


def _list(terms: Iterable[Term]) -> Iterator[str]:
    all_terms = list(terms)
    nested = any(t.parent for t in all_terms)
    header = ("code", "中文", "English", *(("under",) if nested else ()))
    yield from table(
        header,
        (
            (f"`{t.code}`", t.zh, t.en, *((f"`{t.parent}`" if t.parent else "",) if nested else ()))
            for t in all_terms
        ),
    )


def glossary_part() -> str:
    """The generated part of `docs/glossary.md`: titles of the ontology both ways, then each term list."""
    lines = ["## The ontology's words 本体用词", "", *_both_ways(_titles()), ""]
    lines += [
        "## Term lists 字典",
        "",
        *_TERMS_HEAD.splitlines(),
        "",
    ]
    for name, terms in load_terms().lists.items():
        lines += [f"### {name}", "", *_list(terms.values()), ""]
    return "\n".join(lines)


def main() -> None:
    """Writes both documents."""
    (DOCS / "ontology.md").write_text(ontology_page(), encoding="utf-8")
    glossary = DOCS / "glossary.md"
    text = replace_part(glossary.read_text("utf-8"), "glossary", glossary_part())
    glossary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
