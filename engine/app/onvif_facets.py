"""What the engine's ONVIF device can do besides showing and moving: made of the engine's rooms."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from engine import __version__
from engine.access.sealed_notes import SealedNotes
from engine.app.camera_facets import (
    auxiliary_facets,
    device_auxiliary_facet,
    encoder_facets,
    imaging_facets,
    osd_facets,
    terminal_facet,
)
from engine.app.link_tracker import LinkTracker
from engine.app.rooms import Rooms
from engine.app.rulebook import RuleRefused, new_rule_id
from engine.cameras.extras import Extras
from engine.media import Delivery, MediaError, Tracks
from engine.onvif_device.analytics import EngineAnalytics
from engine.onvif_device.backend import EngineFacets
from engine.onvif_device.key_frames import KeyFrames
from engine.onvif_device.moves import Tracker
from engine.onvif_device.multicast import RelayMulticast
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.system import EngineSystem
from engine.onvif_device.user_administration import DeviceUserAdministration
from engine.store import StoreFailure
from onvif_server.backend import FactoryDefault, Memory, Refusal, Refused, StreamingAbilities, StreamRequest, Transport
from onvif_server.network import bound_address

RESTART_DELAY_S = 1.0
"""So long an answer has to reach the client that asked for a restart."""

_REACHED = {
    Transport.RTP_UDP: Delivery.PLAIN,
    Transport.RTP_RTSP_TCP: Delivery.PLAIN,
    Transport.RTP_RTSP_HTTP: Delivery.PLAIN,
    Transport.RTSPS: Delivery.SECURE,
    Transport.SRTP: Delivery.SRTP,
    Transport.MULTICAST: Delivery.MULTICAST,
}


class StoredMemory(Memory):
    """`onvif_server.backend.Memory` in the engine's store, sealed."""

    def __init__(self, notes: SealedNotes) -> None:
        self._notes = notes

    def read(self, key: str) -> str | None:
        """See `Memory`."""
        return self._notes.read(key)

    async def write(self, key: str, text: str) -> None:
        """See `Memory`."""
        try:
            await self._notes.write(key, text)
        except StoreFailure as error:
            raise OSError(str(error)) from error


class FacetMaker:
    """Makes the facets of each device. `restart` makes the engine begin anew; `log` gives the newest log lines."""

    def __init__(self, rooms: Rooms, restart: Callable[[], None], log: Callable[[], Iterable[str]]) -> None:
        self._rooms = rooms
        self._restart = restart
        self._log = log
        self.numbers = ObjectNumbers()
        self._key_frames = {
            channel: KeyFrames(channel, partial(self._order_key_frame, channel), rooms.clock, rooms.spawn)
            for channel in rooms.channels
        }

    async def facets(self, key: str, channels: Iterable[str], extras: Mapping[str, Extras]) -> EngineFacets:
        """The facets of the device of that key, with those channels. Raises StoreFailure.

        `extras` is what the channels' cameras can do, as the device is to show it.
        """
        channels = tuple(channels)
        rooms = self._rooms
        notes = await rooms.access.sealed_notes(f"onvif/{key}" if key else "onvif")
        allowed = rooms.site.onvif.factory_default
        return EngineFacets(
            memory=StoredMemory(notes),
            system=EngineSystem(
                restart=self._restart_soon,
                forget=self._forget if allowed else None,
                lines=self._log,
                support=self._support,
            ),
            user_administration=DeviceUserAdministration(
                rooms.access.device_users,
                changed=self._user_changed,
            ),
            analytics={
                channel: EngineAnalytics(channel, rooms.rulebook, new_rule_id, RuleRefused) for channel in channels
            },
            streaming=streaming(rooms),
            multicasts={
                channel: RelayMulticast(partial(rooms.media.set_multicast, channel))
                for channel in channels
                if _sends_multicast(rooms)
            },
            imaging=imaging_facets(rooms, extras),
            auxiliary=auxiliary_facets(rooms, extras),
            terminals=terminal_facet(rooms, extras),
            encoders=encoder_facets(rooms, extras),
            osds=osd_facets(rooms, extras),
            device_auxiliary=device_auxiliary_facet(rooms, extras),
            trackers=self._trackers(channels),
            mountings={
                channel: mounting
                for channel in channels
                if (mounting := rooms.channels[channel].config.mounting) is not None
            },
            key_frames={channel: self._key_frames[channel] for channel in channels},
            patrols={channel: rooms.patrols[channel] for channel in channels if channel in rooms.patrols},
        )

    def _trackers(self, channels: Iterable[str]) -> dict[str, Tracker]:
        """Of the PTZ channels that a link sends."""
        rooms = self._rooms
        links = rooms.director.links.values()
        sent = {link.settings.ptz for link in links}
        arbiters = {channel: rooms.channels[channel].arbiter for channel in channels if channel in sent}
        return {
            channel: LinkTracker(arbiter, links, self.numbers, rooms.clock, rooms.spawn)
            for channel, arbiter in arbiters.items()
            if arbiter is not None
        }

    async def _order_key_frame(self, channel: str) -> None:
        await self._rooms.camera_of(channel).synchronize(channel)

    def _user_changed(self, _username: str) -> None:
        self._rooms.spawn(self._rooms.refresh_relay_users())

    async def _restart_soon(self) -> None:
        async def restart() -> None:
            await self._rooms.clock.sleep(RESTART_DELAY_S)
            self._restart()

        self._rooms.spawn(restart())

    async def _forget(self, extent: FactoryDefault) -> None:
        """Hard: the device users go as well, so that nobody can log in before an administrator makes new ones."""
        if extent is FactoryDefault.HARD:
            for user in self._rooms.access.device_users.users:
                await self._rooms.access.device_users.remove(user.username)
            await self._rooms.refresh_relay_users()
        await self._restart_soon()

    def _support(self) -> Mapping[str, Any]:
        rooms = self._rooms
        return {
            "version": __version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "channels": {
                one.channel_id: {"online": one.online, "video": one.video, "analysed_fps": one.analysed_fps}
                for one in rooms.channels.values()
            },
        }


def streaming(rooms: Rooms) -> StreamingAbilities:
    """What the relay can do, now that it runs."""
    secure = rooms.media.secure_port is not None
    return StreamingAbilities(
        http_tunnel=True, metadata=True, rtsps=secure, srtp=secure, multicast=_sends_multicast(rooms)
    )


def _sends_multicast(rooms: Rooms) -> bool:
    """A relay for this machine only must not send to the whole network."""
    bound = bound_address(rooms.site.relay.host)
    return bound is None or (bound.version == 4 and not bound.is_loopback)


def stream_url(rooms: Rooms, channel: str, request: StreamRequest) -> str:
    """The relay's address for what a client asks for. Raises Refused for what the relay has not."""
    delivery = _REACHED.get(request.transport)
    if delivery is None or (delivery is Delivery.MULTICAST and not _sends_multicast(rooms)):
        raise Refused(Refusal.NOT_SUPPORTED, f"the relay has no {request.transport.value}")
    try:
        url = urlsplit(rooms.media.relay_url(channel, tracks=_tracks(request), delivery=delivery))
    except MediaError as error:
        raise Refused(Refusal.NOT_SUPPORTED, str(error)) from error
    return url._replace(netloc=f"{request.host}:{url.port}").geturl()


def _tracks(request: StreamRequest) -> Tracks:
    wanted = {Tracks.VIDEO: request.video, Tracks.AUDIO: request.audio, Tracks.METADATA: request.metadata}
    return Tracks(sum(track.value for track, is_wanted in wanted.items() if is_wanted))
