"""Which records report one matter: what the linker decides, that arrival means nothing to it, and that it can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.scheme import load_scheme
from graph.constraints import ensure_schema
from graph.store import Store
from ledger import Keyring, Ledger, Records
from loaders.fold import Version
from loaders.identity.incidents import (
    CROWD,
    NUMBER,
    PARTY,
    REPORT,
    SCENE,
    IncidentLinker,
    Report,
    decide,
    scene,
    topic_of,
)
from loaders.identity.linker import ASK, LINK, TRAITS
from loaders.mapping import Claims, LinkClaim, NodeClaim, place_key
from loaders.places import PlaceBase
from loaders.reports import of_reports
from loaders.wiring import open_loader
from tests.loaders.graphs import whole_graph
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import FEEDS, HOME, ZHANG, write_district, write_feed

PACE = {name: feed.reporting.later for name, feed in FEEDS.items() if feed.reporting is not None}
ZHANG_LI = ("per_zhang", "per_li")
Trait = tuple[str, str, str]


def report(
    raw: str, feed: str, day: str, *parties: str, topic: str | None = "neighbour", spot: str | None = "B1",
    names: tuple[str, ...] = (),
) -> list[Trait]:  # fmt: skip
    """The traits of one record; `day` may carry a time."""
    at = day if "T" in day else f"{day}T09:30:00+08:00"
    own = [(raw, REPORT, Report(at, feed, topic, spot, PACE[feed]).written()), (raw, NUMBER, raw)]
    own += [(raw, PARTY, p) for p in parties] + [(raw, NUMBER, n) for n in names]
    return [*own, (raw, SCENE, scene(spot, topic))] if spot and topic else own


def decided(
    *records: list[Trait], apart: list[tuple[str, str]] | None = None
) -> dict[str, tuple[str, str, str]]:
    """raw → (state, same, why), the surest of several questions."""
    traits = pl.DataFrame([t for r in records for t in r], schema=TRAITS, orient="row")
    links = decide(traits, traits["raw"].unique().sort(), apart or [])
    return {r: (state, same, why) for r, same, state, _, why in links.sort("score").iter_rows()}


ALARM = report("inc_a", "alarms", "2025-03-01", *ZHANG_LI)


def test_a_number_named_makes_one_matter() -> None:
    mediation = report("inc_m", "mediations", "2025-03-03", *ZHANG_LI, names=("inc_a",))
    suit = report("inc_s", "suits", "2025-06-03T00:00:00+08:00", names=("inc_m",), spot=None)
    assert decided(ALARM, mediation, suit) == {
        "inc_m": (LINK, "inc_a", NUMBER), "inc_s": (LINK, "inc_m", NUMBER),
    }  # fmt: skip


def test_two_numbers_named_make_one_matter_of_all_three() -> None:
    """Neither the alarm nor the mediation says anything of the other; the petition names both."""
    mediation = report("inc_m", "mediations", "2025-03-03", "per_else", topic="rent", spot="B9")
    petition = report("inc_p", "petitions", "2025-04-01", names=("inc_m", "inc_a"), topic=None, spot=None)
    assert decided(ALARM, mediation, petition) == {
        "inc_m": (LINK, "inc_a", NUMBER),
        "inc_p": (LINK, "inc_a", NUMBER),
    }
    assert decided(ALARM, mediation).get("inc_m", ("",))[0] != LINK
    # Judged to be two, they are not made one by a third that names both.
    judged = decided(ALARM, mediation, petition, apart=[("inc_m", "inc_a")])
    assert "inc_m" not in judged and judged["inc_p"][0] == LINK


def test_a_number_of_a_record_that_is_not_known() -> None:
    assert decided(report("inc_m", "mediations", "2025-03-03", names=("inc_x",))) == {
        "inc_m": (LINK, "inc_x", NUMBER)
    }


def test_without_a_number_parties_place_topic_and_time_decide() -> None:
    visit = report("inc_v", "hall_visits", "2025-03-04", *ZHANG_LI)
    assert decided(ALARM, visit) == {"inc_v": (LINK, "inc_a", "party,topic,spot")}
    nobody = report("inc_v", "hall_visits", "2025-03-04")
    assert decided(ALARM, nobody).get("inc_v", (ASK,))[0] == ASK, (
        "a place and a topic alone are asked about at most"
    )
    assert (
        decided(ALARM, report("inc_v", "hall_visits", "2025-03-04", "per_else")).get("inc_v", (ASK,))[0]
        == ASK
    )


@pytest.mark.parametrize(
    "later",
    [
        report("inc_x", "alarms", "2025-03-02", *ZHANG_LI),
        report("inc_x", "mediations", "2025-03-02", *ZHANG_LI),
        report("inc_x", "hall_visits", "2025-09-04", *ZHANG_LI),
        report("inc_x", "hall_visits", "2025-02-20", *ZHANG_LI),
        report("inc_x", "hall_visits", "2025-03-04", "per_wang", spot="B2"),
        report("inc_x", "hall_visits", "2025-03-04", "per_zhang", topic="consumer", spot="B2"),
    ],
    ids=["a second alarm", "a mediation of its own", "half a year later", "before it", "other people elsewhere", "another topic"],
)  # fmt: skip
def test_what_is_another_matter(later: list[Trait]) -> None:
    assert decided(ALARM, later).get("inc_x", ("", "", ""))[0] != LINK


def test_of_two_alarms_that_fit_alike_neither_is_taken() -> None:
    second = report("inc_b", "alarms", "2025-03-02", *ZHANG_LI)
    visit = report("inc_v", "hall_visits", "2025-03-04", *ZHANG_LI)
    assert decided(ALARM, second, visit)["inc_v"][0] == ASK


def test_reports_that_name_each_other_do_not_compete() -> None:
    mediation = report("inc_m", "mediations", "2025-03-03", *ZHANG_LI, names=("inc_a",))
    visit = report("inc_v", "hall_visits", "2025-03-05", *ZHANG_LI)
    assert decided(ALARM, mediation, visit)["inc_v"] == (LINK, "inc_a", "party,topic,spot")


def test_an_office_that_everybody_deals_with_joins_nobody() -> None:
    many = [report(f"inc_{i:03}", "alarms", "2025-03-01", "ent_office", spot=None) for i in range(CROWD)]
    assert decided(*many, report("inc_v", "complaints", "2025-03-02", "ent_office", spot=None)) == {}


def test_judged_apart() -> None:
    visit = report("inc_v", "hall_visits", "2025-03-04", *ZHANG_LI, names=("inc_a",))
    assert decided(ALARM, visit, apart=[("inc_v", "inc_a")]) == {}


def test_topics() -> None:
    assert topic_of("neighbour", "dispute") == "neighbour"
    assert topic_of(None, "report") == "report"
    assert topic_of("dispute_other", "dispute") is None and topic_of(None, None) is None


def test_what_reports_make_of_an_incident() -> None:
    alarm = {
        "number": "J1", "kind": "dispute", "category": "rent", "occurred_at": "2025-03-01", "state": "done", "closed_at": "2025-03-02",
        "step_at": ["2025-03-01", "2025-03-02"], "step_to": ["accepted", "done"], "step_by": ["", "所"],
    }  # fmt: skip
    suit = {
        "number": "(2025)1", "kind": "suit", "title": "民事案件", "occurred_at": "2025-05-01", "state": "accepted",
        "step_at": ["2025-05-01"], "step_to": ["accepted"], "step_by": ["法庭"],
    }  # fmt: skip
    made = of_reports({"kind": "suit", "severity": "high", "closed_at": "2025-03-02"}, [suit, alarm])
    assert made == {
        "number": "J1", "kind": "dispute", "category": "rent", "title": "民事案件", "occurred_at": "2025-03-01", "severity": "high",
        "state": "accepted", "numbers": "|J1|(2025)1|", "report_kind": ["dispute", "suit"], "report_category": ["rent", ""],
        "report_at": ["2025-03-01", "2025-05-01"], "step_at": ["2025-03-01", "2025-03-02", "2025-05-01"],
        "step_to": ["accepted", "done", "accepted"], "step_by": ["", "所", "法庭"], "reported_as": "|dispute|rent|suit|",
    }  # fmt: skip
    closed = of_reports({}, [suit | {"closed_at": "2025-07-01", "state": "closed"}, alarm])
    assert (closed["state"], closed["closed_at"]) == ("closed", "2025-07-01"), "closed when all of them are"


# -- arrival ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Records]]]:
    opened: list[Records] = []
    yield tmp_path_factory.mktemp("linkers"), opened
    for records in opened:
        records.close()


RAWS = [f"inc_{i}" for i in range(7)]
RECORD = st.tuples(
    st.sampled_from(RAWS),
    st.sampled_from(["alarms", "mediations", "hall_visits", "suits"]),
    st.integers(1, 28),
    st.sets(st.sampled_from(["per_1", "per_2", "tel_1"]), max_size=2),
    st.sampled_from(["rent", "neighbour", None]),
    st.lists(st.sampled_from([None, *RAWS]), max_size=2),
)
Drawn = tuple[str, str, int, set[str], str | None, list[str | None]]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_order_of_arrival_means_nothing(linkers: tuple[Path, list[Records]], data: st.DataObject) -> None:
    records = data.draw(st.lists(RECORD, min_size=1, max_size=12, unique_by=lambda r: r[0]))
    order = data.draw(st.permutations(range(len(records))))
    cut = data.draw(st.integers(0, len(order)))
    whole = _linked(linkers, records, [list(range(len(records)))])
    assert _linked(linkers, records, [[i] for i in order[:cut]] + [order[cut:]]) == whole


def _linked(
    linkers: tuple[Path, list[Records]], records: list[Drawn], parts: list[list[int]]
) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    """What a new linker comes to when the records arrive in parts."""
    directory, opened = linkers
    ledger = Ledger(directory / f"{len(opened)}", Keyring("cd" * 32))
    store = Records(ledger.directory, ledger.vault)
    opened.append(store)
    places = PlaceBase(load_scheme(), store, ledger)
    linker = IncidentLinker(ledger, store, places, FEEDS, lambda raw: raw)
    there: dict[str, list[Version]] = {}

    def versions(raws: object) -> dict[str, list[Version]]:
        return {raw: there.get(raw, []) for raw in raws}  # type: ignore[attr-defined]

    for part in parts:
        touched = set()
        for i in part:
            raw, feed, day, parties, topic, names = records[i]
            values = {
                "number": raw,
                "occurred_at": f"2025-03-{day:02}T09:00:00+08:00",
                "kind": "dispute",
                "category": topic,
            }
            node = NodeClaim(raw, "Incident", {f: v for f, v in values.items() if v is not None}, 50)
            links = [
                LinkClaim(
                    0, "OCCURRED_AT", raw, raw, None, place_key(None, "某处", None, None), {}, None, None
                )
            ]
            links += [
                LinkClaim(1, "INVOLVED_IN", raw, p, raw, None, {"role": "party"}, None, None)
                for p in sorted(parties)
            ]
            about = {raw}
            for name in dict.fromkeys(n for n in names if n not in (None, raw)):
                links.append(LinkClaim(2, "FOLLOWS", raw, raw, name, None, {}, None, None))
                about.add(str(name))
            for id in about:
                there.setdefault(id, []).append(Version(feed, str(i), "", b"", 1, i, Claims([node], links)))
            touched |= about
        if touched:
            linker.update(sorted(touched), versions)
    kept = IncidentLinker(ledger, store, places, FEEDS, lambda raw: raw)
    assert linker.same == kept.same, "what is kept is what is held"
    rows = store.db.execute("SELECT raw, same, state, score, why FROM link ORDER BY raw, same").fetchall()
    ledger.close()
    return dict(sorted(linker.same.items())), rows


# -- in the graph ----------------------------------------------------------------------------------------------------

VISIT = {
    "登记流水号": "MT1", "来访时间": "2025-01-12 10:00:00", "来访人": "张测试", "来访人身份证": ZHANG, "来访人数": "1", "事项分类": "邻里",
    "来访事项": "楼上漏水", "对方当事人": "李测试", "事发地点": HOME, "办理情况": "办理中",
}  # fmt: skip


@pytest.mark.anyio
async def test_one_matter_reported_by_several_is_one_incident(clean_graph: Store, tmp_path: Path) -> None:
    """A visit to the hall about an alarm's dispute joins it by evidence; judged otherwise, the graph goes back."""
    await ensure_schema(clean_graph)
    loader = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    await loader.load(clean_graph, write_district(tmp_path))
    bare = await whole_graph(clean_graph)
    count = "MATCH (i:Incident) WHERE i.kind IN ['dispute', 'hall_visit'] RETURN count(i) AS x"
    before = await clean_graph.read_one(count)
    await loader.load(clean_graph, [write_feed(tmp_path, "hall_visits", [VISIT], "_v")])
    joined = await whole_graph(clean_graph)
    assert await clean_graph.read_one(count) == before
    whole = "MATCH (i:Incident {number: 'J1'}) RETURN [i.numbers, i.kind, i.report_kind, i.state, i.occurred_at] AS x"
    assert await clean_graph.read_one(whole) == [
        "|J1|MT1|", "dispute", ["dispute", "hall_visit"], "handling", "2025-01-10T08:30:00+08:00",
    ]  # fmt: skip
    (link,) = [x for x in loader.known_as.incidents.links(LINK) if x.why != NUMBER]
    assert link.why == "party,topic,spot" and link.score >= 0.96

    # As a version before that field left it.
    assert not loader.is_decided_anew()
    told = "MATCH (i:Incident {number: 'J1'}) RETURN i.reported_as AS x"
    assert await clean_graph.read_one(told) == "|dispute|hall_visit|neighbour|"
    await clean_graph.write("MATCH (i:Incident) REMOVE i.reported_as")
    with loader.records.transaction() as db:
        several = sorted(set(loader.known_as.incidents.same.values()))
        for id, state in loader.records.folded(several).items():
            older = orjson.loads(state)
            del older["p"]["reported_as"]
            db.execute("UPDATE folded SET state = ? WHERE id = ?", (orjson.dumps(older), id))
        db.execute("DELETE FROM meta WHERE name = 'reports'")
    assert loader.is_decided_anew()
    await loader.apply(clean_graph)
    assert await whole_graph(clean_graph) == joined
    assert not loader.is_decided_anew()

    loader.ledger.judge("incident", link.raw, link.same, "different", "somebody", "2025-12-15T08:00:00+08:00")
    loader.records.mark_dirty([link.raw])
    await loader.apply(clean_graph)
    assert await clean_graph.read_one(count) == before + 1
    parted = await whole_graph(clean_graph)
    assert [n for n in bare["nodes"] if n[0] == "Incident" and n not in parted["nodes"]] == []
    assert [x for x in bare["links"] if x not in parted["links"]] == []

    loader.ledger.judge("incident", link.raw, link.same, "open", "somebody", "2025-12-15T09:00:00+08:00")
    loader.records.mark_dirty([link.raw])
    await loader.apply(clean_graph)
    assert await whole_graph(clean_graph) == joined
    loader.close()
