"""Places that lie where they are stored, and not in memory: whatever is loaded, in whatever order, comes to the same graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from addresses import following
from graph.store import Store
from ledger import Records
from loaders import places
from loaders.place_store import stored_places
from loaders.run import Loader
from tests.loaders import test_changed_places as changed
from tests.loaders import test_resolving as resolving
from tests.loaders import test_village_and_park as village
from tests.loaders.graphs import assert_same
from tests.loaders.test_changed_places import load_in_turn, open_at

pytestmark = pytest.mark.anyio


def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were too many places to hold."""
    monkeypatch.setattr(places, "LEAST_KEPT", 0)
    monkeypatch.setattr(following, "LEAST_KEPT", 0)


def known(loader: Loader) -> dict[str, object]:
    held = loader.places.gazetteer
    codes = sorted(held.codes())
    assert len(codes) == len(set(codes)) == len(held)
    return {
        code: (held.place(code), held.level(code), held.own_grid(code), held.grid_of(code), code in held)
        for code in codes
    }


async def test_places_are_known_alike(
    clean_graph: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rows in (("village", village.rows()), ("changed", changed.rows())):
        whole = await load_in_turn(clean_graph, tmp_path / name, [rows])
        here = open_at(tmp_path / name / "data")
        with monkeypatch.context() as patched:
            stored(patched)
            there = open_at(tmp_path / name / "data")
            assert known(there) == known(here), name
            for code in here.places.gazetteer.codes():
                id = here.places.id_of(code)
                assert there.places.code_of(id) == here.places.code_of(id) == code
                assert there.places.place_key(code) == here.places.place_key(code)
            assert there.places.gazetteer.by_code(None, "公安", "330109025000002") == (
                here.places.gazetteer.by_code(None, "公安", "330109025000002")
            )
            there.close()
            # As a first load has them, once it knows all of them.
            passing = open_at(tmp_path / name / "data")
            passing.places.rest_in(tmp_path / f"{name}.places")
            assert not list(passing.places.gazetteer.fresh())
            assert known(passing) == known(here), name
            for code in here.places.gazetteer.codes():
                assert passing.places.code_of(here.places.id_of(code)) == code
            assert passing.places.code_of("adr_nobody") is None
            assert passing.places.gazetteer.place("330109999") is None
            passing.close()
            third = len(rows) // 3
            parts = [rows[2 * third :], rows[:third], rows[third : 2 * third]]
            found = await load_in_turn(clean_graph, tmp_path / f"{name} stored", parts)
            assert_same(found, whole, name)
        here.close()


async def test_they_are_counted_once(
    clean_graph: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To count a large district's takes longer than to apply what was pushed: that is done at every round."""
    stored(monkeypatch)
    rows = village.rows()
    counted: list[int] = []

    def count(records: Records) -> int:
        counted.append(stored_places(records))
        return counted[-1]

    monkeypatch.setattr(places, "stored_places", count)
    await load_in_turn(clean_graph, tmp_path / "one", [rows[: len(rows) // 2]])
    loader = open_at(tmp_path / "one" / "data")
    counted.clear()
    before = len(loader.places.gazetteer)
    loader.places.persist()
    loader.places.gazetteer.remove(next(iter(loader.places.gazetteer.codes())))
    loader.places.persist()
    assert not counted
    assert len(loader.places.gazetteer) == before - 1
    loader.close()


async def test_another_process_follows(
    clean_graph: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(monkeypatch)
    await resolving.test_another_process_knows_what_this_one_loads_and_picks(clean_graph, tmp_path)
