"""From encoded pictures to BGR: continuously for analysis, once for a snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.media.gst import Gst, decoder_for, launch, with_pts
from engine.media.history import AccessUnit
from engine.media.ring import RingFormat
from engine.media.timing import RateLimiter

MAX_WAITING = 30
"""Encoded pictures that may wait for the decoder, before it is sent on to the next key frame."""

SNAPSHOT_S = 8.0
"""The longest that decoding one snapshot may take."""

_REMEMBERED = 256


class DecodingError(Exception):
    """A picture cannot be decoded; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A BGR picture; `pixels` holds `shape.stride` bytes a row."""

    shape: RingFormat
    pixels: bytes
    captured_at: float
    arrived_at: float


def _unpack(sample: Gst.Sample, unit: AccessUnit) -> Decoded:
    structure = sample.get_caps().get_structure(0)
    width, height = structure.get_value("width"), structure.get_value("height")
    buffer = sample.get_buffer()
    mapped, info = buffer.map(Gst.MapFlags.READ)
    if not mapped:
        raise DecodingError("the decoded picture's memory cannot be read")
    try:
        shape = RingFormat(width, height, info.size // height)
        return Decoded(shape, bytes(info.data), unit.captured_at, unit.arrived_at)
    finally:
        buffer.unmap(info)


def _push(appsrc: Gst.Element, unit: AccessUnit) -> bool:
    return bool(appsrc.emit("push-buffer", with_pts(unit.payload, unit.pts_ns)) == Gst.FlowReturn.OK)


class AnalysisDecoder:
    """Decodes everything, but scales and converts only what is due. `deliver` is called in the decoder's thread."""

    def __init__(self, caps: Gst.Caps, *, width: int, fps: float, deliver: Callable[[Decoded], None]) -> None:
        self._limiter = RateLimiter(fps)
        self._deliver = deliver
        self._units: dict[int, AccessUnit] = {}
        self._lock = threading.Lock()
        self._need_key = True
        self.undecoded = 0
        self._pipeline = launch(
            "appsrc name=units format=time is-live=true max-bytes=0 "
            f"! {decoder_for(caps, threads=False)} ! identity name=gate silent=true "
            f"! videoscale n-threads=1 ! videoconvert n-threads=1 "
            f"! video/x-raw,format=BGR,width=[1,{width}],pixel-aspect-ratio=1/1 "
            "! appsink name=pictures emit-signals=true sync=false async=false max-buffers=1 drop=true"
        )
        self._appsrc = self._pipeline.get_by_name("units")
        self._appsrc.set_property("caps", caps)
        gate = self._pipeline.get_by_name("gate").get_static_pad("sink")
        gate.add_probe(Gst.PadProbeType.BUFFER, self._on_decoded)
        self._pipeline.get_by_name("pictures").connect("new-sample", self._on_picture)
        self._pipeline.set_state(Gst.State.PLAYING)

    def push(self, unit: AccessUnit) -> None:
        """Takes the next access unit; never waits."""
        if self._need_key and not unit.key:
            self.undecoded += 1
            return
        if self._appsrc.get_property("current-level-buffers") >= MAX_WAITING:
            self._need_key = True
            self.undecoded += 1
            return
        self._need_key = False
        with self._lock:
            self._units[unit.pts_ns] = unit
            while len(self._units) > _REMEMBERED:
                self._units.pop(next(iter(self._units)))
        if not _push(self._appsrc, unit):
            self._need_key = True

    def failure(self) -> str | None:
        """What made the decoder stop, if anything did."""
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        return message.parse_error()[0].message if message is not None else None

    def close(self) -> None:
        """Ends the decoder. Must not be called from its own threads."""
        self._pipeline.set_state(Gst.State.NULL)

    def _on_decoded(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        buffer = info.get_buffer()
        with self._lock:
            unit = self._units.get(buffer.pts)
        if unit is None or not self._limiter.passes(unit.captured_at):
            return Gst.PadProbeReturn.DROP
        return Gst.PadProbeReturn.OK

    def _on_picture(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        with self._lock:
            unit = self._units.pop(sample.get_buffer().pts, None)
        if unit is not None:
            self._deliver(_unpack(sample, unit))
        return Gst.FlowReturn.OK


def decode_snapshot(caps: Gst.Caps, group: list[AccessUnit], wanted: AccessUnit) -> Decoded:
    """Decodes a group of pictures up to the wanted one, in full resolution. Blocks; raises DecodingError."""
    pipeline = launch(
        "appsrc name=units format=time max-bytes=0 "
        f"! {decoder_for(caps, threads=True)} ! identity name=gate silent=true "
        "! videoconvert ! video/x-raw,format=BGR ! appsink name=pictures sync=false"
    )
    appsrc = pipeline.get_by_name("units")
    appsrc.set_property("caps", caps)

    def only_wanted(_pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        return Gst.PadProbeReturn.OK if info.get_buffer().pts == wanted.pts_ns else Gst.PadProbeReturn.DROP

    pipeline.get_by_name("gate").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, only_wanted)
    try:
        pipeline.set_state(Gst.State.PLAYING)
        for unit in group:
            _push(appsrc, unit)
        appsrc.emit("end-of-stream")
        sample = pipeline.get_by_name("pictures").emit("try-pull-sample", int(SNAPSHOT_S * Gst.SECOND))
        if sample is None:
            raise DecodingError("the picture could not be decoded (its stream may be damaged)")
        return _unpack(sample, wanted)
    finally:
        pipeline.set_state(Gst.State.NULL)
