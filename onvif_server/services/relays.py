"""Relays, as both the device service (older) and DeviceIO show and switch them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from onvif_server.backend import Backend, Caller, Refusal, RelayOutput, Terminals
from onvif_server.services.refusals import Special, as_faults
from onvif_server.soap.faults import Fault, invalid_argument, not_supported
from onvif_server.soap.operations import Values
from onvif_server.soap.values import seconds_of

_SPECIAL: Final[Special] = {
    Refusal.NOT_FOUND: ("InvalidArgVal", "RelayToken"),
    Refusal.INVALID: ("InvalidArgVal", "ModeError"),
}


class Relays:
    """The relays of a backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def count(self) -> int:
        """How many there are."""
        terminals = self._backend.terminals
        return len(terminals.relays()) if terminals else 0

    def all(self, name: str) -> list[Values]:
        """Each as tt:RelayOutput. Raises Fault; `name` is the operation that asks."""
        return [
            {
                "token": relay.token,
                "Properties": {
                    "Mode": "Bistable" if relay.bistable else "Monostable",
                    "DelayTime": timedelta(seconds=relay.delay_s),
                    "IdleState": "open" if relay.idle_open else "closed",
                },
            }
            for relay in self._relays(name)
        ]

    def options(self, name: str, token: str | None) -> list[Values]:
        """What each (or the named one) can be set to, as tmd:RelayOutputOptions. Raises Fault."""
        relays = (self._relay(name, token),) if token else self._relays(name)
        return [
            {
                "token": relay.token,
                "Mode": _modes(relay),
                "DelayTimes": list(relay.delay_range_s) if relay.monostable_supported else None,
            }
            for relay in relays
        ]

    async def configure(self, name: str, caller: Caller, token: str, properties: Any) -> None:
        """Sets what tt:RelayOutputSettings say. Raises Fault."""
        relay = self._relay(name, token)
        if properties.Mode not in _modes(relay):
            raise invalid_argument("ModeError", f"the relay {token} cannot be {properties.Mode.lower()}")
        try:
            delay_s = seconds_of(properties.DelayTime).total_seconds()
        except ValueError as error:
            raise invalid_argument("ModeError", str(error)) from error
        shortest, longest = relay.delay_range_s
        bistable = properties.Mode == "Bistable"
        if not bistable and not shortest <= delay_s <= longest:
            raise invalid_argument("ModeError", f"the delay is from {shortest} to {longest} seconds")
        with as_faults(_SPECIAL):
            await self._terminals(name).configure_relay(
                caller,
                token,
                bistable=bistable,
                idle_open=properties.IdleState == "open",
                # The delay of a bistable relay means nothing: the one it had stays.
                delay_s=relay.delay_s if bistable else delay_s,
            )

    async def switch(self, name: str, caller: Caller, token: str, state: str) -> None:
        """Makes a relay `active` or `inactive`. Raises Fault."""
        self._relay(name, token)
        with as_faults(_SPECIAL):
            await self._terminals(name).set_relay(caller, token, active=state == "active")

    def _terminals(self, name: str) -> Terminals:
        terminals = self._backend.terminals
        if terminals is None:
            raise not_supported(name)
        return terminals

    def _relays(self, name: str) -> Sequence[RelayOutput]:
        relays = self._terminals(name).relays()
        if not relays:
            raise Fault("ActionNotSupported", reason="the device has no relays", sender=False)
        return relays

    def _relay(self, name: str, token: str) -> RelayOutput:
        for relay in self._relays(name):
            if relay.token == token:
                return relay
        raise invalid_argument("RelayToken", f"there is no relay {token}")


def _modes(relay: RelayOutput) -> list[str]:
    modes = {"Bistable": relay.bistable_supported, "Monostable": relay.monostable_supported}
    return [mode for mode, supported in modes.items() if supported]
