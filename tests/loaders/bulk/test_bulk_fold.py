"""What a first load folds column by column is what `loaders.fold` makes of each thing by itself; no database is needed."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from ledger import ROW
from loaders import places
from loaders.bulk import fold as bulk_fold
from loaders.bulk.first_load import _FirstLoad
from loaders.bulk.keeping import Keeping
from loaders.declaration import Feed, load_feeds
from loaders.disagreements import Said
from loaders.fold import contributions, fold
from loaders.identity import incidents, people
from loaders.identity.linker import TRAITS
from loaders.run import Loader, encode
from loaders.wiring import open_loader
from ontology.terms import CATALOG
from seed import SeedOptions, seed_district
from tests.loaders.test_run import CLOCK, KEYRING

FEEDS = load_feeds(CATALOG / "feeds")


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("district")
    seed_district(directory, SeedOptions(scale=0.001, seed=37, noise="normal"))
    return directory / "feeds"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows at once that every label of any size is folded in several parts."""
    monkeypatch.setattr(bulk_fold, "PART", 500)
    monkeypatch.setattr(bulk_fold, "CHUNK", 300)
    # As of a large district, the known places lie in a file.
    monkeypatch.setattr(places, "LEAST_KEPT", 0)


def folded(data: Path, files: list[Path]) -> Loader:
    """A loader whose record store holds what a first load of files comes to."""
    loader = open_loader(data, None, CLOCK, keyring=KEYRING)
    for file in files:
        loader.receive(file, file.name.partition("__")[2].partition(".")[0] or None)
    load = _FirstLoad(loader, data)
    load.begin()
    load.digest()
    with Keeping(1, loader.ledger.directory) as keeping:
        load.fold(keeping)
        load.keep(keeping)
    load.spool.close()
    return loader


def assert_folded_alike(loader: Loader) -> None:
    """Holds the record store against `loaders.fold` of every thing that any record names."""
    ids: set[str] = set()
    for feed in loader.feeds:
        for record in loader.records.of_feed(feed):
            claims = loader.mapper(feed).claims(record.rkey, orjson.loads(record.payload))
            ids |= {n.id for n in claims.nodes}
            ids |= {n.id for n in loader.known_as.rewritten(claims, record.effective).nodes}
    ids |= {loader.known_as.people.same.get(i, loader.known_as.incidents.same.get(i, i)) for i in ids}
    genealogy = loader.places.genealogy
    for code in list(loader.places.gazetteer.codes()):
        ids.add(loader.places.id_of(code))
        ids |= {loader.places.id_of(code, h.since or "0") for h in genealogy.holders(code)}
    kept = dict(loader.records.db.execute("SELECT id, state FROM folded"))
    said: set[Said] = set()
    counts: dict[tuple[str, str], int] = defaultdict(int)
    wanted = sorted(ids)
    for start in range(0, len(wanted), 2_000):
        for id, versions in loader.versions(wanted[start : start + 2_000]).items():
            state = fold(id, versions, loader.places)
            if state is None:
                assert id not in kept, id
                continue
            assert orjson.loads(kept.pop(id)) == orjson.loads(encode(state)), id
            said |= set(loader.disagreements(id, versions, state))
            for counter, codes in contributions(
                state, loader.clock.today().isoformat(), loader.places.areas
            ).items():
                for code in codes:
                    counts[code, counter] += 1
    assert not kept
    held = loader.records.db.execute("SELECT id, field, feed, stands FROM disagreement").fetchall()
    assert set(held) == {(*s[:3], int(s.stands)) for s in said}
    rollups = loader.records.db.execute("SELECT code, counter, n FROM rollup").fetchall()
    assert {(code, counter): n for code, counter, n in rollups} == counts


def assert_linked_alike(loader: Loader) -> None:
    """Holds the links against what the linkers decide of all traits at once."""
    rows = loader.records.db.execute("SELECT raw, kind, value FROM trait").fetchall()
    traits = pl.DataFrame(rows, schema=TRAITS, orient="row")
    for linker, decide in (
        (loader.known_as.people, lambda t, w: people.decide(t, w, people.population(anchors(t)))),
        (loader.known_as.incidents, incidents.decide),
    ):
        ours = traits.filter(pl.col("raw").str.starts_with(f"{linker.prefix}_"))
        settled = ours.filter(pl.col("kind") == pl.lit(linker.settles, dtype=pl.String)).get_column("raw")
        wanted = set(ours.get_column("raw")) - set(settled)
        expected = decide(ours, pl.Series(sorted(wanted), dtype=pl.String))
        held = linker.links(limit=-1)
        assert {(x.raw, x.same, x.state, x.score, x.why) for x in held} == set(expected.iter_rows())
        assert any(x.state == "LINK" for x in held)


def anchors(traits: pl.DataFrame) -> int:
    return traits.filter(pl.col("kind") == people.NUMBER).get_column("raw").n_unique()


def test_a_district_in_parts(district: Path, tmp_path: Path) -> None:
    loader = folded(tmp_path / "data", loader_files(district))
    assert_folded_alike(loader)
    assert_linked_alike(loader)
    loader.close()


def loader_files(district: Path) -> list[Path]:
    return sorted(p for p in district.iterdir() if p.is_file())


@pytest.mark.parametrize("seed", [1, 2])
def test_records_of_several_versions(district: Path, tmp_path: Path, seed: int) -> None:
    """Every feed's records in two versions, cut into batches in any order; some twice as they were."""
    dice = random.Random(seed)
    loader = open_loader(tmp_path / "received", None, CLOCK, keyring=KEYRING)
    batches: list[dict[str, list[dict[str, Any]]]] = [defaultdict(list) for _ in range(3)]
    for path in loader.known([district]):
        for batch in loader.receive(path):
            rows = pl.concat(loader.ledger.frames(batch)).drop(ROW)
            whole = batch.feed in ("addresses", "places")
            for row in _versions(FEEDS[batch.feed], rows, rows.height if whole else 40, dice):
                dice.choice(batches)[batch.feed].append(row)
                if dice.random() < 0.1:
                    dice.choice(batches)[batch.feed].append(row)
    loader.close()
    files = [
        _write(tmp_path / f"b{number}", feed, rows)
        for number, feeds in enumerate(batches)
        for feed, rows in sorted(feeds.items())
    ]
    loader = folded(tmp_path / "data", files)
    several = "SELECT count(*) FROM (SELECT 1 FROM record GROUP BY feed, rkey HAVING count(*) > 1)"
    assert loader.records.db.execute(several).fetchone()[0] > 500
    assert_folded_alike(loader)
    loader.close()


def _versions(feed: Feed, rows: pl.DataFrame, most: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Some rows; and half of them again later, with something of another row's in them."""
    for at in dice.sample(range(rows.height), min(rows.height, most)):
        row, other = rows.row(at, named=True), rows.row((at + 1) % rows.height, named=True)
        yield row
        if feed.effective in row and most < rows.height + 1 and dice.random() < 0.5:
            free = [c for c in row if c not in (*feed.key, feed.effective)]
            changed = dice.sample(free, len(free) // 3)
            day = f"2025-12-{dice.randint(10, 14)}"
            yield {**row, **{c: other[c] for c in changed}, feed.effective: day}


def _write(directory: Path, feed: str, rows: list[dict[str, Any]]) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / f"{directory.name}__{feed}.csv"
    columns = list(dict.fromkeys([*FEEDS[feed].names(), *(c for row in rows for c in row)]))
    with path.open("w", encoding=FEEDS[feed].encoding or "utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path
