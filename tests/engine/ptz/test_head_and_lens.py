"""Head and lens are apart: whatever is asked of the one, the other goes on with what it does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_motors import EVERYTHING, SimulatedMotors, having

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.zoom import ZoomCurve
from engine.ptz import Arbiter, Priority

pytestmark = pytest.mark.ledger("PTZ-1")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))

signed = st.floats(-1.0, 1.0)
of_the_lens = st.one_of(
    st.tuples(st.just("continuous"), signed),
    st.tuples(st.just("relative"), signed),
    st.tuples(st.just("absolute"), st.floats(0.0, 1.0)),
    st.just(("stop", 0.0)),
)
of_the_head = st.one_of(
    st.tuples(st.just("continuous"), signed, signed),
    st.tuples(st.just("relative"), st.floats(-90, 90), st.floats(-40, 40)),
    st.tuples(st.just("absolute"), st.floats(-180, 180), st.floats(-80, 20)),
    st.just(("stop", 0.0, 0.0)),
)


class Site:
    """A camera whose head and lens are told what to do, each by a word of its own."""

    def __init__(self, capabilities=EVERYTHING):
        self.clock = VirtualClock()
        self.motors = SimulatedMotors(self.clock, capabilities, zoom=0.5)
        self.arbiter = Arbiter("ptz", CURVE, self.clock, Bus())

    async def __aenter__(self):
        await self.arbiter.start(self.motors)
        self.lease = await self.arbiter.acquire("test", "try", Priority.RULE)
        return self

    async def __aexit__(self, *error):
        await self.arbiter.close()

    async def lens(self, kind, value):
        if kind == "continuous":
            await self.lease.move_continuous(zoom=value)
        elif kind == "relative":
            await self.lease.move_relative(zoom=value)
        elif kind == "absolute":
            await self.lease.move_absolute(zoom=value)
        else:
            await self.lease.stop(pan_tilt=False)

    async def head(self, kind, pan, tilt):
        if kind == "continuous":
            await self.lease.move_continuous(pan=pan, tilt=tilt)
        elif kind == "relative":
            await self.lease.move_relative(pan_deg=pan, tilt_deg=tilt)
        elif kind == "absolute":
            await self.lease.move_absolute(pan_deg=pan, tilt_deg=tilt)
        else:
            await self.lease.stop(zoom=False)

    async def past(self):
        await self.clock.advance(2.0)
        self.motors.settle()
        return self.motors.past


@settings(max_examples=30, deadline=None)
@given(of_the_head, st.lists(st.tuples(of_the_lens, st.floats(0.05, 0.8)), min_size=1, max_size=3))
async def test_the_head_goes_its_way_whatever_is_asked_of_the_lens(wish, asked):
    async with Site() as disturbed, Site() as alone:
        for site in (disturbed, alone):
            await site.head(*wish)
        for command, seconds in asked:
            await disturbed.lens(*command)
            for site in (disturbed, alone):
                await site.clock.advance(seconds)
        ways = [[(pan, tilt) for _, pan, tilt, _ in await site.past()] for site in (disturbed, alone)]
    for moved, expected in zip(*ways, strict=True):
        assert moved == pytest.approx(expected, abs=0.5)


@settings(max_examples=30, deadline=None)
@given(of_the_lens, st.lists(st.tuples(of_the_head, st.floats(0.05, 0.8)), min_size=1, max_size=3))
async def test_the_lens_goes_its_way_whatever_is_asked_of_the_head(wish, asked):
    async with Site() as disturbed, Site() as alone:
        for site in (disturbed, alone):
            await site.lens(*wish)
        for command, seconds in asked:
            await disturbed.head(*command)
            for site in (disturbed, alone):
                await site.clock.advance(seconds)
        ways = [[zoom for *_, zoom in await site.past()] for site in (disturbed, alone)]
    assert ways[0] == pytest.approx(ways[1], abs=0.02)


@pytest.mark.parametrize(
    "capabilities",
    [
        EVERYTHING,
        having(absolute=False),
        having(absolute=False, relative=False),
        having(continuous=False),
        having(continuous=False, absolute=False),
    ],
    ids=["all moves", "continuous and relative", "continuous only", "absolute and relative", "relative only"],
)
async def test_a_head_that_turns_turns_on_while_the_lens_goes_to_a_place_and_ends_at_its_own_stop(capabilities):
    async with Site(capabilities) as site:
        await site.lease.move_continuous(pan=0.2, tilt=0.0)
        await site.clock.advance(1.0)
        await site.lease.move_absolute(zoom=0.8)
        await site.clock.advance(3.0)
        # One that only steps from place to place reports one motion for both: its lens waits for its head.
        if capabilities.absolute or capabilities.continuous:
            assert site.motors.zoom == pytest.approx(0.8, abs=0.05)
        await site.lease.stop(pan_tilt=False)
        at = site.motors.pan
        assert at > 30.0
        await site.clock.advance(1.0)
        assert site.motors.pan > at + 8.0
        await site.lease.stop(zoom=False)
        await site.clock.advance(1.5)
        assert not site.motors.moving


async def test_a_lens_that_turns_keeps_to_its_limits_after_the_head_was_sent_somewhere():
    async with Site() as site:
        await site.lease.move_continuous(zoom=0.2)
        await site.lease.move_absolute(pan_deg=100.0, tilt_deg=-20.0)
        await site.clock.advance(12.0)
        assert site.motors.zoom == pytest.approx(1.0, abs=0.01)
        assert site.motors._wanted[2] == 0.0, "the lens is not pressed against its stop"


async def test_a_move_by_nothing_lets_the_axis_rest():
    async with Site() as site:
        await site.lease.move_continuous(pan=0.3, tilt=0.0, zoom=0.1)
        await site.clock.advance(1.0)
        await site.lease.move_relative(pan_deg=0.0, tilt_deg=0.0)
        await site.clock.advance(0.5)
        at, zoom = site.motors.pan, site.motors.zoom
        await site.clock.advance(1.0)
        assert site.motors.pan == pytest.approx(at, abs=0.1)
        assert site.motors.zoom > zoom


async def test_what_a_lease_leaves_behind_is_stopped_without_stopping_a_move_to_a_place():
    async with Site() as site:
        await site.lease.move_absolute(pan_deg=90.0)
        await site.lease.move_continuous(zoom=-0.1)
        await site.lease.release()
        await site.clock.advance(3.0)
        assert site.motors.pan == pytest.approx(90.0, abs=0.2)
        assert site.motors.zoom == pytest.approx(0.5, abs=0.05)
