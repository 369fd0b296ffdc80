"""What both media services do in the same way: Media ver10 for what it has words for, Media2 for everything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from onvif_server.backend import VideoChannel
from onvif_server.media import options
from onvif_server.media.parts import Part
from onvif_server.media.suite import MediaSuite
from onvif_server.security.access import Access
from onvif_server.soap.operations import Call, Values, shared_operation


class MediaHandlers(ABC):
    """The operations that differ only in their namespace and in which configurations they know."""

    namespace: ClassVar[str]
    ver10: ClassVar[bool]
    """Whether only what Media ver10 has words for is shown."""

    def __init__(self, suite: MediaSuite) -> None:
        self.suite = suite

    @abstractmethod
    def capabilities(self) -> Values:
        """The capabilities of this service."""

    @abstractmethod
    def known(self, profile_token: str) -> str:
        """The token of a profile, if this service knows it. Raises Fault (ter:NoProfile)."""

    def selected(self, part: Part, value: Any) -> tuple[VideoChannel, ...]:
        """The channels that a request means. Raises Fault: ter:NoConfig, ter:NoProfile."""
        return self.suite.media.selected(part, value.ConfigurationToken, value.ProfileToken, ver10=self.ver10)

    @shared_operation("GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @shared_operation("GetVideoSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_video_source_configuration_options(self, call: Call) -> Values:
        """What a source configuration could be."""
        found = self.selected(Part.VIDEO_SOURCE, call.value)
        return {"Options": options.source_options(found, self.suite.media.profiles.maximum)}

    @shared_operation("GetMetadataConfigurationOptions", Access.READ_MEDIA)
    async def get_metadata_configuration_options(self, call: Call) -> Values:
        """What a metadata stream could tell."""
        return {"Options": options.metadata_options(self.suite.media, self.selected(Part.METADATA, call.value))}

    @shared_operation("GetAudioSourceConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_source_configuration_options(self, call: Call) -> Values:
        """Which microphone an audio source configuration could have."""
        return {"Options": options.audio_source_options(self.selected(Part.AUDIO_SOURCE, call.value))}

    @shared_operation("GetAudioEncoderConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_encoder_configuration_options(self, call: Call) -> Values:
        """What an audio encoder could be set to: what it is."""
        formats = options.audio_formats(self.selected(Part.AUDIO_ENCODER, call.value), back=False)
        write = options.audio_encoder_options10 if self.ver10 else options.audio_options2
        return {"Options": write(formats)}

    @shared_operation("GetAudioOutputConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_output_configuration_options(self, call: Call) -> Values:
        """Which loudspeaker an audio output configuration could have."""
        return {"Options": options.audio_output_options(self.selected(Part.AUDIO_OUTPUT, call.value))}

    @shared_operation("GetAudioDecoderConfigurationOptions", Access.READ_MEDIA)
    async def get_audio_decoder_configuration_options(self, call: Call) -> Values:
        """What a loudspeaker understands."""
        formats = options.audio_formats(self.selected(Part.AUDIO_DECODER, call.value), back=True)
        write = options.audio_decoder_options10 if self.ver10 else options.audio_options2
        return {"Options": write(formats)}

    @shared_operation("SetVideoSourceConfiguration", Access.ACTUATE)
    async def set_video_source_configuration(self, call: Call) -> Values:
        """Changes a source configuration."""
        await self.suite.changes.video_source(call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("SetVideoEncoderConfiguration", Access.ACTUATE)
    async def set_video_encoder_configuration(self, call: Call) -> Values:
        """Sets an encoder."""
        await self.suite.changes.video_encoder(call.caller, call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("SetMetadataConfiguration", Access.ACTUATE)
    async def set_metadata_configuration(self, call: Call) -> Values:
        """Chooses what a metadata stream tells."""
        await self.suite.changes.metadata(call.value.Configuration, call.message, ver10=self.ver10)
        return {}

    @shared_operation("SetAudioSourceConfiguration", Access.ACTUATE)
    async def set_audio_source_configuration(self, call: Call) -> Values:
        """Names an audio source configuration."""
        await self.suite.changes.audio_source(call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("SetAudioEncoderConfiguration", Access.ACTUATE)
    async def set_audio_encoder_configuration(self, call: Call) -> Values:
        """Names an audio encoder, and says where its multicast goes."""
        await self.suite.changes.audio_encoder(call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("SetAudioOutputConfiguration", Access.ACTUATE)
    async def set_audio_output_configuration(self, call: Call) -> Values:
        """Names an audio output configuration."""
        await self.suite.changes.audio_output(call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("SetAudioDecoderConfiguration", Access.ACTUATE)
    async def set_audio_decoder_configuration(self, call: Call) -> Values:
        """Names an audio decoder configuration."""
        await self.suite.changes.audio_decoder(call.value.Configuration, ver10=self.ver10)
        return {}

    @shared_operation("StartMulticastStreaming", Access.ACTUATE)
    async def start_multicast_streaming(self, call: Call) -> Values:
        """Sends a profile by multicast until it is stopped."""
        await self.suite.streams.start(self.known(call.value.ProfileToken))
        return {}

    @shared_operation("StopMulticastStreaming", Access.ACTUATE)
    async def stop_multicast_streaming(self, call: Call) -> Values:
        """Ends what StartMulticastStreaming began."""
        await self.suite.streams.stop(self.known(call.value.ProfileToken))
        return {}

    @shared_operation("SetSynchronizationPoint", Access.ACTUATE)
    async def set_synchronization_point(self, call: Call) -> Values:
        """Asks for a key frame, and has metadata tell the present state."""
        return await self.suite.synchronize(self.known(call.value.ProfileToken))

    @shared_operation("GetOSDOptions", Access.READ_MEDIA)
    async def get_osd_options(self, call: Call) -> Values:
        """What texts a picture can bear."""
        return {"OSDOptions": await self.suite.osds.options(call.value.ConfigurationToken)}

    @shared_operation("CreateOSD", Access.ACTUATE)
    async def create_osd(self, call: Call) -> Values:
        """Puts a text on a picture."""
        return {"OSDToken": await self.suite.osds.create(call.caller, call.value.OSD)}

    @shared_operation("SetOSD", Access.ACTUATE)
    async def set_osd(self, call: Call) -> Values:
        """Changes a text on a picture."""
        await self.suite.osds.change(call.caller, call.value.OSD)
        return {}

    @shared_operation("DeleteOSD", Access.ACTUATE)
    async def delete_osd(self, call: Call) -> Values:
        """Takes a text away."""
        await self.suite.osds.delete(call.caller, call.value.OSDToken)
        return {}
