"""A recorder sets a camera through the engine: the camera itself tells what has become of it."""

from __future__ import annotations

import urllib.error

import pytest
from lxml import etree
from recorder import Recorder

from clients.client_site import ClientSite
from demo.site import OVERVIEW
from engine.simulator.site import PROFILE_HINT
from onvif_server.tokens import video_source

pytestmark = [pytest.mark.ledger("ONVIF-2"), pytest.mark.timeout(300)]

IMAGING = 'xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl"'


def camera(site: ClientSite) -> Recorder:
    """The simulated overview camera, as it is without the engine."""
    note = site.simulator.note
    url = next(one["onvif"] for one in note["cameras"] if one["id"] == OVERVIEW)
    return Recorder(url, note["username"], note["password"])


def brightness(device: Recorder, source: str) -> float:
    token = f"<timg:VideoSourceToken>{source}</timg:VideoSourceToken>"
    answer: etree._Element = device.call(f"<timg:GetImagingSettings {IMAGING}>{token}</timg:GetImagingSettings>")
    return float(answer.findtext(".//{*}Brightness", ""))


def brighten(device: Recorder, source: str, value: float) -> None:
    device.call(
        f"<timg:SetImagingSettings {IMAGING}><timg:VideoSourceToken>{source}</timg:VideoSourceToken>"
        f"<timg:ImagingSettings><tt:Brightness>{value}</tt:Brightness></timg:ImagingSettings></timg:SetImagingSettings>"
    )


def test_a_recorder_makes_the_cameras_picture_brighter(site: ClientSite) -> None:
    ours, theirs = video_source(OVERVIEW), video_source(PROFILE_HINT)
    assert brightness(site.recorder, ours) == brightness(camera(site), theirs) == 50
    try:
        brighten(site.recorder, ours, 56)
        assert brightness(camera(site), theirs) == 56
        brighten(camera(site), theirs, 53)
        assert brightness(site.recorder, ours) == 53, "the engine keeps no copy: it asks the camera"
        with pytest.raises(urllib.error.HTTPError):
            brighten(site.recorder, ours, 200)
        assert brightness(camera(site), theirs) == 53
    finally:
        # The other clients of this site see people, not a brighter yard.
        brighten(camera(site), theirs, 50)
