"""What the media room takes and gives: sources, settings, snapshots, statistics, events, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from urllib.parse import unquote, urlsplit, urlunsplit

from engine.core.values import Image

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Tracks(Flag):
    """The parts of a stream, in the order of their tracks."""

    VIDEO = auto()
    AUDIO = auto()
    METADATA = auto()


SEEN_AND_HEARD = Tracks.VIDEO | Tracks.AUDIO
"""What a channel's own path brings; the sound only where the camera has it."""


class Delivery(StrEnum):
    """How a client gets a stream: by RTSP, by RTSP in TLS, encrypted (SRTP; RTSP in TLS, too), or by multicast."""

    PLAIN = "plain"
    SECURE = "secure"
    SRTP = "srtp"
    MULTICAST = "multicast"


def path_suffix(tracks: Tracks, delivery: Delivery = Delivery.PLAIN) -> str:
    """What follows a channel's name in its address, for what is asked for."""
    if delivery is Delivery.MULTICAST:
        # One path: whatever is sent to one address is sent once. Clients take the tracks that they want.
        return "/multicast"
    names = "" if tracks == SEEN_AND_HEARD else "/" + "-".join(str(one.name).lower() for one in tracks)
    return f"/srtp{names}" if delivery is Delivery.SRTP else names


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """A stream's sound: `encoding` is `PCMU`, `PCMA`, `AAC` or `OPUS`."""

    encoding: str
    rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where a track goes by multicast: an address, and an even port (RTCP has the next one)."""

    address: str
    port: int
    ttl: int = 1


class MediaError(Exception):
    """The media process cannot do what was asked; the message says what to change."""


class SnapshotUnavailable(MediaError):  # noqa: N818 - says what is the case
    """There is no picture of the channel near the instant that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """Where a channel's video comes from, and how it is analysed.

    `url` is `rtsp://`, `rtsps://` or `file://` (played once in real time, or round and round with `loop`); empty while
    it is not known: then watchers wait at the channel's paths. A user and password inside the address are moved to
    their own fields. `transport` is `tcp` or `udp`. Pictures for analysis are
    at most `analysis_width` pixels wide and come at most `analysis_fps` times a second. `latency_s` is the measured
    delay between light and arrival, used while the camera does not tell the time itself (RTCP sender reports).
    `back_channel` tells that the camera has a loudspeaker (ONVIF back channel) that users of the relay may talk to.

    Raises MediaError when a value makes no sense.
    """

    channel: str
    url: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    transport: str = "tcp"
    analysis_width: int = 640
    analysis_fps: float = 5.0
    latency_s: float = 0.0
    loop: bool = False
    back_channel: bool = False

    def __post_init__(self) -> None:
        if not _CHANNEL.fullmatch(self.channel):
            raise MediaError(f"channel {self.channel!r}: use 1 to 64 letters, digits, '_', '-' or '.'")
        self._take_credentials_from_url()
        if self.transport not in {"tcp", "udp"}:
            raise MediaError(f"channel {self.channel}: transport is 'tcp' or 'udp', not {self.transport!r}")
        if not 16 <= self.analysis_width <= 8192:
            raise MediaError(f"channel {self.channel}: analysis width {self.analysis_width} is not between 16 and 8192")
        if not 0 < self.analysis_fps <= 240:
            raise MediaError(f"channel {self.channel}: {self.analysis_fps} frames a second is not between 0 and 240")

    def _take_credentials_from_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = parts.hostname
        except ValueError as error:
            raise MediaError(f"channel {self.channel}: the stream's address cannot be read: {error}") from None
        if not self.url:
            return
        if parts.scheme not in {"rtsp", "rtsps", "file"} or (parts.scheme != "file" and not host):
            raise MediaError(
                f"channel {self.channel}: the stream's address must begin with rtsp://, rtsps:// or file://"
            )
        userinfo, at, location = parts.netloc.rpartition("@")
        if at:
            username, _, password = userinfo.partition(":")
            object.__setattr__(self, "url", urlunsplit(parts._replace(netloc=location)))
            object.__setattr__(self, "username", self.username or unquote(username))
            object.__setattr__(self, "password", self.password or unquote(password))

    @property
    def is_file(self) -> bool:
        """Whether the video comes from a file instead of a camera."""
        return self.url.startswith("file:")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayUser:
    """Who may watch the relay (RTSP digest authentication); `may_talk`: and speak through its cameras' loudspeakers."""

    name: str
    password: str = field(repr=False)
    may_talk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """How the media process runs: the relay's address (port 0 takes any free one) and the seconds of encoded video
    kept for snapshots.

    With both `tls_certificate` and `tls_key` (paths of PEM files) the relay also listens for RTSPS, on `secure_port`.
    No more than `max_clients` connections are held at once; one without a login ends after `login_s` seconds, or sooner
    where there are many of them.
    """

    relay_host: str = "127.0.0.1"
    relay_port: int = 0
    history_s: float = 10.0
    secure_port: int = 0
    tls_certificate: str | None = None
    tls_key: str | None = None
    max_clients: int = 128
    login_s: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A full-resolution picture, and when it was taken (Unix seconds)."""

    image: Image
    captured_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatistics:
    """How a stream does.

    `received_fps` counts encoded pictures; `analysed` those handed to a consumer; `skipped` those decoded for analysis
    that no consumer took, or dropped undecoded because the machine was too slow. `last_frame_at` is the arrival of the
    newest picture (Unix seconds). `width`, `height`, `codec` (`h264`, `h265`, ...) and `audio` (None: the camera sends
    no sound that can be relayed) are the camera's.
    """

    received_fps: float = 0.0
    analysed: int = 0
    skipped: int = 0
    connected: bool = False
    last_frame_at: float | None = None
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    audio: SoundFormat | None = None


@dataclass(frozen=True, slots=True)
class StreamConnected:
    """The first picture of a stream arrived (again)."""

    channel: str


@dataclass(frozen=True, slots=True)
class StreamLost:
    """A stream could not be opened or broke off; it is tried again by itself.

    `refused` tells that the camera refused the user or the password: such a stream is tried once a minute only, so that
    nobody is locked out. Told once for each loss, not for every try.
    """

    channel: str
    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class MediaDied:
    """The media process ended unexpectedly; it is being started again."""

    reason: str


@dataclass(frozen=True, slots=True)
class LoginFailed:
    """Somebody gave a wrong name or password to the relay; `username` is what was claimed, at most 128 characters."""

    username: str
    address: str


type MediaEvent = StreamConnected | StreamLost | MediaDied | LoginFailed
