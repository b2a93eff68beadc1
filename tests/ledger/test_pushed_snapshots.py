"""Rows pushed to a feed whose files are full snapshots: they are no snapshot, and a later one may lack them."""

from __future__ import annotations

from pathlib import Path

from ledger import Keyring, Ledger, Records


def test_a_push_closes_nothing_and_is_closed_by_a_later_snapshot(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, Keyring("ab" * 32))
    records = Records(ledger.directory, ledger.vault)
    every = ["A", "B", "C"]
    records.put_snapshot("one", "2025-12-01", 1, [("A", ""), ("B", "")])
    records.put_snapshot("one", "2025-12-02", 2, [("C", "")], whole=False)
    assert records.lost("one", every) == {}
    records.put_snapshot("one", "2025-12-03", 3, [("A", "")])
    assert records.lost("one", every) == {"B": "2025-12-03", "C": "2025-12-03"}
    # What is pushed again is there again.
    records.put_snapshot("one", "2025-12-04", 4, [("B", "")], whole=False)
    assert records.lost("one", every) == {"C": "2025-12-03"}
    records.close()
    ledger.close()
