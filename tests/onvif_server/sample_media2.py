"""A right request for each operation of the media2 service."""

from __future__ import annotations

DOME = "dome-profile"

REQUESTS: dict[str, str] = {
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
}
