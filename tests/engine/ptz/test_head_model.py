"""The model of a head: where it is and will be by what it was told, beside motors that know nothing of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geometry import Pose, wrap_deg
from engine.core.zoom import ZoomCurve
from engine.ptz import Limits, MotorSpeeds
from engine.ptz.head_model import HeadModel
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.scene import MotorLimits

pytestmark = pytest.mark.ledger("PTZ-1", "LINK-9")

SPEEDS = MotorSpeeds(90.0, 60.0, 0.4, ramp_s=0.3)
DELAY_S = 0.2
START = 1000.0
CURVE = ZoomCurve(((0.0, 60.0), (1.0, 3.0)))
LIMITS = Limits(tilt_deg=(-90.0, 20.0))


def motors() -> PtzDynamics:
    """Those that the model is told of: the same speeds, ramps and delay."""
    limits = MotorLimits(
        pan_deg=None,
        tilt_deg=(-90.0, 20.0),
        pan_speed=90.0,
        tilt_speed=60.0,
        zoom_speed=0.4,
        pan_acceleration=300.0,
        tilt_acceleration=200.0,
        zoom_acceleration=0.4 / 0.3,
    )
    return PtzDynamics(limits, CURVE, Pose(10.0, -20.0, 60.0), start=START - 1, command_delay_s=DELAY_S)


def known(at: float = START, pan: float = 10.0, tilt: float = -20.0, zoom: float = 0.0) -> HeadModel:
    model = HeadModel(LIMITS, SPEEDS, DELAY_S)
    model.report(at, pan, tilt, zoom, moving=False)
    return model


velocities = st.floats(-1, 1)
commands = st.one_of(
    st.tuples(st.just("place"), st.floats(-180, 179), st.floats(-80, 20), st.floats(0, 1)),
    st.tuples(st.just("turn"), velocities, velocities, velocities),
    st.tuples(st.just("halt"), st.just(0.0), st.just(0.0), st.just(0.0)),
)


def tell(model: HeadModel, head: PtzDynamics, command: tuple[str, float, float, float], now: float) -> None:
    kind, pan, tilt, zoom = command
    if kind == "place":
        model.place(now, pan_deg=pan, tilt_deg=tilt, zoom=zoom)
        head.move_absolute(now, pan_deg=pan, tilt_deg=tilt, zoom=zoom)
    elif kind == "turn":
        model.turn(now, pan=pan, tilt=tilt, zoom=zoom)
        head.move_continuous(now, pan=pan, tilt=tilt, zoom=zoom, timeout_s=1000)
    else:
        model.halt(now, pan_tilt=True, zoom=True)
        head.stop(now)


def is_ambiguous(model: HeadModel, command: tuple[str, float, float, float], now: float) -> bool:
    """Whether a command sends the head half a turn away: it may take either way round."""
    ahead = model.in_effect(now)
    assert ahead is not None
    return command[0] == "place" and abs(abs(wrap_deg(command[1] - ahead.pan_deg)) - 180) < 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(commands, st.floats(0.05, 2.5)), min_size=1, max_size=6))
def test_without_any_report_it_goes_where_the_motors_go(script: list[tuple[tuple[str, float, float, float], float]]):
    """A head that turns both ways at once from rest may take either way round: nobody can know."""
    model, head, now = known(), motors(), START
    for command, pause in script:
        if is_ambiguous(model, command, now):
            continue
        tell(model, head, command, now)
        now += pause
        told, true = model.state_at(now), head.state_at(now)
        assert told is not None
        assert abs(wrap_deg(told.pan_deg - true.pan.position)) < 0.05
        assert told.tilt_deg == pytest.approx(true.tilt.position, abs=0.05)
        assert told.zoom == pytest.approx(true.zoom.position, abs=0.002)
        assert told.pan_dps == pytest.approx(true.pan.speed, abs=1.0)


def test_a_report_puts_it_right_and_the_command_goes_on():
    model = known()
    model.turn(START, pan=1.0, tilt=0.0, zoom=None)
    # Something held it back: half a second after the command took effect it is not where it should be.
    model.report(START + 0.7, 12.0, -20.0, 0.0, moving=True)
    late = model.state_at(START + 1.7)
    assert late is not None
    assert late.pan_deg == pytest.approx(12.0 + 90.0, abs=1.0)


def test_a_head_that_says_it_stands_does():
    model = known()
    model.turn(START, pan=0.5, tilt=0.0, zoom=None)
    model.halt(START + 1, pan_tilt=True, zoom=False)
    model.report(START + 3, 30.0, -20.0, 0.0, moving=False)
    state = model.in_effect(START + 3)
    assert state is not None
    assert (state.pan_deg, state.pan_dps, state.moving) == (30.0, 0.0, False)


def test_a_step_is_from_where_the_head_will_be_and_not_made_again_with_each_report():
    model = known()
    model.step(START, pan_deg=30.0, tilt_deg=-5.0)
    for tenth in range(1, 20):
        at = START + tenth / 10
        state = model.state_at(at)
        assert state is not None
        model.report(at, state.pan_deg, state.tilt_deg, state.zoom, moving=state.moving)
    end = model.state_at(START + 3)
    assert end is not None
    assert (end.pan_deg, end.tilt_deg) == (pytest.approx(40.0, abs=0.1), pytest.approx(-25.0, abs=0.1))


def test_where_only_the_camera_knows_nothing_is_known_until_it_stands_there():
    model = known()
    model.lose(START)
    assert model.in_effect(START + 0.1) is None
    model.report(START + 0.5, 15.0, -20.0, 0.0, moving=True)
    assert model.in_effect(START + 0.5) is None
    model.report(START + 2, 70.0, -10.0, 0.5, moving=False)
    state = model.in_effect(START + 2)
    assert state is not None
    assert (state.pan_deg, state.tilt_deg, state.zoom) == (70.0, -10.0, 0.5)


def test_a_head_that_never_reports_is_known_once_it_must_have_arrived():
    model = HeadModel(LIMITS, SPEEDS, DELAY_S)
    assert model.in_effect(START) is None
    model.place(START, pan_deg=50.0, tilt_deg=-10.0, zoom=0.0)
    assert model.in_effect(START) is None
    later = START + 10
    state = model.state_at(later)
    assert state is not None
    assert (state.pan_deg, state.tilt_deg, state.zoom) == (50.0, -10.0, 0.0)
    model.turn(later, pan=-1.0, tilt=None, zoom=None)
    turned = model.state_at(later + 1.2)
    assert turned is not None
    assert turned.pan_deg == pytest.approx(50.0 - 90.0 * (1.0 - 0.15), abs=0.5)


def test_a_head_that_was_called_off_before_it_arrived_is_not_known():
    model = HeadModel(LIMITS, SPEEDS, DELAY_S)
    model.place(START, pan_deg=50.0, tilt_deg=-10.0, zoom=0.0)
    model.halt(START + 0.5, pan_tilt=True, zoom=True)
    assert model.state_at(START + 60) is None


def test_tilt_ends_at_its_limit():
    model = known(tilt=10.0)
    model.turn(START, pan=0.0, tilt=1.0, zoom=None)
    state = model.state_at(START + 5)
    assert state is not None
    assert state.tilt_deg == pytest.approx(20.0)
    assert math.isclose(state.tilt_dps, 0.0, abs_tol=1e-6)


def test_a_head_that_never_reports_is_known_again_after_a_move_that_only_the_camera_knew():
    model = HeadModel(LIMITS, SPEEDS, DELAY_S)
    model.place(START, pan_deg=50.0, tilt_deg=-10.0, zoom=0.0)
    later = START + 10
    model.lose(later)
    assert model.state_at(later + 60) is None
    model.place(later + 60, pan_deg=-30.0, tilt_deg=-20.0, zoom=0.5)
    state = model.state_at(later + 70)
    assert state is not None
    assert (state.pan_deg, state.tilt_deg, state.zoom) == (-30.0, -20.0, 0.5)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(commands, st.floats(0.05, 2.5)), min_size=1, max_size=6))
def test_what_it_says_itself_taken_for_a_report_changes_nothing(
    script: list[tuple[tuple[str, float, float, float], float]],
):
    """So a head that never reports can go on from where it is, and need not remember all that it was told."""
    alone, fed, head, now = known(), known(), motors(), START
    for command, pause in script:
        if is_ambiguous(alone, command, now):
            continue
        tell(alone, head, command, now)
        tell(fed, head, command, now)
        for _ in range(5):
            now += pause / 5
            state = fed.state_at(now)
            assert state is not None
            fed.report(now, state.pan_deg, state.tilt_deg, state.zoom, moving=state.moving)
        one, other = alone.state_at(now), fed.state_at(now)
        assert one is not None
        assert other is not None
        assert abs(wrap_deg(one.pan_deg - other.pan_deg)) < 0.1
        assert (one.tilt_deg, one.zoom) == (pytest.approx(other.tilt_deg, abs=0.1), pytest.approx(other.zoom, abs=0.01))
