"""The users of ONVIF and RTSP, apart from those of the API; for administrators."""

from __future__ import annotations

from http import HTTPStatus

from engine.access import DeviceUser, Role
from engine.api.errors import ApiError
from engine.api.messages.access import DeviceUserDescription, DeviceUserList, UserRequest
from engine.api.operations import Call, operation


@operation("GET", "/device-users", tag="users", role=Role.ADMINISTRATOR)
async def list_device_users(call: Call) -> DeviceUserList:
    """List the users that recorders and other ONVIF and RTSP clients log in as."""
    return DeviceUserList(users=[_description(user) for user in call.context.access.device_users.users])


@operation("POST", "/device-users", tag="users", role=Role.ADMINISTRATOR)
async def save_device_user(call: Call, body: UserRequest) -> DeviceUserDescription:
    """Make a user for ONVIF and RTSP, or change its password and role. Only operators may move cameras."""
    user = await call.context.access.device_users.save(body.username, body.password, body.role)
    await call.context.services.device_users_changed()
    return _description(user)


@operation("DELETE", "/device-users/{username}", tag="users", role=Role.ADMINISTRATOR)
async def remove_device_user(call: Call) -> None:
    """Remove a user of ONVIF and RTSP; its connections to the relay end."""
    username = call.path["username"]
    if not await call.context.access.device_users.remove(username):
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", f"there is no device user {username!r}")
    await call.context.services.device_users_changed()


def _description(user: DeviceUser) -> DeviceUserDescription:
    return DeviceUserDescription(username=user.username, role=user.role)
