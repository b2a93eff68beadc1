"""The known places where they are kept: what a process need not hold in memory to know them.

Which places there are, and what lies where, is in the index of names, which is mapped into memory; what they are called is in the record
store. What has changed since either was written is the gazetteer's own.
"""

from __future__ import annotations

import marshal
import mmap
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
import polars as pl

from addresses.gazetteer import PlaceRecord
from addresses.index import Index
from ledger import Records

# Records that are kept once read.
KEPT = 20_000
PART = 2_000

Make = Callable[[str, Mapping[str, Any]], PlaceRecord | None]


class OnDisk(ABC):
    """Implements `addresses.gazetteer.Stored` over an index, and records that are read one by one.

    Args:
        index: the index as it is at the time.
    """

    def __init__(self, index: Callable[[], Index]) -> None:
        self._index = index
        self._read = _Kept[PlaceRecord]()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def fetch(self, code: str) -> PlaceRecord | None:
        """The record of a code, from where it is kept."""

    @abstractmethod
    def records(self) -> Iterator[PlaceRecord]:
        """All of them, read one after the other: so a million take no memory."""

    @abstractmethod
    def code_of(self, id: str) -> str | None:
        """The code of the address with an id."""

    def has(self, code: str) -> bool:
        return self._index().at(code) is not None or self.record(code) is not None

    def record(self, code: str) -> PlaceRecord | None:
        held = self._read.get(code)
        if held is None and (held := self.fetch(code)) is not None:
            self._read.put(code, held)
        return held

    def level(self, code: str) -> str | None:
        index = self._index()
        at = index.at(code)
        if at is not None:
            return index.level(at)
        record = self.record(code)
        return record.level if record is not None else None

    def own_grid(self, code: str) -> str | None:
        record = self.record(code)
        return record.own_grid if record is not None else None

    def by_local(self, local: str) -> str | None:
        index = self._index()
        found = sorted(index.code(at) for at in index.by_local(local))
        return found[0] if found else None

    def codes(self) -> Iterator[str]:
        for record in self.records():
            yield record.code


class StoredPlaces(OnDisk):
    """Places as the record store has folded them.

    Args:
        size: how many there are, as of `stored_places`.
        index: as of `OnDisk`.
        id_of: code → id. make: an address' id and folded state → its record.
    """

    def __init__(
        self,
        records: Records,
        size: int,
        index: Callable[[], Index],
        id_of: Callable[[str], str],
        make: Make,
    ) -> None:
        super().__init__(index)
        self._records = records
        self._id_of = id_of
        self._make = make
        self._coded = _Kept[str]()
        self._size = size

    def __len__(self) -> int:
        return self._size

    def fetch(self, code: str) -> PlaceRecord | None:
        id = self._id_of(code)
        state = self.state(id)
        made = self._make(id, state) if state is not None else None
        return made if made is not None and made.code == code else None

    def state(self, id: str) -> dict[str, Any] | None:
        """The folded state of an address: its values and relationships."""
        found = self._records.db.execute("SELECT state FROM folded WHERE id = ?", (id,)).fetchone()
        return None if found is None else orjson.loads(found[0])

    def code_of(self, id: str) -> str | None:
        held = self._coded.get(id)
        if held is None:
            state = self.state(id)
            held = state["p"].get("code") if state is not None else None
            if held is not None:
                self._coded.put(id, held)
        return held

    def forget(self, code: str | None = None, id: str | None = None) -> None:
        """Reads a place, or all of them, again when next asked: it is stored otherwise."""
        if code is None:
            self._read.clear()
            self._coded.clear()
        else:
            self._read.pop(code, None)
            self._coded.pop(id or "", None)

    def own_grid(self, code: str) -> str | None:
        index = self._index()
        at = index.at(code)
        return index.grid(at) if at is not None else super().own_grid(code)

    def records(self) -> Iterator[PlaceRecord]:
        last = "adr_"
        while True:
            part = self._records.db.execute(
                "SELECT id, state FROM folded WHERE id > ? AND id < 'adr`' ORDER BY id LIMIT ?", (last, PART)
            ).fetchall()
            if not part:
                return
            last = part[-1][0]
            for id, state in part:
                made = self._make(id, orjson.loads(state))
                if made is not None:
                    yield made


def stored_places(records: Records) -> int:
    """How many addresses the record store has folded."""
    found = records.db.execute("SELECT count(*) FROM folded WHERE id >= 'adr_' AND id < 'adr`'").fetchone()
    return int(found[0])


class PlaceFile(OnDisk):
    """Places in a file of this process', which nothing is put into: a first load knows all before any is folded.

    Args:
        path: of the file; it is written over.
        index: as of `OnDisk`.
        places: all of them. id_of: code → id.
    """

    def __init__(
        self,
        path: Path,
        index: Callable[[], Index],
        places: Iterable[PlaceRecord],
        id_of: Callable[[str], str],
    ) -> None:
        super().__init__(index)
        starts, codes, ids = array("Q", [0]), array("q"), array("q")
        at = 0
        with path.open("wb") as file:
            for place in places:
                at += file.write(marshal.dumps(_FIELDS(place)))
                starts.append(at)
                codes.append(hash(place.code))
                ids.append(hash(id_of(place.code)))
        self._id_of = id_of
        self._starts, self._codes, self._ids = starts, _Rows(codes), _Rows(ids)
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if at else b""

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _record(self, row: int) -> PlaceRecord:
        return PlaceRecord(*marshal.loads(self._bytes[self._starts[row] : self._starts[row + 1]]))

    def fetch(self, code: str) -> PlaceRecord | None:
        found = map(self._record, self._codes.of(hash(code)))
        return next((place for place in found if place.code == code), None)

    def code_of(self, id: str) -> str | None:
        found = (self._record(row).code for row in self._ids.of(hash(id)))
        return next((code for code in found if self._id_of(code) == id), None)

    def records(self) -> Iterator[PlaceRecord]:
        return map(self._record, range(len(self)))


_FIELDS = attrgetter(*(f.name for f in fields(PlaceRecord)))
_Value = TypeVar("_Value")


class _Kept(OrderedDict[str, _Value], Generic[_Value]):
    """What was read last, as far as it is worth its memory."""

    def get(self, key: str) -> _Value | None:  # type: ignore[override]
        held = super().get(key)
        if held is not None:
            # Another thread may have let go of it.
            with suppress(KeyError):
                self.move_to_end(key)
        return held

    def put(self, key: str, value: _Value) -> None:
        self[key] = value
        if len(self) > KEPT:
            with suppress(KeyError):
                self.popitem(last=False)


class _Rows:
    """Which rows have a number, of millions, in twelve bytes each."""

    def __init__(self, numbers: array[int]) -> None:
        ordered = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Int64)}).with_row_index("row").sort("n")
        self._numbers = array("q", ordered.get_column("n"))
        self._rows = array("I", ordered.get_column("row"))

    def of(self, number: int) -> Iterator[int]:
        at = bisect_left(self._numbers, number)
        while at < len(self._numbers) and self._numbers[at] == number:
            yield self._rows[at]
            at += 1
