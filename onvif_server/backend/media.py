"""What is seen and heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from onvif_server.backend.access import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    """Sound as it is sent: encoding `PCMU`, `PCMA`, `G726`, `MP4A-LATM` or `OPUS`; the rate in Hz."""

    encoding: str = "PCMU"
    sample_rate_hz: int = 8000
    channels: int = 1
    bitrate_kbps: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChannel:
    """One picture source with one fixed profile. `token` is an NCName-like word, unique in the device.

    Token and `audio`/`back_channel` being there or not are constant while the device runs; the rest may change with
    the camera's settings.
    """

    token: str
    name: str
    width: int
    height: int
    fps: float
    bitrate_kbps: int = 4096
    encoding: str = "H264"
    """`H264`, `H265` or `JPEG`; Media ver10 cannot express H265 and leaves such channels out."""
    gov_length: int = 50
    encoder_profile: str = "Main"
    audio: AudioFormat | None = None
    """What the channel's microphone sends; None if it has none."""
    back_channel: AudioFormat | None = None
    """What its loudspeaker takes; None if it has none."""


class Transport(StrEnum):
    """How a client wants its stream."""

    RTP_UDP = "RTP over UDP"
    RTP_RTSP_TCP = "RTP over RTSP"
    RTP_RTSP_HTTP = "RTP over RTSP over HTTP"
    MULTICAST = "RTP multicast"
    RTSPS = "RTP over RTSP over TLS"
    SRTP = "secure RTP"
    SRTP_MULTICAST = "secure RTP multicast"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """What a profile's stream holds, and how it goes to the client.

    `host` is the name or address by which the client reached us, without port; an IPv6 address comes in brackets.
    """

    host: str
    transport: Transport = Transport.RTP_UDP
    video: bool = True
    audio: bool = False
    metadata: bool = False
    back_channel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingAbilities:
    """What the host's RTSP server can do besides UDP and interleaved TCP."""

    http_tunnel: bool = False
    multicast: bool = False
    rtsps: bool = False
    srtp: bool = False
    metadata: bool = False
    """Whether it sends the documents of `OnvifDevice.metadata` along."""


class StreamKind(StrEnum):
    """The parts of a stream."""

    VIDEO = "video"
    AUDIO = "audio"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class MulticastTarget:
    """Where a part of a channel's stream goes by multicast; the port is even, RTCP has the next one."""

    address: str
    port: int
    ttl: int = 1


class Multicast(Protocol):
    """The host's multicast sender of one channel. Methods raise `Refused`."""

    @property
    def ipv6(self) -> bool:
        """Whether it can send to IPv6 addresses too; constant while the device runs."""
        ...

    def configure(self, kind: StreamKind, target: MulticastTarget) -> None:
        """Where a part goes from the next start on (also for clients that ask for multicast by RTSP)."""
        ...

    async def start(self, kinds: frozenset[StreamKind]) -> None:
        """Sends the parts until `stop`, whether anybody listens or not. Starting twice is no mistake."""
        ...

    async def stop(self) -> None:
        """Ends what `start` began."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """How a channel's video is encoded. `quality` is relative, within the options' range."""

    encoding: str
    width: int
    height: int
    fps: float
    bitrate_kbps: int
    gov_length: int
    profile: str
    quality: float
    constant_bitrate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOptions:
    """What can be set for one encoding. Pairs are (lowest, highest)."""

    encoding: str
    sizes: Sequence[tuple[int, int]]
    frame_rates: Sequence[float]
    bitrate_kbps: tuple[int, int]
    gov_length: tuple[int, int]
    profiles: Sequence[str]
    quality: tuple[float, float]
    constant_bitrate: bool = False


class Encoder(Protocol):
    """The encoder of a channel's video. Methods raise `Refused`."""

    async def settings(self) -> EncoderSettings:
        """As it is set now."""
        ...

    async def options(self) -> Sequence[EncoderOptions]:
        """What can be set, an entry an encoding."""
        ...

    async def set(self, caller: Caller, settings: EncoderSettings) -> None:
        """Sets it; the values lie within the options. The channel's description follows."""
        ...


class OsdKind(StrEnum):
    """What a text on the picture shows."""

    PLAIN = "Plain"
    DATE = "Date"
    TIME = "Time"
    DATE_AND_TIME = "DateAndTime"


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdText:
    """A text on the picture.

    `position` is `UpperLeft`, `UpperRight`, `LowerLeft`, `LowerRight`, or None with `x`, `y` from (-1, -1) lower left
    to (1, 1) upper right. `date_format` and `time_format` are ONVIF's (`yyyy-MM-dd`, `HH:mm:ss`…), None: the host's.
    """

    kind: OsdKind
    text: str = ""
    position: str | None = "UpperLeft"
    x: float = 0.0
    y: float = 0.0
    font_size: int | None = None
    date_format: str | None = None
    time_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdOptions:
    """What texts a channel's picture can bear; `plain`, `date_and_time` are counts of each kind, `total` of all."""

    total: int
    plain: int
    date_and_time: int
    positions: Sequence[str] = ("UpperLeft", "UpperRight", "LowerLeft", "LowerRight", "Custom")
    date_formats: Sequence[str] = ("yyyy-MM-dd",)
    time_formats: Sequence[str] = ("HH:mm:ss",)
    font_sizes: tuple[int, int] | None = None


class Osd(Protocol):
    """The texts on a channel's picture, seen by everybody who watches. Methods raise `Refused`."""

    async def options(self) -> OsdOptions:
        """What is possible."""
        ...

    async def texts(self) -> dict[str, OsdText]:
        """The texts by token; tokens are unique in the device."""
        ...

    async def create(self, caller: Caller, text: OsdText) -> str:
        """Puts a text on the picture; returns its token."""
        ...

    async def change(self, caller: Caller, token: str, text: OsdText) -> None:
        """Changes a text."""
        ...

    async def delete(self, caller: Caller, token: str) -> None:
        """Takes a text away."""
        ...
