"""Tours at work: the camera goes from spot to spot, and gives way to everybody else."""

from __future__ import annotations

import logging
import random
from dataclasses import replace

import pytest

from engine.cameras.errors import CameraFault
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.geometry import Direction, Pose
from engine.core.zoom import ZoomCurve
from engine.ptz import (
    Arbiter,
    ArbiterSettings,
    MoveSpeeds,
    Patrol,
    PatrolListener,
    PatrolState,
    Priority,
    Spot,
    TourBusy,
    TourRefused,
    UnknownTour,
)
from engine.ptz.touring import RESUME_AFTER_S
from tests.engine.ptz.simulated_motors import SimulatedMotors, having
from tests.engine.ptz.test_tours import Shelf

pytestmark = pytest.mark.ledger("PTZ-3")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))
GATE, DOOR = Pose(40.0, -10.0, 30.0), Pose(-40.0, -20.0, 20.0)


class Diary(PatrolListener):
    """What was told, in short."""

    def __init__(self):
        self.visits = []
        self.changes = 0

    def on_tours(self):
        self.changes += 1

    def on_visit(self, stage, preset):
        self.visits.append(f"{stage.value} {preset.name}")


class Site:
    """A dome with two presets and a tour of both, ten seconds each."""

    def __init__(self, capabilities=None):
        self.clock = VirtualClock()
        self.shelf = Shelf()
        settings = ArbiterSettings(home=Pose(0.0, 0.0, 60.0), busy_poll_s=0.5)
        self.arbiter = Arbiter("dome", CURVE, self.clock, Bus(), settings=settings)
        self.motors = SimulatedMotors(self.clock, *([capabilities] if capabilities else []))
        self.patrol = Patrol(self.arbiter, self.clock, self.shelf, random.Random(1))
        self.diary = Diary()
        self.patrol.listen(self.diary)

    async def open(self):
        await self.arbiter.start(self.motors)
        self.gate = await self.arbiter.set_preset("Gate", pose=GATE)
        self.door = await self.arbiter.set_preset("Door", pose=DOOR)
        await self.patrol.start()
        tour = await self.patrol.create("Night")
        spots = (Spot(preset_id=self.gate.preset_id), Spot(preset_id=self.door.preset_id))
        self.tour = replace(tour, spots=spots)
        await self.patrol.modify(self.tour)

    async def close(self):
        await self.patrol.close()
        await self.arbiter.close()

    async def run(self, seconds):
        await self.clock.advance(seconds)
        self.motors.settle()

    async def again(self):
        """The engine is started anew: another patrol on the same shelf."""
        await self.patrol.close()
        self.patrol = Patrol(self.arbiter, self.clock, self.shelf)
        await self.patrol.start()

    async def change(self, **ways):
        self.tour = replace(self.tour, **ways)
        await self.patrol.modify(self.tour)

    async def begin(self):
        await self.patrol.begin(self.tour.tour_id)

    @property
    def status(self):
        return self.patrol.tours[0]

    def looks_at(self, pose):
        here = Direction(self.motors.pan, self.motors.tilt)
        return here.angle_to(pose.direction) < 0.5 and CURVE.hfov_deg(self.motors.zoom) == pytest.approx(
            pose.hfov_deg, rel=0.05
        )


@pytest.fixture
async def site():
    site = Site()
    await site.open()
    yield site
    await site.close()


async def test_the_camera_goes_from_spot_to_spot_and_stays_at_each(site):
    await site.begin()
    await site.run(5)
    assert site.looks_at(GATE)
    assert site.status.state is PatrolState.TOURING
    assert site.status.spot == 0
    assert site.arbiter.owner.purpose == "tour Night"
    assert site.arbiter.owner.priority is Priority.PATROL
    await site.run(12)
    assert site.looks_at(DOOR)
    assert site.status.spot == 1
    await site.run(12)
    assert site.looks_at(GATE)


async def test_each_visit_of_a_preset_is_told(site):
    await site.change(rounds=1)
    await site.begin()
    await site.run(60)
    assert site.diary.visits == [
        "invoked Gate",
        "reached Gate",
        "left Gate",
        "invoked Door",
        "reached Door",
        "left Door",
    ]


async def test_a_tour_ends_after_its_rounds_and_gives_the_camera_back(site):
    await site.change(rounds=2)
    await site.begin()
    await site.run(35)
    assert site.status.state is PatrolState.TOURING
    await site.run(60)
    assert site.status.state is PatrolState.IDLE
    assert site.arbiter.owner is None
    assert site.diary.visits.count("reached Gate") == 2


async def test_a_tour_ends_when_its_time_is_up(site):
    await site.change(duration_s=15.0, rounds=9)
    await site.begin()
    await site.run(14)
    assert site.status.state is PatrolState.TOURING
    await site.run(5)
    assert site.status.state is PatrolState.IDLE


async def test_directions_and_home_are_spots_too_and_have_their_speeds(site):
    spots = (
        Spot(direction=Direction(20.0, 5.0), hfov_deg=10.0, speeds=MoveSpeeds(0.1, 0.1, None)),
        Spot(stay_s=5.0),
    )
    await site.change(spots=spots)
    await site.begin()
    await site.run(1.0)
    assert 0 < site.motors.pan < 15, "a tenth of the speed"
    await site.run(4.0)
    assert site.looks_at(Pose(20.0, 5.0, 10.0))
    await site.run(12)
    assert site.looks_at(Pose(0.0, 0.0, 60.0))
    assert site.diary.visits == []


async def test_whoever_else_wants_the_camera_has_it_at_once_and_the_tour_goes_on_afterwards(site):
    await site.begin()
    await site.run(5)
    async with await site.arbiter.acquire("link:yard", "track", Priority.TRACKING) as lease:
        await lease.move_absolute(pan_deg=120.0)
        await site.run(20)
        assert site.motors.pan == pytest.approx(120, abs=0.5)
        assert site.status.state is PatrolState.TOURING
    assert site.diary.visits == ["invoked Gate", "reached Gate", "left Gate"]
    await site.run(5)
    assert site.looks_at(GATE), "the spot at which it was disturbed is visited again"
    assert site.diary.visits[3:] == ["invoked Gate", "reached Gate"]


async def test_a_way_that_is_cut_short_is_told(site):
    await site.begin()
    await site.run(0.3)
    await site.arbiter.acquire("link:yard", "track", Priority.TRACKING)
    await site.run(0.1)
    assert site.diary.visits == ["invoked Gate", "aborted Gate"]


async def test_an_operator_can_look_around_for_a_while_before_it_goes_on(site):
    await site.begin()
    await site.run(5)
    lease = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
    await lease.move_absolute(pan_deg=120.0)
    await site.run(5)
    await lease.release()
    await site.run(RESUME_AFTER_S - 1)
    assert site.motors.pan == pytest.approx(120, abs=0.5)
    await site.run(6)
    assert site.looks_at(GATE)


async def test_a_stop_by_somebody_who_does_not_keep_the_camera_holds_it_for_a_while(site):
    await site.begin()
    await site.run(0.4)
    async with await site.arbiter.acquire("nvr", "stop", Priority.OPERATOR) as lease:
        await lease.stop()
    await site.run(1)
    stopped = site.motors.pan
    await site.run(RESUME_AFTER_S - 2)
    assert site.motors.pan == pytest.approx(stopped, abs=0.1)
    await site.run(8)
    assert site.looks_at(GATE)


async def test_a_paused_tour_lets_the_camera_go_and_resumes_where_it_was(site):
    await site.begin()
    await site.run(17)
    await site.patrol.pause(site.tour.tour_id)
    assert (site.status.state, site.status.spot) == (PatrolState.PAUSED, 1)
    assert site.arbiter.owner is None
    await site.run(100)
    assert site.status.state is PatrolState.PAUSED
    await site.begin()
    await site.run(3)
    assert (site.status.state, site.status.spot) == (PatrolState.TOURING, 1)
    assert site.looks_at(DOOR)


async def test_the_time_of_a_pause_does_not_count(site):
    await site.change(duration_s=30.0)
    await site.begin()
    await site.run(10)
    await site.patrol.pause(site.tour.tour_id)
    await site.run(100)
    await site.begin()
    await site.run(15)
    assert site.status.state is PatrolState.TOURING
    await site.run(10)
    assert site.status.state is PatrolState.IDLE


@pytest.mark.parametrize("order", ["pause", "end", "remove"])
async def test_a_camera_on_its_way_stops_when_the_tour_does(site, order):
    await site.begin()
    await site.run(0.4)
    await getattr(site.patrol, order)(site.tour.tour_id)
    await site.run(2)
    assert 0 < site.motors.pan < 39
    assert site.arbiter.owner is None


async def test_a_tour_that_is_started_again_begins_with_what_it_says_now(site):
    await site.begin()
    await site.run(17)
    await site.begin()
    await site.run(3)
    assert site.status.spot == 0
    await site.change(backward=True)
    await site.run(3)
    assert site.status.spot == 1, "a change begins it anew as well"


async def test_two_tours_are_not_under_way_at_once(site):
    other = await site.patrol.create("Day")
    await site.patrol.modify(replace(other, spots=(Spot(),)))
    await site.begin()
    with pytest.raises(TourBusy, match="'Night' is under way"):
        await site.patrol.begin(other.tour_id)
    await site.patrol.end(site.tour.tour_id)
    await site.patrol.begin(other.tour_id)
    assert [one.state for one in site.patrol.tours] == [PatrolState.IDLE, PatrolState.TOURING]


async def test_what_cannot_begin_is_refused(site):
    empty = await site.patrol.create()
    with pytest.raises(TourRefused, match="no spots"):
        await site.patrol.begin(empty.tour_id)
    for order in (site.patrol.begin, site.patrol.pause, site.patrol.end, site.patrol.remove):
        with pytest.raises(UnknownTour):
            await order("none")


async def test_a_tour_may_start_by_itself_till_somebody_starts_or_stops_it_by_hand(site):
    await site.change(auto_start=True)
    assert site.status.state is PatrolState.TOURING
    await site.again()
    assert site.status.state is PatrolState.TOURING, "with the engine"
    await site.patrol.pause(site.tour.tour_id)
    assert site.status.tour.auto_start
    await site.patrol.end(site.tour.tour_id)
    assert not site.status.tour.auto_start
    await site.again()
    assert site.status.state is PatrolState.IDLE


async def test_a_preset_that_is_gone_is_passed_over(site):
    await site.arbiter.remove_preset(site.gate.preset_id)
    await site.begin()
    await site.run(4)
    assert site.looks_at(DOOR)
    await site.arbiter.remove_preset(site.door.preset_id)
    await site.run(20)
    assert site.status.state is PatrolState.IDLE, "nothing is left of it"


async def test_a_camera_that_is_away_is_waited_for(site, caplog):
    site.motors.broken = True
    await site.begin()
    with caplog.at_level(logging.WARNING):
        await site.run(60)
    assert sum("a tour cannot move dome" in record.message for record in caplog.records) == 1
    assert site.status.state is PatrolState.TOURING
    site.motors.broken = False
    await site.run(12)
    assert site.looks_at(GATE) or site.looks_at(DOOR)


async def test_a_spot_that_the_camera_does_not_take_does_not_hold_up_the_others(site):
    site.motors._presets["7"] = ("Own", (30.0, 0.0, 0.0))
    await site.arbiter.refresh_camera_presets()

    async def refuse(token, speed=1.0):
        raise CameraFault("dome", "192.0.2.7", f"there is no preset {token}", "set it again")

    site.motors.goto_preset = refuse
    await site.change(spots=(Spot(preset_id="camera:7"), Spot(preset_id=site.door.preset_id)))
    await site.begin()
    await site.run(12)
    assert site.looks_at(DOOR)
    assert site.diary.visits[:3] == ["invoked Own", "aborted Own", "invoked Door"]


async def test_a_camera_that_cannot_tell_where_it_is_goes_from_preset_to_preset_all_the_same():
    site = Site(having(status=False))
    await site.open()
    site.motors._presets["7"] = ("Own", (30.0, 0.0, 0.0))
    await site.arbiter.refresh_camera_presets()
    await site.change(spots=(Spot(preset_id="camera:7", stay_s=1.0),), rounds=1)
    await site.begin()
    await site.run(20)
    assert site.motors.pan == pytest.approx(30, abs=0.5)
    assert site.status.state is PatrolState.IDLE
    await site.close()


async def test_tours_that_cannot_be_read_do_not_keep_the_engine_from_starting(site, caplog):
    site.shelf.texts["dome"] = "[]]"
    await site.again()
    assert site.patrol.tours == ()
    assert "cannot be used" in caplog.text
