"""The settings as the rest of the engine sees them: complete, checked, immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.core.events import RuleKind
from engine.core.geodesy import Mounting
from engine.core.geometry import Point, Pose
from engine.core.values import TargetType
from engine.core.zoom import ZoomCurve


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Where the HTTP and WebSocket API answers; with both files given, by TLS."""

    host: str
    port: int
    tls_certificate: Path | None
    tls_key: Path | None


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """Where the RTSP relay answers, and where by TLS (with both files given, with that certificate)."""

    host: str
    port: int
    secure_port: int
    tls_certificate: Path | None
    tls_key: Path | None


@dataclass(frozen=True, slots=True)
class OnvifConfig:
    """Where the engine answers as an ONVIF device, and whether as one, or as one a channel from that port on."""

    enabled: bool
    host: str
    port: int
    discovery: bool
    devices: Literal["one", "per_channel"]
    factory_default: bool
    """Whether an administrator may reset the device by ONVIF."""
    check_brokers: bool = True
    """Whether an MQTT broker that is reached by TLS must have a certificate of an authority that is known."""
    broker_ca: Path | None = None
    """Authorities besides those of the system (PEM)."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """How long and how much is kept; the oldest goes first. None is without limit."""

    capture_days: float | None
    capture_gigabytes: float | None
    event_days: float | None


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """Which detector runs, on what, and how many pictures at a time.

    `threads` 0: as many as there are cores. `confidence` None: as the model needs it.
    """

    model: str
    providers: tuple[str, ...]
    confidence: float | None
    threads: int


@dataclass(frozen=True, slots=True)
class AnalysisConfig:
    """How a channel's pictures are analysed: pictures a second, width in pixels, tiles across and down."""

    fps: float
    width: int
    tiles_x: int
    tiles_y: int


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One picture of a camera. `stream` is a media profile's token or name, an RTSP address, or a file's path."""

    channel_id: str
    name: str
    role: Literal["overview", "ptz"]
    stream: str | None
    projection: Literal["pinhole", "equirectangular"]
    hfov_deg: float | None
    analysis: AnalysisConfig
    latency_s: float
    zoom_curve: ZoomCurve
    pan_range_deg: tuple[float, float]
    tilt_range_deg: tuple[float, float]
    pan_speed_dps: float
    tilt_speed_dps: float
    ramp_s: float
    command_delay_s: float
    report_delay_s: float
    home: Pose | None
    mounting: Mounting | None = None
    """Where on Earth a PTZ camera stands; None where nobody said."""


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One device and how to reach it."""

    camera_id: str
    name: str
    driver: Literal["onvif", "rtsp", "file"]
    address: str
    username: str | None
    password: str | None = field(repr=False)
    channels: tuple[ChannelConfig, ...]


@dataclass(frozen=True, slots=True)
class PointPair:
    """A calibration point: where it is in the overview picture (normalised), and where the PTZ looks to centre it."""

    x: float
    y: float
    pan_deg: float
    tilt_deg: float


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """An overview channel and the PTZ channel that it sends."""

    link_id: str
    name: str
    overview: str
    ptz: str
    pairs: tuple[PointPair, ...]
    capture_ratio: float
    """The wanted height of a target as a fraction of the PTZ picture's height (*capture ratio factor*)."""
    vertical_offset: float
    """Which part of the target is centred, 0 its top to 100 its bottom (*capture vertical offset factor*)."""
    dwell_s: float
    max_tracking_s: float
    follow_after_s: float


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """A region or line on a channel, what it waits for, and the link that it sends (None: it only reports).

    No `points`: the whole picture, for kinds that may. `confidence`: so sure (0 to 1) the detector must be.
    `sensitivity`: 0 to 100, of motion. A rule that is not `armed` sleeps.
    """

    rule_id: str
    name: str
    kind: RuleKind
    channel: str
    points: tuple[Point, ...]
    direction: Literal["both", "a_to_b", "b_to_a"]
    min_seconds: float
    targets: tuple[TargetType, ...]
    link: str | None = None
    priority: int = 50
    confidence: float = 0.0
    armed: bool = True
    sensitivity: float = 50.0


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that a site file says, and which `file` it is."""

    file: Path
    name: str
    data_dir: Path
    api: ApiConfig
    relay: RelayConfig
    onvif: OnvifConfig
    vision: VisionConfig
    storage: StorageConfig
    cameras: tuple[CameraConfig, ...]
    links: tuple[LinkConfig, ...]
    rules: tuple[RuleConfig, ...]

    @property
    def channels(self) -> tuple[ChannelConfig, ...]:
        """The channels of all cameras."""
        return tuple(channel for camera in self.cameras for channel in camera.channels)

    def channel(self, channel_id: str) -> ChannelConfig:
        """The channel of this id; KeyError if there is none."""
        for channel in self.channels:
            if channel.channel_id == channel_id:
                return channel
        raise KeyError(channel_id)
