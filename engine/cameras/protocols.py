"""What a camera is to the rest of the engine, whatever it speaks.

Conventions: pan grows to the right (clockwise from above), tilt upwards, both in degrees in the camera's own sphere;
zoom is the lens position from 0 (wide) to 1 (tele); speeds run from 0 to 1 of what the motors can do, and continuous
velocities from -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from engine.cameras.errors import CameraError, CameraFault, CameraRefused, CameraUnreachable
from engine.cameras.extras import (
    EncoderControl,
    Extras,
    ImagingAbilities,
    ImagingControl,
    OsdControl,
    TerminalControl,
)

__all__ = [
    "Camera",
    "CameraError",
    "CameraFault",
    "CameraInformation",
    "CameraPreset",
    "CameraRefused",
    "CameraUnreachable",
    "Channel",
    "ChannelCapabilities",
    "EncoderControl",
    "Extras",
    "ImagingAbilities",
    "ImagingControl",
    "MotorCapabilities",
    "MotorStatus",
    "Motors",
    "OsdControl",
    "StreamAddress",
    "TerminalControl",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotorCapabilities:
    """What a head and its lens can be told to do.

    `pan_range_deg` and `tilt_range_deg` are (lowest, highest), None where not known; a head without stops in pan
    reports (-180, 180) and `pan_endless`. `spherical`: the camera itself speaks degrees; otherwise the degrees are the
    generic space -1..1 mapped linearly to the ranges. `relative_fov`: relative moves in fractions of the picture.
    `tracking`: the camera can follow a target by itself (MoveAndStartTracking).
    """

    absolute: bool = False
    relative: bool = False
    relative_fov: bool = False
    continuous: bool = False
    zoom: bool = False
    presets: bool = False
    home: bool = False
    status: bool = False
    move_status: bool = False
    pan_range_deg: tuple[float, float] | None = None
    tilt_range_deg: tuple[float, float] | None = None
    pan_endless: bool = False
    spherical: bool = False
    tracking: bool = False
    max_presets: int = 0


@dataclass(frozen=True, slots=True)
class MotorStatus:
    """Where the head points at `at` (Unix seconds, our clock), and whether it moves."""

    at: float
    pan_deg: float
    tilt_deg: float
    zoom: float
    moving: bool


@dataclass(frozen=True, slots=True)
class CameraPreset:
    """A position that the camera itself keeps."""

    token: str
    name: str


class Motors(Protocol):
    """The motors of one channel. Every method raises CameraError (unreachable, refused, fault).

    Head (pan and tilt) and lens are apart: a move that names only the one lets the other go on with what it does. Where
    a move names only one of pan and tilt, the other stays where it is.
    """

    @property
    def capabilities(self) -> MotorCapabilities:
        """What they can do; known after the camera is connected."""
        ...

    async def move_absolute(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move to a direction and zoom. Values beyond the ranges are clamped."""
        ...

    async def move_relative(
        self,
        *,
        pan_deg: float | None = None,
        tilt_deg: float | None = None,
        zoom: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Starts a move by so many degrees, and by so much of the zoom range."""
        ...

    async def move_continuous(
        self, *, pan: float | None = None, tilt: float | None = None, zoom: float | None = None
    ) -> None:
        """Sets velocities (-1..1) that hold until the next command."""
        ...

    async def stop(self, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stops the head, the lens, or both."""
        ...

    async def status(self) -> MotorStatus:
        """Where the head points now."""
        ...

    async def presets(self) -> list[CameraPreset]:
        """The positions that the camera keeps."""
        ...

    async def goto_preset(self, token: str, speed: float = 1.0) -> None:
        """Starts a move to one of them."""
        ...

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """Keeps the present position under a name (in the place of `token`, if given); returns its token."""
        ...

    async def remove_preset(self, token: str) -> None:
        """Forgets one."""
        ...

    async def goto_home(self) -> None:
        """Starts a move to the camera's home position."""
        ...


@dataclass(frozen=True, slots=True)
class CameraInformation:
    """Who made it and what it is; empty where the camera does not say."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    hardware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One picture source of a camera. `size` (width, height) and `fps` are None where the camera does not say."""

    id: str
    profile: str
    codec: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    profiles: tuple[str, ...] = ()
    """The tokens of all profiles that show this picture source, the chosen one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCapabilities:
    """What a channel can do, as `smart-ptz check` reports it; what else there is, `Extras` say."""

    motors: MotorCapabilities | None = None
    snapshot: bool = False
    audio: bool = False


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Where a channel's video is, and as whom to ask for it. The URL carries no credentials."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


class Camera(Protocol):
    """One camera. Channels are named by the ids of the site file. Methods raise CameraError."""

    @property
    def name(self) -> str:
        """Its name in the site file."""
        ...

    @property
    def address(self) -> str:
        """Where it is looked for, without credentials."""
        ...

    @property
    def information(self) -> CameraInformation:
        """Who made it; empty before it is connected."""
        ...

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Its channels, in the order of the site file; empty before it is connected."""
        ...

    @property
    def has_events(self) -> bool:
        """Whether it offers an event service."""
        ...

    async def connect(self) -> None:
        """Reaches the camera and learns what it can do. May be called again after a loss."""
        ...

    async def check(self) -> None:
        """A cheap call that raises when the camera is gone."""
        ...

    async def close(self) -> None:
        """Ends all connections. A closed camera can be connected again."""
        ...

    async def stream_address(self, channel: str) -> StreamAddress:
        """Where the channel's video is."""
        ...

    async def snapshot(self, channel: str) -> bytes:
        """A JPEG from the camera itself; CameraFault where it offers none."""
        ...

    async def synchronize(self, channel: str) -> None:
        """Has the camera send a key frame of the channel's video soon; CameraFault where it cannot be told to."""
        ...

    def motors(self, channel: str) -> Motors | None:
        """The channel's motors; None where it has none. The object stays valid over reconnections."""
        ...

    def extras(self, channel: str) -> Extras:
        """What the channel can do beside showing and moving, as it was at the last connection; nothing before."""
        ...

    def imaging(self, channel: str) -> ImagingControl | None:
        """The channel's picture settings and focus; None for a channel that is not of this camera, or a driver that
        knows none. The object stays valid over reconnections, even where `extras` tells that there is nothing to set.
        """
        ...

    def encoder(self, channel: str) -> EncoderControl | None:
        """The channel's encoder; see `imaging`."""
        ...

    def osd(self, channel: str) -> OsdControl | None:
        """The texts in the channel's picture; see `imaging`."""
        ...

    @property
    def terminals(self) -> TerminalControl | None:
        """The camera's relays and inputs; None for a driver that knows none. The object stays valid over reconnections,
        even where `extras` tells that there are none.
        """
        ...

    async def auxiliary(self, channel: str, command: str) -> str:
        """Carries out one of the channel's auxiliary commands; returns what the camera says to it, often nothing."""
        ...

    async def device_auxiliary(self, command: str) -> str:
        """Carries out one of the camera's own auxiliary commands."""
        ...

    async def capabilities(self, channel: str) -> ChannelCapabilities:
        """What the channel can do."""
        ...
