"""The users of ONVIF and RTSP, apart from the web's (NET-1).

Digest authentication needs the password itself, so it is kept encrypted (Fernet) with a key in a file of mode 0600.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, field

from engine.access.errors import Refused
from engine.access.passwords import require_strong
from engine.access.roles import Role
from engine.access.seal import BrokenSeal, Seal
from engine.core.clock import Clock
from engine.store import Store, StoreFailure
from engine.store.accounts import DeviceUserRecord

_LOGGER = logging.getLogger(__name__)
_MOST = 64


@dataclass(frozen=True, slots=True)
class DeviceUser:
    """A user of ONVIF and RTSP, with the password in the clear."""

    username: str
    password: str = field(repr=False)
    role: Role


class DeviceUsers:
    """All of them, ready in memory: digest checks ask often and cannot wait. Raises StoreFailure."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._users: dict[str, DeviceUser] = {}
        self._seal: Seal | None = None
        self._making = asyncio.Lock()

    async def open(self, seal: Seal) -> None:
        """Reads the users; their passwords were sealed with this key."""
        self._seal = seal
        self._users = {}
        for record in await self._store.device_users.all():
            try:
                password = seal.open(record.sealed_password)
            except BrokenSeal:
                _LOGGER.error(  # noqa: TRY400 - a traceback would add nothing to it
                    "The password of device user %r was sealed with another key (secret.key was replaced): set it anew",
                    record.username,
                )
                continue
            self._users[record.username] = DeviceUser(record.username, password, Role(record.role))

    @property
    def users(self) -> tuple[DeviceUser, ...]:
        """All users whose passwords are known."""
        return tuple(self._users.values())

    def password_of(self, username: str) -> str | None:
        """A user's password; None when there is no such user."""
        user = self._users.get(username)
        return None if user is None else user.password

    async def save(self, username: str, password: str, role: Role) -> DeviceUser:
        """Adds a user, or changes password and role. Raises WeakPassword and Refused."""
        require_strong(username, password)
        return await self._save(DeviceUser(username, password, role))

    async def ensure(self, username: str, role: Role) -> DeviceUser:
        """The user of that name, made with a random password when it is not there."""
        # Several may ask at once for a user that is not there yet: all must get the same password.
        async with self._making:
            known = self._users.get(username)
            return known or await self._save(DeviceUser(username, secrets.token_urlsafe(24), role))

    async def remove(self, username: str) -> bool:
        """Removes a user; False when there is none of that name."""
        self._users.pop(username, None)
        return await self._store.device_users.remove(username)

    async def _save(self, user: DeviceUser) -> DeviceUser:
        if self._seal is None:
            raise StoreFailure("store a device user", "the device users are not opened")
        if user.username not in self._users and len(self._users) >= _MOST:
            raise Refused(f"there are {_MOST} device users already")
        sealed = self._seal.close(user.password)
        await self._store.device_users.save(
            DeviceUserRecord(
                username=user.username, sealed_password=sealed, role=user.role, created_at=self._clock.now()
            )
        )
        self._users[user.username] = user
        return user
