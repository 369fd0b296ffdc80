"""HTTP with one camera: few connections, digest where it is wanted, limits of time and size; zeep's transport on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp
from lxml import etree

TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_CONNECTIONS = 4
"""Small cameras serve few connections at a time; moves and status polls need two."""


class NotConnected(ConnectionError):  # noqa: N818 - a state
    """There is no session: `CameraHttp.open` has not been called."""


class Unauthorized(Exception):  # noqa: N818 - an answer
    """HTTP status 401."""


class TooLarge(Exception):  # noqa: N818 - an answer
    """The answer is larger than anything sensible."""


def is_answer(fault: Exception) -> bool:
    """Whether a SOAP fault tells what the camera cannot do; otherwise only that it did not work this time."""
    told = (getattr(fault, "code", None), *(getattr(fault, "subcodes", None) or ()))
    return any(str(one).endswith(("Sender", "Client", "NotSupported", "NotImplemented")) for one in told)


@dataclass(frozen=True, slots=True)
class Reply:
    """What zeep wants to know of an HTTP answer."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    encoding: str | None = None


class Scheme(StrEnum):
    """How the camera wants to be told who we are."""

    NONE = "none"
    DIGEST = "HTTP digest"
    TOKEN = "WS-UsernameToken"  # noqa: S105 - the scheme's name


class CameraHttp:
    """The connections to one camera. With `digest` set, requests answer a digest challenge."""

    def __init__(self, username: str, password: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.digest = False
        self.digest_sent = False
        """Whether the password went out in a digest since this was last set to False."""
        self._username = username
        self._password = password
        self._session: aiohttp.ClientSession | None = None
        self._digest: aiohttp.DigestAuthMiddleware | None = None
        self._picture_digest: aiohttp.DigestAuthMiddleware | None = None

    def open(self) -> None:
        """Begins with fresh connections and no challenges known."""
        # Cameras sign their own certificates: the connection is private, the camera's identity is not proven.
        connector = aiohttp.TCPConnector(ssl=False, limit_per_host=MAX_CONNECTIONS, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        if self._username:
            self._digest = aiohttp.DigestAuthMiddleware(self._username, self._password)
            self._picture_digest = aiohttp.DigestAuthMiddleware(self._username, self._password)

    async def close(self) -> None:
        """Ends the connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        limit: int,
        patience_s: float = 0.0,
        *,
        picture: bool = False,
    ) -> Reply:
        """One HTTP exchange. Raises aiohttp's errors, TimeoutError, NotConnected, Unauthorized, TooLarge.

        `patience_s` is how much longer than usual the answer may take. A `picture` is fetched with digest always.
        """
        if self._session is None:
            raise NotConnected
        digest = self._picture_digest if picture else self._digest
        middlewares = (digest, self._watch) if digest and (picture or self.digest) else ()
        async with (
            asyncio.timeout(self.timeout_s + patience_s),
            self._session.request(
                method, url, data=body, headers=headers, middlewares=middlewares, allow_redirects=False
            ) as response,
        ):
            if response.status == 401:
                raise Unauthorized
            content = await response.content.read(limit + 1)
            while len(content) <= limit and (more := await response.content.read(limit + 1 - len(content))):
                content += more
            if len(content) > limit:
                raise TooLarge
            return Reply(response.status, content, dict(response.headers))

    async def _watch(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self.digest_sent = self.digest_sent or "Authorization" in request.headers
        return await handler(request)


class ZeepTransport:
    """What zeep sends its envelopes with. `patience_s`: see `CameraHttp.request`."""

    def __init__(self, http: CameraHttp, patience_s: float = 0.0) -> None:
        self._http = http
        self._patience_s = patience_s

    async def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Reply:
        """Sends an envelope."""
        body = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
        try:
            return await self._http.request("POST", address, body, headers, MAX_ANSWER_BYTES, self._patience_s)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionResetError):
            # The camera may close an idle connection at any time; the request has not been read then.
            return await self._http.request("POST", address, body, headers, MAX_ANSWER_BYTES, self._patience_s)
