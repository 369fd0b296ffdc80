"""The engine's ONVIF device: begun when all is known, served anew when it was otherwise, patient with a taken port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from onvif import ONVIFCamera

from engine.app.engine import Engine
from engine.app.onvif import LOOK_S, PATIENCE_S, RETRY_S
from engine.cameras.protocols import Channel
from engine.core.clock import VirtualClock
from engine.onvif_device.device import PortInUse
from tests.engine.app.app_sites import until
from tests.engine.app.conftest import StartEngine

pytestmark = pytest.mark.ledger("NET-3")


async def activate(engine: Engine) -> None:
    await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")


def describe(engine: Engine, wide: tuple[int, int] = (1280, 720)) -> None:
    """Lets the cameras say of themselves what they would say once they are reached."""
    engine.cameras["wall"].camera.channels = (Channel(id="wide", profile="w", size=wide, fps=12.0),)
    engine.cameras["mast"].camera.channels = (Channel(id="dome", profile="d", size=(1920, 1080), fps=25.0),)


@asynccontextmanager
async def facing(engine: Engine) -> AsyncIterator[None]:
    task = asyncio.create_task(engine.onvif.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.onvif.stop()


async def sizes(engine: Engine) -> list[tuple[int, int]]:
    """The sizes of the pictures, as a real client is told them."""
    credentials = await engine.services.stream_credentials()
    # The device lives in virtual time: the client asks it what time it is.
    client = ONVIFCamera("127.0.0.1", engine.onvif.port, credentials.username, credentials.password, adjust_time=True)
    try:
        await client.update_xaddrs()
        profiles = await (await client.create_media_service()).GetProfiles()
    finally:
        await client.close()
    resolutions = [profile.VideoEncoderConfiguration.Resolution for profile in profiles]
    return [(one.Width, one.Height) for one in resolutions]


async def look_again(clock: VirtualClock, seconds: float = LOOK_S) -> None:
    """Lets time pass until the next look, and what begins with it end."""
    await until(lambda: bool(clock._sleepers), "it waits")
    await clock.advance(seconds)
    await until(lambda: bool(clock._sleepers), "it has looked")


async def test_it_begins_when_the_engine_is_activated_and_the_cameras_are_known(
    engine: Engine, clock: VirtualClock
) -> None:
    async with facing(engine):
        describe(engine)
        await look_again(clock)
        assert engine.onvif.port == 0, "nobody answers before the activation"
        await activate(engine)
        await look_again(clock)
        assert await sizes(engine) == [(1280, 720), (1920, 1080)]


async def test_it_does_not_wait_for_ever_and_corrects_itself(engine: Engine, clock: VirtualClock) -> None:
    await activate(engine)
    async with facing(engine):
        await look_again(clock)
        assert engine.onvif.port == 0, "a moment of patience with cameras that are being reached"
        await look_again(clock, PATIENCE_S + LOOK_S)
        assert await sizes(engine) == [(1280, 720), (1280, 720)]

        describe(engine, wide=(2560, 1440))
        await look_again(clock)
        assert await sizes(engine) == [(2560, 1440), (1920, 1080)]

        served = engine.onvif._device
        await look_again(clock)
        assert engine.onvif._device is served, "without news it goes on undisturbed"


async def test_a_port_that_is_taken_later_is_told_once_and_tried_again(
    start_engine: StartEngine, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        engine = await start_engine(onvif=port)
        await activate(engine)
        describe(engine)
        with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port}: another program uses the port; set another"):
            await engine.onvif.check_port()
        async with facing(engine):
            for _ in range(3):
                await look_again(clock, RETRY_S)
            assert engine.onvif.port == 0
            told = [
                record.message
                for record in caplog.records
                if record.levelname == "ERROR" and str(port) in record.message
            ]
            assert len(told) == 1
            other.close()
            await look_again(clock, RETRY_S)
            assert engine.onvif.port == port
            assert len(await sizes(engine)) == 2


async def test_a_free_port_stays_free_after_the_check(start_engine: StartEngine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    engine = await start_engine(onvif=port)
    await engine.onvif.check_port()
    await engine.onvif.check_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
