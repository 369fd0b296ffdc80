"""Media ver10: what recorders, Frigate and Home Assistant still ask for. It cannot express H.265."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from onvif_server import tokens
from onvif_server.backend import EncoderOptions, VideoChannel
from onvif_server.media import options
from onvif_server.media.descriptions import VER10_NAMES
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profile
from onvif_server.media.streams import VER10_TRANSPORTS
from onvif_server.security.access import Access
from onvif_server.services import channels
from onvif_server.services.media_shared import MediaHandlers
from onvif_server.soap import names
from onvif_server.soap.faults import invalid_argument
from onvif_server.soap.operations import Call, Values, operation

type _Method = Callable[["MediaService", Call], Awaitable[Values]]


def _adding(part: Part) -> _Method:
    async def add(self: MediaService, call: Call) -> Values:
        profile = self.shown(call.value.ProfileToken)
        await self.suite.media.profiles.add(profile.token, [(part, call.value.ConfigurationToken)])
        await self.suite.streams.resume()
        return {}

    return _declared(f"Add{VER10_NAMES[part]}", Access.ACTUATE, add)


def _removing(part: Part) -> _Method:
    async def remove(self: MediaService, call: Call) -> Values:
        await self.suite.media.profiles.remove(self.shown(call.value.ProfileToken).token, [part])
        await self.suite.streams.resume()
        return {}

    return _declared(f"Remove{VER10_NAMES[part]}", Access.ACTUATE, remove)


def _listing(part: Part) -> _Method:
    async def list_all(self: MediaService, call: Call) -> Values:
        return await self.described(part, self.suite.media.holders(part, ver10=True))

    return _declared(f"Get{VER10_NAMES[part]}s", Access.READ_MEDIA, list_all)


def _getting(part: Part) -> _Method:
    async def get(self: MediaService, call: Call) -> Values:
        channel = self.suite.media.holder(part, call.value.ConfigurationToken, ver10=True)
        return {"Configuration": await self.suite.descriptions.configuration(part, channel, ver10=True)}

    return _declared(f"Get{VER10_NAMES[part]}", Access.READ_MEDIA, get)


def _getting_compatible(part: Part) -> _Method:
    async def get_compatible(self: MediaService, call: Call) -> Values:
        profile = self.shown(call.value.ProfileToken)
        return await self.described(part, self.suite.media.compatible(part, profile, ver10=True))

    return _declared(f"GetCompatible{VER10_NAMES[part]}s", Access.READ_MEDIA, get_compatible)


def _declared(name: str, access: Access, method: _Method) -> _Method:
    declared: _Method = operation(names.MEDIA, name, access)(method)
    return declared


class MediaService(MediaHandlers):
    """The operations of Media ver10; what they do is in `onvif_server.media`."""

    namespace = names.MEDIA
    ver10 = True

    def known(self, profile_token: str) -> str:
        """The token of a profile that this service has words for. Raises Fault (ter:NoProfile)."""
        return self.shown(profile_token).token

    def shown(self, token: str) -> Profile:
        """A profile that this service has words for. Raises Fault (ter:NoProfile)."""
        profile = self.suite.media.profiles.get(token)
        if not self._expressible(profile):
            raise invalid_argument("NoProfile", f"the profile {token} is for Media2 only")
        return profile

    def _expressible(self, profile: Profile) -> bool:
        channel = self.suite.media.profiles.channel(profile)
        return channel is None or channel in self.suite.media.holders(Part.VIDEO_ENCODER, ver10=True)

    async def described(self, part: Part, found: Sequence[VideoChannel]) -> Values:
        """The configurations of some channels."""
        describe = self.suite.descriptions.configuration
        return {"Configurations": [await describe(part, channel, ver10=True) for channel in found]}

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "SnapshotUri": True,
            "Rotation": False,
            "VideoSourceMode": False,
            "OSD": self.suite.osds.any,
            "TemporaryOSDText": False,
            "EXICompression": False,
            "ProfileCapabilities": {"MaximumNumberOfProfiles": self.suite.media.profiles.maximum},
            "StreamingCapabilities": {
                "RTPMulticast": self.suite.media.backend.streaming.multicast,
                "RTP_TCP": False,
                "RTP_RTSP_TCP": True,
                "NonAggregateControl": False,
                "NoRTSPStreaming": False,
            },
        }

    @operation(names.MEDIA, "GetProfiles", Access.READ_MEDIA)
    async def get_profiles(self, call: Call) -> Values:
        """All profiles."""
        shown = filter(self._expressible, self.suite.media.profiles.all())
        return {"Profiles": [await self.suite.descriptions.profile10(profile) for profile in shown]}

    @operation(names.MEDIA, "GetProfile", Access.READ_MEDIA)
    async def get_profile(self, call: Call) -> Values:
        """One profile."""
        return {"Profile": await self.suite.descriptions.profile10(self.shown(call.value.ProfileToken))}

    @operation(names.MEDIA, "CreateProfile", Access.ACTUATE)
    async def create_profile(self, call: Call) -> Values:
        """A new profile, still empty."""
        profile = await self.suite.media.profiles.create(call.value.Name or "", call.value.Token or None)
        return {"Profile": await self.suite.descriptions.profile10(profile)}

    @operation(names.MEDIA, "DeleteProfile", Access.ACTUATE)
    async def delete_profile(self, call: Call) -> Values:
        """Removes a profile that a client created."""
        await self.suite.media.profiles.delete(self.shown(call.value.ProfileToken).token)
        await self.suite.streams.resume()
        return {}

    add_video_source_configuration = _adding(Part.VIDEO_SOURCE)
    add_video_encoder_configuration = _adding(Part.VIDEO_ENCODER)
    add_audio_source_configuration = _adding(Part.AUDIO_SOURCE)
    add_audio_encoder_configuration = _adding(Part.AUDIO_ENCODER)
    add_audio_output_configuration = _adding(Part.AUDIO_OUTPUT)
    add_audio_decoder_configuration = _adding(Part.AUDIO_DECODER)
    add_metadata_configuration = _adding(Part.METADATA)
    add_video_analytics_configuration = _adding(Part.ANALYTICS)
    add_ptz_configuration = _adding(Part.PTZ)

    remove_video_source_configuration = _removing(Part.VIDEO_SOURCE)
    remove_video_encoder_configuration = _removing(Part.VIDEO_ENCODER)
    remove_audio_source_configuration = _removing(Part.AUDIO_SOURCE)
    remove_audio_encoder_configuration = _removing(Part.AUDIO_ENCODER)
    remove_audio_output_configuration = _removing(Part.AUDIO_OUTPUT)
    remove_audio_decoder_configuration = _removing(Part.AUDIO_DECODER)
    remove_metadata_configuration = _removing(Part.METADATA)
    remove_video_analytics_configuration = _removing(Part.ANALYTICS)
    remove_ptz_configuration = _removing(Part.PTZ)

    get_video_source_configurations = _listing(Part.VIDEO_SOURCE)
    get_video_encoder_configurations = _listing(Part.VIDEO_ENCODER)
    get_audio_source_configurations = _listing(Part.AUDIO_SOURCE)
    get_audio_encoder_configurations = _listing(Part.AUDIO_ENCODER)
    get_audio_output_configurations = _listing(Part.AUDIO_OUTPUT)
    get_audio_decoder_configurations = _listing(Part.AUDIO_DECODER)
    get_metadata_configurations = _listing(Part.METADATA)
    get_video_analytics_configurations = _listing(Part.ANALYTICS)

    get_video_source_configuration = _getting(Part.VIDEO_SOURCE)
    get_video_encoder_configuration = _getting(Part.VIDEO_ENCODER)
    get_audio_source_configuration = _getting(Part.AUDIO_SOURCE)
    get_audio_encoder_configuration = _getting(Part.AUDIO_ENCODER)
    get_audio_output_configuration = _getting(Part.AUDIO_OUTPUT)
    get_audio_decoder_configuration = _getting(Part.AUDIO_DECODER)
    get_metadata_configuration = _getting(Part.METADATA)
    get_video_analytics_configuration = _getting(Part.ANALYTICS)

    get_compatible_video_source_configurations = _getting_compatible(Part.VIDEO_SOURCE)
    get_compatible_video_encoder_configurations = _getting_compatible(Part.VIDEO_ENCODER)
    get_compatible_audio_source_configurations = _getting_compatible(Part.AUDIO_SOURCE)
    get_compatible_audio_encoder_configurations = _getting_compatible(Part.AUDIO_ENCODER)
    get_compatible_audio_output_configurations = _getting_compatible(Part.AUDIO_OUTPUT)
    get_compatible_audio_decoder_configurations = _getting_compatible(Part.AUDIO_DECODER)
    get_compatible_metadata_configurations = _getting_compatible(Part.METADATA)
    get_compatible_video_analytics_configurations = _getting_compatible(Part.ANALYTICS)

    @operation(names.MEDIA, "GetVideoSources", Access.READ_MEDIA)
    async def get_video_sources(self, call: Call) -> Values:
        """The picture sources."""
        found = self.suite.media.holders(Part.VIDEO_ENCODER, ver10=True)
        return {"VideoSources": [channels.video_source(channel) for channel in found]}

    @operation(names.MEDIA, "GetAudioSources", Access.READ_MEDIA)
    async def get_audio_sources(self, call: Call) -> Values:
        """The microphones."""
        return {
            "AudioSources": [
                {"token": tokens.audio_source(channel.token), "Channels": channel.audio.channels}
                for channel in self.suite.media.backend.channels
                if channel.audio is not None
            ]
        }

    @operation(names.MEDIA, "GetAudioOutputs", Access.READ_MEDIA)
    async def get_audio_outputs(self, call: Call) -> Values:
        """The loudspeakers."""
        found = self.suite.media.holders(Part.AUDIO_OUTPUT)
        return {"AudioOutputs": [{"token": tokens.audio_output(channel.token)} for channel in found]}

    @operation(names.MEDIA, "GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_video_encoder_configuration_options(self, call: Call) -> Values:
        """What an encoder could be set to."""
        found: list[EncoderOptions] = []
        for channel in self.selected(Part.VIDEO_ENCODER, call.value):
            found += await options.encoder_options(self.suite.media, channel)
        return {"Options": options.encoder_options10(found)}

    @operation(names.MEDIA, "GetGuaranteedNumberOfVideoEncoderInstances", Access.READ_MEDIA)
    async def get_guaranteed_number_of_video_encoder_instances(self, call: Call) -> Values:
        """One encoder a source."""
        channel = self.suite.media.holder(Part.VIDEO_SOURCE, call.value.ConfigurationToken)
        self.suite.media.holder(Part.VIDEO_ENCODER, tokens.video_encoder_configuration(channel.token), ver10=True)
        return {"TotalNumber": 1, channel.encoding: 1}

    @operation(names.MEDIA, "SetVideoAnalyticsConfiguration", Access.ACTUATE)
    async def set_video_analytics_configuration(self, call: Call) -> Values:
        """Names an analytics configuration, and sets its modules."""
        await self.suite.changes.analytics(call.value.Configuration, call.message)
        return {}

    @operation(names.MEDIA, "GetStreamUri", Access.READ_MEDIA)
    async def get_stream_uri(self, call: Call) -> Values:
        """Where the stream is."""
        setup = call.value.StreamSetup
        transport = VER10_TRANSPORTS.get((setup.Stream, setup.Transport.Protocol))
        return _media_uri(self.suite.streams.uri(self.shown(call.value.ProfileToken).token, transport, call.host))

    @operation(names.MEDIA, "GetSnapshotUri", Access.READ_MEDIA)
    async def get_snapshot_uri(self, call: Call) -> Values:
        """Where the newest picture is."""
        return _media_uri(self.suite.snapshot_uri(call, self.shown(call.value.ProfileToken).token))

    @operation(names.MEDIA, "GetOSDs", Access.READ_MEDIA)
    async def get_osds(self, call: Call) -> Values:
        """The texts on the pictures."""
        return {"OSDs": await self.suite.osds.list(configuration=call.value.ConfigurationToken or None)}

    @operation(names.MEDIA, "GetOSD", Access.READ_MEDIA)
    async def get_osd(self, call: Call) -> Values:
        """One text on a picture."""
        return {"OSD": (await self.suite.osds.list(token=call.value.OSDToken))[0]}


def _media_uri(uri: str) -> Values:
    # PT0S: valid for ever.
    return {"MediaUri": {"Uri": uri, "InvalidAfterConnect": False, "InvalidAfterReboot": False, "Timeout": "PT0S"}}
