"""What departments have to mend: where one contradicts another, with what each says and which of it the graph shows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import xlsxwriter

from loaders.run import Loader, decode
from loaders.why import Explainer, Fact
from ontology import ONTOLOGY
from ontology.errors import UsageError

PAGE: Final = 1_000
MOST: Final = 1_000_000
"""Rows of a worksheet."""
HEADER: Final = (
    "部门 department", "数据源 feed", "对象 kind", "名称 name", "字段 field", "贵方所述 you say", "文件 file", "行 row",
    "截至 as of", "采信 the graph shows", "采信来源 by", "编号 id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field of one thing about which departments say different things.

    Attributes:
        field: a field, or the type of the relationship that places the thing.
        says: one fact for each feed, what the graph shows first.
        against: the feeds of which it is not what the graph shows.
    """

    id: str
    field: str
    says: list[Fact]
    against: frozenset[str]


class Disagreements:
    """Lists disagreements. Safe to use from several threads, beside its explainer."""

    def __init__(self, loader: Loader, explainer: Explainer) -> None:
        self._loader = loader
        self._explainer = explainer

    def page(
        self, department: str | None = None, field: str | None = None, first: int = 50, skip: int = 0
    ) -> tuple[list[Disagreement], int]:
        """Some of them in the order of their ids, and how many there are; of one department, what of its own does not stand.

        Raises:
            UsageError: NOT_FOUND for a department that sends nothing.
        """
        feeds = None if department is None else self._feeds_of(department)
        with self._explainer.lock:
            records = self._loader.records
            found = records.disagreements(feeds, field, first, skip)
            size = records.disagreements_size(feeds, field)
        return [self._disagreement(id, name) for id, name in found], size

    def departments(self) -> dict[str, int]:
        """How much each department says that does not stand, the most first."""
        with self._explainer.lock:
            feeds = self._loader.records.disagreements_of_feeds()
        counts: dict[str, int] = {}
        for feed, n in feeds.items():
            if feed in self._loader.feeds:
                department = self._loader.feeds[feed].department
                counts[department] = counts.get(department, 0) + n
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def _feeds_of(self, department: str) -> list[str]:
        feeds = [f.feed for f in self._loader.feeds.values() if f.department == department]
        if not feeds:
            known = sorted({f.department for f in self._loader.feeds.values()})
            raise UsageError(
                "NOT_FOUND",
                f"没有部门 {department[:40]}",
                f"no department is called {department[:40]}",
                f"There are: {', '.join(known)}.",
            )
        return feeds

    def _disagreement(self, id: str, field: str) -> Disagreement:
        with self._explainer.lock:
            feeds = self._loader.records.disagreeing(id, field)
        best: dict[str, Fact] = {}
        for fact in self._explainer.facts(id, field):
            if fact.feed in feeds and fact.until is None:
                best.setdefault(fact.feed, fact)
        said = sorted(best.values(), key=lambda f: (not f.chosen, not feeds[f.feed], f.feed))
        return Disagreement(id, field, said, frozenset(f for f, stands in feeds.items() if not stands))

    def called(self, id: str) -> str:
        """What something is called: its name, else its number, else its id."""
        with self._explainer.lock:
            blob = self._loader.records.folded([id]).get(id)
        if blob is None:
            return id
        values = decode(ONTOLOGY.label_of(id) or "", blob).values
        names = ("full_name", "name", "title", "plate", "number", "hid", "did")
        return next((str(values[n]) for n in names if values.get(n)), id)

    # -- for the departments ----------------------------------------------------------------------------------------

    def rows(self, department: str | None = None, field: str | None = None) -> Iterator[tuple[str, ...]]:
        """One row for each thing that a department says and that does not stand, under `HEADER`."""
        feeds = set(self._loader.feeds if department is None else self._feeds_of(department))
        skip = 0
        while True:
            found, size = self.page(department, field, PAGE, skip)
            for one in found:
                shown = next((f for f in one.says if f.chosen), None)
                for fact in one.says:
                    if fact.feed in feeds and fact.feed in one.against:
                        yield self._row(one, fact, shown)
            skip += len(found)
            if not found or skip >= size:
                return

    def _row(self, one: Disagreement, fact: Fact, shown: Fact | None) -> tuple[str, ...]:
        feed = self._loader.feeds[fact.feed]
        label = ONTOLOGY.entities[ONTOLOGY.label_of(one.id) or ""]
        link = ONTOLOGY.links.get(one.field)
        name = link.zh if link is not None else label.fields()[one.field].meta.zh
        by = "" if shown is None else self._loader.feeds[shown.feed].zh
        return (
            feed.department, feed.zh, label.zh, self.called(one.id), name, self._said(one, fact), fact.file or "",
            str(fact.row or ""), fact.since or "", "" if shown is None else self._said(one, shown), by, one.id,
        )  # fmt: skip

    def _said(self, one: Disagreement, fact: Fact) -> str:
        value = fact.value or ""
        return self.called(value) if one.field in ONTOLOGY.links and value.startswith("adr_") else value


def workbook(rows: Iterator[tuple[str, ...]]) -> tuple[bytes, int]:
    """A workbook of such rows, all cells text, and how many there are.

    Raises:
        UsageError: BAD_ARGUMENT when they are more than a sheet holds.
    """
    into = io.BytesIO()
    book = xlsxwriter.Workbook(
        into, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    text = book.add_format({"num_format": 49})
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "num_format": 49})
    sheet = book.add_worksheet("数据不一致")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(HEADER) - 1, 20, text)
    for at, name in enumerate(HEADER):
        sheet.write_string(0, at, name, head)
    n = 0
    for row in rows:
        n += 1
        if n >= MOST:
            raise UsageError(
                "BAD_ARGUMENT",
                "一张表放不下",
                "they are more than a sheet holds",
                "Name a --department or a --field.",
            )
        for at, value in enumerate(row):
            sheet.write_string(n, at, value, text)
    book.close()
    return into.getvalue(), n
