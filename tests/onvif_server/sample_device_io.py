"""A right request for each operation of the device_io service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {
    "tmd:GetServiceCapabilities": "",
    "tmd:GetVideoSources": "",
    "tmd:GetAudioSources": "",
    "tmd:GetAudioOutputs": "",
    "tmd:GetRelayOutputOptions": "",
    "tmd:SetRelayOutputSettings": (
        '<tmd:RelayOutput token="lamp"><tt:Properties><tt:Mode>Bistable</tt:Mode>'
        "<tt:DelayTime>PT0S</tt:DelayTime><tt:IdleState>open</tt:IdleState></tt:Properties></tmd:RelayOutput>"
    ),
    "tmd:GetDigitalInputs": "",
    "tmd:GetDigitalInputConfigurationOptions": "<tmd:Token>door</tmd:Token>",
}
