"""What clients note on configurations (names, multicast addresses, time-outs), kept across restarts."""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from onvif_server.backend import Memory, MulticastTarget
from onvif_server.media.parts import Part

_LOGGER = logging.getLogger(__name__)
_KEY: Final = "media"
_PORTS: Final = {Part.VIDEO_ENCODER: 40000, Part.AUDIO_ENCODER: 40002, Part.METADATA: 40004}
_HIGHEST_PORT: Final = 65534
_HIGHEST_TTL: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a client noted on a configuration. None: what the host says, or the library chooses."""

    name: str | None = None
    multicast: MulticastTarget | None = None
    session_timeout_s: float = 60.0


class Notes:
    """The notes of all configurations, and which profiles send by multicast."""

    def __init__(self, memory: Memory, salt: str) -> None:
        """`salt` is something of this device alone: it keeps the multicast addresses of two devices apart."""
        self._memory = memory
        self._salt = salt
        self._changing = asyncio.Lock()
        self._notes, self._sending = _read(memory)

    def forget(self) -> None:
        """Goes back to what the memory holds, for somebody emptied it."""
        self._notes, self._sending = _read(self._memory)

    @property
    def sending(self) -> frozenset[str]:
        """The tokens of the profiles that send by multicast without being asked by RTSP."""
        return self._sending

    def of(self, part: Part, channel: str) -> Note:
        """The note on a channel's configuration."""
        return self._notes.get((part, channel), Note())

    def multicast(self, part: Part, channel: str) -> MulticastTarget:
        """Where a part goes by multicast: as noted, or an address of the organisation's scope (RFC 2365)."""
        noted = self.of(part, channel).multicast
        if noted is not None:
            return noted
        number = zlib.crc32(f"{self._salt}/{channel}".encode())
        return MulticastTarget(f"239.{192 + (number >> 16) % 4}.{(number >> 8) & 255}.{number & 255}", _PORTS[part])

    async def set(self, part: Part, channel: str, note: Note) -> None:
        """Keeps a note. Raises OSError if that is not possible (then nothing changes)."""
        async with self._changing:
            await self._keep(self._notes | {(part, channel): note}, self._sending)

    async def set_sending(self, profiles: Iterable[str]) -> None:
        """Keeps which profiles send by multicast. Raises OSError if that is not possible."""
        async with self._changing:
            await self._keep(self._notes, frozenset(profiles))

    async def _keep(self, notes: dict[tuple[Part, str], Note], sending: frozenset[str]) -> None:
        await self._memory.write(_KEY, _written(notes, sending))
        self._notes, self._sending = notes, sending


def checked_target(address: str, port: int, ttl: int) -> MulticastTarget:
    """A multicast target. Raises ValueError for what cannot be one."""
    if not ip_address(address).is_multicast:
        raise ValueError(f"{address} is no multicast address")
    if not 1024 <= port <= _HIGHEST_PORT or port % 2:
        raise ValueError(f"the port {port} is not even and between 1024 and {_HIGHEST_PORT}")
    if not 1 <= ttl <= _HIGHEST_TTL:
        raise ValueError(f"the TTL {ttl} is not between 1 and {_HIGHEST_TTL}")
    return MulticastTarget(address, port, ttl)


def _written(notes: dict[tuple[Part, str], Note], sending: frozenset[str]) -> str:
    entries = [
        {
            "part": part,
            "channel": channel,
            "name": note.name,
            "multicast": None
            if note.multicast is None
            else [note.multicast.address, note.multicast.port, note.multicast.ttl],
            "session_timeout_s": note.session_timeout_s,
        }
        for (part, channel), note in notes.items()
    ]
    return json.dumps({"notes": entries, "sending": sorted(sending)}, ensure_ascii=False)


def _read(memory: Memory) -> tuple[dict[tuple[Part, str], Note], frozenset[str]]:
    try:
        text = memory.read(_KEY)
        if text is None:
            return {}, frozenset()
        kept = json.loads(text)
        notes = {(Part(entry["part"]), str(entry["channel"])): _note(entry) for entry in kept["notes"]}
        return notes, frozenset(map(str, kept["sending"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _LOGGER.warning("what is kept of configurations cannot be used: %s", error)
        return {}, frozenset()


def _note(entry: Any) -> Note:
    name, multicast = entry["name"], entry["multicast"]
    return Note(
        name=None if name is None else str(name),
        multicast=None
        if multicast is None
        else checked_target(str(multicast[0]), int(multicast[1]), int(multicast[2])),
        session_timeout_s=float(entry["session_timeout_s"]),
    )
