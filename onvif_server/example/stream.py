"""The example's video, where GStreamer's RTSP server and its Python bindings are there."""

from __future__ import annotations

import threading
from typing import Any

from onvif_server.example.picture import HEIGHT, WIDTH


class TestStream:
    """An RTSP server with GStreamer's test picture, in a thread of its own. Digest, one user."""

    def __init__(self, gst: Any, rtsp: Any, glib: Any, host: str, user: str, password: str) -> None:
        self._context = glib.MainContext()
        self._loop = glib.MainLoop.new(self._context, False)
        self._server = rtsp.RTSPServer.new()
        self._server.set_address(host)
        self._server.set_service("0")
        self._server.set_auth(self._auth(rtsp, user, password))
        factory = rtsp.RTSPMediaFactory.new()
        source = f"videotestsrc is-live=true pattern=ball ! video/x-raw,width={WIDTH},height={HEIGHT},framerate=10/1"
        encoder = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20"
        factory.set_launch(f"( {source} ! {encoder} ! rtph264pay name=pay0 pt=96 )")
        factory.set_shared(True)
        permissions = gst.Structure.new_empty("viewer")
        permissions.set_value("media.factory.access", True)
        permissions.set_value("media.factory.construct", True)
        factory.add_role_from_structure(permissions)
        self._server.get_mount_points().add_factory("/picture", factory)
        self._source = self._server.attach(self._context)
        if not self._source:
            raise OSError(f"RTSP cannot listen at {host}")
        self._thread = threading.Thread(target=self._loop.run, name="example RTSP", daemon=True)
        self._thread.start()

    @staticmethod
    def _auth(rtsp: Any, user: str, password: str) -> Any:
        token = rtsp.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth = rtsp.RTSPAuth.new()
        # gst-rtsp-server names the type of its own methods in another library: 2 is digest.
        auth.set_supported_methods(2)
        auth.add_digest(user, password, token)
        return auth

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.get_bound_port())

    def stop(self) -> None:
        """Ends it."""
        self._loop.quit()
        self._thread.join(timeout=2.0)


def offer_stream(host: str, user: str, password: str) -> TestStream | None:
    """The stream, or None on a machine that lacks what it needs."""
    try:
        import gi

        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import GLib, Gst, GstRtspServer
    except (ImportError, ValueError):
        return None
    Gst.init(None)
    if Gst.ElementFactory.find("x264enc") is None:
        return None
    return TestStream(Gst, GstRtspServer, GLib, host, user, password)
