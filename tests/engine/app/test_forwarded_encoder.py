"""Encoder settings: set at our ONVIF device, done by the camera behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from zeep.exceptions import Fault

from engine.core.clock import VirtualClock
from engine.simulator.studio import OVERVIEW, PTZ
from onvif_server.tokens import video_encoder_configuration
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import Place, place

pytestmark = pytest.mark.ledger("ONVIF-2")


@pytest.fixture
async def yard(start_engine: StartEngine, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(start_engine, clock, tmp_path) as one:
        yield one


async def test_a_client_sets_the_cameras_encoder(yard: Place) -> None:
    media = await yard.service("media")
    token = video_encoder_configuration("wide")
    options = await media.GetVideoEncoderConfigurationOptions({"ConfigurationToken": token})
    sizes = {(one.Width, one.Height) for one in options.H264.ResolutionsAvailable}
    assert sizes == {(320, 180), (160, 90)}
    assert (options.H264.GovLengthRange.Min, options.H264.GovLengthRange.Max) == (1, 100)

    configuration = await media.GetVideoEncoderConfiguration({"ConfigurationToken": token})
    configuration.Resolution = {"Width": 160, "Height": 90}
    configuration.RateControl.FrameRateLimit = 1
    configuration.RateControl.BitrateLimit = 700
    configuration.H264.GovLength = 30
    await media.SetVideoEncoderConfiguration({"Configuration": configuration, "ForcePersistence": True})

    kept = await yard.site.equipment[OVERVIEW].encoder.settings()
    assert (kept.width, kept.height, kept.fps, kept.bitrate_kbps, kept.gov_length) == (160, 90, 1, 700, 30)
    assert yard.site.studio.picture(OVERVIEW).shape == (90, 160, 3)
    assert yard.site.studio.picture(PTZ).shape == (180, 320, 3), "the other camera is as it was"
    told = await media.GetVideoEncoderConfiguration({"ConfigurationToken": token})
    assert (told.Resolution.Width, told.RateControl.BitrateLimit, told.H264.GovLength) == (160, 700, 30)

    configuration.Resolution = {"Width": 200, "Height": 90}
    with pytest.raises(Fault, match="resolution is not among the options"):
        await media.SetVideoEncoderConfiguration({"Configuration": configuration, "ForcePersistence": True})


async def test_a_camera_that_has_gone_is_told_as_such(yard: Place) -> None:
    media = await yard.service("media")
    for one in yard.site._devices:
        await one.stop()
    with pytest.raises(Fault, match="the camera wall does not answer"):
        await media.GetVideoEncoderConfigurationOptions({"ConfigurationToken": video_encoder_configuration("wide")})
