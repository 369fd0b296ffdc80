"""One stream, kept open: connects, cuts the video into access units, notices loss, tries again."""

from __future__ import annotations

import time
from concurrent.futures import Executor
from typing import Protocol

from engine.media.gst import CODECS, ENCODING_NAMES, GLib, Gst, MissingElementError, details, launch
from engine.media.history import AccessUnit
from engine.media.sound import Sound, sound_of
from engine.media.timing import REFUSED_DELAY_S, Backoff, estimate_captured_at
from engine.media.values import StreamSource

STALL_S = 5.0
"""Without a picture for this long, a stream counts as lost."""

OPEN_S = 12.0
"""The time a camera has for its first picture (slow ones, and key frames far apart)."""

_UDP_JITTER_MS = 100
_NTP_CAPS = Gst.Caps.from_string("timestamp/x-ntp")
_NTP_TO_UNIX_S = 2_208_988_800
_REFUSED = {401, 403}
_NANOSECONDS = 1_000_000_000


MAX_PIXELS = 2**26
"""The largest picture: decoded it takes 200 MB. Whoever claims more is broken, or wants our memory."""

MAX_SIDE = 16384
"""The longest side of a picture, in pixels."""


class TooLargeError(Exception):
    """Pictures are larger than any camera's; the message says how large."""


def check_size(caps: Gst.Caps) -> None:
    """Raises TooLargeError for a format whose pictures would not fit."""
    fields = caps.get_structure(0)
    width, height = (fields.get_value(name) if fields.has_field(name) else 0 for name in ("width", "height"))
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise TooLargeError(
            f"the camera's pictures are {width}x{height}; at most {MAX_PIXELS // 10**6} million pixels are taken"
        )


class IngestListener(Protocol):
    """Who uses a stream."""

    def on_format(self, caps: Gst.Caps, sound: Sound | None) -> None:
        """The format of what is to come (GStreamer's thread). Raises MissingElementError if it is of no use."""

    def on_unit(self, unit: AccessUnit) -> None:
        """A picture, in decoding order, beginning with a key frame (GStreamer's thread)."""

    def on_sound(self, payload: Gst.Buffer, pts_ns: int) -> None:
        """A piece of sound; its time is on the system's monotonic clock (GStreamer's thread)."""

    def on_connected(self) -> None:
        """The first picture of a connection arrived (GStreamer's thread)."""

    def on_lost(self, reason: str, *, refused: bool) -> None:
        """The stream broke off or cannot be opened (main loop). Told once for each loss."""


class Ingest:
    """Everything but `_on_*` runs in the main loop's thread. `slow` takes what may block, like closing connections."""

    def __init__(self, source: StreamSource, listener: IngestListener, slow: Executor) -> None:
        self._source = source
        self._listener = listener
        self._slow = slow
        self._pipeline: Gst.Pipeline | None = None
        self._bus_handler = 0
        self._retry_timer = 0
        self._backoff = Backoff()
        self._told: bool | None = None  # whether the loss that was told was a refusal; None: nothing to tell
        self._deadline = 0.0
        self._caps: Gst.Caps | None = None
        self._base_ns = 0
        self._connected = False
        # Grows through every stream that a channel ever has: nobody comes to a nanosecond a picture.
        self._count = time.monotonic_ns()
        self._sound: Sound | None = None
        self._again = False  # a file that begins anew is no news

    @property
    def connected(self) -> bool:
        """Whether pictures come."""
        return self._connected

    def open(self) -> None:
        """Begins to connect, and keeps trying until `close`."""
        self._retry_timer = 0
        self._connected = False
        self._caps = None
        self._sound = None
        self._base_ns = 0
        self._deadline = time.monotonic() + OPEN_S
        try:
            pipeline = self._build_file() if self._source.is_file else self._build_rtsp()
        except MissingElementError as error:
            self._fail(str(error))
            return
        self._pipeline = pipeline
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        self._bus_handler = bus.connect("message", self._message)
        pipeline.set_state(Gst.State.PLAYING)

    def close(self) -> None:
        """Ends the connection and all tries."""
        if self._retry_timer:
            GLib.source_remove(self._retry_timer)
            self._retry_timer = 0
        self._connected = False
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            bus = pipeline.get_bus()
            bus.disconnect(self._bus_handler)
            bus.remove_signal_watch()
            self._slow.submit(pipeline.set_state, Gst.State.NULL)

    def check(self) -> None:
        """Called every second: notices a stream that stands still."""
        if self._pipeline is not None and time.monotonic() > self._deadline:
            limit_s = STALL_S if self._connected else OPEN_S
            self._fail(f"no picture for {limit_s:.0f} s")

    def _build_rtsp(self) -> Gst.Pipeline:
        pipeline = launch("rtspsrc name=source")
        source = pipeline.get_by_name("source")
        source.set_property("location", self._source.url)
        source.set_property("user-id", self._source.username or None)
        source.set_property("user-pw", self._source.password or None)
        Gst.util_set_object_arg(source, "protocols", self._source.transport)
        # Over TCP nothing is out of order, so nothing has to wait.
        source.set_property("latency", 0 if self._source.transport == "tcp" else _UDP_JITTER_MS)
        source.set_property("tcp-timeout", int(STALL_S * 1e6))
        source.set_property("add-reference-timestamp-meta", True)
        chosen: dict[str, int] = {}
        source.connect("select-stream", self._on_select, chosen)
        source.connect("pad-added", self._on_rtp_pad)
        return pipeline

    def _build_file(self) -> Gst.Pipeline:
        pipeline = launch("filesrc name=source ! parsebin name=streams")
        location, _host = GLib.filename_from_uri(self._source.url)
        pipeline.get_by_name("source").set_property("location", location)
        pipeline.get_by_name("streams").connect("pad-added", self._on_file_pad)
        return pipeline

    def _on_select(self, _source: Gst.Element, number: int, caps: Gst.Caps, chosen: dict[str, int]) -> bool:
        # The first of each kind: metadata is not ours, and a second video would be another camera.
        media = str(caps.get_structure(0).get_string("media"))
        if media not in {"video", "audio"} or media in chosen:
            return False
        if media == "audio":
            sound = sound_of(caps)
            # A back channel is for sound to the camera.
            if sound is None or caps.get_structure(0).has_field("a-sendonly"):
                return False
            self._sound = sound
        chosen[media] = number
        return True

    def _on_rtp_pad(self, source: Gst.Element, pad: Gst.Pad) -> None:
        caps = pad.get_current_caps() or pad.query_caps(None)
        fields = caps.get_structure(0)
        if fields.get_string("media") == "audio":
            sound = sound_of(caps)
            self._attach(source, pad, sound.depay if sound is not None else "queue", "sync=false", "sound")
            return
        encoding = fields.get_string("encoding-name")
        media_type = ENCODING_NAMES.get(str(encoding))
        if media_type is None:
            self._fail_later(f"the camera sends {encoding}; only {', '.join(ENCODING_NAMES)} can be used")
            return
        codec = CODECS[media_type]
        self._attach(source, pad, f"{codec.depay} ! {codec.parse}", "sync=false")

    def _on_file_pad(self, streams: Gst.Element, pad: Gst.Pad) -> None:
        caps = pad.get_current_caps() or pad.query_caps(None)
        media_type = str(caps.get_structure(0).get_name())
        pipeline = streams.get_parent()
        if not media_type.startswith(("video/", "image/")) or pipeline.get_by_name("units") is not None:
            self._attach(streams, pad, "queue", None)
            return
        parse = CODECS[media_type].parse if media_type in CODECS else "identity"
        # The clock paces the file: it arrives as it would from a camera.
        self._attach(streams, pad, parse, "sync=true")

    def _attach(
        self, after: Gst.Element, pad: Gst.Pad, elements: str, sink_options: str | None, name: str = "units"
    ) -> None:
        sink = "fakesink async=false sync=false"
        if sink_options is not None:
            sink = f"appsink name={name} emit-signals=true max-buffers=0 async=false {sink_options}"
        try:
            branch = Gst.parse_bin_from_description(f"{elements} ! {sink}", True)
        except GLib.Error as error:
            self._fail_later(f"GStreamer cannot take the stream apart: {error.message}")
            return
        pipeline = after.get_parent()
        for known, take in (("units", self._on_sample), ("sound", self._on_sound)):
            if (taker := branch.get_by_name(known)) is not None:
                taker.connect("new-sample", take, pipeline)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def _on_sample(self, sink: Gst.Element, pipeline: Gst.Pipeline) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        if sample is None or pipeline is not self._pipeline:
            return Gst.FlowReturn.EOS
        arrived_at, now = time.time(), time.monotonic()
        buffer = sample.get_buffer()
        key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        if self._caps is None and not key:
            return Gst.FlowReturn.OK
        caps = sample.get_caps()
        if self._caps is None or not caps.is_equal(self._caps):
            try:
                self._take_format(caps, pipeline)
            except (MissingElementError, TooLargeError) as error:
                self._fail_later(str(error))
                return Gst.FlowReturn.OK
        self._deadline = now + STALL_S
        self._count += 1
        pts_ns = self._base_ns + self._running_ns(sample, buffer, now)
        if self._source.is_file:
            captured_at = arrived_at + pts_ns / _NANOSECONDS - now
        else:
            captured_at = estimate_captured_at(arrived_at, self._ntp(buffer), self._source.latency_s)
        self._listener.on_unit(AccessUnit(self._count, buffer, buffer.get_size(), pts_ns, key, captured_at, arrived_at))
        return Gst.FlowReturn.OK

    def _on_sound(self, sink: Gst.Element, pipeline: Gst.Pipeline) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        if sample is None or pipeline is not self._pipeline:
            return Gst.FlowReturn.EOS
        if self._caps is not None:
            buffer = sample.get_buffer()
            self._listener.on_sound(buffer, self._base_ns + self._running_ns(sample, buffer, time.monotonic()))
        return Gst.FlowReturn.OK

    def _take_format(self, caps: Gst.Caps, pipeline: Gst.Pipeline) -> None:
        check_size(caps)
        begins = self._caps is None
        self._base_ns = pipeline.get_base_time()
        self._listener.on_format(caps, self._sound)
        self._caps = caps
        if begins:
            self._begin()

    def _begin(self) -> None:
        self._connected = True
        self._backoff.reset()
        self._told = None
        if not self._again:
            self._listener.on_connected()
        self._again = False

    def _running_ns(self, sample: Gst.Sample, buffer: Gst.Buffer, now: float) -> int:
        running = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
        if running == Gst.CLOCK_TIME_NONE:
            return int(now * _NANOSECONDS) - self._base_ns
        return int(running)

    @staticmethod
    def _ntp(buffer: Gst.Buffer) -> float | None:
        meta = buffer.get_reference_timestamp_meta(_NTP_CAPS)
        return meta.timestamp / _NANOSECONDS - _NTP_TO_UNIX_S if meta is not None else None

    def _message(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        if message.type == Gst.MessageType.ERROR:
            text, status = details(message)
            self._fail(text, refused=status in _REFUSED)
        elif message.type == Gst.MessageType.EOS:
            self._ended()

    def _ended(self) -> None:
        if not self._source.is_file:
            self._fail("the camera ended the stream")
        elif self._source.loop and self._connected:
            self.close()
            self._again = True
            self.open()
        else:
            self.close()
            self._tell("the file has been played to its end", refused=False)

    def _fail_later(self, reason: str) -> None:
        pipeline = self._pipeline

        def fail() -> bool:
            if self._pipeline is pipeline:
                self._fail(reason)
            return False

        GLib.idle_add(fail)

    def _fail(self, reason: str, *, refused: bool = False) -> None:
        self.close()
        self._again = False
        self._tell(reason, refused=refused)
        delay_s = REFUSED_DELAY_S if refused else self._backoff.next_s()
        self._retry_timer = GLib.timeout_add(int(delay_s * 1000), self._retry)

    def _tell(self, reason: str, *, refused: bool) -> None:
        if self._told is not refused:
            self._told = refused
            self._listener.on_lost(reason, refused=refused)

    def _retry(self) -> bool:
        self.open()
        return False
