"""Each operation answers a right request with a valid response, and no operation is left out here."""

from __future__ import annotations

import pytest
from onvif_host import Running
from onvif_soap_client import SoapClient

from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.operations import Registration

pytestmark = pytest.mark.ledger("ONVIF-1")

DOME, YARD = "dome-profile", "yard-profile"
SETUP = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"

REQUESTS = {
    "tds:GetServices": "<tds:IncludeCapability>true</tds:IncludeCapability>",
    "tds:GetServiceCapabilities": "",
    "tds:GetCapabilities": "<tds:Category>All</tds:Category>",
    "tds:GetDeviceInformation": "",
    "tds:GetSystemDateAndTime": "",
    "tds:SetSystemDateAndTime": (
        "<tds:DateTimeType>NTP</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
    ),
    "tds:GetScopes": "",
    "tds:GetDiscoveryMode": "",
    "tds:GetHostname": "",
    "tds:GetNetworkInterfaces": "",
    "tds:GetNetworkProtocols": "",
    "tds:GetUsers": "",
    "tds:GetWsdlUrl": "",
    "tds:GetEndpointReference": "",
    "trt:GetServiceCapabilities": "",
    "trt:GetProfiles": "",
    "trt:GetProfile": f"<trt:ProfileToken>{DOME}</trt:ProfileToken>",
    "trt:GetVideoSources": "",
    "trt:GetVideoSourceConfigurations": "",
    "trt:GetVideoSourceConfiguration": "<trt:ConfigurationToken>yard-source-config</trt:ConfigurationToken>",
    "trt:GetVideoSourceConfigurationOptions": "",
    "trt:GetCompatibleVideoSourceConfigurations": f"<trt:ProfileToken>{YARD}</trt:ProfileToken>",
    "trt:GetVideoEncoderConfigurations": "",
    "trt:GetVideoEncoderConfiguration": "<trt:ConfigurationToken>yard-encoder-config</trt:ConfigurationToken>",
    "trt:GetVideoEncoderConfigurationOptions": f"<trt:ProfileToken>{YARD}</trt:ProfileToken>",
    "trt:GetCompatibleVideoEncoderConfigurations": f"<trt:ProfileToken>{YARD}</trt:ProfileToken>",
    "trt:GetGuaranteedNumberOfVideoEncoderInstances": (
        "<trt:ConfigurationToken>yard-source-config</trt:ConfigurationToken>"
    ),
    "trt:GetMetadataConfigurations": "",
    "trt:GetAudioSources": "",
    "trt:GetStreamUri": f"<trt:StreamSetup>{SETUP}</trt:StreamSetup><trt:ProfileToken>{DOME}</trt:ProfileToken>",
    "trt:GetSnapshotUri": f"<trt:ProfileToken>{DOME}</trt:ProfileToken>",
    "trt:SetSynchronizationPoint": f"<trt:ProfileToken>{DOME}</trt:ProfileToken>",
    "tr2:GetServiceCapabilities": "",
    "tr2:GetProfiles": "<tr2:Type>All</tr2:Type>",
    "tr2:GetVideoSourceConfigurations": "",
    "tr2:GetVideoSourceConfigurationOptions": f"<tr2:ProfileToken>{DOME}</tr2:ProfileToken>",
    "tr2:GetVideoEncoderConfigurations": "<tr2:ConfigurationToken>yard-encoder-config</tr2:ConfigurationToken>",
    "tr2:GetVideoEncoderConfigurationOptions": "",
    "tr2:GetVideoEncoderInstances": "<tr2:ConfigurationToken>yard-source-config</tr2:ConfigurationToken>",
    "tr2:GetMetadataConfigurations": "",
    "tr2:GetStreamUri": f"<tr2:Protocol>RtspUnicast</tr2:Protocol><tr2:ProfileToken>{DOME}</tr2:ProfileToken>",
    "tr2:GetSnapshotUri": f"<tr2:ProfileToken>{DOME}</tr2:ProfileToken>",
    "tr2:SetSynchronizationPoint": f"<tr2:ProfileToken>{DOME}</tr2:ProfileToken>",
    "tptz:GetServiceCapabilities": "",
    "tptz:GetNodes": "",
    "tptz:GetNode": "<tptz:NodeToken>dome-ptz-node</tptz:NodeToken>",
    "tptz:GetConfigurations": "",
    "tptz:GetConfiguration": "<tptz:PTZConfigurationToken>dome-ptz-config</tptz:PTZConfigurationToken>",
    "tptz:GetCompatibleConfigurations": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GetConfigurationOptions": "<tptz:ConfigurationToken>dome-ptz-config</tptz:ConfigurationToken>",
    "tptz:GetStatus": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:AbsoluteMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Position><tt:PanTilt x="0" y="0"/></tptz:Position>'
    ),
    "tptz:RelativeMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Translation><tt:Zoom x="0.1"/></tptz:Translation>'
    ),
    "tptz:ContinuousMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity>'
    ),
    "tptz:Stop": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:SetPreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetName>Gate</tptz:PresetName>",
    "tptz:GetPresets": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GotoPreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetToken>p1</tptz:PresetToken>",
    "tptz:RemovePreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetToken>p1</tptz:PresetToken>",
    "tptz:GotoHomePosition": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:SetHomePosition": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tev:GetServiceCapabilities": "",
    "tev:GetEventProperties": "",
    "tev:CreatePullPointSubscription": "",
    "tev:PullMessages": "<tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>",
    "tev:SetSynchronizationPoint": "",
    "wsnt:Renew": "<wsnt:TerminationTime>PT60S</wsnt:TerminationTime>",
    "wsnt:Unsubscribe": "",
    "tmd:GetServiceCapabilities": "",
    "tmd:GetVideoSources": "",
}
TO_SUBSCRIPTIONS = ("tev:PullMessages", "tev:SetSynchronizationPoint", "wsnt:Renew", "wsnt:Unsubscribe")


def registered(running: Running) -> dict[str, Registration]:
    prefixes = {namespace: prefix for prefix, namespace in names.PREFIXES.items()}
    handlers = running.device._endpoint._dispatcher._handlers
    return {
        f"{prefixes[tag[1:].partition('}')[0]]}:{tag.partition('}')[2]}": registration
        for tag, (registration, _) in handlers.items()
    }


def test_no_operation_is_left_out(running: Running) -> None:
    assert set(registered(running)) == set(REQUESTS)


def test_only_what_the_standard_leaves_open_is_open_to_anybody(running: Running) -> None:
    # ONVIF Core, table of access classes: nothing else needs no user.
    anonymous = {name for name, found in registered(running).items() if found.access is Access.PRE_AUTH}
    assert {name for name in anonymous if not name.endswith(":GetServiceCapabilities")} == {
        "tds:GetWsdlUrl",
        "tds:GetServices",
        "tds:GetCapabilities",
        "tds:GetHostname",
        "tds:GetSystemDateAndTime",
        "tds:GetEndpointReference",
    }


def test_everything_that_moves_something_needs_an_operator(running: Running) -> None:
    acting = {name for name, found in registered(running).items() if found.access is Access.ACTUATE}
    verbs = ("Move", "Stop", "Set", "Goto", "Remove")
    expected = {name for name in REQUESTS if name.startswith("tptz:") and any(verb in name for verb in verbs)}
    assert expected <= acting


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_response_is_valid(client: SoapClient, name: str) -> None:
    path = "/onvif/device_service"
    if name in TO_SUBSCRIPTIONS:
        path = (await client.call("<tev:CreatePullPointSubscription/>")).texts("Address")[0]
    if "p1" in REQUESTS[name]:
        await client.call(f"<tptz:SetPreset>{REQUESTS['tptz:SetPreset']}</tptz:SetPreset>")
    response = await client.call(f"<{name}>{REQUESTS[name]}</{name}>", path)
    assert response.status == 200, response.texts("Text")
    assert response.content.tag.endswith(f"}}{name.partition(':')[2]}Response")


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_operation_that_is_not_open_wants_a_user(client: SoapClient, running: Running, name: str) -> None:
    client.username = None
    response = await client.call(f"<{name}>{REQUESTS[name]}</{name}>")
    if registered(running)[name].access is Access.PRE_AUTH:
        assert response.status == 200
    else:
        assert response.status == 401
        assert response.subcodes[-1] == "ter:NotAuthorized"
    assert running.users.failures == 0
