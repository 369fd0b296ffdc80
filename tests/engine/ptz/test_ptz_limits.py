"""Pan arcs, tilt ranges and what is left of the way to them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.core.geometry import wrap_deg
from engine.ptz import Limits

pytestmark = pytest.mark.ledger("PTZ-1")

angles = st.floats(-720, 720)
arcs = st.tuples(st.floats(-180, 180), st.floats(-180, 180)).filter(lambda arc: (arc[1] - arc[0]) % 360 > 1)


def inside(limits, pan):
    return (pan - limits.pan_deg[0]) % 360 <= limits.pan_span_deg + 1e-6 or (limits.pan_deg[0] - pan) % 360 < 1e-6


@given(arcs, angles)
def test_a_clamped_pan_lies_in_the_arc_and_an_allowed_one_stays(arc, pan):
    limits = Limits(pan_deg=arc)
    clamped = limits.clamp_pan(pan)
    assert inside(limits, clamped)
    if inside(limits, pan):
        assert abs(wrap_deg(clamped - pan)) < 1e-6


@given(arcs, angles, angles)
def test_the_way_between_two_angles_never_leaves_the_arc(arc, start, end):
    limits = Limits(pan_deg=arc)
    start, end = limits.clamp_pan(start), limits.clamp_pan(end)
    path = limits.pan_path(start, end)
    for part in (0.25, 0.5, 0.75):
        assert inside(limits, start + path * part)
    # The far ends of a full circle are the same angle, reached from two sides.
    assume(limits.pan_span_deg < 359.9)
    assert abs(wrap_deg(limits.pan_advance(start, path) - end)) < 1e-6


@given(angles, angles)
def test_without_limits_the_shorter_way_round_is_taken(start, end):
    assert abs(Limits().pan_path(start, end)) <= 180


def test_the_narrow_arc_behind_the_camera_is_an_arc_too():
    limits = Limits(pan_deg=(170, -170))
    assert limits.pan_span_deg == pytest.approx(20)
    assert limits.clamp_pan(0) in {170, -170}
    assert limits.pan_path(175, -175) == pytest.approx(10)


def test_limits_shrink_to_what_the_camera_reaches():
    limits = Limits(pan_deg=(-170, 170), tilt_deg=(-80, 20)).within((-90, 90), (-45, 10))
    assert limits.pan_deg == (-90, 90)
    assert limits.tilt_deg == (-45, 10)


def test_limits_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="lower tilt limit"):
        Limits(tilt_deg=(10, -10))
