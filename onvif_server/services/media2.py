"""Media2 (ver20): the media service of Profile T."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from onvif_server.backend import EncoderOptions
from onvif_server.media import options
from onvif_server.media.parts import Part, parts_of
from onvif_server.media.profiles import Addition
from onvif_server.media.streams import MEDIA2_TRANSPORTS
from onvif_server.security.access import Access
from onvif_server.services.media_shared import MediaHandlers
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


class Media2Service(MediaHandlers):
    """The operations of Media2; what they do is in `onvif_server.media`."""

    namespace = names.MEDIA2
    ver10 = False

    def known(self, profile_token: str) -> str:
        """Every profile is known here; whether there is one of this token is found out when it is used."""
        return profile_token

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

    @operation(names.MEDIA2, "GetVideoEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_video_encoder_configuration_options(self, call: Call) -> Values:
        """What encoders could be set to."""
        channels = self.selected(Part.VIDEO_ENCODER, call.value)
        options.insist_on_some(channels)
        found: list[EncoderOptions] = []
        for channel in channels:
            found += await options.encoder_options(self.suite.media, channel)
        return {"Options": options.encoder_options2(found)}

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

    @operation(names.MEDIA2, "GetOSDs", Access.READ_MEDIA)
    async def get_osds(self, call: Call) -> Values:
        """The texts on the pictures."""
        token, configuration = call.value.OSDToken or None, call.value.ConfigurationToken or None
        return {"OSDs": await self.suite.osds.list(token=token, configuration=configuration)}


def _additions(references: Iterable[Any] | None) -> list[Addition]:
    # Entries of the type All are to be ignored where something is added (Media2 5.2.1, 5.2.3).
    return [(_part(one.Type), one.Token or None) for one in references or () if one.Type != _ALL]


def _part(name: str) -> Part:
    try:
        return Part(name)
    except ValueError:
        raise invalid_argument("NoConfig", f"the device has no configurations of the type {name}") from None
