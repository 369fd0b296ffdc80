"""The device as a whole: its name plate, its memory, its power switch, its inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

from onvif_server.backend.access import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInformation:
    """The name plate. `uuid` is the device's stable identity (endpoint reference), `mac` like `02:00:00:12:34:56`."""

    manufacturer: str
    model: str
    firmware_version: str
    serial_number: str
    hardware_id: str
    name: str
    uuid: UUID
    mac: str
    location: str = ""
    hostname: str = "smart-ptz"


class Memory(Protocol):
    """Keeps what clients change of the device itself (profiles, scopes, event brokers…) across restarts.

    Texts by key; keys are short words, texts at most a megabyte. May hold secrets (passwords of event brokers).
    """

    def read(self, key: str) -> str | None:
        """The text of a key, None if there is none; called when the device is made."""
        ...

    async def write(self, key: str, text: str) -> None:
        """Keeps a text in the place of the one before. Raises OSError where that is not possible."""
        ...


class VolatileMemory:
    """A memory that forgets when the process ends."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def read(self, key: str) -> str | None:
        """See `Memory`."""
        return self._texts.get(key)

    async def write(self, key: str, text: str) -> None:
        """See `Memory`."""
        self._texts[key] = text


class FactoryDefault(StrEnum):
    """How much SetSystemFactoryDefault resets. `SOFT` keeps what is needed to reach the device."""

    HARD = "Hard"
    SOFT = "Soft"


@dataclass(frozen=True, slots=True)
class Document:
    """A file for GetSystemUris."""

    content: bytes
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of the device (never its key). `pem` is the certificate alone."""

    identifier: str
    pem: bytes


class System(Protocol):
    """The host's power switch and papers. Methods raise `Refused` (NOT_ALLOWED, UNAVAILABLE)."""

    async def reboot(self, caller: Caller) -> str:
        """Restarts soon, after this call was answered; returns a sentence for the client."""
        ...

    @property
    def factory_default_allowed(self) -> bool:
        """Whether `factory_default` may be called at all; asked before the library empties its own memory."""
        ...

    async def factory_default(self, caller: Caller, extent: FactoryDefault) -> None:
        """Forgets what was set, as far as the host allows it; the library empties its own memory before."""
        ...

    async def system_log(self) -> Document | None:
        """The newest lines of the log, without secrets; None if there is none."""
        ...

    async def support_information(self) -> Document | None:
        """What helps to find a fault, without secrets; None if there is none."""
        ...

    def certificates(self) -> Sequence[Certificate]:
        """The certificates that the host's TLS servers use."""
        ...

    def dns_servers(self) -> Sequence[str]:
        """The addresses of the host's name servers."""
        ...

    def gateways(self) -> Sequence[str]:
        """The addresses of the host's default gateways."""
        ...

    def ntp_servers(self) -> Sequence[str]:
        """The names or addresses of the host's time servers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOutput:
    """A relay. `bistable`: it stays as set, else it falls back after `delay_s`. `idle_open`: open when inactive.

    `delay_range_s` is what `delay_s` may be, where monostable is supported.
    """

    token: str
    bistable: bool = True
    idle_open: bool = True
    delay_s: float = 1.0
    active: bool = False
    bistable_supported: bool = True
    monostable_supported: bool = True
    delay_range_s: tuple[float, float] = (0.1, 3600.0)


@dataclass(frozen=True, slots=True)
class DigitalInput:
    """A digital input. `idle_open`: an open contact is the inactive state."""

    token: str
    active: bool = False
    idle_open: bool = True


class Terminals(Protocol):
    """Relays and digital inputs. Tokens are constant while the device runs. Methods raise `Refused`.

    The host publishes `topics.RELAY` and `topics.DIGITAL_INPUT` through the device's broker when a state changes.
    """

    def relays(self) -> Sequence[RelayOutput]:
        """The relays with their present settings and states."""
        ...

    def inputs(self) -> Sequence[DigitalInput]:
        """The digital inputs with their present states."""
        ...

    async def configure_relay(
        self, caller: Caller, token: str, *, bistable: bool, idle_open: bool, delay_s: float
    ) -> None:
        """Changes the settings of a relay."""
        ...

    async def set_relay(self, caller: Caller, token: str, *, active: bool) -> None:
        """Switches a relay."""
        ...


class FileMemory:
    """A memory in a folder of one file a key (mode 0600), for hosts that have nothing better."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> str | None:
        """See `Memory`."""
        path = self._folder / f"{key}.json"
        return path.read_text("utf-8") if path.exists() else None

    async def write(self, key: str, text: str) -> None:
        """See `Memory`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{key}.new"
        unfinished.touch(mode=0o600)
        unfinished.write_text(text, "utf-8")
        unfinished.replace(self._folder / f"{key}.json")
