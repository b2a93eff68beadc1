"""One record of a feed → what it claims: which entities there are, what they are like, and how they are related."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from loaders.declaration import ColumnType, Feed
from ontology import ONTOLOGY, identifiers
from ontology.names import is_full_name
from ontology.terms import Terms

Payload = Mapping[str, Any]
SEPARATOR = "\x1f"
# Columns that the contract adds to a row which says that something is no more.
ACTION, AT = "__action", "__at"
_BASE_32 = ["".join(pair) for pair in itertools.product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]


def mint(prefix: str, namespace: str, value: str) -> str:
    """The internal id decided for what is known by `value` in `namespace`.

    A pure function of what it was first seen by, so that every rebuild and every order of arrival decides alike; a
    later decision (a merge, a renumbering) is recorded and overrides it.
    """
    n = int.from_bytes(hashlib.blake2b(f"{namespace}\0{value}".encode(), digest_size=10).digest(), "big")
    # Base 32 by tens of bits: the standard library's goes by single characters, and millions are minted.
    two = _BASE_32
    return (
        f"{prefix}_{two[n >> 70]}{two[n >> 60 & 1023]}{two[n >> 50 & 1023]}{two[n >> 40 & 1023]}"
        f"{two[n >> 30 & 1023]}{two[n >> 20 & 1023]}{two[n >> 10 & 1023]}{two[n & 1023]}"
    )


def address_id(code: str) -> str:
    return mint("adr", "code", code)


def place_key(
    code: str | None, text: str | None, authority: str | None, local: str | None, sentence: str | None = None
) -> str:
    """What a row says of a place as one string, by which its resolution is kept. A sentence stands last, where there is one."""
    parts = (code or "", text or "", authority or "", local or "")
    return SEPARATOR.join((*parts, sentence) if sentence else parts)


def split_place_key(key: str) -> tuple[str | None, str | None, str | None, str | None]:
    code, text, authority, local = key.split(SEPARATOR, 4)[:4]
    return code or None, text or None, authority or None, local or None


def sentence_of(key: str) -> str | None:
    """The sentence that a place key says a place in."""
    parts = key.split(SEPARATOR, 4)
    return parts[4] if len(parts) > 4 else None


class NodeClaim(NamedTuple):
    """An entity and the values that a record gives it; `columns` says which column each value came from."""

    id: str
    label: str
    values: dict[str, Any]
    trust: int


class LinkClaim(NamedTuple):
    """A relationship that a record claims. `end` is an id, or None when `place` names an address still to be resolved."""

    slot: int
    type: str
    owner: str
    start: str
    end: str | None
    place: str | None
    values: dict[str, Any]
    since: str | None
    until: str | None
    trust: int = 50


class Claims(NamedTuple):
    """What a record claims. `gone`: it was a mistake, and so was all that it claimed before."""

    nodes: list[NodeClaim]
    links: list[LinkClaim]
    gone: bool = False

    def owners(self) -> set[str]:
        return {n.id for n in self.nodes} | {link.owner for link in self.links}

    def places(self) -> set[str]:
        return {link.place for link in self.links if link.place is not None}


_SEX = {"M": "male", "F": "female"}
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_CAST: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: lambda v: v == "true",
}


def deleted(claims: Claims, action: str, at: str | None) -> Claims:
    """What a record claims that says that something is no more (`Feed.deletions`).

    Args:
        action: `close` its relationships, the person `died`, or `remove` the record.
        at: the day, ISO; without one they end when the record took effect.
    """
    if action == "remove":
        return Claims([], [], True)
    nodes = claims.nodes
    if action == "died":
        who = next((i for i, n in enumerate(nodes) if n.label == "Person"), None)
        if who is not None and at is not None:
            nodes = list(nodes)
            nodes[who] = nodes[who]._replace(values={**nodes[who].values, "died": at})
    if at is None:
        return Claims(nodes, [x for x in claims.links if not ONTOLOGY.links[x.type].history])
    ended = [
        x._replace(until=min(x.until or at, at)) if ONTOLOGY.links[x.type].history else x
        for x in claims.links
    ]
    return Claims(nodes, ended)


def split_template(template: str) -> list[str]:
    """A template's text and columns by turns, beginning and ending with text."""
    return _TEMPLATE.split(template)


def mention_namespace(feed: str, alias: str) -> str:
    """The namespace of ids of what only one record speaks of."""
    return f"mention:{feed}:{alias}"


class Mapper:
    """The claims of a feed's records.

    Args:
        secret: the key that identity numbers are hashed with.
    """

    def __init__(self, feed: Feed, terms: Terms, secret: bytes) -> None:
        self.feed = feed
        self._secret = secret
        self._makers = {alias: self._entity(alias, terms) for alias in feed.entities}
        self._entities = list(self._makers.values())
        self._links = [self._link(i) for i in range(len(feed.links))]
        self._derive = [
            (name, self._template(d.template, terms, d.whole))
            for name, d in feed.derive.items()
            if d.template is not None
        ]

    def claims(self, rkey: str, payload: Payload) -> Claims:
        """What one record claims. `rkey` stands in for an identity where the record gives none."""
        if self._derive:
            payload = {
                **payload,
                **{name: fill(payload) or None for name, fill in self._derive},
            }
        ids: dict[str, str] = {}
        nodes = []
        for make in self._entities:
            made = make(rkey, payload)
            if made is not None:
                alias, claim = made
                ids[alias] = claim.id
                nodes.append(claim)
        links = []
        for join in self._links:
            link = join(ids, payload)
            if link is not None:
                links.append(link)
        action = payload.get(ACTION)
        return (
            Claims(nodes, links) if action is None else deleted(Claims(nodes, links), action, payload.get(AT))
        )

    def entity(self, alias: str, rkey: str, payload: Payload) -> NodeClaim | None:
        """What one alias claims of one record, if anything."""
        made = self._makers[alias](rkey, payload)
        return made[1] if made is not None else None

    def _template(self, template: str, terms: Terms, whole: bool = False) -> Callable[[Payload], str]:
        parts = split_template(template)
        needed = parts[1::2] if whole else []
        lists = {c: s.terms for c, s in self.feed.columns.items() if s.terms is not None}

        def fill(payload: Payload) -> str:
            if any(payload.get(part) is None for part in needed):
                return ""
            out = []
            for i, part in enumerate(parts):
                if i % 2 == 0:
                    out.append(part)
                else:
                    value = payload.get(part)
                    if value is not None:
                        out.append(terms.get(lists[part], value).zh if part in lists else str(value))
            return "".join(out).rstrip(" ::")  # noqa: B005

        return fill

    def _value(self, label: str, field: str, source: str, terms: Terms) -> Callable[[Payload], Any]:
        get = self._single(label, field, source, terms)
        if not ONTOLOGY.entities[label].fields()[field].many:
            return get
        # A field of many values may be given one by a column that is no list.
        return lambda payload: [value] if isinstance(value := get(payload), str) and value else value or None

    def _is_plain(self, label: str, field: str, source: str) -> bool:
        """Whether a field's value is that of a column as it stands."""
        spec = ONTOLOGY.entities[label].fields()[field]
        identity = source in self.feed.columns and self.feed.columns[source].type is ColumnType.IDENTITY
        made = source.startswith("=") or "{" in source or identity
        # What a template has made may be empty.
        return not made and not spec.many and spec.type not in _CAST and source not in self.feed.derive

    def _single(self, label: str, field: str, source: str, terms: Terms) -> Callable[[Payload], Any]:
        spec = ONTOLOGY.entities[label].fields()[field]
        if source.startswith("="):
            constant: Any = source[1:]
            constant = _CAST[spec.type](constant) if spec.type in _CAST else constant
            return lambda payload: constant
        if "{" in source:
            fill = self._template(source, terms)
            return lambda payload: fill(payload) or None
        identity = source in self.feed.columns and self.feed.columns[source].type is ColumnType.IDENTITY
        if identity:
            return lambda payload: value[2:] if (value := payload.get(source)) else None
        if spec.type in _CAST:
            cast = _CAST[spec.type]
            return lambda payload: cast(value) if (value := payload.get(source)) is not None else None
        return lambda payload: payload.get(source)

    def _entity(self, alias: str, terms: Terms) -> Callable[[str, Payload], tuple[str, NodeClaim] | None]:
        claim = self.feed.entities[alias]
        prefix = ONTOLOGY.entities[claim.label].prefix
        trust = self.feed.trust if claim.trust is None else claim.trust
        alternatives = [next(iter(a.items())) for a in claim.id]
        plain = [(f, c) for f, c in claim.set.items() if self._is_plain(claim.label, f, c)]
        others = [
            (f, self._value(claim.label, f, source, terms))
            for f, source in claim.set.items()
            if (f, source) not in plain
        ]

        def given(payload: Payload) -> dict[str, Any]:
            values = {f: payload[c] for f, c in plain if c in payload}
            for f, get in others:
                value = get(payload)
                if value is not None:
                    values[f] = value
            return values

        steps = [(s.at, s.to, s.by) for s in claim.steps]
        when = claim.when
        types = {c: s.type for c, s in self.feed.columns.items()}
        secret = self._secret
        mention, called = claim.mention, claim.set.get("name", "")
        record = mention_namespace(self.feed.feed, alias)

        def spoken_of(rkey: str, payload: Payload) -> tuple[str, NodeClaim] | None:
            if any(payload.get(c) is not None for c in mention) and is_full_name(payload.get(called)):
                values = given(payload)
                return alias, NodeClaim(mint(prefix, record, rkey), claim.label, values, trust)
            return None

        def make(rkey: str, payload: Payload) -> tuple[str, NodeClaim] | None:
            for column, expected in when.items():
                if payload.get(column) != expected:
                    return None
            for namespace, column in alternatives:
                value = payload.get(column)
                if value is None:
                    continue
                if types.get(column) is ColumnType.IDENTITY:
                    if value[0] != ("C" if namespace == "id_number" else "U"):
                        continue
                    value = value[2:]
                values = given(payload)
                if namespace == "id_number":
                    hashed = identifiers.identity_hash(secret, value)
                    values["id_hash"] = hashed
                    values["id_number"] = identifiers.mask_citizen_id(value)
                    if len(value) == 18 and value[6:14].isdigit():
                        values.setdefault("birth", f"{value[6:10]}-{value[10:12]}-{value[12:14]}")
                        if value[16].isdigit():
                            values.setdefault("sex", _SEX["M" if int(value[16]) % 2 else "F"])
                    value = hashed
                if steps:
                    taken = sorted(
                        (at, i, to, (payload.get(by) if by else None) or "")
                        for i, (column_at, to, by) in enumerate(steps)
                        if (at := payload.get(column_at)) is not None
                    )
                    if taken:
                        values["step_at"] = [t[0] for t in taken]
                        values["step_to"] = [t[2] for t in taken]
                        values["step_by"] = [t[3] for t in taken]
                return alias, NodeClaim(mint(prefix, namespace, value), claim.label, values, trust)
            return spoken_of(rkey, payload)

        return make

    def _link(self, slot: int) -> Callable[[dict[str, str], Payload], LinkClaim | None]:
        declared = self.feed.links[slot]
        link = ONTOLOGY.links[declared.type]
        owner_is_start = link.kept_by == "start"
        casts = {f: _CAST.get(s.type) for f, s in link.fields().items()}
        constants = {f: s[1:] for f, s in declared.set.items() if s.startswith("=")}
        columns = [(f, s, casts.get(f)) for f, s in declared.set.items() if not s.startswith("=")]
        place = declared.place
        address, message = (place.address, place.message) if place is not None else (None, None)
        trust = self.feed.trust

        def join(ids: dict[str, str], payload: Payload) -> LinkClaim | None:
            start = ids.get(declared.start)
            if start is None:
                return None
            end = ids.get(declared.end) if declared.end is not None else None
            key = None
            if place is not None:
                code = payload.get(place.code) if place.code else None
                text = payload.get(address) if address else None
                local = payload.get(place.local) if place.local else None
                sentence = payload.get(message) if message else None
                if code is None and text is None and local is None and sentence is None:
                    return None
                key = place_key(code, text, place.authority, local, sentence)
            elif end is None or end == start:
                return None
            values: dict[str, Any] = dict(constants)
            for field, column, cast in columns:
                value = payload.get(column)
                if value is not None:
                    values[field] = cast(value) if cast else value
            owner = start if owner_is_start or end is None else end
            since = payload.get(declared.since) if declared.since else None
            until = payload.get(declared.until) if declared.until else None
            return LinkClaim(slot, declared.type, owner, start, end, key, values, since, until, trust)

        return join
