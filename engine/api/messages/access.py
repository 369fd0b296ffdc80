"""Who may: the activation, sessions and tokens, the users of the engine and those of its streams."""

from __future__ import annotations

from engine.access.roles import Role
from engine.api.messages.base import Name, Password, Request, Response, SecretRequest, SecretResponse, Time, Username


class Info(Response, frozen=True, kw_only=True):
    """What anybody may know: which engine this is, and whether it waits for its activation."""

    name: str
    version: str
    instance_id: str
    activated: bool


class ActivationRequest(SecretRequest, frozen=True, kw_only=True):
    """Makes the first administrator. The password must be strong (8 to 128 characters; see the error's message)."""

    username: Username
    password: Password


class SessionRequest(SecretRequest, frozen=True, kw_only=True):
    """Logs in."""

    username: Username
    password: Password


class SessionAnswer(SecretResponse, frozen=True, kw_only=True):
    """A token of a session, sent as `Authorization: Bearer TOKEN`, and when it ends."""

    token: str
    expires_at: Time
    username: str
    role: Role


class TokenRequest(Request, frozen=True, kw_only=True):
    """Asks for a token that lasts until it is revoked, with the rights of the asking user."""

    name: Name


class TokenAnswer(SecretResponse, frozen=True, kw_only=True):
    """The new token. It is shown this once: the engine keeps only its hash."""

    token_id: str
    name: str
    token: str


class TokenDescription(Response, frozen=True, kw_only=True):
    """One long-lived token or session of the asking user."""

    token_id: str
    name: str
    created_at: Time
    expires_at: Time | None


class TokenList(Response, frozen=True, kw_only=True):
    """The tokens of the asking user."""

    tokens: list[TokenDescription]


class UserRequest(SecretRequest, frozen=True, kw_only=True):
    """Makes a user."""

    username: Username
    password: Password
    role: Role


class PasswordRequest(SecretRequest, frozen=True, kw_only=True):
    """Changes one's own password. Every session and token of the user ends."""

    old_password: Password
    new_password: Password


class UserDescription(Response, frozen=True, kw_only=True):
    """One user."""

    username: str
    role: Role
    created_at: Time


class UserList(Response, frozen=True, kw_only=True):
    """All users."""

    users: list[UserDescription]


class DeviceUserDescription(Response, frozen=True, kw_only=True):
    """One user of ONVIF and RTSP."""

    username: str
    role: Role


class DeviceUserList(Response, frozen=True, kw_only=True):
    """All users of ONVIF and RTSP."""

    users: list[DeviceUserDescription]


class StreamCredentials(SecretResponse, frozen=True, kw_only=True):
    """User and password (digest) of the RTSP relay."""

    username: str
    password: str
