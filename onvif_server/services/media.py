"""Media ver10: what recorders, Frigate and Home Assistant still ask for. It cannot express H.265."""

from __future__ import annotations

from typing import Any

from onvif_server import tokens
from onvif_server.backend import Backend, StreamRequest, VideoChannel
from onvif_server.security.access import Access
from onvif_server.services import channels
from onvif_server.soap import names
from onvif_server.soap.faults import invalid_argument
from onvif_server.soap.operations import Call, Values, operation


class MediaService:
    """Fixed profiles, one a channel, with their sources and encoders."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def _channels(self) -> tuple[VideoChannel, ...]:
        return tuple(channel for channel in self._backend.channels if channel.encoding == "H264")

    def _channel(self, profile: str) -> VideoChannel:
        return channels.by_profile(self._channels, profile)

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "SnapshotUri": True,
            "Rotation": False,
            "VideoSourceMode": False,
            "OSD": False,
            "ProfileCapabilities": {"MaximumNumberOfProfiles": len(self._backend.channels)},
            "StreamingCapabilities": {
                "RTPMulticast": False,
                "RTP_TCP": True,
                "RTP_RTSP_TCP": True,
                "NonAggregateControl": False,
            },
        }

    @operation(names.MEDIA, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.MEDIA, "GetProfiles", Access.READ_MEDIA)
    async def get_profiles(self, call: Call) -> Values:
        """All profiles."""
        return {"Profiles": [self._profile(channel) for channel in self._channels]}

    @operation(names.MEDIA, "GetProfile", Access.READ_MEDIA)
    async def get_profile(self, call: Call) -> Values:
        """One profile."""
        return {"Profile": self._profile(self._channel(call.value.ProfileToken))}

    def _profile(self, channel: VideoChannel) -> Values:
        return {
            "token": tokens.profile(channel.token),
            "fixed": True,
            "Name": channel.name,
            "VideoSourceConfiguration": channels.source_configuration(channel),
            "VideoEncoderConfiguration": channels.encoder_configuration(channel),
            "PTZConfiguration": channels.ptz_configuration(self._backend, channel),
        }

    @operation(names.MEDIA, "GetVideoSources", Access.READ_MEDIA)
    async def get_video_sources(self, call: Call) -> Values:
        """The picture sources."""
        return {"VideoSources": [channels.video_source(channel) for channel in self._channels]}

    @operation(names.MEDIA, "GetVideoSourceConfigurations", Access.READ_MEDIA)
    async def get_video_source_configurations(self, call: Call) -> Values:
        """The configurations of all sources."""
        return {"Configurations": [channels.source_configuration(channel) for channel in self._channels]}

    @operation(names.MEDIA, "GetCompatibleVideoSourceConfigurations", Access.READ_MEDIA)
    async def get_compatible_video_source_configurations(self, call: Call) -> Values:
        """The source configuration of a profile."""
        return {"Configurations": [channels.source_configuration(self._channel(call.value.ProfileToken))]}

    @operation(names.MEDIA, "GetVideoSourceConfiguration", Access.READ_MEDIA)
    async def get_video_source_configuration(self, call: Call) -> Values:
        """One source configuration."""
        channel = channels.by_source_configuration(self._channels, call.value.ConfigurationToken)
        return {"Configuration": channels.source_configuration(channel)}

    @operation(names.MEDIA, "GetVideoSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_video_source_configuration_options(self, call: Call) -> Values:
        """What a source configuration could be."""
        found = self._selected(call.value, encoder=False)
        return {"Options": channels.source_configuration_options(found)}

    @operation(names.MEDIA, "GetVideoEncoderConfigurations", Access.READ_MEDIA)
    async def get_video_encoder_configurations(self, call: Call) -> Values:
        """The configurations of all encoders."""
        return {"Configurations": [channels.encoder_configuration(channel) for channel in self._channels]}

    @operation(names.MEDIA, "GetCompatibleVideoEncoderConfigurations", Access.READ_MEDIA)
    async def get_compatible_video_encoder_configurations(self, call: Call) -> Values:
        """The encoder configuration of a profile."""
        return {"Configurations": [channels.encoder_configuration(self._channel(call.value.ProfileToken))]}

    @operation(names.MEDIA, "GetVideoEncoderConfiguration", Access.READ_MEDIA)
    async def get_video_encoder_configuration(self, call: Call) -> Values:
        """One encoder configuration."""
        channel = channels.by_encoder_configuration(self._channels, call.value.ConfigurationToken)
        return {"Configuration": channels.encoder_configuration(channel)}

    @operation(names.MEDIA, "GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_video_encoder_configuration_options(self, call: Call) -> Values:
        """What an encoder could be set to: what it is, for encoders are fixed."""
        found = self._selected(call.value, encoder=True)
        if not found:
            raise invalid_argument("NoConfig", "the device has no H.264 encoder")
        rates = [max(round(channel.fps), 1) for channel in found]
        lengths = [channel.gov_length for channel in found]
        sizes = sorted({(channel.width, channel.height) for channel in found}, reverse=True)
        return {
            "Options": {
                "QualityRange": {"Min": 5, "Max": 5},
                "H264": {
                    "ResolutionsAvailable": [{"Width": width, "Height": height} for width, height in sizes],
                    "GovLengthRange": {"Min": min(lengths), "Max": max(lengths)},
                    "FrameRateRange": {"Min": min(rates), "Max": max(rates)},
                    "EncodingIntervalRange": {"Min": 1, "Max": 1},
                    "H264ProfilesSupported": ["Main"],
                },
            }
        }

    @operation(names.MEDIA, "GetGuaranteedNumberOfVideoEncoderInstances", Access.READ_MEDIA)
    async def get_guaranteed_number_of_video_encoder_instances(self, call: Call) -> Values:
        """One encoder a source."""
        channels.by_source_configuration(self._channels, call.value.ConfigurationToken)
        return {"TotalNumber": 1, "H264": 1}

    @operation(names.MEDIA, "GetMetadataConfigurations", Access.READ_MEDIA)
    async def get_metadata_configurations(self, call: Call) -> Values:
        """There is no metadata stream."""
        return {}

    @operation(names.MEDIA, "GetAudioSources", Access.READ_MEDIA)
    async def get_audio_sources(self, call: Call) -> Values:
        """There is no sound."""
        return {}

    @operation(names.MEDIA, "GetStreamUri", Access.READ_MEDIA)
    async def get_stream_uri(self, call: Call) -> Values:
        """Where the stream is."""
        channel = self._channel(call.value.ProfileToken)
        if call.value.StreamSetup.Stream != "RTP-Unicast":
            raise invalid_argument("InvalidStreamSetup", "only RTP-Unicast is supported")
        return _media_uri(self._backend.stream_uri(channel.token, StreamRequest(host=call.host)))

    @operation(names.MEDIA, "GetSnapshotUri", Access.READ_MEDIA)
    async def get_snapshot_uri(self, call: Call) -> Values:
        """Where the newest picture is."""
        return _media_uri(channels.snapshot_uri(call, self._channel(call.value.ProfileToken)))

    @operation(names.MEDIA, "SetSynchronizationPoint", Access.ACTUATE)
    async def set_synchronization_point(self, call: Call) -> Values:
        """Asks for a key frame."""
        await self._backend.synchronize(self._channel(call.value.ProfileToken).token)
        return {}

    def _selected(self, value: Any, *, encoder: bool) -> tuple[VideoChannel, ...]:
        return channels.selected(self._channels, value.ConfigurationToken, value.ProfileToken, encoder=encoder)


def _media_uri(uri: str) -> Values:
    # PT0S: valid for ever.
    return {"MediaUri": {"Uri": uri, "InvalidAfterConnect": False, "InvalidAfterReboot": False, "Timeout": "PT0S"}}
