"""The loading run, from files to the graph of the real Neo4j."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.engine import EngineAddress
from graph.store import Store
from ledger import Keyring
from loaders.fold import contributions
from loaders.run import TURNING, Loader, decode, label_of
from loaders.why import Explainer
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import UsageError
from tests.conftest import empty
from tests.loaders.graphs import whole_graph
from tests.loaders.tiny import (
    ADDRESSES,
    BUILDING,
    DISTRICT,
    HOUSE_301,
    LI,
    ZHANG,
    C,
    write_district,
    write_feed,
)

pytestmark = pytest.mark.anyio
CLOCK = Clock(date(2025, 12, 15))
KEYRING = Keyring("ab" * 32)


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)


async def test_load_joins_the_feeds(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    summary = await loader.load(clean_graph, write_district(tmp_path))
    assert sum(f.loaded for f in summary.files) == sum(map(len, DISTRICT.values()))
    assert sum(f.quarantined for f in summary.files) == 0
    assert summary.unplaced == {"residents": 1}
    (nowhere,) = loader.unplaced_places()
    assert (nowhere.feed, nowhere.records) == ("residents", 1)
    assert (nowhere.text or nowhere.code or "nothing") in str(DISTRICT["residents"])
    assert loader.unplaced_places("houses") == []
    homes = await clean_graph.read(
        "MATCH (p:Person {name: '李测试'})-[r:LIVES_AT]->(a) RETURN [a.code, r.since, r.until] AS x ORDER BY r.since"
    )
    assert homes == [[HOUSE_301, "2021-05-01", "2025-03-01"], [BUILDING, "2025-03-01", "9999-12-31"]]
    names = await clean_graph.read("MATCH (p:Person) RETURN p.name AS x ORDER BY x")
    assert names == ["张测试", "李测试", "王测试"], "people meet over all feeds by identity number"
    steps = await clean_graph.read_one("MATCH (i:Incident {number: 'J1'}) RETURN i.step_to AS x")
    assert steps == ["accepted", "assigned", "on_site", "done"]
    matter = await clean_graph.read(
        "MATCH (i)-[:HANDLED_IN]->(:Matter {number: 'M1'}) RETURN [i.number, i.numbers] AS x ORDER BY x"
    )
    assert matter == [["J3", "|J3|M1|"]], "an alarm referred to mediation and the mediation are one incident"


async def test_a_lost_graph_is_folded_again(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    files = write_district(tmp_path)
    first = await loader.load(clean_graph, files)
    whole = await whole_graph(clean_graph)
    assert (first.changed, first.unchanged) == (len(whole["nodes"]) - 1, 0)
    assert (await loader.load(clean_graph, files)).changed == 0
    await empty(clean_graph)
    again = await loader.load(clean_graph, files)
    assert (again.changed, again.files[0].known) == (first.changed, True)
    assert await whole_graph(clean_graph) == whole


async def test_the_graph_of_another_ledger_is_left_alone(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    await loader.load(clean_graph, write_district(tmp_path))
    whole = await whole_graph(clean_graph)
    other = open_loader(tmp_path / "other", None, CLOCK, keyring=KEYRING)
    with pytest.raises(UsageError) as told:
        await other.load(clean_graph, write_district(tmp_path))
    other.close()
    assert told.value.code == "GRAPH_OTHER"
    assert await whole_graph(clean_graph) == whole


async def test_no_identity_number_stands_in_the_graph(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    await loader.load(clean_graph, write_district(tmp_path))
    text = str(await whole_graph(clean_graph))
    assert ZHANG not in text
    assert LI not in text
    assert "330109********" in text


async def test_roll_ups_equal_counting(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    await loader.load(clean_graph, write_district(tmp_path))
    for code in ("330109", "330109002", C, BUILDING, HOUSE_301):
        held = await clean_graph.read_one(
            "MATCH (a:Address {code: $code}) RETURN [coalesce(a.n_people, 0), coalesce(a.n_floating, 0), coalesce(a.n_incidents, 0), "
            "coalesce(a.n_houses, 0), coalesce(a.n_rented, 0), coalesce(a.n_open_matters, 0)] AS x",
            {"code": code},
        )
        counted = await clean_graph.read_one(
            "RETURN [COUNT { MATCH (p:Person) WHERE EXISTS { MATCH (p)-[r:LIVES_AT]->() WHERE r.place STARTS WITH $code AND r.until > $d } }, "
            "COUNT { MATCH (p:Person {residence: 'floating'}) WHERE EXISTS { MATCH (p)-[r:LIVES_AT]->() WHERE r.place STARTS WITH $code "
            "AND r.until > $d } }, COUNT { MATCH (i:Incident) WHERE i.place STARTS WITH $code }, "
            "COUNT { MATCH (h:House) WHERE h.place STARTS WITH $code }, COUNT { MATCH (h:House) WHERE h.place STARTS WITH $code AND h.rented }, "
            "COUNT { MATCH (m:Matter) WHERE m.place STARTS WITH $code AND m.open }] AS x",
            {"code": code, "d": "2025-12-15"},
        )
        assert held == counted, code
    assert (await clean_graph.read_one("MATCH (a:Address {code: '330109'}) RETURN a.n_people AS x")) == 2


async def test_the_clock_moves_the_roll_ups(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    await loader.load(clean_graph, write_district(tmp_path))
    loader.close()
    earlier = open_loader(tmp_path / "data", None, Clock(date(2025, 2, 1)), keyring=KEYRING)
    await earlier.apply(clean_graph)
    people = await clean_graph.read(
        "MATCH (a:Address) WHERE a.code IN $codes RETURN [a.code, a.n_people] AS x ORDER BY x",
        {"codes": [BUILDING, HOUSE_301]},
    )
    assert people == [[BUILDING, 2], [HOUSE_301, 2]], "before the move both lived in the flat"


async def test_each_day_counts_what_turned_on_it(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    """From day to day only those are counted again who move in or out, or leave; the roll-ups are as if all were."""
    left = dict(DISTRICT["volunteers"][0]) | {"退队日期": "2025-03-10"}
    files = [write_feed(tmp_path, f, [left] if f == "volunteers" else rows) for f, rows in DISTRICT.items()]
    await loader.load(clean_graph, files)
    turning = "SELECT day FROM turning ORDER BY day"
    assert list(loader.records.db.execute(turning)) == [], "all of it lies in the past"
    days = [date(2025, 2, 1), *(date(2025, 3, n) for n in (1, 2, 9, 10, 11)), date(2025, 12, 15)]
    ahead = []
    for day in days:
        if day == date(2025, 3, 9):
            # As an earlier version leaves it, which rolls on and does not know who turns.
            loader.records.db.execute("DELETE FROM turning")
            loader.records.set_meta(TURNING, "2025-02-01")
        loader.clock = Clock(day)
        await loader.apply(clean_graph)
        ahead.append([d for (d,) in loader.records.db.execute(turning)])
        counted: Counter[tuple[str, str]] = Counter()
        for id, blob in loader.records.db.execute("SELECT id, state FROM folded"):
            held = contributions(decode(label_of(id), blob), day.isoformat(), loader.places.areas)
            counted.update((code, counter) for counter, codes in held.items() for code in codes)
        kept = loader.records.db.execute("SELECT code, counter, n FROM rollup WHERE n <> 0")
        assert {(code, counter): n for code, counter, n in kept} == counted, day
        shown = await clean_graph.read(
            "MATCH (a:Address) WHERE a.n_people > 0 RETURN [a.code, a.n_people, coalesce(a.n_volunteers, 0)]"
        )
        assert {c: (p, v) for c, p, v in shown} == {
            code: (n, counted[code, "n_volunteers"]) for (code, c), n in counted.items() if c == "n_people"
        }
    first, moved = ["2025-03-01", "2025-03-10"], ["2025-03-10"]
    assert ahead == [first, moved, moved, moved, [], [], []]


def test_what_waits_is_known_without_looking_at_all_batches(loader: Loader, tmp_path: Path) -> None:
    """Whoever has received a batch, or has decided something of one that was done with long ago."""
    other = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)

    def waits() -> list[int]:
        found = [b.no for b in loader.waiting()]
        assert found == [b.no for b in other.waiting()]
        looked = set(loader.ledger.received()) - {
            b for (b,) in loader.records.db.execute("SELECT batch FROM digested")
        }
        assert found == sorted(looked)
        return found

    assert waits() == []
    (first,) = loader.receive(write_feed(tmp_path, "addresses", ADDRESSES))
    (second,) = other.receive(write_feed(tmp_path, "residents", DISTRICT["residents"]))
    assert waits() == [first.no, second.no]
    loader.digest(first)
    assert waits() == [second.no]
    loader.ledger.set_state(second, "held", "odd")
    assert waits() == []
    (third,) = other.receive(write_feed(tmp_path, "houses", DISTRICT["houses"]))
    loader.digest(third)
    assert waits() == []
    other.ledger.set_state(second, "received")
    assert waits() == [second.no], "released by somebody else, behind one that is done"
    loader.digest(second)
    assert waits() == []
    loader.ledger.set_state(third, "retracted")
    loader.forget_batch(third)
    assert waits() == []
    loader.records.forget_digested(first.no)
    other.look_again()
    assert waits() == [first.no]
    loader.forget()
    other.look_again()
    assert waits() == [first.no, second.no]
    other.close()
    loader.close()


async def test_loading_again_changes_nothing(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    paths = write_district(tmp_path)
    await loader.load(clean_graph, paths)
    before = await whole_graph(clean_graph)
    summary = await loader.load(clean_graph, paths)
    assert (summary.changed, summary.removed) == (0, 0)
    assert [f.known for f in summary.files] == [True] * len(paths)
    assert await whole_graph(clean_graph) == before


async def test_bad_rows_are_kept_out_and_explained(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    broken = ZHANG[:-1] + ("0" if ZHANG[-1] != "0" else "1")
    rows = [
        {"人口编号": "B1", "姓名": "赵测试", "公民身份号码": broken, "更新时间": "2025-01-01"},
        {"人口编号": "", "姓名": "钱测试"},
        {"人口编号": "B3", "姓名": "孙测试", "户籍类型": "火星"},
        {"人口编号": "B4", "姓名": "周测试", "更新时间": "2025-01-01"},
    ]
    path = write_feed(tmp_path, "residents", rows)
    summary = await loader.load(clean_graph, [path])
    assert (summary.files[0].loaded, summary.files[0].quarantined) == (1, 3)
    found = loader.records.quarantined(limit=10)
    assert [(r.row, r.column) for r in found] == [(2, "公民身份号码"), (3, "人口编号"), (4, "户籍类型")]
    assert found[0].value == broken
    assert all(loader.ledger.batch_by_no(r.batch).file == path.name and r.zh and r.en for r in found)
    assert await clean_graph.read("MATCH (p:Person) RETURN p.name AS x") == ["周测试"]


async def test_places_are_tried_again_when_the_gazetteer_grows(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    await loader.load(clean_graph, [write_feed(tmp_path, "residents", DISTRICT["residents"])])
    assert await clean_graph.read("MATCH (:Person)-[r:LIVES_AT]->() RETURN r") == []
    await loader.load(clean_graph, [write_feed(tmp_path, "addresses", ADDRESSES[:6])])
    codes = await clean_graph.read("MATCH (:Person)-[r:LIVES_AT]->(a) RETURN DISTINCT a.code AS x ORDER BY x")
    assert codes == [BUILDING], "the deepest level that is sure"
    await loader.load(clean_graph, [write_feed(tmp_path, "addresses", ADDRESSES[6:], "_part2")])
    codes = await clean_graph.read("MATCH (:Person)-[r:LIVES_AT]->(a) RETURN DISTINCT a.code AS x ORDER BY x")
    assert codes == [BUILDING, HOUSE_301]


async def test_a_killed_run_is_finished_by_the_next(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    paths = write_district(tmp_path)
    await loader.load(clean_graph, paths)
    whole = await whole_graph(clean_graph)
    await empty(clean_graph)
    other = open_loader(tmp_path / "other", None, CLOCK, keyring=KEYRING)
    for path in paths:
        other.receive(path)
    for batch in other.waiting()[:5]:
        other.digest(batch)
    settle = other._settle
    other._settle = lambda work: (_ for _ in ()).throw(RuntimeError("killed"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="killed"):
        await other.apply(clean_graph)
    other._settle = settle  # type: ignore[method-assign]
    await other.load(clean_graph, paths)
    assert await whole_graph(clean_graph) == whole


async def test_why_tells_the_source(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    await loader.load(clean_graph, write_district(tmp_path))
    id = await clean_graph.read_one("MATCH (p:Person {name: '张测试'}) RETURN p.id AS x")
    facts = Explainer(loader, loader.ledger).facts(id, "name")
    assert facts[0].chosen
    assert (facts[0].feed, facts[0].row) == ("residents", 2)
    assert {f.feed for f in facts} >= {"residents", "houses", "enterprises", "alarms"}
    assert [f.chosen for f in facts].count(True) == 1
    assert ZHANG not in str(facts)
    with pytest.raises(UsageError, match="has no field"):
        Explainer(loader, loader.ledger).facts(id, "nonsense")


async def test_an_unknown_file_says_which_feeds_there_are(
    loader: Loader, clean_graph: Store, tmp_path: Path
) -> None:
    path = tmp_path / "something.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="UNKNOWN_FEED"):
        await loader.load(clean_graph, [path])
    with pytest.raises(UsageError, match="BAD_HEADER"):
        await loader.load(clean_graph, [path], "residents")


PARTS = [(feed, [row]) for feed, rows in DISTRICT.items() for row in rows]


@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_and_repeats_end_in_one_graph(engine: EngineAddress, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(PARTS))))
    repeats = data.draw(st.lists(st.sampled_from(range(len(PARTS))), max_size=4))
    sequence = [*order, *repeats]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sequence) - 1), max_size=4)))

    async def go() -> None:
        async with Store.open(engine) as store:
            await empty(store)
            with tempfile.TemporaryDirectory() as name:
                directory = Path(name)
                loader = open_loader(directory / "data", None, CLOCK, keyring=KEYRING)
                for start, stop in zip([0, *cuts], [*cuts, len(sequence)], strict=True):
                    batch = directory / f"b{start}"
                    batch.mkdir()
                    paths = [
                        write_feed(batch, PARTS[i][0], PARTS[i][1], f"_part{i}") for i in sequence[start:stop]
                    ]
                    await loader.load(store, sorted(set(paths), key=paths.index))
                graph = await whole_graph(store)
                loader.close()
            if not _SEEN:
                _SEEN.append(graph)
            for part in ("nodes", "links"):
                assert [x for x in graph[part] if x not in _SEEN[0][part]] == []
            assert graph == _SEEN[0]

    anyio.run(go)


_SEEN: list[dict[str, list[object]]] = []
