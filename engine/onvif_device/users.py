"""Who may use the engine's ONVIF device: the device users of the access room, under the same illegal login lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Protocol

from aiohttp import web

from engine.access import DeviceUser, Role
from engine.access.errors import LockedOut
from onvif_server.backend import Level

_LEVELS = {
    Role.USER: Level.USER,
    Role.OPERATOR: Level.OPERATOR,
    Role.ADMINISTRATOR: Level.ADMINISTRATOR,
}

_address: ContextVar[str] = ContextVar("address of the ONVIF client", default="")


class Accounts(Protocol):
    """The device users; `engine.access.DeviceUsers` is one."""

    @property
    def users(self) -> tuple[DeviceUser, ...]:
        """All of them, with their passwords."""
        ...


class LoginLock(Protocol):
    """The illegal login lock; `engine.access.lockout.Lockout` is one."""

    def count(self, username: str, address: str, *, administrator: bool) -> bool:
        """Counts a try before its password is looked at; raises LockedOut."""
        ...

    def succeeded(self, username: str, address: str) -> None:
        """Takes the tries back."""
        ...


@web.middleware
async def remember_address(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Lets the lock see where a request comes from: it counts wrong tries by user and address."""
    token = _address.set(request.remote or "")
    try:
        return await handler(request)
    finally:
        _address.reset(token)


class DeviceAccounts:
    """`onvif_server.backend.Users` on the device users. `lock` None: nobody is ever locked out."""

    def __init__(self, accounts: Accounts, lock: LoginLock | None) -> None:
        self._accounts = accounts
        self._lock = lock

    def _find(self, username: str) -> DeviceUser | None:
        return next((user for user in self._accounts.users if user.username == username), None)

    def password_of(self, username: str) -> str | None:
        """The password; None for an unknown user or one who is locked out at the client's address."""
        user = self._find(username)
        if self._lock is not None:
            administrator = user is not None and user.role is Role.ADMINISTRATOR
            try:
                self._lock.count(username, _address.get(), administrator=administrator)
            except LockedOut:
                return None
        return user.password if user else None

    def level_of(self, username: str) -> Level:
        """The level of a user."""
        user = self._find(username)
        return _LEVELS[user.role] if user else Level.ANONYMOUS

    def usernames(self) -> Sequence[str]:
        """All users."""
        return [user.username for user in self._accounts.users]

    def record_failure(self, username: str, address: str) -> None:
        """Nothing more to do: the try was counted when the password was asked for."""

    def record_success(self, username: str, address: str) -> None:
        """Takes the tries back."""
        if self._lock is not None:
            self._lock.succeeded(username, _address.get())

    def kept_password(self, username: str) -> str | None:
        """The password, for nobody's login."""
        user = self._find(username)
        return user.password if user else None
