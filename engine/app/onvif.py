"""The engine's ONVIF device, begun once the engine is activated and its cameras are known."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from engine import __version__
from engine.app.rooms import Rooms
from engine.config import OnvifConfig
from engine.onvif_device.backend import DeviceChannel
from engine.onvif_device.device import EngineDevice, PortInUse
from engine.onvif_device.users import DeviceAccounts
from onvif_server.backend import DeviceInformation

_LOG = logging.getLogger(__name__)

LOOK_S = 0.5
RETRY_S = 5.0
"""Between two tries to listen at a port that another program has taken."""
PATIENCE_S = 10.0
"""So long the device waits for cameras that are not there, before it begins with assumptions about them."""
ASSUMED_SIZE = (1280, 720)
ASSUMED_FPS = 25.0


class OnvifFace:
    """Serves the device, and serves it anew when a camera that comes later turns out to be different."""

    def __init__(self, rooms: Rooms, snapshot: Callable[[str, float | None], Awaitable[bytes]]) -> None:
        self._rooms = rooms
        self._take_snapshot = snapshot
        self._device: EngineDevice | None = None
        self._served: tuple[DeviceChannel, ...] = ()
        self._trouble = ""
        self._known: dict[str, tuple[tuple[int, int], float, str]] = {}

    @property
    def port(self) -> int:
        """Where it listens; 0 while it does not."""
        return self._device.port if self._device else 0

    async def check_port(self) -> None:
        """Finds out at the start whether the port can be had, for the device itself begins much later.

        Raises PortInUse.
        """
        config = self._rooms.site.onvif
        if not config.enabled or not config.port:
            return
        try:
            server = await asyncio.get_running_loop().create_server(asyncio.Protocol, config.host, config.port)
        except OSError as error:
            raise _port_in_use(config, error) from error
        server.close()
        await server.wait_closed()

    async def run(self) -> None:
        """Works until it is cancelled. A port that cannot be had is told once, and tried again."""
        config = self._rooms.site.onvif
        if not config.enabled:
            return
        clock = self._rooms.clock
        began = clock.now()
        while True:
            complete = all(self._described(one) is not None for one in self._rooms.channels)
            channels = tuple(self._device_channel(one) for one in self._rooms.channels)
            ready = self._rooms.access.activated and (complete or clock.now() - began > PATIENCE_S)
            pause_s = LOOK_S
            if ready and channels != self._served and not await self._try_to_serve(channels):
                pause_s = RETRY_S
            await clock.sleep(pause_s)

    async def stop(self) -> None:
        """Ends it."""
        device, self._device = self._device, None
        if device is not None:
            await device.stop()

    async def _try_to_serve(self, channels: tuple[DeviceChannel, ...]) -> bool:
        try:
            await self._serve(channels)
        except (PortInUse, OSError) as error:
            if str(error) != self._trouble:
                _LOG.error("%s; it is tried again", error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        return True

    async def _serve(self, channels: tuple[DeviceChannel, ...]) -> None:
        await self.stop()
        self._served = ()
        rooms = self._rooms
        device = EngineDevice(
            self._information(),
            channels,
            {one.channel_id: one.arbiter for one in rooms.channels.values() if one.arbiter},
            DeviceAccounts(rooms.access.device_users, rooms.access.lockout),
            rooms.events,
            relay_url=self._relay_url,
            snapshot=self._snapshot,
            clock=rooms.clock,
        )
        await device.start(rooms.site.onvif.host, rooms.site.onvif.port)
        self._device, self._served = device, channels
        _LOG.info("ONVIF is at http://%s:%d/onvif/device_service", rooms.site.onvif.host, device.port)

    def _described(self, channel_id: str) -> tuple[tuple[int, int], float, str] | None:
        """Size, rate and codec of a channel: from its video, else from what its camera says."""
        known = self._look(channel_id)
        if known is not None:
            self._known[channel_id] = known
        # Video that is away for a while must not make the device another one.
        return self._known.get(channel_id)

    def _look(self, channel_id: str) -> tuple[tuple[int, int], float, str] | None:
        channel = self._rooms.channels[channel_id]
        described = self._rooms.cameras[channel.camera_id].described(channel_id)
        video = self._rooms.media.statistics(channel_id) if channel.video and channel.stream else None
        if video is None and channel_id in self._known:
            return None
        size = (video.width, video.height) if video and video.width and video.height else None
        size = size or (described.size if described else None)
        if size is None:
            return None
        fps = (described.fps if described else None) or ASSUMED_FPS
        codec = (video.codec if video else None) or (described.codec if described else None) or "h264"
        return size, fps, codec.upper()

    def _device_channel(self, channel_id: str) -> DeviceChannel:
        size, fps, codec = self._described(channel_id) or (ASSUMED_SIZE, ASSUMED_FPS, "H264")
        name = self._rooms.channels[channel_id].config.name
        return DeviceChannel(id=channel_id, name=name, width=size[0], height=size[1], fps=fps, codec=codec)

    def _information(self) -> DeviceInformation:
        instance = self._rooms.store.instance_id
        # A locally administered address, the same as long as the data folder lives.
        digest = hashlib.sha256(instance.encode()).digest()
        mac = ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))
        return DeviceInformation(
            manufacturer="Smart PTZ",
            model="Engine",
            firmware_version=__version__,
            serial_number=instance,
            hardware_id="smart-ptz",
            name=self._rooms.site.name,
            uuid=uuid.UUID(instance),
            mac=mac,
        )

    def _relay_url(self, channel_id: str, host: str) -> str:
        url = urlsplit(self._rooms.media.relay_url(channel_id))
        return url._replace(netloc=f"{host}:{url.port}").geturl()

    async def _snapshot(self, channel_id: str) -> bytes | None:
        try:
            return await self._take_snapshot(channel_id, None)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - to an ONVIF client every reason is the same: none now
            _LOG.debug("no snapshot of %r for an ONVIF client: %s", channel_id, error)
            return None


def _port_in_use(config: OnvifConfig, error: OSError) -> PortInUse:
    why = "another program uses the port" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return PortInUse(
        f"ONVIF cannot listen at {config.host}:{config.port}: {why}; "
        "set another onvif.host or onvif.port in the site file"
    )
