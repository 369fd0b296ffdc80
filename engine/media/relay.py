"""The RTSP relay: every channel at `/CHANNEL`, as the camera encoded it, for users with a password.

`/CHANNEL/onvif` brings the metadata track beside the video, `/CHANNEL/metadata` nothing else, and `/CHANNEL/srtp` (over
RTSPS only) both encrypted. Clients hang on the relay, not on the camera: when the camera vanishes they stay connected,
see its last key frame once a second, and see it live again when it comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from engine.media.feed import Primer
from engine.media.gate import Gate, GateKeeper, OnFailure
from engine.media.gst import CODECS, Gio, GLib, Gst, GstRtspServer
from engine.media.history import AccessUnit
from engine.media.messages import Start
from engine.media.tracks import RelayChannel
from engine.media.values import MediaError, RelayUser

_SESSION_CLEANUP_S = 10


class Relay:
    """The servers. Raises MediaError when a port cannot be had or the certificate cannot be read."""

    def __init__(self, settings: Start, on_failure: OnFailure) -> None:
        self._channels: dict[str, RelayChannel] = {}
        self._lock = threading.Lock()
        self._gate = Gate(on_failure, settings.max_clients)
        certificate = _certificate(settings)
        self._plain = self._serve(settings.relay_host, settings.relay_port, None)
        self.port = int(self._plain.get_bound_port())
        self._secure: GstRtspServer.RTSPServer | None = None
        self.secure_port: int | None = None
        if certificate is not None:
            self._secure = self._serve(settings.relay_host, settings.secure_port, certificate)
            self.secure_port = int(self._secure.get_bound_port())
        self._servers = [server for server in (self._plain, self._secure) if server is not None]
        GLib.timeout_add_seconds(_SESSION_CLEANUP_S, self._clean_sessions)

    def _serve(self, host: str, port: int, certificate: Gio.TlsCertificate | None) -> GstRtspServer.RTSPServer:
        server = GstRtspServer.RTSPServer()
        server.set_address(host)
        server.set_service(str(port))
        keeper = GateKeeper()
        keeper.gate = self._gate
        if certificate is not None:
            keeper.set_tls_certificate(certificate)
        server.set_auth(keeper)
        server.connect("client-connected", lambda _, client: self._gate.take(client))
        if not server.attach(None):
            raise MediaError(
                f"the RTSP relay cannot listen on {host}:{port}: the port is in use, or the address is not this "
                "machine's; end the other program or choose another relay port"
            )
        return server

    def set_users(self, users: Iterable[RelayUser]) -> None:
        """Replaces the users. Whoever watches is cut off when a user was removed or got another password."""
        if self._gate.set_users(users):
            for server in self._servers:
                server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)

    def set_locked(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Replaces who is locked out: pairs of user name and address."""
        self._gate.set_locked(pairs)

    def open_channel(self, channel: str, caps: Gst.Caps, primer: Primer) -> None:
        """Opens the paths of a channel, or keeps them if the codec is the same; none for a codec without payloader."""
        media_type = caps.get_structure(0).get_name()
        with self._lock:
            known = self._channels.get(channel)
            if known is not None and known.caps.get_structure(0).get_name() == media_type:
                known.use(caps)
                return
            self._close(channel)
            if media_type in CODECS:
                opened = self._channels[channel] = RelayChannel(caps, primer)
                self._mount(channel, opened)

    def _mount(self, channel: str, opened: RelayChannel) -> None:
        for server in self._servers:
            mounts = server.get_mount_points()
            paths = opened.paths if server is self._plain else opened.paths | opened.secure_paths
            for suffix, path in paths.items():
                mounts.add_factory(f"/{channel}{suffix}", path.factory)

    def close_channel(self, channel: str) -> None:
        """Closes the paths of a channel."""
        with self._lock:
            self._close(channel)

    def _close(self, channel: str) -> None:
        closed = self._channels.pop(channel, None)
        if closed is None:
            return
        for server in self._servers:
            for suffix in closed.paths | closed.secure_paths:
                server.get_mount_points().remove_factory(f"/{channel}{suffix}")

    def push(self, channel: str, unit: AccessUnit) -> None:
        """Hands a unit to the channel's watchers (GStreamer's thread)."""
        known = self._channels.get(channel)
        if known is not None:
            known.push(unit)

    def repeat(self, channel: str, unit: AccessUnit) -> None:
        """Shows a key frame again to the channel's watchers. What is pushed next must be a key frame, too."""
        known = self._channels.get(channel)
        if known is not None:
            known.repeat(unit)

    def push_metadata(self, channel: str, document: bytes, pts_ns: int) -> None:
        """Hands a metadata document to those who take it; `pts_ns` is the picture's, on the monotonic clock."""
        known = self._channels.get(channel)
        if known is not None:
            known.push_metadata(document, pts_ns)

    def metadata_watched(self, channel: str) -> bool:
        """Whether anybody takes the channel's metadata."""
        known = self._channels.get(channel)
        return known is not None and known.metadata_watched

    def _clean_sessions(self) -> bool:
        for server in self._servers:
            server.get_session_pool().cleanup()
        return True


def _certificate(settings: Start) -> Gio.TlsCertificate | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    try:
        return Gio.TlsCertificate.new_from_files(settings.tls_certificate, settings.tls_key)
    except GLib.Error as error:
        raise MediaError(f"the relay's certificate or key cannot be used: {error.message}") from None
