"""The traces that stand: those of the catalogue, and in their place or beside them those that people have published as versions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.publications import Publications
from ontology.clock import Clock
from ontology.declared import Mistake
from ontology.errors import UsageError
from ontology.terms import Terms
from traces.catalogue import check_text, load_traces
from traces.declaration import Trace

log = logging.getLogger("quanxi.traces")

MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a declaration.

    Attributes:
        trace: with the version that stands now.
        changed: False where it says what stood already.
    """

    trace: Trace
    changed: bool


class StandingTraces(Mapping[str, Trace]):
    """Traces by name. `renew` sees what other processes have published since.

    Attributes:
        ever: names of all that stand, or stood once and may have findings still.
        withdrawn: names that were published and do not stand any more.

    Raises:
        UsageError: BAD_CATALOG with file and line, when a declaration of the catalogue does not hold.
    """

    def __init__(self, catalog: Path | None, terms: Terms, publications: Publications, clock: Clock) -> None:
        self._declared = load_traces(catalog, terms)
        self._terms = terms
        self._publications = publications
        self._clock = clock
        self._seen = -1
        self._standing: dict[str, Trace] = {}
        self.ever: frozenset[str] = frozenset()
        self.withdrawn: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self.renew()

    def __getitem__(self, name: str) -> Trace:
        return self._standing[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._standing)

    def __len__(self) -> int:
        return len(self._standing)

    def renew(self) -> bool:
        """Reads what was published since the last time; whether there was anything."""
        with self._lock:
            last = self._publications.last()
            if last == self._seen:
                return False
            standing, withdrawn = dict(self._declared), set[str]()
            newest = self._publications.newest()
            for held in newest:
                if held.declaration is None:
                    if held.trace not in self._declared:
                        withdrawn.add(held.trace)
                    continue
                trace, mistakes = check_text(held.declaration, self._terms)
                if trace is not None:
                    standing[held.trace] = trace.model_copy(update={"version": held.version})
                else:
                    # One that this Quanxi, or this catalogue's terms, cannot read gives way to the catalogue's.
                    told = {"trace": held.trace, "version": held.version, "text": min(mistakes).en[:300]}
                    log.error("publication", extra={"told": told})
            self._standing = dict(sorted(standing.items()))
            self.withdrawn = frozenset(withdrawn)
            self.ever = frozenset(standing.keys() | {p.trace for p in newest})
            self._seen = last
            return True

    def check(self, declaration: str) -> tuple[Trace | None, list[Mistake]]:
        """A declaration, with every mistake in it by line; None where there is one."""
        if len(declaration) > MOST_CHARACTERS:
            raise UsageError(
                "BAD_ARGUMENT",
                f"声明不得超过 {MOST_CHARACTERS:,} 字",
                f"a declaration has at most {MOST_CHARACTERS:,} characters",
            )
        return check_text(declaration, self._terms)

    def publish(self, declaration: str, by: str) -> Published:
        """Makes a declaration stand, as the next version of its trace; durable when it returns.

        Findings of earlier versions keep theirs; what the new one finds at its first look is told to nobody.

        Raises:
            UsageError: BAD_CATALOG for a declaration with a mistake; BAD_ARGUMENT for one that is too long.
        """
        trace, mistakes = self.check(declaration)
        if trace is None:
            raise refusal(mistakes)
        self.renew()
        now = self._standing.get(trace.trace)
        if now is not None and _said(now) == _said(trace):
            return Published(now, changed=False)
        least = max(trace.version, now.version + 1) if now is not None else trace.version
        at = self._clock.now_text()
        version = self._publications.publish(trace.trace, least, declaration, by, at)
        self.renew()
        return Published(trace.model_copy(update={"version": version}), changed=True)

    def withdraw(self, name: str, by: str) -> Trace | None:
        """Takes what was published of a trace back, durable when it returns; the catalogue's that stands now, if it has one.

        Raises:
            UsageError: NOT_FOUND where nothing of that name is published.
        """
        if not self._publications.withdraw(name, by, self._clock.now_text()):
            raise UsageError("NOT_FOUND", f"没有已发布的模型 {name}", f"no trace called {name} is published")
        self.renew()
        return self._standing.get(name)


def refusal(mistakes: Sequence[Mistake]) -> UsageError:
    """The first of a declaration's mistakes as an error."""
    first, more = min(mistakes), len(mistakes) - 1
    others = f" ({more} more)" if more else ""
    return UsageError(
        "BAD_CATALOG", f"第 {first.line} 行:{first.zh}", f"line {first.line}: {first.en}{others}"
    )


def _said(trace: Trace) -> str:
    return repr(trace.model_dump(exclude={"version"}))
