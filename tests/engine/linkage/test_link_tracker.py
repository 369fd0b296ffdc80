"""MoveAndStartTracking at a real link: a client names an object or a goal, and the camera follows who is there."""

from __future__ import annotations

import asyncio

import pytest
from yard import ASPECT, Target, Yard, line

from engine.app.link_tracker import LinkTracker
from engine.core.geometry import Pose
from engine.linkage import OPERATOR
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.ptz import ArbiterPtz
from onvif_server.backend import Caller, PtzSpeed, Refusal, Refused

pytestmark = pytest.mark.ledger("ONVIF-6")

CALLER = Caller("nvr", "192.0.2.9")


class Client:
    """The motors as an ONVIF client has them."""

    def __init__(self, yard):
        self.yard = yard
        self.numbers = ObjectNumbers()
        tracker = LinkTracker(yard.arbiter, [yard.link], self.numbers, yard.clock, asyncio.create_task)
        self.ptz = ArbiterPtz(yard.arbiter, yard.clock, ASPECT, tracker)

    async def order(self, *, preset=None, position=None, object_id=None):
        await self.ptz.move_and_track(
            CALLER, preset=preset, position=position, geo=None, speed=PtzSpeed(), object_id=object_id
        )

    async def stop(self):
        await self.ptz.stop(CALLER, pan_tilt=True, zoom=True)


@pytest.fixture
async def yard():
    yard = Yard([Target("a", line((-6, 12), (0.4, 0))), Target("b", line((5, 12), (0.2, 0)))])
    await yard.open()
    await yard.run(1.0)
    yield yard
    await yard.close()


@pytest.fixture
async def client(yard):
    client = Client(yard)
    yield client
    await client.ptz.close()


def seen(yard, name, since):
    """The share of the time in which the PTZ picture showed the target."""
    return 1 - yard.since(name, since)[0]


async def test_an_object_of_the_metadata_stream_is_followed_as_an_operator_wants_it(yard, client):
    number = client.numbers.of("a")
    await client.order(object_id=number)
    tracking = yard.link.tracking
    assert (tracking.track_id, tracking.reason) == ("a", OPERATOR)
    assert yard.started[-1].reason == OPERATOR
    assert yard.arbiter.owner.owner == "link:yard"
    await yard.run(10.0)
    assert seen(yard, "a", 5.0) == 1.0
    assert yard.since("a", 5.0)[1] < 0.15, "near the middle"


@pytest.mark.parametrize("number", [0, 99])
async def test_a_number_that_was_never_told_is_refused(yard, client, number):
    with pytest.raises(Refused) as told:
        await client.order(object_id=number)
    assert told.value.refusal is Refusal.NO_SUCH_TARGET
    assert yard.link.tracking is None


async def test_an_object_that_has_gone_is_refused(yard, client):
    number = client.numbers.of("somebody who left")
    with pytest.raises(Refused):
        await client.order(object_id=number)


async def test_whoever_is_at_the_position_is_followed(yard, client):
    there = yard.targets[1].look(yard.t)[0]
    await client.order(position=(there.pan_deg, there.tilt_deg, 0.3))
    assert yard.link.tracking.track_id == "b"
    await yard.run(8.0)
    assert seen(yard, "b", 5.0) == 1.0


async def test_where_nobody_is_the_first_who_comes_is_followed():
    late = Target("late", line((-2, 12), (0.5, 0), begin=4.0))
    yard = Yard([late])
    await yard.open()
    await yard.run(1.0)
    client = Client(yard)
    goal = late.look(4.5)[0]
    await client.order(position=(goal.pan_deg, goal.tilt_deg, None))
    assert yard.link.tracking.reason == OPERATOR
    await yard.run(9.0)
    assert yard.link.tracking is not None
    assert seen(yard, "late", 6.0) == 1.0
    await client.ptz.close()
    await yard.close()


async def test_a_preset_of_the_engine_says_where_to_look(yard, client):
    there = yard.targets[1].look(yard.t)[0]
    preset = await yard.arbiter.set_preset("Bench", pose=Pose(there.pan_deg, there.tilt_deg, 20.0))
    await client.order(preset=preset.preset_id)
    assert yard.link.tracking.track_id == "b"


async def test_a_preset_that_only_the_camera_knows_is_reached_first(yard, client):
    there = yard.targets[1].look(yard.t + 2.0)[0]
    yard.motors._presets["7"] = ("Bench", (there.pan_deg, there.tilt_deg, 0.4))
    await yard.arbiter.refresh_camera_presets()
    await client.order(preset="camera:7")
    await yard.run(0.5)
    assert yard.link.tracking is None, "the camera is on its way"
    await yard.run(6.0)
    assert yard.link.tracking.track_id in {"b", "ptz-b"}
    await yard.run(4.0)
    assert seen(yard, "b", 8.0) == 1.0


async def test_a_stop_on_the_way_to_such_a_preset_ends_the_order(yard, client):
    yard.motors._presets["7"] = ("Bench", (100.0, 0.0, 0.4))
    await yard.arbiter.refresh_camera_presets()
    await client.order(preset="camera:7")
    await yard.run(0.5)
    await client.stop()
    await yard.run(5.0)
    assert yard.link.tracking is None


async def test_a_stop_or_another_move_ends_it(yard, client):
    number = client.numbers.of("a")
    for end in (
        client.stop,
        lambda: client.ptz.move_absolute(CALLER, pan_deg=90.0, tilt_deg=0.0, zoom=None, speed=PtzSpeed()),
    ):
        await client.order(object_id=number)
        await yard.run(1.0)
        assert yard.link.tracking is not None
        await end()
        assert yard.link.tracking is None
    assert [event.reason for event in yard.ended] == ["stopped", "stopped"]


async def test_what_somebody_else_has_followed_meanwhile_goes_on(yard, client):
    await client.order(object_id=client.numbers.of("a"))
    await yard.run(0.5)
    await yard.link.track(track_id="b")
    await client.stop()
    assert yard.link.tracking.track_id == "b"


def test_a_channel_that_no_link_sends_has_no_tracker():
    yard = Yard([])
    with pytest.raises(ValueError, match="no link sends ptz"):
        LinkTracker(yard.arbiter, [], ObjectNumbers(), yard.clock, asyncio.create_task)
