"""The cameras' video: an RTSP server in this process, one shared H.264 pipeline a stream, digest authentication.

Every picture carries the time at which it was "taken", so that the sender reports of RTCP map RTP timestamps to it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import cv2
import gi

from engine.core.values import Image
from engine.simulator.loudspeaker import SimulatedLoudspeaker
from engine.simulator.scene import PictureSize
from onvif_server.backend import AudioFormat

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - the versions must be chosen first

_ROLE = "viewer"
# A track that no client takes leads nowhere. That is no error: one would end the others, and what is said.
_FORK = "tee allow-not-linked=true"
_TONE = (
    f"audiotestsrc is-live=true wave=ticks ! {_FORK} ! audio/x-raw,channels=1,rate={{}} ! audioconvert ! {{}} name=pay1"
)
_TONES = {
    "": "",
    "PCMU": _TONE.format(8000, "mulawenc ! rtppcmupay pt=0"),
    "PCMA": _TONE.format(8000, "alawenc ! rtppcmapay pt=8"),
    "AAC": _TONE.format(16000, "avenc_aac ! rtpmp4gpay pt=97"),
}
SOUNDS = {
    "PCMU": AudioFormat(encoding="PCMU"),
    "PCMA": AudioFormat(encoding="PCMA"),
    "AAC": AudioFormat(encoding="MP4A-LATM", sample_rate_hz=16_000),
}
"""As ONVIF calls them."""
_EAR = (
    "( capsfilter name=depay_backchannel caps=application/x-rtp,media=audio,payload={},clock-rate=8000,"
    "encoding-name={} ! {} ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=8000 "
    "! appsink name=loudspeaker emit-signals=true sync=false async=false )"
)
_EARS = {
    "PCMU": _EAR.format(0, "PCMU", "rtppcmudepay ! mulawdec"),
    "PCMA": _EAR.format(8, "PCMA", "rtppcmadepay ! alawdec"),
}
_EARLY = 0.6
"""A picture that comes after less of the stream's period is one too many."""


class StreamServerError(Exception):
    """The RTSP server cannot serve; the message says why."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A stream: its path (without slash), picture size and rate, and a key frame every so many pictures.

    `key_frame_every` 0: one a second. `sound`: with a tone beside (`PCMU`, `PCMA` or `AAC`). `back_channel`: with a
    loudspeaker that takes `PCMU` or `PCMA` (ONVIF back channel).
    """

    path: str
    size: PictureSize
    fps: float
    bitrate_kbps: int = 4000
    key_frame_every: int = 0
    sound: str = ""
    back_channel: str = ""

    @property
    def key_distance(self) -> int:
        """From key frame to key frame, in pictures."""
        return self.key_frame_every or max(round(self.fps), 1)

    @property
    def caps(self) -> str:
        """Its pictures, in GStreamer's words."""
        return (
            f"video/x-raw,format=I420,width={self.size.width},height={self.size.height},"
            f"framerate={round(self.fps * 1000)}/1000,colorimetry=bt601"
        )


@dataclass(frozen=True, slots=True)
class Login:
    """Who may watch."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """A pipeline that sends a stream: where its pictures go in, and what encodes them."""

    source: Any
    encoder: Any


class StreamServer:
    """Serves pictures that are pushed into it. `push` may be called from any thread.

    Raises StreamServerError from `start` if the port is taken.
    """

    def __init__(self, host: str, streams: tuple[VideoStream, ...], login: Login, port: int = 0) -> None:
        Gst.init(None)
        self._streams = {stream.path: stream for stream in streams}
        # By path, of every pipeline that runs: who wants to talk has one of their own.
        self._running: dict[str, tuple[_Running, ...]] = {}
        self._pushed: dict[str, float] = {}
        self._changing = threading.Lock()
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._thread = threading.Thread(target=self._run, name="rtsp", daemon=True)
        self.loudspeakers = {stream.path: SimulatedLoudspeaker() for stream in streams if stream.back_channel}
        """By path, of the streams that have one."""
        self._server = GstRtspServer.RTSPOnvifServer()
        self._server.set_address(host)
        self._server.set_service(str(port))
        self._server.set_auth(_authentication(login))
        # All in one thread: a client that still sends must not be ended by another.
        self._server.get_thread_pool().set_max_threads(0)
        for stream in streams:
            self._server.get_mount_points().add_factory(f"/{stream.path}", self._factory(stream))

    def start(self) -> int:
        """Listens, and returns the port."""
        if not self._server.attach(self._context):
            address, service = self._server.get_address(), self._server.get_service()
            raise StreamServerError(f"cannot listen for RTSP on {address}:{service}: is the port in use?")
        self._thread.start()
        return int(self._server.get_bound_port())

    def stop(self) -> None:
        """Ends all connections and the server."""
        if not self._thread.is_alive():
            return
        source = GLib.idle_source_new()
        source.set_callback(self._end)
        source.attach(self._context)
        self._thread.join(timeout=5)

    def _end(self, *_: object) -> bool:
        self._server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        self._loop.quit()
        return False

    def watched(self, path: str) -> bool:
        """Whether anybody watches the stream now."""
        return bool(self._running.get(path))

    def push(self, path: str, picture: Image, captured_at: float) -> None:
        """Shows a picture that was taken at `captured_at` (Unix seconds).

        Nothing happens if nobody watches, if it comes sooner than the stream's rate allows, or if it has another size
        than the stream (that has just been changed).
        """
        with self._changing:
            stream = self._streams[path]
            size = (stream.size.width, stream.size.height)
            early = captured_at - self._pushed.get(path, 0.0) < _EARLY / stream.fps
            if picture.shape[1::-1] != size or early:
                return
            self._pushed[path] = captured_at
            self._push(path, picture, captured_at)

    def reconfigure(self, stream: VideoStream) -> None:
        """Sends a stream otherwise from now on; who watches it sees the change (but the distance of key frames)."""
        with self._changing:
            self._streams[stream.path] = stream
            self._server.get_mount_points().add_factory(f"/{stream.path}", self._factory(stream))
            for one in self._running.get(stream.path, ()):
                one.source.set_property("caps", Gst.Caps.from_string(stream.caps))
                one.encoder.set_property("bitrate", stream.bitrate_kbps)

    def key_frame(self, path: str) -> None:
        """Has the next picture of a stream be a key frame; nothing happens if nobody watches."""
        with self._changing:
            for one in self._running.get(path, ()):
                order = Gst.Structure.new_from_string("GstForceKeyUnit, all-headers=(boolean)true")
                pad = one.encoder.get_static_pad("src")
                pad.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, order))

    def _push(self, path: str, picture: Image, captured_at: float) -> None:
        running = self._running.get(path, ())
        if not running:
            return
        packed = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes()
        for one in running:
            _push_into(one.source, packed, captured_at, round(Gst.SECOND / self._streams[path].fps))

    def _run(self) -> None:
        self._context.push_thread_default()
        self._loop.run()
        self._context.pop_thread_default()

    def _factory(self, stream: VideoStream) -> Any:
        factory = _factory_for(stream)
        factory.set_launch(
            f"( appsrc name=source is-live=true format=time max-buffers=3 leaky-type=downstream caps={stream.caps}"
            f" ! {_FORK} ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast threads=1"
            f" bitrate={stream.bitrate_kbps} key-int-max={stream.key_distance}"
            f" ! video/x-h264,profile=constrained-baseline"
            f" ! rtph264pay name=pay0 pt=96 config-interval=-1 {_TONES[stream.sound]} )"
        )
        factory.set_shared(True)
        permissions = GstRtspServer.RTSPPermissions()
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role(_ROLE, permission, True)
        factory.set_permissions(permissions)
        factory.connect("media-configure", self._configured, stream.path)
        return factory

    def _configured(self, _factory: Any, media: Any, path: str) -> None:
        loudspeaker = media.get_element().get_by_name("loudspeaker")
        if loudspeaker is not None:
            self.loudspeakers[path].connect(loudspeaker)
        element = media.get_element()
        one = _Running(element.get_by_name("source"), element.get_by_name("encoder"))
        self._running[path] = (*self._running.get(path, ()), one)
        media.connect("unprepared", self._ended, path, one)

    def _ended(self, _media: Any, path: str, ended: _Running) -> None:
        self._running[path] = tuple(one for one in self._running[path] if one is not ended)


def _push_into(source: Any, packed: bytes, captured_at: float, duration_ns: int) -> None:
    clock = source.get_clock()
    if clock is None:
        return
    age_ns = time.time_ns() - round(captured_at * 1e9)
    timestamp = clock.get_time() - source.get_base_time() - age_ns
    if timestamp < 0:
        # Taken before the pipeline began: such a picture has no place on its time line.
        return
    buffer = Gst.Buffer.new_wrapped(packed)
    buffer.pts = buffer.dts = timestamp
    buffer.duration = duration_ns
    source.emit("push-buffer", buffer)


def _factory_for(stream: VideoStream) -> Any:
    if not stream.back_channel:
        return GstRtspServer.RTSPMediaFactory()
    factory = GstRtspServer.RTSPOnvifMediaFactory()
    factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia)
    factory.set_backchannel_launch(_EARS[stream.back_channel])
    return factory


def _authentication(login: Login) -> Any:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", _ROLE)
    authentication = GstRtspServer.RTSPAuth()
    authentication.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    authentication.add_digest(login.username, login.password, token)
    return authentication
