"""The engine seen as an ONVIF device, by a real client; behind it the arbiter, the driver and a real (test) camera."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from engine.access import DeviceUsers, Role
from engine.access.lockout import Lockout, LockoutSettings
from engine.access.seal import Seal
from engine.cameras.onvif_camera import OnvifCamera
from engine.core.bus import Bus
from engine.core.clock import SystemClock
from engine.core.events import CameraOnline, Event, PictureFault, PictureQuality, RuleKind, RuleTriggered
from engine.core.geometry import Box, Pose
from engine.core.values import TargetType
from engine.core.zoom import ZoomCurve
from engine.onvif_device import DeviceAccounts, DeviceChannel, EngineDevice
from engine.onvif_device.device import PortInUse
from engine.ptz import Arbiter, ArbiterSettings, Limits, Priority
from engine.store import Store
from onvif_server.backend import DeviceInformation
from tests.engine.cameras.device import Head, running
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("ONVIF-6", "NET-1", "SYS-2")

OPERATOR, PASSWORD = "recorder", "Correct-Horse-7"
CLOCK = SystemClock()


@dataclass
class Engine:
    device: EngineDevice
    arbiter: Arbiter
    events: Bus[Event]
    head: Head
    users: DeviceUsers
    pictures: dict[str, bytes]


INFORMATION = DeviceInformation(
    manufacturer="Smart PTZ",
    model="Engine",
    firmware_version="0.1.0",
    serial_number="1",
    hardware_id="engine",
    name="yard",
    uuid=uuid.UUID(int=1),
    mac="02:00:00:00:00:02",
)


@pytest.fixture
async def engine(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Engine]:
    async with running() as yard, Store(tmp_path) as store:
        users = DeviceUsers(store, CLOCK)
        await users.open(await Seal.at(tmp_path))
        await users.save(OPERATOR, PASSWORD, Role.OPERATOR)
        await users.save("guard", PASSWORD, Role.USER)
        far = OnvifCamera(camera(yard.address, channel("dome", "ptz")), CLOCK, timeout_s=20)
        await far.connect()
        events: Bus[Event] = Bus()
        settings = ArbiterSettings(limits=Limits(pan_deg=(-170, 170), tilt_deg=(-80, 20)), home=Pose(0, -10, 60))
        arbiter = Arbiter("dome", ZoomCurve(((0.0, 60.0), (1.0, 3.0))), CLOCK, events, settings=settings)
        await arbiter.start(far.motors("dome"))
        pictures: dict[str, bytes] = {"dome": b"\xff\xd8 dome"}

        async def snapshot(channel: str) -> bytes | None:
            return pictures.get(channel)

        device = EngineDevice(
            INFORMATION,
            (
                DeviceChannel(id="wide", name="Wide", width=1280, height=720, fps=12),
                DeviceChannel(id="dome", name="Dome", width=1280, height=720, fps=12),
            ),
            {"dome": arbiter},
            DeviceAccounts(users, Lockout(CLOCK, LockoutSettings())),
            events,
            stream_url=lambda name, request: f"rtsp://{request.host}:8554/{name}",
            snapshot=snapshot,
            clock=CLOCK,
        )
        await device.start("127.0.0.1", 0)
        try:
            yield Engine(device, arbiter, events, yard.head, users, pictures)
        finally:
            await device.stop()
            await arbiter.close()
            await far.close()


@asynccontextmanager
async def client(engine: Engine, username: str = OPERATOR, password: str = PASSWORD) -> AsyncIterator[ONVIFCamera]:
    one = ONVIFCamera("127.0.0.1", engine.device.port, username, password)
    try:
        await one.update_xaddrs()
        yield one
    finally:
        await one.close()


def triggered(*, active: bool = True, kind: RuleKind = RuleKind.INTRUSION, track: str = "t-1") -> RuleTriggered:
    return RuleTriggered(
        at=time.time(),
        rule_id="gate",
        rule_kind=kind,
        channel="wide",
        track_id=track,
        target_type=TargetType.PERSON,
        box=Box(0.1, 0.1, 0.1, 0.3),
        active=active,
        direction="a_to_b" if kind is RuleKind.LINE_CROSSING else None,
    )


class Listener:
    """A pull-point client that sees messages as (topic, operation, source, key, data)."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    async def pull(self) -> list[tuple[str, str | None, dict[str, str], dict[str, str], dict[str, str]]]:
        answer = await self.manager.get_service().PullMessages(
            {"MessageLimit": 100, "Timeout": dt.timedelta(seconds=20)}
        )
        return [self._read(message) for message in answer.NotificationMessage]

    async def pull_topic(self, topic: str) -> list[tuple[str | None, dict[str, str], dict[str, str], dict[str, str]]]:
        """Pulls until something of a topic comes."""
        async with asyncio.timeout(60):
            while True:
                found = [message[1:] for message in await self.pull() if message[0] == topic]
                if found:
                    return found

    @staticmethod
    def _read(message: Any) -> tuple[str, str | None, dict[str, str], dict[str, str], dict[str, str]]:
        def items(part: Any) -> dict[str, str]:
            return {item.Name: item.Value for item in part.SimpleItem} if part is not None else {}

        inner = message.Message._value_1
        operation = inner.PropertyOperation
        return (
            message.Topic._value_1,
            str(operation) if operation else None,
            items(inner.Source),
            items(inner.Key),
            items(inner.Data),
        )


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[Listener]:
    async with client(engine) as one:
        manager = await one.create_pullpoint_manager(dt.timedelta(minutes=5), lambda: None)
        try:
            yield Listener(manager)
        finally:
            await manager.shutdown()


INSIDE = "tns1:RuleEngine/FieldDetector/ObjectsInside"


async def test_an_intrusion_is_told_as_objects_inside(engine: Engine):
    async with listening(engine) as listener:
        await listener.pull_topic("tns1:VideoSource/MotionAlarm")
        engine.events.publish(CameraOnline(at=time.time(), channel="wide"))
        engine.events.publish(triggered())
        [(operation, source, key, data)] = await listener.pull_topic(INSIDE)
        assert operation == "Initialized"
        assert list(source) == ["VideoSourceConfigurationToken", "VideoAnalyticsConfigurationToken", "Rule"]
        assert source["Rule"] == "gate"
        assert key == {"ObjectId": "1"}
        assert next(iter(data.items())) == ("IsInside", "true")


async def test_the_end_of_an_intrusion_is_told_and_then_forgotten(engine: Engine):
    async with listening(engine) as listener:
        await listener.pull()
        engine.events.publish(triggered())
        engine.events.publish(triggered(active=False))
        seen: list[tuple[str | None, str]] = []
        while len(seen) < 3:
            seen += [(operation, data["IsInside"]) for operation, _, _, data in await listener.pull_topic(INSIDE)]
        assert seen == [("Initialized", "true"), ("Changed", "false"), ("Deleted", "false")]
    async with listening(engine) as later:
        told = {message[0] for message in await later.pull()}
        assert "tns1:VideoSource/MotionAlarm" in told
        assert INSIDE not in told


async def test_an_event_that_cannot_be_told_does_not_silence_the_next(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def unknown(_rule_id: str) -> str:
        raise LookupError("a rule without a name")

    async with listening(engine) as listener:
        await listener.pull()
        with monkeypatch.context() as patched:
            patched.setattr(engine.device._translator, "_rule_name", unknown)
            engine.events.publish(triggered(track="t-1"))
            async with asyncio.timeout(60):
                while "a rule without a name" not in caplog.text:
                    await asyncio.sleep(0.01)
        engine.events.publish(triggered(track="t-2"))
        assert await listener.pull_topic(INSIDE)


async def test_what_happens_on_a_channel_of_another_device_is_not_told(engine: Engine):
    async with listening(engine) as listener:
        await listener.pull()
        engine.events.publish(replace(triggered(), channel="elsewhere"))
        engine.events.publish(triggered(track="t-2"))
        [(_, source, _, _)] = await listener.pull_topic(INSIDE)
        assert source["VideoSourceConfigurationToken"].startswith("wide")


async def test_a_picture_that_is_of_no_use_is_told(engine: Engine):
    topic = "tns1:VideoSource/ImageTooDark/AnalyticsService"
    async with listening(engine) as listener:
        first = await listener.pull_topic(topic)
        assert {(operation, data["State"]) for operation, _, _, data in first} == {("Initialized", "false")}
        assert len(first) == 2
        engine.events.publish(PictureQuality(at=time.time(), channel="wide", fault=PictureFault.TOO_DARK, active=True))
        [(operation, source, _, data)] = await listener.pull_topic(topic)
        assert (operation, data) == ("Changed", {"State": "true"})
        assert source["Source"].startswith("wide")


async def test_a_line_crossing_is_told(engine: Engine):
    async with listening(engine) as listener:
        await listener.pull()
        engine.events.publish(triggered(kind=RuleKind.LINE_CROSSING, track="t-9"))
        [(operation, source, _, data)] = await listener.pull_topic("tns1:RuleEngine/LineDetector/Crossed")
        assert operation is None
        assert source["Rule"] == "gate"
        assert data == {"ObjectId": "1"}


async def test_the_motion_alarm_is_on_while_anybody_is_inside(engine: Engine):
    async with listening(engine) as listener:
        first = await listener.pull_topic("tns1:VideoSource/MotionAlarm")
        assert {data["State"] for _, _, _, data in first} == {"false"}
        for track, active in (("a", True), ("b", True), ("a", False), ("b", False)):
            engine.events.publish(triggered(active=active, track=track))
        states: list[str] = []
        while len(states) < 2:
            states += [data["State"] for _, _, _, data in await listener.pull_topic("tns1:VideoSource/MotionAlarm")]
        assert states == ["true", "false"]


async def dome(one: ONVIFCamera) -> tuple[Any, str]:
    media = await one.create_media_service()
    profiles = await media.GetProfiles()
    token = next(profile.token for profile in profiles if profile.PTZConfiguration is not None)
    return await one.create_ptz_service(), token


async def reached(engine: Engine, command: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found = [values for name, values in engine.head.commands if name == command]
            if found:
                return found[-1]
            await asyncio.sleep(0.02)


async def test_moves_of_a_client_reach_the_motors_through_the_arbiter(engine: Engine):
    async with client(engine) as one:
        ptz, profile = await dome(one)
        await ptz.AbsoluteMove(
            {"ProfileToken": profile, "Position": {"PanTilt": {"x": 0.5, "y": 0.0}, "Zoom": {"x": 0}}}
        )
        assert engine.arbiter.owner is not None
        assert engine.arbiter.owner.owner == f"onvif:{OPERATOR}"
        assert engine.arbiter.owner.priority is Priority.OPERATOR
        values = await reached(engine, "absolute")
        assert (values["pan_deg"], values["tilt_deg"]) == pytest.approx((85, -30))
        # In the widest picture a client's speeds are taken as they are.
        await engine.arbiter.poll()
        await ptz.ContinuousMove({"ProfileToken": profile, "Velocity": {"PanTilt": {"x": -0.4, "y": 0.2}}})
        values = await reached(engine, "continuous")
        assert (values["pan"], values["tilt"]) == pytest.approx((-0.4, 0.2))
        status = await ptz.GetStatus({"ProfileToken": profile})
        assert status.MoveStatus.PanTilt == "MOVING"
        await ptz.Stop({"ProfileToken": profile, "PanTilt": True, "Zoom": True})
        await reached(engine, "stop")


async def test_a_continuous_move_ends_after_the_time_that_the_client_gave(engine: Engine):
    async with client(engine) as one:
        ptz, profile = await dome(one)
        move = {
            "ProfileToken": profile,
            "Velocity": {"PanTilt": {"x": 1, "y": 0}},
            "Timeout": dt.timedelta(seconds=0.3),
        }
        await ptz.ContinuousMove(move)
        await reached(engine, "stop")


async def test_a_client_centres_a_point_of_the_picture(engine: Engine):
    async with client(engine) as one:
        ptz, profile = await dome(one)
        await ptz.AbsoluteMove({"ProfileToken": profile, "Position": {"PanTilt": {"x": 0, "y": 0}, "Zoom": {"x": 0}}})
        await reached(engine, "absolute")
        engine.head.commands.clear()
        await engine.arbiter.poll()
        fov = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"
        move = {"ProfileToken": profile, "Translation": {"PanTilt": {"x": 1.0, "y": 0.0, "space": fov}}}
        await ptz.RelativeMove(move)
        values = await reached(engine, "absolute")
        # The right edge of a picture that is 60 degrees wide, 30 degrees below the horizon.
        assert values["pan_deg"] == pytest.approx(33.69, abs=0.1)


async def test_a_lower_priority_has_to_give_way_to_a_client(engine: Engine):
    lease = await engine.arbiter.acquire("director", "tracking", Priority.TRACKING)
    async with client(engine) as one:
        ptz, profile = await dome(one)
        await ptz.ContinuousMove({"ProfileToken": profile, "Velocity": {"PanTilt": {"x": 0.1, "y": 0}}})
        assert lease.end_reason == "preempted"


async def test_a_client_is_refused_while_another_operator_has_the_camera(engine: Engine):
    await engine.arbiter.acquire("web:ada", "joystick", Priority.OPERATOR)
    async with client(engine) as one:
        ptz, profile = await dome(one)
        with pytest.raises(Fault, match="web:ada"):
            await ptz.ContinuousMove({"ProfileToken": profile, "Velocity": {"PanTilt": {"x": 0.1, "y": 0}}})
    assert not [name for name, _ in engine.head.commands if name == "continuous"]


async def test_presets_of_clients_are_the_engines_presets(engine: Engine):
    async with client(engine) as one:
        ptz, profile = await dome(one)
        token = await ptz.SetPreset({"ProfileToken": profile, "PresetName": "Gate"})
        assert [(preset.preset_id, preset.name) for preset in engine.arbiter.presets] == [(token, "Gate")]
        [preset] = await ptz.GetPresets({"ProfileToken": profile})
        assert (preset.token, preset.Name) == (token, "Gate")
        await ptz.GotoPreset({"ProfileToken": profile, "PresetToken": token})
        assert (await reached(engine, "absolute"))["pan_deg"] == pytest.approx(10)
        await ptz.GotoHomePosition({"ProfileToken": profile})
        await ptz.RemovePreset({"ProfileToken": profile, "PresetToken": token})
        assert engine.arbiter.presets == ()
        with pytest.raises(Fault):
            await ptz.GotoPreset({"ProfileToken": profile, "PresetToken": token})


async def test_streams_come_from_the_relay_and_pictures_from_the_engine(engine: Engine):
    async with client(engine) as one:
        media = await one.create_media_service()
        uris = []
        for profile in await media.GetProfiles():
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            uris.append((await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})).Uri)
            picture = (await media.GetSnapshotUri({"ProfileToken": profile.token})).Uri
        assert uris == ["rtsp://127.0.0.1:8554/wide", "rtsp://127.0.0.1:8554/dome"]
    digest = aiohttp.DigestAuthMiddleware("guard", PASSWORD)
    async with aiohttp.ClientSession(middlewares=[digest]) as session:
        async with session.get(picture) as response:
            assert await response.read() == engine.pictures["dome"]
        engine.pictures.clear()
        async with session.get(picture) as response:
            assert response.status == 503


async def test_wrong_users_are_refused_and_watchers_may_not_move(engine: Engine):
    async with client(engine, password="wrong") as one:
        with pytest.raises(Fault, match="password"):
            await (await one.create_devicemgmt_service()).GetDeviceInformation()
    async with client(engine, username="guard") as one:
        ptz, profile = await dome(one)
        with pytest.raises(Fault, match="may not"):
            await ptz.ContinuousMove({"ProfileToken": profile, "Velocity": {"PanTilt": {"x": 0.1, "y": 0}}})


async def test_guessing_locks_the_user_out_at_that_address(engine: Engine):
    async with client(engine, password="wrong") as one:
        service = await one.create_devicemgmt_service()
        for _ in range(6):
            with pytest.raises(Fault):
                await service.GetDeviceInformation()
    async with client(engine) as one:
        with pytest.raises(Fault):
            await (await one.create_devicemgmt_service()).GetDeviceInformation()
    async with client(engine, username="guard") as one:
        await (await one.create_devicemgmt_service()).GetDeviceInformation()


async def test_who_looks_at_the_list_of_users_does_not_forgive_their_wrong_tries(engine: Engine):
    await engine.users.save("owner", PASSWORD, Role.ADMINISTRATOR)
    async with client(engine, username="guard", password="wrong") as one:
        service = await one.create_devicemgmt_service()
        for _ in range(4):
            with pytest.raises(Fault):
                await service.GetDeviceInformation()
        async with client(engine, username="owner") as other:
            found = await (await other.create_devicemgmt_service()).GetUsers()
            assert ("guard", "User") in {(user.Username, user.UserLevel) for user in found}
        with pytest.raises(Fault):
            await service.GetDeviceInformation()
    async with client(engine, username="guard") as one:
        with pytest.raises(Fault):
            await (await one.create_devicemgmt_service()).GetDeviceInformation()
    # A login of one's own is what forgives: the owner's tries were taken back each time.
    async with client(engine, username="owner") as other:
        for _ in range(8):
            await (await other.create_devicemgmt_service()).GetUsers()


async def test_a_port_in_use_is_told_with_advice(engine: Engine):
    second = EngineDevice(
        INFORMATION,
        (),
        {},
        DeviceAccounts(engine.users, None),
        engine.events,
        stream_url=lambda name, request: "",
        snapshot=lambda channel: asyncio.sleep(0, None),
        clock=CLOCK,
    )
    with pytest.raises(PortInUse, match="choose another port"):
        await second.start("127.0.0.1", engine.device.port)
