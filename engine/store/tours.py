"""The tours of PTZ channels."""

from __future__ import annotations

import hashlib

from engine.store.notes import Notes

_PREFIX = "tours/"
_MOST = 59 - len(_PREFIX)


class Tours:
    """Keeps the tours of each channel as one text, among the notes."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def text(self, channel: str) -> str | None:
        """What was kept of a channel; None if nothing was. Raises StoreFailure."""
        key = _key(channel)
        return (await self._notes.all(key)).get(key)

    async def save(self, channel: str, text: str) -> None:
        """Keeps a text in the place of the one before. Raises StoreFailure."""
        await self._notes.save(_key(channel), text)


def _key(channel: str) -> str:
    if len(channel) <= _MOST:
        return _PREFIX + channel
    # A note's key is short; a channel's id may have 64 characters.
    return f"{_PREFIX}#{hashlib.sha256(channel.encode()).hexdigest()[:32]}"
