"""MoveAndStartTracking at the engine's motors: first to the goal, then the tracker takes over, until somebody moves."""

from __future__ import annotations

import pytest

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.geometry import Direction
from engine.core.zoom import ZoomCurve
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.ptz import ArbiterPtz
from engine.ptz import Arbiter, Priority
from onvif_server.backend import Caller, GeoPosition, PtzSpeed, Refusal, Refused
from tests.engine.ptz.simulated_motors import SimulatedMotors

pytestmark = pytest.mark.ledger("ONVIF-6")

CALLER = Caller("nvr", "192.0.2.9")


class Follower:
    def __init__(self):
        self.orders = []
        self.seen = {7}

    def knows(self, object_id):
        return object_id in self.seen

    async def track(self, direction, object_id):
        self.orders.append(("track", direction, object_id))

    async def stop(self):
        self.orders.append(("stop",))


@pytest.fixture
async def site():
    clock = VirtualClock()
    arbiter = Arbiter("dome", ZoomCurve(((0.0, 60.0), (1.0, 4.0))), clock, Bus())
    motors, follower = SimulatedMotors(clock), Follower()
    await arbiter.start(motors)
    yield ArbiterPtz(arbiter, clock, 16 / 9, follower), arbiter, motors, follower, clock
    await arbiter.close()


async def order(ptz, *, preset=None, position=None, geo=None, object_id=None):
    await ptz.move_and_track(CALLER, preset=preset, position=position, geo=geo, speed=PtzSpeed(), object_id=object_id)


async def test_only_an_engine_with_a_tracker_offers_it(site):
    ptz, arbiter, _, _, clock = site
    assert ptz.capabilities.tracking
    plain = ArbiterPtz(arbiter, clock, 16 / 9)
    assert not plain.capabilities.tracking
    with pytest.raises(Refused):
        await order(plain, object_id=1)


async def test_the_camera_goes_to_the_goal_and_is_free_for_the_tracker(site):
    ptz, arbiter, motors, follower, clock = site
    await order(ptz, position=(40.0, -10.0, 0.5), object_id=7)
    assert follower.orders == [("track", Direction(40.0, -10.0), 7)]
    assert arbiter.owner is None
    await clock.advance(5)
    motors.settle()
    assert (round(motors.pan), round(motors.tilt)) == (40, -10)


async def test_an_object_alone_is_followed_from_where_the_camera_looks(site):
    ptz, _, motors, follower, _ = site
    await order(ptz, object_id=7)
    assert follower.orders == [("track", None, 7)]
    assert motors.order == []


async def test_the_next_move_or_stop_ends_the_tracking_once(site):
    ptz, _, _, follower, _ = site
    for end in (
        lambda: ptz.stop(CALLER, pan_tilt=True, zoom=True),
        lambda: ptz.move_absolute(CALLER, pan_deg=1.0, tilt_deg=0.0, zoom=None, speed=PtzSpeed()),
        lambda: ptz.move_continuous(CALLER, pan=0.5, tilt=0.0, zoom=None, timeout_s=1.0),
    ):
        follower.orders.clear()
        await order(ptz, object_id=7)
        await end()
        await ptz.stop(CALLER, pan_tilt=True, zoom=True)
        assert follower.orders == [("track", None, 7), ("stop",)]
    await ptz.close()


async def test_an_object_that_is_not_there_is_refused_and_takes_the_camera_from_nobody(site):
    ptz, arbiter, motors, follower, _ = site
    follower.seen.clear()
    lease = await arbiter.acquire("link:yard", "track t-1", Priority.TRACKING)
    with pytest.raises(Refused) as told:
        await order(ptz, position=(40.0, -10.0, 0.5), object_id=7)
    assert told.value.refusal is Refusal.NO_SUCH_TARGET
    assert lease.active
    assert motors.order == []


async def test_places_on_earth_are_not_offered(site):
    ptz, _, _, _, _ = site
    assert not ptz.capabilities.geo_move
    with pytest.raises(Refused):
        await order(ptz, geo=GeoPosition(latitude=1.0, longitude=2.0))


def test_numbers_lead_back_to_their_tracks():
    numbers = ObjectNumbers()
    assert [numbers.track_of(numbers.of(track)) for track in ("t-1", "t-2", "t-1")] == ["t-1", "t-2", "t-1"]
    assert numbers.track_of(3) is None
