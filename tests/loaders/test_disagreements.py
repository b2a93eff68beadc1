"""Where departments contradict each other: found by the fold, gone when one of them mends it, listed for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from graph.constraints import ensure_schema
from graph.store import Store
from loaders.mend import HEADER, Disagreements, workbook
from loaders.run import Loader
from loaders.why import Explainer
from loaders.wiring import open_loader
from ontology.errors import UsageError
from tests.loaders.books import first_sheet
from tests.loaders.test_run import CLOCK, KEYRING
from tests.loaders.tiny import BUILDING, DISTRICT, HOME, ZHANG, write_district, write_feed

pytestmark = pytest.mark.anyio
# What the police know otherwise: a name, and where the house is that the housing department has at 301.
VOLUNTEER = {**DISTRICT["volunteers"][0], "姓名": "章测试", "更新时间": "2025-05-01"}
ABOVE = "萧山区北干街道金城社区金帝花园3幢"
TENANCY = {**DISTRICT["tenancies"][0], "房屋地址": ABOVE, "更新时间": "2025-05-01"}
OTHER = {
    "地址编码": BUILDING[:-4] + "0002",
    "上级编码": BUILDING[:-4],
    "层级": "幢",
    "名称": "4幢",
    "全称": ABOVE.replace("3", "4"),
}


@pytest.fixture
async def loader(clean_graph: Store, tmp_path: Path) -> AsyncIterator[Loader]:
    await ensure_schema(clean_graph)
    loader = open_loader(tmp_path / "data", None, CLOCK, keyring=KEYRING)
    await loader.load(clean_graph, write_district(tmp_path))
    yield loader
    loader.close()


def listed(loader: Loader) -> Disagreements:
    return Disagreements(loader, Explainer(loader, loader.ledger))


def said(loader: Loader, **asked: Any) -> set[tuple[str, str, str | None, bool]]:
    """(field, feed, value, stands) of everything listed."""
    found, size = listed(loader).page(**asked)
    assert len(found) == size
    return {(d.field, f.feed, f.value, f.chosen) for d in found for f in d.says}


async def test_they_are_found_and_mended(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    before = said(loader)
    # A tiny district's own: one building's address, and one of its dwellings, for the same firm or lift.
    assert all(field.isupper() for field, *_ in before)
    await loader.load(clean_graph, [write_feed(tmp_path, "volunteers", [VOLUNTEER], "_v")])
    names = {x for x in said(loader) if x[0] == "name"}
    assert {(feed, value, stands) for _, feed, value, stands in names} >= {
        ("residents", "张测试", True), ("houses", "张测试", False), ("volunteers", "章测试", False),
    }  # fmt: skip
    shown = await clean_graph.read("MATCH (p:Person) WHERE p.name STARTS WITH '张' RETURN p.name")
    assert shown == ["张测试"]
    assert {x[0] for x in said(loader, department="组织部")} == {"name"}
    assert said(loader, department="公安", field="name") == set(), "what the police say stands"

    mended = {**VOLUNTEER, "姓名": "张测试", "更新时间": "2025-06-01"}
    await loader.load(clean_graph, [write_feed(tmp_path, "volunteers", [mended], "_m")])
    assert said(loader) == before


async def test_a_place_that_two_give_differently(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    before = said(loader)
    files = [
        write_feed(tmp_path, "addresses", [OTHER], "_t"),
        write_feed(tmp_path, "tenancies", [TENANCY], "_t"),
    ]
    await loader.load(clean_graph, files)
    assert said(loader) == before, "a building and a dwelling in it are no two places"
    elsewhere = {**TENANCY, "房屋地址": OTHER["全称"], "更新时间": "2025-06-01"}
    await loader.load(clean_graph, [write_feed(tmp_path, "tenancies", [elsewhere], "_u")])
    ((field, police, place, stands),) = [x for x in said(loader, department="公安") if x[1] == "tenancies"]
    assert (field, police, stands) == ("AT", "tenancies", False)
    assert place is not None and listed(loader).called(place) == OTHER["全称"]


async def test_the_list_for_a_department(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    odd = {**VOLUNTEER, "姓名": "=1+1"}
    await loader.load(clean_graph, [write_feed(tmp_path, "volunteers", [odd], "_v")])
    content, rows = workbook(listed(loader).rows("组织部"))
    assert rows == 1
    (tmp_path / "x.xlsx").write_bytes(content)
    (row,) = first_sheet(tmp_path / "x.xlsx")
    assert tuple(row) == HEADER and not any(cell.formula for cell in row.values())
    told = {name: cell.text for name, cell in row.items()}
    assert told["部门 department"] == "组织部" and told["贵方所述 you say"] == "=1+1"
    assert (told["采信 the graph shows"], told["名称 name"]) == ("张测试", "张测试")
    assert ZHANG not in str(row)
    with pytest.raises(UsageError, match="NOT_FOUND"):
        listed(loader).page("没有这个部门")


async def test_why_of_a_relationship(clean_graph: Store, loader: Loader, tmp_path: Path) -> None:
    (person,) = await clean_graph.read("MATCH (p:Person {name: '李测试'}) RETURN p.id")
    explainer = Explainer(loader, loader.ledger)
    facts = explainer.facts(person, "LIVES_AT")
    homes = {f.value: listed(loader).called(f.value or "") for f in facts if f.chosen}
    assert set(homes.values()) == {HOME, ABOVE}
    assert {(f.feed, f.row) for f in facts} >= {("residents", 3), ("residents", 4)}
    assert ("2021-05-01", "2025-03-01") in {(f.since, f.until) for f in facts if f.feed == "residents"}
    first = next(id for id, name in homes.items() if name == HOME)
    one = explainer.link_facts(person, "LIVES_AT", first or "")
    assert {f.value for f in one if f.chosen} == {first}
    assert HOME in {c["value"] for c in one[0].received}
    (lost,) = await clean_graph.read("MATCH (p:Person {name: '王测试'}) RETURN p.id")
    (nowhere,) = explainer.facts(lost, "LIVES_AT")
    assert (nowhere.value, nowhere.chosen) == ("火星路1号", False)
    with pytest.raises(UsageError, match="NOT_FOUND"):
        explainer.link_facts("per_none", "LIVES_AT", first or "")
