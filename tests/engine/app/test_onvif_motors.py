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
from engine.linkage.link import OPERATOR
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
