"""What the ONVIF driver makes a camera do beside showing and moving, against a real ONVIF device."""

from __future__ import annotations

import pytest

from engine.cameras.errors import CameraFault
from engine.cameras.extras import Extras
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.soap import REFUSALS_IN_A_ROW
from engine.core.clock import SystemClock
from onvif_server.backend import Account, Choice, ImagingSettings, Level, Number, Range
from tests.engine.cameras.device import PASSWORD, USERNAME, Running, running
from tests.engine.cameras.sites import camera, channel
from tests.onvif_server.fake_imaging import Lens

pytestmark = pytest.mark.ledger("ONVIF-2", "SITE-1")


def driver(device: Running) -> OnvifCamera:
    return OnvifCamera(camera(device.address, channel("wide"), channel("dome", "ptz")), SystemClock(), timeout_s=20)


async def with_lens(device: Running) -> Lens:
    """Gives the movable channel picture settings, which takes a restart."""
    lens = Lens()
    await device.vanish()
    device.yard.imaging = lambda name: lens if name == "dome" else None  # type: ignore[method-assign]
    await device.appear()
    return lens


async def test_nothing_is_taken_for_granted():
    async with running() as device:
        one = driver(device)
        assert one.extras("dome") == Extras(), "before it was reached"
        await one.connect()
        try:
            assert one.extras("wide") == Extras()
            assert one.extras("dome") == Extras()
        finally:
            await one.close()


async def test_picture_settings_are_read_and_set_in_the_groups_of_the_standard():
    async with running() as device:
        lens, one = await with_lens(device), driver(device)
        await one.connect()
        try:
            can = one.extras("dome").imaging
            assert can is not None
            assert one.extras("wide").imaging is None
            assert set(can.options) == {
                Number("brightness", Range(0, 100)),
                Number("exposure_us", Range(10, 40000)),
                Number("noise_reduction_level", Range(0, 1)),
                Number("white_balance_cr", Range(0, 255)),
                Choice("exposure_mode", ("AUTO", "MANUAL")),
                Choice("ir_cut_filter", ("ON", "OFF", "AUTO")),
                # The library tells the one word of a mode that the standard demands.
                Choice("white_balance_mode", ("MANUAL",)),
            }
            assert can.focus is not None
            assert can.focus.relative is None

            control = one.imaging("dome")
            now = await control.settings()
            assert (now.brightness, now.exposure_mode, now.noise_reduction_level) == (50, "AUTO", 0.5)
            assert now.sharpness is None
            await control.set(ImagingSettings(exposure_us=500, noise_reduction_level=0.25), persistent=False)
            assert lens.told == [
                (
                    "set",
                    {"exposure_mode": "AUTO", "exposure_us": 500, "noise_reduction_level": 0.25, "persistent": False},
                )
            ]
            status = await control.focus_status()
            assert (status.position, status.moving, status.error) == (0.25, True, "too close")
            await control.move_focus(continuous=-0.5)
            await control.stop_focus()
            assert [name for name, _ in lens.told[1:]] == ["move", "stop"]
            assert lens.told[1][1]["continuous"] == -0.5
        finally:
            await one.close()


async def test_a_user_who_may_not_set_is_none_who_is_refused():
    """Somebody at a recorder cannot bring a camera down by trying what the engine's user has no right to."""
    async with running() as device:
        await with_lens(device)
        device.users._accounts[USERNAME] = Account(PASSWORD, Level.USER)
        one = driver(device)
        await one.connect()
        try:
            for _ in range(REFUSALS_IN_A_ROW + 1):
                with pytest.raises(CameraFault, match="give its user the right"):
                    await one.imaging("dome").set(ImagingSettings(brightness=60), persistent=True)
            await one.check()
            assert (await one.stream_address("dome")).url
        finally:
            await one.close()
