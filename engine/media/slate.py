"""What watchers see where there never was a picture: a sign, encoded as the channel's own pictures would be."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from engine.media.gst import CODECS, Gst, MissingElementError, launch
from engine.media.history import AccessUnit

_WIDTH, _HEIGHT = 640, 360
_GROUND, _SIGN = 40, 110
_RADIUS, _STROKE = 90, 14
_ENCODING_S = 10

_ENCODERS = {
    "video/x-h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=1 ! video/x-h264,profile=constrained-baseline",
        "openh264enc",
    ),
    "video/x-h265": ("x265enc tune=zerolatency speed-preset=ultrafast option-string=pools=1",),
    "image/jpeg": ("jpegenc",),
}


@lru_cache
def make_slate(codec: str) -> tuple[Gst.Caps, AccessUnit]:
    """The format and the one key frame of the sign. Takes a moment; raises MissingElementError without an encoder."""
    media_type = next((kind for kind, known in CODECS.items() if known.name == codec), "video/x-h264")
    for encoder in _ENCODERS[media_type]:
        if Gst.ElementFactory.find(encoder.split()[0]) is not None:
            return _encode(f"{encoder} ! {CODECS[media_type].parse}")
    raise MissingElementError(f"there is no encoder for a slate in {codec} (Debian: gstreamer1.0-plugins-ugly)")


def _encode(elements: str) -> tuple[Gst.Caps, AccessUnit]:
    caps = f"video/x-raw,format=GRAY8,width={_WIDTH},height={_HEIGHT},framerate=1/1"
    pipeline = launch(
        f"appsrc name=source format=time caps={caps} ! videoconvert ! video/x-raw,format=I420 ! {elements} "
        "! appsink name=units sync=false"
    )
    try:
        pipeline.set_state(Gst.State.PLAYING)
        picture = Gst.Buffer.new_wrapped(_draw())
        picture.pts, picture.duration = 0, Gst.SECOND
        source = pipeline.get_by_name("source")
        source.emit("push-buffer", picture)
        source.emit("end-of-stream")
        sample = pipeline.get_by_name("units").emit("try-pull-sample", _ENCODING_S * Gst.SECOND)
    finally:
        pipeline.set_state(Gst.State.NULL)
    if sample is None:
        raise MissingElementError(f"the slate could not be encoded by {elements.split(maxsplit=1)[0]}")
    buffer = sample.get_buffer()
    return sample.get_caps(), AccessUnit(
        number=0,
        payload=buffer,
        size=buffer.get_size(),
        pts_ns=time.monotonic_ns(),
        key=True,
        captured_at=time.time(),
        arrived_at=time.time(),
    )


def _draw() -> bytes:
    """A ring with a bar across, which needs no language."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    dx, dy = x - _WIDTH / 2, y - _HEIGHT / 2
    distance = np.hypot(dx, dy)
    ring = abs(distance - _RADIUS) < _STROKE / 2
    bar = (abs(dx - dy) < _STROKE * 0.7) & (distance < _RADIUS)
    return np.where(ring | bar, _SIGN, _GROUND).astype(np.uint8).tobytes()
