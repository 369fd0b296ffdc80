"""Every viewer of a metadata stream learns the state of all properties, whoever watches already."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from lxml import etree

from engine.app.engine import Engine
from engine.app.onvif import _Look
from engine.core.clock import VirtualClock
from engine.media import Tracks
from tests.engine.app.forwarding_sites import facing, served
from tests.engine.app.test_rulebook import seen
from tests.engine.media.conftest import PATIENCE_S, USER, Camera, Process, source

pytestmark = pytest.mark.ledger("ONVIF-2", "ONVIF-3")

ALARM = "tns1:VideoSource/MotionAlarm"


async def alarm_told(viewer: Process) -> str:
    """The state of the alarm as the viewer is told it for the first time."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            line = await viewer.line()
            assert "error" not in line, line
            if "document" not in line:
                continue
            for message in etree.fromstring(line["document"].encode()).iterfind(".//{*}NotificationMessage"):
                if message.findtext("{*}Topic") == ALARM:
                    [content] = message.iterfind("{*}Message/{*}Message")
                    assert content.get("PropertyOperation") == "Initialized"
                    return str(content.find(".//{*}Data/{*}SimpleItem").get("Value"))


async def test_the_second_viewer_of_a_track_is_told_the_state_as_the_first_was(
    engine: Engine, clock: VirtualClock
) -> None:
    await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")
    for channel in engine.channels:
        engine.onvif._known[channel] = _Look((1280, 720), 12.0, "H264")
    engine._on_tracks(seen(1.0, (0.5, 0.6)))  # somebody is on the lawn already
    async with AsyncExitStack() as stack:
        camera = await Camera.start("rtsp_camera.py", json.dumps({}))
        stack.push_async_callback(camera.kill)
        camera.port = (await camera.line())["port"]
        await engine.media.start()
        stack.push_async_callback(engine.media.stop)
        await engine.media.set_relay_users([USER])
        await engine.media.add_stream(replace(source(camera), channel="wide"))
        await anext(aiter(engine.media.frames("wide")))
        await stack.enter_async_context(facing(engine))
        await served(engine, clock, lambda: engine.onvif.port > 0, "the device is served")

        async def analyse() -> None:
            while True:
                engine.onvif.on_tracks(seen(clock.now(), (0.5, 0.6)))
                await asyncio.sleep(0.2)

        analysing = asyncio.create_task(analyse())
        stack.callback(analysing.cancel)
        for _ in range(3):
            url = engine.media.relay_url("wide", tracks=Tracks.VIDEO | Tracks.METADATA)
            viewer = await Process.start("rtsp_tracks.py", url, USER.name, USER.password, "protocols=tcp")
            stack.push_async_callback(viewer.kill)
            assert await alarm_told(viewer) == "true"
