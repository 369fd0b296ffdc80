"""Media2 (ver20): the media service of Profile T."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from onvif_server.backend import EncoderOptions, VideoChannel
from onvif_server.media import options
from onvif_server.media.parts import Part, parts_of
from onvif_server.media.profiles import Addition
from onvif_server.media.streams import MEDIA2_TRANSPORTS
from onvif_server.media.suite import MediaSuite
from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_ALL = "All"
type _Method = Callable[["Media2Service", Call], Awaitable[Values]]


def _listing(part: Part, name: str | None = None) -> _Method:
    async def list_selected(self: Media2Service, call: Call) -> Values:
        describe = self.suite.descriptions.configuration
        found = self.selected(part, call.value)
        return {"Configurations": [await describe(part, channel, ver10=False) for channel in found]}

    declare = operation(names.MEDIA2, f"Get{name or part.value}Configurations", Access.READ_MEDIA)
    declared: _Method = declare(list_selected)
    return declared


class Media2Service:
    """The operations of Media2; what they do is in `onvif_server.media`."""

    def __init__(self, suite: MediaSuite) -> None:
        self.suite = suite

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        backend = self.suite.media.backend
        streaming = backend.streaming
        there = {part for channel in backend.channels for part in parts_of(backend, channel)}
        return {
            "SnapshotUri": True,
            "Rotation": False,
            "VideoSourceMode": False,
            "OSD": self.suite.osds.any,
            "TemporaryOSDText": False,
            "Mask": False,
            "ProfileCapabilities": {
                "MaximumNumberOfProfiles": self.suite.media.profiles.maximum,
                "ConfigurationsSupported": [part.value for part in Part if part in there],
            },
            "StreamingCapabilities": {
                "RTSPStreaming": True,
                "RTPMulticast": streaming.multicast,
                "RTP_RTSP_TCP": True,
                "NonAggregateControl": False,
                "AutoStartMulticast": any(backend.multicast(channel.token) is not None for channel in backend.channels),
                "SecureRTSPStreaming": streaming.srtp,
            },
        }

    @operation(names.MEDIA2, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.MEDIA2, "GetProfiles", Access.READ_MEDIA)
    async def get_profiles(self, call: Call) -> Values:
        """All profiles, or one, with the configurations that the client asks for."""
        profiles = self.suite.media.profiles
        found = (profiles.get(call.value.Token),) if call.value.Token else profiles.all()
        # Without a type the configurations are left out (Media2 5.2.3).
        asked = set(call.value.Type or ())
        wanted = frozenset(part for part in Part if part.value in asked or _ALL in asked)
        return {"Profiles": [await self.suite.descriptions.profile2(profile, wanted) for profile in found]}

    @operation(names.MEDIA2, "CreateProfile", Access.ACTUATE)
    async def create_profile(self, call: Call) -> Values:
        """A new profile, with configurations if the client names some."""
        additions = _additions(call.value.Configuration)
        return {"Token": (await self.suite.media.profiles.create(call.value.Name or "", additions=additions)).token}

    @operation(names.MEDIA2, "AddConfiguration", Access.ACTUATE)
    async def add_configuration(self, call: Call) -> Values:
        """Adds configurations to a profile, and names it anew."""
        additions = _additions(call.value.Configuration)
        await self.suite.media.profiles.add(call.value.ProfileToken, additions, call.value.Name or None)
        await self.suite.streams.resume()
        return {}

    @operation(names.MEDIA2, "RemoveConfiguration", Access.ACTUATE)
    async def remove_configuration(self, call: Call) -> Values:
        """Takes configurations out of a profile; their tokens do not matter."""
        # What is not there, or could not be, is ignored.
        named = {one.Type for one in call.value.Configuration}
        kinds = [part for part in Part if part.value in named or _ALL in named]
        await self.suite.media.profiles.remove(call.value.ProfileToken, kinds)
        await self.suite.streams.resume()
        return {}

    @operation(names.MEDIA2, "DeleteProfile", Access.ACTUATE)
    async def delete_profile(self, call: Call) -> Values:
        """Removes a profile that a client created."""
        await self.suite.media.profiles.delete(call.value.Token)
        await self.suite.streams.resume()
        return {}

    get_video_source_configurations = _listing(Part.VIDEO_SOURCE)
    get_video_encoder_configurations = _listing(Part.VIDEO_ENCODER)
    get_audio_source_configurations = _listing(Part.AUDIO_SOURCE)
    get_audio_encoder_configurations = _listing(Part.AUDIO_ENCODER)
    get_audio_output_configurations = _listing(Part.AUDIO_OUTPUT)
    get_audio_decoder_configurations = _listing(Part.AUDIO_DECODER)
    get_metadata_configurations = _listing(Part.METADATA)
    get_analytics_configurations = _listing(Part.ANALYTICS)

    @operation(names.MEDIA2, "GetVideoSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_video_source_configuration_options(self, call: Call) -> Values:
        """What a source configuration could be."""
        found = self.selected(Part.VIDEO_SOURCE, call.value)
        return {"Options": options.source_options(found, self.suite.media.profiles.maximum)}

    @operation(names.MEDIA2, "GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_video_encoder_configuration_options(self, call: Call) -> Values:
        """What encoders could be set to."""
        channels = self.selected(Part.VIDEO_ENCODER, call.value)
        options.insist_on_some(channels)
        found: list[EncoderOptions] = []
        for channel in channels:
            found += await options.encoder_options(self.suite.media, channel)
        return {"Options": options.encoder_options2(found)}

    @operation(names.MEDIA2, "GetMetadataConfigurationOptions", Access.READ_MEDIA)
    async def get_metadata_configuration_options(self, call: Call) -> Values:
        """What a metadata stream could tell."""
        return {"Options": options.metadata_options(self.suite.media, self.selected(Part.METADATA, call.value))}

    @operation(names.MEDIA2, "GetAudioSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_source_configuration_options(self, call: Call) -> Values:
        """Which microphone an audio source configuration could have."""
        return {"Options": options.audio_source_options(self.selected(Part.AUDIO_SOURCE, call.value))}

    @operation(names.MEDIA2, "GetAudioEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_encoder_configuration_options(self, call: Call) -> Values:
        """What an audio encoder could be set to: what it is."""
        formats = options.audio_formats(self.selected(Part.AUDIO_ENCODER, call.value), back=False)
        return {"Options": options.audio_options2(formats)}

    @operation(names.MEDIA2, "GetAudioOutputConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_output_configuration_options(self, call: Call) -> Values:
        """Which loudspeaker an audio output configuration could have."""
        return {"Options": options.audio_output_options(self.selected(Part.AUDIO_OUTPUT, call.value))}

    @operation(names.MEDIA2, "GetAudioDecoderConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_decoder_configuration_options(self, call: Call) -> Values:
        """What a loudspeaker understands."""
        formats = options.audio_formats(self.selected(Part.AUDIO_DECODER, call.value), back=True)
        return {"Options": options.audio_options2(formats)}

    @operation(names.MEDIA2, "SetVideoSourceConfiguration", Access.ACTUATE)
    async def set_video_source_configuration(self, call: Call) -> Values:
        """Changes a source configuration."""
        await self.suite.changes.video_source(call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetVideoEncoderConfiguration", Access.ACTUATE)
    async def set_video_encoder_configuration(self, call: Call) -> Values:
        """Sets an encoder."""
        await self.suite.changes.video_encoder(call.caller, call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetMetadataConfiguration", Access.ACTUATE)
    async def set_metadata_configuration(self, call: Call) -> Values:
        """Chooses what a metadata stream tells."""
        await self.suite.changes.metadata(call.value.Configuration, call.message, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetAudioSourceConfiguration", Access.ACTUATE)
    async def set_audio_source_configuration(self, call: Call) -> Values:
        """Names an audio source configuration."""
        await self.suite.changes.audio_source(call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetAudioEncoderConfiguration", Access.ACTUATE)
    async def set_audio_encoder_configuration(self, call: Call) -> Values:
        """Names an audio encoder, and says where its multicast goes."""
        await self.suite.changes.audio_encoder(call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetAudioOutputConfiguration", Access.ACTUATE)
    async def set_audio_output_configuration(self, call: Call) -> Values:
        """Names an audio output configuration."""
        await self.suite.changes.audio_output(call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "SetAudioDecoderConfiguration", Access.ACTUATE)
    async def set_audio_decoder_configuration(self, call: Call) -> Values:
        """Names an audio decoder configuration."""
        await self.suite.changes.audio_decoder(call.value.Configuration, ver10=False)
        return {}

    @operation(names.MEDIA2, "GetVideoEncoderInstances", Access.READ_MEDIA)
    async def get_video_encoder_instances(self, call: Call) -> Values:
        """One encoder a source, for whatever it can be set to."""
        channel = self.suite.media.holder(Part.VIDEO_SOURCE, call.value.ConfigurationToken)
        try:
            encodings = [one.encoding for one in await options.encoder_options(self.suite.media, channel)]
        except Fault:  # the encoder cannot be asked now, but it is there
            encodings = [channel.encoding]
        return {"Info": {"Codec": [{"Encoding": one, "Number": 1} for one in encodings], "Total": 1}}

    @operation(names.MEDIA2, "GetStreamUri", Access.READ_MEDIA)
    async def get_stream_uri(self, call: Call) -> Values:
        """Where the stream is."""
        transport = MEDIA2_TRANSPORTS.get(call.value.Protocol)
        return {"Uri": self.suite.streams.uri(call.value.ProfileToken, transport, call.host)}

    @operation(names.MEDIA2, "GetSnapshotUri", Access.READ_MEDIA)
    async def get_snapshot_uri(self, call: Call) -> Values:
        """Where the newest picture is."""
        return {"Uri": self.suite.snapshot_uri(call, call.value.ProfileToken)}

    @operation(names.MEDIA2, "StartMulticastStreaming", Access.ACTUATE)
    async def start_multicast_streaming(self, call: Call) -> Values:
        """Sends a profile by multicast until it is stopped."""
        await self.suite.streams.start(call.value.ProfileToken)
        return {}

    @operation(names.MEDIA2, "StopMulticastStreaming", Access.ACTUATE)
    async def stop_multicast_streaming(self, call: Call) -> Values:
        """Ends what StartMulticastStreaming began."""
        await self.suite.streams.stop(call.value.ProfileToken)
        return {}

    @operation(names.MEDIA2, "SetSynchronizationPoint", Access.ACTUATE)
    async def set_synchronization_point(self, call: Call) -> Values:
        """Asks for a key frame."""
        return await self.suite.synchronize(call.value.ProfileToken)

    @operation(names.MEDIA2, "GetOSDs", Access.READ_MEDIA)
    async def get_osds(self, call: Call) -> Values:
        """The texts on the pictures."""
        token, configuration = call.value.OSDToken or None, call.value.ConfigurationToken or None
        return {"OSDs": await self.suite.osds.list(token=token, configuration=configuration)}

    @operation(names.MEDIA2, "GetOSDOptions", Access.READ_MEDIA)
    async def get_osd_options(self, call: Call) -> Values:
        """What texts a picture can bear."""
        return {"OSDOptions": await self.suite.osds.options(call.value.ConfigurationToken)}

    @operation(names.MEDIA2, "CreateOSD", Access.ACTUATE)
    async def create_osd(self, call: Call) -> Values:
        """Puts a text on a picture."""
        return {"OSDToken": await self.suite.osds.create(call.caller, call.value.OSD)}

    @operation(names.MEDIA2, "SetOSD", Access.ACTUATE)
    async def set_osd(self, call: Call) -> Values:
        """Changes a text on a picture."""
        await self.suite.osds.change(call.caller, call.value.OSD)
        return {}

    @operation(names.MEDIA2, "DeleteOSD", Access.ACTUATE)
    async def delete_osd(self, call: Call) -> Values:
        """Takes a text away."""
        await self.suite.osds.delete(call.caller, call.value.OSDToken)
        return {}

    def selected(self, part: Part, value: Any) -> tuple[VideoChannel, ...]:
        """The channels that a request means. Raises Fault: ter:NoConfig, ter:NoProfile."""
        return self.suite.media.selected(part, value.ConfigurationToken, value.ProfileToken)


def _additions(references: Iterable[Any] | None) -> list[Addition]:
    # Entries of the type All are to be ignored where something is added (Media2 5.2.1, 5.2.3).
    return [(_part(one.Type), one.Token or None) for one in references or () if one.Type != _ALL]


def _part(name: str) -> Part:
    try:
        return Part(name)
    except ValueError:
        raise invalid_argument("NoConfig", f"the device has no configurations of the type {name}") from None
