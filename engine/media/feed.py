"""Fills the sources of the relay's pipelines with what a channel has: pictures, and metadata documents."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator

from engine.media.gst import GObject, Gst, with_pts
from engine.media.history import AccessUnit
from engine.media.sound import Sound

METADATA_PT = 107
"""The RTP payload type of metadata."""

_PRIME_STEP_NS = 100_000
_CLOCK_HZ = 90_000
_PIECE = 1200
_MAX_WAITING = 2**21
# What a client gets at once, so that the track exists before anything happened.
_NOTHING = b'<?xml version="1.0" encoding="UTF-8"?><tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"/>'

type Primer = Callable[[], list[AccessUnit]]


def running_ns(element: Gst.Element) -> int | None:
    """The running time of an element's pipeline; None before it runs."""
    clock, base_ns = element.get_clock(), element.get_base_time()
    return max(int(clock.get_time()) - int(base_ns), 0) if clock is not None else None


class VideoFeed:
    """Fills one running media with access units, beginning with the group of pictures that is under way."""

    def __init__(self, appsrc: Gst.Element, caps: Gst.Caps, primer: Primer) -> None:
        self._appsrc = appsrc
        self._primer = primer
        self._last: int | None = None
        self._running = False
        self._lock = threading.Lock()
        appsrc.set_property("caps", caps)
        appsrc.connect("need-data", self._on_need_data)

    def use(self, caps: Gst.Caps) -> None:
        """The units from now on have another format of the same codec."""
        with self._lock:
            self._appsrc.set_property("caps", caps)

    def _on_need_data(self, _appsrc: Gst.Element, _length: int) -> None:
        with self._lock:
            # Only a running media asks; before that its clock says nothing.
            self._running = True
            if self._last is None:
                self._prime()

    def _prime(self) -> None:
        # The group is handed over at once, with timestamps close together: a new client has a picture immediately
        # and is not left behind by the age of the key frame. The order of presentation is kept.
        units = self._primer()
        now_ns = running_ns(self._appsrc)
        if not units or now_ns is None:
            return
        ranks = {unit.number: rank for rank, unit in enumerate(sorted(units, key=lambda unit: unit.pts_ns))}
        begin_ns = max(now_ns - len(units) * _PRIME_STEP_NS, 0)
        for unit in units:
            self._push(unit, begin_ns + ranks[unit.number] * _PRIME_STEP_NS)
        self._last = units[-1].number

    def push(self, unit: AccessUnit) -> None:
        """Hands on the newest unit."""
        with self._lock:
            if not self._running:
                return
            if self._last is None:
                self._prime()
            now_ns = running_ns(self._appsrc)
            if self._last is None or now_ns is None or unit.number <= self._last:
                return
            self._last = unit.number
            # The jitter of the arrival stays out: the media's clock and the unit's are the same.
            self._push(unit, max(now_ns - (time.monotonic_ns() - unit.pts_ns), 0))

    def repeat(self, unit: AccessUnit) -> None:
        """Shows a key frame again, as if it were new."""
        with self._lock:
            now_ns = running_ns(self._appsrc)
            if self._last is not None and now_ns is not None:
                self._push(unit, now_ns)

    def _push(self, unit: AccessUnit, pts_ns: int) -> None:
        self._appsrc.emit("push-buffer", with_pts(unit.payload, pts_ns))


class SoundFeed:
    """Fills one running media with sound, beginning with a moment of silence."""

    def __init__(self, appsrc: Gst.Element, sound: Sound) -> None:
        self._appsrc = appsrc
        self._silence = sound.silence
        self._running = False
        self._lock = threading.Lock()
        appsrc.set_property("caps", Gst.Caps.from_string(sound.caps))
        appsrc.connect("need-data", self._on_need_data)

    def _on_need_data(self, _appsrc: Gst.Element, _length: int) -> None:
        with self._lock:
            now_ns = running_ns(self._appsrc)
            if not self._running and now_ns is not None:
                # GstRtspServer describes nothing before every track has begun, and a camera that is away is silent.
                self._running = True
                self._appsrc.emit("push-buffer", with_pts(Gst.Buffer.new_wrapped(self._silence), now_ns))

    def push(self, payload: Gst.Buffer, pts_ns: int) -> None:
        """Hands on a piece of sound that belongs to an instant (the system's monotonic clock)."""
        with self._lock:
            now_ns = running_ns(self._appsrc)
            if self._running and now_ns is not None:
                begin_ns = max(now_ns - (time.monotonic_ns() - pts_ns), 0)
                self._appsrc.emit("push-buffer", with_pts(payload, begin_ns))


class MetadataTrack(Gst.Bin):  # type: ignore[misc]  # GObject has no types
    """An RTP payloader of its own: metadata documents in, RTP packets out (ONVIF Streaming specification).

    A subclass of GStreamer's payloader would not do: what it hands to Python can never be written to.
    """

    __gtype_name__ = "SmartPtzMetadataTrack"
    __gproperties__ = {
        "pt": (GObject.TYPE_UINT, "pt", "RTP payload type", 0, 127, METADATA_PT, GObject.ParamFlags.READWRITE)
    }

    def __init__(self) -> None:
        super().__init__()
        self._pt = METADATA_PT
        self._packets = _Packets()
        self._running = False
        self._lock = threading.Lock()
        self._appsrc = Gst.ElementFactory.make("appsrc")
        self._appsrc.set_property("format", Gst.Format.TIME)
        self._appsrc.set_property("is-live", True)
        self._appsrc.set_property("max-bytes", 0)
        self._appsrc.set_property("caps", self._packets.caps(self._pt))
        self._appsrc.connect("need-data", self._on_need_data)
        # Where no client takes the track, that is no error for the others.
        fork = Gst.ElementFactory.make("tee")
        fork.set_property("allow-not-linked", True)
        self.add(self._appsrc)
        self.add(fork)
        self._appsrc.link(fork)
        self.add_pad(Gst.GhostPad.new("src", fork.request_pad_simple("src_%u")))

    def do_get_property(self, _spec: GObject.ParamSpec) -> int:
        """The payload type, the only property."""
        return self._pt

    def do_set_property(self, _spec: GObject.ParamSpec, value: int) -> None:
        """GstRtspServer gives every track a payload type of its own."""
        self._pt = value
        self._appsrc.set_property("caps", self._packets.caps(value))

    def _on_need_data(self, _appsrc: Gst.Element, _length: int) -> None:
        with self._lock:
            now_ns = running_ns(self._appsrc)
            if not self._running and now_ns is not None:
                self._running = True
                self._send(_NOTHING, now_ns)

    def push(self, document: bytes, pts_ns: int) -> None:
        """Sends a document that belongs to the picture of this instant (the system's monotonic clock).

        Documents for clients that are too slow are dropped whole.
        """
        with self._lock:
            now_ns = running_ns(self._appsrc)
            full = self._appsrc.get_property("current-level-bytes") + len(document) > _MAX_WAITING
            if self._running and now_ns is not None and not full:
                self._send(document, max(now_ns - (time.monotonic_ns() - pts_ns), 0))

    def _send(self, document: bytes, pts_ns: int) -> None:
        for packet in self._packets.of(document, self._pt, pts_ns):
            buffer = Gst.Buffer.new_wrapped(packet)
            buffer.pts = pts_ns
            self._appsrc.emit("push-buffer", buffer)


class _Packets:
    """Makes the RTP packets of one track (RFC 3550 section 5.1)."""

    def __init__(self) -> None:
        self._ssrc = secrets.randbits(32)
        self._sequence = self._first = secrets.randbits(15)
        self._offset = secrets.randbits(32)

    def caps(self, payload_type: int) -> Gst.Caps:
        return Gst.Caps.from_string(
            "application/x-rtp,media=application,encoding-name=VND.ONVIF.METADATA,"
            f"clock-rate={_CLOCK_HZ},payload={payload_type},ssrc=(uint){self._ssrc},"
            f"timestamp-offset=(uint){self._offset},seqnum-offset=(uint){self._first}"
        )

    def of(self, document: bytes, payload_type: int, pts_ns: int) -> Iterator[bytes]:
        stamp = (self._offset + pts_ns * _CLOCK_HZ // 1_000_000_000) % 2**32
        for begin in range(0, len(document), _PIECE):
            piece = document[begin : begin + _PIECE]
            # The marker tells the last packet of a document.
            marker = 0x80 if begin + _PIECE >= len(document) else 0
            header = bytes((0x80, marker | payload_type)) + self._sequence.to_bytes(2)
            self._sequence = (self._sequence + 1) % 2**16
            yield header + stamp.to_bytes(4) + self._ssrc.to_bytes(4) + piece
