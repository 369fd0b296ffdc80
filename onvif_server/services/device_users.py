"""The device service's part about users (ONVIF Core, 8.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from onvif_server.backend import Backend, Level, Refusal, Refused, UserAdministration, Users
from onvif_server.security.access import Access
from onvif_server.services.refusals import Special, as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument, not_supported
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text

MAXIMUM_USERNAME: Final = 64
MAXIMUM_PASSWORD: Final = 128
_LEVELS: Final = {Level.ADMINISTRATOR: "Administrator", Level.OPERATOR: "Operator", Level.USER: "User"}
_LEVEL_OF: Final = {name: level for level, name in _LEVELS.items()}

_CREATE: Special = {
    Refusal.EXISTS: ("OperationProhibited", "UsernameClash"),
    Refusal.INVALID: ("OperationProhibited", "PasswordTooWeak"),
    Refusal.TOO_MANY: ("Action", "TooManyUsers"),
}
_CHANGE: Special = {
    Refusal.NOT_FOUND: ("InvalidArgVal", "UsernameMissing"),
    Refusal.INVALID: ("OperationProhibited", "PasswordTooWeak"),
    Refusal.NOT_ALLOWED: ("InvalidArgVal", "FixedUser"),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A user as a request describes it."""

    username: str
    password: str | None = field(repr=False)
    level: Level


type _Step = Callable[[], Awaitable[None]]


class DeviceUsersService:
    """Users: shown always, changed where the host lets us. A request changes all that it names, or nothing."""

    def __init__(self, backend: Backend, users: Users) -> None:
        self._backend = backend
        self._users = users

    @operation(names.DEVICE, "GetUsers", Access.READ_SYSTEM_SECRET)
    async def get_users(self, call: Call) -> Values:
        """Names and levels; passwords are never told."""
        return {
            "User": [
                {"Username": clean_text(name), "UserLevel": _LEVELS.get(self._users.level_of(name), "Anonymous")}
                for name in self._users.usernames()
            ]
        }

    @operation(names.DEVICE, "CreateUsers", Access.WRITE_SYSTEM)
    async def create_users(self, call: Call) -> Values:
        """Adds users."""
        administration = self._administration("CreateUsers")
        wanted = _wanted(call.value.User)
        present = self._users.usernames()
        clash = next((one.username for one in wanted if one.username in present), None)
        if clash is not None:
            raise Fault("OperationProhibited", "UsernameClash", reason=f"there is a user {clash} already")

        def creation(one: _Wanted) -> tuple[_Step, _Step]:
            return (
                lambda: administration.create(call.caller, one.username, one.password or "", one.level),
                lambda: administration.delete(call.caller, one.username),
            )

        with as_faults(_CREATE):
            await _all_or_nothing([creation(one) for one in wanted])
        return {}

    @operation(names.DEVICE, "SetUser", Access.WRITE_SYSTEM)
    async def set_user(self, call: Call) -> Values:
        """Changes levels and passwords."""
        administration = self._administration("SetUser")
        wanted = _wanted(call.value.User)
        self._insist([one.username for one in wanted])

        def change(one: _Wanted) -> tuple[_Step, _Step]:
            before = self._present(one.username)
            return (
                lambda: administration.change(call.caller, one.username, one.password, one.level),
                lambda: administration.change(call.caller, before.username, before.password, before.level),
            )

        with as_faults(_CHANGE):
            await _all_or_nothing([change(one) for one in wanted])
        return {}

    @operation(names.DEVICE, "DeleteUsers", Access.WRITE_SYSTEM)
    async def delete_users(self, call: Call) -> Values:
        """Removes users."""
        administration = self._administration("DeleteUsers")
        usernames = [str(name) for name in call.value.Username]
        self._insist(usernames)

        def deletion(username: str) -> tuple[_Step, _Step]:
            before = self._present(username)
            return (
                lambda: administration.delete(call.caller, username),
                lambda: administration.create(call.caller, username, before.password or "", before.level),
            )

        with as_faults(_CHANGE):
            await _all_or_nothing([deletion(username) for username in usernames])
        return {}

    def _administration(self, name: str) -> UserAdministration:
        administration = self._backend.user_administration
        if administration is None:
            raise not_supported(name)
        return administration

    def _insist(self, usernames: Sequence[str]) -> None:
        present = self._users.usernames()
        missing = next((name for name in usernames if name not in present), None)
        if missing is not None:
            raise invalid_argument("UsernameMissing", f"there is no user {missing}")
        if len(set(usernames)) != len(usernames):
            raise Fault("InvalidArgVal", reason="a user is named twice")

    def _present(self, username: str) -> _Wanted:
        return _Wanted(username, self._users.kept_password(username), self._users.level_of(username))


def _wanted(users: Sequence[object]) -> list[_Wanted]:
    wanted = [_one_wanted(user) for user in users]
    if len({one.username for one in wanted}) != len(wanted):
        raise Fault("OperationProhibited", "UsernameClash", reason="a user is named twice")
    return wanted


def _one_wanted(user: object) -> _Wanted:
    username, password = str(getattr(user, "Username", None) or ""), getattr(user, "Password", None)
    level = getattr(user, "UserLevel", "")
    if not username or clean_text(username) != username:
        raise Fault("OperationProhibited", "UsernameTooShort", reason="a user needs a name")
    if len(username) > MAXIMUM_USERNAME:
        reason = f"a user's name has at most {MAXIMUM_USERNAME} characters"
        raise Fault("OperationProhibited", "UsernameTooLong", reason=reason)
    if password is not None and len(password) > MAXIMUM_PASSWORD:
        reason = f"a password has at most {MAXIMUM_PASSWORD} characters"
        raise Fault("OperationProhibited", "PasswordTooLong", reason=reason)
    if level not in _LEVEL_OF:
        reason = f"a user's level is one of {', '.join(_LEVEL_OF)}"
        raise Fault("OperationProhibited", "AnonymousNotAllowed", reason=reason)
    return _Wanted(username, password, _LEVEL_OF[level])


async def _all_or_nothing(steps: Sequence[tuple[_Step, _Step]]) -> None:
    """Takes the steps; where one is refused, those before it are taken back."""
    taken_back: list[_Step] = []
    try:
        for step, take_back in steps:
            await step()
            taken_back.append(take_back)
    except Refused:
        for take_back in reversed(taken_back):
            await take_back()
        raise
