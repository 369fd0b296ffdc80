"""Relays and digital inputs of an ONVIF camera."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.cameras.errors import CameraFault
from engine.cameras.extras import RelayAbilities, TerminalAbilities
from engine.cameras.onvif_device_extras import DeviceExtras
from engine.cameras.onvif_events import camera_events
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import numbers
from onvif_server.backend import DigitalInput, RelayOutput

_RELAY_TOPIC: Final = "Device/Trigger/Relay"
_INPUT_TOPIC: Final = "Device/Trigger/DigitalInput"
_TOKENS: Final = {_RELAY_TOPIC: "RelayToken", _INPUT_TOPIC: "InputToken"}
"""By what name each topic tells whose state it is."""
_MOST: Final = 64
"""So many relays, and so many inputs, of one camera are taken; its answer could list any number."""
_ACTIVE: Final = frozenset({"active", "true", "1"})


@dataclass(frozen=True, slots=True)
class Found:
    """What was learnt of a camera's terminals at a connection."""

    relays: tuple[RelayOutput, ...] = ()
    inputs: tuple[DigitalInput, ...] = ()

    @property
    def abilities(self) -> TerminalAbilities:
        """What of it is constant."""
        return TerminalAbilities(
            relays=tuple(
                RelayAbilities(one.token, one.bistable_supported, one.monostable_supported, one.delay_range_s)
                for one in self.relays
            ),
            inputs=tuple((one.token, one.idle_open) for one in self.inputs),
        )


async def learn_terminals(client: SoapClient, told: DeviceExtras) -> Found:
    """Asks for relays and inputs, where the camera told that it has some. Raises CameraError."""
    return Found(
        await _learn_relays(client) if told.relays else (),
        await _learn_inputs(client) if told.inputs and client.offers(Service.DEVICE_IO) else (),
    )


async def _learn_relays(client: SoapClient) -> tuple[RelayOutput, ...]:
    answer = await client.call_extra(Service.DEVICE, "GetRelayOutputs")
    options = await _relay_options(client)
    with client.making_sense("relays"):
        return tuple(_relay(one, options.get(str(one.token))) for one in (answer or ())[:_MOST])


async def _relay_options(client: SoapClient) -> Mapping[str, Any]:
    if not client.offers(Service.DEVICE_IO):
        return {}
    try:
        answer = await client.call_extra(Service.DEVICE_IO, "GetRelayOutputOptions")
    except CameraFault:
        return {}
    return {str(getattr(one, "token", "")): one for one in answer or ()}


def _relay(found: Any, options: Any) -> RelayOutput:
    properties = found.Properties
    relay = RelayOutput(
        token=str(found.token),
        bistable=properties.Mode == "Bistable",
        idle_open=properties.IdleState != "closed",
        delay_s=properties.DelayTime.total_seconds() if properties.DelayTime is not None else 1.0,
    )
    if options is None:
        return relay
    modes, delays = [str(mode) for mode in options.Mode or ()], numbers(options.DelayTimes)
    return replace(
        relay,
        bistable_supported="Bistable" in modes,
        monostable_supported="Monostable" in modes,
        delay_range_s=(min(delays), max(delays)) if delays else relay.delay_range_s,
    )


async def _learn_inputs(client: SoapClient) -> tuple[DigitalInput, ...]:
    answer = await client.call_extra(Service.DEVICE_IO, "GetDigitalInputs")
    with client.making_sense("digital inputs"):
        return tuple(
            DigitalInput(str(one.token), idle_open=getattr(one, "IdleState", None) != "closed")
            for one in (answer or ())[:_MOST]
        )


class OnvifTerminals:
    """See the protocol `TerminalControl`. It stays the same object over reconnections."""

    def __init__(self, client: SoapClient) -> None:
        self._client = client
        self._relays: dict[str, RelayOutput] = {}
        self._inputs: dict[str, DigitalInput] = {}
        self._listeners: list[Callable[[], None]] = []

    def attach(self, found: Found) -> None:
        """Takes over what the camera told at this connection; the states are those that its events told last."""
        active = {one.token for one in self._relays.values() if one.active}
        self._relays = {one.token: replace(one, active=one.token in active) for one in found.relays}
        active = {one.token for one in self._inputs.values() if one.active}
        self._inputs = {one.token: replace(one, active=one.token in active) for one in found.inputs}

    def relays(self) -> Sequence[RelayOutput]:
        """Settings as last set, states as last told."""
        return tuple(self._relays.values())

    def inputs(self) -> Sequence[DigitalInput]:
        """States as last told."""
        return tuple(self._inputs.values())

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls it after every change of a state; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def configure_relay(self, token: str, *, bistable: bool, idle_open: bool, delay_s: float) -> None:
        """Changes the settings of a relay."""
        properties = {
            "Mode": "Bistable" if bistable else "Monostable",
            "DelayTime": dt.timedelta(seconds=delay_s),
            "IdleState": "open" if idle_open else "closed",
        }
        await self._client.call_extra(
            Service.DEVICE, "SetRelayOutputSettings", RelayOutputToken=token, Properties=properties
        )
        known = self._relays.get(token)
        if known is not None:
            self._relays[token] = replace(known, bistable=bistable, idle_open=idle_open, delay_s=delay_s)

    async def set_relay(self, token: str, *, active: bool) -> None:
        """Switches a relay. Its state is what the camera's event tells of it; what was ordered, if it tells nothing."""
        state = "active" if active else "inactive"
        await self._client.call_extra(Service.DEVICE, "SetRelayOutputState", RelayOutputToken=token, LogicalState=state)
        known = self._relays.get(token)
        if known is not None and known.bistable and not self._client.offers(Service.EVENTS):
            self._note(_RELAY_TOPIC, token, active=active)

    async def watch(self) -> None:
        """Follows the camera's events. Returns where there is nothing to follow; raises CameraError."""
        if not (self._relays or self._inputs) or not self._client.offers(Service.EVENTS):
            return
        async with aclosing(camera_events(self._client)) as events:
            async for event in events:
                item = _TOKENS.get(event.topic)
                if item is not None:
                    active = event.data.get("LogicalState", "").lower() in _ACTIVE
                    self._note(event.topic, event.source.get(item, ""), active=active)

    def _note(self, topic: str, token: str, *, active: bool) -> None:
        """Takes note of a state, and tells the listeners if it is news."""
        relay = self._relays.get(token) if topic == _RELAY_TOPIC else None
        one = self._inputs.get(token) if topic == _INPUT_TOPIC else None
        if relay is not None and relay.active != active:
            self._relays[token] = replace(relay, active=active)
        elif one is not None and one.active != active:
            self._inputs[token] = replace(one, active=active)
        else:
            return
        for listener in tuple(self._listeners):
            listener()
