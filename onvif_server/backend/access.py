"""Who may use the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Level(IntEnum):
    """The user levels of ONVIF Core, 5.9.4.2, from the weakest to the strongest."""

    ANONYMOUS = 0
    USER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the authenticated user's name, and the address the request came from."""

    username: str
    address: str


class Users(Protocol):
    """The users of the device. Digest needs the plain text of passwords, so the host keeps them retrievable."""

    def password_of(self, username: str) -> str | None:
        """The user's password; None if there is no such user, or if the user or address is locked out."""
        ...

    def level_of(self, username: str) -> Level:
        """The level of a user that there is; no login, whoever asks."""
        ...

    def usernames(self) -> Sequence[str]:
        """All users, for GetUsers."""
        ...

    def record_failure(self, username: str, address: str) -> None:
        """Called once for each request with wrong credentials (never for one without any)."""
        ...

    def record_success(self, username: str, address: str) -> None:
        """Called once for each name under which a request came with the right credentials."""
        return

    def kept_password(self, username: str) -> str | None:
        """The password of a user whom an administrator changes, so that it can be given back. It is no login.

        A host whose `password_of` counts, or refuses those who are locked out, must not do so here.
        """
        return self.password_of(username)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of `StaticUsers`."""

    password: str = field(repr=False)
    level: Level = Level.ADMINISTRATOR


class StaticUsers(Users):
    """A fixed set of users, by name. Failures are counted, nobody is locked out."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = dict(accounts)
        self.failures = 0

    def password_of(self, username: str) -> str | None:
        """See `Users`."""
        account = self._accounts.get(username)
        return account.password if account else None

    def level_of(self, username: str) -> Level:
        """See `Users`."""
        return self._accounts[username].level

    def usernames(self) -> Sequence[str]:
        """See `Users`."""
        return tuple(self._accounts)

    def record_failure(self, username: str, address: str) -> None:
        """See `Users`."""
        self.failures += 1


class UserAdministration(Protocol):
    """Changes the users for administrators (CreateUsers, SetUser, DeleteUsers). Methods raise `Refused`.

    INVALID: the password is too weak or the name cannot be; EXISTS; NOT_FOUND; TOO_MANY; NOT_ALLOWED: e.g. the last
    administrator may not be removed.
    """

    async def create(self, caller: Caller, username: str, password: str, level: Level) -> None:
        """Adds a user."""
        ...

    async def change(self, caller: Caller, username: str, password: str | None, level: Level) -> None:
        """Changes level, and the password unless it is None."""
        ...

    async def delete(self, caller: Caller, username: str) -> None:
        """Removes a user; whoever is logged in under the name is not any more."""
        ...
