"""How a device shows itself to those who search: its scopes, and whether it wants to be found (ONVIF Core, 7.3)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

from onvif_server.backend import Backend
from onvif_server.events import topics
from onvif_server.memory import DeviceMemory

ROOT: Final = "onvif://www.onvif.org"
MAXIMUM_SCOPES: Final = 64
"""Scopes that clients may set, all in all."""

_SCOPES_KEY: Final = "scopes"
_DISCOVERY_KEY: Final = "discovery"
_LOGGER = logging.getLogger(__name__)


class FixedScope(Exception):  # noqa: N818 - what the scope is
    """The scope belongs to the device and cannot be set or removed; the message names it."""


class NoSuchScope(Exception):  # noqa: N818 - a statement about the scope
    """There is no such scope; the message names it."""


class TooManyScopes(Exception):  # noqa: N818 - a statement about the request
    """There is no room for so many scopes."""


class Identity:
    """Scopes and discovery mode of one device, kept in its memory.

    Fixed scopes follow from what the host has: they say what the device is. The configurable ones begin with the
    host's location, and belong to the clients from then on.
    """

    def __init__(self, backend: Backend, memory: DeviceMemory) -> None:
        self._backend = backend
        self._memory = memory
        self._fixed = _fixed_scopes(backend)
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self.announced = False
        """Whether WS-Discovery runs for this device; set by whoever starts it, told as a capability."""
        self._configurable = self._read_scopes()
        self._discoverable = memory.read(_DISCOVERY_KEY) != "NonDiscoverable"
        memory.on_forget(self._forget)

    @property
    def fixed(self) -> Sequence[str]:
        """The scopes that nobody can change."""
        return self._fixed

    @property
    def configurable(self) -> Sequence[str]:
        """The scopes that clients set."""
        return self._configurable

    def scopes(self) -> list[str]:
        """All scopes as URIs, the fixed ones first."""
        return [*self._fixed, *self._configurable]

    @property
    def discoverable(self) -> bool:
        """Whether the device announces itself and answers probes."""
        return self._discoverable

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` after each change of scopes or mode; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def set_scopes(self, scopes: Sequence[str]) -> None:
        """Replaces the configurable scopes. Raises FixedScope, TooManyScopes, OSError."""
        async with self._lock:
            self._refuse_fixed(scopes)
            await self._keep_scopes(scopes)

    async def add_scopes(self, scopes: Sequence[str]) -> None:
        """Adds configurable scopes; those that are there already stay. Raises TooManyScopes, OSError."""
        async with self._lock:
            new = [scope for scope in scopes if scope not in self._fixed]
            await self._keep_scopes([*self._configurable, *new])

    async def remove_scopes(self, scopes: Sequence[str]) -> None:
        """Removes configurable scopes: all of them, or none. Raises FixedScope, NoSuchScope, OSError."""
        async with self._lock:
            self._refuse_fixed(scopes)
            missing = next((scope for scope in scopes if scope not in self._configurable), None)
            if missing is not None:
                raise NoSuchScope(f"there is no scope {missing}")
            await self._keep_scopes([scope for scope in self._configurable if scope not in scopes])

    async def set_discoverable(self, discoverable: bool) -> None:
        """Sets the discovery mode. Raises OSError."""
        async with self._lock:
            await self._memory.write(_DISCOVERY_KEY, "Discoverable" if discoverable else "NonDiscoverable")
            self._discoverable = discoverable
        self._tell()

    def _refuse_fixed(self, scopes: Sequence[str]) -> None:
        fixed = next((scope for scope in scopes if scope in self._fixed), None)
        if fixed is not None:
            raise FixedScope(f"the scope {fixed} belongs to the device")

    async def _keep_scopes(self, scopes: Sequence[str]) -> None:
        unique = tuple(dict.fromkeys(scopes))
        if len(unique) > MAXIMUM_SCOPES:
            raise TooManyScopes(f"there is room for {MAXIMUM_SCOPES} scopes")
        await self._memory.write(_SCOPES_KEY, json.dumps(unique))
        self._configurable = unique
        self._tell()

    def _read_scopes(self) -> tuple[str, ...]:
        text = self._memory.read(_SCOPES_KEY)
        if text is not None:
            try:
                return tuple(str(scope) for scope in json.loads(text))
            except (ValueError, TypeError):
                _LOGGER.warning("the scopes that were kept cannot be read; the device begins with its own")
        location = self._backend.information.location
        return (f"{ROOT}/location/{quote(location, safe='')}",) if location else ()

    def _forget(self) -> None:
        self._configurable = self._read_scopes()
        self._discoverable = True
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _fixed_scopes(backend: Backend) -> tuple[str, ...]:
    information, channels = backend.information, backend.channels
    analysed = any(backend.analytics(channel.token) is not None for channel in channels)
    parts = {
        "type/video_encoder": True,
        "type/Network_Video_Transmitter": True,
        "type/audio_encoder": any(channel.audio for channel in channels),
        "type/ptz": any(backend.ptz(channel.token) is not None for channel in channels),
        "type/video_analytics": analysed,
        # The first of them has no words for H.265.
        "Profile/Streaming": any(channel.encoding in ("H264", "JPEG") for channel in channels),
        "Profile/T": _has_what_profile_t_asks_for(backend),
        "Profile/M": analysed and backend.streaming.metadata,
        f"name/{quote(information.name, safe='')}": True,
        f"hardware/{quote(information.model, safe='')}": True,
    }
    return tuple(f"{ROOT}/{part}" for part, there in parts.items() if there)


def _has_what_profile_t_asks_for(backend: Backend) -> bool:
    """Whether everything is there that is mandatory in Profile T and that not every host has.

    But for multicast: whether a network is there for it (the loopback has none) is no matter of what the device is.
    """
    abilities, channels = backend.streaming, backend.channels
    told = {topic.path for topic in backend.topics}
    return (
        abilities.metadata
        and abilities.http_tunnel
        and any(backend.imaging(channel.token) is not None for channel in channels)
        and any(backend.osd(channel.token) is not None for channel in channels)
        and topics.MOTION_ALARM.path in told
        and any(topic.path in told for topic in topics.PICTURE_FAULTS)
    )
