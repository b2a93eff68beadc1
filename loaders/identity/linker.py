"""Keeps who is whom beside the records: traits of raw persons, links between them, and people's judgements of links.

Machine decisions are a pure function of the records and the judgements, so a rebuild comes to the same ones; judgements
stand in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from ledger import Ledger, Records
from loaders.fold import Version
from loaders.identity.people import (
    ASK,
    BIRTH,
    HOME,
    LINK,
    LINKS,
    NAME,
    NUMBER,
    PHONE,
    SEX,
    TRAITS,
    VERSION,
    decide,
    ended,
    population,
)
from loaders.mapping import Claims, LinkClaim, NodeClaim
from loaders.places import PlaceBase

HOMES = frozenset({"BUILDING", "UNIT", "DWELLING", "SITE"})
FIELDS = {"name": NAME, "mobile": PHONE, "birth": BIRTH, "sex": SEX, "id_hash": NUMBER}
# What ties raw persons together: whoever shares one of these may bear on a decision.
TIES = (NAME, PHONE, HOME)
SIZE = "people"
PART = 10_000
Raw = str


@dataclass(frozen=True, slots=True)
class PersonLink:
    """A decision that two raw persons are one (LINK), or a question whether they are (ASK).

    Attributes:
        raw, same: the raw person without a number, and the one it is taken for.
        why: what agrees, by commas; `judgement` when a person decided.
        score: 0–1, how likely it is.
    """

    raw: str
    same: str
    state: str
    score: float
    why: str
    version: str


class PeopleLinker:
    """The persons of a record store."""

    def __init__(self, ledger: Ledger, records: Records, places: PlaceBase) -> None:
        self._ledger = ledger
        self._records = records
        self._places = places
        self._version = 0
        self._direct: dict[Raw, Raw] = {}
        self.same: dict[Raw, str] = {}
        self._members: dict[str, list[Raw]] = defaultdict(list)
        self.refresh()

    def refresh(self) -> None:
        """Reads the links again if another process has written since."""
        version = int(self._records.db.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self._version = version
            self.reload()

    def reload(self) -> None:
        """Reads the links again, after another process may have changed them."""
        self._set(dict(self._records.db.execute("SELECT raw, same FROM link WHERE state = ?", (LINK,))))

    def _set(self, direct: dict[Raw, Raw]) -> None:
        self._direct = direct
        self.same = {raw: ended(direct, raw) for raw in direct}
        self._members = defaultdict(list)
        for raw, end in self.same.items():
            self._members[end].append(raw)

    def members(self, id: str) -> list[Raw]:
        """The raw persons that a person is; none for one that stands for another."""
        return [] if id in self.same else [id, *self._members.get(id, ())]

    def rewritten(self, claims: Claims) -> Claims:
        """The claims, made of persons as they are known."""
        same = self.same
        if not same or not any(n.id in same for n in claims.nodes):
            return claims
        nodes = [NodeClaim(same.get(n.id, n.id), *n[1:]) for n in claims.nodes]
        links = []
        for link in claims.links:
            start, end = same.get(link.start, link.start), link.end and same.get(link.end, link.end)
            if end is None or end != start:
                owner = same.get(link.owner, link.owner)
                links.append(LinkClaim(link.slot, link.type, owner, start, end, *link[5:]))
        return Claims(nodes, links)

    # -- deciding ---------------------------------------------------------------------------------------------------

    def update(
        self, raws: Sequence[Raw], versions: Callable[[Sequence[str]], dict[str, list[Version]]]
    ) -> set[Raw]:
        """Decides anew about raw persons whose records have changed, and whom that bears on.

        Args:
            versions: all versions of all records about raw persons, not rewritten.

        Returns:
            The raw persons that now stand for another person than before.
        """
        touched: set[tuple[str, str]] = set()
        for start in range(0, len(raws), PART):
            part = raws[start : start + PART]
            before = self._traits_of(part)
            after = set(self._claimed(versions(part)))
            self._put_traits(before - after, after - before)
            touched |= {(kind, value) for _, kind, value in before ^ after if kind in TIES}
            # A trait that decides without tying (birth, sex, a number) bears on those it is tied to by others.
            odd = {raw for raw, kind, _ in before ^ after if kind not in TIES}
            touched |= {(kind, value) for raw, kind, value in before | after if raw in odd and kind in TIES}
        size = population(self._anchors())
        if str(size) != self._records.meta(SIZE):
            self._records.set_meta(SIZE, str(size))
            wanted = {r[0] for r in self._records.db.execute("SELECT DISTINCT raw FROM trait")}
        else:
            wanted = self._sharing(touched) | set(raws)
        numbered = {r for r, kind, _ in self._traits_of(sorted(wanted)) if kind == NUMBER}
        wanted -= numbered
        gone = {r for r in raws if r in numbered}
        return self._redecide(sorted(wanted), gone, size)

    def decide_all(self, traits: pl.DataFrame) -> None:
        """Decides about everybody at once, from all traits (`raw`, `kind`, `value`); for a first load."""
        with self._records.transaction() as db:
            db.execute("DELETE FROM trait")
            db.execute("DELETE FROM link")
            db.executemany(
                "INSERT INTO trait VALUES (?,?,?)",
                traits.select("kind", "value", "raw").unique().sort(pl.all()).iter_rows(),
            )
        anchors = traits.filter(pl.col("kind") == NUMBER).select("raw").unique()
        size = population(anchors.height)
        self._records.set_meta(SIZE, str(size))
        wanted = traits.select("raw").unique().join(anchors, on="raw", how="anti").to_series().sort()
        links = self._decided(traits, wanted, size)
        with self._records.transaction() as db:
            self._write(links)
        self._set(dict(links.filter(pl.col("state") == LINK).select("raw", "same").iter_rows()))

    def _redecide(self, wanted: list[Raw], gone: set[Raw], size: int) -> set[Raw]:
        ties = {(k, v) for _, k, v in self._traits_of(wanted) if k in TIES}
        universe = sorted(self._sharing(ties) | set(wanted))
        traits = pl.DataFrame(sorted(self._traits_of(universe)), schema=TRAITS, orient="row")
        links = self._decided(traits, pl.Series(wanted, dtype=pl.String), size)
        self._records.db.executemany("DELETE FROM link WHERE raw = ?", ((r,) for r in (*wanted, *gone)))
        self._write(links)
        direct = dict(links.filter(pl.col("state") == LINK).select("raw", "same").iter_rows())
        looked_at = {*wanted, *gone}
        affected = looked_at | {m for raw in looked_at for m in self._members.get(raw, ())}
        before = {raw: self.same.get(raw) for raw in affected}
        for raw in looked_at:
            self._direct.pop(raw, None)
        self._direct |= direct
        for raw in affected:
            end = ended(self._direct, raw)
            old = self.same.pop(raw, None)
            if old is not None:
                self._members[old].remove(raw)
            if end != raw:
                self.same[raw] = end
                self._members[end].append(raw)
        return {raw for raw in affected if before[raw] != self.same.get(raw)}

    def _decided(self, traits: pl.DataFrame, wanted: pl.Series, size: int) -> pl.DataFrame:
        """The machine's decisions, with people's judgements over them."""
        judged = self._ledger.judgements("person")
        apart = [(a, b) for (a, b), verdict in judged.items() if verdict == "different"]
        together = [(a, b) for (a, b), verdict in judged.items() if verdict == "same"]
        links = decide(traits, wanted, size, apart)
        forced = [(a, b, LINK, 1.0, "judgement") for a, b in together]
        if forced:
            by_hand = pl.DataFrame(forced, schema=LINKS, orient="row")
            by_hand = by_hand.join(wanted.alias("raw").to_frame(), on="raw", how="semi")
            links = pl.concat([links.join(by_hand, on="raw", how="anti"), by_hand])
        return links

    def _write(self, links: pl.DataFrame) -> None:
        self._records.db.executemany(
            "INSERT OR REPLACE INTO link VALUES (?,?,?,?,?,?)",
            ((*row, VERSION) for row in links.select(list(LINKS)).sort(pl.all()).iter_rows()),
        )

    # -- traits -----------------------------------------------------------------------------------------------------

    def _claimed(self, found: dict[str, list[Version]]) -> Iterable[tuple[Raw, str, str]]:
        """What the records about raw persons say of them."""
        for raw, versions in found.items():
            for version in versions:
                for node in version.claims.nodes:
                    if node.id == raw:
                        for field, kind in FIELDS.items():
                            if (value := node.values.get(field)) is not None:
                                yield raw, kind, value
                for link in version.claims.links:
                    if link.start == raw and link.type == "LIVES_AT" and link.place is not None:
                        home = self.home(link.place)
                        if home is not None:
                            yield raw, HOME, home

    def home(self, place_key: str) -> str | None:
        """The code of a place that is near enough to a home to say who lives there."""
        placed = self._places.placed(place_key)
        return placed.code if placed.level in HOMES else None

    def _traits_of(self, raws: Sequence[Raw]) -> set[tuple[Raw, str, str]]:
        found: set[tuple[Raw, str, str]] = set()
        for start in range(0, len(raws), 30_000):
            part = raws[start : start + 30_000]
            marks = ",".join("?" * len(part))
            found.update(
                self._records.db.execute(f"SELECT raw, kind, value FROM trait WHERE raw IN ({marks})", part)
            )
        return found

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

    def _put_traits(self, gone: Iterable[tuple[Raw, str, str]], come: Iterable[tuple[Raw, str, str]]) -> None:
        db = self._records.db
        db.executemany("DELETE FROM trait WHERE raw = ? AND kind = ? AND value = ?", gone)
        db.executemany("INSERT OR IGNORE INTO trait (raw, kind, value) VALUES (?,?,?)", come)

    def _anchors(self) -> int:
        found = self._records.db.execute("SELECT count(DISTINCT raw) FROM trait WHERE kind = ?", (NUMBER,))
        return int(found.fetchone()[0])

    # -- asking -----------------------------------------------------------------------------------------------------

    def links(
        self, state: str | None = None, person: str | None = None, limit: int = 100
    ) -> list[PersonLink]:
        """Links and questions, the surest first; of one person when it is named."""
        about = self.members(person) if person is not None else []
        marks = ",".join("?" * len(about))
        where = f"(raw IN ({marks}) OR same IN ({marks}))" if person is not None else "1"
        rows = self._records.db.execute(
            f"SELECT raw, same, state, score, why, version FROM link WHERE (? IS NULL OR state = ?) AND {where} "
            "ORDER BY score DESC, raw, same LIMIT ?",
            (state, state, *about, *about, limit),
        )
        return [PersonLink(*row) for row in rows]


__all__ = ["ASK", "LINK", "PeopleLinker", "PersonLink"]
