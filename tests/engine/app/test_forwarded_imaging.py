"""Picture settings and focus: set at our ONVIF device, seen at the camera behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from zeep.exceptions import Fault

from engine.core.clock import VirtualClock
from engine.simulator.imaging import FOCUS_SPEED
from engine.simulator.studio import OVERVIEW, PTZ
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import DOME, WIDE, Place, client_of, eventually, facing, place, served, simulator

pytestmark = pytest.mark.ledger("ONVIF-2")


@pytest.fixture
async def yard(start_engine: StartEngine, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(start_engine, clock, tmp_path) as one:
        yield one


async def test_a_client_makes_the_cameras_picture_brighter(yard: Place) -> None:
    imaging = await yard.service("imaging")
    options = await imaging.GetOptions({"VideoSourceToken": WIDE})
    assert (options.Brightness.Min, options.Brightness.Max) == (0, 100)
    assert list(options.IrCutFilterModes) == ["ON", "OFF", "AUTO"]
    before = yard.site.studio.picture(OVERVIEW).mean()

    await imaging.SetImagingSettings(
        {"VideoSourceToken": WIDE, "ImagingSettings": {"Brightness": 70, "IrCutFilter": "OFF"}}
    )

    kept = await yard.site.equipment[OVERVIEW].imaging.settings()
    assert (kept.brightness, kept.ir_cut_filter, kept.contrast) == (70, "OFF", 50)
    picture = yard.site.studio.picture(OVERVIEW)
    assert picture.mean() > before + 20
    assert (picture[..., 0] == picture[..., 2]).all(), "without the filter it is a night picture"
    assert (await yard.site.equipment[PTZ].imaging.settings()).brightness == 50, "the other camera is as it was"
    told = await imaging.GetImagingSettings({"VideoSourceToken": WIDE})
    assert (told.Brightness, told.IrCutFilter) == (70, "OFF")


async def test_what_belongs_together_is_kept_together(yard: Place) -> None:
    imaging = await yard.service("imaging")
    exposure = {"Mode": "MANUAL", "Gain": 6}
    await imaging.SetImagingSettings({"VideoSourceToken": DOME, "ImagingSettings": {"Exposure": exposure}})
    await imaging.SetImagingSettings(
        {"VideoSourceToken": DOME, "ImagingSettings": {"Exposure": {"Mode": "MANUAL", "Gain": 12}}}
    )
    kept = await yard.site.equipment[PTZ].imaging.settings()
    assert (kept.exposure_mode, kept.gain_db, kept.focus_mode) == ("MANUAL", 12, "AUTO")


async def test_values_beyond_the_cameras_options_are_refused_here(yard: Place) -> None:
    imaging = await yard.service("imaging")
    with pytest.raises(Fault, match="0 to 100"):
        await imaging.SetImagingSettings({"VideoSourceToken": WIDE, "ImagingSettings": {"Brightness": 101}})
    with pytest.raises(Fault, match="cannot be set"):
        await imaging.SetImagingSettings({"VideoSourceToken": WIDE, "ImagingSettings": {"Sharpness": 1}})


async def test_the_focus_moves_as_fast_as_the_camera_can(yard: Place) -> None:
    imaging = await yard.service("imaging")
    can = await imaging.GetMoveOptions({"VideoSourceToken": DOME})
    assert (can.Absolute.Position.Min, can.Absolute.Position.Max) == (0, 1)
    lens = yard.site.equipment[PTZ].imaging
    moment = [100.0]
    lens._now = lambda: moment[0]
    await imaging.Move({"VideoSourceToken": DOME, "Focus": {"Absolute": {"Position": 1.0, "Speed": 0.5}}})
    moment[0] += 1.0
    status = (await imaging.GetStatus({"VideoSourceToken": DOME})).FocusStatus20
    assert status.Position == pytest.approx(0.5 + 0.5 * FOCUS_SPEED)
    assert status.MoveStatus == "MOVING"
    await imaging.Stop({"VideoSourceToken": DOME})
    moment[0] += 1.0
    status = (await imaging.GetStatus({"VideoSourceToken": DOME})).FocusStatus20
    assert (status.Position, status.MoveStatus) == (pytest.approx(0.75), "IDLE")
    await imaging.Move({"VideoSourceToken": DOME, "Focus": {"Continuous": {"Speed": -1.0}}})
    moment[0] += 10.0
    assert (await imaging.GetStatus({"VideoSourceToken": DOME})).FocusStatus20.Position == 0
    assert (await lens.settings()).focus_mode == "MANUAL"


async def test_a_camera_that_has_gone_is_told_as_such_and_stays_what_it_was(yard: Place) -> None:
    imaging = await yard.service("imaging")
    for device in yard.site._devices:
        await device.stop()
    with pytest.raises(Fault, match="the camera wall does not answer"):
        await imaging.GetImagingSettings({"VideoSourceToken": WIDE})
    assert yard.engine.camera_of("wide").extras("wide").imaging is not None


async def test_imaging_is_offered_from_when_a_camera_that_has_it_comes(
    start_engine: StartEngine, clock: VirtualClock, tmp_path: Path
) -> None:
    async with simulator(tmp_path / "simulated") as (site, addresses):
        engine = await start_engine(mast=addresses["ptz"])
        await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")
        async with facing(engine):
            await served(engine, clock, lambda: engine.onvif.port > 0, "the device begins without its cameras")
            early = await client_of(engine)
            offered = {one.Namespace for one in await (await early.create_devicemgmt_service()).GetServices(True)}
            await early.close()
            assert "http://www.onvif.org/ver20/imaging/wsdl" not in offered

            before = dict(engine.onvif._devices)
            engine.cameras["mast"].start()
            try:
                await served(engine, clock, lambda: engine.onvif._devices not in ({}, before), "it is served anew")
                client = await client_of(engine)
                imaging = await client.create_imaging_service()
                settings = await eventually(
                    lambda: imaging.GetImagingSettings({"VideoSourceToken": DOME}), lambda one: one.Brightness == 50
                )
                assert settings.IrCutFilter == "AUTO"
                with pytest.raises(Fault, match="no imaging settings"):
                    await imaging.GetImagingSettings({"VideoSourceToken": WIDE})
                await client.close()
            finally:
                await engine.cameras["mast"].stop()
        assert site.studio.running
