"""The engine's ONVIF device, begun once the engine is activated and its cameras are known."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from engine import __version__
from engine.app.onvif_facets import FacetMaker, stream_url
from engine.app.rooms import Rooms
from engine.config import OnvifConfig
from engine.core.values import TrackUpdate
from engine.media import SoundFormat
from engine.onvif_device.analytics import rule_names
from engine.onvif_device.backend import DeviceChannel
from engine.onvif_device.device import EngineDevice, PortInUse
from engine.onvif_device.users import DeviceAccounts
from engine.store import StoreFailure
from onvif_server.backend import DeviceInformation
from onvif_server.discovery import Announced, Discovery
from onvif_server.settings import BrokerTrust

_LOG = logging.getLogger(__name__)

LOOK_S = 0.5
RETRY_S = 5.0
"""Between two tries to listen at a port that another program has taken."""
PATIENCE_S = 10.0
"""So long the device waits for cameras that are not there, before it begins with assumptions about them."""
CALM_S = 20.0
"""Between two times that a device is served anew because a camera is different: its clients lose what they follow."""
ASSUMED_SIZE = (1280, 720)
ASSUMED_FPS = 25.0


@dataclass(frozen=True, slots=True)
class _Part:
    """One device: all channels, or a channel of its own. `key` tells it from the others, for good."""

    key: str
    port: int
    information: DeviceInformation
    channels: tuple[DeviceChannel, ...]


class _Look(NamedTuple):
    """How a channel looks, and sounds."""

    size: tuple[int, int]
    fps: float
    codec: str
    audio: SoundFormat | None = None


class OnvifFace:
    """Serves the device, or a device for each channel, and announces them.

    Each is served anew when a camera that comes later turns out to be different. `discover` makes what announces.
    """

    def __init__(
        self,
        rooms: Rooms,
        snapshot: Callable[[str, float | None], Awaitable[bytes]],
        facets: FacetMaker,
        discover: Callable[[Sequence[Announced]], Discovery] = Discovery,
    ) -> None:
        self._rooms = rooms
        self._take_snapshot = snapshot
        self._facets = facets
        self._discover = discover
        self._numbers = facets.numbers
        self._devices: dict[str, EngineDevice] = {}
        self._served: dict[str, _Part] = {}
        self._discovery: Discovery | None = None
        self._trouble = ""
        self._turn = asyncio.Lock()
        self._ended = False
        self._plays: dict[str, int] = {}
        self._changed_at: dict[str, float] = {}
        self._known: dict[str, _Look] = {}

    @property
    def port(self) -> int:
        """Where the first device listens; 0 while it does not."""
        return next((device.port for device in self._devices.values()), 0)

    @property
    def ports(self) -> dict[str, int]:
        """Where the devices listen: by channel, or one of the key "" for all."""
        return {key: device.port for key, device in self._devices.items()}

    async def check_port(self) -> None:
        """Finds out at the start whether the ports can be had, for the device itself begins much later.

        Raises PortInUse.
        """
        config = self._rooms.site.onvif
        if not config.enabled or not config.port:
            return
        count = len(self._rooms.channels) if config.devices == "per_channel" else 1
        for port in range(config.port, config.port + count):
            try:
                server = await asyncio.get_running_loop().create_server(asyncio.Protocol, config.host, port)
            except OSError as error:
                raise _port_in_use(config, port, error) from error
            server.close()
            await server.wait_closed()

    async def run(self) -> None:
        """Works until `stop`, or until it is cancelled. A port that cannot be had is told once, and tried again."""
        config = self._rooms.site.onvif
        if not config.enabled:
            return
        clock = self._rooms.clock
        began = clock.now()
        while True:
            complete = all(self._described(one) is not None for one in self._rooms.channels)
            parts = self._parts()
            ready = self._rooms.access.activated and (complete or clock.now() - began > PATIENCE_S)
            pause_s = LOOK_S
            if ready and not await self._try_to_serve(parts):
                pause_s = RETRY_S
            if self._ended:
                return
            await clock.sleep(pause_s)

    async def stop(self) -> None:
        """Ends it, for good."""
        self._ended = True
        async with self._turn:
            await self._end_discovery()
            self._served.clear()
            while self._devices:
                _, device = self._devices.popitem()
                await device.stop()

    def _parts(self) -> tuple[_Part, ...]:
        config = self._rooms.site.onvif
        channels = tuple(self._device_channel(one) for one in self._rooms.channels)
        if config.devices == "one":
            return (_Part("", config.port, self._information(), channels),)
        return tuple(
            _Part(one.id, config.port and config.port + number, self._information(one), (one,))
            for number, one in enumerate(channels)
        )

    async def _try_to_serve(self, parts: Sequence[_Part]) -> bool:
        async with self._turn:
            return self._ended or await self._serve_all(parts)

    async def _serve_all(self, parts: Sequence[_Part]) -> bool:
        troubles = []
        unexpected: Exception | None = None
        changed = False
        for part in parts:
            if self._served.get(part.key) == part or self._has_just_changed(part):
                continue
            if part.key in self._served:
                self._changed_at[part.key] = self._rooms.clock.now()
                changed = True
            try:
                await self._serve(part)
                changed = True
            except (PortInUse, OSError, StoreFailure) as error:
                troubles.append(str(error))
            except Exception as error:  # noqa: BLE001 - logged below, each trouble once
                # Cameras say all kinds of things of themselves, and nobody would begin this task again.
                troubles.append(f"the ONVIF device {part.information.name!r} cannot be served: {error!r}")
                unexpected = error
        trouble = "; ".join(troubles)
        if trouble and trouble != self._trouble:
            _LOG.error("%s; it is tried again", trouble, exc_info=unexpected)
        self._trouble = trouble
        if changed:
            await self._announce()
        return not troubles

    def _has_just_changed(self, part: _Part) -> bool:
        """Whether clients shall be left in peace yet: what changes meanwhile is for the next time."""
        changed_at = self._changed_at.get(part.key)
        return part.key in self._served and changed_at is not None and self._rooms.clock.now() - changed_at < CALM_S

    async def _serve(self, part: _Part) -> None:
        self._served.pop(part.key, None)
        before = self._devices.pop(part.key, None)
        if before is not None:
            await before.stop()
        rooms = self._rooms
        device = EngineDevice(
            part.information,
            part.channels,
            {one.channel_id: one.arbiter for one in rooms.channels.values() if one.arbiter},
            DeviceAccounts(rooms.access.device_users, rooms.access.lockout),
            rooms.events,
            stream_url=lambda channel, request: stream_url(rooms, channel, request),
            snapshot=self._snapshot,
            clock=rooms.clock,
            numbers=self._numbers,
            rule_name=self._rule_name,
            broker_trust=BrokerTrust(authorities=rooms.site.onvif.broker_ca, always=rooms.site.onvif.check_brokers),
            facets=await self._facets.facets(
                part.key, [one.id for one in part.channels], {one.id: one.extras for one in part.channels}
            ),
        )
        for one in part.channels:
            device.listen_to_metadata(one.id, partial(rooms.media.push_metadata, one.id))
        await device.start(rooms.site.onvif.host, part.port, rooms.rules.under_way)
        device.set_rules(rooms.rulebook.rules(), rooms.rules.active_rules)
        for one in part.channels:
            device.set_faults(one.id, rooms.channels[one.id].faults)
        self._devices[part.key], self._served[part.key] = device, part
        _LOG.info("ONVIF is at http://%s:%d/onvif/device_service", rooms.site.onvif.host, device.port)

    async def _announce(self) -> None:
        """Announces what is served now."""
        await self._end_discovery()
        config = self._rooms.site.onvif
        announced = [
            Announced(
                uuid=part.information.uuid,
                identity=self._devices[key].identity,
                port=self._devices[key].port,
                host=config.host,
            )
            for key, part in self._served.items()
        ]
        announced = [one for one in announced if not one.loopback]
        if not config.discovery or not announced:
            return
        discovery = self._discover(announced)
        try:
            await discovery.start()
        except OSError as error:
            _LOG.warning("ONVIF devices are not announced, a search does not find them: %s", error)
            return
        self._discovery = discovery

    async def _end_discovery(self) -> None:
        discovery, self._discovery = self._discovery, None
        if discovery is not None:
            await discovery.stop()

    def _described(self, channel_id: str) -> _Look | None:
        """Size, rate and codec of a channel: from its video, else from what its camera says."""
        known = self._look(channel_id)
        if known is not None:
            self._known[channel_id] = known
        # Video that is away for a while must not make the device another one.
        return self._known.get(channel_id)

    def _look(self, channel_id: str) -> _Look | None:
        channel = self._rooms.channels[channel_id]
        described = self._rooms.cameras[channel.camera_id].described(channel_id)
        video = self._rooms.media.statistics(channel_id) if channel.video and channel.stream else None
        if video is None and channel_id in self._known:
            return None
        if video is not None and video.codec is None:
            # What it is like is known in a second; before that it would be another device.
            return None
        size = (video.width, video.height) if video and video.width and video.height else None
        size = size or (described.size if described else None)
        if size is None or min(size) < 1:
            return None
        fps = (described.fps if described else None) or ASSUMED_FPS
        codec = (video.codec if video else None) or (described.codec if described else None) or "h264"
        return _Look(size, fps, codec.upper(), video.audio if video else None)

    def _device_channel(self, channel_id: str) -> DeviceChannel:
        size, fps, codec, audio = self._described(channel_id) or _Look(ASSUMED_SIZE, ASSUMED_FPS, "H264")
        name = self._rooms.channels[channel_id].config.name
        extras = self._rooms.camera_of(channel_id).extras(channel_id)
        return DeviceChannel(
            id=channel_id, name=name, width=size[0], height=size[1], fps=fps, codec=codec, audio=audio, extras=extras
        )

    def _information(self, channel: DeviceChannel | None = None) -> DeviceInformation:
        """The name plate, of all or of a channel's own device; the same as long as the data folder lives."""
        identity = uuid.UUID(self._rooms.store.instance_id)
        if channel is not None:
            identity = uuid.uuid5(identity, channel.id)
        digest = hashlib.sha256(str(identity).encode()).digest()
        return DeviceInformation(
            manufacturer="Smart PTZ",
            model="Engine",
            firmware_version=__version__,
            serial_number=str(identity),
            hardware_id="smart-ptz",
            name=channel.name if channel else self._rooms.site.name,
            uuid=identity,
            # A locally administered address.
            mac=":".join(f"{byte:02x}" for byte in (0x02, *digest[:5])),
        )

    def _rule_name(self, rule_id: str) -> str:
        book = self._rooms.rulebook
        rule = next((rule for rule in book.rules() if rule.rule_id == rule_id), None)
        return rule_id if rule is None else rule_names(book.rules(rule.channel))[rule_id]

    def rules_changed(self) -> None:
        """Tells the clients of the devices that there are other rules now."""
        for device in self._devices.values():
            device.set_rules(self._rooms.rulebook.rules(), self._rooms.rules.active_rules)

    def on_tracks(self, update: TrackUpdate) -> None:
        """Tells the metadata of a picture to those who watch it."""
        watched = self._rooms.media.metadata_watched(update.channel)
        plays = self._rooms.media.metadata_plays(update.channel)
        begins = watched and plays != self._plays.get(update.channel, 0)
        self._plays[update.channel] = plays
        for device in self._devices.values():
            if begins:
                # To all, for they share the track; it is the state that they know, once more.
                device.tell_state(update.channel)
            if watched or device.mirrors_metadata:
                device.on_tracks(update)

    async def _snapshot(self, channel_id: str) -> bytes | None:
        try:
            return await self._take_snapshot(channel_id, None)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - to an ONVIF client every reason is the same: none now
            _LOG.debug("no snapshot of %r for an ONVIF client: %s", channel_id, error)
            return None


def _port_in_use(config: OnvifConfig, port: int, error: OSError) -> PortInUse:
    why = "another program uses the port" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return PortInUse(
        f"ONVIF cannot listen at {config.host}:{port}: {why}; set another onvif.host or onvif.port in the site file"
    )
