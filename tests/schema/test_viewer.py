"""What a limited viewer may not see shows nowhere: asked of every root, with everything selected."""

from __future__ import annotations

import json

import pytest

from graph.store import Store
from graph.viewer import DEVELOPMENT
from schema import build_schema
from tests.schema import roots
from tests.schema.drawn import Asker, Drawn, draw, load
from tests.schema.selecting import everything

SCHEMA = build_schema()
FIELDS = SCHEMA._schema.query_type.fields  # type: ignore[union-attr]
ASKED = [(root, args) for root, many in (roots.INSIDE | roots.NEVER).items() for args in many]


@pytest.fixture(scope="module")
def town() -> Drawn:
    return load("town")


@pytest.fixture
async def ask(store: Store, town: Drawn) -> Asker:
    await draw(store, town)
    return Asker(store, town)


def query(root: str, args: str, relations: int | None = None) -> str:
    """Everything that a root may be asked for."""
    kind = FIELDS[root].type
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    called = f"{root}({args})" if args else root
    # All roots answer with the same nodes: what is around these is asked once.
    if relations is None:
        relations = 1 if root in ("address", "node") else 0
    return f"{{ {called} {everything(SCHEMA, kind.name, relations)} }}"


def test_every_root_is_asked() -> None:
    assert set(FIELDS) == set(roots.INSIDE) | set(roots.NEVER)
    assert set(FIELDS) == set(roots.OUTSIDE) | roots.PLACELESS


@pytest.mark.parametrize(("root", "args"), ASKED)
async def test_nothing_outside_appears(ask: Asker, town: Drawn, root: str, args: str) -> None:
    answer = await ask(query(root, args), town.limited)
    told = json.dumps([answer.data, answer.errors], ensure_ascii=False)
    seen = [text for text in town.outside() if text in told]
    assert not seen
    assert "139000000" not in told
    if root in roots.NEVER:
        assert answer.codes == ["NOT_FOUND"]
    else:
        assert not answer.errors


@pytest.mark.parametrize(
    ("root", "outside", "none"), [(root, *pair) for root, pairs in roots.OUTSIDE.items() for pair in pairs]
)
async def test_unknown_and_forbidden_look_alike(
    ask: Asker, town: Drawn, root: str, outside: str, none: str
) -> None:
    forbidden = await ask(query(root, outside, 0), town.limited)
    unknown = await ask(query(root, none, 0), town.limited)
    assert forbidden.data == unknown.data
    assert forbidden.errors == unknown.errors
    assert len(forbidden.statements) == len(unknown.statements)


async def test_the_outside_is_there_to_be_found(ask: Asker, town: Drawn) -> None:
    """What the limited viewer is not told, these very questions tell somebody who may see everything."""
    told = ""
    for root, args in ASKED + [(root, pair[0]) for root, pairs in roots.OUTSIDE.items() for pair in pairs]:
        answer = await ask(query(root, args), DEVELOPMENT)
        # Which texts wait is told from a ledger, which a drawn town has not.
        assert root == "unplaced" or "INTERNAL" not in answer.codes
        told += json.dumps(answer.data, ensure_ascii=False)
    assert [text for text in town.outside() if text not in told] == []
    assert len(list(town.outside())) > 40


async def test_what_is_within_is_shown(ask: Asker, town: Drawn) -> None:
    data = await ask.data(
        """{
          viewer { name area { code path { code } } }
          address { name counts { people { value } houses { value } incidents { value } vehicles { value } volunteers { value } } }
          person(id: "per_wang") { title mobile masks { field state } phones { id } homes { totalCount { value } }
            houses { edges { node { hid } } } vehicles { edges { node { plate } } } relatives { totalCount { value } } }
          repeatDisputes(area: "330109") { totalCount { value } }
        }""",
        town.limited,
    )
    assert data["viewer"] == {"name": "limited", "area": {"code": roots.WEST, "path": [{"code": roots.WEST}]}}
    assert data["address"]["name"] == "金城社区"
    assert {k: v["value"] for k, v in data["address"]["counts"].items()} == {
        "people": 3, "houses": 2, "incidents": 8, "vehicles": 1, "volunteers": 1,
    }  # fmt: skip
    assert data["person"]["title"] == "王一"
    assert data["person"]["mobile"] is None
    assert data["person"]["masks"] == [{"field": "mobile", "state": "WITHHELD"}]
    assert data["person"]["phones"] == []
    assert [e["node"]["hid"] for e in data["person"]["houses"]["edges"]] == ["FW101", "FW1201"]
    assert [e["node"]["plate"] for e in data["person"]["vehicles"]["edges"]] == ["浙A12345"]
    assert data["person"]["relatives"]["totalCount"] == {"value": 0}
    assert data["repeatDisputes"]["totalCount"] == {"value": 1}


async def test_a_viewer_of_a_grid(ask: Asker) -> None:
    from graph.viewer import Viewer

    grid = Viewer("grid", "330109002001G01M02")
    data = await ask.data(
        """{
          address { code residents { edges { node { id } } } incidents { totalCount { value } } children { edges { node { name } } } }
          addresses(codes: ["3301090020010004", "3301090020010003", "330109002001"]) { name path { name } }
          people(ids: ["per_wang", "per_li"]) { id }
          search(text: "浙A12345") { groups { kind } }
        }""",
        grid,
    )
    assert data == {
        "address": {
            "code": "330109002001G01M02",
            "residents": {"edges": [{"node": {"id": "per_wang"}}]},
            "incidents": {"totalCount": {"value": 3}},
            "children": {"edges": [{"node": {"name": "4幢"}}, {"node": {"name": "市心公园"}}]},
        },
        "addresses": [{"name": "4幢", "path": [{"name": "4幢"}]}, None, None],
        "people": [{"id": "per_wang"}, None],
        "search": {"groups": []},
    }
