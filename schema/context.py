"""What every resolver may use: the store, who asks, the district's clock, the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from addresses.scheme import Scheme
from graph.store import Store
from graph.viewer import Viewer
from ontology.clock import Clock
from ontology.model import Sensitivity
from ontology.terms import Terms


class Explains(Protocol):
    """Answers `why`; the loaders do."""

    def facts(self, id: str, field: str | None, hidden: frozenset[Sensitivity]) -> list[Any]: ...
    def link_facts(self, start: str, type: str, end: str, hidden: frozenset[Sensitivity]) -> list[Any]: ...


@dataclass(slots=True)
class Context:
    """The context of one operation.

    Attributes:
        rolled_for: the day that the roll-ups were counted for, or None.
        changed_on: the day of the last change of places, or None when there was none.
        identity_hash: the keyed hash of an identity number.
        explainer, feed_status, judges (`schema.links.Judges`), resolves (`schema.resolution.Resolves`), disagrees (`schema.disagreements.Disagrees`): None when this server has no ledger at hand.
        judges_findings: `schema.findings.FindingJudges`, or None.
        events: `schema.subscription.Events`, or None. resume: the cursor of the last event that a subscriber has had. seals: seals cursors (`ledger.vault.Vault`).
        graph: the store as it is by now, for what goes on long; raises an EngineError while there is none.
        traces: the district's traces by name. log: of findings (`ledger.FindingLog`), for trials of traces; or None.
        later: what reads fields of several rows at once, after all else, by where they stand in the answer.
        wholes: of how many subgraphs something was said as a whole.
        slots: under which key the statements of this operation answer what has an alias, by (type, path).
    """

    store: Store
    viewer: Viewer
    clock: Clock
    scheme: Scheme
    terms: Terms
    identity_hash: Callable[[str], str]
    explainer: Explains | None = None
    feed_status: Callable[[list[str] | None, Collection[str]], list[dict[str, Any]]] | None = None
    judges: Any = None
    resolves: Any = None
    disagrees: Any = None
    judges_findings: Any = None
    events: Any = None
    resume: str | None = None
    seals: Any = None
    graph: Callable[[], Store] | None = None
    traces: Mapping[str, Any] = field(default_factory=dict)
    log: Any = None
    rolled_for: str | None = None
    changed_on: str | None = None
    method: Literal["GET", "POST"] = "POST"
    synthetic: bool = False
    timeout: float = 10.0
    slots: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    wholes: int = 0
    later: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def for_event(self) -> Context:
        """The same for one event of a subscription: nothing that was read for another is used again."""
        self.renew()
        return replace(self, slots={}, later={}, wholes=0)

    def cursors(self) -> dict[str, str]:
        """Cursors of the last events that there are; none without a ledger."""
        from schema.subscription import written

        events = self.events
        if events is None:
            return {}
        return {kind: written(self, kind, events.end(kind)) for kind in ("findings", "incidents")}

    def renew(self) -> None:
        """Takes the store that there is by now.

        Raises:
            EngineError: there is none.
        """
        if self.graph is not None:
            self.store = self.graph()
