"""A small client of the engine's API (`/api/v1`): requests, and the WebSocket with what changes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from .models import (
    Camera,
    Channel,
    EngineInfo,
    EngineState,
    Json,
    Link,
    Message,
    Rule,
    StreamCredentials,
    event_from_json,
)

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_HEARTBEAT_S: Final = 20.0
_WEBSOCKET_LIMIT_BYTES: Final = 8 * 2**20
_NOT_ACTIVATED: Final = "not_activated"
_LOOKS_ONLY: Final = "user"
_CLOSED_NOT_AUTHENTICATED: Final = 4401


class SmartPtzError(Exception):
    """The engine could not do what it was asked for."""


class CannotConnectError(SmartPtzError):
    """Nothing that speaks the engine's API answers at the address."""


class InvalidAuthError(SmartPtzError):
    """The engine refused the token, or the user name and password."""


class NotActivatedError(SmartPtzError):
    """The engine has no administrator yet: somebody must activate it first."""


class NotPermittedError(SmartPtzError):
    """The user may only look: the integration needs an operator or an administrator."""


class ApiError(SmartPtzError):
    """The engine refused a request; `code` and the message are the engine's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def is_fault_of_caller(self) -> bool:
        """Whether another input would have worked (an unknown name, nobody at the place clicked at)."""
        return self.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}


def base_url(host: str, port: int, *, tls: bool) -> URL:
    """The address of an engine's API."""
    return URL.build(scheme="https" if tls else "http", host=host, port=port, path="/api/v1")


class SmartPtzClient:
    """Talks to one engine. The token travels in the Authorization header only, never in an address."""

    def __init__(self, session: aiohttp.ClientSession, url: URL, token: str | None = None) -> None:
        self._session = session
        self._url = url
        self._token = token

    @property
    def host(self) -> str | None:
        """The engine's host name or address."""
        return self._url.host

    # What the engine tells

    async def info(self) -> EngineInfo:
        """Who answers at the address; needs no token."""
        return _parsed(EngineInfo.from_json, await self._json("GET", "info"))

    async def create_token(self, username: str, password: str, name: str) -> str:
        """Exchanges a user's password for a long-lived token, which bears `name` in the engine's list of tokens.

        Raises NotPermittedError for a user who may not move cameras, besides what every request raises.
        """
        session = await self._json("POST", "session", {"username": username, "password": password})
        logged_in = SmartPtzClient(self._session, self._url, _parsed(_token_of, session))
        try:
            if session.get("role") == _LOOKS_ONLY:
                raise NotPermittedError("the user is neither an operator nor an administrator")
            return _parsed(_token_of, await logged_in._json("POST", "tokens", {"name": name}))
        finally:
            await logged_in.log_out()

    async def log_out(self) -> None:
        """Ends this client's token: the engine forgets it."""
        await self._json("DELETE", "session")

    async def state(self) -> EngineState:
        """The whole state."""
        return _parsed(EngineState.from_json, await self._json("GET", "state"))

    async def stream_credentials(self) -> StreamCredentials:
        """The user for the relay's RTSP streams."""
        return _parsed(StreamCredentials.from_json, await self._json("GET", "stream-credentials"))

    async def snapshot(self, channel_id: str) -> bytes:
        """The channel's newest picture as JPEG."""
        return await self._bytes(f"channels/{channel_id}/snapshot.jpg")

    async def capture_picture(self, capture_id: str) -> bytes:
        """The picture of a captured target as JPEG."""
        return await self._bytes(f"captures/{capture_id}/picture.jpg")

    async def capture_background(self, capture_id: str) -> bytes:
        """The whole scene in which a target was captured as JPEG."""
        return await self._bytes(f"captures/{capture_id}/background.jpg")

    # What the engine is asked to do

    async def move(self, channel_id: str, mode: str, **values: float) -> None:
        """Moves a PTZ channel. `values`: pan, tilt, zoom, speed, duration_s, in the units that the mode means."""
        await self._json("POST", f"channels/{channel_id}/ptz/move", {"mode": mode, **values})

    async def stop(self, channel_id: str) -> None:
        """Stops a PTZ channel's motors."""
        await self._json("POST", f"channels/{channel_id}/ptz/stop")

    async def home(self, channel_id: str) -> None:
        """Sends a PTZ channel to its home position."""
        await self._json("POST", f"channels/{channel_id}/ptz/home")

    async def goto_preset(self, channel_id: str, preset_id: str, speed: float | None = None) -> None:
        """Sends a PTZ channel to a preset; speed 0 to 1."""
        body = {} if speed is None else {"speed": speed}
        await self._json("POST", f"channels/{channel_id}/presets/{preset_id}/goto", body)

    async def look_at(self, link_id: str, x: float, y: float, width: float | None, height: float | None) -> None:
        """Points a link's PTZ channel at a place or box of the overview picture (0 to 1)."""
        values = {"x": x, "y": y, "width": width, "height": height}
        await self._json("POST", f"links/{link_id}/look_at", {k: v for k, v in values.items() if v is not None})

    async def track(self, link_id: str, x: float, y: float) -> str:
        """Follows whoever is at this place of the overview picture (0 to 1); the id of the track."""
        answer = await self._json("POST", f"links/{link_id}/track", {"x": x, "y": y})
        return _parsed(lambda data: str(data["track_id"]), answer)

    async def stop_tracking(self, link_id: str) -> None:
        """Ends the pursuit of a link's PTZ channel."""
        await self._json("POST", f"links/{link_id}/stop-tracking")

    # What changes

    async def listen(self) -> AsyncGenerator[Message]:
        """One connection to the WebSocket: first the whole state, then what changes, until the connection ends.

        Raises CannotConnectError when the connection cannot be made or breaks, InvalidAuthError and NotActivatedError.
        """
        try:
            async with self._session.ws_connect(
                self._url / "ws", headers=self._headers(), heartbeat=_HEARTBEAT_S, max_msg_size=_WEBSOCKET_LIMIT_BYTES
            ) as websocket:
                async for frame in websocket:
                    if frame.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    if (message := _parsed(_message, frame.data)) is not None:
                        yield message
                code = websocket.close_code
        except aiohttp.WSServerHandshakeError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise InvalidAuthError("the engine refused the token") from error
            if error.status == HTTPStatus.FORBIDDEN:
                raise NotActivatedError("the engine is not activated") from error
            raise CannotConnectError(f"the engine answered {error.status} to the WebSocket") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CannotConnectError(_reason(error)) from error
        if code == _CLOSED_NOT_AUTHENTICATED:
            raise InvalidAuthError("the engine no longer accepts the token")
        raise CannotConnectError(f"the engine closed the connection (code {code})")

    # How it travels

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _json(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        return await self._request(method, path, body, _read_json)

    async def _bytes(self, path: str) -> bytes:
        return await self._request("GET", path, None, aiohttp.ClientResponse.read)

    async def _request[T](
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        try:
            async with self._session.request(
                method, self._url / path, json=body, headers=self._headers(), timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise await _error_of(response)
                return await read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CannotConnectError(_reason(error)) from error


async def _read_json(response: aiohttp.ClientResponse) -> Json:
    """The body as a JSON object; an empty body is an empty object."""
    return _parsed(_object, await response.read() or b"{}")


async def _error_of(response: aiohttp.ClientResponse) -> SmartPtzError:
    """The exception for an answer that is not a success."""
    try:
        error = _object(await response.read())["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        # Not from the engine itself: a proxy, or another server at the address.
        code, message = "", f"the answer was {response.status} {response.reason}"
    if response.status == HTTPStatus.UNAUTHORIZED:
        return InvalidAuthError(message)
    if code == _NOT_ACTIVATED:
        return NotActivatedError(message)
    return ApiError(response.status, code, message)


def _object(data: str | bytes) -> Json:
    decoded = json.loads(data)
    if not isinstance(decoded, dict):
        raise TypeError("not a JSON object")
    return decoded


_PARTS: Final[Mapping[str, tuple[str, Callable[[Json], Message | None]]]] = {
    "hello": ("state", EngineState.from_json),
    "state": ("state", EngineState.from_json),
    "camera": ("camera", Camera.from_json),
    "channel": ("channel", Channel.from_json),
    "link": ("link", Link.from_json),
    "rule": ("rule", Rule.from_json),
    "event": ("event", event_from_json),
}
"""For each type of WebSocket message: the field that holds what it is about, and how that is read."""


def _message(data: str) -> Message | None:
    """What a WebSocket message says; None for types that this version does not know."""
    message = _object(data)
    key, parse = _PARTS.get(message["type"], ("type", _ignored))
    return parse(message[key])


def _ignored(_: object) -> None:
    return None


def _token_of(data: Json) -> str:
    return str(data["token"])


def _parsed[D, T](parse: Callable[[D], T], data: D) -> T:
    """Raises CannotConnectError when the answer is not what the engine's API promises."""
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotConnectError(f"unexpected answer, is this a Smart PTZ engine? ({error!r})") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
