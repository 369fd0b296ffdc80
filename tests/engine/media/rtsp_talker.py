"""A client for tests that talks into a back channel, in a process of its own (GStreamer's own ONVIF client).

    python rtsp_talker.py URL USER PASSWORD PROTOCOLS HERTZ ENCODING

Sends a tone of that frequency, as PCMU or PCMA, as long as it lives. Prints a JSON line an event: `{"talking": true}`
after its first packet, `{"refused": RTSP_STATUS, "error": TEXT}` when the server does not want it.
"""

from __future__ import annotations

import json
import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

SOUNDS = {"PCMU": "mulawenc ! rtppcmupay", "PCMA": "alawenc ! rtppcmapay"}


class Talker:
    def __init__(self, url: str, user: str, password: str, protocols: str, hertz: str, encoding: str) -> None:
        self.loop = GLib.MainLoop()
        self.stream: int | None = None
        self.plays = False
        self.sent: list[Gst.Sample] = []
        self.watching = Gst.parse_launch("rtspsrc name=source latency=0 backchannel=onvif ! fakesink sync=false")
        self.source = self.watching.get_by_name("source")
        self.source.set_property("location", url)
        self.source.set_property("user-id", user)
        self.source.set_property("user-pw", password)
        Gst.util_set_object_arg(self.source, "protocols", protocols)
        self.source.connect("select-stream", self.on_stream)
        self.tone = Gst.parse_launch(
            f"audiotestsrc is-live=true volume=0.5 samplesperbuffer=160 freq={hertz} "
            f"! audio/x-raw,rate=8000,channels=1 ! {SOUNDS[encoding]} ! appsink name=packets sync=false emit-signals=1"
        )
        self.tone.get_by_name("packets").connect("new-sample", self.on_packet)
        bus = self.watching.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.on_message)
        self.watching.set_state(Gst.State.PLAYING)
        self.tone.set_state(Gst.State.PLAYING)

    def on_stream(self, _source: Gst.Element, number: int, caps: Gst.Caps) -> bool:
        if caps.get_structure(0).has_field("a-sendonly"):
            self.stream = number
        return True

    def on_packet(self, sink: Gst.Element) -> Gst.FlowReturn:
        packet = sink.emit("pull-sample")
        if self.stream is not None and self.plays:
            # A sample of its own, kept for ever: GStreamer 1.22 takes away a reference that is not its own.
            sample = Gst.Sample.new(packet.get_buffer(), packet.get_caps(), None, None)
            self.sent.append(sample)
            self.source.emit("push-backchannel-sample", self.stream, sample)
            if len(self.sent) == 1:
                print(json.dumps({"talking": True}), flush=True)
        return Gst.FlowReturn.OK

    def on_message(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        if message.type == Gst.MessageType.PROGRESS:
            self.plays = self.plays or "Sent PLAY" in message.parse_progress()[2]
        elif message.type == Gst.MessageType.ERROR:
            fields = message.parse_error_details()
            status = fields.get_uint("rtsp-status-code")[1] if fields is not None else None
            print(json.dumps({"refused": status, "error": str(message.parse_error())}), flush=True)
            self.loop.quit()
        elif message.type == Gst.MessageType.EOS:
            print(json.dumps({"refused": None, "error": "the server ended the connection"}), flush=True)
            self.loop.quit()


if __name__ == "__main__":
    Gst.init(None)
    Talker(*sys.argv[1:]).loop.run()
    os._exit(0)
