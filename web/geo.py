"""`GET /geo/{level}.geojson`: boundaries for maps, cached by their tag. Errors are `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ontology.errors import QuanxiError, UsageError
from schema.errors import ERROR_CODES

GEOJSON: Final = "application/geo+json"
_TITLES: Final = {400: "Bad Request", 404: "Not Found", 503: "Service Unavailable", 504: "Gateway Timeout"}
_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


class Drawn(Protocol):
    """A drawing."""

    @property
    def text(self) -> bytes: ...
    @property
    def packed(self) -> bytes: ...
    @property
    def tag(self) -> str: ...


class Draws(Protocol):
    """Who draws boundaries."""

    async def draw(self, context: Any, level: str, under: str | None) -> Drawn: ...


class GeoEndpoint:
    """Answers for boundaries.

    Args:
        context: what is known of a request.
    """

    def __init__(self, draws: Draws, context: Callable[[Request], Any]) -> None:
        self._draws = draws
        self._context = context

    async def __call__(self, request: Request) -> Response:
        try:
            strange = sorted(set(request.query_params) - {"under"})
            if strange or len(request.query_params.getlist("under")) > 1:
                raise UsageError(
                    "BAD_ARGUMENT",
                    f"没有参数 {strange[0][:40]}" if strange else "under 只能给一次",
                    f"there is no parameter {strange[0][:40]}" if strange else "under may be given once",
                    "The only parameter is under, the code of a place: ?under=330109002.",
                )
            drawing = await self._draws.draw(
                self._context(request), request.path_params["level"], request.query_params.get("under")
            )
        except QuanxiError as error:
            return _problem(error, request)
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        # Each form of it has a tag of its own, as strong tags must (RFC 9110, section 8.8.1).
        tags = {drawing.tag, f"{drawing.tag}-gzip"}
        headers = {
            "ETag": f'"{drawing.tag}-gzip"' if zipped else f'"{drawing.tag}"',
            "Cache-Control": "private, no-cache",
            "Vary": "Accept-Encoding",
        }
        asked = request.headers.get("if-none-match", "")
        if asked.strip() == "*" or tags & set(_TAG.findall(asked)):
            return Response(status_code=304, headers=headers)
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(drawing.packed if zipped else drawing.text, media_type=GEOJSON, headers=headers)


def _problem(error: QuanxiError, request: Request) -> Response:
    known = ERROR_CODES.get(error.code)
    status = 404 if error.code == "NOT_FOUND" else known.status if known is not None else 500
    hint = getattr(error, "hint", None)
    body = {
        "type": f"/docs/errors.md#{error.code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": error.en,
        "detailZh": error.zh,
        "instance": f"urn:quanxi:request:{request.scope.get('quanxi.request_id', '')}",
        "code": error.code,
        **({"hint": hint} if hint else {}),
    }
    return JSONResponse(body, status, media_type="application/problem+json")
