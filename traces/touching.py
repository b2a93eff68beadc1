"""What a change concerns, in Cypher: the subjects of a trace's pattern that may have come to hold or not to, because something was touched
or a day has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traces.fetch import Fetch
from traces.selecting import ABOVE, Selector, cut, path_of, path_to, step_of
from traces.things import next_labels, number_of


def touched(select: Selector, fetches: Sequence[Fetch]) -> str | None:
    """The statement of the subjects that may be concerned by nodes `$ids`, at places `$places` and near points `$stood`, beside these places
    themselves and those that they lie in; None where there are no others."""
    ways = list(dict.fromkeys(_ways(select, fetches)))
    return f"CALL () {{ {' UNION '.join(ways)} }} RETURN DISTINCT s" if ways else None


def begun(select: Selector, fetches: Sequence[Fetch]) -> str | None:
    """The statement of the subjects of things that began after `$was` (a moment; `$was_day` its day), up to today, or have or lack something by
    a relationship that began or ended since; None where neither can be."""
    parts = []
    for fetch in fetches:
        things = fetch.things
        for related in things.having:
            path, ties = path_of(related.way)
            turned = " OR ".join(
                f"({tie}.{day} > $was_day AND {tie}.{day} <= $today)"
                for tie in ties
                for day in ("since", "until")
            )
            if ties:
                to = select.to_subject(things, loosely=True)
                parts.append(f"MATCH (n:{things.label}){path} WHERE {turned} WITH DISTINCT n {to} RETURN s")
        if things.begins is not None:
            when = f"n.{things.begins} > $was AND n.{things.begins} <= $tonight"
            parts.append(f"{select.all_of(fetch, when)} RETURN s")
    return f"CALL () {{ {' UNION '.join(parts)} }} RETURN DISTINCT s" if parts else None


def _ways(select: Selector, fetches: Sequence[Fetch]) -> Iterator[str]:
    """Statements for the subjects that what was touched may concern, for each way in which it may."""
    subject = select.trace.subject
    if subject.node is not None:
        yield f"MATCH (z:{subject.node}) WHERE z.id IN $ids RETURN z.id AS s"
    for metres in dict.fromkeys(f.things.near for f in fetches if f.things.near is not None):
        # What was near, and may be so no more.
        around = select.around("here", select.value(metres))
        yield f"UNWIND $places AS place WITH DISTINCT {cut('place', select.width())} AS here {around} RETURN around AS s"
        yield f"UNWIND $stood AS o {select.near(select.value(metres))} RETURN DISTINCT b.place AS s"
    for fetch in fetches:
        if fetch.surge is not None:
            # More or less of it anywhere there changes what the others are compared with.
            things, width = fetch.things, select.width()
            above = cut("k", select.scheme.width(ABOVE[subject.place or ""][0]))
            yield (
                f"UNWIND $places AS k WITH DISTINCT {above} AS above MATCH (n:{things.label}) USING INDEX n:{things.label}(place, id) "
                f"WHERE n.place STARTS WITH above AND n.id IS NOT NULL AND size(n.place) >= {width} "
                f"WITH {cut('n.place', width)} AS s, count(n) AS many WHERE many >= {select.value(number_of(fetch.least, select.values))} RETURN s"
            )
    for fetch in fetches:
        things = fetch.things
        # What must stand there may do so no more: that is what has changed.
        to = f"{select.to_subject(things, loosely=True)} RETURN DISTINCT s"
        if subject.place is None or things.way or things.label == "Person" or things.near is not None:
            yield f"MATCH (n:{things.label}) WHERE n.id IN $ids {to}"
        # What lies on the way to the subject.
        labels = {things.label}
        for i, step in enumerate(things.way):
            labels = {end for label in labels for end in next_labels(label, step)}
            if i < len(things.way) - 1 or subject.place is not None:
                on = "|".join(sorted(labels))
                yield f"MATCH (t:{on}) WHERE t.id IN $ids MATCH (n:{things.label}){path_to(things.way[: i + 1], 't')} WITH DISTINCT n {to}"
        others = [related.way for related in things.having]
        if fetch.once is not None:
            others.append(list(fetch.once))
        if subject.pair is not None:
            others.append(["<INVOLVED_IN"])
        for way in others:
            labels = {things.label}
            for i, step in enumerate(way):
                labels = {end for label in labels for end in next_labels(label, step)}
                on = "|".join(sorted(labels))
                yield f"MATCH (t:{on}) WHERE t.id IN $ids MATCH (n:{things.label}){path_to(way[: i + 1], 't')} WITH DISTINCT n {to}"
        if fetch.chain is not None:
            path = ""
            for leg in fetch.chain.legs:
                back, type, _ = step_of(leg.way)
                on = f"{path}{'<' if back else ''}-[:{type}*1..{leg.times[1]}]-{'' if back else '>'}"
                # A ring's subject is before it and behind it: walked backwards it is found all the same.
                yield f"MATCH (t:{leg.label}) WHERE t.id IN $ids MATCH (n:{things.label}){on}(t) WITH DISTINCT n {to}"
                path = f"{on}()"
