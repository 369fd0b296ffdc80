"""Users, for administrators."""

from __future__ import annotations

from http import HTTPStatus

from engine.access import Role
from engine.api.errors import ApiError
from engine.api.messages.access import UserDescription, UserList, UserRequest
from engine.api.operations import Call, operation
from engine.store.accounts import UserRecord


@operation("GET", "/users", tag="users", role=Role.ADMINISTRATOR)
async def list_users(call: Call) -> UserList:
    """List all users."""
    return UserList(users=[_description(user) for user in await call.context.access.users()])


@operation("POST", "/users", tag="users", role=Role.ADMINISTRATOR)
async def add_user(call: Call, body: UserRequest) -> UserDescription:
    """Make a user."""
    return _description(await call.context.access.add_user(body.username, body.password, body.role, by=call.by))


@operation("DELETE", "/users/{username}", tag="users", role=Role.ADMINISTRATOR)
async def remove_user(call: Call) -> None:
    """Remove a user with all sessions and tokens; the last administrator stays."""
    username = call.path["username"]
    if not await call.context.access.remove_user(username, by=call.by):
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", f"there is no user {username!r}")


def _description(user: UserRecord) -> UserDescription:
    return UserDescription(username=user.username, role=Role(user.role), created_at=user.created_at)
