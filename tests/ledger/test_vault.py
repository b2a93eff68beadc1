"""What a process beside the ledger's own may do with its key."""

from __future__ import annotations

import pickle

import pytest

from ledger.vault import Vault

MASTER = bytes(range(32))


def test_a_sealer_in_another_process_seals_what_the_vault_opens() -> None:
    vault = Vault(MASTER)
    held = pickle.dumps(vault.sealer())
    assert MASTER not in held
    sealer = pickle.loads(held)
    assert sealer.identity == vault.identity
    seal = sealer.sealing()
    first, second = seal(b"content"), seal(b"content")
    assert first != second
    assert vault.open(first) == vault.open(second) == b"content"
    assert "\\x" not in repr(sealer)


def test_the_vault_itself_goes_nowhere() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Vault(MASTER))
