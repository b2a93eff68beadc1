"""All places that something can be at, in one numbered table: homes, buildings, units, sites, communities."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from seed.places import Places


@dataclass(frozen=True, slots=True)
class Spots:
    """Codes and full names; `…_at` is where each kind begins."""

    code: pl.Series
    full: pl.Series
    home_at: int
    building_at: int
    unit_at: int
    site_at: int
    community_at: int


def build_spots(places: Places) -> Spots:
    """Number the places."""
    parts = [places.homes, places.buildings, places.units, places.sites]
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    code = pl.concat([p["code"] for p in parts] + [pl.Series("code", [c.code for c in places.communities])])
    full = pl.concat([p["full"] for p in parts] + [pl.Series("full", [c.full for c in places.communities])])
    return Spots(code, full, *starts)
