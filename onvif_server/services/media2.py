"""Media2 (ver20): the media service of Profile T."""

from __future__ import annotations

from typing import Any

from onvif_server import tokens
from onvif_server.backend import Backend, StreamRequest, VideoChannel
from onvif_server.security.access import Access
from onvif_server.services import channels
from onvif_server.soap import names
from onvif_server.soap.faults import invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_PROTOCOLS = ("RtspUnicast", "RTSP")
"""RTP over UDP, and RTP over RTSP; the address is the same."""


class Media2Service:
    """Fixed profiles, one a channel, with their sources and encoders."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def _channels(self) -> tuple[VideoChannel, ...]:
        return tuple(self._backend.channels)

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "SnapshotUri": True,
            "Rotation": False,
            "VideoSourceMode": False,
            "OSD": False,
            "Mask": False,
            "ProfileCapabilities": {
                "MaximumNumberOfProfiles": len(self._channels),
                "ConfigurationsSupported": ["VideoSource", "VideoEncoder", "PTZ"],
            },
            "StreamingCapabilities": {
                "RTSPStreaming": True,
                "RTPMulticast": False,
                "RTP_RTSP_TCP": True,
                "NonAggregateControl": False,
            },
        }

    @operation(names.MEDIA2, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.MEDIA2, "GetProfiles", Access.READ_MEDIA)
    async def get_profiles(self, call: Call) -> Values:
        """All profiles, or one, with the configurations that the client asks for."""
        found = self._channels
        if call.value.Token:
            found = (channels.by_profile(found, call.value.Token),)
        wanted = set(call.value.Type or ())
        return {"Profiles": [self._profile(channel, wanted) for channel in found]}

    def _profile(self, channel: VideoChannel, wanted: set[str]) -> Values:
        parts = {
            "VideoSource": channels.source_configuration(channel),
            "VideoEncoder": channels.encoder_configuration2(channel),
            "PTZ": channels.ptz_configuration(self._backend, channel),
        }
        # Without a type the configurations are left out (Media2 5.2.3).
        shown = {name: part for name, part in parts.items() if name in wanted or "All" in wanted}
        return {
            "token": tokens.profile(channel.token),
            "fixed": True,
            "Name": channel.name,
            "Configurations": shown or None,
        }

    @operation(names.MEDIA2, "GetVideoSourceConfigurations", Access.READ_MEDIA)
    async def get_video_source_configurations(self, call: Call) -> Values:
        """The configurations of sources."""
        found = self._selected(call.value, encoder=False)
        return {"Configurations": [channels.source_configuration(channel) for channel in found]}

    @operation(names.MEDIA2, "GetVideoSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_video_source_configuration_options(self, call: Call) -> Values:
        """What a source configuration could be."""
        return {"Options": channels.source_configuration_options(self._selected(call.value, encoder=False))}

    @operation(names.MEDIA2, "GetVideoEncoderConfigurations", Access.READ_MEDIA)
    async def get_video_encoder_configurations(self, call: Call) -> Values:
        """The configurations of encoders."""
        found = self._selected(call.value, encoder=True)
        return {"Configurations": [channels.encoder_configuration2(channel) for channel in found]}

    @operation(names.MEDIA2, "GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_video_encoder_configuration_options(self, call: Call) -> Values:
        """What encoders could be set to: what they are, for they are fixed."""
        found = self._selected(call.value, encoder=True)
        if not found:
            raise invalid_argument("NoConfig", "the device has no video encoder")
        return {"Options": [_encoder_options(channel) for channel in found]}

    @operation(names.MEDIA2, "GetVideoEncoderInstances", Access.READ_MEDIA)
    async def get_video_encoder_instances(self, call: Call) -> Values:
        """One encoder a source."""
        channel = channels.by_source_configuration(self._channels, call.value.ConfigurationToken)
        return {"Info": {"Codec": [{"Encoding": channel.encoding, "Number": 1}], "Total": 1}}

    @operation(names.MEDIA2, "GetMetadataConfigurations", Access.READ_MEDIA)
    async def get_metadata_configurations(self, call: Call) -> Values:
        """There is no metadata stream."""
        return {}

    @operation(names.MEDIA2, "GetStreamUri", Access.READ_MEDIA)
    async def get_stream_uri(self, call: Call) -> Values:
        """Where the stream is."""
        channel = channels.by_profile(self._channels, call.value.ProfileToken)
        if call.value.Protocol not in _PROTOCOLS:
            raise invalid_argument("InvalidStreamSetup", f"the protocols are {' and '.join(_PROTOCOLS)}")
        return {"Uri": self._backend.stream_uri(channel.token, StreamRequest(host=call.host))}

    @operation(names.MEDIA2, "GetSnapshotUri", Access.READ_MEDIA)
    async def get_snapshot_uri(self, call: Call) -> Values:
        """Where the newest picture is."""
        return {"Uri": channels.snapshot_uri(call, channels.by_profile(self._channels, call.value.ProfileToken))}

    @operation(names.MEDIA2, "SetSynchronizationPoint", Access.ACTUATE)
    async def set_synchronization_point(self, call: Call) -> Values:
        """Asks for a key frame."""
        await self._backend.synchronize(channels.by_profile(self._channels, call.value.ProfileToken).token)
        return {}

    def _selected(self, value: Any, *, encoder: bool) -> tuple[VideoChannel, ...]:
        return channels.selected(self._channels, value.ConfigurationToken, value.ProfileToken, encoder=encoder)


def _encoder_options(channel: VideoChannel) -> Values:
    return {
        "GovLengthRange": [channel.gov_length, channel.gov_length],
        "FrameRatesSupported": [channel.fps],
        "ProfilesSupported": ["Main"],
        "ConstantBitRateSupported": False,
        "Encoding": channel.encoding,
        "QualityRange": {"Min": 5, "Max": 5},
        "ResolutionsAvailable": [{"Width": channel.width, "Height": channel.height}],
        "BitrateRange": {"Min": channel.bitrate_kbps, "Max": channel.bitrate_kbps},
    }
