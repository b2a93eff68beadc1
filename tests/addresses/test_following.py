"""The resolver over places that come, change and go answers as one over an index built of what is known."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from addresses import following
from addresses.following import Change, FollowingResolver
from addresses.gazetteer import Gazetteer, PlaceRecord
from addresses.scheme import load_scheme
from tests.addresses.records import records, texts

SCHEME = load_scheme()


class Base:
    """A gazetteer with its resolver, and the changes that it has not been told of."""

    def __init__(self, path: Path | None = None) -> None:
        self.gazetteer = Gazetteer(SCHEME)
        self.resolver = FollowingResolver(self.gazetteer, path)
        self.changes: dict[str, Change] = {}

    def put(self, record: PlaceRecord) -> None:
        old = self.gazetteer.place(record.code)
        self.gazetteer.put(record)
        self.changes[record.code] = self.changes.get(record.code, (old, None))[0], record

    def remove(self, code: str) -> None:
        old = self.gazetteer.place(code)
        self.gazetteer.remove(code)
        self.changes[code] = self.changes.get(code, (old, None))[0], None

    def bring(self) -> None:
        self.resolver.bring(self.changes)
        self.changes = {}


def anew(gazetteer: Gazetteer) -> FollowingResolver:
    resolver = FollowingResolver(gazetteer)
    resolver.rebuild()
    return resolver


def assert_alike(base: Base) -> None:
    other = anew(base.gazetteer)
    for text in texts()[::3]:
        assert base.resolver.resolve(text) == other.resolve(text), text


@settings(max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_order_of_arrival(dice: random.Random) -> None:
    base = Base()
    coming = list(records())
    dice.shuffle(coming)
    # Most at once, the rest one after another: of these some are laid over the index, some not.
    for record in coming[:-12]:
        base.put(record)
    base.bring()
    for record in coming[-12:]:
        base.put(record)
        base.bring()
    assert_alike(base)


@settings(max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_changes_and_ends(dice: random.Random) -> None:
    base = Base()
    for record in records():
        base.put(record)
    base.bring()
    for record in dice.sample(records(), 8):
        if dice.random() < 0.5:
            base.remove(record.code)
        else:
            base.put(replace(record, name=record.name + "新", names=(record.names[0] + "新", *record.names)))
        base.bring()
    assert_alike(base)


def test_rooms_are_laid_over(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Base()
    for record in records():
        base.put(record)
    base.bring()
    monkeypatch.setattr(base.resolver, "rebuild", lambda: pytest.fail("built anew for a room"))
    unit = next(r for r in records() if r.level == "UNIT")
    base.put(
        PlaceRecord(
            unit.code + "3401", "DWELLING", None, (unit.names[0] + "3401室",), (), "3401室", unit.code
        )
    )
    base.bring()
    best = base.resolver.resolve("北干街道东方名苑4幢1单元3401室").best
    assert best is not None and best.code == unit.code + "3401"


def test_rooms_stay_when_their_unit_goes_and_comes_back() -> None:
    base = Base()
    for record in records():
        base.put(record)
    base.bring()
    unit = next(r for r in records() if r.level == "UNIT")
    base.remove(unit.code)
    base.bring()
    assert_alike(base)
    base.remove(next(r.code for r in records() if r.level == "DWELLING"))
    base.bring()
    assert_alike(base)
    base.put(unit)
    base.bring()
    assert_alike(base)


def test_who_only_follows_a_large_base_has_a_name_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SMALL", 10)
    base = Base()
    for record in records():
        base.put(record)
    base.bring()
    monkeypatch.setattr(base.resolver, "rebuild", lambda: pytest.fail("built anew"))
    base.put(
        PlaceRecord("E33010900009", "ESTATE", None, ("萧山区北干街道星海苑",), (), "星海苑", "330109002001")
    )
    base.resolver.bring(base.changes, exact=False)
    best = base.resolver.resolve("北干街道星海苑").best
    assert best is not None and best.code == "E33010900009"
    monkeypatch.undo()
    base.resolver.bring({})
    assert_alike(base)


def test_an_index_is_left_for_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "addresses.index"
    base = Base(path)
    for record in records():
        base.put(record)
    base.bring()
    base.resolver.keep("a:1")
    assert not path.exists(), "few places are not worth a file"
    monkeypatch.setattr(following, "LEAST_KEPT", 10)
    base.resolver.keep("a:1")
    written = path.read_bytes()
    base.resolver.keep("a:2")
    assert path.read_bytes() == written, "a little behind is caught up with"
    base.resolver.keep("b:1")
    next_one = FollowingResolver(base.gazetteer, path)
    assert next_one.open() == "b:1"
    for text in texts()[::9]:
        assert next_one.resolve(text) == base.resolver.resolve(text)
    path.write_bytes(path.read_bytes()[:-100])
    assert FollowingResolver(base.gazetteer, path).open() is None
