"""Outlines of areas (GeoJSON) that come with a district's files, kept in the data directory for whoever draws maps.

A directory that is loaded may hold `geo/{level}.geojson`: FeatureCollections (RFC 7946, degrees, CGCS2000) of which each feature is an area
with its address code in `properties.code`.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import orjson

from ontology.errors import UsageError

FOLDER: Final = "geo"
_NAME: Final = re.compile(r"[a-z][a-z_]{0,31}")
_SHAPES: Final = ("Polygon", "MultiPolygon")


def keep_outlines(directory: Path, data: Path) -> list[str]:
    """Copies the outlines of a district that is loaded into `geo/` of the data directory, in the place of earlier ones of their level.

    Args:
        directory: the district's own directory, or the `feeds/` in it.
        data: the data directory.

    Returns:
        The levels that were kept, in order; none when the district has no outlines.

    Raises:
        UsageError: `BAD_FILE` for a file that is no collection of areas with codes; nothing is then copied.
    """
    whole = directory.parent if directory.name == "feeds" else directory
    found = {
        path.stem: path.read_bytes()
        for path in sorted((whole / FOLDER).glob("*.geojson"))
        if _NAME.fullmatch(path.stem)
    }
    for level, content in found.items():
        if (wrong := _wrong(content)) is not None:
            raise UsageError(
                "BAD_FILE",
                f"{FOLDER}/{level}.geojson 不是带编码的区域集合。",
                f"{FOLDER}/{level}.geojson is no collection of areas with codes: {wrong}.",
                "A FeatureCollection of Polygons, each with `code` among its properties.",
            )
    kept = data / FOLDER
    for level, content in found.items():
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=kept, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(kept / f"{level}.geojson")
    return list(found)


def _wrong(content: bytes) -> str | None:
    """Why the content cannot be served as areas; None when it can."""
    try:
        told: Any = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return f"no JSON ({error})"
    if not isinstance(told, dict) or told.get("type") != "FeatureCollection":
        return "no FeatureCollection"
    features = told.get("features")
    if not isinstance(features, list):
        return "no features"
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        shape = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(properties.get("code"), str):
            return f"feature {number} has no code"
        if not isinstance(shape, dict) or shape.get("type") not in _SHAPES:
            return f"feature {number} is no area"
    return None
