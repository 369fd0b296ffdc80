"""Lets administrators change the device users through ONVIF."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from engine.access import DeviceUser, Role
from engine.access.errors import Refused as AccessRefused
from engine.access.errors import WeakPassword
from engine.store import StoreFailure
from onvif_server.backend import Caller, Level, Refusal, Refused

_log = logging.getLogger(__name__)
_ROLES = {Level.USER: Role.USER, Level.OPERATOR: Role.OPERATOR, Level.ADMINISTRATOR: Role.ADMINISTRATOR}


class Accounts(Protocol):
    """The device users; `engine.access.DeviceUsers` is one."""

    @property
    def users(self) -> tuple[DeviceUser, ...]:
        """All of them."""
        ...

    async def save(self, username: str, password: str, role: Role) -> DeviceUser:
        """Adds or changes one. Raises WeakPassword, Refused, StoreFailure."""
        ...

    async def remove(self, username: str) -> bool:
        """Removes one."""
        ...


class DeviceUserAdministration:
    """`onvif_server.backend.UserAdministration` on the device users.

    `reserved` are the engine's own users, which nobody changes. The last administrator stays. `changed` is called with
    the name of a user whose password or level is another now, or who is gone.
    """

    def __init__(
        self,
        accounts: Accounts,
        reserved: frozenset[str] = frozenset({"relay"}),
        changed: Callable[[str], None] = lambda username: None,
    ) -> None:
        self._accounts = accounts
        self._reserved = reserved
        self._changed = changed
        # Between the look at who is there and the change, nobody else may change anything.
        self._lock = asyncio.Lock()

    async def create(self, caller: Caller, username: str, password: str, level: Level) -> None:
        """Adds a user."""
        async with self._lock:
            self._refuse_reserved(username)
            if self._find(username) is not None:
                raise Refused(Refusal.EXISTS, f"there is a user {username} already")
            with _reasons(Refusal.TOO_MANY):
                await self._accounts.save(username, password, _ROLES[level])
        self._report(caller, "added", username)

    async def change(self, caller: Caller, username: str, password: str | None, level: Level) -> None:
        """Changes level, and the password unless it is None."""
        async with self._lock:
            user = self._insist(username)
            if level is not Level.ADMINISTRATOR:
                self._keep_an_administrator(user)
            with _reasons(Refusal.NOT_ALLOWED):
                await self._accounts.save(username, password if password is not None else user.password, _ROLES[level])
        self._report(caller, "changed", username)

    async def delete(self, caller: Caller, username: str) -> None:
        """Removes a user."""
        async with self._lock:
            self._keep_an_administrator(self._insist(username))
            with _reasons(Refusal.NOT_ALLOWED):
                await self._accounts.remove(username)
        self._report(caller, "removed", username)

    def _find(self, username: str) -> DeviceUser | None:
        return next((user for user in self._accounts.users if user.username == username), None)

    def _insist(self, username: str) -> DeviceUser:
        self._refuse_reserved(username)
        user = self._find(username)
        if user is None:
            raise Refused(Refusal.NOT_FOUND, f"there is no user {username}")
        return user

    def _refuse_reserved(self, username: str) -> None:
        if username in self._reserved:
            raise Refused(Refusal.NOT_ALLOWED, f"the user {username} is the engine's own")

    def _keep_an_administrator(self, user: DeviceUser) -> None:
        others = (one for one in self._accounts.users if one.username not in {user.username, *self._reserved})
        if user.role is Role.ADMINISTRATOR and all(one.role is not Role.ADMINISTRATOR for one in others):
            raise Refused(Refusal.NOT_ALLOWED, "the last administrator stays")

    def _report(self, caller: Caller, word: str, username: str) -> None:
        _log.warning("ONVIF user %r at %s %s the device user %r", caller.username, caller.address, word, username)
        self._changed(username)


@contextmanager
def _reasons(refused: Refusal) -> Iterator[None]:
    try:
        yield
    except WeakPassword as error:
        raise Refused(Refusal.INVALID, str(error)) from error
    except AccessRefused as error:
        raise Refused(refused, str(error)) from error
    except StoreFailure as error:
        raise Refused(Refusal.UNAVAILABLE, "the users cannot be stored now") from error
