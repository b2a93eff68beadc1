"""A district that is not Chinese: `examples/nyc311`, with invented requests of the form of the city's own files."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from graph.store import Store
from loaders.run import Loader
from loaders.trial import try_load
from loaders.wiring import open_loader
from ontology.clock import Clock
from tests.loaders.graphs import whole_graph
from tests.loaders.test_run import KEYRING
from tests.loaders.test_trial import assert_told

pytestmark = pytest.mark.anyio
NYC = Path(__file__).resolve().parents[2] / "examples" / "nyc311"
CLOCK = Clock(date(2025, 3, 15))
COLUMNS = {
    "unique_key": "Unique Key", "created_date": "Created Date", "closed_date": "Closed Date", "agency": "Agency",
    "agency_name": "Agency Name", "complaint_type": "Complaint Type", "descriptor": "Descriptor",
    "location_type": "Location Type", "incident_zip": "Incident Zip", "incident_address": "Incident Address",
    "intersection_street_1": "Intersection Street 1", "intersection_street_2": "Intersection Street 2",
    "address_type": "Address Type", "status": "Status", "due_date": "Due Date",
    "resolution_description": "Resolution Description", "community_board": "Community Board", "borough": "Borough",
    "latitude": "Latitude", "longitude": "Longitude", "location": "Location",
}  # fmt: skip
# Nobody has made these requests: the streets are no streets of New York.
HOUSE = {
    "unique_key": "1", "created_date": "2025-03-01T01:20:00.000", "closed_date": "2025-03-02T01:20:00.000",
    "agency": "NYPD", "agency_name": "An agency", "complaint_type": "Noise - Residential", "descriptor": "Loud Music",
    "incident_zip": "00000", "incident_address": "1  Invented   Street", "address_type": "ADDRESS", "status": "Closed",
    "community_board": "05 BROOKLYN", "borough": "BROOKLYN", "latitude": "40.6", "longitude": "-73.9",
    "resolution_description": 'It said "no", twice', "location": "\n,  \n(40.6, -73.9)",
}  # fmt: skip
NO_PLACE = {"incident_address": "", "address_type": "", "community_board": "Unspecified BROOKLYN"}
REQUESTS: list[dict[str, str]] = [
    HOUSE,
    {**HOUSE, "unique_key": "2", "closed_date": "", "status": "Open"},
    {**HOUSE, "unique_key": "3", "address_type": "INTERSECTION", "incident_address": "",
     "intersection_street_1": "INVENTED STREET", "intersection_street_2": "MADE-UP  AVENUE"},
    {**HOUSE, "unique_key": "4", **NO_PLACE},
    {**HOUSE, "unique_key": "5", **NO_PLACE, "community_board": "0 Unspecified", "borough": "Unspecified"},
    {**HOUSE, "unique_key": "6", "latitude": "no", "longitude": "-73900000", "complaint_type": "Dragons", "due_date": "soon"},
    {**HOUSE, "unique_key": "7", "incident_address": "1/2 INVENTED STREET"},
    # What is kept out: no key, two dates that contradict each other, no date, no ZIP code.
    {**HOUSE, "unique_key": ""},
    {**HOUSE, "unique_key": "8", "closed_date": "2025-02-01T00:00:00.000"},
    {**HOUSE, "unique_key": "9", "created_date": "yesterday"},
    {**HOUSE, "unique_key": "10", "incident_zip": "1000"},
]  # fmt: skip
ANIMALS = [
    {**HOUSE, "unique_key": "20", "created_date": "3/4/2025 1:05", "closed_date": "", "complaint_type": "Dead Animal",
     "agency": "DSNY", "status": "In Progress"},
    {**HOUSE, "unique_key": "21", "created_date": "14/3/2025 1:05", "closed_date": "", "status": "In Progress"},
]  # fmt: skip


def write(directory: Path) -> list[Path]:
    """The two files; the first with a row too many cells long, as a broken quotation mark makes it."""
    requests, animals = directory / "311_Service_Requests.csv", directory / "311_Animals_short.csv"
    with requests.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(COLUMNS), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(REQUESTS)
        file.write(",".join(["11"] * (len(COLUMNS) + 3)) + "\n")
    with animals.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(COLUMNS.values()), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({COLUMNS[c]: v for c, v in row.items()} for row in ANIMALS)
    return [requests, animals]


def opened(data: Path) -> Loader:
    return open_loader(data, NYC, CLOCK, keyring=KEYRING)


async def test_requests_and_their_places(clean_graph: Store, tmp_path: Path) -> None:
    files = write(tmp_path)
    trial = try_load(tmp_path / "data", NYC, CLOCK, files, keyring=KEYRING)
    before = await whole_graph(clean_graph)
    loader = opened(tmp_path / "data")
    summary = await loader.load(clean_graph, files)
    await assert_told(trial, before, clean_graph)
    assert [(f.read, f.loaded, f.quarantined, f.dropped_cells) for f in summary.files] == [
        (12, 7, 5, 5),
        (2, 1, 1, 0),
    ]
    found = await clean_graph.read(
        "MATCH (i:Incident) OPTIONAL MATCH (i)-[:OCCURRED_AT]->(a) RETURN [i.number, a.code] AS x ORDER BY toInteger(i.number)"
    )
    house = "NYC/BROOKLYN/05/A 1 INVENTED STREET"
    assert found == [
        ["1", house],
        ["2", house],
        ["3", "NYC/BROOKLYN/05/X INVENTED STREET & MADE-UP AVENUE"],
        ["4", "NYC/BROOKLYN"],
        ["5", None],
        ["6", house],
        ["7", "NYC/BROOKLYN"],
        ["20", house],
    ]
    (one,) = await clean_graph.read(
        "MATCH (i:Incident {number: '20'}) RETURN [i.title, i.kind, i.state, i.street] AS x"
    )
    assert one == ["Dead Animal: Loud Music", "dead_animal", "in_progress", "NYC/BROOKLYN/"]
    above = await clean_graph.read(
        "MATCH (:Address {code: $code})-[:IN*]->(a) RETURN a.full_name AS x ORDER BY size(a.code) DESC",
        {"code": house},
    )
    assert above == ["BROOKLYN 05", "BROOKLYN", "New York City"]
    loader.close()


async def test_what_is_kept_out_and_what_is_noted(tmp_path: Path) -> None:
    loader = opened(tmp_path / "data")
    for path in write(tmp_path):
        for batch in loader.receive(path):
            loader.digest(batch)
    wrong = [(q.column, q.value) for q in loader.records.quarantined("requests")]
    assert sorted(wrong[:4], key=str) == sorted(
        [("unique_key", None), ("closed_date", "2025-02-01T00:00:00.000"), ("created_date", "yesterday"),
         ("incident_zip", "1000")], key=str,
    )  # fmt: skip
    assert wrong[4][0] == "" and str(wrong[4][1]).startswith("11,11")
    assert [(q.column, q.value) for q in loader.records.quarantined("animals")] == [
        ("Created Date", "14/3/2025 1:05")
    ]
    noted = [(n.column, n.value) for n in loader.records.notes("requests")]
    assert sorted(noted) == [
        ("community_board", "0 Unspecified"), ("community_board", "Unspecified BROOKLYN"), ("complaint_type", "Dragons"),
        ("due_date", "soon"), ("incident_address", "1/2 Invented Street".upper()), ("latitude", "no"),
        ("longitude", "-73900000"),
    ]  # fmt: skip
    loader.close()
