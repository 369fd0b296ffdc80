"""A right request for each operation of the media2 service."""

from __future__ import annotations

from sample_media import AUDIO_OUTPUT, AUDIO_SOURCE, CLOCK, HEAD, METADATA, VIDEO_SOURCE

DOME = "<tr2:ProfileToken>dome-profile</tr2:ProfileToken>"
TOKENS = {
    "VideoSource": "dome-source-config",
    "VideoEncoder": "dome-encoder-config",
    "AudioSource": "dome-audio-source-config",
    "AudioEncoder": "dome-audio-encoder-config",
    "AudioOutput": "dome-audio-output-config",
    "AudioDecoder": "dome-audio-decoder-config",
    "Metadata": "dome-metadata-config",
}
VIDEO_ENCODER = (
    f"{HEAD}<tt:Encoding>H264</tt:Encoding>"
    "<tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution>"
    '<tt:RateControl ConstantBitRate="true"><tt:FrameRateLimit>12.5</tt:FrameRateLimit>'
    "<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl><tt:Quality>7</tt:Quality>"
)
AUDIO_ENCODER = f"{HEAD}<tt:Encoding>PCMU</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate>"
METADATA_TYPE = "<tr2:Configuration><tr2:Type>Metadata</tr2:Type>{}</tr2:Configuration>"
METADATA_REFERENCE = METADATA_TYPE.format("<tr2:Token>dome-metadata-config</tr2:Token>")


def configuration(kind: str, content: str, attributes: str = "") -> str:
    """The content of a Set…Configuration request."""
    return f'<tr2:Configuration token="{TOKENS[kind]}"{attributes}>{content}</tr2:Configuration>'


REQUESTS: dict[str, str] = {
    "tr2:GetServiceCapabilities": "",
    "tr2:GetProfiles": "<tr2:Type>All</tr2:Type>",
    "tr2:CreateProfile": f"<tr2:Name>Mine</tr2:Name>{METADATA_REFERENCE}",
    "tr2:AddConfiguration": f"{DOME}<tr2:Name>Renamed</tr2:Name>{METADATA_REFERENCE}",
    "tr2:RemoveConfiguration": f"{DOME}{METADATA_TYPE.format('')}",
    "tr2:DeleteProfile": "<tr2:Token>spare</tr2:Token>",
    **{f"tr2:Get{kind}Configurations": DOME for kind in TOKENS},
    "tr2:GetAnalyticsConfigurations": "",
    **{f"tr2:Get{kind}ConfigurationOptions": DOME for kind in TOKENS},
    "tr2:SetVideoSourceConfiguration": configuration("VideoSource", VIDEO_SOURCE),
    "tr2:SetVideoEncoderConfiguration": configuration("VideoEncoder", VIDEO_ENCODER, ' GovLength="30" Profile="High"'),
    "tr2:SetMetadataConfiguration": configuration("Metadata", METADATA),
    "tr2:SetAudioSourceConfiguration": configuration("AudioSource", AUDIO_SOURCE),
    "tr2:SetAudioEncoderConfiguration": configuration("AudioEncoder", AUDIO_ENCODER),
    "tr2:SetAudioOutputConfiguration": configuration("AudioOutput", AUDIO_OUTPUT),
    "tr2:SetAudioDecoderConfiguration": configuration("AudioDecoder", HEAD),
    "tr2:GetVideoEncoderInstances": "<tr2:ConfigurationToken>yard-source-config</tr2:ConfigurationToken>",
    "tr2:GetStreamUri": f"<tr2:Protocol>RtspUnicast</tr2:Protocol>{DOME}",
    "tr2:GetSnapshotUri": DOME,
    "tr2:StartMulticastStreaming": DOME,
    "tr2:StopMulticastStreaming": DOME,
    "tr2:SetSynchronizationPoint": DOME,
    "tr2:GetOSDs": "<tr2:OSDToken>clock</tr2:OSDToken>",
    "tr2:GetOSDOptions": "<tr2:ConfigurationToken>dome-source-config</tr2:ConfigurationToken>",
    "tr2:CreateOSD": f'<tr2:OSD token="">{CLOCK}</tr2:OSD>',
    "tr2:SetOSD": f'<tr2:OSD token="clock">{CLOCK}</tr2:OSD>',
    "tr2:DeleteOSD": "<tr2:OSDToken>clock</tr2:OSDToken>",
}
