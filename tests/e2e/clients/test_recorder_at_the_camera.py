"""A recorder sets a camera through the engine: the camera itself tells what has become of it."""

from __future__ import annotations

import urllib.error

import pytest
from recorder import Recorder

from clients.client_site import IMAGING, ClientSite, imaging_value
from demo.site import OVERVIEW
from engine.simulator.site import PROFILE_HINT
from onvif_server.tokens import video_source

pytestmark = [pytest.mark.ledger("ONVIF-2"), pytest.mark.timeout(300)]


def brightness(device: Recorder, source: str) -> float:
    return float(imaging_value(device, source, "Brightness"))


def brighten(device: Recorder, source: str, value: float) -> None:
    device.call(
        f"<timg:SetImagingSettings {IMAGING}><timg:VideoSourceToken>{source}</timg:VideoSourceToken>"
        f"<timg:ImagingSettings><tt:Brightness>{value}</tt:Brightness></timg:ImagingSettings></timg:SetImagingSettings>"
    )


def test_a_recorder_makes_the_cameras_picture_brighter(site: ClientSite) -> None:
    ours, theirs = video_source(OVERVIEW), video_source(PROFILE_HINT)
    camera = site.camera(OVERVIEW)
    assert brightness(site.recorder, ours) == brightness(camera, theirs) == 50
    try:
        brighten(site.recorder, ours, 56)
        assert brightness(camera, theirs) == 56
        brighten(camera, theirs, 53)
        assert brightness(site.recorder, ours) == 53, "the engine keeps no copy: it asks the camera"
        with pytest.raises(urllib.error.HTTPError):
            brighten(site.recorder, ours, 200)
        assert brightness(camera, theirs) == 53
    finally:
        # The other clients of this site see people, not a brighter yard.
        brighten(camera, theirs, 50)
