"""Texts on the picture: ordered at our ONVIF device, written by the camera behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from zeep.exceptions import Fault

from engine.core.clock import VirtualClock
from engine.simulator.studio import OVERVIEW, PTZ
from onvif_server.tokens import video_source_configuration
from tests.engine.app.conftest import StartEngine
from tests.engine.app.forwarding_sites import Place, place

pytestmark = pytest.mark.ledger("ONVIF-2")


@pytest.fixture
async def yard(start_engine: StartEngine, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(start_engine, clock, tmp_path) as one:
        yield one


def plain_text(words: str, **more: Any) -> dict[str, Any]:
    """A text in the upper left corner of the overview camera's picture."""
    return {
        "token": "",
        "VideoSourceConfigurationToken": video_source_configuration("wide"),
        "Type": "Text",
        "Position": {"Type": "UpperLeft"},
        "TextString": {"Type": "Plain", "PlainText": words, "FontSize": 16} | more,
    }


async def test_a_text_is_written_changed_and_taken_away_by_the_camera(yard: Place) -> None:
    media = await yard.service("media")
    source = video_source_configuration("wide")
    options = (await media.GetOSDOptions({"ConfigurationToken": source})).OSDOptions
    assert (options.MaximumNumberOfOSDs.Total, "Plain" in options.TextOption.Type) == (4, True)
    captions, lens = yard.site.equipment[OVERVIEW].captions, yard.site.equipment[OVERVIEW].imaging
    bare = lens.finish(yard.site.studio.picture(OVERVIEW))
    corner = bare[:24, :80]

    token = (await media.CreateOSD({"OSD": plain_text("GATE")})).OSDToken
    assert [text.text for text in (await captions.texts()).values()] == ["GATE"]
    assert (yard.site.studio.picture(OVERVIEW)[:24, :80].max(axis=2) == 255).sum() > (corner.max(axis=2) == 255).sum()
    assert await yard.site.equipment[PTZ].captions.texts() == {}

    [listed] = await media.GetOSDs({"ConfigurationToken": source})
    assert (listed.token, listed.TextString.PlainText) == (token, "GATE")
    await media.SetOSD({"OSD": plain_text("DOOR") | {"token": token}})
    assert [text.text for text in (await captions.texts()).values()] == ["DOOR"]
    await media.DeleteOSD({"OSDToken": token})
    assert await captions.texts() == {}
    with pytest.raises(Fault, match="no OSD"):
        await media.DeleteOSD({"OSDToken": token})


async def test_a_camera_that_has_gone_is_told_as_such(yard: Place) -> None:
    media = await yard.service("media")
    for one in yard.site._devices:
        await one.stop()
    with pytest.raises(Fault, match="the camera wall does not answer"):
        await media.CreateOSD({"OSD": plain_text("GATE")})
