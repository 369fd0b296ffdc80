"""A client for tests, in a process of its own: prints what comes on each track of the relay, a JSON line an item.

    python rtsp_tracks.py URL USER PASSWORD [PROPERTY=VALUE ...]

Lines: `{"number": N, "time": S, "width": W}` (the bar code of a decoded picture), `{"document": TEXT, "packets": N,
"time": S}`, `{"sound": ENCODING, "peak": 0 to 32767, "time": S}`, `{"error": TEXT}`. Times are running times in
seconds, comparable between the tracks. PROPERTY is one of rtspsrc.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
from typing import Any

import gi
import numpy as np

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

TURN = threading.Lock()  # each track has a thread


def say(**values: Any) -> None:
    with TURN:
        print(json.dumps(values), flush=True)


def running_s(sample: Gst.Sample) -> float:
    return sample.get_segment().to_running_time(Gst.Format.TIME, sample.get_buffer().pts) / Gst.SECOND


def show_picture(sink: Gst.Element) -> Gst.FlowReturn:
    sample = sink.emit("pull-sample")
    structure, buffer = sample.get_caps().get_structure(0), sample.get_buffer()
    width, height = structure.get_value("width"), structure.get_value("height")
    row = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)[height // 2]
    bar = width // 16
    say(
        number=sum(1 << bit for bit in range(16) if row[bit * bar + bar // 2] > 126),
        time=running_s(sample),
        width=width,
    )
    return Gst.FlowReturn.OK


SOUNDS = {
    "PCMU": "rtppcmudepay ! mulawdec",
    "PCMA": "rtppcmadepay ! alawdec",
    "MP4A-LATM": "rtpmp4adepay ! avdec_aac",
    "OPUS": "rtpopusdepay ! opusdec",
}


def show_sound(sink: Gst.Element, encoding: str) -> Gst.FlowReturn:
    sample = sink.emit("pull-sample")
    buffer = sample.get_buffer()
    values = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.int16)
    say(sound=encoding, peak=int(abs(values.astype(int)).max(initial=0)), time=running_s(sample))
    return Gst.FlowReturn.OK


class Documents:
    """Puts documents together again."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def take(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        packet = buffer.extract_dup(0, buffer.get_size())
        assert packet[0] == 0x80
        self.parts.append(packet[12:])
        if packet[1] & 0x80:
            say(document=b"".join(self.parts).decode(), packets=len(self.parts), time=running_s(sample))
            self.parts.clear()
        return Gst.FlowReturn.OK


def main() -> None:
    url, user, password, *properties = sys.argv[1:]
    Gst.init(None)
    pipeline = Gst.Pipeline()
    source = Gst.ElementFactory.make("rtspsrc")
    source.set_property("latency", 0)
    pipeline.add(source)
    source.set_property("location", url)
    source.set_property("user-id", user)
    source.set_property("user-pw", password)
    for one in properties:
        name, _, value = one.partition("=")
        Gst.util_set_object_arg(source, name, value)
    loop = GLib.MainLoop()

    def added(_source: Gst.Element, pad: Gst.Pad) -> None:
        structure = pad.get_current_caps().get_structure(0)
        sink = "appsink name=sink sync=false emit-signals=true"
        if structure.get_string("media") == "video":
            decode = "rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=GRAY8"
            branch, show = Gst.parse_bin_from_description(f"{decode} ! {sink}", True), show_picture
        elif structure.get_string("media") == "audio":
            encoding = structure.get_string("encoding-name")
            decode = f"{SOUNDS[encoding]} ! audioconvert ! audio/x-raw,format=S16LE,channels=1"
            branch = Gst.parse_bin_from_description(f"{decode} ! {sink}", True)
            show = functools.partial(show_sound, encoding=encoding)
        else:
            assert structure.get_string("encoding-name") == "VND.ONVIF.METADATA"
            branch, show = Gst.parse_bin_from_description(f"queue ! {sink}", True), Documents().take
        branch.get_by_name("sink").connect("new-sample", show)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def failed(_bus: Gst.Bus, message: Gst.Message) -> None:
        say(error=message.parse_error()[0].message)
        loop.quit()

    source.connect("pad-added", added)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", failed)
    bus.connect("message::eos", lambda *_: (say(error="end"), loop.quit()))
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
