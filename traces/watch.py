"""Keeps findings as the district changes: after a load, traces look at what it touched and at what has fallen due.

What is to be looked at stands in the record store, written with the change itself; findings stand in the ledger before the graph
shows them, as do the judgements of people, whichever process takes them; what was looked at is forgotten last. A kill anywhere between is made good by doing the same again, which then finds nothing new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from hashlib import blake2b

from addresses.scheme import Scheme
from graph.store import Store
from graph.writer import Difference, Row, statements_of, write_rows
from ledger import Change, Finding, FindingLog, IncidentLog, Ledger, Records
from ledger.findings import SHOWN
from ontology import ONTOLOGY
from ontology.clock import Clock
from ontology.errors import EngineError
from ontology.terms import Terms
from traces.declaration import Trace
from traces.evaluate import Result
from traces.findings import closed, reconcile
from traces.footprint import Footprint, footprint
from traces.runner import Runner
from traces.standing import StandingTraces

# In the record store's `meta`: the day of the last look, and per trace by which declaration the whole district was looked at.
LOOKED, BY = "traces_day", "trace:"
# In place of the latter: it has failed, and has not seen what was touched meanwhile.
MISSED = "missed"
# What Neo4j says of one statement alone: it took too long, or more memory than there is for one.
_ITS_OWN = frozenset({"TIMEOUT", "ENGINE_MEMORY"})
# Seconds before a trace that has failed is tried again: twice as long each time.
FIRST_PAUSE, LAST_PAUSE = 60.0, 6 * 3600.0
# More touched than this, and the whole district is looked at instead.
MANY = 50_000
# Traces that ask about what was touched at the same time.
AT_ONCE = 4
_PLACED = tuple(label for label, e in ONTOLOGY.entities.items() if "place" in e.fields())
_ENDS = {t: frozenset(end for _, end in ONTOLOGY.links[t].ends) for t in ("SHOWN_BY", "BESIDE", "ABOUT")}


log = logging.getLogger("quanxi.traces")


@dataclass(frozen=True, slots=True)
class _Resting:
    """A trace that has failed, by its declaration: how long it rests, and until when (of the process's clock)."""

    mark: str
    pause: float
    until: float


class Watch:
    """The standing traces of one data directory. Use it under the ledger's lease."""

    def __init__(
        self, ledger: Ledger, records: Records, traces: Mapping[str, Trace], scheme: Scheme, terms: Terms
    ) -> None:
        self.log = FindingLog(ledger)
        self._incidents = IncidentLog(ledger)
        self._records = records
        self._traces = traces
        self._scheme = scheme
        self._terms = terms
        self._footprints: dict[str, tuple[str, Footprint]] = {}
        self._resting: dict[str, _Resting] = {}

    async def look(self, store: Store, clock: Clock, seconds: float | None = None) -> int:
        """Looks at all that is to be looked at; returns how many changes there were to findings.

        A trace that cannot be judged holds up no other: it is tried again later, over the whole district.

        Args:
            seconds: how long at least to go on with traces that are to look at the whole district, one after the other; what is left of them
                waits for the next time (`waits`), so that what is touched meanwhile need not wait for all of them. None: until there are none.

        Raises:
            EngineError: the graph cannot be used at the moment.
        """
        self._renew()
        today, now = clock.today_text(), clock.now_text()
        runner = Runner(store, self._scheme, self._terms, today)
        total = await self._look_at_touched(runner, now)
        began = time.monotonic()
        for trace in self._traces.values():
            if self._rests(trace) or not self._is_behind(trace):
                continue
            total += await self._look_at_all(runner, trace, now)
            if seconds is not None and time.monotonic() - began >= seconds:
                break
        if not any(map(self._is_behind, self._traces.values())):
            self._records.forget_awaited()
        await self._show(store)
        return total

    def _is_behind(self, trace: Trace) -> bool:
        """Whether a trace has yet to look at the whole district."""
        return self._records.meta(BY + trace.trace) != _mark(trace)

    async def _look_at_touched(self, runner: Runner, now: str) -> int:
        """Looks at what was touched and has fallen due, with the traces that know the rest of the district; how many changes."""
        store, today = runner.store, runner.today
        touched = self._records.touched(MANY + 1)
        anew = len(touched) > MANY
        ids = {id for id, _ in touched} if not anew else set()
        kinds = await _kinds(store, ids)
        # Whatever has become of what shows a finding, and of what is no longer of a trace's kinds.
        again = [self._records.due(today), self.log.shown_by(ids)]
        was = self._records.meta(LOOKED)
        total = 0
        able: list[Trace] = []
        for trace in self._traces.values():
            if self._is_behind(trace):
                continue
            if anew or self._rests(trace):
                # What it would have looked at now it will see among all the rest.
                self._miss(trace)
            else:
                able.append(trace)
        turn = asyncio.Semaphore(AT_ONCE)

        async def judged(trace: Trace) -> tuple[set[str], dict[str, Result]]:
            within = self._footprint(trace)
            mine = [t for t in touched if within.holds(ONTOLOGY.label_of(t[0]) or "", kinds.get(t[0]))]
            async with turn:
                subjects = {s for held in again for s in held.get(trace.trace, ())}
                subjects |= await self._concerned(runner, trace, mine, was)
                return subjects, await runner.standing(trace, subjects)

        # Most of it is waiting for answers of a millisecond or two, of which there are dozens.
        found = await asyncio.gather(*map(judged, able), return_exceptions=True)
        for trace, each in zip(able, found, strict=True):
            try:
                if isinstance(each, EngineError) and each.code in _ITS_OWN:
                    # It may have been too much beside the others only.
                    each = await judged(trace)
                if isinstance(each, BaseException):
                    raise each
                subjects, results = each
                if not subjects:
                    continue
                total += await self._keep(runner, trace, subjects, results, now, quiet=False)
            except Exception as error:
                self._failed(trace, error)
                continue
            self._looked_at(trace, subjects, results)
        total += self._let_go(now, told=was is not None)
        await self._show(store)
        # A first load or a rebuild tells nobody.
        if was is not None and (told := self._records.touched_of(ONTOLOGY.entities["Incident"].prefix)):
            self._incidents.append(told, now)
        with self._records.transaction() as db:
            if was is not None and not anew and any(map(self._is_behind, self._traces.values())):
                self._records.put_awaited(ids)
            if anew:
                db.execute("DELETE FROM touched")
            self._records.looked_at(touched)
            self._records.set_meta(LOOKED, today)
        return total

    async def _look_at_all(self, runner: Runner, trace: Trace, now: str) -> int:
        """Looks at the whole district with a trace; how many changes."""
        mark = self._records.meta(BY + trace.trace)
        try:
            results = await runner.whole(trace)
            subjects = set(results) | self.log.subjects(trace.trace)
            # What a trace finds first is told to nobody, as is what a rebuild finds otherwise; what it missed is, and what has come meanwhile.
            total = await self._keep(
                runner, trace, subjects, results, now, quiet=mark != MISSED, told=mark is not None,
                news=self._records.awaited(),
            )  # fmt: skip
        except Exception as error:
            self._failed(trace, error)
            return 0
        self._looked_at(trace, subjects, results)
        return total

    def _looked_at(self, trace: Trace, subjects: Collection[str], results: Mapping[str, Result]) -> None:
        """Keeps that a trace knows the district as it is, and when some of it falls due."""
        self._resting.pop(trace.trace, None)
        with self._records.transaction():
            self._records.put_due(
                trace.trace, subjects, [(s, r.due) for s, r in results.items() if r.due is not None]
            )
            self._records.set_meta(BY + trace.trace, _mark(trace))

    def waits(self, clock: Clock) -> bool:
        """Whether there is something to look at."""
        if self._records.meta(LOOKED) != clock.today_text():
            return True
        self._renew()
        if self._gone() or any(self._is_behind(t) and not self._rests(t) for t in self._traces.values()):
            return True
        return bool(self._records.touched(1)) or self.log.last() != int(self._records.meta(SHOWN) or 0)

    # -- which traces, and those that fail --------------------------------------------------------------------------

    def _renew(self) -> None:
        """Sees what was published meanwhile."""
        if isinstance(self._traces, StandingTraces):
            self._traces.renew()

    def _footprint(self, trace: Trace) -> Footprint:
        mark = _mark(trace)
        held = self._footprints.get(trace.trace)
        if held is None or held[0] != mark:
            held = self._footprints[trace.trace] = mark, footprint(trace, self._terms)
        return held[1]

    def _rests(self, trace: Trace) -> bool:
        """Whether a trace has failed as it stands, and is not to be tried yet."""
        held = self._resting.get(trace.trace)
        return held is not None and held.mark == _mark(trace) and time.monotonic() < held.until

    def _failed(self, trace: Trace, error: Exception) -> None:
        """Lets a trace rest that cannot be judged; it will have to see the whole district.

        Raises:
            EngineError: it was none of its own: the graph cannot be used at the moment.
        """
        if isinstance(error, EngineError) and error.code not in _ITS_OWN:
            raise error
        mark, held = _mark(trace), self._resting.get(trace.trace)
        pause = min(held.pause * 2, LAST_PAUSE) if held is not None and held.mark == mark else FIRST_PAUSE
        self._resting[trace.trace] = _Resting(mark, pause, time.monotonic() + pause)
        told = {
            "trace": trace.trace,
            "version": trace.version,
            "again": pause,
            "text": f"{type(error).__name__}: {error}"[:500],
        }
        log.error("trace", extra={"told": told})
        self._miss(trace)

    def _miss(self, trace: Trace) -> None:
        """Keeps that a trace has not seen all that it should have: it is to look at the whole district."""
        if self._records.meta(BY + trace.trace) not in (None, MISSED):
            with self._records.transaction():
                self._records.set_meta(BY + trace.trace, MISSED)

    def _gone(self) -> list[str]:
        """Traces that were looked for until somebody withdrew them. What another process's catalogue has is none of them."""
        if not isinstance(self._traces, StandingTraces):
            return []
        withdrawn = self._traces.withdrawn
        return sorted(n for n in withdrawn if self._records.meta(BY + n) is not None or self.log.subjects(n))

    def _let_go(self, now: str, *, told: bool) -> int:
        """Closes the findings of traces that were withdrawn; how many."""
        total = 0
        for name in self._gone():
            held = self.log.of_subjects(name, self.log.subjects(name))
            changes = [Change(closed(f, now), "cleared") for fs in held.values() for f in fs if f.is_open]
            late = self.log.append([replace(c, quiet=not told) for c in changes], now)
            total += len(changes) - len(late)
            if not late:
                with self._records.transaction():
                    self._records.forget_trace(name, BY + name)
        return total

    async def _show(self, store: Store) -> None:
        """Shows in the graph what has changed in the log since it was last shown; all of it in a graph that was made anew."""
        shown, last = int(self._records.meta(SHOWN) or 0), self.log.last()
        if last != shown:
            await self._write(store, self.log.changed_after(shown))
            with self._records.transaction():
                self._records.set_meta(SHOWN, str(last))

    async def _concerned(
        self, runner: Runner, trace: Trace, touched: Sequence[tuple[str, str]], was: str | None
    ) -> set[str]:
        """The subjects that what was touched may concern, and on another day those of what has begun or is excepted no more."""
        found: set[str] = set()
        if touched:
            ids, places = {id for id, _ in touched}, {place for _, place in touched if place}
            found |= await runner.concerned(trace, ids, places)
        if was is not None and was < runner.today:
            found |= await runner.begun(trace, was)
            found |= self.log.exceptions_ended(trace.trace, was, runner.today)
        return found

    async def _keep(
        self,
        runner: Runner,
        trace: Trace,
        subjects: Collection[str],
        results: Mapping[str, Result],
        now: str,
        quiet: bool,
        again: int = 5,
        *,
        told: bool = True,
        news: AbstractSet[str] = frozenset(),
    ) -> int:
        """Keeps what has become of subjects' findings; how many changes.

        Args:
            quiet: whether nobody is told of what is found. told: whether anybody is told of anything. news: nodes of which somebody is
                told all the same.
        """
        before = self.log.of_subjects(trace.trace, subjects)
        excepted = self.log.excepted(trace.trace, runner.today)
        titles = await runner.titles(trace, [s for s, r in results.items() if r.episodes])
        changes: list[Change] = []
        for subject in sorted(subjects):
            result = results.get(subject)
            changes += reconcile(
                trace, subject, before.get(subject, []), result.episodes if result else [], now,
                titles.get(subject, subject), subject in excepted,
            )  # fmt: skip
        if not changes:
            return 0
        placed = await self._placed(runner.store, trace, [c.finding for c in changes])
        changes = [
            replace(
                c,
                finding=f,
                quiet=(not told or (quiet and c.change in ("found", "returned")))
                and news.isdisjoint(f.shown_by),
            )
            for c, f in zip(changes, placed, strict=True)
        ]
        late = {c.finding.subject for c in self.log.append(changes, now)}
        kept = sum(c.finding.subject not in late for c in changes)
        if late and again:
            # Somebody judged one of them meanwhile: what they said stands, and is gone on from.
            kept += await self._keep(
                runner, trace, late, results, now, quiet, again - 1, told=told, news=news
            )
        return kept

    async def _placed(self, store: Store, trace: Trace, findings: list[Finding]) -> list[Finding]:
        """The findings with what they are about and where: at their subject, or where the latest of what shows them is."""
        if trace.subject.place is not None:
            ids = await _read(store, "Address", "place", {f.subject for f in findings}, "n.id")
            return [replace(f, about=ids.get(f.subject), place=f.subject) for f in findings]
        wanted = {i for f in findings for i in (f.subject, *f.shown_by)}
        places: dict[str, str] = {}
        for label in _PLACED:
            of = {i for i in wanted if ONTOLOGY.label_of(i) == label}
            places |= await _read(store, label, "id", of, "n.place")
        told = []
        for f in findings:
            about = f.subject if ONTOLOGY.label_of(f.subject) in _ENDS["ABOUT"] else None
            where = (f.subject, *reversed(f.shown_by))
            told.append(replace(f, about=about, place=next((places[i] for i in where if i in places), None)))
        return told

    async def _write(self, store: Store, findings: Iterable[Finding]) -> None:
        """Shows findings in the graph: as they stand, whatever it showed of them before."""
        held = list(findings)
        grids = await _read(store, "Address", "place", {f.place for f in held if f.place}, "n.grid")
        difference = Difference()
        ends: dict[tuple[str, str], list[dict[str, str]]] = {}
        for f in held:
            difference.put_node(f.id, _properties(f, grids.get(f.place or "")))
            pairs = [("SHOWN_BY", n) for n in f.shown_by] + [("BESIDE", n) for n in f.beside]
            pairs += [("ABOUT", f.about)] if f.about is not None else []
            for type, node in pairs:
                label = ONTOLOGY.label_of(node)
                if label in _ENDS[type]:
                    ends.setdefault((type, label or ""), []).append({"f": f.id, "n": node})
        shown = [{"id": f.id, "shown": list(f.shown_by), "beside": list(f.beside)} for f in held]
        statements: list[tuple[str, Sequence[Row]]] = [
            (
                "UNWIND $rows AS row MATCH (f:Finding {id: row.id})-[r:SHOWN_BY|BESIDE]->(n) "
                "WHERE NOT n.id IN CASE type(r) WHEN 'BESIDE' THEN row.beside ELSE row.shown END DELETE r",
                shown,
            ),
            *statements_of(difference),
        ]
        # What showed a finding may be gone by now: it is matched, so that no empty node takes its place.
        for (type, label), rows in sorted(ends.items()):
            text = (
                f"UNWIND $rows AS row MATCH (f:Finding {{id: row.f}}) MATCH (n:{label} {{id: row.n}}) "
                f"MERGE (f)-[r:{type}]->(n) SET r.k = ''"
            )
            statements.append((text, rows))
        await write_rows(store, statements)


async def _kinds(store: Store, ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The kinds and categories of incidents, by any of their reports."""
    wanted = sorted(i for i in ids if ONTOLOGY.label_of(i) == "Incident")
    if not wanted:
        return {}
    rows = await store.read(
        "MATCH (i:Incident) WHERE i.id IN $wanted "
        "RETURN [i.id, [i.kind, i.category] + coalesce(i.report_kind, []) + coalesce(i.report_category, [])]",
        {"wanted": wanted},
    )
    return {id: frozenset(k for k in kinds if k is not None) for id, kinds in rows}


def _properties(f: Finding, grid: str | None) -> dict[str, object]:
    return {
        "trace": f.trace, "trace_version": f.trace_version, "sentence": f.sentence_zh, "sentence_en": f.sentence_en,
        "severity": f.severity, "why_zh": f.why_zh, "why_en": f.why_en, "state": f.state, "first": f.first, "last": f.last,
        "count": f.count, "found_at": f.found_at, "changed_at": f.changed_at, "closed_at": f.closed_at, "revision": f.revision,
        "return_of": f.return_of, "merged_into": f.merged_into, "verdict": f.verdict, "reason": f.reason, "judge": f.judge,
        "judged_at": f.judged_at, "place": f.place, "grid": grid,
    }  # fmt: skip


async def _read(store: Store, label: str, key: str, wanted: Collection[str], value: str) -> dict[str, str]:
    """key → value of nodes that have both."""
    if not wanted:
        return {}
    # Left to itself the planner may read all that has a value: half a second of a large district, for one finding.
    using = f"USING INDEX n:{label}({key}, id) " if key != "id" else ""
    rows = await store.read(
        f"MATCH (n:{label}) {using}WHERE n.{key} IN $wanted AND n.id IS NOT NULL RETURN [n.{key}, {value}]",
        {"wanted": sorted(wanted)},
    )
    return {name: found for name, found in rows if found is not None}


def _mark(trace: Trace) -> str:
    """Another text for another declaration, but for its example."""
    said = trace.model_dump_json(exclude={"example", "description", "planted"})
    return blake2b(said.encode(), digest_size=8).hexdigest()
