"""Rows as received, records by key, and what was decided about them."""

from ledger.ledger import Batch, Ledger, Rejection

__all__ = ["Batch", "Ledger", "Rejection"]
