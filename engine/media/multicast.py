"""What the relay sends by multicast without being asked: an RTSP client of our own asks for it."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from engine.media.conversation import Conversation
from engine.media.messages import SetMulticast
from engine.media.tracks import Path
from engine.media.values import RelayUser, Target, Tracks

_log = logging.getLogger(__name__)

_ALIVE_S = 20.0


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
            talk = Conversation(self._address, self._user.name, self._user.password)
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

    def _begin(self, talk: Conversation) -> str:
        described = talk.ask("DESCRIBE", self._url, accept="application/sdp").body
        controls = re.findall(r"^a=control:([^*\r\n]+)", described.partition("\nm=")[2], re.MULTILINE)
        headers: dict[str, str] = {}
        if max(self._numbers) >= len(controls):
            raise ValueError(f"{len(controls)} tracks are described where {max(self._numbers) + 1} were expected")
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
