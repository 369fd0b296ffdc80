"""The pursuit benchmark: its measures tell what they claim, on courses whose figures are known beforehand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.ptz.baseline import stop_look_move
from benchmarks.ptz.course import Belief, Course, Sample, run
from benchmarks.ptz.head import FAST, SLOW, VARIANTS, HeadClass
from benchmarks.ptz.measures import figures
from benchmarks.ptz.oracle import foresee
from benchmarks.ptz.ours import pursue
from benchmarks.ptz.scenes import ORDER_S, SCENES
from benchmarks.ptz.world import CAMERA_M, Target, around, to_and_fro
from engine.core.geometry import Direction, Pose

pytestmark = pytest.mark.ledger("LINK-4")

STANDING = next(scene for scene in SCENES if scene.standing)
RUNNER = next(scene for scene in SCENES if scene.name.startswith("runner"))


def course_looking(beside_deg: float, belief_deg: float = 0.0) -> Course:
    """A camera that looks so far beside somebody who stands, all the time, in a picture of 20 degrees."""
    look = STANDING.targets[0].look(0.0)
    assert look is not None
    direction = look.direction
    pose = Pose(direction.pan_deg + beside_deg, direction.tilt_deg, 20.0)
    belief = Belief(Direction(direction.pan_deg + belief_deg, direction.tilt_deg), look.height_deg)
    name = STANDING.targets[0].name
    samples = [Sample(number / 10, {name: look}, pose, belief) for number in range(round(STANDING.seconds * 10))]
    return Course(samples, sent=[ORDER_S + 10.0])


def test_who_is_in_the_middle_is_in_view_and_captured():
    found = figures(STANDING, course_looking(0.0))
    assert (found.out_of_view, found.captured, found.capturable) == (0.0, 1, 1)
    assert found.offset == pytest.approx(0.0, abs=1e-6)
    assert found.overlap == pytest.approx(1.0)
    assert found.capture_s < 0.5
    assert found.moves_per_minute > 0


def test_who_is_beside_the_picture_is_out_of_view_and_never_captured():
    found = figures(STANDING, course_looking(15.0))
    assert (found.out_of_view, found.captured) == (1.0, 0)
    assert found.capture_s == STANDING.seconds - ORDER_S


def test_offsets_and_errors_are_in_widths_of_the_picture():
    found = figures(STANDING, course_looking(4.0, belief_deg=2.0))
    assert found.offset == pytest.approx(0.2, abs=0.01)
    assert found.error == pytest.approx(0.1, abs=0.01)


def test_a_path_goes_at_its_speed_and_turns_without_a_jump():
    path = to_and_fro((0.0, 10.0), (10.0, 10.0), 2.0, 1.0)
    places = [path(number / 100) for number in range(2000)]
    assert all(place is not None for place in places)
    steps = [abs(b[0] - a[0]) for a, b in pairwise(places) if a and b]
    assert max(steps) == pytest.approx(0.02, rel=0.01)
    changes = [abs(b - a) for a, b in pairwise(steps)]
    assert max(changes) < 0.001
    circle = around((0.0, 20.0), 5.0, 3.0)
    start, later = circle(0.0), circle(0.1)
    assert start is not None
    assert later is not None
    assert abs(later[0] - start[0]) + abs(later[1] - start[1]) == pytest.approx(0.3, rel=0.1)


def test_a_target_that_stands_far_away_is_seen_small_and_just_below_the_horizon():
    look = Target("far", lambda _: (0.0, 1000.0)).look(0.0)
    assert look is not None
    assert -CAMERA_M / 10 < look.direction.tilt_deg < 0
    assert look.height_deg == pytest.approx(0.1, abs=0.01)


def test_the_same_run_gives_the_same_figures():
    first, second = (figures(STANDING, run(pursue(STANDING, FAST, VARIANTS["everything"], 3))) for _ in range(2))
    assert first == second


def test_the_oracle_is_on_target_where_stop_look_move_is_not():
    oracle = figures(RUNNER, run(foresee(RUNNER, SLOW)))
    baseline = figures(RUNNER, run(stop_look_move(RUNNER, SLOW, 1)))
    assert oracle.out_of_view < 0.06
    assert oracle.offset < 0.01
    assert baseline.out_of_view > 5 * oracle.out_of_view


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_runner_is_kept_in_view_by_whatever_moves_the_camera_has(variant: str):
    ours, oracle = (
        figures(RUNNER, run(pursue(RUNNER, FAST, VARIANTS[variant], 1))),
        figures(RUNNER, run(foresee(RUNNER, FAST))),
    )
    assert ours.out_of_view <= oracle.out_of_view + 0.03
    assert ours.captured == 1


@pytest.mark.parametrize("head", [FAST, SLOW], ids=["fast", "slow"])
def test_the_motors_rest_for_a_standing_target(head: HeadClass):
    assert figures(STANDING, run(pursue(STANDING, head, VARIANTS["everything"], 1))).moves_per_minute == 0
