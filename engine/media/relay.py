"""The RTSP relay: every channel at `/CHANNEL`, as the camera encoded it, for users with a password.

Clients hang on the relay, not on the camera: when the camera vanishes they stay connected, and see it again when it
comes back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from engine.media.gst import CODECS, GLib, Gst, GstRtspServer, with_pts
from engine.media.history import AccessUnit
from engine.media.values import MediaError, RelayUser

_DIGEST = 2  # GST_RTSP_AUTH_DIGEST; its enumeration is in another namespace
_ROLE = "viewer"
_REALM = "Smart PTZ"
_PRIME_STEP_NS = 100_000
_SESSION_CLEANUP_S = 10

type Primer = Callable[[], list[AccessUnit]]


class _Feed:
    """Fills one running media with access units, beginning with the group of pictures that is under way."""

    def __init__(self, appsrc: Gst.Element, caps: Gst.Caps, primer: Primer) -> None:
        self._appsrc = appsrc
        self._primer = primer
        self._last: int | None = None
        self._running = False
        self._lock = threading.Lock()
        appsrc.set_property("caps", caps)
        appsrc.connect("need-data", self._on_need_data)

    def _on_need_data(self, _appsrc: Gst.Element, _length: int) -> None:
        with self._lock:
            # Only a running media asks; before that its clock says nothing.
            self._running = True
            if self._last is None:
                self._prime()

    def _prime(self) -> None:
        # The group is handed over at once, with timestamps close together: a new client has a picture immediately
        # and is not left behind by the age of the key frame. The order of presentation is kept.
        units = self._primer()
        now_ns = self._running_ns()
        if not units or now_ns is None:
            return
        ranks = {unit.number: rank for rank, unit in enumerate(sorted(units, key=lambda unit: unit.pts_ns))}
        begin_ns = max(now_ns - len(units) * _PRIME_STEP_NS, 0)
        for unit in units:
            self._push(unit, begin_ns + ranks[unit.number] * _PRIME_STEP_NS)
        self._last = units[-1].number

    def push(self, unit: AccessUnit) -> None:
        """Hands on the newest unit."""
        with self._lock:
            if not self._running:
                return
            if self._last is None:
                self._prime()
            now_ns = self._running_ns()
            if self._last is None or now_ns is None or unit.number <= self._last:
                return
            self._last = unit.number
            # The jitter of the arrival stays out: the media's clock and the unit's are the same.
            self._push(unit, max(now_ns - (time.monotonic_ns() - unit.pts_ns), 0))

    def _running_ns(self) -> int | None:
        clock, base_ns = self._appsrc.get_clock(), self._appsrc.get_base_time()
        if clock is None:
            return None
        return max(int(clock.get_time()) - int(base_ns), 0)

    def _push(self, unit: AccessUnit, pts_ns: int) -> None:
        self._appsrc.emit("push-buffer", with_pts(unit.payload, pts_ns))


class _Channel:
    """One path of the relay."""

    def __init__(self, caps: Gst.Caps, primer: Primer) -> None:
        self.caps = caps
        self._primer = primer
        self._feeds: dict[GstRtspServer.RTSPMedia, _Feed] = {}
        media_type = str(caps.get_structure(0).get_name())
        self.factory = GstRtspServer.RTSPMediaFactory()
        self.factory.set_launch(
            "( appsrc name=units format=time is-live=true max-bytes=0 max-time=2000000000 leaky-type=downstream "
            f"! {CODECS[media_type].pay} )"
        )
        self.factory.set_shared(True)
        self.factory.set_clock(Gst.SystemClock.obtain())
        permissions = GstRtspServer.RTSPPermissions.new()
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role(_ROLE, permission, True)
        self.factory.set_permissions(permissions)
        self.factory.connect("media-configure", self._on_media)

    def _on_media(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        appsrc = media.get_element().get_by_name("units")
        self._feeds = {**self._feeds, media: _Feed(appsrc, self.caps, self._primer)}
        media.connect("unprepared", self._on_unprepared)

    def _on_unprepared(self, media: GstRtspServer.RTSPMedia) -> None:
        self._feeds = {known: feed for known, feed in self._feeds.items() if known is not media}

    def push(self, unit: AccessUnit) -> None:
        """Hands a unit to everybody who watches."""
        for feed in self._feeds.values():
            feed.push(unit)


class Relay:
    """The server. Raises MediaError when its port cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self._channels: dict[str, _Channel] = {}
        self._users: dict[str, str] = {}
        self._lock = threading.Lock()
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address(host)
        self._server.set_service(str(port))
        self._auth = GstRtspServer.RTSPAuth()
        self._auth.set_supported_methods(_DIGEST)
        self._auth.set_realm(_REALM)
        self._server.set_auth(self._auth)
        if not self._server.attach(None):
            raise MediaError(
                f"the RTSP relay cannot listen on {host}:{port}: the port is in use, or the address is not this "
                "machine's; end the other program or choose another relay port"
            )
        self.port = int(self._server.get_bound_port())
        GLib.timeout_add_seconds(_SESSION_CLEANUP_S, self._clean_sessions)

    def set_users(self, users: Iterable[RelayUser]) -> None:
        """Replaces the users. Whoever watches is cut off when a user was removed or got another password."""
        wanted = {user.name: user.password for user in users}
        outdated = [name for name, password in self._users.items() if wanted.get(name) != password]
        for name in outdated:
            self._auth.remove_digest(name)
        token = GstRtspServer.RTSPToken.new()
        token.set_string("media.factory.role", _ROLE)
        for name, password in wanted.items():
            if name in outdated or name not in self._users:
                self._auth.add_digest(name, password, token)
        self._users = wanted
        if outdated:
            self._server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)

    def open_channel(self, channel: str, caps: Gst.Caps, primer: Primer) -> None:
        """Opens the path of a channel, or keeps it if the format is the same. Codecs without a payloader have none."""
        media_type = caps.get_structure(0).get_name()
        with self._lock:
            known = self._channels.get(channel)
            if known is not None and known.caps.get_structure(0).get_name() == media_type:
                known.caps = caps
                return
            mounts = self._server.get_mount_points()
            if known is not None:
                mounts.remove_factory(f"/{channel}")
                del self._channels[channel]
            if media_type in CODECS:
                opened = self._channels[channel] = _Channel(caps, primer)
                mounts.add_factory(f"/{channel}", opened.factory)

    def close_channel(self, channel: str) -> None:
        """Closes the path of a channel."""
        with self._lock:
            if self._channels.pop(channel, None) is not None:
                self._server.get_mount_points().remove_factory(f"/{channel}")

    def push(self, channel: str, unit: AccessUnit) -> None:
        """Hands a unit to the channel's watchers (GStreamer's thread)."""
        known = self._channels.get(channel)
        if known is not None:
            known.push(unit)

    def _clean_sessions(self) -> bool:
        self._server.get_session_pool().cleanup()
        return True
