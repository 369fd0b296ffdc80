"""The engine's tours, as an ONVIF client makes and steers them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.geometry import Direction, Pose
from engine.core.zoom import ZoomCurve
from engine.onvif_device.ptz import ArbiterPtz
from engine.onvif_device.tour_events import TourTeller
from engine.ptz import Arbiter, ArbiterSettings, Limits, Patrol, PatrolState, Priority
from onvif_server.backend import Caller, PtzSpeed, Refusal, Refused, TourOperation, TourSpot, TourState
from onvif_server.events import topics
from onvif_server.events.broker import Broker
from onvif_server.services.ptz import TOPICS
from tests.engine.ptz.simulated_motors import SimulatedMotors

pytestmark = pytest.mark.ledger("ONVIF-6")

CALLER, OTHER = Caller("nvr", "192.0.2.9"), Caller("other", "192.0.2.10")


class Site:
    def __init__(self):
        self.clock = VirtualClock()
        settings = ArbiterSettings(limits=Limits(pan_deg=(-170, 170)), home=Pose(0.0, 0.0, 60.0), busy_poll_s=0.5)
        self.arbiter = Arbiter("dome", ZoomCurve(((0.0, 60.0), (1.0, 4.0))), self.clock, Bus(), settings=settings)
        self.motors = SimulatedMotors(self.clock)
        self.patrol = Patrol(self.arbiter, self.clock)
        self.ptz = ArbiterPtz(self.arbiter, self.clock, 16 / 9, patrol=self.patrol)

    async def tour(self, *spots, **ways):
        """A tour of these spots; its token."""
        token = await self.ptz.create_tour(CALLER)
        [tour] = [one for one in await self.ptz.tours() if one.token == token]
        await self.ptz.modify_tour(CALLER, replace(tour, spots=spots, **ways))
        return token

    async def shown(self, token):
        return next(tour for tour in await self.ptz.tours() if tour.token == token)

    async def run(self, seconds):
        await self.clock.advance(seconds)
        self.motors.settle()


@pytest.fixture
async def site():
    site = Site()
    await site.arbiter.start(site.motors)
    await site.patrol.start()
    yield site
    await site.ptz.close()
    await site.patrol.close()
    await site.arbiter.close()


LEFT = TourSpot(preset=None, stay_s=5.0, speed=PtzSpeed(0.5, 0.25, None), position=(-60.0, -10.0, 0.5))
HOME = TourSpot(preset=None, stay_s=5.0)


async def test_what_a_client_sets_of_a_tour_it_reads_again(site):
    preset = await site.arbiter.set_preset("Gate", pose=Pose(40.0, 0.0, 30.0))
    gate = TourSpot(preset=preset.preset_id, stay_s=7.5)
    token = await site.tour(gate, LEFT, HOME, name="Night", rounds=3, duration_s=60.0, backward=True, random=True)
    shown = await site.shown(token)
    assert (shown.name, shown.rounds, shown.duration_s, shown.backward, shown.random) == ("Night", 3, 60.0, True, True)
    assert shown.spots[0] == gate
    assert shown.spots[1].position == pytest.approx(LEFT.position)
    assert replace(shown.spots[1], position=None) == replace(LEFT, position=None)
    assert shown.spots[2] == HOME
    assert (shown.state, shown.current) == (TourState.IDLE, None)


async def test_a_tour_is_started_paused_and_stopped(site):
    token = await site.tour(LEFT, HOME)
    for operation, state in (("START", "TOURING"), ("PAUSE", "PAUSED"), ("START", "TOURING"), ("STOP", "IDLE")):
        await site.ptz.operate_tour(CALLER, token, TourOperation[operation])
        await site.run(4)
        assert (await site.shown(token)).state is TourState[state]
    assert site.motors.pan == pytest.approx(-60, abs=0.5)


async def test_a_client_that_has_just_moved_the_camera_need_not_wait(site):
    await site.ptz.move_absolute(CALLER, pan_deg=90.0, tilt_deg=0.0, zoom=None, speed=PtzSpeed())
    token = await site.tour(LEFT)
    await site.ptz.operate_tour(CALLER, token, TourOperation.START)
    await site.run(4)
    assert site.motors.pan == pytest.approx(-60, abs=0.5)


async def test_a_tour_does_not_begin_while_another_operator_has_the_camera(site):
    token = await site.tour(LEFT)
    await site.ptz.move_absolute(OTHER, pan_deg=90.0, tilt_deg=0.0, zoom=None, speed=PtzSpeed())
    with pytest.raises(Refused) as told:
        await site.ptz.operate_tour(CALLER, token, TourOperation.START)
    assert told.value.refusal is Refusal.BUSY
    assert site.patrol.tours[0].state is PatrolState.IDLE


async def test_a_move_of_a_client_takes_the_camera_from_the_tour_for_a_while(site):
    token = await site.tour(LEFT, HOME)
    await site.ptz.operate_tour(CALLER, token, TourOperation.START)
    await site.run(3)
    await site.ptz.move_absolute(CALLER, pan_deg=90.0, tilt_deg=0.0, zoom=None, speed=PtzSpeed())
    assert site.arbiter.owner.priority is Priority.OPERATOR
    await site.run(8)
    assert site.motors.pan == pytest.approx(90, abs=0.5)
    assert (await site.shown(token)).state is TourState.TOURING
    await site.run(16)
    assert site.arbiter.owner.priority is Priority.PATROL
    assert site.motors.pan != pytest.approx(90, abs=5)


async def test_what_cannot_be_is_refused_in_the_words_of_the_library(site):
    empty = await site.ptz.create_tour(CALLER)
    other = await site.tour(LEFT)
    running = await site.tour(HOME)
    await site.ptz.operate_tour(CALLER, running, TourOperation.START)
    for token, refusal in ((empty, Refusal.INVALID), (other, Refusal.BUSY), ("none", Refusal.NOT_FOUND)):
        with pytest.raises(Refused) as told:
            await site.ptz.operate_tour(CALLER, token, TourOperation.START)
        assert told.value.refusal is refusal
    with pytest.raises(Refused) as told:
        for _ in range(9):
            await site.ptz.create_tour(CALLER)
    assert told.value.refusal is Refusal.TOO_MANY


async def test_a_head_without_a_patrol_offers_no_tours(site):
    plain = ArbiterPtz(site.arbiter, site.clock, 16 / 9)
    assert plain.capabilities.tours is None
    with pytest.raises(Refused):
        await plain.tours()


async def test_visits_are_told_as_the_events_of_presets(site):
    heard, changed = [], []
    broker = Broker(TOPICS, site.clock.now)
    broker.listen(heard.append)

    async def note(channel):
        changed.append(channel)

    teller = TourTeller("dome", site.patrol, broker, note)
    teller.begin()
    preset = await site.arbiter.set_preset("Gate", pose=Pose(40.0, 0.0, 30.0))
    token = await site.tour(TourSpot(preset=preset.preset_id, stay_s=1.0), rounds=1)
    await site.ptz.operate_tour(CALLER, token, TourOperation.START)
    await site.run(20)
    expected = (topics.PRESET_INVOKED, topics.PRESET_REACHED, topics.PRESET_LEFT)
    assert [one.topic for one in heard] == [topic.path for topic in expected]
    assert dict(heard[0].source) == {"PTZConfigurationToken": "dome-ptz-config"}
    assert dict(heard[0].data) == {"PresetToken": preset.preset_id, "PresetName": "Gate"}
    assert changed
    assert set(changed) == {"dome"}
    await teller.end()
    await site.ptz.operate_tour(CALLER, token, TourOperation.START)
    await site.run(3)
    assert len(heard) == 3, "it listens no more"


def test_directions_of_the_sphere_are_told_inside_the_pan_range():
    site = Site()
    spot = site.ptz._desk._spot(TourSpot(preset=None, stay_s=1.0, position=(169.0, 0.0, None)))
    assert spot.direction == Direction(169.0, 0.0)


async def test_a_change_that_cannot_be_told_does_not_silence_the_next(site, caplog):
    told = []

    async def changed(channel):
        told.append(channel)
        if len(told) == 1:
            raise LookupError("no words")

    teller = TourTeller("dome", site.patrol, Broker(TOPICS, site.clock.now), changed)
    teller.begin()
    try:
        await site.run(0.1)
        await site.patrol.create()
        await site.run(0.1)
        assert told == ["dome", "dome"]
        assert "no words" in caplog.text
    finally:
        await teller.end()
