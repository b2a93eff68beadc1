"""Which changes can touch a trace: the labels of its things and of what lies on their ways, and the kinds of its incidents."""

from __future__ import annotations

from dataclasses import dataclass

from ontology.terms import Terms
from traces.declaration import Pattern, Trace
from traces.fetch import fetches_of
from traces.things import next_labels

_COUNTED = frozenset(
    {"Person", "House", "Enterprise", "Incident", "Matter", "Vehicle", "Device", "Volunteer"}
)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What can touch a trace.

    Attributes:
        labels: of nodes.
        kinds: kinds and categories of incidents, with those below them; None where any incident can.
    """

    labels: frozenset[str]
    kinds: frozenset[str] | None

    def holds(self, label: str, kinds: frozenset[str] | None) -> bool:
        """Whether a node can touch it; of an incident whose kinds are not known (it may be gone) it is taken for granted."""
        if label not in self.labels:
            return False
        return label != "Incident" or self.kinds is None or kinds is None or bool(self.kinds & kinds)


def _grows(pattern: Pattern) -> bool:
    """Whether less of it can only take findings away: an incident that is no longer of a kind then touches those alone that it shows."""
    if pattern.absent is not None or pattern.surge is not None or pattern.unless is not None:
        return False
    return all(_grows(each) for each in (*(pattern.all or ()), *(pattern.any or ())))


def footprint(trace: Trace, terms: Terms) -> Footprint:
    """What can touch a trace, from its declaration."""
    labels: set[str] = set()
    kinds: set[str] | None = set()
    if trace.subject.node is not None:
        labels.add(trace.subject.node)
    for fetch in fetches_of(trace.pattern):
        things = fetch.things
        ways = [things.way, *(r.way for r in things.having)]
        if fetch.once is not None:
            ways.append(list(fetch.once))
        if trace.subject.pair is not None:
            ways.append(["<INVOLVED_IN:Person"])
            ways.append(["<INVOLVED_IN:Enterprise"])
        labels.add(things.label)
        if things.near is not None:
            # Where the buildings are.
            labels.add("Address")
        if any(name.startswith("n_") for name in things.where):
            # Counts of a place change with what is counted.
            labels |= _COUNTED
            kinds = None
        for way in ways:
            here = {things.label}
            for step in way:
                here = {end for label in here for end in next_labels(label, step)}
                labels |= here
        if fetch.chain is not None:
            labels |= {leg.label for leg in fetch.chain.legs}
        if things.label == "Incident":
            if not things.kinds or not _grows(trace.pattern):
                kinds = None
            elif kinds is not None:
                kinds |= {k for kind in things.kinds for k in (kind, *terms.below("incident_kind", kind))}
    return Footprint(frozenset(labels), None if kinds is None else frozenset(kinds))
