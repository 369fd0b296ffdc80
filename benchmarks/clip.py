"""The picture that all video benchmarks look at: the simulator's yard with people and a car, as a camera encodes it.

1920x1080, 25 pictures a second, H.264 High at 4 Mbit/s with a key frame every two seconds, and a sensor's noise: an
empty, noiseless picture would be cheaper to decode than any camera's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gi
import numpy as np

from benchmarks.registry import Say
from demo.processes import ProcessFailed
from engine.core.values import Image
from engine.simulator.scene import PictureSize
from engine.simulator.yard import YardScene

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - the version must be chosen first

SIZE = PictureSize(1920, 1080)
FPS = 25
SECONDS = 24
_BEGIN_S = 10.0
"""In the yard's play; from here on people and the car are in the picture all the time."""
_NOISE = 2.5
_TIMEOUT_S = 120

_VERSION = 1
"""Counted up when the clip changes, so that an old one is not used."""


def the_clip(say: Say) -> Path:
    """The path of the clip, which is made if it is not there."""
    path = Path(__file__).parents[1] / ".build" / "benchmarks" / f"yard-{SIZE.height}p{FPS}-{_VERSION}.mkv"
    if not path.exists():
        say(f"drawing and encoding {SECONDS} s of video, once")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        _encode(_pictures(), unfinished)
        unfinished.rename(path)
    return path


def access_units(path: Path) -> tuple[Gst.Caps, list[bytes]]:
    """The clip's encoded pictures as a byte stream, each with what is needed to begin with it if it is a key frame."""
    pipeline = _pipeline(
        "filesrc name=file ! matroskademux ! h264parse config-interval=-1 "
        "! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
    )
    samples = list(_samples(pipeline, path))
    return samples[0].get_caps(), [_bytes(sample) for sample in samples]


def pictures_for_analysis(path: Path, width: int, fps: int) -> list[Image]:
    """The clip's pictures as the engine's detector sees them: BGR, so wide and so many a second."""
    height = width * SIZE.height // SIZE.width
    pipeline = _pipeline(
        "filesrc name=file ! matroskademux ! h264parse ! avdec_h264 ! videorate drop-only=true "
        f"! video/x-raw,framerate={fps}/1 ! videoscale ! videoconvert "
        f"! video/x-raw,format=BGR,width={width},height={height} ! appsink name=out sync=false"
    )
    return [np.frombuffer(_bytes(one), np.uint8).reshape(height, width, 3) for one in _samples(pipeline, path)]


def _pictures() -> Iterator[Image]:
    scene = YardScene(seed=1, size=SIZE, fps=float(FPS))
    generator = np.random.default_rng(1)
    # One field of noise, shifted at random: as good as a new one for an encoder, and much quicker.
    noise = generator.normal(0, _NOISE, (2 * SIZE.height, 2 * SIZE.width, 1)).astype(np.int16)
    for number in range(SECONDS * FPS):
        down, right = generator.integers(SIZE.height), generator.integers(SIZE.width)
        field = noise[down : down + SIZE.height, right : right + SIZE.width]
        yield np.clip(scene.overview(_BEGIN_S + number / FPS) + field, 0, 255).astype(np.uint8)


def _encode(pictures: Iterator[Image], path: Path) -> None:
    pipeline = _pipeline(
        f"appsrc name=pictures format=time block=true max-buffers=4 caps=video/x-raw,format=BGR,width={SIZE.width},"
        f"height={SIZE.height},framerate={FPS}/1 ! videoconvert ! video/x-raw,format=I420 "
        f"! x264enc speed-preset=veryfast bframes=0 bitrate=4096 key-int-max={2 * FPS} "
        "! video/x-h264,profile=high ! h264parse ! matroskamux ! filesink name=file"
    )
    pipeline.get_by_name("file").set_property("location", str(path))
    source = pipeline.get_by_name("pictures")
    pipeline.set_state(Gst.State.PLAYING)
    for number, picture in enumerate(pictures):
        buffer = Gst.Buffer.new_wrapped(picture.tobytes())
        buffer.pts = number * Gst.SECOND // FPS
        buffer.duration = Gst.SECOND // FPS
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    try:
        _check(pipeline)
    finally:
        pipeline.set_state(Gst.State.NULL)


def _samples(pipeline: Gst.Pipeline, path: Path) -> Iterator[Gst.Sample]:
    pipeline.get_by_name("file").set_property("location", str(path))
    out = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while (sample := out.emit("pull-sample")) is not None:
            yield sample
        _check(pipeline)
    finally:
        pipeline.set_state(Gst.State.NULL)


def _bytes(sample: Gst.Sample) -> bytes:
    buffer = sample.get_buffer()
    return bytes(buffer.extract_dup(0, buffer.get_size()))


def _pipeline(description: str) -> Gst.Pipeline:
    Gst.init(None)
    return Gst.parse_launch(description)


def _check(pipeline: Gst.Pipeline) -> None:
    """Waits for the end. Raises ProcessFailed if it was not a good one."""
    endings = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(_TIMEOUT_S * Gst.SECOND, endings)
    if message is None or message.type != Gst.MessageType.EOS:
        reason = message.parse_error()[0].message if message else f"not finished after {_TIMEOUT_S} s"
        raise ProcessFailed(f"the clip for the benchmarks could not be made or read: {reason}")
