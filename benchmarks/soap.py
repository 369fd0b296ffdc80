"""A small SOAP client for benchmarks: it costs little itself, and logs in as cameras' clients do.

Digest (one challenge, then counted requests on it), or a WS-UsernameToken in each request.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.onvif_names import PREFIXES
from demo.processes import ProcessFailed

DEVICE_PATH = "/onvif/device_service"
UNAUTHORIZED = 401

_SECURITY = (
    "<wsse:Security><wsse:UsernameToken>"
    "<wsse:Username>{user}</wsse:Username><wsse:Password Type="
    '"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest">'
    "{digest}</wsse:Password><wsse:Nonce>{nonce}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
    "</wsse:UsernameToken></wsse:Security>"
)
_OPEN = "<s:Envelope " + " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items()) + ">"


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to be, and how to say so: `digest`, `token` or `nobody`."""

    user: str
    password: str
    scheme: str = "digest"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    head: str
    body: bytes


class SoapClient:
    """One connection that stays. Raises ProcessFailed where the device does not answer as HTTP does."""

    def __init__(self, host: str, port: int, login: Login) -> None:
        self._host, self._port, self._login = host, port, login
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._nonce, self._realm, self._count = "", "", 0

    async def call(self, body: str, path: str = DEVICE_PATH) -> Reply:
        """Sends the content of a body; logs in (again) where the device asks for it."""
        reply = await self._send(body, path)
        if reply.status == UNAUTHORIZED and self._login.scheme == "digest":
            self._challenged(reply.head)
            reply = await self._send(body, path)
        return reply

    async def expect(self, body: str, path: str = DEVICE_PATH) -> bytes:
        """As `call`, but anything other than success is a failure of the benchmark."""
        reply = await self.call(body, path)
        if reply.status != 200:
            raise ProcessFailed(f"{body[:80]} was answered with {reply.status}: {reply.body[-600:].decode()}")
        return reply.body

    async def raw(self, document: bytes, path: str = DEVICE_PATH) -> Reply:
        """Sends any bytes, as nobody."""
        return await self._exchange(document, path, "")

    async def close(self) -> None:
        """Ends the connection; the next request opens another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = self._reader = None

    async def _send(self, body: str, path: str) -> Reply:
        header = f"<s:Header>{self._token()}</s:Header>" if self._login.scheme == "token" else ""
        return await self._exchange(
            f"{_OPEN}{header}<s:Body>{body}</s:Body></s:Envelope>".encode(), path, self._authorization(path)
        )

    async def _exchange(self, document: bytes, path: str, authorization: str) -> Reply:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/soap+xml; charset=utf-8\r\nContent-Length: {len(document)}\r\n"
            f"{authorization}\r\n"
        )
        self._writer.write(head.encode() + document)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: (\d+)", answer)
        if length is None:
            raise ProcessFailed(f"the device answered without a length: {answer}")
        content = await self._reader.readexactly(int(length[1]))
        if "connection: close" in answer.lower():
            await self.close()
        return Reply(int(answer.split(" ", 2)[1]), answer, content)

    def _token(self) -> str:
        nonce = secrets.token_bytes(16)
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        secret = nonce + created.encode() + self._login.password.encode()
        return _SECURITY.format(
            user=self._login.user,
            digest=base64.b64encode(hashlib.sha1(secret).digest()).decode(),
            nonce=base64.b64encode(nonce).decode(),
            created=created,
        )

    def _challenged(self, head: str) -> None:
        found = {name: re.search(rf'(?i)www-authenticate: digest [^\r]*{name}="([^"]*)"', head) for name in _CHALLENGE}
        nonce, realm = found["nonce"], found["realm"]
        if nonce is None or realm is None:
            raise ProcessFailed(f"the device refuses without a challenge: {head}")
        self._nonce, self._realm, self._count = nonce[1], realm[1], 0

    def _authorization(self, path: str) -> str:
        if self._login.scheme != "digest" or not self._nonce:
            return ""
        self._count += 1
        count, own = f"{self._count:08x}", "benchmark"
        who = _md5(f"{self._login.user}:{self._realm}:{self._login.password}")
        response = _md5(f"{who}:{self._nonce}:{count}:{own}:auth:{_md5(f'POST:{path}')}")
        return (
            f'Authorization: Digest username="{self._login.user}", realm="{self._realm}", nonce="{self._nonce}", '
            f'uri="{path}", qop=auth, nc={count}, cnonce="{own}", algorithm=MD5, response="{response}"\r\n'
        )


_CHALLENGE = ("nonce", "realm")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def address_in(body: bytes) -> str:
    """The path of the subscription that an answer speaks of. Raises ProcessFailed."""
    found = re.search(rb"<wsa:Address[^>]*>https?://[^/<]+(/[^<]+)<", body)
    if found is None:
        raise ProcessFailed(f"no subscription in {body.decode()}")
    return found[1].decode()
