"""The RTSP relay: every channel at `/CHANNEL`, as the camera encoded it, for users with a password.

Besides there are `/CHANNEL/PARTS` for those who want other parts (`/gate/video`, `/gate/video-metadata`…), the same
encrypted below `/CHANNEL/srtp` (over RTSPS only), and `/CHANNEL/multicast`. Clients hang on the relay, not on the
camera: when the camera vanishes they stay connected, see its last key frame once a second, and see it live again when
it comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial

from engine.media.backchannel import BackChannel, BackChannels
from engine.media.feed import Primer
from engine.media.gate import Gate, GateKeeper, OnFailure
from engine.media.gst import CODECS, Gio, GLib, Gst, GstRtspServer
from engine.media.history import AccessUnit
from engine.media.messages import SetMulticast, Start
from engine.media.multicast import Multicasts
from engine.media.seats import Seats
from engine.media.serving import RtspThread
from engine.media.sound import Sound
from engine.media.tracks import EVERYTHING, Origin, Path, RelayChannel
from engine.media.values import Delivery, MediaError, RelayUser, path_suffix

_SECOND = 1
_LOOK_S = 10
_MULTICAST = path_suffix(EVERYTHING, Delivery.MULTICAST)


class Relay:
    """The servers. Raises MediaError when a port cannot be had.

    Without a certificate that can be read there is no RTSPS; `trouble` says why, or is empty.
    """

    def __init__(self, settings: Start, on_failure: OnFailure) -> None:
        self._settings = settings
        self._channels: dict[str, RelayChannel] = {}
        self._plays: dict[str, int] = {}
        self._lock = threading.Lock()
        self._backs = BackChannels()
        self._thread = RtspThread()
        seats = Seats[GstRtspServer.RTSPClient](
            settings.max_clients, settings.login_s, lambda client: self._thread.do(client.close)
        )
        self._gate = Gate(on_failure, seats, self._backs)
        self._plain = self._serve(settings.relay_host, settings.relay_port, None)
        self._servers = [self._plain]
        self.port = int(self._plain.get_bound_port())
        self._multicasts = Multicasts((_reached(settings.relay_host), self.port), self._gate.ourselves)
        self.secure_port: int | None = None
        self.trouble = self._begin_secure()
        self._thread.every(_SECOND, seats.tick)
        self._thread.every(_LOOK_S, self._clean)
        GLib.timeout_add_seconds(_LOOK_S, self._look_after)

    def _begin_secure(self) -> str:
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if certificate is None or key is None:
            return ""
        try:
            found = _certificate(certificate, key)
        except MediaError as error:
            return str(error)
        self._serve_secure(found)
        return ""

    def _serve_secure(self, certificate: Gio.TlsCertificate) -> None:
        server = self._serve(self._settings.relay_host, self._settings.secure_port, certificate)
        with self._lock:
            self._servers.append(server)
            for channel, opened in self._channels.items():
                self._mount(channel, opened)
        self.secure_port = int(server.get_bound_port())

    def _serve(self, host: str, port: int, certificate: Gio.TlsCertificate | None) -> GstRtspServer.RTSPServer:
        server = GstRtspServer.RTSPServer()
        server.set_address(host)
        server.set_service(str(port))
        # As many as may come at once, after a restart for example, while a request is at work.
        server.set_backlog(self._settings.max_clients)
        keeper = GateKeeper()
        keeper.gate = self._gate
        if certificate is not None:
            keeper.set_tls_certificate(certificate)
        server.set_auth(keeper)
        server.connect("client-connected", self._on_client)
        if not self._thread.attach(server):
            raise MediaError(
                f"the RTSP relay cannot listen on {host}:{port}: the port is in use, or the address is not this "
                "machine's; end the other program or choose another relay port"
            )
        return server

    def _on_client(self, _server: GstRtspServer.RTSPServer, client: GstRtspServer.RTSPClient) -> None:
        self._gate.take(client)
        client.connect("play-request", self._on_play)

    def _on_play(self, _client: GstRtspServer.RTSPClient, context: GstRtspServer.RTSPContext) -> None:
        for channel, known in tuple(self._channels.items()):
            if known.brings_metadata(context.media):
                self._plays[channel] = self._plays.get(channel, 0) + 1

    def use_certificate(self, certificate: str, key: str) -> None:
        """Shows another certificate to those who connect from now on; the first one begins RTSPS. Raises MediaError."""
        found = _certificate(certificate, key)
        if self.secure_port is None:
            self._serve_secure(found)
        for server in self._servers[1:]:
            server.get_auth().set_tls_certificate(found)
        self.trouble = ""

    def close(self) -> None:
        """Ends all connections, and the servers."""
        self._thread.do(partial(self._end_clients, lambda *_: GstRtspServer.RTSPFilterResult.REMOVE))
        self._thread.end()

    def set_users(self, users: Iterable[RelayUser]) -> None:
        """Replaces the users. Whoever watches is cut off when a user was removed or got another password."""
        if self._gate.set_users(users):
            self._thread.do(partial(self._end_clients, lambda *_: GstRtspServer.RTSPFilterResult.REMOVE))

    def _end_clients(self, judge: Callable[..., GstRtspServer.RTSPFilterResult]) -> None:
        for server in self._servers:
            server.client_filter(judge)

    def set_locked(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Replaces who is locked out: pairs of user name and address."""
        self._gate.set_locked(pairs)

    def open_channel(self, channel: str, caps: Gst.Caps, sound: Sound | None, primer: Primer) -> None:
        """Opens the paths of a channel, or keeps them if the formats are alike; none for a codec without payloader."""
        with self._lock:
            known = self._channels.get(channel)
            if known is not None and known.is_like(caps, sound):
                known.go_on(caps, primer)
                return
            self._close(channel)
            if caps.get_structure(0).get_name() in CODECS:
                origin = Origin(caps, sound, primer, self._backs.ear(channel))
                opened = self._channels[channel] = RelayChannel(origin)
                opened.aim(self._multicasts.targets(channel))
                self._mount(channel, opened)
                GLib.idle_add(self._send_multicast, channel)

    def _mount(self, channel: str, opened: RelayChannel) -> None:
        for server in self._servers:
            mounts = server.get_mount_points()
            paths = opened.paths if server is self._plain else opened.paths | opened.secure_paths
            for suffix, path in paths.items():
                mounts.add_factory(f"/{channel}{suffix}", path.factory)
        self._mount_multicast(channel, opened)

    def _mount_multicast(self, channel: str, opened: RelayChannel) -> None:
        self._plain.get_mount_points().add_factory(f"/{channel}{_MULTICAST}", opened.multicast.factory)

    def open_back_channel(self, channel: str, back: BackChannel | None) -> None:
        """What clients who may can talk to at a channel's paths from now on; None: nothing."""
        self._backs.open(channel, back)

    def _close(self, channel: str) -> None:
        closed = self._channels.pop(channel, None)
        if closed is None:
            return
        for server in self._servers:
            for suffix in {_MULTICAST} | closed.paths.keys() | closed.secure_paths.keys():
                server.get_mount_points().remove_factory(f"/{channel}{suffix}")
        GLib.idle_add(self._end, channel, closed)

    def _end(self, channel: str, closed: RelayChannel) -> bool:
        if channel not in self._channels:
            self._multicasts.stop(channel)
        self._cut(closed.runs)
        return False

    def _cut(self, runs: Callable[[GstRtspServer.RTSPMedia], bool]) -> None:
        """Ends the connections of those who watch certain pipelines, for nothing will ever come there again."""

        def judge(_server: GstRtspServer.RTSPServer, client: GstRtspServer.RTSPClient) -> object:
            watching: list[bool] = []

            def look(_session: GstRtspServer.RTSPSession, media: GstRtspServer.RTSPSessionMedia) -> object:
                watching.append(runs(media.get_media()))
                return GstRtspServer.RTSPFilterResult.KEEP

            def visit(_client: GstRtspServer.RTSPClient, session: GstRtspServer.RTSPSession) -> object:
                session.filter(look)
                return GstRtspServer.RTSPFilterResult.KEEP

            client.session_filter(visit)
            verdict = GstRtspServer.RTSPFilterResult
            return verdict.REMOVE if any(watching) else verdict.KEEP

        self._thread.do(partial(self._end_clients, judge))

    def set_multicast(self, order: SetMulticast) -> None:
        """Says where a channel's tracks go by multicast, and which are sent now (main loop)."""
        former: Path | None = None
        with self._lock:
            moved = self._multicasts.order(order)
            known = self._channels.get(order.channel)
            if known is not None and moved:
                former = known.aim(self._multicasts.targets(order.channel))
                self._mount_multicast(order.channel, known)
        if former is not None:
            self._cut(former.runs)
        self._send_multicast(order.channel)

    def _send_multicast(self, channel: str) -> bool:
        known = self._channels.get(channel)
        if known is not None:
            self._multicasts.send(channel, known.multicast, f"/{channel}{_MULTICAST}")
        return False

    def push(self, channel: str, unit: AccessUnit) -> None:
        """Hands a unit to the channel's watchers (GStreamer's thread)."""
        known = self._channels.get(channel)
        if known is not None:
            known.push(unit)

    def push_sound(self, channel: str, payload: Gst.Buffer, pts_ns: int) -> None:
        """Hands a piece of sound to the channel's listeners; `pts_ns` is on the monotonic clock."""
        known = self._channels.get(channel)
        if known is not None:
            known.push_sound(payload, pts_ns)

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

    def metadata_plays(self, channel: str) -> int:
        """How often clients have begun to take the channel's metadata."""
        return self._plays.get(channel, 0)

    def _clean(self) -> None:
        for server in self._servers:
            server.get_session_pool().cleanup()

    def _look_after(self) -> bool:
        for channel in tuple(self._channels):
            self._send_multicast(channel)
        return True


def _reached(host: str) -> str:
    """Where a server that listens at an address is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _certificate(certificate: str, key: str) -> Gio.TlsCertificate:
    try:
        return Gio.TlsCertificate.new_from_files(certificate, key)
    except GLib.Error as error:
        raise MediaError(f"the relay's certificate or key cannot be used: {error.message}") from None
