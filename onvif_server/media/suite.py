"""Everything that the two media services work with, made once a device."""

from __future__ import annotations

from collections.abc import Callable

from onvif_server.backend import Backend, Memory
from onvif_server.events.broker import Broker
from onvif_server.media.changes import Changes
from onvif_server.media.descriptions import Descriptions
from onvif_server.media.media import Media
from onvif_server.media.osds import Osds
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profiles
from onvif_server.media.streams import Streams
from onvif_server.services.channels import snapshot_uri
from onvif_server.soap.faults import action_failed
from onvif_server.soap.operations import Call, Values


class MediaSuite:
    """The parts of the media services, each with its own task."""

    def __init__(self, backend: Backend, memory: Memory, profiles: Profiles, broker: Broker) -> None:
        self.media = Media(backend, memory, profiles, broker)
        self.descriptions = Descriptions(self.media)
        self.changes = Changes(self.media)
        self.osds = Osds(self.media)
        self.streams = Streams(self.media)
        self.synchronize_metadata: Callable[[str], None] = lambda _channel: None
        """Has a channel's metadata tell the present state of all properties."""

    def snapshot_uri(self, call: Call, profile_token: str) -> str:
        """Where the newest picture of a profile is. Raises Fault: ter:NoProfile, ter:IncompleteConfiguration."""
        channel = self.media.profiles.channel_of(profile_token)
        if Part.VIDEO_SOURCE not in self.media.profiles.get(profile_token).parts:
            raise action_failed("IncompleteConfiguration", f"the profile {profile_token} shows no picture")
        return snapshot_uri(call, channel)

    async def synchronize(self, profile_token: str) -> Values:
        """Asks for a key frame, and for the state of properties in the profile's metadata; returns the empty answer.

        Raises Fault.
        """
        channel = self.media.profiles.channel_of(profile_token).token
        await self.media.backend.synchronize(channel)
        if Part.METADATA in self.media.profiles.get(profile_token).parts:
            self.synchronize_metadata(channel)
        return {}
