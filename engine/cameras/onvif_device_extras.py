"""What the device service of an ONVIF camera tells of its inputs, outputs and auxiliary commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.cameras.errors import CameraFault
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import dig

LONGEST_ANSWER = 1000
"""So much of what a camera says to an auxiliary command is passed on, in characters."""

_LONGEST_COMMAND = 128
_MOST_COMMANDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceExtras:
    """How many relays and inputs the camera says it has, and its own auxiliary commands."""

    relays: int = 0
    inputs: int = 0
    auxiliary_commands: tuple[str, ...] = ()


async def learn_device_extras(client: SoapClient) -> DeviceExtras:
    """Asks the camera. Raises CameraError."""
    try:
        answer = await client.call_extra(Service.DEVICE, "GetCapabilities", Category="All")
    except CameraFault:
        return DeviceExtras()
    with client.making_sense("capabilities"):
        connectors = getattr(getattr(answer, "Device", None), "IO", None)
        return DeviceExtras(
            relays=int(getattr(connectors, "RelayOutputs", None) or 0),
            inputs=int(getattr(connectors, "InputConnectors", None) or 0),
            auxiliary_commands=auxiliary_commands(dig(connectors, ("Extension", "AuxiliaryCommands"))),
        )


def auxiliary_commands(listed: Iterable[Any] | None) -> tuple[str, ...]:
    """The commands of a camera's list that can be passed on, each once."""
    texts = (str(command).strip() for command in listed or () if command)
    fitting = (text for text in texts if 0 < len(text) <= _LONGEST_COMMAND)
    return tuple(dict.fromkeys(fitting))[:_MOST_COMMANDS]
