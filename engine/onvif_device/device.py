"""Serves the engine as an ONVIF device, and tells its clients what happens."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event
from engine.onvif_device.backend import DeviceChannel, EngineBackend
from engine.onvif_device.events import EventTranslator
from engine.onvif_device.ptz import ArbiterPtz
from engine.onvif_device.users import DeviceAccounts, remember_address
from engine.ptz import Arbiter
from onvif_server.backend import DeviceInformation
from onvif_server.device import OnvifDevice
from onvif_server.settings import DeviceSettings

_log = logging.getLogger(__name__)


class PortInUse(Exception):  # noqa: N818 - what happens
    """The address is taken; the message says which and what to do."""


class EngineDevice:
    """The engine's ONVIF device.

    `arbiters` are those of the PTZ channels, by channel id; `events` is the engine's bus. See `EngineBackend` for
    `relay_url` and `snapshot`. `start` listens at host and port (0: any free one, then see `port`).
    """

    def __init__(
        self,
        information: DeviceInformation,
        channels: Sequence[DeviceChannel],
        arbiters: Mapping[str, Arbiter],
        users: DeviceAccounts,
        events: Bus[Event],
        *,
        relay_url: Callable[[str, str], str],
        snapshot: Callable[[str], Awaitable[bytes | None]],
        clock: Clock,
    ) -> None:
        aspects = {one.id: one.aspect for one in channels}
        self._motors = {
            channel: ArbiterPtz(arbiter, clock, aspects[channel])
            for channel, arbiter in arbiters.items()
            if channel in aspects
        }
        backend = EngineBackend(information, channels, self._motors, relay_url, snapshot)
        self._device = OnvifDevice(backend, users, DeviceSettings(now=clock.now))
        self._translator = EventTranslator(self._device.broker)
        self._channels = tuple(one.id for one in channels)
        self._events = events
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that it listens at; 0 before `start`."""
        return int(self._runner.addresses[0][1]) if self._runner and self._runner.addresses else 0

    async def start(self, host: str, port: int) -> None:
        """Begins to serve. Raises PortInUse."""
        app = web.Application(middlewares=[remember_address])
        app.add_routes(self._device.routes)
        self._translator.begin(self._channels)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, keepalive_timeout=30.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self.stop()
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUse(
                f"ONVIF cannot listen at {host}:{port}: another program uses the port; "
                "choose another port for onvif in the site file"
            ) from error
        self._listening = asyncio.create_task(self._listen(), name="ONVIF events")

    async def stop(self) -> None:
        """Ends all."""
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        for motors in self._motors.values():
            await motors.close()
        # Answers the pulls that wait.
        await self._device.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self) -> None:
        while True:
            with self._events.subscribe() as subscription:
                async for event in subscription:
                    self._translator.translate(event)
            # The subscription ended because we fell behind.
            _log.warning("some events were not told to ONVIF clients, because there were too many at once")
