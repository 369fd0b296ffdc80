"""Relays and inputs in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onvif_server.backend import Caller, DigitalInput, Refused, RelayOutput


class FakeTerminals:
    """Two relays (the second one only bistable) and two inputs; keeps a list of what it was told."""

    def __init__(self) -> None:
        self.outputs = {
            "gate": RelayOutput(token="gate", bistable=False, delay_s=2.5, delay_range_s=(0.5, 30.0)),
            "lamp": RelayOutput(token="lamp", idle_open=False, monostable_supported=False),
        }
        self.callers: list[Caller] = []
        self.refusal: Refused | None = None

    def relays(self) -> Sequence[RelayOutput]:
        return tuple(self.outputs.values())

    def inputs(self) -> Sequence[DigitalInput]:
        return (DigitalInput("door"), DigitalInput("tamper", idle_open=False))

    async def configure_relay(
        self, caller: Caller, token: str, *, bistable: bool, idle_open: bool, delay_s: float
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.callers.append(caller)
        self.outputs[token] = replace(self.outputs[token], bistable=bistable, idle_open=idle_open, delay_s=delay_s)

    async def set_relay(self, caller: Caller, token: str, *, active: bool) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.callers.append(caller)
        self.outputs[token] = replace(self.outputs[token], active=active)
