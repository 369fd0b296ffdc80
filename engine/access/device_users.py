"""The users of ONVIF and RTSP, apart from the web's (NET-1).

Digest authentication needs the password itself, so it is kept encrypted (Fernet) with a key in a file of mode 0600.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from engine.access.errors import Refused
from engine.access.passwords import require_strong
from engine.access.roles import Role
from engine.core.clock import Clock
from engine.store import Store, StoreFailure
from engine.store.accounts import DeviceUserRecord
from engine.store.errors import failure_of

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
        self._fernet: Fernet | None = None
        self._making = asyncio.Lock()

    async def open(self) -> None:
        """Reads the key (or makes it) and the users."""
        key = await asyncio.to_thread(_read_or_make_key, self._store.data_dir / "secret.key")
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            reason = (
                f"{self._store.data_dir / 'secret.key'} is damaged: restore it, or delete it and set the passwords anew"
            )
            raise StoreFailure("read the key of the device users", reason) from error
        self._users = {}
        for record in await self._store.device_users.all():
            try:
                password = self._fernet.decrypt(record.sealed_password).decode()
            except InvalidToken:
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
        if self._fernet is None:
            raise StoreFailure("store a device user", "the device users are not opened")
        if user.username not in self._users and len(self._users) >= _MOST:
            raise Refused(f"there are {_MOST} device users already")
        sealed = self._fernet.encrypt(user.password.encode()).decode()
        await self._store.device_users.save(
            DeviceUserRecord(
                username=user.username, sealed_password=sealed, role=user.role, created_at=self._clock.now()
            )
        )
        self._users[user.username] = user
        return user


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
