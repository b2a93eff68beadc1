"""`GET /geo/{level}.geojson` over the drawn town: what is drawn, for whom, and how it is cached."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from graph.store import Store
from graph.viewer import DEVELOPMENT, Viewer
from schema.boundaries import Boundaries
from tests.schema.drawn import Asker, draw, load
from tests.schema.roots import EAST, WEST
from web.geo import GeoEndpoint

pytestmark = pytest.mark.anyio


class Site:
    """The endpoint alone, about the town."""

    def __init__(self, asker: Asker, data: Path | None, viewer: Viewer = DEVELOPMENT) -> None:
        endpoint = GeoEndpoint(Boundaries(data), lambda request: asker.context(viewer))

        async def answer(request: Any) -> Any:
            return await endpoint(request)

        transport = httpx.ASGITransport(Starlette(routes=[Route("/geo/{level}.geojson", answer)]))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://quanxi")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/geo/{path}", headers={"Accept-Encoding": "identity"} | headers)


@pytest.fixture
async def asker(store: Store) -> Asker:
    town = load("town")
    await draw(store, town)
    return Asker(store, town)


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [f["properties"]["code"] for f in answer.json()["features"]]


async def test_what_is_drawn_and_cached(asker: Asker) -> None:
    site = Site(asker, None)
    answer = await site.get("community.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert codes(answer) == [WEST, EAST]
    first = answer.json()["features"][0]
    assert first["properties"]["name"] == "金城社区" and first["properties"]["drawn"] is True
    assert codes(await site.get("micro_grid.geojson")) == [f"{WEST}G01M01", f"{WEST}G01M02", f"{EAST}G01M01"]
    assert codes(await site.get(f"micro_grid.geojson?under={EAST}")) == [f"{EAST}G01M01"]
    assert codes(await site.get("district.geojson")) == ["330109"]
    # Cached by its tag; each form of it has its own.
    tag = answer.headers["etag"]
    assert tag.startswith('"') and (await site.get("community.geojson")).headers["etag"] == tag
    again = await site.get("community.geojson", **{"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await site.get("community.geojson", **{"If-None-Match": '"other", W/' + tag})).status_code == 304
    assert (await site.get("community.geojson", **{"If-None-Match": '"other"'})).status_code == 200
    packed = await site.client.get("/geo/community.geojson", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.headers["etag"] != tag
    assert packed.content == answer.content, "httpx has unpacked it"
    assert len(gzip.compress(answer.content)) < len(answer.content)


async def test_a_viewer_sees_their_own_area(asker: Asker) -> None:
    site = Site(asker, None, asker.drawn.limited)
    answer = await site.get("community.geojson")
    assert codes(answer) == [WEST]
    assert EAST not in answer.text
    assert codes(await site.get(f"community.geojson?under={EAST}")) == []


async def test_outlines_from_files_go_before(asker: Asker, tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[120, 30], [121, 30], [121, 31], [120, 30]]]}
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"code": c}, "geometry": square}
            for c in (EAST, WEST, "330109777")
        ],
    }
    (tmp_path / "geo").mkdir()
    (tmp_path / "geo" / "community.geojson").write_text(json.dumps(collection), encoding="utf-8")
    site = Site(asker, tmp_path)
    answer = await site.get("community.geojson")
    assert codes(answer) == [WEST, EAST], "what is no place of the district is left out"
    assert answer.json()["features"][0]["geometry"] == square
    assert answer.json()["features"][0]["properties"]["drawn"] is False


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("dwelling.geojson", 404, "NOT_FOUND"),
        ("..geojson", 404, "NOT_FOUND"),
        ("community.geojson?under=none", 400, "BAD_CODE"),
        ("community.geojson?within=330109", 400, "BAD_ARGUMENT"),
        ("community.geojson?under=330109&under=330109002", 400, "BAD_ARGUMENT"),
    ],
)
async def test_what_is_wrong_is_said(asker: Asker, path: str, status: int, code: str) -> None:
    answer = await Site(asker, None).get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["detail"] and told["detailZh"] and told["hint"]
