"""Rules for passwords, and their hashes."""

from __future__ import annotations

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.access.errors import WeakPassword

MIN_LENGTH = 8
MAX_LENGTH = 128
_AT_ONCE = 2


def require_strong(username: str, password: str) -> None:
    """Raises WeakPassword unless the password is strong.

    The rules of H§2.1.1: at least 8 characters, with upper case letters, lower case letters, numbers and special
    characters among them. Ours beside them: not the user's name, no control characters, at most 128 characters.
    """
    rules = {
        f"be at least {MIN_LENGTH} characters long": len(password) >= MIN_LENGTH,
        f"be at most {MAX_LENGTH} characters long": len(password) <= MAX_LENGTH,
        "hold an upper case letter": any(c.isupper() for c in password),
        "hold a lower case letter": any(c.islower() for c in password),
        "hold a number": any(c.isdecimal() for c in password),
        "hold a special character": any(not c.isalnum() and c.isprintable() for c in password),
        "hold no control characters": password.isprintable(),
        "not contain the user's name": not username or username.casefold() not in password.casefold(),
    }
    broken = [rule for rule, kept in rules.items() if not kept]
    if broken:
        raise WeakPassword(f"the password must {', '.join(broken)}")


class PasswordHashes:
    """Argon2id hashes (RFC 9106). Hashing is slow on purpose: it runs in threads, two at a time at most."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _normalised(password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password belongs to the hash. Without a hash (no such user) it takes as long."""
        if password_hash is None:
            if self._decoy is None:
                self._decoy = await self.hash("decoy")
            await self._verify(password, self._decoy)
            return False
        return await self._verify(password, password_hash)

    async def _verify(self, password: str, password_hash: str) -> bool:
        def verify() -> bool:
            try:
                return self._hasher.verify(password_hash, _normalised(password))
            except (VerificationError, InvalidHashError):
                return False

        async with self._turns:
            return await asyncio.to_thread(verify)


def _normalised(password: str) -> str:
    # The same letter can be typed as one or as two code points (RFC 8265).
    return unicodedata.normalize("NFC", password)
