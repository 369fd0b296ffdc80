"""The relay and the input of a simulated camera: a wire leads from one to the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from onvif_server.backend import Caller, DigitalInput, RelayOutput, Terminals
from onvif_server.events import topics
from onvif_server.events.broker import Broker

RELAY: Final = "gate"
INPUT: Final = "contact"
TOPICS: Final = (topics.RELAY, topics.DIGITAL_INPUT)


class SimulatedTerminals(Terminals):
    """See `onvif_server.backend.Terminals`. Lives in the event loop."""

    def __init__(self) -> None:
        self._relay = RelayOutput(token=RELAY, delay_s=2.0, delay_range_s=(0.1, 60.0))
        self._input = DigitalInput(INPUT)
        self._broker: Broker | None = None
        self._falling_back: asyncio.TimerHandle | None = None

    def connect(self, broker: Broker) -> None:
        """Tells the states from now on."""
        self._broker = broker
        self._tell_relay()
        self._tell_input()

    def relays(self) -> Sequence[RelayOutput]:
        """See `Terminals`."""
        return (self._relay,)

    def inputs(self) -> Sequence[DigitalInput]:
        """See `Terminals`."""
        return (self._input,)

    async def configure_relay(
        self, caller: Caller, token: str, *, bistable: bool, idle_open: bool, delay_s: float
    ) -> None:
        """See `Terminals`."""
        self._relay = replace(self._relay, bistable=bistable, idle_open=idle_open, delay_s=delay_s)

    async def set_relay(self, caller: Caller, token: str, *, active: bool) -> None:
        """See `Terminals`."""
        if self._falling_back is not None:
            self._falling_back.cancel()
            self._falling_back = None
        self._switch(active=active)
        if active and not self._relay.bistable:
            loop = asyncio.get_running_loop()
            self._falling_back = loop.call_later(self._relay.delay_s, lambda: self._switch(active=False))

    def signal(self, *, active: bool) -> None:
        """What the input's contact does."""
        if active != self._input.active:
            self._input = replace(self._input, active=active)
            self._tell_input()

    def _switch(self, *, active: bool) -> None:
        if active != self._relay.active:
            self._relay = replace(self._relay, active=active)
            self._tell_relay()
        self.signal(active=active)

    def _tell_relay(self) -> None:
        if self._broker is not None:
            state = "active" if self._relay.active else "inactive"
            self._broker.publish(topics.RELAY.path, source={"RelayToken": RELAY}, data={"LogicalState": state})

    def _tell_input(self) -> None:
        if self._broker is not None:
            data = {"LogicalState": self._input.active}
            self._broker.publish(topics.DIGITAL_INPUT.path, source={"InputToken": INPUT}, data=data)
