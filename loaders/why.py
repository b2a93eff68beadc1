"""Why a value stands in the graph: every record that offers one, and which the fold chose by which rule."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import orjson

from ledger import Ledger
from loaders.declaration import ColumnType, Feed
from loaders.fold import Version, by_record, fold, offers
from loaders.run import Loader
from ontology import ONTOLOGY, identifiers
from ontology.errors import UsageError
from ontology.model import Sensitivity

RULE_TRUST = ("采信可信度更高的来源;同等可信取较新者", "the more trusted feed; among equals the newer record")
RULE_SAID = ("记录所述", "as the record says")
RULE_DERIVED = ("由归并推导", "derived by the fold")
_MASKS = {
    ColumnType.CITIZEN_ID: identifiers.mask_citizen_id,
    ColumnType.IDENTITY: identifiers.mask_citizen_id,
    ColumnType.MOBILE: identifiers.mask_mobile,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One source of a value. `received` is the row as received, with identity and phone numbers masked."""

    field: str
    value: str | None
    feed: str
    batch: str | None
    file: str | None
    row: int | None
    received: list[dict[str, str | None]]
    since: str | None
    recorded_at: str | None
    rule: str
    chosen: bool
    because: str

    def as_dict(self) -> dict[str, Any]:
        return {f: getattr(self, f) for f in self.__slots__}


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
            hidden: sensitivities that the asker may not see; such values and cells are left out.

        Raises:
            UsageError: NOT_FOUND when nothing is recorded about the id, BAD_ARGUMENT when it has no such field.
        """
        with self.lock:
            self._loader.known_as.refresh()
            return self._facts(id, field, hidden)

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
        facts: list[Fact] = []
        offered = sorted(offers(id, by_record(versions)), key=lambda o: o.rank, reverse=True)
        seen: set[str] = set()
        for offer in offered:
            spec = fields.get(offer.field)
            if spec is None or (field is not None and offer.field != field):
                continue
            if spec.meta.sensitivity is Sensitivity.HIDDEN or spec.meta.sensitivity in hidden:
                continue
            chosen = offer.field not in seen
            seen.add(offer.field)
            zh, en = RULE_TRUST
            facts.append(
                self._fact(
                    offer.field, offer.value, offer.version, chosen, en, f"{zh}(可信度 {offer.trust})", hidden
                )
            )
        if state is not None:
            for name, value in state.values.items():
                spec = fields.get(name)
                if spec is None or name in seen or name == "id" or (field is not None and name != field):
                    continue
                if spec.meta.sensitivity in hidden or spec.meta.sensitivity is Sensitivity.HIDDEN:
                    continue
                newest = max(versions, key=lambda v: v.order)
                facts.append(self._fact(name, value, newest, True, RULE_DERIVED[1], RULE_DERIVED[0], hidden))
        return sorted(facts, key=lambda f: (f.field, not f.chosen))

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
            field, text, version.feed, batch.id, batch.file, version.row, shown, version.effective or None,
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
