"""The known places where they are kept: what a process need not hold in memory to know them.

Which places there are, and what lies where, is in the index of names, which is mapped into memory; what they are called is in the record
store. What has changed since either was written is the gazetteer's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from addresses.gazetteer import PlaceRecord
from addresses.index import Index
from ledger import Records

# Records that are kept once read.
KEPT = 20_000
PART = 2_000

Make = Callable[[str, Mapping[str, Any]], PlaceRecord | None]


class StoredPlaces:
    """Implements `addresses.gazetteer.Stored` over an index and the record store.

    Args:
        index: the index as it is at the time.
        id_of: code → id. make: an address' id and folded state → its record.
    """

    def __init__(
        self, records: Records, index: Callable[[], Index], id_of: Callable[[str], str], make: Make
    ) -> None:
        self._records = records
        self._index = index
        self._id_of = id_of
        self._make = make
        self._read: OrderedDict[str, PlaceRecord] = OrderedDict()
        self._coded: OrderedDict[str, str] = OrderedDict()
        self._size = int(
            records.db.execute("SELECT count(*) FROM folded WHERE id >= 'adr_' AND id < 'adr`'").fetchone()[0]
        )

    def __len__(self) -> int:
        return self._size

    def has(self, code: str) -> bool:
        return self._index().at(code) is not None or self.record(code) is not None

    def record(self, code: str) -> PlaceRecord | None:
        held = self._read.get(code)
        if held is not None:
            self._read.move_to_end(code)
            return held
        id = self._id_of(code)
        state = self.state(id)
        made = self._make(id, state) if state is not None else None
        if made is None or made.code != code:
            return None
        self._read[code] = made
        if len(self._read) > KEPT:
            self._read.popitem(last=False)
        return made

    def state(self, id: str) -> dict[str, Any] | None:
        """The folded state of an address: its values and relationships."""
        found = self._records.db.execute("SELECT state FROM folded WHERE id = ?", (id,)).fetchone()
        return None if found is None else orjson.loads(found[0])

    def code_of(self, id: str) -> str | None:
        """The code of a stored address."""
        held = self._coded.get(id)
        if held is None:
            state = self.state(id)
            held = state["p"].get("code") if state is not None else None
            if held is not None:
                self._coded[id] = held
                if len(self._coded) > KEPT:
                    self._coded.popitem(last=False)
        return held

    def forget(self, code: str | None = None, id: str | None = None) -> None:
        """Reads a place, or all of them, again when next asked: it is stored otherwise."""
        if code is None:
            self._read.clear()
            self._coded.clear()
        else:
            self._read.pop(code, None)
            self._coded.pop(id or "", None)

    def level(self, code: str) -> str | None:
        index = self._index()
        at = index.at(code)
        if at is not None:
            return index.level(at)
        record = self.record(code)
        return record.level if record is not None else None

    def own_grid(self, code: str) -> str | None:
        index = self._index()
        at = index.at(code)
        if at is not None:
            return index.grid(at)
        record = self.record(code)
        return record.own_grid if record is not None else None

    def by_local(self, local: str) -> str | None:
        index = self._index()
        found = sorted(index.code(at) for at in index.by_local(local))
        return found[0] if found else None

    def codes(self) -> Iterator[str]:
        for record in self.records():
            yield record.code

    def records(self) -> Iterator[PlaceRecord]:
        """All of them, read one after the other: so a million take no memory."""
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
