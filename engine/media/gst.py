"""GStreamer as the worker uses it: one place that loads it, and what it needs to know of each codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, GObject, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions first

__all__ = [
    "CODECS",
    "GLib",
    "GObject",
    "Gio",
    "Gst",
    "GstRtsp",
    "GstRtspServer",
    "MissingElementError",
    "codec_of",
    "decoder_for",
    "launch",
    "with_pts",
]

Gst.init(None)

# PyGObject makes a class when it is first asked for, and where the type has no GType two threads that ask at once get
# two classes, one of which refuses the other's objects ever after. So these are made here, before any thread.
THREADED_STRUCTURES = (Gst.PadProbeInfo, Gst.MapInfo, Gst.ReferenceTimestampMeta)


class MissingElementError(Exception):
    """A GStreamer plug-in is not installed; the message names it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec is taken from RTP, cut into access units, decoded and given out again."""

    name: str
    depay: str
    parse: str
    decoder: str
    decoder_options: str
    pay: str


_H26X = "{0}parse config-interval=-1 ! video/x-{0},stream-format=byte-stream,alignment=au"

CODECS = {
    "video/x-h264": Codec(
        name="h264",
        # Access units by the marker bit: the parser would have to wait for the next picture to find the end of one.
        depay="rtph264depay ! video/x-h264,alignment=au",
        parse=_H26X.format("h264"),
        decoder="avdec_h264",
        # Frame threads would hold back one picture a thread.
        decoder_options="max-threads=1",
        pay="rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency",
    ),
    "video/x-h265": Codec(
        name="h265",
        depay="rtph265depay ! video/x-h265,alignment=au",
        parse=_H26X.format("h265"),
        decoder="avdec_h265",
        decoder_options="max-threads=1",
        pay="rtph265pay pt=96 config-interval=-1 aggregate-mode=zero-latency",
    ),
    "image/jpeg": Codec(
        name="jpeg",
        depay="rtpjpegdepay",
        parse="identity",
        decoder="jpegdec",
        decoder_options="",
        pay="rtpjpegpay pt=26",
    ),
}
"""By the media type of the encoded stream."""

ENCODING_NAMES = {"H264": "video/x-h264", "H265": "video/x-h265", "JPEG": "image/jpeg"}
"""Media types by the encoding name of an RTP stream."""


def codec_of(caps: Gst.Caps) -> str:
    """A stream's codec as people call it: `h264`, or the media type of one that is not in the table."""
    media_type = str(caps.get_structure(0).get_name())
    return CODECS[media_type].name if media_type in CODECS else media_type


def decoder_for(caps: Gst.Caps, *, threads: bool) -> str:
    """The decoder as a piece of a pipeline description; `threads` trades delay for speed.

    Raises MissingElementError when it is not installed.
    """
    codec = CODECS.get(str(caps.get_structure(0).get_name()))
    if codec is None:
        return "decodebin"
    if Gst.ElementFactory.find(codec.decoder) is None:
        raise MissingElementError(
            f"cannot decode {codec.name}: the GStreamer element {codec.decoder} is missing (Debian: gstreamer1.0-libav)"
        )
    return codec.decoder if threads else f"{codec.decoder} {codec.decoder_options}"


def launch(description: str) -> Gst.Pipeline:
    """A pipeline on the system's clock. Raises MissingElementError for elements that are not installed."""
    try:
        pipeline = Gst.parse_launch(description)
    except GLib.Error as error:
        raise MissingElementError(f"GStreamer cannot build a pipeline: {error.message}") from None
    if not isinstance(pipeline, Gst.Pipeline):
        wrapped = Gst.Pipeline()
        wrapped.add(pipeline)
        pipeline = wrapped
    pipeline.use_clock(Gst.SystemClock.obtain())
    return pipeline


def with_pts(buffer: Gst.Buffer, pts_ns: int) -> Gst.Buffer:
    """The same encoded bytes, not copied, with another presentation time.

    `Buffer.copy` would not do: through GObject introspection it only adds a reference to the same buffer.
    """
    restamped = buffer.copy_region(Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.MEMORY, 0, buffer.get_size())
    restamped.pts = pts_ns
    return restamped


def details(message: Gst.Message) -> tuple[str, Any]:
    """The text of an error message, and the RTSP status code if it has one."""
    error, debug = message.parse_error()
    fields = message.parse_error_details()
    found, status = fields.get_int("rtsp-status-code") if fields is not None else (False, None)
    if fields is not None and not found:
        found, status = fields.get_uint("rtsp-status-code")
    # The last line of the debug text says what happened, e.g. "Failed to connect. (Generic error)".
    detail = (debug or "").strip().splitlines()[-1:]
    text = error.message if not detail or detail[0] == error.message else f"{error.message} {detail[0]}"
    return text, status if found else None
