"""Places on Earth as directions of a camera."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.geodesy import (
    FLATTENING,
    SEMI_MAJOR_AXIS_M,
    GeoPoint,
    Mounting,
    _ecef,
    _geodetic,
)
from engine.core.geometry import Direction

pytestmark = pytest.mark.ledger("ONVIF-6")

latitudes = st.floats(-89.9, 89.9)
longitudes = st.floats(-180, 180)
heights = st.floats(-400, 9000)
points = st.builds(GeoPoint, latitudes, longitudes, heights)
headings = st.floats(0, 360)
directions = st.builds(Direction, st.floats(-180, 179.99), st.floats(-89.9, 89.9))


def test_earth_centred_coordinates_of_known_places():
    assert _ecef(GeoPoint(0, 0)) == pytest.approx([SEMI_MAJOR_AXIS_M, 0, 0])
    assert _ecef(GeoPoint(0, 90)) == pytest.approx([0, SEMI_MAJOR_AXIS_M, 0], abs=1e-6)
    assert _ecef(GeoPoint(90, 0)) == pytest.approx([0, 0, SEMI_MAJOR_AXIS_M * (1 - FLATTENING)], abs=1e-6)
    minor_axis_m = SEMI_MAJOR_AXIS_M * (1 - FLATTENING)
    assert minor_axis_m == pytest.approx(6_356_752.3142, abs=1e-4)


@pytest.mark.parametrize(
    ("latitude_deg", "north_m", "east_m"),
    # The lengths of one degree of latitude and of longitude on WGS 84 (National Geospatial-Intelligence Agency).
    [
        (0.0, 110_574.3, 111_319.5),
        (45.0, 111_131.7, 78_846.8),
        (60.0, 111_412.2, 55_800.2),
        (80.0, 111_659.9, 19_393.4),
    ],
)
def test_degrees_are_as_long_as_they_are_known_to_be(latitude_deg, north_m, east_m):
    step = 1e-3
    place = GeoPoint(latitude_deg, 10.0)
    mounting = Mounting(place, 0.0)
    _, to_north = mounting.look_at(GeoPoint(latitude_deg + step, 10.0))
    _, to_east = mounting.look_at(GeoPoint(latitude_deg, 10.0 + step))
    assert to_north / step == pytest.approx(north_m, rel=2e-5)
    assert to_east / step == pytest.approx(east_m, rel=2e-5)


@pytest.mark.parametrize(
    ("latitude_step", "longitude_step", "azimuth_deg"),
    [(1e-3, 0, 0), (0, 1e-3, 90), (-1e-3, 0, 180), (0, -1e-3, 270)],
)
@pytest.mark.parametrize("heading_deg", [0.0, 135.0, 300.0])
def test_pan_counts_clockwise_from_where_the_camera_is_turned(latitude_step, longitude_step, azimuth_deg, heading_deg):
    mounting = Mounting(GeoPoint(48.0, 11.0, 500.0), heading_deg)
    direction, _ = mounting.look_at(GeoPoint(48.0 + latitude_step, 11.0 + longitude_step, 500.0))
    off = (direction.pan_deg - (azimuth_deg - heading_deg) + 180) % 360 - 180
    assert abs(off) < 1e-3
    assert -180 <= direction.pan_deg < 180


def test_tilt_is_below_the_horizon_for_what_is_lower():
    mounting = Mounting(GeoPoint(48.0, 11.0, 510.0), 0.0)
    away = 100.0 / 111_200.0
    direction, distance_m = mounting.look_at(GeoPoint(48.0 + away, 11.0, 500.0))
    assert direction.tilt_deg == pytest.approx(-math.degrees(math.atan(10 / 100)), abs=0.05)
    assert distance_m == pytest.approx(math.hypot(100, 10), rel=1e-3)


@given(points)
def test_there_and_back_again_by_the_centre_of_the_earth(point):
    back = _geodetic(_ecef(point))
    assert back.latitude_deg == pytest.approx(point.latitude_deg, abs=1e-9)
    assert (back.longitude_deg - point.longitude_deg + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
    assert back.height_m == pytest.approx(point.height_m, abs=1e-5)


@given(points, headings, directions, st.floats(1.0, 20_000.0))
def test_the_place_in_a_direction_is_seen_in_that_direction(place, heading_deg, direction, distance_m):
    mounting = Mounting(place, heading_deg)
    found, found_m = mounting.look_at(mounting.place_at(direction, distance_m))
    assert found.angle_to(direction) < 0.001
    assert found_m == pytest.approx(distance_m, abs=1e-3)


def test_the_cameras_own_place_has_no_direction():
    mounting = Mounting(GeoPoint(48.0, 11.0, 510.0), 0.0)
    with pytest.raises(ValueError, match="where the camera stands"):
        mounting.look_at(GeoPoint(48.0, 11.0, 510.0))
