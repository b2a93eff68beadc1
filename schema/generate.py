"""Writes `schema/leaves.py`, the leaf GraphQL types, from the ontology: `python -m schema.generate`."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from ontology import ENTITIES, Entity, FieldSpec, Sensitivity

TARGET = Path(__file__).with_name("leaves.py")
_HEAD = '''"""Leaf fields of the entities. Generated from the ontology by `python -m schema.generate`; not to be edited."""

from __future__ import annotations

import strawberry

'''
_SCALARS = ("AddressCode", "Date", "DateTime", "Term")
_READERS = ("Info", "term", "terms_of")
_WIDTH = 110
# Served by relations or roots of their own, or only for the inside.
_LEFT_OUT = {
    "id",
    "title",
    "place",
    "grid",
    "parent",
    "step_at",
    "step_to",
    "step_by",
    "numbers",
    "report_kind",
    "report_category",
    "report_at",
    "reported_as",
    "longitude",
    "latitude",
    "day",
    "street",
    "community",
    "name_texts",
    "name_kinds",
    "name_since",
    "name_until",
    "name_feeds",
    "era_codes",
    "era_names",
    "era_full_names",
    "era_until",
    "era_kinds",
    "begun_by",
    "begun_on",
    "predecessors",
    "ended_by",
    "ended_on",
    "successors",
    "left_keys",
    "joined_keys",
}
_DATES = {
    "since",
    "until",
    "birth",
    "died",
    "founded",
    "closed",
    "joined",
    "left",
    "installed",
    "expires",
    "due",
}


def _type(spec: FieldSpec) -> str:
    if spec.name == "code" and spec.many is False:
        return "AddressCode"
    base = {str: "str", int: "int", float: "float", bool: "bool"}[spec.type]
    if spec.name in _DATES:
        base = "Date"
    elif spec.name.endswith("_at") or spec.name == "deadline":
        base = "DateTime"
    return f"list[{base}]" if spec.many else base


def _shown(spec: FieldSpec) -> bool:
    return (
        spec.name not in _LEFT_OUT
        and not spec.name.startswith("n_")
        and spec.meta.sensitivity is not Sensitivity.HIDDEN
    )


def _class(entity: type[Entity]) -> str:
    lines = ["", "", "@strawberry.type", f"class {entity.label()}Leaves:"]
    body: list[str] = []
    for spec in entity.fields().values():
        if not _shown(spec) or (entity.label(), spec.name) == ("Address", "level"):
            continue
        title = f"{spec.meta.zh} · {spec.meta.en}"
        if spec.meta.terms is not None:
            kind = "list[Term]" if spec.many else "Term | None"
            reader = "terms_of" if spec.many else "term"
            body += [
                *([""] if body and body[-1] else []),
                f'    @strawberry.field(description="{title}")',
                f"    def {spec.name}(self, info: Info) -> {kind}:",
                f'        return {reader}(self, info, "{spec.name}", "{spec.meta.terms}")',
                "",
            ]
        else:
            kind = _type(spec)
            if entity.label() == "Organisation" and spec.name == "code":
                kind = "str"
            optional = (
                kind
                if spec.many is False and spec.name in ("code",) and entity.label() == "Address"
                else f"{kind} | None"
            )
            declared = f"    {spec.name}: {optional} = strawberry.field("
            said = f'description="{title}"'
            if _wide(declared + said + ")") <= _WIDTH:
                body.append(declared + said + ")")
            else:
                body += [declared, f"        {said}", "    )"]
    return "\n".join(lines + (body or ["    pass"])).rstrip()


def _wide(line: str) -> int:
    """Columns that a line takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def _used(names: tuple[str, ...], body: str) -> str:
    return ", ".join(name for name in names if re.search(rf"\b{name}\b", body))


def source() -> str:
    """The text of `schema/leaves.py`, as the formatter would leave it."""
    body = "".join(_class(e) + "\n" for e in ENTITIES)
    imports = f"from schema.scalars import {_used(_SCALARS, body)}\nfrom schema.terms import {_used(_READERS, body)}\n"
    return _HEAD + imports + body


if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")
