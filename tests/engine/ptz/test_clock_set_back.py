"""Somebody sets the machine's clock while cameras move: whatever lasts a while lasts as long as it should."""

from __future__ import annotations

import asyncio

import pytest
from simulated_motors import SimulatedMotors, having

from engine.core.bus import Bus
from engine.core.clock import SystemClock, VirtualClock
from engine.core.zoom import ZoomCurve
from engine.onvif_device.ptz import ArbiterPtz
from engine.ptz import (
    Arbiter,
    ArbiterClosed,
    ArbiterSettings,
    Limits,
    Patrol,
    PatrolState,
    Priority,
    Spot,
    wait_until_settled,
)
from onvif_server.backend import Caller

pytestmark = pytest.mark.ledger("PTZ-9")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))
HOUR_S = 3600.0


class Site:
    def __init__(self, capabilities=None, **settings):
        self.clock = VirtualClock()
        self.motors = SimulatedMotors(self.clock, *([capabilities] if capabilities else []))
        self.arbiter = Arbiter("ptz", CURVE, self.clock, Bus(), settings=ArbiterSettings(**settings))

    async def __aenter__(self):
        await self.arbiter.start(self.motors)
        return self

    async def __aexit__(self, *error):
        await self.arbiter.close()


both_ways = pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S], ids=["back", "forward"])


def test_the_clock_that_nobody_sets_goes_forward():
    clock = SystemClock()
    first = clock.monotonic()
    assert clock.monotonic() >= first


@both_ways
async def test_an_operator_who_does_nothing_gives_the_camera_back_after_the_same_time(by_s):
    async with Site(control_time_out_s=10.0) as site:
        lease = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        await site.clock.advance(5.0)
        site.clock.set(by_s)
        await site.clock.advance(4.5)
        assert lease.active
        await site.clock.advance(1.0)
        assert lease.end_reason == "timeout"


@both_ways
async def test_where_the_camera_looks_is_known_from_the_next_answer_on(by_s):
    async with Site() as site:
        lease = await site.arbiter.acquire("rule", "look", Priority.RULE)
        await lease.move_absolute(pan_deg=40.0)
        await site.clock.advance(3.0)
        site.clock.set(by_s)
        await lease.move_absolute(pan_deg=-30.0)
        await site.clock.advance(3.0)
        assert site.arbiter.pose.pan_deg == pytest.approx(-30.0, abs=0.1)
        assert site.arbiter.pose_at(site.clock.now()).pan_deg == pytest.approx(-30.0, abs=0.1)
        assert site.arbiter.pose_at(site.clock.now() - 1.0).pan_deg == pytest.approx(-30.0, abs=2.0)


@both_ways
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute moves", "continuous moves only"])
async def test_a_move_keeps_its_limits_and_arrives(by_s, absolute):
    capabilities = having() if absolute else having(absolute=False, relative=False)
    async with Site(capabilities, limits=Limits(pan_deg=(-100.0, 100.0))) as site:
        lease = await site.arbiter.acquire("rule", "look", Priority.RULE)
        await lease.move_continuous(pan=1.0, tilt=0.0)
        await site.clock.advance(0.5)
        site.clock.set(by_s)
        await site.clock.advance(3.0)
        site.motors.settle()
        assert all(-100.5 <= pan <= 100.5 for _, pan, *_ in site.motors.past)
        await lease.move_absolute(pan_deg=-50.0, tilt_deg=-10.0)
        site.clock.set(by_s)
        assert not site.arbiter.settled
        settled = asyncio.create_task(wait_until_settled(site.arbiter, site.clock))
        await site.clock.advance(10.0)
        assert settled.done()
        assert await settled
        assert site.motors.pan == pytest.approx(-50.0, abs=0.4)


@both_ways
async def test_a_continuous_move_of_an_onvif_client_ends_after_its_time_out(by_s):
    async with Site() as site:
        ptz = ArbiterPtz(site.arbiter, site.clock, 16 / 9)
        caller = Caller("nvr", "192.0.2.9")
        await ptz.move_continuous(caller, pan=0.1, tilt=0.0, zoom=None, timeout_s=6.0)
        await site.clock.advance(3.0)
        site.clock.set(by_s)
        await site.clock.advance(2.5)
        assert (await ptz.status()).pan_tilt_moving
        await site.clock.advance(2.0)
        assert not (await ptz.status()).pan_tilt_moving
        await ptz.close()


@both_ways
async def test_a_tour_ends_when_its_time_is_over(by_s):
    async with Site() as site:
        patrol = Patrol(site.arbiter, site.clock)
        tour = await patrol.create("night")
        preset = await site.arbiter.set_preset("Gate")
        spots = tuple(Spot(preset_id=preset.preset_id, stay_s=5.0) for _ in range(2))
        await patrol.modify(type(tour)(tour_id=tour.tour_id, name="night", spots=spots, duration_s=30.0))
        await patrol.begin(tour.tour_id)
        await site.clock.advance(10.0)
        site.clock.set(by_s)
        await site.clock.advance(15.0)
        assert patrol.tours[0].state is PatrolState.TOURING
        await site.clock.advance(15.0)
        assert patrol.tours[0].state is PatrolState.IDLE
        await patrol.close()


async def test_nobody_gets_a_camera_of_an_arbiter_that_is_closed():
    site = Site()
    await site.arbiter.start(site.motors)
    held = await site.arbiter.acquire("anna", "joystick", Priority.RULE)
    waiting = asyncio.create_task(site.arbiter.acquire("bert", "look", Priority.RULE, wait=True))
    await asyncio.sleep(0)
    await site.arbiter.close()
    assert held.end_reason == "closed"
    with pytest.raises(ArbiterClosed, match="ptz is not moved any more"):
        await waiting
    for wait in (False, True):
        with pytest.raises(ArbiterClosed):
            await site.arbiter.acquire("carl", "look", Priority.OPERATOR, wait=wait)
    assert site.arbiter.owner is None


async def test_a_tour_ends_with_its_arbiter(caplog: pytest.LogCaptureFixture):
    site = Site()
    await site.arbiter.start(site.motors)
    patrol = Patrol(site.arbiter, site.clock)
    tour = await patrol.create("night")
    preset = await site.arbiter.set_preset("Gate")
    spots = (Spot(preset_id=preset.preset_id, stay_s=500.0),)
    await patrol.modify(type(tour)(tour_id=tour.tour_id, name="night", spots=spots))
    await patrol.begin(tour.tour_id)
    await site.clock.advance(5.0)
    await site.arbiter.close()
    await site.clock.advance(30.0)
    assert patrol.tours[0].state is PatrolState.IDLE
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    await patrol.close()
