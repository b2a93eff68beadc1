"""Rows as received, records by key, and what was decided about them."""

from ledger.ledger import Batch, Ledger, Rejection
from ledger.pushes import Pushes
from ledger.records import Quarantined, Records, StoredRecord, about_key
from ledger.rows import ROW
from ledger.vault import Keyring, Vault

__all__ = [
    "ROW",
    "Batch",
    "Keyring",
    "Ledger",
    "Pushes",
    "Quarantined",
    "Records",
    "Rejection",
    "StoredRecord",
    "Vault",
    "about_key",
]
