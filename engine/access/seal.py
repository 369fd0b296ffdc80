"""Encrypts what must be readable again: the key lies in a file of mode 0600 in the data folder."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken

from engine.store import StoreFailure
from engine.store.errors import failure_of

_LOGGER = logging.getLogger(__name__)


class BrokenSeal(Exception):  # noqa: N818 - a statement about the text
    """The text was sealed with another key, or changed since."""


class Seal:
    """Seals and opens texts (Fernet: authenticated encryption)."""

    def __init__(self, fernet: Fernet) -> None:
        self._fernet = fernet

    @classmethod
    async def at(cls, data_dir: Path) -> Self:
        """The seal of a data folder, made at the first use. Raises StoreFailure."""
        path = data_dir / "secret.key"
        key = await asyncio.to_thread(_read_or_make_key, path)
        try:
            return cls(Fernet(key))
        except ValueError as error:
            reason = f"{path} is damaged: restore it, or delete it and set the passwords anew"
            raise StoreFailure("read the key of the device users", reason) from error

    def close(self, text: str) -> str:
        """The sealed form."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text. Raises BrokenSeal."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise BrokenSeal from error


def _read_or_make_key(path: Path) -> bytes:
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        if not path.exists():
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
            try:
                # Unlike a rename, a link never replaces the key that another process may have made meanwhile.
                os.link(unfinished, path)
            except FileExistsError:
                _LOGGER.info("Another process made %s first", path)
            finally:
                unfinished.unlink()
        path.chmod(0o600)
        return path.read_bytes().strip()
    except OSError as error:
        raise failure_of("read the key of the device users", error) from error
