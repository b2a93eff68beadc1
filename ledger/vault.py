"""Keeps what is sensitive in the ledger unreadable without its key, which stands outside the data directory.

One master key of 32 bytes per ledger; everything else is derived from it (HKDF, RFC 5869): the key that identity
numbers are hashed with, the key that records are sealed with (AES-256-GCM), the key that wraps the keys of encrypted
Parquet columns (Parquet modular encryption). Who copies the data directory alone reads no identity number in it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ontology.errors import UsageError

KEY_BYTES = 32
NONCE_BYTES = 12


def default_directory() -> Path:
    """Where keys are kept when nothing else is said: `quanxi/keys` in the user's configuration directory (XDG)."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "quanxi" / "keys"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Where the keys of ledgers are found.

    Attributes:
        key: the master key in hexadecimal (64 digits); then no file is looked for.
        directory: of the files `<key id>.key`, mode 0600; made when the first key is.
    """

    key: str | None = field(default=None, repr=False)
    directory: Path = field(default_factory=default_directory)

    def vault(self, ledger: Path) -> Vault:
        """The vault of a ledger's directory; a key is made for a new ledger.

        Raises:
            UsageError: BAD_SETTING when the key is not one, KEY_INSIDE when it would stand in the data directory,
                KEY_MISSING when a ledger's key is not there, KEY_WRONG when it is another ledger's.
        """
        given = self._given()
        label = ledger / "key.json"
        if not label.exists():
            master = given or secrets.token_bytes(KEY_BYTES)
            id = secrets.token_hex(8)
            if given is None:
                self._store(id, master, ledger)
            _write_once(label, json.dumps({"id": id, "check": _check(master)}).encode())
        known = json.loads(label.read_text("utf-8"))
        master = given or self._stored(str(known["id"]))
        if _check(master) != known["check"]:
            raise UsageError(
                "KEY_WRONG",
                f"密钥与账本 {ledger} 不符",
                f"the key is not the one that the ledger in {ledger} was written with",
                f"Its key has the id {known['id']}.",
            )
        return Vault(master)

    def _given(self) -> bytes | None:
        if self.key is None:
            return None
        try:
            master = bytes.fromhex(self.key)
        except ValueError:
            master = b""
        if len(master) != KEY_BYTES:
            raise UsageError(
                "BAD_SETTING",
                "QUANXI_KEY 须为 64 位十六进制",
                "QUANXI_KEY must be 64 hexadecimal digits",
            )
        return master

    def _store(self, id: str, master: bytes, ledger: Path) -> None:
        data = ledger.parent.resolve()
        if self.directory.resolve().is_relative_to(data):
            raise UsageError(
                "KEY_INSIDE",
                f"密钥目录 {self.directory} 在数据目录之内",
                f"the directory of keys {self.directory} is inside the data directory {data}",
                "Set QUANXI_KEYS to a directory elsewhere.",
            )
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(self.directory / f"{id}.key", master.hex().encode())

    def _stored(self, id: str) -> bytes:
        path = self.directory / f"{id}.key"
        try:
            return bytes.fromhex(path.read_text("ascii").strip())
        except (OSError, ValueError):
            raise UsageError(
                "KEY_MISSING",
                f"找不到账本密钥 {path}",
                f"the ledger's key is not at {path}",
                "Copy it there, or set QUANXI_KEYS to its directory, or QUANXI_KEY to the key itself.",
            ) from None


def _write_once(path: Path, content: bytes) -> None:
    """Writes a new file, mode 0600, durable; leaves one that is already there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fsync_directory(path.parent)


def fsync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _derived(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"quanxi {purpose}".encode()).derive(
        master
    )


def _check(master: bytes) -> str:
    return _derived(master, "check")[:8].hex()


def _sealed(key: AESGCM, content: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, content, None)


@dataclass(frozen=True, slots=True)
class Sealer:
    """What a process beside the vault's own needs to seal records: it opens nothing of the columns.

    Attributes:
        identity: the key that identity numbers are hashed with.
    """

    records: bytes = field(repr=False)
    identity: bytes = field(repr=False)

    def sealing(self) -> Callable[[bytes], bytes]:
        """Seals as `Vault.seal`."""
        return partial(_sealed, AESGCM(self.records))


class Vault:
    """Seals and opens with one ledger's key.

    Attributes:
        identity: the key that identity numbers are hashed with.
    """

    def __init__(self, master: bytes) -> None:
        self.identity = _derived(master, "identity")
        self._records_key = _derived(master, "records")
        self._records = AESGCM(self._records_key)
        self._columns = AESGCM(_derived(master, "columns"))
        self._factory = pe.CryptoFactory(lambda configuration: _Kms(self._columns))
        self._connection = pe.KmsConnectionConfig()

    def sealer(self) -> Sealer:
        """For a process beside this one."""
        return Sealer(self._records_key, self.identity)

    def seal(self, content: bytes) -> bytes:
        """The content encrypted and authenticated: 12 bytes of nonce, the ciphertext, 16 bytes of tag."""
        return _sealed(self._records, content)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed.

        Raises:
            UsageError: LEDGER_DAMAGED when it was changed since.
        """
        try:
            return self._records.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            raise damaged("a sealed record") from None

    def writing(self, columns: Collection[str]) -> Any:
        """Properties for a Parquet writer that encrypts these columns and leaves the others open; None for none."""
        if not columns:
            return None
        configuration = pe.EncryptionConfiguration(
            footer_key="footer",
            column_keys={"columns": list(columns)},
            plaintext_footer=True,
            cache_lifetime=timedelta(hours=1),
        )
        return self._factory.file_encryption_properties(self._connection, configuration)

    def reading(self) -> Any:
        """Properties for a Parquet reader of what `writing` has written."""
        return self._factory.file_decryption_properties(self._connection, pe.DecryptionConfiguration())


class _Kms(pe.KmsClient):  # type: ignore[misc]
    """Wraps Parquet's own random keys with the ledger's."""

    def __init__(self, key: AESGCM) -> None:
        super().__init__()
        self._key = key

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._key.encrypt(nonce, key_bytes, master_key_identifier.encode())
        return base64.b64encode(nonce + sealed).decode()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        raw = base64.b64decode(wrapped_key)
        try:
            return self._key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], master_key_identifier.encode())
        except InvalidTag:
            raise damaged("a column key") from None


def damaged(what: str) -> UsageError:
    return UsageError(
        "LEDGER_DAMAGED",
        f"账本已损坏：{what}",
        f"the ledger is damaged: {what} cannot be read",
        "Restore the data directory from a backup.",
    )
