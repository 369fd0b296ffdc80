"""What is set of a simulated camera is seen in its picture, and by those who watch its stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import gi
import numpy as np
import pytest

from engine.simulator.accessories import LIGHT_ON, WIPER_ON, Accessories
from engine.simulator.captions import SimulatedCaptions
from engine.simulator.imaging import FOCUS_SPEED, SHARP_AT, SimulatedImaging
from engine.simulator.rtsp import Login
from engine.simulator.scene import PictureSize
from engine.simulator.site import SimulatedSite, SiteSettings
from engine.simulator.studio import OVERVIEW
from engine.simulator.yard import YardScene
from onvif_server.backend import Caller, EncoderSettings, ImagingSettings, OsdKind, OsdText

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - the version must be chosen first

pytestmark = pytest.mark.ledger("ONVIF-2")

CALLER = Caller("tester", "127.0.0.1")


def picture() -> np.ndarray:
    """Something with colours and edges."""
    steps = np.linspace(20, 200, 96, dtype=np.uint8)
    image = np.stack(
        [np.tile(steps, (64, 1)), np.full((64, 96), 90, np.uint8), np.full((64, 96), 60, np.uint8)], axis=2
    )
    image[:, ::8] = 0
    return image


async def test_neutral_settings_leave_the_picture_alone():
    image = picture()
    assert SimulatedImaging().finish(image) is image
    assert Accessories().finish(image) is image
    assert SimulatedCaptions().finish(image) is image


@pytest.mark.parametrize(
    ("settings", "brighter"),
    [
        (ImagingSettings(brightness=70), True),
        (ImagingSettings(brightness=30), False),
        (ImagingSettings(exposure_mode="MANUAL", gain_db=6), True),
    ],
)
async def test_brightness_and_gain(settings: ImagingSettings, brighter: bool):
    imaging, image = SimulatedImaging(), picture()
    await imaging.set(CALLER, settings, persistent=True)
    assert (imaging.finish(image).mean() > image.mean()) == brighter
    assert (image == picture()).all(), "the scene's picture stays as it is"


async def test_an_automatic_exposure_passes_the_gain_over():
    imaging, image = SimulatedImaging(), picture()
    await imaging.set(CALLER, ImagingSettings(gain_db=12), persistent=True)
    assert (imaging.finish(image) == image).all()


async def test_a_focus_that_is_off_blurs_and_the_automatic_one_comes_back():
    moment = [50.0]
    imaging, image = SimulatedImaging(lambda: moment[0]), picture()
    await imaging.move_focus(CALLER, absolute=0.0)
    moment[0] += SHARP_AT / FOCUS_SPEED
    assert (await imaging.focus_status()).position == 0
    assert not (await imaging.focus_status()).moving
    assert imaging.finish(image).std() < image.std()
    await imaging.set(CALLER, ImagingSettings(focus_mode="AUTO"), persistent=True)
    assert (await imaging.focus_status()).moving
    moment[0] += SHARP_AT / FOCUS_SPEED
    assert (imaging.finish(image) == image).all()


async def test_light_and_wiper():
    accessories, image = Accessories(lambda: 0.5), picture()
    accessories.carry_out(LIGHT_ON)
    assert accessories.finish(image).mean() > image.mean()
    lit = accessories.finish(image)
    accessories.carry_out(WIPER_ON)
    assert accessories.finish(image).mean() < lit.mean()


async def test_dates_are_written_as_time_goes():
    moment = [0.0]
    captions, image = SimulatedCaptions(lambda: moment[0]), np.zeros((64, 320, 3), np.uint8)
    await captions.create(CALLER, OsdText(kind=OsdKind.TIME, position="LowerRight", font_size=20))
    first = captions.finish(image)
    assert first[32:, 160:].any()
    assert not first[:, :80].any()
    moment[0] += 1
    assert (captions.finish(image) != first).any()


def sizes(url: str) -> Iterator[tuple[int, int]]:
    """The sizes of the pictures of a stream, as they come."""
    Gst.init(None)
    pipeline: Any = Gst.parse_launch(
        f'rtspsrc location={url} user-id=tester user-pw="pass word" protocols=tcp latency=0 ! rtph264depay ! h264parse'
        " ! avdec_h264 max-threads=1 ! appsink name=sink sync=false"
    )
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            sample = sink.emit("try-pull-sample", 60 * Gst.SECOND)
            assert sample is not None, "no picture came"
            caps = sample.get_caps().get_structure(0)
            yield caps.get_value("width"), caps.get_value("height")
    finally:
        pipeline.set_state(Gst.State.NULL)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[SimulatedSite, str]]:
    settings = SiteSettings(folder=tmp_path, login=Login("tester", "pass word"))
    site = SimulatedSite(YardScene(1, PictureSize(320, 180), 8.0), settings)
    note = await site.start()
    yield site, note["cameras"][0]["rtsp"]
    await site.stop()


async def test_who_watches_sees_another_resolution_at_once(site: tuple[SimulatedSite, str]):
    simulated, url = site
    encoder = simulated.equipment[OVERVIEW].encoder
    seen = sizes(url)

    def first_of(size: tuple[int, int]) -> None:
        for one in seen:
            if one == size:
                return

    async with asyncio.timeout(120):
        await asyncio.to_thread(first_of, (320, 180))
        wanted = EncoderSettings(
            encoding="H264",
            width=160,
            height=90,
            fps=4.0,
            bitrate_kbps=600,
            gov_length=4,
            profile="Baseline",
            quality=5.0,
        )
        await encoder.set(CALLER, wanted)
        await asyncio.to_thread(first_of, (160, 90))
    await asyncio.to_thread(seen.close)
