"""A viewer for tests, in a process of its own: prints what an RTSP client sees of the relay, a JSON line a picture.

    python rtsp_viewer.py URL USER PASSWORD PROTOCOLS

Lines are `{"number": N}` (the bar code of rtsp_camera.py) or `{"error": TEXT, "status": RTSP_STATUS}`.
"""

from __future__ import annotations

import json
import sys

import gi
import numpy as np

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


def main() -> None:
    url, user, password, protocols = sys.argv[1:]
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "rtspsrc name=source latency=0 ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! videoconvert "
        "! video/x-raw,format=GRAY8 ! appsink name=pictures sync=false emit-signals=true"
    )
    source = pipeline.get_by_name("source")
    source.set_property("location", url)
    source.set_property("user-id", user or None)
    source.set_property("user-pw", password or None)
    Gst.util_set_object_arg(source, "protocols", protocols)
    loop = GLib.MainLoop()

    def show(sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        structure = sample.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        buffer = sample.get_buffer()
        picture = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)
        bar = width // 16
        row = picture[height // 2]
        number = sum(1 << bit for bit in range(16) if row[bit * bar + bar // 2] > 126)
        print(json.dumps({"number": number}), flush=True)
        return Gst.FlowReturn.OK

    def ended(*_: object) -> None:
        print(json.dumps({"error": "end", "status": None}), flush=True)
        loop.quit()

    def failed(_bus: Gst.Bus, message: Gst.Message) -> None:
        error, _ = message.parse_error()
        fields = message.parse_error_details()
        status = fields.get_uint("rtsp-status-code")[1] if fields is not None else None
        print(json.dumps({"error": error.message, "status": status}), flush=True)
        loop.quit()

    pipeline.get_by_name("pictures").connect("new-sample", show)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", failed)
    bus.connect(
        "message::eos", lambda *_: (print(json.dumps({"error": "end", "status": None}), flush=True), loop.quit())
    )
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
