"""Positions as they are measured in China, to CGCS2000 in degrees.

WGS84 and CGCS2000 differ by centimetres (their ellipsoids by 0.1 mm, their frames by plate motion since epoch 2000.0), which
is less than any department's point is good for: they are taken as one. GCJ-02 (the "Mars" system of Chinese web maps, after
the State Bureau's GB 20263-2006) shifts by up to 700 m; its forward formula is the one published in the open since 2010
(eviltransform, coordTransform; Krasovsky 1940 ellipsoid). BD-09 is Baidu's further shift of GCJ-02. Neither has a closed
inverse: both are inverted by iteration. Outside China GCJ-02 shifts nothing.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Krasovsky 1940: semi-major axis in metres and first eccentricity squared, as the published formula has them.
AXIS: Final = 6_378_245.0
ECCENTRICITY: Final = 0.006_693_421_622_965_943
BAIDU: Final = math.pi * 3000.0 / 180.0
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
ROUNDS: Final = 12


def _in_china(longitude: Floats, latitude: Floats) -> npt.NDArray[np.bool_]:
    return (longitude >= WEST) & (longitude <= EAST) & (latitude >= SOUTH) & (latitude <= NORTH)


def _waves(value: Floats) -> Floats:
    """The terms that latitude and longitude share."""
    return np.asarray((20.0 * np.sin(6.0 * value * np.pi) + 20.0 * np.sin(2.0 * value * np.pi)) * 2.0 / 3.0)


def _shift(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    x, y = longitude - 105.0, latitude - 35.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + _waves(x)
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + _waves(x)
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = np.radians(latitude)
    magic = 1.0 - ECCENTRICITY * np.sin(radians) ** 2
    radius = AXIS * (1.0 - ECCENTRICITY) / (magic * np.sqrt(magic))
    east_radius = AXIS / np.sqrt(magic) * np.cos(radians)
    inside = _in_china(longitude, latitude)
    return np.where(inside, np.degrees(east / east_radius), 0.0), np.where(
        inside, np.degrees(north / radius), 0.0
    )


def to_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """CGCS2000 degrees, any shape → GCJ-02."""
    east, north = _shift(longitude, latitude)
    return longitude + east, latitude + north


def from_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """GCJ-02 degrees, any shape → CGCS2000, to better than 1e-9 degrees."""
    x, y = longitude.copy(), latitude.copy()
    for _ in range(ROUNDS):
        there_x, there_y = to_gcj02(x, y)
        x, y = x + longitude - there_x, y + latitude - there_y
    return x, y


def gcj02_to_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """GCJ-02 degrees → BD-09, by the published formula."""
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * BAIDU)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * BAIDU)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def from_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """BD-09 degrees → CGCS2000. The usual inverse to GCJ-02 is only good to 1e-6; here it is the start of an iteration."""
    x, y = longitude - 0.0065, latitude - 0.006
    for _ in range(ROUNDS):
        there_x, there_y = gcj02_to_bd09(x, y)
        x, y = x + longitude - there_x, y + latitude - there_y
    return from_gcj02(x, y)


def to_cgcs2000(system: str, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Degrees of `system` (CGCS2000, WGS84, GCJ02, BD09) as CGCS2000, in degrees rounded to 1e-8 (1 mm)."""
    if system == "GCJ02":
        longitude, latitude = from_gcj02(longitude, latitude)
    elif system == "BD09":
        longitude, latitude = from_bd09(longitude, latitude)
    else:
        return longitude, latitude
    return np.round(longitude, 8), np.round(latitude, 8)
