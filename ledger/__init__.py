"""Rows as received, records by key, and what was decided about them."""

from ledger.events import EventFeed, IncidentLog
from ledger.findings import Change, Finding, FindingLog
from ledger.ledger import PLACE, Batch, Ledger, Pick, Purge, Rejection
from ledger.pushes import Pushes
from ledger.records import Quarantined, Records, StoredRecord, about_key, point_of, stood_at
from ledger.rows import ROW
from ledger.vault import Keyring, Vault

__all__ = [
    "PLACE",
    "ROW",
    "Batch",
    "Change",
    "EventFeed",
    "Finding",
    "FindingLog",
    "IncidentLog",
    "Keyring",
    "Ledger",
    "Pick",
    "Purge",
    "Pushes",
    "Quarantined",
    "Records",
    "Rejection",
    "StoredRecord",
    "Vault",
    "about_key",
    "point_of",
    "stood_at",
]
