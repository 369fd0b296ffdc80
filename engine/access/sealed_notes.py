"""Texts that may hold secrets: sealed in the store, ready in memory."""

from __future__ import annotations

import logging

from engine.access.seal import BrokenSeal, Seal
from engine.store import Store

_LOGGER = logging.getLogger(__name__)


class SealedNotes:
    """The notes of one subject. Make it with `opened`."""

    def __init__(self, store: Store, seal: Seal, subject: str, texts: dict[str, str]) -> None:
        self._store = store
        self._seal = seal
        self._subject = subject
        self._texts = texts

    @classmethod
    async def opened(cls, store: Store, seal: Seal, subject: str) -> SealedNotes:
        """Reads all notes of a subject; what cannot be opened is told in the log and left out. Raises StoreFailure."""
        texts = {}
        for key, sealed in (await store.notes.all(f"{subject}:")).items():
            try:
                texts[key.removeprefix(f"{subject}:")] = seal.open(sealed)
            except BrokenSeal:
                _LOGGER.error("The note %r was sealed with another key (secret.key was replaced)", key)  # noqa: TRY400
        return cls(store, seal, subject, texts)

    def read(self, key: str) -> str | None:
        """A text; None if there is none."""
        return self._texts.get(key)

    async def write(self, key: str, text: str) -> None:
        """Keeps a text. Raises StoreFailure; then the one before stays."""
        await self._store.notes.save(f"{self._subject}:{key}", self._seal.close(text))
        self._texts[key] = text
