"""A source that is a graph's own export: files joined by local ids, under British postcodes.

The catalogue is `examples/pole`; the rows are invented.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from graphql import parse, validate
from pydantic import ValidationError

from graph.store import Store
from loaders.declaration import Column, Feed
from loaders.run import Loader
from loaders.wiring import open_loader
from ontology.clock import Clock
from ontology.errors import UsageError
from schema import build_schema
from tests.loaders.graphs import whole_graph

pytestmark = pytest.mark.anyio
POLE = Path(__file__).resolve().parents[2] / "examples" / "pole"
CLOCK = Clock(date(2017, 9, 1))
LINK = [":START_ID", ":END_ID", ":TYPE"]

FILES: dict[str, tuple[list[str], list[list[str]]]] = {
    "nodes.Location": (
        [":ID", "latitude:double", "postcode", "longitude:double", "address", ":LABEL"],
        [
            ["1", "53.5", "ZZ3 4NL", "-2.6", "1 Invented Street", "Location"],
            ["2", "53.5", "ZZ3 4NL", "-2.6", "2 Invented Street", "Location"],
            ["3", "somewhere", "Z1A 1AA", "-2.6", "3 Invented Street", "Location"],
            ["4", "53.5", "not known", "-2.6", "4 Invented Street", "Location"],
        ],
    ),
    "nodes.Crime": (
        [":ID", "date", "id", "type", "last_outcome", "note", "charge", ":LABEL"],
        [
            ["10", "24/08/2017", "aa", "Drugs", "Under investigation", "", "Possession", "Crime"],
            ["11", "1/08/2017", "bb", "Burglary", "", "", "", "Crime"],
            ["12", "08/24/2017", "cc", "Burglary", "", "", "", "Crime"],
            ["13", "2/08/2017", "dd", "", "", "", "", "Crime"],
        ],
    ),
    "nodes.Person": (
        [":ID", "surname", "nhs_no", "name", "age", ":LABEL"],
        [
            ["20", "Tester", "999-99-0001", "Ann", "", "Person"],
            ["21", "Tester", "999-99-0002", "Bob", "", "Person"],
        ],
    ),
    "nodes.Phone": ([":ID", "phoneNo", ":LABEL"], [["30", "0-000-0", "Phone"], ["31", "0-000-1", "Phone"]]),
    "nodes.PhoneCall": (
        [":ID", "call_duration", "call_time", "call_date", "call_type", ":LABEL"],
        [
            ["40", "38", "00:32", "04/08/2017", "CALL", "PhoneCall"],
            ["41", "5", "14:00", "4/08/2017", "SMS", "PhoneCall"],
        ],
    ),
    "nodes.Vehicle": (
        [":ID", "model", "reg", "make", "year", ":LABEL"],
        [["50", "One", "ZZ00 ZZZ", "Maker", "2005", "Vehicle"]],
    ),
    "nodes.Object": (
        [":ID", "description", "id", "type", ":LABEL"],
        [["60", "a box", "e1", "Evidence", "Object"]],
    ),
    "nodes.Officer": (
        [":ID", "badge_no", "rank", "name", "surname", ":LABEL"],
        [["70", "0-1", "Sergeant", "Cy", "Tester", "Officer"]],
    ),
    "nodes.Email": ([":ID", "email_address", ":LABEL"], [["80", "nobody@example.com", "Email"]]),
    "relationships.OCCURRED_AT": (LINK, [["10", "1", "OCCURRED_AT"], ["11", "2", "OCCURRED_AT"]]),
    "relationships.CURRENT_ADDRESS": (LINK, [["20", "1", "CURRENT_ADDRESS"], ["21", "3", "CURRENT_ADDRESS"]]),
    "relationships.PARTY_TO": (LINK, [["20", "10", "PARTY_TO"]]),
    "relationships.INVOLVED_IN": (LINK, [["50", "10", "INVOLVED_IN"], ["60", "10", "INVOLVED_IN"]]),
    "relationships.INVESTIGATED_BY": (LINK, [["10", "70", "INVESTIGATED_BY"]]),
    "relationships.FAMILY_REL": ([*LINK, "rel_type"], [["20", "21", "FAMILY_REL", "PARENT"]]),
    "relationships.KNOWS": (LINK, [["20", "21", "KNOWS"]]),
    "relationships.KNOWS_LW": (LINK, [["20", "21", "KNOWS_LW"]]),
    "relationships.HAS_PHONE": (LINK, [["20", "30", "HAS_PHONE"], ["21", "31", "HAS_PHONE"]]),
    "relationships.CALLER": (LINK, [["40", "30", "CALLER"], ["41", "31", "CALLER"]]),
    "relationships.CALLED": (LINK, [["41", "30", "CALLED"], ["40", "31", "CALLED"]]),
}  # fmt: skip


def write_files(directory: Path) -> list[Path]:
    directory.mkdir(exist_ok=True)
    paths = []
    for name, (header, rows) in FILES.items():
        paths.append(directory / f"invented.{name}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return paths


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    (tmp_path / "data").mkdir()
    return open_loader(tmp_path / "data", POLE, CLOCK)


async def test_nodes_and_relationships_meet_by_local_ids(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    summary = await loader.load(clean_graph, write_files(tmp_path / "in"))
    bad = {loader.ledger.batch_by_no(r.batch).file: (r.row, r.column) for r in loader.records.quarantined()}
    assert bad == {
        "invented.nodes.Location.csv": (5, "postcode"),
        "invented.nodes.Crime.csv": (4, "date"),
    }
    assert sum(f.dropped_cells for f in summary.files) == 1, "a latitude that is no number"
    ask = clean_graph.read
    places = await ask("MATCH (a:Address) RETURN a.code AS x ORDER BY x")
    assert places == [
        "Z", "Z/1A", "Z/1A/1", "Z/1A/1/AA", "Z/1A/1/AA/3",
        "ZZ", "ZZ/3", "ZZ/3/4", "ZZ/3/4/NL", "ZZ/3/4/NL/1", "ZZ/3/4/NL/2",
    ]  # fmt: skip
    up = "MATCH (:Address {code: 'ZZ/3/4/NL/1'})-[:IN*]->(a) RETURN a.name AS x"
    assert await ask(up) == ["ZZ3 4NL", "ZZ3 4", "ZZ3", "ZZ"]
    area = await clean_graph.read_one(
        "MATCH (a:Address {code: 'ZZ'}) RETURN [a.n_incidents, a.n_people] AS x"
    )
    assert area == [2, 1]
    crime = await clean_graph.read_one("MATCH (i:Incident {number: 'aa'}) RETURN properties(i) AS x")
    assert (crime["occurred_at"], crime["kind"], crime["state"]) == (
        "2017-08-24T00:00:00+08:00",
        "drugs",
        "investigating",
    )
    assert (crime["title"], crime["place"], crime["community"]) == (
        "毒品:Possession",
        "ZZ/3/4/NL/1/",
        "ZZ/3/4/",
    )
    untyped = await clean_graph.read_one("MATCH (i:Incident {number: 'dd'}) RETURN keys(i) AS x")
    assert "title" not in untyped, "a template of nothing is nothing"
    roles = "MATCH (n)-[r:INVOLVED_IN]->(:Incident {number: 'aa'}) RETURN labels(n)[0] + ' ' + r.role AS x"
    assert sorted(await ask(roles)) == ["Device evidence", "Person party", "Vehicle vehicle"]
    calls = "MATCH (a:Phone)-[r:CALLED]->(b:Phone) RETURN a.number + ' ' + r.at + ' ' + b.number AS x"
    assert sorted(await ask(calls)) == [
        "0-000-0 2017-08-04T00:32:00+08:00 0-000-1",
        "0-000-1 2017-08-04T14:00:00+08:00 0-000-0",
    ]
    kin = "MATCH (a)-[r:RELATED_TO]->(b) RETURN a.name + ' ' + r.kin + ' ' + b.name AS x ORDER BY x"
    assert await ask(kin) == ["Ann Tester lives_with Bob Tester", "Ann Tester parent Bob Tester"]
    graph = str(await whole_graph(clean_graph))
    assert "999-99" not in graph
    assert "nobody@" not in graph


async def test_the_order_of_the_files_means_nothing(clean_graph: Store, tmp_path: Path) -> None:
    graphs = []
    paths = write_files(tmp_path / "in")
    for i, order in enumerate((paths, paths[::-1])):
        data = tmp_path / f"data{i}"
        data.mkdir()
        loader = open_loader(data, POLE, CLOCK)
        await clean_graph.write("MATCH (n) DETACH DELETE n")
        for path in order:
            await loader.load(clean_graph, [path])
        graphs.append(await whole_graph(clean_graph))
        again = await loader.load(clean_graph, order)
        assert (again.changed, again.removed) == (0, 0)
        loader.close()
    assert graphs[0] == graphs[1]


async def test_a_changed_file_beside_is_new_content(
    clean_graph: Store, loader: Loader, tmp_path: Path
) -> None:
    paths = write_files(tmp_path / "in")
    await loader.load(clean_graph, paths)
    called = tmp_path / "in" / "invented.relationships.CALLED.csv"
    called.write_text(called.read_text(encoding="utf-8").replace("41,30", "41,32"), encoding="utf-8")
    again = await loader.load(clean_graph, paths)
    assert {f.feed for f in again.files if not f.known} == {"left_out", "calls"}
    # Neither file has a date, so that which of the two is newer is decided by content; but it is one of them.
    calls = await clean_graph.read("MATCH (:Phone)-[r:CALLED]->() RETURN r.at AS x ORDER BY x")
    assert calls == ["2017-08-04T00:32:00+08:00", "2017-08-04T14:00:00+08:00"]


def test_a_file_that_is_missing_or_ambiguous_is_told(loader: Loader, tmp_path: Path) -> None:
    write_files(tmp_path / "in")
    calls = tmp_path / "in" / "invented.nodes.PhoneCall.csv"
    called = tmp_path / "in" / "invented.relationships.CALLED.csv"
    whole = called.read_text(encoding="utf-8")
    called.write_text(whole + "40,30,CALLED\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r":START_ID names 40 twice"):
        loader.receive(calls)
    called.write_text(whole.replace(":END_ID", ":TO"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"takes :END_ID from it"):
        loader.receive(calls)
    called.unlink()
    with pytest.raises(
        UsageError, match=r"needs one file \*relationships.CALLED.csv beside it, and there are 0"
    ):
        loader.receive(calls)
    calls.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="BAD_HEADER"):
        loader.receive(calls)


def test_what_cannot_be_declared() -> None:
    with pytest.raises(ValidationError, match="`format` goes with"):
        Column.model_validate({"format": "%d/%m/%Y"})
    with pytest.raises(ValidationError, match=r"join\.0\.take\.b names column 'b'"):
        Feed.model_validate(
            {
                "feed": "f", "zh": "f", "en": "f", "department": "f", "match": ["*"], "key": ["a"],
                "columns": {"a": {}}, "entities": {},
                "join": [{"file": "*", "by": "a", "key": "a", "take": {"b": "b"}}],
            }
        )  # fmt: skip


def test_the_queries_of_the_example_are_of_the_schema() -> None:
    schema = build_schema()._schema
    queries = sorted((POLE / "queries").glob("*.graphql"))
    assert queries
    for path in queries:
        assert validate(schema, parse(path.read_text(encoding="utf-8"))) == [], path.name
