"""Cameras at work: when a channel is online, what is told of it, and how often a wrong password is tried."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence

import pytest

from engine.app.channels import CameraAtWork
from engine.app.engine import Engine
from engine.cameras.supervisor import CameraState
from engine.core.bus import Subscription
from engine.core.clock import VirtualClock
from engine.core.events import CameraOffline, CameraOnline, CameraRefused, Event
from engine.media import MediaError, StreamConnected, StreamLost
from onvif_server.backend import Account, Backend, DeviceInformation, StaticUsers, StreamRequest, Topic, VideoChannel
from onvif_server.device import OnvifDevice
from tests.engine.app.app_sites import PASSWORD, until
from tests.engine.app.conftest import StartEngine

pytestmark = pytest.mark.ledger("EVT-1")


class Wall(Backend):
    """A fixed ONVIF camera that can be switched on and off at one address."""

    information = DeviceInformation(
        manufacturer="Testers",
        model="Wall 1",
        firmware_version="1",
        serial_number="1",
        hardware_id="A",
        name="wall",
        uuid=uuid.uuid4(),
        mac="02:00:00:00:00:01",
    )
    channels = (VideoChannel(token="main", name="Wall", width=1280, height=720, fps=12),)
    topics: Sequence[Topic] = ()

    def __init__(self) -> None:
        self.users = StaticUsers({"engine": Account(PASSWORD)})
        self.port = 0
        self._device: OnvifDevice | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ptz(self, channel: str) -> None:
        return None

    def stream_uri(self, channel: str, request: StreamRequest) -> str:
        return f"rtsp://{request.host}:9/{channel}"

    async def snapshot(self, channel: str) -> bytes:
        return b""

    async def synchronize(self, channel: str) -> None:
        pass

    async def switch_on(self) -> None:
        self._device = OnvifDevice(self, self.users)
        self.port = await self._device.start("127.0.0.1", self.port)

    async def switch_off(self) -> None:
        device, self._device = self._device, None
        if device:
            await device.stop()


@pytest.fixture
async def wall() -> AsyncIterator[Wall]:
    wall = Wall()
    await wall.switch_on()
    yield wall
    await wall.switch_off()


class Watched:
    """The camera `wall` of an engine at work, and the facts about its channel."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.camera: CameraAtWork = engine.cameras["wall"]
        self.channel = engine.channels["wide"]
        self._subscription: Subscription[Event] = engine.facts.subscribe()

    @property
    def facts(self) -> list[Event]:
        """What has been told so far."""
        return list(self._subscription._queue)

    @property
    def kinds(self) -> list[type[Event]]:
        return [type(fact) for fact in self.facts]

    async def settle(self) -> None:
        """Lets the tasks that were spawned end."""
        await until(lambda: not self.engine._tasks, "the tasks have ended")


async def watch(start_engine: StartEngine, wall: Wall, password: str = PASSWORD) -> Watched:
    watched = Watched(await start_engine(wall=wall.address, password=password))
    watched.camera.start()
    return watched


async def test_a_channel_is_online_when_its_camera_answers_and_its_video_arrives(
    start_engine: StartEngine, wall: Wall
) -> None:
    watched = await watch(start_engine, wall)
    await until(watched.channel.streaming.is_set, "the media process is told of the stream")
    await watched.settle()
    assert watched.camera.online
    assert not watched.channel.online
    assert watched.facts == [], "nothing to tell yet: the video is on its way"

    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    assert watched.kinds == [CameraOnline]
    assert watched.channel.online

    watched.camera.on_stream(watched.channel, StreamLost("wide", "no picture for 5 s", refused=False))
    assert watched.kinds == [CameraOnline, CameraOffline]
    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    assert watched.kinds == [CameraOnline, CameraOffline, CameraOnline]
    await watched.camera.stop()


async def test_a_camera_that_is_away_from_the_start_is_told_once_and_comes_by_itself(
    start_engine: StartEngine, wall: Wall, clock: VirtualClock
) -> None:
    await wall.switch_off()
    watched = await watch(start_engine, wall)
    await until(lambda: bool(watched.facts), "it is told")
    fact = watched.facts[0]
    assert isinstance(fact, CameraOffline)
    assert f"127.0.0.1:{wall.port}" in fact.reason
    for _ in range(4):
        # The longest pause between two tries.
        await clock.advance(30.0)
    assert watched.kinds == [CameraOffline]

    await wall.switch_on()
    await clock.advance(30.0)
    await until(watched.channel.streaming.is_set, "it was found")
    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    assert watched.kinds == [CameraOffline, CameraOnline]
    await watched.camera.stop()


async def test_a_wrong_password_is_told_once_and_tried_once_a_minute(
    start_engine: StartEngine, wall: Wall, clock: VirtualClock
) -> None:
    watched = await watch(start_engine, wall, "left horse")
    for minute in range(1, 4):
        await until(lambda count=minute: wall.users.failures == count, f"attempt {minute}")
        # Some turns of the loop, so that the supervisor has begun its pause.
        await until(lambda: bool(clock._sleepers), "it waits")
        await clock.advance(59.0)
        assert wall.users.failures == minute, "not before the minute is over"
        await clock.advance(1.5)
    assert watched.kinds == [CameraRefused]
    assert "password" in watched.facts[0].reason  # type: ignore[attr-defined]
    with pytest.raises(MediaError):
        watched.engine.media.statistics("wide")
    await watched.camera.stop()


async def test_a_refusal_of_the_video_and_of_the_camera_is_one_event_and_only_the_camera_is_tried_again(
    start_engine: StartEngine, wall: Wall, clock: VirtualClock
) -> None:
    watched = await watch(start_engine, wall)
    await until(watched.channel.streaming.is_set, "the stream is begun")
    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    # The camera is away for a while, and has another password afterwards.
    await wall.switch_off()
    while watched.camera.online:
        await clock.advance(1.0)
        await until(lambda: bool(clock._sleepers), "the supervisor waits")
    wall.users = StaticUsers({"engine": Account("another horse")})
    await wall.switch_on()
    watched.camera.on_stream(watched.channel, StreamLost("wide", "Unauthorized", refused=True))
    assert sorted(kind.__name__ for kind in watched.kinds) == ["CameraOffline", "CameraOnline", "CameraRefused"]
    assert watched.engine.media.statistics("wide") is not None, "the video is tried once a minute"

    while not wall.users.failures:
        await clock.advance(1.0)
        await until(lambda: bool(clock._sleepers), "the supervisor waits")
    await watched.settle()
    assert len(watched.facts) == 3, "nothing that is not known"
    assert watched.channel.stream is None, "the stream is closed"
    assert not watched.channel.streaming.is_set()
    assert watched.engine.media.statistics("wide") is not None, "who watches is not cut off"
    await watched.camera.stop()


async def test_a_refused_camera_whose_video_goes_on_is_left_its_video(start_engine: StartEngine, wall: Wall) -> None:
    watched = await watch(start_engine, wall)
    await until(watched.channel.streaming.is_set, "the stream is begun")
    watched.camera.on_stream(watched.channel, StreamConnected("wide"))
    watched.camera._supervisor.state = CameraState.REFUSED
    watched.camera._on_camera(CameraState.REFUSED, "the password was changed")
    await watched.settle()
    assert watched.kinds == [CameraOnline, CameraRefused, CameraOffline]
    assert watched.engine.media.statistics("wide") is not None
    await watched.camera.stop()


async def test_a_channel_that_cannot_be_started_is_told_with_the_reason(
    start_engine: StartEngine, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wall, "stream_uri", lambda *_: "")
    watched = await watch(start_engine, wall)
    await until(lambda: bool(watched.facts), "it is told")
    assert watched.kinds == [CameraOffline]
    await watched.camera.stop()
