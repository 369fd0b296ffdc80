"""GeoMove: a mounted camera looks at places on Earth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cameras.spaces import Interval
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.geodesy import GeoPoint, Mounting
from engine.core.geometry import Direction
from engine.core.zoom import ZoomCurve
from engine.onvif_device.places import PlaceFinder
from engine.onvif_device.ptz import ArbiterPtz
from engine.ptz import Arbiter, ArbiterSettings, Limits
from onvif_server.backend import Caller, GeoPosition, PtzSpeed, Refusal, Refused
from tests.engine.ptz.simulated_motors import SimulatedMotors

pytestmark = pytest.mark.ledger("ONVIF-6")

CALLER = Caller("nvr", "192.0.2.9")
MAST = Mounting(GeoPoint(48.1, 11.5, 520.0), 90.0)
"""A camera in the south of Germany whose pan 0 looks to the east."""
FINDER = PlaceFinder(MAST, Interval(-170.0, 170.0), Interval(-80.0, 20.0), 16 / 9)


def position(direction, distance_m):
    place = MAST.place_at(direction, distance_m)
    return GeoPosition(latitude=place.latitude_deg, longitude=place.longitude_deg, elevation=place.height_m)


@pytest.fixture
async def site():
    clock = VirtualClock()
    settings = ArbiterSettings(limits=Limits(pan_deg=(-170, 170), tilt_deg=(-80, 20)), busy_poll_s=0.5)
    arbiter = Arbiter("dome", ZoomCurve(((0.0, 60.0), (1.0, 4.0))), clock, Bus(), settings=settings)
    motors = SimulatedMotors(clock)
    await arbiter.start(motors)
    yield ArbiterPtz(arbiter, clock, 16 / 9, mounting=MAST), arbiter, motors, clock
    await arbiter.close()


async def test_a_place_is_looked_at(site):
    ptz, _, motors, clock = site
    assert ptz.capabilities.geo_move
    await ptz.geo_move(CALLER, position(Direction(-30.0, -12.0), 150.0), speed=PtzSpeed(), area_m=None)
    await clock.advance(4)
    motors.settle()
    assert (motors.pan, motors.tilt) == pytest.approx((-30.0, -12.0), abs=0.05)
    assert motors.zoom == 0.0, "nobody asked for another"


async def test_an_area_fills_the_picture(site):
    ptz, arbiter, _, clock = site
    await ptz.geo_move(CALLER, position(Direction(10.0, -5.0), 100.0), speed=PtzSpeed(), area_m=(20.0, 0.0))
    await clock.advance(5)
    assert arbiter.pose.hfov_deg == pytest.approx(11.42, abs=0.3)


def test_the_higher_side_of_an_area_counts_where_it_is_the_larger_one():
    target = position(Direction(0.0, 0.0), 100.0)
    assert FINDER.find(target, (9.0, 9.0))[1] == FINDER.find(target, (16.0, 9.0))[1]
    assert FINDER.find(target, (0.0, 9.0))[1] == pytest.approx(FINDER.find(target, (16.0, 0.0))[1])


def test_a_place_without_elevation_lies_as_high_as_the_camera():
    target = position(Direction(40.0, -10.0), 200.0)
    flat = GeoPosition(latitude=target.latitude, longitude=target.longitude)
    direction, _ = FINDER.find(flat)
    assert (direction.pan_deg, direction.tilt_deg) == pytest.approx((40.0, 0.0), abs=0.01)


@pytest.mark.parametrize("direction", [Direction(175.0, 0.0), Direction(0.0, 30.0), Direction(0.0, -85.0)])
async def test_what_the_camera_cannot_turn_to_is_refused_and_moves_nothing(site, direction):
    ptz, arbiter, motors, _ = site
    with pytest.raises(Refused) as told:
        await ptz.geo_move(CALLER, position(direction, 100.0), speed=PtzSpeed(), area_m=None)
    assert told.value.refusal is Refusal.INVALID_POSITION
    assert motors.order == []
    assert arbiter.owner is None


def test_the_cameras_own_place_is_refused():
    own = GeoPosition(latitude=48.1, longitude=11.5, elevation=520.0)
    with pytest.raises(Refused, match="where the camera stands"):
        FINDER.find(own)


@given(st.floats(-169, 169), st.floats(-79, 19), st.floats(5, 5000))
def test_every_place_within_the_limits_is_found(pan_deg, tilt_deg, distance_m):
    wanted = Direction(pan_deg, tilt_deg)
    assert FINDER.find(position(wanted, distance_m))[0].angle_to(wanted) < 0.005


async def test_a_place_can_be_the_goal_of_tracking(site):
    _, arbiter, _, clock = site
    orders = []

    class Follower:
        def knows(self, object_id):
            return True

        async def track(self, direction, object_id):
            orders.append((round(direction.pan_deg), round(direction.tilt_deg), object_id))

        async def stop(self):
            orders.append("stop")

    ptz = ArbiterPtz(arbiter, clock, 16 / 9, Follower(), mounting=MAST)
    there = position(Direction(-30.0, -12.0), 150.0)
    await ptz.move_and_track(CALLER, preset=None, position=None, geo=there, speed=PtzSpeed(), object_id=None)
    assert orders == [(-30, -12, None)]
