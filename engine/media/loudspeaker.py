"""A camera's loudspeaker: a connection of its own to the camera, as long as somebody speaks (ONVIF back channel).

Not GStreamer's `rtspsrc`: what it does with the references of what is pushed into it depends on its version, and the
wrong one ends the process.
"""

from __future__ import annotations

import logging
import queue
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from engine.media.conversation import Conversation, RefusedError
from engine.media.floor import HOLD_S
from engine.media.timing import REFUSED_DELAY_S
from engine.media.values import StreamSource

REQUIREMENT = "www.onvif.org/ver20/backchannel"
"""What a client names in the header `Require` to see a back channel."""

RETRY_S = 10.0
"""A camera that failed is left alone for so long."""

_log = logging.getLogger(__name__)

_ALIVE_S = 20.0
_MAX_WAITING = 50  # a second of usual packets: what is said while the camera is being called
_G711 = {0: "PCMU", 8: "PCMA"}
_TELEPHONE_HZ = 8000
_REFUSED = {401, 403}


@dataclass(frozen=True, slots=True)
class Outlet:
    """The back channel in a camera's description: where it is set up, the payload type and the encoding it takes."""

    url: str
    payload_type: int
    encoding: str


def outlet_of(description: str, base: str) -> Outlet | None:
    """The first back channel for G.711 in a session description (SDP); None if there is none."""
    for section in re.split(r"^(?=m=)", description, flags=re.MULTILINE)[1:]:
        lines = section.splitlines()
        kind = lines[0].removeprefix("m=").split()
        control = next((line.removeprefix("a=control:") for line in lines if line.startswith("a=control:")), "")
        if kind[:1] != ["audio"] or "a=sendonly" not in (line.strip() for line in lines) or not control:
            continue
        names = {int(number): name.upper() for number, name in re.findall(r"a=rtpmap:(\d{1,3}) (\S+)", section)}
        for number in (int(one) for one in kind[3:] if re.fullmatch(r"\d{1,3}", one)):
            encoding, _, clock = names.get(number, f"{_G711.get(number, '')}/{_TELEPHONE_HZ}").partition("/")
            if number < 128 and encoding in _G711.values() and clock.partition("/")[0] == str(_TELEPHONE_HZ):
                return Outlet(_resolved(control.strip(), base), number, encoding)
    return None


def _resolved(control: str, base: str) -> str:
    """An address in a description: what is relative follows the base, as cameras mean it, even after a query."""
    return control if "://" in control else f"{base.removesuffix('/')}/{control}"


def _a_law_of(code: int) -> int:
    """A sample of PCMU as PCMA (ITU-T G.711), by its linear value."""
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84 << (inverted >> 4 & 7)) - 0x84
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = magnitude >> max(exponent + 3, 4) & 0x0F
    is_positive = not inverted & 0x80 or not magnitude
    return (is_positive << 7 | exponent << 4 | mantissa) ^ 0x55


TO_PCMA = bytes(_a_law_of(code) for code in range(256))
"""Translates PCMU into PCMA."""


class Loudspeaker:
    """Plays what is said (PCMU) at a camera. The camera is called with the first sound, and left after the last."""

    def __init__(self, source: StreamSource) -> None:
        self._source = source
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._closed = False

    def say(self, sound: bytes) -> None:
        """Plays a piece of sound after those before. Never waits: what a slow camera does not take is dropped."""
        with self._lock:
            if self._closed or time.monotonic() < self._not_before:
                return
            with suppress(queue.Full):
                self._waiting.put_nowait(sound)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="loudspeaker", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends it, for good."""
        with self._lock:
            self._closed = True
            # Full: then the thread is about to look, and sees that this is closed.
            with suppress(queue.Full):
                self._waiting.put_nowait(None)

    def _run(self) -> None:
        try:
            self._play()
        except (OSError, ValueError) as error:
            refused = isinstance(error, RefusedError) and error.status in _REFUSED
            delay_s = REFUSED_DELAY_S if refused else RETRY_S
            self._not_before = time.monotonic() + delay_s
            # What nobody heard is not to be heard later.
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
            _log.warning(
                "nothing can be said at channel %s: %s; it is tried again in %.0f s at the soonest",
                self._source.channel,
                error,
                delay_s,
            )
        finally:
            with self._lock:
                # Perhaps another one has begun already.
                if self._thread is threading.current_thread():
                    self._thread = None

    def _play(self) -> None:
        conversation = Conversation.at(self._source.url, self._source.username, self._source.password)
        try:
            outlet, base, session, number = self._begin(conversation)
            packets = _Packets(outlet.payload_type)
            alive_at = time.monotonic() + _ALIVE_S
            for sound in self._sounds():
                conversation.drain()
                encoded = sound.translate(TO_PCMA) if outlet.encoding == "PCMA" else sound
                conversation.send_packet(number, packets.of(encoded))
                if time.monotonic() > alive_at:
                    conversation.ask("OPTIONS", base, session=session)
                    alive_at = time.monotonic() + _ALIVE_S
            with suppress(OSError, ValueError):
                conversation.ask("TEARDOWN", base, session=session, require=REQUIREMENT)
        finally:
            conversation.close()

    def _sounds(self) -> Iterator[bytes]:
        """What is to be said, until there is silence. Whoever speaks after that calls the camera anew."""
        while not self._closed:
            try:
                sound = self._waiting.get(timeout=HOLD_S)
            except queue.Empty:
                sound = None
            if sound is not None:
                yield sound
                continue
            with self._lock:
                if self._closed or self._waiting.empty():
                    self._thread = None
                    return

    def _begin(self, conversation: Conversation) -> tuple[Outlet, str, str, int]:
        url = self._source.url
        described = conversation.ask("DESCRIBE", url, accept="application/sdp", require=REQUIREMENT)
        base = described.headers.get("content-base") or described.headers.get("content-location") or url
        outlet = outlet_of(described.body, base)
        if outlet is None:
            raise ValueError("the camera describes no back channel for G.711")
        answer = conversation.ask(
            "SETUP", outlet.url, transport="RTP/AVP/TCP;unicast;interleaved=0-1", require=REQUIREMENT
        )
        session = answer.headers.get("session", "").partition(";")[0]
        conversation.ask("PLAY", base, session=session, require=REQUIREMENT)
        return outlet, base, session, _channel_of(answer.headers.get("transport", ""))


def _channel_of(transport: str) -> int:
    """The channel that a camera's answer gives to the packets. Raises ValueError for one that cannot be."""
    found = re.search(r"interleaved=(\d{1,3})", transport)
    number = int(found[1]) if found is not None else 0
    if number > 255:
        raise ValueError(f"the camera gives the channel {number} to the sound")
    return number


class _Packets:
    """Makes the RTP packets of one call (RFC 3550 section 5.1)."""

    def __init__(self, payload_type: int) -> None:
        self._payload_type = payload_type
        self._ssrc = secrets.token_bytes(4)
        self._sequence = secrets.randbits(15)
        self._stamp = secrets.randbits(32)
        self._mark = 0x80  # of the first packet of speech

    def of(self, sound: bytes) -> bytes:
        header = bytes((0x80, self._mark | self._payload_type)) + self._sequence.to_bytes(2)
        packet = header + self._stamp.to_bytes(4) + self._ssrc + sound
        self._sequence = (self._sequence + 1) % 2**16
        # A sample is a byte, and the clock counts samples.
        self._stamp = (self._stamp + len(sound)) % 2**32
        self._mark = 0
        return packet
