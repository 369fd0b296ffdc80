"""The memory that a device works with: the host's, with a way to forget all of it (SetSystemFactoryDefault)."""

from __future__ import annotations

from collections.abc import Callable

from onvif_server.backend import Memory, VolatileMemory


class DeviceMemory:
    """`Memory` for the parts of one device. Knows every key that was asked for, and so can empty them.

    A part that keeps what it read in variables of its own listens, to forget that as well.
    """

    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory if memory is not None else VolatileMemory()
        self._keys: set[str] = set()
        self._listeners: list[Callable[[], None]] = []

    def read(self, key: str) -> str | None:
        """See `Memory`; what was forgotten is None."""
        self._keys.add(key)
        return self._memory.read(key) or None

    async def write(self, key: str, text: str) -> None:
        """See `Memory`."""
        self._keys.add(key)
        await self._memory.write(key, text)

    def on_forget(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after all was forgotten: it goes back to what it is without memory."""
        self._listeners.append(listener)

    async def forget(self) -> None:
        """Empties every key and tells the listeners. Raises OSError where that is not possible."""
        for key in sorted(self._keys):
            # The host's memory has no way to remove a key: empty is as good as absent.
            await self._memory.write(key, "")
        for listener in self._listeners:
            listener()
