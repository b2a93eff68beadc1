"""Addresses that have had several codes, as the fold takes them: what was recorded under each code holds for as long as the
place had it.

Records of one place under several codes are records of one node. Those of an earlier code fill in what later ones do not say;
their relationships end where the code did, and where nothing is recorded under the last code, the place lies in what
its code says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from addresses.genealogy import Era, Genealogy, day_before
from loaders.mapping import Claims, LinkClaim, NodeClaim, place_key
from ontology.clock import OPEN_END

Props = dict[str, Any]
# So much less a record of an earlier code is trusted, that any record of a later one stands before it.
_STEP = 1000
# What a record of an earlier code says of the place only as it was.
_OF_ITS_TIME = frozenset({"code", "name", "full_name", "until"})
CALLED = ("also_name", "also_kind", "also_since", "also_until")
NAMES = ("name_texts", "name_kinds", "name_since", "name_until", "name_feeds")


class Base(Protocol):
    """What is asked of the address base here."""

    @property
    def genealogy(self) -> Genealogy: ...
    def full_name(self, code: str) -> str | None: ...


def code_said(id: str, claims: Claims) -> str | None:
    """The code by which a record's claims know the place."""
    return next((n.values["code"] for n in claims.nodes if n.id == id and "code" in n.values), None)


class Eras:
    """What one place's line does to what records say of it.

    Args:
        claims: of every version: (its effective day, its claims), as they stand.
    """

    def __init__(self, id: str, base: Base, said: Sequence[tuple[str, Claims]]) -> None:
        self.id = id
        self._base = base
        self._genealogy = base.genealogy
        # Any of them will do: all are codes of one place.
        known = [
            (code, day_of(effective, claims))
            for effective, claims in said
            if (code := code_said(id, claims)) is not None
        ]
        self.code: str | None = None
        self.day = ""
        if known:
            self.code, self.day = min(known)
        self.line: tuple[Era, ...] = (
            self._genealogy.line(self.code, self.day) if self.code is not None else ()
        )
        self.plain = self.code is None or not self._genealogy.touches(self.code)
        if self.plain:
            return
        self._of = {
            i: self._genealogy.era_of(code, day_of(effective, claims))
            for i, (effective, claims) in enumerate(said)
            if (code := code_said(id, claims)) is not None
        }
        self._spans = _spans(self.line, [era.code for era in self.line])
        # What it lies in by its code: it may have got another code without going anywhere.
        self._parents = [self._parent(era) for era in self.line]
        self._lying = _spans(self.line, self._parents)
        self.last = max(self._of.values(), default=0)
        self.recorded = self._span(self.last) == self._span(len(self.line) - 1)
        self._names: dict[int, tuple[tuple[int, str], str | None, str | None]] = {}

    def _parent(self, era: Era) -> str:
        scheme = self._genealogy.scheme
        above = scheme.parent(era.code) if scheme.level_of(era.code) is not None else None
        return self._genealogy.identity(above, era.since) if above is not None else f"?{era.code}"

    def _span(self, era: int) -> tuple[str | None, str]:
        """[since, until) of the code of an era."""
        return self._spans[era]

    def clipped(self, number: int, effective: str, claims: Claims) -> Claims:
        """The claims of version `number`, for the time of its code."""
        era = self._of.get(number)
        if era is None:
            return claims
        since, until = self._span(era)
        behind = len(self.line) - 1 - era
        nodes = []
        for node in claims.nodes:
            if node.id == self.id:
                self._note(era, node, effective)
                if behind:
                    kept = {f: v for f, v in node.values.items() if f not in _OF_ITS_TIME}
                    node = NodeClaim(node.id, node.label, kept, node.trust - _STEP * behind)
            nodes.append(node)
        links = []
        for link in claims.links:
            if link.owner == self.id and link.type == "IN":
                link = _within(link, *self._lying[era])
                if link.until == until and until < self._lying[era][1]:
                    # It was the code that ended then, not its lying there.
                    link = link._replace(
                        until=None if self._lying[era][1] == OPEN_END else self._lying[era][1]
                    )
            elif link.owner == self.id and self.recorded:
                link = _within(link, since, until)
            elif link.owner == self.id and until != OPEN_END:
                # Nothing is recorded of it later: what it was part of it still is.
                link = link._replace(until=None if link.until == until else link.until)
            links.append(link)
        return Claims(nodes, links, claims.gone)

    def _note(self, era: int, node: NodeClaim, effective: str) -> None:
        rank = (node.trust, effective)
        held = self._names.get(era)
        if node.values.get("name") is not None and (held is None or rank > held[0]):
            self._names[era] = rank, node.values.get("name"), node.values.get("full_name")

    def by_code(self) -> LinkClaim | None:
        """What the place lies in by its last code, where no record says it."""
        last = len(self.line) - 1
        if self.plain or self._lying[last] == self._lying[self.last]:
            return None
        code = self.line[-1].code
        scheme = self._genealogy.scheme
        parent = scheme.parent(code) if scheme.level_of(code) is not None else None
        if parent is None:
            return None
        since = self._span(len(self.line) - 1)[0]
        return LinkClaim(
            -1, "IN", self.id, self.id, None, place_key(parent, None, None, None), {}, since, None
        )

    def finish(self, values: Props) -> None:
        """Sets what follows from the line: the code of today, the former ones, what the place was made of and became."""
        if self.plain:
            return
        genealogy, line = self._genealogy, self.line
        code = line[-1].code
        values["code"] = code
        told = [self._named(i, era) for i, era in enumerate(line)]
        if "name" not in values:
            name = line[-1].name or next((n for n, _ in reversed(told) if n), None)
            if name is not None:
                values["name"] = name
        if "full_name" not in values and "name" in values:
            scheme = genealogy.scheme
            parent = scheme.parent(code) if scheme.level_of(code) is not None else None
            above = self._base.full_name(parent) if parent is not None else None
            before = next((full for _, full in reversed(told) if full), None)
            values["full_name"] = above + values["name"] if above is not None else before or values["name"]
        former = line[:-1]
        if former:
            values["former_codes"] = [
                c for c in dict.fromkeys(era.code for era in former) if c != code
            ] or None
            values["era_codes"] = [era.code for era in former]
            values["era_names"] = [name or "" for name, _ in told[:-1]]
            values["era_full_names"] = [full or "" for _, full in told[:-1]]
            values["era_until"] = [era.until for era in former]
            values["era_kinds"] = [era.kind for era in former]
        if values.get("former_codes", 0) is None:
            del values["former_codes"]
        assert self.code is not None
        begun, ended = genealogy.begun(self.code, self.day), genealogy.ended(self.code, self.day)
        if begun is not None:
            values |= {"begun_by": begun.kind, "begun_on": begun.on, "predecessors": list(begun.codes)}
            if begun.on:
                values.setdefault("since", begun.on)
        if ended is not None:
            values |= {"ended_by": ended.kind, "ended_on": ended.on}
            if ended.codes:
                values["successors"] = list(ended.codes)
            if ended.on:
                values["until"] = min(values.get("until", OPEN_END), ended.on)
        left, joined = genealogy.moves().get(genealogy.identity(self.code, self.day), ((), ()))
        if left:
            values["left_keys"] = list(left)
        if joined:
            values["joined_keys"] = list(joined)

    def _named(self, i: int, era: Era) -> tuple[str | None, str | None]:
        held = self._names.get(i)
        name = era.name or (held[1] if held is not None else None)
        full = held[2] if held is not None and held[1] == name else None
        return name, full

    def end_of_life(self) -> str | None:
        """The day on which the place ended, if it did: what it lay in it lies in no longer."""
        if self.plain or self.code is None:
            return None
        ended = self._genealogy.ended(self.code, self.day)
        return ended.on if ended is not None and ended.on else None


def day_of(effective: str, claims: Claims) -> str:
    """The day that a record speaks of; one that tells of a change speaks of the place as it was before it."""
    on = next(
        (n.values["effective"] for n in claims.nodes if n.label == "Succession" and "effective" in n.values),
        None,
    )
    if on is None:
        return effective[:10]
    return day_before(on[:10]) or ""


def _spans(line: Sequence[Era], same: Sequence[str]) -> list[tuple[str | None, str]]:
    """For each era the time for which something of the place was the same without a break."""
    spans: list[tuple[str | None, str]] = []
    for i in range(len(line)):
        first = i
        while first and same[first - 1] == same[i]:
            first -= 1
        last = i
        while last + 1 < len(line) and same[last + 1] == same[i]:
            last += 1
        spans.append((line[first].since, line[last].until))
    return spans


def _within(link: LinkClaim, since: str | None, until: str) -> LinkClaim:
    """A claim for no longer than the time of its code."""
    start = link.since if since is None else max(link.since or "", since)
    end = link.until if until == OPEN_END else min(link.until or OPEN_END, until)
    return link._replace(since=start or None, until=end)


def called(id: str, said: Iterable[tuple[str, Claims]]) -> list[tuple[str, str, str, str, str]]:
    """What feeds call a place: (name, kind, since, until, feed), empty where unknown, in no order that depends on arrival."""
    names = {
        (
            str(v["also_name"]),
            str(v.get("also_kind", "")),
            str(v.get("also_since", "")),
            str(v.get("also_until", "")),
            feed,
        )
        for feed, claims in said
        for node in claims.nodes
        if node.id == id and (v := node.values).get("also_name")
    }
    return sorted(names, key=lambda n: (n[3] or OPEN_END, n[2], n[0], n[1], n[4]), reverse=True)


def put_names(values: Props, names: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Puts the names that feeds call a place by into its lists, and takes the single claims out."""
    for field in CALLED:
        values.pop(field, None)
    for field, column in zip(NAMES, zip(*names, strict=True), strict=False):
        values[field] = list(column)
