"""Drawn graphs: a scenario of `tests/scenarios/*.yaml` in the real Neo4j, and Quanxi's schema asked about it.

What a person would not draw is derived here: ids and full names of addresses, what is in what, place keys and grids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from addresses.index import Index, Place
from addresses.resolver import AddressResolver
from addresses.scheme import Scheme, load_scheme
from graph.constraints import ensure_schema
from graph.store import Store, count_statements
from graph.viewer import DEVELOPMENT, Viewer
from graph.writer import Difference, write
from ontology import ONTOLOGY, Sensitivity
from ontology.clock import OPEN_END, Clock
from ontology.reading import read_yaml
from ontology.terms import load_terms
from schema import build_schema
from schema.context import Context
from schema.limits import Limits
from schema.operations import Operations
from traces.catalogue import load_traces

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
_EPOCH = date(1970, 1, 1).toordinal()
_LIMITS = Limits(
    characters=200_000, tokens=50_000, depth=30, aliases=100_000, roots=50, cost=10_000_000, seconds=60
)


@dataclass(slots=True)
class Drawn:
    """A scenario: nodes by id, links, and who may see only a part of it."""

    name: str
    today: str
    limited_to: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def limited(self) -> Viewer:
        """Limited to one community and without what is sensitive."""
        return Viewer("limited", self.limited_to, frozenset({Sensitivity.SENSITIVE}))

    def places(self) -> Iterator[Place]:
        """The addresses, as the index of names takes them."""
        for values in self.nodes.values():
            if "code" in values and "level" in values:
                yield Place(
                    values["code"], values["level"], values["name"], values["full_name"], values.get("parent"),
                    aliases=tuple(values.get("aliases", ())),
                )  # fmt: skip

    def outside(self) -> Iterator[str]:
        """Texts that stand in nodes out of the limited viewer's sight, and in no node within it."""
        hidden: set[str] = set()
        shown: set[str] = set()
        for id, values in self.nodes.items():
            texts = {id, *_texts(values)}
            (shown if self._within(id) else hidden).update(texts)
        known = " ".join(shown)
        yield from sorted(t for t in hidden if len(t) > 2 and t not in known)

    def _within(self, id: str) -> bool:
        label = ONTOLOGY.label_of(id)
        at = {"Person": [x[3]["place"] for x in self.links if x[0] == id and x[1] == "LIVES_AT"]}.get(
            str(label), [self.nodes[id].get("place") or self.nodes[id].get("code")]
        )
        if label == "Household":
            return any(self._lived_within(x[0], x[3]) for x in self.links if x[2] == id)
        if label == "Finding":
            shown = [x[2] for x in self.links if x[0] == id and x[1] == "SHOWN_BY"]
            return str(at[0]).startswith(self.limited_to) and all(self._within(s) for s in shown)
        if label == "Permit":
            return any(self._within(x[0]) for x in self.links if x[2] == id)
        if label == "Trip":
            return any(self._within(x[2]) for x in self.links if x[0] == id and x[1] in ("FROM", "TO"))
        if label == "Organisation":
            return True
        return any(str(p).startswith(self.limited_to) for p in at)

    def _lived_within(self, person: str, tie: dict[str, Any]) -> bool:
        """Whether a person lived in the limited viewer's area while a tie of theirs held."""
        return any(
            x[3]["place"].startswith(self.limited_to)
            and tie.get("since", "") < x[3]["until"]
            and x[3].get("since", "") < tie["until"]
            for x in self.links
            if x[0] == person and x[1] == "LIVES_AT"
        )


_TOLD = frozenset(
    "name full_name number title hid uscc plate vin mobile phone vid tid did code summary sentence id_number estate_unit_no aliases".split()
)


def _texts(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name in _TOLD:
            yield from value if isinstance(value, list) else (str(value),)


@cache
def scheme() -> Scheme:
    return load_scheme()


def load(name: str) -> Drawn:
    """The scenario `tests/scenarios/<name>.yaml`."""
    raw = read_yaml((SCENARIOS / f"{name}.yaml").read_text("utf-8"))
    drawn = Drawn(name, raw["today"], raw["limited_to"])
    grids: dict[str, str] = {}
    full: dict[str, str] = {}
    for code, given in raw["addresses"].items():
        parsed = scheme().parse(code)
        values = dict(given)
        grid, groups = values.pop("grid", None), values.pop("part_of", ())
        full[code] = values.setdefault("full_name", full.get(parsed.parent or "", "") + values["name"])
        values |= {"code": code, "level": parsed.level}
        if parsed.parent is not None:
            values["parent"] = parsed.parent
            drawn.links.append((f"adr_{code}", "IN", f"adr_{parsed.parent}", {"until": OPEN_END}))
        if parsed.level in ("GRID", "MICRO_GRID"):
            grids[code] = code
        elif not parsed.independent:
            values["place"] = code
            found = grid or grids.get(parsed.parent or "")
            if found is not None and parsed.level not in ("DISTRICT", "STREET", "COMMUNITY"):
                grids[code] = found
        if code in grids:
            values["grid"] = grids[code]
        if grid is not None:
            drawn.links.append((f"adr_{code}", "IN_GRID", f"adr_{grid}", {"until": OPEN_END}))
        for group in groups:
            drawn.links.append((f"adr_{code}", "PART_OF", f"adr_{group}", {"until": OPEN_END}))
        drawn.nodes[f"adr_{code}"] = values
    drawn.nodes |= {id: dict(values) for id, values in raw["nodes"].items()}
    for start, type, end, *more in raw["links"]:
        values = dict(more[0]) if more else {}
        if ONTOLOGY.links[type].history:
            values.setdefault("until", OPEN_END)
        code = str(end) if str(end) in raw["addresses"] else None
        if code is not None:
            where = {"place": code} | ({"grid": grids[code]} if code in grids else {})
            if type == "LIVES_AT":
                values |= {**where, "who": start}
            else:
                drawn.nodes[start] |= {**where, "place_level": scheme().parse(code).level}
                if start.startswith("inc_"):
                    drawn.nodes[start] |= {"street": code[:9], "community": code[:12]}
            end = f"adr_{code}"
        drawn.links.append((start, type, str(end), values))
    for id, values in drawn.nodes.items():
        if id.startswith("inc_"):
            values["day"] = date.fromisoformat(values["occurred_at"][:10]).toordinal() - _EPOCH
    return drawn


async def draw(store: Store, drawn: Drawn) -> None:
    """Puts a scenario into the graph, unless it is what the graph holds."""
    if await store.read("MATCH (m:Meta {id: 'meta'}) RETURN m.scenario") == [drawn.name]:
        return
    await store.write("MATCH (n) DETACH DELETE n")
    await ensure_schema(store)
    difference = Difference()
    for id, values in drawn.nodes.items():
        difference.put_node(id, values)
    for number, (start, type, end, values) in enumerate(drawn.links):
        difference.put_link(type, start, end, str(number), values)
    await write(store, difference)
    await store.write("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()", autocommit=True)
    await store.write("MERGE (m:Meta {id: 'meta'}) SET m.scenario = $name", {"name": drawn.name})


@dataclass(slots=True)
class Answer:
    data: Any
    errors: list[dict[str, Any]]
    statements: list[str]

    @property
    def codes(self) -> list[str]:
        return [e["extensions"]["code"] for e in self.errors]


class Asker:
    """Asks Quanxi's schema about the graph, as the server does."""

    def __init__(self, store: Store, drawn: Drawn) -> None:
        self.store = store
        self.drawn = drawn
        self.schema = build_schema()
        self._operations = Operations(self.schema, _LIMITS)
        self.rolled_for: str | None = None
        self.explainer: Any = None
        self.resolves = AddressResolver(Index.of(scheme(), drawn.places()))

    def context(self, viewer: Viewer) -> Context:
        return Context(
            store=self.store,
            viewer=viewer,
            clock=Clock(date.fromisoformat(self.drawn.today)),
            scheme=scheme(),
            terms=load_terms(),
            identity_hash=lambda number: f"hash of {number}",
            explainer=self.explainer,
            resolves=self.resolves,
            rolled_for=self.rolled_for,
            synthetic=True,
            timeout=120,
            traces=load_traces(None, load_terms()),
        )

    async def __call__(self, query: str, viewer: Viewer = DEVELOPMENT, **variables: Any) -> Answer:
        with count_statements() as counter:
            outcome = await self._operations.run(query, variables, None, self.context(viewer))
        return Answer(outcome.body.get("data"), outcome.body.get("errors", []), counter.texts)

    async def data(self, query: str, viewer: Viewer = DEVELOPMENT, **variables: Any) -> Any:
        """The data of an operation that must have no error."""
        answer = await self(query, viewer, **variables)
        assert not answer.errors, answer.errors
        return answer.data
