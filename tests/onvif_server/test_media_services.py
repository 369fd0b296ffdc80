"""Media ver10 and Media2."""

from __future__ import annotations

import pytest
from onvif_host import Host
from onvif_soap_client import SoapClient

from onvif_server.backend import StreamingAbilities, VideoChannel

pytestmark = pytest.mark.ledger("ONVIF-2")

SETUP = "<tt:Stream>{}</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"


async def test_profiles_of_media1_carry_encoder_and_ptz(client: SoapClient) -> None:
    response = await client.call("<trt:GetProfiles/>", "/onvif/media_service")
    yard, dome = response.content
    assert yard.findtext(".//{*}Encoding") == dome.findtext(".//{*}Encoding") == "H264"
    assert yard.find("{*}PTZConfiguration") is None
    assert dome.find("{*}PTZConfiguration").get("token") == "dome-ptz-config"


async def test_media2_shows_the_configurations_that_are_asked_for(client: SoapClient) -> None:
    bare = await client.call("<tr2:GetProfiles/>")
    assert bare.texts("Encoding") == []
    encoders = await client.call("<tr2:GetProfiles><tr2:Type>VideoEncoder</tr2:Type></tr2:GetProfiles>")
    assert encoders.texts("Encoding") == ["H264", "H264"]
    assert encoders.content.find(".//{*}VideoSource") is None
    one = await client.call(
        "<tr2:GetProfiles><tr2:Token>dome-profile</tr2:Token><tr2:Type>All</tr2:Type></tr2:GetProfiles>"
    )
    assert len(one.content) == 1
    assert one.content.find(".//{*}PTZ") is not None


async def test_streams_and_snapshots_are_where_the_client_reached_the_device(client: SoapClient) -> None:
    setup, profile = SETUP.format("RTP-Unicast"), "ProfileToken>dome-profile</{}:ProfileToken>"
    body = (
        f"<trt:GetStreamUri><trt:StreamSetup>{setup}</trt:StreamSetup><trt:{profile.format('trt')}</trt:GetStreamUri>"
    )
    assert (await client.call(body)).texts("Uri") == ["rtsp://127.0.0.1:8554/dome"]
    body = f"<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:{profile.format('tr2')}</tr2:GetStreamUri>"
    assert (await client.call(body)).texts("Uri") == ["rtsp://127.0.0.1:8554/dome"]
    body = f"<tr2:GetSnapshotUri><tr2:{profile.format('tr2')}</tr2:GetSnapshotUri>"
    assert (await client.call(body)).texts("Uri") == [f"{client.running.url}/onvif/snapshot/dome.jpg"]


async def test_multicast_is_refused_where_the_host_has_none(client: SoapClient, host: Host) -> None:
    host.abilities = StreamingAbilities()
    profile = "<trt:ProfileToken>dome-profile</trt:ProfileToken>"
    setup = f"<trt:StreamSetup>{SETUP.format('RTP-Multicast')}</trt:StreamSetup>"
    response = await client.call(f"<trt:GetStreamUri>{setup}{profile}</trt:GetStreamUri>")
    assert response.subcodes[-1] == "ter:InvalidStreamSetup"
    response = await client.call(
        "<tr2:GetStreamUri><tr2:Protocol>RtspMulticast</tr2:Protocol><tr2:ProfileToken>dome-profile</tr2:ProfileToken>"
        "</tr2:GetStreamUri>"
    )
    assert response.subcodes[-1] == "ter:InvalidStreamSetup"


async def test_h265_is_for_media2_only(client: SoapClient, host: Host) -> None:
    host.extra_channels = (VideoChannel(token="roof", name="Roof", width=3840, height=2160, fps=20.0, encoding="H265"),)
    assert len((await client.call("<trt:GetProfiles/>")).content) == 2
    response = await client.call("<tr2:GetProfiles><tr2:Type>VideoEncoder</tr2:Type></tr2:GetProfiles>")
    assert response.texts("Encoding") == ["H264", "H264", "H265"]


async def test_a_synchronization_point_asks_the_host_for_a_key_frame(client: SoapClient, host: Host) -> None:
    for prefix in ("trt", "tr2"):
        body = f"<{prefix}:ProfileToken>dome-profile</{prefix}:ProfileToken>"
        await client.call(f"<{prefix}:SetSynchronizationPoint>{body}</{prefix}:SetSynchronizationPoint>")
    assert host.synchronized == ["dome", "dome"]


@pytest.mark.parametrize(
    ("body", "subcode"),
    [
        ("<trt:GetProfile><trt:ProfileToken>x</trt:ProfileToken></trt:GetProfile>", "ter:NoProfile"),
        ("<tr2:GetProfiles><tr2:Token>x</tr2:Token></tr2:GetProfiles>", "ter:NoProfile"),
        (
            "<trt:GetVideoEncoderConfiguration><trt:ConfigurationToken>x</trt:ConfigurationToken>"
            "</trt:GetVideoEncoderConfiguration>",
            "ter:NoConfig",
        ),
        (
            "<tr2:GetVideoSourceConfigurations><tr2:ConfigurationToken>x</tr2:ConfigurationToken>"
            "</tr2:GetVideoSourceConfigurations>",
            "ter:NoConfig",
        ),
    ],
)
async def test_tokens_that_are_not_there_are_told(client: SoapClient, body: str, subcode: str) -> None:
    assert (await client.call(body)).subcodes == ["s:Sender", "ter:InvalidArgVal", subcode]
