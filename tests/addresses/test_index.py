"""The index: found again after a restart, not taken when stale or half-written, and up to date with changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.index import Index, NameKind, Place, StaleIndex, own_key, shorter, split_local
from addresses.resolution import Outcome
from addresses.resolver import AddressResolver
from addresses.scheme import load_scheme
from tests.addresses.drawn import drawn

SCHEME = load_scheme()
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("东方名苑4幢", ("东方名苑", "b4")),
        ("3组12号", ("", "g3n12")),
        ("金城路15号", ("金城路", "n15")),
        ("恒宇大厦", ("恒宇大厦", "")),
        ("建设一路9号", ("建设一路", "n9")),
        ("市心路100号3幢", ("市心路", "n100b3")),
        ("12号之1", ("", "n12-1")),
    ],
)
def test_what_a_name_is_made_of(name: str, expected: tuple[str, str]) -> None:
    assert split_local(name) == expected


def test_keys_of_units_and_rooms() -> None:
    assert own_key("UNIT", "1单元") == own_key("UNIT", "一单元") == "u1"
    assert own_key("UNIT", "A座") == "uA"
    assert own_key("DWELLING", "0301室") == own_key("DWELLING", "301") == "r301"


def test_other_ways_to_write_a_name() -> None:
    assert ("江南村委会", NameKind.OFFICIAL) in shorter("COMMUNITY", "江南村")
    assert ("江南", NameKind.SHORT) in shorter("COMMUNITY", "江南村")
    assert ("北干", NameKind.SHORT) in shorter("STREET", "北干街道")
    assert ("市心路", NameKind.SHORT) in shorter("ROAD", "市心中路")


def test_places_by_code_and_by_what_they_lie_in() -> None:
    index = Index.of(SCHEME, drawn())
    at = index.at("3301090020010001010301")
    assert at is not None
    assert [index.code(p) for p in index.chain(at)] == [
        "3301090020010001010301", "330109002001000101", "3301090020010001", "330109002001", "330109002", "330109",
    ]  # fmt: skip
    building = index.at("3301090020010001")
    assert building is not None
    beside = {index.code(p) for p in index.lineage(building)}
    assert {"E33010900001", "R33010900002"} <= beside
    assert index.at("3301099") is None
    assert "330109002" in index
    assert len(list(index.codes())) == len(index) == sum(1 for _ in drawn())


def test_codes_of_other_authorities_and_of_earlier() -> None:
    place = Place(
        "330109002001",
        "COMMUNITY",
        "北干一苑社区",
        local=("公安:330181002001000",),
        former_codes=("330181002001",),
    )
    index = Index.of(SCHEME, [*drawn(), place])
    assert [index.code(p) for p in index.by_local("公安:330181002001000")] == ["330109002001"]
    assert [index.code(p) for p in index.by_former("330181002001")] == ["330109002001"]
    index.remove("330109002001")
    assert index.by_former("330181002001") == []


def test_a_written_index_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "addresses.index"
    Index.build(SCHEME, drawn(), path, "epoch:1")
    index = Index.open(SCHEME, path, "epoch:1")
    found = AddressResolver(index).resolve("东方名苑4幢1单元301室")
    assert found.best is not None
    assert found.best.code == "3301090020010001010301"
    assert [p.name for p in tmp_path.iterdir()] == ["addresses.index"]


def test_a_stale_or_damaged_index_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "addresses.index"
    with pytest.raises(StaleIndex):
        Index.open(SCHEME, path)
    Index.build(SCHEME, drawn(), path, "epoch:1")
    with pytest.raises(StaleIndex):
        Index.open(SCHEME, path, "epoch:2")
    whole = path.read_bytes()
    for damaged in (
        b"",
        whole[:100],
        whole[:-1],
        whole[:-5] + b"\0\1\2\3\4",
        b"x" + whole[1:],
        whole[:40] + b"?" + whole[41:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(StaleIndex):
            Index.open(SCHEME, path, "epoch:1")


_BUILDER = """
import sys, itertools
from pathlib import Path
from addresses.index import Index
from addresses.scheme import load_scheme
from tests.addresses.drawn import drawn
for n in itertools.count():
    Index.build(load_scheme(), drawn(), Path(sys.argv[1]), f"state:{n}")
    print(n, flush=True)
"""


def test_a_kill_while_writing_leaves_a_whole_index(tmp_path: Path) -> None:
    path = tmp_path / "addresses.index"
    for wait in (0.0, 0.013, 0.037):
        process = subprocess.Popen(
            [sys.executable, "-c", _BUILDER, str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        index = Index.open(SCHEME, path)
        assert index.fingerprint.startswith("state:")
        assert len(index) == sum(1 for _ in drawn())


def test_a_place_put_now_is_found_now_and_not_after_it_is_gone() -> None:
    reader = AddressResolver(Index.of(SCHEME, drawn()))
    text = "北干街道北干一苑社区东方名苑6幢"
    before = reader.resolve(text)
    assert before.best is not None
    assert before.best.code == "330109002001"
    reader.index.put(
        Place(
            "3301090020010009",
            "BUILDING",
            "6幢",
            "萧山区北干街道北干一苑社区东方名苑6幢",
            part_of=("E33010900001",),
        )
    )
    reader.index.put(Place("3301090020010009000101", "DWELLING", "101室", parent="3301090020010009"))
    found = reader.resolve(text + "101")
    assert found.best is not None
    assert found.best.code == "3301090020010009000101"
    reader.index.remove("3301090020010009000101")
    reader.index.remove("3301090020010009")
    again = reader.resolve(text + "101")
    assert again.best is not None
    assert again.best.code == "330109002001"


def test_a_new_estate_and_a_renamed_one() -> None:
    reader = AddressResolver(Index.of(SCHEME, drawn()))
    assert reader.resolve("云上花园").outcome == Outcome.UNRESOLVED
    reader.index.put(Place("E33010900009", "ESTATE", "云上花园", parent="330109002001"))
    found = reader.resolve("云上花园")
    assert found.best is not None
    assert found.best.code == "E33010900009"
    reader.index.put(Place("E33010900009", "ESTATE", "云下花园", parent="330109002001"))
    assert reader.resolve("云下花园").outcome == Outcome.RESOLVED
    assert "云上花园" not in reader.index.names
    reader.index.remove("E33010900009")
    assert "云下花园" not in reader.index.names


def test_a_second_village_of_a_name_makes_it_a_question() -> None:
    reader = AddressResolver(Index.of(SCHEME, drawn()))
    assert reader.resolve("航民村").outcome == Outcome.RESOLVED
    reader.index.put(Place("330109103299", "COMMUNITY", "航民村"))
    assert reader.resolve("航民村").outcome == Outcome.ASK
    reader.index.remove("330109103299")
    assert reader.resolve("航民村").outcome == Outcome.RESOLVED


PLACES = [p for p in drawn() if p.level in ("BUILDING", "UNIT", "DWELLING", "SITE")][:60]


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.booleans()), max_size=40))
@settings(max_examples=25, deadline=None)
def test_changes_one_by_one_end_where_one_built_anew_would(changes: list[tuple[Place, bool]]) -> None:
    index = Index.of(SCHEME, drawn())
    held = {p.code: p for p in drawn()}
    for place, there in changes:
        if there:
            index.put(place)
            held[place.code] = place
        else:
            index.remove(place.code)
            held.pop(place.code, None)
    assert sorted(index.codes()) == sorted(held)
    assert len(index) == len(held)
    # A unit whose building is gone is nowhere below it; all others answer alike.
    whole = {c: p for c, p in held.items() if p.parent is None or p.parent in held}
    anew = AddressResolver(Index.of(SCHEME, held.values()))
    after = AddressResolver(index)
    for text in ("东方名苑4幢", "金城路21号", "北干一苑农贸市场", "东山村3组12号"):
        one, other = after.resolve(text), anew.resolve(text)
        if len(whole) == len(held):
            assert (one.outcome, one.best and one.best.code) == (
                other.outcome,
                other.best and other.best.code,
            )
