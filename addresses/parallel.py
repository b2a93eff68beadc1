"""Many texts → places, read in several processes over one file of the index."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from addresses.beside import Beside
from addresses.calibration import load_calibration
from addresses.index import Index
from addresses.outside import load_outside
from addresses.resolution import Resolution
from addresses.resolver import AddressResolver
from addresses.scheme import Scheme

Asked = tuple[str, str | None]
"""A text, and the code of a place in or by which it is more likely."""

_resolver: AddressResolver | None = None


class ParallelReaders:
    """Processes that read texts as `AddressResolver` does over the index in a file; nothing of the parse comes back.

    Raises:
        StaleIndex: in `read`, when the file is not the index of that fingerprint.
    """

    def __init__(self, many: int, scheme: Scheme, path: Path, fingerprint: str) -> None:
        self._beside = Beside(many, _open, scheme, path, fingerprint)

    def __enter__(self) -> ParallelReaders:
        return self

    def __exit__(self, *failed: object) -> None:
        self._beside.__exit__(*failed)

    def read(self, parts: Iterable[Sequence[Asked]]) -> Iterator[list[Resolution]]:
        """The resolutions of each part, in their order; parts are asked for a few ahead."""
        return self._beside.map(_read, parts)


def _open(scheme: Scheme, path: Path, fingerprint: str) -> None:
    global _resolver
    index = Index.open(scheme, path, fingerprint)
    _resolver = AddressResolver(index, load_outside(), load_calibration())


def _read(part: Sequence[Asked]) -> list[Resolution]:
    assert _resolver is not None
    known: dict[Asked, Resolution] = {}
    # Answers hold no cycles, and there are many: looking for cycles among them would take a fifth of the time.
    gc.disable()
    try:
        for asked in part:
            if asked not in known:
                known[asked] = replace(_resolver.resolve(*asked), parse=())
    finally:
        gc.enable()
    return [known[asked] for asked in part]
