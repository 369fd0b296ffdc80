"""Who this engine is, activation, sessions and tokens."""

from __future__ import annotations

from http import HTTPStatus

from engine.access import Role
from engine.access.access import Session
from engine.api.errors import ApiError
from engine.api.messages.access import (
    ActivationRequest,
    Info,
    PasswordRequest,
    SessionAnswer,
    SessionRequest,
    TokenAnswer,
    TokenDescription,
    TokenList,
    TokenRequest,
)
from engine.api.operations import Call, operation


@operation("GET", "/info", tag="login", role=None, before_activation=True)
async def get_info(call: Call) -> Info:
    """Which engine this is, and whether it is activated."""
    info = call.context.services.info()
    return Info(
        name=info.name,
        version=info.version,
        instance_id=info.instance_id,
        activated=call.context.access.activated,
    )


@operation("POST", "/activation", tag="login", role=None, before_activation=True)
async def activate(call: Call, body: ActivationRequest) -> SessionAnswer:
    """Make the first administrator.

    There is no default password: until this is done once, everything but this and `info` answers 403.
    """
    return _answer(await call.context.access.activate(body.username, body.password, call.address))


@operation("POST", "/session", tag="login", role=None)
async def begin_session(call: Call, body: SessionRequest) -> SessionAnswer:
    """Log in.

    Seven wrong tries for an administrator (five for others) lock the user out from that address for 30 minutes.
    """
    return _answer(await call.context.access.login(body.username, body.password, call.address))


@operation("DELETE", "/session", tag="login", role=Role.USER)
async def end_session(call: Call) -> None:
    """Log out: end the session or token that this request was sent with."""
    await call.context.access.revoke(call.identity, call.identity.token_id)


@operation("PUT", "/password", tag="login", role=Role.USER)
async def change_password(call: Call, body: PasswordRequest) -> None:
    """Change one's own password; all sessions and tokens of the user end."""
    await call.context.access.change_password(call.identity, body.old_password, body.new_password, call.address)


@operation("GET", "/tokens", tag="login", role=Role.USER)
async def list_tokens(call: Call) -> TokenList:
    """List one's own sessions and tokens."""
    found = await call.context.access.tokens_of(call.by)
    return TokenList(
        tokens=[
            TokenDescription(token_id=t.token_id, name=t.name, created_at=t.created_at, expires_at=t.expires_at)
            for t in found
        ]
    )


@operation("POST", "/tokens", tag="login", role=Role.USER)
async def create_token(call: Call, body: TokenRequest) -> TokenAnswer:
    """Make a token that lasts until it is revoked; it is shown this once."""
    made = await call.context.access.create_token(call.identity, body.name)
    return TokenAnswer(token_id=made.token_id, name=made.name, token=made.token)


@operation("DELETE", "/tokens/{token_id}", tag="login", role=Role.USER)
async def revoke_token(call: Call) -> None:
    """End one of one's own sessions or tokens."""
    if not await call.context.access.revoke(call.identity, call.path["token_id"]):
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "you have no such token")


def _answer(session: Session) -> SessionAnswer:
    return SessionAnswer(
        token=session.token,
        expires_at=session.expires_at,
        username=session.identity.username,
        role=session.identity.role,
    )
