"""Opens the loader of a data directory: ledger, catalogue, address scheme and key together."""

from __future__ import annotations

from pathlib import Path

from addresses.scheme import Scheme, load_scheme
from ledger import Keyring, Ledger
from loaders.declaration import Feed, load_feeds
from loaders.intake import Progress
from loaders.run import Loader
from ontology.clock import Clock
from ontology.errors import UsageError
from ontology.terms import CATALOG, Terms, load_terms


def catalog_scheme(catalog: Path | None) -> Scheme:
    """The address code scheme that a catalogue declares: the one file of its `schemes/`, else the default."""
    own = sorted((catalog / "schemes").glob("*.yaml")) if catalog is not None else []
    return load_scheme(own[0]) if own else load_scheme()


def catalog_terms_root(catalog: Path | None) -> Path:
    return catalog if catalog is not None and (catalog / "terms").is_dir() else CATALOG


def open_loader(
    data: Path,
    catalog: Path | None,
    clock: Clock,
    progress: Progress | None = None,
    keyring: Keyring | None = None,
) -> Loader:
    """The loader of `data`, with the feeds, terms and scheme of `catalog` (the default one when None).

    Raises:
        UsageError: BAD_CATALOG, BAD_FILE, LEDGER_FORMAT, KEY_MISSING, KEY_WRONG.
    """
    feeds, terms, scheme = catalogue_of(catalog)
    return Loader(Ledger(data, keyring), feeds, terms, scheme, clock, progress)


def catalogue_of(catalog: Path | None) -> tuple[dict[str, Feed], Terms, Scheme]:
    """Feeds, terms and scheme of a catalogue (the default one when None).

    Raises:
        UsageError: BAD_CATALOG.
    """
    if catalog is not None and not catalog.is_dir():
        raise UsageError("BAD_CATALOG", f"没有目录 {catalog}", f"there is no catalogue directory {catalog}")
    feeds = load_feeds((catalog or CATALOG) / "feeds")
    return feeds, load_terms(catalog_terms_root(catalog)), catalog_scheme(catalog)
