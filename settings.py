"""The settings of a Quanxi process: read from the environment, by `cli.py`, `commands/`, `server.py` and tests only.

`docs/operations.md` lists them; a test holds the two together.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ledger.vault import Keyring

_ORIGIN = re.compile(r"https?://[^/\s,*]+")


class Settings(BaseSettings):
    """What may be set. In the environment a field is `QUANXI_` and its name in capitals, or its alias.

    Raises:
        pydantic.ValidationError: a value that is not of its kind.
    """

    model_config = SettingsConfigDict(
        env_prefix="QUANXI_",
        env_ignore_empty=True,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,
        validate_default=True,
    )

    data: Path = Field(
        default=Path(".quanxi"),
        description="Data directory: ledger, bundled Neo4j and its password.",
    )
    key: SecretStr | None = Field(
        default=None,
        description="The key that the ledger's sensitive parts are sealed with and identity numbers are hashed "
        "with, 64 hexadecimal digits. Without it, a key file in `QUANXI_KEYS`, made when first needed.",
    )
    keys: Path | None = Field(
        default=None,
        description="Directory of key files, outside the data directory. Without it, `quanxi/keys` in the user's "
        "configuration directory (`$XDG_CONFIG_HOME`, else `~/.config`).",
    )
    catalog: Path | None = Field(
        default=None,
        description="The catalogue of another district. Without it, the one that comes with Quanxi.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. There is no login: open it only behind a proxy that has one.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    today: date | None = Field(
        default=None,
        description="The district's today, as YYYY-MM-DD. Without it, the last day of the district that "
        "was loaded, else the real day.",
    )
    viewer: str = Field(
        default="development",
        description="Who asks: `development` sees everything; an address code sees that place, without "
        "what is sensitive (phones, …).",
    )
    cors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask, comma-separated (`https://a.example`), or `*` for any.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="What is logged: `debug`, `info` (a line per operation), `warning` or `error`.",
    )
    graphiql: bool = Field(
        default=True,
        description="Whether GraphiQL is served at `/graphql` to browsers.",
    )
    heap_mb: int = Field(default=1024, ge=256, description="Heap of the bundled Neo4j, MiB.")
    page_cache_mb: int = Field(
        default=512,
        ge=16,
        description="Page cache of the bundled Neo4j, MiB: the nearer to the graph's size, the better.",
    )
    query_timeout: float = Field(
        default=10.0, gt=0, le=600, description="Seconds an operation may take; then it ends in TIMEOUT."
    )
    max_body: int = Field(default=262_144, ge=1024, description="Bytes a request's body may have.")
    max_push: int = Field(
        default=64 << 20, ge=1024, description="Bytes that a push's body may have, packed or unpacked."
    )
    max_waiting: int = Field(
        default=500_000,
        ge=1,
        description="Rows received that may wait to be applied; with more, pushes get 429 and the server is not ready.",
    )
    apply: bool = Field(
        default=True,
        description="Whether `quanxi serve` applies what is received. Without it, `quanxi apply --follow` does, or a load.",
    )
    max_query: int = Field(default=50_000, ge=100, description="Characters a query may have.")
    max_tokens: int = Field(
        default=4_000, ge=50, description="Tokens (names, brackets, values) a query may have."
    )
    max_depth: int = Field(
        default=14, ge=3, description="Levels of fields within fields; introspection has its own limit."
    )
    max_aliases: int = Field(
        default=60, ge=0, description="Aliases in a query, fragments counted where they are used."
    )
    max_roots: int = Field(default=20, ge=1, description="Root fields in an operation.")
    max_cost: int = Field(
        default=50_000,
        ge=100,
        description="Entities an answer may have at most: the product of `first` along the nesting.",
    )
    neo4j_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("NEO4J_URI", "neo4j_uri"),
        description="A Neo4j server of your own, `bolt://host:7687` or `neo4j://host:7687`. "
        "Without it, the bundled one.",
    )
    neo4j_user: str = Field(
        default="neo4j", validation_alias=AliasChoices("NEO4J_USER", "neo4j_user"), description="Its user."
    )
    neo4j_password: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("NEO4J_PASSWORD", "neo4j_password"),
        description="Its password.",
    )
    neo4j_database: str = Field(
        default="neo4j",
        validation_alias=AliasChoices("NEO4J_DATABASE", "neo4j_database"),
        description="Its database.",
    )

    def keyring(self) -> Keyring:
        """Where the ledger's key is found."""
        key = self.key.get_secret_value() if self.key else None
        return Keyring(key, self.keys) if self.keys else Keyring(key)

    @field_validator("cors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError("write origins as https://host or https://host:port, comma-separated, or *")
        return value


def environment_name(field: str) -> str:
    """The variable in the environment that sets a field."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"QUANXI_{field.upper()}"
