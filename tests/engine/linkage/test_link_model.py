"""From pixels of the overview to directions and back, and the calibration that finds the way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.schema import PointPair
from engine.core.geometry import Box, Direction, Point, Pose
from engine.linkage import FitRefused, Framing, LinkModel, fit_link

pytestmark = pytest.mark.ledger("LINK-1")

ASPECT = 16 / 9
units = st.floats(0.01, 0.99)


@given(
    units,
    units,
    st.floats(-180, 179),
    st.floats(-60, 20),
    st.floats(-10, 10),
    st.floats(30, 110),
    st.floats(-0.08, 0.2),
)
def test_a_point_of_a_flat_picture_survives_the_way_to_its_direction_and_back(x, y, pan, tilt, roll, hfov, k1):
    model = LinkModel("pinhole", ASPECT, (pan, tilt, roll), hfov, k1)
    back = model.point(model.direction(Point(x, y)))
    assert (back.x, back.y) == pytest.approx((x, y), abs=1e-6)


@given(units, units, st.floats(-180, 179), st.floats(-80, 80), st.floats(-180, 179))
def test_a_point_of_a_panorama_survives_too(x, y, pan, tilt, roll):
    model = LinkModel("equirectangular", 2.0, (pan, tilt, roll))
    back = model.point(model.direction(Point(x, y)))
    assert (back.x, back.y) == pytest.approx((x, y), abs=1e-6)


@given(units, units, st.floats(-180, 179), st.floats(-80, 80), st.floats(20, 120))
def test_without_roll_and_distortion_it_is_a_pose(x, y, pan, tilt, hfov):
    model = LinkModel("pinhole", ASPECT, (pan, tilt, 0.0), hfov)
    assert model.direction(Point(x, y)).angle_to(Pose(pan, tilt, hfov).direction_of(Point(x, y), ASPECT)) < 1e-6


def test_what_lies_behind_a_flat_picture_has_no_point_in_it():
    assert LinkModel("pinhole", ASPECT, (0.0, 0.0, 0.0)).point(Direction(180.0, 0.0)) is None


def pairs_of(model, points, rng, pixels=2.0):
    pairs = []
    for x, y in points:
        direction = model.direction(Point(x, y))
        noise = rng.normal(0, pixels, 2) / (1280, 720)
        pairs.append(PointPair(x + noise[0], y + noise[1], direction.pan_deg, direction.tilt_deg))
    return pairs


def error_over_picture(fitted, truth):
    steps = np.linspace(0.05, 0.95, 7)
    errors = [fitted.direction(Point(x, y)).angle_to(truth.direction(Point(x, y))) for x in steps for y in steps]
    return math.sqrt(np.mean(np.square(errors)))


CORNERS = ((0.2, 0.25), (0.8, 0.25), (0.2, 0.8), (0.8, 0.8))


@pytest.mark.parametrize("hfov", [50.0, 90.0, 110.0])
def test_four_pairs_clicked_two_pixels_off_give_half_a_degree(hfov):
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(15):
        truth = LinkModel("pinhole", ASPECT, (rng.uniform(-180, 180), rng.uniform(-50, 0), rng.uniform(-5, 5)), hfov)
        points = [(x + rng.uniform(-0.08, 0.08), y + rng.uniform(-0.08, 0.08)) for x, y in CORNERS]
        fit = fit_link(pairs_of(truth, points, rng), "pinhole", ASPECT)
        worst = max(worst, error_over_picture(fit.model, truth))
        assert len(fit.residuals_deg) == 4
    assert worst <= 0.5


def test_a_panorama_needs_its_rotation_only():
    rng = np.random.default_rng(8)
    truth = LinkModel("equirectangular", 2.0, (170.0, 8.0, -4.0))
    # A pixel of a panorama is three times as wide as one of a flat picture.
    points = ((0.1, 0.4), (0.4, 0.6), (0.7, 0.45), (0.95, 0.55))
    fit = fit_link(pairs_of(truth, points, rng, pixels=0.7), "equirectangular", 2.0)
    assert error_over_picture(fit.model, truth) <= 0.5


def test_six_spread_pairs_tell_the_distortion():
    rng = np.random.default_rng(9)
    truth = LinkModel("pinhole", ASPECT, (20.0, -20.0, 1.0), 95.0, 0.12)
    points = (*CORNERS, (0.5, 0.5), (0.05, 0.5), (0.95, 0.5), (0.5, 0.1))
    fit = fit_link(pairs_of(truth, points, rng, pixels=1.0), "pinhole", ASPECT)
    assert fit.model.k1 == pytest.approx(0.12, abs=0.04)
    assert error_over_picture(fit.model, truth) <= 0.5


def test_the_expected_error_is_about_what_comes_out():
    rng = np.random.default_rng(10)
    truth = LinkModel("pinhole", ASPECT, (0.0, -20.0, 0.0), 80.0)
    fits = [fit_link(pairs_of(truth, CORNERS, rng), "pinhole", ASPECT) for _ in range(10)]
    actual = math.sqrt(np.mean([error_over_picture(fit.model, truth) ** 2 for fit in fits]))
    expected = math.sqrt(np.mean(np.square(fits[0].expected_error_deg)))
    assert 0.4 < actual / expected < 2.5


def good_pairs(count=4):
    truth = LinkModel("pinhole", ASPECT, (0.0, -20.0, 0.0), 80.0)
    points = (*CORNERS, (0.5, 0.5), (0.1, 0.5))[:count]
    return pairs_of(truth, points, np.random.default_rng(11))


def test_too_few_pairs_are_refused():
    with pytest.raises(FitRefused, match="3 pairs are not enough"):
        fit_link(good_pairs()[:3], "pinhole", ASPECT)


def test_pairs_in_one_corner_are_refused_and_the_closest_named():
    truth = LinkModel("pinhole", ASPECT, (0.0, -20.0, 0.0), 80.0)
    points = ((0.1, 0.1), (0.13, 0.1), (0.1, 0.14), (0.135, 0.142))
    with pytest.raises(FitRefused, match="too close together"):
        fit_link(pairs_of(truth, points, np.random.default_rng(1), pixels=0.5), "pinhole", ASPECT)


def test_one_wrong_pair_among_six_is_named():
    pairs = good_pairs(6)
    wrong = pairs[2]
    pairs[2] = PointPair(wrong.x, wrong.y, wrong.pan_deg + 25.0, wrong.tilt_deg)
    with pytest.raises(FitRefused, match="pair 3 contradicts") as refused:
        fit_link(pairs, "pinhole", ASPECT)
    assert refused.value.pairs == (2,)
    with pytest.raises(FitRefused, match="contradict each other") as refused:
        fit_link(pairs, "pinhole", ASPECT, blame=False)
    assert refused.value.pairs == (), "who is to blame was not asked"


def test_pairs_that_contradict_each_other_are_named():
    pairs = good_pairs()
    first = pairs[0]
    twin = PointPair(first.x, first.y, first.pan_deg + 30, first.tilt_deg)
    with pytest.raises(FitRefused, match="pairs 1 and 5 are the same point"):
        fit_link([*pairs, twin], "pinhole", ASPECT)
    moved = PointPair(0.6, 0.6, first.pan_deg, first.tilt_deg)
    with pytest.raises(FitRefused, match="pairs 1 and 5 look in the same direction"):
        fit_link([*pairs, moved], "pinhole", ASPECT)


@pytest.mark.ledger("LINK-4", "LINK-9")
@given(st.floats(0.2, 0.7), st.floats(0.2, 0.6), st.floats(0.1, 0.3), st.floats(0.2, 0.8))
def test_a_framed_box_has_the_asked_height_in_the_ptz_picture(x, y, height, ratio):
    model = LinkModel("pinhole", ASPECT, (30.0, -10.0, 0.0), 70.0)
    box = Box(x, y, 0.02, height)
    aim, hfov = model.frame_box(box, Framing(ratio, 50.0, ASPECT, 0.5, 120.0))
    pose = Pose(aim.pan_deg, aim.tilt_deg, hfov)
    top = pose.point_of(model.direction(Point(box.centre.x, box.y)), ASPECT)
    bottom = pose.point_of(model.direction(Point(box.centre.x, box.bottom)), ASPECT)
    assert bottom.y - top.y == pytest.approx(ratio, rel=0.15)


@pytest.mark.ledger("LINK-9")
def test_the_vertical_offset_says_which_part_is_centred():
    model = LinkModel("pinhole", ASPECT, (0.0, 0.0, 0.0), 70.0)
    box = Box(0.4, 0.3, 0.05, 0.4)
    top, _ = model.frame_box(box, Framing(vertical_offset=0.0))
    bottom, _ = model.frame_box(box, Framing(vertical_offset=100.0))
    assert top.angle_to(model.direction(Point(0.425, 0.3))) < 1e-6
    assert bottom.angle_to(model.direction(Point(0.425, 0.7))) < 1e-6
