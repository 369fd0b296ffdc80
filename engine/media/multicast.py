"""What the relay sends by multicast without being asked: an RTSP client of our own asks for it."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.media.messages import SetMulticast
from engine.media.tracks import Path
from engine.media.values import RelayUser, Target, Tracks

_log = logging.getLogger(__name__)

_ANSWER_S = 20.0
_ALIVE_S = 20.0
_MAX_BODY = 2**16
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: str


class _Conversation:
    """RTSP over one connection. Everything raises OSError when it breaks, and ValueError for what is no answer."""

    def __init__(self, address: tuple[str, int], user: RelayUser) -> None:
        self._socket = socket.create_connection(address, _ANSWER_S)
        self._file = self._socket.makefile("rb")
        self._user = user
        self._challenge: tuple[str, str] | None = None
        self._count = 0

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, method: str, url: str, **headers: str) -> _Answer:
        """The answer, with the password if that is asked for. Raises OSError for a refusal."""
        answer = self._exchange(method, url, headers)
        if answer.status == _UNAUTHORIZED:
            fields = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers.get("www-authenticate", "")))
            self._challenge = (fields.get("realm", ""), fields.get("nonce", ""))
            answer = self._exchange(method, url, headers)
        if answer.status != 200:
            raise OSError(f"the relay refuses {method} ({answer.status})")
        return answer

    def _exchange(self, method: str, url: str, headers: Mapping[str, str]) -> _Answer:
        self._count += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._count}"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        if self._challenge is not None:
            lines.append(f"Authorization: {self._authorization(method, url, *self._challenge)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status = self._line().split()
        if len(status) < 2 or not status[1].isdecimal():
            raise ValueError("no RTSP answer")
        answer: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            # The last challenge is the one of MD5.
            answer[name.strip().lower()] = value.strip()
        length = int(answer.get("content-length", "0"))
        if not 0 <= length <= _MAX_BODY:
            raise ValueError(f"an answer of {length} bytes")
        return _Answer(int(status[1]), answer, self._file.read(length).decode())

    def _line(self) -> str:
        line = self._file.readline(_MAX_BODY)
        if not line:
            raise OSError("the relay ended the connection")
        return line.decode().rstrip("\r\n")

    def _authorization(self, method: str, url: str, realm: str, nonce: str) -> str:
        def digest(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        name = self._user.name
        secret = digest(f"{name}:{realm}:{self._user.password}")
        response = digest(f"{secret}:{nonce}:{digest(f'{method}:{url}')}")
        return f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{url}", response="{response}"'


class _Sender:
    """Makes the relay send some tracks of a path as long as it lives. Works in a thread of its own."""

    def __init__(self, address: tuple[str, int], channel_path: str, user: RelayUser, numbers: Sequence[int]) -> None:
        self._address = address
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self._url = f"rtsp://{host}:{address[1]}{channel_path}"
        self._user = user
        self._numbers = numbers
        self._ending = threading.Event()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="multicast", daemon=True)
        self._thread.start()

    @property
    def works(self) -> bool:
        return self._thread.is_alive() and not self._ending.is_set()

    def end(self) -> None:
        self._ending.set()

    def _run(self) -> None:
        try:
            talk = _Conversation(self._address, self._user)
        except OSError as error:
            self.trouble = str(error)
            return
        try:
            session = self._begin(talk)
            while not self._ending.wait(_ALIVE_S):
                talk.ask("GET_PARAMETER", self._url, session=session)
            with suppress(OSError):
                talk.ask("TEARDOWN", self._url, session=session)
        except (OSError, ValueError) as error:
            self.trouble = str(error)
        finally:
            talk.close()

    def _begin(self, talk: _Conversation) -> str:
        described = talk.ask("DESCRIBE", self._url, accept="application/sdp").body
        controls = re.findall(r"^a=control:([^*\r\n]+)", described.partition("\nm=")[2], re.MULTILINE)
        headers: dict[str, str] = {}
        for number in self._numbers:
            url = controls[number] if controls[number].startswith("rtsp") else f"{self._url}/{controls[number]}"
            answer = talk.ask("SETUP", url, transport="RTP/AVP;multicast", **headers)
            headers["session"] = answer.headers.get("session", "").partition(";")[0]
        talk.ask("PLAY", self._url, **headers)
        return headers["session"]


class Multicasts:
    """What was ordered for each channel, and the senders that carry it out. All in the main loop, but `targets`.

    A sender asks by RTSP like everybody: so it shares the pipeline of those who ask for multicast themselves, and
    nothing is sent twice to one address. `address` is the relay's, `user` one that it lets in.
    """

    def __init__(self, address: tuple[str, int], user: RelayUser) -> None:
        self._address = address
        self._user = user
        self._orders: dict[str, tuple[dict[Tracks, Target], Tracks]] = {}
        self._senders: dict[str, tuple[Path, Tracks, _Sender]] = {}
        self._troubles: dict[str, str] = {}

    def targets(self, channel: str) -> Mapping[Tracks, Target]:
        """Where the tracks of a channel go."""
        return self._orders.get(channel, ({}, Tracks(0)))[0]

    def order(self, order: SetMulticast) -> bool:
        """Takes note of an order; tells whether a target is another now."""
        before = self.targets(order.channel)
        targets = {Tracks[name]: target for name, target in order.targets.items()}
        wanted = Tracks(sum(Tracks[name].value for name in order.sending))
        self._orders[order.channel] = (targets, wanted)
        return before != targets

    def send(self, channel: str, path: Path, url_path: str) -> None:
        """Sends what is ordered of a channel, and nothing else; again where that broke off."""
        targets, wanted = self._orders.get(channel, ({}, Tracks(0)))
        known = self._senders.get(channel)
        if known is not None:
            self._tell(channel, known[2].trouble)
            if known[:2] == (path, wanted) and known[2].works:
                return
            self.stop(channel)
        numbers = [number for number, track in enumerate(path.tracks) if track in wanted and track in targets]
        if numbers:
            self._senders[channel] = (path, wanted, _Sender(self._address, url_path, self._user, numbers))

    def _tell(self, channel: str, trouble: str) -> None:
        if trouble and self._troubles.get(channel) != trouble:
            _log.warning("channel %s cannot be sent by multicast: %s; it is tried again", channel, trouble)
        self._troubles[channel] = trouble

    def stop(self, channel: str) -> None:
        """Ends what is sent of a channel."""
        known = self._senders.pop(channel, None)
        if known is not None:
            known[2].end()
