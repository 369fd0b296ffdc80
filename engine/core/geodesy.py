"""Places on Earth as directions of a mounted camera, and back.

Positions are geodetic, on the WGS 84 ellipsoid: latitude and longitude in degrees, height in metres above the
ellipsoid. The ellipsoid's constants are those of NGA.STND.0036 (World Geodetic System 1984, 2014), table 3.1; the
conversions between geodetic, Earth-centred (ECEF) and local east-north-up coordinates are the textbook ones (e.g. Torge
and Mueller, Geodesy). The way back from ECEF is Bowring's iteration (Transformation from spatial to geographical
coordinates, Survey Review 23, 1976), which converges to less than a millimetre in some steps.

Refraction and the curvature of light are left out: at one kilometre they are some centimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.geometry import Direction, wrap_deg

SEMI_MAJOR_AXIS_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
_MINOR_AXIS_M = SEMI_MAJOR_AXIS_M * (1 - FLATTENING)
_ECCENTRICITY2 = FLATTENING * (2 - FLATTENING)
_SECOND_ECCENTRICITY2 = _ECCENTRICITY2 / (1 - _ECCENTRICITY2)
_BOWRING_STEPS = 4


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A place: degrees north, degrees east, metres above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Mounting:
    """Where a PTZ camera stands, and how it is turned: its pan of 0 looks `heading_deg` clockwise from true north.

    It stands upright: tilt 0 is the horizon.
    """

    place: GeoPoint
    heading_deg: float

    def look_at(self, target: GeoPoint) -> tuple[Direction, float]:
        """The direction of a place in the camera's sphere, and its distance in metres.

        Raises ValueError for a place that is the camera's own.
        """
        east, north, up = (float(value) for value in _to_local(self.place) @ (_ecef(target) - _ecef(self.place)))
        distance_m = math.sqrt(east * east + north * north + up * up)
        if distance_m < 0.1:
            raise ValueError("the place is where the camera stands")
        azimuth_deg = math.degrees(math.atan2(east, north))
        tilt_deg = math.degrees(math.atan2(up, math.hypot(east, north)))
        return Direction(wrap_deg(azimuth_deg - self.heading_deg), tilt_deg), distance_m

    def place_at(self, direction: Direction, distance_m: float) -> GeoPoint:
        """The place that lies in a direction of the camera's sphere, so many metres away."""
        azimuth, tilt = math.radians(direction.pan_deg + self.heading_deg), math.radians(direction.tilt_deg)
        level_m = distance_m * math.cos(tilt)
        local = np.array([level_m * math.sin(azimuth), level_m * math.cos(azimuth), distance_m * math.sin(tilt)])
        return _geodetic(_ecef(self.place) + _to_local(self.place).T @ local)


def _ecef(point: GeoPoint) -> NDArray[np.float64]:
    """Earth-centred coordinates in metres: x towards 0 N 0 E, y towards 0 N 90 E, z towards the north pole."""
    latitude, longitude = math.radians(point.latitude_deg), math.radians(point.longitude_deg)
    normal_m = SEMI_MAJOR_AXIS_M / math.sqrt(1 - _ECCENTRICITY2 * math.sin(latitude) ** 2)
    level_m = (normal_m + point.height_m) * math.cos(latitude)
    return np.array(
        [
            level_m * math.cos(longitude),
            level_m * math.sin(longitude),
            (normal_m * (1 - _ECCENTRICITY2) + point.height_m) * math.sin(latitude),
        ]
    )


def _geodetic(ecef: NDArray[np.float64]) -> GeoPoint:
    x, y, z = (float(value) for value in ecef)
    level_m = math.hypot(x, y)
    reduced = math.atan2(z * SEMI_MAJOR_AXIS_M, level_m * _MINOR_AXIS_M)
    latitude = 0.0
    for _ in range(_BOWRING_STEPS):
        latitude = math.atan2(
            z + _SECOND_ECCENTRICITY2 * _MINOR_AXIS_M * math.sin(reduced) ** 3,
            level_m - _ECCENTRICITY2 * SEMI_MAJOR_AXIS_M * math.cos(reduced) ** 3,
        )
        reduced = math.atan2((1 - FLATTENING) * math.sin(latitude), math.cos(latitude))
    sine, cosine = math.sin(latitude), math.cos(latitude)
    # This form of the height holds at the poles as well as at the equator.
    surface_m = SEMI_MAJOR_AXIS_M * math.sqrt(1 - _ECCENTRICITY2 * sine * sine)
    height_m = level_m * cosine + z * sine - surface_m
    return GeoPoint(math.degrees(latitude), math.degrees(math.atan2(y, x)), height_m)


def _to_local(origin: GeoPoint) -> NDArray[np.float64]:
    """Turns differences of Earth-centred coordinates into east, north, up at a place; shape (3, 3)."""
    latitude, longitude = math.radians(origin.latitude_deg), math.radians(origin.longitude_deg)
    sin_lat, cos_lat, sin_lon, cos_lon = (
        math.sin(latitude),
        math.cos(latitude),
        math.sin(longitude),
        math.cos(longitude),
    )
    return np.array(
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )
