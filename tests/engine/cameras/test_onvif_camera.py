"""The ONVIF driver against a real ONVIF device."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.cameras.errors import CameraError, CameraFault, CameraRefused, CameraUnreachable
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.onvif_motors import CONTINUOUS_LIMIT_S, OnvifMotors
from engine.cameras.probe import probe, report_lines
from engine.cameras.protocols import CameraPreset
from engine.cameras.soap import REFUSALS_IN_A_ROW
from engine.cameras.supervisor import CameraState, CameraSupervisor
from engine.config.schema import CameraConfig
from engine.core.clock import SystemClock
from onvif_server.backend import AudioFormat, VideoChannel
from tests.engine.cameras.device import PICTURE, Running, running
from tests.engine.cameras.sites import camera, channel

pytestmark = pytest.mark.ledger("SITE-1", "SITE-3", "PTZ-1")

NO_SPHERE = {b"SphericalPositionSpaceDegrees": b"SomebodysOwnSpace"}
NO_POSITIONS = {b"PositionGenericSpace": b"SomebodysSpace", **NO_SPHERE}
NO_MEDIA2 = {b"http://www.onvif.org/ver20/media/wsdl": b"http://example.invalid/nothing"}


def config(device: Running, **changes: Any) -> CameraConfig:
    return camera(device.address, channel("wide"), channel("dome", "ptz"), **changes)


@asynccontextmanager
async def connected(device: Running) -> AsyncIterator[tuple[OnvifCamera, OnvifMotors]]:
    one = OnvifCamera(config(device), SystemClock(), timeout_s=20)
    motors = one.motors("dome")
    assert motors is not None
    await one.connect()
    try:
        yield one, motors
    finally:
        await one.close()


async def test_it_learns_who_and_what_the_camera_is():
    async with running() as device, connected(device) as (one, motors):
        assert (one.information.manufacturer, one.information.model) == ("Testers", "Dome 1")
        assert [(known.id, known.size, known.codec) for known in one.channels] == [
            ("wide", (1280, 720), "H264"),
            ("dome", (1920, 1080), "H264"),
        ]
        assert one.has_events
        can = motors.capabilities
        assert can.absolute
        assert can.continuous
        assert can.relative_fov
        assert can.spherical
        assert can.status
        assert can.move_status
        assert can.presets
        assert can.pan_range_deg == pytest.approx((-170, 170))
        assert can.tilt_range_deg == pytest.approx((-80, 20))
        assert one.motors("wide") is None
        assert abs(one.clock_offset_s) < 5


@pytest.mark.parametrize("quirks", [{}, {"replaced": NO_MEDIA2}], ids=["Media2", "Media1"])
async def test_streams_and_snapshots_by_either_media_service(quirks: dict[str, Any]):
    async with running(**quirks) as device, connected(device) as (one, _):
        stream = await one.stream_address("dome")
        assert stream.url == "rtsp://127.0.0.1:8554/dome"
        assert (stream.username, stream.password) == ("engine", "right horse")
        assert await one.snapshot("dome") == PICTURE
        assert device.users.failures == 0


@pytest.mark.ledger("ONVIF-2")
@pytest.mark.parametrize("quirks", [{}, {"replaced": NO_MEDIA2}], ids=["Media2", "Media1"])
async def test_a_loudspeaker_is_found_by_either_media_service(quirks: dict[str, Any]):
    async with running(**quirks) as device:
        await device.vanish()
        size: dict[str, Any] = {"width": 640, "height": 360, "fps": 10}
        device.yard.channels = (
            VideoChannel(token="wide", name="Wide", back_channel=AudioFormat(), audio=AudioFormat(), **size),
            VideoChannel(token="dome", name="Dome", **size),
        )
        await device.appear()
        async with connected(device) as (one, _):
            assert [one.extras(channel_id).back_channel for channel_id in ("wide", "dome")] == [True, False]


@pytest.mark.parametrize("quirks", [{}, {"replaced": NO_MEDIA2}], ids=["Media2", "Media1"])
async def test_a_key_frame_is_asked_for_by_either_media_service(quirks: dict[str, Any]):
    async with running(**quirks) as device, connected(device) as (one, _):
        await one.synchronize("dome")
        assert device.yard.key_frames == ["dome"]


async def test_absolute_moves_reach_the_motors_in_degrees():
    async with running() as device, connected(device) as (_, motors):
        await motors.move_absolute(pan_deg=-100, tilt_deg=-30, zoom=0.5, speed=0.5)
        command, values = device.head.commands[-1]
        assert command == "absolute"
        assert (values["pan_deg"], values["tilt_deg"], values["zoom"]) == pytest.approx((-100, -30, 0.5))
        assert values["speed"].pan == pytest.approx(0.5)
        await motors.move_absolute(zoom=1.0)
        values = device.head.commands[-1][1]
        assert (values["pan_deg"], values["tilt_deg"], values["zoom"]) == (None, None, 1.0)
        await motors.move_absolute(pan_deg=175)
        assert device.head.commands[-1][1]["pan_deg"] == pytest.approx(170)
        assert device.head.commands[-1][1]["tilt_deg"] == pytest.approx(-30)


async def test_a_camera_with_only_the_generic_space_is_mapped_by_the_ranges_of_the_site_file():
    async with running(replaced=NO_SPHERE) as device, connected(device) as (_, motors):
        assert not motors.capabilities.spherical
        assert motors.capabilities.pan_range_deg == (-175, 175)
        await motors.move_absolute(pan_deg=87.5, tilt_deg=-37.5)
        # Half of what the site file says is half of what the camera can.
        values = device.head.commands[-1][1]
        assert values["pan_deg"] == pytest.approx(85)
        assert values["tilt_deg"] == pytest.approx(-55)
        status = await motors.status()
        assert (status.pan_deg, status.tilt_deg) == pytest.approx((87.5, -37.5))


async def test_relative_moves():
    async with running() as device, connected(device) as (_, motors):
        await motors.move_relative(pan_deg=5, tilt_deg=-2)
        assert (device.head.pan_deg, device.head.tilt_deg) == pytest.approx((15, -22))


@pytest.mark.parametrize(
    ("quirks", "zoomed"), [({}, 0.5), ({"replaced": NO_POSITIONS}, 0.25)], ids=["by positions", "by translations"]
)
async def test_the_camera_is_not_told_of_axes_that_a_move_leaves_out(quirks: dict[str, Any], zoomed: float):
    async with running(**quirks) as device, connected(device) as (_, motors):
        await motors.move_relative(zoom=0.25)
        assert list(device.head.commands[-1][1].values())[:3] == [None, None, pytest.approx(zoomed)]
        await motors.move_relative(pan_deg=35, tilt_deg=0)
        assert device.head.commands[-1][1]["pan_deg"] == pytest.approx(34 if zoomed == 0.25 else 45)
        assert device.head.commands[-1][1]["zoom"] is None
        await motors.move_continuous(zoom=0.25)
        assert list(device.head.commands[-1][1].values())[:3] == [None, None, pytest.approx(0.25)]
        await motors.move_continuous(pan=0.2, tilt=0)
        assert device.head.commands[-1][1]["zoom"] is None


async def test_continuous_moves_end_by_stop_or_by_themselves():
    async with running() as device, connected(device) as (_, motors):
        await motors.move_continuous(pan=-0.5, tilt=0.25, zoom=1)
        command, values = device.head.commands[-1]
        assert command == "continuous"
        assert (values["pan"], values["tilt"], values["zoom"]) == pytest.approx((-0.5, 0.25, 1))
        assert values["timeout_s"] == CONTINUOUS_LIMIT_S
        assert (await motors.status()).moving
        await motors.move_continuous(pan=0.1, tilt=0)
        assert device.head.commands[-1][1]["zoom"] is None
        await motors.stop(zoom=False)
        assert device.head.commands[-1] == ("stop", {"pan_tilt": True, "zoom": False})
        assert not (await motors.status()).moving


async def test_the_time_of_a_status_is_ours():
    async with running(clock_ahead_s=3600) as device, connected(device) as (_, motors):
        before = time.time()
        status = await motors.status()
        assert before <= status.at <= time.time()
        assert (status.pan_deg, status.tilt_deg, status.zoom) == pytest.approx((10, -20, 0.25))


async def test_presets_and_home():
    async with running() as device, connected(device) as (_, motors):
        token = await motors.set_preset("Gate \u2713")
        assert await motors.presets() == [CameraPreset(token, "Gate \u2713")]
        await motors.goto_preset(token, speed=0.25)
        assert device.head.commands[-1][0] == "preset"
        assert await motors.set_preset("Gate 2", token) == token
        await motors.remove_preset(token)
        assert await motors.presets() == []
        with pytest.raises(CameraFault, match="GotoPreset failed"):
            await motors.goto_preset("nowhere")
        await motors.goto_home()
        assert device.head.commands[-1][0] == "home"


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
async def test_a_camera_whose_clock_is_an_hour_off_accepts_our_tokens(ahead_s: float):
    async with running(clock_ahead_s=ahead_s, digest_offered=False) as device, connected(device) as (one, motors):
        assert one.clock_offset_s == pytest.approx(ahead_s, abs=5)
        await motors.status()
        assert device.users.failures == 0


async def test_a_clock_that_jumps_later_is_noticed_by_the_next_look():
    async with running(digest_offered=False) as device, connected(device) as (one, motors):
        device.quirks.clock_ahead_s = -7200
        with pytest.raises(CameraRefused):
            await motors.status()
        await one.check()
        await motors.status()


@pytest.mark.parametrize("digest_offered", [True, False], ids=["digest", "token"])
async def test_a_wrong_password_reaches_the_camera_once(digest_offered: bool):
    async with running(digest_offered=digest_offered) as device:
        changes: list[tuple[CameraState, str]] = []
        one = OnvifCamera(config(device, password="wrong"), SystemClock(), timeout_s=20)
        supervisor = CameraSupervisor(one, SystemClock(), lambda *change: changes.append(change))
        supervisor.start()
        while not changes:
            await asyncio.sleep(0.02)
        for _ in range(3):
            with pytest.raises(CameraError):
                await asyncio.wait_for(one.motors("dome").status(), 20)
        await supervisor.stop()
        assert [state for state, _ in changes] == [CameraState.REFUSED]
        assert "check username and password" in changes[0][1]
        assert "wrong" not in changes[0][1].replace("is wrong", "")
        assert device.users.failures == 1


async def test_a_password_that_changes_is_not_polled_into_a_lock_out():
    async with running(digest_offered=False) as device, connected(device) as (one, motors):
        device.users._accounts.clear()
        for _ in range(20):
            with pytest.raises(CameraRefused):
                await motors.status()
        assert device.users.failures == REFUSALS_IN_A_ROW
        with pytest.raises(CameraRefused):
            await one.check()


async def test_a_camera_that_vanishes_and_returns():
    async with running() as device, connected(device) as (one, motors):
        await device.vanish()
        with pytest.raises(CameraUnreachable):
            await one.check()
        with pytest.raises(CameraUnreachable, match="check that it has power"):
            await motors.status()
        await device.appear()
        await one.connect()
        # The same object works again: whoever holds it need not know.
        await motors.move_absolute(pan_deg=1, tilt_deg=1)
        assert device.head.commands[-1][0] == "absolute"


async def test_a_camera_that_is_away_at_the_start():
    async with running() as device:
        await device.vanish()
        one = OnvifCamera(config(device), SystemClock())
        with pytest.raises(CameraUnreachable):
            await one.connect()
        with pytest.raises(CameraUnreachable, match="not known"):
            await one.motors("dome").status()
        await one.close()


async def test_a_profile_that_is_not_there_names_those_that_are():
    async with running() as device:
        one = OnvifCamera(camera(device.address, channel("x", stream="main")), SystemClock(), timeout_s=20)
        with pytest.raises(CameraFault, match=r"wants the profile 'main'.*dome-profile"):
            await one.connect()
        await one.close()


async def test_answers_that_are_spoilt_on_the_way_are_camera_errors_and_nothing_else():
    chance = random.Random(7)
    async with running() as device:
        one = OnvifCamera(config(device), SystemClock(), timeout_s=20)
        for _ in range(25):
            letters = chance.sample(b'abcdefghijklmnopqrstuvwxyz<>/"=0123456789', 2)
            device.quirks.replaced = {bytes(letters[:1]): bytes(letters[1:])}
            try:
                await one.connect()
                await one.motors("dome").status()
                await one.capabilities("dome")
            except CameraError:
                continue
        await one.close()


async def test_the_probe_reports_what_the_camera_can_do():
    async with running() as device:
        report = await probe(config(device))
        assert report.error is None
        text = "\n".join(report_lines(report))
        assert "the yard (onvif, 127.0.0.1:" in text
        assert "Testers Dome 1 1.2.3" in text
        assert "absolute move   yes (the camera's own degrees)" in text
        assert "range           pan -170..170, tilt -80..20 degrees" in text
        assert "relays    no" in text
        assert "encoder         cannot be set" in text
        assert "right horse" not in text
        failed = await probe(config(device, password="no"))
        assert "FAILED" in "\n".join(report_lines(failed))
        assert "it refused GetDeviceInformation" in str(failed.error)
