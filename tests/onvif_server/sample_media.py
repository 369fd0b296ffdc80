"""A right request for each operation of the media service."""

from __future__ import annotations

DOME = "<trt:ProfileToken>dome-profile</trt:ProfileToken>"
YARD = "<trt:ProfileToken>yard-profile</trt:ProfileToken>"
SETUP = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
NO_MULTICAST = (
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
    "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
)
HEAD = "<tt:Name>Renamed</tt:Name><tt:UseCount>1</tt:UseCount>"
VIDEO_SOURCE = f'{HEAD}<tt:SourceToken>dome-source</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/>'
TIMEOUT = "<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
VIDEO_ENCODER = (
    f"{HEAD}<tt:Encoding>H264</tt:Encoding>"
    "<tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution><tt:Quality>7</tt:Quality>"
    "<tt:RateControl><tt:FrameRateLimit>12</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
    "<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>"
    "<tt:H264><tt:GovLength>25</tt:GovLength><tt:H264Profile>High</tt:H264Profile></tt:H264>"
    f"{NO_MULTICAST}{TIMEOUT}"
)
METADATA = (
    f"{HEAD}<tt:PTZStatus><tt:Status>true</tt:Status><tt:Position>false</tt:Position></tt:PTZStatus>"
    f"<tt:Events/><tt:Analytics>true</tt:Analytics>{NO_MULTICAST}{TIMEOUT}"
)
AUDIO_ENCODER = (
    f"{HEAD}<tt:Encoding>G711</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate>"
    f"{NO_MULTICAST}{TIMEOUT}"
)
AUDIO_SOURCE = f"{HEAD}<tt:SourceToken>dome-audio-source</tt:SourceToken>"
AUDIO_OUTPUT = f"{HEAD}<tt:OutputToken>dome-audio-output</tt:OutputToken><tt:OutputLevel>0</tt:OutputLevel>"
ANALYTICS = (
    f"{HEAD}<tt:AnalyticsEngineConfiguration>"
    '<tt:AnalyticsModule Name="ObjectDetector" Type="osv:ObjectDetector"><tt:Parameters>'
    '<tt:SimpleItem Name="ConfidenceLevel" Value="0.5"/></tt:Parameters></tt:AnalyticsModule>'
    "</tt:AnalyticsEngineConfiguration><tt:RuleEngineConfiguration>"
    '<tt:Rule Name="gate" Type="tt:LineDetector"><tt:Parameters/></tt:Rule></tt:RuleEngineConfiguration>'
)
OSD = (
    "<tt:VideoSourceConfigurationToken>dome-source-config</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>"
    "<tt:Position><tt:Type>Custom</tt:Type><tt:Pos x='0.5' y='-0.5'/></tt:Position>"
    "<tt:TextString><tt:Type>{}</tt:Type>{}</tt:TextString>"
)
CLOCK = OSD.format("Time", "<tt:TimeFormat>HH:mm:ss</tt:TimeFormat>")
KINDS = (
    "VideoSource",
    "VideoEncoder",
    "AudioSource",
    "AudioEncoder",
    "AudioOutput",
    "AudioDecoder",
    "Metadata",
    "VideoAnalytics",
    "PTZ",
)
TOKENS = {
    "VideoSource": "dome-source-config",
    "VideoEncoder": "dome-encoder-config",
    "AudioSource": "dome-audio-source-config",
    "AudioEncoder": "dome-audio-encoder-config",
    "AudioOutput": "dome-audio-output-config",
    "AudioDecoder": "dome-audio-decoder-config",
    "Metadata": "dome-metadata-config",
    "VideoAnalytics": "yard-analytics-config",
    "PTZ": "dome-ptz-config",
}


def configuration(kind: str, content: str) -> str:
    """The content of a Set…Configuration request."""
    body = f'<trt:Configuration token="{TOKENS[kind]}">{content}</trt:Configuration>'
    return f"{body}<trt:ForcePersistence>true</trt:ForcePersistence>"


def _token(kind: str) -> str:
    return f"<trt:ConfigurationToken>{TOKENS[kind]}</trt:ConfigurationToken>"


def _profile(kind: str) -> str:
    return YARD if kind == "VideoAnalytics" else DOME


_WITHOUT_PTZ = tuple(kind for kind in KINDS if kind != "PTZ")
_WITH_OPTIONS = tuple(kind for kind in _WITHOUT_PTZ if kind != "VideoAnalytics")

REQUESTS: dict[str, str] = {
    "trt:GetServiceCapabilities": "",
    "trt:GetProfiles": "",
    "trt:GetProfile": DOME,
    "trt:CreateProfile": "<trt:Name>Mine</trt:Name><trt:Token>mine</trt:Token>",
    "trt:DeleteProfile": "<trt:ProfileToken>spare</trt:ProfileToken>",
    **{f"trt:Add{kind}Configuration": _profile(kind) + _token(kind) for kind in KINDS},
    **{f"trt:Remove{kind}Configuration": _profile(kind) for kind in KINDS},
    **{f"trt:Get{kind}Configurations": "" for kind in _WITHOUT_PTZ},
    **{f"trt:Get{kind}Configuration": _token(kind) for kind in _WITHOUT_PTZ},
    **{f"trt:GetCompatible{kind}Configurations": _profile(kind) for kind in _WITHOUT_PTZ},
    **{f"trt:Get{kind}ConfigurationOptions": DOME for kind in _WITH_OPTIONS},
    "trt:SetVideoSourceConfiguration": configuration("VideoSource", VIDEO_SOURCE),
    "trt:SetVideoEncoderConfiguration": configuration("VideoEncoder", VIDEO_ENCODER),
    "trt:SetMetadataConfiguration": configuration("Metadata", METADATA),
    "trt:SetVideoAnalyticsConfiguration": configuration("VideoAnalytics", ANALYTICS),
    "trt:SetAudioSourceConfiguration": configuration("AudioSource", AUDIO_SOURCE),
    "trt:SetAudioEncoderConfiguration": configuration("AudioEncoder", AUDIO_ENCODER),
    "trt:SetAudioOutputConfiguration": configuration("AudioOutput", AUDIO_OUTPUT),
    "trt:SetAudioDecoderConfiguration": configuration("AudioDecoder", HEAD),
    "trt:GetVideoSources": "",
    "trt:GetAudioSources": "",
    "trt:GetAudioOutputs": "",
    "trt:GetGuaranteedNumberOfVideoEncoderInstances": _token("VideoSource"),
    "trt:GetStreamUri": f"<trt:StreamSetup>{SETUP}</trt:StreamSetup>{DOME}",
    "trt:GetSnapshotUri": DOME,
    "trt:StartMulticastStreaming": DOME,
    "trt:StopMulticastStreaming": DOME,
    "trt:SetSynchronizationPoint": DOME,
    "trt:GetOSDs": "",
    "trt:GetOSD": "<trt:OSDToken>clock</trt:OSDToken>",
    "trt:GetOSDOptions": _token("VideoSource"),
    "trt:CreateOSD": f'<trt:OSD token="">{CLOCK}</trt:OSD>',
    "trt:SetOSD": f'<trt:OSD token="clock">{CLOCK}</trt:OSD>',
    "trt:DeleteOSD": "<trt:OSDToken>clock</trt:OSDToken>",
}
