"""`python -m benchmarks.bare_relay READY URL`: what gst-rtsp-server alone takes to relay a stream, without a login.

One shared pipeline receives the stream, takes the pictures out of it and packs them again. Writes its address to READY.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gi

from benchmarks.notes import write_note

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be chosen first


def main() -> None:
    """Serves until it is ended."""
    ready, url = Path(sys.argv[1]), sys.argv[2]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse "
        "! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    write_note(ready, {"url": f"rtsp://127.0.0.1:{server.get_bound_port()}/live"})
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
