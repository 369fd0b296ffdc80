"""The simulated motors: limits are kept whatever is commanded, and commands do what they say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geometry import Pose, wrap_deg
from engine.core.motion import AxisState, plan_move
from engine.core.zoom import ZoomCurve
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.scene import MotorLimits

pytestmark = pytest.mark.ledger("SITE-1", "PTZ-1")

LIMITS = MotorLimits()
CURVE = ZoomCurve(((0.0, 60.0), (1.0, 3.0)))
HOME = Pose(0.0, -10.0, 60.0)
START = 1000.0
STEP = 0.01


def head(limits: MotorLimits = LIMITS, delay: float = 0.08) -> PtzDynamics:
    return PtzDynamics(limits, CURVE, HOME, start=START, command_delay_s=delay)


speeds = st.floats(-1.5, 1.5)
commands = st.one_of(
    st.tuples(st.just("absolute"), st.floats(-400, 400), st.floats(-200, 200), st.floats(-1, 2), st.floats(0.05, 1)),
    st.tuples(st.just("relative"), st.floats(-90, 90), st.floats(-90, 90), st.floats(-1, 1), st.floats(0.05, 1)),
    st.tuples(st.just("continuous"), speeds, speeds, speeds, st.floats(0.05, 3)),
    st.tuples(st.just("stop"), st.just(0.0), st.just(0.0), st.just(0.0), st.just(0.0)),
)


def give(ptz: PtzDynamics, at: float, command: tuple[str, float, float, float, float]) -> None:
    kind, pan, tilt, zoom, last = command
    if kind == "absolute":
        ptz.move_absolute(at, pan_deg=pan, tilt_deg=tilt, zoom=zoom, pan_speed=last, tilt_speed=last)
    elif kind == "relative":
        ptz.move_relative(at, pan_deg=pan, tilt_deg=tilt, zoom=zoom, pan_speed=last, tilt_speed=last)
    elif kind == "continuous":
        ptz.move_continuous(at, pan=pan, tilt=tilt, zoom=zoom, timeout_s=last)
    else:
        ptz.stop(at)


@settings(max_examples=60, deadline=None)
@given(play=st.lists(st.tuples(st.floats(0.0, 1.5), commands), min_size=1, max_size=6), endless=st.booleans())
def test_speed_acceleration_and_ends_are_never_exceeded(play, endless):
    limits = MotorLimits(pan_deg=None) if endless else LIMITS
    ptz = head(limits)
    pending = []
    moment = START
    for wait, command in play:
        moment += wait
        pending.append((moment, command))
    previous = ptz.state_at(START)
    for number in range(1, int((moment - START + 3) / STEP)):
        now = START + number * STEP
        while pending and pending[0][0] <= now:
            give(ptz, *pending.pop(0))
        state = ptz.state_at(now)
        for before, after, speed, acceleration, ends in (
            (previous.pan, state.pan, limits.pan_speed, limits.pan_acceleration, limits.pan_deg),
            (previous.tilt, state.tilt, limits.tilt_speed, limits.tilt_acceleration, limits.tilt_deg),
            (previous.zoom, state.zoom, limits.zoom_speed, limits.zoom_acceleration, (0.0, 1.0)),
        ):
            assert abs(after.speed) <= speed * (1 + 1e-6)
            assert abs(after.speed - before.speed) <= acceleration * STEP * (1 + 1e-6) + 1e-6
            assert abs(after.position - before.position) <= speed * STEP * (1 + 1e-6) + 1e-6
            if ends is not None:
                assert ends[0] - 1e-6 <= after.position <= ends[1] + 1e-6
        previous = state


@settings(max_examples=200, deadline=None)
@given(
    position=st.floats(-180, 180),
    speed=st.floats(-120, 120),
    goal=st.floats(-180, 180),
    fastest=st.floats(1, 120),
)
def test_a_move_ends_at_its_goal_without_a_jump(position, speed, goal, fastest):
    motion = plan_move(0.0, AxisState(position, speed), goal, fastest, 400.0)
    assert motion.end < 1000
    assert motion.state_at(motion.end).position == pytest.approx(goal, abs=1e-8)
    assert motion.state_at(motion.end).speed == 0.0
    just_before = motion.state_at(motion.end - 1e-6)
    assert just_before.position == pytest.approx(goal, abs=1e-3)
    assert just_before.speed == pytest.approx(0.0, abs=1e-2)


@given(pan=st.floats(-170, 170), tilt=st.floats(-90, 20), zoom=st.floats(0, 1))
def test_an_absolute_move_arrives(pan, tilt, zoom):
    ptz = head()
    ptz.move_absolute(START, pan_deg=pan, tilt_deg=tilt, zoom=zoom)
    pose = ptz.pose_at(START + 10)
    assert pose.pan_deg == pytest.approx(pan, abs=1e-6)
    assert pose.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert pose.hfov_deg == pytest.approx(CURVE.hfov_deg(zoom), rel=1e-6)
    state = ptz.state_at(START + 10)
    assert not state.pan_tilt_moving
    assert not state.zoom_moving


def test_a_command_takes_effect_after_its_delay():
    ptz = head(delay=0.08)
    ptz.move_absolute(START, pan_deg=90.0)
    assert ptz.pose_at(START + 0.079).pan_deg == 0.0
    assert not ptz.state_at(START + 0.079).pan_tilt_moving
    assert ptz.state_at(START + 0.081).pan_tilt_moving


def test_a_continuous_move_ends_by_its_time_out():
    ptz = head(delay=0.0)
    ptz.move_continuous(START, pan=0.5, timeout_s=1.0)
    assert ptz.state_at(START + 0.9).pan.speed == pytest.approx(60.0)
    assert ptz.state_at(START + 1.3).pan.speed == 0.0
    assert not ptz.state_at(START + 1.3).pan_tilt_moving


def test_a_newer_continuous_move_is_not_ended_by_the_older_ones_time_out():
    ptz = head(delay=0.0)
    ptz.move_continuous(START, pan=0.2, timeout_s=1.0)
    ptz.move_continuous(START + 0.8, pan=0.2, timeout_s=1.0)
    assert ptz.state_at(START + 1.5).pan.speed == pytest.approx(24.0)
    assert ptz.state_at(START + 2.5).pan.speed == 0.0


def test_stop_brakes():
    ptz = head(delay=0.0)
    ptz.move_continuous(START, pan=1.0, tilt=-0.1, zoom=1.0)
    ptz.stop(START + 1.0, zoom=False)
    state = ptz.state_at(START + 1.5)
    assert (state.pan.speed, state.tilt.speed) == (0.0, 0.0)
    assert state.zoom_moving


def test_a_relative_move_starts_from_where_the_head_is():
    ptz = head(delay=0.0)
    ptz.move_relative(START, pan_deg=20.0, tilt_deg=-5.0)
    ptz.move_relative(START + 3, pan_deg=-5.0)
    pose = ptz.pose_at(START + 6)
    assert (pose.pan_deg, pose.tilt_deg) == pytest.approx((15.0, -15.0))


@given(start=st.floats(-179, 179), goal=st.floats(-179, 179))
def test_an_endless_head_takes_the_shorter_way(start, goal):
    ptz = PtzDynamics(MotorLimits(pan_deg=None), CURVE, Pose(start, 0.0, 60.0), start=START, command_delay_s=0.0)
    ptz.move_absolute(START, pan_deg=goal)
    travelled = ptz.state_at(START + 10).pan.position - start
    assert abs(travelled) <= 180 + 1e-6
    assert wrap_deg(ptz.pose_at(START + 10).pan_deg - goal) == pytest.approx(0.0, abs=1e-6)


def test_the_past_can_be_asked_for():
    ptz = head(delay=0.0)
    ptz.move_absolute(START, pan_deg=60.0)
    seen = [ptz.pose_at(START + t / 10) for t in range(20)]
    ptz.move_absolute(START + 2, pan_deg=-60.0)
    ptz.pose_at(START + 4)
    assert [ptz.pose_at(START + t / 10) for t in range(20)] == seen


def test_the_whole_zoom_range_takes_about_two_and_a_half_seconds():
    ptz = head(delay=0.0)
    ptz.move_absolute(START, zoom=1.0)
    assert ptz.pose_at(START + 2.0).hfov_deg > 3.5
    assert ptz.pose_at(START + 2.8).hfov_deg == pytest.approx(3.0)
