"""The loading run: what `loaders.intake` has taken in goes through the fold, and the difference into the graph.

A kill at any moment leaves `dirty` keys and batches not yet applied behind; the next run goes on from them.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from addresses.genealogy import Change, change_of
from addresses.scheme import Scheme
from graph.meta import read_meta
from graph.store import Store
from graph.writer import Difference, clear_codes, wipe, write, write_meta, write_rollups
from ledger import PLACE, Ledger, Records, about_key
from loaders import retention
from loaders.declaration import Feed
from loaders.disagreements import Said, disagreements
from loaders.eras import day_of
from loaders.fold import LinkState, State, Version, by_record, contributions, fold, turns
from loaders.identity.known import Known
from loaders.identity.linker import Linker
from loaders.intake import FileSummary, Intake, Progress
from loaders.mapping import Claims, sentence_of, split_place_key
from loaders.places import GENEALOGY, PlaceBase, Surroundings, place_record
from loaders.touched import Touched, touched
from ontology import ONTOLOGY
from ontology.clock import Clock
from ontology.errors import EngineError, UsageError
from ontology.terms import Terms

log = logging.getLogger("quanxi.loader")
CHUNK = 10_000
# Chunks that are folded and not yet written.
AHEAD = 3
# In the record store's `meta`: the number of the last judgement that the links heed.
JUDGED = "judged"
# There too: what incidents of several reports were folded to.
REPORTS, REPORTS_NOW = "reports", "reported_as"
# There too: the day that the roll-ups are for, and the day since which it is known when each of whom they count turns.
ROLLED_FOR, TURNING = "rolled_for", "turning"
# The ids of those who count otherwise on another day.
_TURNING = tuple(f"{ONTOLOGY.entities[label].prefix}_" for label in ("Person", "Volunteer"))
ROLLUPS = tuple(n for n in ONTOLOGY.entities["Address"].fields() if n.startswith("n_"))


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A place that records of a feed name and nobody knows: as text, or by a code (of `authority`, where it is not ours)."""

    feed: str
    text: str | None
    code: str | None
    authority: str | None
    records: int


@dataclass(slots=True)
class Summary:
    """What a run did. `changed` and `unchanged` count entities that the touched records speak of."""

    files: list[FileSummary] = field(default_factory=list)
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    unplaced: dict[str, int] = field(default_factory=dict)


def new_graph_id() -> str:
    """A name for a graph, by which ledger and graph know that they belong together."""
    return secrets.token_hex(8)


def encode(state: State) -> bytes:
    return orjson.dumps(
        {
            "p": state.values,
            "l": [[x.type, x.start, x.end, x.k, x.values] for x in state.links],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def decode(label: str, blob: bytes) -> State:
    raw = orjson.loads(blob)
    return State(label, raw["p"], tuple(LinkState(*x) for x in raw["l"]))


class Watching(Protocol):
    """What looks at the graph once it has changed: the standing traces."""

    async def look(self, store: Store, clock: Clock, seconds: float | None = None) -> int: ...

    def waits(self, clock: Clock) -> bool: ...


class Loader(Intake):
    """Loads feeds of one data directory into one graph.

    Args:
        feeds: declarations by name.
        progress: called with stage, done, total (None when unknown).
        records: another record store than the ledger's own.

    Attributes:
        watch: what looks at the graph once it has changed; None where nothing does.
    """

    def __init__(
        self,
        ledger: Ledger,
        feeds: dict[str, Feed],
        terms: Terms,
        scheme: Scheme,
        clock: Clock,
        progress: Progress | None = None,
        records: Records | None = None,
    ) -> None:
        super().__init__(ledger, feeds, terms, progress, records)
        self.scheme = scheme
        self.clock = clock
        self.watch: Watching | None = None
        self.places = PlaceBase(scheme, self.records, ledger)
        self.known_as = Known(ledger, self.records, self.places, self.feeds)

    # -- through the fold -------------------------------------------------------------------------------------------

    async def apply(self, store: Store) -> Summary:
        """Folds everything dirty and writes the difference. Safe to repeat; ends with exact roll-ups."""
        summary = Summary()
        told = await self._know_graph(store)
        self._take_addresses()
        self._take_judgements()
        self._take_reports()
        for linker in self.known_as.linkers:
            self._link(linker)
        today = self.clock.today().isoformat()
        self._roll_on(today)
        if self.records.meta(GENEALOGY) is not None:
            await clear_codes(store, self._recoded())
        total = self.records.db.execute("SELECT count(*) FROM dirty").fetchone()[0]
        await self._fold_and_write(store, today, total, summary)
        await self._write_rollups(store)
        facts = self.facts(today)
        if any(told.get(name) != value for name, value in facts.items()):
            await write_meta(store, facts)
        self.records.note_applied()
        self.forget_claims()
        self.places.persist(lambda: self.progress("地名索引 index", 0, 1))
        return summary

    def facts(self, today: str) -> dict[str, Any]:
        """What the graph tells of itself: the day its roll-ups are for, and that of the last change of places."""
        return {"rolled_for": today, "scheme": self.scheme.name, "changed_on": self.places.genealogy.last_day}

    def _recoded(self) -> list[str]:
        """Touched addresses that give up the code they have in the graph: another may be about to take it."""
        given = []
        dirty = self.records.dirty("adr")
        for start in range(0, len(dirty), CHUNK):
            for id, blob in self.records.folded(dirty[start : start + CHUNK]).items():
                code = orjson.loads(blob)["p"].get("code")
                if code is not None and code != self.places.code_of(id):
                    given.append(id)
        return given

    async def _fold_and_write(self, store: Store, today: str, total: int, summary: Summary) -> None:
        """Folds chunk by chunk in a thread, while Neo4j takes in those before, one after the other. The record store is written
        between two chunks, so that nobody else is in it, and of a chunk only once the graph has it."""
        done = position = 0
        pending: deque[tuple[_Work, asyncio.Task[None]]] = deque()
        try:
            while True:
                rows = self.records.db.execute(
                    "SELECT seq, id FROM dirty WHERE seq > ? ORDER BY seq LIMIT ?", (position, CHUNK)
                ).fetchall()
                if rows:
                    position = rows[-1][0]
                    work = await asyncio.to_thread(self._fold_chunk, [r[1] for r in rows], today, summary)
                while pending and (not rows or len(pending) >= AHEAD or pending[0][1].done()):
                    written, task = pending[0]
                    await task
                    pending.popleft()
                    self._settle(written)
                    done += len(written.ids)
                    self.progress("入图 graph", done, total)
                if not rows:
                    return
                before = pending[-1][1] if pending else None
                pending.append((work, asyncio.create_task(_write_after(before, store, work.difference))))
        finally:
            for _, task in pending:
                task.cancel()
            await asyncio.gather(*(task for _, task in pending), return_exceptions=True)

    async def _know_graph(self, store: Store) -> dict[str, Any]:
        """Makes sure that the graph is the one that this ledger was folded into; into an empty one all is folded again.

        Returns:
            What the graph tells of itself.

        Raises:
            UsageError: GRAPH_OTHER when the graph belongs to another ledger.
        """
        ours, told = await self.check_graph(store)
        if ours is not None and ours == told.get("graph"):
            if self.records.meta("graph") == ours:
                return told
            # The record store was lost: what stands in the graph is no longer known, so it is made again.
            await wipe(store)
        with self.records.transaction() as db:
            if ours is not None:
                db.execute("INSERT OR IGNORE INTO dirty (id) SELECT id FROM folded")
                db.execute("DELETE FROM folded")
                db.execute("DELETE FROM rollup")
                db.execute("DELETE FROM rollup_dirty")
                db.execute("DELETE FROM turning")
                self.records.new_epoch()
            else:
                ours = new_graph_id()
                self.ledger.set_meta("graph", ours)
            self.records.set_meta("graph", ours)
        self.places.settled()
        await write_meta(store, {"graph": ours})
        return {"graph": ours}

    async def check_graph(self, store: Store) -> tuple[str | None, dict[str, Any]]:
        """The name of this ledger's graph, None where it has none yet, and what the graph in the store tells of itself, its name too.

        Raises:
            UsageError: GRAPH_OTHER when they are two.
        """
        ours, told = self.ledger.meta("graph"), await read_meta(store)
        if told.get("graph") not in (None, ours):
            raise UsageError(
                "GRAPH_OTHER",
                "该图库由另一个数据目录载入",
                f"the graph at {store.address.uri} was loaded from another data directory",
                "Load with that data directory (--data), or into an empty database.",
            )
        return ours, told

    def versions(self, ids: Sequence[str]) -> dict[str, list[Version]]:
        """All versions of all records about the ids, with what they claim; entities as they are known."""
        raws: dict[str, list[str]] = {}
        for one in ids:
            for raw in self.known_as.members(one):
                # A code that several places have had is in the records of each.
                raws.setdefault(raw, []).append(one)
        known: dict[str, list[Version]] = {one: [] for one in ids}
        # Most records are about several of the ids.
        done: dict[int, Claims] = {}
        for raw, versions in self.raw_versions(list(raws)).items():
            for v in versions:
                claims = done.get(id(v.claims))
                if claims is None:
                    claims = done[id(v.claims)] = self.known_as.rewritten(v.claims, v.effective)
                told = v if claims is v.claims else v._replace(claims=claims)
                for one in raws[raw]:
                    known[one].append(told)
        return known

    def raw_versions(self, ids: Sequence[str]) -> dict[str, list[Version]]:
        """All versions of all records about the ids, as the records have them."""
        by_key = {about_key(id): id for id in ids}
        found: dict[str, list[Version]] = {id: [] for id in ids}
        cache = self._claims
        for key, record in self.records.about(list(by_key), cache):
            mapper = self._mappers.get(record.feed)
            if mapper is None:
                continue
            name = record[:4]
            claims = cache.get(name)
            if claims is None:
                claims = cache[name] = mapper.claims(record.rkey, orjson.loads(record.payload))
            found[by_key[key]].append(Version(*record[:6], claims))
        cache.trim()
        self._add_closings(found)
        return found

    def record_versions(self, feed: str, rkeys: Sequence[str]) -> list[list[Version]]:
        """The versions of records of a feed that still count, oldest first, record by record; entities as they are known."""
        claims = self._mappers[feed].claims
        found = [
            Version(*r[:6], self.known_as.rewritten(claims(r.rkey, orjson.loads(r.payload)), r.effective))
            for r in self.records.versions_of(feed, rkeys)
        ]
        self._add_closings({"": found})
        return by_record(found)

    def _add_closings(self, found: dict[str, list[Version]]) -> None:
        """A record that a later snapshot does not hold has, from that day, a version that claims nothing."""
        snapshots = {name for name, feed in self.feeds.items() if feed.mode == "snapshot"}
        held: dict[str, set[str]] = {}
        for versions in found.values():
            for v in versions:
                if v.feed in snapshots:
                    held.setdefault(v.feed, set()).add(v.rkey)
        lost = {feed: self.records.lost(feed, rkeys) for feed, rkeys in held.items()}
        for versions in found.values():
            closings = {(v.feed, v.rkey): v for v in versions if v.rkey in lost.get(v.feed, {})}
            for (feed, rkey), v in closings.items():
                versions.append(Version(feed, rkey, lost[feed][rkey], b"", v.batch, v.row, Claims([], [])))

    def is_decided_anew(self) -> bool:
        """Whether people have judged links or batches, or picked places, since the last time that this was applied; or what stands was folded
        by an earlier version."""
        judged = bool(self.ledger.judged_after(int(self.records.meta(JUDGED) or 0)))
        return judged or retention.waits(self) or self._is_folded_otherwise()

    def _is_folded_otherwise(self) -> bool:
        """Whether an earlier version has folded incidents of several reports."""
        return bool(self.known_as.incidents.same) and self.records.meta(REPORTS) != REPORTS_NOW

    def _take_reports(self) -> None:
        if self.records.meta(REPORTS) == REPORTS_NOW:
            return
        with self.records.transaction():
            self.records.mark_dirty(set(self.known_as.incidents.same.values()))
            self.records.set_meta(REPORTS, REPORTS_NOW)

    def _take_judgements(self) -> None:
        judged = self.ledger.judged_after(int(self.records.meta(JUDGED) or 0))
        if judged:
            texts = [one for _, kind, one in judged if kind == PLACE]
            with self.records.transaction():
                if texts:
                    self.records.mark_dirty(self._owners_of_places(self.places.picked_anew(texts)))
                    self.places.keep()
                self.records.mark_dirty(one for _, kind, one in judged if kind != PLACE)
                self.records.set_meta(JUDGED, str(judged[-1][0]))

    def _link(self, linker: Linker) -> None:
        """Decides which of the entities are one whose records have changed; what then stands otherwise is touched too."""
        dirty = self.records.dirty(linker.prefix)
        if not dirty:
            return
        with self.records.transaction():
            before = linker.update(dirty, self.raw_versions)
            changed = sorted(before)
            for start in range(0, len(changed), CHUNK):
                part = changed[start : start + CHUNK]
                self.records.mark_dirty(part)
                self.records.mark_dirty(before[raw] for raw in part)
                for versions in self.raw_versions(part).values():
                    for version in versions:
                        self.records.mark_dirty(version.claims.owners())
            same = linker.same
            self.records.mark_dirty(same[raw] for raw in self.records.dirty(linker.prefix) if raw in same)

    def changes(self) -> list[Change]:
        """The changes of places that the records tell of: what the newest version of each says.

        What is announced for a later day waits for it.
        """
        today = self.clock.today().isoformat()
        found: list[Change] = []
        for name, feed in self.feeds.items():
            aliases = [alias for alias, claim in feed.entities.items() if claim.label == "Succession"]
            if not aliases:
                continue
            newest: dict[str, Version] = {}
            for record in self.records.of_feed(name):
                claims = self._mappers[name].claims(record.rkey, orjson.loads(record.payload))
                version = Version(*record[:6], claims)
                held = newest.get(record.rkey)
                if held is None or version.order > held.order:
                    newest[record.rkey] = version
            for version in newest.values():
                for node in version.claims.nodes:
                    if node.label == "Succession":
                        v = node.values
                        change = change_of(
                            v.get("kind"), v.get("effective"), v.get("old_code"), v.get("new_code"), v.get("old_name"),
                            v.get("new_name"), self.scheme,
                        )  # fmt: skip
                        if change is not None and change.on <= today:
                            found.append(change)
        return found

    def _take_changes(self) -> None:
        """Heeds what has become of places; those that stand otherwise for it are touched."""
        new_day = self.records.meta(ROLLED_FOR) != self.clock.today().isoformat()
        if not (self.records.dirty("suc", 1) or (new_day and self.records.meta(GENEALOGY) is not None)):
            return
        changes = self.changes()
        with self.records.transaction():
            self.records.mark_dirty(sorted(self.places.take_changes(changes)))
            self.places.keep_changes()
        self._claims.clear()

    def _take_addresses(self) -> None:
        """Brings the gazetteer up to the touched addresses; what then means another place is touched too."""
        self._take_changes()
        dirty = self.records.dirty("adr")
        if not dirty and not self.places.is_of_another_resolver:
            self.places.taken()
            return
        taken: set[str] = set()
        while True:
            if self.places.genealogy:
                dirty = self._known_addresses(dirty)
            self.places.taking()
            for start in range(0, len(dirty), CHUNK):
                part = dirty[start : start + CHUNK]
                self._put_addresses(self.versions(part))
                self.progress("地址 addresses", start + len(part), len(dirty))
            if self.places.genealogy:
                # A place that no record names by its present code is called by what it lies in: from above downwards.
                later = [
                    id
                    for id in dirty
                    if (code := self.places.code_of(id)) and not self.places.genealogy.still(code)
                ]
                later.sort(key=lambda id: (len(self.places.code_of(id) or ""), id))
                for start in range(0, len(later), CHUNK):
                    self._put_addresses(self.versions(later[start : start + CHUNK]))
            self._claims.clear()
            taken.update(dirty)
            with self.records.transaction():
                changed = self.places.changed()
                self.records.mark_dirty(self._owners_of_places(changed))
                self.records.mark_dirty(self.places.id_of(code) for code in self.places.regridded())
                self.places.keep()
            # Where an address lies may be said by one that has just come.
            dirty = [id for id in self.records.dirty("adr") if id not in taken]
            if not dirty:
                return

    def _known_addresses(self, dirty: list[str]) -> list[str]:
        """The touched addresses with those that they are known as, and with what is named after them."""
        known: dict[str, None] = {}
        heads = {code for id in dirty if (code := self.places.code_of(id)) is not None}
        for start in range(0, len(dirty), CHUNK):
            for raw, versions in self.raw_versions(dirty[start : start + CHUNK]).items():
                known[raw] = None
                for version in versions:
                    for node in version.claims.nodes:
                        if node.id == raw and "code" in node.values:
                            day = day_of(version.effective, version.claims)
                            known[self.places.id_of(node.values["code"], day)] = None
                            heads.add(self.places.genealogy.current(node.values["code"], day))
        known |= dict.fromkeys(self.places.named_after(heads))
        with self.records.transaction():
            self.records.mark_dirty(known)
        return list(known)

    def _put_addresses(self, found: dict[str, list[Version]]) -> None:
        for id, versions in found.items():
            state = fold(id, versions, self.places)
            if state is None or "code" not in state.values:
                self.places.remove(id)
                continue
            self.places.put(place_record(state.values, _surroundings(id, versions)))

    def _owners_of_places(self, keys: Iterable[str]) -> Iterator[str]:
        for key in keys:
            for _, record in self.records.about([about_key("place:" + key)]):
                yield from (
                    self._mappers[record.feed].claims(record.rkey, orjson.loads(record.payload)).owners()
                )

    def _fold_chunk(self, ids: list[str], today: str, summary: Summary) -> _Work:
        held = self.records.folded(ids)
        work = _Work(ids)
        for id, versions in self.versions(ids).items():
            new = fold(id, versions, self.places)
            work.disagreements += self.disagreements(id, versions, new)
            blob = encode(new) if new is not None else None
            before = held.get(id)
            if blob == before:
                summary.unchanged += blob is not None
                continue
            old = decode(new.label if new else id, before) if before is not None else None
            if old is not None and new is None:
                old = State(label_of(id), old.values, old.links)
                summary.removed += 1
            else:
                summary.changed += 1
            _difference(id, old, new, work.difference)
            work.touched.update(touched(id, old, new))
            for state, sign in ((old, -1), (new, 1)):
                if state is not None:
                    for counter, codes in contributions(state, today, self.places.areas).items():
                        for code in codes:
                            name = (code, counter)
                            work.counts[name] = work.counts.get(name, 0) + sign
            if id.startswith(_TURNING):
                work.turning.append((id, turns(new, today) if new is not None else None))
            taken = new.values.get("code") if new is not None and new.label == "Address" else None
            if taken is not None and (old is None or old.values.get("code") != taken):
                work.new_codes.append(taken)
            work.states.append((id, blob))
        return work

    def disagreements(self, id: str, versions: list[Version], state: State | None) -> list[Said]:
        """Where departments contradict each other about an id, of whose records these are all versions."""
        if len({self._departments[v.feed] for v in versions}) < 2:
            return []
        return disagreements(id, by_record(versions), state, self.places, self._departments)

    def _settle(self, work: _Work) -> None:
        """Only after the graph has it: the same chunk folded again after a kill writes the same again."""
        with self.records.transaction() as db:
            self._keep_counts(work.counts)
            # A place may come after those who live there: what was counted for it is still to be written.
            db.executemany("INSERT OR IGNORE INTO rollup_dirty VALUES (?)", ((c,) for c in work.new_codes))
            db.executemany(
                "INSERT OR REPLACE INTO folded VALUES (?,?)",
                (s for s in work.states if s[1] is not None),
            )
            db.executemany(
                "DELETE FROM folded WHERE id = ?",
                ((id,) for id, blob in work.states if blob is None),
            )
            self.records.put_address_changes(id for id, _ in work.states if id.startswith("adr_"))
            self.records.put_touched(work.touched)
            self.records.put_turning(work.turning)
            self.records.put_disagreements(work.ids, work.disagreements)
            db.executemany("DELETE FROM dirty WHERE id = ?", ((id,) for id in work.ids))
            self.places.keep()
            self.places.settled()

    def _keep_counts(self, counts: dict[tuple[str, str], int]) -> None:
        changed = [(code, counter, n) for (code, counter), n in counts.items() if n]
        self.records.db.executemany(
            "INSERT INTO rollup VALUES (?,?,?) ON CONFLICT (code, counter) DO UPDATE SET n = n + excluded.n",
            changed,
        )
        self.records.db.executemany(
            "INSERT OR IGNORE INTO rollup_dirty VALUES (?)", ((c[0],) for c in changed)
        )

    def _roll_on(self, today: str) -> None:
        """Lets the roll-ups be for today: what has turned since the day that they were for counts otherwise."""
        records = self.records
        # An earlier version rolls on and does not know.
        was = records.meta(ROLLED_FOR)
        knows = was == records.meta(TURNING)
        if was == today:
            return
        counts: dict[tuple[str, str], int] = {}
        turning: list[tuple[str, str | None]] = []
        anew = was is not None and (was > today or not knows)
        if was is not None:
            some = "" if anew else "WHERE id IN (SELECT id FROM turning WHERE day <= ?)"
            for id, blob in records.db.execute(
                f"SELECT id, state FROM folded {some}", () if anew else (today,)
            ):
                state = decode(label_of(id), blob)
                for day, sign in ((today, 1),) if anew else ((was, -1), (today, 1)):
                    for counter, codes in contributions(state, day, self.places.areas).items():
                        for code in codes:
                            counts[code, counter] = counts.get((code, counter), 0) + sign
                if id.startswith(_TURNING):
                    turning.append((id, turns(state, today)))
        with records.transaction() as db:
            if anew:
                db.execute("INSERT OR IGNORE INTO rollup_dirty SELECT DISTINCT code FROM rollup")
                db.execute("UPDATE rollup SET n = 0")
                db.execute("DELETE FROM turning")
            self._keep_counts(counts)
            records.put_turning(turning)
            records.set_meta(ROLLED_FOR, today)
            records.set_meta(TURNING, today)

    async def _write_rollups(self, store: Store) -> None:
        codes = [r[0] for r in self.records.db.execute("SELECT code FROM rollup_dirty")]
        for start in range(0, len(codes), CHUNK):
            part = codes[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            # A place that has taken another code may still have what was counted for the one before.
            counts: dict[str, dict[str, int | None]] = {c: dict.fromkeys(ROLLUPS) for c in part}
            for code, counter, n in self.records.db.execute(
                f"SELECT code, counter, n FROM rollup WHERE code IN ({marks})", part
            ):
                counts[code][counter] = n or None
            await write_rollups(store, counts.items())
            self.progress("汇总 roll-ups", start + len(part), len(codes))
        with self.records.transaction() as db:
            db.executemany("DELETE FROM rollup_dirty WHERE code = ?", ((c,) for c in codes))

    def unplaced(self) -> dict[str, int]:
        """Records whose address names no sure place, by feed."""
        counts: dict[str, int] = {}
        for feed, _, n in self._unplaced():
            counts[feed] = counts.get(feed, 0) + n
        return dict(sorted(counts.items()))

    def unplaced_places(self, feed: str | None = None) -> list[Unplaced]:
        """What the records of feeds say of places that nothing is known of, most frequent first."""
        found = []
        for name, key, n in self._unplaced():
            if feed is None or name == feed:
                code, text, authority, local = split_place_key(key)
                found.append(Unplaced(name, text or sentence_of(key), code or local, authority, n))
        return sorted(found, key=lambda u: (-u.records, u.feed, u.text or "", u.code or ""))

    def _unplaced(self) -> Iterator[tuple[str, str, int]]:
        """(feed, place key, records) of what is placed nowhere."""
        held = self.records.db.execute("SELECT key FROM resolution WHERE code IS NULL").fetchall()
        keys = {about_key("place:" + r[0]): r[0] for r in held}
        numbers = list(keys)
        for start in range(0, len(numbers), 30_000):
            part = numbers[start : start + 30_000]
            marks = ",".join("?" * len(part))
            for number, feed, n in self.records.db.execute(
                f"SELECT key, feed, count(*) FROM about WHERE key IN ({marks}) GROUP BY key, feed", part
            ):
                yield feed, keys[number], n

    # -- both -------------------------------------------------------------------------------------------------------

    async def load(self, store: Store, paths: Iterable[Path], forced: str | None = None) -> Summary:
        """Receives the files, then applies everything that waits, of these and of earlier runs.

        Another process may apply at the same time: then this one waits for it, and finds less to do.
        """
        received = [batch for path in self.known(paths, forced) for batch in self.receive(path, forced)]
        with self.ledger.lease():
            summary = await self.apply_waiting(store)
        done = {f.batch for f in summary.files}
        known = [
            FileSummary(b.no, b.file, b.feed, b.rows, 0, 0, 0, True) for b in received if b.no not in done
        ]
        summary.files = known + summary.files
        return summary

    async def apply_waiting(self, store: Store, seconds: float | None = None) -> Summary:
        """Does what is decided of batches, digests every one that waits, then applies; call it under the ledger's lease.

        Args:
            seconds: as `look`; None but for one of many rounds, which does not say what is placed nowhere either.
        """
        retention.finish(self)
        files = [self.digest(batch) for batch in self.waiting()]
        summary = await self.apply(store)
        summary.files = files
        if seconds is None:
            summary.unplaced = self.unplaced()
        await self.look(store, seconds)
        return summary

    async def look(self, store: Store, seconds: float | None = None) -> None:
        """Lets the standing traces look at what was touched. What they cannot look at now waits: the load itself is done.

        Args:
            seconds: how long at least to go on with those that are to look at the whole district (`Watch.look`).
        """
        if self.watch is None:
            return
        try:
            await self.watch.look(store, self.clock, seconds)
        except EngineError as error:
            log.warning("traces wait", extra={"told": {"code": error.code, "text": error.en}})

    def forget_claims(self) -> None:
        """Lets go of what was kept in memory of what records claim."""
        self._claims.clear()

    def look_again(self) -> None:
        """Reads anew what is kept in memory of the record store, after another process has applied."""
        self.places.follow()
        self.known_as.reload()
        self._claims.clear()
        self.records.forgotten += 1

    def refresh(self) -> None:
        """Takes what another process has applied since the last look; for one that only asks."""
        self.places.follow()
        self.known_as.refresh()

    def forget(self) -> None:
        """Empties the record store, so that the ledger's rows are taken anew."""
        self.records.clear()
        self.places.clear()
        self.known_as.reload()
        self._claims.clear()


async def _write_after(before: asyncio.Task[None] | None, store: Store, difference: Difference) -> None:
    """Writes a difference once another has been written; not at all where that failed."""
    if before is not None:
        await asyncio.shield(before)
    await write(store, difference)


@dataclass(slots=True)
class _Work:
    ids: list[str]
    difference: Difference = field(default_factory=Difference)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    states: list[tuple[str, bytes | None]] = field(default_factory=list)
    touched: set[Touched] = field(default_factory=set)
    turning: list[tuple[str, str | None]] = field(default_factory=list)
    new_codes: list[str] = field(default_factory=list)
    disagreements: list[Said] = field(default_factory=list)


def label_of(id: str) -> str:
    """The label of the node that an id is of."""
    label = ONTOLOGY.label_of(id)
    assert label is not None
    return label


def _surroundings(id: str, versions: Sequence[Version]) -> Surroundings:
    """What an address says itself that it lies in and belongs to, by its newest record."""
    ends: dict[str, list[tuple[tuple[str, bytes], str]]] = {}
    for v in versions:
        for link in v.claims.links:
            if link.start == id and link.place is not None and (code := split_place_key(link.place)[0]):
                ends.setdefault(link.type, []).append((v.order, code))
    newest = {type: max(order for order, _ in said) for type, said in ends.items()}
    return Surroundings.of(
        {type: sorted(code for order, code in said if order == newest[type]) for type, said in ends.items()}
    )


def _difference(id: str, old: State | None, new: State | None, out: Difference) -> None:
    if new is None:
        assert old is not None
        for link in old.links:
            out.drop_link(link.type, link.start, link.end, link.k)
        out.drop_node(id)
        return
    if old is None:
        out.put_node(id, new.values)
        for link in new.links:
            out.put_link(link.type, link.start, link.end, link.k, link.values)
        return
    changed = _changes(old.values, new.values)
    if changed:
        out.put_node(id, changed)
    before = {(x.type, x.start, x.end, x.k): x.values for x in old.links}
    after = {(x.type, x.start, x.end, x.k): x.values for x in new.links}
    for name, values in after.items():
        if name not in before:
            out.put_link(*name, values)
        elif changed_link := _changes(before[name], values):
            out.put_link(*name, changed_link)
    for name in before.keys() - after.keys():
        out.drop_link(*name)


def _changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    changed = {f: v for f, v in new.items() if old.get(f) != v}
    changed.update({f: None for f in old if f not in new})
    return changed
