"""A trace's example, drawn into a graph: nodes and relationships as the loaders would have written them."""

from __future__ import annotations

from typing import Any

from addresses.scheme import Scheme
from graph.writer import Difference
from ontology import ONTOLOGY
from ontology.clock import OPEN_END
from ontology.errors import UsageError
from ontology.terms import reported_as
from traces.declaration import Trace


def drawn(trace: Trace, scheme: Scheme, mark: str = "") -> tuple[Difference, dict[str, str]]:
    """The graph of a trace's example, and the id of each of its nodes by name.

    Args:
        mark: part of the ids, so that examples drawn into one graph stay apart.

    Raises:
        UsageError: BAD_CATALOG where the example names a label, a relationship or a node that there is not.
    """
    difference = Difference()
    ids: dict[str, str] = {}
    places: dict[str, str] = {}
    for name, given in trace.example.nodes.items():
        values = {k: str(v) if hasattr(v, "isoformat") else v for k, v in given.items()}
        label = values.pop("label", None)
        if label not in ONTOLOGY.entities:
            raise _wrong(trace, f"{name} 没有实体 {label}", f"{name}: no entity is called {label!r}")
        entity = ONTOLOGY.entities[label]
        ids[name] = f"{entity.prefix}_{mark}{name}"
        at = values.pop("at", None)
        if at is not None:
            parsed = scheme.parse(str(at))
            places[name] = scheme.key(parsed.code)
            values |= {"place": places[name]}
            if label != "Address":
                values |= {"place_level": parsed.level}
        if label == "Incident" and "occurred_at" in values:
            values.setdefault("kind", "other")
            told = [values[name] for name in ("report_kind", "report_category") if name in values]
            if told:
                values["reported_as"] = reported_as(
                    *(map(str, codes) for codes in told if isinstance(codes, list))
                )
        difference.put_node(ids[name], values)
    for given_link in trace.example.links:
        fields = dict(given_link) if isinstance(given_link, dict) else {"link": given_link}
        start, type, end = _parts(trace, str(fields.pop("link", "")))
        if type not in ONTOLOGY.links or start not in ids or end not in ids:
            raise _wrong(trace, f"关系有误 {start} {type} {end}", f"no such link: {start} {type} {end}")
        link = ONTOLOGY.links[type]
        held: dict[str, Any] = {k: str(v) if hasattr(v, "isoformat") else v for k, v in fields.items()}
        if link.history:
            held.setdefault("until", OPEN_END)
        if type == "LIVES_AT":
            held.setdefault("place", places.get(end))
            held.setdefault("who", ids[start])
        difference.put_link(type, ids[start], ids[end], f"{mark}{start}{end}", held)
    return difference, ids


def _parts(trace: Trace, text: str) -> tuple[str, str, str]:
    parts = text.split()
    if len(parts) != 3:
        raise _wrong(trace, f"应为 a 关系 b:{text}", f"a link should be `a TYPE b`, not {text!r}")
    return parts[0], parts[1], parts[2]


def _wrong(trace: Trace, zh: str, en: str) -> UsageError:
    return UsageError(
        "BAD_CATALOG", f"模型 {trace.trace} 的示例:{zh}", f"the example of trace {trace.trace}: {en}"
    )
