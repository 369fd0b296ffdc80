"""RTSP as a client speaks it, over one connection: requests, passwords, and packets between them."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ANSWER_S = 20.0
"""The time that a server has for an answer."""

_MAX_BODY = 2**16
_MAX_LINES = 100
_OK, _UNAUTHORIZED = 200, 401
_DOLLAR = b"$"
_PORTS = {"rtsp": 554, "rtsps": 322}
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')


class RefusedError(OSError):
    """The server answers, but not with what was asked for; `status` is RTSP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str
    challenges: Sequence[str] = ()


class Conversation:
    """RTSP over one connection. Everything raises OSError when it breaks, and ValueError for what is no answer."""

    def __init__(self, address: tuple[str, int], username: str, password: str, *, secure: bool = False) -> None:
        self._socket = _connect(address, secure=secure)
        self._buffer = bytearray()
        self._username, self._password = username, password
        self._challenge = ""
        self._count = 0
        self._deadline = 0.0

    @classmethod
    def at(cls, url: str, username: str, password: str) -> Conversation:
        """With the server of an address; `rtsps://` in TLS."""
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 554))
        return cls(address, username, password, secure=parts.scheme == "rtsps")

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def ask(self, method: str, url: str, **headers: str) -> Answer:
        """The answer, with the password if that is asked for. Raises RefusedError for a refusal."""
        answer = self._exchange(method, url, headers)
        if answer.status == _UNAUTHORIZED and (challenge := _best(answer.challenges)):
            self._challenge = challenge
            answer = self._exchange(method, url, headers)
        if answer.status != _OK:
            raise RefusedError(f"{method} is refused ({answer.status})", answer.status)
        return answer

    def send_packet(self, number: int, packet: bytes) -> None:
        """Sends a packet on one of the channels of the connection itself (RFC 2326 section 10.12)."""
        self._send(_DOLLAR + bytes((number,)) + len(packet).to_bytes(2) + packet)

    def drain(self) -> None:
        """Reads away what the server sends by itself, as far as it is there and whole."""
        if self._readable():
            self._receive()
        while self._buffer:
            if self._buffer[:1] != _DOLLAR:
                raise ValueError("an answer that nobody asked for")
            if len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[2:4]):
                return
            self._skip_packet()

    def _send(self, message: bytes) -> None:
        self._socket.settimeout(ANSWER_S)
        self._socket.sendall(message)

    def _receive(self) -> None:
        received = self._socket.recv(_MAX_BODY)
        if not received:
            raise OSError("the connection was ended from there")
        self._buffer += received

    def _readable(self) -> bool:
        pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
        return pending or bool(select.select([self._socket], [], [], 0)[0])

    def _exchange(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        self._count += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._count}"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        if self._challenge:
            lines.append(f"Authorization: {self._authorization(method, url)}")
        self._send("\r\n".join([*lines, "", ""]).encode())
        self._deadline = time.monotonic() + ANSWER_S
        while self._peek() == _DOLLAR:
            self._skip_packet()
        return self._answer()

    def _answer(self) -> Answer:
        status = self._line().split()
        if len(status) < 2 or not status[1].isdecimal():
            raise ValueError("no RTSP answer")
        answer: dict[str, str] = {}
        challenges: list[str] = []
        for line in self._head():
            name, _, value = line.partition(":")
            answer[name.strip().lower()] = value.strip()
            if name.strip().lower() == "www-authenticate":
                challenges.append(value.strip())
        length = int(answer.get("content-length", "0"))
        if not 0 <= length <= _MAX_BODY:
            raise ValueError(f"an answer of {length} bytes")
        return Answer(int(status[1]), answer, self._take(length).decode(), challenges)

    def _head(self) -> Iterator[str]:
        for _ in range(_MAX_LINES):
            if not (line := self._line()):
                return
            yield line
        raise ValueError("an answer without end")

    def _peek(self) -> bytes:
        self._fill(1)
        return bytes(self._buffer[:1])

    def _skip_packet(self) -> None:
        self._take(int.from_bytes(self._take(4)[2:]))

    def _take(self, count: int) -> bytes:
        self._fill(count)
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_BODY:
                raise ValueError("a line without end")
            self._fill(len(self._buffer) + 1)
        return self._take(end + 1).decode().rstrip("\r\n")

    def _fill(self, count: int) -> None:
        while len(self._buffer) < count:
            # All of an answer in time: one that comes in drops, or after packets without end, is none.
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"no answer for {ANSWER_S:.0f} s")
            self._socket.settimeout(left_s)
            self._receive()

    def _authorization(self, method: str, url: str) -> str:
        scheme, _, rest = self._challenge.partition(" ")
        if scheme.lower() == "basic":
            return "Basic " + base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        hashing = _HASHES[fields.get("algorithm", "MD5").upper()]

        def digest(text: str) -> str:
            return hashing(text.encode(), usedforsecurity=False).hexdigest()

        realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
        secret = digest(f"{self._username}:{realm}:{self._password}")
        request, middle, more = digest(f"{method}:{url}"), nonce, ""
        if "auth" in re.split(r"[\s,]+", fields.get("qop", "")):
            own, count = secrets.token_hex(8), f"{self._count:08x}"
            middle = f"{nonce}:{count}:{own}:auth"
            more = f', qop=auth, nc={count}, cnonce="{own}"'
        if "algorithm" in fields:
            more += f", algorithm={fields['algorithm']}"
        if "opaque" in fields:
            more += f', opaque="{fields["opaque"]}"'
        response = digest(f"{secret}:{middle}:{request}")
        return (
            f'Digest username="{self._username}", realm="{realm}", nonce="{nonce}", uri="{url}", '
            f'response="{response}"{more}'
        )


def _connect(address: tuple[str, int], *, secure: bool) -> socket.socket:
    plain = socket.create_connection(address, ANSWER_S)
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=address[0])
    except OSError:
        plain.close()
        raise


def _best(challenges: Sequence[str]) -> str:
    """The challenge to answer: digest before basic; "" if there is none that we understand."""
    known = []
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        if scheme.lower() == "digest" and fields.get("algorithm", "MD5").upper() in _HASHES:
            known.append((0, challenge))
        elif scheme.lower() == "basic":
            known.append((1, challenge))
    return min(known, default=(0, ""))[1]
