"""`python -m benchmarks.camera CLIP READY`: an RTSP camera that shows the clip round and round, without encoding.

Writes its address to READY as JSON. A process of its own, so that its work is not counted.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import gi

from benchmarks.clip import FPS, access_units
from benchmarks.notes import write_note

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be chosen first


class Camera:
    """All viewers share one stream, as a camera's do."""

    def __init__(self, clip: Path) -> None:
        self._caps, self._units = access_units(clip)
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address("127.0.0.1")
        self._server.set_service("0")
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            "( appsrc name=units is-live=true do-timestamp=true format=time ! rtph264pay name=pay0 pt=96 )"
        )
        factory.set_shared(True)
        factory.connect("media-configure", self._on_media)
        self._server.get_mount_points().add_factory("/live", factory)

    def start(self) -> str:
        """Listens; returns the address."""
        self._server.attach(None)
        return f"rtsp://127.0.0.1:{self._server.get_bound_port()}/live"

    def _on_media(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_by_name("units")
        source.set_property("caps", self._caps)
        threading.Thread(target=self._feed, args=(source,), daemon=True).start()

    def _feed(self, source: Gst.Element) -> None:
        due, number = time.monotonic(), 0
        while True:
            flow = source.emit("push-buffer", Gst.Buffer.new_wrapped(self._units[number % len(self._units)]))
            if flow not in {Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING}:
                return  # The last viewer has gone.
            number += 1
            due += 1 / FPS
            time.sleep(max(due - time.monotonic(), 0.0))


def main() -> None:
    """Serves until it is ended."""
    clip, ready = Path(sys.argv[1]), Path(sys.argv[2])
    Gst.init(None)
    camera = Camera(clip)
    write_note(ready, {"url": camera.start()})
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
