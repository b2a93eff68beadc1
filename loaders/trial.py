"""What a load would do, without doing it: neither ledger, record store nor graph is written, and no engine is needed.

The files go the way of a load, through a ledger and a record store that lie over the directory's own. What the graph
would then hold is compared with what it was last written to hold, after whatever still waits.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ledger import Batch, Keyring, Ledger, Rejection
from ledger.overlay import LedgerOverlay, RecordsOverlay
from loaders.bulk.first_load import UNFINISHED, is_large
from loaders.declaration import Feed
from loaders.fold import fold
from loaders.intake import Progress, records_of
from loaders.mapping import Mapper
from loaders.retention import RELEASED
from loaders.run import CHUNK, Loader, decode, encode, label_of
from loaders.wiring import catalogue_of
from ontology.clock import Clock

KINDS = 200
"""How many different reasons of a file are told apart."""
DAY = 86_400


@dataclass(slots=True)
class Reason:
    """Why rows would be kept out: how many cells, with the first of them."""

    column: str
    zh: str
    en: str
    row: int
    value: str | None
    cells: int = 0


@dataclass(slots=True)
class FileTrial:
    """What a load would make of one file or sheet.

    Attributes:
        known: the state of the batch that it already is (`received`, `held`, `retracted`); nothing would be done then.
        held: why it would wait for a person; nothing of it would be loaded then.
        new, changed, unchanged: its good rows, by whether their record is new, a further version, or known as it is.
        closed: records of a snapshot that it would close, or open again.
    """

    file: str
    sheet: str | None
    feed: str
    rows: int
    loaded: int = 0
    rejected: int = 0
    dropped: int = 0
    reasons: list[Reason] = field(default_factory=list)
    known: str | None = None
    held: str | None = None
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    closed: int = 0


@dataclass(slots=True)
class Difference:
    """How many nodes of a label, or relationships of a type, would come, change and go."""

    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(slots=True)
class Trial:
    """What a load would do.

    Attributes:
        nodes, links: by label and type; what would stay as it is is not counted.
        ahead: batches that wait already and would be loaded before.
    """

    files: list[FileTrial] = field(default_factory=list)
    nodes: dict[str, Difference] = field(default_factory=dict)
    links: dict[str, Difference] = field(default_factory=dict)
    ahead: int = 0


class _Undone(Exception):
    """Undoes the digesting of a batch that would be held."""


def try_load(
    data: Path,
    catalog: Path | None,
    clock: Clock,
    paths: Iterable[Path],
    forced: str | None = None,
    *,
    keyring: Keyring | None = None,
    bundled: bool = True,
    feeds: Iterable[Feed] = (),
    progress: Progress | None = None,
) -> Trial:
    """What loading the files would do to the graph of a data directory, which may be in use.

    Args:
        bundled: whether the graph is the bundled one, whose first load holds nothing.
        feeds: more than the catalogue declares.

    Raises:
        UsageError: BAD_FILE, BAD_HEADER, UNKNOWN_FEED, as a load would; BAD_CATALOG; what opening the ledger raises.
    """
    with _loader(data, catalog, clock, keyring, progress) as loader:
        for feed in feeds:
            loader.add_feed(feed)
        return loader.try_load(paths, forced, bundled)


@contextmanager
def _loader(
    data: Path, catalog: Path | None, clock: Clock, keyring: Keyring | None, progress: Progress | None
) -> Iterator[_TrialLoader]:
    known = data / "ledger"
    there = known.is_dir()
    if there:
        _clear(known)
    with tempfile.TemporaryDirectory(dir=known if there else None, prefix=_PREFIX) as name:
        scratch = Path(name)
        # A directory that is not there stays so, and no key is made for it.
        beneath = Ledger(data, keyring) if there else Ledger(scratch / "none", Keyring("0" * 64))
        try:
            loader = _TrialLoader(beneath, known if there else None, scratch, catalog, clock, progress)
            try:
                yield loader
            finally:
                loader.close()
        finally:
            beneath.close()


_PREFIX = "dry_run-"


def _clear(ledger: Path) -> None:
    """Removes what a run that was killed has left."""
    for left in ledger.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left)


class _TrialLoader(Loader):
    """A loader that counts what it does, and writes nothing but its overlay."""

    ledger: LedgerOverlay
    records: RecordsOverlay

    def __init__(
        self,
        beneath: Ledger,
        known: Path | None,
        scratch: Path,
        catalog: Path | None,
        clock: Clock,
        progress: Progress | None,
    ) -> None:
        ledger = LedgerOverlay(beneath, scratch)
        path = known / "records.db" if known is not None else None
        records = RecordsOverlay(path, ledger.vault, self._count_kept_out, UNFINISHED)
        self._reasons: dict[tuple[str, str, str], Reason] = {}
        self._file = FileTrial("", None, "", 0)
        super().__init__(ledger, *catalogue_of(catalog), clock, progress, records)
        # Set by the base to the general kinds.
        self.ledger, self.records = ledger, records

    def try_load(self, paths: Iterable[Path], forced: str | None, bundled: bool) -> Trial:
        trial = Trial()
        files = self.known(paths, forced)
        waiting = self.waiting()
        trial.ahead = len(waiting)
        first = not self.records.meta("graph")
        for batch in waiting:
            self.digest(batch)
        self._fold_all(None)
        received = [batch for path in files for batch in self.receive(path, forced)]
        whatever = first and is_large(self, bundled)
        done: set[int] = set()
        for batch in received:
            if self.ledger.is_known(batch) or batch.no in done:
                file = FileTrial(batch.file, batch.sheet, batch.feed, batch.rows, known=batch.state)
            else:
                file = self._try(batch, whatever)
            done.add(batch.no)
            trial.files.append(file)
        self._fold_all(trial)
        return trial

    # -- rows -------------------------------------------------------------------------------------------------------

    def _try(self, batch: Batch, whatever: bool) -> FileTrial:
        feed = self.feeds[batch.feed]
        self._reasons = {}
        self._file = file = FileTrial(batch.file, batch.sheet, batch.feed, batch.rows)
        history = [] if whatever else self._history(batch)
        odd = list(self._odd(feed, batch, history))
        try:
            with self.records.transaction():
                summary = self._digest_rows(batch)
                file.rows, file.loaded = summary.read, summary.loaded
                file.rejected, file.dropped = summary.quarantined, summary.dropped_cells
                odd += self._rejects_odd(feed, history, summary.loaded, summary.quarantined)
                if odd:
                    raise _Undone
        except _Undone:
            self.records.undone()
            file.held = "; ".join(odd)
            self.ledger.set_state(batch, "held", file.held)
        else:
            self.ledger.set_state(batch, "received", RELEASED)
        file.reasons = sorted(self._reasons.values(), key=lambda r: -r.cells)
        return file

    def _count_kept_out(self, rejections: Sequence[Rejection]) -> None:
        for r in rejections:
            name = (r.column, r.zh, r.en)
            reason = self._reasons.get(name)
            if reason is None:
                if len(self._reasons) >= KINDS:
                    continue
                reason = self._reasons[name] = Reason(*name, r.row, r.value)
            reason.cells += 1

    def _keep(self, feed: Feed, mapper: Mapper, batch: Batch, rows: pl.DataFrame) -> None:
        names = [r[:4] for r in records_of(feed, batch, rows)]
        known = self.records.versions((feed.feed, rkey) for _, rkey, _, _ in names)
        keys = {rkey for _, rkey, _, _ in known}
        for name in names:
            if name in known:
                self._file.unchanged += 1
            elif name[1] in keys:
                self._file.changed += 1
            else:
                self._file.new += 1
            known.add(name)
            keys.add(name[1])
        super()._keep(feed, mapper, batch, rows)

    def put_snapshot(self, feed: Feed, batch: Batch, keys: list[tuple[str, str]]) -> set[str]:
        changed = super().put_snapshot(feed, batch, keys)
        self._file.closed += len(changed)
        return changed

    # -- the fold ---------------------------------------------------------------------------------------------------

    def _fold_all(self, trial: Trial | None) -> None:
        """Folds all that is touched; counts what would become of the graph by it, if asked to."""
        self._take_addresses()
        self._take_judgements()
        for linker in self.known_as.linkers:
            if self.records.dirty(linker.prefix, 1):
                self.records.take_traits()
            self._link(linker)
        dirty = self.records.dirty()
        for start in range(0, len(dirty), CHUNK):
            self._fold_part(dirty[start : start + CHUNK], trial)
            self.progress("归并 fold", min(start + CHUNK, len(dirty)), len(dirty))

    def _fold_part(self, ids: list[str], trial: Trial | None) -> None:
        held = self.records.folded(ids)
        states: list[tuple[str, bytes]] = []
        gone: list[tuple[str]] = []
        for id, versions in self.versions(ids).items():
            new = fold(id, versions, self.places)
            blob = encode(new) if new is not None else None
            before = held.get(id)
            if blob == before:
                continue
            if trial is not None:
                _count(trial, label_of(id), before, blob)
            if blob is None:
                gone.append((id,))
            else:
                states.append((id, blob))
        with self.records.transaction() as db:
            self.records.put_folded(states)
            db.executemany("DELETE FROM folded WHERE id = ?", gone)
            db.executemany("DELETE FROM dirty WHERE id = ?", ((id,) for id in ids))
            self.places.keep()


def _count(trial: Trial, label: str, before: bytes | None, after: bytes | None) -> None:
    old = decode(label, before) if before is not None else None
    new = decode(label, after) if after is not None else None
    nodes = trial.nodes.setdefault(label, Difference())
    if old is None:
        nodes.added += 1
    elif new is None:
        nodes.removed += 1
    elif old.values != new.values:
        nodes.changed += 1
    was, now = (
        {(x.type, x.start, x.end, x.k): x.values for x in state.links} if state is not None else {}
        for state in (old, new)
    )
    for name in was.keys() | now.keys():
        if was.get(name) == now.get(name):
            continue
        links = trial.links.setdefault(name[0], Difference())
        if name not in was:
            links.added += 1
        elif name not in now:
            links.removed += 1
        else:
            links.changed += 1
