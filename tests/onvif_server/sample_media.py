"""A right request for each operation of the media service."""

from __future__ import annotations

DOME = "dome-profile"
YARD = "yard-profile"
SETUP = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"

REQUESTS: dict[str, str] = {
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
}
