"""SetSynchronizationPoint: who asks our device for a key frame gets one from the camera behind it."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import gi
import numpy as np
import pytest

from engine.access import DeviceUsers, Role
from engine.access.seal import Seal
from engine.cameras.errors import CameraFault
from engine.cameras.onvif_camera import OnvifCamera
from engine.core.bus import Bus
from engine.core.clock import SystemClock, VirtualClock
from engine.media import MediaProcess, MediaSettings, RelayUser, StreamSource
from engine.onvif_device import DeviceAccounts, DeviceChannel, EngineDevice
from engine.onvif_device.backend import EngineFacets
from engine.onvif_device.key_frames import INTERVAL_S, KeyFrames
from engine.simulator.devices import CameraBackend, name_plate
from engine.simulator.encoder import SimulatedEncoder
from engine.simulator.equipment import Equipment
from engine.simulator.rtsp import Login, StreamServer, VideoStream
from engine.simulator.scene import PictureSize
from engine.store import Store
from onvif_server.backend import Account, DeviceInformation, StaticUsers, VideoChannel
from onvif_server.device import OnvifDevice
from tests.engine.app.soap_recorder import PASSWORD, SoapRecorder
from tests.engine.cameras.device import PASSWORD as CAMERA_PASSWORD
from tests.engine.cameras.device import USERNAME
from tests.engine.cameras.sites import camera, channel

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - the version must be chosen first

pytestmark = pytest.mark.ledger("ONVIF-2", "VID-1")

CLOCK = SystemClock()
FPS = 10.0
# By itself the camera sends the next key frame in half an hour.
STREAM = VideoStream("gate", PictureSize(320, 180), FPS, key_frame_every=round(FPS) * 1800)
PATIENCE_S = 120.0


class Orders:
    """A camera that counts what is ordered, and may refuse."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.times: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.refusing = False
        self.key_frames = KeyFrames("gate", self.order, self.clock, self.spawn)
        self.began = self.clock.monotonic()

    def spawn(self, work: Any) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    async def order(self) -> None:
        self.times.append(self.clock.monotonic() - self.began)
        if self.refusing:
            raise CameraFault("gate", "192.0.2.7", "it knows no key frames", "use another camera")


async def test_many_who_ask_at_once_cost_one_key_frame_a_second():
    orders = Orders()
    for _ in range(40):
        orders.key_frames.request()
        await orders.clock.advance(0.05)
    await orders.clock.advance(5.0)
    assert orders.times == pytest.approx([0.0, INTERVAL_S, 2 * INTERVAL_S])
    orders.key_frames.request()
    await orders.clock.advance(0.0)
    assert len(orders.times) == 4, "who asks after a pause is served at once"
    await orders.clock.advance(INTERVAL_S)
    assert all(task.done() for task in orders.tasks)


async def test_a_camera_that_cannot_is_told_of_once_and_asked_again(caplog: pytest.LogCaptureFixture):
    orders = Orders()
    orders.refusing = True
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            orders.key_frames.request()
            await orders.clock.advance(2 * INTERVAL_S)
        assert [record.getMessage() for record in caplog.records].count(caplog.records[0].getMessage()) == 1
        assert "it knows no key frames" in caplog.text
        orders.refusing = False
        orders.key_frames.request()
        await orders.clock.advance(2 * INTERVAL_S)
    assert len(caplog.records) == 1
    assert len(orders.times) == 4


@contextmanager
def watching(url: str, user: RelayUser) -> Iterator[Any]:
    """A viewer's sink of encoded pictures."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "rtspsrc name=source latency=0 protocols=tcp ! rtph264depay ! h264parse ! video/x-h264,alignment=au "
        "! appsink name=pictures sync=false max-buffers=500"
    )
    source = pipeline.get_by_name("source")
    source.set_property("location", url)
    source.set_property("user-id", user.name)
    source.set_property("user-pw", user.password)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        yield pipeline.get_by_name("pictures")
    finally:
        pipeline.set_state(Gst.State.NULL)


async def next_is_key(pictures: Any) -> bool:
    """Whether the next picture is a key frame."""
    sample = await asyncio.to_thread(pictures.emit, "try-pull-sample", round(PATIENCE_S * Gst.SECOND))
    assert sample is not None, "no picture came"
    return not sample.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT)


async def show(server: StreamServer) -> None:
    """A camera's pictures, for ever."""
    picture = np.zeros((180, 320, 3), np.uint8)
    while True:
        picture[:, :, 1] += 1
        await asyncio.to_thread(server.push, STREAM.path, picture, time.time())
        await asyncio.sleep(1 / FPS)


@pytest.fixture
async def recorder(socket_enabled: None, tmp_path: Path) -> AsyncIterator[tuple[SoapRecorder, Any]]:
    """Somebody who asks our device, and what they see of the relay; behind it a simulated camera."""
    user = RelayUser(name="nvr", password="nvr secret")
    async with AsyncExitStack() as stack:
        server = StreamServer("127.0.0.1", (STREAM,), Login(USERNAME, CAMERA_PASSWORD))
        rtsp_port = server.start()
        stack.push_async_callback(asyncio.to_thread, server.stop)
        showing = asyncio.create_task(show(server))
        stack.callback(showing.cancel)
        behind = OnvifDevice(
            CameraBackend(
                information=name_plate("overview", "gate"),
                channel=VideoChannel(token="main", name="Gate", width=320, height=180, fps=FPS),
                rtsp_port=rtsp_port,
                rtsp_path=STREAM.path,
                take_picture=lambda: np.zeros((180, 320, 3), np.uint8),
                order_key_frame=lambda: server.key_frame(STREAM.path),
                equipment=Equipment(encoder=SimulatedEncoder(STREAM, server.reconfigure)),
            ),
            StaticUsers({USERNAME: Account(CAMERA_PASSWORD)}),
        )
        port = await behind.start("127.0.0.1")
        stack.push_async_callback(behind.stop)
        far = OnvifCamera(camera(f"127.0.0.1:{port}", channel("gate")), CLOCK, timeout_s=20)
        stack.push_async_callback(far.close)
        await far.connect()

        media = MediaProcess(MediaSettings(), CLOCK)
        await media.start()
        stack.push_async_callback(media.stop)
        await media.set_relay_users([user])
        address = await far.stream_address("gate")
        await media.add_stream(
            StreamSource(
                channel="gate",
                url=address.url,
                username=address.username,
                password=address.password,
                analysis_width=160,
            )
        )

        store = await stack.enter_async_context(Store(tmp_path))
        users = DeviceUsers(store, CLOCK)
        await users.open(await Seal.at(tmp_path))
        await users.save("recorder", PASSWORD, Role.ADMINISTRATOR)
        orders: list[asyncio.Task[None]] = []

        def spawn(work: Any) -> asyncio.Task[None]:
            orders.append(asyncio.create_task(work))
            return orders[-1]

        device = EngineDevice(
            DeviceInformation(
                manufacturer="Smart PTZ",
                model="Engine",
                firmware_version="0.1.0",
                serial_number="1",
                hardware_id="engine",
                name="yard",
                uuid=uuid.UUID(int=1),
                mac="02:00:00:00:00:02",
            ),
            (DeviceChannel(id="gate", name="Gate", width=320, height=180, fps=FPS),),
            {},
            DeviceAccounts(users, None),
            Bus(),
            stream_url=lambda name, request: media.relay_url(name),
            snapshot=lambda name: asyncio.sleep(0, None),
            clock=CLOCK,
            facets=EngineFacets(key_frames={"gate": KeyFrames("gate", lambda: far.synchronize("gate"), CLOCK, spawn)}),
        )
        await device.start("127.0.0.1", 0)
        stack.push_async_callback(device.stop)
        login = aiohttp.DigestAuthMiddleware("recorder", PASSWORD)
        session = await stack.enter_async_context(aiohttp.ClientSession(middlewares=[login]))
        async with asyncio.timeout(PATIENCE_S):
            await anext(media.frames("gate"))
        pictures = stack.enter_context(watching(media.relay_url("gate"), user))
        yield SoapRecorder(session, device.port), pictures
        await asyncio.gather(*orders)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["trt", "tr2"])
async def test_a_client_gets_a_key_frame_from_a_camera_that_would_send_none_for_long(
    recorder: tuple[SoapRecorder, Any], service: str
) -> None:
    client, pictures = recorder
    assert await next_is_key(pictures), "every viewer begins with one"
    for _ in range(round(FPS)):
        assert not await next_is_key(pictures)
    token = f"<{service}:ProfileToken>gate-profile</{service}:ProfileToken>"
    answer = await client.call(f"<{service}:SetSynchronizationPoint>{token}</{service}:SetSynchronizationPoint>")
    assert answer.fault == ""
    async with asyncio.timeout(PATIENCE_S):
        while not await next_is_key(pictures):
            pass
    assert not await next_is_key(pictures), "one was asked for"
