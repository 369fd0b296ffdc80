"""Every kind of camera gets where it was sent, and none ever passes a limit."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simulated_motors import EVERYTHING, SimulatedMotors, having

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.geometry import Direction, wrap_deg
from engine.core.zoom import ZoomCurve
from engine.ptz import Arbiter, ArbiterSettings, Limits, Priority, PtzUnavailable

pytestmark = pytest.mark.ledger("PTZ-1")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))


async def site(capabilities=EVERYTHING, limits=None, **place):
    clock = VirtualClock()
    motors = SimulatedMotors(clock, capabilities, **place)
    arbiter = Arbiter("ptz", CURVE, clock, Bus(), settings=ArbiterSettings(limits=limits or Limits()))
    await arbiter.start(motors)
    return clock, motors, arbiter


@pytest.mark.parametrize(
    "capabilities",
    [
        EVERYTHING,
        having(absolute=False),
        having(absolute=False, relative=False),
        having(absolute=False, continuous=False),
    ],
    ids=["absolute", "continuous and relative", "continuous only", "relative only"],
)
async def test_a_direction_is_reached_by_whatever_moves_the_camera_has(capabilities):
    clock, motors, arbiter = await site(capabilities, pan=150.0)
    lease = await arbiter.acquire("test", "look", Priority.RULE)
    await lease.move_to(Direction(-160.0, -20.0), 20.0)
    await clock.advance(8.0)
    assert wrap_deg(motors.pan - -160.0) == pytest.approx(0, abs=0.4)
    assert motors.tilt == pytest.approx(-20.0, abs=0.4)
    assert CURVE.hfov_deg(motors.zoom) == pytest.approx(20.0, rel=0.06)
    assert not motors.moving
    await arbiter.close()


@pytest.mark.parametrize(
    "capabilities",
    [EVERYTHING, having(continuous=False), having(continuous=False, absolute=False)],
    ids=["continuous", "absolute", "relative"],
)
async def test_a_continuous_move_goes_on_until_it_is_stopped(capabilities):
    clock, motors, arbiter = await site(capabilities)
    lease = await arbiter.acquire("test", "turn", Priority.RULE)
    await lease.move_velocity(pan_dps=20.0, tilt_dps=0.0)
    await clock.advance(3.0)
    motors.settle()
    assert motors.pan == pytest.approx(56.0, abs=14)
    await lease.stop()
    await clock.advance(1.0)
    assert not motors.moving
    await arbiter.close()


async def test_the_longer_way_round_is_taken_where_the_shorter_is_forbidden():
    clock, motors, arbiter = await site(limits=Limits(pan_deg=(-170.0, 170.0)), pan=160.0)
    lease = await arbiter.acquire("test", "look", Priority.RULE)
    await lease.move_absolute(pan_deg=-160.0)
    await clock.advance(8.0)
    assert motors.pan == pytest.approx(-160.0, abs=0.3)
    assert all(-170.2 <= pan <= 170.2 for _, pan, _, _ in motors.past)
    await arbiter.close()


async def test_angles_are_sent_in_the_cameras_own_range():
    clock, motors, arbiter = await site(having(pan_endless=False, pan_range_deg=(0.0, 350.0)), pan=10.0)
    lease = await arbiter.acquire("test", "look", Priority.RULE)
    await lease.move_absolute(pan_deg=-90.0)
    await clock.advance(6.0)
    assert motors.pan == pytest.approx(270.0, abs=0.3)
    await arbiter.close()


async def test_an_operators_move_is_slower_when_zoomed_in():
    clock, motors, arbiter = await site(zoom=1.0)
    lease = await arbiter.acquire("test", "joystick", Priority.OPERATOR)
    await lease.move_continuous(pan=1.0, tilt=0.0, proportional=True)
    await clock.advance(2.0)
    motors.settle()
    assert motors.pan == pytest.approx(100.0 * 4 / 60 * 1.85, rel=0.1)
    await arbiter.close()


async def test_a_camera_that_cannot_do_it_says_so():
    _, _, arbiter = await site(having(absolute=False, status=False))
    lease = await arbiter.acquire("test", "look", Priority.RULE)
    with pytest.raises(PtzUnavailable, match="no absolute moves"):
        await lease.move_absolute(pan_deg=3.0)
    await arbiter.close()


commands = st.one_of(
    st.tuples(st.just("absolute"), st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 1)),
    st.tuples(st.just("relative"), st.floats(-120, 120), st.floats(-60, 60), st.floats(-1, 1)),
    st.tuples(st.just("continuous"), st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)),
)


@example(
    [(("absolute", 0.0, 0.0, 0.0), 1.0)] * 2 + [(("absolute", pan, 0.0, 0.0), 1.0) for pan in (84.0, -98.0)], EVERYTHING
)
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(commands, st.floats(0.05, 3.0)), min_size=1, max_size=6),
    st.sampled_from([EVERYTHING, having(absolute=False), having(continuous=False), having(pan_endless=False)]),
)
async def test_no_sequence_of_commands_leads_out_of_the_limits(sequence, capabilities):
    limits = Limits(pan_deg=(-100.0, 120.0), tilt_deg=(-50.0, 5.0), zoom=(0.1, 0.7))
    clock, motors, arbiter = await site(capabilities, limits, zoom=0.3)
    lease = await arbiter.acquire("test", "try", Priority.RULE)
    for (kind, pan, tilt, zoom), seconds in sequence:
        if kind == "absolute":
            await lease.move_absolute(pan_deg=pan, tilt_deg=tilt, zoom=zoom)
        elif kind == "relative":
            await lease.move_relative(pan_deg=pan, tilt_deg=tilt, zoom=zoom)
        else:
            await lease.move_continuous(pan=pan, tilt=tilt, zoom=zoom)
        await clock.advance(seconds)
    await clock.advance(3.0)
    motors.settle()
    await arbiter.close()
    for _, pan, tilt, zoom in motors.past:
        assert -100.5 <= pan <= 120.5
        assert -50.5 <= tilt <= 5.5
        assert 0.085 <= zoom <= 0.715
