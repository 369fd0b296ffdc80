"""Serves the engine as an ONVIF device, and tells its clients what happens."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from engine.config import RuleConfig
from engine.core.bus import Bus, Subscription
from engine.core.clock import Clock
from engine.core.events import Event, PictureFault, RuleTriggered
from engine.core.values import TrackUpdate
from engine.onvif_device.backend import DeviceChannel, EngineBackend, EngineFacets
from engine.onvif_device.events import EventTranslator
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.ptz import ArbiterPtz
from engine.onvif_device.scene import scene_frame
from engine.onvif_device.tour_events import TourTeller
from engine.onvif_device.users import DeviceAccounts, remember_address
from engine.ptz import Arbiter
from onvif_server.backend import DeviceInformation, StreamRequest
from onvif_server.device import OnvifDevice
from onvif_server.identity import Identity
from onvif_server.settings import BrokerTrust, DeviceSettings

_log = logging.getLogger(__name__)


class PortInUse(Exception):  # noqa: N818 - what happens
    """The address is taken; the message says which and what to do."""


class EngineDevice:
    """The engine's ONVIF device.

    `arbiters` are those of the PTZ channels, by channel id; `events` is the engine's bus. See `EngineBackend` for
    `stream_url` and `snapshot`. `numbers` are the objects' (shared by all devices), `rule_name(id)` is a rule's name
    for ONVIF. `start` listens at host and port (0: any free one, then see `port`).
    """

    def __init__(
        self,
        information: DeviceInformation,
        channels: Sequence[DeviceChannel],
        arbiters: Mapping[str, Arbiter],
        users: DeviceAccounts,
        events: Bus[Event],
        *,
        stream_url: Callable[[str, StreamRequest], str],
        snapshot: Callable[[str], Awaitable[bytes | None]],
        clock: Clock,
        numbers: ObjectNumbers | None = None,
        rule_name: Callable[[str], str] = str,
        facets: EngineFacets | None = None,
        broker_trust: BrokerTrust | None = None,
    ) -> None:
        facets = facets or EngineFacets()
        aspects = {one.id: one.aspect for one in channels}
        self._motors = {
            channel: ArbiterPtz(
                arbiter,
                clock,
                aspects[channel],
                facets.trackers.get(channel),
                facets.auxiliary.get(channel),
                facets.patrols.get(channel),
                facets.mountings.get(channel),
            )
            for channel, arbiter in arbiters.items()
            if channel in aspects
        }
        backend = EngineBackend(information, channels, self._motors, stream_url, snapshot, facets)
        self._device = OnvifDevice(
            backend, users, DeviceSettings(now=clock.now, broker_trust=broker_trust or BrokerTrust())
        )
        self._numbers = numbers or ObjectNumbers()
        self._translator = EventTranslator(self._device.broker, self._numbers, rule_name)
        self._tours = [
            TourTeller(channel, patrol, self._device.broker, self._device.tours_changed)
            for channel, patrol in facets.patrols.items()
        ]
        self._channels = tuple(one.id for one in channels)
        self._events = events
        self._port = 0
        self._terminals = facets.terminals
        self._listening: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that it listens at; 0 before `start`."""
        return self._port

    @property
    def identity(self) -> Identity:
        """How it shows itself to those who search."""
        return self._device.identity

    @property
    def mirrors_metadata(self) -> bool:
        """Whether metadata is wanted by somebody besides those who listen to it: a broker of MQTT."""
        return self._device.metadata.mirrored

    def listen_to_metadata(self, channel: str, sink: Callable[[bytes, float], None]) -> None:
        """Gives every metadata document of a channel, and the time of its picture, to `sink` from now on."""
        self._device.metadata.listen(channel, sink)

    def tell_state(self, channel: str) -> None:
        """Tells the state of all properties to those who listen to a channel's metadata."""
        if channel in self._channels:
            self._device.metadata.synchronize(channel)

    def on_tracks(self, update: TrackUpdate) -> None:
        """Tells what is in a picture of a channel."""
        if update.channel in self._channels:
            motors = self._motors.get(update.channel)
            ptz = motors.newest_status() if motors else None
            self._device.metadata.publish(scene_frame(update, self._numbers, ptz))

    def set_rules(self, rules: Collection[RuleConfig], active: Collection[str]) -> None:
        """Tells which rules of its channels there are now, and the ids of those that are active."""
        self._translator.set_rules([rule for rule in rules if rule.channel in self._channels], active)
        self._device.rules_changed()

    def set_faults(self, channel: str, faults: Collection[PictureFault]) -> None:
        """Tells what is wrong with a channel's picture. To be called once, after `start`."""
        self._translator.set_faults(channel, faults)

    async def start(self, host: str, port: int, under_way: Collection[RuleTriggered] = ()) -> None:
        """Begins to serve; `under_way` are the events of rules that have begun and not ended. Raises PortInUse."""
        self._translator.begin(self._channels, under_way)
        # What happens until it listens must not be lost.
        events = self._events.subscribe()
        if self._terminals is not None:
            self._terminals.begin(self._device.broker)
        try:
            self._port = await self._device.start(host, port, [remember_address])
        except BaseException as error:
            events.close()
            # It may listen already.
            await self.stop()
            if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
                raise
            raise PortInUse(
                f"ONVIF cannot listen at {host}:{port}: another program uses the port; "
                "choose another port for onvif in the site file"
            ) from error
        self._listening = asyncio.create_task(self._listen(events), name="ONVIF events")
        for teller in self._tours:
            teller.begin()

    async def stop(self) -> None:
        """Ends all."""
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        if self._terminals is not None:
            self._terminals.end()
        for teller in self._tours:
            await teller.end()
        for motors in self._motors.values():
            await motors.close()
        # Answers the pulls that wait.
        await self._device.stop()
        self._port = 0

    async def _listen(self, events: Subscription[Event]) -> None:
        while True:
            with events:
                async for event in events:
                    # A device of one channel must not tell what happens on another.
                    if getattr(event, "channel", self._channels[0]) in self._channels:
                        self._tell(event)
            # The subscription ended because we fell behind.
            _log.warning("some events were not told to ONVIF clients, because there were too many at once")
            events = self._events.subscribe()

    def _tell(self, event: Event) -> None:
        try:
            self._translator.translate(event)
        except Exception:  # noqa: BLE001 - logged, and clients must hear of what happens next
            _log.exception("ONVIF clients are not told of a %s", type(event).__name__)
