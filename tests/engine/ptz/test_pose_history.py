"""Where the camera looked when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.geometry import Pose
from engine.ptz import PoseHistory

pytestmark = pytest.mark.ledger("LINK-8")


def history(*samples, moving=True):
    poses = PoseHistory()
    for at, pan in samples:
        poses.add(at, Pose(pan, 0.0, 30.0), moving=moving)
    return poses


def test_between_two_samples_the_pose_is_interpolated_across_the_seam():
    assert history((10.0, 170.0), (11.0, -170.0)).pose_at(10.75).pan_deg == pytest.approx(-175.0)


def test_before_the_first_sample_nothing_is_known():
    assert history((10.0, 0.0)).pose_at(9.9) is None
    assert PoseHistory().pose_at(10.0) is None


def test_beyond_the_last_sample_a_moving_head_goes_on_for_a_short_time():
    poses = history((10.0, 0.0), (10.1, 2.0))
    assert poses.pose_at(10.2).pan_deg == pytest.approx(4.0)
    assert poses.pose_at(15.0).pan_deg == pytest.approx(8.0)


def test_beyond_the_last_sample_a_standing_head_stands():
    assert history((10.0, 0.0), (10.1, 2.0), moving=False).pose_at(10.3).pan_deg == 2.0


def test_it_covers_the_last_fifteen_seconds_and_no_more():
    poses = history(*((float(at), float(at)) for at in range(100)))
    assert poses.pose_at(84.5).pan_deg == pytest.approx(84.5)
    assert poses.pose_at(80.0) is None


@given(st.permutations(range(8)))
def test_samples_that_come_late_are_sorted_in(order):
    poses = history(*((float(at), at * 3.0) for at in order))
    assert poses.pose_at(3.5).pan_deg == pytest.approx(10.5)


def test_a_sample_of_the_same_moment_replaces_the_first():
    assert history((1.0, 5.0), (1.0, 7.0)).pose_at(1.0).pan_deg == 7.0
