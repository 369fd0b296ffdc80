"""The WebSocket: the whole state, then every event and change."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from http import HTTPStatus

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from engine.access import Role
from engine.access.errors import WrongCredentials
from engine.api.errors import ApiError
from engine.api.hub import Mailbox, encode
from engine.api.messages.base import ErrorDetail
from engine.api.messages.websocket import AuthMessage, ClientMessage, ErrorMessage, HelloMessage, SubscribeMessage
from engine.api.operations import Call, authenticate, operation, token_of
from engine.api.services import ServiceError
from engine.store import StoreFailure

_LOGGER = logging.getLogger(__name__)

_HEARTBEAT_S = 30.0
_MOST_BYTES_RECEIVED = 16 * 1024
_CLOSE_TIMEOUT_S = 2.0

NOT_AUTHENTICATED = 4401
"""Close code: no token in time, or one that is not (or no longer) valid."""


class _Ending(Exception):  # noqa: N818 - no error: how a connection ends
    """Why a connection ends."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.error = ErrorDetail(code=code, message=message)


@operation("GET", "/ws", tag="websocket", role=None)
async def connect(call: Call) -> web.WebSocketResponse:
    """Open the WebSocket.

    Authentication is by the Authorization header or by the first message, `AuthMessage`. Then the engine sends
    `HelloMessage`, and after it whatever happens (`ServerMessage`). The client may send `SubscribeMessage`.
    A client that does not read is dropped (close code 1013): connect again and begin with the new hello. Close code
    4401: not authenticated, or not any more.
    """
    token = None
    if "Authorization" in call.request.headers:
        await authenticate(call.request, call.context.access, Role.USER)
        token = token_of(call.request)
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_BYTES_RECEIVED, timeout=_CLOSE_TIMEOUT_S, compress=False
    )
    if not socket.can_prepare(call.request).ok:
        raise ApiError(HTTPStatus.UPGRADE_REQUIRED, "no_websocket", "this address speaks WebSocket only")
    mailbox = call.context.hub.join()
    if mailbox is None:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_clients", "too many clients are connected")
    try:
        await socket.prepare(call.request)
        await _Connection(call, socket, mailbox, token).run()
    finally:
        call.context.hub.leave(mailbox)
    return socket


class _Connection:
    """One client. Every task of it ends all of it by raising why."""

    def __init__(self, call: Call, socket: web.WebSocketResponse, mailbox: Mailbox, token: str | None) -> None:
        self._services = call.context.services
        self._access = call.context.access
        self._hub = call.context.hub
        self._transport = call.request.transport
        self._socket = socket
        self._mailbox = mailbox
        self._token = token

    async def run(self) -> None:
        """The whole conversation; returns when the connection is closed."""
        endings: list[_Ending] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_engine())
                tasks.create_task(self._watch_mailbox())
                token = self._token or await self._first_token()
                self._mailbox.listening = True
                tasks.create_task(self._write())
                tasks.create_task(self._read())
                tasks.create_task(self._watch_token(token))
        except* _Ending as why:
            endings = [each for each in why.exceptions if isinstance(each, _Ending)]
        except* ConnectionError as why:
            _LOGGER.debug("A WebSocket client went away: %s", why.exceptions[0])
        await self._close(endings[0] if endings else None)

    async def _first_token(self) -> str:
        refused = _Ending(NOT_AUTHENTICATED, "no_token", "the first message must be an AuthMessage")
        try:
            async with asyncio.timeout(self._hub.settings.first_message_s):
                message = await self._receive()
        except TimeoutError:
            raise refused from None
        if not isinstance(message, AuthMessage):
            raise refused
        await self._check_token(message.token)
        return message.token

    async def _check_token(self, token: str) -> None:
        try:
            await self._access.identify(token)
        except WrongCredentials as error:
            raise _Ending(NOT_AUTHENTICATED, "wrong_credentials", str(error)) from error
        except StoreFailure as error:
            _LOGGER.warning("A WebSocket client is dropped: %s", error)
            raise _Ending(WSCloseCode.INTERNAL_ERROR, "storage_error", f"could not {error.what}") from error

    async def _watch_token(self, token: str) -> None:
        while True:
            await asyncio.sleep(self._hub.settings.recheck_s)
            await self._check_token(token)

    async def _watch_engine(self) -> None:
        await self._hub.closing.wait()
        raise _Ending(WSCloseCode.GOING_AWAY, "going_away", "the engine stops")

    async def _watch_mailbox(self) -> None:
        await self._mailbox.overflowed.wait()
        _LOGGER.info("A WebSocket client does not read and is dropped")
        raise _Ending(WSCloseCode.TRY_AGAIN_LATER, "too_slow", "the client does not read")

    async def _write(self) -> None:
        try:
            await self._socket.send_str(encode(HelloMessage(state=await self._services.state())))
        except ServiceError as error:
            raise _Ending(WSCloseCode.INTERNAL_ERROR, error.code, str(error)) from error
        async for message in self._mailbox:
            await self._socket.send_str(message)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if isinstance(message, SubscribeMessage):
                self._mailbox.wants_tracks = "tracks" in message.topics

    async def _receive(self) -> ClientMessage:
        frame = await self._socket.receive()
        if frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
            raise _Ending(WSCloseCode.OK, "closed", "the client closed the connection")
        try:
            # An annotated alias is a form that the decoder knows, though its stub asks for a class.
            message: ClientMessage = msgspec.json.decode(frame.data, type=ClientMessage)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
            raise _Ending(WSCloseCode.POLICY_VIOLATION, "invalid", f"not a message: {error}") from error
        return message

    async def _close(self, ending: _Ending | None) -> None:
        closed = False
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                if ending is None or self._socket.closed:
                    await self._socket.close()
                else:
                    # To a client that does not read, one more message would not get through either.
                    if ending.close_code != WSCloseCode.TRY_AGAIN_LATER:
                        await self._socket.send_str(encode(ErrorMessage(error=ending.error)))
                    await self._socket.close(code=ending.close_code, message=str(ending).encode()[:120])
                closed = True
        if not closed and self._transport is not None:
            self._transport.abort()
