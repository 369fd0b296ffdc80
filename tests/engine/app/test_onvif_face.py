"""The engine's ONVIF device: begun when all is known, served anew when it was otherwise, patient with a taken port."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from onvif import ONVIFCamera

from engine.app.engine import Engine
from engine.app.onvif import CALM_S, LOOK_S, PATIENCE_S, RETRY_S, _Look
from engine.cameras.extras import Extras
from engine.cameras.protocols import Channel
from engine.core.clock import VirtualClock
from engine.onvif_device.device import PortInUse
from onvif_server.device import OnvifDevice
from onvif_server.discovery import Announced
from tests.engine.app.app_sites import until
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import facing

pytestmark = pytest.mark.ledger("NET-3")


async def activate(engine: Engine) -> None:
    await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")


def describe(engine: Engine, wide: tuple[int, int] = (1280, 720)) -> None:
    """Lets the cameras say of themselves what they would say once they are reached."""
    engine.cameras["wall"].camera.channels = (Channel(id="wide", profile="w", size=wide, fps=12.0),)
    engine.cameras["mast"].camera.channels = (Channel(id="dome", profile="d", size=(1920, 1080), fps=25.0),)


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

        served = dict(engine.onvif._devices)
        await look_again(clock)
        assert engine.onvif._devices == served, "without news it goes on undisturbed"


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


async def credentials_of(engine: Engine) -> tuple[str, str]:
    credentials = await engine.services.stream_credentials()
    return credentials.username, credentials.password


async def name_plate(engine: Engine, port: int) -> tuple[str, str, list[str]]:
    """Serial number, hardware address and channels, as a real client is told them."""
    client = ONVIFCamera("127.0.0.1", port, *await credentials_of(engine), adjust_time=True)
    try:
        await client.update_xaddrs()
        device = await client.create_devicemgmt_service()
        serial = (await device.GetDeviceInformation()).SerialNumber
        [interface] = await device.GetNetworkInterfaces()
        profiles = await (await client.create_media_service()).GetProfiles()
    finally:
        await client.close()
    return serial, interface.Info.HwAddress, [profile.Name for profile in profiles]


@pytest.mark.ledger("ONVIF-5")
async def test_each_channel_can_be_a_device_of_its_own(start_engine: StartEngine, clock: VirtualClock) -> None:
    engine = await start_engine(onvif_devices="per_channel")
    await activate(engine)
    async with facing(engine):
        describe(engine)
        await look_again(clock)
        assert list(engine.onvif.ports) == ["wide", "dome"]
        wide, dome = [await name_plate(engine, port) for port in engine.onvif.ports.values()]
        assert (wide[2], dome[2]) == (["wide"], ["dome"])
        assert wide[0] != dome[0]
        assert wide[1] != dome[1]

        served = dict(engine.onvif._devices)
        engine.onvif._known["wide"] = _Look((2560, 1440), 12.0, "H264")
        await look_again(clock)
        assert engine.onvif._devices["wide"] is not served["wide"]
        assert engine.onvif._devices["dome"] is served["dome"], "what is as before goes on undisturbed"
        assert (await name_plate(engine, engine.onvif.ports["wide"]))[:2] == wide[:2], "the same device still"


@pytest.mark.ledger("ONVIF-5")
async def test_devices_of_channels_take_one_port_after_the_other(
    start_engine: StartEngine, clock: VirtualClock
) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 1))
        other.listen()
        engine = await start_engine(onvif=port, onvif_devices="per_channel")
        await activate(engine)
        describe(engine)
        with pytest.raises(PortInUse, match=str(port + 1)):
            await engine.onvif.check_port()
        async with facing(engine):
            await look_again(clock)
            assert engine.onvif.ports == {"wide": port}, "one that cannot be had does not keep the others away"
            other.close()
            await look_again(clock, RETRY_S)
            assert engine.onvif.ports == {"wide": port, "dome": port + 1}


class Recorder:
    """Takes the place of discovery, so that no test speaks to a real network."""

    def __init__(self, devices: Sequence[Announced]) -> None:
        self.devices = devices
        self.history: list[str] = []

    async def start(self) -> None:
        self.history.append("start")

    async def stop(self) -> None:
        self.history.append("stop")


@pytest.mark.ledger("ONVIF-5")
async def test_devices_that_the_network_can_reach_are_announced(start_engine: StartEngine, clock: VirtualClock) -> None:
    engine = await start_engine(onvif_host="0.0.0.0", onvif_devices="per_channel")
    made: list[Recorder] = []
    engine.onvif._discover = lambda devices: made.append(Recorder(devices)) or made[-1]
    await activate(engine)
    async with facing(engine):
        describe(engine)
        await look_again(clock)
        [discovery] = made
        assert [one.port for one in discovery.devices] == list(engine.onvif.ports.values())
        assert len({one.uuid for one in discovery.devices}) == 2
        assert [one.identity.discoverable for one in discovery.devices] == [True, True]
        engine.onvif._known["wide"] = _Look((2560, 1440), 12.0, "H264")
        await look_again(clock)
        assert len(made) == 2
        assert discovery.history == ["start", "stop"]
    assert made[1].history == ["start", "stop"]


@pytest.mark.ledger("ONVIF-5")
async def test_a_device_on_the_loopback_is_not_announced(engine: Engine, clock: VirtualClock) -> None:
    made: list[Recorder] = []
    engine.onvif._discover = lambda devices: made.append(Recorder(devices)) or made[-1]
    await activate(engine)
    async with facing(engine):
        describe(engine)
        await look_again(clock)
        assert engine.onvif.port
    assert not made


async def test_a_camera_that_talks_nonsense_does_not_end_the_device_of_all(engine: Engine, clock: VirtualClock) -> None:
    await activate(engine)
    describe(engine, wide=(1280, 0))
    async with facing(engine):
        await look_again(clock, RETRY_S)
        describe(engine)
        await look_again(clock, RETRY_S)
        assert await sizes(engine) == [(1280, 720), (1920, 1080)]


async def test_a_camera_that_changes_all_the_time_does_not_take_the_device_from_its_clients(
    engine: Engine, clock: VirtualClock
) -> None:
    """At most one change in `CALM_S`; and when the camera settles, so does the device."""
    describe(engine)
    await activate(engine)
    now = Extras()
    engine.cameras["mast"].camera.extras = lambda channel: now  # type: ignore[method-assign]
    async with facing(engine):
        await until(lambda: engine.onvif.port > 0, "it is served")
        seen = [engine.onvif._devices[""]]
        for number in range(120):
            now = Extras(auxiliary_commands=("tt:Wiper|On",)) if number % 2 == 0 else Extras()
            await look_again(clock)
            if engine.onvif._devices[""] is not seen[-1]:
                seen.append(engine.onvif._devices[""])
        assert 2 <= len(seen) - 1 <= 120 * LOOK_S / CALM_S + 1
        now = Extras(auxiliary_commands=("tt:Wiper|Off",))
        for _ in range(int(CALM_S / LOOK_S) + 1):
            await look_again(clock)
        assert next(one for one in engine.onvif._served[""].channels if one.id == "dome").extras == now


async def test_a_beginning_that_fails_leaves_no_port_taken(
    start_engine: StartEngine,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    engine = await start_engine(onvif=port)
    await activate(engine)
    describe(engine)

    async def broken(_device: OnvifDevice) -> None:
        raise LookupError("what was kept is gone")

    async with facing(engine):
        with monkeypatch.context() as patched:
            patched.setattr(OnvifDevice, "begin", broken)
            for _ in range(3):
                await look_again(clock, RETRY_S)
        assert engine.onvif.port == 0
        told = [one for one in caplog.records if one.name == "engine.app.onvif" and one.levelname == "ERROR"]
        assert len(told) == 1
        assert "what was kept is gone" in told[0].getMessage()
        await look_again(clock, RETRY_S)
        assert engine.onvif.port == port
