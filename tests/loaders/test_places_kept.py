"""What place keys mean is kept in memory without being copied anew for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from addresses.scheme import load_scheme
from ledger import Keyring, Ledger, Records
from loaders import places
from loaders.mapping import place_key
from loaders.places import PlaceBase


def test_what_is_fresh_is_not_copied_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first load has millions of places that are not kept in the record store yet."""
    monkeypatch.setattr(places, "CACHED", 3)
    ledger = Ledger(tmp_path, Keyring("cd" * 32))
    records = Records(ledger.directory, ledger.vault)
    base = PlaceBase(load_scheme(), records, ledger)
    made: list[int] = []
    real = dict

    def counted(held: dict[str, object]) -> dict[str, object]:
        made.append(len(held))
        return real(held)

    monkeypatch.setattr(places, "dict", counted, raising=False)
    keys = [place_key(f"33010900200100{n:02}", None, None, None) for n in range(40)]
    first = [base.placed(key) for key in keys]
    assert [base.placed(key) for key in keys] == first
    assert made == []
    records.close()
    ledger.close()
