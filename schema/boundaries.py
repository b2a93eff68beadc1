"""The boundaries of streets, communities and grids as GeoJSON: surveyed ones from files, else cells drawn from the buildings."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from addresses.cells import cells, feature
from graph.compile import Compiler
from graph.queries import boundaries
from graph.viewer import Scope
from loaders.outlines import FOLDER
from ontology.errors import UsageError
from schema.context import Context

LEVELS: Final = ("district", "street", "community", "grid", "micro_grid")
_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Drawing:
    """A GeoJSON text and its tag. `packed` is the text through gzip."""

    text: bytes
    packed: bytes
    tag: str


class Boundaries:
    """Draws boundaries, and keeps what it drew until the places change.

    Args:
        data: the data directory, where files of surveyed boundaries may lie; None when there is none.
    """

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        self._kept: OrderedDict[tuple[Any, ...], Drawing] = OrderedDict()
        self._lock = asyncio.Lock()

    async def draw(self, context: Context, level: str, under: str | None) -> Drawing:
        """The areas of a level, as far as the viewer may see them.

        Args:
            under: code of a place that they are to lie in.

        Raises:
            UsageError: NOT_FOUND for a level that has no boundaries, BAD_CODE.
        """
        if level not in LEVELS:
            raise UsageError(
                "NOT_FOUND",
                f"没有层级 {level[:40]} 的边界",
                f"there are no boundaries of a level {level[:40]}",
                f"There are: {', '.join(LEVELS)}.",
            )
        within = context.scheme.parse(under).code if under is not None else None
        scope = _scope(context)
        read, timeout = context.store.read, context.timeout
        stamped, pointed, named = boundaries.stamp(scope), boundaries.points(scope), boundaries.names(scope)
        params: dict[str, Any] = {
            **scope.parameters, "as_of": context.clock.today_text(), "level": level.upper(), "levels": list(boundaries.LEVELS),
        }  # fmt: skip
        # One at a time: a drawing of the whole district takes a core for seconds.
        async with self._lock:
            path = self._file(level)
            if path is not None:
                at = path.stat()
                stamp: Any = (at.st_mtime_ns, at.st_size)
            else:
                stamp = tuple((await read(stamped, params, timeout=timeout))[0])
            key = (level, within, context.viewer, params["as_of"], stamp)
            held = self._kept.get(key)
            if held is not None:
                self._kept.move_to_end(key)
                return held
            names = await read(named, params, timeout=timeout)
            if path is not None:
                drawing = await asyncio.to_thread(_surveyed, context, path, names, within)
            else:
                rows = await read(pointed, params, timeout=60.0)
                drawing = await asyncio.to_thread(_drawn, context, level.upper(), rows, names, within)
            self._kept[key] = drawing
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return drawing

    def _file(self, level: str) -> Path | None:
        path = self._data / FOLDER / f"{level}.geojson" if self._data is not None else None
        return path if path is not None and path.is_file() else None


def _scope(context: Context) -> Scope:
    nothing: Any = None
    return Compiler(
        nothing, context.viewer, context.scheme, context.terms, context.clock.today_text(), context.rolled_for
    ).scope


def _drawn(context: Context, level: str, rows: list[Any], names: list[Any], within: str | None) -> Drawing:
    points, areas = [], []
    for code, grid, longitude, latitude in rows:
        base = grid if level in ("GRID", "MICRO_GRID") else code
        area = context.scheme.at_level(base, level) if base and context.scheme.level_of(base) else None
        if area is not None:
            points.append((longitude, latitude))
            areas.append(area)
    called = {code: (name, full) for code, name, full in names}
    drawn = cells(points, areas)
    return _packed(
        [
            feature(
                code,
                {"level": level, "name": called[code][0], "fullName": called[code][1], "drawn": True},
                ground,
            )
            for code, ground in drawn.items()
            if code in called and _lies_in(context, code, within) and not ground.is_empty
        ]
    )


def _surveyed(context: Context, path: Path, names: list[Any], within: str | None) -> Drawing:
    try:
        features = orjson.loads(path.read_bytes())["features"]
        kept = {str(f["properties"]["code"]): f for f in features}
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "BAD_FILE",
            f"边界文件 {path.name} 有误",
            f"the file of boundaries {path.name} is no GeoJSON of features with a property `code`",
        ) from None
    called = {code: (name, full) for code, name, full in names}
    return _packed(
        [
            {
                "type": "Feature",
                "id": code,
                "properties": {
                    **kept[code]["properties"],
                    "name": called[code][0],
                    "fullName": called[code][1],
                    "drawn": False,
                },
                "geometry": kept[code]["geometry"],
            }
            for code in sorted(kept)
            if code in called and _lies_in(context, code, within)
        ]
    )


def _lies_in(context: Context, code: str, within: str | None) -> bool:
    return within is None or context.scheme.is_within(code, within)


def _packed(features: list[dict[str, Any]]) -> Drawing:
    text = orjson.dumps({"type": "FeatureCollection", "features": features})
    return Drawing(text, gzip.compress(text, 6, mtime=0), hashlib.sha256(text).hexdigest()[:32])
