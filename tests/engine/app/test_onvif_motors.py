"""What a recorder can do with the motors of the running engine, beside moving them: tracking, tours, places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from engine.app.engine import Engine
from engine.core.clock import VirtualClock
from engine.core.geometry import Box
from engine.core.values import TargetType, Track, TrackUpdate
from engine.linkage import OPERATOR
from tests.engine.app.conftest import StartEngine
from tests.engine.app.soap_recorder import SoapRecorder
from tests.engine.app.test_onvif_face import activate, describe, facing, look_again

pytestmark = pytest.mark.ledger("ONVIF-6")

type Serve = Callable[[Engine], Awaitable[SoapRecorder]]


@pytest.fixture
async def serve(clock: VirtualClock) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def begin(engine: Engine) -> SoapRecorder:
            await activate(engine)
            await stack.enter_async_context(facing(engine))
            describe(engine)
            await look_again(clock)
            recorder = await SoapRecorder.at(engine)
            stack.push_async_callback(recorder.session.close)
            return recorder

        yield begin


def somebody(clock: VirtualClock, track_id: str) -> TrackUpdate:
    now = clock.now()
    track = Track(track_id, "wide", TargetType.PERSON, Box(0.4, 0.4, 0.05, 0.2), 0.8, now, now - 1.0, True, True)
    return TrackUpdate("wide", now, (track,), 16 / 9)


async def test_an_object_that_a_recorder_names_is_followed_by_the_link(
    engine: Engine, clock: VirtualClock, serve: Serve
) -> None:
    recorder = await serve(engine)
    [capabilities] = (await recorder.call("<tptz:GetServiceCapabilities/>")).content
    assert capabilities.get("MoveAndTrack").split() == ["PresetToken", "PTZVector", "ObjectID"]
    engine.director.on_tracks(somebody(clock, "wide-7"))
    link = engine.director.link("yard-dome")
    number = engine.onvif._numbers.of("wide-7")
    unknown = await recorder.ptz("MoveAndStartTracking", f"<tptz:ObjectID>{number + 1}</tptz:ObjectID>")
    assert unknown.fault == "NoToken"
    assert link.tracking is None

    answer = await recorder.ptz("MoveAndStartTracking", f"<tptz:ObjectID>{number}</tptz:ObjectID>")
    assert answer.fault == ""
    assert link.tracking is not None
    assert (link.tracking.track_id, link.tracking.reason) == ("wide-7", OPERATOR)

    # The camera of this test is away, so the stop cannot reach it; but whoever was followed is followed no more.
    await recorder.ptz("Stop")
    await asyncio.sleep(0)
    assert link.tracking is None


async def test_a_recorder_makes_a_tour_that_outlives_the_engine(
    engine: Engine, clock: VirtualClock, serve: Serve, start_engine: StartEngine
) -> None:
    recorder = await serve(engine)
    node = await recorder.call("<tptz:GetNodes/>")
    assert node.texts("MaximumNumberOfPresetTours") == ["8"]
    assert node.texts("PTZPresetTourOperation") == ["Start", "Stop", "Pause"]
    token = (await recorder.ptz("CreatePresetTour")).texts("PresetTourToken")[0]
    asked = (
        f'<tptz:PresetTour token="{token}"><tt:Name>Night</tt:Name><tt:Status><tt:State>Idle</tt:State></tt:Status>'
        '<tt:AutoStart>false</tt:AutoStart><tt:StartingCondition RandomPresetOrder="true">'
        "<tt:RecurringDuration>PT1H</tt:RecurringDuration></tt:StartingCondition>"
        "<tt:TourSpot><tt:PresetDetail><tt:Home>true</tt:Home></tt:PresetDetail><tt:StayTime>PT5S</tt:StayTime>"
        '</tt:TourSpot><tt:TourSpot><tt:PresetDetail><tt:PTZPosition><tt:PanTilt x="0.5" y="0"/><tt:Zoom x="0.5"/>'
        "</tt:PTZPosition></tt:PresetDetail></tt:TourSpot></tptz:PresetTour>"
    )
    assert (await recorder.ptz("ModifyPresetTour", asked)).fault == ""
    named = f"<tptz:PresetTourToken>{token}</tptz:PresetTourToken>"
    for operation, state in (("Start", "Touring"), ("Pause", "Paused"), ("Stop", "Idle")):
        order = await recorder.ptz("OperatePresetTour", f"{named}<tptz:Operation>{operation}</tptz:Operation>")
        assert order.fault == ""
        assert (await recorder.ptz("GetPresetTour", named)).texts("State") == [state]

    again = await start_engine()
    await again.patrols["dome"].start()
    [kept] = again.patrols["dome"].tours
    assert (kept.tour.name, kept.tour.duration_s, kept.tour.shuffled) == ("Night", 3600.0, True)
    assert len(kept.tour.spots) == 2


@pytest.mark.parametrize("mounted", [True, False])
async def test_only_a_camera_whose_mounting_is_known_is_sent_to_places(
    start_engine: StartEngine, serve: Serve, mounted: bool
) -> None:
    engine = await start_engine(
        mounting="{latitude_deg: 48.1, longitude_deg: 11.5, height_m: 520, heading_deg: 90}" if mounted else "null"
    )
    recorder = await serve(engine)
    [node] = (await recorder.call("<tptz:GetNodes/>")).content
    assert node.get("GeoMove") == str(mounted).lower()
    answer = await recorder.ptz("GeoMove", '<tptz:Target lon="11.6" lat="48.1" elevation="500"/>')
    # The camera of this test is away: that is as far as the order comes.
    assert answer.fault == ("Action" if mounted else "GeoMoveNotSupported")
    far = await recorder.ptz("GeoMove", '<tptz:Target lon="11.5" lat="48.1" elevation="90000"/>')
    assert far.fault == ("UnreachablePosition" if mounted else "GeoMoveNotSupported")
