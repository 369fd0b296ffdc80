"""What the ONVIF driver makes a camera do beside showing and moving, against a real ONVIF device."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from zeep.exceptions import Fault

from engine.cameras.errors import CameraFault
from engine.cameras.extras import Extras
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.soap import REFUSALS_IN_A_ROW
from engine.cameras.soap_http import is_answer
from engine.core.clock import SystemClock
from onvif_server.backend import Account, Choice, ImagingSettings, Level, Number, Range
from tests.engine.cameras.device import PASSWORD, USERNAME, Running, running
from tests.engine.cameras.sites import camera, channel
from tests.onvif_server.fake_imaging import Lens

pytestmark = pytest.mark.ledger("ONVIF-2", "SITE-1")


def driver(device: Running) -> OnvifCamera:
    return OnvifCamera(camera(device.address, channel("wide"), channel("dome", "ptz")), SystemClock(), timeout_s=20)


class TiringLens(Lens):
    """Sometimes the camera cannot say what it can do."""

    tired = False

    @property
    def options(self) -> Sequence[Number | Choice]:
        if self.tired:
            raise MemoryError
        return super().options


async def with_lens(device: Running) -> TiringLens:
    """Gives the movable channel picture settings, which takes a restart."""
    lens = TiringLens()
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


async def test_an_ability_is_not_lost_because_a_question_about_it_failed():
    """A camera that is short of memory answers with faults of its own; one that lost the ability says so."""
    async with running() as device:
        lens, one = await with_lens(device), driver(device)
        await one.connect()
        try:
            before = one.extras("dome")
            assert before.imaging is not None

            lens.tired = True
            await one.connect()
            assert one.extras("dome") == before
            lens.tired = False
            device.quirks.replaced = {b"GetOptionsResponse": b"Nonsense"}
            await one.connect()
            assert one.extras("dome") == before
            device.quirks.replaced = {}
            await one.connect()
            assert one.extras("dome") == before

            await device.vanish()
            device.yard.imaging = lambda name: None  # type: ignore[method-assign]
            await device.appear()
            await one.connect()
            assert one.extras("dome").imaging is None, "the camera said so"
        finally:
            await one.close()


async def test_what_a_camera_cannot_tell_at_first_is_learnt_later():
    async with running() as device:
        lens, one = await with_lens(device), driver(device)
        lens.tired = True
        await one.connect()
        try:
            assert one.extras("dome").imaging is None
            lens.tired = False
            await one.connect()
            assert one.extras("dome").imaging is not None
        finally:
            await one.close()


@pytest.mark.parametrize(
    ("code", "subcodes", "tells"),
    [
        ("s:Sender", ["InvalidArgVal"], True),
        ("SOAP-ENV:Receiver", ["ActionNotSupported"], True),
        ("env:Receiver", ["Action", "OptionalActionNotImplemented"], True),
        ("SOAP-ENV:Client", None, True),
        ("SOAP-ENV:Server", None, False),
        ("env:Receiver", ["Action"], False),
        (None, None, False),
    ],
)
def test_which_faults_tell_what_a_camera_cannot_do(code: str | None, subcodes: list[str] | None, tells: bool):
    assert is_answer(Fault("no", code=code, subcodes=subcodes)) is tells


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
