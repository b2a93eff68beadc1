"""Entities as they are known: raw persons and incidents that were found to be one."""

from __future__ import annotations

from collections.abc import Mapping

from ledger import Ledger, Records
from loaders.declaration import Feed
from loaders.eras import day_of
from loaders.identity.incidents import IncidentLinker
from loaders.identity.linker import Linker
from loaders.identity.people import PeopleLinker
from loaders.mapping import Claims, LinkClaim, NodeClaim
from loaders.places import PlaceBase


class Known:
    """The linkers of a record store.

    Attributes:
        linkers: in the order in which they decide: who reports an incident says something of which it is.
    """

    def __init__(
        self, ledger: Ledger, records: Records, places: PlaceBase, feeds: Mapping[str, Feed]
    ) -> None:
        self._places = places
        self.people = PeopleLinker(ledger, records, places)
        self.incidents = IncidentLinker(ledger, records, places, feeds, self.person)
        self.linkers: tuple[Linker, ...] = (self.people, self.incidents)

    def person(self, raw: str) -> str:
        """The person that a raw person is known as; anything else is itself."""
        return self.people.same.get(raw, raw)

    def refresh(self) -> None:
        """Reads the links again if another process has written since."""
        for linker in self.linkers:
            linker.refresh()

    def reload(self) -> None:
        """Reads the links again, after another process may have changed them."""
        for linker in self.linkers:
            linker.reload()

    def members(self, id: str) -> list[str]:
        """The raw entities that an entity is; none for one that stands for another."""
        for linker in self.linkers:
            if id.startswith(linker.prefix):
                return linker.members(id)
        return self._places.members(id) if id.startswith("adr_") else [id]

    def rewritten(self, claims: Claims, effective: str = "") -> Claims:
        """The claims, made of entities as they are known.

        Args:
            effective: the day that the record speaks of: a code may have been another place's on another day.
        """
        same = {
            raw: end for raw in {x for c in claims.links for x in (c.start, c.end) if x} | {n.id for n in claims.nodes}
            if (end := self.people.same.get(raw) or self.incidents.same.get(raw))
        }  # fmt: skip
        if self._places.genealogy:
            for raw in {x for c in claims.links for x in (c.start, c.end) if x}:
                if (known := self._places.known_as(raw)) != raw:
                    same[raw] = known
            for node in claims.nodes:
                if node.label == "Address" and "code" in node.values:
                    id = self._places.id_of(node.values["code"], day_of(effective, claims))
                    if id != node.id:
                        same[node.id] = id
        if not same:
            return claims
        nodes = [NodeClaim(same.get(n.id, n.id), *n[1:]) for n in claims.nodes]
        links = []
        for link in claims.links:
            start, end = same.get(link.start, link.start), link.end and same.get(link.end, link.end)
            if end is None or end != start:
                owner = same.get(link.owner, link.owner)
                links.append(LinkClaim(link.slot, link.type, owner, start, end, *link[5:]))
        return Claims(nodes, links, claims.gone)
