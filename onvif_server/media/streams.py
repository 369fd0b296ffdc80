"""Where a profile's stream and snapshot are, and the multicast that runs by itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from onvif_server.backend import Refusal, Refused, StreamingAbilities, StreamKind, StreamRequest, Transport
from onvif_server.media.changes import STREAM_KINDS
from onvif_server.media.media import Media, refusals_as_faults, storing
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profile
from onvif_server.soap.faults import action_failed, invalid_argument, not_supported

_LOGGER = logging.getLogger(__name__)

VER10_TRANSPORTS: Final = {
    ("RTP-Unicast", "UDP"): Transport.RTP_UDP,
    ("RTP-Unicast", "RTSP"): Transport.RTP_RTSP_TCP,
    ("RTP-Unicast", "HTTP"): Transport.RTP_RTSP_HTTP,
    ("RTP-Multicast", "UDP"): Transport.MULTICAST,
}
"""Media ver10's stream type and protocol."""

MEDIA2_TRANSPORTS: Final = {
    "RtspUnicast": Transport.RTP_UDP,
    "RTSP": Transport.RTP_RTSP_TCP,
    "RtspOverHttp": Transport.RTP_RTSP_HTTP,
    "RtspMulticast": Transport.MULTICAST,
    "RtspsUnicast": Transport.SRTP,
    "RtspsMulticast": Transport.SRTP_MULTICAST,
}
"""Media2's protocols."""


_BY_MULTICAST: Final = (Transport.MULTICAST, Transport.SRTP_MULTICAST)


def _promised(abilities: StreamingAbilities) -> Mapping[Transport, bool]:
    return {
        Transport.RTP_UDP: True,
        Transport.RTP_RTSP_TCP: True,
        Transport.RTP_RTSP_HTTP: abilities.http_tunnel,
        Transport.MULTICAST: abilities.multicast,
        Transport.RTSPS: abilities.rtsps,
        Transport.SRTP: abilities.srtp,
        Transport.SRTP_MULTICAST: abilities.srtp and abilities.multicast,
    }


class Streams:
    """Asks the host for addresses, and keeps its multicast senders as clients ordered."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._running: dict[str, frozenset[StreamKind]] = {}
        for channel in media.backend.channels:
            multicast = media.backend.multicast(channel.token)
            for part, kind in STREAM_KINDS.items() if multicast is not None else ():
                if multicast is not None:
                    multicast.configure(kind, media.notes.multicast(part, channel.token))

    def uri(self, profile_token: str, transport: Transport | None, host: str) -> str:
        """The RTSP address of what a profile holds.

        Raises Fault: ter:NoProfile, ter:IncompleteConfiguration, ter:InvalidStreamSetup, ter:InvalidMulticastSettings.
        """
        profile = self._media.profiles.get(profile_token)
        channel = self._media.profiles.channel_of(profile_token)
        abilities = self._media.backend.streaming
        if transport is Transport.SRTP and abilities.rtsps and not abilities.srtp:
            transport = Transport.RTSPS  # Media2 has no other word for what goes through TLS
        if transport is None or not _promised(abilities)[transport]:
            raise invalid_argument("InvalidStreamSetup", "the device does not stream in this way")
        kinds = kinds_of(profile)
        if not kinds:
            raise action_failed("IncompleteConfiguration", f"the profile {profile_token} has nothing to stream")
        if transport in _BY_MULTICAST and self._media.backend.multicast(channel.token) is None:
            raise invalid_argument("InvalidMulticastSettings", f"nothing of {channel.token} goes by multicast")
        request = StreamRequest(
            host=host,
            transport=transport,
            video=StreamKind.VIDEO in kinds,
            audio=StreamKind.AUDIO in kinds,
            metadata=StreamKind.METADATA in kinds,
            back_channel=profile.parts >= {Part.AUDIO_OUTPUT, Part.AUDIO_DECODER},
        )
        try:
            return self._media.backend.stream_uri(channel.token, request)
        except Refused as refused:
            if refused.refusal is Refusal.NOT_SUPPORTED:
                raise invalid_argument("InvalidStreamSetup", refused.detail) from refused
            raise action_failed("IncompleteConfiguration", refused.detail) from refused

    async def start(self, profile_token: str) -> None:
        """Sends a profile by multicast, also after restarts. Raises Fault."""
        channel = self._media.profiles.channel_of(profile_token)
        if self._media.backend.multicast(channel.token) is None:
            raise not_supported("StartMulticastStreaming")
        if not kinds_of(self._media.profiles.get(profile_token)):
            raise action_failed("IncompleteConfiguration", f"the profile {profile_token} has nothing to stream")
        before = self._media.notes.sending
        with storing():
            await self._media.notes.set_sending(before | {profile_token})
        try:
            with refusals_as_faults():
                await self.reconcile()
        except Exception:
            with storing():
                await self._media.notes.set_sending(before)
            raise

    async def stop(self, profile_token: str) -> None:
        """Ends what `start` began. Raises Fault."""
        channel = self._media.profiles.channel_of(profile_token)
        if self._media.backend.multicast(channel.token) is None:
            raise not_supported("StopMulticastStreaming")
        with storing():
            await self._media.notes.set_sending(self._media.notes.sending - {profile_token})
        with refusals_as_faults():
            await self.reconcile()

    async def reconcile(self) -> None:
        """Makes the host's senders send what the profiles say now. Raises Refused."""
        profiles = self._media.profiles.all()
        sending = self._media.notes.sending
        gone = sending - {profile.token for profile in profiles}
        if gone:
            with storing():
                await self._media.notes.set_sending(sending - gone)
        for channel in self._media.backend.channels:
            multicast = self._media.backend.multicast(channel.token)
            ordered = [one for one in profiles if one.token in sending and one.channel == channel.token]
            kinds = frozenset(kind for profile in ordered for kind in kinds_of(profile))
            running = self._running.get(channel.token, frozenset())
            if multicast is None or kinds == running:
                continue
            if running - kinds:
                await multicast.stop()
                self._running[channel.token] = frozenset()
            if kinds:
                await multicast.start(kinds)
            self._running[channel.token] = kinds

    async def resume(self) -> None:
        """Sends what was sent before the restart; a host that cannot is logged."""
        try:
            await self.reconcile()
        except Refused as refused:
            _LOGGER.warning("multicast cannot be resumed: %s", refused)


def kinds_of(profile: Profile) -> frozenset[StreamKind]:
    """What a profile's stream holds: an encoder needs its source."""
    needed = {
        StreamKind.VIDEO: {Part.VIDEO_SOURCE, Part.VIDEO_ENCODER},
        StreamKind.AUDIO: {Part.AUDIO_SOURCE, Part.AUDIO_ENCODER},
        StreamKind.METADATA: {Part.METADATA},
    }
    return frozenset(kind for kind, parts in needed.items() if profile.parts >= parts)
