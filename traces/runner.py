"""Runs traces over the whole district, or over the subjects that something touched; both judge by `traces.evaluate`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from addresses.genealogy import code_of_key, key_at
from addresses.scheme import Scheme
from graph.store import Store
from ledger import point_of
from ontology import ONTOLOGY
from ontology.errors import UsageError
from ontology.terms import Terms
from traces.compile import Statement, TraceCompiler
from traces.declaration import Trace
from traces.evaluate import Evaluator, Result, fact

# A trace over the whole district may take a minute; what is touched, a moment.
WHOLE_SECONDS = 120.0
STANDING_SECONDS = 60.0
AT_ONCE = 2000


@dataclass(slots=True)
class Runner:
    """Runs traces on one graph as of one day.

    Args:
        today: the district's day, ISO.
    """

    store: Store
    scheme: Scheme
    terms: Terms
    today: str

    async def whole(self, trace: Trace, values: Mapping[str, int] | None = None) -> dict[str, Result]:
        """What the trace finds in the whole district: subject → its episodes, of those that have any or may get some.

        Raises:
            UsageError: BAD_ARGUMENT for a parameter that the trace does not have, or out of its range.
        """
        given = values_of(trace, values or {})
        compiler = TraceCompiler(trace, given, self.today, self.scheme, self.terms)
        return await self._judged(trace, given, compiler.whole(), timeout=WHOLE_SECONDS)

    async def standing(
        self, trace: Trace, subjects: Iterable[str], values: Mapping[str, int] | None = None
    ) -> dict[str, Result]:
        """What the trace finds about these subjects; one of which nothing is found has no entry."""
        given = values_of(trace, values or {})
        compiler = TraceCompiler(trace, given, self.today, self.scheme, self.terms)
        wanted = sorted(set(subjects))
        found: dict[str, Result] = {}
        for start in range(0, len(wanted), AT_ONCE):
            statement = compiler.standing(wanted[start : start + AT_ONCE])
            found |= await self._judged(trace, given, statement, timeout=STANDING_SECONDS)
        return found

    async def concerned(self, trace: Trace, ids: Iterable[str], places: Iterable[str]) -> set[str]:
        """The subjects that changes of nodes and at places may concern.

        Args:
            ids: of the nodes, and of what they are or were related to. places: keys of where they are or were, and points where
                they stood (`ledger.stood_at`).
        """
        compiler = TraceCompiler(trace, values_of(trace, {}), self.today, self.scheme, self.terms)
        given = sorted(set(places))
        points = [point for entry in given if (point := point_of(entry)) is not None]
        places = [entry for entry in given if point_of(entry) is None]
        widths = [self.scheme.width(level) for level in ("BUILDING", "UNIT")]
        above = {
            key_at(key, width)
            for key in places
            for width in widths
            if len(code_of_key(key, self.scheme)) >= width
        }
        known = above | set(places)
        found = self._at(trace, known)
        statement = compiler.touched(sorted(set(ids)), sorted(known), points)
        if statement is not None:
            found |= set(await self.store.read(statement.text, statement.parameters, timeout=WHOLE_SECONDS))
        return found

    def _at(self, trace: Trace, places: set[str]) -> set[str]:
        """The places themselves, or those of the subject's level that they lie in; nothing where the subject is no place."""
        level = trace.subject.place
        if level is None or level == "OWN":
            return set(places) if level else set()
        width = self.scheme.width(level)
        return {key_at(key, width) for key in places if len(key) >= width}

    async def begun(self, trace: Trace, was: str) -> set[str]:
        """The subjects of what began after a day, up to today."""
        compiler = TraceCompiler(trace, values_of(trace, {}), self.today, self.scheme, self.terms)
        statement = compiler.begun(was)
        if statement is None:
            return set()
        return set(await self.store.read(statement.text, statement.parameters, timeout=WHOLE_SECONDS))

    async def titles(self, trace: Trace, subjects: Iterable[str]) -> dict[str, str]:
        """What to call subjects: the names of places, of enterprises and plates; people and phones are not named."""
        wanted = sorted(set(subjects))
        subject = trace.subject
        if subject.place is not None:
            text = (
                "MATCH (a:Address) WHERE a.place IN $subjects AND a.id IS NOT NULL "
                "RETURN [a.place, coalesce(a.full_name, a.name, a.code)]"
            )
        elif subject.node is not None and subject.node not in ("Person", "Phone"):
            title = ONTOLOGY.entities[subject.node].title_field
            text = (
                f"MATCH (n:{subject.node}) WHERE n.id IN $subjects RETURN [n.id, coalesce(n.{title}, n.id)]"
            )
        else:
            return {}
        found: dict[str, str] = {}
        for start in range(0, len(wanted), AT_ONCE):
            rows = await self.store.read(text, {"subjects": wanted[start : start + AT_ONCE]})
            found |= {subject: str(title) for subject, title in rows}
        return found

    async def _judged(
        self, trace: Trace, values: Mapping[str, int], statement: Statement, timeout: float
    ) -> dict[str, Result]:
        some = await self.store.read(statement.text, statement.parameters, timeout=timeout)
        rows = list(itertools.chain.from_iterable(some))
        # Thousands of facts of one subject take seconds to judge: whoever waits for something else goes on meanwhile.
        return await asyncio.to_thread(_results, Evaluator(trace, values, self.today), rows)


def _results(evaluator: Evaluator, rows: list[Any]) -> dict[str, Result]:
    found = {}
    for subject, facts in rows:
        result = evaluator.result(fact(row) for row in facts)
        if result.episodes or result.due is not None:
            found[subject] = result
    return found


def values_of(trace: Trace, given: Mapping[str, int]) -> dict[str, int]:
    """The trace's parameters, with those that are given.

    Raises:
        UsageError: BAD_ARGUMENT.
    """
    values = trace.defaults()
    for name, value in given.items():
        declared = trace.parameters.get(name)
        if declared is None:
            raise UsageError(
                "BAD_ARGUMENT",
                f"模型 {trace.trace} 没有参数 {name}",
                f"trace {trace.trace} has no parameter {name}",
                f"It has: {', '.join(trace.parameters) or 'none'}.",
            )
        if not declared.least <= value <= declared.most:
            raise UsageError(
                "BAD_ARGUMENT",
                f"参数 {name} 须在 {declared.least} 到 {declared.most} 之间",
                f"{name} must be {declared.least} to {declared.most}, not {value}",
            )
        values[name] = value
    return values
