"""Why a value stands in the graph: every record that offers one, and which the fold chose by which rule."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from ledger import Ledger
from loaders.declaration import ColumnType, Feed
from loaders.fold import Interval, Version, by_record, fold, offers, stretches
from loaders.identity.agreements import agreed
from loaders.identity.linker import IdentityLink, Linker
from loaders.run import Loader
from ontology import ONTOLOGY, identifiers
from ontology.clock import OPEN_END
from ontology.errors import UsageError
from ontology.model import Sensitivity

RULE_TRUST = ("采信可信度更高的来源;同等可信取较新者", "the more trusted feed; among equals the newer record")
RULE_SAID = ("记录所述", "as the record says")
RULE_DERIVED = ("由归并推导", "derived by the fold")
RULE_REPORTS = (
    "几份报告并为一事件:先报者为准,办结以最后者为准",
    "several reports are one incident: the first says what it is, the last how it ended",
)
RULE_LASTS = ("记录所述,至另有记载为止", "as the record says, until a newer one says otherwise")
RULE_SURER = ("另有更可信的地点", "another place is surer, or more trusted")
RULE_NOWHERE = ("此地址无处可落", "its address is nowhere known")
_MASKS = {
    ColumnType.CITIZEN_ID: identifiers.mask_citizen_id,
    ColumnType.IDENTITY: identifiers.mask_citizen_id,
    ColumnType.MOBILE: identifiers.mask_mobile,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision by which what a record speaks of was taken for somebody, or some incident, known otherwise.

    Attributes:
        link: its id, for a judgement; agrees: what it rests on, codes by commas.
        judge, reason, at: who judged it, why and when; None where the machine decided.
    """

    link: str
    score: float
    agrees: str
    version: str
    judge: str | None
    reason: str | None
    at: str | None

    @property
    def sentence(self) -> str:
        """In words, Chinese and English."""
        if self.judge is not None:
            return f"由 {self.judge} 判定 judged by {self.judge}: {self.reason or ''}"
        told = agreed(self.agrees)
        return f"{'、'.join(zh for _, zh, _ in told)}相符 {', '.join(en for _, _, en in told)} ({self.score:.3f}, {self.version})"


@dataclass(frozen=True, slots=True)
class Fact:
    """One source of a value. `received` is the row as received, with identity and phone numbers masked.

    Attributes:
        since, until: what day the record speaks of; of a relationship, from when and until when it says that it lasts.
        taken: the decisions by which the record is of this one; none where it names it by its own key.
    """

    field: str
    value: str | None
    feed: str
    batch: str | None
    file: str | None
    row: int | None
    received: list[dict[str, str | None]]
    since: str | None
    until: str | None
    recorded_at: str | None
    rule: str
    chosen: bool
    because: str
    taken: tuple[Taken, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {f: getattr(self, f) for f in self.__slots__}
        return told | {"taken": [asdict(t) for t in self.taken]}


class Explainer:
    """Answers `why` from the record store and the ledger."""

    def __init__(self, loader: Loader, ledger: Ledger) -> None:
        self._loader = loader
        self._ledger = ledger
        # A server asks from several threads; the ledger's connection is one.
        self.lock = threading.Lock()

    def facts(
        self, id: str, field: str | None = None, hidden: frozenset[Sensitivity] = frozenset()
    ) -> list[Fact]:
        """All sources of a node's field (of all its fields when None), the chosen one first.

        Args:
            field: or a type of relationship, in capitals: who says that the node has which.
            hidden: sensitivities that the asker may not see; such values and cells are left out.

        Raises:
            UsageError: NOT_FOUND when nothing is recorded about the id, BAD_ARGUMENT when it has no such field.
        """
        with self.lock:
            self._loader.refresh()
            if field in ONTOLOGY.links:
                return self._link_facts(id, field, None, hidden)
            return self._facts(id, field, hidden)

    def link_facts(
        self, start: str, type: str, end: str, hidden: frozenset[Sensitivity] = frozenset()
    ) -> list[Fact]:
        """All sources of one relationship; and those that in its stead name another place.

        Raises:
            UsageError: NOT_FOUND when nothing is recorded about its ends.
        """
        with self.lock:
            self._loader.refresh()
            # What is said of a place is kept with what is there.
            near, far = (
                (end, start) if start.startswith("adr_") and not end.startswith("adr_") else (start, end)
            )
            return self._link_facts(near, type, far, hidden)

    def said_of(self, raw: str, hidden: frozenset[Sensitivity] = frozenset()) -> list[Fact]:
        """What the records about one raw entity say of it, whoever it is known as by now; the newest first."""
        with self.lock:
            fields = ONTOLOGY.entities[ONTOLOGY.label_of(raw) or ""].fields()
            facts = []
            found = by_record(self._loader.raw_versions([raw])[raw])
            for offer in sorted(offers(raw, found), key=lambda o: (o.field, o.rank), reverse=True):
                spec = fields.get(offer.field)
                if spec is not None and spec.meta.sensitivity not in (Sensitivity.HIDDEN, *hidden):
                    zh, en = RULE_SAID
                    facts.append(self._fact(offer.field, offer.value, offer.version, True, en, zh, hidden))
            return facts[::-1]

    def _facts(self, id: str, field: str | None, hidden: frozenset[Sensitivity]) -> list[Fact]:
        label = ONTOLOGY.label_of(id)
        versions = self._loader.versions([id])[id] if label is not None else []
        if label is None or not versions:
            raise UsageError("NOT_FOUND", f"没有编号为 {id} 的记录", f"nothing is recorded about {id}")
        fields = ONTOLOGY.entities[label].fields()
        if field is not None and field not in fields:
            raise UsageError(
                "BAD_ARGUMENT",
                f"{label} 没有字段 {field}",
                f"{label} has no field {field}",
                f"It has: {', '.join(fields)}.",
            )
        state = fold(id, versions, self._loader.places)
        held = state.values if state is not None else {}
        facts: list[Fact] = []
        offered = sorted(offers(id, by_record(versions)), key=lambda o: o.rank, reverse=True)
        ranked = {o.field: o for o in reversed(offered)}
        stands = {o.field: o for o in reversed(offered) if held.get(o.field) == o.value}
        for offer in offered:
            spec = fields.get(offer.field)
            if spec is None or (field is not None and offer.field != field):
                continue
            if spec.meta.sensitivity is Sensitivity.HIDDEN or spec.meta.sensitivity in hidden:
                continue
            zh, en = RULE_TRUST
            because = f"{zh}(可信度 {offer.trust})"
            # Where reports are joined it is not trust that decides.
            if stands.get(offer.field) is not ranked[offer.field]:
                because, en = RULE_REPORTS
            chosen = offer is stands.get(offer.field)
            facts.append(self._fact(offer.field, offer.value, offer.version, chosen, en, because, hidden))
        if state is not None:
            for name, value in held.items():
                spec = fields.get(name)
                if spec is None or name in stands or name == "id" or (field is not None and name != field):
                    continue
                if spec.meta.sensitivity in hidden or spec.meta.sensitivity is Sensitivity.HIDDEN:
                    continue
                newest = max(versions, key=lambda v: v.order)
                facts.append(self._fact(name, value, newest, True, RULE_DERIVED[1], RULE_DERIVED[0], hidden))
        return sorted(self._with_links(id, facts), key=lambda f: (f.field, not f.chosen))

    def _link_facts(
        self, id: str, type: str, other: str | None, hidden: frozenset[Sensitivity]
    ) -> list[Fact]:
        records = by_record(self._loader.versions([id])[id]) if ONTOLOGY.label_of(id) is not None else []
        if not records:
            raise UsageError("NOT_FOUND", f"没有编号为 {id} 的记录", f"nothing is recorded about {id}")
        said = [
            (interval, next(v for v in versions if v.order == interval.order))
            for versions in records
            for slot in sorted({c.slot for v in versions for c in v.claims.links if c.type == type})
            for interval in stretches(slot, versions, self._loader.places)
            if interval.claim.type == type and id in (interval.claim.start, interval.end)
        ]
        owners = list(dict.fromkeys(interval.claim.owner for interval, _ in said))
        stand = [
            link
            for owner, versions in self._loader.versions(owners).items()
            if (state := fold(owner, versions, self._loader.places)) is not None
            for link in state.links
            if link.type == type
        ]
        facts = []
        for interval, version in said:
            ends = interval.claim.start, interval.end
            far = ends[0] if ends[1] == id else ends[1]
            stands = any((x.start, x.end) == ends and _covers(x.values, interval) for x in stand)
            if other is None or far == other or not stands:
                zh, en = RULE_LASTS if stands else RULE_SURER if far is not None else RULE_NOWHERE
                told = self._fact(
                    type, far or _text(interval), version, stands, en, zh + _how(interval), hidden
                )
                until = None if interval.until == OPEN_END else interval.until
                facts.append(replace(told, since=interval.start, until=until))
        return sorted(self._with_links(id, facts), key=lambda f: (not f.chosen, f.until is not None))

    def _with_links(self, id: str, facts: Iterable[Fact]) -> Iterator[Fact]:
        """The facts, each with the decisions by which its record is of the id."""
        taken: dict[tuple[str, int], list[Taken]] = {}
        members = [raw for raw in self._loader.known_as.members(id) if raw != id]
        for raw, versions in self._loader.raw_versions(members).items():
            steps = self._steps(raw)
            for version in versions:
                batch = self._ledger.batch_by_no(version.batch)
                taken.setdefault((batch.id, version.row), []).extend(steps)
        for fact in facts:
            found = taken.get((fact.batch or "", fact.row or 0), ())
            yield replace(fact, taken=tuple(dict.fromkeys(found))) if found else fact

    def _steps(self, raw: str) -> list[Taken]:
        """The decisions from a raw entity to the one that it is known as."""
        for linker in self._loader.known_as.linkers:
            if raw.startswith(linker.prefix):
                return [self._taken(linker, link) for link in linker.steps(raw)]
        return []

    def _taken(self, linker: Linker, link: IdentityLink) -> Taken:
        verdict, reason, judge, at = (
            self._ledger.judgement(linker.subject, link.raw, link.same) or (None,) * 4
        )
        by_hand = verdict == "same"
        return Taken(
            link.id, link.score, link.why, link.version,
            judge if by_hand else None, reason if by_hand else None, at if by_hand else None,
        )  # fmt: skip

    def _fact(
        self,
        field: str,
        value: Any,
        version: Version,
        chosen: bool,
        rule: str,
        because: str,
        hidden: frozenset[Sensitivity],
    ) -> Fact:
        batch = self._ledger.batch_by_no(version.batch)
        feed = self._loader.feeds[version.feed]
        received = self._ledger.row(version.batch, version.row)
        shown = [{"column": c, "value": _masked(feed, c, v, hidden)} for c, v in received.items()]
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Fact(
            field, text, version.feed, batch.id, batch.file, version.row, shown, version.effective or None, None,
            batch.received_at, rule, chosen, because,
        )  # fmt: skip


def _masked(feed: Feed, column: str, value: str | None, hidden: frozenset[Sensitivity]) -> str | None:
    """Identity numbers are masked for everybody; phones are left out for whom they are hidden."""
    spec = feed.columns.get(column)
    if value is None or spec is None:
        return value
    if spec.type is ColumnType.MOBILE and Sensitivity.SENSITIVE in hidden:
        return None
    mask = _MASKS.get(spec.type)
    return mask(value) if mask is not None else value


def _text(interval: Interval) -> str:
    """A place as the record names it."""
    return next((x for x in reversed((interval.claim.place or "").split("\x1f")) if x), "")


def _covers(values: dict[str, Any], interval: Interval) -> bool:
    """Whether a relationship as it stands lasts as long as the record says."""
    since, until = values.get("since") or "", values.get("until") or OPEN_END
    return since <= (interval.start or "9") and interval.until <= until


def _how(interval: Interval) -> str:
    sure = interval.placement.confidence if interval.placement is not None else 1.0
    return "" if sure == 1.0 else f"({_text(interval)} {sure:.2f})"
