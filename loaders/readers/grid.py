"""Rows of cells to frames: which row is the header, which columns are read, which rows are no records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from loaders.readers.model import ROW, Notes, Reading

LOOKED_AT = 60

Cells = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header is and what it says.

    Attributes:
        index: position of its (last) row among the rows that were looked at.
        row: that row's number.
        names: by position; None where the column is not read, for want of a name.
        found: how many declared columns it names.
    """

    index: int
    row: int
    names: tuple[str | None, ...]
    found: int

    @property
    def columns(self) -> list[str]:
        return [n for n in self.names if n is not None]


def clean_name(text: str | None, declared: frozenset[str]) -> str:
    """A header cell as a column's name: without BOM and outer blanks; without inner ones where the declared name has none."""
    name = (text or "").strip().lstrip("\ufeff").strip()
    if name in declared:
        return name
    tight = re.sub(r"\s+", "", name)
    if tight in declared:
        return tight
    bare = tight.strip("*＊")
    if bare in declared:
        return bare
    return re.sub(r"\s*[\r\n]+\s*", "", name)


def find_header(
    rows: Sequence[tuple[int, Cells]], reading: Reading, declared: Sequence[str], notes: Notes
) -> Header | None:
    """The header among a file's first rows: the declared one, else the first that names most of the declared columns.

    Two rows are taken together when together they name more than any single row. None when all rows are empty.

    Args:
        rows: number and cells; of two header rows, those of merged cells are filled already.
        declared: names of the columns that the feed declares; empty when it is not known.
    """
    wanted = frozenset(declared)
    best: Header | None = None
    single_best = 0
    for lines in (1, 2) if reading.header_rows == 1 and wanted else (reading.header_rows,):
        for index in range(lines - 1, len(rows)):
            number, lower = rows[index]
            if reading.header_row is not None and rows[index - lines + 1][0] != reading.header_row:
                continue
            if not any(lower) and (lines == 1 or not any(rows[index - 1][1])):
                continue
            if lines == 2 and number != rows[index - 1][0] + 1:
                continue
            names = (
                [clean_name(c, wanted) for c in lower]
                if lines == 1
                else _two(rows[index - 1][1], lower, wanted)
            )
            found = len(wanted.intersection(names))
            if best is None or found > best.found:
                best = Header(index, number, tuple(n or None for n in names), found)
                if lines == 1:
                    single_best = found
    if best is None:
        return None
    if reading.header_rows == 1 and wanted and best.found > single_best:
        notes.add("header", best.row, "表头占两行", "the header takes two rows")
    return Header(best.index, best.row, _distinct(best, notes), best.found)


def _two(upper: Cells, lower: Cells, wanted: frozenset[str]) -> list[str]:
    """Names of two rows: `组/列`, or the lower one when it is a declared column."""
    width = max(len(upper), len(lower))
    top = [clean_name(c, wanted) for c in upper] + [""] * (width - len(upper))
    low = [clean_name(c, wanted) for c in lower] + [""] * (width - len(lower))
    names: list[str] = []
    group = ""
    for above, below in zip(top, low, strict=True):
        group = above or (group if below else "")
        both = f"{group}/{below}"
        if not below or not group or group == below:
            names.append(below or group)
        elif both in wanted or below not in wanted:
            names.append(both)
        else:
            names.append(below)
    return names


def _distinct(header: Header, notes: Notes) -> tuple[str | None, ...]:
    seen: dict[str, int] = {}
    names: list[str | None] = []
    for position, name in enumerate(header.names):
        if name is None:
            names.append(None)
            continue
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            notes.add(
                "header",
                header.row,
                f"表头中「{name}」出现第 {seen[name]} 次(第 {position + 1} 列),只取第一个",
                f"the header names {name} again in column {position + 1}: the first is taken",
            )
            name = f"{name} ({seen[name]})"
        names.append(name)
    return tuple(names)


class Tidy:
    """Frames by position to frames by name: without blank rows, rows that are no records, and columns without a name.

    Args:
        names: of the header, by position.
        key: declared key columns; without any no row is taken for a total.
    """

    def __init__(self, header: Header, key: Sequence[str], reading: Reading, notes: Notes) -> None:
        self.names, self.notes = header.names, notes
        self._key = [self.names.index(k) for k in key if k in self.names]
        self._ignore = tuple(tight(r) for r in reading.ignore_rows) if self._key else ()
        self._signed = tuple(r.rstrip("：") + "：" for r in self._ignore)
        self._words = "|".join(r"\s*".join(map(re.escape, r.rstrip("：\\"))) for r in self._ignore)
        self._nameless = [i for i, n in enumerate(self.names) if n is None]

    def ignored(self, row: int, cells: Cells) -> bool:
        """Whether a row is no record but a total or a signature; notes it when it is.

        The word may stand where a key is expected: by itself, or with a colon after it, it is no key.
        """
        if not self._ignore:
            return False
        first = next((c.strip() for c in cells if c and c.strip()), "")
        word = tight(first)
        if not word.startswith(self._ignore):
            return False
        keys = [cells[i] if i < len(cells) else None for i in self._key]
        if all(keys):
            alone = word in self._ignore or word.startswith(self._signed)
            if not alone or any(k and tight(k) != word for k in keys):
                return False
        self.notes.add(
            "ignored",
            row,
            f"第 {row} 行不是记录,已略过:{first[:40]}",
            f"row {row} is no record: {first[:40]}",
        )
        return True

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Args:
        frame: columns `0`, `1`, … as the header's positions, null where empty, and `__row`.
        """
        cells = [str(i) for i in range(len(self.names))]
        frame = frame.filter(pl.any_horizontal(pl.col(cells).is_not_null()))
        if self._ignore:
            keys = pl.col([str(i) for i in self._key])
            doubtful = frame.filter(
                pl.any_horizontal(keys.is_null() | keys.str.contains(rf"^\s*(?:{self._words})"))
            )
            gone = [r[-1] for r in doubtful.select(*cells, ROW).iter_rows() if self.ignored(r[-1], r[:-1])]
            if gone:
                frame = frame.filter(~pl.col(ROW).is_in(gone))
        if self._nameless:
            self._tell_nameless(frame)
        named = {str(i): n for i, n in enumerate(self.names) if n is not None}
        return frame.select(pl.col(i).alias(n) for i, n in [*named.items(), (ROW, ROW)])

    def _tell_nameless(self, frame: pl.DataFrame) -> None:
        for i in list(self._nameless):
            filled = frame.filter(pl.col(str(i)).is_not_null())
            if filled.height:
                row = filled.item(0, ROW)
                self.notes.add(
                    "nameless",
                    row,
                    f"第 {i + 1} 列有内容(如第 {row} 行)但表头为空,未读取",
                    f"column {i + 1} is filled (as in row {row}) but the header does not name it: not read",
                )
                self._nameless.remove(i)


def tight(text: str) -> str:
    """Without any blanks, full-width ones too, and half-width colons made full: 合 计, 备注: are written both ways."""
    return re.sub(r"\s+", "", text).replace(":", "：")
