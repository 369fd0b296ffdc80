"""Degrees against ONVIF's coordinate spaces."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cameras.spaces import (
    GENERIC_POSITION,
    GENERIC_TRANSLATION,
    SIGNED,
    SPHERICAL_POSITION,
    UNIT,
    ZOOM_POSITION,
    HeadGeometry,
    Interval,
    Line,
    Plane,
    Spaces,
)
from engine.core.geometry import wrap_deg

pytestmark = pytest.mark.ledger("PTZ-1")

SPHERICAL = Plane(SPHERICAL_POSITION, Interval(-170.0, 170.0), Interval(-90.0, 20.0))
GENERIC = Plane(GENERIC_POSITION, SIGNED, SIGNED)


def bounds(low: object, high: object) -> SimpleNamespace:
    return SimpleNamespace(Min=low, Max=high)


@pytest.mark.parametrize("values", [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_interval_is_never_empty(values: tuple[float, float]):
    with pytest.raises(ValueError, match="not an interval"):
        Interval(*values)


@given(st.floats(-1000, 1000), st.floats(-360, 350), st.floats(1, 360))
def test_an_angle_inside_the_range_keeps_its_direction(angle: float, low: float, width: float):
    interval = Interval(low, low + width)
    fitted = interval.fit_angle(angle)
    assert interval.low <= fitted <= interval.high
    if width >= 360:
        assert wrap_deg(fitted - angle) == pytest.approx(0, abs=1e-6) or abs(wrap_deg(fitted - angle)) > 359.99


def test_an_angle_beyond_the_stops_goes_to_the_nearer_one():
    interval = Interval(-170, 170)
    assert interval.fit_angle(178) == 170
    assert interval.fit_angle(-178) == -170
    assert interval.fit_angle(190) == 190 - 360
    assert Interval(0, 350).fit_angle(-20) == 340
    assert Interval(0, 350).fit_angle(357) == 0


@given(st.floats(-170, 170), st.floats(-90, 20))
def test_a_spherical_head_takes_degrees_as_they_are(pan: float, tilt: float):
    head = HeadGeometry.of(Spaces(spherical=SPHERICAL, position=GENERIC), (-1, 1), (-1, 1))
    x, y, uri = head.to_position(pan, tilt)
    assert uri == SPHERICAL_POSITION
    assert (x, y) == pytest.approx((pan, tilt))
    assert head.to_direction(x, y, uri) == pytest.approx((pan, tilt))


@given(st.floats(-175, 175), st.floats(-60, 30))
def test_a_generic_head_maps_its_range_evenly(pan: float, tilt: float):
    head = HeadGeometry.of(Spaces(position=GENERIC), (-175, 175), (-60, 30))
    x, y, uri = head.to_position(pan, tilt)
    assert uri == GENERIC_POSITION
    assert -1 <= x <= 1
    assert -1 <= y <= 1
    assert head.to_direction(x, y, uri) == pytest.approx((pan, tilt), abs=1e-6)


def test_the_ends_of_a_generic_head_are_the_ends_of_its_range():
    head = HeadGeometry.of(Spaces(position=GENERIC), (-175, 175), (-60, 30))
    assert head.to_position(500 - 360, -80)[:2] == pytest.approx((0.8, -1))
    assert head.to_direction(1, 1, GENERIC_POSITION) == (175, 30)
    assert head.to_direction(0, 0, None) == (0, -15)


def test_a_spherical_head_that_reports_in_the_generic_space_is_understood():
    head = HeadGeometry.of(Spaces(spherical=SPHERICAL, position=GENERIC), (-1, 1), (-1, 1))
    assert head.to_direction(0.5, -1, GENERIC_POSITION) == (85, -90)


def test_a_range_beyond_half_a_turn_comes_back_wrapped():
    head = HeadGeometry.of(Spaces(position=GENERIC), (0, 350), (-90, 0))
    x, y, _ = head.to_position(-20, -45)
    assert head.to_direction(x, y, GENERIC_POSITION) == pytest.approx((-20, -45))


def test_a_relative_move_counts_in_whole_ranges():
    head = HeadGeometry.of(Spaces(translation=Plane(GENERIC_TRANSLATION, SIGNED, SIGNED)), (-180, 180), (-90, 0))
    assert head.to_translation(36, -9)[:2] == pytest.approx((0.1, -0.1))
    assert head.to_translation(999, 0)[0] == 1


@given(st.floats(0, 1))
def test_zoom_goes_there_and_back(zoom: float):
    head = HeadGeometry.of(Spaces(zoom_position=Line(ZOOM_POSITION, Interval(1, 30))), (-1, 1), (-1, 1))
    assert head.from_zoom(head.to_zoom(zoom)) == pytest.approx(zoom, abs=1e-9)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_position_that_is_no_number_is_refused(value: float):
    head = HeadGeometry.of(Spaces(position=GENERIC), (-1, 1), (-1, 1))
    with pytest.raises(ValueError, match="not finite"):
        head.to_direction(value, 0, None)
    with pytest.raises(ValueError, match="not finite"):
        head.from_zoom(value)


def test_malformed_spaces_of_a_node_count_as_missing():
    broken = SimpleNamespace(
        AbsolutePanTiltPositionSpace=[
            SimpleNamespace(URI=SPHERICAL_POSITION, XRange=bounds("a", 1), YRange=bounds(0, 1)),
            SimpleNamespace(URI=f" {GENERIC_POSITION}\n", XRange=bounds(-1, 1), YRange=bounds(-1, 1)),
        ],
        AbsoluteZoomPositionSpace=[SimpleNamespace(URI=ZOOM_POSITION, XRange=bounds(1, 0))],
        ZoomSpeedSpace=None,
    )
    assert Spaces.from_node(broken) == Spaces(position=GENERIC)
    assert Spaces.from_node(None) == Spaces()


def test_intervals_map_and_clamp():
    assert UNIT.map_to(SIGNED, 0.25) == -0.5
    assert UNIT.map_to(SIGNED, 7) == 1
