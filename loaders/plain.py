"""What a declaration says, in plain words of both languages."""

from __future__ import annotations

from collections.abc import Iterator

from loaders.declaration import Column, ColumnType, EntityClaim, Feed
from ontology import ONTOLOGY

TYPES = {
    ColumnType.TEXT: ("文本", "text"),
    ColumnType.INTEGER: ("整数", "whole number"),
    ColumnType.NUMBER: ("数", "number"),
    ColumnType.BOOLEAN: ("是/否", "yes or no"),
    ColumnType.DATE: ("日期", "date"),
    ColumnType.DATETIME: ("时间", "time"),
    ColumnType.TERM: ("字典", "term"),
    ColumnType.CITIZEN_ID: ("证件号码", "identity number"),
    ColumnType.USCC: ("统一社会信用代码", "credit code"),
    ColumnType.IDENTITY: ("证件号码或信用代码", "identity number or credit code"),
    ColumnType.PLATE: ("号牌号码", "plate"),
    ColumnType.MOBILE: ("电话号码", "phone number"),
    ColumnType.LIST: ("多值", "list"),
}


def column_words(column: Column) -> tuple[str, str]:
    """A column's type in Chinese and English, with its term list, unit, format or separator."""
    zh, en = TYPES[column.type]
    for part in (column.terms, column.unit, column.format):
        if part is not None:
            zh = f"{zh}({part})"
    if column.type is ColumnType.LIST:
        zh = f"{zh}(以 {column.separator} 分隔)"
    return zh, en


def sentences(feed: Feed) -> Iterator[str]:
    """What becomes of a row: each entity with its key and fields, each relationship as a sentence."""
    for alias, claim in feed.entities.items():
        yield _entity(alias, claim)
    for link in feed.links:
        declared = ONTOLOGY.links[link.type]
        start = link.start
        if link.end is not None:
            end = link.end
        else:
            assert link.place is not None
            named = (link.place.code, link.place.local, link.place.text)
            end = "地址 address by " + " / ".join(x for x in named if x is not None)
        times = [
            f"{word} {column}"
            for word, column in (("起 since", link.since), ("止 until", link.until))
            if column
        ]
        more = [f"{declared.fields()[f].meta.zh} {v.removeprefix('=')}" for f, v in link.set.items()]
        told = f" ({'; '.join(times + more)})" if times or more else ""
        yield f"{start} —{declared.zh} {declared.en}→ {end}{told}"


def _entity(alias: str, claim: EntityClaim) -> str:
    entity = ONTOLOGY.entities[claim.label]
    ids = " 否则 else ".join(" + ".join(one.values()) for one in claim.id)
    fields = entity.fields()
    parts = [f"{fields[name].meta.zh} ← {source.removeprefix('=')}" for name, source in claim.set.items()]
    parts += [f"步骤 step {step.to} ← {step.at}" for step in claim.steps]
    only = "".join(f", 仅当 only if {c} = {v}" for c, v in claim.when.items())
    told = f": {'; '.join(parts)}" if parts else ""
    return f"{alias} = {entity.zh} {entity.en}, 凭 known by {ids}{only}{told}"
