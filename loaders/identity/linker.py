"""Keeps which raw entities are one beside the records: their traits, the links between them, people's judgements.

A raw entity is what one key, or one record without a key, speaks of. Machine decisions are a pure function of the
records and the judgements, so a rebuild comes to the same ones; judgements stand in the ledger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from ledger import Ledger, Records
from loaders.fold import Version
from loaders.places import PlaceBase

LINK, ASK = "LINK", "ASK"
SEPARATOR = "~"
TRAITS = {"raw": pl.String, "kind": pl.String, "value": pl.String}
LINKS = {"raw": pl.String, "same": pl.String, "state": pl.String, "score": pl.Float64, "why": pl.String}
PART = 10_000
Raw = str
Trait = tuple[Raw, str, str]


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """A decision that two raw entities are one (LINK), or a question whether they are (ASK).

    Attributes:
        raw, same: the raw entity, and the one it is taken for.
        why: what agrees, by commas; `judgement` when a person decided.
        score: 0–1, how likely it is.
    """

    raw: str
    same: str
    state: str
    score: float
    why: str
    version: str

    @property
    def id(self) -> str:
        """What it is called when it is judged."""
        return f"{self.raw}{SEPARATOR}{self.same}"


class Linker(ABC):
    """Which raw entities of one label in a record store are one.

    Attributes:
        subject: what judgements about them are called in the ledger.
        prefix: of their ids.
        ties: kinds of traits by which one may bear on the decision about another.
        settles: the kind of trait that leaves nothing to decide about whoever has it; None where there is none.
        version: of the decisions.
        same: raw entity → the one that it is known as, where that is another.
    """

    subject: ClassVar[str]
    prefix: ClassVar[str]
    ties: ClassVar[tuple[str, ...]]
    settles: ClassVar[str | None] = None
    version: ClassVar[str]

    def __init__(self, ledger: Ledger, records: Records, places: PlaceBase) -> None:
        self._ledger = ledger
        self._records = records
        self._places = places
        self._read = 0
        self._direct: dict[Raw, Raw] = {}
        self.same: dict[Raw, str] = {}
        self._members: dict[str, list[Raw]] = defaultdict(list)
        self.refresh()

    # -- what is the label's own ------------------------------------------------------------------------------------

    @abstractmethod
    def claimed(self, found: dict[str, list[Version]]) -> Iterable[Trait]:
        """Traits: what the versions of records about raw entities say of them."""

    @abstractmethod
    def decide(
        self, traits: pl.DataFrame, wanted: pl.Series, apart: Sequence[tuple[Raw, Raw]]
    ) -> pl.DataFrame:
        """The machine's decisions about those wanted, from all traits that may bear on them (`LINKS`)."""

    def all_anew(self) -> bool:
        """Whether so much has changed that everybody is to be decided about again."""
        return False

    # -- who is known as whom ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Reads the links again if another process has written since."""
        version = int(self._records.db.execute("PRAGMA data_version").fetchone()[0])
        if version != self._read:
            self._read = version
            self.reload()

    def reload(self) -> None:
        """Reads the links again, after another process may have changed them."""
        found = self._records.db.execute(
            "SELECT raw, same FROM link WHERE state = ? AND raw >= ? AND raw < ?", (LINK, *self._range)
        )
        self._set(dict(found))

    @property
    def _range(self) -> tuple[str, str]:
        """Their ids lie from the first on and before the second."""
        return f"{self.prefix}_", f"{self.prefix}`"

    def _set(self, direct: dict[Raw, Raw]) -> None:
        self._direct = direct
        self.same = {raw: ended(direct, raw) for raw in direct}
        self._members = defaultdict(list)
        for raw, end in self.same.items():
            self._members[end].append(raw)

    def members(self, id: str) -> list[Raw]:
        """The raw entities that an entity is; none for one that stands for another."""
        return [] if id in self.same else [id, *self._members.get(id, ())]

    # -- deciding ---------------------------------------------------------------------------------------------------

    def update(
        self, raws: Sequence[Raw], versions: Callable[[Sequence[str]], dict[str, list[Version]]]
    ) -> dict[Raw, Raw]:
        """Decides anew about raw entities whose records have changed, and whom that bears on.

        Args:
            versions: all versions of all records about raw entities.

        Returns:
            The raw entities that now stand for another than before, and for whom they stood.
        """
        touched: set[tuple[str, str]] = set()
        for start in range(0, len(raws), PART):
            part = raws[start : start + PART]
            before = self._traits_of(part)
            after = set(self.claimed(versions(part)))
            self._put_traits(before - after, after - before)
            # Any trait bears on those that are tied by another: two may share a name, and differ in what has come now.
            changed = {raw for raw, _, _ in before ^ after}
            touched |= {
                (kind, value) for raw, kind, value in before | after if raw in changed and kind in self.ties
            }
        ours = set(raws)
        open = self._unsettled(ours)
        if self.all_anew():
            wanted = self._unsettled(self._everybody()) | open
        else:
            wanted = more = self._unsettled(self._sharing(touched)) | open
            while more:
                more = self.mates(more) - wanted
                wanted = wanted | more
        return self._redecide(sorted(wanted), ours - open)

    def mates(self, raws: set[Raw]) -> set[Raw]:
        """Whom these raw entities are decided about together with, beyond what ties them: nobody, as a rule."""
        return set()

    @abstractmethod
    def measure(self, traits: Mapping[str, pl.LazyFrame]) -> None:
        """Keeps what decisions about everybody depend on beside the traits of each; call it before `decide_all`."""

    def decide_all(self, traits: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
        """Decides about everybody at once, from all traits: kind → `raw`, `value`; for a first load.

        Returns:
            The decisions as the record store keeps them, where they are not written.
        """

        def unsettled(raws: Sequence[Raw]) -> pl.Series:
            of = pl.col("raw").is_in(raws)
            held = {kind: f.filter(of).select("raw").unique() for kind, f in traits.items()}
            found = pl.concat(held.values()).unique() if held else pl.LazyFrame(schema={"raw": pl.String})
            if self.settles in held:
                found = found.join(held[self.settles], on="raw", how="anti")
            return found.collect().to_series()

        links = self._with_judgements(lambda apart: self.decide_whole(traits, apart), unsettled)
        self._set(_direct(links))
        return self._versioned(links)

    @abstractmethod
    def decide_whole(
        self, traits: Mapping[str, pl.LazyFrame], apart: Sequence[tuple[Raw, Raw]]
    ) -> pl.DataFrame:
        """The machine's decisions about everybody, as `decide` makes them, in no more memory than need be.

        Args:
            traits: kind → `raw`, `value`.
        """

    def _redecide(self, wanted: list[Raw], gone: set[Raw]) -> dict[Raw, Raw]:
        ties = {(k, v) for _, k, v in self._traits_of(wanted) if k in self.ties}
        universe = sorted(self._sharing(ties) | set(wanted))
        links = self._judged(_frame(self._traits_of(universe)), pl.Series(wanted, dtype=pl.String))
        self._records.db.executemany("DELETE FROM link WHERE raw = ?", ((r,) for r in (*wanted, *gone)))
        self._write(links)
        looked_at = {*wanted, *gone}
        # Whoever stands for the same may hang by one that was looked at.
        affected = looked_at | {
            m for raw in looked_at for m in self._members.get(self.same.get(raw, raw), ())
        }
        before = {raw: self.same.get(raw) for raw in affected}
        for raw in looked_at:
            self._direct.pop(raw, None)
        self._direct |= _direct(links)
        for raw in affected:
            end = ended(self._direct, raw)
            old = self.same.pop(raw, None)
            if old is not None:
                self._members[old].remove(raw)
            if end != raw:
                self.same[raw] = end
                self._members[end].append(raw)
        return {raw: held or raw for raw, held in before.items() if held != self.same.get(raw)}

    def _judged(self, traits: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
        """The machine's decisions about those wanted, with people's judgements over them."""
        return self._with_judgements(lambda apart: self.decide(traits, wanted, apart), lambda raws: wanted)

    def _with_judgements(
        self,
        decide: Callable[[Sequence[tuple[Raw, Raw]]], pl.DataFrame],
        wanted: Callable[[Sequence[Raw]], pl.Series],
    ) -> pl.DataFrame:
        """The decisions that a function comes to when it is told who are two.

        Args:
            wanted: those who are decided about, of some raw entities at least.
        """
        judged = self._ledger.judgements(self.subject)
        apart = [(a, b) for (a, b), verdict in judged.items() if verdict == "different"]
        together = [(a, b) for (a, b), verdict in judged.items() if verdict == "same"]
        links = decide(apart)
        forced = [(a, b, LINK, 1.0, "judgement") for a, b in together]
        if forced:
            by_hand = pl.DataFrame(forced, schema=LINKS, orient="row")
            of = wanted([raw for raw, _ in together])
            by_hand = by_hand.join(of.alias("raw").to_frame(), on="raw", how="semi")
            links = pl.concat([links.join(by_hand, on="raw", how="anti"), by_hand])
        return links

    def _versioned(self, links: pl.DataFrame) -> pl.DataFrame:
        return links.select(*LINKS, pl.lit(self.version).alias("version")).sort(pl.all())

    def _write(self, links: pl.DataFrame) -> None:
        self._records.put_links(self._versioned(links).iter_rows())

    # -- traits -----------------------------------------------------------------------------------------------------

    def _everybody(self) -> set[Raw]:
        found = self._records.db.execute(
            "SELECT DISTINCT raw FROM trait WHERE raw >= ? AND raw < ?", self._range
        )
        return {r[0] for r in found}

    def _traits_of(self, raws: Sequence[Raw]) -> set[Trait]:
        found: set[Trait] = set()
        for start in range(0, len(raws), 30_000):
            part = raws[start : start + 30_000]
            marks = ",".join("?" * len(part))
            found.update(
                self._records.db.execute(f"SELECT raw, kind, value FROM trait WHERE raw IN ({marks})", part)
            )
        return found

    def _unsettled(self, raws: set[Raw]) -> set[Raw]:
        """Those of some raw entities about whom there is something to decide."""
        if self.settles is None:
            return raws
        found: set[Raw] = set()
        wanted = sorted(raws)
        for start in range(0, len(wanted), 30_000):
            part = wanted[start : start + 30_000]
            marks = ",".join("?" * len(part))
            # Not by the index of kinds, which has all of a district's.
            rows = self._records.db.execute(
                f"SELECT raw FROM trait WHERE raw IN ({marks}) AND +kind = ?", (*part, self.settles)
            )
            found.update(row[0] for row in rows)
        return raws - found

    def _sharing(self, ties: Iterable[tuple[str, str]]) -> set[Raw]:
        db = self._records.db
        db.execute(
            "CREATE TEMP TABLE IF NOT EXISTS tie (kind TEXT, value TEXT, PRIMARY KEY (kind, value)) WITHOUT ROWID"
        )
        db.execute("DELETE FROM tie")
        db.executemany("INSERT OR IGNORE INTO tie VALUES (?,?)", ties)
        found = db.execute(
            "SELECT DISTINCT t.raw FROM tie CROSS JOIN trait t ON t.kind = tie.kind AND t.value = tie.value"
        )
        return {r[0] for r in found}

    def _put_traits(self, gone: Collection[Trait], come: Collection[Trait]) -> None:
        """Takes traits that are kept away, and keeps others that are not."""
        db = self._records.db
        db.executemany("DELETE FROM trait WHERE raw = ? AND kind = ? AND value = ?", gone)
        db.executemany("INSERT OR IGNORE INTO trait (raw, kind, value) VALUES (?,?,?)", come)

    # -- asking -----------------------------------------------------------------------------------------------------

    def links(
        self, state: str | None = None, about: str | None = None, limit: int = 100, skip: int = 0
    ) -> list[IdentityLink]:
        """Links and questions, the surest first; of one entity when it is named."""
        raws = self.members(about) if about is not None else []
        marks = ",".join("?" * len(raws))
        where = f"(raw IN ({marks}) OR same IN ({marks}))" if about is not None else "1"
        rows = self._records.db.execute(
            "SELECT raw, same, state, score, why, version FROM link WHERE raw >= ? AND raw < ? "
            f"AND (? IS NULL OR state = ?) AND {where} ORDER BY score DESC, raw, same LIMIT ? OFFSET ?",
            (*self._range, state, state, *raws, *raws, limit, skip),
        )
        return [IdentityLink(*row) for row in rows]

    def count(self, state: str) -> int:
        """How many links there are in a state."""
        found = self._records.db.execute(
            "SELECT count(*) FROM link WHERE state = ? AND raw >= ? AND raw < ?", (state, *self._range)
        )
        return int(found.fetchone()[0])

    def link(self, raw: str, same: str) -> IdentityLink | None:
        """The link or question between two raw entities."""
        row = self._records.db.execute(
            "SELECT raw, same, state, score, why, version FROM link WHERE raw = ? AND same = ?", (raw, same)
        ).fetchone()
        return IdentityLink(*row) if row is not None else None

    def steps(self, raw: str) -> list[IdentityLink]:
        """The links from a raw entity to the one that it is known as, one after the other."""
        found: list[IdentityLink] = []
        while (further := self._direct.get(raw)) is not None and len(found) <= len(self._direct):
            link = self.link(raw, further)
            if link is None or link in found:
                break
            found.append(link)
            raw = further
        return found


def ended(direct: Mapping[str, str], raw: str) -> str:
    """Whom a raw entity stands for: the end of its chain of links."""
    seen = {raw}
    while (further := direct.get(raw)) is not None and further not in seen:
        raw = further
        seen.add(raw)
    return raw


def _direct(links: pl.DataFrame) -> dict[Raw, Raw]:
    return dict(links.filter(pl.col("state") == LINK).select("raw", "same").iter_rows())


def _frame(traits: Iterable[Trait]) -> pl.DataFrame:
    return pl.DataFrame(sorted(traits), schema=TRAITS, orient="row")
