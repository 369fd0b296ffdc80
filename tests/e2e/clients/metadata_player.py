"""Plays the metadata track of an RTSP address with GStreamer's `rtspsrc`, in a process of its own.

    python metadata_player.py URL USER PASSWORD PROTOCOLS

Prints a JSON line a document: `{"document": TEXT, "at": UNIX_SECONDS}`, or `{"error": TEXT}` and ends.
"""

from __future__ import annotations

import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


def main() -> None:
    url, user, password, protocols = sys.argv[1:]
    Gst.init(None)
    pipeline = Gst.Pipeline()
    source = Gst.ElementFactory.make("rtspsrc")
    pipeline.add(source)
    for name, value in (("location", url), ("user-id", user), ("user-pw", password)):
        source.set_property(name, value)
    Gst.util_set_object_arg(source, "protocols", protocols)
    loop = GLib.MainLoop()
    parts: list[bytes] = []

    def take(sink: Gst.Element) -> Gst.FlowReturn:
        buffer = sink.emit("pull-sample").get_buffer()
        packet = buffer.extract_dup(0, buffer.get_size())
        parts.append(packet[12:])
        if packet[1] & 0x80:  # the marker bit ends a document
            print(json.dumps({"document": b"".join(parts).decode(), "at": time.time()}), flush=True)
            parts.clear()
        return Gst.FlowReturn.OK

    def added(_source: Gst.Element, pad: Gst.Pad) -> None:
        name = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        metadata = name == "VND.ONVIF.METADATA"
        sink = Gst.ElementFactory.make("appsink" if metadata else "fakesink")
        sink.set_property("sync", False)
        if metadata:
            sink.set_property("emit-signals", True)
            sink.connect("new-sample", take)
        pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def failed(_bus: Gst.Bus, message: Gst.Message) -> None:
        print(json.dumps({"error": message.parse_error()[0].message}), flush=True)
        loop.quit()

    source.connect("pad-added", added)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", failed)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
