"""Writes what `docs/feeds.md` says of each feed, from `catalog/feeds/`: `python -m loaders.document`.

What is written by hand around it stays; a test holds the generated part current.
"""

from __future__ import annotations

from collections.abc import Iterator

from loaders.declaration import Column, ColumnType, Feed, load_feeds
from ontology import ONTOLOGY
from ontology.document import DOCS, replace_part, table
from ontology.terms import CATALOG

_TYPES = {
    ColumnType.TEXT: "文本 text",
    ColumnType.INTEGER: "整数 whole number",
    ColumnType.NUMBER: "数 number",
    ColumnType.BOOLEAN: "是/否 yes or no",
    ColumnType.DATE: "日期 date",
    ColumnType.DATETIME: "时间 time",
    ColumnType.CITIZEN_ID: "证件号码 identity number",
    ColumnType.USCC: "信用代码 credit code",
    ColumnType.IDENTITY: "证件号码或信用代码 either",
    ColumnType.PLATE: "号牌 plate",
    ColumnType.MOBILE: "电话 phone number",
    ColumnType.LIST: "列表 list",
}


def _type(column: Column) -> str:
    if column.terms is not None:
        return f"字典 [{column.terms}](glossary.md#{column.terms})"
    name = _TYPES[column.type]
    if column.type is ColumnType.LIST:
        name += f", by `{column.separator}`"
    return f"{name} `{column.format}`" if column.format else name


def _need(column: Column) -> str:
    said = (
        ["必填 required"]
        if column.required
        else ["可无此列 column may be missing"]
        if column.optional
        else []
    )
    if column.digits is not None:
        said.append(f"{column.digits} 位数字 digits")
    if column.unit is not None:
        said.append(f"单位 unit {column.unit}")
    if column.aliases:
        said.append(f"又名 or {', '.join(column.aliases)}")
    if column.transforms:
        names = (next(iter(t)) if isinstance(t, dict) else t for t in column.transforms)
        said.append("先 first " + ", ".join(f"`{n}`" for n in names))
    if column.synonyms:
        said.append(", ".join(f"{a} = {b}" for a, b in column.synonyms.items()))
    if column.groups:
        said.append("拆为 split into " + ", ".join(column.groups))
    return "; ".join(said)


def _bad(column: Column) -> str:
    if column.matches is None and column.type in (ColumnType.TEXT, ColumnType.LIST):
        return ""
    return "隔离整行 row" if column.on_bad == "reject" or column.matches else "只弃此值 value only"


def _becomes(feed: Feed) -> dict[str, list[str]]:
    """What each column sets: `Label.field`, a key, a step or a bound of a relationship."""
    said: dict[str, list[str]] = {}

    def say(column: str, what: str) -> None:
        known = said.setdefault(column, [])
        if what not in known:
            known.append(what)

    for claim in feed.entities.values():
        for alternative in claim.id:
            for namespace, column in alternative.items():
                if namespace == "id_number":
                    say(column, f"`{claim.label}.id_number`")
        for name, source in claim.set.items():
            if not source.startswith("=") and "{" not in source:
                say(source, f"`{claim.label}.{name}`")
        for step in claim.steps:
            say(step.at, f"`{claim.label}` step {step.to}")
    for link in feed.links:
        if link.place is not None:
            for place_column in (link.place.code, link.place.text, link.place.local, link.place.message):
                if place_column is not None:
                    say(place_column, f"`{link.type}`")
        for bound, name in ((link.since, "since"), (link.until, "until")):
            if bound is not None:
                say(bound, f"`{link.type}.{name}`")
        for name, source in link.set.items():
            if not source.startswith("="):
                say(source, f"`{link.type}.{name}`")
    return said


def _sentences(feed: Feed) -> Iterator[str]:
    for link in feed.links:
        start = feed.entities[link.start].label
        end = feed.entities[link.end].label if link.end else "Address"
        yield f"{start} —{ONTOLOGY.links[link.type].en}→ {end}"


def _also(feed: Feed) -> Iterator[str]:
    """What only some feeds declare."""
    if feed.mode == "snapshot":
        scope = f" of its {', '.join(f'`{c}`' for c in feed.scope)}" if feed.scope else ""
        yield f"Snapshot 全量: a file is the whole{scope}; what is no longer in it is closed."
    if feed.rhythm is not None:
        yield f"Rhythm 周期: {feed.rhythm}."
    if feed.retention is not None:
        yield f"Kept 保存期限: {feed.retention}."
    if feed.deletions is not None:
        said = ", ".join(f"{word} ({action})" for word, action in feed.deletions.values.items())
        yield f"Deletions 注销: `{feed.deletions.column}` = {said}."
    if feed.coordinates is not None:
        where = f"`{feed.coordinates.longitude}`, `{feed.coordinates.latitude}`"
        yield f"Position 坐标: {where} in {feed.coordinates.system}."
    for check in feed.checks:
        conditions = check.model_dump(exclude_defaults=True, exclude={"column", "message", "on_bad"})
        said = ", ".join(f"{name} {value}" for name, value in conditions.items())
        yield f"Check 校验: `{check.column}` {said} ({check.on_bad})."


def feed_lines(feed: Feed) -> Iterator[str]:
    """What is declared of a feed, as a part of a Markdown page."""
    becomes = _becomes(feed)
    yield f"### {feed.feed} {feed.zh}"
    yield ""
    yield f"{feed.en}, from {feed.department}; legal basis 法律依据: {feed.legal_basis or '—'}."
    names = ", ".join(f"`{pattern}`" for pattern in feed.match)
    effective = f"`{feed.effective}`" if feed.effective else "the file name's date"
    keys = ", ".join(f"`{key}`" for key in feed.key)
    yield f"File names 文件名: {names}. Key 主键: {keys}."
    yield f"Effective 生效: {effective}. Trust 可信度: {feed.trust}."
    yield from _also(feed)
    yield ""
    yield from table(
        ("column 列", "type 类型", "", "bad value 值有误时", "becomes 成为"),
        (
            (name, _type(column), _need(column), _bad(column), ", ".join(becomes.get(name, [])))
            for name, column in feed.columns.items()
        ),
    )
    yield ""
    yield f"Says 表述: {'; '.join(dict.fromkeys(_sentences(feed)))}."
    yield ""


def feeds_part() -> str:
    """The generated part of `docs/feeds.md`: an overview, then each feed's columns."""
    feeds = load_feeds(CATALOG / "feeds").values()
    lines = [
        *table(
            ("feed", "数据源", "department", "file names", "rhythm", "mode", "trust", "columns"),
            (
                (
                    f"[{f.feed}](#{_anchor(f'{f.feed} {f.zh}')})",
                    f.zh,
                    f.department,
                    ", ".join(f"`{m}`" for m in f.match),
                    f.rhythm or "—",
                    f.mode,
                    str(f.trust),
                    str(len(f.columns)),
                )
                for f in feeds
            ),
        ),
        "",
    ]
    for feed in feeds:
        lines += feed_lines(feed)
    return "\n".join(lines)


def _anchor(heading: str) -> str:
    """The fragment by which a heading is linked to: lower case, punctuation dropped, blanks to hyphens."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def main() -> None:
    """Writes the generated part of `docs/feeds.md`."""
    path = DOCS / "feeds.md"
    path.write_text(replace_part(path.read_text("utf-8"), "feeds", feeds_part()), encoding="utf-8")


if __name__ == "__main__":
    main()
